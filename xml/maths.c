/* maths.c - libm, opened when an expression wants it. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#include "xml/scan.h"

/* libxml2 calls libm to divide in an XPath expression and to print large numbers, and every
 * start of the command would load it for that: so one that has libxml2 in it
 * (LIBXML=archive) is linked with these in the place of libm's. */
static void *find(const char *name)
{
	void *dl = dlopen("libm.so.6", RTLD_NOW | RTLD_LOCAL);	/* stays open */
	void *call = dl ? dlsym(dl, name) : NULL;

	if (call)
		return call;
	fprintf(stderr, "libxml2 needs %s() of libm.so.6: %s\n", name, dlerror());
	abort();
}

double xml_floor(double x)
{
	double (*call)(double) = find("floor");

	return call(x);
}

double xml_log10(double x)
{
	double (*call)(double) = find("log10");

	return call(x);
}

double xml_fmod(double x, double y)
{
	double (*call)(double, double) = find("fmod");

	return call(x, y);
}

double xml_pow(double x, double y)
{
	double (*call)(double, double) = find("pow");

	return call(x, y);
}
