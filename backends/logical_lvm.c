/* logical_lvm.c - see logical_lvm.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backends/logical_lvm.h"

#include <assert.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>

#include "backends/blocks.h"
#include "core/base/cleanup.h"
#include "core/base/holder.h"
#include "core/base/mem.h"

#define NAME_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+_.-"

#define LOCK_SECONDS 60		/* as long as we wait for other commands of LVM */

/* LVM would wait for others without an end, so it is we who wait.  It waits for udev
 * to make nodes and wants to hear of devices from it; without udev it has to be
 * told, or it would find that its new devices are not there. */
static const char with_udev[] = "global{wait_for_locks=0}";
static const char without_udev[] =
	"global{wait_for_locks=0} activation{udev_sync=0 udev_rules=0 monitoring=0} "
	"devices{obtain_device_list_from_udev=0 external_device_info_source=\"none\"}";

/* The same, as its files may say it; of locks they shall say nothing. */
static const struct lvm_setting told[] = {
	{ "locking_dir", NULL, true }, { "wait_for_locks", NULL, true },
	/* without udev */
	{ "udev_sync", "0", false }, { "udev_rules", "0", false }, { "monitoring", "0", false },
	{ "obtain_device_list_from_udev", "0", false },
	{ "external_device_info_source", "\"none\"", true },
};

#define TOLD_WITH_UDEV 2

/* What a failure says, and what it means to us. */
static const struct {
	const char *says;
	enum bp_code code;
} meanings[] = {
	{ "already exists in volume group", BP_VOL_EXISTS },
	{ "Failed to find logical volume", BP_NO_VOL },
	{ "One or more specified logical volume(s) not found", BP_NO_VOL },
	{ " not found", BP_CONFIG },
	{ "contains a filesystem in use", BP_BUSY },
	{ " in use", BP_BUSY },
	{ "is used by another device", BP_BUSY },
	{ "Can't open", BP_BUSY },
	{ "is reserved", BP_INVALID },
	{ "are reserved", BP_INVALID },
	{ "is invalid", BP_INVALID },
};

bool lvm_is_name(const char *s)
{
	return *s && *s != '-' && !s[strspn(s, NAME_CHARS)] && strlen(s) <= 127 &&
	       strcmp(s, ".") != 0 && strcmp(s, "..") != 0;
}

bool lvm_is_report(const char *line)
{
	line += strspn(line, " \t");
	return *line && strchr("{}[],\"", *line);
}

bool lvm_is_remark(const char *line)
{
	line += strspn(line, " \t");
	return starts_with(line, "WARNING:") || starts_with(line, "Reading ") ||
	       starts_with(line, "Skipping ");
}

/* Lines of which none says why it failed. */
static bool is_noise(const char *line)
{
	return !*line || lvm_is_remark(line) || starts_with(line, "Run `") ||
	       starts_with(line, "Cannot process volume group ") ||
	       starts_with(line, "File descriptor ");
}

/* The first line says what, the others where that led to. */
static char *in_one_line(const char *said)
{
	auto_free char *lines = mem_dup(said);
	struct text t = { 0 };
	char *rest = lines, *line;

	while ((line = strsep(&rest, "\n"))) {
		line += strspn(line, " \t");
		if (is_noise(line) || t.len > 600 || (t.s && strstr(t.s, line)))
			continue;
		text_addf(&t, "%s%s", t.len ? "; " : "", line);
	}
	while (t.len && t.s[t.len - 1] == '.')
		t.s[--t.len] = '\0';
	return text_steal(&t);
}

static int failed(const char *command, const char *said, struct bp_error *err)
{
	auto_free char *why = in_one_line(said);

	for (size_t i = 0; i < array_size(meanings); i++)
		if (strstr(why, meanings[i].says))
			return bp_fail(err, meanings[i].code, "%s", why);
	return bp_fail(err, BP_FAILED, "%s failed%s%s", command, *why ? ": " : "", why);
}

/* ---- others who use LVM --------------------------------------------------------------- */

/* The file of the lock that was not to be had: "/run/lock/lvm/V_vg0: flock failed: ..." */
static char *lock_wanted(const char *said)
{
	const char *end = strstr(said, ": flock failed: "), *start = end;

	while (start && start > said && start[-1] != '\n' && start[-1] != ' ')
		start--;
	return start && *start == '/' ? mem_dup_n(start, (size_t)(end - start)) : NULL;
}

static time_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

