// SPDX-License-Identifier: GPL-2.0
/*
 * Does, with nothing that only the series has, what the selftests do where KCSAN sees data
 * races in the kernel: for scripts/races, which looks for them in the kernel without it.
 *
 *	races SECONDS
 *
 * Three tracees, each with a process of its own that traces it:
 *
 *	options	is trapped, and PTRACE_SETOPTIONS changes its options without end, while
 *		another thread of the tracer asks waitid() for it, and a third process
 *		sends it SIGCONT and stop signals. ->ptrace is read by the latter two.
 *	exits	is told to stop by PTRACE_INTERRUPT while it exits: ->flags
 *	again	makes system calls, each of which traps, while its tracer dies and the next
 *		one seizes it: ->ptrace
 *
 * Prints TAP, a test for each of them, that it has been gone through at least once. Exits
 * with 0 if so, 1 if not, 2 if it could not be tried.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SETOPTIONS_A_TRAP	100	/* requests, before another trap is asked for */

static time_t end;			/* of all, in seconds of CLOCK_MONOTONIC */
static atomic_bool waits;		/* the other thread is to go on with waitid() */

static bool over(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec >= end;
}

/* A child that dies with who forks it. Returns its pid, or 0 in the child. */
static pid_t spawn(void)
{
	pid_t parent = getpid(), pid = fork();

	if (pid < 0)
		err(2, "fork");
	if (!pid && (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent))
		_exit(2);
	return pid;
}

static void reap(pid_t pid)
{
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, __WALL) == pid && !kill(pid, 0))
		;
}

static void *wait_for_ever(void *arg)
{
	pid_t pid = *(pid_t *)arg;
	siginfo_t info;

	while (waits)
		waitid(P_PID, pid, &info, WSTOPPED | WNOHANG | WNOWAIT | __WALL);
	return NULL;
}

/* All of these return how often they have done it. */
static unsigned long options(void)
{
	static pid_t tracee;
	unsigned long done = 0;
	pthread_t thread;
	pid_t sender;
	int i, status;

	tracee = spawn();
	if (!tracee)
		for (;;)
			getppid();
	if (ptrace(PTRACE_SEIZE, tracee, 0, 0))
		err(2, "PTRACE_SEIZE");
	sender = spawn();
	while (!sender) {
		kill(tracee, SIGSTOP);
		kill(tracee, SIGCONT);
		kill(tracee, SIGCONT);
	}
	waits = true;
	if (pthread_create(&thread, NULL, wait_for_ever, &tracee))
		errx(2, "pthread_create");
	while (!over()) {
		ptrace(PTRACE_INTERRUPT, tracee, 0, 0);
		if (waitpid(tracee, &status, __WALL) != tracee || !WIFSTOPPED(status))
			break;
		for (i = 0; i < SETOPTIONS_A_TRAP; i++)
			done += !ptrace(PTRACE_SETOPTIONS, tracee, 0,
					i & 1 ? PTRACE_O_TRACECLONE : 0);
		ptrace(PTRACE_CONT, tracee, 0, 0);
	}
	waits = false;
	pthread_join(thread, NULL);
	reap(sender);
	reap(tracee);
	return done;
}

static unsigned long exits(void)
{
	unsigned long done = 0;
	volatile int spin;
	int status;
	pid_t pid;

	for (; !over(); done++) {
		pid = spawn();
		if (!pid) {
			/* not always at the same place of what the tracer does */
			for (spin = getpid() % 64 * 200; spin > 0; spin--)
				;
			_exit(0);
		}
		if (!ptrace(PTRACE_SEIZE, pid, 0, PTRACE_O_EXITKILL))
			while (!ptrace(PTRACE_INTERRUPT, pid, 0, 0))
				if (waitpid(pid, &status, WNOHANG | __WALL) == pid && WIFSTOPPED(status))
					ptrace(PTRACE_CONT, pid, 0, 0);
		reap(pid);
	}
	return done;
}

static unsigned long again(void)
{
	unsigned long done = 0;
	pid_t tracee, tracer;
	int status;

	tracee = spawn();
	if (!tracee)
		for (;;)
			getppid();
	while (!over()) {
		tracer = spawn();
		if (!tracer) {
			if (ptrace(PTRACE_SEIZE, tracee, 0, PTRACE_O_TRACESYSGOOD) ||
			    ptrace(PTRACE_INTERRUPT, tracee, 0, 0))
				_exit(1);
			/* the last one goes while the tracee is on its way to a trap */
			for (int i = done % 8; i >= 0; i--)
				if (waitpid(tracee, &status, __WALL) != tracee ||
				    ptrace(PTRACE_SYSCALL, tracee, 0, 0))
					_exit(1);
			_exit(0);
		}
		if (waitpid(tracer, &status, 0) == tracer && !status)
			done++;
	}
	reap(tracee);
	return done;
}

int main(int argc, char **argv)
{
	static unsigned long (*const all[])(void) = { options, exits, again };
	static const char *const names[] = { "options", "exits", "again" };
	unsigned long *done;
	struct timespec now;
	pid_t pid[3];
	int i, rc = 0;

	if (argc != 2 || atol(argv[1]) <= 0)
		errx(2, "usage: races SECONDS");
	clock_gettime(CLOCK_MONOTONIC, &now);
	end = now.tv_sec + atol(argv[1]);
	done = mmap(NULL, sizeof(*done) * 3, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		    -1, 0);
	if (done == MAP_FAILED)
		err(2, "mmap");
	printf("1..3\n");
	fflush(stdout);
	for (i = 0; i < 3; i++) {
		pid[i] = spawn();
		if (!pid[i]) {
			done[i] = all[i]();
			_exit(0);
		}
	}
	for (i = 0; i < 3; i++) {
		waitpid(pid[i], NULL, 0);
		printf("%sok %d %s\n# %lu times\n", done[i] ? "" : "not ", i + 1, names[i], done[i]);
		rc |= !done[i];
	}
	return rc;
}
