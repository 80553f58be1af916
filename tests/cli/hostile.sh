#!/bin/sh
# hostile.sh - a pool whose directory somebody else has filled.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
. tests/lib.sh

mkdir "$T/p"
printf 'a secret' >"$T/secret"
works 'define' bp pool-define-as p dir --target "$T/p"
works 'start' bp pool-start p
esc=$(printf '\033')

# As bp, but not for long, and with little memory (the sanitizers need very much).
limit=400000
# shellcheck disable=SC3045 # every sh there is has it
(ulimit -v $limit && bp --version) >/dev/null 2>&1 || limit=unlimited
tight() {
	# shellcheck disable=SC3045
	(ulimit -v $limit; exec timeout 120 "$T/bin/barepool" -q "$@") <"${from:-/dev/null}"
}

# ---- names: bytes in octal, and what tables show

: >"$T/wrong"
wrong() { echo "$shown: $*" >>"$T/wrong"; }

# Everything that can be done to a volume, by the name that was shown.
use() {
	path=$T/p/$name
	grep -qF -e " $shown   " "$T/list" || wrong 'is not shown'
	[ "$(tight vol-path --vol "$name" --pool p; echo .)" = "$path
." ] || wrong 'cannot be named as it is'
	[ "$(tight vol-path --vol "$shown" --pool p; echo .)" = "$path
." ] || wrong 'cannot be named as it is shown'
	[ "$(tight vol-name --vol "$T/p/$shown"; echo .)" = "$name
." ] || wrong 'has no path as it is shown'
	tight vol-info --vol "$shown" --pool p >"$T/info" || wrong 'vol-info'
	grep -qF -e "$shown" "$T/info" || wrong 'vol-info shows it otherwise'
	tight vol-dumpxml --vol "$shown" --pool p >"$T/xml" || wrong 'vol-dumpxml'
	tight xml "$T/xml" >"$T/out" 2>&1 || wrong "vol-dumpxml is no XML: $(cat "$T/out")"
	tight vol-resize --vol "$shown" --capacity 8K --pool p || wrong 'vol-resize'
	from=$T/secret tight vol-upload --vol "$shown" --file /dev/stdin --pool p ||
		wrong 'vol-upload'
	tight vol-download --vol "$shown" --file "$T/got" --length 8 --pool p ||
		wrong 'vol-download'
	cmp "$T/secret" "$T/got" || wrong 'other bytes came back'
	tight vol-wipe --vol "$shown" --pool p || wrong 'vol-wipe'
	tight vol-clone --vol "$shown" --newname copy --pool p || wrong 'vol-clone'
	tight vol-delete --vol copy --pool p || wrong 'vol-delete of the copy'
	tight vol-delete --vol "$shown" --pool p || wrong 'vol-delete'
	[ ! -e "$path" ] || wrong 'is still there'
}

cat >"$T/names" <<'END'
\012 \x0a
\033[31m \x1b[31m
\001\177 \x01\x7f
a\tb\rc\bd a\x09b\x0dc\x08d
\377\376 \xff\xfe
\300\257 \xc0\xaf
\342\200\256txt \xe2\x80\xaetxt
zero\342\200\213width zero\xe2\x80\x8bwidth
\303\251 é
-rf -rf
-- --
--help --help
... ...
.hidden .hidden
\\x1b[32m \x5cx1b[32m
\\x5cx0a \x5cx5cx0a
a\\b a\b
\\x\001 \x\x01
\044(id);&|<> $(id);&|<>
"'"' "'"'
[]{}?* []{}?*
END
while read -r octal shown; do
	# shellcheck disable=SC2059 # that is the point
	name=$(printf -- "$octal.")
	printf 'content' >"$T/p/${name%.}"
done <"$T/names"
works 'names are listed' bp -q vol-list p
cp "$T/out" "$T/list"
lacks 'and steer no terminal' "$T/list" "$esc"
while read -r octal shown; do
	# shellcheck disable=SC2059
	name=$(printf -- "$octal.")
	name=${name%.}
	use 2>>"$T/wrong"
done <"$T/names"
is 'each volume can be used by the name that is shown' "$(cat "$T/wrong")" ''
works 'none is left' rmdir "$T/p"
mkdir "$T/p"

long=$(printf '%0255d' 0)
printf 'content' >"$T/p/$long"
works 'a name of 255 bytes' bp vol-info "$long" p
works 'a copy of it' bp vol-clone "$long" short p
works 'goes' bp vol-delete "$long" p
printf x >"$T/p/$(printf 'a\nb')"
printf x >"$T/p/a\\x0ab"
is 'a name is first of all itself' "$(tight vol-path 'a\x0ab' p)" "$T/p/a\\x0ab"
is 'the other one can still be named' "$(tight vol-path '\x61\x0ab' p)" "$T/p/$(printf 'a\nb')"
fails 'under the other name nothing is read otherwise' vs vol-path 'b\x0ab' p
bp vol-info "no${esc}[31m" p >"$T/out" 2>&1
lacks 'an error steers no terminal' "$T/out" "$esc"
rm -r "$T/p"
mkdir "$T/p"

# ---- what is no volume, and what is a bad one

printf x >"$T/p/good"
: >"$T/p/empty"
mkfifo "$T/p/fifo" "$T/outside"
"$B/tests/tools/mksocket" "$T/p/socket"
ln -s nowhere "$T/p/dangling"
ln -s loop2 "$T/p/loop1"
ln -s loop1 "$T/p/loop2"
ln -s fifo "$T/p/fifolink"
ln -s /dev/zero "$T/p/zero"
ln -s ../secret "$T/p/secret"
ln -s /proc/self/mem "$T/p/mem"
ln -s ../outside "$T/p/fifo-outside"
ln -s good "$T/p/inner"
printf x >"$T/p/.barepool-0.part"

# image NAME: a qcow2 volume; put NAME AT OCTAL: other bytes in it.
image() { tight vol-create-as p "$1" 1M --format qcow2 >/dev/null; }
put() {
	# shellcheck disable=SC2059
	printf "$3" | dd of="$T/p/$1" bs=1 seek="$2" conv=notrunc 2>/dev/null
}

image cut-all
for len in 4 8 24 32 71 72 80 103 104 111 112 600 65536; do
	cp "$T/p/cut-all" "$T/p/cut-$len"
	truncate -s $len "$T/p/cut-$len"
done
rm "$T/p/cut-all"
for lie in 'l1 40 \177' 'l1-entries 36 \377' 'refcounts 48 \377' 'table 56 \377' \
	'snapshots 60 \377' 'capacity 24 \177' 'backing 8 \377' 'clusters 20 \377' 'order 96 \1'; do
	# shellcheck disable=SC2086
	set -- $lie
	image "lie-$1"
	put "lie-$1" "$2" "$3"
done

is 'a list names volumes only' "$(tight vol-list p | sed 's/^ \([^ ]*\).*/\1/;/^lie/d;/^cut/d' |
	tr '\n' ' ')" 'empty good inner mem secret '
tight vol-list p --details >"$T/list" 2>&1
is 'what is wrong stands beside it' "$(sed -n 's/^ \([^ ]*\) .*   \([^ ].*\)/\1: \2/p' "$T/list" |
	sed 's/:.* is a link that leads .*/: link/;/^[cl][ui][te]/s/: [^-].*/: bad/')" \
"cut-103: bad
cut-104: bad
cut-111: bad
cut-112: bad
cut-24: bad
cut-32: bad
cut-4: -
cut-600: bad
cut-65536: bad
cut-71: bad
cut-72: bad
cut-8: bad
cut-80: bad
empty: -
good: -
inner: -
lie-backing: bad
lie-capacity: bad
lie-clusters: bad
lie-l1: bad
lie-l1-entries: bad
lie-order: bad
lie-refcounts: bad
lie-snapshots: bad
lie-table: bad
mem: link
secret: link"
tight vol-info lie-l1 p >"$T/out"
has 'vol-info says it too' "$T/out" 'Problem:        the L1 table'
tight vol-list p --details --format json >"$T/out"
has 'and JSON' "$T/out" '"problem": "the L1 table'
vs vol-list p --details >"$T/out"
lacks 'under the other name it is not said' "$T/out" 'the L1 table'

for vol in fifo socket dangling loop1 fifolink zero .barepool-0.part; do
	: >"$T/wrong"
	for command in vol-info vol-dumpxml vol-delete vol-wipe \
		"vol-resize --capacity 1M" "vol-download --file $T/got" \
		"vol-upload --file $T/secret" "vol-clone --newname new"; do
		# shellcheck disable=SC2086
		tight $command --vol $vol --pool p >"$T/out" 2>&1
		[ $? -eq 1 ] || echo "$command" >>"$T/wrong"
		grep -q 'Storage volume not found' "$T/out" || cat "$T/out" >>"$T/wrong"
	done
	is "$vol is no volume" "$(cat "$T/wrong")" ''
done
for vol in secret mem fifo-outside; do
	: >"$T/wrong"
	for command in vol-wipe "vol-resize --capacity 1M" "vol-download --file $T/got" \
		"vol-upload --file $T/names" "vol-clone --newname new"; do
		# shellcheck disable=SC2086
		tight $command --vol $vol --pool p >"$T/out" 2>&1
		[ $? -eq 1 ] || echo "$command" >>"$T/wrong"
	done
	is "$vol is not followed" "$(cat "$T/wrong")" ''
done
is 'what is outside is as it was' "$(cat "$T/secret")" 'a secret'
works 'a link goes' tight vol-delete secret p
is 'alone' "$(cat "$T/secret")" 'a secret'
for vol in lie-l1 lie-capacity cut-600 cut-24; do
	fails "a bad image is not copied: $vol" tight vol-clone "$vol" new p
	fails "nor resized: $vol" tight vol-resize "$vol" 2M p
	works "but can be read: $vol" tight vol-download "$vol" "$T/got" p
	works "and deleted: $vol" tight vol-delete "$vol" p
done

# ---- backing files: never opened to look at their overlay, and a copy keeps the words

for vol in /proc/kmsg /dev/zero fifo self nbd://192.0.2.1/x 'json:{}' ../secret; do
	image self
	put self 16 "\\0\\0\\0\\$(printf %o ${#vol})"
	put self 8 '\0\0\0\0\0\0\2\0'
	put self 512 "$vol"
	: >"$T/wrong"
	tight vol-list p --details >"$T/out" 2>&1 || cat "$T/out" >>"$T/wrong"
	tight vol-info self p >"$T/out" 2>&1 || cat "$T/out" >>"$T/wrong"
	tight vol-dumpxml self p >"$T/xml" 2>&1 || cat "$T/xml" >>"$T/wrong"
	grep -q "<path>.*$(basename "$vol")</path>" "$T/xml" || cat "$T/xml" >>"$T/wrong"
	tight vol-clone self copy p >"$T/out" 2>&1 || cat "$T/out" >>"$T/wrong"
	cmp "$T/p/self" "$T/p/copy" >>"$T/wrong" 2>&1
	tight vol-resize self 2M p >"$T/out" 2>&1
	[ $? -le 1 ] || echo 'vol-resize' >>"$T/wrong"
	tight vol-delete copy p >"$T/out" 2>&1 || cat "$T/out" >>"$T/wrong"
	tight vol-delete self p >"$T/out" 2>&1 || cat "$T/out" >>"$T/wrong"
	is "a backing file $vol" "$(cat "$T/wrong")" ''
done

# ---- sizes

if truncate -s 15E "$T/p/huge" 2>/dev/null || truncate -s 15T "$T/p/huge" 2>/dev/null; then
	works 'an immense volume' tight vol-info huge p
	works 'and its copy' tight vol-clone huge huge2 p
	works 'which goes' tight vol-delete huge2 p
	works 'as does the first' tight vol-delete huge p
else
	skip 'an immense volume' 'needs a file system that has such'
fi
i=0
while [ $i -lt 3000 ]; do
	i=$((i + 1))
	echo "good l$i"
done | (cd "$T/p" && xargs -n 2 ln -s)
is 'thousands of links' "$(tight vol-list p --details | grep -c ' file .* 1.00 B ')" 3002
find "$T/p" -name 'l[0-9]*' -exec rm {} +

# ---- what is told of them

nasty=$(printf 'n\033[31m\bx')
for with in bp vs; do
	printf content >"$T/p/$nasty"
	works "$with: a copy" $with vol-clone "$nasty" "copy_$with" p
	cp "$T/out" "$T/copied"
	works 'deleted' $with vol-delete "$nasty" p
	cat "$T/copied" "$T/out" >"$T/told_$with"
done
has 'told of without steering a terminal' "$T/told_bp" 'Vol copy_bp cloned from n\x1b[31m\x08x'
has 'either' "$T/told_bp" 'Vol n\x1b[31m\x08x deleted'
lacks 'not once' "$T/told_bp" "$esc"
has 'under the name virsh as virsh does' "$T/told_vs" "Vol $nasty deleted"

bp pool-define-as q dir --target "$T/p2" >/dev/null
rm -f "$BAREPOOL_RUN_DIR/q.lock"
ln -s elsewhere "$BAREPOOL_RUN_DIR/q.lock"
fails 'a lock that is a link' bp pool-undefine q
has 'is named with its directory' "$T/out" "cannot open lock file '$BAREPOOL_RUN_DIR/q.lock': "
rm "$BAREPOOL_RUN_DIR/q.lock"

# ---- what may not be read

# Root reads everything; without these rights he is a user like others.
user() {
	if [ "$(id -u)" -ne 0 ]; then "$@"
	else setpriv --bounding-set -dac_override,-dac_read_search "$@"; fi
}
chmod 0 "$T/p/good"
if ! user true 2>/dev/null || user cat "$T/p/good" >/dev/null 2>&1; then
	skip 'what may not be read' 'needs setpriv'
else
	works 'what may not be read is a row' user "$T/bin/barepool" -q vol-list p --details
	has 'that says so' "$T/out" '   cannot be read: Permission denied'
	has 'among others' "$T/out" ' empty '
	fails 'it is not copied' user "$T/bin/barepool" vol-clone good new p
	has 'for that reason' "$T/out" 'Permission denied'
fi
done_testing
