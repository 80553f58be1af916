/* progress.h - how long work is told and stopped. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_BASE_PROGRESS_H
#define BP_BASE_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/error.h"

/* report() is called now and then with the bytes done and the bytes in all;
 * when it returns true the work is undone and fails with BP_CANCELLED. */
struct bp_progress {
	bool (*report)(void *arg, uint64_t done, uint64_t total);
	void *arg;
};

static inline int progress_tell(const struct bp_progress *p, uint64_t done, uint64_t total,
				struct bp_error *err)
{
	if (p && p->report && p->report(p->arg, done, total))
		return bp_fail(err, BP_CANCELLED, "stopped by the user");
	return 0;
}

#endif
