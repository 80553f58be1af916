#!/bin/sh
# copy_convert.sh - volumes made from others, in another format; qemu-img judges.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
. tests/lib.sh
needs qemu-img 'qemu-img says whether images are the same'
needs qemu-io 'qemu-io writes into images'

P=$T/p
bp pool-create-as p dir --target "$P" --build >/dev/null
bp pool-create-as o dir --target "$T/o" --build >/dev/null
bp vol-create-as p r 20M --allocation 0 >/dev/null
qemu-io -f raw -c 'write -P 3 1M 3M' -c 'write -P 4 19M 1M' "$P/r" >/dev/null
same() { # FORMAT FILE FORMAT FILE
	qemu-img compare -q -f "$1" "$2" -F "$3" "$4"
}
# from POOL NAME FORMAT SOURCE [CAPACITY] [OPTION]...: make it of a volume in p
from() {
	pool=$1
	cat >"$T/v.xml" <<-END
	<volume>
	  <name>$2</name>
	  <capacity unit='MiB'>${5:-1}</capacity>
	  <target><format type='$3'/></target>
	</volume>
	END
	source=$4
	if [ $# -gt 5 ]; then shift 5; else shift $#; fi
	bp vol-create-from "$pool" "$T/v.xml" "$source" --inputpool p "$@"
}

works 'raw becomes qcow2' from p q qcow2 r
works '... good' qemu-img check -q "$P/q"
works '... the same' same raw "$P/r" qcow2 "$P/q"
works 'in another pool' from o q qcow2 r
works '... the same' same raw "$P/r" qcow2 "$T/o/q"
works 'and back' from p r2 raw q
works '... to the byte' cmp "$P/r" "$P/r2"
is '... without what was never written' "$(du -k "$P/r2" | cut -f1)" 4096
works 'larger' from p l qcow2 r 30
is '... as was said' "$(qemu-img info --output=json "$P/l" |
	sed -n 's/^    "virtual-size": \(.*\),/\1/p')" 31457280
works '... the same, and zeros' same raw "$P/r" qcow2 "$P/l"
works 'with metadata for all of it' from p m qcow2 r 1 --prealloc-metadata
works '... the same' same raw "$P/r" qcow2 "$P/m"
works 'verified' from p v qcow2 r 1 --verify
fails 'to share blocks with it is no way' from p s qcow2 r 1 --reflink

# ---- what lies below an image --------------------------------------------------------------
qemu-img create -q -f qcow2 -b r -F raw "$P/top" 24M
qemu-io -c 'write -P 5 2M 1M' "$P/top" >/dev/null
bp pool-refresh p >/dev/null
works 'an image with a backing file becomes raw' from p flat raw top
works '... with all of it' same qcow2 "$P/top" raw "$P/flat"
echo 'nobody shall read this' >"$T/secret"
truncate -s 1M "$T/secret"
qemu-img create -q -f qcow2 -b "$T/secret" -F raw "$P/sly" 1M
fails 'not with one that is elsewhere' from p got raw sly
has '... which is said' "$T/out" "'$T/secret', which is in the directory of neither pool"
ln -s "$T/secret" "$P/link"
qemu-img create -q -f qcow2 -u -b link -F raw "$P/slier" 1M
fails '... nor by a link' from p got raw slier
qemu-img create -q -f qcow2 -u -b gone -F raw "$P/lost" 1M
fails 'one that is not there' from p got raw lost
is 'nothing is made then' "$(find "$P" -name '*got*' -o -name '.barepool*')" ''

# ---- other images ----------------------------------------------------------------------------
for f in vmdk vdi vpc qed qcow; do
	qemu-img convert -f raw -O $f "$P/r" "$P/i.$f"
	bp pool-refresh p >/dev/null
	works "$f becomes qcow2" from p "of-$f" qcow2 "i.$f"
	works '... the same' same $f "$P/i.$f" qcow2 "$P/of-$f"
done
for f in vmdk vdi vpc; do
	works "raw becomes $f" from p "to.$f" $f r
	works '... the same' same raw "$P/r" $f "$P/to.$f"
	works 'qcow2 becomes that, and larger' from p "more.$f" $f q 30 --verify
	works '... the same' same raw "$P/r" $f "$P/more.$f"
	is '... with 30 MiB, or a little more' "$(qemu-img info --output=json "$P/more.$f" |
		sed -n 's/^    "virtual-size": \(3[01]\)[0-9]\{6\},/\1/p')" 31
	bp vol-info --pool p "more.$f" >"$T/out"
	has '... as a volume, too' "$T/out" '30.0'
done
fails 'what cannot be written' from p ved bochs r
has '... is said' "$T/out" "but not converted to 'bochs'"
done_testing
