# user.sh - for tests by root in a world of their own (world.sh): an ordinary user, with a home,
# and the command and its modules where he is let in.  /run is the test's own.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh disable=SC2154 # set by lib.sh
#
#	. tests/user.sh
#	works 'define' as_user pool-define-as p dir --target "$home/p"
home=/run/home
mkdir "$home" && chown 1000:1000 "$home"
mkdir /run/bin
cp "$BAREPOOL" /run/bin/barepool
cp -r "$BAREPOOL_MODULES" /run/modules

user() { setpriv --reuid 1000 --regid 1000 --groups 1000,5000 "$@"; }
as_user() {
	user env BAREPOOL_CONFIG_DIR="$home/c" BAREPOOL_RUN_DIR="$home/r" HOME="$home" \
		BAREPOOL_MODULES=/run/modules /run/bin/barepool "$@"
}
