#!/bin/sh
# logical_fast.sh - what LVM has reported holds as long as nothing has changed, and not longer.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
# lab: disk=virtio:256M disk=scsi:128M disk=virtio:128M disk=virtio:256M
# lab: program=strace limit=600 memory=640
. tests/lab.sh

needs lvm 'needs lvm2'
needs strace 'needs strace'
loads dm-mod dm-snapshot

one=$(disk 1) two=$(disk 2) more=$(disk 3) copy=$(disk 4)
kept=/run/barepool/lvm/seen

# traced COMMAND...: the files it opened and programs it ran are in $T/trace, what it said
# in $T/out.  calls: all its calls are.
traced() {
	strace -f -qq --seccomp-bpf -e trace=openat,execve -o "$T/trace" \
		"$T/bin/barepool" "$@" >"$T/out" 2>&1
}
calls() {
	strace -f -qq -o "$T/calls" "$T/bin/barepool" "$@" >"$T/out" 2>&1
	wc -l <"$T/calls"
}
# How often LVM was asked: its library opened, or its program run.
asked() {
	grep -c 'openat(.*/liblvm2cmd\.so[^ ]* .*= [0-9]\|execve(.*/lvm"' "$T/trace"
}
# alone NAME COMMAND...: it succeeds, and LVM is not asked.  asks: LVM is.
alone() {
	name=$1
	shift
	if traced "$@"; then is "$name" "$(asked)" 0; else show; nok "$name"; fi
}
asks() {
	name=$1
	shift
	traced "$@"
	case $(asked) in 0) show; nok "$name" ;; *) ok "$name" ;; esac
}

# All there is to say of the group: by what is kept, if that holds, and by LVM.
shown() {
	bp vol-list vg --details 2>&1
	bp pool-info vg --bytes 2>&1
	bp vol-dumpxml b vg 2>&1 | grep -v '<[amc]time>'
}
right() {
	shown >"$T/fast"
	rm -rf $kept
	shown >"$T/slow"
	if diff -u "$T/slow" "$T/fast" >"$T/out"; then ok "$1"; else show; nok "$1"; fi
}
# keep: what there is now is known, without LVM from here on.
keep() { bp vol-list vg >/dev/null; }

# after NAME COMMAND...: it is done behind our back; what is kept holds no longer, and what
# LVM says then does.
after() {
	name=$1
	shift
	keep
	"$@" >"$T/out" 2>&1 || { show; nok "$name: it can be done"; return; }
	asks "$name: LVM is asked" vol-list vg
	alone "$name: and once is enough" vol-list vg --details
}
# state NAME COMMAND...: the same for what the kernel knows, and the devices of the group
# tell: LVM need not be asked.
state() {
	name=$1
	shift
	keep
	"$@" >"$T/out" 2>&1 || { show; nok "$name: it can be done"; return; }
	alone "$name: LVM need not be asked" vol-list vg --details
	right "$name: told as it is"
}

# ---- kept -------------------------------------------------------------------------------

vgcreate -qq vg "$one" "$two"
lvcreate -qq -y -n a -L 8M vg
lvcreate -qq -y -n b -L 16M -i 2 vg
lvcreate -qq -y -n c -L 4M vg "$two"
works 'a pool of the group' bp pool-define-as vg logical --source-name vg --target /dev/vg
asks 'a start asks LVM' pool-start vg
for command in 'vol-list vg' 'vol-list vg --details' 'vol-info a vg' 'vol-dumpxml b vg' \
	'vol-path a vg' 'pool-info vg' 'pool-list --details' 'pool-refresh vg'; do
	# shellcheck disable=SC2086 # words
	alone "${command%% *}: LVM was asked before" $command
done
right 'told as LVM tells it'

# ---- volumes that others change -----------------------------------------------------------

