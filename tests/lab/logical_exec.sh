#!/bin/sh
# logical_exec.sh - volume groups through the program lvm instead of its library, thin ones too.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091,SC2016 # tests are run from the top
# lab: disk=virtio:256M disk=scsi:64M disk=scsi:64M disk=scsi:64M build=static/barepool
. tests/lab.sh
. tests/lab/refused

needs lvm 'needs lvm2'
needs thin_check 'needs thin-provisioning-tools'
loads dm-mod dm-snapshot dm-thin-pool
BAREPOOL=$PWD/build/static/barepool
[ -x "$BAREPOOL" ] || { echo '1..0 # SKIP needs a static build, which has LVM=exec'; exit 0; }
ln -sf "$BAREPOOL" "$T/bin/barepool"
lv() { lvs --noheadings --nosuffix --units b -o "$1" "$2" | tr -d ' '; }
sum() { head -c 3000000 "/dev/vg/$1" | cksum; }
head -c 3000000 /dev/urandom >"$T/bytes"

works 'define' bp pool-define-as p logical --source-dev "$(disk 1)" --source-name vg \
	--thin-pool tp --thin-size 64M --thin-limit 500
works 'build' bp pool-build p
works '... with a thin pool' [ "$(lv lv_layout,lv_size vg/tp)" = thin,pool67108864 ]
works 'start' bp pool-start p
works 'linear' bp vol-create-as p a 8M
fails 'that name again' bp vol-create-as p a 8M
told '... is said' "storage volume 'a' exists already"
fails 'more than there is' bp vol-create-as p b 1G
told '... and what is free' "volume group 'vg' has [0-9]* bytes free"
works 'fill it' bp vol-upload a "$T/bytes" p
works 'clone it' bp vol-clone a c p
works '... it is the same' [ "$(sum a)" = "$(sum c)" ]
works 'resize it' bp vol-resize c 12M p
works 'thin' bp vol-create-as p t 100M --allocation 0
works '... LVM agrees' [ "$(lv lv_layout,pool_lv,lv_size vg/t)" = thin,sparsetp104857600 ]
works 'fill it' bp vol-upload t "$T/bytes" p
works 'a thin clone' bp vol-clone t u p
works '... is a thin snapshot' [ "$(lv origin vg/u)" = t ]
works 'a snapshot' bp vol-snapshot-create t s p
before=$(sum t)
dd if=/dev/urandom of=/dev/vg/t bs=1M count=1 conv=fsync,notrunc 2>/dev/null
works 'go back' bp vol-snapshot-revert t s p
works '... it is what it was' [ "$(sum t)" = "$before" ]
works 'list' bp vol-snapshot-list t p
told '... has it' '^ s '
fails 'too much' bp vol-create-as p v 100M --allocation 0
told '... is more than the limit' 'may have 500 % of its size'
works 'info' bp pool-info p
told '... tells of the thin pool' '^Thin data: *4.49 %$'
lvchange -qq --errorwhenfull y vg/tp
dd if=/dev/urandom of=/dev/vg/t bs=1M count=70 conv=fsync,notrunc 2>/dev/null
works 'full' [ "$(lv lv_health_status vg/tp)" = out_of_data ]
works '... info' bp pool-info p
told '... says so' "^Warning: *thin pool 'vg/tp' is full: writes to its volumes fail"
fails '... no thin volume is made' bp vol-create-as p v 10M --allocation 0
told '... is said' "thin pool 'vg/tp' is full"
works '... nor a part of it left' [ ! -e /dev/vg/v ]
says 'list' sh -c "$T/bin/barepool -q vol-list p | awk 'NF { print \$1 }'" <<END
a
c
t
u
END
for v in a c u; do works "delete $v" bp vol-delete $v p; done
works 'delete t' bp vol-delete t p --delete-snapshots
works 'stop' bp pool-destroy p
works '... nothing is active' [ -z "$(lvs --noheadings -S lv_active=active vg)" ]
works 'delete' bp pool-delete p
works '... leaves nothing' [ -z "$(vgs --noheadings)" ]
works 'forget it' bp pool-undefine p

# ---- bad input and faults ----------------------------------------------------------
one=$(disk 2) two=$(disk 3) three=$(disk 4)
left() { vgs --noheadings --nosuffix --units b -o vg_free vg | tr -d ' '; }
cat >"$T/pool.xml" <<END
<pool type='logical'><name>q</name><source><name>vg</name>
<device path='$one'/><device path='$two'/></source></pool>
END
works 'two devices' bp 'pool-define '"$T/pool.xml"'; pool-build q; pool-start q'
works 'one byte' bp vol-create-as q n 1
works '... is an extent' [ "$(lv lv_size vg/n)" = 4194304 ]
works 'what is on the second' bp vol-create-as q b 60M
for name in pvmove0 x_mlog snapshot1 "$(printf '%0112d' 0)"; do
	refused "'$name'" "'$name'" vol-create-as q "$name" 4M
done
refused 'full' "volume group 'vg' has $(left) bytes free" vol-create-as q m 60M
refused '... also for what grows' "volume group 'vg' has $(left) bytes free" vol-resize n 120M q
exec 8<>/dev/vg/n
refused 'a volume that is open is not deleted' "'/dev/vg/n' is used by pid $$" vol-delete n q
exec 8<&-
unplug 3
works 'a device is gone: the list' bp vol-list q --details
refused 'nothing is made without it' 'lacks 1 of its 2 devices' vol-create-as q m 4M
refused 'nor deleted' 'lacks 1 of its 2 devices' vol-delete n q
works 'what is elsewhere can be read' bp vol-download n "$T/back" q
works 'stop' bp pool-destroy q
refused 'and does not start' 'lacks 1 of its 2 devices' pool-start q
plug 3
works 'until it is back' bp pool-start q
works '... says LVM' vgck vg
works 'stop' bp pool-destroy q
damage() {
	for d; do dd if=/dev/zero of="$d" bs=4096 seek=1 count=200 conv=notrunc status=none; done
	rm -f /run/lvm/hints
}
two=$(disk 3)
damage "$two"
works 'damaged on one of two: it starts' bp pool-start q
works '... and changes' bp vol-delete n q
works '... says LVM' vgck vg
works 'stop' bp pool-destroy q
damage "$one" "$two"
refused 'damaged on both: no start' "'vg'" pool-start q
refused 'nor is it built anew' 'its metadata is damaged' pool-build q
works 'but when its marks are gone' wipefs -q --all "$one" "$two"
works '... it is' bp pool-build q
works '... says LVM' vgck vg
vgcreate -qq -y --devices "$three" vg "$three" 2>/dev/null
works 'another group of that name' [ "$(vgs --noheadings | wc -l)" -eq 2 ]
refused 'start' "'vg'" pool-start q
refused 'build' "'vg'" pool-build q
done_testing
