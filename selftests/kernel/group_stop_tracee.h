/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The tracee of the group stop selftests, and what a tracer does to it.
 *
 * A tracee has threads that we trace, and if asked for one that we do not, the mate. Each
 * counts in user space, or sleeps in read(2) until it gets an order. Most functions exist
 * for one thread and for all: ack() and ack_all(). They end the test if what they do
 * fails, as ASSERT_*() does.
 *
 * SIGCONT is blocked in the tracee unless asked for: it ends a group stop all the same,
 * and no signal-delivery-stop for it comes between the traps that a test looks at.
 */
#ifndef GROUP_STOP_TRACEE_H
#define GROUP_STOP_TRACEE_H

#include "../kselftest_harness.h"
#include "group_stop.h"

/* For FIXTURE_SETUP() and tests: skip, because of @why, unless @cond. */
#define NEED(cond, why, ...) do {					\
	if (!(cond))							\
		SKIP(return, why, ##__VA_ARGS__);			\
} while (0)

/* ... unless the kernel has notify mode. */
#define NEED_NOTIFY_MODE() do {						\
	const int have_ = have_notify_mode();				\
									\
	ASSERT_LE(0, have_)						\
		TH_LOG("PTRACE_SEIZE_DEVEL: %s", strerror(errno));	\
	NEED(have_, "kernel without PTRACE_SEIZE_DEVEL");		\
} while (0)

/* How the threads of a tracee are. */
#define TRACEE_COUNT	1		/* they count in user space; else they sleep */
#define TRACEE_MATE	2		/* there is one that we do not trace; it sleeps */
#define TRACEE_CONT	4		/* SIGCONT is not blocked */

/* What a thread that sleeps can be told to do, by order(). */
enum order {
	ORDER_STOP,		/* raise SIGSTOP */
	ORDER_CLONE,		/* create thread number ->nr, which sleeps */
	ORDER_EXEC,		/* execve() the program group_stop_exec, which sleeps */
	ORDER_EXIT,		/* exit alone */
	ORDER_EXIT_GROUP,	/* exit_group(TRACEE_EXIT_CODE) */
	ORDER_TRAP,		/* and from here on: see group_stop_trap.h */
};

#define TRACEE_EXIT_CODE	7

struct tracee {
	struct __test_metadata *test;	/* of the test that it belongs to */
	struct tracee_page *page;
	pid_t pid;
	int nr;			/* threads that we trace; the mate is number ->nr */
	int flags;
	pid_t tid[TRACEE_MAX];	/* [0] is ->pid */
	int orders[TRACEE_MAX][2];
	unsigned long mark[TRACEE_MAX];	/* ->count when its last trap was reaped */
};

#define for_each_thread_of(t, i)	for ((i) = 0; (i) < (t)->nr; (i)++)

static inline unsigned long tracee_count(const struct tracee *t, int i)
{
	return __atomic_load_n(&t->page->count[i], __ATOMIC_RELAXED);
}

/*
 * --- Expectations ---
 */

/* The next wait status of @pid is @want. */
#define ASSERT_STATUS(want, pid) do {					\
	const pid_t of_ = (pid);					\
	const int want_ = (want), seen_ = wait_soon(of_);		\
									\
	ASSERT_EQ(want_, seen_)						\
		TH_LOG("wait status of %d is %#x, expected %#x", of_, seen_, want_); \
} while (0)

/* The next wait status of thread @i of @t is @want. EXPECT_NO_STEP() counts from here. */
#define ASSERT_TRAP(want, t, i) do {					\
	ASSERT_STATUS(want, (t)->tid[i]);				\
	(t)->mark[i] = tracee_count(t, i);				\
} while (0)

/* There is no wait status of @pid. */
#define EXPECT_NO_STATUS(pid) do {					\
	const pid_t of_ = (pid);					\
	const int seen_ = peek_status(of_);				\
									\
	EXPECT_EQ(0, seen_)						\
		TH_LOG("wait status of %d is %#x, expected none", of_, seen_); \
} while (0)

