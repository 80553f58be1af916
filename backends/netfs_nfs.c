/* netfs_nfs.c - NFS mounted by the kernel alone, on hosts without nfs-utils.
 *
 * The kernel resolves no names and tries no versions: it is told an address, and
 * asked for one version after the other, the newest first.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>
#include <sys/mount.h>

#include "backends/mounts.h"
#include "backends/netfs.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/model/pool_type.h"

/* Words for mount(8), its helpers and init. */
static bool is_for_others(const char *option)
{
	static const char *const words[] = {
		"bg", "fg", "auto", "noauto", "nofail", "user", "nouser", "users", "owner", "group",
		"_netdev", NULL
	};

	return bp_word_in(words, option) || starts_with(option, "retry=") ||
	       starts_with(option, "x-") || starts_with(option, "comment=");
}

char *netfs_kernel_options(const char *options)
{
	auto_free char *copy = mem_dup(options);
	struct text t = { 0 };
	char *rest = copy, *word;

	while ((word = strsep(&rest, ",")))
		if (*word && !is_for_others(word))
			text_addf(&t, "%s%s", t.len ? "," : "", word);
	return text_steal(&t);
}

static bool says_version(const char *options)
{
	auto_free char *vers = mounts_option(options, "vers");
	auto_free char *nfsvers = mounts_option(options, "nfsvers");
	auto_free char *minor = mounts_option(options, "minorversion");

	return vers || nfsvers || minor;
}

static bool is_version_3(const char *options)
{
	auto_free char *nfsvers = mounts_option(options, "nfsvers");
	auto_free char *vers = mounts_option(options, "vers");
	const char *said = vers ? vers : nfsvers;

	return said && *said == '3';
}

/* With version 3 locks would need a daemon that is not there: they are kept here.  The
 * kernel asks for the port of the other service itself. */
static int attempt(const struct netfs_server *s, const char *source, const char *target,
		   unsigned long flags, const char *options, const char *version)
{
	auto_free char *all = mem_printf("%s%s%s%saddr=%s,clientaddr=%s", options,
					 *options ? "," : "", version, *version ? "," : "",
					 s->address, s->ours);
	auto_free char *three = mem_printf("%s%s%s%snolock,port=%u,addr=%s", options,
					   *options ? "," : "", version, *version ? "," : "",
					   s->port, s->address);

	return mount(source, target, "nfs", flags, is_version_3(all) ? three : all);
}

/* What a kernel or a server says that has not this version. */
static bool is_other_version(int sys)
{
	return sys == EPROTONOSUPPORT || sys == EINVAL || sys == EOPNOTSUPP;
}

static int cannot(const struct netfs_server *s, const char *source, const char *target, int sys,
		  struct bp_error *err)
{
	if (sys == ENODEV)
		return bp_fail_sys(err, sys, "this kernel cannot mount NFS (its module nfs is "
				   "missing)");
	if (sys == ENOENT || sys == EACCES)
		return bp_fail_sys(err, sys, "cannot mount '%s' on '%s': the server does not "
				   "export it to %s", source, target, s->ours);
	return bp_fail_sys(err, sys, "cannot mount '%s' on '%s'", source, target);
}

int netfs_nfs_mount(const struct netfs_server *server, const char *source, const char *target,
		    const char *options, struct bp_error *err)
{
	static const struct { const char *words; bool three; } versions[] = {
		{ "vers=4.2", false }, { "vers=4.1", false }, { "vers=4.0", false },
		{ "vers=3", true },
	};
	unsigned long flags;
	auto_free char *ours = netfs_kernel_options(options);
	auto_free char *more = mounts_more_options(ours, &flags);
	int sys = EPROTONOSUPPORT;

	if (says_version(more))
		return attempt(server, source, target, flags, more, "") == 0 ? 0 :
		       cannot(server, source, target, errno, err);
	for (size_t i = 0; i < array_size(versions); i++) {
		if (!(versions[i].three ? server->nfs3 : server->nfs4))
			continue;
		if (attempt(server, source, target, flags, more, versions[i].words) == 0)
			return 0;
		sys = errno;
		if (!is_other_version(sys))
			break;
	}
	return cannot(server, source, target, sys, err);
}
