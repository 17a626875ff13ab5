// SPDX-License-Identifier: GPL-2.0
/*
 * What PTRACE_GETSIGINFO tells in a STOP trap in notify mode, in every field and
 * for a tracer of either bitness, and that nothing that PTRACE_SETSIGINFO writes,
 * or that a tracee sends itself, can make another trap pass for a STOP trap.
 */
#include "../kselftest_harness.h"
#include "old/group_stop_notify.h"

/* What si_code, si_signo being SIGTRAP, is when there is no group stop. */
#define STOP_CODE	(SIGTRAP | PTRACE_EVENT_STOP << 8)

FIXTURE(siginfo) {
	struct tracee t;
};

FIXTURE_SETUP(siginfo)
{
	if (lacks_notify_mode(_metadata))
		return;
	tracee_start(_metadata, &self->t, 1, TRACEE_COUNT | TRACEE_BLOCK_CONT);
	tracee_seize(_metadata, &self->t, 0, 0);
}

FIXTURE_TEARDOWN(siginfo)
{
	tracee_end(&self->t);
}

/* The whole siginfo: nothing but what is named here is set in it. */
static void expect_whole_siginfo(struct __test_metadata *_metadata, pid_t pid,
				 int stop_sig, const char *id)
{
	const int signo = stop_sig ? stop_sig : SIGTRAP;
	siginfo_t info, want;

	memset(&info, 0x55, sizeof(info));
	memset(&want, 0, sizeof(want));
	want.si_signo = signo;
	want.si_code = signo | PTRACE_EVENT_STOP << 8;
	want.si_pid = pid;
	want.si_uid = getuid();
	want.si_status = stop_sig;

	ASSERT_PTRACE(id, PTRACE_GETSIGINFO, pid, &info);
	EXPECT_EQ(want.si_signo, info.si_signo);
	EXPECT_EQ(want.si_code, info.si_code);
	EXPECT_EQ(want.si_pid, info.si_pid);
	EXPECT_EQ(want.si_uid, info.si_uid);
	EXPECT_EQ(want.si_status, info.si_status);
	EXPECT_EQ(0, memcmp(&want, &info, sizeof(info)))
		TH_LOG("%s: siginfo of a STOP trap, stop signal %d", id,
		       stop_sig);
}

/*
 * Built for 32 bits this fails if siginfo_layout() or compat_ptrace() drops a
 * field, or the upper half of the flag; built for 64 bits it tells that the same
 * is expected of both.
 */
TEST_F(siginfo, notify_compat_every_field)
{
	static const int signals[] = { SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU };
	static const char id[] = "notify-compat";
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(signals); i++) {
		tracee_stop(_metadata, &self->t, 0, signals[i]);
		ASSERT_STATUS(id, STOP_STATUS(signals[i]), self->t.pid);
		expect_whole_siginfo(_metadata, self->t.pid, signals[i], id);

		ASSERT_EQ(0, kill(self->t.pid, SIGCONT));
		ASSERT_STATUS(id, STOP_STATUS(SIGTRAP), self->t.pid);
		EXPECT_CAUSE(id, CAUSE_GROUP | CAUSE_NOTIFY, self->t.pid);
		expect_whole_siginfo(_metadata, self->t.pid, 0, id);
		tracee_run(_metadata, &self->t, 0, 0, id);
	}
}

/* Fails if what is told is the state of another time than that of the call. */
TEST_F(siginfo, notify_state_of_now)
{
	static const char id[] = "notify-state";
	const pid_t pid = self->t.pid;
	siginfo_t stopped, running;

	trap_by_interrupt(_metadata, pid, 0);
	ASSERT_PTRACE(id, PTRACE_GETSIGINFO, pid, &running);
	tracee_run(_metadata, &self->t, 0, 0, id);

	tracee_stop(_metadata, &self->t, 0, SIGTTIN);
	ASSERT_STATUS(id, STOP_STATUS(SIGTTIN), pid);
	ASSERT_PTRACE(id, PTRACE_GETSIGINFO, pid, &stopped);

	/* put the siginfo of another time there: it does not count */
	ASSERT_PTRACE(id, PTRACE_SETSIGINFO, pid, &running);
	expect_whole_siginfo(_metadata, pid, SIGTTIN, id);
	ASSERT_EQ(0, kill(pid, SIGCONT));
	ASSERT_STATUS(id, STOP_STATUS(SIGTRAP), pid);
	ASSERT_PTRACE(id, PTRACE_SETSIGINFO, pid, &stopped);
	expect_whole_siginfo(_metadata, pid, 0, id);
}

