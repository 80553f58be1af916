/* logical_lib.c - LVM's commands through liblvm2cmd.
 *
 * The library is one command line interpreter for the whole process: it knows no
 * threads, and tells what it prints to one function.  So there is one handle, as
 * long as the process lives, and a lock around it.  It is opened for the first
 * command: much can be told of a group without it.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <lvm2cmd.h>
#include <pthread.h>
#include <string.h>

#include "backends/logical_lvm.h"
#include "core/base/cleanup.h"
#include "core/base/dl.h"
#include "core/base/mem.h"

#define LIBRARY "liblvm2cmd.so.2.03"

#define CALLS(CALL)		\
	CALL(log_fn)		\
	CALL(log_level)		\
	CALL(init_threaded)	\
	CALL(run)

static struct {
#define CALL(name) __typeof__(lvm2_##name) *(name);
	CALLS(CALL)
#undef CALL
} lvm2;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void *handle;
static struct text *report, *messages;	/* of the command that runs */

/* Warnings have the level of what is printed, and only their looks tell them from
 * a report. */
static void hear(int level, const char *file, int line, int dm_errno, const char *message)
{
	(void)file;
	(void)line;
	(void)dm_errno;
	if (level == LVM2_LOG_PRINT && report && lvm_is_report(message))
		text_addf(report, "%s\n", message);
	else if (messages && (level <= LVM2_LOG_ERROR ||
			      (level == LVM2_LOG_PRINT && lvm_is_remark(message))))
		text_addf(messages, "%s\n", message);
}

static bool find_calls(struct bp_error *err)
{
	static const char *const files[] = { LIBRARY, NULL };
	const struct dl_call calls[] = {
#define CALL(name) { "lvm2_" #name, (void **)&lvm2.name },
		CALLS(CALL)
#undef CALL
	};

	/* It stays open: LVM keeps what it has found. */
	return dl_open("for volume groups", files, calls, array_size(calls), err);
}

/* The way for programs with threads leaves standard input and output alone. */
static bool open_library(struct bp_error *err)
{
	if (handle)
		return true;
	if (!find_calls(err))
		return false;
	lvm2.log_fn(hear);
	handle = lvm2.init_threaded();
	if (!handle) {
		bp_fail(err, BP_FAILED, "LVM's library cannot be used: %s", messages->s ?
			messages->s : "it does not say why");
		return false;
	}
	lvm2.log_level(handle, LVM2_LOG_PRINT);
	return true;
}

/* A word in quotes of the kind that is not in it; there is no other way to quote. */
static bool add_word(struct text *line, const char *word)
{
	char quote = strchr(word, '\'') ? '"' : '\'';

	if (strchr(word, quote) || strchr(word, '\n'))
		return false;
	text_addf(line, "%s%c%s%c", line->len ? " " : "", quote, word, quote);
	return true;
}

static bool join(const char *const argv[], struct text *line, struct bp_error *err)
{
	for (size_t i = 0; argv[i]; i++)
		if (!add_word(line, argv[i])) {
			bp_fail(err, BP_INVALID, "LVM's library cannot be told of \"%s\"", argv[i]);
			return false;
		}
	return true;
}

bool lvm_do(const char *const argv[], struct text *out, struct text *said, struct bp_error *err)
{
	cleanup(text_done) struct text line = { 0 };
	bool done;

	if (!join(argv, &line, err))
		return false;
	pthread_mutex_lock(&lock);
	report = out;
	messages = said;
	done = open_library(err) && lvm2.run(handle, line.s) == LVM2_COMMAND_SUCCEEDED;
	report = messages = NULL;
	pthread_mutex_unlock(&lock);
	return done;
}
