// SPDX-License-Identifier: GPL-2.0
/*
 * More of the end of notify mode. The tests of kernel/gstop_end.c run here in more states
 * and with more threads. Others are about the end while the tracee is on its way from trap
 * to trap, held up by a hog, or by chance.
 */
#include "gstop_end.c"
#include "hog.h"

/* In one of them the machine is not too busy. */
#define ROUNDS	3

static void trap_and_interrupt(struct tracee *t)
{
	struct __test_metadata *_metadata = t->test;
	int i;

	trap(t);
	for_each_thread_of(t, i)
		ASSERT_PTRACE(PTRACE_INTERRUPT, t->tid[i], 0);
}

static void trap_and_listen(struct tracee *t)
{
	trap(t);
	listen_all(t);
}

static void stop_and_ack(struct tracee *t)
{
	stop(t);
	ack_all(t, SIGSTOP);
}

/* Signal-delivery-stops. The signal is one that is ignored by default. */
static void trap_for_signal(struct tracee *t)
{
	struct __test_metadata *_metadata = t->test;
	int i;

	for_each_thread_of(t, i) {
		ASSERT_EQ(0, sys_tgkill(t->pid, t->tid[i], SIGURG));
		ASSERT_TRAP(SIGNAL_STATUS(SIGURG), t, i);
	}
}

/* A notification is pending in that trap. */
static void trap_for_signal_and_notify(struct tracee *t)
{
	trap_for_signal(t);
	kill(t->pid, SIGCONT);
}

static void stop_and_trap_for_signal(struct tracee *t)
{
	stop_and_run(t);
	trap_for_signal(t);
}

static void cont(struct tracee *t)
{
	kill(t->pid, SIGCONT);
}

#define ADD_VARIANTS(name, ...)							\
	FIXTURE_VARIANT_ADD(end, one_##name) { .threads = 1, ##__VA_ARGS__ };	\
	FIXTURE_VARIANT_ADD(end, many_##name) { .threads = 3, ##__VA_ARGS__ }

/* The states of kernel/gstop_end.c */
ADD_VARIANTS(running, .esrch = true);
ADD_VARIANTS(trapped, .set = trap);
ADD_VARIANTS(notified, .set = trap_and_notify);
ADD_VARIANTS(stopped, .set = stop, .stopped = true);
ADD_VARIANTS(listening, .set = stop_and_listen, .esrch = true, .stopped = true);
ADD_VARIANTS(resumed, .set = stop_and_run, .esrch = true, .stopped = true);
ADD_VARIANTS(held, .set = trap, .change = stop_by_mate, .stopped = true);

/* ... and others */
ADD_VARIANTS(interrupted, .set = trap_and_interrupt);
ADD_VARIANTS(trapped_listening, .set = trap_and_listen, .esrch = true);
ADD_VARIANTS(stopped_acked, .set = stop_and_ack, .stopped = true);
ADD_VARIANTS(signal, .set = trap_for_signal_and_notify);
ADD_VARIANTS(stopped_signal, .set = stop_and_trap_for_signal, .stopped = true);
ADD_VARIANTS(trapped_held, .set = trap, .change = cont);
ADD_VARIANTS(stopped_held, .set = stop_and_ack, .change = cont);

static void *stay_behind(void *unused)
{
	pause_forever(unused);
	return NULL;
}

/* The thread that traces exits. Another one, and so the process, stays. */
static void tell_and_exit(FIXTURE_DATA(end) * self)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, stay_behind, NULL))
		_exit(1);
	tell_ready(self);
	syscall(SYS_exit, 0);
}

/* The exit of the thread that traces does the same. The rest of its process takes over nothing. */
TEST_F(end, end_detach_by_thread_exit)
{
	if (variant->change)
		SKIP(return, "a thread whose request is held can't exit");
	start_tracer(self, tell_and_exit);
	EXPECT_THREAD_STATE('Z', self->tracer);
	expect_untraced(&self->t, variant->stopped);
}

/* PTRACE_O_EXITKILL ends the tracee together with its tracer. */
TEST_F(end, end_kill_exitkill)
{
	self->options = PTRACE_O_EXITKILL;
	start_tracer(self, tell_and_stay);
	kill_tracer(self);
	EXPECT_END(CLD_KILLED, SIGKILL, self->t.pid);
}

static void exec_mate(FIXTURE_DATA(end) * self)
{
	order_mate(self, ORDER_EXEC);
	/* it waits, killable, for the others to be gone, and one is frozen */
	if (self->state->change)
		wait_task_state(self->t.tid[self->t.nr], "D");
}

