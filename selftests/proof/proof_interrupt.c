// SPDX-License-Identifier: GPL-2.0
/*
 * PTRACE_INTERRUPT in notify mode: a flag of its own, without side effects, in
 * whatever state the tracee is. Promises interrupt-flag, interrupt-clean,
 * interrupt-any-state, interrupt-errors and interrupt-detach.
 */
#include "old/group_stop.h"
#include "../kselftest_harness.h"
#include "old/group_stop_tracee.h"

#include <linux/futex.h>
#include <poll.h>
#include <sys/select.h>
#include <sys/socket.h>

/*
 * --- interrupt-clean: no side effects, whatever the tracee was doing ---
 */

enum doing {
	DO_SPIN,
	DO_NANOSLEEP,
	DO_READ,
	DO_RECV,
	DO_FUTEX,
	DO_POLL,
	DO_SELECT,
	DO_WAIT,
};

#define NAP_MS	200

/* A tracee that is in one system call, and a real parent that is not us. */
struct sleeper {
	enum doing doing;
	int fd[2];		/* what is written to [1] ends the system call */

	volatile pid_t parent;
	volatile unsigned long pid;
	volatile unsigned long count;
	volatile unsigned int futex;

	volatile unsigned long done;	/* the system call has returned: */
	volatile long ret;
	volatile int error;
	volatile long long took_ms;

	int ask[2];		/* to have the parent look: */
	volatile unsigned long looked;
	volatile pid_t seen;
};

/*
 * The system calls that know of 64-bit time: libc of a 32-bit program may take
 * others, which a 64-bit kernel may be without.
 */
struct time64 {
	long long sec, nsec;
};

static long sys_nap(int ms)
{
	struct time64 nap = { .nsec = ms * 1000000LL };

#ifdef SYS_clock_nanosleep_time64
	return syscall(SYS_clock_nanosleep_time64, CLOCK_MONOTONIC, 0, &nap, NULL);
#else
	return syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &nap, NULL);
#endif
}

static long sys_select(int n, fd_set *fds)
{
#ifdef SYS_pselect6_time64
	return syscall(SYS_pselect6_time64, n, fds, NULL, NULL, NULL, NULL);
#else
	return syscall(SYS_pselect6, n, fds, NULL, NULL, NULL, NULL);
#endif
}

static long sys_futex(volatile unsigned int *word, int op, unsigned int value)
{
#ifdef SYS_futex_time64
	return syscall(SYS_futex_time64, word, op, value, NULL, NULL, 0);
#else
	return syscall(SYS_futex, word, op, value, NULL, NULL, 0);
#endif
}

static void handler(int sig)
{
}

static void sleeper_main(void *arg)
{
	struct sleeper *s = arg;
	struct pollfd pfd = { .fd = s->fd[0], .events = POLLIN };
	long long start;
	sigset_t set;
	fd_set fds;
	pid_t child;
	char c;

	/* something of everything that an interrupt must leave alone */
	signal(SIGUSR2, handler);
	signal(SIGHUP, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_SETMASK, &set, NULL);
	self_signal(SIGUSR1);
	kill(getpid(), SIGTERM);

	child = s->doing == DO_WAIT ? fork() : -1;
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(read(s->fd[0], &c, 1) != 1);
	}

	s->pid = getpid();
	start = now_ms();
	switch (s->doing) {
	case DO_SPIN:
		while (!s->futex)
			s->count++;
		break;
	case DO_NANOSLEEP:
		s->ret = sys_nap(NAP_MS);
		break;
	case DO_READ:
		s->ret = read(s->fd[0], &c, 1) - 1;
		break;
	case DO_RECV:
		s->ret = recv(s->fd[0], &c, 1, 0) - 1;
		break;
	case DO_FUTEX:
		s->ret = sys_futex(&s->futex, FUTEX_WAIT, 0);
		break;
	case DO_POLL:
		s->ret = poll(&pfd, 1, -1) - 1;
		break;
	case DO_SELECT:
		FD_ZERO(&fds);
		FD_SET(s->fd[0], &fds);
		s->ret = sys_select(s->fd[0] + 1, &fds) - 1;
		break;
	case DO_WAIT:
		s->ret = waitpid(child, NULL, 0) == child ? 0 : -1;
		break;
	}
	s->error = s->ret ? errno : 0;
	s->took_ms = now_ms() - start;
	s->done = 1;
	pause_forever(NULL);
}

/* The real parent. Asked to, it looks what there is to wait for. */
static void parent_main(void *arg)
{
	struct sleeper *s = arg;
	siginfo_t si;
	sigset_t set;
	pid_t child;
	char c;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	s->parent = getpid();
	child = spawn(sleeper_main, s);
	while (read(s->ask[0], &c, 1) == 1) {
		sys_waitid(child, &si, WSTOPPED | WCONTINUED | WEXITED | WNOHANG |
			   WNOWAIT);
		s->seen = si.si_pid;
		s->looked = 1;
	}
}

FIXTURE(interrupt_clean)
{
	struct sleeper *s;
};

FIXTURE_VARIANT(interrupt_clean)
{
	enum doing doing;
};

FIXTURE_VARIANT_ADD(interrupt_clean, spin) { .doing = DO_SPIN };
FIXTURE_VARIANT_ADD(interrupt_clean, nanosleep) { .doing = DO_NANOSLEEP };
FIXTURE_VARIANT_ADD(interrupt_clean, read) { .doing = DO_READ };
FIXTURE_VARIANT_ADD(interrupt_clean, recv) { .doing = DO_RECV };
FIXTURE_VARIANT_ADD(interrupt_clean, futex) { .doing = DO_FUTEX };
FIXTURE_VARIANT_ADD(interrupt_clean, poll) { .doing = DO_POLL };
FIXTURE_VARIANT_ADD(interrupt_clean, select) { .doing = DO_SELECT };
FIXTURE_VARIANT_ADD(interrupt_clean, wait) { .doing = DO_WAIT };

