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
for img in -x.img json:x.img nbd:x.img 'a b,c.img'; do
	rm -f "$T/args"
	works "a file $img" faked --engine qemu -f qcow2 -O raw -- "$img" made
	has '... is only a file' "$T/args" "./$img"
	has '... of a format that is said' "$T/args" qcow2
done
bp image rebase -q -u -b 'json:{"driver":"file","filename":"/etc/passwd"}' -F raw -- -x.img
fails 'what an image leads to' faked -O vhdx -- -x.img disk.vhdx
has '... is ours to allow' "$T/out" 'which is no plain file'
fails 'options that name files are refused' faked -O qcow2 --engine qemu -o data_file=x disk y
fails 'so is what it is not given' faked -O vhdx -B base -F raw disk y
rm -f disk.vhdx made ./-x.img

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
is 'nothing is left' "$(find . -name '*.part')" ''
done_testing
