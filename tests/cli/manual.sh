#!/bin/sh
# manual.sh - the manual names every command and every option, and none that is not there.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
. tests/lib.sh

page=cli/barepool.1.scd
bp help | sed -n 's/^    \([a-z][a-z-]*\) .*/\1/p' >"$T/commands"
[ "$(grep -c . "$T/commands")" -gt 40 ]
is 'help lists the commands' $? 0
while read -r command; do
	has "$command" "$page" "*$command*"
	bp help "$command" | sed -n '/^  OPTIONS$/,/^  EXAMPLES$/p' |
		sed -n 's/^    \[\{0,1\}--\([A-Za-z-]*\).*/\1/p' |
		grep -vxE 'pool|vol|file|name|type|newname|capacity|snapshot' >"$T/options"
	while read -r option; do
		grep -qF -e "*--$option*" -e "*--$option=" "$page" || echo "--$option"
	done <"$T/options" >"$T/missing"
	is "all options of $command" "$(cat "$T/missing")" ''
done <"$T/commands"

{
	while read -r command; do bp help "$command"; done <"$T/commands"
	bp --help
	echo '--escape --keepalive-interval --keepalive-count'	# told by their letters there
} >"$T/help"
grep -oE '\*--[A-Za-z-]+' "$page" | sort -u | sed 's/^\*//' | while read -r option; do
	grep -qE -e "$option([^A-Za-z-]|\$)" "$T/help" || echo "$option"
done >"$T/unknown"
is 'no option that is not there' "$(cat "$T/unknown")" ''
sed -n '/^# COMMANDS/,/^# OUTPUT/p' "$page" | grep '^\*' | grep -oE '\*[a-z][a-z-]+\*' |
	tr -d '*' | sort -u | while read -r word; do
		case $word in lifecycle|refresh) continue ;; esac
		grep -qx -e "$word" "$T/commands" || echo "$word"
	done >"$T/unknown"
is 'no command that is not there' "$(cat "$T/unknown")" ''

if command -v scdoc >/dev/null; then
	works 'it can be set' sh -c "scdoc <$page >'$T/page.1'"
else
	skip 'it can be set' 'needs scdoc'
fi

done_testing
