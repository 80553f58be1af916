/* image_options.h - "-o cluster_size=4k,compat=0.10": what may be asked of a new image.
 *
 * An option is a row, which says for what formats it is there.  Values are kept
 * as they are told of again: sizes in bytes, switches as on or off.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_IMAGE_OPTIONS_H
#define BP_IMAGE_OPTIONS_H

#include "core/image/image.h"

#define IMAGE_OPTIONS_MAX 40

struct image_options {
	const struct bp_image_format *format;
	char *values[IMAGE_OPTIONS_MAX];	/* of each row; NULL: not said */
};

/* The errors are QEMU's. */
int image_options_set(struct image_options *o, const char *name, const char *value,
		      struct bp_error *err);
int image_options_parse(struct image_options *o, const char *text, struct bp_error *err);

/* Is there such an option, for this format? */
bool image_options_has(const struct image_options *o, const char *name);

/* NULL: not said, and nothing is usual. */
const char *image_options_get(const struct image_options *o, const char *name);

/* The same, as far as it was said. */
const char *image_options_said(const struct image_options *o, const char *name);

/* It is on; it was said, and is off. */
bool image_options_on(const struct image_options *o, const char *name);
bool image_options_off(const struct image_options *o, const char *name);

/* One that was said and is not among these names, which end with NULL; or NULL. */
const char *image_options_other(const struct image_options *o, const char *const *names);

/* "fmt=raw size=512": what is said, and what is usual. */
char *image_options_text(const struct image_options *o);

/* A line for each that there is.  The caller frees. */
char *image_options_help(const struct bp_image_format *format);

/* "Amend options for 'qcow2':" and those of these names. */
char *image_options_list(const struct bp_image_format *format, const char *heading,
			 const char *const *names);

/* What was asked for, as a format takes it.  Borrows from o. */
int image_options_spec(const struct image_options *o, struct bp_image_spec *ret,
		       struct bp_error *err);

void image_options_done(struct image_options *o);

#endif
