/* mpath_status.c - see mpath.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backends/mpath.h"

#include <string.h>

struct words {
	const char *at;
};

/* The next word; false: no more. */
static bool word(struct words *w, const char **ret, size_t *ret_len)
{
	w->at += strspn(w->at, " ");
	*ret = w->at;
	*ret_len = strcspn(w->at, " ");
	w->at += *ret_len;
	return *ret_len;
}

static bool number(struct words *w, uint64_t *ret)
{
	const char *end;

	w->at += strspn(w->at, " ");
	if (*w->at < '0' || *w->at > '9' || !parse_number_prefix(w->at, 10, ret, &end))
		return false;
	w->at = end;
	return *end == ' ' || !*end;
}

static bool skip(struct words *w, uint64_t n)
{
	const char *s;
	size_t len;

	while (n--)
		if (!word(w, &s, &len))
			return false;
	return true;
}

/* "2 a b": how many, and then those. */
static bool skip_counted(struct words *w)
{
	uint64_t n;

	return number(w, &n) && skip(w, n);
}

/* "8:16 A 0", and as many words more. */
static bool read_path(struct words *w, uint64_t more, struct mpath_paths *ret)
{
	const char *dev, *state;
	size_t len, state_len;

	if (!word(w, &dev, &len) || !word(w, &state, &state_len) || !skip(w, 1) || !skip(w, more))
		return false;
	ret->n++;
	if (*state == 'A')
		return true;
	ret->failed++;
	if (ret->lost.len)
		text_add(&ret->lost, " ");
	text_add_n(&ret->lost, dev, len);
	return true;
}

/* "A 0 2 1", and two paths with a word more each. */
static bool read_group(struct words *w, struct mpath_paths *ret)
{
	uint64_t n, more;

	if (!skip(w, 1) || !skip_counted(w) || !number(w, &n) || !number(w, &more))
		return false;
	while (n--)
		if (!read_path(w, more, ret))
			return false;
	return true;
}

/* Features, the hardware's handler, then groups: their number, which is next, themselves. */
bool mpath_status(const char *words, struct mpath_paths *ret)
{
	struct words w = { words };
	uint64_t groups;

	for (int i = 0; i < 2; i++)
		if (!skip_counted(&w))
			return false;
	if (!number(&w, &groups) || !skip(&w, 1))
		return false;
	while (groups--)
		if (!read_group(&w, ret))
			return false;
	return true;
}
