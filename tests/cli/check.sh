#!/bin/sh
# check.sh - vol-check, judged by qemu-img.
# SPDX-License-Identifier: LGPL-2.1-or-later
set -u
# shellcheck disable=SC1091 # tests are run from the top
. tests/lib.sh
needs qemu-img 'needs qemu-img'
needs qemu-io 'needs qemu-io'

mkdir "$T/p"
works 'a pool' bp pool-define-as p dir --target "$T/p"
works 'is started' bp pool-start p
works 'with an image' bp vol-create-as p v.qcow2 8M --format qcow2
works 'and a raw volume' bp vol-create-as p v.raw 8M
v=$T/p/v.qcow2
qemu-io -c 'write -P 7 0 1M' "$v" >/dev/null

qemu-img check "$v" >"$T/theirs"
bp vol-check v.qcow2 p | sed '$d' >"$T/ours"
works 'a sound one is described as qemu-img does' diff "$T/ours" "$T/theirs"
bp --format json vol-check v.qcow2 p >"$T/out"
has 'and for machines' "$T/out" '{"volume": "v.qcow2", "corruptions": 0, "leaks": 0, '
has 'with all numbers' "$T/out" '"compressed-clusters": 0, "image-end-offset": 1376256}'

# Cluster 4 is the L2 table, then come data; refcounts of 2 bytes begin at 128 KiB.
cp "$v" "$T/good"
damage() {
	cp "$T/good" "$v"
	printf '%b' "$2" | dd of="$v" bs=1 seek=$((131072 + $1 * 2)) conv=notrunc status=none
}
damage 8 '\0\03'
fails 'a leak' bp vol-check v.qcow2 p
has 'is told' "$T/out" 'cluster 8 is leaked: refcount 3, references 1'
has 'with what it means' "$T/out" 'This means waste of disk space, but no harm to data.'
has 'and what to do' "$T/out" '--repair all'
works 'is repaired' bp vol-check v.qcow2 p --repair leaks
has 'and told' "$T/out" '    1 leaked clusters'
works 'qemu-img finds nothing' qemu-img check "$v"
works 'and the same bytes' qemu-img compare "$v" "$T/good"

damage 9 '\0\00'
fails 'a cluster that is not counted' bp vol-check v.qcow2 p
has 'is told' "$T/out" 'cluster 9 can be overwritten: refcount 0, references 1'
fails 'those who repair leaks leave it' bp vol-check v.qcow2 p --repair leaks
works 'repaired' bp vol-check v.qcow2 p --repair all
works 'qemu-img finds nothing' qemu-img check "$v"
works 'and the same bytes' qemu-img compare "$v" "$T/good"

fails 'a raw one cannot be checked' bp vol-check v.raw p
has 'and why' "$T/out" "volume 'v.raw' has format 'raw', of which nothing can be checked"
for f in vdi vmdk qed; do
	qemu-img create -q -f $f "$T/p/v.$f" 8M
	qemu-io -f $f -c 'write -P 7 0 1M' "$T/p/v.$f" >/dev/null
	works "one of format $f can" bp vol-check v.$f p
	bp vol-check v.$f p | sed '$d' >"$T/ours"
	qemu-img check "$T/p/v.$f" >"$T/theirs"
	works '... and is described as qemu-img does' diff "$T/ours" "$T/theirs"
done
for f in vdi vmdk; do
	fails '... but not repaired' bp vol-check v.$f p --repair all
	has '... and why' "$T/out" "has format '$f', which can be checked, but not repaired"
done
printf '\0' | dd of="$T/p/v.vdi" bs=1 seek=388 conv=notrunc status=none
fails 'a VDI that is damaged' bp vol-check v.vdi p
has '... is told' "$T/out" '1 blocks have a place, and the header says 0'
truncate -s 1M "$T/p/v.vmdk"
fails 'a VMDK that is cut off' bp vol-check v.vmdk p
has '... is told' "$T/out" "volume 'v.vmdk': of the VMDK, 1 places are past the end of its file"
truncate -s 3M "$T/p/v.qed"
fails 'a qed with lost space' bp vol-check v.qed p --repair all
has '... is told' "$T/out" '23 leaked clusters'
has '... with what to do' "$T/out" 'is gained by a new image with what can be read'
printf '\2' | dd of="$T/p/v.qed" bs=1 seek=16 conv=notrunc status=none
truncate -s 1M "$T/p/v.qed"
fails 'one that is cut off' bp vol-check v.qed p
fails '... is repaired, but for what is lost' bp vol-check v.qed p --repair all
has '... and told' "$T/out" ' corruptions'
qemu-img check "$T/p/v.qed" >"$T/out" 2>&1
is '... also by QEMU' "$?" 3
fails 'a repair nobody knows' bp vol-check v.qcow2 p --repair some
has 'is refused' "$T/out" "Unknown repair 'some'"
damage 9 '\0\00'
fails 'looking only, nothing is repaired' bp -r vol-check v.qcow2 p --repair all
has 'and said' "$T/out" 'read'
fails 'but told' bp -r vol-check v.qcow2 p
has 'what is wrong' "$T/out" 'cluster 9'
printf 'garbage' | dd of="$v" bs=1 seek=20 conv=notrunc status=none
fails 'no sense' bp vol-check v.qcow2 p
has 'is told' "$T/out" "v.qcow2"
done_testing
