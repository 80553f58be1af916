#!/bin/sh
# image_vmdk_parts.sh - a VMDK whose data are in other files: those beside it, and no others.
# SPDX-License-Identifier: LGPL-2.1-or-later
set -u
# shellcheck disable=SC1091 # tests are run from the top
. tests/lib.sh
needs qemu-img 'needs qemu-img'
needs qemu-io 'needs qemu-io'

mkdir -p "$T/w/deep"
cd "$T/w" || exit 1
truncate -s 2052M disk			# the second file begins at 2 GiB
qemu-io -f raw -c 'write -P 1 0 1M' -c 'write -P 2 2047M 2M' -c 'write -P 3 2051M 1M' \
	disk >/dev/null

# ---- what QEMU makes, as QEMU sees it ------------------------------------------------------
for kind in monolithicFlat twoGbMaxExtentFlat twoGbMaxExtentSparse; do
	works "$kind" qemu-img convert -f raw -O vmdk -o subformat=$kind disk deep/$kind.vmdk
	works '... is what it was made of' bp image compare -f raw -F vmdk disk deep/$kind.vmdk
	for out in human json; do
		qemu-img map --output=$out deep/$kind.vmdk >"$T/theirs"
		bp image map -f vmdk --output=$out deep/$kind.vmdk >"$T/ours"
		works "... and where QEMU says, $out" diff "$T/theirs" "$T/ours"
	done
	works '... becomes qcow2' bp image convert --threads 1 -f vmdk -O qcow2 deep/$kind.vmdk one
	works '... with many threads, too' bp image convert --threads 8 -f vmdk -O qcow2 \
		deep/$kind.vmdk two
	works '... which is the same' cmp one two
	works '... to QEMU' qemu-img compare -q -f vmdk -F qcow2 deep/$kind.vmdk one
done
(cd deep && cp monolithicFlat.vmdk .. && mv monolithicFlat-flat.vmdk ..) # links are too large
fails 'one that is written over' bp image convert -O raw -f vmdk monolithicFlat.vmdk \
	monolithicFlat-flat.vmdk
has '... is being read' "$T/out" 'is read from: it cannot be written to'
works 'it is whole' bp image compare -f raw -F vmdk disk monolithicFlat.vmdk

# ---- what a text may name ------------------------------------------------------------------
text() { # its extents
	printf '%s\n' '# Disk DescriptorFile' version=1 CID=1234abcd parentCID=ffffffff \
		'createType="custom"' "$@" >t.vmdk
}
head -c 1M /dev/urandom >a
head -c 64k /dev/urandom >b
text 'RW 128 FLAT "a" 8' 'RW 8 ZERO' 'RW 256 FLAT "b" 0' 'RW 16 VMFS "deep/c"'
cp a deep/c
works 'parts of files, zeros, and what is cut off' bp image convert -f vmdk -O raw t.vmdk out
{
	dd if=a bs=4096 skip=1 count=16 status=none
	head -c 4096 /dev/zero
	cat b
	head -c 65536 /dev/zero
	head -c 8192 a
} >want
works '... are one behind the other' cmp out want
refused() { # WHY EXTENT...
	why=$1
	shift
	text "$@"
	fails "refused: $*" bp image convert -f vmdk -O raw t.vmdk out
	has "... as $why" "$T/out" "$why"
}
cp want "$T/secret"
refused 'no file beside it' "RW 8 FLAT \"$T/secret\" 0"
refused 'no file beside it' 'RW 8 FLAT "../secret" 0'
refused 'no file beside it' 'RW 8 FLAT "deep/../../secret" 0'
refused 'no file beside it' 'RW 8 FLAT "nbd:localhost:1" 0'
refused 'no file beside it' 'RW 8 FLAT "json:{}" 0'
refused 'neither a file nor a block device' 'RW 8 FLAT "deep" 0'
mkfifo fifo
refused 'neither a file nor a block device' 'RW 8 FLAT "fifo" 0'
refused 'No such file' 'RW 8 FLAT "gone" 0'
refused 'used twice' 'RW 8 FLAT "t.vmdk" 0'
refused 'used twice' 'RW 8 FLAT "a" 0' 'RW 8 FLAT "a" 8'
refused 'of type SESPARSE' 'RW 8 SESPARSE "a"'
refused 'names no file' 'RW 8 FLAT'
refused 'absurd' 'RW 8 FLAT "a" 99999999999999999'
refused 'absurd' 'RW 18014398509481983 FLAT "a" 0' 'RW 8 ZERO'
refused 'has no size' 'RW x FLAT "a" 0'
refused 'names no extents' '# none'
refused 'only what is in one sparse file' 'RW 128 SPARSE "a"'
cp t.vmdk inner.vmdk
refused 'only what is in one sparse file' 'RW 128 SPARSE "inner.vmdk"'
[ -s out ]
is 'nothing was made of it' "$(cmp out want)" ''

# ---- based on another ----------------------------------------------------------------------
qemu-img create -q -f vmdk base.vmdk 8M
qemu-io -f vmdk -c 'write -P 1 0 2M' base.vmdk >/dev/null
for kind in monolithicSparse twoGbMaxExtentSparse; do
	qemu-img create -q -f vmdk -o subformat=$kind -b base.vmdk -F vmdk $kind-over.vmdk
	qemu-io -f vmdk -c 'write -P 2 1M 2M' $kind-over.vmdk >/dev/null
	qemu-img convert -f vmdk -O raw $kind-over.vmdk want
	works "$kind: what it has, and what its base has" bp image compare -f vmdk -F raw \
		$kind-over.vmdk want
done
qemu-io -f vmdk -c 'write -P 3 4M 64k' base.vmdk >/dev/null
fails 'a base that was changed since' bp image convert -f vmdk -O raw \
	monolithicSparse-over.vmdk out
has '... is not what it was' "$T/out" "'base.vmdk' was changed after 'monolithicSparse-over.vmdk'"
works '... and stands for itself' bp image convert -f vmdk -O raw base.vmdk out

# A guest that has written such a text into its disk leads nobody anywhere.
text 'RW 8 FLAT "a" 0'
qemu-img create -q -f qcow2 -u -b t.vmdk -F raw over 4k
works 'a disk that looks like one is a disk' bp image convert -O raw over out
works '... as it is' cmp -n 100 out t.vmdk
printf '\0\0\0\0' | dd of=over bs=1 seek=112 conv=notrunc status=none	# the format
fails 'if nobody says so' bp image convert -O raw over out
has '... it is not followed' "$T/out" 'the format must be recorded first'
fails 'nor is it followed by itself' bp image convert -O raw t.vmdk out
has '... if nobody says that it is one' "$T/out" 'nobody says that it is one'
works 'info opens nothing' bp image info t.vmdk
done_testing
