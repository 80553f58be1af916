#!/bin/sh
# transcripts.sh - play what was recorded of virsh 9.0 with barepool under its name.
#
#	transcripts.sh [barepool|virsh [loops]]		loops: the groups that need loop devices
# SPDX-License-Identifier: LGPL-2.1-or-later
set -u
who=${1:-barepool} loops=${2-}
if ! why=$(tests/peer/sandbox --check "$who" "$loops"); then
	echo "1..0 # SKIP $why"
	exit 0
fi
for tool in bash qemu-img mkfs.ext4 chattr; do
	command -v $tool >/dev/null || { echo "1..0 # SKIP needs $tool"; exit 0; }
done
for type in fs disk; do
	if [ "$who" = barepool ] && [ ! -e "${B:-build}/modules/$type.so" ]; then
		echo "1..0 # SKIP pools of type $type are not in this build"
		exit 0
	fi
done
case $who$loops in
barepoolloops)	cases='11-*.txt 12-*.txt' ;;
# Group 12 was recorded with somebody who made the nodes of partitions.
virshloops)	cases='11-*.txt' ;;
barepool)	cases='0*.txt 10*.txt 1[3-9]*.txt' ;;
# Group 18 was recorded with the modules of all pool types.
virsh)		cases='0*.txt 10*.txt 13*.txt 15*.txt 17*.txt' ;;
esac
mode=
[ "$who" = barepool ] || mode=--peer
exec tests/peer/sandbox ${loops:+--loops} "$who" sh -c "
	cd /srv/peer/transcripts && exec replay $mode /srv/peer/differences $cases"
