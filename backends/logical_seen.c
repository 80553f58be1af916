/* logical_seen.c - what LVM has reported of a group, kept as long as it holds.
 *
 * To ask LVM takes much longer than to see that nothing has changed since it was asked.
 * So a report stays in /run, below a list of all that it depends on:
 *
 *   - LVM's settings: its files, and when they were written;
 *   - the block devices that are there, as the kernel numbers them, and their sizes;
 *   - on each device of the group, its label and the headers of LVM's areas, which any
 *     change to the group changes.  They are read from the disk itself.
 *
 * Who looks again makes that list again, and only if both are the same the report is
 * good.  If it is the group alone that has changed, and has nothing but plain volumes, the
 * next report is made from what is written on its devices (logical_plain.c), and kept.
 * What neither can know, which volumes are active, the kernel is asked.  Groups
 * with more to them than that are always LVM's to report: those that are shared, of
 * another host, incomplete, or that LVM has anything to remark on; and of volumes that
 * are more than plain space, what the kernel does with them.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "backends/logical.h"
#include "core/base/cleanup.h"
#include "core/base/device.h"
#include "core/base/file.h"
#include "core/base/mem.h"

#define SEEN	 "/run/barepool/lvm/seen"
#define SEEN_MAX (64u << 20)
#define FILTERED "filtered"	/* some devices are not to be touched */

/* ---- what a report depends on -------------------------------------------------------- */

static void add_file(struct text *to, int dir, const char *name)
{
	struct stat st;

	if (fstatat(dir, name, &st, 0) < 0)
		text_addf(to, "%s %d\n", name, errno);
	else if (!S_ISDIR(st.st_mode))
		text_addf(to, "%s %jx:%ju %jd %jd.%ld %jd.%ld\n", name, (uintmax_t)st.st_dev,
			  (uintmax_t)st.st_ino, (intmax_t)st.st_size,
			  (intmax_t)st.st_mtim.tv_sec, st.st_mtim.tv_nsec,
			  (intmax_t)st.st_ctim.tv_sec, st.st_ctim.tv_nsec);
}

/* Those in a directory whose names end so. */
static void add_files(struct text *to, const char *path, const char *suffix)
{
	cleanup(closedirp) DIR *d = opendir(path);
	struct dirent *e;

	text_addf(to, "%s %d\n", path, d ? 0 : errno);
	while (d && (e = readdir(d)))
		if (ends_with(e->d_name, suffix))
			add_file(to, dirfd(d), e->d_name);
}

static void add_settings(struct text *to)
{
	auto_free char *devices = mem_printf("%s/devices", lvm_settings_dir());
	auto_free char *boot = sysfs_line(AT_FDCWD, "/proc/sys/kernel/random/boot_id");

	text_addf(to, "%s %s\n", BP_MODULE_VERSION, boot ? boot : "");
	add_files(to, lvm_settings_dir(), ".conf");
	add_files(to, devices, "");
	add_file(to, AT_FDCWD, "/etc/multipath/wwids");
}

/* "dm-4": one of these volumes. */
static bool is_volume(const char *name, const struct kernel_lv *lvs, size_t n)
{
	uint64_t number;

	if (!starts_with(name, "dm-") || !parse_number(name + 3, 10, &number))
		return false;
	for (size_t i = 0; i < n; i++)
		if (lvs[i].active && minor(lvs[i].dev) == number)
			return true;
	return false;
}

/* The kernel gives every device that comes a new number here.  Of one that stays, the
 * medium may change: a file that a loop device is on. */
static void add_device(struct text *to, int dir, const struct dirent *e)
{
	auto_free char *size_of = mem_printf("%s/size", e->d_name);
	auto_free char *medium_of = mem_printf("%s/diskseq", e->d_name);
	auto_free char *size = sysfs_line(dir, size_of), *medium = sysfs_line(dir, medium_of);

	text_addf(to, "%s %ju %s %s\n", e->d_name, (uintmax_t)e->d_ino, size ? size : "-",
		  medium ? medium : "-");
}

