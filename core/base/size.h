/* size.h - "10G" to bytes and back.
 *
 * Units, in any case (inventory, section 6): none, b, byte, bytes: 1;
 * k, m, g, t, p, e and KiB ... EiB: powers of 1024; KB ... EB: powers of 1000.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_BASE_SIZE_H
#define BP_BASE_SIZE_H

#include <stdint.h>

#include "core/base/error.h"

/* Multiply *value by unit (NULL or "": 1); BP_INVALID for an unknown unit,
 * BP_OVERFLOW for more than max. */
int size_scale(uint64_t *value, const char *unit, uint64_t max, struct bp_error *err);

/* A number and a unit, nothing between them.  Text that is no number at all
 * fails with BP_XML_SYNTAX and no more to say. */
int size_parse(const char *text, uint64_t max, uint64_t *ret, struct bp_error *err);

/* As QEMU reads sizes: "1.5G", "64k", "0x200"; a letter of bkmgtpe in any case, 1024 each,
 * which b and e are not behind 0x, and a fraction only of those above b. */
enum size_text { SIZE_GOOD, SIZE_NONSENSE, SIZE_TOO_LARGE };
enum size_text size_parse_fraction(const char *text, uint64_t max, uint64_t *ret);

/* The largest binary unit that keeps the value at 1 or more: 10485760 is 10.0, "MiB". */
double size_pretty(uint64_t bytes, const char **ret_unit);

#endif
