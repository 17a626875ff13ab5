# criu dumps and restores a stopped process, and then a running one
. /regress/lib.sh

# counts: does the tracee's number grow?
counts()
{
	number=$(cat /tmp/number)
	until_so eval '[ "$(cat /tmp/number)" != "$number" ]'
}

# criu_does NAME VERB DIR OPTION...: a test. If it fails, criu's complaint, and the end.
criu_does()
{
	criu "$2" -D "$3" -v4 -o "$2.log" "${@:4}" >"$3/out" 2>&1
	ok "$1" [ $? = 0 ]
	[ $FAILED = 0 ] || { grep Error "$3/$2.log" "$3/out" | sed 's/^/# /'; exit 1; }
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
criu_does "criu dumps it and leaves it there" dump /tmp/left -t $pid --leave-stopped
ok "it is stopped as before" until_so in_states $pid T
kill -CONT $pid
ok "and goes on" counts

kill -STOP $pid
ok "it is stopped again" until_so in_states $pid T
criu_does "criu dumps it" dump /tmp/stopped -t $pid
wait $pid
ok "it is gone" [ ! -e /proc/$pid ]
criu_does "criu restores it" restore /tmp/stopped -d
ok "it is stopped, as it was" until_so in_states $pid T
ok "nobody traces it" field $pid TracerPid 0
stopped_at=$(cat /tmp/number)
kill -CONT $pid
ok "it goes on" counts
ok "from where it was" [ "$(cat /tmp/number)" \> "$stopped_at" ]

criu_does "criu dumps it while it runs" dump /tmp/running -t $pid
ok "it is gone again" until_so [ ! -e /proc/$pid ]
criu_does "criu restores it again" restore /tmp/running -d
ok "it runs" counts
kill -KILL $pid
exit $FAILED
