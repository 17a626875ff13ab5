# SPDX-License-Identifier: GPL-2.0
# From the steps that states.h has recorded, sorted, a graph of the tracee's states.
# What does not change the state is left out, and what only the death of the tracee or
# of the tracer does is told below the picture.

BEGIN {
	name["untraced"] = "not traced, runs"
	name["untraced_stopped"] = "not traced, stopped\\nTASK_STOPPED"
	name["attaching"] = "being attached to\\nTASK_STOPPED"
	name["runs"] = "runs"
	name["about_to_trap"] = "about to trap\\nTRAP_STOP, TRAP_NOTIFY or\\nTRAP_INTERRUPT"
	name["stop"] = "STOP trap\\nTRACED STOP_TRAP"
	name["stop_notify"] = "STOP trap, notification pending\\nTRACED STOP_TRAP TRAP_NOTIFY"
	name["request"] = "STOP trap, request is served\\nPTRACE_FROZEN"
	name["request_notify"] = "STOP trap, request is served\\nPTRACE_FROZEN TRAP_NOTIFY"
	name["deferred"] = "STOP trap, re-trap is due\\nPTRACE_FROZEN TRAP_NOTIFY\\nNOTIFY_DEFERRED"
	name["re_traps"] = "on the way to a STOP trap\\nTRAPPING"
	name["listens"] = "listens\\nTRACED LISTENING"
	name["listen_ends"] = "listening ends\\nLISTENING"
	name["other"] = "another trap\\nTRACED"
	name["other_notify"] = "another trap,\\nnotification pending\\nTRACED TRAP_NOTIFY"
	order = "untraced untraced_stopped attaching runs about_to_trap stop request " \
		"request_notify deferred stop_notify re_traps listens listen_ends other other_notify"
	print "// Made by scripts/model --dot from the states of group_stop.pml: do not edit."
	print "digraph states {"
	print "\trankdir=TB; node [shape=box, style=rounded, fontname=\"sans\", fontsize=10];"
	print "\tedge [fontname=\"sans\", fontsize=8];"
	m = split(order, o, " ")
	for (i = 1; i <= m; i++)
		printf "\t%s [label=\"%s\"];\n", o[i], name[o[i]]
}

# The death of either is told in the text.
$1 == "dies" || $2 == "dies" || $3 == "exit_ptrace" || $1 == $2 {
	next
}

{
	sub(/_$/, "", $3)
	event = $3 ($4 == "none" || $4 == "success" || $4 == "STOP_trap" ? "()" : "(" $4 ")")
	if ($1 SUBSEP $2 != last) {
		flush_edge()
		from = $1
		to = $2
		last = $1 SUBSEP $2
	}
	label = label (label ? "\\n" : "") event
}

END {
	flush_edge()
	print "}"
}

function flush_edge()
{
	if (label)
		printf "\t%s -> %s [label=\"%s\"];\n", from, to, label
	label = ""
}
