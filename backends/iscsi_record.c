/* iscsi_record.c - the record of open-iscsi that a login is made from.
 *
 * nodes/TARGET/ADDRESS,PORT is a file, or a directory of one for each interface, where
 * the number of a group of portals follows the port.  Where nodes is, was decided when
 * open-iscsi was built.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "backends/iscsi.h"
#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/text.h"

#define RECORD_MAX 65536
#define VALUE_MAX  255		/* bytes: what open-iscsi has room for */
#define END	   "# END RECORD"

static const char *const places[] = { "/etc/iscsi/nodes", "/var/lib/iscsi/nodes" };

/* "[::1]:3260" as "::1,3260". */
static char *portal_name(const char *portal)
{
	const char *port = strrchr(portal, ':');
	bool brackets = *portal == '[';
	size_t len = port ? (size_t)(port - portal) : strlen(portal);

	return mem_printf("%.*s,%s", (int)(brackets ? len - 2 : len), portal + brackets,
			  port ? port + 1 : "3260");
}

/* The record's directory, open, and its name there. */
static int find_in(const char *place, const struct iscsi_login *l, const char *iface, char **ret)
{
	auto_free char *path = mem_printf("%s/%s", place, l->def->source.devices[0].path);
	auto_free char *name = portal_name(l->portal), *below = mem_printf("%s,", name);
	cleanup(closedirp) DIR *dir = opendir(path);
	struct dirent *e;
	struct stat st;

	while (dir && (e = readdir(dir))) {
		if ((strcmp(e->d_name, name) != 0 && !starts_with(e->d_name, below)) ||
		    fstatat(dirfd(dir), e->d_name, &st, 0) < 0)
			continue;
		if (S_ISDIR(st.st_mode)) {
			*ret = mem_dup(iface ? iface : "default");
			return openat(dirfd(dir), e->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		}
		*ret = mem_dup(e->d_name);
		return fcntl(dirfd(dir), F_DUPFD_CLOEXEC, 0);
	}
	return -1;
}

static int find(const struct iscsi_login *l, const char *iface, char **ret)
{
	int dir = -1;

	for (size_t i = 0; dir < 0 && i < array_size(places); i++)
		dir = find_in(places[i], l, iface, ret);
	return dir;
}

bool iscsi_record_exists(const struct iscsi_login *l)
{
	auto_free char *name = NULL;
	auto_close int dir = find(l, NULL, &name);

	return dir >= 0;
}

/* One line takes one value; and what is longer is cut off, unsaid. */
static int check_value(const char *what, const char *value, size_t len, struct bp_error *err)
{
	if (len > VALUE_MAX || strlen(value) != len || strpbrk(value, "\r\n") ||
	    *value == ' ' || (len && value[len - 1] == ' '))
		return bp_fail(err, BP_INVALID, "the %s cannot be given to open-iscsi: it has more "
			       "than %d bytes, or line ends, or blanks at an end", what, VALUE_MAX);
	return 0;
}

int iscsi_record_check_auth(const struct iscsi_login *l, struct bp_error *err)
{
	if (check_value("user name", l->user, strlen(l->user), err) < 0 ||
	    check_value("secret", l->secret->text, l->secret->len, err) < 0)
		return -1;
	if (!l->peer)
		return 0;
	return check_value("target's name", l->peer, strlen(l->peer), err) < 0 ? -1 :
	       check_value("target's secret", l->peer_secret->text, l->peer_secret->len, err);
}

static void add(struct hidden *to, const char *s, size_t len)
{
	memcpy(to->text + to->len, s, len);
	to->len += len;
}

struct hidden iscsi_record_with(const char *text, const char *auth)
{
	struct hidden h = hidden_make(strlen(text) + 1 + strlen(auth));
	bool given = false;

	h.len = 0;
	for (const char *line = text; *line;) {
		size_t len = strcspn(line, "\n");

		len += line[len] == '\n';
		if (!given && starts_with(line, END)) {
			add(&h, auth, strlen(auth));
			given = true;
		}
		if (!starts_with(line, "node.session.auth."))
			add(&h, line, len);
		line += len;
	}
	if (given)
		return h;
	if (h.len && h.text[h.len - 1] != '\n')	/* a record that was cut off */
		add(&h, "\n", 1);
	add(&h, auth, strlen(auth));
	return h;
}

/* The lines themselves, in memory that no core file has. */
static struct hidden auth_lines(const struct iscsi_login *l)
{
	struct hidden h = hidden_make(4096);
	int n = snprintf(h.text, h.len, "node.session.auth.authmethod = CHAP\n"
			 "node.session.auth.username = %s\nnode.session.auth.password = %s\n",
			 l->user, l->secret->text);

	if (l->peer)
		(void)snprintf(h.text + n, h.len - (size_t)n, "node.session.auth.username_in = %s\n"
			       "node.session.auth.password_in = %s\n", l->peer,
			       l->peer_secret->text);
	return h;
}

int iscsi_record_set_auth(const struct iscsi_login *l, const char *iface, struct bp_error *err)
{
	cleanup(hidden_done) struct hidden auth = { 0 }, record = { 0 };
	auto_free char *name = NULL, *text = NULL;
	auto_close int dir = find(l, iface, &name);
	size_t len;
	int r;

	if (dir < 0)
		return bp_fail(err, BP_FAILED, "open-iscsi has no record of target '%s' at '%s', "
			       "though it was told to make one", l->def->source.devices[0].path,
			       l->portal);
	if (iscsi_record_check_auth(l, err) < 0 ||
	    file_read(dir, name, RECORD_MAX, &text, &len, err) < 0)
		return -1;
	auth = auth_lines(l);
	record = iscsi_record_with(text, auth.text);
	explicit_bzero(text, len);	/* it may have had another */
	r = file_replace(dir, name, record.text, record.len, 0600, err);
	return r;
}
