/* encrypt.h - make a volume that is encrypted from its first byte on (inventory, section 5). */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_ENCRYPT_H
#define BP_ENCRYPT_H

#include "core/session.h"

/* As volume_create() of core/volume.h, for a spec with an encryption: the passphrase is
 * one of libvirt's secrets, and the pool type gets a volume to fill. */
int encrypt_create(struct session *ses, struct bp_vol_spec *spec, unsigned flags,
		   const struct bp_progress *progress, struct bp_error *err);

#endif
