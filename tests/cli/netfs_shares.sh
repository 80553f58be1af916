#!/bin/sh
# netfs_shares.sh - the shares of an SMB server are found: Samba's, and of a library that has
# gone mad.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091,SC1003,SC2034,SC2119,SC2120 # tests are run from the top
tools='smbd smbpasswd'
. tests/world.sh
. tests/lib.sh
bp pool-capabilities --table | grep -q '^ netfs  *yes' ||
	no 'pools of type netfs are not in this build (they need libmount and libnfs)'

# hint HOST [PORT [AUTH]]
hint() {
	port=${2:+" port='$2'"}
	cat >"$T/hint.xml" <<-END
	<source>
	  <host name='$1'$port/>
	  <format type='cifs'/>
	  ${3-}
	</source>
	END
}
find_shares() { bp -q "$@" find-storage-pool-sources netfs --srcSpec "$T/hint.xml"; }
as() { echo "<auth type='chap' username='$1'><secret $2/></auth>"; }
# secret UUID KIND ELEMENT USAGE VALUE
secret() {
	mkdir -p "$T/secrets"
	echo "<secret ephemeral='no' private='yes'><uuid>$1</uuid>
	<usage type='$2'><$3>$4</$3></usage></secret>" >"$T/secrets/$1.xml"
	printf %s "$5" | base64 | tr -d '\n' >"$T/secrets/$1.base64"
	chmod 600 "$T/secrets/$1".*
}

hint 127.0.0.1
find_shares >"$T/out" 2>&1
if grep -q 'without libsmbclient' "$T/out"; then
	no 'this was built without libsmbclient'
fi
has 'nobody is there' "$T/out" "server '127.0.0.1' takes no connections on port 445"
fails 'exports of a server that tells of none' bp find-storage-pool-sources-as netfs 127.0.0.1
has '... are none' "$T/out" "no storage pools were found on host '127.0.0.1'"
has '... it is told why' "$T/out" 'hint: it takes no connections on port 111'
fails 'a format that is none' bp pool-define-as x netfs --source-host h --source-path /x \
	--source-format nfs4 --target "$T/x"
has '... it is told which there are' "$T/out" \
	'hint: formats of netfs pools are auto, nfs, glusterfs, cifs'

# ---- the server ------------------------------------------------------------------------

for d in /run /var/lib/samba /var/cache/samba; do
	[ ! -d $d ] || mount -t tmpfs tmpfs $d || no 'cannot mount'
done
{ cat /etc/passwd; echo joe:x:12345:65534::/:/bin/false; } >"$T/passwd"
mount --bind "$T/passwd" /etc/passwd || no 'cannot mount'
S=/run/smb	# its sockets have short names, and are reached by guests
mkdir -p "$S/private" "$S/state" "$S/run" "$S/share"
conf() { # GUESTS
	cat >"$S/conf" <<-END
	[global]
	server role = standalone server
	map to guest = $1
	restrict anonymous = $2
	guest account = nobody
	smb ports = 445
	disable netbios = yes
	load printers = no
	passdb backend = smbpasswd:$S/private/smbpasswd
	private dir = $S/private
	state directory = $S/state
	cache directory = $S/state
	lock directory = $S/run
	pid directory = $S/run
	ncalrpc dir = $S/run/ncalrpc
	log file = $S/run/log
	[open]
	path = $S/share
	guest ok = yes
	[with space & <more>]
	path = $S/share
	guest ok = yes
	[admin\$]
	path = $S/share
	guest ok = yes
	[Bücher]
	path = $S/share
	END
}
serve() {	# its helpers are others' processes, who may not enter our directory
	TMPDIR=/run smbd --foreground -s "$S/conf" >"$S/out" 2>&1 </dev/null &
	server=$!
	listens() { ss -ltn | grep -q '\*:445\|0\.0\.0\.0:445\|\[::\]:445'; }
	until_true listens || { show "$S/out"; echo 'Bail out! no smbd'; exit 1; }
}
end_server() {
	kill "$server"
	wait "$server" 2>/dev/null
}
conf 'Bad User' 0
printf 's3cr3t-of-joe\ns3cr3t-of-joe\n' | smbpasswd -c "$S/conf" -s -a joe >"$T/out" 2>&1 || show
serve

