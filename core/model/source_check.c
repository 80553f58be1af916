/* source_check.c - what a pool's <source> must have, may have, and has no use for. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/model/check.h"

static bool is(const char *a, const char *b)
{
	return a && strcmp(a, b) == 0;
}

static int check_format(struct bp_pool_source *src, const struct bp_pool_type *type,
			struct bp_error *err)
{
	empty_to_null(&src->format);
	if (!type->source_formats)
		mem_set(&src->format, NULL);
	else if (!src->format)
		mem_set(&src->format, type->source_format);
	else if (!bp_word_in(type->source_formats, src->format))
		return bp_fail_part(err, BP_CONFIG, "source/format",
				    "unknown pool format type %s", src->format);
	return 0;
}

static int check_hosts_and_devices(const struct bp_pool_source *src, struct bp_error *err)
{
	char part[sizeof err->part];

	for (size_t i = 0; i < src->n_hosts; i++) {
		snprintf(part, sizeof part, "source/host[%zu]", i + 1);
		if (!src->hosts[i].name)
			return bp_fail_part(err, BP_XML, part, "missing storage pool host name");
		if (check_text(src->hosts[i].name, part, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < src->n_devices; i++) {
		snprintf(part, sizeof part, "source/device[%zu]", i + 1);
		if (!src->devices[i].path)
			return bp_fail_part(err, BP_XML, part,
					    "missing storage pool source device path");
		if (check_text(src->devices[i].path, part, err) < 0)
			return -1;
	}
	return 0;
}

#define ADAPTER "source/adapter"

static int check_pci_address(const struct bp_adapter *a, struct bp_error *err)
{
	if (a->bus > 0xff)
		return bp_fail_part(err, BP_XML, ADAPTER "/parentaddr/address",
				    "Invalid PCI address bus='0x%x', must be <= 0xFF", a->bus);
	if (a->slot > 0x1f)
		return bp_fail_part(err, BP_XML, ADAPTER "/parentaddr/address",
				    "Invalid PCI address slot='0x%x', must be <= 0x1F", a->slot);
	if (a->function > 7)
		return bp_fail_part(err, BP_XML, ADAPTER "/parentaddr/address",
				    "Invalid PCI address function=0x%x, must be <= 7", a->function);
	return 0;
}

/* The type may be left out where a name alone tells it. */
static int check_adapter_type(struct bp_adapter *a, struct bp_error *err)
{
	if (a->type) {
		if (!is(a->type, "scsi_host") && !is(a->type, "fc_host"))
			return bp_fail_part(err, BP_XML, ADAPTER, "Invalid value for attribute "
					    "'type' in element 'adapter': '%s'.", a->type);
		return 0;
	}
	if (a->wwnn || a->wwpn || a->parent)
		return bp_fail_part(err, BP_XML, ADAPTER, "Use of 'wwnn', 'wwpn', and 'parent' "
				    "attributes requires use of the adapter 'type'");
	if (a->has_address)
		return bp_fail_part(err, BP_XML, ADAPTER, "Use of 'parentaddr' element requires "
				    "use of the adapter 'type'");
	if (a->name)
		mem_set(&a->type, "scsi_host");
	return 0;
}

static int check_wwn(const char *wwn, struct bp_error *err)
{
	const char *p = wwn;
	size_t digits = 0;

	if (strncmp(p, "0x", 2) == 0)
		p += 2;
	while (isxdigit((unsigned char)p[digits]))
		digits++;
	if (digits != 16 || p[digits])
		return bp_fail_part(err, BP_INTERNAL, ADAPTER, "Malformed wwn: %s", wwn);
	return 0;
}

static int check_fc_parent(const struct bp_adapter *a, struct bp_error *err)
{
	if (a->parent_wwnn && !a->parent_wwpn)
		return bp_fail_part(err, BP_XML, ADAPTER, "when providing parent_wwnn='%s', the "
				    "parent_wwpn must also be provided", a->parent_wwnn);
	if (!a->parent_wwnn && a->parent_wwpn)
		return bp_fail_part(err, BP_XML, ADAPTER, "when providing parent_wwpn='%s', the "
				    "parent_wwnn must also be provided", a->parent_wwpn);
	if (a->parent_wwnn &&
	    (check_wwn(a->parent_wwnn, err) < 0 || check_wwn(a->parent_wwpn, err) < 0))
		return -1;
	if (a->parent_fabric_wwn && check_wwn(a->parent_fabric_wwn, err) < 0)
		return -1;
	return check_text(a->parent, ADAPTER, err);
}

