#!/bin/sh
# logical_settings.sh - lvm.conf as distributions have it, devices files, filters, others' locks.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091,SC2016 # tests are run from the top; a shell expands that
# lab: disk=virtio:96M disk=virtio:64M disk=scsi:64M
# lab: limit=900
. tests/lab.sh

needs lvm 'needs lvm2'
loads dm-mod dm-snapshot

one=$(disk 1) two=$(disk 2) three=$(disk 3)
pool() { # NAME GROUP DEVICE...: define it
	name=$1 group=$2
	shift 2
	{
		echo "<pool type='logical'><name>$name</name><source><name>$group</name>"
		for device; do echo "<device path='$device'/>"; done
		echo '</source></pool>'
	} >"$T/pool.xml"
	bp pool-define "$T/pool.xml"
}
lab=$(cat /etc/lvm/lvm.conf)
conf() { cat >/etc/lvm/lvm.conf; }

# ---- what distributions ship, where it matters, on a machine without udev ------------------
round() { # NAME: all that is done with a pool, with these settings
	works "$1: define" pool "$1" "vg$1" "$one"
	works "$1: build" bp pool-build "$1"
	works "$1: start" bp pool-start "$1"
	works "$1: make" bp vol-create-as "$1" v 8M
	works "$1: its node is there" [ -b "/dev/vg$1/v" ]
	works "$1: sparse" bp vol-create-as "$1" s 32M --allocation 4M
	works "$1: delete" bp vol-delete s "$1"
	works "$1: stop" bp pool-destroy "$1"
	works "$1: its node is gone" [ ! -e "/dev/vg$1/v" ]
	lvremove -qq -f "vg$1/v"
	works "$1: delete the pool" bp pool-delete "$1"
	works "$1: the device is empty" [ -z "$(blkid "$one")" ]
	bp pool-undefine "$1" >/dev/null
}
conf <<END
# Debian 12: all devices, udev is believed in, backups of the metadata, polling by a daemon
devices { use_devicesfile = 0 obtain_device_list_from_udev = 1 issue_discards = 0 }
activation { udev_sync = 1 udev_rules = 1 monitoring = 1 }
global { use_lvmpolld = 1 event_activation = 1 use_lvmlockd = 0 notify_dbus = 1 }
backup { backup = 1 archive = 1 backup_dir = "/etc/lvm/backup" archive_dir = "/etc/lvm/archive" }
END
round debian
works 'debian: backups are kept' sh -c 'ls /etc/lvm/archive | grep -q vgdebian'
conf <<END
# RHEL 9: only devices that are in a file; wiping is said to be asked for
devices { use_devicesfile = 1 devicesfile = "rhel.devices" obtain_device_list_from_udev = 1 }
devices { external_device_info_source = "none" issue_discards = 1 }
activation { udev_sync = 1 udev_rules = 1 monitoring = 1 }
global { use_lvmpolld = 1 event_activation = 1 system_id_source = "none" }
allocation { wipe_signatures_when_zeroing_new_lvs = 1 }
END
mkdir -p /etc/lvm/devices
lvmdevices -qq -y --adddev "$two"
round rhel
conf <<END
# Alpine: no udev, thin-provisioning-tools not there, no backups
devices { use_devicesfile = 0 obtain_device_list_from_udev = 0 }
activation { udev_sync = 0 udev_rules = 0 verify_udev_operations = 1 monitoring = 0 }
global { use_lvmpolld = 0 thin_check_executable = "/nowhere/thin_check" notify_dbus = 0 }
backup { backup = 0 archive = 0 }
END
round alpine

