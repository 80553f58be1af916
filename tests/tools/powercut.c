/* powercut.c - a disk that notes what is written and when it is flushed, and what a power cut
 * would have left of it.
 *
 *	powercut serve DISK LOG DIR		DISK is DIR/disk, until DIR is unmounted
 *	powercut import DEVICE LOG		LOG of what the kernel's dm-log-writes has noted on
 *						DEVICE; prints its marks: "SIZE NAME"
 *	powercut points LOG FROM TO		where the power may go, one a line: "N PART"
 *	powercut cut LOG FROM TO N PART DISK	DISK, as it was at FROM, as that leaves it
 *
 * FROM and TO are sizes of the log at two moments.  What was written before the
 * N-th flush after FROM is on the disk.  Of what was written between that and the
 * next flush, or TO, PART is there: "none", "all", or half of its sectors, the "first"
 * or the "second" ones.  The last N is how many flushes there are: TO has come.
 *
 * It speaks the kernel's FUSE protocol itself, and needs root.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { FILE_NODE = FUSE_ROOT_ID + 1, MAX_WRITE = 128 << 10, SECTOR = 512 };

/* One entry of the log; the bytes follow.  A flush has none. */
struct entry {
	uint64_t at;
	uint64_t len;		/* 0: a flush */
};

static const char *const parts[] = { "none", "first", "second", "all" };
enum part { NONE, FIRST, SECOND, ALL, PARTS };

static void fail(const char *what)
{
	fprintf(stderr, "powercut: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void must(bool good, const char *what)
{
	if (!good)
		fail(what);
}

/* ---- the disk -------------------------------------------------------------------- */

struct server {
	int fuse, disk, log;
	uint64_t size;
};

static void note(const struct server *s, uint64_t at, const void *bytes, size_t len)
{
	struct entry e = { at, len };
	struct iovec v[] = { { &e, sizeof e }, { (void *)bytes, len } };

	must(writev(s->log, v, 2) == (ssize_t)(sizeof e + len), "log");
}

static void answer(const struct server *s, const struct fuse_in_header *in, int sys,
		   const void *bytes, size_t len)
{
	struct fuse_out_header out = { .len = (uint32_t)(sizeof out + len), .error = -sys,
				       .unique = in->unique };
	struct iovec v[] = { { &out, sizeof out }, { (void *)bytes, len } };

	/* a request that was interrupted waits for no answer */
	must(writev(s->fuse, v, 2) >= 0 || errno == ENOENT, "answer");
}

static struct fuse_attr attributes(const struct server *s, uint64_t node)
{
	bool dir = node == FUSE_ROOT_ID;

	return (struct fuse_attr){
		.ino = node, .size = dir ? 0 : s->size, .blocks = dir ? 0 : s->size / SECTOR,
		.mode = dir ? S_IFDIR | 0700 : S_IFREG | 0600, .nlink = 1, .blksize = 4096,
	};
}

static void do_init(const struct server *s, const struct fuse_in_header *in)
{
	struct fuse_init_out out = {
		.major = FUSE_KERNEL_VERSION, .minor = FUSE_KERNEL_MINOR_VERSION,
		.max_readahead = MAX_WRITE, .max_write = MAX_WRITE, .time_gran = 1,
		.flags = FUSE_BIG_WRITES, .max_background = 64, .congestion_threshold = 48,
	};

	answer(s, in, 0, &out, sizeof out);
}

static void do_lookup(const struct server *s, const struct fuse_in_header *in, const char *name)
{
	struct fuse_entry_out out = {
		.nodeid = FILE_NODE, .entry_valid = 3600, .attr_valid = 3600,
		.attr = attributes(s, FILE_NODE),
	};

	if (strcmp(name, "disk") == 0)
		answer(s, in, 0, &out, sizeof out);
	else
		answer(s, in, ENOENT, NULL, 0);
}

static void do_getattr(const struct server *s, const struct fuse_in_header *in)
{
	struct fuse_attr_out out = { .attr_valid = 3600, .attr = attributes(s, in->nodeid) };

	answer(s, in, 0, &out, sizeof out);
}

/* Nothing of it is kept by the kernel, so that what is written is seen here at once. */
static void do_open(const struct server *s, const struct fuse_in_header *in)
{
	struct fuse_open_out out = { .open_flags = FOPEN_DIRECT_IO };

	answer(s, in, 0, &out, sizeof out);
}

static void do_read(const struct server *s, const struct fuse_in_header *in,
		    const struct fuse_read_in *arg)
{
	static char bytes[MAX_WRITE];
	size_t len = arg->size < sizeof bytes ? arg->size : sizeof bytes;
	ssize_t n = pread(s->disk, bytes, len, (off_t)arg->offset);

	answer(s, in, n < 0 ? errno : 0, bytes, n < 0 ? 0 : (size_t)n);
}

static void do_write(const struct server *s, const struct fuse_in_header *in,
		     const struct fuse_write_in *arg)
{
	const char *bytes = (const char *)(arg + 1);
	struct fuse_write_out out = { .size = arg->size };

	must(pwrite(s->disk, bytes, arg->size, (off_t)arg->offset) == (ssize_t)arg->size, "disk");
	note(s, arg->offset, bytes, arg->size);
	answer(s, in, 0, &out, sizeof out);
}

static void do_request(const struct server *s, const struct fuse_in_header *in)
{
	const void *arg = in + 1;

	switch (in->opcode) {
	case FUSE_INIT:		do_init(s, in); break;
	case FUSE_LOOKUP:	do_lookup(s, in, arg); break;
	case FUSE_GETATTR:	do_getattr(s, in); break;
	case FUSE_OPEN:		do_open(s, in); break;
	case FUSE_READ:		do_read(s, in, arg); break;
	case FUSE_WRITE:	do_write(s, in, arg); break;
	case FUSE_FSYNC:	note(s, 0, NULL, 0); answer(s, in, 0, NULL, 0); break;
	case FUSE_FLUSH:
	case FUSE_RELEASE:
	case FUSE_DESTROY:	answer(s, in, 0, NULL, 0); break;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:	break;
	default:		answer(s, in, ENOSYS, NULL, 0);
	}
}

static void run(const struct server *s)
{
	static char request[MAX_WRITE + 4096];

	for (;;) {
		ssize_t n = read(s->fuse, request, sizeof request);

		if (n < 0 && errno == ENODEV)	/* unmounted */
			exit(0);
		if (n < 0 && (errno == EINTR || errno == EAGAIN || errno == ENOENT))
			continue;
		must(n >= (ssize_t)sizeof(struct fuse_in_header), "request");
		do_request(s, (const void *)request);
	}
}

static void serve(const char *disk, const char *log, const char *dir)
{
	struct server s = {
		.fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC),
		.disk = open(disk, O_RDWR | O_CLOEXEC),
		.log = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600),
	};
	char options[100];
	struct stat st;
	pid_t pid;

	must(s.fuse >= 0, "/dev/fuse");
	must(s.disk >= 0 && fstat(s.disk, &st) == 0, disk);
	must(s.log >= 0, log);
	s.size = (uint64_t)st.st_size;
	snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0", s.fuse);
	must(mount("powercut", dir, "fuse", MS_NOSUID | MS_NODEV, options) == 0, dir);
	pid = fork();
	must(pid >= 0, "fork");
	if (pid)
		_exit(0);
	/* whoever waits for the end of our output need not wait for the disk's */
	must(freopen("/dev/null", "w", stdout) != NULL, "/dev/null");
	run(&s);
}

