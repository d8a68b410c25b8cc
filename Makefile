# pod: containers without root. `make` builds; nothing here fetches but `make deps`.
#
# The one list of what is needed from outside, as Debian package names.
BUILD_DEPS = gcc make pkg-config libc6-dev linux-libc-dev musl-tools libjansson-dev libseccomp-dev \
             libcap-dev libcurl4-openssl-dev libssl-dev libzstd-dev zlib1g-dev libisal-dev libyaml-dev
RUN_DEPS   = uidmap slirp4netns passt fuse-overlayfs ca-certificates
DEMO_DEPS  = $(BUILD_DEPS) $(RUN_DEPS) busybox-static procps curl
TEST_DEPS  = $(DEMO_DEPS) bats parallel jq sudo python3 openssl apache2-utils attr \
             libcap2-bin fuse3 crun runc catatonit podman buildah skopeo umoci docker-registry debootstrap \
             bubblewrap tmux util-linux iproute2 zstd isal xz-utils strace
LINT_DEPS  = clang clang-format clang-tidy libclang-rt-14-dev cppcheck shellcheck mandoc codespell \
             universal-ctags zsh fish
BENCH_DEPS = $(TEST_DEPS) hyperfine

VERSION := 0.2.0
PREFIX  ?= /usr/local
DESTDIR ?=
BUILD   ?= build
CC      ?= gcc
ifeq ($(origin CC),default)
CC := gcc
endif

WARN   := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
          -Wformat=2 -Wno-format-nonliteral $(if $(findstring clang,$(CC)),,-Wno-format-truncation)
WERROR ?= -Werror
HARDEN ?= -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE
CFLAGS ?= -O2 -g
ALL_CFLAGS = -std=gnu17 -D_GNU_SOURCE -MMD -MP -Ilibcommon $(WARN) $(WERROR) $(HARDEN) $(CFLAGS)
ALL_LDFLAGS = -pie -Wl,-z,relro,-z,now -Wl,--as-needed $(LDFLAGS)
LIBRARIES := jansson libseccomp libcap libcurl libcrypto libzstd zlib yaml-0.1
# Those that every start of a container needs go in whole, where there are archives of them, and of
# libcrypto the one hash that is used: to find and relocate libraries takes half as long as the
# program. SMALL_LIBS="-ljansson -lseccomp -lcap -lcrypto -lyaml" for shared ones.
archive_of = $(if $(filter /%,$(shell $(CC) -print-file-name=lib$(1).a)),-l:lib$(1).a,-l$(1))
SMALL_LIBS ?= $(foreach l,jansson seccomp cap crypto yaml,$(call archive_of,$l))
LIBS := $(SMALL_LIBS) $(shell pkg-config --libs \
    $(filter-out jansson libseccomp libcap libcrypto yaml-0.1,$(LIBRARIES)) 2>/dev/null) -lisal -pthread
# as many at once as there are processors, for targets that build before they do something else
JOBS = $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(shell nproc 2>/dev/null || echo 1))

# Programs are static, against musl where it is there. A program of glibc's takes 0.45 ms longer to
# begin: half of it its linker, half the CPUID instructions, which trap in virtual machines. Not so
# those that are about hundreds of megabytes, for glibc's memcpy, and curl, which comes shared.
comma := ,
LARGE_PROGRAMS := pod-pull pod-fetch pod-unpack
# these stay in memory, and need nothing but system calls: static whatever there is
SMALL_PROGRAMS := pod-init pod-monitor pod-ports pod-userns pod-rootfs pod-trash pod-pack pod-copy \
                  pod-stopall pod-reown
MULTIARCH := $(shell $(CC) -print-multiarch 2>/dev/null)
MUSL_CC   ?= $(shell command -v musl-gcc 2>/dev/null)
STATIC_CFLAGS = -std=gnu17 -D_GNU_SOURCE -MMD -MP -Ilibcommon $(WARN) $(WERROR) -O2 -g -fPIE \
                -fstack-protector-strong -ffunction-sections -fdata-sections
