// SPDX-License-Identifier: GPL-2.0
/*
 * A change of the group stop state against one request or event: the racer, on
 * another CPU, makes the change at the same time as the test does something. Who
 * comes first is measured, and the delay of the test corrected, so that it goes
 * on to be a close race.
 *
 * The tracee's thread 0 is not traced, sleeps, and makes the group stops; number
 * 1 is traced, and counts.
 */
#include "../kselftest_harness.h"
#include "old/group_stop_notify.h"

#include <poll.h>

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

/* For spawn(): send signals when told so. */
static void race(void *arg)
{
	struct race *race = arg;
	int round;
	char c;

	run_on_cpu(1);
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
	const long long deadline = now_ms() + DEADLINE_MS;
	unsigned int tries = 0;

	while (__atomic_load_n(&race->done, __ATOMIC_ACQUIRE) != race->go) {
		ASSERT_LT(now_ms(), deadline);
		give_way(&tries);
	}
}

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

static void new_tracee(struct __test_metadata *_metadata, struct tracee *t,
		       struct race *race, int cpu, int flags)
{
	cpu_set_t all;

	/* the tracee inherits where it runs */
	sched_getaffinity(0, sizeof(all), &all);
	if (cpu >= 0)
		run_on_cpu(cpu);
	tracee_start(_metadata, t, 2, TRACEE_BLOCK_CONT | flags);
	sched_setaffinity(0, sizeof(all), &all);
	race->pid = t->pid;
	race->tid = t->pid;
}

FIXTURE_SETUP(window)
{
	if (lacks_notify_mode(_metadata))
		return;
	self->race = shared_page();
	ASSERT_TRUE(!!self->race);
	ASSERT_EQ(0, pipe2(self->race->start, O_CLOEXEC));
	self->racer = spawn(race, self->race);
	ASSERT_LT(0, self->racer);
	new_tracee(_metadata, &self->t, self->race, variant->cpu,
		   TRACEE_COUNT | TRACEE_PAUSE_1ST);
}

FIXTURE_TEARDOWN(window)
{
	kill_and_reap(self->racer);
	tracee_end(&self->t);
}

/* What the group stop state is in @round: a start, an end, a start ... */
static int round_sig(int round)
{
	return round & 1 ? SIGCONT : SIGSTOP;
}

static int round_state(int round)
{
	return round & 1 ? 0 : SIGSTOP;
}

/*
 * Window: a start or an end of a group stop during PTRACE_CONT, before it, and
 * while the tracee is on its way to user space. Fails if the change is lost, or
 * cleared with the trap that is resumed.
 */
TEST_F(window, notify_merge_change_during_cont)
{
	static const char id[] = "notify-merge";
	struct tracee *t = &self->t;
	const pid_t tid = t->tid[1];
	unsigned long count;
	int round, state;

	tracee_seize(_metadata, t, 1, 0);
	trap_by_interrupt(_metadata, tid, 0);

	for (round = 0; round < ROUNDS; round++) {
		state = round_state(round);
		race_start(self->race, round_sig(round));
		ASSERT_PTRACE(id, PTRACE_CONT, tid, 0);

		/* trapped at last, whoever was first */
		ASSERT_STATUS(id, STOP_STATUS(state ? state : SIGTRAP), tid);
		count = tracee_count(t, 1);
		expect_state(_metadata, tid, state, id);
		race_join(_metadata, self->race);
		EXPECT_NO_STATUS(id, tid);
		expect_no_step(_metadata, t, 1, count, "notify-no-escape");
	}
	tracee_run(_metadata, t, 1, 0, id);
}

/*
 * Window: the same during PTRACE_DETACH. Fails if the tracee is left in a trap,
 * or otherwise than the group stop state says, or if something of the
 * notification is left for the next tracer.
 */
