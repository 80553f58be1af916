/* banned.h - functions that must not be used; the compiler includes this first. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_BASE_BANNED_H
#define BP_BASE_BANNED_H

/* The headers that declare them come first, so that only uses are poisoned. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#pragma GCC poison strcpy strcat sprintf vsprintf strtok atoi atol atoll gets system tmpnam mktemp

#endif
