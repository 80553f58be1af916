/* disk_write.c - a changed table's way to the device: never neither old nor new.
 *
 * libfdisk writes to a copy in memory.  What then differs from the device is
 * written rank by rank, each synced before the next:
 *
 *   dos	records nobody refers to yet; those of the chain; the first sector
 *   gpt	the copy at the end; the table at the start; the protective record.
 *		Whenever that is cut off one of the two is whole, and the first
 *		that is whole counts.
 *   others	all but the first sector; the first sector
 *
 * and zeros in place of what was there before come last.  Each rank of a GPT is
 * one call, so that it is not cut off inside.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "backends/disk.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"

#define PAGE 4096u
#define TABLE_ENDS 65536u	/* where a GPT is, whatever its sectors */

/* ---- the copy ---------------------------------------------------------------------- */

void disk_copy_done(struct disk_copy *c)
{
	closep(&c->fd);
	free(c->spans);
}

static int read_range(const struct disk *d, char *bytes, uint64_t at, size_t len,
		      struct bp_error *err)
{
	while (len) {
		ssize_t n = pread(d->fd, bytes, len, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return bp_fail_sys(err, n ? errno : EIO, "cannot read device '%s'",
					   d->path);
		bytes += n;
		at += (size_t)n;
		len -= (size_t)n;
	}
	return 0;
}

static int fill(const struct disk *d, const struct disk_copy *c, const struct disk_span *span,
		struct bp_error *err)
{
	auto_free char *bytes = span->zeros ? NULL : mem_resize(NULL, (size_t)span->len, 1);

	if (span->zeros)
		return 0;
	if (read_range(d, bytes, span->at, (size_t)span->len, err) < 0)
		return -1;
	if (pwrite(c->fd, bytes, (size_t)span->len, (off_t)span->at) != (ssize_t)span->len)
		return bp_fail_sys(err, errno, "cannot keep a copy of a partition table");
	return 0;
}

static void add_span(struct disk_copy *c, uint64_t at, uint64_t len, bool zeros)
{
	*array_add(c->spans, c->n) = (struct disk_span){ at, len, zeros };
}

/* Where tables usually are; of a new one all of it was empty before. */
static void add_ends(const struct disk *d, struct disk_copy *c)
{
	uint64_t size = d->shape.size, ends = c->blank ? DISK_ENDS : TABLE_ENDS;
	uint64_t tail = size > ends ? (size - ends) / PAGE * PAGE : 0;

	if (tail <= ends) {
		add_span(c, 0, size, c->blank);
		return;
	}
	add_span(c, 0, ends, c->blank);
	add_span(c, tail, size - tail, c->blank);
}

int disk_copy_make(const struct disk *d, struct disk_copy *c, struct bp_error *err)
{
	if (!c->n)
		add_ends(d, c);
	closep(&c->fd);
	c->fd = memfd_create("partition table", MFD_CLOEXEC);
	if (c->fd < 0 || ftruncate(c->fd, (off_t)d->shape.size) < 0)
		return bp_fail_sys(err, errno, "cannot keep a copy of a partition table");
	for (size_t i = 0; i < c->n; i++)
		if (fill(d, c, &c->spans[i], err) < 0)
			return -1;
	return 0;
}

static bool is_filled(const struct disk_copy *c, uint64_t at)
{
	for (size_t i = 0; i < c->n; i++)
		if (at >= c->spans[i].at && at < c->spans[i].at + c->spans[i].len)
			return true;
	return false;
}

/* Pages that were written to without having been filled before: what they hold
 * beside that is not the device's, so all must be done again. */
bool disk_copy_refill(const struct disk *d, struct disk_copy *c)
{
	off_t from = 0, to;
	bool more = false;

	for (; (from = lseek(c->fd, from, SEEK_DATA)) >= 0; from = to) {
		to = lseek(c->fd, from, SEEK_HOLE);
		if (to < 0)
			break;
		for (uint64_t at = (uint64_t)from / PAGE * PAGE; at < (uint64_t)to; at += PAGE) {
			uint64_t left = d->shape.size - at;

			if (is_filled(c, at))
				continue;
			add_span(c, at, left < PAGE ? left : PAGE, false);
			more = true;
		}
	}
	return more;
}

/* ---- what differs -------------------------------------------------------------------- */

enum {	/* ranks */
	NEW = 0, CHAIN = 10, COPY = 2000, EARLY, START, FIRST, ZEROS,
};

struct finding {
	const struct disk *d;
	const struct disk_label *label;	/* that there will be; NULL: none */
	const struct disk_edit *edit;	/* NULL: all is new */
	struct disk_writes *w;
};

/* The record that encloses another lies before it in the chain. */
static int rank_in_chain(const struct finding *f, uint64_t at)
{
	const struct disk *d = f->d;

	for (size_t i = 0; i < d->n_chain; i++)
		if (d->chain[i] == at)
			return CHAIN + (int)(f->edit->grow ? i : d->n_chain - i);
	return NEW;
}

/* The sectors of a table are zeros, too, where it has no partitions. */
static int rank_in_gpt(const struct finding *f, uint64_t at, bool zeros)
{
	uint64_t sector = f->d->shape.sector, table = 2 * sector + DISK_GPT_SIZE;

	if (at >= table && at < f->d->shape.size - table && !f->edit && zeros)
		return ZEROS;
	return at >= f->d->shape.size / 2 ? COPY : START;
}

/* A table that goes goes with its first page.  Where a bsd table was, the GPT would
 * be first, and known only by the protective record. */
static int rank_of(const struct finding *f, uint64_t at, const char *bytes)
{
	bool zeros = is_zero(bytes, f->d->shape.sector);

	if (!f->label)
		return at < PAGE ? NEW : ZEROS;
	if (at == 0)
		return disk_is_gpt(f->label) && disk_is_bsd(f->d->label) ? EARLY : FIRST;
	if (disk_is_gpt(f->label))
		return rank_in_gpt(f, at, zeros);
	if (!f->edit)
		return zeros ? ZEROS : NEW;
	return disk_is_dos(f->label) ? rank_in_chain(f, at) : NEW;
}

static bool joins(const struct disk_write *last, uint64_t at, int rank)
{
	return last->rank == rank && last->at + last->len == at;
}

static void add_sector(struct finding *f, uint64_t at, const char *bytes, const char *old)
{
	struct disk_write *last = f->w->n ? &f->w->all[f->w->n - 1] : NULL;
	size_t sector = f->d->shape.sector;
	int rank = rank_of(f, at, bytes);

	if (!last || !joins(last, at, rank)) {
		last = array_add(f->w->all, f->w->n);
		last->at = at;
		last->rank = rank;
	}
	last->bytes = mem_resize(last->bytes, last->len + sector, 1);
	last->old = mem_resize(last->old, last->len + sector, 1);
	memcpy(last->bytes + last->len, bytes, sector);
	memcpy(last->old + last->len, old, sector);
	last->len += sector;
}

/* Of a GPT all between two changed sectors of a table goes with them. */
static int compare(struct finding *f, const struct disk_copy *c, const struct disk_span *span,
		   struct bp_error *err)
{
	auto_free char *new = mem_resize(NULL, (size_t)span->len, 1);
	auto_free char *old = mem_resize(NULL, (size_t)span->len, 1);
	size_t sector = f->d->shape.sector, gap = 0;

