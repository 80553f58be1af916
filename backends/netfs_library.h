/* netfs_library.h - libnfs, opened when it is needed: NFS without the kernel. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_BACKENDS_NETFS_LIBRARY_H
#define BP_BACKENDS_NETFS_LIBRARY_H

#include <nfsc/libnfs.h>
#include <nfsc/libnfs-raw.h>

#include "core/base/error.h"

/* What is called of it. */
#define LIBNFS_CALLS(CALL)		\
	CALL(rpc_init_context)		\
	CALL(rpc_destroy_context)	\
	CALL(rpc_get_fd)		\
	CALL(rpc_which_events)		\
	CALL(rpc_service)		\
	CALL(rpc_get_error)		\
	CALL(mount_getexports_async)

struct library {
	void *dl;
	struct rpc_context *rpc;	/* of whoever asks without a mount; goes with it */
#define CALL(name) __typeof__(name) *(name);
	LIBNFS_CALLS(CALL)
#undef CALL
};

int library_open(struct library *l, struct bp_error *err);
void library_done(struct library *l);

#endif
