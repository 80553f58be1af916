/* luks_make_left_out.c - see luks_make.h: this was built without libcryptsetup. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/image/luks_make.h"

int luks_header(const struct bp_encryption *enc, const char *passphrase, size_t passphrase_len,
		unsigned char **ret, size_t *ret_len, struct bp_error *err)
{
	(void)enc, (void)passphrase, (void)passphrase_len, (void)ret, (void)ret_len;
	return bp_fail(err, BP_UNSUPPORTED, "encrypted volumes cannot be made: this was built "
		       "without libcryptsetup");
}
