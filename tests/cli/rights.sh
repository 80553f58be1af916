#!/bin/sh
# rights.sh - whose a new volume is, what others may do with it, and who is told why not.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
. tests/lib.sh

uid=$(id -u) gid=$(id -g)
[ "$uid" -eq 0 ] && root=1 || root=

rights() { stat -c '%a %u:%g' "$T/p/$1"; }

# ---- said for one volume ------------------------------------------------------------

works 'a pool' bp "pool-define-as p dir --target $T/p; pool-start p --build"
works 'made with a mode' bp vol-create-as p a 1k --mode 0640
is 'it has it' "$(rights a)" "640 $uid:$gid"
works 'made by default' bp vol-create-as p b 1k
is 'it is the caller'"'"'s alone' "$(rights b)" "600 $uid:$gid"
works 'an owner by name' bp vol-create-as p c 1k --owner "$(id -un)" --group "$(id -gn)"
is 'who is found' "$(rights c)" "600 $uid:$gid"
works 'an owner by number' bp vol-create-as p d 1k --owner "$uid" --group "$gid" --format dir
is 'of a directory, too' "$(rights d)" "700 $uid:$gid"
works 'a clone is like its source' bp vol-clone a a2 p
is 'in this, too' "$(rights a2)" "640 $uid:$gid"
works 'unless something else is said' bp vol-clone a a3 p --mode 444
is 'which is then so' "$(rights a3)" "444 $uid:$gid"

cat >"$T/v.xml" <<END
<volume><name>x</name><capacity>1</capacity>
<target><permissions><mode>0604</mode></permissions></target></volume>
END
works 'the definition of a volume says it' bp vol-create p "$T/v.xml"
is 'and has it' "$(rights x)" "604 $uid:$gid"
bp vol-delete x p >"$T/out"
works 'what is said beside it counts more' bp vol-create p "$T/v.xml" --mode 0606
is 'and is had' "$(rights x)" "606 $uid:$gid"
bp vol-delete x p >"$T/out"
works 'for a copy, too' bp vol-create-from p "$T/v.xml" a --inputpool p --mode 0602
is 'which has it' "$(rights x)" "602 $uid:$gid"
says 'it can be looked at before' bp -q vol-create-as p y 1 --mode 0660 --owner 5 --print-xml <<END
<volume>
  <name>y</name>
  <capacity>1</capacity>
  <target>
    <permissions>
      <mode>0660</mode>
      <owner>5</owner>
    </permissions>
  </target>
</volume>
END
says 'a user nobody knows' bp -q vol-create-as p n 1 --owner no-such-user <<END
error: invalid argument: there is no user 'no-such-user' on this host
[1]
END
says 'a group nobody knows' bp -q vol-create p "$T/v.xml" --group no-such-group <<END
error: Failed to create vol from \$T/v.xml
error: invalid argument: there is no group 'no-such-group' on this host
[1]
END
says 'no mode' bp -q vol-clone a n p --mode 888 <<END
error: invalid argument: '888' is no mode: it is octal, from 0 to 0777
[1]
END
says 'nobody in particular' bp -q vol-create-as p n 1 --owner 4294967295 <<END
error: invalid argument: '4294967295' is no number of a user
[1]
END
is 'nothing came of these' "$(cd "$T/p" && echo n*)" 'n*'

# ---- said for all new volumes of a pool -------------------------------------------------

works 'a pool with usual rights' \
	bp "pool-define-as q dir --target $T/q --volume-mode 0640 --volume-group $gid"
sed -n '/<barepool:/,$p' "$T/config/q.xml" >"$T/tail"
says 'they are in its definition' cat "$T/tail" <<END
  <barepool:volumes>
    <permissions>
      <mode>0640</mode>
      <group>$gid</group>
    </permissions>
  </barepool:volumes>
</pool>
END
has 'in a namespace of its own' "$T/config/q.xml" \
	"<pool type='dir' xmlns:barepool='urn:barepool:pool:1'>"
bp pool-start q --build >"$T/out"
works 'a volume of it' bp vol-create-as q a 1k
is 'has them' "$(stat -c %a "$T/q/a")" 640
works 'a directory' bp vol-create-as q b 1k --format dir
is 'can be entered, too' "$(stat -c %a "$T/q/b")" 750
works 'what is said of the volume counts more' bp vol-create-as q c 1k --mode 0600
is 'and is so' "$(stat -c %a "$T/q/c")" 600
works 'also in its definition' bp vol-create q "$T/v.xml"
is 'which is so' "$(stat -c %a "$T/q/x")" 604

