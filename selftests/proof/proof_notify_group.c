// SPDX-License-Identifier: GPL-2.0
/*
 * Group stop notification of a process whose threads are not all traced, or come
 * and go: the main thread is not traced and starts the group stops, or is traced
 * and creates another one.
 */
#include "../kselftest_harness.h"
#include "old/group_stop_notify.h"

FIXTURE(group) {
	struct tracee t;
};

FIXTURE_VARIANT(group) {
	int threads;		/* number 0 is not traced */
	int flags;
	int sig;
};

FIXTURE_VARIANT_ADD(group, one_stop) {
	.threads = 2, .flags = TRACEE_COUNT, .sig = SIGSTOP,
};

FIXTURE_VARIANT_ADD(group, one_ttou) {
	.threads = 2, .flags = TRACEE_COUNT, .sig = SIGTTOU,
};

FIXTURE_VARIANT_ADD(group, many_stop) {
	.threads = 4, .flags = TRACEE_PAUSE, .sig = SIGSTOP,
};

FIXTURE_VARIANT_ADD(group, many_ttou) {
	.threads = 4, .flags = TRACEE_PAUSE, .sig = SIGTTOU,
};

FIXTURE_SETUP(group)
{
	if (lacks_notify_mode(_metadata))
		return;
	tracee_start(_metadata, &self->t, variant->threads,
		     variant->flags | TRACEE_BLOCK_CONT);
	tracee_seize(_metadata, &self->t, 1, 0);
}

FIXTURE_TEARDOWN(group)
{
	tracee_end(&self->t);
}

/* The next wait status of each traced thread is the trap for the state now. */
static void expect_traps(struct __test_metadata *_metadata, struct tracee *t,
			 int stop_sig, const char *id)
{
	int i;

	for (i = 1; i < t->nr; i++)
		ASSERT_STATUS(id, STOP_STATUS(stop_sig ? stop_sig : SIGTRAP),
			      t->tid[i]);
}

/*
 * All re-traps are done. Until then an older status that was not reaped is there for a
 * wait, and not that of the re-trap.
 */
static void settle_all(struct __test_metadata *_metadata, struct tracee *t)
{
	int i;

	for (i = 1; i < t->nr; i++)
		ASSERT_EQ(0, settle(t->tid[i]));
}

static void expect_states(struct __test_metadata *_metadata, struct tracee *t,
			  int stop_sig, const char *id)
{
	int i;

	for (i = 1; i < t->nr; i++)
		expect_state(_metadata, t->tid[i], stop_sig, id);
}

/* Fails if a thread is not notified of a stop that it takes no signal for. */
TEST_F(group, notify_untraced_while_running)
{
	static const char id[] = "notify-untraced";
	struct tracee *t = &self->t;
	int i;

	tracee_stop_untraced(_metadata, t, variant->sig);
	expect_traps(_metadata, t, variant->sig, id);
	for (i = 1; i < t->nr; i++)
		EXPECT_CAUSE(id, CAUSE_GROUP | CAUSE_NOTIFY, t->tid[i]);
	expect_states(_metadata, t, variant->sig, id);

	ASSERT_EQ(0, kill(t->pid, SIGCONT));
	expect_traps(_metadata, t, 0, id);
	expect_states(_metadata, t, 0, id);
	for (i = 1; i < t->nr; i++)
		tracee_run(_metadata, t, i, 0, id);
}

/*
 * Fails if a trapped thread does not re-trap for it. The stop completes all the
 * same: the real parent, that is us, sees it, and its end.
 */
TEST_F(group, notify_untraced_while_trapped)
{
	static const char id[] = "notify-untraced";
	struct tracee *t = &self->t;
	int i, round, status;

	for (i = 1; i < t->nr; i++)
		trap_by_interrupt(_metadata, t->tid[i], 0);

	for (round = 0; round < 3; round++) {
		tracee_stop_untraced(_metadata, t, variant->sig);
		expect_traps(_metadata, t, variant->sig, id);
		for (i = 1; i < t->nr; i++)
			EXPECT_CAUSE(id, CAUSE_GROUP | CAUSE_NOTIFY | CAUSE_INTERRUPT, t->tid[i]);
		expect_states(_metadata, t, variant->sig, id);
		status = sys_wait(t->pid, WUNTRACED);
		EXPECT_EQ(SIGNAL_STATUS(variant->sig), status)
			TH_LOG("%s: real parent sees %#x", id, status);

		ASSERT_EQ(0, kill(t->pid, SIGCONT));
		expect_traps(_metadata, t, 0, id);
		expect_states(_metadata, t, 0, id);
		status = sys_wait(t->pid, WCONTINUED);
		EXPECT_EQ(0xffff, status)
			TH_LOG("%s: real parent sees %#x", id, status);
	}
}

