#!/bin/sh
# qcow2.sh - QEMU's own tests of qcow2, with barepool in place of qemu-img.
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#	tests/iotests/qcow2.sh		those of the list beside this, qcow2.passing
#	tests/iotests/qcow2.sh 013 029	these
#
# They are written for qemu-img and qemu-io, compare every word of what is
# printed, and are fetched when they are run.  What is in the list must pass;
# the list only grows; qcow2.differing says why others do not.  IMG=qemu-img runs
# them with the real one; FORMAT=vmdk and OPTIONS=compat=0.10 with images that are
# made otherwise.
set -u
B=${B:-build}
case $B in /*) ;; *) B=$PWD/$B ;; esac
BAREPOOL=${BAREPOOL:-$B/barepool}
case $BAREPOOL in /*) ;; *) BAREPOOL=$PWD/$BAREPOOL ;; esac
list=${*:-$(grep -o '^[0-9][0-9]*' tests/iotests/qcow2.passing)}
[ -n "$list" ] || { echo '1..0 # SKIP none of them is in the list'; exit 0; }

for tool in qemu-img qemu-io qemu-nbd python3 bash dpkg-source; do
	command -v $tool >/dev/null || { echo "1..0 # SKIP needs $tool"; exit 0; }
done
# Some of them refuse a directory whose name has a dot, as the one for tests may.
T=$(mktemp -d /tmp/iotests-XXXXXX) || exit 1
trap 'rm -rf "$T"' EXIT
trap 'exit 1' INT TERM HUP
if ! tests/iotests/fetch "$B/iotests" >"$T/why" 2>&1; then
	echo "1..0 # SKIP QEMU's tests cannot be fetched: $(tail -n 1 "$T/why")"
	exit 0
fi

mkdir "$T/bin" "$T/work"
ln -s "$BAREPOOL" "$T/bin/qemu-img"
# A machine is not started, but the tests ask which there are.
cat >"$T/bin/none" <<'END'
#!/bin/sh
case $* in *-machine*help*) echo 'none x (default)'; exit 0 ;; esac
exit 1
END
chmod +x "$T/bin/none"
TEST_DIR=$T/work QEMU_PROG=$T/bin/none QSD_PROG=$T/bin/none QEMU_IMG_PROG=$T/bin/qemu-img
QEMU_IO_PROG=$(command -v qemu-io) QEMU_NBD_PROG=$(command -v qemu-nbd)
[ "${IMG-}" != qemu-img ] || QEMU_IMG_PROG=$(command -v qemu-img)
export TEST_DIR QEMU_PROG QSD_PROG QEMU_IMG_PROG QEMU_IO_PROG QEMU_NBD_PROG

# shellcheck disable=SC2086 # words
(cd "$B/iotests/tests/qemu-iotests" && ./check "-${FORMAT:-qcow2}" -j "${JOBS:-2}" \
	${OPTIONS:+-o "$OPTIONS"} $list) \
	>"$T/log" 2>&1 </dev/null
tr '\r' '\n' <"$T/log" >"$T/lines"
n=0
for t in $list; do
	n=$((n + 1))
	result=$(sed -n "s/^$t  *\(pass\|fail\|not run\) .*/\1/p" "$T/lines" | tail -n 1)
	case $result in
	pass)	echo "ok $n - $t" ;;
	'not run')
		why=$(sed -n "s/^$t  *not run .*\.\.\. *//p" "$T/lines")
		echo "ok $n - $t # SKIP $why" ;;
	*)	awk -v t="/$t.out" '/^--- / { mine = index($0, t) }
			/^[0-9][0-9][0-9] / { mine = 0 } mine' "$T/lines" | sed 's/^/# /; 60q'
		echo "not ok $n - $t" ;;
	esac
done
echo "1..$n"
