#!/bin/sh
# logical_exec.sh - volume groups through the program lvm instead of its library, thin ones too.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091,SC2016 # tests are run from the top
# lab: disk=virtio:256M build=static/barepool
. tests/lab.sh

needs lvm 'needs lvm2'
needs thin_check 'needs thin-provisioning-tools'
loads dm-mod dm-snapshot dm-thin-pool
BAREPOOL=$PWD/build/static/barepool
[ -x "$BAREPOOL" ] || { echo '1..0 # SKIP needs a static build, which has LVM=exec'; exit 0; }
ln -sf "$BAREPOOL" "$T/bin/barepool"
lv() { lvs --noheadings --nosuffix --units b -o "$1" "$2" | tr -d ' '; }
told() { # NAME WORDS: the last command has said them
	if grep -q -e "$2" "$T/out"; then ok "$1"; else show; nok "$1"; fi
}
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
done_testing
