#!/bin/sh
# netfs_cifs.sh - pools of type netfs on Samba's server.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
# lab: module=ccm module=gcm module=cmac module=ctr module=md5 module=ghash-generic program=nft
# lab: with=samba limit=400 memory=640
. tests/lab.sh
. tests/lab/servers

needs smbd 'needs samba'
needs mount.cifs 'needs cifs-utils'
needs nft 'needs nftables'
loads cifs nf_tables
table() { awk -v at="$1" '$5 == at { sub(/.* - /, ""); print }' /proc/self/mountinfo; }

# ---- the server --------------------------------------------------------------------------
mkdir -p /srv/share /srv/open /run/samba /var/lib/samba/private /etc/samba /var/log/samba
mount -t tmpfs share /srv/share
mount -t tmpfs open /srv/open
chown 1000 /srv/share
echo joe:x:1000:1000::/:/bin/false >>/etc/passwd
echo joe:x:1000: >>/etc/group
cat >/etc/samba/smb.conf <<END
[global]
server role = standalone server
map to guest = Bad User
guest account = nobody
smb ports = 445
disable netbios = yes
load printers = no
passdb backend = smbpasswd:/var/lib/samba/private/smbpasswd
private dir = /var/lib/samba/private
state directory = /var/lib/samba
cache directory = /var/lib/samba
lock directory = /run/samba
pid directory = /run/samba
ncalrpc dir = /run/samba/ncalrpc
log file = /run/samba/log
[share]
path = /srv/share
valid users = joe
read only = no
[open]
path = /srv/open
guest ok = yes
guest only = yes
read only = no
[ro]
path = /srv/open
guest ok = yes
END
chmod 777 /srv/open
secret=s3cr3t,of.joe
printf '%s\n%s\n' "$secret" "$secret" | smbpasswd -s -a joe >"$T/out" 2>&1 || show
begin() { smbd -D; until_true sh -c 'netstat -ltn | grep -q :445'; }
begin

pool() { # NAME SHARE HOSTS [OPTION...]: its definition
	name=$1 share=$2 hosts=$3
	shift 3
	{
		echo "<pool type='netfs' xmlns:fs='http://libvirt.org/schemas/storagepool/fs/1.0'>"
		echo "<name>$name</name><source>"
		for host in $hosts; do echo "<host name='$host'/>"; done
		echo "<dir path='$share'/><format type='cifs'/></source>"
		echo "<target><path>$T/$name</path></target><fs:mount_opts>"
		for option; do echo "<fs:option name='$option'/>"; done
		echo '</fs:mount_opts></pool>'
	} >"$T/$name.xml"
}

# ---- guests --------------------------------------------------------------------------------
works 'define' bp pool-define-as open netfs --source-host 127.0.0.1 --source-path open \
	--source-format cifs --target "$T/open"
works 'start' bp pool-start open
is 'it is that share' "$(table "$T/open" | cut -d' ' -f1,2)" 'cifs //127.0.0.1/open'
says 'it is active' bp -q pool-list <<END
 open   active   no
END
dd if=/dev/urandom of="$T/bytes" bs=64k count=16 2>/dev/null
works 'a volume' bp vol-create-as open v 1M
works 'upload' bp vol-upload v "$T/bytes" open --verify
works '... is on the server' cmp "$T/bytes" /srv/open/v
works 'download' bp vol-download v "$T/back" open
works '... is the same' cmp "$T/bytes" "$T/back"
works 'an image' bp vol-create-as open q 64M --format qcow2
works '... qemu-img agrees' qemu-img check -q /srv/open/q
works 'clone' bp vol-clone v w open
works '... is the same' cmp "$T/bytes" /srv/open/w
works 'delete' bp vol-delete w open
says 'all' bp -q vol-list open <<END
 q   \$T/open/q
 v   \$T/open/v
