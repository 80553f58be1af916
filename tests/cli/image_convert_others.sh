#!/bin/sh
# image_convert_others.sh - vmdk, vdi and vpc made of other images, judged by qemu-img.
# SPDX-License-Identifier: LGPL-2.1-or-later
set -u
# shellcheck disable=SC1091 # tests are run from the top
. tests/lib.sh
needs qemu-img 'needs qemu-img'
needs qemu-io 'needs qemu-io'

mkdir -p "$T/w/theirs" "$T/w/four"
cd "$T/w" || exit 1

# Data that pack well and data that do not, holes, zeros in data, and an end within a block.
{
	head -c 1228800 /dev/zero
	head -c 1500000 /dev/urandom
	head -c 604200 /dev/zero
	seq 100000
	head -c 2370896 /dev/zero
	echo 'the end'
} >src
truncate -s 6292992 src

# plain FORMAT FILE: a vmdk's content id has as many digits as it needs, and when QEMU writes a
# shorter one, the end of the longer text stays behind the new one's.
plain() {
	[ "$1" = vmdk ] || { cat "$2"; return; }
	head -c 512 "$2"
	tail -c +513 "$2" | head -c 10240 | head -z -n 1 | tr -d '\0' | sed 's/^CID=.*/CID/'
	tail -c +10753 "$2"
}
# differ FORMAT A B: how many bytes, but for names that are made up: a vmdk's content id, a
# vdi's UUIDs, and the text before its header, a vpc's UUID and its time, in both footers.
differ() {
	[ "$(stat -c %s "$2")" = "$(stat -c %s "$3")" ] || echo 'sizes differ'
	plain "$1" "$2" >"$T/one"
	plain "$1" "$3" >"$T/two"
	cmp -l "$T/one" "$T/two" | awk -v f="$1" -v size="$(stat -c %s "$2")" '
		function in_footer(o) { return o >= 24 && o < 28 || o >= 64 && o < 84 }
		{ o = $1 - 1 }
		f == "vdi" && (o < 64 || o >= 392 && o < 424) { next }
		f == "vpc" && (in_footer(o) || in_footer(o - (size - 512))) { next }
		{ n++ }
		END { print n + 0 }'
}

# check FILE: vpc has nothing that could be checked.
check() {
	qemu-img check -q -f "$1" "$2" >/dev/null 2>&1
	case $1/$? in */0 | vpc/63) ;; *) return 1 ;; esac
}

# made FORMAT SRC WORDS...: what qemu-img finds nothing wrong with, and the same bytes for any
# number of threads.  It comes back.
made() {
	f=$1 src=$2
	shift 2
	bp image convert --threads 1 -O "$f" "$@" "$src" out && check "$f" out &&
		qemu-img compare -q -f raw -F "$f" "$src" out || return
	[ "$src" != far ] || return 0
	bp image convert --threads 4 --verify -O "$f" "$@" "$src" four/out &&
		[ "$(differ "$f" out four/out)" = 0 ] &&
		bp image convert -f "$f" -O raw out back &&
		cmp -n "$(stat -c %s "$src")" "$src" back
}
# as_theirs FORMAT SRC WORDS...: and the same bytes as qemu-img's.
as_theirs() {
	works "convert -O $*" made "$@"
	f=$1 src=$2
	shift 2
	qemu-img convert -m 1 -f raw -O "$f" "$@" "$src" theirs/out
	is '... byte by byte' "$(differ "$f" out theirs/out)" 0
	is '... which says the same of itself' \
		"$(qemu-img info -f "$f" out | grep -v 'image:\|disk size\|cid:\|filename')" \
		"$(qemu-img info -f "$f" theirs/out | grep -v 'image:\|disk size\|cid:\|filename')"
}
printf 'all of one sector' >tiny
truncate -s 512 tiny
truncate -s 3M zeros
head -c 2097152 src >even			# the end of a block of each
truncate -s 3G far
printf 1 | dd of=far bs=1 seek=2147483647 conv=notrunc status=none
printf 2 | dd of=far bs=1 seek=1073741824 conv=notrunc status=none

for s in src tiny zeros even far; do
	as_theirs vmdk $s
	as_theirs vdi $s
	as_theirs vpc $s
	as_theirs vpc $s -o force_size=on
	works "streamOptimized of $s" made vmdk $s -o subformat=streamOptimized
done
for s in src tiny even; do
	as_theirs vdi $s -o static=on
	as_theirs vpc $s -o subformat=fixed
	as_theirs vpc $s -o subformat=fixed,force_size=on
done
as_theirs vmdk src -S 0
as_theirs vdi src -S 0
works 'compressed, all of it' made vmdk src -o subformat=streamOptimized -S 0
for level in 1 9 12; do
	works "compressed, at level $level" \
		made vmdk src -o subformat=streamOptimized --level $level
