/* image_create.c - new images in files and on devices, as somebody asks for them. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/image_file.h"
#include "core/image_new.h"
#include "core/image_plan.h"

void bp_image_plan_free(struct bp_image_plan *p)
{
	if (!p)
		return;
	image_options_done(&p->options);
	free(p->path);
	free(p->text);
	free(p);
}

void bp_image_plan_freep(struct bp_image_plan **p)
{
	bp_image_plan_free(*p);
}

const char *bp_image_plan_text(const struct bp_image_plan *p)
{
	return p->text;
}

int image_format_to_make(const char *name, const struct bp_image_format **ret,
			 struct bp_error *err)
{
	*ret = bp_image_format_find(name ? name : "raw");
	if ((!*ret && !bp_image_known_find(name)) || (*ret && strcmp((*ret)->name, "iso") == 0))
		return bp_fail(err, BP_INVALID, "Unknown file format '%s'", name);
	if (!*ret || !(*ret)->create)
		return bp_fail(err, BP_UNSUPPORTED, "Format driver '%s' does not support image "
			       "creation here", name);
	return 0;
}

const char *bp_image_format_word(size_t i, bool *ret_made)
{
	const struct bp_image_format *known = bp_image_known_at(i), *f;

	if (!known)
		return NULL;
	f = bp_image_format_find(known->name);
	*ret_made = f && f->create;
	return known->name;
}

int bp_image_options_help(const char *name, char **ret, struct bp_error *err)
{
	const struct bp_image_format *format;

	if (image_format_to_make(name, &format, err) < 0)
		return -1;
	*ret = image_options_help(format);
	return 0;
}

/* ---- what was said ------------------------------------------------------------------ */

/* What has its own letter, and may not be among the options of a format. */
static int set_own(struct image_options *o, const char *name, const char *what,
		   const char *value, struct bp_error *err)
{
	if (!value)
		return 0;
	if (!image_options_has(o, name))
		return bp_fail(err, BP_INVALID, "Backing file%s not supported for file format '%s'",
			       what, o->format->name);
	return image_options_set(o, name, value, err);
}

static int set_capacity(struct image_options *o, const struct bp_image_wish *w,
			struct bp_error *err)
{
	char text[24];

	if (!w->has_capacity)
		return 0;
	if (image_options_get(o, "size") && !w->capacity_wins)
		return bp_fail(err, BP_INVALID, "The image size must be specified only once");
	snprintf(text, sizeof text, "%" PRIu64, w->capacity);
	return image_options_set(o, "size", text, err);
}

static int read_wish(struct bp_image_plan *p, const struct bp_image_wish *w, struct bp_error *err)
{
	struct image_options *o = &p->options;

	if (image_format_to_make(w->format, &o->format, err) < 0)
		return -1;
	for (size_t i = 0; i < w->n_options; i++)
		if (image_options_parse(o, w->options[i], err) < 0)
			return -1;
	if (set_capacity(o, w, err) < 0 ||
	    set_own(o, "backing_file", "", w->backing, err) < 0)
		return -1;
	return set_own(o, "backing_fmt", " format", w->backing_format, err);
}

/* ---- its backing file ------------------------------------------------------------------ */

static int same_file(const struct bp_image_plan *p, const char *name, const char *path,
		     struct bp_error *err)
{
	struct stat a, b;

	if (strcmp(name, p->path) == 0 ||
	    (stat(path, &a) == 0 && stat(p->path, &b) == 0 &&
	     a.st_dev == b.st_dev && a.st_ino == b.st_ino))
		return bp_fail(err, BP_INVALID, "Error: Trying to create an image with the same "
			       "filename as the backing file");
	return 0;
}

/* Behind it, as QEMU does. */
static int say_more(struct bp_error *err, const char *what)
{
	size_t len = strlen(err->text);

	snprintf(err->text + len, sizeof err->text - len, "%s", what);
	return -1;
}

