/* model_pool.c - definitions that were never XML: completed, or refused. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/model/pool_def.h"
#include "core/model/pool_type.h"
#include "tests/tap.h"

static struct bp_pool_def *pool(const char *type, const char *name)
{
	struct bp_pool_def *def = bp_pool_def_new();

	def->type = mem_dup(type);
	def->name = mem_dup(name);
	return def;
}

static void add_host(struct bp_pool_def *def, const char *name)
{
	array_add(def->source.hosts, def->source.n_hosts)->name = mem_dup(name);
}

static void add_device(struct bp_pool_def *def, const char *path)
{
	array_add(def->source.devices, def->source.n_devices)->path = mem_dup(path);
}

/* A pool of the type with all it needs, and no more. */
static struct bp_pool_def *whole(const char *name)
{
	const struct bp_pool_type *type = bp_pool_type_find(name);
	struct bp_pool_def *def = pool(name, "p");

	if (type->needs & BP_PART_HOST)
		add_host(def, "h");
	if (type->needs & BP_PART_DEVICE)
		add_device(def, "/dev/sdb");
	if (type->needs & BP_PART_DIR)
		def->source.dir = mem_dup("/d");
	if (type->needs & BP_PART_NAME)
		def->source.name = mem_dup("n");
	if (type->needs & BP_PART_INITIATOR)
		def->source.initiator = mem_dup("i");
	if (type->needs & BP_PART_ADAPTER) {
		def->source.adapter = mem_alloc(sizeof *def->source.adapter);
		def->source.adapter->name = mem_dup("host1");
	}
	if (type->target == BP_TARGET_GIVEN)
		def->target_path = mem_dup("/t");
	return def;
}

static bool fails(struct bp_pool_def *def, enum bp_code code, const char *part, const char *text)
{
	struct bp_error err = { 0 };
	bool so = bp_pool_def_complete(def, &err) == -1 && err.code == code &&
		  tap_same(__FILE__, __LINE__, err.part, part) &&
		  tap_same(__FILE__, __LINE__, err.text, text);

	bp_pool_def_free(def);
	return so;
}

#define FAILS(def, code, part, text) CHECK(fails(def, code, part, text))

/* ---- completion ---------------------------------------------------------- */

TEST(a_directory_needs_a_name_and_a_target)
{
	cleanup(bp_pool_def_freep) struct bp_pool_def *def = pool("dir", "d1");
	struct bp_error err = { 0 };

	def->target_path = mem_dup("//srv///images/");
	CHECK(bp_pool_def_complete(def, &err) == 0);
	SAME(def->target_path, "//srv/images");
	SAME_N(strlen(def->uuid), 36);
	CHECK(!def->source.format && !def->source.name);
}

TEST(every_type_can_be_completed_twice)
{
	const struct bp_pool_type *type;

	for (size_t i = 0; (type = bp_pool_type_at(i)); i++) {
		cleanup(bp_pool_def_freep) struct bp_pool_def *def = whole(type->name);
		auto_free char *uuid = NULL, *target = NULL;
		struct bp_error err = { 0 };

		CHECK(bp_pool_def_complete(def, &err) == 0);
		uuid = mem_dup(def->uuid);
		target = mem_dup(def->target_path);
		CHECK(bp_pool_def_complete(def, &err) == 0);
		SAME(def->uuid, uuid);
		CHECK(!target || strcmp(def->target_path, target) == 0);
		CHECK(!type->source_format || strcmp(def->source.format, type->source_format) == 0);
		CHECK(!def->source.name == !(type->parts & BP_PART_NAME));
	}
}

TEST(the_source_is_named_after_the_pool_and_the_pool_after_the_source)
{
	cleanup(bp_pool_def_freep) struct bp_pool_def *a = pool("logical", "vg"),
						      *b = pool("logical", NULL);
	struct bp_error err = { 0 };

	b->source.name = mem_dup("a//b");
	CHECK(bp_pool_def_complete(a, &err) == 0);
	SAME(a->source.name, "vg");
	SAME(a->target_path, "/dev/vg");
	CHECK(bp_pool_def_complete(b, &err) == -1);
	SAME(err.text, "name a//b cannot contain '/'");
	mem_set(&b->name, "l");
	err = (struct bp_error){ 0 };
	CHECK(bp_pool_def_complete(b, &err) == 0);
	SAME(b->target_path, "/dev/a/b");
}

