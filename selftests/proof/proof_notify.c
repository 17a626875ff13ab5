// SPDX-License-Identifier: GPL-2.0
/*
 * Group stop notification, PTRACE_SEIZE_DEVEL: what the tracer of a whole process
 * sees when a group stop starts and ends, with each stop signal, and for one
 * thread as well as for many. The one counts in user space, so that it can't run
 * unseen, the many sleep.
 *
 * SIGCONT is blocked: it ends a group stop all the same, and no
 * signal-delivery-stop for it gets between the traps that are looked at.
 */
#include "../kselftest_harness.h"
#include "old/group_stop_notify.h"

FIXTURE(notify) {
	struct tracee t;
};

FIXTURE_VARIANT(notify) {
	int threads;
	int starter;		/* the thread that the stop signal is sent to */
	int sig;
};

FIXTURE_VARIANT_ADD(notify, one_stop) { .threads = 1, .sig = SIGSTOP };
FIXTURE_VARIANT_ADD(notify, one_tstp) { .threads = 1, .sig = SIGTSTP };
FIXTURE_VARIANT_ADD(notify, one_ttin) { .threads = 1, .sig = SIGTTIN };
FIXTURE_VARIANT_ADD(notify, one_ttou) { .threads = 1, .sig = SIGTTOU };

FIXTURE_VARIANT_ADD(notify, many_stop) {
	.threads = 4, .starter = 0, .sig = SIGSTOP,
};

FIXTURE_VARIANT_ADD(notify, many_tstp) {
	.threads = 4, .starter = 3, .sig = SIGTSTP,
};

FIXTURE_VARIANT_ADD(notify, many_ttin) {
	.threads = 4, .starter = 0, .sig = SIGTTIN,
};

FIXTURE_VARIANT_ADD(notify, many_ttou) {
	.threads = 4, .starter = 3, .sig = SIGTTOU,
};

FIXTURE_SETUP(notify)
{
	if (lacks_notify_mode(_metadata))
		return;
	tracee_start(_metadata, &self->t, variant->threads, TRACEE_BLOCK_CONT |
		     (variant->threads == 1 ? TRACEE_COUNT : TRACEE_PAUSE));
	tracee_seize(_metadata, &self->t, 0, 0);
}

FIXTURE_TEARDOWN(notify)
{
	tracee_end(&self->t);
}

/* Start a group stop, and pass the trap of each thread; nothing acknowledged. */
static void stop_all(struct __test_metadata *_metadata, struct tracee *t,
		     int starter, int sig, const char *id)
{
	int i;

	tracee_stop(_metadata, t, starter, sig);
	for (i = 0; i < t->nr; i++)
		ASSERT_STATUS(id, STOP_STATUS(sig), t->tid[i]);
}

/* End it. */
static void cont_all(struct __test_metadata *_metadata, struct tracee *t,
		     const char *id)
{
	int i;

	ASSERT_EQ(0, kill(t->pid, SIGCONT));
	for (i = 0; i < t->nr; i++)
		ASSERT_STATUS(id, STOP_STATUS(SIGTRAP), t->tid[i]);
}

/* Acknowledge the notification of each thread. */
static void ack_all(struct __test_metadata *_metadata, struct tracee *t,
		    int stop_sig, const char *id)
{
	int i;

	for (i = 0; i < t->nr; i++)
		expect_state(_metadata, t->tid[i], stop_sig, id);
}

/* Resume all threads, and see that they run. */
static void run_all(struct __test_metadata *_metadata, struct tracee *t,
		    const char *id)
{
	int i;

	for (i = 0; i < t->nr; i++)
		tracee_run(_metadata, t, i, 0, id);
}

/* Fails if a start or an end does not notify, or with a wrong wait status. */
TEST_F(notify, notify_change_start_and_end)
{
	static const char id[] = "notify-change";
	int round;

	for (round = 0; round < 3; round++) {
		stop_all(_metadata, &self->t, variant->starter, variant->sig, id);
		ack_all(_metadata, &self->t, variant->sig, id);
		cont_all(_metadata, &self->t, id);
		ack_all(_metadata, &self->t, 0, id);
		run_all(_metadata, &self->t, id);
	}
}

