/* logical_settings.c - what LVM's files say, told without LVM; what is not plain is taken for the
 * worse. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "backends/logical_lvm.h"
#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "tests/tap.h"

static void settings(const char *name, const char *text)
{
	struct bp_error err = { 0 };
	auto_close int dir = open(tap_dir(), O_RDONLY | O_DIRECTORY);

	setenv("LVM_SYSTEM_DIR", tap_dir(), 1);
	if (file_replace(dir, name, text, strlen(text), 0600, &err) < 0)
		tap_failed(__FILE__, __LINE__, err.text);
}

static bool is_told(const char *key, const char *value, bool is_default)
{
	const struct lvm_setting one = { key, value, is_default };

	return lvm_is_told(&one, 1);
}

static bool says_0(const char *text)
{
	settings("lvm.conf", text);
	return is_told("udev_sync", "0", false);
}

TEST(a_setting_is_what_the_lines_that_count_say)
{
	CHECK(says_0("activation {\n\tudev_sync = 0\n}\n"));
	CHECK(says_0("activation/udev_sync=0"));
	CHECK(says_0("activation { monitoring = 1 udev_sync=0 udev_rules=0 }\n"));
	CHECK(says_0("# udev_sync = 1\nudev_sync = 0 # not 1\n"));
	CHECK(says_0("my_udev_sync = 1\nudev_sync_more = 1\nudev_sync = 0\n"));
	CHECK(!says_0("activation {\n\tudev_sync = 1\n}\n"));
	CHECK(!says_0("udev_sync = 0\nudev_sync = 1\n"));
	CHECK(!says_0("udev_sync = 01\n"));
	CHECK(!says_0("# udev_sync = 0\n"));
	CHECK(!says_0("udev_sync\n= 0\n"));
	CHECK(!says_0("udev_sync"));
	CHECK(!says_0(""));
}

TEST(what_no_line_says_is_as_it_was)
{
	settings("lvm.conf", "# locking_dir = \"/x\"\n\t# wait_for_locks = 0\n");
	CHECK(is_told("external_device_info_source", "\"none\"", true));
	CHECK(!lvm_mentions("locking_dir") && is_told("wait_for_locks", NULL, true));
	settings("lvm.conf", "global {\n\tlocking_dir = \"/x\"\n}\n");
	CHECK(lvm_mentions("locking_dir") && !is_told("locking_dir", NULL, true));
}

TEST(all_of_its_files_count)
{
	settings("lvm.conf", "udev_sync = 0\n");
	settings("lvmlocal.conf", "local { host_id = 1 }\n");
	CHECK(is_told("udev_sync", "0", false));
	settings("lvm_tag.conf", "activation { udev_sync = 1 }\n");
	CHECK(!is_told("udev_sync", "0", false));
	CHECK(is_told("host_id", "1", false));
}

TEST(several_have_to_be_so)
{
	static const struct lvm_setting two[] = { { "a", "0", true }, { "b", "1", false } };

	settings("lvm.conf", "a = 0\nb = 1\n");
	CHECK(lvm_is_told(two, 2));
	settings("lvm.conf", "a = 1\nb = 1\n");
	CHECK(!lvm_is_told(two, 2));
	settings("lvm.conf", "a = 0\n");
	CHECK(lvm_is_told(two, 1) && !lvm_is_told(two, 2));
}

TEST(without_any_nothing_is_said)
{
	setenv("LVM_SYSTEM_DIR", "/nonexistent", 1);
	CHECK(!lvm_mentions("udev_sync"));
	CHECK(!is_told("udev_sync", "0", false));
	CHECK(is_told("udev_sync", "0", true));
}
