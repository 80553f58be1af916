/* xml_bounds.c - documents made to hurt are refused with little time and memory.
 *
 * Each is read in a child that may use one second of the processor and 64 MiB
 * on top of what the process has; whoever takes more is killed by the kernel,
 * so no clock is looked at.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "tests/tap.h"
#include "xml/xml.h"

#define MEMORY (64ul << 20)

/* Sanitizers and valgrind need more than there is of both. */
static bool has_limits(void)
{
	const char *preload = getenv("LD_PRELOAD");

#if defined __SANITIZE_ADDRESS__
	return false;
#elif defined __has_feature
#if __has_feature(address_sanitizer)
	return false;
#endif
#endif
	return !preload || !strstr(preload, "vgpreload");
}

/* ---- documents ----------------------------------------------------------- */

static void repeat(struct text *t, const char *s, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		text_add(t, s);
}

static void fill_up(struct text *t, const char *s, size_t room)
{
	while (t->len + strlen(s) + room < BP_XML_MAX)
		text_add(t, s);
}

static void billion_laughs(struct text *t)
{
	text_add(t, "<!DOCTYPE pool [<!ENTITY a0 'lol'>");
	for (int i = 1; i < 10; i++) {
		text_addf(t, "<!ENTITY a%d '", i);
		for (int j = 0; j < 10; j++)
			text_addf(t, "&a%d;", i - 1);
		text_add(t, "'>");
	}
	text_add(t, "]><pool type='dir'><name>&a9;</name></pool>");
}

static void quadratic_entity(struct text *t)
{
	text_add(t, "<!DOCTYPE pool [<!ENTITY a '");
	repeat(t, "x", 60000);
	text_add(t, "'>]><pool type='dir'><name>");
	repeat(t, "&a;", 60000);
	text_add(t, "</name></pool>");
}

static void external_entity(struct text *t)
{
	text_add(t, "<!DOCTYPE pool [<!ENTITY x SYSTEM 'file:///dev/zero'>]>"
		    "<pool type='dir'><name>&x;</name></pool>");
}

static void parameter_entity(struct text *t)
{
	text_add(t, "<!DOCTYPE pool [<!ENTITY % x SYSTEM 'file:///dev/zero'> %x;]><pool/>");
}

static void external_dtd(struct text *t)
{
	text_add(t, "<!DOCTYPE pool SYSTEM 'file:///dev/zero'><pool type='dir'/>");
}

static void nesting_of_10000(struct text *t)
{
	repeat(t, "<a>", 10000);
	repeat(t, "</a>", 10000);
}

static void nesting_without_end(struct text *t)
{
	fill_up(t, "<a>", 0);
}

static void attributes_200000(struct text *t)
{
	text_add(t, "<pool");
	for (unsigned i = 0; i < 200000; i++)
		text_addf(t, " a%u='1'", i);
	text_add(t, "/>");
}

/* Nothing that comes before stops the count. */
static void attributes_after_all_else(struct text *t)
{
	text_add(t, "<?xml version='1.0'?><!DOCTYPE pool ><!-- < --><?a < ?>\n"
		    "<pool a = \">'\" b=\n'1'\tc='\"'>text<b/><c></c><![CDATA[ <d ]]><!-- -->"
		    "<?p?>&lt;<e");
	for (unsigned i = 0; i < 200000; i++)
		text_addf(t, " a%u = \"1\"", i);
	text_add(t, "/></pool>");
}

static void attributes_in_many(struct text *t)
{
	text_add(t, "<pool>");
	fill_up(t, "<a b='' c='' d='' e='' f='' g='' h='' i='' j='' k='' l='' m=''/>", 8);
	text_add(t, "</pool>");
}

static void elements_without_end(struct text *t)
{
	text_add(t, "<pool>");
	fill_up(t, "<a/>x", 8);
	text_add(t, "</pool>");
}

static void character_data(struct text *t)
{
	text_add(t, "<pool><name>");
	fill_up(t, "<![CDATA[x]]>", 20);
	text_add(t, "</name></pool>");
}

static void namespaces(struct text *t)
{
	text_add(t, "<pool type='dir'><name>x</name><target><path>/t</path></target>");
	for (unsigned i = 0; i < 250; i++) {
		text_add(t, "<a");
		for (unsigned j = 0; j < 99; j++)
			text_addf(t, " xmlns:n%u_%u='u'", i, j);
		text_add(t, ">");
	}
	repeat(t, "<z:a/>", 70000);
	repeat(t, "</a>", 250);
	text_add(t, "</pool>");
}

static void ends_without_starts(struct text *t)
{
	text_add(t, "<pool>");
	fill_up(t, "</x>", 0);
}

static void open_tags(struct text *t)
{
	fill_up(t, "<", 0);
}

static void a_name_of_10_mb(struct text *t)
{
	text_add(t, "<");
	fill_up(t, "xxxxxxxxxxxxxxxx", 16);
	text_add(t, "/>");
}

static void no_utf8_at_all(struct text *t)
{
	text_add(t, "<pool><name>");
	fill_up(t, "\xff\xff\xff\xff", 0);
}

/* ---- those that are fine, but large -------------------------------------- */

static void comments(struct text *t)
{
	text_add(t, "<pool type='dir'><name>x</name><target><path>/t</path></target>");
	fill_up(t, "<!----><?a?>", 8);
	text_add(t, "</pool>");
}

static void references(struct text *t)
{
	text_add(t, "<pool type='dir'><name>x</name><target><path>/t</path><permissions><label>");
	fill_up(t, "&amp;&#65;", 60);
	text_add(t, "</label></permissions></target></pool>");
}

