/* image_damaged_chain.c - as image_damaged.c, of images that belong to others: they have a backing
 * file or a data file, and are the backing file of one that is sound.
 *
 * BP_SEED=N takes other images than the usual ones; what fails says which it was.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/unit/image_damage.h"

static const struct made kinds[] = {
	{ "qcow2", "cluster_size=4k,backing_file=under,backing_fmt=raw", false },
	{ "qcow2", "cluster_size=16k,extended_l2=on,backing_file=under,backing_fmt=raw", false },
	{ "qcow2", "compat=0.10,cluster_size=512,backing_file=under,backing_fmt=raw", false },
	{ "qed", "cluster_size=4096,table_size=2,backing_file=under,backing_fmt=raw", false },
	{ "qcow2", "cluster_size=4k,data_file=data", false },
	{ "qcow2", "cluster_size=4k,data_file=data,data_file_raw=on", false },
	{ "qcow2", "cluster_size=16k,extended_l2=on,data_file=data,backing_file=under,"
		   "backing_fmt=raw", false },
};

static bool keeps_bitmaps(const struct made *k)
{
	return strcmp(k->format, "qcow2") == 0 && !strstr(k->options, "compat=0.10");
}

/* ---- the files ------------------------------------------------------------------------------ */

/* In the directory of the test: beside the image a disk below it, another that could be, the file
 * of its data (of who needs one), an overlay. */
enum { IMAGE, UNDER, OTHER, DATA, ABOVE, FILES };
static const char *const names[FILES] = { "image", "under", "other", "data", "above" };

static void files_done(struct base (*b)[FILES])
{
	for (size_t i = 0; i < FILES; i++)
		base_done(&(*b)[i]);
}

static bool raw_disk(const char *path, const char *a, const char *b)
{
	return judge("qemu-img", "create", "-q", "-f", "raw", path, "1300k", NULL) == 0 &&
	       judge("qemu-io", "-f", "raw", "-c", a, "-c", b, path, NULL) == 0;
}

static bool make(const struct made *k, struct base (*ret)[FILES])
{
	if (!raw_disk("under", "write -P 1 0 300k", "write -P 2 900k 400k") ||
	    !raw_disk("other", "write -P 1 0 200k", "write -P 3 1000k 300k") ||
	    !raw_disk("data", "write -P 4 0 1k", "write -P 5 2k 1k") ||
	    judge("qemu-img", "create", "-q", "-f", k->format, "-o", k->options, "image",
		  "1300k", NULL) != 0 ||
	    judge("qemu-io", "-f", k->format, "-c", "write -P 6 100k 70k", "-c",
		  "write -z 200k 64k", "-c", "write -P 7 1100k 33k", "image", NULL) != 0 ||
	    judge("qemu-img", "create", "-q", "-f", "qcow2", "-b", "image", "-F", k->format,
		  "above", NULL) != 0 ||
	    judge("qemu-io", "-f", "qcow2", "-c", "write -P 8 130k 100k", "-c",
		  "write -P 9 600k 1k", "above", NULL) != 0)
		return false;
	if (keeps_bitmaps(k) && judge("qemu-img", "bitmap", "--add", "image", "b", NULL) != 0)
		return false;
	for (size_t i = 0; i < FILES; i++)
		if (!base_read(&(*ret)[i], names[i]))
			return false;
	return (*ret)[IMAGE].n;
}

static bool restore(struct base (*b)[FILES])
{
	for (size_t i = 0; i < FILES; i++)
		if (!write_file(names[i], (*b)[i].bytes, (*b)[i].len))
			return false;
	return true;
}

/* ---- what is done with them ------------------------------------------------------------------ */

static int commit(const struct bp_image_ref *image, struct bp_error *err)
{
	return bp_image_commit(image, NULL, 0, NULL, err);
}

static int rebase_alone(const struct bp_image_ref *image, struct bp_error *err)
{
	return bp_image_rebase(image, NULL, NULL, 0, NULL, err);
}

static int rebase_other(const struct bp_image_ref *image, struct bp_error *err)
{
	return bp_image_rebase(image, "other", "raw", 0, NULL, err);
}

static int grow(const struct bp_image_ref *image, struct bp_error *err)
{
	bool guessed;

	return bp_image_resize(image, 3 << 20, 0, BP_PREALLOC_OFF, &guessed, err);
}

