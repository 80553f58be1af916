#!/bin/sh
# iscsi.sh - pools of the kernel's initiator, on the kernel's own target; judged by iscsiadm,
# sysfs, scsi_id and what lies in the target's files.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
# lab: module=iscsi_tcp module=configfs module=target_core_mod module=target_core_file
# lab: module=iscsi_target_mod module=dm-multipath module=dm-service-time
# lab: program=iscsid program=iscsiadm program=iscsistart program=scsi_id
# lab: program=tgtd program=tgtadm
# lab: memory=640 limit=500
. tests/lab.sh
. tests/lab/lio

for tool in iscsid iscsiadm iscsistart; do needs $tool 'needs open-iscsi'; done
loads iscsi_tcp target_core_file iscsi_target_mod sg sd_mod
names() { bp -q vol-list "$1" | awk '{ print $1 }' | tr '\n' ' '; }
size() { bp vol-info "$1" p --bytes | awk '/^Capacity/ { print $2 }'; }
sessions() { ls /sys/class/iscsi_session; }
left() {
	find /etc/iscsi /run/barepool -type f ! -name '*.conf' ! -name initiatorname.iscsi \
		2>/dev/null
}
things() { # all of sysfs that an initiator could leave
	ls /sys/class/iscsi_session /sys/class/iscsi_connection /sys/class/iscsi_host \
		/sys/bus/scsi/devices /sys/class/block
}
Q=iqn.2026-01.test:disk C=iqn.2026-01.test:chap ME=iqn.2026-01.test:lab
mkdir -p /etc/iscsi
echo "InitiatorName=$ME" >/etc/iscsi/initiatorname.iscsi
echo "iscsid.startup = $(command -v iscsid)" >/etc/iscsi/iscsid.conf

lio_start
truncate -s 16M "$T/f0" "$T/f5" "$T/f7"
loop=$(losetup --find --show "$T/f7")
for d in 0 5; do lio_disk d$d "$T/f$d" 16777216; done
lio_disk d7 "$loop" 16777216

# ---- before there is a server --------------------------------------------------------
works 'define' bp pool-define-as p iscsi --source-host 127.0.0.1 --source-dev $Q --target /dev
before=$(things)
fails 'nobody listens' bp pool-start p
told '... and the error says so' '127.0.0.1:3260'
is '... no session was tried' "$(sessions)$(left)" ''
lio_target $Q
fails 'there is no such target' bp pool-create-as odd iscsi --source-host 127.0.0.1 \
	--source-dev iqn.2026-01.test:none --target /dev
told '... and the error says so' 'iqn.2026-01.test:none'
lio_lun $Q 0 d0
lio_lun $Q 5 d5

# ---- start ---------------------------------------------------------------------------
works 'start' bp pool-start p
is 'a session' "$(iscsiadm -m session | grep -c "127.0.0.1:3260,1 $Q ")" 1
is 'LUNs, gaps and all' "$(names p)" 'unit:0:0:0 unit:0:0:5 '
is 'the sum' "$(bp pool-info p --bytes | awk '/^Capacity/ { print $2 }')" 33554432
node=$(bp -q vol-path unit:0:0:5 p)
is 'the key is scsi_id'"'"'s word' "$(bp -q vol-key unit:0:0:5 p)" \
	"$(scsi_id --replace-whitespace --whitelisted --device "$node")"
