/* scan.h - what is done to a document before libxml2 sees it.
 *
 * It becomes UTF-8, and it is bounded: libxml2 takes time that grows with the
 * square of the attributes of an element, and memory of many times the size of
 * a document made of small nodes.  Counting both needs no more than to know
 * where tags begin and end.  Where the text is no XML the scan stops and leaves
 * the complaint to libxml2, which stops at the same place.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_XML_SCAN_H
#define BP_XML_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/error.h"

#define SCAN_DEPTH	257	/* elements within elements, as many as libvirt takes */
#define SCAN_ATTRIBUTES	100	/* in one element */
#define SCAN_NAMESPACES	100	/* declared in the document */
#define SCAN_NODES	100000	/* elements and attributes */

/* A place in the text, and what is wrong there. */
struct fault {
	size_t at;
	char words[80];
};

/* The text as UTF-8 without a byte order mark: *ret_copy is NULL where nothing
 * had to be changed, otherwise the caller's to free; *ret_text and *ret_len
 * tell what to read either way.  UTF-8, ASCII, ISO-8859-1, and UTF-16 with a
 * byte order mark are known. */
bool to_utf8(const char *text, size_t len, char **ret_copy, const char **ret_text,
	     size_t *ret_len, struct fault *ret_fault);

/* Is it within the bounds, and free of entity and other declarations? */
bool scan_document(const char *text, size_t len, struct fault *ret_fault);

/* Fail with NAME:LINE: WORDS, the line and a caret below the place, as virsh
 * shows it.  What would upset a terminal is shown as \xNN. */
int fail_syntax(struct bp_error *err, const char *name, const char *text, size_t len,
		size_t at, const char *words);

void xml_unused(void) __attribute__((noreturn));
double xml_floor(double x);
double xml_log10(double x);
double xml_fmod(double x, double y);
double xml_pow(double x, double y);

#endif