/* Fails if a stop that starts within a stop does not notify. */
TEST_F(notify, notify_change_other_stop_signal)
{
	static const char id[] = "notify-change";
	const int sig = variant->sig == SIGSTOP ? SIGTSTP : SIGSTOP;
	int i;

	stop_all(_metadata, &self->t, variant->starter, variant->sig, id);
	ack_all(_metadata, &self->t, variant->sig, id);

	/* one thread runs, and stops its group once more; the others re-trap */
	tracee_run(_metadata, &self->t, variant->starter, 0, id);
	tracee_stop(_metadata, &self->t, variant->starter, sig);
	for (i = 0; i < self->t.nr; i++)
		ASSERT_STATUS(id, STOP_STATUS(sig), self->t.tid[i]);
	ack_all(_metadata, &self->t, sig, id);

	cont_all(_metadata, &self->t, id);
	ack_all(_metadata, &self->t, 0, id);
}

/* Fails if the tracer's own view gets lost, or SIGCONT not delivered after it. */
TEST_F(notify, notify_change_then_signal)
{
	static const char id[] = "notify-change";
	const sigset_t none = {};
	int i;

	stop_all(_metadata, &self->t, variant->starter, variant->sig, id);
	ack_all(_metadata, &self->t, variant->sig, id);

	/* only the first takes SIGCONT, the others have it blocked */
	ASSERT_EQ(0, sys_ptrace(PTRACE_SETSIGMASK, self->t.pid, 8, &none));
	cont_all(_metadata, &self->t, id);
	ack_all(_metadata, &self->t, 0, id);
	for (i = 1; i < self->t.nr; i++)
		tracee_run(_metadata, &self->t, i, 0, id);

	ASSERT_PTRACE(id, PTRACE_CONT, self->t.pid, 0);
	ASSERT_STATUS(id, SIGNAL_STATUS(SIGCONT), self->t.pid);
	tracee_run(_metadata, &self->t, 0, SIGCONT, id);
}

/* Fails if anything but PTRACE_GETSIGINFO clears NOTIFY, the trap itself say. */
TEST_F(notify, notify_sticky_until_getsiginfo)
{
	static const char id[] = "notify-sticky";
	struct tracee *t = &self->t;
	unsigned long count;
	int i, round;

	stop_all(_metadata, t, variant->starter, variant->sig, id);
	for (i = 0; i < t->nr; i++) {
		count = tracee_count(t, i);
		for (round = 0; round < 3; round++) {
			ASSERT_PTRACE(id, PTRACE_CONT, t->tid[i], 0);
			ASSERT_STATUS(id, STOP_STATUS(variant->sig), t->tid[i]);
		}
		expect_no_step(_metadata, t, i, count, id);
	}

	/* the end of the stop sticks as well, resumed by whatever request */
	cont_all(_metadata, t, id);
	for (i = 0; i < t->nr; i++) {
		count = tracee_count(t, i);
		ASSERT_PTRACE(id, PTRACE_CONT, t->tid[i], 0);
		ASSERT_STATUS(id, STOP_STATUS(SIGTRAP), t->tid[i]);
		ASSERT_PTRACE(id, PTRACE_SYSCALL, t->tid[i], 0);
		ASSERT_STATUS(id, STOP_STATUS(SIGTRAP), t->tid[i]);
		if (!lacks_single_step()) {
			ASSERT_PTRACE(id, PTRACE_SINGLESTEP, t->tid[i], 0);
			ASSERT_STATUS(id, STOP_STATUS(SIGTRAP), t->tid[i]);
		}
		expect_no_step(_metadata, t, i, count, id);
	}

	/* and no longer than that */
	ack_all(_metadata, t, 0, id);
	run_all(_metadata, t, id);
}

