// SPDX-License-Identifier: GPL-2.0
/*
 * A tracee that is held in a STOP trap while others stop and continue it as fast as they
 * can, from another CPU. It re-traps all the time, and the windows from trap to re-trap are
 * met by chance, thousands of times. Whatever the tracer does finds the tracee trapped. The
 * tracee, which counts in user space, does not get to count.
 *
 * Each test runs for STORM_MS or half of that. A tracee on the CPU of the tracer re-traps
 * when the tracer waits for it: some ten times as often as when it competes with the sender.
 */
#include "group_stop_tracee.h"
#include "hog.h"

#include <sys/uio.h>

#define STORM_MS	150

/* Who makes the storm, on a shared_page(). */
struct storm {
	pid_t pid;		/* of the tracee, as far as signals go */
	bool stop;		/* SIGSTOP, too */
	unsigned long sent;
};

/*
 * For spawn(): stop and continue. A SIGSTOP gets to start a group stop if there is a thread
 * that takes it: give it time for that, and not always the same.
 */
static void make_storm(void *arg)
{
	struct storm *storm = arg;
	int yields;

	pin(0, 1);
	for (;;) {
		if (storm->stop) {
			kill(storm->pid, SIGSTOP);
			for (yields = storm->sent % 8; yields; yields--)
				sched_yield();
		}
		kill(storm->pid, SIGCONT);
		__atomic_add_fetch(&storm->sent, 1, __ATOMIC_RELAXED);
	}
}

FIXTURE(storm) {
	struct tracee t;
	struct storm *storm;
	pid_t sender;
};

FIXTURE_VARIANT(storm) {
	int flags;		/* with a mate there are group stops: it takes SIGSTOP */
	bool stop;
	bool spread;		/* tracee on any CPU, not on that of the tracer */
	bool ignore;		/* SIGCONT is ignored */
};

FIXTURE_VARIANT_ADD(storm, cont) { .flags = TRACEE_CONT };
FIXTURE_VARIANT_ADD(storm, cont_blocked) { };
FIXTURE_VARIANT_ADD(storm, cont_ignored) {
	.flags = TRACEE_CONT, .ignore = true, .spread = true,
};
FIXTURE_VARIANT_ADD(storm, stop_cont) { .flags = TRACEE_CONT, .stop = true };
FIXTURE_VARIANT_ADD(storm, stop_cont_blocked) { .stop = true };
FIXTURE_VARIANT_ADD(storm, group) {
	.flags = TRACEE_CONT | TRACEE_MATE, .stop = true, .spread = true,
};
FIXTURE_VARIANT_ADD(storm, group_blocked) { .flags = TRACEE_MATE, .stop = true };

FIXTURE_SETUP(storm)
{
	NEED_NOTIFY_MODE();
	self->storm = shared_page();
	ASSERT_TRUE(!!self->storm);
	if (!variant->spread)
		pin(0, 0);
	if (variant->ignore)
		signal(SIGCONT, SIG_IGN);
	tracee_start_seized(&self->t, 1, TRACEE_COUNT | variant->flags);
	interrupt_all(&self->t, 0);

	self->storm->pid = self->t.pid;
	self->storm->stop = variant->stop;
	self->sender = spawn(make_storm, self->storm);
	ASSERT_LT(0, self->sender);
	pin(0, 0);
}

FIXTURE_TEARDOWN(storm)
{
	kill_and_reap(self->sender);
	tracee_end(&self->t);
}

/*
 * Make a request that leaves the tracee where it is. They take turns: every second one
 * acknowledges, and all others come right after a SIGCONT of our own, as the sender may not
 * be running.
 */
static void any_request(struct tracee *t, unsigned int turn)
{
	struct __test_metadata *_metadata = t->test;
	char buf[4096];
	struct iovec iov = { .iov_base = buf, .iov_len = sizeof(buf) };
	long ret;

	if (turn % 2)
		kill(t->pid, SIGCONT);
	switch (turn % 10) {
	case 1:
		ret = sys_ptrace(PTRACE_GETREGSET, t->pid, 1 /* NT_PRSTATUS */, &iov);
		break;
	case 3:
		ret = sys_ptrace(PTRACE_GETEVENTMSG, t->pid, 0, buf);
		break;
	case 5:
		ret = sys_ptrace(PTRACE_GETSIGMASK, t->pid, 8, buf);
		break;
	case 7:
		ret = sys_ptrace(PTRACE_PEEKDATA, t->pid, (unsigned long)t->page, buf);
		break;
	case 9:
		ret = sys_ptrace(PTRACE_SETOPTIONS, t->pid, 0, NULL);
		break;
	default:
		ret = sys_ptrace(PTRACE_GETSIGINFO, t->pid, 0, buf);
		break;
	}
	ASSERT_EQ(0, ret)
		TH_LOG("request number %u: %s", turn, strerror(errno));
}