works 'the port is told' [ "$(bp pool-dumpxml p | grep -c "port='3260'")" = 1 ]
dd if=/dev/urandom of="$T/bytes" bs=1M count=16 2>/dev/null
works 'upload' bp vol-upload unit:0:0:5 "$T/bytes" p
works '... the target has it' cmp "$T/bytes" "$T/f5"
works 'download' bp vol-download unit:0:0:5 "$T/back" p
works '... is the same' cmp "$T/bytes" "$T/back"
qemu-img convert -f raw -O qcow2 -S 64k "$T/bytes" "$T/image"
qemu-img resize -q --shrink "$T/image" 12M
mkdir "$T/files"
fails 'none is made of another' bp vol-clone unit:0:0:5 unit:0:0:0 p
told '... and the error says what can be done' '^hint: with --overwrite'
works 'an image' bp pool-create-as files dir --target "$T/files"
mv "$T/image" "$T/files"
echo '<volume><name>unit:0:0:5</name><capacity>1</capacity></volume>' >"$T/over.xml"
works '... becomes a LUN' bp vol-create-from p "$T/over.xml" image --inputpool files \
	--overwrite --verify
works '... as QEMU sees both' qemu-img compare -q -F raw "$T/files/image" "$T/f5"
cat >"$T/copy.xml" <<END
<volume><name>back</name><capacity>1</capacity><target><format type='qcow2'/></target></volume>
END
works '... and one again' bp vol-create-from files "$T/copy.xml" unit:0:0:5 --inputpool p
works '... as QEMU sees both' qemu-img compare -q "$T/files/back" "$T/files/image"
qemu-img create -q -f qcow2 "$T/files/large" 16777728
fails 'one that is too large is none' bp vol-create-from p "$T/over.xml" large \
	--inputpool files --overwrite
told '... and the error says how large' "'unit:0:0:5' has room for 16777216 bytes"
works '... the target has what it had' qemu-img compare -q -F raw "$T/files/image" "$T/f5"
works '... and may have other bytes again' bp vol-upload unit:0:0:5 "$T/bytes" p
bp pool-destroy files >/dev/null
says 'targets are found' bp find-storage-pool-sources-as iscsi 127.0.0.1 <<END
<sources>
  <source>
    <host name='127.0.0.1'/>
    <device path='$Q'/>
  </source>
</sources>

END

# ---- what comes, goes and grows ------------------------------------------------------
lio_lun $Q 7 d7
works 'refresh' bp pool-refresh p
is 'a new LUN' "$(names p)" 'unit:0:0:0 unit:0:0:5 unit:0:0:7 '
truncate -s 32M "$T/f7"
losetup -c "$loop"
works 'refresh' bp pool-refresh p
is 'one that has grown' "$(size unit:0:0:7)" 33554432
lio_unlun $Q 7
works 'refresh' bp pool-refresh p
is 'one that has gone' "$(names p)" 'unit:0:0:0 unit:0:0:5 '

# ---- in use --------------------------------------------------------------------------
disk=$(bp -q vol-path unit:0:0:0 p)
mkfs.ext4 -q "$disk"
mount "$disk" /mnt
fails 'one in use keeps the session' bp pool-destroy p
told '... and the error says who' "volume 'unit:0:0:0': device '$disk' is mounted on '/mnt'"
umount /mnt
exec 3<"$disk"
fails 'nor if a program has it open' bp pool-destroy p
told '... and the error says which' "'unit:0:0:0': device '$disk' is open in pid $$ ("
exec 3<&-
dmsetup create mpatha --uuid mpath-lab <<END
0 32768 multipath 0 0 1 1 service-time 0 1 1 $disk 1
END
dmsetup mknodes
mount /dev/mapper/mpatha /mnt
fails 'nor with a multipath device in use' bp pool-destroy p
told '... and the error says who' "mounted on '/mnt'"
works '... which is there still' dmsetup status mpatha
umount /mnt
exec 3</dev/mapper/mpatha
fails 'nor with one that a program has open' bp pool-destroy p
told '... and the error says which' "'mpatha' could not be removed: pid $$ ("
exec 3<&-

# ---- stop ----------------------------------------------------------------------------
works 'stop, with an idle one' bp pool-destroy p
is 'nothing is left in sysfs' "$(things)" "$before"
is 'no multipath device' "$(dmsetup ls)" 'No devices found'
is 'no record, interface or note' "$(left)" ''
is 'no session' "$(iscsiadm -m session 2>&1)" 'iscsiadm: No active sessions.'
works 'stop what is stopped' [ "$(bp -q pool-list --name | tr -d ' ')" = '' ]

