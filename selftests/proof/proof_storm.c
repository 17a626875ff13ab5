// SPDX-License-Identifier: GPL-2.0
/*
 * A tracee that is held in a STOP trap while others stop and continue it as fast
 * as they can, from another CPU. It re-traps all the time, and the windows from
 * trap to re-trap are met by chance, thousands of times: whatever the tracer does
 * it finds the tracee trapped, and the tracee, which counts in user space, does
 * not get to count.
 *
 * Each test runs for STORM_MS or half of that. A tracee on the CPU of the tracer
 * re-traps when the tracer waits for it, which is some ten times as often as when
 * it has to compete with the sender.
 *
 * The last test opens a window that a storm does not meet often enough, right after the
 * SIGCONT for which the tracee re-traps: a signal to the process.
 */
#include "../kselftest_harness.h"
#include "old/group_stop_notify.h"

#include <sys/uio.h>

#define STORM_MS	150

/* Who makes the storm, on a shared_page(). */
struct storm {
	pid_t pid;		/* of the tracee, as far as signals go */
	bool stop;		/* SIGSTOP, too */
	unsigned long sent;
};

/*
 * For spawn(): stop and continue. A SIGSTOP gets to start a group stop if there
 * is a thread that takes it: give it time for that, and not always the same.
 */
static void make_storm(void *arg)
{
	struct storm *storm = arg;
	int yields;

	run_on_cpu(1);
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
	int held;		/* number of the traced thread */
	unsigned long count;	/* that of it, when it trapped */
	struct storm *storm;
	pid_t sender;
};

FIXTURE_VARIANT(storm) {
	int threads;		/* if 2, the first is not traced, and sleeps */
	int flags;
	bool stop;
	bool spread;		/* tracee on any CPU, not on that of the tracer */
};

FIXTURE_VARIANT_ADD(storm, cont) { .threads = 1 };
FIXTURE_VARIANT_ADD(storm, cont_blocked) {
	.threads = 1, .flags = TRACEE_BLOCK_CONT,
};

FIXTURE_VARIANT_ADD(storm, cont_ignored) {
	.threads = 1, .flags = TRACEE_IGNORE_CONT, .spread = true,
};

/* the tracee has no thread to take SIGSTOP: no group stop starts */
FIXTURE_VARIANT_ADD(storm, stop_cont) { .threads = 1, .stop = true };
FIXTURE_VARIANT_ADD(storm, stop_cont_blocked) {
	.threads = 1, .flags = TRACEE_BLOCK_CONT, .stop = true,
};

/* it has */
FIXTURE_VARIANT_ADD(storm, group) {
	.threads = 2, .stop = true, .spread = true,
};

FIXTURE_VARIANT_ADD(storm, group_blocked) {
	.threads = 2, .flags = TRACEE_BLOCK_CONT, .stop = true,
};

FIXTURE_SETUP(storm)
{
	if (lacks_notify_mode(_metadata))
		return;

	self->storm = shared_page();
	ASSERT_TRUE(!!self->storm);
	if (!variant->spread)
		run_on_cpu(0);
	tracee_start(_metadata, &self->t, variant->threads, variant->flags |
		     TRACEE_COUNT |
		     (variant->threads > 1 ? TRACEE_PAUSE_1ST : 0));
	self->held = variant->threads - 1;
	tracee_seize(_metadata, &self->t, self->held, 0);
	trap_by_interrupt(_metadata, self->t.tid[self->held], 0);
	self->count = tracee_count(&self->t, self->held);

	self->storm->pid = self->t.pid;
	self->storm->stop = variant->stop;
	self->sender = spawn(make_storm, self->storm);
	ASSERT_LT(0, self->sender);
	run_on_cpu(0);
}

FIXTURE_TEARDOWN(storm)
{
	kill_and_reap(self->sender);
	tracee_end(&self->t);
}

/*
 * A request that leaves the tracee where it is. They take turns: every second one
 * acknowledges, and all others come right after a SIGCONT of our own, as the sender
 * may not be running. That makes the tracee re-trap, if there is a group stop or
 * the trap before has been reaped. Returns 0 or what failed, with errno.
 */
static int any_request(struct tracee *t, pid_t tid, unsigned int turn)
{
	char buf[4096];
	struct iovec iov = { .iov_base = buf, .iov_len = sizeof(buf) };

	if (turn % 2)
		kill(t->pid, SIGCONT);

	switch (turn % 10) {
	case 1:
		return sys_ptrace(PTRACE_GETREGSET, tid, 1, &iov) ?
		       PTRACE_GETREGSET : 0;
	case 3:
		return sys_ptrace(PTRACE_GETEVENTMSG, tid, 0, buf) ?
		       PTRACE_GETEVENTMSG : 0;
	case 5:
		return sys_ptrace(PTRACE_GETSIGMASK, tid, 8, buf) ?
		       PTRACE_GETSIGMASK : 0;
	case 7:
		return sys_ptrace(PTRACE_PEEKDATA, tid, (unsigned long)t->page,
				  buf) ? PTRACE_PEEKDATA : 0;
	case 9:
		return sys_ptrace(PTRACE_SETOPTIONS, tid, 0, NULL) ?
		       PTRACE_SETOPTIONS : 0;
	default:
		return sys_ptrace(PTRACE_GETSIGINFO, tid, 0, buf) ?
		       PTRACE_GETSIGINFO : 0;
	}
}

