/* access.c - see access.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/base/access.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"

#define MAX_LINKS 8	/* followed to find a directory behind them */

static __attribute__((format(printf, 2, 3))) void add(struct bp_error *err, const char *fmt, ...)
{
	size_t n = strlen(err->text);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err->text + n, sizeof err->text - n, fmt, ap);
	va_end(ap);
}

/* The directory a path is in; the caller frees. */
static char *parent_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return mem_dup(".");
	return slash == path ? mem_dup("/") : mem_dup_n(path, (size_t)(slash - path));
}

/* To look up "." in a directory takes the right to search it, and no other. */
static bool lets_in(const char *dir, int *ret_sys)
{
	auto_free char *dot = mem_printf("%s/.", dir);
	struct stat st;

	*ret_sys = stat(dot, &st) < 0 ? errno : 0;
	return !*ret_sys;
}

/* The first directory on the way to path that cannot be entered, for the
 * caller to free; NULL if all can, or if there is something else to it. */
static char *find_closed(const char *path, unsigned links)
{
	const char *p = path + 1;
	int sys;

	for (; *path && (p = strchr(p, '/')); p++) {
		auto_free char *dir = mem_dup_n(path, (size_t)(p - path)), *beside = NULL;
		auto_free char *behind = NULL;
		char to[PATH_MAX + 1];
		struct stat st;
		ssize_t n;

		if (lets_in(dir, &sys))
			continue;
		if (sys != EACCES)
			return NULL;
		if (stat(dir, &st) == 0)
			return steal(dir);
		/* it is a link, and the directory is on the way to where it leads */
		n = links ? readlink(dir, to, sizeof to - 1) : -1;
		if (n < 0)
			return NULL;
		to[n] = '\0';
		beside = parent_of(dir);
		behind = *to == '/' ? mem_printf("%s/", to) : mem_printf("%s/%s/", beside, to);
		return find_closed(behind, links - 1);
	}
	return NULL;
}

static void blame(struct bp_error *err, const char *path, const char *how)
{
	struct stat st;

	if (stat(path, &st) == 0)
		add(err, ": %s '%s' (owner %u:%u, mode %04o) does not let uid %u %s",
		    S_ISDIR(st.st_mode) ? "directory" : "file", path, st.st_uid, st.st_gid,
		    st.st_mode & 07777, geteuid(), how);
}

/* Upwards as far as it is one file system and cannot be written. */
static void blame_mount(struct bp_error *err, const char *path)
{
	auto_free char *at = realpath(path, NULL);
	struct stat here, above;
	struct statvfs fs;

	if (!at || stat(at, &here) < 0)
		return;
	while (strcmp(at, "/") != 0) {
		auto_free char *up = parent_of(at);

		if (stat(up, &above) < 0 || above.st_dev != here.st_dev ||
		    statvfs(up, &fs) < 0 || !(fs.f_flag & ST_RDONLY))
			break;
		free(at);
		at = steal(up);
	}
	add(err, ": '%s' is mounted read-only", at);
}

int fail_access(struct bp_error *err, int sys, const char *path, enum access_want want,
		const char *fmt, ...)
{
	auto_free char *closed = NULL, *there = NULL;
	char text[sizeof err->text];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	bp_fail_sys(err, sys, "%s", text);
	if (sys != EACCES && sys != EROFS)
		return -1;
	there = want == ACCESS_NAME ? parent_of(path) : mem_dup(path);
	closed = sys == EACCES ? find_closed(path, MAX_LINKS) : NULL;
	if (sys == EROFS)
		blame_mount(err, there);
	else if (closed)
		blame(err, closed, "in");
	else
		blame(err, there, want == ACCESS_READ ? "read it" : "write to it");
	return -1;
}
