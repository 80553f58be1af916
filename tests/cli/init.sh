#!/bin/sh
# init.sh - init: from nothing to a pool in use.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
. tests/lib.sh

says 'from nothing' bp init --target "$T/images" <<END
Pool default defined, in \$T/images
Pool default built
Pool default started
Pool default marked as autostarted
Pool default is ready

END
says 'it is there' bp -q pool-list --all <<END
 default   active   yes
END
[ -d "$T/images" ]
is 'and its directory' $? 0
says 'again: nothing to do' bp init --target "$T/images" <<END
Pool default is ready

END
works 'stopped' bp pool-destroy default
works 'not to be started' bp pool-autostart default --disable
says 'what is missing is done' bp init --target "$T/images/" <<END
Pool default started
Pool default marked as autostarted
Pool default is ready

END
says 'another place is another pool' bp init --target "$T/elsewhere" <<END
error: there is a pool default already, in \$T/images

[1]
END
[ ! -e "$T/elsewhere" ]
is 'and nothing is made there' $? 0
works 'what it made can be used' bp vol-create-as default disk 1M --allocation 0
says 'quietly' bp -q init <<END
END
says 'as JSON' bp --format json init <<END
{"message": "Pool default is ready"}
END
says 'read only' bp -r init --target "$T/images" <<END
Pool default is ready

END
works 'stop' bp pool-destroy default
works 'undefine' bp pool-undefine default
works 'a pool of that name that is something else' \
	bp pool-define-as default logical --source-name vg
says 'is left alone' bp init --target "$T/images" <<END
error: there is a pool default already, of type logical

[1]
END
works 'undefine that' bp pool-undefine default
says 'a user'"'"'s own place' bp -c storage:///session init <<END
Pool default defined, in \$T/me/.local/share/libvirt/images
Pool default built
Pool default started
Pool default marked as autostarted
Pool default is ready

END
works 'stop it' bp pool-destroy default
works 'undefine it' bp pool-undefine default
says 'or where the user keeps data' env XDG_DATA_HOME="$T/data" \
	"$T/bin/barepool" -c storage:///session init <<END
Pool default defined, in \$T/data/libvirt/images
Pool default built
Pool default started
Pool default marked as autostarted
Pool default is ready

END
says 'under the other name there is no such command' vs init <<END
error: unknown command: 'init'
[1]
END

done_testing
