// SPDX-License-Identifier: GPL-2.0
/*
 * The end of notify mode, in every state that tracer and tracee can be in: the tracer
 * detaches or dies, or the tracee is killed.
 */
#include "group_stop_tracee.h"
#include "group_stop_hold.h"

FIXTURE_VARIANT(end) {
	int threads;		/* 0: two */
	void (*set)(struct tracee *t);	/* from running into the state; NULL: running is it */
	/* change the group stop while a PTRACE_GETSIGINFO of thread 0 is held, or NULL */
	void (*change)(struct tracee *t);
	bool esrch;		/* not trapped: a request fails */
	bool stopped;		/* a group stop is in effect */
};

FIXTURE(end) {
	const FIXTURE_VARIANT(end) * state;
	struct tracee t;
	struct held_page page;
	unsigned long options;	/* PTRACE_O_* to seize with */
	void (*then)(FIXTURE_DATA(end) * self);
	pid_t tracer;
	int ready[2];		/* pipe from the tracer */
};

static void trap(struct tracee *t)
{
	interrupt_all(t, 0);
	ack_all(t, 0);
}

/* All trap again. That is neither reaped nor acknowledged. */
static void trap_and_notify(struct tracee *t)
{
	trap(t);
	kill(t->pid, SIGCONT);
}

/* A group stop, which is not acknowledged. */
static void stop(struct tracee *t)
{
	stop_all(t, SIGSTOP);
}

static void stop_and_listen(struct tracee *t)
{
	stop(t);
	ack_all(t, SIGSTOP);
	listen_all(t);
}

static void stop_and_run(struct tracee *t)
{
	stop(t);
	ack_all(t, SIGSTOP);
	run_all(t);
}

static void stop_by_mate(struct tracee *t)
{
	start_stop_untraced(t, SIGSTOP);
}

FIXTURE_VARIANT_ADD(end, running) { .esrch = true };
FIXTURE_VARIANT_ADD(end, trapped) { .set = trap };
FIXTURE_VARIANT_ADD(end, notified) { .set = trap_and_notify };
FIXTURE_VARIANT_ADD(end, stopped) { .set = stop, .stopped = true };
FIXTURE_VARIANT_ADD(end, listening) { .set = stop_and_listen, .esrch = true, .stopped = true };
FIXTURE_VARIANT_ADD(end, resumed) { .set = stop_and_run, .esrch = true, .stopped = true };
FIXTURE_VARIANT_ADD(end, held) { .set = trap, .change = stop_by_mate, .stopped = true };

FIXTURE_SETUP(end)
{
	NEED_NOTIFY_MODE();
	if (variant->change)
		NEED_HELD_PAGE(&self->page);
	self->state = variant;
	tracee_start(&self->t, variant->threads ?: 2, TRACEE_COUNT | TRACEE_MATE);
}

FIXTURE_TEARDOWN(end)
{
	kill_and_reap(self->tracer);
	tracee_end(&self->t);
}

static void change_and_then(void *arg)
{
	FIXTURE_DATA(end) * self = arg;

	self->state->change(&self->t);
	if (self->then)
		self->then(self);
}

/*
 * Seize the tracee, bring it into the state of the variant, and call @then. If a request
 * is held, another thread calls it, and the request goes on when it returns.
 */
static void reach(FIXTURE_DATA(end) * self, void (*then)(FIXTURE_DATA(end) * self))
{
	struct __test_metadata *_metadata = self->t.test;
	struct tracee *t = &self->t;

	self->then = then;
	seize_all(t, PTRACE_SEIZE_DEVEL | self->options);
	if (self->state->set)
		self->state->set(t);
	if (self->state->change) {
		hold_call(&self->page, change_and_then, self);
		ASSERT_PTRACE(PTRACE_GETSIGINFO, t->pid, self->page.addr);
		ASSERT_EQ(0, hold_end(&self->page));
	} else if (then) {
		then(self);
	}
}

/*
 * Nothing is left of the tracer. All threads of @t run, or with @stopped are in the group
 * stop. Another tracer can seize them, and finds no trap pending.
 */
static void expect_untraced(struct tracee *t, bool stopped)
{
	struct __test_metadata *_metadata = t->test;
	int i;

	if (stopped) {
		for (i = 0; i <= t->nr; i++)
			EXPECT_THREAD_STATE('T', t->tid[i]);
		EXPECT_EQ(SIGNAL_STATUS(SIGSTOP), peek_status(t->pid));
	} else {
		EXPECT_ALL_RUN(t);
	}

	/* never returns if JOBCTL_TRAPPING is left */
	seize_all(t, PTRACE_SEIZE_DEVEL);
	if (stopped) {
		trap_all(t, SIGSTOP);
	} else {
		for_each_thread_of(t, i)
			EXPECT_NO_STATUS(t->tid[i]);
		interrupt_all(t, 0);
	}
	for_each_thread_of(t, i)
		EXPECT_CAUSE(stopped ? CAUSE_GROUP : CAUSE_INTERRUPT, t->tid[i]);
	/* a notification or an interrupt that is left would trap it again */
	run_all(t);
}

