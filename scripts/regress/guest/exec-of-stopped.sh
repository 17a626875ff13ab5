# What the model found, model/README.md: execve() of a stopped process that has two threads
# forgets the stop. That is so on either kernel; it would be news if it were not.
. /regress/lib.sh

exec-of-stopped single 2>&1 | sed 's/^/# /'
ok "with one thread it stops before the new program's first instruction" [ "${PIPESTATUS[0]}" = 0 ]
exec-of-stopped 2>&1 | sed 's/^/# /'
ok "with two the new program runs, and the process counts as stopped" [ "${PIPESTATUS[0]}" = 1 ]
exit $FAILED
