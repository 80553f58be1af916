#!/bin/sh
# luks.sh - volumes that are encrypted, with libvirt's secrets; QEMU opens what was made.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
. tests/lib.sh
needs qemu-io 'qemu-io opens encrypted images'

U=11111111-1111-4111-8111-111111111111
secret=barepool-keeps-this-to-itself
mkdir "$T/secrets" "$T/p"
printf %s $secret | base64 | tr -d '\n' >"$T/secrets/$U.base64"
chmod 600 "$T/secrets/$U.base64"
cat >"$T/secrets/$U.xml" <<END
<secret ephemeral='no' private='yes'>
  <uuid>$U</uuid>
  <usage type='volume'><volume>$T/p/a</volume></usage>
</secret>
END

one="<secret type='passphrase' uuid='$U'/>"
# volume NAME [SECRET] [CIPHER] [FORMAT] [MORE]
volume() {
	cat >"$T/v.xml" <<-END
	<volume>
	  <name>$1</name>
	  <capacity unit='MiB'>4</capacity>
	  <allocation>0</allocation>
	  ${5-}
	  <target>
	    <format type='${4:-raw}'/>
	    <encryption format='luks'>${2-$one}${3-}</encryption>
	  </target>
	</volume>
	END
}
make() { bp -q vol-create p "$T/v.xml"; }
# opened VOLUME PASSPHRASE COMMAND...
opened() {
	file=$T/p/$1 phrase=$2
	shift 2
	for c; do set -- "$@" -c "$c"; shift; done
	qemu-io --object "secret,id=s,data=$phrase" \
		--image-opts "driver=luks,key-secret=s,file.filename=$file" "$@"
}

bp -q pool-create-as p dir --target "$T/p" >/dev/null
volume a
if ! make >"$T/out" 2>&1 && grep -q 'without libcryptsetup' "$T/out"; then
	echo '1..0 # SKIP this was built without libcryptsetup'
	exit 0
fi
is 'it is made' "$(ls "$T/p")" a
works 'QEMU writes into it' opened a $secret 'write -P 7 0 4M'
fails '... and not with another passphrase' opened a wrong 'read 0 512'
if command -v cryptsetup >/dev/null; then
	key() { printf %s "$1" | cryptsetup luksOpen --test-passphrase --key-file - "$T/p/a"; }
	works 'cryptsetup knows the passphrase' key $secret
	key wrong >"$T/out" 2>&1
	is '... and no other' $? 2
else
	skip 'what cryptsetup says of it' 'needs cryptsetup'
fi
is 'its capacity is that of its guest' \
	"$(bp vol-dumpxml a p | sed -n "s/ *<capacity unit='bytes'>\(.*\)<.*/\1/p")" 4194304
bp vol-dumpxml a p >"$T/a.xml"
has 'its secret is found by its path' "$T/a.xml" "<secret type='passphrase' uuid='$U'/>"
works 'it grows' bp vol-resize a 6M p
works '... and has what it had, and more' opened a $secret 'read -P 7 0 4M' 'write -P 8 4M 2M'
fails 'it shrinks by what is in it no more than others' bp vol-resize a 4M p --shrink

volume b "<secret type='passphrase' usage='$T/p/a'/>" \
	"<cipher name='aes' size='128' mode='cbc' hash='sha1'/><ivgen name='essiv' hash='sha256'/>"
works 'by usage, with a cipher of choice' make
works '... which QEMU knows' opened b $secret 'write 0 1M'

# ---- inside qcow2 ------------------------------------------------------------------------
inside() { # VOLUME PASSPHRASE COMMAND
	qemu-io --object "secret,id=s,data=$2" --image-opts \
		"driver=qcow2,encrypt.format=luks,encrypt.key-secret=s,file.filename=$T/p/$1" \
		-c "$3"
}
sound() {
	qemu-img check -q --object "secret,id=s,data=$secret" --image-opts \
		"driver=qcow2,encrypt.format=luks,encrypt.key-secret=s,file.filename=$T/p/$1"
}
volume q "$one" '' qcow2
works 'an image' make
works 'qemu-img finds nothing wrong' sound q
works 'QEMU writes into it' inside q $secret 'write -P 5 1M 2M'
fails '... not with another passphrase' inside q wrong 'read 0 512'
works 'nothing is wrong then, either' sound q
bp vol-dumpxml q p >"$T/q.xml"
has 'it is known as encrypted' "$T/q.xml" "<encryption format='luks'>"
works 'it grows' bp vol-resize q 6M p
works 'it shrinks, to an end inside a cluster' bp image resize --shrink "$T/p/q" 2097664
works '... and has what it had' inside q $secret 'read -P 5 1M 1049088'
works 'with a clone' bp vol-clone q q2 p
lacks '... which needs no word' "$T/out" warning
echo '<volume><name>q3</name><target><format type="qcow2"/></target></volume>' >"$T/plain.xml"
works 'a copy that was not to be encrypted' bp vol-create-from p "$T/plain.xml" q --inputpool p
has '... is, all the same' "$T/out" 'warning: vol q3 is encrypted as vol q is, whose bytes it has'
sed 's/qcow2/raw/; s/q3/q4/' "$T/plain.xml" >"$T/raw.xml"
fails '... and nothing else can be made of it' bp vol-create-from p "$T/raw.xml" q --inputpool p
has '...' "$T/out" "'qcow2', encrypted; it can be copied, but not converted to 'raw'"
works '... that has it, too' inside q2 $secret 'read -P 5 1M 1M'
volume o "$one" '' qcow2 \
	"<backingStore><path>$T/p/q</path><format type='qcow2'/></backingStore>"
sed -i 's|<format type=.qcow2./></back|<format type="raw"/></back|; s|/p/q<|/p/b<|' "$T/v.xml"
works 'above another volume' make
works '... which qemu-img finds good' sound o
for v in q q2 q3 o; do bp vol-delete $v p >/dev/null; done

# ---- what is not made ----------------------------------------------------------------------
volume c "<secret type='passphrase' uuid='22222222-2222-4222-8222-222222222222'/>"
says 'a secret that is not there' make <<END
error: Failed to create vol from \$T/v.xml
error: Secret not found: no secret with matching uuid '22222222-2222-4222-8222-222222222222'
[1]
END
what="A single <secret type='passphrase'...> element is expected in encryption description"
volume c ''
says 'none' make <<END
error: Failed to create vol from \$T/v.xml
error: invalid argument: $what
[1]
END
volume c "$one$one"
says 'two' make <<END
error: Failed to create vol from \$T/v.xml
error: invalid argument: $what
[1]
END
volume c "$one" "<cipher name='serpent' size='256' mode='cbc' hash='sha256'/>"
fails 'a cipher that is not known' make
has '... is named' "$T/out" 'cipher serpent-cbc-plain64, 256 bits'
volume c "$one" '' vmdk
says 'in an image that cannot' make <<END
error: Failed to create vol from \$T/v.xml
error: unsupported configuration: volume encryption unsupported with format vmdk
[1]
END
volume c "$one" '' raw "<backingStore><path>$T/p/a</path><format type='raw'/></backingStore>"
fails 'on a backing store' make
works 'nothing was left behind' [ "$(cd "$T/p" && echo .* *)" = '. .. a b' ]
lacks 'the passphrase shows nowhere' "$T/out" "$secret"
done_testing
