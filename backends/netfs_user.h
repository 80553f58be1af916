/* netfs_user.h - a share of NFS that is used without being mounted (libnfs).
 *
 *	netfs_user.c		its slots: what a pool is, and which volumes it has
 *	netfs_user_session.c	the connection: hosts, versions, waiting with a limit
 *	netfs_user_who.c	calls by whoever may, and what a server says no with
 *	netfs_user_look.c	one volume: what it is
 *	netfs_user_make.c	making volumes, resizing and deleting them
 *	netfs_user_part.c	volumes in the making, and what is left of them
 *	netfs_user_open.c	a file is opened
 *	netfs_user_ahead.c	many are asked for ahead of who looks at them
 *	netfs_user_io.c		the bytes of one: reading ahead, writing behind
 *
 * No name that a server tells is trusted, and no link of its is followed.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_BACKENDS_NETFS_USER_H
#define BP_BACKENDS_NETFS_USER_H

#include <sys/stat.h>

#include "backends/netfs.h"
#include "backends/netfs_library.h"
#include "core/base/as_user.h"

/* What a pool keeps while it is open.  Nobody is asked before it is needed: who looks for
 * something in all pools need not wait for a server that is silent. */
struct user {
	struct bp_pool pool;		/* a copy: whose it is may be moved */
	struct library lib;
	struct nfs_context *nfs;	/* NULL: not connected yet */
	char *share;			/* "HOST:DIR", of the host that has answered */
	int version;			/* of NFS */
	bool read_only;			/* its options say so */
	const struct bp_perms *asked;	/* whose new volumes shall be */
	struct as_user who;		/* as whom requests are made now */
	struct user_file *files;	/* that are open, by version 4 */
	struct bp_error lost;		/* why the connection is no more */
	int64_t heard;			/* when something came from the server last */
	bool asking;			/* whether it is still there */
	bool mounted;
};

struct user *user_of(const struct bp_pool *p);

/* ---- the connection -------------------------------------------------------------------- */

/* With a server, unless there is one already. */
int user_connect(struct bp_pool *p, struct bp_error *err);
void user_disconnect(struct user *u);

/* One request.  What comes back: status, -errno or what it gave; and of what data leads to
 * either the first size bytes, copied to into, or the address. */
struct user_reply {
	bool done;
	int status;
	void *into;
	size_t size;
	void *data;
};
void user_replied(int status, struct nfs_context *nfs, void *data, void *arg);

/* What errno a status below 0 is that has just come. */
int user_errno(struct user *u, int status);

/* Wait until is_done(arg).  -1 and errno: the connection is no more. */
int user_wait(struct user *u, bool (*is_done)(const void *arg), const void *arg);

/* Send what has not been sent yet, as much as goes without waiting. */
void user_push(struct user *u);

/* Make a request, wait for its end, and return its status; -1 and errno. */
#define user_call(u, reply, name, ...)						\
	user_finish(u, reply, user_is_lost(u) ? -1 :				\
		    (u)->lib.name((u)->nfs, __VA_ARGS__, user_replied, reply))
int user_finish(struct user *u, struct user_reply *reply, int queued);
bool user_is_lost(const struct user *u);

/* ---- who asks ----------------------------------------------------------------------------- */

/* Requests from now on are this one's. */
void user_be(struct user *u, const struct as_user *who);

/* As whoever may (see files_as.c): ourselves; where root is refused, whom asked says, the
 * owner of what is named, or the directory's.  name may be NULL.  -1 and errno. */
int user_do(struct user *u, const char *name, int (*make)(struct user *u, void *arg), void *arg);

int user_stat(struct user *u, const char *name, struct nfs_stat_64 *ret);

/* Fail as bp_fail_sys() does with errno; or as the connection has; and say what a server
 * means that refuses. */
int user_fail(struct user *u, struct bp_error *err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4), cold));

/* ---- volumes --------------------------------------------------------------------------------- */

/* One volume; what info borrows is here. */
struct user_volume {
	struct bp_vol_info info;
	char *name, *url, *problem, *format;
	struct bp_encryption encryption;
	struct bp_backing backing, data_store;
};
void user_volume_done(struct user_volume *v);

/* What the server says of it, and for BP_VOL_FORMAT what it holds.  False: it is none.
 * coming: it has been opened ahead, and is closed here; or NULL. */
struct user_coming;
bool user_describe(struct bp_pool *p, const char *name, const struct nfs_stat_64 *st,
		   unsigned want, struct user_coming *coming, struct user_volume *v);

/* The bytes of a regular file, by whoever may.  shown: what messages call it. */
int user_io_open(struct bp_pool *p, const char *name, const char *shown, int flags,
		 struct bp_io **ret, struct bp_error *err);

/* The same for reading, of a file that is looked at soon: nobody waits yet.  NULL: not now. */
struct user_coming *user_io_begin(struct bp_pool *p, const char *name, uint64_t size);

/* Wait for it.  NULL: it could not be opened as ourselves, for whatever reason. */
struct bp_io *user_io_end(struct user_coming *c);

/* The same of a part, which is made.  It is nobody else's while *ret_claim is open; its name
 * is the caller's to free, and before that to take from the server. */
int user_part_make(struct bp_pool *p, const char *shown, struct bp_io **ret, char **ret_name,
		   int *ret_claim, struct bp_error *err);
bool user_set_perms(struct bp_io *io, const struct bp_perms *perms);	/* false and errno */
void user_pool_sweep(struct bp_pool *p, bool thoroughly);

int user_vol_create(struct bp_pool *p, const struct bp_vol_spec *spec, unsigned flags,
		    const struct bp_filler *filler, struct bp_error *err);
int user_vol_resize(struct bp_pool *p, const char *vol, uint64_t capacity, unsigned flags,
		    struct bp_error *err);
int user_vol_delete(struct bp_pool *p, const char *vol, unsigned flags, struct bp_error *err);
int user_vol_open(struct bp_pool *p, const char *vol, enum bp_vol_access access,
		  struct bp_io **ret, struct bp_error *err);
int user_no_volume(const char *text, struct bp_error *err);

#endif
