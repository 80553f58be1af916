/* disk_fdisk.c - change a partition table: libfdisk, on a copy. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/disk.h"
#include "backends/disk_library.h"
#include "core/base/cleanup.h"
#include "core/base/in_use.h"
#include "core/base/mem.h"

/* ---- a context, and what it has to say ------------------------------------------------ */

struct said {
	char text[200];			/* its last words */
};

struct disk_editor {
	struct disk_library lib;
	struct fdisk_context *cxt;
	struct said said;
	int fd;
};

static int listen_to(struct fdisk_context *cxt, struct fdisk_ask *ask, void *data)
{
	struct disk_editor *e = data;
	struct said *said = &e->said;
	const char *words;
	size_t n;

	(void)cxt;
	switch (e->lib.ask_get_type(ask)) {
	case FDISK_ASKTYPE_WARN:
	case FDISK_ASKTYPE_WARNX:
		words = e->lib.ask_print_get_mesg(ask);
		n = words ? strnlen(words, sizeof said->text - 1) : 0;
		while (n && (words[n - 1] == '.' || words[n - 1] == '\n'))
			n--;
		if (n)
			memcpy(said->text, words, n);
		said->text[n] = '\0';
		return 0;
	case FDISK_ASKTYPE_YESNO:
		return e->lib.ask_yesno_set_result(ask, 1);
	case FDISK_ASKTYPE_INFO:
		return 0;
	default:
		return -EINVAL;
	}
}

/* The device is let go of first, or libfdisk would sync all there are. */
static void editor_done(struct disk_editor *e)
{
	if (e->cxt && e->lib.get_devfd(e->cxt) >= 0)
		(void)e->lib.deassign_device(e->cxt, 1);
	if (e->cxt)
		e->lib.unref_context(e->cxt);
	disk_library_done(&e->lib);
	closep(&e->fd);
}

static int failed(const struct disk *d, const struct disk_editor *e, const char *what, int r,
		  struct bp_error *err)
{
	if (*e->said.text)
		return bp_fail(err, BP_FAILED, "cannot %s '%s': %s", what, d->path, e->said.text);
	return bp_fail_sys(err, r < 0 ? -r : EINVAL, "cannot %s '%s'", what, d->path);
}

/* A context that will see what fd leads to. */
static int editor_start(struct disk_editor *e, int fd, struct bp_error *err)
{
	if (disk_library_open(&e->lib, err) < 0)
		return -1;
	e->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	e->cxt = e->lib.new_context();
	if (e->fd < 0 || !e->cxt)
		return bp_fail_sys(err, errno, "cannot use libfdisk");
	(void)e->lib.set_ask(e->cxt, listen_to, e);
	return 0;
}

static int editor_open(struct disk_editor *e, const struct disk *d, int fd, struct bp_error *err)
{
	int r;

	if (editor_start(e, fd, err) < 0)
		return -1;
	(void)e->lib.enable_listonly(e->cxt, 1);	/* what else is on it has been looked at */
	r = e->lib.assign_device_by_fd(e->cxt, e->fd, d->path, 0);
	if (r < 0)
		return failed(d, e, "read the partition table of", r, err);
	(void)e->lib.enable_listonly(e->cxt, 0);
	(void)e->lib.disable_dialogs(e->cxt, 1);
	return 0;
}

/* ---- the table, as it sees it ----------------------------------------------------------- */

/* A partition of libfdisk's, held. */
struct held {
	const struct disk_library *lib;
	struct fdisk_partition *pa;
};

static void let_go(struct held *h)
{
	h->lib->unref_partition(h->pa);
}

static struct held new_partition(const struct disk_editor *e)
{
	return (struct held){ &e->lib, e->lib.new_partition() };
}

/* Some tables tell of themselves and of all the device as partitions. */
static bool is_ours(const struct disk_editor *e, const struct disk_label *label,
		    struct fdisk_partition *pa)
{
	struct fdisk_parttype *t = e->lib.partition_get_type(pa);
	unsigned code = t ? e->lib.parttype_get_code(t) : 0;

	if (disk_is_dos(label) || disk_is_gpt(label))
		return true;
	return !e->lib.partition_is_wholedisk(pa) && code != 0 &&
	       (strcmp(label->format, "dvh") != 0 || code != 6);
}

static bool has_place(const struct disk_editor *e, struct fdisk_partition *pa)
{
	return e->lib.partition_has_start(pa) && e->lib.partition_has_size(pa);
}

static void take(const struct disk *d, const struct disk_editor *e, struct fdisk_partition *pa,
		 struct disk_parts *ret)
{
	struct disk_part *p = array_add(ret->all, ret->n);

