/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The tracee of the notify selftests, a process of one or more threads that sit
 * in the kernel or count in user space, and what a test does to it over and over:
 * wait for its traps, read their siginfo, stop and continue it.
 *
 * To be included after ../kselftest_harness.h. Functions that take _metadata end
 * the test if what they do fails, and say which promise of the contract (@id)
 * that breaks.
 */
#ifndef GROUP_STOP_NOTIFY_H
#define GROUP_STOP_NOTIFY_H

#include "group_stop_tracee.h"

#define TRACEE_THREADS	4

/* What the threads of a tracee do, or'ed. */
#define TRACEE_PAUSE		0	/* sleep in pause(2) */
#define TRACEE_COUNT		1	/* count in user space, no system calls */
#define TRACEE_BLOCK_CONT	2	/* with SIGCONT blocked */
#define TRACEE_IGNORE_CONT	4	/* with SIGCONT ignored */
#define TRACEE_CLONE		8	/* 1st: wait for ->go, create the last one */
#define TRACEE_EXEC		16	/* last one: wait for ->go, then execve() */
#define TRACEE_EXEC_1ST		32	/* the same, but the 1st */
#define TRACEE_PAUSE_1ST	64	/* the 1st sleeps, whatever the others do */
#define TRACEE_CATCH_USR1	128	/* count SIGUSR1 in ->caught */
#define TRACEE_EXIT_1ST		256	/* 1st: wait for ->go, exit alone */

/* The page that a tracee shares with the test. */
struct tracee_page {
	int nr, flags;
	int there;		/* threads that have got where they stay */
	int go;			/* set by the test */
	int caught;		/* SIGUSR1 so far */
	struct {
		pid_t tid;
		unsigned long count;
	} thread[TRACEE_THREADS];
};

struct tracee {
	pid_t pid;		/* tid[0], too */
	int nr, flags;
	pid_t tid[TRACEE_THREADS];
	struct tracee_page *page;
};

/* For FIXTURE_SETUP(), to return after it: skip the test because of @why. */
static inline void skip_setup(struct __test_metadata *_metadata, const char *why)
{
	SKIP(/* go on */, "%s", why);
#ifndef KSELFTEST_PRIO_TEST
	/* the harness of 6.1 goes on with the test, unless the setup has failed */
	_metadata->passed = 0;
#endif
}

/* For FIXTURE_SETUP(), to return if this does: does the kernel lack the series? */
static inline bool lacks_notify_mode(struct __test_metadata *_metadata)
{
	const int have = have_notify_mode();

	ASSERT_LE(0, have)
		TH_LOG("PTRACE_SEIZE_DEVEL: %s", strerror(errno));
	if (!have)
		skip_setup(_metadata, "kernel without PTRACE_SEIZE_DEVEL");
	return !have;
}

/* Have the caller, and those that it creates, run on CPU @cpu if there is one. */
static inline void run_on_cpu(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

/* Pass a little time, in user space. */
static inline void spin(unsigned long loops)
{
	while (loops--)
		__asm__ __volatile__("" : : : "memory");
}

/*
 * pthread_join() without a futex: glibc for 32 bits uses the one of 32-bit time,
 * which a kernel without CONFIG_COMPAT_32BIT_TIME does not have, and aborts.
 */
static inline void join_thread(pthread_t thread)
{
	unsigned int tries = 0;

	while (pthread_tryjoin_np(thread, NULL) == EBUSY)
		give_way(&tries);
}

static inline int sys_tgkill(pid_t pid, pid_t tid, int sig)
{
	return syscall(SYS_tgkill, pid, tid, sig);
}

static struct tracee_page *tracee_own_page;

static inline void tracee_catch(int sig)
{
	__atomic_add_fetch(&tracee_own_page->caught, 1, __ATOMIC_RELAXED);
}

static inline void *tracee_thread(void *arg);

/* Create thread number @i of the tracee that we are. */
static inline void tracee_create(long i)
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 64 * 1024);
	if (pthread_create(&thread, &attr, tracee_thread, (void *)i))
		_exit(1);
}

