/* xml.h - definitions as text and back, as libvirt writes them.
 *
 * libxml2 is used in xml/ and nowhere else.  What is written here is read: a
 * document is bounded before it is parsed (10 MiB, 257 levels, 100 attributes
 * to an element, 100,000 elements), entities are refused, nothing is fetched.
 *
 * A failure says what libvirt says, and then where: the name given for the
 * document, the line and the element, as in
 *	malformed octal mode (pool.xml:12, <mode>)
 * A document without a name (NULL) came from no file; then it says no place.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_XML_H
#define BP_XML_H

#include <stddef.h>

#include "core/base/error.h"
#include "core/model/pool_def.h"
#include "core/model/pool_type.h"
#include "core/model/volume.h"

#ifdef __cplusplus
extern "C" {
#endif

#define BP_XML_MAX (10u << 20)		/* bytes in a document */

enum {
	BP_XML_VALIDATE		 = 1 << 0,	/* hold it against the schema too (section 7) */
	BP_XML_CAPACITY_OPTIONAL = 1 << 1,	/* a clone, or a volume with a backing store */
	BP_XML_STATE		 = 1 << 2,	/* <poolstate> around <pool>, a level further in */
	BP_XML_COMMENT		 = 1 << 4,	/* print libvirt's comment first (section 8) */
	BP_XML_AS_WRITTEN	 = 1 << 3,	/* print only what is set, nothing completed, in the
						 * order of virsh's --print-xml */
};

/* What kind of document this is: "pool", "poolstate", "volume", "source" ...
 * *ret_root is for the caller to free. */
int bp_xml_root(const char *text, size_t len, const char *name, char **ret_root,
		struct bp_error *err);

/* A pool: completed and checked.  Flags: VALIDATE, STATE. */
int bp_xml_parse_pool(const char *text, size_t len, const char *name, unsigned flags,
		      struct bp_pool_def **ret, struct bp_error *err);

/* The caller frees.  Flags: STATE, COMMENT, AS_WRITTEN. */
char *bp_xml_format_pool(const struct bp_pool_def *def, unsigned flags);

/* A volume for a pool of this type: completed and checked.  Flags: VALIDATE,
 * CAPACITY_OPTIONAL. */
int bp_xml_parse_volume(const char *text, size_t len, const char *name,
			const struct bp_pool_type *type, unsigned flags,
			struct bp_vol_spec **ret, struct bp_error *err);

/* A volume as found.  The caller frees. */
char *bp_xml_format_volume(const struct bp_vol_info *info, const struct bp_pool_type *type);

/* A volume as asked for, only what is set (virsh's vol-create-as --print-xml). */
char *bp_xml_format_volume_spec(const struct bp_vol_spec *spec);

/* What a secret is for: its kind ("iscsi") and whom ("my-target"), NULL where it says
 * nothing.  The caller frees. */
int bp_xml_parse_secret(const char *text, size_t len, const char *name, char **ret_uuid,
			char **ret_kind, char **ret_usage, struct bp_error *err);

/* The <source> somebody searches with; host, port and initiator count. */
int bp_xml_parse_source(const char *text, size_t len, const char *name,
			const struct bp_pool_type *type,
			struct bp_pool_source *ret, struct bp_error *err);

/* <sources>: what was found.  The caller frees. */
char *bp_xml_format_sources(const struct bp_pool_source *sources, size_t n,
			    const struct bp_pool_type *type);

/* <storagepoolCapabilities>.  The caller frees. */
char *bp_xml_format_capabilities(bool (*supported)(const struct bp_pool_type *type));

/* The nodes an XPath expression finds in a document of ours, each printed and
 * followed by a newline; with wrap inside a <nodes> element.  Nothing found:
 * an empty string (or an empty <nodes/>).  The caller frees. */
int bp_xml_xpath(const char *text, const char *expr, bool wrap, char **ret, struct bp_error *err);

#ifdef __cplusplus
}
#endif

#endif
