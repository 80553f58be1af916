#!/bin/sh
# json.sh - --format json: one shape for every command, and always JSON.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
. tests/lib.sh

mkdir "$T/p"
says 'success is a message' bp --format json pool-define-as p dir --target "$T/p" <<END
{"message": "Pool p defined"}
END
uuid=$(bp -q pool-uuid p)
says 'an inactive pool' bp pool-info p --format json <<END
{"name": "p", "uuid": "$uuid", "type": "dir", "state": "inactive", "persistent": true, \
"autostart": false, "capacity": null, "allocation": null, "available": null, \
"reserved": null, "problem": null}
END
says 'pools' bp --format json pool-list --all <<END
[
  {"name": "p", "state": "inactive", "autostart": false, "persistent": true, "capacity": \
null, "allocation": null, "available": null, "uuid": "$uuid", "type": "dir", "problem": null}
]
END
says 'pools by name are the same' bp --format json pool-list --inactive --name <<END
[
  {"name": "p", "state": "inactive", "autostart": false, "persistent": true, "capacity": \
null, "allocation": null, "available": null, "uuid": "$uuid", "type": "dir", "problem": null}
]
END
says 'no pools' bp --format json pool-list <<END
[]
END
works 'start' bp pool-start p
bp --format json pool-list --details >"$T/out"
grep -q '"state": "running".*"capacity": [0-9][0-9]*, "allocation": [0-9][0-9]*, "avail' "$T/out"
is 'details have sizes in bytes' $? 0
says 'no volumes' bp vol-list p --format json <<END
[]
END
says 'another message' bp --format json vol-create-as p v1 1M --allocation 0 <<END
{"message": "Vol v1 created"}
END
says 'volumes' bp vol-list p --format json <<END
[
  {"name": "v1", "path": "\$T/p/v1", "key": "\$T/p/v1", "type": "file"}
]
END
says 'volumes in detail' bp vol-list p --details --format json <<END
[
  {"name": "v1", "path": "\$T/p/v1", "key": "\$T/p/v1", "type": "file", "capacity": 1048576, \
"allocation": 0, "physical": 1048576, "format": "raw", "backing": null, \
"data": null, "kind": null, "state": null, "problem": null}
]
END
says 'one volume' bp --format json vol-info v1 p <<END
{"name": "v1", "type": "file", "capacity": 1048576, "allocation": 0, "physical": 1048576, \
"pool": "p", "path": "\$T/p/v1", "key": "\$T/p/v1", "format": "raw", "backing": null, \
"data": null, "kind": null, "state": null, "problem": null}
END
says 'single facts' bp --format json "vol-key v1 p; vol-path v1 p; vol-name $T/p/v1
	vol-pool $T/p/v1; pool-name $uuid; pool-uuid p" <<END
{"key": "\$T/p/v1"}
{"path": "\$T/p/v1"}
{"name": "v1"}
{"pool": "p"}
{"name": "p"}
{"uuid": "$uuid"}
END
says 'a document' bp --format json pool-define-as n dir --print-xml <<END
{"name": "n", "xml": "<pool type='dir'>\n  <name>n</name>\n</pool>\n"}
END
says 'a part of one' bp --format json pool-dumpxml p --xpath //name <<END
{"name": "p", "xml": "<name>p</name>\n"}
END
says 'a format of its own is another thing' \
	bp --format json vol-create-as p v2 1M --format raw <<END
{"message": "Vol v2 created"}
END
says 'after the command for one command only' bp -q 'vol-key v1 p --format json; vol-key v1 p' <<END
{"key": "\$T/p/v1"}
\$T/p/v1
END
says 'and back' bp --format json 'vol-key v1 p --format text; vol-key v1 p' <<END
\$T/p/v1

{"key": "\$T/p/v1"}
END
printf 'vol-key v1 p --format json\nvol-key v1 p\n' | bp -q >"$T/out"
is 'a session has its own again' "$(tail -n 1 "$T/out")" "$T/p/v1"
says 'errors are objects too' bp --format json pool-info nope <<END
{"error": "failed to get pool 'nope'", "reason": "Storage pool not found: no storage pool \
with matching name 'nope'", "code": "no-pool", "number": 49, "hint": "the only pool is 'p'"}
[1]
END
says 'also those of a single line' bp --format json pool-info <<END
{"error": "command 'pool-info' requires <pool> option"}
[1]
END
says 'where there is no such option' vs pool-list --format json <<END
error: command 'pool-list' doesn't support option --format
[1]
END
says 'event types' bp --format json pool-event --list <<END
["lifecycle", "refresh"]
END

# A name that is not UTF-8: JSON all the same, and the exact bytes beside it.
odd=$(printf 'a\377b')
: >"$T/p/$odd"
bp vol-list p --format json >"$T/list"
has 'a name that is not UTF-8' "$T/list" '"name": "a\ufffdb", "name_base64": "Yf9i"'
exact=$(sed -n 's/.*"name_base64": "\([^"]*\)".*/\1/p' "$T/list" | base64 -d)
works 'can be used by its bytes' bp vol-delete "$exact" p
[ ! -e "$T/p/$odd" ]
is 'and was' $? 0

# Whatever is printed must parse.
if command -v python3 >/dev/null && python3 -c 'import json' 2>/dev/null; then
	parses() { python3 -c 'import json, sys; json.load(sys.stdin)' <"$T/j"; }
elif command -v jq >/dev/null; then
	parses() { jq . <"$T/j"; }
else
	parses() { return 2; }
fi
: >"$T/p/$(printf 'q"b\\s\001\037\n\t\303\266\360\237\222\276\355\240\200')"
for c in 'pool-list --all --details' 'pool-info p' 'vol-list p --details' 'vol-list p' \
	'pool-capabilities' 'version' 'pool-dumpxml p' 'uri' 'pwd' 'pool-event --list' \
	'vol-dumpxml v1 p' 'pool-refresh p' 'pool-autostart p'; do
	bp --format json "$c" >"$T/j" 2>"$T/out"
	if parses 2>"$T/out"; then ok "$c parses"
	elif [ $? -eq 2 ]; then skip "$c parses" 'needs python3 or jq'
	else cat "$T/j" >>"$T/out"; show; nok "$c parses"; fi
done
for c in 'pool-info nope' 'vol-info x p' 'nosuch' 'pool-start p' 'vol-create-as p x 1Q'; do
	bp --format json "$c" 2>"$T/j" >"$T/out"
	if parses 2>>"$T/out"; then ok "the error of $c parses"
	elif [ $? -eq 2 ]; then skip "the error of $c parses" 'needs python3 or jq'
	else show; nok "the error of $c parses"; fi
done

done_testing
