# make builds the program ./hnrun and the library build/libhn.a; make help lists the rest.

# ---- Settings: here, or on the command line (make CC=gcc-13 PREFIX=$HOME/.local) ---------------------------------

ifeq ($(origin CC),default)
CC = gcc
endif
OPT       = -O3 -g
PREFIX    = /usr/local
DESTDIR   =

# Where Debian has them. OpenBLAS is named by its folder: the plain -lopenblas may be a build with threads of its own,
# which would fight with ours.
MULTIARCH   = $(shell $(CC) -print-multiarch)
LUA_CFLAGS  = -I/usr/include/lua5.4
LUA_LIBS    = -llua5.4
BLAS_CFLAGS = -I/usr/include/$(MULTIARCH)/openblas-openmp
BLAS_LIBS   = -L/usr/lib/$(MULTIARCH)/openblas-openmp -Wl,-rpath,/usr/lib/$(MULTIARCH)/openblas-openmp -lopenblas
# The prompt's line editing is built where libedit is (make EDIT= leaves it out).
EDIT        := $(shell $(CC) -E -include histedit.h -x c /dev/null >/dev/null 2>&1 && echo libedit)
EDIT_LIBS   = $(if $(EDIT),-ledit)
# HDF5 files are read where libhdf5 is (make HDF5_LIBS= leaves it out).
HDF5_CFLAGS = -I/usr/include/hdf5/serial
HDF5_LIBS   := $(shell $(CC) -E -include hdf5.h $(HDF5_CFLAGS) -x c /dev/null >/dev/null 2>&1 && \
                 echo -L/usr/lib/$(MULTIARCH)/hdf5/serial -lhdf5)

# The CUDA backend is built where nvcc is. CUDA_ARCH: GPUs to build for ("native": those of this machine).
NVCC      = $(firstword $(wildcard $(CUDA_HOME)/bin/nvcc) $(shell command -v nvcc))
CUDA_HOME = /usr/local/cuda
CUDA_ARCH = 75 80 86 89 90 100 120

WARN = -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wdouble-promotion \
       -Wvla -Wundef -Wformat=2 -Werror

# ---- Nothing to change below -------------------------------------------------------------------------------------

BUILD   = build
PROGRAM = hnrun
# -ffp-contract=off: whether a product and a sum become one instruction must not depend on the processor, or the same
# seed would give other numbers. The other two let loops with square roots vectorise and change no result.
FLAGS  := -std=c11 -D_POSIX_C_SOURCE=200809L -Iengine $(LUA_CFLAGS) $(BLAS_CFLAGS) $(OPT) -fopenmp -pthread \
          -ffp-contract=off -fno-math-errno -fno-trapping-math \
          -fvisibility=hidden -fPIC -fno-semantic-interposition $(WARN)
LIBS   := $(LUA_LIBS) -lxxhash -lcjson $(BLAS_LIBS) $(HDF5_LIBS) -lz -lm -ldl
# What scripts load at run time, such as lfs, finds Lua's functions in the program.
EXPORT  = -Wl,-E

