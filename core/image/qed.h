/* qed.h - private: a qed image as numbers.  All of them are little-endian. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_IMAGE_QED_H
#define BP_IMAGE_QED_H

#include "core/image/formats.h"

enum {
	QED_HEADER	= 64,
	QED_FEATURES_AT = 16,
	QED_CAPACITY_AT = 48,
	QED_HAS_BACKING = 1 << 0,	/* features */
	QED_NEED_CHECK	= 1 << 1,	/* it was not closed */
	QED_BACKING_IS_RAW = 1 << 2,
	QED_ZERO_CLUSTER = 1,		/* in a table, in place of where it is */
};

struct qed {
	uint64_t cluster, table;	/* in bytes; clusters of a table */
	uint64_t entries;		/* of a table */
	uint64_t header;		/* clusters of it */
	uint64_t features, l1_at, capacity;
};

/* qed.c: */
int qed_header_read(const struct bp_image_head *head, struct qed *ret, struct bp_error *err);

/* qed_check.c: the slot. */
int qed_check(struct bp_io *io, enum bp_repair repair, const struct bp_teller *teller,
	      const struct bp_progress *progress, struct bp_vol_check *ret, struct bp_error *err);

#endif
