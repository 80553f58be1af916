/* image_text.c - see image_text.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/image_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/base/size.h"

#define TOLD_MAX 1000		/* problems told of one by one */

const char *image_size_text(uint64_t bytes, char buf[IMAGE_SIZE_TEXT])
{
	static const char *const units[] = { "", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei" };
	unsigned unit = 0;
	double v = (double)bytes;

	/* 1000 KiB are 0.977 MiB */
	for (; v >= 1000 && unit < 6; unit++)
		v /= 1024;
	snprintf(buf, IMAGE_SIZE_TEXT, "%0.3g %sB", v, units[unit]);
	return buf;
}

int image_size_read(struct cli *cli, const char *text, uint64_t *ret)
{
	enum size_text r = *text >= '0' && *text <= '9' ?
		size_parse_fraction(text, UINT64_MAX, ret) : SIZE_NONSENSE;

	if (r == SIZE_TOO_LARGE)
		return cli_failed(cli, "Value '%s' is out of range for parameter 'size'", text);
	if (r != SIZE_GOOD)
		return cli_failed(cli, "Parameter 'size' expects a non-negative number below 2^64\n"
				  "Optional suffix k, M, G, T, P or E means kilo-, mega-, giga-, "
				  "tera-, peta-\nand exabytes, respectively.");
	return 0;
}

bool image_preallocation_read(const char *word, enum bp_preallocation *ret)
{
	static const char *const words[] = { "off", "metadata", "falloc", "full" };

	*ret = BP_PREALLOC_OFF;
	for (size_t i = 0; word && i < array_size(words); i++)
		if (strcmp(word, words[i]) == 0) {
			*ret = (enum bp_preallocation)i;
			return true;
		}
	return !word;
}

void image_warn_guessed(struct cli *cli, const char *path, const char *format)
{
	auto_free char *text = NULL;

	if (!cli->qemu_img) {
		text = mem_printf("the format of '%s' was guessed to be %s: say it with -f, as a "
				  "guest can let a raw disk look like anything", path, format);
		cli_warn(cli, text);
		return;
	}
	fprintf(stderr, "WARNING: Image format was not specified for '%s' and probing guessed %s.\n"
		"         Automatically detecting the format is dangerous for raw images, write "
		"operations on block 0 will be restricted.\n"
		"         Specify the '%s' format explicitly to remove the restrictions.\n",
		path, format, format);
}

static void print_snapshot(const struct bp_snapshot *s)
{
	uint64_t secs = s->clock_ns / 1000000000, ms = s->clock_ns / 1000000 % 1000;
	char size[IMAGE_SIZE_TEXT], date[32] = "", clock[64], icount[24] = "";
	time_t when = (time_t)s->created;
	struct tm tm;

	if (localtime_r(&when, &tm))
		strftime(date, sizeof date, "%Y-%m-%d %H:%M:%S", &tm);
	snprintf(clock, sizeof clock, "%02" PRIu64 ":%02" PRIu64 ":%02" PRIu64 ".%03" PRIu64,
		 secs / 3600, secs / 60 % 60, secs % 60, ms);
	if (s->icount != UINT64_MAX)
		snprintf(icount, sizeof icount, "%" PRIi64, (int64_t)s->icount);
	printf("%-9s %-16s %8s%20s%13s%11s\n", s->id ? s->id : "", s->name,
	       image_size_text(s->state_size, size), date, clock, icount);
}

void image_print_snapshots(const struct bp_snapshot *snaps, size_t n)
{
	if (!n)
		return;
	printf("Snapshot list:\n%-10s%-17s%8s%20s%13s%11s\n", "ID", "TAG", "VM SIZE", "DATE",
	       "VM CLOCK", "ICOUNT");
	for (size_t i = 0; i < n; i++)
		print_snapshot(&snaps[i]);
}

void image_print_found(const struct bp_vol_check *c)
{
	if (!c->corruptions && !c->leaks)
		printf("No errors were found on the image.\n");
	if (c->corruptions)
		printf("\n%" PRIu64 " errors were found on the image.\n"
		       "Data may be corrupted, or further writes to the image may corrupt it.\n",
		       c->corruptions);
	if (c->leaks)
		printf("\n%" PRIu64 " leaked clusters were found on the image.\n"
		       "This means waste of disk space, but no harm to data.\n", c->leaks);
}

static double percent(uint64_t part, uint64_t whole)
{
	return whole ? 100.0 * (double)part / (double)whole : 0;
}

void image_print_clusters(const struct bp_vol_check *c)
{
	if (c->total && c->allocated)
		printf("%" PRIu64 "/%" PRIu64 " = %0.2f%% allocated, %0.2f%% fragmented, "
		       "%0.2f%% compressed clusters\n", c->allocated, c->total,
		       percent(c->allocated, c->total), percent(c->fragmented, c->allocated),
		       percent(c->compressed, c->allocated));
	if (c->end)
		printf("Image end offset: %" PRIu64 "\n", c->end);
}

bool image_tell_more(unsigned *told, FILE *to)
{
	if (*told > TOLD_MAX)
		return false;
	if ((*told)++ < TOLD_MAX)
		return true;
	fputs("and more, which are counted only\n", to);
	return false;
}
