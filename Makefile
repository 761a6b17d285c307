# The only entry. `make help` lists the targets; MODE=release|debug|asan|tsan chooses a variant, each in its own folder
# under build/, so that variants never clean each other.
MODE   ?= release
B      := build/$(MODE)
BIN    := $(if $(filter release,$(MODE)),build/canopy,$(B)/canopy)
PREFIX ?= /usr/local
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

# What is missing on this machine is installed before anything else is asked of it.
ifneq ($(filter-out help clean,$(or $(MAKECMDGOALS),all)),)
ifeq ($(MAKELEVEL),0)
$(if $(shell scripts/setup.sh $(filter fuzz bench,$(MAKECMDGOALS:bench-store=bench)) 1>&2 || echo failed),$(error scripts/setup.sh failed))
endif
endif
ifeq ($(filter -j%,$(MAKEFLAGS)),)
MAKEFLAGS += -j$(shell nproc)
endif

# --- variants -------------------------------------------------------------------------------------------------------
flags_release := -O2 -g1 -fno-plt $(if $(filter x86_64,$(shell uname -m)),-march=x86-64-v2)
flags_debug   := -O0 -g -DCANOPY_DEBUG
flags_asan    := -O1 -g -DCANOPY_DEBUG -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
flags_tsan    := -O1 -g -DCANOPY_DEBUG -fsanitize=thread -fno-omit-frame-pointer
flags_fuzz    := -O1 -g -DCANOPY_DEBUG -fsanitize=fuzzer-no-link,address,undefined -fsanitize-ignorelist=tests/fuzz/ignored.txt \
                 -fno-sanitize-recover=undefined -fno-omit-frame-pointer -Wno-error
$(if $(flags_$(MODE)),,$(error MODE=$(MODE) is none of release, debug, asan, tsan))

CXX      := $(if $(filter fuzz,$(MODE)),clang++,g++)
CCACHE   := $(shell command -v ccache)
WARN     := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor -Werror
# Or roaring's header brings those of all vector instructions, which it does not use: half a second for each source.
CPPFLAGS := -Iinclude -Isrc -I. -DDISABLE_X64
# Relative paths in debug information: ccache then serves every clone and work tree.
CXXFLAGS := -std=c++20 -pthread $(WARN) $(flags_$(MODE)) -fdebug-prefix-map=$(CURDIR)=. $(EXTRA_CXXFLAGS)
LDFLAGS  := $(if $(shell command -v mold),-fuse-ld=mold) -Wl,--as-needed
# The memory allocator of the program; `make MALLOC=` takes the C library's. Sanitizers bring their own.
MALLOC   ?= $(if $(filter release,$(MODE)),-ljemalloc)
LIBS     := -lPocoNetSSL -lPocoCrypto -lPocoUtil -lPocoNet -lPocoFoundation -lcurl -lssl -lcrypto -lyaml-cpp -lsqlite3 \
            -lre2 -lroaring -lxxhash -lsnappy -lzstd -ldeflate -lz -lcrypt $(shell pkg-config --libs absl_flat_hash_map)

# --- sources are found, modules and their order are read from scripts/layers.txt -------------------------------------
MODULES := $(shell sed -n '/^[a-z]/{/^deny/!p}' scripts/layers.txt)
# Words "module/below": what a module may use. Its tests are linked with that and no more.
BELOW   := $(shell awk '/^[a-z]/ && !/^deny/ {for (i = 1; i <= NF; i++) print $$i "/" $$i; \
             for (i = 1; i <= NF; i++) for (j = 0; j < n; j++) print $$i "/" down[j]; for (i = 1; i <= NF; i++) down[n++] = $$i}' \
             scripts/layers.txt)
