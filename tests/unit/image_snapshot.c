/* image_snapshot.c - snapshots inside qcow2, made by us and by QEMU in turn, judged by QEMU. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>

#include "tests/unit/image_record.h"

/* A disk is what each of its blocks was written with last. */
enum { BLOCKS = 24, BLOCK = 40 << 10, SNAPSHOTS = 5 };

struct disk {
	unsigned char byte[BLOCKS];
};

struct model {
	const char *path;
	struct disk now, kept[SNAPSHOTS];
	bool used[SNAPSHOTS];		/* snapshot "sN" is there */
};

static const char *const kinds[] = {
	"compat=1.1",
	"compat=0.10,cluster_size=512",
	"cluster_size=16k,extended_l2=on",
	"cluster_size=4k,refcount_bits=8",
	"cluster_size=1k,refcount_bits=64,lazy_refcounts=on",
	"cluster_size=2M",
	"cluster_size=4k,preallocation=metadata",
};

static const struct bp_image_format *qcow2(void)
{
	return bp_image_format_find("qcow2");
}

/* Print the failure; whether there was none. */
static bool told(int r, const struct bp_error *err)
{
	if (r < 0)
		printf("# %s\n", err->text);
	return r == 0;
}

static bool qemu_io(const char *path, const char *fmt, unsigned value, unsigned block)
{
	auto_free char *command = mem_printf("%s 0x%02x %u %u", fmt, value, block * BLOCK, BLOCK);

	return judge("qemu-io", "-c", command, path, NULL) == 0;
}

/* Compressed bytes must begin and end where clusters do: the whole disk in pieces. */
static bool write_some(struct model *m)
{
	unsigned block = record_dice(BLOCKS), value = 1 + record_dice(255);
	auto_free char *zero = mem_printf("write -z %u %u", block * BLOCK, BLOCK);

	if (record_dice(4) == 0) {
		m->now.byte[block] = 0;
		return judge("qemu-io", "-c", zero, m->path, NULL) == 0;
	}
	m->now.byte[block] = (unsigned char)value;
	return qemu_io(m->path, "write -P", value, block);
}

/* The same step by one or the other. */
static bool by_qemu(const char *letter, const char *name, const char *path)
{
	return judge("qemu-img", "snapshot", letter, name, path, NULL) == 0;
}

static bool by_us(const char *letter, const char *name, const char *path)
{
	struct bp_io *io = open_image(path, 0);
	struct bp_error err = { 0 };
	int r = letter[1] == 'c' ? qcow2()->snapshot_create(io, name, &err) :
		letter[1] == 'a' ? qcow2()->snapshot_revert(io, name, &err) :
				   qcow2()->snapshot_delete(io, name, &err);

	io_close(io);
	return told(r, &err);
}

static bool step(struct model *m)
{
	unsigned i = record_dice(SNAPSHOTS);
	const char *letter = !m->used[i] ? "-c" : record_dice(3) ? "-a" : "-d";
	auto_free char *name = mem_printf("s%u", i);

	if (record_dice(3) == 0)
		return write_some(m);
	if (!(record_dice(3) ? by_us : by_qemu)(letter, name, m->path))
		return false;
	if (letter[1] == 'c')
		m->kept[i] = m->now;
	else if (letter[1] == 'a')
		m->now = m->kept[i];
	m->used[i] = letter[1] != 'd';
	return true;
}

/* As QEMU reads it, now or in a snapshot. */
static bool holds(const char *path, const char *snapshot, const struct disk *d)
{
	static unsigned char got[BLOCKS * BLOCK];
	const char *raw = tap_path("raw");
	auto_free char *which = mem_printf("snapshot.name=%s", snapshot ? snapshot : "");
	bool same = true;
	int fd;

	if (judge("qemu-img", "convert", "-f", "qcow2", "-O", "raw", path, raw,
		  snapshot ? "-l" : NULL, which, NULL) != 0)
		return false;
	fd = open(raw, O_RDONLY | O_CLOEXEC);
	same = read(fd, got, sizeof got) == (ssize_t)sizeof got;
	close(fd);
	for (size_t i = 0; same && i < sizeof got; i++)
		same = got[i] == d->byte[i / BLOCK];
	return same;
}

