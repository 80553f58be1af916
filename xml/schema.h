/* schema.h - what may stand in a definition, and where (inventory, section 7).
 *
 * The schema is tables: a row for each element says how often it may appear,
 * which attributes and elements it has, and what its text must look like.
 * Where one of several shapes is meant, choose() tells by looking at the
 * element.  Elements come in any order.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_XML_SCHEMA_H
#define BP_XML_SCHEMA_H

#include "xml/read.h"

/* BP_SCHEMA, and where. */
int schema_check_pool(const struct doc *d, struct bp_error *err);
int schema_check_volume(const struct doc *d, struct bp_error *err);

/* A look at a value: NULL, or what it "must be". */
struct schema_attr {
	const char *name;
	const char *(*wrong)(const char *value);	/* NULL: any text will do ... */
	const char *const *words;			/* ... or these alone */
	bool required;
};

enum schema_times { ONCE, MAYBE, SOME, ANY };	/* 1, 0 or 1, at least 1, any number */

struct schema_elem {
	const char *name, *ns;
	enum schema_times times;
	const struct schema_attr *attrs;		/* ends with no name */
	const struct schema_elem *const *children;	/* lists, each of which ends with no name */
	const char *(*text)(const char *value);		/* NULL: none but blanks */
	const struct schema_elem *(*choose)(const xmlNode *node);
};

int schema_check(const struct doc *d, const xmlNode *node, const struct schema_elem *row,
		 struct bp_error *err);

bool node_has_attr(const xmlNode *node, const char *name);

/* schema_values.c: what values must look like. */
const char *may_be_anything(const char *s);
const char *must_not_be_empty(const char *s);
const char *must_be_object_name(const char *s);
const char *must_be_volume_name(const char *s);
const char *must_be_uuid(const char *s);
const char *must_be_unsigned_int(const char *s);
const char *must_be_unsigned_long(const char *s);
const char *must_be_positive_int(const char *s);
const char *must_be_size_unit(const char *s);
const char *must_be_octal_mode(const char *s);
const char *must_be_owner_id(const char *s);
const char *must_be_absolute_path(const char *s);
const char *must_be_absolute_dir(const char *s);
const char *must_be_device_path(const char *s);
const char *must_be_iqn(const char *s);
const char *must_be_host_name(const char *s);
const char *must_be_port_number(const char *s);
const char *must_be_wwn(const char *s);
const char *must_be_pci_domain(const char *s);
const char *must_be_pci_bus(const char *s);
const char *must_be_pci_slot(const char *s);
const char *must_be_pci_function(const char *s);
const char *must_be_version(const char *s);
const char *must_be_timestamp(const char *s);

/* schema_common.c: rows that pools and volumes share. */
extern const struct schema_attr schema_unit[];
extern const struct schema_elem schema_permissions[];
extern const char *const schema_yes_no[];

#endif
