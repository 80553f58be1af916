/* image_turns.c - rows of changes to qcow2 images, each by us or by QEMU as it falls, judged
 * by both.
 *
 * A few steps with each kind of image, unless somebody asks for more:
 *
 *	SEED=7 STEPS=200 build/tests/unit/image_turns
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>

#include "core/images.h"
#include "tests/unit/image_record.h"

#define SECTOR	512u
#define STEPS	4u
#define SECRET	"secret,id=s,data=abc"

/* What an image is made with, and what is not done with it. */
static const struct kind {
	const char *options;
	unsigned cluster;		/* bytes */
	unsigned snapshots;		/* at most */
	bool packs;			/* compressed clusters are written */
	bool backed, encrypted, bitmap;
	bool data, data_raw;		/* its guest's bytes are in another file; as they are */
} kinds[] = {
	{ "compat=1.1", 65536, 4, true },
	{ "compat=0.10", 65536, 4, true },
	{ "compat=0.10,cluster_size=512", 512, 4, false },
	{ "cluster_size=512", 512, 4, true },
	{ "cluster_size=1k,refcount_bits=1", 1024, 0, false },
	{ "cluster_size=4k,refcount_bits=2", 4096, 1, false },
	{ "cluster_size=2k,refcount_bits=4", 2048, 3, false },
	{ "cluster_size=4k,refcount_bits=8", 4096, 4, true },
	{ "cluster_size=8k,refcount_bits=32", 8192, 4, true },
	{ "cluster_size=1k,refcount_bits=64", 1024, 4, true },
	{ "cluster_size=2M", 2 << 20, 3, true },
	{ "cluster_size=16k,extended_l2=on", 16384, 4, true },
	{ "cluster_size=128k,extended_l2=on", 131072, 4, true },
	{ "cluster_size=4k,lazy_refcounts=on", 4096, 4, true },
	{ "cluster_size=32k,compression_type=zstd", 32768, 4, true },
	{ "cluster_size=4k,preallocation=metadata", 4096, 4, true },
	{ "cluster_size=64k,preallocation=full", 65536, 4, true },
	{ .options = "cluster_size=4k", .cluster = 4096, .snapshots = 4, .packs = true,
	  .backed = true },
	{ .options = "cluster_size=16k,extended_l2=on", .cluster = 16384, .snapshots = 4,
	  .packs = true, .backed = true },
	{ .options = "cluster_size=4k,encrypt.format=luks,encrypt.key-secret=s,"
		     "encrypt.iter-time=10",
	  .cluster = 4096, .snapshots = 3, .encrypted = true },
	{ .options = "cluster_size=4k", .cluster = 4096, .snapshots = 4, .packs = true,
	  .bitmap = true },
	{ .options = "cluster_size=4k", .cluster = 4096, .data = true },
	{ .options = "cluster_size=16k,extended_l2=on", .cluster = 16384, .data = true },
	{ .options = "cluster_size=4k", .cluster = 4096, .backed = true, .data = true },
	{ .options = "cluster_size=4k,data_file_raw=on", .cluster = 4096, .data = true,
	  .data_raw = true },
	{ .options = "cluster_size=512", .cluster = 512, .bitmap = true, .data = true },
};

enum { SNAPSHOTS = 4 };

/* What its guest is to see: now, and in snapshot "sN". */
struct disk {
	unsigned char *bytes;
	size_t len;
};

struct model {
	const struct kind *kind;
	char *path, *named;		/* the second as QEMU is told of it */
	struct disk now, kept[SNAPSHOTS];
	char did[200];			/* the step, for who reads of a failure */
};

static void model_done(struct model *m)
{
	free(m->path);
	free(m->named);
	free(m->now.bytes);
	for (size_t i = 0; i < SNAPSHOTS; i++)
		free(m->kept[i].bytes);
}

static struct disk disk_copy(const struct disk *d)
{
	struct disk to = { mem_alloc(d->len), d->len };

	memcpy(to.bytes, d->bytes, d->len);
	return to;
}

static void disk_set(struct disk *d, struct disk to)
{
	free(d->bytes);
	*d = to;
}

static void disk_resize(struct disk *d, size_t len)
{
	d->bytes = mem_resize(d->bytes, len, 1);
	if (len > d->len)
		memset(d->bytes + d->len, 0, len - d->len);
	d->len = len;
}

__attribute__((format(printf, 2, 3)))
static void did(struct model *m, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(m->did, sizeof m->did, fmt, ap);
	va_end(ap);
}

static bool told(int r, const struct bp_error *err)
{
	if (r < 0)
		printf("# %s\n", err->text);
	return r == 0;
}

