/* image_qemu_change.c - images changed and checked by QEMU's own program, where that is
 * asked for.
 *
 * It changes a copy, which takes the image's place when it has been found whole.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/copy.h"
#include "core/image_file.h"
#include "core/image_new.h"
#include "core/qemu_img.h"

struct change {
	const struct bp_image_ref *image;
	struct image_new new;
	char *to;			/* the copy, as QEMU finds it */
};

static void change_done(struct change *c)
{
	image_new_done(&c->new);
	free(c->to);
}

/* Nothing is told by what a guest may have written. */
static int check_ref(const struct bp_image_ref *image, struct bp_error *err)
{
	if (!image->format)
		return bp_fail(err, BP_INVALID, "QEMU's qemu-img is only run for a format that is "
			       "said (-f)");
	if (!bp_image_known_find(image->format))
		return bp_fail(err, BP_INVALID, "unknown image format '%s'", image->format);
	return qemu_img_find("this would be done", err);
}

/* What it names would be looked for beside the copy, which is nowhere. */
static int check_alone(struct bp_io *io, const struct bp_image_ref *image, struct bp_error *err)
{
	cleanup(bp_image_info_done) struct bp_image_info info = { 0 };

	if (bp_image_describe(io, bp_image_known_find(image->format), &info, err) < 0)
		return bp_within(err, "Could not open '%s'", image->path);
	if (info.backing || info.data_file)
		return bp_fail(err, BP_UNSUPPORTED, "'%s' has a backing or data file, and QEMU's "
			       "qemu-img is only let change an image that has none: convert it "
			       "to qcow2 first", image->path);
	return 0;
}

static int copy(struct image_new *new, struct bp_error *err)
{
	struct copy c = { .from = new->old, .to = new->io, .holes = true, .fresh = true };
	int ignored;

	if (copy_reflink(new->old, new->io, &ignored) == 1)
		return 0;
	return io_size(new->old, &c.len, err) < 0 || io_resize(new->io, c.len, err) < 0 ||
	       copy_bytes(&c, err) < 0 ? -1 : 0;
}

static int begin(struct change *c, struct bp_error *err)
{
	const char *path = c->image->path;
	struct stat st;

	if (check_ref(c->image, err) < 0 || image_new_begin(path, &c->new, err) < 0)
		return -1;
	if (c->new.device)
		return bp_fail(err, BP_UNSUPPORTED, "'%s' is a device, and QEMU's qemu-img is only "
			       "let change a copy", path);
	if (!c->new.old)
		return bp_fail(err, BP_INVALID, "Could not open '%s': No such file or directory",
			       path);
	if (fstat(c->new.old->fd, &st) == 0 && st.st_nlink > 1)
		return bp_fail(err, BP_UNSUPPORTED, "'%s' has other names, and would get another "
			       "file under this one", path);
	if (check_alone(c->new.old, c->image, err) < 0 || copy(&c->new, err) < 0)
		return -1;
	c->to = qemu_img_path_of(c->new.io);
	return 0;
}

/* ---- resize ------------------------------------------------------------------------- */

int bp_image_resize_by_qemu(const struct bp_image_ref *image, uint64_t size, unsigned flags,
			    enum bp_preallocation preallocate, struct bp_error *err)
{
	static const char *const modes[] = {
		[BP_PREALLOC_OFF] = "off", [BP_PREALLOC_METADATA] = "metadata",
		[BP_PREALLOC_FALLOC] = "falloc", [BP_PREALLOC_FULL] = "full",
	};
	cleanup(change_done) struct change c = { .image = image };
	auto_free const char **argv = NULL;
	auto_free char *space = NULL;
	char text[24];
	size_t n = 0;

	if (begin(&c, err) < 0)
		return -1;
	space = mem_printf("--preallocation=%s", modes[preallocate]);
	snprintf(text, sizeof text, "%s%" PRIu64, flags & BP_IMAGE_BY ? "+" :
		 flags & BP_IMAGE_BY_LESS ? "-" : "", size);
#define ADD(s) (*array_add(argv, n) = (s))
	ADD(QEMU_IMG), ADD("resize"), ADD("-q"), ADD("-f"), ADD(image->format), ADD(space);
	if (flags & BP_IMAGE_SHRINK)
		ADD("--shrink");
	ADD(c.to), ADD(text), ADD(NULL);
#undef ADD
	if (qemu_img_run(argv, NULL, err) < 0 ||
	    qemu_img_judge(image->format, c.to, false, err) < 0)
		return -1;
	return image_new_publish(&c.new, err);
}

/* ---- check -------------------------------------------------------------------------- */

enum { LEAKS = 3 };

/* Its words, with the image's name in place of what it was given.  The caller frees. */
static char *named(const struct text *words, const char *given, const char *name)
{
	struct text t = { 0 };
	const char *p = words->s ? words->s : "", *next;

	for (; (next = strstr(p, given)); p = next + strlen(given)) {
		text_add_n(&t, p, (size_t)(next - p));
		text_add(&t, name);
	}
	text_add(&t, p);
	return text_steal(&t);
}

static int ask(const struct bp_image_ref *image, enum bp_repair repair, bool json,
	       const char *path, struct bp_image_told *ret, struct bp_error *err)
{
	cleanup(text_done) struct text out = { 0 }, said = { 0 };
	auto_free const char **argv = NULL;
	size_t n = 0;
	int status;

#define ADD(s) (*array_add(argv, n) = (s))
	ADD(QEMU_IMG), ADD("check"), ADD("-f"), ADD(image->format);
	if (repair != BP_REPAIR_NOTHING)
		ADD("-r"), ADD(repair == BP_REPAIR_LEAKS ? "leaks" : "all");
	if (image->flags & BP_IMAGE_SHARED)
		ADD("-U");
	if (json)
		ADD("--output=json");
	ADD("--"), ADD(path), ADD(NULL);
#undef ADD
	status = qemu_img_ask(argv, &out, &said, err);
	if (status < 0)
		return -1;
	*ret = (struct bp_image_told){
		status, named(&out, path, image->path), named(&said, path, image->path),
	};
	return 0;
}

/* One that is only looked at stays where it is. */
static int look(const struct bp_image_ref *image, bool json, struct bp_image_told *ret,
		struct bp_error *err)
{
	cleanup(image_file_done) struct image_file f = { 0 };
	auto_free char *path = qemu_img_path(image->path);

	if (check_ref(image, err) < 0 || image_file_open(image, false, &f, err) < 0 ||
	    check_alone(f.io, image, err) < 0)
		return -1;
	return ask(image, BP_REPAIR_NOTHING, json, path, ret, err);
}

int bp_image_check_by_qemu(const struct bp_image_ref *image, enum bp_repair repair, bool json,
			   struct bp_image_told *ret, struct bp_error *err)
{
	cleanup(change_done) struct change c = { .image = image };

	if (repair == BP_REPAIR_NOTHING)
		return look(image, json, ret, err);
	if (begin(&c, err) < 0 || ask(image, repair, json, c.to, ret, err) < 0)
		return -1;
	if (ret->status == 0 || ret->status == LEAKS)
		return image_new_publish(&c.new, err);
	return 0;
}

void bp_image_told_done(struct bp_image_told *told)
{
	free(told->out);
	free(told->said);
	*told = (struct bp_image_told){ 0 };
}
