/* netfs_shares.c - the shares of an SMB server, by Samba's libsmbclient.
 *
 * The library brings a hundred others, waits as long as it likes and may die of what a
 * server says.  So only a child opens it, which lives as long as there is time, and what it
 * tells is looked at as if the server had said it.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <libsmbclient.h>

#include "backends/netfs.h"
#include "core/base/ask.h"
#include "core/base/cleanup.h"
#include "core/base/dl.h"
#include "core/base/mem.h"
#include "core/base/text.h"

#define MOST 65536		/* shares, of which it may tell */
#define LONGEST 320		/* bytes of the name of one: 80 characters */
#define PORT 445

static const char *const libraries[] = { "libsmbclient.so.0", NULL };

#define CALLS(CALL)				\
	CALL(smbc_new_context)			\
	CALL(smbc_init_context)			\
	CALL(smbc_setDebug)			\
	CALL(smbc_setPort)			\
	CALL(smbc_setTimeout)			\
	CALL(smbc_setOptionUseCCache)		\
	CALL(smbc_setOptionNoAutoAnonymousLogin) \
	CALL(smbc_setFunctionAuthDataWithContext) \
	CALL(smbc_getFunctionOpendir)		\
	CALL(smbc_getFunctionReaddir)

struct asking {
	const struct bp_host *host;
	struct netfs_server server;
	unsigned limit;			/* seconds */
	char *domain, *user;		/* NULL: a guest */
	struct hidden password;
#define CALL(name) __typeof__(name) *(name);
	CALLS(CALL)
#undef CALL
};

static void asking_done(struct asking *a)
{
	free(a->domain);
	free(a->user);
	hidden_done(&a->password);
}

/* ---- the child ------------------------------------------------------------------------- */

/* Whoever is called back is told by nobody for whom; set in the child, which has one. */
static const struct asking *asked;

static void authenticate(SMBCCTX *c, const char *server, const char *share, char *domain,
			 int domain_size, char *user, int user_size, char *password,
			 int password_size)
{
	(void)c, (void)server, (void)share;
	if (asked->domain)
		snprintf(domain, (size_t)domain_size, "%s", asked->domain);
	snprintf(user, (size_t)user_size, "%s", asked->user ? asked->user : "");
	snprintf(password, (size_t)password_size, "%s",
		 asked->password.text ? asked->password.text : "");
}

/* What it prints is for nobody, and what it keeps in memory for no core file. */
static void be_quiet(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	prctl(PR_SET_DUMPABLE, 0);
	if (null >= 0)
		for (int fd = 0; fd <= 2; fd++)
			(void)dup2(null, fd);
}

/* An address has colons, where the library looks for a port, and perhaps a zone. */
static char *url_of(const char *address)
{
	struct text t = { 0 };

	text_add(&t, "smb://");
	for (const char *p = address; *p; p++)
		if (*p == ':' || *p == '%')
			text_addf(&t, "%%%02X", (unsigned)*p);
		else
			text_add_n(&t, p, 1);
	text_add(&t, "/");
	return text_steal(&t);
}

static void list(const struct asking *a, SMBCCTX *c, struct text *answer)
{
	auto_free char *url = url_of(a->server.address);
	SMBCFILE *dir = a->smbc_getFunctionOpendir(c)(c, url);
	const struct smbc_dirent *e;

	if (!dir) {
		text_addf(answer, "-%d", errno);
		return;
	}
	text_add(answer, "+");
	for (size_t n = 0; n < MOST && (e = a->smbc_getFunctionReaddir(c)(c, dir)); n++)
		if (e->smbc_type == SMBC_FILE_SHARE && strnlen(e->name, LONGEST + 1) <= LONGEST)
			text_add_n(answer, e->name, strlen(e->name) + 1);
}

/* "+" and names, each with its end; "-" and the number of an error; or "!" and why the
 * library cannot be used. */
static void ask(const void *arg, struct text *answer)
{
	struct asking *a = (struct asking *)arg;
	const struct dl_call calls[] = {
#define CALL(name) { #name, (void **)&a->name },
		CALLS(CALL)
#undef CALL
	};
	struct bp_error why = { 0 };
	SMBCCTX *c;

	be_quiet();
	if (!dl_open("to list the shares of a server", libraries, calls, array_size(calls),
		     &why)) {
		text_addf(answer, "!%s", why.text);
		return;
	}
	asked = a;
	c = a->smbc_new_context();
	if (c) {
		a->smbc_setDebug(c, 0);
		a->smbc_setTimeout(c, (int)a->limit * 1000);
		a->smbc_setPort(c, (uint16_t)a->server.port);
		a->smbc_setOptionUseCCache(c, 0);
		a->smbc_setOptionNoAutoAnonymousLogin(c, a->user != NULL);
		a->smbc_setFunctionAuthDataWithContext(c, authenticate);
	}
	if (c && a->smbc_init_context(c))
		list(a, c, answer);
	else
		text_addf(answer, "-%d", errno);
}

/* ---- what it has told -------------------------------------------------------------------- */

