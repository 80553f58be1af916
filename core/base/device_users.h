/* device_users.h - who uses the block devices of this host, all at once.
 *
 * For lists: in_use.h answers for one device, and more exactly.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_BASE_DEVICE_USERS_H
#define BP_BASE_DEVICE_USERS_H

#include <stddef.h>
#include <sys/types.h>

struct device_user {
	dev_t dev;
	char *text;		/* "mounted on '/srv'", "swap", "attached to /dev/loop1" */
	char *mount, *type;	/* where and as what, if that is how; else NULL */
};

struct device_users {
	struct device_user *users;
	size_t n;
};

struct device_users device_users(void);
void device_users_done(struct device_users *u);

/* The first of a device, or NULL. */
const struct device_user *device_user_of(const struct device_users *u, dev_t dev);

#endif
