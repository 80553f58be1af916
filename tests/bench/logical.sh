#!/bin/sh
# logical.sh - tests/bench/run logical: volume groups, beside libvirtd, in the lab.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
# lab: disk=virtio:8G disk=virtio:512M with=libvirt clock=instructions limit=1500 memory=768
# lab: file=tests/bench/measure file=tests/bench/logical.part file=tests/peer/bin/peer-daemon
# lab: build=tests/tools/timing
. tests/lab.sh
PATH=$PWD/build/tests/tools:$PATH
both=alone
if command -v libvirtd >/dev/null; then
	both=both LIBVIRT_DEFAULT_URI=storage:///system
	export LIBVIRT_DEFAULT_URI
	mkdir -p /srv/peer
	tests/peer/bin/peer-daemon start || both=alone
fi
DISKS="$(disk 1) $(disk 2)"
export DISKS
exec sh tests/bench/measure $both logical
