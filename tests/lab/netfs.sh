#!/bin/sh
# netfs.sh - pools of type netfs on the kernel's own NFS server.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
# lab: program=exportfs program=rpc.mountd program=rpcbind program=mount.nfs program=nft
# lab: library=libnfs.so.13 build=tests/contract/contract file=tests/contract/contract.c limit=500
. tests/lab.sh
. tests/lab/servers

needs exportfs 'needs nfs-kernel-server'
needs mount.nfs 'needs nfs-common'
loads nfsd nfs nfsv3 nfsv4
mount -t tmpfs -o size=128m tmpfs /srv 2>/dev/null || { mkdir /srv; mount -t tmpfs tmpfs /srv; }
mkdir -p /srv/exp/sub /srv/exp/two /srv/squash /srv/ro
mount -t tmpfs tmpfs /srv/squash
mount -t tmpfs tmpfs /srv/ro
chown 1000:1000 /srv/squash
chmod 755 /srv/squash
nfs_server '/srv *(rw,no_root_squash,no_subtree_check,sync,fsid=0)' \
	'/srv/squash *(rw,root_squash,no_subtree_check,sync,fsid=2)' \
	'/srv/ro *(ro,no_root_squash,no_subtree_check,sync,fsid=3)' || no 'no NFS server'

helper=$(command -v mount.nfs)
without() { mv "$helper" "$helper.away"; }
with() { mv "$helper.away" "$helper"; }
table() { awk -v at="$1" '$5 == at { sub(/.* - /, ""); print }' /proc/self/mountinfo; }
pool() { # NAME DIR [WORD...]: define it
	p=$1 dir=$2
	shift 2
	bp pool-define-as "$p" netfs --source-host 127.0.0.1 --source-path "$dir" \
		--source-format nfs --target "$T/$p" "$@"
}

# ---- the kernel alone ---------------------------------------------------------------
without
works 'define' pool p /exp
works 'without mount.nfs: start' bp pool-start p
is 'the newest version' "$(table "$T/p" | sed 's/.*vers=\([0-9.]*\).*/\1/')" 4.2
is 'of that share' "$(table "$T/p" | cut -d' ' -f1,2)" 'nfs4 127.0.0.1:/exp'
for o in nosuid nodev noexec; do
	findmnt -n -o OPTIONS "$T/p" | grep -q $o
	is "with $o" $? 0
done
says 'it is there' bp -q pool-list <<END
 p   active   no
END
works 'a volume' bp vol-create-as p v 1M
is 'on the server' "$(stat -c %s /srv/exp/v)" 1048576
works 'started again, it is' bp pool-refresh p
works 'stop' bp pool-destroy p
is 'nothing is mounted' "$(table "$T/p")" ''
for version in 3 4.0 4.1 4.2; do
	bp pool-undefine p >/dev/null
	sed "s,@,$version," >"$T/p.xml" <<-END
	<pool type='netfs'><name>p</name><source><host name='127.0.0.1'/><dir path='/srv/exp'/>
	<format type='auto'/><protocol ver='@'/></source><target><path>$T/p</path></target></pool>
	END
	[ $version = 3 ] || sed -i s,/srv/exp,/exp, "$T/p.xml"
	works "version $version" bp pool-create "$T/p.xml"
	is "... it is" "$(table "$T/p" | sed 's/.*vers=\([0-9.]*\).*/\1/')" $version
	works '... a volume' bp vol-create-as p "w$version" 64k
	works '... stop' bp pool-destroy p
done
cat >"$T/six.xml" <<END
<pool type='netfs' xmlns:fs='http://libvirt.org/schemas/storagepool/fs/1.0'><name>six</name>
<source><host name='nowhere.invalid'/><host name='::1'/><dir path='/exp'/><format type='nfs'/>
</source><target><path>$T/six</path></target>
<fs:mount_opts><fs:option name='ro'/><fs:option name='acregmin=5'/></fs:mount_opts></pool>
END
works 'two hosts, one is not known: start' bp pool-create "$T/six.xml"
is 'the second, in brackets' "$(table "$T/six" | cut -d' ' -f2)" '[::1]:/exp'
is 'read-only, as was said' "$(table "$T/six" | grep -c ' ro,.*acregmin=5')" 1
fails 'nothing is made there' bp vol-create-as six v2 1M
told '... and why' "'\[::1]:/exp'"
works 'stop' bp pool-destroy six
works 'an address in brackets' bp pool-create-as brackets netfs --source-host '[::1]' \
	--source-path /exp --source-format nfs --target "$T/six"
