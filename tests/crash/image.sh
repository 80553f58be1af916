#!/bin/sh
# image.sh - image commands that are killed, or whose calls fail, at each call: old image or new.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
. tests/crash.sh
needs qemu-img 'needs qemu-img'
needs qemu-io 'needs qemu-io'

# What the guest of an image sees: into FILE.  What cannot be asked for as a whole is that:
# the size of the disk and how many snapshots there are.
guest() {
	qemu-img convert -U -f "$format" -O raw "$1" "$2"
}
numbers() {
	[ "$format" != qcow2 ] || od -An -t x1 -j 24 -N 8 "$1" && od -An -t x1 -j 60 -N 4 "$1"
}

# Which of the two is it: "old", "new" or why it is neither.  Bytes that were judged once
# are not judged again; what was sick, and is not yet well, can be healed by others.
which() {
	[ -e "$1" ] || { [ -e "$T/old" ] && echo 'gone' || echo old; return; }
	sum=$(cat "$1" "$W/$beside" 2>/dev/null | cksum)
	known=$(sed -n "s/^$sum //p" "$T/judged")
	[ -z "$known" ] || { echo "$known"; return; }
	known=$(judge "$1")
	echo "$sum $known" >>"$T/judged"
	echo "$known"
}
judge() {
	if [ "$sick" ]; then
		! cmp -s "$1" "$T/old" || { echo old; return; }
		cp "$1" "$T/mended"
		qemu-img check -q -f qcow2 -r all "$T/mended" >"$T/check" 2>&1
		set -- "$T/mended"
	fi
	if [ "$format" = qcow2 ]; then
		qemu-img check -q -f qcow2 "$1" >"$T/check" 2>&1
		case $? in
		0|3) ;;		# 3: it takes more room than it needs
		*) echo "no image any more: $(cat "$T/check")"; return ;;
		esac
	fi
	for side in new old; do
		[ -e "$T/$side" ] && [ "$(numbers "$1")" = "$(numbers "$T/$side")" ] &&
			qemu-img compare -q -f "$format" "$1" "$T/$side.raw" >"$T/check" 2>&1 &&
			{ echo $side; return; }
	done
	echo 'neither old nor new'
}

# The command once more, after one that was killed and has left a part: it can do it.
again() {
	path=$W/$1
	shift
	parts=$((parts + 1))
	"$BAREPOOL" "$@" >"$T/run.out" 2>&1 && [ "$(which "$path")" = new ] ||
		why='cannot be done again'
}

# once K DEED FILE COMMAND...: what is wrong after call K was the last, or failed, in $why.
# 99 when there are not so many.
once() {
	k=$1 deed=$2 file=$3
	shift 3
	fresh
	"$K" "$k" ${deed:+"$deed"} "$BAREPOOL" "$@" >"$T/run.out" 2>&1
	status=$?
	[ $status -ne 99 ] || return 99
	is=$(which "$W/$file") why=
	case $status:$is in
	0:new|137:old|137:new|1:old|1:new) ;;
	*)	why="status $status, it is $is" ;;
	esac
	[ $status -ne 1 ] || grep -qF "$cause" "$T/run.out" || why='does not say why'
	ls -A "$W" >"$T/names"
	if [ $status -eq 137 ] && grep -q '^\..*\.part$' "$T/names"; then
		again "$file" "$@"
		ls -A "$W" >"$T/names"
	fi
	[ $status -eq 137 ] && [ "$is" = old ] && [ "$beside" ] &&
		! grep -qx "$beside" "$T/names.old" && sed -i "/^$beside\$/d" "$T/names"
	cmp -s "$T/names" "$T/names.old" || cmp -s "$T/names" "$T/names.new" ||
		why='leaves something'
	[ -z "$why" ]
}

# Who is killed may leave this file, too, but who fails may not.
beside=

# each FORMAT FILE COMMAND...: FILE, of FORMAT, is what COMMAND makes or changes.
each() {
	format=$1 file=$2
	shift 2
	fresh
	: >"$T/judged"
	rm -f "$T/old" "$T/new" "$T/old.raw" "$T/new.raw"
	[ ! -e "$W/$file" ] || { cp "$W/$file" "$T/old"; guest "$T/old" "$T/old.raw"; }
	ls -A "$W" >"$T/names.old"
	works "$*" bp "$@"
	ls -A "$W" >"$T/names.new"
	cp "$W/$file" "$T/new"
	guest "$T/new" "$T/new.raw"
	sick=
	[ "$format" != qcow2 ] || [ ! -e "$T/old" ] ||
		qemu-img check -q "$T/old" 2>"$T/check" || sick=yes
	while read -r deed cause; do
		[ "$deed" != kill ] || deed=
		k=1
		while once "$k" "$deed" "$file" "$@"; do k=$((k + 1)); done
		if [ -z "$why" ]; then
			is "... ${deed:-killed} at each of $((k - 1)) calls" $((k > 1)) 1
			continue
		fi
		cat "$T/names" "$T/check" >>"$T/run.out" 2>/dev/null
		show "$T/run.out"
		nok "... ${deed:-killed} at $k: $why"
	done <<-END
	kill
	5 Input/output error
	28 No space left on device
	END
}

