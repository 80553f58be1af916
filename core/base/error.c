/* error.c - the table of codes, and the four ways to fail. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/base/error.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
	int number;
	const char *prefix, *word;
} codes[BP_CODES] = {
	[BP_OK]		     = {  0, "", "ok" },
	[BP_INTERNAL]	     = {  1, "internal error: ", "internal" },
	[BP_UNSUPPORTED]     = {  3, "this function is not supported by the connection driver: ",
				  "unsupported" },
	[BP_INVALID]	     = {  8, "invalid argument: ", "invalid" },
	[BP_BAD_FLAGS]	     = {  8, "", "bad-flags" },
	[BP_FAILED]	     = {  9, "operation failed: ", "failed" },
	[BP_XML]	     = { 27, "XML error: ", "xml" },
	[BP_DENIED]	     = { 29, "operation forbidden: ", "denied" },
	[BP_XML_SYNTAX]	     = { 35, "", "xml-syntax" },
	[BP_SYSTEM]	     = { 38, "", "system" },
	[BP_NO_POOL]	     = { 49, "Storage pool not found: ", "no-pool" },
	[BP_NO_VOL]	     = { 50, "Storage volume not found: ", "no-volume" },
	[BP_WRONG_POOL]	     = { 50, "", "wrong-pool" },
	[BP_WRONG_STATE]     = { 55, "Requested operation is not valid: ", "wrong-state" },
	[BP_NO_SECRET]	     = { 66, "Secret not found: ", "no-secret" },
	[BP_CONFIG]	     = { 67, "unsupported configuration: ", "config" },
	[BP_ARG_UNSUPPORTED] = { 74, "argument unsupported: ", "argument-unsupported" },
	[BP_CANCELLED]	     = { 78, "operation aborted: ", "cancelled" },
	[BP_PROBE_FAILED]    = { 75, "Storage pool probe failed: ", "probe-failed" },
	[BP_BUILT]	     = { 76, "Storage pool already built: ", "built" },
	[BP_OVERFLOW]	     = { 82, "numerical overflow: ", "overflow" },
	[BP_OP_UNSUPPORTED]  = { 84, "Operation not supported: ", "operation-unsupported" },
	[BP_ACCESS]	     = { 88, "access denied: ", "access" },
	[BP_VOL_EXISTS]	     = { 90, "", "volume-exists" },
	[BP_SCHEMA]	     = { 92, "XML document failed to validate against schema: ", "schema" },
	[BP_POOL_EXISTS]     = {  9, "operation failed: ", "pool-exists" },
	[BP_BUSY]	     = { 55, "Requested operation is not valid: ", "busy" },
	[BP_CORRUPT]	     = {  1, "internal error: ", "corrupt" },
	[BP_MAY_NOT_LAST]    = { 38, "", "may-not-last" },
};

int bp_error_number(enum bp_code code)
{
	return codes[code].number;
}

const char *bp_error_prefix(enum bp_code code)
{
	return codes[code].prefix;
}

const char *bp_error_word(enum bp_code code)
{
	return codes[code].word;
}

static void fill(struct bp_error *err, enum bp_code code, const char *fmt, va_list ap)
{
	assert(err->code == BP_OK);	/* the first failure is the one that counts */
	err->code = code;
	vsnprintf(err->text, sizeof err->text, fmt, ap);
}

static void append(struct bp_error *err, const char *more)
{
	size_t n = strlen(err->text);

	snprintf(err->text + n, sizeof err->text - n, ": %s", more);
}

int bp_fail(struct bp_error *err, enum bp_code code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fill(err, code, fmt, ap);
	va_end(ap);
	return -1;
}

int bp_fail_sys(struct bp_error *err, int sys, const char *fmt, ...)
{
	char buf[128];
	va_list ap;

	va_start(ap, fmt);
	fill(err, BP_SYSTEM, fmt, ap);
	va_end(ap);
	err->sys = sys;
#ifdef __GLIBC__
	append(err, strerror_r(sys, buf, sizeof buf));
#else
	strerror_r(sys, buf, sizeof buf);
	append(err, buf);
#endif
	return -1;
}

int bp_fail_part(struct bp_error *err, enum bp_code code, const char *part, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fill(err, code, fmt, ap);
	va_end(ap);
	snprintf(err->part, sizeof err->part, "%s", part);
	return -1;
}

int bp_within(struct bp_error *err, const char *fmt, ...)
{
	char inner[sizeof err->text];
	va_list ap;

	memcpy(inner, err->text, sizeof inner);
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof err->text, fmt, ap);
	va_end(ap);
	append(err, inner);
	return -1;
}
