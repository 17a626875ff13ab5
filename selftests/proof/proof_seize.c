// SPDX-License-Identifier: GPL-2.0
/*
 * PTRACE_SEIZE in notify mode (PTRACE_SEIZE_DEVEL): what it takes and refuses,
 * what it does to a tracee that runs and to one that is stopped, and who is in
 * notify mode afterwards. Promises seize-optin, seize-quiet, seize-stopped and
 * seize-inherit.
 */
#include "old/group_stop.h"
#include "../kselftest_harness.h"
#include "old/group_stop_tracee.h"
#include "old/group_stop_hog.h"

/* All that PTRACE_SEIZE knows of. */
#define KNOWN_OPTIONS	(0xffUL | PTRACE_O_EXITKILL | PTRACE_O_SUSPEND_SECCOMP)

#define LONG_BITS	((int)(8 * sizeof(long)))

/* PTRACE_SEIZE. Returns 0 or the error. */
static int seize(pid_t pid, unsigned long addr, unsigned long data)
{
	return sys_ptrace(PTRACE_SEIZE, pid, addr, (void *)data) ? errno : 0;
}

/* Detach from @pid, which runs. Returns 0 or -1. */
static int let_go(pid_t pid)
{
	if (interrupt(pid) || wait_soon(pid) != STOP_STATUS(SIGTRAP))
		return -1;
	return detach(pid);
}

/* Who traces @pid; 0 if nobody. */
static pid_t tracer_of(pid_t pid)
{
	return status_field(pid, "TracerPid:", 10);
}

/*
 * --- What is taken and what is refused. One sleeping victim is enough. ---
 */

FIXTURE(seize)
{
	struct crew *crew;
	pid_t pid;
};

FIXTURE_SETUP(seize)
{
	if (have_notify_mode() == 0)
		SKIP(return, "kernel without PTRACE_SEIZE_DEVEL");
	self->crew = shared_page();
	ASSERT_TRUE(!!self->crew);
	self->crew->size = 1;
	self->pid = crew_spawn(self->crew);
	ASSERT_GT(self->pid, 0);
}

FIXTURE_TEARDOWN(seize)
{
	crew_end(self->crew);
}

/* Fails if an option is refused along with the flag, or switches it off. */
TEST_F(seize, seize_optin_every_option)
{
	int plain, error, bit, notify;
	unsigned long option;

	/* the last round takes all of them at once */
	for (bit = 0; bit <= LONG_BITS; bit++) {
		option = bit < LONG_BITS ? 1UL << bit :
					   ~(unsigned long)PTRACE_O_SUSPEND_SECCOMP;
		option &= KNOWN_OPTIONS;
		if (!option)
			continue;

		/* PTRACE_O_SUSPEND_SECCOMP needs privileges and a config option */
		plain = seize(self->pid, 0, option);
		if (!plain)
			ASSERT_EQ(0, let_go(self->pid));

		error = seize(self->pid, 0, option | PTRACE_SEIZE_DEVEL);
		EXPECT_EQ(plain, error) {
			TH_LOG("seize-optin: option %#lx is error %d with the flag, %d without",
			       option, error, plain);
		}
		if (error)
			continue;
		notify = probe_notify_mode(self->pid);
		EXPECT_EQ(1, notify) {
			TH_LOG("seize-optin: with option %#lx notify mode is %d, not 1",
			       option, notify);
		}
		ASSERT_EQ(0, let_go(self->pid));
	}
}

/* Fails if the flag gets through to the options, or makes room for other bits. */
TEST_F(seize, seize_optin_unknown_bits)
{
	const unsigned long known = KNOWN_OPTIONS | PTRACE_SEIZE_DEVEL;
	unsigned long data, with;
	int bit, error;

	for (bit = 0; bit < LONG_BITS; bit++) {
		if (known & (1UL << bit))
			continue;
		for (with = 0; with <= 2; with++) {
			data = 1UL << bit;
			if (with)
				data |= PTRACE_SEIZE_DEVEL;
			if (with == 2)
				data |= PTRACE_O_TRACEEXEC;
			error = seize(self->pid, 0, data);
			EXPECT_EQ(EIO, error) {
				TH_LOG("seize-optin: data %#lx is error %d, not EIO", data,
				       error);
			}
			if (!error)
				ASSERT_EQ(0, let_go(self->pid));
		}
	}
	EXPECT_EQ(0, tracer_of(self->pid));
}

