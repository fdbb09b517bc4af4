# make            release build: build/espgate, build/espboard (the simulated board), build/ptymodem.so
# make demo       the main job on a simulated board; installs what it needs.  STAY=1: the bench stays, to look around
# make test       every test; installs what it needs.  make test VARIANT=tsan: the concurrent ones under TSan
# make run        espgate for real boards.   make bench   figures.   make lint   checks.   make fmt   format
# make deb        the Debian package, build/espgate_*.deb.   make package-test   it and the container, as root; takes minutes
# make soak T=1800   works it for so many seconds, and its memory and open files must stay flat
# VARIANT=release|debug|asan|tsan|cov picks the build folder.  V=1 shows commands.
NAME    := espgate
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo 0.0.0)
VARIANT ?= release
PKGS    := libmicrohttpd gnutls jansson libserialport openssl libcurl libmosquitto sqlite3 zlib libzip libudev

# No rule that is not here: make knows one that would link the folder api/ui from api/ui.c.
MAKEFLAGS += -r

# What there is to build: files are found, never listed twice.
SRC    := $(filter-out service/main.c,$(wildcard service/*.c service/*/*.c api/*.c api/*/*.c))
HDR    := $(wildcard service/*.h service/*/*.h api/*.h api/*/*.h)
UNIT   := $(wildcard tests/unit/*/test_*.c)
FUZZ   := $(wildcard tests/fuzz/fuzz_*.c)
BENCH  := $(wildcard tests/bench/bench_*.c)
BOARD  := $(wildcard tests/board/*.c tests/board/firmware/*.c)
SHIM   := $(wildcard tests/board/shim/*.c)
FORMAT := $(SRC) service/main.c $(HDR) $(wildcard tests/*/*.[ch] tests/*/*/*.[ch])

# How: one folder per variant, so that switching never needs `clean`.
B         := build/$(VARIANT)
WARN      := -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wswitch-enum \
             -Wconversion -Wformat=2 -Wvla -Wpointer-arith -Wwrite-strings -Werror
debug_F   := -Og -g3
release_F := -O2 -g -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE
release_L := -pie -Wl,-z,relro
asan_F    := -O1 -g3 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
tsan_F    := -O1 -g3 -fno-omit-frame-pointer -fsanitize=thread
cov_F     := -O0 -g3 --coverage
fuzz_F    := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -DFUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
$(if $($(VARIANT)_F),,$(error VARIANT must be release, debug, asan, tsan or cov, not "$(VARIANT)"))
CPPFLAGS  += -I. -D_GNU_SOURCE $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
CFLAGS    += -std=c11 $(WARN) $($(VARIANT)_F)
# Every function is bound at the start: binding one when it is first called saves the registers on the stack, and
# with them whatever key was just copied.
LDFLAGS   += -Wl,--as-needed,-z,now $($(VARIANT)_F) $($(VARIANT)_L)
LDLIBS    += $(shell pkg-config --libs $(PKGS) 2>/dev/null) -pthread
say        = $(if $(V),,@printf '  %-5s %s\n' $1 $@;)
step       = $(if $(V),,@echo '  LINT  $1'; )
PYTHON    := /usr/bin/python3

LIB    := $(B)/lib$(NAME).a
TESTS  := $(UNIT:%.c=$(B)/%)
REPLAY := $(FUZZ:tests/fuzz/fuzz_%.c=$(B)/tests/fuzz/replay_%)
FUZZED := $(FUZZ:tests/fuzz/fuzz_%.c=$(B)/tests/fuzz/run_%)
BENCHS := $(BENCH:%.c=$(B)/%)
PARTS  := $(B)/$(NAME) $(B)/espboard $(B)/ptymodem.so

.PHONY: all build parts deps demo run test test-all unit tsan bench bench-all soak lint lint-all fmt fuzz fuzz-all clean \
        deb package-test
.SECONDARY:
.SUFFIXES: # no rule but those here: make's own would link api/ui.c into the folder api/ui
all: build/$(NAME) build/espboard build/ptymodem.so
build/%: build/release/%
	$(call say,CP)cp -f $< $@
parts: $(PARTS)
$(shell mkdir -p $(B); echo $(VERSION) | cmp -s - $(B)/version || echo $(VERSION) >$(B)/version)
$(B)/service/main.o: CPPFLAGS += -DVERSION='"$(VERSION)"'
$(B)/service/main.o: $(B)/version
$(B)/%.o: %.c Makefile
	$(call say,CC)mkdir -p $(@D) && $(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<
# The contract is part of the program: GET /openapi.yaml and /openapi.json answer it from memory.
$(B)/openapi.o: openapi.yaml build/openapi.json Makefile
	$(call say,LD)mkdir -p $(@D) && $(LD) -r -b binary -z noexecstack -o $@ openapi.yaml build/openapi.json
build/openapi.json: openapi.yaml Makefile
	$(call say,JSON)mkdir -p $(@D) && $(PYTHON) -c 'import json, sys, yaml; json.dump(yaml.safe_load(sys.stdin), sys.stdout)' <$< >$@.$$$$ && mv $@.$$$$ $@
# So is the dashboard. A folder is newer when a file came or went.
UI := $(shell find api/ui ! -name '.*' ! -name '*~')
build/ui_files.c: api/ui_pack.py $(UI) Makefile
	$(call say,PACK)mkdir -p $(@D) && $(PYTHON) $< api/ui $@.$$$$ && mv $@.$$$$ $@
$(B)/ui_files.o: build/ui_files.c
	$(call say,CC)mkdir -p $(@D) && $(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<
$(LIB): $(SRC:%.c=$(B)/%.o) $(B)/openapi.o $(B)/ui_files.o
	$(call say,AR)rm -f $@ && $(AR) rcs $@ $^
$(B)/$(NAME): $(B)/service/main.o $(LIB)
	$(call say,LD)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)
$(TESTS): %: %.o $(LIB)
	$(call say,LD)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS) -lcmocka
