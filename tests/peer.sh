# peer.sh - for tests beside the real libvirtd, in a sandbox: either is asked under the
# name virsh, and both must answer with the same bytes.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh disable=SC2034,SC2086,SC2154 # $T and $W have no blanks
#
#	same COMMAND...		both say the same now ($when: what a line of TAP begins with)
#	works NAME ours|theirs COMMAND...	one of them does it
#	equal NAME THEIRS OURS	two files are the same

# Whoever sources it has said n=0 bad=0, and where T, for files, and W, for pools, are.

mkdir "$T"
as=
# shellcheck disable=SC2086 # a command before the command, or nothing
ours() { $as /srv/peer/ours/virsh ${uri:+-c "$uri"} "$@"; }
# shellcheck disable=SC2086
theirs() { $as /usr/bin/virsh ${uri:+-c "$uri"} "$@"; }
uri=

ok() { n=$((n + 1)); echo "ok $n - $1"; }
nok() { n=$((n + 1)); bad=1; sed 's/^/# /' "$2"; echo "not ok $n - $1"; }
# equal NAME THEIRS OURS: two files.
equal() {
	if diff -u -L libvirt -L barepool "$2" "$3" >$T/diff; then
		ok "$1"
	else
		nok "$1" $T/diff
	fi
}

works() {
	name=$1
	shift
	if "$@" >$T/out 2>&1; then ok "$name"; else nok "$name" $T/out; fi
}

fails() {
	name=$1
	shift
	if "$@" >$T/out 2>&1; then nok "$name" $T/out; else ok "$name"; fi
}

is() {
	echo "got '$2', want '$3'" >$T/diff
	if [ "$2" = "$3" ]; then ok "$1"; else nok "$1" $T/diff; fi
}

# Access times move when an image is looked at; space moves when anybody writes;
# libvirt does not know when a file was made, and counts what is reserved as available.
masked() {
	sed -e 's,<\([ab]time\)>[0-9.]*<,<\1>T<,' \
		-e '/^UUID:/,/^Available:/s,^\(Allocation\|Available\): .*[0-9]$,\1: N,' \
		-e '/<pool /,/<.pool>/s,<\(allocation\|available\) [^>]*>[1-9][0-9]*<,<\1>N<,' \
		-e 's,^\(Allocation\|Available\): .*iB$,\1: N,' \
		-e 's,^-----*$,---,' \
		-e '/ running /s,[0-9.]* [KMGT]iB *[0-9.]* [KMGT]iB$,N  N,' "$1"
}

# same COMMAND...: both say the same, with the same status.
same() {
	ours "$@" >$T/ours.out 2>$T/ours.err
	echo "status $?" >>$T/ours.err
	theirs "$@" >$T/theirs.out 2>$T/theirs.err
	echo "status $?" >>$T/theirs.err
	masked $T/ours.out >$T/ours
	cat $T/ours.err >>$T/ours
	masked $T/theirs.out >$T/theirs
	cat $T/theirs.err >>$T/theirs
	equal "$when: $*" $T/theirs $T/ours
}
