/* initiator_login.c - how a session with a target begins and ends. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backends/initiator_session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/base/resolve.h"
#include "core/base/text.h"

#define PORT 3260
#define MOST_WAYS 8		/* that a server may send us elsewhere */
#define BYE 1000		/* ms for it to answer our last words */

/* CHAP's texts, as the library and the standard have them. */
#define MOST_SECRET 255

char *initiator_portal_of(const struct bp_host *host)
{
	bool bare = strchr(host->name, ':') && *host->name != '[';

	return mem_printf("%s%s%s:%u", bare ? "[" : "", host->name, bare ? "]" : "",
			  host->port ? host->port : PORT);
}

int initiator_secret(const char *type, const struct bp_secrets *secrets,
		     const struct bp_auth *auth, struct hidden *ret, struct bp_error *err)
{
	if (auth->type && strcmp(auth->type, "chap") != 0)
		return bp_fail(err, BP_XML, "%s pool only supports 'chap' auth type", type);
	if (!secrets->get)
		return bp_fail(err, BP_NO_SECRET, "there are no secrets here");
	return secrets->get(secrets->arg, "iscsi", auth->secret_uuid, auth->secret_usage, ret,
			    err);
}

/* ---- steps ------------------------------------------------------------------------------ */

static void set_stepped(struct iscsi_context *ctx, int status, void *data, void *arg)
{
	struct initiator *in = arg;

	(void)ctx;
	(void)data;
	in->stepped = true;
	in->step_status = status;
}

static bool has_stepped(const void *arg)
{
	return ((const struct initiator *)arg)->stepped;
}

static int wait_step(struct initiator *in, struct bp_error *err)
{
	in->heard = clock_ms();
	return initiator_wait(in, has_stepped, in, err);
}

/* ---- one portal --------------------------------------------------------------------------- */

static int new_context(struct initiator *in, const struct initiator_to *to, struct bp_error *err)
{
	if (in->ctx)
		iscsi_destroy_context(in->ctx);
	in->lost = in->silent = in->stepped = false;
	in->sys = 0;
	in->ctx = iscsi_create_context(to->initiator);
	if (!in->ctx)
		return bp_fail(err, BP_INTERNAL, "libiscsi takes no initiator '%s'", to->initiator);
	iscsi_set_noautoreconnect(in->ctx, 1);
	iscsi_set_header_digest(in->ctx, ISCSI_HEADER_DIGEST_NONE_CRC32C);
	iscsi_set_session_type(in->ctx, to->target ? ISCSI_SESSION_NORMAL :
			       ISCSI_SESSION_DISCOVERY);
	if (to->target)
		iscsi_set_targetname(in->ctx, to->target);
	return 0;
}

static int tcp_connect(struct initiator *in, const char *address, struct bp_error *err)
{
	struct bp_error why = { 0 };

	errno = 0;
	if (iscsi_connect_async(in->ctx, address, set_stepped, in) < 0)
		return errno ? bp_fail_sys(err, errno, "cannot connect to '%s'", in->portal) :
			       bp_fail(err, BP_SYSTEM, "cannot connect to '%s': %s", in->portal,
				       iscsi_get_error(in->ctx));
	if (wait_step(in, &why) < 0 && in->silent) {
		*err = why;
		return -1;
	}
	if (why.code || in->step_status)
		return bp_fail_sys(err, in->sys ? in->sys : ECONNREFUSED, "cannot connect to '%s'",
				   in->portal);
	return 0;
}

/* The library keeps its own copies, where a core file would have them. */
static void give_secrets(struct initiator *in, const struct initiator_to *to)
{
	if (!to->user)
		return;
	hidden_hide(in->ctx);
	iscsi_set_initiator_username_pwd(in->ctx, to->user, to->secret->text);
	if (to->peer)
		iscsi_set_target_username_pwd(in->ctx, to->peer, to->peer_secret->text);
}

static void take_secrets(struct initiator *in, const struct initiator_to *to)
{
	if (!to->user)
		return;
	iscsi_set_initiator_username_pwd(in->ctx, to->user, "");
	if (to->peer)
		iscsi_set_target_username_pwd(in->ctx, to->peer, "");
	hidden_show(in->ctx);
}

/* In the library's words there is the class of the refusal (RFC 7143, 11.13.5). */
static int refused(struct initiator *in, const struct initiator_to *to, const char *said,
		   struct bp_error *err)
{
	if (strstr(said, "Target not found") || strstr(said, "(515)"))
		return bp_fail(err, BP_FAILED, "'%s' has no target '%s'", in->portal, to->target);
	if (to->peer && strstr(said, "CHAP_R"))
		return bp_fail(err, BP_ACCESS, "target '%s' at '%s' does not prove that it knows "
			       "the secret of '%s'", to->target, in->portal, to->peer);
	if (to->user && strstr(said, "uthentication failure"))
		return bp_fail(err, BP_ACCESS, "'%s' refuses user '%s': the name or the secret is "
			       "not the one it knows", in->portal, to->user);
	if (strstr(said, "uthentication failure") || strstr(said, "uthorization failure"))
		return bp_fail(err, BP_ACCESS, "'%s' does not let initiator '%s' in%s",
			       in->portal, to->initiator,
			       to->user ? "" : " without a user and a secret (CHAP)");
	return bp_fail(err, BP_FAILED, "'%s' refuses the login%s%s%s: %s", in->portal,
		       to->target ? " to target '" : "", to->target ? to->target : "",
		       to->target ? "'" : "", said);
}