/* Fails if the state of the group is not told because this trap is not for it. */
TEST_F(siginfo, notify_state_in_interrupt_trap)
{
	static const char id[] = "notify-state";

	tracee_stop(_metadata, &self->t, 0, SIGTTOU);
	ASSERT_STATUS(id, STOP_STATUS(SIGTTOU), self->t.pid);
	expect_state(_metadata, self->t.pid, SIGTTOU, id);
	tracee_run(_metadata, &self->t, 0, 0, id);

	trap_by_interrupt(_metadata, self->t.pid, SIGTTOU);
	expect_whole_siginfo(_metadata, self->t.pid, SIGTTOU, id);
	ASSERT_EQ(0, kill(self->t.pid, SIGCONT));
	ASSERT_STATUS(id, STOP_STATUS(SIGTRAP), self->t.pid);
	expect_whole_siginfo(_metadata, self->t.pid, 0, id);
}

/*
 * The tracee is in a signal-delivery-stop, and the siginfo of that looks like
 * the one of a STOP trap, @info. None of what STOP traps do happens.
 */
static void expect_no_stop_trap(struct __test_metadata *_metadata, pid_t pid,
				const siginfo_t *info, const char *id)
{
	siginfo_t seen;

	EXPECT_PTRACE_ERROR(id, EIO, PTRACE_LISTEN, pid, 0, NULL);
	ASSERT_EQ(0, kill(pid, SIGCONT));
	EXPECT_NO_STATUS(id, pid);
	EXPECT_EQ('t', task_state(pid, pid));

	memset(&seen, 0x55, sizeof(seen));
	ASSERT_PTRACE(id, PTRACE_GETSIGINFO, pid, &seen);
	EXPECT_EQ(info->si_signo, seen.si_signo)
		TH_LOG("%s: siginfo is not that of the signal", id);
	EXPECT_EQ(info->si_code, seen.si_code);
	EXPECT_EQ(info->si_pid, seen.si_pid);
	EXPECT_EQ(info->si_uid, seen.si_uid);
	EXPECT_CAUSE(id, 0ul, pid);

	/* and that has not acknowledged what is to be told of SIGCONT */
	ASSERT_PTRACE(id, PTRACE_CONT, pid, 0);
	ASSERT_STATUS(id, STOP_STATUS(SIGTRAP), pid);
	EXPECT_CAUSE(id, CAUSE_NOTIFY, pid);
}

/* Fails if ->last_siginfo decides which trap it is: the tracer writes that. */
TEST_F(siginfo, notify_forged_by_tracer)
{
	static const char id[] = "notify-forged";
	siginfo_t info;

	memset(&info, 0, sizeof(info));
	info.si_signo = SIGTRAP;
	info.si_code = STOP_CODE;
	info.si_pid = 1234;
	info.si_uid = 5678;

	ASSERT_EQ(0, kill(self->t.pid, SIGUSR1));
	ASSERT_STATUS(id, SIGNAL_STATUS(SIGUSR1), self->t.pid);
	ASSERT_PTRACE(id, PTRACE_SETSIGINFO, self->t.pid, &info);
	expect_no_stop_trap(_metadata, self->t.pid, &info, id);
	expect_whole_siginfo(_metadata, self->t.pid, 0, id);
	tracee_run(_metadata, &self->t, 0, 0, id);
}

/* For spawn(): send itself a signal which looks like a STOP trap. */
static void send_forged_signal(void *arg)
{
	siginfo_t *info = arg;

	/* the test has seized us when it lets us go on */
	raise(SIGSTOP);
	info->si_pid = getpid();
	syscall(SYS_rt_tgsigqueueinfo, getpid(), getpid(), info->si_signo, info);
	pause_forever(NULL);
}

