/* logical_settings.c - LVM's settings, as far as they can be told without LVM: what its files
 * say, line by line.  What is not plain is left open, and taken for the worse.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <ctype.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "backends/logical_lvm.h"
#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/mem.h"

#define SETTINGS_MAX (64u << 20)

const char *lvm_settings_dir(void)
{
	const char *dir = getenv("LVM_SYSTEM_DIR");	/* as LVM asks for it */

	return dir && *dir ? dir : "/etc/lvm";
}

/* Is what is here in text in a comment? */
static bool is_comment(const char *text, const char *at)
{
	while (at > text && at[-1] != '\n' && at[-1] != '#')
		at--;
	return at > text && at[-1] == '#';
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* "key = value", or one that begins or ends otherwise, and so is another. */
static bool sets(const char *text, const char *at, const char *key, const char *value)
{
	const char *rest = at + strlen(key);

	if ((at > text && is_word(at[-1])) || is_word(*rest))
		return true;
	rest += strspn(rest, " \t");
	if (*rest++ != '=')
		return false;
	rest += strspn(rest, " \t");
	return starts_with(rest, value) && !is_word(rest[strlen(value)]);
}

/* What the lines that count say of a word: whether one has it, and whether one does not
 * set it to this. */
struct said {
	const char *word, *value;
	bool mentioned, otherwise;
};

static void look_at(const char *text, struct said *said)
{
	for (const char *at = text; (at = strstr(at, said->word)); at++) {
		if (is_comment(text, at))
			continue;
		said->mentioned = true;
		if (!said->value || !sets(text, at, said->word, said->value))
			said->otherwise = true;
	}
}

static void look(struct said *said, size_t n)
{
	cleanup(closedirp) DIR *d = opendir(lvm_settings_dir());
	struct dirent *e;

	while (d && (e = readdir(d))) {
		struct bp_error ignored = { 0 };
		auto_free char *text = NULL;
		size_t len;

		if (!ends_with(e->d_name, ".conf"))
			continue;
		(void)file_read(dirfd(d), e->d_name, SETTINGS_MAX, &text, &len, &ignored);
		for (size_t i = 0; i < n; i++)
			if (text)
				look_at(text, &said[i]);
			else
				said[i].mentioned = said[i].otherwise = true;
	}
}

bool lvm_mentions(const char *word)
{
	struct said said = { .word = word };

	look(&said, 1);
	return said.mentioned;
}

bool lvm_is_told(const struct lvm_setting *all, size_t n)
{
	auto_free struct said *said = mem_alloc((n + 1) * sizeof *said);
	bool so = true;

	for (size_t i = 0; i < n; i++)
		said[i] = (struct said){ .word = all[i].key, .value = all[i].value };
	look(said, n);
	for (size_t i = 0; i < n; i++)
		so = so && (said[i].mentioned ? !said[i].otherwise : all[i].is_default);
	return so;
}
