#!/bin/sh
# iscsi_direct.sh - pools of type iscsi-direct, on a real server.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091,SC2086,SC2154 # run from the top; $source is words
. tests/iscsi.sh

serve
target 1 "$IQN"
lun 1 1 d1 64M
lun 1 5 d5 64M --blocksize 4096
lun 1 7 d7 64M
setlun 1 7 thin_provisioning=1
head -c 3M /dev/urandom | dd of="$T/d7" bs=1M seek=5 conv=notrunc status=none

# ---- the pool --------------------------------------------------------------------------

works 'a pool is defined' bp pool-define-as p iscsi-direct $source
works 'there is nothing to build' bp pool-build p
works 'it is started' bp pool-start p
says 'its size is that of its LUNs, to the last block' bp pool-info p --bytes <<END
Name:           p
UUID:           $(bp pool-uuid p)
State:          running
Persistent:     yes
Autostart:      no
Capacity:       201326592
Allocation:     201326592
Available:      0

END
says 'a LUN is a volume, and its path is what QEMU opens' bp vol-list p --details <<END
 Name         Path                                       Type      Capacity    Allocation   Kind
------------------------------------------------------------------------------------------\
--------------
 unit:0:0:0   iscsi://127.0.0.1:3260/iqn.2026-01.a:b/0   network   0.00 B      0.00 B       \
controller
 unit:0:0:1   iscsi://127.0.0.1:3260/iqn.2026-01.a:b/1   network   64.00 MiB   64.00 MiB    -
 unit:0:0:5   iscsi://127.0.0.1:3260/iqn.2026-01.a:b/5   network   64.00 MiB   64.00 MiB    -
 unit:0:0:7   iscsi://127.0.0.1:3260/iqn.2026-01.a:b/7   network   64.00 MiB   3.00 MiB     thin

END
says 'its key is libvirt'"'"'s' bp vol-dumpxml unit:0:0:7 p <<END
<volume type='network'>
  <name>unit:0:0:7</name>
  <key>ip-127.0.0.1:3260-iscsi-iqn.2026-01.a:b-lun-7</key>
  <capacity unit='bytes'>67108864</capacity>
  <allocation unit='bytes'>3145728</allocation>
  <physical unit='bytes'>67108864</physical>
  <target>
    <path>iscsi://127.0.0.1:3260/iqn.2026-01.a:b/7</path>
  </target>
</volume>

END
url=iscsi://127.0.0.1:3260/$IQN
says 'it is found by its path' bp vol-name $url/5 <<END
unit:0:0:5

END
says 'and by its key, in any pool' bp vol-pool "ip-127.0.0.1:3260-iscsi-$IQN-lun-5" <<END
p

END
says 'no other is' bp -q vol-name $url/6 <<END
error: failed to get vol '$url/6'
error: Storage volume not found: no storage vol with matching path '$url/6'
[1]
END
for name in unit:0:0:6 unit:0:0:05 unit:0:0:-1 unit:0:0:65537 unit:0:0: unit:0:1:5; do
	fails "$name is no volume" bp vol-info $name p
done

# ---- bytes -----------------------------------------------------------------------------

head -c 40M /dev/urandom >"$T/bytes"
for lun in 1 5 7; do
	works "bytes are brought into LUN $lun" bp vol-upload unit:0:0:$lun "$T/bytes" p
	works 'the server has them' cmp -n 41943040 "$T/bytes" "$T/d$lun"
	works 'they are fetched' bp vol-download unit:0:0:$lun "$T/back" p
	works 'and are the same' cmp "$T/back" "$T/d$lun"
done
works 'a part goes to where it belongs, in the middle of blocks' \
	sh -c "head -c 100000 /dev/urandom >'$T/part'"
cp "$T/d5" "$T/want"
dd if="$T/part" of="$T/want" bs=1000 seek=1234 conv=notrunc status=none
works 'upload with an offset' bp vol-upload unit:0:0:5 "$T/part" p --offset 1234000
works 'nothing else has changed' cmp "$T/want" "$T/d5"
works 'download with an offset and a length' \
	bp vol-download unit:0:0:5 "$T/back" p --offset 1234000 --length 100000
