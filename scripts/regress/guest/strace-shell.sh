# strace -f of a job-controlled shell: a job, Ctrl-Z, fg, Ctrl-C, exit
. /regress/lib.sh

# 230 and 219 are clock_nanosleep() and restart_syscall(), 61 is wait4(), all of x86_64.
cat >/tmp/steps <<-END
	show ready>
	type sleep 1000
	asleep sleep 230
	asleep bash 61
	key Z
	show Stopped
	show ready>
	stopped sleep
	type jobs
	show Stopped
	show ready>
	type fg
	show sleep 1000
	asleep sleep 230 219
	asleep bash 61
	key C
	show ready>
	type exit 7
	end 7
END
export PS1='ready>' HISTFILE=
on-pty /tmp/steps strace -f -o /tmp/log bash --norc --noprofile -i || FAILED=1
strace_facts /tmp/log >/tmp/facts
ok "strace saw the stop" grep -q '^P2 --- stopped by SIGTSTP ---' /tmp/facts
ok "strace saw the continue" grep -q '^P2 --- SIGCONT' /tmp/facts
ok "the shell was told of the stop" grep -q '^P1 wait: {WIFSTOPPED' /tmp/facts
sed 's/^/| /' /tmp/facts
exit $FAILED
