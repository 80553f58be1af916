/* image_read.c - see image_read.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/image_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/image_opts.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/base/text.h"

void image_hint_shared(struct cli *cli, const struct bp_error *err)
{
	if (err->code == BP_BUSY)
		cli_hint(cli, "-U reads it all the same");
}

int image_not_opened(struct cli *cli, const char *path, const struct bp_error *err)
{
	image_hint_shared(cli, err);
	return cli_failed(cli, "Could not open '%s'", path);
}

int image_not_shared(struct cli *cli, const char *path)
{
	return cli_failed(cli, "Could not open '%s': nobody else may use an image that is changed, "
			  "so -U is of no use here", path);
}

int image_open(struct cli *cli, const char *path, const char *format, bool shared,
	       struct bp_image_view **ret, struct bp_error *err)
{
	const struct bp_image_ref ref = { path, format, image_flags(cli, shared) };

	if (bp_image_open(&ref, ret, err) == 0)
		return 0;
	return image_not_opened(cli, path, err);
}

/* ---- -l ------------------------------------------------------------------------------ */

#define SNAPSHOT "snapshot."

struct wanted {
	char *id, *name;
};

static void wanted_done(struct wanted *w)
{
	free(w->id);
	free(w->name);
}

/* What is said twice is what is said last. */
static int read_wanted(struct cli *cli, const char *p, struct wanted *w)
{
	while (*p) {
		size_t len = strcspn(p, "=,");
		bool id = starts_with(p, SNAPSHOT "id="), name = starts_with(p, SNAPSHOT "name=");
		char **to = id ? &w->id : &w->name;

		if (!id && !name)
			return cli_failed(cli, "Invalid parameter '%.*s': a snapshot is named by "
					  "snapshot.id=ID,snapshot.name=NAME", (int)len, p);
		p += len + 1;
		free(*to);
		*to = image_opts_value(&p);
	}
	return 0;
}

static bool is_wanted(const struct wanted *w, const struct bp_snapshot *s)
{
	return (!w->id || strcmp(w->id, s->id) == 0) && (!w->name || strcmp(w->name, s->name) == 0);
}

static int find_wanted(struct cli *cli, const struct wanted *w, const struct bp_image_ref *image,
		       char **ret, struct bp_error *err)
{
	struct bp_snapshot *all;
	size_t n, i = 0;

	if (bp_image_snapshots(image, &all, &n, err) < 0)
		return -1;
	while (i < n && !is_wanted(w, &all[i]))
		i++;
	if (i < n)
		*ret = mem_dup(all[i].id);
	bp_snapshots_free(all, n);
	return i < n ? 0 : cli_failed(cli, "Failed to load snapshot: Can't find snapshot");
}

int image_snapshot_read(struct cli *cli, const char *text, const struct bp_image_ref *image,
			char **ret, struct bp_error *err)
{
	cleanup(wanted_done) struct wanted w = { 0 };

	if (!text || !starts_with(text, SNAPSHOT)) {
		*ret = mem_dup(text);
		return 0;
	}
	return read_wanted(cli, text, &w) < 0 ? -1 : find_wanted(cli, &w, image, ret, err);
}

/* ---- how it would be cached, and failures ----------------------------------------------- */

int image_cache_word(struct cli *cli, const char *word)
{
	return image_cache_mode(cli, "source cache", word);
}

int image_cache_mode(struct cli *cli, const char *what, const char *word)
{
	static const char *const words[] = {
		"none", "off", "writeback", "unsafe", "writethrough", "directsync", NULL
	};

	if (!word)
		return 0;
	for (size_t i = 0; words[i]; i++)
		if (strcmp(words[i], word) == 0)
			return 0;
	return cli_failed(cli, "Invalid %s option: %s", what, word);
}

int image_reported(struct cli *cli, struct bp_error *err, int status)
{
	cli_report(cli, err);
	*err = (struct bp_error){ 0 };
	return status;
}
