/* remote.c - any bytes as what servers, programs and the kernel say of pools that are on the
 * network or on SCSI hosts; the first says which.
 *
 * What an NFS server answers, URLs, options of mounts, what open-iscsi prints and keeps, our own
 * notes, places of disks, lines about locks, secrets.
 *
 * How it hunts and replays: replay.h.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "backends/iscsi.h"
#include "backends/luns.h"
#include "backends/mounts.h"
#include "backends/netfs.h"
#include "core/base/holder.h"
#include "core/base/text.h"
#include "tests/fuzz/replay.h"
#include "xml/xml.h"

static void must(bool so)
{
	if (!so)
		abort();
}

/* The mark before an answer, and the answer, of which no more is there than it says. */
static void nfs_answer(char *text, size_t len)
{
	uint32_t mark = 0;
	size_t said;

	if (len < sizeof mark)
		return;
	memcpy(&mark, text, sizeof mark);
	said = netfs_reply_size(mark);
	if (!said || said > len - sizeof mark)
		return;
	auto_free uint32_t *reply = mem_alloc(said);

	memcpy(reply, text + sizeof mark, said);
	for (unsigned version = 3; version <= 4; version++)
		if (netfs_reply_is_good(reply, said, version))
			must(ntohl(reply[0]) == version);
}

/* HOST, DIR and what is a name or a URL.  A name is found again in its own URL. */
static void url(char *text, size_t len)
{
	char *dir = strchr(text, '\n'), *name = dir ? strchr(dir + 1, '\n') : NULL;
	struct bp_host host = { .name = text };
	struct bp_pool_def def = { .source = { .hosts = &host, .n_hosts = 1 } };
	struct bp_pool p = { .def = &def };

	(void)len;
	if (!name)
		return;
	*dir++ = *name++ = '\0';
	def.source.dir = dir;
	auto_free char *made = user_url(&p, name), *back = user_name_of(&p, made);
	auto_free char *found = user_name_of(&p, name);

	must(back && strcmp(back, name) == 0);
	must(!found || strlen(found) <= strlen(name));
	if (user_name_is_good(name))
		must(*name && !strchr(name, '/'));
}

/* What is taken out is out, and what is left says the same. */
static void options(char *text, size_t len)
{
	unsigned long flags, again;
	auto_free char *kernel = netfs_kernel_options(text), *same = netfs_kernel_options(kernel);
	auto_free char *more = mounts_more_options(text, &flags);
	auto_free char *port = mounts_option(text, "port");
	auto_free char *left = mounts_more_options(more, &again);

	must(strcmp(kernel, same) == 0 && strlen(kernel) <= len);
	must(strcmp(more, left) == 0 && !again && strlen(more) <= len);
	must(!port || strstr(text, port));
	(void)mounts_read_only(text);
	(void)mounts_is_flag(text);
}

/* The first line is the name that is looked for. */
static void interfaces(char *text, size_t len)
{
	char *listing = strchr(text, '\n');

	if (!listing)
		return;
	*listing++ = '\0';
	auto_free char *found = iscsi_iface_in(listing, text);

	must(!found || strlen(found) <= len);
}

static void own_name(char *text, size_t len)
{
	auto_free char *name = iscsi_name_in(text);

	must(!name || (strlen(name) <= len && !strpbrk(name, " \t\r\n")));
}

static void note(char *text, size_t len)
{
	cleanup(iscsi_note_done) struct iscsi_note n = iscsi_note_read(text);

	(void)len;
	must(n.any && (!n.portal || !strchr(n.portal, '\n')) &&
	     (!n.iface || !strchr(n.iface, '\n')));
}

/* None of the old lines is left, and the new ones are there once. */
static void record(char *text, size_t len)
{
	static const char auth[] = "\nnode.session.auth.authmethod = CHAP\n";
	cleanup(hidden_done) struct hidden h = iscsi_record_with(text, auth + 1);
	auto_free char *got = mem_printf("\n%.*s", (int)h.len, h.text);
	const char *at = strstr(got, "\nnode.session.auth.");

	must(h.len <= len + strlen(auth) && at && starts_with(at, auth));
	must(!strstr(at + 1, "\nnode.session.auth."));
}

static void place(char *text, size_t len)
{
	struct luns_place p;

	(void)len;
	(void)luns_place_read(text, &p);
}

static void lock(char *text, size_t len)
{
	(void)len;
	(void)holder_line(text, true, 0, 0);
	must(!holder_line(text, false, 1, 0) || holder_line(text, false, INT64_MIN, INT64_MAX));
}

static void secret(char *text, size_t len)
{
	auto_free char *uuid = NULL, *kind = NULL, *usage = NULL;
	cleanup(hidden_done) struct hidden value = hidden_make(len + 1);
	struct bp_error err = { 0 };

	if (bp_xml_parse_secret(text, len, "f", &uuid, &kind, &usage, &err) < 0)
		must(err.code && *err.text);
	else
		must(uuid && is_utf8(uuid));
	memcpy(value.text, text, len);
	value.len = len;
	if (hidden_decode(&value) == 0)
		must(value.len <= len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static void (*const readers[])(char *, size_t) = {
		nfs_answer, url, options, interfaces, own_name, note, record, place, lock, secret,
	};

	return read_by_first(readers, array_size(readers), data, len);
}
