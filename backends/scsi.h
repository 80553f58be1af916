/* scsi.h - between the files of the pool type scsi: which host a pool means. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_BACKENDS_SCSI_H
#define BP_BACKENDS_SCSI_H

#include <stdbool.h>

#include "core/backend.h"

#define FC_HOSTS "/sys/class/fc_host"

/* The number of the host that an adapter means.  BP_FAILED: there is none (now). */
int scsi_host(const struct bp_adapter *a, unsigned *ret, struct bp_error *err);

bool scsi_is_vport(const struct bp_adapter *a);		/* of type fc_host */

/* "host5", "scsi_host5" and "fc_host5" as 5. */
int scsi_host_number(const char *name, unsigned *ret, struct bp_error *err);

/* ---- ports of a fibre channel fabric (scsi_vport.c) ------------------------------------- */

/* A host by the names of its node and port; -1: none, and nothing is said of it. */
int vport_find(const char *wwnn, const char *wwpn, unsigned *ret);

/* Make it where it is not there, by a host that can have some.  1: it is there already. */
int vport_make(const struct bp_adapter *a, unsigned *ret, struct bp_error *err);

/* Have we made it, or does the definition say that it goes with the pool? */
bool vport_goes(const struct bp_adapter *a);

/* Take it away; success if it is not there. */
int vport_remove(const struct bp_adapter *a, struct bp_error *err);

#endif