/* PTRACE_DETACH leaves the tracee as the group stop state says: stopped, or running. */
TEST_F(end, end_detach_request)
{
	struct tracee *t = &self->t;
	int i;

	reach(self, NULL);
	for_each_thread_of(t, i) {
		if (variant->esrch) {
			EXPECT_PTRACE_ERROR(ESRCH, PTRACE_DETACH, t->tid[i], 0, 0);
			trap_by_interrupt(t, i, variant->stopped ? SIGSTOP : 0);
		}
		ASSERT_PTRACE(PTRACE_DETACH, t->tid[i], 0);
	}
	expect_untraced(t, variant->stopped);
}

/* Tell the test that the state is reached, if nothing was wrong on the way. */
static void tell_ready(FIXTURE_DATA(end) * self)
{
	if (!__test_passed(self->t.test) || write(self->ready[1], "", 1) != 1)
		_exit(1);
}

static void tell_and_stay(FIXTURE_DATA(end) * self)
{
	tell_ready(self);
	pause_forever(NULL);
}

/* For spawn(): a tracer, which calls ->then in the state of the variant. */
static void trace(void *arg)
{
	FIXTURE_DATA(end) * self = arg;
	struct __test_metadata *_metadata = self->t.test;

	/* fork() does not hand on what we hold */
	if (self->state->change)
		ASSERT_EQ(0, hold_create(&self->page));
	reach(self, self->then);
}

/*
 * Start a tracer, and wait until it is in the state of the variant. An ASSERT that fails in
 * the tracer does the teardown and ends it. The test, which waits for a byte from it, gets
 * to the end of the pipe, and fails, too.
 */
static void start_tracer(FIXTURE_DATA(end) * self, void (*then)(FIXTURE_DATA(end) * self))
{
	struct __test_metadata *_metadata = self->t.test;
	char c;

	ASSERT_EQ(0, pipe2(self->ready, O_CLOEXEC));
	self->then = then;
	self->tracer = spawn(trace, self);
	ASSERT_LT(0, self->tracer);
	close(self->ready[1]);
	ASSERT_EQ(1, read(self->ready[0], &c, 1))
		TH_LOG("tracer failed");
	close(self->ready[0]);
}

/* How @pid ended. If it does not end, si_code is 0. Traps are reported, too, and skipped. */
static siginfo_t wait_end(pid_t pid)
{
	siginfo_t info;

	if (!wait_until(!sys_waitid(pid, &info, WEXITED | WNOHANG | __WALL) &&
			info.si_pid && info.si_code < CLD_TRAPPED))
		info.si_code = 0;
	return info;
}

/* @pid ends as @code, CLD_*, and @status say. */
#define EXPECT_END(code, status, pid) do {				\
	const siginfo_t end_ = wait_end(pid);				\
									\
	EXPECT_EQ(code, end_.si_code);					\
	EXPECT_EQ(status, end_.si_status);				\
} while (0)

static void kill_tracer(FIXTURE_DATA(end) * self)
{
	struct __test_metadata *_metadata = self->t.test;

	ASSERT_EQ(0, kill(self->tracer, SIGKILL));
	EXPECT_END(CLD_KILLED, SIGKILL, self->tracer);
	self->tracer = 0;
}

/* The death of the tracer leaves it so, too; also if it is frozen, by a request that is held. */
TEST_F(end, end_detach_by_tracer_death)
{
	start_tracer(self, tell_and_stay);
	kill_tracer(self);
	expect_untraced(&self->t, variant->stopped);
}

/* Every thread ends; the leader last, as it is reaped last. */
static void expect_end(struct tracee *t, int code, int status)
{
	struct __test_metadata *_metadata = t->test;
	int i;

	for (i = t->nr - 1; i >= 0; i--)
		EXPECT_END(code, status, t->tid[i]);
	t->pid = 0;
}

static void kill_tracee(FIXTURE_DATA(end) * self)
{
	kill(self->t.pid, SIGKILL);
}

/* SIGKILL ends the tracee; if a request is held, when that is done. */
TEST_F(end, end_kill_sigkill)
{
	reach(self, kill_tracee);
	expect_end(&self->t, CLD_KILLED, SIGKILL);
}

/* Have the mate do @what. It may be stopped. */
static void order_mate(FIXTURE_DATA(end) * self, enum order what)
{
	order(&self->t, self->t.nr, what);
	if (self->state->stopped)
		kill(self->t.pid, SIGCONT);
}

static void exit_mate(FIXTURE_DATA(end) * self)
{
	struct __test_metadata *_metadata = self->t.test;

	order_mate(self, ORDER_EXIT_GROUP);
	/* it does not wait for the others, frozen or not */
	EXPECT_TRUE(wait_until(!task_state(self->t.tid[self->t.nr])));
}

/* exit_group() of a thread that is not traced ends the tracee. */
TEST_F(end, end_kill_exit_group)
{
	reach(self, exit_mate);
	expect_end(&self->t, CLD_EXITED, TRACEE_EXIT_CODE);
}

TEST_HARNESS_MAIN

