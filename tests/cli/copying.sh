#!/bin/sh
# copying.sh - copies that are verified, resumed, slowed down, watched and interrupted.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
. tests/lib.sh

mkdir "$T/p"
works 'define' bp pool-define-as p dir --target "$T/p"
works 'start' bp pool-start p
works 'a volume' bp vol-create-as p v 3M --allocation 0
head -c 2000000 /dev/urandom >"$T/data"
truncate -s 3M "$T/data"
cat >"$T/copy.xml" <<END
<volume><name>made</name><capacity>3145728</capacity></volume>
END

# ---- verified ---------------------------------------------------------------

works 'an upload that is verified' bp vol-upload v "$T/data" p --verify --sparse
works 'holds the bytes' cmp "$T/data" "$T/p/v"
works 'a clone that is verified' bp vol-clone v c p --verify
works 'is equal' cmp "$T/data" "$T/p/c"
[ "$(stat -c %b "$T/p/c")" -lt 6000 ]
is 'and has its holes' $? 0
works 'a volume made from it' bp vol-create-from p "$T/copy.xml" v --inputpool p --verify
works 'is equal' cmp "$T/data" "$T/p/made"
works 'a download that is verified' bp vol-download v "$T/file" p --verify
works 'is equal' cmp "$T/data" "$T/file"
says 'a pipe cannot be' sh -c "'$T/bin/barepool' vol-upload v /dev/stdin p --verify | cat" <<END
error: cannot upload to volume v
error: invalid argument: only the transfer of a regular file can be verified

END
is 'which changes nothing' "$(cmp "$T/data" "$T/p/v" && echo same)" same

# Storage, or a kernel, that says it has written and has not.
if command -v strace >/dev/null; then
	# Leaks cannot be looked for in what is traced.
	export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0"
	lies() { # CALL:ANSWER ARGUMENT...
		inject=$1
		shift
		strace -qq -o "$T/trace" -e "trace=${inject%%:*}" -e "inject=$inject" \
			"$T/bin/barepool" "$@"
	}
	lie=copy_file_range:retval=3145728
	fails 'a clone that was not written' lies $lie vol-clone v lost p --verify
	has 'is found out' "$T/out" "verifying failed: byte 0 of '$T/p/lost'"
	[ ! -e "$T/p/lost" ]
	is 'and is not there' $? 0
	fails 'a download that was not written' lies $lie vol-download v "$T/lost" p --verify
	[ ! -e "$T/lost" ]
	is 'is not there' $? 0
	for e in EXDEV EINVAL ETXTBSY EIO EOPNOTSUPP; do
		works "$e: a copy by hand" lies copy_file_range:error=$e vol-clone v $e p
		works 'is equal' cmp "$T/data" "$T/p/$e"
	done
	works 'shared blocks that fail: a copy' lies ioctl:error=EIO vol-clone v shared p
	works 'is equal' cmp "$T/data" "$T/p/shared"
	for e in ENOSPC EIO; do
		fails "$e" strace -qq -o "$T/trace" -e trace=copy_file_range,pwrite64 \
			-e "inject=copy_file_range:error=$e" -e "inject=pwrite64:error=$e:when=2" \
			"$T/bin/barepool" vol-clone v full p
		has 'is told' "$T/out" "failed writing to file '$T/p/full'"
		[ ! -e "$T/p/full" ]
		is 'and leaves nothing' $? 0
	done
	is 'nothing at all' "$(find "$T/p" -name '.*' ! -path "$T/p")" ''
else
	skip 'errors of the kernel' 'needs strace'
fi

# ---- resumed ------------------------------------------------------------------

