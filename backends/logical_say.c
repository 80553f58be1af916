/* logical_say.c - what LVM's refusals mean, and what can be done about them. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "backends/logical.h"
#include "core/base/cleanup.h"
#include "core/base/in_use.h"
#include "core/base/mem.h"
#include "core/base/process.h"

/* The kernel keeps what is open, whoever asks: that is not to be forced. */
void say_who_has(const char *path, struct bp_error *err)
{
	auto_free char *who = NULL;
	auto_close int fd = -1;
	struct stat st;

	if (err->code != BP_BUSY)
		return;
	*err = (struct bp_error){ 0 };
	if (stat(path, &st) == 0 && S_ISBLK(st.st_mode)) {
		fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		who = processes_with(st.st_rdev);
	}
	if (who || fd < 0 || in_use_device(path, fd, err) == 0)
		bp_fail(err, BP_BUSY, "it is open: '%s' is used by %s", path,
			who ? who : "a process that cannot be seen from here, or by the kernel");
	err->sys = EBUSY;
}

void say_what_is_free(const struct vg *vg, struct bp_error *err)
{
	struct bp_error why = *err;

	if (!strstr(why.text, "nsufficient free space"))
		return;
	*err = (struct bp_error){ 0 };
	bp_fail(err, why.code, "%s; volume group '%s' has %" PRIu64 " bytes free, in extents of "
		"%" PRIu64 ": delete volumes, or give it another device (vgextend %s DEVICE)",
		why.text, vg->name, vg_number(vg->free), vg->extent_size, vg->name);
}
