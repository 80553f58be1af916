/* disk_fdisk.c - change a partition table: libfdisk, on a copy. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <libfdisk/libfdisk.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/disk.h"
#include "core/base/cleanup.h"
#include "core/base/in_use.h"
#include "core/base/mem.h"

/* ---- a context, and what it has to say ------------------------------------------------ */

struct said {
	char text[200];			/* its last words */
};

static int listen_to(struct fdisk_context *cxt, struct fdisk_ask *ask, void *data)
{
	struct said *said = data;
	const char *words;
	size_t n;

	(void)cxt;
	switch (fdisk_ask_get_type(ask)) {
	case FDISK_ASKTYPE_WARN:
	case FDISK_ASKTYPE_WARNX:
		words = fdisk_ask_print_get_mesg(ask);
		n = words ? strnlen(words, sizeof said->text - 1) : 0;
		while (n && (words[n - 1] == '.' || words[n - 1] == '\n'))
			n--;
		if (n)
			memcpy(said->text, words, n);
		said->text[n] = '\0';
		return 0;
	case FDISK_ASKTYPE_YESNO:
		return fdisk_ask_yesno_set_result(ask, 1);
	case FDISK_ASKTYPE_INFO:
		return 0;
	default:
		return -EINVAL;
	}
}

struct editor {
	struct fdisk_context *cxt;
	struct said said;
	int fd;
};

/* The device is let go of first, or libfdisk would sync all there are. */
static void editor_done(struct editor *e)
{
	if (e->cxt && fdisk_get_devfd(e->cxt) >= 0)
		(void)fdisk_deassign_device(e->cxt, 1);
	fdisk_unref_context(e->cxt);
	closep(&e->fd);
}

static int failed(const struct disk *d, const struct editor *e, const char *what, int r,
		  struct bp_error *err)
{
	if (*e->said.text)
		return bp_fail(err, BP_FAILED, "cannot %s '%s': %s", what, d->path, e->said.text);
	return bp_fail_sys(err, r < 0 ? -r : EINVAL, "cannot %s '%s'", what, d->path);
}

static int editor_open(struct editor *e, const struct disk *d, int fd, struct bp_error *err)
{
	int r;

	e->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	e->cxt = fdisk_new_context();
	if (e->fd < 0 || !e->cxt)
		return bp_fail_sys(err, errno, "cannot use libfdisk");
	(void)fdisk_set_ask(e->cxt, listen_to, &e->said);
	(void)fdisk_enable_listonly(e->cxt, 1);	/* what else is on it has been looked at */
	r = fdisk_assign_device_by_fd(e->cxt, e->fd, d->path, 0);
	if (r < 0)
		return failed(d, e, "read the partition table of", r, err);
	(void)fdisk_enable_listonly(e->cxt, 0);
	(void)fdisk_disable_dialogs(e->cxt, 1);
	return 0;
}

/* ---- the table, as it sees it ----------------------------------------------------------- */

static void free_table(struct fdisk_table **tb) { fdisk_unref_table(*tb); }
static void free_iter(struct fdisk_iter **it) { fdisk_free_iter(*it); }
static void free_pa(struct fdisk_partition **pa) { fdisk_unref_partition(*pa); }

/* Some tables tell of themselves and of all the device as partitions. */
static bool is_ours(const struct disk_label *label, struct fdisk_partition *pa)
{
	struct fdisk_parttype *t = fdisk_partition_get_type(pa);
	unsigned code = t ? fdisk_parttype_get_code(t) : 0;

	if (disk_is_dos(label) || disk_is_gpt(label))
		return true;
	return !fdisk_partition_is_wholedisk(pa) && code != 0 &&
	       (strcmp(label->format, "dvh") != 0 || code != 6);
}

static int see(const struct disk *d, const struct editor *e, const struct disk_label *label,
	       struct disk_parts *ret, struct bp_error *err)
{
	cleanup(free_iter) struct fdisk_iter *it = fdisk_new_iter(FDISK_ITER_FORWARD);
	cleanup(free_table) struct fdisk_table *tb = NULL;
	struct fdisk_partition *pa;
	int r = fdisk_get_partitions(e->cxt, &tb);

