// SPDX-License-Identifier: GPL-2.0
/*
 * A tracer that is told of group stops and their ends, and never lets go of its
 * tracee: the program of the first seed (2011), three rounds of
 *
 *	mother: SIGSTOP
 *	tracer: SIG 19
 *	tracer: stopped=1 signo=19
 *	mother: SIGCONT
 *	tracer: stopped=0 signo=5
 *	tracer: SIG 18
 *
 * The mother stops and continues the tracee, the tracer tells what it sees. Each
 * waits for the other, not for time: the tracer reports over a pipe when it has
 * seized the tracee, and after each line that it printed.
 *
 * Exits with 0 if it got to the end, 1 with a line on what failed if not: on a
 * kernel without the series PTRACE_SEIZE does not know the flag (EIO).
 */
#include "group_stop.h"

#define ROUNDS	3

/* What the tracer reports to the mother. */
enum { SEIZED = 'z', STOPPED = 's', CONTINUED = 'c', SIGNAL = 'S' };

static pid_t tracee_pid, tracer_pid;

static void die(const char *who, const char *what)
{
	printf("%s: %s: %s\n", who, what, strerror(errno));
	exit(1);
}

/* Ends the mother, and her children with her. */
static void end(int code)
{
	int status;

	kill(tracer_pid, SIGKILL);
	kill(tracee_pid, SIGKILL);
	waitpid(tracer_pid, &status, 0);
	waitpid(tracee_pid, &status, 0);
	exit(code);
}

static void report(int fd, char what)
{
	if (write(fd, &what, 1) != 1)
		die("tracer", "write to the mother");
}

/* Reads reports until @what comes; if the tracer is gone, so is all. */
static void expect(int fd, char what)
{
	char c;

	do {
		if (read(fd, &c, 1) != 1)
			end(1);
	} while (c != what);
}

static void tracer(pid_t tracee, int fd)
{
	int stopped, last_stopped = 0;
	siginfo_t si;

	if (sys_seize_notify(tracee, 0))
		die("tracer", "PTRACE_SEIZE with PTRACE_SEIZE_DEVEL");
	report(fd, SEIZED);

	for (;;) {
		if (sys_waitid(tracee, &si, WSTOPPED))
			die("tracer", "waitid");
		if (sys_ptrace(PTRACE_GETSIGINFO, tracee, 0, &si))
			die("tracer", "PTRACE_GETSIGINFO");

		/* signal-delivery-stop of a signal sent with kill(2) */
		if (si.si_code == SI_USER) {
			printf("tracer: SIG %d\n", si.si_signo);
			if (sys_ptrace(PTRACE_CONT, tracee, 0,
				       (void *)(long)si.si_signo))
				die("tracer", "PTRACE_CONT");
			report(fd, SIGNAL);
			continue;
		}

		stopped = si.si_status != 0;
		if (stopped != last_stopped) {
			printf("tracer: stopped=%d signo=%d\n",
			       stopped, si.si_signo);
			report(fd, stopped ? STOPPED : CONTINUED);
		}
		last_stopped = stopped;

		/* A stopped tracee stays trapped: it will trap again. */
		if (!stopped && sys_ptrace(PTRACE_CONT, tracee, 0, NULL))
			die("tracer", "PTRACE_CONT");
	}
}

int main(void)
{
	int i, fds[2];

	/* two processes write to one stream: whole lines only */
	setvbuf(stdout, NULL, _IOLBF, 0);

	if (pipe(fds))
		die("mother", "pipe");
	tracee_pid = fork();
	if (tracee_pid < 0)
		die("mother", "fork");
	if (!tracee_pid) {
		close(fds[0]);
		close(fds[1]);
		for (;;)
			pause();
	}

	tracer_pid = fork();
	if (tracer_pid < 0) {
		kill(tracee_pid, SIGKILL);
		die("mother", "fork");
	}
	if (!tracer_pid) {
		close(fds[0]);
		tracer(tracee_pid, fds[1]);
	}
	close(fds[1]);

	expect(fds[0], SEIZED);
	for (i = 0; i < ROUNDS; i++) {
		printf("mother: SIGSTOP\n");
		kill(tracee_pid, SIGSTOP);
		expect(fds[0], STOPPED);
		printf("mother: SIGCONT\n");
		kill(tracee_pid, SIGCONT);
		expect(fds[0], CONTINUED);
		expect(fds[0], SIGNAL);
	}

	end(0);
}
