#!/bin/sh
# parts.sh - many who make volumes that need a name meanwhile, and some who are killed.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
. tests/lib.sh
: >"$T/told"
mkdir "$T/p"
bp pool-create-as p dir --target "$T/p" >"$T/out"
named=$B/tests/tools/notmpfile
$named true 2>"$T/out" || { echo '1..0 # SKIP needs seccomp'; exit 0; }
parts() { find "$T/p" -name '.barepool-*'; }
vols() { find "$T/p" -mindepth 1 "$@" | wc -l; }

makers() { # NUMBER
	pids=
	for i in $(seq "$1"); do
		"$T/bin/barepool" -q vol-create-as p "d$i" 0 --format dir --mode 0751 2>>"$T/told" &
		pids="$pids $!"
		$named "$T/bin/barepool" -q vol-create-as p "f$i" 64k --mode 0640 2>>"$T/told" &
		pids="$pids $!"
	done
}

for round in 1 2 3; do
	makers 40
	wait
	is "round $round: nobody is in another's way" "$(cat "$T/told")" ''
	is '... all directories are there' "$(vols -type d -perm 751)" 40
	is '... all files are' "$(vols -type f -perm 640 -size 64k)" 40
	is '... and nothing else' "$(vols)" 80
	rm -rf "$T/p"/*
done

for round in 1 2 3; do
	makers 40
	# shellcheck disable=SC2086 # words
	kill -9 $pids 2>"$T/out"
	wait
	works "round $round: the next change" bp vol-create-as p next 0
	is '... leaves no part' "$(parts)" ''
	is '... and every directory has its rights' "$(vols -type d ! -perm 751)" 0
	is '... and every file its rights and size' "$(vols -type f ! -name next \
		! \( -perm 640 -size 64k \))" 0
	rm -rf "$T/p"/*
done
done_testing
