/* logical_check.c - volume groups that cannot be used, or had better not be; and why. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <string.h>

#include "backends/logical.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"

#define NAMED 4			/* devices, in a message */

/* A list for people, of which only the first words are said. */
struct names {
	struct text t;
	size_t n;
};

static void add_name(struct names *names, const char *before, const char *name, const char *after)
{
	if (names->n++ < NAMED)
		text_addf(&names->t, "%s%s%s%s", names->t.len ? ", " : "", before, name, after);
}

static char *names_end(struct names *names)
{
	if (names->n > NAMED)
		text_addf(&names->t, " and %zu more", names->n - NAMED);
	return text_steal(&names->t);
}

char *vg_devices(const struct vg *vg)
{
	struct names names = { 0 };

	for (size_t i = 0; i < vg->n_pvs; i++)
		if (*vg->pvs[i].name == '/')
			add_name(&names, "'", vg->pvs[i].name, "'");
	return names_end(&names);
}

/* What stands behind these words in one of LVM's remarks, up to one of the signs that
 * end it; NULL: it has not said so. */
static char *said_after(const struct vg *vg, const char *words, const char *end)
{
	const char *at = vg->said ? strstr(vg->said, words) : NULL;

	return at ? mem_dup_n(at + strlen(words), strcspn(at + strlen(words), end)) : NULL;
}

/* ---- devices ------------------------------------------------------------------------ */

/* The kernel's name it had when it was there, if LVM remembers. */
static void add_missing(struct names *names, const struct vg *vg, const struct vg_pv *pv)
{
	auto_free char *words = mem_printf("PV %s (last written to ", pv->uuid);
	auto_free char *was = said_after(vg, words, ")\n");
	auto_free char *known = was && *was == '/' ? mem_printf(", last seen as '%s'", was) :
						     mem_dup("");

	add_name(names, "", pv->uuid, known);
}

/* Is one of them there, and LVM may not use it? */
static int check_unlisted(const struct vg *vg, struct bp_error *err)
{
	cleanup(vg_done) struct vg all = { 0 };
	struct bp_error ignored = { 0 };

	if (vg_look(vg->name, VG_UNLISTED | VG_EVERYWHERE, &all, &ignored) < 0)
		return 0;
	for (size_t i = 0; i < all.n_pvs; i++)
		for (size_t j = 0; j < vg->n_pvs; j++)
			if (*vg->pvs[j].missing && !*all.pvs[i].missing &&
			    strcmp(all.pvs[i].uuid, vg->pvs[j].uuid) == 0)
				return bp_fail(err, BP_FAILED, "volume group '%s' is on '%s', too, "
					       "which LVM may not use: not in its devices file; "
					       "add it (lvmdevices --adddev %s)", vg->name,
					       all.pvs[i].name, all.pvs[i].name);
	return 0;
}

static int check_missing(const struct vg *vg, struct bp_error *err)
{
	uint64_t missing = vg_number(vg->missing);
	auto_free char *which = NULL;
	struct names names = { 0 };

	if (!missing)
		return 0;
	if (check_unlisted(vg, err) < 0)
		return -1;
	for (size_t i = 0; i < vg->n_pvs; i++)
		if (*vg->pvs[i].missing)
			add_missing(&names, vg, &vg->pvs[i]);
	which = names_end(&names);
	return bp_fail(err, BP_FAILED, "volume group '%s' lacks %" PRIu64 " of its %zu devices: "
		       "%s; connect %s, or give %s up (vgreduce --removemissing %s)", vg->name,
		       missing, vg->n_pvs, which, missing > 1 ? "them" : "it",
		       missing > 1 ? "them" : "it", vg->name);
}

/* LVM takes one of the two, and only its warning tells of the other. */
static int check_twice(const struct vg *vg, struct bp_error *err)
{
	for (const char *at = vg->said; at && (at = strstr(at, "Not using device ")); at++) {
		const char *device = at + strlen("Not using device ");
		size_t n = strcspn(device, " \n");

		for (size_t i = 0; i < vg->n_pvs; i++) {
			const struct vg_pv *pv = &vg->pvs[i];
			auto_free char *end = mem_printf(" for PV %s", pv->uuid);

			if (starts_with(device + n, end))
				return bp_fail(err, BP_FAILED, "LVM finds '%s', a device of volume "
					       "group '%s', twice: '%.*s' is the same, or a copy; "
					       "take one away, hide it (lvmdevices --deldev, or "
					       "global_filter in lvm.conf), or make the copy a "
					       "group of its own (vgimportclone %.*s)", pv->name,
					       vg->name, (int)n, device, (int)n, device);
		}
	}
	return 0;
}

/* ---- owners ------------------------------------------------------------------------- */

static int check_exported(const struct vg *vg, struct bp_error *err)
{
	auto_free char *where = vg_devices(vg);

	if (strlen(vg->attr) < 3 || vg->attr[2] != 'x')
		return 0;
	return bp_fail(err, BP_FAILED, "volume group '%s' on %s is exported, for another host; "
		       "take it back first (vgimport %s)", vg->name, where, vg->name);
}

