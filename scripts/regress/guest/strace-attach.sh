# strace -f attaches to a stopped process of three threads, sees it go on, and lets go
. /regress/lib.sh

tracee threads &
pid=$!
ok "the tracee runs" until_so in_states $pid SSR
kill -STOP $pid
ok "it is stopped" until_so in_states $pid TTT
# stop: traced and in a group stop, it is "t"
strace -f -o /tmp/log -p $pid 2>/dev/null &
tracer=$!
ok "strace sees all three threads stopped" until_so eval \
	'[ "$(grep -c "stopped by SIGSTOP" /tmp/log)" = 3 ]'
ok "they stay so" in_states $pid ttt
kill -CONT $pid
ok "strace sees the continue" until_so grep -q -e '--- SIGCONT' /tmp/log
ok "the tracee runs on" until_so in_states $pid SSR
kill -STOP $pid
ok "strace sees a stop of the running tracee" until_so eval \
	'[ "$(grep -c "stopped by SIGSTOP" /tmp/log)" = 6 ]'
kill -TERM $tracer
wait $tracer
ok "strace is gone" until_so field $pid TracerPid 0
ok "the tracee is still stopped" until_so in_states $pid TTT
kill -CONT $pid
ok "it goes on" until_so in_states $pid SSR
# Which thread takes a signal of the whole process is the scheduler's choice.
strace_facts /tmp/log | sed 's/^P[0-9]* /P /' | sort | sed 's/^/| /'
kill -KILL $pid
exit $FAILED