/* Until it is free for that, or gone.  A file that is not to be opened says nothing. */
static int wait_for_lock(const char *path, int how, time_t until, struct bp_error *err)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	auto_free char *who = NULL;

	while (fd >= 0 && now() < until) {
		if (flock(fd, how | LOCK_NB) == 0)
			return 0;
		blocks_pause();
	}
	if (now() < until)
		return 0;
	who = fd >= 0 ? holder_of_flock(fd) : NULL;
	return bp_fail(err, BP_BUSY, "LVM's lock '%s' is held by %s, for more than %d seconds; try "
		       "again when that has ended", path, who ? who : "another command",
		       LOCK_SECONDS);
}

/* To be told how to lock, LVM reads all of its settings anew, and again when it has done,
 * which takes a fifth of its time.  So those commands that are given often are not told: it
 * is seen before that the locks are free.  Who then takes one before LVM does is waited for
 * by LVM, until it has done.
 *
 * Do LVM's files say all that it would be told, and nothing else of locks? */
static bool needs_no_telling(const char *const argv[])
{
	if (!starts_with(argv[0], "lv") && strcmp(argv[0], "fullreport") != 0)
		return false;
	for (size_t i = 1; argv[i]; i++)
		if (strcmp(argv[i], "--config") == 0)
			return false;
	return lvm_is_told(told, blocks_have_udev() ? TOLD_WITH_UDEV : array_size(told));
}

/* The words that name a group, with a volume or without, tell which lock it takes. */
static int wait_for_locks(const char *const argv[], time_t until, struct bp_error *err)
{
	int how = starts_with(argv[0], "lv") ? LOCK_EX : LOCK_SH;

	if (wait_for_lock(LVM_LOCKS "/P_global", LOCK_SH, until, err) < 0)
		return -1;
	for (size_t i = 1; argv[i]; i++) {
		auto_free char *group = mem_dup_n(argv[i], strcspn(argv[i], "/"));
		auto_free char *path = mem_printf(LVM_LOCKS "/V_%s", group);

		if (lvm_is_name(group) && wait_for_lock(path, how, until, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- commands --------------------------------------------------------------------------- */

static void cut(struct text *t, size_t len)
{
	t->len = len;
	if (t->s)
		t->s[len] = '\0';
}

static bool run_when_free(const char *const argv[], bool is_told, struct text *out,
			  struct text *said, struct bp_error *err)
{
	time_t until = now() + LOCK_SECONDS;
	size_t had_out = out->len, had_said = said->len;

	if (!is_told && wait_for_locks(argv, until, err) < 0)
		return false;
	while (!lvm_do(argv, out, said, err)) {
		auto_free char *lock = said->s ? lock_wanted(said->s + had_said) : NULL;

		if (err->code || !lock)
			return false;
		if (access(lock, R_OK) < 0)
			blocks_pause();
		if (wait_for_lock(lock, LOCK_EX, until, err) < 0)
			return false;
		cut(out, had_out);
		cut(said, had_said);
	}
	return true;
}

/* Its library or its program is not there. */
static int fail_absent(struct bp_error *err)
{
	struct bp_error why = *err;

	*err = (struct bp_error){ 0 };
	return bp_fail(err, why.code, "%s; install LVM (package lvm2)", why.text);
}

int lvm_run_heard(const char *const argv[], struct text *ret_out, struct text *ret_said,
		  struct bp_error *err)
{
	cleanup(text_done) struct text config = { 0 };
	const char *full[LVM_ARGS + 4];
	bool is_told = !needs_no_telling(argv), done;
	size_t n = 0;

	text_add(&config, blocks_have_udev() ? with_udev : without_udev);
	full[n++] = argv[0];
	full[n++] = "--yes";		/* nobody is there to be asked */
	for (size_t i = 1; argv[i]; i++) {
		assert(n < array_size(full) - 3);
		if (strcmp(argv[i], "--config") == 0)	/* LVM takes one */
			text_addf(&config, " %s", argv[++i]);
		else
			full[n++] = argv[i];
	}
	if (is_told) {
		full[n++] = "--config";
		full[n++] = config.s;
	}
	full[n] = NULL;
	done = run_when_free(full, is_told, ret_out, ret_said, err);
	if (err->code)
		return err->code == BP_UNSUPPORTED ? fail_absent(err) : -1;
	return done ? 0 : failed(argv[0], ret_said->s ? ret_said->s : "", err);
}

int lvm_run(const char *const argv[], struct text *ret_out, struct bp_error *err)
{
	cleanup(text_done) struct text out = { 0 }, said = { 0 };

	return lvm_run_heard(argv, ret_out ? ret_out : &out, &said, err);
}