static bool is_right(const struct model *m)
{
	if (judge("qemu-img", "check", m->path, NULL) != 0) {
		printf("# %s\n", judged);
		return false;
	}
	if (!holds(m->path, NULL, &m->now))
		return false;
	for (unsigned i = 0; i < SNAPSHOTS; i++) {
		auto_free char *name = mem_printf("s%u", i);

		if (m->used[i] && !holds(m->path, name, &m->kept[i]))
			return false;
	}
	return true;
}

static bool make(struct model *m, const char *options)
{
	auto_free char *size = mem_printf("%d", BLOCKS * BLOCK);

	*m = (struct model){ .path = tap_path("image") };
	unlink(m->path);
	return judge("qemu-img", "create", "-q", "-f", "qcow2", "-o", options, m->path, size,
		     NULL) == 0;
}

TEST(we_and_qemu_take_turns)
{
	enum { STEPS = 24 };

	NEED_QEMU();
	for (size_t k = 0; k < array_size(kinds); k++) {
		struct model m;
		bool right = make(&m, kinds[k]);

		for (int i = 0; right && i < STEPS; i++) {
			right = step(&m) && (i % 4 || is_right(&m));
			if (!right)
				printf("# %s: step %d\n", kinds[k], i);
		}
		CHECK(right && is_right(&m));
	}
}

TEST(they_are_listed_as_qemu_lists_them)
{
	struct bp_snapshot *list;
	struct bp_error err = { 0 };
	struct bp_io *io;
	struct model m;
	size_t n;

	NEED_QEMU();
	CHECK(make(&m, "compat=1.1"));
	CHECK(by_us("-c", "one", m.path) && by_qemu("-c", "two", m.path) &&
	      by_us("-c", "three \xc3\xa4", m.path) && by_us("-d", "two", m.path));
	io = open_image(m.path, 0);
	CHECK(told(qcow2()->snapshot_list(io, &list, &n, &err), &err));
	io_close(io);
	SAME_N(n, 2);
	SAME(list[0].id, "1");
	SAME(list[1].id, "3");
	SAME(list[1].name, "three \xc3\xa4");
	SAME_N(list[1].capacity, BLOCKS * BLOCK);
	CHECK(list[1].created >= list[0].created && list[0].created > 1700000000);
	bp_snapshots_free(list, n);
	CHECK(judge("qemu-img", "snapshot", "-l", m.path, NULL) == 0);
	CHECK(strstr(judged, "one") && strstr(judged, "three") && !strstr(judged, "two"));
}

static size_t listed(const char *path)
{
	struct bp_snapshot *list = NULL;
	struct bp_error err = { 0 };
	struct bp_io *io = open_image(path, 0);
	size_t n = 0;
	bool read = told(qcow2()->snapshot_list(io, &list, &n, &err), &err);

	io_close(io);
	bp_snapshots_free(list, n);
	return read ? n : SIZE_MAX;
}

/* 13 entries of these fill 4 KiB, 420 fill 128: the length of a table stands nowhere. */
TEST(a_table_of_any_length_is_read)
{
	static const size_t lengths[] = { 1, 12, 13, 14, 425 };
	struct model m;
	size_t n = 0;

	NEED_QEMU();
	CHECK(make(&m, "compat=1.1,cluster_size=512"));
	for (size_t i = 0; i < array_size(lengths); i++) {
		for (; n < lengths[i]; n++) {
			auto_free char *name = mem_printf("%0240zu", n);

			CHECK(by_us("-c", name, m.path));
		}
		SAME_N(listed(m.path), n);
	}
	while (n > 416) {
		auto_free char *name = mem_printf("%0240zu", --n);

		CHECK((n % 3 ? by_us : by_qemu)("-d", name, m.path));
	}
	SAME_N(listed(m.path), n);
	CHECK(is_right(&m));
}

TEST(what_cannot_be_is_refused)
{
	struct bp_error err = { 0 };
	struct bp_io *io;
	struct model m;

	NEED_QEMU();
	CHECK(make(&m, "compat=1.1") && by_us("-c", "one", m.path));
	io = open_image(m.path, 0);
	CHECK(qcow2()->snapshot_create(io, "one", &err) < 0 && err.code == BP_FAILED);
	err = (struct bp_error){ 0 };
	CHECK(qcow2()->snapshot_create(io, "", &err) < 0 && err.code == BP_INVALID);
	err = (struct bp_error){ 0 };
	CHECK(qcow2()->snapshot_delete(io, "two", &err) < 0 && err.code == BP_INVALID);
	err = (struct bp_error){ 0 };
	CHECK(qcow2()->snapshot_revert(io, "two", &err) < 0 && err.code == BP_INVALID);
	io_close(io);
	CHECK(is_right(&m));
}

