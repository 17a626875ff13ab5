# criu dumps and restores a stopped process, and then a running one
. /regress/lib.sh

# counts: does the tracee's number grow?
counts()
{
	local before

	before=$(cat /tmp/number)
	until_so eval '[ "$(cat /tmp/number)" != "'"$before"'" ]'
}

# criu_does VERB DIR OPTION...: with what it complains of if it fails.
criu_does()
{
	local what=$1 dir=$2

	shift 2
	criu "$what" -D "$dir" -v4 -o "$what.log" "$@" >"$dir/out" 2>&1 ||
		{ grep -E 'Error' "$dir/$what.log" "$dir/out" | sed 's/^/# /' >&2; false; }
}

# must NAME COMMAND...: as ok, but the end if it fails.
must()
{
	ok "$@"
	[ $FAILED = 0 ] || done_testing
}

# criu asks the kernel first what it can do, over a socket of the loopback device too
ok "there is a loopback device" ifconfig lo 127.0.0.1 up
mkdir -p /tmp/stopped /tmp/left /tmp/running
setsid tracee count /tmp/number </dev/null >/dev/null 2>&1 &
pid=$!
ok "the tracee runs" until_so eval '[ -s /tmp/number ]'
ok "its number grows" counts

kill -STOP $pid
ok "it is stopped" until_so in_states $pid T
ok "criu dumps it and leaves it there" criu_does dump /tmp/left -t $pid --leave-stopped
ok "it is stopped as before" until_so in_states $pid T
kill -CONT $pid
ok "and goes on" counts

kill -STOP $pid
ok "it is stopped again" until_so in_states $pid T
must "criu dumps it" criu_does dump /tmp/stopped -t $pid
wait $pid
ok "it is gone" [ ! -e /proc/$pid ]
must "criu restores it" criu_does restore /tmp/stopped -d
ok "it is stopped, as it was" until_so in_states $pid T
ok "nobody traces it" field $pid TracerPid 0
number=$(cat /tmp/number)
kill -CONT $pid
ok "it goes on" counts
ok "from where it was" [ "$(cat /tmp/number)" \> "$number" ]

must "criu dumps it while it runs" criu_does dump /tmp/running -t $pid
ok "it is gone again" until_so [ ! -e /proc/$pid ]
must "criu restores it again" criu_does restore /tmp/running -d
ok "it runs" counts
kill -KILL $pid
done_testing
