/* lvm_report.c - any bytes as a report of LVM.
 *
 * How it hunts and replays: replay.h.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/logical.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "tests/fuzz/replay.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	cleanup(vg_done) struct vg vg = { 0 };
	struct bp_error err = { 0 };

	if (vg_read(text_of(data, len), &vg, &err) < 0)
		return 0;
	for (size_t i = 0; i < vg.n_lvs; i++) {
		struct bp_vol_extent *extents;
		size_t n;

		(void)lv_capacity(&vg, &vg.lvs[i]);
		(void)lv_allocation(&vg.lvs[i]);
		(void)lv_kind(&vg, &vg.lvs[i]);
		lv_extents(&vg, &vg.lvs[i], &extents, &n);
		lv_extents_free(extents, n);
	}
	return 0;
}
