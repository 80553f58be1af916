/* watch.h - the marks and the volumes of a store, watched beside its two directories.
 *
 * The names of volumes are kept, so that what comes and what changes can be told
 * apart, and what was missed can be found by comparing.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_WATCH_H
#define BP_WATCH_H

#include <sys/inotify.h>

#include "core/barepool.h"

struct watch;

/* On an inotify descriptor that watches the directories of s already. */
int watch_open(const struct bp_store *s, int fd, struct watch **ret, struct bp_error *err);
void watch_close(struct watch *w);

/* See what the kernel tells; pool: what it means for a pool's life, or NULL. */
int watch_see(struct watch *w, const struct inotify_event *e, const struct bp_event *pool,
	      struct bp_error *err);

/* What is to be told of it beyond that, one after the other.  Strings live until
 * the next call. */
bool watch_next(struct watch *w, struct bp_event *ret);

#endif
