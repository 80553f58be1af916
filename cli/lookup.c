/* lookup.c - from what the user typed to a pool, a volume, a file. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/words.h"
#include "core/backend.h"
#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/base/uuid.h"
#include "xml/xml.h"

#define POOLS_NAMED 8		/* in a hint */

static void hint_pools(struct cli *cli)
{
	cleanup(bp_pools_closep) struct bp_pool_iter *it = NULL;
	cleanup(text_done) struct text names = { 0 };
	struct bp_error ignored = { 0 };
	struct bp_pool_info info;
	size_t n = 0;

	if (cli->virsh || bp_pools_open(cli->store, 0, NULL, &it, &ignored) < 0)
		return;
	for (; bp_pools_next(it, &info, &ignored) > 0; n++)
		if (n < POOLS_NAMED)
			text_addf(&names, "%s'%s'", n ? ", " : "", info.name);
	if (n == 0)
		cli_hint(cli, "there is no pool yet; '%s init' makes one", cli->program);
	else if (n > POOLS_NAMED)
		cli_hint(cli, "there are %s and %zu more", names.s, n - POOLS_NAMED);
	else
		cli_hint(cli, "%s %s", n == 1 ? "the only pool is" : "the pools are", names.s);
}

/* "'barepool vol-list default' lists what is there" */
static void hint_command(struct cli *cli, const char *command, const char *pool, const char *does)
{
	auto_free char *word = shell_word(pool);

	cli_hint(cli, "'%s %s %s' %s", cli->program, command, word, does);
}

int pool_lookup(struct cli *cli, const char *text, unsigned how, char **ret,
		struct bp_error *err)
{
	bool can_be_uuid = strlen(text) == UUID_TEXT - 1;

	if (!can_be_uuid)
		how &= ~(unsigned)BP_BY_UUID;
	if (how && bp_pool_resolve(cli->store, text, how, ret, err) == 0)
		return 0;
	if (!how || err->code == BP_NO_POOL)
		hint_pools(cli);
	return cli_failed(cli, "failed to get pool '%s'", text);
}

/* One line that says it all. */
static int says_enough(struct bp_error *err)
{
	*err = (struct bp_error){ 0 };
	return -1;
}

/* By its name, key or path as they are; else as a table shows them. */
static int locate(struct cli *cli, const char *pool, const char *text, char **ret_pool,
		  char **ret_vol, struct bp_error *err)
{
	auto_free char *before = cli->virsh ? NULL : unescape(text);
	struct bp_error none = { 0 };

	if (bp_vol_locate(cli->store, pool, text, ret_pool, ret_vol, err) == 0)
		return 0;
	if (!before || err->code != BP_NO_VOL ||
	    bp_vol_locate(cli->store, pool, before, ret_pool, ret_vol, &none) < 0)
		return -1;
	*err = none;
	return 0;
}

int vol_lookup(struct cli *cli, const char *pool_text, const char *text,
	       const char *pool_option, char **ret_pool, char **ret_vol, struct bp_error *err)
{
	auto_free char *pool = NULL;

	if (pool_text && pool_lookup(cli, pool_text, BP_BY_UUID | BP_BY_NAME, &pool, err) < 0)
		return -1;
	if (locate(cli, pool, text, ret_pool, ret_vol, err) == 0)
		return 0;
	if (pool && err->code == BP_WRONG_STATE) {
		cli_failed(cli, "pool '%s' is not active", pool_text);
		hint_start(cli, pool, err);
		return says_enough(err);
	}
	if (err->code == BP_WRONG_POOL) {
		cli_failed(cli, "Requested volume '%s' is not in pool '%s'", text, pool_text);
		return says_enough(err);
	}
	if (!pool_text && pool_option)
		return cli_failed(cli, "failed to get vol '%s', specifying --%s might help",
				  text, pool_option);
	if (pool && err->code == BP_NO_VOL)
		hint_command(cli, "vol-list", pool, "lists what is there");
	return cli_failed(cli, "failed to get vol '%s'", text);
}

