#!/bin/sh
# image_data_file.sh - qcow2 images whose guest's bytes are in another file, judged by qemu-img.
# SPDX-License-Identifier: LGPL-2.1-or-later
set -u
# shellcheck disable=SC1091 # tests are run from the top
. tests/lib.sh
needs qemu-img 'needs qemu-img'
needs qemu-io 'needs qemu-io'

ln -s "$BAREPOOL" "$T/bin/qemu-img"
mkdir "$T/w" "$T/w/dir"
cd "$T/w" || exit 1

truncate -s 6M src
head -c 1500000 /dev/urandom | dd of=src bs=4k seek=300 conv=notrunc status=none
seq 100000 | dd of=src bs=1000 seek=3333 conv=notrunc status=none
printf x | dd of=src bs=1 seek=6291455 conv=notrunc status=none
truncate -s +1536 src

# ---- made: as qemu-img makes them --------------------------------------------------------

new() {
	bp image create -q -f qcow2 -o "data_file=a.data$1" a 3M &&
		qemu-img create -q -f qcow2 -o "data_file=b.data$1" b 3M &&
		qemu-img check -q a && qemu-img compare -q a b && cmp a.data b.data &&
		bp image check -q a && bp image compare -q -f qcow2 -F qcow2 a b
}
# What the guest writes both ways, and where it is then: in the data file, at its own place.
written() {
	for f in a b; do
		qemu-io -f qcow2 -c 'write -P 7 64k 100k' -c 'write -P 8 1M 1M' \
			-c 'discard 1M 64k' -c 'write -z 1200k 64k' $f || return 1
	done
	bp image compare -q -f qcow2 -F qcow2 a b && cmp a.data b.data &&
		bp image map -f qcow2 --output=json b >ours &&
		qemu-img map -f qcow2 --output=json b | diff ours - &&
		bp image map -f qcow2 a >ours && qemu-img map -f qcow2 a | diff ours - &&
		bp image convert -f qcow2 -O raw a a.raw &&
		qemu-img compare -q -f raw -F qcow2 a.raw b
}
for o in '' ,data_file_raw=on ,preallocation=metadata ,preallocation=falloc ,preallocation=full \
	,extended_l2=on ,extended_l2=on,data_file_raw=on ,cluster_size=512 \
	,cluster_size=2M,refcount_bits=1,lazy_refcounts=on; do
	works "new, with a data file$o" new "$o"
	works '... and written to' written
done
is 'what is told of it' "$(bp image info a | sed -n '/data file/p' | tr -s ' ')" \
	"$(printf ' data file: a.data\n data file raw: false')"

# ---- filled ------------------------------------------------------------------------------

filled() {
	bp image convert --verify --threads 4 -O qcow2 -o "data_file=out.data$1" src out &&
		qemu-img check -q out && qemu-img compare -q -f raw src out &&
		bp image convert -f qcow2 -O raw out back && cmp src back &&
		qemu-img convert -O qcow2 -o "data_file=theirs.data$1" src theirs &&
		bp image compare -q -f qcow2 -F raw theirs src &&
		bp image convert -c -f qcow2 -O qcow2 theirs packed &&
		qemu-img compare -q packed src
}
for o in '' ,data_file_raw=on ,extended_l2=on,data_file_raw=on ,preallocation=falloc \
	,preallocation=full ,cluster_size=512; do
	works "convert with a data file$o" filled "$o"
	case $o in *raw=on*) works 'which is the disk' cmp src out.data ;; esac
done
works 'dd reads it' bp image dd -f qcow2 -O raw if=theirs of=dd bs=64k
works 'all of it' qemu-img compare -q -f raw -F raw dd src
for to in raw qcow2; do
	is "measured for $to" "$(bp image measure -f qcow2 -O $to theirs)" \
		"$(qemu-img measure -f qcow2 -O $to theirs)"
done

# ---- in chains ---------------------------------------------------------------------------

