// SPDX-License-Identifier: GPL-2.0
/*
 * What the case mainline-exec-of-stopped of the model says, on a real kernel: execve()
 * of a multithreaded process forgets a group stop.
 *
 * A stopped process has two threads. A tracer lets the first one run, and it calls
 * execve(). The tracer dies, so __ptrace_unlink() sets STOP_PENDING, for the thread to
 * stop again. zap_other_threads() clears it; SIGNAL_STOP_STOPPED stays. The program
 * runs in a process that counts as stopped.
 *
 * execve() is held before that with a userfaultfd page that its path is on. With the
 * argument "single" the process has one thread, there is nothing to zap, and it stops.
 * Prints the state after execve() and exits with 0 if it is 'T', with 1 if it is not, with
 * 2 if it could not find out.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/userfaultfd.h>

#define DEADLINE_MS	5000

/* Shared by all processes. */
struct shared {
	int uffd;		/* in the stopped process */
	int go;			/* 1: it may be stopped, 2: it shall execve() */
};

static struct shared *shared;
static pid_t pid;		/* of the stopped process */

/* End the test, which has come to no result. */
static void fail(const char *what)
{
	perror(what);
	if (pid > 0)
		kill(pid, SIGKILL);
	exit(2);
}

static void *sleep_forever(void *arg)
{
	for (;;)
		pause();
	return arg;
}

/* The state of process pid in /proc, '?' if there is none. */
static char state(void)
{
	char path[64], buf[512] = "", *end;
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return '?';
	len = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	end = len > 0 ? strrchr(buf, ')') : NULL;
	return end ? end[2] : '?';
}

/* Has process pid executed the program? */
static int executed(void)
{
	char path[64], buf[64] = "";
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return 0;
	len = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	return len > 0 && !strcmp(buf, "looper");
}

/* The process: be stopped, then execve() with the path on a page that is not there. */
static void run_process(int threads)
{
	struct uffdio_api api = { .api = UFFD_API };
	char * const argv[] = { "looper", "loop", NULL };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	pthread_t thread;
	char *page;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	shared->uffd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	page = mmap((void *)0x10000000, getpagesize(), PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	reg.range.start = (unsigned long)page;
	reg.range.len = getpagesize();
	if (shared->uffd < 0 || page == MAP_FAILED || ioctl(shared->uffd, UFFDIO_API, &api) ||
	    ioctl(shared->uffd, UFFDIO_REGISTER, &reg))
		fail("userfaultfd");
	if (threads > 1 && pthread_create(&thread, NULL, sleep_forever, NULL))
		fail("pthread_create");
	__atomic_store_n(&shared->go, 1, __ATOMIC_RELEASE);
	while (__atomic_load_n(&shared->go, __ATOMIC_ACQUIRE) != 2)
		;
	execv(page, argv);
	fail("execv");
}

/* The tracer: let the first thread run although the process is stopped; die when told. */
static void run_tracer(int end)
{
	char c;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (ptrace(PTRACE_SEIZE, pid, 0, 0) || waitpid(pid, NULL, __WALL) != pid ||
	    ptrace(PTRACE_CONT, pid, 0, 0))
		fail("tracer");
	__atomic_store_n(&shared->go, 2, __ATOMIC_RELEASE);
	_exit(read(end, &c, 1) != 1);
}

int main(int argc, char **argv)
{
	struct uffdio_copy copy = { .dst = 0x10000000 };
	struct pollfd fault = { .events = POLLIN };
	int ends[2], status, i;
	struct uffd_msg msg;
	pid_t tracer;
	char now = '?';
	char *path;

	while (argc > 1 && !strcmp(argv[1], "loop"))
		;
	shared = mmap(NULL, getpagesize(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	path = aligned_alloc(getpagesize(), getpagesize());
	if (shared == MAP_FAILED || !path || pipe(ends))
		fail("set-up");

	pid = fork();
	if (!pid)
		run_process(argc > 1 ? 1 : 2);
	while (__atomic_load_n(&shared->go, __ATOMIC_ACQUIRE) != 1 &&
	       waitpid(pid, NULL, WNOHANG) == 0)
		sched_yield();
	fault.fd = syscall(SYS_pidfd_getfd, syscall(SYS_pidfd_open, pid, 0), shared->uffd, 0);
	if (fault.fd < 0 || kill(pid, SIGSTOP) || waitpid(pid, &status, WUNTRACED) != pid ||
	    !WIFSTOPPED(status))
		fail("stop");

	tracer = fork();
	if (!tracer)
		run_tracer(ends[0]);
	if (poll(&fault, 1, DEADLINE_MS) != 1 || read(fault.fd, &msg, sizeof(msg)) != sizeof(msg))
		fail("execve() is not held");
	if (write(ends[1], "", 1) != 1 || waitpid(tracer, &status, 0) != tracer || status)
		fail("tracer");

	memset(path, 0, getpagesize());
	snprintf(path, getpagesize(), "/proc/self/exe");
	copy.src = (unsigned long)path;
	copy.len = getpagesize();
	if (ioctl(fault.fd, UFFDIO_COPY, &copy))
		fail("UFFDIO_COPY");

	/* it stops before the program's first instruction, if it does */
	for (i = 0; i < DEADLINE_MS && !(executed() && now == 'T'); i++) {
		now = state();
		usleep(1000);
	}
	if (!executed())
		fail("execve() did not end");
	printf("after execve(): state %c, in a process that is stopped\n", now);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return now != 'T';
}
