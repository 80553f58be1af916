/* wipe.c - overwrite what a volume holds, as one of ten algorithms says.
 *
 * Passes: inventory, section 14.8 (the public definitions of the scrub tool).
 * Holes hold nothing and are left alone.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>
#include <sys/random.h>

#include "core/away.h"
#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/image/image.h"
#include "core/base/in_use.h"
#include "core/dependants.h"
#include "core/guard.h"
#include "core/volume.h"

#define ZERO_PIECE (64u << 20)	/* between two looks at the progress */
#define SECTORS 4096u
#define SPARSE_LOOK (64u << 10)	/* of a thin volume: the smallest block */
#define SPARSE_PIECE (16u << 20)
#define BUFFER (3u << 16)	/* a multiple of 3, so that patterns of 3 bytes go on unbroken */

enum pass_kind { END, PATTERN, RANDOM, VERIFY };

struct pass {
	enum pass_kind kind;
	unsigned char bytes[3];
};

#define P1(b)	    { PATTERN, { b, b, b } }
#define P3(a, b, c) { PATTERN, { a, b, c } }
#define R	    { RANDOM, { 0 } }
#define V	    { VERIFY, { 0 } }
#define R4	    R, R, R, R
#define R7	    R, R4, R, R

static const struct pass zero[]	      = { P1(0), { END } };
static const struct pass nnsa[]	      = { R, R, P1(0), V, { END } };
static const struct pass dod[]	      = { R, P1(0), P1(0xff), V, { END } };
static const struct pass bsi[]	      = { P1(0xff), P1(0xfe), P1(0xfd), P1(0xfb), P1(0xf7),
					  P1(0xef), P1(0xdf), P1(0xbf), P1(0x7f), { END } };
static const struct pass schneier[]   = { P1(0), P1(0xff), R, R4, { END } };
static const struct pass pfitzner7[]  = { R7, { END } };
static const struct pass pfitzner33[] = { R7, R7, R7, R7, R4, R, { END } };
static const struct pass random_[]    = { R, { END } };
static const struct pass gutmann[]    = {
	R4, P1(0x55), P1(0xaa), P3(0x92, 0x49, 0x24), P3(0x49, 0x24, 0x92), P3(0x24, 0x92, 0x49),
	P1(0x00), P1(0x11), P1(0x22), P1(0x33), P1(0x44), P1(0x55), P1(0x66), P1(0x77),
	P1(0x88), P1(0x99), P1(0xaa), P1(0xbb), P1(0xcc), P1(0xdd), P1(0xee), P1(0xff),
	P3(0x92, 0x49, 0x24), P3(0x49, 0x24, 0x92), P3(0x24, 0x92, 0x49),
	P3(0x6d, 0xb6, 0xdb), P3(0xb6, 0xdb, 0x6d), P3(0xdb, 0x6d, 0xb6), R4, { END }
};

/* In the order of enum bp_wipe. */
static const struct {
	const char *word;
	const struct pass *passes;	/* NULL: not by writing */
} algorithms[BP_WIPES] = {
	[BP_WIPE_ZERO]	     = { "zero", zero },
	[BP_WIPE_NNSA]	     = { "nnsa", nnsa },
	[BP_WIPE_DOD]	     = { "dod", dod },
	[BP_WIPE_BSI]	     = { "bsi", bsi },
	[BP_WIPE_GUTMANN]    = { "gutmann", gutmann },
	[BP_WIPE_SCHNEIER]   = { "schneier", schneier },
	[BP_WIPE_PFITZNER7]  = { "pfitzner7", pfitzner7 },
	[BP_WIPE_PFITZNER33] = { "pfitzner33", pfitzner33 },
	[BP_WIPE_RANDOM]     = { "random", random_ },
	[BP_WIPE_TRIM]	     = { "trim", NULL },
};

const char *bp_wipe_word(enum bp_wipe algorithm)
{
	return algorithms[algorithm].word;
}

