#!/bin/sh
# logical_faults.sh - volume groups that are full, damaged, in use, or not whole: what is said
# and that nothing is half made.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
# lab: disk=scsi:64M disk=scsi:64M disk=scsi:64M build=tests/tools/killat
# lab: limit=500
. tests/lab.sh
. tests/lab/refused

needs lvm 'needs lvm2'
loads dm-mod dm-snapshot
one=$(disk 1) two=$(disk 2) three=$(disk 3)
cat >"$T/pool.xml" <<END
<pool type='logical'><name>p</name><source><name>vg</name>
<device path='$one'/><device path='$two'/></source></pool>
END
{ bp pool-define "$T/pool.xml" && bp pool-build p && bp pool-start p; } >"$T/out" 2>&1 || show
works 'a volume' bp vol-create-as p a 8M
works 'another, on the second device' bp vol-create-as p b 60M

# ---- sizes and names ---------------------------------------------------------------------
refused 'more than is free' 'give it another device (vgextend vg DEVICE)' vol-create-as p n 60M
refused 'larger than what is free' "volume group 'vg' has" vol-resize a 120M p
refused 'no size' 'capacity required' vol-create-as p n 0
refused 'the largest size' 'too large' vol-create-as p n 9223372036854775807
works 'one byte' bp vol-create-as p n 1
is '... is an extent' "$(lvs --noheadings --nosuffix --units b -o lv_size vg/n | tr -d ' ')" 4194304
works '... and stays one' bp vol-resize n 4194304 p
works 'delete' bp vol-delete n p
long=$(printf "%0112d" 0)
for name in pvmove0 x_mlog x_rimage_1 "$long"; do
	refused "'$name'" "'$name'" vol-create-as p "$name" 4M
done

# ---- snapshots, and the space for what changes ------------------------------------------------
valid() { [ -z "$(lvs --noheadings -o lv_snapshot_invalid -S 'lv_snapshot_invalid=1' vg)" ]; }
head -c 6000000 /dev/urandom >"$T/6"
head -c 2000000 /dev/urandom >"$T/2"
works 'a sparse volume' bp vol-create-as p sp 24M --allocation 4M
refused 'is not resized' "'sp' is sparse" vol-resize sp 32M p
refused 'is not wiped' 'volume wipe not supported' vol-wipe sp p
refused 'nor uploaded into, more than it has' 'vg/sp)' vol-upload sp "$T/6" p
works 'unless it has the space' bp vol-upload sp "$T/2" p
fails 'nor from a pipe, whose end nobody knows' sh -c "
	cat '$T/6' | '$T/bin/barepool' vol-upload sp /dev/stdin p"
is '... which is said' "$(grep -c 'vg/sp)' "$T/out")" 1
works '... and lives' valid
works 'with more space' lvextend -qq --size +24M vg/sp
works '... it is' bp vol-upload sp "$T/6" p
works 'delete' bp vol-delete sp p
snapshot() { # NAME ALLOCATION [ORIGIN]
	cat >"$T/snap.xml" <<-END
	<volume><name>$1</name><capacity>0</capacity><allocation unit='MiB'>$2</allocation>
	<backingStore><path>/dev/vg/${3:-a}</path></backingStore></volume>
	END
	bp vol-create p "$T/snap.xml"
}
works 'a snapshot with space for a part' snapshot s1 4
refused 'its origin is not wiped' "its origin 'a'" vol-wipe a p
refused '... nor uploaded into' "vg/s1), or delete it" vol-upload a "$T/6" p
works '... but for a little' bp vol-upload a "$T/2" p
works 'delete' bp vol-delete s1 p
works 'a snapshot with space for all' snapshot s2 0
works 'its origin is wiped' bp vol-wipe a p
works '... and lives' valid
works 'delete' bp vol-delete s2 p

