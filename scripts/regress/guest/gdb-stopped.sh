# gdb attaches to a stopped process of three threads, looks at them, and lets go
. /regress/lib.sh
. /regress/gdb-common.sh

tracee threads &
pid=$!
ok "the tracee runs" until_so in_states $pid SSR
kill -STOP $pid
ok "it is stopped" until_so in_states $pid TTT
attach
ok "it is stopped as before" until_so in_states $pid TTT
gdb_facts | transcript
kill -CONT $pid
ok "it goes on" until_so in_states $pid SSR
kill -KILL $pid
done_testing
