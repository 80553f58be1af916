#!/bin/sh
# image_measure.sh - how large images would be: what qemu-img says, and what they are then.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
. tests/lib.sh
needs qemu-img 'needs qemu-img'
needs qemu-io 'needs qemu-io'

ln -s "$BAREPOOL" "$T/bin/qemu-img"
cd "$T" || exit 1
stock() { command qemu-img "$@"; }

stock create -q -f qcow2 a.qcow2 1G
qemu-io -c 'write 64k 200k' -c 'write 500M 3M' -c 'write -z 2M 1M' a.qcow2 >/dev/null
stock snapshot -c old a.qcow2
qemu-io -c 'write 10M 3M' a.qcow2 >/dev/null
truncate -s 100M r.raw
qemu-io -f raw -c 'write 1M 3M' -c 'write 50M 100k' r.raw >/dev/null
stock create -q -f qcow2 -b a.qcow2 -F qcow2 top.qcow2 2G
qemu-io -c 'write 400k 1M' top.qcow2 >/dev/null
cp a.qcow2 marked.qcow2
stock bitmap --add marked.qcow2 b0
stock bitmap --add -g 512 marked.qcow2 b1

while read -r args; do
	for form in human json; do
		# shellcheck disable=SC2086 # words
		stock measure --output=$form $args >want 2>&1
		echo "status $?" >>want
		# shellcheck disable=SC2086 # words
		bin/qemu-img measure --output=$form $args >got 2>&1
		echo "status $?" >>got
		if diff -u want got >out; then
			ok "$form: $args"
		else
			show out
			nok "$form: $args"
		fi
	done
done <<END
--size 1G
--size 0
--size 1000000
-O qcow2 --size 1G
-O qcow2 --size 2T
-O qcow2 --size 0
-O qcow2 -o cluster_size=512 --size 10M
-O qcow2 -o preallocation=full --size 1G
-O qcow2 -o preallocation=metadata --size 1G
-O qcow2 -o extended_l2=on,cluster_size=128k --size 1G
-O qcow2 -o refcount_bits=1 --size 10T
-O qcow2 -o compat=0.10 marked.qcow2
-O qcow2 marked.qcow2
-O qcow2 -o cluster_size=4k marked.qcow2
a.qcow2
-O qcow2 a.qcow2
-O qcow2 -l old a.qcow2
-O qcow2 -l snapshot.name=old a.qcow2
-O qcow2 top.qcow2
-O qcow2 -f raw r.raw
-O qcow2 -o preallocation=falloc -f raw r.raw
-O raw -f raw r.raw
-O qcow2 -o backing_file=x -f raw r.raw

--size 1G a.qcow2
-O qcow2 --size 8E
-O nosuch --size 1
-O qcow2 nofile
END

fails 'more than there can be' bp image measure -O qcow2 --size 100P
has '... is told' "$T/out" 'can hold at most 2251799813685248 bytes'
fails 'of a snapshot that is not there' bp image measure -l never a.qcow2
has '... is told' "$T/out" "there is no snapshot 'never'"
required=$(bp --format json image measure -O qcow2 -f raw r.raw |
	sed -n 's/.*"required": \([0-9]*\).*/\1/p')
bp image convert -f raw -O qcow2 r.raw r.qcow2
# The last cluster, of a table, is there as far as there is something in it.
is 'what it needs is what it has then' $((($(stat -c %s r.qcow2) + 65535) / 65536 * 65536)) \
	"$required"
done_testing
