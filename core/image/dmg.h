/* dmg.h - private: disk images of macOS (UDIF).  All numbers are big-endian. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_IMAGE_DMG_H
#define BP_IMAGE_DMG_H

#include "core/image/formats.h"

enum {
	DMG_TRAILER	= 512,
	DMG_DATA_AT	= 24,		/* in it: where the data begins that chunks are in, */
	DMG_RESOURCE_AT = 40,		/* and offset and length of the tables of chunks as a */
	DMG_PLIST_AT	= 216,		/* resource fork of old, or as an XML text */
};

/* Zeros, if the file is too short to have one. */
int dmg_trailer_read(const struct bp_image_head *head, unsigned char buf[DMG_TRAILER],
		     struct bp_error *err);
int dmg_capacity(const struct bp_image_head *head, uint64_t *ret, struct bp_error *err);

/* dmg_guest.c: the slot. */
int dmg_open(struct bp_io *io, struct bp_guest **ret, struct bp_error *err);

#endif