# ---- who asks ----------------------------------------------------------------------------

shares() { # HOST
	cat <<-END
	<sources>
	  <source>
	    <host name='$1'/>
	    <dir path='Bücher'/>
	    <format type='cifs'/>
	  </source>
	  <source>
	    <host name='$1'/>
	    <dir path='open'/>
	    <format type='cifs'/>
	  </source>
	  <source>
	    <host name='$1'/>
	    <dir path='with space &amp; &lt;more&gt;'/>
	    <format type='cifs'/>
	  </source>
	</sources>
	END
}
shares 127.0.0.1 >"$T/list"
says 'a guest is told the shares, without the hidden ones' find_shares <"$T/list"
hint ::1
shares ::1 >"$T/list"
says 'by an address of version 6' find_shares <"$T/list"
hint localhost
shares localhost >"$T/list"
says 'by a name' find_shares <"$T/list"
works 'as JSON' sh -c "'$T/bin/barepool' --format json find-storage-pool-sources netfs \
	--srcSpec '$T/hint.xml' | grep -q '\"dir\": \"open\"'"
end_server
conf Never 2
serve
hint 127.0.0.1
fails 'where guests are told nothing' find_shares
has 'that is said, and what to do' "$T/out" "server '127.0.0.1' does not tell guests its shares"
U=c1f11a6d-8c5d-4a3e-ac7a-4e171c5e0d4b W=c1f11a6d-8c5d-4a3e-ac7a-4e171c5e0d4c
hint 127.0.0.1 '' "$(as joe "uuid='$U'")"
fails 'without secrets' find_shares
has 'that is said' "$T/out" 'there are no secrets in'
secret $U iscsi target nas s3cr3t-of-joe
secret $W volume volume /nas wrong-word
shares 127.0.0.1 >"$T/list"
says 'a user is told' find_shares <"$T/list"
hint 127.0.0.1 '' "$(as 'WORKGROUP\joe' "usage='nas'")"
says 'of a domain, too, by usage' find_shares <"$T/list"
hint 127.0.0.1 '' "$(as joe "type='volume' usage='/nas'")"
fails 'a wrong secret' find_shares
has 'is said to be that' "$T/out" "does not tell 'joe' its shares: the name or the secret is wrong"
lacks 'and not shown' "$T/out" wrong-word
hint 127.0.0.1 '' "$(as '\' "uuid='$U'")"
fails 'a name that is none' find_shares
if command -v strace >/dev/null; then
	hint 127.0.0.1 '' "$(as joe "uuid='$U'")"
	writes=creat,mkdir,mkdirat,rename,renameat,renameat2,link,linkat,symlink,symlinkat,unlink
	writes=$writes,unlinkat,truncate
	ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0" \
		strace -f -qq -o "$T/trace" -s 200 -e trace=execve,open,openat,$writes \
		"$BAREPOOL" find-storage-pool-sources netfs --srcSpec "$T/hint.xml" >"$T/out" 2>&1
	is 'under strace' $? 0
	is 'nothing is written' "$(grep -v 'ENOENT\|/dev/null' "$T/trace" |
		grep -e O_WRONLY -e O_RDWR -e O_CREAT -e '^[0-9]* *[cmrlsut][^(]*(')" ''
	is 'no program is run' "$(grep -c execve "$T/trace")" 1
	is 'one process has opened the library, and it is not ours' "$(grep -v ENOENT "$T/trace" |
		grep libsmbclient.so | cut -d' ' -f1 | sort -u | grep -vc "^$(head -n 1 "$T/trace" |
		cut -d' ' -f1)\$")" 1
	lacks 'nobody is told the secret' "$T/trace" s3cr3t-of-joe
else
	skip 'what is written' 'needs strace'
fi

# ---- a server that is silent -----------------------------------------------------------------

