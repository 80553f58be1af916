/* run.h - run another program: with arguments, without a shell. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_BASE_RUN_H
#define BP_BASE_RUN_H

#include "core/base/error.h"

/* Run argv[0] and wait until it has ended.  It is looked for in PATH, then where
 * programs for administrators are; its input is empty, its language is C.  What
 * it printed last, on either output, is part of the error when it fails.
 * BP_UNSUPPORTED: there is no such program. */
int run_program(const char *const argv[], struct bp_error *err);

/* Where that program is; NULL: nowhere.  The caller frees. */
char *program_find(const char *program);

#endif
