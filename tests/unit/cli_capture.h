/* cli_capture.h - what a piece of the command prints, caught. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_TESTS_CLI_CAPTURE_H
#define BP_TESTS_CLI_CAPTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cli/command.h"

struct capture {
	FILE *stream;
	int saved, file;
};

static inline struct capture capture_begin(FILE *stream)
{
	struct capture c = { .stream = stream, .file = memfd_create("capture", MFD_CLOEXEC) };

	fflush(stream);
	c.saved = dup(fileno(stream));
	dup2(c.file, fileno(stream));
	return c;
}

/* The caller frees. */
static inline char *capture_end(struct capture *c)
{
	off_t size;
	char *text;

	fflush(c->stream);
	dup2(c->saved, fileno(c->stream));
	close(c->saved);
	size = lseek(c->file, 0, SEEK_END);
	text = calloc(1, (size_t)size + 1);
	if (!text || pread(c->file, text, (size_t)size, 0) != (ssize_t)size)
		abort();
	close(c->file);
	return text;
}

static inline struct cli test_cli(void)
{
	return (struct cli){ .program = "barepool", .debug = 4, .log_fd = -1 };
}

#endif
