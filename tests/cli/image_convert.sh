#!/bin/sh
# image_convert.sh - image convert, judged by qemu-img.
# SPDX-License-Identifier: LGPL-2.1-or-later
set -u
# shellcheck disable=SC1091 # tests are run from the top
. tests/lib.sh
needs qemu-img 'needs qemu-img'
needs qemu-io 'needs qemu-io'

ln -s "$BAREPOOL" "$T/bin/qemu-img"
mkdir "$T/w"
cd "$T/w" || exit 1

# Data that pack well and data that do not, holes, and an end within a cluster.
truncate -s 6M src
head -c 1500000 /dev/urandom | dd of=src bs=4k seek=300 conv=notrunc status=none
seq 100000 | dd of=src bs=1000 seek=3333 conv=notrunc status=none
printf x | dd of=src bs=1 seek=6291455 conv=notrunc status=none
truncate -s +1536 src

# made WORDS...: src becomes what qemu-img finds nothing wrong with, and the same bytes for any
# number of threads; and comes back.
make_it() {
	bp image convert --threads 1 "$@" src out &&
		bp image convert --threads 4 "$@" src out4 && cmp out out4 &&
		qemu-img check -q out && qemu-img compare -q src out &&
		bp image convert --verify -O raw out back && cmp src back
}
made() {
	works "convert $*" make_it "$@"
}
made -O qcow2
made -O qcow2 -c
is 'it is compressed' "$(qemu-img check out | grep -c '[1-9][0-9.]*% compressed')" 1
bp image convert -O qcow2 -c --level 1 src fast
bp image convert -O qcow2 -c --level 12 src small
is 'more, at a higher level' \
	"$([ "$(stat -c %s small)" -lt "$(stat -c %s fast)" ] && echo yes)" yes
made -O qcow2 -c -o compression_type=zstd
for o in cluster_size=512 cluster_size=4k,refcount_bits=1 cluster_size=2M,refcount_bits=64 \
	compat=0.10 extended_l2=on,cluster_size=16k; do
	made -O qcow2 -o $o
	made -O qcow2 -c -o $o
done
for o in metadata falloc full; do made -O qcow2 -o preallocation=$o; done
made -O qcow2 -S 0
is 'all of it is there' "$(qemu-img check out | grep -c '^97/97 = 100.00% allocated')" 1
made -O qcow2 -S 64k
made -O qcow2 -C --no-reflink -W -m 16 -t none -T writeback

works 'holes stay holes' bp image convert -O raw src out
is 'in a raw file' "$([ "$(stat -c %b out)" -le "$(stat -c %b src)" ] && echo yes)" yes
works 'or are filled' bp image convert -O raw -S 0 src out
is 'with zeros' "$([ "$(stat -c %b out)" -ge 12288 ] && echo yes)" yes
works 'several are put one behind the other' bp image convert -O qcow2 src src out
cat src src >both
works 'in that order' qemu-img compare -q both out

# What others have made.
theirs() {
	qemu-img convert -O qcow2 -c -o "$1" src theirs &&
		bp image convert -O raw theirs back && cmp src back
}
for o in compat=0.10 cluster_size=512 extended_l2=on compression_type=zstd; do
	works "qemu-img's, with $o" theirs $o
done

# Compressed clusters that stand in another order than the guest's, between those of others.
qemu-img create -q -f qcow2 -o cluster_size=4k mixed 64k
for at in 60 0 4 8 56 12 52 48 20 24 16 44 40 28 36; do
	set -- "$@" -c "write -c -P $((at + 1)) ${at}k 4k"
done
qemu-io "$@" mixed >/dev/null
set --
qemu-img convert -O raw mixed mixed.raw
works 'compressed clusters in any order' bp image convert --threads 2 -O raw mixed back
works 'are read as they are' cmp mixed.raw back

# Backing files.
qemu-img create -q -f qcow2 base 6M
qemu-io -c 'write -P 1 0 4M' base >/dev/null
qemu-img create -q -f qcow2 -b base -F qcow2 over 8M
qemu-io -c 'write -P 2 1M 256k' -c 'write -z 2M 1M' -c 'write -P 3 7M 100k' \
	-c 'write -P 4 70k 1k' over >/dev/null
