/* logical_build.c - volume groups made, and those that are there. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "backends/blocks.h"
#include "backends/logical.h"
#include "backends/logical_report.h"
#include "backends/probe.h"
#include "core/base/cleanup.h"
#include "core/base/in_use.h"
#include "core/base/io.h"
#include "core/base/mem.h"

#define EDGE (1u << 20)		/* at either end of a device: where signatures are */
#define AT_ONCE 40		/* devices named in one command */

/* ---- which devices belong to which group -------------------------------------------- */

void devices_done(struct devices *d)
{
	free(d->text);
	free(d->rows);
}

/* Those of other hosts, too, and those LVM may not use: what is on them is somebody's
 * all the same. */
static int devices_report(struct text *out, struct bp_error *err)
{
	static const char *const argv[] = {
		"pvs", "--reportformat", "json", "-o", "pv_name,vg_name,vg_systemid", "--foreign",
		"--shared", "--nohints", "--config", LVM_ALL_DEVICES, NULL
	};

	return lvm_run(argv, out, err);
}

dev_t device_number(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISBLK(st.st_mode) ? st.st_rdev : 0;
}

int devices_load(struct devices *ret, struct bp_error *err)
{
	cleanup(text_done) struct text out = { 0 };
	struct report_row row;
	struct report report;
	int r;

	if (devices_report(&out, err) < 0)
		return bp_within(err, "cannot list LVM's devices");
	ret->text = text_steal(&out);
	report_open(&report, ret->text);
	while ((r = report_next(&report, &row, err)) > 0) {
		const char *path = report_value(&row, "pv_name"),
			   *vg = report_value(&row, "vg_name"),
			   *owner = report_value(&row, "vg_systemid");

		if (!path || !vg || *path != '/')	/* "[unknown]": it is missing */
			continue;
		*array_add(ret->rows, ret->n) = (struct lvm_device){
			path, vg, owner && *owner
		};
	}
	return r;
}

/* ---- build -------------------------------------------------------------------------- */

/* A device to be made a part of the group. */
struct part {
	const char *path;
	dev_t rdev;
	const char *vg;			/* it is LVM's already: of this group, or of none yet */
	char *first, *last;		/* what was at its edges */
};

static int look(struct part *part, const struct devices *known, struct bp_error *err)
{
	if (blocks_find(part->path, &part->rdev, err) < 0)
		return -1;
	for (size_t i = 0; i < known->n; i++)
		if (device_number(known->rows[i].path) == part->rdev)
			part->vg = known->rows[i].vg;
	return 0;
}

/* It has LVM's mark, and LVM does not list it: of a group that it will not touch. */
static int fail_unshown(const char *name, const char *path, struct bp_error *err)
{
	cleanup(vg_done) struct vg vg = { 0 };
	struct bp_error why = { 0 };

	if (vg_look(name, 0, &vg, &why) == 0 || why.code == BP_CONFIG)
		why = (struct bp_error){ 0 };
	return bp_fail(err, BP_BUILT, "Device '%s' already formatted using 'lvm2', and of which "
		       "volume group, LVM does not say%s%s; if nobody needs it, remove that first: "
		       "wipefs --all %s", path, *why.text ? ": " : "", why.text, path);
}

static int fail_unknown(const char *path, struct bp_error *err)
{
	return bp_fail(err, BP_BUILT, "Device '%s' already formatted using 'lvm2': it belongs to a "
		       "volume group that LVM cannot find; other devices of it are missing, or "
		       "its metadata is damaged (vgcfgrestore writes it anew); if nobody needs it, "
		       "remove that first: wipefs --all %s", path, path);
}

/* What would be lost?  A device that was made LVM's and belongs to no group holds
 * nothing: a build that was killed leaves such, or was about to make the group. */
static int check_empty(const char *name, const struct part *part, int fd, unsigned flags,
		       struct bp_error *err)
{
	auto_free char *found = NULL;

	if (part->vg)
		return 0;
	if (probe_device(fd, part->path, &found, err) < 0)
		return -1;
	if (found && strcmp(found, "LVM2_member") == 0)
		return fail_unshown(name, part->path, err);
	return flags & BP_BUILD_OVERWRITE ? 0 :
	       probe_for_build(part->path, found, "LVM2_member", err);
}

