/* qemu_img.c - see qemu_img.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/qemu_img.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/base/run.h"

#define SAID_MAX (1u << 20)

enum { UNCHECKED = 63 };

char *qemu_img_path(const char *path)
{
	return mem_printf("%s%s", *path == '/' ? "" : "./", path);
}

char *qemu_img_path_of(const struct bp_io *io)
{
	return mem_printf("/proc/%d/fd/%d", (int)getpid(), io->fd);
}

int qemu_img_check_options(const char *format, const char *const *options, size_t n,
			   struct bp_error *err)
{
	static const char *const files[] = {
		"backing_f", "data_file", "encrypt", "key-secret", "preallocation_file",
	};
	static const char *const several[] = { "Flat", "twoGb", "flat", "twogb", "vmfs" };

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < array_size(files); k++)
			if (strstr(options[i], files[k]))
				return bp_fail(err, BP_UNSUPPORTED, "QEMU's qemu-img is not given "
					       "the option '%s'", options[i]);
	for (size_t i = 0; strcmp(format, "vmdk") == 0 && i < n; i++)
		for (size_t k = 0; k < array_size(several); k++)
			if (strstr(options[i], several[k]))
				return bp_fail(err, BP_UNSUPPORTED, "a vmdk of several files is "
					       "not made, as it could not appear at once: "
					       "'%s'", options[i]);
	return 0;
}

/* ---- the program ------------------------------------------------------------------ */

static bool is_us(const char *program)
{
	struct stat a, b;

	return stat(program, &a) == 0 && stat("/proc/self/exe", &b) == 0 &&
	       a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

int qemu_img_find(const char *why, struct bp_error *err)
{
	auto_free char *path = program_find(QEMU_IMG);

	if (path && !is_us(path))
		return 0;
	return bp_fail(err, BP_UNSUPPORTED, "%s by QEMU's qemu-img, which is not there%s: "
		       "install it (qemu-utils, qemu-img)", why,
		       path ? " (what has its name is barepool)" : "");
}

int qemu_img_find_writer(const char *format, struct bp_error *err)
{
	auto_free char *why = mem_printf("format '%s' would be written", format);

	return qemu_img_find(why, err);
}

int qemu_img_check_place(const struct bp_io *io, struct bp_error *err)
{
	return io->fd >= 0 && !io_is_block(io) ? 0 :
	       bp_fail(err, BP_UNSUPPORTED, "'%s' is no file of this host, and QEMU's qemu-img is "
		       "only let write into a new file", io->name);
}

int qemu_img_ask(const char *const *argv, struct text *out, struct text *said,
		 struct bp_error *err)
{
	int status;

	return run_program_text(argv, SAID_MAX, out, said, &status, err) < 0 ? -1 : status;
}

static int complain(const char *const *argv, const char *of_what, int status,
		    const struct text *said, const struct text *out, struct bp_error *err)
{
	auto_free char *all = mem_printf("%s%s", said->s ?: "", out->s ?: "");
	size_t len = strlen(all);

	while (len && all[len - 1] == '\n')
		len--;
	return bp_fail(err, BP_FAILED, "qemu-img %s%s: status %d: %.*s", argv[1], of_what, status,
		       (int)len, all);
}

/* unless: another status that is good. */
static int run(const char *const *argv, const char *of_what, int unless, struct text *out,
	       struct bp_error *err)
{
	cleanup(text_done) struct text own = { 0 }, said = { 0 };
	int status;

	if (!out)
		out = &own;
	status = qemu_img_ask(argv, out, &said, err);
	if (status < 0)
		return -1;
	return !status || status == unless ? 0 :
	       complain(argv, of_what, status, &said, out, err);
}

int qemu_img_run(const char *const *argv, struct text *out, struct bp_error *err)
{
	return run(argv, "", 0, out, err);
}

int qemu_img_judge(const char *format, const char *path, bool backed, struct bp_error *err)
{
	auto_free char *alone = mem_printf("json:{\"driver\": \"%s\", \"backing\": null, "
					   "\"file\": {\"driver\": \"file\", "
					   "\"filename\": \"%s\"}}", format, path);
	const char *const whole[] = { QEMU_IMG, "check", "-q", "-f", format, "--", path, NULL };
	const char *const apart[] = { QEMU_IMG, "check", "-q", "--", alone, NULL };

	return run(backed ? apart : whole, " of what it made", UNCHECKED, NULL, err);
}