void hint_build(struct cli *cli, const char *type, const struct bp_error *err)
{
	struct bp_error ignored = { 0 };
	const struct bp_backend *be;

	if (err->code != BP_SYSTEM || err->sys != ENOENT || starts_with(err->part, "source/"))
		return;
	be = bp_backend_find(type, &ignored);
	if (be && be->pool_build)
		cli_hint(cli, "with --build it is made first");
}

void hint_formats(struct cli *cli, const char *type, const struct bp_error *err)
{
	const struct bp_pool_type *t = bp_pool_type_find(type);
	cleanup(text_done) struct text all = { 0 };

	if (!t || !t->source_formats || strcmp(err->part, "source/format") != 0)
		return;
	for (size_t i = 0; t->source_formats[i]; i++)
		text_addf(&all, "%s%s", i ? ", " : "", t->source_formats[i]);
	cli_hint(cli, "formats of %s pools are %s", type, all.s);
}

int allow_device(struct cli *cli, const char *device, struct bp_error *err)
{
	return device ? bp_store_allow_device(cli->store, device, err) : 0;
}

void hint_device(struct cli *cli, const struct bp_error *err)
{
	if (err->code == BP_BUSY && strcmp(err->part, "source/device") == 0)
		cli_hint(cli, "if that is meant, name the device: --force-device PATH");
}

void hint_start(struct cli *cli, const char *pool, const struct bp_error *err)
{
	if (err->code == BP_WRONG_STATE)
		hint_command(cli, "pool-start", pool, "starts it");
}

unsigned force_flags(bool force, bool force_backing)
{
	return (force ? BP_VOL_FORCE : 0) | (force_backing ? BP_VOL_FORCE_BACKING : 0);
}

void hint_force(struct cli *cli, const struct bp_error *err)
{
	if (err->code == BP_BUSY && strcmp(err->part, "backingStore") == 0) {
		cli_hint(cli, "delete those first, or give them another backing store "
			 "(vol-rebase); with --force-backing it is done all the same");
		return;
	}
	if (err->code == BP_BUSY && strcmp(err->part, "dataStore") == 0) {
		cli_hint(cli, "delete those first; with --force-backing it is done all the same");
		return;
	}
	if (strcmp(err->part, "snapshots") == 0)
		return;
	if (err->code == BP_BUSY && !bp_store_daemon(cli->store))
		cli_hint(cli, "%s", err->sys == EBUSY ? "unmount it, or stop who uses it, first" :
			 "stop that first; with --force it is done all the same");
}

int type_of_pool(struct cli *cli, const char *pool, const struct bp_pool_type **ret,
		 struct bp_error *err)
{
	cleanup(bp_pool_info_freep) struct bp_pool_info *info = NULL;

	if (bp_pool_info(cli->store, pool, &info, err) < 0)
		return -1;
	*ret = info->type ? bp_pool_type_find(info->type) : NULL;
	if (!*ret)
		return bp_fail(err, BP_XML, "the definition of pool '%s' cannot be used: %s", pool,
			       info->problem ? info->problem : "its type is unknown");
	return 0;
}

int vol_xml(struct cli *cli, const char *pool, const char *vol, char **ret, struct bp_error *err)
{
	cleanup(bp_vol_info_freep) struct bp_vol_info *v = NULL;
	const struct bp_pool_type *type;

	if (type_of_pool(cli, pool, &type, err) < 0 ||
	    bp_vol_info(cli->store, pool, vol, BP_VOL_ALL, &v, err) < 0)
		return -1;
	if (v->problem)
		cli_hint(cli, "volume '%s' %s", vol, v->problem);
	*ret = bp_xml_format_volume(v, type);
	return 0;
}

int file_of_user(const char *name, char **ret_text, size_t *ret_len, struct bp_error *err)
{
	return file_read(AT_FDCWD, name, BP_XML_MAX, ret_text, ret_len, err);
}

const char *document_name(const struct cli *cli, const char *file)
{
	return cli->virsh ? NULL : file;
}
