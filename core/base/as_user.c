/* as_user.c - see as_user.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/base/as_user.h"

#include <errno.h>
#include <linux/capability.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/cleanup.h"

/* The C library's own functions would tell the other threads, who are not there.
 * Where uids once had 16 bits the right calls have names of their own. */
#ifdef SYS_setresuid32
#define SETGROUPS SYS_setgroups32
#define SETRESGID SYS_setresgid32
#define SETRESUID SYS_setresuid32
#else
#define SETGROUPS SYS_setgroups
#define SETRESGID SYS_setresgid
#define SETRESUID SYS_setresuid
#endif

/* What the child says: an errno, or 0 and perhaps a descriptor. */
struct answer {
	struct msghdr msg;
	struct iovec part;
	int sys;
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} fd;
};

static void answer_init(struct answer *a)
{
	memset(a, 0, sizeof *a);
	a->part = (struct iovec){ &a->sys, sizeof a->sys };
	a->msg = (struct msghdr){
		.msg_iov = &a->part, .msg_iovlen = 1,
		.msg_control = a->fd.bytes, .msg_controllen = sizeof a->fd.bytes,
	};
}

/* ---- the child ------------------------------------------------------------------ */

static int become(const struct as_user *who)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (syscall(SETGROUPS, 0, NULL) < 0 ||
	    syscall(SETRESGID, who->gid, who->gid, who->gid) < 0 ||
	    syscall(SETRESUID, who->uid, who->uid, who->uid) < 0)
		return -1;
	/* They go with root's uid, but for a process that was told to keep them. */
	if (syscall(SYS_capset, &head, none) < 0)
		return -1;
	return prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static void answer_send(int sock, int fd, int sys)
{
	struct answer a;
	struct cmsghdr *c;

	answer_init(&a);
	a.sys = sys;
	c = CMSG_FIRSTHDR(&a.msg);
	if (fd >= 0) {
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof fd);
		memcpy(CMSG_DATA(c), &fd, sizeof fd);
	} else {
		a.msg.msg_controllen = 0;
	}
	(void)sendmsg(sock, &a.msg, MSG_NOSIGNAL);
}

/* ---- whoever asked ---------------------------------------------------------------- */

/* The child has ended: what it said is there, or will never be. */
static int answer_take(int sock, bool opens)
{
	struct answer a;
	struct cmsghdr *c;
	int fd;

	answer_init(&a);
	if (recvmsg(sock, &a.msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) != sizeof a.sys)
		a.sys = EIO;
	c = CMSG_FIRSTHDR(&a.msg);
	if (!a.sys && opens && !c)	/* no place for one more descriptor */
		a.sys = EMFILE;
	errno = a.sys;
	if (a.sys)
		return -1;
	if (!opens)
		return 0;
	memcpy(&fd, CMSG_DATA(c), sizeof fd);
	return fd;
}

/* A bare clone(): its end raises no signal, and nothing the program has set up
 * for its own children runs.  No signal's handler runs in the child, either. */
static pid_t start_child(void)
{
	sigset_t all, before;
	pid_t pid;
	int sys;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pid = (pid_t)syscall(SYS_clone, 0, 0, 0, 0, 0);
	if (pid == 0)
		return 0;
	sys = errno;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	errno = sys;
	return pid;
}

int as_user(const struct as_user *who, bool opens, int (*work)(const void *arg), const void *arg)
{
	auto_close int ours = -1, theirs = -1;
	int pair[2], r;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -1;
	ours = pair[0];
	theirs = pair[1];
	pid = start_child();
	if (pid < 0)
		return -1;
	if (pid == 0) {
		r = become(who) < 0 ? -1 : work(arg);
		answer_send(theirs, opens ? r : -1, r < 0 ? errno : 0);
		_exit(0);
	}
	while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
		;
	return answer_take(ours, opens);
}

void as_users_add(struct as_users *users, uid_t uid, gid_t gid)
{
	for (unsigned i = 0; i < users->n; i++)
		if (users->list[i].uid == uid && users->list[i].gid == gid)
			return;
	if (uid != 0)
		users->list[users->n++] = (struct as_user){ uid, gid };
}
