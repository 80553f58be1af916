/* mounts_options.c - which option it is that the kernel does not take, in its own words.
 *
 * A mount that is refused gets one number for everything that can be wrong.  A file
 * system that is only about to be mounted (fsopen(2)) takes or refuses options one by
 * one, and what the kernel has to say then can be read.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "backends/mounts.h"
#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/text.h"

/* Of linux/mount.h, which does not go together with sys/mount.h. */
enum { SET_FLAG = 0, SET_STRING = 1 };

/* The last of its messages: "e ext4: Unknown parameter 'x'", an error. */
static char *last_words(int fs)
{
	char line[256], words[sizeof line] = "";
	ssize_t n;

	while ((n = retry(read(fs, line, sizeof line - 1))) > 0) {
		line[n] = '\0';
		line[strcspn(line, "\n")] = '\0';
		if (n > 2 && line[1] == ' ')
			memcpy(words, line + 2, (size_t)n - 1);
	}
	return *words ? mem_dup(words) : NULL;
}

/* Those that are for mount(8), and that the kernel never sees. */
static bool is_for_programs(const char *option)
{
	static const char *const words[] = {
		"auto", "noauto", "nofail", "user", "nouser", "users", "nousers", "owner",
		"noowner", "group", "nogroup", "_netdev",
	};

	for (size_t i = 0; i < array_size(words); i++)
		if (strcmp(option, words[i]) == 0)
			return true;
	return starts_with(option, "x-") || starts_with(option, "X-") ||
	       starts_with(option, "comment=");
}

char *mounts_bad_option(const char *type, const char *option)
{
	bool known = mounts_is_flag(option) || is_for_programs(option);
	auto_close int fs = known ? -1 : (int)syscall(SYS_fsopen, type, 1u);
	auto_free char *word = mem_dup(option);
	char *value = strchr(word, '=');

	if (value)
		*value++ = '\0';
	if (fs < 0 || syscall(SYS_fsconfig, fs, value ? SET_STRING : SET_FLAG, word, value, 0) == 0)
		return NULL;
	return last_words(fs);
}
