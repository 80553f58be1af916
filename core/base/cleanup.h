/* cleanup.h - release at the end of the scope, and hand over explicitly. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_BASE_CLEANUP_H
#define BP_BASE_CLEANUP_H

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

#define cleanup(fn) __attribute__((cleanup(fn), unused))

static inline void freep(void *p) { free(*(void **)p); }
static inline void closep(int *fd) { if (*fd >= 0) close(*fd); }
static inline void closedirp(DIR **d) { if (*d) closedir(*d); }

#define auto_free  cleanup(freep)
#define auto_close cleanup(closep)

#define steal(p) ({ __typeof__(p) p_ = (p); (p) = NULL; p_; })
#define steal_fd(fd) ({ int fd_ = (fd); (fd) = -1; fd_; })

#endif
