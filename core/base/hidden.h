/* hidden.h - a text that nobody else shall see: passwords and keys.
 *
 * It has pages of its own, which are in no core file and, as far as the kernel lets a
 * user say so, never written to swap; they are wiped before they are given back.
 * Whoever copies it somewhere else sees to the copy.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_BASE_HIDDEN_H
#define BP_BASE_HIDDEN_H

#include <stddef.h>

struct hidden {
	char *text;		/* may have NUL bytes inside; one more follows */
	size_t len;
	size_t mapped;		/* bytes of memory behind it */
};

/* len bytes of zeros. */
struct hidden hidden_make(size_t len);
void hidden_done(struct hidden *h);	/* for cleanup(); a zeroed one is fine */

/* Memory that somebody else has allocated with malloc() is in no core file, or is again.
 * What shares its pages goes with it. */
void hidden_hide(void *memory);
void hidden_show(void *memory);

/* Base64 in place of what it stands for; spaces between are let through.  -1: it is none. */
int hidden_decode(struct hidden *h);
int base64_decode(char *text, size_t *len);	/* the same where nothing is to be hidden */

#endif