/* ptrace(@req, @pid, 0, @data) succeeds. */
#define ASSERT_PTRACE(req, pid, data) do {				\
	const pid_t of_ = (pid);					\
									\
	ASSERT_EQ(0, sys_ptrace(req, of_, 0, (void *)(unsigned long)(data))) \
		TH_LOG(#req " of %d: %s", of_, strerror(errno));	\
} while (0)

/* ptrace(@req, @pid, @addr, @data) fails with @err; 0: it succeeds. */
#define EXPECT_PTRACE_ERROR(err, req, pid, addr, data) do {		\
	const long ret_ = sys_ptrace(req, pid, addr, (void *)(unsigned long)(data)); \
	const int error_ = ret_ < 0 ? errno : 0, want_ = (err);		\
									\
	EXPECT_EQ(want_, error_)					\
		TH_LOG(#req ": %s, expected %s", strerror(error_), strerror(want_)); \
} while (0)

/* Why @pid is in a STOP trap: PTRACE_STOP_CAUSE_@causes, or'ed. */
#define CAUSE_GROUP	((unsigned long)PTRACE_STOP_CAUSE_GROUP)
#define CAUSE_NOTIFY	((unsigned long)PTRACE_STOP_CAUSE_NOTIFY)
#define CAUSE_INTERRUPT	((unsigned long)PTRACE_STOP_CAUSE_INTERRUPT)

#define EXPECT_CAUSE(causes, pid) do {					\
	const unsigned long want_ = (causes), seen_ = sys_eventmsg(pid); \
									\
	EXPECT_EQ(want_, seen_)						\
		TH_LOG("cause %#lx, expected %#lx", seen_, want_);	\
} while (0)

/* No thread of @t, all trapped, has a wait status, or is on its way to one. */
#define EXPECT_NO_RETRAP(t) do {					\
	int i_;								\
									\
	for_each_thread_of(t, i_) {					\
		ASSERT_EQ(0, settle((t)->tid[i_]));			\
		EXPECT_NO_STATUS((t)->tid[i_]);				\
	}								\
} while (0)

/* Thread @tid gets to @state, a letter of /proc/TID/stat. */
#define EXPECT_THREAD_STATE(state, tid) do {				\
	const char want_[] = { (state), 0 };				\
	const pid_t of_ = (tid);					\
									\
	EXPECT_EQ(0, wait_task_state(of_, want_))			\
		TH_LOG("state of %d is '%c', expected '%c'", of_, task_state(of_), (state)); \
} while (0)

/* All threads of @t are in a STOP trap for @causes. */
#define EXPECT_CAUSE_ALL(causes, t) do {				\
	int i_;								\
									\
	for_each_thread_of(t, i_)					\
		EXPECT_CAUSE(causes, (t)->tid[i_]);			\
} while (0)

/* No thread of @t has been in user space since its last ASSERT_TRAP(). */
#define EXPECT_NO_STEP(t) do {						\
	int i_;								\
									\
	for_each_thread_of(t, i_)					\
		EXPECT_EQ((t)->mark[i_], tracee_count(t, i_))		\
			TH_LOG("thread %d ran", i_);			\
} while (0)

/*
 * Wait until thread @i of @t counts, or sleeps where it waits for orders. Returns 0, the
 * wait status of what it does instead, or -1. An untraced thread has no wait status.
 */
static inline int tracee_runs(struct tracee *t, int i)
{
	const bool counts = (t->flags & TRACEE_COUNT) && i < t->nr;
	const unsigned long old = tracee_count(t, i);
	int status = 0;
	bool runs;

	runs = wait_until((status = sys_wait(t->tid[i], WNOHANG)) > 0 ||
			  (counts ? tracee_count(t, i) != old : task_state(t->tid[i]) == 'S'));
	return status > 0 ? status : runs ? 0 : -1;
}

/* All threads of @t run, and report nothing. */
#define EXPECT_ALL_RUN(t) do {						\
	int i_, status_;						\
									\
	for_each_thread_of(t, i_) {					\
		status_ = tracee_runs(t, i_);				\
		EXPECT_EQ(0, status_)					\
			TH_LOG("thread %d does not run, status %#x", i_, status_); \
	}								\
} while (0)

/*
 * --- The tracee's own side ---
 */

static struct tracee *tracee_self;

