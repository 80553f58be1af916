/* image_words.h - what we say in our words, as qemu-img says it.
 *
 * Scripts look for its words, and QEMU's own tests compare them.  Ours tell more
 * where nobody looks for others.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_CLI_IMAGE_WORDS_H
#define BP_CLI_IMAGE_WORDS_H

/* A problem that a check has found, or a reason for which something failed; NULL: QEMU has
 * no other words for it.  The caller frees. */
char *image_words_found(const char *ours);
char *image_words_failed(const char *ours);

#endif
