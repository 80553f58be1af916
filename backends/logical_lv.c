/* logical_lv.c - what a volume of a group is, as LVM's words have it. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "backends/logical.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"

/* Columns of lv_attr. */
enum { ATTR_TYPE = 0, ATTR_ACTIVE = 4, ATTR_OPEN = 5, ATTR_SKIP = 9 };

static char attr(const struct vg_lv *lv, size_t column)
{
	return strlen(lv->attr) > column ? lv->attr[column] : '-';
}

/* Is word one of a list with commas? */
static bool listed(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (; *list; list += strcspn(list, ","), list += *list == ',')
		if (strncmp(list, word, n) == 0 && (list[n] == ',' || !list[n]))
			return true;
	return false;
}

/* Names of volumes inside others stand in brackets. */
static bool is_named(const char *name, const char *wanted, size_t len)
{
	name += *name == '[';
	return strncmp(name, wanted, len) == 0 && (!name[len] || name[len] == ']');
}

static const struct vg_lv *find(const struct vg *vg, const char *name, size_t len)
{
	for (size_t i = 0; i < vg->n_lvs; i++)
		if (is_named(vg->lvs[i].name, name, len))
			return &vg->lvs[i];
	return NULL;
}

const struct vg_lv *vg_find_hidden(const struct vg *vg, const char *lv)
{
	return find(vg, lv, strlen(lv));
}

const struct vg_lv *vg_find(const struct vg *vg, const char *name)
{
	const struct vg_lv *lv = vg_find_hidden(vg, name);

	return lv && lv_is_public(lv) ? lv : NULL;
}

bool lv_is_unbuilt(const struct vg_lv *lv, uint64_t *ret_number)
{
	const char *at = NULL, *rest;

	if (*lv->name == '[' || *lv->tags)	/* as what is named after something else has */
		return false;
	for (const char *s = lv->name; (s = strstr(s, LV_UNBUILT)); s++)
		at = s;
	return at && parse_number_prefix(at + strlen(LV_UNBUILT), 10, ret_number, &rest) &&
	       (strcmp(rest, LV_UNBUILT_DATA) == 0 || strcmp(rest, LV_UNBUILT_METADATA) == 0);
}

bool lv_is_public(const struct vg_lv *lv)
{
	return *lv->name != '[' && !lv->hidden && !listed(lv->role, "private") &&
	       !lv_is_unbuilt(lv, &(uint64_t){ 0 });
}

bool lv_is_active(const struct vg_lv *lv)
{
	return strchr("asISmMcC", attr(lv, ATTR_ACTIVE)) != NULL;
}

/* d, i: who activated it was killed in the middle of that. */
bool lv_is_mapped(const struct vg_lv *lv)
{
	return lv_is_active(lv) || strchr("diX", attr(lv, ATTR_ACTIVE)) != NULL;
}

bool lv_is_suspended(const struct vg_lv *lv)
{
	return strchr("sSMC", attr(lv, ATTR_ACTIVE)) != NULL;
}

bool lv_is_unclear(const struct vg_lv *lv)
{
	return attr(lv, ATTR_ACTIVE) == 'X';
}

bool lv_is_open(const struct vg_lv *lv)
{
	/* a thin pool has itself open, for as long as it is active */
	return attr(lv, ATTR_OPEN) == 'o' && attr(lv, ATTR_TYPE) != 't';
}

bool lv_is_skipped(const struct vg_lv *lv)
{
	return attr(lv, ATTR_SKIP) == 'k';
}

bool lv_is_thin(const struct vg_lv *lv)
{
	return attr(lv, ATTR_TYPE) == 'V' && listed(lv->layout, "thin");
}

bool lv_is_thin_pool(const struct vg_lv *lv)
{
	return attr(lv, ATTR_TYPE) == 't' && listed(lv->layout, "thin");
}

