/* progress.h - how long work is told and stopped. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_BASE_PROGRESS_H
#define BP_BASE_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/error.h"

/* report() is called now and then with the bytes done and the bytes in all (0:
 * nobody knows); when it returns true the work is undone and fails with
 * BP_CANCELLED.
 *
 * pace() may be NULL.  It is called each time bytes have been written, with how
 * many; what is skipped is not among them.  It may wait before it returns, so
 * that storage is not kept busy, and no more than piece bytes (0: as is fast)
 * are written between two calls. */
struct bp_progress {
	bool (*report)(void *arg, uint64_t done, uint64_t total);
	void *arg;
	void (*pace)(void *arg, uint64_t bytes);
	uint64_t piece;
};

static inline int progress_tell(const struct bp_progress *p, uint64_t done, uint64_t total,
				struct bp_error *err)
{
	if (p && p->report && p->report(p->arg, done, total))
		return bp_fail(err, BP_CANCELLED, "stopped by the user");
	return 0;
}

static inline void progress_pace(const struct bp_progress *p, uint64_t bytes)
{
	if (p && p->pace && bytes)
		p->pace(p->arg, bytes);
}

/* Of so many bytes, how many may be written at a time? */
static inline uint64_t progress_piece(const struct bp_progress *p, uint64_t bytes)
{
	return p && p->piece && p->piece < bytes ? p->piece : bytes;
}

#endif
