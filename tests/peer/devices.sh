#!/bin/sh
# devices.sh - play what was recorded of virsh 9.0 with pools on loop devices.
# SPDX-License-Identifier: LGPL-2.1-or-later
exec sh tests/peer/transcripts.sh barepool loops
