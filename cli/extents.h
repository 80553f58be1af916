/* extents.h - where the parts of an image are, as qemu-img tells of it. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_CLI_EXTENTS_H
#define BP_CLI_EXTENTS_H

#include "cli/command.h"
#include "core/images.h"

/* One after the other, from start on: 1 is one, 0 is no more. */
struct extents {
	int (*next)(void *arg, struct bp_image_extent *ret, struct bp_error *err);
	void *arg;
	uint64_t start;
	bool json;
	const char *in;		/* title of the column that says what they are in */
	bool compressed_too;	/* text tells of data that stands nowhere as it is; else that
				 * is a failure */
};

int extents_print(struct cli *cli, const struct extents *x, struct bp_error *err);

#endif
