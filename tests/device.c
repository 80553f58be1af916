/* device.c - see device.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/device.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

#include "tests/tap.h"

static bool alone(void)
{
	static bool done;

	if (!done)
		done = unshare(CLONE_NEWNS) == 0 &&
		       mount("", "/", "", MS_REC | MS_PRIVATE, NULL) == 0;
	return done;
}

/* The descriptor stays open: with the last one the device lets go of the file. */
static int attach(int file, char *path, size_t size)
{
	struct loop_config config = {
		.fd = (unsigned)file, .info = { .lo_flags = LO_FLAGS_AUTOCLEAR },
	};
	int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);

	for (int tries = 0; control >= 0 && tries < 100; tries++) {
		int n = ioctl(control, LOOP_CTL_GET_FREE), fd;

		snprintf(path, size, "/dev/loop%d", n);
		fd = n < 0 ? -1 : open(path, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			break;
		if (ioctl(fd, LOOP_CONFIGURE, &config) == 0) {
			close(control);
			return fd;
		}
		close(fd);
		if (errno != EBUSY)	/* somebody else was quicker */
			break;
	}
	if (control >= 0)
		close(control);
	return -1;
}

/* The next of the disks that may be taken (see tests/lab.sh), if there is one. */
static bool take_disk(char *path, size_t size)
{
	static const char *rest;
	size_t len;

	if (!rest)
		rest = getenv("DISKS") ? getenv("DISKS") : "";
	len = strcspn(rest, " ");
	if (len == 0 || len >= size)
		return false;
	snprintf(path, size, "%.*s", (int)len, rest);
	rest += len + (rest[len] == ' ');
	return true;
}

const char *device_make(const char *name, uint64_t size)
{
	static char paths[8][32];
	static int n;
	int file, fd;

	if (n == 8 || geteuid() != 0 || !alone())
		return NULL;
	if (take_disk(paths[n], sizeof paths[n]))
		return paths[n++];
	file = open(tap_path(name), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (file < 0 || ftruncate(file, (off_t)size) < 0)
		return NULL;
	fd = attach(file, paths[n], sizeof paths[n]);
	close(file);
	return fd < 0 ? NULL : paths[n++];
}
