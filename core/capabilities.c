/* capabilities.c - what this build can run, and what could become a pool. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>

#include "core/backend.h"
#include "core/barepool.h"
#include "core/secret.h"
#include "core/store.h"
#include "core/survey.h"

bool bp_pool_type_supported(const struct bp_pool_type *type)
{
	return bp_backend_present(type->name);
}

int bp_sources_find(struct bp_store *s, const char *type, const struct bp_pool_source *hint,
		    struct bp_pool_source **ret, size_t *ret_n, struct bp_error *err)
{
	const struct bp_secrets secrets = s ? secrets_of(s) : (struct bp_secrets){ 0 };
	const struct bp_backend *be;

	if (!bp_pool_type_find(type))
		return bp_fail(err, BP_INTERNAL, "unknown storage pool type %s", type);
	be = bp_backend_find(type, err);
	if (!be)
		return -1;
	if (be->source_format && be->device_content)
		return survey_sources(s, be, hint, ret, ret_n, err);
	if (!be->sources_find)
		return bp_fail(err, BP_UNSUPPORTED, "pool type '%s' does not support source "
			       "discovery", type);
	return be->sources_find(hint, s ? s->limit : BP_TIMEOUT, &secrets, ret, ret_n, err);
}

void bp_sources_free(struct bp_pool_source *sources, size_t n)
{
	for (size_t i = 0; i < n; i++)
		bp_pool_source_done(&sources[i]);
	free(sources);
}
