// SPDX-License-Identifier: GPL-2.0
/*
 * What ../kernel/gstop_seize.c leaves to be proven of PTRACE_SEIZE_DEVEL: each bit of the
 * arguments, tasks that can't be seized, that a task is not as much as woken up, and that
 * the request waits for the trap of a stopped one.
 */
#include "group_stop_trap.h"
#include "hog.h"

#define KNOWN_OPTIONS	(0xffUL | PTRACE_O_EXITKILL | PTRACE_O_SUSPEND_SECCOMP)
#define LONG_BITS	(8 * sizeof(long))

/* The number in field @field (with its colon) of /proc/@pid/status, or -1. */
static long long status_field(pid_t pid, const char *field, int base)
{
	char path[64], buf[4096], *found;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	found = read_file(path, buf, sizeof(buf)) ? strstr(buf, field) : NULL;
	return found ? strtoll(found + strlen(field), NULL, base) : -1;
}

/* PTRACE_SEIZE. Returns 0 or the error. */
static int seize(pid_t pid, unsigned long addr, unsigned long data)
{
	return sys_ptrace(PTRACE_SEIZE, pid, addr, (void *)data) ? errno : 0;
}

TRACEE_FIXTURE(seize)

FIXTURE_SETUP(seize)
{
	NEED_NOTIFY_MODE();
	tracee_start(&self->t, 1, 0);
}

/*
 * Seize @t with @data: error @want, or 0 if it is to succeed. Then @t is in the mode that
 * @data says, and is detached.
 */
static void expect_seize(struct tracee *t, unsigned long data, int want)
{
	struct __test_metadata *_metadata = t->test;
	const int error = seize(t->pid, 0, data);

	EXPECT_EQ(want, error)
		TH_LOG("data %#lx: %s", data, strerror(error));
	if (error)
		return;
	trap_by_interrupt(t, 0, 0);
	EXPECT_CAUSE(data & PTRACE_SEIZE_DEVEL ? CAUSE_INTERRUPT : 0, t->pid);
	ASSERT_PTRACE(PTRACE_DETACH, t->pid, 0);
}

/*
 * An option is taken along with the flag if it is without it: one needs privileges and a
 * config option. Any other bit is EIO.
 */
TEST_F(seize, seize_optin_every_bit)
{
	struct tracee *t = &self->t;
	unsigned long data;
	unsigned int bit;
	int want;

	for (bit = 0; bit < LONG_BITS; bit++) {
		data = 1UL << bit;
		if (data == PTRACE_SEIZE_DEVEL)
			continue;
		want = data & KNOWN_OPTIONS ? 0 : EIO;
		if (data == PTRACE_O_SUSPEND_SECCOMP) {
			want = seize(t->pid, 0, data);
			if (!want) {
				trap_by_interrupt(t, 0, 0);
				ASSERT_PTRACE(PTRACE_DETACH, t->pid, 0);
			}
		}
		expect_seize(t, data, want);
		expect_seize(t, data | PTRACE_SEIZE_DEVEL, want);
		expect_seize(t, data | PTRACE_SEIZE_DEVEL | PTRACE_O_TRACEEXEC, want);
		EXPECT_EQ(EIO, seize(t->pid, data, PTRACE_SEIZE_DEVEL));
		EXPECT_EQ(0, status_field(t->pid, "TracerPid:", 10));
	}
	expect_seize(t, (KNOWN_OPTIONS & ~PTRACE_O_SUSPEND_SECCOMP) | PTRACE_SEIZE_DEVEL, 0);
}

/* A task that is not there can't be seized: ESRCH. */
TEST_F(seize, seize_optin_no_such_task)
{
	const pid_t gone = spawn(pause_forever, NULL);

	ASSERT_LT(0, gone);
	kill_and_reap(gone);

	EXPECT_EQ(ESRCH, seize(gone, 0, PTRACE_SEIZE_DEVEL));
	EXPECT_EQ(ESRCH, seize(0, 0, PTRACE_SEIZE_DEVEL));
	EXPECT_EQ(ESRCH, seize(-1, 0, PTRACE_SEIZE_DEVEL));
	EXPECT_EQ(ESRCH, seize(0x7fffffff, 0, PTRACE_SEIZE_DEVEL));
}

static void *park(void *tid)
{
	__atomic_store_n((pid_t *)tid, syscall(SYS_gettid), __ATOMIC_RELEASE);
	pause_forever(NULL);
	return NULL;
}

/* Nobody can seize itself, or a thread of its own: EPERM. */
TEST_F(seize, seize_optin_oneself)
{
	static pid_t tid;
	pthread_t thread;

	EXPECT_EQ(EPERM, seize(getpid(), 0, PTRACE_SEIZE_DEVEL));
	ASSERT_EQ(0, pthread_create(&thread, NULL, park, &tid));
	ASSERT_TRUE(wait_until(__atomic_load_n(&tid, __ATOMIC_ACQUIRE)));
	EXPECT_EQ(EPERM, seize(tid, 0, PTRACE_SEIZE_DEVEL));
	EXPECT_EQ(0, status_field(tid, "TracerPid:", 10));
}

struct rival {
	pid_t tracee;
	unsigned long data;
	int ready;
};

/* A process that seizes the tracee itself, and stays. */
static void rival_main(void *arg)
{
	const struct rival *rival = arg;
	const char error = seize(rival->tracee, 0, rival->data);

	if (write(rival->ready, &error, 1) == 1)
		pause_forever(NULL);
}

