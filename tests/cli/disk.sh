#!/bin/sh
# disk.sh - pools of type disk: tables and partitions, judged by sfdisk, sgdisk and blkid.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091,SC2154 # tests are run from the top; tests/disk.sh sets some
. tests/disk.sh

table() { sfdisk --dump "$dev" | sed -n "s|^${dev}p[^ ]* : *||p" | tr -d ' '; }
starts() { table | sed 's/^start=\([0-9]*\).*/\1/'; }
sound() { works "sfdisk says that it is sound" sfdisk --quiet --verify "$dev"; }
known() { # what the kernel knows: number, start, sectors
	for d in /sys/block/"$disk"/"$disk"p*; do
		[ -d "$d" ] && echo "$(cat "$d/partition") $(cat "$d/start") $(cat "$d/size")"
	done | sort -n
}
free() {
	bp pool-dumpxml p |
		sed -n "s/.*freeExtent start='\([0-9]*\)' end='\([0-9]*\)'.*/\1-\2/p"
}
pool() { # FORMAT
	works "define: $1" bp pool-define-as p disk --source-dev "$dev" --source-format "$1" \
		--target /dev
	works 'build' bp pool-build p --overwrite
	works 'start' bp pool-start p
}
no_pool() { bp pool-destroy p; bp pool-undefine p; } >/dev/null 2>&1

# ---- one life, on a GPT -----------------------------------------------------------------
device one 512M
works 'define' bp pool-define-as p disk --source-dev "$dev" --source-format gpt --target /dev
says 'an empty device is not started' bp pool-start p <<END
error: Failed to start pool p
error: Storage pool probe failed: Device '$dev' is unrecognized, requires build

[1]
END
works 'build' bp pool-build p
says 'only once' bp pool-build p --no-overwrite <<END
error: Failed to build pool p
error: Storage pool already built: Device '$dev' already formatted using 'gpt'

[1]
END
works 'start' bp pool-start p
sound
works 'sgdisk agrees' sgdisk --verify "$dev"
is 'all is free, from 1 MiB to the copy of the table' "$(free)" 1048576-536854016
is 'no volumes' "$(bp -q vol-list p)" ''
works 'a volume' bp vol-create-as p "${disk}p1" 100M
works 'swap' bp vol-create-as p "${disk}p2" 50M --format linux-swap
works 'one of an odd size' bp vol-create-as p "${disk}p3" 20971521
sound
is 'each begins at 1 MiB' "$(starts | tr '\n' ' ')" '2048 206848 309248 '
is 'with its type' "$(table | sed 's/.*type=\([^,]*\).*/\1/' | cut -c1-8 | tr '\n' ' ')" \
	'0FC63DAF 0657FD6D 0FC63DAF '
is 'and its name' "$(table | sed 's/.*name=//' | tr '\n' ' ')" \
	"\"${disk}p1\" \"${disk}p2\" \"${disk}p3\" "
is 'the kernel knows them' "$(known | tr '\n' ' ')" \
	'1 2048 204800 2 206848 102400 3 309248 40961 '
works 'there are nodes' test -b "/dev/${disk}p3"
is 'blkid reads the same' "$(blkid -p -o value -s PART_ENTRY_SIZE "/dev/${disk}p3")" 40961
says 'list' bp -q vol-list p --details <<END
 ${disk}p1   /dev/${disk}p1   block   100.00 MiB   100.00 MiB
 ${disk}p2   /dev/${disk}p2   block   50.00 MiB    50.00 MiB
 ${disk}p3   /dev/${disk}p3   block   20.00 MiB    20.00 MiB
END
# A static command has it in itself.
if [ -e "$BAREPOOL_MODULES/disk.so" ]; then
	mkdir "$T/broken"
	: >"$T/broken/libfdisk.so.1"
	without() { env LD_LIBRARY_PATH="$T/broken" "$T/bin/barepool" "$@"; }
	works 'no libfdisk is needed to list' without vol-list p --details
	works 'nor to refresh' without pool-refresh p
	fails 'but to change something' without vol-create-as p "${disk}p4" 1M
	has 'that is told' "$T/out" \
		'to change a partition table, libfdisk.so.1 is needed: '
	is 'and nothing is changed' "$(bp -q vol-list p | grep -c .)" 3
