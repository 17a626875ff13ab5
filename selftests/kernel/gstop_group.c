// SPDX-License-Identifier: GPL-2.0
/*
 * Group stop notification of a process whose threads are not all traced, or come later:
 * the mate starts group stops, a thread creates another one.
 */
#include "group_stop_tracee.h"

TRACEE_FIXTURE(group)

FIXTURE_VARIANT(group) {
	int threads, flags, sig;
};

FIXTURE_VARIANT_ADD(group, one) { .threads = 1, .flags = TRACEE_COUNT, .sig = SIGSTOP };
FIXTURE_VARIANT_ADD(group, many) { .threads = 3, .sig = SIGTTOU };

FIXTURE_SETUP(group)
{
	NEED_NOTIFY_MODE();
	tracee_start_seized(&self->t, variant->threads, variant->flags | TRACEE_MATE);
}

/* A thread is notified of a group stop that it takes no signal for. */
TEST_F(group, notify_untraced_while_running)
{
	struct tracee *t = &self->t;

	start_stop_untraced(t, variant->sig);
	trap_all(t, variant->sig);
	EXPECT_CAUSE_ALL(CAUSE_GROUP | CAUSE_NOTIFY, t);
	ack_all(t, variant->sig);

	cont_all(t);
	ack_all(t, 0);
	run_all(t);
}

/* A thread in a STOP trap traps again for it. */
TEST_F(group, notify_untraced_while_trapped)
{
	struct tracee *t = &self->t;
	int round;

	interrupt_all(t, 0);
	for (round = 0; round < 3; round++) {
		start_stop_untraced(t, variant->sig);
		trap_all(t, variant->sig);
		EXPECT_CAUSE_ALL(CAUSE_GROUP | CAUSE_NOTIFY | CAUSE_INTERRUPT, t);
		ack_all(t, variant->sig);
		cont_all(t);
		ack_all(t, 0);
	}
}

/* The start of a group stop ends LISTEN. */
TEST_F(group, notify_listen_until_start)
{
	struct tracee *t = &self->t;

	interrupt_all(t, 0);
	listen_all(t);
	expect_listening(t);
	start_stop_untraced(t, variant->sig);
	trap_all(t, variant->sig);
	EXPECT_CAUSE_ALL(CAUSE_GROUP | CAUSE_NOTIFY | CAUSE_INTERRUPT, t);
	ack_all(t, variant->sig);
}

/*
 * After many changes the tracer is notified of the last one, and reads the final state.
 * No trap is reaped, and nothing acknowledged, before the last change.
 */
TEST_F(group, notify_merge_ends_with_last_state)
{
	struct tracee *t = &self->t;
	int i, changes, change, state;

	interrupt_all(t, 0);
	for (changes = 1; changes <= 6; changes++) {
		for (change = 0; change < changes; change++) {
			if (!(change & 1))
				start_stop_untraced(t, variant->sig);
			else
				ASSERT_EQ(0, kill(t->pid, SIGCONT));
		}
		state = changes & 1 ? variant->sig : 0;

		/* the re-trap for the last change may be under way: ack() waits for it */
		ack_all(t, state);
		trap_all(t, state);
		for_each_thread_of(t, i)
			EXPECT_NO_STATUS(t->tid[i]);

		if (state) {
			cont_all(t);
			ack_all(t, 0);
		}
	}
	run_all(t);
}

/*
 * A thread whose status has not been reaped traps again, too: the status would tell of a
 * stop that is over. What it trapped for is known.
 */
TEST_F(group, notify_retrap_not_waited_for)
{
	struct tracee *t = &self->t;
	int i;

	interrupt_all(t, 0);
	start_stop_untraced(t, variant->sig);
	ack_all(t, variant->sig);
	ASSERT_EQ(0, kill(t->pid, SIGCONT));
	/* until it has re-trapped a wait still finds the older status */
	for_each_thread_of(t, i)
		ASSERT_EQ(0, settle(t->tid[i]));
	trap_all(t, 0);
	ack_all(t, 0);
	run_all(t);
}

TRACEE_FIXTURE(single)

FIXTURE_SETUP(single)
{
	NEED_NOTIFY_MODE();
	tracee_start(&self->t, 1, 0);
}

/* The trap of a tracee that was stopped when it was attached: no notification. */
TEST_F(single, notify_cause_attached_to_stopped)
{
	struct tracee *t = &self->t;

	ASSERT_EQ(0, kill(t->pid, SIGSTOP));
	EXPECT_THREAD_STATE('T', t->pid);
	seize_all(t, PTRACE_SEIZE_DEVEL);
	trap_all(t, SIGSTOP);
	EXPECT_CAUSE_ALL(CAUSE_GROUP, t);
	ack_all(t, SIGSTOP);
}

/* Let thread 0, which runs, create thread 1. It is in its clone trap after that. */
static void create_thread(struct tracee *t)
{
	struct __test_metadata *_metadata = t->test;

	order(t, 0, ORDER_CLONE);
	ASSERT_TRAP(EVENT_STATUS(PTRACE_EVENT_CLONE), t, 0);
	t->tid[1] = sys_eventmsg(t->pid);
	t->nr = 2;
}

/* A thread that is created while a group stop is in effect is notified of it. */
TEST_F(single, notify_threads_created_in_stop)
{
	struct tracee *t = &self->t;

	seize_all(t, PTRACE_SEIZE_DEVEL | PTRACE_O_TRACECLONE);
	stop_all(t, SIGTSTP);
	ack_all(t, SIGTSTP);
	run_all(t);

	create_thread(t);
	ASSERT_TRAP(STOP_STATUS(SIGTSTP), t, 1);
	EXPECT_CAUSE(CAUSE_GROUP | CAUSE_NOTIFY, t->tid[1]);
	ASSERT_PTRACE(PTRACE_CONT, t->tid[1], 0);
	ASSERT_TRAP(STOP_STATUS(SIGTSTP), t, 1);
	ack(t, 1, SIGTSTP);

	/* one is in a STOP trap, the other one in its clone trap */
	ASSERT_EQ(0, kill(t->pid, SIGCONT));
	ASSERT_TRAP(STOP_STATUS(SIGTRAP), t, 1);
	ack(t, 1, 0);
	EXPECT_NO_STATUS(t->pid);
	ASSERT_PTRACE(PTRACE_CONT, t->pid, 0);
	ASSERT_TRAP(STOP_STATUS(SIGTRAP), t, 0);
	ack(t, 0, 0);
	run_all(t);
}

/*
 * A thread that is attached automatically is in notify mode. It is not told of a stop if
 * none is in effect. Whichever of the two starts one, both are notified.
 */
TEST_F(single, notify_threads_attached_automatically)
{
	struct tracee *t = &self->t;
	int starter;

	seize_all(t, PTRACE_SEIZE_DEVEL | PTRACE_O_TRACECLONE);
	create_thread(t);
	ASSERT_TRAP(STOP_STATUS(SIGTRAP), t, 1);
	EXPECT_CAUSE(CAUSE_GROUP, t->tid[1]);
	run_all(t);

	for (starter = 1; starter >= 0; starter--) {
		start_stop(t, starter, SIGSTOP);
		trap_all(t, SIGSTOP);
		EXPECT_CAUSE_ALL(CAUSE_GROUP | CAUSE_NOTIFY, t);
		ack_all(t, SIGSTOP);
		cont_all(t);
		ack_all(t, 0);
		run_all(t);
	}
}

TEST_HARNESS_MAIN

