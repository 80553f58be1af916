#!/bin/sh
# disk_luks.sh - a partition that is encrypted from its first byte on.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091,SC2154 # tests are run from the top; tests/disk.sh sets some
. tests/disk.sh
needs qemu-io 'qemu-io opens encrypted images'

U=11111111-1111-4111-8111-111111111111
mkdir "$T/secrets"
printf secret | base64 >"$T/secrets/$U.base64"
chmod 600 "$T/secrets/$U.base64"
echo "<secret><uuid>$U</uuid></secret>" >"$T/secrets/$U.xml"
cat >"$T/v.xml" <<END
<volume>
  <name>${T##*/}</name>
  <capacity unit='MiB'>8</capacity>
  <target>
    <encryption format='luks'><secret type='passphrase' uuid='$U'/></encryption>
  </target>
</volume>
END

device one 64M
sed -i "s|<name>.*</name>|<name>${dev#/dev/}p1</name>|" "$T/v.xml"
bp pool-define-as p disk --source-dev "$dev" --source-format gpt --target /dev >/dev/null
bp pool-build p >/dev/null
bp pool-start p >/dev/null
if ! bp vol-create p "$T/v.xml" >"$T/out" 2>&1 && grep -q 'without libcryptsetup' "$T/out"; then
	skip 'an encrypted partition' 'this was built without libcryptsetup'
	done_testing
fi
is 'a partition' "$(blkid -p -o value -s TYPE "${dev}p1")" crypto_LUKS
is 'it has room for the header, too' "$(($(blockdev --getsize64 "${dev}p1") >> 20))" 10
opened() {
	qemu-io --object "secret,id=s,data=$1" --image-opts \
		"driver=luks,key-secret=s,file.driver=host_device,file.filename=${dev}p1" -c "$2"
}
works 'QEMU opens it' opened secret 'write -P 9 0 8M'
fails '... not with another passphrase' opened wrong 'read 0 512'
works 'it goes' bp vol-delete "${dev#/dev/}p1" p
done_testing