/*
 * Fails if a flag that a careless caller has sign-extended is taken; or, in a
 * 32-bit build on a 64-bit kernel, if the kernel's own sign extension is not
 * undone.
 */
TEST_F(seize, seize_optin_sign_extended)
{
	const unsigned long extended = (long)(int)PTRACE_SEIZE_DEVEL;
	const int expected = LONG_BITS == 32 ? 0 : EIO;
	int error;

	error = seize(self->pid, 0, extended);
	EXPECT_EQ(expected, error) {
		TH_LOG("seize-optin: data %#lx is error %d, not %d", extended, error,
		       expected);
	}
	if (!error) {
		EXPECT_EQ(1, probe_notify_mode(self->pid));
		ASSERT_EQ(0, let_go(self->pid));
	}

	error = seize(self->pid, 0, extended | PTRACE_O_TRACEEXIT);
	EXPECT_EQ(expected, error);
	if (!error)
		ASSERT_EQ(0, let_go(self->pid));

	EXPECT_EQ(EIO, seize(self->pid, 0, ~0UL));
	EXPECT_EQ(0, tracer_of(self->pid));
}

/* Fails if the flag is looked at before @addr, or @addr only in part. */
TEST_F(seize, seize_optin_addr)
{
	int bit, error;

	for (bit = 0; bit < LONG_BITS; bit++) {
		error = seize(self->pid, 1UL << bit, PTRACE_SEIZE_DEVEL);
		EXPECT_EQ(EIO, error) {
			TH_LOG("seize-optin: addr %#lx is error %d, not EIO", 1UL << bit,
			       error);
		}
		if (!error)
			ASSERT_EQ(0, let_go(self->pid));
	}
	EXPECT_EQ(0, tracer_of(self->pid));
}

/* Fails if the flag changes who can be seized: nobody who is not there, */
TEST_F(seize, seize_optin_no_such_task)
{
	pid_t gone = spawn(pause_forever, NULL);

	ASSERT_GT(gone, 0);
	kill_and_reap(gone);

	EXPECT_EQ(ESRCH, seize(gone, 0, PTRACE_SEIZE_DEVEL));
	EXPECT_EQ(ESRCH, seize(0, 0, PTRACE_SEIZE_DEVEL));
	EXPECT_EQ(ESRCH, seize(-1, 0, PTRACE_SEIZE_DEVEL));
	EXPECT_EQ(ESRCH, seize(0x7fffffff, 0, PTRACE_SEIZE_DEVEL));
}

struct parked {
	int fd[2];
	volatile pid_t tid;
};

static void *park(void *arg)
{
	struct parked *parked = arg;
	char c;

	parked->tid = syscall(SYS_gettid);
	return read(parked->fd[0], &c, 1) < 0 ? arg : NULL;
}

/* ... neither oneself, nor a thread of one's own, */
TEST_F(seize, seize_optin_oneself)
{
	struct parked parked = { .tid = 0 };
	pthread_t thread;

	EXPECT_EQ(EPERM, seize(getpid(), 0, PTRACE_SEIZE_DEVEL));

	ASSERT_EQ(0, pipe(parked.fd));
	ASSERT_EQ(0, pthread_create(&thread, NULL, park, &parked));
	while (!parked.tid)
		sched_yield();
	EXPECT_EQ(EPERM, seize(parked.tid, 0, PTRACE_SEIZE_DEVEL));
	EXPECT_EQ(0, tracer_of(parked.tid));
	close(parked.fd[1]);
}

struct rival {
	pid_t victim;
	unsigned long data;
	int ready;
};

/* A process that seizes the victim itself and stays. */
static void rival_main(void *arg)
{
	struct rival *rival = arg;
	char error = seize(rival->victim, 0, rival->data);

	if (write(rival->ready, &error, 1) == 1)
		pause_forever(NULL);
}

