/* replay.h - the same target for a hunt and, without HUNT, as a program that replays files.
 *
 * A target says before, in REPLAY_MOST, how large a file may be, where 1 MiB is not it.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_TESTS_FUZZ_REPLAY_H
#define BP_TESTS_FUZZ_REPLAY_H

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>

#include "core/base/cleanup.h"
#include "core/base/file.h"

#ifndef REPLAY_MOST
#define REPLAY_MOST (1u << 20)
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#ifndef HUNT
int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		struct bp_error err = { 0 };
		auto_free char *data = NULL;
		size_t len;

		if (file_read(AT_FDCWD, argv[i], REPLAY_MOST, &data, &len, &err) < 0) {
			fprintf(stderr, "%s\n", err.text);
			return 1;
		}
		(void)LLVMFuzzerTestOneInput((const uint8_t *)data, len);
	}
	printf("replayed %d files\n", argc - 1);
	return 0;
}
#endif

#endif
