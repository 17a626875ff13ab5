// SPDX-License-Identifier: GPL-2.0
/*
 * PTRACE_INTERRUPT in notify mode, what gstop_interrupt does not prove: in every system
 * call that is restarted, in sleeps that it can't end, during a re-trap, and of a tracee
 * that is being killed.
 */
#include "group_stop_trap.h"
#include "hog.h"

#include <linux/futex.h>
#include <poll.h>
#include <sys/select.h>
#include <sys/socket.h>

/*
 * --- interrupt-clean: system calls are restarted ---
 */

/* What a tracee shares with the test that is in one system call. */
struct call_page {
	int fd[2];		/* what is written to [1] ends the call, */
	unsigned int futex;	/* ... and so does this, woken up */
	int (*call)(struct call_page *p);
	pid_t child;		/* that call_wait() waits for */
	bool there, done;
	int error;
	long long ms;		/* how long the call has taken */
};

/*
 * These are system calls which know of 64-bit time. libc of a 32-bit program may take
 * others, which a 64-bit kernel may be without.
 */
struct time64 {
	long long sec, nsec;
};

#ifdef SYS_futex_time64
#define SYS_nap		SYS_clock_nanosleep_time64
#define SYS_futex_	SYS_futex_time64
#define SYS_ppoll_	SYS_ppoll_time64
#define SYS_pselect_	SYS_pselect6_time64
#else
#define SYS_nap		SYS_clock_nanosleep
#define SYS_futex_	SYS_futex
#define SYS_ppoll_	SYS_ppoll
#define SYS_pselect_	SYS_pselect6
#endif

#define CALL_MS		200

#define CALL_TIME	(&(struct time64){ .nsec = CALL_MS * 1000000LL })

/* Each returns 0 if the call ends as it should, else not, with errno. */
static int call_nanosleep(struct call_page *p)
{
	return syscall(SYS_nap, CLOCK_MONOTONIC, 0, CALL_TIME, NULL);
}

static int call_read(struct call_page *p)
{
	char c;

	return read(p->fd[0], &c, 1) - 1;
}

static int call_recv(struct call_page *p)
{
	char c;

	return recv(p->fd[0], &c, 1, 0) - 1;
}

static int call_futex(struct call_page *p)
{
	return syscall(SYS_futex_, &p->futex, FUTEX_WAIT, 0, NULL, NULL, 0);
}

static int call_futex_timeout(struct call_page *p)
{
	const long ret = syscall(SYS_futex_, &p->futex, FUTEX_WAIT, 0, CALL_TIME, NULL, 0);

	return ret < 0 && errno == ETIMEDOUT ? 0 : -1;
}

static int call_poll(struct call_page *p)
{
	struct pollfd pfd = { .fd = p->fd[0], .events = POLLIN };

	return poll(&pfd, 1, -1) - 1;
}

static int call_poll_timeout(struct call_page *p)
{
	return poll(NULL, 0, CALL_MS);
}

/* The signal mask is another one during the call, and while the tracee is trapped in it. */
static int call_ppoll_mask(struct call_page *p)
{
	struct pollfd pfd = { .fd = p->fd[0], .events = POLLIN };
	const unsigned long long mask = ~0ULL;

	return syscall(SYS_ppoll_, &pfd, 1, NULL, &mask, 8) - 1;
}

static int call_select(struct call_page *p)
{
	fd_set fds;

	FD_ZERO(&fds);
	FD_SET(p->fd[0], &fds);
	return syscall(SYS_pselect_, p->fd[0] + 1, &fds, NULL, NULL, NULL, NULL) - 1;
}

static int call_select_timeout(struct call_page *p)
{
	return syscall(SYS_pselect_, 0, NULL, NULL, NULL, CALL_TIME, NULL);
}

static int call_wait(struct call_page *p)
{
	return waitpid(p->child, NULL, 0) - p->child;
}

FIXTURE(call) {
	struct call_page *page;
	pid_t pid;
};

FIXTURE_VARIANT(call) {
	int (*call)(struct call_page *p);
	bool timeout;		/* it ends after CALL_MS */
};

