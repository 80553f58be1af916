/* fact.c - see fact.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/model/fact.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"

const struct bp_fact *bp_fact_find(const struct bp_fact *group, const char *name)
{
	for (size_t i = 0; i < group->n_parts; i++)
		if (group->parts[i].name && strcmp(group->parts[i].name, name) == 0)
			return &group->parts[i];
	return NULL;
}

void bp_fact_done(struct bp_fact *fact)
{
	for (size_t i = 0; i < fact->n_parts; i++)
		bp_fact_done(&fact->parts[i]);
	free(fact->parts);
	free(fact->text);
	*fact = (struct bp_fact){ 0 };
}

struct bp_fact *bp_fact_add(struct bp_fact *to, const char *name, enum bp_fact_kind kind)
{
	struct bp_fact *fact = array_add(to->parts, to->n_parts);

	fact->name = name;
	fact->kind = kind;
	return fact;
}

void bp_fact_text(struct bp_fact *to, const char *name, const char *text)
{
	bp_fact_add(to, name, BP_FACT_TEXT)->text = mem_dup(text);
}

void bp_fact_number(struct bp_fact *to, const char *name, uint64_t number)
{
	bp_fact_add(to, name, BP_FACT_NUMBER)->number = number;
}

void bp_fact_bool(struct bp_fact *to, const char *name, bool yes)
{
	bp_fact_add(to, name, BP_FACT_BOOL)->yes = yes;
}
