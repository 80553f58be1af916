#!/bin/sh
# image_check.sh - images of formats that count nothing, damaged by hand: told as by QEMU.
# SPDX-License-Identifier: LGPL-2.1-or-later
set -u
# shellcheck disable=SC1091 # tests are run from the top
. tests/lib.sh
needs qemu-img 'needs qemu-img'
needs qemu-io 'needs qemu-io'

stock=$(command -v qemu-img)
ln -s "$BAREPOOL" "$T/bin/qemu-img"
cd "$T" || exit 1

# number FILE AT BYTES VALUE: the least of them first.
number() {
	v=$4 s='' i=0
	while [ "$i" -lt "$3" ]; do
		s=$s$(printf '\\0%03o' $((v & 255)))
		v=$((v >> 8)) i=$((i + 1))
	done
	printf '%b' "$s" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# told TOOL TO WORD...: all that it says of a file that is called x, and its status; what it
# then makes of it is x.TO.
told() {
	tool=$1 to=$2
	shift 2
	cp x before
	"$tool" check "$@" --output=json x >"$to" 2>/dev/null
	echo "status $?" >>"$to"
	cp before x
	"$tool" check "$@" x >>"$to" 2>"$to.err"
	cp x "x.$to"
	cp before x
}

# beside TEXT FORMAT WORD...: x is told as by QEMU, in numbers and words, but for errors.
beside() {
	what=$1 format=$2
	shift 2
	told "$stock" theirs -f "$format" "$@"
	told "$T/bin/qemu-img" ours -f "$format" "$@"
	cp theirs "$T/out"
	cat ours >>"$T/out"
	works "$what" cmp -s ours theirs
}

# The same, and what it says on the way is what QEMU says.
words() {
	beside "$@"
	sed -i 's/^qemu-img: //; s/^Check failed: .*/Check failed/' theirs.err ours.err
	works '... in its words' diff ours.err theirs.err
}

# changed FORMAT COMMAND...: x is good again, then that is done to it.
changed() {
	cp "good.$1" x
	shift
	"$@"
}

# ---- VDI: the map is at 512, how many blocks have a place at 388 ---------------------------
qemu-img create -q -f vdi good.vdi 16M
qemu-io -f vdi -c 'write -P 1 0 1M' -c 'write -P 2 4M 2M' good.vdi >/dev/null
changed vdi :
beside 'a VDI' vdi
changed vdi number x 512 4 99
words '... with a block where none can be' vdi
changed vdi number x 512 4 2
beside '... with a place that two blocks have' vdi
has '... which is told' ours.err 'ERROR block 5 has place 2, as another has'
changed vdi number x 388 4 9
words '... with a wrong number of blocks' vdi
changed vdi truncate -s 20M x
beside '... with more behind it' vdi
changed vdi number x 388 4 9
beside '... is not repaired' vdi -r all
beside '... not even leaks' vdi -r leaks
says 'which is said' bp image check -f vdi -r all x <<END
error: This image format does not support checks
hint: images of format vdi can be checked, but not repaired
[63]
END
# QEMU says nothing of it.
changed vdi truncate -s 2M x
bp image check -f vdi x >"$T/out" 2>&1
is 'blocks that are past the end of the file are damage' "$?" 2
has '... which is told' "$T/out" 'ERROR block 5 is at 2098176, and the file ends before'

# ---- VMDK: the directory is at 26 sectors, the table behind it ----------------------------
rm -f x
truncate -s 4M raw
qemu-io -f raw -c 'write -P 1 0 1M' -c 'write -P 2 2M 128k' raw >/dev/null
for sub in monolithicSparse streamOptimized twoGbMaxExtentSparse twoGbMaxExtentFlat; do
	qemu-img convert -O vmdk -o subformat=$sub raw good.vmdk
	changed vmdk :
	beside "a VMDK, $sub" vmdk
	beside '... which is not repaired' vmdk -r all
	cp good.vmdk good.$sub
done
gone() {
	number x $((26 * 512)) 4 99999
}
changed monolithicSparse number x $((27 * 512 + 64)) 4 99999
words '... with a grain past the end' vmdk
changed monolithicSparse number x $((27 * 512 + 4)) 4 2432
words '... with one right behind it' vmdk
changed monolithicSparse number x $((27 * 512 + 4)) 4 2431
words '... with one just inside' vmdk
changed monolithicSparse number x $((26 * 512)) 4 0
words '... with no table' vmdk
changed monolithicSparse truncate -s 1245183 x
words '... with a byte less' vmdk
changed monolithicSparse truncate -s 5000 x
beside '... that is cut off' vmdk
# QEMU takes this for a table of zeros.
changed monolithicSparse gone
bp image check -f vmdk x >"$T/out" 2>&1
is '... with a table past the end' "$?" 1
has '... is told' "$T/out" 'ERROR the table of sector 0 is past the end of the file, at 51199488'
changed monolithicSparse number x 12 8 131072
number x $((26 * 512 + 4)) 4 27
bp image check -f vmdk x >"$T/out" 2>&1
is '... with a table used twice' "$?" 2
has '... is told' "$T/out" 'ERROR the table of sector 65536 is that of others, too'
# Of those, the data are in files beside them.
changed twoGbMaxExtentFlat truncate -s 2000 good-f001.vmdk
words 'a VMDK with a short file' vmdk
truncate -s 0 good-f001.vmdk
words '... with an empty one' vmdk
changed twoGbMaxExtentSparse truncate -s 100000 good-s001.vmdk
beside '... with a sparse one that is cut off' vmdk
is '... of which all is told' "$(grep -c 'points after EOF' ours.err)" 17
rm good-s001.vmdk
beside '... with none' vmdk
# What comes before a compressed grain: the first is at 128 sectors, and has 85 bytes.
changed streamOptimized number x 65536 8 0
words 'a VMDK with a grain where it belongs' vmdk
while read -r at bytes value what; do
	changed streamOptimized number x "$at" "$bytes" "$value"
	bp image check -f vmdk x >"$T/out" 2>&1
	is "... with a grain that says something else ($value)" "$?" 2
	has '... is told' "$T/out" "ERROR the grain of sector $what"
done <<END
65536 8 128 0 says that it is of 128
65544 4 0 0 says that it has 0 bytes
66056 4 131073 128 says that it has 131073 bytes
73224 4 100000 1920 says that it has 100000 bytes
13828 4 144 128 says that it is of 4096
END

# ---- qed: L1 at 64 KiB, L2 at 0x150000 -----------------------------------------------------
rm -f x
qemu-img create -q -f qed good.qed 64M
qemu-io -f qed -c 'write -P 1 0 1M' -c 'write -P 2 4M 128k' -c 'write -z 8M 64k' good.qed >/dev/null
l1=65536 l2=$((0x150000))

# qed TEXT COMMAND...: what is done to it, and what is told of it; repaired, too, what QEMU makes
# of it.
qed() {
	what=$1
	shift
	changed qed "$@"
	beside "a qed $what" qed
	cp ours.err said
	beside '... repaired as by QEMU' qed -r all
	works '... and the same bytes' cmp x.ours x.theirs
}
qed 'image' :
qed 'with an entry within a cluster' number x $l2 8 $((0x90200))
has '... which is told' said 'ERROR entry 0 of an L2 table leads to 590336, where nothing can be'
qed 'with one past the end' number x $l2 8 $((0x9990000))
qed 'with one far past the end' number x $l2 8 $((0x7fffffffffff0000))
qed 'with one into the header' number x $((l2 + 8)) 8 $((0xffffffffffff0000))
qed 'with a cluster used twice' number x $l2 8 $((0xa0000))
has '... which is told' said 'ERROR the cluster at 655360 is used twice, by entry 5 of an L2 table'
qed 'with data in a table' number x $l2 8 $l1
qed 'with a cluster for nobody' number x $l2 8 0
qed 'with a table within a cluster' number x $l1 8 $((l2 + 512))
qed 'with a table past the end' number x $l1 8 $((0x9999990000))
qed 'with a table used twice' number x $((l1 + 8)) 8 $l2
qed 'that was not closed' number x 16 8 2
is '... is afterwards' "$(od -An -tx1 -j16 -N1 x.ours)" ' 00'
damaged() {
	number x 16 8 2
	number x "$l2" 8 $((0x9990000))
	number x "$((l2 + 64))" 8 77
}
qed 'that was not closed, with damage' damaged
qed 'with a byte more' truncate -s 1769473 x
qed 'with a byte less' truncate -s 1769471 x
qed 'without its last cluster' truncate -s 1703936 x
qed 'that is cut off' truncate -s 1000000 x
qed 'with more behind it' truncate -s 8769471 x
changed qed damaged
cp x before
bp image check -f qed -r leaks x >"$T/out" 2>&1
is 'who wants leaks repaired leaves damage' "$?" 2
works '... as it is' cmp x before
changed qed number x $l1 8 1 # where only a table can be
beside 'a qed with zeros in place of a table' qed
changed qed number x 12 4 1000
bp image check -f qed x >"$T/out" 2>&1
is 'a qed with its L1 table in the header cannot be checked' "$?" 1
has '... and why' "$T/out" 'the L1 table of the qed image is at 65536, where none can be'
qemu-img create -q -f qed -o cluster_size=4096,table_size=16 x 10M
qemu-io -f qed -c 'write -P 1 0 1M' -c 'write -P 2 4M 128k' x >/dev/null
beside 'a qed with small clusters' qed
truncate -s 1M x
beside '... cut off' qed

# ---- Parallels: the map is at 64, who has it open at 44 ------------------------------------
rm -f x
qemu-img create -q -f parallels good.parallels 64M
cp good.parallels x
beside 'an empty Parallels image' parallels
qemu-io -f parallels -c 'write -P 1 0 2M' -c 'write -P 2 4M 128k' good.parallels >/dev/null

# parallels TEXT COMMAND...: what is done to it, and what is told of it.
parallels() {
	what=$1
	shift
	changed parallels "$@"
	words "a Parallels image $what" parallels
}

# mended REPAIR: the same by QEMU, which leaves more space at times.
mended() {
	beside "... repaired ($1) as by QEMU" parallels -r "$1"
	cp x.ours x
}
sound() {
	works '... and is found whole by QEMU' "$stock" check -q -f parallels x
}
parallels 'as it is' :
mended all
works '... which changes nothing' cmp x good.parallels
parallels 'with a block past the end' number x 64 4 99
mended leaks
works '... which changes nothing' cmp x before
mended all
sound
is '... and has no more space than it had' "$(stat -c %s x)" 4194304
parallels 'that was not closed' number x 44 4 $((0x746F6E59))
mended all
works '... which is all' cmp x good.parallels
parallels 'with more behind it' truncate -s 9M x
mended leaks
sound
works '... as it was' cmp x good.parallels
parallels 'with a byte more' truncate -s 4194305 x
mended all
works '... as it was' cmp x good.parallels
parallels 'that is cut off' truncate -s 2000000 x
mended all
sound
is '... in its space' "$(stat -c %s x)" 2000000
both() {
	number x 44 4 $((0x746F6E59))
	number x 64 4 99
	truncate -s 7M x
}
parallels 'with all of it' both
bp image check -f parallels -r all x >"$T/out" 2>&1
is '... repaired' "$?" 0
sound
is '... gives back what is lost' "$(stat -c %s x)" 4194304

# Blocks of a sector, and a map that is longer.
in_the_map() {
	number x 28 4 1
	number x 32 4 128
	number x 64 4 1
}
# QEMU says nothing of these, and we do not know what is right.
for where in 2 1; do
	changed parallels number x 64 4 $where
	[ "$where" = 2 ] || in_the_map
	cp x before
	bp image check -f parallels -r all x >"$T/out" 2>&1
	is "a block where something else is ($where)" "$?" 2
	works '... stays there' cmp x before
done
changed parallels truncate -s 9M x
number x 56 8 12288
bp image check -f parallels -r all x >"$T/out" 2>&1
is 'where there is more than blocks' "$?$(stat -c ' %s' x)" '0 9437184'

# ---- VHDX: the block table is at 2 MiB -----------------------------------------------------
rm -f x
qemu-img create -q -f vhdx -o block_size=1M good.vhdx 64M
qemu-io -f vhdx -c 'write -P 1 0 2M' -c 'write -P 2 4M 128k' good.vhdx >/dev/null
table=$((2 << 20))
vhdx() {
	what=$1
	shift
	changed vhdx "$@"
	words "a VHDX $what" vhdx
	beside '... with -r all' vhdx -r all
	works '... which changes nothing' cmp x x.ours
}
vhdx 'as it is' :
vhdx 'with a block past the end' number x $table 8 $((0x6300006))
vhdx 'with one right behind it' number x $((table + 8)) 8 $((0xb00006))
vhdx 'with one far behind it' number x $((table + 8)) 8 $((0x7fffffff00000006))
vhdx 'with an entry for none' number x $((table + 8 * 70)) 8 $((0x6300006))
vhdx 'without the end of a block' truncate -s 11000000 x
vhdx 'with a byte less' truncate -s 11534335 x
vhdx 'that is cut off' truncate -s 6000000 x
vhdx 'with more behind it' truncate -s 20M x
changed vhdx number x $table 8 $((0x200006))
beside 'a VHDX with a block in its table' vhdx
has '... which is told' ours.err 'ERROR the block of entry 0 of the block table, at 2097152, is'
# QEMU says nothing of these.
for entry in 0x900006 0x6 0x900007; do
	changed vhdx number x $table 8 $((entry))
	bp image check -f vhdx -r all x >"$T/out" 2>&1
	is "a block where something else is, or that needs a parent ($entry)" "$?" 2
	works '... stays there' cmp x good.vhdx -n $table
done

# ---- whoever does not say the format; and others -------------------------------------------
cp good.monolithicSparse good.vmdk
for f in vdi vmdk qed parallels vhdx; do
	changed $f :
	told "$stock" theirs
	told "$T/bin/qemu-img" ours
	works "$f is recognised" diff ours theirs
done
for f in raw qcow vpc; do
	rm x
	qemu-img create -q -f $f x 4M
	beside "$f has nothing to check" $f
	beside '... or to repair' $f -r all
done
: >x
for f in vdi vmdk qed parallels vhdx; do
	beside "an empty file is no $f" $f
done
done_testing
