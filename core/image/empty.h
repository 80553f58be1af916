/* empty.h - private: what the writers of new images share. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_IMAGE_EMPTY_H
#define BP_IMAGE_EMPTY_H

#include "core/image/formats.h"

/* Make [0, zeros) read as zeros, and the whole end bytes long; a device keeps its size. */
int image_clear(struct bp_io *io, uint64_t zeros, uint64_t end, struct bp_error *err);

/* n numbers of 4 bytes at at: first, first + step, first + 2 * step ... */
int image_numbers(struct bp_io *io, uint64_t at, uint32_t first, uint32_t step, uint64_t n,
		  struct bp_error *err);	/* little-endian */

/* 16 bytes of a new UUID. */
void image_uuid(unsigned char ret[16]);

#endif
