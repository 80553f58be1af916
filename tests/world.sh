# world.sh - for tests with servers: root in a world of the test's own, with a network,
# processes and mounts that end with it.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
#
#	tools='rpcbind ganesha.nfsd'	# that are needed, too
#	. tests/world.sh		# first of all: the test begins once more
no() { echo "1..0 # SKIP $1"; exit 0; }

if [ "${ALONE-}" != yes ]; then
	PATH=$PATH:/usr/sbin:/sbin
	[ "$(id -u)" -eq 0 ] || no 'needs root'
	for tool in unshare ip $tools; do
		command -v "$tool" >/dev/null || no "needs $tool"
	done
	unshare --net --pid --fork --mount-proc true 2>/dev/null || no 'needs namespaces'
	ALONE=yes exec unshare --net --mount --pid --fork --kill-child --propagation private \
		--mount-proc sh "$0" "$@"
fi
ip link set lo up