/* A name that can be mounted, and shown.  Those with a "$" are hidden: for administrators. */
static bool is_share(const char *name, size_t len)
{
	return len && name[len - 1] != '$' && is_utf8(name) &&
	       !has_control_chars(name) && !strpbrk(name, "/\\") &&
	       strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

struct found {
	struct bp_pool_source *sources;
	size_t n;
};

static void add_share(struct found *f, const struct bp_host *from, const char *name)
{
	struct bp_pool_source *src = array_add(f->sources, f->n);
	struct bp_host *host = array_add(src->hosts, src->n_hosts);

	host->name = mem_dup(from->name);
	host->port = from->port;
	src->dir = mem_dup(name);
	src->format = mem_dup("cifs");
}

static int no_shares(const struct asking *a, int sys, struct bp_error *err)
{
	const char *host = a->host->name, *user = a->user ? a->user : "guests";

	if (sys == EACCES || sys == EPERM)
		return bp_fail(err, BP_FAILED, "server '%s' does not tell %s%s%s its shares: %s",
			       host, a->user ? "'" : "", user, a->user ? "'" : "", a->user ?
			       "the name or the secret is wrong, or that is not allowed" :
			       "give a name and a secret by <auth> in the XML of the source");
	if (sys == ETIMEDOUT)
		return bp_fail(err, BP_FAILED, "server not responding: '%s' has not told for %u "
			       "seconds what it shares", host, a->limit);
	return bp_fail(err, BP_FAILED, "server '%s' does not tell what it shares: %s", host,
		       sys ? strerror(sys) : "libsmbclient has died of what it said");
}

/* The answer has one NUL more than it tells. */
static int read_answer(const struct asking *a, const struct text *answer, struct found *ret,
		       struct bp_error *err)
{
	const char *p = answer->len ? answer->s : "", *end = p + answer->len;
	uint64_t sys = 0;

	if (!answer->len || *p == '-')
		return no_shares(a, answer->len && parse_number(p + 1, 10, &sys) ? (int)sys : 0,
				 err);
	if (*p++ != '+')
		return bp_fail(err, BP_UNSUPPORTED, "%s", p);
	for (; p < end; p += strlen(p) + 1)
		if (is_share(p, strlen(p)))
			add_share(ret, a->host, p);
	if (ret->n)
		return 0;
	return bp_fail(err, BP_FAILED, "no storage pools were found on host '%s'", a->host->name);
}

/* ---- who asks ---------------------------------------------------------------------------- */

/* "DOMAIN\USER", or a user of the server's own.  The library has room for 255 bytes each. */
static int get_user(struct asking *a, const struct bp_auth *auth, struct bp_error *err)
{
	const char *user = strchr(auth->username, '\\');

	if (user)
		a->domain = mem_dup_n(auth->username, (size_t)(user - auth->username));
	a->user = mem_dup(user ? user + 1 : auth->username);
	if (*a->user && strlen(auth->username) < 256)
		return 0;
	return bp_fail(err, BP_CONFIG, "'%s' is no name of a user", auth->username);
}

static int get_auth(struct asking *a, const struct bp_auth *auth,
		    const struct bp_secrets *secrets, struct bp_error *err)
{
	if (!auth)
		return 0;
	if (auth->type && strcmp(auth->type, "chap") != 0)
		return bp_fail(err, BP_XML, "%s pool only supports 'chap' auth type", "netfs");
	if (get_user(a, auth, err) < 0)
		return -1;
	if (!secrets->get)
		return bp_fail(err, BP_NO_SECRET, "there are no secrets without a store");
	if (secrets->get(secrets->arg, auth->secret_type ? auth->secret_type : "iscsi",
			 auth->secret_uuid, auth->secret_usage, &a->password, err) < 0)
		return -1;
	if (a->password.len < 256 && strlen(a->password.text) == a->password.len)
		return 0;
	return bp_fail(err, BP_CONFIG, "the secret of user '%s' has more than 255 bytes, or a NUL "
		       "among them", auth->username);
}

static int by_dir(const void *a, const void *b)
{
	return strcmp(((const struct bp_pool_source *)a)->dir,
		      ((const struct bp_pool_source *)b)->dir);
}

int netfs_shares_find(const struct bp_pool_source *hint, unsigned limit,
		      const struct bp_secrets *secrets, struct bp_pool_source **ret,
		      size_t *ret_n, struct bp_error *err)
{
	cleanup(asking_done) struct asking a = { .host = &hint->hosts[0], .limit = limit };
	cleanup(text_done) struct text answer = { 0 };
	int64_t until = clock_ms() + limit * INT64_C(1000);
	struct found found = { 0 };

	if (get_auth(&a, hint->auth, secrets, err) < 0 ||
	    netfs_server_find(a.host->name, a.host->port ? a.host->port : PORT, NETFS_TAKES, limit,
			      &a.server, err) < 0)
		return -1;
	if (ask_child(ask, &a, until, &answer) < 0)
		return errno == ETIMEDOUT ? no_shares(&a, ETIMEDOUT, err) :
		       bp_fail_sys(err, errno, "cannot start a child to ask server '%s'",
				   a.host->name);
	if (read_answer(&a, &answer, &found, err) < 0)
		return -1;
	qsort(found.sources, found.n, sizeof *found.sources, by_dir);
	*ret = found.sources;
	*ret_n = found.n;
	return 0;
}
