/* logical_thin.c - thin pools, and the volumes in them. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <string.h>

#include "backends/logical.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"

const char *thin_own_name(const char *thin)
{
	return strchr(thin, '/') + 1;
}

static const struct vg_lv *pool_of_name(const struct vg *vg, const char *name)
{
	const struct vg_lv *lv = vg_find_hidden(vg, name);

	return lv && lv_is_thin_pool(lv) ? lv : NULL;
}

const struct vg_lv *thin_pool(const struct bp_pool *p, const struct vg *vg)
{
	const char *thin = p->def->thin.name;

	return thin ? pool_of_name(vg, thin_own_name(thin)) : NULL;
}

const struct vg_lv *thin_pool_of(const struct vg *vg, const struct vg_lv *lv)
{
	return pool_of_name(vg, lv->pool);
}

/* ---- how it is ---------------------------------------------------------------------- */

static enum bp_thin_health health_of(const struct vg_lv *pool)
{
	static const struct { const char *word; enum bp_thin_health health; } words[] = {
		{ "failed", BP_THIN_FAILED }, { "out_of_data", BP_THIN_FULL },
		{ "metadata_read_only", BP_THIN_READ_ONLY },
	};

	if (strstr(pool->check_needed, "check needed"))
		return BP_THIN_NEEDS_CHECK;
	for (size_t i = 0; i < array_size(words); i++)
		if (strcmp(pool->health, words[i].word) == 0)
			return words[i].health;
	/* of one that has failed the kernel does not tell how full it is */
	return *pool->data_percent ? BP_THIN_FINE : BP_THIN_UNKNOWN;
}

/* What its volumes and their snapshots could come to need. */
uint64_t thin_promised(const struct vg *vg, const struct vg_lv *pool)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < vg->n_lvs; i++)
		if (lv_is_thin(&vg->lvs[i]) && strcmp(vg->lvs[i].pool, pool->name) == 0)
			sum += vg_number(vg->lvs[i].size);
	return sum;
}

struct bp_thin_state thin_state(const struct vg *vg, const struct vg_lv *pool)
{
	struct bp_thin_state state = {
		.health = health_of(pool), .capacity = vg_number(pool->size),
		.metadata_capacity = vg_number(pool->metadata_size),
		.promised = thin_promised(vg, pool),
	};

	if (!*pool->data_percent)
		return state;
	state.allocation = vg_part_of(pool->size, pool->data_percent, THIN_UNIT);
	state.metadata_allocation = vg_part_of(pool->metadata_size, pool->metadata_percent,
					       THIN_METADATA_UNIT);
	return state;
}

int thin_missing(const struct bp_pool *p, const struct vg *vg, struct bp_error *err)
{
	const char *thin = p->def->thin.name;

	if (vg_find_hidden(vg, thin_own_name(thin)))
		return bp_fail(err, BP_CONFIG, "'%s', the thin pool that pool '%s' names, is a "
			       "volume of another kind", thin, p->def->name);
	return bp_fail(err, BP_CONFIG, "thin pool '%s' is not there; pool-build makes it, while "
		       "pool '%s' is inactive", thin, p->def->name);
}

int logical_pool_thin(struct bp_pool *p, struct bp_thin_state *ret, struct bp_error *err)
{
	const struct vg *vg;
	const struct vg_lv *pool;

	if (!p->def->thin.name)
		return 0;
	vg = logical_vg(p, err);
	if (!vg)
		return -1;
	pool = thin_pool(p, vg);
	if (!pool)
		return thin_missing(p, vg, err);
	*ret = thin_state(vg, pool);
	return 1;
}

/* ---- may there be more? ------------------------------------------------------------- */

static int check_health(const struct vg *vg, const struct vg_lv *pool, struct bp_error *err)
{
	struct bp_thin_state state = thin_state(vg, pool);
	auto_free char *name = mem_printf("%s/%s", vg->name, pool->name);
	auto_free char *warning = NULL;

	if (state.health == BP_THIN_UNKNOWN || state.health == BP_THIN_FINE)
		return 0;
	warning = bp_thin_warning(name, &state);
	return bp_fail(err, BP_FAILED, "%s", warning);
}

/* The limit is that of the thin pool which the definition names. */
static int check_limit(const struct bp_pool *p, const struct vg *vg, const struct vg_lv *pool,
		       uint64_t more, struct bp_error *err)
{
	unsigned limit = p->def->thin.limit;
	uint64_t size = vg_number(pool->size), now = thin_promised(vg, pool), most;

	if (!limit || pool != thin_pool(p, vg))
		return 0;
	most = size / 100 * limit + size % 100 * limit / 100;
	if (now <= most && more <= most - now)
		return 0;
	return bp_fail(err, BP_FAILED, "the volumes of thin pool '%s' may have %u %% of its size, "
		       "which is %" PRIu64 " bytes; they have %" PRIu64 ", so %" PRIu64 " more are "
		       "too many (the limit is in the definition of pool '%s')", p->def->thin.name,
		       limit, most, now, more, p->def->name);
}

