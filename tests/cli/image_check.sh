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
	while [ $i -lt "$3" ]; do
		s=$s$(printf '\\0%03o' $((v & 255)))
		v=$((v >> 8)) i=$((i + 1))
	done
	printf '%b' "$s" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# told TOOL TO WORD...: all that it says of a file that is called x, and its status.
told() {
	tool=$1 to=$2
	shift 2
	"$tool" check "$@" --output=json x >"$to" 2>/dev/null
	echo "status $?" >>"$to"
	"$tool" check "$@" x >>"$to" 2>"$to.err"
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
	sed -i 's/^qemu-img: //' theirs.err ours.err
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
has '... which is told' "$T/out" 'ERROR block 5 is at 2098176'
done_testing
