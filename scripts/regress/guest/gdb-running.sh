# gdb attaches to a running process of three threads, looks at them, and lets go
. /regress/lib.sh
. /regress/gdb-common.sh

tracee threads &
pid=$!
ok "the tracee runs" until_so in_states $pid SSR
attach
ok "it runs as before" until_so in_states $pid SSR
gdb_facts | transcript
kill -KILL $pid
done_testing
