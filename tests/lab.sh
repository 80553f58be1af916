# lab.sh - for tests that run in the lab: as root, in a machine of their own.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh disable=SC1091 # tests are run from the top
#
#	# lab: disk=virtio:64M disk=nvme:64M:4096
#	. tests/lab.sh
#	works 'define' bp pool-define-as p fs --source-dev "$(disk 1)" --target "$T/mnt"
#	done_testing
#
# Everything of tests/lib.sh is there, too.  Disks have the numbers in which they
# were asked for; /dev/lab/N is a link to them.
if [ "${LAB-}" != yes ]; then
	echo '1..0 # SKIP runs in the lab: make check-lab'
	exit 0
fi
. tests/lib.sh
. tests/lab/disks

# loads MODULE...: the kernel has them, or the test is skipped.
loads() {
	for module; do
		modprobe "$module" 2>/dev/null && continue
		echo "1..0 # SKIP needs the kernel module $module"
		exit 0
	done
}

# told NAME PATTERN: the last command has said that.
told() {
	if grep -q -e "$2" "$T/out"; then ok "$1"; else show; nok "$1"; fi
}

# For tests with "# lab: cuts=N", which is run N times more, each time after a power cut.
# Say boot=1 first: begin_boot makes it tell which time this is, and goes on where the
# last one ended.  The power goes within seconds after end_boot; nothing may be said then.
begin_boot() {
	[ ! -e /out/boot ] || read -r boot n bad </out/boot
}
end_boot() {
	echo "$((boot + 1)) $n $bad" >/out/boot
	echo '# lab: cut'
}

# part NAME COMMAND...: a test of its own becomes a part of this one.
part() {
	label=$1
	shift
	{ "$@" 2>&1; echo "status $?"; } >"$T/part"
	awk -v n="$n" -v label="$label" -v at="$T/part.n" '
	/^1\.\.0 / { n++; sub(/^1\.\.0 *# *[Ss][Kk][Ii][Pp][^ ]* */, "")
		print "ok " n " - " label " # SKIP " $0; planned = 1; next }
	/^1\.\.[0-9]+/ { plan = substr($1, 4) + 0; planned = 1; next }
	/^(not )?ok([ \t]|$)/ {
		n++; count++
		if ($1 == "not") bad = 1
		state = $1 == "not" ? "not ok" : "ok"
		sub(/^(not )?ok *[0-9]* *-? */, "")
		print state " " n " - " label ": " $0
		next
	}
	/^status [0-9]+$/ { status = $2; next }
	{ print }
	END {
		if (!planned || (plan && plan != count) || (status != 0 && !bad)) {
			n++; bad = 1
			print "not ok " n " - " label ": planned " plan + 0 ", ran " count + 0 \
				", status " status
		}
		print n, bad + 0 >at
	}' "$T/part"
	read -r n failed <"$T/part.n"
	[ "$failed" -eq 0 ] || bad=1
}
