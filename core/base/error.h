/* error.h - how a failure travels from the system call to the user.
 *
 * The caller owns the struct, normally on its stack, zeroed.  Nothing is
 * allocated, so nothing has to be freed and reporting cannot itself fail.
 * The first failure is the one that counts: whoever cleans up after it uses a
 * second struct and throws that away.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_BASE_ERROR_H
#define BP_BASE_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

/* What went wrong, one value for each kind of error libvirt's storage driver
 * knows.  bp_error_number() and bp_error_prefix() translate. */
enum bp_code {
	BP_OK = 0,
	BP_INTERNAL,		/* something that should not happen, or a helper program failed */
	BP_UNSUPPORTED,		/* this pool type, or this build, cannot */
	BP_INVALID,		/* the request itself is wrong */
	BP_BAD_FLAGS,		/* flags nobody knows, or that exclude each other */
	BP_FAILED,		/* the request is right, the rest of the host is in its way */
	BP_XML,			/* a definition that breaks a rule */
	BP_DENIED,		/* the store was opened for reading only */
	BP_XML_SYNTAX,		/* not XML at all */
	BP_SYSTEM,		/* the kernel or a library said no */
	BP_NO_POOL,
	BP_NO_VOL,
	BP_WRONG_POOL,		/* there is such a volume, elsewhere */
	BP_WRONG_STATE,		/* right request, wrong moment */
	BP_NO_SECRET,
	BP_CONFIG,		/* a definition asks for what does not exist */
	BP_ARG_UNSUPPORTED,
	BP_CANCELLED,
	BP_PROBE_FAILED,
	BP_BUILT,		/* building would destroy what is there */
	BP_OVERFLOW,
	BP_OP_UNSUPPORTED,
	BP_ACCESS,
	BP_VOL_EXISTS,
	BP_SCHEMA,		/* a definition that --validate refuses */
	BP_POOL_EXISTS,
	BP_BUSY,
	BP_CORRUPT,		/* what we read makes no sense */
	BP_MAY_NOT_LAST,	/* it is done, and could not be brought to the disk */
	BP_CODES
};

struct bp_error {
	enum bp_code code;
	int sys;		/* errno behind BP_SYSTEM, or if the kernel said so; else 0 */
	char part[64];		/* of a definition: the element at fault, as "target/path" */
	char text[1000];
};

/* These return -1, so that they can end a function:
 *	return bp_fail(err, BP_NO_POOL, "no pool named '%s'", name);
 *
 * bp_fail_sys() appends ": " and the words for the errno value given.
 * bp_fail_part() notes which element of a definition is at fault, so that
 * whoever has the document can add its line.
 * bp_within() puts context before a failure that is already there. */
int bp_fail(struct bp_error *err, enum bp_code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4), cold));
int bp_fail_sys(struct bp_error *err, int sys, const char *fmt, ...)
	__attribute__((format(printf, 3, 4), cold));
int bp_fail_part(struct bp_error *err, enum bp_code code, const char *part, const char *fmt, ...)
	__attribute__((format(printf, 4, 5), cold));
int bp_within(struct bp_error *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3), cold));

/* libvirt's number for a code (virErrorNumber). */
int bp_error_number(enum bp_code code);

/* The words libvirt puts before the text, with the colon and the space, or "". */
const char *bp_error_prefix(enum bp_code code);

/* One lower-case word, for machines: "no-pool". */
const char *bp_error_word(enum bp_code code);

#ifdef __cplusplus
}
#endif

#endif
