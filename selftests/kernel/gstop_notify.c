// SPDX-License-Identifier: GPL-2.0
/*
 * Group stop notification of one process: what its tracer sees when a group stop starts
 * and ends, what PTRACE_GETSIGINFO and PTRACE_GETEVENTMSG say, and what keeps a
 * notification pending.
 */
#include "group_stop_tracee.h"

FIXTURE(notify) {
	struct tracee t;
};

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

FIXTURE_TEARDOWN(notify)
{
	tracee_end(&self->t);
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

/* Only PTRACE_GETSIGINFO acknowledges: resumed without it, a thread traps again at once. */
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

	ack_all(t, variant->sig);
	run_all(t);
}

TEST_HARNESS_MAIN
