# bench.mk - build the benchmark: the workloads once per allocator, and the runner. Called by
# `make bench` and test/bench-smoke.sh with the library built; MISSING lists what cannot be had.
#
# All workloads have the same flags whatever the allocator, and so has the library in them. Functions
# begin on lines of their own: the same loop took 3.7 or 4.2 ns by where others had pushed it.

CC      ?= cc
CXX     ?= c++
BUILD   ?= build
VERSION ?= ?
OUT     := $(BUILD)/bench
FLAGS   := -O2 -falign-functions=64 -g -pthread -D_GNU_SOURCE -Wall -Wextra -Iinclude -MMD -MP -I$(OUT)
C11     := $(CC) -std=c11 -Wmissing-prototypes -Wshadow
WORK    := bench peer work_single work_memory work_threads
RUNNER  := run row peers spawn figures report_table report_json report_svg machine
SHARED  := slab slab-call
PEERS   ?= glibc mimalloc jemalloc tcmalloc gslice boost limit slab-lto $(SHARED)
GLIB    := $(shell pkg-config --cflags glib-2.0 2>/dev/null)

.SUFFIXES:
.DELETE_ON_ERROR:
.PHONY: all FORCE
all: $(OUT)/run $(addprefix $(OUT)/bench-,$(PEERS))

# What each is compiled with, and linked with.
COMPILE_slab      := $(C11) -DPEER_SLAB
COMPILE_slab-call := $(C11) -DPEER_SLAB -DSLAB_NO_INLINE
COMPILE_slab-lto  := $(C11) -DPEER_SLAB -flto
COMPILE_malloc    := $(C11) -DPEER_MALLOC
COMPILE_gslice    := $(C11) -DPEER_GSLICE $(GLIB)
COMPILE_boost     := $(CXX) -x c++ -std=c++17 -DPEER_BOOST
COMPILE_limit     := $(C11) -DPEER_LIMIT
LINK_slab         := $(BUILD)/libslab.so -Wl,-rpath,$(abspath $(BUILD))
LINK_slab-call    := $(LINK_slab)
LINK_mimalloc     := -Wl,--no-as-needed -l:libmimalloc.so.2
LINK_jemalloc     := -Wl,--no-as-needed -l:libjemalloc.so.2
LINK_tcmalloc     := -Wl,--no-as-needed -l:libtcmalloc_minimal.so.4
LINK_gslice       := -lglib-2.0

# Written when the version is another than last time.
$(OUT)/version.h: FORCE
	@mkdir -p $(@D)
	@echo "#define BENCH_SLAB_VERSION \"$(VERSION)\"" >$@.new
	@cmp -s $@.new $@ || cp $@.new $@
FORCE:

# objects KIND: the workloads compiled for one kind of peer
define objects
$(OUT)/$(1)/%.o: test/bench/%.c | $(OUT)/version.h
	@mkdir -p $$(@D)
	@$$(COMPILE_$(1)) $(FLAGS) -c -o $$@ $$<
endef
KINDS := slab slab-call slab-lto malloc gslice boost limit
$(foreach kind,$(KINDS),$(eval $(call objects,$(kind))))
of = $(WORK:%=$(OUT)/$(1)/%.o)

$(OUT)/bench-slab $(OUT)/bench-slab-call: $(OUT)/bench-%: $(BUILD)/libslab.so
$(foreach kind,$(filter-out malloc slab-lto,$(KINDS)),\
	$(eval $(OUT)/bench-$(kind): $(call of,$(kind))))
$(foreach peer,glibc mimalloc jemalloc tcmalloc,$(eval $(OUT)/bench-$(peer): $(call of,malloc)))
$(OUT)/bench-boost: LINKER := $(CXX)

# The library once more, its objects seen by the linker as source.
LTO_OBJ := $(patsubst slab/%.c,$(OUT)/lto/%.o,$(wildcard slab/*.c))
$(LTO_OBJ): $(OUT)/lto/%.o: slab/%.c
	@mkdir -p $(@D)
	@$(CC) -std=c11 -O2 -g -flto -pthread -I. -Iinclude -DSLAB_CHECKS=0 -fPIC \
		-fvisibility=hidden -MMD -MP -c -o $@ $<
$(OUT)/bench-slab-lto: $(call of,slab-lto) $(LTO_OBJ)
$(OUT)/bench-slab-lto: LTO := -flto=auto

LINKER := $(CC)
$(OUT)/bench-%:
	@echo "  LD    $@"
	@$(LINKER) -O2 -g -pthread $(LTO) -o $@ $(filter %.o,$^) $(LINK_$*)

$(RUNNER:%=$(OUT)/runner/%.o): $(OUT)/runner/%.o: test/bench/%.c
	@mkdir -p $(@D)
	@$(C11) $(FLAGS) -c -o $@ $<
$(OUT)/run: $(RUNNER:%=$(OUT)/runner/%.o)
	@echo "  LD    $@"
	@$(CC) -O2 -pthread -o $@ $^ -lm

-include $(wildcard $(OUT)/*/*.d)