/* ... nor a task that is traced, in whatever mode, by whomever, */
TEST_F(seize, seize_optin_already_traced)
{
	static const unsigned long modes[] = { 0, PTRACE_SEIZE_DEVEL };
	struct rival rival = { .victim = self->pid };
	unsigned int i, k;
	int ready[2];
	pid_t other;
	char error;

	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, seize(self->pid, 0, modes[i]));
		for (k = 0; k < 2; k++) {
			EXPECT_EQ(EPERM, seize(self->pid, 0, modes[k])) {
				TH_LOG("seize-optin: seized again, %#lx over %#lx",
				       modes[k], modes[i]);
			}
		}
		EXPECT_EQ((int)i, probe_notify_mode(self->pid)) {
			TH_LOG("seize-optin: a refused seize changed the mode %#lx",
			       modes[i]);
		}
		ASSERT_EQ(0, let_go(self->pid));
	}

	ASSERT_EQ(0, pipe(ready));
	rival.ready = ready[1];
	for (i = 0; i < 2; i++) {
		rival.data = modes[i];
		other = spawn(rival_main, &rival);
		ASSERT_GT(other, 0);
		EXPECT_EQ(1, read(ready[0], &error, 1));
		EXPECT_EQ(0, error);
		EXPECT_EQ(EPERM, seize(self->pid, 0, PTRACE_SEIZE_DEVEL));
		EXPECT_EQ(other, tracer_of(self->pid));
		kill_and_reap(other);
	}
	EXPECT_EQ(0, tracer_of(self->pid));
}

static void *exit_leader(void *arg)
{
	*(volatile pid_t *)arg = syscall(SYS_gettid);
	pause_forever(NULL);
	return NULL;
}

/* A process whose leader exits and whose other thread, told in *@arg, stays. */
static void headless_main(void *arg)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, exit_leader, arg))
		return;
	while (!*(volatile pid_t *)arg)
		sched_yield();
	syscall(SYS_exit, 0);
}

static void exit_at_once(void *unused)
{
	_exit(1);
}

/* ... nor one that is dead already; what is left of its process can be. */
TEST_F(seize, seize_optin_dead)
{
	volatile pid_t *tid = shared_page();
	pid_t zombie, headless;

	zombie = spawn(exit_at_once, NULL);
	ASSERT_GT(zombie, 0);
	ASSERT_EQ(0, wait_task_state(zombie, zombie, "Z"));
	EXPECT_EQ(EPERM, seize(zombie, 0, PTRACE_SEIZE_DEVEL));
	EXPECT_EQ(0, tracer_of(zombie));
	kill_and_reap(zombie);

	headless = spawn(headless_main, (void *)tid);
	ASSERT_GT(headless, 0);
	EXPECT_EQ(0, wait_task_state(headless, headless, "Z"));
	EXPECT_EQ(EPERM, seize(headless, 0, PTRACE_SEIZE_DEVEL));
	EXPECT_EQ(0, seize(*tid, 0, PTRACE_SEIZE_DEVEL));
	EXPECT_EQ(1, probe_notify_mode(*tid));
	kill(headless, SIGKILL);
	kill_and_reap(*tid);
	kill_and_reap(headless);
}

/*
 * The window between SIGKILL and the death of the task: whoever wins, the task
 * dies and nothing but its death is reported. Fails if seizing makes a dying task
 * trap or hang.
 */
TEST_F(seize, seize_optin_dying)
{
	int round, error, status;
	pid_t pid;

	for (round = 0; round < 50; round++) {
		pid = spawn(pause_forever, NULL);
		ASSERT_GT(pid, 0);
		kill(pid, round & 1 ? SIGKILL : SIGSTOP);
		kill(pid, SIGKILL);
		error = seize(pid, 0, PTRACE_SEIZE_DEVEL);
		EXPECT_TRUE(error == 0 || error == EPERM) {
			TH_LOG("seize-optin: error %d of a dying task", error);
		}
		status = wait_soon(pid);
		EXPECT_EQ(SIGKILL, status)
			LOG_STATUS("seize-optin", status, SIGKILL);
		if (status != SIGKILL)
			kill_and_reap(pid);
	}
}

