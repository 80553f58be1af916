#!/bin/sh
# discover.sh - what is, or could be, a pool: on loop devices of its own.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091,SC2034 # tests are run from the top
tools='mkfs.ext4 mkswap sfdisk partx python3'
. tests/alone.sh
. tests/lib.sh
bp pool-capabilities --table | grep -q '^ fs  *yes' || no 'pools of type fs are not in this build'

devices='' holder=''
away() {
	[ ! "$holder" ] || kill "$holder"
	umount -q "$T/m" "$T/mnt" 2>/dev/null
	for d in $devices; do
		partx -d "$d" 2>/dev/null
		losetup -d "$d"
	done
	rm -rf "$T"
}
trap away EXIT
device() { # NAME SIZE: sets $dev
	truncate -s "$2" "$T/$1"
	dev=$(losetup --find --show "$T/$1") || no 'no loop device is free'
	devices="$dev $devices"
	partx -d "$dev" 2>/dev/null	# what a test that was killed has left
}

# sources TYPE DEVICE...: what is found on these devices, and nowhere else.
sources() {
	type=$1
	shift
	{
		echo '<source>'
		for d; do echo "<device path='$d'/>"; done
		echo '</source>'
	} >"$T/hint.xml"
	bp find-storage-pool-sources "$type" --srcSpec "$T/hint.xml"
}
# told DEVICE KEY: a fact of it, from JSON.
told() {
	bp discover "$1" --format json |
		python3 -c 'import json, sys
for row in json.load(sys.stdin):
    if row["device"] == sys.argv[1]:
        print(row[sys.argv[2]])' "$1" "$2"
}

# ---- sources of pools of type fs -------------------------------------------------

device one 32M
one=$dev
device swap 16M
swap=$dev
device part 64M
part=$dev
mkfs.ext4 -q -L data "$one"
mkswap "$swap" >/dev/null 2>&1
printf 'label: gpt\nsize=16MiB\nsize=16MiB\n' | sfdisk -q "$part" 2>/dev/null
partx -u "$part" 2>/dev/null
[ -b "${part}p2" ] || no 'loop devices have no partitions here'
mkfs.ext4 -q "${part}p1"

says 'a file system nobody uses' sources fs "$one" <<END
<sources>
  <source>
    <device path='$one'/>
    <format type='ext4'/>
  </source>
</sources>

END
says 'on a partition; neither swap nor nothing' sources fs "$swap" "$part" <<END
<sources>
  <source>
    <device path='${part}p1'/>
    <format type='ext4'/>
  </source>
</sources>

END
bp find-storage-pool-sources fs --srcSpec "$T/hint.xml" --format json >"$T/out"
has 'as JSON' "$T/out" "\"devices\": [\"${part}p1\"]"
has 'with its format' "$T/out" '"format": "ext4"'
bp find-storage-pool-sources fs >"$T/all"
has 'without a hint, too' "$T/all" "<device path='$one'/>"
bp find-storage-pool-sources-as fs >"$T/all"
has 'and from arguments' "$T/all" "<device path='$one'/>"
echo "<source><device path='$one'/><format type='xfs'/></source>" >"$T/xfs.xml"
says 'of a format only' bp find-storage-pool-sources fs --srcSpec "$T/xfs.xml" <<END
<sources>
</sources>

END
bp pool-define-as known fs --source-dev "$one" --source-format ext4 --target "$T/known" >/dev/null
says 'not what is a pool already' sources fs "$one" <<END
<sources>
</sources>

END
bp pool-undefine known >/dev/null
mkdir "$T/m"
mount -o ro "$one" "$T/m"
says 'not what is mounted' sources fs "$one" <<END
<sources>
</sources>

END
umount "$T/m"
fails 'no such device' sources fs /dev/nosuch
has 'is told' "$T/out" "there is no block device '/dev/nosuch'"
fails 'a host' bp find-storage-pool-sources-as fs --host example.com
has 'has none of these' "$T/out" "pools of type 'fs' have their source on this host"

# ---- all of it ----------------------------------------------------------------------

