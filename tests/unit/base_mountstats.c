/* base_mountstats.c - how many replies have come to a mount, as the kernel tells it. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/base/mountstats.h"
#include "tests/tap.h"

static const char table[] =
	"device proc mounted on /proc with fstype proc\n"
	"device 127.0.0.1:/exp mounted on /mnt/a\\040b with fstype nfs4 statvers=1.1\n"
	"\topts:\trw,vers=4.2\n"
	"\tRPC iostats version: 1.1  p/v: 100003/4 (nfs)\n"
	"\txprt:\ttcp 0 0 19 0 0 21 22 0 21 0 2 0 0\n"
	"\txprt:\ttcp 0 0 19 0 0 21 100 0 21 0 2 0 0\n"
	"\tper-op statistics\n"
	"\t        NULL: 1 1 0 44 24 0 0 0 0\n"
	"device 127.0.0.2:/exp mounted on /mnt/b with fstype nfs statvers=1.1\n"
	"\txprt:\tudp 700 1 5 4 0 5 0 2 0 0\n"
	"device tmpfs mounted on /mnt/c with fstype tmpfs\n"
	"device 127.0.0.3:/exp mounted on /mnt/b with fstype nfs statvers=1.1\n"
	"\txprt:\tlocal 1 1 0 0 8 7 0 8 0 2 0 0\n"
	"device 127.0.0.3:/short mounted on /mnt/d with fstype nfs statvers=1.1\n"
	"\txprt:\ttcp 0 0 19\n"
	"\txprt:\tnew 1 2 3 4 5 6 7 8 9\n"
	"\txprt:\n"
	"device nothing";

static uint64_t replies(const char *target)
{
	auto_free char *text = mem_dup(table);
	uint64_t n = 0;

	return mountstats_find(text, target, &n) ? n : UINT64_MAX;
}

TEST(replies_over_all_connections_of_a_mount_are_counted)
{
	SAME_N(replies("/mnt/a b"), 122);
}

TEST(of_two_mounts_in_one_place_it_is_the_later_one)
{
	SAME_N(replies("/mnt/b"), 7);
}

TEST(what_is_not_understood_counts_nothing)
{
	SAME_N(replies("/mnt/d"), 0);
}

TEST(of_what_is_no_mount_of_nfs_nothing_is_known)
{
	CHECK(replies("/proc") == UINT64_MAX);
	CHECK(replies("/mnt/c") == UINT64_MAX);
	CHECK(replies("/mnt") == UINT64_MAX);
	CHECK(replies("") == UINT64_MAX);
}
