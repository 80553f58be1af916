/* state.h - two directories are the whole memory of the system.
 *
 *	config/NAME.xml			the pool is defined
 *	config/autostart/NAME.xml	a link: it is marked to be started at boot
 *	run/NAME.xml			the pool is active, by this definition
 *
 * Config and run each alone, both, or neither: persistent inactive, transient
 * active, persistent active, unknown.  All of it is libvirt's (inventory,
 * section 8).
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_STATE_H
#define BP_STATE_H

#include <stdbool.h>

#include "core/base/error.h"
#include "core/model/pool_def.h"

struct bp_store;

enum state_dir { STATE_CONFIG, STATE_RUN };

/* The longest name whose files can be written ("NAME.xml.new"). */
#define POOL_NAME_MAX 247

/* What cannot be told is taken as there: whoever goes on and reads it is told why. */
bool state_has(struct bp_store *s, enum state_dir d, const char *pool);

/* A file whose content belongs to another name is an error. */
int state_load(struct bp_store *s, enum state_dir d, const char *pool,
	       struct bp_pool_def **ret, struct bp_error *err);
int state_save(struct bp_store *s, enum state_dir d, const struct bp_pool_def *def,
	       struct bp_error *err);
int state_remove(struct bp_store *s, enum state_dir d, const char *pool, struct bp_error *err);

/* 1: marked, 0: not; -1 and errno: it cannot be told. */
int state_mark(struct bp_store *s, const char *pool);
bool state_autostart(struct bp_store *s, const char *pool);	/* marked, as far as known */
int state_set_autostart(struct bp_store *s, const char *pool, bool on, struct bp_error *err);

/* The names there are in either directory, sorted, each once.  Array and
 * strings are freed by state_names_free(). */
int state_names(struct bp_store *s, char ***ret, size_t *ret_n, struct bp_error *err);
void state_names_free(char **names, size_t n);

/* Things that happen without a file changing are told to those who watch the
 * run directory by a file that comes and goes: NAME and one of these. */
#define SIGNAL_BUILT	 ".~built"
#define SIGNAL_ERASED	 ".~erased"
#define SIGNAL_REFRESHED ".~fresh"
#define SIGNAL_STOPPED	 ".~ended"
void state_signal(struct bp_store *s, const char *pool, const char *signal);

#endif
