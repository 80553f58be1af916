/* netfs_mount.c - a share on its target: which options, and who mounts it.
 *
 * Helpers (mount.nfs, mount.cifs, mount.glusterfs) are called as mount(8) would,
 * so that what they say is part of the error.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "backends/mounts.h"
#include "backends/netfs.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/base/run.h"
#include "core/base/text.h"
#include "core/model/pool_type.h"

/* ---- words --------------------------------------------------------------------------- */

char *netfs_source(const struct netfs_kind *k, const struct bp_host *host, const char *dir)
{
	bool bare = strchr(host->name, ':') && *host->name != '[';

	if (k->unc)	/* the program takes an address of any kind as it is */
		return mem_printf("//%s/%s", host->name, dir + strspn(dir, "/"));
	return mem_printf("%s%s%s:%s", bare ? "[" : "", host->name, bare ? "]" : "", dir);
}

/* What would be seen by all who list processes: mount.cifs takes it from elsewhere. */
static const char *const secret_words[] = { "pass", "password", NULL };

static char *secret_variable(const struct netfs_kind *k, const struct bp_pool_def *def)
{
	for (size_t i = 0; k->unc && i < def->n_fs_options; i++) {
		const char *option = def->fs_options[i].name, *value = strchr(option, '=');
		auto_free char *name = mem_dup_n(option, strcspn(option, "="));

		if (value && bp_word_in(secret_words, name))
			return mem_printf("PASSWD=%s", value + 1);
	}
	return NULL;
}

/* Does an option of the pool say who logs in? */
static bool names_user(const struct bp_pool_def *def)
{
	static const char *const words[] = {
		"user", "username", "cred", "credentials", "pass", "password", "sec", "guest",
		"multiuser", NULL
	};

	for (size_t i = 0; i < def->n_fs_options; i++) {
		const char *option = def->fs_options[i].name;
		auto_free char *name = mem_dup_n(option, strcspn(option, "="));

		if (bp_word_in(words, name))
			return true;
	}
	return false;
}

/* What libvirt gives beside the pool's own.  The caller frees. */
static char *usual_option(const struct netfs_kind *k, const struct bp_pool_def *def)
{
	if (def->source.protocol_ver)
		return mem_printf("nfsvers=%s", def->source.protocol_ver);
	if (k->unc)
		return names_user(def) ? NULL : mem_dup("guest");
	return strcmp(k->type, "glusterfs") == 0 ? mem_dup("direct-io-mode=1") : NULL;
}

char *netfs_options(const struct bp_pool *p, const struct bp_host *host)
{
	const struct netfs_kind *k = netfs_kind_of(p);
	auto_free char *usual = usual_option(k, p->def);
	char *options = mounts_pool_options(p, usual, k->unc ? secret_words : NULL), *all;

	if (!host->port)
		return options;
	all = mem_printf("%s,%sport=%u", options,
			 strcmp(k->type, "glusterfs") == 0 ? "server-" : "", host->port);
	free(options);
	return all;
}

/* ---- by whom ---------------------------------------------------------------------------- */

/* One host of a pool. */
struct place {
	const struct netfs_kind *kind;
	const char *host;
	char *source, *options;
	char *secret;		/* "PASSWD=...", or NULL */
	char *program;		/* that mounts such things */
	bool has_program;
	struct netfs_server server;
};

static void place_done(struct place *l)
{
	free(l->source);
	free(l->options);
	if (l->secret)
		explicit_bzero(l->secret, strlen(l->secret));
	free(l->secret);
	free(l->program);
}

static bool is_nfs(const struct place *l)
{
	return strcmp(l->kind->type, "nfs") == 0;
}

/* Over TCP, at the port the options say.  What goes by other ways only the helper
 * can ask. */
static int ask_server(struct place *l, unsigned limit, struct bp_error *err)
{
	auto_free char *port = mounts_option(l->options, "port");
	auto_free char *proto = mounts_option(l->options, "proto");
	uint64_t n = 0;

	if (l->has_program && proto && !starts_with(proto, "tcp"))
		return 0;
	if (port && (!parse_number(port, 10, &n) || n > 65535))
		return bp_fail(err, BP_CONFIG, "'port=%s' is no port", port);
	return netfs_server_find(l->host, n ? (unsigned)n : l->kind->port, l->kind->sign,
				 limit, &l->server, err);
}

