/* clone.c - a volume with the content of another. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <string.h>

#include "core/away.h"
#include "core/base/cleanup.h"
#include "core/base/in_use.h"
#include "core/base/mem.h"
#include "core/clone_convert.h"
#include "core/copy.h"
#include "core/guard.h"
#include "core/images.h"
#include "core/qemu_img.h"
#include "core/image/image.h"
#include "core/volume.h"

struct cloning {
	struct session to_ses, from_ses;
	struct session *to, *from;	/* one and the same within a pool */
	struct bp_vol_spec *spec;
	struct bp_vol_info *source;
	struct bp_io *bytes;		/* of the source */
	bool exact;			/* an image: its file is copied as it is */
	bool convert;			/* the copy has another format */
	unsigned flags;
	const struct bp_progress *progress;
};

static void cloning_done(struct cloning *c)
{
	io_close(c->bytes);
	bp_vol_info_free(c->source);
	session_close(&c->from_ses);
	session_close(&c->to_ses);
}

/* Pools are locked in the order of their names; one pool is locked once. */
static int open_pools(struct cloning *c, struct bp_store *s, const char *to, const char *from,
		      struct bp_error *err)
{
	bool same = strcmp(to, from) == 0;
	bool to_first = strcmp(to, from) <= 0;

	c->to = &c->to_ses;
	c->from = same ? &c->to_ses : &c->from_ses;
	if (to_first && session_open(s, to, NEED_CONNECTED, LOCK_SHARED, c->to, err) < 0)
		return -1;
	if (!same && session_open(s, from, NEED_CONNECTED, LOCK_SHARED, c->from, err) < 0)
		return -1;
	if (!to_first && session_open(s, to, NEED_CONNECTED, LOCK_SHARED, c->to, err) < 0)
		return -1;
	return 0;
}

/* What has no format, and what is only known by its use, is bytes. */
static bool is_bytes(const char *format)
{
	static const char *const partitions = "disk";

	if (format && bp_word_in(bp_pool_type_find(partitions)->vol_formats, format))
		return true;
	return !format || strcmp(format, "raw") == 0 || strcmp(format, "iso") == 0 ||
	       strcmp(format, "none") == 0;
}

static int check_types(const struct cloning *c, struct bp_error *err)
{
	if (c->spec->format && strcmp(c->spec->format, "dir") == 0)
		return bp_fail(err, BP_INTERNAL, "cannot copy from volume to a directory volume");
	if (c->source->type == BP_VOL_DIR)
		return bp_fail(err, BP_UNSUPPORTED, "volume '%s' is a directory, and directories "
			       "cannot be copied", c->source->name);
	return 0;
}

static int check_formats(struct cloning *c, struct bp_error *err)
{
	const char *from = c->source->format ? c->source->format : "raw";
	const char *to = c->spec->format ? c->spec->format : "raw";

	/* what can be read of a device is a copy of it; what can of an image is none */
	if (c->source->problem && c->source->type != BP_VOL_BLOCK)
		return bp_fail(err, BP_CORRUPT, "volume '%s' cannot be copied: %s", c->source->name,
			       c->source->problem);
	if (c->spec->encryption && (!c->source->encryption ||
	    strcmp(c->spec->encryption->format, c->source->encryption->format) != 0))
		return bp_fail(err, BP_CONFIG,
			       "a copy is encrypted as volume '%s' is, not otherwise",
			       c->source->name);
	c->convert = !(is_bytes(from) && is_bytes(to)) && strcmp(from, to) != 0;
	/* no two images write to one data file: the copy has the data itself */
	c->convert |= !!(c->source->features & BP_FEATURE_DATA_FILE);
	c->convert |= (c->flags & BP_VOL_FLATTEN) && c->source->backing && !is_bytes(from);
	if (c->convert && (c->source->encryption || !clone_can_convert(c->source->format, to)))
		return bp_fail(err, BP_CONFIG, "volume '%s' has format '%s'%s; it can be copied, "
			       "but not converted to '%s'", c->source->name, from,
			       c->source->encryption ? ", encrypted" : "", to);
	if (c->convert && bp_image_qemu_writes(to) && qemu_img_find_writer(to, err) < 0)
		return -1;
	if (c->convert && (c->flags & BP_VOL_REFLINK))
		return bp_fail(err, BP_CONFIG, "a copy that is flattened, or in another format, "
			       "does not share all of its blocks with its source");
	if ((c->flags & BP_VOL_PREALLOC) && is_bytes(to))
		return bp_fail(err, BP_CONFIG,
			       "metadata preallocation is not supported for raw volumes");
	if ((c->flags & BP_VOL_PREALLOC) && !c->convert)
		return bp_fail(err, BP_CONFIG, "a copy has the metadata of its source; "
			       "none can be preallocated");
	return 0;
}

