#!/bin/sh
# netfs_frozen.sh - servers that stop answering hurt the pools that are on them, and no others.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
# lab: program=exportfs program=rpc.mountd program=rpcbind program=nft
# lab: limit=600
. tests/lab.sh
. tests/lab/servers

needs exportfs 'needs nfs-kernel-server'
needs nft 'needs nftables'
loads nfsd nfs nfsv3 nfsv4 nf_tables
mkdir -p /srv
mount -t tmpfs -o size=128m tmpfs /srv
mkdir -p /srv/one /srv/two
nfs_server '/srv *(rw,no_root_squash,no_subtree_check,sync,fsid=0)' || no 'no NFS server'

rm -f "$(command -v mount.nfs)"	# the kernel alone will do

# A pool with its own connection: another address, and of version 3, which has no way to
# know that both are of one server.
netfs() { # NAME ADDRESS DIR VERSION
	bp pool-define-as "$1" netfs --source-host "$2" --source-path "$3" --source-format nfs \
		--source-protocol-ver "$4" --target "$T/$1" && bp pool-start "$1"
}
for i in 1 2 3 4 5 6 7 8; do
	bp pool-define-as "d$i" dir --target "$T/d$i" >/dev/null
	bp pool-build "d$i" >/dev/null && bp pool-start "d$i" >/dev/null
done
works 'a pool on one server' netfs one 127.0.0.1 /one 4.2
works 'a pool on another' netfs two 127.0.0.2 /srv/two 3
works 'a volume' bp vol-create-as one v 8M --allocation 0
works 'a volume' bp vol-create-as two v 1M
dd if=/dev/urandom of="$T/bytes" bs=1M count=8 2>/dev/null

# Only the way to 127.0.0.1 is closed.
nft add table inet frozen
nft add chain inet frozen in '{ type filter hook input priority 0; }'
cut() { nft add rule inet frozen in ip daddr 127.0.0.1 tcp dport 2049 drop; }
mend() { nft flush chain inet frozen in; }
cut
limited() { bp --timeout 2 "$@"; }
says 'names are told without asking anybody' limited -q pool-list <<END
 d1    active   no
 d2    active   no
 d3    active   no
 d4    active   no
 d5    active   no
 d6    active   no
 d7    active   no
 d8    active   no
 one   active   no
 two   active   no
END
limited -q pool-list --details >"$T/out"
is 'ten pools, one frozen: nine run' "$(grep -c ' running ' "$T/out")" 9
is '... and one does not' "$(awk '$1 == "one" { print $2 }' "$T/out")" inaccessible
for c in 'vol-list one' 'vol-info v one' 'pool-info one' 'pool-dumpxml one' 'pool-refresh one' \
	'vol-create-as one w 1M' 'vol-delete v one' 'vol-resize v 9M one' \
	"vol-download v $T/back one" "vol-upload v $T/bytes one" 'vol-wipe v one' \
	'vol-clone v w one' 'vol-create-as one d 0 --format dir' 'vol-check v one' \
	'vol-snapshot-create v s one' 'vol-snapshot-list v one'; do
	# shellcheck disable=SC2086 # words
	limited $c >"$T/out" 2>&1
	has "$c" "$T/out" "pool 'one': server not responding"
done
works 'the other server'"'"'s pool works' limited vol-create-as two w 1M
works '... is copied' limited vol-clone v x two
works '... and found by path' limited vol-info "$T/two/v"
works '... and so is a directory' limited vol-create-as d1 w 1M
works '... deleted' limited vol-delete w d1
works '... and started' limited pool-destroy d8
works '... and stopped' limited pool-start d8
is 'nobody is left hanging' "$(pgrep barepool | wc -l)" 0
mend
works 'the server is back' bp vol-info v one
is 'nothing has come of what failed' "$(bp -q vol-list one | awk '{ print $1 }' | grep -cx v)" 1

