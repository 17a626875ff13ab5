// SPDX-License-Identifier: GPL-2.0
/*
 * More of notify mode in a frozen cgroup, on the fixture of kernel/gstop_freezer.c, whose
 * tests run here in more variants.
 *
 * The freezer of cgroup v1, and suspend, put a trapped tracee to sleep where it is. It does
 * not get from trap to trap then, and its tracer has to wait for it: the last test.
 */
#include "gstop_freezer.c"

#include <sys/mount.h>

FIXTURE_VARIANT_ADD(freezer, one_sleeping) { .threads = 1 };
FIXTURE_VARIANT_ADD(freezer, many_sleeping) { .threads = 3 };

/* As cont_all() and ack_all(). EXPECT_NO_STEP() goes on to count from where it did. */
static void retrap_all(struct tracee *t)
{
	struct __test_metadata *_metadata = t->test;
	int i;

	ASSERT_EQ(0, kill(t->pid, SIGCONT));
	for_each_thread_of(t, i)
		ASSERT_STATUS(STOP_STATUS(SIGTRAP), t->tid[i]);
	ack_all(t, 0);
}

/* Resumed from their traps, all are frozen, until the cgroup is thawed. */
static void resume_frozen(FIXTURE_DATA(freezer) * self)
{
	struct __test_metadata *_metadata = self->t.test;
	struct tracee *t = &self->t;
	int i;

	for_each_thread_of(t, i)
		ASSERT_PTRACE(PTRACE_CONT, t->tid[i], 0);
	for_each_thread_of(t, i)
		EXPECT_THREAD_STATE('S', t->tid[i]);
	EXPECT_TRUE(wait_until(events_say(self, "frozen 1")));
	EXPECT_NO_STEP(t);
	set_frozen(self, false);
	EXPECT_ALL_RUN(t);
}

/* Each thread traps on its own, and is frozen again. All trap for a change. */
TEST_F(freezer, end_freezer_frozen_again)
{
	struct tracee *t = &self->t;
	int i;

	set_frozen(self, true);
	for_each_thread_of(t, i) {
		t->mark[i] = tracee_count(t, i);
		ASSERT_PTRACE(PTRACE_INTERRUPT, t->tid[i], 0);
		ASSERT_STATUS(STOP_STATUS(SIGTRAP), t->tid[i]);
		EXPECT_CAUSE(CAUSE_INTERRUPT, t->tid[i]);
		EXPECT_TRUE(wait_until(events_say(self, "frozen 1")));
		ASSERT_PTRACE(PTRACE_CONT, t->tid[i], 0);
		EXPECT_THREAD_STATE('S', t->tid[i]);
	}
	retrap_all(t);
	resume_frozen(self);
}

/*
 * A group stop in a cgroup that is frozen, thawed, and frozen again: a thaw is not taken for
 * SIGCONT, nor SIGCONT for a thaw.
 */
TEST_F(freezer, end_freezer_group_stop)
{
	struct tracee *t = &self->t;
	int i;

	stop_all(t, SIGSTOP);
	ack_all(t, SIGSTOP);
	set_frozen(self, true);
	set_frozen(self, false);
	for_each_thread_of(t, i) {
		EXPECT_NO_STATUS(t->tid[i]);
		EXPECT_EQ('t', task_state(t->tid[i]));
	}

	set_frozen(self, true);
	retrap_all(t);
	resume_frozen(self);
}

/* A trapped tracee that is detached, with a re-trap on its way or not, is frozen. */
TEST_F(freezer, end_freezer_detach)
{
	struct tracee *t = &self->t;
	int i, round;

	for (round = 0; round < 4; round++) {
		interrupt_all(t, 0);
		ack_all(t, 0);
		set_frozen(self, true);
		if (round & 1)
			ASSERT_EQ(0, kill(t->pid, SIGCONT));
		detach_all(t);
		for_each_thread_of(t, i)
			EXPECT_THREAD_STATE('S', t->tid[i]);
		EXPECT_TRUE(wait_until(events_say(self, "frozen 1")));
		EXPECT_NO_STEP(t);
		set_frozen(self, false);
		EXPECT_ALL_RUN(t);
		seize_all(t, PTRACE_SEIZE_DEVEL);
	}
}

/*
 * SIGKILL ends frozen tracees that are trapped, or on their way from trap to trap: it comes
 * back to back with the SIGCONT that sends them there. The cgroup is empty then.
 */
TEST_F(freezer, end_freezer_kill)
{
	struct tracee *t = &self->t;
	int i, round;

	for (round = 0; round < 8; round++) {
		interrupt_all(t, 0);
		ack_all(t, 0);
		set_frozen(self, true);
		if (round & 1)
			ASSERT_EQ(0, kill(t->pid, SIGCONT));
		ASSERT_EQ(0, kill(t->pid, SIGKILL));
		/* the status of the re-trap may be there before it */
		for (i = t->nr - 1; i >= 0; i--) {
			int status = wait_soon(t->tid[i]);

			if (round & 1 && status == STOP_STATUS(SIGTRAP))
				status = wait_soon(t->tid[i]);
			ASSERT_EQ(SIGKILL, status);
		}
		EXPECT_TRUE(wait_until(events_say(self, "populated 0")));
		set_frozen(self, false);

		t->pid = 0;
		tracee_end(t);
		tracee_start_seized(t, variant->threads, variant->flags);
		ASSERT_EQ(0, cgroup_write(self->dir, "cgroup.procs", t->pid));
	}
}

