/* iscsi_firmware.c - iscsistart proves who we are, and nobody sees how.
 *
 * A secret among its arguments could be read by everybody.  It also takes all it needs from
 * what the firmware of a machine leaves for the system it starts (iBFT), in small files below
 * /sys/firmware.  Such files are made for it, in a file system in memory that only it sees.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backends/iscsi.h"
#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/text.h"

#define FIRMWARE "/sys/firmware"

/* A card has to be named; one of this address there is nowhere. */
#define NO_CARD "ff:ff:ff:ff:ff:ff"

static const char *const dirs[] = { "ibft", "ibft/initiator", "ibft/ethernet0", "ibft/target0" };

static int put(int firmware, const char *name, const char *value, struct bp_error *err)
{
	auto_close int fd = openat(firmware, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	return fd >= 0 && write_all(fd, value, strlen(value)) == 0 && write_all(fd, "\n", 1) == 0 ?
	       0 : bp_fail_sys(err, errno, "cannot make '%s/%s' for iscsistart", FIRMWARE, name);
}

/* Flags: the block is valid, and the one to start from. */
static int lay_out(const struct iscsi_login *l, const char *address, const char *port,
		   struct bp_error *err)
{
	const struct { const char *file, *value; } facts[] = {
		{ "ibft/initiator/index", "0" },
		{ "ibft/initiator/flags", "3" },
		{ "ibft/initiator/initiator-name", l->initiator },
		{ "ibft/ethernet0/index", "0" },
		{ "ibft/ethernet0/flags", "3" },
		{ "ibft/ethernet0/mac", NO_CARD },
		{ "ibft/target0/index", "0" },
		{ "ibft/target0/flags", "3" },
		{ "ibft/target0/nic-assoc", "0" },
		{ "ibft/target0/target-name", l->def->source.devices[0].path },
		{ "ibft/target0/ip-addr", address },
		{ "ibft/target0/port", port },
		{ "ibft/target0/chap-name", l->user },
		{ "ibft/target0/chap-secret", l->secret->text },
		{ "ibft/target0/rev-chap-name", l->peer },
		{ "ibft/target0/rev-chap-name-secret", l->peer ? l->peer_secret->text : NULL },
	};
	auto_close int firmware = open(FIRMWARE, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = firmware < 0 ? bp_fail_sys(err, errno, "cannot open '%s'", FIRMWARE) : 0;

	for (size_t i = 0; r == 0 && i < array_size(dirs); i++)
		if (mkdirat(firmware, dirs[i], 0700) < 0)
			r = bp_fail_sys(err, errno, "cannot make '%s/%s' for iscsistart", FIRMWARE,
					dirs[i]);
	for (size_t i = 0; r == 0 && i < array_size(facts); i++)
		if (facts[i].value)
			r = put(firmware, facts[i].file, facts[i].value, err);
	return r;
}

/* Mounts of our own, of which nobody else learns.  Below a changed root that is no mount, /sys
 * still may be one. */
static int hide(struct bp_error *err)
{
	const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;

	if (unshare(CLONE_NEWNS) < 0 ||
	    (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0 &&
	     mount(NULL, "/sys", NULL, MS_REC | MS_SLAVE, NULL) < 0) ||
	    mount("barepool", FIRMWARE, "ramfs", flags, "mode=700") < 0)
		return bp_fail_sys(err, errno, "iscsistart shows a secret to everybody who lists "
				   "processes, and '%s' cannot be mounted over to give it one "
				   "otherwise; with iscsiadm CHAP needs no mount", FIRMWARE);
	return 0;
}

/* It ends with whoever waits for it; the kernel then forgets what was mounted. */
static void log_in(const struct iscsi_login *l, const char *address, const char *port,
		   pid_t parent, int to)
{
	struct bp_error err = { 0 };

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() == parent && hide(&err) == 0 && lay_out(l, address, port, &err) == 0)
		(void)iscsistart_groups(NULL, &err);
	(void)write_all(to, &err, sizeof err);
	_exit(0);
}

int iscsi_by_firmware(const struct iscsi_login *l, const char *address, const char *port,
		      struct bp_error *err)
{
	auto_close int from = -1, to = -1;
	pid_t parent = getpid(), pid;
	int ends[2];
	ssize_t n;

	if (iscsi_record_check_auth(l, err) < 0)
		return -1;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return bp_fail_sys(err, errno, "cannot make a pipe");
	from = ends[0];
	to = ends[1];
	pid = fork();
	if (pid < 0)
		return bp_fail_sys(err, errno, "cannot start a process");
	if (pid == 0)
		log_in(l, address, port, parent, to);
	close(steal_fd(to));
	n = retry(read(from, err, sizeof *err));
	(void)retry(waitpid(pid, NULL, 0));
	if (n != (ssize_t)sizeof *err) {
		*err = (struct bp_error){ 0 };
		return bp_fail(err, BP_INTERNAL, "the process that logs in has died");
	}
	return err->code ? -1 : 0;
}
