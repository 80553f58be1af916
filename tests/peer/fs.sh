#!/bin/sh
# fs.sh - one file system, two programs: what either makes, mounts and stops, the other
# sees, uses and stops as its own.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091,SC2034 # peer.sh is in the sandbox
set -u
if [ "${1-}" != --inside ]; then
	if ! why=$(tests/peer/sandbox --check virsh loops); then
		echo "1..0 # SKIP $why"
		exit 0
	fi
	if [ ! -e "${B:-build}/modules/fs.so" ]; then
		echo '1..0 # SKIP pools of type fs are not in this build'
		exit 0
	fi
	exec tests/peer/sandbox --loops virsh sh /srv/peer/fs.sh --inside
fi
T=/srv/peer/tmp W=/srv/peer/w n=0 bad=0
. /srv/peer/peer.sh

dev=/dev/loop26
truncate -s 300M $W/a.img $W/b.img
losetup $dev $W/a.img
losetup /dev/loop27 $W/b.img
mounted() { grep -c " $W/$1 " /proc/self/mountinfo; }
# Everything there is to see of pool p, and of its volumes if it is active.
all_the_same() {
	theirs pool-refresh "$1" >$T/out	# it knows all of an image only then
	same pool-list --all
	same pool-list --all --details
	same pool-info "$1"
	same pool-dumpxml "$1"
	same vol-list "$1"
	same vol-list "$1" --details
	for v in v i; do
		same vol-info --pool "$1" --vol $v
		same vol-dumpxml --pool "$1" --vol $v
		same vol-path --pool "$1" --vol $v
	done
}

# make ours|theirs FORMAT
make() {
	by=$1 format=$2
	$by pool-define-as p fs --source-dev "$dev" --source-format "$format" --target "$W/p" &&
	$by pool-build p --overwrite && $by pool-start p &&
	$by vol-create-as p v 1M && $by vol-create-as p i 1G --format qcow2
}

for format in ext4 xfs; do
	if ! command -v mkfs.$format >/dev/null; then
		n=$((n + 1))
		echo "ok $n - $format # SKIP needs mkfs.$format"
		continue
	fi

	# ---- theirs, then ours ------------------------------------------------------------
	works "$format: libvirt makes, mounts and fills it" make theirs $format
	when="$format: libvirt runs"
	all_the_same p
	fails "$format: while it runs, barepool does not stop it" ours pool-destroy p
	theirs pool-dumpxml p >$T/out
	masked $T/out >$T/theirs
	peer-daemon stop
	ours pool-dumpxml p >$T/out
	masked $T/out >$T/ours
	equal "$format: after it, it is the same pool" $T/theirs $T/ours
	works "$format: a volume more" ours vol-create-as p w 1M
	fails "$format: built already, and active" ours pool-build p --no-overwrite
	works "$format: barepool stops it" ours pool-destroy p
	is 'it is not mounted' "$(mounted p)" 0
	fails "$format: built already" ours pool-build p --no-overwrite
	grep -q "already formatted using '$format'" $T/out
	is 'and it says so' $? 0
	peer-daemon start
	when="$format: stopped by barepool"
	same pool-list --all
	works "$format: libvirt starts it" theirs pool-start p
	same vol-list p
	works "$format: and stops it" theirs pool-destroy p
	peer-daemon stop
	is 'inactive' "$(ours -q pool-list --all | tr -s ' ')" ' p inactive no'
	works "$format: forgotten" ours pool-undefine p

	# ---- ours, then theirs ------------------------------------------------------------
	works "$format: barepool makes, mounts and fills it" make ours $format
	ours pool-dumpxml p >$T/out
	masked $T/out >$T/ours
	grep " $W/p " /proc/self/mounts >$T/mount
	peer-daemon start
	theirs pool-dumpxml p >$T/out
	masked $T/out >$T/theirs
	equal "$format: libvirt takes it as it is" $T/theirs $T/ours
	when="$format: barepool ran"
	all_the_same p
	works "$format: libvirt stops it" theirs pool-destroy p
	is 'it is not mounted' "$(mounted p)" 0
	works "$format: and starts it" theirs pool-start p
	grep " $W/p " /proc/self/mounts >$T/out
	equal 'with the same options' $T/mount $T/out
	same vol-list p
	works "$format: is done with it" theirs pool-destroy p
	works "$format: and forgets it" theirs pool-undefine p
	peer-daemon stop
	is 'nobody knows it' "$(ours -q pool-list --all)" ''
	peer-daemon start
