/* users.c - see users.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/base/users.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/text.h"

#define NAMED 3		/* of many users, so many are named */

struct wanted {
	dev_t dev;
	ino_t ino;
};

static bool is_it(int dirfd, const char *link, const struct wanted *w)
{
	struct stat st;

	return fstatat(dirfd, link, &st, 0) == 0 && st.st_dev == w->dev &&
	       (!w->ino || st.st_ino == w->ino);
}

static bool has_open(int process, const struct wanted *w)
{
	auto_close int fd = openat(process, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup(closedirp) DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!d)
		return false;
	(void)steal_fd(fd);
	while ((e = readdir(d)))
		if (*e->d_name != '.' && is_it(dirfd(d), e->d_name, w))
			return true;
	return false;
}

static bool uses(int process, const struct wanted *w)
{
	return is_it(process, "cwd", w) || is_it(process, "root", w) ||
	       is_it(process, "exe", w) || has_open(process, w);
}

static void add(struct text *t, const char *pid, int process)
{
	struct bp_error ignored = { 0 };
	auto_free char *name = NULL;
	size_t len = 0;

	if (file_read(process, "comm", 256, &name, &len, &ignored) == 0 && len)
		name[strcspn(name, "\n")] = '\0';
	text_addf(t, "%spid %s (%s)", t->len ? ", " : "", pid, name ? name : "?");
}

char *users_of(dev_t dev, ino_t ino)
{
	const struct wanted w = { dev, ino };
	cleanup(closedirp) DIR *d = opendir("/proc");
	struct text t = { 0 };
	struct dirent *e;
	unsigned n = 0;
	char *end;

	while (d && (e = readdir(d))) {
		auto_close int process = -1;
		long pid = strtol(e->d_name, &end, 10);

		if (*end || pid <= 0 || pid == getpid())
			continue;
		process = openat(dirfd(d), e->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (process >= 0 && uses(process, &w) && ++n <= NAMED)
			add(&t, e->d_name, process);
	}
	if (n > NAMED)
		text_addf(&t, " and %u more", n - NAMED);
	return n ? text_steal(&t) : NULL;
}
