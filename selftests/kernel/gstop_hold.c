// SPDX-License-Identifier: GPL-2.0
/*
 * Group stop notification in two windows. In the first a ptrace request is inside the
 * kernel: userfaultfd(2) holds it there, and the group stop state changes meanwhile. In
 * the second the tracee is on its way from one STOP trap to the next: the tracer has the
 * CPU of the tracee, which does not get there until the tracer sleeps.
 */
#include "group_stop_tracee.h"
#include "group_stop_hold.h"

/* A tracee in a STOP trap, whose mate makes the group stops, and a request that is held. */
FIXTURE(hold) {
	struct tracee t;
	struct held_page page;
	int changes;		/* while the request is held: a start, an end, ... */
	bool kill;		/* ... and then SIGKILL */
	int sig;		/* that of the group stop in effect after the changes, or 0 */
	int status;		/* that of the re-trap for them */
};

FIXTURE_VARIANT(hold) {
	int changes;
	bool pending;		/* a notification is, already before */
};

FIXTURE_VARIANT_ADD(hold, start) { .changes = 1 };
FIXTURE_VARIANT_ADD(hold, start_end) { .changes = 2 };
FIXTURE_VARIANT_ADD(hold, pending_start) { .pending = true, .changes = 1 };
FIXTURE_VARIANT_ADD(hold, pending_start_end) { .pending = true, .changes = 2 };

FIXTURE_SETUP(hold)
{
	struct tracee *t = &self->t;

	NEED_NOTIFY_MODE();
	NEED_HELD_PAGE(&self->page);
	tracee_start_seized(t, 1, TRACEE_COUNT | TRACEE_MATE);
	interrupt_all(t, 0);
	if (variant->pending)
		cont_all(t);
	self->changes = variant->changes;
	self->sig = variant->changes % 2 ? SIGSTOP : 0;
	self->status = STOP_STATUS(self->sig ? self->sig : SIGTRAP);
}

FIXTURE_TEARDOWN(hold)
{
	tracee_end(&self->t);
}

/*
 * For hold_call(): make the changes. A tracee that does not stay put is seen, too: it is
 * on its way, or has arrived, with a wait status.
 */
static void change(void *arg)
{
	FIXTURE_DATA(hold) * self = arg;
	struct tracee *t = &self->t;
	struct __test_metadata *_metadata = t->test;
	int i;

	for (i = 0; i < self->changes; i++) {
		if (i % 2) {
			EXPECT_EQ(0, kill(t->pid, SIGCONT));
		} else {
			EXPECT_EQ(0, sys_tgkill(t->pid, t->tid[t->nr], SIGSTOP));
			EXPECT_THREAD_STATE('T', t->tid[t->nr]);
		}
		EXPECT_EQ('t', task_state(t->pid));
		EXPECT_NO_STATUS(t->pid);
	}
	if (self->kill)
		EXPECT_EQ(0, kill(t->pid, SIGKILL));
}

/* Have @request held until the changes are made. Returns 0, or its error. */
static int hold(FIXTURE_DATA(hold) * self, long request)
{
	struct __test_metadata *_metadata = self->t.test;
	int error;

	hold_call(&self->page, change, self);
	error = sys_ptrace(request, self->t.pid, 0, self->page.addr) ? errno : 0;
	ASSERT_EQ(0, hold_end(&self->page));
	return error;
}

/* A tracee stays put while a request is served. It re-traps when the request is done. */
TEST_F(hold, notify_deferred_until_request_done)
{
	struct tracee *t = &self->t;

	ASSERT_EQ(0, hold(self, PTRACE_GETEVENTMSG));
	ASSERT_STATUS(self->status, t->pid);
	EXPECT_NO_STEP(t);
	ack(t, 0, self->sig);
	EXPECT_NO_STATUS(t->pid);
	run_all(t);
}

/*
 * PTRACE_GETSIGINFO acknowledges what it reports, and no change that comes after it has
 * read the state: resumed without another look, the tracee traps again.
 */
TEST_F(hold, notify_ack_change_during_getsiginfo)
{
	struct tracee *t = &self->t;

	ASSERT_EQ(0, hold(self, PTRACE_GETSIGINFO));
	ASSERT_PTRACE(PTRACE_CONT, t->pid, 0);
	ASSERT_STATUS(self->status, t->pid);
	EXPECT_NO_STEP(t);
	ack(t, 0, self->sig);
	EXPECT_NO_STATUS(t->pid);
	run_all(t);
}

/*
 * A tracee that leaves its trap has something to trap for. At the end of this
 * PTRACE_GETSIGINFO, which clears a notification and wakes the tracee up for another, it
 * must not find both gone.
 */
TEST_F(hold, notify_no_escape_after_getsiginfo)
{
	struct tracee *t = &self->t;

	ASSERT_EQ(0, hold(self, PTRACE_GETSIGINFO));
	ASSERT_STATUS(self->status, t->pid);
	EXPECT_EQ(0, settle(t->pid));
	EXPECT_NO_STATUS(t->pid);
	EXPECT_NO_STEP(t);
}

/* A tracee that is killed while its re-trap is put off dies, and does not trap again. */
TEST_F(hold, end_kill_with_retrap_deferred)
{
	self->kill = true;
	hold(self, PTRACE_GETEVENTMSG);
	EXPECT_NO_STEP(&self->t);
	ASSERT_STATUS(SIGKILL, self->t.pid);
	self->t.pid = 0;
}

/*
 * A tracee in a STOP trap, with nothing pending, on our CPU. Woken up, it stays where it
 * is until we sleep: the test has real-time priority. A call that sleeps until the tracee
 * has arrived finds it trapped, state t, and not R.
 */
