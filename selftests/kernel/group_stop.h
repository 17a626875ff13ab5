/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What all group stop programs share: the constants of the series for headers that do not
 * have them yet, system calls, waiting with a deadline, and child processes. It needs no
 * test harness.
 *
 * Ideas of the fallbacks and of the sys_*() wrappers: ../pidfd/pidfd.h.
 */
#ifndef GROUP_STOP_H
#define GROUP_STOP_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
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
#include <linux/ptrace.h>
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

/* Longest wait for an event that has to come, in milliseconds. */
#define DEADLINE_MS	10000

/* The wait status of a STOP trap; @sig is the stop signal, or SIGTRAP if there is none, */
#define STOP_STATUS(sig)	((PTRACE_EVENT_STOP << 16) | ((sig) << 8) | 0x7f)

/* ... of any other PTRACE_EVENT_* trap, */
#define EVENT_STATUS(event)	(((event) << 16) | (SIGTRAP << 8) | 0x7f)

/* ... and of a signal-delivery-stop, or of an untraced child that is stopped. */
#define SIGNAL_STATUS(sig)	(((sig) << 8) | 0x7f)

/* ptrace(2) as the kernel returns it: libc makes a pointer of what PEEK returns. */
static inline long sys_ptrace(long request, pid_t pid, unsigned long addr, const void *data)
{
	return syscall(SYS_ptrace, request, (long)pid, addr, data);
}

/* Seize @pid in notify mode, with the PTRACE_O_* of @options. */
static inline long sys_seize_notify(pid_t pid, unsigned long options)
{
	return sys_ptrace(PTRACE_SEIZE, pid, 0, (void *)(options | PTRACE_SEIZE_DEVEL));
}

static inline int sys_tgkill(pid_t pid, pid_t tid, int sig)
{
	return syscall(SYS_tgkill, pid, tid, sig);
}

/* waitid(2) that goes on after EINTR. If WNOHANG finds nothing, si_pid is 0. */
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
 * wait4(2) that goes on after EINTR. Returns the wait status, 0 if WNOHANG finds nothing,
 * or -1 with errno. (An exit with status 0 is 0, too: don't mix the two.)
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

/* PTRACE_GETEVENTMSG, or -1UL with errno. */
static inline unsigned long sys_eventmsg(pid_t pid)
{
	unsigned long msg = 0;

	return sys_ptrace(PTRACE_GETEVENTMSG, pid, 0, &msg) ? -1UL : msg;
}

/*
 * Wait until @pid, which is trapped, has arrived in its re-trap if it is on its way to
 * one. Every request waits for that, this one changes nothing. Returns 0, or -1 with errno.
 */
static inline int settle(pid_t pid)
{
	return sys_eventmsg(pid) == -1UL ? -1 : 0;
}

/* Milliseconds on a clock that nobody sets. */
static inline long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* Let others run while we wait for them. @tries counts the calls. */
static inline void give_way(unsigned int *tries)
{
	if (++*tries < 100)
		sched_yield();
	else
		usleep(500);
}

/* Evaluate @cond until it is true, DEADLINE_MS at most. The value says if it was. */
#define wait_until(cond) ({						\
	const long long until_ = now_ms() + DEADLINE_MS;		\
	unsigned int tries_ = 0;					\
	bool true_;							\
									\
	while (!(true_ = !!(cond)) && now_ms() < until_)		\
		give_way(&tries_);					\
	true_;								\
})

/* The next wait status of @pid; 0 if there is none in time, -1 with errno on error. */
static inline int wait_soon(pid_t pid)
{
	int status = 0;

	wait_until((status = sys_wait(pid, WNOHANG)) != 0);
	return status;
}

