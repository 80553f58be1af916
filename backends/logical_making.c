/* logical_making.c - volumes that are being made, or are on their way out; and what is left
 * when somebody was killed in between.
 *
 * Such a volume has a tag with a number, and is hidden from users.  Whoever works on
 * it holds the lock on the byte of that number in a file next to LVM's own locks, which
 * all share who use LVM on this machine: those in other namespaces, too, whose process
 * numbers mean nothing here.  A number that nobody has locked is one of the dead.
 *
 * A plain volume is made in one step, and what is in it nobody has promised: that would
 * be two with a tag.  It is noted in /run instead, until it is active and has its rights, with
 * the same number and lock, and is hidden as long as its maker lives; if that dies the next
 * change activates it.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "backends/logical.h"
#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/mem.h"

/* "barepool.making:NUMBER:BOOT" */
#define TAG MAKING_TAG
#define LOCKS LVM_LOCKS "/barepool"
#define NOTES "/run/barepool/lvm/making"	/* files "GROUP-UUID:VOLUME", with a tag in them */

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

static struct flock byte(uint64_t number)
{
	return (struct flock){
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = (off_t)number, .l_len = 1,
	};
}

/* ---- the living ----------------------------------------------------------------------- */

int making_begin(struct making *ret, struct bp_error *err)
{
	cleanup(making_end) struct making m = MAKING_INIT;
	auto_free char *boot = boot_id();
	uint64_t number;
	struct flock lock;

	if (getrandom(&number, sizeof number, 0) != sizeof number)
		return bp_fail_sys(err, errno, "cannot get a random number");
	number &= INT64_MAX;
	if (dir_make(LVM_LOCKS, 0700, err) < 0)
		return -1;
	m.lock_fd = open(LOCKS, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	lock = byte(number);
	if (m.lock_fd < 0 || fcntl(m.lock_fd, F_OFD_SETLK, &lock) < 0)
		return bp_fail_sys(err, errno, "cannot lock '%s'", LOCKS);
	m.tag = mem_printf("%s%" PRIu64 ":%s", TAG, number, boot);
	m.number = number;
	*ret = m;
	m = (struct making)MAKING_INIT;
	return 0;
}

void making_end(struct making *m)
{
	free(m->tag);
	closep(&m->lock_fd);
	*m = (struct making)MAKING_INIT;
}

int lv_change(const struct vg *vg, const char *lv, const char *option, const char *value,
	      struct bp_error *err)
{
	auto_free char *name = mem_printf("%s/%s", vg->name, lv);
	const char *const argv[] = { "lvchange", option, value ? value : name,
				     value ? name : NULL, NULL };

	return lvm_run(argv, NULL, err);
}

int making_hide(const struct making *m, const struct vg *vg, const char *lv, struct bp_error *err)
{
	return lv_change(vg, lv, "--addtag", m->tag, err);
}

int making_show(const struct making *m, const struct vg *vg, const char *lv, struct bp_error *err)
{
	return lv_change(vg, lv, "--deltag", m->tag, err);
}

/* ---- plain volumes --------------------------------------------------------------------- */

static char *note_of(const struct vg *vg, const char *lv)
{
	return mem_printf("%s:%s", vg->uuid, lv);
}

int making_note(const struct making *m, const struct vg *vg, const char *lv, struct bp_error *err)
{
	auto_free char *name = note_of(vg, lv);
	auto_close int dir = notes_open(NOTES, err);

	return dir < 0 ? -1 : file_replace(dir, name, m->tag, strlen(m->tag), 0600, err);
}

void making_noted(const struct vg *vg, const char *lv)
{
	auto_free char *path = mem_printf("%s/%s:%s", NOTES, vg->uuid, lv);

	(void)unlink(path);
}

/* ---- the dead --------------------------------------------------------------------------- */

static const char *tag_of(const struct vg_lv *lv)
{
	const char *tag = strstr(lv->tags, TAG);

	return tag ? tag + strlen(TAG) : NULL;
}

bool lv_is_unfinished(const struct vg_lv *lv)
{
	return lv->noted || tag_of(lv);
}

bool maker_has(uint64_t number)
{
	auto_close int fd = open(LOCKS, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	struct flock lock = byte(number);

	if (fd < 0)
		return errno != ENOENT;
	return fcntl(fd, F_OFD_GETLK, &lock) < 0 || lock.l_type != F_UNLCK;
}

/* By "NUMBER:BOOT".  Where other hosts use the group, too, only theirs could be told from
 * the dead. */
static bool lives(const char *tag, bool shared)
{
	auto_free char *boot = boot_id();
	const char *rest;
	uint64_t number;

	if (!parse_number_prefix(tag, 10, &number, &rest) || *rest != ':' || number > INT64_MAX)
		return false;
	if (strncmp(rest + 1, boot, strlen(boot)) != 0)
		return shared;
	return maker_has(number);
}

bool maker_lives(const struct vg *vg, const struct vg_lv *lv, const char *begins)
{
	return lives(strstr(lv->tags, begins) + strlen(begins), *vg->lock_type);
}

/* "GROUP-UUID:VOLUME", a line each, of all that is noted by the living, or by the dead. */
static char *noted(bool living)
{
	cleanup(closedirp) DIR *dir = opendir(NOTES);
	struct text t = { 0 };
	struct dirent *e;

	while (dir && (e = readdir(dir))) {
		struct bp_error ignored = { 0 };
		auto_free char *tag = NULL;
		size_t len;

		if (*e->d_name != '.' &&
		    file_read(dirfd(dir), e->d_name, 256, &tag, &len, &ignored) == 0 &&
		    starts_with(tag, TAG) && lives(tag + strlen(TAG), false) == living)
			text_addf(&t, "%s\n", e->d_name);
	}
	return text_steal(&t);
}

char *making_now(void)
{
	return noted(true);
}

static bool has_line(const char *lines, const char *line)
{
	size_t n = strlen(line);

	for (const char *at = lines; (at = strstr(at, line)); at += n)
		if ((at == lines || at[-1] == '\n') && at[n] == '\n')
			return true;
	return false;
}

void making_look(struct vg *vg, const char *before)
{
	auto_free char *now = making_now();

	for (size_t i = 0; i < vg->n_lvs && (*now || *before); i++) {
		auto_free char *note = note_of(vg, vg->lvs[i].name);

		vg->lvs[i].noted = has_line(now, note) || has_line(before, note);
	}
}

/* ---- mended ------------------------------------------------------------------------------ */

/* What was stopped in the middle has to go on before it can go; and of what LVM thinks
 * inactive, parts may be in the kernel, which it would leave there.  What is on its way
 * out takes its snapshots along. */
bool making_remove(const struct vg *vg, const struct vg_lv *lv)
{
	struct bp_error inactive = { 0 }, ignored = { 0 }, again = { 0 };

	if (snapshots_remove(vg, lv->name, &inactive) < 0)
		return false;
	if (!lv_is_active(lv))
		(void)lv_change(vg, lv->name, "--activate", "y", &inactive);
	return logical_remove(vg, lv->name, &ignored) == 0 ||
	       (lv_change(vg, lv->name, "--refresh", NULL, &again) == 0 &&
		logical_remove(vg, lv->name, &again) == 0);
}

/* Somebody has died in the middle of a change, and who reads or writes hangs: LVM
 * would be waiting for whoever is in the middle, and has reported without. */
static bool mend(const struct vg *vg, const struct vg_lv *lv)
{
	struct bp_error ignored = { 0 };

	if (lv->noted)
		return false;
	if (!tag_of(lv))
		return (lv_is_suspended(lv) || left_suspended(vg, lv)) &&
		       lv_change(vg, lv->name, "--refresh", NULL, &ignored) == 0;
	return !maker_lives(vg, lv, TAG) && making_remove(vg, lv);
}

/* It is there, or was never made: so it is what has been asked for, once it is active. */
static bool mend_plain(const struct vg *vg, const char *name)
{
	struct bp_error ignored = { 0 }, again = { 0 };
	const struct vg_lv *lv = vg_find(vg, name);

	if (lv && !lv_is_active(lv) && started_add(vg, lv->uuid, &ignored) == 0 &&
	    lv_change(vg, name, "--activate", "y", &ignored) < 0)
		(void)lv_change(vg, name, "--refresh", NULL, &again);
	making_noted(vg, name);
	return lv != NULL;
}

static bool mend_noted(const struct vg *vg)
{
	auto_free char *group = note_of(vg, ""), *lines = noted(false);
	char *rest = lines, *line;
	bool mended = false;

	while ((line = strsep(&rest, "\n")))
		if (starts_with(line, group))
			mended = mend_plain(vg, line + strlen(group)) || mended;
	return mended;
}

/* Of a change that was made on one device LVM tells the others with the next one. */
static bool mend_uneven(const struct vg *vg)
{
	const char *const argv[] = { "vgck", "--updatemetadata", vg->name, NULL };
	struct bp_error ignored = { 0 };

	return vg->said && strstr(vg->said, "Inconsistent metadata") &&
	       lvm_run(argv, NULL, &ignored) == 0;
}

/* What nobody has finished nobody sees: it does not hold the group, nor its devices. */
static bool mend_group(const char *name)
{
	cleanup(vg_done) struct vg vg = { 0 };
	struct bp_error ignored = { 0 };
	bool mended;

	if (vg_look(name, VG_EVERYWHERE, &vg, &ignored) < 0 || vg_check(&vg, &ignored) < 0)
		return false;
	mended = mend_uneven(&vg);
	mended = thin_sweep(&vg) || mended;
	for (size_t i = 0; i < vg.n_lvs; i++)
		if (*vg.lvs[i].name != '[' && lv_is_unfinished(&vg.lvs[i]))
			mended = mend(&vg, &vg.lvs[i]) || mended;
	if (mended)
		left_sweep(&vg);
	return mended;
}

/* A program of LVM's that lives on may have changed things after they were looked at. */
void logical_pool_mend(struct bp_pool *p)
{
	for (int i = 0; i < 3 && mend_group(p->def->source.name); i++)
		;
}

/* Who builds on another host has no lock here: such a group is mended by who builds or
 * erases it. */
void making_sweep(struct bp_pool *p)
{
	struct bp_error ignored = { 0 };
	const struct vg *vg = logical_vg(p, &ignored);
	bool mended = vg && mend_noted(vg);

	if (vg && !*vg->lock_type)
		mended = thin_sweep(vg) || mended;
	for (size_t i = 0; vg && i < vg->n_lvs; i++)
		if (lv_is_public(&vg->lvs[i]) ||
		    (vg->lvs[i].hidden && lv_is_unfinished(&vg->lvs[i])))
			mended = mend(vg, &vg->lvs[i]) || mended;
	if (mended) {
		logical_forget(p);
		vg = logical_vg(p, &ignored);
		if (vg)
			left_sweep(vg);
	} else if (vg) {
		left_nodes(vg);
	}
	reverts_sweep(p);
}
