#!/bin/sh
# demo.sh - the demonstration goes to its end, for whoever runs it, and leaves nothing behind.
# SPDX-License-Identifier: LGPL-2.1-or-later
set -u
unset MAKEFLAGS MFLAGS
dir=$(mktemp -d /tmp/demo.XXXXXX) || exit 1	# where anybody may look
trap 'rm -rf "$dir"' EXIT
chmod 755 "$dir"
bad=0

# demo NAME COMMAND...: in an empty temporary directory, which is empty afterwards.
demo() {
	name=$1
	shift
	mkdir -m 1777 "$dir/tmp"
	if TMPDIR=$dir/tmp "$@" scripts/demo --no-install >"$dir/out" 2>&1 &&
		grep -q 'nothing is left' "$dir/out" && [ -z "$(ls -A "$dir/tmp")" ]; then
		echo "ok $n - $name"
	else
		sed 's/^/# /' "$dir/out"
		find "$dir/tmp" | sed 's/^/# left: /'
		echo "not ok $n - $name"
		bad=1
	fi
	rm -rf "$dir/tmp"
}
n=1
demo 'it works' env
n=2
if [ "$(id -u)" -ne 0 ]; then
	echo "ok $n - as an ordinary user # SKIP this one is"
elif ! command -v runuser >/dev/null; then
	echo "ok $n - as an ordinary user # SKIP needs runuser"
elif ! runuser -u nobody -- test -r scripts/demo; then
	echo "ok $n - as an ordinary user # SKIP nobody can read this directory"
else
	demo 'as an ordinary user' runuser -u nobody -- env TMPDIR="$dir/tmp"
fi
echo "1..$n"
exit $bad