/* All but these volumes. */
static void add_devices(struct text *to, const struct kernel_lv *lvs, size_t n)
{
	cleanup(closedirp) DIR *d = opendir("/sys/class/block");
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (*e->d_name != '.' && !is_volume(e->d_name, lvs, n))
			add_device(to, dirfd(d), e);
	text_addf(to, "%s\n", d ? "all" : "unknown");
}

char *seen_around(void)
{
	struct text t = { 0 };

	add_settings(&t);
	add_devices(&t, NULL, 0);
	return text_steal(&t);
}

/* A device of the group, asked past what the kernel has in memory: another host may
 * have written there. */
static bool add_pv(struct text *to, const struct vg_pv *pv, const char *seqno)
{
	auto_close int fd = open(pv->name, O_RDONLY | O_DIRECT | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISBLK(st.st_mode))
		return false;
	text_addf(to, "%s %u:%u ", pv->name, major(st.st_rdev), minor(st.st_rdev));
	if (!label_tell(fd, seqno, to))
		return false;
	text_add(to, "\n");
	return true;
}

static bool add_group(struct text *to, const struct vg *vg, const char *seqno)
{
	text_addf(to, "%s %s\n", vg->name, vg->uuid);
	for (size_t i = 0; i < vg->n_pvs; i++)
		if (!add_pv(to, &vg->pvs[i], seqno))
			return false;
	return true;
}

/* ---- kept ---------------------------------------------------------------------------- */

/* LVM has remarked on something; that it was given an open file is nothing. */
static bool has_remarks(const char *said)
{
	for (; said && *said; said += strcspn(said, "\n"), said += *said == '\n') {
		said += strspn(said, " \t");
		if (*said && *said != '\n' && !starts_with(said, "File descriptor "))
			return true;
	}
	return false;
}

/* "wz--n-": writeable or not, resizeable, and nothing else. */
static bool is_whole(const struct vg *vg)
{
	if (strlen(vg->attr) != 6 || vg->attr[2] != '-' || vg->attr[3] != '-' ||
	    vg->attr[5] != '-' || *vg->lock_type || *vg->system_id || vg_number(vg->missing) ||
	    !*vg->seqno || !vg->n_pvs || has_remarks(vg->said))
		return false;
	for (size_t i = 0; i < vg->n_pvs; i++)
		if (*vg->pvs[i].name != '/' || *vg->pvs[i].missing || *vg->pvs[i].duplicate)
			return false;
	return true;
}

int notes_open(const char *path, struct bp_error *err)
{
	int fd;

	if (dir_make(path, 0700, err) < 0)
		return -1;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? bp_fail_sys(err, errno, "cannot open '%s'", path) : fd;
}

static void save(const struct vg *vg, bool filtered, const char *list, const char *report)
{
	auto_free char *text = mem_printf("%s\n%s\n%s", filtered ? FILTERED : "all", list, report);
	struct bp_error ignored = { 0 };
	auto_close int dir = notes_open(SEEN, &ignored);

	if (dir >= 0 && flock(dir, LOCK_EX | LOCK_NB) == 0)	/* or another keeps one now */
		(void)file_replace(dir, vg->name, text, strlen(text), 0600, &ignored);
}

void seen_keep(const struct vg *vg, const char *report, const char *around)
{
	auto_free struct kernel_lv *lvs = NULL;
	cleanup(text_done) struct text t = { 0 };
	auto_free char *now = NULL;
	bool odd;

	if (!is_whole(vg) || lvm_mentions("scan_lvs") || !add_group(&t, vg, vg->seqno))
		return;
	lvs = kernel_lvs(vg, &odd);
	add_settings(&t);
	add_devices(&t, lvs, vg->n_lvs);
	now = seen_around();
	if (strcmp(now, around) == 0)
		save(vg, lvm_mentions("filter"), t.s, report);
}

/* ---- looked at again ------------------------------------------------------------------ */

