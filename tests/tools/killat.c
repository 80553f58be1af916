/* killat.c - run a command and kill it, or let it fail, at its n-th call that changes something.
 *
 *	killat --list COMMAND ARG...		the calls, one a line, on descriptor 3
 *	killat N COMMAND ARG...			all of it is killed before the n-th
 *	killat N alone COMMAND ARG...		the command is, and those it has started are not
 *	killat N ERRNO COMMAND ARG...		the n-th is not made and returns that number
 *	killat N short COMMAND ARG...		the n-th reads, writes or copies one byte only
 *	killat N do:WORDS COMMAND ARG...	before the n-th, a shell does that
 *	killat --under DIR ...			every call on what is below DIR counts,
 *						also those that only look, and no other
 *
 * Calls are counted over all threads and children.  What only writes to the
 * standard streams does not count.  The status is that of the command, 137 when
 * it was killed, 99 when it made fewer than n calls, 98 when this tool failed.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/aio_abi.h>
#include <linux/blkpg.h>
#include <linux/dm-ioctl.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_PID = 1 << 22, TOO_FEW = 99, FAILED = 98 };

/* How the descriptor or flags among the arguments say whether a call counts. */
enum kind { ALWAYS, OUTPUT, OPEN, OPENAT, FCNTL, IOCTL, SUBMIT, LOOKS };

static const struct call {
	long nr;
	const char *name;
	enum kind kind;
} calls[] = {
#ifdef SYS_stat
	{ SYS_stat, "stat", LOOKS }, { SYS_lstat, "lstat", LOOKS },
	{ SYS_access, "access", LOOKS }, { SYS_readlink, "readlink", LOOKS },
#endif
#ifdef SYS_newfstatat
	{ SYS_newfstatat, "newfstatat", LOOKS },
#endif
	{ SYS_fstat, "fstat", LOOKS }, { SYS_statx, "statx", LOOKS },
	{ SYS_faccessat, "faccessat", LOOKS }, { SYS_faccessat2, "faccessat2", LOOKS },
	{ SYS_readlinkat, "readlinkat", LOOKS }, { SYS_openat2, "openat2", LOOKS },
	{ SYS_read, "read", LOOKS }, { SYS_pread64, "pread64", LOOKS },
	{ SYS_lseek, "lseek", LOOKS }, { SYS_getdents64, "getdents64", LOOKS },
	{ SYS_statfs, "statfs", LOOKS }, { SYS_fstatfs, "fstatfs", LOOKS },
	{ SYS_fgetxattr, "fgetxattr", LOOKS },
	{ SYS_inotify_add_watch, "inotify_add_watch", LOOKS },
#ifdef SYS_open
	{ SYS_open, "open", OPEN }, { SYS_creat, "creat", ALWAYS },
	{ SYS_rename, "rename", ALWAYS }, { SYS_link, "link", ALWAYS },
	{ SYS_unlink, "unlink", ALWAYS }, { SYS_mkdir, "mkdir", ALWAYS },
	{ SYS_rmdir, "rmdir", ALWAYS }, { SYS_symlink, "symlink", ALWAYS },
	{ SYS_chmod, "chmod", ALWAYS }, { SYS_chown, "chown", ALWAYS },
#endif
#ifdef SYS_renameat
	{ SYS_renameat, "renameat", ALWAYS },
#endif
	{ SYS_openat, "openat", OPENAT }, { SYS_renameat2, "renameat2", ALWAYS },
	{ SYS_linkat, "linkat", ALWAYS }, { SYS_unlinkat, "unlinkat", ALWAYS },
	{ SYS_mkdirat, "mkdirat", ALWAYS }, { SYS_symlinkat, "symlinkat", ALWAYS },
	{ SYS_fchmodat, "fchmodat", ALWAYS }, { SYS_fchownat, "fchownat", ALWAYS },
	{ SYS_fchmod, "fchmod", ALWAYS }, { SYS_fchown, "fchown", ALWAYS },
	{ SYS_truncate, "truncate", ALWAYS }, { SYS_ftruncate, "ftruncate", ALWAYS },
	{ SYS_fallocate, "fallocate", ALWAYS }, { SYS_fsetxattr, "fsetxattr", ALWAYS },
	{ SYS_write, "write", OUTPUT }, { SYS_writev, "writev", OUTPUT },
	{ SYS_pwrite64, "pwrite64", OUTPUT }, { SYS_pwritev, "pwritev", OUTPUT },
	{ SYS_copy_file_range, "copy_file_range", ALWAYS }, { SYS_splice, "splice", ALWAYS },
	{ SYS_sendfile, "sendfile", OUTPUT }, { SYS_fsync, "fsync", ALWAYS },
	{ SYS_fdatasync, "fdatasync", ALWAYS }, { SYS_sync_file_range, "sync_file_range", ALWAYS },
	{ SYS_flock, "flock", ALWAYS }, { SYS_fcntl, "fcntl", FCNTL },
	{ SYS_ioctl, "ioctl", IOCTL }, { SYS_io_submit, "io_submit", SUBMIT },
	{ SYS_mount, "mount", ALWAYS }, { SYS_umount2, "umount2", ALWAYS },
};