int thin_check(const struct bp_pool *p, const struct vg *vg, const struct vg_lv *pool,
	       uint64_t more, struct bp_error *err)
{
	if (!pool)
		return thin_missing(p, vg, err);
	if (check_health(vg, pool, err) < 0)
		return -1;
	return check_limit(p, vg, pool, more, err);
}

/* What is to be written at once must have its space: a thin pool that becomes full
 * lets writers wait for a minute, and then fails them all. */
int thin_check_space(const struct vg *vg, const struct vg_lv *pool, uint64_t bytes,
		     struct bp_error *err)
{
	struct bp_thin_state state = thin_state(vg, pool);

	if (state.health == BP_THIN_UNKNOWN || bytes <= state.capacity - state.allocation)
		return 0;
	return bp_fail(err, BP_FAILED, "thin pool '%s/%s' has %" PRIu64 " bytes left, and up to %"
		       PRIu64 " are needed", vg->name, pool->name,
		       state.capacity - state.allocation, bytes);
}

/* What LVM says of one it cannot activate is about its innards. */
void thin_explain(const struct vg *vg, struct bp_error *err)
{
	static const char *const signs[] = {
		"Check of pool", "transaction_id", "thin-pool", "Manual repair required",
	};
	struct bp_error why = *err;

	for (size_t i = 0; i < array_size(signs); i++)
		if (strstr(why.text, signs[i])) {
			*err = (struct bp_error){ 0 };
			bp_fail(err, BP_FAILED, "a thin pool of volume group '%s' is damaged and "
				"cannot be activated; repair it (lvconvert --repair %s/THINPOOL): "
				"%s", vg->name, vg->name, why.text);
			return;
		}
}

/* ---- a clone is a snapshot ------------------------------------------------------------ */

static int grow(const char *vg, const struct bp_vol_spec *spec, struct bp_error *err)
{
	auto_free char *name = mem_printf("%s/%s", vg, spec->name);
	auto_free char *size = mem_printf("%" PRIu64 "b", (spec->capacity + 511) / 512 * 512);

	return lvm_run((const char *const[]){ "lvextend", "--size", size, name, NULL }, NULL, err);
}

static int clone(struct bp_pool *p, const struct vg *vg, const struct vg_lv *origin,
		 const struct bp_vol_spec *spec, struct bp_error *err)
{
	bool larger = spec->capacity > vg_number(origin->size);
	auto_free char *vg_name = mem_dup(vg->name);
	auto_free char *name = mem_printf("%s/%s", vg->name, origin->name);
	cleanup(making_end) struct making making = MAKING_INIT;
	struct bp_error ignored = { 0 };

	if (making_begin(&making, err) < 0)
		return -1;
	if (lvm_run((const char *const[]){
			"lvcreate", "--snapshot", "--setactivationskip", "n", "--addtag",
			making.tag, "--name", spec->name, name, NULL }, NULL, err) < 0)
		return logical_not_made(spec->name, err);
	if (logical_finish(p, spec, err) == 0 &&
	    (!larger || grow(vg_name, spec, err) == 0) &&
	    (vg = logical_vg(p, err)) && making_show(&making, vg, spec->name, err) == 0)
		return logical_changed(p, err) < 0 ? -1 : 1;
	logical_forget(p);
	vg = logical_vg(p, &ignored);
	if (vg)
		(void)logical_remove(vg, spec->name, &ignored);
	logical_forget(p);
	return -1;
}

int logical_vol_clone(struct bp_pool *p, const struct bp_vol_spec *spec, const char *from,
		      struct bp_error *err)
{
	const struct vg_lv *origin;
	const struct vg *vg;
	uint64_t size;

	vg = logical_vg_to_change(p, err);
	origin = vg ? vg_find(vg, from) : NULL;
	if (!vg)
		return -1;
	if (!origin || !lv_is_thin(origin) || spec->encryption)
		return 0;
	size = vg_number(origin->size);
	if (logical_check_name(vg, spec->name, err) < 0 ||
	    thin_check(p, vg, thin_pool_of(vg, origin),
		       spec->capacity > size ? spec->capacity : size, err) < 0)
		return -1;
	return clone(p, vg, origin, spec, err);
}
