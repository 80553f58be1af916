#!/bin/sh
# volume_by_qemu.sh - volumes in formats that only QEMU's own program writes.
# SPDX-License-Identifier: LGPL-2.1-or-later
set -u
# shellcheck disable=SC1091 # tests are run from the top
. tests/lib.sh
needs qemu-img 'needs qemu-img'
needs qemu-io 'needs qemu-io'

mkdir "$T/p" "$T/none" "$T/fake"
P=$T/p
works 'a pool' bp pool-define-as p dir --target "$P"
works 'is started' bp pool-start p
whole() { # FORMAT VOLUME
	qemu-img check -q -f "$1" "$P/$2"
	case $? in 0 | 63) ;; *) return 1 ;; esac
}
left() { find "$P" ! -type d | sort; }
xml() { # NAME FORMAT [CAPACITY]
	printf '<volume><name>%s</name><capacity>%s</capacity><target>' "$1" "${3-5242880}"
	echo "<format type='$2'/></target></volume>"
}
info() { qemu-img info --output=json -f "$1" "$P/$2" | tr -d '\n ' ; }

for f in qed qcow; do
	[ $f = qed ] && other=qcow || other=qed
	works "$f is made" bp vol-create-as p "v.$f" 5M --format $f
	is '... of that size' "$(info $f v.$f | grep -c '"virtual-size":5242880')" 1
	works '... whole' whole $f "v.$f"
	is '... nobody elses' "$(stat -c %a "$P/v.$f")" 600
	works '... and can be written to' qemu-io -f $f -c 'write -P 5 1M 1M' "$P/v.$f"
	works '... is told of' bp vol-dumpxml "v.$f" p
	has '...' "$T/out" "<format type='$f'/>"
	works '... copied' bp vol-clone "v.$f" "c.$f" p
	works '... as it is' cmp "$P/v.$f" "$P/c.$f"
	works '... as qcow2' bp vol-create-from p /dev/stdin "v.$f" --inputpool p <<END
$(xml q.$f qcow2)
END
	works '... the same' qemu-img compare -q -f $f -F qcow2 "$P/v.$f" "$P/q.$f"
	works '... and back' bp vol-create-from p /dev/stdin "q.$f" --inputpool p <<END
$(xml b.$f $f)
END
	works '... the same' qemu-img compare -q -f qcow2 -F $f "$P/q.$f" "$P/b.$f"
	works '... whole' whole $f "b.$f"
	fails '... not larger' bp vol-create-from p /dev/stdin "q.$f" --inputpool p <<END
$(xml l.$f $f 9242880)
END
	has '...' "$T/out" "volume 'q.$f' cannot be made larger while it is copied"
	fails '... nor later' bp vol-resize "v.$f" 9M p
	has '... in a pool' "$T/out" "images of format '$f' cannot be resized"
	fails 'a name that is taken' bp vol-create-as p "v.$f" 5M --format $f
	works "an overlay in $f" bp vol-create-as p "o.$f" 5M --format $f --backing-vol q.$f \
		--backing-vol-format qcow2
	works '... shows what is below it' qemu-img compare -q -f qcow2 -F $f "$P/q.$f" "$P/o.$f"
	works '... is flattened' bp vol-create-from p /dev/stdin "o.$f" --inputpool p <<END
$(xml f.$f "$other")
END
	works '... the same' qemu-img compare -q -f qcow2 -F "$other" "$P/q.$f" "$P/f.$f"
	is '... all by itself' "$(info "$other" "f.$f" | grep -c backing)" 0
done
# What libvirt takes for raw is an image all the same.
for o in 'vhdx -o subformat=dynamic' 'vmdk -o subformat=monolithicFlat' 'vpc -o subformat=fixed'; do
	# shellcheck disable=SC2086 # words
	qemu-img create -q -f $o "$P/raw.${o%% *}" 5M
	f=${o%% *}
	cp "$P/raw.$f" "$T/before"
	for size in 9M '6M --shrink'; do
		# shellcheck disable=SC2086 # words
		fails "$o is not resized to $size" bp vol-resize "raw.$f" $size --pool p
		has '... as bytes' "$T/out" "images of format '$f' cannot be resized; one of format"
	done
	works '... nor changed' cmp "$P/raw.$f" "$T/before"
	works '... copied it is as it is' bp vol-clone "raw.$f" "c.$f" p
	lacks '... without a word' "$T/out" warning
	rm -f "$P/raw".* "$P/c.$f"
