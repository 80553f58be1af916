/* iscsi_login.c - making and ending a session of the kernel's initiator: by iscsiadm, or by
 * iscsistart where only that is there. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "backends/iscsi.h"
#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/run.h"
#include "core/base/text.h"

#define OWN_NAME "/etc/iscsi/initiatorname.iscsi"
#define SAID_MAX 65536
#define GROUPS	 16		/* of portals: numbers that are tried where none is known */
#define TRIES	 20		/* twice a second: until a new daemon knows old sessions */

enum { IS_BUSY = 9, NO_SUCH_RECORD = 21, IS_NOT_CONNECTED = 32 };	/* iscsiadm(8) */

char *iscsi_name_in(const char *text)
{
	for (const char *at = text; *at; at += strcspn(at, "\n"), at += *at == '\n') {
		const char *name = at + strlen("InitiatorName=");

		if (!starts_with(at, "InitiatorName="))
			continue;
		name += strspn(name, " \t");
		return mem_dup_n(name, strcspn(name, " \t\r\n"));
	}
	return NULL;
}

char *iscsi_own_name(struct bp_error *err)
{
	auto_free char *text = NULL;
	char *name;
	size_t len;

	if (file_read(AT_FDCWD, OWN_NAME, SAID_MAX, &text, &len, err) < 0) {
		bp_within(err, "this machine has no name as an initiator; give one in '%s' or as "
			  "the pool's source/initiator", OWN_NAME);
		return NULL;
	}
	name = iscsi_name_in(text);
	if (name)
		return name;
	bp_fail(err, BP_CONFIG, "'%s' has no line 'InitiatorName='", OWN_NAME);
	return NULL;
}

static bool have(const char *program)
{
	auto_free char *path = program_find(program);

	return path;
}