FIXTURE_SETUP(interrupt_clean)
{
	if (have_notify_mode() == 0)
		SKIP(return, "kernel without PTRACE_SEIZE_DEVEL");
	self->s = shared_page();
	ASSERT_TRUE(!!self->s);
	self->s->doing = variant->doing;
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, self->s->fd));
	ASSERT_EQ(0, pipe(self->s->ask));
	ASSERT_GT(spawn(parent_main, self->s), 0);
	ASSERT_TRUE(wait_change(&self->s->pid, 0));
	if (variant->doing != DO_SPIN)
		ASSERT_EQ(0, wait_task_state(self->s->pid, self->s->pid, "S"));
}

FIXTURE_TEARDOWN(interrupt_clean)
{
	if (self->s->pid > 0)
		kill(self->s->pid, SIGKILL);
	kill_and_reap(self->s->parent);
}

/*
 * What of signals an interrupt must not touch, as /proc tells it. Not SigQ: that counts
 * for all tasks of the user, also those of an earlier test that are being buried.
 */
static const char * const signal_fields[] = {
	"SigPnd:", "ShdPnd:", "SigBlk:", "SigIgn:", "SigCgt:",
};

/*
 * Fails if an interrupt goes by way of a signal, changes one, ends a system call
 * with EINTR, lets a sleep begin anew, or is reported to the real parent.
 */
TEST_F(interrupt_clean, interrupt_clean_everywhere)
{
	long long before[ARRAY_SIZE(signal_fields)], now;
	struct sleeper *s = self->s;
	unsigned long count;
	unsigned int i;
	int round;

	for (i = 0; i < ARRAY_SIZE(signal_fields); i++)
		before[i] = status_field(s->pid, signal_fields[i], 16);
	/* SIGUSR1 and SIGTERM, both blocked */
	ASSERT_EQ(1LL << (SIGUSR1 - 1), before[0]);
	ASSERT_EQ(1LL << (SIGTERM - 1), before[1]);

	ASSERT_EQ(0, sys_seize_notify(s->pid, 0));
	for (round = 0; round < 3; round++) {
		ASSERT_EQ(0, interrupt(s->pid));
		EXPECT_STATUS("interrupt-clean", STOP_STATUS(SIGTRAP), s->pid);
		EXPECT_CAUSE("interrupt-clean", CAUSE_INTERRUPT, s->pid);
		for (i = 0; i < ARRAY_SIZE(signal_fields); i++) {
			now = status_field(s->pid, signal_fields[i], 16);
			EXPECT_EQ(before[i], now) {
				TH_LOG("interrupt-clean: %s was %#llx, trapped %#llx",
				       signal_fields[i], before[i], now);
			}
		}

		count = s->count;
		ASSERT_EQ(0, cont(s->pid, 0));
		if (variant->doing == DO_SPIN) {
			EXPECT_TRUE(wait_change(&s->count, count)) {
				TH_LOG("interrupt-clean: does not go on");
			}
			continue;
		}
		/* a nap may be over by now on a slow machine */
		ASSERT_EQ(0, wait_task_state(s->pid, s->pid, "S"));
		if (variant->doing != DO_NANOSLEEP)
			EXPECT_EQ(0UL, s->done) {
				TH_LOG("interrupt-clean: system call ended with %s",
				       strerror(s->error));
			}
	}
	for (i = 0; i < ARRAY_SIZE(signal_fields); i++) {
		now = status_field(s->pid, signal_fields[i], 16);
		EXPECT_EQ(before[i], now) {
			TH_LOG("interrupt-clean: %s was %#llx, afterwards %#llx",
			       signal_fields[i], before[i], now);
		}
	}

	/* end the system call as it should */
	s->futex = 1;
	sys_futex(&s->futex, FUTEX_WAKE, 1);
	ASSERT_EQ(1, write(s->fd[1], "", 1));
	EXPECT_TRUE(wait_change(&s->done, 0)) {
		TH_LOG("interrupt-clean: system call does not end");
	}
	EXPECT_EQ(0, s->error) {
		TH_LOG("interrupt-clean: system call ended with %s", strerror(s->error));
	}
	if (variant->doing == DO_NANOSLEEP)
		EXPECT_GE(s->took_ms, NAP_MS) {
			TH_LOG("interrupt-clean: slept %lld ms instead of %d",
			       s->took_ms, NAP_MS);
		}
	EXPECT_NO_STOP("interrupt-clean", s->pid);

	/* SIGCHLD is blocked in the real parent: it would be pending */
	now = status_field(s->parent, "ShdPnd:", 16);
	EXPECT_EQ(0, now & (1LL << (SIGCHLD - 1))) {
		TH_LOG("interrupt-clean: SIGCHLD to the real parent");
	}
	ASSERT_EQ(1, write(s->ask[1], "", 1));
	EXPECT_TRUE(wait_change(&s->looked, 0));
	EXPECT_EQ(0, s->seen) {
		TH_LOG("interrupt-clean: real parent has something to wait for");
	}
}

/*
 * --- interrupt-flag, interrupt-any-state, interrupt-errors: in every trap ---
 */

FIXTURE(interrupt_trap)
{
	struct actor *actor;
	pid_t pid;
	pid_t child;
};

FIXTURE_VARIANT(interrupt_trap)
{
	enum trap_kind kind;
	bool mate;
};

FIXTURE_VARIANT_ADD(interrupt_trap, signal) { .kind = TRAP_SIGNAL };

FIXTURE_VARIANT_ADD(interrupt_trap, syscall_entry)
{
	.kind = TRAP_SYSCALL_ENTRY,
};

