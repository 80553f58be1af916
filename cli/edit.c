/* edit.c - pool-edit: a definition in an editor, again and again until it is right. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/editor.h"
#include "cli/groups.h"
#include "cli/progress.h"
#include "core/base/cleanup.h"
#include "xml/xml.h"

struct edit {
	const char *pool;
};

static const struct option_row edit_options[] = {
	{ "pool", OPT_STRING, ROW_REQUIRED, offsetof(struct edit, pool),
	  "pool name or uuid", COMPLETE_POOL },
	{ NULL }
};

/* Without sizes: they are nobody's to edit, and change by themselves. */
static int definition(struct cli *cli, const char *pool, char **ret, struct bp_error *err)
{
	cleanup(bp_pool_def_freep) struct bp_pool_def *def = NULL;

	if (bp_pool_get_def(cli->store, pool, BP_DEF_INACTIVE, &def, err) < 0)
		return -1;
	def->space = (struct bp_pool_space){ 0 };
	*ret = bp_xml_format_pool(def, 0);
	return 0;
}

static int check_unchanged(struct cli *cli, const char *pool, const char *before,
			   struct bp_error *err)
{
	auto_free char *now = NULL;

	if (definition(cli, pool, &now, err) < 0)
		return -1;
	if (strcmp(now, before) != 0)
		return bp_fail(err, BP_FAILED, "the XML configuration was changed by another user");
	return 0;
}

/* What the user has made of it, put in force. */
static int redefine(struct cli *cli, const char *pool, const char *before, const char *text,
		    size_t len, bool force, struct bp_error *err)
{
	cleanup(bp_pool_def_freep) struct bp_pool_def *def = NULL;

	if ((!force && check_unchanged(cli, pool, before, err) < 0) ||
	    bp_xml_parse_pool(text, len, NULL, 0, &def, err) < 0 ||
	    bp_pool_define(cli->store, def, err) < 0)
		return -1;
	cli_done(cli, "Pool %s XML configuration edited.", def->name);
	return 0;
}

enum answer { ANSWER_EDIT, ANSWER_FORCE, ANSWER_GIVE_UP };

/* It did not work; on a terminal the user decides what now. */
static enum answer ask(struct cli *cli, const struct bp_error *why)
{
	cli_report(cli, why);
	for (;;) {
		char c = ask_letter("\rFailed. Try again? [y,n,f,?]: ", "ynf?");

		if (c == '?') {
			puts("\ny - yes, start editor again\n"
			     "n - no, throw away my changes\n"
			     "f - force, try to redefine again\n"
			     "? - print this help");
			continue;
		}
		if (c)
			printf("\r\n");
		return c == 'y' ? ANSWER_EDIT : c == 'f' ? ANSWER_FORCE : ANSWER_GIVE_UP;
	}
}

static int edit_file(struct cli *cli, const char *pool, const char *before, const char *file,
		     struct bp_error *err)
{
	enum answer answer = ANSWER_EDIT;
	auto_free char *text = NULL;
	size_t len;

	do {
		if (answer == ANSWER_EDIT) {
			free(steal(text));
			if (editor_run(file, err) < 0)
				return -1;
			if (file_of_user(file, &text, &len, err) < 0)
				return cli_failed(cli, "%s: failed to read temporary file: %s",
						  file, strerror(err->sys));
		}
		if (len == strlen(before) && memcmp(text, before, len) == 0) {
			cli_done(cli, "Pool %s XML configuration not changed.", pool);
			return 0;
		}
		if (redefine(cli, pool, before, text, len, answer == ANSWER_FORCE, err) == 0)
			return 0;
		if (!isatty(STDIN_FILENO))
			return cli_failed(cli, "Failed to edit the XML configuration of pool %s",
					  pool);
		answer = ask(cli, err);
		*err = (struct bp_error){ 0 };
	} while (answer != ANSWER_GIVE_UP);
	return -1;
}

static int pool_edit(struct cli *cli, const void *args, struct bp_error *err)
{
	const struct edit *a = args;
	auto_free char *name = NULL, *before = NULL, *file = NULL;
	int result;

	if (pool_lookup(cli, a->pool, BP_BY_UUID | BP_BY_NAME, &name, err) < 0 ||
	    definition(cli, name, &before, err) < 0)
		return -1;
	if (cli->readonly)
		return bp_fail(err, BP_DENIED, "read only access prevents virStoragePoolDefineXML");
	interrupt_catch(false);
	result = editor_file(cli->virsh ? "virsh" : "barepool", before, &file, err);
	if (result == 0)
		result = edit_file(cli, name, before, file, err);
	if (file)
		(void)unlink(file);
	cli->caught = interrupt_seen();
	interrupt_release();
	return result;
}

const struct command cmd_pool_edit = {
	"pool-edit", "edit XML configuration for a storage pool",
	"Edit the XML configuration for a storage pool.",
	"pool-edit default",
	edit_options, sizeof(struct edit), pool_edit, 0, NULL
};
