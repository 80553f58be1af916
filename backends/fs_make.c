/* fs_make.c - file systems: how each is called, and which program makes it. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stddef.h>
#include <string.h>

#include "backends/fs.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/base/run.h"

/* No program here asks back, or minds what was on the device: that was decided
 * before.  Without a row: mkfs.FORMAT DEVICE. */
static const struct kind {
	const char *format;
	const char *blkid;		/* its word there, where it is another */
	const char *program;
	const char *options[3];
	const char *package;		/* where it is found, on most systems */
} kinds[] = {
	{ "ext2", NULL, "mkfs.ext2", { "-q", "-F" }, "e2fsprogs" },
	{ "ext3", NULL, "mkfs.ext3", { "-q", "-F" }, "e2fsprogs" },
	{ "ext4", NULL, "mkfs.ext4", { "-q", "-F" }, "e2fsprogs" },
	{ "xfs", NULL, "mkfs.xfs", { "-q", "-f" }, "xfsprogs" },
	{ "vfat", NULL, "mkfs.vfat", { "-I" }, "dosfstools" },
	{ "btrfs", NULL, "mkfs.btrfs", { "-q", "-f" }, "btrfs-progs" },
	{ "udf", NULL, "mkfs.udf", { NULL }, "udftools" },
	{ "hfs+", "hfsplus", "mkfs.hfsplus", { NULL }, "hfsprogs" },
	{ "gfs2", NULL, "mkfs.gfs2", { "-O", "-q" }, "gfs2-utils" },
	{ "ocfs2", NULL, "mkfs.ocfs2", { "-q", "-x" }, "ocfs2-tools" },
	{ "vmfs", "VMFS", NULL, { NULL }, NULL },
	{ "iso9660", NULL, NULL, { NULL }, NULL },
};

static const struct kind *find(const char *format)
{
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (strcmp(kinds[i].format, format) == 0)
			return &kinds[i];
	return NULL;
}

const char *fs_blkid_word(const char *format, const char *found)
{
	const struct kind *k = find(format);

	if (strcmp(format, "auto") == 0)
		return found;
	return k && k->blkid ? k->blkid : format;
}

int fs_make(const char *device, const char *format, struct bp_error *err)
{
	const struct kind *k = find(format);
	const char *argv[6];
	size_t n = 0;

	if (!k || !k->program)
		return bp_fail(err, BP_UNSUPPORTED, "file systems of format '%s' can be used, but "
			       "not made", format);
	argv[n++] = k->program;
	for (size_t i = 0; i < 3 && k->options[i]; i++)
		argv[n++] = k->options[i];
	argv[n++] = device;
	argv[n] = NULL;
	if (run_program(argv, err) == 0)
		return 0;
	if (err->code == BP_UNSUPPORTED)
		return bp_within(err, "to make a file system of format '%s', install %s", format,
				 k->package);
	return bp_within(err, "cannot make a file system on '%s'", device);
}
