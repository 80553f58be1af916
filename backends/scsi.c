/* scsi.c - <pool type='scsi'>: the disks on a SCSI host, or on a virtual one that is
 * made for the pool in a fibre channel fabric. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backends/scsi.h"

#include <string.h>

#include "backends/luns.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"

static int scsi_look(const struct bp_pool *p, struct found *f, struct bp_error *err)
{
	unsigned host;

	return scsi_host(p->def->source.adapter, &host, err) < 0 ? -1 : luns_look(host, f, err);
}

/* As libvirt, with the port where there may be several. */
static char *scsi_key(const struct bp_pool *p, const struct found_device *d)
{
	const struct bp_adapter *a = p->def->source.adapter;
	struct bp_error ignored = { 0 };
	unsigned host;

	return scsi_host(a, &host, &ignored) < 0 ? NULL : luns_key(host, d, scsi_is_vport(a));
}

static const struct found scsi_disks = { .look = scsi_look, .key = scsi_key };

static int scsi_pool_open(struct bp_pool *p, struct bp_error *err)
{
	(void)err;
	return found_open(p, &scsi_disks);
}

static int scsi_pool_check(struct bp_pool *p, bool *ret_active, struct bp_error *err)
{
	struct bp_error ignored = { 0 };
	unsigned host;

	(void)err;
	*ret_active = scsi_host(p->def->source.adapter, &host, &ignored) == 0;
	return 0;
}

/* 1: nothing was made that would have to be taken away if the rest fails. */
static int scsi_pool_start(struct bp_pool *p, struct bp_error *err)
{
	const struct bp_adapter *a = p->def->source.adapter;
	struct bp_error ignored = { 0 };
	unsigned host;
	int there = 1;

	if (found_check_target(p, err) < 0)
		return -1;
	if (scsi_is_vport(a))
		there = vport_make(a, &host, err);
	else if (scsi_host(a, &host, err) < 0)
		return -1;
	if (there < 0)
		return -1;
	if (luns_scan(host, err) < 0) {
		if (!there)
			(void)vport_remove(a, &ignored);
		return -1;
	}
	found_wait_for_names(p, &scsi_disks);
	return there;
}

static int scsi_pool_refresh(struct bp_pool *p, struct bp_error *err)
{
	unsigned host;

	if (scsi_host(p->def->source.adapter, &host, err) < 0 || luns_rescan(host, err) < 0)
		return -1;
	found_wait_for_names(p, &scsi_disks);
	return 0;
}

/* That a virtual host goes when the pool stops is told as libvirt does. */
static int scsi_pool_source(struct bp_pool *p, struct bp_pool_source *src, struct bp_error *err)
{
	(void)p;
	(void)err;
	if (scsi_is_vport(src->adapter) && vport_goes(src->adapter))
		src->adapter->managed = BP_YES;
	return 0;
}

/* Other hosts are there with or without a pool. */
static int scsi_pool_stop(struct bp_pool *p, struct bp_error *err)
{
	const struct bp_adapter *a = p->def->source.adapter;
	cleanup(found_done) struct found f = { 0 };
	unsigned host;

	if (!scsi_is_vport(a) || !vport_goes(a))
		return 0;
	if (vport_find(a->wwnn, a->wwpn, &host) == 0 &&
	    (luns_look(host, &f, err) < 0 || found_check_unused(&f, NULL, err) < 0))
		return -1;
	return vport_remove(a, err);
}

const struct bp_backend backend_scsi = {
	.type	      = "scsi",

	.pool_open    = scsi_pool_open,
	.pool_close   = found_close,
	.pool_check   = scsi_pool_check,
	.pool_start   = scsi_pool_start,
	.pool_space   = found_space,
	.pool_source  = scsi_pool_source,
	.pool_refresh = scsi_pool_refresh,
	.pool_stop    = scsi_pool_stop,

	.vols_open    = found_vols_open,
	.vols_next    = found_vols_next,
	.vols_close   = found_vols_close,
	.vol_find     = found_vol_find,
	.vol_of_path  = found_vol_of_path,
	.vol_open     = found_vol_open,
};
