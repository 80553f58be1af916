#!/bin/sh
# contract.sh - what every pool type promises, with real disks below those that need some.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
# lab: build=tests/contract/contract
# lab: disk=virtio:512M disk=virtio:512M disk=scsi:512M:4096 disk=scsi:512M:4096
# lab: disk=nvme:512M:4096 disk=nvme:512M disk=usb:512M disk=usb:512M
. tests/lab.sh

for kind in virtio:1:2 scsi:3:4 nvme:5:6 usb:7:8; do
	IFS=: read -r name one two <<-END
	$kind
	END
	part "$name" env DISKS="$(disk "$one") $(disk "$two")" build/tests/contract/contract
done
done_testing
