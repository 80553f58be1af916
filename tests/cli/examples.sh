#!/bin/sh
# examples.sh - every example that help gives does what it says, in a world fit for it.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
. tests/lib.sh

mkdir -p "$T/here" "$T/srv"
cd "$T/here" || exit 1
PATH=$T/bin:$PATH
uuid=5a2a6ae8-fcb1-4d7d-9c2b-0c5b7f1a3f10

cat >pool.xml <<END
<pool type='dir'><name>from-file</name><target><path>$T/srv/file</path></target></pool>
END
echo '<volume><name>written</name><capacity>4096</capacity></volume>' >volume.xml
echo '<volume><name>copied</name><capacity>4096</capacity></volume>' >copy.xml
echo data >disk1.img

# A world: a pool 'default' in /srv/images that runs, with a volume 'disk1'.
world() {
	for p in $(barepool pool-list --name); do barepool -q pool-destroy "$p"; done
	rm -rf "$T/config" "$T/run" "$T/srv"
	mkdir -p "$T/srv/images"
	cat >default.xml <<END
<pool type='dir'><name>default</name><uuid>$uuid</uuid>
<target><path>$T/srv/images</path></target></pool>
END
	barepool -q pool-define default.xml && barepool -q pool-start default &&
		barepool -q vol-create-as default disk1 4096
}
# What has to be so before an example, where it is not the world as it is.
before() {
	case $1 in
	init)		barepool -q pool-destroy default && barepool -q pool-undefine default ;;
	pool-start|pool-build|pool-undefine) barepool -q pool-destroy default ;;
	pool-delete)	barepool -q 'vol-delete disk1 default; pool-destroy default' ;;
	pool-define-as)	barepool -q 'pool-destroy default; pool-undefine default' ;;
	vol-create-as)	barepool -q vol-delete disk1 default ;;
	vol-chain|vol-check|vol-map)
			barepool -q vol-create-as default disk1.qcow2 4M --format qcow2 ;;
	vol-commit|vol-rebase)
		barepool -q vol-create-as default base.qcow2 4M --format qcow2 &&
			barepool -q vol-create-as default overlay.qcow2 4M --format qcow2 \
				--backing-vol base.qcow2 --backing-vol-format qcow2 ;;
	esac
}

barepool help | sed -n 's/^    \([a-z][a-z-]*\) .*/\1/p' >commands
[ "$(grep -c . commands)" -gt 40 ]
is 'help lists the commands' $? 0
while read -r command; do
	barepool help "$command" | sed -n '/^  EXAMPLES$/{n;s/^    //p;}' |
		sed "s|/srv/|$T/srv/|g" >example
	case $command in
	pool-edit)	EDITOR=true; export EDITOR ;;
	find-*|pool-grow) continue ;;	# these ask the host and the network; no device here
	vol-snapshot-*) continue ;;	# of thin volumes: tests/lab/logical_snapshot.sh
	pool-event|watch) sed -i 's/$/ --timeout 1/' example ;;	# it would wait for ever
	esac
	works "a world for $command" world
	before "$command" >"$T/out" 2>&1
	sh example >"$T/out" 2>&1
	status=$?
	want=0
	case $command in
	pool-event|cd)	want=1 ;;	# nothing has happened; only in a session
	esac
	[ $status -eq $want ] || show
	is "$(sed "s|$T||g" example)" $status $want
done <commands

done_testing
