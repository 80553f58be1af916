/* netfs_library.c - see netfs_library.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backends/netfs_library.h"

#include <stdlib.h>

#include "core/base/dl.h"
#include "core/base/mem.h"

/* Those whose calls are as the headers of either have them; with 16 they changed. */
static const char *const libraries[] = { "libnfs.so.14", "libnfs.so.13", NULL };

void library_done(struct library *l)
{
	if (l->rpc)
		l->rpc_destroy_context(l->rpc);
	dl_closep(&l->dl);
	*l = (struct library){ 0 };
}

int library_open(struct library *l, struct bp_error *err)
{
	const struct dl_call calls[] = {
#define CALL(name) { #name, (void **)&l->name },
		LIBNFS_CALLS(CALL)
#undef CALL
	};

	l->dl = dl_open("to speak NFS", libraries, calls, array_size(calls), err);
	return l->dl ? 0 : -1;
}
