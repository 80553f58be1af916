#!/bin/sh
# image_bitmap_written.sh - what our commands write into an image is in its dirty bitmaps; beside
# qemu-img.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
. tests/lib.sh
. tests/images.sh

anew() { # [SIZE]: of an overlay
	made -f qcow2 -o $options base 10M
	for d in A B; do
		(cd "$T/$d" && qemu-img bitmap --add -g 4k base one &&
			qemu-img bitmap --add -g 1M base coarse &&
			qemu-img bitmap --add --disable base off &&
			case $options in
			data*)	qemu-img amend -o "data_file=$T/$d/base.data" base ;;
			esac) || exit 1
	done
	made -f qcow2 -b base -F qcow2 top "$@"
}
into() {
	for d in A B; do
		qemu-io -f qcow2 "$@" "$T/$d/${image-top}" >/dev/null || exit 1
	done
}
in_all() {
	for b in one coarse off; do noted base $b "$1"; done
	works "$1: whole" qemu-img check -q "$T/B/base"
}
resized() {
	wholly 'larger' resize base 20M
	in_all larger
	image=base into -c 'write -P 1 19M 4k' -c 'write -P 0 5M 4k' -c 'write -P 3 0 8k'
	wholly 'smaller' resize --shrink base 5122k
	in_all smaller
	wholly 'larger again' resize base 10M
	in_all 'larger again'
	wholly 'with space' resize --preallocation=falloc base 11M
	in_all 'with space'
	same base qcow2 ''
}

for options in cluster_size=64k cluster_size=512 cluster_size=16k,extended_l2=on; do
	anew
	into -c 'write -P 1 1M 4k' -c 'write -z 3M 64k' -c 'write -P 2 5M 300k'
	wholly "committed: $options" commit top
	in_all committed
	same base qcow2 ''
	into -c 'write -P 3 9M 64k'
	wholly 'and again' commit -d top
	in_all 'committed again'
	anew 12M
	into -c 'write -P 1 1M 4k' -c 'write -P 2 11M 4k'
	wholly 'into a base that grows' commit top
	in_all 'grown by commit'
	same base qcow2 ''

	anew
	resized
	wholly 'by amend' amend -o size=12M base
	in_all amended

	anew
	for d in A B; do truncate -s 10M "$T/$d/raw"; done
	for d in A B; do qemu-io -f raw -c 'write -P 1 2M 64k' "$T/$d/raw" >/dev/null; done
	wholly 'converted into' convert -n -f raw -O qcow2 raw base
	in_all 'converted into'
	anew
	wholly 'that is zero' convert -n --target-is-zero -f raw -O qcow2 raw base
	in_all 'converted into zeros'
	same base qcow2 ''
done

# With the data in another file.
for options in data_file=base.data data_file=base.data,data_file_raw=on,cluster_size=4k \
	data_file=base.data,extended_l2=on; do
	anew
	image=base into -c 'write -P 1 1M 4k' -c 'write -z 3M 64k'
	resized
	into -c 'write -P 2 7M 64k'
	wholly "committed: $options" commit top
	in_all committed
	works 'its file is as long' [ "$(stat -c %s "$T/B/base.data")" = 11534336 ]
done
options=cluster_size=16k,extended_l2=on
anew

# What its guest sees stays the same: nothing is noted.
wholly 'a bitmap of an overlay' bitmap --add top own
works 'rebased' bp image rebase -b '' "$T/B/top"
fails '... and nothing is noted' grep '"data": false' <<END
$(dirty "$T/B/top" own)
END

# Who was killed while he noted writes leaves none that could be of the right size.
for d in A B; do
	(cd "$T/$d" && qemu-io -f qcow2 -c 'write 0 64k' -c flush -c 'sigraise 9' base) \
		>/dev/null 2>&1
done
wholly 'an inconsistent one' resize base 20M
fails 'what nobody can note' bp image snapshot -a nonesuch "$T/B/base"
done_testing
