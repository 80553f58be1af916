/* files.c - volumes that are files: what is listed, made, refused, and how it looks on disk. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/contract/dir_pool.h"

static void poke(const char *name, long at, int byte)
{
	FILE *f = fopen(in_pool(name), "r+");

	fseek(f, at, SEEK_SET);
	fputc(byte, f);
	fclose(f);
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* the names a walk gives, sorted */
static const char *listed(struct dir_pool *d, unsigned want)
{
	static char all[2000];
	char *names[100];
	struct bp_vol_info info;
	struct bp_error err = { 0 };
	size_t n = 0;
	void *cursor;

	all[0] = '\0';
	if (be->vols_open(&d->p, want, &cursor, &err) < 0)
		return "failed";
	while (n < 100 && be->vols_next(&d->p, cursor, &info, &err) > 0)
		names[n++] = mem_dup(info.name);
	be->vols_close(&d->p, cursor);
	qsort(names, n, sizeof *names, compare);
	for (size_t i = 0; i < n; i++) {
		strncat(all, names[i], 60);
		strncat(all, " ", 2);
		free(names[i]);
	}
	return err.code ? "failed" : all;
}

static struct bp_vol_info *find(struct dir_pool *d, const char *name)
{
	struct bp_vol_info *info = NULL;
	struct bp_error err = { 0 };

	return be->vol_find(&d->p, name, BP_VOL_ALL, &info, &err) < 0 ? NULL : info;
}

/* ---- what is listed -------------------------------------------------------------- */

static void make_socket(const char *name)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(addr.sun_path, sizeof addr.sun_path, "%s", in_pool(name));
	if (bind(fd, (void *)&addr, sizeof addr) < 0)
		printf("# no socket\n");
	close(fd);
}

TEST(files_and_directories_are_volumes_and_the_rest_is_not)
{
	POOL(d);

	file("file", "x");
	file(".hidden", "x");
	CHECK(mkdir(in_pool("dir"), 0755) == 0 && mkfifo(in_pool("fifo"), 0600) == 0);
	make_socket("socket");
	CHECK(symlink("file", in_pool("link")) == 0 && symlink("dir", in_pool("dirlink")) == 0 &&
	      symlink("nowhere", in_pool("dangling")) == 0 &&
	      symlink("loop", in_pool("loop")) == 0 && symlink("fifo", in_pool("fifolink")) == 0 &&
	      symlink("/dev/zero", in_pool("devlink")) == 0);
	file(".barepool-0123456789abcdef.part", "x");
	SAME(listed(&d, BP_VOL_NAME), ".hidden dir dirlink file link ");
	SAME(listed(&d, BP_VOL_ALL), ".hidden dir dirlink file link ");
}

TEST(a_link_out_of_the_pool_is_a_bad_row_and_is_not_followed)
{
	POOL(d);
	cleanup(bp_vol_info_freep) struct bp_vol_info *info = NULL;
	struct bp_io *io;

	fclose(fopen(tap_path("secret"), "w"));
	CHECK(symlink("../secret", in_pool("out")) == 0);
	SAME(listed(&d, BP_VOL_ALL), "out ");
	info = find(&d, "out");
	CHECK(info && info->problem && !(info->got & BP_VOL_FORMAT));
	SAME(info->problem, "is a link that leads out of the pool, and is not followed");
	CHECK(be->vol_open(&d.p, "out", BP_VOL_READ, &io, &d.err) == -1);
	SAME_N(d.err.code, BP_WRONG_STATE);
	d.err = (struct bp_error){ 0 };
	CHECK(be->vol_delete(&d.p, "out", 0, &d.err) == 0);
	CHECK(tap_exists("secret"));
}

TEST(an_image_that_lies_is_a_bad_row_and_the_others_are_fine)
{
	POOL(d);
	cleanup(bp_vol_info_freep) struct bp_vol_info *info = NULL;

	file("good", "x");
	file("cut", "QFI\xfb...\3");
	for (long at = 4; at < 7; at++)
		poke("cut", at, 0);
	CHECK(truncate(in_pool("cut"), 40) == 0);
	SAME(listed(&d, BP_VOL_ALL), "cut good ");
	info = find(&d, "cut");
	CHECK(info && info->problem);
	SAME_N(info->physical, 40);
}

