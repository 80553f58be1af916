#!/bin/sh
# image_dropin.sh - command lines of scripts with a link named qemu-img, and with the real one.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
#
# Those of image_dropin.cases: standard output and status must be the same, and an error
# must be one.  What is meant to differ says why; where it does not any more, that fails.
. tests/lib.sh
needs qemu-img 'needs qemu-img'
needs qemu-io 'needs qemu-io'

cases=$PWD/tests/cli/image_dropin.cases
stock=$(command -v qemu-img)
ln -s "$BAREPOOL" "$T/bin/qemu-img"

# side NAME TOOL: all of it in a directory of that name; what line N printed is in N.out.
# $Q is the tool to lines for the shell.
side() {
	export Q="$2"
	mkdir "$T/$1" "$T/$1.said"
	(
		cd "$T/$1" || exit
		i=0
		while read -r line; do
			i=$((i + 1))
			to=$T/$1.said/$i
			case $line in
			''|'#'*|'differs '*) ;;
			'$ '*)	eval "${line#$ }" >"$to.out" 2>"$to.err" ;;
			'! '*)	eval "${line#! }" >/dev/null 2>"$to.err" ;;
			*)	eval "$2 $line" >"$to.out" 2>"$to.err" </dev/null
				echo "status $?" >>"$to.out" ;;
			esac
		done <"$cases"
	)
	# What a file takes on its file system, and when and where it was made.
	sed -i -E -e 's/^disk size: .*/disk size: SOME/' \
		-e 's/("actual-size": )[0-9]+/\1SOME/' \
		-e 's/^(Image end offset: ).*/\1SOME/; s/("image-end-offset": )[0-9]+/\1SOME/' \
		-e 's/[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8}/WHEN/' \
		-e 's/( *"?cid"?: ).*[0-9]/\1SOME/' \
		-e 's/("date-n?sec": )[0-9]+/\1SOME/' "$T/$1.said"/*.out
}
side stock "$stock"
side ours "$T/bin/qemu-img"

# An error tells of itself on standard error, in lines that begin alike.
alike() {
	diff "$T/stock.said/$1.out" "$T/ours.said/$1.out" >"$T/out" || return
	if [ -s "$T/stock.said/$1.err" ] && ! [ -s "$T/ours.said/$1.err" ]; then
		{ echo 'nothing is said on standard error, but:'
		cat "$T/stock.said/$1.err"; } >"$T/out"
		return 1
	fi
}

i=0 why='' same=0 told=0
while read -r line; do
	i=$((i + 1))
	case $line in
	''|'#'*|'! '*) continue ;;
	'differs '*) why=${line#differs }; continue ;;
	esac
	if alike $i; then
		same=$((same + 1))
		[ -z "$why" ] || nok "line $i does not differ any more: $line"
	elif [ "$why" ]; then
		told=$((told + 1))
	else
		show
		nok "line $i: $line"
	fi
	why=''
done <"$cases"
if [ $same -gt 200 ]; then
	ok "$same lines are as with QEMU's tool, $told differ for a reason"
else
	nok "only $same lines are the same"
fi
done_testing
