/* iscsi_session.c - what sessions the kernel has, and which of them are ours. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "backends/iscsi.h"
#include "core/base/cleanup.h"
#include "core/base/device.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/text.h"

#define SESSIONS "/sys/class/iscsi_session"
#define NOTES	 "/run/barepool/iscsi"
#define NOTE_MAX 4096

/* ---- the kernel's ----------------------------------------------------------------------- */

static bool fact_is(const char *session, const char *name, const char *want)
{
	auto_free char *file = mem_printf(SESSIONS "/%s/%s", session, name);
	auto_free char *its = sysfs_line(-1, file);

	return its && strcmp(its, want) == 0;
}

/* "/sys/devices/platform/host3/session1/iscsi_session/session1" */
static bool host_of(const char *session, unsigned *ret)
{
	auto_free char *path = mem_printf(SESSIONS "/%s", session), *real = realpath(path, NULL);
	char *above = real ? strstr(real, "/session") : NULL, *host;

	if (!above)
		return false;
	*above = '\0';
	host = strrchr(real, '/');
	return host && sscanf(host, "/host%u", ret) == 1;
}

static bool is_of(const struct bp_pool_def *def, const char *session)
{
	const struct bp_pool_source *src = &def->source;

	return fact_is(session, "targetname", src->devices[0].path) &&
	       (!src->initiator || fact_is(session, "initiatorname", src->initiator));
}

bool iscsi_session_find(const struct bp_pool_def *def, struct iscsi_session *ret)
{
	cleanup(closedirp) DIR *dir = opendir(SESSIONS);
	struct dirent *e;
	bool found = false;

	while (dir && def->source.n_devices && (e = readdir(dir))) {
		struct iscsi_session s = { 0 };

		if (sscanf(e->d_name, "session%u", &s.id) != 1 || !is_of(def, e->d_name) ||
		    !host_of(e->d_name, &s.host))
			continue;
		s.up = fact_is(e->d_name, "state", "LOGGED_IN");
		if (!found || (s.up && !ret->up) || (s.up == ret->up && s.id < ret->id))
			*ret = s;
		found = true;
	}
	return found;
}

/* ---- ours ------------------------------------------------------------------------------- */

/* "session=3\nportal=...\niface=...\n" */
static char *value_of(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	return at ? mem_dup_n(at + strlen(name), strcspn(at + strlen(name), "\n")) : NULL;
}

struct iscsi_note iscsi_note_read(const char *text)
{
	auto_free char *id = value_of(text, "session=");
	uint64_t n;

	return (struct iscsi_note){
		.any = true,
		.id = id && parse_number(id, 10, &n) && n <= UINT_MAX ? (unsigned)n : 0,
		.portal = value_of(text, "portal="), .iface = value_of(text, "iface="),
	};
}

int iscsi_note_load(const struct bp_pool_def *def, struct iscsi_note *ret, struct bp_error *err)
{
	auto_free char *path = mem_printf(NOTES "/%s", def->uuid), *text = NULL;
	size_t len;

	*ret = (struct iscsi_note){ 0 };
	if (file_read(AT_FDCWD, path, NOTE_MAX, &text, &len, err) < 0) {
		if (err->sys != ENOENT)
			return -1;
		*err = (struct bp_error){ 0 };
		return 0;
	}
	*ret = iscsi_note_read(text);
	return 0;
}

int iscsi_note_save(const struct bp_pool_def *def, const struct iscsi_note *note,
		    struct bp_error *err)
{
	cleanup(text_done) struct text t = { 0 };
	auto_close int dir = -1;

	if (dir_make(NOTES, 0700, err) < 0)
		return -1;
	dir = open(NOTES, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return bp_fail_sys(err, errno, "cannot open '%s'", NOTES);
	if (!note)
		return file_remove(dir, def->uuid, err);
	text_addf(&t, "session=%u\n", note->id);
	if (note->portal)
		text_addf(&t, "portal=%s\n", note->portal);
	if (note->iface)
		text_addf(&t, "iface=%s\n", note->iface);
	return file_replace(dir, def->uuid, t.s, t.len, 0600, err);
}

void iscsi_note_done(struct iscsi_note *note)
{
	free(note->portal);
	free(note->iface);
	*note = (struct iscsi_note){ 0 };
}
