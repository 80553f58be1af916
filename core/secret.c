/* secret.c - see secret.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/access.h"
#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/base/uuid.h"
#include "xml/xml.h"

#define MOST (64u << 10)	/* bytes of a definition, or of a value; libvirt's limit */

/* /etc/libvirt/storage: /etc/libvirt/secrets. */
static char *secrets_dir(const struct bp_store *s)
{
	auto_free char *dir = bp_path_tidy(s->config_dir);

	return mem_printf("%.*s/secrets", (int)(strrchr(dir, '/') - dir), dir);
}

static int open_dir(const char *path, const char *what, struct bp_error *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return bp_fail(err, BP_NO_SECRET, "%s: there are no secrets in '%s'", what, path);
	if (fd < 0)
		return fail_access(err, errno, path, ACCESS_READ, "cannot open directory '%s'",
				   path);
	return fd;
}

/* ---- the value ------------------------------------------------------------------------ */

/* Who could read it would know it, and who could write it would choose it. */
static int check_file(int fd, const char *path, struct bp_error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return bp_fail_sys(err, errno, "cannot stat file '%s'", path);
	if (!S_ISREG(st.st_mode))
		return bp_fail(err, BP_ACCESS, "secret '%s' is no file", path);
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return bp_fail(err, BP_ACCESS, "secret '%s' belongs to somebody else (uid %u); "
			       "it must be root's or yours", path, (unsigned)st.st_uid);
	if (st.st_mode & 077)
		return bp_fail(err, BP_ACCESS, "secret '%s' can be read by others (mode %04o); "
			       "make it its owner's alone: chmod 600", path,
			       (unsigned)st.st_mode & 07777);
	if (st.st_size > MOST)
		return bp_fail(err, BP_CORRUPT, "secret '%s' has more than %u bytes", path, MOST);
	return 0;
}

static int read_hidden(int fd, const char *path, struct hidden *h, struct bp_error *err)
{
	size_t len = 0;
	ssize_t n;

	while ((n = retry(read(fd, h->text + len, h->len - len))) > 0)
		len += (size_t)n;
	if (n < 0)
		return bp_fail_sys(err, errno, "cannot read file '%s'", path);
	h->len = len;
	return 0;
}

static int read_value(int dir, const char *dir_path, const char *uuid, struct hidden *ret,
		      struct bp_error *err)
{
	auto_free char *name = mem_printf("%s.base64", uuid);
	auto_free char *path = mem_printf("%s/%s", dir_path, name);
	auto_close int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	cleanup(hidden_done) struct hidden h = { 0 };

	if (fd < 0 && errno == ENOENT)
		return bp_fail(err, BP_NO_SECRET, "secret '%s' does not have a value", uuid);
	if (fd < 0)
		return fail_access(err, errno, path, ACCESS_READ, "cannot open secret '%s'", path);
	if (check_file(fd, path, err) < 0)
		return -1;
	h = hidden_make(MOST);
	if (read_hidden(fd, path, &h, err) < 0)
		return -1;
	if (hidden_decode(&h) < 0)
		return bp_fail(err, BP_CORRUPT, "secret '%s' is not base64", path);
	*ret = h;
	h = (struct hidden){ 0 };
	return 0;
}

/* ---- which one -------------------------------------------------------------------------- */

struct found {
	char *uuid, *kind, *usage;
};

static void found_done(struct found *f)
{
	free(f->uuid);
	free(f->kind);
	free(f->usage);
}

/* What is written in the file counts, and it must be the file's own. */
static int read_definition(int dir, const char *dir_path, const char *file, struct found *ret,
			   struct bp_error *err)
{
	auto_free char *text = NULL, *path = mem_printf("%s/%s", dir_path, file);
	struct stat st;
	size_t len;

