/* netfs_user_bytes.h - private: a file on a server and the requests for its bytes. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_BACKENDS_NETFS_USER_BYTES_H
#define BP_BACKENDS_NETFS_USER_BYTES_H

#include "backends/netfs_user.h"

#define DEPTH 256		/* requests in flight, at the most */
#define CHUNK (256u << 10)	/* bytes of one */
#define FLIGHT (8u << 20)	/* bytes of all */
#define LEAST ((size_t)512)	/* bytes that can be written at once */

enum slot_use { FREE, READING, WRITING };

/* A request, under way or, of a read, done and waiting for whoever wants its bytes. */
struct slot {
	enum slot_use use;
	bool done;
	int status;		/* bytes, or -errno */
	struct user *u;
	uint64_t at;
	size_t len;
	unsigned char *buffer;	/* kept */
	size_t room;
};

struct user_io {
	struct bp_io io;
	struct user *u;
	struct nfsfh *file;	/* NULL: it is opened when more is wanted than has come */
	char *late;		/* ... and this is its name */
	struct as_user who;
	uint64_t size;
	size_t read_most, write_most;	/* bytes of a request */
	struct slot slots[DEPTH];
	uint64_t next, ahead;	/* reading: where it is expected to go on; what is asked for */
	uint64_t window;	/* bytes to be ahead */
	int failed;		/* errno of the first write that went wrong */
};

static inline struct user_io *user_io_of(struct bp_io *io)
{
	return (struct user_io *)io;
}

/* Of a file that is open, by whoever asks now. */
struct user_io *user_io_make(struct user *u, struct nfsfh *file, const char *shown);

/* False: somebody else here has it open, too. */
bool user_file_release(struct user *u, struct nfsfh *file);

/* Ask for these bytes, which will be read once; nobody waits for them yet. */
void user_io_ask(struct user_io *f, uint64_t at, size_t len);

/* They have come already: so many, of len that were asked for. */
void user_io_has(struct user_io *f, uint64_t at, size_t len, const void *data, size_t come);

/* Open the file, by whoever may.  -1 and errno. */
int user_io_open_late(struct user_io *f);

#endif