bool lv_is_snapshot(const struct vg_lv *lv)
{
	return attr(lv, ATTR_TYPE) == 's' || attr(lv, ATTR_TYPE) == 'S';
}

/* A snapshot shows as much as its origin, which may be one nobody sees: then the
 * volume is sparse in libvirt's way. */
uint64_t lv_capacity(const struct vg *vg, const struct vg_lv *lv)
{
	const char *origin = lv->origin + (*lv->origin == '[');
	const struct vg_lv *of;

	if (!lv_is_snapshot(lv) || !*origin)
		return vg_number(lv->size);
	of = find(vg, origin, strcspn(origin, "]"));
	return vg_number(of ? of->size : lv->size);
}

/* LVM tells a percentage with two decimals; what there is comes in whole units. */
uint64_t vg_part_of(const char *size, const char *percent, uint64_t unit)
{
	uint64_t whole, hundredths = 0, bytes = vg_number(size);
	const char *rest;

	if (!parse_number_prefix(percent, 10, &whole, &rest) || whole > 100)
		return bytes;
	if (*rest == '.' && strlen(rest) == 3)
		hundredths = vg_number(rest + 1);
	hundredths += whole * 100;
	bytes = bytes / 10000 * hundredths + bytes % 10000 * hundredths / 10000;
	return (bytes + unit - 1) / unit * unit;
}

uint64_t lv_allocation(const struct vg_lv *lv)
{
	if (!lv_is_thin(lv))
		return vg_number(lv->size);
	return *lv->data_percent ? vg_part_of(lv->size, lv->data_percent, THIN_UNIT) : 0;
}

const struct vg_lv *lv_origin(const struct vg *vg, const struct vg_lv *lv)
{
	const struct vg_lv *of = *lv->origin && *lv->origin != '[' ?
				 vg_find_hidden(vg, lv->origin) : NULL;

	return of && !of->hidden ? of : NULL;
}

/* ---- those that belong to others ------------------------------------------------------ */

char *lv_tag(const struct vg_lv *lv, const char *begins)
{
	const char *at = strstr(lv->tags, begins);

	return at ? mem_dup_n(at, strcspn(at, ",")) : NULL;
}

const char *lv_snapshot_name(const struct vg_lv *lv)
{
	const char *at = NULL;

	if (!strstr(lv->tags, LV_SNAPSHOT_TAG))
		return NULL;
	for (const char *s = lv->name; (s = strstr(s, LV_SNAPSHOT)); s++)
		at = s;
	return at && at > lv->name ? at + strlen(LV_SNAPSHOT) : NULL;
}

static size_t volume_len(const struct vg_lv *lv, const char *snap)
{
	return (size_t)(snap - lv->name) - strlen(LV_SNAPSHOT);
}

bool lv_is_snapshot_of(const struct vg_lv *lv, const char *vol)
{
	const char *snap = lv_snapshot_name(lv);

	return snap && strlen(vol) == volume_len(lv, snap) &&
	       strncmp(lv->name, vol, strlen(vol)) == 0;
}

/* "VOLUME.revert", with its tag: how long the volume's name is, or 0. */
static size_t replaces(const struct vg_lv *lv)
{
	size_t n = strlen(lv->name), end = strlen(LV_REVERT);

	return strstr(lv->tags, LV_REVERT_TAG) && n > end &&
	       strcmp(lv->name + n - end, LV_REVERT) == 0 ? n - end : 0;
}

/* Nobody can have made a snapshot of what is not finished: so that is on its way out. */
static bool goes_with_origin(const struct vg *vg, const struct vg_lv *lv)
{
	const struct vg_lv *of = lv_is_snapshot(lv) ? vg_find_hidden(vg, lv->origin) : NULL;

	return of && strstr(of->tags, MAKING_TAG);
}

