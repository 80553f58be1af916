#!/bin/sh
# iscsi_faults.sh - servers that are away, silent, dying or back again; LUNs that vanish.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091,SC2086,SC2094,SC2154 # run from the top; $source is words
. tests/iscsi.sh

serve
target 1 "$IQN"
lun 1 1 d1 64M
lun 1 2 d2 64M
lun 1 3 d3 64M
setlun 1 3 readonly=1
head -c 64M /dev/urandom >"$T/bytes"
cp "$T/bytes" "$T/d1"

works 'a pool' bp pool-define-as p iscsi-direct $source
works 'and one that has no server' bp pool-create-as files dir --target "$T/files" --build
bp -q vol-create-as files v 1M

silent="error: pool 'p': server not responding: '127.0.0.1:3260' has said nothing for 1 s"

# ---- at the start ----------------------------------------------------------------------

freeze
says 'a server that is silent is not waited for' bp -q --timeout 1 pool-start p <<END
error: Failed to start pool p
$silent
[1]
END
fails 'nor when it is asked for its targets' bp --timeout 1 find-storage-pool-sources-as \
	iscsi-direct --host 127.0.0.1 --initiator $ME
has 'which is said' "$T/out" \
	"server not responding: '127.0.0.1:3260' has said nothing for 1 s"
thaw
works 'when it speaks again the pool starts' bp pool-start p
bp pool-destroy p >/dev/null
end_server
says 'one that is away is named' bp -q pool-start p <<END
error: Failed to start pool p
error: pool 'p': cannot connect to '127.0.0.1:3260': Connection refused
[1]
END
again() {
	serve
	target 1 "$IQN"
	lun 1 1 d1
	lun 1 2 d2
	lun 1 3 d3
	setlun 1 3 readonly=1
}
again
bp -q pool-define-as q iscsi-direct --source-host 127.0.0.1 --source-dev $IQN-not \
	--source-initiator $ME
says 'a target that is none' bp -q pool-start q <<END
error: Failed to start pool q
error: operation failed: pool 'q': '127.0.0.1:3260' has no target '$IQN-not'
[1]
END
bp -q pool-define-as nowhere iscsi-direct --source-host nowhere.invalid --source-dev $IQN \
	--source-initiator $ME
fails 'a host that is none' bp pool-start nowhere
has 'is said to be that' "$T/out" "cannot find the address of 'nowhere.invalid'"

# ---- while the pool is active ----------------------------------------------------------

works 'an active pool' bp pool-start p
freeze
for command in 'vol-list p --details' 'pool-refresh p' 'vol-info unit:0:0:1 p' \
	"vol-download unit:0:0:1 $T/back p" "vol-upload unit:0:0:1 $T/bytes p" \
	'vol-wipe unit:0:0:1 p'; do
	fails "$command of a silent server" bp --timeout 1 $command
	has 'names pool and server' "$T/out" "$silent"
done
bp --timeout 1 pool-info p >"$T/info"
has 'what is known of the pool is shown' "$T/info" 'State:          inaccessible'
has 'and why there is no more' "$T/info" "${silent#error: }"
works 'other pools do not wait for it' bp --timeout 60 vol-list files
works 'nor do paths of other pools' bp --timeout 60 vol-pool "$T/files/v"
works 'the pool can be stopped' bp --timeout 60 pool-destroy p
thaw
works 'and started again' bp pool-start p

# ---- in the middle of a transfer -------------------------------------------------------

# Nobody reads or writes more of the pipe than is said: the command waits in the middle.
mkfifo "$T/pipe"
working() { # COMMAND...: in the background, with its end of the pipe held open
	exec 3<>"$T/pipe"
	"$BAREPOOL" "$@" >"$T/out" 2>&1 &
	pid=$!
}
connected() { grep -q ' 0100007F:0CBC 01 ' /proc/net/tcp; }
stuck() { # in the pipe: its first byte has come, and nobody takes more
	timeout 60 dd bs=1 count=1 <&3 >"$T/first" 2>/dev/null
	until_true grep -q '^State:.S' /proc/$pid/status
}
ends() { # NAME TEXT: it ends with status 1, and says so
	exec 4<"$T/pipe" 3>&-
	cat <&4 >"$T/rest" &
	reader=$!
	exec 4<&-
	wait $pid
	is "$1" $? 1
	wait $reader
	has 'and says why' "$T/out" "$2"
}
lost="pool 'p': the connection to '127.0.0.1:3260' is lost"

working vol-download unit:0:0:1 "$T/pipe" p
stuck
end_server
ends 'a download from a server that dies' "$lost"
again
working --timeout 1 vol-download unit:0:0:1 "$T/pipe" p
stuck
freeze
ends 'a download from a server that falls silent' "$silent"
thaw
working vol-download unit:0:0:1 "$T/pipe" p
stuck
# tgtd gives up none that it is still reading
vanishes() { until_true adm --op delete --mode logicalunit --tid 1 --lun "$1"; }
vanishes 1
ends 'a download of a LUN that vanishes' 'the server has no such LUN (any more)'
lun 1 1 d1

