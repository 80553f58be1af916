/* model_volume.c - volumes that were never XML: completed, or refused; and copies. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/model/volume.h"
#include "tests/tap.h"

static struct bp_vol_spec *volume(const char *name)
{
	struct bp_vol_spec *spec = bp_vol_spec_new();

	spec->name = mem_dup(name);
	spec->has_capacity = true;
	spec->capacity = 4096;
	return spec;
}

static int complete(struct bp_vol_spec *spec, const char *type, struct bp_error *err)
{
	return bp_vol_spec_complete(spec, bp_pool_type_find(type), false, err);
}

static bool fails(struct bp_vol_spec *spec, const char *type, enum bp_code code,
		  const char *part, const char *text)
{
	struct bp_error err = { 0 };
	bool so = complete(spec, type, &err) == -1 && err.code == code &&
		  tap_same(__FILE__, __LINE__, err.part, part) &&
		  tap_same(__FILE__, __LINE__, err.text, text);

	bp_vol_spec_free(spec);
	return so;
}

#define FAILS(spec, type, code, part, text) CHECK(fails(spec, type, code, part, text))

/* ---- completion ---------------------------------------------------------- */

TEST(a_volume_is_allocated_in_full_unless_told)
{
	cleanup(bp_vol_spec_freep) struct bp_vol_spec *full = volume("v"), *sparse = volume("v");
	struct bp_error err = { 0 };

	sparse->has_allocation = true;
	CHECK(complete(full, "dir", &err) == 0 && complete(sparse, "dir", &err) == 0);
	SAME_N(full->allocation, 4096);
	SAME_N(sparse->allocation, 0);
	SAME(full->format, "raw");
	full->capacity = 8192;		/* what was not said follows */
	CHECK(complete(full, "dir", &err) == 0);
	SAME_N(full->allocation, 8192);
}

TEST(the_format_is_the_pools_own)
{
	static const struct { const char *type, *given, *want; } cases[] = {
		{ "dir", NULL, "raw" },
		{ "dir", "", "raw" },
		{ "dir", "qcow2", "qcow2" },
		{ "disk", NULL, "none" },
		{ "disk", "none", "none" },
		{ "disk", "linux", "linux" },
		{ "logical", "qcow2", NULL },
		{ "iscsi", NULL, NULL },
		{ "rbd", NULL, "raw" },
		{ "rbd", "qcow2", "qcow2" },
		{ "zfs", "x", NULL },
	};

	for (size_t i = 0; i < array_size(cases); i++) {
		cleanup(bp_vol_spec_freep) struct bp_vol_spec *spec = volume("v");
		struct bp_error err = { 0 };

		spec->format = mem_dup(cases[i].given);
		CHECK(complete(spec, cases[i].type, &err) == 0);
		CHECK(!spec->format == !cases[i].want);
		if (spec->format)
			SAME(spec->format, cases[i].want);
	}
}

TEST(features_are_of_a_new_image)
{
	cleanup(bp_vol_spec_freep) struct bp_vol_spec *spec = volume("v"), *old = volume("v");
	struct bp_error err = { 0 };

	spec->has_features = old->has_features = true;
	old->compat = mem_dup("0.10");
	CHECK(complete(spec, "dir", &err) == 0 && complete(old, "dir", &err) == 0);
	SAME(spec->compat, "1.1");
	SAME(old->compat, "0.10");
}

static struct bp_vol_spec *with_backing(const char *path, const char *format)
{
	struct bp_vol_spec *spec = volume("v");

	spec->backing = bp_backing_new();
	spec->backing->path = mem_dup(path);
	spec->backing->format = mem_dup(format);
	return spec;
}

TEST(a_backing_store_without_a_path_is_none)
{
	cleanup(bp_vol_spec_freep) struct bp_vol_spec *none = with_backing(NULL, "nonsense"),
						      *empty = with_backing("", NULL),
						      *some = with_backing("b", NULL);
	struct bp_error err = { 0 };

	CHECK(complete(none, "dir", &err) == 0 && complete(empty, "dir", &err) == 0);
	CHECK(complete(some, "dir", &err) == 0);
	CHECK(!none->backing && !empty->backing);
	SAME(some->backing->format, "raw");
	SAME(some->backing->path, "b");
}

