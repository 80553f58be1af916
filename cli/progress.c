/* progress.c - see progress.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/progress.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/json.h"
#include "cli/table.h"

enum { UNSAID, NONE, TERMINAL, JSON };
const char *const progress_words[] = { "none", "terminal", "json", NULL };

#define CREDIT 0.25		/* seconds one may have been too slow, and make up for it */
#define NAP 0.1			/* seconds; a signal just before a pause is seen after it */

static double real_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void real_pause(double seconds)
{
	struct timespec t = { .tv_sec = (time_t)seconds };

	t.tv_nsec = (long)((seconds - (double)t.tv_sec) * 1e9);
	nanosleep(&t, NULL);
}

static const struct progress_clock real_clock = { real_now, real_pause };

/* Bytes a second, and seconds left or -1. */
static double rate_of(const struct progress *p, double elapsed, double *ret_left)
{
	double rate = elapsed > 0 ? (double)p->done / elapsed : 0;

	*ret_left = p->total >= p->done && rate >= 1 ? (double)(p->total - p->done) / rate : -1;
	return rate < 1e18 ? rate : 1e18;
}

static void tell_terminal(struct progress *p, double elapsed)
{
	char a[SIZE_TEXT], b[SIZE_TEXT], c[SIZE_TEXT];
	double left, rate = rate_of(p, elapsed, &left);

	fputc('\r', stderr);
	if (p->total >= p->done && p->total)
		fprintf(stderr, "%3d%%  %s of %s", (int)((double)p->done / (double)p->total * 100),
			size_text(p->done, a), size_text(p->total, b));
	else
		fprintf(stderr, "%s", size_text(p->done, a));
	fprintf(stderr, ", %s/s", size_text((uint64_t)rate, c));
	if (left > 0 && left < 100 * 3600)
		fprintf(stderr, ", %d:%02d:%02d left", (int)left / 3600, (int)left / 60 % 60,
			(int)left % 60);
	fputs("\033[K", stderr);
	p->on_screen = true;
}

static void tell_json(const struct progress *p, double elapsed)
{
	double left, rate = rate_of(p, elapsed, &left);
	struct json j = { stderr };

	json_open(&j, NULL, '{');
	json_number(&j, "done", p->done);
	if (p->total)
		json_number(&j, "total", p->total);
	else
		json_null(&j, "total");
	json_number(&j, "rate", (uint64_t)rate);
	if (left >= 0 && left < 1e18)
		json_number(&j, "eta", (uint64_t)(left + 0.5));
	else
		json_null(&j, "eta");
	json_close(&j, '}');
	fputc('\n', stderr);
}

static void tell(struct progress *p, double now)
{
	if (p->how == JSON)
		tell_json(p, now - p->began);
	else
		tell_terminal(p, now - p->began);
	fflush(stderr);
	p->told = now;
	p->untold = false;
}

static bool report(void *arg, uint64_t done, uint64_t total)
{
	struct progress *p = arg;
	double now;

	p->moved = p->moved || done;
	if (interrupt_seen())
		return true;
	if (p->how == NONE)
		return false;
	p->done = done;
	p->total = total;
	p->untold = true;
	now = p->clock->now();
	if (now - p->told >= 0.2 && (p->how == JSON || now - p->began >= 1))
		tell(p, now);
	return false;
}

/* What was not used for more than a moment is lost, or work that went on
 * without writing would be followed by a flood. */
static void pace(void *arg, uint64_t bytes)
{
	struct progress *p = arg;
	double now = p->clock->now();

	if (p->free_at < now - CREDIT)
		p->free_at = now - CREDIT;
	p->free_at += (double)bytes / (double)p->rate;
	while (!interrupt_seen() && p->free_at > now) {
		p->clock->pause(p->free_at - now < NAP ? p->free_at - now : NAP);
		now = p->clock->now();
	}
}

int progress_wanted(struct progress *p, const struct progress_wish *wish)
{
	if (wish->how) {
		for (p->how = NONE; progress_words[p->how - NONE]; p->how++)
			if (strcmp(wish->how, progress_words[p->how - NONE]) == 0)
				break;
		if (!progress_words[p->how - NONE])
			return cli_failed(p->cli, "--progress is none, terminal or json, not '%s'",
					  wish->how);
	}
	if (wish->rate.given && !wish->rate.bytes)
		return cli_failed(p->cli, "--limit-rate 0 would never come to an end");
	p->rate = wish->rate.bytes;
	return 0;
}

const struct bp_progress *progress_begin(struct progress *p)
{
	p->hook = (struct bp_progress){ .report = report, .arg = p };
	if (p->rate) {
		p->hook.pace = pace;
		p->hook.piece = p->rate / 8 < 4096 ? 4096 : p->rate / 8;
	}
	if (p->how == UNSAID)
		p->how = !p->cli->quiet && isatty(STDERR_FILENO) ? TERMINAL : NONE;
	if (!p->clock)
		p->clock = &real_clock;
	p->began = p->free_at = p->clock->now();
	interrupt_catch(false);
	return &p->hook;
}

void progress_end(struct progress *p)
{
	if (!p->hook.report)
		return;
	if (p->how == JSON && p->untold)
		tell(p, p->clock->now());
	if (p->on_screen)
		fputs("\r\033[K", stderr);
	p->cli->caught = interrupt_seen();
	interrupt_release();
	p->hook.report = NULL;
}
