/* text.h - a string that grows, and checks on strings from outside. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_BASE_TEXT_H
#define BP_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
	char *s;		/* NUL-terminated, or NULL while empty */
	size_t len, cap;
};

void text_add(struct text *t, const char *s);
void text_add_n(struct text *t, const char *s, size_t len);
void text_addf(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
char *text_steal(struct text *t);	/* never NULL; the caller frees */
void text_done(struct text *t);

/* The whole of s is a number in this base, without a sign (spaces before it
 * and one '+' are let through, as strtoull does). */
bool parse_number(const char *s, int base, uint64_t *ret);

/* The same for a prefix of s; *ret_end is what follows the digits. */
bool parse_number_prefix(const char *s, int base, uint64_t *ret, const char **ret_end);

/* How many bytes the UTF-8 character at s has; 0 if it is none. */
size_t utf8_len(const char *s);

bool is_utf8(const char *s);
bool has_control_chars(const char *s);
bool starts_with(const char *s, const char *prefix);
bool ends_with(const char *s, const char *suffix);

#endif
