/* state.c - see state.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/store.h"
#include "xml/xml.h"

static int fd_of(struct bp_store *s, enum state_dir d)
{
	return d == STATE_CONFIG ? s->config_fd : s->run_fd;
}

static const char *path_of(struct bp_store *s, enum state_dir d)
{
	return d == STATE_CONFIG ? s->config_dir : s->run_dir;
}

static const char *file_of(const char *pool, char buf[static NAME_MAX + 1])
{
	snprintf(buf, NAME_MAX + 1, "%.*s.xml", POOL_NAME_MAX, pool);
	return buf;
}

bool state_has(struct bp_store *s, enum state_dir d, const char *pool)
{
	char file[NAME_MAX + 1];

	/* A name that is no file's cannot be a pool's. */
	if (fd_of(s, d) < 0 || strlen(pool) > POOL_NAME_MAX || strchr(pool, '/'))
		return false;
	return faccessat(fd_of(s, d), file_of(pool, file), F_OK, AT_SYMLINK_NOFOLLOW) == 0 ||
	       (errno != ENOENT && errno != ENOTDIR);
}

int state_load(struct bp_store *s, enum state_dir d, const char *pool,
	       struct bp_pool_def **ret, struct bp_error *err)
{
	cleanup(bp_pool_def_freep) struct bp_pool_def *def = NULL;
	char file[NAME_MAX + 1];
	auto_free char *path = mem_printf("%s/%s", path_of(s, d), file_of(pool, file));
	auto_free char *text = NULL;
	struct stat st;
	size_t len;

	/* to open a FIFO would be to wait for it */
	if (fstatat(fd_of(s, d), file, &st, 0) == 0 && !S_ISREG(st.st_mode))
		return bp_fail(err, BP_WRONG_STATE, "'%s' is not a file", path);
	if (file_read(fd_of(s, d), file, BP_XML_MAX, &text, &len, err) < 0)
		return bp_within(err, "directory '%s'", path_of(s, d));
	if (bp_xml_parse_pool(text, len, path, d == STATE_RUN ? BP_XML_STATE : 0, &def, err) < 0)
		return -1;
	if (strcmp(def->name, pool) != 0)
		return bp_fail(err, d == STATE_RUN ? BP_INTERNAL : BP_XML,
			       "Storage pool %s filename '%s' does not match pool name '%s'",
			       d == STATE_RUN ? "state" : "config", path, def->name);
	*ret = steal(def);
	return 0;
}

int state_save(struct bp_store *s, enum state_dir d, const struct bp_pool_def *def,
	       struct bp_error *err)
{
	char file[NAME_MAX + 1];
	struct bp_pool_def kept = *def;		/* sizes are not a thing to keep */
	auto_free char *text = NULL;

	kept.space = (struct bp_pool_space){ 0 };
	text = bp_xml_format_pool(&kept, BP_XML_COMMENT | (d == STATE_RUN ? BP_XML_STATE : 0));
	if (file_replace(fd_of(s, d), file_of(def->name, file), text, strlen(text), 0600, err) < 0)
		return bp_within(err, "directory '%s'", path_of(s, d));
	return 0;
}

int state_remove(struct bp_store *s, enum state_dir d, const char *pool, struct bp_error *err)
{
	char file[NAME_MAX + 1];

	if (file_remove(fd_of(s, d), file_of(pool, file), err) < 0)
		return bp_within(err, "directory '%s'", path_of(s, d));
	return 0;
}

static const char *link_of(const char *pool, char buf[static PATH_MAX])
{
	snprintf(buf, PATH_MAX, "autostart/%.*s.xml", POOL_NAME_MAX, pool);
	return buf;
}

/* Under another root the link leads astray from here, but not from there; and
 * libvirt takes any link that leads to the file. */
int state_mark(struct bp_store *s, const char *pool)
{
	char file[NAME_MAX + 1], link[PATH_MAX], target[PATH_MAX], want[PATH_MAX];
	struct stat there, here;
	ssize_t n;

	if (s->config_fd < 0)
		return 0;
	n = readlinkat(s->config_fd, link_of(pool, link), target, sizeof target - 1);
	if (n < 0)	/* EINVAL: something else lies there */
		return errno == ENOENT || errno == ENOTDIR || errno == EINVAL ? 0 : -1;
	target[n] = '\0';
	snprintf(want, sizeof want, "%s/%s", s->config_link, file_of(pool, file));
	if (strcmp(target, want) == 0)
		return 1;
	return strcmp(s->config_link, s->config_dir) == 0 &&
	       fstatat(s->config_fd, link, &there, 0) == 0 &&
	       fstatat(s->config_fd, file, &here, 0) == 0 &&
	       there.st_dev == here.st_dev && there.st_ino == here.st_ino;
}

