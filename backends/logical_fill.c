/* logical_fill.c - the bytes of volumes; and volumes in the making.
 *
 * A volume that is filled before users shall see it has a tag, which says who
 * fills it.  Volumes with the tag are hidden; those whose maker has gone are
 * removed by whoever changes the pool next.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>

#include "backends/blocks.h"
#include "backends/logical.h"
#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/mem.h"

/* "barepool.making:PID:BOOT" */
#define TAG "barepool.making:"

static char *boot_id(void)
{
	struct bp_error ignored = { 0 };
	char *text = NULL;
	size_t len;

	if (file_read(AT_FDCWD, "/proc/sys/kernel/random/boot_id", 64, &text, &len, &ignored) < 0)
		return mem_dup("unknown");
	text[strcspn(text, "\n")] = '\0';
	return text;
}

char *making_tag(void)
{
	auto_free char *boot = boot_id();

	return mem_printf("%s%ld:%s", TAG, (long)getpid(), boot);
}

bool lv_is_unfinished(const struct vg_lv *lv)
{
	return strstr(lv->tags, TAG) != NULL;
}

static bool maker_lives(const struct vg_lv *lv)
{
	const char *pid_at = strstr(lv->tags, TAG) + strlen(TAG), *rest;
	auto_free char *boot = boot_id();
	uint64_t pid;

	if (!parse_number_prefix(pid_at, 10, &pid, &rest) || *rest != ':' || pid > INT32_MAX)
		return false;
	if (strncmp(rest + 1, boot, strlen(boot)) != 0)
		return false;
	return kill((pid_t)pid, 0) == 0 || errno != ESRCH;
}

/* Where other hosts use the group, too, theirs cannot be told from those of the dead. */
void making_sweep(struct bp_pool *p, const char *name)
{
	struct bp_error ignored = { 0 };
	const struct vg *vg = logical_vg(p, &ignored);
	bool removed = false;

	for (size_t i = 0; vg && i < vg->n_lvs; i++) {
		const struct vg_lv *lv = &vg->lvs[i];

		if (!lv_is_public(lv) || !lv_is_unfinished(lv))
			continue;
		/* our lock on the name says that nobody else makes that one */
		if (strcmp(lv->name, name) != 0 && (*vg->lock_type || maker_lives(lv)))
			continue;
		removed = logical_remove(vg, lv->name, &ignored) == 0 || removed;
		ignored = (struct bp_error){ 0 };
	}
	if (removed)
		logical_forget(p);
}

static int change(const struct vg *vg, const char *lv, const char *option, const char *value,
		  struct bp_error *err)
{
	auto_free char *name = mem_printf("%s/%s", vg->name, lv);

	return lvm_run((const char *const[]){ "lvchange", option, value, name, NULL }, NULL, err);
}

int making_done(const struct vg *vg, const char *lv, struct bp_error *err)
{
	auto_free char *tag = making_tag();

	return change(vg, lv, "--deltag", tag, err);
}

int making_fill(const char *path, const struct bp_filler *filler, struct bp_error *err)
{
	cleanup(io_closep) struct bp_io *io = NULL;

	if (blocks_open(path, BP_VOL_WRITE, &io, err) < 0 ||
	    filler->fill(filler->arg, io, err) < 0)
		return -1;
	return io_sync(io, err);
}

/* What nobody has activated is, for as long as the pool is active. */
static int activate(const struct bp_pool *p, const struct vg *vg, const struct vg_lv *lv,
		    struct bp_error *err)
{
	if (started_add(vg, lv->uuid, err) < 0)
		return -1;
	return change(vg, lv->name, "--ignoreactivationskip", logical_activation(p, vg, lv), err);
}

int logical_vol_open(struct bp_pool *p, const char *vol, enum bp_vol_access access,
		     struct bp_io **ret, struct bp_error *err)
{
	auto_free char *path = mem_printf("%s/%s", p->def->target_path, vol);
	const struct vg *vg = logical_vg(p, err);
	const struct vg_lv *lv = vg ? vg_find(vg, vol) : NULL;

	if (!vg)
		return -1;
	if (!lv)
		return bp_fail(err, BP_NO_VOL, "no storage vol with matching path '%s'", vol);
	if (!lv_is_active(lv)) {
		if (activate(p, vg, lv, err) < 0)
			return bp_within(err, "volume '%s' is inactive", vol);
		logical_forget(p);
	}
	return blocks_open(path, access, ret, err);
}