FIXTURE_VARIANT_ADD(call, nanosleep) { .call = call_nanosleep, .timeout = true };
FIXTURE_VARIANT_ADD(call, read) { .call = call_read };
FIXTURE_VARIANT_ADD(call, recv) { .call = call_recv };
FIXTURE_VARIANT_ADD(call, futex) { .call = call_futex };
FIXTURE_VARIANT_ADD(call, futex_timeout) { .call = call_futex_timeout, .timeout = true };
FIXTURE_VARIANT_ADD(call, poll) { .call = call_poll };
FIXTURE_VARIANT_ADD(call, poll_timeout) { .call = call_poll_timeout, .timeout = true };
FIXTURE_VARIANT_ADD(call, ppoll_mask) { .call = call_ppoll_mask };
FIXTURE_VARIANT_ADD(call, select) { .call = call_select };
FIXTURE_VARIANT_ADD(call, select_timeout) { .call = call_select_timeout, .timeout = true };
FIXTURE_VARIANT_ADD(call, wait) { .call = call_wait };

static void handler(int sig)
{
}

/* For spawn(): the tracee. Some signal is pending, blocked, caught, ignored. */
static void call_main(void *page)
{
	struct call_page *p = page;
	long long start;
	sigset_t set;
	pid_t pid;

	signal(SIGUSR2, handler);
	signal(SIGHUP, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_SETMASK, &set, NULL);
	sys_tgkill(getpid(), getpid(), SIGUSR1);
	kill(getpid(), SIGTERM);

	if (p->call == call_wait) {
		pid = fork();
		if (!pid) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			_exit(call_read(p));
		}
		p->child = pid;
	}
	start = now_ms();
	__atomic_store_n(&p->there, true, __ATOMIC_RELEASE);
	p->error = p->call(p) ? errno ?: EINVAL : 0;
	p->ms = now_ms() - start;
	__atomic_store_n(&p->done, true, __ATOMIC_RELEASE);
	pause_forever(NULL);
}

FIXTURE_SETUP(call)
{
	struct call_page *p;

	NEED_NOTIFY_MODE();
	self->page = p = shared_page();
	ASSERT_TRUE(!!p);
	p->call = variant->call;
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, p->fd));
	self->pid = spawn(call_main, p);
	ASSERT_LT(0, self->pid);
	ASSERT_TRUE(wait_until(__atomic_load_n(&p->there, __ATOMIC_ACQUIRE)));
	EXPECT_THREAD_STATE('S', self->pid);
	ASSERT_EQ(0, sys_seize_notify(self->pid, 0));
}

FIXTURE_TEARDOWN(call)
{
	kill_and_reap(self->pid);
}

/*
 * A system call does not fail for an interrupt, and one with a timeout ends in time, neither
 * before nor after. Signals are as they were, also if the call has a signal mask of its own.
 */
TEST_F(call, interrupt_clean_in_call)
{
	const long long deadline = now_ms() + DEADLINE_MS;
	struct call_page *p = self->page;
	char before[256], now[256];
	int round = 0;

	ASSERT_TRUE(read_signals(self->pid, before, sizeof(before)));
	while (variant->timeout ? !__atomic_load_n(&p->done, __ATOMIC_ACQUIRE) : round < 5) {
		ASSERT_GT(deadline, now_ms());
		ASSERT_PTRACE(PTRACE_INTERRUPT, self->pid, 0);
		ASSERT_STATUS(STOP_STATUS(SIGTRAP), self->pid);
		EXPECT_CAUSE(CAUSE_INTERRUPT, self->pid);
		ASSERT_TRUE(read_signals(self->pid, now, sizeof(now)));
		EXPECT_STREQ(before, now);
		ASSERT_PTRACE(PTRACE_CONT, self->pid, 0);
		EXPECT_THREAD_STATE('S', self->pid);
		ASSERT_TRUE(read_signals(self->pid, now, sizeof(now)));
		EXPECT_STREQ(before, now);
		round++;
	}
	if (!variant->timeout) {
		EXPECT_FALSE(__atomic_load_n(&p->done, __ATOMIC_ACQUIRE));
		p->futex = 1;
		syscall(SYS_futex_, &p->futex, FUTEX_WAKE, 1, NULL, NULL, 0);
		ASSERT_EQ(1, write(p->fd[1], "", 1));
	}
	EXPECT_TRUE(wait_until(__atomic_load_n(&p->done, __ATOMIC_ACQUIRE)));
	EXPECT_EQ(0, p->error)
		TH_LOG("%s", strerror(p->error));
	if (variant->timeout)
		EXPECT_LE(CALL_MS, p->ms);
	EXPECT_NO_STATUS(self->pid);
}