/* Print what the judge said, unless it was nothing bad. */
static bool judged_good(int status)
{
	if (status == 0 && !strstr(judged, "verification failed"))
		return true;
	printf("# %.2000s\n", judged);
	return false;
}

/* ---- bytes, always by QEMU ---------------------------------------------------------------- */

static bool qemu_io(struct model *m)
{
	return judged_good(judge("qemu-io", "-d", "unmap", "--object", SECRET, "--image-opts",
				 "-c", m->did, m->named, NULL));
}

static bool write_some(struct model *m)
{
	unsigned cluster = m->kind->cluster, how = record_dice(8), value = 1 + record_dice(255);
	unsigned unit = how < 3 ? cluster : SECTOR;
	size_t units = m->now.len / unit, n, at;

	if (!units)
		return true;
	n = 1 + record_dice(unit == cluster ? 3 : 200);
	at = record_dice((unsigned)units);
	if (n > units - at)
		n = units - at;
	if (how == 0 && m->kind->packs) {
		did(m, "discard %zu %u", at * unit, unit);	/* or it refuses */
		if (!qemu_io(m))
			return false;
		did(m, "write -c -P %u %zu %zu", value, at * unit, (size_t)unit * (n = 1));
	} else if (how == 1 && !(m->kind->backed && strstr(m->kind->options, "0.10"))) {
		did(m, "discard %zu %zu", at * unit, unit * n);
	} else if (how < 5) {
		did(m, "write -z %s %zu %zu", how % 2 ? "-u" : "", at * unit, unit * n);
	} else {
		did(m, "write -P %u %zu %zu", value, at * unit, unit * n);
	}
	memset(m->now.bytes + at * unit, strstr(m->did, "-P") ? (int)value : 0, unit * n);
	return qemu_io(m);
}

/* ---- sizes ----------------------------------------------------------------------------------- */

static const char *const preallocations[] = { "off", "metadata", "falloc", "full" };

static bool has_snapshots(const struct model *m)
{
	for (size_t i = 0; i < SNAPSHOTS; i++)
		if (m->kept[i].bytes)
			return true;
	return false;
}

/* What QEMU cuts off inside a cluster, or what is encrypted there, comes back when the disk
 * grows. */
static size_t new_size(const struct model *m, bool ours)
{
	size_t unit = ours && !m->kind->encrypted ? SECTOR : m->kind->cluster, most = 3u << 20;

	if (m->kind->cluster > 1 << 20)
		most = 8u << 20;
	return (1 + record_dice((unsigned)(most / unit))) * unit;
}

static bool resize_by_us(struct model *m, size_t to, unsigned preallocate)
{
	const struct bp_image_ref ref = { .path = m->path, .format = "qcow2" };
	struct bp_error err = { 0 };

	return told(bp_image_resize(&ref, to, BP_IMAGE_SHRINK,
				    (enum bp_preallocation)preallocate, NULL, &err), &err);
}

static bool resize_by_qemu(struct model *m, size_t to, unsigned preallocate)
{
	auto_free char *size = mem_printf("%zu", to);
	auto_free char *space = mem_printf("--preallocation=%s", preallocations[preallocate]);

	return judged_good(judge("qemu-img", "resize", "-q", "--shrink", space, "--object", SECRET,
				 "--image-opts", m->named, size, NULL));
}

static bool resize(struct model *m)
{
	bool ours = record_dice(3), old = strstr(m->kind->options, "0.10");
	size_t to = new_size(m, ours);
	unsigned preallocate = to > m->now.len ? record_dice(4) : 0;

	if ((m->kind->bitmap && m->kind->snapshots) || (old && has_snapshots(m)) ||
	    to == m->now.len)
		return true;
	if (m->kind->backed && preallocate && !strstr(m->kind->options, "extended"))
		preallocate = 0;
	/* QEMU fails where clusters at the file's end are free, and shows what has stood in them */
	if (!ours)
		preallocate = 0;
	did(m, "resize from %zu to %zu by %s, preallocation=%s", m->now.len, to,
	    ours ? "us" : "QEMU", preallocations[preallocate]);
	disk_resize(&m->now, to);
	return (ours ? resize_by_us : resize_by_qemu)(m, to, preallocate);
}

/* ---- snapshots ------------------------------------------------------------------------------- */

static bool snapshot_by_us(struct model *m, char letter, const char *name)
{
	const struct bp_image_ref ref = { .path = m->path, .format = "qcow2" };
	struct bp_error err = { 0 };

	return told(letter == 'c' ? bp_image_snapshot_create(&ref, name, &err) :
		    letter == 'a' ? bp_image_snapshot_revert(&ref, name, &err) :
				    bp_image_snapshot_delete(&ref, name, &err), &err);
}

