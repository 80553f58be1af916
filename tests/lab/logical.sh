#!/bin/sh
# logical.sh - pools that are LVM volume groups, with LVM's own tools beside them.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
# lab: disk=virtio:256M disk=virtio:256M disk=scsi:128M:4096 disk=virtio:64M
# lab: limit=500 library=libcryptsetup.so.12
. tests/lab.sh

needs lvm 'needs lvm2'
loads dm-mod dm-snapshot dm-thin-pool dm-mirror dm-raid

one=$(disk 1) two=$(disk 2) other=$(disk 4)
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
lv() { lvs --noheadings --nosuffix --units b -o "$1" "$2" | tr -d ' '; }
clean() { vgck "$1" && [ "$(vgs --noheadings -o vg_missing_pv_count "$1" | tr -d ' ')" = 0 ]; }

# ---- build ----------------------------------------------------------------------
works 'define' pool data vgd "$one" "$two"
fails 'no group yet: it does not start' bp pool-start data
told 'the error says so' "cannot find logical volume group name 'vgd'"
works 'build' bp pool-build data
works 'LVM agrees' clean vgd
works 'on both devices' [ "$(vgs --noheadings -o pv_count vgd | tr -d ' ')" = 2 ]
works 'build again: it is there' bp pool-build data
fails '... unless nothing shall be there' bp pool-build data --no-overwrite
works 'start' bp pool-start data
says 'sources' bp find-storage-pool-sources logical <<END
<sources>
  <source>
    <device path='$one'/>
    <device path='$two'/>
    <name>vgd</name>
    <format type='lvm2'/>
  </source>
</sources>

END

mkfs.ext4 -q "$other"
works 'another pool' pool other vgo "$other"
fails 'a file system is not overwritten' bp pool-build other
told '... and named' "it holds 'ext4'"
works '... and there' [ "$(blkid -o value -s TYPE "$other")" = ext4 ]
works 'unless wanted' bp pool-build other --overwrite
works 'LVM agrees to that, too' clean vgo
works 'a third' pool clash vgd "$(disk 3)"
fails 'whose group has a name that is taken' bp pool-build clash --overwrite
told '... is said' 'vgd'
works '... and the device is left alone' [ -z "$(blkid "$(disk 3)")" ]
works 'delete' bp pool-delete other
works '... leaves no mark of LVM' [ -z "$(blkid "$other")" ]
pvcreate -qq "$other" 2>/dev/null
works 'what a killed build left is built on' bp pool-build other
works 'delete that' bp pool-delete other

# ---- volumes --------------------------------------------------------------------
works 'linear' bp vol-create-as data lin 16M
works '... LVM sees it' [ "$(lv lv_size vgd/lin)" = 16777216 ]
works '... its key is the UUID' [ "$(bp -q vol-key lin data)" = "$(lv lv_uuid vgd/lin)" ]
works '... its node is its owner'"'"'s only' [ "$(stat -Lc %a /dev/vgd/lin)" = 600 ]
works 'sizes are rounded up' bp vol-create-as data odd 5000001 --format qcow2
told '... and a format is not heeded' "of type logical have no format: this one is a plain device"
works '... to whole extents' [ "$(lv lv_size vgd/odd)" = 8388608 ]
fails 'the same name again' bp vol-create-as data lin 16M
told '... is said' "storage volume 'lin' exists already"
fails 'more than there is' bp vol-create-as data huge 1T
told '... is said' 'insufficient free space'
for wrong in 'a b' -x @t 'a/b' 'é' snapshot1 x_tdata; do
	fails "'$wrong' is no name" bp vol-create-as --pool data --name "$wrong" --capacity 8M
