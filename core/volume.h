/* volume.h - what volume.c and transfer.c share, inside one session. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_VOLUME_H
#define BP_VOLUME_H

#include "core/session.h"

/* One volume, by the type's own way or by walking; BP_NO_VOL when there is none. */
int volume_find(struct session *ses, const char *vol, unsigned want,
		struct bp_vol_info **ret, struct bp_error *err);

/* The same, but it is a failure if some of what is wanted cannot be told. */
int volume_find_all(struct session *ses, const char *vol, unsigned want,
		    struct bp_vol_info **ret, struct bp_error *err);

/* Its name, by its key or path; BP_NO_VOL when there is none. */
int volume_of_path(struct session *ses, const char *path, char **ret_vol, struct bp_error *err);

/* BP_UNSUPPORTED: none is made in pools of this type. */
int volume_can_create(const struct session *ses, struct bp_error *err);

/* Check a spec against the pool and make the volume. */
int volume_create(struct session *ses, struct bp_vol_spec *spec, unsigned flags,
		  const struct bp_filler *filler, struct bp_error *err);

/* Has a volume that is open for writing the space for so many bytes? */
int volume_room(struct session *ses, const char *vol, uint64_t bytes, struct bp_error *err);

/* Make it as the type's own copy of another of this pool, whose lock is held, too, as
 * is that of the new name.  1 done; 0 cannot: copy the bytes. */
int volume_clone(struct session *ses, struct bp_vol_spec *spec, const char *from,
		 struct bp_error *err);

/* After a volume was made: what should be known about the space it is in. */
char *volume_warning(struct session *ses);	/* NULL: nothing; the caller frees */

/* The same, or that the format that was asked for (NULL: none) means nothing here. */
char *volume_made_warning(struct session *ses, const char *asked);

int volume_open(struct session *ses, const char *vol, enum bp_vol_access access,
		const char *cannot, struct bp_io **ret, struct bp_error *err);

/* Make sure that nobody uses a volume (core/in_use.h), or that flags say that it
 * does not matter.  The claim on it lasts until the io is closed.  goes: it is not
 * what it holds that will go, but the volume. */
int volume_claim(struct session *ses, const char *vol, unsigned flags, bool goes,
		 struct bp_io **ret, struct bp_error *err);

#endif
