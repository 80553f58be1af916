#!/bin/sh
# logical_peer.sh - one volume group, two programs: what either makes, the other lists the same.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091,SC2034,SC2154 # tests are run from the top
# lab: disk=virtio:256M disk=scsi:256M disk=nvme:128M disk=virtio:128M:4096
# lab: with=libvirt file=tests/peer/bin/peer-daemon limit=900 memory=768
. tests/lab.sh

needs lvm 'needs lvm2'
needs libvirtd 'needs libvirtd'
needs virsh 'needs virsh'
loads dm-mod dm-snapshot dm-thin-pool dm-mirror dm-raid
unset BAREPOOL_CONFIG_DIR BAREPOOL_RUN_DIR
mkdir -p /srv/peer/ours /etc/libvirt
ln -s /barepool/build/barepool /srv/peer/ours/virsh
T=$T/peer W=/srv/peer/w
LIBVIRT_DEFAULT_URI=storage:///system
export LIBVIRT_DEFAULT_URI
. tests/peer.sh
daemon() { tests/peer/bin/peer-daemon "$1"; }

# Of a volume both say the same.  Where they do not is here, and why:
#	<timestamps>	either looks at the device, which is what the times tell of
#	<extent>	libvirt gives each stripe the size of all of them; ours is as LVM has it
without() {
	case $when in
	striped) sed -e '/<timestamps>/,/<\/timestamps>/d' -e '/<extent /d' "$1" ;;
	*)	sed -e '/<timestamps>/,/<\/timestamps>/d' "$1" ;;
	esac
}
same_volume() { # NAME
	ours vol-dumpxml --pool p --vol "$1" >"$T/a.ours" 2>&1
	theirs vol-dumpxml --pool p --vol "$1" >"$T/a.theirs" 2>&1
	without "$T/a.ours" >"$T/ours"
	without "$T/a.theirs" >"$T/theirs"
	equal "$when: vol-dumpxml $1" "$T/theirs" "$T/ours"
}
all_the_same() { # VOLUME...
	theirs pool-refresh p >"$T/out"
	same pool-dumpxml p
	same pool-info p
	same vol-list p
	for v; do
		same_volume "$v"
		same vol-key --pool p --vol "$v"
		same vol-path --pool p --vol "$v"
		same vol-info --pool p --vol "$v" --bytes
	done
}
one=$(disk 1) two=$(disk 2)

# ---- ours, then theirs ------------------------------------------------------------------
cat >"$T/p.xml" <<END
<pool type='logical'><name>p</name><source><device path='$one'/><device path='$two'/>
<name>vg</name></source><target><path>/dev/vg</path></target></pool>
END
works 'barepool defines' ours pool-define "$T/p.xml"
works 'builds' ours pool-build p
works 'starts' ours pool-start p
works 'a linear volume' ours vol-create-as p lin 16M
works 'a sparse one' ours vol-create-as p sparse 64M --allocation 8M
cat >"$T/snap.xml" <<END
<volume><name>snap</name><capacity>0</capacity><allocation unit='MiB'>8</allocation>
<backingStore><path>/dev/vg/lin</path></backingStore></volume>
END
works 'a snapshot' ours vol-create p "$T/snap.xml"
works 'of two extents' ours vol-create-as p big 300M
works 'libvirtd starts, and sees a pool that runs' daemon start
when="barepool's"
all_the_same lin sparse snap big
works 'libvirt writes' theirs vol-upload lin /bin/true p
is 'it is there' "$(cmp -n 1000 /bin/true /dev/vg/lin && echo yes)" yes
works 'libvirt deletes what barepool made' theirs vol-delete big p
works 'libvirt makes another' theirs vol-create-as p mine 12M
works 'and a sparse one' theirs vol-create-as p mine2 40M --allocation 4M
when="libvirt's"
all_the_same mine mine2 lin

