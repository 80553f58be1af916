/* image_new.c - see image_new.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/image_new.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/access.h"
#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/in_use.h"
#include "core/base/mem.h"
#include "core/image_part.h"

#define NEW_MODE 0644		/* less the umask, as for QEMU's */
#define MAX_LINKS 40		/* as the kernel */

static int exchange(const struct image_new *n)
{
	return renameat2(AT_FDCWD, n->part, AT_FDCWD, n->path, RENAME_EXCHANGE);
}

/* The data file of an image that got no name. */
static void take_back(struct image_new *data)
{
	if (!data->named || data->device)
		return;
	if (data->kept)
		(void)exchange(data);
	else if (!data->old)
		(void)unlink(data->path);
}

static void data_done(struct image_new *n)
{
	if (!n->data)
		return;
	if (!n->named)
		take_back(n->data);
	n->io->data = NULL;		/* it is closed here */
	image_new_done(n->data);
	free(n->data);
}

void image_new_done(struct image_new *n)
{
	data_done(n);
	if (n->part)
		(void)unlink(n->part);
	io_close(n->io);
	io_close(n->old);
	free(n->part);
	free(n->path);
	*n = (struct image_new){ 0 };
}

static int cannot_create(const struct image_new *n, struct bp_error *err)
{
	return fail_access(err, errno, n->path, ACCESS_NAME, "Could not create '%s'", n->path);
}

/* ---- what is there --------------------------------------------------------------- */

static int fail_unless_bytes(const char *path, const struct stat *st, struct bp_error *err)
{
	if (S_ISREG(st->st_mode) || S_ISBLK(st->st_mode))
		return 0;
	return bp_fail(err, BP_INVALID, "'%s' is neither a file nor a block device", path);
}

static int open_old(const char *path, struct bp_io **ret, struct stat *st, struct bp_error *err)
{
	auto_close int fd = retry(open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));

	if (fd < 0)
		return fail_access(err, errno, path, ACCESS_WRITE, "cannot open '%s'", path);
	if (fstat(fd, st) < 0)
		return bp_fail_sys(err, errno, "cannot stat '%s'", path);
	if (fail_unless_bytes(path, st, err) < 0)
		return -1;
	*ret = io_of_fd(steal_fd(fd), path);
	return 0;
}

/* Where a link is to lead to; the path itself, if it is none. */
static char *behind_links(const char *path)
{
	char *at = mem_dup(path), to[PATH_MAX];
	ssize_t n;

	for (int i = 0; i < MAX_LINKS && (n = readlink(at, to, sizeof to)) > 0; i++) {
		const char *slash = strrchr(at, '/');
		int dir = *to != '/' && slash ? (int)(slash - at) + 1 : 0;
		char *next = mem_printf("%.*s%.*s", dir, at, (int)n, to);

		free(at);
		at = next;
	}
	return at;
}

/* What is there may have no name of its own, as a pipe that /dev/stdout leads to. */
static int look_at_old(struct image_new *n, const char *path, struct stat *st,
		       struct bp_error *err)
{
	char real[PATH_MAX];

	if (fail_unless_bytes(path, st, err) < 0)
		return -1;
	if (!realpath(path, real))
		return bp_fail_sys(err, errno, "'%s' cannot be replaced", path);
	n->path = mem_dup(real);
	if (open_old(n->path, &n->old, st, err) < 0 ||
	    in_use_claim(n->path, n->old, false, err) < 0)
		return -1;
	n->device = S_ISBLK(st->st_mode);
	return 1;
}

/* 1: there is something. */
static int look(struct image_new *n, const char *path, struct stat *st, struct bp_error *err)
{
	if (stat(path, st) == 0)
		return look_at_old(n, path, st, err);
	if (errno != ENOENT)
		return fail_access(err, errno, path, ACCESS_READ, "cannot stat '%s'", path);
	n->path = behind_links(path);
	return 0;
}

/* ---- the file -------------------------------------------------------------------- */

static int open_file(struct image_new *n, struct bp_error *err)
{
	auto_free char *dir = mem_dup(n->path);
	char *slash = strrchr(dir, '/');
	int fd;

	if (slash)
		slash[slash == dir] = '\0';
	fd = retry(open(slash ? dir : ".", O_TMPFILE | O_RDWR | O_CLOEXEC, NEW_MODE));
	if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL))
		fd = image_part_make(n->path, NEW_MODE, &n->part);
	if (fd < 0)
		return cannot_create(n, err);
	n->io = io_of_fd(fd, n->path);
	return 0;
}

