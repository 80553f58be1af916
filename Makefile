# make            build the command, the libraries and the modules
# make check      every test that needs nothing but a user (root sees more of them)
# make static     the command alone, in B/static, with nothing it would need beside it:
#                 pool types that have their libraries as archives (.a) are in it
# make check-lab  tests that want a machine of their own, in one; TESTS="lab/fs cli/fs"
# make bench      time the command beside virsh and libvirtd
# make config     show what this build will contain
# make install    DESTDIR= and PREFIX= as usual
# make clean
#
# V=1                      show the commands
# B=build-asan             build somewhere else, beside the first
# WITH_dir=yes|module|no   compile a pool type in, make it a module that is opened
#                          when a pool of its type is met, or leave it out
# OPENRC=yes               install the boot service for OpenRC, too
# LIBXML=archive|shared    libxml2 as a part of the command, where its archive (.a) is
#                          there, or as the library beside it
# LVM=lib|exec             for pools of type logical: liblvm2cmd, or the program lvm
# LUKS=yes|no              making encrypted volumes, with libcryptsetup, opened when one is made
# SMB=yes|no               finding the shares of SMB servers, with libsmbclient, opened for that
# LINE_EDITORS="..."       libraries looked for, in this order, when somebody
#                          types at the prompt; empty: none
#
# A file in core/, xml/, cli/ or tests/ is built because it is there.
# A new pool type is backends/NAME.c (and NAME_*.c) and a word in pool_types.
# Local settings belong in config.mak, which git ignores.
# SPDX-License-Identifier: LGPL-2.1-or-later

PREFIX	     = /usr/local
bindir	     = $(PREFIX)/bin
libdir	     = $(PREFIX)/lib
includedir   = $(PREFIX)/include
mandir	     = $(PREFIX)/share/man
unitdir	     = $(PREFIX)/lib/systemd/system
compdir	     = $(PREFIX)/share/bash-completion/completions
sysconfdir   = /etc
CC	     = cc
CFLAGS	     = -O2 -g
PKG_CONFIG   = pkg-config
B	     = build
STATIC	     =
LINE_EDITORS = libedit.so.2 libedit.so.0 libreadline.so.8
-include config.mak

# ---- pool types, and what they need to be built ------------------------------
pool_types := dir fs netfs logical disk iscsi iscsi_direct scsi mpath

WITH_dir = yes
# Libraries cost time at every start of the command, so what needs some is a
# module; or left out, where they are missing and nobody asked for it.
WITH_fs	 = $(if $(call has_pkg,fs),module,no)
pkg_fs	 = blkid
opens_fs = mount
uses_fs	 = mounts mounts_library mounts_options mounts_pool mounts_words probe content
WITH_netfs  = $(if $(call has_pkg,netfs),module,no)
opens_netfs = mount libnfs
uses_netfs  = mounts mounts_library mounts_options mounts_pool mounts_words
WITH_disk = $(if $(call has_pkg,disk),module,no)
pkg_disk  = blkid $(if $(filter yes,$(STATIC)),fdisk)
opens_disk = $(if $(filter yes,$(STATIC)),,fdisk)
unused_disk = backends/disk_$(if $(filter yes,$(STATIC)),opened,linked).c
uses_disk = blocks content probe
# LVM's commands are reached through its library, opened for the first of them, or its
# program if that is wanted.
WITH_logical   = $(if $(call has_pkg,logical),module,no)
LVM	       = $(if $(filter yes,$(STATIC)),exec,$(if $(call has_header,lvm2cmd.h),lib,exec))
pkg_logical    = blkid
uses_logical   = blocks probe
unused_logical = backends/logical_$(if $(filter lib,$(LVM)),exec,lib).c
WITH_scsi = module
uses_scsi = blocks found luns luns_ask luns_id
WITH_mpath = $(if $(call has_pkg,mpath),module,no)
pkg_mpath  = devmapper
uses_mpath = blocks found
# A session of the kernel's is asked for after the target itself was asked.
WITH_iscsi   = $(if $(call has_pkg,iscsi),module,no)
pkg_iscsi    = libiscsi devmapper
uses_iscsi   = blocks found luns luns_ask luns_id initiator initiator_login sbc
unused_iscsi = $(wildcard backends/iscsi_direct*.c)
WITH_iscsi_direct = $(if $(call has_pkg,iscsi_direct),module,no)
pkg_iscsi_direct  = libiscsi
uses_iscsi_direct = initiator initiator_login sbc
$(if $(filter lib exec,$(LVM)),,$(error LVM is lib or exec, not '$(LVM)'))

