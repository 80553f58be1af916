/* iscsi_users.c - programs that have a session's disks open, and would lose them. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>

#include "backends/iscsi.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/base/process.h"

#define TRIES 10	/* of 100 ms: what rules of udev start looks at a disk and ends */

/* They only watch disks, and let go of those that go. */
static const char *const watchers[] = { "multipathd", "systemd-udevd", "(udev-worker)", NULL };

/* They and their partitions. */
static struct device_parts devices_of(const struct found_device *all, size_t n)
{
	struct device_parts devices = { 0 };

	for (size_t i = 0; i < n; i++) {
		cleanup(device_parts_done) struct device_parts d = device_parts(all[i].dev);

		for (size_t j = 0; j < d.n; j++)
			*array_add(devices.devs, devices.n) = d.devs[j];
	}
	return devices;
}

static char *who_has(const struct found_device *all, size_t n)
{
	cleanup(device_parts_done) struct device_parts devices = devices_of(all, n);

	return processes_with_any(&devices, watchers);
}

static char *who_stays(const struct found *f)
{
	char *who = who_has(f->all, f->n);

	for (int i = 0; who && blocks_have_udev() && i < TRIES; i++) {
		for (int j = 0; j < 10; j++)
			blocks_pause();
		free(who);
		who = who_has(f->all, f->n);
	}
	return who;
}

int iscsi_check_open(const struct found *f, struct bp_error *err)
{
	auto_free char *who = f->n ? who_stays(f) : NULL;

	for (size_t i = 0; who && i < f->n; i++) {
		auto_free char *its = who_has(&f->all[i], 1);

		if (its)
			return bp_fail(err, BP_BUSY, "volume '%s': device '%s' is open in %s",
				       f->all[i].name, f->all[i].node, its);
	}
	return 0;	/* or it has ended just now */
}