/* 1 when the server sends us elsewhere. */
static int login(struct initiator *in, const struct initiator_to *to, struct bp_error *err)
{
	int r;

	in->stepped = false;
	give_secrets(in, to);
	r = iscsi_login_async(in->ctx, set_stepped, in);
	r = r < 0 ? bp_fail(err, BP_INTERNAL, "libiscsi cannot log in") : wait_step(in, err);
	take_secrets(in, to);
	if (r < 0 && !in->silent && err->code != BP_INTERNAL) {
		*err = (struct bp_error){ 0 };
		return bp_fail(err, BP_FAILED, "'%s' ends the connection while we log in",
			       in->portal);
	}
	if (r < 0)
		return -1;
	if (in->step_status == SCSI_STATUS_REDIRECT && *iscsi_get_target_address(in->ctx))
		return 1;
	if (in->step_status)
		return refused(in, to, iscsi_get_error(in->ctx), err);
	in->logged_in = true;
	return 0;
}

/* One address, and wherever it sends us. */
static int try_address(struct initiator *in, const struct initiator_to *to, const char *first,
		       struct bp_error *err)
{
	auto_free char *address = mem_dup(first);
	int r = 1;

	for (int ways = 0; r > 0; ways++) {
		if (ways == MOST_WAYS)
			return bp_fail(err, BP_FAILED, "'%s' sends us from one portal to the next",
				       in->portal);
		if (new_context(in, to, err) < 0 || tcp_connect(in, address, err) < 0)
			return -1;
		r = login(in, to, err);
		if (r > 0)
			mem_set(&address, iscsi_get_target_address(in->ctx));
	}
	return r;
}

static int try_host(struct initiator *in, const struct initiator_to *to,
		    const struct bp_host *host, struct bp_error *err)
{
	int64_t until = clock_ms() + in->wait_ms;
	char **addresses = NULL;
	size_t n = 0;
	int r = -1;

	free(in->portal);
	in->portal = initiator_portal_of(host);
	if (resolve_host(host->name, until, &addresses, &n, err) < 0)
		return -1;
	for (size_t i = 0; r < 0 && i < n; i++) {
		struct bp_host at = { addresses[i], host->port };
		auto_free char *address = initiator_portal_of(&at);
		int64_t left = until - clock_ms();

		*err = (struct bp_error){ 0 };
		in->wait_ms = left > 0 ? left / (int64_t)(n - i) : 1;
		r = try_address(in, to, address, err);
	}
	resolved_free(addresses, n);
	return r;
}

/* ---- all of them --------------------------------------------------------------------------- */

/* A secret that no login can carry would be cut off in silence. */
static int check_secret(const char *user, const struct hidden *secret, struct bp_error *err)
{
	if (!user)
		return 0;
	if (!secret->len || strlen(secret->text) != secret->len)
		return bp_fail(err, BP_CONFIG, "the secret of user '%s' is %s, and no secret for "
			       "CHAP", user, secret->len ? "no text" : "empty");
	if (secret->len >= MOST_SECRET || strlen(user) >= MOST_SECRET)
		return bp_fail(err, BP_CONFIG, "the name or the secret of user '%.40s' is longer "
			       "than %d bytes, which CHAP here cannot use", user, MOST_SECRET - 1);
	return 0;
}

/* The name is wherever libiscsi has room for it. */
static int check_names(const struct initiator_to *to, struct bp_error *err)
{
	if (strlen(to->initiator) > 223 || (to->target && strlen(to->target) > 223))
		return bp_fail(err, BP_CONFIG, "the name of an initiator or a target has 223 bytes "
			       "at the most");
	return 0;
}

static int try_all(struct initiator *in, const struct initiator_to *to, struct bp_error *err)
{
	int64_t until = clock_ms() + to->limit * 1000LL;
	cleanup(text_done) struct text all = { 0 };
	struct bp_error why = { 0 };

	for (size_t i = 0; i < to->n_hosts; i++) {
		int64_t left = until - clock_ms();

		why = (struct bp_error){ 0 };
		in->wait_ms = left > 0 ? left / (int64_t)(to->n_hosts - i) : 1;
		if (try_host(in, to, &to->hosts[i], &why) == 0) {
			in->wait_ms = to->limit * 1000LL;
			return 0;
		}
		text_addf(&all, "%s%s", i ? "; " : "", why.text);
	}
	bp_fail(err, why.code, "%s: %s", to->who, all.s);
	err->sys = why.sys;
	return -1;
}

