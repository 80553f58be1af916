#!/bin/sh
# fs.sh - pools of type fs: file systems on loop devices, made, mounted and looked at.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091,SC2034 # tests are run from the top
tools='mkfs.ext4 blkid findmnt'
. tests/alone.sh
. tests/lib.sh
. tests/device.sh
bp pool-capabilities --table | grep -q '^ fs  *yes' || no 'pools of type fs are not in this build'

on() { blkid -p -o value -s TYPE "$1"; }
mounted() { findmnt -n -o "$1" --mountpoint "$T/mnt"; }

dev=
device one 64M
one=$dev
works 'define' bp pool-define-as p fs --source-dev "$one" --source-format ext4 --target "$T/mnt"
says 'an empty device is not mounted' bp pool-start p <<END
error: Failed to start pool p
error: Storage pool probe failed: Device '$one' is unrecognized, requires build

[1]
END
works 'and no directory is left' [ ! -e "$T/mnt" ]
works 'building alone' bp pool-build p
works 'makes the directory' test -d "$T/mnt"
is 'and nothing on the device' "$(on "$one")" ''
works 'building what is not there' bp pool-build p --no-overwrite
is 'makes a file system' "$(on "$one")" ext4
says 'only once' bp pool-build p --no-overwrite <<END
error: Failed to build pool p
error: Storage pool already built: Device '$one' already formatted using 'ext4'

[1]
END
rmdir "$T/mnt"
works 'start' bp pool-start p
is 'it is mounted' "$(mounted SOURCE,FSTYPE | tr -s ' ')" "$one ext4"
for o in nodev nosuid noexec; do
	mounted OPTIONS | grep -q "$o"
	is "with $o" $? 0
done
works 'a volume' bp vol-create-as p v 1M
works 'an image' bp vol-create-as p i 1G --format qcow2
works 'a copy' bp vol-clone v w p
says 'volumes' bp -q vol-list p <<END
 i            \$T/mnt/i
 lost+found   \$T/mnt/lost+found
 v            \$T/mnt/v
 w            \$T/mnt/w
END
fails 'no room' bp vol-create-as p large 1G
has 'is told' "$T/out" 'No space left on device'
works 'and leaves nothing' [ ! -e "$T/mnt/large" ]

mkfifo "$T/wait"
sh -c "cd '$T/mnt' && echo in >'$T/in' && read -r line <'$T/wait'" &
until_true grep -q in "$T/in"
fails 'one who is in it keeps it' bp pool-destroy p
has 'and is named' "$T/out" "pid $! (sh)"
is 'it goes on' "$(bp -q pool-list --name | tr -d " ")" p
echo out >"$T/wait"
wait
works 'stop' bp pool-destroy p
is 'it is not mounted' "$(mounted SOURCE)" ''
works 'start again' bp pool-start p
is 'the volumes are there' "$(bp -q vol-list p | grep -c .)" 4
says 'not built while it runs' bp pool-build p --overwrite <<END
error: Failed to build pool p
error: Requested operation is not valid: storage pool 'p' is already active

[1]
END
umount "$T/mnt"
is 'unmounted by somebody: not active' "$(bp -q pool-list --name)" ''
mount "$one" "$T/mnt"
is 'mounted by somebody: active' "$(bp -q pool-list --name | tr -d " ")" p
works 'stop that' bp pool-destroy p

mkdir "$T/other"
mount "$one" "$T/other"
fails 'in use elsewhere' bp pool-build p --overwrite
has 'is not overwritten' "$T/out" "device '$one' is mounted on '$T/other'"
works 'and may be mounted twice' bp pool-start p
works 'stop' bp pool-destroy p
umount "$T/other"
mount -o ro "$one" "$T/other"
fails 'one for reading and one for writing' bp pool-start p
has 'is not possible' "$T/out" "is mounted on '$T/other' already, read-only"
umount "$T/other"

mount -t tmpfs none "$T/mnt"
fails 'something else in the place' bp pool-start p
has 'is not covered' "$T/out" "is mounted on '$T/mnt', the target of pool 'p'"
umount "$T/mnt"

works 'marked' bp pool-autostart p
works 'at boot' bp autostart
is 'it is mounted' "$(mounted SOURCE)" "$one"
works 'stop' bp pool-destroy p