/* What it looks like is told, for who knows that it can be trusted. */
static int no_format(const char *path, bool look, struct bp_error *err)
{
	const struct bp_image_ref ref = { .path = path, .flags = BP_IMAGE_SHARED };
	cleanup(image_file_done) struct image_file f = { 0 };

	if (!look)
		return bp_fail(err, BP_INVALID, "Backing file specified without backing format");
	if (image_file_open(&ref, false, &f, err) < 0)
		return say_more(err, "\nCould not open backing image.");
	return bp_fail(err, BP_INVALID, "Backing file specified without backing format\n"
		       "Detected format of %s.", f.format->name);
}

/* It is opened with all that it leads to, as it would be to be used.  Who makes an overlay for
 * a machine that runs makes it while the machine still writes here. */
static int backing_capacity(const char *path, const char *format, uint64_t *ret,
			    struct bp_error *err)
{
	const struct bp_image_ref ref = {
		.path = path, .format = format, .flags = BP_IMAGE_SHARED,
	};
	cleanup(image_file_done) struct image_file f = { 0 };
	cleanup(bp_image_info_done) struct bp_image_info info = { 0 };

	if (image_file_open(&ref, false, &f, err) < 0)
		return -1;
	if (bp_image_describe(f.io, f.format, &info, err) < 0)
		return bp_within(err, "'%s'", path);
	*ret = info.capacity;
	return 0;
}

static int see_backing(struct bp_image_plan *p, bool unchecked, struct bp_error *err)
{
	struct image_options *o = &p->options;
	const char *name = image_options_get(o, "backing_file");
	const char *format = image_options_get(o, "backing_fmt");
	auto_free char *path = NULL;
	uint64_t capacity = 0;
	char text[24];

	if (!name && format)
		return bp_fail(err, BP_INVALID,
			       "Backing format cannot be used without backing file");
	if (!name)
		return 0;
	if (!*name)
		return bp_fail(err, BP_INVALID, "Expected backing file name, got empty string");
	if (unchecked && image_file_elsewhere(name))
		path = mem_dup(name);	/* for others: it is not opened here */
	else if (image_file_backing(p->path, name, &path, err) < 0)
		return -1;
	if (same_file(p, name, path, err) < 0)
		return -1;
	if (format && !bp_image_format_find(format))
		return bp_fail(err, BP_INVALID, "Unknown driver '%s'\n"
			       "Could not open backing image.", format);
	if (!format)
		return no_format(path, !unchecked, err);
	if (unchecked)
		return 0;
	if (backing_capacity(path, format, &capacity, err) < 0)
		return say_more(err, "\nCould not open backing image.");
	if (image_options_get(o, "size"))
		return 0;
	snprintf(text, sizeof text, "%" PRIu64, capacity);
	return image_options_set(o, "size", text, err);
}

/* ---- all of it --------------------------------------------------------------------------- */

static int check_capacity(const struct image_options *o, struct bp_error *err)
{
	const char *size = image_options_get(o, "size");

	if (!size)
		return bp_fail(err, BP_INVALID, "Image creation needs a size parameter");
	if (strtoull(size, NULL, 10) > INT64_MAX)
		return bp_fail(err, BP_INVALID, "Image size must be between 0 and %" PRId64,
			       INT64_MAX);
	return 0;
}

int bp_image_plan(const struct bp_image_wish *wish, struct bp_image_plan **ret,
		  struct bp_error *err)
{
	cleanup(bp_image_plan_freep) struct bp_image_plan *p = mem_alloc(sizeof *p);

	p->path = mem_dup(wish->path);
	if (read_wish(p, wish, err) < 0 || see_backing(p, wish->unchecked, err) < 0 ||
	    check_capacity(&p->options, err) < 0)
		return -1;
	p->text = image_options_text(&p->options);
	*ret = steal(p);
	return 0;
}

static void set_nocow(const struct image_options *o, int fd)
{
	struct statfs fs;
	int attr;

	if (!image_options_on(o, "nocow") || fstatfs(fd, &fs) < 0 ||
	    fs.f_type != BTRFS_SUPER_MAGIC || ioctl(fd, FS_IOC_GETFLAGS, &attr) < 0)
		return;
	attr |= FS_NOCOW_FL;
	(void)ioctl(fd, FS_IOC_SETFLAGS, &attr);
}

