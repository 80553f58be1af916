/* validate.h - may this definition stand beside the pools there are? */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_VALIDATE_H
#define BP_VALIDATE_H

#include <stdbool.h>

#include "core/store.h"

/* Names, UUIDs and sources (inventory, section 13).  The caller holds the
 * store's lock.  For a pool to be created, one that is active is in the way too. */
int check_conflicts(struct bp_store *s, const struct bp_pool_def *def, bool creating,
		    struct bp_error *err);

#endif
