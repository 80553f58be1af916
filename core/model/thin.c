/* thin.c - what the state of a thin pool means. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stddef.h>

#include "core/base/mem.h"
#include "core/model/pool_def.h"

#define WARN_AT 75		/* percent: while there is time to do something about it */

static const struct {
	const char *word, *advice;	/* the latter follows the thin pool's name */
} healths[] = {
	[BP_THIN_UNKNOWN]     = { "inactive", NULL },
	[BP_THIN_FINE]	      = { "fine", NULL },
	[BP_THIN_FULL]	      = { "full", "is full: writes to its volumes fail; make it larger "
				  "(lvextend), delete volumes, or give space back (vol-wipe "
				  "--algorithm trim)" },
	[BP_THIN_READ_ONLY]   = { "read only", "is read only, since its metadata are full or "
				  "damaged: make them larger (lvextend --poolmetadatasize), then "
				  "stop the pool and repair it (lvconvert --repair)" },
	[BP_THIN_NEEDS_CHECK] = { "needs check", "needs a check: stop the pool and repair it "
				  "(lvconvert --repair)" },
	[BP_THIN_FAILED]      = { "failed", "has failed: stop the pool and repair it (lvconvert "
				  "--repair)" },
};

const char *bp_thin_health_word(enum bp_thin_health health)
{
	return healths[health].word;
}

double bp_thin_percent(uint64_t part, uint64_t whole)
{
	return whole ? (double)part * 100 / (double)whole : 0;
}

char *bp_thin_warning(const char *name, const struct bp_thin_state *state)
{
	double data = bp_thin_percent(state->allocation, state->capacity);
	double meta = bp_thin_percent(state->metadata_allocation, state->metadata_capacity);

	if (state->health == BP_THIN_UNKNOWN)
		return NULL;
	if (healths[state->health].advice)
		return mem_printf("thin pool '%s' %s", name, healths[state->health].advice);
	if (data >= WARN_AT && data >= meta)
		return mem_printf("thin pool '%s' is %.2f %% full; make it larger (lvextend) "
				  "before writes to its volumes fail", name, data);
	if (meta >= WARN_AT)
		return mem_printf("the metadata of thin pool '%s' are %.2f %% full; make them "
				  "larger (lvextend --poolmetadatasize) before writes to its "
				  "volumes fail", name, meta);
	return NULL;
}
