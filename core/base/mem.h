/* mem.h - allocation that does not return NULL.
 *
 * Running out of memory ends the process: every change is committed by one
 * system call, so it is just another point at which we may die.  Sizes that
 * come from outside are bounded before they get here.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_BASE_MEM_H
#define BP_BASE_MEM_H

#include <stddef.h>

void *mem_alloc(size_t size);				/* zeroed */
void *mem_resize(void *p, size_t n, size_t size);	/* n elements; not zeroed */
void *mem_pages(size_t size);				/* of whole pages; not zeroed */
char *mem_dup(const char *s);				/* NULL gives NULL */
char *mem_dup_n(const char *s, size_t len);
char *mem_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Replace a string one owns by a copy of another. */
void mem_set(char **field, const char *s);

/* Append one zeroed element to an array of n and point at it.  The array is
 * grown by doubling, and its capacity is known from n alone. */
void *mem_append(void **array, size_t *n, size_t size);
#define array_add(array, n) \
	((__typeof__(array))mem_append((void **)&(array), &(n), sizeof *(array)))

#define array_size(a) (sizeof(a) / sizeof *(a))

#endif
