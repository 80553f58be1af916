/* disk_name.c - what partitions are called: loop0p1, sda1, nvme0n1p1. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <ctype.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "backends/disk.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/base/text.h"

/* The kernel puts a 'p' after a digit.  Device-mapper's names are made by programs,
 * which may always put one: then the definition says so (part_separator). */
char *disk_node_before_number(const char *path, const char *real, const char *mapped,
			      enum bp_yes_no separator)
{
	const char *node = mapped ? path : real;
	auto_free char *by_name = NULL;
	size_t len;
	bool p;

	if (mapped && !starts_with(path, "/dev/mapper/"))
		node = by_name = mem_printf("/dev/mapper/%s", mapped);
	len = strlen(node);
	p = (len && isdigit((unsigned char)node[len - 1])) || (mapped && separator == BP_YES);
	return mem_printf("%s%s", node, p ? "p" : "");
}

char *disk_part_name(const struct disk *d, unsigned number)
{
	return mem_printf("%s%u", d->stem, number);
}

char *disk_part_node(const struct disk *d, unsigned number)
{
	return mem_printf("%s%u", d->node, number);
}

char *disk_part_path(const struct bp_pool *p, struct disk *d, unsigned number)
{
	auto_free char *node = disk_part_node(d, number);
	const char *name = NULL;
	struct stat st;

	if (!d->named)
		blocks_names_read(&d->names, p->def->target_path);
	d->named = true;
	if (d->names.n && stat(node, &st) == 0 && S_ISBLK(st.st_mode))
		name = blocks_name_of(&d->names, st.st_rdev);
	return name ? mem_dup(name) : steal(node);
}

static bool is_named(const struct bp_pool *p, struct disk *d, dev_t dev)
{
	blocks_names_done(&d->names);
	blocks_names_read(&d->names, p->def->target_path);
	d->named = true;
	return blocks_name_of(&d->names, dev);
}

void disk_wait_for_name(const struct bp_pool *p, struct disk *d, unsigned number)
{
	dev_t dev;

	if (!blocks_have_udev() || !blocks_has_names(p->def->target_path) ||
	    !disk_kernel_number(d, number, &dev) || !is_named(p, d, d->dev))
		return;
	(void)flock(d->fd, LOCK_UN);	/* udev does not look at what is locked */
	for (int i = 0; i < BLOCKS_WAITS && !is_named(p, d, dev); i++)
		blocks_pause();
}

const struct disk_part *disk_part_named(const struct disk *d, const char *name)
{
	size_t len = strlen(d->stem);
	uint64_t number;

	if (!starts_with(name, d->stem) || !isdigit((unsigned char)name[len]) ||
	    name[len] == '0' || !parse_number(name + len, 10, &number) || number > 1u << 20)
		return NULL;
	return disk_part_find(&d->parts, (unsigned)number);
}
