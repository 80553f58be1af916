#!/bin/sh
# checks.sh - the checks of the tree find what they look for.
# SPDX-License-Identifier: LGPL-2.1-or-later
set -u
top=$(mktemp -d) || exit 1
dir=$top/tree
trap 'rm -rf "$top"' EXIT
n=0 bad=0
mkdir -p "$dir/scripts" "$dir/core" "$dir/cli"
cp scripts/check-tree scripts/check-layers "$dir/scripts/"
spdx='/* SPDX-License-Identifier: LGPL-2.1-or-later */'
good() { printf '/* a.c - a file. */\n%s\nint a;\n' "$spdx" >"$dir/core/a.c"; }

# result NAME STATUS TEXT: of the last check.
result() {
	n=$((n + 1))
	if [ "$status" -eq "$2" ] && { [ -z "$3" ] || grep -qF -e "$3" "$top/out"; }; then
		echo "ok $n - $1"
	else
		echo "# status $status"
		sed 's/^/# /' "$top/out"
		echo "not ok $n - $1"
		bad=1
	fi
}
tree() { "$dir/scripts/check-tree" >"$top/out" 2>&1; status=$?; }
layers() { (cd "$dir" && scripts/check-layers) >"$top/out" 2>&1; status=$?; }
# finds NAME TEXT: check-tree complains about core/a.c with this; then it is good again.
finds() { tree; result "$1" 1 "$2"; good; }

good
tree
result 'a good tree' 0 ''
printf '/* a.c - a file. */\nint a;\n' >"$dir/core/a.c"
finds 'no licence' 'no SPDX line'
printf 'int a;\n%s\n' "$spdx" >"$dir/core/a.c"
finds 'no word about the file' 'does not say what the file is'
seq 501 | sed 's/.*/int a;/' >>"$dir/core/a.c"
finds 'a long file' 'over 500 lines'
printf '/* %0100d */\n' 1 >>"$dir/core/a.c"
finds 'a long line' 'core/a.c:4: 106 columns'
printf '\t\t\t\t\t\t\t\t\t\t\t\t\tint b;\n' >>"$dir/core/a.c"
finds 'a line that is long by its tabs' 'core/a.c:4: 110 columns'
printf 'int b; \n' >>"$dir/core/a.c"
finds 'a blank at the end' 'core/a.c:4:int b; '
printf 'int b;' >>"$dir/core/a.c"
finds 'no newline at the end' 'no newline at the end'
printf '/* TO%s */\n' DO >>"$dir/core/a.c"
finds 'something left undone' 'words of undone work'
printf '/* see /%s/somebody/x */\n' home >>"$dir/core/a.c"
finds 'a place on a machine' 'a directory of somebody'
mkdir "$dir/extra"
good
cp "$dir/core/a.c" "$dir/extra/a.c"
finds 'something on the top level' 'extra'
rm -r "$dir/extra"
printf '\t\t*(.text.%s .text.x)\n' a gone xmlFree >"$dir/cli/start.ld"
finds 'a function that is no more' '  gone'
rm "$dir/cli/start.ld"

layers
result 'layers: a good tree' 0 ''
printf '#include "cli/b.h"\n' >>"$dir/core/a.c"
layers
result 'layers: an include upwards' 1 'core/a.c:4: may not include cli/b.h'
good
printf '#include <libxml/tree.h>\n' >>"$dir/core/a.c"
layers
result "layers: somebody else's library" 1 'core/a.c:4: may not include libxml/tree.h'

# The names: a tree with one header, one map, one library.
good
cp scripts/check-abi "$dir/scripts/"
mkdir -p "$dir/build"
printf 'print-headers:\n\t@echo core/a.h\n' >"$dir/Makefile"
abi() { (cd "$dir" && B=build scripts/check-abi) >"$top/out" 2>&1; status=$?; }
declare_and_list() {
	printf '/* bp_old(); was */\nint bp_one(int a);\n#define bp_macro(x) x\n%s\n' "$1" \
		>"$dir/core/a.h"
	printf 'V {\nglobal:\n\tbp_one;\n%s\nlocal:\n\t*;\n};\n' "$2" >"$dir/core/barepool.map"
}
library() {
	printf 'int bp_one(int a); int bp_one(int a) { return a; }\n%s\n' "$1" >"$dir/lib.c"
	cc -shared -fPIC -o "$dir/build/libbarepool.so.0" "$dir/lib.c"
}
declare_and_list '' ''
library ''
abi
result 'names: all agree' 0 ''
declare_and_list 'void bp_two(void);' ''
abi
result 'names: declared, not listed' 1 'bp_two: declared in an installed header, but not in'
declare_and_list '' '	bp_two;'
abi
result 'names: listed, not declared' 1 'bp_two: in core/barepool.map, but in no installed header'
result 'names: listed, not defined' 1 'bp_two: in core/barepool.map, but the library does not'
declare_and_list '' ''
library 'int leaked;'
abi
result 'names: defined, not listed' 1 'leaked: shown by the library, but not in'
echo "1..$n"
exit $bad
