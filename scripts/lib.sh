# shellcheck shell=bash
# What every script here shares. Sourced, never run:
#
#	. "$(dirname "$0")/../lib.sh"
#
# It answers --help with the script's header, and checks BASE and BUILD.
#
# Settings come from the environment:
#
#	BASE	kernel version the series is for, as in patches/<BASE>	[6.12]
#	ARCH	architecture of the guest, see set_arch		[x86_64]
#	SERIES	"none" leaves the series out: the unpatched kernel
#	KSRC	a kernel tree of the user's own, read and never written
#	TREE	a kernel tree to build as it is; its directory names what is made from it
#	CONFIG	further fragments kernel-config/<name>.config, by name
#	V	1 shows every command's output as it comes
#	BUILD	where everything made goes				[build]
#
# A step prints the path of what it made as the last line on stdout, and talks to a person on
# stderr. The exit codes of all scripts:
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
say() { printf '%s: %s\n' "$ME" "$*" >&2; }

# die CODE TEXT...: end the script with CODE and one sentence that says why.
die()
{
	say "error: ${*:2}"
	exit "$1"
}

# usage: print the script's own header comment, which is its manual.
usage()
{
	sed -n '1d; /^#/!q; s/^# \?//p' "$0"
	printf '\nSettings and exit codes that all scripts share: scripts/lib.sh\n'
}

# no_arguments "$@": end a script that takes none if it was given one.
no_arguments()
{
	[ $# = 0 ] || die $EX_SETUP "unknown argument '$1', see --help"
}

# need TOOL...: end the script if one of them is not installed.
need()
{
	local tool

	for tool in "$@"; do
		command -v "$tool" >/dev/null ||
			die $EX_SETUP "there is no $tool: run 'make setup' first"
	done
}

# bases: the kernel versions that have a series, on one line.
bases()
{
	(cd "$TOP/patches" && ls -d -- */series) | sed 's,/series$,,' | paste -sd' '
}

# check_base BASE: end the script if there is no series for it.
check_base()
{
	[[ $1 != */* && -d $TOP/patches/$1 ]] ||
		die $EX_SETUP "there is no series for '$1'; there is one for: $(bases)"
}

# selftests: the C files of the selftests, a path a line.
selftests()
{
	find "$TOP/selftests/kernel" "$TOP/selftests/proof" -name "gstop_*.c" -o -name "proof_*.c" | sort
}

# architectures: those that the bench knows, on one line.
architectures() { echo x86_64 arm64 riscv64 s390x; }

# set_arch: check ARCH and set what goes with it:
#	KARCH	the kernel's name for it, as in make ARCH=
#	TRIPLET	of its tool chain
#	CROSS	prefix of its tools; empty if this machine is one
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
	# shellcheck disable=SC2034
	CROSS=$TRIPLET-
	[ "$(uname -m)-linux-gnu" != "$TRIPLET" ] || CROSS=
}

# variant [tree]: the name of this run's kernel, 6.12-ksrc-arm64-debug, or of its tree, 6.12-ksrc.
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
	echo "$name"
}

# run LOG COMMAND...: COMMAND, with its output kept in LOG, and shown with V=1.
run()
{
	if [ "$V" = 1 ]; then
		"${@:2}" 2>&1 | tee -a "$1" >&2
	else
		"${@:2}" >>"$1" 2>&1
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

# plain_git: from here on git reads no settings but a repository's own, and does not ask who owns
# it: settings of a person (signing, hooks, a diff algorithm) must not change what is made.
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

# up_to_date STAMP KEY: does the file STAMP hold KEY, and nothing else? KEY is one line.
up_to_date()
{
	[ -n "$2" ] && [ -f "$1" ] && [ "$(cat "$1")" = "$2" ]
}

# record STAMP KEY: write KEY into STAMP, whole or not at all.
record()
{
	printf '%s\n' "$2" >"$1.$BASHPID" && mv "$1.$BASHPID" "$1"
}

# digest [PATH...]: a sha256 of stdin; or of the names, modes and contents of all files at and
# below the PATHs. Fails if one is not there.
digest()
{
	[ $# = 0 ] || find -H "$@" -type f -printf '%m %p\n' -exec sha256sum -- {} + | LC_ALL=C sort |
		digest || return
	[ $# -gt 0 ] || sha256sum | cut -d' ' -f1
}

# known_races VMLINUX: the data races that are not of the series, one extended regular expression a
# line: scripts/run/known-races, and all between two functions of fs/, mm/ and lib/. The series
# changes no file of these, so in those neither side is of the series.
known_races()
{
	local built names

	built=$(dirname "$1")
	names=$(nm "$built"/{fs,mm,lib}/built-in.a "$built/lib/lib.a" |
		awk 'NF == 3 && tolower($2) == "t" { sub(/[.].*/, "", $3); print $3 }' |
		sort -u | paste -sd '|') ||
		die $EX_SETUP "$built has no objects of fs/, mm/ and lib/"
	names="($names)(\\.[a-z0-9.]+)?"
	cat "$TOP/scripts/run/known-races"
	echo "BUG: KCSAN: data-race in $names / $names\$"
}

