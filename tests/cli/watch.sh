#!/bin/sh
# watch.sh - watch: every change of pools and volumes, once, in order, and when it is complete.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
. tests/lib.sh

# begin ARGUMENTS...: in the background, until it watches; its lines come on 3.  What is
# there for a moment only need not be told, so lines are read before the next step.
begin() {
	rm -f "$T/lines"
	mkfifo "$T/lines"
	"$T/bin/barepool" watch "$@" >"$T/lines" 2>&1 &
	watcher=$!
	exec 3<"$T/lines"
	read -r line <&3
}
# tells NAME LINE...: these come next.
tells() {
	name=$1 got='' want=''
	shift
	for wanted; do
		read -r line <&3 || line='(the end)'
		got="$got$line; " want="$want$wanted; "
	done
	is "$name" "$got" "$want"
}
# ended NAME STATUS: it has, with that, and without another line.
ended() {
	wait $watcher
	is "$1" "$?:$(cat <&3)" "$2:"
	exec 3<&-
}

mkdir "$T/p" "$T/q"
: >"$T/p/old"

begin
is 'it says when it has begun' "$line" Watching
bp -q pool-define-as p dir --target "$T/p"
bp -q pool-autostart p
bp -q pool-start p
tells 'a pool that comes' 'Pool p defined' 'Pool p marked as autostarted' 'Pool p started'
bp -q vol-create-as p raw 1M --allocation 0
bp -q vol-create-as p image 1M --format qcow2
bp -q vol-clone image copy p
tells 'volumes of ours, each once' 'Vol raw created in pool p' 'Vol image created in pool p' \
	'Vol copy created in pool p'
echo data | bp -q vol-upload raw /dev/stdin p
bp -q vol-resize image 2M p
bp -q vol-delete copy p
tells 'what is done to them' 'Vol raw changed in pool p' 'Vol image changed in pool p' \
	'Vol copy deleted from pool p'
chmod 640 "$T/p/old"
tells 'rights' 'Vol old changed in pool p'
ln "$T/p/old" "$T/p/link"
tells 'a link' 'Vol link created in pool p'
mv "$T/p/link" "$T/p/moved"
tells 'another name' 'Vol link deleted from pool p' 'Vol moved created in pool p'
mv "$T/p/moved" "$T/p/raw"
tells 'a name that is taken' 'Vol moved deleted from pool p' 'Vol raw changed in pool p'
mkdir "$T/p/dir"
mv "$T/p/raw" "$T/raw"
tells 'what comes and goes' 'Vol dir created in pool p' 'Vol raw deleted from pool p'

exec 4>"$T/p/slow"
echo half >&4
bp -q vol-create-as p quick 1M --allocation 0
echo whole >&4
exec 4>&-
tells 'a volume in the making is told when it is complete' 'Vol quick created in pool p' \
	'Vol slow created in pool p'
exec 4>>"$T/p/slow"
for i in 1 2 3; do echo $i >&4; done
exec 4>&-
rm "$T/p/quick"
tells 'a long write is told once' 'Vol slow changed in pool p' 'Vol quick deleted from pool p'
mkfifo "$T/p/fifo"
: >"$T/p/.barepool-1.part"
mv "$T/p/.barepool-1.part" "$T/p/.barepool-2.part"
rm "$T/p/fifo" "$T/p/.barepool-2.part"
: >"$T/p/#1"
tells 'what is no volume is not told' 'Vol #1 created in pool p'
: >"$T/p/$(printf 'a\033[1m\nb')"
tells 'names are shown escaped' 'Vol a\x1b[1m\x0ab created in pool p'

bp -q pool-destroy p
: >"$T/p/unseen"
bp -q pool-define-as q dir --target "$T/q"
bp -q pool-start q
tells 'a pool that stops, and one that starts' 'Pool p stopped' 'Pool q defined' \
	'Pool q started'