state 'made' lvcreate -qq -y -n d -L 8M vg
state 'made striped' lvcreate -qq -y -n stripes -i 2 -L 16M vg
state 'made inactive' lvcreate -qq -y -an -Zn -n off -L 8M vg
state 'renamed' lvrename -qq vg d e
state 'made larger, and in two pieces' lvextend -qq -L 12M vg/e
state 'with a tag' lvchange -qq --addtag some/tag=x vg/e
state 'for reading only' lvchange -qq -pr vg/e
state 'removed' lvremove -qq -f vg/e vg/stripes vg/off
# so often that the text goes round in its area
round() {
	for i in $(seq 60); do
		echo "lvchange -qq --addtag t vg/a"
		echo "lvchange -qq --deltag t vg/a"
	done | lvm >/dev/null 2>&1
}
state 'changed often' round
after 'two tags, of which LVM has an order' lvchange -qq --addtag x --addtag b vg/c
lvchange -qq --deltag x --deltag b vg/c
keep
lvcreate -qq -y -n m --type raid1 --nosync -m 1 -L 4M vg
asks 'more than plain space' vol-list vg
lvremove -qq -f vg/m
after 'allocated in a way of its own' lvcreate -qq -y -n n --alloc contiguous -L 4M vg
lvremove -qq -f vg/n
dd if="$two" of="$T/first" bs=4096 count=2 status=none
keep
lvcreate -qq -y -n late -L 4M vg
dd if="$two" of="$T/last" bs=4096 count=2 status=none
dd if="$T/first" of="$two" bs=4096 conv=notrunc status=none
asks 'a device that is behind the others' vol-list vg
dd if="$T/last" of="$two" bs=4096 conv=notrunc status=none
lvremove -qq -f vg/late
right 'told as it is'
state 'deactivated' lvchange -qq -an vg/a
state 'activated' lvchange -qq -ay vg/a
exec 9</dev/vg/a
state 'opened' true
exec 9<&-
keep
dmsetup suspend vg-b
asks 'one that is suspended is for LVM to tell of' vol-info a vg
right 'one that is suspended'
dmsetup resume vg-b

# ---- devices and settings that others change --------------------------------------------------

after 'a device more' vgextend -qq vg "$more"
after 'and one less' vgreduce -qq vg "$more"
vgchange -qq -an vg
after 'a device with another UUID' pvchange -qq -u "$two"
truncate -s 16M "$T/loop"
right 'told as it is'
after 'another device in the machine' sh -c "losetup /dev/loop7 '$T/loop'"
losetup -d /dev/loop7
after 'settings that were written again' sh -c 'echo "# more" >>/etc/lvm/lvm.conf'
keep
printf 'devices {\n\tfilter = [ "r|%s|" ]\n}\n' "$two" >>/etc/lvm/lvm.conf
fails 'a device that is filtered is missing, for a change' bp vol-create-as vg n 4M
right 'and for who looks'
sed -i 's/filter = .*/filter = [ "a|.*|" ]/' /etc/lvm/lvm.conf
keep
alone 'a filter is no reason to ask for a list' vol-list vg
asks 'but for a refresh, which looks at every device' pool-refresh vg
sed -i '/# more/,$d' /etc/lvm/lvm.conf

keep
cat "$one" >"$copy" 2>/dev/null
asks 'a copy of a device' pool-refresh vg
has 'is found by a refresh' "$T/out" 'finds'
bp pool-destroy vg >/dev/null
fails 'and by a start' bp pool-start vg
wipefs -qa "$copy"
works 'without it' bp pool-start vg

keep
unplug 2
fails 'a device that has vanished is missed by a refresh' bp pool-refresh vg
right 'and told of'
plug 2
vgchange -qq -an vg
lvchange -qq --refresh vg 2>/dev/null
keep
works 'it is back' bp pool-refresh vg
vgchange -qq -an vg
vgexport -qq vg
fails 'an exported group is no group' bp pool-refresh vg
vgimport -qq vg
keep
vgrename -qq vg gone
fails 'nor is one with another name' bp vol-list vg
vgrename -qq gone vg
works 'and back' bp pool-refresh vg

# ---- volumes that are more than space -------------------------------------------------------

