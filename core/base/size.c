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

/* Digits after a point, as parts of 2^64. */
static uint64_t fraction_of(const char *digits, const char **ret_end)
{
	unsigned __int128 numerator = 0, denominator = 1;

	for (; *digits >= '0' && *digits <= '9'; digits++)
		if (denominator < UINT64_MAX / 10) {
			numerator = numerator * 10 + (unsigned)(*digits - '0');
			denominator *= 10;
		}
	*ret_end = digits;
	return (uint64_t)((numerator << 64) / denominator);
}

enum size_text size_parse_fraction(const char *text, uint64_t max, uint64_t *ret)
{
	unsigned __int128 total;
	uint64_t v, factor = 1, part = 0;
	const char *unit;
	bool hex;

	text += strspn(text, " \t\n+");
	hex = text[0] == '0' && (text[1] | 0x20) == 'x';
	if (*text < '0' || *text > '9')
		return SIZE_NONSENSE;
	if (!parse_number_prefix(hex ? text + 2 : text, hex ? 16 : 10, &v, &unit))
		return hex && !text[2] ? SIZE_NONSENSE : SIZE_TOO_LARGE;
	if (!hex && *unit == '.')
		part = fraction_of(unit + 1, &unit);
	if (*unit)
		factor = unit[1] ? 0 : factor_of(unit);
	if (!factor || (part && factor == 1))
		return SIZE_NONSENSE;
	total = (unsigned __int128)v * factor + (uint64_t)(((unsigned __int128)part * factor +
							     (UINT64_C(1) << 63)) >> 64);
	if (total > max)
		return SIZE_TOO_LARGE;
	*ret = (uint64_t)total;
	return SIZE_GOOD;
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
