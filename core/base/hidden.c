/* hidden.c - see hidden.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/base/hidden.h"

#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

struct hidden hidden_make(size_t len)
{
	size_t page = page_size();
	struct hidden h = { .len = len, .mapped = (len / page + 1) * page };

	h.text = mmap(NULL, h.mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (h.text == MAP_FAILED) {
		fputs("barepool: out of memory\n", stderr);
		abort();
	}
	(void)madvise(h.text, h.mapped, MADV_DONTDUMP);
	(void)mlock(h.text, h.mapped);		/* a user may lock a little */
	return h;
}

void hidden_done(struct hidden *h)
{
	if (h->text) {
		explicit_bzero(h->text, h->mapped);
		(void)munmap(h->text, h->mapped);
	}
	*h = (struct hidden){ 0 };
}

static void advise(void *memory, int advice)
{
	uintptr_t page = page_size(), at = (uintptr_t)memory;
	uintptr_t start = at & ~(page - 1);
	uintptr_t end = (at + malloc_usable_size(memory) + page - 1) & ~(page - 1);

	(void)madvise((char *)memory - (at - start), end - start, advice);
}

void hidden_hide(void *memory)
{
	advise(memory, MADV_DONTDUMP);
}

void hidden_show(void *memory)
{
	advise(memory, MADV_DODUMP);
}

static int value_of(char c)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *p = c ? strchr(digits, c) : NULL;

	return p ? (int)(p - digits) : -1;
}

int base64_decode(char *text, size_t *len)
{
	size_t n = 0, digits = 0, fill = 0;
	uint32_t bits = 0;

	for (size_t i = 0; i < *len; i++) {
		int v = value_of(text[i]);

		if (strchr(" \t\r\n", text[i]) && text[i])
			continue;
		if (text[i] == '=' && digits % 4 >= 2 && fill < 2) {
			fill++;
			continue;
		}
		if (v < 0 || fill)
			return -1;
		bits = bits << 6 | (uint32_t)v;
		if (++digits % 4 != 1)
			text[n++] = (char)(bits >> (6 - 2 * ((digits - 1) % 4)));
	}
	explicit_bzero(&bits, sizeof bits);
	if (digits % 4 == 1 || (digits + fill) % 4)
		return -1;
	memset(text + n, 0, *len - n);
	*len = n;
	return 0;
}

int hidden_decode(struct hidden *h)
{
	return base64_decode(h->text, &h->len);
}
