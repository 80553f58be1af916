/* resolve.h - the addresses of a host, within a time. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_BASE_RESOLVE_H
#define BP_BASE_RESOLVE_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/ask.h"	/* whose clock it is */
#include "core/base/error.h"

/* In the order to be tried, as "192.0.2.1" or "2001:db8::1"; host may be an address in
 * brackets.  A name service may be as dead as a server: it is asked by a child, which is
 * given up at a time of clock_ms(). */
int resolve_host(const char *host, int64_t until, char ***ret, size_t *ret_n,
		 struct bp_error *err);

/* As in URLs an address with colons may stand in brackets.  The caller frees. */
char *host_without_brackets(const char *host);
void resolved_free(char **addresses, size_t n);

#endif