/*
 * --- Options given along with the flag work. ---
 */

FIXTURE(seize_option)
{
	struct actor *actor;
	pid_t pid;
};

FIXTURE_VARIANT(seize_option)
{
	enum trap_kind kind;
};

FIXTURE_VARIANT_ADD(seize_option, syscall) { .kind = TRAP_SYSCALL_ENTRY };
FIXTURE_VARIANT_ADD(seize_option, exec) { .kind = TRAP_EXEC };
FIXTURE_VARIANT_ADD(seize_option, fork) { .kind = TRAP_FORK };
FIXTURE_VARIANT_ADD(seize_option, vfork) { .kind = TRAP_VFORK };
FIXTURE_VARIANT_ADD(seize_option, vfork_done) { .kind = TRAP_VFORK_DONE };
FIXTURE_VARIANT_ADD(seize_option, clone) { .kind = TRAP_CLONE };
FIXTURE_VARIANT_ADD(seize_option, seccomp) { .kind = TRAP_SECCOMP };
FIXTURE_VARIANT_ADD(seize_option, exit) { .kind = TRAP_EXIT };

FIXTURE_SETUP(seize_option)
{
	if (have_notify_mode() == 0)
		SKIP(return, "kernel without PTRACE_SEIZE_DEVEL");
	self->actor = actor_page();
	ASSERT_TRUE(!!self->actor);
	self->actor->kind = variant->kind;
	self->pid = actor_spawn(self->actor);
	ASSERT_GT(self->pid, 0);
}

FIXTURE_TEARDOWN(seize_option)
{
	actor_end(self->pid, 0);
}

/* Fails if the flag shifts the options, or costs one. */
TEST_F(seize_option, seize_optin_option_works)
{
	const unsigned long options = trap_options(variant->kind) | PTRACE_O_EXITKILL;
	const int expected = trap_status(variant->kind);
	int status;

	ASSERT_EQ(0, sys_seize_notify(self->pid, options));
	status = actor_lead(self->actor, self->pid);
	EXPECT_EQ(expected, status)
		LOG_STATUS("seize-optin", status, expected);
}

/*
 * --- A tracee that runs. ---
 */

FIXTURE(seize_running)
{
	struct crew *crew;
};

FIXTURE_VARIANT(seize_running)
{
	int size;
	bool spin;
};

FIXTURE_VARIANT_ADD(seize_running, one_sleeping) { .size = 1, .spin = false };
FIXTURE_VARIANT_ADD(seize_running, one_spinning) { .size = 1, .spin = true };
FIXTURE_VARIANT_ADD(seize_running, many_sleeping) { .size = 3, .spin = false };
FIXTURE_VARIANT_ADD(seize_running, many_spinning) { .size = 3, .spin = true };

FIXTURE_SETUP(seize_running)
{
	if (have_notify_mode() == 0)
		SKIP(return, "kernel without PTRACE_SEIZE_DEVEL");
	self->crew = shared_page();
	ASSERT_TRUE(!!self->crew);
	self->crew->size = variant->size;
	self->crew->spin = variant->spin;
	ASSERT_GT(crew_spawn(self->crew), 0);
}

FIXTURE_TEARDOWN(seize_running)
{
	crew_end(self->crew);
}

/*
 * Wait until thread @tid, which is about to sleep, does so and is off its CPU: before
 * that its sleep does not count. Nothing else in /proc tells that. Returns 0 or -1.
 */
static int wait_asleep(pid_t tid)
{
	const long long deadline = now_ms() + DEADLINE_MS;
	unsigned int tries = 0;
	char path[64], buf[16];

	snprintf(path, sizeof(path), "/proc/%d/syscall", tid);
	do {
		if (read_file(path, buf, sizeof(buf)) && buf[0] != 'r')	/* "running" */
			return 0;
		give_way(&tries);
	} while (now_ms() < deadline);
	return -1;
}

/*
 * Fails if seizing traps the tracee, sends it a signal, or as much as wakes it
 * up from its system call.
 */