FIXTURE_VARIANT_ADD(interrupt_trap, syscall_exit) { .kind = TRAP_SYSCALL_EXIT };
FIXTURE_VARIANT_ADD(interrupt_trap, exec) { .kind = TRAP_EXEC };
FIXTURE_VARIANT_ADD(interrupt_trap, fork) { .kind = TRAP_FORK };
FIXTURE_VARIANT_ADD(interrupt_trap, vfork) { .kind = TRAP_VFORK };
FIXTURE_VARIANT_ADD(interrupt_trap, vfork_done) { .kind = TRAP_VFORK_DONE };
FIXTURE_VARIANT_ADD(interrupt_trap, clone) { .kind = TRAP_CLONE };
FIXTURE_VARIANT_ADD(interrupt_trap, seccomp) { .kind = TRAP_SECCOMP };
FIXTURE_VARIANT_ADD(interrupt_trap, step) { .kind = TRAP_STEP };
FIXTURE_VARIANT_ADD(interrupt_trap, exit) { .kind = TRAP_EXIT };
FIXTURE_VARIANT_ADD(interrupt_trap, group_stop) { .kind = TRAP_GROUP };
FIXTURE_VARIANT_ADD(interrupt_trap, interrupted) { .kind = TRAP_INTERRUPTED };

FIXTURE_VARIANT_ADD(interrupt_trap, signal_many)
{
	.kind = TRAP_SIGNAL,
	.mate = true,
};

FIXTURE_VARIANT_ADD(interrupt_trap, exec_many)
{
	.kind = TRAP_EXEC,
	.mate = true,
};

FIXTURE_VARIANT_ADD(interrupt_trap, exit_many)
{
	.kind = TRAP_EXIT,
	.mate = true,
};

FIXTURE_VARIANT_ADD(interrupt_trap, group_stop_many)
{
	.kind = TRAP_GROUP,
	.mate = true,
};

FIXTURE_SETUP(interrupt_trap)
{
	if (have_notify_mode() == 0)
		SKIP(return, "kernel without PTRACE_SEIZE_DEVEL");
	if (variant->kind == TRAP_STEP && lacks_single_step())
		SKIP(return, "%s", lacks_single_step());
	self->actor = actor_page();
	ASSERT_TRUE(!!self->actor);
	self->actor->kind = variant->kind;
	self->actor->mate = variant->mate;
	self->pid = actor_spawn(self->actor);
	ASSERT_GT(self->pid, 0);
	ASSERT_EQ(0, sys_seize_notify(self->pid, trap_options(variant->kind)));
}

FIXTURE_TEARDOWN(interrupt_trap)
{
	actor_end(self->pid, self->child);
}

/* The child of which the trap tells that the actor @pid is in, or 0. */
static pid_t new_child(enum trap_kind kind, pid_t pid)
{
	switch (kind) {
	case TRAP_FORK:
	case TRAP_VFORK:
	case TRAP_CLONE:
		return sys_eventmsg(pid);
	default:
		return 0;
	}
}

/* Let @child be born, if there is one: the parent in vfork() waits for it. */
static void let_go(pid_t child)
{
	if (child > 0 && wait_soon(child) == STOP_STATUS(SIGTRAP))
		cont(child, 0);
}

/*
 * Fails if an interrupt disturbs a trap, is forgotten on the way out of it, comes
 * more than once, or lets the tracee get to user space before: then its
 * instruction pointer has moved. A dying tracee must not trap for it at all.
 */
TEST_F(interrupt_trap, interrupt_any_state_trapped)
{
	const int sig = variant->kind == TRAP_GROUP ? SIGSTOP : SIGTRAP;
	struct tracee_where where, then;
	unsigned long progress, msg;
	siginfo_t si, before;
	int i, status;

	status = actor_lead(self->actor, self->pid);
	ASSERT_EQ(trap_status(variant->kind), status);
	self->child = new_child(variant->kind, self->pid);
	ASSERT_EQ(0, sys_ptrace(PTRACE_GETSIGINFO, self->pid, 0, &before));
	ASSERT_EQ(0, sys_where(self->pid, &where));
	progress = self->actor->progress;
	msg = sys_eventmsg(self->pid);

	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, interrupt(self->pid));
		EXPECT_NO_STOP("interrupt-any-state", self->pid);
		EXPECT_EQ('t', task_state(self->pid, self->pid));
	}
	EXPECT_EQ(0, sys_ptrace(PTRACE_GETSIGINFO, self->pid, 0, &si));
	EXPECT_EQ(0, memcmp(&si, &before, sizeof(si))) {
		TH_LOG("interrupt-any-state: siginfo of the trap has changed");
	}
	EXPECT_EQ(msg, sys_eventmsg(self->pid));

	ASSERT_EQ(0, cont(self->pid, 0));
	let_go(self->child);
	if (variant->kind == TRAP_EXIT) {
		EXPECT_STATUS("interrupt-errors", ACTOR_EXIT_CODE << 8, self->pid);
		return;
	}

	EXPECT_STATUS("interrupt-any-state", STOP_STATUS(sig), self->pid);
	EXPECT_CAUSE("interrupt-any-state", CAUSE_INTERRUPT, self->pid);
	EXPECT_EQ(progress, self->actor->progress);
	EXPECT_EQ(0, sys_where(self->pid, &then));
	EXPECT_EQ(where.ip, then.ip) {
		TH_LOG("interrupt-any-state: moved in user space before the trap");
	}

	/* three were one: nothing until its own signal */
	ASSERT_EQ(0, cont(self->pid, 0));
	EXPECT_STATUS("interrupt-any-state", SIGNAL_STATUS(SIGUSR2), self->pid);
	EXPECT_EQ(2UL, self->actor->progress);
}