# ---- sessions of others --------------------------------------------------------------
iscsiadm -m node -T $Q -p 127.0.0.1:3260 -o new >/dev/null
iscsiadm -m node -T $Q -p 127.0.0.1:3260 --login >/dev/null
works 'somebody has logged in: start' bp pool-start p
is '... by the same session' "$(sessions | wc -l)" 1
works '... stop' bp pool-destroy p
is '... the session stays' "$(iscsiadm -m session | grep -c "$Q ")" 1
iscsiadm -m session -u >/dev/null
works 'a record of somebody: start' bp pool-start p
works '... stop' bp pool-destroy p
is '... the session has gone' "$(sessions)" ''
works '... the record has not' iscsiadm -m node -T $Q -p 127.0.0.1:3260
iscsiadm -m node -o delete

# ---- a name of its own ---------------------------------------------------------------
works 'define, with an initiator' bp pool-define-as own iscsi --source-host 127.0.0.1 \
	--source-dev $Q --source-initiator iqn.2026-01.test:own --target /dev
works '... start' bp pool-start own
is '... it is the name' "$(cat /sys/class/iscsi_session/*/initiatorname)" iqn.2026-01.test:own
is '... by an interface as libvirt'"'"'s' "$(cat /sys/class/iscsi_session/*/ifacename)" \
	"libvirt-iface-$(bp pool-uuid own | cut -c1-8)"
works '... stop' bp pool-destroy own
is '... nothing is left' "$(left)" ''

# ---- secrets -------------------------------------------------------------------------
mkdir "$T/secrets"
secret() { # UUID USAGE VALUE
	cat >"$T/secrets/$1.xml" <<-END
	<secret ephemeral='no' private='yes'><uuid>$1</uuid>
	<usage type='iscsi'><target>$2</target></usage></secret>
	END
	printf %s "$3" | base64 | tr -d '\n' >"$T/secrets/$1.base64"
	chmod 600 "$T/secrets/$1".*
}
lio_disk dc "$T/f0" 16777216
lio_group=2	# of portals; iscsistart has to find out
export lio_group
lio_target $C 3261
lio_lun $C 0 dc
lio_chap $C $ME joe secretsecret12 tom othersecret34
unset lio_group
secret 00000000-0000-0000-0000-00000000000c chap wrongsecret56
cat >"$T/chap.xml" <<END
<pool type='iscsi'><name>c</name><uuid>00000000-0000-4000-8000-00000000000e</uuid>
<source><host name='127.0.0.1' port='3261'/><device path='$C'/>
<auth type='chap' username='joe'><secret usage='chap'/></auth></source>
<target><path>/dev</path></target></pool>
END
works 'define, with a secret' bp pool-define "$T/chap.xml"
fails '... the wrong one' bp pool-start c
lacks '... is not told' "$T/out" wrongsecret56
told '... but that it is wrong' '127.0.0.1:3261'
is '... and nothing is left' "$(sessions)$(left)" ''
secret 00000000-0000-0000-0000-00000000000c chap secretsecret12
works '... the right one' strace -f -s 4096 -e trace=execve -o "$T/programs" \
	"$BAREPOOL" pool-start c
is '... lets us in' "$(names c)" 'unit:0:0:0 '
lacks '... no program was told' "$T/programs" secretsecret12
is '... and only root can read it' "$(find /etc/iscsi/nodes -type f -perm /077)" ''
works '... stop' bp pool-destroy c
is '... nothing is left' "$(left)" ''

secret 00000000-0000-0000-0000-00000000000d tom nonesuch7890
sed "s|<pool |&xmlns:b='urn:barepool:pool:1' |
	s|</pool>|<b:mutual username='tom' usage='tom'/>&|" "$T/chap.xml" >"$T/mutual.xml"