/* Fails if LISTEN does not end with the start of a stop. */
TEST_F(group, notify_listen_until_start)
{
	static const char id[] = "notify-listen";
	struct tracee *t = &self->t;
	int i;

	for (i = 1; i < t->nr; i++) {
		trap_by_interrupt(_metadata, t->tid[i], 0);
		ASSERT_PTRACE(id, PTRACE_LISTEN, t->tid[i], 0);
		EXPECT_NO_STATUS(id, t->tid[i]);
	}
	tracee_stop_untraced(_metadata, t, variant->sig);
	expect_traps(_metadata, t, variant->sig, id);
	for (i = 1; i < t->nr; i++)
		EXPECT_CAUSE(id, CAUSE_GROUP | CAUSE_NOTIFY | CAUSE_INTERRUPT, t->tid[i]);
	expect_states(_metadata, t, variant->sig, id);
}

/*
 * Fails if the last of many changes is not notified of, or what is read then is
 * an earlier state. No trap is reaped, and nothing acknowledged, before the last.
 */
TEST_F(group, notify_merge_ends_with_last_state)
{
	static const char id[] = "notify-merge";
	struct tracee *t = &self->t;
	int i, changes, change, state;

	for (i = 1; i < t->nr; i++)
		trap_by_interrupt(_metadata, t->tid[i], 0);

	for (changes = 1; changes <= 6; changes++) {
		for (change = 0; change < changes; change++) {
			if (!(change & 1))
				tracee_stop_untraced(_metadata, t, variant->sig);
			else
				ASSERT_EQ(0, kill(t->pid, SIGCONT));
		}
		state = changes & 1 ? variant->sig : 0;

		/* the re-trap for the last change may be under way still */
		for (i = 1; i < t->nr; i++) {
			expect_state(_metadata, t->tid[i], state, id);
			ASSERT_STATUS(id, STOP_STATUS(state ? state : SIGTRAP),
				      t->tid[i]);
			EXPECT_NO_STATUS(id, t->tid[i]);
		}

		if (state) {
			ASSERT_EQ(0, kill(t->pid, SIGCONT));
			expect_traps(_metadata, t, 0, id);
			expect_states(_metadata, t, 0, id);
		}
	}

	/* all changes have been told of */
	for (i = 1; i < t->nr; i++)
		tracee_run(_metadata, t, i, 0, id);
}

/* Fails if a change that undoes one not told yet is thought to be no news. */
TEST_F(group, notify_merge_back_to_known_state)
{
	static const char id[] = "notify-merge";
	struct tracee *t = &self->t;
	int i;

	for (i = 1; i < t->nr; i++) {
		trap_by_interrupt(_metadata, t->tid[i], 0);
		expect_state(_metadata, t->tid[i], 0, id);
	}
	tracee_stop_untraced(_metadata, t, variant->sig);
	ASSERT_EQ(0, kill(t->pid, SIGCONT));
	settle_all(_metadata, t);
	expect_traps(_metadata, t, 0, id);

	/* sticky, too */
	for (i = 1; i < t->nr; i++)
		ASSERT_PTRACE(id, PTRACE_CONT, t->tid[i], 0);
	expect_traps(_metadata, t, 0, id);
	for (i = 1; i < t->nr; i++)
		EXPECT_CAUSE(id, CAUSE_NOTIFY, t->tid[i]);
	expect_states(_metadata, t, 0, id);
}

/*
 * Fails if a tracee that has not been waited for is not made to trap again: the
 * wait status would tell of a stop that is over. What it trapped for is known.
 */
TEST_F(group, notify_retrap_not_waited_for)
{
	static const char id[] = "notify-retrap";
	struct tracee *t = &self->t;
	int i;

	for (i = 1; i < t->nr; i++)
		trap_by_interrupt(_metadata, t->tid[i], 0);
	tracee_stop_untraced(_metadata, t, variant->sig);
	expect_states(_metadata, t, variant->sig, id);
	ASSERT_EQ(0, kill(t->pid, SIGCONT));
	settle_all(_metadata, t);
	expect_traps(_metadata, t, 0, id);
	expect_states(_metadata, t, 0, id);
	for (i = 1; i < t->nr; i++)
		tracee_run(_metadata, t, i, 0, id);
}