fi
bp vol-dumpxml "${disk}p2" p >"$T/xml"
has 'a volume tells its place' "$T/xml" "<extent start='105906176' end='158334976'/>"
has 'and its format' "$T/xml" "<format type='linux-swap'/>"
is 'a path finds its volume' "$(bp vol-name "/dev/${disk}p2" | tr -d '\n')" "${disk}p2"
sfdisk --dump "$dev" >"$T/before"
says 'a name that does not fit' bp vol-create-as p wrong 1M <<END
error: Failed to create vol wrong
error: invalid argument: invalid partition name 'wrong', expected '${disk}p4'

[1]
END
fails 'a name that is taken' bp vol-create-as p "${disk}p2" 1M
has 'is told' "$T/out" "storage volume '${disk}p2' exists already"
fails 'more than there is' bp vol-create-as p "${disk}p4" 10G
has 'is told' "$T/out" 'no large enough free extent: the largest has '
fails 'no size' bp vol-create-as p "${disk}p4" 0
fails 'a type that a GPT has not' bp vol-create-as p "${disk}p4" 1M --format extended
fails 'a word that is none' bp vol-create-as p "${disk}p4" 1M --format ext4
sfdisk --dump "$dev" >"$T/after"
works 'none of that has changed anything' cmp "$T/before" "$T/after"

head -c 1000000 /dev/urandom >"$T/bytes"
works 'upload' bp vol-upload "${disk}p2" "$T/bytes" p
works 'is on the device' cmp -n 1000000 "$T/bytes" "/dev/${disk}p2"
fails 'more than fits' bp vol-upload "${disk}p3" /dev/zero p
has 'is told' "$T/out" "volume '${disk}p3' has room for 20972032 bytes"
works 'download' bp vol-download "${disk}p2" "$T/copy" p
is 'is all of it' "$(stat -c %s "$T/copy")" 52428800
works 'byte for byte' cmp -n 1000000 "$T/bytes" "$T/copy"
works 'clone' bp vol-clone "${disk}p2" "${disk}p4" p
works 'has the same bytes' cmp "/dev/${disk}p2" "/dev/${disk}p4"
works 'wipe' bp vol-wipe "${disk}p2" p
works 'leaves zeros' cmp -n 52428800 "/dev/${disk}p2" /dev/zero
for d in p q; do mkdir "$T/$d"; done
works 'a pool of files' bp pool-create-as files dir --target "$T/q"
echo '<volume><name>f</name><capacity>0</capacity></volume>' >"$T/f.xml"
works 'from a partition to a file' bp vol-create-from files "$T/f.xml" "${disk}p4" --inputpool p
cat >"$T/q.xml" <<END
<volume><name>${disk}p5</name><capacity unit='M'>60</capacity></volume>
END
works 'and back, into a larger one' bp vol-create-from p "$T/q.xml" f --inputpool files
works 'has the bytes' cmp -n 1000000 "$T/bytes" "/dev/${disk}p5"
is 'and the size' "$(blockdev --getsize64 "/dev/${disk}p5")" 62914560
if command -v qemu-img >/dev/null; then
	qemu-img convert -q -O qcow2 "$T/bytes" "$T/q/image"
	bp vol-create-as p "${disk}p6" 8M >/dev/null
	for part in 5 6; do
		tr '\0' x </dev/zero | dd of="/dev/${disk}p$part" bs=1M count=8 iflag=fullblock \
			status=none
		cp "$T/f.xml" "$T/q.xml"
		sed -i "s/<name>f/<name>${disk}p$part/" "$T/q.xml"
		works 'an image becomes what is in a partition' bp vol-create-from p "$T/q.xml" \
			image --inputpool files --overwrite --verify
		works '... as QEMU sees both' qemu-img compare -q -F raw "$T/q/image" \
			"/dev/${disk}p$part"
	done
	works 'and without being asked to, in a new one' bp vol-delete "${disk}p6" p
	sed -i 's/<capacity>0/<capacity>8000000/' "$T/q.xml"
	works '... too' bp vol-create-from p "$T/q.xml" image --inputpool files
	works '... as QEMU sees both' qemu-img compare -q -F raw "$T/q/image" "/dev/${disk}p6"
	works 'that goes again' bp vol-delete "${disk}p6" p
else
	skip 'an image' 'needs qemu-img'
fi
bp pool-destroy files >/dev/null

