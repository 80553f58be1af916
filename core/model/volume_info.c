/* volume_info.c - copies of a volume as found. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>

#include "core/base/mem.h"
#include "core/model/volume.h"

static struct bp_encryption *encryption_dup(const struct bp_encryption *enc)
{
	struct bp_encryption *copy;

	if (!enc)
		return NULL;
	copy = bp_encryption_new();
	copy->format = mem_dup(enc->format);
	copy->engine = mem_dup(enc->engine);
	for (size_t i = 0; i < enc->n_secrets; i++) {
		struct bp_secret *s = array_add(copy->secrets, copy->n_secrets);

		s->type = mem_dup(enc->secrets[i].type);
		s->uuid = mem_dup(enc->secrets[i].uuid);
		s->usage = mem_dup(enc->secrets[i].usage);
	}
	copy->cipher = mem_dup(enc->cipher);
	copy->cipher_mode = mem_dup(enc->cipher_mode);
	copy->cipher_hash = mem_dup(enc->cipher_hash);
	copy->cipher_size = enc->cipher_size;
	copy->ivgen = mem_dup(enc->ivgen);
	copy->ivgen_hash = mem_dup(enc->ivgen_hash);
	return copy;
}

static struct bp_perms perms_dup(const struct bp_perms *perms)
{
	struct bp_perms copy = *perms;

	copy.label = mem_dup(perms->label);
	return copy;
}

static struct bp_backing *backing_dup(const struct bp_backing *backing)
{
	struct bp_backing *copy;

	if (!backing)
		return NULL;
	copy = bp_backing_new();
	*copy = *backing;
	copy->path = mem_dup(backing->path);
	copy->format = mem_dup(backing->format);
	copy->vol = mem_dup(backing->vol);
	copy->perms = perms_dup(&backing->perms);
	return copy;
}

static struct bp_vol_extent *extents_dup(const struct bp_vol_extent *extents, size_t n)
{
	struct bp_vol_extent *copy = n ? mem_resize(NULL, n, sizeof *copy) : NULL;

	for (size_t i = 0; i < n; i++) {
		copy[i] = extents[i];
		copy[i].device = mem_dup(extents[i].device);
	}
	return copy;
}

struct bp_vol_info *bp_vol_info_dup(const struct bp_vol_info *info)
{
	struct bp_vol_info *copy = mem_alloc(sizeof *copy);

	*copy = *info;
	copy->name = mem_dup(info->name);
	copy->key = mem_dup(info->key);
	copy->path = mem_dup(info->path);
	copy->format = mem_dup(info->format);
	copy->perms = perms_dup(&info->perms);
	copy->compat = mem_dup(info->compat);
	copy->encryption = encryption_dup(info->encryption);
	copy->backing = backing_dup(info->backing);
	copy->data_store = backing_dup(info->data_store);
	copy->extents = extents_dup(info->extents, info->n_extents);
	copy->problem = mem_dup(info->problem);
	copy->kind = mem_dup(info->kind);
	return copy;
}

/* The strings are const for those who look; a copy owns them all the same. */
void bp_vol_info_free(struct bp_vol_info *info)
{
	if (!info)
		return;
	free((char *)info->name);
	free((char *)info->key);
	free((char *)info->path);
	free((char *)info->format);
	bp_perms_done(&info->perms);
	free((char *)info->compat);
	bp_encryption_free((struct bp_encryption *)info->encryption);
	bp_backing_free((struct bp_backing *)info->backing);
	bp_backing_free((struct bp_backing *)info->data_store);
	for (size_t i = 0; i < info->n_extents; i++)
		free(info->extents[i].device);
	free((struct bp_vol_extent *)info->extents);
	free((char *)info->problem);
	free((char *)info->kind);
	free(info);
}

void bp_vol_info_freep(struct bp_vol_info **info)
{
	bp_vol_info_free(*info);
	*info = NULL;
}
