/* logical_exec.c - LVM's commands through its program, lvm. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backends/logical_lvm.h"
#include "core/base/mem.h"
#include "core/base/run.h"

#define REPORT_MAX (64u << 20)

bool lvm_do(const char *const argv[], struct text *out, struct text *said, struct bp_error *err)
{
	const char *full[LVM_ARGS + 8] = { "lvm" };
	int status = -1;

	for (size_t i = 0; argv[i]; i++)
		full[i + 1] = argv[i];
	if (run_program_text(full, REPORT_MAX, out, said, &status, err) < 0)
		return false;
	return status == 0;
}
