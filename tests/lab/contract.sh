#!/bin/sh
# contract.sh - what every pool type promises, with real disks below those that need some.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
# lab: build=tests/contract/contract
# lab: disk=virtio:512M disk=scsi:512M:4096 disk=nvme:512M:4096 disk=usb:512M
. tests/lab.sh

n_disk=0
for kind in virtio scsi nvme usb; do
	n_disk=$((n_disk + 1))
	part $kind env DISKS="$(disk $n_disk)" build/tests/contract/contract
done
done_testing