module_dir = $(if $(filter federation,$(1)),federation,src/$(1))
objs       = $(addprefix $(B)/obj/,$(addsuffix .o,$(basename $(1))))
libs       = $(addprefix $(B)/lib/lib,$(addsuffix .a,$(1)))
sources    = $(filter-out src/app/main.cc,$(wildcard $(call module_dir,$(1))/*.cc))
uses       = $(patsubst $(1)/%,%,$(filter $(1)/%,$(BELOW)))
group      = -Wl,--start-group $(filter %.a,$(1)) -Wl,--end-group

TESTED  := $(foreach m,$(MODULES),$(if $(wildcard tests/$(m)/*_test.cc),$(m)))
TESTS   := $(TESTED:%=$(B)/tests/%_tests)
BENCHES := $(patsubst tests/bench/%_bench.cc,$(B)/bench/%,$(wildcard tests/bench/*_bench.cc))
FUZZERS := $(patsubst tests/fuzz/%_fuzz.cc,$(B)/fuzz/%,$(wildcard tests/fuzz/*_fuzz.cc))
SUPPORT := $(B)/lib/libsupport.a
ALL_SRC := $(foreach m,$(MODULES),$(call sources,$(m))) src/app/main.cc $(wildcard tests/*/*.cc tests/*.cc)
HEADERS := $(wildcard include/canopy/*/*.h src/*/*.h federation/*.h)

# $(call remember,file,text): the file is rewritten only when the text changes, so what depends on it is rebuilt then.
define remember
ifneq "$$(strip $$(wildcard $(1)) $$(file <$(1)))" "$$(strip $(1) $(2))"
$$(shell mkdir -p $(dir $(1)))$$(file >$(1),$(2))
endif
endef

# --- what a user calls ----------------------------------------------------------------------------------------------
.PHONY: all build test unit e2e check format demo bench bench-store fuzz headers install clean help
all build: $(BIN)             ## build the program: build/canopy (or build/MODE/canopy)
test: $(TESTS) $(BIN)         ## build and run all tests; the last line is "N passed, N failed"
	@scripts/run_tests.sh $(TESTS) -- $(BIN)
unit: $(TESTS)                ## the module tests alone
	@scripts/run_tests.sh $(TESTS)
test-%: $(B)/tests/%_tests    ## the tests of one module, e.g. make test-promql
	@$< $(TEST_ARGS)
e2e: $(BIN)                   ## end-to-end tests: real processes, real peers
	@scripts/run_tests.sh -- $(BIN)
check:                        ## layering and format
	@scripts/check_layers.py
	@scripts/format.sh --check
format:                       ## rewrite the sources as .clang-format says
	@scripts/format.sh
demo: $(BIN)                  ## a tree on loopback: targets, two leaves, a parent, one alert (DEMO_SECONDS=60 ends by itself)
	@scripts/demo $(BIN)
bench: $(BIN) $(BENCHES)      ## figures next to Prometheus's, in the same run (SERIES=100000, BENCH_SECONDS=120, QUERY_SERIES=4000, QUERY_HOURS=6)
	@tests/bench/run $(BIN) $(B)/bench
	@tests/bench/queries $(BIN)
bench-store: $(BIN) $(BENCHES) ## the store over hours of data time (SERIES=100000, STORE_STEP=30, CHURN_MINUTES=0)
	@tests/bench/store $(BIN) $(B)/bench
fuzz:                         ## each fuzz target for FUZZ_SECONDS=30 (clang, libFuzzer)
	@$(MAKE) MODE=fuzz fuzz-run
headers: $(HEADERS:%=$(B)/headers/%.ok)  ## compile each header alone
install: $(BIN)               ## copy the program to DESTDIR/PREFIX/bin
	install -D -m 755 $(BIN) $(DESTDIR)$(PREFIX)/bin/canopy
clean:                        ## remove build/
	rm -rf build
help:                         ## this list
	@sed -n 's/^\([a-z][a-z% -]*\):.*## \(.*\)/\1\t\2/p' Makefile | sed 's/^test-%/test-MODULE/' | expand -t 16

# --- how it is built ------------------------------------------------------------------------------------------------
$(eval $(call remember,$(B)/flags,$(CXX) $(shell $(CXX) -dumpfullversion 2>&1) $(CPPFLAGS) $(CXXFLAGS)))
$(eval $(call remember,$(B)/link,$(LDFLAGS) $(MALLOC) $(LIBS)))

$(B)/obj/tests/%.o: CPPFLAGS += -DBOOST_TEST_DYN_LINK
$(B)/obj/%.o: %.cc $(B)/flags
	@mkdir -p $(@D)
	@echo "  CXX   $<"
	@$(CCACHE) $(CXX) $(CPPFLAGS) $(CXXFLAGS) -MMD -MP -c $< -o $@

# A source that goes away must leave its archive too: hence the list.
define module
$$(eval $$(call remember,$(B)/lib/$(1).list,$(2)))
$(B)/lib/lib$(1).a: $(call objs,$(2)) $(B)/lib/$(1).list
	@rm -f $$@
	@ar rcs $$@ $$(filter %.o,$$^)
endef
$(foreach m,$(MODULES),$(eval $(call module,$(m),$(call sources,$(m)))))
$(eval $(call module,support,$(wildcard tests/support/*.cc)))

define test_binary
$(B)/tests/$(1)_tests: $(call objs,$(wildcard tests/$(1)/*_test.cc) tests/main_test.cc) $(SUPPORT) $(call libs,$(call uses,$(1)))
endef
$(foreach m,$(TESTED),$(eval $(call test_binary,$(m))))

$(BIN): $(call objs,src/app/main.cc) $(call libs,$(MODULES))
$(BENCHES): $(B)/bench/%: $(B)/obj/tests/bench/%_bench.o $(SUPPORT) $(call libs,$(MODULES))
$(FUZZERS): $(B)/fuzz/%: $(B)/obj/tests/fuzz/%_fuzz.o $(SUPPORT) $(call libs,$(MODULES))
$(TESTS): LIBS := -lboost_unit_test_framework $(LIBS)
# Before the archives: or a fake is linked, with all that it needs, for some string function that it has a copy of.
$(TESTS): LDFLAGS += -lstdc++
$(FUZZERS): LDFLAGS += -fsanitize=fuzzer
$(BIN) $(BENCHES): LIBS := $(MALLOC) $(LIBS)
$(BIN) $(BENCHES) $(TESTS) $(FUZZERS): $(B)/link
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	@$(CXX) $(CXXFLAGS) $(LDFLAGS) $(filter %.o,$^) $(call group,$^) $(LIBS) -o $@

$(B)/headers/%.ok: % $(B)/flags
	@mkdir -p $(@D)
	@$(CCACHE) $(CXX) $(CPPFLAGS) $(CXXFLAGS) -include $< -MMD -MP -MF $(@:.ok=.d) -MT $@ -x c++ -c /dev/null -o $@

.PHONY: fuzz-run
fuzz-run: $(FUZZERS)
	@scripts/run_fuzzers.sh $(FUZZERS)

-include $(patsubst %.o,%.d,$(call objs,$(ALL_SRC))) $(HEADERS:%=$(B)/headers/%.d)
