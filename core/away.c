/* away.c - see away.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/away.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/device.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/mountstats.h"
#include "core/model/pool_type.h"

#define SLICE	250		/* milliseconds between two looks at a silent child */
#define PIECE	(64 << 10)	/* bytes of a message, at the most */

/* What goes through the socket; each is one message. */
enum { ANSWER, MORE, TOLD, PART };

struct message {
	int what;
	int result;			/* of an answer; of what was told: to stop? */
	uint64_t done, total;
	struct bp_error err;
};

static int64_t now(void)	/* milliseconds */
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- before there is a child --------------------------------------------------------- */

void away_begin(struct away *a)
{
	if (!a->store->away)
		a->store->may_go = true;
}

bool away_wanted(struct away *a, int r, struct bp_error *err)
{
	size_t len;

	a->store->may_go = false;
	if (r >= 0 || err->code != BP_ELSEWHERE)
		return false;
	len = strcspn(err->text, "\n");
	a->pool = mem_dup_n(err->text, len);
	a->target = err->text[len] ? mem_dup(err->text + len + 1) : NULL;
	*err = (struct bp_error){ 0 };
	return true;
}

/* ---- the child ------------------------------------------------------------------------- */

/* More than a message can hold goes in several. */
static void say(struct away *a, struct message *m, const char *bytes, size_t len)
{
	do {
		size_t n = len < PIECE ? len : PIECE;
		int what = n < len ? MORE : m->what;
		struct iovec parts[] = { { m, sizeof *m }, { (char *)bytes, n } };
		struct msghdr msg = { .msg_iov = parts, .msg_iovlen = 2 };
		int meant = m->what;

		m->what = what;
		if (retry(sendmsg(a->sock, &msg, MSG_NOSIGNAL)) < 0)
			_exit(1);	/* nobody is there any more */
		m->what = meant;
		bytes += n;
		len -= n;
	} while (len);
}

/* The caller's own function runs where he is, and says there whether to go on. */
static bool tell(void *arg, uint64_t done, uint64_t total)
{
	struct away *a = arg;
	struct message m = { .what = TOLD, .done = done, .total = total };
	int stop = 1;

	say(a, &m, "", 0);
	return retry(recv(a->sock, &stop, sizeof stop, 0)) != sizeof stop || stop;
}

static void pace(void *arg, uint64_t bytes)
{
	const struct away *a = arg;

	a->theirs->pace(a->theirs->arg, bytes);
}

static void become_child(struct away *a, pid_t parent)
{
	const struct bp_progress *p = a->progress ? *a->progress : NULL;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	/* with programs it may start; but what reads from a terminal must be in front */
	if (!a->progress)
		setpgid(0, 0);
	a->store->away = true;
	if (!p)
		return;
	a->theirs = p;
	a->tell = (struct bp_progress){
		.report = p->report ? tell : NULL, .arg = a, .pace = p->pace ? pace : NULL,
		.piece = p->piece,
	};
	*a->progress = &a->tell;
}

bool away_is_child(struct away *a, struct bp_error *err)
{
	pid_t parent = getpid();
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		bp_fail_sys(err, errno, "cannot make a socket");
		return false;
	}
	a->began = now();
	a->pid = fork();
	a->sock = pair[a->pid != 0];
	close(pair[a->pid == 0]);
	if (a->pid < 0) {
		a->pid = 0;
		bp_fail_sys(err, errno, "cannot start a process for pool '%s'", a->pool);
		return false;
	}
	if (a->pid == 0)
		become_child(a, parent);
	return a->pid == 0;
}

void away_send(struct away *a, const struct text *piece)
{
	struct message m = { .what = PART };

	say(a, &m, piece->s ? piece->s : "", piece->len);
}

void away_answer(struct away *a, int r, const struct text *more, const struct bp_error *err)
{
	struct message m = { .what = ANSWER, .result = r, .err = *err };

	say(a, &m, more && more->s ? more->s : "", more ? more->len : 0);
	_exit(0);
}

