#!/bin/sh
# image_part.sh - what a killed command has left beside an image goes, what others write stays.
# SPDX-License-Identifier: LGPL-2.1-or-later
set -u
# shellcheck disable=SC1091 # tests are run from the top
. tests/lib.sh
K=$B/tests/tools/killat
"$K" 1 true 2>"$T/out" || [ $? -ne 98 ] || { echo '1..0 # SKIP needs ptrace'; exit 0; }
# Who is traced looks for no leaks.
export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0"
cd "$T" || exit 1
mkdir d
head -c 102400 /dev/urandom >src
cp src d/t
barepool=$T/bin/barepool
parts() { find d -name '.*' | sort | tr '\n' ' '; }
make() { "$@" "$barepool" image convert -f raw -O raw src d/t; }

# call NAME COMMAND...: which of the calls of that is the last of this name.
call() {
	name=$1
	shift
	"$K" --list "$@" 3>calls >out 2>&1
	grep -n "^$name" calls | tail -n 1 | cut -d: -f1
}

rename=$(call rename "$barepool" image convert -f raw -O raw src d/t)
make "$K" "$rename" >out 2>&1
is 'killed when it has a name beside the image, which is as it was' "$? $(parts)" \
	'137 d/.barepool-t-0.part '
works '... the next command on it' bp image convert -f raw -O raw src d/t
is '... leaves none' "$(parts)" ''

make "$K" "$rename" >out 2>&1
works '... nor does one that changes it' bp image resize -q -f raw d/t 200k
is '... which is the image alone' "$(ls -A d)" t

make "$K" "$rename" >out 2>&1
ln -s "$T/d/t" link
works '... by a link as well' bp image create -q -f raw link 64k
is '... and that stays one' "$(readlink link) $(parts)" "$T/d/t "

echo other >d/.barepool-u-0.part
echo other >d/.t.0.part
echo other >d/.barepool-t-x.part
mkdir d/.barepool-t-0.part
works 'other names, and what is no file, are left alone' bp image create -q -f raw d/t 64k
is '... all of them' "$(parts)" \
	'd/.barepool-t-0.part d/.barepool-t-x.part d/.barepool-u-0.part d/.t.0.part '
rm -r d/.barepool-* d/.t.0.part

if "$B/tests/tools/notmpfile" true 2>out; then
	rename=$(call rename "$B/tests/tools/notmpfile" "$barepool" image create -q -f qcow2 d/n 1M)
	rm d/n
	"$K" "$rename" "do:'$barepool' image create -q -f raw d/n 2M; ls -A d >seen" \
		"$B/tests/tools/notmpfile" "$barepool" image create -q -f qcow2 d/n 1M
	is 'where files need a name, what is being made is not swept' \
		"$? $(cat seen)" '0 .barepool-n-0.part
n
t'
	is '... and becomes the image' "$(ls -A d; head -c 3 d/n)" 'n
t
QFI'
	"$K" "$rename" "$B/tests/tools/notmpfile" "$barepool" image create -q -f qcow2 d/n 1M \
		>out 2>&1
	is '... of one who was killed' "$? $(parts)" '137 d/.barepool-n-0.part '
	works '... it goes' bp image create -q -f qcow2 d/n 1M
	is '... here as well' "$(parts)" ''
else
	skip 'where files need a name' 'needs seccomp'
fi
done_testing
