/* run.h - run another program: with arguments, without a shell. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_BASE_RUN_H
#define BP_BASE_RUN_H

#include "core/base/error.h"
#include "core/base/text.h"

/* Run argv[0] and wait until it has ended.  It is looked for in PATH, then where
 * programs for administrators are; its input is empty, its language is C.  What
 * it printed last, on either output, is part of the error when it fails.
 * BP_UNSUPPORTED: there is no such program. */
int run_program(const char *const argv[], struct bp_error *err);

/* The same with a variable of its environment, "NAME=VALUE": what nobody shall see who
 * lists processes. */
int run_program_with(const char *const argv[], const char *variable, struct bp_error *err);

/* Where that program is; NULL: nowhere.  The caller frees. */
char *program_find(const char *program);

/* The same for a program whose words matter: what it prints is added to out (more
 * than max bytes are an error), the end of its complaints to said, and how it ended
 * is in *ret_status.  -1: it could not be run, or died.  When the caller is killed it
 * is asked to terminate (SIGTERM), which it may put off until it has done a thing. */
int run_program_text(const char *const argv[], size_t max, struct text *out, struct text *said,
		     int *ret_status, struct bp_error *err);

#endif