/*
 * Fails if the flag of an interrupt that is pending in a trap is left behind by
 * a detach: the next tracer would get a trap that it has not asked for.
 */
TEST_F(interrupt_trap, interrupt_detach_drops_pending)
{
	int status;

	status = actor_lead(self->actor, self->pid);
	ASSERT_EQ(trap_status(variant->kind), status);
	self->child = new_child(variant->kind, self->pid);
	ASSERT_EQ(0, interrupt(self->pid));

	self->actor->park = 1;
	ASSERT_EQ(0, detach(self->pid));
	let_go(self->child);
	if (variant->kind == TRAP_EXIT) {
		EXPECT_STATUS("interrupt-detach", ACTOR_EXIT_CODE << 8, self->pid);
		return;
	}

	if (variant->kind == TRAP_GROUP) {
		ASSERT_EQ(0, wait_task_state(self->pid, self->pid, "T"));
		ASSERT_EQ(0, sys_seize_notify(self->pid, 0));
		EXPECT_STATUS("interrupt-detach", STOP_STATUS(SIGSTOP), self->pid);
		EXPECT_CAUSE("interrupt-detach", CAUSE_GROUP, self->pid);
		ASSERT_EQ(0, cont(self->pid, 0));
	} else {
		EXPECT_TRUE(wait_change(&self->actor->progress, 0) &&
			    wait_change(&self->actor->progress, 1));
		ASSERT_EQ(0, sys_seize_notify(self->pid, 0));
	}
	self->actor->park = 0;
	EXPECT_STATUS("interrupt-detach", SIGNAL_STATUS(SIGUSR2), self->pid);
	EXPECT_EQ(2UL, self->actor->progress);
}

/*
 * --- interrupt-flag: any trap clears it ---
 */

FIXTURE(interrupt_pending)
{
	struct actor *actor;
	pid_t pid;
};

FIXTURE_VARIANT(interrupt_pending)
{
	enum trap_kind kind;
	int trap;		/* the first that the tracee gets to */
};

FIXTURE_VARIANT_ADD(interrupt_pending, event)
{
	.kind = TRAP_VFORK_DONE,
	.trap = EVENT_STATUS(PTRACE_EVENT_VFORK_DONE),
};

FIXTURE_VARIANT_ADD(interrupt_pending, syscall_exit)
{
	/* the trap that it is made for is not asked for, see the options */
	.kind = TRAP_VFORK_DONE,
	.trap = SIGNAL_STATUS(SIGTRAP | 0x80),
};

FIXTURE_SETUP(interrupt_pending)
{
	if (have_notify_mode() == 0)
		SKIP(return, "kernel without PTRACE_SEIZE_DEVEL");
	self->actor = actor_page();
	ASSERT_TRUE(!!self->actor);
	self->actor->kind = variant->kind;
	self->actor->hold = 1;
	self->pid = actor_spawn(self->actor);
	ASSERT_GT(self->pid, 0);
}

FIXTURE_TEARDOWN(interrupt_pending)
{
	self->actor->hold = 0;
	actor_end(self->pid, 0);
}

/*
 * The window between an interrupt and the trap for it, held open by vfork(): the
 * parent sleeps, killable only, until its child is gone, and then has another trap
 * to take first. Fails if that trap does not clear the flag; or if an interrupt
 * ends such a sleep.
 */
TEST_F(interrupt_pending, interrupt_flag_cleared_by_any_trap)
{
	const bool event = variant->trap == EVENT_STATUS(PTRACE_EVENT_VFORK_DONE);
	const unsigned long options = event ? PTRACE_O_TRACEVFORKDONE :
					      PTRACE_O_TRACESYSGOOD;
	const long request = event ? PTRACE_CONT : PTRACE_SYSCALL;

	ASSERT_EQ(0, sys_seize_notify(self->pid, options));
	self->actor->go = 1;
	ASSERT_EQ(SIGNAL_STATUS(SIGUSR1), wait_soon(self->pid));
	if (!event) {
		ASSERT_EQ(0, sys_ptrace(request, self->pid, 0, NULL));
		ASSERT_EQ(variant->trap, wait_soon(self->pid));
	}
	ASSERT_EQ(0, sys_ptrace(request, self->pid, 0, NULL));
	ASSERT_EQ(0, wait_task_state(self->pid, self->pid, "D"));

	ASSERT_EQ(0, interrupt(self->pid));
	ASSERT_EQ(0, interrupt(self->pid));
	EXPECT_NO_STOP("interrupt-any-state", self->pid);
	EXPECT_EQ('D', task_state(self->pid, self->pid));
	self->actor->hold = 0;
	EXPECT_STATUS("interrupt-flag", variant->trap, self->pid);

	ASSERT_EQ(0, cont(self->pid, 0));
	EXPECT_STATUS("interrupt-flag", SIGNAL_STATUS(SIGUSR2), self->pid);
	EXPECT_EQ(2UL, self->actor->progress);
}

/*
 * The same window, with nothing else to trap for: two interrupts are one. Fails
 * if they are counted, or if one is lost because the tracee can't be woken.
 */
TEST_F(interrupt_pending, interrupt_any_state_unwakeable)
{
	ASSERT_EQ(0, sys_seize_notify(self->pid, 0));
	self->actor->go = 1;
	ASSERT_EQ(SIGNAL_STATUS(SIGUSR1), wait_soon(self->pid));
	ASSERT_EQ(0, cont(self->pid, 0));
	ASSERT_EQ(0, wait_task_state(self->pid, self->pid, "D"));

	ASSERT_EQ(0, interrupt(self->pid));
	ASSERT_EQ(0, interrupt(self->pid));
	self->actor->hold = 0;
	EXPECT_STATUS("interrupt-any-state", STOP_STATUS(SIGTRAP), self->pid);
	EXPECT_CAUSE("interrupt-any-state", CAUSE_INTERRUPT, self->pid);
	EXPECT_EQ(1UL, self->actor->progress);

	ASSERT_EQ(0, cont(self->pid, 0));
	EXPECT_STATUS("interrupt-any-state", SIGNAL_STATUS(SIGUSR2), self->pid);
}

