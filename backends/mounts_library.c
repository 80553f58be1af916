/* mounts_library.c - mounting as mount(8) does: helpers, loop devices, security contexts.
 *
 * libmount brings three more libraries, and most mounts need none of them, so it
 * is opened when it is needed.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <libmount.h>
#include <stdlib.h>

#include "backends/mounts.h"
#include "core/base/cleanup.h"
#include "core/base/dl.h"
#include "core/base/mem.h"

static const char *const libraries[] = { "libmount.so.1", NULL };

#define CALLS(CALL)					\
	CALL(mnt_new_context)				\
	CALL(mnt_free_context)				\
	CALL(mnt_context_set_source)			\
	CALL(mnt_context_set_target)			\
	CALL(mnt_context_set_fstype)			\
	CALL(mnt_context_set_options)			\
	CALL(mnt_context_mount)				\
	CALL(mnt_context_umount)			\
	CALL(mnt_context_get_excode)			\
	CALL(mnt_context_get_syscall_errno)

struct library {
	void *dl;
	struct libmnt_context *context;
#define CALL(name) __typeof__(name) *(name);
	CALLS(CALL)
#undef CALL
};

static void library_done(struct library *l)
{
	if (l->context)
		l->mnt_free_context(l->context);
	dl_closep(&l->dl);
}

static int library_open(struct library *l, struct bp_error *err)
{
	const struct dl_call calls[] = {
#define CALL(name) { #name, (void **)&l->name },
		CALLS(CALL)
#undef CALL
	};

	l->dl = dl_open("to mount this", libraries, calls, array_size(calls), err);
	if (!l->dl)
		return -1;
	l->context = l->mnt_new_context();
	if (!l->context)
		abort();	/* as everywhere when memory is gone */
	return 0;
}

int library_mount(const char *source, const char *target, const char *type, const char *options,
		  struct bp_error *err)
{
	cleanup(library_done) struct library l = { 0 };
	char why[400] = "";
	int r;

	if (library_open(&l, err) < 0)
		return -1;
	if (l.mnt_context_set_source(l.context, source) < 0 ||
	    l.mnt_context_set_target(l.context, target) < 0 ||
	    l.mnt_context_set_fstype(l.context, type) < 0 ||
	    l.mnt_context_set_options(l.context, options) < 0)
		return bp_fail(err, BP_INTERNAL, "cannot prepare to mount '%s'", source);
	r = l.mnt_context_mount(l.context);
	if (l.mnt_context_get_excode(l.context, r, why, sizeof why) == 0)
		return 0;
	bp_fail(err, BP_FAILED, "cannot mount '%s' on '%s': %s", source, target, why);
	err->sys = l.mnt_context_get_syscall_errno(l.context);
	return -1;
}

int library_unmount(const char *target, struct bp_error *err)
{
	cleanup(library_done) struct library l = { 0 };
	char why[400] = "";
	int r;

	if (library_open(&l, err) < 0)
		return -1;
	if (l.mnt_context_set_target(l.context, target) < 0)
		return bp_fail(err, BP_INTERNAL, "cannot prepare to unmount '%s'", target);
	r = l.mnt_context_umount(l.context);
	if (l.mnt_context_get_excode(l.context, r, why, sizeof why) == 0)
		return 0;
	if (l.mnt_context_get_syscall_errno(l.context) == EBUSY)
		return 1;
	return bp_fail(err, BP_FAILED, "cannot unmount '%s': %s", target, why);
}
