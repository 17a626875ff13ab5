# shellcheck shell=bash
# What the scenarios of `make regress` share. They run in the guest, each as
#
#	bash /regress/scenario.sh
#
# and print TAP, and behind "| " a transcript: facts that must be the same on both
# kernels, from which all that cannot be was taken out. Sourced, never run.

set -u
export PATH=/bin:/usr/bin:/sbin:/usr/sbin LC_ALL=C
# seconds that anything which is waited for may take; the guest is slow under TCG
LIMIT=30
FAILED=0

# ok NAME COMMAND...: a test, which passes if COMMAND does.
ok()
{
	local name=$1

	shift
	if "$@"; then
		echo "ok - $name"
	else
		echo "not ok - $name"
		echo "# failed: $*"
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

# in_states PID LETTERS: is it in these, a letter for each thread?
in_states()
{
	[ "$(states "$1")" = "$2" ] || { SAW="the threads are in $(states "$1")"; false; }
}

# field PID KEY VALUE: does /proc/PID/status have it?
field()
{
	grep -qE "^$2:[[:space:]]*$3\$" "/proc/$1/status" 2>/dev/null
}

# transcript: stdin, as facts to compare.
transcript()
{
	sed 's/^/| /'
}

# strace_facts LOG: what strace -f saw of signals and stops, and what wait() told of
# them, of each process or thread in turn. Which of two processes is first in the log is
# the scheduler's choice. So are ids, of which the n-th that appears becomes Pn, any of a
# process that strace did not trace P0, and times.
strace_facts()
{
	awk '{
		if (!($1 in name)) {
			name[$1] = "P" ++n
			order[n] = $1
		}
		line[NR] = $0
	}
	END {
		for (i = 1; i <= NR; i++) {
			pid = line[i]
			sub(/ .*/, "", pid)
			fact = line[i]
			sub(/^[0-9]+ +/, "", fact)
			if (fact !~ /^(---|\+\+\+)/) {
				if (!match(fact, /\{WIF[^}]*\}/))
					continue
				fact = "wait: " substr(fact, RSTART, RLENGTH)
			}
			gsub(/, si_[us]time=[0-9]+( \/\*[^*]*\*\/)?/, "", fact)
			if (match(fact, /si_pid=[0-9]+/)) {
				sender = substr(fact, RSTART + 7, RLENGTH - 7)
				sub(/si_pid=[0-9]+/, "si_pid=" (sender in name ? name[sender] : "P0"), fact)
			}
			facts[pid] = facts[pid] name[pid] " " fact "\n"
		}
		for (i = 1; i <= n; i++)
			printf "%s", facts[order[i]]
	}' "$1"
}

# done_testing: the end of a scenario.
done_testing()
{
	exit $FAILED
}