static long wanted, seen, inject;	/* inject: an error number */
static const char *words;		/* or what a shell does */
static int is_short;			/* or one byte instead of many */
static int alone;			/* it is the command that is killed, not its children */
static const char *under;		/* the directory whose calls count */
static pid_t group;			/* of the command */
static pid_t injected;			/* in the call that is to fail */
static FILE *list;
static unsigned char inside[MAX_PID];	/* met before: attached and set up */

static void fail(const char *what)
{
	fprintf(stderr, "killat: %s: %s\n", what, strerror(errno));
	exit(FAILED);
}

static int peek(pid_t pid, uint64_t address, void *to, size_t len)
{
	struct iovec ours = { to, len }, theirs = { NULL, len };

	memcpy(&theirs.iov_base, &address, sizeof theirs.iov_base);
	return address && process_vm_readv(pid, &ours, 1, &theirs, 1, 0) > 0;
}

/* Those that are handed in together are of one kind. */
static int is_write(pid_t pid, const uint64_t *arg)
{
	struct iocb request;
	uint64_t first;

	return peek(pid, arg[2], &first, sizeof first) &&
	       peek(pid, first, &request, sizeof request) &&
	       request.aio_lio_opcode != IOCB_CMD_PREAD &&
	       request.aio_lio_opcode != IOCB_CMD_PREADV;
}

static int changes_device(uint64_t request)
{
	return request == BLKPG || request == BLKZEROOUT || request == BLKDISCARD ||
	       request == DM_DEV_CREATE || request == DM_DEV_REMOVE ||
	       request == DM_DEV_SUSPEND || request == DM_DEV_RENAME ||
	       request == DM_TABLE_LOAD || request == DM_TABLE_CLEAR || request == DM_TARGET_MSG;
}

static int counts(pid_t pid, enum kind kind, const uint64_t *arg)
{
	const uint64_t changes = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC;

	switch (kind) {
	case OUTPUT:	return arg[0] > 2;
	case OPEN:	return (arg[1] & changes) != 0;
	case OPENAT:	return (arg[2] & changes) != 0;
	case FCNTL:	return arg[1] == F_OFD_SETLK || arg[1] == F_OFD_SETLKW ||
			       arg[1] == F_SETLK || arg[1] == F_SETLKW;
	case IOCTL:	return arg[1] == FICLONE || arg[1] == FICLONERANGE ||
			       arg[1] == FS_IOC_SETFLAGS || arg[1] == LOOP_CONFIGURE ||
			       arg[1] == LOOP_SET_FD || changes_device(arg[1]);
	case SUBMIT:	return is_write(pid, arg);
	case LOOKS:	return 0;
	default:	return 1;
	}
}

/* The file a descriptor stands for, as far as the first argument is one. */
static void file_of(pid_t pid, const uint64_t *arg, char file[static PATH_MAX])
{
	char entry[64];
	ssize_t n;

	snprintf(entry, sizeof entry, "/proc/%d/fd/%d", pid, (int)arg[0]);
	n = readlink(entry, file, PATH_MAX - 1);
	file[n < 0 ? 0 : n] = '\0';
}