/* Fails if a request that is no PTRACE_GETSIGINFO clears NOTIFY. */
TEST_F(notify, notify_sticky_over_other_requests)
{
	static const char id[] = "notify-sticky";
	struct __ptrace_peeksiginfo_args peek = { .nr = 1 };
	struct tracee *t = &self->t;
	unsigned long msg;
	siginfo_t info;
	sigset_t mask;
	int i;

	memset(&info, 0, sizeof(info));
	info.si_signo = SIGTRAP;

	stop_all(_metadata, t, variant->starter, variant->sig, id);
	for (i = 0; i < t->nr; i++) {
		ASSERT_PTRACE(id, PTRACE_SETSIGINFO, t->tid[i], &info);
		ASSERT_PTRACE(id, PTRACE_SETOPTIONS, t->tid[i], 0);
		ASSERT_PTRACE(id, PTRACE_GETEVENTMSG, t->tid[i], &msg);
		ASSERT_EQ(0, sys_ptrace(PTRACE_GETSIGMASK, t->tid[i], 8, &mask));
		ASSERT_EQ(0, sys_ptrace(PTRACE_SETSIGMASK, t->tid[i], 8, &mask));
		ASSERT_LE(0, sys_ptrace(PTRACE_PEEKSIGINFO, t->tid[i],
					(unsigned long)&peek, &info));
		ASSERT_PTRACE(id, PTRACE_CONT, t->tid[i], 0);
		ASSERT_STATUS(id, STOP_STATUS(variant->sig), t->tid[i]);
	}
	ack_all(_metadata, t, variant->sig, id);
	run_all(_metadata, t, id);
}

/* Fails if NOTIFY of one thread stands for, or is cleared by, that of another. */
TEST_F(notify, notify_threads_acknowledge_alone)
{
	static const char id[] = "notify-threads";
	struct tracee *t = &self->t;
	int i;

	stop_all(_metadata, t, variant->starter, variant->sig, id);
	for (i = 0; i < t->nr; i++)
		EXPECT_CAUSE(id, CAUSE_GROUP | CAUSE_NOTIFY, t->tid[i]);
	for (i = 0; i < t->nr; i++) {
		expect_state(_metadata, t->tid[i], variant->sig, id);
		tracee_run(_metadata, t, i, 0, id);
		if (i + 1 == t->nr)
			break;
		ASSERT_PTRACE(id, PTRACE_CONT, t->tid[i + 1], 0);
		ASSERT_STATUS(id, STOP_STATUS(variant->sig), t->tid[i + 1]);
	}

	/* the one that started the stop is told of its end like any other */
	ASSERT_EQ(0, kill(t->pid, SIGCONT));
	for (i = 0; i < t->nr; i++)
		ASSERT_STATUS(id, STOP_STATUS(SIGTRAP), t->tid[i]);
	EXPECT_CAUSE(id, CAUSE_NOTIFY, t->tid[variant->starter]);
}

/*
 * The threads that do not start the stop sit in STOP traps of their own already, and
 * so can't notice by themselves that they have a part in it. Fails if not each of them
 * is notified.
 */
TEST_F(notify, notify_threads_trapped_before)
{
	static const char id[] = "notify-threads";
	struct tracee *t = &self->t;
	int i;

	for (i = 0; i < t->nr; i++)
		if (i != variant->starter)
			trap_by_interrupt(_metadata, t->tid[i], 0);
	stop_all(_metadata, t, variant->starter, variant->sig, id);
	for (i = 0; i < t->nr; i++)
		EXPECT_CAUSE(id, CAUSE_GROUP | CAUSE_NOTIFY |
			     (i != variant->starter ? CAUSE_INTERRUPT : 0),
			     t->tid[i]);
	ack_all(_metadata, t, variant->sig, id);
	cont_all(_metadata, t, id);
}

/*
 * Fails if a tracee that runs while the group stop lasts is not made to trap at
 * its end: it counts or sleeps, and does not get there by itself.
 */
