#!/bin/sh
# iscsi_convert.sh - images become what LUNs hold, and the other way round.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091,SC2086,SC2154 # run from the top; $source is words
. tests/iscsi.sh
command -v qemu-img >/dev/null || no 'needs qemu-img'
qemu-img --help | grep '^Supported formats:' | grep -qw iscsi ||
	no 'needs the iscsi driver of QEMU (qemu-block-extra)'

serve
target 1 "$IQN"
lun 1 1 d1 64M
lun 1 5 d5 64M --blocksize 4096
lun 1 7 d7 64M
setlun 1 7 thin_provisioning=1
url=iscsi://127.0.0.1:3260/$IQN
works 'a pool of LUNs' bp pool-create-as p iscsi-direct $source
works 'one of files' bp pool-create-as files dir --target "$T/files" --build

head -c 64M /dev/urandom >"$T/full"
full() { cp "$T/full" "$T/$1"; }
blocks() { stat -c %b "$1"; }
onto() { # LUN
	echo "<volume><name>unit:0:0:$1</name><capacity>1</capacity></volume>" >"$T/over.xml"
}
convert() { # LUN IMAGE [OPTIONS]
	onto "$1"
	image=$2
	shift 2
	bp vol-create-from p "$T/over.xml" "$image" --inputpool files --overwrite "$@"
}

# Holes, zeros that were written, data that end in the middle of everything.
raw=$T/files/raw
truncate -s 50000384 "$raw"
dd if=/dev/urandom of="$raw" bs=1000 seek=3333 count=4567 conv=notrunc status=none
dd if=/dev/urandom of="$raw" bs=512 seek=97655 count=2 conv=notrunc status=none
for format in qcow2 vmdk vdi 'vpc -o force_size=on'; do
	qemu-img convert -q -f raw -O $format "$raw" "$T/files/${format%% *}"
done
qemu-img convert -q -c -f raw -O qcow2 "$raw" "$T/files/packed"
(cd "$T/files" && qemu-img create -q -f qcow2 -b qcow2 -F qcow2 over)
qemu-io -f qcow2 -c 'write -P 7 1M 70000' -c 'write -z 4M 1M' "$T/files/over" >/dev/null

# ---- into LUNs -------------------------------------------------------------------------

for format in qcow2 vmdk vdi vpc over packed; do
	for lun in 1 5 7; do
		full "d$lun"
		works "$format becomes LUN $lun" convert $lun $format --verify
		works 'as QEMU sees both' qemu-img compare -q -F raw \
			"$T/files/$format" "$url/$lun"
		works 'behind it are zeros' sh -c \
			"tail -c +50331649 '$T/d$lun' | cmp -n 16777216 - /dev/zero"
	done
	works 'zeros take no space in a thin one' test "$(blocks "$T/d7")" -lt 12000
done
works 'zeros in a thick one, too, are zeros' cmp -n 3333000 "$T/d1" /dev/zero

# ---- what is not begun -----------------------------------------------------------------

full d1
qemu-img create -q -f qcow2 "$T/files/large" 67109376
onto 1
says 'a LUN that is too small' bp -q vol-create-from p "$T/over.xml" large --inputpool files \
	--overwrite <<END
error: Failed to create vol from \$T/over.xml
error: operation failed: volume 'unit:0:0:1' has room for 67108864 bytes, and the copy of \
volume 'large' has 67109376
[1]
END
qemu-img create -q -f qcow2 "$T/secret" 1M
qemu-img create -q -f qcow2 -b "$T/secret" -F qcow2 "$T/files/leads"
fails 'an image that leads out of its pool' convert 1 leads
has 'is told with where to' "$T/out" "'$T/secret'"
cp "$T/files/qcow2" "$T/files/broken"
printf '\377\377\377\377' | dd of="$T/files/broken" bs=1 seek=40 conv=notrunc status=none
fails 'one that is broken' convert 1 broken
lacks 'is known before' "$T/out" 'partly overwritten'
fails 'one that is unknown there' convert 9 qcow2
fails 'nothing of it can be shared' convert 1 qcow2 --reflink
works 'all is as it was' cmp "$T/full" "$T/d1"

# ---- what ends in the middle -----------------------------------------------------------

slowly() { # LUN IMAGE
	onto "$1"
	: >"$T/out"	# what the last one has said would be taken for this one's
	env --default-signal=INT "$BAREPOOL" vol-create-from p "$T/over.xml" "$2" \
		--inputpool files --overwrite --limit-rate 4M --progress json >"$T/out" 2>&1 &
	pid=$!
	until_true grep -q '"done": *[1-9]' "$T/out"
}
ended() { # NAME TEXT
	wait $pid
	is "$1" $? 1
	has 'is told with why' "$T/out" "$2"
	has 'and where' "$T/out" "volume 'unit:0:0:1' is partly overwritten"
}
slowly 1 qcow2
kill -INT $pid
wait $pid
is 'who stops it' $? 130
has 'is told so' "$T/out" "volume 'unit:0:0:1' is partly overwritten"
slowly 1 qcow2
until_true adm --op delete --mode logicalunit --tid 1 --lun 1
ended 'a LUN that vanishes' 'the server has no such LUN (any more)'
lun 1 1 d1
slowly 1 vmdk
end_server
ended 'a server that dies' "the connection to '127.0.0.1:3260' is lost"
serve
target 1 "$IQN"
lun 1 1 d1
lun 1 7 d7
setlun 1 7 thin_provisioning=1
works 'once more' convert 1 vmdk
works 'all of it is there' qemu-img compare -q -F raw "$T/files/vmdk" "$url/1"

# ---- and back --------------------------------------------------------------------------

for format in qcow2 vmdk vdi vpc; do
	cat >"$T/copy.xml" <<-END
	<volume><name>back</name><capacity>1</capacity>
	<target><format type='$format'/></target></volume>
	END
	works "a LUN becomes $format" bp vol-create-from files "$T/copy.xml" unit:0:0:7 \
		--inputpool p --verify
	works 'as QEMU sees both' qemu-img compare -q -f $format -F raw "$T/files/back" "$url/7"
	[ $format = vpc ] || works 'whole' qemu-img check -q -f $format "$T/files/back"
	works 'with its holes' test "$(blocks "$T/files/back")" -lt 24000
	works 'that goes again' bp vol-delete back files
done
done_testing
