/* image_words.c - see image_words.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/image_words.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/base/text.h"

#define NUMBERS "0123456789abcdef"
#define TAKEN_MAX 4

/* # is a number, the same on both sides in its order; @ is one that QEMU writes in hex.
 * * is whatever else comes. */
struct words {
	const char *ours, *theirs;
};

static const struct words found[] = {
	{ "cluster # is leaked: refcount #, references #",
	  "Leaked cluster # refcount=# reference=#" },
	{ "cluster # can be overwritten: refcount #, references #",
	  "ERROR cluster # refcount=# reference=#" },
	{ "repairing cluster #: refcount #, references #",
	  "Repairing cluster # refcount=# reference=#" },
	{ "the refcounts are written anew", "Rebuilding refcount structure" },
	{ "the mark of entry # of an L2 table is wrong: refcount #",
	  "ERROR OFLAG_COPIED data cluster: l2_entry=# refcount=#" },
	{ "repairing the mark of entry # of an L2 table: refcount #",
	  "Repairing OFLAG_COPIED data cluster: l2_entry=# refcount=#" },
	{ "the mark of entry # of the L1 table, #, is wrong: refcount #",
	  "ERROR OFLAG_COPIED L2 cluster: l1_index=# l1_entry=# refcount=#" },
	{ "repairing the mark of entry # of the L1 table, #: refcount #",
	  "Repairing OFLAG_COPIED L2 cluster: l1_index=# l1_entry=# refcount=#" },
	{ "entry # of the snapshot table is incomplete",
	  "ERROR snapshot table entry # is incomplete" },
	{ "completing entry # of the snapshot table",
	  "Repairing snapshot table entry # is incomplete" },
	{ "cutting the unknown data of entry # of the snapshot table: # bytes, more than #",
	  "Discarding too much extra metadata in snapshot table entry # (# > #)" },
	{ "dropping # snapshots: more than there can be",
	  "Discarding # overhanging snapshots" },
	{ "dropping # snapshots: their table is too large",
	  "Discarding # overhanging snapshots (snapshot table is too big)" },
	{ "repairing an entry that keeps a cluster at #, inside another, for nothing",
	  "Repairing offset=#: Preallocated cluster is not properly aligned; L2 entry corrupted." },
	{ "the cluster at #, # bytes, reaches past the end of the file",
	  "ERROR: counting reference for region exceeding the end of the file by one cluster or "
	  "more: offset @ size @" },
	{ "block # has place #, where none can be", "ERROR: block index # too large, is #" },
	{ "# blocks have a place, and the header says #",
	  "ERROR: allocated blocks mismatch, is #, should be #" },
	{ "block # is past the end of the file, at #", "ERROR cluster # is outside image" },
	{ "the image was not closed", "ERROR image was not closed correctly" },
	{ "# bytes at the end are kept for nobody",
	  "ERROR space leaked at the end of the image #" },
	{ "entry # of the block table leads to #, past the end of the file, #",
	  "VHDX BAT entry # start offset # points after end of file (#). Image has probably been "
	  "truncated." },
	{ "the block of entry # of the block table reaches to #, past the end of the file, #",
	  "VHDX BAT entry # end offset # points after end of file (#). Image has probably been "
	  "truncated." },
	{ "the grain of sector # is past the end of the file, at #",
	  "ERROR: cluster offset for sector # points after EOF" },
	{ NULL, NULL }
};

static const struct words failed[] = {
	{ "the capacity in the qcow2 header, # bytes, is absurd: *", "Image is too big" },
	{ NULL, NULL }
};

struct number {
	const char *at;
	size_t len;
};

/* The numbers of a text that is like this. */
static bool fits(const char *text, const char *form, struct number taken[TAKEN_MAX])
{
	size_t n = 0;

	for (; *form && *form != '*'; form++) {
		size_t len = *form == '#' ? strspn(text, NUMBERS) : *text == *form;

		if (!len || (*form == '#' && n == TAKEN_MAX))
			return false;
		if (*form == '#')
			taken[n++] = (struct number){ text, len };
		text += len;
	}
	return *form || !*text;
}

static void add(struct text *to, const char *form, const struct number *taken)
{
	auto_free char *digits = NULL;
	uint64_t v = 0;

	if (*form == '#') {
		text_add_n(to, taken->at, taken->len);
	} else if (*form == '@') {
		digits = mem_dup_n(taken->at, taken->len);
		(void)parse_number(digits, 10, &v);
		text_addf(to, "%#" PRIx64, v);
	} else {
		text_add_n(to, form, 1);
	}
}

static char *say(const struct words *rows, const char *ours)
{
	struct number taken[TAKEN_MAX] = { 0 };
	struct text to = { 0 };
	size_t n = 0;

	for (; rows->ours && !fits(ours, rows->ours, taken); rows++)
		;
	for (const char *p = rows->theirs; p && *p; p++) {
		add(&to, p, &taken[n]);
		n += *p == '#' || *p == '@';
	}
	return to.s;
}

char *image_words_found(const char *ours)
{
	return say(found, ours);
}

char *image_words_failed(const char *ours)
{
	return say(failed, ours);
}
