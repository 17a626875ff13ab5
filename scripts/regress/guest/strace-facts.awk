# strace-facts.awk: the facts of a log of strace -f: signals, stops, and what wait() told of them
#
# usage: awk -f strace-facts.awk LOG LOG
#
# Taken out are times and ids. Of these the n-th that appears becomes Pn, and any of a process that
# strace did not trace P0.
NR == FNR {
	if (!($1 in name))
		name[$1] = "P" ++n
	next
}
{ who = name[$1]; sub(/^[0-9]+ +/, "") }
!/^(---|\+\+\+)/ && match($0, /\{WIF[^}]*\}/) { $0 = "wait: " substr($0, RSTART, RLENGTH) }
/^(---|\+\+\+|wait: )/ {
	gsub(/, si_[us]time=[0-9]+( \/\*[^*]*\*\/)?/, "")
	if (match($0, /si_pid=[0-9]+/)) {
		sender = substr($0, RSTART + 7, RLENGTH - 7)
		sub(/si_pid=[0-9]+/, "si_pid=" (sender in name ? name[sender] : "P0"))
	}
	print who, $0
}
