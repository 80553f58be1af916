/* image_text.c - see image_text.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/image_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

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