/* A file system that knows no such hint does without. */
static void set_extent_size(const struct image_options *o, int fd)
{
	const char *value = image_options_get(o, "extent_size_hint");
	uint64_t size = value ? strtoull(value, NULL, 10) : 0;
	struct fsxattr attr;

	if (!size || size > UINT32_MAX || ioctl(fd, FS_IOC_FSGETXATTR, &attr) < 0)
		return;
	attr.fsx_xflags |= FS_XFLAG_EXTSIZE;
	attr.fsx_extsize = (uint32_t)size;
	(void)ioctl(fd, FS_IOC_FSSETXATTR, &attr);
}

void image_set_attributes(const struct image_options *o, int fd)
{
	set_nocow(o, fd);
	set_extent_size(o, fd);
}

int image_plan_spec(const struct bp_image_plan *p, struct bp_image_spec *ret, struct bp_error *err)
{
	const char *slash = strrchr(p->path, '/');

	if (image_options_spec(&p->options, ret, err) < 0)
		return -1;
	ret->name = slash ? slash + 1 : p->path;
	return 0;
}

/* ---- its data file ----------------------------------------------------------------------- */

/* What is not there, or no image, needs no file. */
static int check_apart(const struct bp_image_plan *p, const char *data, struct bp_error *err)
{
	const char *backing = image_options_get(&p->options, "backing_file");
	cleanup(bp_chain_done) struct bp_chain chain = { 0 };
	cleanup(image_file_done) struct image_file f = { 0 };
	struct bp_error ignored = { 0 };
	auto_free char *path = NULL;
	struct bp_image_ref ref = {
		.format = image_options_get(&p->options, "backing_fmt"), .flags = BP_IMAGE_SHARED,
	};

	if (!backing)
		return 0;
	if (image_file_backing(p->path, backing, &path, err) < 0)
		return -1;
	ref.path = path;
	if (image_new_same(data, path))
		return bp_fail(err, BP_INVALID, "'%s' cannot be the data file: it is the backing "
			       "file", data);
	if (image_file_open(&ref, false, &f, &ignored) < 0 ||
	    image_file_chain(&f, ref.flags, &chain, &ignored) < 0)
		return 0;
	return !image_new_in_chain(data, &chain) ? 0 :
	       bp_fail(err, BP_INVALID, "'%s' cannot be the data file: it is part of the backing "
		       "file", data);
}

int image_plan_data(const struct bp_image_plan *p, char **ret, struct bp_error *err)
{
	const char *name = image_options_get(&p->options, "data_file");
	auto_free char *path = NULL;

	if (name && !*name)
		return bp_fail(err, BP_INVALID, "Could not create '': No such file or directory");
	if (name && (image_file_data_path(p->path, name, &path, err) < 0 ||
		     check_apart(p, path, err) < 0))
		return -1;
	*ret = steal(path);
	return 0;
}

int image_plan_begin(const struct bp_image_plan *p, struct image_new *ret, struct bp_error *err)
{
	cleanup(image_new_done) struct image_new n = { 0 };
	auto_free char *data = NULL;

	if (image_plan_data(p, &data, err) < 0 || image_new_begin(p->path, &n, err) < 0)
		return -1;
	if (!n.device)
		image_set_attributes(&p->options, n.io->fd);
	if (data && image_new_data(&n, data, err) < 0)
		return -1;
	if (data && !n.data->device)
		image_set_attributes(&p->options, n.data->io->fd);
	*ret = n;
	n = (struct image_new){ 0 };
	return 0;
}

int bp_image_make(const struct bp_image_plan *p, struct bp_error *err)
{
	cleanup(image_new_done) struct image_new n = { 0 };
	struct bp_image_spec spec;

	if (image_plan_spec(p, &spec, err) < 0 || image_plan_begin(p, &n, err) < 0)
		return -1;
	if (p->options.format->create(n.io, &spec, err) < 0)
		return -1;
	return image_new_publish(&n, err);
}