/*
 * --- Interrupts and group stops ---
 */

FIXTURE(interrupt_stop)
{
	struct crew *crew;
};

FIXTURE_VARIANT(interrupt_stop)
{
	int size;
	int sig;
};

FIXTURE_VARIANT_ADD(interrupt_stop, one_stop) { .size = 1, .sig = SIGSTOP };
FIXTURE_VARIANT_ADD(interrupt_stop, one_tstp) { .size = 1, .sig = SIGTSTP };
FIXTURE_VARIANT_ADD(interrupt_stop, one_ttin) { .size = 1, .sig = SIGTTIN };
FIXTURE_VARIANT_ADD(interrupt_stop, one_ttou) { .size = 1, .sig = SIGTTOU };
FIXTURE_VARIANT_ADD(interrupt_stop, many_stop) { .size = 3, .sig = SIGSTOP };
FIXTURE_VARIANT_ADD(interrupt_stop, many_ttou) { .size = 3, .sig = SIGTTOU };

FIXTURE_SETUP(interrupt_stop)
{
	int nr, status;

	if (have_notify_mode() == 0)
		SKIP(return, "kernel without PTRACE_SEIZE_DEVEL");
	self->crew = shared_page();
	ASSERT_TRUE(!!self->crew);
	self->crew->size = variant->size;
	self->crew->spin = true;
	ASSERT_GT(crew_spawn(self->crew), 0);
	ASSERT_EQ(0, crew_seize(self->crew, PTRACE_SEIZE_DEVEL));
	ASSERT_EQ(0, crew_stop(self->crew, variant->sig, &nr, &status)) {
		TH_LOG("thread %d reports %#x instead of a group stop", nr, status);
	}
}

FIXTURE_TEARDOWN(interrupt_stop)
{
	crew_end(self->crew);
}

/*
 * Fails if a group stop passes for an interrupt or an interrupt for a group stop,
 * or if an interrupt ends the group stop.
 */
TEST_F(interrupt_stop, interrupt_flag_is_not_group_stop)
{
	struct crew *crew = self->crew;
	unsigned long count;
	int i;

	for (i = 0; i < variant->size; i++) {
		EXPECT_CAUSE("interrupt-flag", CAUSE_GROUP | CAUSE_NOTIFY,
			     crew->tid[i]);
		ASSERT_EQ(0, ack(crew->tid[i]));
		count = crew->count[i];
		ASSERT_EQ(0, cont(crew->tid[i], 0));
		EXPECT_TRUE(wait_change(&crew->count[i], count)) {
			TH_LOG("interrupt-flag: acknowledged and resumed, but not running");
		}
	}
	for (i = 0; i < variant->size; i++) {
		ASSERT_EQ(0, interrupt(crew->tid[i]));
		EXPECT_STATUS("interrupt-flag", STOP_STATUS(variant->sig),
			      crew->tid[i]);
		EXPECT_CAUSE("interrupt-flag", CAUSE_INTERRUPT, crew->tid[i]);
	}
}

/* Fails if LISTEN holds out against an interrupt, or the trap goes untold. */
TEST_F(interrupt_stop, interrupt_any_state_ends_listen)
{
	struct crew *crew = self->crew;
	unsigned long count;
	int i;

	for (i = 0; i < variant->size; i++) {
		ASSERT_EQ(0, ack(crew->tid[i]));
		ASSERT_EQ(0, sys_ptrace(PTRACE_LISTEN, crew->tid[i], 0, NULL));
		EXPECT_NO_STOP("interrupt-any-state", crew->tid[i]);
	}
	for (i = 0; i < variant->size; i++) {
		ASSERT_EQ(0, interrupt(crew->tid[i]));
		EXPECT_STATUS("interrupt-any-state", STOP_STATUS(variant->sig),
			      crew->tid[i]);
		EXPECT_EQ(CAUSE_INTERRUPT,
			  sys_eventmsg(crew->tid[i]) & CAUSE_INTERRUPT);
		EXPECT_EQ(0, ack(crew->tid[i]));
	}
	/* once */
	for (i = 0; i < variant->size; i++) {
		count = crew->count[i];
		ASSERT_EQ(0, cont(crew->tid[i], 0));
		EXPECT_TRUE(wait_change(&crew->count[i], count)) {
			TH_LOG("interrupt-any-state: does not run after LISTEN was ended");
		}
		EXPECT_NO_STOP("interrupt-any-state", crew->tid[i]);
	}
}

/*
 * An interrupt given to a trapped tracee asks for one more trap; LISTEN lets it
 * have it. Fails if the tracee sleeps through it, or takes it twice.
 */
TEST_F(interrupt_stop, interrupt_any_state_before_listen)
{
	struct crew *crew = self->crew;
	unsigned long count;
	int i;

	for (i = 0; i < variant->size; i++) {
		ASSERT_EQ(0, ack(crew->tid[i]));
		ASSERT_EQ(0, interrupt(crew->tid[i]));
		EXPECT_NO_STOP("interrupt-any-state", crew->tid[i]);
		ASSERT_EQ(0, sys_ptrace(PTRACE_LISTEN, crew->tid[i], 0, NULL));
		EXPECT_STATUS("interrupt-any-state", STOP_STATUS(variant->sig),
			      crew->tid[i]);
		EXPECT_EQ(CAUSE_INTERRUPT,
			  sys_eventmsg(crew->tid[i]) & CAUSE_INTERRUPT);
	}
	for (i = 0; i < variant->size; i++) {
		count = crew->count[i];
		ASSERT_EQ(0, cont(crew->tid[i], 0));
		EXPECT_TRUE(wait_change(&crew->count[i], count)) {
			TH_LOG("interrupt-any-state: does not run after LISTEN was ended");
		}
	}
}

