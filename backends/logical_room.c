/* logical_room.c - snapshots with space of their own for what is changed, and its end.
 *
 * Every chunk that differs from the origin is kept there, with a note of 16 bytes in
 * a chunk of notes.  When there is no more space LVM drops the snapshot, and all that
 * was in it; so who writes is told before.  What is written to the origin takes space
 * of its snapshots, too.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <string.h>

#include "backends/logical.h"

#define NOTE	16u
#define CHUNK	4096u		/* if LVM does not say */
#define EDGES	2u		/* chunks at the ends of what is written, of which but a part is */

/* How many chunks of data are in so many, beside a header and chunks of notes. */
static uint64_t for_data(uint64_t chunks, uint64_t chunk)
{
	uint64_t each = chunk / NOTE, rest;

	if (chunks < 3)
		return 0;
	rest = (chunks - 1) % (each + 1);
	return (chunks - 1) / (each + 1) * each + (rest ? rest - 1 : 0);
}

uint64_t snapshot_size(uint64_t capacity)
{
	uint64_t chunks = (capacity + CHUNK - 1) / CHUNK, each = CHUNK / NOTE;

	return (chunks + (chunks + each - 1) / each + 1) * CHUNK;
}

/* Bytes that may be written yet.  How much of that is there already cannot be told. */
static uint64_t room_of(const struct vg *vg, const struct vg_lv *snapshot)
{
	uint64_t chunk = lv_chunk(vg, snapshot) ? lv_chunk(vg, snapshot) : CHUNK;
	uint64_t size = vg_number(snapshot->size), capacity = lv_capacity(vg, snapshot);
	uint64_t all = for_data(size / chunk, chunk);
	uint64_t used = vg_part_of(snapshot->size, snapshot->data_percent, chunk) / chunk;

	if (all >= (capacity + chunk - 1) / chunk)
		return UINT64_MAX;
	return all > used + EDGES ? (all - used - EDGES) * chunk : 0;
}

static int check(const struct vg *vg, const struct vg_lv *lv, const struct vg_lv *snapshot,
		 uint64_t bytes, struct bp_error *err)
{
	uint64_t room = room_of(vg, snapshot);
	const char *before = lv == snapshot ? "it" : "its origin '";
	const char *name = lv == snapshot ? "" : lv->name, *after = lv == snapshot ? "" : "'";

	if (bytes <= room)
		return 0;
	return bp_fail(err, BP_FAILED, "volume '%s' has space of its own for %" PRIu64 " bytes of "
		       "changes more, and writing to %s%s%s could take %" PRIu64 "; without "
		       "space LVM would drop all that is in it: give it more first (lvextend "
		       "--size +%" PRIu64 "b %s/%s)%s", snapshot->name, room, before, name, after,
		       bytes, snapshot_size(bytes - room), vg->name, snapshot->name,
		       lv == snapshot ? "" : ", or delete it");
}

int vg_room(const struct vg *vg, const char *vol, uint64_t bytes, struct bp_error *err)
{
	const struct vg_lv *lv = vg_find(vg, vol);

	if (lv && lv_is_snapshot(lv) && check(vg, lv, lv, bytes, err) < 0)
		return -1;
	for (size_t i = 0; lv && i < vg->n_lvs; i++)
		if (lv_is_snapshot(&vg->lvs[i]) && strcmp(vg->lvs[i].origin, lv->name) == 0 &&
		    check(vg, lv, &vg->lvs[i], bytes, err) < 0)
			return -1;
	return 0;
}