TEST(a_type_without_a_target_has_none)
{
	cleanup(bp_pool_def_freep) struct bp_pool_def *def = whole("rbd");
	struct bp_error err = { 0 };

	def->target_path = mem_dup("/t");
	def->perms = (struct bp_perms){ .has_mode = true, .mode = 07777, .label = mem_dup("l") };
	CHECK(bp_pool_def_complete(def, &err) == 0);
	CHECK(!def->target_path && !def->perms.has_mode && !def->perms.label);
}

TEST(a_gluster_volume_has_a_root)
{
	cleanup(bp_pool_def_freep) struct bp_pool_def *def = whole("gluster");
	struct bp_error err = { 0 };

	CHECK(bp_pool_def_complete(def, &err) == 0);
	SAME(def->source.dir, "/");
}

TEST(parts_a_type_has_no_use_for_are_dropped)
{
	cleanup(bp_pool_def_freep) struct bp_pool_def *def = whole("dir");
	struct bp_error err = { 0 };

	add_host(def, "h");
	add_device(def, "/dev/sdb");
	def->source.dir = mem_dup("/d");
	def->source.name = mem_dup("n");
	def->source.initiator = mem_dup("i");
	def->source.format = mem_dup("nosuch");
	def->source.adapter = mem_alloc(sizeof *def->source.adapter);
	def->source.vendor = mem_dup("Acme");
	array_add(def->fs_options, def->n_fs_options)->name = mem_dup("ro");
	array_add(def->rbd_options, def->n_rbd_options)->value = mem_dup("x");
	CHECK(bp_pool_def_complete(def, &err) == 0);
	CHECK(!def->source.n_hosts && !def->source.n_devices && !def->source.dir);
	CHECK(!def->source.name && !def->source.initiator && !def->source.format);
	CHECK(!def->source.adapter && !def->n_fs_options && !def->n_rbd_options);
	SAME(def->source.vendor, "Acme");
}

TEST(empty_words_are_no_words)
{
	cleanup(bp_pool_def_freep) struct bp_pool_def *def = whole("netfs");
	struct bp_error err = { 0 };

	def->uuid = mem_dup("");
	def->source.format = mem_dup("");
	def->source.protocol_ver = mem_dup("");
	def->source.vendor = mem_dup("");
	def->perms.label = mem_dup("");
	def->refresh_allocation = mem_dup("");
	CHECK(bp_pool_def_complete(def, &err) == 0);
	SAME_N(strlen(def->uuid), 36);
	SAME(def->source.format, "auto");
	CHECK(!def->source.protocol_ver && !def->source.vendor && !def->perms.label);
	CHECK(!def->refresh_allocation);
}

TEST(a_uuid_is_brought_into_form)
{
	cleanup(bp_pool_def_freep) struct bp_pool_def *def = whole("dir");
	struct bp_error err = { 0 };

	def->uuid = mem_dup(" A0000000000040008000000000000001 ");
	CHECK(bp_pool_def_complete(def, &err) == 0);
	SAME(def->uuid, "a0000000-0000-4000-8000-000000000001");
}

TEST(an_adapter_is_of_the_type_its_words_tell)
{
	cleanup(bp_pool_def_freep) struct bp_pool_def *def = whole("scsi"), *fc = whole("scsi");
	struct bp_error err = { 0 };
	struct bp_adapter *a = fc->source.adapter;

	CHECK(bp_pool_def_complete(def, &err) == 0);
	SAME(def->source.adapter->type, "scsi_host");
	a->type = mem_dup("fc_host");
	a->wwnn = mem_dup("20000000c9831b4b");
	a->wwpn = mem_dup("0x10000000c9831b4b");
	a->has_address = true;
	CHECK(bp_pool_def_complete(fc, &err) == 0);
	CHECK(!a->name && !a->has_address);
}

/* ---- refusals ------------------------------------------------------------ */

TEST(a_pool_has_a_type_of_ours)
{
	FAILS(pool(NULL, "p"), BP_XML, "", "Missing required attribute 'type' in element 'pool'");
	FAILS(pool("nosuch", "p"), BP_XML, "",
	      "Invalid value for attribute 'type' in element 'pool': 'nosuch'.");
}

