/* dir_pool.h - a pool of type dir in the test's own directory, without an engine. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_TESTS_DIR_POOL_H
#define BP_TESTS_DIR_POOL_H

#include <stdio.h>

#include "core/backend.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "tests/tap.h"

static const struct bp_backend *be;

struct dir_pool {
	struct bp_pool p;
	struct bp_pool_def *def;
	struct bp_error err;
};

static void dir_pool_done(struct dir_pool *d)
{
	if (d->p.priv)
		be->pool_close(&d->p);
	bp_pool_def_free(d->def);
}

static void dir_pool_open(struct dir_pool *d)
{
	be = bp_backend_find("dir", &d->err);
	d->def = bp_pool_def_new();
	d->def->type = mem_dup("dir");
	d->def->name = mem_dup("p");
	d->def->target_path = mem_dup(tap_path("p"));
	d->p.def = d->def;
	if (be->pool_build(&d->p, 0, &d->err) < 0 || be->pool_open(&d->p, &d->err) < 0)
		printf("# %s\n", d->err.text);
}

#define POOL(d) cleanup(dir_pool_done) struct dir_pool d = { 0 }; dir_pool_open(&d)

static const char *in_pool(const char *name)
{
	char rel[300];

	snprintf(rel, sizeof rel, "p/%s", name);
	return tap_path(rel);
}

static void file(const char *name, const char *content)
{
	FILE *f = fopen(in_pool(name), "w");

	fputs(content, f);
	fclose(f);
}

static struct bp_vol_spec *spec_of(const char *name, uint64_t capacity, uint64_t allocation,
				   const char *format)
{
	struct bp_vol_spec *spec = bp_vol_spec_new();
	struct bp_error err = { 0 };

	spec->name = mem_dup(name);
	spec->capacity = capacity;
	spec->allocation = allocation;
	spec->has_capacity = spec->has_allocation = true;
	spec->format = mem_dup(format);
	if (bp_vol_spec_complete(spec, bp_pool_type_find("dir"), false, &err) < 0)
		printf("# %s\n", err.text);
	return spec;
}

#define SPEC(s, ...) cleanup(bp_vol_spec_freep) struct bp_vol_spec *s = spec_of(__VA_ARGS__)

static int create(struct dir_pool *d, const struct bp_vol_spec *spec, unsigned flags,
		  struct bp_error *err)
{
	const struct bp_filler empty = { 0 };

	return be->vol_create(&d->p, spec, flags, &empty, err);
}

#endif
