/* autostart.c - start the pools that are marked for it, once per boot.
 *
 * The only public function that uses others: it holds no session meanwhile.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>

#include "core/base/cleanup.h"
#include "core/session.h"
#include "core/state.h"

/* The marker is libvirt's: whichever of the two comes first after boot does it. */
static int first_since_boot(struct bp_store *s, bool *ret, struct bp_error *err)
{
	auto_close int fd = openat(s->run_fd, "autostarted",
				   O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0 && errno != EEXIST)
		return bp_fail_sys(err, errno, "cannot create '%s/autostarted'", s->run_dir);
	*ret = fd >= 0;
	return 0;
}

static bool waits_for_start(struct bp_store *s, const char *pool)
{
	cleanup(session_close) struct session ses = SESSION_INIT;

	return state_autostart(s, pool) && pool_look(s, pool, &ses) && !ses.active;
}

int bp_store_autostart(struct bp_store *s,
		       void (*failed)(void *arg, const char *pool, const struct bp_error *why),
		       void *arg, unsigned *ret_started, struct bp_error *err)
{
	char **names = NULL;
	size_t n = 0;
	unsigned started = 0;
	bool first;

	if (store_change(s, "virStoragePoolCreate", err) < 0 ||
	    first_since_boot(s, &first, err) < 0 ||
	    (first && state_names(s, &names, &n, err) < 0))
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct bp_error why = { 0 };

		if (!waits_for_start(s, names[i]))
			continue;
		if (bp_pool_start(s, names[i], 0, &why) == 0)
			started++;
		else if (failed)
			failed(arg, names[i], &why);
	}
	state_names_free(names, n);
	*ret_started = started;
	return 0;
}
