/* volume_data.c - vol-* commands that change a volume, and that move its bytes. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/groups.h"
#include "cli/progress.h"
#include "core/base/cleanup.h"
#include "core/base/device.h"
#include "core/base/file.h"
#include "core/base/mem.h"

#define VOL_ROW								\
	{ "vol", OPT_STRING, ROW_REQUIRED, AT(vol), "vol name, key or path", COMPLETE_VOL }
#define POOL_ROW { "pool", OPT_STRING, 0, AT(pool), "pool name or uuid", COMPLETE_POOL }
#define FORCE_ROW							\
	{ "force", OPT_FLAG, ROW_OURS, AT(force), "even if somebody uses the volume", \
	  COMPLETE_NOTHING }

/* ---- vol-delete --------------------------------------------------------- */

struct del {
	const char *vol, *pool;
	bool snapshots, force, force_backing;
};

static const struct option_row delete_options[] = {
#define AT(m) offsetof(struct del, m)
	VOL_ROW,
	POOL_ROW,
	{ "delete-snapshots", OPT_FLAG, 0, AT(snapshots),
	  "delete snapshots associated with volume (must be supported by storage driver)",
	  COMPLETE_NOTHING },
	FORCE_ROW,
	FORCE_BACKING_ROW,
	{ NULL }
#undef AT
};

/* The file with the data of a volume, or NULL: its own. */
static char *data_elsewhere(struct cli *cli, const char *pool, const char *vol)
{
	cleanup(bp_vol_info_freep) struct bp_vol_info *info = NULL;
	struct bp_error ignored = { 0 };

	if (bp_vol_info(cli->store, pool, vol, BP_VOL_FORMAT, &info, &ignored) < 0 ||
	    !info->data_store)
		return NULL;
	return mem_dup(info->data_store->path);
}

/* Whoever deletes or replaces an image does not always know that its data are elsewhere. */
static void warn_of_data(struct cli *cli, const char *vol, const char *data)
{
	auto_free char *stays = NULL;

	if (data)
		stays = mem_printf("the data of vol %s are still there, in '%s'", vol, data);
	cli_warn(cli, stays);
}

static int vol_delete(struct cli *cli, const void *args, struct bp_error *err)
{
	const struct del *a = args;
	unsigned flags = (a->snapshots ? BP_VOL_SNAPSHOTS : 0) |
			 force_flags(a->force, a->force_backing);
	auto_free char *pool = NULL, *vol = NULL, *data = NULL;

	if (vol_lookup(cli, a->pool, a->vol, "pool", &pool, &vol, err) < 0)
		return -1;
	if (bp_vol_delete_told(cli->store, pool, vol, flags, &data, err) < 0) {
		hint_force(cli, err);
		return cli_failed(cli, "Failed to delete vol %s", a->vol);
	}
	cli_done(cli, "Vol %s deleted", a->vol);
	warn_of_data(cli, vol, data);
	return 0;
}

const struct command cmd_vol_delete = {
	"vol-delete", "delete a vol",
	"Delete a given vol.",
	"vol-delete disk1 default",
	delete_options, sizeof(struct del), vol_delete, COMMAND_FIRST, NULL
};

/* ---- vol-resize --------------------------------------------------------- */

struct resize {
	const char *vol, *pool;
	struct cli_size capacity;
	bool allocate, delta, shrink, force, force_backing;
};

static const struct option_row resize_options[] = {
#define AT(m) offsetof(struct resize, m)
	VOL_ROW,
	{ "capacity", OPT_SIZE, ROW_REQUIRED | ROW_SIGNED, AT(capacity),
	  "new capacity for the vol, as scaled integer (default bytes)", COMPLETE_NOTHING },
	POOL_ROW,
	{ "allocate", OPT_FLAG, 0, AT(allocate),
	  "allocate the new capacity, rather than leaving it sparse", COMPLETE_NOTHING },
	{ "delta", OPT_FLAG, 0, AT(delta),
	  "use capacity as a delta to current size, rather than the new size", COMPLETE_NOTHING },
	{ "shrink", OPT_FLAG, 0, AT(shrink), "allow the resize to shrink the volume",
	  COMPLETE_NOTHING },
	FORCE_ROW,
	FORCE_BACKING_ROW,
	{ NULL }
#undef AT
};

static int vol_resize(struct cli *cli, const void *args, struct bp_error *err)
{
	const struct resize *a = args;
	bool more = !cli->virsh && *a->capacity.text == '+';	/* of which virsh knows nothing */
	bool delta = a->delta || a->capacity.negative || more;
	unsigned flags = (a->allocate ? BP_VOL_ALLOCATE : 0) | (delta ? BP_VOL_DELTA : 0) |
			 (a->shrink ? BP_VOL_SHRINK : 0) |
			 force_flags(a->force, a->force_backing);
	const char *how = delta ? "by" : "to";
	auto_free char *pool = NULL, *vol = NULL;

	if (vol_lookup(cli, a->pool, a->vol, "pool", &pool, &vol, err) < 0)
		return -1;
	if (a->capacity.negative && !a->shrink)
		return cli_failed(cli, "negative size requires --shrink");
	if (bp_vol_resize(cli->store, pool, vol, a->capacity.bytes, flags, err) < 0) {
		hint_force(cli, err);
		return cli_failed(cli, "Failed to change size of volume '%s' %s %s",
				  vol, how, a->capacity.text);
	}
	cli_done(cli, "Size of volume '%s' successfully changed %s %s", vol, how, a->capacity.text);
	return 0;
}

