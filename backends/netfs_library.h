/* netfs_library.h - libnfs, opened when it is needed: NFS without the kernel. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_BACKENDS_NETFS_LIBRARY_H
#define BP_BACKENDS_NETFS_LIBRARY_H

#include <nfsc/libnfs.h>
#include <nfsc/libnfs-raw.h>
#include <nfsc/libnfs-raw-nfs4.h>

#include "core/base/error.h"

/* What is called of it. */
#define LIBNFS_CALLS(CALL)		\
	CALL(rpc_init_context)		\
	CALL(rpc_destroy_context)	\
	CALL(rpc_get_fd)		\
	CALL(rpc_which_events)		\
	CALL(rpc_service)		\
	CALL(rpc_get_error)		\
	CALL(mount_getexports_async)	\
	CALL(rpc_disconnect)		\
	CALL(nfs_init_context)		\
	CALL(nfs_destroy_context)	\
	CALL(nfs_get_rpc_context)	\
	CALL(nfs_get_fd)		\
	CALL(nfs_which_events)		\
	CALL(nfs_service)		\
	CALL(nfs_get_error)		\
	CALL(nfs_parse_url_incomplete)	\
	CALL(nfs_destroy_url)		\
	CALL(nfs_umask)			\
	CALL(nfs_set_version)		\
	CALL(nfs_set_autoreconnect)	\
	CALL(nfs_set_auth)		\
	CALL(libnfs_authunix_create)	\
	CALL(nfs4_set_client_name)	\
	CALL(nfs4_set_verifier)		\
	CALL(rpc_nfs4_compound_async)	\
	CALL(nfs_get_readmax)		\
	CALL(nfs_get_writemax)		\
	CALL(nfs_mount_async)		\
	CALL(nfs_lstat64_async)		\
	CALL(nfs_fstat64_async)		\
	CALL(nfs_statvfs64_async)	\
	CALL(nfs_opendir_async)		\
	CALL(nfs_readdir)		\
	CALL(nfs_closedir)		\
	CALL(nfs_open_async)		\
	CALL(nfs_create_async)		\
	CALL(nfs_close_async)		\
	CALL(nfs_pread_async)		\
	CALL(nfs_pwrite_async)		\
	CALL(nfs_fsync_async)		\
	CALL(nfs_ftruncate_async)	\
	CALL(nfs_fchmod_async)		\
	CALL(nfs_fchown_async)		\
	CALL(nfs_link_async)		\
	CALL(nfs_rename_async)		\
	CALL(nfs_unlink_async)		\
	CALL(nfs_mkdir2_async)		\
	CALL(nfs_rmdir_async)		\
	CALL(nfs_lchmod_async)		\
	CALL(nfs_lchown_async)

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
