/* source_write.c - a <source>, written. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "xml/parts.h"

static const char *yes_no(enum bp_yes_no v)
{
	return v == BP_YES ? "yes" : v == BP_NO ? "no" : NULL;
}

static void write_hosts(struct out *o, const struct bp_pool_source *src)
{
	for (size_t i = 0; i < src->n_hosts; i++) {
		out_tag(o, "host");
		out_attr(o, "name", src->hosts[i].name);
		if (src->hosts[i].port)
			out_attrf(o, "port", "%u", src->hosts[i].port);
		out_end(o, "host");
	}
}

static void write_device(struct out *o, const struct bp_device *dev)
{
	out_tag(o, "device");
	out_attr(o, "path", dev->path);
	out_attr(o, "part_separator", yes_no(dev->part_separator));
	for (size_t i = 0; i < dev->n_free; i++) {
		out_tag(o, "freeExtent");
		out_attrf(o, "start", "%llu", (unsigned long long)dev->free[i].start);
		out_attrf(o, "end", "%llu", (unsigned long long)dev->free[i].end);
		out_end(o, "freeExtent");
	}
	out_end(o, "device");
}

static void write_devices(struct out *o, const struct bp_pool_source *src)
{
	for (size_t i = 0; i < src->n_devices; i++)
		write_device(o, &src->devices[i]);
}

/* Nobody has to say the type who gives what only one type has. */
static const char *adapter_type(const struct bp_adapter *a)
{
	return a->type ? a->type : a->wwnn && a->wwpn ? "fc_host" : "scsi_host";
}

static void write_adapter(struct out *o, const struct bp_adapter *a)
{
	bool fc = a && strcmp(adapter_type(a), "fc_host") == 0;

	if (!a)
		return;
	out_tag(o, "adapter");
	out_attr(o, "type", adapter_type(a));
	if (fc) {
		out_attr(o, "parent", a->parent);
		out_attr(o, "parent_wwnn", a->parent_wwnn);
		out_attr(o, "parent_wwpn", a->parent_wwpn);
		out_attr(o, "parent_fabric_wwn", a->parent_fabric_wwn);
		out_attr(o, "managed", yes_no(a->managed));
		out_attr(o, "wwnn", a->wwnn);
		out_attr(o, "wwpn", a->wwpn);
	} else if (!a->has_address) {
		out_attr(o, "name", a->name);
	} else {
		out_tag(o, "parentaddr");
		out_attrf(o, "unique_id", "%u", a->unique_id);
		out_tag(o, "address");
		out_attrf(o, "domain", "0x%04x", a->domain);
		out_attrf(o, "bus", "0x%02x", a->bus);
		out_attrf(o, "slot", "0x%02x", a->slot);
		out_attrf(o, "function", "0x%x", a->function);
		out_end(o, "address");
		out_end(o, "parentaddr");
	}
	out_end(o, "adapter");
}

static void write_initiator(struct out *o, const char *iqn)
{
	if (!iqn)
		return;
	out_tag(o, "initiator");
	out_one(o, "iqn", "name", iqn);
	out_end(o, "initiator");
}

static void write_auth(struct out *o, const struct bp_auth *a)
{
	if (!a)
		return;
	out_tag(o, "auth");
	out_attr(o, "type", a->type);
	out_attr(o, "username", a->username);
	out_tag(o, "secret");
	out_attr(o, "type", a->secret_type);
	out_attr(o, "uuid", a->secret_uuid);
	out_attr(o, "usage", a->secret_usage);
	out_end(o, "secret");
	out_end(o, "auth");
}

void write_source(struct out *o, const struct bp_pool_source *src)
{
	out_tag(o, "source");
	out_body(o);
	write_hosts(o, src);
	write_devices(o, src);
	out_one(o, "dir", "path", src->dir);
	write_adapter(o, src->adapter);
	out_text(o, "name", src->name);
	write_initiator(o, src->initiator);
	out_one(o, "format", "type", src->format);
	write_auth(o, src->auth);
	out_one(o, "protocol", "ver", src->protocol_ver);
	out_one(o, "vendor", "name", src->vendor);
	out_one(o, "product", "name", src->product);
	out_end(o, "source");
}

/* virsh writes no adapter that would not be one, and no half of an <auth>. */
static bool is_whole_adapter(const struct bp_adapter *a)
{
	return a && (a->name || a->has_address || (a->wwnn && a->wwpn));
}

static bool is_whole_auth(const struct bp_auth *a)
{
	return a && a->type && a->username && (a->secret_uuid || a->secret_usage);
}

void write_source_as_written(struct out *o, const struct bp_pool_source *src)
{
	if (!src->n_hosts && !src->dir && !src->n_devices && !src->initiator && !src->format &&
	    !src->name && !is_whole_adapter(src->adapter))
		return;
	out_tag(o, "source");
	write_hosts(o, src);
	out_one(o, "dir", "path", src->dir);
	write_devices(o, src);
	write_initiator(o, src->initiator);
	if (is_whole_adapter(src->adapter))
		write_adapter(o, src->adapter);
	if (is_whole_auth(src->auth))
		write_auth(o, src->auth);
	out_one(o, "format", "type", src->format);
	out_text(o, "name", src->name);
	out_one(o, "protocol", "ver", src->protocol_ver);
	out_one(o, "vendor", "name", src->vendor);
	out_one(o, "product", "name", src->product);
	out_end(o, "source");
}
