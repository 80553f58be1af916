/* netfs_url.c - the names of a volume on a share that is not mounted. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "backends/files.h"
#include "backends/netfs.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/base/text.h"

bool user_name_is_good(const char *name)
{
	return *name && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
	       !strchr(name, '/') && strlen(name) <= NAME_MAX && !has_control_chars(name) &&
	       !files_is_part(name);
}

char *user_path(const char *name)
{
	return mem_printf("/%s", name);
}

/* Whatever could mean something in a URL is written as a number. */
static void add_escaped(struct text *t, const char *s)
{
	for (; *s; s++)
		if (isalnum((unsigned char)*s) || strchr("-._~/", *s))
			text_add_n(t, s, 1);
		else
			text_addf(t, "%%%02X", (unsigned char)*s);
}

char *user_url(const struct bp_pool *p, const char *vol)
{
	const struct bp_host *host = &p->def->source.hosts[0];
	bool six = strchr(host->name, ':') && *host->name != '[';
	const char *dir = p->def->source.dir;
	struct text t = { 0 };

	text_addf(&t, "nfs://%s%s%s", six ? "[" : "", host->name, six ? "]" : "");
	add_escaped(&t, *dir == '/' ? "" : "/");
	add_escaped(&t, dir);
	add_escaped(&t, t.s[t.len - 1] == '/' ? "" : "/");
	add_escaped(&t, vol);
	return text_steal(&t);
}

char *user_name_of(const struct bp_pool *p, const char *url)
{
	auto_free char *prefix = user_url(p, "");
	char *name, *to;

	if (!starts_with(url, prefix))
		return NULL;
	name = to = mem_dup(url + strlen(prefix));
	for (const char *from = name; *from; from++) {
		unsigned byte;

		if (*from == '%' && sscanf(from, "%%%2x", &byte) == 1 && from[1] && from[2]) {
			*to++ = (char)byte;
			from += 2;
		} else {
			*to++ = *from;
		}
	}
	*to = '\0';
	return name;
}
