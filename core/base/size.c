/* size.c - see size.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/base/size.h"

#include <string.h>
#include <strings.h>

#include "core/base/text.h"

static const char letters[] = "kmgtpe";

/* 1024^n, 1000^n or 1; 0 for a unit nobody knows. */
static uint64_t factor_of(const char *unit)
{
	static const char *const ones[] = { "", "b", "byte", "bytes" };
	uint64_t base, factor = 1;
	const char *at;

	for (size_t i = 0; i < sizeof ones / sizeof *ones; i++)
		if (strcasecmp(unit, ones[i]) == 0)
			return 1;

	at = strchr(letters, *unit | 0x20);
	if (!at || !*at)
		return 0;
	if (!unit[1] || strcasecmp(unit + 1, "ib") == 0)
		base = 1024;
	else if (strcasecmp(unit + 1, "b") == 0)
		base = 1000;
	else
		return 0;
	for (long i = at - letters; i >= 0; i--)
		factor *= base;
	return factor;
}

int size_scale(uint64_t *value, const char *unit, uint64_t max, struct bp_error *err)
{
	uint64_t factor = factor_of(unit ? unit : ""), scaled;

	if (!factor)
		return bp_fail(err, BP_INVALID, "unknown suffix '%s'", unit);
	if (__builtin_mul_overflow(*value, factor, &scaled) || scaled > max)
		return bp_fail(err, BP_OVERFLOW, "value too large: %llu%s",
			       (unsigned long long)*value, unit ? unit : "");
	*value = scaled;
	return 0;
}

int size_parse(const char *text, uint64_t max, uint64_t *ret, struct bp_error *err)
{
	const char *unit;
	uint64_t v;

	if (!parse_number_prefix(text, 10, &v, &unit))
		return bp_fail(err, BP_XML_SYNTAX, "'%s' is not a number", text);
	if (size_scale(&v, unit, max, err) < 0)
		return -1;
	*ret = v;
	return 0;
}

double size_pretty(uint64_t bytes, const char **ret_unit)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double v = (double)bytes;
	size_t i = 0;

	for (; v >= 1024 && i + 1 < sizeof units / sizeof *units; i++)
		v /= 1024;
	*ret_unit = units[i];
	return v;
}