STATIC_LDFLAGS := -Wl,--gc-sections,-z,relro,-z,now,-z,noseparate-code
ifneq ($(MUSL_CC),)
lib_file         = $(shell $(CC) -print-file-name=$(1))
STATIC_CC       := $(MUSL_CC)
STATIC_CFLAGS   += -Wno-format-truncation -idirafter /usr/include -idirafter /usr/include/$(MULTIARCH)
STATIC_LIBS     := $(foreach l,jansson seccomp cap crypto yaml z,$(call lib_file,lib$(l).a))
STATIC_PROGRAMS  = $(filter-out $(LARGE_PROGRAMS),$(BIN_NAMES) $(HELPER_NAMES))
# musl-gcc does not know -static-pie: this is what it is
MUSL_CRT := $(dir $(firstword $(wildcard $(addsuffix /rcrt1.o,/usr/lib/$(subst -gnu,-musl,$(MULTIARCH)) \
                /usr/lib/musl/lib /usr/local/musl/lib))))
STATIC_LDFLAGS += -Wl$(comma)--wrap=strerror$(comma)-u$(comma)__wrap_strerror
STATIC_LDFLAGS += $(if $(filter x86_64-%,$(MULTIARCH)),-Wl$(comma)--wrap=memcpy$(comma)-u$(comma)__wrap_memcpy)
STATIC_LDFLAGS += $(if $(MUSL_CRT),-static -nostartfiles -Wl$(comma)-pie$(comma)--no-dynamic-linker \
                  $(addprefix $(MUSL_CRT),rcrt1.o crti.o) $(call lib_file,crtbeginS.o),-static -no-pie -fno-pie)
STATIC_END      := $(if $(MUSL_CRT),$(call lib_file,crtendS.o) $(MUSL_CRT)crtn.o)
else
STATIC_CC       := $(CC)
STATIC_PROGRAMS := $(SMALL_PROGRAMS)
STATIC_LDFLAGS  += -static-pie
endif
# A build with sanitizers is dynamic, but for what must run in an image that has no libraries.
ifneq ($(STATIC_PLAIN),)
STATIC_PROGRAMS := pod-init
endif

