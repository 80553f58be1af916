/* hostile.c - a directory that somebody else fills, and changes while it is looked at. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/files.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "tests/tap.h"

struct dir_pool {
	struct bp_pool p;
	struct bp_pool_def *def;
	struct bp_error err;
};

static void dir_pool_done(struct dir_pool *d)
{
	if (d->p.priv)
		files_pool_close(&d->p);
	bp_pool_def_free(d->def);
}

static void dir_pool_open(struct dir_pool *d)
{
	d->def = bp_pool_def_new();
	d->def->type = mem_dup("dir");
	d->def->name = mem_dup("p");
	d->def->target_path = mem_dup(tap_path("p"));
	d->p.def = d->def;
	if (files_pool_build(&d->p, 0, &d->err) < 0 || files_pool_open(&d->p, &d->err) < 0)
		printf("# %s\n", d->err.text);
}

#define POOL(d) cleanup(dir_pool_done) struct dir_pool d = { 0 }; dir_pool_open(&d)
#define VOLUME(v) cleanup(files_volume_done) struct files_volume v = { 0 }

static const char *in_pool(const char *name)
{
	char rel[300];

	snprintf(rel, sizeof rel, "p/%s", name);
	return tap_path(rel);
}

static void file(const char *path, const char *content)
{
	FILE *f = fopen(path, "w");

	fputs(content, f);
	fclose(f);
}

/* Somebody's ploop volume, outside of the pool. */
static bool make_ploop_outside(void)
{
	if (mkdir(tap_path("theirs"), 0755) < 0)
		return false;
	file(tap_path("theirs/root.hds"), "WithouFreSpacExt");
	file(tap_path("theirs/DiskDescriptor.xml"), "<x/>");
	return true;
}

TEST(a_link_to_a_directory_outside_is_not_entered)
{
	POOL(d);
	VOLUME(v);

	CHECK(make_ploop_outside() && symlink("../theirs", in_pool("link")) == 0);
	CHECK(files_describe(&d.p, "link", DT_LNK, BP_VOL_ALL, &v));
	SAME_N(v.info.type, BP_VOL_DIR);
	SAME_N(v.info.physical, 0);
	SAME(v.info.problem, "is a link that leads out of the pool, and is not followed");
	CHECK(files_describe(&d.p, "link", DT_LNK, BP_VOL_NAME, &v));
	SAME_N(v.info.type, BP_VOL_DIR);
}

/* The walk has read the name of a directory; now it is a link. */
TEST(a_directory_that_becomes_a_link_is_not_entered)
{
	POOL(d);
	VOLUME(v);

	CHECK(make_ploop_outside() && mkdir(in_pool("dir"), 0755) == 0);
	CHECK(files_describe(&d.p, "dir", DT_DIR, BP_VOL_ALL, &v));
	CHECK(rmdir(in_pool("dir")) == 0 && symlink("../theirs", in_pool("dir")) == 0);
	CHECK(files_describe(&d.p, "dir", DT_DIR, BP_VOL_ALL, &v));
	SAME_N(v.info.type, BP_VOL_DIR);
	SAME_N(v.info.physical, 0);
	CHECK(files_vol_delete(&d.p, "dir", 0, &d.err) == 0);
	CHECK(tap_exists("theirs/root.hds") && tap_exists("theirs/DiskDescriptor.xml"));
}

/* The same for a whole walk, between two of its steps. */
TEST(names_that_change_during_a_walk)
{
	POOL(d);
	struct bp_vol_info info;
	char name[20];
	void *cursor;
	unsigned n = 0;

	file(tap_path("secret"), "secret");
	for (unsigned i = 0; i < 40; i++) {
		snprintf(name, sizeof name, "file%u", i);
		file(in_pool(name), "x");
	}
	CHECK(files_vols_open(&d.p, BP_VOL_NAME | BP_VOL_SIZE, &cursor, &d.err) == 0);
	CHECK(files_vols_next(&d.p, cursor, &info, &d.err) == 1);
	for (unsigned i = 0; i < 40; i++) {
		snprintf(name, sizeof name, "file%u", i);
		if (strcmp(name, info.name) == 0)
			continue;
		CHECK(unlink(in_pool(name)) == 0);
		if (i % 3 == 0)
			CHECK(symlink("../secret", in_pool(name)) == 0);
		if (i % 3 == 1)
			CHECK(mkfifo(in_pool(name), 0600) == 0);
	}
	while (files_vols_next(&d.p, cursor, &info, &d.err) > 0)
		n++;
	files_vols_close(&d.p, cursor);
	CHECK(!d.err.code && n < 40);
}