TEST(a_capacity_may_be_missing_where_another_is_at_hand)
{
	cleanup(bp_vol_spec_freep) struct bp_vol_spec *clone = volume("v"),
						      *backed = with_backing("/b", "qcow2");
	struct bp_vol_spec *bare = volume("v");
	struct bp_error err = { 0 };

	clone->has_capacity = backed->has_capacity = bare->has_capacity = false;
	CHECK(bp_vol_spec_complete(clone, bp_pool_type_find("dir"), true, &err) == 0);
	SAME_N(clone->capacity, 0);
	SAME_N(clone->allocation, 0);
	CHECK(complete(backed, "dir", &err) == 0);
	FAILS(bare, "dir", BP_XML, "capacity", "missing capacity element");
}

static struct bp_vol_spec *with_encryption(const char *format, const char *type,
					   const char *uuid, const char *usage)
{
	struct bp_vol_spec *spec = volume("v");
	struct bp_secret *s;

	spec->encryption = bp_encryption_new();
	spec->encryption->format = mem_dup(format);
	s = array_add(spec->encryption->secrets, spec->encryption->n_secrets);
	s->type = mem_dup(type);
	s->uuid = mem_dup(uuid);
	s->usage = mem_dup(usage);
	return spec;
}

TEST(only_luks_has_a_cipher)
{
	cleanup(bp_vol_spec_freep) struct bp_vol_spec *luks = with_encryption("luks", "passphrase",
									      NULL, "s"),
						      *qcow = with_encryption("qcow", "passphrase",
									      NULL, "s");
	struct bp_error err = { 0 };

	luks->encryption->cipher = mem_dup("aes");
	qcow->encryption->cipher = mem_dup("aes");
	qcow->encryption->cipher_size = 256;
	qcow->encryption->ivgen = mem_dup("plain64");
	CHECK(complete(luks, "dir", &err) == 0 && complete(qcow, "dir", &err) == 0);
	SAME(luks->encryption->cipher, "aes");
	CHECK(!qcow->encryption->cipher && !qcow->encryption->cipher_size &&
	      !qcow->encryption->ivgen);
}

TEST(a_secrets_uuid_is_brought_into_form)
{
	cleanup(bp_vol_spec_freep) struct bp_vol_spec *spec =
		with_encryption("luks", "passphrase", "A0000000000040008000000000000001", NULL);
	struct bp_error err = { 0 };

	CHECK(complete(spec, "dir", &err) == 0);
	SAME(spec->encryption->secrets[0].uuid, "a0000000-0000-4000-8000-000000000001");
}

/* ---- refusals ------------------------------------------------------------ */

TEST(a_volume_has_a_name)
{
	FAILS(volume(NULL), "dir", BP_XML, "name", "missing volume name element");
	FAILS(volume(""), "rbd", BP_XML, "name", "missing volume name element");
	FAILS(volume("a\n\x01"), "rbd", BP_XML, "name",
	      "element 'name' has a byte (0x01) that XML cannot hold");
}

TEST(the_name_of_a_file_has_no_slash)
{
	static const char *const files[] = { "dir", "fs", "netfs", "vstorage" };
	static const char *const others[] = { "logical", "disk", "rbd", "zfs", "gluster" };

	for (size_t i = 0; i < array_size(files); i++)
		FAILS(volume("a/b"), files[i], BP_WRONG_STATE, "name",
		      "volume name 'a/b' cannot contain '/'");
	for (size_t i = 0; i < array_size(others); i++) {
		cleanup(bp_vol_spec_freep) struct bp_vol_spec *spec = volume("a/b");
		struct bp_error err = { 0 };

		CHECK(complete(spec, others[i], &err) == 0);
	}
}

TEST(sizes_are_those_of_files)
{
	struct bp_vol_spec *capacity = volume("v"), *allocation = volume("v");

	capacity->capacity = 1ull << 63;
	allocation->has_allocation = true;
	allocation->allocation = UINT64_MAX;
	FAILS(capacity, "dir", BP_OVERFLOW, "capacity", "value too large: 9223372036854775808");
	FAILS(allocation, "dir", BP_OVERFLOW, "allocation",
	      "value too large: 18446744073709551615");
}

