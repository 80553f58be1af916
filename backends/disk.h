/* disk.h - between the files of the pool type disk: a device and the partitions on it.
 *
 * Partitions are read by libblkid (disk_table.c) and changed by libfdisk, which is
 * opened for that (disk_library.h), on a copy of the table in memory (disk_fdisk.c);
 * what differs afterwards is brought to the device in an order that leaves, whenever
 * it is cut off, the old table or the new (disk_write.c).  The kernel is told of each
 * partition that comes, goes or changes (disk_kernel.c), and never made to read the
 * table anew: it would not, while any partition is in use.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_BACKENDS_DISK_H
#define BP_BACKENDS_DISK_H

#include "backends/blocks.h"

#define DISK_ENDS (1ull << 20)	/* at either end of a device: where tables are */
#define DISK_GPT_SIZE 16384u	/* of the 128 entries of a GPT */

/* ---- kinds of tables, kinds of partitions (disk_label.c) ----------------------- */

enum { DISK_DOS_PRIMARIES = 4 };

struct disk_label {
	const char *format;		/* of a pool */
	const char *blkid;		/* libblkid's word */
	const char *fdisk;		/* libfdisk's; NULL: it cannot be made or changed */
	unsigned max;			/* partitions */
};

/* NULL: nobody knows. */
const struct disk_label *disk_label_of_format(const char *format);
const struct disk_label *disk_label_of_blkid(const char *word);

bool disk_is_dos(const struct disk_label *label);
bool disk_is_gpt(const struct disk_label *label);
bool disk_is_bsd(const struct disk_label *label);

/* The type of a partition as a table has it: a number, or a GUID's text. */
const char *disk_format_of_code(const struct disk_label *label, int code);
const char *disk_format_of_guid(const char *guid);

/* And back; NULL: such a table has none for it.  The text is libfdisk's. */
const char *disk_type_of_format(const struct disk_label *label, const char *format);

/* ---- a table (disk_table.c) ------------------------------------------------------- */

enum disk_kind { DISK_PRIMARY, DISK_EXTENDED, DISK_LOGICAL };

struct disk_part {
	unsigned number;
	enum disk_kind kind;
	uint64_t start, size;		/* bytes */
	const char *format;		/* of a volume; lives for ever */
};

struct disk_parts {
	struct disk_part *all;
	size_t n;
};

struct disk {
	const char *path;		/* as the definition has it; borrowed */
	char *node;			/* of a partition, but for its number: "/dev/loop0p" */
	const char *stem;		/* of a partition's name; part of node */
	int fd;				/* for reading; for writing while it is changed */
	dev_t dev;
	bool mapped;			/* by device-mapper: others map its partitions */
	struct blocks_shape shape;

	bool known;			/* what follows has been read */
	const struct disk_label *label;	/* NULL: there is none */
	struct disk_parts parts;	/* by number */
	uint64_t *chain;		/* records of a dos table, by byte; the first is 0 */
	size_t n_chain;
	uint64_t first, end;		/* where partitions may be */
	uint64_t grain;			/* their starts are multiples of it, or aligned */
	unsigned max;			/* how many there may be */

	struct blocks_names names;	/* for paths, read when first asked for */
	bool named;
};

int disk_open(const struct bp_pool *p, struct disk *ret, struct bp_error *err);
void disk_done(struct disk *d);

/* Read the table, if it is not known. */
int disk_read(struct disk *d, struct bp_error *err);
void disk_forget(struct disk *d);

const struct disk_part *disk_part_find(const struct disk_parts *parts, unsigned number);
const struct disk_part *disk_part_extended(const struct disk_parts *parts);

/* ---- what is free (disk_free.c) ------------------------------------------------------ */

/* An area without a partition.  In the extended one: where a logical one could be. */
struct disk_free {
	uint64_t start, end;
	bool logical;
};

/* All of them, by start; the caller frees. */
struct disk_free *disk_free_areas(const struct disk *d, size_t *ret_n);

/* May the table be changed?  Not if it contradicts itself (BP_CORRUPT). */
int disk_check_sound(struct disk *d, struct bp_error *err);

/* ---- what a table says itself (disk_bounds.c) --------------------------------------- */

void disk_find_bounds(struct disk *d);	/* first, end, grain, max */
void disk_number_bsd(struct disk *d);	/* numbers by place, not by count */

/* ---- names (disk_name.c) ------------------------------------------------------------ */

/* "/dev/loop0p" for /dev/loop0: what comes before the number.  path: as given;
 * real: without links; mapped: a device-mapper device, with its name. */
char *disk_node_before_number(const char *path, const char *real, const char *mapped,
			      enum bp_yes_no separator);

char *disk_part_name(const struct disk *d, unsigned number);
char *disk_part_node(const struct disk *d, unsigned number);

/* The path a volume goes by, in the pool's target.  The caller frees. */
char *disk_part_path(const struct bp_pool *p, struct disk *d, unsigned number);

/* Wait until udev has made the name of a partition in the pool's target, if it makes
 * one of the disk.  The device is not locked after that. */
void disk_wait_for_name(const struct bp_pool *p, struct disk *d, unsigned number);

/* The partition of this name; NULL: none. */
const struct disk_part *disk_part_named(const struct disk *d, const char *name);

/* ---- the chain of a dos table (disk_chain.c) ------------------------------------------ */

