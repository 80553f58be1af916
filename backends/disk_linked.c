/* disk_linked.c - libfdisk, linked into a static command, which can open no library. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backends/disk_library.h"

int disk_library_open(struct disk_library *l, struct bp_error *err)
{
	(void)err;
#define CALL(name) l->name = fdisk_##name;
	FDISK_CALLS(CALL)
#undef CALL
	return 0;
}

void disk_library_done(struct disk_library *l)
{
	(void)l;
}
