/* dl.c - see dl.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/base/dl.h"

#include <dlfcn.h>

#include "core/base/cleanup.h"

void dl_closep(void **dl)
{
	if (*dl)
		dlclose(*dl);
}

void *dl_open(const char *what_for, const char *const *files, const struct dl_call *calls,
	      size_t n, struct bp_error *err)
{
	cleanup(dl_closep) void *dl = NULL;
	const char *const *file = files;

	while (*file && !(dl = dlopen(*file, RTLD_NOW | RTLD_LOCAL)))
		file++;
	if (!dl) {
		bp_fail(err, BP_UNSUPPORTED, "%s, %s is needed: %s", what_for, *files, dlerror());
		return NULL;
	}
	for (size_t i = 0; i < n; i++) {
		*calls[i].call = dlsym(dl, calls[i].name);
		if (*calls[i].call)
			continue;
		bp_fail(err, BP_UNSUPPORTED, "%s has no %s()", *file, calls[i].name);
		return NULL;
	}
	return steal(dl);
}
