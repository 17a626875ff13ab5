// SPDX-License-Identifier: GPL-2.0
/*
 * PTRACE_INTERRUPT of a tracee in notify mode: it has a flag of its own, no side effects,
 * and works whatever the tracee is doing.
 */
#include "group_stop_trap.h"

TRACEE_FIXTURE(running)

FIXTURE_VARIANT(running) {
	int threads, flags;
};

FIXTURE_VARIANT_ADD(running, one_counts) { .threads = 1, .flags = TRACEE_COUNT };
FIXTURE_VARIANT_ADD(running, one_sleeps) { .threads = 1 };
FIXTURE_VARIANT_ADD(running, many_count) { .threads = 3, .flags = TRACEE_COUNT };
FIXTURE_VARIANT_ADD(running, many_sleep) { .threads = 3 };

FIXTURE_SETUP(running)
{
	NEED_NOTIFY_MODE();
	tracee_start(&self->t, variant->threads, variant->flags);
}

/* For spawn(): the tracer of tracee @arg, which is not its parent. */
static void tracer_main(void *arg)
{
	char before[256], trapped[256], after[256];
	struct tracee *t = arg;
	struct __test_metadata *_metadata = t->test;
	int i, n;

	seize_all(t, PTRACE_SEIZE_DEVEL);
	for (n = 0; n < 3 * t->nr; n++) {
		i = n % t->nr;
		ASSERT_TRUE(read_signals(t->tid[i], before, sizeof(before)));
		trap_by_interrupt(t, i, 0);
		ASSERT_TRUE(read_signals(t->tid[i], trapped, sizeof(trapped)));
		ASSERT_STREQ(before, trapped);
		run_with(t, i, 0);
		ASSERT_TRUE(read_signals(t->tid[i], after, sizeof(after)));
		ASSERT_STREQ(before, after);
	}
}

/*
 * An interrupt changes no signal, and the real parent neither gets SIGCHLD for it nor has
 * anything to wait for. A system call goes on.
 */
TEST_F(running, interrupt_clean_signals_and_parent)
{
	struct tracee *t = &self->t;
	siginfo_t info;
	sigset_t set;
	pid_t tracer;
	int i;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	ASSERT_EQ(0, sigprocmask(SIG_BLOCK, &set, NULL));
	/* blocked in the tracee: pending for each thread, and for all */
	ASSERT_EQ(0, kill(t->pid, SIGCHLD));
	for_each_thread_of(t, i)
		ASSERT_EQ(0, sys_tgkill(t->pid, t->tid[i], SIGCHLD));

	tracer = spawn(tracer_main, t);
	ASSERT_LT(0, tracer);
	ASSERT_EQ(0, sys_wait(tracer, 0));
	/* of two, the first would stay */
	ASSERT_EQ(SIGCHLD, sigwaitinfo(&set, &info));
	EXPECT_EQ(tracer, info.si_pid);
	ASSERT_EQ(0, sys_waitid(t->pid, &info, WSTOPPED | WCONTINUED | WEXITED | WNOHANG));
	EXPECT_EQ(0, info.si_pid);

	for_each_thread_of(t, i) {
		if (variant->flags & TRACEE_COUNT)
			continue;
		order(t, i, ORDER_CLONE);
		EXPECT_TRUE(wait_until(tracee_count(t, i) == 1));
	}
}

/* Interrupted and detached, a tracee runs, and nothing is left for its next tracer. */
TEST_F(running, interrupt_detach_stays_running)
{
	struct tracee *t = &self->t;
	int i;

	seize_all(t, PTRACE_SEIZE_DEVEL);
	interrupt_all(t, 0);
	for_each_thread_of(t, i)
		ASSERT_PTRACE(PTRACE_INTERRUPT, t->tid[i], 0);
	detach_all(t);
	EXPECT_ALL_RUN(t);

	seize_all(t, 0);
	for_each_thread_of(t, i) {
		ASSERT_EQ(0, sys_tgkill(t->pid, t->tid[i], SIGUSR2));
		ASSERT_TRAP(SIGNAL_STATUS(SIGUSR2), t, i);
	}
}

