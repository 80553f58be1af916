/* cli_options.c - words against rows: who gets which, and what is refused in which words. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "cli/options.h"
#include "core/base/text.h"
#include "tests/tap.h"
#include "tests/unit/cli_capture.h"

/* What is said against a line, and that it is refused; NULL if it is not. */
static char *refusal(struct cli *cli, const char *line)
{
	struct words w = { .line = line };
	struct parsed_list list;
	struct capture c = capture_begin(stderr);
	int result = options_parse(cli, &w, &list);
	char *said = capture_end(&c);

	if (result < 0)
		return said;
	parsed_list_done(&list);
	free(said);
	return NULL;
}

static const char *const refused[][2] = {
	{ "pool-lis", "error: unknown command: 'pool-lis'\n" },
	{ "'' x", "error: unknown command: ''\n" },
	{ "list", "error: unknown command: 'list'\n"
		  "error: this is barepool, which has virsh's storage commands only\n" },
	{ "init", "error: unknown command: 'init'\n" },		/* not virsh's */
	{ "pool-list --no-such", "error: command 'pool-list' doesn't support option --no-such\n" },
	{ "pool-info --byt d1", "error: command 'pool-info' doesn't support option --byt\n" },
	{ "pool-list --nope=1", "error: command 'pool-list' doesn't support option --nope\n" },
	{ "pool-list --format json",
	  "error: command 'pool-list' doesn't support option --format\n" },
	{ "pool-capabilities --table",
	  "error: command 'pool-capabilities' doesn't support option --table\n" },
	{ "pool-info", "error: command 'pool-info' requires <pool> option\n" },
	{ "pool-info --pool", "error: expected syntax: --pool <string>\n" },
	{ "pool-event --timeout", "error: expected syntax: --timeout <number>\n" },
	{ "pool-info d1 extra", "error: unexpected data 'extra'\n" },
	{ "pool-info --pool d1 d1", "error: unexpected data 'd1'\n" },
	{ "pool-info --pool --bytes d1", "error: unexpected data 'd1'\n" },
	{ "pool-info --bytes=1 d1", "error: invalid '=' after option --bytes\n" },
	{ "pool-info --help=1", "error: invalid '=' after option --help\n" },
	{ "pool-info --bytes --bytes d1", "error: option --bytes already seen\n" },
	{ "pool-info d1 --pool d2", "error: option --pool already seen\n" },
	{ "pool-list --all --all=1", "error: option --all already seen\n" },
	{ "pool-info -- --pool d1", "error: unexpected data 'd1'\n" },
	{ "vol-create-as d1", "error: command 'vol-create-as' requires <name> option\n"
			      "error: command 'vol-create-as' requires <capacity> option\n" },
	{ "vol-create-as --name x", "error: command 'vol-create-as' requires <pool> option\n"
				    "error: command 'vol-create-as' requires <capacity> option\n" },
	{ "pool-info --help x y", "error: unexpected data 'y'\n" },
	{ "pool-dumpxml p x", "error: unexpected data 'x'\n" },
	{ "vol-dumpxml v p x", "error: unexpected data 'x'\n" },
	{ "pool-list; nope", "error: unknown command: 'nope'\n" },
	{ "nope \"x", "error: unknown command: 'nope'\n" },
	{ "pool-info \"x", "error: missing \"\n" },
	{ "pool-info d1\\", "error: dangling \\\n" },
};

TEST(what_makes_no_sense_is_refused_as_virsh_refuses_it)
{
	struct cli cli = test_cli();

	cli.virsh = true;
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		char *said = refusal(&cli, refused[i][0]);

		CHECK(said);
		SAME(said, refused[i][1]);
		free(said);
	}
}

/* The values of the last command of a line, by row, as "name=value". */
static char *values(struct cli *cli, const char *line)
{
	struct words w = { .line = line };
	struct parsed_list list;
	struct text out = { 0 };
	const struct parsed *p;

	if (options_parse(cli, &w, &list) < 0)
		return strdup("refused");
	p = &list.commands[list.n - 1];
	text_addf(&out, "%s%s", p->cmd->name, p->help ? " help" : "");
	for (size_t i = 0; i < options_count(p->cmd); i++)
		if (p->values[i])
			text_addf(&out, " %s=%s", p->cmd->options[i].name, p->values[i]);
	for (size_t i = 0; i < p->rest.n; i++)
		text_addf(&out, " [%s]", p->rest.words[i]);
	if (p->format == FORMAT_JSON)
		text_add(&out, " json");
	parsed_list_done(&list);
	return text_steal(&out);
}

