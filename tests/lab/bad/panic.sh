#!/bin/sh
# panic.sh - a test under which the kernel dies; see lab/failures.sh.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
. tests/lab.sh
ok 'as far as here'
echo c >/proc/sysrq-trigger
done_testing
