/* iscsi_direct_luns.c - which LUNs a target has, and what they are. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "backends/iscsi_direct.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/image/image.h"

#define FIRST_LIST 2056		/* bytes: 256 LUNs */
#define AT_ONCE 64		/* LUNs asked at a time */
#define ASKS 32			/* about the space of one LUN, before it is left at that */
#define STATUS 16384		/* bytes of an answer */
#define VOLUME "unit:0:0:"

/* ---- the list ------------------------------------------------------------------------------ */

/* A list that was cut off is asked for again, as long as it says it is. */
static int read_list(struct initiator *in, struct sbc_luns *ret, struct bp_error *err)
{
	uint32_t len = FIRST_LIST;

	for (int tries = 0; tries < 4; tries++) {
		auto_free unsigned char *data = mem_alloc(len);
		struct job job = { .command = sbc_report_luns(len), .data = data, .len = len };

		if (job_run(in, &job, "cannot list the LUNs", err) < 0 ||
		    sbc_luns_read(job_answer(&job), ret, err) < 0)
			return -1;
		if (ret->needed <= len)
			return 0;
		len = ret->needed;
		sbc_luns_done(ret);
	}
	return bp_fail(err, BP_CORRUPT, "the server's list of LUNs grows as often as it is asked "
		       "for");
}

static int list(struct bp_pool *p, struct initiator *in, struct bp_error *err)
{
	struct direct *d = p->priv;
	cleanup(sbc_luns_done) struct sbc_luns luns = { 0 };

	if (d->listed)
		return 0;
	if (read_list(in, &luns, err) < 0)
		return bp_within(err, "pool '%s': '%s'", p->def->name, initiator_portal(in));
	for (size_t i = 0; i < luns.n; i++)
		*array_add(d->luns, d->n) = (struct lun){ .number = luns.luns[i], .type = -1 };
	d->listed = true;
	return 0;
}

/* ---- what they are --------------------------------------------------------------------------- */

struct asked {
	struct job job;
	struct lun *lun;
	unsigned char data[36];
};

static void ask(struct asked *a, struct lun *lun, struct sbc_command command, size_t len)
{
	*a = (struct asked){ .lun = lun };
	a->job = (struct job){
		.lun = lun->number, .command = command, .data = a->data, .len = len,
	};
}

/* All at once; how each has ended is in its job. */
static int run_all(struct initiator *in, struct asked *asked, size_t n, struct bp_error *err)
{
	size_t started = 0;
	int r = 0;

	while (r == 0 && started < n)
		r = job_start(in, &asked[started].job, err) < 0 ? -1 : (started++, 0);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = job_wait(in, &asked[i].job, err);
	if (r < 0)
		jobs_cancel(in);
	for (size_t i = 0; i < started; i++)
		job_done(&asked[i].job);
	return r;
}

static void set_problem(struct lun *lun, const struct bp_error *why)
{
	lun->shape = (struct sbc_shape){ 0 };
	lun->problem = mem_dup(why->text);
}

static void take_type(struct asked *a)
{
	struct bp_error why = { 0 };

	a->lun->known = true;
	if (a->job.status) {
		job_fail(&a->job, "it does not say what it is", &why);
		set_problem(a->lun, &why);
	} else {
		a->lun->type = sbc_type_read(job_answer(&a->job));
	}
}

static void take_size(struct asked *a)
{
	struct bp_error why = { 0 };

	if (a->job.status)
		job_fail(&a->job, "it does not say how large it is", &why);
	if (a->job.status ||
	    sbc_capacity_read(job_answer(&a->job), &a->lun->shape, &why) < 0)
		set_problem(a->lun, &why);
}