/* A group is more than one device, so not even --overwrite takes one out of another. */
static int check_part(const char *name, const struct part *part, unsigned flags,
		      struct bp_error *err)
{
	auto_close int fd = open(part->path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	bool unknown = part->vg && strcmp(part->vg, GROUP_UNKNOWN) == 0;
	bool grouped = part->vg && *part->vg && !unknown;
	bool other = grouped && strcmp(part->vg, name) != 0;

	if (fd < 0)
		return bp_fail_sys(err, errno, "cannot open device '%s'", part->path);
	if (unknown && !label_is_blank(fd))
		return fail_unknown(part->path, err);
	if (other || (grouped && !(flags & BP_BUILD_OVERWRITE)))
		return bp_fail(err, BP_BUILT, "Device '%s' already formatted using 'lvm2': it "
			       "belongs to volume group '%s'%s%s", part->path, part->vg,
			       other ? "; take it out of that first: vgreduce, or vgremove " : "",
			       other ? part->vg : "");
	if (in_use_device(part->path, fd, err) < 0)
		return -1;
	return check_empty(name, part, fd, flags, err);
}

static int open_edges(const char *path, struct bp_io **ret, uint64_t *ret_size,
		      uint64_t *ret_edge, struct bp_error *err)
{
	int fd = open(path, O_RDWR | O_EXCL | O_CLOEXEC);

	if (fd < 0)
		return bp_fail_sys(err, errno, "cannot open device '%s'", path);
	*ret = io_of_fd(fd, path);
	if (io_size(*ret, ret_size, err) < 0)
		return -1;
	*ret_edge = *ret_size < EDGE ? *ret_size : EDGE;
	return 0;
}

/* Old signatures would speak against LVM's.  They are kept until the group is made. */
static int clear_edges(struct part *part, struct bp_error *err)
{
	cleanup(io_closep) struct bp_io *io = NULL;
	auto_free char *first = NULL, *last = NULL;
	uint64_t size, edge;

	if (open_edges(part->path, &io, &size, &edge, err) < 0)
		return -1;
	first = mem_alloc(edge + 1);
	last = mem_alloc(edge + 1);
	if (io_read(io, first, edge, 0, err) < 0 ||
	    io_read(io, last, edge, size - edge, err) < 0)
		return -1;
	part->first = steal(first);
	part->last = steal(last);
	if (io_zero(io, 0, edge, err) < 0 || io_zero(io, size - edge, edge, err) < 0)
		return -1;
	return io_sync(io, err);
}

static void put_edges_back(const struct part *part)
{
	cleanup(io_closep) struct bp_io *io = NULL;
	struct bp_error ignored = { 0 };
	uint64_t size, edge;

	if (part->first && open_edges(part->path, &io, &size, &edge, &ignored) == 0 &&
	    io_write(io, part->last, edge, size - edge, &ignored) == 0 &&
	    io_write(io, part->first, edge, 0, &ignored) == 0)
		(void)io_sync(io, &ignored);
}

static void parts_free(struct part **parts)
{
	for (struct part *part = *parts; part && part->path; part++) {
		free(part->first);
		free(part->last);
	}
	free(*parts);
}

/* A command for some of the devices; first: words before them, ended with NULL. */
static int run_on(const char *const *first, const struct part *parts, size_t n,
		  struct bp_error *err)
{
	const char *argv[LVM_ARGS] = { NULL };
	size_t words = 0;

