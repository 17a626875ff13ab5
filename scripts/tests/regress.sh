# shellcheck shell=bash
# Of check-bench: what scripts/regress/regress-table makes of two runs.

# pair FIRST HOW SECOND HOW: two runs of one program, with what it printed in each (\n for
# a newline) and how it ended, for scripts/regress/regress-table.
pair()
{
	local run

	for run in first second; do
		rm -rf "${OUT:?}/$run"
		mkdir -p "$OUT/$run/tap"
		echo "prog 1 /bin/prog" >"$OUT/$run/manifest"
		echo "passed: 1 programs" >"$OUT/$run/verdict"
		printf "$1" >"$OUT/$run/tap/prog.tap"
		[ -z "$2" ] || echo "$2" >"$OUT/$run/tap/prog.status"
		shift 2
	done
}
table()
{
	"$TOP/scripts/regress/regress-table" "$OUT/first" "$OUT/second" "$@"
}

pair 'ok 1 a\n' 'exit 0' 'ok 1 a\n' 'exit 0'
expect 0 '^2 passed, 0 failed$' "regress: the same" table
pair 'ok 1 a\n' 'exit 0' 'not ok 1 a\n' 'exit 0'
expect 1 '^prog: 1 a +ok +FAIL +DIFFERENT' "regress: a test that fails on one kernel" table
pair 'Diff: 5..not ok 1 a\n' 'exit 1' 'ok 1 a\n' 'exit 1'
expect 1 '^prog: 1 a +FAIL +ok +DIFFERENT' "regress: a result after other words" table
pair 'ok 1 a\nok 2 b\n' 'exit 0' 'ok 1 a\n' 'exit 0'
expect 1 '^prog: 2 b +ok +missing +DIFFERENT' "regress: a test that one kernel lacks" table
pair 'ok 1 a\nok 2 # SKIP no b\n' 'exit 0' 'ok 1 a\nok 2\n' 'exit 0'
expect 1 '^prog: 2 +skip +ok +DIFFERENT' "regress: a test skipped on one kernel" table
pair 'ok 1 a\nnot ok 2 b\n' 'exit 1' 'ok 1 a\nnot ok 2 b\n' 'exit 1'
expect 0 '^1 ok on both, 2 fail on both, 0 skipped' "regress: what fails on both is counted" table
pair '1..0 # SKIP\n' 'exit 4' '1..0 # SKIP\n' 'exit 4'
expect 5 'no test in common' "regress: nothing but skips is no comparison" table
pair '[OK]\n[OK]\n' 'exit 0' '[OK]\n' 'exit 0'
expect 1 '^prog: lines +2 OK +1 OK +DIFFERENT' "regress: lines of the x86 selftests" table
pair '| one\nok - a\n' 'exit 0' '| two\nok - a\n' 'exit 0'
expect 1 '^\+\| two' "regress: facts that differ are shown" table
pair 'ok 1 a\n' 'exit 0' 'ok 1 a\n' 'signal 11'
expect 1 '^prog: end +exit 0 +signal 11 +DIFFERENT' "regress: another end" table
echo 'flaky prog: e* # now and then' >"$OUT/exceptions"
expect 0 '^1 passed, 0 failed, 1 skipped' "regress: a flaky test" table "$OUT/exceptions"
pair 'ok 1 a\n' '' 'ok 1 a\n' ''
echo "crashed: the console says BUG" | tee "$OUT/first/verdict" >"$OUT/second/verdict"
expect 1 '^second: crashed' "regress: two guests that crash in the same way" table
