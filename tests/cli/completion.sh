#!/bin/sh
# completion.sh - what may stand here: asked directly, and through bash.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
. tests/lib.sh

mkdir "$T/p" "$T/my pool"
works 'define' bp pool-define-as p1 dir --target "$T/p"
works 'define another' bp pool-define-as 'my pool' dir --target "$T/my pool"
works 'start' bp pool-start p1
works 'start another' bp pool-start 'my pool'
works 'a volume' bp vol-create-as p1 disk1 4096
works 'a volume with blanks' bp vol-create-as 'my pool' "it's a:b" 4096
uuid=$(bp -q pool-uuid p1)

says 'commands' bp complete -- pool-def <<END
pool-define-as
pool-define
END
says 'not those of the other name' vs complete -- ini <<END
[1]
END
says 'ours' bp complete -- ini <<END
init
END
says 'pools' bp complete -- pool-info '' <<END
my pool
p1
END
says 'a pool as an option' bp complete -- pool-info --pool p <<END
p1
END
says 'in one word' bp complete -- pool-info --pool=p <<END
--pool=p1
END
says 'a UUID where that is wanted' bp complete -- pool-name "$(echo "$uuid" | cut -c1-7)" <<END
$uuid
END
says 'options' bp complete -- pool-build p1 --o <<END
--overwrite
END
says 'not one that is there' bp complete -- pool-build p1 --overwrite --o <<END
[1]
END
says 'options where nothing else can stand' bp complete -- pool-info p1 '' <<END
--bytes
--reserved
--format
--help
END
says 'under the other name fewer' vs complete -- pool-info p1 '' <<END
--bytes
--help
END
says 'volumes of the pool' bp complete -- vol-info --pool p1 '' <<END
disk1
END
says 'volumes of the input pool' bp complete -- vol-create-from p1 f --inputpool 'my pool' '' <<END
it's a:b
END
says 'keys without a pool' bp complete -- vol-info "$T/p/" <<END
\$T/p/disk1
END
says 'keys where they are wanted' bp complete -- vol-pool "$T/m" <<END
\$T/my pool/it's a:b
END
says 'pool types' bp complete -- pool-define-as x z <<END
zfs
END
says 'a list of them' bp complete -- pool-list --type dir,fs,v <<END
dir,fs,vstorage
END
says 'formats' bp complete -- vol-create-as p1 v 1 --format qc <<END
qcow
qcow2
END
says 'algorithms' bp complete -- vol-wipe v p1 --algorithm pf <<END
pfitzner7
pfitzner33
END
says 'events' bp complete -- pool-event --event '' <<END
lifecycle
refresh
END
says 'what help can be asked' bp complete -- help vol-w <<END
vol-wipe
END
says 'output' bp complete -- pool-list --format '' <<END
text
json
END
says 'after the two dashes no options' bp complete -- pool-info -- - <<END
[1]
END
says 'global options' bp complete -- --co <<END
--connect
--config-dir
END
says 'and their values' bp complete -- -c storage:///se <<END
storage:///session
END
says 'they count' bp complete -- -q --config-dir "$T/none" --run-dir "$T/none" pool-info '' <<END
--pool
--bytes
--reserved
--format
--help
END
says 'commands of image' bp complete -- image co <<END
commit
compare
convert
END
says 'their options' bp complete -- image create --f <<END
--format
END
says 'those of one letter' bp complete -- image check -r <<END
-r
END
says 'with values' bp complete -- image check -r '' <<END
leaks
all
END
says 'formats of images' bp complete -- image convert -f vh <<END
vhdx
END
says 'only those that can be made for a new one' bp complete -- image convert -O vh <<END
[1]
END
says 'their names in one word' bp complete -- image create --format=qcow2 --format=qc <<END
--format=qcow2
END
says 'options of the format' bp complete -- image create -f qcow2 -o comp <<END
compat=
compression_type=
END
says '... behind others' bp complete -- image convert -f raw -O qcow2 -o compat=1.1,lazy <<END
compat=1.1,lazy_refcounts=
END
says 'what an option may be' bp complete -- image create -f qcow2 -o preallocation=f <<END
preallocation=falloc
preallocation=full
END
says '... behind others' bp complete -- image create -f qcow2 -o size=1G,lazy_refcounts= <<END
size=1G,lazy_refcounts=on
size=1G,lazy_refcounts=off
END
says 'of which nothing is known' bp complete -- image create -f qcow2 -o compat= <<END
[1]
END
says 'how it is told' bp complete -- image info --output=j <<END
--output=json
END
says 'nothing behind what takes no value' bp complete -- image convert --verify= <<END
[1]
END
says 'an image is a file' bp complete -- image info '' <<END
END
says 'so is what comes last' bp complete -- image convert -O qcow2 a. <<END
END
says 'no such command of image' bp complete -- image nosuch '' <<END
[1]
END
says 'files are for the shell' bp complete -- pool-define '' <<END
END
says 'those of global options too' bp complete -- --root '' <<END
END
says 'nothing fits' bp complete -- pool-info nosuch <<END
[1]
END
says 'no such command' bp complete -- nosuch '' <<END
[1]
END
says 'nothing at all' bp complete <<END
[1]
END
works 'a name of two lines' bp vol-create-as p1 "$(printf 'two\nlines')" 4096
says 'cannot be told' bp complete -- vol-info --pool p1 tw <<END
[1]
END
says 'a broken store is nothing, not an error' env BAREPOOL_CONFIG_DIR=/dev/null \
	"$T/bin/barepool" complete -- pool-info p <<END
