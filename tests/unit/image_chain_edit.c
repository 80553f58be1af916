/* image_chain_edit.c - chains whose images are committed and rebased, by us and by QEMU in turn. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/images.h"
#include "tests/unit/image_record.h"

/* Sizes in pieces of 4.5 KiB: each image is a little larger, or smaller, than that below. */
enum { PIECE = 9 << 9, PIECES = 80, IMAGES = 4 };

static const char *const kinds[] = {
	"cluster_size=4k",
	"compat=0.10,cluster_size=512",
	"cluster_size=16k,extended_l2=on",
	"cluster_size=64k",
	"cluster_size=1k,refcount_bits=64",
};

/* Image 0 is nobody's overlay; 1 to 3 are a chain upon one of 0 and another, 4. */
struct model {
	char *path[IMAGES + 1];
	const char *format[IMAGES + 1];
	unsigned size[IMAGES + 1];
	unsigned char top[PIECES];	/* what image 3 shows */
};

static void model_done(struct model *m)
{
	for (int i = 0; i <= IMAGES; i++)
		free(m->path[i]);
}

static bool fill(const char *path, const char *format, unsigned at, unsigned n, unsigned byte)
{
	auto_free char *data = mem_printf("write -P %u %u %u", byte, at * PIECE, n * PIECE);
	auto_free char *zero = mem_printf("write -z %u %u", at * PIECE, n * PIECE);

	return judge("qemu-io", "-f", format, "-c", byte ? data : zero, path, NULL) == 0;
}

static bool make_one(struct model *m, int i, const char *options, int below, bool raw)
{
	auto_free char *size = mem_printf("%u", m->size[i] * PIECE);
	const char *base = below < 0 ? NULL : m->path[below];

	m->format[i] = raw ? "raw" : "qcow2";
	unlink(m->path[i]);
	if (raw)
		return judge("qemu-img", "create", "-q", "-f", "raw", m->path[i], size, NULL) == 0;
	if (!base)
		return judge("qemu-img", "create", "-q", "-f", "qcow2", "-o", options, m->path[i],
			     size, NULL) == 0;
	return judge("qemu-img", "create", "-q", "-f", "qcow2", "-o", options, "-b", base, "-F",
		     m->format[below], m->path[i], size, NULL) == 0;
}

/* What the guest of the top sees is all that has to stay. */
static bool look(struct model *m, unsigned char *buf)
{
	const char *raw = tap_path("raw");
	size_t len = (size_t)m->size[3] * PIECE;
	bool r;
	int fd;

	if (judge("qemu-img", "convert", "-f", "qcow2", "-O", "raw", m->path[3], raw, NULL) != 0)
		return false;
	fd = open(raw, O_RDONLY | O_CLOEXEC);
	r = read(fd, buf, len) == (ssize_t)len;
	close(fd);
	return r;
}

static bool make(struct model *m, unsigned turn)
{
	static unsigned char buf[PIECES * PIECE];
	bool made = true;

	for (int i = 0; made && i <= IMAGES; i++) {
		free(m->path[i]);
		m->path[i] = mem_printf("%s%d", tap_path("chain"), i);
		m->size[i] = PIECES - record_dice(20);
		made = make_one(m, i, kinds[(turn + (unsigned)i) % array_size(kinds)],
				i && i < IMAGES ? i - 1 : -1, i == 0 && turn % 2);
	}
	for (int i = 0; made && i <= IMAGES; i++)
		for (int n = 0; made && n < 5; n++)
			made = fill(m->path[i], m->format[i], record_dice(m->size[i] - 10),
				    1 + record_dice(9), record_dice(4) ? 1 + record_dice(250) : 0);
	made = made && look(m, buf);
	for (unsigned i = 0; i < m->size[3]; i++)
		m->top[i] = buf[i * PIECE];
	return made;
}

static bool is_right(struct model *m)
{
	static unsigned char buf[PIECES * PIECE];

	for (int i = 0; i <= IMAGES; i++)
		if (strcmp(m->format[i], "qcow2") == 0 &&
		    judge("qemu-img", "check", "-q", m->path[i], NULL) != 0) {
			printf("# %s: %s\n", m->path[i], judged);
			return false;
		}
	if (!look(m, buf)) {
		printf("# %s\n", judged);
		return false;
	}
	for (size_t i = 0; i < (size_t)m->size[3] * PIECE; i++)
		if (buf[i] != m->top[i / PIECE]) {
			printf("# byte %zu is %u, not %u\n", i, buf[i], m->top[i / PIECE]);
			return false;
		}
	return true;
}