works 'the target has to prove who it is, too' bp pool-define "$T/mutual.xml"
fails '... and does not know the secret' bp pool-start c
lacks '... which is not told' "$T/out" nonesuch7890
is '... nothing is left' "$(sessions)$(left)" ''
secret 00000000-0000-0000-0000-00000000000d tom othersecret34
works '... now it does' bp pool-start c
works '... stop' bp pool-destroy c

# ---- disks of two targets that say they are the same -----------------------------------
TWIN=iqn.2026-01.test:twin
truncate -s 16M "$T/twin"
lio_disk twin "$T/twin" 16777216 "$(lio_serial d0)"
lio_target $TWIN 3262
lio_lun $TWIN 0 twin
cat >"$T/twin.xml" <<END
<pool type='iscsi'><name>twin</name><source><host name='127.0.0.1' port='3262'/>
<device path='$TWIN'/></source><target><path>/dev</path></target></pool>
END
works 'start' bp pool-start p
works 'start its twin' bp pool-create "$T/twin.xml"
is 'their serials are equal' \
	"$(scsi_id --page=0x80 --whitelisted --device "$(bp -q vol-path unit:0:0:0 p)")" \
	"$(scsi_id --page=0x80 --whitelisted --device "$(bp -q vol-path unit:0:0:0 twin)")"
cp "$T/f0" "$T/before"
works 'upload to one' bp vol-upload unit:0:0:0 "$T/bytes" twin
works '... it has it' cmp "$T/bytes" "$T/twin"
works '... the other has not' cmp "$T/before" "$T/f0"
works 'stop one' bp pool-destroy p
works '... the other is there' bp vol-download unit:0:0:0 "$T/back" twin
works '... with its bytes' cmp "$T/bytes" "$T/back"
works 'stop' bp pool-destroy twin
is 'nothing is left in sysfs' "$(things)" "$before"

# ---- a server that goes, and comes back ----------------------------------------------
works 'start' bp pool-start p
lio_off $Q
until_true grep -q FAILED /sys/class/iscsi_session/*/state
bp vol-list p --details >"$T/out" 2>&1
told 'its server has gone: LUNs are listed, and why they cannot be used' 'cannot be reached'
fails 'refresh does not wait' bp pool-refresh p
told '... and says why' 'does not answer'
blockdev --flushbufs "$node" &
bp vol-download unit:0:0:5 "$T/again" p &
lio_on $Q
works 'what was begun meanwhile goes on when it is back' wait $!
works '... and is the same' cmp "$T/bytes" "$T/again"
lio_off $Q
until_true grep -q FAILED /sys/class/iscsi_session/*/state
works 'stop, without it' bp pool-destroy p
is '... nothing is left in sysfs' "$(things)" "$before"
is '... or elsewhere' "$(left)" ''
lio_on $Q

# ---- without iscsiadm ----------------------------------------------------------------
pidof iscsid | xargs kill 2>/dev/null
admin=$(command -v iscsiadm)
mv "$admin" "$admin.away"
works 'iscsistart alone: start' bp pool-start p
is '... a session' "$(cat /sys/class/iscsi_session/*/targetname)" $Q
works '... LUNs' bp vol-download unit:0:0:5 "$T/back" p
works '... CHAP, both ways' strace -f -s 4096 -e trace=execve -o "$T/programs" \
	"$BAREPOOL" pool-start c
lacks '... no program was told the secret' "$T/programs" secretsecret12
is '... nor is it left anywhere' "$(grep -rls secretsecret12 /sys/firmware /run /etc/iscsi)" ''
is '... we are in' "$(names c)" 'unit:0:0:0 '
fails '... it cannot end it' bp pool-destroy p
told '... and says what can' 'iscsiadm'
works '... nor has it changed anything' cmp "$T/bytes" "$(bp -q vol-path unit:0:0:5 p)"
mv "$admin.away" "$admin"
works '... with that it can' bp pool-destroy p
works '... the other, too' bp pool-destroy c
is '... nothing is left in sysfs' "$(things)" "$before"

