/* files_content.c - what a new volume shall be, and its first bytes, wherever they live. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "backends/files.h"
#include "core/image/image.h"

/* ---- may it be made ------------------------------------------------------------- */

static bool is_qcow2(const char *format)
{
	return strcmp(format, "qcow2") == 0;
}

int files_check_name(const char *name, const char *path, struct bp_error *err)
{
	if (strchr(name, '/'))
		return bp_fail(err, BP_WRONG_STATE, "volume name '%s' cannot contain '/'", name);
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return bp_fail(err, BP_WRONG_STATE, "volume target path '%s' already exists", path);
	if (files_is_part(name))
		return bp_fail(err, BP_INVALID, "names such as '%s' are kept for volumes in the "
			       "making", name);
	if (strlen(name) > NAME_MAX)
		return bp_fail_sys(err, ENAMETOOLONG, "Failed to create file '%s'", path);
	return 0;
}

static int check_bytes_spec(const struct bp_vol_spec *spec, unsigned flags, struct bp_error *err)
{
	if (flags & BP_VOL_PREALLOC)
		return bp_fail(err, BP_CONFIG,
			       "metadata preallocation is not supported for raw volumes");
	if (spec->backing)
		return bp_fail(err, BP_UNSUPPORTED,
			       "backing storage not supported for raw volumes");
	return 0;
}

static int check_image_spec(const struct bp_vol_spec *spec, unsigned flags, bool made_otherwise,
			    struct bp_error *err)
{
	const struct bp_image_format *f = bp_image_format_find(spec->format);

	if ((flags & BP_VOL_PREALLOC) && !is_qcow2(spec->format))
		return bp_fail(err, BP_CONFIG, "metadata preallocation only available with qcow2");
	if (spec->has_features && spec->features && !is_qcow2(spec->format))
		return bp_fail(err, BP_CONFIG, "format features only available with qcow2");
	if (spec->compat && !is_qcow2(spec->format))
		return bp_fail(err, BP_CONFIG, "compatibility option only available with qcow2");
	if ((flags & BP_VOL_PREALLOC) && spec->backing)
		return bp_fail(err, BP_CONFIG,
			       "metadata preallocation conflicts with backing store");
	if (!made_otherwise && (!f || !f->create))
		return bp_fail(err, BP_UNSUPPORTED, "volumes of format '%s' can be used, but not "
			       "created; raw, qcow2, vmdk, vdi, vpc and dir can", spec->format);
	return 0;
}

int files_check_spec(const struct bp_vol_spec *spec, unsigned flags,
		     const struct bp_filler *filler, struct bp_error *err)
{
	if (filler && filler->fill)	/* whoever fills it has seen to it */
		return 0;
	return files_is_bytes(spec->format) ? check_bytes_spec(spec, flags, err) :
	       check_image_spec(spec, flags, filler && filler->make, err);
}

int files_volume_exists(const char *name, struct bp_error *err)
{
	return bp_fail(err, BP_VOL_EXISTS, "storage volume '%s' exists already", name);
}

/* ---- its content -------------------------------------------------------------------- */

/* More space than there is to fill makes the volume larger, as it does in libvirt. */
static int make_bytes(struct bp_io *io, const struct bp_vol_spec *spec, struct bp_error *err)
{
	uint64_t size = spec->capacity > spec->allocation ? spec->capacity : spec->allocation;
	struct bp_error why = { 0 };

	if (io_resize(io, size, &why) < 0 && io->fd >= 0)
		return bp_fail_sys(err, why.sys, "cannot extend file '%s'", io->name);
	if (why.code) {
		*err = why;
		return -1;
	}
	return io_reserve_empty(io, 0, spec->allocation, err);
}

/* The tables, too, parts of which may be holes: whoever asked for all of the space has it. */
static int reserve_tables(struct bp_io *io, struct bp_error *err)
{
	uint64_t size;

	if (io_size(io, &size, err) < 0)
		return -1;
	if (io_reserve(io, 0, size, err) == 0)
		return 0;
	if (err->code != BP_UNSUPPORTED)
		return -1;
	*err = (struct bp_error){ 0 };
	return 0;
}

static int make_image(struct bp_io *io, const struct bp_vol_spec *spec, uint64_t capacity,
		      unsigned flags, struct bp_error *err)
{
	/* with all of its space asked for, the data's place is taken too */
	bool full = spec->allocation >= spec->capacity;
	struct bp_image_spec image = {
		.capacity = capacity, .compat = spec->compat,
		.cluster_size = spec->cluster_size, .features = spec->features,
		.preallocate = !(flags & BP_VOL_PREALLOC) ? BP_PREALLOC_OFF :
			       full ? BP_PREALLOC_FALLOC : BP_PREALLOC_METADATA,
	};

	if (spec->backing) {
		image.backing = spec->backing->path;
		image.backing_format = spec->backing->format ? spec->backing->format : "raw";
	}
	if (spec->encryption) {
		image.luks = spec->encryption->header;
		image.luks_len = spec->encryption->header_len;
	}
	if (bp_image_format_find(spec->format)->create(io, &image, err) < 0)
		return -1;
	return image.preallocate == BP_PREALLOC_FALLOC ? reserve_tables(io, err) : 0;
}

int files_make_content(struct bp_io *io, const struct bp_vol_spec *spec, uint64_t capacity,
		       unsigned flags, const struct bp_filler *filler, struct bp_error *err)
{
	if (filler && filler->make)
		return filler->make(filler->arg, io, capacity, err);
	return files_is_bytes(spec->format) ? make_bytes(io, spec, err) :
					      make_image(io, spec, capacity, flags, err);
}
