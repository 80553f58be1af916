/* image_probe.c - what is recognised, what is told of it, and what is broken. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/unit/image_judge.h"

/* A file of zeros with something written here and there. */
struct poke {
	unsigned at, n;			/* n 0: text, without its NUL */
	uint64_t v;
	const char *text;
	bool little;
};

#define BE(place, bytes, number) { .at = (place), .n = (bytes), .v = (number) }
#define LE(place, bytes, number) { .at = (place), .n = (bytes), .v = (number), .little = true }
#define TEXT(place, words) { .at = (place), .text = (words) }

struct sample {
	const char *name;
	uint64_t size;
	struct poke pokes[16];
	const char *told;
};

/* A version 3 header of 104 bytes: 64 KiB clusters, 10 MiB. */
#define QCOW2 \
	TEXT(0, "QFI\xfb"), BE(4, 4, 3), BE(20, 4, 16), BE(24, 8, 10 << 20), BE(96, 4, 4), \
	BE(100, 4, 104)
#define FORMAT_WORD 0xe2792aca
#define FEATURES    0x6803f857
#define DATA_FILE   0x44415441

static const struct sample samples[] = {
	/* raw, and what looks like something else */
	{ "empty", 0, { { 0 } }, "raw 0" },
	{ "one byte", 1, { TEXT(0, "Q") }, "raw 1" },
	{ "zeros", 100000, { { 0 } }, "raw 100000" },
	{ "magic cut", 3, { TEXT(0, "QFI") }, "raw 3" },
	{ "version cut", 7, { TEXT(0, "QFI\xfb"), BE(4, 3, 0) }, "raw 7" },
	{ "unknown version", 4096, { QCOW2, BE(4, 4, 9) }, "raw 4096" },
	{ "version 0", 4096, { TEXT(0, "QFI\xfb") }, "raw 4096" },
	{ "vdi of another version", 1024, { TEXT(64, "\x7f\x10\xda\xbe"), LE(68, 4, 2) },
	  "raw 1024" },
	{ "vmdk version 4", 1024, { TEXT(0, "KDMV"), LE(4, 4, 4) }, "raw 1024" },
	{ "vmdk text", 1024, { TEXT(0, "# Disk DescriptorFile\nversion=1\n") }, "raw 1024" },
	{ "vhdx", 70000, { TEXT(0, "vhdxfile") }, "raw 70000" },
	{ "a VHD footer at the end only", 2048, { TEXT(1536, "conectix") }, "raw 2048" },
	{ "luks version 2", 70000, { TEXT(0, "LUKS\xba\xbe"), BE(6, 2, 2) }, "raw 70000" },
	{ "iso magic at the very end", 32774, { TEXT(32769, "CD001") }, "iso 32774" },
	{ "iso magic cut", 32773, { TEXT(32769, "CD00") }, "raw 32773" },
	{ "iso", 102400, { TEXT(32769, "CD001") }, "iso 102400" },

	/* luks in raw */
	{ "luks", 12554240, { TEXT(0, "LUKS\xba\xbe"), BE(6, 2, 1), BE(104, 4, 4040) },
	  "raw 10485760 encryption=luks payload=2068480" },
	{ "luks, header elsewhere", 8192, { TEXT(0, "LUKS\xba\xbe"), BE(6, 2, 1) },
	  "raw 8192 encryption=luks" },
	{ "luks without data", 8192, { TEXT(0, "LUKS\xba\xbe"), BE(6, 2, 1), BE(104, 4, 17) },
	  "raw 8192, corrupt: the LUKS header lets the data begin at 8704, past the end of the "
	  "file" },
	{ "luks cut", 100, { TEXT(0, "LUKS\xba\xbe"), BE(6, 2, 1) },
	  "raw 100, corrupt: the LUKS header is cut off after 100 bytes" },

	/* known only by sight */
	{ "vpc, current size", 2560,
	  { TEXT(0, "conectix"), BE(12, 4, 0x10000), BE(40, 8, 999), BE(48, 8, 10514432) },
	  "vpc 10514432" },
	{ "vdi", 1024, { TEXT(64, "\x7f\x10\xda\xbe"), LE(68, 4, 0x10001), LE(368, 8, 5 << 20) },
	  "vdi 5242880" },
	{ "vdi without a size", 1024, { TEXT(64, "\x7f\x10\xda\xbe"), LE(68, 4, 0x10001) },
	  "vdi 1024" },
	{ "ploop", 4096, { TEXT(0, "WithouFreSpacExt"), LE(36, 8, 20480) }, "ploop 10485760" },
	{ "ploop, absurd", 4096, { TEXT(0, "WithouFreSpacExt"), LE(36, 8, UINT64_MAX) },
	  "ploop 4096, corrupt: the capacity in the ploop header, 18446744073709551615 times 512 "
	  "bytes, is absurd" },
	{ "cow", 4096, { TEXT(0, "OOOM"), BE(4, 4, 2), TEXT(8, "/a/base"), BE(1036, 8, 7 << 20) },
	  "cow 7340032 backing=/a/base" },
	{ "cow alone", 4096, { TEXT(0, "OOOM"), BE(4, 4, 2), BE(1036, 8, 7 << 20) },
	  "cow 7340032" },
	{ "cow cut", 1040, { TEXT(0, "OOOM"), BE(4, 4, 2), TEXT(8, "/a/base") },
	  "cow 1040, corrupt: the cow header is cut off after 1040 bytes" },
	{ "qcow", 560, { TEXT(0, "QFI\xfb"), BE(4, 4, 1), BE(24, 8, 10 << 20) },
	  "qcow 10485760" },
	{ "qcow, encrypted, with backing", 560,
	  { TEXT(0, "QFI\xfb"), BE(4, 4, 1), BE(8, 8, 48), BE(16, 4, 6), BE(24, 8, 10 << 20),
	    BE(36, 4, 1), TEXT(48, "base.1") },
	  "qcow 10485760 backing=base.1 encryption=qcow" },
	{ "qcow, backing outside", 560,
	  { TEXT(0, "QFI\xfb"), BE(4, 4, 1), BE(8, 8, 555), BE(16, 4, 6), BE(24, 8, 512) },
	  "qcow 560, corrupt: the backing file at 555 is past the end of the file" },
	{ "qcow cut", 47, { TEXT(0, "QFI\xfb"), BE(4, 4, 1) },
	  "qcow 47, corrupt: the qcow header is cut off after 47 bytes" },
	{ "qed", 4096, { TEXT(0, "QED"), LE(48, 8, 3 << 20) }, "qed 3145728" },
	{ "qed on raw", 4096,
	  { TEXT(0, "QED"), LE(16, 8, 5), LE(48, 8, 3 << 20), LE(56, 4, 64), LE(60, 4, 4),
	    TEXT(64, "base") },
	  "qed 3145728 backing=base backing_format=raw" },
	{ "qed on something", 4096,
	  { TEXT(0, "QED"), LE(16, 8, 1), LE(48, 8, 3 << 20), LE(56, 4, 3000), LE(60, 4, 4),
	    TEXT(3000, "base") },
	  "qed 3145728 backing=base" },
	{ "qed, backing far off", 4096,
	  { TEXT(0, "QED"), LE(16, 8, 1), LE(48, 8, 512), LE(56, 4, 0xfffffffe), LE(60, 4, 4) },
	  "qed 4096, corrupt: the backing file at 4294967294 is past the end of the file" },
	{ "a text that begins with QED", 24, { TEXT(0, "QED, as was to be shown.") },
	  "qed 24, corrupt: the qed header is cut off after 24 bytes" },
	{ "vmdk", 65536, { TEXT(0, "KDMV"), LE(4, 4, 1), LE(12, 8, 20480) }, "vmdk 10485760" },
	{ "vmdk with backing", 65536,
	  { TEXT(0, "KDMV"), LE(4, 4, 3), LE(12, 8, 20480),
	    TEXT(0x200, "# Disk\nparentFileNameHint=\"b i.vmdk\"\n") },
	  "vmdk 10485760 backing=b i.vmdk" },
	{ "vmdk, backing at the end of the file", 535,
	  { TEXT(0, "KDMV"), LE(4, 4, 1), LE(12, 8, 1), TEXT(0x200, "parentFileNameHint=\"ab\"") },
	  "vmdk 512 backing=ab" },
	{ "vmdk without end", 534,
	  { TEXT(0, "KDMV"), LE(4, 4, 1), LE(12, 8, 1), TEXT(0x200, "parentFileNameHint=\"ab") },
	  "vmdk 534, corrupt: the name of the backing file has no end" },
	{ "vmdk, empty hint", 65536,
	  { TEXT(0, "KDMV"), LE(4, 4, 1), LE(12, 8, 1), TEXT(0x200, "parentFileNameHint=\"\"") },
	  "vmdk 512" },

	/* qcow2: versions and features */
	{ "qcow2, version 3", 196616, { QCOW2 },
	  "qcow2 10485760 compat=1.1 cluster=65536 features" },
	{ "qcow2, version 2", 196616, { QCOW2, BE(4, 4, 2), BE(72, 8, 0), BE(100, 4, 0) },
	  "qcow2 10485760 cluster=65536" },
	{ "version 2 knows no features", 196616, { QCOW2, BE(4, 4, 2), BE(80, 8, 1) },
	  "qcow2 10485760 cluster=65536" },
	{ "all features", 196616,
	  { QCOW2, BE(72, 8, 0x1f), BE(80, 8, 1), BE(104, 4, DATA_FILE), BE(108, 4, 5),
	    TEXT(112, "d.raw") },
	  "qcow2 10485760 data_file=d.raw compat=1.1 cluster=65536 features lazy_refcounts "
	  "extended_l2 data_file" },
	{ "a data file that is not used", 196616,
	  { QCOW2, BE(104, 4, DATA_FILE), BE(108, 4, 5), TEXT(112, "d.raw") },
	  "qcow2 10485760 compat=1.1 cluster=65536 features" },
	{ "a data file without a name", 196616, { QCOW2, BE(72, 8, 4) },
	  "qcow2 10485760 compat=1.1 cluster=65536 features data_file" },
	{ "unknown bits", 196616, { QCOW2, BE(72, 8, UINT64_C(1) << 63), BE(88, 8, 1 << 9) },
	  "qcow2 10485760 compat=1.1 cluster=65536 features" },
	{ "no capacity", 196616, { QCOW2, BE(24, 8, 0) },
	  "qcow2 196616 compat=1.1 cluster=65536 features" },
	{ "aes", 196616, { QCOW2, BE(32, 4, 1) },
	  "qcow2 10485760 encryption=qcow compat=1.1 cluster=65536 features" },
	{ "luks inside", 196616, { QCOW2, BE(32, 4, 2) },
	  "qcow2 10485760 encryption=luks compat=1.1 cluster=65536 features" },
	{ "unknown encryption", 196616, { QCOW2, BE(32, 4, 3) },
	  "qcow2 10485760 compat=1.1 cluster=65536 features" },
	{ "smallest clusters", 4096, { QCOW2, BE(20, 4, 9) },
	  "qcow2 10485760 compat=1.1 cluster=512 features" },
	{ "largest clusters", 4096, { QCOW2, BE(20, 4, 21) },
	  "qcow2 10485760 compat=1.1 cluster=2097152 features" },

	/* qcow2: names and extensions */
	{ "backing without format", 196616,
	  { QCOW2, BE(8, 8, 120), BE(16, 4, 4), TEXT(120, "base") },
	  "qcow2 10485760 backing=base compat=1.1 cluster=65536 features" },
	{ "backing as it is written", 196616,
	  { QCOW2, BE(8, 8, 120), BE(16, 4, 11), TEXT(120, "json:{\"<\xff\"}") },
	  "qcow2 10485760 backing=json:{\"<\xff\"} compat=1.1 cluster=65536 features" },
	{ "backing far in the first cluster", 196616,
	  { QCOW2, BE(8, 8, 65530), BE(16, 4, 6), TEXT(65530, "the en") },
	  "qcow2 10485760 backing=the en compat=1.1 cluster=65536 features" },
	{ "format word", 196616,
	  { QCOW2, BE(8, 8, 160), BE(16, 4, 1), TEXT(160, "b"), BE(104, 4, FORMAT_WORD),
	    BE(108, 4, 5), TEXT(112, "qcow2") },
	  "qcow2 10485760 backing=b backing_format=qcow2 compat=1.1 cluster=65536 features" },
	{ "an odd word, and another extension before", 196616,
	  { QCOW2, BE(8, 8, 160), BE(16, 4, 1), TEXT(160, "b"), BE(104, 4, 0x12345678),
	    BE(108, 4, 3), TEXT(112, "abc"), BE(120, 4, FORMAT_WORD), BE(124, 4, 15),
	    TEXT(128, "no such format!") },
	  "qcow2 10485760 backing=b backing_format=no such format! compat=1.1 cluster=65536 "
	  "features" },
	{ "a word padded with NULs", 196616,
	  { QCOW2, BE(8, 8, 160), BE(16, 4, 1), TEXT(160, "b"), BE(104, 4, FORMAT_WORD),
	    BE(108, 4, 8), TEXT(112, "raw") },
	  "qcow2 10485760 backing=b backing_format=raw compat=1.1 cluster=65536 features" },
	{ "an empty word", 196616,
	  { QCOW2, BE(8, 8, 160), BE(16, 4, 1), TEXT(160, "b"), BE(104, 4, FORMAT_WORD) },
	  "qcow2 10485760 backing=b compat=1.1 cluster=65536 features" },
	{ "a word of NULs", 196616,
	  { QCOW2, BE(8, 8, 160), BE(16, 4, 1), TEXT(160, "b"), BE(104, 4, FORMAT_WORD),
	    BE(108, 4, 4) },
	  "qcow2 10485760 backing=b compat=1.1 cluster=65536 features" },
	{ "a word without backing", 196616,
	  { QCOW2, BE(104, 4, FORMAT_WORD), BE(108, 4, 3), TEXT(112, "raw") },
	  "qcow2 10485760 compat=1.1 cluster=65536 features" },
	{ "version 2 has extensions too", 196616,
	  { QCOW2, BE(4, 4, 2), BE(8, 8, 96), BE(16, 4, 4), BE(72, 4, FORMAT_WORD), BE(76, 4, 3),
	    TEXT(80, "raw"), BE(88, 8, 0), TEXT(96, "base") },
	  "qcow2 10485760 backing=base backing_format=raw cluster=65536" },
	{ "extensions past what is read first", 196616,
	  { QCOW2, BE(8, 8, 5000), BE(16, 4, 1), TEXT(5000, "b"), BE(104, 4, FEATURES),
	    BE(108, 4, 4800), BE(4912, 4, FORMAT_WORD), BE(4916, 4, 3), TEXT(4920, "raw") },
	  "qcow2 10485760 backing=b backing_format=raw compat=1.1 cluster=65536 features" },
	{ "extensions up to the backing name, without an end", 196616,
	  { QCOW2, BE(8, 8, 120), BE(16, 4, 8), BE(104, 4, FORMAT_WORD), BE(108, 4, 3),
	    TEXT(112, "raw"), TEXT(120, "\xe2\x79\x2a\xcazzzz") },
	  "qcow2 10485760 backing=\xe2\x79\x2a\xcazzzz backing_format=raw compat=1.1 "
	  "cluster=65536 features" },

	/* qcow2: broken */
	{ "cut to 20 bytes", 20, { TEXT(0, "QFI\xfb"), BE(4, 4, 3) },
	  "qcow2 20, corrupt: the qcow2 header is cut off after 20 bytes" },
	{ "cut to 40 bytes", 40, { TEXT(0, "QFI\xfb"), BE(4, 4, 3), BE(20, 4, 16) },
	  "qcow2 40, corrupt: the qcow2 header is cut off: 40 of 104 bytes" },
	{ "version 2 cut to 71 bytes", 71, { TEXT(0, "QFI\xfb"), BE(4, 4, 2), BE(20, 4, 16) },
	  "qcow2 71, corrupt: the qcow2 header is cut off: 71 of 72 bytes" },
	{ "clusters too small", 4096, { QCOW2, BE(20, 4, 8) },
	  "qcow2 4096, corrupt: the qcow2 header asks for clusters of 2^8 bytes" },
	{ "clusters too large", 4096, { QCOW2, BE(20, 4, 22) },
	  "qcow2 4096, corrupt: the qcow2 header asks for clusters of 2^22 bytes" },
	{ "clusters absurd", 4096, { QCOW2, BE(20, 4, 0xffffffff) },
	  "qcow2 4096, corrupt: the qcow2 header asks for clusters of 2^4294967295 bytes" },
	{ "short header", 4096, { QCOW2, BE(100, 4, 103) },
	  "qcow2 4096, corrupt: the qcow2 header says it has 103 bytes" },
	{ "odd header", 4096, { QCOW2, BE(100, 4, 109) },
	  "qcow2 4096, corrupt: the qcow2 header says it has 109 bytes" },
	{ "header longer than the file", 4096, { QCOW2, BE(100, 4, 4104) },
	  "qcow2 4096, corrupt: the qcow2 header says it has 4104 bytes, there are 4096" },
	{ "header longer than a cluster", 4096, { QCOW2, BE(20, 4, 9), BE(100, 4, 520) },
	  "qcow2 4096, corrupt: the qcow2 header says it has 520 bytes, there are 512" },
	{ "capacity past what signed numbers hold", 4096, { QCOW2, BE(24, 8, UINT64_C(1) << 63) },
	  "qcow2 4096, corrupt: the capacity in the qcow2 header, 9223372036854775808 times 1 "
	  "bytes, is absurd" },
	{ "capacity past what L1 holds", 4096, { QCOW2, BE(24, 8, (UINT64_C(1) << 51) + 1) },
	  "qcow2 4096, corrupt: the capacity in the qcow2 header, 2251799813685249 bytes, is "
	  "absurd: with clusters of 65536 there can be at most 2251799813685248" },
	{ "extended L2 entries hold half of it", 4096,
	  { QCOW2, BE(24, 8, (UINT64_C(1) << 50) + 1), BE(72, 8, 16) },
	  "qcow2 4096, corrupt: the capacity in the qcow2 header, 1125899906842625 bytes, is "
	  "absurd: with clusters of 65536 there can be at most 1125899906842624" },
	{ "extended L2 with small clusters", 4096, { QCOW2, BE(20, 4, 13), BE(72, 8, 16) },
	  "qcow2 4096, corrupt: the qcow2 header has extended L2 entries, but clusters of 8192 "
	  "bytes" },
	{ "backing past the first cluster", 196616, { QCOW2, BE(8, 8, 65537), BE(16, 4, 1) },
	  "qcow2 196616, corrupt: the name of the backing file, 1 bytes at 65537, is outside the "
	  "first cluster" },
	{ "backing across its end", 196616, { QCOW2, BE(8, 8, 65535), BE(16, 4, 2) },
	  "qcow2 196616, corrupt: the name of the backing file, 2 bytes at 65535, is outside the "
	  "first cluster" },
	{ "backing with an absurd length", 196616, { QCOW2, BE(8, 8, 120), BE(16, 4, 0xffffffff) },
	  "qcow2 196616, corrupt: the name of the backing file, 4294967295 bytes at 120, is "
	  "outside the first cluster" },
	{ "backing past the end of the file", 4096, { QCOW2, BE(8, 8, 4090), BE(16, 4, 7) },
	  "qcow2 4096, corrupt: the backing file at 4090 is past the end of the file" },
	{ "backing of 1024 bytes", 196616, { QCOW2, BE(8, 8, 120), BE(16, 4, 1024) },
	  "qcow2 196616, corrupt: the name of the backing file has 1024 bytes, more than 1023" },
	{ "backing without a name", 196616, { QCOW2, BE(8, 8, 120) },
	  "qcow2 196616, corrupt: the name of the backing file is empty" },
	{ "backing with a NUL", 196616,
	  { QCOW2, BE(8, 8, 120), BE(16, 4, 3), TEXT(120, "a"), TEXT(122, "b") },
	  "qcow2 196616, corrupt: the name of the backing file has a NUL byte inside" },
	{ "format word too long", 196616,
	  { QCOW2, BE(104, 4, FORMAT_WORD), BE(108, 4, 16), TEXT(112, "0123456789abcdef") },
	  "qcow2 196616, corrupt: the word for the backing format has 16 bytes, more than 15" },
	{ "extension past the backing name", 196616,
	  { QCOW2, BE(8, 8, 120), BE(16, 4, 1), TEXT(120, "b"), BE(104, 4, FEATURES),
	    BE(108, 4, 9) },
	  "qcow2 196616, corrupt: the qcow2 header extension 6803f857 at 104 has 9 bytes, more "
	  "than there is room for" },
	{ "extension past the end of the file", 4096,
	  { QCOW2, BE(104, 4, FEATURES), BE(108, 4, 0xfffffff8) },
	  "qcow2 4096, corrupt: the qcow2 header extension 6803f857 at 104 has 4294967288 bytes, "
	  "more than there is room for" },
	{ "an end with a length", 4096, { QCOW2, BE(108, 4, 0x20000) },
	  "qcow2 4096, corrupt: the qcow2 header extension 00000000 at 104 has 131072 bytes, "
	  "more than there is room for" },
	{ "data file without a name", 196616, { QCOW2, BE(104, 4, DATA_FILE) },
	  "qcow2 196616, corrupt: the name of the data file is empty, too long or has a NUL byte "
	  "inside (0 bytes)" },
	{ "extensions without end", 200000,
	  { QCOW2, BE(20, 4, 21), BE(104, 4, FEATURES), BE(108, 4, 65400), BE(65512, 4, FEATURES),
	    BE(65516, 4, 100) },
	  "qcow2 200000, corrupt: the extensions of the qcow2 header reach past 65536 bytes" },
};

