/* netfs_user_open.c - a file on a server is opened. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "backends/netfs_user_bytes.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"

/* By version 4 who has opened a file twice has it open once for the server: what is told to
 * one is no good to the other from then on.  So whoever opens it again here shares it. */
struct user_file {
	struct nfsfh *file;
	struct user_file *next;
	struct as_user who;
	unsigned users;
	int access;
	char path[];
};

static struct user_file *find_open(struct user *u, const char *path, int flags)
{
	struct user_file *f = u->files;

	while (f && (strcmp(f->path, path) != 0 ||
		     (f->access != O_RDWR && f->access != (flags & O_ACCMODE))))
		f = f->next;
	return flags & O_CREAT ? NULL : f;
}

static void add_open(struct user *u, const char *path, int flags, struct nfsfh *file)
{
	size_t len = strlen(path) + 1;
	struct user_file *f;

	if (u->version != 4)
		return;
	f = mem_alloc(sizeof *f + len);
	*f = (struct user_file){
		.file = file, .next = u->files, .who = u->who, .users = 1,
		.access = flags & O_ACCMODE,
	};
	memcpy(f->path, path, len);
	u->files = f;
}

bool user_file_release(struct user *u, struct nfsfh *file)
{
	struct user_file **at = &u->files, *f;

	while ((f = *at) && f->file != file)
		at = &f->next;
	if (!f)
		return true;
	if (--f->users)
		return false;
	*at = f->next;
	free(f);
	return true;
}

struct opening {
	const char *path;
	int flags;
	struct nfsfh *file;
};

static int open_file(struct user *u, void *arg)
{
	struct opening *o = arg;
	struct user_reply reply = { 0 };
	int r = o->flags & O_CREAT ?
		user_call(u, &reply, nfs_create_async, o->path, o->flags, 0600) :
		user_call(u, &reply, nfs_open_async, o->path, o->flags);

	o->file = reply.data;
	return r;
}

/* Refused for writing: is it everybody who is?  Where anybody may write it is no use to give
 * a file the name that it has. */
static void look_who(struct user *u, const struct opening *o)
{
	struct user_reply reply = { 0 };
	int sys = errno;

	if (sys == EACCES && o->flags & O_RDWR && !user_is_lost(u))
		(void)user_call(u, &reply, nfs_link_async, o->path, o->path);
	if (errno != EROFS)
		errno = sys;
}

/* Open, or open already.  NULL and errno. */
static struct bp_io *open_io(struct user *u, const char *name, const char *shown,
			     struct opening *o)
{
	struct user_file *there = find_open(u, o->path, o->flags);

	if (there) {
		there->users++;
		user_be(u, &there->who);
		return &user_io_make(u, there->file, shown)->io;
	}
	if (user_do(u, o->flags & O_CREAT ? NULL : name, open_file, o) < 0) {
		look_who(u, o);
		return NULL;
	}
	add_open(u, o->path, o->flags, o->file);
	return &user_io_make(u, o->file, shown)->io;
}

int user_io_open_late(struct user_io *f)
{
	auto_free char *path = user_path(f->late);
	struct opening o = { path, O_RDONLY | O_NOFOLLOW, NULL };
	struct user_file *there = find_open(f->u, path, o.flags);

	if (there) {
		there->users++;
		f->file = there->file;
		f->who = there->who;
		return 0;
	}
	if (user_do(f->u, f->late, open_file, &o) < 0)
		return -1;
	add_open(f->u, path, o.flags, o.file);
	f->file = o.file;
	f->who = f->u->who;
	return 0;
}

int user_io_open(struct bp_pool *p, const char *name, const char *shown, int flags,
		 struct bp_io **ret, struct bp_error *err)
{
	struct user *u = user_of(p);
	auto_free char *path = user_path(name);
	struct opening o = { path, flags | O_NOFOLLOW, NULL };
	cleanup(io_closep) struct bp_io *io = open_io(u, name, shown, &o);
	struct nfs_stat_64 st;
	struct user_reply reply = { .into = &st, .size = sizeof st };

	if (!io)
		return user_fail(u, err, flags & O_CREAT ? "Failed to create file '%s'" :
				 "cannot open volume '%s'", shown);
	if (user_call(u, &reply, nfs_fstat64_async, user_io_of(io)->file) < 0)
		return user_fail(u, err, "cannot stat volume '%s'", shown);
	if (!S_ISREG(st.nfs_mode))
		return bp_fail(err, BP_UNSUPPORTED, "volume '%s' is no file and has no bytes",
			       name);
	user_io_of(io)->size = st.nfs_size;
	*ret = steal(io);
	return 0;
}

/* Owner and rights, as who has made it. */
bool user_set_perms(struct bp_io *io, const struct bp_perms *perms)
{
	struct user_io *f = user_io_of(io);
	struct user *u = f->u;
	struct user_reply owner = { 0 }, mode = { 0 };
	struct nfs_stat_64 st;
	struct user_reply now = { .into = &st, .size = sizeof st };
	uid_t uid;
	gid_t gid;

	user_be(u, &f->who);
	if (user_call(u, &now, nfs_fstat64_async, f->file) < 0)
		return false;
	uid = perms->has_uid ? perms->uid : (uid_t)st.nfs_uid;
	gid = perms->has_gid ? perms->gid : (gid_t)st.nfs_gid;
	if ((uid != st.nfs_uid || gid != st.nfs_gid) &&
	    user_call(u, &owner, nfs_fchown_async, f->file, (int)uid, (int)gid) < 0)
		return false;
	return !perms->has_mode || (st.nfs_mode & 07777) == perms->mode ||
	       user_call(u, &mode, nfs_fchmod_async, f->file, (int)perms->mode) >= 0;
}
