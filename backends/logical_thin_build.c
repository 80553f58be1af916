/* logical_thin_build.c - thin pools made and removed with the group.
 *
 * LVM makes one in several steps, and between them there are volumes it has named itself.  So
 * that what a maker leaves who is killed can be told from what people have made, a thin pool is
 * made of two volumes, as man lvmthin has it, of names that nobody else uses, with the number of
 * the maker's lock in them (logical_making.c); its own name it gets at the end, in one step.
 * What has such a name whose lock nobody holds goes.
 *
 * With the first thin pool of a group LVM makes a spare for its metadata: a common volume, lvol0
 * or the like, which is there from the moment in which the thin pool is, and is hidden in a
 * step after that.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/blocks.h"
#include "backends/logical.h"
#include "backends/logical_report.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"

#define SPARE "_pmspare]"
#define ONE_MOMENT 5u			/* seconds */

/* ---- what is left of one ------------------------------------------------------------------ */

/* When LVM has made it, in seconds; 0: it does not say. */
static uint64_t made_at(const struct vg *vg, const struct vg_lv *lv)
{
	auto_free char *name = mem_printf("%s/%s", vg->name, lv->name);
	const char *const argv[] = { "lvs", "--reportformat", "json", "-o", "lv_time", "--config",
				     "report{time_format=\"%s\"}", name, NULL };
	cleanup(text_done) struct text out = { 0 };
	struct bp_error ignored = { 0 };
	struct report_row row;
	struct report report;

	if (lvm_run(argv, &out, &ignored) < 0)
		return 0;
	report_open(&report, out.s);
	return report_next(&report, &row, &ignored) > 0 ?
	       vg_number(report_value(&row, "lv_time")) : 0;
}

static bool has_spare(const struct vg *vg)
{
	for (size_t i = 0; i < vg->n_lvs; i++)
		if (ends_with(vg->lvs[i].name, SPARE))
			return true;
	return false;
}

/* "lvol" and a number, as LVM names what nobody has named, and nobody has done anything with;
 * as large as the metadata. */
static bool is_like_spare(const struct vg_lv *lv, const struct vg_lv *pool)
{
	const char *number = lv->name + strlen("lvol");

	return starts_with(lv->name, "lvol") && *number &&
	       !number[strspn(number, "0123456789")] && lv_is_public(lv) && !*lv->tags &&
	       strcmp(lv->layout, "linear") == 0 && !lv_is_open(lv) &&
	       strcmp(lv->size, pool->metadata_size) == 0;
}

/* The one LVM was making for this thin pool; NULL: there is none, or that is not for sure. */
static const struct vg_lv *spare_of(const struct vg *vg, const struct vg_lv *pool)
{
	const struct vg_lv *found = NULL;
	uint64_t since, made;

	since = has_spare(vg) ? 0 : made_at(vg, pool);
	for (size_t i = 0; i < vg->n_lvs && since; i++) {
		if (!is_like_spare(&vg->lvs[i], pool))
			continue;
		made = made_at(vg, &vg->lvs[i]);
		if (made < since || made - since > ONE_MOMENT)
			continue;
		if (found)
			return NULL;
		found = &vg->lvs[i];
	}
	return found;
}

/* LVM changes nodes last: that of the metadata is left when it has that name no more. */
static void remove_link(const struct vg *vg, const struct vg_lv *pool)
{
	int len = (int)(strlen(pool->name) - strlen(LV_UNBUILT_DATA));
	auto_free char *dir = mem_printf("/dev/%s", vg->name);
	auto_free char *link = mem_printf("%s/%.*s" LV_UNBUILT_METADATA, dir, len, pool->name);

	if (!blocks_have_udev() && unlink(link) == 0)
		(void)rmdir(dir);	/* unless there is more in it */
}

/* With the last thin pool of a group LVM removes the spare, too. */
static bool remove_whole(const struct vg *vg, const struct vg_lv *pool)
{
	const struct vg_lv *spare;

	if (thin_promised(vg, pool))	/* somebody has made use of it */
		return false;
	spare = spare_of(vg, pool);
	if ((spare && !making_remove(vg, spare)) || !making_remove(vg, pool))
		return false;
	remove_link(vg, pool);
	return true;
}

/* own: the number of a maker who has failed, and holds his lock yet. */
static bool sweep(const struct vg *vg, uint64_t own)
{
	bool swept = false;
	uint64_t number;

	for (size_t i = 0; i < vg->n_lvs; i++) {
		const struct vg_lv *lv = &vg->lvs[i];

		if (!lv_is_unbuilt(lv, &number) || (number != own && maker_has(number)))
			continue;
		if (lv_is_thin_pool(lv) ? remove_whole(vg, lv) : making_remove(vg, lv))
			swept = true;
	}
	return swept;
}

bool thin_sweep(const struct vg *vg)
{
	return sweep(vg, UINT64_MAX);	/* which is nobody's */
}

/* ---- made --------------------------------------------------------------------------------- */

struct parts {
	const struct vg *vg;
	char *data, *metadata, *whole;	/* "group/..." */
	uint64_t data_extents, metadata_extents;
};

static void parts_done(struct parts *parts)
{
	free(parts->data);
	free(parts->metadata);
	free(parts->whole);
}

static struct parts parts_of(const struct bp_thin *thin, const struct vg *vg, uint64_t number)
{
	auto_free char *begins = mem_printf("%s/%s" LV_UNBUILT "%" PRIu64, vg->name,
					    thin_own_name(thin->name), number);