: >"$T/q/seen"
bp -q pool-start p
tells 'only active ones are watched' 'Vol seen created in pool q' 'Pool p started'
rm "$T/p/unseen"
tells 'what was there before the start' 'Vol unseen deleted from pool p'
mv "$T/q" "$T/gone"
tells 'a target that goes' 'Pool q has lost its target'
mkdir "$T/q"
tells 'and another that comes' 'Pool q has its target again'
: >"$T/q/new"
tells 'is watched' 'Vol new created in pool q'
rm -r "$T/q"
tells 'one that is removed' 'Vol new deleted from pool q' 'Pool q has lost its target'
mv "$T/gone" "$T/q"
tells 'is back under its name' 'Pool q has its target again'
rm "$T/q/seen"
tells 'with what is in it' 'Vol seen deleted from pool q'
bp -q pool-define-as deep dir --target "$T/deep/er/est"
bp -q pool-start deep --build
tells 'a target somewhere deep' 'Pool deep defined' 'Pool deep started'
mv "$T/deep" "$T/aside"
rm -r "$T/aside"
tells 'of which a part is moved, and all removed' 'Pool deep has lost its target'
: >"$T/deep"
rm "$T/deep"
mkdir "$T/deep"
mkdir "$T/deep/er"
rmdir "$T/deep/er"
mkdir -p "$T/deep/er/est"
tells 'is back when all of it is' 'Pool deep has its target again'
mkdir "$T/deep/er/est/vol"
tells 'and watched' 'Vol vol created in pool deep'
bp -q 'pool-destroy deep; pool-undefine deep'
tells 'until it stops' 'Pool deep stopped' 'Pool deep undefined'
bp -q 'pool-destroy q; pool-undefine q; pool-autostart p --disable'
tells 'pools that go' 'Pool q stopped' 'Pool q undefined' 'Pool p unmarked as autostarted'
kill -INT $watcher
ended 'interrupted, it ends well' 0

bp -q "pool-define-as q dir --target $T/q; pool-start q"
begin --pool q --timestamp --count 2
: >"$T/p/of-p"
bp -q 'pool-refresh p; pool-refresh q'
: >"$T/q/of-q"
sed 's/^[0-9]\{4\}-[0-9-]* [0-9:.]*+0000: /T /' <&3 >"$T/timed"
wait $watcher
is 'enough is enough' $? 0
is 'of one pool, with the time' "$(cat "$T/timed")" 'T Pool q refreshed
T Vol of-q created in pool q'

begin --format json --count 4
rm "$T/q/of-q"
odd=$(printf 'a\377b')
: >"$T/q/$odd"
read -r deleted <&3
read -r created <&3
bp -q 'pool-destroy q; pool-undefine q'
{ printf '%s\n' "$line" "$deleted" "$created"; cat <&3; } |
	sed 's/"time": "[^"]*"/"time": "T"/' >"$T/json"
wait $watcher
is 'objects' "$(cat "$T/json")" '{"time": "T", "kind": "watching", "pool": null, "volume": null}
{"time": "T", "kind": "deleted", "pool": "q", "volume": "of-q"}
{"time": "T", "kind": "created", "pool": "q", "volume": "a\ufffdb", "volume_base64": "Yf9i"}
{"time": "T", "kind": "stopped", "pool": "q", "volume": null}
{"time": "T", "kind": "undefined", "pool": "q", "volume": null}'

says 'a timeout is an end, also for a reader' bp -r watch --timeout 1 <<END
Watching
END
says 'but not what was waited for' bp watch --timeout 1 --count 1 <<END
Watching
[1]
END

# A file system that goes, in a world of its own.
if [ "$(id -u)" -eq 0 ] && unshare -m true 2>/dev/null; then
	mkdir "$T/m"
	mkfifo "$T/mounted"
	cat >"$T/unmount" <<'END'
mount -t tmpfs none "$T/m" && barepool -q pool-create-as m dir --target "$T/m" || exit
barepool watch --count 1 >"$T/mounted" &
exec 3<"$T/mounted"
read -r line <&3
umount "$T/m"
cat <&3
END
	export T
	says 'a target that is unmounted' env PATH="$T/bin:$PATH" unshare -m sh "$T/unmount" <<END
Pool m has lost its target
END
	works 'and the pool with it' bp pool-destroy m
else
	skip 'a target that is unmounted' 'needs root and mount namespaces'
fi

says 'a pool nobody has' bp -q watch nope <<END
error: failed to get pool 'nope'
error: Storage pool not found: no storage pool with matching name 'nope'
hint: the only pool is 'p'
[1]
END
says 'no time at all' bp -q watch --timeout 0 <<END
error: Numeric value '0' for <timeout> option is malformed or out of range
[1]
END
says 'nothing at all' bp -q watch --count 0 <<END
error: --count must be 1 or more
[1]
END
says 'under the other name there is no such command' vs watch <<END
error: unknown command: 'watch'
[1]
END

done_testing