/* A dying tracee does not trap for an interrupt, nor does a zombie: it can be reaped. */
TEST_F(running, interrupt_errors_dying)
{
	struct tracee *t = &self->t;
	int i;

	seize_all(t, PTRACE_SEIZE_DEVEL);
	ASSERT_EQ(0, kill(t->pid, SIGKILL));
	for_each_thread_of(t, i)
		ASSERT_TRUE(!sys_ptrace(PTRACE_INTERRUPT, t->tid[i], 0, NULL) || errno == ESRCH);
	for_each_thread_of(t, i) {
		EXPECT_THREAD_STATE('Z', t->tid[i]);
		ASSERT_TRUE(!sys_ptrace(PTRACE_INTERRUPT, t->tid[i], 0, NULL) || errno == ESRCH);
	}
	for (i = t->nr - 1; i >= 0; i--) {
		ASSERT_STATUS(SIGKILL, t->tid[i]);
		EXPECT_PTRACE_ERROR(ESRCH, PTRACE_INTERRUPT, t->tid[i], 0, 0);
	}
	t->pid = 0;
}

TRACEE_FIXTURE(trap)

FIXTURE_VARIANT(trap) {
	enum trap trap;
	int flags;
};

ADD_TRAP_VARIANTS(trap);
FIXTURE_VARIANT_ADD(trap, signal_many) { .trap = TRAP_SIGNAL, .flags = TRACEE_MATE };
FIXTURE_VARIANT_ADD(trap, exec_many) { .trap = TRAP_EXEC, .flags = TRACEE_MATE };
FIXTURE_VARIANT_ADD(trap, exit_many) { .trap = TRAP_EXIT, .flags = TRACEE_MATE };

FIXTURE_SETUP(trap)
{
	NEED_NOTIFY_MODE();
	NEED(variant->trap != TRAP_STEP || !lacks_single_step(), "%s", lacks_single_step());
	tracee_start(&self->t, 1, variant->flags);
	seize_all(&self->t, PTRACE_SEIZE_DEVEL | traps[variant->trap].option);
}

/*
 * A trap is not disturbed by interrupts. One more trap for all of them follows when it is
 * resumed, before the tracee runs a user instruction. A tracee that exits does not trap.
 */
TEST_F(trap, interrupt_any_state_trapped)
{
	struct snapshot before, after;
	struct tracee *t = &self->t;
	int i;

	lead_into(t, variant->trap);
	take_snapshot(t, &before);
	for (i = 0; i < 3; i++)
		ASSERT_PTRACE(PTRACE_INTERRUPT, t->pid, 0);
	expect_undisturbed(t, &before);

	release_child(t, variant->trap);
	ASSERT_PTRACE(PTRACE_CONT, t->pid, 0);
	if (variant->trap == TRAP_EXIT) {
		ASSERT_STATUS(TRACEE_EXIT_CODE << 8, t->pid);
		t->pid = 0;
		return;
	}
	ASSERT_STATUS(STOP_STATUS(SIGTRAP), t->pid);
	EXPECT_CAUSE(CAUSE_INTERRUPT, t->pid);
	take_snapshot(t, &after);
	EXPECT_EQ(before.where.ip, after.where.ip);
	EXPECT_EQ(before.where.sp, after.where.sp);
	run_on(t);
}