/* One after the other: what replaces a volume may be what snapshots belong to. */
void vg_settle(struct vg *vg)
{
	for (size_t i = 0; i < vg->n_lvs; i++) {
		struct vg_lv *lv = &vg->lvs[i];
		size_t len = replaces(lv);

		lv->hidden = len && find(vg, lv->name, len);
		lv->misnamed = len && !lv->hidden;
		if (lv->misnamed)
			vg->text[lv->name - vg->text + (ptrdiff_t)len] = '\0';
	}
	for (size_t i = 0; i < vg->n_lvs; i++) {
		struct vg_lv *lv = &vg->lvs[i];
		const char *snap = lv_snapshot_name(lv);

		if (snap)
			lv->hidden = find(vg, lv->name, volume_len(lv, snap));
		else if (goes_with_origin(vg, lv))
			lv->hidden = true;
	}
}

static const struct vg_seg *first_segment(const struct vg *vg, const char *lv)
{
	size_t low = 0, high = vg->n_segs;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(vg->segs[middle].lv, lv) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < vg->n_segs && strcmp(vg->segs[low].lv, lv) == 0 ? &vg->segs[low] : NULL;
}

uint64_t lv_chunk(const struct vg *vg, const struct vg_lv *lv)
{
	const struct vg_seg *seg = first_segment(vg, lv->name);

	return seg ? vg_number(seg->chunk) : 0;
}

const char *lv_kind(const struct vg *vg, const struct vg_lv *lv)
{
	const struct vg_seg *seg = first_segment(vg, lv->name);

	if (lv_is_snapshot(lv))		/* of nothing that anybody sees: libvirt's way */
		return *lv->origin == '[' ? "sparse" : "snapshot";
	return seg ? seg->type : lv->layout;
}

/* ---- where it is -------------------------------------------------------------------- */

struct places {
	const struct vg *vg;
	bool *told;		/* for each of its volumes */
	struct bp_vol_extent *extents;
	size_t n;
};

static void add_volume(struct places *to, const struct vg_lv *lv);

/* "/dev/sda:0-15", of a device; or "x_rimage_0:0-3", of a volume inside. */
static void add_range(struct places *to, const char *range, size_t len)
{
	auto_free char *text = mem_dup_n(range, len);
	char *colon = strrchr(text, ':');
	uint64_t first, last, size = to->vg->extent_size;
	struct bp_vol_extent *e;
	const char *rest;

	if (!colon || !parse_number_prefix(colon + 1, 10, &first, &rest) || *rest != '-' ||
	    !parse_number(rest + 1, 10, &last) || last < first || last > INT64_MAX / (size + 1))
		return;
	*colon = '\0';
	if (*text != '/') {
		add_volume(to, vg_find_hidden(to->vg, text));
		return;
	}
	e = array_add(to->extents, to->n);
	e->device = mem_dup(text);
	e->start = first * size;
	e->end = (last + 1) * size;
}

/* All of it, and once: a leg of a mirror is one as a whole, however many segments say so. */
static void add_volume(struct places *to, const struct vg_lv *lv)
{
	const struct vg *vg = to->vg;
	const struct vg_seg *seg = lv ? first_segment(vg, lv->name) : NULL;

	if (!seg || to->told[lv - vg->lvs])
		return;
	to->told[lv - vg->lvs] = true;
	for (; seg < vg->segs + vg->n_segs && strcmp(seg->lv, lv->name) == 0; seg++)
		for (const char *r = seg->ranges; *r; r += strspn(r, " ")) {
			size_t len = strcspn(r, " ");

			add_range(to, r, len);
			r += len;
		}
}

void lv_extents(const struct vg *vg, const struct vg_lv *lv, struct bp_vol_extent **ret,
		size_t *ret_n)
{
	auto_free bool *told = mem_alloc(vg->n_lvs);
	struct places to = { .vg = vg, .told = told };

	add_volume(&to, lv);
	*ret = to.extents;
	*ret_n = to.n;
}

void lv_extents_free(struct bp_vol_extent *extents, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(extents[i].device);
	free(extents);
}
