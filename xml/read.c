/* read.c - see read.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xml/read.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libxml/parser.h>
#include <libxml/parserInternals.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "xml/scan.h"
#include "xml/xml.h"

/* ---- parsing ------------------------------------------------------------- */

/* The first thing libxml2 complained about. */
struct complaint {
	bool made;
	long at;
	char words[400];
};

#if LIBXML_VERSION >= 21200
typedef const xmlError *complaint_of;
#else
typedef xmlError *complaint_of;
#endif

/* Undeclared namespaces and the like are no reason to refuse a document.  After
 * anything else libxml2 would go on, and spend time on what is lost already. */
static void on_complaint(void *arg, complaint_of e)
{
	xmlParserCtxt *ctxt = arg;
	struct complaint *c = ctxt->_private;

	if (c->made || e->level < XML_ERR_ERROR || e->domain == XML_FROM_NAMESPACE)
		return;
	c->made = true;
	c->at = xmlByteConsumed(ctxt);
	snprintf(c->words, sizeof c->words, "%s", e->message ? e->message : "no XML");
	xmlStopParser(ctxt);
}

static void ignore_words(void *ctxt, const xmlChar *words)
{
	(void)ctxt;
	(void)words;
}

static void ignore_instruction(void *ctxt, const xmlChar *target, const xmlChar *data)
{
	(void)ctxt;
	(void)target;
	(void)data;
}

static int parse(struct doc *d, const char *text, size_t len, const char *shown_name,
		 struct bp_error *err)
{
	struct complaint complaint = { .at = 0 };
	xmlParserCtxt *ctxt = xmlNewParserCtxt();
	bool fine = false;

	if (!ctxt)
		return bp_fail(err, BP_INTERNAL, "libxml2 cannot be used");
	ctxt->_private = &complaint;
	ctxt->sax->serror = on_complaint;
	ctxt->sax->comment = ignore_words;	/* no node for what is not looked at */
	ctxt->sax->processingInstruction = ignore_instruction;
	d->xml = xmlCtxtReadMemory(ctxt, text, (int)len, NULL, NULL,
				   XML_PARSE_NONET | XML_PARSE_NOCDATA | XML_PARSE_COMPACT |
				   XML_PARSE_IGNORE_ENC | XML_PARSE_BIG_LINES);
	if (d->xml)
		d->root = xmlDocGetRootElement(d->xml);
	fine = ctxt->wellFormed && !complaint.made && d->root;
	xmlFreeParserCtxt(ctxt);
	if (fine)
		return 0;
	return fail_syntax(err, shown_name, text, len, complaint.at > 0 ? (size_t)complaint.at : 0,
			   complaint.made ? complaint.words : "no XML");
}

int doc_open(struct doc *d, const char *text, size_t len, const char *name, const char *kind,
	     struct bp_error *err)
{
	const char *shown = name ? name : kind, *utf8;
	auto_free char *copy = NULL;
	struct fault fault = { .at = 0 };
	size_t n;

	d->name = name;
	if (len > BP_XML_MAX)
		return bp_fail(err, BP_XML_SYNTAX, "%s: the document is larger than %u bytes",
			       shown, BP_XML_MAX);
	if (!to_utf8(text, len, &copy, &utf8, &n, &fault))
		return fail_syntax(err, shown, text, len, fault.at, fault.words);
	if (n > BP_XML_MAX)
		return bp_fail(err, BP_XML_SYNTAX, "%s: the document is larger than %u bytes",
			       shown, BP_XML_MAX);
	if (!scan_document(utf8, n, &fault))
		return fail_syntax(err, shown, utf8, n, fault.at, fault.words);
	return parse(d, utf8, n, shown, err);
}

void doc_close(struct doc *d)
{
	xmlFreeDoc(d->xml);
	*d = (struct doc){ 0 };
}

int doc_expect(const struct doc *d, const char *root, struct bp_error *err)
{
	if (xmlStrEqual(d->root->name, BAD_CAST root))
		return 0;
	return fail_at(d, d->root, BP_XML, err, "expecting root element of '%s', not '%s'",
		       root, d->root->name);
}

/* ---- walking ------------------------------------------------------------- */

static bool is_called(const xmlNode *node, const char *ns, const char *name, size_t len)
{
	const char *its_ns = node->ns ? (const char *)node->ns->href : NULL;

	if (node->type != XML_ELEMENT_NODE || strncmp((const char *)node->name, name, len) != 0 ||
	    node->name[len])
		return false;
	return ns ? its_ns && strcmp(its_ns, ns) == 0 : !its_ns;
}

static const xmlNode *first_called(const xmlNode *node, const char *ns, const char *name,
				   size_t len)
{
	while (node && !is_called(node, ns, name, len))
		node = node->next;
	return node;
}

const xmlNode *node_child_ns(const xmlNode *parent, const char *ns, const char *name)
{
	return parent ? first_called(parent->children, ns, name, strlen(name)) : NULL;
}

const xmlNode *node_child(const xmlNode *parent, const char *name)
{
	return node_child_ns(parent, NULL, name);
}

const xmlNode *node_next(const xmlNode *node)
{
	const char *name = (const char *)node->name;
	const char *ns = node->ns ? (const char *)node->ns->href : NULL;

	return first_called(node->next, ns, name, strlen(name));
}

static const xmlAttr *attribute(const xmlNode *node, const char *name)
{
	const xmlAttr *a = node->properties;

	while (a && strcmp((const char *)a->name, name) != 0)
		a = a->next;
	return a;
}

/* The part may be missing in the first of two elements of a name, and be there
 * in the second. */
