/* fake.c - see fake.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/fake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "tests/tap.h"

char did[4096];
const char *fake_fail;
bool lost, running;
struct bp_pool_space fake_space;

static struct { char name[64]; struct bp_io *io; } vols[32];
static size_t n_vols;

static int note(const char *slot, struct bp_error *err)
{
	size_t n = strlen(did);

	snprintf(did + n, sizeof did - n, "%s ", slot);
	if (fake_fail && strcmp(fake_fail, slot) == 0)
		return bp_fail(err, BP_SYSTEM, "%s refused", slot);
	return 0;
}

static int fake_open(struct bp_pool *p, struct bp_error *err)
{
	(void)p;
	return note("open", err);
}

static void fake_close(struct bp_pool *p)
{
	struct bp_error ignored = { 0 };

	(void)p;
	(void)note("close", &ignored);
}

static int fake_check(struct bp_pool *p, bool *ret, struct bp_error *err)
{
	(void)p;
	(void)err;
	*ret = !lost;
	return 0;
}

static int fake_build(struct bp_pool *p, unsigned flags, struct bp_error *err)
{
	(void)p;
	return note(flags & BP_BUILD_OVERWRITE ? "overwrite" : "build", err);
}

static int fake_start(struct bp_pool *p, struct bp_error *err)
{
	(void)p;
	if (note("start", err) < 0)
		return -1;
	lost = false;
	return running;
}

static int fake_get_space(struct bp_pool *p, struct bp_pool_space *ret, struct bp_error *err)
{
	(void)p;
	if (note("space", err) < 0)
		return -1;
	*ret = fake_space;
	return 0;
}

static int fake_stop(struct bp_pool *p, struct bp_error *err)
{
	(void)p;
	return note("stop", err);
}

static int fake_erase(struct bp_pool *p, struct bp_error *err)
{
	(void)p;
	return note("erase", err);
}

/* ---- volumes ---------------------------------------------------------------- */

static size_t find(const char *name)
{
	size_t i = 0;

	while (i < n_vols && strcmp(vols[i].name, name) != 0)
		i++;
	return i;
}

bool fake_has(const char *name)
{
	return find(name) < n_vols;
}

static void add(const char *name, struct bp_io *io)
{
	snprintf(vols[n_vols].name, sizeof vols[n_vols].name, "%s", name);
	vols[n_vols++].io = io;
}

void fake_volume(const char *name, const void *bytes, size_t len)
{
	struct bp_error err = { 0 };
	struct bp_io *io = io_of_memory(len);

	(void)io_write(io, bytes, len, 0, &err);
	add(name, io);
}

size_t fake_bytes(const char *name, char *ret, size_t max)
{
	struct bp_error err = { 0 };
	struct bp_io *io = vols[find(name)].io;
	uint64_t len = 0;

	(void)io_size(io, &len, &err);
	(void)io_read(io, ret, len < max ? len : max, 0, &err);
	return len;
}

static void describe(size_t i, char *path, size_t size, struct bp_vol_info *ret)
{
	struct bp_error err = { 0 };

	snprintf(path, size, "/fake/%s", vols[i].name);
	*ret = (struct bp_vol_info){
		.got = BP_VOL_ALL, .name = vols[i].name, .path = path, .key = path, .format = "raw",
	};
	(void)io_size(vols[i].io, &ret->capacity, &err);
	ret->physical = ret->capacity;
}

struct cursor { size_t i; char path[100]; };

static int fake_vols_open(struct bp_pool *p, unsigned want, void **ret, struct bp_error *err)
{
	(void)p;
	(void)want;
	if (note("vols_open", err) < 0)
		return -1;
	*ret = mem_alloc(sizeof(struct cursor));
	return 0;
}

static int fake_vols_next(struct bp_pool *p, void *cursor, struct bp_vol_info *ret,
			  struct bp_error *err)
{
	struct cursor *c = cursor;

	(void)p;
	if (fake_fail && strcmp(fake_fail, "vols_next") == 0)
		return bp_fail(err, BP_SYSTEM, "vols_next refused");
	memset(c->path, '?', sizeof c->path - 1);	/* strings of the last step are over */
	if (c->i >= n_vols)
		return 0;
	describe(c->i++, c->path, sizeof c->path, ret);
	return 1;
}

static void fake_vols_close(struct bp_pool *p, void *cursor)
{
	struct bp_error ignored = { 0 };

	(void)p;
	(void)note("vols_close", &ignored);
	free(cursor);
}

static int fake_create(struct bp_pool *p, const struct bp_vol_spec *spec, unsigned flags,
		       const struct bp_filler *filler, struct bp_error *err)
{
	struct bp_io *io = io_of_memory(0);

	(void)p;
	(void)flags;
	if (note("create", err) == 0) {
		if (fake_has(spec->name))
			bp_fail(err, BP_VOL_EXISTS, "storage volume '%s' exists already",
				spec->name);
		else if (filler->fill ? filler->fill(filler->arg, io, err) == 0 :
			 io_resize(io, spec->capacity, err) == 0) {
			add(spec->name, io);
			return 0;
		}
	}
	io_close(io);
	return -1;
}