# Volumes are copied slowly enough for something to happen meanwhile.
cat >"$T/over.xml" <<END
<volume><name>unit:0:0:1</name><capacity>1</capacity></volume>
END
cat >"$T/copy.xml" <<END
<volume><name>copy</name><capacity>1</capacity></volume>
END
slowly() { # COMMAND...
	"$BAREPOOL" "$@" --limit-rate 4M >"$T/out" 2>&1 &
	pid=$!
}
ended() { # NAME TEXT
	wait $pid
	is "$1" $? 1
	has 'and says why' "$T/out" "$2"
}
begun() { ! cmp -s -n 4096 "$1" /dev/zero; }
gone_lun='the server has no such LUN (any more)'
bp -q vol-create-as files big 64M --allocation 0
cp "$T/bytes" "$T/files/big"
truncate -s 0 "$T/d1"
truncate -s 64M "$T/d1"
slowly vol-create-from p "$T/over.xml" big --inputpool files --overwrite
until_true begun "$T/d1"
vanishes 1
ended 'a copy into a LUN that vanishes' "$gone_lun"
has 'which it names' "$T/out" "volume 'unit:0:0:1' is partly overwritten"
cp "$T/bytes" "$T/d1"
lun 1 1 d1
slowly vol-create-from files "$T/copy.xml" unit:0:0:1 --inputpool p --progress json
until_true grep -q '"done": *[1-9]' "$T/out"
vanishes 1
ended 'a copy of a LUN that vanishes' "$gone_lun"
is 'nothing is left of it' "$(ls -A "$T/files")" "$(printf 'big\nv')"
lun 1 1 d1

# A part is sent, then the server goes, then the rest.
upload() { # COMMAND: what happens after 8 MiB
	mkfifo "$T/in"
	"$BAREPOOL" --timeout 1 vol-upload unit:0:0:2 "$T/in" p >"$T/out" 2>&1 <"$T/in" &
	pid=$!
	{
		head -c 8M "$T/bytes"
		until_true connected
		"$@"
		tail -c +8388609 "$T/bytes" 2>/dev/null
	} >"$T/in" 2>/dev/null
	wait $pid
	status=$?
	rm "$T/in"
}
upload end_server
is 'an upload to a server that dies' $status 1
has 'says so' "$T/out" "$lost"
again
upload freeze
is 'to one that falls silent' $status 1
has 'says so' "$T/out" "$silent"
thaw
upload vanishes 2
is 'to a LUN that vanishes' $status 1
has 'says so' "$T/out" 'the server has no such LUN (any more)'
lun 1 2 d2
works 'what was interrupted goes on' bp vol-upload unit:0:0:2 "$T/bytes" p --resume
works 'to its end' cmp "$T/bytes" "$T/d2"
head -c 20M "$T/bytes" >"$T/back"
works 'and so does a download' bp vol-download unit:0:0:2 "$T/back" p --resume
works 'to the same bytes' cmp "$T/bytes" "$T/back"

# ---- LUNs that can only be read --------------------------------------------------------

for command in "vol-upload unit:0:0:3 $T/bytes p" 'vol-wipe unit:0:0:3 p'; do
	fails "$command" bp $command
	has 'says who does not let it' "$T/out" \
		"volume 'unit:0:0:3' can only be read: the server lets nobody write to LUN 3"
done
works 'reading it is another thing' bp vol-download unit:0:0:3 "$T/back" p

# ---- several hosts ---------------------------------------------------------------------

hosts() { # NAME HOST...
	{
		echo "<pool type='iscsi-direct'><name>$1</name><source>"
		shift
		for host; do echo "<host name='${host%:*}' port='${host#*:}'/>"; done
		echo "<device path='$IQN'/><initiator><iqn name='$ME'/></initiator></source></pool>"
	} >"$T/hosts.xml"
	bp -q pool-create "$T/hosts.xml"
}
works 'of two hosts the first is away' hosts h1 127.0.0.1:3999 127.0.0.1:3260
is 'paths are those of the first all the same' "$(bp vol-path unit:0:0:1 h1)" \
	"iscsi://127.0.0.1:3999/$IQN/1"
fails 'both are away' hosts h2 127.0.0.1:3998 127.0.0.1:3999
has 'both are named' "$T/out" "'127.0.0.1:3998': Connection refused; \
cannot connect to '127.0.0.1:3999': Connection refused"
TGT_IPC_SOCKET=$T/tgt/other tgtd -f -C 1 --iscsi portal=127.0.0.1:3997 >"$T/other" 2>&1 &
other=$!
until_true grep -q ':0F9D 00000000:0000 0A' /proc/net/tcp
stop $other
works 'the first is silent, and has its share of the time' sh -c "
	sed -i s/3998/3997/ '$T/hosts.xml'; sed -i s/3999/3260/ '$T/hosts.xml'
	'$BAREPOOL' --timeout 4 pool-create '$T/hosts.xml'"
kill -KILL $other

# ---- nothing is left -------------------------------------------------------------------

adm --op show --mode conn --tid 1 >"$T/sessions"
is 'the server has no session of ours' "$(cat "$T/sessions")" ''

done_testing
