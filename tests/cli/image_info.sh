#!/bin/sh
# image_info.sh - image info, line by line as qemu-img, and what it does not know.
# SPDX-License-Identifier: LGPL-2.1-or-later
set -u
# shellcheck disable=SC1091 # tests are run from the top
. tests/lib.sh
needs qemu-img 'needs qemu-img'
needs qemu-io 'needs qemu-io'

ln -s "$BAREPOOL" "$T/bin/qemu-img"
ours() { "$T/bin/qemu-img" "$@"; }
top=$PWD
works 'an image of each kind' scripts/make-images "$T/i"
cd "$T/i" || exit 1
secret='secret,id=s,data=abc'

# More of what can be told.
luks() {	# it measures the machine first, and gives up where others keep that busy
	for again in $(seq 50); do
		qemu-img create -q --object "$secret" "$@" 2>"$T/err" && return
	done
	echo "$again times: $(cat "$T/err")"
	return 1
}
works 'LUKS inside qcow2' luks -f qcow2 \
	-o encrypt.format=luks,encrypt.key-secret=s,encrypt.iter-time=10 qcow2-luks 10M
works 'LUKS with another cipher' luks -f luks -o key-secret=s,iter-time=10 \
	-o cipher-alg=aes-128,cipher-mode=cbc,ivgen-alg=essiv,ivgen-hash-alg=sha256,hash-alg=sha1 \
	luks-essiv 1M
for i in 1 2 3; do
	qemu-img bitmap --add -g 512 --disable qcow2-bitmap "b$i$i"
	qemu-img snapshot -c "state $i" qcow2-snapshot
done
qemu-img create -q -f vhdx -o subformat=fixed,block_size=1M vhdx-fixed 7M
qemu-img create -q -f vpc -o force_size=on vpc-size 10M
qemu-img create -q -f vpc vpc-large 200G
qemu-img create -q -f qed -o cluster_size=4096,table_size=2 qed-small 3M
qemu-img create -q -f qcow2 -o compat=0.10,encryption=on --object "$secret" \
	-o encrypt.key-secret=s qcow2-v2-aes 1M
qemu-img create -q -f qcow2 qcow2-dirty -o lazy_refcounts=on 1M
printf '\001' | dd of=qcow2-dirty bs=1 seek=79 conv=notrunc status=none
mkdir sub
qemu-img create -q -f qcow2 sub/base 1M
qemu-img create -q -f qcow2 -b base -F qcow2 sub/mid
qemu-img create -q -f qcow2 -b ../sub/mid -F qcow2 sub/top
qemu-img create -q -f qcow2 -u -b nbd://localhost:1/x -F raw over-nbd 1M
qemu-img create -q -f qcow2 -u -b 'nbd:x' -F raw sub/over-nbd 1M
qemu-img create -q -f qcow2 'd "ö\x' 1M
head -c 1000 /dev/urandom >odd

# Extents are files of their own, which are not opened; and a part of one is no image.
skip=' vmdk-text vmdk-text-flat qcow2-cut qcow2-header-only '
for f in *; do
	[ -f "$f" ] || continue
	case $skip in *" $f "*) continue ;; esac
	for out in human json; do
		qemu-img info --output=$out "$f" >"$T/theirs" 2>&1
		ours info --output=$out "$f" >"$T/ours" 2>&1
		cmp -s "$T/theirs" "$T/ours" && continue
		diff "$T/theirs" "$T/ours" >"$T/out"
		show
		nok "$f, $out"
	done
done
ok 'each of them, as text and as JSON'
same() {
	name=$1
	shift
	qemu-img info "$@" >"$T/theirs" 2>&1
	echo "[$?]" >>"$T/theirs"
	ours info "$@" >"$T/ours" 2>&1
	echo "[$?]" >>"$T/ours"
	works "$name" diff "$T/theirs" "$T/ours"
}
same 'relative names' sub/top
same 'names that are no files' sub/over-nbd
same 'a chain' --backing-chain sub/top
same 'a chain as JSON' --backing-chain --output=json sub/top
same 'a format that is said' -f raw qcow2
same 'and what shows itself at its end' -f vpc vpc-fixed
same 'one that does not exist as said' -f raw luks
qemu-img rebase -u -b top -F qcow2 sub/base
fails 'a loop' bp image info --backing-chain sub/top
has 'is told' "$T/out" "Backing file 'sub/../sub/top' creates an infinite loop."
works 'and hurts nobody who does not follow it' bp image info sub/top

# A backing file that may have been made to look like anything leads nowhere.
qemu-img create -q -f qcow2 -u -b /etc/passwd -F raw guest 1M
qemu-img create -q -f qcow2 -u -b guest -F raw over-guest 1M
printf '\0\0\0\0' | dd of=over-guest bs=1 seek=112 conv=notrunc status=none	# the format
fails 'one that was guessed' bp image info --backing-chain over-guest
has 'is not followed' "$T/out" 'the format must be recorded first'

