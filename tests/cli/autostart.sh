#!/bin/sh
# autostart.sh - after a boot: what is marked is started, each told, all or an error.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
. tests/lib.sh

says 'no pools' bp autostart <<END

END
mkdir "$T/first" "$T/first/in"
for p in 'first first' 'inner first/in' 'second second' 'third third'; do
	works "define $p" bp pool-define-as "${p% *}" dir --target "$T/${p#* }"
done
works 'mark three' bp 'pool-autostart first; pool-autostart inner; pool-autostart second'

# boot: nothing runs, and no mark says that this was done.
boot() { rm -rf "$T/run"; }
# sorted COMMAND...: they are told as they come.
sorted() {
	"$@" >"$T/unsorted" 2>&1
	status=$?
	sort "$T/unsorted"
	return $status
}

boot
says 'one that cannot be started is told, and the others start' sorted bp -q autostart <<END
error: Failed to autostart pool second
error: cannot open directory '\$T/second': No such file or directory
[1]
END
says 'which are those marked' bp -q pool-list --all <<END
 first    active     yes
 inner    active     yes
 second   inactive   yes
 third    inactive   no
END
mkdir "$T/second"
says 'once' sorted bp autostart <<END

Pool first already active
Pool inner already active
error: Failed to autostart pool second
error: Requested operation is not valid: pool 'second' is not active, and marked pools have \
been started already since the boot
hint: with --again it is started
[1]
END
says 'or again' sorted bp autostart --again <<END

Pool first already active
Pool inner already active
Pool second started
END
boot
says 'after the next boot' sorted bp autostart --timeout 5 <<END

Pool first started
Pool inner started
Pool second started
END
boot
rmdir "$T/first/in" "$T/first"
says 'what lies in a pool that is down stays down' sorted bp -q autostart <<END
error: Failed to autostart pool first
error: Failed to autostart pool inner
error: cannot open directory '\$T/first': No such file or directory
error: operation failed: its target '\$T/first/in' lies in that of pool 'first', which is \
not active
[1]
END
boot
says 'as JSON' sorted bp --format json autostart <<END
{"error": "Failed to autostart pool first", "reason": "cannot open directory '\$T/first': \
No such file or directory", "code": "system", "number": 38}
{"error": "Failed to autostart pool inner", "reason": "operation failed: its target \
'\$T/first/in' lies in that of pool 'first', which is not active", "code": "failed", "number": 9}
{"pool": "first", "active": false, "started": false, "problem": "cannot open directory \
'\$T/first': No such file or directory"}
{"pool": "inner", "active": false, "started": false, "problem": "its target '\$T/first/in' \
lies in that of pool 'first', which is not active"}
{"pool": "second", "active": true, "started": true, "problem": null}
[1]
END

# Storage that is late: another program makes the directory once it has been missed.
boot
"$T/bin/barepool" -q autostart --timeout 60 >"$T/late" 2>&1 &
late=$!
until_true [ -e "$T/run/second.xml" ]
mkdir "$T/first" "$T/first/in"
wait $late
is 'late storage is waited for' $? 0
says 'all are there' bp -q pool-list <<END
 first    active   yes
 inner    active   yes
 second   active   yes
END
says 'a time that is none' bp autostart --timeout 2147484 <<END
error: Numeric value '2147484' for <timeout> option is malformed or out of range

[1]
END
says 'read only' bp -r autostart <<END
error: Failed to start the pools marked for it
error: operation forbidden: read only access prevents virStoragePoolCreate

[1]
END
says 'under the other name it is another command' vs autostart --again <<END
error: unknown command: 'autostart'
error: this is barepool, which has virsh's storage commands only
[1]
END

done_testing
