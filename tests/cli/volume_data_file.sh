#!/bin/sh
# volume_data_file.sh - volumes whose data are in another volume, of this pool or another.
# SPDX-License-Identifier: LGPL-2.1-or-later
set -u
# shellcheck disable=SC1091 # tests are run from the top
. tests/lib.sh
needs qemu-img 'needs qemu-img'
needs qemu-io 'needs qemu-io'

mkdir "$T/p" "$T/q"
cd "$T/p" || exit
for pool in p q; do
	works "a pool, $pool" bp pool-define-as $pool dir --target "$T/$pool"
	works 'is started' bp pool-start $pool
done
io() { # IMAGE COMMAND...: in the pool directory, from where QEMU sees what it names
	image=$1
	shift
	for c; do set -- "$@" -c "$c"; shift; done
	qemu-io -f qcow2 "$@" "$image" >"$T/io" 2>&1 && ! grep -q failed "$T/io"
}
good() {
	for image; do
		works "QEMU finds nothing wrong with $image" qemu-img check -q -f qcow2 "$image"
	done
}
over() { # NAME BASE
	bp vol-create-as p "$1" 2M --format qcow2 --backing-vol "$2" --backing-vol-format qcow2
}
bp image create -q -f qcow2 -o data_file=a.data a 2M
bp image create -q -f qcow2 -o "data_file=$T/q/b.data,data_file_raw=on" b 2M
works 'something in it' io a 'write -P 7 0 1M'
works 'and in one whose data are in another pool' io b 'write -P 8 0 1M'
works 'an overlay' over top a

# ---- told ------------------------------------------------------------------------------

works 'its XML' bp vol-dumpxml a p
has 'names the file' "$T/out" "  <dataStore>"
cp "$T/out" "$T/a.xml"
says 'with its format' sed -n '/<dataStore>/,/<format/p' "$T/a.xml" <<'END'
  <dataStore>
    <path>$T/p/a.data</path>
    <format type='raw'/>