/* Detach drops an interrupt that is pending: the next tracer does not get a trap for it. */
TEST_F(trap, interrupt_detach_drops_pending)
{
	struct tracee *t = &self->t;

	lead_into(t, variant->trap);
	ASSERT_PTRACE(PTRACE_INTERRUPT, t->pid, 0);
	release_child(t, variant->trap);
	EXPECT_NO_STEP(t);
	ASSERT_PTRACE(PTRACE_DETACH, t->pid, 0);
	if (variant->trap == TRAP_EXIT) {
		ASSERT_STATUS(TRACEE_EXIT_CODE << 8, t->pid);
		t->pid = 0;
		return;
	}

	ASSERT_EQ(0, tracee_runs(t, 0));
	EXPECT_TRUE(wait_until(tracee_count(t, 0) == t->mark[0] + 1));
	seize_all(t, PTRACE_SEIZE_DEVEL);
	ASSERT_EQ(0, sys_tgkill(t->pid, t->pid, SIGUSR2));
	ASSERT_STATUS(SIGNAL_STATUS(SIGUSR2), t->pid);
}

/*
 * Any trap clears the flag of an interrupt, not only the STOP trap. Here the system call
 * exit comes first, before the tracee looks for STOP traps.
 */
TEST(interrupt_flag_cleared_by_any_trap)
{
	struct tracee tracee, *t = &tracee;

	NEED_NOTIFY_MODE();
	tracee_start(t, 1, 0);
	seize_all(t, PTRACE_SEIZE_DEVEL | PTRACE_O_TRACESYSGOOD);
	lead_into(t, TRAP_SYSCALL_ENTRY);
	ASSERT_PTRACE(PTRACE_INTERRUPT, t->pid, 0);
	ASSERT_PTRACE(PTRACE_SYSCALL, t->pid, 0);
	ASSERT_STATUS(SIGNAL_STATUS(SIGTRAP | 0x80), t->pid);
	run_on(t);
	tracee_end(t);
}

TRACEE_FIXTURE(stopped)

FIXTURE_VARIANT(stopped) {
	int threads, sig;
};

FIXTURE_VARIANT_ADD(stopped, one_stop) { .threads = 1, .sig = SIGSTOP };
FIXTURE_VARIANT_ADD(stopped, one_ttin) { .threads = 1, .sig = SIGTTIN };
FIXTURE_VARIANT_ADD(stopped, many_stop) { .threads = 3, .sig = SIGSTOP };
FIXTURE_VARIANT_ADD(stopped, many_ttou) { .threads = 3, .sig = SIGTTOU };

FIXTURE_SETUP(stopped)
{
	NEED_NOTIFY_MODE();
	tracee_start_seized(&self->t, variant->threads, TRACEE_COUNT);
	stop_all(&self->t, variant->sig);
}

/* A group stop is not taken for an interrupt, nor an interrupt for a group stop. */
TEST_F(stopped, interrupt_flag_is_not_group_stop)
{
	struct tracee *t = &self->t;

	EXPECT_CAUSE_ALL(CAUSE_GROUP | CAUSE_NOTIFY, t);
	ack_all(t, variant->sig);
	run_all(t);

	interrupt_all(t, variant->sig);
	EXPECT_CAUSE_ALL(CAUSE_INTERRUPT, t);
	ack_all(t, variant->sig);
}

/* One trap for both, a notification and an interrupt. */
TEST_F(stopped, interrupt_any_state_with_notification)
{
	struct tracee *t = &self->t;
	int i;

	for_each_thread_of(t, i) {
		ASSERT_PTRACE(PTRACE_INTERRUPT, t->tid[i], 0);
		ASSERT_PTRACE(PTRACE_CONT, t->tid[i], 0);
		ASSERT_STATUS(STOP_STATUS(variant->sig), t->tid[i]);
		EXPECT_CAUSE(CAUSE_NOTIFY | CAUSE_INTERRUPT, t->tid[i]);
	}
	EXPECT_NO_STEP(t);
	ack_all(t, variant->sig);
	run_all(t);
}

