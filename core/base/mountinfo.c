/* mountinfo.c - see mountinfo.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/base/mountinfo.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define TABLE "/proc/self/mountinfo"

/* A backslash and three digits. */
static bool is_escape(const char *s)
{
	return *s == '\\' && strspn(s + 1, "01234567") >= 3;
}

char *mountinfo_unescape(char *s)
{
	char *to = strchr(s, '\\');

	if (!to)
		return s;
	for (const char *from = to; *from; to++) {
		if (is_escape(from)) {
			*to = (char)((from[1] - '0') << 6 | (from[2] - '0') << 3 | (from[3] - '0'));
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
	return s;
}

int mountinfo_open(struct mountinfo *ret, struct bp_error *err)
{
	char *text = sysfs_read(AT_FDCWD, TABLE);

	if (!text)
		return bp_fail(err, BP_INTERNAL, "cannot read " TABLE "; is /proc mounted?");
	*ret = (struct mountinfo){ text, text };
	return 0;
}

void mountinfo_done(struct mountinfo *m)
{
	free(m->text);
	*m = (struct mountinfo){ 0 };
}

static const char *word(char **rest)
{
	char *w = strsep(rest, " ");

	return w ? mountinfo_unescape(w) : "";
}

/* 36 35 98:0 /root /mnt/point rw,noatime shared:1 - ext4 /dev/sda1 rw */
bool mountinfo_next(struct mountinfo *m, struct mount *ret)
{
	char *line, *tail;
	unsigned ma, mi;
	int at;

	while ((line = strsep(&m->rest, "\n"))) {
		if (sscanf(line, "%*d %*d %u:%u %n", &ma, &mi, &at) != 2)
			continue;
		tail = strstr(line + at, " - ");
		if (!tail)
			continue;
		tail += strlen(" - ");
		line += at;
		ret->dev = makedev(ma, mi);
		ret->root = word(&line);
		ret->point = word(&line);
		ret->type = word(&tail);
		ret->source = word(&tail);
		ret->options = word(&tail);
		return true;
	}
	return false;
}

dev_t mount_device(const struct mount *m)
{
	struct stat st;

	if (*m->source == '/' && stat(m->source, &st) == 0 && S_ISBLK(st.st_mode))
		return st.st_rdev;
	return m->dev;
}

/* File systems that may have several devices have a number of their own. */
bool mount_is_of(const struct mount *m, const struct device_parts *d)
{
	return device_parts_have(d, m->dev) || device_parts_have(d, mount_device(m));
}