/*
 * The storm is over. What the tracer learns last is the state that is: there is no group
 * stop. That acknowledged, the tracee runs.
 */
static void expect_calm(FIXTURE_DATA(storm) * self)
{
	struct tracee *t = &self->t;
	struct __test_metadata *_metadata = t->test;
	int status;

	kill_and_reap(self->sender);
	self->sender = 0;
	ASSERT_EQ(0, kill(t->pid, SIGCONT));
	ack_all(t, 0);
	EXPECT_NO_STEP(t);
	sys_wait(t->pid, WNOHANG);
	EXPECT_NO_STATUS(t->pid);

	ASSERT_PTRACE(PTRACE_CONT, t->pid, 0);
	status = tracee_runs(t, 0);
	if (status == SIGNAL_STATUS(SIGCONT)) {
		ASSERT_PTRACE(PTRACE_CONT, t->pid, 0);
		status = tracee_runs(t, 0);
	}
	EXPECT_EQ(0, status)
		TH_LOG("the tracee does not run on, wait status %#x", status);
}

/*
 * Notified during any request, between them and during waits with WNOHANG, the tracee is
 * never woken up with nothing to trap for, and no request takes it for running.
 */
TEST_F(storm, notify_no_escape_and_no_esrch)
{
	const long long end = now_ms() + STORM_MS;
	struct tracee *t = &self->t;
	unsigned long traps = 0;
	unsigned int turn = 0;
	int status;

	do {
		any_request(t, turn++);
		status = sys_wait(t->pid, WNOHANG);
		if (status) {
			ASSERT_EQ(PTRACE_EVENT_STOP, status >> 16)
				TH_LOG("wait status %#x", status);
			traps++;
		}
		ASSERT_EQ(t->mark[0], tracee_count(t, 0))
			TH_LOG("tracee ran, after %lu re-traps", traps);
	} while (now_ms() < end);

	EXPECT_LT(0ul, traps)
		TH_LOG("no re-trap, %lu signals sent", self->storm->sent);
	expect_calm(self);
}

/* Looks for a stop that nobody reaps, without a pause. */
struct watcher {
	pid_t tid;
	idtype_t idtype;	/* it, or any */
	int over, ended;
	unsigned long looks, misses;
};

static void *watch_stop(void *arg)
{
	struct watcher *watcher = arg;
	siginfo_t info;

	pin(0, 1);
	while (!__atomic_load_n(&watcher->over, __ATOMIC_RELAXED)) {
		__atomic_add_fetch(&watcher->looks, 1, __ATOMIC_RELAXED);
		memset(&info, 0, sizeof(info));
		if (waitid(watcher->idtype, watcher->tid, &info,
			   WSTOPPED | WNOHANG | WNOWAIT | __WALL) ||
		    info.si_pid != watcher->tid)
			watcher->misses++;
	}
	__atomic_store_n(&watcher->ended, 1, __ATOMIC_RELEASE);
	return NULL;
}

/*
 * A status that is never reaped is not gone for a moment, for the thread that traces and for
 * another one. Without a group stop there is no re-trap after the first: the storm is one on
 * the locks alone, then.
 */
