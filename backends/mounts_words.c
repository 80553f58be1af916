/* mounts_words.c - the options of a mount: words, and the kernel's flags among them. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "backends/mounts.h"
#include "core/base/mem.h"
#include "core/base/text.h"

/* Those that are the kernel's for every file system. */
static const struct flag {
	const char *word;
	unsigned long set, clear;
} flags[] = {
	{ "defaults", 0, 0 },
	{ "ro", MS_RDONLY, 0 },		{ "rw", 0, MS_RDONLY },
	{ "nosuid", MS_NOSUID, 0 },	{ "suid", 0, MS_NOSUID },
	{ "nodev", MS_NODEV, 0 },	{ "dev", 0, MS_NODEV },
	{ "noexec", MS_NOEXEC, 0 },	{ "exec", 0, MS_NOEXEC },
	{ "sync", MS_SYNCHRONOUS, 0 },	{ "async", 0, MS_SYNCHRONOUS },
	{ "dirsync", MS_DIRSYNC, 0 },
	{ "noatime", MS_NOATIME, 0 },	{ "atime", 0, MS_NOATIME },
	{ "nodiratime", MS_NODIRATIME, 0 }, { "diratime", 0, MS_NODIRATIME },
	{ "relatime", MS_RELATIME, 0 },	{ "norelatime", 0, MS_RELATIME },
	{ "strictatime", MS_STRICTATIME, 0 }, { "nostrictatime", 0, MS_STRICTATIME },
	{ "lazytime", MS_LAZYTIME, 0 },	{ "nolazytime", 0, MS_LAZYTIME },
};

/* A comma between quotes does not end a word: context="...:c1,c2". */
static size_t option_len(const char *s)
{
	bool quoted = false;
	size_t n = 0;

	for (; s[n] && (quoted || s[n] != ','); n++)
		quoted ^= s[n] == '"';
	return n;
}

static const struct flag *flag_of(const char *word, size_t len)
{
	for (size_t i = 0; i < array_size(flags); i++)
		if (strlen(flags[i].word) == len && memcmp(flags[i].word, word, len) == 0)
			return &flags[i];
	return NULL;
}

bool mounts_flags(const char *options, unsigned long *ret)
{
	bool all = true;

	*ret = 0;
	while (*options) {
		size_t len = option_len(options);
		const struct flag *f = flag_of(options, len);

		if (f)
			*ret = (*ret & ~f->clear) | f->set;
		else if (len)
			all = false;
		options += len + (options[len] == ',');
	}
	return all;
}

bool mounts_is_flag(const char *option)
{
	return flag_of(option, strlen(option));
}

bool mounts_read_only(const char *options)
{
	unsigned long said;

	(void)mounts_flags(options, &said);
	return said & MS_RDONLY;
}

char *mounts_option(const char *options, const char *name)
{
	size_t want = strlen(name);
	char *value = NULL;

	while (*options) {
		size_t len = option_len(options);

		if (len > want && options[want] == '=' && starts_with(options, name)) {
			free(value);
			value = mem_dup_n(options + want + 1, len - want - 1);
		}
		options += len + (options[len] == ',');
	}
	return value;
}

char *mounts_more_options(const char *options, unsigned long *ret_flags)
{
	struct text more = { 0 };

	(void)mounts_flags(options, ret_flags);
	while (*options) {
		size_t len = option_len(options);

		if (len && !flag_of(options, len)) {
			text_add(&more, more.len ? "," : "");
			text_add_n(&more, options, len);
		}
		options += len + (options[len] == ',');
	}
	return text_steal(&more);
}