/* said: "Cannot access VG v with system ID a with local system ID b." */
static int fail_foreign(const struct vg *vg, const char *said, struct bp_error *err)
{
	static const char words[] = "with local system ID ";
	auto_free char *where = vg_devices(vg);
	const char *at = strstr(said, words);
	int n = at ? (int)strcspn(at + strlen(words), " ;.\n") : 0;
	auto_free char *we_are = n ? mem_printf("this one is '%.*s'", n, at + strlen(words)) :
				     mem_dup("this one has no system ID");

	return bp_fail(err, BP_FAILED, "volume group '%s' on %s belongs to the host with system ID "
		       "'%s', and %s; use it there, or take it over if that host has gone (see "
		       "lvmsystemid(7))", vg->name, where, vg->system_id, we_are);
}

static int fail_shared(const struct vg *vg, const char *why, struct bp_error *err)
{
	auto_free char *where = vg_devices(vg);

	return bp_fail(err, BP_FAILED, "volume group '%s' on %s is shared with other hosts (lock "
		       "type '%s'), and %s lvmlockd and %s", vg->name, where, vg->lock_type, why,
		       vg->lock_type);
}

bool vg_has_locks(const struct vg *vg)
{
	return *vg->lock_type && vg->said && !strstr(vg->said, "without a lock");
}

static int check_daemon(const struct vg *vg, struct bp_error *err)
{
	if (!*vg->lock_type || !vg->said || !strstr(vg->said, "lvmlockd process is not running"))
		return 0;
	return fail_shared(vg, "lvmlockd, which that needs, does not run here: start", err);
}

int vg_check(const struct vg *vg, struct bp_error *err)
{
	return check_missing(vg, err) < 0 || check_twice(vg, err) < 0 ||
	       check_exported(vg, err) < 0 || check_daemon(vg, err) < 0 ? -1 : 0;
}

/* Of several copies LVM takes one that is good, and leaves what is not as it is.  vgck, which
 * it names, does not write what has lost its header. */
int vg_check_metadata(const struct vg *vg, struct bp_error *err)
{
	for (size_t i = 0; i < vg->n_pvs; i++) {
		auto_free char *words = mem_printf("repair VG metadata on %s with ",
						   vg->pvs[i].name);

		if (vg->said && strstr(vg->said, words))
			return bp_fail(err, BP_FAILED, "what is written of volume group '%s' on "
				       "'%s' is damaged, and on other devices it is not; write it "
				       "there anew (vgcfgbackup -f FILE %s; pvck --repair -f FILE "
				       "%s; vgck --updatemetadata %s)", vg->name, vg->pvs[i].name,
				       vg->name, vg->pvs[i].name, vg->name);
	}
	return 0;
}

int vg_load_sound(const char *name, unsigned how, struct vg *ret, struct bp_error *err)
{
	if (vg_look(name, VG_EVERYWHERE | how, ret, err) < 0)
		return vg_explain(name, err);
	return vg_check(ret, err);
}

int vg_check_to_change(const struct vg *vg, struct bp_error *err)
{
	if (vg_check(vg, err) < 0)
		return -1;
	return !*vg->lock_type || vg_has_locks(vg) ? 0 :
	       fail_shared(vg, "its locks are not there: stop and start the pool, or vgchange "
			   "--lockstart, with", err);
}

static int fail_unlisted(const struct vg *vg, struct bp_error *err)
{
	auto_free char *where = vg_devices(vg);

	return bp_fail(err, BP_FAILED, "volume group '%s' is on %s, which LVM may not use: not in "
		       "its devices file; add what is yours (lvmdevices --addpvid, or --adddev "
		       "%s)", vg->name, where, vg->n_pvs ? vg->pvs[0].name : "DEVICE");
}

static int fail_unknown(const char *name, struct bp_error *err)
{
	cleanup(vg_done) struct vg vg = { 0 };
	struct bp_error ignored = { 0 };

	*err = (struct bp_error){ 0 };
	if (vg_look(name, VG_UNLISTED | VG_OF_OTHERS, &vg, &ignored) == 0)
		return fail_unlisted(&vg, err);
	return bp_fail(err, BP_CONFIG, "cannot find logical volume group name '%s'", name);
}

int vg_explain(const char *name, struct bp_error *err)
{
	cleanup(vg_done) struct vg vg = { 0 };
	struct bp_error said = *err, ignored = { 0 };

	if (err->code == BP_INVALID)
		return -1;
	if (strstr(err->text, "not found"))
		return fail_unknown(name, err);
	if (err->code == BP_BUSY || vg_look(name, VG_OF_OTHERS, &vg, &ignored) < 0)
		return bp_within(err, "volume group '%s' cannot be used", name);
	if (!*vg.system_id && !*vg.lock_type)
		return bp_within(err, "volume group '%s' cannot be used", name);
	*err = (struct bp_error){ 0 };
	return *vg.system_id ? fail_foreign(&vg, said.text, err) :
	       fail_shared(&vg, "LVM is not set up for that here: set use_lvmlockd = 1 in "
			   "lvm.conf, and start", err);
}
