/* survey.h - the devices of this host, with what is on them and who uses them. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_SURVEY_H
#define BP_SURVEY_H

#include "core/backend.h"
#include "core/base/device_list.h"
#include "core/base/device_users.h"
#include "core/base/system_disk.h"

struct bp_store;

/* One walk over the devices. */
struct survey {
	const struct bp_backend *be;	/* whoever can tell what is on a device; or NULL */
	struct device_list list;
	struct device_users users;
	struct system_disks disks;
	int disk_fd;			/* of the disk under way: its lock */
	dev_t disk;
};

void survey_open(struct survey *s);
void survey_close(struct survey *s);

/* What is on a device.  -1 and err: it cannot be told. */
int survey_content(struct survey *s, const struct device *d, struct bp_content *ret,
		   struct bp_error *err);

/* Who uses a device, a part of it, or the disk it is a part of; NULL: nobody that is known here. */
const struct device_user *survey_user(const struct survey *s, const struct device *d);

/* The format of the source of a pool of a type that an unused device would be, or NULL. */
const char *survey_format(const struct survey *s, const struct device *d,
			  const struct bp_content *content, const struct bp_backend *be);

/* The slot sources_find of types that have source_format instead.  What is a pool's
 * already is left out; store may be NULL, and then nobody knows. */
int survey_sources(struct bp_store *store, const struct bp_backend *be,
		   const struct bp_pool_source *hint, struct bp_pool_source **ret, size_t *ret_n,
		   struct bp_error *err);

#endif