int bp_wipe_find(const char *word)
{
	for (int i = 0; i < BP_WIPES; i++)
		if (strcmp(algorithms[i].word, word) == 0)
			return i;
	return -1;
}

struct wiping {
	struct bp_io *io;
	const struct pass *passes;	/* NULL: not by writing */
	const struct bp_progress *progress;
	uint64_t from, to;	/* what is wiped, holes and all */
	uint64_t done, total;	/* the passes before, all passes */
	bool quiet;		/* somebody else tells how far it is */
	char *buffer, *seen;
	uint64_t seed;
};

static size_t count(const struct pass *p)
{
	size_t n = 0;

	while (p[n].kind != END)
		n++;
	return n;
}

/* xorshift*; seeded by the kernel for each pass.  Nobody guards a secret with
 * it: it is there to be unlike what was. */
static void fill_random(struct wiping *w)
{
	uint64_t x = w->seed;

	for (size_t i = 0; i + 8 <= BUFFER; i += 8) {
		uint64_t v;

		x ^= x >> 12;
		x ^= x << 25;
		x ^= x >> 27;
		v = x * 0x2545f4914f6cdd1d;
		memcpy(w->buffer + i, &v, sizeof v);
	}
	w->seed = x;
}

static void fill_pattern(struct wiping *w, const struct pass *p)
{
	for (size_t i = 0; i < BUFFER; i++)
		w->buffer[i] = (char)p->bytes[i % 3];
}

/* A piece of at most one buffer, cut where buffers would be cut from the start
 * of the volume, so that a pattern is in step wherever one looks. */
static int wipe_piece(struct wiping *w, const struct pass *p, uint64_t at, size_t len,
		      struct bp_error *err)
{
	const char *bytes = w->buffer + at % BUFFER;

	if (p->kind == RANDOM)
		fill_random(w);
	if (p->kind != VERIFY)
		return io_write(w->io, bytes, len, at, err);
	if (io_read(w->io, w->seen, len, at, err) < 0)
		return -1;
	if (memcmp(w->seen, bytes, len) != 0)
		return bp_fail(err, BP_FAILED, "what was written at %llu of '%s' does not read "
			       "back; the storage is faulty", (unsigned long long)at, w->io->name);
	return 0;
}

static int wipe_range(struct wiping *w, const struct pass *p, uint64_t from, uint64_t to,
		      struct bp_error *err)
{
	while (from < to) {
		uint64_t cut = (from / BUFFER + 1) * BUFFER;
		size_t len = (size_t)progress_piece(w->progress, (cut < to ? cut : to) - from);

		if (wipe_piece(w, p, from, len, err) < 0)
			return -1;
		from += len;
		progress_pace(w->progress, len);
		if (!w->quiet &&
		    progress_tell(w->progress, w->done + from - w->from, w->total, err) < 0)
			return -1;
	}
	return 0;
}

/* A device may have a faster way to write zeros than to be sent them; it takes whole
 * sectors. */
static int zero_device(struct wiping *w, struct bp_error *err)
{
	for (uint64_t at = w->from; at < w->to;) {
		uint64_t left = w->to - at < ZERO_PIECE ? w->to - at : ZERO_PIECE;
		uint64_t len = progress_piece(w->progress, left);

		if (len < left)
			len = len > SECTORS ? len - len % SECTORS : left < SECTORS ? left : SECTORS;
		if (io_zero(w->io, at, len, err) < 0)
			return -1;
		at += len;
		progress_pace(w->progress, len);
		if (progress_tell(w->progress, w->done + (at - w->from), w->total, err) < 0)
			return -1;
	}
	return io_sync(w->io, err);
}

