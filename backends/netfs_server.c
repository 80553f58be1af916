/* netfs_server.c - a server's addresses, and whether anybody answers there.
 *
 * A mount of a server that is away takes minutes to fail and is hard to stop.  So it
 * is asked first, by a connection of our own; a server of NFS or GlusterFS by the call
 * that does nothing (RFC 5531), to which a frozen one gives no answer though its kernel
 * takes the connection.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backends/netfs.h"
#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/resolve.h"

#define NFS_PROGRAM 100003
#define GLUSTER_HANDSHAKE 14398633

/* ---- time -------------------------------------------------------------------------- */

/* Wait until the socket is ready.  -1 and errno, ETIMEDOUT among others. */
static int wait_for(int fd, short what, int64_t end)
{
	struct pollfd p = { .fd = fd, .events = what };
	int64_t left = end - clock_ms();
	int r = retry(poll(&p, 1, left > 0 ? (int)left : 0));

	if (r == 0)
		errno = ETIMEDOUT;
	return r > 0 ? 0 : -1;
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

size_t netfs_reply_size(uint32_t mark)
{
	size_t len = ntohl(mark) & 0x7fffffff;

	return len < 12 || len > 64 ? 0 : len;
}

/* number, reply, accepted, no name, and how it went */
bool netfs_reply_is_good(const uint32_t *reply, size_t len, unsigned version)
{
	return len >= 24 && ntohl(reply[0]) == version && ntohl(reply[1]) == 1 && !reply[2] &&
	       !reply[4] && !reply[5];
}

/* 1: it speaks this version; 0: it does not.  -1 and errno. */
static int ask_nothing(int fd, unsigned program, unsigned version, int64_t end)
{
	/* mark of the record; number, call, RPC 2; what is called; no names, twice */
	const uint32_t call[] = {
		htonl(0x80000000 | 40), htonl(version), 0, htonl(2),
		htonl(program), htonl(version), 0, 0, 0, 0, 0,
	};
	uint32_t mark, reply[16];
	size_t len;

	if (send_all(fd, call, sizeof call, end) < 0 ||
	    receive_all(fd, &mark, sizeof mark, end) < 0)
		return -1;
	len = netfs_reply_size(mark);
	if (!len || len > sizeof reply) {
		errno = EPROTO;
		return -1;
	}
	return receive_all(fd, reply, len, end) < 0 ? -1 : netfs_reply_is_good(reply, len, version);
}

static int ask_nfs(int fd, struct netfs_server *ret, int64_t end)
{
	int four = ask_nothing(fd, NFS_PROGRAM, 4, end);
	int three = four < 0 ? -1 : ask_nothing(fd, NFS_PROGRAM, 3, end);

	if (four < 0 || three < 0)
		return -1;
	ret->nfs4 = four;
	ret->nfs3 = three;
	if (four || three)
		return 0;
	errno = EPROTONOSUPPORT;
	return -1;
}

/* Any answer will do, and that it ends the connection, as where it is to be encrypted. */
static int ask_gluster(int fd, int64_t end)
{
	return ask_nothing(fd, GLUSTER_HANDSHAKE, 2, end) < 0 && errno == ETIMEDOUT ? -1 : 0;
}

static int ask(int fd, enum netfs_sign sign, struct netfs_server *ret, int64_t end)
{
	if (sign == NETFS_SPEAKS_NFS)
		return ask_nfs(fd, ret, end);
	return sign == NETFS_ANSWERS ? ask_gluster(fd, end) : 0;
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
static int try_socket(struct addrinfo *a, unsigned port, enum netfs_sign sign, int64_t end,
		      struct netfs_server *ret)
{
	auto_close int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	set_port(a->ai_addr, port);
	if (fd < 0 || connected(fd, a->ai_addr, a->ai_addrlen, end) < 0 ||
	    ask(fd, sign, ret, end) < 0)
		return -1;
	return write_addresses(fd, a->ai_addr, a->ai_addrlen, ret);
}

static int try_address(const char *address, unsigned port, enum netfs_sign sign,
		       int64_t end, struct netfs_server *ret)
{
	const struct addrinfo plain = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST };
	struct addrinfo *a = NULL;
	int r, sys;

	*ret = (struct netfs_server){ .port = port };
	if (getaddrinfo(address, NULL, &plain, &a) != 0) {
		errno = EADDRNOTAVAIL;
		return -1;
	}
	r = try_socket(a, port, sign, end, ret);
	sys = errno;
	freeaddrinfo(a);
	errno = sys;
	return r;
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

int netfs_server_find(const char *host, unsigned port, enum netfs_sign sign, unsigned limit,
		      struct netfs_server *ret, struct bp_error *err)
{
	int64_t end = clock_ms() + (int64_t)limit * 1000;
	char **addresses = NULL;
	size_t n = 0;
	int sys = 0, r = -1;

	if (resolve_host(host, end, &addresses, &n, err) < 0)
		return -1;
	for (size_t i = 0; r < 0 && i < n; i++) {
		/* an address that does not answer leaves time for those after it */
		int64_t left = end - clock_ms(), share = i + 1 < n ? left / 2 : left;

		r = try_address(addresses[i], port, sign, clock_ms() + share, ret);
		sys = r < 0 ? errno : 0;
	}
	resolved_free(addresses, n);
	return r < 0 ? no_answer(host, port, sys, limit, err) : 0;
}