/*
 * The end of the group stop makes a tracee trap again that has an interrupt
 * pending. Fails if that re-trap, which the tracer has not caused, uses it up.
 */
TEST_F(interrupt_stop, interrupt_any_state_survives_retrap)
{
	struct crew *crew = self->crew;
	unsigned long cause;
	pid_t tid;
	int i;

	for (i = 0; i < variant->size; i++) {
		ASSERT_EQ(0, ack(crew->tid[i]));
		ASSERT_EQ(0, interrupt(crew->tid[i]));
	}
	ASSERT_EQ(0, syscall(SYS_tgkill, crew->pid, crew->pid, SIGCONT));
	for (i = 0; i < variant->size; i++) {
		tid = crew->tid[i];
		EXPECT_STATUS("notify-change", STOP_STATUS(SIGTRAP), tid);
		cause = sys_eventmsg(tid);
		EXPECT_EQ(CAUSE_NOTIFY, cause & ~CAUSE_GROUP) {
			TH_LOG("interrupt-any-state: cause %#lx of the re-trap", cause);
		}
		ASSERT_EQ(0, ack(tid));
	}
	for (i = 0; i < variant->size; i++) {
		tid = crew->tid[i];
		ASSERT_EQ(0, cont(tid, 0));
		EXPECT_STATUS("interrupt-any-state", STOP_STATUS(SIGTRAP), tid);
		EXPECT_CAUSE("interrupt-any-state", CAUSE_INTERRUPT, tid);
	}
	for (i = variant->size - 1; i >= 0; i--) {
		unsigned long count = crew->count[i];

		ASSERT_EQ(0, cont(crew->tid[i], 0));
		if (!i)
			EXPECT_STATUS("interrupt-any-state", SIGNAL_STATUS(SIGCONT),
				      crew->pid);
		else
			EXPECT_TRUE(wait_change(&crew->count[i], count));
	}
}

/* Both pending: one trap for both. Fails if the one hides or repeats the other. */
TEST_F(interrupt_stop, interrupt_any_state_with_notification)
{
	struct crew *crew = self->crew;
	unsigned long count;
	pid_t tid;
	int i;

	for (i = 0; i < variant->size; i++) {
		/* notification of the group stop not acknowledged */
		tid = crew->tid[i];
		ASSERT_EQ(0, interrupt(tid));
		ASSERT_EQ(0, cont(tid, 0));
		EXPECT_STATUS("interrupt-any-state", STOP_STATUS(variant->sig), tid);
		EXPECT_CAUSE("interrupt-any-state", CAUSE_NOTIFY | CAUSE_INTERRUPT,
			     tid);
		ASSERT_EQ(0, ack(tid));
		count = crew->count[i];
		ASSERT_EQ(0, cont(tid, 0));
		EXPECT_TRUE(wait_change(&crew->count[i], count)) {
			TH_LOG("interrupt-any-state: trapped again: %#x", peek_stop(tid));
		}
	}
}

/*
 * --- interrupt-detach ---
 */

/*
 * The second seed's program with argument. Fails if a detach after an interrupt
 * lets a stopped tracee run.
 */
TEST_F(interrupt_stop, interrupt_detach_stays_stopped)
{
	struct crew *crew = self->crew;
	unsigned long count;
	int i;

	for (i = 0; i < variant->size; i++) {
		ASSERT_EQ(0, ack(crew->tid[i]));
		count = crew->count[i];
		ASSERT_EQ(0, cont(crew->tid[i], 0));
		ASSERT_TRUE(wait_change(&crew->count[i], count));
	}
	for (i = 0; i < variant->size; i++) {
		ASSERT_EQ(0, interrupt(crew->tid[i]));
		EXPECT_STATUS("interrupt-detach", STOP_STATUS(variant->sig),
			      crew->tid[i]);
		count = crew->count[i];
		ASSERT_EQ(0, detach(crew->tid[i]));
		EXPECT_EQ(0, wait_task_state(crew->pid, crew->tid[i], "T")) {
			TH_LOG("interrupt-detach: state %c instead of T",
			       task_state(crew->pid, crew->tid[i]));
		}
		EXPECT_EQ(count, crew->count[i]) {
			TH_LOG("interrupt-detach: ran before it stopped");
		}
	}
	ASSERT_EQ(0, kill(crew->pid, SIGCONT));
	for (i = 0; i < variant->size; i++)
		EXPECT_TRUE(crew_runs(crew, i));
}

FIXTURE(interrupt_run)
{
	struct crew *crew;
};

FIXTURE_VARIANT(interrupt_run)
{
	int size;
	bool spin;
};

FIXTURE_VARIANT_ADD(interrupt_run, one_sleeping) { .size = 1, .spin = false };
FIXTURE_VARIANT_ADD(interrupt_run, one_spinning) { .size = 1, .spin = true };
FIXTURE_VARIANT_ADD(interrupt_run, many_sleeping) { .size = 3, .spin = false };
FIXTURE_VARIANT_ADD(interrupt_run, many_spinning) { .size = 3, .spin = true };

FIXTURE_SETUP(interrupt_run)
{
	if (have_notify_mode() == 0)
		SKIP(return, "kernel without PTRACE_SEIZE_DEVEL");
	self->crew = shared_page();
	ASSERT_TRUE(!!self->crew);
	self->crew->size = variant->size;
	self->crew->spin = variant->spin;
	ASSERT_GT(crew_spawn(self->crew), 0);
	ASSERT_EQ(0, crew_seize(self->crew, PTRACE_SEIZE_DEVEL));
}