/* A copy keeps the backing store of its source, under the same words. */
static int check_backing(const struct cloning *c, struct bp_error *err)
{
	const struct bp_backing *old = c->source->backing, *new = c->spec->backing;

	if (new && (!old || strcmp(old->path, new->path) != 0))
		return bp_fail(err, BP_INTERNAL, "a different backing store cannot be specified.");
	if (new && c->convert)
		return bp_fail(err, BP_CONFIG, "a copy that is flattened, or in another format, "
			       "has all the data itself, and no backing store");
	return 0;
}

static const struct bp_image_format *image_of(const struct cloning *c)
{
	return bp_image_format_find(c->source->format);
}

static int check_sizes(struct cloning *c, struct bp_error *err)
{
	struct bp_vol_spec *spec = c->spec;

	if (!spec->has_capacity || spec->capacity < c->source->capacity)
		spec->capacity = c->source->capacity;
	spec->has_capacity = true;
	if (!spec->has_allocation)
		spec->allocation = spec->capacity;
	if (spec->allocation > spec->capacity)
		spec->allocation = spec->capacity;
	c->exact = !c->convert && (!is_bytes(c->source->format) || c->source->encryption);
	if ((c->convert && bp_image_qemu_writes(spec->format) &&
	     spec->capacity != c->source->capacity) ||
	    (c->exact && spec->capacity != c->source->capacity &&
	     (c->source->encryption || !image_of(c) || !image_of(c)->resize)))
		return bp_fail(err, BP_CONFIG,
			       "volume '%s' cannot be made larger while it is copied",
			       c->source->name);
	return 0;
}

/* Space for all of it, or for more than the volume copied has.  A smaller part
 * is taken by the data itself, wherever in the volume that lies. */
static uint64_t to_reserve(const struct cloning *c)
{
	uint64_t wanted = c->exact ? 0 : c->spec->allocation;

	return wanted >= c->source->capacity || wanted > c->source->allocation ? wanted : 0;
}

/* Data take their space themselves: only holes are reserved.  To reserve all of
 * it would take as long again in memory, and as much again on file systems that
 * count what is shared.  Zeros of a source that knows no holes are left out. */
static int reserve(const struct cloning *c, struct bp_io *io,
		   int (*take)(struct bp_io *, uint64_t, uint64_t, struct bp_error *),
		   struct bp_error *err)
{
	uint64_t wanted = to_reserve(c), at = 0, from, to;

	if (!c->bytes->ops->next_data || io_is_block(c->bytes))
		return wanted ? take(io, 0, wanted, err) : 0;
	while (at < wanted) {
		if (io_next_data(c->bytes, at, &from, &to, err) < 0)
			return -1;
		if (from == to || from > wanted)
			from = to = wanted;
		if (from > at && take(io, at, from - at, err) < 0)
			return -1;
		at = to;
	}
	return 0;
}

/* A device has the size it was made with, and may hold what was there before. */
static bool is_empty_file(const struct bp_io *io)
{
	return io->ops->resize && !io_is_block(io);
}

static int fill_by_copying(struct cloning *c, const struct copy *copy, struct bp_error *err)
{
	struct bp_io *io = copy->to;
	uint64_t size = copy->len;

	if (!c->exact && c->spec->capacity > size)
		size = c->spec->capacity;
	if (!is_empty_file(io))
		return copy_bytes(copy, err) < 0 ? -1 : copy_clear_rest(copy, err);
	if (io_resize(io, size, err) < 0 || reserve(c, io, io_reserve_empty, err) < 0)
		return -1;
	return copy_bytes(copy, err);
}

static int fill_by_sharing(struct cloning *c, const struct copy *copy, struct bp_error *err)
{
	struct bp_error cannot = { 0 };

	if (c->exact)
		return 0;
	if (c->spec->capacity > copy->len && io_resize(copy->to, c->spec->capacity, err) < 0)
		return -1;
	if (reserve(c, copy->to, io_reserve, &cannot) == 0 || cannot.code == BP_UNSUPPORTED)
		return 0;
	*err = cannot;
	return -1;
}

static struct clone_conversion conversion_of(const struct cloning *c)
{
	return (struct clone_conversion){
		.from = c->bytes, .source = c->source, .from_ses = c->from, .to_ses = c->to,
		.spec = c->spec, .preallocate = c->flags & BP_VOL_PREALLOC,
		.verify = c->flags & BP_VOL_VERIFY, .progress = c->progress,
	};
}

static int convert(struct cloning *c, struct bp_io *io, struct bp_error *err)
{
	const struct clone_conversion conversion = conversion_of(c);

	return clone_convert(&conversion, io, err);
}

