/* initiator.h - a session with an iSCSI target, from this process: libiscsi, with a limit
 * to every wait.
 *
 * Commands are jobs.  Any number of them may be under way; whoever started one waits for it,
 * and the others go on meanwhile.  A server that says nothing for the limit is given up:
 * then, and when the connection is lost, all that is under way fails, and so does all that
 * comes.  Data may take longer, as long as the server answers a ping.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_BACKENDS_INITIATOR_H
#define BP_BACKENDS_INITIATOR_H

#include <stdbool.h>
#include <stdint.h>

#include "backends/sbc.h"
#include "core/backend.h"

/* With whom, as whom.  Everything is borrowed for the call. */
struct initiator_to {
	const char *who;		/* "pool 'data'", for messages */
	const struct bp_host *hosts;	/* tried one after the other, within the limit */
	size_t n_hosts;
	const char *initiator;		/* our own name, an IQN */
	const char *target;		/* NULL: none, what there is shall be found out */
	const char *user;		/* CHAP; NULL: nothing is asked of us */
	const struct hidden *secret;
	const char *peer;		/* and of the target, too, if it is not NULL */
	const struct hidden *peer_secret;
	unsigned limit;			/* seconds */
};

struct initiator;

int initiator_open(const struct initiator_to *to, struct initiator **ret, struct bp_error *err);
void initiator_close(struct initiator *in);	/* NULL is fine */
const char *initiator_portal(const struct initiator *in);	/* "192.0.2.1:3260" */

int initiator_check(struct initiator *in, struct bp_error *err);	/* is it still there? */

/* What a pool's definition names as the secret of whoever logs in, or of the target. */
int initiator_secret(const char *type, const struct bp_secrets *secrets,
		     const struct bp_auth *auth, struct hidden *ret, struct bp_error *err);

/* "HOST:PORT", in brackets where an IPv6 address needs them.  The caller frees. */
char *initiator_portal_of(const struct bp_host *host);

/* For the search of targets: a hint names one host. */
int initiator_check_hint(const struct bp_pool_source *hint, struct bp_error *err);

/* The targets that a hint's host tells of to this initiator, in the order of their names:
 * each a source with the target as its device, reached as it was found; which portals of
 * its own a server tells of may be of no use from here.  The hint's <auth> is who asks.
 * type: of the pools that could be; limit: as in struct initiator_to. */
int initiator_find(const char *type, const char *initiator, const struct bp_pool_source *hint,
		   unsigned limit, const struct bp_secrets *secrets, struct bp_pool_source **ret,
		   size_t *ret_n, struct bp_error *err);

/* ---- commands ------------------------------------------------------------------------ */

enum job_state { JOB_IDLE, JOB_BUSY, JOB_DONE };

struct job {
	/* for whoever starts it */
	uint16_t lun;
	struct sbc_command command;
	void *data;			/* where it goes, or what is sent; the job's until done */
	size_t len;
	bool sends;
	bool slow;			/* it may take as long as the server is alive */

	/* of the session */
	enum job_state state;
	struct initiator *in;
	void *task;
	size_t got;			/* bytes that came */
	int status;			/* 0: good */
	int key, code;			/* of a bad one: sense key, ASC and ASCQ */
	unsigned tries;
	int64_t again;			/* clock_ms() at which it is to be tried again, or 0 */
};

/* A unit that has something to say first (UNIT ATTENTION) is asked again, a busy one after a
 * while. */
int job_start(struct initiator *in, struct job *job, struct bp_error *err);

/* Wait until it is done, or any of several is.  Whether it went well is in its status. */
int job_wait(struct initiator *in, struct job *job, struct bp_error *err);
int jobs_wait_any(struct initiator *in, struct job *jobs, size_t n, struct bp_error *err);

/* Do what can be done without waiting. */
int jobs_push(struct initiator *in, struct bp_error *err);

/* Nothing is under way any more. */
void jobs_cancel(struct initiator *in);

/* Start and wait; a bad status is a failure. */
int job_run(struct initiator *in, struct job *job, const char *what, struct bp_error *err);

/* The failure that the status of a job is: what could not be done. */
int job_fail(const struct job *job, const char *what, struct bp_error *err);
bool job_is_unknown(const struct job *job);	/* the unit does not know this command */
struct bytes job_answer(const struct job *job);
void job_done(struct job *job);		/* what it holds is released; its data are not */

#endif