# guest_run DIR [IMAGE OPTION...] [-- VM OPTION...] <MANIFEST: run the programs of MANIFEST in a
# guest, with the results in DIR. The kernel and the image are made unless VM OPTIONs have --kernel
# and --initrd. Returns 0, 3, 4 or 5, as scripts/guest/vm; ends the script on any other code.
guest_run()
{
	local dir=$1 pack=() vm=(--mem 1024) rc=0 kernel='' before='' word

	shift
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		pack+=("$1")
		shift
	done
	shift $(($# > 0))
	mkdir -p "$(dirname "$dir")"
	cat >"$dir.manifest"
	! slow_kernel || vm=(--mem 2048)
	for word; do
		[ "$before" != --kernel ] || kernel=$word
		before=$word
	done
	if [ -z "$kernel" ]; then
		kernel=$("$TOP/scripts/guest/build") || exit
		vm+=(--kernel "$kernel")
	fi
	if [[ " $CONFIG " == *' kcsan '* ]]; then
		known_races "$kernel" >"$dir.races"
		vm+=(--allow "$dir.races")
	fi
	if [[ " $* " != *' --initrd '* ]]; then
		vm+=(--initrd "$("$TOP/scripts/guest/image" "${pack[@]}" --out "$dir.cpio" \
			--manifest "$dir.manifest")") || exit
	fi
	"$TOP/scripts/guest/vm" "${vm[@]}" --manifest "$dir.manifest" --results "$dir" "$@" || rc=$?
	rm -f "$dir.cpio"
	[ $rc != $EX_SETUP ] && [ $rc -lt 128 ] || exit $rc
	return $rc
}

# counts FILE: "PASSED FAILED SKIPPED" of the last line of FILE. Fails if that is no total.
counts()
{
	awk 'END {
		if (!/^[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?$/)
			exit 1
		print $1, $3, $5 + 0
	}' "$1"
}

# total PASSED FAILED SKIPPED: the last line of what runs tests.
total()
{
	[ "$3" = 0 ] && echo "$1 passed, $2 failed" || echo "$1 passed, $2 failed, $3 skipped"
}

# kill_jobs: from here on a background job has a process group of its own, and is killed with
# all that it has started when this script ends.
kill_jobs()
{
	set -m
	trap end_jobs EXIT
	trap 'exit 130' INT TERM HUP
}
end_jobs()
{
	trap '' INT TERM HUP
	jobs -pr | sed 's/^/-/' | xargs -r kill -TERM -- 2>/dev/null || :
	wait
}

# temp_dir: set tmp to a new directory, which goes when the script ends.
temp_dir()
{
	tmp=$(mktemp -d)
	trap 'rm -rf "$tmp"' EXIT
}

# slow_kernel: does CONFIG have the kernel watch itself? It needs more time and memory then.
slow_kernel() { [[ " $CONFIG " =~ ' debug '|' kcsan ' ]]; }

# tap_result N NAME [WHY]: a result in TAP: "not ok" if there is a WHY, whose lines become comments.
tap_result()
{
	echo "${3:+not }ok $1 $2"
	[ -z "${3:-}" ] || echo "# ${3//$'\n'/$'\n# '}"
}

# host_run DIR NAME COMMAND...: run COMMAND, which prints TAP, on this machine, and add to DIR what
# it printed and how it ended, as scripts/guest/vm does for a program in the guest.
host_run()
{
	local dir=$1 name=$2 rc=0

	shift 2
	say "running $name"
	mkdir -p "$dir/tap"
	"$@" >"$dir/tap/$name.tap" || rc=$?
	[ $rc -lt 128 ] || exit $rc
	echo "exit $rc" >"$dir/tap/$name.status"
	echo "$name 1 $*" >>"$dir/manifest"
	echo "passed: programs on this machine, judged by their TAP alone" >"$dir/verdict"
}

# finish RC DIR...: end the script with what tap-report says of the DIRs; with RC if that is not 0.
finish()
{
	local rc=0

	"$TOP/scripts/guest/tap-report" "${@:2}" || rc=$?
	[ "$1" = 0 ] || rc=$1
	exit "$rc"
}

# await N: until no more than N background jobs run.
await()
{
	while [ "$(jobs -pr | wc -l)" -gt "$1" ]; do
		wait -n || :
	done
}

# required: the word for the kernel that makes it a failure if a test skips for want of the series.
required() { [ "$SERIES" = none ] || echo bench.env=GSTOP_REQUIRED=1; }

# tsc_words: words for the kernel of an x86_64 guest, that have it use the time stamp counter.
# Under TCG that is the host's. A guest on a busy host can't measure how fast it is.
tsc_words()
{
	mkdir -p "$BUILD"
	gcc -O2 -Wall -Wextra -Werror -o "$BUILD/tsc-khz" "$TOP/scripts/guest/tsc-khz.c" ||
		die $EX_SETUP "tsc-khz.c does not compile"
	echo "tsc=reliable tsc_early_khz=$("$BUILD/tsc-khz")"
}

trap 'exit 130' INT TERM HUP
case ${1:-} in
--help|-h) usage; exit ;;
--write-base) ;;	# scripts/series/source begins a series
*)	[ ! -d "$TOP/patches" ] || check_base "$BASE" ;;	# scripts/once makes copies without
esac
# Nothing is made in BUILD here: after `sudo make setup` it would be root's.
writable=$BUILD
until [ -e "$writable" ]; do
	writable=$(dirname "$writable")
done
rmdir "$(mktemp -d "$writable/.writable.XXXXXX" 2>/dev/null)" 2>/dev/null ||
	die $EX_SETUP "BUILD=$BUILD can't be written"
