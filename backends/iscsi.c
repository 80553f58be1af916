/* iscsi.c - <pool type='iscsi'>: the LUNs of an iSCSI target, as disks of the kernel. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backends/iscsi.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "backends/initiator.h"
#include "backends/luns.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"

#define LUNS_MAX 65544		/* bytes of a list of LUNs: 8,192 of them */

static int no_session(const struct bp_pool *p, struct bp_error *err)
{
	return bp_fail(err, BP_FAILED, "there is no session with target '%s'; start the pool anew",
		       p->def->source.devices[0].path);
}

static int iscsi_look(const struct bp_pool *p, struct found *f, struct bp_error *err)
{
	struct iscsi_session s;

	return iscsi_session_find(p->def, &s) ? luns_look(s.host, f, err) : no_session(p, err);
}

static char *iscsi_key(const struct bp_pool *p, const struct found_device *d)
{
	struct iscsi_session s;

	return iscsi_session_find(p->def, &s) ? luns_key(s.host, d, false) : NULL;
}

static const struct found iscsi_disks = { .look = iscsi_look, .key = iscsi_key };

static int iscsi_pool_open(struct bp_pool *p, struct bp_error *err)
{
	(void)err;
	return found_open(p, &iscsi_disks);
}

static int iscsi_pool_check(struct bp_pool *p, bool *ret_active, struct bp_error *err)
{
	struct iscsi_session s;

	(void)err;
	*ret_active = iscsi_session_find(p->def, &s);
	return 0;
}

/* The default port is told, as libvirt does. */
static int iscsi_pool_source(struct bp_pool *p, struct bp_pool_source *src, struct bp_error *err)
{
	(void)p;
	(void)err;
	for (size_t i = 0; i < src->n_hosts; i++)
		if (!src->hosts[i].port)
			src->hosts[i].port = 3260;
	return 0;
}

/* ---- the target, asked before the kernel is ------------------------------------------------ */

static int check_source(const struct bp_pool *p, struct bp_error *err)
{
	const struct bp_pool_source *src = &p->def->source;

	if (src->n_hosts != 1)
		return bp_fail(err, BP_INTERNAL, "Expected exactly 1 host for the storage pool");
	if (src->n_devices != 1 || !src->devices[0].path)
		return bp_fail(err, BP_INTERNAL, "missing source device");
	return found_check_target(p, err);
}

/* All that a login needs, and what it is in. */
struct asked {
	struct iscsi_login login;
	char *portal, *initiator;
	struct hidden secret, peer_secret;
	size_t n_luns;
};

static void asked_done(struct asked *a)
{
	free(a->portal);
	free(a->initiator);
	hidden_done(&a->secret);
	hidden_done(&a->peer_secret);
}

static int get_auth(const struct bp_pool *p, struct asked *a, struct bp_error *err)
{
	const struct bp_auth *auth = p->def->source.auth, *mutual = p->def->mutual;

	if (!auth)
		return 0;
	a->login.user = auth->username;
	a->login.secret = &a->secret;
	if (initiator_secret(p->def->type, &p->secrets, auth, &a->secret, err) < 0)
		return -1;
	if (!mutual)
		return 0;
	a->login.peer = mutual->username;
	a->login.peer_secret = &a->peer_secret;
	return initiator_secret(p->def->type, &p->secrets, mutual, &a->peer_secret, err);
}

static int count_luns(struct initiator *in, size_t *ret, struct bp_error *err)
{
	cleanup(sbc_luns_done) struct sbc_luns luns = { 0 };
	auto_free unsigned char *data = mem_alloc(LUNS_MAX);
	struct job job = {
		.command = sbc_report_luns(LUNS_MAX), .data = data, .len = LUNS_MAX,
	};

	if (job_run(in, &job, "cannot list the LUNs", err) < 0 ||
	    sbc_luns_read(job_answer(&job), &luns, err) < 0)
		return -1;
	*ret = luns.n;
	return 0;
}

