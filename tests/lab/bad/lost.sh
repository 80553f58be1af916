#!/bin/sh
# lost.sh - a test of which a line does not come out of the machine; see lab/failures.sh.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
. tests/lab.sh
ok 'as far as here'
ok 'and this' >/dev/null
ok 'this is'
done_testing
