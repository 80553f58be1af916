/* running.h - a pool of a fixture's type, built and started, for a promise to be held against. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_TESTS_RUNNING_H
#define BP_TESTS_RUNNING_H

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "core/backend.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "tests/contract/fixtures.h"
#include "tests/tap.h"

/* A pool of the type, built and started, its connection open. */
struct running {
	const struct fixture *f;
	const struct bp_backend *be;
	struct bp_pool_def *def;
	struct bp_pool p;
	bool open;
	struct bp_error err;
};

/* The n-th name, from 1 on, that a volume can have; lives until the next call but one. */
static inline const char *name_of(const struct running *r, unsigned n)
{
	static char names[2][32];
	static unsigned next;
	char *name = names[next++ % 2];

	if (r->f->stem)
		snprintf(name, sizeof names[0], "%s%s%u", r->f->stem,
			 isdigit((unsigned char)r->f->stem[strlen(r->f->stem) - 1]) ? "p" : "", n);
	else
		snprintf(name, sizeof names[0], "vol%u", n);
	return name;
}

static inline void running_done(struct running *r)
{
	struct bp_error ignored = { 0 };

	if (r->open && r->be->pool_close)
		r->be->pool_close(&r->p);
	if (r->be && r->be->pool_stop && r->p.def)
		(void)r->be->pool_stop(&r->p, &ignored);
	bp_pool_def_free(r->def);
}

static inline bool bring_up(struct running *r)
{
	if (bp_pool_def_complete(r->def, &r->err) < 0 ||
	    (r->be->pool_build && r->be->pool_build(&r->p, r->f->build, &r->err) < 0) ||
	    (r->be->pool_start && r->be->pool_start(&r->p, &r->err) < 0) ||
	    (r->be->pool_open && r->be->pool_open(&r->p, &r->err) < 0)) {
		printf("# %s: %s\n", r->f->type, r->err.text);
		return false;
	}
	r->open = true;
	return true;
}

static inline void hold(const struct fixture *f, void (*promise)(struct running *r))
{
	cleanup(running_done) struct running r = { .f = f };

	r.be = bp_backend_find(f->type, &r.err);
	if (!r.be)
		SKIP(r.err.text);
	r.def = bp_pool_def_new();
	r.def->type = mem_dup(f->type);
	r.def->name = mem_dup("contract");
	r.def->target_path = mem_dup(tap_path("target"));
	if (!f->make(r.def))
		SKIP(f->needs);
	r.p.def = r.def;
	r.p.limit = 10;
	CHECK(bring_up(&r));
	promise(&r);
}

static inline struct bp_vol_spec *spec_of(const struct running *r, const char *name)
{
	struct bp_vol_spec *spec = bp_vol_spec_new();
	struct bp_error err = { 0 };

	spec->name = mem_dup(name);
	spec->capacity = r->f->small;
	spec->has_capacity = true;
	spec->has_allocation = true;	/* of nothing: sparse */
	(void)bp_vol_spec_complete(spec, bp_pool_type_find(r->f->type), false, &err);
	return spec;
}

static inline int make(struct running *r, const char *name, struct bp_error *err)
{
	cleanup(bp_vol_spec_freep) struct bp_vol_spec *spec = spec_of(r, name);
	const struct bp_filler empty = { 0 };

	return r->be->vol_create(&r->p, spec, 0, &empty, err);
}

static inline unsigned times_listed(struct running *r, const char *name)
{
	struct bp_error err = { 0 };
	struct bp_vol_info info;
	unsigned n = 0;
	void *cursor;

	if (r->be->vols_open(&r->p, BP_VOL_ALL, &cursor, &err) < 0)
		return 1000;
	while (r->be->vols_next(&r->p, cursor, &info, &err) > 0)
		n += strcmp(info.name, name) == 0;
	r->be->vols_close(&r->p, cursor);
	return err.code ? 1000 : n;
}

static inline int put(struct running *r, const char *vol, const char *bytes, size_t len)
{
	cleanup(io_closep) struct bp_io *io = NULL;
	struct bp_error err = { 0 };

	if (r->be->vol_open(&r->p, vol, BP_VOL_WRITE, &io, &err) < 0)
		return -1;
	return io_write(io, bytes, len, 0, &err);
}

static inline int get(struct running *r, const char *vol, char *bytes, size_t len)
{
	cleanup(io_closep) struct bp_io *io = NULL;
	struct bp_error err = { 0 };

	if (r->be->vol_open(&r->p, vol, BP_VOL_READ, &io, &err) < 0)
		return -1;
	return io_read(io, bytes, len, 0, &err);
}

#endif
