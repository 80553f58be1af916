/* luks.h - private: what a LUKS header says, wherever it stands. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_IMAGE_LUKS_H
#define BP_IMAGE_LUKS_H

#include "core/image/formats.h"

#define LUKS_MAGIC	"LUKS\xba\xbe"
#define LUKS_HEADER	592		/* of version 1 */
#define LUKS_SECTOR	512

/* Add what a header of version 1 says to a group.  inside: "luks" comes along as the
 * format, in the place that QEMU has for it. */
void luks_facts(struct bytes header, bool inside, struct bp_fact *to);

#endif
