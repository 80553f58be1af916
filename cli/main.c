/* main.c - who are we, what is asked, did it work. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/image.h"
#include "cli/shell.h"
#include "core/base/cleanup.h"
#include "core/base/text.h"

/* A file opened later must not become the standard output by accident. */
static void hold_standard_descriptors(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			(void)open("/dev/null", O_RDONLY);
}

static struct cli identify(const char *argv0)
{
	const char *slash = argv0 ? strrchr(argv0, '/') : NULL;
	struct cli cli = {
		.program = slash ? slash + 1 : argv0 && *argv0 ? argv0 : "barepool",
		.paths.config = getenv("BAREPOOL_CONFIG_DIR"),
		.paths.run = getenv("BAREPOOL_RUN_DIR"),
		.debug = 4,
		.log_fd = -1,
	};

	cli.virsh = strcmp(cli.program, "virsh") == 0;
	cli.qemu_img = strcmp(cli.program, "qemu-img") == 0;
	return cli;
}

/* Who calls us virsh may have said elsewhere which store is meant. */
static int usual_store(struct cli *cli)
{
	const char *uri = cli->virsh && !cli->place ? getenv("VIRSH_DEFAULT_CONNECT_URI") : NULL;
	struct bp_error err = { 0 };

	if (cli->virsh && !cli->place && (!uri || !*uri))
		uri = getenv("LIBVIRT_DEFAULT_URI");
	if (!uri || cli_connect(cli, uri, cli->readonly, &err) == 0)
		return 0;
	cli_report(cli, &err);
	return -1;
}

/* The commands of the line, or of standard input if there are none. */
static int run(struct cli *cli, char **argv)
{
	struct words words = { 0 };

	if (!argv[0])
		return run_session(cli);
	if (!argv[1])
		words.line = argv[0];
	else
		words.argv = argv;
	if (words.line && !*words.line)		/* virsh has no word for this either */
		return 1;
	if (words.line) {
		cli_debug(cli, "commands: \"%s\"", words.line);
	} else {
		struct text all = { 0 };

		for (char **p = argv; *p && cli->debug <= 1; p++)
			text_addf(&all, "%s%s", p == argv ? "" : " ", *p);
		cli_debug(cli, "commands: \"%s\"", all.s);
		text_done(&all);
	}
	return run_words(cli, &words);
}

/* What could not be written was not done. */
static int check_output(struct cli *cli, int status)
{
	bool bad = ferror(stdout);

	if (fflush(stdout) == 0 && !bad)
		return status;
	cli_complain(cli, "cannot write to standard output: %s", strerror(errno));
	return 1;
}

/* A shell that waits for us must see that it was Ctrl-C that ended us. */
static void die_as_told(int signal_number)
{
	fflush(stdout);
	signal(signal_number, SIG_DFL);
	raise(signal_number);
}

int main(int argc, char **argv)
{
	static char buffer[1 << 16];
	struct cli cli = identify(argc ? argv[0] : NULL);
	int next = argc, status;

	hold_standard_descriptors();
	if (!isatty(STDOUT_FILENO))
		setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
	if (cli.qemu_img) {
		status = image_main(&cli, argc, argv);
	} else {
		status = global_options(&cli, argc, argv, false, &next);
		if (status == 0 && usual_store(&cli) < 0)
			status = -1;
		status = status == 0 ? run(&cli, argv + next) : status < 0;
	}
	bp_store_close(cli.store);
	status = check_output(&cli, status);
	if (cli.caught)
		die_as_told(cli.caught);
	return status;
}