# ---- transfers that cannot go on ---------------------------------------------------------
mkfifo "$T/pipe"
works 'start' bp pool-start p
cut_short() { # NAME COMMAND...: in the middle of a download
	label=$1
	shift
	bp vol-download unit:0:0:5 "$T/pipe" p >"$T/out" 2>&1 &
	copy=$!
	{ head -c 1000000 >/dev/null; "$@"; cat >/dev/null; } <"$T/pipe"
	wait $copy
	is "$label: it fails" $? 1
	told '... and the error says of what' "unit:0:0:5\|$(bp -q vol-path unit:0:0:5 p)"
}
sleep_for_good() {
	echo 1 | tee /sys/class/iscsi_session/*/recovery_tmo >/dev/null
	lio_off $Q
	until_true grep -q FAILED /sys/class/iscsi_session/*/state
}
cut_short 'its server stays away' sleep_for_good
lio_on $Q
until_true grep -q LOGGED_IN /sys/class/iscsi_session/*/state
works 'when it is back, so is the pool' bp pool-refresh p
works '... and its volumes' bp vol-download unit:0:0:5 "$T/again" p
cut_short 'the LUN vanishes' lio_unlun $Q 5
works '... the others are there' bp vol-download unit:0:0:0 "$T/again" p
works '... refresh' bp pool-refresh p
is '... the LUN is not' "$(names p)" 'unit:0:0:0 '
works '... stop' bp pool-destroy p
is '... nothing is left in sysfs' "$(things)" "$before"
lio_lun $Q 5 d5

# ---- another server ----------------------------------------------------------------------
if command -v tgtd >/dev/null; then
	TG=iqn.2026-01.test:tgt
	tgtd --iscsi portal=127.0.0.1:3270
	until_true tgtadm --op show --mode sys >/dev/null
	tgtadm --lld iscsi --op new --mode target --tid 1 --targetname $TG
	tgtadm --lld iscsi --op new --mode logicalunit --tid 1 --lun 3 -b "$T/f0"
	tgtadm --lld iscsi --op bind --mode target --tid 1 -I ALL
	cat >"$T/tgt.xml" <<-END
	<pool type='iscsi'><name>t</name><source><host name='127.0.0.1' port='3270'/>
	<device path='$TG'/></source><target><path>/dev</path></target></pool>
	END
	works 'tgtd: start' bp pool-create "$T/tgt.xml"
	is '... its controller is no volume' "$(names t)" 'unit:0:0:3 '
	works '... upload' bp vol-upload unit:0:0:3 "$T/bytes" t
	works '... it has it' cmp "$T/bytes" "$T/f0"
	works '... stop' bp pool-destroy t
	is '... nothing is left in sysfs' "$(things)" "$before"
else
	skip 'another server' 'needs tgtd'
fi

# ---- many, and then gaps ---------------------------------------------------------------
for lun in $(seq 1 255); do
	[ "$lun" -eq 5 ] || lio_lun $Q "$lun" d5
done
cat >"$T/direct.xml" <<END
<pool type='iscsi-direct'><name>direct</name><source><host name='127.0.0.1'/>
<device path='$Q'/><initiator><iqn name='$ME'/></initiator></source></pool>
END
works 'start, with 256 LUNs' bp pool-start p
is '... all there when it is done' "$(bp -q vol-list p | wc -l)" 256
works 'the same without the kernel' bp pool-create "$T/direct.xml"
is '... all there' "$(names direct)" "$(names p)"
lio_unlun $Q 50
lio_unlun $Q 254
works 'two have gone: refresh' bp pool-refresh p
is '... the others are there' "$(bp -q vol-list p | wc -l)" 254
is '... by their numbers' "$(names direct)" "$(names p)"
works '... stop' bp pool-destroy p
is '... and all gone' "$(things)" "$before"
done_testing
