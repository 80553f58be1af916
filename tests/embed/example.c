/* example.c - barepool inside another program: a store, two pools, a volume.
 *
 *	cc example.c $(pkg-config --cflags --libs barepool) -o example
 *	./example "$(mktemp -d)"
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <barepool.h>
#include <xml/xml.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A definition made from a struct. */
static int define_fast(struct bp_store *store, const char *dir, struct bp_error *err)
{
	struct bp_pool_def *def = bp_pool_def_new();
	char path[4096];
	int r;

	snprintf(path, sizeof path, "%s/fast", dir);
	def->type = strdup("dir");
	def->name = strdup("fast");
	def->target_path = strdup(path);
	r = bp_pool_define(store, def, err);
	bp_pool_def_free(def);
	return r;
}

/* A definition made from XML, as libvirt has it. */
static int define_slow(struct bp_store *store, const char *dir, struct bp_error *err)
{
	struct bp_pool_def *def = NULL;
	char xml[5000];
	int r;

	snprintf(xml, sizeof xml,
		 "<pool type='dir'>\n"
		 "  <name>slow</name>\n"
		 "  <target><path>%s/slow</path></target>\n"
		 "</pool>\n", dir);
	if (bp_xml_parse_pool(xml, strlen(xml), "slow.xml", 0, &def, err) < 0)
		return -1;
	r = bp_pool_define(store, def, err);
	bp_pool_def_free(def);
	return r;
}

static int create_disk(struct bp_store *store, const char *pool, struct bp_error *err)
{
	struct bp_vol_spec *spec = bp_vol_spec_new();
	int r;

	spec->name = strdup("disk.qcow2");
	spec->format = strdup("qcow2");
	spec->has_capacity = true;
	spec->capacity = UINT64_C(10) << 30;
	r = bp_vol_create(store, pool, spec, 0, NULL, err);
	bp_vol_spec_free(spec);
	return r;
}

static int list(struct bp_store *store, const char *pool, struct bp_error *err)
{
	struct bp_vol_iter *it = NULL;
	struct bp_vol_info vol;
	int r;

	if (bp_vols_open(store, pool, BP_VOL_SIZE | BP_VOL_FORMAT, &it, err) < 0)
		return -1;
	while ((r = bp_vols_next(it, &vol, err)) > 0)
		printf("%s: %s, %llu bytes\n", vol.name, vol.format,
		       (unsigned long long)vol.capacity);
	bp_vols_close(it);
	return r;
}

static int use(struct bp_store *store, const char *dir, struct bp_error *err)
{
	if (define_fast(store, dir, err) < 0 || define_slow(store, dir, err) < 0)
		return -1;
	if (bp_pool_start(store, "fast", BP_BUILD, err) < 0)
		return -1;
	if (create_disk(store, "fast", err) < 0 || list(store, "fast", err) < 0)
		return -1;
	if (bp_vol_delete(store, "fast", "disk.qcow2", 0, err) < 0)
		return -1;
	if (bp_pool_stop(store, "fast", err) < 0 || bp_pool_erase(store, "fast", err) < 0)
		return -1;
	if (bp_pool_undefine(store, "fast", err) < 0)
		return -1;
	return bp_pool_undefine(store, "slow", err);
}

int main(int argc, char **argv)
{
	struct bp_error err = { 0 };
	struct bp_store_paths paths = { 0 };
	struct bp_store *store;
	char config[4096], run[4096];
	int r;

	if (argc != 2) {
		fputs("usage: example DIRECTORY\n", stderr);
		return 2;
	}
	snprintf(config, sizeof config, "%s/config", argv[1]);
	snprintf(run, sizeof run, "%s/run", argv[1]);
	paths.config = config;
	paths.run = run;
	if (bp_store_open(&paths, &store, &err) < 0) {
		fprintf(stderr, "%s%s\n", bp_error_prefix(err.code), err.text);
		return 1;
	}
	printf("barepool %s\n", bp_version());
	r = use(store, argv[1], &err);
	bp_store_close(store);
	if (r < 0)
		fprintf(stderr, "%s%s\n", bp_error_prefix(err.code), err.text);
	return r < 0;
}