# opens_: opened when it is needed, so it is only the headers that must be here.
# Whether a program can be linked that brings these libraries along.
# try_: what has to be found in them, as an archive may want others that are not there.
try_iscsi	 = -Wl,-u,iscsi_create_context
try_iscsi_direct = $(try_iscsi)
archives = $(or $(if $1,,yes),$(shell echo 'int main(void) { return 0; }' | $(CC) -static -x c - \
	-o /dev/null $2 $$($(PKG_CONFIG) --static --libs $1) 2>/dev/null && echo yes))
ifeq ($(STATIC),yes)
$(foreach t,$(pool_types),$(if $(call archives,$(pkg_$t),$(try_$t)),$(eval override WITH_$t = yes),\
	$(eval override WITH_$t = no)$(info   NOTE pools of type $t are left out: \
	no archives of $(pkg_$t))))
endif

needs	 = $(strip $(pkg_$1) $(opens_$1))
has_pkg	 = $(if $(needs),$(shell $(PKG_CONFIG) --exists $(needs) && echo yes),yes)
hash	:= \#
comma	:= ,
has_header = $(shell echo '$(hash)include <$1>' | $(CC) -E - >/dev/null 2>&1 && echo yes)
pick	 = $(strip $(foreach t,$(pool_types),$(if $(filter $1,$(WITH_$t)),$t)))
builtin := $(call pick,yes)
modules := $(call pick,module)
$(foreach t,$(pool_types),$(if $(filter yes module no,$(WITH_$t)),,\
	$(error WITH_$t is yes, module or no, not '$(WITH_$t)')))
$(foreach t,$(builtin) $(modules),$(if $(call has_pkg,$t),,\
	$(error pools of type $t need the libraries $(pkg_$t) $(opens_$t) to be built)))

# ---- libraries that unpack what images have compressed, by the names of their packages -------
# Opened when they are needed, too.
codecs	 := libdeflate zlib libzstd
WITH_libdeflate = $(call has_codec,libdeflate)
WITH_zlib	= $(call has_codec,zlib)
WITH_libzstd	= $(call has_codec,libzstd)
has_codec = $(if $(and $(shell $(PKG_CONFIG) --exists $1 && echo yes),$(if $(filter yes,$(STATIC)),\
	$(call archives,$1),yes)),yes,no)
$(foreach c,$(codecs),$(eval override WITH_$c := $(WITH_$c))$(if $(filter yes no,$(WITH_$c)),,\
	$(error WITH_$c is yes or no, not '$(WITH_$c)')))
with_codecs := $(strip $(foreach c,$(codecs),$(if $(filter yes,$(WITH_$c)),$c)))
codecs_in_it := $(if $(filter yes,$(STATIC)),$(with_codecs))
codec_libs   := $(if $(codecs_in_it),$(shell $(PKG_CONFIG) --static --libs $(codecs_in_it)))
$(if $(filter libdeflate zlib,$(with_codecs)),,$(info   NOTE images that were compressed with \
	deflate cannot be read: no libdeflate, no zlib))
$(if $(filter libzstd,$(with_codecs)),,$(info   NOTE images that were compressed with zstd \
	cannot be read: no libzstd))

# libxml2 is loaded with what it was built with (ICU, C++, xz), and that takes longer
# than most commands.  None of it is ever called: so the command has libxml2 in it, and
# xml/unused.c in the place of the rest; of glibc's libm, xml/maths.c, which opens it.
xml_archive := $(wildcard $(shell $(CC) -print-file-name=libxml2.a))
xml_unused  := $(if $(xml_archive),$(shell nm -u $(xml_archive) 2>/dev/null | sort -u | \
	sed -n -E 's/^ *U ((ucnv_|UCNV_|gz|inflate|deflate|crc32|lzma_).*)/\1=xml_unused/p'))
xml_unused  := $(filter-out $(if $(filter zlib,$(codecs_in_it)),inflate% deflate% crc32%),\
	$(xml_unused))
