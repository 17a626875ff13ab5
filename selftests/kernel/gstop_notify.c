// SPDX-License-Identifier: GPL-2.0
/*
 * Group stop notification of one process: what its tracer sees when a group stop starts
 * and ends, what PTRACE_GETSIGINFO and PTRACE_GETEVENTMSG say, and what keeps a
 * notification pending.
 */
#include "group_stop_tracee.h"

TRACEE_FIXTURE(notify)

FIXTURE_VARIANT(notify) {
	int threads, sig;
};

FIXTURE_VARIANT_ADD(notify, one_stop) { .threads = 1, .sig = SIGSTOP };
FIXTURE_VARIANT_ADD(notify, one_ttou) { .threads = 1, .sig = SIGTTOU };
FIXTURE_VARIANT_ADD(notify, many_stop) { .threads = 3, .sig = SIGSTOP };
FIXTURE_VARIANT_ADD(notify, many_tstp) { .threads = 3, .sig = SIGTSTP };

FIXTURE_SETUP(notify)
{
	NEED_NOTIFY_MODE();
	tracee_start_seized(&self->t, variant->threads, TRACEE_COUNT);
}

/* Each start and each end of a group stop gives one wait status. */
TEST_F(notify, notify_change_start_and_end)
{
	struct tracee *t = &self->t;
	int round;

	for (round = 0; round < 3; round++) {
		stop_all(t, variant->sig);
		ack_all(t, variant->sig);
		cont_all(t);
		ack_all(t, 0);
		run_all(t);
	}
}

/* A stop signal within a group stop starts another one. Threads that are trapped re-trap. */
TEST_F(notify, notify_change_other_stop_signal)
{
	const int sig = variant->sig == SIGSTOP ? SIGTSTP : SIGSTOP;
	struct tracee *t = &self->t;

	stop_all(t, variant->sig);
	ack_all(t, variant->sig);
	run_with(t, 0, 0);
	stop_all(t, sig);
	ack_all(t, sig);
	cont_all(t);
	ack_all(t, 0);
}

/* SIGCONT without a group stop notifies, unless a notification is pending already. */
TEST_F(notify, notify_change_cont_without_stop)
{
	struct tracee *t = &self->t;

	cont_all(t);
	ASSERT_EQ(0, kill(t->pid, SIGCONT));
	EXPECT_NO_RETRAP(t);
	ack_all(t, 0);
	cont_all(t);
}

/*
 * Only PTRACE_GETSIGINFO acknowledges. Resumed without it, by whatever request, a thread
 * traps again before it is in user space.
 */
TEST_F(notify, notify_sticky_until_getsiginfo)
{
	struct tracee *t = &self->t;
	int i, round;

	stop_all(t, variant->sig);
	for_each_thread_of(t, i) {
		for (round = 0; round < 3; round++) {
			ASSERT_PTRACE(PTRACE_CONT, t->tid[i], 0);
			ASSERT_STATUS(STOP_STATUS(variant->sig), t->tid[i]);
		}
	}
	EXPECT_NO_STEP(t);

	cont_all(t);
	for_each_thread_of(t, i) {
		ASSERT_PTRACE(PTRACE_SYSCALL, t->tid[i], 0);
		ASSERT_STATUS(STOP_STATUS(SIGTRAP), t->tid[i]);
		if (lacks_single_step())
			continue;
		ASSERT_PTRACE(PTRACE_SINGLESTEP, t->tid[i], 0);
		ASSERT_STATUS(STOP_STATUS(SIGTRAP), t->tid[i]);
	}
	EXPECT_NO_STEP(t);

	ack_all(t, 0);
	run_all(t);
}

/* Each thread is notified, the one that started the stop too, and acknowledges alone. */
TEST_F(notify, notify_threads_acknowledge_alone)
{
	struct tracee *t = &self->t;
	int i;

	stop_all(t, variant->sig);
	EXPECT_CAUSE_ALL(CAUSE_GROUP | CAUSE_NOTIFY, t);
	for_each_thread_of(t, i) {
		ASSERT_PTRACE(PTRACE_CONT, t->tid[i], 0);
		ASSERT_TRAP(STOP_STATUS(variant->sig), t, i);
		ack(t, i, variant->sig);
		run_with(t, i, 0);
	}

	cont_all(t);
	EXPECT_CAUSE(CAUSE_NOTIFY, t->pid);
}

/*
 * A tracee that runs while its group stop lasts is made to trap for the end of it. It
 * counts, and would not enter the kernel by itself.
 */
TEST_F(notify, notify_running_traps_by_itself)
{
	struct tracee *t = &self->t;

	stop_all(t, variant->sig);
	ack_all(t, variant->sig);
	run_all(t);

	cont_all(t);
	ack_all(t, 0);
	EXPECT_NO_STEP(t);
	run_all(t);
}