	if (pread(c->fd, new, (size_t)span->len, (off_t)span->at) != (ssize_t)span->len)
		return bp_fail_sys(err, errno, "cannot read the copy of a partition table");
	if (read_range(f->d, old, span->at, (size_t)span->len, err) < 0)
		return -1;
	for (size_t i = 0; i + sector <= span->len; i += sector) {
		int rank = rank_of(f, span->at + i, new + i);

		if (memcmp(new + i, old + i, sector) == 0) {
			gap++;
			continue;
		}
		if (gap && gap <= 40 && (rank == COPY || rank == START) && f->w->n &&
		    f->w->all[f->w->n - 1].rank == rank)
			for (size_t j = i - gap * sector; j < i; j += sector)
				add_sector(f, span->at + j, new + j, old + j);
		gap = 0;
		add_sector(f, span->at + i, new + i, old + i);
	}
	return 0;
}

static int by_rank(const void *a, const void *b)
{
	const struct disk_write *x = a, *y = b;

	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return (x->at < y->at) - (x->at > y->at);
}

static int by_place(const void *a, const void *b)
{
	const struct disk_span *x = a, *y = b;

	return (x->at > y->at) - (x->at < y->at);
}

int disk_writes_find(const struct disk *d, const struct disk_copy *c,
		     const struct disk_label *label, const struct disk_edit *e,
		     struct disk_writes *ret, struct bp_error *err)
{
	struct finding f = { .d = d, .label = label, .edit = e, .w = ret };

	qsort(c->spans, c->n, sizeof *c->spans, by_place);
	for (size_t i = 0; i < c->n; i++)
		if (compare(&f, c, &c->spans[i], err) < 0)
			return -1;
	if (ret->n)
		qsort(ret->all, ret->n, sizeof *ret->all, by_rank);
	return 0;
}

void disk_writes_done(struct disk_writes *w)
{
	for (size_t i = 0; i < w->n; i++) {
		free(w->all[i].bytes);
		free(w->all[i].old);
	}
	free(w->all);
}

/* ---- there, and back ------------------------------------------------------------------- */

static int put(struct disk *d, const char *bytes, size_t len, uint64_t at)
{
	while (len) {
		ssize_t n = pwrite(d->fd, bytes, len, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		bytes += n;
		at += (size_t)n;
		len -= (size_t)n;
	}
	return 0;
}

int disk_writes_do(struct disk *d, struct disk_writes *w, struct bp_error *err)
{
	for (w->done = 0; w->done < w->n;) {
		const struct disk_write *one = &w->all[w->done++];

		if (put(d, one->bytes, one->len, one->at) < 0)
			return bp_fail_sys(err, errno, "cannot write the partition table of '%s'",
					   d->path);
		if (w->done < w->n && w->all[w->done].rank == one->rank)
			continue;
		if (fsync(d->fd) < 0)
			return bp_fail_sys(err, errno, "cannot sync the partition table of '%s'",
					   d->path);
	}
	return 0;
}

void disk_writes_undo(struct disk *d, struct disk_writes *w)
{
	while (w->done) {
		const struct disk_write *one = &w->all[--w->done];

		(void)put(d, one->old, one->len, one->at);
		if (!w->done || w->all[w->done - 1].rank != one->rank)
			(void)fsync(d->fd);
	}
}
