#!/bin/sh
# volume.sh - vol-* commands on a dir pool, as a user types them.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
. tests/lib.sh

mkdir "$T/p" "$T/q"
works 'define' bp pool-define-as p dir --target "$T/p"
works 'define another' bp pool-define-as q dir --target "$T/q"

says 'no volumes without an active pool' bp vol-list p <<END
error: Failed to list volumes
error: Requested operation is not valid: storage pool 'p' is not active
hint: 'barepool pool-start p' starts it

[1]
END
says 'a volume of a pool that is not active' vs vol-info v p <<END
error: pool 'p' is not active

[1]
END
says 'none can be made' vs vol-create-as p v 1M <<END
error: Failed to create vol v
error: Requested operation is not valid: storage pool 'p' is not active

[1]
END
works 'start' bp pool-start p
works 'start another' bp pool-start q

says 'create' bp vol-create-as p beta 1M <<END
Vol beta created

END
says 'options by name' bp vol-create-as --capacity 1M --name alpha --pool p --allocation 0 <<END
Vol alpha created

END
says 'list is sorted' bp -q vol-list p <<END
 alpha   \$T/p/alpha
 beta    \$T/p/beta
END
says 'the same name twice' vs vol-create-as p beta 1M <<END
error: Failed to create vol beta
error: storage volume 'beta' exists already

[1]
END
says 'details' bp -q vol-list p --details <<END
 alpha   \$T/p/alpha   file   1.00 MiB   0.00 B
 beta    \$T/p/beta    file   1.00 MiB   1.00 MiB
END
says 'info' bp vol-info alpha p <<END
Name:           alpha
Type:           file
Capacity:       1.00 MiB
Allocation:     0.00 B

END
says 'info in bytes, physical' bp vol-info alpha p --bytes --physical <<END
Name:           alpha
Type:           file
Capacity:       1048576 bytes
Physical:       1048576 bytes

END
says 'by path' bp -q vol-name "$T/p/alpha" <<END
alpha
END
says 'key' bp -q vol-key alpha p <<END
\$T/p/alpha
END
says 'path' bp -q vol-path --pool p alpha <<END
\$T/p/alpha
END
says 'pool' bp -q vol-pool "$T/p/alpha" <<END
p
END
is 'pool by UUID' "$(bp -q vol-pool --uuid "$T/p/alpha")" "$(bp -q pool-uuid p)"
says 'a name without a pool' vs vol-info alpha <<END
error: failed to get vol 'alpha', specifying --pool might help
error: Storage volume not found: no storage vol with matching path 'alpha'

[1]
END
says 'a name nobody has' bp vol-info gamma p <<END
error: failed to get vol 'gamma'
error: Storage volume not found: no storage vol with matching path 'gamma'
hint: 'barepool vol-list p' lists what is there

[1]
END
says 'in another pool' vs vol-info "$T/p/alpha" --pool q <<END
error: Requested volume '\$T/p/alpha' is not in pool 'q'

[1]
END
says 'a size that is none' bp vol-create-as p x 1.5G <<END
error: Malformed size 1.5G
error: invalid argument: unknown suffix '.5G'
hint: a size is a whole number with or without a unit: 10G, 512MiB, 4096

[1]
END

says 'resize' bp vol-resize alpha 2M p <<END
Size of volume 'alpha' successfully changed to 2M

END
says 'resize by' bp vol-resize alpha 1M p --delta <<END
Size of volume 'alpha' successfully changed by 1M

END
says 'resize by, with a sign' bp vol-resize alpha +1M p <<END
Size of volume 'alpha' successfully changed by +1M

END
is '... it is larger' "$(stat -c %s "$T/p/alpha")" 4194304
works 'as it was' bp vol-resize alpha 3M p --shrink
works 'a sign that says nothing to virsh' vs vol-resize alpha +3M p
is '... is none' "$(stat -c %s "$T/p/alpha")" 3145728
says 'smaller, not asked for' vs vol-resize alpha 1M p <<END
error: Failed to change size of volume 'alpha' to 1M
error: invalid argument: Can't shrink capacity below current capacity unless shrink flag \
explicitly specified

[1]
END
says 'negative, not asked for' vs vol-resize alpha -1M p <<END
error: negative size requires --shrink

[1]
END
says 'negative' bp vol-resize alpha -1M p --shrink <<END
Size of volume 'alpha' successfully changed by 1M

END
says 'clone' bp vol-clone alpha delta p <<END
Vol delta cloned from alpha

END
says 'a clone is like its source' bp -q vol-info delta p --bytes <<END
Name:           delta
Type:           file
Capacity:       2097152 bytes
Allocation:     0 bytes
END
works 'a volume with a hole' bp vol-create-as p hole 100M --allocation 0
dd if=/dev/urandom of="$T/p/hole" bs=1M count=3 seek=50 conv=notrunc status=none
sync "$T/p/hole"
works 'is cloned' bp vol-clone hole hole2 p
works 'byte for byte' cmp "$T/p/hole" "$T/p/hole2"
sync "$T/p/hole2"
is 'and takes no more space' "$(stat -c %b "$T/p/hole2")" "$(stat -c %b "$T/p/hole")"
works 'with space for all of it' bp vol-create-from p /dev/stdin hole --inputpool p <<END
<volume><name>hole3</name><capacity>0</capacity></volume>
END
works 'if none is named' [ "$(stat -c %b "$T/p/hole3")" -ge 204800 ]
for v in hole hole2 hole3; do works 'away' bp vol-delete $v p; done

