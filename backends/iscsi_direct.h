/* iscsi_direct.h - what the files of pools of type iscsi-direct share.
 *
 *	iscsi_direct.c		the pool: connecting, finding targets
 *	iscsi_direct_luns.c	its volumes: which LUNs there are, and what they are
 *	iscsi_direct_io.c	the bytes of one: reading ahead, writing behind
 *	iscsi_direct_space.c	... which of them have space; zeroing and giving it back
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_BACKENDS_ISCSI_DIRECT_H
#define BP_BACKENDS_ISCSI_DIRECT_H

#include "backends/initiator.h"
#include "backends/sbc.h"
#include "core/backend.h"

struct lun {
	uint16_t number;
	bool known;		/* what follows has been asked for */
	int type;		/* SBC_*; -1: nothing is there */
	struct sbc_shape shape;	/* zero where it has no blocks, or a problem */
	char *problem;		/* why its size is not known, or NULL */
};

/* What a pool keeps while it is open.  Nothing is asked of the server before it is needed:
 * who looks for something in all pools need not wait for one that is silent. */
struct direct {
	struct initiator *in;
	bool listed;
	struct lun *luns;
	size_t n;
};

/* The session, with a login if there is none yet. */
struct initiator *direct_session(struct bp_pool *p, struct bp_error *err);

/* The LUNs, and with facts what each is.  The pool keeps them. */
int direct_list(struct bp_pool *p, bool facts, struct bp_error *err);

/* One by its volume's name, with what it is; BP_NO_VOL. */
struct lun *direct_find(struct bp_pool *p, const char *vol, struct bp_error *err);

/* "iscsi://HOST:PORT/IQN/" and "ip-HOST:PORT-iscsi-IQN-lun-": a number follows.  Both are
 * about the first host, whichever has answered.  The caller frees. */
char *direct_url(const struct bp_pool *p);
char *direct_key(const struct bp_pool *p);

/* Its bytes; it must have blocks.  The session stays the pool's. */
struct bp_io *direct_io(struct initiator *in, const struct lun *lun, const char *name,
			const struct sbc_limits *limits);

int direct_vols_open(struct bp_pool *p, unsigned want, void **ret, struct bp_error *err);
int direct_vols_next(struct bp_pool *p, void *cursor, struct bp_vol_info *ret,
		     struct bp_error *err);
void direct_vols_close(struct bp_pool *p, void *cursor);
int direct_vol_find(struct bp_pool *p, const char *vol, unsigned want, struct bp_vol_info **ret,
		    struct bp_error *err);
int direct_vol_of_path(struct bp_pool *p, const char *path, char **ret_vol,
		       struct bp_error *err);
int direct_vol_open(struct bp_pool *p, const char *vol, enum bp_vol_access access,
		    struct bp_io **ret, struct bp_error *err);

#endif