static struct bp_io *make(const struct sample *s, uint64_t size)
{
	struct bp_io *io = io_of_memory((size_t)size);
	struct bp_error err = { 0 };

	for (const struct poke *p = s->pokes; p < s->pokes + array_size(s->pokes); p++) {
		unsigned char number[8];
		size_t n = p->text ? strlen(p->text) : p->n;

		for (unsigned i = 0; i < p->n; i++)
			number[p->little ? i : p->n - 1 - i] = (unsigned char)(p->v >> 8 * i);
		if (p->at >= size)
			continue;
		n = n < size - p->at ? n : (size_t)(size - p->at);
		if (n && io_write(io, p->text ? (const void *)p->text : number, n, p->at, &err) < 0)
			abort();
	}
	return io;
}

TEST(tells_what_the_samples_are)
{
	bool all = true;

	for (size_t i = 0; i < array_size(samples); i++) {
		struct bp_io *io = make(&samples[i], samples[i].size);
		auto_free char *told = describe_image(io);

		io_close(io);
		if (tap_same(__FILE__, __LINE__, told, samples[i].told))
			continue;
		printf("# in the sample '%s'\n", samples[i].name);
		all = false;
	}
	CHECK(all);
}

/* Whatever is cut off, an answer comes: an image, or what is wrong with it. */
TEST(survives_every_sample_cut_anywhere)
{
	for (size_t i = 0; i < array_size(samples); i++) {
		uint64_t most = samples[i].size < 1100 ? samples[i].size : 1100;

		for (uint64_t size = 0; size <= most; size++) {
			struct bp_io *io = make(&samples[i], size);
			struct bp_error err = { 0 };
			struct bp_image_info info;
			int r = bp_image_probe(io, &info, &err);

			io_close(io);
			CHECK(info.format);
			CHECK((r < 0) == (err.code == BP_CORRUPT));
			CHECK(r == 0 || info.capacity == size);
			CHECK(r == 0 || (!info.backing && !info.encryption && !info.cluster_size));
			bp_image_info_done(&info);
		}
	}
}

