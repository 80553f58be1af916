/* vpd.c - any bytes as what a SCSI device says of itself.
 *
 * How it hunts and replays: replay.h.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "backends/luns.h"
#include "core/base/cleanup.h"
#include "tests/fuzz/replay.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	int port;
	auto_free char *id = luns_id_83(data, len, "VENDOR  ", "PRODUCT         ", &port);
	auto_free char *serial = luns_id_80(data, len, "VENDOR  ", "PRODUCT         ");

	return 0;
}