/* Of some LUNs that are not known yet. */
static int know(struct initiator *in, struct lun *const *luns, size_t n, struct bp_error *err)
{
	struct asked asked[AT_ONCE];
	size_t disks = 0;

	for (size_t i = 0; i < n; i++)
		ask(&asked[i], luns[i], sbc_inquiry(sizeof asked->data), sizeof asked->data);
	if (run_all(in, asked, n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		take_type(&asked[i]);
	for (size_t i = 0; i < n; i++)
		if (sbc_has_blocks(luns[i]->type))
			ask(&asked[disks++], luns[i], sbc_capacity(32), 32);
	if (run_all(in, asked, disks, err) < 0)
		return -1;
	for (size_t i = 0; i < disks; i++)
		take_size(&asked[i]);
	return 0;
}

static int know_all(struct bp_pool *p, struct initiator *in, struct bp_error *err)
{
	struct direct *d = p->priv;
	struct lun *some[AT_ONCE];
	size_t n = 0;

	for (size_t i = 0; i <= d->n; i++) {
		if (n == AT_ONCE || (i == d->n && n)) {
			if (know(in, some, n, err) < 0)
				return -1;
			n = 0;
		}
		if (i < d->n && !d->luns[i].known)
			some[n++] = &d->luns[i];
	}
	return 0;
}

int direct_list(struct bp_pool *p, bool facts, struct bp_error *err)
{
	struct initiator *in = direct_session(p, err);

	if (!in || list(p, in, err) < 0)
		return -1;
	return facts ? know_all(p, in, err) : 0;
}

/* ---- names ------------------------------------------------------------------------- */

char *direct_url(const struct bp_pool *p)
{
	auto_free char *portal = initiator_portal_of(&p->def->source.hosts[0]);

	return mem_printf("iscsi://%s/%s/", portal, p->def->source.devices[0].path);
}

char *direct_key(const struct bp_pool *p)
{
	auto_free char *portal = initiator_portal_of(&p->def->source.hosts[0]);

	return mem_printf("ip-%s-iscsi-%s-lun-", portal, p->def->source.devices[0].path);
}

/* What follows the prefix is the number of a LUN, written the one way there is. */
static bool read_number(const char *text, const char *prefix, uint16_t *ret)
{
	char again[8];
	uint64_t n;

	if (!starts_with(text, prefix) || !parse_number(text + strlen(prefix), 10, &n) ||
	    n > UINT16_MAX)
		return false;
	*ret = (uint16_t)n;
	snprintf(again, sizeof again, "%u", *ret);
	return strcmp(again, text + strlen(prefix)) == 0;
}

static int no_volume(const char *vol, struct bp_error *err)
{
	return bp_fail(err, BP_NO_VOL, "no storage vol with matching path '%s'", vol);
}

static struct lun *find_number(const struct direct *d, uint16_t number)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->luns[i].number == number)
			return &d->luns[i];
	return NULL;
}

struct lun *direct_find(struct bp_pool *p, const char *vol, struct bp_error *err)
{
	struct lun *lun = NULL;
	uint16_t number;

	if (!read_number(vol, VOLUME, &number)) {
		no_volume(vol, err);
		return NULL;
	}
	if (direct_list(p, false, err) < 0)
		return NULL;
	lun = find_number(p->priv, number);
	if (!lun)
		no_volume(vol, err);
	else if (!lun->known && know(direct_session(p, err), &lun, 1, err) < 0)
		lun = NULL;
	return lun;
}

int direct_vol_of_path(struct bp_pool *p, const char *path, char **ret_vol, struct bp_error *err)
{
	bool named = p->def->source.n_devices;
	auto_free char *url = named ? direct_url(p) : NULL, *key = named ? direct_key(p) : NULL;
	uint16_t number;

	if (!named || (!read_number(path, url, &number) && !read_number(path, key, &number)))
		return no_volume(path, err);
	if (direct_list(p, false, err) < 0)
		return -1;
	if (!find_number(p->priv, number))
		return no_volume(path, err);
	*ret_vol = mem_printf(VOLUME "%u", number);
	return 0;
}

/* ---- opening ----------------------------------------------------------------------- */