chained() {
	bp image create -q -f qcow2 -b theirs -F qcow2 -o data_file=over.data over &&
		qemu-io -f qcow2 -c 'write -P 5 2M 300k' -c 'write -z 5M 64k' over &&
		qemu-img check -q over &&
		bp image convert -f qcow2 -O raw over over.raw &&
		qemu-img compare -q -f raw -F qcow2 over.raw over &&
		bp image map -f qcow2 --output=json over >ours &&
		qemu-img map --output=json over | diff ours - &&
		bp image map -f qcow2 over >ours && qemu-img map over | diff ours -
}
works 'over another that has one' chained

# ---- changed -----------------------------------------------------------------------------

says_io() { # IMAGE WORDS...: qemu-io reads what is expected
	image=$1
	shift
	for w; do set -- "$@" -c "$w"; shift; done
	qemu-io -f qcow2 "$@" "$image" >"$T/io" 2>&1 && ! grep -i fail "$T/io"
}
changed() {
	qemu-img create -q -f qcow2 -o "data_file=c.data$1" c 1000k &&
		qemu-io -f qcow2 -c 'write -P 7 0 1000k' c &&
		bp image resize -q -f qcow2 --shrink c 500k && qemu-img check -q c &&
		[ "$(stat -c %s c.data)" = 512000 ] &&
		bp image resize -q -f qcow2 c 3M && qemu-img check -q c &&
		[ "$(stat -c %s c.data)" = 3145728 ] &&
		says_io c 'read -P 7 0 500k' 'read -P 0 500k 2572k' || return 1
	for p in metadata falloc full; do
		bp image resize -q -f qcow2 --preallocation=$p c +1000448 &&
			qemu-img check -q c || return 1
	done
	says_io c 'read -P 7 0 500k' 'read -P 0 500k 5000k' && bp image check -q c
}
# Into one that is there; then words in the header, and tables.
into() {
	head -c 700000 /dev/urandom >into.src && truncate -s 2M into.src &&
		bp image convert -n -f raw -O qcow2 into.src c && qemu-img check -q c &&
		qemu-img convert -f qcow2 -O raw c c.raw && cmp -n 2097152 c.raw into.src &&
		bp image bitmap --add -f qcow2 c b && qemu-img check -q c &&
		bp image bitmap --remove -f qcow2 c b &&
		bp image amend -f qcow2 -o refcount_bits=64,lazy_refcounts=on c &&
		qemu-img check -q c && qemu-img compare -q -f raw -F qcow2 c.raw c &&
		mv c.data e.data && bp image amend -f qcow2 -o data_file=e.data c &&
		qemu-img check -q c && qemu-img compare -q -f raw -F qcow2 c.raw c
}
for o in '' ,data_file_raw=on ,extended_l2=on ,extended_l2=on,data_file_raw=on \
	,cluster_size=512; do
	works "another size for one with a data file$o" changed "$o"
	works 'written into, and amended' into
	case $o in *raw=on*) works 'which is the disk' cmp c.raw e.data ;; esac
done
works 'it needs no name' bp image amend -f qcow2 -o data_file= c
fails 'but is not opened then' bp image map -f qcow2 c
has 'as it says' "$T/out" "'data-file' is required for this image"
works 'and can have it again' bp image amend -f qcow2 -o data_file=e.data,data_file_raw=off c
works 'with all it had' qemu-img compare -q -f raw -F qcow2 c.raw c