static int fill(void *arg, struct bp_io *io, struct bp_error *err)
{
	struct cloning *c = arg;
	struct copy copy = {
		.from = c->bytes, .to = io, .holes = true, .fresh = is_empty_file(io),
		.verify = c->flags & BP_VOL_VERIFY, .progress = c->progress,
	};
	int sys, r;

	if (c->convert)
		return convert(c, io, err);
	if (io_size(c->bytes, &copy.len, err) < 0)
		return -1;
	if (copy_reflink(c->bytes, io, &sys))
		r = fill_by_sharing(c, &copy, err);
	else if (c->flags & BP_VOL_REFLINK)
		return bp_fail_sys(err, sys, "failed to clone files from '%s'", c->bytes->name);
	else
		r = fill_by_copying(c, &copy, err);
	if (r < 0 || copy_verify(&copy, err) < 0)
		return -1;
	if (!c->exact || c->spec->capacity == c->source->capacity)
		return 0;
	return image_of(c)->resize(io, c->spec->capacity, err);
}

static int in_use(const char *vol, struct bp_error *err)
{
	return bp_fail(err, BP_INTERNAL, "storage volume name '%s' already in use.", vol);
}

/* Found out before the work, if it can be told; whether it is still so is decided
 * by the storage at the end of it. */
static int check_name(struct cloning *c, struct bp_error *err)
{
	cleanup(bp_vol_info_freep) struct bp_vol_info *there = NULL;
	struct bp_error none = { 0 };

	if (volume_find(c->to, c->spec->name, BP_VOL_NAME, &there, &none) == 0 && !there->problem)
		return in_use(c->spec->name, err);
	return 0;
}

static bool overwrites(const struct cloning *c)
{
	return c->flags & BP_VOL_OVERWRITE;
}

static int check_overwrite(const struct cloning *c, struct bp_error *err)
{
	if (!overwrites(c))
		return 0;
	if (c->to->be->caps & BP_CAP_BACKING_FILES)
		return bp_fail(err, BP_CONFIG, "in a pool of type '%s' a copy is a volume of its "
			       "own: only volumes that are devices or LUNs are overwritten",
			       c->to->def->type);
	if (c->flags & (BP_VOL_REFLINK | BP_VOL_PREALLOC))
		return bp_fail(err, BP_CONFIG, "a volume that is overwritten shares no blocks, and "
			       "has no metadata to be preallocated");
	return 0;
}

/* By pool, then by byte, or two copies in opposite directions would wait for
 * each other for ever. */
static int lock_both(struct cloning *c, const char *from_vol, struct bp_error *err)
{
	const char *to_vol = c->spec->name;
	int order = c->to == c->from ? session_lock_order(c->to, from_vol, to_vol) :
		    strcmp(c->from->name, c->to->name);

	if (order < 0 && session_lock_volume(c->from, from_vol, LOCK_SHARED, err) < 0)
		return -1;
	if (session_lock_volume(c->to, to_vol, LOCK_ALONE, err) < 0)
		return -1;
	/* where both have one byte, the lock just won serves both */
	return order > 0 ? session_lock_volume(c->from, from_vol, LOCK_SHARED, err) : 0;
}

static int prepare(struct cloning *c, const char *from_vol, struct bp_error *err)
{
	unsigned want = BP_VOL_PATH | BP_VOL_SIZE | BP_VOL_FORMAT;

	if ((!overwrites(c) && volume_can_create(c->to, err) < 0) ||
	    check_overwrite(c, err) < 0 ||
	    bp_vol_spec_complete(c->spec, bp_pool_type_find(c->to->def->type), true, err) < 0 ||
	    (!overwrites(c) && check_name(c, err) < 0) || lock_both(c, from_vol, err) < 0 ||
	    volume_find(c->from, from_vol, want, &c->source, err) < 0 ||
	    check_types(c, err) < 0 ||
	    volume_open(c->from, from_vol, BP_VOL_READ,
			"storage pool does not support volume creation from an existing volume",
			&c->bytes, err) < 0 ||
	    check_formats(c, err) < 0 || check_backing(c, err) < 0)
		return -1;
	return check_sizes(c, err);
}

static int verify_clone(struct cloning *c, struct bp_error *err)
{
	cleanup(io_closep) struct bp_io *io = NULL;
	struct copy copy = {
		.from = c->bytes, .verify = c->flags & BP_VOL_VERIFY, .progress = c->progress,
	};

	if (!copy.verify)
		return 0;
	if (io_size(c->bytes, &copy.len, err) < 0 ||
	    volume_open(c->to, c->spec->name, BP_VOL_READ, "", &io, err) < 0)
		return -1;
	copy.to = io;
	return copy_verify(&copy, err);
}

