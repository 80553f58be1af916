/* write.h - XML as libvirt writes it: two spaces a level, single quotes, and
 * elements without content either as one tag or, after out_body(), as two on
 * lines of their own.
 *
 *	out_tag(o, "pool");
 *	out_attr(o, "type", "dir");
 *	out_text(o, "name", name);
 *	out_end(o, "pool");
 *
 * Attributes and texts that are NULL are left out.  What is written can be read
 * again: bytes that XML cannot hold become U+FFFD.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_XML_WRITE_H
#define BP_XML_WRITE_H

#include <stdbool.h>

#include "core/base/text.h"

struct out {
	struct text t;
	unsigned depth;
	bool in_tag;		/* "<name" is written, and not yet its ">" */
};

void out_tag(struct out *o, const char *name);
void out_attr(struct out *o, const char *name, const char *value);
void out_attrf(struct out *o, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void out_body(struct out *o);
void out_end(struct out *o, const char *name);

/* An element that is nothing but text. */
void out_text(struct out *o, const char *name, const char *value);
void out_textf(struct out *o, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The same after out_tag() and its attributes. */
void out_endf(struct out *o, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* An element with one attribute and nothing else; without the value, nothing. */
void out_one(struct out *o, const char *name, const char *attr, const char *value);

char *out_steal(struct out *o);	/* the caller frees */

#endif
