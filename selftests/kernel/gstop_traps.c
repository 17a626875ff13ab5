// SPDX-License-Identifier: GPL-2.0
/*
 * Group stop notification of a tracee in a trap that is not a STOP trap. Nothing of that
 * trap is disturbed. The STOP trap follows when it is resumed, before the tracee runs a
 * user instruction. In execve(), that is before the new program runs.
 */
#include "group_stop_trap.h"

TRACEE_FIXTURE(trap)

FIXTURE_VARIANT(trap) {
	enum trap trap;
};

ADD_TRAP_VARIANTS(trap);

FIXTURE_SETUP(trap)
{
	NEED_NOTIFY_MODE();
	NEED(variant->trap != TRAP_STEP || !lacks_single_step(), "%s", lacks_single_step());
	tracee_start(&self->t, 1, TRACEE_CONT);
	seize_all(&self->t, PTRACE_SEIZE_DEVEL | traps[variant->trap].option);
}

/*
 * The end of a group stop does not wake the tracee up from another trap. It is neither
 * lost with that trap nor acknowledged by its PTRACE_GETSIGINFO. A tracee that exits does
 * not trap any more.
 */
TEST_F(trap, notify_other_trap_end_of_stop)
{
	struct tracee *t = &self->t;
	struct snapshot snap;

	stop_all(t, SIGSTOP);
	ack_all(t, SIGSTOP);
	run_all(t);
	lead_into(t, variant->trap);
	take_snapshot(t, &snap);
	/* a new thread has its part in the stop, and stays there */
	if (variant->trap != TRAP_CLONE)
		release_child(t, variant->trap);

	ASSERT_EQ(0, kill(t->pid, SIGCONT));
	expect_undisturbed(t, &snap);

	ASSERT_PTRACE(PTRACE_CONT, t->pid, 0);
	if (variant->trap == TRAP_EXIT) {
		ASSERT_STATUS(TRACEE_EXIT_CODE << 8, t->pid);
		t->pid = 0;
		return;
	}
	ASSERT_STATUS(STOP_STATUS(SIGTRAP), t->pid);
	EXPECT_CAUSE(CAUSE_NOTIFY, t->pid);
	ack(t, 0, 0);
	/* SIGCONT itself is still there */
	ASSERT_PTRACE(PTRACE_CONT, t->pid, 0);
	ASSERT_STATUS(SIGNAL_STATUS(SIGCONT), t->pid);
	run_on(t);
}

TRACEE_FIXTURE(thread_trap)

FIXTURE_VARIANT(thread_trap) {
	enum trap trap;
};

ADD_THREAD_TRAP_VARIANTS(thread_trap);

FIXTURE_SETUP(thread_trap)
{
	NEED_NOTIFY_MODE();
	NEED(variant->trap != TRAP_STEP || !lacks_single_step(), "%s", lacks_single_step());
	tracee_start(&self->t, 1, TRACEE_MATE);
	seize_all(&self->t, PTRACE_SEIZE_DEVEL | traps[variant->trap].option);
}

/*
 * The start of a group stop, by a thread that is not traced, neither wakes the tracee up from
 * another trap nor is lost with it.
 */
TEST_F(thread_trap, notify_other_trap_start_of_stop)
{
	struct tracee *t = &self->t;
	struct snapshot snap;

	lead_into(t, variant->trap);
	take_snapshot(t, &snap);
	release_child(t, variant->trap);

	start_stop_untraced(t, SIGSTOP);
	expect_undisturbed(t, &snap);

	ASSERT_PTRACE(PTRACE_CONT, t->pid, 0);
	ASSERT_STATUS(STOP_STATUS(SIGSTOP), t->pid);
	EXPECT_CAUSE(CAUSE_GROUP | CAUSE_NOTIFY, t->pid);
	ack(t, 0, SIGSTOP);
	run_on(t);
}

TRACEE_FIXTURE(two_traps)

FIXTURE_VARIANT(two_traps) {
	enum trap trap;
};

/* a system call stop follows these, before the tracee looks for STOP traps */
FIXTURE_VARIANT_ADD(two_traps, syscall_entry) { .trap = TRAP_SYSCALL_ENTRY };
FIXTURE_VARIANT_ADD(two_traps, seccomp) { .trap = TRAP_SECCOMP };
FIXTURE_VARIANT_ADD(two_traps, exec) { .trap = TRAP_EXEC };
FIXTURE_VARIANT_ADD(two_traps, fork) { .trap = TRAP_FORK };

