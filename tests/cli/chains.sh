#!/bin/sh
# chains.sh - vol-chain and vol-map: what a volume is based on, and where its parts are.
# SPDX-License-Identifier: LGPL-2.1-or-later
set -u
# shellcheck disable=SC1091 # tests are run from the top
. tests/lib.sh

mkdir "$T/p" "$T/q"
for pool in p q; do
	works "a pool, $pool" bp pool-define-as $pool dir --target "$T/$pool"
	works 'is started' bp pool-start $pool
done
over() { # POOL NAME BASE FORMAT: an overlay
	bp vol-create-as "$1" "$2" 8M --format qcow2 --backing-vol "$3" --backing-vol-format "$4"
}
works 'a raw volume' bp vol-create-as p base.raw 8M --allocation 0
works 'an overlay' over p mid base.raw raw
works 'another' over p side base.raw raw
for i in a b; do works "one of the overlay, $i" over p $i mid qcow2; done
works 'one of that' over p a2 a qcow2
works 'one in another pool' over q far "$T/p/mid" qcow2
tree() { bp -q vol-chain "$@" | sed 's/  *[0-9.]* [KM]*i*B//g; s/  *$//'; }

says 'the chain, and who is based on it' tree mid p <<END
 base.raw      p   raw
 \`- mid        p   qcow2   this volume
    |- a       p   qcow2
    |  \`- a2   p   qcow2
    |- b       p   qcow2
    \`- far     q   qcow2
END
says 'of the last' tree b p <<END
 base.raw   p   raw
 \`- mid     p   qcow2
    \`- b    p   qcow2   this volume
END
says 'across pools' tree far q <<END
 base.raw    p   raw
 \`- mid      p   qcow2
    \`- far   q   qcow2   this volume
END
bp image create -q -f qcow2 -b ../p/mid -F qcow2 "$T/q/near" 8M
says 'by a relative name' tree near q <<END
 base.raw     p   raw
 \`- mid       p   qcow2
    \`- near   q   qcow2   this volume
END
rm "$T/q/near"
works 'one of that, in the first' over p back "$T/q/far" qcow2
says 'and back' tree mid p <<END
 base.raw        p   raw
 \`- mid          p   qcow2   this volume
    |- a         p   qcow2
    |  \`- a2     p   qcow2
    |- b         p   qcow2
    \`- far       q   qcow2
       \`- back   p   qcow2
END
sed "s|<name>q|<name>twin|; s|<uuid>....|<uuid>0000|" "$T/run/q.xml" >"$T/run/twin.xml"
bp -q vol-chain mid p >"$T/out"
is 'a directory that is two pools is one' "$(grep -c far "$T/out")" 1
rm "$T/run/twin.xml"
works 'a pool that is not active' bp pool-destroy q
bp -q vol-chain mid p >"$T/out"
lacks '... is not asked' "$T/out" far
works '... until it is' bp pool-start q
works 'without it' bp vol-delete back p
says 'of one alone' tree side p <<END
 base.raw   p   raw
 \`- side    p   qcow2   this volume
END
works 'for programs' bp --format json vol-chain a p
cp "$T/out" "$T/json"
has 'the volume' "$T/json" '{"volume": "a", "pool": "p", "chain": [{"depth": 0, "volume": "a"'
has 'what it is based on' "$T/json" '{"depth": 2, "volume": "base.raw", "pool": "p"'
has 'with sizes' "$T/json" '"format": "raw", "capacity": 8388608, "allocation": 0}]'
has 'and who is based on it' "$T/json" '"dependants": [{"depth": 1, "volume": "a2"'

# A definition that does not say of what format its backing store is.
cat >"$T/unsaid.xml" <<END
<volume><name>unsaid</name><target><format type='qcow2'/></target>
<backingStore><path>mid</path></backingStore></volume>
END
fails 'an image is not taken for raw' bp vol-create p "$T/unsaid.xml"
has '... by who was not told' "$T/out" 'volume mid looks like qcow2; say which format it has'
sed -i 's|mid|base.raw|' "$T/unsaid.xml"
works 'what looks like nothing is' bp vol-create p "$T/unsaid.xml"
works 'and goes' bp vol-delete unsaid p

# ---- ends ----------------------------------------------------------------------
names() { # NAME FORMAT: what b calls its base
	bp image rebase -u -b "$1" -F "$2" "$T/p/b" >"$T/out" 2>&1 || show
}
note() { # TEXT PATH: how the chain of b ends
	bp vol-chain b p >"$T/chain" 2>&1
	has "$1" "$T/chain" "$1"
	has '... and which' "$T/chain" "$2"
}
mkfifo "$T/fifo" "$T/p/pipe"
names "$T/fifo" qcow2
note 'is no volume of an active pool' "$T/fifo"
names "$T/p/pipe" qcow2
note 'is not there' pipe
names nosuch raw
note 'is not there' nosuch
names nbd://127.0.0.1:1/x raw
note 'is no volume of an active pool' nbd://127.0.0.1:1/x
names b qcow2
note 'is based on itself' b
names a2 qcow2
bp image rebase -u -b b -F qcow2 "$T/p/a" >/dev/null
note 'is based on itself' a2
works 'a circle has those above, too' bp vol-chain mid p
names mid qcow2
bp image rebase -u -b mid -F qcow2 "$T/p/a" >/dev/null
fails 'there must be one' bp vol-chain nosuch p
# Two that are each other's backing file and each other's data, with one way in.
for v in c d; do
	bp image create -q -f qcow2 -u -o data_file=$v.x -b base.raw -F raw "$T/p/$v" 8M
done
for v in c d; do
	other=$([ $v = c ] && echo d || echo c)
	bp image rebase -u -b "$other" -F qcow2 "$T/p/$v" >"$T/out" 2>&1 || show
	bp image amend -o "data_file=$other" "$T/p/$v" >"$T/out" 2>&1 || show
done
bp image rebase -u -b side -F qcow2 "$T/p/c" >"$T/out" 2>&1 || show
works 'a maze' timeout 60 "$T/bin/barepool" vol-chain side p
is '... each is told of once, by each way' "$(grep -c '`- \||- ' "$T/out")" 5
rm "$T/p/c" "$T/p/d"

