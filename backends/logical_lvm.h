/* logical_lvm.h - LVM's commands: through its library, or its program.
 *
 * logical_lib.c and logical_exec.c are two ways of doing one thing; the Makefile
 * takes one of them (LVM=lib|exec).
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_BACKENDS_LOGICAL_LVM_H
#define BP_BACKENDS_LOGICAL_LVM_H

#include <stdbool.h>

#include "core/base/error.h"
#include "core/base/text.h"

#define LVM_LOCKS "/run/lock/lvm"	/* where its locks are, if it is not told otherwise */

#define LVM_ARGS 56		/* words of a command: the library reads 64 */

/* For "--config": devices that are not in the devices file, too.  LVM's own option
 * would hold for all commands of this process that come after it. */
#define LVM_ALL_DEVICES "devices{use_devicesfile=0}"

/* Run a command: its name and its arguments, ended with NULL.  What it reports
 * is added to ret_out, which may be NULL.  What it says when it fails becomes the
 * error.  It waits for other LVM commands, for a minute, as those wait for it. */
int lvm_run(const char *const argv[], struct text *ret_out, struct bp_error *err);

/* The same, and what it says is in ret_said, warnings too, whether it fails or not. */
int lvm_run_heard(const char *const argv[], struct text *ret_out, struct text *ret_said,
		  struct bp_error *err);

/* A name LVM takes, which is no option, tag or path either. */
bool lvm_is_name(const char *s);

/* ---- LVM's settings (logical_settings.c), as far as its files are plain --------------- */

const char *lvm_settings_dir(void);

/* Does a line that counts have this word? */
bool lvm_mentions(const char *word);

/* Does each line with one of these keys set it to its value; and has each a line, or is that
 * the default?  NULL: there shall be no line with that key. */
struct lvm_setting {
	const char *key, *value;
	bool is_default;
};
bool lvm_is_told(const struct lvm_setting *all, size_t n);

/* ---- between lvm_run() and the two ways ----------------------------------------- */

/* Adds what the command reports, and what it has to say besides; see lvm_is_remark(). */
bool lvm_do(const char *const argv[], struct text *out, struct text *said, struct bp_error *err);

/* Is this line a part of a report?  Or one that tells more than that all is well? */
bool lvm_is_report(const char *line);
bool lvm_is_remark(const char *line);

#endif
