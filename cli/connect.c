/* connect.c - which store is meant. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "core/base/text.h"

/* libvirt's names for the two places a host has.  Those of its QEMU driver are
 * understood because they are what people have in their scripts. */
struct store_place {
	const char *driver, *path;
	const char *uri;
	bool session;
};

static const struct store_place places[] = {
	{ "storage", "/system",  "storage:///system",  false },
	{ "storage", "/session", "storage:///session", true },
	{ "qemu",    "/system",  "qemu:///system",     false },
	{ "qemu",    "/session", "qemu:///session",    true },
	{ NULL }
};

static const struct store_place *usual_place(void)
{
	return &places[geteuid() == 0 ? 0 : 1];
}

const char *cli_uri(const struct cli *cli)
{
	return (cli->place ? cli->place : usual_place())->uri;
}

/* What follows "driver://" or "driver+unix://", or NULL. */
static const char *path_for(const char *uri, const char *driver)
{
	size_t n = strlen(driver);

	if (strncmp(uri, driver, n) != 0)
		return NULL;
	uri += n;
	if (starts_with(uri, "+unix"))
		uri += 5;
	return starts_with(uri, "://") ? uri + 3 : NULL;
}

static int find_place(const char *uri, const struct store_place **ret, struct bp_error *err)
{
	const char *path = NULL, *driver = NULL;

	for (const struct store_place *p = places; p->driver; p++) {
		const char *rest = path_for(uri, p->driver);

		if (rest && strcmp(rest, p->path) == 0) {
			*ret = p;
			return 0;
		}
		if (rest) {
			path = rest;
			driver = p->driver;
		}
	}
	if (!path)
		return bp_fail(err, BP_SYSTEM, "no connection driver available for %s", uri);
	return bp_fail(err, BP_INTERNAL, "unexpected %s URI path '%s', try %s:///system",
		       driver, path, driver);
}

int cli_connect(struct cli *cli, const char *uri, bool readonly, struct bp_error *err)
{
	const struct store_place *place = NULL;

	if (*uri && find_place(uri, &place, err) < 0) {
		cli_hint(cli, "the stores are storage:///system and storage:///session");
		return cli_failed(cli, "failed to connect to the %s",
				  cli->virsh ? "hypervisor" : "store");
	}
	cli->place = place;
	cli->readonly = readonly;
	bp_store_close(cli->store);
	cli->store = NULL;
	return 0;
}

int cli_open_store(struct cli *cli, struct bp_error *err)
{
	struct bp_store_paths paths = cli->paths;

	if (cli->store)
		return 0;
	if (cli->readonly)
		paths.flags |= BP_STORE_READONLY;
	if (cli->place && cli->place->session)
		paths.flags |= BP_STORE_SESSION;
	if (cli->place && !cli->place->session && geteuid() != 0) {	/* the host's, for a user */
		paths.config = paths.config ? paths.config : "/etc/libvirt/storage";
		paths.run = paths.run ? paths.run : "/run/libvirt/storage";
	}
	if (bp_store_open(&paths, &cli->store, err) < 0)
		return cli_failed(cli, "failed to connect to the %s",
				  cli->virsh ? "hypervisor" : "store");
	return 0;
}
