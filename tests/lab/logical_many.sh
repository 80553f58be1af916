#!/bin/sh
# logical_many.sh - a volume group of 1,000 volumes: listed whole, by one look at it.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
# lab: disk=virtio:2G limit=400 build=static/barepool
. tests/lab.sh

needs lvm 'needs lvm2'
needs strace 'needs strace'
loads dm-mod
dev=$(disk 1)
pvcreate -qq -y --metadatasize 4m "$dev"
vgcreate -qq -y -s 1m vg "$dev"
vgcfgbackup -qq -f "$T/empty" vg

# volumes N: as LVM writes them down; only ten of them are activated with the group.
volumes() {
	awk -v n="$1" '
	function letters(i) { return sprintf("%06d-aaaa-bbbb-cccc-dddd-eeee-ffffff", i) }
	/^\tphysical_volumes/ { inside = 1 }
	{ print }
	inside && /^\t}/ {
		inside = 0
		print "\n\tlogical_volumes {\n"
		for (i = 1; i <= n; i++) {
			printf "\t\tv%d {\n\t\t\tid = \"%s\"\n", i, letters(i)
			print "\t\t\tstatus = [\"READ\", \"WRITE\", \"VISIBLE\"]"
			printf "\t\t\tflags = [%s]\n", (i > 10 ? "\"ACTIVATION_SKIP\"" : "")
			print "\t\t\tcreation_time = 1700000000\n\t\t\tcreation_host = \"lab\""
			print "\t\t\tsegment_count = 1\n\n\t\t\tsegment1 {"
			print "\t\t\t\tstart_extent = 0\n\t\t\t\textent_count = 1\n"
			print "\t\t\t\ttype = \"striped\"\n\t\t\t\tstripe_count = 1\n"
			printf "\t\t\t\tstripes = [\n\t\t\t\t\t\"pv0\", %d\n\t\t\t\t]\n", i - 1
			print "\t\t\t}\n\t\t}\n"
		}
		print "\t}\n"
	}' "$T/empty" >"$T/full"
	vgcfgrestore -qq -f "$T/full" vg >"$T/out" 2>&1 || show
}
# How often a command asks the kernel for something, and how often it opens the device.
calls() { # COMMAND...
	strace -f -o "$T/strace" "$T/bin/barepool" "$@" >"$T/said" 2>&1 || show "$T/said"
	n_calls=$(wc -l <"$T/strace") n_opens=$(grep -c "\"$dev\"" "$T/strace")
}
linear() { # COMMAND...: five times as many volumes, at most five times the work
	echo "# $*: $(cat "$T/few"), $(cat "$T/many") calls with 200, 1000 volumes"
	[ "$(cat "$T/many")" -le $((5 * $(cat "$T/few"))) ]
}

works 'define' bp pool-define-as p logical --source-name vg --source-dev "$dev"
for many in 200 1000; do
	volumes $many
	is "LVM has $many" "$(lvs --noheadings vg | wc -l)" $many
	works 'start' bp pool-start p
	for command in 'pool-refresh p' 'vol-list p' 'vol-list p --details' 'vol-info v7 p'; do
		file=$T/$(echo "$command" | tr ' ' _)
		# shellcheck disable=SC2086 # words
		calls $command
		echo "$n_calls" >"$file.$many.calls"
		echo "$n_opens" >"$file.$many.opens"
		[ $many -eq 1000 ] || continue
		cp "$file.200.calls" "$T/few"
		cp "$file.1000.calls" "$T/many"
		works "$command: as many times the work as volumes, or less" linear "$command"
		works '... by as many looks at the device' cmp "$file.200.opens" "$file.1000.opens"
	done
	is "a list of $many" "$(bp -q vol-list p | grep -c /dev/vg/)" $many
	works 'stop' bp pool-destroy p
done
works 'start' bp pool-start p
bp --format json vol-list p --details >"$T/json"
is 'as JSON' "$(grep -o '"name": *"v[0-9]*"' "$T/json" | sort -u | wc -l)" 1000
bp -q vol-list p --details >"$T/list"
is '... ten of them active' "$(awk 'NF && $NF != "inactive"' "$T/list" | grep -c /dev/vg)" 10
works 'one more' bp vol-create-as p more 1M
works '... and back' bp vol-delete more p
works 'the last is read' bp vol-download v1000 "$T/back" p
works 'stop' bp pool-destroy p
works '... says LVM' vgck vg

static=$PWD/build/static/barepool
if [ -x "$static" ]; then
	works 'through the program lvm: start' "$static" pool-start p
	"$static" --format json vol-list p --details >"$T/exec"
	works '... the same list' cmp "$T/json" "$T/exec"
	works '... one more, and back' "$static" 'vol-create-as p more 1M; vol-delete more p'
	works '... stop' "$static" pool-destroy p
	works '... says LVM' vgck vg
else
	skip 'through the program lvm' 'needs a static build'
fi
done_testing