works 'delete one in the middle' bp vol-delete "${disk}p2" p
works 'its node has gone' [ ! -e "/dev/${disk}p2" ]
works 'its number and its place are used again' bp vol-create-as p "${disk}p2" 20M
is 'there' "$(starts | sed -n 2p)" 206848
works 'grow into what is free' bp vol-resize "${disk}p2" 50M p
fails 'and no further' bp vol-resize "${disk}p2" 51M p
has 'says how far' "$T/out" "partition '${disk}p2' can have 52428800 bytes at the most"
fails 'not smaller by mistake' bp vol-resize "${disk}p2" 10M p
works 'smaller' bp vol-resize "${disk}p2" 10M p --shrink
is 'the kernel knows' "$(known | sed -n 2p)" '2 206848 20480'
sound

mkfs.ext4 -q "/dev/${disk}p1"
mount "/dev/${disk}p1" "$T/p"
works 'beside one that is mounted: make' bp vol-create-as p "${disk}p6" 1M
works 'grow' bp vol-resize "${disk}p6" 2M p
works 'delete' bp vol-delete "${disk}p6" p
for c in 'vol-delete' 'vol-wipe'; do
	fails "$c of the one that is" bp $c "${disk}p1" p
	has 'is refused' "$T/out" "volume '${disk}p1' is mounted on '$T/p'"
	case $c in
	vol-delete)
		has 'with what to do' "$T/out" 'hint: unmount it, or stop who uses it, first'
		lacks 'which is not force' "$T/out" '--force' ;;
	*)	has 'with what to do' "$T/out" '--force' ;;
	esac
done
says 'force is not told of to who uses it' bp vol-delete "${disk}p1" p --force <<END
error: Failed to delete vol ${disk}p1
error: Requested operation is not valid: device '${dev}p1' is mounted on '\$T/p'
hint: unmount it, or stop who uses it, first

[1]
END
bp pool-destroy p >/dev/null
fails 'build' bp pool-build p --overwrite
has 'is refused' "$T/out" "'${dev}p1', a partition of device '$dev', is mounted on '$T/p'"
fails 'delete' bp pool-delete p
has 'is refused' "$T/out" "'${dev}p1', a partition of device '$dev', is mounted on '$T/p'"
umount "$T/p"
fails 'a pool that has volumes' bp pool-delete p
has 'is not deleted' "$T/out" "failed to remove pool 'p': it has 5 volumes"
works 'start' bp pool-start p
for i in 1 2 3 4 5; do bp vol-delete "${disk}p$i" p; done >/dev/null
works 'stop' bp pool-destroy p
works 'an empty one is' bp pool-delete p
is 'nothing is left' "$(blkid -p "$dev")" ''
bp pool-undefine p >/dev/null

# ---- dos --------------------------------------------------------------------------------
pool dos
works 'a primary' bp vol-create-as p "${disk}p1" 50M
works 'an extended one' bp vol-create-as p "${disk}p2" 200M --format extended
fails 'one only' bp vol-create-as p "${disk}p3" 10M --format extended
has 'is told' "$T/out" 'extended partition already exists'
i=4
for f in linux linux-swap linux-lvm linux-raid fat16 fat32; do
	i=$((i + 1))
	works "a logical one: $f" bp vol-create-as p "${disk}p$i" 10M --format $f
	bp vol-dumpxml "${disk}p$i" p >"$T/xml"
	has 'is that' "$T/xml" "<format type='$f'/>"
done
is 'with their types' "$(table | sed 's/.*type=//' | tr '\n' ' ')" '83 f 83 82 8e fd e c '
sound
fails 'the extended one' bp vol-wipe "${disk}p2" p
has 'holds no data' "$T/out" "'/dev/${disk}p2' is an extended partition"
fails 'nor is it deleted' bp vol-delete "${disk}p2" p
has 'with others in it' "$T/out" "extended partition '${disk}p2' holds logical partitions"
fails 'or cut off' bp vol-resize "${disk}p2" 20M p --shrink
works 'to be larger' bp vol-resize "${disk}p2" 220M p
exec 7<"/dev/${disk}p8"
fails 'one before another that is in use' bp vol-delete "${disk}p6" p
has 'is kept' "$T/out" "device '/dev/${disk}p8' is in use"
has 'for the other would be renamed' "$T/out" "partition 8 would become partition 7: "
is 'and the kernel knows all of them' "$(known | wc -l)" 8
exec 7<&-
works 'else it goes' bp vol-delete "${disk}p6" p
sound
is 'and others move up' "$(table | sed 's/.*type=//' | tr '\n' ' ')" '83 f 83 8e fd e c '
sfdisk --dump "$dev" | tr -d ' ' | sed -n "s|^${dev}p||p" | tr -c '0-9\n' ' ' |
	while read -r n start size type; do
		[ "$n" -ne 2 ] || size=2
		echo "$n $start $size ${type:+}"
	done | sed 's/ $//' | sort -n >"$T/table"