/*
 * --- interrupt-flag, interrupt-any-state: a sleep that no interrupt ends ---
 */

FIXTURE(vfork) {
	struct tracee t;
};

FIXTURE_VARIANT(vfork) {
	enum trap trap;		/* what comes after vfork(), before the STOP trap */
};

FIXTURE_VARIANT_ADD(vfork, no_trap) { .trap = TRAP_SIGNAL };
FIXTURE_VARIANT_ADD(vfork, event) { .trap = TRAP_VFORK_DONE };
FIXTURE_VARIANT_ADD(vfork, syscall_exit) { .trap = TRAP_SYSCALL_EXIT };

FIXTURE_SETUP(vfork)
{
	NEED_NOTIFY_MODE();
	tracee_start(&self->t, 1, 0);
	seize_all(&self->t, PTRACE_SEIZE_DEVEL | traps[variant->trap].option);
}

FIXTURE_TEARDOWN(vfork)
{
	__atomic_store_n(&self->t.page->hold, 0, __ATOMIC_RELAXED);
	tracee_end(&self->t);
}

/*
 * The parent sleeps in vfork(), where nothing but SIGKILL wakes it, until its child is
 * gone. Interrupts are then neither lost nor counted. If there is another trap to take
 * first, that one clears the flag.
 */
TEST_F(vfork, interrupt_flag_kept_until_next_trap)
{
	const long request = traps[variant->trap].request ?: PTRACE_CONT;
	struct tracee *t = &self->t;

	t->page->hold = 1;
	order(t, 0, ORDER_TRAP + TRAP_VFORK_DONE);
	ASSERT_TRAP(SIGNAL_STATUS(SIGUSR1), t, 0);
	ASSERT_PTRACE(request, t->pid, 0);
	if (variant->trap == TRAP_SYSCALL_EXIT) {
		ASSERT_STATUS(traps[TRAP_SYSCALL_ENTRY].status, t->pid);
		ASSERT_PTRACE(request, t->pid, 0);
	}
	EXPECT_THREAD_STATE('D', t->pid);

	ASSERT_PTRACE(PTRACE_INTERRUPT, t->pid, 0);
	ASSERT_PTRACE(PTRACE_INTERRUPT, t->pid, 0);
	EXPECT_NO_STATUS(t->pid);
	EXPECT_EQ('D', task_state(t->pid));
	__atomic_store_n(&t->page->hold, 0, __ATOMIC_RELAXED);

	if (variant->trap != TRAP_SIGNAL) {
		ASSERT_STATUS(traps[variant->trap].status, t->pid);
	} else {
		ASSERT_STATUS(STOP_STATUS(SIGTRAP), t->pid);
		EXPECT_CAUSE(CAUSE_INTERRUPT, t->pid);
	}
	run_on(t);
}

/*
 * --- interrupt-any-state, interrupt-detach: in a STOP trap ---
 */

TRACEE_FIXTURE(stop_trap)

FIXTURE_VARIANT(stop_trap) {
	int threads;
	int sig;		/* of the group stop, or 0: the trap of an interrupt */
};

FIXTURE_VARIANT_ADD(stop_trap, one_interrupt) { .threads = 1 };
FIXTURE_VARIANT_ADD(stop_trap, one_stop) { .threads = 1, .sig = SIGSTOP };
FIXTURE_VARIANT_ADD(stop_trap, many_interrupt) { .threads = 3 };
FIXTURE_VARIANT_ADD(stop_trap, many_tstp) { .threads = 3, .sig = SIGTSTP };