# ---- what LVM can and libvirt cannot ------------------------------------------------------
lvcreate -qq -y --type raid1 -m1 -n r1 -L 8M vg >/dev/null 2>&1
lvcreate -qq -y -i2 -n str -L 16M vg >/dev/null 2>&1
theirs pool-refresh p >"$T/out"
when='striped'
same_volume str
extents=$(lvs --noheadings -o seg_pe_ranges vg/str | tr ' ' '\n' | grep -c :)
ours vol-dumpxml str p | sed -n "s/.*<extent start='\([0-9]*\)' end='\([0-9]*\)'.*/\1 \2/p" |
	awk '{ n++; sum += $2 - $1 } END { print n, sum }' >"$T/sum"
is 'stripes add up' "$(cat "$T/sum")" "$extents 16777216"
works 'libvirtd ends' daemon stop

# ---- theirs, then ours --------------------------------------------------------------------
works 'barepool lists what libvirt made' ours vol-info mine p
works 'grows it' ours vol-resize mine 20M p
works 'deletes it' ours vol-delete mine2 p
for v in str r1 snap sparse lin mine; do works "and $v" ours vol-delete $v p; done
works 'stops' ours pool-destroy p
works 'removes the group' ours pool-delete p
works 'forgets it' ours pool-undefine p
works 'libvirtd starts' daemon start
works 'defines' theirs pool-define "$T/p.xml"
works 'builds' theirs pool-build p
works 'starts' theirs pool-start p
works 'makes one' theirs vol-create-as p a 16M
when='libvirt runs'
all_the_same a
works 'libvirtd ends' daemon stop
works 'barepool sees it run' ours vol-list p
works 'makes one, too' ours vol-create-as p b 16M
works 'stops it' ours pool-destroy p
works 'starts it' ours pool-start p
works 'libvirtd starts' daemon start
when='both'
all_the_same a b
works 'it stops what barepool started' theirs pool-destroy p
is 'nothing is active' "$(lvs --noheadings -o lv_name -S lv_active=active vg | tr -d ' ')" ''
works 'libvirtd ends' daemon stop
works 'barepool starts it' ours pool-start p
works 'delete' ours vol-delete a p
works 'delete' ours vol-delete b p
works 'stop' ours pool-destroy p
works 'remove' ours pool-delete p
works 'forget' ours pool-undefine p

# ---- disks and file systems, on what the host has none of ------------------------------------
for which in 2:scsi 3:nvme 4:virtio,4096; do
	dev=$(disk "${which%%:*}") kind=${which#*:}
	part=${dev##*/}
	case $part in nvme*) part=${part}p ;; esac
	works "$kind: define" ours pool-define-as p disk --source-dev "$dev" \
		--source-format gpt --target /dev
	works "$kind: build" ours pool-build p --overwrite
	works "$kind: start" ours pool-start p
	works "$kind: a partition" ours vol-create-as p "${part}1" 40M
	works "$kind: another" ours vol-create-as p "${part}2" 20M
	works "$kind: libvirtd starts" daemon start
	theirs pool-refresh p >"$T/out"
	when="$kind: libvirt runs"
	same vol-list p
	for v in "${part}1" "${part}2"; do
		same vol-path --pool p --vol "$v"
		same vol-key --pool p --vol "$v"
		same vol-info --pool p --vol "$v" --bytes
	done
	works "$kind: libvirt stops it" theirs pool-destroy p
	works "$kind: forgets it" theirs pool-undefine p
	works "$kind: a file system" theirs pool-define-as f fs --source-dev "/dev/${part}1" \
		--source-format ext4 --target "$T/mnt"
	works "$kind: is built" theirs pool-build f --overwrite
	works "$kind: starts" theirs pool-start f
	works "$kind: a volume" theirs vol-create-as f v 1M
	when="$kind: fs"
	same vol-list f
	works "$kind: libvirtd ends" daemon stop
	works "$kind: barepool goes on" ours vol-create-as f w 1M
	works "$kind: stops it" ours pool-destroy f
	works "$kind: forgets it" ours pool-undefine f
done
done_testing