/* Which thread of @page waits for ->go, -1 if none. */
static inline int tracee_waits_for_go(const struct tracee_page *page)
{
	if (page->flags & (TRACEE_CLONE | TRACEE_EXEC_1ST | TRACEE_EXIT_1ST))
		return 0;
	return page->flags & TRACEE_EXEC ? page->nr - 1 : -1;
}

static inline bool tracee_counts(const struct tracee_page *page, int i)
{
	return (page->flags & TRACEE_COUNT) &&
	       (i || !(page->flags & TRACEE_PAUSE_1ST));
}

static inline void *tracee_thread(void *arg)
{
	struct tracee_page *page = tracee_own_page;
	const long i = (long)arg;

	page->thread[i].tid = syscall(SYS_gettid);
	__atomic_add_fetch(&page->there, 1, __ATOMIC_RELEASE);

	if (i == tracee_waits_for_go(page)) {
		while (!__atomic_load_n(&page->go, __ATOMIC_ACQUIRE))
			sched_yield();
		if (page->flags & TRACEE_CLONE)
			tracee_create(page->nr - 1);
		else if (page->flags & TRACEE_EXIT_1ST)
			syscall(SYS_exit, 0);
		else
			exec_self(CREW_ENV);
	}

	while (tracee_counts(page, i))
		__atomic_add_fetch(&page->thread[i].count, 1, __ATOMIC_RELAXED);
	for (;;)
		pause();
	return NULL;
}

/*
 * The main thread of a tracee. It goes to a process group of its own, which is
 * not orphaned, because its parent is in another: SIGTSTP and such stop it.
 */
static inline void tracee_main(void *arg)
{
	struct tracee_page *page = arg;
	const int nr = page->nr - !!(page->flags & TRACEE_CLONE);
	sigset_t blocked;
	long i;

	setpgid(0, 0);
	/* some tracers are not our ancestors, which Yama might insist on */
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);

	sigemptyset(&blocked);
	if (page->flags & TRACEE_BLOCK_CONT)
		sigaddset(&blocked, SIGCONT);
	if (page->flags & TRACEE_IGNORE_CONT)
		signal(SIGCONT, SIG_IGN);
	if (page->flags & TRACEE_CATCH_USR1)
		signal(SIGUSR1, tracee_catch);
	sigprocmask(SIG_SETMASK, &blocked, NULL);

	tracee_own_page = page;
	for (i = 1; i < nr; i++)
		tracee_create(i);
	tracee_thread(NULL);
}

/*
 * Wait until thread @i of @t is where it can stay for good: it counts, or sleeps
 * in pause(2). Returns 0 if so, the wait status of what it did instead, or -1
 * with ETIMEDOUT. A thread that is not traced has no wait status.
 */
static inline int tracee_wait_running(struct tracee *t, int i)
{
	const unsigned long *count = &t->page->thread[i].count;
	const unsigned long old = __atomic_load_n(count, __ATOMIC_RELAXED);
	const long long deadline = now_ms() + DEADLINE_MS;
	unsigned int tries = 0;
	int status;

	for (;;) {
		status = sys_wait(t->tid[i], WNOHANG);
		if (status && (status != -1 || errno != ECHILD))
			return status;
		if (tracee_counts(t->page, i)) {
			if (__atomic_load_n(count, __ATOMIC_RELAXED) != old)
				return 0;
		} else if (task_state(t->pid, t->tid[i]) == 'S') {
			return 0;
		}
		if (now_ms() > deadline) {
			errno = ETIMEDOUT;
			return -1;
		}
		give_way(&tries);
	}
}

/* Start a tracee of @nr threads that do @flags, and wait until they do it. */
static inline void tracee_start(struct __test_metadata *_metadata,
				struct tracee *t, int nr, int flags)
{
	const long long deadline = now_ms() + DEADLINE_MS;
	const int there = nr - !!(flags & TRACEE_CLONE);
	unsigned int tries = 0;
	int i;