static struct bp_vol_spec *with_format(const char *format)
{
	struct bp_vol_spec *spec = volume("v");

	spec->format = mem_dup(format);
	return spec;
}

TEST(formats_must_be_known)
{
	FAILS(with_format("nosuch"), "dir", BP_CONFIG, "target/format",
	      "unknown volume format type nosuch");
	FAILS(with_format("none"), "dir", BP_CONFIG, "target/format",
	      "unknown volume format type none");
	FAILS(with_format("raw"), "disk", BP_CONFIG, "target/format",
	      "unknown volume format type raw");
	FAILS(with_backing("/b", "none"), "dir", BP_CONFIG, "backingStore/format",
	      "unknown volume format type none");
}

TEST(compat_is_two_numbers)
{
	static const char *const bad[] = { "1", "1.", ".1", "1.1.1", "x", " 1.1", "1.1 ", "1,1" };

	for (size_t i = 0; i < array_size(bad); i++) {
		struct bp_vol_spec *spec = volume("v");

		spec->compat = mem_dup(bad[i]);
		FAILS(spec, "dir", BP_XML, "target/compat",
		      "forbidden characters in 'compat' attribute");
	}
}

TEST(a_data_file_can_be_told_but_not_made)
{
	struct bp_vol_spec *spec = volume("v");

	spec->has_features = true;
	spec->features = BP_FEATURE_DATA_FILE;
	FAILS(spec, "dir", BP_CONFIG, "target/features", "unsupported feature data_file");
}

TEST(modes_are_rights_alone)
{
	struct bp_vol_spec *own = volume("v"), *backing = with_backing("/b", NULL);

	own->perms = (struct bp_perms){ .has_mode = true, .mode = 04755 };
	backing->backing->perms = own->perms;
	FAILS(own, "dir", BP_XML, "target/permissions/mode", "malformed octal mode");
	FAILS(backing, "dir", BP_XML, "backingStore/permissions/mode", "malformed octal mode");
}

TEST(encryption_says_how_and_with_what)
{
	static const char part[] = "target/encryption", secret[] = "target/encryption/secret";
	struct bp_vol_spec *engine = with_encryption("luks", "passphrase", NULL, "s"),
			   *hash = with_encryption("luks", "passphrase", NULL, "s"),
			   *ivgen = with_encryption("luks", "passphrase", NULL, "s");

	engine->encryption->engine = mem_dup("x");
	hash->encryption->cipher_hash = mem_dup("sha256");
	ivgen->encryption->ivgen = mem_dup("plain");
	FAILS(with_encryption(NULL, NULL, NULL, NULL), "dir", BP_XML, part,
	      "unknown volume encryption format");
	FAILS(with_encryption("x", NULL, NULL, NULL), "dir", BP_CONFIG, part,
	      "unknown volume encryption format type x");
	FAILS(with_encryption("luks", NULL, NULL, "s"), "dir", BP_XML, secret,
	      "unknown volume encryption secret type");
	FAILS(with_encryption("luks", "x", NULL, "s"), "dir", BP_CONFIG, secret,
	      "unknown volume encryption secret type x");
	FAILS(with_encryption("luks", "passphrase", NULL, NULL), "dir", BP_XML, secret,
	      "missing secret uuid or usage attribute");
	FAILS(with_encryption("luks", "passphrase", "u", NULL), "dir", BP_XML, secret,
	      "invalid secret uuid 'u'");
	FAILS(with_encryption("luks", "passphrase", "u", "s"), "dir", BP_XML, secret,
	      "either secret uuid or usage expected");
	FAILS(engine, "dir", BP_XML, part,
	      "Invalid value for attribute 'engine' in element 'encryption': 'x'.");
	FAILS(hash, "dir", BP_XML, "target/encryption/cipher",
	      "cipher info missing 'name' attribute");
	FAILS(ivgen, "dir", BP_XML, "target/encryption/ivgen",
	      "ivgen element found, but cipher is missing");
}

/* ---- views and copies ---------------------------------------------------- */

