/* initiator_session.h - what the files of the initiator share. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_BACKENDS_INITIATOR_SESSION_H
#define BP_BACKENDS_INITIATOR_SESSION_H

#include <iscsi/iscsi.h>

#include "backends/initiator.h"

struct initiator {
	struct iscsi_context *ctx;
	char *who, *portal;
	int64_t heard;			/* clock_ms() of the last sign of life that counts */
	bool patient;			/* an answered ping counts */
	bool pinging;
	bool logged_in;
	bool stepped;			/* connecting, logging in or out, asking: it is done */
	int step_status;
	int64_t wait_ms;		/* how long nothing may be heard: the limit, or a share */
	bool lost, silent;		/* silent: given up by us */
	bool cancelling;		/* it is we who end the jobs */
	int sys;			/* errno behind the loss, or 0 */
	size_t n_busy;			/* jobs the library has */
	struct job **again;		/* those that wait to be tried again */
	size_t n_again;
};

/* Until ready, or the server is given up. */
int initiator_wait(struct initiator *in, bool (*ready)(const void *arg), const void *arg,
		   struct bp_error *err);
int initiator_lost(struct initiator *in, struct bp_error *err);
int jobs_again(struct initiator *in, struct bp_error *err);

#endif