is 'for the kernel, too' "$(known)" "$(cat "$T/table")"
works 'grow a logical one' bp vol-resize "${disk}p5" 15M p
works 'the first one goes' bp vol-delete "${disk}p5" p
sound
works 'another' bp vol-create-as p "${disk}p9" 3M
works 'two more primaries' bp vol-create-as p "${disk}p3" 1M
works 'and the last' bp vol-create-as p "${disk}p4" 1M
says 'then there are logical ones only' bp vol-create-as p "${disk}p1x" 1M <<END
error: Failed to create vol ${disk}p1x
error: invalid argument: invalid partition name '${disk}p1x', expected '${disk}p10'

[1]
END
sound
no_pool

# ---- other tables ------------------------------------------------------------------------
for f in bsd sun dvh; do
	pool $f
	works 'a volume' bp vol-create-as p "${disk}p1" 20M
	works 'another' bp vol-create-as p "${disk}p2" 20M
	is 'both are there' "$(bp -q vol-list p | grep -c .)" 2
	works 'larger' bp vol-resize "${disk}p2" 40M p
	works 'one goes' bp vol-delete "${disk}p1" p
	is 'the other is there' "$(bp -q vol-list p --details | grep -c "${disk}p2")" 1
	works 'the table is that' sfdisk --dump "$dev"
	works 'the last one goes' bp vol-delete "${disk}p2" p
	bp pool-destroy p >/dev/null
	works 'delete' bp pool-delete p
	bp pool-undefine p >/dev/null
done
for f in mac pc98 lvm2; do
	bp pool-define-as p disk --source-dev "$dev" --source-format $f --target /dev >/dev/null
	fails "$f" bp pool-build p --overwrite
	has 'is not made' "$T/out" "partition tables of format '$f' are not made"
	bp pool-undefine p >/dev/null
done
works 'no format' bp pool-define-as p disk --source-dev "$dev" --target /dev
works 'is dos to be built' bp pool-build p
is 'it is' "$(blkid -p -o value -s PTTYPE "$dev")" dos
printf 'label: gpt\nsize=1M\n' | sfdisk -q "$dev" >/dev/null 2>&1
works 'and whatever there is to be started' bp pool-start p
bp pool-dumpxml p >"$T/xml"
has 'which is told' "$T/xml" "<format type='gpt'/>"
is 'the partition is a volume' "$(bp -q vol-list p | grep -c .)" 1
works 'that the kernel knows' test -b "/dev/${disk}p1"
no_pool
wipefs -qa "$dev"
mkfs.ext4 -q -F "$dev"
bp pool-define-as p disk --source-dev "$dev" --source-format gpt --target /dev >/dev/null
fails 'what is something else' bp pool-build p
has 'is named' "$T/out" "it holds 'ext4'"
fails 'nor deleted' bp pool-delete p
has 'because it is not ours' "$T/out" "device '$dev' is not cleared: it holds 'ext4'"
works 'overwrite' bp pool-build p --overwrite
wipefs -n "$dev" --output TYPE --noheadings | sort -u | tr '\n' ' ' >"$T/types"
is 'nothing of it is left' "$(cat "$T/types")" 'PMBR gpt '
bp pool-undefine p >/dev/null

# ---- large sectors, growth, many ----------------------------------------------------------
device big 512M --sector-size 4096
for f in gpt dos; do
	pool $f
	works 'sectors of 4096: a volume' bp vol-create-as p "${disk}p1" 10M
	works 'of a size that is none' bp vol-create-as p "${disk}p2" 10000001
	is 'is rounded up' "$(blockdev --getsize64 "/dev/${disk}p2")" 10002432
	sound
	is 'aligned' "$(starts | head -n 1)" 256
	works 'larger' bp vol-resize "${disk}p2" 20M p
	works 'gone' bp vol-delete "${disk}p1" p
	sound
	no_pool
