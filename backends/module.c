/* module.c - what makes a pool type a module; compiled once for each, with its name. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/backend.h"

extern const struct bp_backend BACKEND;
extern const struct bp_module barepool_module;

const struct bp_module barepool_module = {
	.version = BP_MODULE_VERSION,
	.backend = &BACKEND,
};