flatten() {
	rm -f flat kept
	bp image convert "$@" -O qcow2 over flat && qemu-img check -q flat &&
		qemu-img compare -q over flat &&
		bp image convert "$@" -O qcow2 -B base -F qcow2 over kept &&
		qemu-img check -q kept && qemu-img compare -q over kept
}
for to in '' '-c' '-o compat=0.10' '-o extended_l2=on'; do
	# shellcheck disable=SC2086 # words
	works "flattened, and not: $to" flatten $to
	is 'one has none' "$(qemu-img info flat | grep -c 'backing file')" 0
	is 'and one has it still' "$(qemu-img info kept | grep -c '^backing file: base')" 1
done
is 'which keeps what is its own' "$([ "$(stat -c %b kept)" -lt 2000 ] && echo yes)" yes

# What nothing lies below is zeros, and not what another backing file has there.
zeros_stay() { # SOURCE WORDS...
	rm -f kept
	bp image convert "$@" -O qcow2 -B base -F qcow2 kept &&
		qemu-img check -q kept && qemu-img compare -q "$1" kept
}
qemu-img create -q -f qcow2 alone 6M
qemu-io -c 'write -P 5 1M 64k' alone >/dev/null
qemu-img create -q -f qcow2 short 2M
qemu-io -c 'write -P 1 0 2M' short >/dev/null
qemu-img create -q -f qcow2 -b short -F qcow2 tall 6M
qemu-io -c 'write -P 6 3M 64k' tall >/dev/null
for from in alone tall; do
	for to in '' '-c' '-o compat=0.10' '-S 0'; do
		# shellcheck disable=SC2086 # words
		works "$from, based on another: $to" zeros_stay $from $to
	done
	qemu-img create -q -f qcow2 -b base -F qcow2 into
	qemu-io -c 'write -P 7 2M 4M' into >/dev/null
	bp image convert -n -O qcow2 -B base -F qcow2 $from into
	works "$from, into one that is based on another" qemu-img compare -q $from into
done
rm alone short tall into

# Into what is there.
head -c 7M /dev/urandom >there
works 'into a file that is there' bp image convert -n -O raw src there
is 'which keeps its size' "$(stat -c %s there)" 7340032
works 'and has all of it, holes too' cmp -n 6292992 src there
head -c 1M /dev/urandom >there
fails 'not if it is too small' bp image convert -n -O raw src there
has 'which is said' "$T/out" 'output file is smaller than input file'
truncate -s 0 there
truncate -s 7M there
works 'nothing but data, where zeros are' bp image convert -n --target-is-zero -O raw src there
is 'so it has holes' "$([ "$(stat -c %b there)" -lt 12288 ] && echo yes)" yes
works 'with the bytes' cmp -n 6292992 src there

# Into an image, of which the rest stays: its snapshots, what is behind the source's end.
qemu-img create -q -f qcow2 under 8M
qemu-io -c 'write -P 9 0 8M' under >/dev/null
into() { # NAME OPTIONS...: of the image that is there
	rm -f into
	qemu-img create -q -f qcow2 "$@" into 8M &&
		qemu-io -c 'write -P 7 1M 3M' -c 'write -P 8 6M 1M' into >/dev/null &&
		qemu-img snapshot -c kept into && qemu-io -c 'write -P 6 2M 64k' into >/dev/null &&
		qemu-img convert -O raw into want && qemu-img convert -l kept -O raw into earlier &&
		dd if=src of=want conv=notrunc status=none &&
		bp image convert -n --verify -O qcow2 src into &&
		qemu-img check -q into && qemu-img compare -q -F raw into want &&
		qemu-img convert -l kept -O raw into now && cmp earlier now
}
for o in compat=1.1 compat=0.10 extended_l2=on cluster_size=512 cluster_size=2M; do
	works "into an image, $o" into -o $o
	works '... that has a backing file' into -o $o -b under -F qcow2
done

# Zeros stay so with a backing file that comes later; version 2 has no word for them.
qemu-img create -q -f raw zeros 8M
for compat in 1.1 0.10; do
	qemu-img create -q -f qcow2 -o compat=$compat later 8M
	cp later asqemu
	works "zeros into an empty image, $compat" bp image convert -n -O qcow2 zeros later
	qemu-img convert -n -O qcow2 zeros asqemu
	is 'as QEMU does' "$(qemu-img map --output=json later)" \
		"$(qemu-img map --output=json asqemu)"
done
fails '-o has no effect then' bp image convert -n -o compat=1.1 -O qcow2 zeros later
has 'which is said' "$T/out" '-o has no effect when skipping image creation'
works '-B needs no format then' bp image convert -n -B under -O qcow2 zeros later

# Clusters smaller than the zeros that are worth a hole.
qemu-img create -q -f raw grains 1M
for at in 0 8 17 300 301 777; do
	printf x | dd of=grains bs=1k seek=$at conv=notrunc status=none