libm_there  := $(wildcard $(shell $(CC) -print-file-name=libm.so.6))
xml_maths   := $(if $(filter yes,$(STATIC)),,$(libm_there:%=floor fmod log10 pow))
xml_in_it   := $(xml_archive) $(addprefix -Wl$(comma)-u$(comma)xml_,unused $(xml_maths)) \
	$(addprefix -Wl$(comma)--defsym$(comma),$(xml_unused) \
	$(foreach f,$(xml_maths),$f=xml_$f)) $(codec_libs) -Wl,--as-needed -lm -Wl,--no-as-needed
can_hold_xml = $(if $(xml_archive),$(shell echo 'int xmlCheckVersion(); \
	$(foreach f,unused $(xml_maths),void xml_$f() {}) \
	int main() { return xmlCheckVersion(); }' | $(CC) -w $(STATIC:yes=-static) -x c - -x none \
	-o /dev/null $(xml_in_it) 2>/dev/null && echo yes))
LIBXML	    := $(or $(LIBXML),$(if $(can_hold_xml),archive,shared))
$(if $(filter archive shared,$(LIBXML)),,$(error LIBXML is archive or shared, not '$(LIBXML)'))

# LUKS headers are made by libcryptsetup, which is opened when it is needed.
LUKS  := $(or $(LUKS),$(if $(filter yes,$(STATIC)),no,$(or \
	$(call has_header,libcryptsetup.h),no)))
left_out := core/image/luks_make$(if $(filter yes,$(LUKS)),_left_out).c

# So is libsmbclient, for shares that could be pools of type netfs.
SMB := $(or $(SMB),$(if $(filter yes,$(STATIC)),no,$(or \
	$(shell $(PKG_CONFIG) --exists smbclient && echo yes),no)))
unused_netfs := backends/netfs_shares$(if $(filter yes,$(SMB)),_left_out).c
$(if $(filter yes,$(SMB))$(filter no,$(WITH_netfs)),,$(info   NOTE the shares \
	of SMB servers cannot be found: no libsmbclient))

# ---- flags --------------------------------------------------------------------
version	   := $(shell sed -n 's/^\#define BAREPOOL_VERSION "\(.*\)"/\1/p' core/barepool.h)
soname	    = libbarepool.so.0
# A file's strings lie together, not those of all files: a start needs fewer pages.
own_strings := $(shell $(CC) -Werror -fno-merge-constants -fsyntax-only -x c /dev/null \
	2>/dev/null && echo -fno-merge-constants)
all_cflags := -std=gnu11 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -I. -I$(B) -MMD -MP -fPIC \
	-ffunction-sections $(own_strings) -include core/base/banned.h \
	-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings \
	-Wno-missing-field-initializers $(CFLAGS)
xml_cflags := $(shell $(PKG_CONFIG) --cflags libxml-2.0)
# Everything must be found at link time; clang's sanitizers come with the program only.
defs	   := $(if $(findstring -fsanitize,$(CFLAGS)),,-Wl,-z,defs)
with	   := $(sort libxml-2.0 $(foreach t,$(builtin),$(pkg_$t)))
flags_of    = $(if $1,$(shell $(PKG_CONFIG) $(STATIC:yes=--static) --libs $1))
type_flags := $(codec_libs) -pthread -ldl
libs	   := $(call flags_of,$(with)) $(type_flags)
# Of the command, which may have libxml2 in it.
own_libs   := $(if $(filter archive,$(LIBXML)),$(xml_in_it) \
	$(call flags_of,$(filter-out libxml-2.0,$(with))) $(type_flags),$(libs))
# Relocations in a form that takes no memory, what LVM's library shall find (cli/aio.c), and
# what small commands run together, where the linker can do so.
can_do	    = $(shell echo 'int main(void) { return 0; }' | $(CC) -x c - -o /dev/null \
	-Wl,--fatal-warnings $1 2>/dev/null && echo $1)
own_libs   += $(call can_do,-Wl$(comma)-z$(comma)pack-relative-relocs) \
	$(call can_do,-Wl$(comma)--export-dynamic-symbol=io_setup) \
	$(call can_do,-Wl$(comma)-T$(comma)cli/start.ld)
ifeq ($(STATIC),yes)
LDFLAGS	   += -static
# Libraries that are C++ inside do not say so.
own_libs   += $(if $(findstring -licu,$(own_libs)),-lstdc++)
endif

