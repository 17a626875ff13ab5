# SPDX-License-Identifier: GPL-2.0
# Targets only: each is a script in scripts/, which --help explains.

# Settings of a call, handed to the scripts: make check BASE=6.12 T=gstop_seize
export BASE ARCH SERIES KSRC TREE CONFIG T V BUILD TIMEOUT JOBS FRESH
export RUNS RESULTS BASES ARCHS MORE PARALLEL FORCE EACH ORACLE DURATION COUNT SEED THREADS

.DEFAULT_GOAL := help

help:	## what there is to make
	@echo 'make TARGET [BASE=6.12] [ARCH=x86_64] [SERIES=none] [KSRC=/path] [CONFIG="name..."] [V=1]'
	@echo
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20
	@echo
	@echo 'BASE    the kernel: a directory of patches/'
	@echo 'ARCH    of the guest: x86_64, arm64, riscv64 or s390x'
	@echo 'SERIES  none: that kernel without the series'
	@echo 'KSRC    your own kernel tree of that version, read only'
	@echo 'CONFIG  more fragments of kernel-config/, by name'

setup:	## install the packages that are missing (root)
	@scripts/guest/setup

demo:	setup	## both transcripts of the seeds, from the patched kernel, in QEMU
	@scripts/run/demo

check:	setup	## every selftest, in QEMU, and the bench's own; ends with a count (T=name: one)
	@scripts/run/check

kselftest: setup	## the kernel's own way: gen_tar, and run_kselftest.sh -c ptrace in a guest
	@scripts/run/kselftest

check-bench: setup	## the bench shows that it can fail
	@kernel=$$(scripts/guest/build) && scripts/tests/check-bench --kernel "$$kernel" \
		--gen-src "$$(scripts/series/tree)"

mutants: setup	## show that the selftests catch wrong kernels (NAMES='...': some; EACH=1: each test)
	@scripts/run/mutants $(NAMES)

bisect:	setup	## show that each patch of the series stands on its own
	@scripts/run/bisect

model:	setup	## check the protocol's model, all states of it; wrong variants must fail (NAMES)
	@scripts/model/model $(NAMES)

docs:	setup	## the picture of the tracee's states, from model/states.dot
	@scripts/model/docs

plain:	setup	## show that without the flag nothing changes: both kernels, compared
	@scripts/run/plain

stress:	setup	## all at once, under an oracle (DURATION=s COUNT=transitions SEED=n THREADS=n)
	@scripts/run/stress

fuzz:	setup	## random requests, and a model of the answers (DURATION=s COUNT=requests SEED=n)
	@scripts/run/stress fuzz

regress: setup	## kernel selftests, strace, gdb, criu, stress-ng: both kernels, compared (BASES=..., T=name)
	@scripts/regress/regress

races:	setup	## which data races the unpatched kernel has, for CONFIG=kcsan (DURATION=s SEED=n)
	@scripts/run/races

measure: setup	## what it costs and what it buys, measured side by side (RUNS=n, WHAT='...': some)
	@scripts/measure/measure $(WHAT)

measure-compare:	## what differs between two runs of make measure, beyond noise (A=... B=...)
	@scripts/measure/compare $(A) $(B)

# The names of these two before; they go with the next release.
bench bench-compare:
	@echo 'make $@ is now make $(@:bench%=measure%)' >&2
	@$(MAKE) $(@:bench%=measure%)

matrix:	setup	## make check for all bases, on x86_64 and others, in one table (BASES=... ARCHS=...: some)
	@scripts/run/matrix

apply-check: setup	## does the series of each base apply to the source that it names?
	@scripts/series/apply-check

range-diff: setup	## what differs between the series of the bases, patch by patch
	@scripts/series/range-diff

source:	setup	## download and unpack the kernel source
	@scripts/series/source

tree:	setup	## source plus series, as a git tree whose commits are the patches; with KSRC, a branch there
	@$(if $(KSRC),scripts/series/branch,scripts/series/tree)

refresh: setup	## write that tree's commits back to patches/
	@scripts/series/refresh

intree:	setup	## put selftests/kernel/ into the newest base's series, after an edit there
	@export BASE=$$(ls patches/*/series | sort -V | tail -n 1 | cut -d/ -f2) && \
		scripts/series/intree >/dev/null && scripts/series/refresh >/dev/null
	@scripts/run/promises --write

build:	setup	## the kernel
	@scripts/guest/build

shell:	setup	## a prompt in the guest, with the selftests and demos in /bin
	@scripts/run/shell

run:	setup	## a static program in the guest: make run PROG=./a.out ARGS='...'
	@scripts/run/run $(PROG) $(ARGS)

gdb:	setup	## boot under gdb, with symbols
	@scripts/run/shell --gdb

clean:	## remove all that was made
	rm -rf $(or $(BUILD),build)

.PHONY: help setup demo check kselftest check-bench mutants bisect model docs plain regress stress \
	fuzz races measure measure-compare bench bench-compare matrix apply-check range-diff source \
	tree refresh intree build shell run gdb clean