done
dd if=grains of=full bs=1M status=none
for s in 1k 4k 8k 64k; do
	bp image convert -S $s -O qcow2 -o cluster_size=1k full ours
	qemu-img convert -S $s -O qcow2 -o cluster_size=1k full theirs
	is "as many holes as QEMU leaves, -S $s" \
		"$(qemu-img map --output=json ours | sed 's/, "offset".*//')" \
		"$(qemu-img map --output=json theirs | sed 's/, "offset".*//')"
done
rm zeros later asqemu grains full ours theirs

works 'bytes, where zeros are not looked for' bp image convert -n -S 0 -O qcow2 src into
works '... the same' qemu-img compare -q -F raw into want
qemu-img create -q -f qcow2 -b under -F qcow2 into 8M
works 'what is zero already is left' bp image convert -n --target-is-zero -O qcow2 src into
is '... to the backing file' "$(qemu-io -r -c 'read -P 9 0 1M' into | grep -c failed)" 0
cp into before
fails 'not compressed' bp image convert -n -c -O qcow2 src into
has 'which is said' "$T/out" 'can be neither compressed nor salvaged'
fails 'nor into a smaller one' bp image convert -n -O qcow2 under base
has 'which is said, too' "$T/out" 'output file is smaller than input file'
fails 'nor into what is none' bp image convert -n -O qcow2 src there
fails 'nor of a format that is only made anew' bp image convert -n -O vdi src into
printf '\001' | dd of=into bs=1 seek=79 conv=notrunc status=none	# dirty
cp into dirty
fails 'nor into one that was not closed' bp image convert -n -O qcow2 src into
works '... which stays' cmp into dirty
cp before into
if command -v python3 >/dev/null; then
	python3 -c 'import fcntl, time
f = open("into", "r+b")
fcntl.lockf(f, fcntl.LOCK_EX, 1, 201)
print("locked", flush=True)
time.sleep(600)' >locked &
	holder=$!
	until_true test -s locked
	fails 'nor into one that somebody writes to' bp image convert -n -O qcow2 src into
	kill $holder
	wait $holder 2>/dev/null
fi
works 'it is as it was' cmp into before
rm -f into want earlier now under before dirty locked

# Onto a device, with what it had before.
onto() { # NUMBER WORDS...: by so many threads
	threads=$1
	shift
	tr '\0' x </dev/zero | dd of="$loop" bs=1M count=24 iflag=fullblock status=none
	bp image convert --threads "$threads" "$@" src "$loop" && cat "$loop" >"on$threads"
}
onto_all() {
	onto 1 "$@" && onto 4 "$@" && cmp on1 on4
}
truncate -s 24M disk
if loop=$(losetup -f --show disk 2>/dev/null); then
	for to in raw 'qcow2 -c' 'qcow2 -o cluster_size=2M' 'qcow2 -o cluster_size=512'; do
		# shellcheck disable=SC2086 # words
		works "onto a device, $to" onto_all -O $to
		if [ "$to" = raw ]; then
			works '... that has the bytes' cmp -n 6292992 src on1
		else
			works '... that is whole' qemu-img check -q -f qcow2 on1
			works '... and the source' qemu-img compare -q -F qcow2 src on1
		fi
	done
	losetup -d "$loop"
else
	skip 'onto a device' 'no loop device'
fi
rm -f on? disk

# What is refused leaves everything as it was.
cp src same
cp base marked
qemu-img snapshot -c old marked
qemu-io -c 'write -P 77 1M 2M' marked >/dev/null
for threads in 1 4; do
	works 'what an image was' bp image convert --threads $threads -l old -O qcow2 marked new
	works '... is what it was' qemu-img compare -q base new