	if (r < 0)
		return failed(d, e, "read the partition table of", r, err);
	while (fdisk_table_next_partition(tb, it, &pa) == 0) {
		struct disk_part *p;

		if (!fdisk_partition_has_start(pa) || !fdisk_partition_has_size(pa) ||
		    !is_ours(label, pa))
			continue;
		p = array_add(ret->all, ret->n);
		p->number = (unsigned)fdisk_partition_get_partno(pa) + 1;
		p->kind = fdisk_partition_is_nested(pa) ? DISK_LOGICAL :
			  fdisk_partition_is_container(pa) ? DISK_EXTENDED : DISK_PRIMARY;
		p->start = fdisk_partition_get_start(pa) * d->shape.sector;
		p->size = fdisk_partition_get_size(pa) * d->shape.sector;
	}
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
static int agree(const struct disk *d, const struct editor *e, struct bp_error *err)
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

static int set_type(struct fdisk_context *cxt, struct fdisk_partition *pa, const char *word,
		    struct bp_error *err)
{
	struct fdisk_parttype *type =
		fdisk_label_parse_parttype(fdisk_get_label(cxt, NULL), word);

	if (!type)
		return bp_fail(err, BP_INTERNAL, "libfdisk knows no partition type '%s'", word);
	(void)fdisk_partition_set_type(pa, type);
	fdisk_unref_parttype(type);
	return 0;
}

static uint64_t size_of(struct fdisk_context *cxt, size_t n)
{
	cleanup(free_pa) struct fdisk_partition *pa = NULL;

	return fdisk_get_partition(cxt, n, &pa) == 0 && fdisk_partition_has_size(pa) ?
	       fdisk_partition_get_size(pa) : 0;
}

/* In a dvh table they come out a sector short. */
static int add(struct fdisk_context *cxt, struct fdisk_partition *pa, uint64_t size,
	       size_t *ret_made)
{
	uint64_t got;
	int r;

	(void)fdisk_partition_set_size(pa, size);
	(void)fdisk_partition_size_explicit(pa, 1);
	r = fdisk_add_partition(cxt, pa, ret_made);
	got = r == 0 ? size_of(cxt, *ret_made) : size;
	if (r < 0 || got + 1 != size)
		return r;
	r = fdisk_delete_partition(cxt, *ret_made);
	(void)fdisk_partition_set_size(pa, size + 1);
	return r < 0 ? r : fdisk_add_partition(cxt, pa, ret_made);
}

int disk_edit_add(struct fdisk_context *cxt, const struct disk_edit *e, struct bp_error *err)
{
	cleanup(free_pa) struct fdisk_partition *pa = fdisk_new_partition();
	uint64_t sector = fdisk_get_sector_size(cxt);
	size_t made = 0;
	int r;

	if (set_type(cxt, pa, e->type, err) < 0)
		return -1;
	(void)fdisk_partition_set_start(pa, e->start / sector);
	if (e->kind != DISK_LOGICAL)
		(void)fdisk_partition_set_partno(pa, e->number - 1);
	if (e->name)
		(void)fdisk_partition_set_name(pa, e->name);
	r = add(cxt, pa, e->size / sector, &made);
	if (r == 0 && made + 1 == e->number && size_of(cxt, made) == e->size / sector)
		return 0;
	return bp_fail_sys(err, r < 0 ? -r : EINVAL, "libfdisk does not make partition %u",
			   e->number);
}

int disk_edit_remove(struct fdisk_context *cxt, const struct disk_edit *e, struct bp_error *err)
{
	int r = fdisk_delete_partition(cxt, e->number - 1);

	return r == 0 ? 0 : bp_fail_sys(err, r < 0 ? -r : EINVAL,
					"libfdisk does not delete partition %u", e->number);
}

/* Of other tables libfdisk makes partitions, but does not change them. */
static int make_again(struct fdisk_context *cxt, const struct disk_edit *e)
{
	cleanup(free_pa) struct fdisk_partition *old = NULL, *pa = fdisk_new_partition();
	size_t made;
	int r = fdisk_get_partition(cxt, e->number - 1, &old);

	if (r == 0)
		r = fdisk_delete_partition(cxt, e->number - 1);
	if (r < 0)
		return r;
	(void)fdisk_partition_set_type(pa, fdisk_partition_get_type(old));
	(void)fdisk_partition_set_start(pa, fdisk_partition_get_start(old));
	(void)fdisk_partition_set_partno(pa, e->number - 1);
	return add(cxt, pa, e->size / fdisk_get_sector_size(cxt), &made);
}

static int set_size(struct fdisk_context *cxt, const struct disk_edit *e)
{
	cleanup(free_pa) struct fdisk_partition *pa = fdisk_new_partition();

	(void)fdisk_partition_set_size(pa, e->size / fdisk_get_sector_size(cxt));
	(void)fdisk_partition_size_explicit(pa, 1);
	return fdisk_set_partition(cxt, e->number - 1, pa);
}

int disk_edit_resize(struct fdisk_context *cxt, const struct disk_edit *e, struct bp_error *err)
{
	bool usual = fdisk_is_label(cxt, DOS) || fdisk_is_label(cxt, GPT);
	int r = usual ? set_size(cxt, e) : make_again(cxt, e);

	return r == 0 ? 0 : bp_fail_sys(err, r < 0 ? -r : EINVAL,
					"libfdisk does not resize partition %u", e->number);
}

/* A GPT's copy is put right whenever the table is written. */
int disk_edit_nothing(struct fdisk_context *cxt, const struct disk_edit *e, struct bp_error *err)
{
	(void)e;
	(void)err;
	fdisk_label_set_changed(fdisk_get_label(cxt, NULL), 1);
	return 0;
}

/* ---- the copy ------------------------------------------------------------------------------ */

/* What libfdisk holds as the device becomes the copy at the moment it writes. */
static int write_copy(const struct disk *d, struct editor *e, const struct disk_copy *c,
		      struct bp_error *err)
{
	int r;

