/* netfs_shares_left_out.c - see netfs.h: this was built without libsmbclient. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backends/netfs.h"

int netfs_shares_find(const struct bp_pool_source *hint, unsigned limit,
		      const struct bp_secrets *secrets, struct bp_pool_source **ret,
		      size_t *ret_n, struct bp_error *err)
{
	(void)limit, (void)secrets, (void)ret, (void)ret_n;
	return bp_fail(err, BP_UNSUPPORTED, "the shares of server '%s' cannot be found: this was "
		       "built without libsmbclient", hint->hosts[0].name);
}
