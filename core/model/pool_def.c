/* pool_def.c - the memory of a definition, and how its paths are tidied. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/model/pool_def.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/model/check.h"

struct bp_pool_def *bp_pool_def_new(void)
{
	return mem_alloc(sizeof(struct bp_pool_def));
}

static void adapter_free(struct bp_adapter *a)
{
	if (!a)
		return;
	free(a->type);
	free(a->name);
	free(a->wwnn);
	free(a->wwpn);
	free(a->parent);
	free(a->parent_wwnn);
	free(a->parent_wwpn);
	free(a->parent_fabric_wwn);
	free(a);
}

void auth_free(struct bp_auth *a)
{
	if (!a)
		return;
	free(a->type);
	free(a->username);
	free(a->secret_uuid);
	free(a->secret_usage);
	free(a->secret_type);
	free(a);
}

static void options_free(struct bp_option *options, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(options[i].name);
		free(options[i].value);
	}
	free(options);
}

void bp_perms_done(struct bp_perms *perms)
{
	free(perms->label);
	*perms = (struct bp_perms){ 0 };
}

void bp_pool_source_done(struct bp_pool_source *src)
{
	for (size_t i = 0; i < src->n_hosts; i++)
		free(src->hosts[i].name);
	free(src->hosts);
	for (size_t i = 0; i < src->n_devices; i++) {
		free(src->devices[i].path);
		free(src->devices[i].free);
	}
	free(src->devices);
	free(src->dir);
	adapter_free(src->adapter);
	free(src->name);
	free(src->initiator);
	free(src->format);
	auth_free(src->auth);
	free(src->protocol_ver);
	free(src->vendor);
	free(src->product);
	*src = (struct bp_pool_source){ 0 };
}

void bp_pool_def_free(struct bp_pool_def *def)
{
	if (!def)
		return;
	free(def->type);
	free(def->name);
	free(def->uuid);
	bp_pool_source_done(&def->source);
	free(def->target_path);
	bp_perms_done(&def->perms);
	bp_perms_done(&def->volume_perms);
	free(def->refresh_allocation);
	options_free(def->fs_options, def->n_fs_options);
	options_free(def->rbd_options, def->n_rbd_options);
	free(def->activation);
	free(def->mkfs_format);
	free(def->mkfs_label);
	options_free(def->mkfs_options, def->n_mkfs_options);
	auth_free(def->mutual);
	free(def->thin.name);
	free(def);
}

void bp_pool_def_freep(struct bp_pool_def **def)
{
	bp_pool_def_free(*def);
	*def = NULL;
}

/* What comes before the first '/' ends in "://". */
static bool looks_like_url(const char *path)
{
	const char *slash = strchr(path, '/');

	return slash && slash > path && slash[-1] == ':' && slash[1] == '/';
}

char *bp_path_tidy(const char *path)
{
	char *tidy = mem_dup(path), *to = tidy;
	size_t lead = strspn(path, "/");

	if (looks_like_url(path))
		return tidy;
	if (lead == 2)
		*to++ = '/';
	for (const char *p = path; *p; p++)
		if (*p != '/' || (p[1] != '/' && (p[1] || p < path + lead)))
			*to++ = *p;
	*to = '\0';
	return tidy;
}
