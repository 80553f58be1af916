#!/bin/sh
# libvirtd.sh - one store, two programs: what either writes, the other takes as its own.
#
# Both are asked under the name virsh, and must answer with the same bytes.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091,SC2034 # peer.sh is in the sandbox
set -u
if [ "${1-}" != --inside ]; then
	if ! why=$(tests/peer/sandbox --check virsh); then
		echo "1..0 # SKIP $why"
		exit 0
	fi
	exec tests/peer/sandbox virsh sh /srv/peer/libvirtd.sh --inside
fi

T=/srv/peer/tmp W=/srv/peer/w n=0 bad=0
. /srv/peer/peer.sh

is_active() { grep -qxF -e "$1" $T/active; }

all_the_same() {
	for f in '' --all --inactive --transient --persistent --autostart --no-autostart \
		'--all --details' '--all --name' '--all --uuid' '--all --type dir,netfs'; do
		# shellcheck disable=SC2086 # options
		same pool-list $f
	done
	theirs -q pool-list --all --name | sed 's/ *$//' | grep . >$T/pools
	theirs -q pool-list --name | sed 's/ *$//' | grep . >$T/active
	while read -r p; do
		same pool-info -- "$p"
		same pool-info --bytes -- "$p"
		same pool-uuid -- "$p"
		same pool-dumpxml -- "$p"
		# A pool it has started itself, libvirt has no other definition of.
		if [ "$when" != 'libvirt runs' ] || ! is_active "$p"; then
			same pool-dumpxml --inactive -- "$p"
		fi
		same vol-list -- "$p"
		same vol-list --details -- "$p"
	done <$T/pools
	while read -r p; do
		theirs pool-refresh -- "$p" >/dev/null
		theirs -q vol-list -- "$p" | sed -e 's/^ //' -e 's,   *\(/.*\)$,,' >$T/vols
		while read -r v; do
			for c in vol-dumpxml 'vol-info --bytes' vol-path vol-key; do
				# shellcheck disable=SC2086 # a command and its options
				same $c --pool "$p" --vol "$v"
			done
		done <$T/vols
	done <$T/active
}

# The same work for either: pools of all kinds in all states, and volumes.
work() {
	by=$1
	mkdir -p "$W/on" "$W/auto" "$W/odd"
	$by pool-define-as on dir --target "$W/on" &&
	$by pool-start on &&
	$by pool-define-as off dir --target "$W/off" &&
	$by pool-define-as auto dir --target "$W/auto" &&
	$by pool-autostart auto &&
	$by pool-start auto &&
	$by pool-define-as autooff dir --target "$W/autooff" &&
	$by pool-autostart autooff &&
	$by pool-create-as passing dir --target "$W/passing" --build &&
	for name in 'with blank' 'ümlaut' 'a&amp;b&lt;c&gt;' "quo'te" '--dash' 'dot.xml' \
		'日本'; do
		# Not by pool-define-as: virsh does not escape what it writes.
		echo "<pool type='dir'><name>$name</name>
		<target><path>$W/odd/$name</path></target></pool>" >"$T/def.xml"
		$by pool-define "$T/def.xml" || return 1
	done
	$by pool-build 'with blank' && $by pool-start 'with blank' &&
	$by pool-define-as share netfs --source-host h --source-path /x --target "$W/share" \
		--source-format nfs &&
	$by pool-define-as group logical --source-name vg0 --source-dev /dev/nosuch1 &&
	$by pool-define-as table disk --source-dev /dev/nosuch2 --source-format gpt --target /dev &&
	$by pool-define-as fsys fs --source-dev /dev/nosuch3 --source-format ext4 \
		--target "$W/fsys" &&
	$by pool-define-as lun iscsi --source-host h --source-dev iqn.2020-01.x:t \
		--target /dev/disk/by-path &&
	volumes "$by"
}
volumes() {
	by=$1
	$by vol-create-as on raw 1M &&
	$by vol-create-as on sparse 10M --allocation 0 &&
	$by vol-create-as on 'odd name' 64k &&
	$by vol-create-as on image 1G --format qcow2 &&
	$by vol-create-as on over 1G --format qcow2 --backing-vol image \
		--backing-vol-format qcow2 &&
	$by vol-create-as on early 1G --format qcow2 --prealloc-metadata &&
	$by vol-create-as on copy 1M --allocation 0 &&
	$by vol-resize sparse 20M on &&
	$by vol-create-as 'with blank' v 1M
}

files() {
	(cd "$1" && find . -type f ! -name driver.pid ! -name '*.lock' ! -name autostarted |
		sort | while read -r f; do echo "$f"; cat "$f"; done)
}

