/* xml_write.c - what is printed that was never read. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "tests/tap.h"
#include "xml/write.h"
#include "xml/xml.h"

#define UUID "a0000000-0000-4000-8000-000000000001"

/* Strings of a struct that the test does not own. */
#define S(s) ((char *)(s))

/* ---- the printer itself -------------------------------------------------- */

TEST(elements_close_themselves_unless_they_have_a_body)
{
	struct out o = { .depth = 0 };
	auto_free char *s = NULL;

	out_tag(&o, "a");
	out_tag(&o, "b");
	out_attr(&o, "x", "1");
	out_attr(&o, "y", NULL);
	out_end(&o, "b");
	out_tag(&o, "c");
	out_body(&o);
	out_end(&o, "c");
	out_text(&o, "d", "text");
	out_text(&o, "e", NULL);
	out_textf(&o, "f", "%d", 5);
	out_end(&o, "a");
	s = out_steal(&o);
	SAME(s, "<a>\n  <b x='1'/>\n  <c>\n  </c>\n  <d>text</d>\n  <f>5</f>\n</a>\n");
}

TEST(what_is_deep_is_indented)
{
	struct out o = { .depth = 40 };
	auto_free char *s = NULL;

	out_text(&o, "a", "");
	s = out_steal(&o);
	SAME_N(strlen(s), 80 + strlen("<a></a>\n"));
	SAME(s + 80, "<a></a>\n");
}

TEST(what_means_something_to_a_reader_is_escaped)
{
	struct out o = { .depth = 0 };
	auto_free char *s = NULL;

	out_tag(&o, "a");
	out_attr(&o, "x", "<&>\"'\n\t\ré");
	out_end(&o, "a");
	out_text(&o, "b", "<&>\"'\n\t\r\x7fé");
	s = out_steal(&o);
	SAME(s, "<a x='&lt;&amp;&gt;&quot;&apos;&#10;&#9;&#13;é'/>\n"
		"<b>&lt;&amp;&gt;&quot;&apos;\n\t&#13;\x7fé</b>\n");
}

TEST(what_xml_cannot_hold_is_replaced)
{
	struct out o = { .depth = 0 };
	auto_free char *s = NULL;

	out_text(&o, "a", "\x01" "b\xff\xc3(\xed\xa0\x80\xef\xbf\xbf\xf0\x9f\x92\xbe\xe6\x97");
	s = out_steal(&o);
	SAME(s, "<a>\xef\xbf\xbd" "b\xef\xbf\xbd\xef\xbf\xbd(\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
		"\xef\xbf\xbd\xf0\x9f\x92\xbe\xef\xbf\xbd\xef\xbf\xbd</a>\n");
}

/* ---- pools --------------------------------------------------------------- */

static char *written(const struct bp_pool_def *def)
{
	return bp_xml_format_pool(def, BP_XML_AS_WRITTEN);
}

TEST(as_written_has_only_what_is_set)
{
	struct bp_pool_def def = { .type = S("nosuch"), .name = S("a&b") };
	auto_free char *bare = written(&def), *target = NULL;

	SAME(bare, "<pool type='nosuch'>\n  <name>a&amp;b</name>\n</pool>\n");
	def.target_path = S("/t<x>");
	def.uuid = S(UUID);
	target = written(&def);
	SAME(target, "<pool type='nosuch'>\n  <name>a&amp;b</name>\n  <target>\n"
		     "    <path>/t&lt;x&gt;</path>\n  </target>\n</pool>\n");
}

