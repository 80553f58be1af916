/* images.h - disk images in files and on devices that need not be in a pool.
 *
 * The same conventions as barepool.h.  No store is needed.  A name of a backing
 * or data file is text, unless a function is about chains; then only regular
 * files and block devices are opened, by their plain names, for reading.
 *
 * Where the rules come from: "engine" is the description of image formats and of
 * QEMU's behaviour that the project follows, by section.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_IMAGES_H
#define BP_IMAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"
#include "core/base/progress.h"
#include "core/model/snapshot.h"
#include "core/model/volume.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
	BP_IMAGE_SHARED	    = 1 << 0,	/* read it though somebody writes to it meanwhile */
	BP_IMAGE_NO_BACKING = 1 << 1,	/* as if it named no backing file */
};

/* An image somebody names. */
struct bp_image_ref {
	const char *path;
	const char *format;		/* NULL: what its bytes look like; a guest that writes to a
					 * raw disk may let them look like anything */
	unsigned flags;			/* BP_IMAGE_* */
};

#ifdef __cplusplus
}
#endif

#endif
