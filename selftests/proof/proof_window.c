// SPDX-License-Identifier: GPL-2.0
/*
 * A change of the group stop state against one request or event: the racer, on another CPU,
 * makes the change at the same time as the test does something. The delay of the test is
 * corrected by who came first, so that it stays a close race.
 */
#include "group_stop_tracee.h"
#include "hog.h"

#define ROUNDS	100

/* What is told the racer, on a shared_page(). */
struct race {
	pid_t pid, tid;		/* of the thread that takes the signals */
	int sig;
	int then;		/* another signal that follows, or 0 */
	unsigned long gap;	/* spin() between the two */
	int start[2];		/* pipe, a byte a race */
	int go, done;		/* number of the race */
	unsigned long delay;	/* of the test */
};

/* Pass a little time, in user space. */
static void spin(unsigned long loops)
{
	while (loops--)
		__asm__ __volatile__("" : : : "memory");
}

/* For spawn(): send signals when told so. */
static void racer(void *arg)
{
	struct race *race = arg;
	int round;
	char c;

	pin(0, 1);
	for (round = 1; read(race->start[0], &c, 1) == 1; round++) {
		sys_tgkill(race->pid, race->tid, race->sig);
		if (race->then) {
			spin(race->gap);
			sys_tgkill(race->pid, race->tid, race->then);
		}
		__atomic_store_n(&race->done, round, __ATOMIC_RELEASE);
	}
}

/* Let the racer go, and return when it is the test's turn. */
static void race_start(struct race *race, int sig)
{
	const int round = ++race->go;

	race->sig = sig;
	if (write(race->start[1], "", 1) != 1)
		return;
	spin(race->delay);
	if (__atomic_load_n(&race->done, __ATOMIC_ACQUIRE) == round)
		race->delay -= race->delay / 8;
	else
		race->delay += race->delay / 8 + 100;
}

/* The racer is through. */
static void race_join(struct __test_metadata *_metadata, struct race *race)
{
	ASSERT_TRUE(wait_until(__atomic_load_n(&race->done, __ATOMIC_ACQUIRE) == race->go));
}

/* A tracee that counts, and its mate, which makes the group stops. */
FIXTURE(window) {
	struct tracee t;
	struct race *race;
	pid_t racer;
};

FIXTURE_VARIANT(window) {
	int cpu;		/* of the tracee, -1: any */
};

FIXTURE_VARIANT_ADD(window, cpu_of_tracer) { .cpu = 0 };
FIXTURE_VARIANT_ADD(window, cpu_of_racer) { .cpu = 1 };
FIXTURE_VARIANT_ADD(window, any_cpu) { .cpu = -1 };

/* The tracee is there. Its last thread takes the signals. */
static void start(FIXTURE_DATA(window) * self, int nr, int cpu)
{
	struct tracee *t = &self->t;
	int i;

	self->race->pid = t->pid;
	self->race->tid = t->tid[nr - 1];
	for (i = 0; i < nr && cpu >= 0; i++)
		pin(t->tid[i], cpu);
}

FIXTURE_SETUP(window)
{
	NEED_NOTIFY_MODE();
	self->race = shared_page();
	ASSERT_TRUE(!!self->race);
	ASSERT_EQ(0, pipe2(self->race->start, O_CLOEXEC));
	self->racer = spawn(racer, self->race);
	ASSERT_LT(0, self->racer);
	tracee_start(&self->t, 1, TRACEE_COUNT | TRACEE_MATE);
	start(self, 2, variant->cpu);
}

FIXTURE_TEARDOWN(window)
{
	kill_and_reap(self->racer);
	tracee_end(&self->t);
}

/* The change of @round is a start, an end, a start ... and this the stop signal after it. */
static int round_sig(int round)
{
	return round % 2 ? 0 : SIGSTOP;
}

/*
 * A change during PTRACE_CONT, before it, or while the tracee is on its way to user space,
 * is not lost, nor cleared with the trap that is resumed.
 */
