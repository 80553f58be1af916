#!/bin/sh
# logical_shared.sh - volume groups that hosts share: lvmlockd, with sanlock, and two hosts.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
# lab: disk=virtio:384M disk=virtio:64M
# lab: program=lvmlockd program=lvmlockctl program=sanlock
# lab: memory=640 limit=600
. tests/lab.sh

needs lvmlockd 'needs lvmlockd'
needs sanlock 'needs sanlock'
loads dm-mod dm-snapshot

one=$(disk 1) two=$(disk 2)
pool() { # NAME GROUP MODE: define it
	bp pool-define-as "$1" logical --source-name "$2" ${3:+--activation "$3"}
}
no_locks() { [ -z "$(lvmlockctl -i)" ]; }
unlocked() { until_true no_locks; }	# it answers before it has done
locks() { lvmlockctl -i | sed -n 's/^LK LV \([es].\) .*/\1/p' | sort | uniq -c | tr -d ' '; }
active() { lvs --noheadings -o lv_name -S 'lv_active=active' "$1" 2>/dev/null | tr -d ' '; }
# host NUMBER: this becomes a host of its own, with its locks.  sanlock does not ask a
# watchdog, and gives the storage 2 seconds instead of 10.
host() {
	mkdir -p /run/sanlock /run/lvm /run/lock/lvm
	echo "local { host_id = $1 }" >/etc/lvm/lvmlocal.conf
	sanlock daemon -w 0 -U root -G root -e "host$1" && lvmlockd -g "${2:-sanlock}" -o 2
}
cp /etc/lvm/lvm.conf "$T/alone.conf"
sed 's/^global {/global {\n\tuse_lvmlockd = 1/' "$T/alone.conf" >"$T/shared.conf"
cp "$T/shared.conf" /etc/lvm/lvm.conf

works 'lvmlockd and sanlock run' host 1
works 'a shared group' vgcreate -qq --shared --config 'global { sanlock_lv_extend = 16 }' vgs "$one"
lvcreate -qq -y -an -n a -L 8M vgs 2>/dev/null
lvcreate -qq -y -n b -L 8M vgs 2>/dev/null
lvcreate -qq -y -s -n snap -L 4M vgs/b 2>/dev/null
vgchange -qq -an vgs
vgchange -qq --lockstop vgs
works 'no locks are held' unlocked

works 'a pool that says nothing' pool ex vgs
works 'start' bp pool-start ex
says 'has everything for this host alone' locks <<END
2ex
END
works 'nodes are there' [ -e /dev/vgs/snap ]
works 'a volume' bp vol-create-as ex new 4M
says '... too' locks <<END
3ex
END
works 'another is deleted' bp vol-delete new ex
works 'refresh' bp pool-refresh ex
works 'stop' bp pool-destroy ex
works '... gives all locks back' unlocked
is '... and nothing is active' "$(active vgs)" ''

bp pool-undefine ex >/dev/null
works 'one that shares' pool sh vgs shared
works 'start' bp pool-start sh
says 'has what can be shared, with others' locks <<END
1sh
END
says '... and no snapshot, which cannot be' active vgs <<END
a
END
works 'a volume' bp vol-create-as sh new 4M
says '... is shared' locks <<END
2sh
END
works 'what cannot be is activated when it is wanted' bp vol-download snap "$T/snap" sh
says '... for this host alone' locks <<END
1ex
2sh
END
mkfs.ext4 -q /dev/vgs/new
mount /dev/vgs/new /mnt
works 'stop with one in use' bp pool-destroy sh
says '... keeps its lock' locks <<END
1sh
END
works 'a later start finds them' bp pool-start sh
umount /mnt
works 'and stop' bp pool-destroy sh
works '... gives them back' unlocked

# ---- the other host: its own /run and number; what the kernel has is common -------------
other() {
	mount -t tmpfs tmpfs /run
	mkdir /run/etc
	cp -r /etc/lvm/. /run/etc
	mount --bind /run/etc /etc/lvm
	host 2
	vgchange -qq --lockstart vgs || vgchange -qq --lockstart vgs
	lvchange -qq -aey vgs/a
	dmsetup remove vgs-a
	lvmlockctl -i >"$T/other"
	: >"$T/ready"
	read -r line <"$T/go"
	# as it would be there: its own device is back, and goes
	vgchange -qq --lockstop vgs || lvmlockctl --drop vgs
	: "$line"
}
bp pool-undefine sh >/dev/null
works 'a pool for one host alone' pool ex vgs exclusive
mkfifo "$T/go"
export T
(unshare -m sh -c "$(sed -n '/^host() {/,/^}/p; /^other() {/,/^}/p' "$0")
other" >"$T/other.log" 2>&1 &)
until_true [ -e "$T/ready" ]
works 'another host has a volume' grep -q '^LK LV ex' "$T/other"
fails 'start' bp pool-start ex
told '... says that it is locked there' 'vgs/a'
is '... and leaves nothing active' "$(active vgs)" ''
works '... nor locks' unlocked

# ---- without the daemons ----------------------------------------------------------------
kill "$(pidof lvmlockd | awk '{ print $NF }')"
until_true sh -c 'vgs vgs 2>&1 | grep -q "not running"'
fails 'start without lvmlockd' bp pool-start ex
told '... says what is to be done' \
	"and lvmlockd, which that needs, does not run here: start lvmlockd and sanlock"
cp "$T/alone.conf" /etc/lvm/lvm.conf
for what in pool-start pool-delete; do
	fails "$what without LVM knowing of it" bp $what ex
	told '... names group and device' "volume group 'vgs' on '$one' is shared with other hosts"
	told '... and lock' "(lock type 'sanlock')"
	told '... and the setting' 'set use_lvmlockd = 1 in lvm.conf'
done
works 'a group of this host' vgcreate -qq vgl "$two"
works 'a pool of it that shares' pool local vgl shared
fails 'is not started' bp pool-start local
told '... since that group is not shared' "volume group 'vgl' is not shared with other hosts"
vgremove -qq -f vgl

# ---- dlm, without a cluster: lvmlockd plays it ----------------------------------------------
cp "$T/shared.conf" /etc/lvm/lvm.conf
works 'lvmlockd for dlm' lvmlockd --test -g dlm
works 'a shared group' vgcreate -qq --shared vgm "$two"
lvcreate -qq -y -an -n a -L 8M vgm 2>/dev/null
vgchange -qq --lockstop vgm
works 'a pool of it that shares' pool m vgm shared
works 'start' bp pool-start m
says '... shares' locks <<END
1sh
END
works 'stop' bp pool-destroy m
# ... which lvmlockd does when it has answered
works '... gives the locks back' until_true sh -c '! lvmlockctl -i | grep -q vgm'
works 'start again' bp pool-start m
works 'delete the volume' bp vol-delete a m
works 'stop' bp pool-destroy m
works 'delete the group' bp pool-delete m
is '... it is gone' "$(vgs --noheadings -o vg_name 2>/dev/null | grep -c vgm)" 0
done_testing
