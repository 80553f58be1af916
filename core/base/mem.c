/* mem.c - see mem.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *must(void *p)
{
	if (p)
		return p;
	fputs("barepool: out of memory\n", stderr);
	abort();
}

void *mem_alloc(size_t size)
{
	return must(calloc(1, size ? size : 1));
}

void *mem_resize(void *p, size_t n, size_t size)
{
	return must(reallocarray(p, n ? n : 1, size));
}

void *mem_pages(size_t size)
{
	void *p;

	return must(posix_memalign(&p, 4096, size) == 0 ? p : NULL);
}

char *mem_dup(const char *s)
{
	return s ? must(strdup(s)) : NULL;
}

char *mem_dup_n(const char *s, size_t len)
{
	return must(strndup(s, len));
}

char *mem_printf(const char *fmt, ...)
{
	va_list ap;
	char *s;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	return must(n < 0 ? NULL : s);
}

void mem_set(char **field, const char *s)
{
	char *copy = mem_dup(s);

	free(*field);
	*field = copy;
}

void *mem_append(void **array, size_t *n, size_t size)
{
	char *slot;

	if ((*n & (*n - 1)) == 0)	/* full: capacities are powers of two */
		*array = mem_resize(*array, *n ? *n * 2 : 1, size);
	slot = (char *)*array + (*n)++ * size;
	return memset(slot, 0, size);
}