# ---- a: what libvirt wrote --------------------------------------------------------

works 'libvirt works' work theirs
when='libvirt runs'
all_the_same
pid=$(cat /run/libvirt/storage/driver.pid)

# ---- c: while it runs, nothing is changed -----------------------------------------

snapshot() {
	files /etc/libvirt/storage
	files /run/libvirt/storage
	find $W -printf '%p %s %m %T@ %l\n' | sort
}
snapshot >$T/before
head -c 4096 /dev/zero >$T/file
while read -r c; do
	n=$((n + 1))
	# shellcheck disable=SC2086 # the words of a command
	if ours $c >$T/out 2>&1; then
		echo "not ok $n - refuses $c"
		bad=1
	elif grep -qw -e "$pid" $T/out; then
		echo "ok $n - refuses $c"
	else
		sed 's/^/# /' $T/out
		echo "not ok $n - refuses $c, naming process $pid"
		bad=1
	fi
done <<END
pool-define-as new dir --target $W/new
pool-define /srv/peer/transcripts/inputs/pool-minimal.xml
pool-create-as new dir --target $W/new --build
pool-undefine off
pool-build off
pool-start off
pool-destroy on
pool-delete off
pool-autostart on
pool-autostart auto --disable
pool-destroy passing
vol-create-as on new 1M
vol-create-as on new 1M --format qcow2
vol-delete raw on
vol-resize raw 2M on
vol-wipe raw on
vol-clone raw new on
vol-upload raw $T/file on
END
works 'reads bytes' ours vol-download raw $T/copy on
snapshot >$T/after
equal 'nothing has changed' $T/before $T/after

# ---- a again: after it, what it left behind ----------------------------------------

mkdir $T/said
k=0
while read -r p; do
	k=$((k + 1))
	theirs pool-dumpxml -- "$p" >$T/said/$k
	theirs pool-dumpxml --inactive -- "$p" >$T/said/$k.inactive
done <$T/pools
theirs pool-list --all >$T/said/list
peer-daemon stop
k=0
while read -r p; do
	k=$((k + 1))
	for i in '' inactive; do
		[ -z "$i" ] || ! is_active "$p" || continue
		ours pool-dumpxml ${i:+--$i} -- "$p" >$T/out 2>&1
		masked $T/out >$T/ours
		masked $T/said/$k${i:+.$i} >$T/theirs
		equal "libvirt ran: pool-dumpxml${i:+ --$i} $p" $T/theirs $T/ours
	done
done <$T/pools
ours pool-list --all >$T/out 2>&1
equal 'libvirt ran: what was active is' $T/said/list $T/out
works 'libvirt ran: a change' ours pool-autostart on
works 'and its undoing' ours pool-autostart on --disable
works 'a volume' ours vol-create-as on new 1M
works 'and its end' ours vol-delete new on
works 'a pool is stopped' ours pool-destroy on
works 'and started' ours pool-start on
works 'a passing one is stopped' ours pool-destroy passing

# ---- b: what we wrote ----------------------------------------------------------------

sandbox-reset
peer-daemon stop
works 'barepool works' work ours
files /etc/libvirt/storage >$T/ours.config
files /run/libvirt/storage >$T/ours.run
find /etc/libvirt/storage -type l -printf '%p %l\n' | sort >$T/ours.links
peer-daemon start
when='barepool ran'
all_the_same

# What it rewrites, it writes the same: each pool is defined as what it is.
theirs -q pool-list --all --name --persistent | sed 's/ *$//' | grep . >$T/pools
while read -r p; do
	theirs pool-dumpxml --inactive -- "$p" >$T/def.xml
	theirs pool-define $T/def.xml >/dev/null 2>$T/err || nok "libvirt takes $p" $T/err
done <$T/pools
for p in on auto 'with blank'; do
	theirs pool-destroy "$p" && theirs pool-start "$p"
done >/dev/null 2>$T/err
for p in auto autooff; do
	theirs pool-autostart $p --disable && theirs pool-autostart $p
done >/dev/null 2>>$T/err
files /etc/libvirt/storage >$T/theirs.config
files /run/libvirt/storage >$T/theirs.run
find /etc/libvirt/storage -type l -printf '%p %l\n' | sort >$T/theirs.links
for what in config run links; do
	equal "its $what and ours are the same bytes" $T/theirs.$what $T/ours.$what
done

# ---- e: what is ours alone ---------------------------------------------------------------