done
qemu-img create -q -f vhdx "$P/x.vhdx" 5M
works 'in another format it is taken for raw' bp vol-create-from p /dev/stdin x.vhdx \
	--inputpool p <<END
$(xml x.q qcow2)
END
has '... which is told' "$T/out" 'warning: vol x.vhdx looks like an image of format vhdx, and was'
works '... and it is' qemu-img compare -q -f raw -F qcow2 "$P/x.vhdx" "$P/x.q"
rm "$P/x.vhdx" "$P/x.q"
works 'clusters of another size' bp vol-create p /dev/stdin <<END
<volume><name>k.qed</name><capacity>5242880</capacity>
<target><format type='qed'/><clusterSize unit='KiB'>16</clusterSize></target></volume>
END
is '... are' "$(info qed k.qed | grep -c '"cluster-size":16384')" 1

left >"$T/before"
for o in --prealloc-metadata '--backing-vol nowhere'; do
	# shellcheck disable=SC2086 # words
	fails "not with $o" bp vol-create-as p x 5M --format qed $o
done
fails 'no features' bp vol-create p /dev/stdin <<END
<volume><name>x</name><capacity>1</capacity>
<target><format type='qed'/><features><lazy_refcounts/></features></target></volume>
END
for f in bochs cloop dmg cow; do
	fails "nobody makes $f" bp vol-create-as p x 5M --format $f
	has '... which is told' "$T/out" "volumes of format '$f' can be used, but not created"
done
for f in vhdx parallels; do
	fails "$f is known to no pool" bp vol-create-as p x 5M --format $f
	has '... as in libvirt' "$T/out" "unknown volume format type $f"
done

# Something that is not what was asked for is no volume.
cat >"$T/fake/qemu-img" <<'END'
#!/bin/sh
[ "$1" = create ] || exit 0
for to; do case $to in /proc/*) echo nothing >"$to" ;; esac; done
END
chmod +x "$T/fake/qemu-img"
fails 'what it made is looked at' env PATH="$T/fake:$PATH" "$T/bin/barepool" vol-create-as p x 5M \
	--format qed
printf '#!/bin/sh\necho "no space" >&2; exit 1\n' >"$T/fake/qemu-img"
fails 'what it complains of' env PATH="$T/fake:$PATH" "$T/bin/barepool" vol-create-as p x 5M \
	--format qed
has '... is told' "$T/out" 'status 1: no space'
alone() { # the command, where there is no qemu-img
	# shellcheck disable=SC2016 # for that shell
	unshare -m sh -c 'for f in $(command -v qemu-img); do mount --bind /dev/null "$f"; done
		PATH=$0 exec "$@"' "$T/none" "$T/bin/barepool" "$@"
}
if unshare -m mount --bind /dev/null "$T/bin/virsh" 2>/dev/null; then
	fails 'without it' alone vol-create-as p x 5M --format qed
	has '... it is named' "$T/out" "format 'qed' would be written by QEMU's qemu-img"
	has '... and what to do' "$T/out" 'install it'
	xml x qed >"$T/x.xml"
	fails 'nor is a copy made' alone vol-create-from p "$T/x.xml" q.qed --inputpool p
	has '... for the same reason' "$T/out" "format 'qed' would be written by QEMU's qemu-img"
	works 'ours need nobody' alone vol-create-as p y 5M --format qcow2
	rm "$P/y"
else
	skip 'without qemu-img' 'needs root and mounts'
fi
left >"$T/after"
works 'nothing is left of what failed' diff "$T/before" "$T/after"
done_testing
