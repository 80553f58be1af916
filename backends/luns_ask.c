/* luns_ask.c - what a disk says of itself, asked by SG_IO. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <scsi/sg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "backends/luns.h"
#include "core/base/cleanup.h"
#include "core/base/device.h"
#include "core/base/file.h"
#include "core/base/mem.h"

#define LIMIT	    5000	/* ms for an answer */
#define STANDARD    96		/* bytes of the standard answer */
#define PAGE_MAX    4096	/* of others; more is not looked at */

enum { INQUIRY = 0x12, ILLEGAL_REQUEST = 5, NO_SUCH_UNIT = 0x25, CHECK_CONDITION = 2 };

struct answer {
	unsigned char data[PAGE_MAX], sense[64];
	size_t len;
	bool heard, refused;		/* refused: it did hear, and sense says why not */
};

/* page < 0: the standard answer. */
static void inquire(int fd, int page, struct answer *a)
{
	size_t len = page < 0 ? STANDARD : sizeof a->data;
	unsigned char cdb[6] = {
		INQUIRY, page >= 0, page >= 0 ? (unsigned char)page : 0, (unsigned char)(len >> 8),
		(unsigned char)len, 0,
	};
	struct sg_io_hdr io = {
		.interface_id = 'S', .dxfer_direction = SG_DXFER_FROM_DEV, .cmdp = cdb,
		.cmd_len = sizeof cdb, .dxferp = a->data, .dxfer_len = (unsigned)len,
		.sbp = a->sense, .mx_sb_len = sizeof a->sense, .timeout = LIMIT,
	};

	memset(a, 0, sizeof *a);	/* what is not written reads as nothing */
	if (ioctl(fd, SG_IO, &io) < 0 || io.host_status)
		return;
	a->refused = io.status == CHECK_CONDITION;
	a->heard = !io.status && io.resid >= 0 && (size_t)io.resid <= len;
	a->len = a->heard ? len - (size_t)io.resid : 0;
}

/* Of either form that sense data has. */
static bool says_no_such_unit(const struct answer *a)
{
	bool descriptors = (a->sense[0] & 0x7e) == 0x72;
	unsigned key = a->sense[descriptors ? 1 : 2] & 0x0f;

	return a->refused && key == ILLEGAL_REQUEST &&
	       a->sense[descriptors ? 2 : 12] == NO_SUCH_UNIT;
}

enum lun_answer luns_ask(const char *node)
{
	auto_close int fd = open(node, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct answer a;

	if (fd < 0)
		return LUN_SILENT;
	inquire(fd, -1, &a);
	if (says_no_such_unit(&a) || (a.heard && a.len > 4 && a.data[0] >> 5))
		return LUN_NOT_THERE;
	return a.heard ? LUN_THERE : LUN_SILENT;
}

/* ---- its key ---------------------------------------------------------------------------- */

struct source {
	int fd;			/* the disk, or -1 */
	int sysfs;		/* of its SCSI device, or -1 */
};

/* A page of vital product data: from the disk, else as the kernel has it. */
static size_t read_page(const struct source *s, int page, unsigned char ret[PAGE_MAX])
{
	auto_free char *name = mem_printf("vpd_pg%x", page), *text = NULL;
	struct bp_error ignored = { 0 };
	struct answer a = { 0 };
	size_t len = 0;

	if (s->fd >= 0)
		inquire(s->fd, page, &a);
	if (!a.heard && s->sysfs >= 0 &&
	    file_read(s->sysfs, name, PAGE_MAX, &text, &len, &ignored) == 0)
		memcpy(a.data, text, len);
	else if (a.heard)
		len = a.len;
	/* a device that knows no such pages may give its standard answer */
	if (len < 4 || a.data[1] != page)
		return 0;
	memcpy(ret, a.data, len);
	return len;
}

/* Their bytes, filled up with blanks. */
static void read_name(const struct source *s, const char *file, char *ret, size_t len)
{
	auto_free char *text = s->sysfs < 0 ? NULL : sysfs_line(s->sysfs, file);

	snprintf(ret, len + 1, "%-*.*s", (int)len, (int)len, text ? text : "");
}

/* Does it offer this page? */
static bool offers(const unsigned char *list, size_t len, int page)
{
	for (size_t i = 4; i < len && i < 4u + list[3]; i++)
		if (list[i] == page)
			return true;
	return false;
}

static char *serial(const struct source *s, int *port)
{
	unsigned char list[PAGE_MAX], page[PAGE_MAX];
	char vendor[8 + 1], product[16 + 1], *id = NULL;
	size_t n = read_page(s, 0, list), len;

	read_name(s, "vendor", vendor, 8);
	read_name(s, "model", product, 16);
	if (offers(list, n, 0x83) && (len = read_page(s, 0x83, page)))
		id = luns_id_83(page, len, vendor, product, port);
	if (!id && offers(list, n, 0x80) && (len = read_page(s, 0x80, page)))
		id = luns_id_80(page, len, vendor, product);
	return id;
}

char *luns_key(unsigned host, const struct found_device *d, bool with_port)
{
	auto_free char *dir = mem_printf("/sys/bus/scsi/devices/%u:%s", host,
					 d->name + strlen("unit:"));
	auto_close int sysfs = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* one that cannot be reached is not asked */
	auto_close int fd = d->problem ? -1 : open(d->node, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	const struct source s = { .fd = fd, .sysfs = sysfs };
	auto_free char *id = NULL;
	int port = -1;

	id = serial(&s, &port);
	if (!id || !with_port || port < 0)
		return steal(id);
	return mem_printf("%s_PORT%x", id, (unsigned)port);
}