/* Find the sectors that it consists of; a loop or a chain without end is BP_CORRUPT.
 * On what is no dos table: none. */
int disk_chain_read(struct disk *d, struct bp_error *err);

/* Does a protective record have other partitions, too? */
int disk_is_hybrid(const struct disk *d, bool *ret, struct bp_error *err);

/* ---- changing (disk_fdisk.c, disk_write.c, disk_kernel.c) ------------------------------- */

struct disk_editor;

/* What is to be done to a table: by libfdisk, on a copy.  after: the table then. */
struct disk_edit {
	int (*edit)(struct disk_editor *ed, const struct disk_edit *e, struct bp_error *err);
	unsigned number;
	enum disk_kind kind;
	uint64_t start, size;
	const char *type, *name;
	bool grow;			/* what encloses goes before what is enclosed */
};

int disk_edit_add(struct disk_editor *ed, const struct disk_edit *e, struct bp_error *err);
int disk_edit_remove(struct disk_editor *ed, const struct disk_edit *e, struct bp_error *err);
int disk_edit_resize(struct disk_editor *ed, const struct disk_edit *e, struct bp_error *err);
int disk_edit_nothing(struct disk_editor *ed, const struct disk_edit *e, struct bp_error *err);

/* Open for writing, and lock: d->fd is for writing from now on, and the table has to
 * be read anew.  flags: O_EXCL, or 0. */
int disk_begin(struct disk *d, int flags, struct bp_error *err);

/* Do it: all of it, or nothing. */
int disk_change(struct disk *d, const struct disk_edit *e, struct bp_error *err);

/* Make an empty table over whatever is there; take away what is there. */
int disk_make(struct disk *d, const struct disk_label *label, struct bp_error *err);
int disk_clear(struct disk *d, struct bp_error *err);

/* A copy of parts of the device, which libfdisk writes to. */
struct disk_copy {
	int fd;				/* in memory, as large as the device */
	struct disk_span { uint64_t at, len; bool zeros; } *spans;	/* that were filled */
	size_t n;
	bool blank;			/* its ends are zeros, not the device's */
};

/* Once more after disk_copy_refill() has said so. */
int disk_copy_make(const struct disk *d, struct disk_copy *c, struct bp_error *err);
bool disk_copy_refill(const struct disk *d, struct disk_copy *c);
void disk_copy_done(struct disk_copy *c);

/* What of the copy differs from the device, and its way there and back. */
struct disk_writes {
	struct disk_write {
		uint64_t at;
		size_t len;
		char *bytes, *old;
		int rank;		/* lower ones first, and synced before the next */
	} *all;
	size_t n, done;
};

int disk_writes_find(const struct disk *d, const struct disk_copy *c,
		     const struct disk_label *label, const struct disk_edit *e,
		     struct disk_writes *ret, struct bp_error *err);
int disk_writes_do(struct disk *d, struct disk_writes *w, struct bp_error *err);
void disk_writes_undo(struct disk *d, struct disk_writes *w);
void disk_writes_done(struct disk_writes *w);

/* The partitions the kernel knows; the caller frees all. */
void disk_kernel_parts(const struct disk *d, struct disk_parts *ret);

/* May the table be changed?  Of what device-mapper makes the kernel keeps no partitions,
 * and could not be told. */
int disk_kernel_listens(const struct disk *d, struct bp_error *err);

/* The number of a partition's device; false: it does not know it. */
bool disk_kernel_number(const struct disk *d, unsigned number, dev_t *ret);

/* Take from the kernel what is in one table and not in the other; BP_BUSY, and all
 * as before, if one of them is in use. */
int disk_kernel_remove(struct disk *d, const struct disk_parts *old,
		       const struct disk_parts *new, struct bp_error *err);

/* Tell it of what is new, or has another size; all as before if that fails. */
int disk_kernel_add(struct disk *d, const struct disk_parts *old,
		    const struct disk_parts *new, struct bp_error *err);

/* Let it know these, and no others, as far as it listens. */
void disk_kernel_restore(struct disk *d, const struct disk_parts *parts);

/* ---- slots (disk_volumes.c, disk_change.c) --------------------------------------------- */

struct disk *disk_of(const struct bp_pool *p);

int disk_vols_open(struct bp_pool *p, unsigned want, void **ret, struct bp_error *err);
int disk_vols_next(struct bp_pool *p, void *cursor, struct bp_vol_info *ret, struct bp_error *err);
void disk_vols_close(struct bp_pool *p, void *cursor);
int disk_vol_find(struct bp_pool *p, const char *vol, unsigned want, struct bp_vol_info **ret,
		  struct bp_error *err);
int disk_vol_of_path(struct bp_pool *p, const char *path, char **ret_vol, struct bp_error *err);
int disk_vol_open(struct bp_pool *p, const char *vol, enum bp_vol_access access,
		  struct bp_io **ret, struct bp_error *err);
int disk_vol_create(struct bp_pool *p, const struct bp_vol_spec *spec, unsigned flags,
		    const struct bp_filler *filler, struct bp_error *err);
int disk_vol_resize(struct bp_pool *p, const char *vol, uint64_t capacity, unsigned flags,
		    struct bp_error *err);
int disk_vol_delete(struct bp_pool *p, const char *vol, unsigned flags, struct bp_error *err);

#endif