TEST(a_backing_file_is_never_opened)
{
	POOL(d);
	cleanup(bp_vol_info_freep) struct bp_vol_info *info = NULL;
	SPEC(spec, "over", 1 << 20, 0, "qcow2");

	CHECK(mkfifo(in_pool("fifo"), 0600) == 0);
	file("base", "x");
	spec->backing = bp_backing_new();
	spec->backing->path = mem_dup("base");
	spec->backing->format = mem_dup("raw");
	CHECK(create(&d, spec, 0, &d.err) == 0);
	CHECK(unlink(in_pool("base")) == 0 && rename(in_pool("fifo"), in_pool("base")) == 0);
	info = find(&d, "over");	/* would hang here */
	CHECK(info && info->backing && !info->problem);
	SAME(info->backing->path, in_pool("base"));
	SAME(info->backing->format, "raw");
}

/* ---- what is made ------------------------------------------------------------------ */

TEST(a_raw_volume_takes_the_space_it_is_given)
{
	static const struct { uint64_t capacity, allocation, size; } cases[] = {
		{ 1 << 20, 0, 1 << 20 }, { 1 << 20, 1 << 20, 1 << 20 },
		{ 1 << 20, 1 << 18, 1 << 20 }, { 0, 0, 0 }, { 1, 0, 1 },
		{ 1000, 1000, 1000 }, { 1 << 18, 1 << 20, 1 << 20 },
	};

	for (size_t i = 0; i < array_size(cases); i++) {
		POOL(d);
		char name[20];
		struct stat st;

		snprintf(name, sizeof name, "v%zu", i);
		{
			SPEC(spec, name, cases[i].capacity, cases[i].allocation, "raw");
			CHECK(create(&d, spec, 0, &d.err) == 0);
		}
		CHECK(stat(in_pool(name), &st) == 0);
		SAME_N(st.st_size, cases[i].size);
		CHECK((uint64_t)st.st_blocks * 512 >= cases[i].allocation);
		CHECK((uint64_t)st.st_blocks * 512 <= cases[i].allocation + 4096);
		SAME_N(st.st_mode & 07777, 0600);
	}
}

TEST(owner_and_rights_as_asked)
{
	POOL(d);
	SPEC(spec, "v", 4096, 0, "raw");
	struct stat st;

	if (geteuid() != 0)
		SKIP("only root can give files away");
	spec->perms = (struct bp_perms){ .has_mode = true, .has_uid = true, .has_gid = true,
					 .mode = 0640, .uid = 1234, .gid = 5678 };
	CHECK(create(&d, spec, 0, &d.err) == 0);
	CHECK(stat(in_pool("v"), &st) == 0);
	SAME_N(st.st_mode & 07777, 0640);
	SAME_N(st.st_uid, 1234);
	SAME_N(st.st_gid, 5678);
}

TEST(a_directory_can_be_entered)
{
	POOL(d);
	SPEC(spec, "v", 4096, 0, "dir");
	cleanup(bp_vol_info_freep) struct bp_vol_info *info = NULL;

	CHECK(create(&d, spec, 0, &d.err) == 0);
	info = find(&d, "v");
	SAME_N(info->type, BP_VOL_DIR);
	SAME(info->format, "dir");
	SAME_N(info->perms.mode, 0700);
	SAME_N(info->capacity, 0);
	CHECK(be->vol_delete(&d.p, "v", 0, &d.err) == 0);
}

TEST(a_directory_with_something_in_it_is_not_deleted)
{
	POOL(d);

	CHECK(mkdir(in_pool("v"), 0755) == 0);
	file("v/f", "x");
	CHECK(be->vol_delete(&d.p, "v", 0, &d.err) == -1);
	CHECK(strstr(d.err.text, "cannot remove directory '") && strstr(d.err.text, "not empty"));
	CHECK(access(in_pool("v/f"), F_OK) == 0);
}

TEST(a_link_goes_and_its_target_stays)
{
	POOL(d);

	CHECK(mkdir(in_pool("dir"), 0755) == 0 && symlink("dir", in_pool("link")) == 0);
	CHECK(be->vol_delete(&d.p, "link", 0, &d.err) == 0);
	SAME(listed(&d, BP_VOL_NAME), "dir ");
}

