# shellcheck shell=bash
# What the scripts of this room share. Sourced after lib.sh, never run.

# no_argument [ARGUMENT]: answer --help, and refuse any other argument.
no_argument()
{
	case ${1:-} in
	'') ;;
	--help|-h) usage; exit 0 ;;
	*) die $EX_SETUP "unknown argument '$1', see --help" ;;
	esac
}

# need_series [BASE]: end the script unless that base has a series.
need_series()
{
	[ -f "$TOP/patches/${1:-$BASE}/series" ] ||
		die $EX_SETUP "there is no series for '${1:-$BASE}'; there is one for: $(bases)"
}

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
