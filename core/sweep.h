/* sweep.h - what a command that was killed has left in the store's directories. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_SWEEP_H
#define BP_SWEEP_H

#include "core/store.h"

/* Half written files, signals, locks and marks of pools that nobody knows go away,
 * unless somebody holds the pool.  Done before the first change of an open store:
 * it looks at every pool.  Never fails. */
void store_sweep(struct bp_store *s);

#endif
