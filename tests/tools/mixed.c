/* mixed.c - is each byte of a file the one it had, or the one it was to have?
 *
 *	mixed OLD NEW FILE	0: it is; 1: it is not, or the size is neither's
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

int main(int argc, char **argv)
{
	FILE *f[3];
	int c[3];
	long at = 0;

	if (argc != 4)
		return 2;
	for (int i = 0; i < 3; i++) {
		f[i] = fopen(argv[i + 1], "r");
		if (!f[i]) {
			perror(argv[i + 1]);
			return 2;
		}
	}
	for (;; at++) {
		for (int i = 0; i < 3; i++)
			c[i] = getc(f[i]);
		if (c[2] != c[0] && c[2] != c[1]) {
			printf("byte %ld is %d, neither %d nor %d\n", at, c[2], c[0], c[1]);
			return 1;
		}
		if (c[2] == EOF)
			return 0;
	}
}
