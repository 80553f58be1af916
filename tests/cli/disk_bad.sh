#!/bin/sh
# disk_bad.sh - tables that are damaged, odd or hostile: told, never hung on or written to.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091,SC2154 # tests are run from the top; tests/disk.sh sets some
. tests/disk.sh

sum() { cksum <"$dev"; }
# unchanged NAME COMMAND...: it fails with status 1, and not a byte is another.
unchanged() {
	before=$(sum)
	fails "$@"
	is 'and nothing is written' "$(sum)" "$before"
}
pool() { # FORMAT: as what is there
	bp pool-destroy p >/dev/null 2>&1
	bp pool-undefine p >/dev/null 2>&1
	bp pool-define-as p disk --source-dev "$dev" --source-format "$1" --target /dev >/dev/null
	works "$2" bp pool-start p
}
no_changes() { # TEXT
	for c in "vol-create-as p ${disk}p9 1M" "vol-create-as p ${disk}p3 1M" \
		"vol-delete ${disk}p1 p" "vol-resize ${disk}p1 1M p --shrink" 'pool-grow p'; do
		# shellcheck disable=SC2086 # words
		unchanged "$c" bp $c
		has 'why' "$T/out" "$1"
	done
}
# entry SECTOR N BOOT TYPE START SIZE: of a dos record, in sectors.
entry() {
	# shellcheck disable=SC2059 # it is made of escapes
	printf "$(printf '\\%03o\\376\\377\\377\\%03o\\376\\377\\377' "$3" "$4"
		for n in "$5" "$6"; do
			printf '\\%03o\\%03o\\%03o\\%03o' $((n & 255)) $((n >> 8 & 255)) \
				$((n >> 16 & 255)) $((n >> 24 & 255))
		done)" | dd of="$dev" bs=1 seek=$(($1 * 512 + 446 + $2 * 16)) conv=notrunc \
		status=none
}
mark() {
	printf '\125\252' | dd of="$dev" bs=1 seek=$(($1 * 512 + 510)) conv=notrunc status=none
}
blank() { dd if=/dev/zero of="$dev" bs=1M conv=notrunc status=none 2>/dev/null; }

device disk 32M

# ---- partitions that overlap ---------------------------------------------------------
entry 0 0 0 131 2048 8192
entry 0 1 0 131 4096 8192
mark 0
pool dos 'overlapping partitions'
is 'are both there' "$(bp -q vol-list p | grep -c .)" 2
bp pool-dumpxml p >"$T/xml"
has 'what is free is so' "$T/xml" "<freeExtent start='6291456' end='33554432'/>"
no_changes 'partitions 1 and 2 overlap'

# ---- beyond the end --------------------------------------------------------------------
blank
entry 0 0 0 131 2048 8192
entry 0 1 0 131 32768 99999999
mark 0
pool dos 'a partition that is larger than the device'
is 'is listed' "$(bp -q vol-list p | grep -c .)" 2
no_changes 'partition 2 ends beyond the device'

# ---- a chain in a circle ---------------------------------------------------------------
blank
entry 0 0 0 131 2048 2048
entry 0 1 0 5 8192 16384
mark 0
entry 8192 0 0 131 1 100
entry 8192 1 0 5 200 100
mark 8192
entry 8392 0 0 131 1 100
entry 8392 1 0 5 0 100
mark 8392
bp pool-destroy p >/dev/null
for c in 'pool-start p' 'pool-build p' 'pool-delete p'; do
	# shellcheck disable=SC2086 # words
	unchanged "a chain that runs in a circle: $c" timeout 120 "$BAREPOOL" $c
	has 'is told' "$T/out" 'its chain of logical partitions runs in a circle'
done
works 'and built over' timeout 120 "$BAREPOOL" pool-build p --overwrite
is 'it is empty' "$(sfdisk --dump "$dev" | grep -c start=)" 0

# ---- two tables at once ----------------------------------------------------------------
blank
printf 'label: gpt\nsize=2M\nsize=2M\n' | sfdisk -q "$dev" >/dev/null 2>&1
sgdisk --hybrid 1 "$dev" >/dev/null 2>&1
pool gpt 'a GPT with a hybrid record'
is 'is the GPT' "$(bp -q vol-list p | grep -c .)" 2
no_changes 'a hybrid MBR'

# ---- one half of a table ----------------------------------------------------------------
blank
printf 'label: gpt\nsize=2M\nsize=2M\n' | sfdisk -q "$dev" >/dev/null 2>&1
dd if=/dev/zero of="$dev" bs=512 seek=65535 count=1 conv=notrunc status=none
pool gpt 'a GPT without its copy'
is 'is read' "$(bp -q vol-list p | grep -c .)" 2
works 'and repaired by a change' bp vol-create-as p "${disk}p3" 1M
works 'says sgdisk' sgdisk --verify "$dev"
has 'so' "$T/out" 'No problems found'
for d in 1 2 3; do bp vol-delete "${disk}p$d" p; done >/dev/null

# ---- a device that is less than its table says ------------------------------------------
printf 'label: gpt\nsize=2M\nsize=20M\n' | sfdisk -q "$dev" >/dev/null 2>&1
bp pool-destroy p >/dev/null
truncate -s 16M "$T/disk"
losetup -c "$dev"
unchanged 'a device that was cut off: start' timeout 120 "$BAREPOOL" pool-start p
truncate -s 32M "$T/disk"
losetup -c "$dev"

# ---- a device that goes away --------------------------------------------------------------
works 'all of it is there again' bp pool-start p
truncate -s 0 "$T/disk"		# detached, it could become somebody else's meanwhile
losetup -c "$dev"
fails 'a device that has gone: refresh' bp pool-refresh p
has 'is told' "$T/out" "device '$dev' has no size: nothing is behind it"
fails 'list' bp vol-list p
fails 'make' bp vol-create-as p "${disk}p9" 1M
works 'stop' bp pool-destroy p
bp pool-undefine p >/dev/null

# ---- small, and smaller -------------------------------------------------------------------
for size in 1M 100K; do
	device "s$size" $size
	for f in dos gpt; do
		bp pool-define-as p disk --source-dev "$dev" --source-format $f --target /dev \
			>/dev/null
		works "$f on $size" bp pool-build p --overwrite
		works 'start' bp pool-start p
		works 'a volume' bp vol-create-as p "${disk}p1" 20K
		works 'and another' bp vol-create-as p "${disk}p2" 20K
		works 'is sound' sfdisk --quiet --verify "$dev"
		fails 'no more than there is' bp vol-create-as p "${disk}p3" 1M
		for i in 1 2; do works 'delete' bp vol-delete "${disk}p$i" p; done
		bp pool-destroy p >/dev/null
		works 'take away' bp pool-delete p
		bp pool-undefine p >/dev/null
	done
done
device tiny 16K
bp pool-define-as p disk --source-dev "$dev" --source-format gpt --target /dev >/dev/null
unchanged 'too small for a table' bp pool-build p
has 'is told' "$T/out" "device '$dev' is too small for a partition table of format 'gpt'"
done_testing
