/* luks_make.c - see luks_make.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/image/luks_make.h"

#include <errno.h>
#include <inttypes.h>
#include <libcryptsetup.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/dl.h"
#include "core/base/file.h"
#include "core/base/mem.h"

#define ROOM	(4u << 20)	/* for a header: they have 2 MiB with the longest keys */
#define SECTOR	512u

/* What is called of the library. */
#define CALLS(CALL)			\
	CALL(crypt_init)		\
	CALL(crypt_free)		\
	CALL(crypt_set_log_callback)	\
	CALL(crypt_format)		\
	CALL(crypt_keyslot_add_by_volume_key) \
	CALL(crypt_get_data_offset)

struct luks {
	void *dl;
#define CALL(name) __typeof__(name) *(name);
	CALLS(CALL)
#undef CALL
	struct crypt_device *cd;
	int fd;				/* memory that the header is written to */
	char why[256];			/* what the library said last */
};

static void luks_done(struct luks *l)
{
	if (l->cd)
		l->crypt_free(l->cd);
	closep(&l->fd);
	/* the library stays: it has registered what runs when the program ends */
}

static int open_library(struct luks *l, struct bp_error *err)
{
	static const char *const files[] = { "libcryptsetup.so.12", NULL };
	const struct dl_call calls[] = {
#define CALL(name) { #name, (void **)&l->name },
		CALLS(CALL)
#undef CALL
	};

	l->dl = dl_open("to make an encrypted volume", files, calls, array_size(calls), err);
	return l->dl ? 0 : -1;
}

static void note(int level, const char *msg, void *arg)
{
	struct luks *l = arg;

	if (level == CRYPT_LOG_ERROR)
		snprintf(l->why, sizeof l->why, "%.*s", (int)strcspn(msg, "\n"), msg);
}

static int open_memory(struct luks *l, struct bp_error *err)
{
	char path[32];
	int r;

	l->fd = memfd_create("luks", MFD_CLOEXEC);
	if (l->fd < 0 || ftruncate(l->fd, ROOM) < 0)
		return bp_fail_sys(err, errno, "cannot take memory for a LUKS header");
	snprintf(path, sizeof path, "/proc/self/fd/%d", l->fd);
	r = l->crypt_init(&l->cd, path);
	if (r < 0)
		return bp_fail_sys(err, -r, "cannot make a LUKS header in memory");
	l->crypt_set_log_callback(l->cd, note, l);
	return 0;
}

/* "xts", "plain64": as one word; essiv has a hash of its own. */
static char *cipher_mode(const struct bp_encryption *enc)
{
	const char *iv = enc->ivgen ? enc->ivgen : "plain64";

	return mem_printf("%s-%s%s%s", enc->cipher_mode ? enc->cipher_mode : "xts", iv,
			  enc->ivgen_hash ? ":" : "", enc->ivgen_hash ? enc->ivgen_hash : "");
}

/* The size of a cipher is that of one of the two keys that xts has. */
static size_t key_bytes(const struct bp_encryption *enc)
{
	size_t bytes = (enc->cipher_size ? enc->cipher_size : 256) / 8;

	return !enc->cipher_mode || strcmp(enc->cipher_mode, "xts") == 0 ? 2 * bytes : bytes;
}

static int format(struct luks *l, const struct bp_encryption *enc, const char *passphrase,
		  size_t passphrase_len, struct bp_error *err)
{
	struct crypt_params_luks1 params = {
		.hash = enc->cipher_hash ? enc->cipher_hash : "sha256",
	};
	const char *cipher = enc->cipher ? enc->cipher : "aes";
	auto_free char *mode = cipher_mode(enc);
	int r = l->crypt_format(l->cd, CRYPT_LUKS1, cipher, mode, NULL, NULL, key_bytes(enc),
				&params);

	if (r >= 0)
		r = l->crypt_keyslot_add_by_volume_key(l->cd, CRYPT_ANY_SLOT, NULL, 0, passphrase,
						       passphrase_len);
	if (r >= 0)
		return 0;
	/* it knows few ciphers itself; for others it would need device-mapper */
	return bp_fail(err, BP_FAILED, "cannot make a LUKS header with cipher %s-%s, %u bits, and "
		       "hash %s: %s", cipher, mode, enc->cipher_size ? enc->cipher_size : 256,
		       params.hash, *l->why ? l->why : strerror(-r));
}

int luks_header(const struct bp_encryption *enc, const char *passphrase, size_t passphrase_len,
		unsigned char **ret, size_t *ret_len, struct bp_error *err)
{
	cleanup(luks_done) struct luks l = { .fd = -1 };
	auto_free unsigned char *header = NULL;
	uint64_t len;

	if (open_library(&l, err) < 0 || open_memory(&l, err) < 0 ||
	    format(&l, enc, passphrase, passphrase_len, err) < 0)
		return -1;
	len = l.crypt_get_data_offset(l.cd) * SECTOR;
	if (!len || len > ROOM)
		return bp_fail(err, BP_FAILED, "cannot make a LUKS header: it would have %" PRIu64
			       " bytes", len);
	header = mem_alloc((size_t)len);
	if (retry(pread(l.fd, header, (size_t)len, 0)) != (ssize_t)len)
		return bp_fail_sys(err, errno, "cannot read back a LUKS header");
	*ret = steal(header);
	*ret_len = (size_t)len;
	return 0;
}
