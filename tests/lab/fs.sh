#!/bin/sh
# fs.sh - pools of type fs on real disks: virtio, SCSI with large sectors, NVMe.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
# lab: file=tests/cli/fs.sh limit=500
# lab: disk=virtio:64M disk=virtio:320M disk=scsi:64M:4096 disk=scsi:320M:4096
# lab: disk=nvme:64M disk=nvme:320M:4096
. tests/lab.sh

for kind in virtio:1:2 scsi:3:4 nvme:5:6; do
	IFS=: read -r name one two <<-END
	$kind
	END
	part "$name" env DISKS="$(disk "$one") $(disk "$two")" sh tests/cli/fs.sh
done
done_testing
