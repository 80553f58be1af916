/* luns_id.c - serials of SCSI devices, out of pages as devices give them, and broken ones. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "backends/luns.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "tests/tap.h"

#define VENDOR	"LIO-ORG "
#define PRODUCT "disk one        "

/* The words of designators as a page; it ends where its memory does. */
struct page {
	unsigned char *bytes;
	size_t len;
};

static struct page page_of(const char *designators, size_t len)
{
	struct page p = { malloc(len + 4), len + 4 };

	memcpy(p.bytes, "\0\203\0", 3);
	p.bytes[3] = (unsigned char)len;
	memcpy(p.bytes + 4, designators, len);
	return p;
}

static void page_done(struct page *p)
{
	free(p->bytes);
}

#define PAGE(s) page_of(s, sizeof s - 1)

static char *id_of(struct page p, int *port)
{
	cleanup(page_done) struct page page = p;

	return luns_id_83(page.bytes, page.len, VENDOR, PRODUCT, port);
}

/* As scsi_id has them, of a target of Linux. */
TEST(the_best_of_several_is_taken)
{
	int port;
	auto_free char *id = id_of(PAGE("\2\1\0\4T10X"
					"\1\3\0\20\x60\1\x40\5\x01\x23\x45\x67\0\0\0\0\0\0\0\1"
					"\1\3\0\10\x50\1\x40\5\0\0\0\1"), &port);

	SAME(id, "36001400501234567" "0000000000000001");
	CHECK(port == -1);
}

TEST(others_where_that_is_all_there_is)
{
	int port;
	auto_free char *eui = id_of(PAGE("\1\2\0\10\1\2\3\4\5\6\7\x08"), &port);
	auto_free char *t10 = id_of(PAGE("\2\1\0\xdLIO-ORG  ab c"), &port);
	auto_free char *own = id_of(PAGE("\2\0\0\x06  s 1 "), &port);

	SAME(eui, "20102030405060708");
	SAME(t10, "1LIO-ORG_ab_c");
	SAME(own, "0LIO-ORG_disk_one_s_1");
}

/* What is the port's, or the target's, is not the disk's. */
TEST(only_what_is_the_disks_own)
{
	int port;
	auto_free char *id = id_of(PAGE("\1\x93\0\10\x50\1\x40\5\0\0\0\2"
					"\1\x15\0\4\0\0\1\2"), &port);

	CHECK(!id);
	CHECK(port == 0x102);
}

TEST(a_serial_number_with_the_names_before_it)
{
	static const unsigned char page[] = "\0\200\0\010 12/ 34\n";
	auto_free char *id = luns_id_80(page, sizeof page - 1, VENDOR, PRODUCT);
	auto_free char *none = luns_id_80(page, 4, VENDOR, PRODUCT);

	SAME(id, "SLIO-ORG_disk_one_12__34");
	CHECK(!none);
}

/* Lengths that lie, at every place they can be cut. */
TEST(what_is_broken_ends_where_it_does)
{
	static const char whole[] = "\2\1\0\4T10X\1\3\0\10\x50\1\x40\5\0\0\0\1\1\3\0\xff\x60";

	for (size_t cut = 0; cut < sizeof whole; cut++) {
		cleanup(page_done) struct page p = page_of(whole, cut);
		auto_free char *id = NULL, *serial = NULL;
		int port;

		p.bytes[3] = 0xff;
		id = luns_id_83(p.bytes, p.len, VENDOR, PRODUCT, &port);
		serial = luns_id_80(p.bytes, p.len, VENDOR, PRODUCT);
		CHECK(!id || strcmp(id, "1T10X") == 0 || strcmp(id, "35001400500000001") == 0);
		CHECK(cut < 20 || strcmp(id, "35001400500000001") == 0);
	}
}
