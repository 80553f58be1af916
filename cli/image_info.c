/* image_info.c - image info: what images say of themselves. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/image_read.h"
#include "cli/image_text.h"
#include "cli/json.h"
#include "core/base/cleanup.h"

struct info {
	struct image_args common;
	const char *format;
	bool chain, shared;
};

#define AT(field) offsetof(struct info, field)

static const struct image_row rows[] = {
	{ 'f', "format", IMG_TEXT, AT(format), "FORMAT",
	  "what the image is, instead of what it shows" },
	{ 'U', "force-share", IMG_FLAG, AT(shared), NULL, "look though somebody writes to it" },
	{ 0, "backing-chain", IMG_FLAG, AT(chain), NULL, "its backing files, too" },
	IMAGE_OUTPUT,
	{ 0, "object", IMG_REFUSED, 0, "OBJECT", "nothing is decrypted" },
	IMAGE_OPTS_ROW,
	{ 0 }
};

/* ---- as text ------------------------------------------------------------------------ */

static void print_facts(const struct bp_fact *of, int depth);

static void print_value(const struct bp_fact *f, int depth)
{
	switch (f->kind) {
	case BP_FACT_GROUP:
	case BP_FACT_LIST:
		putchar('\n');
		print_facts(f, depth + 1);
		return;
	case BP_FACT_TEXT:
		printf(" %s\n", f->text);
		return;
	case BP_FACT_NUMBER:
		printf(" %" PRIu64 "\n", f->number);
		return;
	case BP_FACT_BOOL:
		printf(" %s\n", f->yes ? "true" : "false");
		return;
	}
}

/* Names in words: "refcount bits". */
static void print_facts(const struct bp_fact *of, int depth)
{
	for (size_t i = 0; i < of->n_parts; i++) {
		const char *name = of->parts[i].name;

		printf("%*s", depth * 4, "");
		if (!name)
			printf("[%zu]", i);
		for (; name && *name; name++)
			putchar(*name == '-' ? ' ' : *name);
		putchar(':');
		print_value(&of->parts[i], depth);
	}
}

static void print_backing(const struct bp_image *i)
{
	if (!i->backing)
		return;
	printf("backing file: %s", i->backing);
	if (strcmp(i->backing, i->backing_path) != 0)
		printf(" (actual path: %s)", i->backing_path);
	putchar('\n');
	if (i->backing_format)
		printf("backing file format: %s\n", i->backing_format);
}

static void print_image(const struct bp_image *i)
{
	char size[IMAGE_SIZE_TEXT], disk[IMAGE_SIZE_TEXT];

	printf("image: %s\nfile format: %s\nvirtual size: %s (%" PRIu64 " bytes)\ndisk size: %s\n",
	       i->path, i->format, image_size_text(i->capacity, size), i->capacity,
	       image_size_text(i->allocation, disk));
	if (i->encrypted)
		printf("encrypted: yes\n");
	if (i->cluster_size)
		printf("cluster_size: %" PRIu64 "\n", i->cluster_size);
	if (i->dirty)
		printf("cleanly shut down: no\n");
	print_backing(i);
	image_print_snapshots(i->snapshots, i->n_snapshots);
	if (i->more.n_parts) {
		printf("Format specific information:\n");
		print_facts(&i->more, 1);
	}
}

/* ---- as JSON: members in QEMU's order, which has no meaning --------------------------- */

static void json_facts(struct json *j, const struct bp_fact *of)
{
	for (size_t i = 0; i < of->n_parts; i++) {
		const struct bp_fact *f = &of->parts[i];

		switch (f->kind) {
		case BP_FACT_GROUP:
		case BP_FACT_LIST:
			json_open(j, f->name, f->kind == BP_FACT_LIST ? '[' : '{');
			json_facts(j, f);
			json_close(j, f->kind == BP_FACT_LIST ? ']' : '}');
			break;
		case BP_FACT_TEXT:
			json_text(j, f->name, f->text);
			break;
		case BP_FACT_NUMBER:
			json_number(j, f->name, f->number);
			break;
		case BP_FACT_BOOL:
			json_bool(j, f->name, f->yes);
			break;
		}
	}
}