FIXTURE_SETUP(two_traps)
{
	NEED_NOTIFY_MODE();
	tracee_start(&self->t, 1, 0);
	seize_all(&self->t, PTRACE_SEIZE_DEVEL | PTRACE_O_TRACESYSGOOD |
			    traps[variant->trap].option);
}

/* A notification lasts over two other traps, and PTRACE_GETSIGINFO in both. */
TEST_F(two_traps, notify_sticky_over_next_trap)
{
	struct tracee *t = &self->t;
	struct snapshot snap;

	lead_into(t, variant->trap);
	release_child(t, variant->trap);
	ASSERT_EQ(0, kill(t->pid, SIGCONT));
	take_snapshot(t, &snap);

	ASSERT_PTRACE(PTRACE_SYSCALL, t->pid, 0);
	ASSERT_STATUS(SIGNAL_STATUS(SIGTRAP | 0x80), t->pid);
	take_snapshot(t, &snap);

	ASSERT_PTRACE(PTRACE_CONT, t->pid, 0);
	ASSERT_STATUS(STOP_STATUS(SIGTRAP), t->pid);
	EXPECT_CAUSE(CAUSE_NOTIFY, t->pid);
	ack(t, 0, 0);
	run_on(t);
}

TRACEE_FIXTURE(exec)

FIXTURE_VARIANT(exec) {
	int flags;		/* the mate has to die first */
	bool in_event;		/* change in the trap for PTRACE_EVENT_EXEC; else on entry */
	bool no_event;		/* without PTRACE_O_TRACEEXEC */
	bool stop;		/* a group stop starts, by the mate; else SIGCONT */
};

FIXTURE_VARIANT_ADD(exec, one) { .flags = 0 };
FIXTURE_VARIANT_ADD(exec, one_no_event) { .no_event = true };
FIXTURE_VARIANT_ADD(exec, one_in_event) { .in_event = true };
FIXTURE_VARIANT_ADD(exec, many) { .flags = TRACEE_MATE };
FIXTURE_VARIANT_ADD(exec, many_no_event) { .flags = TRACEE_MATE, .no_event = true };
FIXTURE_VARIANT_ADD(exec, many_in_event) { .flags = TRACEE_MATE, .in_event = true };
FIXTURE_VARIANT_ADD(exec, many_stop) { .flags = TRACEE_MATE, .stop = true };
FIXTURE_VARIANT_ADD(exec, many_stop_no_event) {
	.flags = TRACEE_MATE, .stop = true, .no_event = true,
};

FIXTURE_SETUP(exec)
{
	NEED_NOTIFY_MODE();
	tracee_start(&self->t, 1, variant->flags);
	seize_all(&self->t, PTRACE_SEIZE_DEVEL | PTRACE_O_TRACESYSGOOD |
			    (variant->no_event ? 0 : PTRACE_O_TRACEEXEC));
}

/* Lead thread 0 to where it calls execve(). */
static void lead_to_execve(struct tracee *t)
{
	struct __test_metadata *_metadata = t->test;

	order(t, 0, ORDER_TRAP + TRAP_EXEC);
	ASSERT_TRAP(SIGNAL_STATUS(SIGUSR1), t, 0);
	ASSERT_PTRACE(PTRACE_SYSCALL, t->pid, 0);
	ASSERT_TRAP(SIGNAL_STATUS(SIGTRAP | 0x80), t, 0);
}

/* Resume @t, whose new program runs, and is in notify mode: SIGCONT makes it trap again. */
static void run_on_in_notify_mode(struct tracee *t)
{
	run_on(t);
	interrupt_all(t, 0);
	cont_all(t);
	ack_all(t, 0);
	run_all(t);
}

/* Change the group stop state of @t, which is in a trap: the mate stops, or SIGCONT. */
static void change(struct tracee *t, bool stop)
{
	struct __test_metadata *_metadata = t->test;

	if (stop)
		start_stop_untraced(t, SIGSTOP);
	else
		ASSERT_EQ(0, kill(t->pid, SIGCONT));
	EXPECT_NO_STATUS(t->pid);
}

/*
 * execve() keeps notify mode, and a notification that came before it is done. The other
 * threads die meanwhile, which clears other pending traps, and with them ends the group
 * stop that one of them has started. The new program does not run before the STOP trap.
 */