/* What the test and the tracer tell each other, on a shared_page(). */
struct words {
	int ready;		/* the tracee is trapped, and its state known */
	long (*ask)(pid_t tid);	/* what the tracer is to do then */
	int go;
	int handled;		/* SIGUSR1 of the tracer */
	int done;
	long ret;		/* of ->ask() */
};

static struct words *words;

static void say(int *word)
{
	__atomic_add_fetch(word, 1, __ATOMIC_RELEASE);
}

static int said(int *word)
{
	return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static void count_signal(int sig)
{
	say(&words->handled);
}

/* Two cgroups of version 1: of the tracee, and of its tracer. */
FIXTURE(freezer_v1) {
	struct tracee t;
	pid_t tracer;
	char root[64], dir[2][80];
};

/* For spawn(): trap the tracee, and ask when told so. */
static void ask_when_told(void *arg)
{
	struct sigaction action = { .sa_handler = count_signal };
	FIXTURE_DATA(freezer_v1) * self = arg;
	struct __test_metadata *_metadata = self->t.test;

	ASSERT_EQ(0, sigaction(SIGUSR1, &action, NULL));
	seize_all(&self->t, PTRACE_SEIZE_DEVEL);
	interrupt_all(&self->t, 0);
	ack_all(&self->t, 0);
	say(&words->ready);
	/* without a nap, which would look like the sleep that the test looks for */
	while (!said(&words->go))
		sched_yield();
	words->ret = words->ask(self->t.pid);
	say(&words->done);
	pause_forever(NULL);
}

/* Have the cgroup @dir get to @state, FROZEN or THAWED. Returns if it does. */
static bool v1_set(const char *dir, const char *state)
{
	char path[128], text[32];
	int fd;

	snprintf(path, sizeof(path), "%s/freezer.state", dir);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	dprintf(fd, "%s", state);
	close(fd);
	return wait_until(read_file(path, text, sizeof(text)) &&
			  !strncmp(text, state, strlen(state)));
}

FIXTURE_SETUP(freezer_v1)
{
	int i, error;

	NEED_NOTIFY_MODE();
	strcpy(self->root, "/tmp/gstop-XXXXXX");
	ASSERT_TRUE(!!mkdtemp(self->root));
	error = mount("cgroup", self->root, "cgroup", 0, "freezer") ? errno : 0;
	if (error)
		rmdir(self->root);
	NEED(!error, "no freezer of cgroup v1: %s", strerror(error));

	words = shared_page();
	ASSERT_TRUE(!!words);
	tracee_start(&self->t, 1, 0);
	self->tracer = spawn(ask_when_told, self);
	ASSERT_LT(0, self->tracer);
	for (i = 0; i < 2; i++) {
		snprintf(self->dir[i], sizeof(self->dir[i]), "%s/%d", self->root, i);
		ASSERT_EQ(0, mkdir(self->dir[i], 0755));
		ASSERT_EQ(0, cgroup_write(self->dir[i], "cgroup.procs",
					  i ? self->tracer : self->t.pid));
	}
	ASSERT_TRUE(wait_until(said(&words->ready)));
}

FIXTURE_TEARDOWN(freezer_v1)
{
	int i;

	for (i = 0; i < 2; i++)
		v1_set(self->dir[i], "THAWED");
	kill_and_reap(self->tracer);
	tracee_end(&self->t);
	for (i = 0; i < 2; i++)
		wait_until(!rmdir(self->dir[i]) || errno != EBUSY);
	umount(self->root);
	rmdir(self->root);
}

/*
 * Freeze the tracee, which is trapped, and notify it: it does not get to its next trap
 * until it is thawed. Have the tracer do @ask then.
 */
static void ask_for_frozen(FIXTURE_DATA(freezer_v1) * self, long (*ask)(pid_t tid))
{
	struct __test_metadata *_metadata = self->t.test;

	ASSERT_TRUE(v1_set(self->dir[0], "FROZEN"));
	ASSERT_EQ(0, kill(self->t.pid, SIGCONT));
	words->ask = ask;
	say(&words->go);
}

static long look(pid_t tid)
{
	return sys_wait(tid, WNOHANG);
}

/* A wait of the tracer returns at once. */
TEST_F(freezer_v1, notify_waits_frozen_wnohang)
{
	ask_for_frozen(self, look);
	ASSERT_TRUE(wait_until(said(&words->done)));
	EXPECT_EQ(0, words->ret);
}

static long request(pid_t tid)
{
	siginfo_t info;

	return sys_ptrace(PTRACE_GETSIGINFO, tid, 0, &info);
}

/*
 * A request lets the handler of a signal run, and the tracer can be stopped and frozen in
 * it, or the system would not suspend.
 */
TEST_F(freezer_v1, notify_waits_frozen_tracee)
{
	ask_for_frozen(self, request);
	EXPECT_EQ(0, wait_task_state(self->tracer, "SD"));
	ASSERT_EQ(0, kill(self->tracer, SIGUSR1));
	EXPECT_TRUE(wait_until(said(&words->handled)));
	ASSERT_EQ(0, kill(self->tracer, SIGSTOP));
	EXPECT_THREAD_STATE('T', self->tracer);
	ASSERT_EQ(0, kill(self->tracer, SIGCONT));
	EXPECT_THREAD_STATE('S', self->tracer);
	EXPECT_TRUE(v1_set(self->dir[1], "FROZEN"));
	EXPECT_TRUE(v1_set(self->dir[1], "THAWED"));
	EXPECT_EQ(0, said(&words->done));

	EXPECT_TRUE(v1_set(self->dir[0], "THAWED"));
	EXPECT_TRUE(wait_until(said(&words->done)));
	EXPECT_EQ(0, words->ret);
}
