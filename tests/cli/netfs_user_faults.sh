#!/bin/sh
# netfs_user_faults.sh - an NFS share that is not mounted: who may, and what goes wrong.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091,SC2154 # tests are run from the top
export SIZE=24m
. tests/nfs.sh

export_dir pool
export_dir ro Access_Type=RO
export_dir squash Squash=Root_Squash
export_dir four Protocols=4
export_dir tight PrivilegedPort=true
chmod 777 "$srv/pool"
chown 1000:1000 "$srv/squash"
serve
dir=$srv/pool
head -c 4000000 /dev/urandom >"$T/bytes"
told() { has "$1" "$T/out" "$2"; }

# ---- who may --------------------------------------------------------------------------------
works 'root is nobody there' pool sq "$srv/squash"
works '... start' bp pool-start sq
works '... as the owner of the directory' bp vol-create-as sq v 64k
is '... whose it is' "$(stat -c %u:%g "$srv/squash/v")" 1000:1000
works '... it is written' bp vol-upload v /etc/passwd sq --length 20
works '... copied' bp vol-clone v w sq
works '... grown' bp vol-resize v 1M sq
works '... and so a directory' bp vol-create-as sq d 0 --format dir
fails '... of somebody else' bp vol-create-as sq u 64k --owner 5 --group 6
told '... names both' 'lets neither uid 0 (root, which most servers take for nobody) nor uid 5 do'
told '... and what to do' 'belong to a user who may (--owner), or export it with no_root_squash'
told '... and the export' "'127.0.0.1:$srv/squash'"
for v in v w d; do works "... delete $v" bp vol-delete $v sq; done
is '... nothing is left' "$(ls -A "$srv/squash")" ''
works '... stop' bp pool-destroy sq

works 'an export that is read-only' pool ro "$srv/ro"
works '... start' bp pool-start ro
echo x >"$srv/ro/f"
for c in 'vol-create-as ro v 64k' 'vol-delete f ro' 'vol-upload f /etc/passwd ro' \
	'vol-resize f 1M ro' 'vol-wipe f ro'; do
	# shellcheck disable=SC2086 # words
	fails "... $c" bp $c
	told '... says why' "'127.0.0.1:$srv/ro' is exported or mounted read-only"
done
works '... is read' bp vol-download f "$T/back" ro

works 'one of version 4 only' pool four "$srv/four"
works '... start' bp pool-start four
works '... a volume' bp vol-create-as four v 1M
works '... stop' bp pool-destroy four

cat >"$T/twice.xml" <<END
<pool type='netfs' xmlns:b='urn:barepool:pool:1'
 xmlns:fs='http://libvirt.org/schemas/storagepool/fs/1.0'><name>twice</name>
<source><host name='nowhere.invalid'/><host name='127.0.0.1'/><dir path='$srv/two'/>
<format type='nfs'/></source><target><path>$T/nowhere</path></target>
<fs:mount_opts><fs:option name='ro'/></fs:mount_opts><b:mount state='no'/></pool>
END
sed "s,$srv/two,$srv/pool," "$T/twice.xml" >"$T/ro.xml"
works 'two hosts, one is not known; and read-only' bp pool-create "$T/ro.xml"
works '... list' bp vol-list twice
fails '... make something' bp vol-create-as twice v 64k
told '... is refused here' "pool 'twice' is read-only by its options"
works '... stop' bp pool-destroy twice
fails 'not exported, and not known' bp pool-create "$T/twice.xml"
told '... both are told' "cannot find the address of 'nowhere.invalid'"
told '... why' "does not let us have '127.0.0.1:$srv/two'"

# ---- an ordinary user ---------------------------------------------------------------------------
. tests/user.sh
works 'an ordinary user, who may not mount: define' as_user pool-define-as auto netfs \
	--source-host 127.0.0.1 --source-path "$dir" --source-format nfs --target "$home/t"
