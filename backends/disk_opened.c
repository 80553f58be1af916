/* disk_opened.c - libfdisk, opened when a table is changed. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dlfcn.h>

#include "backends/disk_library.h"
#include "core/base/mem.h"

#define LIBRARY "libfdisk.so.1"

int disk_library_open(struct disk_library *l, struct bp_error *err)
{
	struct { const char *name; void **call; } calls[] = {
#define CALL(name) { "fdisk_" #name, (void **)&l->name },
		FDISK_CALLS(CALL)
#undef CALL
	};

	l->dl = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	if (!l->dl)
		return bp_fail(err, BP_UNSUPPORTED, "to change a partition table, " LIBRARY
			       " is needed: %s", dlerror());
	for (size_t i = 0; i < array_size(calls); i++) {
		*calls[i].call = dlsym(l->dl, calls[i].name);
		if (!*calls[i].call)
			return bp_fail(err, BP_UNSUPPORTED, LIBRARY " has no %s()", calls[i].name);
	}
	return 0;
}

void disk_library_done(struct disk_library *l)
{
	if (l->dl)
		dlclose(l->dl);
}
