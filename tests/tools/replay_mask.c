/* replay_mask.c - blank what no two runs can share: times, sizes of the host, random names. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/tools/replay.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/text.h"

/* A pattern is replaced in every line, as often as it occurs.  With a command,
 * only in cases that run such a command; with from and to, only in the lines
 * between such lines. */
struct mask {
	const char *command, *from, *to, *pattern, *with;
};

#define NUMBER "[0-9]+\\.[0-9]{2} ([KMGTPE]i)?B"

static const struct mask masks[] = {
	/* times: those of these years; a test may set others */
	{ .pattern = "<([a-z]*time)>1[6-9][0-9]{8}(\\.[0-9]+)?<", .with = "<\\1>NOW<" },
	{ .pattern = "^20[0-9-]{8} [0-9:]{8}\\.[0-9]{3}\\+0000: ", .with = "STAMP: " },
	{ .pattern = "^STAMP: [0-9]+: ", .with = "STAMP: PID: " },
	{ .pattern = "^\\[20[0-9.]{8} [0-9:]{8} (virsh) [0-9]+\\]", .with = "[STAMP \\1 PID]" },
	{ .pattern = "\\(Time: [0-9]+\\.[0-9]+ ms\\)", .with = "(Time: T ms)" },

	/* sizes of the file system a pool is on */
	{ .from = "^ *<pool ", .to = "</pool>",
	  .pattern = "<(capacity|allocation|available) unit='bytes'>[1-9][0-9]*<",
	  .with = "<\\1 unit='bytes'>SIZE<" },
	{ .command = "pool-info", .pattern = "^(Capacity|Allocation|Available): +" NUMBER "$",
	  .with = "\\1: SIZE" },
	{ .command = "pool-info", .pattern = "^(Capacity|Allocation|Available): +[0-9]+$",
	  .with = "\\1: BYTES" },
	{ .from = "^UUID: ", .to = "^Available: ",	/* pool-info among others at a prompt */
	  .pattern = "^(Capacity|Allocation|Available): +" NUMBER "$", .with = "\\1: SIZE" },
	{ .command = "pool-list.*--details", .pattern = NUMBER, .with = "SIZE" },
	{ .command = "pool-list.*--details", .pattern = "   +|-   +", .with = "  " },
	{ .command = "pool-list.*--details", .pattern = "----+", .with = "----" },

	/* names made up */
	{ .pattern = "/tmp/virsh[A-Za-z0-9]{6}\\.xml", .with = "/tmp/virshRANDOM.xml" },

	/* listings: dates, and what a directory's entries take */
	{ .command = "ls -l", .pattern = " [A-Z][a-z]{2} +[0-9]+ +([0-9]{2}:[0-9]{2}|[0-9]{4}) ",
	  .with = " DATE " },
	{ .command = "ls -l", .pattern = "^(d[^ ]*) +[0-9]+ (.*) [0-9]+ DATE ",
	  .with = "\\1 N \\2 N DATE " },
	{ .command = "ls -l", .pattern = "^total [0-9]+", .with = "total N" },
	{ .command = "ls -l", .pattern = "  +", .with = " " },
	{ .command = "^find", .pattern = "^(d[^ ]* [^ ]*)( d)? [0-9]+", .with = "\\1\\2 N" },
	{ .command = "^find", .pattern = "[0-9]+ (/run/libvirt/storage/driver\\.pid)",
	  .with = "N \\1" },

	/* a terminal's line ends */
	{ .command = "pty_drive", .pattern = "\r", .with = "" },

	/* what is random, or as fast as the machine */
	{ .command = "^cmp ", .pattern = ", in line [0-9]+$", .with = ", in line N" },
	{ .command = "qemu-img info", .pattern = "(iters): [0-9]+$", .with = "\\1: N" },
};

enum { MASKS = sizeof masks / sizeof *masks };

void regex_make(regex_t *re, const char *pattern)
{
	char why[200];
	int status = regcomp(re, pattern, REG_EXTENDED);

	if (status == 0)
		return;
	regerror(status, re, why, sizeof why);
	die("%s: %s", pattern, why);
}

bool regex_found(const regex_t *re, const char *s)
{
	return regexec(re, s, 0, NULL, 0) == 0;
}

static void add_replacement(struct text *t, const char *s, const regmatch_t *m, const char *with)
{
	for (; *with; with++) {
		const regmatch_t *g;

		if (*with != '\\' || !isdigit((unsigned char)with[1])) {
			text_add_n(t, with, 1);
			continue;
		}
		g = &m[*++with - '0'];
		if (g->rm_so >= 0)
			text_add_n(t, s + g->rm_so, (size_t)(g->rm_eo - g->rm_so));
	}
}

char *regex_replace(const regex_t *re, const char *s, const char *with, bool all)
{
	regmatch_t m[10];
	struct text t = { 0 };
	int flags = 0;

	if (regexec(re, s, 10, m, 0) != 0)
		return NULL;
	do {
		text_add_n(&t, s, (size_t)m[0].rm_so);
		add_replacement(&t, s, m, with);
		s += m[0].rm_eo;
		flags = REG_NOTBOL;
	} while (all && m[0].rm_eo > m[0].rm_so && *s && regexec(re, s, 10, m, flags) == 0);
	text_add(&t, s);
	return text_steal(&t);
}

static void mask_line(const regex_t *re, const char *with, char **line)
{
	char *new = regex_replace(re, *line, with, true);

	if (new) {
		free(*line);
		*line = new;
	}
}

static void mask_lines(const struct mask *k, struct lines *l)
{
	regex_t re, from, to;
	bool in = !k->from;

	regex_make(&re, k->pattern);
	regex_make(&from, k->from ? k->from : "^$");
	regex_make(&to, k->to ? k->to : "^$");
	for (size_t i = 0; i < l->n; i++) {
		if (k->from && regex_found(&from, l->at[i]))
			in = true;
		if (in)
			mask_line(&re, k->with, &l->at[i]);
		if (k->to && regex_found(&to, l->at[i]))
			in = false;
	}
	regfree(&re);
	regfree(&from);
	regfree(&to);
}

/* Listings sorted by a size that is masked come out in another order. */
static void sort_listing(struct lines *l)
{
	size_t n = 0;

	while (n < l->n && l->at[n][0] && strchr("-dl", l->at[n][0]))
		n++;
	lines_sort(l, 0, n);
}

void mask(const char *command, struct outcome *o)
{
	for (size_t i = 0; i < MASKS; i++) {
		bool wanted = true;
		regex_t re;

		if (masks[i].command) {
			regex_make(&re, masks[i].command);
			wanted = regex_found(&re, command);
			regfree(&re);
		}
		if (!wanted)
			continue;
		mask_lines(&masks[i], &o->out);
		mask_lines(&masks[i], &o->err);
	}
	if (starts_with(command, "find "))
		sort_listing(&o->out);
}
