/* convert_job.h - private: what those who convert share, and the files of convert.c. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_IMAGE_CONVERT_JOB_H
#define BP_IMAGE_CONVERT_JOB_H

#include <pthread.h>
#include <sys/types.h>

#include "core/image/convert.h"

#define NEAR	    (1u << 20)		/* so far it is told at once where data is, and how much
					 * of it is done */
#define PIECE	    (256u << 10)	/* that is read: it stays in the processor's cache */
#define PIECE_BLOCK (1u << 20)		/* ... for a block device, which likes more at once */
#define CLONE_PIECE (256u << 20)	/* that is shared, copied by the kernel, or made zeros */
#define GRAIN	    4096u		/* nothing smaller is shared */
#define LOADS	    4			/* pieces that one has at once, if they are that small */

enum what { READ, CLONE, ZEROS, HOLE };

struct piece {
	enum what what;
	uint64_t number;		/* of those that need a place */
	uint64_t at, len;
	struct bp_io *from;		/* CLONE */
	uint64_t from_at;
};

/* A range of the piece, and where it goes. */
struct range {
	uint64_t at, len, to;
	const void *bytes;		/* NULL: zeros */
};

/* What a piece needs while it is read, waits for its turn to get its places, and is written. */
struct load {
	struct piece piece;
	unsigned char *buf, *packed;
	size_t *lens;			/* of each packed unit; 0: it is not */
	struct range *ranges;
	size_t n_ranges;
	bool placed;
	struct load *next;		/* of its worker */
	struct load *parked;		/* the next whose turn has not come */
};

struct job {
	const struct bp_convert *c;
	uint64_t total;			/* bytes of the sources */
	uint64_t piece;			/* so many are read at most; a unit, if that is larger */
	pthread_mutex_t lock;
	pthread_cond_t placed;
	bool waiting;			/* somebody, for that */
	unsigned writing, writers;	/* who write now; so many do not hinder each other */
	uint64_t at;			/* where the next piece begins */
	uint64_t next, turn;		/* numbers: of the next piece, of the one to be placed */
	struct load *parked;		/* those that were read before those before them */
	uint64_t done, all;		/* bytes, as they are told */
	uint64_t told;			/* when that was done last */
	bool stop;			/* somebody failed */
	bool clones;			/* what is data need not be read */
	dev_t dev;			/* with what is there a new image shares */
};

struct worker {
	struct job *job;
	struct bp_chain *sources;	/* its own */
	struct codec *codec;
	struct load loads[LOADS];
	struct load *unused, *held;	/* the latter in their order, to be written */
	struct bp_error err;
	pthread_t thread;
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
int convert_share(struct worker *w, const struct load *l, const struct range *r,
		  struct bp_error *err);

/* Can the new image share blocks with the sources?  Tried, and taken back. */
bool convert_can_share(const struct bp_convert *c, dev_t *ret_dev);

#endif