TEST(as_written_has_virshs_order)
{
	struct bp_host host = { S("h"), 0 };
	struct bp_device dev = { .path = S("/dev/sdz") };
	struct bp_adapter adapter = { .name = S("scsi_host1") };
	struct bp_auth auth = { .type = S("chap"), .username = S("u"), .secret_usage = S("s") };
	struct bp_pool_def def = {
		.type = S("dir"), .name = S("p"),
		.source = { .hosts = &host, .n_hosts = 1, .devices = &dev, .n_devices = 1,
			    .dir = S("/sp"), .adapter = &adapter, .name = S("sn"),
			    .initiator = S("iqn.a"), .format = S("sf"), .auth = &auth,
			    .protocol_ver = S("4.2") },
	};
	auto_free char *s = written(&def);

	SAME(s, "<pool type='dir'>\n"
		"  <name>p</name>\n"
		"  <source>\n"
		"    <host name='h'/>\n"
		"    <dir path='/sp'/>\n"
		"    <device path='/dev/sdz'/>\n"
		"    <initiator>\n"
		"      <iqn name='iqn.a'/>\n"
		"    </initiator>\n"
		"    <adapter type='scsi_host' name='scsi_host1'/>\n"
		"    <auth type='chap' username='u'>\n"
		"      <secret usage='s'/>\n"
		"    </auth>\n"
		"    <format type='sf'/>\n"
		"    <name>sn</name>\n"
		"    <protocol ver='4.2'/>\n"
		"  </source>\n"
		"</pool>\n");
}

TEST(as_written_has_no_half_of_anything)
{
	struct bp_host host = { S("h"), 0 };
	struct bp_adapter adapter = { .wwnn = S("20000000c9831b4b") };
	struct bp_auth auth = { .type = S("chap"), .username = S("u") };
	struct bp_pool_def def = {
		.type = S("scsi"), .name = S("p"),
		.source = { .adapter = &adapter, .auth = &auth, .protocol_ver = S("4") },
	};
	auto_free char *none = written(&def), *host_only = NULL, *whole = NULL;

	SAME(none, "<pool type='scsi'>\n  <name>p</name>\n</pool>\n");
	def.source.hosts = &host;
	def.source.n_hosts = 1;
	host_only = written(&def);
	SAME(host_only, "<pool type='scsi'>\n  <name>p</name>\n  <source>\n    <host name='h'/>\n"
			"    <protocol ver='4'/>\n  </source>\n</pool>\n");
	def.source.n_hosts = 0;
	def.source.protocol_ver = NULL;
	adapter.wwpn = S("10000000c9831b4b");
	adapter.parent_wwnn = S("1");
	adapter.parent_wwpn = S("2");
	whole = written(&def);
	SAME(whole, "<pool type='scsi'>\n  <name>p</name>\n  <source>\n    <adapter type='fc_host' "
		    "parent_wwnn='1' parent_wwpn='2' wwnn='20000000c9831b4b' "
		    "wwpn='10000000c9831b4b'/>\n  </source>\n</pool>\n");
}

TEST(free_extents_are_in_their_device)
{
	struct bp_extent free_ones[] = { { 512, 2097152 }, { 2097152, 536870912 } };
	struct bp_device devs[] = { { S("/dev/a"), BP_YES, free_ones, 2 },
				    { .path = S("/dev/b") } };
	struct bp_pool_def def = {
		.type = S("disk"), .name = S("p"), .uuid = S(UUID),
		.source = { .devices = devs, .n_devices = 2, .format = S("dos") },
		.target_path = S("/dev"), .space = { 3, 2, 1 },
	};
	auto_free char *s = bp_xml_format_pool(&def, 0);

	SAME(s, "<pool type='disk'>\n"
		"  <name>p</name>\n"
		"  <uuid>" UUID "</uuid>\n"
		"  <capacity unit='bytes'>3</capacity>\n"
		"  <allocation unit='bytes'>2</allocation>\n"
		"  <available unit='bytes'>1</available>\n"
		"  <source>\n"
		"    <device path='/dev/a' part_separator='yes'>\n"
		"      <freeExtent start='512' end='2097152'/>\n"
		"      <freeExtent start='2097152' end='536870912'/>\n"
		"    </device>\n"
		"    <device path='/dev/b'/>\n"
		"    <format type='dos'/>\n"
		"  </source>\n"
		"  <target>\n"
		"    <path>/dev</path>\n"
		"  </target>\n"
		"</pool>\n");
}

