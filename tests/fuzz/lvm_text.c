/* lvm_text.c - any bytes as the text of a group on its devices, of which LVM has reported.
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

/* For the caller to give away. */
static char *reported(void)
{
	static char text[64 << 10];
	auto_free char *read = NULL;
	struct bp_error err = { 0 };
	size_t len;

	if (!*text && file_read(AT_FDCWD, "tests/data/lvm/plain.json", sizeof text - 1, &read,
				&len, &err) == 0)
		memcpy(text, read, len);
	return *text ? mem_dup(text) : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	cleanup(vg_done) struct vg vg = { 0 }, again = { 0 };
	auto_free char *text = text_of(data, len), *report = NULL;
	struct bp_error err = { 0 };
	char *before = reported();

	if (!before || vg_read(before, &vg, &err) < 0)
		abort();
	report = plain_report(&vg, text);
	if (report && vg_read(mem_dup(report), &again, &err) < 0)
		abort();
	return 0;
}
