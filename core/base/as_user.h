/* as_user.h - one system call, made as somebody else.
 *
 * A share whose server takes root for nobody lets in only those users it knows.
 * For a call that root is refused there, a child process becomes such a user,
 * makes the call, hands back the descriptor it got, if any, and ends; whoever
 * asked goes on with the descriptor.
 *
 * The program around notices nothing: no signal comes, no wait() finds the
 * child, and its other threads go on as who they are.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_BASE_AS_USER_H
#define BP_BASE_AS_USER_H

#include <stdbool.h>
#include <sys/types.h>

struct as_user {
	uid_t uid;
	gid_t gid;		/* the only group */
};

/* Who may be let in where root is not, at most three, in the order of trying. */
struct as_users {
	struct as_user list[3];
	unsigned n;
};

/* Unless it is root, or among them already. */
void as_users_add(struct as_users *users, uid_t uid, gid_t gid);

/* work() returns 0, or a descriptor if it opens one; or -1 and errno.  So does
 * this; EPERM too when we cannot become that user.  It runs in a copy of the
 * process with no privileges left, and may do what a signal handler may:
 * another thread can have been in the middle of anything. */
int as_user(const struct as_user *who, bool opens, int (*work)(const void *arg), const void *arg);

#endif