/* An interrupt ends listening, whether it comes after PTRACE_LISTEN or before it. */
TEST_F(stopped, interrupt_any_state_ends_listen)
{
	const unsigned long causes = CAUSE_GROUP | CAUSE_NOTIFY | CAUSE_INTERRUPT;
	struct tracee *t = &self->t;
	int i;

	ack_all(t, variant->sig);
	listen_all(t);
	expect_listening(t);
	for_each_thread_of(t, i) {
		ASSERT_PTRACE(PTRACE_INTERRUPT, t->tid[i], 0);
		ASSERT_STATUS(STOP_STATUS(variant->sig), t->tid[i]);
		EXPECT_CAUSE(causes, t->tid[i]);

		ASSERT_PTRACE(PTRACE_INTERRUPT, t->tid[i], 0);
		ASSERT_EQ(0, settle(t->tid[i]));
		EXPECT_NO_STATUS(t->tid[i]);
		ASSERT_PTRACE(PTRACE_LISTEN, t->tid[i], 0);
		ASSERT_STATUS(STOP_STATUS(variant->sig), t->tid[i]);
		EXPECT_CAUSE(causes, t->tid[i]);
	}
	EXPECT_NO_STEP(t);
	run_all(t);
}

/* A re-trap, which the tracer has not asked for, does not use up an interrupt. */
TEST_F(stopped, interrupt_any_state_survives_retrap)
{
	struct tracee *t = &self->t;
	int i;

	ack_all(t, variant->sig);
	for_each_thread_of(t, i)
		ASSERT_PTRACE(PTRACE_INTERRUPT, t->tid[i], 0);
	cont_all(t);
	ack_all(t, 0);
	for_each_thread_of(t, i) {
		EXPECT_CAUSE(CAUSE_GROUP | CAUSE_NOTIFY, t->tid[i]);
		ASSERT_PTRACE(PTRACE_CONT, t->tid[i], 0);
		ASSERT_STATUS(STOP_STATUS(SIGTRAP), t->tid[i]);
		EXPECT_CAUSE(CAUSE_INTERRUPT, t->tid[i]);
	}
	EXPECT_NO_STEP(t);
	run_all(t);
}

/* Interrupted and detached, a group-stopped tracee that was running goes on being stopped. */
TEST_F(stopped, interrupt_detach_stays_stopped)
{
	struct tracee *t = &self->t;
	int i;

	ack_all(t, variant->sig);
	run_all(t);
	for_each_thread_of(t, i) {
		trap_by_interrupt(t, i, variant->sig);
		ASSERT_PTRACE(PTRACE_DETACH, t->tid[i], 0);
		EXPECT_THREAD_STATE('T', t->tid[i]);
	}
	EXPECT_NO_STEP(t);
	ASSERT_EQ(0, kill(t->pid, SIGCONT));
	EXPECT_ALL_RUN(t);
}

/* For spawn(). */
static void be_traced(void *unused)
{
	sys_ptrace(PTRACE_TRACEME, 0, 0, NULL);
	raise(SIGSTOP);
	pause_forever(NULL);
}

/* A tracee that was not seized can't be interrupted: EIO. */
TEST(interrupt_errors_not_seized)
{
	int attach;
	pid_t pid;

	NEED_NOTIFY_MODE();
	for (attach = 0; attach < 2; attach++) {
		pid = spawn(attach ? pause_forever : be_traced, NULL);
		ASSERT_LT(0, pid);
		if (attach)
			ASSERT_PTRACE(PTRACE_ATTACH, pid, 0);
		ASSERT_STATUS(SIGNAL_STATUS(SIGSTOP), pid);
		EXPECT_PTRACE_ERROR(EIO, PTRACE_INTERRUPT, pid, 0, 0);
		ASSERT_PTRACE(PTRACE_CONT, pid, 0);
		EXPECT_THREAD_STATE('S', pid);
		EXPECT_PTRACE_ERROR(EIO, PTRACE_INTERRUPT, pid, 0, 0);
		EXPECT_NO_STATUS(pid);
		EXPECT_EQ('S', task_state(pid));
		kill_and_reap(pid);
	}
}

TEST_HARNESS_MAIN

