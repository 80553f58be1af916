#!/bin/sh
# proof.sh - the recordings repeat with the real virsh and libvirtd: a test of the replayer.
# SPDX-License-Identifier: LGPL-2.1-or-later
exec sh tests/peer/transcripts.sh virsh
