/* snapshot.h - a snapshot of a volume, which is the volume's and no volume itself:
 * inside an image, or a thin volume that is shown nowhere else. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_MODEL_SNAPSHOT_H
#define BP_MODEL_SNAPSHOT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct bp_snapshot {
	char *name;
	char *id;		/* what the format knows it by beside its name, or NULL */
	int64_t created;	/* seconds since 1970; 0: not known */
	uint64_t capacity;	/* bytes: of the volume, then */
	uint64_t state_size;	/* bytes of a machine's memory kept with it, or 0 */
	uint32_t created_ns;	/* beside created */
	uint64_t clock_ns;	/* how long the machine had run then */
	uint64_t icount;	/* instructions it had run; UINT64_MAX: nobody counted */
};

/* In the order in which they were made. */
void bp_snapshots_sort(struct bp_snapshot *snaps, size_t n);
void bp_snapshots_free(struct bp_snapshot *snaps, size_t n);	/* and the array */

#ifdef __cplusplus
}
#endif

#endif
