#!/bin/sh
# person.sh - the lab as somebody uses it: at a prompt, on a terminal, and without being root.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091,SC2016 # tests are run from the top
# lab: host
. tests/lib.sh
unset LAB_OUT LAB_CUTS
needs script 'needs script'
needs setpriv 'needs setpriv'

# A tree and an image of its own, where somebody else may get at them.
U=$(mktemp -d /tmp/lab-person.XXXXXX) || exit 2
trap 'rm -rf "$T" "$U"' EXIT
mkdir -p "$U/tree/build" "$U/tree/core" "$U/tmp" "$U/lab"
cp -r tests "$U/tree"
cp -r "$B/barepool" "$B/modules" "$U/tree/build"
tests/lab/image "${LAB:=$B/lab}" full >"$T/out" 2>&1
case $? in
0)	;;
77)	echo "1..0 # SKIP no image of the lab: $(tail -n 1 "$T/out")"; exit 0 ;;
*)	show; nok 'the image of the lab' ;;
esac
cp -a "$LAB/kernel" "$U/lab"
user=
if [ "$(id -u)" -eq 0 ]; then
	chmod 755 "$U"
	chown -R 65534:65534 "$U"
	user='setpriv --reuid 65534 --regid 65534 --clear-groups --no-new-privs'
fi
# as_user COMMAND...: somebody who may do nothing here.
as_user() {
	$user env -C "$U/tree" HOME="$U" TMPDIR="$U/tmp" B=build LAB="$U/lab" LAB_FETCH=no "$@"
}

works 'an ordinary user makes the image' as_user tests/lab/image "$U/lab" full
works '... who is not root' as_user sh -c '[ "$(id -u)" -ne 0 ] && [ ! -w /dev ]'
as_user tests/lab/run lab/bad/fails >"$T/out" 2>&1
is 'and runs a test' $? 1
has '... that is root inside, to its end' "$T/out" '1..3'

# At a prompt: what is typed when it is there, as by somebody at a keyboard.
mkfifo "$U/keys"
typed='echo "I am $(id -un), $(tty)"; barepool pool-list --all; echo disks: /dev/lab/*; exit'
as_user script -qfec 'tests/lab/shell lab/fs' /dev/null <>"$U/keys" 2>&1 |
	while IFS= read -r line; do
		printf '%s\n' "$line"
		case $line in *'as usual.'*) printf '%s\n' "$typed" >"$U/keys" ;; esac
	done >"$T/out"
tr -d '\r' <"$T/out" >"$T/seen"
has 'tests/lab/shell says what it is' "$T/seen" "This is barepool's lab"
has '... and gives a prompt, to root' "$T/seen" 'I am root, /dev/ttyS0'
has '... where barepool works' "$T/seen" 'Autostart'
has '... and the disks are those of the test' "$T/seen" 'disks: /dev/lab/1 /dev/lab/2'
done_testing
