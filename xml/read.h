/* read.h - a document, walked by hand.
 *
 * Parts are named by their path below the root, as "target/permissions/mode"
 * or "source/host[2]".  Elements have no namespace unless one is asked for;
 * of several that match, the first in the document counts, as in XPath.
 * Failures say where: the document's name, the line and the element.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_XML_READ_H
#define BP_XML_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libxml/tree.h>

#include "core/base/error.h"
#include "core/model/pool_def.h"

struct doc {
	xmlDoc *xml;
	const xmlNode *root;	/* what paths start from */
	const char *name;	/* for messages; NULL: it came from no file */
};

/* Check the bounds and parse.  kind stands in for the name of a document that
 * has none, as in "(storage_pool_definition):1: ...". */
int doc_open(struct doc *d, const char *text, size_t len, const char *name, const char *kind,
	     struct bp_error *err);
void doc_close(struct doc *d);			/* for cleanup(); a zeroed one is fine */

/* Is this the root element? */
int doc_expect(const struct doc *d, const char *root, struct bp_error *err);

/* Walking; NULL in gives NULL out. */
const xmlNode *node_find(const xmlNode *from, const char *path);
const xmlNode *node_child(const xmlNode *parent, const char *name);
const xmlNode *node_child_ns(const xmlNode *parent, const char *ns, const char *name);
const xmlNode *node_next(const xmlNode *node);	/* the next of the same name */

/* Reading; the caller frees.  NULL where there is no such element or attribute,
 * an empty string where it is empty.  node_attr_below(): of the first element at
 * this path that has the attribute. */
char *node_text(const xmlNode *node);
char *node_attr(const xmlNode *node, const char *name);
char *node_attr_below(const xmlNode *from, const char *path, const char *name);

/* An attribute that is a number; *ret is left alone where there is none.  Hex
 * and octal are understood where base is 0. */
int read_unsigned(const struct doc *d, const xmlNode *node, const char *attr, int base,
		  unsigned *ret, struct bp_error *err);

/* An attribute that is yes or no. */
int read_yes_no(const struct doc *d, const xmlNode *node, const char *attr,
		enum bp_yes_no *ret, struct bp_error *err);

/* An attribute whose value means nothing to us. */
int fail_value(const struct doc *d, const xmlNode *node, const char *attr, const char *value,
	       struct bp_error *err);

/* Fail because of an element, and say where it is. */
int fail_at(const struct doc *d, const xmlNode *node, enum bp_code code, struct bp_error *err,
	    const char *fmt, ...) __attribute__((format(printf, 5, 6), cold));

/* After a failure whose err->part is known: say where that is, or where its
 * nearest ancestor is that exists.  Returns -1. */
int fail_place(const struct doc *d, struct bp_error *err);

#endif