END
works 'what is beside it' bp vol-dumpxml b p
has 'too' "$T/out" "<path>$T/q/b.data</path>"
works 'asked for' bp vol-info a p
has 'it is told' "$T/out" "Data:           $T/p/a.data"
works 'who knows virsh only' vs vol-info a p
lacks 'is told what that tells' "$T/out" Data
works 'programs' bp --format json vol-list p --details
has 'are told' "$T/out" "\"data\": \"$T/q/b.data\""
tree() { # the names as they are drawn, and in what format they are, and the note
	bp -q vol-chain "$@" | sed -E 's/  +[0-9.]+ [KM]?i?B//g; s/ -  +-  / /
		s/([a-z0-9])  +/\1 /g; s/ +$//'
}
says 'its data come before what needs them' tree top p <<END
 a.data p raw data of 'a'
 \`- a p qcow2
    \`- top p qcow2 this volume
END
says 'and who needs them is told' tree a.data p <<END
 a.data p raw this volume
 \`- a p qcow2 has its data there
    \`- top p qcow2
END
says 'across pools' tree b p <<END
 b.data q raw data of 'b'
 \`- b p qcow2 this volume
END
says 'and the other way' tree b.data q <<END
 b.data q raw this volume
 \`- b p qcow2 has its data there
END
qemu-img create -q -f qcow2 -o data_file=gone.data -b a -F qcow2 other
rm gone.data
says 'beside others' tree a p <<END
 a.data p raw data of 'a'
 \`- a p qcow2 this volume
    |  gone.data p raw is not there
    |- other p qcow2
    \`- top p qcow2
END
works 'for programs' bp --format json vol-chain top p
has 'it is the data of one' "$T/out" '"data": {"volume": "a.data", "pool": "p"'
works 'and the other way' bp --format json vol-chain a.data p
has 'too' "$T/out" '"by_data": true'
works 'without what it needs it can go' bp vol-delete other p
has 'and what was named is told' "$T/out" \
	"warning: the data of vol other are still there, in '$T/p/gone.data'"

# ---- kept ------------------------------------------------------------------------------

cp a.data "$T/before"
printf x >"$T/x"
for what in 'vol-delete a.data p' 'vol-wipe a.data p' 'vol-resize a.data 1M p --shrink' \
	"vol-upload a.data $T/x p" 'vol-delete --force a.data p'; do
	# shellcheck disable=SC2086 # words
	fails "$what: no" bp $what
	has '... for whose sake' "$T/out" "volume 'a.data' has the data of volume 'a'"
	has '... and what to do' "$T/out" 'hint: delete those first; with --force-backing'
done
works 'nothing of it was changed' cmp "$T/before" a.data
fails 'nor are data of another pool taken away' bp vol-delete b.data q
has '... from whom' "$T/out" "has the data of volume 'b' of pool 'p', which would be lost"
ln -s p "$T/alias"
works 'another name of the same' qemu-img amend -f qcow2 -o "data_file=$T/alias/a.data" a
fails 'is the same' bp vol-delete a.data p
has '...' "$T/out" "has the data of volume 'a'"
works 'as it was' qemu-img amend -f qcow2 -o data_file=a.data a
fails 'who wipes the image means its data' bp vol-wipe a p
has '... which are elsewhere' "$T/out" "volume 'a' has its data in '$T/p/a.data'"
works 'and does that so' bp vol-wipe b.data q --force-backing
works 'then nothing is left' io b 'read -P 0 0 2M'
works 'until something is written' io b 'write -P 8 0 1M'

# ---- used ------------------------------------------------------------------------------

works 'where its parts are' bp vol-map a p
has '... in the other volume' "$T/out" '0               0x100000        0               a.data'
works 'in another pool' bp vol-map b p
has '... by its path' "$T/out" " $T/q/b.data"
for v in a b; do
	works "$v grows" bp vol-resize $v 4M p
	works '... with its data' io $v "write -P 6 3M 1M"
	good $v
done
is 'which are as large' "$(stat -c %s a.data "$T/q/b.data")" "$(printf '4194304\n4194304')"
works 'it shrinks' bp vol-resize b 1M p --shrink
works '... to what is left' io b 'read -P 8 0 1M'
good b
is 'and so do they' "$(stat -c %s "$T/q/b.data")" 1048576
fails 'no space is taken' bp vol-resize a 8M --allocate p
has '... in advance' "$T/out" 'preallocate is only supported for raw'
fails 'it has no snapshots inside' bp vol-snapshot-create a s p
has '... and why' "$T/out" 'the data of the image is in another file'
works 'of which there are none' bp vol-snapshot-list a p
works 'it is whole' bp vol-check a p
works 'or made so' bp vol-check a --repair all p

works 'an overlay has something new' io top 'write -P 9 1M 64k'
works 'that is committed' bp vol-commit top p
works '... to where the data are' io a 'read -P 9 1M 64k' 'read -P 7 0 1M'
good a top
qemu-img create -q -f qcow2 -o data_file=own.data -b b -F qcow2 own
works 'one that has both' io own 'write -P 3 64k 64k'
works 'is committed, too' bp vol-commit own p
works '... across pools' io b 'read -P 3 64k 64k' 'read -P 8 0 64k'
works 'or put on another' bp vol-rebase own p --backing-vol a --backing-vol-format qcow2
works '... and shows the same' io own 'read -P 3 64k 64k' 'read -P 8 0 64k' 'read -P 8 128k 896k'
good own b

works 'it is downloaded' bp vol-download a "$T/tables" p
has '... which are its tables' "$T/out" "warning: '$T/tables' has only the tables of vol a:"
has '... and where the rest is' "$T/out" "its data are in '$T/p/a.data', which has to be downl"
works 'programs' bp --format json vol-download a "$T/tables" p
has '... are told, too' "$T/out" '{"warning": '
works 'who knows virsh only' vs vol-download a "$T/tables" p
is '... is told what that tells' "$(cat "$T/out")" ''
works 'others' bp vol-download a.data "$T/data" p
is '... are whole' "$(cat "$T/out")" ''
works 'a volume' bp vol-create-as p up 4M --format qcow2
works 'that is uploaded' bp vol-upload up "$T/tables" p
has '... has its data elsewhere' "$T/out" "which has to be uploaded, too"
works 'and replaced' bp vol-upload up top p
has '... by one that has not' "$T/out" "warning: the data of vol up are still there, in"
works 'it can go' bp vol-delete up p

# ---- with others -----------------------------------------------------------------------

cp own twin
works 'two that share their data' io twin 'read -P 3 64k 64k'
for what in 'vol-resize own 512k --shrink p' 'vol-rebase own --flatten p'; do
	# shellcheck disable=SC2086 # words
	fails "$what: not while another has them" bp $what
	has '... which' "$T/out" "has the data of volume 'twin', which would change"
done
rm twin
mv a.data elsewhere
fails 'without its data nothing is mapped' bp vol-map a p
has '... which is told' "$T/out" "data of volume 'a': no storage vol with matching path 'a.data'"
fails 'nor resized' bp vol-resize a 8M p
works 'but it is told of' bp vol-info a p
mv elsewhere a.data
mkdir "$T/r"
cp a.data "$T/r"
works 'data in no pool' bp image amend -f qcow2 -o "data_file=$T/r/a.data" a
fails '... are not touched' bp vol-resize a 8M p
has '... and why' "$T/out" 'is no volume of an active pool of this host'
works 'but named' bp vol-chain a p
has '...' "$T/out" 'is no volume of an active pool'
works 'in it again' bp image amend -f qcow2 -o data_file=a.data a
qemu-img create -q -f qcow2 -o data_file=loop.data loop 1M
rm loop.data
ln loop loop.data
cp loop "$T/before"
fails 'no image is its own data' bp vol-resize loop 2M p
works '... nor changed' cmp loop "$T/before"
rm loop loop.data
qemu-img create -q -f qcow2 -o data_file=base.data base.data.q 1M
qemu-img create -q -f qcow2 -u -o data_file=base.data -b base.data.q -F qcow2 two 1M
fails 'nor those of two of one chain' bp vol-map two p
has '...' "$T/out" "volume 'base.data' is used twice, for data and otherwise"
# shellcheck disable=SC2094 # a pipe
mkfifo "$T/go"
(echo 'write 0 512'; cat "$T/go") | qemu-io -f raw a.data >"$T/held" 2>&1 &
until_true grep -q ops "$T/held"
fails 'data in use' bp vol-resize a 8M p
has '... are somebody elses' "$T/out" "data of volume 'a'"
fails '... and not looked at' bp vol-map a p
echo quit >"$T/go"
wait

fails 'such a volume is not made' bp vol-create p "$T/a.xml"
has '... but told of' "$T/out" 'can be told of, but not be made from XML'
works 'the one that is wiped' bp vol-delete top p
works 'a volume that has one is copied' bp vol-clone a copy p
is 'with its data, and into no file that others have' \
	"$(bp image info copy | grep -c 'data file')" 0
works 'all of them' qemu-img compare -q -f qcow2 -F qcow2 a copy
bp -q vol-delete own p >"$T/out" 2>&1
works 'it is deleted' bp vol-delete a p
has '... and what stays' "$T/out" "warning: the data of vol a are still there, in '$T/p/a.data'"
works 'is a volume as others are' bp vol-delete a.data p
done_testing