TEST_F(notify, notify_running_traps_by_itself)
{
	static const char id[] = "notify-running";
	struct tracee *t = &self->t;
	unsigned long count;
	int i;

	stop_all(_metadata, t, variant->starter, variant->sig, id);
	ack_all(_metadata, t, variant->sig, id);
	run_all(_metadata, t, id);

	ASSERT_EQ(0, kill(t->pid, SIGCONT));
	for (i = 0; i < t->nr; i++) {
		ASSERT_STATUS(id, STOP_STATUS(SIGTRAP), t->tid[i]);
		count = tracee_count(t, i);
		EXPECT_EQ('t', task_state(t->pid, t->tid[i]))
			TH_LOG("%s: not traced after its trap", id);
		expect_state(_metadata, t->tid[i], 0, id);
		expect_no_step(_metadata, t, i, count, id);
	}
	run_all(_metadata, t, id);
}

/*
 * Fails if a trapped tracee does not trap again, or with the status of the trap
 * that it was in, or if there is not exactly one new status.
 */
TEST_F(notify, notify_retrap_new_status)
{
	static const char id[] = "notify-retrap";
	struct tracee *t = &self->t;
	int i;

	for (i = 0; i < t->nr; i++)
		trap_by_interrupt(_metadata, t->tid[i], 0);
	for (i = 0; i < t->nr; i++)
		expect_state(_metadata, t->tid[i], 0, id);

	/* let one start a stop: the others re-trap for it, and it for its end */
	ASSERT_EQ(0, sys_tgkill(t->pid, t->tid[variant->starter], variant->sig));
	ASSERT_PTRACE(id, PTRACE_CONT, t->tid[variant->starter], 0);
	ASSERT_STATUS(id, SIGNAL_STATUS(variant->sig),
		      t->tid[variant->starter]);
	for (i = 0; i < t->nr; i++)
		EXPECT_NO_STATUS(id, t->tid[i]);
	ASSERT_PTRACE(id, PTRACE_CONT, t->tid[variant->starter], variant->sig);
	for (i = 0; i < t->nr; i++)
		ASSERT_STATUS(id, STOP_STATUS(variant->sig), t->tid[i]);
	for (i = 0; i < t->nr; i++)
		EXPECT_NO_STATUS(id, t->tid[i]);

	cont_all(_metadata, t, id);
	for (i = 0; i < t->nr; i++)
		EXPECT_NO_STATUS(id, t->tid[i]);
}

/*
 * Fails if a blocking wait misses a re-trap, or waitid() reports it otherwise
 * than as CLD_TRAPPED with the status of a STOP trap.
 */
TEST_F(notify, notify_retrap_wakes_waiter)
{
	static const char id[] = "notify-retrap";
	struct tracee *t = &self->t;
	siginfo_t info;
	pid_t sender;
	int i, ready;

	stop_all(_metadata, t, variant->starter, variant->sig, id);
	ack_all(_metadata, t, variant->sig, id);

	/* our child sends SIGCONT when it sees that we sleep */
	sender = fork();
	ASSERT_LE(0, sender);
	if (!sender) {
		ready = wait_task_state(getppid(), getppid(), "S");
		kill(ready ? getppid() : t->pid, ready ? SIGKILL : SIGCONT);
		_exit(0);
	}
	for (i = 0; i < t->nr; i++) {
		ASSERT_EQ(0, sys_waitid(t->tid[i], &info, WSTOPPED | __WALL));
		EXPECT_EQ(t->tid[i], info.si_pid);
		EXPECT_EQ(CLD_TRAPPED, info.si_code);
		EXPECT_EQ(SIGTRAP | PTRACE_EVENT_STOP << 8, info.si_status)
			TH_LOG("%s: waitid() reports %#x", id, info.si_status);
	}
	ASSERT_EQ(0, sys_wait(sender, 0));
}