as_user pool-dumpxml auto >"$T/out"
lacks '... nothing is said of a mount' "$T/out" barepool
works '... start, with all that comes before' as_user pool-start auto --build
as_user pool-dumpxml auto >"$T/out"
has '... it is used without' "$T/out" "<barepool:mount state='no'/>"
as_user pool-dumpxml auto --inactive >"$T/out"
lacks '... this time' "$T/out" barepool
works '... a volume' as_user vol-create-as auto mine 64k
is '... is his' "$(stat -c %u:%g "$dir/mine")" 1000:1000
is '... its path' "$(as_user -q vol-path mine auto)" "$(url "$dir/mine")"
install -m 640 -o 0 -g 5000 /etc/passwd "$dir/group"
works '... who is in a group' as_user vol-download group "$home/back" auto
works '... delete' as_user vol-delete mine auto
rm "$dir/group"
cp "$T/bytes" "$home/bytes"
for c in 'find-storage-pool-sources-as netfs 127.0.0.1' 'vol-create-as auto v 4000000' \
	"vol-upload v $home/bytes auto --verify" 'vol-clone v w auto' 'vol-resize w 5M auto' \
	"vol-download v $home/back auto" 'vol-wipe w auto' 'vol-create-as auto d 0 --format dir' \
	'vol-create-as auto q 10M --format qcow2' 'vol-resize q 20M auto' 'vol-clone q q2 auto' \
	'vol-snapshot-create q s1 auto' 'vol-check q auto' 'vol-list auto --details' \
	'pool-refresh auto' 'pool-info auto' 'vol-delete q auto' 'vol-delete q2 auto' \
	'vol-delete v auto' 'vol-delete w auto' 'vol-delete d auto'; do
	# shellcheck disable=SC2086 # words
	works "... $c" as_user $c
done
works '... with the same bytes' cmp "$T/bytes" "$home/back"
fails '... give something away' as_user vol-create-as auto x 64k --owner 0
told '... is for root' "does not let uid 1000 do that: it must be allowed there (chown, chmod)"
is '... nothing is left' "$(ls -A "$dir")" ''
works '... stop' as_user pool-destroy auto
works '... forget' as_user pool-undefine auto
fails 'an export for reserved ports' as_user pool-create-as tight netfs --source-host 127.0.0.1 \
	--source-path "$srv/tight" --source-format nfs --target "$home/t" --mount no
told '... it is told' "or not to ordinary users (option 'insecure')"
lacks '... without empty words' "$T/out" '()'
fails 'not exported, which no --build mends' as_user pool-create-as none netfs \
	--source-host 127.0.0.1 --source-path "$srv/none" --source-format nfs --target "$home/t" \
	--mount no --source-protocol-ver 4
lacks '... so that it is not said' "$T/out" '--build'
fails 'who wants a mount' as_user pool-create-as m netfs --source-host 127.0.0.1 \
	--source-path "$dir" --source-format nfs --target "$home/t" --mount yes
lacks '... gets no other way' "$T/out" nfs://
grep -q 'nfs' /proc/filesystems || {
	works 'root, where the kernel has no NFS: start' bp pool-create-as auto netfs \
		--source-host 127.0.0.1 --source-path "$dir" --source-format nfs --target "$T/t"
	works '... a volume' bp vol-create-as auto v 64k
	is '... its path' "$(bp -q vol-path v auto)" "$(url "$dir/v")"
	works '... delete' bp vol-delete v auto
	is '... nothing is made here' "$(ls -d "$T/t" 2>/dev/null)" ''
	works '... stop' bp pool-destroy auto
}

# ---- what a server has ----------------------------------------------------------------
works 'a pool' pool p "$dir"
works '... start' bp pool-start p
ln -s /etc/passwd "$dir/link"
ln -s nothing "$dir/dangling"
mkfifo "$dir/fifo"
: >"$dir/$(printf 'a\nb')"
: >"$dir/.barepool-3.part"
echo x >"$dir/good"
is 'links, what is no file, and odd names: none is a volume' \
	"$(bp -q vol-list p | awk '{ print $1 }')" good
