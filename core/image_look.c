/* image_look.c - what an image, and its backing files, say of themselves. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/image_file.h"

void bp_image_free(struct bp_image *image)
{
	while (image) {
		struct bp_image *below = image->below;

		bp_snapshots_free(image->snapshots, image->n_snapshots);
		bp_fact_done(&image->more);
		free(image->path);
		free(image->backing);
		free(image->backing_path);
		free(image->backing_format);
		free(image->damage);
		free(image);
		image = below;
	}
}

void bp_image_freep(struct bp_image **image)
{
	bp_image_free(*image);
}

/* The format somebody said, or the one it shows. */
static int choose_format(struct image_file *f, unsigned flags, struct bp_error *err)
{
	cleanup(bp_image_info_done) struct bp_image_info info = { 0 };

	if (!f->probed || !(flags & BP_IMAGE_TRAILERS))
		return 0;
	if (bp_image_probe_known(f->io, true, &info, err) < 0)
		return bp_within(err, "'%s'", f->path);
	f->format = bp_image_known_find(info.format);
	return 0;
}

/* As seen from here.  What is no plain file ("nbd:...", "json:...") is its own place. */
static char *place_of(const char *from, const char *name)
{
	const char *slash = strrchr(from, '/');

	if (*name == '/' || !slash || name[strcspn(name, ":/")] == ':')
		return mem_dup(name);
	return mem_printf("%.*s/%s", (int)(slash - from), from, name);
}

static int take_facts(const struct image_file *f, struct bp_image *image, struct bp_error *err)
{
	struct bp_image_facts facts;

	if (bp_image_facts(f->io, f->format, &facts, err) < 0)
		return -1;
	image->capacity = facts.capacity;
	image->cluster_size = facts.cluster_size;
	image->encrypted = facts.encrypted;
	image->knows_dirty = facts.knows_dirty;
	image->dirty = facts.dirty;
	image->more = facts.more;
	image->damage = facts.damage;
	return 0;
}

static int take_names(const struct image_file *f, struct bp_image *image, struct bp_error *err)
{
	cleanup(bp_image_info_done) struct bp_image_info info = { 0 };

	if (bp_image_describe(f->io, f->format, &info, err) < 0)
		return -1;
	image->format = f->format->name;
	if (!info.backing)
		return 0;
	image->backing_path = place_of(f->path, info.backing);
	image->backing = steal(info.backing);
	image->backing_format = f->format->own_backing ? mem_dup(f->format->name) :
							 steal(info.backing_format);
	return 0;
}

/* Snapshots that cannot be listed do not hide the rest. */
static void take_snapshots(const struct image_file *f, struct bp_image *image)
{
	struct bp_error why = { 0 };

	if (f->format->snapshot_list &&
	    f->format->snapshot_list(f->io, &image->snapshots, &image->n_snapshots, &why) < 0 &&
	    !image->damage)
		image->damage = mem_dup(why.text);
}

static int look(const struct bp_image_ref *ref, struct bp_image **ret, struct stat *ret_st,
		bool *ret_probed, struct bp_error *err)
{
	cleanup(bp_image_freep) struct bp_image *image = mem_alloc(sizeof *image);
	cleanup(image_file_done) struct image_file f = { 0 };

	if (image_file_open(ref, false, &f, err) < 0 || choose_format(&f, ref->flags, err) < 0)
		return -1;
	if (fstat(f.io->fd, ret_st) < 0)
		return bp_fail_sys(err, errno, "cannot stat '%s'", ref->path);
	image->path = mem_dup(ref->path);
	image->allocation = (uint64_t)ret_st->st_blocks * 512;
	if (take_names(&f, image, err) < 0 || take_facts(&f, image, err) < 0)
		return bp_within(err, "'%s'", ref->path);
	take_snapshots(&f, image);
	*ret_probed = f.probed;
	*ret = steal(image);
	return 0;
}

/* The files of a chain so far. */
struct seen {
	struct stat *list;
	size_t n;
};

static void seen_done(struct seen *s)
{
	free(s->list);
}

static int note(struct seen *s, const struct stat *st, const char *path, struct bp_error *err)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->list[i].st_dev == st->st_dev && s->list[i].st_ino == st->st_ino)
			return bp_fail(err, BP_CORRUPT, "Backing file '%s' creates an infinite "
				       "loop.", path);
	if (s->n == BP_CHAIN_MAX)
		return bp_fail(err, BP_CORRUPT, "'%s' is below %d others", path, BP_CHAIN_MAX);
	*array_add(s->list, s->n) = *st;
	return 0;
}

/* The next one below.  One whose format is guessed, as a guest may have made it look like
 * anything, leads no further. */
static int look_below(struct bp_image *image, bool guessed, unsigned flags, struct stat *ret_st,
		      bool *ret_guessed, struct bp_error *err)
{
	struct bp_image_ref ref = { .format = image->backing_format, .flags = flags };
	auto_free char *path = NULL;

	if (guessed)
		return bp_fail(err, BP_DENIED, "nothing says which format '%s' has, and it names "
			       "another file: the format must be recorded first", image->path);
	if (image_file_backing(image->path, image->backing, &path, err) < 0)
		return -1;
	ref.path = path;
	return look(&ref, &image->below, ret_st, ret_guessed, err);
}

int bp_image_look(const struct bp_image_ref *ref, bool below, struct bp_image **ret,
		  struct bp_error *err)
{
	cleanup(bp_image_freep) struct bp_image *first = NULL;
	cleanup(seen_done) struct seen seen = { 0 };
	bool guessed;
	struct stat st;

	if (look(ref, &first, &st, &guessed, err) < 0)
		return -1;
	if (below && guessed && first->backing && !(ref->flags & BP_IMAGE_TRUST_LOOKS) &&
	    image_file_may_lead(first->path, &st, first->backing, err) < 0)
		return -1;
	guessed = false;	/* who names it stands for it */
	for (struct bp_image *i = first; below && !(ref->flags & BP_IMAGE_NO_BACKING);
	     i = i->below) {
		if (note(&seen, &st, i->path, err) < 0)
			return -1;
		if (!i->backing)
			break;
		if (look_below(i, guessed, ref->flags & BP_IMAGE_SHARED, &st, &guessed, err) < 0)
			return -1;
	}
	*ret = steal(first);
	return 0;
}

const char *bp_image_known(size_t i)
{
	const struct bp_image_format *f = bp_image_known_at(i);

	return f ? f->name : NULL;
}
