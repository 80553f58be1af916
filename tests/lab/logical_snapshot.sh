#!/bin/sh
# logical_snapshot.sh - snapshots of thin volumes, and space that is given back.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091,SC2016 # tests are run from the top
# lab: disk=virtio:512M
# lab: limit=600
. tests/lab.sh

needs lvm 'needs lvm2'
needs thin_check 'needs thin-provisioning-tools'
loads dm-mod dm-snapshot dm-thin-pool

lv() { lvs --noheadings --nosuffix --units b -o "$1" "$2" | tr -d ' '; }
data() { lv data_percent vgd/tp; }
random() { # FILE MB [AT]
	dd if=/dev/urandom of="$1" bs=1M count="$2" seek="${3:-0}" conv=fsync,notrunc 2>/dev/null
}
sum() { dd if=/dev/vgd/a bs=1M count=30 iflag=direct 2>/dev/null | cksum; }
names() {
	bp --format json vol-snapshot-list "$1" data | grep -o '"name": "[^"]*"' | cut -d'"' -f4
}
volumes() { bp vol-list data | awk 'NR > 2 && NF { print $1 }'; }

works 'define' bp pool-define-as data logical --source-dev "$(disk 1)" --source-name vgd \
	--thin-pool tp --thin-size 128M
works 'build' bp pool-build data
works 'start' bp pool-start data

# ---- snapshots --------------------------------------------------------------------
works 'thin' bp vol-create-as data a 100M --allocation 0
works 'linear' bp vol-create-as data lin 16M
works 'with the same rights' chmod 640 /dev/vgd/a
random /dev/vgd/a 20
one=$(sum)
works 'create' bp vol-snapshot-create a one data
works '... LVM agrees' [ "$(lv origin,lv_tags vgd/a.snap.one | cut -c1-19)" = abarepool.snapshot: ]
works '... and keeps it inactive' [ "$(lv lv_active vgd/a.snap.one)" = '' ]
fails 'that name again' bp vol-snapshot-create a one data
told '... is said' "volume 'a' has a snapshot 'one' already"
random /dev/vgd/a 10
two=$(sum)
works 'another' bp vol-snapshot-create --vol a --snapshot t.w-o_2 --pool data
works 'one of larger ones' bp vol-resize a 120M data
random /dev/vgd/a 10 10
three=$(sum)
works 'list' bp vol-snapshot-list a data
told '... in order' '^ one  *20[0-9-]* [0-9:]* [+-][0-9]*  *100.00 MiB'
says '... as JSON' names a <<END
one
t.w-o_2
END
says 'they are no volumes' volumes <<END
a
lin
END
works 'the name is no volume' sh -c "! $T/bin/barepool vol-info a.snap.one data 2>/dev/null"
says 'completion' bp complete -- vol-snapshot-delete --pool data a '' <<END
one
t.w-o_2
END
fails 'a volume without any' bp vol-snapshot-revert a none data
told '... says so' "volume 'a' has no snapshot 'none'"
fails 'a linear volume has none' bp vol-snapshot-create lin x data
told '... and says why' "volume 'lin' is linear, and only thin volumes have snapshots of their own"
fails 'what is no name' bp vol-snapshot-create a 'x y' data
told '... is said' "'x y' is no name for a snapshot"
fails 'nor this' bp vol-snapshot-create a x_tdata data
mkdir -p /mnt/a
mkfs.ext4 -qF /dev/vgd/a
mount /dev/vgd/a /mnt/a
works 'of a volume in use' bp vol-snapshot-create a live data
fails '... that is not gone back to' bp vol-snapshot-revert a one data
told '... and says who has it' '/mnt/a'
fails '... by force neither' bp vol-snapshot-revert a one data --force
works '... and deleted' bp vol-snapshot-delete a live data
umount /mnt/a
works 'revert' bp vol-snapshot-revert a one data
works '... is what it was' [ "$(sum)" = "$one" ]
works '... its size, too' [ "$(lv lv_size vgd/a)" = 104857600 ]
works '... and its rights' [ "$(stat -Lc %a /dev/vgd/a)" = 640 ]
works '... nothing is left of it' [ "$(lv lv_tags vgd/a)" = '' ]
says '... both are there' names a <<END
one
t.w-o_2
END
works 'then to the other' bp vol-snapshot-revert a t.w-o_2 data
works '... is what it was' [ "$(sum)" = "$two" ]
works 'and back' bp vol-snapshot-revert a one data
works '... is what it was' [ "$(sum)" = "$one" ]
works '... not what it was at last' [ "$(sum)" != "$three" ]
works 'a volume that is inactive' lvchange -an vgd/a
works '... can be reverted' bp vol-snapshot-revert a one data
works '... and read all the same' bp vol-download a "$T/back" data
works 'a clone' bp vol-clone a c data
works '... has none' [ -z "$(names c)" ]
fails 'the volume does not go without them' bp vol-delete a data
told '... and names them' "volume 'a' has snapshots: 'one', 't.w-o_2'"
works 'it is deleted by others' lvremove -qq -f vgd/a
says '... then they are shown' volumes <<END
a.snap.one
a.snap.t.w-o_2
c
lin
END
fails 'another of that name' bp vol-create-as data a 8M --allocation 0
told '... is none of theirs' "there are snapshots of an earlier volume 'a'"
works 'they are deleted like volumes' bp vol-delete a.snap.t.w-o_2 data
works '... or kept' bp vol-clone a.snap.one e data
works '... both' bp vol-delete a.snap.one data
works 'snapshot' bp vol-snapshot-create e x data
works 'delete the volume with it' bp vol-delete e data --delete-snapshots
says '... both have gone' sh -c 'lvs --noheadings -o lv_name vgd | tr -d " "' <<END
c
lin
tp
END

