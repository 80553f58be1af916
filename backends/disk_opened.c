/* disk_opened.c - libfdisk, opened when a table is changed. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backends/disk_library.h"
#include "core/base/dl.h"
#include "core/base/mem.h"

static const char *const libraries[] = { "libfdisk.so.1", NULL };

int disk_library_open(struct disk_library *l, struct bp_error *err)
{
	const struct dl_call calls[] = {
#define CALL(name) { "fdisk_" #name, (void **)&l->name },
		FDISK_CALLS(CALL)
#undef CALL
	};

	l->dl = dl_open("to change a partition table", libraries, calls, array_size(calls), err);
	return l->dl ? 0 : -1;
}

void disk_library_done(struct disk_library *l)
{
	dl_closep(&l->dl);
}