FIXTURE_SETUP(stop_trap)
{
	struct tracee *t = &self->t;

	NEED_NOTIFY_MODE();
	tracee_start_seized(t, variant->threads, TRACEE_COUNT);
	if (variant->sig)
		stop_all(t, variant->sig);
	else
		interrupt_all(t, 0);
	ack_all(t, variant->sig);
}

/* Interrupts don't disturb the trap. One more trap follows for all of them. */
TEST_F(stop_trap, interrupt_any_state_in_stop_trap)
{
	const unsigned long causes = sys_eventmsg(self->t.pid);
	struct tracee *t = &self->t;
	siginfo_t before, now;
	int i, round;

	for_each_thread_of(t, i) {
		ASSERT_PTRACE(PTRACE_GETSIGINFO, t->tid[i], &before);
		for (round = 0; round < 3; round++)
			ASSERT_PTRACE(PTRACE_INTERRUPT, t->tid[i], 0);
		ASSERT_PTRACE(PTRACE_GETSIGINFO, t->tid[i], &now);
		EXPECT_EQ(0, memcmp(&before, &now, sizeof(now)));
		EXPECT_CAUSE(causes, t->tid[i]);
		EXPECT_NO_STATUS(t->tid[i]);
		EXPECT_EQ('t', task_state(t->tid[i]));

		ASSERT_PTRACE(PTRACE_CONT, t->tid[i], 0);
		ASSERT_STATUS(STOP_STATUS(variant->sig ?: SIGTRAP), t->tid[i]);
		EXPECT_CAUSE(CAUSE_INTERRUPT, t->tid[i]);
	}
	EXPECT_NO_STEP(t);
	run_all(t);
}

/* Detach drops a pending interrupt: the next tracer gets no trap for it. */
TEST_F(stop_trap, interrupt_detach_drops_pending)
{
	struct tracee *t = &self->t;
	int i;

	for_each_thread_of(t, i) {
		ASSERT_PTRACE(PTRACE_INTERRUPT, t->tid[i], 0);
		ASSERT_PTRACE(PTRACE_DETACH, t->tid[i], 0);
	}
	if (variant->sig) {
		for_each_thread_of(t, i)
			EXPECT_THREAD_STATE('T', t->tid[i]);
		EXPECT_NO_STEP(t);
		seize_all(t, PTRACE_SEIZE_DEVEL);
		trap_all(t, variant->sig);
		for_each_thread_of(t, i)
			EXPECT_CAUSE(CAUSE_GROUP, t->tid[i]);
		run_all(t);
	} else {
		EXPECT_ALL_RUN(t);
		seize_all(t, PTRACE_SEIZE_DEVEL);
	}
	for_each_thread_of(t, i) {
		ASSERT_EQ(0, sys_tgkill(t->pid, t->tid[i], SIGUSR1));
		ASSERT_STATUS(SIGNAL_STATUS(SIGUSR1), t->tid[i]);
	}
}

/* An interrupt ends listening each time, also where there is no group stop. */
TEST_F(stop_trap, interrupt_any_state_ends_each_listen)
{
	struct tracee *t = &self->t;
	int i, round;

	for (round = 0; round < 3; round++) {
		listen_all(t);
		for_each_thread_of(t, i) {
			EXPECT_NO_STATUS(t->tid[i]);
			ASSERT_PTRACE(PTRACE_INTERRUPT, t->tid[i], 0);
			ASSERT_STATUS(STOP_STATUS(variant->sig ?: SIGTRAP), t->tid[i]);
			EXPECT_EQ(CAUSE_INTERRUPT, sys_eventmsg(t->tid[i]) & CAUSE_INTERRUPT);
		}
	}
	EXPECT_NO_STEP(t);
	run_all(t);
}

/*
 * --- Interrupts of running tracees ---
 */

TRACEE_FIXTURE(running)

FIXTURE_VARIANT(running) {
	int threads, flags;
};

FIXTURE_VARIANT_ADD(running, one_counts) { .threads = 1, .flags = TRACEE_COUNT };
FIXTURE_VARIANT_ADD(running, one_sleeps) { .threads = 1 };
FIXTURE_VARIANT_ADD(running, many_count) { .threads = 3, .flags = TRACEE_COUNT };
FIXTURE_VARIANT_ADD(running, many_sleep) { .threads = 3 };

