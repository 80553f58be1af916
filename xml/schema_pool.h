/* schema_pool.h - the rows of <source>, one list for each type of pool. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_XML_SCHEMA_POOL_H
#define BP_XML_SCHEMA_POOL_H

#include "xml/schema.h"

extern const struct schema_elem schema_source_dir[], schema_source_fs[], schema_source_netfs[],
	schema_source_logical[], schema_source_disk[], schema_source_iscsi[],
	schema_source_iscsi_direct[], schema_source_scsi[], schema_source_mpath[],
	schema_source_rbd[], schema_source_sheepdog[], schema_source_gluster[],
	schema_source_zfs[], schema_source_vstorage[];

#endif