static const xmlNode *find_with(const xmlNode *from, const char *path, const char *attr)
{
	size_t len = strcspn(path, "/");
	const xmlNode *node = from ? first_called(from->children, NULL, path, len) : NULL;

	for (; node; node = node_next(node)) {
		const xmlNode *found = path[len] ? find_with(node, path + len + 1, attr) : node;

		if (found && (path[len] || !attr || attribute(node, attr)))
			return found;
	}
	return NULL;
}

const xmlNode *node_find(const xmlNode *from, const char *path)
{
	return find_with(from, path, NULL);
}

/* ---- reading ------------------------------------------------------------- */

static void collect(struct text *t, const xmlNode *node)
{
	for (const xmlNode *n = node->children; n; n = n->next) {
		if (n->type == XML_TEXT_NODE || n->type == XML_CDATA_SECTION_NODE)
			text_add(t, (const char *)n->content);
		else if (n->type == XML_ELEMENT_NODE)
			collect(t, n);
	}
}

char *node_text(const xmlNode *node)
{
	struct text t = { 0 };

	if (!node)
		return NULL;
	collect(&t, node);
	return text_steal(&t);
}

char *node_attr(const xmlNode *node, const char *name)
{
	const xmlAttr *a = node ? attribute(node, name) : NULL;
	struct text t = { 0 };

	if (!a)
		return NULL;
	for (const xmlNode *n = a->children; n; n = n->next)
		if (n->content)
			text_add(&t, (const char *)n->content);
	return text_steal(&t);
}

char *node_attr_below(const xmlNode *from, const char *path, const char *name)
{
	return node_attr(find_with(from, path, name), name);
}

int fail_value(const struct doc *d, const xmlNode *node, const char *attr, const char *value,
	       struct bp_error *err)
{
	return fail_at(d, node, BP_XML, err, "Invalid value for attribute '%s' in element '%s': "
		       "'%s'.", attr, node->name, value);
}

int read_unsigned(const struct doc *d, const xmlNode *node, const char *attr, int base,
		  unsigned *ret, struct bp_error *err)
{
	auto_free char *s = node_attr(node, attr);
	uint64_t v;

	if (!s)
		return 0;
	if (!parse_number(s, base, &v) || v > UINT_MAX)
		return fail_at(d, node, BP_XML, err, "Invalid value for attribute '%s' in element "
			       "'%s': '%s'. Expected non-negative integer value", attr,
			       node->name, s);
	*ret = (unsigned)v;
	return 0;
}

int read_yes_no(const struct doc *d, const xmlNode *node, const char *attr,
		enum bp_yes_no *ret, struct bp_error *err)
{
	auto_free char *s = node_attr(node, attr);

	if (!s)
		return 0;
	if (strcmp(s, "yes") != 0 && strcmp(s, "no") != 0)
		return fail_value(d, node, attr, s, err);
	*ret = *s == 'y' ? BP_YES : BP_NO;
	return 0;
}

/* ---- saying where -------------------------------------------------------- */

static void add_place(const struct doc *d, const xmlNode *node, struct bp_error *err)
{
	size_t n = strlen(err->text);
	const char *prefix = node->ns ? (const char *)node->ns->prefix : NULL;

	if (d->name)
		snprintf(err->text + n, sizeof err->text - n, " (%s:%ld, <%s%s%s>)", d->name,
			 xmlGetLineNo(node), prefix ? prefix : "", prefix ? ":" : "", node->name);
}

/* How many of the same name come up to this one; 0: it is the only one. */
static unsigned index_of(const xmlNode *node)
{
	const char *ns = node->ns ? (const char *)node->ns->href : NULL;
	const xmlNode *n = node_child_ns(node->parent, ns, (const char *)node->name);
	unsigned i = 1;

	if (n == node && !node_next(n))
		return 0;
	for (; n && n != node; n = node_next(n))
		i++;
	return i;
}

static void name_part(const struct doc *d, const xmlNode *node, char *part, size_t size)
{
	auto_free char *path = mem_dup("");

	for (; node && node != d->root && node->type == XML_ELEMENT_NODE; node = node->parent) {
		unsigned i = index_of(node);
		auto_free char *below = path;
		const char *slash = *below ? "/" : "";

		path = i ? mem_printf("%.40s[%u]%s%s", node->name, i, slash, below) :
			   mem_printf("%.40s%s%s", node->name, slash, below);
	}
	snprintf(part, size, "%s", path);
}

int fail_at(const struct doc *d, const xmlNode *node, enum bp_code code, struct bp_error *err,
	    const char *fmt, ...)
{
	char text[sizeof err->text];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	bp_fail(err, code, "%s", text);
	name_part(d, node, err->part, sizeof err->part);
	add_place(d, node, err);
	return -1;
}

/* The element a step of a path leads to: "host[2]". */
static const xmlNode *step(const xmlNode *node, const char *name, size_t len)
{
	const char *bracket = memchr(name, '[', len);
	long i = bracket ? strtol(bracket + 1, NULL, 10) : 1;

	if (bracket)
		len = (size_t)(bracket - name);
	for (node = node->children; node; node = node->next)
		if (node->type == XML_ELEMENT_NODE &&
		    strncmp((const char *)node->name, name, len) == 0 && !node->name[len] &&
		    --i == 0)
			return node;
	return NULL;
}

int fail_place(const struct doc *d, struct bp_error *err)
{
	const xmlNode *node = d->root;

	for (const char *p = err->part; *p; ) {
		size_t len = strcspn(p, "/");
		const xmlNode *inner = step(node, p, len);

		if (!inner)
			break;
		node = inner;
		p += len + (p[len] == '/');
	}
	add_place(d, node, err);
	return -1;
}