TEST(lists_names_that_are_only_words)
{
	static const char *const words[] = { "bochs", "cloop", "dmg", "fat", "vhd", "dir", "none" };
	static const char *const known[] = { "iso", "vpc", "vdi", "ploop", "cow", "qcow", "qcow2",
					     "qed", "vmdk", "raw" };
	size_t n = 0;

	for (size_t i = 0; i < array_size(words); i++) {
		const struct bp_image_format *f = bp_image_format_find(words[i]);

		CHECK(f && !f->create && !f->resize && !f->probe && !f->sign.len);
	}
	for (size_t i = 0; i < array_size(known); i++)
		CHECK(bp_image_format_find(known[i]));
	while (bp_image_format_at(n))
		n++;
	SAME_N(n, array_size(words) + array_size(known));
	SAME(bp_image_format_at(n - 1)->name, "raw");
	CHECK(!bp_image_format_find("luks"));
	CHECK(!bp_image_format_find(""));
	CHECK(!bp_image_format_at(SIZE_MAX));
}

/* An io that fails, as a disk does. */
static int fail_size(struct bp_io *io, uint64_t *ret, struct bp_error *err)
{
	(void)io;
	*ret = 1 << 20;
	return *ret ? 0 : bp_fail(err, BP_INTERNAL, "no size");
}

static int fail_read(struct bp_io *io, void *buf, size_t len, uint64_t at, struct bp_error *err)
{
	(void)io;
	if (at == 0) {
		memset(buf, 0, len);
		return 0;
	}
	return bp_fail_sys(err, EIO, "cannot read");
}

TEST(tells_a_disk_that_fails_from_a_broken_image)
{
	static const struct bp_io_ops ops = { .size = fail_size, .read = fail_read };
	struct bp_io io = { .ops = &ops, .fd = -1, .name = "bad" };
	struct bp_image_info info;
	struct bp_error err = { 0 };

	SAME_N(bp_image_probe(&io, &info, &err), -1);
	SAME_N(err.code, BP_SYSTEM);
	CHECK(!info.format);
}
