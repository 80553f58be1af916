/* resolve.c - see resolve.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/base/resolve.h"

#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "core/base/ask.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"

/* Where it is not the name that is wrong. */
#define HINT "; see /etc/resolv.conf, or give the host by its address"

void resolved_free(char **addresses, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(addresses[i]);
	free(addresses);
}

/* A line for each address, after "+"; or why there is none, after "-". */
static void look_up(const char *host, int flags, struct text *ret)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = flags };
	struct addrinfo *all = NULL;
	int r = getaddrinfo(host, NULL, &hints, &all);

	text_add(ret, r ? "-" : "+");
	if (r)
		text_addf(ret, "%s%s", r == EAI_SYSTEM ? strerror(errno) : gai_strerror(r),
			  r == EAI_NONAME ? "" : HINT);
	for (struct addrinfo *a = all; a; a = a->ai_next) {
		char address[NI_MAXHOST];

		if (getnameinfo(a->ai_addr, a->ai_addrlen, address, sizeof address, NULL, 0,
				NI_NUMERICHOST) == 0)
			text_addf(ret, "%s\n", address);
	}
	if (all)
		freeaddrinfo(all);
}

static void ask(const void *arg, struct text *answer)
{
	look_up(arg, 0, answer);
}

static void take_lines(char *text, char ***ret, size_t *ret_n)
{
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		*array_add(*ret, *ret_n) = mem_dup(line);
}

char *host_without_brackets(const char *host)
{
	size_t len = strlen(host);
	bool in = len > 2 && *host == '[' && host[len - 1] == ']' && strchr(host, ':');

	return in ? mem_dup_n(host + 1, len - 2) : mem_dup(host);
}

int resolve_host(const char *said, int64_t until, char ***ret, size_t *ret_n,
		 struct bp_error *err)
{
	cleanup(text_done) struct text answer = { 0 };
	auto_free char *host = host_without_brackets(said);
	int64_t began = clock_ms();

	*ret = NULL;
	*ret_n = 0;
	look_up(host, AI_NUMERICHOST, &answer);
	if (*answer.s == '-') {
		text_done(&answer);
		answer = (struct text){ 0 };
		if (ask_child(ask, host, until, &answer) < 0)
			return bp_fail(err, BP_SYSTEM, "cannot find the address of '%s': the name "
				       "service has not answered for %lld seconds" HINT, host,
				       (long long)(until - began + 999) / 1000);
	}
	if (answer.len && *answer.s == '-')
		return bp_fail(err, BP_SYSTEM, "cannot find the address of '%s': %s", host,
			       answer.s + 1);
	if (answer.len)
		take_lines(answer.s + 1, ret, ret_n);
	return *ret_n ? 0 : bp_fail(err, BP_SYSTEM, "'%s' has no address", host);
}