TEST_F(seize_running, seize_quiet)
{
	long long slept[CREW_MAX];
	pid_t tid;
	int i;

	for (i = 0; i < variant->size; i++) {
		tid = self->crew->tid[i];
		if (!variant->spin)
			ASSERT_EQ(0, wait_asleep(tid));
		slept[i] = status_field(tid, "voluntary_ctxt_switches:", 10);
	}

	for (i = 0; i < variant->size; i++) {
		tid = self->crew->tid[i];
		ASSERT_EQ(0, sys_seize_notify(tid, 0));
		EXPECT_NO_STOP("seize-quiet", tid);
		EXPECT_EQ(0, status_field(tid, "SigPnd:", 16));
		EXPECT_EQ(0, status_field(tid, "ShdPnd:", 16));
	}

	for (i = 0; i < variant->size; i++) {
		tid = self->crew->tid[i];
		EXPECT_TRUE(crew_runs(self->crew, i)) {
			TH_LOG("seize-quiet: thread %d does not go on", i);
		}
		EXPECT_NO_STOP("seize-quiet", tid);
		if (variant->spin)
			continue;
		EXPECT_EQ(slept[i], status_field(tid, "voluntary_ctxt_switches:", 10)) {
			TH_LOG("seize-quiet: thread %d was woken up", i);
		}
	}
}

/*
 * --- A tracee that is stopped. ---
 */

FIXTURE(seize_stopped)
{
	struct crew *crew;
};

FIXTURE_VARIANT(seize_stopped)
{
	int size;
	int sig;
};

FIXTURE_VARIANT_ADD(seize_stopped, one_stop) { .size = 1, .sig = SIGSTOP };
FIXTURE_VARIANT_ADD(seize_stopped, one_tstp) { .size = 1, .sig = SIGTSTP };
FIXTURE_VARIANT_ADD(seize_stopped, one_ttin) { .size = 1, .sig = SIGTTIN };
FIXTURE_VARIANT_ADD(seize_stopped, one_ttou) { .size = 1, .sig = SIGTTOU };
FIXTURE_VARIANT_ADD(seize_stopped, many_stop) { .size = 3, .sig = SIGSTOP };
FIXTURE_VARIANT_ADD(seize_stopped, many_tstp) { .size = 3, .sig = SIGTSTP };
FIXTURE_VARIANT_ADD(seize_stopped, many_ttin) { .size = 3, .sig = SIGTTIN };
FIXTURE_VARIANT_ADD(seize_stopped, many_ttou) { .size = 3, .sig = SIGTTOU };

FIXTURE_SETUP(seize_stopped)
{
	if (have_notify_mode() == 0)
		SKIP(return, "kernel without PTRACE_SEIZE_DEVEL");
	self->crew = shared_page();
	ASSERT_TRUE(!!self->crew);
	self->crew->size = variant->size;
	self->crew->spin = true;
	ASSERT_GT(crew_spawn(self->crew), 0);
}

FIXTURE_TEARDOWN(seize_stopped)
{
	crew_end(self->crew);
}

/*
 * Fails if the request returns before the trap is there; several rounds, for
 * that would be a race. And if the trap tells a wrong state or cause.
 */
TEST_F(seize_stopped, seize_stopped_traps_at_once)
{
	const int expected = STOP_STATUS(variant->sig);
	int round, i, status;
	siginfo_t si;
	pid_t tid;

	for (round = 0; round < 5; round++) {
		ASSERT_EQ(0, kill(self->crew->pid, variant->sig));
		for (i = 0; i < variant->size; i++)
			ASSERT_EQ(0, wait_task_state(self->crew->pid,
						     self->crew->tid[i], "T"));

		for (i = 0; i < variant->size; i++) {
			tid = self->crew->tid[i];
			ASSERT_EQ(0, sys_seize_notify(tid, 0));
			status = sys_wait(tid, WNOHANG);
			EXPECT_EQ(expected, status)
				LOG_STATUS("seize-stopped", status, expected);
			EXPECT_CAUSE("seize-stopped", CAUSE_GROUP, tid);
			EXPECT_EQ(0, sys_ptrace(PTRACE_GETSIGINFO, tid, 0, &si));
			EXPECT_EQ(variant->sig, si.si_signo);
			EXPECT_EQ(variant->sig | (PTRACE_EVENT_STOP << 8), si.si_code);
			EXPECT_EQ(variant->sig, si.si_status);
		}

		for (i = 0; i < variant->size; i++)
			ASSERT_EQ(0, detach(self->crew->tid[i]));
		ASSERT_EQ(0, kill(self->crew->pid, SIGCONT));
		for (i = 0; i < variant->size; i++)
			EXPECT_TRUE(crew_runs(self->crew, i));
	}
}

