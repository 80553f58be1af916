/* rights.c - see rights.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/rights.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/base/text.h"

#define ENTRY_MAX (16u << 20)	/* a group may have many members */

static bool find_user(const char *name, uint64_t *ret)
{
	auto_free char *buf = NULL;
	struct passwd entry, *found = NULL;
	size_t n = 1024;
	int r = ERANGE;

	for (; r == ERANGE && n <= ENTRY_MAX; n *= 4) {
		buf = mem_resize(buf, n, 1);
		r = getpwnam_r(name, &entry, buf, n, &found);
	}
	if (found)
		*ret = found->pw_uid;
	return found;
}

static bool find_group(const char *name, uint64_t *ret)
{
	auto_free char *buf = NULL;
	struct group entry, *found = NULL;
	size_t n = 1024;
	int r = ERANGE;

	for (; r == ERANGE && n <= ENTRY_MAX; n *= 4) {
		buf = mem_resize(buf, n, 1);
		r = getgrnam_r(name, &entry, buf, n, &found);
	}
	if (found)
		*ret = found->gr_gid;
	return found;
}

/* The number before the name: it means the same on every host that shares the
 * storage.  The largest one means nobody in particular. */
static int read_id(const char *text, const char *what,
		   bool (*find)(const char *name, uint64_t *ret), bool *ret_has, uint32_t *ret,
		   struct bp_error *err)
{
	uint64_t id;

	if (!text)
		return 0;
	if (!parse_number(text, 10, &id) && !find(text, &id))
		return bp_fail(err, BP_INVALID, "there is no %s '%s' on this host", what, text);
	if (id >= UINT32_MAX)
		return bp_fail(err, BP_INVALID, "'%s' is no number of a %s", text, what);
	*ret_has = true;
	*ret = (uint32_t)id;
	return 0;
}

static int read_mode(const char *text, struct bp_perms *perms, struct bp_error *err)
{
	uint64_t mode;

	if (!text)
		return 0;
	if (!parse_number(text, 8, &mode) || mode > 0777)
		return bp_fail(err, BP_INVALID, "'%s' is no mode: it is octal, from 0 to 0777",
			       text);
	perms->has_mode = true;
	perms->mode = (mode_t)mode;
	return 0;
}

int rights_apply(const struct rights *rights, struct bp_perms *perms, struct bp_error *err)
{
	if (read_mode(rights->mode, perms, err) < 0 ||
	    read_id(rights->owner, "user", find_user, &perms->has_uid, &perms->uid, err) < 0)
		return -1;
	return read_id(rights->group, "group", find_group, &perms->has_gid, &perms->gid, err);
}
