# Testing: everything that needs more than a compiler.

TOOL_NAMES := $(patsubst tests/tools/%.c,%,$(wildcard tests/tools/*.c))
TOOLS      := $(TOOL_NAMES:%=$(BUILD)/tests/%)
FUZZ_NAMES := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz-*.c))

# tiny programs that only tests use; static, since some run in containers
$(TOOLS): $(BUILD)/tests/%: tests/tools/%.c
	@mkdir -p $(@D)
	@$(CC) $(filter-out -fsanitize=% -fPIE,$(ALL_CFLAGS)) $(filter-out -fsanitize=% -pie,$(ALL_LDFLAGS)) -static -o $@ $<
# and one that is what pod-unpack is once it has given up its rights
$(BUILD)/tests/confined: tests/tools/confined/confined.c $(BUILD)/obj/helpers/unpack/confine.o $(BUILD)/libcommon.a
	@mkdir -p $(@D)
	@$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)
.PHONY: test-tools
test-tools: $(TOOLS) $(BUILD)/tests/confined

# What is tested is a finished build: packages first, then a make that knows of them.
.PHONY: check check-quick lint asan bench demo fuzz
check: deps-test
	@$(MAKE) $(JOBS) --no-print-directory BUILD=$(BUILD) all unit test-tools
	@tests/run -b $(BUILD)
# without lint and packages; TESTS="tests/a.bats tests/b.bats" runs only these
check-quick: all unit test-tools
	@tests/run -n -b $(BUILD) $(TESTS)

# What needs systemd and delegated cgroup v2, in a login session and in a delegated scope. Where
# this machine has none: VM="COMMAND", which runs the words behind it as a sudo user of a machine that
# has, in a copy of this directory.
VM ?=
VM_TESTS = tests/limits.bats tests/pause.bats tests/health.bats tests/journald.bats
.PHONY: check-vm
check-vm:
ifneq ($(VM),)
	@$(VM) 'make check-vm POD_TEST_SLOW=$(POD_TEST_SLOW)'
else
	@[ "$$(stat -f -c %T /sys/fs/cgroup)" = cgroup2fs ] && [ -d /run/systemd/system ] || { \
	    echo "Error: this machine has no systemd with cgroup v2" >&2; \
	    echo 'Type: make check-vm VM="COMMAND that runs another in a machine that has"' >&2; exit 1; }
	@$(MAKE) --no-print-directory deps-test
	@$(MAKE) $(JOBS) --no-print-directory BUILD=$(BUILD) all unit test-tools
	@POD_TEST_SESSION= tests/run -n -b $(BUILD) $(VM_TESTS)
	@POD_TEST_SESSION=keep tests/run -n -b $(BUILD) $(VM_TESTS)
endif

lint: all unit test-tools $(COMPLETIONS)
	@tests/lint/run -b $(BUILD)

# The same tests on a build that watches itself. Programs of ours leave memory to the kernel at
# exit, so leaks are looked for in unit tests only.
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=undefined
asan:
	@$(MAKE) $(JOBS) --no-print-directory BUILD=build-asan STATIC_PLAIN=1 HARDEN= LDFLAGS="$(SANITIZE)" \
	    CFLAGS="-O1 -g -fno-omit-frame-pointer $(SANITIZE)" all unit test-tools
	@ASAN_OPTIONS=detect_leaks=0:log_path=@TOP@/asan:abort_on_error=0 \
	    UBSAN_OPTIONS=print_stacktrace=1:log_path=@TOP@/asan \
	    tests/run -n -b build-asan $(TESTS)

# BENCH="run pull" runs only these of run, pull, rest and files; BENCH_ROUNDS=3, three times the rounds
bench: deps-bench
	@$(MAKE) $(JOBS) --no-print-directory BUILD=$(BUILD) all test-tools
	@POD_TEST_DISK=16G tests/lib/arena -b $(BUILD) tests/bench/run $(BENCH)

demo: deps-demo
	@$(MAKE) $(JOBS) --no-print-directory BUILD=$(BUILD) all test-tools
	@POD_TEST_CACHE= tests/lib/arena -b $(BUILD) tests/demo

FUZZ_SECONDS ?= 30
FUZZ_FLAGS   := -g -O1 -fsanitize=address,undefined
fuzz:
	@$(MAKE) --no-print-directory BUILD=build-fuzz CC=clang HARDEN=-fPIE \
	    CFLAGS="$(FUZZ_FLAGS),fuzzer-no-link" LDFLAGS="$(FUZZ_FLAGS)" fuzzers
	@tests/fuzz/run build-fuzz $(FUZZ_SECONDS)
.PHONY: fuzzers
fuzzers: $(FUZZ_NAMES:%=$(BUILD)/fuzz/%)
# what a fuzzer looks at beyond libcommon
fuzz_obj = $(addprefix $(BUILD)/obj/,$(addsuffix .o,$(1)))
FUZZ_tar      := $(addprefix helpers/unpack/,tar header pax sparse path dirs)
FUZZ_inflate  := $(addprefix helpers/unpack/,inflate ring)
FUZZ_manifest := $(addprefix bin/pull/,manifest platform)
FUZZ_archive  := $(FUZZ_manifest) $(addprefix bin/pull/,box docker origin plain plan tarindex)
FUZZ_answer   := $(addprefix helpers/fetch/,certs reply sink start token words xfer)
$(FUZZ_NAMES:%=$(BUILD)/fuzz/%): $(BUILD)/fuzz/fuzz-%: $(BUILD)/obj/tests/fuzz/fuzz-%.o \
    $$(call fuzz_obj,$$(FUZZ_$$*)) $(BUILD)/libcommon.a
	@mkdir -p $(@D)
	@$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -fsanitize=fuzzer -o $@ $^ $(LIBS)

# kill -9 before each system call of every program that changes something: some ten minutes
.PHONY: crash
crash:
	@POD_TEST_STEPS=all POD_TEST_LIMIT=7200 $(MAKE) --no-print-directory check-quick TESTS=tests/crash.bats
