#!/bin/sh
# output.sh - what cannot be written was not done.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
. tests/lib.sh

mkdir "$T/p"
works 'define' bp pool-define-as p dir --target "$T/p"
works 'start' bp pool-start p
works 'a volume' bp vol-create-as p v 4096

if [ -c /dev/full ]; then
	for c in 'pool-list' 'pool-info p' 'vol-list p --details' 'pool-dumpxml p' 'version' \
		'help' 'pool-list --format json' 'pool-uuid p' 'vol-download v /dev/full p' \
		'pool-refresh p'; do
		bp "$c" >/dev/full 2>"$T/out"
		is "a full disk: $c" $? 1
		has 'says so' "$T/out" 'No space left on device'
	done
	"$T/bin/barepool" --help >/dev/full 2>"$T/out"
	is 'a full disk: --help' $? 1
	echo 'pool-list' | bp >/dev/full 2>"$T/out"
	is 'a full disk: a session' $? 1
else
	skip 'a full disk' 'needs /dev/full'
fi

bp pool-list >&- 2>"$T/out"
is 'a closed standard output' "$?" 1
works 'is not taken for a file of ours' bp pool-info p
bp -q pool-refresh p >&- 2>"$T/out"
is 'nothing to say, nothing missing' $? 0
bp pool-info nope >"$T/out" 2>&-
is 'a closed standard error' $? 1
[ -s "$T/config/p.xml" ] && ! grep -q error "$T/config/p.xml"
is 'its words went nowhere' $? 0

bp -l "$T/log" pool-list >&- 2>"$T/out"
lacks 'nor is what should go to a closed standard output' "$T/log" 'Autostart'
bp -l "$T/log2" pool-info nope >"$T/out" 2>&-
is 'nor to a closed standard error' "$(grep -c nope "$T/log2")" "$(wc -l <"$T/log2")"

i=0
while [ $i -lt 2000 ]; do
	: >"$T/p/a-volume-with-a-longer-name-$i"
	i=$((i + 1))
done
bp vol-list p 2>"$T/out" | head -n 1 >"$T/first"
is 'a reader that has seen enough' "$(cat "$T/first" "$T/out" | sed 's/ *$//')" \
	' Name                               Path'

done_testing