TEST_F(storm, notify_hidden_stop_not_reaped)
{
	struct tracee *t = &self->t;
	struct watcher watcher = {
		.tid = t->pid,
		/* a mate that stops is found, too */
		.idtype = t->flags & TRACEE_MATE ? P_PID : P_ALL,
	};
	unsigned long looks = 0, misses = 0;
	unsigned int turn = 0;
	pthread_t thread;
	long long end;

	/* from here on there is a status to be reaped */
	ASSERT_EQ(0, kill(t->pid, SIGCONT));
	ASSERT_PTRACE(PTRACE_GETSIGINFO, t->pid, &(siginfo_t){ 0 });
	ASSERT_TRUE(wait_until(peek_status(t->pid) > 0));

	ASSERT_EQ(0, pthread_create(&thread, NULL, watch_stop, &watcher));
	pthread_detach(thread);
	end = now_ms() + STORM_MS;
	/* the watcher has to compete with the sender: give it the time that it needs */
	while (now_ms() < end || (now_ms() < end + DEADLINE_MS &&
				  __atomic_load_n(&watcher.looks, __ATOMIC_RELAXED) < 100)) {
		any_request(t, turn++);
		looks++;
		misses += peek_status(t->pid) <= 0;
	}
	__atomic_store_n(&watcher.over, 1, __ATOMIC_RELAXED);
	ASSERT_TRUE(wait_until(__atomic_load_n(&watcher.ended, __ATOMIC_ACQUIRE)));

	EXPECT_EQ(0ul, misses)
		TH_LOG("of %lu looks", looks);
	EXPECT_EQ(0ul, watcher.misses)
		TH_LOG("of %lu looks of the other thread", watcher.looks);
	EXPECT_LE(100ul, watcher.looks);
	expect_calm(self);
}

/* A re-trap wakes up the tracer that sleeps in a wait for it. */
TEST_F(storm, notify_retrap_blocking_wait)
{
	const long long end = now_ms() + STORM_MS / 2;
	struct tracee *t = &self->t;
	siginfo_t info;
	int status;

	do {
		status = sys_wait(t->pid, 0);
		ASSERT_EQ(PTRACE_EVENT_STOP, status >> 16)
			TH_LOG("wait status %#x", status);
		ASSERT_PTRACE(PTRACE_GETSIGINFO, t->pid, &info);
		EXPECT_NO_STEP(t);
	} while (now_ms() < end);
	expect_calm(self);
}

/*
 * PTRACE_LISTEN misses no change, during it or before it, and does not wake the tracee up for
 * good. It may have to wait for a re-trap, but does not fail.
 */
TEST_F(storm, notify_listen_in_storm)
{
	const long long end = now_ms() + STORM_MS / 2;
	struct tracee *t = &self->t;
	siginfo_t info;
	int status;

	do {
		ASSERT_PTRACE(PTRACE_LISTEN, t->pid, 0);
		status = wait_soon(t->pid);
		ASSERT_EQ(PTRACE_EVENT_STOP, status >> 16)
			TH_LOG("wait status %#x", status);
		ASSERT_PTRACE(PTRACE_GETSIGINFO, t->pid, &info);
		EXPECT_NO_STEP(t);
	} while (now_ms() < end);
	expect_calm(self);
}

/* A tracee in a STOP trap, and its mate, which catches SIGUSR1. */
TRACEE_FIXTURE(signal)

/* How often the tracee did. */
static unsigned long *caught(struct tracee *t)
{
	return &t->page->count[TRACEE_MAX - 1];
}

static void catch(int sig)
{
	__atomic_add_fetch(caught(tracee_self), 1, __ATOMIC_RELAXED);
}

FIXTURE_SETUP(signal)
{
	NEED_NOTIFY_MODE();
	/* on the CPU that we are not on, and with our handler */
	pin(0, 1);
	signal(SIGUSR1, catch);
	tracee_start_seized(&self->t, 1, TRACEE_MATE);
	pin(0, 0);
	interrupt_all(&self->t, 0);
}

/*
 * A signal that comes to the process right after the SIGCONT for which its first thread
 * re-traps is taken by another thread. The first one is on the other CPU then and looks like
 * one that could take it; chosen to, it does not, and the other is not woken up.
 */
TEST_F(signal, notify_hidden_signal_taken_by_other_thread)
{
	struct tracee *t = &self->t;
	unsigned long old;
	volatile int n;
	int i;

	for (i = 0; i < 500; i++) {
		/* told, and waited for: the next SIGCONT makes it re-trap */
		ack_all(t, 0);
		ASSERT_LE(0, sys_wait(t->pid, WNOHANG));
		old = __atomic_load_n(caught(t), __ATOMIC_RELAXED);
		ASSERT_EQ(0, kill(t->pid, SIGCONT));
		for (n = 0; n < i * 10; n++)
			;
		ASSERT_EQ(0, kill(t->pid, SIGUSR1));
		ASSERT_TRUE(wait_until(__atomic_load_n(caught(t), __ATOMIC_RELAXED) != old))
			TH_LOG("nobody takes SIGUSR1 number %d", i);
	}
}

TEST_HARNESS_MAIN