resumes() { # NAME: from what is in $T/file
	works "$1: a download goes on" bp vol-download v "$T/file" p --resume
	works 'and is whole' cmp "$T/data" "$T/file"
}
head -c 1000000 "$T/data" >"$T/file"
resumes 'a beginning'
head -c 1000000 "$T/data" | tr a b >"$T/file"
truncate -s 3M "$T/file"
resumes 'the beginning of another file'
head -c 4000000 /dev/zero >"$T/file"
resumes 'a longer file'
truncate -s 3M "$T/file"
resumes 'as long, all zeros, as after a power failure'
touch -d 2001-01-01 "$T/file"
bp -q vol-download v "$T/file" p --resume
is 'a whole one is not written' "$(stat -c %Y "$T/file")" "$(date -d 2001-01-01 +%s)"
rm "$T/file"
resumes 'nothing'
works 'an upload' bp vol-upload c "$T/data" p --resume
head -c 700000 /dev/urandom | dd of="$T/p/c" conv=notrunc bs=700000 seek=1 status=none
works 'one that goes on' bp vol-upload c "$T/data" p --resume --verify
works 'and is whole' cmp "$T/data" "$T/p/c"
says 'a pipe cannot be' bp vol-download v /dev/null p --resume <<END
error: cannot download from volume v
error: invalid argument: only the transfer of a regular file can be resumed

[1]
END
fails 'no such volume' bp vol-download nope "$T/new" p --resume
mkdir "$T/p/dir"
fails 'one without bytes' bp vol-download dir "$T/new" p --resume
[ ! -e "$T/new" ]
is 'leaves no file' $? 0

# ---- slowed down, and interrupted ------------------------------------------------

# slowly NAME FILE COMMAND...: begins something that would take a quarter of an
# hour, and stops it when the file has grown.
slowly() {
	name=$1 file=$2
	shift 2
	"$T/bin/barepool" "$@" --limit-rate 4K >"$T/said" 2>&1 &
	pid=$!
	until_true test -s "$file"
	kill -TERM $pid
	wait $pid
	is "$name ends as the signal ends programs" $? 143
}
slowly 'a download' "$T/part" vol-download v "$T/part" p
[ ! -e "$T/part" ]
is 'and is gone' $? 0
slowly 'one to be resumed' "$T/part" vol-download v "$T/part" p --resume
has 'says how' "$T/said" 'hint: the same command goes on where this one stopped'
[ -s "$T/part" ]
is 'and is kept' $? 0
cmp -n "$(stat -c %s "$T/part")" "$T/part" "$T/data"
is 'as far as it came' $? 0
[ "$(stat -c %s "$T/part")" -lt 100000 ]
is 'which is not far' $? 0
works 'it goes on' bp vol-download v "$T/part" p --resume
works 'to the end' cmp "$T/data" "$T/part"
"$T/bin/barepool" vol-clone v slow p --limit-rate 4K --verify --progress json >"$T/told" 2>&1 &
pid=$!
until_true test -s "$T/told"
kill -TERM $pid
wait $pid
is 'a clone ends so too' $? 143
is 'and leaves nothing' "$(find "$T/p" -name slow -o -name '.?*')" ''
works 'nor a lock' bp vol-create-as p slow 1M

# ---- watched ------------------------------------------------------------------------

works 'watched' bp vol-clone v watched p --progress json --limit-rate 1G
has 'to the end' "$T/out" '{"done": 3145728, "total": 3145728, "rate": '
works 'verified, twice' bp vol-upload watched "$T/data" p --verify --progress json
has 'to the end' "$T/out" '{"done": 6291456, "total": 6291456, "rate": '
works 'not watched' bp -q vol-wipe watched p --progress none --limit-rate 1G
is 'nothing is told' "$(cat "$T/out")" ''
says 'another word' bp vol-wipe watched p --progress loud <<END
error: --progress is none, terminal or json, not 'loud'

[1]
END
says 'no rate' bp vol-wipe watched p --limit-rate 0 <<END
error: --limit-rate 0 would never come to an end

[1]
END
for o in '--verify' '--progress=json' '--limit-rate=1M' '--resume'; do
	fails "virsh has no $o" vs vol-download v "$T/x" p $o
	has 'and says so' "$T/out" 'error: command '\''vol-download'\'' doesn'\''t support option'
done

done_testing