TEST_F(window, notify_merge_change_during_cont)
{
	struct tracee *t = &self->t;
	int round, sig;

	seize_all(t, PTRACE_SEIZE_DEVEL);
	interrupt_all(t, 0);
	for (round = 0; round < ROUNDS; round++) {
		sig = round_sig(round);
		race_start(self->race, sig ? sig : SIGCONT);
		ASSERT_PTRACE(PTRACE_CONT, t->pid, 0);

		/* trapped at last, whoever was first */
		trap_all(t, sig);
		ack_all(t, sig);
		race_join(_metadata, self->race);
		EXPECT_NO_STATUS(t->pid);
		EXPECT_NO_STEP(t);
	}
	run_all(t);
}

/*
 * A change during PTRACE_DETACH leaves the tracee as the group stop state says, and leaves
 * nothing for the next tracer.
 */
TEST_F(window, end_detach_change_during_detach)
{
	struct tracee *t = &self->t;
	int round, sig;

	seize_all(t, PTRACE_SEIZE_DEVEL);
	interrupt_all(t, 0);
	for (round = 0; round < ROUNDS; round++) {
		sig = round_sig(round);
		race_start(self->race, sig ? sig : SIGCONT);
		detach_all(t);
		race_join(_metadata, self->race);

		if (sig) {
			EXPECT_THREAD_STATE('T', t->pid);
			seize_all(t, PTRACE_SEIZE_DEVEL);
			ASSERT_EQ(STOP_STATUS(sig), sys_wait(t->pid, WNOHANG));
			EXPECT_CAUSE(CAUSE_GROUP, t->pid);
		} else {
			ASSERT_EQ(0, tracee_runs(t, 0));
			seize_all(t, PTRACE_SEIZE_DEVEL);
			interrupt_all(t, 0);
			EXPECT_CAUSE(CAUSE_INTERRUPT, t->pid);
		}
		ack_all(t, sig);
	}
}

/*
 * SIGKILL meets a tracee that SIGCONT makes re-trap. It dies, and no request waits for ever.
 */
TEST_F(window, end_kill_during_retrap)
{
	struct tracee *t = &self->t;
	struct race *race = self->race;
	long long deadline;
	siginfo_t info;
	int round;

	race->then = SIGKILL;
	for (round = 0; round < ROUNDS / 2; round++) {
		tracee_end(t);
		tracee_start(t, 1, TRACEE_COUNT);
		start(self, 1, variant->cpu);
		seize_all(t, PTRACE_SEIZE_DEVEL);
		interrupt_all(t, 0);
		race->gap = round * 20;
		race_start(race, SIGCONT);
		deadline = now_ms() + DEADLINE_MS;
		while (!sys_ptrace(PTRACE_GETSIGINFO, t->pid, 0, &info))
			ASSERT_LT(now_ms(), deadline)
				TH_LOG("not killed");
		EXPECT_EQ(ESRCH, errno);
		race_join(_metadata, race);
		ASSERT_STATUS(SIGKILL, t->pid);
		/* tracee_end() need not look for it among the children that we have */
		t->pid = 0;
	}
}

/* What the tracer that is to die is told. */
struct tracer {
	pid_t tid;
	int ready;
};

/* For spawn(): trap thread ->tid, and acknowledge each re-trap, until killed. */
static void trace(void *arg)
{
	struct tracer *tracer = arg;
	siginfo_t info;

	if (sys_seize_notify(tracer->tid, 0) ||
	    sys_ptrace(PTRACE_INTERRUPT, tracer->tid, 0, NULL) ||
	    sys_wait(tracer->tid, 0) != STOP_STATUS(SIGTRAP))
		_exit(1);
	__atomic_store_n(&tracer->ready, 1, __ATOMIC_RELEASE);
	for (;;)
		sys_ptrace(PTRACE_GETSIGINFO, tracer->tid, 0, &info);
}

/*
 * The tracer is killed while its tracee re-traps, or while it waits for that itself. The
 * tracee is left as the group stop state says.
 */