static inline void tracee_obey(struct tracee *t, int i, enum order order);
#ifdef GROUP_STOP_TRAP_H
static inline void tracee_obey_trap(struct tracee *t, enum order order);
#endif

static inline void *tracee_thread(void *arg)
{
	struct tracee *t = tracee_self;
	const long i = (long)arg;
	char order;

	__atomic_store_n(&t->page->tid[i], syscall(SYS_gettid), __ATOMIC_RELEASE);
	while ((t->flags & TRACEE_COUNT) && i < t->nr)
		__atomic_add_fetch(&t->page->count[i], 1, __ATOMIC_RELAXED);
	while (read(t->orders[i][0], &order, 1) == 1) {
		tracee_obey(t, i, order);
		__atomic_add_fetch(&t->page->count[i], 1, __ATOMIC_RELAXED);
	}
	pause_forever(NULL);
	return NULL;
}

static inline void tracee_create(struct tracee *t, long i)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, tracee_thread, (void *)i))
		_exit(1);
}

/* The path of the program group_stop_exec, which lies beside this one. */
static inline char *tracee_exec_path(void)
{
	static char path[4096];
	ssize_t len;

	if (path[0])
		return path;
	len = readlink("/proc/self/exe", path, sizeof(path) - sizeof("group_stop_exec"));
	if (len <= 0)
		_exit(1);
	path[len] = '\0';
	strcpy(strrchr(path, '/') + 1, "group_stop_exec");
	return path;
}

/* Execute it. That is one system call, once its path has been asked for. */
static inline void tracee_exec(void)
{
	char *argv[] = { tracee_exec_path(), NULL };

	execv(argv[0], argv);
	_exit(1);
}

static inline void tracee_obey(struct tracee *t, int i, enum order order)
{
	switch (order) {
	case ORDER_STOP:
		sys_tgkill(getpid(), syscall(SYS_gettid), SIGSTOP);
		break;
	case ORDER_CLONE:
		tracee_create(t, t->nr);
		break;
	case ORDER_EXEC:
		tracee_exec();
		break;
	case ORDER_EXIT:
		syscall(SYS_exit, 0);
		break;
	case ORDER_EXIT_GROUP:
		syscall(SYS_exit_group, TRACEE_EXIT_CODE);
		break;
	default:
#ifdef GROUP_STOP_TRAP_H
		tracee_obey_trap(t, order);
#endif
		break;
	}
}

/*
 * The main thread. It goes to a process group of its own, which is not orphaned as its
 * parent is in another one: SIGTSTP, SIGTTIN and SIGTTOU stop it.
 */
static inline void tracee_main(void *arg)
{
	struct tracee *t = arg;
	sigset_t blocked;
	long i;

	setpgid(0, 0);
	/* some tracers are not our ancestors, which Yama might insist on */
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
	/* no signal-delivery-stop for the end of a child */
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGCHLD);
	if (!(t->flags & TRACEE_CONT))
		sigaddset(&blocked, SIGCONT);
	sigprocmask(SIG_SETMASK, &blocked, NULL);

	tracee_self = t;
	for (i = 1; i < t->nr + !!(t->flags & TRACEE_MATE); i++)
		tracee_create(t, i);
	tracee_thread(NULL);
}

/*
 * --- Start and end ---
 */

