# SPDX-License-Identifier: GPL-2.0
# What a replay of group_stop.pml prints, as kernel events for a person: a line a step,
# with who makes it, in which function, and how that leaves the tracee.

BEGIN {
	n = split("STOP_PENDING STOP_CONSUME TRAP_STOP TRAP_NOTIFY TRAP_INTERRUPT TRAPPING " \
		  "LISTENING PTRACE_FROZEN TRACED STOPPED STOP_TRAP NOTIFY_DEFERRED " \
		  "STOP_DEQUEUED", bit, " ")
	split("RUNNING TASK_TRACED TASK_STOPPED", state, " ")
	split("untraced seized ? notify_mode", mode, " ")
	what["notify_no_escape"] = "a user instruction, and the tracer has not resumed it"
	what["notify_sticky"] = "a user instruction, and the tracer was not told of a change"
	what["notify_merge"] = "it sleeps in its STOP trap, and the tracer never hears of the change"
	what["notify_listen"] = "PTRACE_LISTEN: it is not in a STOP trap, or sleeps over what ends it"
	what["notify_hidden"] = "what the tracer knows to be trapped does not look trapped"
	what["notify_deferred"] = "it is woken up while a request is being served"
	what["notify_other_trap"] = "it left a trap, and the tracer has not resumed it"
	what["notify_state"] = "PTRACE_GETSIGINFO does not tell the state of now"
	what["notify_ack"] = "PTRACE_GETSIGINFO has told the state, and does not acknowledge it"
	what["interrupt_any_state"] = "a user instruction before the trap that was asked for"
	what["interrupt_flag"] = "a trap has not cleared JOBCTL_TRAP_INTERRUPT"
	what["end_detach"] = "TRAPPING or a status stays, or it is not as the group stop state says"
	what["end_kill"] = "killed, and it sleeps on or leaves TRAPPING or a status behind"
	what["end_exec"] = "execve() has ended notify mode"
	what["seize_quiet"] = "a STOP trap, and nothing has happened that it would report"
	what["notify_cause"] = "PTRACE_GETEVENTMSG does not tell why it trapped"
	what["notify_waits"] = "a wait sleeps beside a status, or for the tracee alone"
	what["seize_stopped"] = "seized, and left in TASK_STOPPED or notified of nothing"
	what["seize_plain"] = "without the flag, and something of notify mode is there"
	what["lost_wakeup"] = "the tracer sleeps, and what it sleeps for is there already"
	what["no_warning"] = "a WARN_ON_ONCE() would trigger"
}

# jobctl(n): the names of its bits. An interrupt without a flag of its own is TRAP_STOP.
function jobctl(value,	i, s)
{
	for (i = 1; i <= n; i++) {
		if (value % 2)
			s = s (s ? "|" : "") bit[i]
		value = int(value / 2)
	}
	return s ? s : "0"
}

{
	sub(/^ */, "")
}

$1 != "EV" {
	next
}

$2 == "VIOLATED" {
	name = $3
	gsub("_", "-", name)
	violated = sprintf("     BROKEN: %s: %s", name, what[$3])
	next
}

{
	sub(/_$/, "", $3)
	call = $3 ($4 == "none" ? "()" : "(" $4 ")")
	actor = $2 == "tracee" ? "thread " $5 : $2
	printf "%4d  %-9s %-42s T%d %-12s %-11s %s%s\n", ++line, actor, call, $5,
		state[$7 + 1], mode[$9 + 1], jobctl($6), $8 ? " TIF_SIGPENDING" : ""
}

END {
	if (violated)
		print violated
}