says 'clone onto another' vs vol-clone alpha beta p <<END
error: Failed to clone vol from alpha
error: internal error: storage volume name 'beta' already in use.

[1]
END
bp vol-clone alpha 'n&w' p --print-xml >"$T/clone.xml"
has 'a clone as XML' "$T/clone.xml" '<name>n&amp;w</name>'
bp -q vol-clone alpha x p --print-xml >"$T/bare.xml"
is 'ends without a newline' "$(tail -c 1 "$T/bare.xml")" '>'
has 'has the key of its source' "$T/clone.xml" "<key>$T/p/alpha</key>"

works 'a backing volume' bp vol-create-as p base 1M --format qcow2
works 'a volume on it' bp vol-create-as p top 1M --format qcow2 \
	--backing-vol base --backing-vol-format qcow2
says 'its XML says so' bp -q vol-dumpxml top p --xpath '//backingStore/path' <<END
<path>\$T/p/base</path>
END
says 'and in which format' bp -q vol-create-as p x 1M --backing-vol base \
	--backing-vol-format raw --print-xml <<END
<volume>
  <name>x</name>
  <capacity>1048576</capacity>
  <backingStore>
    <path>\$T/p/base</path>
    <format type='raw'/>
  </backingStore>
</volume>
END
says 'as XML only' bp -q vol-create-as q other 1G --format qcow2 \
	--backing-vol "$T/p/base" --print-xml <<END
<volume>
  <name>other</name>
  <capacity>1073741824</capacity>
  <target>
    <format type='qcow2'/>
  </target>
  <backingStore>
    <path>\$T/p/base</path>
  </backingStore>
</volume>
END
says 'no such backing volume' vs vol-create-as p x 1M --backing-vol nope <<END
error: failed to get vol 'nope'
error: Storage volume not found: no storage vol with matching path 'nope'

[1]
END

cat >"$T/vol.xml" <<END
<volume><name>from-xml</name><capacity unit='KiB'>64</capacity><allocation>0</allocation></volume>
END
says 'from a file' bp vol-create p "$T/vol.xml" <<END
Vol from-xml created from \$T/vol.xml

END
sed 's/from-xml/copy/' "$T/vol.xml" >"$T/copy.xml"
says 'from a file and a volume' bp vol-create-from q "$T/copy.xml" from-xml --inputpool p <<END
Vol copy created from input vol from-xml

END
says 'from a volume without its pool' vs vol-create-from q "$T/copy.xml" from-xml <<END
error: failed to get vol 'from-xml', specifying --inputpool might help
error: Storage volume not found: no storage vol with matching path 'from-xml'

[1]
END
says 'from a file that is not there' bp vol-create p "$T/none" <<END
error: Failed to open file '\$T/none': No such file or directory

[1]
END

says 'an algorithm nobody knows' bp vol-wipe beta p --algorithm nosuch <<END
error: Unsupported algorithm 'nosuch'

[1]
END
head -c 1048576 /dev/urandom >"$T/p/beta"
says 'wipe' bp vol-wipe beta p <<END
Vol beta wiped

END
works 'is all zeros' cmp -n 1048576 "$T/p/beta" /dev/zero
says 'delete' bp vol-delete beta p <<END
Vol beta deleted

END
says 'delete by path' bp vol-delete "$T/p/delta" <<END
Vol \$T/p/delta deleted

END

works 'a name with blanks' bp vol-create-as p 'my disk' 4096
works 'a name with a newline' bp vol-create-as p "$(printf 'a\nb')" 4096
works 'a name that begins with a dash' bp vol-create-as p --name=-x 4096
works 'a name that looks like an option' bp vol-create-as -- p --all 4096
bp vol-list p >"$T/list"
has 'what cannot be printed is escaped' "$T/list" ' a\x0ab '
has 'what can is not' "$T/list" " my disk    $T/p/my disk"
has 'a dash in front' "$T/list" " -x         $T/p/-x"
works 'all of them can be named' sh -c "PATH=$T/bin:\$PATH
	barepool vol-delete 'my disk' p && barepool vol-delete '$(printf 'a\nb')' p &&
	barepool vol-delete -x p && barepool vol-delete -- --all p"

ln -s /etc/passwd "$T/p/$(printf 'e\033[31m')"
bp vol-list p --details >"$T/list" 2>"$T/said"
has 'what cannot be read is a row' "$T/list" ' e\x1b[31m '
has 'the reason is told' "$T/list" '   is a link that leads out of the pool, and is not followed'
lacks 'and steers no terminal' "$T/list" "$(printf '\033')"
vs vol-list p --details >"$T/list"
lacks 'under the other name it is not told' "$T/list" 'is a link'
rm "$T/p/$(printf 'e\033[31m')"

bp -r vol-delete alpha p >"$T/out" 2>&1
has 'read only' "$T/out" 'error: operation forbidden: read only access prevents virStorageVolDelete'

done_testing