TEST(a_pool_has_a_name_that_a_file_can_have)
{
	struct bp_pool_def *none = whole("dir"), *slash = whole("dir"), *control = whole("dir");

	mem_set(&none->name, "");
	mem_set(&slash->name, "a/b");
	mem_set(&control->name, "a\x01");
	FAILS(none, BP_XML, "name", "missing pool source name element");
	FAILS(slash, BP_XML, "name", "name a/b cannot contain '/'");
	FAILS(control, BP_XML, "name", "element 'name' has a byte (0x01) that XML cannot hold");
}

TEST(what_a_type_needs_must_be_there)
{
	static const struct {
		const char *type;
		enum bp_code code;
		const char *part, *text;
	} c[] = {
		{ "fs",	     BP_XML, "source", "missing storage pool source device name" },
		{ "disk",    BP_XML, "source", "missing storage pool source device name" },
		{ "netfs",   BP_XML, "source", "missing storage pool source host name" },
		{ "iscsi",   BP_XML, "source", "missing storage pool source host name" },
		{ "rbd",     BP_XML, "source", "missing storage pool source host name" },
		{ "gluster", BP_XML, "source", "missing storage pool source host name" },
		{ "scsi",    BP_XML, "source", "missing storage pool source adapter" },
		{ "dir",     BP_XML, "target/path", "missing storage pool target path" },
		{ "mpath",   BP_XML, "target/path", "missing storage pool target path" },
		{ "vstorage", BP_XML, "target/path", "missing storage pool target path" },
	};

	for (size_t i = 0; i < array_size(c); i++)
		FAILS(pool(c[i].type, "p"), c[i].code, c[i].part, c[i].text);
}

TEST(and_one_after_another_it_is_told)
{
	struct bp_pool_def *netfs = pool("netfs", "p"), *rbd = pool("rbd", "p"),
			   *direct = pool("iscsi-direct", "p");

	add_host(netfs, "h");
	add_host(rbd, "h");
	add_host(direct, "h");
	FAILS(netfs, BP_XML, "source", "missing storage pool source path");
	FAILS(rbd, BP_XML, "source", "element 'name' is mandatory for RBD pool");
	FAILS(direct, BP_CONFIG, "source", "missing initiator IQN");
}

TEST(the_second_host_is_told_from_the_first)
{
	struct bp_pool_def *host = whole("rbd"), *device = whole("fs");

	add_host(host, NULL);
	add_device(device, NULL);
	FAILS(host, BP_XML, "source/host[2]", "missing storage pool host name");
	FAILS(device, BP_XML, "source/device[2]", "missing storage pool source device path");
}

TEST(words_must_be_known)
{
	struct bp_pool_def *format = whole("fs"), *refresh = whole("dir"), *uuid = whole("dir"),
			   *cow = whole("netfs"), *mode = whole("dir");

	format->source.format = mem_dup("ext5");
	refresh->refresh_allocation = mem_dup("all");
	uuid->uuid = mem_dup("u");
	cow->cow = BP_NO;
	mode->perms = (struct bp_perms){ .has_mode = true, .mode = 01777 };
	FAILS(format, BP_CONFIG, "source/format", "unknown pool format type ext5");
	FAILS(refresh, BP_CONFIG, "refresh/volume",
	      "unknown storage pool volume refresh allocation type all");
	FAILS(uuid, BP_XML, "uuid", "malformed uuid element");
	FAILS(cow, BP_UNSUPPORTED, "features/cow",
	      "cow feature may only be used for 'fs' and 'dir' pools");
	FAILS(mode, BP_XML, "target/permissions/mode", "malformed octal mode");
}

static struct bp_pool_def *with_auth(const char *type, const char *user, const char *uuid,
				     const char *usage)
{
	struct bp_pool_def *def = whole("iscsi");
	struct bp_auth *a = def->source.auth = mem_alloc(sizeof *a);

	a->type = mem_dup(type);
	a->username = mem_dup(user);
	a->secret_uuid = mem_dup(uuid);
	a->secret_usage = mem_dup(usage);
	return def;
}

