/* empty.c - see empty.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/image/empty.h"

#include <stdlib.h>

#include "core/base/uuid.h"

int image_clear(struct bp_io *io, uint64_t zeros, uint64_t end, struct bp_error *err)
{
	struct bp_error cannot = { 0 };
	uint64_t size;

	if (io_size(io, &size, err) < 0)
		return -1;
	if (io_zero(io, 0, zeros < size ? zeros : size, err) < 0)
		return -1;
	if (size == end || io_resize(io, end, &cannot) == 0)
		return 0;
	if (cannot.code == BP_UNSUPPORTED && size > end)	/* a device keeps its size */
		return 0;
	*err = cannot;
	return -1;
}

int image_numbers(struct bp_io *io, uint64_t at, uint32_t first, uint32_t step, uint64_t n,
		  struct bp_error *err)
{
	unsigned char buf[16 << 10];

	while (n) {
		size_t some = n < sizeof buf / 4 ? (size_t)n : sizeof buf / 4;

		for (size_t i = 0; i < some; i++, first += step)
			put_le32(buf + i * 4, first);
		if (io_write(io, buf, some * 4, at, err) < 0)
			return -1;
		at += some * 4;
		n -= some;
	}
	return 0;
}

void image_uuid(unsigned char ret[16])
{
	char text[UUID_TEXT];
	size_t n = 0;

	uuid_make(text);
	for (const char *p = text; *p; p += 2) {
		char pair[] = { p[0], p[1], 0 };

		p += *p == '-';
		memcpy(pair, p, 2);
		ret[n++] = (unsigned char)strtoul(pair, NULL, 16);
	}
}
