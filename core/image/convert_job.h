/* convert_job.h - private: what those who convert share, and the files of convert.c. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_IMAGE_CONVERT_JOB_H
#define BP_IMAGE_CONVERT_JOB_H

#include <pthread.h>
#include <sys/types.h>

#include "core/image/convert.h"

#define PIECE	    (1u << 20)		/* that is read; or a unit, if that is larger */
#define CLONE_PIECE (256u << 20)	/* that is shared, copied by the kernel, or made zeros */
#define GRAIN	    4096u		/* nothing smaller is shared */

enum what { READ, CLONE, ZEROS, HOLE };

struct piece {
	enum what what;
	uint64_t number;		/* of those that need a place */
	uint64_t at, len;
	struct bp_io *from;		/* CLONE */
	uint64_t from_at;
};

struct job {
	const struct bp_convert *c;
	uint64_t total;			/* bytes of the sources */
	pthread_mutex_t lock;
	pthread_cond_t placed;
	uint64_t at;			/* where the next piece begins */
	uint64_t next, turn;		/* numbers: of the next piece, of the one to be placed */
	uint64_t done, all;		/* bytes, as they are told */
	bool stop;			/* somebody failed */
	bool clones;			/* what is data need not be read */
	dev_t dev;			/* with what is there a new image shares */
};

struct worker {
	struct job *job;
	struct bp_chain *sources;	/* its own */
	struct codec *codec;
	unsigned char *buf, *packed;
	size_t *lens;			/* of each packed unit; 0: it is not */
	struct bp_error err;
	pthread_t thread;
};

/* A range of the piece, and where it goes. */
struct range {
	uint64_t at, len, to;
	const void *bytes;		/* NULL: zeros */
};

/* convert_take.c: bytes of the sources; and, under the lock, the next piece (1), if there
 * is one. */
int convert_read(struct worker *w, void *buf, uint64_t len, uint64_t at, struct bp_error *err);
int convert_take(struct worker *w, struct piece *ret, struct bp_error *err);

/* Bytes of it that are told when it is done. */
uint64_t convert_told(const struct job *job, const struct piece *p);
/* Before the first: how many all of them will tell. */
int convert_count(struct worker *w, uint64_t *ret, struct bp_error *err);

/* convert_move.c: bytes of a piece to where they go.  Without the lock. */
int convert_write(struct job *job, const struct range *r, struct bp_error *err);
int convert_share(struct worker *w, const struct piece *p, const struct range *r,
		  struct bp_error *err);

/* Can the new image share blocks with the sources?  Tried, and taken back. */
bool convert_can_share(const struct bp_convert *c, dev_t *ret_dev);

#endif
