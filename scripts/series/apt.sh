# shellcheck shell=bash
# Debian packages without root and without a change to apt's configuration: an apt with lists
# and a cache of its own. Sourced after series.sh, never run. The caller sets
#
#	tmp	a directory for it
#	log	where the output goes

apt_lists=()	# further options for apt: which lists to use
apt_get() { LC_ALL=C apt-get -q -c "$tmp/apt.conf" "${apt_lists[@]}" "$@"; }
apt_cache() { LC_ALL=C apt-cache -c "$tmp/apt.conf" "${apt_lists[@]}" "$@"; }

# private_apt: make it ready. The system's lists may be old, and only root may renew them.
private_apt()
{
	command -v apt-get >/dev/null || die $EX_SETUP \
		"there is no apt-get here to download a kernel source with; KSRC=/path names a kernel tree"
	mkdir -p "$tmp/apt/lists/partial" "$tmp/apt/cache/archives/partial"
	# apt's sandbox user can't write here. The hooks act on the system's own lists.
	cat >"$tmp/apt.conf" <<-EOT
		Dir::State "$tmp/apt";
		Dir::Cache "$tmp/apt/cache";
		APT::Sandbox::User "root";
		Acquire::Languages "none";
		#clear APT::Update::Pre-Invoke;
		#clear APT::Update::Post-Invoke;
		#clear APT::Update::Post-Invoke-Success;
	EOT
}

# fetch_failed WHAT: end the script.
fetch_failed()
{
	grep -m 1 'No space left on device' "$log" >&2 || :
	die $EX_SETUP "$1; the output is in $log"
}

# keyring: what a line of a sources.list needs to trust Debian's archive by.
keyring()
{
	local keys=/usr/share/keyrings/debian-archive-keyring.gpg

	[ ! -f "$keys" ] || echo "[signed-by=$keys]"
}

# only_list LINE: have apt use that one line of a sources.list.
only_list()
{
	echo "$1" >"$tmp/suite.list"
	apt_lists=(-o Dir::Etc::sourcelist="$tmp/suite.list" -o Dir::Etc::sourceparts=/dev/null)
}

# debian_archive WHAT: set archive and codename to the Debian release whose lists apt has
# fetched; or end the script, which looks for WHAT.
debian_archive()
{
	# Only a list that was fetched has the label of its archive.
	read -r archive codename < <(apt_get indextargets --format '$(REPO_URI) $(CODENAME)' \
		'Created-By: Packages' 'Origin: Debian' 'Label: Debian') ||
		fetch_failed "apt has no $1, nor the lists of a Debian archive to look for it in"
}

# use_suite SUITE: make apt_lists name that suite of the same Debian archive alone.
use_suite()
{
	local archive codename

	run "$log" apt_get update || true
	debian_archive "suite $1"
	only_list "deb $(keyring) $archive $1 main"
	run "$log" apt_get update || fetch_failed "the lists of Debian $1 could not be fetched"
}

# find_package PACKAGE: make apt_lists name lists that hold it, and set version to the newest
# one there. Looks in the suites that apt is configured for, then in a few others of the same
# Debian archive. Returns 1 if none has it.
find_package()
{
	local archive='' codename suite

	say "looking for $1"
	for suite in '' backports trixie-backports trixie bookworm; do
		if [ "$suite" = backports ]; then
			debian_archive "$1"
			suite=${codename%%-*}-backports
		fi
		[ -z "$suite" ] || only_list "deb $(keyring) $archive $suite main"
		# An update may end well without any list: what counts is what they hold.
		run "$log" apt_get update || true
		version=$(apt_cache show --no-all-versions "$1" 2>>"$log" |
			sed -n 's/^Version: //p') || true
		[ -z "$version" ] || return 0
	done
	! grep -q 'Failed to fetch' "$log" ||
		fetch_failed "$1 was not found, and not every list could be fetched"
	return 1
}
