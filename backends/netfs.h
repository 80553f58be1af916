/* netfs.h - between the files of the pool type netfs. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_BACKENDS_NETFS_H
#define BP_BACKENDS_NETFS_H

#include <netinet/in.h>

#include "core/backend.h"

/* What tells that somebody is there: a connection that is taken; an answer to a call, which a
 * frozen server does not give though its kernel takes the connection. */
enum netfs_sign { NETFS_TAKES, NETFS_ANSWERS, NETFS_SPEAKS_NFS };

/* How one kind of share is named and mounted; a row for each <format type='...'/>. */
struct netfs_kind {
	const char *format;
	const char *type;		/* mount -t */
	const char *const *mounted;	/* as the kernel's table has it; ends with NULL */
	const char *package;		/* what has the program that mounts it */
	unsigned port;
	bool unc;			/* its source is "//HOST/DIR", not "HOST:DIR" */
	enum netfs_sign sign;		/* of life, of its servers */
};

const struct netfs_kind *netfs_kind_of(const struct bp_pool *p);

/* What is mounted, of one of the pool's hosts: "[::1]:/srv".  The caller frees. */
char *netfs_source(const struct netfs_kind *k, const struct bp_host *host, const char *dir);

/* All options, in libvirt's order; a port of the host comes last.  The caller frees. */
char *netfs_options(const struct bp_pool *p, const struct bp_host *host);

/* Always -1: what it means that the server of a share refuses is added to err.  other: as
 * whom it was asked, too. */
int netfs_explain(const char *share, uid_t other, struct bp_error *err);

struct mounted;

/* 1: it is the pool's share that is mounted on the target, whoever did that. */
int netfs_mounted_here(const struct bp_pool *p, struct mounted *ret, struct bp_error *err);

/* Its slots where it is mounted (netfs_mounted.c), and where it is used without
 * (netfs_user.c). */
extern const struct bp_backend netfs_mounted, netfs_unmounted;

/* netfs_mount.c: mount it on the target.  The hosts are tried in their order; when
 * none will do, err tells of each. */
int netfs_mount(struct bp_pool *p, struct bp_error *err);

/* netfs_find.c: the slot. */
int netfs_sources_find(const struct bp_pool_source *hint, unsigned limit,
		       const struct bp_secrets *secrets, struct bp_pool_source **ret,
		       size_t *ret_n, struct bp_error *err);

/* netfs_shares.c, or where there is no libsmbclient netfs_shares_left_out.c: the same for
 * shares of an SMB server; the hint has one host. */
int netfs_shares_find(const struct bp_pool_source *hint, unsigned limit,
		      const struct bp_secrets *secrets, struct bp_pool_source **ret,
		      size_t *ret_n, struct bp_error *err);

/* ---- netfs_server.c: is it there, before anybody mounts anything ----------------- */

struct netfs_server {
	char address[INET6_ADDRSTRLEN + 20];	/* with a zone: "fe80::1%eth0" */
	char ours[INET6_ADDRSTRLEN + 20];	/* the one we have towards it */
	bool nfs3, nfs4;			/* what it answers to */
	unsigned port;				/* where */
};

/* Find an address of the host at which something answers within so many seconds; of
 * an NFS server also what it speaks.  The error has the host and the reason. */
int netfs_server_find(const char *host, unsigned port, enum netfs_sign sign, unsigned limit,
		      struct netfs_server *ret, struct bp_error *err);

/* What an NFS server answers to the call that does nothing: how long that is, by the mark
 * before it (0: it is no answer), and whether it speaks the version. */
size_t netfs_reply_size(uint32_t mark);
bool netfs_reply_is_good(const uint32_t *reply, size_t len, unsigned version);

/* ---- netfs_url.c: names of volumes on a share that is not mounted -------------------- */

/* "nfs://HOST/DIR/NAME", as QEMU takes it; of the pool's first host, whichever has answered.
 * The caller frees. */
char *user_url(const struct bp_pool *p, const char *vol);

/* The name in such a URL; NULL: it is not one of this pool.  The caller frees. */
char *user_name_of(const struct bp_pool *p, const char *url);

/* Can a volume have this name: of one that was asked for, and that a server tells? */
bool user_name_is_good(const char *name);

/* "/NAME" for the library.  The caller frees. */
char *user_path(const char *name);

/* ---- netfs_nfs.c: NFS by the kernel alone ------------------------------------------ */

/* What the kernel has to be told for a mount, of what mount.nfs would be; the rest it
 * cannot be told: words for mount(8) and its helpers.  The caller frees. */
char *netfs_kernel_options(const char *options);

int netfs_nfs_mount(const struct netfs_server *server, const char *source, const char *target,
		    const char *options, struct bp_error *err);

#endif
