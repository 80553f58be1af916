/* iscsi_direct.c - <pool type='iscsi-direct'>: the LUNs of an iSCSI target, without the kernel. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backends/iscsi_direct.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"

/* ---- connecting -------------------------------------------------------------------------- */

/* The secrets of both sides, for as long as a login takes. */
struct secrets {
	struct hidden ours, theirs;
};

static void secrets_done(struct secrets *s)
{
	hidden_done(&s->ours);
	hidden_done(&s->theirs);
}

static int add_auth(const struct bp_pool *p, struct secrets *secrets, struct initiator_to *to,
		    struct bp_error *err)
{
	const struct bp_auth *auth = p->def->source.auth;

	if (!auth)
		return 0;
	to->user = auth->username;
	to->secret = &secrets->ours;
	if (initiator_secret(p->def->type, &p->secrets, auth, &secrets->ours, err) < 0)
		return -1;
	if (!p->def->mutual)
		return 0;
	to->peer = p->def->mutual->username;
	to->peer_secret = &secrets->theirs;
	return initiator_secret(p->def->type, &p->secrets, p->def->mutual, &secrets->theirs, err);
}

struct initiator *direct_session(struct bp_pool *p, struct bp_error *err)
{
	const struct bp_pool_source *src = &p->def->source;
	auto_free char *who = mem_printf("pool '%s'", p->def->name);
	cleanup(secrets_done) struct secrets secrets = { 0 };
	struct direct *d = p->priv;
	struct initiator_to to = {
		.who = who, .hosts = src->hosts, .n_hosts = src->n_hosts,
		.initiator = src->initiator, .limit = p->limit,
	};

	if (d->in)
		return d->in;
	if (!src->n_devices) {
		bp_fail(err, BP_CONFIG, "missing source device");
		return NULL;
	}
	to.target = src->devices[0].path;
	if (add_auth(p, &secrets, &to, err) < 0 || initiator_open(&to, &d->in, err) < 0)
		return NULL;
	return d->in;
}

static int iscsi_direct_pool_open(struct bp_pool *p, struct bp_error *err)
{
	(void)err;
	p->priv = mem_alloc(sizeof(struct direct));
	return 0;
}

static void iscsi_direct_pool_close(struct bp_pool *p)
{
	struct direct *d = p->priv;

	if (!d)
		return;
	initiator_close(d->in);
	for (size_t i = 0; i < d->n; i++)
		free(d->luns[i].problem);
	free(d->luns);
	free(d);
	p->priv = NULL;
}

/* There is no room for more: what is not a LUN yet is the server's affair. */
static int iscsi_direct_pool_space(struct bp_pool *p, struct bp_pool_space *ret,
				   struct bp_error *err)
{
	const struct direct *d = p->priv;
	struct bp_pool_space space = { 0 };

	if (direct_list(p, true, err) < 0)
		return -1;
	for (size_t i = 0; i < d->n; i++)
		if (__builtin_add_overflow(space.capacity, d->luns[i].shape.size, &space.capacity))
			space.capacity = UINT64_MAX;
	space.allocation = space.capacity;
	*ret = space;
	return 0;
}

/* ---- finding targets ---------------------------------------------------------------------- */

static int iscsi_direct_sources_find(const struct bp_pool_source *hint, unsigned limit,
				     const struct bp_secrets *secrets,
				     struct bp_pool_source **ret, size_t *ret_n,
				     struct bp_error *err)
{
	if (initiator_check_hint(hint, err) < 0)
		return -1;
	if (!hint->initiator)
		return bp_fail(err, BP_CONFIG, "missing initiator IQN");
	return initiator_find("iscsi-direct", hint->initiator, hint, limit, secrets, ret, ret_n,
			      err);
}

const struct bp_backend backend_iscsi_direct = {
	.type	      = "iscsi-direct",

	.pool_open    = iscsi_direct_pool_open,
	.pool_close   = iscsi_direct_pool_close,
	.pool_space   = iscsi_direct_pool_space,

	.vols_open    = direct_vols_open,
	.vols_next    = direct_vols_next,
	.vols_close   = direct_vols_close,
	.vol_find     = direct_vol_find,
	.vol_of_path  = direct_vol_of_path,
	.vol_open     = direct_vol_open,
	.sources_find = iscsi_direct_sources_find,
};
