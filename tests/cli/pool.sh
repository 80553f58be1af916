#!/bin/sh
# pool.sh - pool-* commands on a dir pool, as a user types them.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
. tests/lib.sh

says 'no pools' bp pool-list --all <<END
 Name   State   Autostart
---------------------------

END

says 'a pool nobody has, and none at all' bp pool-info p <<END
error: failed to get pool 'p'
error: Storage pool not found: no storage pool with matching name 'p'
hint: there is no pool yet; 'barepool init' makes one

[1]
END

says 'define' bp pool-define-as p dir --target "$T/p" <<END
Pool p defined

END

says 'a pool nobody has' bp pool-info q <<END
error: failed to get pool 'q'
error: Storage pool not found: no storage pool with matching name 'q'
hint: the only pool is 'p'

[1]
END

says 'inactive pools have no sizes' vs pool-list --all --details <<END
 Name   State      Autostart   Persistent   Capacity   Allocation   Available
-------------------------------------------------------------------------------
 p      inactive   no          yes          -          -            -

END

says 'a start without its directory says what would help' bp pool-start p <<END
error: Failed to start pool p
error: cannot open directory '\$T/p': No such file or directory
hint: with --build it is made first

[1]
END

says 'build' bp pool-build p <<END
Pool p built

END
says 'start' bp pool-start p <<END
Pool p started

END
says 'start again' vs pool-start p <<END
error: Failed to start pool p
error: Requested operation is not valid: storage pool 'p' is already active

[1]
END
says 'autostart' bp pool-autostart p <<END
Pool p marked as autostarted

END
says 'list' bp pool-list <<END
 Name   State    Autostart
----------------------------
 p      active   yes

END
says 'list, quietly' bp -q pool-list <<END
 p   active   yes
END
says 'names are padded' dots bp pool-list --name <<END
p...................

END
uuid=$(bp -q pool-uuid p)
says 'uuid and name' dots bp pool-list --uuid --name <<END
$uuid.p...................

END
says 'name of a UUID' bp pool-name "$uuid" <<END
p

END
says 'a name is no UUID' vs pool-name p <<END
error: failed to get pool 'p'

[1]
END
says 'everywhere a UUID will do, and is what is told' bp pool-refresh "$uuid" <<END
Pool $uuid refreshed

END
bp -q pool-info p >"$T/info"
has 'info has a state' "$T/info" 'State:          running'
has 'info has a size' "$T/info" 'Capacity:       '
bp pool-info p --bytes | grep -qE '^Capacity:       [0-9]+$'
is 'info in bytes is plain numbers' $? 0
says 'filters' bp -q pool-list --all --type dir --persistent --autostart <<END
 p   active   yes
END
says 'inactive pools are not active ones' bp -q pool-list --inactive <<END
END
says 'not to be started any more' bp pool-autostart p --disable <<END
Pool p unmarked as autostarted

END
says 'nor is it' bp -q pool-list --no-autostart <<END
 p   active   no
END
works 'and again' bp pool-autostart p
says 'types nobody knows' bp pool-list --type dir,nosuch <<END
error: Invalid pool type 'nosuch'

[1]
END
says 'two commas are one' bp pool-list --type fs,,netfs <<END
error: Invalid pool type 'fs,netfs'

[1]
END
says 'a comma too many' bp pool-list --type dir, <<END
error: Invalid pool type ''

[1]
END
says 'options that exclude each other' bp pool-list --all --inactive <<END
error: Options --all and --inactive are mutually exclusive

[1]
END
says 'an empty option' bp pool-list --type '' <<END
error: Failed to get option 'type': Option argument is empty

[1]
END
says 'dumpxml through an expression' bp -q pool-dumpxml p --xpath '//target/path' <<END
<path>\$T/p</path>
END
says 'one that calculates' bp -q pool-dumpxml p --xpath \
	"//target/*[position() mod 2 = 1 and string(5e20 div 3) != '5']" <<END
<path>\$T/p</path>
END
says 'a transient pool' bp pool-create-as t dir --target "$T/t" --build <<END
Pool t created

END
says 'cannot be autostarted' bp pool-autostart t <<END
error: failed to mark pool t as autostarted
error: internal error: pool has no config file

[1]
END
says 'sorted by name, case folded' sh -c "
	PATH=$T/bin:\$PATH
	for i in zz Alpha _u 10 9; do barepool -q pool-define-as \$i dir --target $T/l_\$i; done
	barepool -q pool-list --all" <<END
 10      inactive   no
 9       inactive   no
 _u      inactive   no
 Alpha   inactive   no
 p       active     yes
 t       active     no
 zz      inactive   no
END
says 'many pools are named, not all' bp pool-info nope <<END
error: failed to get pool 'nope'
error: Storage pool not found: no storage pool with matching name 'nope'
hint: the pools are '10', '9', 'Alpha', '_u', 'p', 't', 'zz'