static const char *const taken[][2] = {
	{ "pool-info d1", "pool-info pool=d1" },
	{ "pool-info --pool d1", "pool-info pool=d1" },
	{ "pool-info --pool=d1 --bytes", "pool-info pool=d1 bytes=" },
	{ "pool-info --pool=", "pool-info pool=" },
	{ "pool-info --pool=a=b", "pool-info pool=a=b" },
	{ "pool-info --bytes -- d1", "pool-info pool=d1 bytes=" },
	{ "pool-info -- --bytes", "pool-info pool=--bytes" },
	{ "pool-info --pool --bytes", "pool-info pool=--bytes" },
	{ "pool-info -x", "pool-info pool=-x" },
	{ "pool-info ---", "pool-info pool=---" },
	{ "pool-info --=x", "pool-info pool=--=x" },
	{ "pool-list dir", "pool-list type=dir" },
	{ "vol-info v --bytes d1", "vol-info vol=v pool=d1 bytes=" },
	{ "vol-info --pool d1 v", "vol-info vol=v pool=d1" },
	{ "vol-resize r1 -5M d1", "vol-resize vol=r1 capacity=-5M pool=d1" },
	{ "vol-upload v f d1 5 6", "vol-upload vol=v file=f pool=d1 offset=5 length=6" },
	{ "pool-define-as p dir host path dev name target fmt",
	  "pool-define-as name=p type=dir source-host=host source-path=path source-dev=dev "
	  "source-name=name target=target source-format=fmt" },
	{ "vol-info --help", "vol-info help" },
	{ "pool-list; pool-list --all", "pool-list all=" },
	{ "echo a --shell b -- --xml", "echo shell= [a] [b] [--xml]" },
	{ "echo --string a", "echo [a]" },
	{ "help a b c", "help command=a [b] [c]" },
	{ "help --all pool-list --x=y", "help command=pool-list" },
	{ "pool-dumpxml p --xpath x", "pool-dumpxml pool=p xpath=x" },
};

TEST(bare_words_fill_the_rows_in_order)
{
	struct cli cli = test_cli();

	cli.virsh = true;
	for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
		char *got = values(&cli, taken[i][0]);

		SAME(got, taken[i][1]);
		free(got);
	}
}

TEST(our_own_options_are_there_under_our_own_name)
{
	static const char *const ours[][2] = {
		{ "pool-info d1 --format json", "pool-info pool=d1 json" },
		{ "pool-info --format=text d1", "pool-info pool=d1" },
		{ "vol-create-as d1 v 1 --format json",
		  "vol-create-as pool=d1 name=v capacity=1 format=json" },
		{ "pool-capabilities --table", "pool-capabilities table=" },
		{ "xml a --pool b", "xml file=a pool=b" },
	};
	struct cli cli = test_cli();
	char *said;

	for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
		char *got = values(&cli, ours[i][0]);

		SAME(got, ours[i][1]);
		free(got);
	}
	said = refusal(&cli, "pool-list --format xml");
	SAME(said, "error: --format is text or json, not 'xml'\n");
	free(said);
	said = refusal(&cli, "xml a b");
	SAME(said, "error: unexpected data 'b'\n");
	free(said);
}

/* ---- typed values ------------------------------------------------------- */

struct test_args {
	const char *text, *may_be_empty;
	struct cli_size size, signed_size;
	struct cli_number number, signed_number;
	bool flag, other;
};

static const struct option_row rows[] = {
#define AT(m) offsetof(struct test_args, m)
	{ "text", OPT_STRING, 0, AT(text), "", COMPLETE_NOTHING },
	{ "may-be-empty", OPT_STRING, ROW_EMPTY_OK, AT(may_be_empty), "", COMPLETE_NOTHING },
	{ "size", OPT_SIZE, ROW_EMPTY_OK, AT(size), "", COMPLETE_NOTHING },
	{ "signed-size", OPT_SIZE, ROW_SIGNED, AT(signed_size), "", COMPLETE_NOTHING },
	{ "number", OPT_NUMBER, 0, AT(number), "", COMPLETE_NOTHING },
	{ "signed-number", OPT_NUMBER, ROW_SIGNED, AT(signed_number), "", COMPLETE_NOTHING },
	{ "flag", OPT_FLAG, 0, AT(flag), "", COMPLETE_NOTHING },
	{ "other", OPT_FLAG, 0, AT(other), "", COMPLETE_NOTHING },
	{ NULL }
#undef AT
};