/* The wait status of a stop of @pid which is there right now, without reaping it, or 0. */
static inline int peek_status(pid_t pid)
{
	siginfo_t info;

	if (sys_waitid(pid, &info, WSTOPPED | WNOHANG | WNOWAIT | __WALL))
		return -1;
	return info.si_pid ? (info.si_status << 8) | 0x7f : 0;
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
 * The state of thread @tid, a letter of /proc/TID/stat: R, S, D, T (stopped), t
 * (trapped), Z, X. 0 if there is no such thread.
 */
static inline char task_state(pid_t tid)
{
	char path[64], buf[512], *paren;

	snprintf(path, sizeof(path), "/proc/%d/stat", tid);
	if (!read_file(path, buf, sizeof(buf)))
		return 0;
	/* the command in the second field may hold anything, ")" included */
	paren = strrchr(buf, ')');
	return paren && paren[1] == ' ' ? paren[2] : 0;
}

/*
 * The signals of thread @tid: those pending for it and for its process, blocked, ignored,
 * caught. They are lines of /proc/TID/status, to be compared. Returns if there are any.
 */
static inline bool read_signals(pid_t tid, char *buf, size_t size)
{
	char path[64], text[4096], *start, *end;

	snprintf(path, sizeof(path), "/proc/%d/status", tid);
	if (!read_file(path, text, sizeof(text)))
		return false;
	start = strstr(text, "SigPnd:");
	end = start ? strstr(start, "CapInh:") : NULL;
	if (!end || end - start >= (ssize_t)size)
		return false;
	*end = '\0';
	memcpy(buf, start, end - start + 1);
	return true;
}

/* Wait until the state of thread @tid is one of @states. Returns 0, or -1 if it never is. */
static inline int wait_task_state(pid_t tid, const char *states)
{
	char state = 0;

	return wait_until((state = task_state(tid)) && strchr(states, state)) ? 0 : -1;
}

/*
 * Fork a child that runs @fn(@arg) and exits with 0. It is killed if its parent dies.
 * Returns its pid, or -1 with errno.
 */
static inline pid_t spawn(void (*fn)(void *arg), void *arg)
{
	const pid_t parent = getpid(), pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	fn(arg);
	_exit(0);
}

/* For spawn(): sleep until killed. */
static inline void pause_forever(void *unused)
{
	(void)unused;
	for (;;)
		pause();
}

/* A zeroed page that we share with the children which we fork, or NULL. */
static inline void *shared_page(void)
{
	void *page = mmap(NULL, getpagesize(), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return page == MAP_FAILED ? NULL : page;
}

#define TRACEE_MAX	4		/* threads of a tracee */

/* What a tracee shares with the test, and keeps over execve(), as file TRACEE_FD. */
struct tracee_page {
	int hold;			/* a child of vfork() waits until this is 0 */
	pid_t tid[TRACEE_MAX];
	unsigned long count[TRACEE_MAX];	/* a thread that sleeps counts its orders */
};

#define TRACEE_FD	100

/* Kill process @pid, traced or not, and reap it. */
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
 * Does the kernel have notify mode? 1, 0, or -1 with errno. With GSTOP_REQUIRED in the
 * environment its absence is an error: a kernel that refuses the flag to some tracers
 * would have all their tests skipped, and none failed.
 */
static inline int have_notify_mode(void)
{
	const pid_t pid = spawn(pause_forever, NULL);
	int ret = 1;

	if (pid < 0)
		return -1;
	if (sys_seize_notify(pid, 0))
		ret = errno == EIO && !getenv("GSTOP_REQUIRED") ? 0 : -1;
	kill_and_reap(pid);
	return ret;
}

/* Why PTRACE_SINGLESTEP is EIO on this architecture, or NULL. */
static inline const char *lacks_single_step(void)
{
#if defined(__riscv) || defined(__arm__) || defined(__mips__) || defined(__sparc__) || \
	defined(__arc__) || defined(__microblaze__) || defined(__nios2__) || defined(__or1k__)
	return "no single-step on this architecture";
#else
	return NULL;
#endif
}

#endif /* GROUP_STOP_H */
