#!/bin/sh
# netfs_promises.sh - what every pool type promises, kept by shares that are not mounted.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091,SC2013,SC2154 # tests are run from the top
. tests/nfs.sh

[ -x "$B/tests/contract/contract" ] || no 'needs the test programs (make test_programs)'
export_dir pool
serve
export TEST_NFS="$srv/pool"
for TEST_NFS_VERSION in 3 4; do
	export TEST_NFS_VERSION
	# by version 4 libnfs 4.0 forgets to free its own name for itself
	[ $TEST_NFS_VERSION = 3 ] ||
		export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0"
	for program in contract layers; do
		for promise in $(sed -n 's/^PROMISE(\([a-z_]*\))$/\1/p' \
				tests/contract/$program.c); do
			works "$promise, by version $TEST_NFS_VERSION" \
				"$B/tests/contract/$program" "netfs_$promise"
			lacks 'by a running pool' "$T/out" '# SKIP'
		done
	done
done
works 'there were some' [ "$n" -gt 40 ]
done_testing
