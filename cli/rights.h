/* rights.h - options that say whose a volume is, and what others may do with it.
 *
 * A command that has them has a struct rights among its own, and their rows.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_CLI_RIGHTS_H
#define BP_CLI_RIGHTS_H

#include "cli/command.h"

struct rights {
	const char *mode;		/* octal */
	const char *owner, *group;	/* numbers, or names this host knows */
};

/* With AT() as in all tables.  of: whose they are, for help. */
#define RIGHTS_ROWS(prefix, of)						\
	{ prefix "mode", OPT_STRING, ROW_NAMED | ROW_OURS, AT(rights.mode),	\
	  "mode of " of ", in octal", COMPLETE_NOTHING },		\
	{ prefix "owner", OPT_STRING, ROW_NAMED | ROW_OURS, AT(rights.owner),	\
	  "user who owns " of ", by name or number", COMPLETE_NOTHING },	\
	{ prefix "group", OPT_STRING, ROW_NAMED | ROW_OURS, AT(rights.group),	\
	  "group of " of ", by name or number", COMPLETE_NOTHING }

/* Put what was given into perms; the rest is left as it is.  BP_INVALID: a name
 * this host does not know, or no mode. */
int rights_apply(const struct rights *rights, struct bp_perms *perms, struct bp_error *err);

#endif