FIXTURE_TEARDOWN(interrupt_run)
{
	crew_end(self->crew);
}

/*
 * The second seed's program without argument. Fails if a detach after an
 * interrupt stops the tracee, kills it, or leaves it trapped.
 */
TEST_F(interrupt_run, interrupt_detach_stays_running)
{
	struct crew *crew = self->crew;
	int i;

	for (i = 0; i < variant->size; i++) {
		ASSERT_EQ(0, interrupt(crew->tid[i]));
		EXPECT_STATUS("interrupt-detach", STOP_STATUS(SIGTRAP), crew->tid[i]);
		ASSERT_EQ(0, detach(crew->tid[i]));
	}
	for (i = 0; i < variant->size; i++) {
		EXPECT_TRUE(crew_runs(crew, i)) {
			TH_LOG("interrupt-detach: thread %d in state %c", i,
			       task_state(crew->pid, crew->tid[i]));
		}
		EXPECT_EQ(0, status_field(crew->tid[i], "TracerPid:", 10));
	}
	/* nor has anything been left for the next tracer */
	ASSERT_EQ(0, crew_seize(crew, 0));
	for (i = 0; i < variant->size; i++) {
		EXPECT_TRUE(crew_runs(crew, i));
		EXPECT_NO_STOP("interrupt-detach", crew->tid[i]);
	}
}

/* Fails if LISTEN without a group stop is something that an interrupt can't end. */
TEST_F(interrupt_run, interrupt_any_state_ends_listen)
{
	struct crew *crew = self->crew;
	int i, round;

	for (i = 0; i < variant->size; i++) {
		ASSERT_EQ(0, interrupt(crew->tid[i]));
		EXPECT_STATUS("interrupt-any-state", STOP_STATUS(SIGTRAP), crew->tid[i]);
		for (round = 0; round < 3; round++) {
			ASSERT_EQ(0, sys_ptrace(PTRACE_LISTEN, crew->tid[i], 0, NULL));
			EXPECT_NO_STOP("interrupt-any-state", crew->tid[i]);
			ASSERT_EQ(0, interrupt(crew->tid[i]));
			EXPECT_STATUS("interrupt-any-state", STOP_STATUS(SIGTRAP),
				      crew->tid[i]);
		}
		ASSERT_EQ(0, cont(crew->tid[i], 0));
		EXPECT_TRUE(crew_runs(crew, i));
		EXPECT_NO_STOP("interrupt-any-state", crew->tid[i]);
	}
}

/* Fails if an interrupt of one thread traps another, or the whole group. */
TEST_F(interrupt_run, interrupt_clean_other_threads)
{
	struct crew *crew = self->crew;
	int i, k;

	for (i = 0; i < variant->size; i++) {
		ASSERT_EQ(0, interrupt(crew->tid[i]));
		EXPECT_STATUS("interrupt-clean", STOP_STATUS(SIGTRAP), crew->tid[i]);
		for (k = 0; k < variant->size; k++) {
			if (k != i) {
				EXPECT_TRUE(crew_runs(crew, k));
				EXPECT_NO_STOP("interrupt-clean", crew->tid[k]);
			}
		}
		ASSERT_EQ(0, cont(crew->tid[i], 0));
	}
}

/*
 * The window between the two traps of a re-trap, hit by doing both at once, many
 * times: the interrupt that meets it must not get lost, nor end the re-trap.
 */
TEST_F(interrupt_run, interrupt_any_state_during_retrap)
{
	const long long deadline = now_ms() + 300;
	struct crew *crew = self->crew;
	const pid_t pid = crew->pid;
	int rounds = 0, i, nr, status;
	bool failed = false;

	while ((rounds < 4 || now_ms() < deadline) && !failed) {
		ASSERT_EQ(0, crew_stop(crew, SIGSTOP, &nr, &status)) {
			TH_LOG("thread %d reports %#x instead of a group stop", nr,
			       status);
		}
		for (i = 0; i < variant->size; i++)
			ASSERT_EQ(0, ack(crew->tid[i]));

		ASSERT_EQ(0, syscall(SYS_tgkill, pid, pid, SIGCONT));
		for (i = 0; i < variant->size; i++)
			ASSERT_EQ(0, interrupt(crew->tid[i]));
		for (i = variant->size - 1; i >= 0; i--) {
			const pid_t tid = crew->tid[i];

			EXPECT_STATUS("interrupt-any-state", STOP_STATUS(SIGTRAP), tid);
			ASSERT_EQ(0, ack(tid));
			ASSERT_EQ(0, cont(tid, 0));
			status = wait_soon(tid);
			EXPECT_EQ(STOP_STATUS(SIGTRAP), status) {
				LOG_STATUS("interrupt-any-state", status,
					   STOP_STATUS(SIGTRAP));
				failed = true;
			}
			EXPECT_CAUSE("interrupt-any-state", CAUSE_INTERRUPT, tid);
			ASSERT_EQ(0, cont(tid, 0));
			if (i)
				continue;
			EXPECT_STATUS("interrupt-any-state", SIGNAL_STATUS(SIGCONT), tid);
			ASSERT_EQ(0, cont(tid, 0));
		}
		rounds++;
	}
}

/*
 * --- interrupt-errors ---
 */

static int interrupt_error(pid_t pid)
{
	return interrupt(pid) ? errno : 0;
}

struct stranger {
	pid_t victim;
	int error;
	volatile bool done;
};

static void *stranger_main(void *arg)
{
	struct stranger *stranger = arg;

	stranger->error = interrupt_error(stranger->victim);
	stranger->done = true;
	return NULL;
}