FIXTURE_SETUP(running)
{
	NEED_NOTIFY_MODE();
	tracee_start_seized(&self->t, variant->threads, variant->flags);
}

/* An interrupt traps one thread, and no other. */
TEST_F(running, interrupt_clean_other_threads)
{
	struct tracee *t = &self->t;
	int i, k, status;

	for_each_thread_of(t, i) {
		trap_by_interrupt(t, i, 0);
		for_each_thread_of(t, k) {
			status = k == i ? 0 : tracee_runs(t, k);
			EXPECT_EQ(0, status);
		}
		EXPECT_EQ(t->mark[i], tracee_count(t, i));
		EXPECT_EQ('t', task_state(t->tid[i]));
		run_with(t, i, 0);
	}
}

/*
 * The window between SIGKILL and the end, many times, of a tracee that runs and of one
 * that is trapped. It would not die if it trapped for an interrupt.
 */
TEST_F(running, interrupt_errors_dying_storm)
{
	struct tracee *t = &self->t;
	int round, i;

	for (round = 0; round < 20; round++) {
		if (round & 1)
			trap_by_interrupt(t, 0, 0);
		ASSERT_EQ(0, kill(t->pid, SIGKILL));
		for (i = 0; i < 20; i++)
			ASSERT_TRUE(!sys_ptrace(PTRACE_INTERRUPT, t->tid[i % t->nr], 0, NULL) ||
				    errno == ESRCH);
		for (i = t->nr - 1; i >= 0; i--)
			ASSERT_STATUS(SIGKILL, t->tid[i]);
		t->pid = 0;
		tracee_end(t);
		tracee_start_seized(t, variant->threads, variant->flags);
	}
}

/*
 * The interrupt meets the re-trap of another change somewhere, many times: it is not lost,
 * nor does it end the re-trap.
 */
TEST_F(running, interrupt_any_state_retrap_storm)
{
	const long long end = now_ms() + 300;
	struct tracee *t = &self->t;
	int round, i;

	for (round = 0; round < 4 || now_ms() < end; round++) {
		stop_all(t, SIGSTOP);
		ack_all(t, SIGSTOP);
		ASSERT_EQ(0, kill(t->pid, SIGCONT));
		for_each_thread_of(t, i)
			ASSERT_PTRACE(PTRACE_INTERRUPT, t->tid[i], 0);
		trap_all(t, 0);
		ack_all(t, 0);
		for_each_thread_of(t, i) {
			ASSERT_PTRACE(PTRACE_CONT, t->tid[i], 0);
			ASSERT_STATUS(STOP_STATUS(SIGTRAP), t->tid[i]);
			EXPECT_CAUSE(CAUSE_INTERRUPT, t->tid[i]);
		}
		EXPECT_NO_STEP(t);
		run_all(t);
	}
}

FIXTURE(retrap) {
	struct tracee t;
	struct hog hog;
};

FIXTURE_VARIANT(retrap) {
	bool listen;
};

FIXTURE_VARIANT_ADD(retrap, trapped) { .listen = false };
FIXTURE_VARIANT_ADD(retrap, listening) { .listen = true };

FIXTURE_SETUP(retrap)
{
	NEED_NOTIFY_MODE();
	NEED_HOG(&self->hog);
	tracee_start_seized(&self->t, 1, TRACEE_COUNT);
}

FIXTURE_TEARDOWN(retrap)
{
	hog_end(&self->hog);
	tracee_end(&self->t);
}

/*
 * The same window, held open: the tracee is on its way to the re-trap, but its CPU is taken.
 * If it listened, that is no re-trap, and it traps once for both.
 */
