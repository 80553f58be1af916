# lib.sh - for tests in shell: a store of their own, and TAP.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
#
#	. tests/lib.sh
#	works 'a pool is defined' bp pool-define-as p dir --target "$T/p"
#	says 'it is there' bp -q pool-list --all <<END
#	 p   inactive   no
#	END
#	done_testing
#
# $T is an empty directory, removed at the end.  bp is the command, vs is the
# command under virsh's name; both know no store but the one below $T, and no
# home but one there.  What a command prints is compared with $T in place of
# the directory's name, and a status other than 0 is a last line "[1]".

n=0 bad=0
T=$(mktemp -d "${TMPDIR:-/tmp}/cli.XXXXXX") || exit 1
T=$(cd "$T" && pwd -P)
trap 'rm -rf "$T"' EXIT
trap 'exit 1' INT TERM HUP

BAREPOOL=${BAREPOOL:-build/barepool}
case $BAREPOOL in /*) ;; *) BAREPOOL=$PWD/$BAREPOOL ;; esac
B=${B:-build}
case $B in /*) ;; *) B=$PWD/$B ;; esac
: "${BAREPOOL_MODULES:=$B/modules}"
export BAREPOOL_MODULES
[ -x "$BAREPOOL" ] || { echo "Bail out! no $BAREPOOL"; exit 1; }
mkdir "$T/bin" "$T/me"
ln -s "$BAREPOOL" "$T/bin/barepool"
ln -s "$BAREPOOL" "$T/bin/virsh"

export BAREPOOL_CONFIG_DIR="$T/config" BAREPOOL_RUN_DIR="$T/run" HOME="$T/me"
unset XDG_CONFIG_HOME XDG_RUNTIME_DIR XDG_CACHE_HOME XDG_DATA_HOME EDITOR VISUAL
unset VIRSH_DEFAULT_CONNECT_URI LIBVIRT_DEFAULT_URI
export LC_ALL=C.UTF-8 TERM=dumb
umask 022

bp() { "$T/bin/barepool" "$@"; }
vs() { "$T/bin/virsh" "$@"; }

ok() {
	n=$((n + 1))
	echo "ok $n - $1"
}

nok() {
	n=$((n + 1))
	echo "not ok $n - $1"
	bad=1
}

# A file, $T/out if none is named, as the reason for what comes next.
show() {
	sed 's/^/# /' "${1:-$T/out}"
}

# dots COMMAND...: its output with dots for blanks, where those at the end of a line count.
dots() {
	"$@" >"$T/dots"
	status=$?
	tr ' ' . <"$T/dots"
	return $status
}

# works NAME COMMAND...: it succeeds.
works() {
	name=$1
	shift
	if "$@" >"$T/out" 2>&1; then ok "$name"; else show; nok "$name"; fi
}

# fails NAME COMMAND...: it ends with status 1.
fails() {
	name=$1
	shift
	"$@" >"$T/out" 2>&1
	status=$?
	if [ $status -eq 1 ]; then ok "$name"; else show; echo "# status $status"; nok "$name"; fi
}

# says NAME COMMAND... <<END: it prints exactly this, on both streams together.
says() {
	name=$1
	shift
	cat >"$T/want"
	"$@" >"$T/raw" 2>&1 </dev/null
	status=$?
	LC_ALL=C sed "s|$T|\$T|g" <"$T/raw" >"$T/got"
	[ $status -eq 0 ] || echo "[$status]" >>"$T/got"
	if diff -u "$T/want" "$T/got" >"$T/out"; then ok "$name"; else show; nok "$name"; fi
}

# is NAME GOT WANT
is() {
	if [ "$2" = "$3" ]; then ok "$1"; return; fi
	printf '%s\n' "got:  $2" "want: $3" >"$T/out"
	show
	nok "$1"
}

# has NAME FILE TEXT, lacks NAME FILE TEXT: a line of the file contains it, or none does.
has() {
	if grep -qF -e "$3" "$2"; then ok "$1"; return; fi
	show "$2"
	nok "$1"
}

lacks() {
	if ! grep -qF -e "$3" "$2"; then ok "$1"; return; fi
	show "$2"
	nok "$1"
}

# needs COMMAND WHY: skip all of the test without it.
needs() {
	command -v "$1" >/dev/null && return
	echo "1..0 # SKIP $2"
	exit 0
}

skip() {
	n=$((n + 1))
	echo "ok $n - $1 # SKIP $2"
}

# until_true COMMAND...: wait for it, for at most a minute.
until_true() {
	tries=6000
	until "$@" 2>/dev/null; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || return 1
		sleep 0.01
	done
}

# stop PROCESS: it, and each of its threads, stands still when this returns.
stop() {
	kill -STOP "$1" && until_true stands_still "$1"
}
stands_still() {
	! sed 's/.*) //' /proc/"$1"/task/*/stat | grep -qv '^[Tt]'
}

done_testing() {
	echo "1..$n"
	exit $bad
}
