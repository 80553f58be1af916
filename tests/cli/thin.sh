#!/bin/sh
# thin.sh - thin pools in definitions, and snapshots where there are none: without LVM.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
. tests/lib.sh

says 'options become XML' bp pool-define-as p logical --source-name vg0 --thin-pool tp \
	--thin-size 1G --thin-metadata-size 16M --thin-limit 300 --print-xml <<END
<pool type='logical' xmlns:barepool='urn:barepool:pool:1'>
  <name>p</name>
  <source>
    <name>vg0</name>
  </source>
  <barepool:thin>
    <barepool:name>tp</barepool:name>
    <barepool:size unit='bytes'>1073741824</barepool:size>
    <barepool:metadata unit='bytes'>16777216</barepool:metadata>
    <barepool:limit>300</barepool:limit>
  </barepool:thin>
</pool>

END
bp pool-define-as p logical --source-name vg0 --thin-pool tp --print-xml >"$T/p.xml"
works 'and a definition' bp pool-define "$T/p.xml"
works '... with the whole name' sh -c "'$T/bin/barepool' pool-dumpxml p |
	grep -q '<barepool:name>vg0/tp</barepool:name>'"
fails 'a size of nothing' bp pool-define-as q logical --source-name vg0 --thin-size 1G
fails 'a limit that is none' bp pool-define-as q logical --source-name vg0 --thin-pool tp \
	--thin-limit 0
fails 'of another group' bp pool-define-as q logical --source-name vg1 --thin-pool vg0/tp
says 'of another type' bp pool-define-as q dir --target "$T/q" --thin-pool tp <<END
error: invalid argument: pools of type 'dir' have no thin pools

[1]
END

works 'a dir pool' bp pool-create-as d dir --target "$T/d" --build
works '... with a volume' bp vol-create-as d v 1M
what='this function is not supported by the connection driver'
says '... which has no snapshots' bp vol-snapshot-create v s d <<END
error: Failed to create snapshot s of vol v
error: $what: volume 'v' has format 'raw', which has no snapshots: qcow2 has

[1]
END
for command in 'delete v s d' 'revert v s d' 'list v d'; do
	# shellcheck disable=SC2086 # words
	fails "... nor ${command%% *}" bp vol-snapshot-$command
done
fails 'a snapshot needs a name' bp vol-snapshot-create v '' d
fails 'virsh knows none' env "PATH=$T/bin:$PATH" virsh vol-snapshot-list v d
done_testing
