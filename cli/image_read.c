/* image_read.c - see image_read.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/image_read.h"

#include <stdio.h>
#include <string.h>

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

int image_open(struct cli *cli, const char *path, const char *format, bool shared,
	       struct bp_image_view **ret, struct bp_error *err)
{
	const struct bp_image_ref ref = { path, format, image_flags(cli, shared) };

	if (bp_image_open(&ref, ret, err) == 0)
		return 0;
	return image_not_opened(cli, path, err);
}

const char *image_snapshot_word(const char *text)
{
	static const char *const keys[] = { "snapshot.id=", "snapshot.name=" };

	for (size_t i = 0; text && i < sizeof keys / sizeof *keys; i++)
		if (strncmp(text, keys[i], strlen(keys[i])) == 0)
			return text + strlen(keys[i]);
	return text;
}

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

static void show(struct image_percent *p, double percent)
{
	printf("    (%3.2f/100%%)\r", percent);
	fflush(stdout);
	p->told = percent;
}

static bool report(void *arg, uint64_t done, uint64_t total)
{
	struct image_percent *p = arg;
	double percent = total ? 100.0 * (double)done / (double)total : 0;

	if (percent - p->told >= 1 || (total && done == total && p->told < 100))
		show(p, percent);
	return false;
}

const struct bp_progress *image_percent(struct image_percent *p, bool wanted)
{
	p->shown = wanted;
	if (!wanted)
		return NULL;
	p->hook = (struct bp_progress){ .report = report, .arg = p };
	show(p, 0);
	return &p->hook;
}

void image_percent_end(struct image_percent *p, bool done)
{
	if (p->shown && done && (p->told < 100 || p->twice))
		show(p, 100);
	if (p->shown)
		putchar('\n');
}