/*
 * The storm is over. What the tracer learns last is the state that is: there is
 * no group stop. That acknowledged, the tracee runs.
 */
static void expect_calm(struct __test_metadata *_metadata, struct tracee *t,
			int held, pid_t *sender)
{
	static const char id[] = "notify-merge";
	const pid_t tid = t->tid[held];
	int status;

	kill_and_reap(*sender);
	*sender = 0;
	ASSERT_EQ(0, kill(t->pid, SIGCONT));
	expect_state(_metadata, tid, 0, id);
	sys_wait(tid, WNOHANG);
	EXPECT_NO_STATUS(id, tid);

	ASSERT_PTRACE(id, PTRACE_CONT, tid, 0);
	status = tracee_wait_running(t, held);
	if (status == SIGNAL_STATUS(SIGCONT)) {
		ASSERT_PTRACE(id, PTRACE_CONT, tid, 0);
		status = tracee_wait_running(t, held);
	}
	EXPECT_EQ(0, status)
		TH_LOG("%s: the tracee does not run on, wait status %#x", id,
		       status);
}

/*
 * Windows: notification during any request and between them, and as the tracer
 * waits with WNOHANG. Fails if the tracee is woken up with nothing to trap for,
 * or while a request is being served, or if a request takes it for running.
 */
TEST_F(storm, notify_no_escape_and_no_esrch)
{
	const long long end = now_ms() + STORM_MS;
	struct tracee *t = &self->t;
	const pid_t tid = t->tid[self->held];
	unsigned long traps = 0, count;
	unsigned int turn = 0;
	int failed, status;

	do {
		failed = any_request(t, tid, turn++);
		ASSERT_EQ(0, failed)
			TH_LOG("notify-hidden: request %#x: %s, after %lu re-traps",
			       failed, strerror(errno), traps);
		status = sys_wait(tid, WNOHANG);
		if (status) {
			ASSERT_EQ(PTRACE_EVENT_STOP, status >> 16)
				TH_LOG("notify-no-escape: wait status %#x", status);
			traps++;
		}
		count = tracee_count(t, self->held);
		ASSERT_EQ(self->count, count)
			TH_LOG("notify-no-escape: tracee ran, after %lu re-traps",
			       traps);
	} while (now_ms() < end);

	EXPECT_LT(0ul, traps)
		TH_LOG("notify-retrap: no re-trap, %lu signals sent",
		       self->storm->sent);
	expect_calm(_metadata, t, self->held, &self->sender);
}

/* Looks for a stop that no one reaps, without a pause. */
struct watcher {
	pid_t tid;
	idtype_t idtype;	/* it, or any */
	int over;
	unsigned long looks, misses;
};

static void *watch_stop(void *arg)
{
	struct watcher *watcher = arg;
	siginfo_t info;

	run_on_cpu(1);
	while (!__atomic_load_n(&watcher->over, __ATOMIC_RELAXED)) {
		__atomic_add_fetch(&watcher->looks, 1, __ATOMIC_RELAXED);
		memset(&info, 0, sizeof(info));
		if (waitid(watcher->idtype, watcher->tid, &info,
			   WSTOPPED | WNOHANG | WNOWAIT | __WALL) ||
		    info.si_pid != watcher->tid)
			watcher->misses++;
	}
	return NULL;
}

/*
 * Window: a wait with WNOHANG during a re-trap, by the thread that traces and by
 * another one of its process. Fails if the stop, which is never reaped, is gone
 * for a moment. Without a group stop there is no re-trap after the first, and nothing
 * to be gone for; all that storms, then, are the locks.
 */
TEST_F(storm, notify_hidden_stop_not_reaped)
{
	static const char id[] = "notify-hidden";
	const pid_t tid = self->t.tid[self->held];
	struct watcher watcher = {
		.tid = tid,
		/* of two threads the one that is not traced stops, too */
		.idtype = self->t.nr == 1 ? P_ALL : P_PID,
	};
	unsigned long looks = 0, misses = 0;
	unsigned int turn = 0;
	pthread_t thread;
	long long end;
	int failed;

	/* from here on there is a stop to be reaped */
	ASSERT_EQ(0, kill(self->t.pid, SIGCONT));
	ASSERT_EQ(0, sys_ptrace(PTRACE_GETSIGINFO, tid, 0, &(siginfo_t){ 0 }));
	while (!peek_stop(tid))
		sched_yield();

	ASSERT_EQ(0, pthread_create(&thread, NULL, watch_stop, &watcher));
	end = now_ms() + STORM_MS;
	do {
		failed = any_request(&self->t, tid, turn++);
		looks++;
		misses += peek_stop(tid) <= 0;
		/* it has to compete with the sender: give it the time that it needs */
		if (now_ms() > end + DEADLINE_MS)
			break;
	} while (!failed && (now_ms() < end ||
			     __atomic_load_n(&watcher.looks, __ATOMIC_RELAXED) < 100));
	__atomic_store_n(&watcher.over, 1, __ATOMIC_RELAXED);
	join_thread(thread);

	EXPECT_EQ(0, failed)
		TH_LOG("%s: request %#x fails", id, failed);
	EXPECT_EQ(0ul, misses)
		TH_LOG("%s: tracer's waitid(WNOHANG) missed the stop in %lu of %lu",
		       id, misses, looks);
	EXPECT_EQ(0ul, watcher.misses)
		TH_LOG("%s: other thread's waitid(WNOHANG) missed it in %lu of %lu",
		       id, watcher.misses, watcher.looks);
	expect_no_step(_metadata, &self->t, self->held, self->count,
		       "notify-no-escape");
	EXPECT_LE(100ul, watcher.looks);
	expect_calm(_metadata, &self->t, self->held, &self->sender);
}