	if (fstatat(dir, file, &st, 0) == 0 && !S_ISREG(st.st_mode))
		return bp_fail(err, BP_CORRUPT, "'%s' is no file", path);
	if (file_read(dir, file, MOST, &text, &len, err) < 0 ||
	    bp_xml_parse_secret(text, len, path, &ret->uuid, &ret->kind, &ret->usage, err) < 0)
		return -1;
	if (strncmp(file, ret->uuid, strlen(ret->uuid)) != 0)
		return bp_fail(err, BP_CORRUPT, "'%s' is about secret '%s'", path, ret->uuid);
	return 0;
}

static bool is_meant(const struct found *f, const char *kind, const char *usage)
{
	return f->kind && f->usage && strcmp(f->kind, kind) == 0 && strcmp(f->usage, usage) == 0;
}

/* A definition that cannot be read is nobody's; it is told of if none other is found. */
static int find_usage(int dir, const char *dir_path, const char *kind, const char *usage,
		      char ret[UUID_TEXT], struct bp_error *err)
{
	cleanup(closedirp) DIR *d = fdopendir(fcntl(dir, F_DUPFD_CLOEXEC, 0));
	struct bp_error unreadable = { 0 };
	struct dirent *e;

	while (d && (e = readdir(d))) {
		cleanup(found_done) struct found f = { 0 };
		struct bp_error why = { 0 };

		if (!ends_with(e->d_name, ".xml"))
			continue;
		if (read_definition(dir, dir_path, e->d_name, &f, &why) < 0) {
			unreadable = unreadable.code ? unreadable : why;
		} else if (is_meant(&f, kind, usage)) {
			memcpy(ret, f.uuid, UUID_TEXT);
			return 0;
		}
	}
	return bp_fail(err, BP_NO_SECRET, "no secret with matching usage '%s'%s%s", usage,
		       unreadable.code ? ", but " : "", unreadable.text);
}

static int find_uuid(int dir, const char *dir_path, const char *uuid, char ret[UUID_TEXT],
		     struct bp_error *err)
{
	auto_free char *file = NULL;
	cleanup(found_done) struct found f = { 0 };

	if (!uuid_normalize(uuid, ret))
		return bp_fail(err, BP_INVALID, "'%s' is no UUID of a secret", uuid);
	file = mem_printf("%s.xml", ret);
	if (faccessat(dir, file, F_OK, 0) < 0 && errno == ENOENT)
		return bp_fail(err, BP_NO_SECRET, "no secret with matching uuid '%s'", ret);
	return read_definition(dir, dir_path, file, &f, err);
}

static int secret_get(void *arg, const char *kind, const char *uuid, const char *usage,
		      struct hidden *ret, struct bp_error *err)
{
	auto_free char *path = secrets_dir(arg), *what = NULL;
	auto_close int dir = -1;
	char found[UUID_TEXT];

	what = mem_printf("no secret with matching %s '%s'", uuid ? "uuid" : "usage",
			  uuid ? uuid : usage);
	dir = open_dir(path, what, err);
	if (dir < 0 ||
	    (uuid ? find_uuid(dir, path, uuid, found, err) :
		    find_usage(dir, path, kind, usage, found, err)) < 0)
		return -1;
	return read_value(dir, path, found, ret, err);
}

struct bp_secrets secrets_of(struct bp_store *s)
{
	return (struct bp_secrets){ secret_get, s };
}

/* Only what it is for is read, not its value. */
void secret_attach(struct bp_store *s, struct bp_vol_info *info)
{
	struct bp_encryption *enc = (struct bp_encryption *)info->encryption;
	struct bp_error none = { 0 };
	auto_free char *path = NULL;
	auto_close int dir = -1;
	char uuid[UUID_TEXT];

	if (!enc || enc->n_secrets || !info->path)
		return;
	path = secrets_dir(s);
	dir = open_dir(path, "volume", &none);
	if (dir >= 0 && find_usage(dir, path, "volume", info->path, uuid, &none) == 0)
		*array_add(enc->secrets, enc->n_secrets) = (struct bp_secret){
			.type = mem_dup("passphrase"), .uuid = mem_dup(uuid),
		};
}