# Who lists pools pays for a type only if there is one of it, and then little.
if command -v strace >/dev/null; then
	# Leaks cannot be looked for in what is traced.
	traced() {
		ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0" \
			strace -f -o "$T/trace" -e trace=openat "$BAREPOOL" "$@"
	}
	mkdir "$T/d"
	works 'with one of this type' traced pool-list --all
	is 'the table of mounts is read once' "$(grep -c mountinfo "$T/trace")" 1
	lacks 'and libmount is not loaded' "$T/trace" libmount
	works 'start' traced pool-start p
	lacks 'nor is it to mount' "$T/trace" libmount
	works 'stop' traced pool-destroy p
	lacks 'or to unmount' "$T/trace" libmount
	config=$BAREPOOL_CONFIG_DIR run=$BAREPOOL_RUN_DIR
	BAREPOOL_CONFIG_DIR=$T/c2 BAREPOOL_RUN_DIR=$T/r2
	works 'without one' bp pool-define-as d dir --target "$T/d"
	works 'a list' traced pool-list --all
	BAREPOOL_CONFIG_DIR=$config BAREPOOL_RUN_DIR=$run
	lacks 'does not load it' "$T/trace" fs.so
	lacks 'nor ask for mounts' "$T/trace" mountinfo
else
	skip 'what a list costs' 'needs strace'
fi

uuid=$(blkid -p -o value -s UUID "$one")
cat >"$T/u.xml" <<END
<pool type='fs' xmlns:fs='http://libvirt.org/schemas/storagepool/fs/1.0'>
  <name>u</name>
  <source><device path='UUID=$uuid'/><format type='auto'/></source>
  <target><path>$T/mnt</path></target>
  <fs:mount_opts><fs:option name='noatime'/><fs:option name='ro'/></fs:mount_opts>
</pool>
END
works 'undefine' bp pool-undefine p
works 'by UUID, with options, whatever it holds' bp pool-create "$T/u.xml"
is 'is mounted' "$(mounted SOURCE,FSTYPE | tr -s ' ')" "$one ext4"
for o in noatime ro nosuid; do
	mounted OPTIONS | grep -qE "(^|,)$o(,|\$)"
	is "with $o" $? 0
done
fails 'only for reading' bp vol-create-as u x 1M
has 'is told' "$T/out" 'Read-only file system'
fails 'cannot grow' bp pool-grow u
has 'either' "$T/out" "cannot make the file system on '$one' larger"
works 'stop' bp pool-destroy u

# The kernel lets ext grow only for those who may use what is reserved.
can_grow() {
	case $dev in
	/dev/nvme*)
		skip "growing $1" 'the lab has no NVMe disks that grow'
		return 1 ;;
	esac
	caps=$(sed -n 's/^CapEff:[^0-9a-f]*//p' /proc/self/status)
	case $1 in
	vfat)	return 1 ;;
	ext*)	[ $((0x$caps >> 24 & 1)) -eq 1 ] && return
		grow_device two 64
		fails "$1 without CAP_SYS_RESOURCE" bp pool-grow "$1"
		has 'which it takes' "$T/out" 'which takes the capability CAP_SYS_RESOURCE'
		skip "growing $1" 'needs CAP_SYS_RESOURCE, which this root has not'
		return 1 ;;
	esac
}
may_not_grow() { # POOL CAPABILITY: without it, that is told
	drop=-$(echo "${2#CAP_}" | tr '[:upper:]' '[:lower:]')
	if setpriv --bounding-set="$drop" true 2>/dev/null; then
		fails "$1 without $2" \
			setpriv --bounding-set="$drop" "$T/bin/barepool" pool-grow "$1"
		has 'which it takes' "$T/out" "which takes the capability $2"
	else
		skip "$1 without $2" 'needs setpriv, and the right to drop rights'
	fi
}
device two 320M
for f in ext2 ext3 ext4 xfs vfat btrfs; do
	if ! command -v mkfs.$f >/dev/null; then
		skip "$f" "needs mkfs.$f"
		continue
	fi
	wipefs -qa "$dev"
	mkfs.$f "$dev" >/dev/null 2>&1
	if ! mount "$dev" "$T/other" 2>/dev/null; then
		skip "$f" 'this kernel cannot mount it'
		continue
	fi
	umount "$T/other"
	wipefs -qa "$dev"
	[ $f = btrfs ] && f=auto && mkfs.btrfs -q "$dev"
	works "define: $f" bp pool-define-as $f fs --source-dev "$dev" --source-format $f \
		--target "$T/mnt"
	works 'build' bp pool-build $f --overwrite
	works 'start' bp pool-start $f
	is 'it is that' "$(mounted FSTYPE)" "$(on "$dev")"
	works 'a volume' bp vol-create-as $f v 1M
	works 'stop' bp pool-destroy $f
	works 'once more, over it' bp pool-build $f --overwrite
	works 'start' bp pool-start $f
	is 'the volume has gone' "$(bp -q vol-list $f | grep -c ' v ')" 0
	if can_grow $f; then
		before=$(df -k --output=size "$T/mnt" | tail -n 1)
		grow_device two 64
		case $f in
		ext*)	may_not_grow $f CAP_SYS_RESOURCE ;;
		*)	may_not_grow $f CAP_SYS_ADMIN ;;
		esac
		works 'grow' bp pool-grow $f
		after=$(df -k --output=size "$T/mnt" | tail -n 1)
		works 'it is larger' [ "$after" -gt $((before + 40000)) ]
		works 'and once more: nothing to do' bp pool-grow $f
	fi
	works 'stop' bp pool-destroy $f
	works 'forget' bp pool-undefine $f