#define WARNING								\
	"<!--\n"							\
	"WARNING: THIS IS AN AUTO-GENERATED FILE. CHANGES TO IT ARE LIKELY TO BE\n" \
	"OVERWRITTEN AND LOST. Changes to this xml configuration should be made using:\n" \
	"  virsh pool-edit%s\n"						\
	"or other application using the libvirt API.\n"			\
	"-->\n\n"

TEST(state_is_a_level_further_in)
{
	static const char *const state =
		"<poolstate>\n"
		"  <pool type='dir'>\n"
		"    <name>d1</name>\n"
		"    <uuid>" UUID "</uuid>\n"
		"    <capacity unit='bytes'>0</capacity>\n"
		"    <allocation unit='bytes'>0</allocation>\n"
		"    <available unit='bytes'>0</available>\n"
		"    <source>\n"
		"    </source>\n"
		"    <target>\n"
		"      <path>/d1</path>\n"
		"    </target>\n"
		"  </pool>\n"
		"</poolstate>\n";
	struct bp_pool_def def = { .type = S("dir"), .name = S("d1"), .uuid = S(UUID),
				   .target_path = S("/d1") };
	cleanup(bp_pool_def_freep) struct bp_pool_def *again = NULL;
	struct bp_error err = { 0 };
	auto_free char *got = bp_xml_format_pool(&def, BP_XML_STATE | BP_XML_COMMENT);
	auto_free char *want = mem_printf(WARNING "%s", " d1", state);

	SAME(got, want);
	CHECK(bp_xml_parse_pool(got, strlen(got), "f", BP_XML_STATE, &again, &err) == 0);
	SAME(again->name, "d1");
}

TEST(the_comment_names_the_pool_in_a_way_a_shell_takes)
{
	static const struct { const char *name, *uuid, *key; } cases[] = {
		{ "d1", UUID, " d1" },	   { "é", UUID, " é" },	{ "-x", UUID, " -x" },
		{ "a%b", UUID, " a%b" },   { "a+b,c.d:e=f@g_h", UUID, " a+b,c.d:e=f@g_h" },
		{ "a b", UUID, " " UUID }, { "a--b", UUID, " " UUID },	{ "a'b", UUID, " " UUID },
		{ "a$b", UUID, " " UUID }, { "a;b", UUID, " " UUID },	{ "~a", UUID, " " UUID },
		{ "#a", UUID, " " UUID },  { "a|b", UUID, " " UUID },	{ "a[b", UUID, " " UUID },
		{ "a b", "--", "" },	   { "a b", NULL, "" },
	};

	for (size_t i = 0; i < array_size(cases); i++) {
		struct bp_pool_def def = { .type = S("dir"), .name = S(cases[i].name),
					   .uuid = S(cases[i].uuid) };
		auto_free char *got = bp_xml_format_pool(&def, BP_XML_COMMENT);
		auto_free char *want = mem_printf(WARNING, cases[i].key);

		got[strlen(want) < strlen(got) ? strlen(want) : 0] = '\0';
		SAME(got, want);
	}
}

/* ---- volumes ------------------------------------------------------------- */