static int one_pass(struct wiping *w, const struct pass *p, struct bp_error *err)
{
	uint64_t at = w->from, from, to;

	if (w->passes == zero && io_is_block(w->io))
		return zero_device(w, err);
	if (p->kind == PATTERN)
		fill_pattern(w, p);
	if (p->kind == VERIFY)
		io_forget(w->io);
	while (at < w->to) {
		if (io_next_data(w->io, at, &from, &to, err) < 0)
			return -1;
		to = to < w->to ? to : w->to;
		if (wipe_range(w, p, from, to, err) < 0)
			return -1;
		at = to;
	}
	return p->kind == VERIFY ? 0 : io_sync(w->io, err);
}

static int all_passes(struct wiping *w, struct bp_error *err)
{
	uint64_t size = w->to - w->from;

	w->total = size * count(w->passes);
	for (const struct pass *p = w->passes; p->kind != END; p++, w->done += size)
		if (one_pass(w, p, err) < 0)
			return -1;
	return 0;
}

/* ---- what takes space as it is written ---------------------------------------------- */

/* A piece at a time goes through all passes and is given back then.  So what it
 * shares with others, which cannot be overwritten and is written anew, never takes
 * more than that; and what takes no space is left alone. */
static int wipe_data(struct wiping *w, uint64_t from, uint64_t to, struct bp_error *err)
{
	struct bp_error cannot = { 0 };

	if (from == to)
		return 0;
	for (const struct pass *p = w->passes; p->kind != END; p++) {
		if (p->kind == PATTERN)
			fill_pattern(w, p);
		if (p->kind == VERIFY)
			io_forget(w->io);
		if (wipe_range(w, p, from, to, err) < 0 || io_sync(w->io, err) < 0)
			return -1;
	}
	(void)io_discard(w->io, from, to - from, &cannot);
	return 0;
}

/* It goes through the volume once, so that is what it tells of. */
static int wipe_sparse(struct wiping *w, struct bp_error *err)
{
	auto_free char *look = mem_alloc(SPARSE_LOOK);
	uint64_t from = w->from, at = w->from;	/* data that is not wiped yet; where we are */
	struct bp_error cannot = { 0 };

	while (at < w->to) {
		uint64_t len = w->to - at < SPARSE_LOOK ? w->to - at : SPARSE_LOOK, end = at + len;
		bool data;

		if (io_read(w->io, look, len, at, err) < 0)
			return -1;
		data = !is_zero(look, len);
		if (data && end < w->to && end - from < SPARSE_PIECE) {
			at = end;
			continue;
		}
		if (wipe_data(w, from, data ? end : at, err) < 0)
			return -1;
		from = at = end;
		if (progress_tell(w->progress, at - w->from, w->to - w->from, err) < 0)
			return -1;
	}
	/* blocks of which only a part was data, or of zeros */
	(void)io_discard(w->io, w->from, w->to - w->from, &cannot);
	return io_sync(w->io, err);
}

static int overwrite(struct wiping *w, struct bp_error *err)
{
	auto_free char *buffer = mem_alloc(BUFFER), *seen = mem_alloc(BUFFER);

	w->buffer = buffer;
	w->seen = seen;
	if (getrandom(&w->seed, sizeof w->seed, 0) != sizeof w->seed || !w->seed)
		w->seed = 0x9e3779b97f4a7c15;
	w->quiet = w->io->sparse;
	return w->io->sparse ? wipe_sparse(w, err) : all_passes(w, err);
}

static int wipe(void *arg, struct bp_io *io, uint64_t from, uint64_t to, struct bp_error *err)
{
	struct wiping *w = arg;

	w->io = io;
	w->from = from;
	w->to = to;
	if (w->passes)
		return overwrite(w, err);
	if (to > from && io_discard(io, from, to - from, err) < 0)
		return -1;
	return io_sync(io, err);
}

/* An image is more than its data: without a header it would be no image any
 * more, and a disk of another size.  It comes back empty. */
static const struct bp_image_format *image_of(const struct bp_vol_info *info)
{
	const struct bp_image_format *f = info->format ? bp_image_format_find(info->format) : NULL;

	return f && f->empty && !info->problem && !info->encryption ? f : NULL;
}

