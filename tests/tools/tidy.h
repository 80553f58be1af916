/* tidy.h - what clang-tidy cannot see from one file: functions that end others return -1. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_TESTS_TIDY_H
#define BP_TESTS_TIDY_H

#include "core/base/access.h"
#include "core/base/error.h"
#include "core/base/mem.h"

void *mem_alloc(size_t size) __attribute__((returns_nonnull));
void *mem_resize(void *p, size_t n, size_t size) __attribute__((returns_nonnull));
char *mem_dup_n(const char *s, size_t len) __attribute__((returns_nonnull));
void *mem_append(void **array, size_t *n, size_t size) __attribute__((returns_nonnull));

#define bp_fail(...)	  (bp_fail(__VA_ARGS__), -1)
#define bp_fail_sys(...)  (bp_fail_sys(__VA_ARGS__), -1)
#define bp_fail_part(...) (bp_fail_part(__VA_ARGS__), -1)
#define bp_within(...)	  (bp_within(__VA_ARGS__), -1)
#define fail_access(...)  (fail_access(__VA_ARGS__), -1)

#endif
