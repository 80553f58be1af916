#!/bin/sh
# fs_failing.sh - the same, where each call in turn fails.
# SPDX-License-Identifier: LGPL-2.1-or-later
exec sh tests/crash/fs.sh failing