	return (struct parts){
		.vg = vg, .data = mem_printf("%s" LV_UNBUILT_DATA, begins),
		.metadata = mem_printf("%s" LV_UNBUILT_METADATA, begins),
		.whole = mem_printf("%s/%s", vg->name, thin_own_name(thin->name)),
	};
}

static uint64_t extents(const struct vg *vg, uint64_t bytes)
{
	return (bytes + vg->extent_size - 1) / vg->extent_size;
}

/* As LVM has it: 64 bytes for each block of 64 KiB, which grow before there is too much. */
static uint64_t metadata_size(const struct bp_thin *thin, uint64_t data)
{
	const uint64_t least = 2u << 20, most = 128u << 20;
	uint64_t usual = data / THIN_UNIT * 64;

	if (thin->metadata)
		return thin->metadata;
	return usual < least ? least : usual > most ? most : usual;
}

/* LVM keeps as much as the metadata of the largest thin pool has. */
static uint64_t spare_extents(const struct vg *vg, uint64_t metadata)
{
	uint64_t there = 0;

	for (size_t i = 0; i < vg->n_lvs; i++)
		if (ends_with(vg->lvs[i].name, SPARE))
			there = extents(vg, vg_number(vg->lvs[i].size));
	return there < metadata ? metadata - there : 0;
}

static int measure(const struct bp_thin *thin, struct parts *parts, struct bp_error *err)
{
	const struct vg *vg = parts->vg;
	uint64_t bytes = vg_number(vg->free), most = extents(vg, bytes), more;

	parts->metadata_extents = extents(vg, metadata_size(thin, thin->size ? thin->size : bytes));
	more = parts->metadata_extents + spare_extents(vg, parts->metadata_extents);
	parts->data_extents = thin->size ? extents(vg, thin->size) : most > more ? most - more : 1;
	if (more <= most && parts->data_extents <= most - more)
		return 0;
	return bp_fail(err, BP_FAILED, "it takes %" PRIu64 " bytes, with its metadata and as much "
		       "to repair them, and volume group '%s' has %" PRIu64 " bytes free",
		       (parts->data_extents + more) * vg->extent_size, vg->name, bytes);
}

static int make_part(const struct vg *vg, const char *name, uint64_t n_extents,
		     struct bp_error *err)
{
	auto_free char *n = mem_printf("%" PRIu64, n_extents);

	return lvm_run((const char *const[]){
			"lvcreate", "--activate", "n", "--zero", "n", "--wipesignatures", "n",
			"--name", name, "--extents", n, vg->name, NULL }, NULL, err);
}

static int make_of(const struct parts *parts, struct bp_error *err)
{
	const char *const join[] = { "lvconvert", "--type", "thin-pool", "--poolmetadata",
				     parts->metadata, parts->data, NULL };
	const char *const name[] = { "lvrename", parts->data, parts->whole, NULL };

	if (make_part(parts->vg, parts->data, parts->data_extents, err) < 0 ||
	    make_part(parts->vg, parts->metadata, parts->metadata_extents, err) < 0 ||
	    lvm_run(join, NULL, err) < 0)
		return -1;
	return lvm_run(name, NULL, err);
}

static void undo(const char *group, uint64_t own)
{
	cleanup(vg_done) struct vg vg = { 0 };
	struct bp_error ignored = { 0 };

	if (vg_load(group, &vg, &ignored) == 0)
		(void)sweep(&vg, own);
}

static int make(const struct bp_thin *thin, const struct vg *vg, struct bp_error *err)
{
	cleanup(making_end) struct making making = MAKING_INIT;
	cleanup(parts_done) struct parts parts = { 0 };

	if (making_begin(&making, err) < 0)
		return -1;
	parts = parts_of(thin, vg, making.number);
	if (logical_check_length(vg, strchr(parts.data, '/') + 1, err) < 0 ||
	    measure(thin, &parts, err) < 0)
		return -1;
	if (make_of(&parts, err) == 0)
		return 0;
	undo(vg->name, making.number);
	return -1;
}

int thin_build(const struct bp_pool *p, struct bp_error *err)
{
	const struct bp_thin *thin = &p->def->thin;
	cleanup(vg_done) struct vg vg = { 0 };

	if (!thin->name)
		return 0;
	if (!lvm_is_name(thin_own_name(thin->name)))
		return bp_fail(err, BP_INVALID, "'%s' is no name for a thin pool",
			       thin_own_name(thin->name));
	if (vg_load(p->def->source.name, &vg, err) < 0)
		return -1;
	if (thin_pool(p, &vg))
		return 0;
	if (vg_find_hidden(&vg, thin_own_name(thin->name)))
		return thin_missing(p, &vg, err);
	return make(thin, &vg, err) == 0 ? 0 :
	       bp_within(err, "cannot make thin pool '%s'", thin->name);
}

bool thin_is_built(const struct bp_pool *p, const struct vg *vg, const struct vg_lv *lv)
{
	return lv == thin_pool(p, vg) && !thin_promised(vg, lv);
}

int thin_erase(const struct bp_pool *p, const struct vg *vg, struct bp_error *err)
{
	const struct vg_lv *pool = thin_pool(p, vg);

	return pool && thin_is_built(p, vg, pool) ? logical_remove(vg, pool->name, err) : 0;
}
