#!/bin/sh
# image_bitmap.sh - image bitmap, beside qemu-img.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
. tests/lib.sh
. tests/images.sh

# What QEMU says of both, and that ours is whole.
alike() {
	for d in A B; do
		(cd "$T/$d" && qemu-img info --output=json "$1") |
			sed '/"actual-size"/d' >"$T/$d.info"
	done
	works "$1: the same bitmaps" cmp "$T/A.info" "$T/B.info"
	works '... and it is whole' qemu-img check -q "$T/B/$1"
	same "$1" qcow2 ''
}

for options in cluster_size=64k cluster_size=512 cluster_size=2M,extended_l2=on; do
	made -f qcow2 -o $options a 20M
	wholly "a bitmap: $options" bitmap --add a one
	wholly 'of another granularity' bitmap --add -g 1M -f qcow2 a two
	wholly 'that nobody writes to' bitmap --add --disable a three
	alike a
	for d in A B; do qemu-io -f qcow2 -c 'write -P 1 1M 5M' "$T/$d/a" >/dev/null || exit 1; done
	alike a
	wholly 'disabled' bitmap --disable a one
	wholly 'enabled' bitmap --enable a three
	alike a
	wholly 'cleared' bitmap --clear a two
	alike a
	wholly 'removed' bitmap --remove a one
	alike a
	wholly 'the others, too' bitmap --remove a two
	wholly 'all at once' bitmap --remove --add --clear --disable a three
	alike a
	wholly 'none is left' bitmap --remove a three
	alike a
	wholly 'it can be made larger again' resize a 30M
	alike a
done

wholly 'there' bitmap --add a one
wholly 'is one of this name' bitmap --add a one
wholly 'none of this' bitmap --remove a nonesuch
both 'nothing to do' bitmap a one
both 'a granularity for none' bitmap -g 64k --clear a one
both 'that is none' bitmap --add -g 3k a two
both 'no name' bitmap --add a
made -f qcow2 -o compat=0.10 old 1M
both 'an old version' bitmap --add old one
both 'raw' bitmap --add -f raw a one
alike a

# A bitmap that was in use when QEMU was killed.
qemu-io -f qcow2 -c 'write 0 64k' -c flush -c 'sigraise 9' "$T/B/a" >/dev/null 2>&1
fails 'one that is inconsistent is not used' bp image bitmap --clear "$T/B/a" one
has 'and why' "$T/out" inconsistent
works 'but removed' bp image bitmap --remove "$T/B/a" one
works '... whole' qemu-img check -q "$T/B/a"

# Merged: of other granularities, disabled ones, and from another image.
for options in cluster_size=64k cluster_size=512 cluster_size=16k,extended_l2=on; do
	made -f qcow2 -o $options m 200M
	made -f qcow2 n 200M
	for d in A B; do
		(cd "$T/$d" && qemu-img bitmap --add m one && qemu-img bitmap --add -g 1M m two &&
			qemu-img bitmap --add --disable -g 512 m fine &&
			qemu-img bitmap --add -g 2M n big && qemu-img bitmap --add -g 32k n small &&
			qemu-io -f qcow2 -c 'write 100k 20k' -c 'write 199999k 10k' m &&
			qemu-io -f qcow2 -c 'write 30M 10M' -c 'write -z 150M 31k' n) \
			>/dev/null || exit 1
	done
	wholly "merged: $options" bitmap --merge two m fine
	noted m fine
	wholly 'the same again' bitmap --merge two m fine
	wholly 'itself' bitmap --merge one m one
	wholly 'a finer one' bitmap --merge fine m one
	noted m one
	wholly 'of another image' bitmap --merge small -b n -F qcow2 m fine
	noted m fine
	wholly 'two, into a new one' bitmap --add --merge big --disable -b n --merge small m new
	noted m new
	alike m
	wholly 'a copy has them, too' convert --bitmaps -O qcow2 m copy
	for b in one two fine new; do noted copy $b; done
	works '... whole' qemu-img check -q "$T/B/copy"
done
wholly 'one that is not there' bitmap --merge nonesuch m one
wholly 'into none' bitmap --merge one m nonesuch
wholly 'a source for nothing' bitmap --clear -b n m one
wholly 'a format for nothing' bitmap --merge one -F qcow2 m one
wholly 'of a raw file' bitmap --merge one -b m -F raw m one
made -f qcow2 larger 201M
wholly '...' bitmap --add larger one
wholly 'of another size' bitmap --merge one -b larger m one
made -f raw r 1M
wholly 'a raw one has none' convert --bitmaps -O qcow2 r c
wholly 'nor can it' convert --bitmaps -O raw m c
wholly 'an old version cannot' convert --bitmaps -O qcow2 -o compat=0.10 m c
wholly 'of two' convert --bitmaps -O qcow2 m m c
wholly 'without bitmaps' convert --skip-broken-bitmaps -O qcow2 m c
alike m

for d in A B; do
	(cd "$T/$d" && qemu-io -f qcow2 -c 'write 0 64k' -c flush -c 'sigraise 9' m) \
		>/dev/null 2>&1
	(cd "$T/$d" && qemu-img bitmap --add m whole)
done
wholly 'from an inconsistent one' bitmap --merge one m whole
wholly 'into one' bitmap --merge whole m one
wholly 'they are not copied' convert --bitmaps -O qcow2 m c
both 'but the others' convert --bitmaps --skip-broken-bitmaps -O qcow2 m c
works '... told' cmp "$T/ea" "$T/eb"
noted c whole

# What QEMU would not open the image for is neither made, nor called whole.
cd "$T/B" || exit 1
bp image create -q -f qcow2 none 0
fails 'a disk without bytes has nothing to note' bp image bitmap --add none b
works 'it is whole' qemu-img check -q none
bp image create -q -f qcow2 some 1M
bp image bitmap --add some noted
fails 'nor does one with a bitmap get so small' bp image resize --shrink some 0
works 'which is whole' qemu-img check -q some
entry=$(($(grep -abo noted some | cut -d: -f1) - 24))
while read -r at bytes what; do
	cp some bad
	# shellcheck disable=SC2059 # it is one
	printf "$bytes" | dd of=bad bs=1 seek=$((entry + at)) conv=notrunc status=none
	fails "QEMU does not open it: $what" qemu-img info bad
	bp image check bad >"$T/out" 2>&1
	is 'it is damaged' $? 2
	has 'by its bitmap' "$T/out" 'bitmap 1'
done <<'END'
11 \0 a table without entries
14 \1 an unknown flag
16 \2 of another kind
17 \10 finer than it can be
17 \40 coarser than it can be
END
works 'which can be removed' bp image bitmap --remove bad noted
works 'and then it is whole' qemu-img check -q bad
bp image create -q -f qcow2 -o cluster_size=512 short 4M
bp image bitmap --add -g 512 short noted
entry=$(($(grep -abo noted short | cut -d: -f1) - 24))
printf '\1' | dd of=short bs=1 seek=$((entry + 11)) conv=notrunc status=none
fails 'QEMU does not open it: a table of half the disk' qemu-img info short
bp image check short >"$T/out" 2>&1
has 'it is damaged' "$T/out" 'bitmap 1'
done_testing
