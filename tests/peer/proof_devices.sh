#!/bin/sh
# proof_devices.sh - those recordings repeat with the real virsh and libvirtd.
# SPDX-License-Identifier: LGPL-2.1-or-later
exec sh tests/peer/transcripts.sh virsh loops
