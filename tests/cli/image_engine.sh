#!/bin/sh
# image_engine.sh - images that QEMU's own program makes: asked for, staged, checked.
# SPDX-License-Identifier: LGPL-2.1-or-later
set -u
# shellcheck disable=SC1091 # tests are run from the top
. tests/lib.sh

mkdir "$T/w" "$T/none" "$T/fake"
cd "$T/w" || exit 1
bp image create -q -f qcow2 disk 4M
left() { find . -name '*.part' -o -name '*.vhdx' | sort; }

# ---- without it -------------------------------------------------------------------
alone() { # the command, where there is no qemu-img
	# shellcheck disable=SC2016 # for that shell
	unshare -m sh -c 'for f in $(command -v qemu-img); do mount --bind /dev/null "$f"; done
		PATH=$0 exec "$@"' "$T/none" "$T/bin/barepool" "$@"
}
if unshare -m mount --bind /dev/null "$T/bin/virsh" 2>/dev/null; then
	fails 'a format that only QEMU writes' alone image convert -f qcow2 -O vhdx disk disk.vhdx
	has '... names format and program' "$T/out" \
		"format 'vhdx' would be written by QEMU's qemu-img"
	has '... and what to do' "$T/out" 'install it'
	works 'ours need nobody' alone image convert -f qcow2 -O raw disk disk.raw
	fails 'but when it is asked for' alone image convert --engine qemu -O raw disk other.raw
	works '... by its other name' alone image convert --engine native -O raw disk other.raw
else
	skip 'without qemu-img' 'needs root and mounts'
fi
fails 'what only QEMU writes, without it' bp image convert --engine native -O vhdx disk x
has 'is known, and said to be that' "$T/out" "'vhdx' does not support image creation here"
mkdir "$T/sick"
printf '#!/bin/sh\necho no space >&2\nexit 1\n' >"$T/sick/qemu-img"
chmod +x "$T/sick/qemu-img"
PATH=$T/sick:$PATH bp image convert -O vhdx disk x 2>"$T/out" >&2
is 'what it says ends no line of ours' "$(tail -n 1 "$T/out" | sed 's/.*: //')" 'no space'
fails 'no such engine' bp image convert --engine steam -O raw disk x
has '... lists those there are' "$T/out" 'native or qemu'
ln -s "$BAREPOOL" "$T/fake/qemu-img"
fails 'a link to us is not it' env PATH="$T/fake:$PATH" "$T/bin/barepool" image convert -O qed \
	disk disk.qed
has '... which is said' "$T/out" 'what has its name is barepool'
is 'nothing was made' "$(left)" ''

# ---- one that is not what it should be --------------------------------------------------
rm "$T/fake/qemu-img"
fake() { # a qemu-img of these lines
	{ echo '#!/bin/sh'; cat; } >"$T/fake/qemu-img"
	chmod +x "$T/fake/qemu-img"
}
faked() { PATH="$T/fake:$PATH" "$T/bin/barepool" image convert "$@"; }
echo old >disk.vhdx
cp disk.vhdx "$T/old"
fake <<'END'
for last; do :; done
case $1 in convert) echo garbage >"$last" ;; *) echo 'it is no image' >&2; exit 2 ;; esac
END
fails 'what it made is looked at' faked -O vhdx disk disk.vhdx
has '... and its complaint told' "$T/out" 'check of what it made: status 2: it is no image'
works '... and what was there stays' cmp disk.vhdx "$T/old"
fake <<END
for last; do :; done
echo half >"\$last"
kill -9 "\$(cat "$T/pid")"
END
sh -c "echo \$\$ >'$T/pid'; PATH='$T/fake:$PATH' exec '$T/bin/barepool' image convert -O vhdx \
	disk disk.vhdx" >"$T/out" 2>&1
is 'killed' $? 137
works '... it leaves what was there' cmp disk.vhdx "$T/old"
fake <<'END'
printf '%s\n' "$@" >>../args
END
for img in -x.img json:x.img nbd:x.img 'a b,c.img'; do cp disk "./$img"; done
for img in -x.img ./json:x.img ./nbd:x.img 'a b,c.img'; do
	rm -f "$T/args"
	works "a file $img" faked --engine qemu -f qcow2 -O raw -- "$img" made
	has '... is only a file' "$T/args" "./${img#./}"
	has '... of a format that is said' "$T/args" qcow2