is '... of that share' "$(table "$T/six" | cut -d' ' -f2)" '[::1]:/exp'
works '... stop' bp pool-destroy brackets

says 'what it exports' bp find-storage-pool-sources-as netfs --host localhost <<END
<sources>
  <source>
    <host name='localhost'/>
    <dir path='/srv'/>
    <format type='nfs'/>
  </source>
  <source>
    <host name='localhost'/>
    <dir path='/srv/ro'/>
    <format type='nfs'/>
  </source>
  <source>
    <host name='localhost'/>
    <dir path='/srv/squash'/>
    <format type='nfs'/>
  </source>
</sources>

END

for daemon in rpc.mountd rpcbind; do
	kill -STOP "$(pidof $daemon)"
	fails "$daemon is silent" bp --timeout 2 find-storage-pool-sources-as netfs --host localhost
	told '... which is said' "server not responding: 'localhost' has not told for 2 seconds"
	kill -CONT "$(pidof $daemon)"
done

# ---- mount.nfs, and what it is told ----------------------------------------------------
with
cat >"$T/logged" <<END
#!/bin/sh
echo "\${0##*/} \$*" >>$T/log
case \$0 in *.nfs) exec $helper.real "\$@" ;; esac
END
chmod +x "$T/logged"
mv "$helper" "$helper.real"
cp "$T/logged" "$helper"
cp "$T/logged" /usr/sbin/mount.cifs
cp "$T/logged" /usr/sbin/mount.glusterfs
works 'with mount.nfs: start' bp pool-create "$T/six.xml"
is 'its words' "$(cat "$T/log")" \
	"mount.nfs [::1]:/exp $T/six -o nodev,nosuid,noexec,ro,acregmin=5,retry=0"
works 'stop' bp pool-destroy six
rm "$T/log"
nc -l -p 24007 </dev/null >/dev/null &
until_true sh -c 'netstat -ltn | grep -q :24007'
bp pool-create-as g netfs --source-host localhost --source-path vol --source-format glusterfs \
	--target "$T/g" >/dev/null 2>&1
is 'of glusterfs' "$(cat "$T/log")" \
	"mount.glusterfs localhost:vol $T/g -o nodev,nosuid,noexec,direct-io-mode=1"
rm "$T/log"
nc -l -p 445 </dev/null >/dev/null &
until_true sh -c 'netstat -ltn | grep -q :445'
bp pool-create-as c netfs --source-host localhost --source-path share --source-format cifs \
	--target "$T/c" >/dev/null 2>&1
is 'of cifs' "$(cat "$T/log")" "mount.cifs //localhost/share $T/c -o nodev,nosuid,noexec,guest"
rm /usr/sbin/mount.cifs /usr/sbin/mount.glusterfs
nc -l -p 445 </dev/null >/dev/null &
until_true sh -c 'netstat -ltn | grep -q :445'
fails 'without its program' bp pool-create-as c netfs --source-host localhost --source-path share \
	--source-format cifs --target "$T/c"
told '... which one is told' 'mount.cifs is needed (package cifs-utils)'
mv "$helper.real" "$helper"

# ---- whoever mounted it, and what ----------------------------------------------------------
works 'define' pool p /exp
mkdir -p "$T/p"
mount.nfs 127.0.0.1:/ "$T/p"
is 'another share there' "$(bp -q pool-list --name | tr -d ' ')" ''
fails '... is not mounted over' bp pool-start p
told '... and is named' "'127.0.0.1:/' is mounted on '$T/p'"
umount "$T/p"
mkdir -p "$T/all"
mount.nfs 127.0.0.1:/ "$T/all"
works 'define' bp pool-define-as below netfs --source-host 127.0.0.1 --source-path /exp/two \
	--target "$T/all/exp/two"