peer-daemon stop
cat >$T/def.xml <<END
<pool type='dir' xmlns:barepool='urn:barepool:pool:1'><name>rights</name>
<barepool:volumes><permissions><mode>0640</mode><owner>1234</owner></permissions></barepool:volumes>
<target><path>$W/rights</path></target></pool>
END
works 'usual rights are defined' ours pool-define $T/def.xml
works 'and used' ours 'pool-build rights; pool-start rights; vol-create-as rights v 1k'
[ "$(stat -c '%a %u' $W/rights/v)" = '640 1234' ] || nok 'they are used' $T/out
ours pool-dumpxml rights >$T/out
sed -e 's/ xmlns:barepool=[^>]*//' -e '/<barepool:/,/<.barepool:/d' $T/out >$T/without
cat >$T/thin.xml <<END
<pool type='logical' xmlns:barepool='urn:barepool:pool:1'><name>thin</name>
<source><device path='/dev/nosuch4'/><name>vg1</name></source>
<barepool:thin><barepool:name>vg1/tp</barepool:name><barepool:size unit='MiB'>64</barepool:size>
<barepool:limit>300</barepool:limit></barepool:thin><barepool:activation mode='shared'/></pool>
END
works 'a thin pool is defined' ours pool-define $T/thin.xml
ours pool-dumpxml thin >$T/thin.xml
works 'and kept' grep -q '<barepool:name>vg1/tp</barepool:name>' $T/thin.xml
sed -e 's/ xmlns:barepool=[^>]*//' -e '/<barepool:thin>/,/<.barepool:thin>/d' \
	-e '/<barepool:/d' $T/thin.xml >$T/plain
files /etc/libvirt/storage >$T/ours.config
peer-daemon start
theirs pool-dumpxml rights >$T/out
masked $T/without >$T/ours
masked $T/out >$T/theirs
equal 'libvirt takes the definition, but for that' $T/theirs $T/ours
theirs pool-dumpxml thin >$T/out
masked $T/plain >$T/ours.plain
masked $T/out >$T/theirs
equal 'and of a thin pool' $T/theirs $T/ours.plain
fails 'and looks for its group' theirs pool-start thin
works 'and uses the pool' theirs 'vol-create-as rights w 1k; pool-destroy rights; pool-start rights'
files /etc/libvirt/storage >$T/theirs.config
equal 'and leaves our file alone' $T/theirs.config $T/ours.config
works 'libvirt is given ours to define' theirs pool-define $T/thin.xml
theirs pool-dumpxml thin >$T/out
masked $T/out >$T/theirs
equal 'and takes it, but for that' $T/theirs $T/ours.plain

# ---- d: an ordinary user ---------------------------------------------------------------

peer-daemon stop
H=/srv/peer/nobody
mkdir -p $H/config $H/run
chmod 700 $H/run
chown -R nobody $H
chmod 777 $W
HOME=$H XDG_CONFIG_HOME=$H/config XDG_RUNTIME_DIR=$H/run XDG_CACHE_HOME=$H/cache
export HOME XDG_CONFIG_HOME XDG_RUNTIME_DIR XDG_CACHE_HOME
as='runuser -u nobody --'
unset LIBVIRT_DEFAULT_URI
user_work() {
	$1 pool-define-as mine dir --target "$H/mine" &&
	$1 pool-build mine && $1 pool-start mine && $1 pool-autostart mine &&
	$1 vol-create-as mine v 1M && $1 vol-create-as mine w 1M --format qcow2 &&
	$1 pool-define-as rest dir --target "$H/rest"
}
works 'a user works' user_work ours
files $H/config/libvirt/storage >$T/ours.config
files $H/run/libvirt/storage/run >$T/ours.run
uri=storage:///session
works 'a user starts libvirt' peer-session start
when='a user'
all_the_same
pid=$(cat $H/run/libvirt/storage/run/driver.pid)
ours pool-define-as new dir --target "$H/new" >$T/out 2>&1
if grep -qw -e "$pid" $T/out; then ok 'a user is refused'; else nok 'a user is refused' $T/out; fi
theirs pool-dumpxml mine --inactive >$T/def.xml
theirs pool-define $T/def.xml >/dev/null
theirs pool-destroy mine >/dev/null
theirs pool-start mine >/dev/null
files $H/config/libvirt/storage >$T/theirs.config
files $H/run/libvirt/storage/run >$T/theirs.run
for what in config run; do
	equal "a user: its $what and ours are the same bytes" $T/theirs.$what $T/ours.$what
done
works 'a user stops libvirt' peer-session stop
works 'a user goes on' ours pool-destroy mine
works 'to the end' ours pool-undefine mine
echo "1..$n"
exit $bad