# ---- whoever watches ---------------------------------------------------------------------
# A line that is a pool's is not held up by another's server.
watch() { "$BAREPOOL" --timeout 2 watch >"$T/told" 2>&1 & watcher=$!; }
watch
until_true grep -q Watching "$T/told"
cut
works 'a watcher sees others while one is away' bp vol-create-as d2 seen 1M
works '... and tells' until_true grep -q 'Vol seen created in pool d2' "$T/told"
kill $watcher
wait $watcher
watch
works 'watching begins though one is away' until_true grep -q Watching "$T/told"
works '... which is told' until_true grep -q 'Pool one has lost its target' "$T/told"
works 'other pools are seen' bp vol-create-as d2 seen2 1M
works '... and told' until_true grep -q 'Vol seen2 created in pool d2' "$T/told"
"$BAREPOOL" --timeout 2 pool-event --event lifecycle >"$T/event" 2>&1 &
events=$!
until_true sh -c "ls -l /proc/$events/fd | grep -q inotify"
works 'a stop' bp pool-destroy d2
works '... is an event' wait $events
works '... start' bp pool-start d2
mend
works 'it is back: refresh' bp pool-refresh one
works '... and is seen again' until_true grep -q 'Pool one has its target again' "$T/told"
works 'a volume' bp vol-create-as one seen3 1M
works '... is told' until_true grep -q 'Vol seen3 created in pool one' "$T/told"
kill $watcher
wait $watcher
is 'nobody is left hanging' "$(pgrep barepool | wc -l)" 0

# ---- in the middle of work -------------------------------------------------------------
# What is written goes on until the server is away; then it is given up.
mkfifo "$T/pipe"
{ limited vol-upload v "$T/pipe" one >"$T/said" 2>&1; echo $? >"$T/status"; } &
exec 3>"$T/pipe"
dd if="$T/bytes" bs=1M count=1 2>/dev/null >&3
arrived() { [ "$(stat -c %b /srv/one/v)" -ge 2 ]; }
until_true arrived
works 'a slow sender is waited for' [ ! -e "$T/status" ]
cut
dd if="$T/bytes" bs=16k count=1 2>/dev/null >&3	# no more than a pipe holds
exec 3>&-
wait
is 'a server that goes in the middle' "$(cat "$T/status")" 1
has '... is told' "$T/said" "pool 'one': server not responding"
mend
works 'it is back' bp vol-upload v "$T/bytes" one --verify
works 'all is there' cmp "$T/bytes" /srv/one/v
is 'no part is left' "$(find /srv/one -name '.*' | wc -l)" 0

# ---- stop -----------------------------------------------------------------------------------
exec 4>"$T/one/open"
echo unwritten >&4
cut
limited pool-destroy one >"$T/out" 2>&1
told 'stop: refused, in use or not answered' one
works 'by force' limited pool-destroy one --force
is 'it is not mounted' "$(grep -c " $T/one " /proc/self/mountinfo)" 0
says 'and not active' limited -q pool-list --inactive <<END
 one   inactive   no
END
fails 'a start finds no server' limited pool-start one
told '... and says so' "pool 'one': server not responding: '127.0.0.1'"
mend
exec 4>&- || :
works 'it is back: start' bp pool-start one
works 'and all is there' cmp "$T/bytes" "$T/one/v"
works 'stop' bp pool-destroy one

# ---- a server that is there and does nothing ------------------------------------------------
works 'start' bp pool-start one
nfs_end
tries() { # how often NFS has tried to connect
	sed -n "/ mounted on .*\/one with fstype nfs/,\$s/^\txprt:\ttcp //p" /proc/self/mountstats |
		awk '{ print $3; exit }'
}
before=$(tries)
limited vol-info v one >"$T/out" 2>&1
has 'no threads: not responding' "$T/out" "pool 'one': server not responding"
is '... that it tries to connect is no sign of life' $(($(tries) - before > 15)) 0
nfs_begin
works 'threads again' bp --timeout 60 vol-info v one
works 'stop' bp pool-destroy one
works 'stop' bp pool-destroy two
done_testing
