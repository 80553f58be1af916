#!/bin/sh
# logical_thin.sh - thin volumes: made, cloned, counted, full; with LVM's own tools beside them.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091,SC2016 # tests are run from the top
# lab: disk=virtio:512M disk=virtio:256M build=tests/tools/killat
# lab: limit=600
. tests/lab.sh

needs lvm 'needs lvm2'
needs thin_check 'needs thin-provisioning-tools'
loads dm-mod dm-snapshot dm-thin-pool dm-flakey

one=$(disk 1) two=$(disk 2)
lv() { lvs --noheadings --nosuffix --units b -o "$1" "$2" | tr -d ' '; }
untold() { if grep -q -e "$2" "$T/out"; then show; nok "$1"; else ok "$1"; fi; }
number() { bp --format json pool-info "$1" | sed "s/.*\"$2\": \([0-9]*\).*/\1/"; }
used() { number data thin_allocation; }	# bytes of data
random() { # FILE MB [AT]
	dd if=/dev/urandom of="$1" bs=1M count="$2" seek="${3:-0}" conv=fsync,notrunc 2>/dev/null
}
has() { "$T/bin/barepool" "$1" "$2" ${3:+"$3"} | grep -q -e "$4"; } # COMMAND WORD WORD TEXT

# ---- build ----------------------------------------------------------------------
works 'a thin pool as if it were a part of the name' bp pool-define-as wrong logical \
	--source-dev "$one" --source-name vgd/tp
fails '... is not built' bp pool-build wrong
told '... and how it is named is said' 'named beside it, in <barepool:thin> (--thin-pool)'
works '... nor kept' bp pool-undefine wrong
works 'define' bp pool-define-as data logical --source-dev "$one" --source-name vgd \
	--thin-pool tp --thin-size 64M --thin-limit 1500
works 'the definition says so' has pool-dumpxml data '' '<barepool:name>vgd/tp</barepool:name>'
works 'build' bp pool-build data
works 'LVM has a thin pool' [ "$(lv lv_layout vgd/tp)" = thin,pool ]
works '... of that size' [ "$(lv lv_size vgd/tp)" = 67108864 ]
works '... which is not active' [ "$(lv lv_active vgd/tp)" = '' ]
works 'build again: it is there' bp pool-build data
works 'without it' lvremove -qq -f vgd/tp
works 'start' bp pool-start data
fails 'no thin volume without a thin pool' bp vol-create-as data none 100M --allocation 0
told '... is said' "thin pool 'vgd/tp' is not there; pool-build makes it"
works 'info works, and says so' bp pool-info data
told '... as a problem' "Problem:.*thin pool 'vgd/tp' is not there"
works 'stop' bp pool-destroy data

# ---- built again, after somebody was killed who made it --------------------------------
# What he leaves is one of a name of its own, and LVM's "lvol0", which would have been the spare
# for its metadata: as large as that, and made in the same moment.
half() {
	lvcreate -qq -an -Zn -Wn -l 16 -n tp.barepool.1.data vgd &&
		lvcreate -qq -an -Zn -Wn -l 1 -n tp.barepool.1.meta vgd &&
		lvconvert -qq -y --type thin-pool --poolmetadataspare n \
			--poolmetadata vgd/tp.barepool.1.meta vgd/tp.barepool.1.data
}
later() { date -s "@$(($(date +%s) + 60))"; }
names() { lvs --noheadings -o lv_name vgd | tr -s ' \n' ' '; }
person() { lvcreate -qq -an -Zn "$@" vgd; }
works 'a volume of a person' person -n lvol3 -l 1
later >/dev/null
works 'half a thin pool' half
works 'another size' person -n lvol0 -l 2
works 'a tag' person -n lvol1 -l 1 --addtag mine
later >/dev/null
works 'later' lvcreate -qq -Zn -n lvol2 -l 1 vgd
fails 'none of them is taken for the spare' bp pool-build data
told '... one is in use' 'part of the device.*vgd-lvol2'
works '... let go' lvchange -qq -an vgd/lvol2
works 'build makes what is missing' bp pool-build data
is '... what people have made is there, and nothing half' "$(names)" \
	' lvol0 lvol1 lvol2 lvol3 tp '
