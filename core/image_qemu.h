/* image_qemu.h - private: what QEMU's own program writes into files that others make. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_IMAGE_QEMU_H
#define BP_IMAGE_QEMU_H

#include "core/base/io.h"
#include "core/base/text.h"
#include "core/images.h"

/* Fill io, an empty file that nobody sees yet, and look at what came out.  The wish's format is
 * one that bp_image_qemu_writes(), and its backing file was looked at.  out: what the program
 * says is added; or NULL. */
int image_qemu_make_into(const struct bp_image_wish *w, struct bp_io *io, struct text *out,
			 struct bp_error *err);

/* The same with what the source's guest sees, of which all that it leads to is looked at. */
int image_qemu_convert_into(const struct bp_image_conversion *c, struct bp_io *io,
			    struct bp_error *err);

#endif
