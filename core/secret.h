/* secret.h - libvirt's secrets, as they lie beside the store: for every pool type and
 * image format that needs one.
 *
 * A secret is secrets/UUID.xml, which says what it is for, and secrets/UUID.base64, its
 * value.  What shows a value to others, or was put there by somebody else, is not read.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_SECRET_H
#define BP_SECRET_H

#include "core/backend.h"
#include "core/store.h"

/* Where pool types ask, for as long as the store is open. */
struct bp_secrets secrets_of(struct bp_store *s);

/* The secret of an encrypted volume is the one that is for its path: say so in info, which
 * is a copy (bp_vol_info_dup()). */
void secret_attach(struct bp_store *s, struct bp_vol_info *info);

#endif
