/* fake.h - a pool type that notes what is asked of it and fails where told.
 *
 * It stands for the type "dir", or the one its table names, in programs that
 * link the engine without the real ones.  What it did is a string of slot names
 * in `did`; its volumes live in memory for the length of the program.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_TESTS_FAKE_H
#define BP_TESTS_FAKE_H

#include "core/backend.h"
#include "core/barepool.h"

extern char did[4096];			/* "start open space " */
extern const char *fake_fail;		/* the slot that fails next, or NULL */
extern bool lost;			/* pool_check: the storage has gone */
extern bool running;			/* pool_start answers 1 */
extern struct bp_backend fake_backend;	/* slots may be taken away */
extern struct bp_pool_space fake_space;

/* Forget volumes and notes, give all slots back. */
void fake_reset(void);

/* A volume that is there, with this content. */
void fake_volume(const char *name, const void *bytes, size_t len);
bool fake_has(const char *name);
size_t fake_bytes(const char *name, char *ret, size_t max);

/* A store in the test's own directory; and the same with an inactive pool "p". */
struct bp_store *fake_store(unsigned flags);
struct bp_store *fake_store_with_pool(void);

/* A definition of a pool with a target of its own. */
struct bp_pool_def *fake_def(const char *name, const char *target);
int fake_define(struct bp_store *s, const char *name, const char *uuid, const char *target,
		struct bp_error *err);

#endif
