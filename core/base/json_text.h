/* json_text.h - the words of JSON, read one by one where they stand.
 *
 * What a string means is written over the text it is read from, which is never longer, and
 * ends with NUL; what lies behind *at is as it was.  Source: RFC 8259.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_CORE_BASE_JSON_TEXT_H
#define BP_CORE_BASE_JSON_TEXT_H

#include <stdbool.h>

/* The next character that is no blank; it stays. */
char json_peek(char **at);

/* Whether the next is c, which is then read. */
bool json_take(char **at, char c);

/* A string, without its quotes; NULL: there is none, or one that does not end. */
char *json_take_string(char **at);

/* A name and its colon. */
char *json_take_name(char **at);

#endif