/* Fails if LISTEN does not end with the group stop, or ends without a cause. */
TEST_F(notify, notify_listen_until_change)
{
	static const char id[] = "notify-listen";
	struct tracee *t = &self->t;
	siginfo_t info;
	int i;

	stop_all(_metadata, t, variant->starter, variant->sig, id);
	ack_all(_metadata, t, variant->sig, id);
	for (i = 0; i < t->nr; i++)
		ASSERT_PTRACE(id, PTRACE_LISTEN, t->tid[i], 0);
	for (i = 0; i < t->nr; i++) {
		EXPECT_NO_STATUS(id, t->tid[i]);
		EXPECT_PTRACE_ERROR(id, ESRCH, PTRACE_GETSIGINFO, t->tid[i], 0,
				    &info);
		EXPECT_EQ('t', task_state(t->pid, t->tid[i]));
	}

	cont_all(_metadata, t, id);
	ack_all(_metadata, t, 0, id);
	run_all(_metadata, t, id);
}

/* Fails if LISTEN with a notification pending goes to sleep over it. */
TEST_F(notify, notify_listen_with_notification_pending)
{
	static const char id[] = "notify-listen";
	struct tracee *t = &self->t;
	int i;

	stop_all(_metadata, t, variant->starter, variant->sig, id);
	for (i = 0; i < t->nr; i++) {
		ASSERT_PTRACE(id, PTRACE_LISTEN, t->tid[i], 0);
		ASSERT_STATUS(id, STOP_STATUS(variant->sig), t->tid[i]);
	}
	ack_all(_metadata, t, variant->sig, id);
	for (i = 0; i < t->nr; i++) {
		ASSERT_PTRACE(id, PTRACE_LISTEN, t->tid[i], 0);
		EXPECT_NO_STATUS(id, t->tid[i]);
	}
}

/* Fails if PTRACE_INTERRUPT does not end LISTEN, from before or after it. */
TEST_F(notify, notify_listen_interrupted)
{
	static const char id[] = "notify-listen";
	const pid_t tid = self->t.tid[variant->starter];

	stop_all(_metadata, &self->t, variant->starter, variant->sig, id);
	ack_all(_metadata, &self->t, variant->sig, id);

	ASSERT_PTRACE(id, PTRACE_LISTEN, tid, 0);
	ASSERT_PTRACE(id, PTRACE_INTERRUPT, tid, 0);
	ASSERT_STATUS(id, STOP_STATUS(variant->sig), tid);

	ASSERT_PTRACE(id, PTRACE_INTERRUPT, tid, 0);
	ASSERT_PTRACE(id, PTRACE_LISTEN, tid, 0);
	ASSERT_STATUS(id, STOP_STATUS(variant->sig), tid);
	EXPECT_NO_STATUS(id, tid);
}

/* Fails if a cause is left out, taken for another, or kept after resuming. */
TEST_F(notify, notify_cause_of_each_trap)
{
	static const char id[] = "notify-cause";
	struct tracee *t = &self->t;
	int i;

	for (i = 0; i < t->nr; i++) {
		trap_by_interrupt(_metadata, t->tid[i], 0);
		EXPECT_CAUSE(id, CAUSE_INTERRUPT, t->tid[i]);
		tracee_run(_metadata, t, i, 0, id);
	}

	stop_all(_metadata, t, variant->starter, variant->sig, id);
	for (i = 0; i < t->nr; i++)
		EXPECT_CAUSE(id, CAUSE_GROUP | CAUSE_NOTIFY, t->tid[i]);

	/* not acknowledged: traps again, but takes part in nothing */
	for (i = 0; i < t->nr; i++) {
		ASSERT_PTRACE(id, PTRACE_CONT, t->tid[i], 0);
		ASSERT_STATUS(id, STOP_STATUS(variant->sig), t->tid[i]);
		EXPECT_CAUSE(id, CAUSE_NOTIFY, t->tid[i]);
	}

	ack_all(_metadata, t, variant->sig, id);
	run_all(_metadata, t, id);
	ASSERT_EQ(0, kill(t->pid, SIGCONT));
	for (i = 0; i < t->nr; i++) {
		ASSERT_STATUS(id, STOP_STATUS(SIGTRAP), t->tid[i]);
		EXPECT_CAUSE(id, CAUSE_NOTIFY, t->tid[i]);
		expect_state(_metadata, t->tid[i], 0, id);
		tracee_run(_metadata, t, i, 0, id);
		trap_by_interrupt(_metadata, t->tid[i], 0);
		EXPECT_CAUSE(id, CAUSE_INTERRUPT, t->tid[i]);
	}
}

