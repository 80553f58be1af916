/* dns.c - a name service for tests, that fails as it is told to.
 *
 *	dns 127.0.0.1 there.test=10.0.0.1,10.0.0.2 fails.test=fail hangs.test=silent
 *
 * It prints a line when it listens, at port 53.  A name it has not been told of does not exist;
 * to one that fails it answers that it cannot say now, and to one that is silent nothing.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/mem.h"

#define HEAD 12			/* bytes before the question (RFC 1035, 4.1.1) */
#define MOST 512		/* of a message */
enum { TYPE_A = 1, SERVFAIL = 2, NXDOMAIN = 3 };

struct question {
	unsigned char bytes[MOST];
	size_t len;		/* of head and question */
	char name[256];
	unsigned type;
};

/* "\3www\4test\0" as "www.test"; then type and class. */
static bool read_question(struct question *q, size_t got)
{
	size_t at = HEAD, n = 0;

	while (at < got && q->bytes[at]) {
		size_t len = q->bytes[at++];

		if (len > 63 || at + len > got || n + len + 1 >= sizeof q->name)
			return false;
		memcpy(q->name + n, q->bytes + at, len);
		n += len;
		q->name[n++] = '.';
		at += len;
	}
	q->name[n ? n - 1 : 0] = '\0';
	q->len = at + 5;
	if (q->len > got)
		return false;
	q->type = q->bytes[at + 1] * 256u + q->bytes[at + 2];
	return true;
}

/* What is said of a name, or NULL. */
static const char *find(const struct question *q, char **rows)
{
	for (; *rows; rows++) {
		size_t len = strcspn(*rows, "=");

		if (strlen(q->name) == len && strncasecmp(*rows, q->name, len) == 0)
			return *rows + len + 1;
	}
	return NULL;
}

/* One address of version 4: by its name in the question, for a moment only. */
static size_t add_address(unsigned char *to, const char *address)
{
	static const unsigned char head[] = { 0xc0, HEAD, 0, TYPE_A, 0, 1, 0, 0, 0, 0, 0, 4 };

	memcpy(to, head, sizeof head);
	if (inet_pton(AF_INET, address, to + sizeof head) != 1)
		memset(to + sizeof head, 0, 4);
	return sizeof head + 4;
}

static size_t answer(struct question *q, const char *said)
{
	unsigned fails = !said ? NXDOMAIN : strcmp(said, "fail") == 0 ? SERVFAIL : 0;
	auto_free char *all = fails || q->type != TYPE_A ? mem_dup("") : mem_dup(said);
	char *rest = all, *address;
	size_t len = q->len;

	q->bytes[2] = 0x85;		/* an answer, and who knows; questions were asked for */
	q->bytes[3] = (unsigned char)(0x80 | fails);
	memset(q->bytes + 6, 0, HEAD - 6);
	while ((address = strsep(&rest, ",")) && len + 16 <= MOST)
		if (*address) {
			len += add_address(q->bytes + len, address);
			q->bytes[7]++;
		}
	return len;
}

static void serve(int fd, char **rows)
{
	struct sockaddr_in who;
	socklen_t len = sizeof who;
	struct question q = { 0 };
	ssize_t got = recvfrom(fd, q.bytes, sizeof q.bytes, 0, (struct sockaddr *)&who, &len);
	const char *said;

	if (got < HEAD || !read_question(&q, (size_t)got))
		return;
	said = find(&q, rows);
	if (said && strcmp(said, "silent") == 0)
		return;
	(void)sendto(fd, q.bytes, answer(&q, said), 0, (struct sockaddr *)&who, len);
}

int main(int argc, char **argv)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(53) };
	auto_close int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (argc < 2 || inet_pton(AF_INET, argv[1], &a.sin_addr) != 1 || fd < 0 ||
	    bind(fd, (struct sockaddr *)&a, sizeof a) < 0) {
		perror("dns");
		return 1;
	}
	printf("listens\n");
	fflush(stdout);
	for (;;)
		serve(fd, argv + 2);
}
