#!/bin/sh
# words.sh - several commands in one line, quotes, and the options before the command.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
. tests/lib.sh

mkdir "$T/d1"
works 'define' bp pool-define-as d1 dir --target "$T/d1"

says 'two commands in one word' bp -q 'pool-list --all; pool-list --all --name' <<END
 d1   inactive   no
$(printf '%-20s' d1)
END
says 'one fails, the next is run, and its status counts' vs 'pool-info nope; pool-list' <<END
error: failed to get pool 'nope'
error: Storage pool not found: no storage pool with matching name 'nope'

 Name   State   Autostart
---------------------------

END
says 'the status is the last one'"'"'s' vs -q 'pool-list; pool-info nope' <<END
error: failed to get pool 'nope'
error: Storage pool not found: no storage pool with matching name 'nope'
[1]
END
says 'nothing is run if one makes no sense' vs 'pool-list; nope' <<END
error: unknown command: 'nope'
[1]
END
says 'several words are one command' vs pool-list ';' pool-list <<END
error: unexpected data 'pool-list'
[1]
END
says 'quotes and backslashes' bp "echo 'a  b' \"c;d\" e\\;f # g" <<END
a  b c;d e;f
END
says 'no word at all is no success' bp '' <<END
[1]
END
says 'blanks are' bp '  ' <<END
END
says 'quit ends the line' bp 'echo a; quit; echo b' <<END
a
END
says 'help within' vs -q 'pool-name --help' <<END
  NAME
    pool-name - convert a pool UUID to pool name

  SYNOPSIS
    pool-name <pool>

  OPTIONS
    [--pool] <string>  pool name or uuid

END
says 'pwd' bp -q pwd <<END
$PWD
END
says 'cd is for sessions' bp cd / <<END
error: cd: command valid only in interactive mode

[1]
END
says 'echo for a shell' bp echo --shell "it's" 'a b' c <<END
'it'\\''s' 'a b' c
END
says 'echo for XML' bp echo --xml "<a & 'b'>" <<END
&lt;a &amp; &apos;b&apos;&gt;
END

# ---- before the command -----------------------------------------------------------

says 'an option nobody knows' vs --bogus pool-list <<END
error: unsupported option '--bogus'. See --help.
[1]
END
says 'a letter nobody knows' vs -qZ pool-list <<END
error: unsupported option '-Z'. See --help.
[1]
END
says 'an option without its value' vs -c <<END
error: option '-c'/'--connect' requires an argument
[1]
END
says 'and one of ours' bp --config-dir <<END
error: option '--config-dir' requires an argument
[1]
END
says 'which is not there under the other name' vs --config-dir / pool-list <<END
error: unsupported option '--config-dir'. See --help.
[1]
END
for wrong in 0 x -1 99999999999; do
	says "no time to wait: '$wrong'" bp --timeout=$wrong pool-list <<END
error: --timeout is a number of seconds, not '$wrong'
[1]
END
done
works 'a time to wait' bp --timeout 60 pool-list
says 'letters together' vs -qc storage:///system uri <<END
storage:///system
END
says 'an abbreviation' vs --conn=storage:///session uri <<END
storage:///session

END
says 'no such store' vs -c storage:///foo uri <<END
error: failed to connect to the hypervisor
error: internal error: unexpected storage URI path '/foo', try storage:///system
[1]
END
says 'no such driver' bp -c bogus:///system uri <<END
error: failed to connect to the store
error: no connection driver available for bogus:///system
hint: the stores are storage:///system and storage:///session
[1]
END
says 'QEMU'"'"'s names will do' vs -q -c qemu:///session uri <<END
qemu:///session
END
says 'nor does a socket' vs -q -c storage+unix:///system uri <<END
storage:///system
END
says 'a URI that wants more' vs -q -c 'storage:///system?socket=/x' uri <<END
error: failed to connect to the hypervisor
error: internal error: unexpected storage URI path '/system?socket=/x', try storage:///system
[1]
END
says 'a store from the environment' \
	env LIBVIRT_DEFAULT_URI=qemu:///system "$T/bin/virsh" -q uri <<END
qemu:///system
END
says 'the nearer variable first' env LIBVIRT_DEFAULT_URI=bogus:/// \
	VIRSH_DEFAULT_CONNECT_URI=storage:///session "$T/bin/virsh" -q uri <<END
storage:///session
END
says 'connect within a line' \
	vs -q 'connect storage:///session --readonly; uri; pool-refresh d1' <<END
storage:///session
error: Failed to refresh pool d1
error: operation forbidden: read only access prevents virStoragePoolRefresh
[1]
END
says 'a debug level that is none' vs -d 9 -q pool-list <<END
error: ignoring debug level 9 out of range [0-4]
END
says 'a debug level that is no number' vs --debug x pool-list <<END
error: option --debug takes a numeric argument
[1]
END
says 'debug lines' vs -q -d 0 'pool-list --all' <<END
commands: "pool-list --all"
pool-list: all(bool): (none)
 d1   inactive   no
END
says 'keep-alive is checked' vs -k x pool-list <<END
error: Invalid value for option -k
[1]
END
says 'and otherwise taken' vs -q -k 0 -K 5 -e '^]' pool-list --all <<END
 d1   inactive   no
END
fails 'a log' vs -l "$T/log" pool-info nope
sed 's/^\[[0-9.]* [0-9:]* virsh [0-9]*\] /[T] /' "$T/log" >"$T/log2"
is 'has errors with their time' "$(cat "$T/log2")" "[T] ERROR failed to get pool 'nope'
[T] ERROR Storage pool not found: no storage pool with matching name 'nope'"
says 'a log that cannot be' vs -l "$T/none/log" pool-list <<END
error: failed to open the log file. check the log file path
[1]
END
bp -t pool-list >"$T/out"
sed 's/[0-9]*\.[0-9]* ms/N ms/' "$T/out" >"$T/timed"
is 'timing' "$(tail -n 2 "$T/timed")" '(Time: N ms)'
bp -t -q pool-list >"$T/out"
is 'timing, quietly' "$(wc -l <"$T/out")" 3
works 'another store' bp --config-dir "$T/c2" --run-dir "$T/r2" pool-define-as z dir --target "$T/z"
[ -e "$T/c2/z.xml" ]
is 'is where it was said to be' $? 0
works 'a store of a mounted system' env -u BAREPOOL_CONFIG_DIR -u BAREPOOL_RUN_DIR \
	"$T/bin/barepool" -c storage:///system --root "$T/mnt" pool-define-as y dir --target "$T/y"
[ -e "$T/mnt/etc/libvirt/storage/y.xml" ]
is 'is below that' $? 0
is 'version' "$(bp -v)" "$(bp --version)"
is 'version, under the other name' "$(vs --version=short)" 9.0.0
bp --version=long >"$T/out"
has 'the long version names the pool types' "$T/out" ' Storage: dir'
bp version >"$T/out"
has 'version names them too' "$T/out" 'Pool types built in: dir'
vs version >"$T/out"
lacks 'but not under the other name' "$T/out" 'Pool types'

done_testing
