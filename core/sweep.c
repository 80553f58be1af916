/* sweep.c - see sweep.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/sweep.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/lock.h"
#include "core/state.h"

/* What can be left of a pool, by the end of its name.  Some of it belongs there
 * as long as somebody knows the pool. */
struct remains {
	const char *end;
	bool if_unknown;
};

static const struct remains in_config[] = { { ".xml.new", false }, { NULL, false } };
static const struct remains in_autostart[] = { { ".xml", true }, { NULL, false } };
static const struct remains in_run[] = {
	{ ".xml.new", false }, { SIGNAL_BUILT, false }, { SIGNAL_ERASED, false },
	{ SIGNAL_REFRESHED, false }, { SIGNAL_STOPPED, false }, { ".lock", true }, { NULL, false },
};

static bool known(struct bp_store *s, const char *pool)
{
	return state_has(s, STATE_CONFIG, pool) || state_has(s, STATE_RUN, pool);
}

/* A mark of ours; where it leads is seen to by the pool's being unknown. */
static bool may_go(int dir, const char *file, const struct remains *r)
{
	char target[PATH_MAX];

	return strcmp(r->end, ".xml") != 0 ||
	       (readlinkat(dir, file, target, sizeof target) > 0 &&
		faccessat(dir, file, F_OK, 0) < 0);
}

/* Whoever is in the middle of something holds the pool, and its files are not remains. */
static void sweep_pool(struct bp_store *s, int dir, const char *file, const struct remains *r)
{
	auto_free char *pool = mem_dup_n(file, strlen(file) - strlen(r->end));
	auto_close int lock = -1;

	if (!*pool || (r->if_unknown && known(s, pool)))
		return;
	lock = lock_pool_try(s->run_fd, pool);
	if (lock < 0)
		return;
	if ((!r->if_unknown || !known(s, pool)) && may_go(dir, file, r))
		(void)unlinkat(dir, file, 0);
	if (!known(s, pool))
		lock_remove(s->run_fd, pool);
}

static void sweep_dir(struct bp_store *s, int parent, const char *name,
		      const struct remains *table)
{
	auto_close int fd = retry(openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	cleanup(closedirp) DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!d)
		return;
	(void)steal_fd(fd);
	while ((e = readdir(d)))
		for (const struct remains *r = table; r->end; r++)
			if (ends_with(e->d_name, r->end))
				sweep_pool(s, dirfd(d), e->d_name, r);
}

void store_sweep(struct bp_store *s)
{
	sweep_dir(s, s->config_fd, ".", in_config);
	sweep_dir(s, s->config_fd, "autostart", in_autostart);
	sweep_dir(s, s->run_fd, ".", in_run);
}
