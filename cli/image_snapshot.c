/* image_snapshot.c - image snapshot: those inside an image. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/image_read.h"
#include "cli/image_text.h"

struct snapshot {
	struct image_args common;
	const char *format;
	struct image_letter deed;
	bool quiet, shared;
};

#define AT(m) offsetof(struct snapshot, m)
static const struct image_row rows[] = {
	{ 'f', NULL, IMG_TEXT, AT(format), "FORMAT", "what the image is" },
	{ 'l', NULL, IMG_LETTER, AT(deed), NULL, "list them (usual)" },
	{ 'c', NULL, IMG_LETTER, AT(deed), "NAME", "make one" },
	{ 'a', NULL, IMG_LETTER, AT(deed), "NAME", "let the disk be as it was then" },
	{ 'd', NULL, IMG_LETTER, AT(deed), "NAME", "delete one; an id is taken, too" },
	{ 'q', NULL, IMG_FLAG, AT(quiet), NULL, "print no more than is asked for" },
	{ 'U', "force-share", IMG_FLAG, AT(shared), NULL,
	  "list them though somebody writes to the image" },
	{ 0, "object", IMG_REFUSED, 0, "OBJECT", "secrets are none of its business" },
	IMAGE_OPTS_ROW,
	{ 0 }
};
#undef AT

static int list(struct cli *cli, const struct bp_image_ref *image, struct bp_error *err)
{
	struct bp_snapshot *snaps;
	size_t n;

	if (bp_image_snapshots(image, &snaps, &n, err) < 0) {
		image_hint_shared(cli, err);
		return -1;
	}
	image_print_snapshots(snaps, n);
	bp_snapshots_free(snaps, n);
	return 0;
}

static int snapshot(struct cli *cli, const void *args, struct bp_error *err)
{
	const struct snapshot *a = args;
	struct bp_image_ref image = {
		.path = a->common.files[0], .format = a->format,
		.flags = a->shared ? BP_IMAGE_SHARED : 0,
	};

	if (!a->deed.letter && cli->qemu_img)
		return 0;	/* so does QEMU's */
	if (a->shared && a->deed.letter && a->deed.letter != 'l')
		return image_not_shared(cli, image.path);
	switch (a->deed.letter) {
	case 'c':
		return bp_image_snapshot_create(&image, a->deed.value, err);
	case 'a':
		return bp_image_snapshot_revert(&image, a->deed.value, err);
	case 'd':
		/* QEMU's takes no id here: one may be the name of another */
		image.flags |= cli->qemu_img ? BP_IMAGE_NAME_ONLY : 0;
		return bp_image_snapshot_delete(&image, a->deed.value, err);
	default:
		return list(cli, &image, err);
	}
}

const struct image_command image_snapshot = {
	.name = "snapshot", .files = "FILE",
	.help = "list, make, go back to or delete snapshots inside an image",
	.description = "Whoever is interrupted has the image as it was before or as it is to be.",
	.example = "snapshot -c before-upgrade vm.qcow2",
	.rows = rows, .args_size = sizeof(struct snapshot), .files_min = 1, .files_max = 1,
	.run = snapshot,
	.formats = "f",
};
