# What the model found, model/README.md: execve() of a stopped process that has two threads
# forgets the stop. That is so on either kernel; it would be news if it were not.
. /regress/lib.sh

exec-of-stopped single >/tmp/out 2>&1
status=$?
sed 's/^/# /' /tmp/out
ok "with one thread it stops before the new program's first instruction" [ $status = 0 ]

exec-of-stopped >/tmp/out 2>&1
status=$?
sed 's/^/# /' /tmp/out
ok "with two the new program runs, and the process counts as stopped" [ $status = 1 ]
exit $FAILED
