/* watch_coming.h - files that are being written, and so are no volumes yet.
 *
 * They are kept with their inodes: a file may be made under another name, or none, and
 * get its own when it is complete.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_WATCH_COMING_H
#define BP_WATCH_COMING_H

#include <stddef.h>
#include <stdint.h>

struct coming {
	struct coming_file {
		char *name;
		uint64_t inode;
	} *files;
	size_t n;
};

void coming_add(struct coming *c, const char *name, uint64_t inode);
void coming_forget(struct coming *c, const char *name);
const char *coming_find(const struct coming *c, uint64_t inode);	/* its name, or NULL */
void coming_done(struct coming *c);

#endif