TEST(a_volume_as_found)
{
	struct bp_vol_extent extents[] = {
		{ S("/dev/a"), 1, 2 }, { S("/dev/a"), 3, 4 },
		{ S("/dev/b"), 5, 6 }, { S("/dev/a"), 7, 8 },
	};
	struct bp_backing backing = {
		.path = S("/b&c"), .format = S("qcow2"),
		.perms = { .has_mode = true, .mode = 0600 },
		.has_times = true, .times = { .atime = { 1, 20 } },
	}, data_store = { .path = S("/d"), .format = S("raw") };
	struct bp_vol_info v = {
		.got = BP_VOL_ALL, .type = BP_VOL_FILE, .name = "v", .key = "k", .path = "/v",
		.format = "qcow2", .capacity = 10, .allocation = 0, .physical = 5,
		.perms = { true, true, true, 0, 0, 4294967294, S("l") },
		.times = { { 1795227265, 598936453 }, { 2, 0 }, { 3, 1 }, { 0, 0 } },
		.compat = "1.1", .cluster_size = 65536, .has_features = true,
		.features = BP_FEATURE_EXTENDED_L2 | BP_FEATURE_DATA_FILE, .backing = &backing,
		.extents = extents, .n_extents = 4, .data_store = &data_store,
	};
	auto_free char *s = bp_xml_format_volume(&v, bp_pool_type_find("dir"));

	SAME(s, "<volume type='file'>\n"
		"  <name>v</name>\n"
		"  <key>k</key>\n"
		"  <source>\n"
		"    <device path='/dev/a'>\n"
		"      <extent start='1' end='2'/>\n"
		"      <extent start='3' end='4'/>\n"
		"    </device>\n"
		"    <device path='/dev/b'>\n"
		"      <extent start='5' end='6'/>\n"
		"    </device>\n"
		"    <device path='/dev/a'>\n"
		"      <extent start='7' end='8'/>\n"
		"    </device>\n"
		"  </source>\n"
		"  <capacity unit='bytes'>10</capacity>\n"
		"  <allocation unit='bytes'>0</allocation>\n"
		"  <physical unit='bytes'>5</physical>\n"
		"  <target>\n"
		"    <path>/v</path>\n"
		"    <format type='qcow2'/>\n"
		"    <permissions>\n"
		"      <mode>00</mode>\n"
		"      <owner>0</owner>\n"
		"      <group>4294967294</group>\n"
		"      <label>l</label>\n"
		"    </permissions>\n"
		"    <timestamps>\n"
		"      <atime>1795227265.598936453</atime>\n"
		"      <mtime>2</mtime>\n"
		"      <ctime>3.000000001</ctime>\n"
		"      <btime>0</btime>\n"
		"    </timestamps>\n"
		"    <compat>1.1</compat>\n"
		"    <clusterSize unit='B'>65536</clusterSize>\n"
		"    <features>\n"
		"      <extended_l2/>\n"
		"      <data_file/>\n"
		"    </features>\n"
		"  </target>\n"
		"  <backingStore>\n"
		"    <path>/b&amp;c</path>\n"
		"    <format type='qcow2'/>\n"
		"    <permissions>\n"
		"      <mode>0600</mode>\n"
		"    </permissions>\n"
		"    <timestamps>\n"
		"      <atime>1.000000020</atime>\n"
		"      <mtime>0</mtime>\n"
		"      <ctime>0</ctime>\n"
		"      <btime>0</btime>\n"
		"    </timestamps>\n"
		"  </backingStore>\n"
		"  <dataStore>\n"
		"    <path>/d</path>\n"
		"    <format type='raw'/>\n"
		"  </dataStore>\n"
		"</volume>\n");
}

TEST(encryption_has_a_body_even_if_it_is_empty)
{
	struct bp_encryption enc = { .format = S("luks") };
	struct bp_vol_info v = { .type = BP_VOL_BLOCK, .name = "v", .format = "raw",
				 .encryption = &enc };
	auto_free char *s = bp_xml_format_volume(&v, bp_pool_type_find("logical"));

	SAME(s, "<volume type='block'>\n"
		"  <name>v</name>\n"
		"  <capacity unit='bytes'>0</capacity>\n"
		"  <allocation unit='bytes'>0</allocation>\n"
		"  <target>\n"
		"    <encryption format='luks'>\n"
		"    </encryption>\n"
		"  </target>\n"
		"</volume>\n");
}

