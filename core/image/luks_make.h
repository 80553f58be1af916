/* luks_make.h - the header of a new LUKS volume (version 1), made by libcryptsetup.
 *
 * All of it is done in memory: no device-mapper, no loop device, no right of
 * root.  The library is opened when it is needed; without its headers at build
 * time luks_make_left_out.c is here instead, which refuses.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_IMAGE_LUKS_MAKE_H
#define BP_IMAGE_LUKS_MAKE_H

#include <stddef.h>

#include "core/base/error.h"
#include "core/model/volume.h"

/* A new header, with a new key behind this passphrase: *ret_len bytes, the data comes
 * after them.  Of enc the cipher counts; what it leaves open is QEMU's: aes-256, xts,
 * plain64, sha256.  It takes some seconds, as guessing passphrases shall.  The caller
 * frees. */
int luks_header(const struct bp_encryption *enc, const char *passphrase, size_t passphrase_len,
		unsigned char **ret, size_t *ret_len, struct bp_error *err);

#endif