const struct command cmd_vol_resize = {
	"vol-resize", "resize a vol",
	"Resizes a storage volume. This is safe only for storage volumes not in use by an active "
	"guest.\nSee blockresize for live resizing.",
	"vol-resize disk1 20G default",
	resize_options, sizeof(struct resize), vol_resize, 0, NULL
};

/* ---- vol-wipe ----------------------------------------------------------- */

struct wipe {
	const char *vol, *pool, *algorithm;
	bool force, force_backing;
	struct progress_wish wish;
};

static const struct option_row wipe_options[] = {
#define AT(m) offsetof(struct wipe, m)
	VOL_ROW,
	POOL_ROW,
	{ "algorithm", OPT_STRING, 0, AT(algorithm), "perform selected wiping algorithm",
	  COMPLETE_WIPE },
	FORCE_ROW,
	FORCE_BACKING_ROW,
	PROGRESS_ROWS,
	{ NULL }
#undef AT
};

static int vol_wipe(struct cli *cli, const void *args, struct bp_error *err)
{
	const struct wipe *a = args;
	int algorithm = a->algorithm ? bp_wipe_find(a->algorithm) : BP_WIPE_ZERO;
	cleanup(progress_end) struct progress progress = { .cli = cli };
	auto_free char *pool = NULL, *vol = NULL;

	if (progress_wanted(&progress, &a->wish) < 0 ||
	    vol_lookup(cli, a->pool, a->vol, "pool", &pool, &vol, err) < 0)
		return -1;
	if (algorithm < 0)
		return cli_failed(cli, "Unsupported algorithm '%s'", a->algorithm);
	if (bp_vol_wipe(cli->store, pool, vol, (enum bp_wipe)algorithm,
			force_flags(a->force, a->force_backing), progress_begin(&progress),
			err) < 0) {
		hint_force(cli, err);
		return cli_failed(cli, "Failed to wipe vol %s", a->vol);
	}
	progress_end(&progress);
	cli_done(cli, "Vol %s wiped", a->vol);
	return 0;
}

const struct command cmd_vol_wipe = {
	"vol-wipe", "wipe a vol",
	"Ensure data previously on a volume is not accessible to future reads",
	"vol-wipe disk1 default",
	wipe_options, sizeof(struct wipe), vol_wipe, 0, NULL
};

/* ---- vol-upload, vol-download ------------------------------------------- */

struct transfer {
	const char *vol, *file, *pool;
	struct cli_number offset, length;
	bool sparse, verify, resume, force, force_backing;
	struct progress_wish wish;
};

#define AT(m) offsetof(struct transfer, m)
#define TRANSFER_ROWS(offset_help, length_help)				\
	VOL_ROW,							\
	{ "file", OPT_STRING, ROW_REQUIRED, AT(file), "file", COMPLETE_FILE }, \
	POOL_ROW,							\
	{ "offset", OPT_NUMBER, 0, AT(offset), offset_help, COMPLETE_NOTHING }, \
	{ "length", OPT_NUMBER, ROW_SIGNED, AT(length), length_help, COMPLETE_NOTHING }, \
	{ "sparse", OPT_FLAG, 0, AT(sparse), "preserve sparseness of volume", COMPLETE_NOTHING }, \
	VERIFY_ROW,							\
	{ "resume", OPT_FLAG, ROW_OURS, AT(resume),			\
	  "write only what is not there yet; keep it if interrupted", COMPLETE_NOTHING }, \
	PROGRESS_ROWS

static const struct option_row upload_options[] = {
	TRANSFER_ROWS("volume offset to upload to", "amount of data to upload"),
	FORCE_ROW,
	FORCE_BACKING_ROW,
	{ NULL }
};

static const struct option_row download_options[] = {
	TRANSFER_ROWS("volume offset to download from", "amount of data to download"),
	{ NULL }
};
#undef AT

static unsigned transfer_flags(const struct transfer *a)
{
	return (a->sparse ? BP_VOL_SPARSE : 0) | (a->verify ? BP_VOL_VERIFY : 0) |
	       (a->resume ? BP_VOL_RESUME : 0) | force_flags(a->force, a->force_backing);
}

static void hint_resume(struct cli *cli, const struct transfer *a, const struct progress *p)
{
	if (a->resume && p->moved)
		cli_hint(cli, "the same command goes on where this one stopped");
}

/* A transfer is of the bytes of one file: of such an image those are its tables only. */
static void warn_of_tables(struct cli *cli, const char *what, const char *vol, const char *data,
			   const char *done)
{
	auto_free char *tables = NULL;

	if (data)
		tables = mem_printf("'%s' has only the tables of vol %s: its data are in '%s', "
				    "which has to be %s, too", what, vol, data, done);
	cli_warn(cli, tables);
}

