#!/bin/sh
# readme.sh - what README.md shows is what happens.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
. tests/lib.sh
PATH=$T/bin:$PATH

# block WORD: the block of README.md that has a line beginning with WORD.
block() {
	awk -v word="$1" '
		/^```/ { if (open && found) exit; open = !open; text = ""; found = 0; next }
		open { text = text $0 "\n"; if (index($0, word) == 1) found = 1 }
		END { if (found) printf "%s", text }' README.md
}
# Columns are as wide as the directory's name is long; the last line may be empty.
evenly() {
	sed "s|$T/vms|/srv/vms|g; s/  */ /g; s/---*/--/g; s/ *\$//" "$1" | sed '${/^$/d;}'
}
same() {
	evenly "$2" >"$T/one"
	evenly "$3" >"$T/two"
	if diff -u "$T/one" "$T/two" >"$T/out"; then ok "$1"; else show; nok "$1"; fi
}

block '$ barepool init' >"$T/shown"
sed -n 's/^\$ //p' "$T/shown" | sed "s|/srv/vms|$T/vms|" >"$T/commands"
works 'it has a session' test -s "$T/commands"
while read -r line; do
	echo "\$ $line"
	sh -c "$line" 2>&1
done <"$T/commands" >"$T/happened"
same 'the session happens as it is shown' "$T/shown" "$T/happened"

block ' Type' >"$T/table"
bp pool-capabilities --table >"$T/printed"
if [ -e "$B/modules/fs.so" ] && [ -e "$B/modules/disk.so" ]; then
	same 'the table of pool types is what is printed' "$T/table" "$T/printed"
else
	skip 'the table of pool types' 'pools of type fs or disk are not in this build'
fi

block '#include <barepool' >"$T/lines"
{
	sed -n '/#include/p' "$T/lines"
	echo '#include <stdio.h>'
	echo 'int main(void) {'
	sed '/#include/d' "$T/lines"
	echo 'return 0; }'
} >"$T/program.c"
mkdir "$T/barepool"
ln -s "$PWD/core/barepool.h" "$T/barepool/barepool.h"
works 'the lines in C compile' "${CC:-cc}" -Wall -Werror -I. -I"$T" -fsyntax-only "$T/program.c"
done_testing