/*
 * execve() of a thread that is not traced ends the other threads. The leader, which makes
 * room for it, is gone without a word. The thread has its pid then, and is not traced.
 */
TEST_F(end, end_kill_exec)
{
	struct tracee *t = &self->t;
	int i;

	reach(self, exec_mate);
	for (i = t->nr - 1; i > 0; i--)
		EXPECT_END(CLD_EXITED, 0, t->tid[i]);
	EXPECT_TRUE(wait_until(!task_state(t->tid[t->nr])));
	EXPECT_THREAD_STATE('S', t->pid);
	EXPECT_PTRACE_ERROR(ESRCH, PTRACE_INTERRUPT, t->pid, 0, 0);
}

/*
 * --- During a re-trap ---
 *
 * The tracee was woken up for a re-trap, and a hog has its CPU. Its tracer makes a request,
 * and waits for it. What happens then has to end that wait while the tracee is held up.
 * If the machine was too busy for a round, another one tells; one in time is enough.
 */

FIXTURE(end_retrap) {
	struct tracee t;
	struct hog hog;
	pid_t test, helper;
	void (*act)(FIXTURE_DATA(end_retrap) * self);
	long (*ask)(pid_t pid);
	int *said;		/* by a helper, on a shared page */
	int in_time;		/* rounds in which the tracee was held up all the time */
};

FIXTURE_VARIANT(end_retrap) {
	long (*ask)(pid_t pid);
};

static long ask_state(pid_t pid)
{
	siginfo_t info;

	return sys_ptrace(PTRACE_GETSIGINFO, pid, 0, &info);
}

static long ask_to_detach(pid_t pid)
{
	return sys_ptrace(PTRACE_DETACH, pid, 0, NULL);
}

FIXTURE_VARIANT_ADD(end_retrap, request) { .ask = ask_state };
FIXTURE_VARIANT_ADD(end_retrap, detach) { .ask = ask_to_detach };

FIXTURE_SETUP(end_retrap)
{
	NEED_NOTIFY_MODE();
	NEED_HOG(&self->hog);
	self->test = getpid();
	self->ask = variant->ask;
	self->said = shared_page();
	ASSERT_TRUE(!!self->said);
}

FIXTURE_TEARDOWN(end_retrap)
{
	hog_end(&self->hog);
	kill_and_reap(self->helper);
	tracee_end(&self->t);
}

static void new_tracee(struct __test_metadata *_metadata, FIXTURE_DATA(end_retrap) * self)
{
	struct tracee *t = &self->t;

	if (t->pid)
		tracee_end(t);
	tracee_start(t, 1, TRACEE_MATE);
	ASSERT_EQ(0, pin(t->pid, HOG_CPU));
}

/*
 * Trap @t; the next change makes it re-trap. One such change comes first: what caused it
 * must not be left when the tracee is traced no more.
 */
static void trap_and_retrap(struct tracee *t)
{
	seize_all(t, PTRACE_SEIZE_DEVEL);
	trap(t);
	cont_all(t);
	ack_all(t, 0);
}

/* Send the tracee to a re-trap, and hold it up on the way. */
static void hold_up(FIXTURE_DATA(end_retrap) * self)
{
	struct __test_metadata *_metadata = self->t.test;

	hog_start(&self->hog, 500);
	ASSERT_EQ(0, sys_tgkill(self->t.pid, self->t.pid, SIGCONT));
}

/* @pid sleeps, while the tracee is held up. */
static bool waits_for_tracee(FIXTURE_DATA(end_retrap) * self, pid_t pid)
{
	const pid_t tracee = self->t.pid;

	wait_until(task_state(pid) == 'S' || !is_held(tracee));
	return task_state(pid) == 'S' && is_held(tracee);
}

/* For spawn(): act when the test waits. */
static void act_soon(void *arg)
{
	FIXTURE_DATA(end_retrap) * self = arg;

	if (waits_for_tracee(self, self->test)) {
		__atomic_store_n(self->said, 1, __ATOMIC_RELEASE);
		self->act(self);
		__atomic_store_n(self->said, 2, __ATOMIC_RELEASE);
	}
	pause_forever(NULL);
}

/*
 * Run into the re-trap of a new tracee, and have @act done while we wait for it. Returns
 * the error of the request that we made; *@acted says if @act was done, as we had to wait.
 * The hog runs on.
 */