/* What it will take at once.  A unit that does not say is asked for no more than all do. */
static void read_limits(struct initiator *in, const struct lun *lun, struct sbc_limits *ret)
{
	static const uint8_t pages[] = { SBC_LIMITS, SBC_PROVISIONING };
	unsigned char data[256];
	struct bp_error ignored = { 0 };
	struct job job = {
		.lun = lun->number, .command = sbc_page(SBC_PAGES, sizeof data), .data = data,
		.len = sizeof data,
	};
	unsigned char there[256];
	struct bytes list = { there, 0 };

	if (job_run(in, &job, "", &ignored) < 0)
		return;
	memcpy(there, data, sizeof there);
	list.len = job.got;
	for (size_t i = 0; i < array_size(pages); i++) {
		struct bp_error none = { 0 };

		job = (struct job){
			.lun = lun->number, .command = sbc_page(pages[i], 64), .data = data,
			.len = 64,
		};
		if (!sbc_has_page(list, pages[i]) || job_run(in, &job, "", &none) < 0)
			continue;
		(pages[i] == SBC_LIMITS ? sbc_limits_read : sbc_provisioning_read)
			(job_answer(&job), ret);
	}
}

static int check_writable(struct initiator *in, const struct lun *lun, const char *vol,
			  struct bp_error *err)
{
	unsigned char data[255] = { 0 };
	struct bp_error ignored = { 0 };
	struct job job = {
		.lun = lun->number, .command = sbc_mode(sizeof data), .data = data,
		.len = sizeof data,
	};

	if (lun->type == SBC_CDROM ||
	    (job_run(in, &job, "", &ignored) == 0 && sbc_read_only(job_answer(&job)))) {
		bp_fail(err, BP_SYSTEM, "volume '%s' can only be read: the server lets nobody "
			"write to LUN %u", vol, lun->number);
		err->sys = EROFS;
		return -1;
	}
	return 0;
}

static struct bp_io *open_lun(struct bp_pool *p, struct initiator *in, const struct lun *lun)
{
	auto_free char *url = direct_url(p), *name = mem_printf("%s%u", url, lun->number);
	struct sbc_limits limits = { 0 };

	read_limits(in, lun, &limits);
	return direct_io(in, lun, name, &limits);
}

int direct_vol_open(struct bp_pool *p, const char *vol, enum bp_vol_access access,
		    struct bp_io **ret, struct bp_error *err)
{
	struct lun *lun = direct_find(p, vol, err);
	struct initiator *in = lun ? direct_session(p, err) : NULL;

	if (!in)
		return -1;
	if (lun->problem)
		return bp_fail(err, BP_FAILED, "volume '%s' cannot be used: %s", vol, lun->problem);
	if (!lun->shape.size)
		return bp_fail(err, BP_UNSUPPORTED, "volume '%s' has no bytes: behind LUN %u there "
			       "is a %s", vol, lun->number, sbc_type_word(lun->type));
	if (access == BP_VOL_WRITE && check_writable(in, lun, vol, err) < 0)
		return -1;
	*ret = open_lun(p, in, lun);
	return 0;
}

/* ---- showing ----------------------------------------------------------------------- */

/* One volume, described; what info borrows is here. */
struct shown {
	struct bp_vol_info info;
	char *name, *key, *path, *kind;
};

static void shown_done(struct shown *s)
{
	free(s->name);
	free(s->key);
	free(s->path);
	free(s->kind);
	*s = (struct shown){ 0 };
}

/* Bytes with space behind them, where a server can tell; a unit in very many pieces counts
 * as full from where we stop to ask. */
static uint64_t allocated(struct initiator *in, const struct lun *lun)
{
	auto_free unsigned char *data = lun->shape.thin ? mem_alloc(STATUS) : NULL;
	uint64_t at = 0, mapped = 0, some = 0;
	struct bp_error ignored = { 0 };

	for (int i = 0; lun->shape.thin && i < ASKS && at < lun->shape.blocks; i++) {
		struct job job = {
			.lun = lun->number, .command = sbc_status(at, STATUS), .data = data,
			.len = STATUS,
		};

		if (job_run(in, &job, "", &ignored) < 0 ||
		    sbc_status_sum(job_answer(&job), at, lun->shape.blocks, &some, &at,
				   &ignored) < 0)
			break;
		mapped += some;
	}
	return (mapped + (lun->shape.blocks - at)) * lun->shape.block;
}