done
bp image rebase -q -u -b 'json:{"driver":"file","filename":"/etc/passwd"}' -F raw -- -x.img
fails 'what an image leads to' faked -f qcow2 -O vhdx -- -x.img disk.vhdx
has '... is ours to allow' "$T/out" 'which is no plain file'
fails 'options that name files are refused' faked -O qcow2 --engine qemu -o data_file=x disk y
fails 'so is what it is not given' faked -O vhdx -B base -F raw disk y
rm -f disk.vhdx made ./-x.img
fails 'an image that another program changes' bp image resize --engine qemu disk 8M
has '... is of a format that is said' "$T/out" 'a format that is said (-f)'
fails 'one that is looked at, too' bp image check --engine qemu disk
fake <<'END'
for last; do :; done
case $1 in
resize) for to; do [ "$to" = "$last" ] || was=$to; done; echo garbage >"$was" ;;
check) echo 'it is no image' >&2; exit 2 ;;
esac
END
made() { PATH="$T/fake:$PATH" "$T/bin/barepool" image "$@"; }
cp disk "$T/old"
fails 'what it makes of one' made resize --engine qemu -f qcow2 disk 8M
has '... is looked at' "$T/out" 'check of what it made: status 2: it is no image'
works '... and the image stays as it is' cmp disk "$T/old"
fails 'so is an empty image' made create --engine qemu -f qcow2 new 8M
[ -e new ]
is '... which is not there then' $? 1
ln disk disk2
fails 'an image with two names' made resize --engine qemu -f qcow2 disk 8M
has '... would be two images' "$T/out" 'has other names'
rm disk2
fails 'options that name files are refused' made create --engine qemu -f qcow2 -o data_file=x y 1M
fails 'so are images of several files' made create --engine qemu -f vmdk \
	-o subformat=monolithicFlat y 1M
fails 'an overlay of what QEMU would guess' made create -f qed -b disk y
has '... is refused' "$T/out" 'without backing format'
fails 'so is one of what is not there' made create -f qed -b nowhere -F raw y
is 'none of it was made' "$(find . -name y)" ''

# ---- the real one ---------------------------------------------------------------------
if ! command -v qemu-img >/dev/null || ! command -v qemu-io >/dev/null; then
	skip 'images of other formats' 'needs qemu-img and qemu-io'
	done_testing
fi
qemu-io -c 'write -P 7 1M 1M' -c 'write -P 8 3M 4k' disk >/dev/null
for f in vhdx qed qcow parallels; do
	works "an image of format $f" bp image convert -f qcow2 -O $f disk made.$f
	works '... is what its source is' qemu-img compare -q -f qcow2 -F $f disk made.$f
	works '... to us, too' bp image compare -q -f qcow2 -F $f disk made.$f
	is '... with the rights of a new file' "$(stat -c %a made.$f)" 644
done
works 'compressed' bp image convert -c --engine qemu -f qcow2 -O qcow2 disk small
[ "$(stat -c %s small)" -lt "$(stat -c %s disk)" ]
is '... it is smaller' $? 0
works 'one of ours' bp image convert --engine qemu -f qcow2 -O qcow2 -o compat=0.10 disk made
works '... with its options' sh -c "qemu-img info made | grep -q 'compat: 0.10'"
works 'one takes the place of another' bp image convert -O qed disk made.qed
fails 'an option that it does not know' bp image convert -O qed -o nosuch=1 disk made.qed
has '... is told in its words' "$T/out" nosuch

# ---- empty images, and others changed ------------------------------------------------------
for f in vhdx qed qcow parallels; do
	bp image create -f $f new.$f 8M >"$T/ours"
	qemu-img create -f $f new.$f 8M >"$T/theirs"
	works "an empty image of format $f is told of as by QEMU" cmp "$T/ours" "$T/theirs"
	bp image create -q -f $f new.$f 8M
	is '... and is of that size' "$(qemu-img info -f $f new.$f | grep virtual)" \
		'virtual size: 8 MiB (8388608 bytes)'
	bp image create -f $f -o help >"$T/ours"
	qemu-img create -f $f -o help >"$T/theirs"
	works '... and its options are listed' cmp "$T/ours" "$T/theirs"
done
works 'an overlay' bp image create -q -f qed -b disk -F qcow2 over.qed
works '... shows what is below it' qemu-img compare -q -f qcow2 -F qed disk over.qed
works 'one whose backing file is not there' bp image create -q -f qed -u -b gone -F raw o.qed 1M
works 'a larger one' bp image resize --engine qemu -f qed made.qed +8M
is '... has that size' "$(qemu-img info -f qed made.qed | grep virtual)" \
	'virtual size: 12 MiB (12582912 bytes)'
works '... and is what it was' qemu-img compare -q -f qcow2 -F qed disk made.qed
fails 'an overlay is not copied' bp image resize --engine qemu -f qed over.qed 1G
has '... which is said' "$T/out" 'convert it to qcow2 first'
fails 'a format that cannot be resized' bp image resize --engine qemu -f vhdx made.vhdx 1G
has '... is told in its words' "$T/out" 'does not support resize'
works 'an image is checked by QEMU' bp image check --engine qemu -f qed made.qed
printf '\2' | dd of=made.qed bs=1 seek=16 conv=notrunc status=none	# it was not closed
works '... repaired by it' bp image check --engine qemu -r all -f qed made.qed
is '... is' "$(od -An -tx1 -j16 -N1 made.qed)" ' 00'
is 'nothing is left' "$(find . -name '*.part')" ''
done_testing
