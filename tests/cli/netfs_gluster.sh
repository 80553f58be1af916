#!/bin/sh
# netfs_gluster.sh - pools of type netfs on a volume of GlusterFS, from a real server.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091,SC2034 # tests are run from the top
tools='glusterd gluster mount.glusterfs'
. tests/world.sh
[ -c /dev/fuse ] || no 'needs /dev/fuse'
. tests/lib.sh
bp pool-capabilities --table | grep -q '^ netfs  *yes' ||
	no 'pools of type netfs are not in this build (they need libmount and libnfs)'

# ---- the server: it takes no loopback address for its bricks --------------------------

host=192.0.2.1
ip address add $host/32 dev lo
for d in /run /var/lib/glusterd /var/log/glusterfs; do
	mount -t tmpfs tmpfs $d || no 'cannot mount'
done
mkdir /run/gluster "$T/srv"
trap 'umount -l "$T/mnt" "$T/srv" 2>/dev/null; rm -rf "$T"' EXIT
mount -t tmpfs -o size=64m tmpfs "$T/srv" || no 'cannot mount'
brick=$T/srv/brick
mkdir "$brick"
glusterd --pid-file=/run/glusterd.pid
until_true gluster volume list >"$T/out" 2>&1 || { show; echo 'Bail out! no glusterd'; exit 1; }
for step in "create vol $host:$brick force" 'start vol'; do
	# shellcheck disable=SC2086 # words
	gluster --mode=script volume $step >"$T/out" 2>&1 ||
		{ show; echo "Bail out! gluster volume $step"; exit 1; }
done

# ---- a pool on it -----------------------------------------------------------------------

mounted() { findmnt -n -o SOURCE,FSTYPE --mountpoint "$T/mnt" | tr -s ' '; }
head -c 3000000 /dev/urandom >"$T/bytes"

works 'define' bp pool-define-as g netfs --source-host $host --source-path vol \
	--source-format glusterfs --target "$T/mnt"
works 'build' bp pool-build g
works 'start' bp pool-start g
is 'it is mounted' "$(mounted)" "$host:vol fuse.glusterfs"
findmnt -n -o OPTIONS --mountpoint "$T/mnt" >"$T/options"
for o in nodev nosuid noexec; do has "... $o" "$T/options" $o; done
fails 'a second time' bp pool-start g

works 'a raw volume' bp vol-create-as g v 4M --allocation 0
works 'upload' bp vol-upload v "$T/bytes" g --verify
works 'the server has its bytes' cmp -n 3000000 "$T/bytes" "$brick/v"
is '... and its rights' "$(stat -c '%u:%g %a %s' "$brick/v")" '0:0 600 4194304'
works 'download' bp vol-download v "$T/back" g --length 3000000
works '... is the same' cmp "$T/bytes" "$T/back"
works 'an image' bp vol-create-as g q 10M --format qcow2
if command -v qemu-img >/dev/null; then
	works '... which QEMU finds whole' qemu-img check -q "$brick/q"
else
	skip '... which QEMU finds whole' 'needs qemu-img'
fi
works 'clone' bp vol-clone v w g
works '... is the same' cmp "$brick/v" "$brick/w"
works 'resize' bp vol-resize w 5M g
is '... is larger' "$(stat -c %s "$brick/w")" 5242880
works 'wipe' bp vol-wipe w g
is '... it reads as zeros' "$(tr -d '\0' <"$brick/w" | wc -c)" 0
echo other >"$T/mnt/other"
works 'refresh' bp pool-refresh g
says 'all of them' bp -q vol-list g <<END
 other   \$T/mnt/other
 q       \$T/mnt/q
 v       \$T/mnt/v
 w       \$T/mnt/w
END
works 'delete' bp vol-delete w g
is '... it is gone from the server' "$(ls "$brick")" 'other
q
v'
works 'stop' bp pool-destroy g
is '... it is mounted no more' "$(mounted)" ''
until_true sh -c '! pgrep -x glusterfs >/dev/null'
is '... and its helper has ended' "$(pgrep -x -c glusterfs)" 0

# ---- what can go wrong --------------------------------------------------------------------

works 'a volume the server has not' bp pool-define-as none netfs --source-host $host \
	--source-path nothing --source-format glusterfs --target "$T/mnt"
fails '... does not start' bp pool-start none
has '... which names it' "$T/out" "$host:nothing"
is '... nothing is mounted' "$(mounted)" ''

stop "$(pgrep -x glusterd)"
fails 'a server that is frozen: start' bp --timeout 2 pool-start g
has '... is told in time' "$T/out" "pool 'g': server not responding: '$host', port 24007"
is '... nothing is mounted' "$(mounted)" ''
pkill -CONT -x glusterd
works 'start again' bp pool-start g
stop "$(pgrep -x glusterfsd)"
fails 'the server of its bytes is frozen: list' bp --timeout 2 vol-list g
has '... is told in time' "$T/out" "pool 'g': server not responding"
pkill -CONT -x glusterfsd
works '... it goes on' bp vol-list g
pkill -KILL -x glusterfsd
fails 'the server of its bytes is dead: refresh' bp --timeout 2 pool-refresh g
has '... names the pool' "$T/out" "pool 'g'"
has '... and what to do' "$T/out" 'pool-destroy and pool-start'
works '... it stops' bp --timeout 60 pool-destroy g
is '... it is mounted no more' "$(mounted)" ''
pkill -KILL -x glusterd
fails 'no server at all: start' bp --timeout 5 pool-start g
has '... names it' "$T/out" "$host"
is '... nothing is mounted' "$(mounted)" ''
done_testing
