#!/bin/sh
# races.sh - 200 processes at the same pools and volumes: one winner each, nothing lost.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
. tests/lib.sh

racers=0

# One process of a race, with its own number for %n.  What it says is kept in a file
# whose name has the command and the status.
racer() {
	me=$1
	shift
	for word; do
		shift
		case $word in *%n) word=${word%\%n}$me ;; esac
		set -- "$@" "$word"
	done
	read -r _ <&9
	"$T/bin/barepool" -q "$@" >"$T/race/$me" 2>&1 9<&-
	mv "$T/race/$me" "$T/race/$me.$1.$?"
}

# begin COUNT WORDS...: so many processes more for the race that run starts.
begin() {
	if [ $racers -eq 0 ]; then
		rm -rf "$T/race"
		mkdir "$T/race"
		mkfifo "$T/race/gate"
		exec 9<>"$T/race/gate"
	fi
	count=$1
	shift
	while [ "$count" -gt 0 ]; do
		count=$((count - 1)) racers=$((racers + 1))
		racer $racers "$@" &
	done
}

run() {
	yes '' | head -n $racers >&9
	wait
	exec 9<&-
	racers=0
}

# won NAME COMMAND COUNT: so many of that command succeeded, none ended but with 0 or 1.
won() {
	find "$T/race" -name "*.$2.*" ! -name '*.[01]' | sed 's/^/# ended otherwise: /'
	is "$1" "$(find "$T/race" -name "*.$2.0" | wc -l) $(find "$T/race" -name "*.$2.*" \
		! -name '*.[01]' | wc -l)" "$3 0"
}

# lost NAME COMMAND <<END: this, and no more, was said by those that failed.
lost() {
	name=$1
	cat >"$T/want"
	find "$T/race" -name "*.$2.1" -exec cat {} + | sed "/^hint: /d; /^error: [Ff]ailed to/d
		s|$T|\$T|g; s/uuid [-0-9a-f]*/X/; s/pid [0-9]* (barepool)/N/" | sort -u >"$T/got"
	if diff -u "$T/want" "$T/got" >"$T/out"; then ok "$name"; else show; nok "$name"; fi
}

# at_most NAME COMMAND <<END: the same, but not all of it needs to have been said.
at_most() {
	cat >"$T/may"
	find "$T/race" -name "*.$2.1" -exec cat {} + >"$T/all"
	grep -vE -e '^hint: |^error: [Ff]ailed to' "$T/all" | grep -vF -f "$T/may" >"$T/out"
	is "$1" "$(sort -u "$T/out")" ''
}

# whole NAME COMMAND TEXT: each of the lists is there, and has a line with the text.
whole() {
	is "$1" "$(find "$T/race" -name "*.$2.*" ! -name '*.0' | wc -l) $(grep -L -e "$3" \
		"$T/race"/*."$2".0 | wc -l)" '0 0'
}

# ---- the life of a pool

mkdir "$T/p"
begin 200 pool-define-as p dir --target "$T/p"
run
won 'of 200 definitions one wins' pool-define-as 1
lost 'the others say why' pool-define-as <<'END'
error: operation failed: pool 'p' already exists with X
END
begin 100 pool-define-as a%n dir --target "$T/a%n"
begin 100 pool-define-as b%n dir --target "$T/p"
begin 50 pool-list --all
run
won 'none takes the place of another' pool-define-as 100
whole 'meanwhile, each list has what was there' pool-list '^ p  '
is 'no definition is lost' "$(bp -q pool-list --all --name | grep -c '^a')" 100
bp pool-dumpxml a1 >"$T/a1.xml"
begin 99 pool-undefine a%n
begin 50 pool-define "$T/a1.xml"
begin 50 pool-undefine a1
begin 50 pool-info a1
begin 50 pool-dumpxml a1 --inactive
begin 50 pool-list --all
run
won 'a definition can be made anew' pool-define 50
whole 'while others are forgotten' pool-list '^ p  '
for command in pool-undefine pool-info pool-dumpxml; do
	at_most "$command of what may have gone" $command <<-'END'
		no storage pool with matching name 'a1'
	END
