/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Lead a tracee of group_stop_tracee.h into a trap of each kind that is not a STOP trap.
 *
 * The thread raises SIGUSR1 first. Its signal-delivery-stop is the place from which the
 * tracer leads it on, by PTRACE_CONT, PTRACE_SYSCALL or PTRACE_SINGLESTEP. The thread
 * adds 1 to its count when it is back in user space after the trap.
 */
#ifndef GROUP_STOP_TRAP_H
#define GROUP_STOP_TRAP_H

#ifdef GROUP_STOP_TRACEE_H
#error "include group_stop_trap.h in front of group_stop_tracee.h: its tracee can do more"
#endif

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>

#include "group_stop_tracee.h"

enum trap {
	TRAP_SIGNAL,		/* signal-delivery-stop of SIGUSR1 */
	TRAP_SYSCALL_ENTRY,
	TRAP_SYSCALL_EXIT,
	TRAP_EXEC,
	TRAP_FORK,
	TRAP_VFORK,
	TRAP_VFORK_DONE,
	TRAP_CLONE,
	TRAP_SECCOMP,
	TRAP_STEP,		/* single-step */
	TRAP_EXIT,
};

/* A variant of @fixture for each which leaves other threads of its process alone, */
#define ADD_THREAD_TRAP_VARIANTS(fixture)						\
	FIXTURE_VARIANT_ADD(fixture, signal) { .trap = TRAP_SIGNAL };			\
	FIXTURE_VARIANT_ADD(fixture, syscall_entry) { .trap = TRAP_SYSCALL_ENTRY };	\
	FIXTURE_VARIANT_ADD(fixture, syscall_exit) { .trap = TRAP_SYSCALL_EXIT };	\
	FIXTURE_VARIANT_ADD(fixture, fork) { .trap = TRAP_FORK };			\
	FIXTURE_VARIANT_ADD(fixture, vfork) { .trap = TRAP_VFORK };			\
	FIXTURE_VARIANT_ADD(fixture, vfork_done) { .trap = TRAP_VFORK_DONE };		\
	FIXTURE_VARIANT_ADD(fixture, clone) { .trap = TRAP_CLONE };			\
	FIXTURE_VARIANT_ADD(fixture, seccomp) { .trap = TRAP_SECCOMP };			\
	FIXTURE_VARIANT_ADD(fixture, step) { .trap = TRAP_STEP }

/* ... and for each. FIXTURE_VARIANT(@fixture) has a member ->trap. */
#define ADD_TRAP_VARIANTS(fixture)							\
	ADD_THREAD_TRAP_VARIANTS(fixture);						\
	FIXTURE_VARIANT_ADD(fixture, exec) { .trap = TRAP_EXEC };			\
	FIXTURE_VARIANT_ADD(fixture, exit) { .trap = TRAP_EXIT }

/* What a trap reports, what PTRACE_O_* it needs, and the request that leads there. */
#define EVENT_TRAP(event, option)	{ EVENT_STATUS(event), option, PTRACE_CONT }
#define SYSCALL_TRAP	{ SIGNAL_STATUS(SIGTRAP | 0x80), PTRACE_O_TRACESYSGOOD, PTRACE_SYSCALL }

static const struct {
	int status;
	unsigned long option;
	long request;
} traps[] = {
	[TRAP_SIGNAL] = { SIGNAL_STATUS(SIGUSR1), 0, 0 },
	[TRAP_SYSCALL_ENTRY] = SYSCALL_TRAP,
	[TRAP_SYSCALL_EXIT] = SYSCALL_TRAP,
	[TRAP_EXEC] = EVENT_TRAP(PTRACE_EVENT_EXEC, PTRACE_O_TRACEEXEC),
	[TRAP_FORK] = EVENT_TRAP(PTRACE_EVENT_FORK, PTRACE_O_TRACEFORK),
	[TRAP_VFORK] = EVENT_TRAP(PTRACE_EVENT_VFORK, PTRACE_O_TRACEVFORK),
	[TRAP_VFORK_DONE] = EVENT_TRAP(PTRACE_EVENT_VFORK_DONE, PTRACE_O_TRACEVFORKDONE),
	[TRAP_CLONE] = EVENT_TRAP(PTRACE_EVENT_CLONE, PTRACE_O_TRACECLONE),
	[TRAP_SECCOMP] = EVENT_TRAP(PTRACE_EVENT_SECCOMP, PTRACE_O_TRACESECCOMP),
	[TRAP_STEP] = { SIGNAL_STATUS(SIGTRAP), 0, PTRACE_SINGLESTEP },
	[TRAP_EXIT] = EVENT_TRAP(PTRACE_EVENT_EXIT, PTRACE_O_TRACEEXIT),
};

/* Have getppid() trap for seccomp from now on. */
static inline void tracee_filter(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog prog = { .len = 4, .filter = filter };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog))
		_exit(1);
}

