/* image_create.c - new images, judged by qemu-img and qemu-io. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <sys/stat.h>

#include "core/base/file.h"
#include "tests/unit/image_judge.h"

#define K UINT64_C(1024)
#define METADATA BP_PREALLOC_METADATA
#define M (K * K)
#define G (K * M)
#define T (K * G)

static const struct bp_image_format *qcow2(void)
{
	return bp_image_format_find("qcow2");
}

/* The options of qemu-img for the same image. */
static char *options_of(const struct bp_image_spec *s)
{
	static const char *const reserved[] = { "off", "metadata", "falloc", "full" };

	return mem_printf("compat=%s,cluster_size=%llu,refcount_bits=%u,preallocation=%s%s%s%s%s%s",
			  s->compat ? s->compat : "1.1",
			  (unsigned long long)(s->cluster_size ? s->cluster_size : 64 * K),
			  s->refcount_bits ? s->refcount_bits : 16, reserved[s->preallocate],
			  s->zstd ? ",compression_type=zstd" : "",
			  s->features & BP_FEATURE_LAZY_REFCOUNTS ? ",lazy_refcounts=on" : "",
			  s->features & BP_FEATURE_EXTENDED_L2 ? ",extended_l2=on" : "",
			  s->backing_format ? ",backing_fmt=" : "",
			  s->backing_format ? s->backing_format : "");
}

static bool make_ours(const char *path, const struct bp_image_spec *s, struct bp_error *err)
{
	struct bp_io *io = open_image(path, O_CREAT | O_TRUNC);
	int r = qcow2()->create(io, s, err);

	io_close(io);
	return r == 0;
}

static bool make_theirs(const char *path, const struct bp_image_spec *s)
{
	auto_free char *options = options_of(s);
	char size[32];

	snprintf(size, sizeof size, "%llu", (unsigned long long)s->capacity);
	unlink(path);
	return judge("qemu-img", "create", "-q", "-u", "-f", "qcow2", "-o", options, path, size,
		     s->backing ? "-b" : NULL, s->backing, NULL) == 0;
}

static bool same_file(const char *a, const char *b)
{
	auto_free char *x = NULL, *y = NULL;
	struct bp_error err = { 0 };
	size_t n, m;

	if (file_read(AT_FDCWD, a, 1 << 30, &x, &n, &err) < 0 ||
	    file_read(AT_FDCWD, b, 1 << 30, &y, &m, &err) < 0)
		return false;
	return n == m && memcmp(x, y, n) == 0;
}

static bool clean(const char *path)
{
	return judge("qemu-img", "check", "-q", path, NULL) == 0;
}

/* One specification in its turn through the whole matrix. */
static const uint64_t cluster_sizes[] = { 0, 512, 1024, 4 * K, 8 * K, 64 * K, 2 * M };
static const uint64_t capacities[] = { 0, 1, 512, M, 10 * M, G, T };
static const struct {
	const char *compat;
	unsigned features;
	const char *backing, *backing_format;
	unsigned refcount_bits;
	bool zstd;
} kinds[] = {
	{ NULL, 0, NULL, NULL },
	{ "0.10", 0, NULL, NULL },
	{ "1.1", BP_FEATURE_LAZY_REFCOUNTS, NULL, NULL },
	{ "1.1", BP_FEATURE_EXTENDED_L2, NULL, NULL },
	{ "1.1", BP_FEATURE_EXTENDED_L2 | BP_FEATURE_LAZY_REFCOUNTS, "a b", "qcow2" },
	{ "0.10", 0, "sub/base", "raw" },
	{ "1.1", 0, "base", "vmdk" },
	{ "1.1", 0, NULL, NULL, 1, false },
	{ "1.1", 0, NULL, NULL, 2, true },
	{ "1.1", BP_FEATURE_LAZY_REFCOUNTS, NULL, NULL, 4, true },
	{ "1.1", 0, NULL, NULL, 8, false },
	{ "1.1", 0, NULL, NULL, 32, false },
	{ "1.1", BP_FEATURE_EXTENDED_L2, NULL, NULL, 64, true },
};

static struct bp_image_spec spec_of(size_t i)
{
	size_t k = i % array_size(kinds), c = i / array_size(kinds) % array_size(capacities);
	size_t s = i / array_size(kinds) / array_size(capacities);

	return (struct bp_image_spec){
		.capacity = capacities[c], .cluster_size = cluster_sizes[s],
		.compat = kinds[k].compat, .features = kinds[k].features,
		.backing = kinds[k].backing, .backing_format = kinds[k].backing_format,
		.refcount_bits = kinds[k].refcount_bits, .zstd = kinds[k].zstd,
	};
}

#define N_SPECS (array_size(kinds) * array_size(capacities) * array_size(cluster_sizes))

