/* logical_plain.c - what is read from a group's devices is what LVM reports of it. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/logical.h"
#include "backends/logical_text.h"
#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "tests/tap.h"

/* A device as LVM has left it, up to its volumes, the text of the group going round at the
 * end of its area; and what LVM reported of that. */
#define DEVICE "tests/data/lvm/plain.pv"
#define REPORT "tests/data/lvm/plain.json"
#define AREA   4096		/* where its header is */

static char *recorded(const char *name, size_t *len)
{
	struct bp_error err = { 0 };
	char *text = NULL;

	(void)file_read(AT_FDCWD, name, 1 << 20, &text, len, &err);
	return text;
}

static bool reported(struct vg *ret)
{
	struct bp_error err = { 0 };
	size_t len;
	char *text = recorded(REPORT, &len);

	return text && vg_read(text, ret, &err) == 0;
}

/* A copy of the device to change; the descriptor is the caller's. */
static int device(void)
{
	auto_free char *path = mem_printf("%s/device", tap_dir()), *bytes = NULL;
	size_t len = 0;
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	bytes = recorded(DEVICE, &len);
	if (!bytes || write_all(fd, bytes, len) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* The text with one word in it changed, or as it is. */
static char *text_with(const char *old, const char *new)
{
	auto_close int fd = device();
	auto_free char *text = label_text(fd);
	const char *at = text && old ? strstr(text, old) : NULL;

	if (!at)
		return old ? NULL : steal(text);
	return mem_printf("%.*s%s%s", (int)(at - text), text, new, at + strlen(old));
}

static bool is_told(const char *old, const char *new)
{
	cleanup(vg_done) struct vg vg = { 0 };
	auto_free char *text = text_with(old, new), *report = NULL;

	if (!reported(&vg) || !text)
		return false;
	report = plain_report(&vg, text);
	return report != NULL;
}

static const struct vg_seg *segment(const struct vg *vg, const char *ranges)
{
	for (size_t i = 0; i < vg->n_segs; i++)
		if (strcmp(vg->segs[i].ranges, ranges) == 0)
			return &vg->segs[i];
	return NULL;
}

static bool same_volume(const struct vg_lv *a, const struct vg_lv *b)
{
	/* which of them are active is the kernel's to tell */
	return a && strncmp(a->attr, b->attr, 4) == 0 && strcmp(a->attr + 6, b->attr + 6) == 0 &&
	       strcmp(a->uuid, b->uuid) == 0 && strcmp(a->layout, b->layout) == 0 &&
	       strcmp(a->role, b->role) == 0 && strcmp(a->size, b->size) == 0 &&
	       strcmp(a->tags, b->tags) == 0 && strcmp(a->origin, b->origin) == 0 &&
	       strcmp(a->pool, b->pool) == 0 && strcmp(a->health, b->health) == 0 &&
	       strcmp(a->data_percent, b->data_percent) == 0 &&
	       strcmp(a->metadata_percent, b->metadata_percent) == 0 &&
	       strcmp(a->metadata_size, b->metadata_size) == 0 &&
	       strcmp(a->check_needed, b->check_needed) == 0;
}

TEST(it_is_what_lvm_reports)
{
	cleanup(vg_done) struct vg lvm = { 0 }, ours = { 0 };
	auto_free char *text = text_with(NULL, NULL), *report = NULL;
	struct bp_error err = { 0 };

	CHECK(text && reported(&lvm));
	report = plain_report(&lvm, text);
	CHECK(report && vg_read(mem_dup(report), &ours, &err) == 0);
	SAME(ours.name, lvm.name);
	SAME(ours.uuid, lvm.uuid);
	SAME(ours.attr, lvm.attr);
	SAME(ours.size, lvm.size);
	SAME(ours.free, lvm.free);
	SAME(ours.seqno, lvm.seqno);
	SAME(ours.missing, lvm.missing);
	SAME_N(ours.extent_size, lvm.extent_size);
	SAME_N(ours.n_pvs, lvm.n_pvs);
	SAME_N(ours.n_lvs, lvm.n_lvs);
	SAME_N(ours.n_segs, lvm.n_segs);
	for (size_t i = 0; i < lvm.n_pvs; i++) {
		SAME(ours.pvs[i].name, lvm.pvs[i].name);
		SAME(ours.pvs[i].uuid, lvm.pvs[i].uuid);
	}
	for (size_t i = 0; i < lvm.n_lvs; i++)
		CHECK(same_volume(vg_find(&ours, lvm.lvs[i].name), &lvm.lvs[i]));
	for (size_t i = 0; i < lvm.n_segs; i++) {
		const struct vg_seg *seg = segment(&ours, lvm.segs[i].ranges);

		CHECK(seg);
		SAME(seg->lv, lvm.segs[i].lv);
		SAME(seg->type, lvm.segs[i].type);
		SAME(seg->chunk, lvm.segs[i].chunk);
	}
}

/* One byte somewhere in it has another value. */
static bool is_read_with(off_t at, int bit)
{
	auto_close int fd = device();
	auto_free char *text = NULL;
	unsigned char byte;

	if (pread(fd, &byte, 1, at) != 1)
		return true;
	byte ^= (unsigned char)bit;
	if (pwrite(fd, &byte, 1, at) != 1)
		return true;
	text = label_text(fd);
	return text != NULL;
}

TEST(what_is_damaged_is_not_read)
{
	CHECK(is_read_with(4000, 1));		/* where nothing is */
	CHECK(!is_read_with(512, 1));		/* label */
	CHECK(!is_read_with(AREA + 4, 1));	/* header */
	CHECK(!is_read_with(AREA + 41, 0x40));	/* where the text is */
	CHECK(!is_read_with(AREA + 47, 0x80));
	CHECK(!is_read_with(AREA + 48, 1));	/* how long */
	CHECK(!is_read_with(AREA + 55, 0x80));
	CHECK(!is_read_with(AREA + 56, 1));	/* its sum */
	CHECK(!is_read_with(AREA + 600, 1));	/* the text, after it has gone round */
	CHECK(!is_read_with(AREA + 32000, 1));	/* and before */
	CHECK(!is_read_with(AREA + 39, 0x80));	/* the area's own length */
}

TEST(what_is_more_than_plain_is_for_lvm_to_tell)
{
	CHECK(is_told(NULL, NULL));
	CHECK(is_told("seqno = 17", "seqno = 18"));
	CHECK(!is_told("type = \"striped\"", "type = \"mirror\""));
	CHECK(!is_told("\"VISIBLE\"", "\"PVMOVE\""));
	CHECK(!is_told("[\"READ\", \"WRITE\", \"VISIBLE\"]", "[\"READ\", \"WRITE\"]"));
	CHECK(!is_told("extent_size = 2048", "extent_size = 0"));
	CHECK(!is_told("\"RESIZEABLE\", ", ""));
	CHECK(!is_told("\"RESIZEABLE\"", "\"EXPORTED\""));
	CHECK(!is_told("flags = []", "flags = [\"MISSING\"]"));
	CHECK(!is_told("max_lv = 0", "system_id = \"other\""));
	CHECK(!is_told("max_lv = 0", "lock_type = \"sanlock\""));
	CHECK(!is_told("\"ALLOCATABLE\"", ""));
	CHECK(!is_told("segment_count = 2", "segment_count = 1"));
	CHECK(!is_told("segment_count = 2", "segment_count = 2\nread_ahead = 8"));
	CHECK(!is_told("start_extent = 4", "start_extent = 5"));
	CHECK(!is_told("\"a/tag=x\"", "\"a/tag=x\", \"b\""));
	CHECK(!is_told("\"pv1\", 0", "\"pv2\", 0"));
	CHECK(!is_told("stripe_count = 2", "stripe_count = 3"));
	CHECK(!is_told("vg {", "vh {"));
	CHECK(!is_told("pv1 {", "pv9 {"));
	CHECK(!is_told("version = 1", "version = 2"));
	CHECK(!is_told("id = \"", "id = \"x"));		/* of the group */
}

/* Nodes, and whether it was understood: all that is read stays inside. */
static bool understood(const char *text, size_t n)
{
	auto_free char *copy = mem_dup(text);
	struct lvm_text t;
	bool good = lvm_text_read(copy, &t) && t.n == n + 1;

	lvm_text_done(&t);
	return good;
}

TEST(texts_are_understood_or_refused)
{
	CHECK(understood("", 0));
	CHECK(understood("a = 1\n# b = 2\nc = \"d\\\"{\" e { f = [ \"g\", 12 ] h = [] }", 7));
	CHECK(!understood("a", 0) && !understood("a =", 0) && !understood("a = ", 0));
	CHECK(!understood("a = \"", 0) && !understood("a = \"b\\", 0));
	CHECK(!understood("a = [ 1", 2) && !understood("a = [ 1, ]", 2));
	CHECK(!understood("a { b = 1", 2) && !understood("a { } }", 1));
	CHECK(!understood("a=1", 1) && !understood("= 1", 0) && !understood("a = b", 0));
	CHECK(!understood("a { a { a { a { a { a { a { a { a { } } } } } } } } }", 9));
}