# ---- a devices file ---------------------------------------------------------------------
conf <<END
$lab
END
vgcreate -qq vgf "$two" "$three"
lvcreate -qq -y -an -n v -L 8M vgf "$two" 2>/dev/null
conf <<END
$lab
devices { use_devicesfile = 1 devicesfile = "lab.devices" }
END
lvmdevices -qq -y --adddev "$one"
listed() { grep -c "DEVNAME=$1" /etc/lvm/devices/lab.devices || :; }
works 'a pool on devices that are not in the file' pool f vgf "$two"
fails 'it does not start' bp pool-start f
told '... and it is said why' "'vgf' is on '$three', '$two', which LVM may not use: not in its"
told '... and what to do' 'lvmdevices'
fails 'nor is it built over' bp pool-build f --overwrite
told '... since it is there' "there is a volume group 'vgf' already"
lvmdevices -qq -y --adddev "$two"
fails 'with one of two it does not start' bp pool-start f
told '... and it is said which' "is on '$three', too, which LVM may not use: not in its"
lvmdevices -qq -y --adddev "$three"
works 'with both it does' bp pool-start f
works 'stop' bp pool-destroy f
vgremove -qq -f vgf
pvremove -qq "$two" "$three"
lvmdevices -qq -y --deldev "$two"
lvmdevices -qq -y --deldev "$three"
is 'they are not listed any more' "$(listed "$two")$(listed "$three")" 00
bp pool-undefine f >/dev/null
works 'another' pool g vgg "$two" "$three"
works 'a build' bp pool-build g
is '... adds its devices to the file' "$(listed "$two")$(listed "$three")" 11
works '... so it starts' bp pool-start g
works 'stop' bp pool-destroy g

# ---- a filter ----------------------------------------------------------------------------
conf <<END
$lab
devices { global_filter = [ "r|^$two\$|", "r|^$three\$|" ] }
END
fails 'behind a filter it does not start' bp pool-start g
told '... and the device is named' "$two"
told '... and the filter' 'filter'
fails 'nor is it built over' bp pool-build g --overwrite
works '... its mark is there' [ "$(blkid -o value -s TYPE "$two")" = LVM2_member ]
conf <<END
$lab
END
works 'without it does' bp pool-start g

# ---- other commands of LVM at the same time ------------------------------------------------
held=/run/lock/lvm/V_vgg
holds() { # somebody has the group's lock, until "let_go"
	rm -f "$T/held"
	mkfifo "$T/end" 2>/dev/null || :
	flock "$held" sh -c 'echo $$ >"$1/held"; read -r _ <"$1/end"' - "$T" &
	until_true [ -s "$T/held" ]
}
let_go() { echo >"$T/end"; }
waits() { find "/proc/$1/fd" -lname "$held*" 2>/dev/null | grep -q .; }
holds
env --default-signal=INT barepool vol-create-as g waiting 4M >"$T/said" 2>&1 &
waiter=$!
works 'a command waits for it' until_true waits $waiter
is '... and has not failed' "$(cat "$T/said")" ''
let_go
works '... and goes on when it is free' wait $waiter
works '... which has made the volume' [ -b /dev/vgg/waiting ]
holds
env --default-signal=INT barepool vol-create-as g stopped 4M >"$T/said" 2>&1 &
waiter=$!
works 'another waits' until_true waits $waiter
kill -INT $waiter
wait $waiter
is '... until Ctrl-C' $? 130
let_go
wait
works '... which has made nothing' [ ! -e /dev/vgg/stopped ]
works 'and LVM goes on' vgck vgg
works 'two at a time' \
	sh -c 'barepool vol-create-as g x 4M & lvcreate -qq -y -n y -L 4M vgg; wait $!'
works '... make both' [ -b /dev/vgg/x -a -b /dev/vgg/y ]

# ---- a thin pool of others -------------------------------------------------------------------
vgcreate -qq vgt "$one"
works 'a thin pool' lvcreate -qq -y -an -Zn --type thin-pool -L 8M -n tp vgt
works 'a pool that does not name it' pool t vgt "$one"
fails '... does not delete it' bp pool-delete t
told '... and says what there is' "'vgt' holds 'tp' (thin-pool), which is not listed"
works 'when that is done' lvremove -qq -f vgt/tp
works '... it is deleted' bp pool-delete t
done_testing