/* capacity, format, flags, and the words that refuse it */
static const struct { const char *format; unsigned flags; const char *error; } refused[] = {
	{ "raw", BP_VOL_PREALLOC, "metadata preallocation is not supported for raw volumes" },
	{ "vmdk", BP_VOL_PREALLOC, "metadata preallocation only available with qcow2" },
	{ "qed", 0, "volumes of format 'qed' can be used, but not created; "
		    "raw, qcow2, vmdk, vdi, vpc and dir can" },
};

TEST(what_cannot_be_made_says_why_and_leaves_nothing)
{
	POOL(d);

	for (size_t i = 0; i < array_size(refused); i++) {
		SPEC(spec, "v", 4096, 0, refused[i].format);
		struct bp_error err = { 0 };

		CHECK(create(&d, spec, refused[i].flags, &err) == -1);
		SAME(err.text, refused[i].error);
		SAME(listed(&d, BP_VOL_NAME), "");
	}
}

TEST(a_name_that_is_taken_by_no_volume_is_taken)
{
	POOL(d);
	SPEC(fifo, "fifo", 4096, 0, "raw");
	SPEC(link, "link", 4096, 0, "raw");
	struct bp_error a = { 0 }, b = { 0 };

	CHECK(mkfifo(in_pool("fifo"), 0600) == 0 && symlink("nowhere", in_pool("link")) == 0);
	CHECK(create(&d, fifo, 0, &a) == -1);
	CHECK(strstr(a.text, "fifo' already exists"));
	CHECK(create(&d, link, 0, &b) == -1);
	CHECK(access(in_pool("nowhere"), F_OK) < 0);
}

TEST(too_large_is_said_with_the_name)
{
	POOL(d);
	SPEC(spec, "v", INT64_MAX, 0, "raw");

	CHECK(create(&d, spec, 0, &d.err) == -1);
	CHECK(strstr(d.err.text, "cannot extend file '") && strstr(d.err.text, "p/v'"));
	SAME(listed(&d, BP_VOL_NAME), "");
}

TEST(qcow2_is_what_it_says)
{
	POOL(d);
	SPEC(spec, "v", 1 << 30, 0, "qcow2");
	cleanup(bp_vol_info_freep) struct bp_vol_info *info = NULL;

	CHECK(create(&d, spec, 0, &d.err) == 0);
	info = find(&d, "v");
	SAME(info->format, "qcow2");
	SAME(info->compat, "1.1");
	SAME_N(info->capacity, 1 << 30);
	SAME_N(info->cluster_size, 65536);
	CHECK(info->has_features && !info->features);
}

TEST(an_overlay_takes_its_size_from_what_is_below)
{
	POOL(d);
	SPEC(base, "base", 5 << 20, 0, "raw");
	cleanup(bp_vol_spec_freep) struct bp_vol_spec *over = bp_vol_spec_new();
	cleanup(bp_vol_info_freep) struct bp_vol_info *info = NULL;

	CHECK(create(&d, base, 0, &d.err) == 0);
	over->name = mem_dup("over");
	over->format = mem_dup("qcow2");
	over->backing = bp_backing_new();
	over->backing->path = mem_dup(in_pool("base"));
	over->backing->format = mem_dup("raw");
	CHECK(bp_vol_spec_complete(over, bp_pool_type_find("dir"), true, &d.err) == 0);
	CHECK(create(&d, over, 0, &d.err) == 0);
	info = find(&d, "over");
	SAME_N(info->capacity, 5 << 20);
	SAME(info->backing->path, in_pool("base"));
}

TEST(a_backing_store_must_be_there_and_be_a_file)
{
	POOL(d);
	SPEC(over, "over", 1 << 20, 0, "qcow2");
	struct bp_error gone = { 0 }, fifo = { 0 };

	CHECK(mkfifo(in_pool("fifo"), 0600) == 0);
	over->backing = bp_backing_new();
	over->backing->format = mem_dup("raw");
	over->backing->path = mem_dup("/nonexistent/x");
	CHECK(create(&d, over, 0, &gone) == -1);
	SAME(gone.text, "inaccessible backing store volume /nonexistent/x: "
			"No such file or directory");
	mem_set(&over->backing->path, in_pool("fifo"));
	CHECK(create(&d, over, 0, &fifo) == -1);
	CHECK(strstr(fifo.text, "neither a file nor a block device"));
	SAME(listed(&d, BP_VOL_NAME), "");
}