/* Fails if ->last_siginfo decides which trap it is: the tracee writes that. */
TEST_F(siginfo, notify_forged_by_tracee)
{
	static const char id[] = "notify-forged";
	siginfo_t info;
	pid_t pid;

	memset(&info, 0, sizeof(info));
	info.si_signo = SIGTRAP;
	info.si_code = STOP_CODE;
	info.si_uid = 5678;

	pid = spawn(send_forged_signal, &info);
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, wait_task_state(pid, pid, "T"));
	ASSERT_EQ(0, sys_seize_notify(pid, 0));
	ASSERT_STATUS(id, STOP_STATUS(SIGSTOP), pid);
	expect_state(_metadata, pid, SIGSTOP, id);
	ASSERT_EQ(0, kill(pid, SIGCONT));
	ASSERT_STATUS(id, STOP_STATUS(SIGTRAP), pid);
	expect_state(_metadata, pid, 0, id);
	ASSERT_PTRACE(id, PTRACE_CONT, pid, 0);
	ASSERT_STATUS(id, SIGNAL_STATUS(SIGCONT), pid);
	ASSERT_PTRACE(id, PTRACE_CONT, pid, 0);

	/* the same as of the kernel, down to the siginfo */
	ASSERT_STATUS(id, SIGNAL_STATUS(SIGTRAP), pid);
	info.si_pid = pid;
	expect_no_stop_trap(_metadata, pid, &info, id);
	kill_and_reap(pid);
}

/* Fails if a STOP trap can be hidden: no re-trap, no LISTEN, no acknowledging. */
TEST_F(siginfo, notify_forged_stop_trap_stays_one)
{
	static const char id[] = "notify-forged";
	const pid_t pid = self->t.pid;
	siginfo_t info;

	memset(&info, 0, sizeof(info));
	info.si_signo = SIGUSR1;
	info.si_code = SI_USER;
	info.si_pid = pid;
	info.si_uid = getuid();

	tracee_stop(_metadata, &self->t, 0, SIGSTOP);
	ASSERT_STATUS(id, STOP_STATUS(SIGSTOP), pid);
	ASSERT_PTRACE(id, PTRACE_SETSIGINFO, pid, &info);
	expect_whole_siginfo(_metadata, pid, SIGSTOP, id);

	ASSERT_PTRACE(id, PTRACE_SETSIGINFO, pid, &info);
	ASSERT_EQ(0, kill(pid, SIGCONT));
	ASSERT_STATUS(id, STOP_STATUS(SIGTRAP), pid);
	ASSERT_PTRACE(id, PTRACE_SETSIGINFO, pid, &info);
	expect_whole_siginfo(_metadata, pid, 0, id);

	ASSERT_PTRACE(id, PTRACE_SETSIGINFO, pid, &info);
	ASSERT_PTRACE(id, PTRACE_LISTEN, pid, 0);
	ASSERT_EQ(0, kill(pid, SIGCONT));
	ASSERT_STATUS(id, STOP_STATUS(SIGTRAP), pid);
	expect_whole_siginfo(_metadata, pid, 0, id);
	tracee_run(_metadata, &self->t, 0, 0, id);
}

/* Fails if the mask of causes is taken for the data of a system call stop. */
TEST_F(siginfo, notify_forged_syscall_info)
{
	static const int codes[] = {
		SIGTRAP | 0x80, SIGTRAP | PTRACE_EVENT_SECCOMP << 8,
	};
	static const char id[] = "notify-forged";
	const pid_t pid = self->t.pid;
	struct tracee_where where;
	siginfo_t info;
	unsigned int i;

	/* a cause of 1 or 2 is PTRACE_EVENTMSG_SYSCALL_ENTRY or _EXIT */
	tracee_stop(_metadata, &self->t, 0, SIGSTOP);
	ASSERT_STATUS(id, STOP_STATUS(SIGSTOP), pid);
	ASSERT_PTRACE(id, PTRACE_CONT, pid, 0);
	ASSERT_STATUS(id, STOP_STATUS(SIGSTOP), pid);
	EXPECT_CAUSE(id, CAUSE_NOTIFY, pid);

	for (i = 0; i < ARRAY_SIZE(codes); i++) {
		memset(&info, 0, sizeof(info));
		info.si_signo = SIGTRAP;
		info.si_code = codes[i];
		ASSERT_PTRACE(id, PTRACE_SETSIGINFO, pid, &info);
		ASSERT_EQ(0, sys_where(pid, &where));
		EXPECT_EQ(0, where.op)
			TH_LOG("%s: PTRACE_GET_SYSCALL_INFO op %d", id, where.op);
	}
}

TEST_HARNESS_MAIN
