#!/bin/sh
# reset.sh - a test under which the machine starts anew; see lab/failures.sh.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
. tests/lab.sh
ok 'as far as here'
monitor system_reset
cat </dev/lab-monitor >/dev/null
done_testing
