// SPDX-License-Identifier: GPL-2.0
/*
 * Group stop notification of the other threads of a leader that is not traced: what its
 * real parent sees, and SIGCONT that changes nothing. ../kernel/gstop_group.c has the rest.
 */
#include "group_stop_tracee.h"

FIXTURE(leader) {
	struct tracee t;	/* thread 0 is not traced */
};

FIXTURE_VARIANT(leader) {
	int threads, flags, sig;
};

FIXTURE_VARIANT_ADD(leader, one_stop) { .threads = 2, .flags = TRACEE_COUNT, .sig = SIGSTOP };
FIXTURE_VARIANT_ADD(leader, one_ttou) { .threads = 2, .flags = TRACEE_COUNT, .sig = SIGTTOU };
FIXTURE_VARIANT_ADD(leader, many_stop) { .threads = 4, .sig = SIGSTOP };
FIXTURE_VARIANT_ADD(leader, many_ttou) { .threads = 4, .sig = SIGTTOU };

#define for_each_tracee(t, i)	for ((i) = 1; (i) < (t)->nr; (i)++)

FIXTURE_SETUP(leader)
{
	struct tracee *t = &self->t;
	int i;

	NEED_NOTIFY_MODE();
	tracee_start(t, variant->threads, variant->flags);
	for_each_tracee(t, i) {
		ASSERT_PTRACE(PTRACE_SEIZE, t->tid[i], PTRACE_SEIZE_DEVEL);
		trap_by_interrupt(t, i, 0);
	}
}

FIXTURE_TEARDOWN(leader)
{
	tracee_end(&self->t);
}

/* The next status of @pid for a wait with @options; 0 if there is none in time. */
static int wait_for(pid_t pid, int options)
{
	int status = 0;

	wait_until((status = sys_wait(pid, options | WNOHANG)) != 0);
	return status;
}

/* The threads of @t have trapped, in a group stop by @sig, or outside of one if 0. */
static void expect_traps(struct tracee *t, int sig)
{
	struct __test_metadata *_metadata = t->test;
	int i;

	for_each_tracee(t, i) {
		ASSERT_TRAP(STOP_STATUS(sig ? sig : SIGTRAP), t, i);
		EXPECT_CAUSE(CAUSE_NOTIFY | CAUSE_INTERRUPT | CAUSE_GROUP, t->tid[i]);
		ack(t, i, sig);
	}
}

/*
 * The stop completes while they trap: the real parent sees it, and its end. That is us,
 * who do not trace the leader.
 */
TEST_F(leader, notify_untraced_real_parent)
{
	struct tracee *t = &self->t;
	int round, status;

	for (round = 0; round < 3; round++) {
		ASSERT_EQ(0, sys_tgkill(t->pid, t->pid, variant->sig));
		expect_traps(t, variant->sig);
		status = wait_for(t->pid, WUNTRACED);
		EXPECT_EQ(SIGNAL_STATUS(variant->sig), status)
			TH_LOG("real parent sees %#x", status);

		ASSERT_EQ(0, kill(t->pid, SIGCONT));
		expect_traps(t, 0);
		status = wait_for(t->pid, WCONTINUED);
		EXPECT_EQ(0xffff, status)
			TH_LOG("real parent sees %#x", status);
	}
}

/* A change that undoes one which the tracer has not been told of is notified, too. */
TEST_F(leader, notify_merge_back_to_known_state)
{
	struct tracee *t = &self->t;
	int i, round;

	for_each_tracee(t, i)
		ack(t, i, 0);
	ASSERT_EQ(0, sys_tgkill(t->pid, t->pid, variant->sig));
	EXPECT_THREAD_STATE('T', t->pid);
	ASSERT_EQ(0, kill(t->pid, SIGCONT));
	for_each_tracee(t, i) {
		ASSERT_EQ(0, settle(t->tid[i]));
		/* and again: nobody has acknowledged it */
		for (round = 0; round < 3; round++) {
			ASSERT_TRAP(STOP_STATUS(SIGTRAP), t, i);
			ASSERT_PTRACE(PTRACE_CONT, t->tid[i], 0);
		}
		ASSERT_TRAP(STOP_STATUS(SIGTRAP), t, i);
		EXPECT_CAUSE(CAUSE_NOTIFY, t->tid[i]);
		ack(t, i, 0);
		run_with(t, i, 0);
	}
}

/* How often thread @tid has gone to sleep, or -1. */
static long switches_of(pid_t tid)
{
	static const char field[] = "\nvoluntary_ctxt_switches:";
	char path[64], buf[4096], *at;

	snprintf(path, sizeof(path), "/proc/%d/status", tid);
	if (!read_file(path, buf, sizeof(buf)))
		return -1;
	at = strstr(buf, field);
	return at ? atol(at + strlen(field)) : -1;
}

/*
 * SIGCONT without a group stop to end does not make a tracee trap over and over. As long
 * as it traps the tracer can't inspect it, and anybody who may send the signal could see
 * to that. It is acknowledged each time, and never reaped.
 */
TEST_F(leader, notify_merge_nothing_new)
{
	long switches[TRACEE_MAX];
	struct tracee *t = &self->t;
	int i, n;

	/* the first is told, as each has been waited for */
	ASSERT_EQ(0, kill(t->pid, SIGCONT));
	for_each_tracee(t, i) {
		ack(t, i, 0);
		EXPECT_THREAD_STATE('t', t->tid[i]);
		switches[i] = switches_of(t->tid[i]);
		ASSERT_LT(0, switches[i]);
	}
	for (n = 0; n < 100; n++) {
		ASSERT_EQ(0, kill(t->pid, SIGCONT));
		for_each_tracee(t, i)
			ack(t, i, 0);
	}
	for_each_tracee(t, i) {
		EXPECT_EQ(switches[i], switches_of(t->tid[i]))
			TH_LOG("thread %d trapped for nothing", i);
		ASSERT_TRAP(STOP_STATUS(SIGTRAP), t, i);
		run_with(t, i, 0);
	}
}

TEST_HARNESS_MAIN
