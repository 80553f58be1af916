/* parts.h - what pools, volumes and searches have in common. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_XML_PARTS_H
#define BP_XML_PARTS_H

#include "core/model/pool_def.h"
#include "xml/read.h"
#include "xml/write.h"

#define FS_NS  "http://libvirt.org/schemas/storagepool/fs/1.0"
#define RBD_NS "http://libvirt.org/schemas/storagepool/rbd/1.0"
#define OUR_NS "urn:barepool:pool:1"	/* what libvirt does not know, and ignores */

/* A <permissions>; NULL is fine. */
int read_perms(const struct doc *d, const xmlNode *node, struct bp_perms *ret,
	       struct bp_error *err);
void write_perms(struct out *o, const struct bp_perms *perms);
bool has_perms(const struct bp_perms *perms);

/* A <source>; NULL is fine. */
int read_source(const struct doc *d, const xmlNode *node, struct bp_pool_source *ret,
		struct bp_error *err);
void write_source(struct out *o, const struct bp_pool_source *src);

/* In the order of virsh's --print-xml; no element at all if it holds nothing. */
void write_source_as_written(struct out *o, const struct bp_pool_source *src);

/* A <thin>; NULL is fine.  Its state is left out where there is none. */
int read_thin(const struct doc *d, const xmlNode *node, struct bp_thin *ret, struct bp_error *err);
void write_thin(struct out *o, const struct bp_thin *thin, const struct bp_thin_state *state);

#endif
