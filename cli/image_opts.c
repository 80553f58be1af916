/* image_opts.c - see image_opts.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/image_opts.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/json_text.h"
#include "core/base/mem.h"
#include "core/base/text.h"

#define JSON "json:"
#define MOST_DEEP 8			/* objects in objects; "file" is one */

struct named {
	struct cli *cli;
	char *driver, *file_driver, *path;
};

static void named_done(struct named *n)
{
	free(n->driver);
	free(n->file_driver);
	free(n->path);
}

/* ---- an option ---------------------------------------------------------------------- */

/* How QEMU would open the file: none of our business, and nothing is other without it. */
static bool is_of_no_effect(const char *key)
{
	static const char *const keys[] = {
		"aio", "auto-read-only", "cache.direct", "cache.no-flush", "cache.writeback",
		"detect-zeroes", "discard", "locking", "node-name", "read-only",
	};

	if (starts_with(key, "file."))
		key += strlen("file.");
	for (size_t i = 0; i < array_size(keys); i++)
		if (strcmp(key, keys[i]) == 0)
			return true;
	return false;
}

static int take(struct named *n, const char *key, const char *value)
{
	const struct {
		const char *key;
		char **to;
	} known[] = {
		{ "driver", &n->driver }, { "file.driver", &n->file_driver },
		{ "file.filename", &n->path }, { "filename", &n->path },
	};

	for (size_t i = 0; i < array_size(known); i++) {
		if (strcmp(key, known[i].key) != 0)
			continue;
		if (*known[i].to)
			return cli_failed(n->cli, "'%s' is said twice of an image", key);
		*known[i].to = mem_dup(value);
		return 0;
	}
	return is_of_no_effect(key) ? 0 :
	       cli_failed(n->cli, "the image option '%s' is QEMU's, and not supported here: what "
			  "can be said is driver=FORMAT,file.filename=FILE", key);
}

static bool is_of_files(const char *driver)
{
	return strcmp(driver, "file") == 0 || strcmp(driver, "host_device") == 0;
}

/* What is a file only, to QEMU, is a raw image. */
static int finish(struct named *n, char **ret_path, char **ret_format)
{
	if (n->file_driver && !is_of_files(n->file_driver))
		return cli_failed(n->cli, "only files and block devices are opened, not '%s'",
				  n->file_driver);
	if (!n->path || !*n->path)
		return cli_failed(n->cli, "an image has no file: driver=FORMAT,file.filename=FILE");
	*ret_path = steal(n->path);
	*ret_format = n->driver && is_of_files(n->driver) ? mem_dup("raw") : steal(n->driver);
	return 0;
}

/* ---- key=value,... ------------------------------------------------------------------- */

char *image_opts_value(const char **p)
{
	struct text t = { 0 };

	for (; **p && (**p != ',' || (*p)[1] == ','); ++*p) {
		text_add_n(&t, *p, 1);
		*p += **p == ',';
	}
	*p += **p == ',';
	return text_steal(&t);
}

static int read_list(struct named *n, const char *p)
{
	while (*p) {
		size_t len = strcspn(p, "=,");
		auto_free char *key = mem_dup_n(p, len), *value = NULL;

		if (p[len] != '=')
			return cli_failed(n->cli, "'%s' is no option of an image, as in "
					  "driver=FORMAT,file.filename=FILE", key);
		p += len + 1;
		value = image_opts_value(&p);
		if (take(n, key, value) < 0)
			return -1;
	}
	return 0;
}

/* ---- JSON ---------------------------------------------------------------------------- */

static int no_json(const struct named *n, const char *at)
{
	if (!*at)
		return cli_failed(n->cli, "this is no JSON object of options: its end is missing");
	return cli_failed(n->cli, "this is no JSON object of options, from here: '%.40s'", at);
}

/* A string; or a number, true, false or null, as it is written. */
static char *read_value(char **at)
{
	size_t len;
	char *word;

	if (json_peek(at) == '"') {
		word = json_take_string(at);
		return word ? mem_dup(word) : NULL;
	}
	len = **at == '[' ? 0 : strcspn(*at, ",} \t\r\n");
	if (!len)
		return NULL;
	*at += len;
	return mem_dup_n(*at - len, len);
}

static int read_object(struct named *n, char **at, const char *prefix, unsigned depth);

static int read_member(struct named *n, char **at, const char *prefix, unsigned depth)
{
	auto_free char *key = NULL, *value = NULL;
	const char *name = json_take_name(at);

	if (!name)
		return no_json(n, *at);
	key = mem_printf("%s%s%s", prefix, *prefix ? "." : "", name);
	if (json_take(at, '{'))
		return read_object(n, at, key, depth + 1);
	value = read_value(at);
	return value ? take(n, key, value) : no_json(n, *at);
}

/* Behind its brace. */
static int read_object(struct named *n, char **at, const char *prefix, unsigned depth)
{
	if (depth > MOST_DEEP)
		return no_json(n, *at);
	if (json_take(at, '}'))
		return 0;
	do {
		if (read_member(n, at, prefix, depth) < 0)
			return -1;
	} while (json_take(at, ','));
	return json_take(at, '}') ? 0 : no_json(n, *at);
}

static int read_json(struct named *n, const char *options)
{
	auto_free char *text = mem_dup(options);
	char *at = text;

	if (!json_take(&at, '{'))
		return no_json(n, at);
	if (read_object(n, &at, "", 0) < 0)
		return -1;
	return json_peek(&at) ? no_json(n, at) : 0;
}

/* ---- either ---------------------------------------------------------------------------- */

bool image_opts_json(const char *name)
{
	return starts_with(name, JSON "{");
}

int image_opts_read(struct cli *cli, const char *name, char **ret_path, char **ret_format)
{
	cleanup(named_done) struct named n = { .cli = cli };

	if ((image_opts_json(name) ? read_json(&n, name + strlen(JSON)) :
				     read_list(&n, name)) < 0)
		return -1;
	return finish(&n, ret_path, ret_format);
}

int image_opts_place(struct cli *cli, const char *name)
{
	static const char *const places[] = {
		"blkdebug", "blklogwrites", "blkverify", "fat", "ftp", "ftps", "gluster",
		"gluster+rdma", "gluster+tcp", "gluster+unix", "host_cdrom", "host_device", "http",
		"https", "iscsi", "iser", "json", "nbd", "nbd+tcp", "nbd+unix", "nfs", "null-aio",
		"null-co", "nvme", "rbd", "sheepdog", "ssh", "vxhs",
	};
	size_t len = strcspn(name, ":/");

	for (size_t i = 0; name[len] == ':' && i < array_size(places); i++)
		if (strlen(places[i]) == len && strncmp(places[i], name, len) == 0)
			return cli_failed(cli, "Could not open '%s': only files and block devices "
					  "are, and '%s:' is none (a file of that name is './%s')",
					  name, places[i], name);
	return 0;
}
