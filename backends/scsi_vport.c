/* scsi_vport.c - virtual hosts of a fibre channel fabric (NPIV): found, made, removed.
 *
 * One that we have made goes when its pool stops, so that is noted, in a file that goes
 * when the machine does, as the host itself: /run/barepool/vport/WWNN:WWPN.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "backends/luns.h"
#include "backends/scsi.h"
#include "core/base/cleanup.h"
#include "core/base/device.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/text.h"

#define NOTES "/run/barepool/vport"
#define WAITS 500		/* of 10 ms: for a fabric to let it in */

/* Names of nodes and ports, with or without "0x". */
static const char *digits(const char *wwn)
{
	return strncasecmp(wwn, "0x", 2) == 0 ? wwn + 2 : wwn;
}

static char *fact(const char *host, const char *name)
{
	auto_free char *file = mem_printf(FC_HOSTS "/%s/%s", host, name);

	return sysfs_line(-1, file);
}

static bool fact_is(const char *host, const char *name, const char *wwn)
{
	auto_free char *its = fact(host, name);

	return its && strcasecmp(digits(its), digits(wwn)) == 0;
}

static uint64_t count_of(const char *host, const char *name)
{
	auto_free char *text = fact(host, name);
	uint64_t n;

	return text && parse_number(text, 10, &n) ? n : 0;
}

/* The first host for which this is so.  The caller frees. */
static char *first_host(bool (*fits)(const char *host, const struct bp_adapter *a),
			const struct bp_adapter *a)
{
	cleanup(closedirp) DIR *dir = opendir(FC_HOSTS);
	struct dirent *e;

	while (dir && (e = readdir(dir)))
		if (*e->d_name != '.' && fits(e->d_name, a))
			return mem_dup(e->d_name);
	return NULL;
}

static bool is_itself(const char *host, const struct bp_adapter *a)
{
	return fact_is(host, "node_name", a->wwnn) && fact_is(host, "port_name", a->wwpn);
}

int vport_find(const char *wwnn, const char *wwpn, unsigned *ret)
{
	const struct bp_adapter a = { .wwnn = (char *)wwnn, .wwpn = (char *)wwpn };
	auto_free char *host = first_host(is_itself, &a);
	struct bp_error ignored = { 0 };

	return host ? scsi_host_number(host, ret, &ignored) : -1;
}

/* ---- the host it is made by ------------------------------------------------------------- */

/* Older kernels have these files elsewhere.  The caller frees; NULL: it cannot. */
static char *control(const char *host, const char *name)
{
	static const char *const classes[] = { "fc_host", "scsi_host" };

	for (size_t i = 0; i < array_size(classes); i++) {
		char *path = mem_printf("/sys/class/%s/%s/%s", classes[i], host, name);

		if (access(path, F_OK) == 0)
			return path;
		free(path);
	}
	return NULL;
}

static bool is_named(const char *host, const struct bp_adapter *a)
{
	return fact_is(host, "node_name", a->parent_wwnn) &&
	       fact_is(host, "port_name", a->parent_wwpn);
}

static bool can_have_vports(const char *host)
{
	auto_free char *file = control(host, "vport_create");

	return file;
}

static bool is_in_fabric(const char *host, const struct bp_adapter *a)
{
	return fact_is(host, "fabric_name", a->parent_fabric_wwn) && can_have_vports(host);
}

static bool has_room(const char *host, const struct bp_adapter *a)
{
	auto_free char *state = fact(host, "port_state");

	(void)a;
	return state && strcmp(state, "Online") == 0 && can_have_vports(host) &&
	       count_of(host, "npiv_vports_inuse") < count_of(host, "max_npiv_vports");
}

static char *parent_by_name(const struct bp_adapter *a, struct bp_error *err)
{
	auto_free char *host = NULL, *path = NULL;
	unsigned n;

	if (scsi_host_number(a->parent, &n, err) < 0)
		return NULL;
	host = mem_printf("host%u", n);
	path = mem_printf(FC_HOSTS "/%s", host);
	if (access(path, F_OK) == 0)
		return steal(host);
	bp_fail(err, BP_XML, "parent '%s' specified for vHBA does not exist", a->parent);
	return NULL;
}

/* The caller frees; NULL: none. */
static char *find_parent(const struct bp_adapter *a, struct bp_error *err)
{
	char *host;

	if (a->parent)
		return parent_by_name(a, err);
	if (a->parent_wwnn) {
		host = first_host(is_named, a);
		if (!host)
			bp_fail(err, BP_FAILED, "unable to find parent with wwnn='%s', wwpn='%s'",
				a->parent_wwnn, a->parent_wwpn);
	} else if (a->parent_fabric_wwn) {
		host = first_host(is_in_fabric, a);
		if (!host)
			bp_fail(err, BP_FAILED, "unable to find a host in the fabric '%s' that can "
				"have virtual ones", a->parent_fabric_wwn);
	} else {
		host = first_host(has_room, a);
		if (!host)
			bp_fail(err, BP_FAILED, "there is no host of a fibre channel fabric that "
				"is online and has room for a virtual one ('%s')", FC_HOSTS);
	}
	return host;
}

/* ---- notes ------------------------------------------------------------------------------ */

