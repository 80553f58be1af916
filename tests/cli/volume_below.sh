#!/bin/sh
# volume_below.sh - vol-commit and vol-rebase, judged by qemu-img.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
. tests/lib.sh
needs qemu-img 'needs qemu-img'
needs qemu-io 'needs qemu-io'

mkdir "$T/p"
bp -q pool-define-as p dir --target "$T/p"
bp -q pool-start p
io() { qemu-io -f "$1" -c "$2" "$T/p/$3" >/dev/null || exit 1; }
shows() { # NAME VOLUME: the same as $T/want.raw
	works "$1" qemu-img compare -f raw -F qcow2 "$T/want.raw" "$T/p/$2"
	works '... and is whole' qemu-img check -q "$T/p/$2"
}
keep() { qemu-img convert -f qcow2 -O raw "$T/p/$1" "$T/want.raw"; }

fresh() {
	rm -f "$T"/p/*
	bp -q vol-create-as p base 4M --format "$1"
	io "$1" 'write -P 1 0 3M' base
	bp -q vol-create-as p mid 5M --format qcow2 --backing-vol base --backing-vol-format "$1"
	bp -q vol-create-as p top 6M --format qcow2 --backing-vol mid --backing-vol-format qcow2
	io qcow2 'write -P 2 1M 1M' mid
	io qcow2 'write -P 3 1500k 70k' top
	io qcow2 'write -z 100k 90k' top
	io qcow2 'write -P 4 5500k 70k' top
	keep top
}

for format in raw qcow2; do
	fresh $format
	works "a volume is committed, $format below" bp vol-commit top p
	has 'that is said' "$T/out" 'Vol top committed'
	shows 'it shows the same' top
	shows 'so does what is below it' mid
	qemu-img map --output=json -f qcow2 "$T/p/top" >"$T/map"
	lacks 'it is empty' "$T/map" '"depth": 0'
	fresh $format
	works 'into the lowest' bp vol-commit "$T/p/top" --base base
	shows 'it shows the same' top
	works 'so does that' qemu-img compare -f raw -F $format "$T/want.raw" "$T/p/base"
	fresh $format
	works 'another backing store' bp vol-rebase top p --backing-vol base \
		--backing-vol-format $format
	shows 'it shows the same' top
	bp vol-dumpxml top p >"$T/xml"
	has 'and names it' "$T/xml" "<path>$T/p/base</path>"
	works 'it needs none' bp vol-rebase top p --flatten
	shows 'it shows the same' top
	bp vol-dumpxml top p >"$T/xml"
	lacks 'and names none' "$T/xml" backingStore
	works 'the others can go' bp -q 'vol-delete mid p; vol-delete base p'
	shows 'still' top
done

# Others would see it.
fresh qcow2
bp -q vol-create-as p other 5M --format qcow2 --backing-vol mid --backing-vol-format qcow2
fails 'who else is based on it is spared' bp vol-commit top p
has 'and named' "$T/out" "'other'"
works 'nobody is hurt' qemu-img compare -q -f qcow2 -F qcow2 "$T/p/other" "$T/p/mid"
shows 'all is as it was' top
bp -q vol-create-as p low 4M --format qcow2 --backing-vol base --backing-vol-format qcow2
fails 'also deeper' bp vol-commit top p --base base
works 'unless that does not matter' bp vol-commit top p --force-backing
shows 'it shows the same' top

# What cannot be.
fails 'no backing store' bp vol-commit base p
has 'and why' "$T/out" 'has no backing store'
fails 'not below it' bp vol-commit top p --base other
bp -q vol-create-as p raw 1M --format raw
fails 'raw has none' bp vol-commit raw p
fails 'nor can have one' bp vol-rebase raw p --backing-vol base --backing-vol-format qcow2
fails 'a loop' bp vol-rebase mid p --backing-vol top --backing-vol-format qcow2
has 'and why' "$T/out" 'backing file of itself'
fails 'itself' bp vol-rebase mid p --backing-vol mid --backing-vol-format qcow2
fails 'no format' bp vol-rebase mid p --backing-vol base
fails 'neither' bp vol-rebase mid p
fails 'one that is not there' bp vol-rebase mid p --backing-vol nonesuch --backing-vol-format raw
fails 'looking only' bp -r vol-rebase mid p --flatten

# What is named in an image and is no volume of the pool is not opened.
truncate -s 1M "$T/outside"
qemu-img create -q -f qcow2 -b "$T/outside" -F raw "$T/p/out" 1M
fails 'a file outside of the pool' bp vol-commit out p
has 'and why' "$T/out" 'no volume of pool'
fails 'nor is it read' bp vol-rebase out p --flatten

# In use.
mkfifo "$T/hold"
qemu-io -f qcow2 "$T/p/top" <"$T/hold" >"$T/held" 2>&1 &
exec 7>"$T/hold"
echo 'read 0 512' >&7
until_true grep -q ops "$T/held"
fails 'a volume that is used' bp vol-commit top p --force-backing
has 'and by whom' "$T/out" qemu-io
fails 'is not rebased either' bp vol-rebase top p --flatten
echo q >&7
exec 7>&-
wait
shows 'it shows the same' top

# ---- made, and copied --------------------------------------------------------------------

works 'a base' bp vol-create-as p floor 2M --format qcow2
works 'with something in it' qemu-io -f qcow2 -c 'write -P 7 0 1M' "$T/p/floor"
fails 'what nobody says is not guessed' bp vol-create-as p x 2M --format qcow2 --backing-vol floor
has '... and asked for' "$T/out" 'looks like qcow2; say which format it has'
fails 'what is no such image is none' bp vol-create-as p x 2M --format qcow2 --backing-vol floor \
	--backing-vol-format vmdk
has '... which is told' "$T/out" 'is no image of format vmdk'
fails '... and none is made' test -e "$T/p/x"
works 'an overlay' bp vol-create-as p over 2M --format qcow2 --backing-vol floor \
	--backing-vol-format qcow2
works 'a copy' bp vol-clone over same p
is '... is on the same' "$(qemu-img info "$T/p/same" | grep -c 'backing file:')" 1
works 'one that is flattened' bp vol-clone over flat p --flatten
is '... is on none' "$(qemu-img info "$T/p/flat" | grep -c backing)" 0
works '... and shows the same' qemu-img compare -q -f qcow2 -F qcow2 "$T/p/over" "$T/p/flat"
works '... whole' qemu-img check -q -f qcow2 "$T/p/flat"
fails 'its blocks are not all shared' bp vol-clone over z p --flatten --reflink
works 'what is based on nothing is copied' bp vol-clone floor ground p --flatten
works '... as it is' cmp "$T/p/floor" "$T/p/ground"
done_testing
