// SPDX-License-Identifier: GPL-2.0
/*
 * PTRACE_INTERRUPT and PTRACE_DETACH leave no trace: the program of the second
 * seed (2011). Without argument a running tracee is seized, interrupted and
 * detached, and goes on running. With any argument it is stopped first, made to
 * run by the tracer, interrupted and detached, and is stopped again.
 *
 *	tracee: alive pid=N		three times
 *	tracer: INTERRUPT and DETACH
 *	tracee: alive pid=N		three times, not with argument
 *	tracer: exiting
 *
 * The tracee says that it is alive when the tracer, its parent, gives it a tick
 * over a pipe, and it tells when it has. So no line comes out of turn, however
 * slow the host is.
 *
 * Exits with 0 if it got to the end, 1 with a line on what failed if not: on a
 * kernel without the series PTRACE_SEIZE does not know the flag (EIO).
 */
#include "group_stop.h"

#include <poll.h>


#define LINES		3
#define SILENCE_MS	300

static pid_t tracee;

static void die(const char *what)
{
	printf("tracer: %s: %s\n", what, strerror(errno));
	if (tracee > 0)
		kill(tracee, SIGKILL);
	exit(1);
}

static void run_tracee(int tick, int tock)
{
	char c;

	while (read(tick, &c, 1) == 1) {
		printf("tracee: alive pid=%d\n", getpid());
		if (write(tock, &c, 1) != 1)
			break;
	}
	exit(0);
}

static void ticks(int fd)
{
	if (write(fd, "...", LINES) != LINES)
		die("write to the tracee");
}

static void await_tocks(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	char c;
	int i;

	for (i = 0; i < LINES; i++) {
		errno = ETIMEDOUT;
		if (poll(&pfd, 1, DEADLINE_MS) != 1 || read(fd, &c, 1) != 1)
			die("the tracee is silent");
	}
}

int main(int argc, char **argv)
{
	int tick[2], tock[2], status, stopped = argc > 1;
	struct pollfd pfd = { .events = POLLIN };
	siginfo_t si;

	(void)argv;
	setvbuf(stdout, NULL, _IOLBF, 0);

	if (pipe(tick) || pipe(tock))
		die("pipe");
	tracee = fork();
	if (tracee < 0)
		die("fork");
	if (!tracee) {
		close(tick[1]);
		run_tracee(tick[0], tock[1]);
	}
	close(tick[0]);
	close(tock[1]);

	if (stopped) {
		kill(tracee, SIGSTOP);
		if (sys_waitid(tracee, &si, WSTOPPED))
			die("waitid for the group stop");
	}

	if (sys_seize_notify(tracee, 0))
		die("PTRACE_SEIZE with PTRACE_SEIZE_DEVEL");

	if (stopped) {
		/* it is in a STOP trap by now, have it run in spite of that */
		if (sys_waitid(tracee, &si, WSTOPPED | WNOHANG) || !si.si_pid)
			die("waitid for the trap after PTRACE_SEIZE");
		if (sys_ptrace(PTRACE_CONT, tracee, 0, NULL))
			die("PTRACE_CONT");
	}

	ticks(tick[1]);
	await_tocks(tock[0]);

	printf("tracer: INTERRUPT and DETACH\n");
	if (sys_ptrace(PTRACE_INTERRUPT, tracee, 0, NULL))
		die("PTRACE_INTERRUPT");
	if (sys_waitid(tracee, &si, WSTOPPED))
		die("waitid for the interrupt");
	if (sys_ptrace(PTRACE_DETACH, tracee, 0, NULL))
		die("PTRACE_DETACH");

	ticks(tick[1]);
	if (!stopped) {
		await_tocks(tock[0]);
	} else {
		if (wait_task_state(tracee, "T"))
			die("the tracee is not stopped again");
		/* that it stays silent is the one thing that takes time */
		pfd.fd = tock[0];
		errno = EINVAL;
		if (poll(&pfd, 1, SILENCE_MS))
			die("a stopped tracee is alive");
	}

	printf("tracer: exiting\n");
	kill(tracee, SIGKILL);
	waitpid(tracee, &status, 0);
	return 0;
}