TRACEE_FIXTURE(retrap)

/* Returns 0, or -1 with errno. */
static int go_first(struct tracee *t)
{
	const struct sched_param fifo = { .sched_priority = 1 };
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(sched_getcpu(), &set);
	/* a page fault might sleep */
	if (mlockall(MCL_CURRENT) || sched_setaffinity(0, sizeof(set), &set) ||
	    sched_setaffinity(t->pid, sizeof(set), &set))
		return -1;
	return sched_setscheduler(0, SCHED_FIFO, &fifo);
}

FIXTURE_SETUP(retrap)
{
	NEED_NOTIFY_MODE();
	tracee_start_seized(&self->t, 1, TRACEE_COUNT);
	NEED(!go_first(&self->t), "can't have a CPU and real-time priority: %s",
	     strerror(errno));
	interrupt_all(&self->t, 0);
	ack_all(&self->t, 0);
}

/* WNOHANG returns at once, with nothing: the last status is reaped, and no other is there. */
TEST_F(retrap, notify_waits_wnohang_returns_at_once)
{
	struct tracee *t = &self->t;
	int status;

	ASSERT_EQ(0, kill(t->pid, SIGCONT));
	EXPECT_NO_STATUS(t->pid);
	EXPECT_EQ(0, sys_wait(t->pid, WNOHANG));
	EXPECT_EQ(0, sys_wait(t->pid, WNOHANG | __WNOTHREAD));
	EXPECT_EQ(0, wait4(-1, &status, WNOHANG | __WALL, NULL));
	EXPECT_EQ('R', task_state(t->pid));

	ASSERT_STATUS(STOP_STATUS(SIGTRAP), t->pid);
	ack_all(t, 0);
	EXPECT_NO_STEP(t);
}

/* A status that was not reaped stays, for every kind of wait. That of the re-trap follows. */
TEST_F(retrap, notify_hidden_unreaped_status_stays)
{
	static const int options[] = { WNOHANG, WNOHANG | __WNOTHREAD, 0 };
	struct tracee *t = &self->t;
	siginfo_t info;
	unsigned int i;

	run_all(t);
	start_stop(t, 0, SIGSTOP);
	EXPECT_THREAD_STATE('t', t->pid);
	ack(t, 0, SIGSTOP);

	ASSERT_EQ(0, kill(t->pid, SIGCONT));
	for (i = 0; i < 2 * ARRAY_SIZE(options); i++) {
		memset(&info, 0, sizeof(info));
		ASSERT_EQ(0, waitid(i % 2 ? P_ALL : P_PID, t->pid, &info,
				    options[i / 2] | WSTOPPED | WNOWAIT | __WALL));
		EXPECT_EQ(t->pid, info.si_pid);
		EXPECT_EQ(STOP_STATUS(SIGSTOP), info.si_status << 8 | 0x7f);
	}
	EXPECT_EQ(STOP_STATUS(SIGSTOP), sys_wait(t->pid, WNOHANG));
	EXPECT_EQ(0, sys_wait(t->pid, WNOHANG));
	EXPECT_EQ('R', task_state(t->pid));

	ASSERT_STATUS(STOP_STATUS(SIGTRAP), t->pid);
	EXPECT_NO_STEP(t);
}

/* A request waits until the tracee has arrived. It does not fail with ESRCH. */
TEST_F(retrap, notify_hidden_request_waits)
{
	static const long requests[] = {
		PTRACE_GETEVENTMSG, PTRACE_SETOPTIONS, PTRACE_LISTEN, PTRACE_CONT,
	};
	struct tracee *t = &self->t;
	unsigned long data;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(requests); i++) {
		ASSERT_EQ(0, kill(t->pid, SIGCONT));
		EXPECT_EQ('R', task_state(t->pid));
		EXPECT_PTRACE_ERROR(0, requests[i], t->pid, 0, i ? NULL : &data);
		ASSERT_STATUS(STOP_STATUS(SIGTRAP), t->pid);
		ack_all(t, 0);
	}
	EXPECT_NO_STEP(t);
	ASSERT_EQ(0, kill(t->pid, SIGCONT));
	detach_all(t);
}

/* SIGKILL ends a re-trap. Nobody waits for that any more, and no status is left. */
TEST_F(retrap, end_kill_during_retrap)
{
	struct tracee *t = &self->t;
	unsigned long msg;

	ASSERT_EQ(0, kill(t->pid, SIGCONT));
	ASSERT_EQ(0, kill(t->pid, SIGKILL));
	EXPECT_PTRACE_ERROR(ESRCH, PTRACE_GETEVENTMSG, t->pid, 0, &msg);
	EXPECT_NO_STATUS(t->pid);
	EXPECT_EQ('R', task_state(t->pid));
	ASSERT_STATUS(SIGKILL, t->pid);
	t->pid = 0;
}

/*
 * Detached from a group stop and seized again on its way into TASK_STOPPED, a tracee traps
 * for the stop. It is told of no change, as there was none: resumed, it runs.
 */
TEST_F(retrap, seize_stopped_again_at_once)
{
	struct tracee *t = &self->t;

	run_all(t);
	stop_all(t, SIGSTOP);
	ack_all(t, SIGSTOP);
	detach_all(t);
	seize_all(t, PTRACE_SEIZE_DEVEL);
	EXPECT_EQ('R', task_state(t->pid));

	ASSERT_STATUS(STOP_STATUS(SIGSTOP), t->pid);
	EXPECT_CAUSE(CAUSE_GROUP, t->pid);
	EXPECT_NO_STEP(t);
	run_all(t);
}

TEST_HARNESS_MAIN

