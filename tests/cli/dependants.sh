#!/bin/sh
# dependants.sh - volumes that others have as their backing store are not taken from them.
# SPDX-License-Identifier: LGPL-2.1-or-later
set -u
# shellcheck disable=SC1091 # tests are run from the top
. tests/lib.sh

mkdir "$T/p"
works 'a pool' bp pool-define-as p dir --target "$T/p"
works 'is started' bp pool-start p
over() { # NAME BASE: an overlay
	bp vol-create-as p "$1" 8M --format qcow2 --backing-vol "$2" --backing-vol-format qcow2
}
works 'an image' bp vol-create-as p base 8M --format qcow2
works 'with a snapshot' bp vol-snapshot-create base one p
works 'and an overlay' over top base
works 'of which there is another' over high top

fails 'the base is not deleted' bp vol-delete base p
has 'who needs it is named' "$T/out" \
	"volume 'base' is the backing store of volume 'top', which would be lost with it"
has '... and what to do' "$T/out" 'hint: delete those first, or give them another backing store'
has '... if not that' "$T/out" '--force-backing'
cp "$T/p/base" "$T/before"
printf x >"$T/x"
for what in 'vol-wipe base p' 'vol-resize base 4M p --shrink' "vol-upload base $T/x p" \
	'vol-snapshot-revert base one p' 'vol-delete --force base p'; do
	# shellcheck disable=SC2086 # words
	fails "$what: no" bp $what
	has '... for whose sake' "$T/out" "volume 'base' is the backing store of volume 'top'"
done
works 'nothing of it was changed' cmp "$T/before" "$T/p/base"
fails 'nor is what lies between taken away' bp vol-delete top p
has '... for whose sake' "$T/out" "of volume 'high'"
works 'it may become larger' bp vol-resize base 16M p
works 'and have snapshots' bp vol-snapshot-create base two p
works 'and lose them' bp vol-snapshot-delete base two p
works 'what nobody is based on is resized' bp vol-resize high 4M p --shrink
works 'and deleted' bp vol-delete high p

# Who knows virsh only is told the same.
fails 'the other name' vs vol-delete base p
has '... names them, too' "$T/out" "is the backing store of volume 'top', which would be lost"
lacks '... but no option that virsh has not' "$T/out" force

for i in 01 02 03 04 05 06 07 08 09 10; do over "t$i" base >/dev/null; done
fails 'of many' bp vol-delete base p
has '... some are named' "$T/out" "and 3 others, which would"
bp -q "$(for i in 01 02 03 04 05 06 07 08 09 10; do printf 'vol-delete t%s p;' $i; done)"

# ---- by other names -----------------------------------------------------------
ln -s p "$T/alias"
names() { # NAME: what the overlay calls its base
	bp image rebase -u -b "$1" -F qcow2 "$T/p/top" >"$T/out" 2>&1 || show
}
for name in base ./base "../p/base" "$T/alias/base" "$T//p/./base" "$T/alias/../p/base"; do
	names "$name"
	fails "called $name it is the same" bp vol-delete base p
	has '... and needed' "$T/out" "of volume 'top'"
done
mkdir "$T/q" "$T/p/sub"
for name in "$T/q/base" ../q/base sub/base "$T/none/base" nbd://127.0.0.1/base json:base other; do
	names "$name"
	cp "$T/p/base" "$T/saved"
	works "$name is another" bp vol-delete base p
	cp "$T/saved" "$T/p/base"
done
ln -s base "$T/p/link"
names link
fails 'what a link leads to' bp vol-delete base p
has '... is needed' "$T/out" "of volume 'top'"
fails 'so is the link' bp vol-delete link p
fails 'and what is behind it is not wiped' bp vol-wipe base p
names base
fails 'nor through the link' bp vol-wipe link p
works 'a link that nobody has named can go' bp vol-delete link p
printf 'QFI\373\0\0\0\2' >"$T/p/broken"
ln -s /nowhere/base "$T/p/dangling"
mkfifo "$T/p/fifo"
fails 'what cannot be read is no help' bp vol-delete base p
has '... and no harm' "$T/out" "of volume 'top'"

# ---- meant ---------------------------------------------------------------------
works 'it is resized when that is meant' bp vol-resize base 8M p --shrink --force-backing
works 'and gone back to what it was' bp vol-snapshot-revert base one p --force-backing
works 'and written into' bp vol-upload base "$T/before" p --force-backing
works 'and wiped' bp vol-wipe base p --force-backing
works 'and deleted' bp vol-delete base p --force-backing
works 'then its overlay can be deleted' bp vol-delete top p

# ---- from other pools -----------------------------------------------------------
mkdir "$T/near" "$T/far"
ln -s near "$T/near.link"
works 'another pool' bp pool-create-as near dir --target "$T/near"
works 'and one that is not active' bp pool-define-as far dir --target "$T/far"
works 'a base' bp vol-create-as p base 8M --format qcow2
works 'with a snapshot' bp vol-snapshot-create base one p
overlay() { # FILE BASE
	bp image create -q -f qcow2 -b "$2" -F qcow2 "$1" 8M >"$T/out" 2>&1 || show
}
overlay "$T/near/top" "$T/p/base"
cp "$T/p/base" "$T/before"
for what in 'vol-delete base p' 'vol-wipe base p' 'vol-resize base 4M p --shrink' \
	"vol-upload base $T/x p" 'vol-snapshot-revert base one p'; do
	# shellcheck disable=SC2086 # words
	fails "an overlay in another pool; $what: no" bp $what
	has '... for whose sake' "$T/out" \
		"volume 'base' is the backing store of volume 'top' of pool 'near', which would"
