/* aio.c - what LVM's library is told when it asks the kernel for asynchronous input and output.
 *
 * It reads and writes its devices that way, a few blocks of each, and gives the context back
 * when a command is done: for that the kernel lets all processors pass by first, which takes
 * some 20 ms, more than everything that was read and written.  LVM does as well without
 * (use_aio in lvm.conf, but to be told so it reads its settings twice more), and does without
 * where the kernel refuses.  So where there are few disks to be waited for one after the
 * other, this refuses, being found before libaio's function of that name.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dirent.h>
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/text.h"

#define FEW 8

int io_setup(int n, void **ret);

/* LVM does not look into its own volumes; loop devices are mostly there for nothing. */
static bool is_disk(const char *name)
{
	return *name != '.' && !starts_with(name, "dm-") && !starts_with(name, "loop");
}

static bool are_few(void)
{
	cleanup(closedirp) DIR *d = opendir("/sys/block");
	struct dirent *e;
	int n = 0;

	while (d && n <= FEW && (e = readdir(d)))
		n += is_disk(e->d_name);
	return d && n <= FEW;
}

/* As libaio's: an error is what it returns. */
int io_setup(int n, void **ret)
{
	if (are_few())
		return -ENOSYS;
	return syscall(SYS_io_setup, n, ret) < 0 ? -errno : 0;
}
