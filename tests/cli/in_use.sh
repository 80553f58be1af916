#!/bin/sh
# in_use.sh - a volume that QEMU or another command uses is left alone, and it is said who that is.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
. tests/lib.sh

qemu='qemu-system-x86_64'
needs $qemu 'needs qemu-system-x86_64'
needs qemu-io 'needs qemu-io'
pid='' upload='' lock=''
trap 'kill -9 $pid $upload 2>/dev/null; rm -rf "$T"' EXIT

mkdir "$T/p"
works 'define' bp pool-define-as p dir --target "$T/p"
works 'start' bp pool-start p
head -c 65536 /dev/urandom >"$T/data"

volume() { # NAME: a new one, with data in it; $T/before is what it is like
	bp -q vol-create-as p "$1" 1M && bp -q vol-upload "$1" "$T/data" p &&
		cp "$T/p/$1" "$T/before"
}

# runs WHAT VOLUME BYTES: the process $pid, just started, has these bytes of the volume locked.
has_lock() { grep -qs "OFDLCK .*:$lock" "/proc/$pid/fdinfo/"*; }
came_or_went() { has_lock || ! kill -0 "$pid"; }
runs() {
	lock="$(stat -c %i "$T/p/$2") $3"
	until_true came_or_went
	works "$1 runs" has_lock
}

qemu_on() { # FORMAT VOLUME [BASE]: a machine with this disk, set up and stopped
	$qemu -accel tcg -display none -nodefaults -S -drive "file=$T/p/$2,format=$1" \
		>"$T/qemu" 2>&1 &
	pid=$!
	runs QEMU "${3:-$2}" '201 201'
}

qemu_off() {
	kill $pid
	wait $pid 2>/dev/null
	pid=''
}

refused() { # NAME VOLUME WHY: no change is made, and it is said why
	says "$1: delete" bp -q vol-delete "$2" p <<-END
		error: Failed to delete vol $2
		error: Requested operation is not valid: volume '$2' $3
		hint: stop that first; with --force it is done all the same
		[1]
	END
	says "$1: resize" bp -q vol-resize "$2" 2M p <<-END
		error: Failed to change size of volume '$2' to 2M
		error: Requested operation is not valid: volume '$2' $3
		hint: stop that first; with --force it is done all the same
		[1]
	END
	says "$1: wipe" bp -q vol-wipe "$2" p <<-END
		error: Failed to wipe vol $2
		error: Requested operation is not valid: volume '$2' $3
		hint: stop that first; with --force it is done all the same
		[1]
	END
	says "$1: upload" bp -q vol-upload "$2" /dev/null p <<-END
		error: cannot upload to volume $2
		error: Requested operation is not valid: volume '$2' $3
		hint: stop that first; with --force it is done all the same
		[1]
	END
	works "$1: it is as it was" cmp "$T/before" "$T/p/$2"
}

accepted() { # NAME VOLUME OPTION...: every change is made
	name=$1 vol=$2
	shift 2
	works "$name: resize" bp vol-resize "$vol" 2M p "$@"
	works "$name: upload" bp vol-upload "$vol" "$T/data" p --offset 65536 "$@"
	works "$name: the bytes came in" cmp -n 65536 "$T/data" "$T/p/$vol" 0 65536
	works "$name: wipe" bp vol-wipe "$vol" p "$@"
	works "$name: nothing is left" cmp -n 131072 "$T/p/$vol" /dev/zero
	works "$name: delete" bp vol-delete "$vol" p "$@"
}

# ---- QEMU ------------------------------------------------------------------

works 'a volume' volume v
qemu_on raw v
refused 'a machine' v "is in use by pid $pid ($qemu)"
says 'under the other name' vs -q vol-delete v p <<END
error: Failed to delete vol v
error: Requested operation is not valid: volume 'v' is in use by pid $pid ($qemu)
[1]
END
fails 'has no --force' vs vol-delete v p --force
has 'and says so' "$T/out" "command 'vol-delete' doesn't support option --force"
qemu_off
accepted 'a machine that has gone' v

works 'a volume' volume v
qemu_on raw v
accepted 'by force' v --force
qemu_off

works 'a base' bp vol-create-as p base 1M --format qcow2
works 'an overlay' bp vol-create-as p top 1M --format qcow2 --backing-vol base \
	--backing-vol-format qcow2
cp "$T/p/base" "$T/before"
qemu_on qcow2 top base
refused 'below a machine' base "is in use by pid $pid ($qemu)"
qemu_off

works 'a volume' volume v
qemu-io -f raw -c 'sleep 1000000000' "$T/p/v" &
pid=$!
runs qemu-io v '100 101'
refused 'qemu-io' v "is in use by pid $pid (qemu-io)"
kill -9 $pid
wait $pid 2>/dev/null
pid=''
works 'delete' bp vol-delete v p

# ---- another command ----------------------------------------------------------

upload_begins() { # what comes through the FIFO at descriptor 9; its first bytes are there
	rm -f "$T/fifo"
	mkfifo "$T/fifo"
	"$T/bin/barepool" -q vol-upload v "$T/fifo" p >"$T/said" 2>&1 &
	upload=$!
	exec 9>"$T/fifo"
	printf begun >&9
	until_true grep -q begun "$T/p/v"
}

works 'a volume' volume v
upload_begins
cp "$T/p/v" "$T/before"
refused 'an upload' v "is in use by pid $upload (barepool)"
other() {
	BAREPOOL_CONFIG_DIR=$T/config2 BAREPOOL_RUN_DIR=$T/run2 bp -q "$@"
}
works 'another store' other pool-define-as p dir --target "$T/p"
works 'with the same directory' other pool-start p
fails 'is kept away, too' other vol-delete v p
has 'and told by whom' "$T/out" "volume 'v' is in use by pid $upload (barepool)"
fails 'QEMU does not start' timeout 60 $qemu -accel tcg -display none -nodefaults -S \
	-drive file="$T/p/v",format=raw
has 'because of the lock' "$T/out" 'Is another process using the image'
fails 'qemu-io neither' qemu-io -f raw -c 'write 0 512' "$T/p/v"
exec 9>&-
wait $upload
is 'the upload ends well' $? 0
qemu_on raw v
qemu_off

upload_begins
kill -9 $upload
wait $upload 2>/dev/null
exec 9>&-
qemu_on raw v
qemu_off

upload_begins
works 'by force it is deleted meanwhile' bp vol-delete v p --force
exec 9>&-
wait $upload
upload=''
[ ! -e "$T/p/v" ]
is 'and is gone' $? 0
done_testing
