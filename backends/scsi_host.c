/* scsi_host.c - which host an adapter means: by its name, by where it is on the PCI bus,
 * or by its names in a fabric. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "backends/scsi.h"
#include "core/base/cleanup.h"
#include "core/base/device.h"
#include "core/base/mem.h"
#include "core/base/text.h"

#define HOSTS "/sys/class/scsi_host"

bool scsi_is_vport(const struct bp_adapter *a)
{
	return a->type && strcmp(a->type, "fc_host") == 0;
}

int scsi_host_number(const char *name, unsigned *ret, struct bp_error *err)
{
	const char *s = name;
	uint64_t n;

	if (starts_with(s, "scsi_") || starts_with(s, "fc_"))
		s = strchr(s, '_') + 1;
	if (!starts_with(s, "host") || s[4] < '0' || s[4] > '9' ||
	    !parse_number(s + 4, 10, &n) || n > UINT_MAX)
		return bp_fail_part(err, BP_INVALID, "source/adapter", "'%s' is no name of a SCSI "
				    "host, such as 'scsi_host0'", name);
	*ret = (unsigned)n;
	return 0;
}

static int by_name(const struct bp_adapter *a, unsigned *ret, struct bp_error *err)
{
	auto_free char *path = NULL;

	if (scsi_host_number(a->name, ret, err) < 0)
		return -1;
	path = mem_printf(HOSTS "/host%u", *ret);
	return access(path, F_OK) == 0 ? 0 :
	       bp_fail(err, BP_FAILED, "there is no SCSI host '%s' ('%s')", a->name, path);
}

/* The numbers of hosts change; their places on the bus do not. */
static bool is_at(const char *host, const char *address, unsigned id)
{
	auto_free char *path = mem_printf(HOSTS "/%s", host), *real = realpath(path, NULL);
	auto_free char *file = mem_printf("%s/unique_id", path), *text = sysfs_line(-1, file);
	uint64_t n;

	return real && strstr(real, address) && text && parse_number(text, 10, &n) && n == id;
}

static int by_address(const struct bp_adapter *a, unsigned *ret, struct bp_error *err)
{
	auto_free char *address = mem_printf("/%04x:%02x:%02x.%x/", a->domain, a->bus, a->slot,
					     a->function);
	cleanup(closedirp) DIR *dir = opendir(HOSTS);
	struct dirent *e;

	while (dir && (e = readdir(dir)))
		if (*e->d_name != '.' && is_at(e->d_name, address, a->unique_id))
			return scsi_host_number(e->d_name, ret, err);
	return bp_fail(err, BP_XML, "Failed to find scsi_host using PCI '%.*s' and "
		       "unique_id='%u'", (int)strlen(address) - 2, address + 1, a->unique_id);
}

int scsi_host(const struct bp_adapter *a, unsigned *ret, struct bp_error *err)
{
	if (!scsi_is_vport(a))
		return a->has_address ? by_address(a, ret, err) : by_name(a, ret, err);
	return vport_find(a->wwnn, a->wwpn, ret) == 0 ? 0 :
	       bp_fail(err, BP_FAILED, "Failed to find SCSI host with wwnn='%s', wwpn='%s'",
		       a->wwnn, a->wwpn);
}
