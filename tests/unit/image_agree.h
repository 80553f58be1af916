/* image_agree.h - what we read of an image, and what qemu-img makes of it. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_TESTS_IMAGE_AGREE_H
#define BP_TESTS_IMAGE_AGREE_H

#include "core/image_file.h"
#include "tests/unit/image_judge.h"

#define PIECE (1u << 20)

/* All bytes of the guest are those of the raw file beside it; where there is nothing,
 * that has zeros.  NULL: so it is. */
static char *compare(struct bp_chain *chain, struct bp_io *raw)
{
	auto_free unsigned char *ours = mem_alloc(PIECE), *theirs = mem_alloc(PIECE);
	struct bp_error err = { 0 };
	uint64_t size, at = 0;

	if (io_size(raw, &size, &err) < 0)
		return mem_dup(err.text);
	if (size != chain->capacity)
		return mem_printf("%llu bytes, not %llu", (unsigned long long)chain->capacity,
				  (unsigned long long)size);
	while (at < size) {
		struct bp_guest_extent e;
		uint64_t from, to;
		size_t depth, n;

		if (bp_chain_extent(chain, at, &e, &depth, &err) < 0)
			return mem_dup(err.text);
		if (!e.len || e.len > size - at || e.at != at)
			return mem_printf("an extent of %llu bytes", (unsigned long long)e.len);
		if (e.kind == BP_GUEST_HOLE || e.kind == BP_GUEST_ZERO) {
			if (io_next_data(raw, at, &from, &to, &err) < 0)
				return mem_dup(err.text);
			if (from >= at + e.len) {
				at += e.len;
				continue;
			}
		}
		n = e.len < PIECE ? (size_t)e.len : PIECE;
		if (bp_chain_read(chain, ours, n, at, &err) < 0 ||
		    io_read(raw, theirs, n, at, &err) < 0)
			return mem_dup(err.text);
		if (memcmp(ours, theirs, n) != 0)
			return mem_printf("differs in the MiB at %llu", (unsigned long long)at);
		at += n;
	}
	return NULL;
}

/* Also piece by piece, in odd sizes and backwards. */
static char *compare_odd(struct bp_chain *chain, struct bp_io *raw)
{
	unsigned char ours[7001], theirs[sizeof ours];
	struct bp_error err = { 0 };
	uint64_t at = chain->capacity < (8u << 20) ? chain->capacity : 8u << 20;

	while (at) {
		size_t n = at < sizeof ours ? (size_t)at : sizeof ours;

		at -= n;
		if (bp_chain_read(chain, ours, n, at, &err) < 0 ||
		    io_read(raw, theirs, n, at, &err) < 0)
			return mem_dup(err.text);
		if (memcmp(ours, theirs, n) != 0)
			return mem_printf("differs at %llu", (unsigned long long)at);
	}
	return NULL;
}

/* What we read of it, compared with what stands in raw. */
static char *ref_reads_as(const struct bp_image_ref *ref, const char *raw)
{
	cleanup(image_file_done) struct image_file f = { 0 };
	cleanup(bp_chain_done) struct bp_chain chain = { 0 };
	cleanup(io_closep) struct bp_io *judge_io = open_image(raw, 0);
	struct bp_error err = { 0 };
	char *why;

	if (!judge_io)
		return mem_dup("no raw file");
	if (image_file_open(ref, false, &f, &err) < 0 ||
	    image_file_chain(&f, 0, &chain, &err) < 0)
		return mem_dup(err.text);
	why = compare(&chain, judge_io);
	return why ? why : compare_odd(&chain, judge_io);
}

__attribute__((unused))
static char *reads_as(const char *format, const char *path, const char *raw)
{
	return ref_reads_as(&(struct bp_image_ref){ .path = path, .format = format }, raw);
}

/* The same with what qemu-img makes of it. */
__attribute__((unused))
static char *read_as(const char *format, const char *path, const char *raw)
{
	if (judge("qemu-img", "convert", "-f", format, "-O", "raw", path, raw, NULL) != 0)
		return mem_dup(judged);
	return reads_as(format, path, raw);
}

__attribute__((unused))
static char *here(const char *name)
{
	return mem_dup(tap_path(name));
}

/* An image that qemu-img makes of a raw one. */
struct made {
	const char *format, *options;
	bool compressed;
};

/* qemu-img 7.2 ends with 1, and no word, after it has made a compressed qcow as it should. */
__attribute__((unused))
static bool convert(const struct made *m, const char *from, const char *to)
{
	return judge("qemu-img", "convert", m->compressed ? "-c" : "-q", "-f", "raw", "-O",
		     m->format, m->options ? "-o" : "-q", m->options ? m->options : "-q", from,
		     to, NULL) == 0 || (m->compressed && !*judged);
}

#define AGREES(format, options, path) do {					\
	auto_free char *raw_ = here("raw.out"), *why_ = read_as(format, path, raw_);	\
	auto_free char *got_ = mem_printf("%s %s: %s", format, options ? options : "",	\
					  why_ ? why_ : "the same");		\
	auto_free char *want_ = mem_printf("%s %s: the same", format,		\
					   options ? options : "");		\
	SAME(got_, want_);							\
} while (0)

/* What is refused says why. */
__attribute__((unused))
static const char *refusal(const char *format, const char *path, struct bp_error *err)
{
	const struct bp_image_ref ref = { .path = path, .format = format };
	cleanup(image_file_done) struct image_file f = { 0 };
	struct bp_guest *g;

	*err = (struct bp_error){ 0 };
	if (image_file_open(&ref, false, &f, err) < 0)
		return err->text;
	if (f.format->open(f.io, &g, err) == 0) {
		guest_close(g);
		return "opened";
	}
	return err->text;
}

#endif