/*
 * Fails if SIGCONT without a group stop to end has the tracee trap over and over: as
 * long as it traps the tracer can't inspect it, and anybody who may send the
 * signal could see to that. It is acknowledged each time, and never reaped.
 */
TEST_F(group, notify_merge_nothing_new)
{
	static const char id[] = "notify-merge";
	long long switches[TRACEE_THREADS];
	struct tracee *t = &self->t;
	int i, n;

	for (i = 1; i < t->nr; i++)
		trap_by_interrupt(_metadata, t->tid[i], 0);
	/* the first is told, as each has been waited for */
	ASSERT_EQ(0, kill(t->pid, SIGCONT));
	for (i = 1; i < t->nr; i++) {
		expect_state(_metadata, t->tid[i], 0, id);
		ASSERT_EQ(0, wait_task_state(t->pid, t->tid[i], "t"));
		switches[i] = status_field(t->tid[i], "voluntary_ctxt_switches:", 10);
		ASSERT_LT(0, switches[i]);
	}
	for (n = 0; n < 100; n++) {
		ASSERT_EQ(0, kill(t->pid, SIGCONT));
		for (i = 1; i < t->nr; i++)
			expect_state(_metadata, t->tid[i], 0, id);
	}
	for (i = 1; i < t->nr; i++) {
		EXPECT_EQ(switches[i],
			  status_field(t->tid[i], "voluntary_ctxt_switches:", 10))
			TH_LOG("%s: the tracee trapped for nothing", id);
		ASSERT_STATUS(id, STOP_STATUS(SIGTRAP), t->tid[i]);
		tracee_run(_metadata, t, i, 0, id);
	}
}

FIXTURE(created) {
	struct tracee t;
};

FIXTURE_SETUP(created)
{
	if (lacks_notify_mode(_metadata))
		return;
	tracee_start(_metadata, &self->t, 2, TRACEE_CLONE | TRACEE_BLOCK_CONT);
	tracee_seize(_metadata, &self->t, 0, PTRACE_O_TRACECLONE);
}

FIXTURE_TEARDOWN(created)
{
	tracee_end(&self->t);
}

/* Let thread 0, which runs, create number 1. It is in its clone trap after that. */
static void create(struct __test_metadata *_metadata, struct tracee *t)
{
	static const char id[] = "notify-threads";
	unsigned long tid = 0;

	__atomic_store_n(&t->page->go, 1, __ATOMIC_RELEASE);
	ASSERT_STATUS(id, EVENT_STATUS(PTRACE_EVENT_CLONE), t->pid);
	ASSERT_PTRACE(id, PTRACE_GETEVENTMSG, t->pid, &tid);
	t->tid[1] = tid;
}

/* Fails if a thread that is created into a group stop is not notified of it. */
TEST_F(created, notify_threads_created_in_stop)
{
	static const char id[] = "notify-threads";
	struct tracee *t = &self->t;

	tracee_stop(_metadata, t, 0, SIGTSTP);
	ASSERT_STATUS(id, STOP_STATUS(SIGTSTP), t->pid);
	expect_state(_metadata, t->pid, SIGTSTP, id);
	ASSERT_PTRACE(id, PTRACE_CONT, t->pid, 0);

	create(_metadata, t);
	ASSERT_STATUS(id, STOP_STATUS(SIGTSTP), t->tid[1]);
	EXPECT_CAUSE(id, CAUSE_GROUP | CAUSE_NOTIFY, t->tid[1]);
	ASSERT_PTRACE(id, PTRACE_CONT, t->tid[1], 0);
	ASSERT_STATUS(id, STOP_STATUS(SIGTSTP), t->tid[1]);
	expect_state(_metadata, t->tid[1], SIGTSTP, id);

	/* one is in a STOP trap, the other one in its clone trap */
	ASSERT_EQ(0, kill(t->pid, SIGCONT));
	ASSERT_STATUS(id, STOP_STATUS(SIGTRAP), t->tid[1]);
	expect_state(_metadata, t->tid[1], 0, id);
	EXPECT_NO_STATUS(id, t->pid);
	ASSERT_PTRACE(id, PTRACE_CONT, t->pid, 0);
	ASSERT_STATUS(id, STOP_STATUS(SIGTRAP), t->pid);
	expect_state(_metadata, t->pid, 0, id);
	tracee_run(_metadata, t, 0, 0, id);
	tracee_run(_metadata, t, 1, 0, id);
}

