#!/bin/sh
# image_amend.sh - image amend, beside qemu-img.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
. tests/lib.sh
. tests/images.sh

made -f qcow2 -o compat=0.10 a 10M
for d in A B; do qemu-io -f qcow2 -c 'write -P 1 1M 3M' "$T/$d/a" >/dev/null || exit 1; done
wholly 'lazy in version 2' amend -o lazy_refcounts=on a
wholly 'a newer version, lazy and larger' amend -o compat=1.1,lazy_refcounts=on,size=20M a
same a qcow2 ''
wholly 'wider refcounts' amend -f qcow2 -o refcount_bits=64 a
wholly 'not with the older version' amend -o compat=0.10 a
wholly 'nor when it is to be so' amend -o compat=0.10,refcount_bits=32 a
wholly 'both at once' amend -o compat=0.10,refcount_bits=16 a
wholly 'smaller' amend -o size=5M a
same a qcow2 ''
wholly 'no such width' amend -o refcount_bits=3 a
wholly 'no such version' amend -o compat=0.42 a
wholly 'no such option' amend -o foo=bar a
wholly 'only of a new one' amend -o cluster_size=1k a
wholly 'the backing file' amend -o backing_file=b a
both 'nothing' amend a
wholly 'no file' amend -o size=1M
both 'what cannot be amended' amend -f raw -o size=1M a
both 'what is not there' amend -o size=1M nofile
made -f raw below 4M
for d in A B; do qemu-io -f raw -c 'write -P 7 0 4M' "$T/$d/below" >/dev/null || exit 1; done
made -f qcow2 -b below -F raw over 1M
wholly 'what was hidden stays hidden' amend -o size=3M,backing_file=below,backing_fmt=raw over
same over qcow2 ''
for d in A B; do
	(cd "$T/$d" && qemu-io -f qcow2 -c 'write -z 64k 128k' over >/dev/null) || exit 1
done
wholly 'zeros in an older version' amend -o compat=0.10 over
same over qcow2 ''
works 'what there is' bp image amend -f qcow2 -o help
has 'is listed' "$T/out" 'compat=<str>'
lacks 'and nothing else' "$T/out" cluster_size
works 'of the format that a file has' bp image amend -o help "$T/B/over"
has 'the same' "$T/out" 'compat=<str>'
says 'of no file' bp image amend -o help <<END
error: Expecting one image file name
[1]
END
done_testing