$(BENCHS): %: %.o $(LIB)
	$(call say,LD)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)
# The simulated board shares no object with the service.
$(B)/espboard: $(BOARD:%.c=$(B)/%.o)
	$(call say,LD)$(CC) $(LDFLAGS) -o $@ $^ $(shell pkg-config --libs openssl libmosquitto zlib) -pthread
$(B)/ptymodem.so: $(SHIM) tests/board/modem.h Makefile
	$(call say,LD)mkdir -p $(@D) && $(CC) $(CPPFLAGS) -std=c11 -O2 -g -fPIC -shared $(WARN) -o $@ $(SHIM) -ldl
$(B)/tests/fuzz/replay_%: $(B)/tests/fuzz/fuzz_%.o $(B)/tests/fuzz/replay.o $(LIB)
	$(call say,LD)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)
# make fuzz T=600: each target for so many seconds. What it finds is in build/fuzz; an input worth keeping goes into
# tests/fuzz/corpus.
$(B)/tests/fuzz/run_%: $(B)/tests/fuzz/fuzz_%.o $(LIB)
	$(call say,LD)$(CC) $(LDFLAGS) -fsanitize=fuzzer -o $@ $^ $(LDLIBS)

# What a newcomer calls: each installs its own needs first, then runs itself again with them in place.
deps:
	@sh docker/deps.sh build
demo:
	@sh docker/deps.sh build demo
	@$(MAKE) --no-print-directory all
	@STAY=$(STAY) sh tests/demo/demo.sh
run:
	@sh docker/deps.sh build
	@$(MAKE) --no-print-directory all
	build/$(NAME) $(ARGS)
test:
	@sh docker/deps.sh build demo test
	@$(MAKE) --no-print-directory test-all VARIANT=$(if $(filter release,$(VARIANT)),asan,$(VARIANT))
bench:
	@sh docker/deps.sh build demo test bench
	@$(MAKE) --no-print-directory bench-all VARIANT=release
soak:
	@sh docker/deps.sh build demo test
	@$(MAKE) --no-print-directory all
	@$(PYTHON) tests/bench/soak.py build/release $(or $(T),1800)
deb:
	@sh docker/deps.sh build deb
	@$(MAKE) --no-print-directory build/$(NAME)
	@rm -f build/$(NAME)_*.deb
	@sh docker/deb/build.sh build/$(NAME) build '$(VERSION)'
package-test: deb
	@sh docker/deps.sh package
	@sh tests/package/run.sh
lint:
	@sh docker/deps.sh build demo test lint
	@$(MAKE) --no-print-directory lint-all

test-all: $(TESTS) $(REPLAY) $(PARTS)
	@VARIANT=$(VARIANT) sh tests/run.sh $(B) "$(TESTS)" "$(REPLAY)"
unit: $(TESTS)
	@set -e; for t in $(TESTS); do $$t; done
bench-all: all $(BENCHS)
	@sh tests/bench/bench.sh $(B)
fuzz:
	@$(MAKE) --no-print-directory fuzz-all VARIANT=fuzz CC=clang WARN=
fuzz-all: $(FUZZED)
	@set -e; for f in $(FUZZED); do n=$${f##*/run_}; mkdir -p $(B)/found/$$n; \
	  $$f -max_total_time=$(or $(T),30) -artifact_prefix=$(B)/$$n- $(B)/found/$$n tests/fuzz/corpus/$$n; done
lint-all: build/openapi.json
	$(call step,format)clang-format --dry-run --Werror $(FORMAT)
	$(call step,headers)set -e; for h in $(HDR); do $(CC) -std=c11 $(CPPFLAGS) -fsyntax-only -x c $$h; done
	$(call step,layers)sh tests/lint/layers.sh
	$(call step,banned calls)sh tests/lint/banned.sh
	$(call step,openapi.yaml)$(PYTHON) tests/lint/openapi.py openapi.yaml
	$(call step,dashboard)$(PYTHON) tests/lint/ui.py
	$(call step,cppcheck)cppcheck -q -j2 --std=c11 --enable=warning,portability,performance --inline-suppr --error-exitcode=1 \
	  --suppress=missingIncludeSystem -I. -D_GNU_SOURCE service api tests/board
	$(call step,clang-tidy)printf '%s\n' $(SRC) service/main.c $(BOARD) | xargs -P2 -n1 sh -c \
	  'clang-tidy --quiet "$$@" -- $(CPPFLAGS) -DVERSION=\"lint\" -std=c11 2>/dev/null' --
fmt:
	clang-format -i $(FORMAT)
clean:
	rm -rf build
-include $(shell find $(B) -name '*.d' 2>/dev/null)