TEST(a_disk_that_grew_is_small_again)
{
	struct model m;

	NEED_QEMU();
	CHECK(make(&m, "compat=1.1,cluster_size=512"));
	CHECK(qemu_io(m.path, "write -P", 7, 3) && by_us("-c", "s0", m.path));
	m.now.byte[3] = 7;
	m.kept[0] = m.now;
	m.used[0] = true;
	CHECK(judge("qemu-img", "resize", "-q", m.path, "1G", NULL) == 0);
	CHECK(judge("qemu-io", "-c", "write -P 1 900M 64k", m.path, NULL) == 0);
	CHECK(by_us("-a", "s0", m.path) && is_right(&m));
	CHECK(judge("qemu-img", "info", m.path, NULL) == 0);
	CHECK(strstr(judged, "983040 bytes"));
}

TEST(one_bit_counts_no_snapshot)
{
	struct bp_error err = { 0 };
	struct bp_io *io;
	struct model m;

	NEED_QEMU();
	CHECK(make(&m, "refcount_bits=1") && write_some(&m));
	io = open_image(m.path, 0);
	CHECK(qcow2()->snapshot_create(io, "one", &err) < 0 && err.code == BP_FAILED);
	CHECK(strstr(err.text, "1 bits"));
	io_close(io);
	CHECK(is_right(&m));
}

/* What the image holds: as before, or as after. */
static bool is_one_of(struct bp_io *io, const struct model *before, const struct model *after)
{
	struct model a = *before, b = *after;

	a.path = b.path = tap_path("judged");
	file_of_memory(a.path, io);
	return is_right(&a) || is_right(&b);
}

static int do_step(int which, struct bp_io *io, struct bp_error *err)
{
	return which == 0 ? qcow2()->snapshot_create(io, "s2", err) :
	       which == 1 ? qcow2()->snapshot_revert(io, "s0", err) :
			    qcow2()->snapshot_delete(io, "s0", err);
}

/* Three images before, and as they are to be after. */
static bool prepare(const char *options, int which, struct model *before, struct model *after)
{
	bool made = make(before, options) && write_some(before) && write_some(before) &&
		    by_qemu("-c", "s0", before->path);

	before->kept[0] = before->now;
	made = made && write_some(before) && by_qemu("-c", "s1", before->path);
	before->kept[1] = before->now;
	made = made && write_some(before);
	before->used[0] = before->used[1] = true;
	*after = *before;
	after->used[2] = which == 0;
	after->used[0] = which != 2;
	after->kept[2] = before->now;
	if (which == 1)
		after->now = before->kept[0];
	return made;
}

TEST(at_every_moment_it_is_the_old_image_or_the_new)
{
	NEED_QEMU();
	for (size_t k = 0; k < 3; k++)
		for (int which = 0; which < 3; which++) {
			struct model before, after;
			struct bp_error err = { 0 };
			struct bp_io *old;
			struct record r;
			bool whole = true;

			CHECK(prepare(kinds[k], which, &before, &after));
			old = memory_of_file(before.path);
			record_start(&r, old);
			whole = told(do_step(which, &r.io, &err), &err);
			for (size_t cut = 0; whole && cut <= r.n; cut++)
				for (int chance = 0; whole && chance < 2; chance++) {
					struct bp_io *io = record_cut(&r, old, cut, chance > 0);

					whole = is_one_of(io, &before, &after);
					io_close(io);
					if (!whole)
						printf("# %s, %d: change %zu of %zu\n", kinds[k],
						       which, cut, r.n);
				}
			record_done(&r);
			io_close(old);
			CHECK(whole);
		}
}

TEST(a_failed_change_leaves_the_old_image)
{
	NEED_QEMU();
	for (int which = 0; which < 3; which++) {
		struct model before, after;
		struct bp_io *old;
		bool whole = true, failed = true;

		CHECK(prepare(kinds[which], which, &before, &after));
		old = memory_of_file(before.path);
		for (size_t at = 1; whole && failed; at++) {
			struct bp_error err = { 0 };
			struct record r;

			record_start(&r, old);
			r.fail_at = at;
			failed = do_step(which, &r.io, &err) < 0;
			whole = !failed || is_one_of(r.now, &before, &before);
			record_done(&r);
			if (!whole)
				printf("# %s: change %zu failed\n", kinds[which], at);
		}
		io_close(old);
		CHECK(whole);
	}
}
