/* mpath.h - between the files of the pool type mpath: the paths of one device. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_BACKENDS_MPATH_H
#define BP_BACKENDS_MPATH_H

#include "core/base/text.h"

struct mpath_paths {
	unsigned n, failed;
	struct text lost;	/* those that failed: "8:16 8:32" */
};

/* The status of a target "multipath", as the kernel words it.  false: it makes no sense. */
bool mpath_status(const char *words, struct mpath_paths *ret);

#endif