[1]
END
says 'destroy' bp pool-destroy p <<END
Pool p destroyed

END
says 'delete' bp pool-delete p <<END
Pool p deleted

END
says 'undefine' bp pool-undefine p <<END
Pool p has been undefined

END

cat >"$T/pool.xml" <<END
<pool type='dir'><name>f&amp;g</name><target><path>$T/fg</path></target></pool>
END
says 'define from a file: the name is the pool'"'"'s own' bp pool-define "$T/pool.xml" <<END
Pool f&g defined from \$T/pool.xml

END
echo '<pool type="dir"><name>x</name>' >"$T/bad.xml"
fails 'a file that is no XML' bp pool-define "$T/bad.xml"
has 'names the file' "$T/out" "error: Failed to define pool from $T/bad.xml"
fails 'nor is it one of a pool to create' bp pool-create "$T/bad.xml"
has '... which is named, too' "$T/out" "error: Failed to create pool from $T/bad.xml"
says 'a file that is not there' bp pool-define "$T/none.xml" <<END
error: Failed to open file '\$T/none.xml': No such file or directory

[1]
END
sed 's/f&amp;g/h/; s/fg/h/' "$T/pool.xml" >"$T/h.xml"
says 'create from a file' bp pool-create "$T/h.xml" --build <<END
Pool h created from \$T/h.xml

END
says 'what is asked for as XML is XML' \
	bp -q pool-define-as 'a&b' dir --target '/t<x>' --print-xml <<END
<pool type='dir'>
  <name>a&amp;b</name>
  <target>
    <path>/t&lt;x&gt;</path>
  </target>
</pool>
END
says 'created pools too' bp -q pool-create-as n dir --target /t --build --print-xml <<END
<pool type='dir'>
  <name>n</name>
  <target>
    <path>/t</path>
  </target>
</pool>
END
says 'who logs in where, and from where' bp -q pool-define-as n iscsi --source-host h \
	--source-dev iqn.b --source-initiator iqn.a --auth-type chap --auth-username u \
	--secret-usage s --source-format f --print-xml <<END
<pool type='iscsi'>
  <name>n</name>
  <source>
    <host name='h'/>
    <device path='iqn.b'/>
    <initiator>
      <iqn name='iqn.a'/>
    </initiator>
    <auth type='chap' username='u'>
      <secret usage='s'/>
    </auth>
    <format type='f'/>
  </source>
</pool>
END
says 'as many devices as there are' bp -q pool-define-as n logical --source-name g \
	--source-dev /dev/a --source-dev=/dev/b --source-dev /dev/c --print-xml <<END
<pool type='logical'>
  <name>n</name>
  <source>
    <device path='/dev/a'/>
    <device path='/dev/b'/>
    <device path='/dev/c'/>
    <name>g</name>
  </source>
</pool>
END
says 'virsh knows one' vs pool-define-as n logical --source-dev /dev/a --source-dev /dev/b <<END
error: option --source-dev already seen
[1]
END
says 'nobody logs in nowhere' bp -q pool-define-as n netfs --source-protocol-ver 4 \
	--auth-type chap --auth-username u --secret-usage s --print-xml <<END
<pool type='netfs'>
  <name>n</name>
</pool>
END
says 'a SCSI host by its name' bp -q pool-define-as n scsi --adapter-name host1 --print-xml <<END
<pool type='scsi'>
  <name>n</name>
  <source>
    <adapter type='scsi_host' name='host1'/>
  </source>
</pool>
END
says 'and by its world-wide names' bp -q pool-define-as n scsi --adapter-wwnn 1 \
	--adapter-wwpn 2 --adapter-parent-wwnn 3 --adapter-parent-wwpn 4 \
	--adapter-parent-fabric-wwn 5 --print-xml <<END
<pool type='scsi'>
  <name>n</name>
  <source>
    <adapter type='fc_host' parent_wwnn='3' parent_wwpn='4' wwnn='1' wwpn='2'/>
  </source>
</pool>
END
says 'one secret is enough' bp pool-define-as n iscsi --secret-usage s --secret-uuid u <<END
error: Options --secret-usage and --secret-uuid are mutually exclusive

[1]
END
says 'nothing was defined by that' bp -q pool-list --all --name --type fs <<END
END
says 'read only' vs -r pool-destroy h <<END
error: Failed to destroy pool h
error: operation forbidden: read only access prevents virStoragePoolDestroy

[1]
END
says 'read only, and no discovery either' vs -r find-storage-pool-sources dir <<END
error: Failed to find any dir pool sources
error: operation forbidden: read only access prevents virConnectFindStoragePoolSources

[1]
END
says 'no sources of a directory' vs find-storage-pool-sources-as dir --host x <<END
error: Failed to find any dir pool sources
error: this function is not supported by the connection driver: pool type 'dir' does not \
support source discovery

[1]
END

done_testing