bp -q pool-dumpxml q --inactive >"$T/q.xml"
bp -q xml --validate "$T/q.xml" >"$T/again.xml"
works 'printed, checked and read, it is the same' cmp "$T/q.xml" "$T/again.xml"
vs -q pool-dumpxml q --inactive >"$T/vs.xml"
works 'also under the other name' cmp "$T/q.xml" "$T/vs.xml"
sed "s/0640/0644/; s/<permissions>/<x\\/>&/" "$T/q.xml" >"$T/bad.xml"
fails 'the schema knows what may be in it' bp xml --validate "$T/bad.xml"
has 'and says so' "$T/out" '<x> is not allowed in <volumes>'
works 'from a file, with another mode' bp pool-define "$T/q.xml" --volume-mode 0660
has 'which is kept' "$T/config/q.xml" '<mode>0660</mode>'
sed 's/<mode>0640/<mode>0999/' "$T/q.xml" >"$T/bad.xml"
fails 'no mode in a definition' bp pool-define "$T/bad.xml"
has 'is found where it stands' "$T/out" 'malformed octal mode'
bp "pool-destroy q; pool-undefine q" >"$T/out"
works 'a pool that is not kept' bp pool-create "$T/q.xml" --volume-mode 0606
bp vol-create-as q t 1k >"$T/out"
is 'has usual rights, too' "$(stat -c %a "$T/q/t")" 606
bp "pool-destroy q" >"$T/out"
works 'from arguments' bp pool-create-as q dir --target "$T/q" --volume-mode 0666
bp vol-create-as q u 1k >"$T/out"
is 'as well' "$(stat -c %a "$T/q/u")" 666

says 'volumes that are no files have none' \
	bp -q pool-define-as r rbd --source-host h --source-name n --volume-mode 0600 <<END
error: invalid argument: volumes of pools of type 'rbd' are no files and have no rights
[1]
END

for command in vol-create-as vol-create vol-create-from vol-clone; do
	vs $command --mode 0600 >"$T/out" 2>&1
	has "virsh knows none of this: $command" "$T/out" "doesn't support option --mode"
done
vs pool-define --volume-mode 0600 x >"$T/out" 2>&1
has 'nor this' "$T/out" "doesn't support option --volume-mode"

# ---- somebody else's ----------------------------------------------------------------------

if [ "$root" ]; then
	works 'root gives volumes away' bp vol-create-as p r 1k --owner 1234 --group 2345
	is 'they are given' "$(rights r)" '600 1234:2345'
	works 'images, too' bp vol-create-as p r2 1M --format qcow2 --owner 1234
	is 'as they are' "$(rights r2)" "600 1234:$gid"
else
	says 'only root gives volumes away' bp -q vol-create-as p r 1k --owner 0 <<END
error: Failed to create vol r
error: cannot chown '\$T/p/r' to (0, $gid), which uid $uid may not: Operation not permitted
[1]
END
	is 'nothing is left of that' "$(cd "$T/p" && echo r*)" 'r*'
	skip 'root gives volumes away' 'needs root'
fi

# ---- who is told why not ---------------------------------------------------------------------

# Nobody's rights but the user's own: root without what lets it into everything.
drop=-dac_override,-dac_read_search,-fowner,-chown
weak() {
	if [ "$root" ]; then
		setpriv --bounding-set="$drop" "$T/bin/barepool" -q "$@"
	else
		bp -q "$@"
	fi
}
if [ "$root" ] && ! setpriv --bounding-set="$drop" true 2>"$T/out"; then
	skip 'who is told why not' 'needs setpriv, and the right to drop rights'
	done_testing
fi