TEST(a_ploop_volume_without_its_file_is_a_bad_row)
{
	POOL(d);
	VOLUME(v);

	CHECK(mkdir(in_pool("a"), 0755) == 0 && mkfifo(in_pool("a/root.hds"), 0600) == 0);
	file(in_pool("a/DiskDescriptor.xml"), "<x/>");
	CHECK(files_describe(&d.p, "a", DT_DIR, BP_VOL_ALL, &v));
	SAME_N(v.info.type, BP_VOL_PLOOP);
	SAME(v.info.problem, "its file 'root.hds' is no file");
}

/* How often the node was opened. */
static unsigned opens(int notify)
{
	char buf[4096];
	ssize_t n = read(notify, buf, sizeof buf);

	return n < 0 ? 0 : (unsigned)n / (unsigned)sizeof(struct inotify_event);
}

/* To open a device can be all that it takes: a watchdog, a tape. */
TEST(what_is_no_volume_is_not_even_opened)
{
	POOL(d);
	VOLUME(v);
	auto_close int notify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	struct bp_io *io;

	CHECK(mkfifo(in_pool("fifo"), 0600) == 0 && symlink("fifo", in_pool("link")) == 0);
	CHECK(inotify_add_watch(notify, in_pool("fifo"), IN_OPEN) >= 0);
	CHECK(!files_describe(&d.p, "fifo", DT_UNKNOWN, BP_VOL_ALL, &v));
	CHECK(!files_describe(&d.p, "link", DT_LNK, BP_VOL_ALL, &v));
	CHECK(files_vol_open(&d.p, "fifo", BP_VOL_WRITE, &io, &d.err) == -1);
	SAME_N(d.err.code, BP_NO_VOL);
	SAME_N(opens(notify), 0);
}

/* Who made the image wrote the name of what is below it. */
static int make_overlay(struct dir_pool *d, const char *name, const char *backing)
{
	cleanup(bp_vol_spec_freep) struct bp_vol_spec *spec = bp_vol_spec_new();
	const struct bp_filler empty = { 0 };

	spec->name = mem_dup(name);
	spec->format = mem_dup("qcow2");
	spec->has_capacity = true;
	spec->capacity = 1 << 20;
	spec->backing = bp_backing_new();
	spec->backing->path = mem_dup(backing);
	spec->backing->format = mem_dup("raw");
	return files_vol_create(&d->p, spec, 0, &empty, &d->err);
}

TEST(what_an_overlay_names_is_opened_only_if_it_is_a_file)
{
	POOL(d);
	auto_close int notify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	file(in_pool("base"), "x");
	CHECK(make_overlay(&d, "over", "base") == 0);
	CHECK(unlink(in_pool("base")) == 0 && mkfifo(in_pool("base"), 0600) == 0);
	CHECK(inotify_add_watch(notify, in_pool("base"), IN_OPEN) >= 0);
	CHECK(files_vol_resize(&d.p, "over", 2 << 20, 0, &d.err) == -1);
	SAME(d.err.text, "backing store volume base is neither a file nor a block device");
	SAME_N(opens(notify), 0);
}

TEST(a_volume_that_has_gone_is_no_volume)
{
	POOL(d);
	struct bp_io *io;

	CHECK(symlink("loop", in_pool("loop")) == 0);
	CHECK(files_vol_open(&d.p, "gone", BP_VOL_READ, &io, &d.err) == -1);
	SAME_N(d.err.code, BP_NO_VOL);
	d.err = (struct bp_error){ 0 };
	CHECK(files_vol_open(&d.p, "loop", BP_VOL_READ, &io, &d.err) == -1);
	SAME_N(d.err.code, BP_NO_VOL);
}