/* ---- the kernel's log ------------------------------------------------------------------ */

/* Every entry begins a sector, and so do the bytes that follow it.  What is discarded
 * has none; a mark's name is in the sector of the entry. */
enum { KERNEL_FLUSH = 1, KERNEL_FUA = 2, KERNEL_DISCARD = 4, KERNEL_MARK = 8 };
static const uint64_t kernel_magic = 0x6a736677736872;

struct kernel_super {
	uint64_t magic, version, n;
	uint32_t sector;
};
struct kernel_entry {
	uint64_t sector, n_sectors, flags, name_len;
};

static void flush(const struct server *s)
{
	note(s, 0, NULL, 0);
}

static uint64_t import_entry(const struct server *s, uint64_t at, uint32_t sector)
{
	char head[4096], *bytes;
	struct kernel_entry e;
	size_t len;

	must(sector <= sizeof head && pread(s->disk, head, sector, (off_t)at) == (ssize_t)sector,
	     "entry");
	memcpy(&e, head, sizeof e);
	if (e.flags & KERNEL_MARK)
		printf("%jd %.*s\n", (intmax_t)lseek(s->log, 0, SEEK_END), (int)e.name_len,
		       head + sizeof e);
	at += sector;
	if (e.flags & KERNEL_FLUSH)
		flush(s);
	if (e.flags & (KERNEL_MARK | KERNEL_DISCARD) || !e.n_sectors)
		return at;
	len = e.n_sectors * sector;
	bytes = malloc(len);
	must(bytes && pread(s->disk, bytes, len, (off_t)at) == (ssize_t)len, "bytes");
	note(s, e.sector * sector, bytes, len);
	free(bytes);
	/* what was written and not flushed before the kernel notes later */
	if (e.flags & KERNEL_FUA)
		flush(s);
	return at + len;
}

