/* store.c - open and close a store: its two directories, and who owns them. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/access.h"
#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/sweep.h"

const char *bp_version(void)
{
	return BAREPOOL_VERSION;
}

/* $VAR, or $HOME and what the XDG rules put in its place. */
static char *xdg_dir(const char *var, const char *below_home, const char *rest)
{
	const char *dir = getenv(var), *home = getenv("HOME");

	if (dir && *dir == '/')
		return mem_printf("%s/%s", dir, rest);
	return home && *home ? mem_printf("%s/%s/%s", home, below_home, rest) : NULL;
}

static void default_dirs(bool session, char **ret_config, char **ret_run)
{
	if (!session) {
		*ret_config = mem_dup("/etc/libvirt/storage");
		*ret_run = mem_dup("/run/libvirt/storage");
		return;
	}
	*ret_config = xdg_dir("XDG_CONFIG_HOME", ".config", "libvirt/storage");
	*ret_run = xdg_dir("XDG_RUNTIME_DIR", ".cache", "libvirt/storage/run");
}

/* A link in the autostart folder has an absolute target. */
static int make_absolute(char **path, struct bp_error *err)
{
	auto_free char *cwd = NULL;
	char *abs;

	if (**path == '/')
		return 0;
	cwd = getcwd(NULL, 0);
	if (!cwd)
		return bp_fail_sys(err, errno, "cannot tell the current directory");
	abs = mem_printf("%s/%s", cwd, *path);
	free(*path);
	*path = abs;
	return 0;
}

static void put_root_before(char **path, const char *root)
{
	char *inside = *path;

	if (!root)
		return;
	*path = mem_printf("%s%s%s", ends_with(root, "/") ? "" : root, *inside == '/' ? "" : "/",
			   inside);
	free(inside);
}

int bp_store_open(const struct bp_store_paths *paths, struct bp_store **ret, struct bp_error *err)
{
	static const struct bp_store_paths none = { 0 };
	const struct bp_store_paths *p = paths ? paths : &none;
	cleanup(bp_store_closep) struct bp_store *s = mem_alloc(sizeof *s);
	unsigned known = BP_STORE_READONLY | BP_STORE_SESSION;

	s->config_fd = s->run_fd = -1;
	s->flags = p->flags;
	s->limit = p->timeout ? p->timeout : BP_TIMEOUT;
	if (refuse_flags(p->flags, known, "bp_store_open", err) < 0)
		return -1;
	default_dirs((p->flags & BP_STORE_SESSION) || geteuid() != 0, &s->config_dir, &s->run_dir);
	if (p->config)
		mem_set(&s->config_dir, p->config);
	if (p->run)
		mem_set(&s->run_dir, p->run);
	if (!s->config_dir || !s->run_dir)
		return bp_fail(err, BP_INTERNAL, "HOME is not set, so there is no place for a "
			       "store; set it, or name the directories");

	s->config_link = mem_dup(s->config_dir);
	put_root_before(&s->config_dir, p->root);
	put_root_before(&s->run_dir, p->root);
	if (make_absolute(&s->config_link, err) < 0 || make_absolute(&s->config_dir, err) < 0 ||
	    make_absolute(&s->run_dir, err) < 0)
		return -1;
	*ret = steal(s);
	return 0;
}

int store_again(const struct bp_store *s, struct bp_store **ret, struct bp_error *err)
{
	struct bp_store_paths paths = { s->config_dir, s->run_dir, NULL, s->flags, s->limit };
	struct bp_store *again;

	if (bp_store_open(&paths, &again, err) < 0)
		return -1;
	mem_set(&again->config_link, s->config_link);
	*ret = again;
	return 0;
}

static void close_dirs(struct bp_store *s)
{
	closep(&s->config_fd);
	closep(&s->run_fd);
	s->config_fd = s->run_fd = -1;
}

void bp_store_close(struct bp_store *s)
{
	if (!s)
		return;
	close_dirs(s);
	free(s->config_dir);
	free(s->run_dir);
	free(s->config_link);
	free(s->allowed);
	free(s);
}

void bp_store_closep(struct bp_store **s)
{
	bp_store_close(*s);
}

const char *bp_store_config_dir(const struct bp_store *s)
{
	return s->config_dir;
}

const char *bp_store_run_dir(const struct bp_store *s)
{
	return s->run_dir;
}

static int open_dir(const char *path, int *ret_fd, struct bp_error *err)
{
	*ret_fd = retry(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	if (*ret_fd < 0 && errno != ENOENT)
		return fail_access(err, errno, path, ACCESS_READ, "cannot open directory '%s'",
				   path);
	return 0;
}

int store_look(struct bp_store *s, struct bp_error *err)
{
	close_dirs(s);
	s->changing = false;
	if (open_dir(s->config_dir, &s->config_fd, err) < 0)
		return -1;
	return open_dir(s->run_dir, &s->run_fd, err);
}

static int need_dir(struct bp_store *s, const char *path, int *fd, struct bp_error *err)
{
	mode_t mode = (s->flags & BP_STORE_SESSION) || geteuid() != 0 ? 0700 : 0755;

	if (*fd >= 0)
		return 0;
	if (dir_make(path, mode, err) < 0)
		return -1;
	return open_dir(path, fd, err);
}

/* The daemon holds a lock on the first byte of this file as long as it runs. */
static long daemon_of(int run_fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1 };
	auto_close int fd = run_fd < 0 ? -1 :
		retry(openat(run_fd, "driver.pid", O_RDONLY | O_CLOEXEC));
	auto_free char *text = NULL;
	struct bp_error ignored = { 0 };
	uint64_t pid = 0;
	const char *end;
	size_t len;

	if (fd < 0 || fcntl(fd, F_OFD_GETLK, &lock) < 0 || lock.l_type == F_UNLCK)
		return 0;
	if (lock.l_pid > 0)
		return lock.l_pid;
	/* In another pid namespace: what it wrote is the best there is. */
	if (file_read(run_fd, "driver.pid", 64, &text, &len, &ignored) == 0 &&
	    parse_number_prefix(text, 10, &pid, &end) && pid)
		return (long)pid;
	return 1;
}

long bp_store_daemon(struct bp_store *s)
{
	struct bp_error ignored = { 0 };

	return store_look(s, &ignored) < 0 ? 0 : daemon_of(s->run_fd);
}

int store_change(struct bp_store *s, const char *what, struct bp_error *err)
{
	long pid;

	if (s->flags & BP_STORE_READONLY)
		return bp_fail(err, BP_DENIED, "read only access prevents %s", what);
	if (store_look(s, err) < 0)
		return -1;
	pid = daemon_of(s->run_fd);
	if (pid)
		return bp_fail(err, BP_BUSY, "libvirt's storage daemon (pid %ld) manages '%s' "
			       "and would not see the change; use virsh, or stop the daemon",
			       pid, s->run_dir);
	if (need_dir(s, s->config_dir, &s->config_fd, err) < 0)
		return -1;
	if (need_dir(s, s->run_dir, &s->run_fd, err) < 0)
		return -1;
	if (!s->swept)
		store_sweep(s);
	s->swept = true;
	s->changing = true;
	return 0;
}

int refuse_flags(unsigned flags, unsigned known, const char *function, struct bp_error *err)
{
	if (flags & ~known)
		return bp_fail(err, BP_BAD_FLAGS, "unsupported flags (0x%x) in function %s",
			       flags & ~known, function);
	return 0;
}
