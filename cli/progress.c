/* progress.c - see progress.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "cli/table.h"

static double seconds(const struct timespec *from, const struct timespec *to)
{
	return (double)(to->tv_sec - from->tv_sec) + (double)(to->tv_nsec - from->tv_nsec) / 1e9;
}

static void tell(struct progress *p, uint64_t done, uint64_t total, double elapsed)
{
	char a[SIZE_TEXT], b[SIZE_TEXT], c[SIZE_TEXT];
	double rate = (double)done / elapsed, left;

	fputc('\r', stderr);
	if (total >= done && total)
		fprintf(stderr, "%3d%%  %s of %s", (int)((double)done / (double)total * 100),
			size_text(done, a), size_text(total, b));
	else
		fprintf(stderr, "%s", size_text(done, a));
	fprintf(stderr, ", %s/s", size_text((uint64_t)rate, c));
	if (total > done && rate >= 1) {
		left = (double)(total - done) / rate;
		if (left < 100 * 3600)
			fprintf(stderr, ", %d:%02d:%02d left", (int)left / 3600,
				(int)left / 60 % 60, (int)left % 60);
	}
	fputs("\033[K", stderr);
	fflush(stderr);
	p->on_screen = true;
}

static bool report(void *arg, uint64_t done, uint64_t total)
{
	struct progress *p = arg;
	struct timespec now;

	p->moved = p->moved || done;
	if (interrupt_seen())
		return true;
	if (!p->visible)
		return false;
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (seconds(&p->began, &now) >= 1 && seconds(&p->told, &now) >= 0.2) {
		tell(p, done, total, seconds(&p->began, &now));
		p->told = now;
	}
	return false;
}

const struct bp_progress *progress_begin(struct progress *p)
{
	p->hook = (struct bp_progress){ .report = report, .arg = p };
	p->visible = !p->cli->quiet && isatty(STDERR_FILENO);
	clock_gettime(CLOCK_MONOTONIC, &p->began);
	interrupt_catch(false);
	return &p->hook;
}

void progress_end(struct progress *p)
{
	if (!p->hook.report)
		return;
	if (p->on_screen)
		fputs("\r\033[K", stderr);
	p->cli->caught = interrupt_seen();
	interrupt_release();
	p->hook.report = NULL;
}
