/* xpath.c - parts of a document, picked by an expression. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include <libxml/parser.h>
#include <libxml/xpath.h>
#include <libxml/xpathInternals.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "xml/parts.h"
#include "xml/xml.h"

static void xml_free_doc(xmlDoc **d) { xmlFreeDoc(*d); }
static void xml_free_buffer(xmlBuffer **b) { xmlBufferFree(*b); }
static void xml_free_context(xmlXPathContext **c) { xmlXPathFreeContext(*c); }
static void xml_free_object(xmlXPathObject **o) { xmlXPathFreeObject(*o); }

/* ---- asking -------------------------------------------------------------- */

#if LIBXML_VERSION >= 21200
typedef const xmlError *complaint_of;
#else
typedef xmlError *complaint_of;
#endif

/* libxml2 gives no words to those who listen for themselves. */
static void on_complaint(void *arg, complaint_of e)
{
	static const struct { int code; const char *words; } known[] = {
		{ XML_XPATH_UNDEF_PREFIX_ERROR,	  "Undefined namespace prefix" },
		{ XML_XPATH_UNKNOWN_FUNC_ERROR,	  "Unregistered function" },
		{ XML_XPATH_UNDEF_VARIABLE_ERROR, "Undefined variable" },
	};
	const char **words = arg;

	for (size_t i = 0; i < array_size(known); i++)
		if (e->code == known[i].code)
			*words = known[i].words;
}

static void silence(void *arg, const char *fmt, ...)
{
	(void)arg;
	(void)fmt;
}

/* Some complaints know no context, and go to the thread's own handler. */
static xmlXPathObject *evaluate(xmlXPathContext *ctx, const char *expr)
{
	xmlGenericErrorFunc handler = xmlGenericError;
	void *arg = xmlGenericErrorContext;
	xmlXPathObject *result;

	xmlSetGenericErrorFunc(NULL, silence);
	result = xmlXPathEvalExpression(BAD_CAST expr, ctx);
	xmlSetGenericErrorFunc(arg, handler);
	return result;
}

/* A set of nodes; those that stand for namespaces cannot be printed. */
static bool is_printable(const xmlXPathObject *o)
{
	if (o->type != XPATH_NODESET)
		return false;
	for (int i = 0; o->nodesetval && i < o->nodesetval->nodeNr; i++)
		if (o->nodesetval->nodeTab[i]->type == XML_NAMESPACE_DECL)
			return false;
	return true;
}

static int ask(xmlXPathContext *ctx, const char *expr, xmlXPathObject **ret, struct bp_error *err)
{
	cleanup(xml_free_object) xmlXPathObject *result = NULL;
	const char *words = "Invalid expression";

	ctx->error = on_complaint;
	ctx->userData = &words;
	xmlXPathRegisterNs(ctx, BAD_CAST "fs", BAD_CAST FS_NS);
	xmlXPathRegisterNs(ctx, BAD_CAST "rbd", BAD_CAST RBD_NS);
	result = evaluate(ctx, expr);
	if (!result)
		return bp_fail(err, BP_XML, "invalid xpath '%s': %s", expr, words);
	if (!is_printable(result))
		return bp_fail(err, BP_INTERNAL, "Incorrect xpath '%s'", expr);
	*ret = steal(result);
	return 0;
}

/* ---- printing ------------------------------------------------------------ */

static void print_each(xmlDoc *doc, const xmlNodeSet *set, xmlBuffer *to)
{
	for (int i = 0; set && i < set->nodeNr; i++) {
		xmlNodeDump(to, doc, set->nodeTab[i], 0, 1);
		xmlBufferCat(to, BAD_CAST "\n");
	}
}

/* The document itself is its root element here; attributes go to the wrapper. */
static int print_wrapped(const xmlNodeSet *set, xmlBuffer *to)
{
	cleanup(xml_free_doc) xmlDoc *doc = xmlNewDoc(BAD_CAST "1.0");
	xmlNode *root = xmlNewDocNode(doc, NULL, BAD_CAST "nodes", NULL);

	if (!doc || !root)
		return -1;
	xmlDocSetRootElement(doc, root);
	for (int i = 0; set && i < set->nodeNr; i++) {
		xmlNode *n = set->nodeTab[i], *copy;

		if (n->type == XML_DOCUMENT_NODE)
			n = xmlDocGetRootElement((xmlDoc *)n);
		copy = xmlDocCopyNode(n, doc, 1);
		if (!copy || !xmlAddChild(root, copy)) {
			xmlFreeNode(copy);
			return -1;
		}
	}
	xmlNodeDump(to, doc, root, 0, 1);
	xmlBufferCat(to, BAD_CAST "\n");
	return 0;
}

int bp_xml_xpath(const char *text, const char *expr, bool wrap, char **ret, struct bp_error *err)
{
	cleanup(xml_free_doc) xmlDoc *doc =
		xmlReadMemory(text, (int)strlen(text), NULL, "UTF-8", XML_PARSE_NONET |
			      XML_PARSE_NOBLANKS | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
	cleanup(xml_free_context) xmlXPathContext *ctx = doc ? xmlXPathNewContext(doc) : NULL;
	cleanup(xml_free_object) xmlXPathObject *found = NULL;
	cleanup(xml_free_buffer) xmlBuffer *to = xmlBufferCreate();

	if (!ctx || !to)
		return bp_fail(err, BP_INTERNAL, "the document cannot be parsed");
	if (ask(ctx, expr, &found, err) < 0)
		return -1;
	if (!wrap)
		print_each(doc, found->nodesetval, to);
	else if (print_wrapped(found->nodesetval, to) < 0)
		return bp_fail(err, BP_INTERNAL, "the nodes cannot be wrapped");
	*ret = mem_dup((const char *)xmlBufferContent(to));
	return 0;
}
