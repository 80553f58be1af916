#!/bin/sh
# logical_promises.sh - what every pool type promises, kept by volume groups.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091,SC2013,SC2154 # tests are run from the top
# lab: build=tests/contract/contract file=tests/contract/contract.c
# lab: build=tests/contract/snapshots file=tests/contract/snapshots.c
# lab: disk=virtio:512M limit=900
. tests/lab.sh

needs lvm 'needs lvm2'
loads dm-mod dm-snapshot
TEST_LVM=yes DISKS=$(disk 1)
export TEST_LVM DISKS
promises() { # PROGRAM TYPE
	for promise in $(sed -n 's/^PROMISE(\([a-z_]*\))$/\1/p' "tests/contract/$1.c"); do
		works "$promise" "build/tests/contract/$1" "$2_$promise"
		# each begins with an empty device
		vgremove -qq -f contract 2>/dev/null
		pvremove -qq -y "$DISKS" 2>/dev/null
	done
}
promises contract logical
works 'there were some' [ "$n" -gt 10 ]
if command -v thin_check >/dev/null && modprobe dm-thin-pool; then
	promises snapshots thin
	works 'and some of snapshots' [ "$n" -gt 25 ]
else
	skip 'snapshots' 'needs thin-provisioning-tools and dm-thin-pool'
fi
done_testing
