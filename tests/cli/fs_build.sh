#!/bin/sh
# fs_build.sh - what becomes of a device when an fs pool is built: by what is on it, what the
# pool says, and the flag; label and options of the new file system.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091,SC2034 # tests are run from the top
tools='mkfs.ext2 mkfs.ext4 blkid wipefs sfdisk mkswap findmnt dumpe2fs'
. tests/alone.sh
. tests/lib.sh
. tests/device.sh
bp pool-capabilities --table | grep -q '^ fs  *yes' || no 'pools of type fs are not in this build'

on() { blkid -p -o value -s "${2-TYPE}" "$1"; }
sum() { cksum <"$1"; }
dev=
device one 64M
one=$dev

# ---- the table ------------------------------------------------------------------------

# What is on the device.
put() {
	umount -q "$T/other"
	swapoff "$one" 2>/dev/null
	partx -d "$one" 2>/dev/null
	dd if=/dev/zero of="$one" bs=1M count=64 conv=fsync 2>/dev/null
	case $1 in
	nothing) ;;
	ext4)	mkfs.ext4 -q "$one" ;;
	ext2)	mkfs.ext2 -q "$one" ;;
	swap)	mkswap -q "$one" 2>/dev/null || mkswap "$one" >/dev/null ;;
	gpt|dos) printf 'label: %s\nsize=16MiB\n' "$1" |
			sfdisk -q --no-reread "$one" 2>/dev/null ;;
	lvm)	# the label of a physical volume, and its checksum, as LVM reads them
		printf 'LABELONE\1\0\0\0\0\0\0\0\163\254\250\050 \0\0\0LVM2 001' |
			dd of="$one" bs=512 seek=1 conv=notrunc 2>/dev/null ;;
	two)	mkfs.ext4 -q "$one"
		dd if="$T/btrfs" of="$one" bs=4k skip=16 seek=16 count=1 conv=notrunc \
			2>/dev/null ;;
	mounted) mkfs.ext4 -q -E lazy_itable_init=0,lazy_journal_init=0 "$one"
		mount -o ro "$one" "$T/other" ;;	# the kernel writes to it now and then, else
	used-as-swap) mkswap "$one" >/dev/null; swapon "$one" ;;
	esac
	blockdev --flushbufs "$one"
}

# row ON FORMAT FLAG WHAT: made FORMAT; kept; no TEXT
row() {
	label="$1, the pool says $2, ${3:-no flag}"
	[ "$1" != two ] || [ -s "$T/btrfs" ] || { skip "$label" 'needs mkfs.btrfs'; return; }
	put "$1"
	if [ "$1" = used-as-swap ] && ! grep -q "^$one " /proc/swaps; then
		skip "$label" 'no swap can be had here'
		return
	fi
	[ "$1" != lvm ] || [ "$(on "$one")" = LVM2_member ] ||
		{ skip "$label" 'what is written is not taken for LVM here'; return; }
	before=$(sum "$one")
	bp -q pool-define-as p fs --source-dev "$one" --source-format "$2" --target "$T/mnt"
	case $4 in
	kept)	works "$label: built" bp pool-build p ${3:+"$3"}
		is 'nothing is written' "$(sum "$one")" "$before"
		works 'the directory is there' test -d "$T/mnt" ;;
	made*)	works "$label: built" bp pool-build p ${3:+"$3"}
		is "it is ${4#made }" "$(on "$one")" "${4#made }"
		if bp -q pool-start p >"$T/out" 2>&1; then
			is 'and can be mounted' "$(findmnt -n -o FSTYPE "$T/mnt")" "${4#made }"
			bp -q pool-destroy p
		elif grep -q 'unknown filesystem type' "$T/out"; then
			skip 'and can be mounted' "this kernel knows no ${4#made }"
		else
			show
			nok 'and can be mounted'
		fi ;;
	no*)	fails "$label: refused" bp pool-build p ${3:+"$3"}
		has 'why' "$T/out" "${4#no }"
		is 'nothing is written' "$(sum "$one")" "$before"
		works 'no directory is made' [ ! -e "$T/mnt" ] ;;
	esac
	bp -q pool-undefine p
	rmdir "$T/mnt" 2>/dev/null
}

mkdir "$T/other"
if command -v mkfs.btrfs >/dev/null; then
	truncate -s 120M "$T/btrfs"
	mkfs.btrfs -q "$T/btrfs" >/dev/null 2>&1
fi
works_by=$(printf "%s" "Device '$one' already formatted using 'ext4'")
while IFS='|' read -r what format flag result; do
	row "$what" "$format" "$flag" "$result"
