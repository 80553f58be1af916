/* told.c - any bytes as what is told by processes that work for us: the first says which.
 *
 * The facts of a volume that a child sends, and such facts made of the bytes, sent and taken;
 * what programs of open-iscsi complain of.
 *
 * How it hunts and replays: replay.h.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "backends/iscsi.h"
#include "core/away_volume.h"
#include "tests/fuzz/replay.h"

static void must(bool so)
{
	if (!so)
		abort();
}

static void same(const char *a, const char *b)
{
	must(!a == !b && (!a || strcmp(a, b) == 0));
}

static void same_backing(const struct bp_backing *a, const struct bp_backing *b)
{
	must(!a == !b);
	if (!a)
		return;
	same(a->path, b->path);
	same(a->format, b->format);
	same(a->vol, b->vol);
	same(a->perms.label, b->perms.label);
}

static void same_info(const struct bp_vol_info *a, const struct bp_vol_info *b)
{
	same(a->name, b->name);
	same(a->key, b->key);
	same(a->path, b->path);
	same(a->format, b->format);
	same(a->perms.label, b->perms.label);
	same(a->compat, b->compat);
	same(a->problem, b->problem);
	same(a->kind, b->kind);
	must(!a->encryption == !b->encryption);
	same_backing(a->backing, b->backing);
	same_backing(a->data_store, b->data_store);
	for (size_t i = 0; a->encryption && i < a->encryption->n_secrets; i++) {
		same(a->encryption->secrets[i].type, b->encryption->secrets[i].type);
		same(a->encryption->secrets[i].usage, b->encryption->secrets[i].usage);
	}
	must(a->n_extents == b->n_extents);
	for (size_t i = 0; a->extents && i < a->n_extents; i++)
		same(a->extents[i].device, b->extents[i].device);
}

/* What is taken for a volume can be looked at, and sent on. */
static void facts(char *text, size_t len)
{
	struct text in = { .s = text, .len = len };
	cleanup(text_done) struct text out = { 0 };
	struct bp_vol_info info, again;
	struct bp_error err = { 0 };

	if (volume_unpack(&in, &info, &err) < 0) {
		must(err.code && *err.text);
		return;
	}
	volume_pack(&info, &out);
	must(volume_unpack(&out, &again, &err) == 0);
	same_info(&info, &again);
}

/* The next word, or NULL for one that is empty. */
static char *word(char **at)
{
	char *w = strsep(at, "\n");

	return w && *w ? w : NULL;
}

/* Lines as the strings of a volume; the rest are extents. */
static void sent(char *text, size_t len)
{
	struct bp_secret secrets[2] = { { 0 } };
	struct bp_encryption enc = { .secrets = secrets, .n_secrets = 2 };
	struct bp_backing backing = { 0 }, store = { 0 };
	struct bp_vol_extent extents[16] = { { 0 } };
	struct bp_vol_info info = { .n_extents = 0 }, got;
	cleanup(text_done) struct text t = { 0 };
	struct bp_error err = { 0 };
	char *at = text;

	info.name = word(&at);
	info.key = word(&at);
	info.path = word(&at);
	info.format = word(&at);
	info.problem = word(&at);
	info.kind = word(&at);
	store.vol = word(&at);
	info.perms.label = word(&at);
	info.compat = word(&at);
	enc.format = word(&at);
	secrets[0].type = word(&at);
	secrets[1].usage = word(&at);
	backing.path = word(&at);
	backing.vol = word(&at);
	while (at && info.n_extents < array_size(extents))
		extents[info.n_extents++].device = word(&at);
	info.encryption = len & 1 ? &enc : NULL;
	info.backing = len & 2 ? &backing : NULL;
	info.data_store = len & 4 ? &store : NULL;
	info.extents = info.n_extents ? extents : NULL;
	volume_pack(&info, &t);
	must(volume_unpack(&t, &got, &err) == 0);
	same_info(&info, &got);
	t.len -= len < t.len ? len : t.len;
	if (len && volume_unpack(&t, &got, &err) == 0)
		must(!err.code);
}

static void complaint(char *text, size_t len)
{
	auto_free char *line = iscsi_complaint_in(text);

	must(!line || strlen(line) <= len);
	for (const char *c = line; c && *c; c++)
		must((unsigned char)*c >= ' ' && *c != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static void (*const readers[])(char *, size_t) = { facts, sent, complaint };

	return read_by_first(readers, array_size(readers), data, len);
}
