#!/bin/sh
# fails.sh - a test that fails; see lab/failures.sh.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
. tests/lab.sh
ok 'as far as here'
nok 'and this is not'
ok 'this is'
done_testing
