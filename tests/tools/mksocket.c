/* mksocket.c - mksocket PATH: leave a socket in the file system. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

int main(int argc, char **argv)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (argc != 2 || fd < 0)
		return 2;
	snprintf(a.sun_path, sizeof a.sun_path, "%s", argv[1]);
	if (bind(fd, (struct sockaddr *)&a, sizeof a) == 0)
		return 0;
	perror(argv[1]);
	return 1;
}