# A program is bin/pod-X.c with what lies in bin/X/, or helpers/pod-X.c with helpers/X/.
BIN_NAMES    := $(patsubst bin/%.c,%,$(wildcard bin/pod-*.c))
HELPER_NAMES := $(patsubst helpers/%.c,%,$(wildcard helpers/pod-*.c))
LIB_SRC      := $(wildcard libcommon/*/*.c)
LIB_OBJ      := $(LIB_SRC:%.c=$(BUILD)/obj/%.o)
STATIC_OBJ   := $(LIB_SRC:%.c=$(BUILD)/static/%.o)
UNIT_NAMES   := $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/*.c))

OUT_BIN    := $(BUILD)/bin
OUT_HELPER := $(BUILD)/libexec/pod
PROGRAMS   := $(BIN_NAMES:%=$(OUT_BIN)/%) $(HELPER_NAMES:%=$(OUT_HELPER)/%)
STATIC_OUT := $(foreach p,$(STATIC_PROGRAMS),$(filter %/$(p),$(PROGRAMS)))
PLAIN_OUT  := $(filter-out $(STATIC_OUT),$(PROGRAMS))
ALIASES    := $(shell sed -n 's/^\(pod-[a-z]*\) .*/\1/p' share/aliases 2>/dev/null)

.PHONY: all found
all: found $(PROGRAMS) $(OUT_BIN)/pod $(BUILD)/share/pod $(ALIASES:%=$(OUT_BIN)/%)

# Before the first file is compiled: one sentence is better than a page of a compiler's.
found:
	@{ command -v $(firstword $(CC)) && command -v pkg-config && pkg-config --exists $(LIBRARIES); } \
	    >/dev/null || { echo "Error: a compiler or libraries to build pod with are missing" >&2; \
	    echo "Type: make deps" >&2; exit 1; }

.SECONDARY:
.SECONDEXPANSION:

$(BUILD)/libcommon.a: $(LIB_OBJ)
	@rm -f $@
	@ar rcs $@ $^
$(BUILD)/libstatic.a: $(STATIC_OBJ)
	@rm -f $@
	@ar rcs $@ $^

$(BUILD)/obj/%.o: %.c Makefile | found
	@mkdir -p $(@D)
	@echo "  CC      $<"
	@$(CC) $(ALL_CFLAGS) -Ibin -c -o $@ $<
$(BUILD)/static/%.o: %.c Makefile | found
	@mkdir -p $(@D)
	@echo "  CC.s    $<"
	@$(STATIC_CC) $(STATIC_CFLAGS) -Ibin -c -o $@ $<

# the object of pod-X and those of the folder X beside it; bin/ has one more for all of its own
objs_of = $(1)/$(2)/pod-$(3).o $(patsubst %.c,$(1)/%.o,$(wildcard $(2)/$(3)/*.c $(2)/$(3)s/*.c))
objs    = $(call objs_of,$(1),$(if $(filter $(OUT_BIN)/%,$(2)),bin,helpers),$(patsubst pod-%,%,$(notdir $(2)))) \
          $(if $(filter $(OUT_BIN)/%,$(2)),$(1)/bin/say.o)

$(PLAIN_OUT): $$(call objs,$(BUILD)/obj,$$@) $(BUILD)/libcommon.a
	@mkdir -p $(@D)
	@echo "  LD      $@"
	@$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)
$(STATIC_OUT): $$(call objs,$(BUILD)/static,$$@) $(BUILD)/libstatic.a
	@mkdir -p $(@D)
	@echo "  LD.s    $@"
	@$(STATIC_CC) $(STATIC_CFLAGS) $(STATIC_LDFLAGS) -o $@ $^ $(STATIC_LIBS) \
	    $(BUILD)/libstatic.a $(STATIC_END)

$(OUT_BIN)/pod: bin/pod
	@mkdir -p $(@D)
	@sed 's/@VERSION@/$(VERSION)/' $< >$@ && chmod 755 $@
$(BUILD)/share/pod:
	@mkdir -p $(@D)
	@ln -sfn $(CURDIR)/share $@
# a second name of the same program, from share/aliases: "pod-create pod-run"
$(ALIASES:%=$(OUT_BIN)/%): share/aliases $(PROGRAMS)
	@ln -sf "$$(sed -n 's/^$(@F) //p' share/aliases)" $@

$(UNIT_NAMES:%=$(BUILD)/unit/%): $(BUILD)/unit/%: $(BUILD)/obj/tests/unit/%.o $(BUILD)/libcommon.a
	@mkdir -p $(@D)
	@$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)
.PHONY: unit
unit: $(UNIT_NAMES:%=$(BUILD)/unit/%)

.PHONY: clean
clean:
	rm -rf $(BUILD) build-*

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

# --- packages: what is missing of Debian's, and nothing else

.PHONY: deps deps-run deps-test deps-bench deps-demo
deps:
	@tests/lib/debs "to build and run pod" $(BUILD_DEPS) $(RUN_DEPS)
deps-run:
	@tests/lib/debs "to run pod" $(RUN_DEPS)
deps-test:
	@tests/lib/debs "to build and test pod" $(TEST_DEPS) $(LINT_DEPS)
deps-bench:
	@tests/lib/debs "to build pod and measure it beside its peers" $(BENCH_DEPS)
deps-demo:
	@tests/lib/debs "to build and show pod" $(DEMO_DEPS)

# --- completions, from what --help says

COMPLETIONS := $(addprefix $(BUILD)/completions/,pod.bash _pod pod.fish)
$(COMPLETIONS): $(BUILD)/completions/%: completions/generate $(PROGRAMS) $(ALIASES:%=$(OUT_BIN)/%) $(OUT_BIN)/pod
	@mkdir -p $(@D)
	@completions/generate $* $(OUT_BIN) >$@.tmp && mv $@.tmp $@

# pages are made from --help and man/text, and committed: `make man` after a change of options
.PHONY: man
man: all
	@for p in $(BIN_NAMES) $(ALIASES); do man/generate $$p $(OUT_BIN) >man/$$p.1 || exit; done

# --- installing: PREFIX=~/.local needs no rights at all

override PREFIX := $(patsubst ~/%,$(HOME)/%,$(PREFIX))
ROOT_DIR        := $(DESTDIR)$(PREFIX)
SHARE_FILES     := $(shell cd share 2>/dev/null && find . -type f ! -name aliases ! -name "*.service" | sed 's,^\./,,')
MAN_PAGES       := $(notdir $(wildcard man/*.[157]))
BASH_DIR := share/bash-completion/completions
ZSH_DIR  := share/zsh/site-functions
FISH_DIR := share/fish/vendor_completions.d
UNIT_DIR := share/systemd/user
INSTALLED := $(addprefix bin/,pod $(BIN_NAMES) $(ALIASES)) $(HELPER_NAMES:%=libexec/pod/%) \
             $(SHARE_FILES:%=share/pod/%) $(foreach m,$(MAN_PAGES),share/man/man$(patsubst .%,%,$(suffix $m))/$m) \
             $(addprefix $(BASH_DIR)/,pod $(BIN_NAMES) $(ALIASES)) $(ZSH_DIR)/_pod $(FISH_DIR)/pod.fish \
             $(UNIT_DIR)/pod-restart.service

.PHONY: install uninstall dist
install: all $(COMPLETIONS)
	@mkdir -p $(sort $(dir $(INSTALLED:%=$(ROOT_DIR)/%)))
	@install -m 755 $(filter-out $(ALIASES:%=$(OUT_BIN)/%),$(wildcard $(OUT_BIN)/*)) $(ROOT_DIR)/bin
	@for a in $(ALIASES); do ln -sf "$$(readlink $(OUT_BIN)/$$a)" $(ROOT_DIR)/bin/$$a || exit; done
	@install -m 755 $(HELPER_NAMES:%=$(OUT_HELPER)/%) $(ROOT_DIR)/libexec/pod
	@for f in $(SHARE_FILES); do install -m 644 share/$$f $(ROOT_DIR)/share/pod/$$f || exit; done
	@install -m 644 share/pod-restart.service $(ROOT_DIR)/$(UNIT_DIR)/pod-restart.service
	@for m in $(MAN_PAGES); do install -m 644 man/$$m $(ROOT_DIR)/share/man/man$${m##*.}/$$m || exit; done
	@install -m 644 $(BUILD)/completions/pod.bash $(ROOT_DIR)/$(BASH_DIR)/pod
	@for p in $(BIN_NAMES) $(ALIASES); do ln -sf pod $(ROOT_DIR)/$(BASH_DIR)/$$p || exit; done
	@install -m 644 $(BUILD)/completions/_pod $(ROOT_DIR)/$(ZSH_DIR)/_pod
	@install -m 644 $(BUILD)/completions/pod.fish $(ROOT_DIR)/$(FISH_DIR)/pod.fish
	@echo "pod $(VERSION) is in $(ROOT_DIR)/bin"
uninstall:
	@cd $(ROOT_DIR) && rm -f $(INSTALLED)
	@cd $(ROOT_DIR) && for d in $(sort $(dir $(INSTALLED))); do \
	    rmdir -p --ignore-fail-on-non-empty $$d 2>/dev/null || true; done
	@rmdir --ignore-fail-on-non-empty $(ROOT_DIR) 2>/dev/null || true

# the committed state, as others get it
DIST = pod-$(VERSION).tar.gz
dist:
	git archive --format=tar.gz --prefix=pod-$(VERSION)/ -o $(DIST) HEAD

include tests/tests.mk