for v in link fifo .barepool-3.part ../ro/f ..; do fails "... nor $v" bp vol-info "$v" p; done
fails '... no link is followed' bp vol-download link "$T/back" p
fails '... or replaced' bp vol-create-as p link 64k
works '... it is there' [ -L "$dir/link" ]
fails 'a name with a control character' bp vol-create-as p "$(printf 'x\ny')" 64k
rm -f "$dir"/* "$dir/.barepool-3.part"

works 'what others have left long ago' touch -d '3 days ago' "$dir/.barepool-ab-0.part"
bp pool-destroy p >/dev/null
works '... stays, since somebody has touched it today' bp pool-start p
is '... that is to say its inode' "$(ls -A "$dir")" .barepool-ab-0.part
rm -f "$dir"/.b*

works 'one volume, and in it' bp vol-create-as p v 4000000 --allocation 0
works '... 4 MB' bp vol-upload v "$T/bytes" p --verify
fails 'a full server' bp vol-create-as p big 40M
told '... is told, with the name' "cannot write '$(url "$dir/big")': No space left on device"
fails '... copies are not half' sh -c "for i in 1 2 3 4 5 6 7 8; do
	'$T/bin/barepool' vol-clone v c\$i p || exit; done"
is '... but whole' "$(find "$dir" -type f ! -size 4000000c)" ''
rm -f "$dir"/c*

# ---- a server that goes -------------------------------------------------------------------
makers=
for i in 1 2 3 4; do
	bp vol-create-as p m$i 1M >/dev/null &
	makers="$makers $!"
done
# shellcheck disable=SC2086 # words
wait $makers
is 'several at a time' "$(find "$dir" -name 'm*' -size 1048576c | wc -l)" 4
rm -f "$dir"/m*

limited() { bp --timeout 2 "$@"; }
freeze
for c in 'vol-list p' 'vol-info v p' 'pool-info p' 'vol-delete v p' "vol-download v $T/back p"; do
	# shellcheck disable=SC2086 # words
	limited $c >"$T/out" 2>&1
	told "it says nothing: $c" "pool 'p': server not responding"
done
works '... names of pools are told' bp --timeout 60 pool-list
limited -q pool-list --details >"$T/out"
told '... and how it is' inaccessible
works '... it can be stopped' bp --timeout 60 pool-destroy p
fails '... but not started' limited pool-start p
thaw
works 'it is back: start' bp pool-start p

for version in 3 4; do
	bp pool-destroy p >/dev/null
	bp pool-undefine p >/dev/null
	pool p "$dir" --source-protocol-ver $version >/dev/null
	bp pool-start p >/dev/null
	for how in freeze end_server; do
		dd if=/dev/zero of="$dir/v" bs=4000000 count=1 2>/dev/null
		rm -f "$T/pipe" "$T/status"
		mkfifo "$T/pipe"
		{ limited vol-upload v "$T/pipe" p >"$T/said" 2>&1; echo $? >"$T/status"; } &
		upload=$!
		exec 3>"$T/pipe"
		dd if="$T/bytes" bs=1M count=1 2>/dev/null >&3
		arrived() { ! cmp -s -n 4096 "$dir/v" /dev/zero; }
		until_true arrived
		works "$how in the middle, by version $version: it waits for who is slow" \
			[ ! -e "$T/status" ]
		$how
		[ $how = freeze ] || serve
		{ dd if="$T/bytes" bs=64k skip=16 2>/dev/null >&3; } 2>/dev/null
		exec 3>&-
		wait $upload
		is '... it fails' "$(cat "$T/status")" 1
		if [ $how = freeze ]; then
			has '... and says so' "$T/said" "pool 'p': server not responding"
			thaw
		else
			has '... and says so' "$T/said" 'has ended the connection'
		fi
		works '... it goes on' bp vol-upload v "$T/bytes" p --resume --verify
		works '... to its end' cmp "$T/bytes" "$dir/v"
	done
done

rm -rf "$dir"
# (what is in it this server tells from memory)
fails 'the directory of the pool has gone' bp vol-create-as p w 64k
told '... it is told' "127.0.0.1$dir"
mkdir "$dir"
works 'nobody else was harmed: the read-only pool' bp vol-list ro
works '... stop' bp pool-destroy ro
works 'stop' bp pool-destroy p
done_testing
