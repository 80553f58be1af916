/* encrypt.c - see encrypt.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/encrypt.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/hidden.h"
#include "core/image/luks_make.h"
#include "core/volume.h"

struct encrypted {
	uint64_t capacity;		/* what its guest shall see */
	uint64_t allocation;
	unsigned char *header;
	size_t len;
};

static void encrypted_done(struct encrypted *e)
{
	free(e->header);
}

static bool is_qcow2(const struct bp_vol_spec *spec)
{
	return spec->format && strcmp(spec->format, "qcow2") == 0;
}

static int check(const struct session *ses, const struct bp_vol_spec *spec, unsigned flags,
		 struct bp_error *err)
{
	const struct bp_pool_type *type = bp_pool_type_find(ses->def->type);
	const struct bp_encryption *enc = spec->encryption;

	/* a partition's format is no image's, and a logical volume has none */
	if (!is_qcow2(spec) && spec->format && type->vol_format &&
	    strcmp(type->vol_format, "raw") == 0 && strcmp(spec->format, "raw") != 0)
		return bp_fail(err, BP_CONFIG, "volume encryption unsupported with format %s",
			       spec->format);
	if (enc->n_secrets != 1)
		return bp_fail(err, BP_INVALID, "A single <secret type='passphrase'...> element is "
			       "expected in encryption description");
	if (strcmp(enc->format, "qcow") == 0 || strcmp(enc->format, "default") == 0)
		return bp_fail(err, BP_CONFIG,
			       "creation of qcow2 encrypted image is not supported");
	if (strcmp(enc->format, "luks") != 0)
		return bp_fail(err, BP_CONFIG, "volumes are made with encryption of format luks, "
			       "not %s", enc->format);
	if (!is_qcow2(spec) && flags & BP_VOL_PREALLOC)
		return bp_fail(err, BP_CONFIG,
			       "metadata preallocation is not supported for raw volumes");
	if (!is_qcow2(spec) && spec->backing)
		return bp_fail(err, BP_UNSUPPORTED,
			       "backing storage not supported for raw volumes");
	return 0;
}

static int make_header(const struct session *ses, const struct bp_vol_spec *spec,
		       struct encrypted *e, struct bp_error *err)
{
	const struct bp_secret *s = spec->encryption->secrets;
	const struct bp_secrets *from = &ses->pool.secrets;
	cleanup(hidden_done) struct hidden passphrase = { 0 };

	if (!from->get)
		return bp_fail(err, BP_NO_SECRET, "there are no secrets here");
	if (from->get(from->arg, "volume", s->uuid, s->usage, &passphrase, err) < 0)
		return -1;
	return luks_header(spec->encryption, passphrase.text, passphrase.len, &e->header, &e->len,
			   err);
}

/* A file has no size yet; a device has one. */
static int make_room(struct bp_io *io, uint64_t size, struct bp_error *err)
{
	struct bp_error cannot = { 0 };
	uint64_t has;

	if (io_resize(io, size, &cannot) == 0)
		return 0;
	if (cannot.code != BP_UNSUPPORTED) {
		*err = cannot;
		return -1;
	}
	if (io_size(io, &has, err) < 0)
		return -1;
	return has >= size ? 0 : bp_fail(err, BP_FAILED, "the volume has %" PRIu64 " bytes, and "
					 "needs %" PRIu64 " with its LUKS header", has, size);
}

static int fill(void *arg, struct bp_io *io, struct bp_error *err)
{
	const struct encrypted *e = arg;
	uint64_t size = e->capacity > e->allocation ? e->capacity : e->allocation;

	if (make_room(io, size + e->len, err) < 0 ||
	    io_write(io, e->header, e->len, 0, err) < 0)
		return -1;
	return io_is_block(io) ? 0 : io_reserve_empty(io, e->len, e->allocation, err);
}

/* A device must have the header's place, too; the type knows nothing of it. */
static int create_bytes(struct session *ses, struct bp_vol_spec *spec, struct encrypted *e,
			const struct bp_progress *progress, struct bp_error *err)
{
	const struct bp_filler filler = { .fill = fill, .arg = e, .progress = progress };
	struct bp_encryption *enc = steal(spec->encryption);
	int r;

	spec->capacity += e->len;
	spec->allocation += e->len;
	r = volume_create(ses, spec, 0, &filler, err);
	spec->encryption = enc;
	spec->capacity = e->capacity;
	spec->allocation = e->allocation;
	return r;
}

static int create_image(struct session *ses, struct bp_vol_spec *spec, unsigned flags,
			const struct encrypted *e, const struct bp_progress *progress,
			struct bp_error *err)
{
	const struct bp_filler empty = { .progress = progress };
	int r;

	spec->encryption->header = e->header;
	spec->encryption->header_len = e->len;
	r = volume_create(ses, spec, flags, &empty, err);
	spec->encryption->header = NULL;
	spec->encryption->header_len = 0;
	return r;
}

int encrypt_create(struct session *ses, struct bp_vol_spec *spec, unsigned flags,
		   const struct bp_progress *progress, struct bp_error *err)
{
	cleanup(encrypted_done) struct encrypted e = {
		.capacity = spec->capacity, .allocation = spec->allocation,
	};

	if (check(ses, spec, flags, err) < 0 || make_header(ses, spec, &e, err) < 0)
		return -1;
	return is_qcow2(spec) ? create_image(ses, spec, flags, &e, progress, err) :
				create_bytes(ses, spec, &e, progress, err);
}