works 'a directory below a mount is no pool' [ "$(bp -q pool-list --name | tr -d ' ')" = '' ]
umount "$T/all"
mount.nfs localhost:/exp "$T/p"
is 'the same share by another name: active' "$(bp -q pool-list --name | tr -d ' ')" p
works '... and can be started' bp pool-start p
cd "$T/p" || exit
fails 'one who is in it keeps it' bp pool-destroy p
cd - >/dev/null || exit
told '... and is named' "pid $$ (sh)"
fails '... which is this command itself' sh -c "cd $T/p && exec barepool pool-destroy p"
told '... as is said' "is in use by this command itself (its current directory)"
works 'stop' bp pool-destroy p
works 'autostart' bp pool-autostart p
works '... does so' bp autostart
is '... mounted' "$(table "$T/p" | cut -d' ' -f2)" 127.0.0.1:/exp

# ---- volumes ---------------------------------------------------------------------------
dd if=/dev/urandom of="$T/bytes" bs=64k count=32 2>/dev/null
works 'an image' bp vol-create-as p q 64M --format qcow2
works '... qemu-img agrees' qemu-img check -q /srv/exp/q
works 'upload' bp vol-upload v "$T/bytes" p --length 1048576 --verify
fails '... more than it holds' bp vol-upload v "$T/bytes" p --offset 900000
works 'grow' bp vol-resize v 2M p
works 'upload' bp vol-upload v "$T/bytes" p --verify
works '... is there' cmp "$T/bytes" /srv/exp/v
works 'download' bp vol-download v "$T/back" p
works '... is the same' cmp "$T/bytes" "$T/back"
works 'clone' bp vol-clone v copy p
works '... is the same' cmp "$T/bytes" /srv/exp/copy
works 'grow an image' bp vol-resize q 128M p
works '... which is whole' bp vol-check q p
has '... and told so' "$T/out" 'No errors were found on the image.'
fails 'of other bytes' bp vol-check v p
has '... it is told why' "$T/out" "of which nothing can be checked"
works 'a snapshot' bp vol-snapshot-create q 'one, two' p
fails '... of that name is there' bp vol-snapshot-create q 'one, two' p
works 'list' bp vol-snapshot-list q p
has '... with it' "$T/out" 'one, two'
works 'go back' bp vol-snapshot-revert q 1 p
works 'delete it' bp vol-snapshot-delete q 'one, two' p
works '... all is whole' bp vol-check q p
works 'wipe' bp vol-wipe copy p
works '... is zeros' cmp -n 2097152 /dev/zero /srv/exp/copy
works 'delete' bp vol-delete copy p
works 'a directory' bp vol-create-as p d 0 --format dir
says 'all' bp -q vol-list p <<END
 d      \$T/p/d
 q      \$T/p/q
 sub    \$T/p/sub
 two    \$T/p/two
 v      \$T/p/v
 w3     \$T/p/w3
 w4.0   \$T/p/w4.0
 w4.1   \$T/p/w4.1
 w4.2   \$T/p/w4.2
END
works 'no part is left' [ "$(find /srv/exp -name '.*' | wc -l)" = 0 ]
promises=$(sed -n 's/^PROMISE(\([a-z_]*\))$/netfs_\1/p' tests/contract/contract.c)
# shellcheck disable=SC2086 # names
part contract env TEST_NETFS=/srv build/tests/contract/contract $promises