TEST(a_volume_as_asked_for)
{
	struct bp_backing backing = { .path = S("/d1/base") };
	struct bp_vol_spec spec = { .name = S("a&b"), .has_capacity = true,
				    .capacity = 1073741824 };
	auto_free char *bare = bp_xml_format_volume_spec(&spec), *full = NULL;

	SAME(bare, "<volume>\n  <name>a&amp;b</name>\n  <capacity>1073741824</capacity>\n"
		   "</volume>\n");
	spec.has_allocation = true;
	spec.format = S("nosuch");
	spec.backing = &backing;
	full = bp_xml_format_volume_spec(&spec);
	SAME(full, "<volume>\n"
		   "  <name>a&amp;b</name>\n"
		   "  <capacity>1073741824</capacity>\n"
		   "  <allocation>0</allocation>\n"
		   "  <target>\n"
		   "    <format type='nosuch'/>\n"
		   "  </target>\n"
		   "  <backingStore>\n"
		   "    <path>/d1/base</path>\n"
		   "  </backingStore>\n"
		   "</volume>\n");
}

/* ---- sources and capabilities -------------------------------------------- */

TEST(sources_are_listed)
{
	struct bp_host host = { S("127.0.0.1"), 3260 };
	struct bp_device dev = { .path = S("iqn.2020-01.x:t") };
	struct bp_pool_source found[] = {
		{ .hosts = &host, .n_hosts = 1, .devices = &dev, .n_devices = 1,
		  .initiator = S("iqn.2020-01.x:i"), .format = S("dropped") },
		{ .name = S("vg") },
	};
	auto_free char *none = bp_xml_format_sources(NULL, 0, bp_pool_type_find("logical"));
	auto_free char *two = bp_xml_format_sources(found, 2, bp_pool_type_find("iscsi"));

	SAME(none, "<sources>\n</sources>\n");
	SAME(two, "<sources>\n"
		  "  <source>\n"
		  "    <host name='127.0.0.1' port='3260'/>\n"
		  "    <device path='iqn.2020-01.x:t'/>\n"
		  "    <initiator>\n"
		  "      <iqn name='iqn.2020-01.x:i'/>\n"
		  "    </initiator>\n"
		  "  </source>\n"
		  "  <source>\n"
		  "    <name>vg</name>\n"
		  "  </source>\n"
		  "</sources>\n");
}

TEST(a_source_to_search_with_need_not_be_whole)
{
	static const char empty[] = "<source/>";
	static const char full[] = "<source><host name='h' port='111'/><initiator><iqn name='i'/>"
				   "</initiator><dir path=''/></source>";
	cleanup(bp_pool_source_done) struct bp_pool_source a = { 0 }, b = { 0 };
	const struct bp_pool_type *netfs = bp_pool_type_find("netfs");
	struct bp_error err = { 0 };

	CHECK(bp_xml_parse_source(empty, strlen(empty), NULL, netfs, &a, &err) == 0);
	SAME_N(a.n_hosts, 0);
	CHECK(bp_xml_parse_source(full, strlen(full), NULL, netfs, &b, &err) == 0);
	SAME_N(b.n_hosts, 1);
	SAME(b.hosts[0].name, "h");
	SAME_N(b.hosts[0].port, 111);
	SAME(b.initiator, "i");
	CHECK(!b.dir);
}

static bool on_a_plain_host(const struct bp_pool_type *type)
{
	static const char *const lacking[] = { "rbd", "sheepdog", "gluster", "zfs", "vstorage",
					       NULL };

	return !bp_word_in(lacking, type->name);
}

TEST(capabilities_are_virshs)
{
	auto_free char *want = NULL, *got = bp_xml_format_capabilities(on_a_plain_host);
	struct bp_error err = { 0 };
	size_t len;

	CHECK(file_read(AT_FDCWD, "tests/data/xml/capabilities.xml", BP_XML_MAX, &want, &len,
			&err) == 0);
	SAME(got, want);
}