static bool snapshot_by_qemu(struct model *m, char letter, const char *name)
{
	const char option[] = { '-', letter, '\0' };

	return judged_good(judge("qemu-img", "snapshot", option, name, "--object", SECRET,
				 "--image-opts", m->named, NULL));
}

static bool snapshot(struct model *m)
{
	unsigned i = m->kind->snapshots ? record_dice(m->kind->snapshots) : 0;
	auto_free char *name = mem_printf("s%u", i);
	char letter = !m->kept[i].bytes ? 'c' : record_dice(3) ? 'a' : 'd';
	bool ours = record_dice(3), old = strstr(m->kind->options, "0.10");

	if (!m->kind->snapshots || (m->kind->bitmap && letter == 'a') ||
	    (old && letter == 'a' && m->kept[i].len != m->now.len))
		return true;
	did(m, "snapshot -%c %s by %s", letter, name, ours ? "us" : "QEMU");
	if (letter == 'c')
		m->kept[i] = disk_copy(&m->now);
	else if (letter == 'a')
		disk_set(&m->now, disk_copy(&m->kept[i]));
	else
		disk_set(&m->kept[i], (struct disk){ 0 });
	return (ours ? snapshot_by_us : snapshot_by_qemu)(m, letter, name);
}

/* ---- judged ---------------------------------------------------------------------------------- */

/* There is nothing wrong with it: QEMU says so, and we. */
static bool is_sound(struct model *m)
{
	const struct bp_image_ref ref = { .path = m->path, .format = "qcow2" };
	struct bp_vol_check found = { 0 };
	struct bp_error err = { 0 };
	const char *format;

	if (!judged_good(judge("qemu-img", "check", "-q", "--object", SECRET, "--image-opts",
			       m->named, NULL)))
		return false;
	if (!told(bp_image_check(&ref, record_dice(2) ? BP_REPAIR_ALL : BP_REPAIR_NOTHING, NULL,
				 NULL, &found, &format, &err), &err))
		return false;
	if (found.corruptions || found.leaks)
		printf("# %" PRIu64 " corruptions and %" PRIu64 " leaks\n",
		       (uint64_t)found.corruptions, (uint64_t)found.leaks);
	return !found.corruptions && !found.leaks;
}

static bool is_disk(const struct disk *d, const unsigned char *got, size_t len)
{
	if (len != d->len)
		printf("# %zu bytes, not %zu\n", len, d->len);
	for (size_t i = 0; i < len && i < d->len; i++)
		if (got[i] != d->bytes[i]) {
			printf("# byte %zu is %u, not %u\n", i, got[i], d->bytes[i]);
			return false;
		}
	return len == d->len;
}

static bool read_by_us(struct model *m, const char *snapshot, const struct disk *d)
{
	const struct bp_image_ref ref = { .path = m->path, .format = "qcow2",
					  .snapshot = snapshot };
	cleanup(bp_image_closep) struct bp_image_view *v = NULL;
	auto_free unsigned char *got = NULL;
	struct bp_error err = { 0 };
	size_t len;

	if (!told(bp_image_open(&ref, &v, &err), &err))
		return false;
	len = (size_t)bp_image_capacity(v);
	got = mem_alloc(len + 1);
	return told(bp_image_read(v, got, len, 0, &err), &err) && is_disk(d, got, len);
}

static char *qemu_name(const struct kind *k, const char *path)
{
	return mem_printf("driver=qcow2%s,file.filename=%s",
			  k->encrypted ? ",encrypt.key-secret=s" : "", path);
}

/* more: bytes behind the disk's end that do not make it another. */
static bool is_file(const char *path, const struct disk *d, size_t more)
{
	auto_free unsigned char *got = mem_alloc(d->len + SECTOR);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, got, d->len + SECTOR - more);

	close(fd);
	return is_disk(d, got, n < 0 ? 0 : (size_t)n);
}

/* A snapshot in a copy that goes back to it: with -l, QEMU gives it the size of the disk. */
static bool read_by_qemu(struct model *m, const char *snapshot, const struct disk *d)
{
	const char *raw = tap_path("raw"), *path = snapshot ? tap_path("copy") : m->path;
	auto_free char *named = qemu_name(m->kind, path);

	if (snapshot && (judge("cp", m->path, path, NULL) != 0 ||
			 !judged_good(judge("qemu-img", "snapshot", "-a", snapshot, "--object",
					    SECRET, "--image-opts", named, NULL))))
		return false;
	if (!judged_good(judge("qemu-img", "convert", "-O", "raw", "--object", SECRET,
			       "--image-opts", named, raw, NULL)))
		return false;
	return is_file(raw, d, 0);
}