TEST_F(exec, end_exec_keeps_notification)
{
	struct tracee *t = &self->t;

	lead_to_execve(t);
	if (!variant->in_event)
		change(t, variant->stop);
	ASSERT_PTRACE(PTRACE_CONT, t->pid, 0);
	if (!variant->no_event) {
		ASSERT_STATUS(EVENT_STATUS(PTRACE_EVENT_EXEC), t->pid);
		if (variant->in_event)
			change(t, variant->stop);
		ASSERT_PTRACE(PTRACE_CONT, t->pid, 0);
	}
	ASSERT_STATUS(STOP_STATUS(SIGTRAP), t->pid);
	EXPECT_CAUSE(CAUSE_NOTIFY, t->pid);
	if (variant->flags & TRACEE_MATE)
		EXPECT_EQ(0, task_state(t->tid[1]));
	ack(t, 0, 0);
	run_on_in_notify_mode(t);
}

TRACEE_FIXTURE(exec_other)

FIXTURE_SETUP(exec_other)
{
	NEED_NOTIFY_MODE();
	tracee_start(&self->t, 2, 0);
}

/*
 * The tracer knows of a group stop and has resumed the tracee, which calls execve()
 * before the other thread, in another trap, has stopped. That the stop is over is a
 * change like any other, though no SIGCONT came.
 */
TEST_F(exec_other, end_exec_ends_stop_that_is_known)
{
	struct tracee *t = &self->t;
	siginfo_t info;

	seize_all(t, PTRACE_SEIZE_DEVEL | PTRACE_O_TRACESYSGOOD);
	ASSERT_EQ(0, sys_tgkill(t->pid, t->tid[1], SIGUSR1));
	ASSERT_TRAP(SIGNAL_STATUS(SIGUSR1), t, 1);
	start_stop(t, 0, SIGSTOP);
	ASSERT_TRAP(STOP_STATUS(SIGSTOP), t, 0);
	ack(t, 0, SIGSTOP);
	run_with(t, 0, 0);

	lead_to_execve(t);
	ASSERT_PTRACE(PTRACE_CONT, t->pid, 0);
	/* execve() waits until the other thread, which exits with 0, is reaped */
	ASSERT_EQ(0, sys_waitid(t->tid[1], &info, WEXITED | __WALL));
	EXPECT_EQ(CLD_EXITED, info.si_code);
	ASSERT_STATUS(STOP_STATUS(SIGTRAP), t->pid);
	EXPECT_CAUSE(CAUSE_NOTIFY, t->pid);
	ack(t, 0, 0);
	run_on(t);
}

/* execve() by a thread that is not the leader gives it the leader's pid, no more. */
TEST_F(exec_other, end_exec_by_thread)
{
	struct tracee *t = &self->t;

	ASSERT_PTRACE(PTRACE_SEIZE, t->tid[1], PTRACE_SEIZE_DEVEL | PTRACE_O_TRACEEXEC);
	order(t, 1, ORDER_EXEC);
	ASSERT_TRAP(EVENT_STATUS(PTRACE_EVENT_EXEC), t, 0);
	EXPECT_EQ((unsigned long)t->tid[1], sys_eventmsg(t->pid));
	t->nr = 1;

	ASSERT_EQ(0, kill(t->pid, SIGCONT));
	ASSERT_PTRACE(PTRACE_CONT, t->pid, 0);
	ASSERT_STATUS(STOP_STATUS(SIGTRAP), t->pid);
	EXPECT_CAUSE(CAUSE_NOTIFY, t->pid);
	ack(t, 0, 0);
	run_on_in_notify_mode(t);
}

/*
 * PTRACE_INTERRUPT of a tracee that is about to call execve(), with no trap in between:
 * it traps before the new program runs.
 */
TEST_F(exec_other, end_exec_interrupt_any_state)
{
	struct tracee *t = &self->t;

	ASSERT_PTRACE(PTRACE_SEIZE, t->pid, PTRACE_SEIZE_DEVEL | PTRACE_O_TRACESYSGOOD);
	t->nr = 1;
	lead_to_execve(t);
	ASSERT_PTRACE(PTRACE_INTERRUPT, t->pid, 0);
	EXPECT_NO_STATUS(t->pid);
	ASSERT_PTRACE(PTRACE_CONT, t->pid, 0);
	ASSERT_STATUS(STOP_STATUS(SIGTRAP), t->pid);
	EXPECT_CAUSE(CAUSE_INTERRUPT, t->pid);
	run_on(t);
}

TEST_HARNESS_MAIN
