/* sbc.h - commands to SCSI disks, and what they answer, as bytes.
 *
 * Nothing is sent from here.  Answers come from a server that is not trusted: each
 * reader takes whatever bytes it is given, and says BP_CORRUPT of those that make no
 * sense.  An answer that was cut short is read as far as it goes.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_BACKENDS_SBC_H
#define BP_BACKENDS_SBC_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/error.h"
#include "core/image/bytes.h"

/* ---- commands ---------------------------------------------------------------------- */

struct sbc_command {
	unsigned char bytes[16];
	unsigned len;
};

enum { SBC_PAGES = 0x00, SBC_LIMITS = 0xb0, SBC_PROVISIONING = 0xb2 };

/* len: of the answer, or of what is sent along. */
struct sbc_command sbc_test_ready(void);
struct sbc_command sbc_inquiry(uint16_t len);
struct sbc_command sbc_page(uint8_t page, uint16_t len);
struct sbc_command sbc_mode(uint8_t len);
struct sbc_command sbc_report_luns(uint32_t len);
struct sbc_command sbc_capacity(uint32_t len);
struct sbc_command sbc_status(uint64_t block, uint32_t len);
struct sbc_command sbc_read(uint64_t block, uint32_t n);
struct sbc_command sbc_write(uint64_t block, uint32_t n);
struct sbc_command sbc_write_same(uint64_t block, uint32_t n, bool unmap);
struct sbc_command sbc_unmap(uint16_t len);
struct sbc_command sbc_sync(void);

/* What is sent along with UNMAP, for one range. */
enum { SBC_UNMAP_LIST = 24 };
void sbc_unmap_list(unsigned char list[static SBC_UNMAP_LIST], uint64_t block, uint32_t n);

/* ---- answers ------------------------------------------------------------------------- */

enum { SBC_MOST_LUNS = 16384 };

/* LUNs as the first two bytes of their addresses: libvirt's number, and QEMU's. */
struct sbc_luns {
	uint16_t *luns;		/* in order, each once */
	size_t n;
	uint32_t needed;	/* bytes that the whole answer has */
	size_t left_out;	/* with addresses of several levels */
};

int sbc_luns_read(struct bytes answer, struct sbc_luns *ret, struct bp_error *err);
void sbc_luns_done(struct sbc_luns *luns);

enum { SBC_DISK = 0, SBC_CDROM = 5, SBC_OPTICAL = 7, SBC_CONTROLLER = 12, SBC_ZONED = 20 };

/* The type of the device; -1: there is none under this LUN. */
int sbc_type_read(struct bytes answer);
const char *sbc_type_word(int type);
bool sbc_has_blocks(int type);

bool sbc_read_only(struct bytes mode);

struct sbc_shape {
	uint64_t blocks;
	uint32_t block;		/* bytes */
	uint64_t size;		/* bytes */
	bool thin;		/* it has blocks with no space behind them ... */
	bool reads_zero;	/* ... which read as zeros */
};

int sbc_capacity_read(struct bytes answer, struct sbc_shape *ret, struct bp_error *err);

/* In blocks; 0: not said. */
struct sbc_limits {
	uint32_t transfer;
	uint64_t write_same;
	uint32_t unmap;
	bool can_unmap, can_write_same;		/* to give space back */
};

bool sbc_has_page(struct bytes pages, uint8_t page);
void sbc_limits_read(struct bytes page, struct sbc_limits *ret);
void sbc_provisioning_read(struct bytes page, struct sbc_limits *ret);

/* Of the blocks from start on: up to which there is data, or none.  Neighbours of one
 * kind are joined, as far as the answer goes. */
struct sbc_extent {
	uint64_t end;
	bool mapped;
};

int sbc_status_read(struct bytes answer, uint64_t start, uint64_t blocks,
		    struct sbc_extent *ret, struct bp_error *err);

/* How many of the blocks from start on, of those the answer tells of, have space; and
 * where it ends. */
int sbc_status_sum(struct bytes answer, uint64_t start, uint64_t blocks,
		   uint64_t *ret_mapped, uint64_t *ret_end, struct bp_error *err);

#endif