/* Is it there, does it let us in, and how many LUNs has it?  By libiscsi, which is given up
 * when the time is over; the kernel's initiator would go on for minutes.  What the target
 * has to prove is left to that one. */
static int ask(const struct bp_pool *p, struct asked *a, struct bp_error *err)
{
	const struct bp_pool_source *src = &p->def->source;
	auto_free char *who = mem_printf("pool '%s'", p->def->name);
	struct initiator *in = NULL;
	struct initiator_to to = {
		.who = who, .hosts = src->hosts, .n_hosts = 1, .target = src->devices[0].path,
		.limit = p->limit,
	};
	int r;

	a->login.def = p->def;
	a->initiator = src->initiator ? mem_dup(src->initiator) : iscsi_own_name(err);
	if (!a->initiator || get_auth(p, a, err) < 0)
		return -1;
	to.initiator = a->login.initiator = a->initiator;
	to.user = a->login.user;
	to.secret = a->login.secret;
	if (initiator_open(&to, &in, err) < 0)
		return -1;
	a->login.portal = a->portal = mem_dup(initiator_portal(in));
	r = count_luns(in, &a->n_luns, err);
	initiator_close(in);
	return r;
}

/* ---- started and stopped -------------------------------------------------------------------- */

/* Until the kernel has found what the target has promised, and no longer than it had to
 * answer. */
static void wait_for_luns(const struct bp_pool *p, unsigned host, size_t n)
{
	for (unsigned i = 0; i < p->limit * 100 && luns_count(host) < n; i++)
		blocks_pause();
}

static int log_in(struct bp_pool *p, const struct asked *a, struct iscsi_session *ret,
		  struct bp_error *err)
{
	cleanup(iscsi_note_done) struct iscsi_note note = { 0 }, old = { 0 };
	struct bp_error ignored = { 0 };

	/* what is left of a start that was killed, or a session that was closed by others */
	if (iscsi_note_load(p->def, &old, err) < 0 ||
	    (old.any && iscsi_tidy(p->def, &old, err) < 0))
		return -1;
	if (iscsi_log_in(&a->login, &note, err) < 0) {
		(void)iscsi_tidy(p->def, &note, &ignored);
		return -1;
	}
	if (!iscsi_session_find(p->def, ret)) {
		(void)iscsi_tidy(p->def, &note, &ignored);
		return bp_fail(err, BP_FAILED, "the kernel was told to log in to target '%s', and "
			       "has no session with it", p->def->source.devices[0].path);
	}
	note.id = ret->id;
	if (iscsi_note_save(p->def, &note, err) == 0)
		return 0;
	if (iscsi_log_out(ret, &ignored) == 0)
		(void)iscsi_tidy(p->def, &note, &ignored);
	return -1;
}

static int iscsi_pool_refresh(struct bp_pool *p, struct bp_error *err)
{
	struct iscsi_session s;

	if (!iscsi_session_find(p->def, &s))
		return no_session(p, err);
	if (!s.up)
		return bp_fail(err, BP_FAILED, "the server of target '%s' does not answer; the "
			       "kernel tries to reach it", p->def->source.devices[0].path);
	if (luns_rescan(s.host, err) < 0)
		return -1;
	found_wait_for_names(p, &iscsi_disks);
	return 0;
}

