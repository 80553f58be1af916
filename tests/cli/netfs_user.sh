#!/bin/sh
# netfs_user.sh - a pool on an NFS server that is not mounted: all that volumes can.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091,SC2154 # tests are run from the top
. tests/nfs.sh

needs qemu-img 'needs qemu-img'
export_dir pool
chmod 777 "$srv/pool"
serve
head -c 3000000 /dev/urandom >"$T/bytes"
judge=
qemu-img create -q "$(url "$srv/pool/judge")" 1M 2>"$T/out" && judge=yes
rm -f "$srv/pool/judge"
[ $judge ] || echo '# QEMU cannot open nfs:// here (package qemu-block-extra): it does not judge'
# opens NAME COMMAND...: qemu-img does, where it has a driver for NFS.
opens() {
	if [ $judge ]; then works "$@"; else skip "$1" 'QEMU has no driver for NFS here'; fi
}

for version in 3 4; do
	dir=$srv/pool u=$(url "$srv/pool")
	works "version $version: define" pool p "$dir" --source-protocol-ver $version
	fails '... not started' bp vol-list p
	works '... start' bp pool-start p
	is '... nothing is mounted' "$(grep -c nowhere /proc/self/mountinfo)" 0
	is '... and nothing made' "$(ls -d "$T/nowhere" 2>/dev/null)" ''
	works '... refresh' bp pool-refresh p
	bp pool-info p --bytes >"$T/out"
	is '... its size' "$(awk '/^Capacity/ { print $2 }' "$T/out")" 134217728

	works 'a raw volume' bp vol-create-as p v 1M
	is '... with its space' "$(stat -c '%s %b %a' "$dir/v")" '1048576 2048 600'
	works 'one without' bp vol-create-as p w 3000000 --allocation 0
	is '... has none' "$(stat -c '%s %b' "$dir/w")" '3000000 0'
	fails 'one that is there' bp vol-create-as p v 1M
	has '... is told' "$T/out" "'v' exists already"
	works 'a qcow2 image' bp vol-create-as p q 10M --format qcow2
	opens '... which QEMU finds whole' qemu-img check -q "$u/q"
	works 'a name that is no URL' bp vol-create-as p 'a b&%?#ü' 64k --allocation 0
	is '... its URL' "$(bp -q vol-path 'a b&%?#ü' p)" "$u/a%20b%26%25%3F%23%C3%BC"
	opens '... opens' qemu-img info "$u/a%20b%26%25%3F%23%C3%BC"
	is '... and leads to it' "$(bp -q vol-pool "$u/a%20b%26%25%3F%23%C3%BC")" p
	works '... delete' bp vol-delete "$u/a%20b%26%25%3F%23%C3%BC"
	works 'a directory' bp vol-create-as p d 0 --format dir --mode 0755
	is '... is one' "$(stat -c '%F %a' "$dir/d")" 'directory 755'
	works 'rights that are asked for' bp vol-create-as p r 64k --allocation 0 --mode 0640 \
		--owner 1000 --group 1000
	is '... it has' "$(stat -c '%u:%g %a' "$dir/r")" '1000:1000 640'
	works '... delete' bp vol-delete r p
	says 'all of them' bp -q vol-list p <<-END
	 d   nfs://127.0.0.1\$T/srv/pool/d
	 q   nfs://127.0.0.1\$T/srv/pool/q
	 v   nfs://127.0.0.1\$T/srv/pool/v
	 w   nfs://127.0.0.1\$T/srv/pool/w
	END
	bp -q vol-list p --details | awk '{ print $1, $3, $4, $5 }' >"$T/out"
	is 'what they are' "$(tr '\n' , <"$T/out")" \
		'd netdir 0.00 B,q network 10.00 MiB,v network 1.00 MiB,w network 2.86 MiB,'

	works 'upload' bp vol-upload w "$T/bytes" p --verify
	works '... is there' cmp "$T/bytes" "$dir/w"
	fails '... more than it holds' bp vol-upload w "$T/bytes" p --offset 1
	works 'download' bp vol-download w "$T/back" p
	works '... is the same' cmp "$T/bytes" "$T/back"
	works '... a part' bp vol-download w "$T/back" p --offset 4095 --length 100001
	works '... is the same' sh -c "tail -c +4096 '$T/bytes' | head -c 100001 | cmp - '$T/back'"
	bp -q vol-download w /dev/stdout p | cat >"$T/back"
	works '... through a pipe' cmp "$T/bytes" "$T/back"
	works '... a sparse one' bp vol-create-as p s 16M --allocation 0
	works '... with a few bytes' bp vol-upload s "$T/bytes" p --offset 8000000 --length 5
	works '... download' bp vol-download s "$T/back" p --sparse
	works '... is the same' cmp "$dir/s" "$T/back"
	works '... and has holes' [ "$(stat -c %b "$T/back")" -lt 4096 ]
	works 'clone' bp vol-clone s s2 p
	works '... is the same' cmp "$dir/s" "$dir/s2"
	works '... and has holes' [ "$(stat -c %b "$dir/s2")" -lt 8192 ]
	works 'upload over a hole' bp vol-upload s2 "$T/back" p --sparse
	works '... takes no space' [ "$(stat -c %b "$dir/s2")" -lt 8192 ]
	works 'grow' bp vol-resize w 4M p
	is '... it is' "$(stat -c %s "$dir/w")" 4194304
	fails 'shrink, unasked' bp vol-resize v 64k p
	works 'wipe' bp vol-wipe w p
	works '... is zeros' cmp -n 4194304 "$dir/w" /dev/zero
	works '... by an algorithm' bp vol-wipe v p --algorithm dod
	works 'an image with metadata for all of it, and its space' bp vol-create-as p f 8M \
		--format qcow2 --prealloc-metadata
	opens '... is whole' qemu-img check -q "$u/f"
	works '... has its space' [ "$(stat -c %b "$dir/f")" -ge 16384 ]
	works '... delete' bp vol-delete f p
	works '... without its space' bp vol-create-as p f 8M --format qcow2 --prealloc-metadata \
		--allocation 0
	works '... has little' [ "$(stat -c %b "$dir/f")" -lt 8192 ]
	works '... delete' bp vol-delete f p
	works 'grow an image' bp vol-resize q 20M p
	works '... is whole' bp vol-check q p
	opens '... QEMU says so, too' qemu-img check -q "$u/q"
	works 'a snapshot' bp vol-snapshot-create q s1 p
	works '... listed' [ "$(bp -q vol-snapshot-list q p | awk '{ print $1 }')" = s1 ]
	works '... gone back to' bp vol-snapshot-revert q s1 p
	works '... deleted' bp vol-snapshot-delete q s1 p
	works 'an overlay' bp vol-create-as p o 20M --format qcow2 --backing-vol q \
		--backing-vol-format qcow2
	opens '... whose store QEMU finds' sh -c \
		"qemu-img info --backing-chain '$u/o' | grep -q 'image: $u/q'"
	bp vol-dumpxml o p >"$T/out"
	has '... in its XML' "$T/out" "<path>$u/q</path>"
	fails 'its store is not taken from it' bp vol-delete q p
	opens 'it is written to' qemu-io -f qcow2 -c 'write -q -P 5 1M 256k' "$u/o"
	if [ $judge ]; then
		bp vol-map o p >"$T/out"
		has '... its map' "$T/out" '0x100000        0x40000'
	else
		skip '... its map' 'QEMU has no driver for NFS here'
	fi
	works 'commit' bp vol-commit o p
	opens '... the store has it' qemu-io -f qcow2 -r -c 'read -q -P 5 1M 256k' "$u/q"
	opens '... and is whole' qemu-img check -q "$u/q"
	works 'another store' bp vol-create-as p z 20M --format qcow2
	works 'rebase' bp vol-rebase o --pool p --backing-vol z --backing-vol-format qcow2
	opens '... it shows the same' qemu-io -f qcow2 -r -c 'read -q -P 5 1M 256k' "$u/o"
	opens '... and is whole' qemu-img check -q "$u/o"
	bp vol-chain o p >"$T/out"
	has '... its chain' "$T/out" '`- o '
	works 'flatten' bp vol-rebase o --pool p --flatten
	works '... nobody depends on it any more' bp vol-delete z p
	works 'clone of an image' bp vol-clone q q2 p
	opens '... is whole' qemu-img compare -q "$u/q" "$u/q2"
	works 'wipe an image' bp vol-wipe q2 p
	works '... is one' bp vol-check q2 p
	works 'from another pool' bp pool-create-as l dir --target "$T/l" --build
	works '... a volume' bp vol-create-as l x 1M --format qcow2
	echo "<volume><name>x</name><capacity>0</capacity>" \
		"<target><format type='qcow2'/></target></volume>" >"$T/x.xml"
	works '... is copied' bp vol-create-from p "$T/x.xml" x --inputpool l
	bp vol-delete x l >/dev/null
	bp pool-destroy l >/dev/null
	for v in d o q q2 s s2 v w x; do
		bp vol-delete "$v" p >"$T/out" 2>&1 || nok "delete $v"
	done
	is 'all is deleted' "$(ls -A "$dir")" ''
	works 'stop' bp pool-destroy p
	works 'forget' bp pool-undefine p