static void seize_and_stay(void *arg)
{
	struct crew *crew = arg;

	crew_seize(crew, PTRACE_SEIZE_DEVEL);
	crew_order(crew, 'r');	/* no order: says that we are ready */
	pause_forever(NULL);
}

/* Fails if anyone but the tracer itself, the thread, can interrupt. */
TEST_F(interrupt_run, interrupt_errors_not_ours)
{
	struct stranger stranger = { .victim = self->crew->pid };
	struct crew *other = shared_page();
	pthread_t thread;
	pid_t pid, rival;
	char c;

	EXPECT_EQ(ESRCH, interrupt_error(0));
	EXPECT_EQ(ESRCH, interrupt_error(-1));
	EXPECT_EQ(ESRCH, interrupt_error(0x7fffffff));
	EXPECT_EQ(ESRCH, interrupt_error(getpid()));

	/* gone; ours but not traced; a zombie that was not traced */
	pid = spawn(pause_forever, NULL);
	ASSERT_GT(pid, 0);
	EXPECT_EQ(ESRCH, interrupt_error(pid));
	kill(pid, SIGKILL);
	ASSERT_EQ(0, wait_task_state(pid, pid, "Z"));
	EXPECT_EQ(ESRCH, interrupt_error(pid));
	kill_and_reap(pid);
	EXPECT_EQ(ESRCH, interrupt_error(pid));

	/* traced by another process */
	ASSERT_TRUE(!!other);
	other->size = 1;
	ASSERT_GT(crew_spawn(other), 0);
	rival = spawn(seize_and_stay, other);
	ASSERT_GT(rival, 0);
	EXPECT_EQ(1, read(other->order[0], &c, 1));
	EXPECT_EQ(ESRCH, interrupt_error(other->pid));
	kill_and_reap(rival);
	crew_end(other);

	/* ours, but not of that thread of ours */
	ASSERT_EQ(0, pthread_create(&thread, NULL, stranger_main, &stranger));
	while (!stranger.done)
		sched_yield();
	EXPECT_EQ(ESRCH, stranger.error);
	EXPECT_NO_STOP("interrupt-errors", self->crew->pid);
	EXPECT_TRUE(crew_runs(self->crew, 0));
}

static void traceme(void *unused)
{
	sys_ptrace(PTRACE_TRACEME, 0, 0, NULL);
	self_signal(SIGSTOP);
	pause_forever(NULL);
}

/* Fails if a tracee that was attached the old way can be interrupted. */
TEST_F(interrupt_run, interrupt_errors_not_seized)
{
	pid_t pid;

	pid = spawn(pause_forever, NULL);
	ASSERT_GT(pid, 0);
	ASSERT_EQ(0, sys_ptrace(PTRACE_ATTACH, pid, 0, NULL));
	EXPECT_EQ(EIO, interrupt_error(pid));
	EXPECT_STATUS("interrupt-errors", SIGNAL_STATUS(SIGSTOP), pid);
	EXPECT_EQ(EIO, interrupt_error(pid));
	ASSERT_EQ(0, cont(pid, 0));
	EXPECT_EQ(0, wait_task_state(pid, pid, "S"));
	EXPECT_EQ(EIO, interrupt_error(pid));
	EXPECT_NO_STOP("interrupt-errors", pid);
	kill_and_reap(pid);

	pid = spawn(traceme, NULL);
	ASSERT_GT(pid, 0);
	EXPECT_STATUS("interrupt-errors", SIGNAL_STATUS(SIGSTOP), pid);
	EXPECT_EQ(EIO, interrupt_error(pid));
	kill_and_reap(pid);
}

/*
 * The window between SIGKILL and the end, many times, with the tracee running
 * and trapped. Fails if a dying tracee traps for the interrupt: it would not die.
 */
TEST_F(interrupt_run, interrupt_errors_dying)
{
	struct crew *crew = self->crew;
	int round, error, i;

	for (round = 0; round < 20; round++) {
		if (round & 1) {
			ASSERT_EQ(0, interrupt(crew->pid));
			EXPECT_STATUS("interrupt-any-state", STOP_STATUS(SIGTRAP),
				      crew->pid);
		}
		ASSERT_EQ(0, kill(crew->pid, SIGKILL));
		for (i = 0; i < 20; i++) {
			error = interrupt_error(crew->tid[i % variant->size]);
			EXPECT_TRUE(error == 0 || error == ESRCH) {
				TH_LOG("interrupt-errors: error %d of a dying tracee",
				       error);
			}
		}
		for (i = variant->size - 1; i >= 0; i--)
			EXPECT_STATUS("interrupt-errors", SIGKILL, crew->tid[i]);
		crew_end(crew);
		ASSERT_GT(crew_spawn(crew), 0);
		ASSERT_EQ(0, crew_seize(crew, PTRACE_SEIZE_DEVEL));
	}
}

/* Fails if a zombie traps, or is not there to be reaped afterwards. */
TEST_F(interrupt_run, interrupt_errors_zombie)
{
	struct crew *crew = self->crew;
	int i, error;

	ASSERT_EQ(0, kill(crew->pid, SIGKILL));
	for (i = 0; i < variant->size; i++)
		ASSERT_EQ(0, wait_task_state(crew->pid, crew->tid[i], "Z"));
	for (i = variant->size - 1; i >= 0; i--) {
		error = interrupt_error(crew->tid[i]);
		EXPECT_TRUE(error == 0 || error == ESRCH);
		EXPECT_STATUS("interrupt-errors", SIGKILL, crew->tid[i]);
		EXPECT_EQ(ESRCH, interrupt_error(crew->tid[i]));
	}
}

TEST_HARNESS_MAIN