	t->nr = nr;
	t->flags = flags;
	t->page = shared_page();
	ASSERT_TRUE(!!t->page);
	t->page->nr = nr;
	t->page->flags = flags;
	t->pid = spawn(tracee_main, t->page);
	ASSERT_LT(0, t->pid);

	while (__atomic_load_n(&t->page->there, __ATOMIC_ACQUIRE) < there) {
		ASSERT_GT(deadline, now_ms())
			TH_LOG("tracee did not start");
		give_way(&tries);
	}
	for (i = 0; i < there; i++) {
		t->tid[i] = t->page->thread[i].tid;
		if (i != tracee_waits_for_go(t->page))
			ASSERT_EQ(0, tracee_wait_running(t, i))
				TH_LOG("tracee does not run");
	}
}

/* Seize the threads of @t from number @first on in notify mode. */
static inline void tracee_seize(struct __test_metadata *_metadata,
				struct tracee *t, int first,
				unsigned long options)
{
	int i;

	for (i = first; i < t->nr && t->tid[i]; i++)
		ASSERT_EQ(0, sys_seize_notify(t->tid[i], options))
			TH_LOG("PTRACE_SEIZE: %s", strerror(errno));
}

/*
 * Kill @t, all of it, traced or not, and wait until it is gone. Reaps whatever
 * else there is to reap until then.
 */
static inline void tracee_end(struct tracee *t)
{
	const long long deadline = now_ms() + DEADLINE_MS;
	unsigned int tries = 0;
	int status;
	pid_t pid;

	if (t->pid > 0)
		kill(t->pid, SIGKILL);
	while (t->pid > 0 && now_ms() < deadline) {
		pid = wait4(-1, &status, WNOHANG | __WALL, NULL);
		if (!pid) {
			give_way(&tries);
		} else if (pid < 0 || (pid == t->pid && !WIFSTOPPED(status))) {
			break;
		} else if (WIFSTOPPED(status)) {
			/* an exit trap, or a child attached automatically */
			kill(pid, SIGKILL);
			sys_ptrace(PTRACE_CONT, pid, 0, NULL);
		}
	}
	if (t->page)
		munmap(t->page, getpagesize());
	memset(t, 0, sizeof(*t));
}

/* The next wait status of @pid_ is @want_, or promise @id_ is broken. */
#define ASSERT_STATUS(id_, want_, pid_) do {				\
	const pid_t of_ = (pid_);					\
	const int want__ = (want_), seen_ = wait_soon(of_);		\
									\
	ASSERT_EQ(want__, seen_)					\
		TH_LOG("%s: wait status of %d is %#x, expected %#x",	\
		       id_, of_, seen_, want__);			\
} while (0)

/* There is nothing to wait for, or promise @id_ is broken. */
#define EXPECT_NO_STATUS(id_, pid_) do {				\
	const pid_t of_ = (pid_);					\
	const int seen_ = sys_wait(of_, WNOHANG);			\
									\
	EXPECT_EQ(0, seen_)						\
		TH_LOG("%s: wait status of %d is %#x, expected none",	\
		       id_, of_, seen_);				\
} while (0)

/* ptrace(@req_, @pid_, 0, @data_) succeeds, or promise @id_ is broken. */
#define ASSERT_PTRACE(id_, req_, pid_, data_) do {			\
	const pid_t of_ = (pid_);					\
									\
	ASSERT_EQ(0, sys_ptrace(req_, of_, 0,				\
				(void *)(unsigned long)(data_)))	\
		TH_LOG("%s: " #req_ " of %d: %s", id_, of_,		\
		       strerror(errno));				\
} while (0)

/* ptrace(@req_, @pid_, @addr_, @data_) fails with @err_; 0 if it succeeds. */
#define EXPECT_PTRACE_ERROR(id_, err_, req_, pid_, addr_, data_) do {	\
	const long ret_ = sys_ptrace(req_, pid_, addr_,			\
				     (void *)(unsigned long)(data_));	\
	const int error_ = ret_ < 0 ? errno : 0, want__ = (err_);	\
									\
	EXPECT_EQ(want__, error_)					\
		TH_LOG("%s: " #req_ ": %s, expected %s", id_,		\
		       strerror(error_), strerror(want__));		\
} while (0)