mkdir -p "$T/a/b/c" "$T/a/b/d"
D="\$T"
works 'a pool far down' bp "pool-define-as deep dir --target $T/a/b/c; pool-start deep"
bp vol-create-as deep v 1k >"$T/out"
chmod 0 "$T/a/b"
closed="cannot open directory '$D/a/b/c': Permission denied: directory '$D/a/b'"
closed="$closed (owner $uid:$gid, mode 0000) does not let uid $uid in"
says 'it is active all the same' weak pool-list --name <<END
$(printf '%-20s' deep)
$(printf '%-20s' p)
$(printf '%-20s' q)
END
behind() { (export BAREPOOL_CONFIG_DIR="$T/a/b/c"; weak pool-list); }
says 'a store behind it' behind <<END
error: Failed to list pools
error: $closed
[1]
END
says 'a directory on the way is closed: listing' weak vol-list deep <<END
error: Failed to list volumes
error: $closed
[1]
END
says 'making' weak vol-create-as deep w 1k <<END
error: Failed to create vol w
error: $closed
[1]
END
works 'it can be stopped' weak pool-destroy deep
says 'starting' weak pool-start deep <<END
error: Failed to start pool deep
error: $closed
[1]
END
says 'building' weak pool-build deep <<END
error: Failed to build pool deep
error: cannot create directory ${closed#cannot open directory }
[1]
END
ln -s a/b "$T/l"
bp pool-define-as linked dir --target "$T/l/d" >"$T/out"
says 'behind a link' weak pool-start linked <<END
error: Failed to start pool linked
error: cannot open directory '$D/l/d': Permission denied: directory '$D/l' ${closed#*b\' }
[1]
END
chmod 700 "$T/a/b"
bp pool-start deep >"$T/out"
chmod 500 "$T/a/b/c"
denied="Permission denied: directory '$D/a/b/c' (owner $uid:$gid, mode 0500)"
denied="$denied does not let uid $uid write to it"
says 'the directory itself is closed: making' weak vol-create-as deep w 1k <<END
error: Failed to create vol w
error: Failed to create file '$D/a/b/c/w': $denied
[1]
END
says 'making a directory' weak vol-create-as deep w 1k --format dir <<END
error: Failed to create vol w
error: cannot create directory '$D/a/b/c/w': $denied
[1]
END
says 'deleting' weak vol-delete v deep <<END
error: Failed to delete vol v
error: cannot unlink file '$D/a/b/c/v': $denied
[1]
END
chmod 700 "$T/a/b/c"
chmod 400 "$T/a/b/c/v"
says 'a volume is closed' weak vol-resize v 2k deep <<END
error: Failed to change size of volume 'v' to 2k
error: cannot open volume '$D/a/b/c/v': Permission denied: file '$D/a/b/c/v' \
(owner $uid:$gid, mode 0400) does not let uid $uid write to it
[1]
END
chmod 0 "$T/a/b/c/v"
says 'copying' weak vol-clone v w deep <<END
error: Failed to clone vol from v
error: cannot open volume '$D/a/b/c/v': Permission denied: file '$D/a/b/c/v' \
(owner $uid:$gid, mode 0000) does not let uid $uid read it
[1]
END

# ---- where root is nobody ------------------------------------------------------------------------

if [ ! "$root" ]; then
	skip 'where root is nobody' 'needs root'
	done_testing
fi

mkdir "$T/m"
ro() {
	unshare -m sh -c "mount -t tmpfs none '$T/m' && mkdir '$T/m/s' &&
		mount -o remount,ro '$T/m' &&
		'$T/bin/barepool' -q 'pool-start ro; vol-create-as ro v 1'"
}
if unshare -m true 2>"$T/out"; then
	bp pool-define-as ro dir --target "$T/m/s" >"$T/out"
	says 'a mount that is read-only is named' ro <<END
error: Failed to create vol v
error: Failed to create file '\$T/m/s/v': Read-only file system: '\$T/m' is mounted read-only
[1]
END
	bp -q pool-undefine ro
else
	skip 'a mount that is read-only is named' 'needs unshare'
fi

# As on a share: the server lets in the owner, and root without its rights is
# nobody.  The pool lies within a directory that is closed, too.
mkdir "$T/share"
chown 1234:2345 "$T/share"
chmod 700 "$T/share"
setpriv --bounding-set="$drop" ls "$T/share" >"$T/out" 2>&1
is 'root is nobody here' $? 2
share="$T/share/s"
of() { stat -c '%a %u:%g' "$share/$1"; }
weak pool-define-as s dir --target "$share" >"$T/out"
works 'the directory is made' weak pool-build s
is 'it is the owner'"'"'s' "$(stat -c '%a %u:%g' "$share")" '711 1234:2345'
chmod 700 "$share"
works 'the pool is started' weak pool-start s
works 'a volume' weak vol-create-as s raw 64k
is 'it is the owner'"'"'s, too' "$(of raw)" '600 1234:2345'
works 'with rights' weak vol-create-as s shared 64k --mode 0640 --group 77
is 'it has them' "$(of shared)" '640 1234:77'
works 'an image' weak vol-create-as s image 1M --format qcow2
works 'an image over it' weak vol-create-as s over 1M --format qcow2 --backing-vol image \
	--backing-vol-format qcow2
works 'a directory' weak vol-create-as s sub 0 --format dir --mode 0750
is 'has rights, too' "$(of sub)" '750 1234:2345'
works 'a copy' weak vol-clone shared copy s
is 'is like its source' "$(of copy)" '640 1234:77'
bp -q vol-list s --details >"$T/want"
weak vol-list s --details >"$T/got"
works 'they are listed as ever' diff "$T/want" "$T/got"
bp -q vol-dumpxml over s | sed 's/<atime>.*//' >"$T/want"
weak vol-dumpxml over s | sed 's/<atime>.*//' >"$T/got"
works 'and shown' diff "$T/want" "$T/got"
works 'one grows' weak vol-resize raw 128k s
is 'it has grown' "$(stat -c %s "$share/raw")" 131072
echo bytes >"$T/file"
works 'bytes go in' weak vol-upload raw "$T/file" s
works 'and come out' weak vol-download raw "$T/back" s --length 6
works 'as they were' cmp "$T/file" "$T/back"
works 'it is wiped' weak vol-wipe raw s
fails 'a name that is taken' weak vol-create-as s raw 64k
has 'is told' "$T/out" "storage volume 'raw' exists already"
fails 'somebody else cannot be given anything here' weak vol-create-as s no 64k --owner 4321
has 'which is told' "$T/out" 'to (4321, 2345), which uid 0 may not'
for vol in raw shared copy over image sub; do
	works "deleted: $vol" weak vol-delete $vol s
done
is 'nothing is left of them' "$(find "$share" -mindepth 1)" ''
chown 4321 "$T/share"
fails 'who is not let in either' weak vol-list s
has 'is told where' "$T/out" "directory '$T/share' (owner 4321:2345, mode 0700)"
chown 1234 "$T/share"
works 'stopped' weak pool-destroy s
works 'and removed' weak pool-delete s
is 'without a trace' "$(ls -A "$T/share")" ''

done_testing
