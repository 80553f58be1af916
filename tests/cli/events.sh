#!/bin/sh
# events.sh - pool-event: what any program does to pools is told.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
. tests/lib.sh

mkdir "$T/p"
works 'define' bp pool-define-as p dir --target "$T/p"
works 'define another' bp pool-define-as q dir --target "$T/q"

says 'types' bp pool-event --list <<END
lifecycle
refresh

END
says 'neither list nor type' bp pool-event <<END
error: either --list or --event <type> is required

[1]
END
says 'a type nobody knows' bp pool-event --event nosuch <<END
error: unknown event type nosuch

[1]
END
for t in 0 -1 abc 9999999999 2147484; do
	says "a timeout of $t" vs pool-event --event lifecycle --timeout $t <<END
error: Numeric value '$t' for <timeout> option is malformed or out of range

[1]
END
done
says 'a pool nobody has' vs pool-event --pool nope --event lifecycle --timeout 1 <<END
error: failed to get pool 'nope'
error: Storage pool not found: no storage pool with matching name 'nope'

[1]
END
says 'nothing happens' bp pool-event --event lifecycle --timeout 1 <<END
event loop timed out
events received: 0

[1]
END

# watch FILE OPTIONS...: in the background, until it has begun to watch.
watch() {
	out=$1
	shift
	: >"$out"
	"$T/bin/barepool" -q "$@" >"$out" 2>&1 &
	watcher=$!
	until_true sh -c "ls -l /proc/$watcher/fd | grep -q inotify"
}
# It has seen N events.
seen() { [ "$(grep -c . "$out")" -ge "$1" ]; }
life() {
	for c in 'pool-start q --build' 'pool-refresh q' 'pool-destroy q' 'pool-delete q'; do
		bp -q "$c" || return 1
	done
}

watch "$T/life" pool-event --event lifecycle --loop
works 'a life' life
until_true seen 3
kill -INT $watcher
wait $watcher
is 'it ends with success if anything happened' $? 0
is 'all of a life' "$(cat "$T/life")" "event 'lifecycle' for storage pool q: Started
event 'lifecycle' for storage pool q: Stopped
event 'lifecycle' for storage pool q: Deleted
event loop interrupted
events received: 3"

watch "$T/refresh" pool-event --event refresh --loop --timestamp
works 'a life' life
until_true seen 1
kill -TERM $watcher
wait $watcher
sed 's/^[0-9]\{4\}-[0-9-]* [0-9:.]*+0000: /T /' "$T/refresh" >"$T/refresh2"
is 'refresh is another type, with its time' "$(cat "$T/refresh2")" \
	"T event 'refresh' for storage pool q
event loop interrupted
events received: 1"

watch "$T/once" pool-event --event lifecycle --pool p
works 'a life of another pool' life
works 'something about the pool' bp pool-start p
wait $watcher
is 'one is enough' $? 0
is 'of the pool asked for' "$(cat "$T/once")" "event 'lifecycle' for storage pool p: Started
events received: 1"

watch "$T/json" --format json pool-event --event lifecycle --loop
works 'something' bp pool-destroy p
until_true seen 1
kill -INT $watcher
wait $watcher
sed 's/"time": "[^"]*"/"time": "T"/' "$T/json" >"$T/json2"
is 'an object a line' "$(cat "$T/json2")" \
	'{"time": "T", "event": "lifecycle", "pool": "p", "kind": "stopped"}'

done_testing
