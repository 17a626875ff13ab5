# shellcheck shell=bash
# Of check-bench: scripts/once, and what it takes for a change.

# scripts/once, of a repository with nothing else in it: a test that notes in $OUT/once.runs that
# it was run, prints ONCE, and does WHILE.
once()
{
	local on=$1

	shift
	env -u CI -u FRESH "$@" "$repo/scripts/once" --state "$OUT/once.state/test" --on "$on" \
		sh -c 'cd "$3"; echo >>"$1"; echo "$2"; eval "$4"' sh "$OUT/once.runs" "$ONCE" \
		"$repo" "$WHILE"
	echo "run $(wc -l <"$OUT/once.runs") times"
}
# changed COMMAND...: do that in the repository first
changed()
{
	(cd "$repo" && "$@") && once a
}
repo=$OUT/once.repo WHILE=:
rm -rf "$OUT/once.state" "$OUT/once.runs" "$repo"
mkdir -p "$repo/scripts"
cp "$TOP/scripts/once" "$TOP/scripts/lib.sh" "$repo/scripts"
git -C "$repo" init -q
ONCE='ok 1 - a test'
expect 0 '^run 1 times$' "once: a test is run" once a
expect 0 '^run 1 times$' "once: ... and not again, if nothing has changed" once a
expect 0 '^# not run again: .* since it passed, 20' "once: ... which is said" once a
expect 0 '^ok 1 - a test$' "once: ... and its results are there" once a
expect 0 '^run 2 times$' "once: it is run when what it depends on has changed" once b
expect 0 '^run 3 times$' "once: ... also if it is back to what passed before that" once a
expect 0 '^run 4 times$' "once: ... when there is a new file" changed sh -c 'echo 1 >file'
expect 0 '^run 4 times$' "once: ... which is the same then" changed git add file
expect 0 '^run 5 times$' "once: ... when a file has changed" changed sh -c 'echo 2 >file'
expect 0 '^run 6 times$' "once: ... when it is executable" changed chmod +x file
expect 0 '^run 7 times$' "once: ... with FRESH=1" once a FRESH=1
expect 0 '^run 8 times$' "once: ... and in CI" once a CI=true
expect 0 '^run 9 times$' "once: ... and nothing is kept there" once a
WHILE='echo 3 >file'
expect 0 '^run 10 times$' "once: a file that changes meanwhile" once a
expect 0 '^run 11 times$' "once: ... leaves nothing to be kept" changed sh -c 'echo 2 >file'
WHILE='rm file'
expect 0 '^run 12 times$' "once: nor does what can't be read" changed sh -c 'echo 2 >file'
expect 0 '^run 13 times$' "once: ... in the index of git, and not there" once a
WHILE=: ONCE='not ok 1 - a test'
expect 0 '^run 14 times$' "once: a failure" changed sh -c 'echo 2 >file'
expect 0 '^run 15 times$' "once: ... is not kept" once a
WHILE='exit 3' ONCE='ok 1 - a test'
expect 0 '^run 16 times$' "once: nor is an exit code" once a
expect 0 '^run 17 times$' "once: ..." once a
expect 3 '^ok 1$' "once: which is that of the test" \
	"$repo/scripts/once" --state "$OUT/once.state/other" sh -c 'echo ok 1; exit 3'
