/* imagedump.c - write what the guest of an image sees to standard output.
 *
 *	imagedump [-s SEED] FILE [FORMAT [SNAPSHOT]]
 *
 * With a seed it is read in pieces of random length, now and then some of it once more.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/image_file.h"

#define PIECE (1u << 20)

static int failed(const struct bp_error *err)
{
	fprintf(stderr, "imagedump: %s\n", err->text);
	return 1;
}

static int put(const void *buf, size_t n)
{
	return fwrite(buf, 1, n, stdout) == n ? 0 : -1;
}

/* A snapshot has no backing file of its own here. */
static int dump_snapshot(struct image_file *f, const char *which, struct bp_error *err)
{
	auto_free char *buf = mem_alloc(PIECE);
	struct bp_guest *g;
	int r = 0;

	if (f->format->open_snapshot(f->io, which, &g, err) < 0)
		return -1;
	for (uint64_t at = 0; at < g->capacity && r == 0; at += PIECE) {
		size_t n = g->capacity - at < PIECE ? (size_t)(g->capacity - at) : PIECE;

		r = guest_read(g, buf, n, at, err);
		if (r == 0)
			r = put(buf, n);
	}
	guest_close(g);
	return r;
}

static int dump(struct image_file *f, unsigned seed, struct bp_error *err)
{
	cleanup(bp_chain_done) struct bp_chain chain = { 0 };
	auto_free char *buf = mem_alloc(PIECE), *again = mem_alloc(PIECE);
	size_t n;

	if (image_file_chain(f, 0, &chain, err) < 0)
		return -1;
	for (uint64_t at = 0; at < chain.capacity; at += n) {
		n = seed ? (size_t)rand_r(&seed) % PIECE + 1 : PIECE;
		if (n > chain.capacity - at)
			n = (size_t)(chain.capacity - at);
		if (bp_chain_read(&chain, buf, n, at, err) < 0 || put(buf, n) < 0)
			return -1;
		if (seed && rand_r(&seed) % 4 == 0) {
			size_t from = (size_t)rand_r(&seed) % n;

			if (bp_chain_read(&chain, again, n - from, at + from, err) < 0)
				return -1;
			if (memcmp(again, buf + from, n - from) != 0)
				abort();
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	cleanup(image_file_done) struct image_file f = { 0 };
	struct bp_image_ref ref = { 0 };
	struct bp_error err = { 0 };
	unsigned seed = 0;

	if (argc > 2 && strcmp(argv[1], "-s") == 0) {
		seed = (unsigned)strtoul(argv[2], NULL, 10);
		argc -= 2;
		argv += 2;
	}
	if (argc < 2)
		return 2;
	ref.path = argv[1];
	ref.format = argc > 2 && *argv[2] ? argv[2] : NULL;
	if (image_file_open(&ref, false, &f, &err) < 0)
		return failed(&err);
	if (argc > 3 ? dump_snapshot(&f, argv[3], &err) < 0 : dump(&f, seed, &err) < 0)
		return failed(&err);
	return fflush(stdout) == 0 ? 0 : 1;
}