/* mount.nfs would try for two minutes; we have seen that the server answers. */
static int by_helper(const struct place *l, const char *target, struct bp_error *err)
{
	auto_free char *retry = mounts_option(l->options, "retry");
	auto_free char *options = mem_printf("%s%s", l->options,
					     is_nfs(l) && !retry ? ",retry=0" : "");
	const char *const argv[] = { l->program, l->source, target, "-o", options, NULL };

	if (run_program_with(argv, l->secret, err) == 0)
		return 0;
	return bp_within(err, "cannot mount '%s' on '%s'", l->source, target);
}

static int mount_place(const void *arg, const char *target, struct bp_error *err)
{
	const struct place *l = arg;

	if (l->has_program)
		return by_helper(l, target, err);
	if (is_nfs(l))
		return netfs_nfs_mount(&l->server, l->source, target, l->options, err);
	return bp_fail(err, BP_UNSUPPORTED, "to mount '%s', the program %s is needed (package %s)",
		       l->source, l->program, l->kind->package);
}

/* Another mount of the same server, by another of its names, may have been joined with
 * ours, which then bears that name: nobody could tell later whose it is. */
static bool is_shown(const struct bp_pool *p)
{
	cleanup(mounted_done) struct mounted m = { 0 };
	struct bp_error ignored = { 0 };

	return netfs_mounted_here(p, &m, &ignored) > 0;
}

static void add_option(char **options, const char *option)
{
	char *more = mem_printf("%s,%s", *options, option);

	free(*options);
	*options = more;
}

static int try_host(struct bp_pool *p, const struct bp_host *host, struct bp_error *err)
{
	const struct netfs_kind *k = netfs_kind_of(p);
	unsigned n = (unsigned)p->def->source.n_hosts;
	cleanup(place_done) struct place l = {
		.kind = k, .host = host->name,
		.source = netfs_source(k, host, p->def->source.dir),
		.options = netfs_options(p, host), .program = mem_printf("mount.%s", k->type),
		.secret = secret_variable(k, p->def),
	};
	auto_free char *found = program_find(l.program);

	l.has_program = found;
	if (ask_server(&l, p->limit > n ? p->limit / n : 1, err) < 0)
		return bp_within(err, "pool '%s'", p->def->name);
	if (mounts_pool_mount(p, mount_place, &l, err) < 0) {
		/* GlusterFS mounts first, and may not have undone it yet */
		if (k->sign == NETFS_ANSWERS && is_shown(p))
			(void)umount2(p->def->target_path, MNT_DETACH | UMOUNT_NOFOLLOW);
		return -1;
	}
	if (!is_nfs(&l) || is_shown(p))
		return 0;
	(void)umount2(p->def->target_path, UMOUNT_NOFOLLOW);
	add_option(&l.options, "nosharecache");
	if (mounts_pool_mount(p, mount_place, &l, err) < 0)
		return -1;
	if (is_shown(p))
		return 0;
	(void)umount2(p->def->target_path, UMOUNT_NOFOLLOW);
	return bp_fail(err, BP_FAILED, "what was mounted as '%s' on '%s' bears another name there",
		       l.source, p->def->target_path);
}

int netfs_mount(struct bp_pool *p, struct bp_error *err)
{
	struct text all = { 0 };
	struct bp_error why;
	size_t n = p->def->source.n_hosts, i;

	for (i = 0; i < n; i++) {
		why = (struct bp_error){ 0 };
		if (try_host(p, &p->def->source.hosts[i], &why) == 0)
			break;
		text_addf(&all, "%s%s", i ? "; " : "", why.text);
	}
	if (i == n && n == 1)
		*err = why;
	else if (i == n)
		bp_fail(err, BP_FAILED, "none of %zu servers will do: %s", n, all.s);
	text_done(&all);
	return i == n ? -1 : 0;
}
