#!/bin/sh
# image_commit.sh - image commit and rebase, beside qemu-img.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
. tests/lib.sh
. tests/images.sh

# Bytes into the same image of both.
put() {
	file=$1
	shift
	for d in A B; do
		for c; do qemu-io -f qcow2 -c "$c" "$T/$d/$file" >/dev/null || exit 1; done
	done
}
chain() {
	rm -f "$T"/[AB]/*
	made -f qcow2 -o "$1" base 4M
	made -f qcow2 -o "$2" -b base -F qcow2 mid 5M
	made -f qcow2 -o "$3" -b mid -F qcow2 top 6M
	put base 'write -P 1 0 3M'
	put mid 'write -P 2 1M 1M' 'write -z 2500k 100k' 'write -P 3 4500k 300k'
	put top 'write -P 4 1500k 200k' 'write -P 5 100k 5k' 'write -z 10k 90k'
	put top 'write -P 6 5500k 70k'
}
all_same() {
	for i in base mid top; do same $i qcow2 "$1"; done
}
for kinds in 'cluster_size=64k cluster_size=64k cluster_size=64k' \
	'compat=0.10,cluster_size=512 cluster_size=2M cluster_size=16k,extended_l2=on' \
	'cluster_size=16k,extended_l2=on compat=0.10 cluster_size=4k' \
	'cluster_size=1M compat=1.1,refcount_bits=64,cluster_size=512 compat=0.10'; do
	# shellcheck disable=SC2086 # three words
	chain $kinds
	wholly "commit: $kinds" commit top
	all_same ''
	# shellcheck disable=SC2086
	chain $kinds
	wholly 'into the lowest' commit -b base top
	all_same ''
	# shellcheck disable=SC2086
	chain $kinds
	wholly 'kept' commit -d -q top
	all_same ''
	# shellcheck disable=SC2086
	chain $kinds
	made -f qcow2 other 3M
	put other 'write -P 1 0 2M' 'write -P 9 2M 300k'
	wholly 'another backing file' rebase -b other -F qcow2 top
	all_same ''
	# shellcheck disable=SC2086
	chain $kinds
	wholly 'one of the same chain' rebase -b base -F qcow2 -t none -T writeback top
	all_same ''
	(cd "$T/B" && qemu-img info --output=json top) >"$T/info"
	has 'it names that' "$T/info" '"backing-filename": "base"'
	wholly 'none at all' rebase -b '' top
	all_same ''
	(cd "$T/B" && qemu-img info --output=json top) >"$T/info"
	lacks 'it names none' "$T/info" backing
done

chain compat=1.1 compat=1.1 compat=1.1
both 'into what is not below it' commit -b nonesuch top
both 'of no backing file' commit base
both 'no such cache mode' commit -t foo top
both 'no such rate' commit -r foo top
wholly 'slowly' commit -r 100M top
put top 'write -P 4 1500k 200k'
(cd "$T/B" && "$T/q/qemu-img" commit -p top) >"$T/out"
has 'it is told how far it is' "$T/out" '(100.00/100%)'
put top 'write -P 4 1500k 200k'
(cd "$T/A" && qemu-img commit -q top)
both 'no backing file is said' rebase top
wholly 'no format' rebase -b base top
wholly 'an unknown format' rebase -b base -F nonesuch top
both 'what is not there' rebase -b nonesuch -F qcow2 top
both 'itself' rebase -b top -F qcow2 top
all_same ''

# What an image in between was too small for did not show, and must not then.
rm "$T"/[AB]/*
made -f qcow2 base 4M
made -f qcow2 -b base -F qcow2 mid 1M
made -f qcow2 -b mid -F qcow2 top 4M
put base 'write -P 1 0 4M'
put top 'write -P 3 2M 64k'
wholly 'past a small one' commit -b base top
all_same ''
works 'it shows what the top shows' qemu-img compare -q "$T/B/base" "$T/B/top"

# Raw below.
rm "$T"/[AB]/*
made -f raw base 3M
made -f qcow2 -b base -F raw top 4M
put top 'write -P 4 1500k 200k' 'write -P 5 3500k 5k' 'write -z 10k 90k'
wholly 'into raw' commit top
works 'the same bytes' cmp "$T/A/base" "$T/B/base"
same top qcow2 ''

# Nobody may use either, from who reads the base to who writes to the image.
mkfifo "$T/hold"
qemu-io -f raw -r "$T/B/base" <"$T/hold" >"$T/held" 2>&1 &
exec 7>"$T/hold"
echo 'read 0 512' >&7
until_true grep -q ops "$T/held"
fails 'a base that is used is not committed into' bp image commit "$T/B/top"
has 'and it is named' "$T/out" "$T/B/base"
works 'but what lies upon it can leave it' bp image rebase -b '' "$T/B/top"
echo q >&7
exec 7>&-
wait
same top qcow2 ''

# What cannot be done leaves all as it was.
made -f vmdk old 1M
made -f qcow2 -b old -F vmdk top 1M
put top 'write -P 4 500k 200k'
cp "$T/B/top" "$T/kept"
fails 'into vmdk' bp image commit "$T/B/top"
says 'and why' sed 's/.*: //' "$T/out" <<'END'
images of format vmdk cannot be written to, only new ones
END
works 'it has what it had' cmp "$T/kept" "$T/B/top"
works 'it can leave it' bp image rebase -b '' "$T/B/top"
qemu-img rebase -b '' "$T/A/top"
same top qcow2 ''

# Nor is anything written below for an image that could not be emptied then.
made -f qcow2 old 1M
made -f qcow2 -b old -F qcow2 top 1M
put top 'write -P 4 500k 200k'
printf '\001' | dd of="$T/B/top" bs=1 seek=79 conv=notrunc status=none	# dirty
cp "$T/B/top" "$T/kept"
cp "$T/B/old" "$T/kept.old"
fails 'one that was not closed' bp image commit "$T/B/top"
has 'and what to do' "$T/out" 'repair it first'
works 'the base is as it was' cmp "$T/kept.old" "$T/B/old"
works 'and so is the image' cmp "$T/kept" "$T/B/top"
works 'which is mended' bp image check -r all "$T/B/top"
works 'and committed' bp image commit "$T/B/top"
qemu-img commit -q "$T/A/top"
same old qcow2 ''

# A chain that is in danger of a loop.
made -f qcow2 a 1M
made -f qcow2 -b a -F qcow2 b 1M
fails 'an image below itself' bp image rebase -b b -F qcow2 "$T/B/a"
has 'and why' "$T/out" 'backing file of itself'
done_testing
