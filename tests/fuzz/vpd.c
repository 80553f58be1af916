/* vpd.c - any bytes as what a SCSI device says of itself.
 *
 * To replay files, it is a plain program: vpd FILE...
 * To hunt, with clang: -fsanitize=fuzzer,address,undefined -DHUNT
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "backends/luns.h"
#include "core/base/cleanup.h"
#include "core/base/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	int port;
	auto_free char *id = luns_id_83(data, len, "VENDOR  ", "PRODUCT         ", &port);
	auto_free char *serial = luns_id_80(data, len, "VENDOR  ", "PRODUCT         ");

	return 0;
}

#ifndef HUNT
int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		struct bp_error err = { 0 };
		auto_free char *text = NULL;
		size_t len;

		if (file_read(AT_FDCWD, argv[i], 1 << 20, &text, &len, &err) < 0) {
			fprintf(stderr, "%s\n", err.text);
			return 1;
		}
		(void)LLVMFuzzerTestOneInput((const uint8_t *)text, len);
	}
	printf("replayed %d files\n", argc - 1);
	return 0;
}
#endif
