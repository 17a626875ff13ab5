# shellcheck shell=bash
# The two scenarios of gdb. Sourced after lib.sh.

# What gdb said, each backtrace on one line. Taken out is what differs from run to run:
# addresses, ids, blanks that depend on their length, and in which order gdb came upon
# the threads, by which it numbers them.
gdb_facts()
{
	sed -E -e 's/0x[0-9a-f]+/0xX/g' -e 's/LWP [0-9]+/LWP N/g' \
		-e 's/process [0-9]+/process N/g' -e 's/^([* ]+)[0-9]+ /\1/' \
		-e 's/^Thread [0-9]+/Thread N/' -e 's/^\$[0-9]+ =/siginfo:/' \
		-e 's/ +/ /g' /tmp/gdb.out |
		awk '/^#[0-9]/ && thread != ""	{ thread = thread " " $0; next }
		     thread != ""	{ print thread; thread = "" }
		     /^Thread N/	{ thread = $0; next }
		     NF			{ print }
		     END		{ if (thread != "") print thread }' | sort
}

# attach: let gdb look at $pid. A thread in a group stop has no siginfo, and gdb says so;
# with -c it goes on.
attach()
{
	cat >/tmp/commands <<-'END'
		set pagination off
		set width 0
		info threads
		thread apply all backtrace
		thread apply all -q -c print $_siginfo.si_signo
		detach
	END
	gdb -batch -nx -x /tmp/commands -p $pid >/tmp/gdb.out 2>&1
	ok "gdb ends well" [ $? = 0 ]
	ok "gdb saw three threads" [ "$(grep -cE '^[* ]+[0-9]+ +(Thread|LWP)' /tmp/gdb.out)" = 3 ]
	ok "it saw where each is" eval \
		'grep -q " in \(__libc_\)\?pause (" /tmp/gdb.out && grep -q " in waiting (" /tmp/gdb.out &&
		grep -q " in spinning (\| spinning (" /tmp/gdb.out'
	ok "gdb detached" grep -q 'Inferior 1 .* detached' /tmp/gdb.out
	ok "nobody traces it" until_so field $pid TracerPid 0
}