	p->number = (unsigned)e->lib.partition_get_partno(pa) + 1;
	p->kind = e->lib.partition_is_nested(pa) ? DISK_LOGICAL :
		  e->lib.partition_is_container(pa) ? DISK_EXTENDED : DISK_PRIMARY;
	p->start = e->lib.partition_get_start(pa) * d->shape.sector;
	p->size = e->lib.partition_get_size(pa) * d->shape.sector;
}

static int see(const struct disk *d, const struct disk_editor *e, const struct disk_label *label,
	       struct disk_parts *ret, struct bp_error *err)
{
	struct fdisk_iter *it;
	struct fdisk_table *tb = NULL;
	struct fdisk_partition *pa;
	int r = e->lib.get_partitions(e->cxt, &tb);

	if (r < 0)
		return failed(d, e, "read the partition table of", r, err);
	it = e->lib.new_iter(FDISK_ITER_FORWARD);
	while (e->lib.table_next_partition(tb, it, &pa) == 0)
		if (has_place(e, pa) && is_ours(e, label, pa))
			take(d, e, pa, ret);
	e->lib.free_iter(it);
	e->lib.unref_table(tb);
	return 0;
}

static bool same_parts(const struct disk_parts *a, const struct disk_parts *b)
{
	for (size_t i = 0; i < a->n; i++) {
		const struct disk_part *p = &a->all[i], *q = disk_part_find(b, p->number);

		if (!q || p->start != q->start || p->size != q->size)
			return false;
	}
	return a->n == b->n;
}

/* What one library does not see the other would take away. */
static int agree(const struct disk *d, const struct disk_editor *e, struct bp_error *err)
{
	struct disk_parts seen = { 0 };
	int r = see(d, e, d->label, &seen, err);
	bool same = r == 0 && same_parts(&seen, &d->parts);

	free(seen.all);
	if (r < 0 || same)
		return r;
	return bp_fail(err, BP_CORRUPT, "the partition table of '%s' is not changed: libfdisk and "
		       "libblkid read it differently; repair it first (sfdisk, sgdisk)", d->path);
}

/* ---- edits ------------------------------------------------------------------------------- */

static int set_type(struct disk_editor *e, struct fdisk_partition *pa, const char *word,
		    struct bp_error *err)
{
	struct fdisk_parttype *type =
		e->lib.label_parse_parttype(e->lib.get_label(e->cxt, NULL), word);

	if (!type)
		return bp_fail(err, BP_INTERNAL, "libfdisk knows no partition type '%s'", word);
	(void)e->lib.partition_set_type(pa, type);
	e->lib.unref_parttype(type);
	return 0;
}

static uint64_t size_of(struct disk_editor *e, size_t n)
{
	cleanup(let_go) struct held h = { &e->lib, NULL };

	return e->lib.get_partition(e->cxt, n, &h.pa) == 0 && e->lib.partition_has_size(h.pa) ?
	       e->lib.partition_get_size(h.pa) : 0;
}

/* In a dvh table they come out a sector short. */
static int add(struct disk_editor *e, struct fdisk_partition *pa, uint64_t size,
	       size_t *ret_made)
{
	uint64_t got;
	int r;

	(void)e->lib.partition_set_size(pa, size);
	(void)e->lib.partition_size_explicit(pa, 1);
	r = e->lib.add_partition(e->cxt, pa, ret_made);
	got = r == 0 ? size_of(e, *ret_made) : size;
	if (r < 0 || got + 1 != size)
		return r;
	r = e->lib.delete_partition(e->cxt, *ret_made);
	(void)e->lib.partition_set_size(pa, size + 1);
	return r < 0 ? r : e->lib.add_partition(e->cxt, pa, ret_made);
}

int disk_edit_add(struct disk_editor *e, const struct disk_edit *edit, struct bp_error *err)
{
	cleanup(let_go) struct held new = new_partition(e);
	uint64_t sector = e->lib.get_sector_size(e->cxt);
	size_t made = 0;
	int r;

	if (set_type(e, new.pa, edit->type, err) < 0)
		return -1;
	(void)e->lib.partition_set_start(new.pa, edit->start / sector);
	if (edit->kind != DISK_LOGICAL)
		(void)e->lib.partition_set_partno(new.pa, edit->number - 1);
	if (edit->name)
		(void)e->lib.partition_set_name(new.pa, edit->name);
	r = add(e, new.pa, edit->size / sector, &made);
	if (r == 0 && made + 1 == edit->number && size_of(e, made) == edit->size / sector)
		return 0;
	return bp_fail_sys(err, r < 0 ? -r : EINVAL, "libfdisk does not make partition %u",
			   edit->number);
}