done

# ---- many ---------------------------------------------------------------------------------
qemu-img create -q -f qcow2 "$T/image" 1G
# One whose backing store is named where nobody looks ahead.
qemu-img create -q -f qcow2 -F qcow2 -b v1 -u "$T/far" 1G
printf '\0\0\0\0\0\0\20\0' | dd of="$T/far" bs=1 seek=8 conv=notrunc 2>/dev/null
printf v1 | dd of="$T/far" bs=1 seek=4096 conv=notrunc 2>/dev/null
# (a server tells from memory what is in a directory: each has its own)
for version in 3 4; do
	dir=$srv/pool/many$version
	mkdir "$dir"
	for i in $(seq 65); do cp "$T/image" "$dir/v$i"; done
	cp "$T/far" "$dir/far"
	: >"$dir/empty"
	works "a pool of many images, by version $version" pool p "$dir" \
		--source-protocol-ver $version
	works '... start' bp pool-start p
	# How many requests are sent before an answer is read, and how many in all.
	strace -f -e trace=sendto,recvfrom -o "$T/calls" "$BAREPOOL" -q vol-list p --details \
		>"$T/list" 2>&1 || {
		echo '# needs strace' >"$T/calls"
		bp -q vol-list p --details >"$T/list"
	}
	is '... what each is' "$(grep -c 'network   1.00 GiB' "$T/list")" 66
	is '... and an empty file' "$(grep -c 'empty  .* 0.00 B' "$T/list")" 1
	if grep -q sendto "$T/calls"; then
		works '... is asked for many at a time' [ "$(awk '
			/sendto/ { if (++n > most) most = n }
			/recvfrom/ { n = 0 } END { print most }' "$T/calls")" -ge 32 ]
		[ $version = 3 ] || works '... each once' [ "$(grep -c sendto "$T/calls")" -lt 100 ]
	else
		skip '... is asked for many at a time' 'needs strace'
	fi
	bp -q vol-chain far p >"$T/out"
	has '... more is read where it is needed' "$T/out" v1
	works '... stop' bp pool-destroy p
	works '... forget' bp pool-undefine p
done
done_testing
