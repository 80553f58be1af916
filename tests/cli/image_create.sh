#!/bin/sh
# image_create.sh - image create, beside qemu-img.
# SPDX-License-Identifier: LGPL-2.1-or-later
set -u
# shellcheck disable=SC1091 # tests are run from the top
. tests/lib.sh
needs qemu-img 'needs qemu-img'

mkdir "$T/ours" "$T/theirs"
ln -s "$BAREPOOL" "$T/bin/qemu-img"
qemu-img create -q -f qcow2 "$T/ours/base" 1G
qemu-img create -q -f raw "$T/ours/raw" 3M
cp "$T/ours/base" "$T/ours/raw" "$T/theirs"

# all FILE COMMAND...: all that it says, in that directory, and its status.
all() (
	cd "$T/$1" || exit
	out=$T/$1.out
	shift
	"$@" >"$out" 2>&1
	echo "[$?]" >>"$out"
)

# same WORDS...: both say the same, and what they make is the same.
same() {
	all ours "$T/bin/qemu-img" create "$@"
	all theirs qemu-img create "$@"
	if ! diff "$T/theirs.out" "$T/ours.out" >"$T/out"; then show; nok "create $*"; return; fi
	if grep -q '^\[0\]$' "$T/ours.out" && [ -e "$T/theirs/new" ]; then
		for side in ours theirs; do
			qemu-img info -U "$T/$side/new" 2>&1 | grep -v '^disk size' |
				sed "s|$T/$side/||g" >"$T/$side.info"
		done
		diff "$T/theirs.info" "$T/ours.info" >"$T/out" || { show; nok "create $*"; return; }
		cmp "$T/theirs/new" "$T/ours/new" >"$T/out" || { show; nok "create $*"; return; }
	fi
	rm -f "$T/theirs/new" "$T/ours/new"
	ok "create $*"
}

same -f qcow2 new 1G
same new 1.5M
same -f raw new 1025
same -f raw -o preallocation=off new 64k
same -f raw -o preallocation=falloc new 64k
same -f raw -o preallocation=full new 64k
same -f raw -o preallocation=metadata new 64k
same -q -f qcow2 new 1M
same -f qcow2 -o size=3M new
same -f qcow2 -o size=3M new 4M
same -f qcow2 new
same -f qcow2 -b base -F qcow2 new
same -f qcow2 -b raw -F raw new 2G
same -f qcow2 -b nobody -F raw -u new
same -f qcow2 -b nobody -F raw -u new 1M
same -f qcow2 -o backing_file=base,backing_fmt=qcow2 new
same -f qcow2 -o backing_file=a,,b,backing_fmt=raw,size=1M -u new
same -f qcow2 -b new -F qcow2 new
same -f qcow2 -b base -F nobody new
same -f raw -b base -F qcow2 new 1M
same -f raw -F qcow2 new 1M
for o in compat=0.10 compat=v2 compat=1.1 compat=v3 compat=0.42 cluster_size=512 cluster_size=2M \
	cluster_size=3k cluster_size=4M cluster_size=half refcount_bits=1 refcount_bits=64 \
	refcount_bits=3 refcount_bits=1,compat=0.10 lazy_refcounts lazy_refcounts=on,compat=0.10 \
	nolazy_refcounts lazy_refcounts=maybe extended_l2=on extended_l2=on,cluster_size=4k \
	compression_type=zstd compression_type=zstd,compat=0.10 compression_type=lzma nocow=on \
	preallocation=off preallocation=some what=ever size=two; do
	same -f qcow2 -o "$o" new 10M
done
same -f qcow2 -o cluster_size=512 -o refcount_bits=8,compat=1.1 new 1M
same -f qcow2 -o cluster_size=512 new 1T
same -f qcow2 -b base -F qcow2 -o preallocation=metadata new
for size in 0 1 1.0 1.5k 1.0001k 1.999999999M 0x10 010 5b 5B 1x 1Mx 1e3 1.5 .5k 20E 1.25E \
	9223372036854775808 99999999999999999999 ''; do
	same -f qcow2 -o cluster_size=2M new "$size"
done
same -f qcow2 "$T/nowhere/new" 1M
same -f nobody new 1M

cd "$T/ours" || exit 1
fails 'a format of the backing file is not guessed' bp image create -f qcow2 -b base new
has 'but what it looks like is told' "$T/out" 'Detected format of qcow2.'
fails 'what backs it must be there' bp image create -f qcow2 -b nobody -F raw new
has 'and is named' "$T/out" "'nobody': No such file or directory"
lacks 'nothing is made' "$T/out" Formatting
for o in encryption=on encrypt.format=luks; do
	fails "$o is refused" bp image create -f qcow2 -o $o new 1M
	has 'by name' "$T/out" "Parameter '${o%=*}' is not supported here"
done
fails 'so is what needs a secret' bp image create --object secret,id=s -f qcow2 new 1M
works 'options are listed' bp image create -f qcow2 -o help
has 'with what they mean' "$T/out" '  cluster_size=<size>    - qcow2 cluster size'
is 'nothing was made' "$(ls)" "$(printf 'base\nraw')"

echo old >file
chmod 640 file
ln -s file link
works 'what is there is replaced' bp image create -f qcow2 link 1M
is 'behind its link' "$(readlink link)" file
is 'and keeps its mode' "$(stat -c %a file)" 640
is 'as an image' "$(qemu-img info file | grep -c '^file format: qcow2')" 1
fails 'a directory is not' bp image create -f raw . 1M

# A link to a file that is not there leads to where it shall be.
mkdir "$T/far"
ln -s two to2
ln -s hop away
ln -s "$T/far/made" hop
works 'a link that leads nowhere yet' bp image create -f qcow2 away 1M
is 'stays one' "$(readlink away) $(readlink hop)" "hop $T/far/made"
is 'and the file is where it leads' "$(stat -c %F "$T/far/made")" 'regular file'
ln -s round trip
ln -s trip round
fails 'links in a circle lead nowhere' bp image create -f qcow2 trip 1M
is 'and stay' "$(readlink trip)" round
fails 'a data file that leads to the image' \
	bp image create -f qcow2 -o data_file=to2 two 1M
has 'is refused as that' "$T/out" 'cannot be the data file of itself'
ln -s /nowhere/at/all lost
fails 'nor do those into a directory that is not there' bp image create -f qcow2 lost 1M
is 'which stay, too' "$(readlink lost)" /nowhere/at/all

# What is open as nothing that has a name: a pipe, and a file that was deleted.
ln -s /proc/self/fd/3 opened
bp image create -q -f qcow2 opened 1M 3>&1 2>"$T/out" | cat >"$T/pipe"
is 'a pipe gets nothing' "$(cat "$T/pipe")" ''
has 'it is told what it is' "$T/out" 'is neither a file nor a block device'
is 'and the link to it stays' "$(readlink opened)" /proc/self/fd/3
: >gone
exec 3<>gone
rm gone
fails 'a file without a name cannot be replaced' bp image create -q -f qcow2 opened 1M
is 'and the link to that stays' "$(readlink opened)" /proc/self/fd/3
exec 3>&-
done_testing
