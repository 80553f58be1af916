/* pool_def.h - what somebody wrote down about a pool.
 *
 * Plain data: no behaviour, no XML, no state.  Words are kept as they were
 * written; bp_pool_def_complete() says whether they mean something.  All
 * strings and arrays belong to the definition and may be NULL.  Allocated and
 * freed here only, so fields may be added at the end without breaking anybody.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_MODEL_POOL_DEF_H
#define BP_MODEL_POOL_DEF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/base/error.h"

#ifdef __cplusplus
extern "C" {
#endif

enum bp_yes_no { BP_UNSAID, BP_YES, BP_NO };

/* Owner and rights; what is not set is left to whoever creates. */
struct bp_perms {
	bool has_mode, has_uid, has_gid;
	mode_t mode;
	uid_t uid;
	gid_t gid;
	char *label;		/* SELinux context */
};

struct bp_host {
	char *name;
	unsigned port;		/* 0: the protocol's own */
};

struct bp_extent {
	uint64_t start, end;	/* bytes; end is the first that is not part of it */
};

struct bp_device {
	char *path;		/* or an IQN */
	enum bp_yes_no part_separator;
	struct bp_extent *free;	/* output of disk pools: unpartitioned areas */
	size_t n_free;
};

struct bp_adapter {
	char *type;		/* "scsi_host" or "fc_host" */
	char *name;		/* scsi_host: either this ... */
	bool has_address;	/* ... or a PCI address and a unique id */
	unsigned unique_id, domain, bus, slot, function;
	char *wwnn, *wwpn;	/* fc_host: these, and one way to find the parent */
	char *parent, *parent_wwnn, *parent_wwpn, *parent_fabric_wwn;
	enum bp_yes_no managed;
};

struct bp_auth {
	char *type;		/* "chap" or "ceph" */
	char *username;
	char *secret_uuid, *secret_usage;	/* one of them */
	char *secret_type;	/* any word; kept as it is */
};

struct bp_option {
	char *name, *value;	/* fs options have no value */
};

struct bp_pool_source {
	struct bp_host *hosts;
	size_t n_hosts;
	struct bp_device *devices;
	size_t n_devices;
	char *dir;
	struct bp_adapter *adapter;
	char *name;		/* volume group, RBD pool, gluster volume ... */
	char *initiator;	/* IQN */
	char *format;
	struct bp_auth *auth;
	char *protocol_ver;	/* of NFS */
	char *vendor, *product;
};

struct bp_pool_space {
	uint64_t capacity, allocation, available;	/* bytes */
	uint64_t reserved;	/* free too, but for root only; libvirt calls it available */
};

/* The thin pool of a volume group that a pool's thin volumes come from. */
struct bp_thin {
	char *name;		/* "group/thinpool"; NULL: none */
	uint64_t size, metadata;	/* bytes, when it is built; 0: what is usual */
	unsigned limit;		/* percent of its size that all its volumes together may
				 * have; 0: any number */
};

enum bp_thin_health {
	BP_THIN_UNKNOWN,	/* it is not active */
	BP_THIN_FINE, BP_THIN_FULL, BP_THIN_READ_ONLY, BP_THIN_NEEDS_CHECK, BP_THIN_FAILED,
};

/* How it is. */
struct bp_thin_state {
	enum bp_thin_health health;
	uint64_t capacity, allocation;			/* bytes, of data */
	uint64_t metadata_capacity, metadata_allocation;
	uint64_t promised;	/* the capacity of all volumes of it */
};

struct bp_pool_def {
	char *type;		/* "dir", "logical" ... */
	char *name;
	char *uuid;		/* lower case, with dashes */
	enum bp_yes_no cow;
	struct bp_pool_source source;
	char *target_path;
	struct bp_perms perms;
	char *refresh_allocation;	/* "default" or "capacity" */
	struct bp_option *fs_options;	/* mount options */
	size_t n_fs_options;
	struct bp_option *rbd_options;
	size_t n_rbd_options;
	struct bp_pool_space space;	/* zero unless the pool was just looked at */
	struct bp_perms volume_perms;	/* of new volumes, where nothing else is said (ours:
					 * libvirt ignores it) */
	char *mkfs_format, *mkfs_label;	/* of the file system that is made when an fs pool is */
	struct bp_option *mkfs_options;	/* built, and words for the program that makes it */
	size_t n_mkfs_options;		/* (ours, too) */
	char *activation;		/* of a volume group that hosts share: "shared" or
					 * "exclusive" (ours) */
	struct bp_auth *mutual;		/* how an iSCSI target proves to us that it is the one
					 * meant (ours) */
	struct bp_thin thin;		/* of a pool of type logical (ours, too) */
	struct bp_thin_state thin_state;	/* zero unless the pool was just looked at */
	enum bp_yes_no mount;		/* of type netfs: shall the kernel mount the share, or is it
					 * to be used without; unsaid: as can be (ours) */
};

/* A word for it: "fine", "full", "needs check". */
const char *bp_thin_health_word(enum bp_thin_health health);

double bp_thin_percent(uint64_t part, uint64_t whole);

/* What somebody should do about the thin pool of this name, in a sentence without
 * its full stop, before it is full or because it is; NULL: nothing.  The caller frees. */
char *bp_thin_warning(const char *name, const struct bp_thin_state *state);

/* How a pool is built. */
enum {
	BP_BUILD		= 1 << 0,	/* for create and start: build first */
	BP_BUILD_OVERWRITE	= 1 << 1,	/* whatever is there */
	BP_BUILD_NO_OVERWRITE	= 1 << 2,	/* only if nothing is there */
};

struct bp_pool_def *bp_pool_def_new(void);
void bp_pool_def_free(struct bp_pool_def *def);		/* NULL is fine */
void bp_pool_def_freep(struct bp_pool_def **def);	/* for cleanup() */
void bp_pool_source_done(struct bp_pool_source *src);
void bp_perms_done(struct bp_perms *perms);

/* Fill in what follows from the rest (UUID, source name, target of an LVM
 * pool, default formats, tidied paths), drop what the type has no use for, and
 * refuse what cannot be a pool (inventory, sections 2 and 3).  err->part names
 * the element at fault.  Doing it twice changes nothing. */
int bp_pool_def_complete(struct bp_pool_def *def, struct bp_error *err);

/* Collapse repeated '/', drop one at the end; two at the start stay, three do
 * not; what looks like a URL is left alone.  The caller frees. */
char *bp_path_tidy(const char *path);

#ifdef __cplusplus
}
#endif

#endif
