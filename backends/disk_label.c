/* disk_label.c - kinds of partition tables, and the types their partitions have. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>
#include <strings.h>

#include "backends/disk.h"
#include "core/base/mem.h"

/* libfdisk loses what a dos table has beyond 60; how many a GPT has, it says itself. */
static const struct disk_label labels[] = {
	{ "dos",  "dos", "dos", 60 },
	{ "gpt",  "gpt", "gpt", 128 },
	{ "bsd",  "bsd", "bsd", 8 },
	{ "sun",  "sun", "sun", 8 },
	{ "dvh",  "sgi", "sgi", 16 },
	{ "mac",  "mac", NULL, 0 },
	{ "pc98", "pc98", NULL, 0 },
	{ "lvm2", "LVM2_member", NULL, 0 },
};

static const struct disk_label other = { "unknown", NULL, NULL, 0 };

const struct disk_label *disk_label_of_format(const char *format)
{
	for (size_t i = 0; i < array_size(labels); i++)
		if (strcmp(labels[i].format, format) == 0)
			return &labels[i];
	return NULL;
}

const struct disk_label *disk_label_of_blkid(const char *word)
{
	for (size_t i = 0; i < array_size(labels); i++)
		if (strcmp(labels[i].blkid, word) == 0)
			return &labels[i];
	return &other;
}

bool disk_is_dos(const struct disk_label *label)
{
	return label == &labels[0];
}

bool disk_is_gpt(const struct disk_label *label)
{
	return label == &labels[1];
}

bool disk_is_bsd(const struct disk_label *label)
{
	return label == &labels[2];
}

/* A volume's format, and its type in tables: the first number is what we make. */
static const struct {
	const char *format, *gpt;
	unsigned char dos[4], bsd;
	bool elsewhere;			/* sun and dvh have dos's first number, too */
} types[] = {
	{ "linux", "0FC63DAF-8483-4772-8E79-3D69D8477DE4", { 0x83 }, 0x0a, true },
	{ "linux-swap", "0657FD6D-A4AB-43C4-84E5-0933C84B4F4F", { 0x82 }, 0x01, true },
	{ "linux-lvm", "E6D6D379-F507-44C2-A23C-238F2A3DF928", { 0x8e }, 0, true },
	{ "linux-raid", "A19D880F-05FC-4D3B-A006-743F0F84911E", { 0xfd }, 0, true },
	{ "fat32", "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7", { 0x0c, 0x0b }, 0x08, false },
	{ "fat16", "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7", { 0x0e, 0x06, 0x04 }, 0x08, false },
	{ "extended", NULL, { 0x0f, 0x05, 0x85 }, 0, false },
};

const char *disk_format_of_code(const struct disk_label *label, int code)
{
	bool bsd = disk_is_bsd(label);

	for (size_t i = 0; i < array_size(types); i++)
		for (size_t j = 0; j < sizeof types[i].dos; j++)
			if (code && (bsd ? types[i].bsd : types[i].dos[j]) == code)
				return types[i].format;
	return "none";
}

const char *disk_format_of_guid(const char *guid)
{
	for (size_t i = 0; guid && i < array_size(types); i++)
		if (types[i].gpt && strcasecmp(types[i].gpt, guid) == 0)
			return types[i].format;
	return "none";
}

static const char *hex(unsigned code)
{
	static const char *const words[] = {
		[0x01] = "1", [0x08] = "8", [0x0a] = "a", [0x0c] = "c", [0x0e] = "e", [0x0f] = "f",
		[0x82] = "82", [0x83] = "83", [0x8e] = "8e", [0xfd] = "fd",
	};

	return code < array_size(words) ? words[code] : NULL;
}

const char *disk_type_of_format(const struct disk_label *label, const char *format)
{
	if (strcmp(format, "none") == 0)
		format = "linux";
	for (size_t i = 0; i < array_size(types); i++) {
		if (strcmp(types[i].format, format) != 0)
			continue;
		if (disk_is_gpt(label))
			return types[i].gpt;
		if (disk_is_bsd(label))
			return hex(types[i].bsd);
		return disk_is_dos(label) || types[i].elsewhere ? hex(types[i].dos[0]) : NULL;
	}
	return NULL;
}