done
device grow 256M
pool gpt
works 'a volume' bp vol-create-as p "${disk}p1" 200M
fails 'that cannot grow' bp vol-resize "${disk}p1" 300M p
fails 'by far' bp vol-resize "${disk}p1" 5E p
has 'what was asked for is told' "$T/out" " and $((5 << 60)) are asked for"
truncate -s 512M "$T/grow"
losetup -c "$dev"
works 'the pool has not' bp pool-refresh p
for how in "vol-create-as p ${disk}p2 200M" "vol-resize ${disk}p1 300M p"; do
	# shellcheck disable=SC2086 # words
	fails "no room: $how" bp $how
	has 'and who makes some' "$T/out" 'has grown and its table has not (pool-grow)'
done
works 'grow' bp pool-grow p
works 'the copy of the table is at the end' sgdisk --verify "$dev"
has 'with nothing to be said' "$T/out" 'No problems found'
is 'more is free' "$(free)" 210763776-536854016
works 'now it can' bp vol-resize "${disk}p1" 300M p
works 'once more: nothing to do' bp pool-grow p
dd if=/dev/zero of="$dev" bs=512 seek=1 count=33 conv=notrunc status=none
is 'a table that is damaged is read from its copy' "$(bp -q vol-list p | grep -c .)" 1
works 'and repaired' bp pool-grow p
works 'says sgdisk' sgdisk --verify "$dev"
has 'it is' "$T/out" 'No problems found'
no_pool
pool gpt
i=0
while [ $i -lt 128 ]; do i=$((i + 1)); bp vol-create-as p "${disk}p$i" 1M || break; done >"$T/out"
is '128 partitions' $i 128
fails 'one more' bp vol-create-as p "${disk}p129" 1M
has 'has no place' "$T/out" "the partition table of '$dev' is full"
sound
no_pool

# ---- names ---------------------------------------------------------------------------------
device id 64M
mkdir -p /dev/disk/by-test
ln -s "../../$disk" /dev/disk/by-test/it
works 'by another name' bp pool-define-as p disk --source-dev /dev/disk/by-test/it \
	--source-format gpt --target /dev/disk/by-test
fails 'one disk under two names' bp pool-define-as q disk --source-dev "$dev" \
	--source-format gpt --target /dev
has 'is one source' "$T/out" "Storage source conflict with pool: 'p'"
works 'build' bp pool-build p
works 'start' bp pool-start p
works 'a volume has the name that the kernel gives' bp vol-create-as p "${disk}p1" 1M
ln -s "../../${disk}p1" /dev/disk/by-test/it-part1
is 'and the path that its directory has' "$(bp vol-path "${disk}p1" p | tr -d '\n')" \
	/dev/disk/by-test/it-part1
is 'by which it is found' "$(bp vol-name /dev/disk/by-test/it-part1 | tr -d '\n')" "${disk}p1"
works 'and used' bp vol-wipe "${disk}p1" p
works 'delete' bp vol-delete "${disk}p1" p
no_pool
rm -rf /dev/disk/by-test
mknod /dev/pdisk b "$((0x$(stat -c %t "$dev")))" "$((0x$(stat -c %T "$dev")))"
works 'a node that somebody made' bp pool-create-as p disk --source-dev /dev/pdisk \
	--source-format gpt --target /dev --build --overwrite
works 'kept' bp pool-dumpxml p
cp "$T/out" "$T/p.xml"
works 'a volume, with no p after a letter' bp vol-create-as p pdisk1 1M
works 'gets a node' test -b /dev/pdisk1
works 'can be used' bp vol-wipe pdisk1 p
rm /dev/pdisk1
mknod /dev/pdisk1 b "$((0x$(stat -c %t "$dev")))" "$((0x$(stat -c %T "$dev")))"
fails 'where its node leads elsewhere' bp vol-wipe pdisk1 p
has 'nothing is overwritten' "$T/out" "'/dev/pdisk1' is not partition 1 of '/dev/pdisk'"
bp pool-destroy p >/dev/null
works 'starting the pool' bp pool-create "$T/p.xml"
works 'sets that right' bp vol-wipe pdisk1 p
works 'delete' bp vol-delete pdisk1 p
works 'and the node goes with it' [ ! -e /dev/pdisk1 ]
no_pool
rm -f /dev/pdisk
works 'a file' bp pool-define-as p disk --source-dev "$T/one" --target /dev
fails 'is no device' bp pool-start p
has 'but can be made one' "$T/out" "source device '$T/one' is a file; make it a device first"
bp pool-undefine p >/dev/null
works 'no device' bp pool-define-as p disk --source-dev /dev/nosuch --target /dev
fails 'is not started' bp pool-start p
has 'and named' "$T/out" "device path '/dev/nosuch' doesn't exist"
done_testing