static void json_snapshots(struct json *j, const struct bp_image *i)
{
	if (!i->n_snapshots)
		return;
	json_open(j, "snapshots", '[');
	for (size_t k = 0; k < i->n_snapshots; k++) {
		const struct bp_snapshot *s = &i->snapshots[k];

		json_open(j, NULL, '{');
		if (s->icount != UINT64_MAX)
			json_number(j, "icount", s->icount);
		json_number(j, "vm-clock-nsec", s->clock_ns % 1000000000);
		json_text(j, "name", s->name);
		json_number(j, "date-sec", (uint64_t)s->created);
		json_number(j, "date-nsec", s->created_ns);
		json_number(j, "vm-clock-sec", s->clock_ns / 1000000000);
		json_text(j, "id", s->id ? s->id : "");
		json_number(j, "vm-state-size", s->state_size);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void json_more(struct json *j, const struct bp_image *i)
{
	if (!i->more.n_parts)
		return;
	json_open(j, "format-specific", '{');
	json_text(j, "type", i->format);
	json_open(j, "data", '{');
	json_facts(j, &i->more);
	json_close(j, '}');
	json_close(j, '}');
}

static void json_image(struct json *j, const struct bp_image *i)
{
	json_open(j, NULL, '{');
	if (i->backing_format)
		json_text(j, "backing-filename-format", i->backing_format);
	json_snapshots(j, i);
	json_number(j, "virtual-size", i->capacity);
	json_text(j, "filename", i->path);
	if (i->cluster_size)
		json_number(j, "cluster-size", i->cluster_size);
	json_text(j, "format", i->format);
	json_number(j, "actual-size", i->allocation);
	json_more(j, i);
	if (i->backing)
		json_text(j, "full-backing-filename", i->backing_path);
	if (i->encrypted)
		json_bool(j, "encrypted", true);
	if (i->backing)
		json_text(j, "backing-filename", i->backing);
	if (i->knows_dirty)
		json_bool(j, "dirty-flag", i->dirty);
	json_close(j, '}');
}

/* ---- both --------------------------------------------------------------------------- */

static void show_json(const struct bp_image *images, bool chain)
{
	struct json j = { .out = stdout, .qemu = true };

	if (chain)
		json_open(&j, NULL, '[');
	for (const struct bp_image *i = images; i; i = i->below)
		json_image(&j, i);
	if (chain)
		json_close(&j, ']');
	putchar('\n');
}

static void show_text(const struct bp_image *images)
{
	for (const struct bp_image *i = images; i; i = i->below) {
		if (i != images)
			putchar('\n');
		print_image(i);
	}
}

static int run(struct cli *cli, const void *args, struct bp_error *err)
{
	cleanup(bp_image_freep) struct bp_image *images = NULL;
	const struct info *a = args;
	struct bp_image_ref ref = { .path = a->common.files[0], .format = a->format };

	if (a->shared)
		ref.flags |= BP_IMAGE_SHARED;
	if (!cli->qemu_img)
		ref.flags |= BP_IMAGE_TRAILERS;
	if (bp_image_look(&ref, a->chain, &images, err) < 0)
		return image_not_opened(cli, ref.path, err);
	if (a->common.json)
		show_json(images, a->chain);
	else
		show_text(images);
	for (const struct bp_image *i = images; i; i = i->below)
		if (i->damage)
			cli_warn(cli, i->damage);
	return 0;
}

const struct image_command image_info = {
	.name = "info", .files = "FILE",
	.help = "what an image says of itself",
	.description =
		"Formats that show themselves only where a guest writes (iso, and at their end\n"
		"    dmg and vpc of fixed size) are seen, too. Other commands do not see them,\n"
		"    nor does this one when it is called qemu-img: say -f there. A dmg whose name\n"
		"    ends so is seen by all.",
	.example = "info --backing-chain disk.qcow2",
	.rows = rows, .args_size = sizeof(struct info), .files_min = 1, .files_max = 1,
	.run = run,
	.formats = "f",
};
