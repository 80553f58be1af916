#!/bin/sh
# netfs.sh - tests/bench/run netfs: the bytes of a volume on an NFS share, used without a mount
# and with the kernel's, in the lab.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091,SC2154 # tests are run from the top
# lab: program=exportfs program=rpc.mountd program=rpcbind program=nft library=libnfs.so.13
# lab: clock=instructions limit=900 memory=1024 build=tests/tools/timing
. tests/lab.sh
. tests/lab/servers

loads nfsd nfs nfsv3 nfsv4
PATH=$PWD/build/tests/tools:$T/bin:$PATH
mkdir -p /srv
mount -t tmpfs -o size=400m tmpfs /srv
nfs_server '/srv *(rw,no_root_squash,no_subtree_check,sync,fsid=0)' || no 'no NFS server'
rm -f "$(command -v mount.nfs)"	# the kernel alone will do
head -c 64M /dev/urandom >"$T/file"
bp image create -q -f qcow2 "$T/image" 1G
: >"$T/results"

# line WHAT: what timing has printed, ours (without a mount) first.
line() {
	awk -v what="$1" '{ ms[NR] = $1 } END {
		if (!(ms[1] > 0 && ms[2] > 0)) { print "#   " what ": NOT MEASURED"; exit }
		printf "#   %-34s %8.0f ms %8.0f ms %6.2fx  <= 1.5x: %s\n", what, ms[1], ms[2],
			ms[1] / ms[2], ms[1] / ms[2] <= 1.5 ? "met" : "NOT MET" }'
}
fresh='echo 3 >/proc/sys/vm/drop_caches; barepool -q'
# both WHAT COMMAND: what follows ours is the pool's name.
both() {
	timing -n 3 -- sh -c "$2 without$version" -- sh -c "$2 with$version" | line "$1"
}
for version in 3 4.2; do
	echo '#'
	echo "# 64 MiB on an NFS server, by version $version" \
		'(1 ms: a million instructions, and waiting)'
	echo '#                                    without a mount   with one   ratio  target'
	set -- --source-host 127.0.0.1 --source-format nfs --source-protocol-ver $version
	for way in without:no with:yes; do
		pool=${way%:*}$version
		mkdir "/srv/$pool"
		# by version 4 paths begin at the export that is the root
		path=/srv/$pool
		[ $version = 3 ] || path=/$pool
		bp pool-create-as "$pool" netfs "$@" --source-path "$path" \
			--target "/mnt/$pool" --mount "${way#*:}" >/dev/null || exit 1
		bp vol-create-as "$pool" v 64M --allocation 0 >/dev/null || exit 1
	done
	both upload "$fresh vol-upload v $T/file --pool"
	[ $version = 3 ] ||
		echo '#   (libnfs before 5 writes 3.5 KiB at a time by version 4)'
	both download "$fresh vol-download v $T/back --pool"
	both clone "copy() { $fresh vol-clone v c \$1; $fresh vol-delete c \$1; }; copy"
	works 'what is there is what was sent' cmp "$T/file" "/srv/without$version/v"
	works '... and has been fetched' cmp "$T/file" "$T/back"
	for way in without with; do
		rm "/srv/$way$version/v"
		for i in $(seq 1000); do cp "$T/image" "/srv/$way$version/i$i"; done
	done
	both 'vol-list --details, 1,000 images' "$fresh vol-list --details --pool"
	for way in without with; do	# room for the next
		bp pool-destroy "$way$version" >/dev/null
		rm -r "/srv/$way$version"
	done
done
done_testing