static int run_into_retrap(FIXTURE_DATA(end_retrap) * self,
			   void (*act)(FIXTURE_DATA(end_retrap) * self), bool *acted)
{
	struct __test_metadata *_metadata = self->t.test;
	int error;

	trap_and_retrap(&self->t);
	hold_up(self);
	*self->said = 0;
	self->act = act;
	self->helper = spawn(act_soon, self);
	ASSERT_LT(0, self->helper);
	error = self->ask(self->t.pid) ? errno : 0;
	*acted = __atomic_load_n(self->said, __ATOMIC_ACQUIRE);
	if (*acted)
		ASSERT_TRUE(wait_until(__atomic_load_n(self->said, __ATOMIC_ACQUIRE) == 2));
	return error;
}

/* The same, and @act kills the tracee: the request fails at once. */
static void kill_in_retrap(FIXTURE_DATA(end_retrap) * self,
			   void (*act)(FIXTURE_DATA(end_retrap) * self))
{
	struct __test_metadata *_metadata = self->t.test;
	bool acted;
	int error;

	error = run_into_retrap(self, act, &acted);
	if (acted && is_held(self->t.pid)) {
		EXPECT_EQ(ESRCH, error);
		self->in_time++;
	}
	hog_end(&self->hog);
	kill_and_reap(self->helper);
	self->helper = 0;
	if (!acted)
		act(self);
}

static void kill_it(FIXTURE_DATA(end_retrap) * self)
{
	kill(self->t.pid, SIGKILL);
}

static void exit_it(FIXTURE_DATA(end_retrap) * self)
{
	order(&self->t, self->t.nr, ORDER_EXIT_GROUP);
}

static void exec_it(FIXTURE_DATA(end_retrap) * self)
{
	order(&self->t, self->t.nr, ORDER_EXEC);
}

/* SIGKILL ends the wait: for a trap that never comes. */
TEST_F(end_retrap, end_kill_sigkill)
{
	int round;

	for (round = 0; round < ROUNDS; round++) {
		new_tracee(_metadata, self);
		kill_in_retrap(self, kill_it);
		expect_end(&self->t, CLD_KILLED, SIGKILL);
	}
	EXPECT_LT(0, self->in_time)
		TH_LOG("the tracer waits on for a tracee that is killed");
}

/* exit_group() of another thread ends it, too. */
TEST_F(end_retrap, end_kill_exit_group)
{
	int round;

	for (round = 0; round < ROUNDS; round++) {
		new_tracee(_metadata, self);
		kill_in_retrap(self, exit_it);
		expect_end(&self->t, CLD_EXITED, TRACEE_EXIT_CODE);
	}
	EXPECT_LT(0, self->in_time)
		TH_LOG("the tracer waits on for a tracee that exits");
}

/* So does execve() of another thread, and does not wait itself for ever. */
TEST_F(end_retrap, end_kill_exec)
{
	struct tracee *t = &self->t;
	int round;

	for (round = 0; round < ROUNDS; round++) {
		new_tracee(_metadata, self);
		kill_in_retrap(self, exec_it);
		EXPECT_TRUE(wait_until(!task_state(t->tid[t->nr])));
		EXPECT_THREAD_STATE('S', t->pid);
	}
	EXPECT_LT(0, self->in_time)
		TH_LOG("the tracer waits on for a tracee that is replaced");
}

static void let_go(FIXTURE_DATA(end_retrap) * self)
{
	hog_release(&self->hog);
}

/* A tracee that is late is waited for, and nothing is left of that after a detach. */
TEST_F(end_retrap, end_detach_after_retrap)
{
	struct tracee *t = &self->t;
	bool acted;
	int round;

	for (round = 0; round < ROUNDS; round++) {
		new_tracee(_metadata, self);
		EXPECT_EQ(0, run_into_retrap(self, let_go, &acted));
		self->in_time += acted;
		hog_end(&self->hog);
		kill_and_reap(self->helper);
		self->helper = 0;
		if (variant->ask != ask_to_detach)
			detach_all(t);
		expect_untraced(t, false);
	}
	EXPECT_LT(0, self->in_time)
		TH_LOG("no request waited");
}

/* For spawn(): a tracer which makes its request when the test has cleared *->said. */
static void trace_in_retrap(void *arg)
{
	FIXTURE_DATA(end_retrap) * self = arg;

	trap_and_retrap(&self->t);
	__atomic_store_n(self->said, 1, __ATOMIC_RELEASE);
	while (__atomic_load_n(self->said, __ATOMIC_ACQUIRE))
		sched_yield();
	self->ask(self->t.pid);
	/* not a sleep, which the test looks for */
	for (;;)
		sched_yield();
}