# ---- what is made of what -------------------------------------------------------
obj	    = $(patsubst %.c,$(B)/%.o,$1)
type_obj    = $(call obj,$(filter-out $(unused_$1),backends/$1.c $(wildcard backends/$1_*.c)) \
		$(uses_$1:%=backends/%.c))
xml_obj	   := $(call obj,$(wildcard xml/*.c))
codec_obj  := $(call obj,$(with_codecs:%=core/image/codec_%.c))
help_obj   := $(call obj,$(wildcard core/base/*.c core/model/*.c) $(filter-out \
	$(left_out) core/image/codec_%.c,$(wildcard core/image/*.c))) $(codec_obj)
engine_obj := $(call obj,$(wildcard core/*.c)) $(help_obj) $(xml_obj)
shared_obj := $(call obj,$(wildcard backends/files*.c))
be_obj	   := $(call obj,backends/registry.c) $(shared_obj) \
		$(sort $(foreach t,$(builtin),$(call type_obj,$t)))
cli_obj	   := $(call obj,$(wildcard cli/*.c))
cli_parts  := $(filter-out $(B)/cli/main.o,$(cli_obj))
module_so  := $(patsubst %,$(B)/modules/%.so,$(modules))
tests	   := $(patsubst %.c,$(B)/%,$(wildcard tests/unit/*.c tests/engine/*.c))
contract   := $(patsubst %.c,$(B)/%,$(wildcard tests/contract/*.c))
fuzz	   := $(patsubst %.c,$(B)/%,$(wildcard tests/fuzz/*.c))
tools	   := $(filter-out $(wildcard tests/tools/*_*.c),$(wildcard tests/tools/*.c))
helpers	   := $(patsubst %.c,$(B)/%,$(tools))
manuals	   := $(patsubst %.scd,$(B)/%,$(wildcard cli/*.scd backends/*.scd core/*.scd))

# A library's headers are there for the files that wrap it, and for no others.
$(xml_obj): more_cflags := $(xml_cflags)
linked := -DCODEC_LINKED=$(if $(codecs_in_it),1,0)
$(foreach c,$(with_codecs),$(eval $(B)/core/image/codec_$c.o: more_cflags := $(linked) \
	$(shell $(PKG_CONFIG) --cflags $c)))
$(B)/core/image/codec.o: more_cflags := $(linked)
$(foreach t,$(builtin) $(modules),$(if $(pkg_$t)$(opens_$t),$(eval \
	$(call type_obj,$t): more_cflags := $(shell $(PKG_CONFIG) --cflags \
		$(pkg_$t) $(opens_$t)))))
$(B)/backends/netfs_shares.o: more_cflags += $(shell $(PKG_CONFIG) --cflags smbclient)
$(B)/backends/registry.o: more_cflags = -DMODULE_DIR='"$(libdir)/barepool"'
$(B)/cli/line.o: more_cflags = -DLINE_EDITORS='"$(LINE_EDITORS)"'

ifneq ($(V),1)
Q   = @
say = $(if $(findstring s,$(firstword -$(MAKEFLAGS))),,@printf '  %-4s %s\n' $1 $@)
endif

all: $(B)/barepool $(B)/$(soname) $(B)/libbarepool.a $(module_so) $(B)/barepool.pc \
	$(if $(shell command -v scdoc),$(manuals))

static:
	$(Q)$(MAKE) B=$(B)/static STATIC=yes $(B)/static/barepool

$(B)/barepool: $(cli_obj) $(B)/libbarepool.a $(B)/paths cli/start.ld
	$(call say,LD)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o %.a,$^) $(own_libs)

# What embedders link: the engine and the pool types compiled in.
$(B)/libbarepool.a: $(engine_obj) $(be_obj)
	$(call say,AR)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

# Tests of the engine bring pool types of their own.
$(B)/engine.a: $(engine_obj)
	$(call say,AR)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

# The shared library shows only what core/barepool.map lists.
$(B)/$(soname): $(engine_obj) $(be_obj) core/barepool.map
	$(call say,LD)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -shared -Wl,-soname,$(soname) $(defs) \
		-Wl,--version-script=core/barepool.map -o $@ $(filter %.o,$^) $(libs)

# A module carries its own copy of the helpers and shows one symbol.
$(B)/modules/%.so: $(B)/modules/%.o $(shared_obj) $(help_obj) backends/module.map
	$(call say,LD)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -shared $(defs) \
		-Wl,--version-script=backends/module.map -o $@ $(filter %.o,$^) \
		$(type_libs) -pthread -ldl
$(foreach t,$(modules),$(eval $(B)/modules/$t.so: $(call type_obj,$t)))
$(foreach t,$(modules),$(if $(pkg_$t),$(eval \
	$(B)/modules/$t.so: type_libs := $(shell $(PKG_CONFIG) --libs $(pkg_$t)))))
$(B)/modules/%.o: backends/module.c $(B)/flags
	$(call say,CC)
	$(Q)mkdir -p $(@D) && $(CC) $(all_cflags) -DBACKEND=backend_$* -c -o $@ $<

# Test programs link the engine without the pool types: they bring their own;
# those of the command link all of it but its main().
$(B)/tests/contract/%: $(B)/tests/contract/%.o $(B)/tests/tap.o $(B)/tests/device.o \
		$(B)/libbarepool.a
	$(call say,LD)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(libs)
$(B)/tests/engine/%: $(B)/tests/engine/%.o $(B)/tests/fake.o $(B)/tests/tap.o \
		$(B)/tests/device.o $(B)/engine.a
	$(call say,LD)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(libs)
# The reader of LVM's reports needs no LVM.
lvm_readers := $(call obj,backends/blocks.c $(addprefix backends/logical_,report.c vg.c check.c \
		lv.c lvm.c room.c exec.c seen.c settings.c label.c kernel.c plain.c text.c))
$(B)/tests/unit/logical_%: $(B)/tests/unit/logical_%.o $(B)/tests/tap.o $(B)/engine.a $(lvm_readers)
	$(call say,LD)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(libs)
# Nor do those of what SCSI disks and device-mapper say need any.
$(B)/tests/unit/mpath_status: $(B)/tests/unit/mpath_status.o $(B)/tests/tap.o $(B)/engine.a \
		$(B)/backends/mpath_status.o
	$(call say,LD)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(libs)
$(B)/tests/unit/sbc: $(B)/tests/unit/sbc.o $(B)/tests/tap.o $(B)/engine.a \
		$(B)/backends/sbc.o
	$(call say,LD)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(libs)
$(B)/tests/unit/luns_%: $(B)/tests/unit/luns_%.o $(B)/tests/tap.o $(B)/engine.a \
		$(B)/backends/luns_id.o
	$(call say,LD)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(libs)
# What hunts have found their way with is replayed in all readers; none of them needs a library.
fuzzed := mpath_status.c sbc.c luns_id.c iscsi_login.c iscsi_firmware.c iscsi_record.c \
	iscsi_session.c mounts_words.c netfs_nfs.c netfs_server.c netfs_url.c
$(B)/tests/fuzz/%: $(B)/tests/fuzz/%.o $(cli_parts) $(lvm_readers) \
		$(call obj,$(addprefix backends/,$(fuzzed))) $(B)/libbarepool.a
	$(call say,LD)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(libs)
$(B)/tests/unit/cli_%: $(B)/tests/unit/cli_%.o $(B)/tests/tap.o $(cli_parts) $(B)/libbarepool.a
	$(call say,LD)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(libs)
$(B)/tests/%: $(B)/tests/%.o $(B)/tests/tap.o $(B)/engine.a
	$(call say,LD)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(libs)
# A tool of several files: NAME.c and NAME_*.c.
$(foreach t,$(helpers),$(eval $t: $(call obj,$(wildcard $(t:$(B)/%=%)_*.c))))
$(B)/tests/tools/%: $(B)/tests/tools/%.o $(B)/engine.a
	$(call say,LD)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(libs)

$(B)/%.o: %.c $(B)/flags
	$(call say,CC)
	$(Q)mkdir -p $(@D) && $(CC) $(all_cflags) $(more_cflags) -c -o $@ $<

$(B)/%: %.scd
	$(call say,MAN)
	$(Q)mkdir -p $(@D) && scdoc <$< >$@

$(B)/barepool.pc: core/barepool.pc.in $(B)/paths
	$(call say,GEN)
	$(Q)sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(version)|' -e 's|@with@|$(with)|' \
		-e 's|@libdir@|$(libdir)|' -e 's|@includedir@|$(includedir)|' $< >$@

# These change only when their content does, and then force what is needed.
keep = @mkdir -p $(@D); $1 >$@.new; cmp -s $@.new $@ && rm $@.new || mv $@.new $@
$(B)/flags: FORCE
	$(call keep,echo '$(CC) $(all_cflags) $(LINE_EDITORS)')
$(B)/paths: FORCE
	$(call keep,echo '$(PREFIX) $(libdir) $(includedir) $(with) libxml=$(LIBXML)')
$(B)/backends.inc: FORCE
	$(call keep,printf '$(if $(builtin),BACKEND(%s)\n)' $(builtin))
$(B)/backends/registry.o: $(B)/backends.inc $(B)/paths
$(B)/codecs.inc: FORCE
	$(call keep,printf '$(if $(with_codecs),CODEC(%s)\n)' $(with_codecs))
$(B)/core/image/codec.o: $(B)/codecs.inc

# ---- tests ----------------------------------------------------------------------
test_programs: $(call obj,$(wildcard tests/*.c)) $(tests) $(contract) $(fuzz) $(helpers) all
check: test_programs
	$(Q)B=$(B) scripts/run-tests $(TESTS)

check-lab: test_programs
	$(Q)$(if $(can_hold_xml),$(MAKE) static,echo 'no static command: no libxml2.a')
	$(Q)B=$(B) scripts/run-tests $(or $(patsubst lab/lab/%,lab/%,$(TESTS:%=lab/%)),lab)

bench: all $(addprefix $(B)/tests/tools/,timing reader image_calls)
	$(Q)B=$(B) tests/bench/run

config:
	@for t in $(pool_types); do case " $(builtin) / $(modules) " in \
		*" $$t "*/*) echo "  $$t" ;; */*" $$t "*) echo "  $$t (module)" ;; \
		*) echo "  $$t (left out)" ;; esac; done

# ---- install ----------------------------------------------------------------------
headers := core/barepool.h core/images.h core/base/error.h core/base/progress.h \
	core/model/bitmap.h core/model/fact.h core/model/pool_def.h core/model/pool_type.h \
	core/model/snapshot.h core/model/volume.h xml/xml.h

install: all
	install -d $(addprefix $(DESTDIR),$(bindir) $(libdir)/pkgconfig $(includedir) \
		$(compdir) $(unitdir))
	install -m 755 $(B)/barepool $(DESTDIR)$(bindir)/
	install -m 755 $(B)/$(soname) $(DESTDIR)$(libdir)/
	ln -sf $(soname) $(DESTDIR)$(libdir)/libbarepool.so
	install -m 644 $(B)/libbarepool.a $(DESTDIR)$(libdir)/
	install -m 644 $(B)/barepool.pc $(DESTDIR)$(libdir)/pkgconfig/
	for h in $(headers); do \
		install -D -m 644 $$h $(DESTDIR)$(includedir)/barepool/$$h || exit 1; done
	mv $(DESTDIR)$(includedir)/barepool/core/barepool.h $(DESTDIR)$(includedir)/barepool/
	$(if $(module_so),install -d $(DESTDIR)$(libdir)/barepool)
	$(if $(module_so),install -m 755 $(module_so) $(DESTDIR)$(libdir)/barepool/)
	install -m 644 scripts/completion.bash $(DESTDIR)$(compdir)/barepool
	sed 's|@bindir@|$(bindir)|' scripts/barepool-autostart.service \
		>$(DESTDIR)$(unitdir)/barepool-autostart.service
ifeq ($(OPENRC),yes)
	install -d $(DESTDIR)$(sysconfdir)/init.d
	sed 's|@bindir@|$(bindir)|' scripts/barepool-autostart.openrc \
		>$(DESTDIR)$(sysconfdir)/init.d/barepool-autostart
	chmod 755 $(DESTDIR)$(sysconfdir)/init.d/barepool-autostart
endif
	for m in $(wildcard $(manuals)); do \
		case $$m in */backends/*) name=barepool-$${m##*/} ;; *) name=$${m##*/} ;; esac; \
		install -D -m 644 $$m $(DESTDIR)$(mandir)/man$${m##*.}/$$name || exit 1; done

clean:
	rm -rf $(B)

print-headers:
	@echo $(headers)

.PHONY: print-headers all static test_programs check check-lab bench config install clean FORCE
.DELETE_ON_ERROR:
.SECONDARY:
-include $(shell find $(B) -name '*.d' -type f 2>/dev/null)
