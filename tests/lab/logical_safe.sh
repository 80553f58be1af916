#!/bin/sh
# logical_safe.sh - volume groups that are the host's own, or broken, or not ours to use.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
# lab: disk=virtio:128M disk=scsi:64M disk=scsi:64M disk=virtio:64M
# lab: limit=600
. tests/lab.sh

needs lvm 'needs lvm2'
loads dm-mod

host=$(disk 1) two=$(disk 2) copy=$(disk 3) one=$(disk 4)
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
# refused WORDS: whatever is done with pool a and its group fails, and says so.
# built: what a build says instead.
built=
refused() {
	for what in pool-refresh 'vol-create-as --name n --capacity 4M' 'vol-delete --vol v' \
		'vol-resize --vol v --capacity 12M'; do
		# shellcheck disable=SC2086 # words
		fails "${what%% *} is refused" bp $what --pool a
		for words; do told "... it says '$words'" "$words"; done
	done
	cp "$BAREPOOL_RUN_DIR/a.xml" "$T/a.xml"
	works 'it can be stopped' bp pool-destroy a
	for what in pool-start pool-build 'pool-build --overwrite' pool-delete; do
		# shellcheck disable=SC2086 # words
		fails "$what is refused" bp $what --pool a
		case $built$what in
		?*pool-build*) told '... it says why' "$built" ;;
		*) for words; do told "... it says '$words'" "$words"; done ;;
		esac
	done
	cp "$T/a.xml" "$BAREPOOL_RUN_DIR/a.xml"
}

# ---- the host's own -------------------------------------------------------------------
vgcreate -qq vgh "$host"
for v in root swap home idle; do lvcreate -qq -y -n $v -L 8M vgh 2>/dev/null; done
mkfs.ext4 -q /dev/vgh/root
mkfs.ext4 -q /dev/vgh/home
mkdir -p /mnt/root /mnt/home
mount /dev/vgh/root /mnt/root
mkswap -q /dev/vgh/swap
swapon /dev/vgh/swap
lvchange -qq -an vgh/home
works 'a pool of it that names another device' pool host vgh "$copy"
fails 'does not start' bp pool-start host
told '... and where the group is, is said' "'vgh': it is on '$host', and the pool's source names"
bp pool-undefine host >/dev/null
works 'a pool of the group of the host' pool host vgh
works 'start' bp pool-start host
works '... activates what was not' [ -e /dev/vgh/home ]
works 'a volume of its own' bp vol-create-as host own 8M
mount /dev/vgh/home /mnt/home
for v in root swap home; do
	fails "$v is not deleted" bp vol-delete $v host
	fails '... nor wiped' bp vol-wipe $v host
	fails '... nor resized' bp vol-resize $v 16M host
	fails '... nor written' bp vol-upload $v /proc/version host
done
fails 'not even by force' bp vol-delete swap host --force
told '... and what has it is said' "device '/dev/vgh/swap' is used as swap"
works 'stop' bp pool-destroy host
active() { lvs --noheadings -o lv_name -S 'lv_active=active' vgh | tr -d ' '; }
says 'what is mounted, swap, or was active before, stays' active <<END
home
idle
root
swap
END
works 'the swap is on' [ "$(wc -l </proc/swaps)" = 2 ]
works 'the root is there' sh -c 'echo x >/mnt/root/x && sync'
fails 'the group is not deleted' bp pool-delete host
fails 'nor built over' bp pool-build host --overwrite
umount /mnt/home
works 'start again' bp pool-start host
works 'and stop: what nobody uses now goes' bp pool-destroy host
says '... and that only' active <<END
idle
root
swap
END

# ---- exported -------------------------------------------------------------------------
vgcreate -qq vga "$one" "$two"
lvcreate -qq -y -n v -L 8M vga "$one" 2>/dev/null
vgchange -qq -an vga
works 'define' pool a vga "$one" "$two"
works 'start' bp pool-start a
vgchange -qq -an vga
vgexport -qq vga
refused vga "'$two', '$one'" 'exported' 'vgimport vga'
says 'its devices are listed' sh -c 'barepool find-storage-pool-sources logical | grep vga' <<END
    <name>vga</name>
END
vgimport -qq vga

