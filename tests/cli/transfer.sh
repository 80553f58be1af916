#!/bin/sh
# transfer.sh - vol-upload and vol-download: bytes in, bytes out, and nothing left of a failure.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
. tests/lib.sh

mkdir "$T/p"
works 'define' bp pool-define-as p dir --target "$T/p"
works 'start' bp pool-start p
works 'a volume' bp vol-create-as p v 64K
head -c 65536 /dev/urandom >"$T/data"

says 'upload says nothing' bp vol-upload v "$T/data" p <<END

END
works 'the bytes are there' cmp "$T/data" "$T/p/v"
says 'download says nothing' bp -q vol-download v "$T/out1" p <<END
END
works 'the same bytes' cmp "$T/data" "$T/out1"
works 'a part' bp vol-download v "$T/part" p --offset 1000 --length 500
tail -c +1001 "$T/data" | head -c 500 >"$T/want500"
works 'is that part' cmp "$T/part" "$T/want500"
works 'upload of a part' bp vol-upload v "$T/want500" p --offset 100
tail -c +101 "$T/p/v" | head -c 500 >"$T/got500"
works 'is where it should be' cmp "$T/got500" "$T/want500"
works 'sparse' bp vol-download v "$T/sparse" p --sparse
works 'is the same' cmp "$T/sparse" "$T/p/v"
works 'a negative length is all' bp vol-download v "$T/all" p --length -1
works 'all of it' cmp "$T/all" "$T/p/v"
works 'through the standard streams' sh -c "
	'$T/bin/barepool' -q vol-download v /dev/stdout p | cmp - '$T/p/v'"
works 'from the standard input' sh -c "echo hello | '$T/bin/barepool' vol-upload v /dev/stdin p"
is 'came in' "$(head -c 5 "$T/p/v")" hello

says 'a file that is not there' bp vol-upload v "$T/none" p <<END
error: cannot read \$T/none
hint: No such file or directory

[1]
END
says 'under the other name only virsh'"'"'s words' vs vol-upload v "$T/none" p <<END
error: cannot read \$T/none

[1]
END
says 'a place that is not there' vs vol-download v "$T/none/x" p <<END
error: cannot create \$T/none/x

[1]
END
says 'an offset with a unit' vs vol-download v "$T/x" p --offset 1M <<END
error: Numeric value '1M' for <offset> option is malformed or out of range

[1]
END
fails 'no such volume' bp vol-download nope "$T/new" p
[ ! -e "$T/new" ]
is 'leaves no file' $? 0

# A download that fails takes its file with it, but not one that was there.
fails 'refused' bp -r vol-download v "$T/new" p
[ ! -e "$T/new" ]
is 'leaves no file either' $? 0
echo mine >"$T/old"
fails 'refused again' bp -r vol-download v "$T/old" p
is 'leaves a file that was there as it was' "$(cat "$T/old")" mine
before=$(cksum <"$T/p/v")
ln "$T/p/v" "$T/again"
for file in "$T/p/v" "$T/again"; do
	fails 'a volume into itself' bp vol-download v "$file" p
	has 'is told' "$T/out" 'is the volume itself'
	is 'loses nothing' "$(cksum <"$T/p/v")" "$before"
done
rm "$T/again"
mkdir "$T/p/dir"
fails 'a volume without bytes' bp vol-download dir "$T/new" p
[ ! -e "$T/new" ]
is 'leaves nothing' $? 0
fails 'the same over a file' bp vol-download dir "$T/old" p
is 'leaves that, too' "$(cat "$T/old")" mine
yes mine | head -c 100000 >"$T/old"
works 'a whole one' bp vol-download v "$T/old" p
works 'leaves nothing of it' cmp "$T/old" "$T/p/v"
yes mine | head -c 100000 >"$T/old"
works 'nor a sparse one' bp vol-download v "$T/old" p --sparse
works 'where there are holes' cmp "$T/old" "$T/p/v"
says 'more than there is room for' vs vol-upload v /dev/zero p --length 65537 <<END
error: cannot upload to volume v
error: operation failed: volume 'v' has room for 65536 bytes from offset 0 on, and there are \
more; make it larger first (vol-resize)

[1]
END
is 'changes nothing' "$(head -c 5 "$T/p/v")" hello

says 'told as JSON' bp --format json vol-download v "$T/json" p <<END
{"message": "Vol v downloaded"}
END

done_testing