/* What is after a program's name and a colon, without what a terminal would act on. */
static char *tidy(const char *line, size_t len)
{
	const char *colon = memchr(line, ':', len);
	size_t name = colon ? (size_t)(colon - line) : 0;
	char *words;

	if (colon && name + 1 < len && colon[1] == ' ' && !memchr(line, ' ', name)) {
		line += name + 2;
		len -= name + 2;
	}
	words = mem_dup_n(line, len);
	for (char *c = words; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	return words;
}

/* The kernel or the target is cited by the one line that has a number; the last only counts
 * what did not go well. */
char *iscsi_complaint_in(const char *said)
{
	const char *best = NULL;
	size_t best_len = 0;
	bool cited = false;

	for (const char *line = said; *line && !cited;) {
		size_t len = strcspn(line, "\n");

		cited = memmem(line, len, "reported error (", 16);
		if (cited || strspn(line, " \t\r") < len) {
			best = line;
			best_len = len;
		}
		line += len + (line[len] == '\n');
	}
	return best ? tidy(best, best_len) : NULL;
}

/* One line of what a program complains of, or what it printed. */
static int run(const char *const argv[], int *ret_status, struct bp_error *err)
{
	cleanup(text_done) struct text out = { 0 }, said = { 0 };
	auto_free char *why = NULL;

	if (run_program_text(argv, SAID_MAX, &out, &said, ret_status, err) < 0)
		return -1;
	if (!*ret_status)
		return 0;
	why = iscsi_complaint_in(said.len ? said.s : out.len ? out.s : "");
	return bp_fail(err, BP_FAILED, "%s failed with status %d: %s", argv[0], *ret_status,
		       why ? why : "it does not say why");
}

static int try(const char *const argv[], struct bp_error *err)
{
	int status;

	return run(argv, &status, err);
}

/* ---- interfaces ------------------------------------------------------------------------- */

/* As libvirt calls them; the same each time, so that one that a killed start has left is
 * found again. */
static char *iface_name(const struct bp_pool_def *def)
{
	return mem_printf("libvirt-iface-%.8s", def->uuid);
}

char *iscsi_iface_in(char *listing, const char *initiator)
{
	auto_free char *end = mem_printf(",%s", initiator);

	for (char *line = listing; *line;) {
		size_t len = strcspn(line, "\n");
		char *next = line + len + (line[len] == '\n');

		line[len] = '\0';
		if (ends_with(line, end))
			return mem_dup_n(line, strcspn(line, " "));
		line = next;
	}
	return NULL;
}

/* One that has this initiator's name already. */
static char *find_iface(const char *initiator)
{
	static const char *const argv[] = { "iscsiadm", "-m", "iface", NULL };
	cleanup(text_done) struct text out = { 0 }, said = { 0 };
	struct bp_error ignored = { 0 };
	int status;

	if (run_program_text(argv, SAID_MAX, &out, &said, &status, &ignored) < 0 || status ||
	    !out.len)
		return NULL;
	return iscsi_iface_in(out.s, initiator);
}

static int make_iface(const struct iscsi_login *l, const char *name, struct bp_error *err)
{
	const char *const make[] = { "iscsiadm", "-m", "iface", "-I", name, "-o", "new", NULL };
	const char *const set[] = {
		"iscsiadm", "-m", "iface", "-I", name, "-o", "update",
		"-n", "iface.initiatorname", "-v", l->initiator, NULL,
	};

	return try(make, err) < 0 || try(set, err) < 0 ? -1 : 0;
}

/* ---- by iscsiadm ------------------------------------------------------------------------ */

/* "-m node -T TARGET -p PORTAL [-I IFACE]" and what follows. */
static int node(const char *target, const char *portal, const char *iface, const char *what,
		const char *more, struct bp_error *err)
{
	const char *argv[] = {
		"iscsiadm", "-m", "node", "-T", target, "-p", portal, NULL, NULL, NULL, NULL, NULL,
	};
	size_t n = 7;

	if (iface) {
		argv[n++] = "-I";
		argv[n++] = iface;
	}
	argv[n++] = what;
	argv[n] = more;
	return try(argv, err);
}

/* A name of the pool's own needs an interface; a record and an interface that are there
 * already stay when the pool stops. */
static int by_iscsiadm(const struct iscsi_login *l, struct iscsi_note *note, struct bp_error *err)
{
	const char *target = l->def->source.devices[0].path;
	auto_free char *iface = NULL;
	bool there = iscsi_record_exists(l);

	if (l->def->source.initiator) {
		iface = find_iface(l->initiator);
		if (!iface || strncmp(iface, "libvirt-iface-", 14) == 0) {
			free(iface);
			iface = iface_name(l->def);
			note->iface = mem_dup(iface);
		}
	}
	if (!there || note->iface)
		note->portal = mem_dup(l->portal);
	if (iscsi_note_save(l->def, note, err) < 0)
		return -1;
	if (note->iface && make_iface(l, iface, err) < 0)
		return -1;
	if (note->portal && node(target, l->portal, iface, "-o", "new", err) < 0)
		return -1;
	if (l->user && iscsi_record_set_auth(l, iface, err) < 0)
		return -1;
	return node(target, l->portal, iface, "--login", NULL, err);
}

/* ---- by iscsistart ----------------------------------------------------------------------- */

/* Which group of portals this is it wants to be told, and only the target knows. */
int iscsistart_groups(const struct iscsistart_place *to, struct bp_error *err)
{
	for (unsigned group = 1; group <= GROUPS; group++) {
		auto_free char *tag = mem_printf("%u", group);
		auto_free char *param = mem_printf("node.tpgt=%u", group);
		const char *const by_firmware[] = { "iscsistart", "-b", "-P", param, NULL };
		const char *const by_words[] = {
			"iscsistart", "-i", to ? to->initiator : "", "-t", to ? to->target : "",
			"-g", tag, "-a", to ? to->address : "", "-p", to ? to->port : "", NULL,
		};

		*err = (struct bp_error){ 0 };
		if (try(to ? by_words : by_firmware, err) == 0)
			return 0;
	}
	return -1;
}

static int by_iscsistart(const struct iscsi_login *l, struct iscsi_note *note,
			 struct bp_error *err)
{
	const char *colon = strrchr(l->portal, ':');
	auto_free char *address = mem_dup_n(l->portal, (size_t)(colon - l->portal));
	struct iscsistart_place to = {
		.initiator = l->initiator, .target = l->def->source.devices[0].path,
		.address = address, .port = colon + 1,
	};

	if (*address == '[') {
		address[strlen(address) - 1] = '\0';
		to.address++;
	}
	if (iscsi_note_save(l->def, note, err) < 0)
		return -1;
	return l->user ? iscsi_by_firmware(l, to.address, to.port, err) :
	       iscsistart_groups(&to, err);
}

int iscsi_log_in(const struct iscsi_login *l, struct iscsi_note *note, struct bp_error *err)
{
	note->any = true;
	if (have("iscsiadm"))
		return by_iscsiadm(l, note, err);
	if (have("iscsistart"))
		return by_iscsistart(l, note, err);
	return bp_fail(err, BP_UNSUPPORTED, "neither iscsiadm nor iscsistart is here (package "
		       "open-iscsi), which make the kernel's sessions; a pool of type "
		       "'iscsi-direct' needs neither");
}

/* ---- ending one -------------------------------------------------------------------------- */

int iscsi_can_log_out(const struct iscsi_session *s, struct bp_error *err)
{
	return have("iscsiadm") ? 0 :
	       bp_fail(err, BP_UNSUPPORTED, "session %u cannot be ended: iscsiadm is not here "
		       "(package open-iscsi)", s->id);
}

/* A session that iscsistart has made is not known to a daemon that has just been started, and
 * then logged in to anew, which cannot be broken off. */
int iscsi_log_out(const struct iscsi_session *s, struct bp_error *err)
{
	auto_free char *id = mem_printf("%u", s->id);
	const char *const argv[] = { "iscsiadm", "-m", "session", "-r", id, "-u", NULL };
	int status = 0;

	for (int i = 0; i < TRIES; i++) {
		*err = (struct bp_error){ 0 };
		if (run(argv, &status, err) == 0)
			return 0;
		if (status != IS_NOT_CONNECTED && status != IS_BUSY)
			return status == NO_SUCH_RECORD ? (*err = (struct bp_error){ 0 }, 0) : -1;
		for (int j = 0; j < 50; j++)
			blocks_pause();
	}
	return -1;
}

/* What is not there any more need not be removed. */
int iscsi_tidy(const struct bp_pool_def *def, const struct iscsi_note *note,
	       struct bp_error *err)
{
	struct bp_error ignored = { 0 };

	if (note->portal)
		(void)node(def->source.devices[0].path, note->portal, note->iface, "-o", "delete",
			   &ignored);
	if (note->iface) {
		const char *const argv[] = {
			"iscsiadm", "-m", "iface", "-I", note->iface, "-o", "delete", NULL,
		};

		ignored = (struct bp_error){ 0 };
		(void)try(argv, &ignored);
	}
	return iscsi_note_save(def, NULL, err);
}
