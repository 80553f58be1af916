/* dependants.h - volumes that others have as their backing store, or for their data.
 *
 * Who takes such a volume away, or changes what its guest would see, harms them.
 * Nothing is kept of who depends on whom: the first bytes of all volumes are
 * asked, those of its own pool and of the other active ones of this host.
 * Pools on servers, which may be away, are asked about their own volumes only,
 * and images outside of pools are not.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_DEPENDANTS_H
#define BP_DEPENDANTS_H

#include "core/session.h"

enum dependants_harm {
	DEPENDANTS_LOSE_IT,	/* its name will be gone */
	DEPENDANTS_SEE_IT,	/* its content will be another */
};

/* BP_BUSY, with the part "backingStore" or "dataStore", and who they are in err: volumes have
 * this one, which is locked alone, as their backing store, or their data are in it, all but
 * the one of its pool called except (NULL: nobody is left out), and flags have no
 * BP_VOL_FORCE_BACKING.  Other pools that cannot be read are left out. */
int dependants_spared(struct session *ses, const char *vol, enum dependants_harm harm,
		      const char *except, unsigned flags, struct bp_error *err);

/* The same of one that is seen to change by others than owner, which is in a pool of its own. */
int dependants_spared_but(struct session *ses, const char *vol, const struct session *owner_ses,
			  const char *owner, unsigned flags, struct bp_error *err);

/* Told of each volume of the other pools that are asked, as far as they can be read; ses is
 * that of its pool.  A directory that is two pools' is walked once. */
typedef void dependants_seen(void *arg, const struct session *ses,
			     const struct bp_vol_info *info);
int dependants_elsewhere(const struct session *ses, unsigned want, dependants_seen *seen,
			 void *arg, struct bp_error *err);

/* Locks for a volume that is to be made: of its name alone, and of its backing store, if
 * that is a volume of the pool, so that nobody takes it away meanwhile. */
int dependants_lock_new(struct session *ses, const struct bp_vol_spec *spec,
			struct bp_error *err);

#endif