/* Fails if a re-trap, or the end of LISTEN, drops the cause of the trap before. */
TEST_F(notify, notify_cause_adds_up)
{
	static const char id[] = "notify-cause";
	struct tracee *t = &self->t;
	const pid_t tid = t->tid[variant->starter];

	stop_all(_metadata, t, variant->starter, variant->sig, id);
	ack_all(_metadata, t, variant->sig, id);
	run_all(_metadata, t, id);

	trap_by_interrupt(_metadata, tid, variant->sig);
	EXPECT_CAUSE(id, CAUSE_INTERRUPT, tid);
	ASSERT_EQ(0, kill(t->pid, SIGCONT));
	ASSERT_STATUS(id, STOP_STATUS(SIGTRAP), tid);
	EXPECT_CAUSE(id, CAUSE_INTERRUPT | CAUSE_NOTIFY, tid);
	expect_state(_metadata, tid, 0, id);

	/* emptied by resuming, not by having been read */
	EXPECT_CAUSE(id, CAUSE_INTERRUPT | CAUSE_NOTIFY, tid);
	tracee_run(_metadata, t, variant->starter, 0, id);

	trap_by_interrupt(_metadata, tid, 0);
	ASSERT_PTRACE(id, PTRACE_LISTEN, tid, 0);
	ASSERT_EQ(0, kill(t->pid, SIGCONT));
	ASSERT_STATUS(id, STOP_STATUS(SIGTRAP), tid);
	EXPECT_CAUSE(id, CAUSE_INTERRUPT | CAUSE_NOTIFY, tid);
}

/*
 * Fails if an interrupt of a trapped tracee is used up by a re-trap: it promises
 * a trap after that one is resumed.
 */
TEST_F(notify, notify_cause_interrupt_survives_retrap)
{
	static const char id[] = "notify-cause";
	struct tracee *t = &self->t;
	const pid_t tid = t->tid[variant->starter];
	unsigned long count;

	stop_all(_metadata, t, variant->starter, variant->sig, id);
	ack_all(_metadata, t, variant->sig, id);
	count = tracee_count(t, variant->starter);

	ASSERT_PTRACE(id, PTRACE_INTERRUPT, tid, 0);
	EXPECT_NO_STATUS(id, tid);
	ASSERT_EQ(0, kill(t->pid, SIGCONT));
	ASSERT_STATUS(id, STOP_STATUS(SIGTRAP), tid);
	EXPECT_CAUSE(id, CAUSE_GROUP | CAUSE_NOTIFY, tid);
	expect_state(_metadata, tid, 0, id);

	ASSERT_PTRACE(id, PTRACE_CONT, tid, 0);
	ASSERT_STATUS(id, STOP_STATUS(SIGTRAP), tid);
	EXPECT_CAUSE(id, CAUSE_INTERRUPT, tid);
	expect_no_step(_metadata, t, variant->starter, count, id);
	tracee_run(_metadata, t, variant->starter, 0, id);
}

/* Fails if SIGCONT without a stop does not notify, or counts when one is due. */
TEST_F(notify, notify_change_cont_without_stop)
{
	static const char id[] = "notify-change";
	struct tracee *t = &self->t;
	int i;

	ASSERT_EQ(0, kill(t->pid, SIGCONT));
	for (i = 0; i < t->nr; i++)
		ASSERT_STATUS(id, STOP_STATUS(SIGTRAP), t->tid[i]);

	/* nothing new to say while the last one has not been acknowledged */
	ASSERT_EQ(0, kill(t->pid, SIGCONT));
	for (i = 0; i < t->nr; i++)
		EXPECT_NO_STATUS(id, t->tid[i]);

	ack_all(_metadata, t, 0, id);
	ASSERT_EQ(0, kill(t->pid, SIGCONT));
	for (i = 0; i < t->nr; i++)
		ASSERT_STATUS(id, STOP_STATUS(SIGTRAP), t->tid[i]);
}

TEST_HARNESS_MAIN
