# shellcheck shell=bash
# Of check-bench: what scripts/regress/regress-table makes of two runs.

# pair FIRST HOW SECOND HOW: two runs of one program, with what it printed in each, with \n
# between lines, and how it ended.
pair()
{
	local run

	for run in first second; do
		rm -rf $run
		mkdir -p $run/tap
		echo "prog 1 /bin/prog" >$run/manifest
		echo "passed: 1 programs" >$run/verdict
		printf '%b\n' "$1" >$run/tap/prog.tap
		[ -z "$2" ] || echo "$2" >$run/tap/prog.status
		shift 2
	done
}
table() { "$TOP/scripts/regress/regress-table" first second "$@"; }

# what it printed; how it ended [exit 0]; the same of the second run; and what is to come of it
while IFS=';' read -r first how second end code what regex; do
	pair "$first" "${how:-exit 0}" "$second" "${end:-exit 0}"
	expect "$code" "$regex" "regress: $what" table
done <<'EOF'
ok 1 a;;ok 1 a;;0;the same;^2 passed, 0 failed$
ok 1 a;;not ok 1 a;;1;a test that fails on one kernel;^prog: 1 a +ok +FAIL +DIFFERENT
Diff: 5..not ok 1 a;exit 1;ok 1 a;exit 1;1;a result after words;^prog: 1 a +FAIL +ok +DIFFERENT
ok 1 a\nok 2 b;;ok 1 a;;1;a test that one kernel lacks;^prog: 2 b +ok +missing +DIFFERENT
ok 1 a\nok 2 # SKIP no b;;ok 1 a\nok 2;;1;skipped on one kernel;^prog: 2 +skip +ok +DIFFERENT
ok 1 a\nnot ok 2;exit 1;ok 1 a\nnot ok 2;exit 1;0;both fail;^1 ok on both, 2 fail on both, 0 skip
1..0 # SKIP;exit 4;1..0 # SKIP;exit 4;5;nothing but skips is no comparison;no test in common
[OK]\n[OK];;[OK];;1;lines of the x86 selftests;^prog: lines +2 OK +1 OK +DIFFERENT
| one\nok - a;;| two\nok - a;;1;facts that differ are shown;^\+\| two
ok 1 a;;ok 1 a;signal 11;1;another end;^prog: end +exit 0 +signal 11 +DIFFERENT
EOF
echo 'flaky prog: e* # now and then' >exceptions
expect 0 '^1 passed, 0 failed, 1 skipped' "regress: a flaky test" table exceptions
pair 'ok 1 a' '' 'ok 1 a' ''
echo "crashed: the console says BUG" | tee first/verdict >second/verdict
expect 1 '^second: crashed' "regress: two guests that crash in the same way" table