FIXTURE(seize_held)
{
	struct crew *crew;
	struct hog *hog;
	pid_t hog_pid;
};

FIXTURE_SETUP(seize_held)
{
	if (have_notify_mode() == 0)
		SKIP(return, "kernel without PTRACE_SEIZE_DEVEL");
	if (lacks_hog())
		SKIP(return, "%s", lacks_hog());

	self->crew = shared_page();
	self->hog = shared_page();
	ASSERT_TRUE(self->crew && self->hog);
	self->crew->size = 1;
	ASSERT_GT(crew_spawn(self->crew), 0);
	ASSERT_EQ(0, pin(self->crew->pid, HOG_CPU));
	self->hog->ms = 100;
}

FIXTURE_TEARDOWN(seize_held)
{
	kill_and_reap(self->hog_pid);
	crew_end(self->crew);
}

/*
 * Window: from the stop to the trap, held open by a hog. A wait, or another request,
 * would wait for the trap if the request had not; /proc does not. Fails if the request
 * returns before the tracee has trapped.
 */
TEST_F(seize_held, seize_stopped_waits_for_trap)
{
	const pid_t pid = self->crew->pid;

	ASSERT_EQ(0, kill(pid, SIGSTOP));
	ASSERT_EQ(0, wait_task_state(pid, pid, "T"));
	self->hog_pid = hog_spawn(self->hog);
	ASSERT_GT(self->hog_pid, 0);

	ASSERT_EQ(0, sys_seize_notify(pid, 0));
	EXPECT_EQ('t', task_state(pid, pid)) {
		TH_LOG("seize-stopped: PTRACE_SEIZE returned, and there is no trap");
	}
	EXPECT_EQ(STOP_STATUS(SIGSTOP), sys_wait(pid, WNOHANG));
}

/*
 * --- Who is in notify mode. ---
 */

FIXTURE(seize_child)
{
	struct actor *actor;
	pid_t pid;
	pid_t child;
};

FIXTURE_VARIANT(seize_child)
{
	enum trap_kind kind;
	bool notify;
};

FIXTURE_VARIANT_ADD(seize_child, fork) { .kind = TRAP_FORK, .notify = true };
FIXTURE_VARIANT_ADD(seize_child, vfork) { .kind = TRAP_VFORK, .notify = true };
FIXTURE_VARIANT_ADD(seize_child, clone) { .kind = TRAP_CLONE, .notify = true };

FIXTURE_VARIANT_ADD(seize_child, fork_plain)
{
	.kind = TRAP_FORK,
	.notify = false,
};

FIXTURE_VARIANT_ADD(seize_child, vfork_plain)
{
	.kind = TRAP_VFORK,
	.notify = false,
};

FIXTURE_VARIANT_ADD(seize_child, clone_plain)
{
	.kind = TRAP_CLONE,
	.notify = false,
};

FIXTURE_SETUP(seize_child)
{
	if (have_notify_mode() == 0)
		SKIP(return, "kernel without PTRACE_SEIZE_DEVEL");
	self->actor = actor_page();
	ASSERT_TRUE(!!self->actor);
	self->actor->kind = variant->kind;
	self->pid = actor_spawn(self->actor);
	ASSERT_GT(self->pid, 0);
}

FIXTURE_TEARDOWN(seize_child)
{
	actor_end(self->pid, self->child);
}

/*
 * Fails if a child attached automatically is not in the mode of its parent. What
 * tells the mode is if SIGCONT makes it leave the trap it begins with.
 */