done
works 'sparse' bp vol-create-as data sp 200M --allocation 8M
works '... as libvirt makes it' [ "$(lv lv_attr vgd/sp | cut -c1)" = s ]
is '... told as what it is' "$(bp vol-info sp data | sed -n 's/^Kind: *//p')" sparse
cat >"$T/snap.xml" <<END
<volume><name>snap</name><capacity>0</capacity><allocation unit='MiB'>8</allocation>
<backingStore><path>/dev/vgd/lin</path></backingStore></volume>
END
works 'snapshot' bp vol-create data "$T/snap.xml"
works '... of its origin' [ "$(lv origin vgd/snap)" = lin ]
works '... which is told' grep -q '<path>/dev/vgd/lin</path>' <<END
$(bp vol-dumpxml snap data | sed -n '/backingStore/,$p')
END
fails 'the origin does not go without it' bp vol-delete lin data
told '... and says why' "origin of 'snap'"
is '... with no word of --force, which does not help' "$(grep -c force "$T/out")" 0
works 'delete the snapshot' bp vol-delete snap data

dd if=/dev/urandom of="$T/bytes" bs=1M count=16 2>/dev/null
works 'upload' bp vol-upload lin "$T/bytes" data
works '... is there' cmp "$T/bytes" /dev/vgd/lin
works 'download' bp vol-download lin "$T/back" data
works '... is the same' cmp "$T/bytes" "$T/back"
works 'clone' bp vol-clone lin copy data
works '... is the same' cmp /dev/vgd/lin /dev/vgd/copy
works '... and finished' [ -z "$(lv lv_tags vgd/copy)" ]
works 'wipe' bp vol-wipe copy data
works '... is zeros' cmp -n 16777216 /dev/zero /dev/vgd/copy
works 'resize up' bp vol-resize copy 24M data
works '... LVM agrees' [ "$(lv lv_size vgd/copy)" = 25165824 ]
fails 'not down by accident' bp vol-resize copy 8M data
works 'resize down' bp vol-resize copy 8M data --shrink
works '... LVM agrees' [ "$(lv lv_size vgd/copy)" = 8388608 ]
fails 'larger than the group' bp vol-resize copy 1T data
works '... changes nothing' [ "$(lv lv_size vgd/copy)" = 8388608 ]
works 'delete' bp vol-delete copy data
fails 'what is gone' bp vol-delete copy data
mknod /dev/mapper/vgd-copy b "$(stat -Lc '0x%t' /dev/vgd/odd)" "$(stat -Lc '0x%T' /dev/vgd/odd)"
ln -s ../mapper/vgd-copy /dev/vgd/copy
ln -s ../mapper/vgd-gone /dev/vgd/gone
works 'a change after one that was killed and has left nodes' bp vol-create-as data other 4M
is '... of others, or of nothing: they go' "$(cd /dev && echo mapper/vgd-c* vgd/c* vgd/g*)" \
	'mapper/vgd-c* vgd/c* vgd/g*'
works '... not those of what is there' [ -b /dev/vgd/odd ]
works '... so it goes, too' bp vol-delete other data
works 'by path' [ "$(bp -q vol-name /dev/vgd/odd)" = odd ]
works 'by key' [ "$(bp -q vol-pool "$(lv lv_uuid vgd/odd)")" = data ]

# ---- encrypted --------------------------------------------------------------------
U=11111111-1111-4111-8111-111111111111
mkdir "$T/secrets"
printf secret | base64 >"$T/secrets/$U.base64"
chmod 600 "$T/secrets/$U.base64"
echo "<secret><uuid>$U</uuid></secret>" >"$T/secrets/$U.xml"
cat >"$T/luks.xml" <<END
<volume><name>crypt</name><capacity unit='MiB'>6</capacity><target>
<encryption format='luks'><secret type='passphrase' uuid='$U'/></encryption></target></volume>
END
if bp vol-create data "$T/luks.xml" >"$T/out" 2>&1 || ! grep -q libcryptsetup "$T/out"; then
	works 'an encrypted volume' [ "$(blkid -p -o value -s TYPE /dev/vgd/crypt)" = crypto_LUKS ]
	works '... has room for its header' [ "$(lv lv_size vgd/crypt)" = 8388608 ]
	works '... and is known as one' sh -c "
		'$T/bin/barepool' vol-dumpxml crypt data | grep -q \"<encryption format='luks'>\""
	works '... and goes' bp vol-delete crypt data