# ---- deleted with its snapshots, of which LVM removes one after the other ---------------------
K=$B/tests/tools/killat
# What LVM says is known before, or not all would make as many calls.
ready() { bp -q vol-list p --details >/dev/null; }
family() { bp vol-create-as p o 8M && snapshot o1 4 o && snapshot o2 4 o && ready; }
all_of_it="vol-delete o p --delete-snapshots"
works 'a volume with snapshots' family
exec 8<>/dev/vg/o2
# shellcheck disable=SC2086 # words
refused 'none goes while one is open' "'/dev/vg/o2' is used by pid $$" $all_of_it
exec 8<&-
is '... and all can be used' "$(dmsetup info -c --noheadings -o name -S 'name=~^vg-o' |
	grep -c '^vg-o[12]*$')" 3
works 'delete them, to see when' sh -c "'$K' --list '$BAREPOOL' $all_of_it 3>'$T/calls'"
at=$(grep -n 'ioctl.*/control' "$T/calls" | tail -n 1 | cut -d: -f1)
works 'again' family
# shellcheck disable=SC2086 # words
"$K" "${at:-1}" "$BAREPOOL" $all_of_it >/dev/null 2>&1
is "killed before the last is gone (call ${at:-none})" $? 137
bp vol-list p >"$T/list"
lacks '... all are' "$T/list" /dev/vg/o
works '... and are after the next change' bp vol-resize a 12M p
says '... LVM says so, too' volumes <<END
a 12.00m
b 60.00m
END
works 'back' bp vol-resize a 8M p --shrink

# ---- nodes that somebody has removed ---------------------------------------------------------
rm -r /dev/vg /dev/mapper/vg-a
works 'a volume whose node is away can be read' bp vol-download a "$T/back" p
works '... and has one again' [ -b /dev/vg/a ]

# ---- in use ------------------------------------------------------------------------------
exec 8<>/dev/vg/a
refused 'a volume that is open is not deleted' "pid $$" vol-delete a p
lacks '... nor is that offered' "$T/out" --force
exec 8<&-

# ---- looked at while it is made --------------------------------------------------------------
# LVM has written of it before the kernel hears of it.
ready
works 'a volume, to see when' sh -c "'$K' --list '$BAREPOOL' vol-create-as p e 4M 3>'$T/calls'"
at=$(grep -n 'ioctl.*/control' "$T/calls" | head -n 1 | cut -d: -f1)
bp vol-delete e p >/dev/null
ready
look="lvs --nolocking --noheadings -o lv_name vg/e >$T/lvs
$BAREPOOL vol-list p --details >$T/list; $BAREPOOL vol-info e p >$T/info 2>&1 || :"
works "a volume, and somebody looks before it is active (call ${at:-none})" \
	"$K" "${at:-1}" "do:$look" "$BAREPOOL" vol-create-as p e 4M
has '... when LVM has it' "$T/lvs" e
lacks '... it is not listed' "$T/list" ' e '
has '... nor found' "$T/info" "no storage vol with matching path 'e'"
bp vol-info e p >"$T/info"
has '... and then it is there' "$T/info" 'Kind:           linear'
lacks '... and active' "$T/info" inactive
works 'delete' bp vol-delete e p

# ---- made in another world of processes ----------------------------------------------------
# While a clone is filled, somebody elsewhere makes a volume: who makes the first does not
# live there, as far as process numbers go.
ready
works 'a clone, to see when' sh -c "'$K' --list '$BAREPOOL' vol-clone a c p 3>'$T/calls'"
at=$(grep -n 'copy_file_range /dev\|p*write[64v]* /dev/\(dm-\|vg/\|mapper/\)' "$T/calls" |
	head -n 1 | cut -d: -f1)
bp vol-delete c p >/dev/null
ready
elsewhere="unshare --pid --fork --mount-proc $BAREPOOL"
works "a clone, and in its middle (call ${at:-none}) somebody elsewhere makes one" \
	"$K" "${at:-1}" "do:$elsewhere vol-create-as p e 4M >$T/e 2>&1" "$BAREPOOL" vol-clone a c p
show "$T/e"
works '... has lost nothing' cmp /dev/vg/a /dev/vg/c
works '... nor has the other' bp vol-delete e p
works 'delete' bp vol-delete c p
ready
works 'the other way round: a maker elsewhere' unshare --pid --fork --mount-proc \
	"$K" "${at:-1}" "do:nsenter -t 1 --mount true; $BAREPOOL vol-create-as p e 4M >$T/e 2>&1" \
	"$BAREPOOL" vol-clone a c p
