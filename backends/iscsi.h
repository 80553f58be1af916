/* iscsi.h - between the files of the pool type iscsi: sessions of the kernel's initiator.
 *
 *	iscsi.c			the pool: started, refreshed, stopped; targets found
 *	iscsi_session.c		what sessions the kernel has, and which of them are ours
 *	iscsi_login.c		making and ending one, by programs of open-iscsi
 *	iscsi_firmware.c	a login by iscsistart that proves who we are
 *	iscsi_record.c		the record of open-iscsi that a login is made from
 *	iscsi_maps.c		multipath devices on top
 *	iscsi_users.c		programs that have the disks open
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_BACKENDS_ISCSI_H
#define BP_BACKENDS_ISCSI_H

#include <stdbool.h>

#include "backends/found.h"
#include "core/base/hidden.h"

/* A session with a target. */
struct iscsi_session {
	unsigned id, host;
	bool up;			/* else its server does not answer */
};

/* Of the kernel's sessions the first with the pool's target, as the initiator it names;
 * one that is up before others.  false: none. */
bool iscsi_session_find(const struct bp_pool_def *def, struct iscsi_session *ret);

/* What a start has made, noted before it is made; goes with the machine, as it does. */
struct iscsi_note {
	bool any;			/* there is one */
	unsigned id;			/* of the session; 0: it was not made yet */
	char *portal;			/* "192.0.2.1:3260": there is a record of ours for it */
	char *iface;			/* there is an interface of ours, or NULL */
};

int iscsi_note_load(const struct bp_pool_def *def, struct iscsi_note *ret, struct bp_error *err);
int iscsi_note_save(const struct bp_pool_def *def, const struct iscsi_note *note,
		    struct bp_error *err);		/* note NULL: there is none any more */
void iscsi_note_done(struct iscsi_note *note);

/* Who asks the target in, and how.  Everything is borrowed. */
struct iscsi_login {
	const struct bp_pool_def *def;
	const char *portal;		/* numbers, as it has answered by */
	const char *initiator;		/* our own name */
	const char *user, *peer;	/* CHAP, or NULL */
	const struct hidden *secret, *peer_secret;
};

/* Make a session; note says what was made for it beside, when it fails too. */
int iscsi_log_in(const struct iscsi_login *l, struct iscsi_note *note, struct bp_error *err);

/* By iscsistart: where to; NULL: it is in files of firmware.  And with a user and a secret. */
struct iscsistart_place {
	const char *initiator, *target, *address, *port;
};
int iscsistart_groups(const struct iscsistart_place *to, struct bp_error *err);
int iscsi_by_firmware(const struct iscsi_login *l, const char *address, const char *port,
		      struct bp_error *err);

/* Could it be ended?  End it; and remove what was made for it. */
int iscsi_can_log_out(const struct iscsi_session *s, struct bp_error *err);
int iscsi_log_out(const struct iscsi_session *s, struct bp_error *err);
int iscsi_tidy(const struct bp_pool_def *def, const struct iscsi_note *note,
	       struct bp_error *err);

/* The initiator's name of this machine.  The caller frees. */
char *iscsi_own_name(struct bp_error *err);

/* Has open-iscsi a record of this target at this portal?  And write into it how to prove
 * who we are: by a file, since whatever a program is told can be seen by everybody. */
bool iscsi_record_exists(const struct iscsi_login *l);
int iscsi_record_check_auth(const struct iscsi_login *l, struct bp_error *err);
int iscsi_record_set_auth(const struct iscsi_login *l, const char *iface, struct bp_error *err);

/* ---- what is read, as text ------------------------------------------------------------- */

/* The name in OWN_NAME's text; and the interface that has an initiator's name in what
 * "iscsiadm -m iface" prints, which is changed: "lvi tcp,<empty>,<empty>,<empty>,IQN".
 * NULL: there is none.  The caller frees. */
char *iscsi_name_in(const char *text);
char *iscsi_iface_in(char *listing, const char *initiator);

/* The one line that says why, of what iscsiadm or iscsistart has complained of: without its
 * name and control characters.  NULL: it says nothing.  The caller frees. */
char *iscsi_complaint_in(const char *said);

/* A record of open-iscsi with these lines in place of what it says of authentication. */
struct hidden iscsi_record_with(const char *text, const char *auth);

struct iscsi_note iscsi_note_read(const char *text);

/* ---- on top of them ---------------------------------------------------------------------- */

/* Multipath devices of which each path is one of these: refuse (BP_BUSY) where one is in
 * use, or has other paths, too; and remove them. */
bool iscsi_has_map(const struct found_device *d);
int iscsi_maps_check(const struct found *f, struct bp_error *err);
int iscsi_maps_remove(const struct found *f, struct bp_error *err);

/* BP_BUSY: a program has one of these open, and err says which. */
int iscsi_check_open(const struct found *f, struct bp_error *err);

#endif