/* ---- resize -------------------------------------------------------------------------- */

TEST(a_raw_volume_grows_and_shrinks)
{
	POOL(d);
	SPEC(spec, "v", 1 << 20, 0, "raw");
	struct stat st;

	CHECK(create(&d, spec, 0, &d.err) == 0);
	CHECK(be->vol_resize(&d.p, "v", 2 << 20, 0, &d.err) == 0);
	CHECK(stat(in_pool("v"), &st) == 0);
	SAME_N(st.st_size, 2 << 20);
	SAME_N(st.st_blocks, 0);
	CHECK(be->vol_resize(&d.p, "v", 3 << 20, BP_VOL_ALLOCATE, &d.err) == 0);
	CHECK(stat(in_pool("v"), &st) == 0);
	SAME_N(st.st_size, 3 << 20);
	SAME_N(st.st_blocks * 512, 1 << 20);
	CHECK(be->vol_resize(&d.p, "v", 1000, BP_VOL_SHRINK, &d.err) == 0);
	CHECK(stat(in_pool("v"), &st) == 0);
	SAME_N(st.st_size, 1000);
}

TEST(a_volume_that_cannot_grow_keeps_its_size)
{
	POOL(d);
	SPEC(spec, "v", 1 << 20, 0, "raw");
	struct stat st;

	CHECK(create(&d, spec, 0, &d.err) == 0);
	CHECK(be->vol_resize(&d.p, "v", INT64_MAX, 0, &d.err) == -1);
	CHECK(strstr(d.err.text, "Failed to truncate file '"));
	CHECK(stat(in_pool("v"), &st) == 0);
	SAME_N(st.st_size, 1 << 20);
}

TEST(an_overlay_does_not_show_what_it_hid)
{
	POOL(d);
	SPEC(base, "base", 5 << 20, 0, "raw");
	SPEC(small, "small", 1 << 20, 0, "qcow2");
	SPEC(large, "large", 5 << 20, 0, "qcow2");
	cleanup(bp_vol_info_freep) struct bp_vol_info *info = NULL;

	CHECK(create(&d, base, 0, &d.err) == 0);
	small->backing = bp_backing_new();
	large->backing = bp_backing_new();
	small->backing->path = mem_dup("base");
	large->backing->path = mem_dup("base");
	CHECK(create(&d, small, 0, &d.err) == 0 && create(&d, large, 0, &d.err) == 0);
	CHECK(be->vol_resize(&d.p, "large", 6 << 20, 0, &d.err) == 0);
	CHECK(be->vol_resize(&d.p, "small", 2 << 20, 0, &d.err) == -1);
	CHECK(strstr(d.err.text, "hides a part of 'base'"));
	info = find(&d, "small");
	SAME_N(info->capacity, 1 << 20);
}

/* ---- the directory itself --------------------------------------------------------------- */

TEST(a_new_directory_gets_its_rights_and_an_old_one_keeps_them)
{
	cleanup(dir_pool_done) struct dir_pool d = { 0 };
	struct bp_perms perms = { 0 };
	struct stat st;

	dir_pool_open(&d);
	CHECK(stat(tap_path("p"), &st) == 0);
	SAME_N(st.st_mode & 07777, 0711);
	CHECK(chmod(tap_path("p"), 0750) == 0);
	CHECK(be->pool_build(&d.p, 0, &d.err) == 0);
	CHECK(stat(tap_path("p"), &st) == 0);
	SAME_N(st.st_mode & 07777, 0750);
	CHECK(be->pool_perms(&d.p, &perms, &d.err) == 0);
	SAME_N(perms.mode, 0750);
	bp_perms_done(&perms);
}

TEST(only_an_empty_directory_is_erased)
{
	POOL(d);
	struct bp_error err = { 0 };

	file("f", "x");
	CHECK(be->pool_erase(&d.p, &err) == -1);
	CHECK(strstr(err.text, "failed to remove pool '") && strstr(err.text, "not empty"));
	CHECK(unlink(in_pool("f")) == 0);
	CHECK(be->pool_erase(&d.p, &d.err) == 0);
	CHECK(access(tap_path("p"), F_OK) < 0);
}
