/* logical_kernel.c - which volumes of a group are active, as device-mapper tells.
 *
 * One short question for each, by the name that LVM has given it: "LVM-", the UUID of
 * the group and its own.  Nothing is asked of what the volumes are made of.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <string.h>
#include <sys/ioctl.h>

#include "backends/logical.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"

static void add_uuid(struct text *to, const char *uuid)
{
	for (size_t n; *uuid; uuid += n + (uuid[n] == '-')) {
		n = strcspn(uuid, "-");
		text_add_n(to, uuid, n);
	}
}

/* "" and no device: it is not there. */
static bool ask(int fd, const char *uuid, struct kernel_lv *ret)
{
	struct dm_ioctl question = {
		.version = { 4, 0, 0 }, .data_size = sizeof question,
		.data_start = sizeof question,
	};

	*ret = (struct kernel_lv){ 0 };
	if (strlen(uuid) >= sizeof question.uuid)
		return false;
	memcpy(question.uuid, uuid, strlen(uuid) + 1);
	if (ioctl(fd, DM_DEV_STATUS, &question) < 0)
		return errno == ENXIO;
	ret->active = true;
	ret->dev = question.dev;	/* as the kernel has it for everybody */
	ret->open = question.open_count > 0;
	ret->read_only = question.flags & DM_READONLY_FLAG;
	return question.flags & DM_ACTIVE_PRESENT_FLAG &&
	       !(question.flags & (DM_SUSPEND_FLAG | DM_INACTIVE_PRESENT_FLAG));
}

struct kernel_lv *kernel_lvs(const struct vg *vg, bool *ret_odd)
{
	auto_close int fd = open("/dev/mapper/control", O_RDWR | O_CLOEXEC);
	cleanup(text_done) struct text uuid = { 0 };
	struct kernel_lv *all = mem_alloc((vg->n_lvs + 1) * sizeof *all);
	size_t len;

	text_add(&uuid, "LVM-");
	add_uuid(&uuid, vg->uuid);
	len = uuid.len;
	*ret_odd = fd < 0;
	for (size_t i = 0; i < vg->n_lvs && fd >= 0; i++) {
		uuid.len = len;
		add_uuid(&uuid, vg->lvs[i].uuid);
		if (!ask(fd, uuid.s, &all[i]))
			*ret_odd = true;
	}
	return all;
}
