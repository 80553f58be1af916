/* schema_values.c - what values must look like.
 *
 * Each looks at a value and returns NULL, or the end of a sentence that begins
 * with the name of what holds it. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <arpa/inet.h>
#include <string.h>

#include "core/base/text.h"
#include "xml/schema.h"

#define DIGITS	"0123456789"
#define HEX	DIGITS "abcdefABCDEF"
#define LETTERS	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* Nothing but characters of this set, and at least one. */
static bool is_all(const char *s, const char *set)
{
	return *s && !s[strspn(s, set)];
}

/* Digits and nothing else; *ret is decimal whatever the digits are. */
static bool is_number(const char *s, const char *digits, uint64_t max, uint64_t *ret)
{
	return is_all(s, digits) && parse_number(s, 10, ret) && *ret <= max;
}

const char *may_be_anything(const char *s)
{
	(void)s;
	return NULL;
}

const char *must_not_be_empty(const char *s)
{
	return *s ? NULL : "must not be empty";
}

const char *must_be_object_name(const char *s)
{
	if (strchr(s, '/'))
		return "must not contain '/'";
	if (strchr(s, '\n'))
		return "must not contain a newline";
	return must_not_be_empty(s);
}

const char *must_be_volume_name(const char *s)
{
	if (strcmp(s, ".") == 0 || strcmp(s, "..") == 0)
		return "must not be '.' or '..'";
	return strchr(s, '/') ? "must not contain '/'" : must_not_be_empty(s);
}

const char *must_be_uuid(const char *s)
{
	static const char words[] = "must be 32 hexadecimal digits, plain or as 8-4-4-4-12";
	static const unsigned char groups[] = { 8, 4, 4, 4, 12 };

	if (is_all(s, HEX))
		return strlen(s) == 32 ? NULL : words;
	for (size_t i = 0; i < sizeof groups; i++) {
		if (i && *s++ != '-')
			return words;
		if (strspn(s, HEX) != groups[i])
			return words;
		s += groups[i];
	}
	return *s ? words : NULL;
}

const char *must_be_unsigned_long(const char *s)
{
	uint64_t v;

	return is_number(s, DIGITS, UINT64_MAX, &v) ? NULL : "must be a number without a sign";
}

const char *must_be_unsigned_int(const char *s)
{
	uint64_t v;

	return is_number(s, DIGITS, UINT32_MAX, &v) ? NULL : "must be a number below 4294967296";
}

const char *must_be_positive_int(const char *s)
{
	uint64_t v;

	return is_number(s, DIGITS, UINT64_MAX, &v) && v ? NULL : "must be a number above 0";
}

/* Letters in any case, whatever the locale thinks of them. */
static bool is_word(const char *s, const char *lower)
{
	for (; *lower; s++, lower++)
		if ((*s | 0x20) != *lower)
			return false;
	return !*s;
}

const char *must_be_size_unit(const char *s)
{
	if (is_word(s, "b") || is_word(s, "byte") || is_word(s, "bytes"))
		return NULL;
	if (*s && strchr("kKmMgGtTpPeE", *s) &&
	    (!s[1] || is_word(s + 1, "b") || is_word(s + 1, "ib")))
		return NULL;
	return "must be a unit as bytes, K, KB or KiB";
}

const char *must_be_octal_mode(const char *s)
{
	uint64_t v;

	return is_number(s, "01234567", UINT32_MAX, &v) ? NULL : "must be an octal number";
}

const char *must_be_owner_id(const char *s)
{
	uint64_t v;

	return strcmp(s, "-1") == 0 || is_number(s, DIGITS, UINT32_MAX, &v) ? NULL :
	       "must be a number, or -1";
}

static bool has_newline(const char *s)
{
	return strpbrk(s, "\r\n");
}

const char *must_be_absolute_path(const char *s)
{
	return s[0] == '/' && s[1] && !has_newline(s) ? NULL :
	       "must be an absolute path of more than '/'";
}

const char *must_be_absolute_dir(const char *s)
{
	return s[0] == '/' && !has_newline(s) ? NULL : "must be an absolute path";
}

const char *must_be_iqn(const char *s)
{
	static const char words[] = "must be an IQN as iqn.2020-01.org.example:name";
	unsigned month;
	size_t n;

	if (strncmp(s, "iqn.", 4) != 0 || strspn(s + 4, DIGITS) != 4 || s[8] != '-' ||
	    strspn(s + 9, DIGITS) != 2 || s[11] != '.')
		return words;
	month = (unsigned)((s[9] - '0') * 10 + (s[10] - '0'));
	n = strspn(s + 12, LETTERS DIGITS ".-");
	if (month < 1 || month > 12 || !n)
		return words;
	s += 12 + n;
	return !*s || (*s == ':' && s[1] && !has_newline(s)) ? NULL : words;
}

const char *must_be_device_path(const char *s)
{
	return !must_be_absolute_path(s) || !must_be_iqn(s) ||
	       is_all(s, LETTERS DIGITS "_+-") ? NULL :
	       "must be an absolute path, a name of letters and digits, or an IQN";
}

const char *must_be_host_name(const char *s)
{
	struct in6_addr address;

	return is_all(s, LETTERS DIGITS ".-") || inet_pton(AF_INET6, s, &address) == 1 ? NULL :
	       "must be a host name or an IP address";
}

const char *must_be_port_number(const char *s)
{
	uint64_t v;

	return is_number(s, DIGITS, 65535, &v) && v ? NULL : "must be a number from 1 to 65535";
}

static const char *skip_0x(const char *s)
{
	return strncmp(s, "0x", 2) == 0 ? s + 2 : s;
}

/* Hexadecimal digits, with or without 0x. */
static bool is_hex(const char *s, size_t min, size_t max)
{
	s = skip_0x(s);
	return is_all(s, HEX) && strlen(s) >= min && strlen(s) <= max;
}

const char *must_be_wwn(const char *s)
{
	return is_hex(s, 16, 16) ? NULL : "must be 16 hexadecimal digits";
}

const char *must_be_pci_domain(const char *s)
{
	uint64_t v;

	return is_hex(s, 1, 8) || is_number(s, DIGITS, UINT32_MAX, &v) ? NULL :
	       "must be a number up to 0xffffffff";
}

const char *must_be_pci_bus(const char *s)
{
	uint64_t v;

	return (skip_0x(s) != s && is_hex(s, 1, 2)) || is_number(s, DIGITS, 255, &v) ?
	       NULL : "must be a number up to 0xff";
}

const char *must_be_pci_slot(const char *s)
{
	const char *hex = skip_0x(s);
	uint64_t v;

	if (is_all(hex, HEX) && (!hex[1] || (!hex[2] && (*hex == '0' || *hex == '1'))))
		return NULL;
	return is_number(s, DIGITS, 31, &v) ? NULL : "must be a number up to 0x1f";
}

const char *must_be_pci_function(const char *s)
{
	const char *digit = skip_0x(s);

	return *digit >= '0' && *digit <= '7' && !digit[1] ? NULL : "must be a number up to 7";
}

const char *must_be_version(const char *s)
{
	size_t major = strspn(s, DIGITS);

	return major && s[major] == '.' && is_all(s + major + 1, DIGITS) ? NULL :
	       "must be two numbers with a dot between them";
}

const char *must_be_timestamp(const char *s)
{
	size_t n = strspn(s, DIGITS), fraction;

	if (n && !s[n])
		return NULL;
	fraction = n && s[n] == '.' ? strspn(s + n + 1, DIGITS) : 10;
	return fraction < 10 && !s[n + 1 + fraction] ? NULL :
	       "must be seconds, with up to 9 digits after the dot";
}
