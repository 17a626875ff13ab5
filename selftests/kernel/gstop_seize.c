// SPDX-License-Identifier: GPL-2.0
/*
 * PTRACE_SEIZE with PTRACE_SEIZE_DEVEL: what it takes and refuses, what it does to a task
 * that runs and to one that is stopped, and who is in notify mode afterwards.
 */
#include "group_stop_trap.h"

TRACEE_FIXTURE(seize)

FIXTURE_SETUP(seize)
{
	NEED_NOTIFY_MODE();
	tracee_start(&self->t, 1, 0);
}

static const unsigned long modes[] = { 0, PTRACE_SEIZE_DEVEL };

/*
 * Is @t, which runs, in notify mode? Then SIGCONT makes it leave a STOP trap for another
 * one. @t is trapped afterwards, and has nothing to trap for.
 */
static bool in_notify_mode(struct tracee *t)
{
	struct __test_metadata *_metadata = t->test;
	bool notify;

	trap_by_interrupt(t, 0, 0);
	ASSERT_EQ(0, kill(t->pid, SIGCONT));
	ASSERT_EQ(0, settle(t->pid));
	notify = peek_status(t->pid);
	/* a plain tracee traps for SIGCONT when it is resumed */
	if (!notify)
		ASSERT_PTRACE(PTRACE_CONT, t->pid, 0);
	ASSERT_TRAP(STOP_STATUS(SIGTRAP), t, 0);
	ack(t, 0, 0);
	return notify;
}

/* Any unknown bit, and a non-zero addr, is EIO. The task is not attached to. */
TEST_F(seize, seize_optin_unknown_bits)
{
	static const unsigned long unknown[] = {
		0x100, 0x80000, 0x400000, 0x40000000, ~0UL,
#if __SIZEOF_LONG__ == 8
		1UL << 32, 1UL << 63,
#endif
	};
	struct tracee *t = &self->t;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(unknown); i++) {
		EXPECT_PTRACE_ERROR(EIO, PTRACE_SEIZE, t->pid, 0,
				    unknown[i] | PTRACE_SEIZE_DEVEL);
		EXPECT_PTRACE_ERROR(EIO, PTRACE_SEIZE, t->pid, 0,
				    unknown[i] | PTRACE_SEIZE_DEVEL | PTRACE_O_TRACEEXEC);
		EXPECT_PTRACE_ERROR(EIO, PTRACE_SEIZE, t->pid, unknown[i], PTRACE_SEIZE_DEVEL);
	}
	seize_all(t, PTRACE_SEIZE_DEVEL);
}

/*
 * A flag that was sign-extended has unknown bits: EIO. The kernel itself sign-extends the
 * argument of a 32-bit tracer, which must not notice.
 */
TEST_F(seize, seize_optin_sign_extended)
{
	const unsigned long extended = (long)(int)PTRACE_SEIZE_DEVEL;
	struct tracee *t = &self->t;

	if (sizeof(long) == 8) {
		EXPECT_PTRACE_ERROR(EIO, PTRACE_SEIZE, t->pid, 0, extended);
		EXPECT_PTRACE_ERROR(EIO, PTRACE_SEIZE, t->pid, 0, extended | PTRACE_O_TRACEEXIT);
		seize_all(t, PTRACE_SEIZE_DEVEL);
	} else {
		seize_all(t, extended | PTRACE_O_TRACEEXIT);
		EXPECT_TRUE(in_notify_mode(t));
	}
}

/* An already traced task can't be seized: EPERM. It stays in the mode that it is in. */
TEST_F(seize, seize_optin_already_traced)
{
	struct tracee *t = &self->t;
	unsigned int mode;

	for (mode = 0; mode < 2; mode++) {
		seize_all(t, modes[mode]);
		EXPECT_PTRACE_ERROR(EPERM, PTRACE_SEIZE, t->pid, 0, modes[0]);
		EXPECT_PTRACE_ERROR(EPERM, PTRACE_SEIZE, t->pid, 0, modes[1]);
		EXPECT_EQ(mode, in_notify_mode(t));
		detach_all(t);
	}
}

/*
 * Without the flag the siginfo of a STOP trap stays as it was, SIGCONT makes a tracee
 * trap only when it is resumed, or listens, and that trap clears the notification.
 */
TEST_F(seize, seize_plain_without_flag)
{
	struct tracee *t = &self->t;
	siginfo_t before, after;

	seize_all(t, 0);
	stop_all(t, SIGSTOP);
	EXPECT_CAUSE(0, t->pid);
	ASSERT_PTRACE(PTRACE_GETSIGINFO, t->pid, &before);
	EXPECT_EQ(SIGSTOP, before.si_signo);
	EXPECT_EQ(0, before.si_status);

	ASSERT_EQ(0, kill(t->pid, SIGCONT));
	ASSERT_EQ(0, settle(t->pid));
	EXPECT_NO_STATUS(t->pid);
	ASSERT_PTRACE(PTRACE_GETSIGINFO, t->pid, &after);
	EXPECT_EQ(0, memcmp(&before, &after, sizeof(before)));

	ASSERT_PTRACE(PTRACE_CONT, t->pid, 0);
	/* looking at the status by WNOWAIT does not take it */
	EXPECT_TRUE(wait_until(peek_status(t->pid)));
	ASSERT_TRAP(STOP_STATUS(SIGTRAP), t, 0);
	EXPECT_CAUSE(0, t->pid);
	run_all(t);

	interrupt_all(t, 0);
	listen_all(t);
	cont_all(t);
	run_all(t);
}

