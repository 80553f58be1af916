#!/bin/sh
# fs_bad.sh - pools of type fs on what is broken, has gone, is somebody else's or hostile; devices
# by all their names, options of mounts, and what is reserved.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091,SC2034,SC2016 # tests are run from the top
tools='mkfs.ext4 blkid findmnt debugfs'
. tests/alone.sh
. tests/lib.sh
. tests/device.sh
bp pool-capabilities --table | grep -q '^ fs  *yes' || no 'pools of type fs are not in this build'

mounted() { findmnt -n -o "$1" --mountpoint "$T/mnt"; }
define() { # DEVICE [OPTION...]
	d=$1
	shift
	bp -q pool-define-as p fs --source-dev "$d" --source-format ext4 --target "$T/mnt" "$@"
}
forget() { bp -q pool-undefine p; }
active() { bp -q pool-list --name | tr -d ' '; }

# ---- a device that goes --------------------------------------------------------------

DISKS='' dev=''
device one 64M
one=$dev
mkfs.ext4 -q "$one"
mknod "$T/node" b $((0x$(stat -c %t "$one"))) $((0x$(stat -c %T "$one")))
works 'a device by a node of its own' define "$T/node"
works 'start' bp pool-start p
is 'it is mounted' "$(mounted TARGET)" "$T/mnt"
rm "$T/node"
is 'its node has gone: active as before' "$(active)" p
works 'and refreshed' bp pool-refresh p
works 'and listed' bp vol-list p
works 'stop' bp pool-destroy p
fails 'it cannot be started again' bp pool-start p
has 'for it has gone' "$T/out" "cannot find source device '$T/node': No such file or directory"
forget

works 'a device' define "$one"
works 'start' bp pool-start p
works 'a volume' bp vol-create-as p v 1M --allocation 0
umount -l "$T/mnt"
is 'torn off: not active' "$(active)" ''
fails 'refresh' bp pool-refresh p
has 'says so' "$T/out" "storage pool 'p' is not active"
fails 'volumes are not looked for in the directory below' bp vol-create-as p w 1M
works 'it is started again' bp pool-start p
works 'and has its volume' bp vol-path v p
works 'stop' bp pool-destroy p
forget

# ---- damage --------------------------------------------------------------------------

device cut 64M
cut=$dev
mkfs.ext4 -q "$cut"
losetup -d "$cut"
truncate -s 5M "$T/cut"
rmdir "$T/mnt"
losetup "$cut" "$T/cut"
works 'a device that was cut' define "$cut"
fails 'does not start' bp pool-start p
has 'and is named, with its file system' "$T/out" "cannot mount '$cut' on '$T/mnt'"
is 'nothing is mounted' "$(mounted TARGET)" ''
works 'no directory is left' [ ! -e "$T/mnt" ]
is 'it is not active' "$(active)" ''
forget

device hurt 64M
hurt=$dev
# hurt NAME COMMANDS WHY: of debugfs, or bytes
hurts() {
	mkfs.ext4 -q -F "$hurt"
	eval "$2"
	blockdev --flushbufs "$hurt"
	works "$1" define "$hurt"
	fails 'does not start' bp pool-start p
	has 'and it says why' "$T/out" "$3"
	is 'nothing is mounted' "$(mounted TARGET)" ''
	works 'and can be made anew' bp pool-start p --overwrite
	works 'stop' bp pool-destroy p
	rmdir "$T/mnt"
	forget
}
zero() { dd if=/dev/zero of="$hurt" conv=notrunc,fsync "$@" 2>/dev/null; }
hurts 'no superblock' 'zero bs=1k seek=1 count=1' "'$hurt' is unrecognized, requires build"
hurts 'a superblock with a wrong checksum' \
	'printf xxxx | dd of="$hurt" bs=1 seek=1060 conv=notrunc 2>/dev/null' "'$hurt'"
hurts 'no journal' 'debugfs -w -R "clri <8>" "$hurt" 2>/dev/null' \
	"cannot mount '$hurt' on '$T/mnt'"