/* What was written to them is brought to the server. */
static int flush(const struct found *f, struct bp_error *err)
{
	for (size_t i = 0; i < f->n; i++) {
		const char *node = f->all[i].node;
		auto_close int fd = open(node, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

		if (fd < 0)	/* no medium, or nobody behind it */
			continue;
		if (fsync(fd) < 0)
			return bp_fail_sys(err, errno, "cannot write what is left for volume '%s' "
					   "('%s')", f->all[i].name, node);
		(void)ioctl(fd, BLKFLSBUF, 0);
	}
	return 0;
}

/* Nothing is changed before it is sure that nobody uses any of them. */
static int let_go(const struct iscsi_session *s, struct bp_error *err)
{
	cleanup(found_done) struct found f = { 0 };

	if (luns_look(s->host, &f, err) < 0 || iscsi_maps_check(&f, err) < 0 ||
	    found_check_unused(&f, iscsi_has_map, err) < 0 || iscsi_check_open(&f, err) < 0 ||
	    iscsi_maps_remove(&f, err) < 0 || found_check_unused(&f, NULL, err) < 0)
		return -1;
	if (!s->up)		/* whoever asked it would wait */
		return 0;
	if (flush(&f, err) < 0)
		return -1;
	for (size_t i = 0; i < f.n; i++)
		if (luns_forget(s->host, &f.all[i], err) < 0)
			return -1;
	return 0;
}

static int iscsi_pool_stop(struct bp_pool *p, struct bp_error *err)
{
	cleanup(iscsi_note_done) struct iscsi_note note = { 0 };
	struct iscsi_session s;

	if (iscsi_note_load(p->def, &note, err) < 0)
		return -1;
	if (!note.any)			/* whoever opened it will close it */
		return 0;
	if (iscsi_session_find(p->def, &s) && (!note.id || note.id == s.id) &&
	    (iscsi_can_log_out(&s, err) < 0 || let_go(&s, err) < 0 ||
	     iscsi_log_out(&s, err) < 0))
		return -1;
	return iscsi_tidy(p->def, &note, err);
}

/* 1: somebody, maybe a start that was killed, has opened it. */
static int iscsi_pool_start(struct bp_pool *p, struct bp_error *err)
{
	cleanup(asked_done) struct asked a = { 0 };
	struct bp_error ignored = { 0 };
	struct iscsi_session s;
	int there = 1;

	if (check_source(p, err) < 0)
		return -1;
	if (!iscsi_session_find(p->def, &s)) {
		there = 0;
		if (geteuid() != 0)
			return bp_fail(err, BP_DENIED, "only root has the kernel open a session "
				       "with target '%s'; a pool of type 'iscsi-direct' needs "
				       "neither", p->def->source.devices[0].path);
		if (ask(p, &a, err) < 0 || log_in(p, &a, &s, err) < 0)
			return -1;
	}
	if (luns_scan(s.host, err) < 0) {
		if (!there)
			(void)iscsi_pool_stop(p, &ignored);
		return -1;
	}
	wait_for_luns(p, s.host, a.n_luns);
	found_wait_for_names(p, &iscsi_disks);
	return there;
}

/* ---- finding targets ------------------------------------------------------------------------- */

static int iscsi_sources_find(const struct bp_pool_source *hint, unsigned limit,
			      const struct bp_secrets *secrets, struct bp_pool_source **ret,
			      size_t *ret_n, struct bp_error *err)
{
	auto_free char *own = NULL;

	if (initiator_check_hint(hint, err) < 0)
		return -1;
	own = hint->initiator ? mem_dup(hint->initiator) : iscsi_own_name(err);
	return own ? initiator_find("iscsi", own, hint, limit, secrets, ret, ret_n, err) : -1;
}

const struct bp_backend backend_iscsi = {
	.type	      = "iscsi",

	.pool_open    = iscsi_pool_open,
	.pool_close   = found_close,
	.pool_check   = iscsi_pool_check,
	.pool_start   = iscsi_pool_start,
	.pool_space   = found_space,
	.pool_source  = iscsi_pool_source,
	.pool_refresh = iscsi_pool_refresh,
	.pool_stop    = iscsi_pool_stop,

	.vols_open    = found_vols_open,
	.vols_next    = found_vols_next,
	.vols_close   = found_vols_close,
	.vol_find     = found_vol_find,
	.vol_of_path  = found_vol_of_path,
	.vol_open     = found_vol_open,
	.sources_find = iscsi_sources_find,
};
