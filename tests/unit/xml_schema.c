/* xml_schema.c - what the schema accepts and refuses, with libvirt's own as judge. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "tests/tap.h"
#include "xml/xml.h"

#define RNG "/usr/share/libvirt/schemas/"

extern char **environ;

struct doc {
	char *text;
	bool is_volume;
};

struct docs {
	struct doc *all;
	size_t n;
};

static void docs_done(struct docs *d)
{
	for (size_t i = 0; i < d->n; i++)
		free(d->all[i].text);
	free(d->all);
}

static char *contents(const char *path)
{
	struct bp_error err = { 0 };
	char *text = NULL;
	size_t len;

	return file_read(AT_FDCWD, path, BP_XML_MAX, &text, &len, &err) < 0 ? NULL : text;
}

/* A document of one of the two kinds, and XML. */
static void add_doc(struct docs *d, const char *text)
{
	struct bp_error err = { 0 };
	auto_free char *root = NULL;
	struct doc *doc;

	if (bp_xml_root(text, strlen(text), NULL, &root, &err) < 0 ||
	    (strcmp(root, "pool") != 0 && strcmp(root, "volume") != 0))
		return;
	doc = array_add(d->all, d->n);
	doc->text = mem_dup(text);
	doc->is_volume = *root == 'v';
}

static void add_files(struct docs *d, const char *pattern)
{
	glob_t files = { 0 };

	if (glob(pattern, 0, NULL, &files) != 0)
		return;
	for (size_t i = 0; i < files.gl_pathc; i++) {
		auto_free char *text = contents(files.gl_pathv[i]);

		add_doc(d, text);
	}
	globfree(&files);
}

/* The documents of errors.txt; most are refused by the schema as well. */
static void add_table(struct docs *d)
{
	auto_free char *table = contents("tests/data/xml/errors.txt");
	char *p = table;

	while ((p = strstr(p, "\n== "))) {
		char *doc = strchr(p + 1, '\n') + 1, *end = strstr(doc, "\n--\n");

		end[1] = '\0';
		add_doc(d, doc);
		p = end + 2;
	}
}

/* ---- mutations ----------------------------------------------------------- */

/* Every document once more with each of its elements called otherwise, and each
 * of its attributes called otherwise, emptied, spoiled and left out. */
static void replaced(struct docs *d, const char *text, size_t at, size_t len, const char *with)
{
	auto_free char *copy = mem_printf("%.*s%s%s", (int)at, text, with, text + at + len);

	add_doc(d, copy);
}

static void mutate_tag(struct docs *d, const char *text, const char *tag)
{
	size_t at = (size_t)(tag + 1 - text), name = strcspn(tag + 1, " \t\n/>");
	const char *end = tag + strcspn(tag, ">");

	if (end[-1] == '/')
		replaced(d, text, at, name, "other");
	for (const char *q = tag + 1; (q = strchr(q, '=')) && q < end; ) {
		const char *word = q, *close = strchr(q + 2, q[1]);

		while (word[-1] != ' ' && word[-1] != '\n')
			word--;
		if (!close || close > end)
			return;
		replaced(d, text, (size_t)(word - text), (size_t)(q - word), "other");
		replaced(d, text, (size_t)(q + 2 - text), (size_t)(close - q - 2), "");
		replaced(d, text, (size_t)(q + 2 - text), (size_t)(close - q - 2), "0 other/");
		replaced(d, text, (size_t)(word - 1 - text), (size_t)(close - word + 2), "");
		q = close;
	}
}

static void mutate(struct docs *d)
{
	size_t n = d->n;

	for (size_t i = 0; i < n; i++) {
		auto_free char *text = mem_dup(d->all[i].text);	/* the array moves */

		for (const char *tag = text; (tag = strchr(tag, '<')); tag++)
			if (tag[1] != '/' && tag[1] != '!' && tag[1] != '?')
				mutate_tag(d, text, tag);
	}
}

/* ---- verdicts ------------------------------------------------------------ */

static bool we_accept(const struct doc *doc)
{
	cleanup(bp_pool_def_freep) struct bp_pool_def *def = NULL;
	cleanup(bp_vol_spec_freep) struct bp_vol_spec *spec = NULL;
	struct bp_error err = { 0 };
	int r = doc->is_volume ?
		bp_xml_parse_volume(doc->text, strlen(doc->text), NULL, bp_pool_type_find("dir"),
				    BP_XML_VALIDATE, &spec, &err) :
		bp_xml_parse_pool(doc->text, strlen(doc->text), NULL, BP_XML_VALIDATE, &def, &err);

	return r == 0 || err.code != BP_SCHEMA;
}

/* Where we follow later versions of the schema: a port is 1 to 65535, there is a
 * luks-any, and <ivgen> may stand before <cipher>. */
static bool is_ours_to_differ(const char *text)
{
	const char *ivgen = strstr(text, "<ivgen"), *cipher = strstr(text, "<cipher");

	return strstr(text, "port='0'") || strstr(text, "port='-1'") ||
	       strstr(text, "format='luks-any'") || (ivgen && cipher && ivgen < cipher);
}

/* Run xmllint over files FIRST ... in the test's directory; what it says goes
 * to a file there. */