hurts 'no group descriptors' 'zero bs=1k seek=2 count=64' "cannot mount '$hurt' on '$T/mnt'"
hurts 'a feature nobody knows' \
	'debugfs -w -R "set_super_value feature_incompat 0x80000042" "$hurt" 2>/dev/null' "'$hurt'"

# ---- a file system in another --------------------------------------------------------

works 'outer' define "$one"
works 'start' bp pool-start p
works 'a volume of it' bp vol-create-as p disk 32M
inner=$(losetup --find --show "$T/mnt/disk")
loops="$loops $inner"
mkdir "$T/mnt/in"
works 'is the device of another' bp pool-define-as in fs --source-dev "$inner" \
	--source-format ext4 --target "$T/mnt/in"
works 'which is built' bp pool-build in --overwrite
works 'and started' bp pool-start in
fails 'the outer one stays' bp pool-destroy p
has 'since the inner is mounted on it' "$T/out" "'$T/mnt' is in use by"
fails 'its volume stays' bp vol-delete disk p
has 'and it says for whom' "$T/out" "volume 'disk' is attached to $inner"
works 'the inner one stops' bp pool-destroy in
fails 'the device still holds it' bp pool-destroy p
has 'and that is told' "$T/out" 'a loop device'
losetup -d "$inner"
loops=${loops% "$inner"}
works 'then it does' bp pool-destroy p
bp -q pool-undefine in
forget

# ---- who else has it -----------------------------------------------------------------

mkdir "$T/other"
mount "$one" "$T/other"
mkdir -p "$T/other/sub"
mount --bind "$T/other/sub" "$T/mnt"
works 'a part of it is mounted on the target' define "$one"
is 'that is not the pool' "$(active)" ''
fails 'and is not covered' bp pool-start p
has 'but told' "$T/out" "a part of '$one' is mounted on '$T/mnt'"
umount "$T/mnt"
mount --bind "$T/other" "$T/mnt"
is 'all of it is the pool' "$(active)" p
works 'which can be stopped' bp pool-destroy p
is 'and the other mount stays' "$(findmnt -n -o SOURCE --mountpoint "$T/other")" "$one"
umount "$T/other"
second=$(losetup --find --show "$one")
loops="$loops $second"
fails 'a device on it' bp pool-build p --overwrite
has 'is named' "$T/out" "is attached to $second"
mount "$second" "$T/other"
fails 'and when it is mounted' bp pool-start p
has 'so it is told' "$T/out" "attached to $second, which is mounted on '$T/other'"
umount "$T/other"
losetup -d "$second"
loops=${loops% "$second"}
forget

# ---- its names -----------------------------------------------------------------------

mkfs.ext4 -q -F -L 'a label' "$one"
uuid=$(blkid -p -o value -s UUID "$one")
ln -s "$one" "$T/by-id"
# shellcheck disable=SC2043 # more where there are partitions
for name in "UUID=$uuid" 'LABEL=a label' "$T/by-id"; do
	works "$name" define "$name"
	works 'starts' bp pool-start p
	is 'that device' "$(mounted SOURCE)" "$one"
	is 'and is active' "$(active)" p
	works 'stops' bp pool-destroy p
	mount "$one" "$T/mnt"
	is 'mounted by hand it is active' "$(active)" p
	works 'stops' bp pool-destroy p
	forget
done
works 'a UUID nobody has' define UUID=01234567-89ab-cdef-0123-456789abcdef
fails 'does not start' bp pool-start p
has 'and is named' "$T/out" "no device is known as 'UUID=01234567-89ab"
forget
mkfs.ext4 -q -F -L "$(printf '\033]0;x')" "$one"
works 'a hostile label' define "$one"
works 'starts' bp pool-start p
works 'stops' bp pool-destroy p
forget

# ---- options -------------------------------------------------------------------------