works 'is that part' cmp "$T/part" "$T/back"
works 'through a pipe, too' sh -c "'$T/bin/barepool' -q vol-download unit:0:0:5 /dev/stdout p |
	cmp - '$T/d5'"
works 'and back' sh -c "cat '$T/bytes' | '$T/bin/barepool' vol-upload unit:0:0:1 /dev/stdin p"
works 'all of it' cmp -n 41943040 "$T/bytes" "$T/d1"
head -c 65M /dev/zero >"$T/long"
says 'what does not fit is known before' bp -q vol-upload unit:0:0:1 "$T/long" p <<END
error: cannot upload to volume unit:0:0:1
error: operation failed: volume 'unit:0:0:1' has room for 67108864 bytes from offset 0 on, \
and there are more
[1]
END
works 'nothing was written' cmp -n 41943040 "$T/bytes" "$T/d1"
works 'a transfer is verified' bp vol-upload unit:0:0:7 "$T/bytes" p --verify
works 'and resumed' bp vol-download unit:0:0:7 "$T/bytes" p --resume --verify
works 'to all there is' cmp "$T/bytes" "$T/d7"

# ---- holes -----------------------------------------------------------------------------

blocks() { stat -c %b "$1"; }
truncate -s 0 "$T/hole"
truncate -s 64M "$T/hole"
dd if="$T/part" of="$T/hole" bs=1M seek=20 conv=notrunc status=none
works 'holes are brought into a thin LUN' bp vol-upload unit:0:0:7 "$T/hole" p --sparse
works 'what was there is gone' cmp "$T/hole" "$T/d7"
works 'and its space is the server'"'"'s again' test "$(blocks "$T/d7")" -lt 1000
works 'holes stay holes on the way back' bp vol-download unit:0:0:7 "$T/back" p --sparse
works 'with the same bytes' cmp "$T/hole" "$T/back"
works 'and little space' test "$(blocks "$T/back")" -lt 1000

# ---- copies ----------------------------------------------------------------------------

works 'a pool of files' bp pool-create-as files dir --target "$T/files" --build
cat >"$T/copy.xml" <<END
<volume>
  <name>copy</name>
  <capacity unit='bytes'>1</capacity>
  <allocation unit='bytes'>0</allocation>
</volume>
END
works 'a LUN is copied into it' bp vol-create-from files "$T/copy.xml" unit:0:0:7 --inputpool p
works 'byte by byte' cmp "$T/d7" "$T/files/copy"
works 'and its holes are none' test "$(blocks "$T/files/copy")" -lt 1000
cat >"$T/over.xml" <<END
<volume><name>unit:0:0:1</name><capacity>1</capacity></volume>
END
cat >"$T/none.xml" <<END
<volume><name>unit:0:0:8</name><capacity>1</capacity></volume>
END
works 'a volume of another pool' bp vol-create-as files part 10000000 --allocation 0
head -c 3000000 /dev/urandom >"$T/files/part"
truncate -s 10000000 "$T/files/part"
fails 'is not copied over a LUN unasked' bp vol-create-from p "$T/over.xml" part --inputpool files
works 'the LUN is as it was' cmp -n 41943040 "$T/bytes" "$T/d1"
works 'it is copied, asked to overwrite' bp vol-create-from p "$T/over.xml" part \
	--inputpool files --overwrite --verify
works 'the LUN has it' cmp -n 10000000 "$T/files/part" "$T/d1"
works 'and zeros behind it' sh -c "tail -c +10000001 '$T/d1' | cmp -n 57108864 - /dev/zero"
works 'from LUN to LUN, with other blocks' bp vol-clone unit:0:0:1 unit:0:0:5 p --overwrite
works 'the same' cmp "$T/d1" "$T/d5"
fails 'not to one that is none' bp vol-create-from p "$T/none.xml" part --inputpool files \
	--overwrite