stop "$server"
hint 127.0.0.1 '' "$(as joe "uuid='$U'")"
fails 'a server that is silent' find_shares --timeout 2
has 'is said to be that' "$T/out" "server not responding: '127.0.0.1'"
kill -CONT "$server"
end_server
hint 127.0.0.1 2
fails 'another port' find_shares
has 'is asked' "$T/out" 'port 2'

# ---- a library that has gone mad -----------------------------------------------------------

cat >"$T/mad.c" <<'END'
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
struct dirent_of {
	unsigned type, len, comment_len;
	char *comment;
	unsigned name_len;
	char name[];
};
static int n;
static const char *const names[] = {
	"good", "", ".", "..", "a/b", "..\\x", "a\nb", "\033[2J", "\xff\xfe", "C$", "IPC$", "too",
};
static void *open_dir(void *c, const char *url)
{
	const char *how = getenv("MAD");

	(void)c, (void)url;
	puts("to be ignored");
	fputs("to be ignored", stderr);
	if (strcmp(how, "hang") == 0)
		for (;;)
			pause();
	if (strcmp(how, "die") == 0)
		raise(SIGSEGV);
	errno = strcmp(how, "none") == 0 ? ENODEV : 0;
	return strcmp(how, "names") == 0 || strcmp(how, "long") == 0 ? &n : NULL;
}
static void *read_dir(void *c, void *dir)
{
	static union { struct dirent_of d; char room[70000]; } e;

	(void)c, (void)dir;
	e.d.type = 3;
	if (strcmp(getenv("MAD"), "long") == 0) {
		memset(e.d.name, 'x', 60000);
		n++;
		return n < 1000000 ? &e : NULL;
	}
	if (n == sizeof names / sizeof *names)
		return NULL;
	strcpy(e.d.name, names[n++]);
	return &e;
}
typedef void *(*call)();
call smbc_getFunctionOpendir(void *c) { (void)c; return (call)open_dir; }
call smbc_getFunctionReaddir(void *c) { (void)c; return (call)read_dir; }
void *smbc_new_context(void) { return &n; }
void *smbc_init_context(void *c) { return c; }
void smbc_setDebug(void) {}
void smbc_setPort(void) {}
void smbc_setTimeout(void) {}
void smbc_setOptionUseCCache(void) {}
void smbc_setOptionNoAutoAnonymousLogin(void) {}
void smbc_setFunctionAuthDataWithContext(void) {}
END
mkdir "$T/lib"
if ! command -v cc >/dev/null || ! ip link show lo | grep -q UP ||
   ! cc -w -shared -fPIC -o "$T/lib/libsmbclient.so.0" "$T/mad.c" >"$T/out" 2>&1; then
	skip 'a library that has gone mad' 'needs a C compiler'
	done_testing
fi
serve
hint 127.0.0.1
mad() { # HOW [OPTION...]
	how=$1
	shift
	LD_LIBRARY_PATH=$T/lib MAD=$how "$T/bin/barepool" -q "$@" find-storage-pool-sources netfs \
		--srcSpec "$T/hint.xml"
}
says 'names that are none are left out' mad names <<END
<sources>
  <source>
    <host name='127.0.0.1'/>
    <dir path='good'/>
    <format type='cifs'/>
  </source>
  <source>
    <host name='127.0.0.1'/>
    <dir path='too'/>
    <format type='cifs'/>
  </source>
</sources>
END
fails 'one that dies' mad die
has 'is told of' "$T/out" "server '127.0.0.1' does not tell what it shares: libsmbclient has died"
fails 'one that hangs' mad hang --timeout 1
has 'is given up' "$T/out" "server not responding: '127.0.0.1' has not told for 1 seconds"
fails 'one that cannot' mad none
has 'says why' "$T/out" 'does not tell what it shares: No such device'
fails 'names without end' mad long
has 'are none' "$T/out" "no storage pools were found on host '127.0.0.1'"
is 'nobody is left' "$(pgrep -c barepool)" 0
end_server
done_testing