/* ---- is it stuck -------------------------------------------------------------------------- */

/* What a child does, with all its threads and programs. */
struct look {
	uint64_t switches;	/* how often it has been woken so far */
	bool hangs;		/* in the kernel */
	bool asks;		/* ... where NFS waits for a reply */
	bool unconnected;	/* ... where cifs waits for a connection */
};

/* Where the kernel waits for a server, and it looks as if it waited for work: for whoever
 * serves a file system of FUSE; or of cifs, ten seconds for each call, for a connection. */
static const char *const answers[] = { "request_wait_answer", NULL };
static const char *const connections[] = {
	"cifs_wait_for_server_reconnect", "cifs_reconnect_tcon", "smb2_reconnect", NULL
};

static void look_at_thread(int tasks, const char *id, struct look *l)
{
	auto_free char *file = mem_printf("%s/status", id), *place = mem_printf("%s/wchan", id);
	auto_free char *text = sysfs_read(tasks, file), *where = sysfs_read(tasks, place);
	const char *state = text ? strstr(text, "\nState:\t") : NULL;
	const char *n = text ? strstr(text, "\nvoluntary_ctxt_switches:\t") : NULL, *end;
	uint64_t more;

	if (n && parse_number_prefix(strchr(n, '\t') + 1, 10, &more, &end))
		l->switches += more;
	if (!where)
		where = mem_dup("");
	l->asks |= starts_with(where, "rpc_");
	l->unconnected |= bp_word_in(connections, where);
	l->hangs |= (state && state[strlen("\nState:\t")] == 'D') || bp_word_in(answers, where) ||
		    bp_word_in(connections, where);
}

/* Programs it has started hang for it. */
static void look_at(pid_t pid, struct look *l)
{
	auto_free char *dir = mem_printf("/proc/%d/task", (int)pid);
	auto_free char *file = mem_printf("%s/%d/children", dir, (int)pid);
	auto_free char *children = sysfs_read(AT_FDCWD, file);
	cleanup(closedirp) DIR *d = opendir(dir);
	struct dirent *e;
	char *at = children, *word;
	uint64_t child;

	while (d && (e = readdir(d)))
		if (*e->d_name != '.')
			look_at_thread(dirfd(d), e->d_name, l);
	while ((word = strsep(&at, " \n")))
		if (parse_number(word, 10, &child))
			look_at((pid_t)child, l);
}

/* Who keeps to the limit himself has a moment to say what he has waited for. */
#define MOMENT 500	/* ms */

/* Since when has it been silent, in milliseconds; something it did counts as a word. */
struct silence {
	uint64_t switches, replies;
	int64_t since;
};

/* Who asks a server of NFS that refuses connections is woken to try again, every few seconds:
 * there only what has come from it counts. */
static bool did_something(const struct away *a, const struct look *l, struct silence *s)
{
	uint64_t replies = s->replies;
	bool known = l->asks && a->target && mountstats_replies(a->target, &replies);
	bool did = !l->hangs || (l->switches != s->switches && !l->unconnected &&
				 !(known && replies == s->replies));

	s->switches = l->switches;
	s->replies = replies;
	return did;
}

static bool is_stuck(const struct away *a, struct silence *s)
{
	int64_t limit = (int64_t)a->store->limit * 1000, at = now();
	struct look l = { 0 };

	if (a->short_work)
		return at - s->since >= limit + MOMENT;
	look_at(a->pid, &l);
	if (did_something(a, &l, s))
		s->since = at;
	return at - s->since >= limit;
}

/* ---- whoever waits --------------------------------------------------------------------------- */

/* It ends at once, or when its server is back. */
static void give_up(struct away *a)
{
	struct pollfd p = { .fd = a->sock, .events = POLLHUP };

	kill(a->progress ? a->pid : -a->pid, SIGKILL);
	kill(a->pid, SIGKILL);
	(void)poll(&p, 1, 1000);
	(void)waitpid(a->pid, NULL, WNOHANG);
	a->pid = 0;
}