has 'which is told' "$T/out" 'unit:0:0:8'
fails 'nor onto itself' bp vol-clone unit:0:0:1 unit:0:0:1 p --overwrite
has 'which is told' "$T/out" 'cannot be a copy of itself'
works 'one that is too large' truncate -s 65M "$T/files/part"
fails 'is not begun' bp vol-create-from p "$T/over.xml" part --inputpool files --overwrite
has 'and it is told how much there is' "$T/out" "'unit:0:0:1' has room for 67108864 bytes"
works 'all is as it was' cmp "$T/d1" "$T/d5"
fails 'a file is not overwritten' bp vol-clone part copy files --overwrite
has 'since it is none' "$T/out" 'only volumes that are devices or LUNs are overwritten'
says 'LUNs are made where the server is' bp -q vol-create-as p unit:0:0:8 1M <<END
error: Failed to create vol unit:0:0:8
error: this function is not supported by the connection driver: storage pool does not support \
volume creation
[1]
END
says 'and deleted there' bp -q vol-delete unit:0:0:7 p <<END
error: Failed to delete vol unit:0:0:7
error: this function is not supported by the connection driver: storage pool does not support \
vol deletion
[1]
END

# ---- an image in a LUN -----------------------------------------------------------------

if command -v qemu-img >/dev/null; then
	works 'an image' qemu-img create -q -f qcow2 -b /dev/null -F raw "$T/image" 1G
	works 'in a LUN' bp vol-upload unit:0:0:1 "$T/image" p
	bp vol-list p --details >"$T/list"
	has 'is shown, and what it leans on is text' "$T/list" "holds qcow2 over '/dev/null'"
	has 'its size is that of the LUN' "$T/list" '/1   network   64.00 MiB'
else
	skip 'an image in a LUN' 'needs qemu-img'
fi

# ---- wiping ----------------------------------------------------------------------------

is_zero() { cmp -n "$(stat -c %s "$1")" /dev/zero "$1"; }
for algorithm in zero nnsa dod bsi gutmann schneier pfitzner7 random trim; do
	head -c 300000 /dev/urandom >"$T/bytes"
	works 'bytes' bp vol-upload unit:0:0:7 "$T/bytes" p
	works "wiped by $algorithm" bp vol-wipe unit:0:0:7 p --algorithm $algorithm
	fails 'they are gone' cmp -n 300000 "$T/bytes" "$T/d7"
done
works 'trimmed it has no space' test "$(blocks "$T/d7")" -eq 0
works 'a LUN that is not thin' bp vol-wipe unit:0:0:5 p
works 'has zeros' is_zero "$T/d5"
says 'and no space to give back' bp -q vol-wipe unit:0:0:5 p --algorithm trim <<END
error: Failed to wipe vol unit:0:0:5
error: this function is not supported by the connection driver: \
'iscsi://127.0.0.1:3260/iqn.2026-01.a:b/5' cannot give space back: \
the server does not offer it for this LUN
[1]
END
says 'what has no bytes is not wiped' bp -q vol-wipe unit:0:0:0 p <<END
error: Failed to wipe vol unit:0:0:0
error: this function is not supported by the connection driver: volume 'unit:0:0:0' has no \
bytes: behind LUN 0 there is a controller
[1]
END

# ---- many, and then gaps ---------------------------------------------------------------

target 2 "$IQN-many"
truncate -s 1M "$T/small"
for i in $(seq 1 254); do lun 2 "$i" small; done
head -c 1M /dev/urandom >"$T/last"
lun 2 255 last
works 'a target with 256 LUNs' bp pool-create-as many iscsi-direct \
	--source-host 127.0.0.1 --source-dev $IQN-many --source-initiator $ME
bp -q vol-list many --details >"$T/list"
is 'shows each of them' "$(awk '{ print $1, $4 $5 }' "$T/list" | sort)" \
	"$({ echo unit:0:0:0 0.00B; seq -f 'unit:0:0:%.0f 1.00MiB' 255; } | sort)"
is 'its size is the sum' "$(bp pool-info many --bytes | sed -n 's/^Capacity: *//p')" \
	$((255 * 1048576))
for i in $(seq 4 7 255); do adm --op delete --mode logicalunit --tid 2 --lun "$i"; done
works 'some have gone' bp pool-refresh many
bp -q vol-list many --details >"$T/list"
is 'the others are there' "$(awk '/1.00 MiB/ { print $1 }' "$T/list" | sort)" \
	"$(seq 255 | awk '$1 % 7 != 4 { print "unit:0:0:" $1 }' | sort)"
works 'one after a gap has its own number' bp vol-download unit:0:0:255 "$T/back" many
works 'and its own bytes' cmp "$T/back" "$T/last"