done

# ---- mounted by somebody else -----------------------------------------------------------------

peer-daemon stop
works 'defined' ours pool-define-as p fs --source-dev $dev --source-format ext4 --target $W/p
works 'built' ours pool-build p --overwrite
mount $dev $W/p
is 'active for barepool' "$(ours -q pool-list | tr -s ' ')" ' p active no'
peer-daemon start
when='mounted by hand'
same pool-list --all
same pool-info p
same vol-list p
works 'libvirt stops it' theirs pool-destroy p
is 'it is not mounted' "$(mounted p)" 0
peer-daemon stop
is 'inactive for both' "$(ours -q pool-list)" ''
mount $dev $W/p
works 'barepool stops it' ours pool-destroy p
is 'it is not mounted' "$(mounted p)" 0
ours pool-undefine p >$T/out

# ---- options, what is ours, and a busy mount ----------------------------------------

cat >$T/def.xml <<END
<pool type='fs' xmlns:fs='http://libvirt.org/schemas/storagepool/fs/1.0'
 xmlns:barepool='urn:barepool:pool:1'>
<name>p</name><source><device path='$dev'/><format type='ext4'/></source>
<target><path>$W/p</path></target>
<fs:mount_opts><fs:option name='noatime'/><fs:option name='data=ordered'/>
<fs:option name='exec'/></fs:mount_opts>
<barepool:mkfs label='from_us'>
<barepool:option name='-m'/><barepool:option name='1'/>
</barepool:mkfs>
</pool>
END
works 'defined with options' ours pool-define $T/def.xml
works 'built' ours pool-start p --overwrite
is 'its label' "$(blkid -p -o value -s LABEL $dev)" from_us
grep " $W/p " /proc/self/mounts >$T/mount
ours pool-dumpxml p >$T/out
masked $T/out | sed -e 's/ xmlns:barepool=[^>]*//' -e '/<barepool:/,/<.barepool:/d' >$T/ours
peer-daemon start
theirs pool-dumpxml p >$T/out
masked $T/out >$T/theirs
equal 'libvirt takes the definition, but for what is ours' $T/theirs $T/ours
works 'and starts it again' theirs 'pool-destroy p; pool-start p'
grep " $W/p " /proc/self/mounts >$T/out
equal 'with the same options in the same order' $T/mount $T/out
(cd $W/p && exec sleep 60) &
fails 'busy: libvirt does not stop it' theirs pool-destroy p
peer-daemon stop
fails 'busy: nor does barepool' ours pool-destroy p
grep -q "in use by pid $! (sleep)" $T/out
is 'which says who' $? 0
kill $!
wait
works 'then it does' ours pool-destroy p
is 'it is not mounted' "$(mounted p)" 0
ours pool-undefine p >$T/out

# ---- one device, one pool -----------------------------------------------------------

works 'defined' ours pool-define-as p fs --source-dev $dev --source-format ext4 --target $W/p
peer-daemon start
fails 'one source: libvirt says no' theirs pool-define-as q fs --source-dev $dev \
	--source-format ext4 --target $W/q
cp $T/out $T/theirs
peer-daemon stop
fails 'and barepool' ours pool-define-as q fs --source-dev $dev --source-format ext4 \
	--target $W/q
equal 'in the same words' $T/theirs $T/out
losetup -d $dev
losetup -d /dev/loop27
echo "1..$n"
exit $bad