/* Fails if a new thread is not in notify mode, or is told of a stop if none is. */
TEST_F(created, notify_threads_attached_automatically)
{
	static const char id[] = "notify-threads";
	struct tracee *t = &self->t;
	int i;

	create(_metadata, t);
	ASSERT_STATUS(id, STOP_STATUS(SIGTRAP), t->tid[1]);
	EXPECT_CAUSE("notify-cause", CAUSE_GROUP, t->tid[1]);
	tracee_run(_metadata, t, 1, 0, id);
	tracee_run(_metadata, t, 0, 0, id);

	/* it starts a stop, and is notified of it, as well as its creator */
	tracee_stop(_metadata, t, 1, SIGSTOP);
	for (i = 0; i < 2; i++) {
		ASSERT_STATUS(id, STOP_STATUS(SIGSTOP), t->tid[i]);
		EXPECT_CAUSE(id, CAUSE_GROUP | CAUSE_NOTIFY, t->tid[i]);
		expect_state(_metadata, t->tid[i], SIGSTOP, id);
	}
	ASSERT_EQ(0, kill(t->pid, SIGCONT));
	for (i = 0; i < 2; i++) {
		ASSERT_STATUS(id, STOP_STATUS(SIGTRAP), t->tid[i]);
		expect_state(_metadata, t->tid[i], 0, id);
	}
}

/* Fails if the trap of a process that was stopped before counts otherwise. */
TEST_F(created, notify_cause_attached_to_stopped)
{
	static const char id[] = "notify-cause";
	const pid_t pid = spawn(pause_forever, NULL);

	ASSERT_LT(0, pid);
	ASSERT_EQ(0, kill(pid, SIGSTOP));
	ASSERT_EQ(0, wait_task_state(pid, pid, "T"));
	ASSERT_EQ(0, sys_seize_notify(pid, 0));
	ASSERT_STATUS(id, STOP_STATUS(SIGSTOP), pid);
	EXPECT_CAUSE(id, CAUSE_GROUP, pid);
	expect_state(_metadata, pid, SIGSTOP, id);
	kill_and_reap(pid);
}

FIXTURE(leader) {
	struct tracee t;
};

FIXTURE_SETUP(leader)
{
	if (lacks_notify_mode(_metadata))
		return;
	tracee_start(_metadata, &self->t, 2, TRACEE_EXIT_1ST);
	ASSERT_EQ(0, sys_seize_notify(self->t.pid, PTRACE_O_TRACEEXIT));
}

FIXTURE_TEARDOWN(leader)
{
	tracee_end(&self->t);
}

/* Has the kernel warned, since it was started? Fails the test if it doesn't say. */
static bool kernel_warned(struct __test_metadata *_metadata)
{
	unsigned long taint = 0;
	FILE *f = fopen("/proc/sys/kernel/tainted", "re");

	ASSERT_TRUE(!!f);
	EXPECT_EQ(1, fscanf(f, "%lu", &taint));
	fclose(f);
	return taint & 1UL << 9;
}

/*
 * Fails, by a warning of the kernel, if a thread is taken to have a part in any group
 * stop of its process: a group leader that exits before the others, and is a zombie
 * until they have, still has the notification which came in its exit trap, and has no
 * part in the stop of the others.
 */
TEST_F(leader, notify_threads_exited_before)
{
	static const char id[] = "notify-threads";
	struct tracee *t = &self->t;
	const bool warned = kernel_warned(_metadata);
	int i;

	__atomic_store_n(&t->page->go, 1, __ATOMIC_RELEASE);
	ASSERT_STATUS(id, EVENT_STATUS(PTRACE_EVENT_EXIT), t->pid);
	ASSERT_EQ(0, kill(t->pid, SIGCONT));
	EXPECT_NO_STATUS(id, t->pid);
	ASSERT_PTRACE(id, PTRACE_CONT, t->pid, 0);
	ASSERT_EQ(0, wait_task_state(t->pid, t->pid, "Z"));

	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, kill(t->pid, SIGSTOP));
		ASSERT_EQ(0, wait_task_state(t->pid, t->tid[1], "T"));
		ASSERT_EQ(0, kill(t->pid, SIGCONT));
		ASSERT_EQ(0, wait_task_state(t->pid, t->tid[1], "S"));
	}
	EXPECT_NO_STATUS(id, t->pid);
	EXPECT_EQ(warned, kernel_warned(_metadata));
}

TEST_HARNESS_MAIN
