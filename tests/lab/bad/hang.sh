#!/bin/sh
# hang.sh - a test that does not end; see lab/failures.sh.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
# lab: limit=25
. tests/lab.sh
ok 'as far as here'
cat </dev/lab-monitor >/dev/null
done_testing
