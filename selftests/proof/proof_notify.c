// SPDX-License-Identifier: GPL-2.0
/*
 * What ../kernel/gstop_notify.c leaves to be proven of group stop notification: threads that
 * are trapped before, a wait that sleeps, the signal after the trap for it, and a siginfo
 * that PTRACE_GET_SYSCALL_INFO must not believe; and a leader that exits before the others.
 */
#include "group_stop_tracee.h"

TRACEE_FIXTURE(notify)

FIXTURE_VARIANT(notify) {
	int threads, sig;
};

FIXTURE_VARIANT_ADD(notify, one_stop) { .threads = 1, .sig = SIGSTOP };
FIXTURE_VARIANT_ADD(notify, many_tstp) { .threads = 3, .sig = SIGTSTP };

FIXTURE_SETUP(notify)
{
	NEED_NOTIFY_MODE();
	tracee_start_seized(&self->t, variant->threads, TRACEE_COUNT);
}

/* A thread that is trapped when another one starts a group stop takes part in it. */
TEST_F(notify, notify_threads_trapped_before)
{
	struct tracee *t = &self->t;
	const int starter = t->nr - 1;
	int i;

	for (i = 0; i < starter; i++)
		trap_by_interrupt(t, i, 0);
	start_stop(t, starter, variant->sig);
	trap_all(t, variant->sig);
	for (i = 0; i < starter; i++)
		EXPECT_CAUSE(CAUSE_GROUP | CAUSE_NOTIFY | CAUSE_INTERRUPT, t->tid[i]);
	EXPECT_CAUSE(CAUSE_GROUP | CAUSE_NOTIFY, t->tid[starter]);
	ack_all(t, variant->sig);
	cont_all(t);
}

/* For spawn(): end the group stop of *@pid when our parent sleeps. */
static void cont_when_parent_sleeps(void *pid)
{
	kill(*(pid_t *)pid, wait_task_state(getppid(), "S") ? SIGKILL : SIGCONT);
}

/* A re-trap wakes up a blocking wait. waitid() reports it as CLD_TRAPPED. */
TEST_F(notify, notify_retrap_wakes_waiter)
{
	struct tracee *t = &self->t;
	siginfo_t info;
	pid_t sender;
	int i;

	stop_all(t, variant->sig);
	ack_all(t, variant->sig);

	sender = spawn(cont_when_parent_sleeps, &t->pid);
	ASSERT_LT(0, sender);
	for_each_thread_of(t, i) {
		ASSERT_EQ(0, sys_waitid(t->tid[i], &info, WSTOPPED | __WALL));
		EXPECT_EQ(t->tid[i], info.si_pid);
		EXPECT_EQ(CLD_TRAPPED, info.si_code);
		EXPECT_EQ(SIGTRAP | PTRACE_EVENT_STOP << 8, info.si_status);
	}
	ASSERT_EQ(0, sys_wait(sender, 0));
}

TRACEE_FIXTURE(notify_one)

FIXTURE_SETUP(notify_one)
{
	NEED_NOTIFY_MODE();
	tracee_start_seized(&self->t, 1, TRACEE_COUNT);
}

/* The SIGCONT that ends a group stop is delivered after the trap for the end. */
TEST_F(notify_one, notify_change_then_signal)
{
	struct tracee *t = &self->t;
	sigset_t none;

	stop_all(t, SIGSTOP);
	ack_all(t, SIGSTOP);
	sigemptyset(&none);
	ASSERT_EQ(0, sys_ptrace(PTRACE_SETSIGMASK, t->pid, 8, &none));
	cont_all(t);
	ack_all(t, 0);

	ASSERT_PTRACE(PTRACE_CONT, t->pid, 0);
	ASSERT_STATUS(SIGNAL_STATUS(SIGCONT), t->pid);
	run_with(t, 0, SIGCONT);
}

/* PTRACE_GET_SYSCALL_INFO does not believe a siginfo that was written in a STOP trap. */
TEST_F(notify_one, notify_forged_syscall_info)
{
	static const int codes[] = { SIGTRAP | 0x80, SIGTRAP | PTRACE_EVENT_SECCOMP << 8 };
	siginfo_t info = { .si_signo = SIGTRAP };
	struct tracee *t = &self->t;
	unsigned char call[64];
	unsigned int i;

	/* for any single cause: it must be none of PTRACE_EVENTMSG_* */
	stop_all(t, SIGSTOP);
	ASSERT_PTRACE(PTRACE_CONT, t->pid, 0);
	ASSERT_STATUS(STOP_STATUS(SIGSTOP), t->pid);
	EXPECT_CAUSE(CAUSE_NOTIFY, t->pid);

	for (i = 0; i < ARRAY_SIZE(codes); i++) {
		info.si_code = codes[i];
		ASSERT_PTRACE(PTRACE_SETSIGINFO, t->pid, &info);
		call[0] = 0x55;		/* the op, 0 is PTRACE_SYSCALL_INFO_NONE */
		ASSERT_LT(0, sys_ptrace(PTRACE_GET_SYSCALL_INFO, t->pid, sizeof(call), call));
		EXPECT_EQ(0, call[0]);
	}
}

/* No request on a tracee known to be trapped is ESRCH, however soon after a change. */
TEST_F(notify_one, notify_hidden_from_requests)
{
	struct tracee *t = &self->t;
	int round;

	interrupt_all(t, 0);
	for (round = 0; round < 200; round++) {
		ASSERT_EQ(0, kill(t->pid, SIGCONT));
		ack(t, 0, 0);
		ASSERT_STATUS(STOP_STATUS(SIGTRAP), t->pid);
	}
	EXPECT_NO_STEP(t);
}

/* Has the kernel warned since it was started? */
static bool kernel_warned(struct __test_metadata *_metadata)
{
	char tainted[32];

	ASSERT_TRUE(read_file("/proc/sys/kernel/tainted", tainted, sizeof(tainted)));
	return atol(tainted) & 1 << 9;
}

TRACEE_FIXTURE(leader)

FIXTURE_SETUP(leader)
{
	NEED_NOTIFY_MODE();
	NEED(!kernel_warned(_metadata), "the kernel has warned before");
	tracee_start(&self->t, 1, TRACEE_MATE);
}

/*
 * A thread that has exited has no part in the group stop of the others. This leader exits
 * first, and is a zombie until the mate has. The notification which came in its exit trap
 * is still pending. A kernel that looks for the leader's stop signal finds none, and warns.
 */
TEST_F(leader, notify_threads_exited_before)
{
	struct tracee *t = &self->t;
	const pid_t mate = t->tid[1];
	int round;

	seize_all(t, PTRACE_SEIZE_DEVEL | PTRACE_O_TRACEEXIT);
	order(t, 0, ORDER_EXIT);
	ASSERT_TRAP(EVENT_STATUS(PTRACE_EVENT_EXIT), t, 0);
	ASSERT_EQ(0, kill(t->pid, SIGCONT));
	EXPECT_NO_STATUS(t->pid);
	ASSERT_PTRACE(PTRACE_CONT, t->pid, 0);
	EXPECT_THREAD_STATE('Z', t->pid);

	for (round = 0; round < 3; round++) {
		ASSERT_EQ(0, kill(t->pid, SIGSTOP));
		EXPECT_THREAD_STATE('T', mate);
		ASSERT_EQ(0, kill(t->pid, SIGCONT));
		EXPECT_THREAD_STATE('S', mate);
	}
	EXPECT_EQ(0, sys_wait(t->pid, WNOHANG));
	EXPECT_FALSE(kernel_warned(_metadata));
}

TEST_HARNESS_MAIN
