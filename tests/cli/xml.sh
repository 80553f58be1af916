#!/bin/sh
# xml.sh - the xml command: its output is exactly the document.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
. tests/lib.sh

cat >"$T/pool.xml" <<'END'
<pool type="dir"><name>p</name><uuid>A0000000-0000-4000-8000-000000000001</uuid>
<target><path>/srv//p/</path></target></pool>
END
says 'a pool' bp xml "$T/pool.xml" <<'END'
<pool type='dir'>
  <name>p</name>
  <uuid>a0000000-0000-4000-8000-000000000001</uuid>
  <capacity unit='bytes'>0</capacity>
  <allocation unit='bytes'>0</allocation>
  <available unit='bytes'>0</available>
  <source>
  </source>
  <target>
    <path>/srv/p</path>
  </target>
</pool>
END
bp xml "$T/pool.xml" >"$T/full.xml"
works 'what it prints means the same' \
	sh -c "'$T/bin/barepool' xml '$T/full.xml' | cmp - '$T/full.xml'"
works 'from standard input' sh -c "'$T/bin/barepool' xml - <'$T/pool.xml' | cmp - '$T/full.xml'"
cat >"$T/vol.xml" <<'END'
<volume><name>v</name><capacity unit='KiB'>1</capacity></volume>
END
says 'a volume' bp xml "$T/vol.xml" <<'END'
<volume type='file'>
  <name>v</name>
  <capacity unit='bytes'>1024</capacity>
  <allocation unit='bytes'>1024</allocation>
  <target>
    <format type='raw'/>
  </target>
</volume>
END
cat >"$T/disk.xml" <<'END'
<pool type='disk'><name>d</name><source><device path='/dev/x'/></source>
<target><path>/dev</path></target></pool>
END
bp xml "$T/vol.xml" --pool "$T/disk.xml" >"$T/out"
has 'a volume for another type of pool' "$T/out" "<format type='none'/>"
echo '<volume><name>v</name></volume>' >"$T/nocap.xml"
fails 'a volume without a capacity' bp xml "$T/nocap.xml"
has 'is told' "$T/out" 'error: XML error: missing capacity element'
works 'unless that is meant' bp xml "$T/nocap.xml" --capacity-optional
sed 's/A0000/Z0000/' "$T/pool.xml" >"$T/bad.xml"
bp xml "$T/bad.xml" >"$T/stdout" 2>"$T/stderr"
is 'what is wrong fails' $? 1
is 'prints nothing' "$(cat "$T/stdout")" ''
is 'and is told in one line, with its place' "$(sed "s|$T|\$T|g" "$T/stderr")" \
	"error: XML error: malformed uuid element (\$T/bad.xml:1, <uuid>)"
fails 'a file that is not there' bp xml "$T/none.xml"
sed 's/<name>/<foo\/><name>/' "$T/pool.xml" >"$T/foo.xml"
works 'what nobody knows is let through' bp xml "$T/foo.xml"
fails 'unless it is to be valid' bp xml "$T/foo.xml" --validate
# The command may have libxml2 in it without anything that converts or unpacks: none of
# these may get that far.
printf '<?xml version="1.0" encoding="%s"?><pool/>' windows-1252 >"$T/odd1"
printf '<?xml version="1.0" encoding="%s"?><pool/>' EUC-JP >"$T/odd2"
printf 'Lo\247\224<pool/>' >"$T/odd3"
printf '\0\0\0<\0\0\0p' >"$T/odd4"
printf '<\0\0\0p\0\0\0' >"$T/odd5"
printf '\037\213\010\0\0\0\0\0\0\003' >"$T/odd6"
printf '\3757zXZ\0\0\004' >"$T/odd7"
printf '<!DOCTYPE pool SYSTEM "%s">\n<pool/>' "$T/odd6" >"$T/odd8"
for i in 1 2 3 4 5 6 7 8; do
	bp xml "$T/odd$i" >"$T/out" 2>&1
	is "encoded or packed otherwise: $i" "$?" 1
	has 'is told' "$T/out" "error: $T/odd$i:"
done
says 'as JSON' bp --format json xml "$T/vol.xml" --pool "$T/pool.xml" <<END
{"name": "v", "xml": "<volume type='file'>\\n  <name>v</name>\\n  \
<capacity unit='bytes'>1024</capacity>\\n  <allocation unit='bytes'>1024</allocation>\\n  \
<target>\\n    <format type='raw'/>\\n  </target>\\n</volume>\\n"}
END

done_testing
