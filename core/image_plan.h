/* image_plan.h - a new image: what was asked for, seen through. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_IMAGE_PLAN_H
#define BP_IMAGE_PLAN_H

#include "core/image_options.h"
#include "core/images.h"

struct bp_image_plan {
	char *path, *text;
	struct image_options options;
};

/* A format that can be made, by QEMU's name for it. */
int image_format_to_make(const char *name, const struct bp_image_format **ret,
			 struct bp_error *err);

/* As its format takes it.  Borrows from the plan. */
int image_plan_spec(const struct bp_image_plan *p, struct bp_image_spec *ret,
		    struct bp_error *err);

/* The file that its guest's bytes go into, as a path, if it has one (else NULL).  It is none
 * that its backing files need.  The caller frees. */
int image_plan_data(const struct bp_image_plan *p, char **ret, struct bp_error *err);

/* Begin what was planned: the image, and the file with its data. */
struct image_new;
int image_plan_begin(const struct bp_image_plan *p, struct image_new *ret, struct bp_error *err);

/* Btrfs is not to copy it when it changes; others do not, and are not asked. */
void image_set_attributes(const struct image_options *o, int fd);

#endif
