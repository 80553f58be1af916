/* volume_layers.h - volumes and what they are based on, opened as one.
 *
 * Backing files are volumes of the same pool, data files those of any active pool of this
 * host, opened as the pool opens volumes: what an image names beside those is refused.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_VOLUME_LAYERS_H
#define BP_VOLUME_LAYERS_H

#include "core/image/chain.h"
#include "core/volume.h"

struct volume_layers {
	struct session *ses;
	unsigned flags;			/* of the public function */
	const char *target;		/* a volume below the first that is changed, too; or NULL */
	bool first_too;			/* it is the first below it */
	const char *never;		/* must not be among them; or NULL */
	size_t depth;			/* where it was found; 0: it has not come */
	char **seen;			/* names, so far */
	size_t n;
	struct bp_io **held;		/* claims on what is changed */
	size_t n_held;
	struct session **others;	/* pools that have data files */
	size_t n_others;
	bool write;			/* the volume that was opened last is for changes */
	struct volume_data {
		size_t layer;
		struct session *ses;
		char *vol;
	} *data;			/* data files, so far */
	size_t n_data;
	struct bp_io *io;		/* of the first */
};

/* The volume, which is locked, for changes, and all below it. */
int volume_layers_open(struct volume_layers *l, const char *vol, struct bp_chain *ret,
		       struct bp_error *err);

/* Volumes with the data of what is changed, the first or that at depth, are nobody else's. */
int volume_layers_spare_data(const struct volume_layers *l, const struct bp_chain *chain,
			     struct bp_error *err);

/* A volume, and all below it unless the flags have NO_BACKING, for reading; format: what it is,
 * in the words of its pool. */
int volume_layers_read(struct volume_layers *l, const char *vol, const char *format,
		       struct bp_chain *ret, struct bp_error *err);

void volume_layers_done(struct volume_layers *l);	/* after the chains */

#endif