# ---- another host's -------------------------------------------------------------------
us="global { system_id_source = \"lvmlocal\" } local { system_id = \"here\" }"
vgchange -qq -y --config "$us" --systemid here vga
refused vga "'$two', '$one'" "system ID 'here'" 'has no system ID' lvmsystemid
cp /etc/lvm/lvm.conf "$T/lvm.conf"
sed 's/"none"/"lvmlocal"/' "$T/lvm.conf" >/etc/lvm/lvm.conf
echo 'local { system_id = "there" }' >/etc/lvm/lvmlocal.conf
fails 'with another ID' bp pool-start a
works 'it can be stopped' bp pool-destroy a
fails 'with another ID' bp pool-start a
told '... both are said' "the host with system ID 'here', and this one is 'there'"
works 'sources' bp find-storage-pool-sources logical
fails '... are not those of other hosts' grep -q vga "$T/out"
works 'another pool of that name' pool b vga "$copy"
fails '... is not built' bp pool-build b
told '... since the name is taken' "there is a volume group 'vga' already"
echo 'local { system_id = "here" }' >/etc/lvm/lvmlocal.conf
works 'with that ID' bp pool-start a
works 'a volume can be made' bp vol-create-as a w 4M
works '... and deleted' bp vol-delete w a
vgchange -qq -y --systemid '' vga
cp "$T/lvm.conf" /etc/lvm/lvm.conf
rm /etc/lvm/lvmlocal.conf
bp pool-undefine b >/dev/null

# ---- of a cluster as it was before lvmlockd --------------------------------------------
vgchange -qq -an vga
vgcfgbackup -qq -f "$T/vga" vga
sed 's/"RESIZEABLE"/"RESIZEABLE", "CLUSTERED"/' "$T/vga" >"$T/clustered"
vgcfgrestore -qq -f "$T/clustered" vga
built=clustered
refused vga clustered
built=
works 'with --overwrite, too, its mark is there' \
	[ "$(blkid -o value -s TYPE "$one")" = LVM2_member ]
# LVM leaves it alone, even to be restored
for d in "$one" "$two"; do dd if=/dev/zero of="$d" bs=1M count=1 conv=fsync 2>/dev/null; done
vgcreate -qq vga "$one" "$two"
lvcreate -qq -y -n v -L 8M vga "$one" 2>/dev/null
vgchange -qq -an vga

# ---- a device twice --------------------------------------------------------------------
works 'stop' bp pool-destroy a
works 'start' bp pool-start a
dd if="$two" of="$copy" bs=1M conv=fsync 2>/dev/null
unplug 3
bp vol-list a >/dev/null
plug 3
copy=$(disk 3)
refused vga "'$two'" "'$copy'" 'twice' vgimportclone
works 'both are as they were' cmp "$two" "$copy"
dd if=/dev/zero of="$copy" bs=1M count=4 conv=fsync 2>/dev/null
works 'without the copy it is refreshed' bp pool-refresh a

# ---- a device that went ------------------------------------------------------------------
id=$(pvs --noheadings -o pv_uuid "$two" | tr -d ' ')
unplug 2
built="device path '$two' doesn't exist"
refused 'vga' "lacks 1 of its 2 devices: $id, last seen as '$two'" 'vgreduce --removemissing vga'
works 'information there is all the same' bp pool-info a
works '... and what is left is listed' bp vol-list a
works 'a volume that is whole can be read' bp vol-download v "$T/v" a
plug 2
works 'it is back' bp pool-refresh a
works 'LVM has no complaint' vgck vga

# ---- the device of another group ----------------------------------------------------------
works 'stop' bp pool-destroy a
bp pool-undefine a >/dev/null
works 'a pool on a device of that' pool c vgc "$copy" "$(disk 2)"
fails '... is not built' bp pool-build c --overwrite
told '... since it belongs to that' "it belongs to volume group 'vga'; take it out of that first"
works '... and is as it was' vgck vga
works 'the other is, too' [ -z "$(blkid "$copy")" ]
bp pool-undefine c >/dev/null

# ---- half a build ---------------------------------------------------------------------------
truncate -s 1M "$T/small"
small=$(losetup -f --show "$T/small")
mkfs.ext4 -q "$copy"
sum=$(cksum <"$copy")
works 'a disk with a file system, and one that is too small' pool d vgd "$copy" "$small"
fails 'no build without a word' bp pool-build d
told '... and what is there is said' "it holds 'ext4'"
fails 'nor with it' bp pool-build d --overwrite
told '... and which is wrong is said' "$small"
works 'the file system is as it was, to the last byte' [ "$(cksum <"$copy")" = "$sum" ]
works '... and nothing of LVM there' [ "$(blkid -o value -s TYPE "$copy")" = ext4 ]
works '... or elsewhere' [ -z "$(blkid "$small")" ]
losetup -d "$small"
done_testing
