/* fact.h - what a format says of an image, as names and values in an order of its own.
 *
 * Each format has other things to say, and some of them come in lists: so a fact
 * is a value, or a group of facts with names, or a list of facts without.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_MODEL_FACT_H
#define BP_MODEL_FACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum bp_fact_kind {
	BP_FACT_GROUP,
	BP_FACT_LIST,
	BP_FACT_TEXT,
	BP_FACT_NUMBER,
	BP_FACT_BOOL,
};

struct bp_fact {
	const char *name;		/* "refcount-bits"; NULL in a list */
	enum bp_fact_kind kind;
	char *text;			/* as it is written in the image */
	uint64_t number;
	bool yes;
	struct bp_fact *parts;
	size_t n_parts;
};

/* The one with this name in a group; NULL: there is none. */
const struct bp_fact *bp_fact_find(const struct bp_fact *group, const char *name);

/* What is inside; the struct itself is the caller's. */
void bp_fact_done(struct bp_fact *fact);

/* Another part of a group or a list; it lives until the next one is added.  Names are
 * not copied, texts are. */
struct bp_fact *bp_fact_add(struct bp_fact *to, const char *name, enum bp_fact_kind kind);
void bp_fact_text(struct bp_fact *to, const char *name, const char *text);
void bp_fact_number(struct bp_fact *to, const char *name, uint64_t number);
void bp_fact_bool(struct bp_fact *to, const char *name, bool yes);

#ifdef __cplusplus
}
#endif

#endif