# ---- the same server, as others see it -------------------------------------------------

if qemu-img --help 2>/dev/null | grep -q '^Supported formats.* iscsi'; then
	head -c 5000000 /dev/urandom >"$T/bytes"
	works 'what was uploaded' bp vol-upload unit:0:0:1 "$T/bytes" p
	works 'is read by QEMU under the path' qemu-img convert -f raw -O raw $url/1 "$T/back"
	works 'and is the same' cmp -n 5000000 "$T/bytes" "$T/back"
	works 'what QEMU writes' qemu-img convert -n -f raw -O raw "$T/d1" $url/5
	works 'is downloaded' bp vol-download unit:0:0:5 "$T/back" p
	works 'and is the same, too' cmp -n 5000000 "$T/bytes" "$T/back"
	is 'QEMU finds the same size' \
		"$(qemu-img info -f raw $url/5 | sed -n 's/.*(\([0-9]*\) bytes)/\1/p')" 67108864
else
	skip 'QEMU reads the paths' "needs QEMU's iscsi driver (qemu-block-extra)"
fi

# ---- finding, IPv6 ---------------------------------------------------------------------

says 'what targets there are' bp find-storage-pool-sources-as iscsi-direct --host 127.0.0.1 \
	--initiator $ME <<END
<sources>
  <source>
    <host name='127.0.0.1'/>
    <device path='$IQN'/>
    <initiator>
      <iqn name='$ME'/>
    </initiator>
  </source>
  <source>
    <host name='127.0.0.1'/>
    <device path='$IQN-many'/>
    <initiator>
      <iqn name='$ME'/>
    </initiator>
  </source>
</sources>

END
says 'whom to ask must be said' bp -q find-storage-pool-sources iscsi-direct <<END
error: Failed to find any iscsi-direct pool sources
error: invalid argument: hostname must be specified for iscsi sources
[1]
END
if [ -e /proc/sys/net/ipv6 ]; then
	works 'a pool at an IPv6 address' bp pool-create-as six iscsi-direct --source-host ::1 \
		--source-dev $IQN --source-initiator $ME
	is 'has it in brackets in its paths' "$(bp vol-path unit:0:0:1 six)" \
		"iscsi://[::1]:3260/$IQN/1"
	is 'and in its keys' "$(bp vol-key unit:0:0:1 six)" "ip-[::1]:3260-iscsi-$IQN-lun-1"
	works 'it is read' bp vol-download unit:0:0:1 "$T/back" six
	works 'to the last byte' cmp "$T/back" "$T/d1"
else
	skip 'a pool at an IPv6 address' 'there is no IPv6 here'
fi

# ---- an ordinary user ------------------------------------------------------------------

if [ "$(id -u)" -eq 0 ] && setpriv --reuid 1000 --regid 1000 --groups 1000,5000 true 2>/dev/null &&
	mount -t tmpfs tmpfs /run; then
	. tests/user.sh
	head -c 64M /dev/urandom >"$home/bytes"
	echo '<volume><name>copy</name><capacity>0</capacity></volume>' >"$home/copy.xml"
	works 'an ordinary user: define' as_user pool-define-as mine iscsi-direct $source
	for c in 'pool-start mine' 'pool-info mine' 'pool-refresh mine' 'vol-list mine --details' \
		"vol-upload unit:0:0:1 $home/bytes mine --verify" \
		"vol-download unit:0:0:1 $home/back mine" 'vol-wipe unit:0:0:7 mine' \
		"find-storage-pool-sources-as iscsi-direct 127.0.0.1 --initiator $ME" \
		"pool-create-as files dir --target $home/files --build" \
		"vol-create-from files $home/copy.xml unit:0:0:1 --inputpool mine"; do
		works "... $c" as_user $c
	done
	works '... with the same bytes' cmp "$home/bytes" "$home/back"
	works '... stop' as_user pool-destroy mine
	fails '... the kernel is for root' as_user pool-create-as k iscsi --source-host 127.0.0.1 \
		--source-dev $IQN --source-initiator $ME --target /dev
	has '... which is said' "$T/out" \
		"only root has the kernel open a session with target '$IQN'"
else
	skip 'an ordinary user' 'needs root'
fi

done_testing