works '... without them' lvremove -qq -f vgd
{ half && person -n lvol0 -l 1; } >"$T/out" 2>&1
works 'build, after LVM was making the spare' bp pool-build data
is '... that is gone' "$(names)" ' tp '
is '... and there is another' "$(lvs -a --noheadings vgd | grep -c '_pmspare]')" 1
works 'start' bp pool-start data

# ---- volumes --------------------------------------------------------------------
works 'thin' bp vol-create-as data a 200M --allocation 0
untold '... without a warning' warning
works '... LVM agrees' [ "$(lv lv_layout,pool_lv vgd/a)" = thin,sparsetp ]
works '... and on its size' [ "$(lv lv_size vgd/a)" = 209715200 ]
works '... its key is the UUID' [ "$(bp -q vol-key a data)" = "$(lv lv_uuid vgd/a)" ]
works '... its node is its owner'"'"'s only' [ "$(stat -Lc %a /dev/vgd/a)" = 600 ]
works 'all of its space at once is linear' bp vol-create-as data lin 16M
works '... LVM agrees' [ "$(lv lv_layout vgd/lin)" = linear ]
says 'vol-info' bp vol-info a data <<END
Name:           a
Type:           block
Capacity:       200.00 MiB
Allocation:     0.00 B
Kind:           thin

END
random "$T/bytes" 20
works 'upload' bp vol-upload a "$T/bytes" data
works '... takes what it has' [ "$(used)" = 20971520 ]
works 'download' bp vol-download a "$T/back" data
works '... is the same' cmp -n 20971520 "$T/bytes" "$T/back"
works '... and all of it' [ "$(stat -c %s "$T/back")" = 209715200 ]
rm "$T/back"
works '... a sparse file' bp vol-download a "$T/back" data --sparse
works '... with holes' [ "$(du -m "$T/back" | cut -f1)" -lt 30 ]
works 'a sparse upload' bp vol-upload a "$T/back" data --sparse
works '... takes no more' [ "$(used)" = 20971520 ]
works 'clone' bp vol-clone a b data
works '... is a thin snapshot' [ "$(lv origin vgd/b)" = a ]
works '... active' [ -e /dev/vgd/b ]
works '... the same' cmp /dev/vgd/a /dev/vgd/b
works '... and takes no space' [ "$(used)" = 20971520 ]
works '... whose origin is told' has vol-dumpxml b data '<path>/dev/vgd/a</path>'
works '... as its chain' has vol-chain b data '^ `- b .*this volume'
works '... and who was made of it' has vol-chain a data '^ `- b '
works 'clone, and check' bp vol-clone a c data --verify --reflink
echo '<volume><name>d</name><capacity unit="MiB">240</capacity></volume>' >"$T/d.xml"
works 'a larger one, from XML' bp vol-create-from data "$T/d.xml" a --inputpool data
works '... is a thin snapshot' [ "$(lv origin,lv_size,lv_tags vgd/d)" = a251658240 ]
works '... the same' cmp -n 209715200 /dev/vgd/a /dev/vgd/d
works '... and then zeros' cmp -n 41943040 -i 209715200:0 /dev/vgd/d /dev/zero
works 'a clone of a linear one is none' bp vol-clone lin lin2 data
works '... LVM agrees' [ "$(lv lv_layout vgd/lin2)" = linear ]
fails 'a linear one has no blocks to share' bp vol-clone lin lin3 data --reflink
fails 'the name is taken' bp vol-clone a b data
works 'resize up' bp vol-resize b 300M data
works '... LVM agrees' [ "$(lv lv_size vgd/b)" = 314572800 ]
works '... down' bp vol-resize b 100M data --shrink
works '... LVM agrees' [ "$(lv lv_size vgd/b)" = 104857600 ]
fails 'not with all of its space' bp vol-resize b 120M data --allocate
told '... and says why' "volume 'b' is thin"
for v in b c d; do works "delete $v" bp vol-delete $v data; done
says 'thin pools and their parts are no volumes' sh -c \
	"$T/bin/barepool vol-list data | awk 'NR > 2 && NF { print \$1 }'" <<END