static bool is_pv_of(const struct vg *vg, const char *label)
{
	for (size_t i = 0; i < vg->n_pvs; i++) {
		const char *uuid = vg->pvs[i].uuid, *at = label;

		while (*uuid && (*uuid == '-' || *uuid == *at)) {
			at += *uuid != '-';
			uuid++;
		}
		if (!*uuid)
			return true;
	}
	return false;
}

/* Whoever reads from what cannot answer waits, and cannot be killed. */
static bool may_be_read(int dir, const char *name)
{
	static const struct { const char *file, *good; } states[] = {
		{ "device/state", "running live" }, { "../device/state", "running live" },
		{ "dm/suspended", "0" },
	};

	for (size_t i = 0; i < array_size(states); i++) {
		auto_free char *file = mem_printf("%s/%s", name, states[i].file);
		auto_free char *state = sysfs_line(dir, file);

		if (state && !strstr(states[i].good, state))
			return false;
	}
	return true;
}

/* Has this one a label of one of theirs, though it is another?  Or who knows? */
static bool is_copy(const struct vg *vg, int dir, const char *name)
{
	auto_free char *size_of = mem_printf("%s/size", name);
	auto_free char *size = sysfs_line(dir, size_of), *node = mem_printf("/dev/%s", name);
	cleanup(text_done) struct text label = { 0 };
	auto_close int fd = -1;
	struct stat st, pv;

	if (!size || strcmp(size, "0") == 0)
		return false;
	for (char *c = node; (c = strchr(c, '!')); c++)
		*c = '/';
	if (!may_be_read(dir, name) || stat(node, &st) < 0 || !S_ISBLK(st.st_mode))
		return true;
	for (size_t i = 0; i < vg->n_pvs; i++)
		if (stat(vg->pvs[i].name, &pv) == 0 && pv.st_rdev == st.st_rdev)
			return false;
	fd = open(node, O_RDONLY | O_DIRECT | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return true;
	(void)label_tell(fd, NULL, &label);
	return label.len && is_pv_of(vg, label.s);
}

/* What is put into a drive is of no group. */
static bool is_drive(const char *name)
{
	return starts_with(name, "sr") || starts_with(name, "fd");
}

static bool has_copies(const struct vg *vg, const struct kernel_lv *lvs)
{
	cleanup(closedirp) DIR *d = opendir("/sys/class/block");
	bool found = !d;
	struct dirent *e;

	while (!found && (e = readdir(d)))
		found = *e->d_name != '.' && !is_drive(e->d_name) &&
			!is_volume(e->d_name, lvs, vg->n_lvs) &&
			is_copy(vg, dirfd(d), e->d_name);
	return found;
}

/* Nothing but space, of which LVM knows no more than the group's metadata does. */
static bool is_plain(const struct vg *vg, const struct vg_lv *lv)
{
	const char *a = lv->attr;

	return *lv->name != '[' && strlen(a) == 10 && a[0] == '-' && strchr("rw", a[1]) &&
	       strchr("-a", a[4]) && a[8] == '-' &&
	       (strcmp(lv_kind(vg, lv), "linear") == 0 || strcmp(lv_kind(vg, lv), "striped") == 0);
}

/* Columns of lv_attr as they are now. */
static bool take_states(struct vg *vg, const struct kernel_lv *lvs)
{
	for (size_t i = 0; i < vg->n_lvs; i++) {
		char *a = vg->text + (vg->lvs[i].attr - vg->text);

		if (!is_plain(vg, &vg->lvs[i]) ||
		    (lvs[i].active && lvs[i].read_only != (a[1] == 'r')))
			return false;
		a[4] = lvs[i].active ? 'a' : '-';
		a[5] = lvs[i].open ? 'o' : '-';
	}
	return true;
}

/* The list as it is to be made now; false: the group cannot be looked at for sure. */
static bool list_now(const struct vg *vg, const char *seqno, const struct kernel_lv *lvs,
		     struct text *to)
{
	if (!add_group(to, vg, seqno))
		return false;
	add_settings(to);
	add_devices(to, lvs, vg->n_lvs);
	return true;
}

/* What stands in the list behind the lines of the group, which are as many as its devices,
 * and one. */
static const char *behind_group(const char *list, size_t n_pvs)
{
	for (n_pvs++; n_pvs && (list = strchr(list, '\n')); n_pvs--)
		list++;
	return list ? list : "";
}

/* What was kept, and what the kernel says of its volumes. */
struct seen {
	struct vg vg;
	bool filtered, odd;
	struct kernel_lv *lvs;
};

static void seen_done(struct seen *seen)
{
	vg_done(&seen->vg);
	free(seen->lvs);
}

/* The group as its first device has it now. */
static char *report_now(const struct vg *vg)
{
	auto_close int fd = open(vg->pvs[0].name, O_RDONLY | O_DIRECT | O_CLOEXEC | O_NONBLOCK);
	auto_free char *text = fd < 0 ? NULL : label_text(fd);

	return text ? plain_report(vg, text) : NULL;
}

/* The group has changed since, and nothing else: it is read again, and kept. */
static bool read_again(struct seen *seen, const char *list)
{
	auto_free char *report = report_now(&seen->vg);
	cleanup(text_done) struct text now = { 0 };
	struct bp_error ignored = { 0 };
	struct vg next;

	if (!report || vg_read(mem_dup(report), &next, &ignored) < 0)
		return false;
	vg_done(&seen->vg);
	seen->vg = next;
	seen->lvs = kernel_lvs(&seen->vg, &seen->odd);
	if (!list_now(&seen->vg, seen->vg.seqno, seen->lvs, &now) ||
	    strcmp(behind_group(now.s, next.n_pvs), behind_group(list, next.n_pvs)) != 0)
		return false;
	save(&seen->vg, seen->filtered, now.s, report);
	return true;
}

static bool still_holds(struct seen *seen, const char *list)
{
	cleanup(text_done) struct text group = { 0 }, now = { 0 };

	if (!add_group(&group, &seen->vg, NULL))
		return false;
	if (!starts_with(list, group.s))
		return read_again(seen, list);
	seen->lvs = kernel_lvs(&seen->vg, &seen->odd);
	add_settings(&now);
	add_devices(&now, seen->lvs, seen->vg.n_lvs);
	return strcmp(now.s, list + group.len) == 0;
}

/* What is not in the report: what the kernel does, and what else there may be. */
static bool complete(struct seen *seen, unsigned how)
{
	bool alone = how & (VG_ALONE | VG_NAMES), everywhere = how & VG_EVERYWHERE;

	return (alone || (!seen->odd && take_states(&seen->vg, seen->lvs))) &&
	       (!everywhere || (!seen->filtered && !has_copies(&seen->vg, seen->lvs)));
}

bool seen_look(const char *name, unsigned how, struct vg *ret)
{
	auto_free char *path = mem_printf("%s/%s", SEEN, name), *text = NULL;
	cleanup(seen_done) struct seen seen = { .odd = true };
	struct bp_error ignored = { 0 };
	char *list, *report;
	size_t len;

	if (how & (VG_OF_OTHERS | VG_UNLISTED) ||
	    file_read(AT_FDCWD, path, SEEN_MAX, &text, &len, &ignored) < 0)
		return false;
	list = strchr(text, '\n');
	report = strstr(text, "\n\n");
	if (!list || !report)
		return false;
	*list++ = '\0';
	report[1] = '\0';
	seen.filtered = strcmp(text, FILTERED) == 0;
	if (vg_read(mem_dup(report + 2), &seen.vg, &ignored) < 0 || !seen.vg.n_pvs ||
	    strcmp(seen.vg.name, name) != 0 || !still_holds(&seen, list) || !complete(&seen, how))
		return false;
	*ret = seen.vg;
	seen.vg = (struct vg){ 0 };
	return true;
}