int initiator_open(const struct initiator_to *to, struct initiator **ret, struct bp_error *err)
{
	struct initiator *in;

	if (check_secret(to->user, to->secret, err) < 0 ||
	    check_secret(to->peer, to->peer_secret, err) < 0 || check_names(to, err) < 0)
		return -1;
	in = mem_alloc(sizeof *in);
	if (try_all(in, to, err) < 0) {
		initiator_close(in);
		return -1;
	}
	in->who = mem_dup(to->who);
	*ret = in;
	return 0;
}

const char *initiator_portal(const struct initiator *in)
{
	return in->portal;
}

static void log_out(struct initiator *in)
{
	struct bp_error ignored = { 0 };

	in->stepped = false;
	in->wait_ms = BYE;
	in->patient = false;
	if (iscsi_logout_async(in->ctx, set_stepped, in) == 0)
		(void)wait_step(in, &ignored);
}

void initiator_close(struct initiator *in)
{
	if (!in)
		return;
	if (in->ctx && in->logged_in && !in->lost && !in->n_busy)
		log_out(in);
	in->lost = true;
	if (in->ctx)
		iscsi_destroy_context(in->ctx);
	free(in->again);
	free(in->who);
	free(in->portal);
	free(in);
}

/* ---- what there is -------------------------------------------------------------------------- */

struct discovery {
	struct initiator *in;
	struct bp_pool_source *sources;
	size_t n;
	const char *problem;
};

static bool is_fit(const char *name)
{
	return name && *name && strlen(name) <= 223 && is_utf8(name) && !has_control_chars(name);
}

static void take_targets(struct iscsi_context *ctx, int status, void *data, void *arg)
{
	struct discovery *d = arg;

	for (struct iscsi_discovery_address *a = status ? NULL : data; a; a = a->next) {
		struct bp_pool_source *src;

		if (!is_fit(a->target_name))
			continue;
		src = array_add(d->sources, d->n);
		array_add(src->devices, src->n_devices)->path = mem_dup(a->target_name);
	}
	set_stepped(ctx, status, NULL, d->in);
}

static int discover(struct initiator *in, struct bp_pool_source **ret, size_t *ret_n,
		    struct bp_error *err)
{
	struct discovery d = { .in = in };
	int r;

	in->stepped = false;
	if (iscsi_discovery_async(in->ctx, take_targets, &d) < 0)
		return bp_fail(err, BP_INTERNAL, "libiscsi cannot ask for targets");
	r = wait_step(in, err);
	if (r == 0 && in->step_status)
		r = bp_fail(err, BP_FAILED, "%s: '%s' does not tell its targets: %s", in->who,
			    in->portal, iscsi_get_error(in->ctx));
	if (r < 0) {
		for (size_t i = 0; i < d.n; i++)
			bp_pool_source_done(&d.sources[i]);
		free(d.sources);
		return -1;
	}
	*ret = d.sources;
	*ret_n = d.n;
	return 0;
}

static int by_target(const void *a, const void *b)
{
	return strcmp(((const struct bp_pool_source *)a)->devices[0].path,
		      ((const struct bp_pool_source *)b)->devices[0].path);
}

int initiator_check_hint(const struct bp_pool_source *hint, struct bp_error *err)
{
	if (!hint || !hint->n_hosts)
		return bp_fail(err, BP_INVALID, "hostname must be specified for iscsi sources");
	if (hint->n_hosts > 1)
		return bp_fail(err, BP_INTERNAL, "Expected exactly 1 host for the storage pool");
	return 0;
}

int initiator_find(const char *type, const char *initiator, const struct bp_pool_source *hint,
		   unsigned limit, const struct bp_secrets *secrets, struct bp_pool_source **ret,
		   size_t *ret_n, struct bp_error *err)
{
	cleanup(hidden_done) struct hidden secret = { 0 };
	const struct initiator_to to = {
		.who = type, .hosts = hint->hosts, .n_hosts = 1, .initiator = initiator,
		.user = hint->auth ? hint->auth->username : NULL, .secret = &secret,
		.limit = limit,
	};
	struct initiator *in = NULL;
	int r;

	if ((hint->auth && initiator_secret(type, secrets, hint->auth, &secret, err) < 0) ||
	    initiator_open(&to, &in, err) < 0)
		return -1;
	r = discover(in, ret, ret_n, err);
	initiator_close(in);
	if (r < 0)
		return -1;
	for (size_t i = 0; i < *ret_n; i++) {
		struct bp_pool_source *src = &(*ret)[i];

		*array_add(src->hosts, src->n_hosts) = (struct bp_host){
			mem_dup(hint->hosts[0].name), hint->hosts[0].port,
		};
		src->initiator = mem_dup(hint->initiator);
	}
	if (*ret_n)
		qsort(*ret, *ret_n, sizeof **ret, by_target);
	return 0;
}