TEST_F(window, end_detach_change_during_detach)
{
	static const char id[] = "end-detach";
	struct tracee *t = &self->t;
	const pid_t tid = t->tid[1];
	int round, state;

	tracee_seize(_metadata, t, 1, 0);
	trap_by_interrupt(_metadata, tid, 0);

	for (round = 0; round < ROUNDS; round++) {
		state = round_state(round);
		race_start(self->race, round_sig(round));
		ASSERT_PTRACE(id, PTRACE_DETACH, tid, 0);
		race_join(_metadata, self->race);

		if (state) {
			ASSERT_EQ(0, wait_task_state(t->pid, tid, "T"))
				TH_LOG("%s: state '%c', not stopped", id,
				       task_state(t->pid, tid));
			ASSERT_EQ(0, sys_seize_notify(tid, 0));
			ASSERT_EQ(STOP_STATUS(state), sys_wait(tid, WNOHANG))
				TH_LOG("seize-stopped: no trap at once");
			EXPECT_CAUSE(id, CAUSE_GROUP, tid);
		} else {
			ASSERT_EQ(0, tracee_wait_running(t, 1))
				TH_LOG("%s: state '%c', and does not run", id,
				       task_state(t->pid, tid));
			ASSERT_EQ(0, sys_seize_notify(tid, 0));
			trap_by_interrupt(_metadata, tid, 0);
			EXPECT_CAUSE(id, CAUSE_INTERRUPT, tid);
		}
		expect_state(_metadata, tid, state, id);
	}
}

/*
 * Window: SIGCONT makes the tracee re-trap, and SIGKILL meets it on the way; the
 * tracer is in a request, or waits for the re-trap. Fails if the request waits
 * for ever, or the tracee does not die.
 */
TEST_F(window, end_kill_during_retrap)
{
	static const char id[] = "end-kill";
	const long long deadline = now_ms() + DEADLINE_MS;
	struct tracee *t = &self->t;
	int round, failed, status;
	siginfo_t info;

	self->race->then = SIGKILL;
	for (round = 0; round < ROUNDS / 2; round++) {
		const pid_t pid = spawn(count_forever, t->page);

		ASSERT_LT(0, pid);
		ASSERT_EQ(0, sys_seize_notify(pid, 0));
		trap_by_interrupt(_metadata, pid, 0);

		self->race->pid = pid;
		self->race->tid = pid;
		self->race->gap = round * 20;
		race_start(self->race, SIGCONT);
		do {
			failed = sys_ptrace(PTRACE_GETSIGINFO, pid, 0, &info);
			ASSERT_LT(now_ms(), deadline)
				TH_LOG("%s: not killed", id);
		} while (!failed);
		EXPECT_EQ(ESRCH, errno)
			TH_LOG("%s: PTRACE_GETSIGINFO: %s", id, strerror(errno));
		race_join(_metadata, self->race);
		status = wait_soon(pid);
		ASSERT_EQ(SIGKILL, status)
			TH_LOG("%s: wait status %#x", id, status);
	}
}

/* For spawn(): trace thread 1, and acknowledge each re-trap, until killed. */
static void trace(void *arg)
{
	struct tracee *t = arg;
	siginfo_t info;

	if (sys_seize_notify(t->tid[1], 0) ||
	    sys_ptrace(PTRACE_INTERRUPT, t->tid[1], 0, NULL) ||
	    sys_wait(t->tid[1], 0) != STOP_STATUS(SIGTRAP))
		_exit(1);
	__atomic_store_n(&t->page->go, 1, __ATOMIC_RELEASE);
	for (;;)
		sys_ptrace(PTRACE_GETSIGINFO, t->tid[1], 0, &info);
}

/*
 * Window: the tracer is killed while its tracee re-traps, or while it waits for
 * that itself. Fails if the tracee stays in its trap, or on its way to one, or is
 * not as the group stop state says.
 */
TEST_F(window, end_detach_tracer_killed_during_retrap)
{
	static const char id[] = "end-detach";
	struct tracee *t = &self->t;
	unsigned int tries = 0;
	int round, status;
	pid_t tracer;

	for (round = 0; round < ROUNDS / 3; round++) {
		t->page->go = 0;
		tracer = spawn(trace, t);
		ASSERT_LT(0, tracer);
		while (!__atomic_load_n(&t->page->go, __ATOMIC_ACQUIRE)) {
			ASSERT_EQ(0, sys_wait(tracer, WNOHANG))
				TH_LOG("tracer failed");
			give_way(&tries);
		}

		race_start(self->race, round_sig(round));
		kill(tracer, SIGKILL);
		race_join(_metadata, self->race);
		status = wait_soon(tracer);
		ASSERT_EQ(SIGKILL, status)
			TH_LOG("%s: wait status %#x of the tracer", id, status);

		if (round_state(round)) {
			ASSERT_EQ(0, wait_task_state(t->pid, t->tid[1], "T"))
				TH_LOG("%s: state '%c', not stopped", id,
				       task_state(t->pid, t->tid[1]));
			ASSERT_EQ(0, wait_task_state(t->pid, t->pid, "T"));
			/* the next tracer expects it to run */
			ASSERT_EQ(0, kill(t->pid, SIGCONT));
		}
		ASSERT_EQ(0, tracee_wait_running(t, 1))
			TH_LOG("%s: state '%c', and does not run", id,
			       task_state(t->pid, t->tid[1]));
	}
}

