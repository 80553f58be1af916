#!/bin/sh
# interrupt.sh - long work is told on a terminal, and can be stopped.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
. tests/lib.sh

mkdir "$T/p"
works 'define' bp pool-define-as p dir --target "$T/p"
works 'start' bp pool-start p
works 'a volume that takes its time' bp vol-create-as p big 1T --allocation 0

# Nobody waits for the end of these: what is read is nearly all holes, but a
# terabyte of zeros has to be written.
"$T/bin/barepool" vol-download big "$T/out1" p >"$T/said" 2>&1 &
pid=$!
until_true test -s "$T/out1"
kill -TERM $pid
wait $pid
is 'it ends as the signal ends programs' $? 143
[ ! -e "$T/out1" ]
is 'the file it made is gone' $? 0
is 'the reason is told' "$(cat "$T/said")" "error: cannot receive data from volume big
error: operation aborted: stopped by the user"
works 'the pool is not held any more' bp pool-destroy p
works 'start' bp pool-start p

# A shell lets what it runs in the background ignore Ctrl-C; this gives it back.
if ! env --default-signal=INT true 2>/dev/null; then
	skip 'Ctrl-C' 'needs an env that knows --default-signal'
	done_testing
fi

# In a session it ends the command, not the session.
printf 'vol-download big %s p\npwd\n' "$T/out2" >"$T/commands"
env --default-signal=INT "$T/bin/barepool" -q <"$T/commands" >"$T/said" 2>&1 &
pid=$!
until_true test -s "$T/out2"
kill -INT $pid
wait $pid
is 'a session ends well' $? 0
is 'after what came next' "$(tail -n 1 "$T/said")" "$PWD"
[ ! -e "$T/out2" ]
is 'and its file is gone too' $? 0

# On a terminal there is something to see.
if ! script -qfec true /dev/null </dev/null >/dev/null 2>&1; then
	skip 'on a terminal' 'needs script of util-linux'
	done_testing
fi
script -qfec "echo \$\$ >'$T/pid'
	exec env --default-signal=INT '$T/bin/barepool' vol-download big /dev/null p" \
	"$T/screen" </dev/null >/dev/null 2>&1 &
shown() { grep -q ' of 1.00 TiB, .*/s' "$T/screen"; }
if until_true shown; then ok 'work that lasts is told'; else nok 'work that lasts is told'; fi
kill -INT "$(cat "$T/pid")"
wait $!
is 'Ctrl-C ends it' $? 130
tail -n 4 "$T/screen" | grep -qF "$(printf '\r\033[Kerror: cannot receive')"
is 'the line is cleared' $? 0
rm "$T/pid"
script -qfec "echo \$\$ >'$T/pid'
	exec env --default-signal=INT '$T/bin/barepool' -q vol-download big /dev/null p" \
	"$T/quiet" </dev/null >/dev/null 2>&1 &
# Its work has taken a second and a half of a processor.
ticks=$(($(getconf CLK_TCK) * 3 / 2))
lasted() { awk -v t=$ticks '{ exit !($14 + $15 >= t) }' "/proc/$(cat "$T/pid")/stat"; }
until_true lasted
kill -INT "$(cat "$T/pid")"
wait $!
lacks 'quietly nothing is told' "$T/quiet" ' of 1.00 TiB'
works 'a small volume' bp vol-create-as p small 1M
head -c 1048576 /dev/urandom >"$T/p/small"
script -qfec "'$T/bin/barepool' vol-clone small small2 p" "$T/short" </dev/null >/dev/null 2>&1
has 'what does not last' "$T/short" 'Vol small2 cloned from small'
lacks 'is not told' "$T/short" "$(printf '\033')"

done_testing
