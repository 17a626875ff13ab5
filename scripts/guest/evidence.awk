# evidence.awk: what the records of a guest are evidence of
#
# usage: awk -f evidence.awk RECORDS wanted=1 PROGRAMS
#
# PROGRAMS has a line "name seconds command..." for each program that should have run. Prints three
# lines: where the guest was when it ended; the letters of the fatal taint, and the program that ran
# when it came; and the verdict as far as the records go (see scripts/guest/init.c).

# Taint bits (Documentation/admin-guide/tainted-kernels.rst) that fail a run: out of specification,
# machine check, bad page, died, warned, soft lockup. The others say whose code runs, what the user
# or firmware asked for, or that a test ran in the kernel.
BEGIN	{ n = split("2 S 4 M 5 B 7 D 9 W 14 L", bit, " ") }
wanted	{
	count++
	if (!lack && !began[$1])
		lack = $1 " never began"
	else if (!lack && !ended[$1])
		lack = $1 " began and has no end"
	next
}
/^I /	{ at = "before the first program" }
/^B /	{ at = "while " $2 " ran"; name = " " at; began[$2] = 1 }
/^X /	{ at = "after " $2; ended[$2] = 1 }
/^E /	{ at = "after its end marker"; end = end substr($0, 3) }
/^! / && !why	{ why = substr($0, 3) }
/^T /	{
	told = 1
	for (i = 1; i < n && !taint; i += 2)
		if (int($2 / 2 ^ bit[i]) % 2)
			letters = letters bit[i + 1]
	if (letters && !taint)
		taint = letters name
}
END	{
	print at ? at : "before its init said anything"
	print taint
	if (why)
		print "gave up: the guest's init says: " why
	else if (NR == count)
		print "silent: the guest ended, and its init said nothing"
	else if (end == "")
		print "no evidence: the guest ended " at ", without the end marker"
	else if (lack)
		print "no evidence: " lack
	else if (!told)
		print "no evidence: the guest did not say whether it is tainted"
	else if (end != count)
		print "no evidence: " count " programs should have run, and the guest" \
			" counts " end
	else
		print "passed: " end " programs ran to an end, no splat, no taint"
}
