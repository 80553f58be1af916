/* luks.c - a disk in LUKS: what its header says.  Nothing is decrypted. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/image/luks.h"

#include <inttypes.h>
#include <stdlib.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"

enum {
	VERSION_AT = 6,
	/* version 1 */
	CIPHER_AT = 8, MODE_AT = 40, HASH_AT = 72, WORD = 32,
	PAYLOAD_AT = 104, KEY_BYTES_AT = 108, ITERATIONS_AT = 164, UUID_AT = 168, UUID = 40,
	SLOTS_AT = 208, SLOT = 48, SLOTS = 8, SLOT_ACTIVE = 0x00ac71f3,
	/* version 2 */
	LUKS2_HEADER = 4096, LUKS2_LABEL_AT = 24, LUKS2_LABEL = 48, LUKS2_UUID_AT = 168,
	LUKS2_SIZE_AT = 8,
};

/* A word that ends with a NUL, or fills its place.  The caller frees. */
static char *word(struct bytes b, uint64_t at, size_t len)
{
	return bytes_has(b, at, len) ? mem_dup_n((const char *)b.p + at,
						 strnlen((const char *)b.p + at, len)) :
				       mem_dup("");
}

/* "xts-plain64", "cbc-essiv:sha256". */
struct mode {
	char *words;
	const char *cipher_mode, *ivgen, *ivgen_hash;
};

static struct mode split_mode(struct bytes b)
{
	struct mode m = { .words = word(b, MODE_AT, WORD) };
	char *dash = strchr(m.words, '-'), *colon;

	m.cipher_mode = m.words;
	m.ivgen = "";
	if (!dash)
		return m;
	*dash = '\0';
	m.ivgen = dash + 1;
	colon = strchr(dash + 1, ':');
	if (colon) {
		*colon = '\0';
		m.ivgen_hash = colon + 1;
	}
	return m;
}

static void add_slot(struct bytes b, unsigned i, struct bp_fact *list)
{
	uint64_t at = SLOTS_AT + i * SLOT;
	struct bp_fact *slot = bp_fact_add(list, NULL, BP_FACT_GROUP);
	bool active = be32_at(b, at) == SLOT_ACTIVE;

	bp_fact_bool(slot, "active", active);
	if (active)
		bp_fact_number(slot, "iters", be32_at(b, at + 4));
	bp_fact_number(slot, "key-offset", (uint64_t)be32_at(b, at + 40) * LUKS_SECTOR);
	if (active)
		bp_fact_number(slot, "stripes", be32_at(b, at + 44));
}

static void add_cipher(struct bytes b, const char *mode, struct bp_fact *to)
{
	/* xts has two keys */
	uint32_t bits = be32_at(b, KEY_BYTES_AT) * 8 / (strcmp(mode, "xts") == 0 ? 2 : 1);
	auto_free char *name = word(b, CIPHER_AT, WORD), *cipher = mem_printf("%s-%" PRIu32, name,
									     bits);

	bp_fact_text(to, "cipher-alg", cipher);
}

void luks_facts(struct bytes b, bool inside, struct bp_fact *to)
{
	struct mode mode = split_mode(b);
	auto_free char *words = mode.words, *hash = word(b, HASH_AT, WORD),
		       *uuid = word(b, UUID_AT, UUID);
	struct bp_fact *slots;

	bp_fact_text(to, "ivgen-alg", mode.ivgen);
	bp_fact_text(to, "hash-alg", hash);
	add_cipher(b, mode.cipher_mode, to);
	bp_fact_text(to, "uuid", uuid);
	if (mode.ivgen_hash)
		bp_fact_text(to, "ivgen-hash-alg", mode.ivgen_hash);
	if (inside)
		bp_fact_text(to, "format", "luks");
	bp_fact_text(to, "cipher-mode", mode.cipher_mode);
	slots = bp_fact_add(to, "slots", BP_FACT_LIST);
	for (unsigned i = 0; i < SLOTS; i++)
		add_slot(b, i, slots);
	bp_fact_number(to, "payload-offset", (uint64_t)be32_at(b, PAYLOAD_AT) * LUKS_SECTOR);
	bp_fact_number(to, "master-key-iters", be32_at(b, ITERATIONS_AT));
}

static int luks_seen(const struct bp_image_head *head, bool trailer, struct bp_error *err)
{
	unsigned version = be16_at(head->first, VERSION_AT);

	(void)trailer;
	(void)err;
	return bytes_has(head->first, 0, 8) && memcmp(head->first.p, LUKS_MAGIC, 6) == 0 &&
	       (version == 1 || version == 2);
}

/* Where the payload of version 2 begins is written in JSON, and is not told. */
static int luks2(const struct bp_image_head *head, struct bp_image_facts *ret,
		 struct bp_error *err)
{
	auto_free char *label = word(head->first, LUKS2_LABEL_AT, LUKS2_LABEL),
		       *uuid = word(head->first, LUKS2_UUID_AT, UUID);

	if (head->size < LUKS2_HEADER)
		return bp_fail(err, BP_CORRUPT, "the LUKS header is cut off after %" PRIu64
			       " bytes", head->size);
	bp_fact_text(&ret->more, "uuid", uuid);
	bp_fact_number(&ret->more, "version", 2);
	if (*label)
		bp_fact_text(&ret->more, "label", label);
	bp_fact_number(&ret->more, "header-size", be64_at(head->first, LUKS2_SIZE_AT));
	return 0;
}

static int payload_of(const struct bp_image_head *head, uint64_t *ret, struct bp_error *err)
{
	if (!bytes_has(head->first, 0, LUKS_HEADER))
		return bp_fail(err, BP_CORRUPT, "the LUKS header is cut off after %zu bytes",
			       head->first.len);
	*ret = (uint64_t)be32_at(head->first, PAYLOAD_AT) * LUKS_SECTOR;
	if (*ret > head->size)
		return bp_fail(err, BP_CORRUPT, "the LUKS header lets the data begin at %" PRIu64
			       ", past the end of the file", *ret);
	return 0;
}

static int luks_probe(const struct bp_image_head *head, struct bp_image_info *ret,
		      struct bp_error *err)
{
	ret->encryption = "luks";
	if (be16_at(head->first, VERSION_AT) != 1)
		return 0;
	if (payload_of(head, &ret->payload, err) < 0)
		return -1;
	ret->capacity = head->size - ret->payload;
	return 0;
}

static int luks_image_facts(const struct bp_image_head *head, struct bp_image_facts *ret,
			    struct bp_error *err)
{
	uint64_t payload;

	ret->encrypted = true;
	if (be16_at(head->first, VERSION_AT) != 1)
		return luks2(head, ret, err);
	if (payload_of(head, &payload, err) < 0)
		return -1;
	ret->capacity = (head->size - payload) / LUKS_SECTOR * LUKS_SECTOR;
	luks_facts(head->first, false, &ret->more);
	return 0;
}

const struct bp_image_format image_luks = {
	.name	= "luks",
	.sign	= { .magic = LUKS_MAGIC, .len = 6 },
	.seen	= luks_seen,
	.probe	= luks_probe,
	.facts	= luks_image_facts,
};