/* A tracer that waits for the re-trap can be killed, and the tracee runs then. */
TEST_F(end_retrap, end_detach_by_tracer_death)
{
	int round;
	bool waits;

	for (round = 0; round < ROUNDS; round++) {
		new_tracee(_metadata, self);
		*self->said = 0;
		self->helper = spawn(trace_in_retrap, self);
		ASSERT_LT(0, self->helper);
		ASSERT_TRUE(wait_until(__atomic_load_n(self->said, __ATOMIC_ACQUIRE)));
		hold_up(self);
		__atomic_store_n(self->said, 0, __ATOMIC_RELEASE);
		waits = waits_for_tracee(self, self->helper);
		ASSERT_EQ(0, kill(self->helper, SIGKILL));
		EXPECT_END(CLD_KILLED, SIGKILL, self->helper);
		self->helper = 0;
		self->in_time += waits && is_held(self->t.pid);
		hog_end(&self->hog);
		expect_untraced(&self->t, false);
	}
	EXPECT_LT(0, self->in_time)
		TH_LOG("the tracer did not die before the re-trap was done");
}

/*
 * --- By chance: a change and an end back to back, as often as there is time ---
 */

FIXTURE(end_race) {
	FIXTURE_DATA(end) end;
	long long until;
	int round;
};

FIXTURE_VARIANT(end_race) {
	int threads;
};

FIXTURE_VARIANT_ADD(end_race, one) { .threads = 1 };
FIXTURE_VARIANT_ADD(end_race, many) { .threads = 3 };

static const FIXTURE_VARIANT(end) trapped = { .set = trap };
static const FIXTURE_VARIANT(end) stopped = { .set = stop_and_ack };

FIXTURE_SETUP(end_race)
{
	NEED_NOTIFY_MODE();
	tracee_start(&self->end.t, variant->threads, TRACEE_MATE);
	self->until = now_ms() + 400;
}

FIXTURE_TEARDOWN(end_race)
{
	kill_and_reap(self->end.tracer);
	tracee_end(&self->end.t);
}

/* Is there time for another round? Eight there are. */
static bool next_round(FIXTURE_DATA(end_race) * self)
{
	return ++self->round < 8 || now_ms() < self->until;
}

/* Start or end a group stop, without waiting for anything. */
static void change(struct tracee *t, bool start)
{
	if (start)
		sys_tgkill(t->pid, t->tid[t->nr], SIGSTOP);
	else
		kill(t->pid, SIGCONT);
}

/* The untraced @t is stopped or sleeps, as the change says. Then it sleeps. */
static void expect_changed(struct tracee *t, bool start)
{
	struct __test_metadata *_metadata = t->test;
	int i;

	for (i = 0; i <= t->nr; i++)
		ASSERT_EQ(0, wait_task_state(t->tid[i], start ? "T" : "S"))
			TH_LOG("thread %d in state '%c'", i, task_state(t->tid[i]));
	ASSERT_EQ(0, kill(t->pid, SIGCONT));
	for (i = 0; i <= t->nr; i++)
		ASSERT_EQ(0, wait_task_state(t->tid[i], "S"));
}

/* A change and the death of the tracer, in either order. */
TEST_F(end_race, end_detach_by_tracer_death)
{
	FIXTURE_DATA(end) * end = &self->end;
	bool start;

	while (next_round(self)) {
		start = self->round & 2;
		end->state = start ? &trapped : &stopped;
		start_tracer(end, tell_and_stay);
		if (self->round & 1)
			kill(end->tracer, SIGKILL);
		change(&end->t, start);
		kill_tracer(end);
		expect_changed(&end->t, start);
	}
}

/* A change and a detach, which never fails. */
TEST_F(end_race, end_detach_request)
{
	FIXTURE_DATA(end) * end = &self->end;
	bool start;

	while (next_round(self)) {
		start = self->round & 1;
		end->state = start ? &trapped : &stopped;
		reach(end, NULL);
		change(&end->t, start);
		detach_all(&end->t);
		expect_changed(&end->t, start);
	}
}

/* A change and the death of the tracee. */
TEST_F(end_race, end_kill_any)
{
	FIXTURE_DATA(end) * end = &self->end;
	struct tracee *t = &end->t;

	end->state = &trapped;
	while (next_round(self)) {
		reach(end, NULL);
		if (self->round & 1) {
			order(t, t->nr, ORDER_EXIT_GROUP);
			kill(t->pid, SIGCONT);
			expect_end(t, CLD_EXITED, TRACEE_EXIT_CODE);
		} else {
			kill(t->pid, SIGCONT);
			kill(t->pid, SIGKILL);
			expect_end(t, CLD_KILLED, SIGKILL);
		}
		tracee_end(t);
		tracee_start(t, variant->threads, TRACEE_MATE);
	}
}