TEST_F(window, end_detach_tracer_killed_during_retrap)
{
	struct tracer *tracer = shared_page();
	struct tracee *t = &self->t;
	int round, sig;
	pid_t pid;

	ASSERT_TRUE(!!tracer);
	tracer->tid = t->pid;
	for (round = 0; round < ROUNDS / 3; round++) {
		sig = round_sig(round);
		tracer->ready = 0;
		pid = spawn(trace, tracer);
		ASSERT_LT(0, pid);
		ASSERT_TRUE(wait_until(__atomic_load_n(&tracer->ready, __ATOMIC_ACQUIRE)));

		race_start(self->race, sig ? sig : SIGCONT);
		kill(pid, SIGKILL);
		race_join(_metadata, self->race);
		ASSERT_STATUS(SIGKILL, pid);

		if (sig) {
			EXPECT_THREAD_STATE('T', t->tid[0]);
			EXPECT_THREAD_STATE('T', t->tid[1]);
			/* the next tracer expects it to run */
			ASSERT_EQ(0, kill(t->pid, SIGCONT));
		}
		ASSERT_EQ(0, tracee_runs(t, 0))
			TH_LOG("state '%c', and does not run", task_state(t->pid));
	}
}

/* Another thread, which is not traced, executes a program under a storm of SIGCONT. */
FIXTURE(exec) {
	struct tracee t;
	struct race *race;
	pid_t sender;
};

FIXTURE_VARIANT(exec) {
	int traced;		/* the thread that we trace */
};

FIXTURE_VARIANT_ADD(exec, leader_traced) { .traced = 0 };
FIXTURE_VARIANT_ADD(exec, other_traced) { .traced = 1 };

/*
 * For spawn(): SIGCONT, until killed. To the first thread: a signal to a process that all
 * its threads block can lock up the kernel during execve(), ptrace or not.
 * complete_signal() looks for a thread to take it, beginning and ending with ->curr_target,
 * and does not come across that if de_thread() has just made it the former leader.
 */
static void send_cont(void *arg)
{
	struct race *race = arg;

	pin(0, 1);
	for (;;) {
		if (__atomic_load_n(&race->go, __ATOMIC_ACQUIRE))
			sys_tgkill(race->pid, race->pid, SIGCONT);
		else
			sched_yield();
	}
}

FIXTURE_SETUP(exec)
{
	NEED_NOTIFY_MODE();
	self->race = shared_page();
	ASSERT_TRUE(!!self->race);
	self->sender = spawn(send_cont, self->race);
	ASSERT_LT(0, self->sender);
}

FIXTURE_TEARDOWN(exec)
{
	kill_and_reap(self->sender);
	tracee_end(&self->t);
}

/* execve() kills the tracee that re-traps, and ends. The tracer does not sleep on. */
TEST_F(exec, end_kill_by_exec_during_retrap)
{
	struct tracee *t = &self->t;
	long long deadline;
	siginfo_t info;
	int round;
	pid_t tid;

	for (round = 0; round < 8; round++) {
		tracee_start(t, 2, 0);
		tid = t->tid[variant->traced];
		self->race->pid = t->pid;
		ASSERT_EQ(0, sys_seize_notify(tid, 0));
		trap_by_interrupt(t, variant->traced, 0);

		__atomic_store_n(&self->race->go, 1, __ATOMIC_RELEASE);
		order(t, !variant->traced, ORDER_EXEC);
		deadline = now_ms() + DEADLINE_MS;
		while (!sys_ptrace(PTRACE_GETSIGINFO, tid, 0, &info))
			ASSERT_LT(now_ms(), deadline)
				TH_LOG("not killed by execve()");
		EXPECT_EQ(ESRCH, errno);
		__atomic_store_n(&self->race->go, 0, __ATOMIC_RELEASE);

		/* a leader is reaped by execve(), another thread by its tracer */
		if (variant->traced) {
			ASSERT_EQ(0, sys_waitid(tid, &info, WEXITED | __WALL));
			EXPECT_EQ(tid, info.si_pid);
		}
		/* the program has counted */
		ASSERT_TRUE(wait_until(tracee_count(t, 0)))
			TH_LOG("execve() does not end, state '%c'", task_state(t->pid));
		tracee_end(t);
	}
}

