/* autostart.h - starting the marked pools, by a clock that tests can turn themselves. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_AUTOSTART_H
#define BP_AUTOSTART_H

#include "core/barepool.h"

/* wait() is called by several threads at once. */
struct autostart_clock {
	uint64_t (*now)(void *arg);		/* milliseconds since some moment */
	void (*wait)(void *arg, uint64_t ms);
	void *arg;
};

/* What bp_store_autostart() does, which has the real clock. */
int autostart_run(struct bp_store *s, const struct bp_autostart *how,
		  const struct autostart_clock *clock, unsigned *ret_down, struct bp_error *err);

#endif
