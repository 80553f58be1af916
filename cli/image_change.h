/* image_change.h - what the commands share that write into images for long. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_CLI_IMAGE_CHANGE_H
#define BP_CLI_IMAGE_CHANGE_H

#include "cli/image_read.h"
#include "cli/progress.h"

/* Seen as QEMU shows it (-p) or else as other long work, slowed down (-r), and stopped by
 * Ctrl-C. */
struct image_work {
	struct cli *cli;
	bool quiet;
	struct progress usual;
	const struct bp_progress *next;
	struct image_percent percent;
	struct bp_progress hook;
};

/* cli and quiet (-q) are set.  rate: NULL, as is fast. */
int image_work_begin(struct image_work *w, bool wanted, const char *rate);
void image_work_end(struct image_work *w, bool done);	/* done: nothing failed */

#endif