/* In a STOP trap each change gives one more wait status, and nothing else does. */
TEST_F(notify, notify_retrap_new_status)
{
	struct tracee *t = &self->t;

	interrupt_all(t, 0);
	ack_all(t, 0);

	/* there is no group stop before its signal is delivered */
	ASSERT_EQ(0, sys_tgkill(t->pid, t->pid, variant->sig));
	ASSERT_PTRACE(PTRACE_CONT, t->pid, 0);
	ASSERT_STATUS(SIGNAL_STATUS(variant->sig), t->pid);
	EXPECT_NO_RETRAP(t);
	ASSERT_PTRACE(PTRACE_CONT, t->pid, variant->sig);
	trap_all(t, variant->sig);
	EXPECT_NO_RETRAP(t);
	cont_all(t);
	EXPECT_NO_RETRAP(t);
}

/* PTRACE_LISTEN lasts until the group stop ends. */
TEST_F(notify, notify_listen_until_change)
{
	struct tracee *t = &self->t;

	stop_all(t, variant->sig);
	ack_all(t, variant->sig);
	listen_all(t);
	expect_listening(t);
	cont_all(t);
	ack_all(t, 0);
	run_all(t);
}

/* With a notification pending PTRACE_LISTEN re-traps at once. */
TEST_F(notify, notify_listen_with_notification_pending)
{
	struct tracee *t = &self->t;

	stop_all(t, variant->sig);
	listen_all(t);
	trap_all(t, variant->sig);
	ack_all(t, variant->sig);
	listen_all(t);
	expect_listening(t);
	cont_all(t);
}

/* Each cause is reported, for one trap only. */
TEST_F(notify, notify_cause_of_each_trap)
{
	struct tracee *t = &self->t;
	int i;

	interrupt_all(t, 0);
	EXPECT_CAUSE_ALL(CAUSE_INTERRUPT, t);
	run_all(t);

	stop_all(t, variant->sig);
	for_each_thread_of(t, i) {
		EXPECT_CAUSE(CAUSE_GROUP | CAUSE_NOTIFY, t->tid[i]);
		/* it traps again, as it was not acknowledged, but does not stop again */
		ASSERT_PTRACE(PTRACE_CONT, t->tid[i], 0);
		ASSERT_TRAP(STOP_STATUS(variant->sig), t, i);
		EXPECT_CAUSE(CAUSE_NOTIFY, t->tid[i]);
	}
	ack_all(t, variant->sig);
	run_all(t);

	cont_all(t);
	EXPECT_CAUSE_ALL(CAUSE_NOTIFY, t);
}

/* A re-trap, and the end of listening, adds to the causes. Resuming the tracee empties them. */
TEST_F(notify, notify_cause_adds_up)
{
	struct tracee *t = &self->t;

	stop_all(t, variant->sig);
	ack_all(t, variant->sig);
	run_all(t);

	trap_by_interrupt(t, 0, variant->sig);
	EXPECT_CAUSE(CAUSE_INTERRUPT, t->pid);
	cont_all(t);
	EXPECT_CAUSE(CAUSE_INTERRUPT | CAUSE_NOTIFY, t->pid);
	ack(t, 0, 0);
	EXPECT_CAUSE(CAUSE_INTERRUPT | CAUSE_NOTIFY, t->pid);
	run_with(t, 0, 0);

	trap_by_interrupt(t, 0, 0);
	EXPECT_CAUSE(CAUSE_INTERRUPT, t->pid);
	ASSERT_PTRACE(PTRACE_LISTEN, t->pid, 0);
	ASSERT_EQ(0, kill(t->pid, SIGCONT));
	ASSERT_STATUS(STOP_STATUS(SIGTRAP), t->pid);
	EXPECT_CAUSE(CAUSE_INTERRUPT | CAUSE_NOTIFY, t->pid);
}

TRACEE_FIXTURE(notify_one)

FIXTURE_SETUP(notify_one)
{
	NEED_NOTIFY_MODE();
	tracee_start_seized(&self->t, 1, TRACEE_COUNT);
}

/* ack(), and every byte of the siginfo is as it should be. */
static void ack_every_byte(struct tracee *t, int sig)
{
	struct __test_metadata *_metadata = t->test;
	siginfo_t info, want;

	memset(&info, 0x55, sizeof(info));
	memset(&want, 0, sizeof(want));
	want.si_signo = sig ? sig : SIGTRAP;
	want.si_code = want.si_signo | PTRACE_EVENT_STOP << 8;
	want.si_pid = t->pid;
	want.si_uid = getuid();
	want.si_status = sig;

	ASSERT_PTRACE(PTRACE_GETSIGINFO, t->pid, &info);
	EXPECT_EQ(0, memcmp(&want, &info, sizeof(info)));
	ack(t, 0, sig);
}

