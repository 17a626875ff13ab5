# shellcheck shell=bash
# Of check-bench: scripts/once, in a repository with nothing else in it, of a test "t" that notes
# in once.runs that it was run, prints ONCE, and does WHILE in the copy. It names "t" and "file".
once()
{
	env -u CI -u FRESH "${@:2}" "$repo/scripts/once" --state once.state/test --on "$1" \
		--reads t --reads file t "$OUT/once.runs" "$ONCE" "$WHILE"
	echo "run $(wc -l <once.runs) times"
}
# changed COMMAND...: do that in the repository first
changed() { (cd "$repo" && "$@") && once a; }
repo=$OUT/once.repo WHILE=:
rm -rf once.state once.runs "$repo"
mkdir -p "$repo/scripts"
cp "$TOP/scripts/once" "$TOP/scripts/lib.sh" "$repo/scripts"
# shellcheck disable=SC2016	# for that sh
printf '%s\n' '#!/bin/sh' 'cd "$(dirname "$0")" || exit' 'echo >>"$1"' 'echo "$2"' 'eval "$3"' \
	>"$repo/t"
chmod +x "$repo/t"
echo 1 >"$repo/file"
ONCE='ok 1 - a test'
expect 0 '^run 1 times$' "once: a test is run" once a
expect 0 '^run 1 times$' "once: ... and not again, if nothing has changed" once a
expect 0 '^# not run again: .* since it passed, 20' "once: ... which is said" once a
expect 0 '^ok 1 - a test$' "once: ... and its results are there" once a
expect 0 '^run 2 times$' "once: it is run when what it depends on has changed" once b
expect 0 '^run 3 times$' "once: ... also if it is back to what passed before that" once a
expect 0 '^run 3 times$' "once: not for a new file that it does not name" changed touch other
WHILE='cat other'
expect 0 'No such file' "once: ... which it can't read either" once a
WHILE=:
expect 0 '^run 5 times$' "once: ... and nothing was kept" once a
expect 0 '^run 6 times$' "once: when a file that it names has changed" changed sh -c 'echo 2 >file'
expect 0 '^run 7 times$' "once: ... when it is executable" changed chmod +x file
expect 0 'PATH is not there' "once: ... when it is gone" changed mv file gone
expect 0 '^run 8 times$' "once: ... when it is back, for nothing was kept" changed mv gone file
expect 0 '^run 9 times$' "once: ... with FRESH=1" once a FRESH=1
expect 0 '^run 10 times$' "once: ... and in CI" once a CI=true
expect 0 '^run 11 times$' "once: ... and nothing is kept there" once a
WHILE='echo 3 >file'
expect 0 '^run 12 times$' "once: a file that changes meanwhile" once a
expect 0 '^run 13 times$' "once: ... leaves nothing to be kept" once a
expect 0 '^2$' "once: ... and is the copy's" cat "$repo/file"
WHILE=: ONCE='not ok 1 - a test'
expect 0 '^run 14 times$' "once: a failure" once a
expect 0 '^run 15 times$' "once: ... is not kept" once a
WHILE='exit 3' ONCE='ok 1 - a test'
expect 0 '^run 16 times$' "once: nor is an exit code" once a
expect 0 '^run 17 times$' "once: ..." once a
expect 3 '^ok 1' "once: ... which is that of the test" "$repo/scripts/once" \
	--state once.state/other --reads t t "$OUT/once.runs" "$ONCE" "$WHILE"
