/* unused.c - in the place of what libxml2 was built with and is never asked for. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <stdlib.h>

#include "xml/scan.h"

/* Documents reach libxml2 as UTF-8 (encoding.c) and as bytes in memory, so it converts
 * nothing and unpacks nothing.  A command that has libxml2 in it (LIBXML=archive) is
 * linked with this for every function of ICU, zlib and xz. */
void xml_unused(void)
{
	fputs("libxml2 was asked to convert or to unpack a document\n", stderr);
	abort();
}