lvcreate -qq -y -s -n snap -L 4M vg/a
keep
alone 'names are told with a snapshot there' vol-list vg
asks 'what is in it only LVM knows' vol-list vg --details
right 'a snapshot'
lvremove -qq -f vg/snap

# ---- what is kept is no good ----------------------------------------------------------------

for harm in ': >F' 'head -c 900 F >G; cat G >F' 'tr a b <F >G; cat G >F' 'rm F; mkdir F'; do
	keep
	sh -c "$(echo "$harm" | sed "s|F|$kept/vg|g; s|G|$T/bad|g")"
	right "a report that is broken: $harm"
	rm -rf $kept
done

# ---- counted -----------------------------------------------------------------------------------

# volumes N: a group of N volumes that are not active, as a backup of LVM's from which it
# is restored.
volumes() {
	vgcfgbackup -qq -f "$T/backup" vg
	pv=$(sed -n 's/^[[:space:]]*\(pv0\) {/\1/p' "$T/backup")
	{
		sed '/^}$/,$d' "$T/backup"
		echo 'logical_volumes {'
		for i in $(seq "$1"); do
			printf 'v%d {\nid = "AAAAAA-AAAA-AAAA-AAAA-AAAA-AAAA-A%05d"\n' "$i" "$i"
			printf 'status = ["READ", "WRITE", "VISIBLE"]\nsegment_count = 1\n'
			printf 'segment1 {\nstart_extent = 0\nextent_count = 1\ntype = "striped"\n'
			printf 'stripe_count = 1\nstripes = ["%s", %d]\n}\n}\n' "$pv" "$i"
		done
		echo '}'
		sed -n '/^}$/,$p' "$T/backup"
	} >"$T/restored"
	vgcfgrestore -qq -f "$T/restored" vg
}
bp pool-destroy vg >/dev/null
vgremove -qq -ff -y vg
for size in 100 1000; do
	vgcreate -qq -s 64K vg "$one"
	volumes $size
	[ $size != 100 ] || bp pool-start vg >/dev/null
	keep
	is "$size volumes are there" "$(bp vol-list vg | grep -c /dev/vg/v)" $size
	for command in vol-list pool-refresh; do
		alone "$command of $size volumes: no question to LVM" $command vg
		calls $command vg >"$T/$command.$size"
		rm -rf $kept
		asks "... and when there is one" $command vg
		# by LVM; we only look whether it is free
		is '... it is one' "$(grep -c 'openat(.*/run/lock/lvm/V_vg", O_RDWR' "$T/trace")" 1
		rm -rf $kept
		calls $command vg >"$T/$command.asked.$size"
		keep
	done
	vgremove -qq -ff -y vg
done
for what in vol-list vol-list.asked pool-refresh pool-refresh.asked; do
	read -r few <"$T/$what.100"
	read -r many <"$T/$what.1000"
	echo "# $what: $few calls for 100 volumes, $many for 1000"
	works "$what: ten times the volumes, at most ten times the calls" \
		[ "$many" -le $((few * 10)) ]
done

# ---- how LVM reads and writes (cli/aio.c) --------------------------------------------------

# context NAME COUNT: for a volume that is made LVM gets so many contexts for asynchronous I/O,
# each of which costs 20 ms at its end.
context() {
	keep
	strace -f -qq -e trace=io_setup,openat -o "$T/aio" \
		"$T/bin/barepool" vol-create-as vg late 4M >"$T/out" 2>&1 ||
		{ show; nok "$1: made"; }
	is "$1" "$(grep -c 'io_setup.* = 0$' "$T/aio")" "$2"
	is '... by one command' "$(grep -c 'openat(.*/run/lock/lvm/V_vg", O_RDWR' "$T/aio")" 1
	lvremove -qq -f vg/late
}
vgcreate -qq vg "$one"
context 'a few disks are read and written one after the other' 0
mount -t tmpfs none /sys/block
for i in $(seq 9); do mkdir "/sys/block/sd$i"; done
context 'many at once' 1
umount /sys/block
done_testing
