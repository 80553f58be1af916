/* away.h - work on a pool whose server may stop answering, done in a child process.
 *
 * Whoever looks at a file of a server that is away hangs in the kernel, and nothing
 * can call him back.  So a public function that touches such a pool runs once more
 * in a child, which is given up when nothing has come from it for the store's time
 * limit and it hangs in the kernel; long work that goes on, or waits for a lock or
 * for input, is not given up.  The pools of other types know nothing of it:
 *
 *	struct away a = AWAY_INIT(s, &progress);
 *	int r = call(...);		session_open() refuses such a pool ...
 *
 *	if (away_wanted(&a, r, err)) {	... and then we are here
 *		if (away_is_child(&a, err))
 *			away_answer(&a, call(...), NULL, err);	does not come back
 *		r = away_wait(&a, NULL, err);
 *	}
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_AWAY_H
#define BP_AWAY_H

#include <sys/types.h>

#include "core/base/progress.h"
#include "core/base/text.h"
#include "core/store.h"

struct away {
	struct bp_store *store;
	const struct bp_progress **progress;	/* the caller's; in the child ours */
	char *pool;			/* whose server it is */
	char *target;			/* ... and where that is mounted, or NULL */
	bool short_work;		/* any silence counts, and it is not shown to a terminal */
	int sock;
	pid_t pid;			/* of the child; 0: there is none */
	int64_t began;
	const struct bp_progress *theirs;	/* the child's: what was given, and what is now */
	struct bp_progress tell;
};

#define AWAY_INIT(s, p) { .store = (s), .progress = (p), .sock = -1 }

void away_done(struct away *a);		/* gives up what is still running */

/* Where it is refused, session_open() fails with this code; the text is the pool's name and,
 * in a second line, its target. */
#define BP_ELSEWHERE ((enum bp_code)BP_CODES)

/* Called first of all, before the work is tried. */
void away_begin(struct away *a);

/* Was the work refused because it must be done in a child?  Then err is empty again. */
bool away_wanted(struct away *a, int r, struct bp_error *err);

/* Start a child.  True in the child; false and err->code: there is none. */
bool away_is_child(struct away *a, struct bp_error *err);

/* The child ends with what it has found out, and words for away_wait(), if any. */
void away_answer(struct away *a, int r, const struct text *more, const struct bp_error *err)
	__attribute__((noreturn));

/* One piece of many, before the answer: 1 of away_next(). */
void away_send(struct away *a, const struct text *piece);

/* Wait for the answer: what the call returned, and its error.  more: what came with
 * it; may be NULL. */
int away_wait(struct away *a, struct text *more, struct bp_error *err);

/* Wait for a piece: 1; 0 and -1: it was the answer, as away_wait() gives it. */
int away_next(struct away *a, struct text *piece, struct bp_error *err);

/* What a child has told begins with so many bytes of ours; -1: it does not.  And to say so of
 * what is behind them. */
int away_take(const struct text *told, void *to, size_t len, struct bp_error *err);
int away_garbled(struct bp_error *err);

/* A call that gives back nothing but 0 or -1. */
#define AWAY(s, progress, err, call) ({						\
	cleanup(away_done) struct away away_ = AWAY_INIT(s, progress);		\
	int r_;									\
										\
	away_begin(&away_);							\
	r_ = (call);								\
	if (away_wanted(&away_, r_, err)) {					\
		if (away_is_child(&away_, err))					\
			away_answer(&away_, (call), NULL, err);			\
		r_ = away_wait(&away_, NULL, err);				\
	}									\
	r_;									\
})

#endif