TEST_F(retrap, interrupt_any_state_during_retrap)
{
	const unsigned long causes = CAUSE_GROUP | CAUSE_NOTIFY;
	struct tracee *t = &self->t;
	int round, open = 0;

	ASSERT_EQ(0, pin(t->pid, HOG_CPU));
	for (round = 0; round < 3; round++) {
		stop_all(t, SIGSTOP);
		ack_all(t, SIGSTOP);
		if (variant->listen)
			listen_all(t);

		hog_start(&self->hog, 500);
		ASSERT_EQ(0, kill(t->pid, SIGCONT));
		ASSERT_PTRACE(PTRACE_INTERRUPT, t->pid, 0);
		open += is_held(t->pid);
		hog_end(&self->hog);

		ASSERT_STATUS(STOP_STATUS(SIGTRAP), t->pid);
		EXPECT_CAUSE(variant->listen ? causes | CAUSE_INTERRUPT : causes, t->pid);
		ack_all(t, 0);
		if (!variant->listen) {
			ASSERT_PTRACE(PTRACE_CONT, t->pid, 0);
			ASSERT_STATUS(STOP_STATUS(SIGTRAP), t->pid);
			EXPECT_CAUSE(CAUSE_INTERRUPT, t->pid);
		}
		EXPECT_NO_STEP(t);
		run_all(t);
	}
	EXPECT_LT(0, open);
}

/*
 * --- interrupt-errors ---
 */

struct request {
	pid_t pid;
	int error, done;
};

static void *interrupt_by_thread(void *arg)
{
	struct request *request = arg;

	request->error = sys_ptrace(PTRACE_INTERRUPT, request->pid, 0, NULL) ? errno : 0;
	__atomic_store_n(&request->done, 1, __ATOMIC_RELEASE);
	return NULL;
}

/* A tracer is a thread. Another thread of its process can't interrupt the tracee: ESRCH. */
TEST_F(running, interrupt_errors_other_thread)
{
	struct request request = { .pid = self->t.pid };
	struct tracee *t = &self->t;
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, interrupt_by_thread, &request));
	ASSERT_TRUE(wait_until(__atomic_load_n(&request.done, __ATOMIC_ACQUIRE)));
	EXPECT_EQ(ESRCH, request.error);
	EXPECT_NO_STATUS(t->pid);
	EXPECT_ALL_RUN(t);
}

/* We ourselves, a zombie that was not traced, and who is not there at all: ESRCH. */
TEST(interrupt_errors_nobody)
{
	pid_t pid;

	NEED_NOTIFY_MODE();
	EXPECT_PTRACE_ERROR(ESRCH, PTRACE_INTERRUPT, 0, 0, 0);
	EXPECT_PTRACE_ERROR(ESRCH, PTRACE_INTERRUPT, -1, 0, 0);
	EXPECT_PTRACE_ERROR(ESRCH, PTRACE_INTERRUPT, 0x7fffffff, 0, 0);
	EXPECT_PTRACE_ERROR(ESRCH, PTRACE_INTERRUPT, getpid(), 0, 0);
	pid = spawn(pause_forever, NULL);
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, kill(pid, SIGKILL));
	EXPECT_THREAD_STATE('Z', pid);
	EXPECT_PTRACE_ERROR(ESRCH, PTRACE_INTERRUPT, pid, 0, 0);
	kill_and_reap(pid);
}

/* For spawn(): seize *@pid and make it trap, which shows that it is traced. */
static void trace_forever(void *pid)
{
	const pid_t of = *(pid_t *)pid;

	sys_seize_notify(of, 0);
	sys_ptrace(PTRACE_INTERRUPT, of, 0, NULL);
	pause_forever(NULL);
}

/* Who is not our tracee can't be interrupted: ESRCH. */
TEST(interrupt_errors_not_ours)
{
	pid_t pid, other;

	NEED_NOTIFY_MODE();
	pid = spawn(pause_forever, NULL);
	ASSERT_LT(0, pid);
	EXPECT_PTRACE_ERROR(ESRCH, PTRACE_INTERRUPT, pid, 0, 0);
	other = spawn(trace_forever, &pid);
	ASSERT_LT(0, other);
	EXPECT_THREAD_STATE('t', pid);
	EXPECT_PTRACE_ERROR(ESRCH, PTRACE_INTERRUPT, pid, 0, 0);
	kill_and_reap(other);
	EXPECT_THREAD_STATE('S', pid);
	kill_and_reap(pid);
	EXPECT_PTRACE_ERROR(ESRCH, PTRACE_INTERRUPT, pid, 0, 0);
}

TEST_HARNESS_MAIN