static int vol_upload(struct cli *cli, const void *args, struct bp_error *err)
{
	const struct transfer *a = args;
	cleanup(progress_end) struct progress progress = { .cli = cli };
	auto_free char *pool = NULL, *vol = NULL, *before = NULL, *data = NULL;
	auto_close int fd = -1;

	if (progress_wanted(&progress, &a->wish) < 0 ||
	    vol_lookup(cli, a->pool, a->vol, "pool", &pool, &vol, err) < 0)
		return -1;
	fd = retry(open(a->file, O_RDONLY | O_CLOEXEC | O_NOCTTY));
	if (fd < 0) {
		cli_hint(cli, "%s", strerror(errno));
		return cli_failed(cli, "cannot read %s", a->file);
	}
	before = data_elsewhere(cli, pool, vol);
	if (bp_vol_write(cli->store, pool, vol, fd, a->offset.value, a->length.value,
			 transfer_flags(a), progress_begin(&progress), err) < 0) {
		hint_force(cli, err);
		hint_resume(cli, a, &progress);
		return cli_failed(cli, progress.moved ? "cannot send data to volume %s" :
				  "cannot upload to volume %s", vol);
	}
	progress_end(&progress);
	if (cli->format == FORMAT_JSON)
		cli_done(cli, "Vol %s uploaded", vol);
	data = data_elsewhere(cli, pool, vol);
	if (data)
		warn_of_tables(cli, a->file, vol, data, "uploaded");
	else
		warn_of_data(cli, vol, before);
	return 0;
}

/* Emptied for its own bytes, a volume would lose them all. */
static int refuse_itself(struct cli *cli, const char *pool, const char *vol, const char *file,
			 struct bp_error *err)
{
	cleanup(bp_vol_info_freep) struct bp_vol_info *info = NULL;
	struct stat from, to;

	if (bp_vol_info(cli->store, pool, vol, BP_VOL_PATH, &info, err) < 0)
		return -1;
	if (stat(info->path, &from) < 0 || stat(file, &to) < 0 || !device_same_file(&from, &to))
		return 0;
	return bp_fail(err, BP_INVALID, "'%s' is the volume itself", file);
}

/* A file that was there before is never removed. */
static int create_file(const struct transfer *a, bool *ret_made)
{
	int flags = (a->verify || a->resume ? O_RDWR : O_WRONLY) | O_CLOEXEC | O_NOCTTY;
	int fd = retry(open(a->file, flags | O_CREAT | O_EXCL, 0666));

	*ret_made = fd >= 0;
	if (fd < 0 && errno == EEXIST)
		fd = retry(open(a->file, flags));
	return fd;
}

static int vol_download(struct cli *cli, const void *args, struct bp_error *err)
{
	const struct transfer *a = args;
	cleanup(progress_end) struct progress progress = { .cli = cli };
	auto_free char *pool = NULL, *vol = NULL, *data = NULL;
	bool made;
	int fd, result;

	if (progress_wanted(&progress, &a->wish) < 0 ||
	    vol_lookup(cli, a->pool, a->vol, "pool", &pool, &vol, err) < 0)
		return -1;
	if (refuse_itself(cli, pool, vol, a->file, err) < 0)
		return cli_failed(cli, "cannot download from volume %s", vol);
	fflush(stdout);		/* the file may be /dev/stdout */
	fd = create_file(a, &made);
	if (fd < 0) {
		cli_hint(cli, "%s", strerror(errno));
		return cli_failed(cli, "cannot create %s", a->file);
	}
	result = bp_vol_read(cli->store, pool, vol, fd, a->offset.value, a->length.value,
			     transfer_flags(a) | (a->resume ? 0 : BP_VOL_EMPTY),
			     progress_begin(&progress), err);
	if (result < 0) {
		hint_resume(cli, a, &progress);
		cli_failed(cli, progress.moved ? "cannot receive data from volume %s" :
			   "cannot download from volume %s", vol);
	}
	if (close(fd) < 0 && result == 0) {
		bp_fail_sys(err, errno, "%s", a->file);
		result = cli_failed(cli, "cannot close file %s", a->file);
	}
	if (result < 0 && made && !(a->resume && progress.moved))
		(void)unlink(a->file);
	progress_end(&progress);
	if (result == 0 && cli->format == FORMAT_JSON)
		cli_done(cli, "Vol %s downloaded", vol);
	data = result == 0 ? data_elsewhere(cli, pool, vol) : NULL;
	warn_of_tables(cli, a->file, vol, data, "downloaded");
	return result;
}

const struct command cmd_vol_upload = {
	"vol-upload", "upload file contents to a volume",
	"Upload file contents to a volume",
	"vol-upload disk1 disk1.img default",
	upload_options, sizeof(struct transfer), vol_upload, COMMAND_FIRST, NULL
};

const struct command cmd_vol_download = {
	"vol-download", "download volume contents to a file",
	"Download volume contents to a file",
	"vol-download disk1 backup.img default",
	download_options, sizeof(struct transfer), vol_download, 0, NULL
};
