#!/bin/sh
# failures.sh - what goes wrong in the lab is seen: a panic, a hang, a reset, a test that fails.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
# lab: host
. tests/lib.sh
unset LAB_OUT LAB_CUTS
LAB=${LAB:-$B/lab}
export LAB

# in_lab NAME STATUS: it ends with that; what it says is in $T/out.
in_lab() {
	tests/lab/run "lab/bad/$1" >"$T/out" 2>&1
	status=$?
	# Where there is no lab there is nothing to be seen.
	if grep -q '^1\.\.0 # SKIP' "$T/out"; then cat "$T/out"; exit 0; fi
	is "$1" $status "$2"
}
in_lab panic 125
has 'is bad' "$T/out" 'Bail out! the machine ended by itself (0)'
has 'what came before is there' "$T/out" 'ok 1 - as far as here'
has 'and what the kernel said' "$T/out" 'Kernel panic'
in_lab reset 125
has 'is bad' "$T/out" 'Bail out! the machine ended by itself (0)'
in_lab hang 125
has 'is bad' "$T/out" 'Bail out! took longer than 25 s'
in_lab lost 125
has 'is bad' "$T/out" 'Bail out! lines are lost: 3 tests were planned, 2 came'
has 'and the console is shown' "$T/out" ' free'
# Where KVM is there and hangs, that is noticed, and the test is run all the same.
LAB_ACCEL=kvm
export LAB_ACCEL
in_lab fails 1
has 'is bad' "$T/out" 'not ok 2 - and this is not'
has 'to its end' "$T/out" '1..3'
done_testing
