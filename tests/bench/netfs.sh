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
mkdir -p /srv/with /srv/without
nfs_server '/srv *(rw,no_root_squash,no_subtree_check,sync,fsid=0)' || no 'no NFS server'
rm -f "$(command -v mount.nfs)"	# the kernel alone will do
head -c 64M /dev/urandom >"$T/file"
: >"$T/results"

# line WHAT: what timing has printed, ours (without a mount) first.
line() {
	awk -v what="$1" '{ ms[NR] = $1 } END {
		printf "#   %-34s %8.0f ms %8.0f ms %6.2fx  <= 1.5x: %s\n", what, ms[1], ms[2],
			ms[1] / ms[2], ms[1] / ms[2] <= 1.5 ? "met" : "NOT MET" }'
}
fresh='echo 3 >/proc/sys/vm/drop_caches; barepool -q'
echo '#'
echo "# 64 MiB on an NFS server, by version 3 (1 ms: a million instructions, and waiting)"
echo '#                                    without a mount   with one   ratio  target'
bp pool-create-as without netfs --source-host 127.0.0.1 --source-path /srv/without \
	--source-format nfs --source-protocol-ver 3 --target /nowhere --mount no || exit 1
bp pool-create-as with netfs --source-host 127.0.0.1 --source-path /srv/with \
	--source-format nfs --source-protocol-ver 3 --target /mnt/with --mount yes || exit 1
for p in with without; do
	bp vol-create-as $p v 64M --allocation 0 >/dev/null || exit 1
done
timing -n 3 -- sh -c "$fresh vol-upload v $T/file without" -- \
	sh -c "$fresh vol-upload v $T/file with" | line 'upload'
timing -n 3 -- sh -c "$fresh vol-download v $T/back without" -- \
	sh -c "$fresh vol-download v $T/back with" | line 'download'
timing -n 3 -- sh -c "$fresh vol-clone v c without; $fresh vol-delete c without" -- \
	sh -c "$fresh vol-clone v c with; $fresh vol-delete c with" | line 'clone'
timing -n 3 -- sh -c "$fresh vol-list without --details" -- \
	sh -c "$fresh vol-list with --details" | line 'vol-list --details'
works 'what is there is what was sent' cmp "$T/file" /srv/without/v
works '... and has been fetched' cmp "$T/file" "$T/back"
done_testing