static void elements_as_many_as_may_be(struct text *t)
{
	text_add(t, "<pool type='dir'><name>x</name><target><path>/t</path></target>");
	for (unsigned i = 0; i < 99000; i++)
		text_addf(t, "<a%u/>and some words", i);
	text_add(t, "</pool>");
}

static void unknown_prefixes(struct text *t)
{
	text_add(t, "<pool type='dir'><name>x</name><target><path>/t</path></target><a");
	for (unsigned i = 0; i < 99; i++)
		text_addf(t, " xmlns:n%u='u'", i);
	text_add(t, ">");
	repeat(t, "<b>", 200);
	repeat(t, "<z:c d:e='1'/>", 49000);
	repeat(t, "</b>", 200);
	text_add(t, "</a></pool>");
}

static void hosts(struct text *t)
{
	text_add(t, "<pool type='iscsi'><name>x</name><target><path>/t</path></target><source>");
	repeat(t, "<host name='h'/>", 49000);
	text_add(t, "</source></pool>");
}

/* ---- trying them --------------------------------------------------------- */

static unsigned long memory_in_use(void)
{
	unsigned long pages = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	if (f) {
		if (fscanf(f, "%lu", &pages) != 1)
			pages = 0;
		fclose(f);
	}
	return pages * (unsigned long)sysconf(_SC_PAGESIZE);
}

static void limit(int what, unsigned long soft)
{
	struct rlimit r = { soft, soft };

	if (setrlimit(what, &r) < 0)
		_exit(9);
}

/* 0: read; 1: refused.  Whatever the child says goes nowhere but into its
 * status, and libxml2 must not have said anything. */
static int read_bounded(const char *text, size_t len)
{
	cleanup(bp_pool_def_freep) struct bp_pool_def *def = NULL;
	struct bp_error err = { 0 };
	int out[2], status;
	char said;
	pid_t child;

	if (pipe(out) < 0 || (child = fork()) < 0)
		return -1;
	if (child == 0) {
		dup2(out[1], 2);
		if (has_limits()) {
			limit(RLIMIT_AS, memory_in_use() + MEMORY);
			limit(RLIMIT_CPU, 1);
		}
		_exit(bp_xml_parse_pool(text, len, NULL, 0, &def, &err) < 0);
	}
	close(out[1]);
	status = read(out[0], &said, 1) == 1 ? 1 : 0;
	close(out[0]);
	if (status)
		printf("# something was printed\n");
	if (waitpid(child, &status, 0) != child || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

static bool come_out(void (*make)(struct text *t), int want)
{
	cleanup(text_done) struct text t = { 0 };
	int got;

	make(&t);
	got = read_bounded(t.s, t.len);
	if (got == want)
		return true;
	printf("# %s, %zu bytes: %s\n", got < 0 ? "killed" : got ? "refused" : "read", t.len,
	       want ? "should be refused" : "should be read");
	return false;
}

#define REFUSED(make) TEST(refuses_##make) { CHECK(come_out(make, 1)); }
#define READ(make) TEST(reads_##make) { CHECK(come_out(make, 0)); }

REFUSED(billion_laughs)
REFUSED(quadratic_entity)
REFUSED(external_entity)
REFUSED(parameter_entity)
REFUSED(external_dtd)
REFUSED(nesting_of_10000)
REFUSED(nesting_without_end)
REFUSED(attributes_200000)
REFUSED(attributes_after_all_else)
REFUSED(attributes_in_many)
REFUSED(elements_without_end)
REFUSED(character_data)
REFUSED(namespaces)
REFUSED(ends_without_starts)
REFUSED(open_tags)
REFUSED(a_name_of_10_mb)
REFUSED(no_utf8_at_all)

READ(comments)
READ(references)
READ(elements_as_many_as_may_be)
READ(unknown_prefixes)
READ(hosts)

TEST(refuses_100_mb)
{
	cleanup(text_done) struct text t = { 0 };

	repeat(&t, "<pool>          ", 100u << 16);
	CHECK(read_bounded(t.s, t.len) == 1);
}

TEST(nesting_is_bounded_where_libvirt_bounds_it)
{
	for (unsigned n = 256; n <= 257; n++) {
		cleanup(text_done) struct text t = { 0 };

		text_add(&t, "<pool type='dir'><name>x</name><target><path>/t</path></target>");
		repeat(&t, "<a>", n);
		repeat(&t, "</a>", n);
		text_add(&t, "</pool>");
		SAME_N(read_bounded(t.s, t.len), n == 257);
	}
}

TEST(attributes_are_bounded)
{
	for (unsigned n = 98; n <= 101; n += 3) {
		cleanup(text_done) struct text t = { 0 };

		text_add(&t, "<pool type='dir'");
		for (unsigned i = 0; i < n; i++)
			text_addf(&t, " a%u='%s'", i, i % 3 ? "" : ">");
		text_add(&t, "><name>x</name><target><path>/t</path></target></pool>");
		SAME_N(read_bounded(t.s, t.len), n == 101);
	}
}

TEST(a_bare_document_type_is_fine)
{
	static const char doc[] = "<!DOCTYPE pool >\n<pool type='dir'><name>x</name>"
				  "<target><path>/t</path></target></pool>";

	SAME_N(read_bounded(doc, sizeof doc - 1), 0);
}

TEST(what_looks_like_markup_in_values_is_none)
{
	static const char doc[] =
		"<?a <!DOCTYPE x [ ?><!-- <!DOCTYPE x [ <a b='-->"
		"<pool type=\"dir\" a='/>' b=\"'>\">"
		"<name>x</name><![CDATA[<!DOCTYPE x [<!ENTITY <a ]]>"
		"<target><path>/t</path></target></pool>";

	SAME_N(read_bounded(doc, sizeof doc - 1), 0);
}
