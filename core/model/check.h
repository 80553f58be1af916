/* check.h - rules that pools and volumes have in common.
 *
 * Each says in err->part which element broke it: part is that element's path
 * below the root, as "target/permissions".
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_MODEL_CHECK_H
#define BP_MODEL_CHECK_H

#include "core/model/pool_def.h"
#include "core/model/pool_type.h"

/* Definitions are kept as XML, and XML cannot hold every byte: no control
 * characters but tab and newline, nothing that is not UTF-8.  NULL is fine. */
int check_text(const char *s, const char *part, struct bp_error *err);

int check_mode(const struct bp_perms *perms, const char *part, struct bp_error *err);

/* One of uuid and usage; the uuid is brought into its usual form. */
int check_secret(char **uuid, const char *usage, const char *part, struct bp_error *err);

/* A source by itself, which may be that of a search: what is there must mean
 * something, but nothing has to be there. */
int check_source(struct bp_pool_source *src, const struct bp_pool_type *type,
		 struct bp_error *err);

/* Then, for a pool: what its type needs must be there, what it has no use for
 * goes, and what follows from the rest is filled in. */
int complete_source(struct bp_pool_source *src, const struct bp_pool_type *type,
		    const char *pool, struct bp_error *err);

void auth_free(struct bp_auth *a);	/* NULL is fine */
void empty_to_null(char **field);	/* an empty word is as good as none */
void tidy_path(char **path);

#endif
