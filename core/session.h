/* session.h - the time during which one command works on one pool.
 *
 * Every operation of the engine begins with session_open(), which does what
 * would otherwise be repeated in each of them: find the pool, take the lock,
 * see whether it is active, find its type, connect.  session_close() undoes
 * all of it in reverse.  Functions that work inside a session take the
 * session; only the public ones open it, and they never call each other: a
 * second session on the same pool would wait for the first.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_SESSION_H
#define BP_SESSION_H

#include "core/backend.h"
#include "core/lock.h"
#include "core/store.h"

enum session_need {
	NEED_ANY,		/* known, in whatever state, even one that cannot be read */
	NEED_DEFINED,		/* known and readable */
	NEED_INACTIVE,
	NEED_STARTABLE,		/* not started; it may be active by itself */
	NEED_ACTIVE,
	NEED_CONNECTED,		/* active, and pool_open() done */
};

struct session {
	struct bp_pool pool;		/* what the pool type sees */
	const struct bp_backend *be;	/* NULL: not part of this build */
	struct bp_store *store;
	char *name;
	struct bp_pool_def *def;	/* NULL: unreadable, and NEED_ANY */
	int lock_fd;
	bool alone;
	bool active, connected;
	bool by_itself;		/* it is active though it has no run file */
	struct bp_error problem;	/* why def or be is missing */
};

#define SESSION_INIT { .lock_fd = -1 }

/* The caller has done store_look() or store_change(). */
int session_open(struct bp_store *s, const char *pool, enum session_need need,
		 enum lock_mode mode, struct session *ret, struct bp_error *err);

/* For a pool that need not be known yet: only the lock, and the definition given. */
int session_begin(struct bp_store *s, const struct bp_pool_def *def, enum lock_mode mode,
		  struct session *ret, struct bp_error *err);

int session_connect(struct session *ses, struct bp_error *err);
void session_disconnect(struct session *ses);
int session_lock_volume(struct session *ses, const char *vol, enum lock_mode mode,
			struct bp_error *err);

/* Whose volume lock comes first: <0, >0, or 0 for one and the same. */
int session_lock_order(const struct session *ses, const char *vol, const char *other);

/* Alone, for a change to a volume that is there: BP_BUSY where another command
 * has it, unless flags have BP_VOL_FORCE. */
int session_take_volume(struct session *ses, const char *vol, unsigned flags,
			struct bp_error *err);
void session_close(struct session *ses);

/* May what it is on stop answering?  Then it is touched in a child only (core/away.h). */
bool session_is_remote(const struct session *ses);

/* Might it be active?  Without asking its storage, for searches through all pools. */
bool pool_may_be_active(struct bp_store *s, const char *pool);

/* Is the pool active, by whichever definition is in force?  No lock; for lists. */
int pool_look(struct bp_store *s, const char *pool, struct session *ret);

#endif
