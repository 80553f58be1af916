/* image_judge.h - run qemu-img and qemu-io as judges, and say what a probe found. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_TESTS_IMAGE_JUDGE_H
#define BP_TESTS_IMAGE_JUDGE_H

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/image/image.h"
#include "core/model/volume.h"
#include "tests/tap.h"

extern char **environ;

/* What the last program run by judge() printed, both streams. */
static char judged[256 << 10];

/* Words up to NULL; the exit status, or 127 if there is no such program. */
__attribute__((unused, sentinel))
static int judge(const char *program, ...)
{
	const char *argv[40] = { program };
	posix_spawn_file_actions_t to;
	int fd[2], n = 1, status = 0;
	size_t len = 0;
	ssize_t got;
	pid_t pid;
	va_list ap;

	va_start(ap, program);
	while ((argv[n] = va_arg(ap, const char *)))
		n++;
	va_end(ap);
	if (pipe(fd) < 0)
		abort();
	posix_spawn_file_actions_init(&to);
	posix_spawn_file_actions_adddup2(&to, fd[1], 1);
	posix_spawn_file_actions_adddup2(&to, fd[1], 2);
	posix_spawn_file_actions_addclose(&to, fd[0]);
	posix_spawn_file_actions_addclose(&to, fd[1]);
	if (posix_spawnp(&pid, program, &to, NULL, (char **)argv, environ) != 0)
		pid = -1;
	posix_spawn_file_actions_destroy(&to);
	close(fd[1]);
	while ((got = read(fd[0], judged + len, sizeof judged - 1 - len)) > 0)
		len += (size_t)got;
	judged[len] = '\0';
	close(fd[0]);
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return 127;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

__attribute__((unused))
static bool have_qemu(void)
{
	return judge("qemu-img", "--version", NULL) == 0 &&
	       judge("qemu-io", "--version", NULL) == 0;
}

#define NEED_QEMU() \
	do { if (!have_qemu()) SKIP("qemu-img and qemu-io are not installed"); } while (0)

/* Numbers of a fixed row. */
__attribute__((unused))
static uint32_t next(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

/* As qemu-img tells it, without the lines that differ between any two files. */
__attribute__((unused))
static char *qemu_info(const char *path)
{
	struct text t = { 0 };

	if (judge("qemu-img", "info", "-U", "--output=json", path, NULL) != 0)
		return mem_dup(judged);
	for (char *line = judged, *end; (end = strchr(line, '\n')); line = end + 1)
		if (!strstr(line, "\"filename\"") && !strstr(line, "\"actual-size\"") &&
		    !strstr(line, "\"full-backing-filename\""))
			text_add_n(&t, line, (size_t)(end + 1 - line));
	return text_steal(&t);
}

/* An io over a file; -1 flags: an existing one. */
__attribute__((unused))
static struct bp_io *open_image(const char *path, int flags)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | flags, 0600);

	return fd < 0 ? NULL : io_of_fd(fd, path);
}

/* One line for all that a probe found. */
__attribute__((unused))
static char *describe_image(struct bp_io *io)
{
	static const char *const features[] = { "lazy_refcounts", "extended_l2", "data_file" };
	struct bp_image_info i;
	struct bp_error err = { 0 };
	struct text t = { 0 };
	int r = bp_image_probe(io, &i, &err);

	text_addf(&t, "%s %llu", i.format ? i.format : "?", (unsigned long long)i.capacity);
	if (i.backing)
		text_addf(&t, " backing=%s", i.backing);
	if (i.backing_format)
		text_addf(&t, " backing_format=%s", i.backing_format);
	if (i.data_file)
		text_addf(&t, " data_file=%s", i.data_file);
	if (i.encryption)
		text_addf(&t, " encryption=%s", i.encryption);
	if (i.payload)
		text_addf(&t, " payload=%llu", (unsigned long long)i.payload);
	if (i.compat)
		text_addf(&t, " compat=%s", i.compat);
	if (i.cluster_size)
		text_addf(&t, " cluster=%llu", (unsigned long long)i.cluster_size);
	if (i.has_features)
		text_add(&t, " features");
	for (size_t f = 0; f < array_size(features); f++)
		if (i.features & 1u << f)
			text_addf(&t, " %s", features[f]);
	if (r < 0)
		text_addf(&t, ", %s: %s", bp_error_word(err.code), err.text);
	bp_image_info_done(&i);
	return text_steal(&t);
}

#endif