/* Within a pool the type may know better than to copy bytes. */
static int clone(struct cloning *c, struct bp_error *err)
{
	struct bp_error ignored = { 0 };
	int r = c->to == c->from ? volume_clone(c->to, c->spec, c->source->name, err) : 0;

	if (r <= 0 || verify_clone(c, err) == 0)
		return r;
	(void)c->to->be->vol_delete(&c->to->pool, c->spec->name, 0, &ignored);
	return -1;
}

/* How much there is to be written. */
static int size_of_copy(const struct cloning *c, uint64_t *ret, struct bp_error *err)
{
	const struct clone_conversion conversion = conversion_of(c);

	return c->convert ? clone_convert_size(&conversion, ret, err) :
			    io_size(c->bytes, ret, err);
}

/* All that can be known before is known before anything is written. */
static int open_target(struct cloning *c, struct bp_io **ret, struct bp_error *err)
{
	cleanup(io_closep) struct bp_io *io = NULL;
	const char *vol = c->spec->name;
	uint64_t room, len;

	if (c->to == c->from && strcmp(vol, c->source->name) == 0)
		return bp_fail(err, BP_INVALID, "volume '%s' cannot be a copy of itself", vol);
	if (volume_open(c->to, vol, BP_VOL_WRITE,
			"storage pool does not support volume creation from an existing volume",
			&io, err) < 0 ||
	    in_use_claim(vol, io, false, err) < 0 || guard_volume(c->to, vol, io, 0, err) < 0 ||
	    io_size(io, &room, err) < 0 || size_of_copy(c, &len, err) < 0 ||
	    volume_room(c->to, vol, room, err) < 0)
		return -1;
	if (room < len)
		return bp_fail(err, BP_FAILED, "volume '%s' has room for %" PRIu64 " bytes, and "
			       "the copy of volume '%s' has %" PRIu64, vol, room, c->source->name,
			       len);
	*ret = steal(io);
	return 0;
}

static int overwrite(struct cloning *c, struct bp_error *err)
{
	cleanup(io_closep) struct bp_io *io = NULL;

	if (open_target(c, &io, err) < 0)
		return -1;
	c->spec->capacity = c->source->capacity;
	if (fill(c, io, err) < 0 || io_sync(io, err) < 0)
		return bp_within(err, "volume '%s' is partly overwritten", c->spec->name);
	return 0;
}

static int make(struct cloning *c, struct bp_error *err)
{
	const struct bp_filler filler = { .fill = fill, .arg = c, .progress = c->progress };
	int r;

	if (overwrites(c))
		return overwrite(c, err);
	r = c->convert ? 0 : clone(c, err);
	return r ? r : volume_create(c->to, c->spec, 0, &filler, err);
}

/* What libvirt takes for raw is converted as that, and whoever has it may have meant another. */
static char *warning_of(struct cloning *c, const char *asked)
{
	char *warning = volume_made_warning(c->to, asked);
	const char *format = warning || !c->convert || !is_bytes(c->source->format) ? NULL :
			     bp_image_unlisted(c->bytes, false);

	return !format ? warning :
	       mem_printf("vol %s looks like an image of format %s, and was taken for a raw disk; "
			  "'barepool image convert -f %s' reads what is in it",
			  c->source->name, format, format);
}

static int vol_copy_here(struct bp_store *s, const char *pool, struct bp_vol_spec *spec,
			 const char *from_pool, const char *from_vol, unsigned flags,
			 const struct bp_progress *progress, struct bp_error *err)
{
	cleanup(cloning_done) struct cloning c = {
		.to_ses = SESSION_INIT, .from_ses = SESSION_INIT,
		.spec = spec, .flags = flags, .progress = progress,
	};
	const unsigned known = BP_VOL_PREALLOC | BP_VOL_REFLINK | BP_VOL_VERIFY |
			       BP_VOL_OVERWRITE | BP_VOL_FLATTEN;
	auto_free char *format = mem_dup(spec->format);

	if (store_change(s, "virStorageVolCreateXMLFrom", err) < 0 ||
	    refuse_flags(flags, known, "virStorageVolCreateXMLFrom", err) < 0 ||
	    open_pools(&c, s, pool, from_pool, err) < 0 || prepare(&c, from_vol, err) < 0)
		return -1;
	if (make(&c, err) >= 0) {
		spec->warning = warning_of(&c, format);
		return 0;
	}
	if (err->code == BP_VOL_EXISTS) {
		*err = (struct bp_error){ 0 };
		return in_use(spec->name, err);
	}
	return -1;
}

int bp_vol_copy(struct bp_store *s, const char *pool, struct bp_vol_spec *spec,
		const char *from_pool, const char *from_vol, unsigned flags,
		const struct bp_progress *progress, struct bp_error *err)
{
	return AWAY(s, &progress, err, vol_copy_here(s, pool, spec, from_pool, from_vol, flags,
						     progress, err));
}
