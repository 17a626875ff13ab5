# shellcheck shell=bash
# What the scenarios of `make regress` share; sourced, never run. A scenario runs in the guest. It
# prints TAP, and behind "| " facts that must be the same on both kernels.

set -u
export PATH=/bin:/usr/bin:/sbin:/usr/sbin:/regress LC_ALL=C
# seconds that anything which is waited for may take; the guest is slow under TCG
LIMIT=30
FAILED=0

# ok NAME COMMAND...: a test, which passes if COMMAND does.
ok()
{
	if "${@:2}"; then
		echo "ok - $1"
	else
		echo "not ok - $1"
		echo "# failed: ${*:2}"
		FAILED=1
	fi
}

# until_so COMMAND...: wait until COMMAND succeeds; fails if it does not within LIMIT.
until_so()
{
	local end=$((SECONDS + LIMIT))

	until "$@"; do
		[ $SECONDS -lt $end ] || return 1
		usleep 10000
	done
}

# states PID: the states of its threads, a letter each, in the order of their ids.
states()
{
	local task line

	for task in $(ls "/proc/$1/task" 2>/dev/null | sort -n); do
		read -r line 2>/dev/null <"/proc/$1/task/$task/stat" || continue
		line=${line##*) }
		printf %s "${line%% *}"
	done
}

# in_states PID LETTERS: is it in these?
in_states()
{
	[ "$(states "$1")" = "$2" ]
}

# field PID KEY VALUE: does /proc/PID/status have it?
field()
{
	grep -qE "^$2:[[:space:]]*$3\$" "/proc/$1/status" 2>/dev/null
}

# strace_facts LOG: what strace -f saw, of each process or thread in turn: which of two is first in
# the log is the scheduler's choice.
strace_facts() { awk -f /regress/strace-facts.awk "$1" "$1" | sort -s -k 1,1; }
