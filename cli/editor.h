/* editor.h - a text given to the user's editor, and a question asked. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_CLI_EDITOR_H
#define BP_CLI_EDITOR_H

#include "core/base/error.h"

/* A file only its owner may read, with this text in it, in $TMPDIR or /tmp.
 * The caller frees the name and removes the file. */
int editor_file(const char *prefix, const char *text, char **ret_file, struct bp_error *err);

/* Run $VISUAL, $EDITOR or vi on a file.  An editor may be a name with
 * arguments; one with characters that mean something to a shell is run by one. */
int editor_run(const char *file, struct bp_error *err);

/* Ask until one of these letters is typed on the terminal that is standard
 * input; '\0' when it ends or somebody wants us to. */
char ask_letter(const char *question, const char *letters);

#endif