over() {
	qemu-img create -q -f qcow2 below 2M && qemu-io -c 'write -P 1 0 2M' below &&
		bp image create -q -f qcow2 -b below -F qcow2 -o data_file=o.data o &&
		qemu-io -f qcow2 -c 'write -P 2 100k 100k' -c 'write -z 300k 64k' o &&
		bp image resize -q -f qcow2 --shrink o 1500k &&
		bp image resize -q -f qcow2 o 3M && qemu-img check -q o &&
		says_io o 'read -P 1 1100k 400k' 'read -P 0 1500k 1572k' &&
		qemu-img create -q -f qcow2 other 3M &&
		bp image rebase -f qcow2 -b other -F qcow2 o && qemu-img check -q o &&
		says_io o 'read -P 1 1100k 400k' 'read -P 0 1500k 1572k' 'read -P 2 100k 100k' &&
		bp image commit -f qcow2 o && qemu-img check -q o &&
		says_io other 'read -P 1 1100k 400k' 'read -P 0 1500k 1572k' 'read -P 2 100k 100k'
}
works 'an overlay that has one is resized, rebased and committed' over
committed() {
	qemu-img create -q -f qcow2 -o "data_file=base.data$1" base 1M &&
		qemu-io -f qcow2 -c 'write -P 9 0 1M' base &&
		qemu-img create -q -f qcow2 -b base -F qcow2 top 2M &&
		qemu-io -f qcow2 -c 'write -P 2 100k 100k' -c 'write -P 5 1900k 100k' \
			-c 'write -z 512k 128k' top &&
		qemu-img convert -O raw top top.raw && bp image commit -f qcow2 top &&
		qemu-img check -q base && qemu-img compare -q -f raw -F qcow2 top.raw base
}
for o in '' ,data_file_raw=on ,extended_l2=on,data_file_raw=on; do
	works "into a base that has one$o" committed "$o"
	case $o in *raw=on*) works 'which is the disk' cmp top.raw base.data ;; esac
done

# An entry of its L2 table that leads to another place; and one that is not marked as its own.
qemu-img create -q -f qcow2 -o data_file=w.data,data_file_raw=on,cluster_size=4k w 64k
qemu-io -f qcow2 -c 'write -P 1 0 64k' w >"$T/out"
cp w good
l2=16384	# behind header, refcount table and block, and L1
printf '\200\0\0\0\0\0\060\0' | dd of=w bs=1 seek=$((l2 + 8)) conv=notrunc status=none
bp image check w >"$T/out" 2>&1
is 'what leads to another place of the data file is wrong' $? 2
has 'and told' "$T/out" 'though the guest has that at 4096'
fails 'and not read' bp image convert -f qcow2 -O raw w leak
cp good w
printf '\0' | dd of=w bs=1 seek=$((l2 + 8)) conv=notrunc status=none
bp image check w >"$T/out" 2>&1
is 'so is what is not marked' $? 2
works 'which is repaired' bp image check -r all w
works 'as qemu-img finds' qemu-img check -q w

# ---- names -------------------------------------------------------------------------------

works 'a name is seen from where the image is' \
	bp image create -q -f qcow2 -o data_file=x.data dir/x 1M
is 'beside it' "$(ls dir)" "$(printf 'x\nx.data')"
works 'from anywhere' bp image map -f qcow2 dir/x
mv dir/x.data dir/y
fails 'when it is gone' bp image map -f qcow2 dir/x
has 'both are named' "$T/out" "data file of 'dir/x': Could not open 'dir/x.data'"
works 'but who does not need it asks for none' bp image info dir/x
works 'nor does a check' bp image check dir/x
mv dir/y dir/x.data

fails 'what a raw disk looks like leads to no file' bp image convert -O raw theirs leak
has 'and it says why' "$T/out" "but nobody says that it is one"
missing leak
works 'qemu-img believes it' "$T/bin/qemu-img" map theirs
qemu-img create -q -f raw disk 1M
bp image create -q -f qcow2 -u -b theirs -F qcow2 guess 1M
# the word for its format is gone
printf '\0\0\0\0\0\0\0\0' | dd of=guess bs=1 seek=112 conv=notrunc status=none
fails 'nor does a backing file of no known format' bp image map -f qcow2 guess
has 'as it names another file' "$T/out" 'that names another file'