int disk_edit_remove(struct disk_editor *e, const struct disk_edit *edit, struct bp_error *err)
{
	int r = e->lib.delete_partition(e->cxt, edit->number - 1);

	return r == 0 ? 0 : bp_fail_sys(err, r < 0 ? -r : EINVAL,
					"libfdisk does not delete partition %u", edit->number);
}

/* Of other tables libfdisk makes partitions, but does not change them. */
static int make_again(struct disk_editor *e, const struct disk_edit *edit)
{
	cleanup(let_go) struct held old = { &e->lib, NULL }, new = new_partition(e);
	size_t made;
	int r = e->lib.get_partition(e->cxt, edit->number - 1, &old.pa);

	if (r == 0)
		r = e->lib.delete_partition(e->cxt, edit->number - 1);
	if (r < 0)
		return r;
	(void)e->lib.partition_set_type(new.pa, e->lib.partition_get_type(old.pa));
	(void)e->lib.partition_set_start(new.pa, e->lib.partition_get_start(old.pa));
	(void)e->lib.partition_set_partno(new.pa, edit->number - 1);
	return add(e, new.pa, edit->size / e->lib.get_sector_size(e->cxt), &made);
}

static int set_size(struct disk_editor *e, const struct disk_edit *edit)
{
	cleanup(let_go) struct held new = new_partition(e);

	(void)e->lib.partition_set_size(new.pa, edit->size / e->lib.get_sector_size(e->cxt));
	(void)e->lib.partition_size_explicit(new.pa, 1);
	return e->lib.set_partition(e->cxt, edit->number - 1, new.pa);
}

int disk_edit_resize(struct disk_editor *e, const struct disk_edit *edit, struct bp_error *err)
{
	bool usual = e->lib.is_labeltype(e->cxt, FDISK_DISKLABEL_DOS) ||
		     e->lib.is_labeltype(e->cxt, FDISK_DISKLABEL_GPT);
	int r = usual ? set_size(e, edit) : make_again(e, edit);

	return r == 0 ? 0 : bp_fail_sys(err, r < 0 ? -r : EINVAL,
					"libfdisk does not resize partition %u", edit->number);
}

/* A GPT's copy is put right whenever the table is written. */
int disk_edit_nothing(struct disk_editor *e, const struct disk_edit *edit, struct bp_error *err)
{
	(void)edit;
	(void)err;
	e->lib.label_set_changed(e->lib.get_label(e->cxt, NULL), 1);
	return 0;
}

/* ---- the copy ------------------------------------------------------------------------------ */

/* What libfdisk holds as the device becomes the copy at the moment it writes. */
static int write_copy(const struct disk *d, struct disk_editor *e, const struct disk_copy *c,
		      struct bp_error *err)
{
	int r;

	if (dup3(c->fd, e->fd, O_CLOEXEC) < 0)
		return bp_fail_sys(err, errno, "cannot keep a copy of a partition table");
	r = e->lib.write_disklabel(e->cxt);
	return r < 0 ? failed(d, e, "change the partition table of", r, err) : 0;
}

static int edit_once(const struct disk *d, const struct disk_edit *edit, struct disk_copy *c,
		     struct disk_parts *after, struct bp_error *err)
{
	cleanup(editor_done) struct disk_editor e = { .fd = -1 };

	free(after->all);
	*after = (struct disk_parts){ 0 };
	if (disk_copy_make(d, c, err) < 0 || editor_open(&e, d, d->fd, err) < 0)
		return -1;
	if (!e.lib.has_label(e.cxt))
		return failed(d, &e, "read the partition table of", -EINVAL, err);
	if (agree(d, &e, err) < 0)
		return -1;
	if (disk_is_dos(d->label))
		(void)e.lib.set_first_lba(e.cxt, d->first / d->shape.sector);
	if (edit->edit(&e, edit, err) < 0)
		return *e.said.text ? bp_within(err, "%s", e.said.text) : -1;
	return see(d, &e, d->label, after, err) < 0 ? -1 : write_copy(d, &e, c, err);
}

static int edit_copy(const struct disk *d, const struct disk_edit *edit, struct disk_copy *c,
		     struct disk_parts *after, struct bp_error *err)
{
	do {
		if (edit_once(d, edit, c, after, err) < 0)
			return -1;
	} while (disk_copy_refill(d, c));
	return 0;
}

int disk_begin(struct disk *d, int flags, struct bp_error *err)
{
	int fd = open(d->path, O_RDWR | flags | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 && errno == EBUSY && in_use_device(d->path, d->fd, err) < 0)
		return -1;
	if (fd < 0)
		return bp_fail_sys(err, errno, "cannot open device '%s' for writing", d->path);
	closep(&d->fd);
	d->fd = fd;
	disk_forget(d);
	if (blocks_lock(fd, d->path, err) < 0)
		return -1;
	return blocks_shape(fd, d->path, &d->shape, err);
}

