#!/bin/sh
# image_read.sh - what a guest sees of a qcow2 image, as QEMU wrote and reads it.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
#
# Images of random options, in chains of one to three whose sizes differ, to which
# qemu-io does random things.  IMAGE_SEED and IMAGE_ROUNDS ask for others, or more.
. tests/lib.sh
needs qemu-img 'needs qemu-img'
needs qemu-io 'needs qemu-io'

dump=$B/tests/tools/imagedump
seed=${IMAGE_SEED:-7} rounds=${IMAGE_ROUNDS:-8}
echo "# seed $seed"

# random N: $r is one of 0 ... N - 1.
state=$seed
random() {
	state=$(((state * 1103515245 + 12345) & 0x7fffffff))
	r=$(((state >> 8) % $1))
}
# pick WORD...: $r is one of them.
pick() {
	random $#
	shift "$r"
	r=$1
}

# What one image of the chain is made with: $cluster and $options.
choose() {
	pick 512 4096 16384 65536 65536 262144 2097152
	cluster=$r
	pick 0.10 1.1 1.1 1.1
	options=cluster_size=$cluster,compat=$r
		if [ "$r" = 1.1 ]; then
		pick zlib zstd
		options=$options,compression_type=$r
		pick on off
		[ "$cluster" -lt 16384 ] || options=$options,extended_l2=$r
		pick 2 16 64
		options=$options,refcount_bits=$r
	fi
}

# One step of qemu-io, its words in $step: whole clusters, or parts of them.
think() {
	random $((size / cluster + 1)); at=$((r * cluster))
	random 6; len=$(((r + 1) * cluster))
	pick whole part
	if [ "$r" = part ]; then
		random $((cluster / 512)); at=$((at + r * 512))
		random $((2 * cluster / 512)); len=$(((r + 1) * 512))
	fi
	[ "$at" -lt "$size" ] || at=0
	[ $((at + len)) -le "$size" ] || len=$((size - at))
	random 255; byte=$((r + 1))
	pick write write write -z '-z -u' discard packed packed
	case $r in
	write)	step="write -P $byte $at $len" ;;
	-z*)	step="write $r $at $len" ;;
	discard) step="discard $at $len" ;;
	packed)	at=$((at / cluster * cluster))
		len=$cluster
		[ $((at + len)) -le "$size" ] || len=$((size - at))
		step="write -c -P $byte $at $len" ;;
	esac
}

# What is compressed cannot be written over what is there: such a step fails, and no harm.
make() { # NAME [BACKING]
	choose
	random 400; size=$(((r + 100) * 5 * 512 + cluster * 20))
	qemu-img create -q -f qcow2 -o "$options" ${2:+-b "$2" -F qcow2} "$T/$1" "$size" || return
	echo "# $1: $options, $size bytes${2:+, over ${2##*/}}"
	random 12
	set -- "$T/$1"
	for _ in $(seq $((r + 3))); do
		think
		set -- -c "$step" "$@"
	done
	qemu-io -f qcow2 "$@" >"$T/out" 2>&1
	! grep -v '^write failed: Input/output error$' "$T/out" | grep -i 'failed\|error'
}

same_bytes() { # IMAGE
	qemu-img convert -f qcow2 -O raw "$1" "$T/raw" &&
		"$dump" -s $((state + 1)) "$1" qcow2 >"$T/seen" && cmp "$T/raw" "$T/seen"
}
same_snapshot() { # IMAGE
	qemu-img convert -f qcow2 -l snapshot.name=before -O raw "$1" "$T/raw" &&
		"$dump" "$1" qcow2 before >"$T/seen" && cmp "$T/raw" "$T/seen"
}

same_map() { # IMAGE
	qemu-img map --output=json -f qcow2 "$1" >"$T/raw" &&
		bp image map --output=json -f qcow2 "$1" >"$T/seen" && cmp "$T/raw" "$T/seen" &&
		bp image compare -f qcow2 -F qcow2 "$1" "$1"
}

for round in $(seq "$rounds"); do
	rm -f "$T"/*.qcow2
	pick 1 2 3
	over='' files=$r
	for i in $(seq "$files"); do
		works "round $round: image $i" make "$i.qcow2" "$over"
		show | grep '^# #'
		over=$T/$i.qcow2
	done
	works "round $round: its bytes" same_bytes "$T/$files.qcow2"
	works "round $round: its map" same_map "$T/$files.qcow2"
	# Counts that are narrow may not do for one.
	if [ "$files" -gt 1 ] || ! qemu-img snapshot -c before "$T/1.qcow2" 2>/dev/null; then
		continue
	fi
	think
	qemu-io -f qcow2 -c "$step" "$T/1.qcow2" >/dev/null
	works "round $round: its snapshot" same_snapshot "$T/1.qcow2"
done
done_testing