says 'an unused file system' bp discover "$one" <<END
$(printf ' %-*s   Kind   Size        Holds         Used by   Could be' ${#one} Device)
$(printf '%*s' $((${#one} + 57)) '' | tr ' ' -)
 $one   loop   32.00 MiB   ext4 'data'   -         fs

END
is 'its label' "$(told "$one" label)" data
is 'its name' "$(told "$one" name)" data
is 'an empty partition' "$(told "${part}p2" could_be)" fs
is 'a disk with partitions: what holds' "$(told "$part" holds)" gpt
is 'is not made a file system' "$(told "$part" could_be | grep -c fs)" 0
is 'swap' "$(told "$swap" holds)" swap
is 'could be nothing' "$(told "$swap" could_be)" None
mount -o ro "$one" "$T/m"
is 'mounted' "$(told "$one" used_by)" "mounted on '$T/m'"
is 'could be a pool where it is' "$(told "$one" target)" "$T/m"
umount "$T/m"
bp discover >"$T/all"
for d in "$one" "$swap" "$part" "${part}p1" "${part}p2"; do
	has 'without a source: all' "$T/all" " $d "
done
grep -E ' /dev/(ram|zram|sr|fd)[0-9]' "$T/all" >"$T/out"
is 'no memory, and no drives of media' "$(cat "$T/out")" ''

mkfifo "$T/ready" "$T/end"
unshare -m sh -c "mount -o ro '$one' '$T/m' && echo >'$T/ready' && read -r x <'$T/end'" &
holder=$!
read -r _ <"$T/ready"
is 'mounted where nobody here sees it' "$(told "$one" used_by)" \
	"mounted on '$T/m' for pid $holder (sh)"
is 'could be nothing' "$(told "$one" could_be)" None
echo >"$T/end"
wait $holder
holder=

# ---- pools of type disk ------------------------------------------------------------

if bp pool-capabilities --table | grep -q '^ disk  *yes'; then
	device empty 32M
	empty=$dev
	says 'an empty disk' sources disk "$empty" <<END
<sources>
  <source>
    <device path='$empty'/>
    <format type='gpt'/>
  </source>
</sources>

END
	says 'one with a table that nobody uses, not its partitions' sources disk "$part" <<END
<sources>
  <source>
    <device path='$part'/>
    <format type='gpt'/>
  </source>
</sources>

END
	mount -o ro "${part}p1" "$T/m"
	for d in "$part" "$one" "$swap"; do
		says 'not what is used, or holds something' sources disk "$d" <<END
<sources>
</sources>

END
	done
	is 'a partition of it is mounted' "$(told "$part" used_by)" 'its partitions'
	umount "$T/m"
	is 'an empty disk could be' "$(told "$empty" could_be)" disk
	works 'adopt' bp discover --adopt parts "$empty"
	works 'build' bp pool-build parts
	works 'start' bp pool-start parts
	works 'a volume' bp vol-create-as parts "${empty##*/}p1" 8M
	is 'is no source of another pool' "$(told "${empty}p1" could_be)" None
	is 'it is of the pool' "$(told "${empty}p1" used_by)" "partition of pool 'parts'"
	mkfs.ext4 -q "${empty}p1"
	works 'it may be one, if somebody says so' bp pool-define-as inner fs \
		--source-dev "${empty}p1" --target "$T/mnt"
	is 'and is told as that' "$(told "${empty}p1" pool)" inner
	works 'undefine' bp pool-undefine inner
	works 'delete' bp vol-delete "${empty##*/}p1" parts
	works 'stop' bp pool-destroy parts
	works 'forget' bp pool-undefine parts
else
	skip 'pools of type disk' 'they are not in this build'
fi

# ---- made a pool ----------------------------------------------------------------------

bp discover "$one" --xml >"$T/one.xml"
works 'its XML' bp pool-define "$T/one.xml"
is 'is a pool' "$(bp -q pool-list --all --name | tr -d ' ')" data
is 'and told as one' "$(told "$one" pool) $(told "$one" pool_state)" 'data inactive'
is 'it could be no other' "$(told "$one" could_be)" None
fails 'adopted twice' bp discover --adopt again "$one"
has 'is refused' "$T/out" "'$one' cannot be adopted: it is in use: pool 'data' (inactive)"
works 'undefine' bp pool-undefine data
says 'adopt' bp discover --adopt mine --source "$one" --target "$T/mnt" <<END
Pool mine defined: fs on $one

END
works 'start' bp pool-start mine
is 'it runs' "$(told "$one" used_by), $(told "$one" pool_state)" \
	"mounted on '$T/mnt', pool 'mine', active"
works 'a volume' bp vol-create-as mine v 1M
works 'stop' bp pool-destroy mine
fails 'its name twice' bp discover --adopt mine "${part}p1"
has 'is refused' "$T/out" "pool 'mine' already exists"
works 'an empty partition' bp discover --adopt new "${part}p2" --target "$T/mnt"
works 'is built' bp pool-build new --no-overwrite
works 'and started' bp pool-start new
works 'and stopped' bp pool-destroy new
fails 'swap' bp discover --adopt s "$swap"
has 'is no pool' "$T/out" "'$swap' cannot be adopted: it holds swap"
fails 'no device' bp discover /dev/nosuch
has 'is told' "$T/out" "cannot find device '/dev/nosuch'"
fails 'none' bp discover /dev/null
has 'is told' "$T/out" "'/dev/null' is no block device"
fails 'no volume group' bp discover nosuchgroup
has 'is told' "$T/out" "there is no volume group 'nosuchgroup'"
fails 'a target for nobody' bp discover --target "$T/x"
has 'is refused' "$T/out" '--target is for the pool that --adopt defines'

# Pools that are on no device.
mkdir "$T/d"
works 'a directory' bp pool-define-as dir1 dir --target "$T/d"
bp discover >"$T/all"
has 'is a pool, too' "$T/all" "pool 'dir1' (inactive)"

# ---- what is hostile ---------------------------------------------------------------------

mkfs.ext4 -q -F -L "$(printf '\033[31m<&"\n')" "$one"
bp discover "$one" >"$T/out"
is 'a hostile label' "$(grep -c "$(printf '\033')" "$T/out")" 0
has 'is shown for what it is' "$T/out" '\x1b[31m'
bp discover "$one" --format json | python3 -m json.tool >"$T/out"
is 'and is JSON' $? 0
mkfs.ext4 -q -F -L '../../etc' "$one"
is 'a label that would be a path' "$(bp pool-undefine mine >"$T/out" && told "$one" name)" \
	"${one##*/}"
printf '\377\376' | dd of="$T/one" bs=1 seek=1144 conv=notrunc 2>/dev/null	# the label's place
bp discover "$one" --format json | python3 -m json.tool >"$T/out"
is 'bytes that are no text' $? 0
dd if=/dev/urandom of="$T/one" bs=1M count=4 conv=notrunc 2>/dev/null
works 'any bytes at all' bp discover "$one"
truncate -s 1M "$T/one"
works 'a file that was cut' bp discover "$one"

# Somebody changes the disk: nobody is to have it open now.
exec 9<"$part"
flock -n 9
bp discover "${part}p1" --format json >"$T/out"
has 'a disk that is locked' "$T/out" 'somebody is changing it at this moment'
exec 9<&-

says 'nothing of this under the name virsh' vs discover <<END
error: unknown command: 'discover'
[1]
END
done_testing
