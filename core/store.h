/* store.h - the engine's own view of a store. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_STORE_H
#define BP_STORE_H

#include "core/barepool.h"

/* The descriptors are those of the call under way: directories may appear,
 * vanish or be replaced between two calls, so each begins by opening them. */
struct bp_store {
	char *config_dir, *run_dir;
	char *config_link;	/* config_dir as the system itself sees it: without --root */
	unsigned flags;		/* BP_STORE_* */
	unsigned limit;		/* seconds a server has to answer */
	int config_fd, run_fd;	/* -1: the directory is not there */
	dev_t *allowed;		/* devices somebody has named (core/guard.c) */
	size_t n_allowed;
	bool swept;		/* what killed commands had left is gone */
	bool changing;		/* the call under way began with store_change() */
	bool may_go;		/* it can be done in a child, where that is better (core/away.h) */
	bool away;		/* this is the child */
};

/* Every public function begins with one of these two.  store_change() refuses
 * what must not be: a store opened for reading, one that a libvirt daemon holds;
 * and it makes the directories, and sweeps them once.  what is the function
 * libvirt would name. */
int store_look(struct bp_store *s, struct bp_error *err);
int store_change(struct bp_store *s, const char *what, struct bp_error *err);

/* The same store once more, for another thread or a longer time. */
int store_again(const struct bp_store *s, struct bp_store **ret, struct bp_error *err);

/* The words for unknown flag bits. */
int refuse_flags(unsigned flags, unsigned known, const char *function, struct bp_error *err);

#endif