# ---- killed in the middle ------------------------------------------------------------
works 'snapshot' bp vol-snapshot-create c s data
before=$(dd if=/dev/vgd/c bs=1M count=30 2>/dev/null | cksum)
random /dev/vgd/c 5
now=$(dd if=/dev/vgd/c bs=1M count=30 2>/dev/null | cksum)
begin() {
	lvcreate -qq -y -s -kn -an --addtag barepool.revert:999999:x -n c.revert \
		vgd/c.snap.s 2>/dev/null
}
cs() { dd if=/dev/vgd/c bs=1M count=30 2>/dev/null | cksum; }
works 'killed before the volume went' begin
says '... it is the volume' volumes <<END
c
lin
END
works '... the next change tidies up' bp vol-snapshot-create c t data
works '... all of it' sh -c '! lvs vgd/c.revert 2>/dev/null'
works '... and it is what it was' [ "$(cs)" = "$now" ]
works 'killed after that' begin
lvremove -qq -f vgd/c
says '... it is still shown' volumes <<END
c
lin
END
says '... and its snapshots' names c <<END
s
t
END
works '... the next change completes it' bp vol-snapshot-delete c t data
works '... it is what it shall be' [ "$(cs)" = "$before" ]
works '... without the tag' [ "$(lv lv_tags vgd/c)" = '' ]
works 'delete' bp vol-delete c data --delete-snapshots

# ---- space given back -----------------------------------------------------------------
works 'all is free' [ "$(data)" = 0.00 ]
works 'thin' bp vol-create-as data a 200M --allocation 0
random /dev/vgd/a 64
works 'half is used' [ "$(data)" = 50.00 ]
works 'trim' bp vol-wipe a data --algorithm trim
works '... gives all back' [ "$(data)" = 0.00 ]
random /dev/vgd/a 40
random /dev/vgd/a 20 150
works 'snapshot' bp vol-snapshot-create a s data
works 'wipe what it shares, in a pool where there is no room for twice as much' \
	bp vol-wipe a data --algorithm nnsa
works '... is zeros' cmp -n 209715200 /dev/zero /dev/vgd/a
works '... and only the snapshot has space' [ "$(data)" = 46.88 ]
works '... LVM has not found it full' [ "$(lv lv_health_status vgd/tp)" = '' ]
works 'revert' bp vol-snapshot-revert a s data
works '... brings it back' sh -c '! cmp -sn 1048576 /dev/zero /dev/vgd/a'
works 'delete the snapshot' bp vol-snapshot-delete a s data
works 'wipe with zeros' bp vol-wipe a data
works '... is zeros' cmp -n 209715200 /dev/zero /dev/vgd/a
works '... and takes no space' [ "$(data)" = 0.00 ]
mkfs.ext4 -qF /dev/vgd/a
mount /dev/vgd/a /mnt/a
random /mnt/a/file 60
works 'a file takes space' sh -c "[ $(data | cut -d. -f1) -ge 46 ]"
rm /mnt/a/file
sync
works 'fstrim' fstrim /mnt/a
works '... gives it back' sh -c "[ $(data | cut -d. -f1) -lt 20 ] || ! echo $(data)"
umount /mnt/a
truncate -s 190M "$T/sparse"
dd if=/dev/urandom of="$T/sparse" bs=1M count=5 seek=90 conv=notrunc 2>/dev/null
works 'a sparse upload' bp vol-upload a "$T/sparse" data --sparse
works '... is the same' cmp -n 199229440 "$T/sparse" /dev/vgd/a
works '... and takes what it has' sh -c "[ $(data | cut -d. -f1) -le 5 ] || ! echo $(data)"
works 'delete' bp vol-delete a data
works '... gives all back' [ "$(data)" = 0.00 ]
random /dev/vgd/lin 1
mkdir -p "$T/files"
bp pool-define-as files dir --target "$T/files" >/dev/null && bp pool-start files >/dev/null
works 'a file' bp vol-create-as files f 100M --allocation 0
works '... with something in it' bp vol-upload f "$T/sparse" files --length 1048576
cat >"$T/f.xml" <<END
<volume><name>f</name><capacity unit='MiB'>100</capacity><allocation>0</allocation></volume>
END
works 'from another pool' bp vol-create-from data "$T/f.xml" f --inputpool files
works '... is thin' [ "$(lv lv_layout vgd/f)" = thin,sparse ]
works '... and the same' cmp "$T/files/f" /dev/vgd/f
works '... and takes no space for zeros' [ "$(data)" = 0.00 ]
dd if=/dev/urandom of="$T/sparse" bs=1M count=3 seek=10 conv=notrunc 2>/dev/null
truncate -s 50000384 "$T/sparse"
qemu-img convert -q -f raw -O qcow2 "$T/sparse" "$T/files/image"
random /dev/vgd/f 20
works 'an image is written over it' bp vol-create-from data "$T/f.xml" image \
	--inputpool files --overwrite --verify
works '... as QEMU sees both' qemu-img compare -q -F raw "$T/files/image" /dev/vgd/f
works '... and takes what it has' sh -c "[ $(data | cut -d. -f1) -le 4 ] || ! echo $(data)"
works 'old sparse volumes' lvcreate -qq -y --type snapshot -L 8M --virtualsize 100M -n old vgd
fails '... are not wiped' bp vol-wipe old data
told '... and say why' "logical volume 'old' is sparse, volume wipe not supported"
done_testing