/* Not in the format: too large for the clusters, or extended L2 with small ones. */
static bool impossible(const struct bp_image_spec *s)
{
	uint64_t cs = s->cluster_size ? s->cluster_size : 64 * K;

	return (s->features & BP_FEATURE_EXTENDED_L2 && cs < 16 * K) ||
	       (cs == 512 && s->capacity > 128 * G) || (cs == K && s->capacity > 512 * G);
}

/* With one refcount block there is but one way to lay an image out. */
static bool one_layout(const struct bp_image_spec *s)
{
	uint64_t cs = s->cluster_size ? s->cluster_size : 64 * K;

	return s->capacity / (cs * cs / 8) * 8 / cs + 8 <
	       cs * 8 / (s->refcount_bits ? s->refcount_bits : 16);
}

static bool judged_good(const struct bp_image_spec *s, bool *ret_compared)
{
	const char *ours = tap_path("ours"), *theirs = tap_path("theirs");
	auto_free char *a = NULL, *b = NULL;
	struct bp_error err = { 0 };

	if (!make_ours(ours, s, &err) || !clean(ours)) {
		printf("# %s\n# %s\n", err.text, judged);
		return false;
	}
	if (!make_theirs(theirs, s)) {
		printf("# %s\n", judged);
		return false;
	}
	a = qemu_info(ours);
	b = qemu_info(theirs);
	*ret_compared = one_layout(s);
	return tap_same(__FILE__, __LINE__, a, b) && (!*ret_compared || same_file(ours, theirs));
}

TEST(makes_the_same_images_as_qemu_img)
{
	int judged_n = 0, compared_n = 0;

	NEED_QEMU();
	CHECK(judge("mkdir", tap_path("sub"), NULL) == 0);
	CHECK(judge("truncate", "-s", "1M", tap_path("sub/base"), NULL) == 0);
	CHECK(judge("qemu-img", "create", "-f", "qcow2", tap_path("a b"), "1M", NULL) == 0);
	CHECK(judge("qemu-img", "create", "-f", "vmdk", tap_path("base"), "1M", NULL) == 0);
	for (size_t i = 0; i < N_SPECS; i++) {
		struct bp_image_spec s = spec_of(i);
		auto_free char *options = options_of(&s);
		bool compared, good;

		if (impossible(&s))
			continue;
		good = judged_good(&s, &compared);
		if (!good)
			printf("# with %s, %llu bytes\n", options, (unsigned long long)s.capacity);
		CHECK(good);
		judged_n++;
		compared_n += compared;
	}
	SAME_N(judged_n, 533);
	SAME_N(compared_n, 525);
}

/* Each cluster of the guest is there, counted once, and nothing else. */
static bool all_there(const char *path)
{
	unsigned long long allocated = 0, total = 0;
	const char *at;

	if (judge("qemu-img", "check", "--output=json", path, NULL) != 0)
		return false;
	at = strstr(judged, "\"allocated-clusters\": ");
	if (at)
		sscanf(at, "\"allocated-clusters\": %llu", &allocated);
	at = strstr(judged, "\"total-clusters\": ");
	if (at)
		sscanf(at, "\"total-clusters\": %llu", &total);
	return allocated == total;
}

TEST(preallocates_the_metadata_of_every_cluster)
{
	static const uint64_t sizes[] = { 0, 1, 64 * K, 10 * M + 512, 3 * G, 64 * G };
	static const uint64_t clusters[] = { 512, 4 * K, 64 * K, 2 * M };
	const char *ours = tap_path("ours"), *theirs = tap_path("theirs");

	NEED_QEMU();
	for (size_t i = 0; i < array_size(sizes) * array_size(clusters) * 3; i++) {
		struct bp_image_spec s = {
			.capacity = sizes[i / 3 % array_size(sizes)], .preallocate = METADATA,
			.cluster_size = clusters[i / 3 / array_size(sizes)],
			.compat = i % 3 == 1 ? "0.10" : NULL,
			.features = i % 3 == 2 ? BP_FEATURE_EXTENDED_L2 : 0,
		};
		struct bp_error err = { 0 };
		auto_free char *a = NULL, *b = NULL;

		if (impossible(&s) || s.capacity / s.cluster_size > M)
			continue;
		CHECK(make_ours(ours, &s, &err));
		CHECK(all_there(ours));
		if (s.capacity > 3 * G)
			continue;
		CHECK(make_theirs(theirs, &s));
		a = qemu_info(ours);
		b = qemu_info(theirs);
		SAME(a, b);
		CHECK(judge("qemu-img", "compare", "-q", ours, theirs, NULL) == 0);
	}
}