/* What a guest has written is shown, and is nothing that anybody acts on. */
static void describe_image(struct bp_pool *p, struct initiator *in, const struct lun *lun,
			   struct text *kind)
{
	cleanup(bp_image_info_done) struct bp_image_info image = { 0 };
	cleanup(io_closep) struct bp_io *io = open_lun(p, in, lun);
	struct bp_error ignored = { 0 };

	if (bp_image_probe(io, &image, &ignored) < 0 || strcmp(image.format, "raw") == 0)
		return;
	text_addf(kind, "%sholds %s", kind->len ? ", " : "", image.format);
	if (image.backing && !has_control_chars(image.backing) && is_utf8(image.backing))
		text_addf(kind, " over '%s'", image.backing);
}

static void describe(struct bp_pool *p, const struct lun *lun, unsigned want, struct shown *s)
{
	auto_free char *url = direct_url(p), *key = direct_key(p);
	struct initiator *in = ((struct direct *)p->priv)->in;
	cleanup(text_done) struct text kind = { 0 };
	struct bp_vol_info *info = &s->info;

	shown_done(s);
	s->name = mem_printf(VOLUME "%u", lun->number);
	s->path = mem_printf("%s%u", url, lun->number);
	s->key = mem_printf("%s%u", key, lun->number);
	*info = (struct bp_vol_info){
		.got = BP_VOL_NAME | BP_VOL_PATH, .type = BP_VOL_NETWORK,
		.name = s->name, .key = s->key, .path = s->path,
	};
	if (!lun->known)
		return;
	info->problem = lun->problem;
	info->got |= lun->problem ? 0 : BP_VOL_SIZE;
	info->capacity = info->physical = lun->shape.size;
	if (want & BP_VOL_SIZE)
		info->allocation = allocated(in, lun);
	if (!lun->problem && !lun->shape.size)
		text_add(&kind, sbc_type_word(lun->type));
	if (lun->shape.thin)
		text_add(&kind, "thin");
	if (want & BP_VOL_FORMAT) {
		info->got |= BP_VOL_FORMAT;
		if (lun->shape.size)
			describe_image(p, in, lun, &kind);
	}
	info->kind = s->kind = kind.len ? text_steal(&kind) : NULL;
}

struct cursor {
	size_t at;
	unsigned want;
	struct shown shown;
};

int direct_vols_open(struct bp_pool *p, unsigned want, void **ret, struct bp_error *err)
{
	struct cursor *c;

	if (direct_list(p, want & (BP_VOL_SIZE | BP_VOL_FORMAT), err) < 0)
		return -1;
	c = mem_alloc(sizeof *c);
	c->want = want;
	*ret = c;
	return 0;
}

int direct_vols_next(struct bp_pool *p, void *cursor, struct bp_vol_info *ret,
		     struct bp_error *err)
{
	const struct direct *d = p->priv;
	struct cursor *c = cursor;

	if (c->at == d->n)
		return 0;
	describe(p, &d->luns[c->at++], c->want, &c->shown);
	if (initiator_check(d->in, err) < 0)
		return -1;
	*ret = c->shown.info;
	return 1;
}

void direct_vols_close(struct bp_pool *p, void *cursor)
{
	struct cursor *c = cursor;

	(void)p;
	shown_done(&c->shown);
	free(c);
}

int direct_vol_find(struct bp_pool *p, const char *vol, unsigned want, struct bp_vol_info **ret,
		    struct bp_error *err)
{
	cleanup(shown_done) struct shown shown = { 0 };
	const struct lun *lun = direct_find(p, vol, err);

	if (!lun)
		return -1;
	describe(p, lun, want, &shown);
	if (initiator_check(direct_session(p, err), err) < 0)
		return -1;
	*ret = bp_vol_info_dup(&shown.info);
	return 0;
}
