/* layers.c - what vol-chain, vol-map, vol-check, vol-commit and vol-rebase need of a pool type
 * whose volumes may be overlays, held against each that can be had here.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/image_below.h"
#include "tests/contract/running.h"

#define PROMISE(id)						\
	static void id##_by(struct running *r);			\
	TEST(dir_##id) { hold(&dir, id##_by); }			\
	TEST(fs_##id) { hold(&fs, id##_by); }			\
	TEST(netfs_##id) { hold(&netfs, id##_by); }		\
	static void id##_by(struct running *r)

/* ---- a raw volume, and an overlay of it -------------------------------------------------- */

static int make_overlay(struct running *r)
{
	cleanup(bp_vol_spec_freep) struct bp_vol_spec *spec = spec_of(r, "top");
	cleanup(bp_vol_info_freep) struct bp_vol_info *base = NULL;
	const struct bp_filler empty = { 0 };

	if (make(r, "base", &r->err) < 0 || put(r, "base", "below", 6) < 0 ||
	    r->be->vol_find(&r->p, "base", BP_VOL_PATH, &base, &r->err) < 0)
		return -1;
	mem_set(&spec->format, "qcow2");
	spec->backing = bp_backing_new();
	spec->backing->path = mem_dup(base->path);
	spec->backing->format = mem_dup("raw");
	return r->be->vol_create(&r->p, spec, 0, &empty, &r->err);
}

/* Both open, the first ones for changes; closed with layers_done(). */
struct layers {
	struct running *r;
	struct bp_io *top, *base;
	struct bp_chain chain;
};

static int open_base(void *arg, const char *from, const struct bp_image_info *info,
		     struct bp_io **ret, char **ret_name, const struct bp_image_format **ret_format,
		     struct bp_error *err)
{
	struct layers *l = arg;

	(void)from;
	if (l->r->be->vol_open(&l->r->p, "base", BP_VOL_WRITE, ret, err) < 0)
		return -1;
	*ret_name = mem_dup("base");
	*ret_format = bp_image_known_find(info->backing_format);
	return 0;
}

static void layers_done(struct layers *l)
{
	bp_chain_done(&l->chain);
	io_close(l->top);
}

static int layers_open(struct running *r, struct layers *l)
{
	const struct bp_opener opener = { .open = open_base, .arg = l };

	l->r = r;
	if (r->be->vol_open(&r->p, "top", BP_VOL_WRITE, &l->top, &r->err) < 0)
		return -1;
	return bp_chain_open(l->top, "top", bp_image_known_find("qcow2"), NULL, &opener, &l->chain,
			     &r->err);
}

static bool is_sound(struct running *r)
{
	cleanup(io_closep) struct bp_io *io = NULL;
	struct bp_vol_check c = { 0 };

	return r->be->vol_open(&r->p, "top", BP_VOL_READ, &io, &r->err) == 0 &&
	       bp_image_known_find("qcow2")->check(io, BP_REPAIR_NOTHING, NULL, NULL, &c,
						   &r->err) == 0 &&
	       !c.corruptions && !c.leaks;
}

static bool names_base(const struct bp_vol_info *info)
{
	return info->backing && info->backing->vol && strcmp(info->backing->vol, "base") == 0 &&
	       info->backing->format && strcmp(info->backing->format, "raw") == 0;
}

/* ---- promises ------------------------------------------------------------------------------ */

PROMISE(an_overlay_says_which_volume_is_below_it)
{
	cleanup(bp_vol_info_freep) struct bp_vol_info *found = NULL, *gone = NULL;
	struct bp_vol_info info;
	unsigned named = 0;
	void *cursor;

	CHECK(r->be->caps & BP_CAP_BACKING_FILES);
	CHECK(make_overlay(r) == 0);
	CHECK(r->be->vol_find(&r->p, "top", BP_VOL_BACKING, &found, &r->err) == 0);
	CHECK(names_base(found));
	CHECK(r->be->vols_open(&r->p, BP_VOL_BACKING, &cursor, &r->err) == 0);
	while (r->be->vols_next(&r->p, cursor, &info, &r->err) > 0)
		named += names_base(&info) ? 1 : info.backing ? 10 : 0;
	r->be->vols_close(&r->p, cursor);
	SAME_N(named, 1);

	CHECK(r->be->vol_delete(&r->p, "base", 0, &r->err) == 0);
	CHECK(r->be->vol_find(&r->p, "top", BP_VOL_BACKING, &gone, &r->err) == 0);
	CHECK(names_base(gone));
}

PROMISE(the_volumes_of_a_chain_are_read_as_one)
{
	cleanup(layers_done) struct layers l = { 0 };
	struct bp_guest_extent e;
	char bytes[6];
	size_t depth;

	CHECK(make_overlay(r) == 0 && is_sound(r));
	CHECK(layers_open(r, &l) == 0);
	SAME_N(l.chain.n, 2);
	SAME_N(l.chain.capacity, r->f->small);
	CHECK(bp_chain_extent(&l.chain, 0, &e, &depth, &r->err) == 0);
	SAME_N(depth, 1);
	CHECK(bp_chain_read(&l.chain, bytes, sizeof bytes, 0, &r->err) == 0);
	SAME(bytes, "below");
}

static int leave_base(struct running *r)
{
	cleanup(layers_done) struct layers l = { 0 };
	struct bp_chain none = { 0 };

	return layers_open(r, &l) < 0 ? -1 :
	       image_rebase_chain(&l.chain, &none, NULL, NULL, 0, NULL, &r->err);
}

static int come_back(struct running *r)
{
	cleanup(bp_vol_info_freep) struct bp_vol_info *base = NULL;
	cleanup(io_closep) struct bp_io *io = NULL;

	if (r->be->vol_find(&r->p, "base", BP_VOL_PATH, &base, &r->err) < 0 ||
	    r->be->vol_open(&r->p, "top", BP_VOL_WRITE, &io, &r->err) < 0)
		return -1;
	return bp_image_known_find("qcow2")->set_backing(io, base->path, "raw", &r->err);
}

static int commit(struct running *r)
{
	cleanup(layers_done) struct layers l = { 0 };

	return layers_open(r, &l) < 0 ? -1 :
	       image_commit_chain(&l.chain, 1, BP_COMMIT_KEEP, NULL, &r->err);
}

PROMISE(an_overlay_is_rebased_and_committed_in_place)
{
	cleanup(bp_vol_info_freep) struct bp_vol_info *alone = NULL, *again = NULL;
	char bytes[6];

	CHECK(make_overlay(r) == 0);
	CHECK(leave_base(r) == 0 && is_sound(r));
	CHECK(r->be->vol_find(&r->p, "top", BP_VOL_BACKING, &alone, &r->err) == 0);
	CHECK(!alone->backing);

	CHECK(put(r, "base", "other", 6) == 0);
	CHECK(come_back(r) == 0 && is_sound(r));
	CHECK(r->be->vol_find(&r->p, "top", BP_VOL_BACKING, &again, &r->err) == 0);
	CHECK(names_base(again));
	CHECK(commit(r) == 0 && is_sound(r));
	CHECK(get(r, "base", bytes, sizeof bytes) == 0);
	SAME(bytes, "below");
}
