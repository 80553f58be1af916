/* luns.h - disks on a SCSI host, as the kernel tells of them in /sys; shared by scsi
 * and iscsi.
 *
 * A volume's name is its place, "unit:BUS:TARGET:LUN"; the host's number changes from
 * one start of the machine to the next.  Its key is what it says of itself. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_BACKENDS_LUNS_H
#define BP_BACKENDS_LUNS_H

#include <stddef.h>

#include "backends/found.h"

/* Add the disks of a host: types 0 and 14, and optical drives (5), as libvirt does. */
int luns_look(unsigned host, struct found *f, struct bp_error *err);

/* How many units the host has, disks or not. */
size_t luns_count(unsigned host);

/* Let the kernel look for new ones, and wait until it has made disks of them. */
int luns_scan(unsigned host, struct bp_error *err);

/* The same; and first let it ask those it knows for their size, and forget those of
 * which the storage says that they are not there any more and which nobody uses. */
int luns_rescan(unsigned host, struct bp_error *err);

/* Forget a disk at once, as after its data was written. */
int luns_forget(unsigned host, const struct found_device *d, struct bp_error *err);

/* One line for sysfs, which takes it or says why not. */
int luns_write(const char *path, const char *line, struct bp_error *err);

/* Where a unit is, as the kernel names it: "0:0:1:0". */
struct luns_place {
	unsigned host, bus, target;
	unsigned long long lun;
};
bool luns_place_read(const char *s, struct luns_place *ret);

/* ---- what a disk says of itself (luns_ask.c, luns_id.c) -------------------------------- */

/* Asked by SG_IO; where that is not to be had, what the kernel has noted.  With the
 * port's number where the host is a virtual one of a fibre channel fabric.  NULL: it
 * says nothing that would be its own.  The caller frees. */
char *luns_key(unsigned host, const struct found_device *d, bool with_port);

enum lun_answer { LUN_THERE, LUN_NOT_THERE, LUN_SILENT };

/* Is it there, for the storage itself? */
enum lun_answer luns_ask(const char *node);

/* The serial of a device out of pages 0x83 or 0x80 of its vital product data, in the
 * words of udev's scsi_id; *ret_port is that of its group of target ports, or -1.
 * vendor and product: 8 and 16 bytes.  NULL: there is none.  The caller frees. */
char *luns_id_83(const unsigned char *page, size_t len, const char *vendor, const char *product,
		 int *ret_port);
char *luns_id_80(const unsigned char *page, size_t len, const char *vendor, const char *product);

#endif