/*
 * Window: a re-trap that a tracer sleeps for in a blocking wait. Fails if the
 * wake-up gets lost, or the sleep ends with something else.
 */
TEST_F(storm, notify_retrap_blocking_wait)
{
	static const char id[] = "notify-retrap";
	const long long end = now_ms() + STORM_MS / 2;
	struct tracee *t = &self->t;
	const pid_t tid = t->tid[self->held];
	siginfo_t info;
	int status;

	do {
		status = sys_wait(tid, 0);
		ASSERT_EQ(PTRACE_EVENT_STOP, status >> 16)
			TH_LOG("%s: wait status %#x", id, status);
		ASSERT_PTRACE(id, PTRACE_GETSIGINFO, tid, &info);
		expect_no_step(_metadata, t, self->held, self->count, id);
	} while (now_ms() < end);
	expect_calm(_metadata, t, self->held, &self->sender);
}

/*
 * Windows: notification during LISTEN, and between the trap that ends it and the
 * next request. Fails if LISTEN misses a change, or wakes the tracee up for good.
 */
TEST_F(storm, notify_listen_in_storm)
{
	static const char id[] = "notify-listen";
	const long long end = now_ms() + STORM_MS / 2;
	struct tracee *t = &self->t;
	const pid_t tid = t->tid[self->held];
	siginfo_t info;
	int status;

	do {
		/* may have to wait for a re-trap, but not fail */
		ASSERT_PTRACE(id, PTRACE_LISTEN, tid, 0);
		status = wait_soon(tid);
		ASSERT_EQ(PTRACE_EVENT_STOP, status >> 16)
			TH_LOG("%s: wait status %#x", id, status);
		ASSERT_PTRACE(id, PTRACE_GETSIGINFO, tid, &info);
		expect_no_step(_metadata, t, self->held, self->count, id);
	} while (now_ms() < end);
	expect_calm(_metadata, t, self->held, &self->sender);
}

FIXTURE(signal) {
	struct tracee t;
};

FIXTURE_SETUP(signal)
{
	if (lacks_notify_mode(_metadata))
		return;

	/* the tracee is on another CPU than we are */
	run_on_cpu(1);
	tracee_start(_metadata, &self->t, 2, TRACEE_PAUSE | TRACEE_BLOCK_CONT |
		     TRACEE_CATCH_USR1);
	run_on_cpu(0);
	ASSERT_EQ(0, sys_seize_notify(self->t.pid, 0));
	trap_by_interrupt(_metadata, self->t.pid, 0);
}

FIXTURE_TEARDOWN(signal)
{
	tracee_end(&self->t);
}

/*
 * Window: a signal is sent to the process while its first thread re-traps on the
 * other CPU, where it looks like one that could take the signal. Fails if it is
 * chosen to: the other thread, which does nothing, is not woken up then.
 */
TEST_F(signal, notify_hidden_signal_taken_by_other_thread)
{
	static const char id[] = "notify-hidden";
	struct tracee *t = &self->t;
	unsigned int tries = 0;
	long long deadline;
	siginfo_t info;
	int i, caught;

	for (i = 0; i < 500; i++) {
		/* told, and waited for: the next SIGCONT makes it re-trap */
		ASSERT_PTRACE(id, PTRACE_GETSIGINFO, t->pid, &info);
		ASSERT_LE(0, sys_wait(t->pid, WNOHANG));
		caught = __atomic_load_n(&t->page->caught, __ATOMIC_RELAXED);
		ASSERT_EQ(0, kill(t->pid, SIGCONT));
		spin(i * 10);
		ASSERT_EQ(0, kill(t->pid, SIGUSR1));

		deadline = now_ms() + DEADLINE_MS / 5;
		while (__atomic_load_n(&t->page->caught, __ATOMIC_RELAXED) == caught) {
			ASSERT_LT(now_ms(), deadline)
				TH_LOG("%s: SIGUSR1 number %d waits for a tracee",
				       id, i);
			give_way(&tries);
		}
	}
}

TEST_HARNESS_MAIN