# ---- maps ------------------------------------------------------------------------
printf 'below' | dd of="$T/p/base.raw" bs=64k seek=2 conv=notrunc 2>/dev/null
map() { bp -q vol-map "$@"; }
says 'a raw volume' map base.raw p <<END
Offset          Length          Mapped to       Volume
0x20000         0x1000          0x20000         base.raw
END
says 'what an overlay leaves to it' map a p <<END
Offset          Length          Mapped to       Volume
0x20000         0x1000          0x20000         base.raw
END
says 'itself it has none' map a p --no-backing <<END
Offset          Length          Mapped to       Volume
END
works 'for programs' map --format json a p --length 256k
cp "$T/out" "$T/json"
has 'what was never written' "$T/json" '[{ "start": 0, "length": 131072, "depth": 2,'
has 'what was' "$T/json" '"present": true, "zero": false, "data": true, "offset": 131072},'
has 'and no more than asked for' "$T/json" '{ "start": 135168, "length": 126976, "depth": 2,'
works 'from somewhere on' bp vol-map a p --offset 128k --length 8k
has 'only that' "$T/out" '0x20000         0x1000          0x20000         base.raw'
for f in base.raw mid a; do
	bp image map --output=json "$T/p/$f" | tr -d '\n' >"$T/image"
	bp --format json vol-map $f p | tr -d '\n' >"$T/volume"
	works "$f: the same as the image's" cmp "$T/image" "$T/volume"
done
if command -v qemu-io >/dev/null; then
	qemu-io -c 'write -P 1 1M 64k' -c 'write -z 2M 64k' "$T/p/mid" >/dev/null
	qemu-io -c 'write -c -P 2 3M 64k' -c 'write -P 3 4M 64k' "$T/p/a" >/dev/null
	for f in mid a; do
		qemu-img map --output=json "$T/p/$f" | tr -d '\n' >"$T/theirs"
		bp --format json vol-map $f p | tr -d '\n' >"$T/ours"
		works "$f: what qemu-img says" cmp "$T/theirs" "$T/ours"
	done
	works 'compressed data' bp vol-map a p
	has '... stands nowhere as it is' "$T/out" 'compressed      a'
else
	skip 'judged by qemu-img' 'needs qemu-io'
fi

# Rules: only volumes of the pool, no circles, nothing that is no file.
fails 'what is based on another pool' map far q
has '... is refused' "$T/out" "is no volume of pool 'q'"
has '... with what to do' "$T/out" 'hint: --no-backing shows what the volume itself has'
works 'can be told of alone' bp vol-map far q --no-backing
names b qcow2
fails 'a circle' bp vol-map b p
has '... is seen' "$T/out" "is a backing file of itself"
names pipe raw
fails 'a pipe' bp vol-map b p
has '... is not opened' "$T/out" "pipe"
mkdir "$T/p/directory"
fails 'a directory' bp vol-map directory p
names mid qcow2
done_testing