done
works 'by its id, in words of QEMU' bp image convert -l snapshot.id=1 -O raw marked new
works '... is that, too' qemu-img compare -q -F raw base new
rm marked new
cp base before
ls >"$T/before"
fails 'a file is not written to itself' bp image convert -O qcow2 same same
fails 'nor to what it leads to' bp image convert -O raw over base
has 'which is named' "$T/out" "'base' is read from"
works 'both are as they were' cmp base before
fails 'raw is not compressed' bp image convert -c -O raw src new
fails 'what is preallocated is not' bp image convert -c -O qcow2 -o preallocation=metadata src new
fails 'no such format' bp image convert -O nobody src new
fails 'no such source' bp image convert -O qcow2 nobody new
fails 'one of them' bp image convert -O qcow2 src nobody new
fails 'nothing is made anew in place' bp image convert -n -O qcow2 src base
fails 'nor assumed' bp image convert --target-is-zero -O raw src new
fails 'no such snapshot' bp image convert -l nobody -O raw base new
fails 'a backing file without its format' bp image convert -B base -O qcow2 over new
fails 'two sources with one' bp image convert -B base -F qcow2 -O qcow2 over over new
fails 'sizes that are none' bp image convert -S 100 -O qcow2 src new
fails 'numbers that are none' bp image convert -m 17 -O qcow2 src new
fails 'nor such a mode' bp image convert -t what -O qcow2 src new
qemu-img create -q -f qcow2 -u -b ring -F qcow2 round 1M
qemu-img create -q -f qcow2 -u -b round -F qcow2 ring 1M
fails 'a ring of backing files' bp image convert -O raw ring new
rm ring round
ls >"$T/after"
works 'nothing is left of that' diff "$T/before" "$T/after"

# Full disk: files may have so many blocks, and then no more.
(
	trap '' XFSZ
	ulimit -f 100
	bp image convert -O qcow2 src new >"$T/out" 2>&1
)
is 'a file that may not grow' $? 1
has 'is why' "$T/out" 'File too large'
echo old >new
(
	trap '' XFSZ
	ulimit -f 100
	bp image convert -O qcow2 src new >"$T/out" 2>&1
)
is 'what was there' "$(cat new)" old
rm new

bp image convert -p -O qcow2 src out >"$T/out"
is '-p tells how far it is' "$(tr '\r' '\n' <"$T/out" | sed -n '$!d;s/^ *//p')" ''
has 'up to the end' "$T/out" '(100.00/100%)'
truncate -s 64M holes
dd if=src of=holes bs=1M count=1 conv=notrunc status=none
dd if=src of=holes bs=1M count=1 seek=40 conv=notrunc status=none
for how in '' -n; do
	# shellcheck disable=SC2086 # none, or one
	bp image convert -p $how -O qcow2 holes out >"$T/out"
	is "of what is data, which is counted first $how" \
		"$(tr '\r' '\n' <"$T/out" | tr -d ' \n')" \
		'(0.00/100%)(50.00/100%)(100.00/100%)(100.00/100%)'
done
rm holes
works 'a rate' bp image convert -r 1G -O qcow2 src out

# A part.
part() { # BS SKIP COUNT
	rm -f part want
	dd if=src bs="$1" skip="$2" count="$3" of=want status=none
	truncate -s %512 want
	bp image dd bs="$1" skip="$2" count="$3" if=src of=part && cmp want part &&
		bp image dd -O qcow2 bs="$1" skip="$2" count="$3" if=src of=part &&
		qemu-img check -q part && qemu-img compare -q want part
}
for p in '512 0 1' '1M 1 3' '4096 299 20' '1000 3333 64' '64k 95 100'; do
	# shellcheck disable=SC2086 # words
	works "dd of $p" part $p
done
for words in '' 'if=src' 'if=src of=new bs=0' 'if=src of=new count=some' 'if=src of=new junk' \
	'if=src of=new bs=3G'; do
	# shellcheck disable=SC2086
	qemu-img dd $words >theirs 2>&1
	# shellcheck disable=SC2086
	"$T/bin/qemu-img" dd $words >ours 2>&1
	works "dd says what is wrong: $words" diff theirs ours
done
qemu-img dd bs=1k skip=1 count=3 if=src of=theirs
"$T/bin/qemu-img" dd bs=1k skip=1 count=3 if=src of=ours
works 'called qemu-img it counts as that does' cmp theirs ours

# Whoever asks by a signal how far it is does not end it.
listens() { # PROCESS: it has a handler for SIGUSR1
	case $(sed -n 's/^SigCgt:.*\(.\)..$/\1/p' /proc/"$1"/status) in
	[2367abef]) ;;
	*) false ;;
	esac
}
bp image create -q -f raw slow 64M
"$T/bin/barepool" image convert -S 0 -r 1M -O qcow2 slow slower 2>told &
pid=$!
until_true listens $pid
kill -USR1 $pid
works 'it is told how far it is' until_true grep -q '^    ([0-9.]*/100%)$' told
works 'and it goes on' kill -TERM $pid
wait $pid
is 'until it is stopped' $? 143
works 'when it leaves nothing' test ! -e slower
fails 'a level that there is not' bp image convert -c --level=13 -O qcow2 src out
has 'is no number of levels' "$T/out" 'Invalid level of compression. Allowed'
done_testing