done
works 'nothing of it was changed' cmp "$T/before" "$T/p/base"
file='{"driver":"file","aio":"threads","x":[1],"filename":"'$T/p/base'"}'
for named in "file:$T/p/base" 'json:{"driver":"qcow2","file":'"$file}" \
	'json:{"read-only":true,"file.filename":"'"$T/p/base"'"}'; do
	for top in near p; do
		rm -f "$T/near/top" "$T/p/topped"
		over=$T/near/top
		[ $top = near ] || over=$T/p/topped
		bp image create -q -f qcow2 -u -b "$named" -F qcow2 "$over" 8M || exit 1
		fails "an overlay names it as QEMU can, in $top: $named" bp vol-delete base p
		has '... for whose sake' "$T/out" "'base' is the backing store of volume 'top"
	done
done
rm "$T/p/topped"
overlay "$T/near/top" "$T/p/base"
overlay "$T/near/top" ../p/base
fails 'named from there' bp vol-delete base p
over own base >"$T/out"
fails 'both are named' bp vol-delete base p
has '... each with where it is' "$T/out" "of volumes 'own', 'top' of pool 'near', which would"
works 'and the one commits into it if that is meant' bp vol-commit own p --force-backing
fails '... but not else' bp vol-commit own p
has '... for whose sake' "$T/out" "of volume 'top' of pool 'near', which would change with it"
bp -q vol-delete own p
ln -s base "$T/p/link"
overlay "$T/near/top" "$T/p/link"
fails 'by a link' bp vol-delete base p
fails '... which is not taken away' bp vol-delete link p
overlay "$T/near/top" "$T/p/base"
works '... where nobody has named it, it is' bp vol-delete link p

# libvirt does not see that these are the same.
sed "s|<name>near|<name>twin|; s|<uuid>....|<uuid>0000|; s|$T/near<|$T/near.link<|" \
	"$T/run/near.xml" >"$T/run/twin.xml"
works 'two pools with one directory are one: a base' bp vol-create-as near base2 8M --format qcow2
overlay "$T/near/top2" base2
fails '... has one overlay' bp vol-delete base2 near
has '... that is named once' "$T/out" "of volume 'top2', which"
works '... which is committed' bp vol-commit top2 near
bp -q 'pool-destroy twin; vol-delete top2 near; vol-delete base2 near'

mv "$T/near/top" "$T/far/top"
works 'a pool that is not active is not asked' bp vol-delete base p
cp "$T/before" "$T/p/base"
works '... it is started' bp pool-start far
chmod 0 "$T/far/top"
[ "$(id -u)" -eq 0 ] || chmod 600 "$T/far/top"
fails '... and asked' bp vol-delete base p
works '... unless nobody is to be' bp vol-delete base p --force-backing
bp -q 'pool-destroy far; pool-destroy near'

# ---- who is made while another is taken away -----------------------------------
# Of many that are started at the same time, some find the base and some do not; those that
# were made have it.
works 'a base' bp vol-create-as p base 8M --format qcow2
for i in 1 2 3 4 5 6 7 8; do
	over "r$i" base >"$T/over.$i" 2>&1 &
	[ "$i" -ne 4 ] || bp vol-delete base p >"$T/deleted" 2>&1 &
done
wait
made=$(find "$T/p" -name 'r?' | wc -l)
if [ -e "$T/p/base" ]; then
	ok "the base stays for those that were made: $made"
else
	is 'the base is gone, and none was made' "$made" 0
fi

# ---- what it costs --------------------------------------------------------------
if ! command -v strace >/dev/null; then
	skip 'what it costs' 'needs strace'
	done_testing
fi
# calls COMMAND...: how many system calls for files it takes.  Those for memory and threads
# are as many as the machine's load and a sanitizer want.
calls() {
	strace -f -qq -e trace=%file,%desc -e signal=none -o "$T/trace" "$@" >/dev/null 2>&1
	grep -Evc 'resumed|mmap' "$T/trace"
}
mkdir "$T/many"
works 'another pool' bp pool-define-as many dir --target "$T/many"
works 'is started' bp pool-start many
i=0
while [ $i -lt 1001 ]; do
	i=$((i + 1))
	truncate -s 4096 "$T/many/v$i"
done
few=$(calls "$T/bin/barepool" vol-delete v1 many --force-backing)
all=$(calls "$T/bin/barepool" vol-delete v2 many)
echo "# of 1,000 volumes, $((all - few)) calls: each is opened, read from and closed"
few_calls() {
	awk '{ sub(/\(.*/, "", $2); n[$2]++ } END { for (c in n) print n[c], c }' "$T/trace"
	[ $((all - few)) -lt 3300 ]
}
works 'each volume costs three system calls, and little more' few_calls
done_testing