# Nor does a guest's own disk, whatever the guest wrote into it, when nobody says what it is.
truncate -s 1M secret
truncate -s 4M guest.raw guest.IMG
qemu-img create -q -f qcow2 -b secret -F raw looks.qcow2
for disk in guest.raw guest.IMG; do
	dd if=looks.qcow2 of=$disk conv=notrunc status=none
	cp $disk before
	for c in 'info --backing-chain' map commit 'measure -O raw' \
		'rebase -b looks.qcow2 -F qcow2' \
		'compare looks.qcow2' 'convert -O raw -C'; do
		to=
		case $c in convert*) to=stolen ;; esac
		# shellcheck disable=SC2086 # words
		bp image $c $disk $to >"$T/out" 2>&1
		has "$c: $disk does not lead to a file" "$T/out" 'nobody says that it is one'
	done
	works 'nothing was changed' cmp $disk before
done
works 'nor read' test ! -e stolen
is 'nor written' "$(stat -c %s secret)" 1048576
works 'unless that is said' bp image map -f qcow2 guest.raw
works 'or its name says it' bp image map looks.qcow2
ln -s "$BAREPOOL" "$T/bin/qemu-img"
works 'called qemu-img, it is believed' "$T/bin/qemu-img" map guest.raw
rm -f before secret guest.raw guest.IMG looks.qcow2

# A name that is a place to QEMU does not become a file.
for c in 'create -f raw nbd:host:10809 1M' 'convert over-guest nbd:host:10809' \
	'info http://host/disk' 'dd if=over-guest of=ssh:host' 'map rbd:pool/disk'; do
	# shellcheck disable=SC2086
	fails "$c" bp image $c
	has 'is said to be none' "$T/out" 'only files and block devices are'
done
works 'nothing was made' test ! -e nbd:host:10809 -a ! -e ssh:host
works 'with ./ it is a file' bp image create -q -f raw ./nbd:host 1M
works 'which is looked at so' bp image info ./nbd:host
rm ./nbd:host
works 'an image may be based on one, for others' \
	bp image create -q -f qcow2 -u -b nbd://host/disk -F raw else 1M
bp image info else >"$T/out"
has 'as it is written' "$T/out" 'backing file: nbd://host/disk'
rm else

works 'one that is no plain file' bp image info over-nbd
fails 'is not followed' bp image info --backing-chain over-nbd
has 'and told' "$T/out" 'no plain file'

# Beyond what qemu-img sees.
says 'a VHD of fixed size' bp image info vpc-fixed <<END
image: vpc-fixed
file format: vpc
virtual size: 2.03 MiB (2123776 bytes)
disk size: 8 KiB
END
bp image info iso >"$T/out"
has 'a disk in a drive' "$T/out" 'file format: iso'
{
	printf 'LUKS\272\276\0\2\0\0\0\0\0\0\100\0'
	head -c 8 /dev/zero
	printf 'my label'
	head -c 136 /dev/zero
	printf '01234567-89ab-cdef-0123-456789abcdef'
	head -c 20000 /dev/zero
} >luks2
bp image info luks2 | grep -v 'disk size' >"$T/out"
says 'LUKS 2' cat "$T/out" <<END
image: luks2
file format: luks
virtual size: 19.7 KiB (20204 bytes)
encrypted: yes
Format specific information:
    uuid: 01234567-89ab-cdef-0123-456789abcdef
    version: 2
    label: my label
    header size: 16384
END
bp image info vmdk-text >"$T/out"
has 'what a text names' "$T/out" '            filename: vmdk-text-flat'
rm -f vmdk-text-flat
works 'need not be there' bp image info vmdk-text

fails 'a file that is not there' bp image info none
fails 'a format that nobody knows' bp image info -f none raw
has 'is told' "$T/out" "unknown image format 'none'"
fails 'a directory' bp image info sub
fails 'two of them' bp image info raw qcow2
fails 'what we cannot' bp image info --image-opts driver=qcow2,file.filename=qcow2,key-secret=s
has 'is named' "$T/out" "the image option 'key-secret'"
cp qcow2 strange
printf '\200' | dd of=strange bs=1 seek=72 conv=notrunc status=none
same_error() {
	qemu-img info strange >"$T/theirs" 2>&1
	ours info strange >"$T/ours" 2>&1
	grep -o 'Unsupported qcow2 feature.*' "$T/theirs" >"$T/want"
	grep -o 'Unsupported qcow2 feature.*' "$T/ours" | diff "$T/want" -
}
works 'a feature that nobody knows' same_error

cd "$top" || exit 1
done_testing