done
is 'that makes it smaller' "$([ "$(du -k out | cut -f1)" -lt \
	"$(($(du -k src | cut -f1) - 200))" ] && echo yes)" yes
qemu-img convert -O vmdk -o subformat=streamOptimized src theirs/out
is '... than qemu-img does' \
	"$([ "$(stat -c %s out)" -le "$(stat -c %s theirs/out)" ] && echo yes)" yes
head -c 1000000 /dev/urandom >noise
truncate -s 1000448 noise
works 'what nobody can compress is compressed all the same' \
	made vmdk noise -o subformat=streamOptimized -c
works 'with the kernel as a helper' made vmdk src -C
works '... where blocks are not aligned' made vdi src -C
for f in vmdk vdi vpc; do
	bp image convert -O $f far out
	is "holes stay holes in $f" "$([ "$(du -k out | cut -f1)" -lt 5000 ] && echo yes)" yes
done

# QEMU writes to what was made, where something is and where nothing is.
for o in 'vmdk' 'vdi' 'vdi -o static=on' 'vpc' 'vpc -o force_size=on' 'vpc -o subformat=fixed'; do
	# shellcheck disable=SC2086 # words
	bp image convert -O $o src out
	cp src want
	for io in '-f raw want' "-f ${o%% *} out"; do
		# shellcheck disable=SC2086
		qemu-io -c 'write -P 7 0 70k' -c 'write -P 8 2M 1k' -c 'write -P 9 4000k 512' \
			-c 'write -P 10 6144k 1536' $io >/dev/null
	done
	works "written to: $o" qemu-img compare -q -f raw -F "${o%% *}" want out
	works '... and still whole' check "${o%% *}" out
done

# From one to the other, with backing files, and a part.
qemu-img create -q -f qcow2 -b src -F raw over 8M
qemu-io -c 'write -P 1 1M 100k' -c 'write -z 4M 1M' -c 'write -P 2 7M 64k' over >/dev/null
for f in vmdk vdi vpc; do
	works "of a chain of images: $f" bp image convert -O $f over out
	works '... all of it' qemu-img compare -q -F $f over out
	works '... from that to the next' bp image convert -f $f -O vdi out again
	works '... the same' qemu-img compare -q -f $f -F vdi out again
	works '... a part of it' bp image dd -f $f -O $f bs=64k skip=10 count=30 if=out of=part
	bp image dd bs=64k skip=10 count=30 -O raw if=over of=want
	works '... is that' qemu-img compare -q -f raw -F $f want part
	works '... two, one behind the other' bp image convert -O $f src tiny out
	cat src tiny >want
	works '... in that order' qemu-img compare -q -f raw -F $f want out
done

# What is refused leaves everything as it was.
refused() { # NAME WORDS OPTION...: src, or another, does not become new
	name=$1 words=$2
	shift 2
	fails "$name" bp image convert "$@" new
	has '... which is said' "$T/out" "$words"
}
truncate -s 3T huge
touch empty after
ls >before
refused 'a vmdk of two files' 'cannot be made' -O vmdk -o subformat=monolithicFlat src
refused '... or of more' 'cannot be made' -O vmdk -o subformat=twoGbMaxExtentSparse src
refused 'none of no size' 'one sector' -f raw -O vmdk empty
refused 'no such subformat' "Invalid subformat 'odd'" -O vpc -o subformat=odd src
for f in vdi vpc; do
	refused "$f is not compressed" 'not supported for this file format' -c -O $f src
done
for f in vmdk vdi vpc; do
	refused '... has no backing file' 'acking file' -B src -F raw -O $f over
	refused '... is not made in place' 'cannot be written to' -n -O $f src
done
refused 'a vmdk of 3 TiB' 'at most' -f raw -O vmdk huge
refused 'a vpc of 3 TiB' '2040 GiB' -f raw -O vpc huge
ls >after
works 'nothing is left of that' diff before after
works 'a vmdk of one file takes the word for compression' bp image convert -c -O vmdk src plain.vmdk
says 'nothing is compressed in such a vmdk'
works '... and has all of it' qemu-img compare src plain.vmdk

# Full disk: files may have so many blocks, and then no more.
for o in 'vmdk' 'vmdk -o subformat=streamOptimized' 'vdi' 'vpc' 'vpc -o subformat=fixed'; do
	echo old >new
	(
		trap '' XFSZ
		ulimit -f 2000
		# shellcheck disable=SC2086
		bp image convert -O $o src new >"$T/out" 2>&1
	)
	is "a file that may not grow: $o" $? 1
	has '... is why' "$T/out" 'File too large'
	is '... and what was there is' "$(cat new)" old
done
done_testing