/* The tracee's side: a thread of @t was told @order. */
static inline void tracee_obey_trap(struct tracee *t, enum order order)
{
	const enum trap trap = order - ORDER_TRAP;

	/* what has to be done before the trap: nothing but the trap comes after SIGUSR1 */
	if (trap == TRAP_SECCOMP)
		tracee_filter();
	if (trap == TRAP_EXEC)
		tracee_exec_path();
	sys_tgkill(getpid(), syscall(SYS_gettid), SIGUSR1);

	switch (trap) {
	case TRAP_SIGNAL:
		break;
	case TRAP_EXEC:
		tracee_exec();
		break;
	case TRAP_FORK:
		if (!fork())
			_exit(0);
		break;
	case TRAP_VFORK:
	case TRAP_VFORK_DONE:
		if (!vfork()) {
			while (*(volatile int *)&t->page->hold)
				sched_yield();
			_exit(0);
		}
		break;
	case TRAP_CLONE:
		tracee_create(t, TRACEE_MAX - 1);
		break;
	case TRAP_EXIT:
		syscall(SYS_exit_group, TRACEE_EXIT_CODE);
		break;
	default:
		syscall(SYS_getppid);
		break;
	}
}

/*
 * Lead thread 0 of @t, which sleeps and is seized with the option that @trap needs, into
 * @trap. Its status is reaped.
 */
static inline void lead_into(struct tracee *t, enum trap trap)
{
	struct __test_metadata *_metadata = t->test;
	int n;

	order(t, 0, ORDER_TRAP + trap);
	ASSERT_TRAP(SIGNAL_STATUS(SIGUSR1), t, 0);
	if (trap == TRAP_SIGNAL)
		return;
	for (n = 0; n < (trap == TRAP_SYSCALL_EXIT ? 2 : 1); n++) {
		ASSERT_PTRACE(traps[trap].request, t->pid, 0);
		ASSERT_TRAP(traps[trap].status, t, 0);
	}
}

#ifndef PTRACE_GET_SYSCALL_INFO
#define PTRACE_GET_SYSCALL_INFO		0x420e
#endif

/* What a tracer can ask a trapped tracee for. */
struct snapshot {
	siginfo_t info;
	unsigned long msg;
	/* head of struct ptrace_syscall_info, which not every libc has */
	struct {
		unsigned int op, arch;
		unsigned long long ip, sp;
	} where;
};

static inline void take_snapshot(struct tracee *t, struct snapshot *snap)
{
	struct __test_metadata *_metadata = t->test;

	memset(snap, 0, sizeof(*snap));
	ASSERT_PTRACE(PTRACE_GETSIGINFO, t->pid, &snap->info);
	ASSERT_PTRACE(PTRACE_GETEVENTMSG, t->pid, &snap->msg);
	ASSERT_LT(0, sys_ptrace(PTRACE_GET_SYSCALL_INFO, t->pid, sizeof(snap->where),
				&snap->where));
}

/* @t is in its trap as it was at @before. PTRACE_GETSIGINFO there acknowledges nothing. */
static inline void expect_undisturbed(struct tracee *t, const struct snapshot *before)
{
	struct __test_metadata *_metadata = t->test;
	struct snapshot now;

	EXPECT_NO_STATUS(t->pid);
	EXPECT_EQ('t', task_state(t->pid));
	take_snapshot(t, &now);
	EXPECT_EQ(0, memcmp(&before->info, &now.info, sizeof(now.info)))
		TH_LOG("siginfo changes, si_signo %d code %#x", now.info.si_signo,
		       now.info.si_code);
	EXPECT_EQ(before->msg, now.msg);
	EXPECT_EQ(0, memcmp(&before->where, &now.where, sizeof(now.where)))
		TH_LOG("the tracee has moved");
	EXPECT_NO_STATUS(t->pid);
	EXPECT_NO_STEP(t);
}

/* The child or thread that a trap is about, if there is one, is attached: let it run. */
static inline void release_child(struct tracee *t, enum trap trap)
{
	struct __test_metadata *_metadata = t->test;
	const pid_t child = sys_eventmsg(t->pid);

	if (trap != TRAP_FORK && trap != TRAP_VFORK && trap != TRAP_CLONE)
		return;
	ASSERT_STATUS(STOP_STATUS(SIGTRAP), child);
	ASSERT_PTRACE(PTRACE_CONT, child, 0);
}

/* Resume @t, which gets to user space for the first time since its last ASSERT_TRAP(). */
static inline void run_on(struct tracee *t)
{
	struct __test_metadata *_metadata = t->test;

	EXPECT_NO_STEP(t);
	run_with(t, 0, 0);
	EXPECT_TRUE(wait_until(tracee_count(t, 0) == t->mark[0] + 1));
}

#endif /* GROUP_STOP_TRAP_H */
