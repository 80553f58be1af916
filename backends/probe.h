/* probe.h - what a block device holds: libblkid, for types that own one. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_BACKENDS_PROBE_H
#define BP_BACKENDS_PROBE_H

#include "core/base/error.h"

/* The kind of file system, of partition table, or of a part of something larger,
 * in libblkid's words ("ext4", "gpt", "LVM2_member"); NULL: nothing known.  The
 * caller frees.  Two that contradict each other are an error. */
int probe_device(int fd, const char *path, char **ret, struct bp_error *err);

/* "UUID=...", "LABEL=..." and the like become the path of a device; a path is
 * itself.  The caller frees. */
int probe_resolve(const char *source, char **ret, struct bp_error *err);

/* Take away the marks by which probe_device() knows what is on a device, so that
 * nothing of the past is found beside what comes.  fd: open for writing. */
int probe_forget(int fd, const char *path, struct bp_error *err);

/* May something be built that has this format?  Only on what holds nothing.  And
 * may it be used as this?  Only if it is this (inventory, section 14.2). */
int probe_for_build(const char *path, const char *found, const char *format, struct bp_error *err);
int probe_for_use(const char *path, const char *found, const char *format, struct bp_error *err);

#endif