parts=0
mkdir "$W"
cd "$W" || exit 1
truncate -s 384k src
head -c 50000 /dev/urandom | dd of=src bs=1 seek=70000 conv=notrunc status=none
seq 9000 | dd of=src bs=4096 seek=60 conv=notrunc status=none
{
	qemu-img create -q -f qcow2 -o cluster_size=4k there 128k &&
		qemu-io -c 'write -P 5 0 100k' there &&
		qemu-img create -q -f qcow2 -o cluster_size=512 img 256k &&
		qemu-io -c 'write -P 1 3000 9000' -c 'write -P 2 200000 20000' img &&
		qemu-img snapshot -c one img &&
		qemu-io -c 'write -P 3 5000 3000' -c 'write -z 200k 10k' img &&
		qemu-img convert -O qcow2 -o cluster_size=4k img alone &&
		cp alone leaky && qemu-img create -q -f raw raw 100k
} >"$T/out" 2>&1 || { show; nok 'images are made'; done_testing; }
# A cluster that is used twice as often as it is, and one that is not used at all.
printf '\0\2\0\0' | dd of=leaky bs=1 seek=$((2 * 4096 + 8)) conv=notrunc status=none
# A snapshot more than there is.
cp img table
printf '\0\0\0\2' | dd of=table bs=1 seek=60 conv=notrunc status=none
cd - >"$T/out" || exit 1
mv "$W" "$T/world"
s=$W/src

each qcow2 t image convert -O qcow2 "$s" "$W/t"
each qcow2 t image convert -O qcow2 -c "$s" "$W/t"
each raw t image convert -O raw "$W/img" "$W/t"
each qcow2 there image convert -O qcow2 -o cluster_size=4k "$s" "$W/there"
each raw raw image convert -O raw "$W/img" "$W/raw"
each qcow2 t image convert -O qcow2 -o preallocation=falloc --no-reflink "$s" "$W/t"
each vmdk t image convert -O vmdk -o subformat=streamOptimized "$s" "$W/t"
each vdi t image convert -O vdi "$s" "$W/t"
each vpc t image convert -O vpc "$s" "$W/t"
for o in metadata falloc full; do
	each qcow2 t image create -q -f qcow2 -o cluster_size=4k,preallocation=$o "$W/t" 512k
done
each raw t image create -q -f raw -o preallocation=full "$W/t" 64k
beside=t.data
for o in '' ,data_file_raw=on ,preallocation=full; do
	each qcow2 t image create -q -f qcow2 -o "cluster_size=4k,data_file=$W/t.data$o" "$W/t" 512k
	each qcow2 t image convert -O qcow2 -o "data_file=$W/t.data$o" "$s" "$W/t"
done
each qcow2 there image convert -O qcow2 -o "data_file=$W/t.data" "$s" "$W/there"
beside=far.data
for o in '' ,data_file_raw=on; do
	qemu-img create -q -f qcow2 -o "cluster_size=4k,data_file=$T/world/far.data$o" \
		"$T/world/far" 128k
	qemu-io -f qcow2 -c 'write -P 5 0 100k' "$T/world/far" >"$T/out"
	qemu-img amend -f qcow2 -o "data_file=$W/far.data" "$T/world/far"
	each qcow2 far image resize -q -f qcow2 "$W/far" 400k
	each qcow2 far image resize -q -f qcow2 --shrink "$W/far" 50k
	each qcow2 far image resize -q -f qcow2 --preallocation=full "$W/far" 200k
done
rm "$T/world/far" "$T/world/far.data"
beside=
each qcow2 img image resize -q "$W/img" 64M
for o in metadata falloc full; do
	each qcow2 alone image resize -q --preallocation=$o "$W/alone" 400k
done
each raw raw image resize -q -f raw --preallocation=full "$W/raw" 300k
each qcow2 img image resize -q --shrink "$W/img" 100k
each qcow2 img image snapshot -c two "$W/img"
each qcow2 img image snapshot -a one "$W/img"
each qcow2 img image snapshot -d one "$W/img"
each qcow2 leaky image check -q -r all "$W/leaky"
each qcow2 table image check -q -r all "$W/table"
each qcow2 img image rebase -q -u -b "$W/src" -F raw "$W/img"
is 'some of the killed have left a part, and it went' $((parts > 0)) 1
done_testing