static const char *const pairs[][2] = { { "other", "flag" }, { NULL } };
static const struct command command = {
	"test", "", NULL, "", rows, sizeof(struct test_args), NULL, 0, pairs
};

/* Fill one row; what is said if that fails, both lines. */
static char *fill(size_t row, const char *value, struct test_args *args)
{
	struct cli cli = test_cli();
	const char *list[8] = { 0 };
	struct parsed p = { .cmd = &command, .values = list };
	struct bp_error err = { 0 };
	struct capture c;

	*args = (struct test_args){ 0 };
	list[row] = value;
	if (options_fill(&cli, &p, args, &err) == 0)
		return NULL;
	cli.virsh = true;
	free(cli.hint);
	cli.hint = NULL;
	c = capture_begin(stderr);
	cli_report(&cli, &err);
	return capture_end(&c);
}

enum { TEXT_, EMPTY_, SIZE_, SIGNED_SIZE_, NUMBER_, SIGNED_NUMBER_, FLAG_, OTHER_ };

TEST(values_are_checked_and_typed)
{
	struct test_args a;

	CHECK(!fill(TEXT_, "x", &a));
	SAME(a.text, "x");
	CHECK(!fill(EMPTY_, "", &a));
	SAME(a.may_be_empty, "");
	CHECK(!fill(SIZE_, "10G", &a) && a.size.given && a.size.bytes == 10ull << 30);
	CHECK(!fill(SIZE_, " +1kb", &a) && a.size.bytes == 1000);
	CHECK(!fill(SIZE_, "", &a) && !a.size.given);
	CHECK(!fill(SIZE_, "18446744073709551615", &a) && a.size.bytes == UINT64_MAX);
	CHECK(!fill(SIGNED_SIZE_, "-2M", &a) && a.signed_size.negative);
	CHECK(a.signed_size.bytes == 2 << 20);
	SAME(a.signed_size.text, "2M");
	CHECK(!fill(NUMBER_, "010", &a) && a.number.given && a.number.value == 10);
	CHECK(!fill(SIGNED_NUMBER_, "-1", &a) && a.signed_number.value == UINT64_MAX);
	CHECK(!fill(FLAG_, "", &a) && a.flag);
}

static const struct { size_t row; const char *value, *said; } wrong[] = {
	{ TEXT_, "", "error: Failed to get option 'text': Option argument is empty\n" },
	{ SIGNED_SIZE_, "",
	  "error: Failed to get option 'signed-size': Option argument is empty\n" },
	{ SIZE_, "abc", "error: Malformed size abc\n" },
	{ SIZE_, "-1", "error: Malformed size -1\n" },
	{ SIZE_, " ", "error: Malformed size  \n" },
	{ SIZE_, "18446744073709551616", "error: Malformed size 18446744073709551616\n" },
	{ SIZE_, "1.5G", "error: Malformed size 1.5G\n"
			 "error: invalid argument: unknown suffix '.5G'\n" },
	{ SIZE_, "16E", "error: Malformed size 16E\n"
			"error: numerical overflow: value too large: 16E\n" },
	{ SIGNED_SIZE_, "--1", "error: Malformed size --1\n" },
	{ NUMBER_, "-1",
	  "error: Numeric value '-1' for <number> option is malformed or out of range\n" },
	{ NUMBER_, "",
	  "error: Numeric value '' for <number> option is malformed or out of range\n" },
	{ NUMBER_, "1M",
	  "error: Numeric value '1M' for <number> option is malformed or out of range\n" },
	{ SIGNED_NUMBER_, "--1",
	  "error: Numeric value '--1' for <signed-number> option is malformed or out of range\n" },
};

TEST(wrong_values_are_refused_as_virsh_refuses_them)
{
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct test_args a;
		char *said = fill(wrong[i].row, wrong[i].value, &a);

		CHECK(said);
		SAME(said, wrong[i].said);
		free(said);
	}
}

TEST(options_exclude_each_other)
{
	struct cli cli = test_cli();
	const char *list[8] = { [FLAG_] = "", [OTHER_] = "" };
	struct parsed p = { .cmd = &command, .values = list };
	struct test_args args = { 0 };
	struct bp_error err = { 0 };

	CHECK(options_fill(&cli, &p, &args, &err) == -1);
	SAME(cli.failure, "Options --other and --flag are mutually exclusive");
	CHECK(err.code == BP_OK);
	free(cli.failure);
}