static int check_fc_host(struct bp_adapter *a, struct bp_error *err)
{
	if (!a->wwnn || !a->wwpn)
		return bp_fail_part(err, BP_XML, ADAPTER, "'wwnn' and 'wwpn' must be specified for "
				    "adapter type 'fchost'");
	if (check_wwn(a->wwnn, err) < 0 || check_wwn(a->wwpn, err) < 0 ||
	    check_fc_parent(a, err) < 0)
		return -1;
	mem_set(&a->name, NULL);
	a->has_address = false;
	return 0;
}

static int check_scsi_host(struct bp_adapter *a, struct bp_error *err)
{
	char **const of_fc_host[] = { &a->wwnn, &a->wwpn, &a->parent, &a->parent_wwnn,
				      &a->parent_wwpn, &a->parent_fabric_wwn };

	if (!a->name && !a->has_address)
		return bp_fail_part(err, BP_XML, ADAPTER, "Either 'name' or 'parent' must be "
				    "specified for the 'scsi_host' adapter");
	if (a->name && a->has_address)
		return bp_fail_part(err, BP_XML, ADAPTER, "Both 'name' and 'parent' cannot be "
				    "specified for the 'scsi_host' adapter");
	for (size_t i = 0; i < array_size(of_fc_host); i++)
		mem_set(of_fc_host[i], NULL);
	a->managed = BP_UNSAID;
	return check_text(a->name, ADAPTER, err);
}

static int check_auth(struct bp_auth *a, struct bp_error *err)
{
	static const char *const types[] = { "none", "chap", "ceph", NULL };

	empty_to_null(&a->type);
	empty_to_null(&a->username);
	if (!a->username)
		return bp_fail_part(err, BP_XML, "source/auth", "missing username for auth");
	if (a->type && !bp_word_in(types, a->type))
		return bp_fail_part(err, BP_CONFIG, "source/auth", "unknown auth type '%s'",
				    a->type);
	if (!a->secret_uuid && !a->secret_usage)
		return bp_fail_part(err, BP_XML, "source/auth", "Missing <secret> element in auth");
	if (check_secret(&a->secret_uuid, a->secret_usage, "source/auth/secret", err) < 0 ||
	    check_text(a->secret_type, "source/auth/secret", err) < 0 ||
	    check_text(a->username, "source/auth", err) < 0)
		return -1;
	if (!a->type || is(a->type, "none"))
		return bp_fail_part(err, BP_CONFIG, "source/auth",
				    "storage pool missing auth type");
	return 0;
}

static int check_protocol(struct bp_pool_source *src, const struct bp_pool_type *type,
			  struct bp_error *err)
{
	empty_to_null(&src->protocol_ver);
	if (!src->protocol_ver)
		return 0;
	if (is(type->name, "netfs") && !is(src->format, "auto") && !is(src->format, "nfs"))
		return bp_fail_part(err, BP_CONFIG, "source/protocol", "storage pool protocol ver "
				    "unsupported for pool type '%s'", src->format);
	if (strchr(src->protocol_ver, ','))
		return bp_fail_part(err, BP_XML_SYNTAX, "source/protocol", "storage pool protocol "
				    "ver '%s' must not contain ','", src->protocol_ver);
	return 0;
}

static int check_source_texts(const struct bp_pool_source *src, struct bp_error *err)
{
	const struct { const char *part, *s; } rows[] = {
		{ "source/dir",	      src->dir },
		{ "source/name",      src->name },
		{ "source/initiator", src->initiator },
		{ "source/protocol",  src->protocol_ver },
		{ "source/vendor",    src->vendor },
		{ "source/product",   src->product },
	};

	for (size_t i = 0; i < array_size(rows); i++)
		if (check_text(rows[i].s, rows[i].part, err) < 0)
			return -1;
	return 0;
}

