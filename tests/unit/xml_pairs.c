/* xml_pairs.c - every definition in tests/data/xml is printed as libvirt prints it. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <fnmatch.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "tests/tap.h"
#include "xml/xml.h"

#define DATA "tests/data/xml/"

static char *contents(const char *path)
{
	struct bp_error err = { 0 };
	char *text = NULL;
	size_t len;

	return file_read(AT_FDCWD, path, BP_XML_MAX, &text, &len, &err) < 0 ? NULL : text;
}

/* The line of types.txt that fits. */
static const struct bp_pool_type *type_of(const char *path, unsigned *ret_flags)
{
	auto_free char *table = contents(DATA "types.txt");
	const char *name = strrchr(path, '/') + 1;
	char pattern[64], type[32], option[16];
	char *rest = table, *line;

	while ((line = strsep(&rest, "\n"))) {
		int n = sscanf(line, "%63s %31s %15s", pattern, type, option);

		if (n < 2 || *line == '#' || fnmatch(pattern, name, 0) != 0)
			continue;
		*ret_flags = n == 3 ? BP_XML_CAPACITY_OPTIONAL : 0;
		return bp_pool_type_find(type);
	}
	return NULL;
}

static char *pool_again(const char *text, const char *path, struct bp_error *err)
{
	cleanup(bp_pool_def_freep) struct bp_pool_def *def = NULL;

	if (bp_xml_parse_pool(text, strlen(text), path, 0, &def, err) < 0)
		return NULL;
	return bp_xml_format_pool(def, 0);
}

static char *volume_again(const char *text, const char *path, struct bp_error *err)
{
	cleanup(bp_vol_spec_freep) struct bp_vol_spec *spec = NULL;
	unsigned flags = 0;
	const struct bp_pool_type *type = type_of(path, &flags);
	struct bp_vol_info info;

	if (!type) {
		bp_fail(err, BP_INTERNAL, "%s is not in types.txt", path);
		return NULL;
	}
	if (bp_xml_parse_volume(text, strlen(text), path, type, flags, &spec, err) < 0)
		return NULL;
	bp_vol_spec_view(spec, type, &info);
	return bp_xml_format_volume(&info, type);
}

/* What is printed is printed the same after it was read again. */
static bool try_pair(const char *in,
		     char *(*again)(const char *, const char *, struct bp_error *))
{
	auto_free char *out = mem_printf("%.*s.out.xml", (int)(strlen(in) - strlen(".in.xml")), in);
	auto_free char *given = contents(in), *want = contents(out);
	struct bp_error err = { 0 };
	auto_free char *got = again(given, in, &err);
	auto_free char *twice = got ? again(got, in, &err) : NULL;

	if (!got)
		printf("# %s: %s\n", in, err.text);
	else if (want && strcmp(got, want) != 0)
		printf("# %s gives\n%s# and not\n%s", in, got, want);
	else if (!twice || strcmp(got, twice) != 0)
		printf("# %s, read again, is no more the same\n", in);
	else
		return true;
	return false;
}

static size_t try_all(const char *pattern,
		      char *(*again)(const char *, const char *, struct bp_error *),
		      size_t *ret_bad)
{
	glob_t files = { 0 };
	size_t n;

	*ret_bad = 0;
	if (glob(pattern, 0, NULL, &files) != 0)
		return 0;
	n = files.gl_pathc;
	for (size_t i = 0; i < n; i++)
		*ret_bad += !try_pair(files.gl_pathv[i], again);
	globfree(&files);
	return n;
}

TEST(pools_of_libvirt)
{
	size_t bad;

	SAME_N(try_all(DATA "libvirt/pool/*.in.xml", pool_again, &bad), 20);
	SAME_N(bad, 0);
}

TEST(volumes_of_libvirt)
{
	size_t bad;

	SAME_N(try_all(DATA "libvirt/volume/*.in.xml", volume_again, &bad), 13);
	SAME_N(bad, 0);
}

TEST(pools_as_virsh_prints_them)
{
	size_t bad;

	SAME_N(try_all(DATA "virsh/pool/*.in.xml", pool_again, &bad), 53);
	SAME_N(bad, 0);
}

TEST(volumes_as_virsh_prints_them)
{
	size_t bad;

	SAME_N(try_all(DATA "virsh/volume/*.in.xml", volume_again, &bad), 66);
	SAME_N(bad, 0);
}