a
lin
lin2
END

# ---- deleted with its snapshots, of which LVM removes one after the other ------------------
family() {
	bp vol-create-as data x 20M --allocation 0 && bp vol-snapshot-create x s1 data &&
		bp vol-snapshot-create x s2 data
}
K=$B/tests/tools/killat all_of_it='vol-delete x data --delete-snapshots'
works 'a volume with snapshots' family
works 'delete them, to see when' sh -c "'$K' --list '$BAREPOOL' $all_of_it 3>'$T/calls'"
works '... nothing is left' [ -z "$(lvs --noheadings -o lv_name -S 'lv_name=~^x' vgd)" ]
at=$(awk '/^ioctl.*\/control/ { at[++n] = NR } END { print at[int(n / 2)] }' "$T/calls")
works 'again' family
# shellcheck disable=SC2086 # words
"$K" "${at:-1}" "$BAREPOOL" $all_of_it >/dev/null 2>&1
is "killed in the middle (call ${at:-none})" $? 137
works '... LVM has some' [ -n "$(lvs --noheadings -o lv_name -S 'lv_name=~^x' vgd)" ]
fails '... and nobody sees them' bp vol-info x data
fails '... nor what were its snapshots' bp vol-snapshot-list x data
works '... which are gone after the next change' bp vol-resize lin 16M data
works '... as LVM says' [ -z "$(lvs --noheadings -o lv_name -S 'lv_name=~^x' vgd)" ]

# ---- how full -------------------------------------------------------------------
works 'info' bp pool-info data
told '... has its name' '^Thin pool: *vgd/tp$'
told '... and state' '^Thin state: *fine$'
told '... and size' '^Thin capacity: *64.00 MiB$'
told '... and data' '^Thin data: *31.25 %$'
told '... and metadata' '^Thin metadata: *[0-9.]* %$'
told '... and what its volumes could need' '^Thin promised: *200.00 MiB$'
untold '... and no warning' Warning
works 'LVM agrees on the metadata' [ "$(bp pool-info data |
	sed -n 's/^Thin metadata: *\([0-9]*\).*/\1/p')" -eq "$(lv metadata_percent vgd/tp |
	sed 's/\..*//')" ]
works 'JSON' [ "$(number data thin_capacity)" = 67108864 ]
works 'XML' has pool-dumpxml data '' "<barepool:state capacity='67108864' allocation='20971520'"
bp pool-dumpxml data >"$T/data.xml"
works '... can be defined again' bp pool-define "$T/data.xml" --validate
fails 'beyond the limit' bp vol-create-as data huge 1000M --allocation 0
told '... is refused' "may have 1500 % of its size, which is 1006632960 bytes"
fails '... also a larger one' bp vol-resize a 1001M data
works '... and nothing is left' [ ! -e /dev/vgd/huge ]
random /dev/vgd/a 50
works 'before it is full' bp vol-create-as data e 10M --allocation 0
told '... there is a warning' "^warning: thin pool 'vgd/tp' is 78.12 % full; make it larger"
works '... in pool-info' bp pool-info data
told '... too' "^Warning: *thin pool 'vgd/tp' is 78.12 % full"
works '... as JSON' bp --format json vol-create-as data f 10M --allocation 0
told '... too' '{"warning": "thin pool'
lvchange -qq --errorwhenfull y vgd/tp
random /dev/vgd/a 64 40
works 'full' [ "$(lv lv_health_status vgd/tp)" = out_of_data ]
works '... info says so' bp pool-info data
told '... and what to do' "^Warning: *thin pool 'vgd/tp' is full: writes to its volumes fail"
told '... and the state' '^Thin state: *full$'
fails '... and there are no more' bp vol-create-as data more 10M --allocation 0
told '... is said' "thin pool 'vgd/tp' is full"
fails '... nor clones' bp vol-clone a more data
works '... but linear ones' bp vol-create-as data lin4 8M
works 'stop' bp pool-destroy data
works '... takes the thin pool, too' [ "$(lv lv_active vgd/tp)" = '' ]
works 'start: it can be read' bp pool-start data
works 'delete' bp vol-delete a data
works '... gives back' [ "$(used)" = 0 ]
works '... and all is well' has pool-info data '' 'Thin state: *fine'
for v in e f lin lin2 lin4; do works "delete $v" bp vol-delete $v data; done