END
is 'no part is left' "$(find /srv/open -name '.*' | wc -l)" 0
works 'stop' bp pool-destroy open
is 'nothing is mounted' "$(table "$T/open")" ''
works 'forget it' bp pool-undefine open
pool ro ro 127.0.0.1
works 'a share that is read-only' bp pool-create "$T/ro.xml"
fails '... nothing is made there' bp vol-create-as ro x 1M
works '... stop' bp pool-destroy ro

# ---- who logs in --------------------------------------------------------------------------
fails 'guests are not let in' bp pool-create-as share netfs --source-host 127.0.0.1 \
	--source-path share --source-format cifs --target "$T/share"
told '... and it is said where' "'//127.0.0.1/share'"
is '... no directory is left' "$(find "$T/share" 2>/dev/null)" ''
printf 'username=joe\npassword=%s\n' "$secret" >"$T/joe"
printf 'username=joe\npassword=wrong-word\n' >"$T/wrong"
chmod 600 "$T/joe" "$T/wrong"
pool share share 127.0.0.1 "credentials=$T/wrong"
fails 'a wrong secret' bp pool-create "$T/share.xml"
told '... is said to be that' 'Permission denied'
lacks '... and not shown' "$T/out" wrong-word
pool share share 127.0.0.1 "credentials=$T/joe" uid=0
works 'the right one' bp pool-create "$T/share.xml"
works '... a volume' bp vol-create-as share v 1M
is '... is joe'"'"'s on the server' "$(stat -c %u /srv/share/v)" 1000
works '... stop' bp pool-destroy share
pool share share 127.0.0.1 user=joe "password=$(echo "$secret" | tr , .)"
fails 'a wrong one in the definition' strace -f -s 4096 -e trace=execve -o "$T/programs" \
	"$BAREPOOL" pool-create "$T/share.xml"
lacks '... is not shown' "$T/out" s3cr3t
has '... the program is asked for' "$T/programs" user=joe
lacks '... and is not told' "$T/programs" 's3cr3t.of.joe'

# ---- several servers, and none --------------------------------------------------------------
pool open open 'nowhere.invalid ::1'
works 'two hosts, one is not known: start' bp pool-create "$T/open.xml"
is 'it is the second' "$(table "$T/open" | grep -c ::1)" 1
is 'it is active' "$(bp -q pool-list --name | tr -d ' ')" open
freeze 445
bp --timeout 2 vol-info v open >"$T/out" 2>&1
told 'the server is silent' "pool 'open': server not responding"
fails '... it cannot be stopped' bp --timeout 2 pool-destroy open
works '... but by force' bp --timeout 2 pool-destroy open --force
is '... nothing is mounted' "$(table "$T/open")" ''
pool open open 127.0.0.1
fails '... nor started' bp --timeout 2 pool-create "$T/open.xml"
told '... which is said' "pool 'open': server not responding: '127.0.0.1'"
thaw
works 'it is back: start' bp pool-create "$T/open.xml"
works '... all is there' cmp "$T/bytes" "$T/open/v"
pidof smbd | xargs kill
until_true sh -c '! netstat -ltn | grep -q :445'
for c in 'vol-list open' 'vol-create-as open x 1M' 'vol-info v open'; do
	# shellcheck disable=SC2086 # words
	bp --timeout 2 $c >"$T/out" 2>&1
	told "it is stopped: $c" "pool 'open': server not responding"
done
works '... stop, by force' bp --timeout 2 pool-destroy open --force
fails 'no server' bp pool-create "$T/open.xml"
told '... is said' "server '127.0.0.1' takes no connections on port 445"

# ---- what there is ---------------------------------------------------------------------------
cat >"$T/hint.xml" <<END
<source><host name='127.0.0.1'/><format type='cifs'/></source>
END
fails 'shares are not listed' bp find-storage-pool-sources netfs --srcSpec "$T/hint.xml"
told '... since nobody is there' "server '127.0.0.1' takes no connections on port 445"
done_testing
