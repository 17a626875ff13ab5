# shellcheck shell=bash
# A kernel tree and a build directory of a script's own, for kernels that come and go in it:
# what was compiled for one is a step away from the next. Sourced after lib.sh, never run.

# own_tree NAME COMMIT: set and export BUILD and TREE for these, with COMMIT of the series' tree
# checked out, and set series to the path of that tree. They lie to each other as those of the
# series do: only then does ccache find what was compiled there.
own_tree()
{
	[ "$ARCH" = x86_64 ] || die $EX_SETUP "$ME is for x86_64 alone"
	series=$("$TOP/scripts/series/tree") || exit
	BUILD=$BUILD/$1
	TREE=$BUILD/tree/$(variant tree)
	export BUILD TREE
	if [ ! -e "$TREE/.git" ]; then
		git -C "$series" worktree prune
		git -C "$series" worktree add -q --detach "$TREE" "$2" ||
			die $EX_SETUP "git worktree failed"
	fi
}

# check_out COMMIT: and throw away what was changed there.
check_out()
{
	git -C "$TREE" checkout -q -f --detach "$1" || die $EX_SETUP "git checkout failed in $TREE"
}

# quiet_run DIR ARGUMENT...: guest_run in DIR/run, with the ARGUMENTs, and without a word: what it
# says is in DIR/vm.log. The transcript of proof_plain becomes results. Returns as guest_run.
quiet_run()
{
	local rc=0

	(guest_run "$1/run" "${@:2}" --stream none) >/dev/null 2>"$1/vm.log" || rc=$?
	[ $rc != $EX_SETUP ] && [ $rc -lt 128 ] || { cat "$1/vm.log" >&2; exit $rc; }
	"$TOP/scripts/run/plain" --tap "$1/run"
	return $rc
}
