# slab: `make help` lists what there is to make and to set.

CC       ?= cc
# valgrind of Debian 12 cannot read the DWARF 5 of clang
CFLAGS   ?= -O2 $(if $(findstring clang,$(CC)),-gdwarf-4,-g)
WERROR   ?= -Werror
PREFIX   ?= /usr/local
LIBDIR   ?= $(PREFIX)/lib
LDCONFIG ?= ldconfig
BUILD    ?= build
CHECKS   ?= 0

# Either stands in the names of targets.
ifneq ($(words $(BUILD))$(findstring :,$(BUILD)),1)
$(error BUILD='$(BUILD)': make cannot build there; name one folder, without blanks and colons)
endif

VERSION  := 0.1.0
SONAME   := libslab.so.0
WARNINGS := -Wall -Wextra -Wundef -Wmissing-prototypes -Wshadow $(WERROR)
INCLUDES := -I. -Iinclude
COMPILE   = $(CC) -std=c11 $(CFLAGS) -pthread $(WARNINGS) $(INCLUDES) -DSLAB_CHECKS=$(CHECKS) \
            -MMD -MP

MALLOC_OBJ := $(BUILD)/obj/slab/malloc.o $(BUILD)/obj/slab/deepbind.o
LIB_OBJ   := $(filter-out $(MALLOC_OBJ),$(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard slab/*.c)))
DEMO_SRC  := $(wildcard tools/slabdemo*.c)
DEMO_OBJ  := $(patsubst %.c,$(BUILD)/obj/%.o,$(DEMO_SRC))
# What slabstat can use if it is there: set NCURSES=, ZLIB= or LIBDW= to build without.
ifeq ($(origin NCURSES),undefined)
NCURSES   := $(firstword $(foreach p,ncursesw ncurses,$(shell \
             pkg-config --exists $p 2>/dev/null && echo $p)))
endif
ifeq ($(origin ZLIB),undefined)
ZLIB      := $(shell pkg-config --exists zlib 2>/dev/null && echo zlib)
endif
ifeq ($(origin LIBDW),undefined)
LIBDW     := $(shell pkg-config --exists libdw 2>/dev/null && echo libdw)
endif
STAT_USES := $(NCURSES) $(ZLIB) $(LIBDW)
STAT_FLAGS := $(if $(LIBDW),-DSLAB_WITH_DWFL=1) $(if $(ZLIB),-DSLAB_WITH_ZLIB=1) \
             $(if $(NCURSES),-DSLAB_WITH_NCURSES=$(if $(filter %w,$(NCURSES)),1,0)) \
             $(if $(STAT_USES),$(shell pkg-config --cflags $(STAT_USES)))
STAT_LIBS := $(if $(STAT_USES),$(shell pkg-config --libs $(STAT_USES)))
STAT_OBJ  := $(patsubst %.c,$(BUILD)/obj/%.o,$(filter-out $(DEMO_SRC),$(wildcard tools/*.c)))
TEST_ALL  := $(patsubst test/%.c,%,$(wildcard test/test_*.c))
TESTS     ?=
TEST_SOME := $(if $(TESTS),$(filter $(TESTS),$(TEST_ALL)),$(TEST_ALL))
CANARIES  := $(patsubst test/canary/%.c,%,$(wildcard test/canary/*.c))
CRITERION := $(addprefix $(BUILD)/test/criterion/,$(TEST_SOME) $(CANARIES))
ONE       := $(addprefix $(BUILD)/test/one/,$(TEST_SOME) $(CANARIES))
MAN1      := $(wildcard docs/*.1)
MAN3      := $(wildcard docs/*.3)

.DELETE_ON_ERROR:
.SUFFIXES:
FUZZ_SECONDS ?= 60
.PHONY: all run fuzz test test-programs one-programs check-all bench bench-apps bench-docs lint \
	places install uninstall clean help FORCE

PRODUCTS := $(addprefix $(BUILD)/,libslab.a libslab.so libslab-malloc.so slabstat slabdemo \
            slabrun)

all: $(PRODUCTS) ## the default: the libraries, slabstat, slabrun, slabdemo

run: all ## build, then index the words of this machine's text files with slabdemo
	@$(BUILD)/slabdemo

test: all ## build and pass the tests, natively and under valgrind (installs them through apt)
	@scripts/need.sh libcriterion-dev valgrind
	@$(MAKE) --no-print-directory test-programs
	@CC='$(CC)' BUILD='$(BUILD)' TESTS='$(TESTS)' test/run.sh

test-programs: $(CRITERION) $(ONE)

fuzz: all ## fuzz what slabstat reads for FUZZ_SECONDS (60), with clang's libFuzzer
	@BUILD='$(BUILD)' CC='$(CC)' FUZZ_SECONDS='$(FUZZ_SECONDS)' test/fuzz/fuzz.sh

one-programs: $(ONE)

check-all: test ## make test, then helgrind, drd and the sanitizers with gcc and clang (apt, too)
	@CC='$(CC)' BUILD='$(BUILD)' scripts/check-all.sh

lint: ## check the rules of the house (CONTRIBUTING.md), and that the checks can fail
	@scripts/lint.sh --self-test
	@CC='$(CC)' scripts/lint.sh

bench: all ## measure against other allocators (installs them through apt): docs/benchmarks.md
	@BUILD='$(BUILD)' CC='$(CC)' VERSION='$(VERSION)' REPS='$(REPS)' ROWS='$(ROWS)' \
		SIZES='$(SIZES)' PEER_LIBS='$(PEER_LIBS)' test/bench/bench.sh

bench-apps: all ## time real programs on it and on other allocators, by preload
	@BUILD='$(BUILD)' CC='$(CC)' REPS='$(REPS)' APPS='$(APPS)' SCALE='$(SCALE)' \
		PEER_LIBS='$(PEER_LIBS)' test/bench/apps.sh

bench-docs: ## take the figures of the last make bench into docs/
	@test/bench/docs.sh '$(BUILD)'

# ---- the library ---------------------------------------------------------------------------

# Other flags than last time make everything anew.
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(COMPILE) $(STAT_FLAGS) $(LDFLAGS)' | cmp -s - $@ || \
		echo '$(COMPILE) $(STAT_FLAGS) $(LDFLAGS)' >$@

$(LIB_OBJ) $(MALLOC_OBJ): $(BUILD)/obj/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	@echo "  CC    $<"
	@$(COMPILE) -fPIC -fvisibility=hidden -c -o $@ $<

# Sanitizers walk stacks by frame pointers: without one here they would not see who called. The fast
# paths call nothing and need none, where the compiler can tell.
FRAMES := -fno-omit-frame-pointer $(shell $(CC) -Werror -momit-leaf-frame-pointer -fsyntax-only \
          -x c /dev/null 2>/dev/null && echo -momit-leaf-frame-pointer)
$(addprefix $(BUILD)/obj/slab/,direct.o sized.o slow.o): COMPILE += $(FRAMES)

$(BUILD)/libslab.a: $(LIB_OBJ)
	@echo "  AR    $@"
	@rm -f $@
	@$(AR) rcs $@ $^

$(BUILD)/libslab.so: $(LIB_OBJ)
	@echo "  LD    $@"
	@$(CC) -shared $(CFLAGS) -pthread -Wl,-z,nodelete -Wl,-z,text -Wl,-z,defs \
		-Wl,-soname,$(SONAME) $(LDFLAGS) -o $@ $^
	@ln -sf libslab.so $(BUILD)/$(SONAME)

# For LD_PRELOAD: binds its own names to itself, whatever the program brings.
$(BUILD)/libslab-malloc.so: $(LIB_OBJ) $(MALLOC_OBJ) slab/malloc.map
	@echo "  LD    $@"
	@$(CC) -shared $(CFLAGS) -pthread -Wl,-z,nodelete -Wl,-z,text -Wl,-z,defs -Wl,-Bsymbolic \
		-Wl,--version-script=slab/malloc.map -Wl,-soname,libslab-malloc.so $(LDFLAGS) \
		-o $@ $(LIB_OBJ) $(MALLOC_OBJ)

# ---- the programs --------------------------------------------------------------------------

$(STAT_OBJ) $(DEMO_OBJ): $(BUILD)/obj/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	@echo "  CC    $<"
	@$(COMPILE) $(if $(filter $@,$(STAT_OBJ)),$(STAT_FLAGS)) -DSLAB_VERSION='"$(VERSION)"' \
		-c -o $@ $<

$(BUILD)/slabstat: $(STAT_OBJ)
	@echo "  LD    $@"
	@$(CC) $(CFLAGS) -pthread $(LDFLAGS) -o $@ $^ $(STAT_LIBS)

$(BUILD)/slabdemo: $(DEMO_OBJ) $(BUILD)/libslab.a
	@echo "  LD    $@"
	@$(CC) $(CFLAGS) -pthread $(LDFLAGS) -o $@ $^

$(BUILD)/slabrun: tools/slabrun
	@install -D -m 755 $< $@

# ---- tests ---------------------------------------------------------------------------------
# Each test file becomes two programs: under Criterion (a process per test), and under the header
# of the same name in test/shim (all in one process, for valgrind). The canaries likewise.

vpath test_%.c test
vpath %.c test/canary

$(CRITERION): $(BUILD)/test/criterion/%: %.c $(BUILD)/libslab.a $(BUILD)/flags
	@mkdir -p $(@D)
	@echo "  TEST  $<"
	@$(COMPILE) -MF $@.d -MT $@ -o $@ $< $(BUILD)/libslab.a $(LDFLAGS) -lcriterion

$(ONE): $(BUILD)/test/one/%: %.c $(BUILD)/libslab.a $(BUILD)/flags
	@mkdir -p $(@D)
	@$(COMPILE) -Itest/shim -MF $@.d -MT $@ -o $@ $< $(BUILD)/libslab.a $(LDFLAGS)

# ---- install -------------------------------------------------------------------------------

DEST := $(DESTDIR)$(PREFIX)
DLIB := $(DESTDIR)$(LIBDIR)
# FOLDER,FILES: their paths there for the shell; FOLDER may have blanks, as DESTDIR may
under = $(foreach file,$2,'$1/$(file)')

# slab.pc and slabrun tell others of them, who are elsewhere, and ld.so, which takes no blanks.
places:
	@for place in '$(PREFIX)' '$(LIBDIR)'; do case $$place in \
		*[[:space:]:]*) echo "nothing can be preloaded from '$$place': name a" \
			"PREFIX and LIBDIR without blanks and colons" >&2; exit 1 ;; \
		'' | /*) ;; \
		*) echo "'$$place' is no place that others find: let PREFIX and LIBDIR" \
			"begin with /; DESTDIR need not" >&2; exit 1 ;; \
	esac; done

install: places all ## install under PREFIX (/usr/local), staged under DESTDIR
	install -d $(call under,$(DEST),include bin) '$(DLIB)/pkgconfig'
	install -m 644 include/slab.h '$(DEST)/include/'
	install -m 644 $(BUILD)/libslab.a '$(DLIB)/'
	install -m 755 $(BUILD)/libslab.so '$(DLIB)/libslab.so.$(VERSION)'
	ln -sf libslab.so.$(VERSION) '$(DLIB)/$(SONAME)'
	ln -sf $(SONAME) '$(DLIB)/libslab.so'
	install -m 755 $(BUILD)/libslab-malloc.so '$(DLIB)/'
	install -m 755 $(BUILD)/slabstat '$(DEST)/bin/'
	sed 's,^libdir=.*,libdir=$(LIBDIR),' tools/slabrun >$(BUILD)/slabrun.installed
	install -m 755 $(BUILD)/slabrun.installed '$(DEST)/bin/slabrun'
	install -d '$(DEST)/share/bash-completion/completions'
	install -m 644 tools/slabstat.bash '$(DEST)/share/bash-completion/completions/slabstat'
	printf '%s\n' 'prefix=$(PREFIX)' 'libdir=$(LIBDIR)' 'includedir=$${prefix}/include' '' \
		'Name: slab' 'Description: userspace slab allocator for fixed-size objects' \
		'Version: $(VERSION)' 'Cflags: -I$${includedir}' 'Libs: -L$${libdir} -lslab' \
		'Libs.private: -pthread' >'$(DLIB)/pkgconfig/slab.pc'
ifneq ($(MAN1),)
	install -d '$(DEST)/share/man/man1'
	install -m 644 $(MAN1) '$(DEST)/share/man/man1/'
endif
ifneq ($(MAN3),)
	install -d '$(DEST)/share/man/man3'
	install -m 644 $(MAN3) '$(DEST)/share/man/man3/'
endif
# ld.so finds a library in its folders by its cache, or is told where else it is
ifeq ($(DESTDIR),)
	@PATH="$$PATH:/usr/sbin:/sbin"; $(LDCONFIG) 2>/dev/null; \
		$(LDCONFIG) -p 2>/dev/null | grep -qF '> $(LIBDIR)/$(SONAME)' || \
		echo "Programs do not find $(SONAME) yet: run ldconfig as root, or set" \
			"LD_LIBRARY_PATH=$(LIBDIR), or link with -Wl,-rpath,$(LIBDIR)"
endif

uninstall: places ## remove what install put there
	rm -f $(call under,$(DEST),include/slab.h bin/slabstat bin/slabrun \
			share/bash-completion/completions/slabstat) \
		$(call under,$(DLIB),pkgconfig/slab.pc libslab.a libslab.so libslab-malloc.so \
			$(SONAME) libslab.so.$(VERSION)) \
		$(call under,$(DEST)/share/man/man1,$(notdir $(MAN1))) \
		$(call under,$(DEST)/share/man/man3,$(notdir $(MAN3)))

clean: ## remove build/
	rm -rf $(BUILD)

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile
	@echo 'Settable: CC CFLAGS LDFLAGS PREFIX LIBDIR DESTDIR BUILD, WERROR= (warnings pass),'
	@echo '  CHECKS=1 (assertions on), TESTS="test_bitmap exports" (for make test: these only)'

-include $(patsubst %.o,%.d,$(LIB_OBJ) $(MALLOC_OBJ) $(STAT_OBJ) $(DEMO_OBJ)) $(CRITERION:=.d) \
	$(ONE:=.d)