TEST(who_logs_in_says_how)
{
	static const char part[] = "source/auth", secret[] = "source/auth/secret";

	FAILS(with_auth("chap", NULL, NULL, "s"), BP_XML, part, "missing username for auth");
	FAILS(with_auth("x", "u", NULL, "s"), BP_CONFIG, part, "unknown auth type 'x'");
	FAILS(with_auth(NULL, "u", NULL, "s"), BP_CONFIG, part, "storage pool missing auth type");
	FAILS(with_auth("chap", "u", NULL, NULL), BP_XML, part, "Missing <secret> element in auth");
	FAILS(with_auth("chap", "u", "x", NULL), BP_XML, secret, "invalid secret uuid 'x'");
	FAILS(with_auth("chap", "u", "x", "s"), BP_XML, secret,
	      "either secret uuid or usage expected");
}

static struct bp_pool_def *with_protocol(const char *format, const char *ver)
{
	struct bp_pool_def *def = whole("netfs");

	def->source.format = mem_dup(format);
	def->source.protocol_ver = mem_dup(ver);
	return def;
}

TEST(a_protocol_is_of_nfs_and_has_no_comma)
{
	FAILS(with_protocol("cifs", "3"), BP_CONFIG, "source/protocol",
	      "storage pool protocol ver unsupported for pool type 'cifs'");
	FAILS(with_protocol("nfs", "3,rw"), BP_XML_SYNTAX, "source/protocol",
	      "storage pool protocol ver '3,rw' must not contain ','");
}

TEST(options_have_names)
{
	struct bp_pool_def *fs = whole("fs"), *rbd = whole("rbd");

	array_add(fs->fs_options, fs->n_fs_options)->name = mem_dup("ro");
	array_add(fs->fs_options, fs->n_fs_options);
	array_add(rbd->rbd_options, rbd->n_rbd_options)->name = mem_dup("a");
	FAILS(fs, BP_XML, "mount_opts/option[2]", "no fs mount option name specified");
	FAILS(rbd, BP_XML, "config_opts/option[1]", "no rbd option value specified");
}

/* Whatever a command line may hold, what is kept can be read again. */
TEST(bytes_that_xml_cannot_hold_are_refused_everywhere)
{
	struct bp_pool_def *host = whole("iscsi"), *dir = whole("netfs"), *path = whole("dir"),
			   *label = whole("dir"), *user = with_auth("chap", "u\x02", NULL, "s");

	mem_set(&host->source.hosts[0].name, "\xff");
	mem_set(&dir->source.dir, "/\x1b");
	mem_set(&path->target_path, "/\xed\xa0\x80");
	label->perms.label = mem_dup("\xef\xbf\xbe");
	FAILS(host, BP_XML, "source/host[1]",
	      "element 'source/host[1]' has a byte (0xff) that XML cannot hold");
	FAILS(dir, BP_XML, "source/dir",
	      "element 'source/dir' has a byte (0x1b) that XML cannot hold");
	FAILS(path, BP_XML, "target/path",
	      "element 'target/path' has a byte (0xed) that XML cannot hold");
	FAILS(label, BP_XML, "target/permissions/label",
	      "element 'target/permissions/label' has a byte (0xef) that XML cannot hold");
	FAILS(user, BP_XML, "source/auth",
	      "element 'source/auth' has a byte (0x02) that XML cannot hold");
}

/* ---- paths --------------------------------------------------------------- */

TEST(paths_are_tidied)
{
	static const char *const cases[][2] = {
		{ "", "" },		    { "/", "/" },		{ "//", "//" },
		{ "///", "/" },		    { "////a", "/a" },		{ "/a/", "/a" },
		{ "/a//b///", "/a/b" },	    { "//a//b//", "//a/b" },	{ "a//", "a" },
		{ "./a/", "./a" },	    { "/a/../b", "/a/../b" },	{ " ", " " },
		{ "a://b//c/", "a://b//c/" }, { "://a//b", "://a//b" },
		{ "/a://b//", "/a:/b" },    { "file:/a//b", "file:/a/b" }, { "a:b//c", "a:b/c" },
	};

	for (size_t i = 0; i < array_size(cases); i++) {
		auto_free char *tidy = bp_path_tidy(cases[i][0]);

		SAME(tidy, cases[i][1]);
	}
}

TEST(nothing_can_be_freed)
{
	struct bp_pool_def *none = NULL;

	bp_pool_def_free(NULL);
	bp_pool_def_freep(&none);
	CHECK(!none);
}
