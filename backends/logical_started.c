/* logical_started.c - which volumes were activated by us.
 *
 * A group may hold more than a pool's volumes: the host's root, say.  To stop a
 * pool is to take back what its start did, so that is noted, in a file for each
 * group: /run/barepool/lvm/UUID, a line for each volume, and one if it was us who
 * let lvmlockd begin with the locks of the group.  It goes when the host goes down,
 * as activation does, and is written before volumes are activated: a note too many
 * does not matter, since what is in use stays active anyway.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "backends/logical.h"
#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/mem.h"

#define NOTES "/run/barepool/lvm"
#define NOTES_MAX (16u << 20)
#define LOCKS	  "locks"	/* no UUID looks like it */

int started_load(const struct vg *vg, struct started *ret, struct bp_error *err)
{
	auto_free char *path = mem_printf("%s/%s", NOTES, vg->uuid), *text = NULL;
	size_t len;

	if (file_read(AT_FDCWD, path, NOTES_MAX, &text, &len, err) < 0) {
		if (err->sys != ENOENT)
			return -1;
		*err = (struct bp_error){ 0 };
	}
	ret->path = steal(path);
	ret->text = text ? steal(text) : mem_dup("");
	return 0;
}

bool started_has(const struct started *s, const struct vg_lv *lv)
{
	return strstr(s->text, lv->uuid) != NULL;
}

bool started_has_locks(const struct started *s)
{
	return strstr(s->text, LOCKS) != NULL;
}

void started_done(struct started *s)
{
	free(s->path);
	free(s->text);
	*s = (struct started){ 0 };
}

int started_save(const struct vg *vg, bool locks, const struct vg_lv *const *lvs, size_t n,
		 struct bp_error *err)
{
	cleanup(text_done) struct text t = { 0 };
	auto_close int dir = notes_open(NOTES, err);

	if (dir < 0)
		return -1;
	if (locks)
		text_add(&t, LOCKS "\n");
	for (size_t i = 0; i < n; i++)
		text_addf(&t, "%s\n", lvs[i]->uuid);
	if (!t.len)
		return file_remove(dir, vg->uuid, err);
	return file_replace(dir, vg->uuid, t.s, t.len, 0600, err);
}

int started_add(const struct vg *vg, const char *lv_uuid, struct bp_error *err)
{
	auto_free char *line = mem_printf("%s\n", lv_uuid);
	auto_close int dir = notes_open(NOTES, err), fd = -1;

	if (dir < 0)
		return -1;
	fd = openat(dir, vg->uuid, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 || write_all(fd, line, strlen(line)) < 0)
		return bp_fail_sys(err, errno, "cannot write '%s/%s'", NOTES, vg->uuid);
	return 0;
}

/* "253:4" of a volume that is active: where the kernel tells of it. */
static char *kernel_uuid(const char *path)
{
	struct bp_error ignored = { 0 };
	auto_free char *file = NULL;
	char *text = NULL;
	struct stat st;
	size_t len;

	if (stat(path, &st) < 0 || !S_ISBLK(st.st_mode))
		return NULL;
	file = mem_printf("/sys/dev/block/%u:%u/dm/uuid", major(st.st_rdev), minor(st.st_rdev));
	if (file_read(AT_FDCWD, file, 4096, &text, &len, &ignored) < 0)
		return NULL;
	text[strcspn(text, "\n")] = '\0';
	return text;
}

/* "LVM-", the group's UUID, the volume's; both without their '-', which LVM has after
 * the 6th and each 4 more. */
static void add_packed(struct text *to, const char *uuid)
{
	for (; *uuid; uuid++)
		if (*uuid != '-')
			text_addf(to, "%c", *uuid);
}

char *lv_in_kernel(const struct vg *vg, const char *lv_uuid)
{
	struct text t = { 0 };

	text_add(&t, "LVM-");
	add_packed(&t, vg->uuid);
	add_packed(&t, lv_uuid);
	return text_steal(&t);
}

char *started_uuid(const struct vg *vg, const char *path)
{
	auto_free char *kernel = kernel_uuid(path), *mine = lv_in_kernel(vg, "");
	cleanup(text_done) struct text lv = { 0 };
	size_t len = strlen(mine);

	if (!kernel || strlen(kernel) != len + 32 || !starts_with(kernel, mine))
		return NULL;
	for (int i = 0; i < 32; i++)
		text_addf(&lv, "%s%c", i >= 6 && i < 30 && i % 4 == 2 ? "-" : "",
			  kernel[len + i]);
	return text_steal(&lv);
}