static char *note_of(const struct bp_adapter *a)
{
	return mem_printf("%s:%s", digits(a->wwnn), digits(a->wwpn));
}

static int open_notes(struct bp_error *err)
{
	int fd;

	if (dir_make(NOTES, 0700, err) < 0)
		return -1;
	fd = open(NOTES, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? bp_fail_sys(err, errno, "cannot open '%s'", NOTES) : fd;
}

static int note(const struct bp_adapter *a, bool on, struct bp_error *err)
{
	auto_free char *name = note_of(a);
	auto_close int dir = open_notes(err);

	if (dir < 0)
		return -1;
	return on ? file_replace(dir, name, "", 0, 0600, err) : file_remove(dir, name, err);
}

bool vport_goes(const struct bp_adapter *a)
{
	auto_free char *name = note_of(a), *path = mem_printf(NOTES "/%s", name);

	return a->managed == BP_YES || (a->managed != BP_NO && access(path, F_OK) == 0);
}

/* ---- made, and removed ------------------------------------------------------------------ */

static char *words(const struct bp_adapter *a)
{
	return mem_printf("%s:%s", digits(a->wwpn), digits(a->wwnn));
}

/* Where it was made by: "/.../host5/vport-5:0-0/host6/fc_host/host6" gives "host5".  The
 * caller frees; NULL: it is no virtual one. */
static char *parent_of(unsigned host)
{
	auto_free char *path = mem_printf(FC_HOSTS "/host%u", host), *real = realpath(path, NULL);
	char *vport = real ? strstr(real, "/vport-") : NULL, *name;

	if (!vport)
		return NULL;
	*vport = '\0';
	name = strrchr(real, '/');
	return name ? mem_dup(name + 1) : NULL;
}

/* One that is there already: is it what the definition says? */
static int check_there(const struct bp_adapter *a, unsigned host, struct bp_error *err)
{
	auto_free char *parent = parent_of(host);
	unsigned wanted, its;

	if (!a->parent)
		return 0;
	if (!parent)
		return bp_fail(err, BP_CONFIG, "the wwnn/wwpn for 'host%u' are assigned to an HBA",
			       host);
	if (scsi_host_number(a->parent, &wanted, err) < 0 ||
	    scsi_host_number(parent, &its, err) < 0)
		return -1;
	return wanted == its ? 0 :
	       bp_fail(err, BP_CONFIG, "Parent attribute '%s' does not match parent '%s' "
		       "determined for the 'host%u' wwnn/wwpn lookup", a->parent, parent, host);
}

/* Until it is in the fabric, and its targets are known, there is nothing to scan.  One
 * that gets nowhere is a pool without volumes; a refresh looks again. */
static void wait_online(unsigned host)
{
	auto_free char *name = mem_printf("host%u", host);

	for (int i = 0; i < WAITS; i++) {
		auto_free char *state = fact(name, "port_state");

		if (!state || strcmp(state, "Online") == 0)
			return;
		blocks_pause();
	}
}

static int create(const struct bp_adapter *a, unsigned *ret, struct bp_error *err)
{
	auto_free char *parent = find_parent(a, err), *line = words(a);
	auto_free char *file = parent ? control(parent, "vport_create") : NULL;

	if (!parent)
		return -1;
	if (!file)
		return bp_fail(err, BP_FAILED, "host '%s' cannot have virtual ones: it has no "
			       "'vport_create'", parent);
	if (luns_write(file, line, err) < 0)
		return bp_within(err, "virtual host wwnn='%s' wwpn='%s'", a->wwnn, a->wwpn);
	for (int i = 0; i < WAITS; i++) {
		if (vport_find(a->wwnn, a->wwpn, ret) == 0)
			return 0;
		blocks_pause();
	}
	return bp_fail(err, BP_FAILED, "'%s' was told to make the virtual host wwnn='%s' "
		       "wwpn='%s', and there is none", parent, a->wwnn, a->wwpn);
}

int vport_make(const struct bp_adapter *a, unsigned *ret, struct bp_error *err)
{
	struct bp_error ignored = { 0 };

	if (vport_find(a->wwnn, a->wwpn, ret) == 0)
		return check_there(a, *ret, err) < 0 ? -1 : 1;
	if (note(a, true, err) < 0)
		return -1;
	if (create(a, ret, err) < 0) {
		if (vport_find(a->wwnn, a->wwpn, ret) < 0)
			(void)note(a, false, &ignored);
		return -1;
	}
	wait_online(*ret);
	return 0;
}

int vport_remove(const struct bp_adapter *a, struct bp_error *err)
{
	auto_free char *parent = NULL, *file = NULL, *line = words(a);
	unsigned host;

	if (vport_find(a->wwnn, a->wwpn, &host) < 0)
		return note(a, false, err);
	parent = parent_of(host);
	file = parent ? control(parent, "vport_delete") : NULL;
	if (!file)	/* a real one: that it shall go with the pool can only be an error */
		return bp_fail(err, BP_CONFIG, "the wwnn/wwpn for 'host%u' are assigned to an HBA",
			       host);
	if (luns_write(file, line, err) < 0)
		return bp_within(err, "virtual host wwnn='%s' wwpn='%s'", a->wwnn, a->wwpn);
	return note(a, false, err);
}
