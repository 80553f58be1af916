/* logical_lvm.c - see logical_lvm.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backends/logical_lvm.h"

#include <assert.h>
#include <string.h>

#include "backends/blocks.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"

#define NAME_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+_.-"

/* LVM waits for udev to make nodes and wants to hear of devices from it; without
 * udev it has to be told, or it would find that its new devices are not there. */
static const char without_udev[] =
	"activation{udev_sync=0 udev_rules=0 monitoring=0} "
	"devices{obtain_device_list_from_udev=0 external_device_info_source=\"none\"}";

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

/* Lines of which none says why it failed. */
static bool is_noise(const char *line)
{
	return !*line || starts_with(line, "WARNING:") || starts_with(line, "Run `") ||
	       starts_with(line, "Cannot process volume group ") ||
	       starts_with(line, "File descriptor ");
}

/* The first line says what, the others where that led to. */
static char *in_one_line(char *said)
{
	struct text t = { 0 };
	char *rest = said, *line;

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

static int failed(const char *command, char *said, struct bp_error *err)
{
	auto_free char *why = in_one_line(said);

	for (size_t i = 0; i < array_size(meanings); i++)
		if (strstr(why, meanings[i].says))
			return bp_fail(err, meanings[i].code, "%s", why);
	return bp_fail(err, BP_FAILED, "%s failed%s%s", command, *why ? ": " : "", why);
}

int lvm_run(const char *const argv[], struct text *ret_out, struct bp_error *err)
{
	const char *full[LVM_ARGS + 4];
	cleanup(text_done) struct text out = { 0 }, said = { 0 };
	size_t n = 0;
	bool done;

	full[n++] = argv[0];
	full[n++] = "--yes";		/* nobody is there to be asked */
	if (!blocks_have_udev()) {
		full[n++] = "--config";
		full[n++] = without_udev;
	}
	for (size_t i = 1; argv[i]; i++) {
		assert(n < array_size(full) - 1);
		full[n++] = argv[i];
	}
	full[n] = NULL;
	done = lvm_do(full, ret_out ? ret_out : &out, &said, err);
	if (err->code)
		return -1;
	return done ? 0 : failed(argv[0], said.s ? said.s : (char[]){ "" }, err);
}