/* Who may not give it away keeps it himself, as if he had written into the old one's copy. */
static int take_over(struct image_new *n, const struct stat *old, struct bp_error *err)
{
	if (fchown(n->io->fd, old->st_uid, old->st_gid) < 0 && errno != EPERM)
		return bp_fail_sys(err, errno, "cannot change the owner of '%s'", n->path);
	if (fchmod(n->io->fd, old->st_mode & 07777) < 0)
		return bp_fail_sys(err, errno, "cannot change the mode of '%s'", n->path);
	return 0;
}

int image_new_begin(const char *path, struct image_new *ret, struct bp_error *err)
{
	cleanup(image_new_done) struct image_new n = { 0 };
	struct stat st;
	int there = look(&n, path, &st, err);

	if (there < 0)
		return -1;
	if (!n.device)
		image_part_sweep(n.path);
	if (n.device) {
		n.io = steal(n.old);
	} else if (open_file(&n, err) < 0 || (there && take_over(&n, &st, err) < 0)) {
		return -1;
	}
	*ret = n;
	n = (struct image_new){ 0 };
	return 0;
}

/* In a directory that is there; the file itself need not be. */
static bool same_name(const char *one, const char *two)
{
	auto_free char *a = behind_links(one), *b = behind_links(two);
	const char *x = strrchr(a, '/'), *y = strrchr(b, '/');
	auto_free char *in_a = x ? mem_dup_n(a, (size_t)(x - a) + 1) : mem_dup(".");
	auto_free char *in_b = y ? mem_dup_n(b, (size_t)(y - b) + 1) : mem_dup(".");
	struct stat s, t;

	return strcmp(x ? x + 1 : a, y ? y + 1 : b) == 0 && stat(in_a, &s) == 0 &&
	       stat(in_b, &t) == 0 && s.st_dev == t.st_dev && s.st_ino == t.st_ino;
}

bool image_new_same(const char *a, const char *b)
{
	struct stat s, t;

	if (stat(a, &s) < 0 || stat(b, &t) < 0)
		return same_name(a, b);
	if (S_ISBLK(s.st_mode) && S_ISBLK(t.st_mode))
		return s.st_rdev == t.st_rdev;
	return s.st_dev == t.st_dev && s.st_ino == t.st_ino;
}

static bool is_in(const char *path, const struct bp_layer *l)
{
	for (size_t i = 0; i < l->parts.n; i++)
		if (l->parts.parts[i].io && image_new_same(path, l->parts.parts[i].io->name))
			return true;
	return image_new_same(path, l->name) ||
	       (l->data_name && image_new_same(path, l->data_name));
}

bool image_new_in_chain(const char *path, const struct bp_chain *chain)
{
	for (size_t i = 0; i < chain->n; i++)
		if (is_in(path, &chain->layers[i]))
			return true;
	return false;
}

int image_new_data(struct image_new *n, const char *path, struct bp_error *err)
{
	struct image_new data;

	if (image_new_same(n->path, path))
		return bp_fail(err, BP_INVALID, "'%s' cannot be the data file of itself", n->path);
	if (image_new_begin(path, &data, err) < 0)
		return bp_within(err, "data file of '%s'", n->path);
	n->data = mem_alloc(sizeof *n->data);
	*n->data = data;
	n->io->data = data.io;
	/* what a device looks like must not count any more */
	return data.device ? io_zero(data.io, 0, 512, err) : 0;
}

/* ---- published --------------------------------------------------------------------- */

/* What has its name goes at that instant; or is kept, where the file system can do that. */
static int replace(struct image_new *n, bool keep)
{
	if (!n->part && image_part_link(n->io->fd, n->path, &n->part) < 0)
		return -1;
	n->kept = keep && exchange(n) == 0;
	if (!n->kept && rename(n->part, n->path) < 0)
		return -1;
	image_part_done(n->io->fd);
	return 0;
}

static int publish(struct image_new *n, bool keep, struct bp_error *err)
{
	if (io_sync(n->io, err) < 0)
		return -1;
	n->named = n->device;
	if (n->device)
		return 0;
	if ((n->part || image_part_name(n->io->fd, n->path) < 0) &&
	    ((!n->part && errno != EEXIST) || replace(n, keep) < 0))
		return cannot_create(n, err);
	if (!n->kept)
		free(steal(n->part));
	n->named = true;
	return dir_sync_parent(n->path, err);
}

int image_new_publish(struct image_new *n, struct bp_error *err)
{
	if (n->data && publish(n->data, true, err) < 0)
		return -1;
	return publish(n, false, err);
}