chmod 711 "$T"	# a user is let in
# ---- who may ------------------------------------------------------------------------------
works 'root is nobody there' pool s /squash
works 'start' bp pool-start s
works 'as the owner of the directory' bp vol-create-as s v 64k
is '... whose it is' "$(stat -c %u:%g /srv/squash/v)" 1000:1000
works 'it is written' bp vol-upload v /etc/passwd s --length 20
works 'listed' bp vol-info v s
works 'and deleted' bp vol-delete v s
chmod 700 /srv/squash
works 'a closed one' bp vol-create-as s v2 64k
works '... listed' [ "$(bp -q vol-list s | grep -c v2)" = 1 ]
works '... and deleted' bp vol-delete v2 s
works 'stop' bp pool-destroy s
chown 0:0 /srv/squash
chmod 755 /srv/squash
works 'nobody may: start' bp pool-start s
fails '... create' bp vol-create-as s v 64k
told '... names the export' "'127.0.0.1:/squash'"
told '... the uid' 'uid 0 (root, which most servers take for nobody)'
told '... and what to do' 'no_root_squash'
chown 1001:1001 /srv/squash
works 'a volume whose owner may' bp vol-create-as s v 64k --owner 1001 --group 1001
works 'stop' bp pool-destroy s
works 'a share that is read-only' pool ro /ro
works 'start' bp pool-start ro
fails 'create' bp vol-create-as ro v 64k
told '... says so' "'127.0.0.1:/ro' is exported or mounted read-only"
works 'stop' bp pool-destroy ro

# ---- servers that go --------------------------------------------------------------------
anew='pool-destroy and pool-start mount it anew'
works 'a share' pool gone /exp/sub
works 'start' bp pool-start gone
rmdir /srv/exp/sub
fails 'it has gone from the server' bp vol-create-as gone v 64k
told '... and what to do' "$anew"
mkdir /srv/exp/sub
for c in 'vol-create-as gone v 64k' 'vol-list gone' 'vol-info v gone' 'pool-refresh gone'; do
	# shellcheck disable=SC2086 # words
	fails "it has been made anew: $c" bp $c
	told '... of which pool' "pool 'gone'"
	told '... and what to do' "$anew"
done
works 'the others are told' bp pool-list --details
works 'stop' bp pool-destroy gone
works '... start' bp pool-start gone
works '... it is the new one' bp vol-create-as gone v 64k
works '... stop' bp pool-destroy gone
works 'the same without a mount' bp pool-create-as un netfs --source-host 127.0.0.1 \
	--source-path /srv/exp/sub --source-format nfs --target "$T/un" --mount no
works '... a volume' bp vol-create-as un w 2M --allocation 0
mkfifo "$T/pipe"
bp vol-upload w "$T/pipe" un >"$T/out" 2>&1 &
upload=$!
exec 3>"$T/pipe"
head -c 1M "$T/bytes" >&3
arrived() { [ "$(stat -c %b /srv/exp/sub/w)" -ge 64 ]; }
until_true arrived
rm -r /srv/exp/sub && mkdir /srv/exp/sub
tail -c +1048577 "$T/bytes" >&3
exec 3>&-
wait $upload
is '... which goes in the middle, with all of the export' $? 1
told '... is told' 'removed'
works '... the next command finds the new one' bp vol-create-as un v 64k
works '... stop' bp pool-destroy un
fails 'not exported' bp pool-create-as no netfs --source-host 127.0.0.1 --source-path /no \
	--target "$T/no"
told '... is said' "cannot mount '127.0.0.1:/no'"
works '... and the target is not left' [ ! -e "$T/no" ]
fails 'a host nobody knows' bp pool-create-as n netfs --source-host nowhere.invalid \
	--source-path /x --target "$T/n"
told '... is said' "cannot find the address of 'nowhere.invalid'"
works '... and no directory is left' [ ! -e "$T/n" ]
works 'stop' bp pool-destroy p
nfs_end
fails 'no server: start' bp pool-start p
told '... is said' "server '127.0.0.1' takes no connections on port 2049"
nfs_begin
works 'it is back: start' bp pool-start p
works 'stop' bp pool-destroy p
freeze 2049
fails 'nobody answers: start' bp --timeout 1 pool-start p
told '... is said, and whose' "pool 'p': server not responding: '127.0.0.1'"
is 'nothing is mounted' "$(table "$T/p")" ''
thaw
done_testing
