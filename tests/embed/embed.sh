#!/bin/sh
# embed.sh - install the library somewhere, and build and run a program against it.
# SPDX-License-Identifier: LGPL-2.1-or-later
set -u
unset MAKEFLAGS MFLAGS
root=$(mktemp -d) || exit 1
trap 'rm -rf "$root"' EXIT
n=0 bad=0
LC_ALL=C
export LC_ALL

# ok NAME COMMAND...: it succeeds, and says nothing wrong.
ok() {
	name=$1
	shift
	n=$((n + 1))
	if "$@" >"$root/out" 2>&1; then
		echo "ok $n - $name"
	else
		sed 's/^/# /' "$root/out"
		echo "not ok $n - $name"
		bad=1
	fi
}
skip() { n=$((n + 1)); echo "ok $n - $1 # SKIP $2"; }
have() { command -v "$1" >/dev/null; }

# A build of its own: where it is to be installed is written into it.
ok 'make install' make -s install B="$root/build" DESTDIR="$root/inst" PREFIX=/usr \
	OPENRC=yes
lib=$root/inst/usr/lib
PKG_CONFIG_SYSROOT_DIR=$root/inst
PKG_CONFIG_PATH=$lib/pkgconfig
export PKG_CONFIG_SYSROOT_DIR PKG_CONFIG_PATH
version=$(sed -n 's/^#define BAREPOOL_VERSION "\(.*\)"/\1/p' core/barepool.h)

inc=$root/inst/usr/include/barepool
ok 'the files are there' ls "$root/inst/usr/bin/barepool" "$lib/libbarepool.so" \
	"$lib/libbarepool.a" "$inc/barepool.h" "$inc/xml/xml.h"
starts() {
	grep -q '^ExecStart=/usr/bin/barepool ' \
		"$root/inst/usr/lib/systemd/system/barepool-autostart.service" &&
		grep -q '^	/usr/bin/barepool ' "$root/inst/etc/init.d/barepool-autostart"
}
ok 'the services start what is installed' starts
ok 'pkg-config knows it' pkg-config --exists --print-errors barepool
ok 'by its version' test "$(pkg-config --modversion barepool)" = "$version"
variable() { PKG_CONFIG_SYSROOT_DIR='' pkg-config --variable="$1" barepool; }
dirs="$(variable libdir) $(variable includedir)"
ok 'with its directories' test "$dirs" = '/usr/lib /usr/include'
needed() { objdump -p "$lib/libbarepool.so" | grep -q "SONAME  *libbarepool\.so\.0$"; }
ok 'the SONAME' needed
# Names that the map does not list stay inside.
only_ours() {
	nm -D --defined-only "$lib/libbarepool.so" |
		awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort >"$root/shown"
	sed -n 's/^[ 	]*\([a-z][a-z0-9_]*\);.*/\1/p' core/barepool.map | sort >"$root/listed"
	[ -s "$root/shown" ] && diff "$root/listed" "$root/shown"
}
ok 'it shows what the map lists, and nothing else' only_ours

cp tests/embed/example.c "$root/example.c"
# runs PROGRAM: it says what it should, and leaves an empty directory.
runs() {
	rm -rf "$root/d"
	mkdir "$root/d"
	LD_LIBRARY_PATH=$lib "$1" "$root/d" >"$root/said" || return 1
	printf 'barepool %s\ndisk.qcow2: qcow2, 10737418240 bytes\n' "$version" >"$root/want"
	diff "$root/want" "$root/said" || return 1
	! find "$root/d" -type f ! -name '*.lock' ! -name barepool.define | grep .
}
for cc in gcc clang; do
	if ! have $cc; then
		skip "$cc" "needs $cc"
		continue
	fi
	# shellcheck disable=SC2046 # lists of words
	ok "$cc, shared: compiles" $cc -Wall -Wextra -Werror -o "$root/shared" "$root/example.c" \
		$(pkg-config --cflags --libs barepool)
	ok "$cc, shared: runs" runs "$root/shared"
	# shellcheck disable=SC2046
	ok "$cc, static: compiles" $cc -Wall -Wextra -Werror -o "$root/static" "$root/example.c" \
		$(pkg-config --cflags barepool) "$lib/libbarepool.a" \
		$(pkg-config --static --libs barepool | sed 's/-lbarepool//')
	ok "$cc, static: runs" runs "$root/static"
done
uses_shared() { objdump -p "$root/shared" | grep -q 'NEEDED  *libbarepool\.so\.0$'; }
uses_none() { ! objdump -p "$root/static" | grep -q libbarepool; }
ok 'the first asks for the library by its SONAME' uses_shared
ok 'the second asks for none' uses_none

# Each header stands alone.
for h in $(cd "$root/inst/usr/include/barepool" && find . -name '*.h'); do
	printf '#include "%s"\n#include "%s"\n' "${h#./}" "${h#./}" >"$root/one.c"
	# shellcheck disable=SC2046
	ok "${h#./} stands alone" cc -std=gnu99 -Wall -Wextra -Werror -fsyntax-only \
		$(pkg-config --cflags barepool) "$root/one.c"
done

# A header that forgets extern "C" compiles, but does not link.
cat >"$root/plus.cc" <<'END'
#include <barepool.h>
#include <xml/xml.h>
#include <cstdlib>
int main()
{
	bp_error err = bp_error();
	bp_pool_def *def = bp_pool_def_new();
	bp_vol_spec *spec = bp_vol_spec_new();
	bp_within(&err, "%s", bp_pool_type_find("dir")->name);
	std::free(bp_xml_format_pool(def, BP_XML_AS_WRITTEN));
	bp_pool_def_free(def);
	bp_vol_spec_free(spec);
	return bp_version() == nullptr;
}
END
for cxx in g++ clang++; do
	if ! have $cxx; then
		skip "$cxx" "needs $cxx"
		continue
	fi
	# shellcheck disable=SC2046
	ok "$cxx compiles and links" $cxx -Wall -Wextra -Werror -o "$root/plus" "$root/plus.cc" \
		$(pkg-config --cflags --libs barepool)
done
echo "1..$n"
exit $bad
