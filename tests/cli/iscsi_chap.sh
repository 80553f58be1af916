#!/bin/sh
# iscsi_chap.sh - who may use an iSCSI target, by libvirt's secrets; and where those show.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091,SC2013,SC2154 # tests are run from the top
. tests/iscsi.sh

OURS=barepool-says-nothing-1 THEIRS=barepool-says-nothing-2
U=11111111-1111-4111-8111-111111111111 V=22222222-2222-4222-8222-222222222222
secrets=$T/secrets		# beside the directory of pools
mkdir "$secrets"

# secret UUID USAGE VALUE [TYPE ELEMENT]
secret() {
	cat >"$secrets/$1.xml" <<-END
	<secret ephemeral='no' private='yes'>
	  <uuid>$1</uuid>
	  <usage type='${4:-iscsi}'>
	    <${5:-target}>$2</${5:-target}>
	  </usage>
	</secret>
	END
	printf %s "$3" | base64 | tr -d '\n' >"$secrets/$1.base64"
	chmod 600 "$secrets/$1".*
}

# pool [AUTH [MORE]]
pool() {
	cat >"$T/p.xml" <<-END
	<pool type='iscsi-direct' xmlns:b='urn:barepool:pool:1'>
	  <name>p</name><uuid>33333333-3333-4333-8333-333333333333</uuid>
	  <source>
	    <host name='127.0.0.1'/>
	    <device path='$IQN'/>
	    <initiator><iqn name='$ME'/></initiator>
	    ${1-}
	  </source>
	  ${2-}
	</pool>
	END
	bp -q pool-define "$T/p.xml" >/dev/null
}
by_usage="<auth type='chap' username='joe'><secret usage='t1'/></auth>"
by_uuid="<auth type='chap' username='joe'><secret uuid='$U'/></auth>"
start() { bp -q pool-start p; }
again() { bp -q pool-destroy p >/dev/null; }

serve
target 1 "$IQN"
lun 1 1 d1 16M
adm --op new --mode account --user joe --password $OURS
adm --op bind --mode account --tid 1 --user joe
adm --op new --mode account --user store --password $THEIRS
adm --op bind --mode account --tid 1 --user store --outgoing

# ---- one way ---------------------------------------------------------------------------

pool
rmdir "$secrets"
says 'nobody is let in without a name' start <<END
error: Failed to start pool p
error: access denied: pool 'p': '127.0.0.1:3260' does not let initiator '$ME' in without a \
user and a secret (CHAP)
[1]
END
pool "$by_usage"
says 'without secrets' start <<END
error: Failed to start pool p
error: Secret not found: no secret with matching usage 't1': there are no secrets in '\$T/secrets'
[1]
END
mkdir "$secrets"
says 'without this one' start <<END
error: Failed to start pool p
error: Secret not found: no secret with matching usage 't1'
[1]
END
secret $V t1 $OURS ceph name
secret $U t1 $OURS
works 'with it, by its usage' start
works 'the LUN is read' bp vol-download unit:0:0:1 "$T/back" p
again
pool "$by_uuid"
works 'by its UUID' start
again
secret $U t1 not-$OURS
says 'a wrong one is refused' start <<END
error: Failed to start pool p
error: access denied: pool 'p': '127.0.0.1:3260' refuses user 'joe': the name or the secret \
is not the one it knows
[1]
END
rm "$secrets/$U.base64"
says 'one without a value is none' start <<END
error: Failed to start pool p
error: Secret not found: secret '$U' does not have a value
[1]
END
secret $U t1 ''
says 'an empty one neither' start <<END
error: Failed to start pool p
error: unsupported configuration: the secret of user 'joe' is empty, and no secret for CHAP
[1]
END
printf 'a%%b' >"$secrets/$U.base64"
says 'nor what is no base64' start <<END
error: Failed to start pool p
error: internal error: secret '\$T/secrets/$U.base64' is not base64
[1]
END
secret $U t1 "$(printf '%300s' x)"
fails 'one that is too long is not cut off' start
has 'but refused' "$T/out" 'longer than'
secret $U t1 $OURS
chmod 644 "$secrets/$U.base64"
says 'one that others can read is not used' start <<END
error: Failed to start pool p
error: access denied: secret '\$T/secrets/$U.base64' can be read by others (mode 0644); make \
it its owner's alone: chmod 600
[1]
END
chmod 600 "$secrets/$U.base64"
mv "$secrets/$U.base64" "$T/elsewhere"
ln -s "$T/elsewhere" "$secrets/$U.base64"
fails 'a link is not followed' start
rm "$secrets/$U.base64"
mkfifo "$secrets/$U.base64"
fails 'a FIFO is not waited for' start
rm "$secrets/$U.base64"
secret $U t1 $OURS
echo '<secret' >"$secrets/$V.xml"
pool "$by_usage"
works 'a definition that is broken is nobody'"'"'s' start
again
rm "$secrets/$V".*

