#!/bin/sh
# powercut.sh - the power goes while pools and volumes change: after a boot each is old or new.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
# lab: cuts=4 limit=200
# lab: disk=virtio:64M disk=virtio:320M disk=virtio:64M disk=scsi:64M
#
# QEMU is killed, so what was written is there, flushed or not; what is lost when it is
# not flushed is the subject of crash/power.  A list of changes that ends where it began is gone
# through again and again.  /out, which stays, has what is true after each of them,
# and which of them is being made.
. tests/lab.sh
boot=1
begin_boot
export BAREPOOL_CONFIG_DIR=/mnt/config BAREPOOL_RUN_DIR=/run/barepool
mount_root() {
	mkdir -p /mnt /run/barepool
	mount "$(disk 1)" /mnt
}

can() { bp pool-capabilities --table | grep -q "^ $1  *yes"; }
make_pool() { # NAME TYPE ARG...
	works "a pool of type $2" bp pool-define-as "$@"
	if [ "$2" = dir ]; then works 'is built' bp pool-build "$1"
	else works 'is built' bp pool-build "$1" --overwrite
	fi
	works 'is marked' bp pool-autostart "$1"
	works 'and started' bp pool-start "$1"
	echo "$1" >>/out/pools
}
make_volumes() { # POOL NAME NAME: those of a pool that are not files
	works "$1: a volume" bp vol-create-as "$1" "$2" 8M
	cat >>/out/changes <<-END
	vol-create-as $1 $3 16M
	vol-delete $2 $1
	vol-create-as $1 $2 8M
	vol-delete $3 $1
	END
}
make_files() { # POOL
	works "$1: a volume" bp vol-create-as "$1" base 1M
	works 'filled' bp vol-upload base /out/bytes "$1"
	cat >>/out/changes <<-END
	vol-clone base copy $1
	vol-create-as $1 image 8M --format qcow2
	vol-resize copy 2M $1
	vol-resize image 16M $1
	vol-clone image other $1
	vol-delete copy $1
	vol-delete image $1
	vol-delete other $1
	END
}
make_world() {
	mkfs.ext4 -q -F "$(disk 1)" && mount_root
	dd if=/dev/urandom of=/out/bytes bs=64k count=16 2>/dev/null
	make_pool d dir --target /mnt/p
	make_files d
	cat >>/out/changes <<-END
	pool-define-as x dir --target /mnt/x
	pool-build x
	pool-autostart x
	pool-autostart x --disable
	pool-delete x
	pool-undefine x
	END
	if can fs; then
		make_pool f fs --source-dev "$(disk 2)" --source-format xfs --target /mnt/fs
		make_files f
	else
		skip fs 'not in this build'
	fi
	if can disk; then
		dev=$(disk 3)
		make_pool k disk --source-dev "$dev" --source-format gpt --target /dev
		make_volumes k "${dev##*/}1" "${dev##*/}2"
	else
		skip disk 'not in this build'
	fi
	if can logical; then
		make_pool l logical --source-name vg --source-dev "$(disk 4)" --target /dev/vg
		make_volumes l one two
		echo 'vol-resize one 16M l' >>/out/changes
		echo 'vol-resize one 8M l --shrink' >>/out/changes
	else
		skip logical 'not in this build'
	fi
}

# What everybody can see, but not which pools are active: after a boot others are.
state() {
	bp -q pool-list --all | awk 'NF { print $1, $3 }' | sort
	while read -r pool; do
		bp -q vol-list "$pool" --details | awk -v p="$pool" 'NF { print p, $1, $4, $5 }'
	done </out/pools 2>&1
	for copy in /mnt/p/base /mnt/p/copy /mnt/fs/base /mnt/fs/copy; do
		[ ! -e "$copy" ] || cmp -n 1048576 "$copy" /out/bytes
	done
	ls -d /mnt/x 2>&1
}
# change N: the N-th, from 1.
change() {
	# shellcheck disable=SC2046 # the words of a line
	bp -q $(sed -n "$1p" /out/changes) >/out/said 2>&1 && return
	{ sed -n "$1p" /out/changes; cat /out/said; } >>/out/refused
}
none_refused() {
	[ ! -e /out/refused ] || show /out/refused
	works 'every change can be made' [ ! -e /out/refused ]
	rm -f /out/refused
}

# The first time: all changes once, in peace.
if [ "$boot" -eq 1 ]; then
	make_world
	last=$(wc -l </out/changes)
	state >/out/state.0
	for at in $(seq "$last"); do
		change "$at"
		state >/out/state."$at"
	done
	none_refused
	works 'and lead back to the beginning' cmp /out/state.0 /out/state."$last"
	at=1
else
	last=$(wc -l </out/changes) at=$(cat /out/at)
	works 'the disk is there' mount_root
	works 'pools start' bp autostart
	# Where the power went while it was marked, x is among them.
	bp pool-destroy x >/dev/null 2>&1
	state >/out/now
	what=$(sed -n "${at}p" /out/changes)
	if cmp -s /out/now /out/state.$((at - 1)); then
		ok "before: $what"
	elif cmp -s /out/now /out/state."$at"; then
		ok "after: $what"
		at=$((at % last + 1))
	else
		diff /out/state.$((at - 1)) /out/now >"$T/out"
		show
		nok "neither before nor after: $what"
	fi
	none_refused
	! can logical || works 'nor with the volume group' vgck vg
	! can disk || works 'nothing is wrong with the table' sfdisk -q --verify "$(disk 3)"
fi

if [ "$boot" -gt "$LAB_CUTS" ]; then
	done_testing
fi
echo "$at" >/out/at
end_boot
while :; do
	change "$at"
	at=$((at % last + 1))
	echo "$at" >/out/at.new && mv /out/at.new /out/at
done