TEST(a_copy_owns_all_it_has)
{
	char device[] = "/dev/a", path[] = "/b", label[] = "l", format[] = "luks", usage[] = "u";
	struct bp_vol_extent extents[] = { { device, 1, 2 }, { device, 3, 4 } };
	struct bp_backing backing = { .path = path, .perms = { .label = label }, .has_times = true,
				      .times = { .mtime = { 5, 6 } } };
	struct bp_secret secret = { .usage = usage };
	struct bp_encryption enc = { .format = format, .secrets = &secret, .n_secrets = 1,
				     .cipher_size = 256 };
	char name[] = "v";
	struct bp_vol_info info = {
		.got = BP_VOL_NAME, .type = BP_VOL_BLOCK, .name = name, .capacity = 7,
		.perms = { .has_uid = true, .uid = 9, .label = label }, .encryption = &enc,
		.backing = &backing, .extents = extents, .n_extents = 2, .problem = "p",
	};
	cleanup(bp_vol_info_freep) struct bp_vol_info *copy = bp_vol_info_dup(&info);

	device[0] = path[0] = label[0] = format[0] = usage[0] = name[0] = '?';
	SAME(copy->name, "v");
	SAME(copy->perms.label, "l");
	SAME(copy->encryption->format, "luks");
	SAME(copy->encryption->secrets[0].usage, "u");
	SAME_N(copy->encryption->cipher_size, 256);
	SAME(copy->backing->path, "/b");
	SAME(copy->backing->perms.label, "l");
	SAME_N(copy->backing->times.mtime.tv_nsec, 6);
	SAME_N(copy->n_extents, 2);
	SAME(copy->extents[1].device, "/dev/a");
	SAME_N(copy->extents[1].end, 4);
	SAME(copy->problem, "p");
	SAME_N(copy->capacity, 7);
	SAME_N(copy->perms.uid, 9);
	CHECK(!copy->key && !copy->format);
}

TEST(a_copy_has_every_word_of_the_encryption)
{
	struct bp_secret secrets[] = { { (char *)"t1", (char *)"u1", NULL },
				       { (char *)"t2", NULL, (char *)"u2" } };
	struct bp_encryption enc = {
		.format = (char *)"f", .engine = (char *)"e", .secrets = secrets, .n_secrets = 2,
		.cipher = (char *)"c", .cipher_mode = (char *)"m", .cipher_hash = (char *)"h",
		.ivgen = (char *)"i", .ivgen_hash = (char *)"j",
	};
	struct bp_vol_info info = { .encryption = &enc };
	cleanup(bp_vol_info_freep) struct bp_vol_info *copy = bp_vol_info_dup(&info);
	const struct bp_encryption *e = copy->encryption;

	SAME(e->engine, "e");
	SAME(e->cipher, "c");
	SAME(e->cipher_mode, "m");
	SAME(e->cipher_hash, "h");
	SAME(e->ivgen, "i");
	SAME(e->ivgen_hash, "j");
	SAME_N(e->n_secrets, 2);
	SAME(e->secrets[0].type, "t1");
	SAME(e->secrets[0].uuid, "u1");
	SAME(e->secrets[1].usage, "u2");
	CHECK(!e->secrets[0].usage && !e->secrets[1].uuid);
}

TEST(what_was_asked_for_can_be_looked_at_as_if_it_were_there)
{
	cleanup(bp_vol_spec_freep) struct bp_vol_spec *spec = with_backing("/b", NULL);
	struct bp_vol_info info;
	struct bp_error err = { 0 };

	spec->path = mem_dup("/v");
	CHECK(complete(spec, "dir", &err) == 0);
	bp_vol_spec_view(spec, bp_pool_type_find("dir"), &info);
	CHECK(info.name == spec->name && info.path == spec->path && info.backing == spec->backing);
	SAME_N(info.capacity, 4096);
	SAME(info.format, "raw");
	SAME_N(info.physical, 0);
}

TEST(nothing_can_be_freed)
{
	bp_vol_spec_free(NULL);
	bp_vol_info_free(NULL);
	bp_encryption_free(NULL);
	bp_backing_free(NULL);
}