/* Or the file it names, as far as that is on one page. */
static void name_of(pid_t pid, const uint64_t *arg, char file[static PATH_MAX])
{
	size_t len = (size_t)(4096 - arg[0] % 4096);

	if (!peek(pid, arg[0], file, len < PATH_MAX ? len : PATH_MAX - 1) || *file != '/')
		*file = '\0';
	file[len < PATH_MAX ? len : PATH_MAX - 1] = '\0';
}

/* Absolute paths are the first argument or the second; anything else there is
 * no address, or not one of such a string. */
static int is_path_under(pid_t pid, uint64_t address)
{
	char text[PATH_MAX] = "";

	return peek(pid, address, text, strlen(under) + 1) &&
	       strncmp(text, under, strlen(under)) == 0;
}

static int is_under(pid_t pid, const uint64_t *arg)
{
	char file[PATH_MAX];

	file_of(pid, arg, file);
	return strncmp(file, under, strlen(under)) == 0 || is_path_under(pid, arg[0]) ||
	       is_path_under(pid, arg[1]);
}

static const struct call *find(pid_t pid, const struct __ptrace_syscall_info *info)
{
	const uint64_t *arg = (const uint64_t *)info->entry.args;

	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
		if (calls[i].nr == (long)info->entry.nr)
			return (under ? is_under(pid, arg) : counts(pid, calls[i].kind, arg)) ?
			       &calls[i] : NULL;
	return NULL;
}

static void print(pid_t pid, const struct call *c, const struct __ptrace_syscall_info *info)
{
	char file[PATH_MAX];

	file_of(pid, (const uint64_t *)info->entry.args, file);
	if (!*file)
		name_of(pid, (const uint64_t *)info->entry.args, file);
	fprintf(list, "%s %s\n", c->name, file);
}

/* No such call at its entry; the result at its exit. */
static void set_call(pid_t pid, int exit, long result)
{
#if defined __x86_64__
	struct user_regs_struct regs;
	struct iovec iov = { &regs, sizeof regs };

	if (ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &iov) < 0)
		fail("registers");
	if (exit)
		regs.rax = (unsigned long long)result;
	else
		regs.orig_rax = (unsigned long long)-1;
	if (ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &iov) < 0)
		fail("registers");
#elif defined __aarch64__
	struct user_regs_struct regs;
	int none = -1;
	struct iovec all = { &regs, sizeof regs }, number = { &none, sizeof none };

	if (!exit && ptrace(PTRACE_SETREGSET, pid, NT_ARM_SYSTEM_CALL, &number) < 0)
		fail("registers");
	if (!exit)
		return;
	if (ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &all) < 0)
		fail("registers");
	regs.regs[0] = (unsigned long long)result;
	if (ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &all) < 0)
		fail("registers");
#else
	(void)pid, (void)exit, (void)result;
	errno = ENOSYS;
	fail("calls can be made to fail on x86_64 and aarch64 only");
#endif
}

/* The argument that says how many: those that read and write have it third. */
static void set_count(pid_t pid, long nr)
{
#if defined __x86_64__ || defined __aarch64__
	struct user_regs_struct regs;
	struct iovec iov = { &regs, sizeof regs };

	if (nr != SYS_read && nr != SYS_pread64 && nr != SYS_write && nr != SYS_pwrite64 &&
	    nr != SYS_copy_file_range)
		return;
	if (ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &iov) < 0)
		fail("registers");
#if defined __x86_64__
	*(nr == SYS_copy_file_range ? &regs.r8 : &regs.rdx) = 1;
#else
	regs.regs[nr == SYS_copy_file_range ? 4 : 2] = 1;
#endif
	if (ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &iov) < 0)
		fail("registers");
#else
	(void)pid, (void)nr;
	errno = ENOSYS;
	fail("calls can be made short on x86_64 and aarch64 only");
#endif
}

