#!/bin/sh
# image_resize.sh - image resize, snapshot and rebase -u, beside qemu-img.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
. tests/lib.sh
. tests/images.sh

made -f qcow2 a 10M
for d in A B; do
	qemu-io -f qcow2 -c 'write -P 1 0 9M' "$T/$d/a" >/dev/null || exit 1
done
wholly 'smaller, not asked for' resize a 5M
wholly 'smaller' resize --shrink a 5M
same a qcow2 -s
wholly 'by more' resize a +1M
wholly 'by less' resize --shrink a -2M
wholly 'by more than there is' resize --shrink a -20M
wholly 'no size' resize a abc
wholly 'nothing' resize a 0
wholly 'a size for no disk' resize a 99999999999999999999
wholly 'an unknown mode' resize --preallocation=foo a 20M
wholly 'space for what is lost' resize --preallocation=full --shrink a 1M
wholly 'quietly' resize -q a 30M
wholly 'with parts of a unit' resize a 40.5M
same a qcow2 -s
for mode in metadata falloc full; do
	made -f qcow2 $mode 1M
	wholly "space: $mode" resize --preallocation=$mode $mode 3M
	same $mode qcow2 -s
done
# What of a larger backing file was hidden stays hidden, also in the cluster it ends in.
made -f raw below 4M
for d in A B; do
	qemu-io -f raw -c 'write -P 7 0 4M' "$T/$d/below" >/dev/null || exit 1
done
for options in cluster_size=64k cluster_size=16k,extended_l2=on; do
	for size in 1M 1040384; do
		made -f qcow2 -b below -F raw -o $options over $size
		wholly "an overlay: $options, $size" resize over 6M
		same over qcow2 ""
		made -f qcow2 -b below -F raw -o $options over $size
		qemu-io -f qcow2 -c 'write -P 3 900k 64k' "$T/A/over" >/dev/null
		qemu-io -f qcow2 -c 'write -P 3 900k 64k' "$T/B/over" >/dev/null
		wholly "an overlay that has something: $options, $size" resize over 2M
		same over qcow2 ""
	done
done
made -f qcow2 -b below -F raw -o compat=0.10 over 1M
both 'version 2 cannot hide' resize over 6M

# What a smaller disk has cut off within a cluster does not come back, whoever cut: QEMU leaves
# it there.  A cluster that is the disk's alone stays where it is.
place() {
	qemu-img map --output=json "$T/cut" | sed -n '1s/.*"offset": \([0-9]*\).*/\1/p'
}
cut_off() { # OPTIONS SNAPSHOT WHO-CUTS WHO-GROWS
	rm -f "$T/cut"
	qemu-img create -q -f qcow2 -o "$1" "$T/cut" 1M &&
		qemu-io -f qcow2 -c 'write -P 34 0 1M' "$T/cut" >/dev/null || return 1
	[ -z "$2" ] || qemu-img snapshot -c kept "$T/cut" || return 1
	was=$(place)
	$3 resize -q --shrink "$T/cut" 520k && $4 resize -q "$T/cut" 567k || return 1
	[ -n "$2" ] || [ "$(place)" = "$was" ] || return 1
	qemu-io -r -f qcow2 -c 'read -P 34 0 520k' -c 'read -P 0 520k 47k' "$T/cut" >"$T/seen"
	! grep failed "$T/seen" && qemu-img check -q "$T/cut"
}
for options in cluster_size=64k cluster_size=2M cluster_size=64k,extended_l2=on; do
	works "cut by QEMU, grown by us: $options" cut_off $options '' qemu-img "bp image"
	works "cut by us, grown by QEMU: $options" cut_off $options '' "bp image" qemu-img
	works "a snapshot has it, too: $options" cut_off $options yes "bp image" "bp image"
done
# An entry that leads where another does is not believed.
qemu-img create -q -f qcow2 "$T/cut" 520k
qemu-io -f qcow2 -c 'write 0 520k' "$T/cut" >/dev/null
printf '\200\0\0\0\0\5\0\0' | dd of="$T/cut" bs=1 seek=$((0x40000 + 64)) conv=notrunc status=none
cp "$T/cut" "$T/wrong"
fails 'an image that is damaged there' bp image resize -q "$T/cut" 567k
works '... stays' cmp "$T/cut" "$T/wrong"
# All of what is new has space, the rest of a cluster that was there, too.
for mode in falloc full; do
	rm -f "$T/cut"
	qemu-img create -q -f qcow2 -o preallocation=metadata,cluster_size=2M "$T/cut" 3M
	works "$mode within a cluster" bp image resize -q --preallocation=$mode "$T/cut" 4M
	works '... has its space' test "$(stat -c '%b' "$T/cut")" -ge 2048
done

both 'no file' resize nofile 4M
for d in A B; do truncate -s 1M "$T/$d/raw"; done
wholly 'raw, not said' resize raw 2M
wholly 'raw' resize -f raw raw 3M
wholly 'raw, smaller' resize -f raw --shrink raw 1M
wholly 'raw, metadata' resize -f raw --preallocation=metadata raw 3M
wholly 'raw, falloc' resize -f raw --preallocation=falloc raw 3M
wholly 'raw, full' resize -f raw --preallocation=full raw 4M
same raw raw -s
both 'an unknown format' resize -f nonesuch raw 3M
both 'not that format' resize -f qcow2 raw 4M
made -f vmdk vm 1M
wholly 'a format that cannot' resize vm 2M

wholly 'no snapshots' snapshot -l a
wholly 'a snapshot' snapshot -c one a
wholly 'and one more' snapshot -c two a
both 'go back to what is not there' snapshot -a none a
both 'delete what is not there' snapshot -d none a
wholly 'go back' snapshot -a one a
wholly 'delete' snapshot -d one a
both 'two at once' snapshot -a two -d two a
both 'raw has none' snapshot -l raw
both 'nor can have one' snapshot -c x raw
same a qcow2 -s
qemu-img snapshot -c 'by QEMU' "$T/B/a"
cp "$T/B/a" "$T/A/a"
wholly 'they are listed' snapshot -l a
wholly 'they are listed, usually' snapshot a

made -f qcow2 base 1M
made -f qcow2 -b base -F qcow2 top 1M
wholly 'another backing file, not said which format' rebase -u -b base2 top
wholly 'an unknown format' rebase -u -b base2 -F nonesuch top
wholly 'another backing file' rebase -u -b base2 -F raw top
works 'it is the same to the byte' cmp "$T/A/top" "$T/B/top"
wholly 'none' rebase -u -b '' top
works 'that, too' cmp "$T/A/top" "$T/B/top"
both 'of a file that is not there' rebase -u -b base -F raw nofile
both 'of an image that can have none' rebase -u -f raw -b base -F raw raw
both 'of no file' rebase top

fails 'smaller, as barepool says it' bp image resize -f qcow2 "$T/B/a" 1M
says 'and why' sed 's/ an image.*//' "$T/out" <<'EOF'
error: Requested operation is not valid: Use the --shrink option to perform a shrink operation.
hint: Shrinking
EOF
done_testing
