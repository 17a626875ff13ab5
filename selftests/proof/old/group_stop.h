/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the group stop selftests and demos share: the constants of the series
 * for a libc and kernel headers that do not have them yet, thin wrappers of the
 * system calls, and waiting for a task to be in a state.
 *
 * Idea of the fallbacks and of the sys_*() wrappers: ../pidfd/pidfd.h.
 */
#ifndef GROUP_STOP_H
#define GROUP_STOP_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>

#ifndef PTRACE_SEIZE_DEVEL
#define PTRACE_SEIZE_DEVEL		0x80000000
#endif

#ifndef PTRACE_STOP_CAUSE_GROUP
#define PTRACE_STOP_CAUSE_GROUP		0x100
#define PTRACE_STOP_CAUSE_NOTIFY	0x200
#define PTRACE_STOP_CAUSE_INTERRUPT	0x400
#endif

#ifndef PTRACE_EVENT_STOP
#define PTRACE_EVENT_STOP		128
#endif

/*
 * No event that a test waits for takes this long, in milliseconds, unless it
 * does not come at all: also a slow host gets there.
 */
#define DEADLINE_MS	10000

/* What wait4(2) reports for a STOP trap of a seized tracee, with signal @sig. */
#define STOP_STATUS(sig)	((PTRACE_EVENT_STOP << 16) | ((sig) << 8) | 0x7f)

/* ... for any other PTRACE_EVENT_* trap, */
#define EVENT_STATUS(event)	(((event) << 16) | (SIGTRAP << 8) | 0x7f)

/* ... and for a signal-delivery-stop, or a group stop of an untraced child. */
#define SIGNAL_STATUS(sig)	(((sig) << 8) | 0x7f)

/*
 * ptrace(2) without libc in between, which takes the result for a pointer of a
 * PEEK request in some. Returns what the kernel does, -1 with errno on error.
 */
static inline long sys_ptrace(long request, pid_t pid, unsigned long addr,
			      const void *data)
{
	return syscall(SYS_ptrace, request, (long)pid, addr, data);
}

/* Seize @pid in notify mode with the PTRACE_O_* options of @options. */
static inline long sys_seize_notify(pid_t pid, unsigned long options)
{
	return sys_ptrace(PTRACE_SEIZE, pid, 0,
			  (void *)(options | PTRACE_SEIZE_DEVEL));
}

/*
 * waitid(2) for the process or thread @pid which does not end with EINTR.
 * Returns 0 or -1 with errno; with WNOHANG and nothing there, si_pid is 0.
 */
static inline int sys_waitid(pid_t pid, siginfo_t *info, int options)
{
	int ret;

	memset(info, 0, sizeof(*info));
	do {
		ret = waitid(P_PID, pid, info, options);
	} while (ret < 0 && errno == EINTR);

	return ret;
}

/*
 * wait4(2) for thread or process @pid, which does not end with EINTR. Returns
 * the wait status; 0 if WNOHANG is in @options and there is nothing to report
 * (a process that exited with 0 has status 0, too: don't mix the two); and -1
 * with errno on error.
 */
static inline int sys_wait(pid_t pid, int options)
{
	int status = 0;
	pid_t ret;

	do {
		ret = wait4(pid, &status, options | __WALL, NULL);
	} while (ret < 0 && errno == EINTR);

	if (ret < 0)
		return -1;
	return ret ? status : 0;
}

/* PTRACE_GETEVENTMSG of @pid, or -1UL with errno. */
static inline unsigned long sys_eventmsg(pid_t pid)
{
	unsigned long msg = 0;

	return sys_ptrace(PTRACE_GETEVENTMSG, pid, 0, &msg) ? -1UL : msg;
}

/*
 * Wait until @pid, which is trapped, is in the trap that it may be on its way to: a
 * request waits for that, and this one changes nothing. Returns 0 or -1 with errno.
 */
static inline int settle(pid_t pid)
{
	return sys_eventmsg(pid) == -1UL ? -1 : 0;
}

/* Milliseconds on a clock that no one sets. */
static inline long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* The text in @path, as far as it fits into @buf of @size. Returns if there is any. */
static inline bool read_file(const char *path, char *buf, size_t size)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len;

	if (fd < 0)
		return false;
	len = read(fd, buf, size - 1);
	close(fd);
	buf[len > 0 ? len : 0] = '\0';
	return len > 0;
}

/*
 * The state letter of thread @tid of process @pid, as the third field of
 * /proc/PID/task/TID/stat has it: R, S, D, T (stopped), t (traced), Z, X.
 * Returns 0 if there is no such thread.
 */
static inline char task_state(pid_t pid, pid_t tid)
{
	char path[64], buf[512], *paren;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", pid, tid);
	if (!read_file(path, buf, sizeof(buf)))
		return 0;

	/* the command in the second field may hold anything, ")" included */
	paren = strrchr(buf, ')');
	return paren && paren[1] == ' ' ? paren[2] : 0;
}

/*
 * Wait until the state of thread @tid of process @pid is one of the letters in
 * @states. Returns 0, or -1 with ETIMEDOUT if it is not within DEADLINE_MS.
 *
 * There is no event to sleep on for this; it yields between looks.
 */
static inline int wait_task_state(pid_t pid, pid_t tid, const char *states)
{
	const long long deadline = now_ms() + DEADLINE_MS;
	char state;

	for (;;) {
		state = task_state(pid, tid);
		if (state && strchr(states, state))
			return 0;
		if (now_ms() > deadline) {
			errno = ETIMEDOUT;
			return -1;
		}
		usleep(1000);
	}
}

/*
 * Fork a child that runs @fn(@arg), then exits with 0, and is killed if its
 * parent dies: a test that fails halfway leaves nobody behind. Returns its pid
 * or -1 with errno.
 */
static inline pid_t spawn(void (*fn)(void *arg), void *arg)
{
	pid_t parent = getpid(), pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	fn(arg);
	_exit(0);
}

/* For spawn(): sleep in a system call, until killed. */
static inline void pause_forever(void *unused)
{
	(void)unused;
	for (;;)
		pause();
}

/*
 * For spawn(): count in user space, without system calls, in the unsigned long
 * at @arg, which is on a shared_page(). A tracee that runs cannot hide it.
 */
static inline void count_forever(void *arg)
{
	volatile unsigned long *count = arg;

	for (;;)
		++*count;
}

/* A zeroed page that a process shares with the children which it forks. */
static inline void *shared_page(void)
{
	void *p = mmap(NULL, getpagesize(), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

/* Kill process @pid, traced or not, and reap it, if it is there. */
static inline void kill_and_reap(pid_t pid)
{
	int status;

	if (pid <= 0)
		return;
	kill(pid, SIGKILL);
	do {
		status = sys_wait(pid, 0);
	} while (status != -1 && WIFSTOPPED(status));
}

/*
 * Whether the kernel has notify mode: 1 or 0, or -1 with errno if that can't be
 * found out. A test that needs it does SKIP() if not.
 *
 * Who knows that the kernel has it sets GSTOP_REQUIRED in the environment. It is an
 * error then if the kernel has not: else one that refuses the flag to 32-bit tracers,
 * say, would have all their tests skipped and none failed.
 */
static inline int have_notify_mode(void)
{
	pid_t pid = spawn(pause_forever, NULL);
	int ret = 1;

	if (pid < 0)
		return -1;
	if (sys_seize_notify(pid, 0))
		ret = errno == EIO && !getenv("GSTOP_REQUIRED") ? 0 : -1;
	kill_and_reap(pid);
	return ret;
}

#endif /* GROUP_STOP_H */
