/* reader.c - look at every file of a directory, one after the other: what a list of volumes costs
 * somebody who reads alone.
 *
 *	reader DIRECTORY
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	char header[512];
	struct dirent *e;
	struct stat st;
	long n = 0;
	DIR *d;

	if (argc != 2 || !(d = opendir(argv[1]))) {
		perror(argc == 2 ? argv[1] : "reader: a directory");
		return 1;
	}
	while ((e = readdir(d))) {
		int fd = openat(dirfd(d), e->d_name, O_RDONLY | O_CLOEXEC);

		if (fd < 0)
			continue;
		n += fstat(fd, &st) == 0 && read(fd, header, sizeof header) >= 0;
		close(fd);
	}
	closedir(d);
	printf("%ld\n", n);
	return 0;
}
