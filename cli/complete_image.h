/* complete_image.h - what may stand where somebody types words of "barepool image". */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_CLI_COMPLETE_IMAGE_H
#define BP_CLI_COMPLETE_IMAGE_H

#include <stdbool.h>
#include <stddef.h>

/* The words behind "image"; the last is begun.  offer() takes each candidate for all of
 * that word, whether or not it begins so.  False: it may be a file. */
bool complete_image(char *const *words, size_t n,
		    void (*offer)(void *arg, const char *candidate), void *arg);

#endif
