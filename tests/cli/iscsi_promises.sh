#!/bin/sh
# iscsi_promises.sh - what every pool type promises, kept by iSCSI targets.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091,SC2013,SC2154 # tests are run from the top
. tests/iscsi.sh

[ -x "$B/tests/contract/contract" ] || no 'needs the test programs (make test_programs)'
serve
target 1 "$IQN"
lun 1 1 d1 16M
export TEST_ISCSI="$IQN"
for promise in $(sed -n 's/^PROMISE(\([a-z_]*\))$/\1/p' tests/contract/contract.c); do
	works "$promise" "$B/tests/contract/contract" "iscsi_direct_$promise"
	lacks 'by a running pool' "$T/out" '# SKIP'
done
works 'there were some' [ "$n" -gt 20 ]
done_testing
