# alone.sh - for tests that mount: what is mounted is seen nowhere else, and ends with them.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
#
#	tools='mkfs.ext4 blkid'		# that are needed, too
#	. tests/alone.sh		# first of all: the test begins once more
no() { echo "1..0 # SKIP $1"; exit 0; }

if [ "${ALONE-}" != yes ]; then
	[ "$(id -u)" -eq 0 ] || no 'needs root'
	[ -e /dev/loop-control ] || no 'needs loop devices'
	for tool in unshare losetup $tools; do
		command -v "$tool" >/dev/null || no "needs $tool"
	done
	ALONE=yes exec unshare --mount --propagation private sh "$0" "$@"
fi