struct change {
	struct disk_copy copy;
	struct disk_parts after;
	struct disk_writes writes;
};

static void change_done(struct change *c)
{
	disk_copy_done(&c->copy);
	disk_writes_done(&c->writes);
	free(c->after.all);
}

/* The kernel first, since it may say no; then the table; then the kernel again. */
static int carry_out(struct disk *d, const struct disk_parts *before, struct change *c,
		     struct bp_error *err)
{
	if (disk_kernel_remove(d, before, &c->after, err) < 0)
		return -1;
	if (disk_writes_do(d, &c->writes, err) == 0 &&
	    disk_kernel_add(d, before, &c->after, err) == 0) {
		disk_forget(d);
		return 0;
	}
	disk_writes_undo(d, &c->writes);
	disk_kernel_restore(d, before);
	disk_forget(d);
	return -1;
}

int disk_change(struct disk *d, const struct disk_edit *edit, struct bp_error *err)
{
	cleanup(change_done) struct change c = { .copy.fd = -1 };

	if (edit_copy(d, edit, &c.copy, &c.after, err) < 0 ||
	    disk_writes_find(d, &c.copy, d->label, edit, &c.writes, err) < 0)
		return -1;
	return carry_out(d, &d->parts, &c, err);
}

/* ---- all anew -------------------------------------------------------------------------------- */

/* A new sun table comes with partitions somebody might want. */
static int remove_examples(struct disk_editor *e, const struct disk *d,
			   const struct disk_label *label, struct bp_error *err)
{
	struct disk_parts seen = { 0 };
	int r = see(d, e, label, &seen, err);

	for (size_t i = 0; r == 0 && i < seen.n; i++)
		r = e->lib.delete_partition(e->cxt, seen.all[i].number - 1);
	free(seen.all);
	return r;
}

/* libfdisk finds nothing, whatever is on the device. */
static int make_label(const struct disk *d, const struct disk_label *label, struct disk_copy *c,
		      struct bp_error *err)
{
	cleanup(editor_done) struct disk_editor e = { .fd = -1 };
	int r;

	if (editor_start(&e, c->fd, err) < 0)
		return -1;
	(void)e.lib.save_user_sector_size(e.cxt, d->shape.physical, d->shape.sector);
	(void)e.lib.enable_listonly(e.cxt, 1);
	r = e.lib.assign_device_by_fd(e.cxt, e.fd, d->path, 0);
	if (r < 0)
		return failed(d, &e, "make a partition table on", r, err);
	(void)e.lib.enable_listonly(e.cxt, 0);
	r = e.lib.create_disklabel(e.cxt, label->fdisk);
	if (r == 0)
		r = remove_examples(&e, d, label, err);
	if (r == 0)
		r = e.lib.write_disklabel(e.cxt);
	return r == 0 || err->code ? r : failed(d, &e, "make a partition table on", r, err);
}

/* libfdisk would let both copies of a GPT lie one over the other. */
static int check_room(const struct disk *d, const struct disk_label *label, struct bp_error *err)
{
	uint64_t sector = d->shape.sector;
	uint64_t least = disk_is_gpt(label) ? 4 * sector + 2ull * DISK_GPT_SIZE : 4 * sector;

	if (d->shape.size >= least)
		return 0;
	return bp_fail(err, BP_FAILED, "device '%s' is too small for a partition table of format "
		       "'%s'", d->path, label->format);
}

int disk_make(struct disk *d, const struct disk_label *label, struct bp_error *err)
{
	cleanup(change_done) struct change c = { .copy = { .fd = -1, .blank = true } };
	struct disk_parts there = { 0 };
	int r;

	if (check_room(d, label, err) < 0)
		return -1;
	do {
		if (disk_copy_make(d, &c.copy, err) < 0 || make_label(d, label, &c.copy, err) < 0)
			return -1;
	} while (disk_copy_refill(d, &c.copy));
	if (disk_writes_find(d, &c.copy, label, NULL, &c.writes, err) < 0)
		return -1;
	disk_kernel_parts(d, &there);
	r = carry_out(d, &there, &c, err);
	free(there.all);
	return r;
}

int disk_clear(struct disk *d, struct bp_error *err)
{
	cleanup(change_done) struct change c = { .copy = { .fd = -1, .blank = true } };

	if (disk_copy_make(d, &c.copy, err) < 0 ||
	    disk_writes_find(d, &c.copy, NULL, NULL, &c.writes, err) < 0)
		return -1;
	return carry_out(d, &d->parts, &c, err);
}
