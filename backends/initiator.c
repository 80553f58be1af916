/* initiator.c - commands to a target, and waiting for them. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backends/initiator_session.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <iscsi/scsi-lowlevel.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/base/resolve.h"

#define MOST_TRIES 200		/* of one command */
#define PAUSE 100		/* ms before a busy unit is asked again */

/* ---- waiting --------------------------------------------------------------------------- */

/* While it is not open yet, whoever opens it says for whom that is. */
int initiator_lost(struct initiator *in, struct bp_error *err)
{
	const char *who = in->who ? in->who : "", *colon = in->who ? ": " : "";

	if (!in->silent)
		return bp_fail_sys(err, in->sys ? in->sys : ECONNRESET,
				   "%s%sthe connection to '%s' is lost", who, colon, in->portal);
	bp_fail(err, BP_SYSTEM, "%s%sserver not responding: '%s' has said nothing for %lld s", who,
		colon, in->portal, (long long)(in->wait_ms + 999) / 1000);
	err->sys = ETIMEDOUT;
	return -1;
}

int initiator_check(struct initiator *in, struct bp_error *err)
{
	return in->lost ? initiator_lost(in, err) : 0;
}

static int lose(struct initiator *in, bool silent, struct bp_error *err)
{
	if (!in->lost) {
		in->lost = true;
		in->silent = silent;
		jobs_cancel(in);
	}
	return initiator_lost(in, err);
}

static void heard_nop(struct iscsi_context *ctx, int status, void *data, void *arg)
{
	struct initiator *in = arg;

	(void)ctx;
	(void)data;
	in->pinging = false;
	if (status == SCSI_STATUS_GOOD && in->patient)
		in->heard = clock_ms();
}

/* A server that is at work on something large can still say that it is there. */
static void ping(struct initiator *in)
{
	if (in->pinging || !in->patient || clock_ms() - in->heard < in->wait_ms / 2)
		return;
	in->pinging = iscsi_nop_out_async(in->ctx, heard_nop, NULL, 0, in) == 0;
}

/* Why the kernel ended a connection, which the library does not tell. */
static void note_reason(struct initiator *in, int fd)
{
	int sys = 0;
	socklen_t len = sizeof sys;

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &sys, &len) == 0 && sys)
		in->sys = sys;
}

/* It writes to a connection that may have ended, without a word about SIGPIPE. */
static int service(struct iscsi_context *ctx, int events)
{
	const struct timespec now = { 0 };
	sigset_t pipe, before;
	int r;

	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &pipe, &before);
	r = iscsi_service(ctx, events);
	if (!sigismember(&before, SIGPIPE)) {
		while (events & POLLOUT && sigtimedwait(&pipe, NULL, &now) > 0)
			;
		pthread_sigmask(SIG_SETMASK, &before, NULL);
	}
	return r;
}

/* One look at the connection, for so many ms at the most. */
static int turn(struct initiator *in, int64_t ms, struct bp_error *err)
{
	struct pollfd p = { .fd = iscsi_get_fd(in->ctx) };
	int n;

	if (in->lost)
		return initiator_lost(in, err);
	if (p.fd < 0)
		return lose(in, false, err);
	p.events = (short)iscsi_which_events(in->ctx);
	n = poll(&p, 1, (int)ms);
	if (n < 0 && errno != EINTR)
		return bp_fail_sys(err, errno, "cannot wait for '%s'", in->portal);
	if (n <= 0)
		return 0;
	if (p.revents & (POLLERR | POLLHUP))
		note_reason(in, p.fd);
	if (in->sys || service(in->ctx, p.revents) < 0)
		return lose(in, false, err);
	return 0;
}

/* Until when to wait, at the most, for what is due next. */
static int64_t next_pause(const struct initiator *in, int64_t now)
{
	int64_t left = in->heard + in->wait_ms - now, until_ping = left;

	if (in->patient && !in->pinging)
		until_ping = in->heard + in->wait_ms / 2 - now;
	if (until_ping > 0 && until_ping < left)
		left = until_ping;
	if (in->n_again && left > PAUSE)
		left = PAUSE;
	return left < 0 ? 0 : left > 60000 ? 60000 : left;
}

