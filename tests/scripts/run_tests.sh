#!/bin/sh
# run_tests.sh - the test runner, which must not be fooled: every way to go wrong is a failure.
# SPDX-License-Identifier: LGPL-2.1-or-later
set -u
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
n=0 bad=0

# A tree with nothing but the runner and one test.
mkdir -p "$dir/scripts" "$dir/tests/unit" "$dir/tests/cli"
cp scripts/run-tests "$dir/scripts/"

# ends NAME 'LAST LINE' [STATUS]: with the script on standard input as the only
# test, the runner's last line and status are these.
ends() {
	cat >"$dir/tests/cli/it.sh"
	n=$((n + 1))
	# shellcheck disable=SC2086 # a list of words
	"$dir/scripts/run-tests" ${groups-cli} >"$dir/out" 2>&1
	status=$?
	if [ "$(tail -n 1 "$dir/out")" = "$2" ] && [ $status -eq "${3:-1}" ]; then
		echo "ok $n - $1"
	else
		echo "# status $status"
		sed 's/^/# /' "$dir/out"
		echo "not ok $n - $1"
		bad=1
	fi
}
# shows NAME 'TEXT': the last run printed it.
shows() {
	n=$((n + 1))
	if grep -qF -e "$2" "$dir/out"; then echo "ok $n - $1"; return; fi
	sed 's/^/# /' "$dir/out"
	echo "not ok $n - $1"
	bad=1
}

ends 'all is well' '2 passed, 0 failed, 0 skipped' 0 <<'END'
echo ok 1 - a
echo ok 2 - b
echo 1..2
END
ends 'a plan may come first' '2 passed, 0 failed, 0 skipped' 0 <<'END'
echo 1..2
echo ok 1 - a
echo ok 2 - b
END
groups='cli unit'
ends 'a group that has nothing of a kind' '1 passed, 0 failed, 0 skipped' 0 <<'END'
echo ok 1 - a
echo 1..1
END
unset groups
ends 'a failure' '1 passed, 1 failed, 0 skipped' <<'END'
echo ok 1 - a
echo '# because of this'
echo not ok 2 - b
echo 1..2
END
shows 'which one' 'cli/it: not ok 2 - b'
shows 'and why' '# because of this'
ends 'a failure by status only' '1 passed, 1 failed, 0 skipped' <<'END'
echo ok 1 - a
echo 1..1
exit 3
END
ends 'no plan' '1 passed, 1 failed, 0 skipped' <<'END'
echo ok 1 - a
END
ends 'no output' '0 passed, 1 failed, 0 skipped' </dev/null
ends 'two plans' '1 passed, 1 failed, 0 skipped' <<'END'
echo 1..1
echo ok 1 - a
echo 1..1
END
ends 'too few' '1 passed, 1 failed, 0 skipped' <<'END'
echo ok 1 - a
echo 1..2
END
ends 'too many' '2 passed, 1 failed, 0 skipped' <<'END'
echo 1..1
echo ok 1 - a
echo ok 2 - b
END
ends 'a number twice' '2 passed, 1 failed, 0 skipped' <<'END'
echo ok 1 - a
echo ok 1 - b
echo 1..2
END
ends 'a signal' '1 passed, 2 failed, 0 skipped' <<'END'
echo ok 1 - a
kill -SEGV $$
END
shows 'which signal' 'died by signal 11'
ends 'a signal after the plan' '1 passed, 1 failed, 0 skipped' <<'END'
echo ok 1 - a
echo 1..1
kill -PIPE $$
END
ends 'output after the plan' '1 passed, 1 failed, 0 skipped' <<'END'
echo ok 1 - a
echo 1..1
echo 'ERROR: LeakSanitizer' >&2
END
shows 'what it was' 'LeakSanitizer'
ends 'bailing out' '1 passed, 1 failed, 0 skipped' <<'END'
echo ok 1 - a
echo 'Bail out! no disk'
echo 1..1
END
ends 'a skip is loud' '1 passed, 0 failed, 1 skipped' 0 <<'END'
echo ok 1 - a
echo 'ok 2 - b # SKIP needs root'
echo 1..2
END
shows 'with its reason' 'cli/it: b: needs root'
ends 'many for one reason are told once' '0 passed, 0 failed, 4 skipped' 0 <<'END'
for i in 1 2 3 4; do echo "ok $i - number $i # SKIP no disk"; done
echo 1..4
END
shows 'with their number' 'cli/it: 4 tests: no disk'
ends 'a file skipped whole' '0 passed, 0 failed, 1 skipped' 0 <<'END'
echo '1..0 # SKIP needs a daemon'
END
shows 'with its reason' 'cli/it: needs a daemon'
ends 'a plan of nothing' '0 passed, 1 failed, 0 skipped' <<'END'
echo 1..0
END
ends 'not ok stays a failure, whatever is written behind it' '0 passed, 1 failed, 0 skipped' <<'END'
echo 'not ok 1 - a # TO''DO later'
echo 1..1
END
LIMIT=1
export LIMIT
ends 'one that hangs' '1 passed, 2 failed, 0 skipped' <<'END'
echo ok 1 - a
exec sleep 100
END
unset LIMIT
ends 'a directory of its own, gone afterwards' '1 passed, 0 failed, 0 skipped' 0 <<END
mkdir "\$TMPDIR/x" && touch "\$TMPDIR/x/y" && chmod 0 "\$TMPDIR/x" && echo "\$TMPDIR" >"$dir/where"
echo ok 1
echo 1..1
END
n=$((n + 1))
if [ -e "$(cat "$dir/where")" ]; then
	echo "not ok $n - it is gone"; bad=1
else
	echo "ok $n - it is gone"
fi

echo 'echo not ok 1; echo 1..1' >"$dir/tests/cli/other.sh"
groups='-cli/other cli'
ends 'a group without one of its tests' '1 passed, 0 failed, 0 skipped' 0 <<'END'
echo ok 1
echo 1..1
END
unset groups
rm "$dir/tests/cli/other.sh"
n=$((n + 1))
if "$dir/scripts/run-tests" -cli/nosuch cli >"$dir/out" 2>&1; then
	echo "not ok $n - without a test nobody has"; bad=1
else
	echo "ok $n - without a test nobody has"
fi

n=$((n + 1))
if "$dir/scripts/run-tests" cli/nosuch >"$dir/out" 2>&1; then
	echo "not ok $n - a test nobody has"; bad=1
else
	echo "ok $n - a test nobody has"
fi

# Checks speak no TAP.
cat >"$dir/scripts/check-it" <<END
#!/bin/sh
echo why
exit \$(cat "$dir/status")
END
chmod +x "$dir/scripts/check-it"
for s in '0:1 passed, 0 failed, 0 skipped' '77:0 passed, 0 failed, 1 skipped' \
	'1:0 passed, 1 failed, 0 skipped'; do
	echo "${s%%:*}" >"$dir/status"
	"$dir/scripts/run-tests" check >"$dir/out" 2>&1
	n=$((n + 1))
	if [ "$(tail -n 1 "$dir/out")" = "${s#*:}" ]; then
		echo "ok $n - a check that ends with ${s%%:*}"
	else
		sed 's/^/# /' "$dir/out"
		echo "not ok $n - a check that ends with ${s%%:*}"
		bad=1
	fi
done
echo "1..$n"
exit $bad