# ---- damaged ----------------------------------------------------------------------
works 'a thin volume' bp vol-create-as data a 20M --allocation 0
# metadata TABLE: what is below the thin pool's metadata from now on.
metadata() { dmsetup suspend vgd-tp_tmeta && dmsetup load vgd-tp_tmeta "$1" &&
	dmsetup resume vgd-tp_tmeta; }
dmsetup table vgd-tp_tmeta >"$T/whole"
# Of them only the superblock, which has to say so, can be written; or nothing be read.
awk '{ print 0, 8, $3, $4, $5; print 8, $2 - 8, "flakey", $4, $5 + 8, "0 3600 1 error_writes" }' \
	"$T/whole" >"$T/read_only"
awk '{ print 0, 8, $3, $4, $5; print 8, $2 - 8, "error" }' "$T/whole" >"$T/failing"
for way in 'failing:failed:has failed:fine' 'read_only:needs check:needs a check:needs check'; do
	IFS=: read -r table state word after <<-END
	$way
	END
	works "metadata: $table" metadata "$T/$table"
	random /dev/vgd/a 1
	works '... info' bp pool-info data
	told '... says so' "^Thin state: *$state\$"
	told '... and what to do' "^Warning: *thin pool 'vgd/tp' $word: stop the pool and repair"
	fails '... and no volume is made' bp vol-create-as data b 20M --allocation 0
	told '... and why' "thin pool 'vgd/tp' $word"
	fails '... nor a clone' bp vol-clone a b data
	fails '... nor a snapshot' bp vol-snapshot-create a b data
	works '... but seen' bp vol-list data --details
	works 'whole again' metadata "$T/whole"
	works 'stop' bp pool-destroy data
	works 'start' bp pool-start data
	works "... it is what the metadata say: $after" \
		has pool-info data '' "Thin state: *$after\$"
done
works 'stop' bp pool-destroy data
{
	lvcreate --yes -an -Zn -L 4M -n meta vgd
	lvconvert --yes --thinpool vgd/tp --poolmetadata meta
	lvchange -ay vgd/meta
	dd if=/dev/zero of=/dev/vgd/meta bs=4096 count=16 conv=fsync
	lvchange -an vgd/meta
	lvconvert --yes --thinpool vgd/tp --poolmetadata meta
} >/dev/null 2>&1
fails 'damaged metadata' bp pool-start data
told '... are told as such' "a thin pool of volume group 'vgd' is damaged and cannot be activated"
lvremove -qq -ff -y vgd/tp 2>/dev/null
lvremove -qq -f vgd/meta 2>/dev/null
works 'build' bp pool-build data
works 'delete' bp pool-delete data
works '... leaves nothing' [ -z "$(vgs --noheadings)" ]
works 'forget it' bp pool-undefine data

# ---- others' --------------------------------------------------------------------------
pvcreate -qq "$two" && vgcreate -qq vgo "$two"
works 'a group that is there' bp pool-define-as others logical --source-name vgo \
	--thin-pool vgo/pool
works '... gets a thin pool' bp pool-build others
works '... of all there is' [ "$(vgs --noheadings -o vg_free_count vgo | tr -d ' ')" = 0 ]
works 'start' bp pool-start others
fails 'then nothing else fits' bp vol-create-as others lin 16M
told '... and what would is said' "below its capacity (--allocation 0), would be"
works 'thin' bp vol-create-as others v 1G --allocation 0
works '... deleted' bp vol-delete v others
works 'stop' bp pool-destroy others
lvremove -qq -f vgo/pool && lvcreate -qq -y -L 8M -n pool vgo 2>/dev/null
fails 'a volume by that name' bp pool-build others
told '... is not taken for one' 'is a volume of another kind'
done_testing