# ---- both ways -------------------------------------------------------------------------

secret $V t2 $THEIRS
pool "$by_usage" "<b:mutual username='store' usage='t2'/>"
bp pool-dumpxml p >"$T/xml"
has 'what the target must prove is kept' "$T/xml" "<barepool:mutual username='store' usage='t2'/>"
works 'it proves it' start
again
secret $V t2 not-$THEIRS
fails 'one that does not is not used' start
has 'and is named' "$T/out" "does not prove that it knows the secret of 'store'"
pool "$by_usage" "<b:mutual username='store' uuid='$U'/>"
fails 'our own secret proves nothing' start
pool "$by_usage" "<b:mutual username='store' usage='t2'/>"
works 'a definition is held against the schema' bp pool-define "$T/p.xml" --validate
sed -i '/<auth/d' "$T/p.xml"
fails 'who asks must have said who he is' bp pool-define "$T/p.xml"
has 'and is told so' "$T/out" '<auth> is missing in <source>'

# ---- where it shows --------------------------------------------------------------------

pool "$by_usage" "<b:mutual username='store' usage='t2'/>"
secret $V t2 $THEIRS
works 'a pool for what comes' start
BAREPOOL=$T/bin/barepool
if command -v strace >/dev/null; then
	strace -f -s 10000 -o "$T/trace" "$BAREPOOL" vol-list p >/dev/null
	lacks 'no call but the one that reads it has the secret' "$T/trace" $OURS
else
	skip 'no call shows the secret' 'needs strace'
fi
# core_of COMMAND...: what a core file has of it, when it waits for the first time.
connected() { grep -q ' 0100007F:0CBC 01 ' /proc/net/tcp; }
core_of() {
	rm -f "$T"/core*
	(cd "$T" && exec prlimit --core=unlimited "$@") >/dev/null 2>&1 &
	pid=$!
	until_true connected && until_true grep -q '^State:.S' /proc/$pid/status
	kill -ABRT $pid
	wait $pid 2>/dev/null
	for file in "$T"/core.*; do
		[ ! -e "$file" ] || mv "$file" "$T/core"
	done
}
# says_nothing WHAT: there is a core file, and no secret in it.
says_nothing() {
	if [ ! -s "$T/core" ]; then
		skip "$1 has no secret in a core file" 'it leaves none (here, or in this build)'
		return
	fi
	has "$1, and its core file" "$T/core" joe
	lacks 'has no secret' "$T/core" $OURS
	lacks 'of either' "$T/core" $THEIRS
}
freeze
core_of "$BAREPOOL" --timeout 60 vol-list p
says_nothing 'a command that logs in'
thaw
until_true sh -c '! grep -q " 0100007F:0CBC 01 " /proc/net/tcp'
mkfifo "$T/pipe"
exec 3<>"$T/pipe"	# nobody reads it
core_of "$BAREPOOL" vol-download unit:0:0:1 "$T/pipe" p
exec 3>&-
says_nothing 'one that has logged in'

# ---- the search of targets ---------------------------------------------------------------

adm --op bind --mode account --user joe		# no target: to be told of any
search() { # TYPE [AUTH]
	cat >"$T/hint.xml" <<-END
	<source><host name='127.0.0.1'/><initiator><iqn name='$ME'/></initiator>${2-}</source>
	END
	bp find-storage-pool-sources "$1" "$T/hint.xml"
}
secret $U t1 $OURS
for type in iscsi-direct iscsi; do
	bp pool-capabilities --table | grep -q "^ $type  *yes" || continue
	fails 'without a name no target is told' search $type
	has 'and it is said what to do' "$T/out" 'without a user and a secret (CHAP)'
	works 'with one it is' search $type "$by_usage"
	has 'by its name' "$T/out" "<device path='$IQN'/>"
	secret $U t1 another-secret-3
	fails 'not with a wrong secret' search $type "$by_uuid"
	has 'which is said' "$T/out" "refuses user 'joe'"
	lacks 'and not shown' "$T/out" another-secret
	secret $U t1 $OURS
done
done_testing