static int fake_resize(struct bp_pool *p, const char *vol, uint64_t capacity, unsigned flags,
		       struct bp_error *err)
{
	(void)p;
	(void)flags;
	if (note("resize", err) < 0)
		return -1;
	return io_resize(vols[find(vol)].io, capacity, err);
}

static int fake_delete(struct bp_pool *p, const char *vol, unsigned flags, struct bp_error *err)
{
	size_t i = find(vol);

	(void)p;
	(void)flags;
	if (note("delete", err) < 0)
		return -1;
	if (i == n_vols)
		return bp_fail(err, BP_NO_VOL, "no storage vol with matching path '%s'", vol);
	io_close(vols[i].io);
	vols[i] = vols[--n_vols];
	return 0;
}

/* The bytes stay ours when the engine is done with them. */
struct borrowed { struct bp_io io; struct bp_io *real; struct bp_io_ops ops; };

static struct bp_io *real(struct bp_io *io)
{
	return ((struct borrowed *)io)->real;
}

static int b_size(struct bp_io *io, uint64_t *ret, struct bp_error *err)
{
	return io_size(real(io), ret, err);
}

static int b_read(struct bp_io *io, void *buf, size_t len, uint64_t at, struct bp_error *err)
{
	return io_read(real(io), buf, len, at, err);
}

static int b_write(struct bp_io *io, const void *buf, size_t len, uint64_t at, struct bp_error *err)
{
	return io_write(real(io), buf, len, at, err);
}

static int b_resize(struct bp_io *io, uint64_t size, struct bp_error *err)
{
	return io_resize(real(io), size, err);
}

static int b_sync(struct bp_io *io, struct bp_error *err)
{
	(void)io;
	return note("sync", err);
}

static void b_close(struct bp_io *io)
{
	free(io);
}

static int fake_vol_open(struct bp_pool *p, const char *vol, enum bp_vol_access access,
			 struct bp_io **ret, struct bp_error *err)
{
	struct borrowed *b;

	(void)p;
	if (note(access == BP_VOL_WRITE ? "open_write" : "open_read", err) < 0)
		return -1;
	b = mem_alloc(sizeof *b);
	b->ops = (struct bp_io_ops){ b_size, b_read, b_write, b_sync, b_close, .resize = b_resize };
	b->io = (struct bp_io){ .ops = &b->ops, .fd = -1, .name = "fake" };
	b->real = vols[find(vol)].io;
	*ret = &b->io;
	return 0;
}

/* ---- the table and the registry ------------------------------------------------- */

static const struct bp_backend all_slots = {
	.type = "dir",
	.pool_open = fake_open, .pool_close = fake_close, .pool_check = fake_check,
	.pool_build = fake_build, .pool_start = fake_start, .pool_space = fake_get_space,
	.pool_stop = fake_stop, .pool_erase = fake_erase,
	.vols_open = fake_vols_open, .vols_next = fake_vols_next, .vols_close = fake_vols_close,
	.vol_create = fake_create, .vol_resize = fake_resize, .vol_delete = fake_delete,
	.vol_open = fake_vol_open,
};

struct bp_backend fake_backend;

const struct bp_backend *bp_backend_find(const char *type, struct bp_error *err)
{
	if (strcmp(type, fake_backend.type) == 0)
		return &fake_backend;
	bp_fail(err, BP_UNSUPPORTED, "pools of type '%s' are not part of this build", type);
	return NULL;
}

bool bp_backend_present(const char *type)
{
	return strcmp(type, fake_backend.type) == 0;
}

void fake_reset(void)
{
	while (n_vols)
		io_close(vols[--n_vols].io);
	fake_backend = all_slots;
	fake_fail = NULL;
	lost = running = false;
	fake_space = (struct bp_pool_space){ 100, 40, 60 };
	did[0] = '\0';
}

/* A test may want a fresh store several times. */
static void put_away(const char *name)
{
	static unsigned n;
	char old[40];

	snprintf(old, sizeof old, "old%u", n++);
	(void)rename(tap_path(name), tap_path(old));
}

struct bp_store *fake_store(unsigned flags)
{
	struct bp_store_paths paths = {
		.config = tap_path("config"), .run = tap_path("run"), .flags = flags,
	};
	struct bp_error err = { 0 };
	struct bp_store *s = NULL;

	if (!(flags & BP_STORE_READONLY)) {
		fake_reset();
		put_away("config");
		put_away("run");
	}
	if (bp_store_open(&paths, &s, &err) < 0)
		printf("# no store: %s\n", err.text);
	return s;
}

struct bp_pool_def *fake_def(const char *name, const char *target)
{
	struct bp_pool_def *def = bp_pool_def_new();

	def->type = mem_dup("dir");
	def->name = mem_dup(name);
	def->target_path = mem_dup(target);
	return def;
}

int fake_define(struct bp_store *s, const char *name, const char *uuid, const char *target,
		struct bp_error *err)
{
	cleanup(bp_pool_def_freep) struct bp_pool_def *def = fake_def(name, target);

	def->uuid = mem_dup(uuid);
	return bp_pool_define(s, def, err);
}

struct bp_store *fake_store_with_pool(void)
{
	struct bp_store *s = fake_store(0);
	struct bp_error err = { 0 };

	if (fake_define(s, "p", NULL, "/fake", &err) < 0)
		printf("# no pool: %s\n", err.text);
	return s;
}