static char *ask_xmllint(const char *schema, char **files, size_t n)
{
	char **argv = mem_resize(NULL, n + 5, sizeof *argv);
	auto_free char *rng = mem_printf(RNG "%s.rng", schema);
	posix_spawn_file_actions_t to_file;
	char *said;
	pid_t pid;
	int status;

	argv[0] = (char *)"xmllint";
	argv[1] = (char *)"--noout";
	argv[2] = (char *)"--relaxng";
	argv[3] = rng;
	memcpy(argv + 4, files, n * sizeof *files);
	argv[n + 4] = NULL;
	posix_spawn_file_actions_init(&to_file);
	posix_spawn_file_actions_addopen(&to_file, 2, tap_path("said"),
					 O_WRONLY | O_CREAT | O_TRUNC, 0600);
	status = posix_spawnp(&pid, "xmllint", &to_file, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&to_file);
	if (status == 0)
		waitpid(pid, &status, 0);
	free(argv);
	said = contents(tap_path("said"));
	return said;
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	if (!f || fputs(text, f) < 0 || fclose(f) != 0)
		abort();
}

/* The verdicts come in the order of the files. */
static char *find_either(char *from, const char *good, const char *poor)
{
	for (char *line = from; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (starts_with(line, good) || starts_with(line, poor))
			return line;
	}
	return NULL;
}

static size_t compare(const struct docs *d, bool volumes, size_t *ret_compared)
{
	char **files = mem_resize(NULL, d->n, sizeof *files);
	const struct doc **asked = mem_resize(NULL, d->n, sizeof *asked);
	auto_free char *said = NULL;
	char *p;
	size_t n = 0, bad = 0;

	for (size_t i = 0; i < d->n; i++) {
		if (d->all[i].is_volume != volumes || is_ours_to_differ(d->all[i].text))
			continue;
		files[n] = mem_printf("%s/%zu.xml", tap_dir(), n);
		write_file(files[n], d->all[i].text);
		asked[n++] = &d->all[i];
	}
	p = said = ask_xmllint(volumes ? "storagevol" : "storagepool", files, n);
	for (size_t i = 0; i < n; i++) {
		auto_free char *good = mem_printf("%s validates\n", files[i]);
		auto_free char *poor = mem_printf("%s fails to validate\n", files[i]);
		char *end = p ? find_either(p, good, poor) : NULL;
		bool accepted = end && starts_with(end, good), refused = end && !accepted;

		p = end ? end : p;

		if (accepted != refused && accepted != we_accept(asked[i]) && ++bad)
			printf("# is %svalid:\n%s\n", accepted ? "" : "not ", asked[i]->text);
		*ret_compared += accepted != refused;
		free(files[i]);
	}
	free(files);
	free(asked);
	return bad;
}

TEST(libvirts_own_schema_says_the_same)
{
	cleanup(docs_done) struct docs d = { 0 };
	size_t compared = 0;

	if (access(RNG "storagepool.rng", R_OK) < 0 || access(RNG "storagevol.rng", R_OK) < 0)
		SKIP("libvirt's schemas are not installed in " RNG);
	if (access("/usr/bin/xmllint", X_OK) < 0)
		SKIP("xmllint is not installed");
	add_files(&d, "tests/data/xml/virsh/*/*.in.xml");
	mutate(&d);
	add_files(&d, "tests/data/xml/*/*/*.out.xml");
	add_files(&d, "tests/data/xml/libvirt/*/*.in.xml");
	add_table(&d);
	SAME_N(compare(&d, false, &compared), 0);
	SAME_N(compare(&d, true, &compared), 0);
	CHECK(compared > 1500);
}

/* ---- without the judge --------------------------------------------------- */

static bool accepts_pool(const char *text)
{
	return we_accept(&(struct doc){ (char *)text, false });
}

TEST(elements_come_in_any_order)
{
	CHECK(accepts_pool("<pool type='fs'><target><permissions/><path>/t</path></target>"
			   "<mount_opts xmlns='http://libvirt.org/schemas/storagepool/fs/1.0'/>"
			   "<source><format type='ext4'/><device path='/d'/></source><name>x</name>"
			   "</pool>"));
}

TEST(a_port_is_1_to_65535)
{
	static const char doc[] = "<pool type='rbd'><source><name>r</name>"
				  "<host name='h' port='%s'/></source></pool>";
	static const struct { const char *port; bool good; } cases[] = {
		{ "1", true }, { "65535", true }, { "0", false }, { "-1", false },
		{ "65536", false }, { "", false }, { "http", false },
	};

	for (size_t i = 0; i < array_size(cases); i++) {
		auto_free char *text = mem_printf(doc, cases[i].port);

		SAME_N(accepts_pool(text), cases[i].good);
	}
}

TEST(without_the_flag_nothing_is_held_against_it)
{
	static const char doc[] = "<pool type='dir' x='y'><z/><name>x</name>"
				  "<target><path>rel</path></target></pool>";
	cleanup(bp_pool_def_freep) struct bp_pool_def *def = NULL;
	struct bp_error err = { 0 };

	CHECK(bp_xml_parse_pool(doc, sizeof doc - 1, NULL, 0, &def, &err) == 0);
}
