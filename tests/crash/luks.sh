#!/bin/sh
# luks.sh - encrypted volumes whose makers and growers are killed or fail: old, new or nothing.
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A passphrase takes seconds: one that is made is cut off at some of its calls only; with
# ALL=yes at each.
# shellcheck disable=SC1091 # tests are run from the top
. tests/crash.sh
needs qemu-io 'qemu-io opens encrypted images'
export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0"

U=11111111-1111-4111-8111-111111111111
seen=$T/seen
: >"$seen"
phrase=barepool-keeps-this-to-itself
mkdir "$T/secrets" "$W" "$W/p"
printf %s $phrase | base64 | tr -d '\n' >"$T/secrets/$U.base64"
chmod 600 "$T/secrets/$U.base64"
echo "<secret ephemeral='no' private='yes'><uuid>$U</uuid></secret>" >"$T/secrets/$U.xml"
ln -s "$T/secrets" "$W/secrets"
bp -q pool-create-as p dir --target "$W/p" >"$T/out"
define() { # FORMAT
	cat >"$T/$1.xml" <<-END
	<volume>
	  <name>$1</name><capacity unit='KiB'>512</capacity><allocation>0</allocation>
	  <target>
	    <format type='$1'/>
	    <encryption format='luks'><secret type='passphrase' uuid='$U'/></encryption>
	  </target>
	</volume>
	END
}
define raw
define qcow2
if ! bp -q vol-create p "$T/raw.xml" >"$T/out" 2>&1; then
	grep -q 'without libcryptsetup' "$T/out" || { show; nok 'it is made'; done_testing; }
	echo '1..0 # SKIP this was built without libcryptsetup'
	exit 0
fi
rm "$W/p/raw"
mv "$W" "$T/world"

# Calls on what is in the pool: the header is made in memory, where nothing is cut off.
killat() {
	"$K" --under "$W/p" "$@"
}

# with VOLUME COMMAND...: by QEMU, as who knows the passphrase.
with() {
	case $1 in
	raw)	how=driver=luks,key-secret=s ;;
	*)	how=driver=qcow2,encrypt.format=luks,encrypt.key-secret=s ;;
	esac
	how=$how,file.filename=$W/p/$1
	shift
	for c; do set -- "$@" -c "$c"; shift; done
	qemu-io --object "secret,id=s,data=$phrase" --image-opts "$how" "$@" >"$T/io" 2>&1 &&
		! grep -q 'failed\|error' "$T/io"
}
capacity() {
	bp vol-dumpxml "$1" p 2>&1 | sed -n "s/ *<capacity unit='bytes'>\(.*\)<.*/\1/p"
}
# What there is of a volume, which was filled with a byte, or not (-): its size, or what is
# wrong with it.
# What was looked at once is not opened again, as that takes its time.
found() { # VOLUME BYTE
	[ -e "$W/p/$1" ] || { echo none; return; }
	sum=$(cksum <"$W/p/$1")
	known=$(sed -n "s/^$sum //p" "$seen")
	[ "$known" ] || { known=$(look "$@"); echo "$sum $known" >>"$seen"; }
	echo "$known"
}
look() {
	now=$(capacity "$1")
	want="-P $2"
	[ "$2" != - ] || want=
	with "$1" "read $want 0 512k" || { echo 'cannot be read'; return; }
	if [ "$1" = qcow2 ]; then
		qemu-img check -q --object "secret,id=s,data=$phrase" --image-opts "$how" \
			>"$T/io" 2>&1
		case $? in 0|3) ;; *) echo 'is no image'; return ;; esac
	fi
	echo "$now"
}

# cut_off VOLUME BYTE OLD NEW CALLS COMMAND...: at each of these calls one deed in turn, or all.
cut_off() {
	vol=$1 byte=$2 old=$3 new=$4 calls=$5 tried=0
	shift 5
	for k in $calls; do
		tried=$((tried + 1))
		deeds='kill 5 28'
		[ "${ALL-}" ] || deeds=$(echo "$deeds" |
			cut -d' ' -f $((tried % 3 + 1)))
		for deed in $deeds; do
			fresh
			[ "$deed" != kill ] || deed=
			killat "$k" ${deed:+"$deed"} "$BAREPOOL" "$@" >"$T/run.out" 2>&1
			status=$?
			is=$(found "$vol" "$byte") why=
			case $status:$is in
			0:"$new"|137:"$old"|137:"$new"|1:"$old") ;;
			1:"$new") grep -q 'may not last' "$T/run.out" || why='fails, and is done' ;;
			*) why="status $status, $is" ;;
			esac
			[ $status -ne 1 ] || grep -q "$vol" "$T/run.out" || why='no name'
			[ $status -ne 1 ] || grep -q 'Input/output error\|No space' "$T/run.out" ||
				why='does not say why'
			bp -q 'vol-create-as p harmless 0; vol-delete harmless p' >"$T/out" 2>&1
			find "$W/p" -mindepth 1 ! -name "$vol" >"$T/left"
			[ ! -s "$T/left" ] || why='leaves something'
			[ "$why" ] || continue
			cat "$T/run.out" "$T/left" "$T/io" >"$T/out"
			show
			nok "$*: ${deed:-killed} at $k: $why"
			return
		done
	done
	is "$*: cut off at $tried calls" $((tried > 1)) 1
}
# some KINDS: of the calls that were listed, the last of each kind; with ALL each.
some() {
	if [ "${ALL-}" ]; then seq "$(wc -l <"$T/calls")"; return; fi
	for kind in $1; do
		grep -n "^$kind " "$T/calls" | tail -n 1 | cut -d: -f1
	done
}

kinds='ftruncate write fchmod linkat'
for v in raw qcow2; do
	fresh
	killat --list "$BAREPOOL" vol-create p "$T/$v.xml" 3>"$T/calls" >"$T/out" 2>&1
	is "$v: is made" "$(found $v -)" 524288
	works '... and filled' with $v 'write -P 7 0 512k'
	mv "$W" "$T/filled.$v"
	cut_off $v - none 524288 "$(some "$kinds")" vol-create p "$T/$v.xml"
	kinds='pwrite64 linkat'
done
for v in raw qcow2; do
	rm -rf "$T/world"
	mv "$T/filled.$v" "$T/world"
	fresh
	killat --list "$BAREPOOL" vol-resize $v 1M p 3>"$T/calls" >"$T/out" 2>&1
	is "$v: grows" "$(found $v 7)" 1048576
	cut_off $v 7 524288 1048576 "$(seq "$(wc -l <"$T/calls")")" vol-resize $v 1M p
done
done_testing