# options 'WORD WORD' WANT [LACKS]: mounted with all of WANT
options() {
	{
		echo "<pool type='fs' xmlns:fs='http://libvirt.org/schemas/storagepool/fs/1.0'>"
		echo "<name>p</name>"
		echo "<source><device path='$one'/><format type='ext4'/></source>"
		echo "<target><path>$T/mnt</path></target><fs:mount_opts>"
		for o in $1; do echo "<fs:option name='$o'/>"; done
		echo '</fs:mount_opts></pool>'
	} >"$T/options.xml"
	bp -q pool-define "$T/options.xml"
	works "options $1" bp pool-start p
	for o in $2; do
		case ,$(mounted OPTIONS), in
		*",$o,"*) ok "with $o" ;;
		*) mounted OPTIONS >"$T/out"; show; nok "with $o" ;;
		esac
	done
	for o in ${3-}; do
		mounted OPTIONS | tr , '\n' >"$T/has"
		lacks "without $o" "$T/has" "$o"
	done
	works 'stop' bp pool-destroy p
	forget
}
options '' 'nodev nosuid noexec relatime rw'
options 'exec dev' 'nosuid' 'noexec nodev'
options 'noatime nodiratime sync dirsync' 'noatime nodiratime sync dirsync nodev'
options 'ro' 'ro nosuid'
options 'ro rw' 'rw'
options 'errors=remount-ro discard noatime' \
	'errors=remount-ro discard noatime nodev nosuid noexec'
options 'x-note=hello lazytime' 'nodev lazytime'
options 'noauto nofail' 'nodev rw'
define "$one"
for o in 'no_such_option' 'errors=nonsense'; do
	echo "<pool type='fs' xmlns:fs='http://libvirt.org/schemas/storagepool/fs/1.0'>
	<name>p</name><source><device path='$one'/><format type='ext4'/></source>
	<target><path>$T/mnt</path></target>
	<fs:mount_opts><fs:option name='$o'/></fs:mount_opts></pool>" >"$T/bad.xml"
	forget
	bp -q pool-define "$T/bad.xml"
	fails "option $o" bp pool-start p
	has 'is told' "$T/out" \
		"cannot mount on '$T/mnt' with the option '$o' of the pool's fs:mount_opts"
	has 'in the words of the kernel' "$T/out" "'${o%=*}'"
	is 'nothing is mounted' "$(mounted TARGET)" ''
done
forget
blockdev --setro "$one"
works 'a device that is write-protected' define "$one"
works 'is mounted' bp pool-start p
works 'for reading' sh -c "findmnt -n -o OPTIONS --mountpoint '$T/mnt' | grep -q '^ro,'"
works 'and stopped' bp pool-destroy p
blockdev --setrw "$one"
forget

# ---- reserved ------------------------------------------------------------------------

mkfs.ext4 -q -F -m 20 "$one"
works 'a fifth is reserved' define "$one"
works 'start' bp pool-start p
bp pool-info p --bytes >"$T/info"
bp pool-info p --bytes --reserved >"$T/more"
value() { sed -n "s/^$1: *//p" "$2"; }
is 'available is what df says' "$(value Available "$T/info")" \
	"$(df -B1 --output=avail "$T/mnt" | tail -n 1 | tr -d ' ')"
is "with what is reserved it is libvirt's number" "$(value Available "$T/more")" \
	"$(($(stat -f -c '%f * %S' "$T/mnt")))"
is 'and so much that is' "$(value Reserved "$T/more")" \
	"$(($(value Available "$T/more") - $(value Available "$T/info")))"
works 'JSON has all three' sh -c "'$BAREPOOL' --format json pool-info p | grep -q \
	'\"available\": $(value Available "$T/info"), \"reserved\": $(value Reserved "$T/more")'"
lacks 'otherwise it is not told' "$T/info" Reserved
is 'allocated is what is' "$(($(value Capacity "$T/info") - $(value Available "$T/more")))" \
	"$(value Allocation "$T/info")"
works 'stop' bp pool-destroy p
forget
done_testing
