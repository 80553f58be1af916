/* formats.h - private: the formats of image.c's list, and what they share. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_IMAGE_FORMATS_H
#define BP_IMAGE_FORMATS_H

#include "core/image/image.h"

#define IMAGE_NAME_MAX 1023	/* bytes in the name of a backing file */

extern const struct bp_image_format image_vpc, image_vdi, image_ploop, image_cow, image_qcow,
	image_qcow2, image_qed, image_vmdk, image_iso, image_raw;

/* Of images that are in no pool. */
extern const struct bp_image_format image_vhdx, image_luks, image_parallels, image_bochs,
	image_cloop, image_dmg, image_disk;
#define IMAGE_SECTOR 512u

/* Words for formats that are never recognised, in the order of the list. */
extern const struct bp_image_format image_words[];
extern const size_t image_n_words;

/* Small enough to be cheap for each of many thousand raw files, large enough
 * to hold the header, the extensions and the longest backing name of what
 * other tools write. */
#define IMAGE_HEAD 2048
int image_head_read(struct bp_io *io, unsigned char buf[IMAGE_HEAD], struct bp_image_head *ret,
		    struct bp_error *err);

/* The magic and the version are there: 1 yes, 0 no, -1 could not be read. */
int image_shows(const struct bp_image_head *head, const struct bp_image_sign *sign,
		struct bp_error *err);

/* Bytes of the image: out of head->first if they are there, else read.  Those
 * that lie past the end make the image broken; what names them for that. */
int image_bytes(const struct bp_image_head *head, const char *what, void *buf, size_t len,
		uint64_t at, struct bp_error *err);

/* A name of len bytes, as it is written.  Empty, longer than max or with a NUL
 * inside: broken. */
int image_name(const struct bp_image_head *head, const char *what, uint64_t at, uint64_t len,
	       uint64_t max, char **ret, struct bp_error *err);

#endif
