/* image_calls.c - what a call of the library costs that a process of qemu-img is started for else.
 *
 *	image_calls create|info|resize|snapshots CALLS FILE
 *
 * A line comes out: milliseconds of one call, on the average.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/images.h"

static int create(const char *path, long i, struct bp_error *err)
{
	const struct bp_image_wish wish = {
		.path = path, .format = "qcow2", .has_capacity = true,
		.capacity = (UINT64_C(1) << 30) + (uint64_t)i * 512,
	};
	cleanup(bp_image_plan_freep) struct bp_image_plan *plan = NULL;

	unlink(path);
	return bp_image_plan(&wish, &plan, err) < 0 ? -1 : bp_image_make(plan, err);
}

static int info(const char *path, long i, struct bp_error *err)
{
	const struct bp_image_ref ref = { .path = path, .format = "qcow2" };
	cleanup(bp_image_freep) struct bp_image *image = NULL;

	(void)i;
	return bp_image_look(&ref, false, &image, err);
}

static int resize(const char *path, long i, struct bp_error *err)
{
	const struct bp_image_ref ref = { .path = path, .format = "qcow2" };
	uint64_t size = UINT64_C(2) << 30;
	bool guessed;

	return bp_image_resize(&ref, size + ((uint64_t)i << 29), 0, BP_PREALLOC_OFF, &guessed,
			       err);
}

static int snapshots(const char *path, long i, struct bp_error *err)
{
	const struct bp_image_ref ref = { .path = path, .format = "qcow2" };
	struct bp_snapshot *list;
	size_t n;

	(void)i;
	if (bp_image_snapshots(&ref, &list, &n, err) < 0)
		return -1;
	bp_snapshots_free(list, n);
	return 0;
}

static const struct {
	const char *name;
	int (*call)(const char *path, long i, struct bp_error *err);
} calls[] = {
	{ "create", create }, { "info", info }, { "resize", resize }, { "snapshots", snapshots },
};

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

int main(int argc, char **argv)
{
	long n = argc == 4 ? strtol(argv[2], NULL, 10) : 0;
	struct bp_error err = { 0 };
	double start = now_ms();
	size_t k;

	for (k = 0; n > 0 && k < array_size(calls) && strcmp(calls[k].name, argv[1]) != 0;)
		k++;
	if (n <= 0 || k == array_size(calls)) {
		fprintf(stderr, "image_calls: create|info|resize|snapshots CALLS FILE\n");
		return 2;
	}
	for (long i = 0; i < n; i++)
		if (calls[k].call(argv[3], i, &err) < 0) {
			fprintf(stderr, "image_calls: %s\n", err.text);
			return 1;
		}
	printf("%.5f 0\n", (now_ms() - start) / (double)n);
	return 0;
}