works '... has lost nothing' cmp /dev/vg/a /dev/vg/c
works 'delete both' bp 'vol-delete c p; vol-delete e p'
ready
unshare --pid --fork --mount-proc "$K" "${at:-1}" "$BAREPOOL" vol-clone a c p >/dev/null 2>&1
works 'what a maker elsewhere left when it died' [ -e /dev/vg/c ]
fails '... is seen by nobody' bp vol-info c p
works '... and gone after the next change' bp vol-resize a 12M p
says '... of which LVM knows nothing' volumes <<END
a 12.00m
b 60.00m
END

# ---- devices that go -----------------------------------------------------------------------
dmsetup suspend vg-a
dmsetup suspend --noflush vg-b
works 'who was killed in the middle left them stopped: the next change' bp vol-create-as p n 4M
is '... lets them go on' "$(dmsetup info -c --noheadings -o suspended vg-a vg-b | sort -u)" Active
dmsetup suspend --noflush vg-b
dmsetup load vg-b --table '0 122880 error'
dmsetup resume vg-b
refused 'a device that fails is not read' "'/dev/vg/b'" vol-download b "$T/back" p
refused '... nor wiped' "'/dev/vg/b'" vol-wipe b p
works '... but let go' bp vol-delete b p
unplug 2
works 'a device is gone: the list' bp vol-list p --details
works 'the pool' bp pool-info p
has '... has a problem' "$T/out" "Problem:        volume group 'vg' lacks 1 of its 2 devices: "
refused 'nothing is made without it' "lacks 1 of its 2 devices" vol-create-as p m 4M
refused 'nothing grows' "lacks 1 of its 2 devices" vol-resize n 8M p
works 'what is elsewhere can be read' bp vol-download a "$T/back" p
refused 'but not go' "lacks 1 of its 2 devices" vol-delete n p
works 'stop' bp pool-destroy p
refused 'and does not start' "lacks 1 of its 2 devices" pool-start p
plug 2
works 'until it is back' bp pool-start p
works 'and all is as it was' bp vol-create-as p m 4M
works '... says LVM' vgck vg

# ---- metadata that is damaged ----------------------------------------------------------------
bp pool-destroy p >/dev/null
damage() {
	for d; do dd if=/dev/zero of="$d" bs=4096 seek=1 count=200 conv=notrunc status=none; done
	rm -f /run/lvm/hints
}
damage "$two"
works 'damaged on one of two: it starts' bp pool-start p
works '... lists' bp vol-info n p
works '... tells of it' bp pool-info p
has '... with what to do' "$T/out" "of volume group 'vg' on '$two' is damaged, and on other"
works '... in the list, too' bp pool-list --details
has '... with what to do' "$T/out" "pvck --repair -f FILE $two; vgck --updatemetadata vg)"
works '... and changes' bp vol-delete n p
works '... says LVM' vgck vg
works 'what is good is kept' vgcfgbackup -qq -f "$T/vg" vg
works '... and written where it was' pvck --repair -y -f "$T/vg" "$two"
works '... and everywhere the same' vgck -qq --updatemetadata vg
works '... the pool' bp pool-info p
lacks '... has no problem' "$T/out" Problem
bp pool-destroy p >/dev/null
damage "$one" "$two"
refused 'damaged on both: no start' "'vg'" pool-start p
refused 'nor is it built anew' 'its metadata is damaged' pool-build p
says 'nor is it a source' bp find-storage-pool-sources logical <<END
<sources>
</sources>

END
refused 'not even by force' 'wipefs --all' pool-build p --overwrite
works 'but when what was said has been done' wipefs -q --all "$one" "$two"
works '... it is' bp pool-build p
works '... says LVM' vgck vg

# ---- two of a name ---------------------------------------------------------------------------
vgcreate -qq -y --devices "$three" vg "$three" 2>/dev/null
works 'another group of that name' sh -c "[ \$(vgs --noheadings | wc -l) -eq 2 ]"
refused 'start' "'vg'" pool-start p
refused 'build' "'vg'" pool-build p
done_testing