TEST(takes_the_place_of_every_cluster)
{
	static const uint64_t clusters[] = { 512, 64 * K, 2 * M };
	const char *ours = tap_path("ours"), *theirs = tap_path("theirs");

	NEED_QEMU();
	for (size_t i = 0; i < array_size(clusters) * 4; i++) {
		struct bp_image_spec s = {
			.capacity = 5 * M + 512, .cluster_size = clusters[i / 4],
			.preallocate = i % 2 ? BP_PREALLOC_FULL : BP_PREALLOC_FALLOC,
			.features = i % 4 > 1 ? BP_FEATURE_EXTENDED_L2 : 0,
		};
		struct bp_error err = { 0 };
		auto_free char *a = NULL, *b = NULL;
		struct stat st;

		if (impossible(&s))
			continue;
		CHECK(make_ours(ours, &s, &err));
		CHECK(all_there(ours));
		CHECK(stat(ours, &st) == 0 && (uint64_t)st.st_blocks * 512 >= s.capacity);
		CHECK(make_theirs(theirs, &s));
		a = qemu_info(ours);
		b = qemu_info(theirs);
		SAME(a, b);
		CHECK(judge("qemu-img", "compare", "-q", ours, theirs, NULL) == 0);
	}
}

TEST(keeps_what_is_written_into_its_images)
{
	static const struct bp_image_spec specs[] = {
		{ .capacity = 10 * M },
		{ .capacity = 10 * M, .preallocate = METADATA },
		{ .capacity = 10 * M, .compat = "0.10", .cluster_size = 512 },
		{ .capacity = 10 * M, .compat = "0.10", .cluster_size = 512,
		  .preallocate = METADATA },
		{ .capacity = G, .features = BP_FEATURE_EXTENDED_L2 },
		{ .capacity = G, .features = BP_FEATURE_EXTENDED_L2, .preallocate = METADATA },
		{ .capacity = G, .features = BP_FEATURE_LAZY_REFCOUNTS, .cluster_size = 4 * K },
		{ .capacity = 2 * T, .cluster_size = 2 * M },
		{ .capacity = UINT64_C(1) << 51 },
	};
	const char *path = tap_path("image");

	NEED_QEMU();
	for (size_t i = 0; i < array_size(specs); i++) {
		struct bp_error err = { 0 };
		char first[64], last[64];
		unsigned long long end = specs[i].capacity - 64 * K;

		CHECK(make_ours(path, &specs[i], &err));
		snprintf(last, sizeof last, "write -P 0x5b %llu 64k", end);
		CHECK(judge("qemu-io", "-c", "write -P 0x5a 1000 70000",
			    "-c", "write -P 0x5c 5M 4k", "-c", last, path, NULL) == 0);
		CHECK(clean(path));
		snprintf(last, sizeof last, "read -P 0x5b %llu 64k", end);
		snprintf(first, sizeof first, "read -P 0x00 71000 4169");
		CHECK(judge("qemu-io", "-c", "read -P 0x5a 1000 70000", "-c", "read -P 0x5c 5M 4k",
			    "-c", "read -P 0x00 0 1000", "-c", first, "-c", last, path, NULL) == 0);
		CHECK(!strstr(judged, "verification failed"));
	}
}

TEST(reads_as_zeros_or_as_its_backing_file)
{
	struct bp_image_spec s = { .capacity = 10 * M }, overlay = {
		.capacity = 10 * M, .backing = "base", .backing_format = "qcow2",
	};
	const char *path = tap_path("base"), *over = tap_path("over"), *raw = tap_path("raw");
	struct bp_error err = { 0 };

	NEED_QEMU();
	CHECK(judge("truncate", "-s", "10M", raw, NULL) == 0);
	CHECK(make_ours(path, &s, &err));
	CHECK(judge("qemu-img", "compare", "-q", path, raw, NULL) == 0);
	CHECK(judge("qemu-io", "-c", "write -P 1 1M 1M", path, NULL) == 0);
	CHECK(judge("qemu-img", "compare", "-q", path, raw, NULL) == 1);
	CHECK(make_ours(over, &overlay, &err));
	CHECK(judge("qemu-img", "compare", "-q", path, over, NULL) == 0);
	overlay.preallocate = METADATA;
	overlay.features = BP_FEATURE_EXTENDED_L2;
	CHECK(make_ours(over, &overlay, &err));
	CHECK(all_there(over));
	CHECK(judge("qemu-img", "compare", "-q", path, over, NULL) == 0);
}

TEST(makes_the_largest_image_and_none_that_is_larger)
{
	const char *path = tap_path("image");

	NEED_QEMU();
	for (uint64_t cs = 512; cs <= 2 * M; cs *= cs < 64 * K ? 8 : 32) {
		struct bp_image_spec s = { .cluster_size = cs, .capacity = 4 * M * cs * (cs / 8) };
		struct bp_error err = { 0 };
		char words[100];

		CHECK(make_ours(path, &s, &err));
		CHECK(clean(path));
		s.capacity++;
		CHECK(!make_ours(path, &s, &err));
		SAME_N(err.code, BP_INVALID);
		snprintf(words, sizeof words, "at most %llu bytes",
			 (unsigned long long)s.capacity - 1);
		CHECK(strstr(err.text, words));
	}
}