	for (; first[words]; words++)
		argv[words] = first[words];
	for (size_t i = 0; i < n; i++)
		argv[words++] = parts[i].path;
	return lvm_run(argv, NULL, err);
}

static int run_on_all(const char *const *first, const struct part *parts, size_t n,
		      struct bp_error *err)
{
	for (size_t i = 0; i < n; i += AT_ONCE)
		if (run_on(first, parts + i, n - i < AT_ONCE ? n - i : AT_ONCE, err) < 0)
			return -1;
	return 0;
}

static int make_group(const char *name, const struct part *parts, size_t n, struct bp_error *err)
{
	const char *const create[] = { "vgcreate", name, NULL };
	const char *const extend[] = { "vgextend", name, NULL };
	const char *const remove[] = { "vgremove", "--force", name, NULL };
	size_t first = n < AT_ONCE ? n : AT_ONCE;
	struct bp_error ignored = { 0 };

	if (run_on(create, parts, first, err) < 0)
		return -1;
	if (run_on_all(extend, parts + first, n - first, err) == 0)
		return 0;
	(void)lvm_run(remove, NULL, &ignored);
	return -1;
}

static int clear_all(struct part *parts, size_t n, struct bp_error *err)
{
	for (size_t i = 0; i < n; i++)
		if (clear_edges(&parts[i], err) < 0)
			return -1;
	return 0;
}

static int make_parts(const struct bp_pool *p, struct part *parts, size_t n, struct bp_error *err)
{
	static const char *const create[] = { "pvcreate", "-ff", NULL };
	static const char *const undo[] = { "pvremove", "-ff", NULL };
	const char *const ungroup[] = { "vgremove", "--force", p->def->source.name, NULL };
	struct bp_error gone = { 0 };

	if (clear_all(parts, n, err) == 0 && run_on_all(create, parts, n, err) == 0 &&
	    make_group(p->def->source.name, parts, n, err) == 0) {
		if (thin_build(p, err) == 0)
			return 0;
		(void)lvm_run(ungroup, NULL, &gone);
	}
	for (size_t i = 0; i < n; i++) {	/* some may not have been made */
		struct bp_error ignored = { 0 };

		if (!parts[i].first)
			continue;
		(void)run_on(undo, parts + i, 1, &ignored);
		put_edges_back(&parts[i]);
	}
	return -1;
}

/* 1: the group is there, on these very devices; -1: one of that name is elsewhere. */
static int find_group(const char *name, const struct devices *known, const struct part *parts,
		      size_t n, struct bp_error *err)
{
	size_t ours = 0;

	for (size_t i = 0; i < n; i++)
		ours += parts[i].vg && strcmp(parts[i].vg, name) == 0;
	for (size_t i = 0; i < known->n; i++) {
		dev_t rdev = device_number(known->rows[i].path);
		bool named = false;

		if (!known->rows[i].vg || strcmp(known->rows[i].vg, name) != 0)
			continue;
		for (size_t j = 0; j < n; j++)
			named = named || parts[j].rdev == rdev;
		if (!named)
			return bp_fail(err, BP_BUILT, "there is a volume group '%s' already, on "
				       "'%s'; use another name, or that device", name,
				       known->rows[i].path);
	}
	return ours == n;
}

/* A group that is there may be exported, another host's, or broken. */
static int check_group(const char *name, struct bp_error *err)
{
	cleanup(vg_done) struct vg vg = { 0 };

	return vg_load_sound(name, 0, &vg, err);
}

static int prepare(const struct bp_pool *p, const struct devices *known, struct part *parts,
		   unsigned flags, struct bp_error *err)
{
	const struct bp_pool_source *src = &p->def->source;
	int there;

	for (size_t i = 0; i < src->n_devices; i++) {
		parts[i].path = src->devices[i].path;
		if (look(&parts[i], known, err) < 0)
			return -1;
		for (size_t j = 0; j < i; j++)
			if (parts[j].rdev == parts[i].rdev)
				return bp_fail(err, BP_INVALID, "'%s' and '%s' are one device",
					       parts[j].path, parts[i].path);
	}
	there = find_group(src->name, known, parts, src->n_devices, err);
	if (there < 0 || (there && check_group(src->name, err) < 0))
		return -1;
	if (there && !flags)
		return 1;
	for (size_t i = 0; i < src->n_devices; i++)
		if (check_part(src->name, &parts[i], flags, err) < 0)
			return -1;
	return 0;
}

int logical_pool_build(struct bp_pool *p, unsigned flags, struct bp_error *err)
{
	const struct bp_pool_source *src = &p->def->source;
	cleanup(parts_free) struct part *parts =
		mem_alloc((src->n_devices + 1) * sizeof *parts);
	cleanup(devices_done) struct devices known = { 0 };
	int there;

	if (vg_check_name(src->name, err) < 0)
		return -1;
	if (!src->n_devices && p->def->thin.name)	/* of a group that others have made */
		return thin_build(p, err);
	if (!src->n_devices)
		return bp_fail(err, BP_CONFIG, "pool '%s' names no device to build volume group "
			       "'%s' on: its source needs <device path='...'/>", p->def->name,
			       src->name);
	if (devices_load(&known, err) < 0)
		return -1;
	there = prepare(p, &known, parts, flags, err);
	if (there)
		return there < 0 ? -1 : thin_build(p, err);
	if (make_parts(p, parts, src->n_devices, err) < 0)
		return bp_within(err, "cannot make volume group '%s'", src->name);
	for (size_t i = 0; i < src->n_devices; i++)
		if (device_flush(parts[i].path, err) < 0)
			return -1;
	return 0;
}

/* ---- what there is ------------------------------------------------------------------ */

static struct bp_pool_source *source_of(struct bp_pool_source **sources, size_t *n, const char *vg)
{
	struct bp_pool_source *src;

	for (size_t i = 0; i < *n; i++)
		if (strcmp((*sources)[i].name, vg) == 0)
			return &(*sources)[i];
	src = mem_append((void **)sources, n, sizeof *src);
	src->name = mem_dup(vg);
	src->format = mem_dup("lvm2");
	return src;
}

/* Another host's group, as libvirt does not show it either. */
static bool is_elsewhere(const struct lvm_device *d)
{
	cleanup(vg_done) struct vg vg = { 0 };
	struct bp_error ignored = { 0 };

	return d->owned && vg_look(d->vg, 0, &vg, &ignored) < 0;
}

int logical_sources_find(const struct bp_pool_source *hint, unsigned limit,
			 const struct bp_secrets *secrets, struct bp_pool_source **ret,
			 size_t *ret_n, struct bp_error *err)
{
	cleanup(devices_done) struct devices known = { 0 };

	(void)hint;
	(void)limit;
	(void)secrets;
	*ret = NULL;
	*ret_n = 0;
	if (devices_load(&known, err) < 0)
		return -1;
	for (size_t i = 0; i < known.n; i++) {
		struct bp_pool_source *src;

		if (!*known.rows[i].vg || is_elsewhere(&known.rows[i]) ||
		    strcmp(known.rows[i].vg, GROUP_UNKNOWN) == 0)
			continue;
		src = source_of(ret, ret_n, known.rows[i].vg);
		array_add(src->devices, src->n_devices)->path = mem_dup(known.rows[i].path);
	}
	return 0;
}
