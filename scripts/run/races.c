// SPDX-License-Identifier: GPL-2.0
/*
 * Does, with nothing that only the series has, what the selftests do where KCSAN sees data
 * races in the kernel: for scripts/run/races, which looks for them in the kernel without it.
 *
 *	races SECONDS
 *
 * One after the other, for as long each, a tracee
 *
 *	options	is trapped, and PTRACE_SETOPTIONS changes its options without end, while
 *		another thread of the tracer asks waitid() for it, and a third process
 *		sends it SIGCONT and stop signals. ->ptrace is read by the latter two.
 *	exits	is told to stop by PTRACE_INTERRUPT while it dies: ->flags
 *	again	makes system calls, each of which traps, while its tracer dies and the next
 *		one seizes it: ->ptrace
 *	traps	traps at each system call and signal, while /proc/PID/stat is read: ->exit_code
 *		and the pending signals of the thread
 *
 * and, as most selftests look into /proc, and wait more than they run, there is
 *
 *	looks	processes that end, some after they executed a program, while two others look
 *		at them in /proc: ->flags, and the directory entries of what has ended
 *	maps	a thread that maps memory, while another one faults: the tree of mappings
 *	idle	nothing to do between short sleeps: the timer tick of an idle CPU
 *
 * Prints TAP, a test for each, that it has been gone through at least once. Exits with 0
 * if so, 1 if not, 2 if it could not be tried.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))
#define SETOPTIONS_A_TRAP	100	/* requests, before another trap is asked for */
#define INTERRUPTS_AN_EXIT	200
#define LOOKS			3	/* files of a process in /proc */
#define PAGES			8	/* that maps() maps, one by one */

static time_t end;			/* of all, in seconds of CLOCK_MONOTONIC */
static atomic_bool waits;		/* the other thread is to go on */

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

/* The same, of which the child makes system calls without end. */
static pid_t spawn_caller(void)
{
	pid_t pid = spawn();

	while (!pid)
		getppid();
	return pid;
}

static void reap(pid_t pid)
{
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, __WALL) == pid && !kill(pid, 0))
		;
}

/*
 * What the selftests read of a process in /proc, or the first @count of it. Returns whether
 * the last of it was there.
 */
static bool look(pid_t pid, int count)
{
	static const char * const files[LOOKS] = { "stat", "status", "comm" };
	char path[32], text[2048];
	bool there = false;
	int i, fd;

	for (i = 0; i < count; i++) {
		snprintf(path, sizeof(path), "/proc/%d/%s", pid, files[i]);
		fd = open(path, O_RDONLY);
		there = fd >= 0 && read(fd, text, sizeof(text)) > 0;
		if (fd >= 0)
			close(fd);
	}
	return there;
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

	tracee = spawn_caller();
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
	pid_t pid;
	int i;

	for (; !over(); done++) {
		pid = spawn();
		if (!pid)
			for (;;)
				;
		if (ptrace(PTRACE_SEIZE, pid, 0, 0))
			err(2, "PTRACE_SEIZE");
		kill(pid, SIGKILL);
		/* a zombie does not say ESRCH */
		for (i = 0; i < INTERRUPTS_AN_EXIT; i++)
			ptrace(PTRACE_INTERRUPT, pid, 0, 0);
		reap(pid);
	}
	return done;
}

/* A process that seizes @tracee as soon as nobody else traces it, and dies again. */
static void trace_and_die(pid_t tracee, int traps)
{
	int status;

	while (ptrace(PTRACE_SEIZE, tracee, 0, PTRACE_O_TRACESYSGOOD))
		if (over())
			_exit(1);
	if (ptrace(PTRACE_INTERRUPT, tracee, 0, 0))
		_exit(1);
	/* goes while the tracee is on its way to the last trap */
	for (; traps >= 0; traps--)
		if (waitpid(tracee, &status, __WALL) != tracee ||
		    ptrace(PTRACE_SYSCALL, tracee, 0, 0))
			_exit(1);
	_exit(0);
}