done <<END
nothing|ext4||kept
nothing|ext4|--no-overwrite|made ext4
nothing|ext4|--overwrite|made ext4
nothing|ext2|--no-overwrite|made ext2
nothing|auto||kept
nothing|auto|--no-overwrite|no does not say which file system to make
nothing|auto|--overwrite|no does not say which file system to make
ext4|ext4||kept
ext4|ext4|--no-overwrite|no $works_by
ext4|ext4|--overwrite|made ext4
ext4|ext2||kept
ext4|ext2|--no-overwrite|no expected format 'ext2', forced overwrite is necessary; it holds 'ext4'
ext4|ext2|--overwrite|made ext2
ext4|auto||kept
ext4|auto|--no-overwrite|no $works_by
ext4|auto|--overwrite|made ext4
swap|ext4||kept
swap|ext4|--no-overwrite|no it holds 'swap'
swap|ext4|--overwrite|made ext4
swap|auto|--overwrite|no file systems of format 'swap' can be used, but not made
gpt|ext4|--no-overwrite|no it holds 'gpt'
gpt|ext4|--overwrite|made ext4
dos|ext4|--no-overwrite|no it holds 'dos'
dos|ext4|--overwrite|made ext4
lvm|ext4|--no-overwrite|no it holds 'LVM2_member'
lvm|ext4|--overwrite|made ext4
two|ext4||kept
two|ext4|--no-overwrite|no has signatures that contradict each other
two|ext4|--overwrite|made ext4
two|auto|--overwrite|no has signatures that contradict each other
mounted|ext4|--no-overwrite|no is mounted on '$T/other'
mounted|ext4|--overwrite|no is mounted on '$T/other'
used-as-swap|ext4|--no-overwrite|no is used as swap
used-as-swap|ext4|--overwrite|no is used as swap
ext4|ufs|--overwrite|no file systems of format 'ufs' can be used, but not made
ext4|iso9660|--overwrite|no file systems of format 'iso9660' can be used, but not made
END
put nothing
says 'both flags' bp pool-create-as p fs --source-dev "$one" --target "$T/mnt" --overwrite \
	--no-overwrite <<END
error: Options --overwrite and --no-overwrite are mutually exclusive

[1]
END

# ---- a program that is not there --------------------------------------------------------

mkfs.ext4 -q "$one"
before=$(sum "$one")
while read -r format program package; do
	bp -q pool-define-as p fs --source-dev "$one" --source-format "$format" --target "$T/mnt"
	for dir in /usr/local/sbin /usr/sbin /sbin /usr/bin /bin; do
		[ ! -e "$dir/$program" ] || mount --bind /dev/null "$dir/$program"
	done
	fails "no $program" bp pool-build p --overwrite
	has 'the package is named' "$T/out" "install $package: there is no program '$program' here"
	is 'nothing is written' "$(sum "$one")" "$before"
	while umount "/sbin/$program" || umount "/usr/sbin/$program"; do :; done 2>/dev/null
	bp -q pool-undefine p
done <<END
ext2 mkfs.ext2 e2fsprogs
ext4 mkfs.ext4 e2fsprogs
xfs mkfs.xfs xfsprogs
vfat mkfs.vfat dosfstools
udf mkfs.udf udftools
hfs+ mkfs.hfsplus hfsprogs
gfs2 mkfs.gfs2 gfs2-utils
ocfs2 mkfs.ocfs2 ocfs2-tools
END

# ---- label and options -------------------------------------------------------------------

# labelled FORMAT LABEL WHAT: "as LABEL", or "no TEXT"
labelled() {
	if ! command -v "mkfs.$1" >/dev/null; then skip "$1: a label" "needs mkfs.$1"; return; fi
	works "$1: the label '$2'" bp pool-define-as p fs --source-dev "$big" \
		--source-format "$1" --target "$T/mnt" --mkfs-label "$2"
	before=$(sum "$big")
	case $3 in
	as*)	works 'built' bp pool-build p --overwrite
		is 'it has it' "$(on "$big" LABEL)" "${3#as }" ;;
	no*)	fails 'refused' bp pool-build p --overwrite
		has 'why' "$T/out" "${3#no }"
		is 'nothing is written' "$(sum "$big")" "$before" ;;
	esac
	bp -q pool-undefine p
}

device big 320M
big=$dev
while IFS='|' read -r format label result; do
	labelled "$format" "$label" "$result"
done <<END
ext2|a label, & <b> '\$(x)|no 20 bytes; a file system of format 'ext2' takes 16 at most
ext4|16 bytes exactly|as 16 bytes exactly
ext4|&<'"\$(reboot)|as &<'"\$(reboot)
ext4|-q|as -q
xfs|twelve_bytes|as twelve_bytes
xfs|thirteen_more|no takes 12 at most
xfs|a blank|no has characters that a file system of format 'xfs' does not take
vfat|ELEVENBYTES|as ELEVENBYTES
vfat|TWELVE_BYTES|no takes 11 at most
vfat|A:B|no has characters
gfs2|any|no has no label, but the pool asks for 'any'
END
printf 'a\tb' >"$T/label"
works 'a control character' bp pool-define-as p fs --source-dev "$big" --source-format ext4 \
	--target "$T/mnt" --mkfs-label "$(cat "$T/label")"