[1]
END

# ---- through bash ----------------------------------------------------------------------

if ! command -v bash >/dev/null; then
	skip 'through bash' 'needs bash'
	done_testing
fi

# A line as bash cuts it, and what would be put in the place of its last piece.
cat >"$T/ask.bash" <<'END'
. scripts/completion.bash
compopt() { echo "compopt $*"; }
COMP_LINE=$1 COMP_POINT=${#1} COMP_WORDS=("${@:2}") COMP_CWORD=$(($# - 2))
_barepool barepool
printf '%s\n' "${COMPREPLY[@]}"
END
# asks LINE PIECE...
asks() { PATH=$T/bin:$PATH bash "$T/ask.bash" "$@"; }

says 'a pool with a blank' asks 'barepool pool-info my' barepool pool-info my <<END
my\\ pool
END
says 'after a backslash' asks 'barepool pool-info my\ p' barepool pool-info 'my\ p' <<END
my\\ pool
END
says 'in quotes that are open' asks "barepool pool-info 'my p" barepool pool-info "'my p" <<END
my pool
END
says 'in the other quotes' asks 'barepool pool-info "my' barepool pool-info '"my' <<END
my pool
END
says 'after an equals sign' asks 'barepool pool-info --pool=p' barepool pool-info --pool = p <<END
p1
END
says 'right after it' asks 'barepool vol-info --pool=' barepool vol-info --pool = <<END
my\\ pool
p1
END
says 'quotes and a colon in the name' \
	asks "barepool vol-info --pool my\\ pool it\\'s\\ a:" \
	barepool vol-info --pool 'my\ pool' "it\\'s\\ a" : <<END
b
END
says 'what goes on behind it has no blank' \
	asks 'barepool image create -f qcow2 -o size=1G,la' \
	barepool image create -f qcow2 -o size = 1G,la <<END
compopt -o nospace
1G,lazy_refcounts=
END
says 'nothing fits' asks 'barepool pool-info zz' barepool pool-info zz <<END
compopt +o default

END
says 'a file' asks 'barepool pool-define ' barepool pool-define '' <<END

END
says 'formats of a source, by its type' bp complete -- pool-define-as d disk --source-format g <<END
gpt
END
bp complete -- pool-define-as x netfs --source-format= >"$T/out"
has 'in one word' "$T/out" '--source-format=nfs'
lacks 'of that type only' "$T/out" 'gpt'
says 'of what is made' bp complete -- pool-define-as x fs --mkfs-format ext <<END
ext2
ext3
ext4
END
bp complete -- pool-build x --force-device /dev/ >"$T/devices"
bp complete -- discover --source /dev/ >"$T/sources"
bp --format json discover >"$T/found"
is 'devices' "$(cat "$T/devices")" "$(sed -n 's/.*"device": "\(\/dev\/[^"]*\)".*/\1/p' "$T/found")"
is 'as sources' "$(cat "$T/sources")" "$(cat "$T/devices")"
works 'or any other name of one' bp complete -- pool-build x --force-device /dev/disk/nosuch

# shellcheck disable=SC2016 # for that shell, not this one
says 'in the middle of a line' bash -c '
	PATH=$1/bin:$PATH
	. scripts/completion.bash
	COMP_LINE="barepool pool-in p1" COMP_POINT=16
	COMP_WORDS=(barepool pool-in p1) COMP_CWORD=1
	_barepool barepool
	printf "%s\n" "${COMPREPLY[@]}"' bash "$T" <<END
pool-info
END

if [ -x "$B/tests/tools/pty" ]; then
	tab=$(printf '\t')
	PS1='# ' PATH=$T/bin:$PATH INPUTRC=/dev/null "$B/tests/tools/pty" \
		'bash --norc --noprofile -i' '. scripts/completion.bash' \
		"barepool pool-uu${tab}my${tab}" "barepool vol-key --pool=p${tab}di${tab}" \
		"barepool vol-key --pool 'my${tab}it${tab}" 'exit' 2>&1 </dev/null |
		tr -d '\r\007' >"$T/screen"
	has 'typed in bash: a name with a blank' "$T/screen" "$(bp -q pool-uuid 'my pool')"
	has 'typed in bash: an option in one word' "$T/screen" "$T/p/disk1"
	has 'typed in bash: in quotes' "$T/screen" "$T/my pool/it's a:b"
else
	skip 'typed in bash' "needs $B/tests/tools/pty"
fi

done_testing
