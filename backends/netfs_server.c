/* netfs_server.c - a server's addresses, and whether anybody answers there.
 *
 * A mount of a server that is away takes minutes to fail and is hard to stop.  So it
 * is asked first, by a connection of our own; an NFS server by the call that does
 * nothing (RFC 5531), to which a frozen one gives no answer though its kernel takes
 * the connection.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "backends/netfs.h"
#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/mem.h"

#define NFS_PROGRAM 100003

/* ---- time -------------------------------------------------------------------------- */

static int64_t now(void)	/* milliseconds */
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Wait until the socket is ready.  -1 and errno, ETIMEDOUT among others. */
static int wait_for(int fd, short what, int64_t end)
{
	struct pollfd p = { .fd = fd, .events = what };
	int64_t left = end - now();
	int r = retry(poll(&p, 1, left > 0 ? (int)left : 0));

	if (r == 0)
		errno = ETIMEDOUT;
	return r > 0 ? 0 : -1;
}

/* ---- names ------------------------------------------------------------------------- */

/* A look-up cannot be told when to end, so it has a thread, which goes on alone when
 * nobody waits any more: whoever comes last frees. */
struct lookup {
	char *host;
	struct addrinfo *found;
	int result;
	atomic_bool left;
};

static void lookup_leave(struct lookup *l)
{
	if (!atomic_exchange(&l->left, true))
		return;
	if (l->found)
		freeaddrinfo(l->found);
	free(l->host);
	free(l);
}

static void *look_up(void *arg)
{
	const struct addrinfo tcp = { .ai_socktype = SOCK_STREAM };
	struct lookup *l = arg;

	l->result = getaddrinfo(l->host, NULL, &tcp, &l->found);
	lookup_leave(l);
	return NULL;
}

static int no_host(const char *host, int result, struct bp_error *err)
{
	return bp_fail(err, BP_FAILED, "cannot find server '%s': %s", host,
		       result == EAI_SYSTEM ? strerror(errno) : gai_strerror(result));
}

/* Addresses that are written as such need nobody to look them up. */
static int find_addresses(const char *host, unsigned limit, struct addrinfo **ret,
			  struct bp_error *err)
{
	const struct addrinfo plain = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST };
	struct timespec end;
	struct lookup *l;
	pthread_t thread;
	int result;

	if (getaddrinfo(host, NULL, &plain, ret) == 0)
		return 0;
	l = mem_alloc(sizeof *l);
	l->host = mem_dup(host);
	if (pthread_create(&thread, NULL, look_up, l) != 0) {
		free(l->host);
		free(l);
		return bp_fail(err, BP_INTERNAL, "cannot start a thread to find '%s'", host);
	}
	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += limit;
	if (pthread_timedjoin_np(thread, NULL, &end) != 0) {
		pthread_detach(thread);
		lookup_leave(l);
		return bp_fail(err, BP_FAILED, "cannot find server '%s': the name service has not "
			       "answered for %u seconds", host, limit);
	}
	result = l->result;
	*ret = steal(l->found);
	lookup_leave(l);
	return result ? no_host(host, result, err) : 0;
}

/* ---- a call that does nothing --------------------------------------------------------- */