fails 'is refused' bp pool-build p --overwrite
has 'why' "$T/out" 'has characters'
bp -q pool-undefine p

works 'options' bp pool-create-as p fs --source-dev "$big" --source-format ext4 \
	--target "$T/mnt" --overwrite --mkfs-options '-m 0  -O ^has_journal'
dumpe2fs -h "$big" >"$T/dump" 2>/dev/null
lacks 'are given on, one' "$T/dump" has_journal
works 'and another' grep -q '^Reserved block count: *0$' "$T/dump"
works 'stop' bp pool-destroy p
mkdir "$T/hostile"
cat >"$T/words.xml" <<END
<pool type='fs' xmlns:b='urn:barepool:pool:1'><name>p</name>
<source><device path='$big'/><format type='ext4'/></source><target><path>$T/mnt</path></target>
<b:mkfs label='x; touch $T/h'><b:option name='-M'/><b:option name='; touch $T/hostile/a'/></b:mkfs>
</pool>
END
sed -i 's|x; touch [^"]*h.>|x; touch a'"'"'>|' "$T/words.xml"
works 'words with blanks' bp pool-define "$T/words.xml"
works 'no shell sees them' bp pool-build p --overwrite
is 'nothing else has happened' "$(ls "$T/hostile")" ''
is 'the label is what was given' "$(on "$big" LABEL)" 'x; touch a'
works 'kept in the definition' bp pool-dumpxml p
has 'label and all' "$T/out" "<barepool:mkfs label='x; touch a'>"
works 'an edit' env EDITOR='sed -i s/touch/touched/' "$BAREPOOL" pool-edit p
works 'keeps it' bp pool-dumpxml p
has 'but for what was edited' "$T/out" "<barepool:mkfs label='x; touched a'>"
bp -q pool-undefine p

device second 64M
mkfs.ext4 -q "$dev"
before=$(sum "$dev")
works 'a second device among the words' bp pool-define-as p fs --source-dev "$big" \
	--source-format ext4 --target "$T/mnt" --mkfs-options "-q $dev"
fails 'is refused' bp pool-build p --overwrite
has 'why' "$T/out" "'$dev' is no option"
is 'and not written to' "$(sum "$dev")" "$before"
bp -q pool-undefine p
works 'words nobody knows' bp pool-define-as p fs --source-dev "$big" --source-format ext4 \
	--target "$T/mnt" --mkfs-options '--no-such'
fails 'are an error' bp pool-build p --overwrite
has 'in the words of the program' "$T/out" "cannot make a file system on '$big': mkfs.ext4 ended"
bp -q pool-undefine p
wipefs -qa "$big"
works 'one that makes nothing' bp pool-define-as p fs --source-dev "$big" --source-format ext4 \
	--target "$T/mnt" --mkfs-options '-n'
fails 'is not believed' bp pool-build p --no-overwrite
has 'why' "$T/out" "no file system of format 'ext4' was made on '$big'"
bp -q pool-undefine p
# ---- what libvirt has no word for -----------------------------------------------------

bfs() { bp pool-define-as b fs --source-dev "$dev" --target "$T/mnt" --mkfs-format "$@"; }
if command -v mkfs.btrfs >/dev/null; then
	device open 120M
	works 'btrfs: the format is left open' bfs btrfs --mkfs-label open --source-format auto
	bp pool-dumpxml b >"$T/xml"
	has 'for libvirt' "$T/xml" "<format type='auto'/>"
	has 'and told to us' "$T/xml" "<barepool:mkfs format='btrfs' label='open'/>"
	works 'build' bp pool-build b --no-overwrite
	is 'makes it' "$(blkid -p -o value -s TYPE "$dev")" btrfs
	fails 'once' bp pool-build b --no-overwrite
	has 'and says so' "$T/out" "already formatted using 'btrfs'"
	mkfs.ext4 -q -F "$dev"
	fails 'not over another' bp pool-build b --no-overwrite
	has 'that is named' "$T/out" "it holds 'ext4'"
	works 'unless told to' bp pool-build b --overwrite
	is 'then it is made' "$(blkid -p -o value -s TYPE "$dev")" btrfs
	works 'forget' bp pool-undefine b
else
	skip 'btrfs' 'needs mkfs.btrfs'
fi
fails 'beside a format that is said' bfs btrfs --source-format ext4
has 'it is refused' "$T/out" "the format of the source is 'ext4', so 'btrfs' cannot be made"
works 'the same is none' bfs ext4 --source-format ext4
works 'forget' bp pool-undefine b
works 'a format nobody knows' bfs zip
fails 'is not made' bp pool-build b --overwrite
has 'and told' "$T/out" "file systems of format 'zip' can be used, but not made"
works 'forget' bp pool-undefine b

fails 'a label for a pool of another type' bp pool-define-as d dir --target "$T/d" --mkfs-label x
has 'is an error' "$T/out" "no file system is made for pools of type 'dir'"
done_testing