/* A file is an image all the time.  A device has no room for that. */
static int wipe_image(struct wiping *w, struct bp_io *io, const struct bp_image_format *f,
		      const struct bp_vol_info *info, uint64_t size, struct bp_error *err)
{
	const struct bp_image_wiper wiper = { wipe, w };
	struct bp_image_spec spec = {
		.capacity = info->capacity, .compat = info->compat ? info->compat : "0.10",
		.cluster_size = info->cluster_size, .features = info->features,
	};

	/* what cannot be discarded is to be heard of before anything is done */
	if (!w->passes && io_discard(io, size, 1, err) < 0)
		return -1;
	if (io->ops->resize && !io_is_block(io))
		return f->empty(io, &spec, &wiper, err);
	return wipe(w, io, 0, size, err) < 0 ? -1 : f->create(io, &spec, err);
}

/* Who wipes an image means what its guest has written. */
static int check_data(const struct bp_vol_info *info, struct bp_error *err)
{
	return !info->data_store ? 0 :
	       bp_fail(err, BP_WRONG_STATE, "volume '%s' has its data in '%s': that would stay, "
		       "and is what must be wiped", info->name, info->data_store->path);
}

static int vol_wipe_here(struct bp_store *s, const char *pool, const char *vol,
			 enum bp_wipe algorithm, unsigned flags,
			 const struct bp_progress *progress, struct bp_error *err)
{
	cleanup(session_close) struct session ses = SESSION_INIT;
	cleanup(bp_vol_info_freep) struct bp_vol_info *info = NULL;
	cleanup(io_closep) struct bp_io *io = NULL;
	const struct bp_image_format *image;
	struct wiping w = { .progress = progress };
	uint64_t size;

	if (store_change(s, "virStorageVolWipePattern", err) < 0 ||
	    refuse_flags(flags, BP_VOL_FORCE | BP_VOL_FORCE_BACKING, "virStorageVolWipePattern",
			 err) < 0)
		return -1;
	if ((unsigned)algorithm >= BP_WIPES)
		return bp_fail(err, BP_INVALID, "wiping algorithm %d not supported",
			       (int)algorithm);
	w.passes = algorithms[algorithm].passes;
	if (session_open(s, pool, NEED_CONNECTED, LOCK_SHARED, &ses, err) < 0 ||
	    session_take_volume(&ses, vol, flags, err) < 0 ||
	    volume_find_all(&ses, vol, BP_VOL_SIZE | BP_VOL_FORMAT, &info, err) < 0 ||
	    check_data(info, err) < 0 ||
	    (ses.be->vol_may_wipe && ses.be->vol_may_wipe(&ses.pool, vol, err) < 0) ||
	    volume_open(&ses, vol, BP_VOL_WRITE, "storage pool doesn't support volume wiping",
			&io, err) < 0 ||
	    in_use_claim(vol, io, flags & BP_VOL_FORCE, err) < 0 ||
	    guard_volume(&ses, vol, io, flags, err) < 0 ||
	    dependants_spared(&ses, vol, DEPENDANTS_SEE_IT, NULL, flags, err) < 0 ||
	    io_size(io, &size, err) < 0 ||
	    (w.passes && volume_room(&ses, vol, size, err) < 0))
		return -1;
	image = image_of(info);
	if (!image)
		return wipe(&w, io, 0, size, err);
	if (wipe_image(&w, io, image, info, size, err) < 0)
		return -1;
	return io_sync(io, err) < 0 ? may_not_last(err) : 0;
}

int bp_vol_wipe(struct bp_store *s, const char *pool, const char *vol, enum bp_wipe algorithm,
		unsigned flags, const struct bp_progress *progress, struct bp_error *err)
{
	return AWAY(s, &progress, err, vol_wipe_here(s, pool, vol, algorithm, flags, progress,
						     err));
}
