#!/bin/sh
# transcripts.sh - play what was recorded of virsh 9.0 with barepool under its name.
# SPDX-License-Identifier: LGPL-2.1-or-later
set -u
who=${1:-barepool}
if ! why=$(tests/peer/sandbox --check "$who"); then
	echo "1..0 # SKIP $why"
	exit 0
fi
for tool in bash qemu-img mkfs.ext4 chattr; do
	command -v $tool >/dev/null || { echo "1..0 # SKIP needs $tool"; exit 0; }
done
if [ "$who" = barepool ] && [ ! -e "${B:-build}/modules/fs.so" ]; then
	echo '1..0 # SKIP pools of type fs are not in this build (they need libmount and libblkid)'
	exit 0
fi
cases='*.txt' mode=
if [ "$who" = virsh ]; then
	# Group 18 was recorded with the modules of all pool types.
	cases='0*.txt 10*.txt 13*.txt 15*.txt 17*.txt' mode=--peer
fi
exec tests/peer/sandbox "$who" sh -c "
	cd /srv/peer/transcripts && exec replay $mode /srv/peer/differences $cases"
