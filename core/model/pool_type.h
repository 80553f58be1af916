/* pool_type.h - the pool types of libvirt's XML, whether or not this build can
 * run them: which parts a definition has, which words it may use.
 *
 * One row each (inventory, section 3); a definition of any type can be read,
 * checked and printed from its row alone.  What a type does is a backend's.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_MODEL_POOL_TYPE_H
#define BP_MODEL_POOL_TYPE_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Parts of a <source>. */
enum {
	BP_PART_HOST	  = 1 << 0,
	BP_PART_DEVICE	  = 1 << 1,
	BP_PART_DIR	  = 1 << 2,
	BP_PART_ADAPTER	  = 1 << 3,
	BP_PART_NAME	  = 1 << 4,
	BP_PART_INITIATOR = 1 << 5,
};

enum bp_pool_target {
	BP_TARGET_GIVEN,	/* <target><path> must be there */
	BP_TARGET_FORCED,	/* made from target_prefix and the source's name */
	BP_TARGET_NONE,		/* no <target> at all */
};

enum bp_vol_type {
	BP_VOL_FILE,
	BP_VOL_BLOCK,
	BP_VOL_DIR,
	BP_VOL_NETWORK,
	BP_VOL_NETDIR,
	BP_VOL_PLOOP,
	BP_VOL_TYPES
};

struct bp_pool_type {
	const char *name;
	unsigned parts;			/* BP_PART_*: kept and printed; others are dropped */
	unsigned needs;			/* those that must be there */
	enum bp_pool_target target;
	const char *target_prefix;
	const char *const *source_formats;	/* NULL: no such element; else ends with NULL */
	const char *source_format;		/* the default */
	const char *const *vol_formats;		/* likewise */
	const char *vol_format;
	bool vol_formats_unlisted;	/* taken, but not told in the capabilities */
};

/* In libvirt's order; NULL past the end, or for a name nobody knows. */
const struct bp_pool_type *bp_pool_type_at(size_t i);
const struct bp_pool_type *bp_pool_type_find(const char *name);

/* Is word in a list that ends with NULL? */
bool bp_word_in(const char *const *list, const char *word);

/* The word for a volume type, and back; -1 for one nobody knows. */
const char *bp_vol_type_word(enum bp_vol_type type);
int bp_vol_type_find(const char *word);

#ifdef __cplusplus
}
#endif

#endif