/* A page for a tracee to share. It is file TRACEE_FD of ours, too. NULL if there is none. */
static inline struct tracee_page *tracee_page(void)
{
	const int fd = memfd_create("tracee", 0);
	void *page = MAP_FAILED;

	if (fd < 0)
		return NULL;
	if (!ftruncate(fd, getpagesize()) && dup2(fd, TRACEE_FD) == TRACEE_FD)
		page = mmap(NULL, getpagesize(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	return page == MAP_FAILED ? NULL : page;
}

/* Thread @i of @t is there, see that it runs. */
static inline void tracee_meet(struct tracee *t, int i)
{
	struct __test_metadata *_metadata = t->test;

	ASSERT_TRUE(wait_until((t->tid[i] = __atomic_load_n(&t->page->tid[i], __ATOMIC_ACQUIRE))))
		TH_LOG("thread %d did not start", i);
	ASSERT_EQ(0, tracee_runs(t, i))
		TH_LOG("thread %d does not run", i);
}

/* Start @t with @nr threads that are to be traced, TRACEE_* in @flags, and wait for them. */
static inline void __tracee_start(struct __test_metadata *_metadata, struct tracee *t, int nr,
				  int flags)
{
	int i, there = nr + !!(flags & TRACEE_MATE);

	memset(t, 0, sizeof(*t));
	t->test = _metadata;
	t->nr = nr;
	t->flags = flags;
	t->page = tracee_page();
	ASSERT_TRUE(!!t->page);
	for (i = 0; i < TRACEE_MAX; i++)
		ASSERT_EQ(0, pipe2(t->orders[i], O_CLOEXEC));
	t->pid = spawn(tracee_main, t);
	ASSERT_LT(0, t->pid);
	for (i = 0; i < there; i++)
		tracee_meet(t, i);
}

#define tracee_start(t, nr, flags)	__tracee_start(_metadata, t, nr, flags)

/* Seize the threads of @t, but not the mate, with @data. */
static inline void seize_all(struct tracee *t, unsigned long data)
{
	struct __test_metadata *_metadata = t->test;
	int i;

	for_each_thread_of(t, i)
		ASSERT_PTRACE(PTRACE_SEIZE, t->tid[i], data);
}

/* Start @t, and seize it in notify mode. */
#define tracee_start_seized(t, nr, flags) do {				\
	tracee_start(t, nr, flags);					\
	seize_all(t, PTRACE_SEIZE_DEVEL);				\
} while (0)

/* Kill @t and reap whatever there is to reap, children attached automatically included. */
static inline void tracee_end(struct tracee *t)
{
	int i, status = 0;
	pid_t pid = 0;

	if (t->pid > 0) {
		kill(t->pid, SIGKILL);
		/* a process that exits does not get it in its PTRACE_EVENT_EXIT trap */
		for_each_thread_of(t, i)
			sys_ptrace(PTRACE_CONT, t->tid[i], 0, NULL);
		wait_until(({
			pid = wait4(-1, &status, WNOHANG | __WALL, NULL);
			if (pid > 0 && WIFSTOPPED(status)) {
				/* a PTRACE_EVENT_EXIT trap, or a child of the tracee */
				kill(pid, SIGKILL);
				sys_ptrace(PTRACE_CONT, pid, 0, NULL);
			}
			pid < 0 || (pid == t->pid && !WIFSTOPPED(status));
		}));
	}
	if (!t->page)
		return;
	for (i = 0; i < TRACEE_MAX; i++) {
		close(t->orders[i][0]);
		close(t->orders[i][1]);
	}
	munmap(t->page, getpagesize());
	close(TRACEE_FD);
	memset(t, 0, sizeof(*t));
}

/* A fixture that is a tracee, for FIXTURE_SETUP() to start. */
#define TRACEE_FIXTURE(name)						\
	FIXTURE(name) {							\
		struct tracee t;					\
	};								\
									\
	FIXTURE_TEARDOWN(name)						\
	{								\
		tracee_end(&self->t);					\
	}

/*
 * --- What a tracer does ---
 */

/* Have thread @i of @t, which sleeps or will, do @order. */
static inline void order(struct tracee *t, int i, enum order order)
{
	struct __test_metadata *_metadata = t->test;
	const char c = order;

	ASSERT_EQ(1, write(t->orders[i][1], &c, 1));
}

/* Each thread traps, in a group stop by @sig, or outside of one if 0. Reaps the status. */
static inline void trap_all(struct tracee *t, int sig)
{
	struct __test_metadata *_metadata = t->test;
	int i;

	for_each_thread_of(t, i)
		ASSERT_TRAP(STOP_STATUS(sig ? sig : SIGTRAP), t, i);
}

/* Start a group stop by having thread @i take stop signal @sig. The traps are to follow. */
static inline void start_stop(struct tracee *t, int i, int sig)
{
	struct __test_metadata *_metadata = t->test;

	ASSERT_EQ(0, sys_tgkill(t->pid, t->tid[i], sig));
	ASSERT_TRAP(SIGNAL_STATUS(sig), t, i);
	ASSERT_PTRACE(PTRACE_CONT, t->tid[i], sig);
}

/* The same by the mate, which is in the group stop when this returns. */
static inline void start_stop_untraced(struct tracee *t, int sig)
{
	struct __test_metadata *_metadata = t->test;

	ASSERT_EQ(0, sys_tgkill(t->pid, t->tid[t->nr], sig));
	EXPECT_THREAD_STATE('T', t->tid[t->nr]);
}

/* Group stop by @sig: all threads trap, and the notification of each is pending. */
static inline void stop_all(struct tracee *t, int sig)
{
	start_stop(t, 0, sig);
	trap_all(t, sig);
}

/* SIGCONT: all threads trap once more. */
static inline void cont_all(struct tracee *t)
{
	struct __test_metadata *_metadata = t->test;

	ASSERT_EQ(0, kill(t->pid, SIGCONT));
	trap_all(t, 0);
}

/*
 * PTRACE_GETSIGINFO of thread @i in a STOP trap. It acknowledges a notification, and
 * reports the stop signal @sig, or with 0 that no group stop is in effect.
 */
static inline void ack(struct tracee *t, int i, int sig)
{
	struct __test_metadata *_metadata = t->test;
	const int signo = sig ? sig : SIGTRAP;
	siginfo_t info;

	memset(&info, 0x55, sizeof(info));
	ASSERT_PTRACE(PTRACE_GETSIGINFO, t->tid[i], &info);
	EXPECT_EQ(signo, info.si_signo);
	EXPECT_EQ(signo | PTRACE_EVENT_STOP << 8, info.si_code);
	EXPECT_EQ(sig, info.si_status);
}

static inline void ack_all(struct tracee *t, int sig)
{
	int i;

	for_each_thread_of(t, i)
		ack(t, i, sig);
}

/* Resume thread @i with signal @sig, or none if 0. It runs: it has nothing to trap for. */
static inline void run_with(struct tracee *t, int i, int sig)
{
	struct __test_metadata *_metadata = t->test;
	int status;

	ASSERT_PTRACE(PTRACE_CONT, t->tid[i], sig);
	status = tracee_runs(t, i);
	ASSERT_EQ(0, status)
		TH_LOG("thread %d does not run on, status %#x", i, status);
}

static inline void run_all(struct tracee *t)
{
	int i;

	for_each_thread_of(t, i)
		run_with(t, i, 0);
}

static inline void listen_all(struct tracee *t)
{
	struct __test_metadata *_metadata = t->test;
	int i;

	for_each_thread_of(t, i)
		ASSERT_PTRACE(PTRACE_LISTEN, t->tid[i], 0);
}

/* All listen: each is still trapped, has nothing to report, and answers no request. */
static inline void expect_listening(struct tracee *t)
{
	struct __test_metadata *_metadata = t->test;
	unsigned long msg;
	int i;

	for_each_thread_of(t, i) {
		EXPECT_THREAD_STATE('t', t->tid[i]);
		EXPECT_NO_STATUS(t->tid[i]);
		EXPECT_PTRACE_ERROR(ESRCH, PTRACE_GETEVENTMSG, t->tid[i], 0, &msg);
	}
	EXPECT_NO_STEP(t);
}

/* PTRACE_INTERRUPT thread @i, which runs. @sig is that of a group stop in effect, or 0. */
static inline void trap_by_interrupt(struct tracee *t, int i, int sig)
{
	struct __test_metadata *_metadata = t->test;

	ASSERT_PTRACE(PTRACE_INTERRUPT, t->tid[i], 0);
	ASSERT_TRAP(STOP_STATUS(sig ? sig : SIGTRAP), t, i);
}

static inline void interrupt_all(struct tracee *t, int sig)
{
	int i;

	for_each_thread_of(t, i)
		trap_by_interrupt(t, i, sig);
}

static inline void detach_all(struct tracee *t)
{
	struct __test_metadata *_metadata = t->test;
	int i;

	for_each_thread_of(t, i)
		ASSERT_PTRACE(PTRACE_DETACH, t->tid[i], 0);
}

#endif /* GROUP_STOP_TRACEE_H */
