/* lock.h - who may touch a pool, across processes.
 *
 * One file per pool, NAME.lock in the run directory, locked in byte ranges:
 * byte 0 is the pool's life, the others stand for volumes.  These are open
 * file description locks, which end with the process, whatever kills it.  One
 * file more, for the whole store, makes definitions come one after another.
 *
 * Order: the store, then pools by name, then volumes by byte.  Nobody takes a
 * pool's lock while holding a volume's.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_LOCK_H
#define BP_LOCK_H

#include <stdbool.h>

#include "core/base/error.h"

enum lock_mode { LOCK_SHARED, LOCK_ALONE };

/* They wait.  The descriptor returned holds the lock until it is closed. */
int lock_store(int run_fd, struct bp_error *err);
int lock_pool(int run_fd, const char *pool, enum lock_mode mode, struct bp_error *err);

/* On the descriptor that lock_pool() gave.  The second does not wait: BP_BUSY,
 * and err names who has it. */
int lock_volume(int lock_fd, const char *vol, enum lock_mode mode, struct bp_error *err);
int lock_volume_now(int lock_fd, const char *vol, struct bp_error *err);

/* Whose volume lock comes first: <0, >0, or 0 for one and the same. */
int lock_order(const char *vol, const char *other);

/* Alone, without waiting and without making a lock file; -1: not now, or there is none. */
int lock_pool_now(int run_fd, const char *pool);

/* The same, but one is made where there is none. */
int lock_pool_try(int run_fd, const char *pool);

/* Does somebody hold the pool alone right now? */
bool lock_pool_taken(int run_fd, const char *pool);

/* For readers who may write nothing: without a lock file there is nothing to
 * wait for, and -1 comes back without an error. */
int lock_pool_readonly(int run_fd, const char *pool, struct bp_error *err);

/* Whoever holds the pool alone and leaves nothing of it takes the file away. */
void lock_remove(int run_fd, const char *pool);

#endif
