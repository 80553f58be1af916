/* netfs_library.c - see netfs_library.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backends/netfs_library.h"

#include <dlfcn.h>
#include <stdlib.h>

#include "core/base/mem.h"

static const char *const libraries[] = { "libnfs.so.14", "libnfs.so.13", "libnfs.so.16" };

void library_done(struct library *l)
{
	if (l->rpc)
		l->rpc_destroy_context(l->rpc);
	if (l->dl)
		dlclose(l->dl);
	*l = (struct library){ 0 };
}

int library_open(struct library *l, struct bp_error *err)
{
	struct { const char *name; void **call; } calls[] = {
#define CALL(name) { #name, (void **)&l->name },
		LIBNFS_CALLS(CALL)
#undef CALL
	};

	for (size_t i = 0; !l->dl && i < array_size(libraries); i++)
		l->dl = dlopen(libraries[i], RTLD_NOW | RTLD_LOCAL);
	if (!l->dl)
		return bp_fail(err, BP_UNSUPPORTED, "to ask a server what it exports, libnfs is "
			       "needed: %s", dlerror());
	for (size_t i = 0; i < array_size(calls); i++) {
		*calls[i].call = dlsym(l->dl, calls[i].name);
		if (!*calls[i].call)
			return bp_fail(err, BP_UNSUPPORTED, "libnfs has no %s()", calls[i].name);
	}
	return 0;
}