TEST_F(seize_child, seize_inherit_children)
{
	const unsigned long cause = variant->notify ? CAUSE_GROUP : 0;
	pid_t child;
	int status;

	ASSERT_EQ(0, seize(self->pid, 0, trap_options(variant->kind) |
					 PTRACE_O_EXITKILL |
					 (variant->notify ? PTRACE_SEIZE_DEVEL : 0)));
	ASSERT_EQ(trap_status(variant->kind), actor_lead(self->actor, self->pid));
	child = sys_eventmsg(self->pid);
	ASSERT_GT(child, 0);
	self->child = child;

	EXPECT_STATUS("seize-inherit", STOP_STATUS(SIGTRAP), child);
	EXPECT_CAUSE("seize-inherit", cause, child);

	ASSERT_EQ(0, syscall(SYS_tkill, child, SIGCONT));
	ASSERT_EQ(0, settle(child));
	status = peek_stop(child);
	EXPECT_EQ(variant->notify ? STOP_STATUS(SIGTRAP) : 0, status) {
		TH_LOG("seize-inherit: parent in notify mode %d, SIGCONT traps child: %#x",
		       variant->notify, status);
	}
}

/* Fails if the mode outlives a detach, or depends on the mode before it. */
TEST_F(seize, seize_inherit_ends_with_detach)
{
	static const bool modes[] = { true, false, true, true, false, false };
	unsigned int i;
	int notify;

	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		ASSERT_EQ(0, seize(self->pid, 0, modes[i] ? PTRACE_SEIZE_DEVEL : 0));
		notify = probe_notify_mode(self->pid);
		EXPECT_EQ(modes[i], notify) {
			TH_LOG("seize-inherit: mode %d after seizing for %d, round %u",
			       notify, modes[i], i);
		}
		ASSERT_EQ(0, let_go(self->pid));
	}
}

/* Fails if PTRACE_SETOPTIONS replaces the flag with the options, or takes it. */
TEST_F(seize, seize_inherit_setoptions)
{
	static const unsigned long options[] = {
		0, PTRACE_O_TRACEFORK, 0xff | PTRACE_O_EXITKILL,
	};
	unsigned int notify, i;

	for (notify = 0; notify < 2; notify++) {
		ASSERT_EQ(0, seize(self->pid, 0, notify ? PTRACE_SEIZE_DEVEL : 0));
		ASSERT_EQ(0, interrupt(self->pid));
		ASSERT_EQ(STOP_STATUS(SIGTRAP), wait_soon(self->pid));

		errno = 0;
		EXPECT_EQ(-1, sys_ptrace(PTRACE_SETOPTIONS, self->pid, 0,
					 (void *)(unsigned long)PTRACE_SEIZE_DEVEL));
		EXPECT_EQ(EINVAL, errno);
		errno = 0;
		EXPECT_EQ(-1, sys_ptrace(PTRACE_SETOPTIONS, self->pid, 0,
					 (void *)(PTRACE_SEIZE_DEVEL |
						  (unsigned long)PTRACE_O_TRACEFORK)));
		EXPECT_EQ(EINVAL, errno);

		ASSERT_EQ(0, cont(self->pid, 0));
		EXPECT_EQ((int)notify, probe_notify_mode(self->pid)) {
			TH_LOG("seize-inherit: a refused PTRACE_SETOPTIONS changed mode %d",
			       notify);
		}

		for (i = 0; i < ARRAY_SIZE(options); i++) {
			ASSERT_EQ(0, interrupt(self->pid));
			ASSERT_EQ(STOP_STATUS(SIGTRAP), wait_soon(self->pid));
			EXPECT_EQ(0, sys_ptrace(PTRACE_SETOPTIONS, self->pid, 0,
						(void *)options[i]));
			ASSERT_EQ(0, cont(self->pid, 0));
			EXPECT_EQ((int)notify, probe_notify_mode(self->pid)) {
				TH_LOG("seize-inherit: PTRACE_SETOPTIONS %#lx changed mode %d",
				       options[i], notify);
			}
		}
		ASSERT_EQ(0, let_go(self->pid));
	}
}

TEST_HARNESS_MAIN
