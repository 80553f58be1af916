/* fs_make.c - file systems: how each is called, and which program makes it. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "backends/fs.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/base/run.h"
#include "core/base/text.h"
#include "core/model/pool_type.h"

#define DOS_FORBIDDEN "\"*+,./:;<=>?[\\]|"

/* No program here asks back, or minds what was on the device: that was decided
 * before.  Without a row a format can be used, but not made. */
static const struct kind {
	const char *format;
	const char *blkid;		/* its word there, where it is another */
	const char *program;
	const char *options[3];
	const char *package;		/* where it is found, on most systems */
	const char *label;		/* the option for it, */
	size_t label_max;		/* so many bytes, */
	const char *forbidden;		/* and none of these */
} kinds[] = {
	{ "ext2", NULL, "mkfs.ext2", { "-q", "-F" }, "e2fsprogs", "-L", 16, "" },
	{ "ext3", NULL, "mkfs.ext3", { "-q", "-F" }, "e2fsprogs", "-L", 16, "" },
	{ "ext4", NULL, "mkfs.ext4", { "-q", "-F" }, "e2fsprogs", "-L", 16, "" },
	{ "xfs", NULL, "mkfs.xfs", { "-q", "-f" }, "xfsprogs", "-L", 12, " " },
	{ "vfat", NULL, "mkfs.vfat", { "-I" }, "dosfstools", "-n", 11, DOS_FORBIDDEN },
	{ "btrfs", NULL, "mkfs.btrfs", { "-q", "-f" }, "btrfs-progs", "-L", 255, "/\\" },
	{ "udf", NULL, "mkfs.udf", { NULL }, "udftools", "-l", 126, "" },
	{ "hfs+", "hfsplus", "mkfs.hfsplus", { NULL }, "hfsprogs", "-v", 255, ":" },
	{ "gfs2", NULL, "mkfs.gfs2", { "-O", "-q" }, "gfs2-utils", NULL, 0, NULL },
	{ "ocfs2", NULL, "mkfs.ocfs2", { "-q", "-x" }, "ocfs2-tools", "-L", 63, "" },
	{ "vmfs", "VMFS" },
	{ "iso9660" },
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

const char *fs_source_format(const struct bp_content *content, bool disk)
{
	const struct bp_pool_type *type = bp_pool_type_find("fs");

	(void)disk;
	if (!content->filesystem)
		return NULL;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (kinds[i].blkid && strcmp(kinds[i].blkid, content->type) == 0)
			return kinds[i].format;
	for (size_t i = 0; type->source_formats[i]; i++)
		if (strcmp(type->source_formats[i], content->type) == 0)
			return type->source_formats[i];
	return "auto";
}

void fs_plan_done(struct fs_plan *plan)
{
	free(plan->argv);
}

static void add(struct fs_plan *plan, const char *word)
{
	*array_add(plan->argv, plan->n) = word;
}

static int plan_label(struct fs_plan *plan, const struct kind *k, const char *label,
		      struct bp_error *err)
{
	size_t at = k->forbidden ? strcspn(label, k->forbidden) : 0;

	if (!k->label)
		return bp_fail(err, BP_CONFIG, "a file system of format '%s' has no label, but the "
			       "pool asks for '%s'", k->format, label);
	if (strlen(label) > k->label_max)
		return bp_fail(err, BP_CONFIG, "the label '%s' has %zu bytes; a file system of "
			       "format '%s' takes %zu at most", label, strlen(label), k->format,
			       k->label_max);
	if (has_control_chars(label) || label[at])
		return bp_fail(err, BP_CONFIG, "the label '%s' has characters that a file system "
			       "of format '%s' does not take", label, k->format);
	add(plan, k->label);
	add(plan, label);
	return 0;
}

/* A second device among the words would be formatted, or be taken into it. */
static int plan_option(struct fs_plan *plan, const char *word, struct bp_error *err)
{
	struct stat st;

	if (!*word || (stat(word, &st) == 0 && S_ISBLK(st.st_mode)))
		return bp_fail(err, BP_CONFIG, "'%s' is no option for a program that makes file "
			       "systems", word);
	add(plan, word);
	return 0;
}

int fs_plan(struct fs_plan *ret, const char *device, const char *format,
	    const struct bp_pool_def *def, struct bp_error *err)
{
	const struct kind *k = find(format);
	auto_free char *path = NULL;

	if (!k || !k->program)
		return bp_fail(err, BP_UNSUPPORTED, "file systems of format '%s' can be used, but "
			       "not made", format);
	ret->device = device;
	add(ret, k->program);
	for (size_t i = 0; i < array_size(k->options) && k->options[i]; i++)
		add(ret, k->options[i]);
	if (def->mkfs_label && plan_label(ret, k, def->mkfs_label, err) < 0)
		return -1;
	for (size_t i = 0; i < def->n_mkfs_options; i++)
		if (plan_option(ret, def->mkfs_options[i].name, err) < 0)
			return -1;
	add(ret, device);
	add(ret, NULL);
	path = program_find(k->program);
	if (!path)
		return bp_fail(err, BP_UNSUPPORTED, "to make a file system of format '%s', install "
			       "%s: there is no program '%s' here", format, k->package,
			       k->program);
	return 0;
}

int fs_make(const struct fs_plan *plan, struct bp_error *err)
{
	if (run_program(plan->argv, err) == 0)
		return 0;
	return bp_within(err, "cannot make a file system on '%s'", plan->device);
}