static void import(const char *device, const char *log)
{
	struct server s = {
		.disk = open(device, O_RDONLY | O_CLOEXEC),
		.log = open(log, O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600),
	};
	struct kernel_super super;
	uint64_t at;

	must(s.disk >= 0, device);
	must(s.log >= 0, log);
	must(pread(s.disk, &super, sizeof super, 0) == sizeof super, device);
	errno = EINVAL;
	must(super.magic == kernel_magic && super.version == 1, device);
	at = super.sector;
	while (super.n--)
		at = import_entry(&s, at, super.sector);
}

/* ---- what is left of it ------------------------------------------------------------- */

struct log {
	char *bytes;
	size_t from, to;
};

static struct log log_read(const char *name, const char *from, const char *to)
{
	struct log l = { .from = strtoul(from, NULL, 10), .to = strtoul(to, NULL, 10) };
	int fd = open(name, O_RDONLY | O_CLOEXEC);

	l.bytes = malloc(l.to - l.from + 1);
	must(fd >= 0 && l.bytes &&
	     pread(fd, l.bytes, l.to - l.from, (off_t)l.from) == (ssize_t)(l.to - l.from), name);
	close(fd);
	return l;
}

static bool next(const struct log *l, size_t *at, struct entry *ret, const char **ret_bytes)
{
	if (l->from + *at >= l->to)
		return false;
	memcpy(ret, l->bytes + *at, sizeof *ret);
	*ret_bytes = l->bytes + *at + sizeof *ret;
	*at += sizeof *ret + ret->len;
	return true;
}

/* How many sectors are written from there up to the next flush.  False: none follows. */
static bool count(const struct log *l, size_t *at, uint64_t *ret_sectors)
{
	const char *bytes;
	struct entry e;

	*ret_sectors = 0;
	while (next(l, at, &e, &bytes)) {
		if (!e.len)
			return true;
		*ret_sectors += e.len / SECTOR;
	}
	return false;
}

static void points(const struct log *l)
{
	uint64_t sectors;
	size_t at = 0;
	bool more = true;

	for (unsigned n = 0; more; n++) {
		more = count(l, &at, &sectors);
		if (sectors || n == 0 || !more)
			printf("%u none\n", n);
		for (int p = FIRST; sectors > 1 && p <= SECOND; p++)
			printf("%u %s\n", n, parts[p]);
		if (sectors && !more)	/* else it is "none" of the next */
			printf("%u %s\n", n, parts[ALL]);
	}
}

static bool stays(enum part part, uint64_t sector, uint64_t of)
{
	switch (part) {
	case FIRST:	return sector < of / 2;
	case SECOND:	return sector >= of / 2;
	case ALL:	return true;
	default:	return false;
	}
}

static void cut(const struct log *l, unsigned flushes, enum part part, const char *disk)
{
	int fd = open(disk, O_WRONLY | O_CLOEXEC);
	uint64_t of = 0, sector = 0;
	size_t at = 0, ahead;
	const char *bytes;
	struct entry e;

	must(fd >= 0, disk);
	if (flushes == 0)
		(void)count(l, &(size_t){ 0 }, &of);
	while (next(l, &at, &e, &bytes)) {
		if (flushes) {
			must(pwrite(fd, bytes, e.len, (off_t)e.at) == (ssize_t)e.len, disk);
			if (!e.len && --flushes == 0) {
				ahead = at;
				(void)count(l, &ahead, &of);
			}
			continue;
		}
		if (!e.len)
			break;
		for (uint64_t i = 0; i < e.len; i += SECTOR, sector++)
			if (stays(part, sector, of))
				must(pwrite(fd, bytes + i, SECTOR, (off_t)(e.at + i)) == SECTOR,
				     disk);
	}
	close(fd);
}

int main(int argc, char **argv)
{
	struct log l;
	int part = 0;

	if (argc == 5 && strcmp(argv[1], "serve") == 0)
		serve(argv[2], argv[3], argv[4]);
	if (argc == 4 && strcmp(argv[1], "import") == 0) {
		import(argv[2], argv[3]);
		return 0;
	}
	if (argc == 5 && strcmp(argv[1], "points") == 0) {
		l = log_read(argv[2], argv[3], argv[4]);
		points(&l);
		free(l.bytes);
		return 0;
	}
	while (argc == 8 && part < PARTS && strcmp(argv[6], parts[part]) != 0)
		part++;
	if (argc != 8 || strcmp(argv[1], "cut") != 0 || part == PARTS) {
		fprintf(stderr, "usage: powercut serve|import|points|cut ...\n");
		return 1;
	}
	l = log_read(argv[2], argv[3], argv[4]);
	cut(&l, (unsigned)strtoul(argv[5], NULL, 10), (enum part)part, argv[7]);
	free(l.bytes);
	return 0;
}