FIXTURE(exec) {
	struct tracee t;
	struct race *race;
	pid_t sender;
};

FIXTURE_VARIANT(exec) {
	int flag;
	int held;		/* the thread that does not execute is traced */
};

FIXTURE_VARIANT_ADD(exec, leader_held) { .flag = TRACEE_EXEC, .held = 0 };
FIXTURE_VARIANT_ADD(exec, other_held) { .flag = TRACEE_EXEC_1ST, .held = 1 };

/*
 * For spawn(): SIGCONT, until killed. To the first thread: a signal to a process
 * that all its threads block can lock up the kernel during execve(), ptrace or
 * not. complete_signal() looks for a thread to take it, beginning and ending with
 * ->curr_target, and does not come across that if de_thread() has just made it
 * the former leader.
 */
static void send_cont(void *arg)
{
	struct race *race = arg;

	run_on_cpu(1);
	for (;;) {
		if (__atomic_load_n(&race->go, __ATOMIC_ACQUIRE))
			sys_tgkill(race->pid, race->pid, SIGCONT);
		else
			sched_yield();
	}
}

FIXTURE_SETUP(exec)
{
	if (lacks_notify_mode(_metadata))
		return;
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

/*
 * Window: the other thread, which is not traced, executes a program while the
 * traced one re-traps under a storm of SIGCONT. Fails if the traced one does not
 * die, so that execve() never ends, or the tracer sleeps on.
 */
TEST_F(exec, end_kill_by_exec_during_retrap)
{
	static const char id[] = "end-kill";
	struct tracee *t = &self->t;
	int round, failed;
	siginfo_t info;

	for (round = 0; round < 8; round++) {
		const long long deadline = now_ms() + DEADLINE_MS;
		struct pollfd closed;
		int fds[2];
		pid_t tid;

		ASSERT_EQ(0, pipe2(fds, O_CLOEXEC));
		closed = (struct pollfd){ .fd = fds[0], .events = POLLIN };
		new_tracee(_metadata, t, self->race, -1, variant->flag);
		close(fds[1]);
		tid = t->tid[variant->held];
		ASSERT_EQ(0, sys_seize_notify(tid, 0));
		trap_by_interrupt(_metadata, tid, 0);

		__atomic_store_n(&self->race->go, 1, __ATOMIC_RELEASE);
		__atomic_store_n(&t->page->go, 1, __ATOMIC_RELEASE);
		do {
			failed = sys_ptrace(PTRACE_GETSIGINFO, tid, 0, &info);
			ASSERT_LT(now_ms(), deadline)
				TH_LOG("%s: not killed by execve()", id);
		} while (!failed);
		EXPECT_EQ(ESRCH, errno)
			TH_LOG("%s: PTRACE_GETSIGINFO: %s", id, strerror(errno));
		__atomic_store_n(&self->race->go, 0, __ATOMIC_RELEASE);

		/* a leader is reaped by execve(), another thread by its tracer */
		while (variant->held) {
			/* its wait status is 0: see do_group_exit() */
			ASSERT_EQ(0, sys_waitid(tid, &info, WEXITED | WNOHANG |
						__WALL));
			if (info.si_pid == tid)
				break;
			ASSERT_LT(now_ms(), deadline)
				TH_LOG("%s: not killed by execve()", id);
			usleep(200);
		}

		/* which closes the pipe, and has killed all other threads */
		ASSERT_EQ(1, poll(&closed, 1, DEADLINE_MS))
			TH_LOG("%s: execve() does not end, state '%c'", id,
			       task_state(t->pid, t->pid));
		close(fds[0]);

		kill_and_reap(t->pid);
		munmap(t->page, getpagesize());
		memset(t, 0, sizeof(*t));
	}
}

TEST_HARNESS_MAIN