int check_source(struct bp_pool_source *src, const struct bp_pool_type *type,
		 struct bp_error *err)
{
	char **const may_be_empty[] = { &src->dir, &src->name, &src->initiator, &src->vendor,
					&src->product };

	for (size_t i = 0; i < array_size(may_be_empty); i++)
		empty_to_null(may_be_empty[i]);
	if (check_format(src, type, err) < 0 || check_hosts_and_devices(src, err) < 0)
		return -1;
	if (src->adapter && (check_pci_address(src->adapter, err) < 0 ||
			     check_adapter_type(src->adapter, err) < 0))
		return -1;
	if ((src->auth && check_auth(src->auth, err) < 0) || check_protocol(src, type, err) < 0)
		return -1;
	return check_source_texts(src, err);
}

static bool has_part(const struct bp_pool_source *src, unsigned part)
{
	switch (part) {
	case BP_PART_HOST:	return src->n_hosts > 0;
	case BP_PART_DEVICE:	return src->n_devices > 0;
	case BP_PART_DIR:	return src->dir;
	case BP_PART_ADAPTER:	return src->adapter && src->adapter->type;
	case BP_PART_NAME:	return src->name;
	case BP_PART_INITIATOR:	return src->initiator;
	}
	return false;
}

static int check_needs(const struct bp_pool_source *src, const struct bp_pool_type *type,
		       struct bp_error *err)
{
	static const struct { unsigned part; enum bp_code code; const char *words; } rows[] = {
		{ BP_PART_HOST,	     BP_XML,	"missing storage pool source host name" },
		{ BP_PART_DIR,	     BP_XML,	"missing storage pool source path" },
		{ BP_PART_NAME,	     BP_XML,	"element 'name' is mandatory for RBD pool" },
		{ BP_PART_ADAPTER,   BP_XML,	"missing storage pool source adapter" },
		{ BP_PART_DEVICE,    BP_XML,	"missing storage pool source device name" },
		{ BP_PART_INITIATOR, BP_CONFIG,	"missing initiator IQN" },
	};

	for (size_t i = 0; i < array_size(rows); i++)
		if ((type->needs & rows[i].part) && !has_part(src, rows[i].part))
			return bp_fail_part(err, rows[i].code, "source", "%s", rows[i].words);
	return 0;
}

/* Move what is kept into an empty source, and release the rest. */
static void drop_unused_parts(struct bp_pool_source *src, const struct bp_pool_type *type)
{
	struct bp_pool_source kept = {
		.format	      = steal(src->format),
		.auth	      = steal(src->auth),
		.protocol_ver = steal(src->protocol_ver),
		.vendor	      = steal(src->vendor),
		.product      = steal(src->product),
	};

	if (type->parts & BP_PART_HOST) {
		kept.n_hosts = src->n_hosts;
		kept.hosts = steal(src->hosts);
		src->n_hosts = 0;
	}
	if (type->parts & BP_PART_DEVICE) {
		kept.n_devices = src->n_devices;
		kept.devices = steal(src->devices);
		src->n_devices = 0;
	}
	if (type->parts & BP_PART_DIR)
		kept.dir = steal(src->dir);
	if (type->parts & BP_PART_ADAPTER)
		kept.adapter = steal(src->adapter);
	if (type->parts & BP_PART_NAME)
		kept.name = steal(src->name);
	if (type->parts & BP_PART_INITIATOR)
		kept.initiator = steal(src->initiator);
	bp_pool_source_done(src);
	*src = kept;
}

int complete_source(struct bp_pool_source *src, const struct bp_pool_type *type,
		    const char *pool, struct bp_error *err)
{
	/* A directory that may be left out is the root of a volume. */
	if ((type->parts & ~type->needs & BP_PART_DIR) && !src->dir)
		mem_set(&src->dir, "/");
	if (check_needs(src, type, err) < 0)
		return -1;
	if (type->parts & BP_PART_ADAPTER) {
		struct bp_adapter *a = src->adapter;

		if ((is(a->type, "fc_host") ? check_fc_host(a, err) : check_scsi_host(a, err)) < 0)
			return -1;
	}
	drop_unused_parts(src, type);
	if (src->dir)
		tidy_path(&src->dir);
	if ((type->parts & BP_PART_NAME) && !src->name)
		mem_set(&src->name, pool);
	return 0;
}
