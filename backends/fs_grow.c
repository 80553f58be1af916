/* fs_grow.c - make use of a device that has become larger, while it is mounted.
 *
 * The kernel does it; requests and shapes are those of its headers for ext4
 * (ioctl 'f' 16), XFS (ioctl 'X' 100 and 110) and btrfs (linux/btrfs.h).
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <linux/btrfs.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/vfs.h>

#include "backends/fs.h"

#define EXT4_RESIZE _IOW('f', 16, uint64_t)

struct xfs_geometry {
	uint32_t block_size, unused[6], imaxpct;
	uint64_t blocks, unused2[3];
	unsigned char uuid[16];
	uint32_t unused3[7];
};

struct xfs_growth {
	uint64_t blocks;
	uint32_t imaxpct;
};

#define XFS_GEOMETRY _IOR('X', 100, struct xfs_geometry)
#define XFS_GROW     _IOW('X', 110, struct xfs_growth)

/* Each: 0, or -1 and errno.  size: of the device, in bytes. */

static int grow_ext(int dir, uint64_t size)
{
	struct statfs fs;
	uint64_t blocks;

	if (fstatfs(dir, &fs) < 0)
		return -1;
	blocks = size / (uint64_t)fs.f_bsize;
	return ioctl(dir, EXT4_RESIZE, &blocks);
}

static int grow_xfs(int dir, uint64_t size)
{
	struct xfs_geometry now;
	struct xfs_growth more;

	if (ioctl(dir, XFS_GEOMETRY, &now) < 0)
		return -1;
	more = (struct xfs_growth){ .blocks = size / now.block_size, .imaxpct = now.imaxpct };
	return more.blocks <= now.blocks ? 0 : ioctl(dir, XFS_GROW, &more);
}

static int grow_btrfs(int dir, uint64_t size)
{
	struct btrfs_ioctl_vol_args all = { .name = "max" };

	(void)size;	/* it looks for itself */
	return ioctl(dir, BTRFS_IOC_RESIZE, &all);
}

static const struct {
	const char *type;
	int (*grow)(int dir, uint64_t size);
	const char *right;	/* that the kernel asks for */
} kinds[] = {
	{ "ext2", grow_ext, "CAP_SYS_RESOURCE" }, { "ext3", grow_ext, "CAP_SYS_RESOURCE" },
	{ "ext4", grow_ext, "CAP_SYS_RESOURCE" }, { "xfs", grow_xfs, "CAP_SYS_ADMIN" },
	{ "btrfs", grow_btrfs, "CAP_SYS_ADMIN" },
};

int fs_grow(int dir, const char *type, uint64_t size, const char *path, struct bp_error *err)
{
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		if (strcmp(kinds[i].type, type) != 0)
			continue;
		if (kinds[i].grow(dir, size) == 0)
			return 0;
		if (errno == EPERM)
			return bp_fail_sys(err, errno, "cannot make the file system on '%s' "
					   "larger, which takes the capability %s", path,
					   kinds[i].right);
		return bp_fail_sys(err, errno, "cannot make the file system on '%s' larger", path);
	}
	return bp_fail(err, BP_UNSUPPORTED, "file systems of format '%s' cannot be made larger "
		       "while they are mounted", type);
}
