#!/bin/sh
# disk.sh - pools of type disk on an NVMe disk, under a kernel that reads partition tables itself.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
# lab: file=tests/cli/disk.sh disk=nvme:512M memory=768
. tests/lab.sh

part nvme env DISK="$(disk 1)" sh tests/cli/disk.sh
done_testing
