/* away_volume.c - a volume's facts on their way from a child: the struct as it is, and
 * behind it what its pointers lead to, in the order of one walk that both sides make. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "core/away.h"
#include "core/away_volume.h"

#define ALIGN 16

/* Writing, out grows; reading, at moves on, and pointers are turned to what is there.  What
 * is not there up to the end is not believed. */
struct pack {
	bool writing, bad;
	struct text *out;
	char *at, *end;
};

static bool has(struct pack *p, size_t len)
{
	p->bad |= !p->writing && len > (size_t)(p->end - p->at);
	return !p->bad;
}

static void pad(struct pack *p, size_t len)
{
	static const char zeros[ALIGN];
	size_t n = (ALIGN - len % ALIGN) % ALIGN;

	if (p->writing)
		text_add_n(p->out, zeros, n);
	else if (has(p, n))
		p->at += n;
}

/* Whatever the pointer at where leads to; NULL leads nowhere. */
static void pack_bytes(struct pack *p, void *where, size_t len)
{
	void *to;

	memcpy(&to, where, sizeof to);
	if (!to || !has(p, len))
		return;
	if (p->writing) {
		text_add_n(p->out, to, len);
	} else {
		memcpy(where, &p->at, sizeof p->at);
		p->at += len;
	}
	pad(p, len);
}

static void pack_string(struct pack *p, void *where)
{
	const char *s;

	memcpy(&s, where, sizeof s);
	if (s && !p->bad)
		pack_bytes(p, where, (p->writing ? strlen(s) :
				      strnlen(p->at, (size_t)(p->end - p->at))) + 1);
}

/* Several of one size; NULL: none. */
static void pack_array(struct pack *p, void *where, size_t n, size_t size)
{
	size_t len;
	void *to;

	memcpy(&to, where, sizeof to);
	if ((!to && n) || __builtin_mul_overflow(n, size, &len))
		p->bad = true;
	else
		pack_bytes(p, where, len);
}

static void pack_encryption(struct pack *p, struct bp_encryption *e)
{
	pack_string(p, &e->format);
	pack_string(p, &e->engine);
	pack_string(p, &e->cipher);
	pack_string(p, &e->cipher_mode);
	pack_string(p, &e->cipher_hash);
	pack_string(p, &e->ivgen);
	pack_string(p, &e->ivgen_hash);
	if (!p->writing) {	/* it is for who makes a volume */
		e->header = NULL;
		e->header_len = 0;
	}
	pack_array(p, &e->secrets, e->n_secrets, sizeof *e->secrets);
	for (size_t i = 0; !p->bad && e->secrets && i < e->n_secrets; i++) {
		pack_string(p, &e->secrets[i].type);
		pack_string(p, &e->secrets[i].uuid);
		pack_string(p, &e->secrets[i].usage);
	}
}

static void pack_backing(struct pack *p, struct bp_backing *b)
{
	pack_string(p, &b->path);
	pack_string(p, &b->format);
	pack_string(p, &b->vol);
	pack_string(p, &b->perms.label);
}

static void pack_extents(struct pack *p, struct bp_vol_info *info)
{
	struct bp_vol_extent *extents;

	pack_array(p, &info->extents, info->n_extents, sizeof *info->extents);
	extents = (struct bp_vol_extent *)info->extents;
	for (size_t i = 0; !p->bad && extents && i < info->n_extents; i++)
		pack_string(p, &extents[i].device);
}

/* Writing, the struct stays the caller's: only what pointers lead to is looked at. */
static void pack_info(struct pack *p, struct bp_vol_info *info)
{
	pack_string(p, &info->name);
	pack_string(p, &info->key);
	pack_string(p, &info->path);
	pack_string(p, &info->format);
	pack_string(p, &info->perms.label);
	pack_string(p, &info->compat);
	pack_string(p, &info->problem);
	pack_string(p, &info->kind);
	pack_bytes(p, &info->encryption, sizeof *info->encryption);
	if (info->encryption && !p->bad)
		pack_encryption(p, (struct bp_encryption *)info->encryption);
	pack_bytes(p, &info->backing, sizeof *info->backing);
	if (info->backing && !p->bad)
		pack_backing(p, (struct bp_backing *)info->backing);
	pack_bytes(p, &info->data_store, sizeof *info->data_store);
	if (info->data_store && !p->bad)
		pack_backing(p, (struct bp_backing *)info->data_store);
	pack_extents(p, info);
}

void volume_pack(const struct bp_vol_info *info, struct text *out)
{
	struct bp_vol_info copy = *info;
	struct pack p = { .writing = true, .out = out, .at = out->s };

	text_add_n(out, (const char *)info, sizeof *info);
	pad(&p, sizeof *info);
	pack_info(&p, &copy);
}

int volume_unpack(struct text *in, struct bp_vol_info *ret, struct bp_error *err)
{
	struct bp_vol_info info;
	struct pack p = { 0 };

	if (away_take(in, &info, sizeof info, err) < 0)
		return -1;
	p.at = in->s + sizeof info;
	p.end = in->s + in->len;
	pad(&p, sizeof info);
	pack_info(&p, &info);
	if (p.bad)
		return away_garbled(err);
	*ret = info;
	return 0;
}
