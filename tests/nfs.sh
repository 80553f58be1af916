# nfs.sh - for tests of pools on an NFS server that are not mounted: nfs-ganesha, in a world of
# the test's own.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh disable=SC1091,SC2034 # tests are run from the top
#
# Include it first; the test begins again with a network, processes and mounts of its own,
# which end with it.  The server needs no kernel module.
#
#	export_dir pool					below $srv, a small file system
#	export_dir ro Access_Type=RO
#	serve
#	pool p "$srv/pool"				defined, with --mount no
tools='rpcbind rpcinfo ganesha.nfsd setpriv'
. tests/world.sh
. tests/lib.sh
bp pool-capabilities --table | grep -q '^ netfs  *yes' ||
	no 'pools of type netfs are not in this build (they need libmount and libnfs)'
mount -t tmpfs tmpfs /run || no 'cannot mount'
mkdir /run/ganesha /run/rpcbind
srv=$T/srv
mkdir "$srv"
trap 'umount -l "$srv"; rm -rf "$T"' EXIT
mount -t tmpfs -o "size=${SIZE:-128m}" tmpfs "$srv" || no 'cannot mount'
chmod 755 "$T"
{ rpcbind -f -w 2>&1 | cat; } &
until_true rpcinfo -p 127.0.0.1 >/dev/null

exports=0
: >"$T/exports"
# export_dir NAME [SETTING=VALUE...]: a directory below $srv.
export_dir() {
	exports=$((exports + 1))
	mkdir -p "$srv/$1"
	{
		echo "EXPORT { Export_Id = $exports; Path = $srv/$1; Pseudo = $srv/$1;"
		echo 'SecType = sys; Transports = TCP; FSAL { Name = VFS; }'
		shift
		case $* in *Access_Type*) ;; *) echo 'Access_Type = RW;' ;; esac
		case $* in *Squash*) ;; *) echo 'Squash = No_root_squash;' ;; esac
		case $* in *Protocols*) ;; *) echo 'Protocols = 3,4;' ;; esac
		for setting; do echo "$setting;"; done
		echo '}'
	} >>"$T/exports"
}

answers() {
	rpcinfo -t 127.0.0.1 nfs "${1:-3}" && rpcinfo -t 127.0.0.1 mountd 3
}

# serve [SETTING=VALUE...]: sets $server.
serve() {
	{
		echo 'NFS_CORE_PARAM { Protocols = 3,4; Enable_NLM = false; Enable_RQUOTA = false;'
		echo 'MNT_Port = 20048;'
		for setting; do echo "$setting;"; done
		echo '}'
		echo 'NFSv4 { Graceless = true; RecoveryBackend = fs; Only_Numeric_Owners = true;'
		echo 'RecoveryRoot = /run/ganesha; }'
		cat "$T/exports"
	} >"$T/ganesha.conf"
	ganesha.nfsd -F -f "$T/ganesha.conf" -L "$T/ganesha.log" -p /run/ganesha.pid \
		>/dev/null 2>&1 &
	server=$!
	until_true answers >/dev/null ||
		{ show "$T/ganesha.log"; echo 'Bail out! nfs-ganesha does not answer'; exit 1; }
}

freeze() { stop "$server"; }
thaw() { kill -CONT "$server"; }
end_server() {
	kill -KILL "$server"
	wait "$server" 2>/dev/null
}

# pool NAME DIR [WORD...]: define it.
pool() {
	pool_name=$1 pool_dir=$2
	shift 2
	bp pool-define-as "$pool_name" netfs --source-host 127.0.0.1 --source-path "$pool_dir" \
		--source-format nfs --target "$T/nowhere" --mount no "$@"
}
url() { echo "nfs://127.0.0.1$1"; }
