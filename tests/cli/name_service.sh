#!/bin/sh
# name_service.sh - pools whose servers have names, where the name service fails or is silent.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091,SC2154 # tests are run from the top
. tests/nfs.sh

dns=$B/tests/tools/dns
[ -x "$dns" ] || no 'needs the test programs (make test_programs)'
export_dir pool
serve
has_iscsi=
if command -v tgtd >/dev/null && bp pool-capabilities --table | grep -q '^ iscsi-direct  *yes'; then
	has_iscsi=yes IQN=iqn.2026-01.a:b
	mkdir "$T/tgt"
	export TGT_IPC_SOCKET="$T/tgt/socket"
	tgtd -f -C 0 -t 1 >"$T/tgt/log" 2>&1 &
	until_true tgtadm --op show --mode sys >/dev/null
	truncate -s 16M "$T/disk"
	tgtadm --lld iscsi --op new --mode target --tid 1 --targetname $IQN
	tgtadm --lld iscsi --op bind --mode target --tid 1 -I ALL
	tgtadm --lld iscsi --op new --mode logicalunit --tid 1 --lun 1 -b "$T/disk"
fi

# ---- a name service of its own -----------------------------------------------------------
# One that is silent is asked for minutes by the C library, unless somebody gives up.
echo 'hosts: dns' >"$T/nsswitch"
printf '%s\n' 'nameserver 127.0.0.1' 'options timeout:30 attempts:5' >"$T/resolv"
# Addresses come in their order, whatever the library prefers.
printf '%s\n' 'precedence ::ffff:10.9.9.0/120 100' 'precedence ::ffff:0:0/96 10' >"$T/gai"
mkdir "$T/etc"
cp -a /etc/. "$T/etc"
for f in nsswitch resolv gai; do
	rm -f "$T/etc/$f.conf"
	mv "$T/$f" "$T/etc/$f.conf"
done
mount --bind "$T/etc" /etc || no 'cannot mount'
# What is sent to these arrives, and is nobody's.
ip address add 10.8.8.1/32 dev lo
ip route add 10.9.9.0/24 dev lo
"$dns" 127.0.0.1 there.test=127.0.0.1 two.test=10.9.9.2,10.8.8.1 fails.test=fail \
	silent.test=silent dead.test=10.9.9.2 >"$T/dns" &
service=$!
until_true grep -q listens "$T/dns"
is 'a name service' "$(getent ahostsv4 there.test | awk 'NR == 1 { print $1 }')" 127.0.0.1
is '... of two addresses the first is nobody'"'"'s' \
	"$(getent ahostsv4 two.test | awk '/STREAM/ { printf "%s ", $1 }')" '10.9.9.2 10.8.8.1 '

told() { has "$1" "$T/out" "$2"; }
limited() { bp --timeout "$limit" "$@"; }
# define KIND NAME HOST: a pool.  Of two pools with one source the second is refused.
define() {
	case $1 in
	netfs)	set -- "$2" netfs "$3" --source-path "$srv/pool" --mount no ;;
	mount)	set -- "$2" netfs "$3" --source-path "$srv/pool" --mount yes ;;
	*)	set -- "$2" "$1" "$3" --source-dev "$IQN" \
			--source-initiator "$IQN:me" ;;
	esac
	name=$1 type=$2 host=$3
	shift 3
	case $type in netfs) set -- "$@" --source-format nfs --target "$T/mnt" ;; esac
	case $type in iscsi) set -- "$@" --target /dev ;; esac
	bp -q pool-define-as "$name" "$type" --source-host "$host" "$@"
}
# cannot HOST WHY: no pool of such a host starts, and all say so.
cannot() {
	for kind in netfs mount ${has_iscsi:+iscsi-direct iscsi}; do
		define "$kind" p "$1"
		fails "a pool on $1 ($kind) does not start" limited pool-start p
		told '... the error names pool and host, and says why' \
			"pool 'p': cannot find the address of '$1': $2"
		bp -q pool-undefine p
	done
	fails '... nor are its exports found' limited find-storage-pool-sources-as netfs "$1"
	told '... for that reason' "cannot find the address of '$1': $2"
	[ $has_iscsi ] || return 0
	fails '... nor targets' limited find-storage-pool-sources-as iscsi-direct "$1" \
		--initiator "$IQN:me"
	told '... for that reason' "cannot find the address of '$1': $2"
}
what_to_do='; see /etc/resolv.conf, or give the host by its address'

# ---- names that are wrong, and a service that is -------------------------------------------
limit=60
cannot none.test 'Name or service not known'
cannot fails.test "Temporary failure in name resolution$what_to_do"
limit=1
cannot silent.test "the name service has not answered for 1 seconds$what_to_do"
works 'addresses need none' bp --timeout 60 pool-create-as plain netfs --source-host 127.0.0.1 \
	--source-path "$srv/pool" --source-format nfs --target "$T/nowhere" --mount no
works '... are used' bp --timeout 60 vol-create-as plain v 1M
bp -q pool-destroy plain

# ---- several addresses ----------------------------------------------------------------------
limit=4
define netfs two two.test
works 'the first address is dead, the second is not' limited pool-start two
works '... a volume' limited vol-info v two
is '... its path has the name' "$(bp -q --timeout 4 vol-path v two)" "nfs://two.test$srv/pool/v"
works '... stop' limited pool-destroy two
if [ $has_iscsi ]; then
	define iscsi-direct two-direct two.test
	works '... the same for iSCSI' limited pool-start two-direct
	works '... a volume' limited vol-info unit:0:0:1 two-direct
	works '... stop' limited pool-destroy two-direct
fi
limit=1
define netfs dead dead.test
fails 'all are dead' limited pool-start dead
told '... is told' "pool 'dead': server not responding: 'dead.test', port 2049, has not answered"

# ---- the service dies while pools are active --------------------------------------------------
for i in 1 2 3 4 5 6 7 8 9; do
	bp -q pool-create-as "d$i" dir --target "$T/d$i" --build
done
define netfs there there.test
works 'a pool of a host with a name' bp pool-start there
works '... a volume' bp vol-info v there
for pool in $(bp -q pool-list --all --name); do
	case $pool in d[1-9] | there) ;; *) bp -q pool-undefine "$pool" ;; esac
done
stop "$service"
for c in 'vol-list there' 'pool-info there' 'vol-info v there' "vol-download v $T/back there" \
	'vol-delete v there' 'pool-refresh there'; do
	# shellcheck disable=SC2086 # words
	limited $c >"$T/out" 2>&1
	told "the name service is silent: $c" "pool 'there': cannot find the address of \
'there.test': the name service has not answered for 1 seconds$what_to_do"
done
limited -q pool-list --details >"$T/list"
is 'ten pools are listed' "$(awk 'NF { n++ } END { print n }' "$T/list")" 10
is '... nine as they are' "$(grep -c ' running ' "$T/list")" 9
is '... and one that is away' "$(grep -c '^ there .*inaccessible' "$T/list")" 1
works '... names need nobody' bp --timeout 60 pool-list
works '... other pools do not wait' bp --timeout 60 vol-create-as d5 v 1M
works '... nor their paths' bp --timeout 60 vol-pool "$T/d5/v"
works '... it can be stopped' bp --timeout 60 pool-destroy there
kill -CONT $service
works 'when it is back, so is the pool' bp pool-start there
works '... with its volume' bp vol-delete v there
works '... stop' bp pool-destroy there
done_testing
