#!/bin/sh
# image_look.sh - image map, compare and check: what QEMU's tool says, word for word.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
. tests/lib.sh
needs qemu-img 'needs qemu-img'
needs qemu-io 'needs qemu-io'

ln -s "$BAREPOOL" "$T/bin/qemu-img"
cd "$T" || exit 1
stock() { command qemu-img "$@"; }

# same NAME ARGUMENTS...: both streams and the status are those of the stock tool.
same() {
	name=$1
	shift
	stock "$@" >want 2>want.err
	echo "status $?" >>want
	bin/qemu-img "$@" >got 2>got.err
	echo "status $?" >>got
	if diff -u want got >out && diff -u want.err got.err >>out; then
		ok "$name"
	else
		show
		nok "$name"
	fi
}

truncate -s 5000 odd
printf 'x%.0s' $(seq 1001) >text
head -c 1M /dev/zero >zeros
truncate -s 1M hole
stock create -q -f qcow2 empty 1M
stock create -q -f qcow2 nothing 0
stock create -q -f qcow2 -o extended_l2=on base 10M
qemu-io -c 'write -P 1 0 300k' -c 'write -P 2 5M 1M' -c 'write -z 5500k 4k' base >/dev/null
stock create -q -f qcow2 -b base -F qcow2 over 12M
qemu-io -c 'write -P 3 64k 64k' -c 'write -z 5M 64k' -c 'discard 0 64k' over >/dev/null
stock create -q -f qcow2 packed 4M
qemu-io -c 'write -c -P 1 64k 64k' -c 'write -P 2 1M 1M' packed >/dev/null
stock create -q -f qcow2 -o preallocation=metadata reserved 40M
stock convert -O raw over flat

for image in odd text zeros hole empty nothing base over reserved flat; do
	same "the map of $image" map $image
	same "the same in JSON" map --output=json $image
done
same 'a part of a map' map -s 100k -l 200k over
same 'a part of one in JSON' map --output json --start-offset 100k --max-length 6M over
same 'after the end' map --output=json -s 1T base
same 'after the end, as text' map -s 1T base
same 'compressed clusters in JSON' map --output=json packed
same 'compressed clusters have no place' map -s 64k packed
same 'no file' map missing

same 'the same file' compare base base
same 'a chain and what it shows' compare over flat
same 'zeros, and nothing' compare zeros hole
same 'zeros, and nothing, strictly' compare -s zeros hole
same 'nothing in two formats, strictly' compare -s hole empty
same 'one sector' compare base over
same 'sizes' compare hole nothing
same 'sizes, strictly' compare -s hole nothing
same 'a smaller one, and data after its end' compare text zeros
same 'the same the other way round' compare zeros text
same 'quietly' compare -q base over
same 'one that is missing' compare missing base
same 'the other is missing' compare base missing
for name in nbd:base 'json:{}' 'json:{"driver":"qcow2","file":{"driver":"nbd","host":"h"}}'; do
	bin/qemu-img compare base "$name" >out 2>&1
	is "$name cannot be opened, which is no difference" $? 2
	bp image compare "$name" base >out 2>&1
	is '... by whatever name we are called' $? 2
done
bin/qemu-img compare --image-opts driver=qcow2,file.filename=base driver=qcow2 >out 2>&1
is 'nor can what is said by half' $? 2
same 'as other formats' compare -f raw -F raw base base
# In steps of any size that would last for years; and so it does with QEMU's tool.
stock create -q -f qcow2 -o cluster_size=2M huge 1E
cp --sparse=always huge huger
qemu-io -c 'write -P 7 1000T 64k' huge >/dev/null
bin/qemu-img compare huge huger >out 2>&1
is 'holes are passed over' "$? $(cat out)" \
	'1 Content mismatch at offset 1099511627776000!'
qemu-io -c 'write -P 7 1000T 64k' huger >/dev/null
bin/qemu-img compare huge huger >out 2>&1
is 'up to the end' "$? $(cat out)" '0 Images are identical.'
rm huge huger
cp base torn
printf '\0\0\0\0\0\0\377' | dd of=torn bs=1 seek=262145 conv=notrunc status=none
bin/qemu-img compare torn base >out 2>&1
is 'one that cannot be read' "$? $(grep -c 'test failed for torn' out)" '3 1'

for image in empty base over packed reserved; do
	same "a check of $image" check $image
	same "the same in JSON" check --output=json $image
done
same 'nothing to check' check -f raw hole
same 'no image to check' check missing
cp packed leaky
printf '\0\1' | dd of=leaky bs=1 seek=$((131072 + 2 * 60)) conv=notrunc status=none
truncate -s 6M leaky
same 'a leak' check leaky
same 'a leak in JSON' check --output=json leaky
cp leaky fixed
cp leaky fixed.stock
bin/qemu-img check -q -r leaks fixed
is 'it is repaired' $? 0
same 'and gone' check fixed
cp packed bad
printf '\0\0' | dd of=bad bs=1 seek=$((131072 + 2 * 6)) conv=notrunc status=none
bin/qemu-img check bad >out 2>&1
is 'damage' "$? $(grep -c 'ERROR cluster 6 refcount=0 reference=1' out)" '2 1'
bin/qemu-img check -r all bad >out 2>&1
is 'damage repaired' "$? $(grep -c '^Double checking the fixed' out)" '0 1'
same 'and gone as well' check bad

# Who writes is found by the locks that QEMU takes.
held() { # ARGUMENTS...: while qemu-io has the image
	mkfifo go
	# shellcheck disable=SC2094 # a pipe
	(echo 'write 0 512'; echo >ready; cat go) | qemu-io -f qcow2 base >/dev/null &
	until_true test -e ready
	until_true grep -q ":$(stat -c %i base) 103" /proc/locks
	"$@" >out 2>out.err
	status=$?
	echo quit >go
	wait
	rm -f go ready
	return $status
}
held bin/qemu-img map base
is 'one that is written to' "$? $(head -n 2 out.err)" "1 qemu-img: Could not open 'base': \
Failed to get shared \"write\" lock
Is another process using the image [base]?"
has 'who it is' out.err '(qemu-io).'
for c in info check 'measure -O raw' 'snapshot -l' map 'compare base'; do
	# shellcheck disable=SC2086 # words
	held bp image $c base
	has "$c: what would help" out.err 'hint: -U reads it all the same'
done
held bp image check -r leaks base
lacks 'but nothing helps who wants to change it' out.err -U
held bin/qemu-img map over
is 'its backing file is' "$? $(grep -c 'using the image \[base\]' out.err)" '1 1'
held bin/qemu-img map -U over
is 'when it is said that this does not matter' $? 0
held bin/qemu-img compare base base
is 'compared' $? 2
held bin/qemu-img map -f raw base
is 'as raw bytes' $? 0
# who gives a running machine an overlay makes that first
held bin/qemu-img create -q -f qcow2 -b base -F qcow2 above
is 'an overlay of it can be made' "$? $(stock info -U above | grep -c '^backing file: base')" '0 1'
held bin/qemu-img create -q -f qcow2 -b base above
has 'and what it looks like is told' out.err 'Detected format of qcow2.'
done_testing