done
bp -q pool-undefine a1 >"$T/out" 2>&1
bp -q pool-undefine a100 >"$T/out" 2>&1
is 'no other is left' "$(bp -q pool-list --all --name)" "$(printf '%-20s' p)"

begin 200 pool-start p
run
won 'of 200 starts one wins' pool-start 1
lost 'the others say why' pool-start <<'END'
error: Requested operation is not valid: storage pool 'p' is already active
END
begin 40 pool-destroy p
begin 40 pool-start p
begin 40 pool-autostart p
begin 40 pool-list --all
begin 40 pool-info p
run
won 'autostart does not mind' pool-autostart 40
whole 'nor do lists' pool-list '^ p   *\(in\)\{0,1\}active  '
whole 'nor looks' pool-info '^State:  *\(inactive\|running\|building\)$'
at_most 'stopping' pool-destroy <<'END'
storage pool 'p' is not active
END
at_most 'starting' pool-start <<'END'
storage pool 'p' is already active
END
bp pool-start p >"$T/out" 2>&1

# ---- volumes, while one is there all the time

works 'a volume' bp vol-create-as p stays 1M --format qcow2
begin 50 vol-create-as p v%n 64K --format qcow2
begin 50 vol-create-as p same 64K
begin 50 vol-create-as p same 64K --format qcow2
begin 25 vol-list p
begin 25 vol-info stays p
run
won 'of those that make one volume, one wins' vol-create-as 51
lost 'the others say why' vol-create-as <<'END'
error: storage volume 'same' exists already
END
whole 'a list is whole' vol-list '^ stays '
whole 'a volume is seen' vol-info '^Capacity:  *1.00 MiB'
begin 50 vol-delete v%n p
begin 100 vol-delete same p
begin 25 vol-list p --details
begin 25 vol-dumpxml stays p
run
won 'of those that delete it, one wins' vol-delete 51
at_most 'the others say why' vol-delete <<'END'
no storage vol with matching path 'same'
volume 'same' is in use by
END
whole 'a list is whole' vol-list '^ stays .*1.00 MiB'
whole 'a volume is seen' vol-dumpxml '<capacity unit=.bytes.>1048576<'
begin 50 vol-clone stays one p
begin 50 vol-clone stays c%n p
begin 25 vol-list p --format json
begin 25 vol-path stays p
run
won 'of those that copy to one name, one wins' vol-clone 51
lost 'the others say why' vol-clone <<'END'
error: internal error: storage volume name 'one' already in use.
END
whole 'a list is whole' vol-list '"name": "stays"'
begin 50 vol-resize one 2M p
begin 20 vol-delete one p
begin 30 vol-clone one d%n p
begin 50 vol-clone c%n one p
begin 50 vol-list p --details
run
whole 'a list is whole' vol-list '^ stays .*1.00 MiB'
for command in vol-resize vol-delete vol-clone; do
	at_most "$command of what may be gone or in use" $command <<-'END'
		no storage vol with matching path
		is in use by
		storage volume name 'one' already in use.
	END
done

# ---- a pool that goes away

begin 60 vol-clone stays e%n p
begin 20 pool-destroy p
begin 40 vol-list p
begin 20 pool-undefine p
begin 40 vol-create-as p f%n 64K
begin 20 pool-list --all --name
run
for command in vol-clone vol-list vol-create-as pool-destroy pool-undefine; do
	at_most "$command in a pool that goes" $command <<-'END'
		storage pool 'p' is not active
		pool 'p' is not active
		storage pool 'p' is still active
		no storage pool with matching name 'p'
		END
done
is 'copies are there or not' "$(find "$T/p" -name 'e*' ! -size "$(stat -c %s "$T/p/stays")c")" ''
is 'nothing is left behind' "$(find "$T/p" -name '.barepool-*')" ''
bp -q pool-destroy p >"$T/out" 2>&1
bp -q pool-undefine p >"$T/out" 2>&1
is 'no pool' "$(bp -q pool-list --all --name)" ''
is 'no lock, no state' "$(cd "$T" && find run config ! -type d)" 'run/barepool.define'
done_testing