done

mkfs.ext4 -q -F "$dev"
works 'define: another' bp pool-define-as x fs --source-dev "$dev" --source-format xfs \
	--target "$T/mnt"
fails 'what is not that' bp pool-start x
has 'is not mounted' "$T/out" \
	"Format of device '$dev' does not match the expected format 'xfs'; it holds 'ext4'"
fails 'what is something else' bp pool-build x --no-overwrite
has 'is not overwritten' "$T/out" 'forced overwrite is necessary'
has 'but named' "$T/out" "it holds 'ext4'"
works 'delete' bp pool-delete x
works 'the directory has gone' [ ! -e "$T/mnt" ]
works 'forget' bp pool-undefine x

works 'a directory for a device' bp pool-define-as odd fs --source-dev "$T" --target "$T/mnt"
fails 'is not mounted' bp pool-start odd
has 'but explained' "$T/out" "source device '$T' is neither a block device nor a file"
works 'forget' bp pool-undefine odd
works 'no device' bp pool-define-as gone fs --source-dev /dev/nosuch --target "$T/mnt2"
fails 'is not started' bp pool-start gone
has 'and named' "$T/out" "cannot find source device '/dev/nosuch': No such file or directory"
lacks 'and nobody is told to build it' "$T/out" --build

# A file is mounted through a loop device, which goes with the mount.
truncate -s 64M "$T/image"
works 'a file for a device' bp pool-define-as file fs --source-dev "$T/image" \
	--source-format ext4 --target "$T/mnt"
works 'is built' bp pool-build file --no-overwrite
works 'and mounted' bp pool-start file
is 'by a loop device' "$(losetup -n -O NAME -j "$T/image")" "$(mounted SOURCE)"
works 'a volume' bp vol-create-as file v 1M
fails 'not built while it is mounted' bp pool-build file --overwrite
bp pool-destroy file
mount -o loop "$T/image" "$T/mnt"
is 'mounted by somebody: active' "$(bp -q pool-list --name | tr -d " ")" file
works 'taken over' bp pool-start file
mount -o loop "$T/image" "$T/other"
fails 'mounted elsewhere as well' bp pool-build file --overwrite
works 'stop' bp pool-destroy file
fails 'and still there' bp pool-build file --overwrite
has 'is told' "$T/out" "is attached to /dev/loop"
umount "$T/other"
no_loop() { [ -z "$(losetup -j "$T/image")" ]; } # whoever looks at all devices holds it a moment
works 'no loop device is left' until_true no_loop
works 'forget' bp pool-undefine file

wipefs -qa "$dev"
works 'no format' bp pool-define-as auto fs --source-dev "$dev" --target "$T/mnt2"
fails 'cannot be built' bp pool-build auto --overwrite
has 'and it says why' "$T/out" "does not say which file system to make on '$dev'"
done_testing