/* A tracee that is attached, not seized, has nothing of all that. */
TEST_F(seize, seize_plain_attached)
{
	struct tracee *t = &self->t;
	siginfo_t info;

	ASSERT_PTRACE(PTRACE_ATTACH, t->pid, 0);
	ASSERT_STATUS(SIGNAL_STATUS(SIGSTOP), t->pid);
	EXPECT_PTRACE_ERROR(EIO, PTRACE_INTERRUPT, t->pid, 0, 0);
	EXPECT_PTRACE_ERROR(EIO, PTRACE_LISTEN, t->pid, 0, 0);

	/* a group stop has no siginfo, and its end is not reported */
	ASSERT_PTRACE(PTRACE_CONT, t->pid, SIGSTOP);
	ASSERT_STATUS(SIGNAL_STATUS(SIGSTOP), t->pid);
	EXPECT_PTRACE_ERROR(EINVAL, PTRACE_GETSIGINFO, t->pid, 0, &info);
	EXPECT_PTRACE_ERROR(EIO, PTRACE_LISTEN, t->pid, 0, 0);
	ASSERT_EQ(0, kill(t->pid, SIGCONT));
	ASSERT_EQ(0, settle(t->pid));
	EXPECT_NO_STATUS(t->pid);
	EXPECT_CAUSE(0, t->pid);
	run_all(t);
}

/* Detach ends notify mode: a later plain seize is plain. */
TEST_F(seize, seize_inherit_ends_with_detach)
{
	static const int sequence[] = { 1, 0, 1, 1, 0, 0 };
	struct tracee *t = &self->t;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sequence); i++) {
		seize_all(t, modes[sequence[i]]);
		EXPECT_EQ(sequence[i], in_notify_mode(t));
		detach_all(t);
	}
}

/* PTRACE_SETOPTIONS does not know the flag, and neither sets nor clears the mode. */
TEST_F(seize, seize_inherit_setoptions)
{
	static const unsigned long options[] = {
		0, PTRACE_O_TRACEFORK, 0xff | PTRACE_O_EXITKILL,
	};
	struct tracee *t = &self->t;
	unsigned int mode, i;

	for (mode = 0; mode < 2; mode++) {
		seize_all(t, modes[mode]);
		for (i = 0; i < ARRAY_SIZE(options); i++) {
			EXPECT_EQ(mode, in_notify_mode(t));
			EXPECT_PTRACE_ERROR(EINVAL, PTRACE_SETOPTIONS, t->pid, 0,
					    options[i] | PTRACE_SEIZE_DEVEL);
			run_all(t);
			EXPECT_EQ(mode, in_notify_mode(t));
			ASSERT_PTRACE(PTRACE_SETOPTIONS, t->pid, options[i]);
			run_all(t);
		}
		EXPECT_EQ(mode, in_notify_mode(t));
		detach_all(t);
	}
}

/* A child attached automatically is in the mode of its parent. */
TEST_F(seize, seize_inherit_children)
{
	static const enum trap births[] = { TRAP_FORK, TRAP_VFORK, TRAP_CLONE };
	struct tracee *t = &self->t;
	unsigned int i, mode;
	pid_t child;

	for (i = 0; i < 2 * ARRAY_SIZE(births); i++) {
		mode = i % 2;
		tracee_end(t);
		tracee_start(t, 1, 0);
		seize_all(t, traps[births[i / 2]].option | modes[mode]);
		lead_into(t, births[i / 2]);
		child = sys_eventmsg(t->pid);
		ASSERT_STATUS(STOP_STATUS(SIGTRAP), child);
		EXPECT_CAUSE(mode ? CAUSE_GROUP : 0, child);

		/* see in_notify_mode() */
		ASSERT_EQ(0, syscall(SYS_tkill, child, SIGCONT));
		ASSERT_EQ(0, settle(child));
		EXPECT_EQ(mode ? STOP_STATUS(SIGTRAP) : 0, peek_status(child));
	}
}

/* Seizing a running tracee does not stop it: the first trap is that of an interrupt. */
TEST_F(seize, seize_quiet)
{
	struct tracee *t = &self->t;
	int flags;

	for (flags = 0; flags <= TRACEE_COUNT; flags++) {
		tracee_end(t);
		tracee_start(t, 3, flags);
		seize_all(t, PTRACE_SEIZE_DEVEL);
		EXPECT_ALL_RUN(t);
		interrupt_all(t, 0);
		EXPECT_CAUSE_ALL(CAUSE_INTERRUPT, t);
		/* there is no signal to take */
		run_all(t);
	}
}

/*
 * A stopped task is in a STOP trap when the request returns: WNOHANG finds it. It is not
 * notified of the stop: resumed without a look it runs.
 */
TEST_F(seize, seize_stopped_traps_at_once)
{
	static const int signals[] = { SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU };
	struct tracee *t = &self->t;
	unsigned int n;
	int i;

	tracee_end(t);
	tracee_start(t, 3, TRACEE_COUNT);
	for (n = 0; n < ARRAY_SIZE(signals); n++) {
		ASSERT_EQ(0, kill(t->pid, signals[n]));
		for_each_thread_of(t, i)
			EXPECT_THREAD_STATE('T', t->tid[i]);
		for_each_thread_of(t, i) {
			ASSERT_PTRACE(PTRACE_SEIZE, t->tid[i], PTRACE_SEIZE_DEVEL);
			EXPECT_EQ(STOP_STATUS(signals[n]), sys_wait(t->tid[i], WNOHANG));
			EXPECT_CAUSE(CAUSE_GROUP, t->tid[i]);
			if (n % 2)
				ack(t, i, signals[n]);
		}
		run_all(t);

		cont_all(t);
		ack_all(t, 0);
		detach_all(t);
	}
}

TEST_HARNESS_MAIN

