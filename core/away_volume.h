/* away_volume.h - a volume's facts as bytes, from one process to its own child's. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_AWAY_VOLUME_H
#define BP_AWAY_VOLUME_H

#include "core/base/text.h"
#include "core/model/volume.h"

void volume_pack(const struct bp_vol_info *info, struct text *out);

/* The strings of ret are those of in, and live as long.  -1: that is no volume's facts. */
int volume_unpack(struct text *in, struct bp_vol_info *ret, struct bp_error *err);

#endif
