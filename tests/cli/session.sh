#!/bin/sh
# session.sh - commands from standard input, and typed at a prompt.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
. tests/lib.sh

mkdir "$T/p"
works 'define' bp pool-define-as p dir --target "$T/p"
works 'start' bp pool-start p

# typed NAME COMMAND... <<LINES: what comes out is in $T/got.
typed() { "$@" >"$T/raw" 2>&1; status=$?; sed "s|$T|\$T|g" "$T/raw" >"$T/got"; return "$status"; }

typed bp -q <<'END'
pool-list
# a comment

pool-info nope
vol-list p; pool-list --name
nope
"an open quote
END
is 'a session always ends well' $? 0
is 'its lines are run one by one' "$(cat "$T/got")" " p   active   no
error: failed to get pool 'nope'
error: Storage pool not found: no storage pool with matching name 'nope'
hint: the only pool is 'p'
$(printf '%-20s' p)
error: unknown command: 'nope'
hint: 'barepool help' lists the commands
error: missing \""

typed bp <<'END'
pool-list
quit
pool-list
END
is 'quit ends it' "$(cat "$T/got")" ' Name   State    Autostart
----------------------------
 p      active   no'

typed bp -q <<END
cd $T/p
pwd
cd /nonexistent
cd
pwd
END
is 'cd' "$(cat "$T/got")" "\$T/p
error: cd: No such file or directory: /nonexistent
\$T/me"

typed vs <<'END'
pool-list
pool-info nope; pool-uuid
nope
END
is 'under the other name it speaks as virsh does' "$(cat "$T/got")" \
'Welcome to virsh, the virtualization interactive terminal.

Type:  '"'help'"' for help with commands
       '"'quit'"' to quit

virsh # pool-list
 Name   State    Autostart
----------------------------
 p      active   no

virsh # pool-info nope; pool-uuid
error: command '"'pool-uuid'"' requires <pool> option
virsh # nope
error: unknown command: '"'nope'"'
virsh # '
typed vs -r -q <<'END'
quit
END
is 'the prompt tells whether anything can be changed' "$(cat "$T/got")" 'virsh > quit'
printf 'pool-uuid p' | typed bp -q
is 'a last line without an end' "$(cat "$T/got")" "$(bp -q pool-uuid p)"
typed bp </dev/null
is 'no line at all' "$? $(cat "$T/got")" '0 '
typed bp -q <<END
connect storage:///session --readonly
uri
pool-destroy p
connect ''
pool-refresh p
END
is 'connect' "$(cat "$T/got")" "storage:///session
error: Failed to destroy pool p
error: operation forbidden: read only access prevents virStoragePoolDestroy"

# ---- at a prompt ------------------------------------------------------------------------

if [ ! -x "$B/tests/tools/pty" ]; then
	skip 'at a prompt' "needs $B/tests/tools/pty"
	done_testing
fi
# at_prompt LINE...: what the terminal shows, without the codes that move a cursor.
at_prompt() {
	"$B/tests/tools/pty" "'$T/bin/barepool'" "$@" </dev/null >"$T/screen" 2>&1
	status=$?
	esc=$(printf '\033')
	tr -d '\r\007' <"$T/screen" | sed "s/$esc\[[0-9;?]*[A-Za-z]//g" >"$T/got"
	return "$status"
}

works 'a session at a prompt' at_prompt 'pool-list' 'quit'
cp "$T/got" "$T/first"
has 'greets' "$T/first" "Type 'help' for the commands, 'quit' to leave."
has 'asks' "$T/first" 'barepool # '
has 'answers' "$T/first" ' p      active   no'
works 'a failure at a prompt does not end it' at_prompt 'pool-info nope' 'pwd' 'quit'
cp "$T/got" "$T/second"
has 'is told' "$T/second" "error: failed to get pool 'nope'"
has 'and goes on' "$T/second" "$PWD"
works 'a word is completed' at_prompt "$(printf 'pool-ref\t p')" 'quit'
cp "$T/got" "$T/third"
if grep -q 'Pool p refreshed' "$T/third"; then
	ok 'a command'
	works 'a name' at_prompt "$(printf 'pool-uuid p\t')" 'quit'
	has 'is found' "$T/got" "$(bp -q pool-uuid p)"
	works 'a name with a blank' bp pool-define-as 'my pool' dir --target "$T/my"
	works 'is completed' at_prompt "$(printf 'pool-build my\t')" 'quit'
	has 'and quoted' "$T/got" 'Pool my pool built'
	has 'what was typed is remembered' "$T/me/.cache/barepool/history" pool-uuid
	is 'for its user only' "$(stat -c %a "$T/me/.cache/barepool")" 700
else
	skip 'a command' 'needs libedit or readline'
fi
works 'a prompt without help' env B="$B" "$B/tests/tools/pty" \
	"TERM= '$T/bin/barepool' -r" 'pool-refresh p' 'quit'
has 'says that nothing can be changed' "$T/out" 'barepool > '

done_testing
