/* image_file.c - see image_file.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/image_file.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/access.h"
#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/in_use.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/image_part.h"

void image_file_done(struct image_file *f)
{
	io_close(f->io);
	free(f->path);
	free(f->snapshot);
	*f = (struct image_file){ 0 };
}

/* Nothing but bytes with a size is opened: no pipe waits, no terminal is taken. */
static int open_path(const char *path, bool write, struct bp_io **ret, struct stat *ret_st,
		     struct bp_error *err)
{
	int fd = open(path, (write ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return fail_access(err, errno, path, write ? ACCESS_WRITE : ACCESS_READ,
				   "Could not open '%s'", path);
	if (fstat(fd, ret_st) < 0) {
		bp_fail_sys(err, errno, "cannot stat '%s'", path);
	} else if (!S_ISREG(ret_st->st_mode) && !S_ISBLK(ret_st->st_mode)) {
		bp_fail(err, BP_INVALID, "'%s' is neither a file nor a block device", path);
	} else {
		*ret = io_of_fd(fd, path);
		return 0;
	}
	close(fd);
	return -1;
}

static int find_format(struct bp_io *io, const char *path, const char *name,
		       const struct bp_image_format **ret, struct bp_error *err)
{
	struct bp_image_info info;

	if (name) {
		*ret = bp_image_known_find(name);
		return *ret ? 0 : bp_fail(err, BP_INVALID, "unknown image format '%s'", name);
	}
	/* Such an image shows itself where its guest writes, but who calls a file so knows. */
	if (bp_image_probe_known(io, ends_with(path, ".dmg"), &info, err) < 0)
		return bp_within(err, "'%s'", path);
	*ret = bp_image_known_find(info.format);
	bp_image_info_done(&info);
	return 0;
}

static bool is_raw(const struct bp_image_format *format)
{
	return strcmp(format->name, "raw") == 0;
}

/* Who says that it may be written to meanwhile does not keep others from doing it. */
static int lock_for_reading(struct bp_io *io, const char *path,
			    const struct bp_image_format *format, unsigned flags,
			    struct bp_error *err)
{
	return flags & BP_IMAGE_SHARED ? 0 : in_use_read(path, io, is_raw(format), err);
}

/* Whoever was killed when he made it anew has left something beside it. */
static void sweep(const char *path, const struct bp_io *io, const struct stat *st)
{
	auto_free char *real = NULL;
	struct stat here;

	if (!S_ISREG(st->st_mode))
		return;
	if (lstat(path, &here) < 0 || !device_same_file(&here, st))	/* it is a link */
		path = real = file_path_of(io->fd);
	if (path)
		image_part_sweep(path);
}

int image_file_open(const struct bp_image_ref *ref, bool write, struct image_file *ret,
		    struct bp_error *err)
{
	cleanup(image_file_done) struct image_file f = {
		.path = mem_dup(ref->path), .snapshot = mem_dup(ref->snapshot),
		.probed = !ref->format, .write = write,
		.trusted = ref->flags & BP_IMAGE_TRUST_LOOKS,
	};
	struct stat st;

	if (open_path(ref->path, write, &f.io, &st, err) < 0 ||
	    (write && in_use_claim(ref->path, f.io, false, err) < 0) ||
	    find_format(f.io, ref->path, ref->format, &f.format, err) < 0 ||
	    (!write && lock_for_reading(f.io, ref->path, f.format, ref->flags, err) < 0))
		return -1;
	if (write)
		sweep(ref->path, f.io, &st);
	*ret = f;
	f = (struct image_file){ 0 };
	return 0;
}

/* ---- names in images -------------------------------------------------------------- */

/* "nbd:", "json:" and the like: letters, digits, + and - before a colon. */
bool image_file_elsewhere(const char *name)
{
	const char *p = name;

	while (isalnum((unsigned char)*p) || *p == '+' || *p == '-')
		p++;
	return p > name && *p == ':';
}

static int path_of(const char *from, const char *what, const char *name, char **ret,
		   struct bp_error *err)
{
	const char *slash = strrchr(from, '/');

	if (starts_with(name, IMAGE_FILE_WORD)) {	/* from where we are, not from the image */
		*ret = mem_dup(name + strlen(IMAGE_FILE_WORD));
		return 0;
	}
	if (image_file_elsewhere(name))
		return bp_fail(err, BP_UNSUPPORTED, "'%s' has the %s file '%s', which is no plain "
			       "file", from, what, name);
	*ret = *name == '/' || !slash ? mem_dup(name) :
	       mem_printf("%.*s/%s", (int)(slash - from), from, name);
	return 0;
}

int image_file_backing(const char *from, const char *name, char **ret, struct bp_error *err)
{
	return path_of(from, "backing", name, ret, err);
}

int image_file_data_path(const char *from, const char *name, char **ret, struct bp_error *err)
{
	return path_of(from, "data", name, ret, err);
}

/* ---- the files of a chain ------------------------------------------------------- */

struct gate {
	struct file_id {
		dev_t dev;
		ino_t ino;
		dev_t rdev;		/* of a block device */
		bool data;		/* of an image */
	} *seen;
	size_t n, layers;		/* files, and those that are no data files */
	unsigned flags;
	struct stat first;
	bool guessed;			/* nobody said what that is */
	bool write;			/* the image that was opened last is for changes */
	bool into;			/* one of them is opened for changes: */
	const char *target;		/* this; NULL: the first */
	size_t depth;			/* which it was; 0: it has not come yet */
};

static void gate_done(struct gate *gate)
{
	free(gate->seen);
}

static bool same_file(const struct file_id *f, const struct stat *st)
{
	return S_ISBLK(st->st_mode) ? f->rdev && f->rdev == st->st_rdev :
				      f->dev == st->st_dev && f->ino == st->st_ino;
}

static int pass(struct gate *gate, const char *path, const struct stat *st, bool data,
		struct bp_error *err)
{
	const struct file_id file = {
		st->st_dev, st->st_ino, S_ISBLK(st->st_mode) ? st->st_rdev : 0, data
	};

	for (size_t i = 0; i < gate->n; i++) {
		if (!same_file(&gate->seen[i], st))
			continue;
		return data || gate->seen[i].data ?
		       bp_fail(err, BP_CORRUPT, "'%s' is used twice, as a data file and otherwise",
			       path) :
		       bp_fail(err, BP_CORRUPT, "'%s' is a backing file of itself", path);
	}
	*array_add(gate->seen, gate->n) = file;
	gate->layers += !data;
	return 0;
}

/* An image that does not say what its backing file is: a guest may have written what
 * that looks like, so what it looks like must not lead to yet another file. */
int image_file_guess(struct bp_io *io, const char *from, const char *path,
		     const struct bp_image_format **ret, struct bp_error *err)
{
	cleanup(bp_image_info_done) struct bp_image_info info = { 0 };
	cleanup(bp_image_parts_done) struct bp_image_parts parts = { 0 };
	const struct bp_image_format *f;

	if (bp_image_probe_known(io, false, &info, err) < 0)
		return bp_within(err, "'%s'", path);
	f = bp_image_known_find(info.format);
	if (f->parts && f->parts(io, &parts, err) < 0)
		return bp_within(err, "'%s'", path);
	if (info.backing || info.data_file || parts.n)
		return bp_fail(err, BP_DENIED, "'%s' does not say which format its backing file "
			       "'%s' has, and that names another file: the format must be "
			       "recorded first", from, path);
	*ret = f;
	return 0;
}

/* A name that is not absolute is seen from where the image is that has the file below it. */
static bool is_target(const struct gate *gate, const char *from, const char *name,
		      const char *path)
{
	struct bp_error ignored = { 0 };
	auto_free char *target = NULL;
	struct stat a, b;

	if (!gate->into || gate->depth)
		return false;
	if (!gate->target || strcmp(gate->target, name) == 0)
		return true;
	return image_file_backing(from, gate->target, &target, &ignored) == 0 &&
	       stat(target, &a) == 0 && stat(path, &b) == 0 && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

/* A device, or a file whose name says so: its guest writes what he likes. */
static bool is_raw_disk(const char *path, const struct stat *st)
{
	static const char *const names[] = { "raw", "img", "dd" };
	const char *dot = strrchr(path, '.');

	for (size_t i = 0; dot && i < array_size(names); i++)
		if (strcasecmp(dot + 1, names[i]) == 0)
			return true;
	return S_ISBLK(st->st_mode);
}

int image_file_may_lead(const char *from, const struct stat *st, const char *name,
			struct bp_error *err)
{
	if (!is_raw_disk(from, st))
		return 0;
	return bp_fail(err, BP_DENIED, "'%s' looks like an image that is based on another file, "
		       "'%s', but nobody says that it is one: if no guest can have written that, "
		       "say which format it has", from, name);
}

static int open_backing(void *arg, const char *from, const struct bp_image_info *info,
			struct bp_io **ret, char **ret_name,
			const struct bp_image_format **ret_format,
			struct bp_error *err)
{
	cleanup(io_closep) struct bp_io *io = NULL;
	struct gate *gate = arg;
	auto_free char *path = NULL;
	struct stat st;
	bool write;

	if (gate->layers == 1 && gate->guessed &&
	    image_file_may_lead(from, &gate->first, info->backing, err) < 0)
		return -1;
	if (image_file_backing(from, info->backing, &path, err) < 0)
		return bp_within(err, "backing file of '%s'", from);
	write = is_target(gate, from, info->backing, path);
	if (open_path(path, write, &io, &st, err) < 0 ||
	    pass(gate, path, &st, false, err) < 0 ||
	    (write && in_use_claim(path, io, false, err) < 0))
		return bp_within(err, "backing file of '%s'", from);
	if ((info->backing_format ? find_format(io, path, info->backing_format, ret_format, err) :
				    image_file_guess(io, from, path, ret_format, err)) < 0)
		return -1;
	gate->write = write;
	if (write)
		gate->depth = gate->layers - 1;
	else if (lock_for_reading(io, path, *ret_format, gate->flags, err) < 0)
		return bp_within(err, "backing file of '%s'", from);
	*ret = steal(io);
	*ret_name = steal(path);
	return 0;
}

/* Its bytes must have come from somebody who is trusted: a guest may let its raw disk look
 * like an image whose data are in a file that is none of its business. */
static int check_guess(const struct gate *gate, const char *from, const char *name,
		       struct bp_error *err)
{
	if (gate->layers > 1 || !gate->guessed)
		return 0;
	return bp_fail(err, BP_DENIED, "'%s' looks like an image whose data are in another file, "
		       "'%s', but nobody says that it is one: if no guest can have written that, "
		       "say which format it has", from, name);
}

static int open_data(void *arg, const char *from, const struct bp_image_info *info,
		     struct bp_io **ret, char **ret_name, struct bp_error *err)
{
	cleanup(io_closep) struct bp_io *io = NULL;
	auto_free char *path = NULL;
	struct gate *gate = arg;
	struct stat st;

	if (!info->data_file)
		return bp_fail(err, BP_INVALID, "'data-file' is required for this image: '%s' does "
			       "not say which file its data are in", from);
	if (check_guess(gate, from, info->data_file, err) < 0 ||
	    path_of(from, "data", info->data_file, &path, err) < 0)
		return -1;
	if (open_path(path, gate->write, &io, &st, err) < 0 ||
	    pass(gate, path, &st, true, err) < 0 ||
	    (gate->write ? in_use_claim(path, io, false, err) < 0 :
			   !(gate->flags & BP_IMAGE_SHARED) &&
			   in_use_read(path, io, false, err) < 0))
		return bp_within(err, "data file of '%s'", from);
	*ret = steal(io);
	*ret_name = steal(path);
	return 0;
}

/* Does it lead out of the directory that it is seen from? */
static bool leads_away(const char *name)
{
	if (*name == '/')
		return true;
	for (const char *p = name; p; p = strchr(p, '/')) {
		p += *p == '/';
		if (strncmp(p, "..", 2) == 0 && (p[2] == '/' || !p[2]))
			return true;
	}
	return false;
}

/* A file with a part of the image's data is where the image is. */
static int open_part(void *arg, const char *from, const char *name, struct bp_io **ret,
		     struct bp_error *err)
{
	cleanup(io_closep) struct bp_io *io = NULL;
	struct gate *gate = arg;
	auto_free char *path = NULL;
	struct stat st;

	if (image_file_elsewhere(name) || leads_away(name))
		return bp_fail(err, BP_DENIED, "'%s' has data in '%s', which is no file beside it",
			       from, name);
	if (check_guess(gate, from, name, err) < 0 ||
	    image_file_backing(from, name, &path, err) < 0)
		return -1;
	if (open_path(path, false, &io, &st, err) < 0 || pass(gate, path, &st, true, err) < 0 ||
	    lock_for_reading(io, path, bp_image_known_find("raw"), gate->flags, err) < 0)
		return bp_within(err, "data of '%s'", from);
	*ret = steal(io);
	return 0;
}

/* The image itself is the first that passes. */
static int pass_first(struct gate *gate, const struct image_file *f, struct bp_error *err)
{
	struct stat st;

	if (fstat(f->io->fd, &st) < 0)
		return bp_fail_sys(err, errno, "cannot stat '%s'", f->path);
	gate->guessed = f->probed && !f->trusted;
	gate->first = st;
	gate->write = f->write;
	return pass(gate, f->path, &st, false, err);
}

int image_file_chain(const struct image_file *f, unsigned flags, struct bp_chain *ret,
		     struct bp_error *err)
{
	cleanup(gate_done) struct gate gate = { .flags = flags };
	const struct bp_opener opener = {
		open_backing, open_data, &gate, flags & BP_IMAGE_NO_BACKING, open_part
	};

	if (pass_first(&gate, f, err) < 0)
		return -1;
	return bp_chain_open(f->io, f->path, f->format, f->snapshot, &opener, ret, err);
}

int image_file_data(const struct image_file *f, const struct bp_image_info *info,
		    struct bp_error *err)
{
	cleanup(gate_done) struct gate gate = { 0 };
	auto_free char *name = NULL;

	if (f->io->data || !(info->features & BP_FEATURE_DATA_FILE))
		return 0;
	return pass_first(&gate, f, err) < 0 ? -1 :
	       open_data(&gate, f->path, info, &f->io->data, &name, err);
}

int image_file_chain_into(const struct image_file *f, const char *target, struct bp_chain *ret,
			  size_t *ret_depth, struct bp_error *err)
{
	cleanup(gate_done) struct gate gate = { .into = true, .target = target };
	const struct bp_opener opener = { open_backing, open_data, &gate, false, open_part };
	struct bp_chain chain;

	if (pass_first(&gate, f, err) < 0 ||
	    bp_chain_open(f->io, f->path, f->format, NULL, &opener, &chain, err) < 0)
		return -1;
	if (!gate.depth) {
		bp_chain_done(&chain);
		return target ? bp_fail(err, BP_INVALID, "Did not find '%s' in the backing chain "
					"of '%s'", target, f->path) :
				bp_fail(err, BP_INVALID, "Image does not have a backing file");
	}
	*ret = chain;
	*ret_depth = gate.depth;
	return 0;
}

int image_file_chain_below(const struct image_file *f, const char *name, const char *format,
			   struct bp_chain *ret, struct bp_error *err)
{
	cleanup(bp_image_info_done) struct bp_image_info as_if = {
		.backing = mem_dup(name), .backing_format = mem_dup(format),
	};
	cleanup(gate_done) struct gate gate = { 0 };
	const struct bp_opener opener = { open_backing, open_data, &gate, false, open_part };
	cleanup(io_closep) struct bp_io *io = NULL;
	const struct bp_image_format *kind;
	auto_free char *path = NULL;

	if (pass_first(&gate, f, err) < 0)
		return -1;
	gate.guessed = false;		/* somebody names that one now */
	if (open_backing(&gate, f->path, &as_if, &io, &path, &kind, err) < 0 ||
	    bp_chain_open(io, path, kind, NULL, &opener, ret, err) < 0)
		return -1;
	ret->layers[0].io_ours = true;
	(void)steal(io);
	return 0;
}
