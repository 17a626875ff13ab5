# results.awk: the results that a program printed, whatever its dialect
#
# usage: LC_ALL=C awk -v name=NAME -f results.awk FILE
#
# Prints "NAME: TEST<TAB>RESULT" for each result of its TAP. A kselftest may have begun the line with
# words of its own. If there is no TAP, prints "NAME: lines" and how many lines begin with [OK],
# [FAIL] and so on.
{ gsub(/\r/, ""); gsub(/\t/, " ") }
!/^[#|]/ && match($0, /(^|[^A-Za-z])(not )?ok ([0-9]+|-)( |$)/) {
	line = substr($0, RSTART)
	sub(/^[^no]/, "", line)
	result = line ~ /^not/ ? "FAIL" : "ok"
	sub(/^(not )?ok (- )?/, "", line)
	if (match(line, / *# *(SKIP|XFAIL|XPASS|TODO)/)) {
		word = substr(line, RSTART, RLENGTH)
		gsub(/[ #]/, "", word)
		if (result == "ok")
			result = word == "SKIP" ? "skip" : "ok, " word
		line = substr(line, 1, RSTART - 1)
	}
	if (++times[line] > 1)
		line = line " (" times[line] ")"
	print name ": " line "\t" result
	tap = 1
}
match($0, /^\[[A-Z]+\]/) {
	word = substr($0, 2, RLENGTH - 2)
	if (!words[word]++)
		order[++n] = word
}
END {
	for (i = 1; !tap && i <= n; i++)
		text = text (i > 1 ? ", " : "") words[order[i]] " " order[i]
	if (text != "")
		print name ": lines\t" text
}