/* A 32-bit tracer may set the flag, and gets every field. So does a 64-bit one. */
TEST_F(notify_one, notify_compat_every_field)
{
	static const int signals[] = { SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU };
	struct tracee *t = &self->t;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(signals); i++) {
		stop_all(t, signals[i]);
		ack_every_byte(t, signals[i]);
		cont_all(t);
		EXPECT_CAUSE(CAUSE_GROUP | CAUSE_NOTIFY, t->pid);
		ack_every_byte(t, 0);
		run_all(t);
	}
}

/*
 * PTRACE_GETSIGINFO reports the state at the time of the call, whatever the trap is for
 * and whatever siginfo PTRACE_SETSIGINFO left there.
 */
TEST_F(notify_one, notify_state_of_now)
{
	struct tracee *t = &self->t;
	siginfo_t stopped, running;

	interrupt_all(t, 0);
	ASSERT_PTRACE(PTRACE_GETSIGINFO, t->pid, &running);
	run_all(t);

	stop_all(t, SIGTTIN);
	ASSERT_PTRACE(PTRACE_GETSIGINFO, t->pid, &stopped);
	ASSERT_PTRACE(PTRACE_SETSIGINFO, t->pid, &running);
	ack(t, 0, SIGTTIN);
	run_all(t);

	interrupt_all(t, SIGTTIN);
	ack(t, 0, SIGTTIN);
	cont_all(t);
	ASSERT_PTRACE(PTRACE_SETSIGINFO, t->pid, &stopped);
	ack(t, 0, 0);
}

/*
 * A signal-delivery-stop with the siginfo of a STOP trap is not a STOP trap: there is no
 * listening, no re-trap, no live state, and nothing is acknowledged.
 */
TEST_F(notify_one, notify_forged_other_trap)
{
	siginfo_t seen, info = {
		.si_signo = SIGTRAP,
		.si_code = SIGTRAP | PTRACE_EVENT_STOP << 8,
	};
	struct tracee *t = &self->t;

	info.si_pid = 1234;
	ASSERT_EQ(0, kill(t->pid, SIGUSR1));
	ASSERT_STATUS(SIGNAL_STATUS(SIGUSR1), t->pid);
	ASSERT_PTRACE(PTRACE_SETSIGINFO, t->pid, &info);
	EXPECT_PTRACE_ERROR(EIO, PTRACE_LISTEN, t->pid, 0, 0);
	ASSERT_EQ(0, kill(t->pid, SIGCONT));
	EXPECT_NO_RETRAP(t);
	ASSERT_PTRACE(PTRACE_GETSIGINFO, t->pid, &seen);
	EXPECT_EQ(1234, seen.si_pid);
	EXPECT_CAUSE(0, t->pid);

	ASSERT_PTRACE(PTRACE_CONT, t->pid, 0);
	ASSERT_STATUS(STOP_STATUS(SIGTRAP), t->pid);
	EXPECT_CAUSE(CAUSE_NOTIFY, t->pid);
	ack(t, 0, 0);
	run_all(t);
}

/* A STOP trap with the siginfo of a signal is still one. */
TEST_F(notify_one, notify_forged_stop_trap)
{
	const siginfo_t info = { .si_signo = SIGUSR1, .si_code = SI_USER };
	struct tracee *t = &self->t;

	stop_all(t, SIGSTOP);
	ASSERT_PTRACE(PTRACE_SETSIGINFO, t->pid, &info);
	ack_all(t, SIGSTOP);
	ASSERT_PTRACE(PTRACE_SETSIGINFO, t->pid, &info);
	cont_all(t);
	ASSERT_PTRACE(PTRACE_SETSIGINFO, t->pid, &info);
	ack_all(t, 0);

	ASSERT_PTRACE(PTRACE_SETSIGINFO, t->pid, &info);
	listen_all(t);
	cont_all(t);
	ack_all(t, 0);
	run_all(t);
}

/* A PTRACE_GETSIGINFO that fails acknowledges nothing. */
TEST_F(notify_one, notify_ack_bad_address)
{
	struct tracee *t = &self->t;
	void *bad[] = { NULL, (void *)-1, shared_page() };
	unsigned int i;

	ASSERT_EQ(0, mprotect(bad[2], getpagesize(), PROT_READ));
	stop_all(t, SIGSTOP);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_PTRACE_ERROR(EFAULT, PTRACE_GETSIGINFO, t->pid, 0, bad[i]);
		ASSERT_PTRACE(PTRACE_CONT, t->pid, 0);
		ASSERT_STATUS(STOP_STATUS(SIGSTOP), t->pid);
		EXPECT_CAUSE(CAUSE_NOTIFY, t->pid);
	}
	EXPECT_NO_STEP(t);
	ack_all(t, SIGSTOP);
	run_all(t);
}

TEST_HARNESS_MAIN

