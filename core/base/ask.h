/* ask.h - what may never come back is asked by a child, which can be given up.
 *
 *	if (ask_child(look_up, &host, until, &answer) < 0)
 *		... nobody has answered until then
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_BASE_ASK_H
#define BP_BASE_ASK_H

#include <stdint.h>

#include "core/base/text.h"

/* Milliseconds of a clock that nobody sets. */
int64_t clock_ms(void);

/* What ask() adds in a child comes to be in ret.  -1 and errno: there is no child, or it has
 * not ended until then (ETIMEDOUT) and has been killed.  A child that died has said nothing,
 * or not all. */
int ask_child(void (*ask)(const void *arg, struct text *answer), const void *arg, int64_t until,
	      struct text *ret);

#endif