ENGINE  := $(sort $(wildcard $(addprefix engine/,core/*.c core/op/*.c cpu/*.c cpu/simd/*.c predict/*.c data/*.c lua/*.c)))
MAIN    := engine/hnrun.c engine/repl.c engine/edit.c
SOURCES := $(ENGINE) $(MAIN)
MODULES := $(sort $(shell find lua -name '*.lua'))
OBJECTS := $(ENGINE:%.c=$(BUILD)/%.o) $(BUILD)/lua_modules.o
VERSION  = $(shell sed -n 's/^\#define HN_VERSION "\(.*\)"/\1/p' engine/hn.h)

MAKEFLAGS += --no-print-directory $(if $(MAKELEVEL:0=),,-j$(shell nproc))
Q = $(if $(V),,@)
say = $(if $(V),,@echo '  $(1)')

.PHONY: all setup train test bench bench-predict asan fuzz lint doc format install clean help FORCE
.DELETE_ON_ERROR:
.SECONDARY:

all: $(PROGRAM) $(BUILD)/libhn.a cuda

$(PROGRAM): $(MAIN:%.c=$(BUILD)/%.o) $(BUILD)/libhn.a
	$(call say,link    $@)
	$Q$(CC) $(FLAGS) $(EXPORT) -o $@ $^ $(LIBS) $(EDIT_LIBS)

$(BUILD)/engine/edit.o: FLAGS += $(if $(EDIT),-DHN_LIBEDIT)
HDF5_FLAGS = $(if $(HDF5_LIBS),-DHN_HDF5 $(HDF5_CFLAGS))
$(BUILD)/engine/data/hdf5.o $(BUILD)/engine/data/hdf5_read.o: FLAGS += $(HDF5_FLAGS)

$(BUILD)/libhn.a: $(OBJECTS) $(BUILD)/list
	$(call say,library $@)
	$Qrm -f $@ && ar rcs $@ $(OBJECTS)

$(BUILD)/libhn.so: $(OBJECTS) $(BUILD)/list
	$(call say,library $@)
	$Q$(CC) $(FLAGS) -shared -Wl,-soname,libhn.so.0 -Wl,-z,defs -o $@ $(OBJECTS) $(LIBS)

$(BUILD)/%.o: %.c Makefile $(BUILD)/flags | $(BUILD)/found
	$(call say,compile $<)
	$Qmkdir -p $(@D) && $(CC) $(FLAGS) -MMD -MP -c -o $@ $<

# The kernels of hashed layers, once for each level of SIMD. There a product and a sum may be one instruction: what BLAS,
# whose part they have, gives differs between processors as well.
SIMD = $(BUILD)/engine/cpu/simd
$(SIMD)/plain.o $(SIMD)/avx2.o $(SIMD)/avx512.o: FLAGS += -ffp-contract=fast
ifneq ($(filter x86_64%,$(MULTIARCH)),)
$(SIMD)/avx2.o $(SIMD)/avx512.o: FLAGS += -mavx2 -mfma
$(SIMD)/avx512.o: FLAGS += -mavx512f -mavx512dq -mavx512bw -mavx512vl
endif

# ---- The CUDA backend: for GPUs by nvcc, and on the host's emulation of CUDA by g++ ---------------------------------

CUDA      := $(sort $(wildcard cuda/*.cu))
CUDA_HOST := $(sort $(wildcard cuda/host/*.cpp))
PLUGIN     = $(BUILD)/libhn_cuda.so
PLUGIN_HOST = $(BUILD)/libhn_cuda-host.so

CUDA_WARN  = -Wall -Wextra -Wshadow -Wconversion -Wdouble-promotion -Wvla -Wundef -Wformat=2 -Werror
ifeq ($(CUDA_ARCH),native)
CUDA_CODE  = -arch=native
else
CUDA_CODE  = $(foreach a,$(CUDA_ARCH),-gencode arch=compute_$(a),code=sm_$(a)) \
             $(foreach a,$(lastword $(CUDA_ARCH)),-gencode arch=compute_$(a),code=compute_$(a))
endif
NVCC_FLAGS = -std=c++20 -O3 -lineinfo --compress-mode=size --threads 0 -Werror all-warnings $(CUDA_CODE) \
             -Xcompiler -fPIC,-fvisibility=hidden,-Wall,-Wextra,-Wno-unused-parameter

# Registers, shared memory and spills of every kernel, on an A100 and an H100 unless REPORT_ARCH says otherwise.
REPORT_ARCH = 80 90
.PHONY: cuda cuda-report
cuda-report: $(PROGRAM)
	$Qmkdir -p $(REPORT_ARCH:%=$(BUILD)/report/%)
	$Qfor arch in $(REPORT_ARCH); do for file in $(CUDA:cuda/%.cu=%); do echo $$arch $$file; done; done | \
	  xargs -P$$(nproc) -L1 sh -c 'cd $(BUILD)/report/$$0 && $(NVCC) -std=c++20 -O3 -arch=sm_$$0 -Xptxas -v -cubin -keep \
	    -o $$1.cubin $(CURDIR)/cuda/$$1.cu >$$1.txt 2>&1'
	$Qcat $(REPORT_ARCH:%=$(BUILD)/report/%/*.ptx) $(REPORT_ARCH:%=$(BUILD)/report/%/*.txt) | ./hnrun scripts/cuda_report.lua

ifeq ($(NVCC),)
cuda:
	@echo '  no nvcc here: built without the CUDA backend (device cuda)'
else
cuda: $(PLUGIN)
endif

$(PLUGIN): $(CUDA:%.cu=$(BUILD)/%.o)
	$(call say,plugin  $@)
	$Q$(NVCC) $(NVCC_FLAGS) -shared -cudart static -o $@ $^ -lcublas

$(BUILD)/cuda/%.o: cuda/%.cu Makefile $(BUILD)/flags
	$(call say,nvcc    $<)
	$Qmkdir -p $(@D) && $(NVCC) $(NVCC_FLAGS) -MMD -MP -MF $(@:.o=.d) -c -o $@ $<

# The emulation's checks are calls that g++'s instrumentation for threads makes at every access of a kernel to memory;
# cuda/host/check.cpp has the functions that are called, so libtsan is not linked. Accesses must stay as written: no
# vectors, no loops that become calls of memset.
HOST_FLAGS  = -std=c++20 -O2 -g -fPIC -fopenmp -fvisibility=hidden -ffp-contract=off -Icuda/host $(BLAS_CFLAGS) \
              -DHN_CUDA_HOST $(CUDA_WARN)
HOST_CHECKS = -fsanitize=thread,alignment --param tsan-instrument-func-entry-exit=0 -fno-tree-vectorize \
              -fno-tree-slp-vectorize -fno-tree-loop-distribute-patterns

$(PLUGIN_HOST): $(CUDA:cuda/%.cu=$(BUILD)/cuda/host/%.cu.o) $(CUDA_HOST:%.cpp=$(BUILD)/%.o)
	$(call say,plugin  $@)
	$Q$(CXX) -shared -fopenmp -Wl,-z,defs -o $@ $^ $(BLAS_LIBS)

# Tests of the emulation itself.
FAULTS = $(BUILD)/cuda/host/faults

$(FAULTS): $(BUILD)/cuda/host/faults.o $(CUDA_HOST:%.cpp=$(BUILD)/%.o)
	$(call say,link    $@)
	$Q$(CXX) -fopenmp -Wl,-z,defs -o $@ $^ $(BLAS_LIBS)

$(BUILD)/cuda/host/faults.o: cuda/host/faults.cu Makefile
	$(call say,emulate $<)
	$Qmkdir -p $(@D) && $(CXX) $(HOST_FLAGS) $(HOST_CHECKS) -MMD -MP -c -o $@ -x c++ $<

$(BUILD)/cuda/host/%.cu.o: cuda/%.cu Makefile
	$(call say,emulate $<)
	$Qmkdir -p $(@D) && $(CXX) $(HOST_FLAGS) $(HOST_CHECKS) -MMD -MP -c -o $@ -x c++ $<

$(BUILD)/cuda/host/%.o: cuda/host/%.cpp Makefile
	$(call say,compile $<)
	$Qmkdir -p $(@D) && $(CXX) $(HOST_FLAGS) -MMD -MP -c -o $@ $<

-include $(wildcard $(BUILD)/cuda/*.d $(BUILD)/cuda/host/*.d)

$(BUILD)/lua_modules.o: $(BUILD)/lua_modules.c Makefile $(BUILD)/flags | $(BUILD)/found
	$Q$(CC) $(FLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/lua_modules.c: $(MODULES) scripts/embed $(BUILD)/list
	$(call say,embed   lua)
	$Qscripts/embed lua >$@

# These two hold what the build was made from and change with it: other flags compile everything again, a source that
# came or went makes the library again.
$(BUILD)/flags: text = $(CC) $(FLAGS) $(LIBS) $(EDIT_LIBS)
$(BUILD)/list: text = $(SOURCES) $(MODULES)
$(BUILD)/flags $(BUILD)/list: FORCE
	@mkdir -p $(@D); echo '$(text)' | cmp -s - $@ || echo '$(text)' >$@

# One clear line instead of a compiler's complaint for each file.
$(BUILD)/found: $(BUILD)/flags
	@for header in lua.h xxhash.h cblas.h cjson/cJSON.h zlib.h; do \
	  echo "#include <$$header>" | $(CC) $(FLAGS) -E - >$@.log 2>&1 || \
	    { echo "$$header is missing: run make setup, or say in the Makefile's settings where it is" >&2; exit 1; }; \
	done; rm $@.log; touch $@

-include $(OBJECTS:.o=.d) $(MAIN:%.c=$(BUILD)/%.d)

# ---- What people run. A new machine has no headers before scripts/setup ran, so the build is a make of its own. ----

setup:
	@scripts/setup

train:
	@scripts/setup
	@$(MAKE) all
	./hnrun examples/train.lua $(ARGS)

test:
	@scripts/setup test
	@$(MAKE) all $(PLUGIN_HOST) $(FAULTS)
	@./hnrun spec/run.lua $(ARGS)

bench:
	@scripts/setup
	@$(MAKE) all
	@./hnrun scripts/bench.lua $(ARGS)

# One event through hn_model_predict beside loops over the expanded weights.
bench-predict:
	@scripts/setup
	@$(MAKE) all $(BUILD)/bench_predict
	@./hnrun scripts/bench_predict.lua $(BUILD)/bench_predict.hn $(BUILD)/bench_predict.weights
	@$(BUILD)/bench_predict $(BUILD)/bench_predict.hn $(BUILD)/bench_predict.weights

$(BUILD)/bench_predict: scripts/bench_predict.c $(BUILD)/libhn.a
	$(call say,bench   $@)
	$Q$(CC) -std=c11 -O3 -DDENSE=dense_plain -c -o $@-plain.o $<
	$Q$(CC) -std=c11 -O3 -march=native -ffast-math -DDENSE=dense_fast -c -o $@-fast.o $<
	$Q$(CC) $(FLAGS) -o $@ $< $@-plain.o $@-fast.o $(BUILD)/libhn.a $(LIBS)

# The specs on a second build that stops at the first bad access, undefined behaviour or leak.
SANITIZE = -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all

asan:
	@scripts/setup test
	@$(MAKE) build/asan/hnrun build/asan/libhn_cuda-host.so build/asan/cuda/host/faults BUILD=build/asan \
	  PROGRAM=build/asan/hnrun OPT='$(SANITIZE)'
	@ASAN_OPTIONS=detect_leaks=1:$$ASAN_OPTIONS UBSAN_OPTIONS=print_stacktrace=1 build/asan/hnrun spec/run.lua $(ARGS)

# Random bytes against what reads files and expressions, all targets or those in TARGETS; ARGS are libFuzzer's:
# make fuzz TARGETS=predict ARGS=-max_total_time=600
TARGETS     = model predict idx table expression
FUZZ        = build/fuzz
FUZZ_CHECKS = -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
FUZZ_LIMITS = -max_total_time=20 -max_len=8192 -timeout=10 -malloc_limit_mb=16 -rss_limit_mb=1024

fuzz:
	@scripts/setup fuzz
	@$(MAKE) all
	@$(MAKE) $(TARGETS:%=$(FUZZ)/%) BUILD=$(FUZZ) CC=clang WARN=-w OPT='$(FUZZ_CHECKS)'
	$Qmkdir -p $(TARGETS:%=$(FUZZ)/corpus/%) $(addprefix $(FUZZ)/seeds/,model idx table expression)
	$Qcp spec/golden/*.hn $(FUZZ)/seeds/model && ln -sfn model $(FUZZ)/seeds/predict
	$Q./hnrun spec/fuzz/seeds.lua $(FUZZ)/seeds
	$Qcd $(FUZZ) && for t in $(TARGETS); do \
	  echo "  fuzz    $$t"; ./$$t -dict=../../spec/fuzz/model.dict $(FUZZ_LIMITS) $(ARGS) corpus/$$t seeds/$$t || exit 1; done

$(FUZZ)/idx $(FUZZ)/table $(FUZZ)/expression: FUZZ_MUTATE =
$(FUZZ)/model $(FUZZ)/predict: FUZZ_MUTATE = spec/fuzz/mutate.c
$(FUZZ)/model $(FUZZ)/predict $(FUZZ)/idx $(FUZZ)/table $(FUZZ)/expression: $(FUZZ)/%: spec/fuzz/%.c $(wildcard spec/fuzz/*.[ch]) $(FUZZ)/libhn.a
	$(call say,link    $@)
	$Q$(CC) $(FLAGS) -fsanitize=fuzzer -o $@ $< spec/fuzz/fuzz.c $(FUZZ_MUTATE) $(FUZZ)/libhn.a $(LIBS)

lint:
	@scripts/setup lint
	@$(MAKE) -k lint-c lint-header lint-lua lint-docs

.PHONY: lint-c lint-header lint-lua lint-docs
# Compiler flags come after "--"; what clang-tidy says is shown only where it found something.
lint-c: $(BUILD)/found
	$(call say,clang-tidy engine)
	$Qprintf '%s\n' $(SOURCES) | xargs -P$$(nproc) -n1 sh -c \
	  'said=$$(clang-tidy --quiet "$$0" -- $(filter-out -Werror,$(FLAGS)) $(if $(EDIT),-DHN_LIBEDIT) $(HDF5_FLAGS) 2>&1) || { echo "$$said"; exit 1; }'
lint-header:
	$(call say,C++ engine/hn.h)
	$Q$(CXX) -std=c++11 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -x c++ engine/hn.h
lint-lua:
	$(call say,luacheck lua spec examples scripts)
	$Qluacheck --quiet --no-color lua spec examples scripts
lint-docs: $(PROGRAM)
	$(call say,comments and specs of engine/hn.h and lua)
	$Q./hnrun scripts/check_docs.lua
	$Q./hnrun scripts/check_specs.lua

# The reference manual, from the comments in engine/hn.h and lua/, the README and the examples.
doc:
	@scripts/setup doc
	@$(MAKE) $(PROGRAM)
	$(call say,manual  $(BUILD)/doc)
	$Q./hnrun scripts/manual.lua $(BUILD)/doc
	@echo '  open $(BUILD)/doc/index.html'

format:
	@scripts/setup lint
	$Qclang-format -i $$(find engine cuda examples spec -name '*.[chC]' -o -name '*.cu' -o -name '*.cpp')

define PKGCONFIG
prefix=$(PREFIX)
libdir=$${prefix}/lib
includedir=$${prefix}/include

Name: hn
Description: Hashed neural networks in bounded memory, scripted in Lua
Version: $(VERSION)
Libs: -L$${libdir} -lhn
Libs.private: $(LIBS) -fopenmp
Cflags: -I$${includedir}
endef
export PKGCONFIG

install: all $(BUILD)/libhn.so
	$(call say,install into $(DESTDIR)$(PREFIX))
	$Qinstall -d $(addprefix '$(DESTDIR)$(PREFIX)'/,bin include lib/pkgconfig)
	$Qinstall -m 755 hnrun '$(DESTDIR)$(PREFIX)/bin'
	$Qinstall -m 644 engine/hn.h '$(DESTDIR)$(PREFIX)/include'
	$Qinstall -m 644 $(BUILD)/libhn.a '$(DESTDIR)$(PREFIX)/lib'
	$Qif [ -e $(PLUGIN) ]; then install -m 755 $(PLUGIN) '$(DESTDIR)$(PREFIX)/lib'; fi
	$Qinstall -m 755 $(BUILD)/libhn.so '$(DESTDIR)$(PREFIX)/lib/libhn.so.$(VERSION)'
	$Qln -sf libhn.so.$(VERSION) '$(DESTDIR)$(PREFIX)/lib/libhn.so.0'
	$Qln -sf libhn.so.0 '$(DESTDIR)$(PREFIX)/lib/libhn.so'
	$Qprintf '%s\n' "$$PKGCONFIG" >'$(DESTDIR)$(PREFIX)/lib/pkgconfig/hn.pc'

clean:
	$Qrm -rf build hnrun

help:
	@echo 'make           ./hnrun, build/libhn.a and, where nvcc is, the CUDA backend (make setup first installs what they'
	@echo '               need); CUDA_ARCH=native or a list such as "80 90" builds it for those GPUs alone'
	@echo 'make train     setup, build, and train a hashed network on Fashion-MNIST; ARGS="--epochs 3" goes to the script'
	@echo 'make test      setup, build, and run the specs'
	@echo 'make bench     setup, build, and measure: layer steps and epochs, hashed beside dense; ARGS=--quick for a look'
	@echo '               (scripts/bench-peers adds PyTorch)'
	@echo 'make bench-predict  ns for one event through hn_model_predict, beside loops over the expanded weights'
	@echo 'make cuda-report  registers, shared memory and spills of every CUDA kernel (scripts/gpu-check needs a GPU)'
	@echo 'make asan      the specs on a build with address and undefined-behaviour sanitizers'
	@echo 'make fuzz      libFuzzer on the readers of files and on predictions, two minutes; TARGETS=predict, ARGS to libFuzzer'
	@echo 'make lint      clang-tidy, luacheck, and whether all that is public has a comment and a spec;'
	@echo '               make format: clang-format'
	@echo 'make doc       the reference manual, build/doc/index.html: Lua, C, README, examples'
	@echo 'make install   into PREFIX (/usr/local), below DESTDIR: program, header, libraries, pkg-config file'
	@echo 'make clean     removes what was built'
	@echo 'V=1 shows every command; the settings are at the top of the Makefile.'
