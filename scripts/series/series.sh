# shellcheck shell=bash
# What the scripts of this room share. Sourced in the place of lib.sh, never run.

. "$(dirname "$0")/../lib.sh"

# patch_names [BASE]: the patches that its series names, in order, one a line.
patch_names()
{
	sed '/^#/d; s/[[:space:]]*$//; /^$/d' "$TOP/patches/${1:-$BASE}/series"
}

# newest: the base whose series is posted, and has the selftests.
newest()
{
	bases | tr ' ' '\n' | sort -V | tail -n 1
}

# field FILE KEY: the value of a "KEY: value" line, if there is one.
field()
{
	[ ! -f "$1" ] || sed -n "s/^$2: *//p" "$1"
}

# kernel_version: VERSION.PATCHLEVEL of the kernel's Makefile on stdin.
kernel_version()
{
	sed -n 's/^\(VERSION\|PATCHLEVEL\) *= *//p' | head -n2 | paste -sd.
}

# settled TREE: end the script unless all work there is committed on the branch "series".
settled()
{
	local changes

	[ "$(git -C "$1" symbolic-ref -q HEAD)" = refs/heads/series ] &&
		[ ! -e "$1/.git/rebase-apply" ] || die $EX_SETUP "$1 is not on its branch 'series'," \
		"or git rebase or git am is not ended there"
	changes=$(git -C "$1" status --porcelain | head -n 20)
	[ -z "$changes" ] || die $EX_SETUP "$1 has changes that are not committed: git commit --amend," \
		"or git commit --fixup and git rebase -i --autosquash base"$'\n'"$changes"
}
