# stress-ng --ptrace: two pairs of a tracer and its tracee, at full speed
. /regress/lib.sh

stress-ng --ptrace 2 --timeout 5s --verify 2>&1 | tee /tmp/out | sed 's/^/# /'
ok "stress-ng --ptrace ends with 0" [ "${PIPESTATUS[0]}" = 0 ]
ok "and says that it passed" grep -qE 'passed: .*(ptrace \(2\)|2: ptrace)|successful run' /tmp/out
exit $FAILED
