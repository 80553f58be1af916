#!/bin/sh
# disk.sh - one disk, two programs: tables and partitions that either makes are the other's, too.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091,SC2034 # peer.sh is in the sandbox
set -u
if [ "${1-}" != --inside ]; then
	if ! why=$(tests/peer/sandbox --check virsh loops); then
		echo "1..0 # SKIP $why"
		exit 0
	fi
	if [ ! -e "${B:-build}/modules/disk.so" ]; then
		echo '1..0 # SKIP pools of type disk are not in this build'
		exit 0
	fi
	command -v parted >/dev/null || { echo '1..0 # SKIP needs parted'; exit 0; }
	exec tests/peer/sandbox --loops virsh sh /srv/peer/disk.sh --inside
fi
T=/srv/peer/tmp W=/srv/peer/w n=0 bad=0
. /srv/peer/peer.sh

dev=/dev/loop26 disk=loop26
truncate -s 512M $W/a.img
losetup $dev $W/a.img
table() { sfdisk --dump $dev | sed '/^label-id/d'; }
# What both must say; where what is free begins they count differently.
all_the_same() {
	theirs pool-refresh p >$T/out
	same vol-list p
	same vol-list p --details
	for v; do
		same vol-info --pool p --vol "$v" --bytes
		same vol-path --pool p --vol "$v"
		same vol-key --pool p --vol "$v"
	done
}

peer-daemon stop
for format in gpt dos; do
	# ---- ours, then theirs ------------------------------------------------------------
	works "$format: define" ours pool-define-as p disk --source-dev $dev \
		--source-format $format --target /dev
	works "$format: barepool builds" ours pool-build p --overwrite
	works "$format: starts" ours pool-start p
	for i in 1 2 3; do works "$format: makes $i" ours vol-create-as p ${disk}p$i 20M; done
	[ $format = gpt ] || works 'an extended one' ours vol-create-as p ${disk}p4 100M \
		--format extended
	[ $format = gpt ] || works 'a logical one' ours vol-create-as p ${disk}p5 20M
	table >$T/table
	peer-daemon start
	when="$format: barepool's"
	all_the_same ${disk}p1 ${disk}p3
	works "$format: libvirt uses it" theirs vol-upload ${disk}p2 /bin/true p
	cmp -n 1000 /bin/true ${dev}p2 >$T/out 2>&1
	is 'what it wrote is there' $? 0
	works "$format: stops it" theirs pool-destroy p
	works "$format: and starts it" theirs pool-start p
	table >$T/now
	equal 'the table is as it was' $T/table $T/now
	works "$format: stops it again" theirs pool-destroy p
	fails "$format: libvirt does not build over it" theirs pool-build p --no-overwrite
	cp $T/out $T/theirs
	peer-daemon stop
	fails "$format: nor does barepool" ours pool-build p --no-overwrite
	equal 'in the same words' $T/theirs $T/out
	works "$format: forget" ours pool-undefine p

	# ---- theirs, then ours ------------------------------------------------------------
	peer-daemon start
	works "$format: libvirt defines" theirs pool-define-as p disk --source-dev $dev \
		--source-format $format --target /dev
	works "$format: builds" theirs pool-build p --overwrite
	# as it makes volumes
	works "$format: parted makes one" parted -s $dev mkpart primary ext2 17408B 20988927B
	works "$format: and another" parted -s $dev mkpart primary ext2 20988928B 41960447B
	peer-daemon stop
	works "$format: barepool starts what libvirt has built" ours pool-start p
	is 'with its volumes' "$(ours -q vol-list p | grep -c .)" 2
	peer-daemon start
	when="$format: libvirt's"
	all_the_same ${disk}p1 ${disk}p2
	peer-daemon stop
	works "$format: barepool deletes one" ours vol-delete ${disk}p1 p
	works "$format: makes one in its place" ours vol-create-as p ${disk}p1 10M
	works "$format: makes another" ours vol-create-as p ${disk}p3 10M
	works "$format: resizes it" ours vol-resize ${disk}p3 20M p
	peer-daemon start
	when="$format: both"
	all_the_same ${disk}p1 ${disk}p2 ${disk}p3
	peer-daemon stop
	works 'parted finds nothing wrong' parted -s $dev print
	works 'nor does sfdisk' sfdisk --quiet --verify $dev
	works "$format: stop" ours pool-destroy p
	works "$format: forget" ours pool-undefine p
done
losetup -d $dev
echo "1..$n"
exit $bad
