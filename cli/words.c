/* words.c - see words.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/words.h"

#include <string.h>

#include "core/base/mem.h"
#include "core/base/text.h"

static bool ends_word(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == ';';
}

/* One word from its first character on; NULL is fine, else what is wrong. */
static const char *read_word(struct words *w, struct text *out)
{
	const char *p = w->line;
	char quote = '\0';

	for (; *p && (quote || !ends_word(*p)); p++) {
		if (*p == '\\' && quote != '\'') {
			if (!p[1]) {
				if (w->unfinished)
					break;
				return "dangling \\";
			}
			if (*++p == '\n')	/* the line goes on */
				continue;
		} else if ((*p == '\'' || *p == '"') && (!quote || quote == *p)) {
			quote = quote ? '\0' : *p;
			continue;
		}
		text_add_n(out, p, 1);
	}
	w->line = p;
	return quote == '"' && !w->unfinished ? "missing \"" : NULL;
}

static enum word_kind from_line(struct words *w, char **ret, const char **ret_why)
{
	struct text word = { 0 };

	w->line += strspn(w->line, " \t");
	if (*w->line == '#')
		w->line += strcspn(w->line, "\n");
	if (!*w->line)
		return WORD_END;
	if (ends_word(*w->line)) {
		w->line++;
		return WORD_END_COMMAND;
	}
	*ret_why = read_word(w, &word);
	if (*ret_why) {
		text_done(&word);
		return WORD_BROKEN;
	}
	*ret = text_steal(&word);
	return WORD;
}

enum word_kind words_next(struct words *w, char **ret, const char **ret_why)
{
	if (w->line)
		return from_line(w, ret, ret_why);
	if (!*w->argv)
		return WORD_END;
	*ret = mem_dup(*w->argv++);
	return WORD;
}

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *p = c ? strchr(digits, c) : NULL;

	return p ? (int)(p - digits) : -1;
}

bool is_escape(const char *s, unsigned char *ret)
{
	int high, low;

	if (s[0] != '\\' || s[1] != 'x')
		return false;
	high = hex_digit(s[2]);
	low = high < 0 ? -1 : hex_digit(s[3]);
	*ret = (unsigned char)(high * 16 + low);
	return low >= 0 && *ret;
}

char *unescape(const char *s)
{
	struct text out = { 0 };
	bool found = false;

	for (; *s; s++) {
		unsigned char byte;
		bool escaped = is_escape(s, &byte);

		text_add_n(&out, escaped ? (const char *)&byte : s, 1);
		found = found || escaped;
		s += escaped ? 3 : 0;
	}
	if (found)
		return text_steal(&out);
	text_done(&out);
	return NULL;
}

char *shell_word(const char *s)
{
	static const char special[] = " \t\r\n!\"#$&'()*;<>?[\\]^`{|}~";
	struct text out = { 0 };

	if (*s && !strpbrk(s, special))
		return mem_dup(s);
	text_add(&out, "'");
	for (; *s; s++) {
		if (*s == '\'')
			text_add(&out, "'\\''");
		else
			text_add_n(&out, s, 1);
	}
	text_add(&out, "'");
	return text_steal(&out);
}
