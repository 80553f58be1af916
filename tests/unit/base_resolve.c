/* base_resolve.c - addresses of hosts that are addresses: nobody is asked. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "core/base/resolve.h"
#include "tests/tap.h"

static const char *address_of(const char *host)
{
	static char first[64];
	struct bp_error err = { 0 };
	char **addresses;
	size_t n;

	if (resolve_host(host, clock_ms() + 10000, &addresses, &n, &err) < 0)
		return NULL;
	snprintf(first, sizeof first, "%s", addresses[0]);
	resolved_free(addresses, n);
	return first;
}

TEST(an_address_is_itself)
{
	SAME(address_of("192.0.2.1"), "192.0.2.1");
	SAME(address_of("2001:DB8::0001"), "2001:db8::1");
}

TEST(one_with_colons_may_stand_in_brackets)
{
	SAME(address_of("[2001:db8::1]"), "2001:db8::1");
	SAME(address_of("[::1]"), "::1");
}
