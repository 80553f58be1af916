#!/bin/sh
# libraries.sh - which libraries a command loads: those of the pool types it meets, and no others.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
. tests/lib.sh

# loads COMMAND...: the libraries it has loaded at its end, in $T/loaded, as the dynamic
# linker tells of them.
loads() {
	LD_DEBUG=files LD_DEBUG_OUTPUT=$T/linker bp "$@" >/dev/null
	sed -n 's/.*file=\([^ ]*\) .*generating link map.*/\1/p' "$T"/linker.* |
		sed 's,.*/,,' | sort -u >"$T/loaded"
	rm -f "$T"/linker.*
}

loads pool-capabilities dir
if ! grep -q '^libc\.' "$T/loaded"; then
	echo '1..0 # SKIP needs a command that loads libraries'
	exit 0
fi
some=$(wc -l <"$T/loaded")	# the C library's, and those of a sanitizer

# no_more NAME COMMAND...: it loads as many libraries as one that looks at no pool.
no_more() {
	name=$1
	shift
	loads "$@"
	if [ "$(wc -l <"$T/loaded")" -eq "$some" ]; then
		ok "$name"
	else
		show "$T/loaded"
		nok "$name"
	fi
}

for p in one two; do
	mkdir "$T/$p"
	bp pool-define-as $p dir --target "$T/$p" >"$T/out"
	bp pool-start $p >"$T/out"
done
bp vol-create-as one a 1M >"$T/out"

# ---- directories ------------------------------------------------------------------------

no_more 'a list of pools that are directories' pool-list
no_more 'with their sizes' pool-list --all --details
no_more 'one of them' pool-info one
no_more 'its volumes' vol-list one --details
no_more 'one volume' vol-info a one
no_more 'a new volume' vol-create-as one b 1M

# ---- a volume group beside them -------------------------------------------------------------

bp pool-define-as vg logical --source-name vg --target /dev/vg >"$T/out" 2>&1
no_more 'a directory beside a volume group' vol-list one
for command in 'pool-list' 'pool-list --all' 'pool-info vg' 'pool-dumpxml vg'; do
	# shellcheck disable=SC2086 # the words of a command
	loads $command
	lacks "$command has no use for LVM's library" "$T/loaded" liblvm2cmd
done

# ---- without LVM ---------------------------------------------------------------------------

if grep -q liblvm2cmd "$BAREPOOL_MODULES/logical.so" 2>/dev/null; then
	mkdir "$T/none"
	: >"$T/none/liblvm2cmd.so.2.03"
	fails 'no start without LVM' env LD_LIBRARY_PATH="$T/none" PATH=/nowhere \
		"$T/bin/barepool" pool-start vg
	has '... says what to install' "$T/out" 'install LVM (package lvm2)'
fi
done_testing
