/* disk_library.h - what disk_fdisk.c calls in libfdisk.
 *
 * Reading needs none of it, so it is opened when something is changed
 * (disk_opened.c); a static command has it linked (disk_linked.c).
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_BACKENDS_DISK_LIBRARY_H
#define BP_BACKENDS_DISK_LIBRARY_H

#include <libfdisk/libfdisk.h>

#include "core/base/error.h"

#define FDISK_CALLS(CALL)		\
	CALL(add_partition)		\
	CALL(ask_get_type)		\
	CALL(ask_print_get_mesg)	\
	CALL(ask_yesno_set_result)	\
	CALL(assign_device_by_fd)	\
	CALL(create_disklabel)		\
	CALL(deassign_device)		\
	CALL(delete_partition)		\
	CALL(disable_dialogs)		\
	CALL(enable_listonly)		\
	CALL(free_iter)			\
	CALL(get_devfd)			\
	CALL(get_label)			\
	CALL(get_partition)		\
	CALL(get_partitions)		\
	CALL(get_sector_size)		\
	CALL(has_label)			\
	CALL(is_labeltype)		\
	CALL(label_parse_parttype)	\
	CALL(label_set_changed)		\
	CALL(new_context)		\
	CALL(new_iter)			\
	CALL(new_partition)		\
	CALL(partition_get_partno)	\
	CALL(partition_get_size)	\
	CALL(partition_get_start)	\
	CALL(partition_get_type)	\
	CALL(partition_has_size)	\
	CALL(partition_has_start)	\
	CALL(partition_is_container)	\
	CALL(partition_is_nested)	\
	CALL(partition_is_wholedisk)	\
	CALL(partition_set_name)	\
	CALL(partition_set_partno)	\
	CALL(partition_set_size)	\
	CALL(partition_set_start)	\
	CALL(partition_set_type)	\
	CALL(partition_size_explicit)	\
	CALL(parttype_get_code)		\
	CALL(save_user_sector_size)	\
	CALL(set_ask)			\
	CALL(set_first_lba)		\
	CALL(set_partition)		\
	CALL(table_next_partition)	\
	CALL(unref_context)		\
	CALL(unref_partition)		\
	CALL(unref_parttype)		\
	CALL(unref_table)		\
	CALL(write_disklabel)

struct disk_library {
	void *dl;
#define CALL(name) __typeof__(fdisk_##name) *(name);
	FDISK_CALLS(CALL)
#undef CALL
};

int disk_library_open(struct disk_library *l, struct bp_error *err);
void disk_library_done(struct disk_library *l);

#endif