else
	skip 'an encrypted volume' "$(tail -n 1 "$T/out")"
fi

# ---- what others made -------------------------------------------------------------
lvcreate -qq -y --type raid1 -m1 -n r1 -L 8M vgd 2>/dev/null
lvcreate -qq -y -i2 -n str -L 16M vgd 2>/dev/null
lvcreate -qq -y --type thin-pool -n tp -L 32M vgd 2>/dev/null
lvcreate -qq -y -V 64M --thinpool tp -n th vgd 2>/dev/null
lvchange -qq -an vgd/str
bp -q vol-list data --details | sed 's/ *$//' >"$T/list"
says 'all kinds are listed, and no parts of them' sh -c "awk 'NF { print \$1, \$NF }' $T/list" <<END
lin linear
odd linear
r1 raid1
sp sparse
str inactive
th thin
END
says 'extents of a mirror' sh -c "$T/bin/barepool vol-dumpxml r1 data | grep -c '<extent'" <<END
2
END
works 'an inactive volume can be read all the same' bp vol-download str "$T/back" data
free() { vgs --noheadings --nosuffix --units b -o vg_free vgd | tr -d ' '; }
available() { bp --format json pool-info data | sed 's/.*"available": \([0-9]*\).*/\1/'; }
works 'space adds up' [ "$(available)" = "$(free)" ]

# ---- stop ----------------------------------------------------------------------------
mkfs.ext4 -q /dev/vgd/lin
mkdir -p /mnt/lin
works 'an LV in use' mount /dev/vgd/lin /mnt/lin
fails '... is not deleted' bp vol-delete lin data
told '... and it is said where' '/mnt/lin'
fails '... nor wiped' bp vol-wipe lin data
works 'stop' bp pool-destroy data
active() { lvs --noheadings -o lv_name -S 'lv_active=active' vgd | tr -d ' ' | grep -v '^tp'; }
says 'what is in use stays, and what we have not activated' active <<END
lin
r1
th
END
works 'nodes of the others are gone' [ ! -e /dev/vgd/odd ]
works 'stop has left the pool' bp pool-start data
works 'start brings all back' [ -e /dev/vgd/odd ]
umount /mnt/lin
works 'start, with a snapshot' bp -q "pool-start data; vol-create data $T/snap.xml"
dmsetup remove vgd-snap
dmsetup remove vgd-lin
works 'a stop after one that was killed' bp pool-destroy data
parts() { dmsetup info -c --noheadings -o name | grep -e '^vgd-lin' -e '^vgd-snap' || :; }
is '... leaves no part of the snapshot' "$(parts)" ''
works 'start' bp -q 'pool-start data; vol-delete snap data'
works 'stop' bp pool-destroy data
works '... takes what is free now' [ ! -e /dev/vgd/lin ]
works '... and nothing of others' [ -e /dev/vgd/r1 ]

fails 'a group with volumes is not deleted' bp pool-delete data
told '... and says how many' 'volumes, such as .lin.; delete them'

# ---- groups that cannot be used --------------------------------------------------------
vgchange -qq -an vgd
vgexport -qq vgd
fails 'exported' bp pool-start data
told '... is said' 'exported'
vgimport -qq vgd
unplug 2
fails 'a device has gone' bp pool-start data
told '... is said' 'lacks 1 of its 2 devices'
plug 2
works 'it is back' bp pool-start data
bp pool-undefine clash >/dev/null
for v in lin odd sp str r1 th; do
	works "delete $v" bp vol-delete $v data
done
lvremove -qq -f vgd/tp 2>/dev/null
works 'stop' bp pool-destroy data
works 'delete' bp pool-delete data
left() { vgs --noheadings; pvs --noheadings; ls /dev/vgd 2>/dev/null || :; }
says 'nothing is left' left </dev/null
done_testing