bool state_autostart(struct bp_store *s, const char *pool)
{
	return state_mark(s, pool) > 0;
}

static int set_mark(struct bp_store *s, const char *pool, const char *link, struct bp_error *err)
{
	char file[NAME_MAX + 1];
	auto_free char *target = mem_printf("%s/%s", s->config_link, file_of(pool, file));
	int sys;

	if ((mkdirat(s->config_fd, "autostart", 0755) < 0 && errno != EEXIST) ||
	    retry(fsync(s->config_fd)) < 0)
		return bp_fail_sys(err, errno, "cannot create autostart directory '%s/autostart'",
				   s->config_dir);
	/* what lies in the place is no mark of this pool, or it would be on */
	(void)unlinkat(s->config_fd, link, 0);
	if (symlinkat(target, s->config_fd, link) == 0)
		return 0;
	sys = errno;
	return state_autostart(s, pool) ? 0 :
	       bp_fail_sys(err, sys, "Failed to create symlink '%s/%s' to '%s'", s->config_dir,
			   link, target);
}

static int take_mark(struct bp_store *s, const char *link, struct bp_error *err)
{
	if (unlinkat(s->config_fd, link, 0) == 0 || errno == ENOENT)
		return 0;
	return bp_fail_sys(err, errno, "Failed to delete symlink '%s/%s'", s->config_dir, link);
}

/* Also where nothing had to be changed: whoever did may have been killed before this. */
static int sync_marks(struct bp_store *s, const char *pool, struct bp_error *err)
{
	auto_close int dir = openat(s->config_fd, "autostart",
				    O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0 ? errno == ENOENT : retry(fsync(dir)) == 0 || errno == EINVAL)
		return 0;
	bp_fail_sys(err, errno, "cannot sync directory '%s/autostart' with the mark of pool '%s'",
		    s->config_dir, pool);
	return may_not_last(err);
}

int state_set_autostart(struct bp_store *s, const char *pool, bool on, struct bp_error *err)
{
	char link[PATH_MAX];

	link_of(pool, link);
	/* without the pool, whose mark it was cannot be seen any more */
	if ((state_mark(s, pool) != (on ? 1 : 0) || !state_has(s, STATE_CONFIG, pool)) &&
	    (on ? set_mark(s, pool, link, err) : take_mark(s, link, err)) < 0)
		return -1;
	return sync_marks(s, pool, err);
}

static int add_names(int dirfd, char ***names, size_t *n, struct bp_error *err)
{
	auto_close int fd = retry(openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	cleanup(closedirp) DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!d)
		return bp_fail_sys(err, errno, "cannot read the directory of pools");
	(void)steal_fd(fd);
	while ((errno = 0, e = readdir(d)))
		if (ends_with(e->d_name, ".xml") && strlen(e->d_name) > 4)
			*array_add(*names, *n) = mem_dup_n(e->d_name, strlen(e->d_name) - 4);
	if (errno)
		return bp_fail_sys(err, errno, "cannot read the directory of pools");
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static size_t drop_twins(char **names, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		if (kept && strcmp(names[kept - 1], names[i]) == 0)
			free(names[i]);
		else
			names[kept++] = names[i];
	}
	return kept;
}

int state_names(struct bp_store *s, char ***ret, size_t *ret_n, struct bp_error *err)
{
	char **names = NULL;
	size_t n = 0;

	if ((s->config_fd >= 0 && add_names(s->config_fd, &names, &n, err) < 0) ||
	    (s->run_fd >= 0 && add_names(s->run_fd, &names, &n, err) < 0)) {
		state_names_free(names, n);
		return -1;
	}
	if (n)
		qsort(names, n, sizeof *names, by_name);
	*ret_n = drop_twins(names, n);
	*ret = names;
	return 0;
}

void state_names_free(char **names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(names[i]);
	free(names);
}

void state_signal(struct bp_store *s, const char *pool, const char *signal)
{
	char file[NAME_MAX + 1];
	int fd;

	snprintf(file, sizeof file, "%.*s%s", POOL_NAME_MAX, pool, signal);
	fd = retry(openat(s->run_fd, file, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
	if (fd < 0)
		return;
	close(fd);	/* this is what watchers see */
	(void)unlinkat(s->run_fd, file, 0);
}
