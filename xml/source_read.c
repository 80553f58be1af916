/* source_read.c - a <source>, read. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <limits.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "xml/parts.h"

static int read_host(const struct doc *d, const xmlNode *node, struct bp_host *ret,
		     struct bp_error *err)
{
	auto_free char *port = node_attr(node, "port");
	uint64_t v = 0;

	ret->name = node_attr(node, "name");
	if (port && (!parse_number(port, 10, &v) || v > INT_MAX))
		return fail_at(d, node, BP_XML, err, "Invalid value for attribute 'port' in "
			       "element 'host': '%s'. Expected integer value", port);
	ret->port = (unsigned)v;
	return 0;
}

/* Only a hexadecimal, octal or decimal address; the rest of what libvirt knows
 * of PCI addresses is checked and dropped. */
static int read_address(const struct doc *d, const xmlNode *node, struct bp_adapter *a,
			struct bp_error *err)
{
	auto_free char *multi = node_attr(node, "multifunction");

	if (read_unsigned(d, node, "domain", 0, &a->domain, err) < 0 ||
	    read_unsigned(d, node, "bus", 0, &a->bus, err) < 0 ||
	    read_unsigned(d, node, "slot", 0, &a->slot, err) < 0 ||
	    read_unsigned(d, node, "function", 0, &a->function, err) < 0)
		return -1;
	if (multi && strcmp(multi, "on") != 0 && strcmp(multi, "off") != 0)
		return fail_value(d, node, "multifunction", multi, err);
	return 0;
}

static int read_parentaddr(const struct doc *d, const xmlNode *node, struct bp_adapter *a,
			   struct bp_error *err)
{
	auto_free char *id = node_attr(node, "unique_id");
	const xmlNode *address = node_child(node, "address");
	uint64_t v;

	if (!address)
		return fail_at(d, node, BP_XML, err, "Missing scsi_host PCI address element");
	if (read_address(d, address, a, err) < 0)
		return -1;
	if (!id || !parse_number(id, 10, &v) || v > INT_MAX)
		return fail_at(d, node, BP_XML, err,
			       "Missing or invalid scsi adapter 'unique_id' value");
	a->unique_id = (unsigned)v;
	return 0;
}

/* What an adapter has depends on its type. */
static int read_adapter(const struct doc *d, const xmlNode *node, struct bp_adapter *a,
			struct bp_error *err)
{
	const xmlNode *parentaddr = node_child(node, "parentaddr");

	a->type = node_attr(node, "type");
	a->name = node_attr(node, "name");
	a->has_address = parentaddr;
	if (a->type && strcmp(a->type, "scsi_host") == 0)
		return parentaddr ? read_parentaddr(d, parentaddr, a, err) : 0;
	a->wwnn = node_attr(node, "wwnn");
	a->wwpn = node_attr(node, "wwpn");
	a->parent = node_attr(node, "parent");
	if (!a->type)
		return 0;
	a->parent_wwnn = node_attr(node, "parent_wwnn");
	a->parent_wwpn = node_attr(node, "parent_wwpn");
	a->parent_fabric_wwn = node_attr(node, "parent_fabric_wwn");
	return read_yes_no(d, node, "managed", &a->managed, err);
}

static int read_auth(const struct doc *d, const xmlNode *node, struct bp_auth *a,
		     struct bp_error *err)
{
	const xmlNode *secret = node_child(node, "secret");

	a->type = node_attr(node, "type");
	a->username = node_attr(node, "username");
	a->secret_type = node_attr(secret, "type");
	a->secret_uuid = node_attr(secret, "uuid");
	a->secret_usage = node_attr(secret, "usage");
	if (secret && a->username && *a->username && !a->secret_uuid && !a->secret_usage)
		return fail_at(d, secret, BP_XML, err, "missing secret uuid or usage attribute");
	return 0;
}

static int read_lists(const struct doc *d, const xmlNode *node, struct bp_pool_source *src,
		      struct bp_error *err)
{
	for (const xmlNode *n = node_child(node, "host"); n; n = node_next(n))
		if (read_host(d, n, array_add(src->hosts, src->n_hosts), err) < 0)
			return -1;
	for (const xmlNode *n = node_child(node, "device"); n; n = node_next(n)) {
		struct bp_device *dev = array_add(src->devices, src->n_devices);

		dev->path = node_attr(n, "path");
		if (read_yes_no(d, n, "part_separator", &dev->part_separator, err) < 0)
			return -1;
	}
	return 0;
}

int read_source(const struct doc *d, const xmlNode *node, struct bp_pool_source *ret,
		struct bp_error *err)
{
	const xmlNode *adapter = node_child(node, "adapter"), *auth = node_child(node, "auth");

	if (read_lists(d, node, ret, err) < 0)
		return -1;
	ret->dir = node_attr_below(node, "dir", "path");
	ret->name = node_text(node_child(node, "name"));
	ret->initiator = node_attr_below(node, "initiator/iqn", "name");
	ret->format = node_attr_below(node, "format", "type");
	ret->protocol_ver = node_attr_below(node, "protocol", "ver");
	ret->vendor = node_attr_below(node, "vendor", "name");
	ret->product = node_attr_below(node, "product", "name");
	if (adapter) {
		ret->adapter = mem_alloc(sizeof *ret->adapter);
		if (read_adapter(d, adapter, ret->adapter, err) < 0)
			return -1;
	}
	if (auth) {
		ret->auth = mem_alloc(sizeof *ret->auth);
		return read_auth(d, auth, ret->auth, err);
	}
	return 0;
}