static int commit_above(const struct bp_image_ref *image, struct bp_error *err)
{
	const struct bp_image_ref above = { .path = "above", .format = "qcow2" };

	(void)image;
	return bp_image_commit(&above, NULL, 0, NULL, err);
}

static int fill(const struct bp_image_ref *image, struct bp_error *err)
{
	const struct bp_image_ref other = { .path = "other", .format = "raw" };
	const struct bp_image_conversion c = {
		.sources = &other, .n_sources = 1, .flags = BP_CONVERT_IN_PLACE,
		.to = { .path = image->path, .format = image->format },
	};

	return bp_image_convert(&c, NULL, err);
}

static int keep_snapshot(const struct bp_image_ref *image, struct bp_error *err)
{
	return bp_image_snapshot_create(image, "y", err);
}

/* sees: the file whose guest says what is seen through the image afterwards. */
static const struct doing {
	const char *name;
	int (*run)(const struct bp_image_ref *image, struct bp_error *err);
	int sees;
} doings[] = {
	{ "commit", commit, IMAGE },
	{ "rebase to nothing", rebase_alone, IMAGE },
	{ "rebase to another", rebase_other, IMAGE },
	{ "resize", grow, IMAGE },
	{ "commit into it", commit_above, ABOVE },
	{ "convert into it", fill, OTHER },
	{ "snapshot", keep_snapshot, IMAGE },
};

/* ---- judged --------------------------------------------------------------------------------- */

/* Names that damage has changed lead nowhere; all else is read by both, and raw is what QEMU
 * reads. */
static bool both_read(const char *path, const char *format, const char *raw)
{
	const struct bp_image_ref ref = { .path = path, .format = format };
	cleanup(image_file_done) struct image_file f = { 0 };
	struct bp_error err = { 0 };
	uint64_t capacity;

	return image_file_open(&ref, false, &f, &err) == 0 && all_read(&f, &capacity) &&
	       judge("qemu-img", "convert", "-f", format, "-O", "raw", path, raw, NULL) == 0;
}

/* What is sound, and changed, stays so, and what is seen through it is in raw. */
static char *judge_doing(const char *format, const struct doing *d, const char *raw, int before)
{
	const struct bp_image_ref ref = { .path = "image", .format = format };
	struct bp_error err = { 0 };
	int after;

	if (d->run(&ref, &err) < 0)
		return NULL;
	after = qemu_check(format, "image");
	/* A refcount past the end of the file, which nobody saw, is a leak in a longer one. */
	if (after && after != before && after != LEAKS)
		return mem_printf("%s: %s", d->name, judged);
	return judge("qemu-img", "compare", "-f", format, "-F", "raw", "image", raw, NULL) == 0 ?
	       NULL : mem_printf("%s: %s", d->name, judged);
}

static char *judge_one(const char *format, struct base (*files)[FILES], const struct doing *d)
{
	int status;
	char *why;

	if (!restore(files))
		return mem_dup("cannot write");
	if (!both_read("image", format, "raw"))
		return NULL;
	why = reads_as(format, "image", "raw");
	status = qemu_check(format, "image");
	if (why || (status && status != LEAKS))
		return why;
	if (d->sees == ABOVE && !both_read("above", "qcow2", "seen"))
		return mem_dup("the overlay cannot be read");
	return judge_doing(format, d, d->sees == IMAGE ? "raw" : d->sees == ABOVE ? "seen" :
			   names[d->sees], status);
}

static void judge_kind(const struct made *k, unsigned n, uint32_t seed)
{
	cleanup(files_done) struct base files[FILES] = { 0 };

	if (!make(k, &files))
		SAME(judged, k->options);
	for (unsigned i = 0; i < n; i++) {
		auto_free char *why = NULL;
		uint32_t this = seed;

		damage(k->format, &files[IMAGE], &seed);
		why = judge_one(k->format, &files, &doings[this % array_size(doings)]);
		if (why)
			printf("# %s, BP_SEED=%u: %s\n", k->options, this, why);
		CHECK(!why);
	}
}

TEST(a_damaged_image_among_others_is_changed_as_a_sound_one_or_refused)
{
	uint32_t seed;
	unsigned n = how_many(&seed);

	NEED_QEMU();
	CHECK(chdir(tap_dir()) == 0);		/* for QEMU a data file is seen from there */
	for (size_t i = 0; i < array_size(kinds); i++)
		judge_kind(&kinds[i], n, seed);
}