/* A tracee of another process can't be seized: EPERM. */
TEST_F(seize, seize_optin_traced_by_another)
{
	static const unsigned long modes[] = { 0, PTRACE_SEIZE_DEVEL };
	struct rival rival = { .tracee = self->t.pid };
	unsigned int i;
	int ready[2];
	pid_t other;
	char error;

	ASSERT_EQ(0, pipe(ready));
	rival.ready = ready[1];
	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		rival.data = modes[i];
		other = spawn(rival_main, &rival);
		ASSERT_LT(0, other);
		ASSERT_EQ(1, read(ready[0], &error, 1));
		EXPECT_EQ(0, error);
		EXPECT_EQ(EPERM, seize(self->t.pid, 0, PTRACE_SEIZE_DEVEL));
		EXPECT_EQ(other, status_field(self->t.pid, "TracerPid:", 10));
		kill_and_reap(other);
	}
	EXPECT_EQ(0, status_field(self->t.pid, "TracerPid:", 10));
}

/* A zombie can't be seized: EPERM. The threads that are left of its process can. */
TEST_F(seize, seize_optin_dead)
{
	struct tracee *t = &self->t;

	tracee_end(t);
	tracee_start(t, 2, 0);
	order(t, 0, ORDER_EXIT);
	EXPECT_THREAD_STATE('Z', t->pid);
	EXPECT_EQ(EPERM, seize(t->pid, 0, PTRACE_SEIZE_DEVEL));
	EXPECT_EQ(0, status_field(t->pid, "TracerPid:", 10));
	ASSERT_EQ(0, seize(t->tid[1], 0, PTRACE_SEIZE_DEVEL));
	trap_by_interrupt(t, 1, 0);
	EXPECT_CAUSE(CAUSE_INTERRUPT, t->tid[1]);
	ASSERT_PTRACE(PTRACE_DETACH, t->tid[1], 0);

	kill(t->pid, SIGKILL);
	EXPECT_TRUE(wait_until(!task_state(t->tid[1])));
	EXPECT_EQ(EPERM, seize(t->pid, 0, PTRACE_SEIZE_DEVEL));
}

/*
 * Between SIGKILL and its death a task may be seized or not. It dies, and nothing but its
 * death is reported.
 */
TEST_F(seize, seize_optin_dying)
{
	int round, error;
	pid_t pid;

	for (round = 0; round < 50; round++) {
		pid = spawn(pause_forever, NULL);
		ASSERT_LT(0, pid);
		kill(pid, round & 1 ? SIGKILL : SIGSTOP);
		kill(pid, SIGKILL);
		error = seize(pid, 0, PTRACE_SEIZE_DEVEL);
		EXPECT_TRUE(error == 0 || error == EPERM)
			TH_LOG("%s", strerror(error));
		ASSERT_STATUS(SIGKILL, pid);
	}
}

/*
 * Is thread @tid, which is about to sleep, off its CPU? Before that its sleep does not
 * count. Nothing else in /proc tells that.
 */
static bool is_asleep(pid_t tid)
{
	char path[64], buf[16];

	snprintf(path, sizeof(path), "/proc/%d/syscall", tid);
	return read_file(path, buf, sizeof(buf)) && buf[0] != 'r';	/* "running" */
}

/* A task that is seized is not woken up from its system call, and gets no signal. */
TEST_F(seize, seize_quiet_does_not_wake_up)
{
	static const char switches[] = "voluntary_ctxt_switches:";
	struct tracee *t = &self->t;
	long long slept;

	ASSERT_TRUE(wait_until(is_asleep(t->pid)));
	slept = status_field(t->pid, switches, 10);
	ASSERT_LT(0, slept);
	ASSERT_EQ(0, seize(t->pid, 0, PTRACE_SEIZE_DEVEL));
	EXPECT_EQ(0, status_field(t->pid, "SigPnd:", 16));
	EXPECT_EQ(0, status_field(t->pid, "ShdPnd:", 16));
	EXPECT_ALL_RUN(t);
	EXPECT_EQ(slept, status_field(t->pid, switches, 10));
}

FIXTURE(seize_held) {
	struct tracee t;
	struct hog hog;
};

FIXTURE_SETUP(seize_held)
{
	NEED_NOTIFY_MODE();
	NEED_HOG(&self->hog);
	tracee_start(&self->t, 1, 0);
	ASSERT_EQ(0, pin(self->t.pid, HOG_CPU));
}

FIXTURE_TEARDOWN(seize_held)
{
	hog_end(&self->hog);
	tracee_end(&self->t);
}

/*
 * PTRACE_SEIZE of a stopped task returns when it has trapped. A hog keeps it from there,
 * and /proc is where we look: a wait or a request could wait for the trap itself.
 */
TEST_F(seize_held, seize_stopped_waits_for_trap)
{
	const pid_t pid = self->t.pid;

	ASSERT_EQ(0, kill(pid, SIGSTOP));
	EXPECT_THREAD_STATE('T', pid);
	hog_start(&self->hog, 100);

	ASSERT_EQ(0, seize(pid, 0, PTRACE_SEIZE_DEVEL));
	EXPECT_EQ('t', task_state(pid));
	EXPECT_EQ(STOP_STATUS(SIGSTOP), sys_wait(pid, WNOHANG));
}

/* An option that comes along with the flag works. */
TEST_F(seize, seize_optin_option_works)
{
	struct tracee *t = &self->t;
	enum trap trap;

	for (trap = 0; trap < ARRAY_SIZE(traps); trap++) {
		if (!traps[trap].option)
			continue;
		tracee_end(t);
		tracee_start(t, 1, 0);
		seize_all(t, traps[trap].option | PTRACE_SEIZE_DEVEL);
		lead_into(t, trap);
	}
}

TEST_HARNESS_MAIN
