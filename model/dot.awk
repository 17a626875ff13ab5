# SPDX-License-Identifier: GPL-2.0
# From the steps that states.h has recorded, sorted, a graph of the states of a tracee. A
# step is a line "FROM TO FUNCTION WHAT THREAD". Those that do not change the state are
# left out, and what a detach, or the death of the tracee or of the tracer, does: from
# every state they lead to where the group stop state says, or to the end.

BEGIN {
	name["untraced"] = "not traced, runs"
	name["untraced_stopped"] = "not traced, stopped\\nSTOPPED"
	name["attaching"] = "being attached to\\nSTOPPED"
	name["runs"] = "runs"
	name["about_to_trap"] = "about to trap\\nTRAP_STOP, TRAP_NOTIFY or TRAP_INTERRUPT"
	name["stop"] = "STOP trap\\nTRACED STOP_TRAP"
	name["stop_notify"] = "STOP trap, notification pending\\nTRACED STOP_TRAP TRAP_NOTIFY"
	name["request"] = "STOP trap, request is served\\nPTRACE_FROZEN"
	name["request_notify"] = "STOP trap, notification pending,\\nrequest is served\\nPTRACE_FROZEN TRAP_NOTIFY"
	name["deferred"] = "STOP trap, re-trap is due,\\nrequest is served\\nPTRACE_FROZEN TRAP_NOTIFY\\nNOTIFY_DEFERRED"
	name["re_traps"] = "on the way to a STOP trap\\nTRAPPING"
	name["listens"] = "listens\\nTRACED LISTENING"
	name["listen_ends"] = "listening ends\\nLISTENING"
	name["other"] = "another trap\\nTRACED"
	name["other_notify"] = "another trap,\\nnotification pending\\nTRACED TRAP_NOTIFY"
	order = "untraced untraced_stopped attaching runs about_to_trap stop request " \
		"request_notify deferred stop_notify re_traps listens listen_ends other other_notify"
	# what a step is to who traces; a step of the tracee itself has no name
	event["prepare_signal"] = "SIGCONT"
	event["ptrace_attach"] = "PTRACE_SEIZE"
	event["ptrace_set_stopped"] = "PTRACE_SEIZE"
	event["ptrace_freeze_traced"] = "a request begins"
	event["ptrace_unfreeze_traced"] = "it ends"
	event["ptrace_ack_notify"] = "PTRACE_GETSIGINFO"
	event["ptrace_resume"] = "PTRACE_CONT"
	event["ptrace_listen"] = "PTRACE_LISTEN"
	event["ptrace_interrupt"] = "PTRACE_INTERRUPT"
	print "// SPDX-License-Identifier: GPL-2.0"
	print "// The states of a tracee in notify mode, and what leads from one to another."
	print "digraph states {"
	print "\trankdir=TB; node [shape=box, style=rounded, fontname=\"sans\", fontsize=10];"
	print "\tedge [fontname=\"sans\", fontsize=9];"
	m = split(order, o, " ")
	for (i = 1; i <= m; i++)
		printf "\t%s [label=\"%s\"];\n", o[i], name[o[i]]
}

$1 == "dies" || $2 == "dies" || $3 == "exit_ptrace" || $3 == "ptrace_unlink_" || $1 == $2 {
	next
}

{
	if ($3 in event)
		label = event[$3]
	else if ($5 != 0)
		label = "group stop"	# another thread has begun one
	else
		label = ""
	edge = $1 " -> " $2
	if (edge != last) {
		flush_edge()
		last = edge
		n = split("", labels)
	}
	for (i = 1; i <= n && labels[i] != label; i++)
		;
	if (i > n)
		labels[++n] = label
}

END {
	flush_edge()
	print "}"
}

# Print the edge, with all that may lead that way; a broken line if it is the tracee alone.
function flush_edge(	i, s)
{
	if (!last)
		return
	for (i = 1; i <= n; i++)
		if (labels[i])
			s = s (s ? "\\n" : "") labels[i]
	printf "\t%s [%s];\n", last, s ? "label=\"" s "\"" : "style=dashed"
}
