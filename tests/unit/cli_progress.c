/* cli_progress.c - how far, how fast; with a clock that is wound by hand. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/progress.h"

#include "tests/tap.h"
#include "tests/unit/cli_capture.h"

static double clock_now, paused;
static unsigned pauses;

static double now(void)
{
	return clock_now;
}

static void sleep_on_it(double seconds)
{
	clock_now += seconds;
	paused += seconds;
	pauses++;
}

static const struct progress_clock by_hand = { now, sleep_on_it };

static void wind(void)
{
	clock_now = 1000;
	paused = pauses = 0;
}

static bool about(double got, double want)
{
	return got > want - 0.001 && got < want + 0.001;
}

TEST(words_and_rates_that_make_no_sense_are_refused)
{
	struct cli cli = test_cli();
	struct progress p = { .cli = &cli };
	struct progress_wish loud = { .how = "loud" }, never = { .rate = { .given = true } };

	CHECK(progress_wanted(&p, &loud) == -1);
	SAME(cli.failure, "--progress is none, terminal or json, not 'loud'");
	CHECK(progress_wanted(&p, &never) == -1);
	SAME(cli.failure, "--limit-rate 0 would never come to an end");
	free(cli.failure);
}

TEST(no_more_is_written_in_a_second_than_was_asked_for)
{
	struct cli cli = test_cli();
	struct progress p = { .cli = &cli, .clock = &by_hand };
	struct progress_wish wish = { .rate = { .given = true, .bytes = 800000 } };
	const struct bp_progress *hook;

	wind();
	CHECK(progress_wanted(&p, &wish) == 0);
	hook = progress_begin(&p);
	SAME_N(hook->piece, 100000);
	for (int i = 0; i < 80; i++)
		hook->pace(hook->arg, 100000);
	CHECK(about(paused, 10));
	SAME_N(pauses, 160);		/* none is longer than a tenth of a second */
	clock_now += 3600;		/* nothing to write for an hour is no reason to hurry */
	paused = 0;
	for (int i = 0; i < 80; i++)
		hook->pace(hook->arg, 100000);
	CHECK(about(paused, 9.75));
	progress_end(&p);
}

TEST(without_a_limit_nobody_is_asked_to_wait)
{
	struct cli cli = test_cli();
	struct progress p = { .cli = &cli, .clock = &by_hand };
	struct progress_wish wish = { 0 };
	const struct bp_progress *hook;

	CHECK(progress_wanted(&p, &wish) == 0);
	hook = progress_begin(&p);
	CHECK(!hook->pace && !hook->piece);
	progress_end(&p);
}

/* What is said of work at 0, 0.1, 0.5, 2 and 2.1 seconds.  The caller frees. */
static char *told(const char *how, uint64_t total)
{
	static const struct { double after; uint64_t done; } steps[] = {
		{ 0, 1 << 20 }, { 0.1, 2 << 20 }, { 0.4, 3 << 20 }, { 1.5, 4 << 20 },
		{ 0.1, 8 << 20 },
	};
	struct cli cli = test_cli();
	struct progress p = { .cli = &cli, .clock = &by_hand };
	struct progress_wish wish = { .how = how };
	struct capture c = capture_begin(stderr);
	const struct bp_progress *hook;

	wind();
	(void)progress_wanted(&p, &wish);
	hook = progress_begin(&p);
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		clock_now += steps[i].after;
		(void)hook->report(hook->arg, steps[i].done, total);
	}
	progress_end(&p);
	return capture_end(&c);
}

TEST(json_is_a_line_at_most_five_times_a_second_and_the_last)
{
	char *got = told("json", 8 << 20);

	SAME(got, "{\"done\": 1048576, \"total\": 8388608, \"rate\": 0, \"eta\": null}\n"
	     "{\"done\": 3145728, \"total\": 8388608, \"rate\": 6291456, \"eta\": 1}\n"
	     "{\"done\": 4194304, \"total\": 8388608, \"rate\": 2097152, \"eta\": 2}\n"
	     "{\"done\": 8388608, \"total\": 8388608, \"rate\": 3994575, \"eta\": 0}\n");
	free(got);
}

TEST(what_nobody_knows_is_null)
{
	char *got = told("json", 0);

	CHECK(strstr(got, "{\"done\": 4194304, \"total\": null, \"rate\": 2097152, "
		     "\"eta\": null}\n"));
	free(got);
}

TEST(a_terminal_has_one_line_after_a_second_that_goes_away)
{
	char *got = told("terminal", 8 << 20);

	SAME(got, "\r 50%  4.00 MiB of 8.00 MiB, 2.00 MiB/s, 0:00:02 left\033[K\r\033[K");
	free(got);
}

TEST(none_is_none)
{
	char *got = told("none", 8 << 20);

	SAME(got, "");
	free(got);
	got = told(NULL, 8 << 20);	/* and the usual, where nobody sees it */
	SAME(got, "");
	free(got);
}