static bool reads(struct model *m, const char *snapshot, const struct disk *d)
{
	/* QEMU goes back to no snapshot where there are bitmaps */
	bool ours = !m->kind->encrypted && (record_dice(2) || (snapshot && m->kind->bitmap));

	if ((ours ? read_by_us : read_by_qemu)(m, snapshot, d))
		return true;
	printf("# read by %s, snapshot %s\n", ours ? "us" : "QEMU", snapshot ? snapshot : "none");
	return false;
}

/* A data file that is a disk by itself. */
static bool data_are_right(struct model *m)
{
	if (!m->kind->data_raw || is_file(tap_path("data"), &m->now, SECTOR))
		return true;
	printf("# in the data file itself\n");
	return false;
}

static bool snapshots_are_right(struct model *m)
{
	for (unsigned i = 0; i < SNAPSHOTS; i++) {
		auto_free char *name = mem_printf("s%u", i);

		if (m->kept[i].bytes && !reads(m, name, &m->kept[i]))
			return false;
	}
	if (!m->kind->bitmap)
		return true;
	return judge("qemu-img", "info", m->path, NULL) == 0 && strstr(judged, "name: b1");
}

/* ---- all of it ------------------------------------------------------------------------------- */

/* The backing file is in part behind the disk's end, and in part it has data. */
static bool make_backing(struct model *m, const char *path)
{
	struct bp_io *io = open_image(path, O_CREAT | O_TRUNC);
	struct bp_error err = { 0 };
	size_t half = m->now.len / 2;

	memset(m->now.bytes + half, 0xbb, m->now.len - half);
	if (!io || io_resize(io, m->now.len + m->kind->cluster * 2, &err) < 0 ||
	    io_write(io, m->now.bytes, m->now.len, 0, &err) < 0 ||
	    io_write(io, "behind the end", 14, m->now.len, &err) < 0)
		abort();
	io_close(io);
	return true;
}

static bool create(struct model *m)
{
	const char *backing = tap_path("backing");
	auto_free char *size = mem_printf("%zu", m->now.len);
	auto_free char *options = m->kind->data ?
		mem_printf("%s,data_file=%s", m->kind->options, tap_path("data")) :
		mem_dup(m->kind->options);
	int tries = 10;

	unlink(m->path);
	if (m->kind->backed)
		return make_backing(m, backing) &&
		       judged_good(judge("qemu-img", "create", "-q", "-f", "qcow2", "-o",
					 options, "-b", backing, "-F", "raw", m->path,
					 size, NULL));
	/* it measures the machine first, where it encrypts, and gives up on one that is busy */
	while (judge("qemu-img", "create", "-q", "-f", "qcow2", "--object", SECRET, "-o",
		     options, m->path, size, NULL) != 0)
		if (!m->kind->encrypted || !--tries)
			return judged_good(1);
	return !m->kind->bitmap ||
	       judged_good(judge("qemu-img", "bitmap", "--add", m->path, "b1", NULL));
}

static bool step(struct model *m)
{
	static bool (*const steps[])(struct model *m) = {
		write_some, write_some, write_some, resize, resize, snapshot, snapshot, snapshot,
	};

	return steps[record_dice(array_size(steps))](m);
}

static bool play(const struct kind *k, unsigned steps)
{
	cleanup(model_done) struct model m = { .kind = k, .path = mem_dup(tap_path("image")) };

	m.named = qemu_name(k, m.path);
	disk_resize(&m.now, new_size(&m, true));
	did(&m, "create");
	if (!create(&m))
		return false;
	for (unsigned i = 0; i < steps; i++) {
		if (!step(&m) || !is_sound(&m) || !data_are_right(&m) ||
		    !reads(&m, NULL, &m.now)) {
			printf("# %s: step %u of %u: %s\n", k->options, i, steps, m.did);
			return false;
		}
	}
	return snapshots_are_right(&m);
}

static unsigned asked(const char *name, unsigned usual)
{
	const char *s = getenv(name);
	uint64_t n;

	return s && parse_number(s, 10, &n) ? (unsigned)n : usual;
}

TEST(whoever_changes_an_image_the_other_finds_it_right)
{
	unsigned seed = asked("SEED", 1), steps = asked("STEPS", STEPS);

	NEED_QEMU();
	printf("# SEED=%u STEPS=%u\n", seed, steps);
	for (size_t k = 0; k < array_size(kinds); k++) {
		record_seed = seed + k;
		for (unsigned i = 0; i < 8; i++)	/* seeds that are close come apart */
			(void)record_dice(2);
		CHECK(play(&kinds[k], steps));
	}
}
