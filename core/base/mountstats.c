/* mountstats.c - see mountstats.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/base/mountstats.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/mountinfo.h"
#include "core/base/text.h"

#define LIMIT (16u << 20)	/* bytes of the table, at the most */

/* "xprt: tcp ...": at which number replies are counted. */
static const struct transport {
	const char *name;
	unsigned at;
} transports[] = {
	{ "tcp", 7 }, { "rdma", 7 }, { "local", 6 }, { "udp", 4 }, { NULL, 0 }
};

/* line: behind "xprt:". */
static uint64_t replies_of(char *line)
{
	char *save = NULL, *name = strtok_r(line, " \t", &save), *word = name;
	const struct transport *t = transports;
	uint64_t n;

	while (name && t->name && strcmp(t->name, name) != 0)
		t++;
	if (!name || !t->name)
		return 0;
	for (unsigned i = 0; word && i < t->at; i++)
		word = strtok_r(NULL, " \t", &save);
	return word && parse_number(word, 10, &n) ? n : 0;
}

/* "device HOST:DIR mounted on POINT with fstype nfs4 ..."; blanks in names are escaped. */
static bool is_mount_of(char *line, const char *target)
{
	char *at = strstr(line, " mounted on "), *end;

	if (!at || !(end = strstr(at, " with fstype nfs")))
		return false;
	*end = '\0';
	return strcmp(mountinfo_unescape(at + strlen(" mounted on ")), target) == 0;
}

/* Of two mounts on one place the later one is seen. */
bool mountstats_find(char *text, const char *target, uint64_t *ret)
{
	bool found = false, here = false;
	char *save = NULL;

	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		if (starts_with(l, "device ")) {
			here = is_mount_of(l, target);
			if (here)
				*ret = 0;
			found |= here;
		} else if (here && starts_with(l, "\txprt:")) {
			*ret += replies_of(l + strlen("\txprt:"));
		}
	}
	return found;
}

bool mountstats_replies(const char *target, uint64_t *ret)
{
	struct bp_error ignored = { 0 };
	auto_free char *text = NULL;
	size_t len;

	return file_read(AT_FDCWD, "/proc/self/mountstats", LIMIT, &text, &len, &ignored) == 0 &&
	       mountstats_find(text, target, ret);
}
