#!/bin/sh
# logical_udev.sh - volume groups where systemd-udevd makes the nodes.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
# lab: disk=virtio:128M disk=scsi:64M with=udev
# lab: limit=400
. tests/lab.sh

needs lvm 'needs lvm2'
needs udevadm 'needs udev'
loads dm-mod dm-snapshot

# LVM as distributions have it, which believes in udev.
printf '%s\n' 'global { system_id_source = "none" }' 'activation { monitoring = 0 }' \
	>/etc/lvm/lvm.conf
ln -s "$(command -v udevadm)" /run/systemd-udevd
/run/systemd-udevd --daemon >/run/udevd.log 2>&1
udevadm trigger --action=add --subsystem-match=block
works 'udev runs' udevadm settle --timeout=60
cookies() { dmsetup udevcookies 2>/dev/null | grep -c '^0x' || :; }
links() { find /dev/vgu -type l -exec basename {} \; 2>/dev/null | sort; }

works 'define' bp pool-define-as p logical --source-name vgu --source-dev "$(disk 1)"
works 'build' bp pool-build p
works 'start' bp pool-start p
works 'a volume' bp vol-create-as p a 8M
works '... is there at once' [ -b /dev/vgu/a ]
is '... as a link that udev has made' "$(readlink /dev/vgu/a)" ../dm-0
works '... which knows of it' sh -c 'udevadm info /dev/vgu/a | grep -q DM_LV_NAME=a'
works 'a sparse one' bp vol-create-as p s 64M --allocation 8M
works 'a clone' bp vol-clone a b p
works '... is the same' cmp /dev/vgu/a /dev/vgu/b
works 'resize' bp vol-resize b 12M p
is '... the node is as large' "$(blockdev --getsize64 /dev/vgu/b)" 12582912
works 'delete' bp vol-delete a p
works '... no node is left' [ ! -e /dev/vgu/a ]
works 'stop' bp pool-destroy p
says 'no node is left' links </dev/null
is '... nor one of the kernel' "$(dmsetup ls)" 'No devices found'
works 'start' bp pool-start p
says 'all are there at once' links <<END
b
s
END
is 'nobody waits for udev' "$(cookies)" 0
vgchange -qq -an vgu
works 'what somebody else has deactivated can be read' bp vol-download b "$T/b" p
works 'a file system' mkfs.ext4 -q /dev/vgu/b
works 'udev has seen it' udevadm settle --timeout=60
works 'delete with a file system in it' bp vol-delete b p
works 'delete the other' bp vol-delete s p
works 'stop' bp pool-destroy p
works 'delete the group' bp pool-delete p
is 'nobody waits for udev' "$(cookies)" 0

done_testing
