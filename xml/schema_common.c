/* schema_common.c - the schema's rows that pools and volumes share. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xml/schema.h"

const char *const schema_yes_no[] = { "yes", "no", NULL };

const struct schema_attr schema_unit[] = {
	{ "unit", must_be_size_unit },
	{ NULL }
};

static const struct schema_elem in_permissions[] = {
	{ "mode",  .times = MAYBE, .text = must_be_octal_mode },
	{ "owner", .times = MAYBE, .text = must_be_owner_id },
	{ "group", .times = MAYBE, .text = must_be_owner_id },
	{ "label", .times = MAYBE, .text = may_be_anything },
	{ NULL }
};

const struct schema_elem schema_permissions[] = {
	{ "permissions", .times = MAYBE,
	  .children = (const struct schema_elem *const[]){ in_permissions, NULL } },
	{ NULL }
};