static int send_all(int fd, const void *data, size_t len, int64_t end)
{
	const char *at = data;

	while (len) {
		ssize_t n = wait_for(fd, POLLOUT, end) < 0 ? -1 :
			retry(send(fd, at, len, MSG_NOSIGNAL));

		if (n < 0)
			return -1;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

static int receive_all(int fd, void *data, size_t len, int64_t end)
{
	char *at = data;

	while (len) {
		ssize_t n = wait_for(fd, POLLIN, end) < 0 ? -1 : retry(recv(fd, at, len, 0));

		if (n == 0)
			errno = ECONNRESET;
		if (n <= 0)
			return -1;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

/* 1: it speaks this version; 0: it does not.  -1 and errno. */
static int ask_nothing(int fd, unsigned version, int64_t end)
{
	/* mark of the record; number, call, RPC 2; what is called; no names, twice */
	const uint32_t call[] = {
		htonl(0x80000000 | 40), htonl(version), 0, htonl(2),
		htonl(NFS_PROGRAM), htonl(version), 0, 0, 0, 0, 0,
	};
	uint32_t mark, reply[16];
	size_t len;

	if (send_all(fd, call, sizeof call, end) < 0 ||
	    receive_all(fd, &mark, sizeof mark, end) < 0)
		return -1;
	len = ntohl(mark) & 0x7fffffff;
	if (len < 12 || len > sizeof reply) {
		errno = EPROTO;
		return -1;
	}
	if (receive_all(fd, reply, len, end) < 0)
		return -1;
	/* number, reply, accepted, no name, and how it went */
	return len >= 24 && ntohl(reply[0]) == version && ntohl(reply[1]) == 1 && !reply[2] &&
	       !reply[4] && !reply[5];
}

static int ask_nfs(int fd, struct netfs_server *ret, int64_t end)
{
	int four = ask_nothing(fd, 4, end);
	int three = four < 0 ? -1 : ask_nothing(fd, 3, end);

	if (four < 0 || three < 0)
		return -1;
	ret->nfs4 = four;
	ret->nfs3 = three;
	if (four || three)
		return 0;
	errno = EPROTONOSUPPORT;
	return -1;
}

/* ---- one address ------------------------------------------------------------------------ */

static void set_port(struct sockaddr *a, unsigned port)
{
	in_port_t be = htons((uint16_t)port);

	if (a->sa_family == AF_INET6)
		((struct sockaddr_in6 *)a)->sin6_port = be;
	else
		((struct sockaddr_in *)a)->sin_port = be;
}

static int write_addresses(int fd, const struct sockaddr *theirs, socklen_t len,
			   struct netfs_server *ret)
{
	struct sockaddr_storage ours;
	socklen_t ours_len = sizeof ours;

	if (getsockname(fd, (struct sockaddr *)&ours, &ours_len) < 0 ||
	    getnameinfo((struct sockaddr *)&ours, ours_len, ret->ours, sizeof ret->ours, NULL, 0,
			NI_NUMERICHOST) ||
	    getnameinfo(theirs, len, ret->address, sizeof ret->address, NULL, 0, NI_NUMERICHOST))
		return -1;
	return 0;
}

static int connected(int fd, const struct sockaddr *a, socklen_t len, int64_t end)
{
	socklen_t size = sizeof errno;
	int sys;

	if (connect(fd, a, len) == 0)
		return 0;
	if (errno != EINPROGRESS || wait_for(fd, POLLOUT, end) < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_ERROR, &sys, &size) < 0)
		return -1;
	errno = sys;
	return sys ? -1 : 0;
}

/* -1 and errno. */
static int try_address(struct addrinfo *a, unsigned port, bool nfs, int64_t end,
		       struct netfs_server *ret)
{
	auto_close int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	set_port(a->ai_addr, port);
	if (fd < 0 || connected(fd, a->ai_addr, a->ai_addrlen, end) < 0 ||
	    (nfs && ask_nfs(fd, ret, end) < 0))
		return -1;
	return write_addresses(fd, a->ai_addr, a->ai_addrlen, ret);
}

static int no_answer(const char *host, unsigned port, int sys, unsigned limit,
		     struct bp_error *err)
{
	int r;

	if (sys == ETIMEDOUT)
		r = bp_fail(err, BP_FAILED, "server not responding: '%s', port %u, has not "
			    "answered for %u seconds", host, port, limit);
	else if (sys == ECONNREFUSED)
		r = bp_fail(err, BP_FAILED, "server '%s' takes no connections on port %u: its file "
			    "service is not running, or listens elsewhere", host, port);
	else if (sys == EPROTONOSUPPORT || sys == EPROTO)
		r = bp_fail(err, BP_FAILED, "what answers on port %u of server '%s' is no NFS "
			    "server of version 3 or 4", port, host);
	else
		r = bp_fail_sys(err, sys, "cannot reach port %u of server '%s'", port, host);
	err->sys = sys;
	return r;
}

int netfs_server_find(const char *host, unsigned port, bool nfs, unsigned limit,
		      struct netfs_server *ret, struct bp_error *err)
{
	struct addrinfo *list = NULL;
	int64_t end = now() + (int64_t)limit * 1000;
	int sys = 0, r = -1;

	if (find_addresses(host, limit, &list, err) < 0)
		return -1;
	for (struct addrinfo *a = list; r < 0 && a; a = a->ai_next) {
		/* an address that does not answer leaves time for those after it */
		int64_t share = a->ai_next ? (end - now()) / 2 : end - now();

		*ret = (struct netfs_server){ .port = port };
		r = try_address(a, port, nfs, now() + share, ret);
		sys = r < 0 ? errno : 0;
	}
	freeaddrinfo(list);
	return r < 0 ? no_answer(host, port, sys, limit, err) : 0;
}