static bool told(int r, const struct bp_error *err)
{
	if (r < 0)
		printf("# %s\n", err->text);
	return r == 0;
}

static bool write_some(struct model *m)
{
	unsigned at = record_dice(m->size[3] - 10), n = 1 + record_dice(9);
	unsigned byte = record_dice(4) ? 1 + record_dice(250) : 0;

	memset(m->top + at, (int)byte, n);
	return fill(m->path[3], "qcow2", at, n, byte);
}

static bool rebase(struct model *m, int image, int to, bool ours)
{
	const struct bp_image_ref ref = { .path = m->path[image], .format = "qcow2" };
	struct bp_error err = { 0 };
	const char *path = to < 0 ? NULL : m->path[to], *format = to < 0 ? NULL : m->format[to];

	if (ours)
		return told(bp_image_rebase(&ref, path, format, 0, NULL, &err), &err);
	if (!path)
		return judge("qemu-img", "rebase", "-f", "qcow2", "-b", "", ref.path, NULL) == 0;
	return judge("qemu-img", "rebase", "-f", "qcow2", "-b", path, "-F", format, ref.path,
		     NULL) == 0;
}

static bool commit(struct model *m, const char *base, bool ours)
{
	const struct bp_image_ref ref = { .path = m->path[3], .format = "qcow2" };
	struct bp_error err = { 0 };

	if (ours)
		return told(bp_image_commit(&ref, base, 0, NULL, &err), &err);
	return judge("qemu-img", "commit", "-q", "-f", "qcow2", base ? "-b" : ref.path,
		     base ? base : NULL, ref.path, NULL) == 0;
}

/* Where the chain of the top goes on; -1: nowhere. */
static int below_of(struct model *m, int image)
{
	struct bp_error err = { 0 };
	struct bp_image *i;
	int below = -1;
	const struct bp_image_ref ref = { .path = m->path[image], .format = "qcow2" };

	if (bp_image_look(&ref, false, &i, &err) < 0)
		abort();
	for (int n = 0; i->backing && n <= IMAGES; n++)
		if (strcmp(i->backing, m->path[n]) == 0)
			below = n;
	bp_image_free(i);
	return below;
}

/* What is committed into shows what the top shows, as far as that goes. */
static bool committed(struct model *m, int into)
{
	return judge("qemu-img", "compare", "-q", "-f", m->format[into], "-F", "qcow2",
		     m->path[into], m->path[3], NULL) == 0 || m->size[into] > m->size[3];
}

static bool step(struct model *m)
{
	bool ours = record_dice(3);
	int below = below_of(m, 3), deeper;

	switch (record_dice(5)) {
	case 0:
	case 1:
		return write_some(m);
	case 2:
		if (below < 0)
			return true;
		if (m->size[below] < m->size[3])
			m->size[below] = m->size[3];
		return commit(m, NULL, ours) && committed(m, below);
	case 3:
		deeper = below > 0 && below < IMAGES ? below_of(m, below) : -1;
		if (deeper < 0)
			return true;
		if (m->size[deeper] < m->size[3])
			m->size[deeper] = m->size[3];
		return commit(m, m->path[deeper], ours) && committed(m, deeper);
	default:
		return rebase(m, 3, (int)record_dice(IMAGES + 1) - 1 == 3 ? IMAGES : below ? 2 : 0,
			      ours);
	}
}

TEST(we_and_qemu_take_turns)
{
	enum { STEPS = 14 };

	NEED_QEMU();
	for (unsigned turn = 0; turn < 6; turn++) {
		cleanup(model_done) struct model m = { 0 };
		bool right = make(&m, turn) && is_right(&m);

		for (int i = 0; right && i < STEPS; i++) {
			right = step(&m) && is_right(&m);
			if (!right)
				printf("# turn %u: step %d\n", turn, i);
		}
		CHECK(right);
	}
}
