/* found.h - volumes that are block devices which are there already: looked for, listed,
 * opened; shared by scsi, iscsi and mpath, which make none.
 *
 * A type says how to look, once a session, and how to ask a device for its key. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_BACKENDS_FOUND_H
#define BP_BACKENDS_FOUND_H

#include "backends/blocks.h"

struct found_device {
	char *name;			/* of the volume: "unit:0:0:1" */
	dev_t dev;
	char *node;			/* "/dev/sdb", or the one name it always has */
	uint64_t size;
	char *kind, *problem;		/* as in struct bp_vol_info, or NULL */
};

struct found {
	/* Add what is there now (found_add). */
	int (*look)(const struct bp_pool *p, struct found *f, struct bp_error *err);
	/* The caller frees; NULL: its path will do.  Also where there is no slot. */
	char *(*key)(const struct bp_pool *p, const struct found_device *d);
	bool named;		/* their nodes are the names they go by, whatever the target */
	bool looked;
	struct found_device *all;
	size_t n;
	struct blocks_names names;
};

/* priv of a pool whose pool_open calls this; and slots for its table. */
int found_open(struct bp_pool *p, const struct found *how);
void found_close(struct bp_pool *p);
int found_space(struct bp_pool *p, struct bp_pool_space *ret, struct bp_error *err);
int found_vols_open(struct bp_pool *p, unsigned want, void **ret, struct bp_error *err);
int found_vols_next(struct bp_pool *p, void *cursor, struct bp_vol_info *ret,
		    struct bp_error *err);
void found_vols_close(struct bp_pool *p, void *cursor);
int found_vol_find(struct bp_pool *p, const char *vol, unsigned want, struct bp_vol_info **ret,
		   struct bp_error *err);
int found_vol_of_path(struct bp_pool *p, const char *path, char **ret_vol, struct bp_error *err);
int found_vol_open(struct bp_pool *p, const char *vol, enum bp_vol_access access,
		   struct bp_io **ret, struct bp_error *err);

/* For types whose devices get names from udev: can the target hold some, and is it
 * there?  Wait until each device has one, where udev is there to make them. */
int found_check_target(const struct bp_pool *p, struct bp_error *err);
void found_wait_for_names(const struct bp_pool *p, const struct found *how);

struct found_device *found_add(struct found *f);
void found_done(struct found *f);

/* BP_BUSY: one of them is in use, and err says which and by whom.  Those that skip() knows
 * are not asked. */
int found_check_unused(const struct found *f, bool (*skip)(const struct found_device *d),
		       struct bp_error *err);

#endif
