/* json.h - JSON, written as it comes.
 *
 *	struct json j = { stdout };
 *
 *	json_open(&j, NULL, '{');
 *	json_text(&j, "name", "vm.qcow2");
 *	json_number(&j, "capacity", 10737418240);
 *	json_close(&j, '}');
 *
 * Any bytes make valid JSON.  A text that is not UTF-8 has U+FFFD where its bytes
 * make no character, and beside it stands a member whose key has "_base64" at
 * its end and whose value is the exact bytes.
 *
 * QEMU's tools write each value on a line of its own, and all that is not ASCII
 * as \uXXXX; with qemu set, so do we, and a text that is not UTF-8 is only that.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_CLI_JSON_H
#define BP_CLI_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct json {
	FILE *out;
	bool comma;		/* before what comes next */
	bool qemu;		/* as QEMU's tools write it */
	unsigned depth;		/* brackets that are open */
};

/* key is NULL inside an array, and for the outermost value. */
void json_open(struct json *j, const char *key, char bracket);
void json_close(struct json *j, char bracket);
void json_text(struct json *j, const char *key, const char *s);		/* NULL is null */
void json_number(struct json *j, const char *key, uint64_t n);
void json_bool(struct json *j, const char *key, bool b);
void json_null(struct json *j, const char *key);

#endif
