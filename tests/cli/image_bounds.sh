#!/bin/sh
# image_bounds.sh - a file of 1 KiB that says it is a huge image, or lies, costs neither memory
# nor time, whatever is done with it.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
. tests/lib.sh
needs qemu-img 'qemu-img makes the images'

MEMORY=131072	# KiB of addresses, programs and libraries among them
SECONDS_MOST=5	# of a processor's time
export MALLOC_ARENA_MAX=1
# Sanitizers take terabytes of addresses for themselves.
# shellcheck disable=SC3045 # where it is not known, memory is not limited, and that is said
if (ulimit -v $MEMORY && bp --version) >"$T/out" 2>&1; then
	limit() { ulimit -v $MEMORY && ulimit -t $SECONDS_MOST; }
else
	skip 'memory is limited' 'this build cannot live in a limited space of addresses'
	limit() { ulimit -t $SECONDS_MOST; }
fi

mkdir "$T/w"
cd "$T/w" || exit 1
for f in qcow2 qcow qed vmdk vdi vpc vhdx parallels; do
	qemu-img create -q -f $f whole 8M >"$T/out" 2>&1 && head -c 1024 whole >$f
	rm -f whole
done
qemu-img create -q -f qcow2 -o cluster_size=512 small 64k && head -c 1024 small >qcow2-512
truncate -s 1024 luks bochs cloop dmg
printf 'LUKS\272\276\0\1aes' | dd of=luks conv=notrunc status=none
printf 'Bochs Virtual HD Image' | dd of=bochs conv=notrunc status=none
printf 'Redolog\0\0\0\0\0\0\0\0\0Growing' | dd of=bochs bs=1 seek=32 conv=notrunc status=none
printf '\0\0\2\0\0\2\0\0\4\0\0\0\100' | dd of=bochs bs=1 seek=64 conv=notrunc status=none
# shellcheck disable=SC2016 # it is what stands there
printf '#!/bin/sh\n#V2.0 Format\nmodprobe cloop file=$0 && mount -r -t iso9660 /dev/cloop $1\n' |
	dd of=cloop conv=notrunc status=none
printf '\0\0\20\0\0\0\0\1' | dd of=cloop bs=1 seek=128 conv=notrunc status=none
printf koly | dd of=dmg bs=1 seek=512 conv=notrunc status=none

# What is done with an image, which changes it or not.
commands() {
	f=$1 file=$2
	cat <<-END
	info -f $f $file
	check -r all -f $f $file
	map -f $f $file
	compare -f $f -F $f $file $file
	measure -O qcow2 -f $f $file
	convert -f $f -O raw $file out
	snapshot -c s $file
	resize -f $f $file 64T
	END
}

# lies FORMAT BASE OFFSET...: four bytes there say as much as they can.
lies() {
	f=$1 base=$2 bad_at=
	shift 2
	[ -s "$base" ] || { skip "$f" 'it could not be made'; return; }
	for at; do
		for bytes in '\377\377\377\377' '\177\377\377\377' '\0\0\0\100'; do
			cp "$base" lie
			# shellcheck disable=SC2059 # they are escapes
			printf "$bytes" | dd of=lie bs=1 seek="$at" conv=notrunc status=none
			cp lie one
			commands "$f" one | while read -r words; do
				cmp -s lie one || cp lie one
				rm -f out
				# shellcheck disable=SC2086 # words
				(limit; bp image $words) >"$T/out" 2>&1 </dev/null
				status=$?
				[ $status -lt 64 ] && continue
				head -c 2000 "$T/out" | show /dev/stdin
				echo "# $words: status $status"
				exit 1
			done || bad_at="$bad_at $at:$bytes"
		done
	done
	is "$base: no memory, no time" "$bad_at" ''
}
lies qcow2 qcow2 4 20 24 36 60
lies qcow2 qcow2-512 20 28 36 44 52 56 60 68
lies qcow qcow 24 28 32 40
lies qed qed 4 8 40 48
lies vmdk vmdk 12 20 44 56
lies vdi vdi 340 368 376 384
lies vpc vpc 16 48 540 544
lies vhdx vhdx 0
lies parallels parallels 28 32 36
lies luks luks 6 104
lies bochs bochs 68 72 76 80 84
lies cloop cloop 128 132 136
lies dmg dmg 516 552 728
truncate -s 1024 raw
lies raw raw 510
done_testing
