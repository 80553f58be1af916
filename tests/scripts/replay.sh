#!/bin/sh
# replay.sh - the player of recordings: it must see what differs, and what no longer does.
# SPDX-License-Identifier: LGPL-2.1-or-later
set -u
replay=$(pwd)/${B:-build}/tests/tools/replay
case ${B:-build} in /*) replay=$B/tests/tools/replay ;; esac
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
mkdir bin
printf '#!/bin/sh\n' >bin/sandbox-reset
chmod +x bin/sandbox-reset
PATH=$dir/bin:$PATH
n=0 bad=0 numbers=0
: >cases

# recorded COMMAND STATUS 'OUT' 'ERR': one more case.
recorded() {
	numbers=$((numbers + 1))
	{
		printf 'case: 01-it/%03d-x\ncwd: %s\n' $numbers "$dir"
		printf 'command: %s\nexit: %s\n' "$1" "$2"
		printf 'stdout-bytes: %d\nstderr-bytes: %d\n' ${#3} ${#4}
		printf -- '----- stdout -----\n%s\n' "$3"
		printf -- '----- stderr -----\n%s\n----- end -----\n' "$4"
	} >>cases
}
# plays NAME 'RESULTS': with the differences on standard input; results are y and
# n for each case, and a last one for the list.
plays() {
	cat >list
	n=$((n + 1))
	"$replay" list cases >out 2>&1
	got=$(sed -n 's/^ok.*# SKIP.*/s/p; s/^ok.*/y/p; s/^not ok.*/n/p' out | tr -d '\n')
	if [ "$got" = "$2" ]; then
		echo "ok $n - $1"
	else
		echo "# got $got, want $2"
		sed 's/^/# /' out
		echo "not ok $n - $1"
		bad=1
	fi
}
anew() { : >cases; numbers=0; }
nl='
'
u1=11111111-1111-4111-8111-111111111111
u2=22222222-2222-4222-8222-222222222222

recorded 'echo a; echo b >&2; exit 3' 3 "a$nl" "b$nl"
plays 'what is the same' yy </dev/null
anew
recorded 'echo a' 0 "b$nl" ''
recorded 'echo a >&2' 0 '' "b$nl"
recorded 'exit 1' 0 '' ''
recorded 'printf a' 0 "a$nl" ''
recorded 'echo a; echo b' 0 "a$nl" ''
recorded 'kill -9 $$' 0 '' ''
plays 'what is not: output, errors, status, line ends, more lines, a signal' nnnnnny </dev/null

plays 'differences of every kind' yyyyyyy <<'END'
01/001
	why letters
	out s/b/a/
01/002
	why letters
	ours err s/(.)/b/
01/003 01/006
	why status
	exit ignored
01/004
	why line ends
	out =
	| a
	out d/^$/
01/005
	why more
	out =
	| a
	| b
END
plays 'a line that looks like something' nnnnyny <<'END'
01/005
	why more
	out =
	~ [a-c]
	~ b.*
01/006
	why status
	out =
	~ [a-c]
END
plays 'a wrong difference is no help' nnnnnny <<'END'
01/001
	why letters
	out s/b/c/
END
plays 'left out' ssssssy <<'END'
01/*
	why not run
	skip
END
plays 'ignored' ynnnnny <<'END'
01/001
	why not compared
	out ignored
END
anew
recorded 'echo a' 0 "a$nl" ''
recorded 'echo b' 0 "a$nl" ''
plays 'a difference that is none fails its case' nny <<'END'
01/001
	why letters
	out s/x/y/
END
plays 'of a pattern one case must need it' yyy <<'END'
01/*
	why letters
	ours out s/^b$/a/
END
plays 'or the list fails' yyn <<'END'
01/*
	why letters
	out s/^x$/y/
01/002
	why other letters
	out s/^a$/b/
END
plays 'a range' yyy <<'END'
01/002-004
	why letters
	out s/a/b/
END
plays 'an entry for the peer is not for us' yny <<'END'
01/002
	why letters
	peer
	out s/a/b/
END
n=$((n + 1))
printf '01/001\n\tout s/a/b/\n' >list
if "$replay" list cases >out 2>&1; then
	echo "not ok $n - no reason"; bad=1
else
	echo "ok $n - no reason"
fi

anew
recorded "echo $u1 $u1" 0 "$u2 $u2$nl" ''
recorded "echo $u1" 0 "$u2$nl" ''
plays 'UUIDs are renamed' yyy </dev/null
anew
recorded "echo $u1 $u1" 0 "$u2 $u1$nl" ''
recorded "echo $u1" 0 "$u1$nl" ''
plays 'always in the same way' nyy </dev/null

anew
recorded 'echo "<mtime>1700000000.5</mtime>"' 0 "<mtime>1777777777.000001</mtime>$nl" ''
recorded 'echo "<mtime>981173106.5</mtime>"' 0 "<mtime>981173106.6</mtime>$nl" ''
recorded 'echo pool-info >/dev/null; echo "Capacity:  1.00 GiB"' 0 "Capacity:       9.25 TiB$nl" ''
recorded 'echo vol-info >/dev/null; echo "Capacity:  1.00 GiB"' 0 "Capacity:       9.25 TiB$nl" ''
plays 'times and sizes of the host are blanked, others are not' ynyny </dev/null
echo "1..$n"
exit $bad