static unsigned long again(void)
{
	pid_t tracee, other, tracer;
	unsigned long done = 0;
	int status;

	tracee = spawn_caller();
	/* there are two tracers at a time: one is waiting for the other's end */
	other = fork();
	if (other < 0)
		err(2, "fork");
	while (!over()) {
		tracer = spawn();
		if (!tracer)
			trace_and_die(tracee, done % 8);
		if (waitpid(tracer, &status, 0) == tracer && !status)
			done++;
	}
	if (!other)
		_exit(0);
	waitpid(other, NULL, 0);
	reap(tracee);
	return done;
}

static unsigned long traps(void)
{
	unsigned long done = 0;
	pid_t tracee, looker;
	int status;

	tracee = spawn_caller();
	looker = spawn();
	while (!looker)
		look(tracee, 1);
	if (ptrace(PTRACE_SEIZE, tracee, 0, 0) || ptrace(PTRACE_INTERRUPT, tracee, 0, 0))
		err(2, "PTRACE_SEIZE, PTRACE_INTERRUPT");
	while (!over() && waitpid(tracee, &status, __WALL) == tracee &&
	       !ptrace(PTRACE_SYSCALL, tracee, 0, 0) &&
	       !syscall(SYS_tgkill, tracee, tracee, SIGWINCH))
		done++;
	reap(looker);
	reap(tracee);
	return done;
}

static unsigned long looks(void)
{
	atomic_int *now = mmap(NULL, sizeof(*now), PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned long done = 0;
	pid_t parent, other, pid;
	unsigned int i;

	if (now == MAP_FAILED)
		err(2, "mmap");
	parent = spawn();
	for (i = 0; !parent; i++) {
		pid = fork();
		if (!pid && i % 2)
			execl("/proc/self/exe", "races", "end", NULL);
		if (!pid)
			_exit(0);
		*now = pid;
		waitpid(pid, NULL, 0);
	}
	other = spawn();
	while (!other)
		look(*now, LOOKS);
	while (!over())
		done += look(*now, LOOKS);
	reap(other);
	reap(parent);
	munmap(now, sizeof(*now));
	return done;
}

static void *map_beside(void *at)
{
	const int prot = PROT_READ | PROT_WRITE;
	long i, page = sysconf(_SC_PAGESIZE);

	/* each mapping grows the one before it */
	while (waits) {
		for (i = 1; i < PAGES; i++)
			if (mmap((char *)at + i * page, page, prot,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
				err(2, "mmap");
		munmap((char *)at + page, (PAGES - 1) * page);
	}
	return NULL;
}

static unsigned long maps(void)
{
	long page = sysconf(_SC_PAGESIZE);
	char *at = mmap(NULL, PAGES * page, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned long done = 0;
	pthread_t thread;

	if (at == MAP_FAILED)
		err(2, "mmap");
	waits = true;
	if (pthread_create(&thread, NULL, map_beside, at))
		errx(2, "pthread_create");
	for (; !over(); done++) {
		*(volatile char *)at = 1;
		if (madvise(at, page, MADV_DONTNEED))
			err(2, "madvise");
	}
	waits = false;
	pthread_join(thread, NULL);
	munmap(at, page);
	return done;
}

static unsigned long idle(void)
{
	unsigned long done = 0;

	for (; !over(); done++)
		usleep(50 + done % 64 * 20);
	return done;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		unsigned long (*run)(void);
	} all[] = {
		{ "options", options }, { "exits", exits }, { "again", again },
		{ "traps", traps }, { "looks", looks }, { "maps", maps }, { "idle", idle },
	};
	const int n = ARRAY_SIZE(all);
	unsigned long done;
	struct timespec now;
	int i, rc = 0;

	if (argc == 2 && !strcmp(argv[1], "end"))
		return 0;	/* what looks() executes */
	if (argc != 2 || atol(argv[1]) < n)
		errx(2, "usage: races SECONDS, at least %d", n);
	printf("1..%d\n", n);
	fflush(stdout);
	for (i = 0; i < n; i++) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		end = now.tv_sec + atol(argv[1]) / n;
		done = all[i].run();
		printf("%sok %d %s\n# %lu times\n", done ? "" : "not ", i + 1, all[i].name, done);
		fflush(stdout);
		rc |= !done;
	}
	return rc;
}
