/* content.h - all that is written on a block device (libblkid), for types that find sources. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_BACKENDS_CONTENT_H
#define BP_BACKENDS_CONTENT_H

#include "core/backend.h"

/* The slot device_content. */
int content_read(int fd, const char *path, struct bp_content *ret, struct bp_error *err);

#endif
