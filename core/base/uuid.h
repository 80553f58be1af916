/* uuid.h - parse, print, make. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_BASE_UUID_H
#define BP_BASE_UUID_H

#include <stdbool.h>

#define UUID_TEXT 37		/* 36 characters and the NUL */

/* Hex digits with dashes anywhere between pairs, spaces before and after, in
 * any case; what comes out is lower case with dashes in the usual places. */
bool uuid_normalize(const char *text, char ret[UUID_TEXT]);

/* A random one (version 4). */
void uuid_make(char ret[UUID_TEXT]);

#endif