	if (dup3(c->fd, e->fd, O_CLOEXEC) < 0)
		return bp_fail_sys(err, errno, "cannot keep a copy of a partition table");
	r = fdisk_write_disklabel(e->cxt);
	return r < 0 ? failed(d, e, "change the partition table of", r, err) : 0;
}

static int edit_once(const struct disk *d, const struct disk_edit *edit, struct disk_copy *c,
		     struct disk_parts *after, struct bp_error *err)
{
	cleanup(editor_done) struct editor e = { .fd = -1 };

	free(after->all);
	*after = (struct disk_parts){ 0 };
	if (disk_copy_make(d, c, err) < 0 || editor_open(&e, d, d->fd, err) < 0)
		return -1;
	if (!fdisk_has_label(e.cxt))
		return failed(d, &e, "read the partition table of", -EINVAL, err);
	if (agree(d, &e, err) < 0)
		return -1;
	if (disk_is_dos(d->label))
		(void)fdisk_set_first_lba(e.cxt, d->first / d->shape.sector);
	if (edit->edit(e.cxt, edit, err) < 0)
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
static int remove_examples(struct editor *e, const struct disk *d, const struct disk_label *label,
			   struct bp_error *err)
{
	struct disk_parts seen = { 0 };
	int r = see(d, e, label, &seen, err);

	for (size_t i = 0; r == 0 && i < seen.n; i++)
		r = fdisk_delete_partition(e->cxt, seen.all[i].number - 1);
	free(seen.all);
	return r;
}

/* libfdisk finds nothing, whatever is on the device. */
static int make_label(const struct disk *d, const struct disk_label *label, struct disk_copy *c,
		      struct bp_error *err)
{
	cleanup(editor_done) struct editor e = { .fd = -1 };
	int r;

	e.cxt = fdisk_new_context();
	e.fd = fcntl(c->fd, F_DUPFD_CLOEXEC, 3);
	if (!e.cxt || e.fd < 0)
		return bp_fail_sys(err, errno, "cannot use libfdisk");
	(void)fdisk_set_ask(e.cxt, listen_to, &e.said);
	(void)fdisk_save_user_sector_size(e.cxt, d->shape.physical, d->shape.sector);
	(void)fdisk_enable_listonly(e.cxt, 1);
	r = fdisk_assign_device_by_fd(e.cxt, e.fd, d->path, 0);
	if (r < 0)
		return failed(d, &e, "make a partition table on", r, err);
	(void)fdisk_enable_listonly(e.cxt, 0);
	r = fdisk_create_disklabel(e.cxt, label->fdisk);
	if (r == 0)
		r = remove_examples(&e, d, label, err);
	if (r == 0)
		r = fdisk_write_disklabel(e.cxt);
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