bad() {
	what=$1 says=$2
	shift 2
	ls -lA >"$T/names"
	fails "$what" bp image "$@"
	has "... $says" "$T/out" "$says"
	ls -lA >"$T/names.then"
	works '... and nothing is left or changed' diff "$T/names" "$T/names.then"
}
bad 'not of version 2' 'compatibility level 1.1 and above' \
	create -f qcow2 -o data_file=d,compat=0.10 new 1M
bad 'raw needs one' 'data-file-raw requires data-file' create -f qcow2 -o data_file_raw=on new 1M
bad 'a disk by itself has nothing below it' 'cannot be used at the same time' \
	create -f qcow2 -b theirs -F qcow2 -o data_file=d,data_file_raw=on new
bad 'it needs a name' 'Could not create' create -f qcow2 -o data_file= new 1M
bad 'another than its own' 'data file of itself' create -f qcow2 -o data_file=new new 1M
bad 'and than the backing file' 'is the backing file' \
	create -f qcow2 -b src -F raw -o data_file=src new
bad 'and than what that needs' 'part of the backing file' \
	create -f qcow2 -b theirs -F qcow2 -o data_file=theirs.data new
qemu-img create -q -f vmdk -o subformat=monolithicFlat parts.vmdk 1M
bad 'be it one of several files' 'part of the backing file' \
	create -f qcow2 -b parts.vmdk -F vmdk -o data_file=parts-flat.vmdk new
rm parts.vmdk parts-flat.vmdk
bad 'a plain name' 'no plain file' create -f qcow2 -o data_file=nbd:here new 1M
bad 'json: is none' 'no plain file' create -f qcow2 -o data_file=json:x new 1M
bad 'in a directory that is there' 'No such file or directory' \
	create -f qcow2 -o data_file=nowhere/d new 1M
bad 'of a file' 'neither a file nor a block device' create -f qcow2 -o data_file=dir new 1M
bad 'it has no snapshots inside' 'is in another file' snapshot -c s theirs
bad 'it is never of version 2' 'Cannot downgrade an image with a data file' \
	amend -f qcow2 -o compat=0.10 theirs
bad 'it is no disk by itself afterwards' 'cannot be set on existing images' \
	amend -f qcow2 -o data_file_raw=on theirs
bad 'nor has another one got one' 'can only be set for images' \
	amend -f qcow2 -o data_file=theirs.data packed
bad 'nothing is compressed in it' 'Compression and a data file' \
	convert -c -O qcow2 -o data_file=d src new
bad 'what is read is not written to' 'is read from' \
	convert -f qcow2 -O qcow2 -o data_file=theirs.data theirs new
mkfifo pipe
ln -s pipe link
bp image create -q -f qcow2 -o data_file=link.data fifo 1M
rm link.data
ln -s pipe link.data
bad 'no pipe is opened' 'neither a file nor a block device' map -f qcow2 fifo
bp image create -q -f qcow2 -o data_file=loop.data loop 1M
rm loop.data
ln loop loop.data
bad 'nor the image itself' 'is used twice' map -f qcow2 loop
qemu-img create -q -f raw mine 1M
mkfifo "$T/go"
# shellcheck disable=SC2094 # a pipe
(echo 'write 0 512'; cat "$T/go") | qemu-io -f raw mine >"$T/held" 2>&1 &
until_true grep -q ops "$T/held"
bad 'one that is in use is not overwritten' "data file of 'new'" \
	create -f qcow2 -o data_file=mine new 1M
bp image create -q -f qcow2 -o data_file=other.data other 1M
mv mine other.data
bad 'nor read' "data file of 'other'" map -f qcow2 other
bad 'nor changed' "data file of 'other'" convert -n -f raw -O qcow2 src other
works 'unless that does not matter' bp image map -U -f qcow2 other
echo quit >"$T/go"
wait
echo old >d
chmod 640 d
works 'one that is not is replaced' bp image create -q -f qcow2 -o data_file=d new 1M
is 'by an empty one' "$(stat -c '%s %a' d)" '1048576 640'
is 'and nothing else is there' "$(find . -name '*part*')" ''

done_testing
