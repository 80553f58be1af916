/* seal_image.h - the checksums that a VHD or VHDX wants made right, or nothing behind them would
 * be looked at. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_TESTS_SEAL_IMAGE_H
#define BP_TESTS_SEAL_IMAGE_H

#include <string.h>

#include "core/base/mem.h"
#include "core/image/vhdx.h"
#include "core/image/vpc.h"

static void seal_vhdx(unsigned char *file, size_t len)
{
	static const struct {
		size_t at, len;
	} places[] = { { 64 << 10, 4096 }, { 128 << 10, 4096 }, { 192 << 10, 64 << 10 } };

	for (size_t i = 0; i < array_size(places); i++)
		if (places[i].at + places[i].len <= len)
			put_le32(file + places[i].at + 4,
				 vhdx_checksum(file + places[i].at, places[i].len, 4));
	for (size_t at = 1 << 20; at + 4096 <= len && at < 2 << 20; at += 4096) {
		size_t n = le32_at((struct bytes){ file + at, 4096 }, 8);

		if (memcmp(file + at, "loge", 4) == 0 && n <= 1 << 20 && n <= len - at)
			put_le32(file + at + 4, vhdx_checksum(file + at, n, 4));
	}
}

static void seal_vpc(unsigned char *file, size_t len)
{
	for (size_t i = 0; i < 2 && len >= VPC_FOOTER; i++) {
		unsigned char *p = i ? file + len - VPC_FOOTER : file;

		put_be32(p + VPC_SUM_AT, vpc_checksum((struct bytes){ p, VPC_FOOTER }, VPC_SUM_AT));
	}
}

static inline void seal_image(const char *format, unsigned char *file, size_t len)
{
	if (strcmp(format, "vhdx") == 0)
		seal_vhdx(file, len);
	if (strcmp(format, "vpc") == 0)
		seal_vpc(file, len);
}

#endif
