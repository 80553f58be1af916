/* mounts_pool.c - pools whose storage is mounted on their target. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/files.h"
#include "backends/mounts.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/model/pool_type.h"

static bool is_among(const char *const *words, const char *option)
{
	auto_free char *name = mem_dup_n(option, strcspn(option, "="));

	return bp_word_in(words, name);
}

/* What may be in an image of a guest shall not act on the host. */
char *mounts_pool_options(const struct bp_pool *p, const char *usual,
			  const char *const *without)
{
	struct text t = { 0 };

	text_add(&t, "nodev,nosuid,noexec");
	if (usual)
		text_addf(&t, ",%s", usual);
	for (size_t i = 0; i < p->def->n_fs_options; i++)
		if (!without || !is_among(without, p->def->fs_options[i].name))
			text_addf(&t, ",%s", p->def->fs_options[i].name);
	return text_steal(&t);
}

int mounts_pool_taken(const struct bp_pool *p, const struct mounted *m, bool is_part,
		      struct bp_error *err)
{
	return bp_fail(err, BP_WRONG_STATE, "%s'%s' is mounted on '%s', the target of pool '%s'; "
		       "unmount it first", is_part ? "a part of " : "", m->source, m->target,
		       p->def->name);
}

int mounts_pool_mount(struct bp_pool *p,
		      int (*how)(const void *arg, const char *target, struct bp_error *err),
		      const void *arg, struct bp_error *err)
{
	const char *target = p->def->target_path;
	bool missing = access(target, F_OK) < 0 && errno == ENOENT;

	if (missing && files_pool_build(p, 0, err) < 0)
		return -1;
	if (how(arg, target, err) == 0)
		return 0;
	if (missing)
		(void)rmdir(target);
	return -1;
}
