# shellcheck shell=bash
# What every script here shares. Sourced, never run:
#
#	. "$(dirname "$0")/../lib.sh"
#
# Settings come from the environment, so that `make demo BASE=6.12 V=1` and
# `BASE=6.12 V=1 scripts/run/demo` mean the same:
#
#	BASE	kernel version the series is for, as in patches/<BASE>	[6.12]
#	ARCH	architecture of the guest, see set_arch		[x86_64]
#	SERIES	"none" leaves the series out: the unpatched kernel
#	KSRC	a kernel tree of the user's own, read and never written
#	TREE	a kernel tree to build as it is, in the place of scripts/series/tree's;
#		what is made from it is named after its directory
#	CONFIG	further fragments kernel-config/<name>.config, by name
#	V	1 shows every command's output as it comes
#	BUILD	where everything made goes				[build]
#
# A step prints what it made, a path, as the last line on stdout; all else that
# a person reads goes to stderr. Exit codes that every script keeps to:
#
#	0	done, or passed
#	1	tests ran, and some failed
#	2	set-up error: nothing was tested
#	3	the guest crashed, or its console holds a splat
#	4	the guest did not end in time
#	5	the guest ended without the evidence that it ran everything
#	130	interrupted

set -euo pipefail

# shellcheck disable=SC2034	# read by those who source this
EX_FAIL=1 EX_SETUP=2 EX_CRASH=3 EX_TIMEOUT=4 EX_SILENT=5

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BASE=${BASE:-6.12}
ARCH=${ARCH:-x86_64}
SERIES=${SERIES:-}
KSRC=${KSRC:-}
TREE=${TREE:-}
CONFIG=${CONFIG:-}
V=${V:-}
BUILD=$(realpath -m "${BUILD:-$TOP/build}")
ME=$(basename "$0")

# say TEXT...: one line of progress for a person, on stderr.
say()
{
	printf '%s: %s\n' "$ME" "$*" >&2
}

# die CODE TEXT...: end the script with CODE and one sentence that says why.
die()
{
	local code=$1

	shift
	printf '%s: error: %s\n' "$ME" "$*" >&2
	exit "$code"
}

# usage: print the script's own header comment, which is its manual.
usage()
{
	awk 'NR > 1 { if (!/^#/) exit; sub(/^# ?/, ""); print }' "$0"
}

# bases: the kernel versions that have a series, on one line.
bases()
{
	local d

	for d in "$TOP"/patches/*/series; do
		[ ! -f "$d" ] || basename "$(dirname "$d")"
	done | paste -sd' '
}

# selftests: the C files of the selftests, a path a line.
selftests()
{
	find "$TOP/selftests/kernel" "$TOP/selftests/proof" -name "gstop_*.c" -o -name "proof_*.c" | sort
}

# architectures: those that the bench knows, on one line.
architectures()
{
	echo x86_64 arm64 riscv64 s390x
}

# set_arch: check ARCH and set what goes with it:
#	KARCH	the kernel's name for it, as in make ARCH=
#	TRIPLET	of its tool chain
#	CROSS	prefix of the tools; empty on a machine of that architecture
#	KIMAGE	what QEMU boots, a path in the kernel's build directory
#	BITS	the builds of the selftests there are
set_arch()
{
	# shellcheck disable=SC2034	# read by those who source this
	case $ARCH in
	x86_64)	KARCH=x86_64 TRIPLET=x86_64-linux-gnu KIMAGE=vmlinux BITS='64 32' ;;
	arm64)	KARCH=arm64 TRIPLET=aarch64-linux-gnu KIMAGE=arch/arm64/boot/Image BITS=64 ;;
	riscv64) KARCH=riscv TRIPLET=riscv64-linux-gnu KIMAGE=arch/riscv/boot/Image BITS=64 ;;
	s390x)	KARCH=s390 TRIPLET=s390x-linux-gnu KIMAGE=arch/s390/boot/bzImage BITS=64 ;;
	*)	die $EX_SETUP "ARCH=$ARCH is none of: $(architectures)" ;;
	esac
	CROSS=$TRIPLET-
	[ "$(uname -m)-linux-gnu" != "$TRIPLET" ] || CROSS=
}

# variant: the name under which this run's tree and kernel are kept, from BASE,
# SERIES, KSRC, ARCH and CONFIG: 6.12, 6.12-none, 6.12-ksrc-arm64-debug, ...
# With an argument "tree", without ARCH and CONFIG, on which the tree does not depend.
variant()
{
	local name=$BASE

	if [ -n "$TREE" ]; then
		name=$(basename "$TREE")
	else
		[ -z "$KSRC" ] || name=$name-ksrc
		[ "$SERIES" != none ] || name=$name-none
	fi
	if [ "${1:-}" != tree ]; then
		[ "$ARCH" = x86_64 ] || name=$name-$ARCH
		[ -z "$CONFIG" ] || name=$name-${CONFIG// /-}
	fi
	printf '%s\n' "$name"
}

# run LOG COMMAND...: run COMMAND with its output kept in LOG; with V=1 a
# person sees it too. Returns COMMAND's status.
run()
{
	local log=$1

	shift
	if [ "$V" = 1 ]; then
		"$@" 2>&1 | tee -a "$log" >&2
	else
		"$@" >>"$log" 2>&1
	fi
}

# need_space DIR MIB WHAT: end the script unless DIR has room for MIB mebibytes.
need_space()
{
	local free

	free=$(df --output=avail -B1M "$1" | tail -n1 | tr -d ' ')
	[ "$free" -ge "$2" ] ||
		die $EX_SETUP "$3 needs $2 MiB in $1, which has $free MiB free"
}

# plain_git: let git read no settings but a repository's own from here on: those
# of a person (signing, hooks, a diff algorithm) must not change what is made.
# Nor who owns a tree: with sudo it is often another than the caller.
plain_git()
{
	export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null
	export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0='*'
	unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE
}

# lock FILE: wait until no other run holds FILE, then hold it until this one ends.
lock()
{
	{ mkdir -p "$(dirname "$1")" && : >>"$1"; } 2>/dev/null ||
		die $EX_SETUP "cannot write in $(dirname "$1")"
	exec 9>>"$1"
	flock 9
}

# series_files: the files that patches/BASE changes and that are there without it, one a line:
# not those that a patch of it makes, though a later one may change them.
series_files()
{
	awk '	/^--- \/dev\/null$/	{ new = 1; next }
		/^--- a\//		{ name = substr($0, 7); if (!(name in made)) print name }
		/^\+\+\+ b\// && new	{ made[substr($0, 7)] = 1; new = 0 }' \
		"$TOP/patches/$BASE"/[0-9]*.patch | sort -u
}

# tsc_words: words for the kernel of an x86_64 guest, that have it use the time stamp counter.
# Under TCG that is the host's, the same on all CPUs; but if the host has something else to do,
# the guest can't measure how fast it is, and falls back to counting ticks of a millisecond
# or more. To be called after scripts/guest/image --measure.
tsc_words()
{
	echo "tsc=reliable tsc_early_khz=$("$BUILD/selftests/$(CONFIG='' variant)/64/cost" --tsc-khz)"
}
