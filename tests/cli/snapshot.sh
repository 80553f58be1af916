#!/bin/sh
# snapshot.sh - snapshots inside qcow2 volumes, judged by qemu-img.
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
put() { qemu-io -c "write -P $1 0 1M" "$v" >/dev/null; }
holds() { # NAME BYTE: that is what the disk begins with
	works "$1" sh -c "! qemu-io -r -c 'read -P $2 0 1M' '$v' | grep -q failed"
	works '... and the image is whole' qemu-img check -q "$v"
}
names() {
	bp --format json vol-snapshot-list v.qcow2 p | grep -o '"name": "[^"]*"' | cut -d'"' -f4
}

put 1
works 'create' bp vol-snapshot-create v.qcow2 one p
put 2
works 'another' bp vol-snapshot-create --vol v.qcow2 --snapshot 'two, later' --pool p
put 3
says 'they are listed' names <<END
one
two, later
END
works 'in a table' bp vol-snapshot-list v.qcow2 p
has 'with time and size' "$T/out" '8.00 MiB'
qemu-img snapshot -l "$v" >"$T/theirs"
cp "$v" "$T/unknown"
printf '\200' | dd of="$T/unknown" bs=1 seek=72 conv=notrunc status=none
fails 'an image with features that nobody knows' bp image snapshot -l "$T/unknown"
has 'is not believed' "$T/out" 'features that are not known here'
has 'qemu-img lists them, too' "$T/theirs" 'two, later'
holds 'the disk has what was last written' 3

fails 'that name again' bp vol-snapshot-create v.qcow2 one p
has 'is said' "$T/out" "there is a snapshot 'one' already"
works 'go back' bp vol-snapshot-revert v.qcow2 one p
holds 'the disk is what it was' 1
works 'by its id' bp vol-snapshot-revert v.qcow2 2 p
holds 'is the same' 2
works 'delete' bp vol-snapshot-delete v.qcow2 one p
holds 'the disk stays as it is' 2
works 'qemu-img goes back to what is left' qemu-img snapshot -a 'two, later' "$v"
fails 'none of that name' bp vol-snapshot-revert v.qcow2 one p
has 'is said' "$T/out" "there is no snapshot 'one'"
says 'completion' bp complete -- vol-snapshot-delete --pool p v.qcow2 '' <<END
two, later
END

fails 'a raw volume has none' bp vol-snapshot-create v.raw one p
has 'and why' "$T/out" "volume 'v.raw' has format 'raw', which has no snapshots"
fails 'nor a list' bp vol-snapshot-list v.raw p
printf '\0\0' | dd of="$v" bs=1 seek=131072 conv=notrunc status=none
if ! qemu-img check -q "$v" 2>/dev/null; then
	fails 'an image that is damaged' bp vol-snapshot-create v.qcow2 x p
	has 'is to be repaired first' "$T/out" 'repair it first'
fi
works 'a snapshot goes with its volume' bp vol-delete v.qcow2 p
done_testing