/*
 * --- A wait, while the tracee is between two traps ---
 *
 * Tracer and tracee share CPU 1. The tracee runs while the tracer sleeps, and stays where it
 * is when the tracer, which has real-time priority, is woken up again. An interrupt comes in
 * at the end of a section without interrupts, if it comes during that: between the traps,
 * siglock is released once.
 */

/* Wakes up the tracer; on a shared_page(). */
struct alarm {
	int go;			/* number of the round */
	unsigned long delay;	/* spin() before */
	int bell[2];		/* pipe, a byte a round */
};

/* For spawn(). */
static void ring(void *arg)
{
	struct alarm *alarm = arg;
	int round;

	pin(0, 0);
	for (round = 1; ; round++) {
		while (__atomic_load_n(&alarm->go, __ATOMIC_ACQUIRE) != round)
			sched_yield();
		spin(alarm->delay);
		if (write(alarm->bell[1], "", 1) != 1)
			_exit(1);
	}
}

FIXTURE(between) {
	struct tracee t;
	struct alarm *alarm;
	pid_t ringer;
};

FIXTURE_SETUP(between)
{
	const struct sched_param fifo = { .sched_priority = 1 };
	struct tracee *t = &self->t;

	NEED_NOTIFY_MODE();
	NEED(!pin(0, 1), "needs two CPUs");
	NEED(!sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &fifo),
	     "needs real-time scheduling");
	self->alarm = shared_page();
	ASSERT_TRUE(!!self->alarm);
	ASSERT_EQ(0, pipe2(self->alarm->bell, O_CLOEXEC));
	self->ringer = spawn(ring, self->alarm);
	ASSERT_LT(0, self->ringer);

	tracee_start_seized(t, 1, TRACEE_COUNT | TRACEE_MATE);
	ASSERT_EQ(0, pin(t->tid[1], 0));
	interrupt_all(t, 0);
	ack_all(t, 0);
}

FIXTURE_TEARDOWN(between)
{
	kill_and_reap(self->ringer);
	tracee_end(&self->t);
}

/* Wherever the tracee is between the traps, the status that was not reaped is there. */
TEST_F(between, notify_hidden_status_between_traps)
{
	struct alarm *alarm = self->alarm;
	struct tracee *t = &self->t;
	unsigned long limit = 1000;	/* about the delay in which the tracee arrives */
	int round, missed = 0, open = 0;
	char c;

	for (round = 0; round < 10 * ROUNDS; round++) {
		/* a start, acknowledged, not reaped; the end is a change, and makes it re-trap */
		start_stop_untraced(t, SIGSTOP);
		ack_all(t, SIGSTOP);
		ASSERT_EQ(0, kill(t->pid, SIGCONT));

		alarm->delay = limit / 2 + limit * (round % 16) / 16;
		__atomic_add_fetch(&alarm->go, 1, __ATOMIC_RELEASE);
		ASSERT_EQ(1, read(alarm->bell[0], &c, 1));
		missed += peek_status(t->pid) <= 0;
		if (is_held(t->pid)) {
			open++;
			if (alarm->delay > limit)
				limit += limit / 8;
		} else if (alarm->delay < limit) {
			limit -= limit / 8;
		}

		ASSERT_EQ(0, settle(t->pid));
		ASSERT_STATUS(STOP_STATUS(SIGTRAP), t->pid);
		ack_all(t, 0);
	}
	EXPECT_EQ(0, missed)
		TH_LOG("of %d looks", round);
	EXPECT_LT(0, open)
		TH_LOG("not tested, the tracee was never on its way");
	EXPECT_GT(round, open)
		TH_LOG("not tested, the tracee never arrived");
	EXPECT_NO_STEP(t);
}

TEST_HARNESS_MAIN
