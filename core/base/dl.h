/* dl.h - a library that is opened when it is needed, and what is called in it by name.
 *
 *	const struct dl_call calls[] = { { "mnt_new_context", (void **)&l->new_context } };
 *
 *	l->dl = dl_open("to mount this", files, calls, array_size(calls), err);
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_BASE_DL_H
#define BP_BASE_DL_H

#include <stddef.h>

#include "core/base/error.h"

struct dl_call {
	const char *name;
	void **call;		/* where its address goes */
};

/* The first of these files that is there (a list that ends with NULL), with all the
 * calls.  NULL: err says what for it would have been needed.  dlclose() it. */
void *dl_open(const char *what_for, const char *const *files, const struct dl_call *calls,
	      size_t n, struct bp_error *err);

void dl_closep(void **dl);	/* for cleanup(); NULL is fine */

#endif
