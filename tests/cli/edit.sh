#!/bin/sh
# edit.sh - pool-edit: editors good and bad, with a terminal and without.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
. tests/lib.sh

TMPDIR=$T/tmp
export TMPDIR
mkdir "$TMPDIR"
works 'define' bp pool-define-as p dir --target "$T/p"

# editor NAME <<END: a program in $T that is given the file as $1.
editor() {
	{ echo '#!/bin/sh'; cat; } >"$T/$1"
	chmod +x "$T/$1"
}
# edit EDITOR: pool-edit with it.
edit() { EDITOR=$1 bp pool-edit p; }

editor target <<'END'
sed -i 's,/p<,/new<,' "$1"
END
editor badtype <<'END'
sed -i "s,type='dir',type='nosuch'," "$1"
END
editor look <<'END'
stat -c '%A' "$1"; basename "$1" | sed 's/barepool....../barepoolX/'; cat "$1"
END
editor empty <<'END'
: >"$1"
END
editor remove <<'END'
rm "$1"
END
editor rename <<'END'
sed -i 's,<name>p<,<name>q<,' "$1"
END

says 'nothing changed' edit true <<END
Pool p XML configuration not changed.

END
says 'quietly' env EDITOR=true "$T/bin/barepool" -q pool-edit p <<END
END
says 'the file is private' edit "$T/look" <<END
-rw-------
barepoolX.xml
$(bp -q pool-dumpxml p | sed "s|$T|\$T|g")
Pool p XML configuration not changed.

END
says 'a change' edit "$T/target" <<END
Pool p XML configuration edited.

END
says 'is in force' bp -q pool-dumpxml p --xpath //path <<END
<path>\$T/new</path>
END
says 'bad XML without a terminal is an error' edit "$T/badtype" <<END
error: Failed to edit the XML configuration of pool p
error: XML error: Invalid value for attribute 'type' in element 'pool': 'nosuch'.

[1]
END
fails 'an empty file' edit "$T/empty"
says 'another name and the same UUID' edit "$T/rename" <<END
error: Failed to edit the XML configuration of pool p
error: operation failed: pool 'p' is already defined with uuid $(bp -q pool-uuid p)

[1]
END
fails 'an editor that fails' edit false
has 'its status is told' "$T/out" 'unexpected exit status 1'
fails 'an editor that is killed' edit "$T/look; kill -9 \$\$"
has 'the signal is told' "$T/out" 'unexpected fatal signal 9'
says 'an editor that is not there' edit /nonexistent <<END
error: cannot execute binary /nonexistent: No such file or directory

[1]
END
fails 'an editor that removes the file' edit "$T/remove"
has 'what is missing is told' "$T/out" 'failed to read temporary file: No such file or directory'
works 'an editor with arguments' edit 'env true'
works 'an editor with a shell'"'"'s characters' edit 'true; false; true'
works 'VISUAL comes first' env VISUAL=true EDITOR=false "$T/bin/barepool" pool-edit p
works 'an empty VISUAL does not' env VISUAL= EDITOR=true "$T/bin/barepool" pool-edit p
is 'nothing is left behind' "$(ls "$TMPDIR")" ''
says 'the pool is as it was' bp -q pool-dumpxml p --xpath //path <<END
<path>\$T/new</path>
END

# Ended from outside while the editor runs: the editor goes first.
editor wait <<END
echo \$\$ >"$T/editor.pid"; exec tail -f /dev/null
END
EDITOR=$T/wait "$T/bin/barepool" pool-edit p >"$T/said" 2>&1 &
pid=$!
until_true test -s "$T/editor.pid"
kill -TERM $pid
wait $pid
is 'it ends as the signal ends programs' $? 143
kill -0 "$(cat "$T/editor.pid")" 2>/dev/null
is 'the editor is gone' $? 1
is 'and the file' "$(ls "$TMPDIR")" ''

# However soon that is.
editor hasty <<END
kill -TERM \$PPID; exec tail -f /dev/null
END
hung=0
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30; do
	EDITOR=$T/hasty timeout 60 "$T/bin/barepool" pool-edit p >"$T/said" 2>&1
	[ $? -eq 143 ] || hung=$((hung + 1))
done
is 'and at any moment' $hung 0

# Somebody else meanwhile.
editor meanwhile <<END
$T/bin/barepool -q pool-define "$T/other.xml" && $T/target "\$1"
sed -i 's,/new<,/mine<,' "\$1"
END
bp -q pool-dumpxml p | sed 's,/new<,/theirs<,' >"$T/other.xml"
says 'a change by somebody else is not overwritten' edit "$T/meanwhile" <<END
error: Failed to edit the XML configuration of pool p
error: operation failed: the XML configuration was changed by another user

[1]
END
says 'theirs stays' bp -q pool-dumpxml p --xpath //path <<END
<path>\$T/theirs</path>
END
says 'read only' env EDITOR=true "$T/bin/barepool" -r pool-edit p <<END
error: operation forbidden: read only access prevents virStoragePoolDefineXML

[1]
END
works 'a transient pool' bp pool-create-as t dir --target "$T/t" --build
editor mode <<'END'
sed -i 's,<mode>[0-9]*<,<mode>0700<,' "$1"
END
says 'becomes persistent' env EDITOR="$T/mode" "$T/bin/barepool" pool-edit t <<END
Pool t XML configuration edited.

END
says 'as the list says' bp -q pool-list --persistent <<END
 t   active   no
END

# ---- on a terminal ------------------------------------------------------------------

if [ ! -x "$B/tests/tools/pty" ]; then
	skip 'on a terminal' "needs $B/tests/tools/pty"
	done_testing
fi
# on_terminal EDITOR ANSWER...
on_terminal() {
	command="EDITOR='$1' '$T/bin/barepool' pool-edit p"
	shift
	"$B/tests/tools/pty" "$command" "$@" | tr -d '\r'
}
asked="error: XML error: Invalid value for attribute 'type' in element 'pool': 'nosuch'.
Failed. Try again? [y,n,f,?]: "
on_terminal "$T/badtype" n >"$T/got"
is 'no' "$(cat "$T/got")" "$asked"
on_terminal "$T/badtype" '?' n >"$T/got"
has 'help' "$T/got" 'f - force, try to redefine again'
editor second <<END
if [ -e "$T/again" ]; then sed -i "s,nosuch,dir,; s,/theirs<,/second<," "\$1"
else : >"$T/again"; $T/badtype "\$1"; fi
END
on_terminal "$T/second" y >"$T/got"
has 'a second time' "$T/got" 'Pool p XML configuration edited.'
says 'is in force' bp -q pool-dumpxml p --xpath //path <<END
<path>\$T/second</path>
END
editor third <<END
$T/bin/barepool -q pool-define "$T/other.xml"
sed -i 's,/second<,/third<,' "\$1"
END
on_terminal "$T/third" f >"$T/got"
has 'changed by somebody else' "$T/got" 'was changed by another user'
has 'and forced' "$T/got" 'Pool p XML configuration edited.'
says 'is in force too' bp -q pool-dumpxml p --xpath //path <<END
<path>\$T/third</path>
END
on_terminal "$T/badtype" >"$T/got"	# the tool ends it when it has nothing to say
is 'nothing is left behind when it is ended' "$(ls "$TMPDIR")" ''

done_testing
