/* logical_text.h - LVM's own text, in which it keeps a group on its devices.
 *
 *	NAME { ... }	NAME = "string"		NAME = 12	NAME = [ "a", 1 ]	# remark
 *
 * Nodes stand in the order of the text, each before what is in it.  The text is taken
 * apart in place: names and values live in it.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_BACKENDS_LOGICAL_TEXT_H
#define BP_BACKENDS_LOGICAL_TEXT_H

#include <stdbool.h>
#include <stddef.h>

enum lvm_kind { LVM_SECTION, LVM_LIST, LVM_STRING, LVM_NUMBER };

struct lvm_node {
	enum lvm_kind kind;
	const char *name;		/* NULL in a list */
	const char *value;		/* of a string or number */
	size_t next;			/* the first node that is not in this one */
};

struct lvm_text {
	struct lvm_node *nodes;		/* the first has all others in it */
	size_t n;
	char *at;			/* what has not been read yet; ends with NUL */
};

/* false: it is not to be understood.  Released with lvm_text_done() in any case. */
bool lvm_text_read(char *text, struct lvm_text *ret);
void lvm_text_done(struct lvm_text *t);

/* One after the other, what is in a node: begin with 0, which is also the end. */
size_t lvm_next(const struct lvm_text *t, size_t in, size_t at);

/* What is in a node and has this name, or 0; and its value, if it is a string or number,
 * or NULL. */
size_t lvm_child(const struct lvm_text *t, size_t in, const char *name);
const char *lvm_value(const struct lvm_text *t, size_t in, const char *name);

#endif
