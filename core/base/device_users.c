/* device_users.c - see device_users.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/base/device_users.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "core/base/cleanup.h"
#include "core/base/device.h"
#include "core/base/mem.h"
#include "core/base/mountinfo.h"
#include "core/base/process.h"
#include "core/base/text.h"

static struct device_user *add(struct device_users *u, dev_t dev, char *text)
{
	struct device_user *user = array_add(u->users, u->n);

	user->dev = dev;
	user->text = text;
	return user;
}

/* whose: a process that sees the mount where we do not, or NULL. */
static void add_mount(struct device_users *u, dev_t dev, const struct mount *m, const char *whose)
{
	struct device_user *user;

	if (device_user_of(u, dev))
		return;
	user = add(u, dev, mem_printf("mounted on '%s'%s%s", m->point, whose ? " for " : "",
				      whose ? whose : ""));
	user->type = mem_dup(m->type);
	if (!whose)
		user->mount = mem_dup(m->point);
}

static void add_table(struct device_users *u, const char *file, const char *whose)
{
	char *text = sysfs_read(AT_FDCWD, file);
	cleanup(mountinfo_done) struct mountinfo table = { text, text };
	struct mount m;

	while (mountinfo_next(&table, &m)) {
		cleanup(device_parts_done) struct device_parts all = { 0 };

		if (*m.source != '/' && !major(m.dev))
			continue;
		all = device_siblings(mount_device(&m));
		for (size_t i = 0; i < all.n; i++)
			add_mount(u, all.devs[i], &m, whose);
	}
}

/* Containers have mounts of their own: the first process of each is asked. */
static void add_mounts_elsewhere(struct device_users *u)
{
	cleanup(closedirp) DIR *proc = opendir("/proc");
	cleanup(device_parts_done) struct device_parts seen = { 0 };
	struct dirent *e;
	struct stat st;

	if (stat("/proc/self/ns/mnt", &st) == 0)
		*array_add(seen.devs, seen.n) = st.st_ino;
	while (proc && (e = readdir(proc))) {
		auto_free char *ns = mem_printf("/proc/%s/ns/mnt", e->d_name);
		auto_free char *file = NULL, *whose = NULL;

		if (*e->d_name < '1' || *e->d_name > '9' || stat(ns, &st) < 0 ||
		    device_parts_have(&seen, st.st_ino))
			continue;
		*array_add(seen.devs, seen.n) = st.st_ino;
		file = mem_printf("/proc/%s/mountinfo", e->d_name);
		whose = process_text(dirfd(proc), e->d_name);
		add_table(u, file, whose);
	}
}

static void add_swaps(struct device_users *u)
{
	auto_free char *text = sysfs_read(AT_FDCWD, "/proc/swaps");
	char *rest = text, *line;
	struct stat st;

	while ((line = strsep(&rest, "\n"))) {
		line[strcspn(line, " \t")] = '\0';
		if (*line == '/' && stat(mountinfo_unescape(line), &st) == 0 && S_ISBLK(st.st_mode))
			add(u, st.st_rdev, mem_dup("swap"));
	}
}

/* A device below a loop device is known by the name it was attached by. */
static void add_loop(struct device_users *u, int sys, const char *name)
{
	auto_free char *file = mem_printf("%s/loop/backing_file", name);
	auto_free char *backing = sysfs_line(sys, file);
	struct stat st;

	if (backing && stat(backing, &st) == 0 && S_ISBLK(st.st_mode))
		add(u, st.st_rdev, mem_printf("attached to /dev/%s", name));
}

static void add_slaves(struct device_users *u, int sys, const char *name)
{
	auto_free char *file = mem_printf("%s/dm/name", name), *mapped = sysfs_line(sys, file);
	struct device_parts slaves = device_slaves(sysfs_device(sys, name));

	for (size_t i = 0; i < slaves.n; i++)
		add(u, slaves.devs[i],
		    mapped ? mem_printf("part of %s (%s)", name, mapped) :
			     mem_printf("part of %s", name));
	device_parts_done(&slaves);
}

static void add_devices(struct device_users *u)
{
	cleanup(closedirp) DIR *sys = opendir("/sys/block");
	struct dirent *e;

	while (sys && (e = readdir(sys))) {
		if (starts_with(e->d_name, "loop"))
			add_loop(u, dirfd(sys), e->d_name);
		else if (*e->d_name != '.')
			add_slaves(u, dirfd(sys), e->d_name);
	}
}

struct device_users device_users(void)
{
	struct device_users u = { 0 };

	add_table(&u, "/proc/self/mountinfo", NULL);
	add_mounts_elsewhere(&u);
	add_swaps(&u);
	add_devices(&u);
	return u;
}

void device_users_done(struct device_users *u)
{
	for (size_t i = 0; i < u->n; i++) {
		free(u->users[i].text);
		free(u->users[i].mount);
		free(u->users[i].type);
	}
	free(u->users);
}

const struct device_user *device_user_of(const struct device_users *u, dev_t dev)
{
	for (size_t i = 0; i < u->n; i++)
		if (u->users[i].dev == dev)
			return &u->users[i];
	return NULL;
}