int initiator_wait(struct initiator *in, bool (*ready)(const void *arg), const void *arg,
		   struct bp_error *err)
{
	if (!in->n_busy && !in->n_again)
		in->heard = clock_ms();
	while (!ready(arg)) {
		int64_t now = clock_ms();

		if (now - in->heard >= in->wait_ms)
			return lose(in, true, err);
		ping(in);
		if (turn(in, next_pause(in, now), err) < 0 || jobs_again(in, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- jobs -------------------------------------------------------------------------------- */

static bool is_attention(const struct job *job)
{
	return job->status == SCSI_STATUS_CHECK_CONDITION &&
	       job->key == SCSI_SENSE_UNIT_ATTENTION;
}

/* "Not ready, becoming ready", and what a unit with too much to do says. */
static bool is_not_yet(const struct job *job)
{
	return job->status == SCSI_STATUS_BUSY || job->status == SCSI_STATUS_TASK_SET_FULL ||
	       (job->status == SCSI_STATUS_CHECK_CONDITION &&
		job->key == SCSI_SENSE_NOT_READY && job->code == 0x0401);
}

static void take_answer(struct job *job, int status)
{
	struct scsi_task *task = job->task;

	job->status = status;
	job->got = job->len;
	if (task->residual_status == SCSI_RESIDUAL_UNDERFLOW)
		job->got -= task->residual < job->len ? task->residual : job->len;
	if (status == SCSI_STATUS_CHECK_CONDITION) {
		job->key = (int)task->sense.key;
		job->code = task->sense.ascq;
	}
}

static void set_done(struct iscsi_context *ctx, int status, void *data, void *arg)
{
	struct job *job = arg;
	struct initiator *in = job->in;

	(void)ctx;
	(void)data;
	if (job->state != JOB_BUSY)
		return;
	take_answer(job, status);
	job->state = JOB_DONE;
	in->n_busy--;
	in->heard = clock_ms();
	if (status >= (int)SCSI_STATUS_CANCELLED) {
		in->lost = in->lost || !in->cancelling;
		return;
	}
	if (in->lost || job->tries >= MOST_TRIES || !(is_attention(job) || is_not_yet(job)))
		return;
	job->state = JOB_BUSY;
	job->again = in->heard + (is_not_yet(job) ? PAUSE : 0);
	*array_add(in->again, in->n_again) = job;
}

static int send_job(struct initiator *in, struct job *job, struct bp_error *err)
{
	struct iscsi_data out = { .size = job->len, .data = job->data };
	int way = !job->len ? SCSI_XFER_NONE : job->sends ? SCSI_XFER_WRITE : SCSI_XFER_READ;
	struct scsi_task *task = job->task;

	if (task)
		scsi_free_scsi_task(task);
	job->tries++;
	job->again = 0;
	job->task = task = scsi_create_task((int)job->command.len, job->command.bytes, way,
					    (int)job->len);
	if (task && way == SCSI_XFER_READ &&
	    scsi_task_add_data_in_buffer(task, (int)job->len, job->data) < 0)
		return bp_fail(err, BP_INTERNAL, "libiscsi takes no buffer");
	if (!task || iscsi_scsi_command_async(in->ctx, job->lun, task, set_done,
					      way == SCSI_XFER_WRITE ? &out : NULL, job) < 0) {
		job->state = JOB_IDLE;
		return lose(in, false, err);
	}
	in->n_busy++;
	return 0;
}

int jobs_again(struct initiator *in, struct bp_error *err)
{
	int64_t now = clock_ms();

	for (size_t i = 0; i < in->n_again;) {
		struct job *job = in->again[i];

		if (job->again > now) {
			i++;
			continue;
		}
		in->again[i] = in->again[--in->n_again];
		if (send_job(in, job, err) < 0)
			return -1;
	}
	return 0;
}

int job_start(struct initiator *in, struct job *job, struct bp_error *err)
{
	if (in->lost)
		return initiator_lost(in, err);
	if (!in->n_busy && !in->n_again)
		in->heard = clock_ms();
	job->in = in;
	job->state = JOB_BUSY;
	job->tries = 0;
	in->patient = job->slow;
	return send_job(in, job, err);
}

static bool is_done(const void *arg)
{
	return ((const struct job *)arg)->state != JOB_BUSY;
}

int job_wait(struct initiator *in, struct job *job, struct bp_error *err)
{
	if (initiator_wait(in, is_done, job, err) < 0)
		return -1;
	return initiator_check(in, err);
}

struct several {
	struct job *jobs;
	size_t n;
};

static bool any_done(const void *arg)
{
	const struct several *s = arg;

	for (size_t i = 0; i < s->n; i++)
		if (s->jobs[i].state == JOB_DONE)
			return true;
	return false;
}

int jobs_wait_any(struct initiator *in, struct job *jobs, size_t n, struct bp_error *err)
{
	const struct several s = { jobs, n };

	if (initiator_wait(in, any_done, &s, err) < 0)
		return -1;
	return initiator_check(in, err);
}

int jobs_push(struct initiator *in, struct bp_error *err)
{
	return turn(in, 0, err) < 0 ? -1 : jobs_again(in, err);
}

void jobs_cancel(struct initiator *in)
{
	for (size_t i = 0; i < in->n_again; i++)
		in->again[i]->state = JOB_DONE;
	in->n_again = 0;
	in->cancelling = true;
	iscsi_scsi_cancel_all_tasks(in->ctx);
	in->cancelling = false;
}

void job_done(struct job *job)
{
	if (job->task)
		scsi_free_scsi_task(job->task);
	job->task = NULL;
	job->state = JOB_IDLE;
}

struct bytes job_answer(const struct job *job)
{
	return (struct bytes){ job->data, job->got };
}

/* ---- what it says -------------------------------------------------------------------------- */

bool job_is_unknown(const struct job *job)
{
	return job->status == SCSI_STATUS_CHECK_CONDITION &&
	       job->key == SCSI_SENSE_ILLEGAL_REQUEST &&
	       (job->code == SCSI_SENSE_ASCQ_INVALID_OPERATION_CODE ||
		job->code == SCSI_SENSE_ASCQ_INVALID_FIELD_IN_CDB ||
		job->code == SCSI_SENSE_ASCQ_INVALID_FIELD_IN_PARAMETER_LIST);
}

/* What users meet, in their words; the rest in the standard's. */
static const struct {
	int key, code;		/* -1: any */
	int sys;
	const char *words;
} meanings[] = {
	{ SCSI_SENSE_ILLEGAL_REQUEST, SCSI_SENSE_ASCQ_LOGICAL_UNIT_NOT_SUPPORTED, ENODEV,
	  "the server has no such LUN (any more)" },
	{ SCSI_SENSE_DATA_PROTECTION, 0x2707, ENOSPC,
	  "the server has no space left for it" },
	{ SCSI_SENSE_DATA_PROTECTION, -1, EROFS, "the server lets nobody write to it" },
	{ SCSI_SENSE_ILLEGAL_REQUEST, SCSI_SENSE_ASCQ_LBA_OUT_OF_RANGE, EIO,
	  "it has become smaller" },
	{ SCSI_SENSE_NOT_READY, 0x3a00, ENOMEDIUM, "there is no medium in it" },
};

int job_fail(const struct job *job, const char *what, struct bp_error *err)
{
	if (job->status >= (int)SCSI_STATUS_CANCELLED && job->in->lost)
		return initiator_lost(job->in, err);
	for (size_t i = 0; i < array_size(meanings); i++)
		if (job->status == SCSI_STATUS_CHECK_CONDITION && meanings[i].key == job->key &&
		    (meanings[i].code < 0 || meanings[i].code == job->code)) {
			bp_fail(err, BP_SYSTEM, "%s: %s", what, meanings[i].words);
			err->sys = meanings[i].sys;
			return -1;
		}
	if (job->status == SCSI_STATUS_CHECK_CONDITION)
		return bp_fail_sys(err, EIO, "%s: the server says %s, %s (0x%04x)", what,
				   scsi_sense_key_str(job->key), scsi_sense_ascq_str(job->code),
				   (unsigned)job->code);
	if (job->status == SCSI_STATUS_RESERVATION_CONFLICT)
		return bp_fail(err, BP_BUSY, "%s: another host has it reserved for itself", what);
	if (job->status == SCSI_STATUS_BUSY || job->status == SCSI_STATUS_TASK_SET_FULL)
		return bp_fail(err, BP_BUSY, "%s: the server is busy", what);
	return bp_fail_sys(err, EIO, "%s: the server says 0x%x", what, (unsigned)job->status);
}

int job_run(struct initiator *in, struct job *job, const char *what, struct bp_error *err)
{
	int r = -1;

	if (job_start(in, job, err) == 0 && job_wait(in, job, err) == 0)
		r = job->status ? job_fail(job, what, err) : 0;
	job_done(job);
	return r;
}
