# shellcheck shell=bash
# gdb attaches to a process whose threads are in the states $1, SSR or stopped as TTT, looks at
# them, and lets go. Sourced by the two scenarios. A thread in a group stop has no siginfo, and gdb
# says so; with -c it goes on.
. /regress/lib.sh

cat >/tmp/commands <<-'END'
	set pagination off
	set width 0
	info threads
	thread apply all backtrace
	thread apply all -q -c print $_siginfo.si_signo
	detach
END
tracee threads &
pid=$!
ok "the tracee runs" until_so in_states $pid SSR
[ "$1" = SSR ] || kill -STOP $pid
ok "it is in $1" until_so in_states $pid "$1"
gdb -batch -nx -x /tmp/commands -p $pid >/tmp/gdb.out 2>&1
ok "gdb ends well" [ $? = 0 ]
ok "gdb saw three threads" [ "$(grep -cE '^[* ]+[0-9]+ +(Thread|LWP)' /tmp/gdb.out)" = 3 ]
ok "one is in pause()" grep -q ' in \(__libc_\)\?pause (' /tmp/gdb.out
ok "one is in waiting()" grep -q ' in waiting (' /tmp/gdb.out
ok "one is in spinning()" grep -q ' in spinning (\| spinning (' /tmp/gdb.out
ok "gdb detached" grep -q 'Inferior 1 .* detached' /tmp/gdb.out
ok "nobody traces it" until_so field $pid TracerPid 0
ok "it is in $1 as before" until_so in_states $pid "$1"
kill -CONT $pid
ok "it goes on" until_so in_states $pid SSR
kill -KILL $pid
# What gdb said, each backtrace on one line. Taken out is what differs from run to run: addresses,
# ids, blanks that depend on their length, and in which order gdb came upon the threads, by which
# it numbers them.
sed -E -e 's/0x[0-9a-f]+/0xX/g' -e 's/(LWP|process) [0-9]+/\1 N/g' -e 's/^([* ]+)[0-9]+ /\1/' \
	-e 's/^Thread [0-9]+/Thread N/' -e 's/^\$[0-9]+ =/siginfo:/' -e 's/ +/ /g' /tmp/gdb.out |
	awk '/^#[0-9]/ && thread != ""	{ thread = thread " " $0; next }
	     thread != ""	{ print thread; thread = "" }
	     /^Thread N/	{ thread = $0; next }
	     NF			{ print }
	     END		{ if (thread != "") print thread }' | sort | sed 's/^/| /'
exit $FAILED