static void run_words(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		execl("/bin/sh", "sh", "-c", words, (char *)NULL);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || status != 0)
		fail(words);
}

static void at_call(pid_t pid)
{
	struct __ptrace_syscall_info info;
	const struct call *c;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info) < 0)
		return;		/* it is gone */
	if (info.op == PTRACE_SYSCALL_INFO_EXIT && pid == injected) {
		set_call(pid, 1, -inject);
		injected = 0;
	}
	c = info.op == PTRACE_SYSCALL_INFO_ENTRY ? find(pid, &info) : NULL;
	if (!c)
		return;
	if (list)
		print(pid, c, &info);
	if (++seen != wanted)
		return;
	if (words)
		run_words();
	else if (is_short)
		set_count(pid, c->nr);
	if (words || is_short)
		return;
	if (!inject) {
		(void)kill(alone ? group : -group, SIGKILL);	/* at its entry: it is not made */
		return;
	}
	injected = pid;
	set_call(pid, 0, 0);
}

static int trace(pid_t first)
{
	int status, result = FAILED;
	pid_t pid;

	while ((pid = waitpid(-1, &status, __WALL)) > 0) {
		int sig = WIFSTOPPED(status) ? WSTOPSIG(status) : 0;

		if (!WIFSTOPPED(status)) {
			if (pid == first)
				result = WIFEXITED(status) ? WEXITSTATUS(status) :
					 128 + WTERMSIG(status);
			continue;
		}
		if (sig == (SIGTRAP | 0x80))
			at_call(pid);
		if (sig == (SIGTRAP | 0x80) || sig == SIGTRAP ||
		    (sig == SIGSTOP && !inside[pid % MAX_PID]))
			sig = 0;
		inside[pid % MAX_PID] = 1;
		(void)ptrace(PTRACE_SYSCALL, pid, 0, sig);
	}
	return result;
}

/* Who is traced cannot look for leaks, and fails when it is built to. */
static void leave_leaks(void)
{
	const char *said = getenv("ASAN_OPTIONS");
	char all[512];

	snprintf(all, sizeof all, "%s:detect_leaks=0", said ? said : "");
	if (setenv("ASAN_OPTIONS", all, 1) < 0)
		_exit(FAILED);
}

static void start(char **argv)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		fail("fork");
	if (pid == 0) {
		if (setpgid(0, 0) < 0 || ptrace(PTRACE_TRACEME, 0, 0, 0) < 0)
			_exit(FAILED);
		leave_leaks();
		raise(SIGSTOP);
		execvp(argv[0], argv);
		_exit(127);
	}
	if (waitpid(pid, &status, 0) < 0 || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL |
		   PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
		   PTRACE_O_TRACEEXEC) < 0)
		fail("cannot trace");
	inside[pid % MAX_PID] = 1;
	group = pid;
	(void)ptrace(PTRACE_SYSCALL, pid, 0, 0);
	status = trace(pid);
	exit(wanted && seen < wanted ? TOO_FEW : status);
}

/* What is to happen at the call, if argv says: how many words of it that was. */
static int read_deed(char **argv)
{
	char *end;

	is_short = strcmp(argv[0], "short") == 0;
	alone = strcmp(argv[0], "alone") == 0;
	words = strncmp(argv[0], "do:", 3) == 0 ? argv[0] + 3 : NULL;
	inject = strtol(argv[0], &end, 10);
	if (*end)
		inject = 0;
	return is_short || alone || words || inject;
}

int main(int argc, char **argv)
{
	if (argc > 4 && strcmp(argv[1], "--under") == 0) {
		under = argv[2];
		argv += 2;
		argc -= 2;
	}
	if (argc < 3)
		return FAILED;
	if (strcmp(argv[1], "--list") == 0) {
		list = fdopen(3, "w");
		fcntl(3, F_SETFD, FD_CLOEXEC);
		if (!list)
			fail("descriptor 3");
		start(argv + 2);
	}
	wanted = strtol(argv[1], NULL, 10);
	start(argv + 2 + read_deed(argv + 2));
}
