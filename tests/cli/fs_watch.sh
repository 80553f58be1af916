#!/bin/sh
# fs_watch.sh - what is told of a pool that somebody else has mounted.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091,SC2034 # tests are run from the top
tools='mkfs.ext4'
. tests/alone.sh
. tests/lib.sh
. tests/device.sh
bp pool-capabilities --table | grep -q '^ fs  *yes' || no 'pools of type fs are not in this build'

dev=
device one 64M
mkfs.ext4 -q "$dev"
mkdir "$T/mnt"
bp -q pool-define-as p fs --source-dev "$dev" --source-format ext4 --target "$T/mnt"

mount "$dev" "$T/mnt"
# not by its function: that would be a shell to kill, and not the command
"$T/bin/barepool" watch >"$T/told" 2>&1 &
until_true grep -q Watching "$T/told"
works 'a volume' bp vol-create-as p v 64k
works 'is told' until_true grep -q 'Vol v created in pool p' "$T/told"
works 'it is taken over' bp pool-start p
works 'that is told' until_true grep -q 'Pool p started' "$T/told"
works 'another volume' bp vol-create-as p w 64k
works 'is told' until_true grep -q 'Vol w created in pool p' "$T/told"
works 'it is stopped' bp pool-destroy p
works 'that is told' until_true grep -q 'Pool p stopped' "$T/told"
mount "$dev" "$T/mnt"
works 'mounted again, and stopped at once' bp pool-destroy p
works 'that is told, too' until_true sh -c "[ \$(grep -c 'Pool p stopped' '$T/told') -eq 2 ]"
kill $!
wait
is 'and each once' "$(grep -cE ' (started|stopped)' "$T/told")" 3
done_testing
