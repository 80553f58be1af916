/* image_change.c - see image_change.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/image_change.h"

#include "core/base/size.h"

static bool report(void *arg, uint64_t done, uint64_t total)
{
	struct image_work *w = arg;

	w->percent.hook.report(w->percent.hook.arg, done, total);
	return w->next->report(w->next->arg, done, total);
}

static void pace(void *arg, uint64_t bytes)
{
	const struct image_work *w = arg;

	progress_pace(w->next, bytes);
}

int image_work_begin(struct image_work *w, bool wanted, const char *rate)
{
	struct progress_wish wish = { .rate.given = rate };

	if (rate && size_parse_fraction(rate, INT64_MAX, &wish.rate.bytes) != SIZE_GOOD)
		return cli_failed(w->cli, "Invalid rate limit specified: %s", rate);
	if (!wish.rate.bytes)		/* -r 0: there is none */
		wish.rate.given = NULL;
	wanted = wanted && !w->quiet;
	w->usual.cli = w->cli;
	if (wanted || w->quiet || w->cli->qemu_img)
		wish.how = "none";
	if (progress_wanted(&w->usual, &wish) < 0)
		return -1;
	w->next = progress_begin(&w->usual);
	w->hook = (struct bp_progress){ report, w, pace, w->next->piece };
	(void)image_percent(&w->percent, wanted);
	return 0;
}

void image_work_end(struct image_work *w, bool done)
{
	image_percent_end(&w->percent, done);
	progress_end(&w->usual);
}