/*
 * PTRACE_GETSIGINFO of @pid in a STOP trap: acknowledges a notification, and
 * reports @stop_sig as the signal of the group stop, or that there is none if 0.
 */
static inline void expect_state(struct __test_metadata *_metadata, pid_t pid,
				int stop_sig, const char *id)
{
	const int signo = stop_sig ? stop_sig : SIGTRAP;
	siginfo_t info;

	memset(&info, 0x55, sizeof(info));
	ASSERT_PTRACE(id, PTRACE_GETSIGINFO, pid, &info);
	EXPECT_EQ(signo, info.si_signo)
		TH_LOG("%s: si_signo %d, expected %d", id, info.si_signo, signo);
	EXPECT_EQ(signo | PTRACE_EVENT_STOP << 8, info.si_code)
		TH_LOG("%s: si_code %#x, expected %#x", id, info.si_code,
		       signo | PTRACE_EVENT_STOP << 8);
	EXPECT_EQ(stop_sig, info.si_status)
		TH_LOG("%s: si_status %d, expected %d", id, info.si_status,
		       stop_sig);
}

/* Resume thread @i of @t, which has nothing to trap for, with signal @sig. */
static inline void tracee_run(struct __test_metadata *_metadata,
			      struct tracee *t, int i, int sig, const char *id)
{
	int status;

	ASSERT_PTRACE(id, PTRACE_CONT, t->tid[i], sig);
	status = tracee_wait_running(t, i);
	ASSERT_EQ(0, status)
		TH_LOG("%s: %d does not run on, wait status %#x", id, t->tid[i],
		       status);
}

/*
 * Start a group stop of @t by having thread @starter take signal @sig: pass the
 * signal-delivery-stop. The traps that follow are left to the caller.
 */
static inline void tracee_stop(struct __test_metadata *_metadata,
			       struct tracee *t, int starter, int sig)
{
	const pid_t tid = t->tid[starter];

	ASSERT_EQ(0, sys_tgkill(t->pid, tid, sig));
	ASSERT_STATUS("start of a group stop", SIGNAL_STATUS(sig), tid);
	ASSERT_PTRACE("start of a group stop", PTRACE_CONT, tid, sig);
}

/*
 * Make thread 0 of @t, which is not traced, take SIGSTOP or the like. It is in
 * the group stop when this returns, and the others of @t know of it.
 */
static inline void tracee_stop_untraced(struct __test_metadata *_metadata,
					struct tracee *t, int sig)
{
	ASSERT_EQ(0, sys_tgkill(t->pid, t->pid, sig));
	ASSERT_EQ(0, wait_task_state(t->pid, t->pid, "T"))
		TH_LOG("untraced thread is not stopped by signal %d", sig);
}

/*
 * PTRACE_INTERRUPT a running @pid: it is in a STOP trap when we return, whose
 * status has been reaped. @stop_sig is that of a group stop in effect, or 0.
 */
static inline void trap_by_interrupt(struct __test_metadata *_metadata,
				     pid_t pid, int stop_sig)
{
	ASSERT_PTRACE("PTRACE_INTERRUPT", PTRACE_INTERRUPT, pid, NULL);
	ASSERT_STATUS("PTRACE_INTERRUPT",
		      STOP_STATUS(stop_sig ? stop_sig : SIGTRAP), pid);
}

/* The count of a thread that must not run, to be compared by expect_no_step(). */
static inline unsigned long tracee_count(struct tracee *t, int i)
{
	return __atomic_load_n(&t->page->thread[i].count, __ATOMIC_RELAXED);
}

/* Thread @i of @t has not run since its count was @old. */
static inline void expect_no_step(struct __test_metadata *_metadata,
				  struct tracee *t, int i, unsigned long old,
				  const char *id)
{
	const unsigned long count = tracee_count(t, i);

	EXPECT_EQ(old, count)
		TH_LOG("%s: tracee ran, its count went from %lu to %lu", id,
		       old, count);
}

#endif /* GROUP_STOP_NOTIFY_H */
