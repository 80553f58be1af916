/* registry.c - the pool types of this build: compiled in, or lying about as modules. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/backend.h"
#include "core/base/mem.h"

/* The build writes one BACKEND(type) a line. */
#define BACKEND(type) extern const struct bp_backend backend_##type;
#include "backends.inc"
#undef BACKEND

static const struct bp_backend *const builtin[] = {
#define BACKEND(type) &backend_##type,
#include "backends.inc"
#undef BACKEND
	NULL
};

static const struct bp_backend *find_builtin(const char *type)
{
	for (size_t i = 0; builtin[i]; i++)
		if (strcmp(builtin[i]->type, type) == 0)
			return builtin[i];
	return NULL;
}

/* One fixed directory, chosen when we were built: what lies there was put there
 * by whoever could replace this very program.  Another only where whoever names
 * it could have run any other program.  Only names of known types get here. */
static void module_path(const char *type, char *ret, size_t size)
{
	const char *dir = secure_getenv("BAREPOOL_MODULES");

	snprintf(ret, size, "%s/%s.so", dir && *dir == '/' ? dir : MODULE_DIR, type);
	for (char *p = strrchr(ret, '/'); *p; p++)	/* its name in C */
		*p = *p == '-' ? '_' : *p;
}

static const struct bp_backend *open_module(const char *path, const char *type,
					    struct bp_error *err)
{
	void *dl = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	const struct bp_module *m = dl ? dlsym(dl, "barepool_module") : NULL;

	if (!m)
		bp_fail(err, BP_INTERNAL, "cannot use module '%s': %s", path, dlerror());
	else if (strcmp(m->version, BP_MODULE_VERSION) != 0)
		bp_fail(err, BP_INTERNAL, "module '%s' is of %s, this is %s; install matching "
			"parts", path, m->version, BP_MODULE_VERSION);
	else if (strcmp(m->backend->type, type) != 0)
		bp_fail(err, BP_INTERNAL, "module '%s' is for pools of type '%s'",
			path, m->backend->type);
	else
		return m->backend;	/* stays loaded: its table is in use from here on */
	if (dl)
		dlclose(dl);
	return NULL;
}

const struct bp_backend *bp_backend_find(const char *type, struct bp_error *err)
{
	const struct bp_backend *be = find_builtin(type);
	char path[4096];

	if (be)
		return be;
	if (!bp_backend_present(type)) {
		bp_fail(err, BP_UNSUPPORTED, "pools of type '%s' are not part of this build", type);
		return NULL;
	}
	module_path(type, path, sizeof path);
	return open_module(path, type, err);
}

bool bp_backend_builtin(const char *type)
{
	return find_builtin(type);
}

bool bp_backend_present(const char *type)
{
	char path[4096];

	if (find_builtin(type))
		return true;
	if (!bp_pool_type_find(type))
		return false;
	module_path(type, path, sizeof path);
	return access(path, R_OK) == 0;
}