void away_done(struct away *a)
{
	if (a->pid > 0)
		give_up(a);
	closep(&a->sock);
	free(a->pool);
	free(a->target);
	*a = (struct away)AWAY_INIT(a->store, a->progress);
}

static int no_answer(struct away *a, struct bp_error *err)
{
	give_up(a);
	bp_fail(err, BP_FAILED, "pool '%s': server not responding: nothing has come from it for %u "
		"seconds", a->pool, a->store->limit);
	err->sys = ETIMEDOUT;
	return -1;
}

static int died(struct away *a, struct bp_error *err)
{
	int status = 0;

	(void)retry(waitpid(a->pid, &status, 0));
	a->pid = 0;
	return bp_fail(err, BP_INTERNAL, "the process that worked on pool '%s' has died (%s %d)",
		       a->pool, WIFSIGNALED(status) ? "signal" : "status",
		       WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

/* 1: a message is there. */
static int wait_for_word(struct away *a, struct bp_error *err)
{
	struct silence silence = { .since = a->short_work ? a->began : now() };
	struct pollfd p = { .fd = a->sock, .events = POLLIN };

	for (;;) {
		int r = retry(poll(&p, 1, SLICE));

		if (r < 0)
			return bp_fail_sys(err, errno, "cannot wait for pool '%s'", a->pool);
		if (r > 0)
			return 1;
		if (is_stuck(a, &silence))
			return no_answer(a, err);
	}
}

/* A message; the bytes behind it are added to more. */
static int take_word(struct away *a, struct message *m, struct text *more, struct bp_error *err)
{
	auto_free char *bytes = mem_alloc(PIECE);
	struct iovec parts[] = { { m, sizeof *m }, { bytes, PIECE } };
	struct msghdr msg = { .msg_iov = parts, .msg_iovlen = 2 };
	ssize_t n;

	if (wait_for_word(a, err) < 0)
		return -1;
	n = retry(recvmsg(a->sock, &msg, 0));
	if (n < (ssize_t)sizeof *m)
		return died(a, err);
	m->err.text[sizeof m->err.text - 1] = '\0';
	if (more && (size_t)n > sizeof *m)
		text_add_n(more, bytes, (size_t)n - sizeof *m);
	return 0;
}

static void pass_on(struct away *a, const struct message *m)
{
	const struct bp_progress *p = a->progress ? *a->progress : NULL;
	int stop = p && p->report && p->report(p->arg, m->done, m->total);

	(void)retry(send(a->sock, &stop, sizeof stop, MSG_NOSIGNAL));
}

/* It has said all; that it ends is waited for, but not for ever. */
static void reap(struct away *a)
{
	struct pollfd p = { .fd = a->sock, .events = POLLIN };

	if (retry(poll(&p, 1, (int)a->store->limit * 1000)) > 0)
		(void)retry(waitpid(a->pid, NULL, 0));
	else
		give_up(a);
	a->pid = 0;
}

int away_next(struct away *a, struct text *piece, struct bp_error *err)
{
	struct message m;

	if (!a->pid)		/* it could not be started */
		return -1;
	for (;;) {
		if (take_word(a, &m, piece, err) < 0)
			return -1;
		if (m.what == PART)
			return 1;
		if (m.what == TOLD)
			pass_on(a, &m);
		if (m.what != ANSWER)
			continue;
		reap(a);
		if (m.result < 0)
			*err = m.err;
		return m.result;
	}
}

int away_wait(struct away *a, struct text *more, struct bp_error *err)
{
	int r;

	while ((r = away_next(a, more, err)) > 0)
		;
	return r;
}

/* ---- what it has said ------------------------------------------------------------------------ */

int away_garbled(struct bp_error *err)
{
	return bp_fail(err, BP_INTERNAL, "what the process that worked on the pool has told cannot "
		       "be understood");
}

int away_take(const struct text *told, void *to, size_t len, struct bp_error *err)
{
	if (told->len < len)
		return away_garbled(err);
	memcpy(to, told->s, len);
	return 0;
}
