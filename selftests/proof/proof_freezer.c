// SPDX-License-Identifier: GPL-2.0
/*
 * Notify mode in a frozen cgroup. The promise is end-freezer: the cgroup v2 freezer
 * and ptrace traps still mix as before, that is
 *
 *  - a trapped tracee counts as frozen, also on its way from trap to trap;
 *  - a frozen tracee can be made to trap, and is frozen again when it is resumed;
 *  - it can be killed and left by its tracer in either state.
 *
 * The freezer of cgroup v1, and suspend, put a trapped tracee to sleep where it is. It does
 * not get from trap to trap then, and its tracer has to wait for it; the last test is about
 * that.
 */
#include "old/group_stop.h"
#include "../kselftest_harness.h"
#include "old/group_stop_tracee.h"

#include <poll.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define CGROUP_ROOT	"/sys/fs/cgroup"

/* Write @text to the file @name of the cgroup @dir. Returns 0 or -1. */
static int cgroup_write(const char *dir, const char *name, const char *text)
{
	ssize_t len;
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	len = write(fd, text, strlen(text));
	close(fd);
	return len == (ssize_t)strlen(text) ? 0 : -1;
}

/* Remove the cgroup @dir. A zombie that has been reaped may still be on its way out. */
static void cgroup_remove(const char *dir)
{
	int tries;

	for (tries = 0; rmdir(dir) && errno == EBUSY && tries < 1000; tries++)
		usleep(1000);
}

FIXTURE(freezer)
{
	struct crew *crew;
	char dir[64];
	int events;		/* the file cgroup.events */
};

FIXTURE_VARIANT(freezer)
{
	int size;
	bool spin;
};

FIXTURE_VARIANT_ADD(freezer, one_sleeping) { .size = 1, .spin = false };
FIXTURE_VARIANT_ADD(freezer, one_spinning) { .size = 1, .spin = true };
FIXTURE_VARIANT_ADD(freezer, many_sleeping) { .size = 3, .spin = false };
FIXTURE_VARIANT_ADD(freezer, many_spinning) { .size = 3, .spin = true };

FIXTURE_SETUP(freezer)
{
	char path[128], pid[16];

	if (have_notify_mode() == 0)
		SKIP(return, "kernel without PTRACE_SEIZE_DEVEL");

	snprintf(self->dir, sizeof(self->dir), CGROUP_ROOT "/gstop-%d", getpid());
	if (access(CGROUP_ROOT "/cgroup.procs", F_OK))
		SKIP(return, "no cgroup v2 at " CGROUP_ROOT);
	if (mkdir(self->dir, 0755))
		SKIP(return, "can't make a cgroup: %s", strerror(errno));
	snprintf(path, sizeof(path), "%s/cgroup.events", self->dir);
	self->events = open(path, O_RDONLY | O_CLOEXEC);

	self->crew = shared_page();
	ASSERT_TRUE(self->crew && self->events >= 0);
	self->crew->size = variant->size;
	self->crew->spin = variant->spin;
	ASSERT_GT(crew_spawn(self->crew), 0);
	snprintf(pid, sizeof(pid), "%d", self->crew->pid);
	if (cgroup_write(self->dir, "cgroup.procs", pid) ||
	    cgroup_write(self->dir, "cgroup.freeze", "0")) {
		crew_end(self->crew);
		rmdir(self->dir);
		SKIP(return, "can't use a cgroup: %s", strerror(errno));
	}
}

FIXTURE_TEARDOWN(freezer)
{
	cgroup_write(self->dir, "cgroup.freeze", "0");
	crew_end(self->crew);
	cgroup_remove(self->dir);
}

/* What cgroup.events says of @key: 0, 1, or -1. Ends a notification. */
static int cgroup_event(int events, const char *key)
{
	char buf[256], *p;
	ssize_t len;

	len = pread(events, buf, sizeof(buf) - 1, 0);
	if (len <= 0)
		return -1;
	buf[len] = '\0';
	p = strstr(buf, key);
	return p ? atoi(p + strlen(key)) : -1;
}

/* Wait until cgroup.events says @value of @key. Returns 0 or -1. */
static int wait_event(int events, const char *key, int value)
{
	const long long deadline = now_ms() + DEADLINE_MS;
	unsigned int tries = 0;

	while (cgroup_event(events, key) != value) {
		if (now_ms() > deadline)
			return -1;
		give_way(&tries);
	}
	return 0;
}

static int freeze_it(const char *dir, int events)
{
	return cgroup_write(dir, "cgroup.freeze", "1") ?:
	       wait_event(events, "frozen ", 1);
}

static int thaw_it(const char *dir, int events)
{
	return cgroup_write(dir, "cgroup.freeze", "0") ?:
	       wait_event(events, "frozen ", 0);
}

/* Remember, or compare with what is remembered: did any thread of @crew run? */
static void crew_mark(struct crew *crew, unsigned long *mark)
{
	memcpy(mark, (void *)crew->count, sizeof(crew->count));
}

static bool crew_moved(struct crew *crew, const unsigned long *mark)
{
	return memcmp(mark, (void *)crew->count, sizeof(crew->count));
}

/* SIGCONT to the group while all are trapped: read what each has to tell. */
#define EXPECT_RETRAPS(who) do {					\
	struct crew *__crew = (who);					\
	int __i;							\
									\
	EXPECT_EQ(0, syscall(SYS_tgkill, __crew->pid, __crew->pid, SIGCONT)); \
	for (__i = 0; __i < __crew->size; __i++) {			\
		EXPECT_STATUS("end-freezer", STOP_STATUS(SIGTRAP),	\
			      __crew->tid[__i]);			\
		EXPECT_EQ(0, ack(__crew->tid[__i]));			\
	}								\
} while (0)

/*
 * Freeze a cgroup of trapped tracees, and have them re-trap many times. Fails if
 * they do not count as frozen, if the cgroup looks thawed between two traps, or
 * if they do not freeze when they are resumed.
 */
TEST_F(freezer, end_freezer_trapped_counts)
{
	struct pollfd pfd = { .fd = self->events, .events = POLLPRI };
	struct crew *crew = self->crew;
	unsigned long mark[CREW_MAX];
	int i, round;

	ASSERT_EQ(0, crew_seize(crew, PTRACE_SEIZE_DEVEL));
	for (i = 0; i < variant->size; i++) {
		ASSERT_EQ(0, interrupt(crew->tid[i]));
		EXPECT_STATUS("end-freezer", STOP_STATUS(SIGTRAP), crew->tid[i]);
	}
	EXPECT_EQ(0, freeze_it(self->dir, self->events)) {
		TH_LOG("end-freezer: trapped tracees do not count as frozen");
	}
	crew_mark(crew, mark);

	/* the kernel sends an event at most every 10 ms: let it have sent the last */
	while (poll(&pfd, 1, 100) > 0)
		cgroup_event(self->events, "frozen ");
	for (round = 0; round < 20; round++) {
		EXPECT_RETRAPS(crew);
		EXPECT_EQ(1, cgroup_event(self->events, "frozen "));
	}
	EXPECT_EQ(0, poll(&pfd, 1, 100)) {
		TH_LOG("end-freezer: cgroup looked thawed during a re-trap");
	}

	for (i = 0; i < variant->size; i++)
		ASSERT_EQ(0, cont(crew->tid[i], 0));
	EXPECT_EQ(0, wait_event(self->events, "frozen ", 1));
	for (i = 0; i < variant->size; i++)
		EXPECT_NO_STOP("end-freezer", crew->tid[i]);
	EXPECT_FALSE(crew_moved(crew, mark)) {
		TH_LOG("end-freezer: ran in a frozen cgroup");
	}

	/* what has been sent meanwhile comes once it is thawed, to the leader */
	ASSERT_EQ(0, cgroup_write(self->dir, "cgroup.freeze", "0"));
	EXPECT_STATUS("end-freezer", SIGNAL_STATUS(SIGCONT), crew->pid);
	ASSERT_EQ(0, cont(crew->pid, 0));
	for (i = 0; i < variant->size; i++)
		EXPECT_TRUE(crew_runs(crew, i));
}

/*
 * Interrupt, and notify, tracees which are frozen. Fails if they do not trap
 * before they are thawed, run in between, or do not freeze again.
 */
TEST_F(freezer, end_freezer_frozen_traps)
{
	struct crew *crew = self->crew;
	unsigned long mark[CREW_MAX];
	int i;

	ASSERT_EQ(0, crew_seize(crew, PTRACE_SEIZE_DEVEL));
	ASSERT_EQ(0, freeze_it(self->dir, self->events));
	crew_mark(crew, mark);

	for (i = 0; i < variant->size; i++) {
		ASSERT_EQ(0, interrupt(crew->tid[i]));
		EXPECT_STATUS("end-freezer", STOP_STATUS(SIGTRAP), crew->tid[i]);
		EXPECT_CAUSE("end-freezer", CAUSE_INTERRUPT, crew->tid[i]);
		EXPECT_EQ(0, wait_event(self->events, "frozen ", 1));
		ASSERT_EQ(0, cont(crew->tid[i], 0));
		EXPECT_EQ(0, wait_event(self->events, "frozen ", 1));
	}

	EXPECT_RETRAPS(crew);
	EXPECT_EQ(0, wait_event(self->events, "frozen ", 1));
	for (i = 0; i < variant->size; i++)
		ASSERT_EQ(0, cont(crew->tid[i], 0));
	EXPECT_EQ(0, wait_event(self->events, "frozen ", 1));
	EXPECT_FALSE(crew_moved(crew, mark)) {
		TH_LOG("end-freezer: ran in a frozen cgroup");
	}

	ASSERT_EQ(0, cgroup_write(self->dir, "cgroup.freeze", "0"));
	EXPECT_STATUS("end-freezer", SIGNAL_STATUS(SIGCONT), crew->pid);
	ASSERT_EQ(0, cont(crew->pid, 0));
	for (i = 0; i < variant->size; i++)
		EXPECT_TRUE(crew_runs(crew, i));
}

/*
 * A group stop in a cgroup that is frozen and thawed in the middle of it. Fails if
 * the tracees take a thaw for SIGCONT, or SIGCONT for a thaw.
 */
TEST_F(freezer, end_freezer_group_stop)
{
	struct crew *crew = self->crew;
	unsigned long mark[CREW_MAX];
	int i, nr, status;

	ASSERT_EQ(0, crew_seize(crew, PTRACE_SEIZE_DEVEL));
	ASSERT_EQ(0, crew_stop(crew, SIGSTOP, &nr, &status)) {
		TH_LOG("thread %d reports %#x instead of a group stop", nr, status);
	}
	for (i = 0; i < variant->size; i++)
		EXPECT_EQ(0, ack(crew->tid[i]));
	crew_mark(crew, mark);
	EXPECT_EQ(0, freeze_it(self->dir, self->events));
	EXPECT_EQ(0, thaw_it(self->dir, self->events));
	for (i = 0; i < variant->size; i++) {
		EXPECT_NO_STOP("end-freezer", crew->tid[i]);
		EXPECT_EQ('t', task_state(crew->pid, crew->tid[i]));
	}

	EXPECT_EQ(0, freeze_it(self->dir, self->events));
	EXPECT_RETRAPS(crew);
	for (i = 0; i < variant->size; i++)
		ASSERT_EQ(0, cont(crew->tid[i], 0));
	EXPECT_EQ(0, wait_event(self->events, "frozen ", 1));
	EXPECT_FALSE(crew_moved(crew, mark)) {
		TH_LOG("end-freezer: SIGCONT has thawed it");
	}

	ASSERT_EQ(0, cgroup_write(self->dir, "cgroup.freeze", "0"));
	EXPECT_STATUS("end-freezer", SIGNAL_STATUS(SIGCONT), crew->pid);
	ASSERT_EQ(0, cont(crew->pid, 0));
	for (i = 0; i < variant->size; i++)
		EXPECT_TRUE(crew_runs(crew, i));
}

/* Fails if a detach from a trap, with or without a re-trap, leaves the freezer. */
TEST_F(freezer, end_freezer_detach)
{
	struct crew *crew = self->crew;
	unsigned long mark[CREW_MAX];
	int i, round;

	for (round = 0; round < 4; round++) {
		ASSERT_EQ(0, crew_seize(crew, PTRACE_SEIZE_DEVEL));
		for (i = 0; i < variant->size; i++) {
			ASSERT_EQ(0, interrupt(crew->tid[i]));
			EXPECT_STATUS("end-freezer", STOP_STATUS(SIGTRAP), crew->tid[i]);
		}
		ASSERT_EQ(0, freeze_it(self->dir, self->events));
		crew_mark(crew, mark);
		if (round & 1)
			kill(crew->pid, SIGCONT);
		for (i = 0; i < variant->size; i++)
			EXPECT_EQ(0, detach(crew->tid[i]));
		for (i = 0; i < variant->size; i++)
			EXPECT_EQ(0, wait_task_state(crew->pid, crew->tid[i], "S"));
		EXPECT_EQ(0, wait_event(self->events, "frozen ", 1));
		EXPECT_FALSE(crew_moved(crew, mark)) {
			TH_LOG("end-freezer: detached, it ran in a frozen cgroup");
		}
		EXPECT_EQ(0, thaw_it(self->dir, self->events));
		for (i = 0; i < variant->size; i++)
			EXPECT_TRUE(crew_runs(crew, i));
	}
}

/*
 * SIGKILL in a frozen cgroup, to tracees that are trapped, or on their way from
 * trap to trap: back to back with the SIGCONT that sends them there, in rounds.
 * Fails if one survives, or the cgroup goes on counting it.
 */
TEST_F(freezer, end_freezer_kill)
{
	struct crew *crew = self->crew;
	char pid[16];
	int i, round;

	for (round = 0; round < 8; round++) {
		ASSERT_EQ(0, crew_seize(crew, PTRACE_SEIZE_DEVEL));
		for (i = 0; i < variant->size; i++) {
			ASSERT_EQ(0, interrupt(crew->tid[i]));
			EXPECT_STATUS("end-freezer", STOP_STATUS(SIGTRAP), crew->tid[i]);
		}
		ASSERT_EQ(0, freeze_it(self->dir, self->events));
		if (round & 1)
			kill(crew->pid, SIGCONT);
		kill(crew->pid, SIGKILL);
		for (i = variant->size - 1; i >= 0; i--)
			EXPECT_STATUS("end-freezer", SIGKILL, crew->tid[i]);
		EXPECT_EQ(0, wait_event(self->events, "populated ", 0)) {
			TH_LOG("end-freezer: cgroup not empty after SIGKILL");
		}
		EXPECT_EQ(0, thaw_it(self->dir, self->events));

		crew_end(crew);
		ASSERT_GT(crew_spawn(crew), 0);
		snprintf(pid, sizeof(pid), "%d", crew->pid);
		ASSERT_EQ(0, cgroup_write(self->dir, "cgroup.procs", pid));
	}
}

/* A tracer in a cgroup of its own, and what it asks for. On a shared_page(). */
struct asker {
	struct crew *crew;
	bool waits;			/* for a status; or makes a request */
	volatile unsigned long ready;	/* the tracee is trapped, and told all */
	volatile unsigned long go;	/* the asker is to ask */
	volatile unsigned long handled;	/* SIGUSR1 so far */
	volatile unsigned long done;
	long ret;
};

static struct asker *own_asker;

static void count_signal(int sig)
{
	own_asker->handled++;
}

/* For spawn() */
static void ask_when_told(void *arg)
{
	struct sigaction action = { .sa_handler = count_signal };
	struct asker *asker = arg;
	const pid_t tid = asker->crew->pid;

	own_asker = asker;
	if (sigaction(SIGUSR1, &action, NULL) || sys_seize_notify(tid, 0) || interrupt(tid) ||
	    sys_wait(tid, 0) != STOP_STATUS(SIGTRAP) || ack(tid))
		_exit(1);
	asker->ready = 1;
	/* without a nap, which would look like the sleep that the test looks for */
	while (!asker->go)
		sched_yield();
	asker->ret = asker->waits ? sys_wait(tid, WNOHANG) : ack(tid);
	asker->done = 1;
	pause_forever(NULL);
}

/* Two cgroups of version 1: of the tracee, and of the tracer. */
FIXTURE(freezer_v1)
{
	char root[64], dir[2][80];
	struct asker *asker;
	pid_t pid;		/* of the asker */
	const char *lacks;	/* why there is none of this, or NULL */
};

FIXTURE_VARIANT(freezer_v1)
{
	bool waits;
};

FIXTURE_VARIANT_ADD(freezer_v1, request) { .waits = false };
FIXTURE_VARIANT_ADD(freezer_v1, wait) { .waits = true };

/* Have the cgroup @dir frozen or thawed. Returns 0 or -1. */
static int v1_set(const char *dir, bool frozen)
{
	return cgroup_write(dir, "freezer.state", frozen ? "FROZEN" : "THAWED");
}

/* Wait until all in the cgroup @dir are frozen. Returns 0, or -1 if that takes too long. */
static int v1_wait_frozen(const char *dir)
{
	const long long deadline = now_ms() + DEADLINE_MS / 5;
	unsigned int tries = 0;
	char path[128], state[32];

	snprintf(path, sizeof(path), "%s/freezer.state", dir);
	for (;;) {
		if (!read_file(path, state, sizeof(state)))
			return -1;
		if (!strncmp(state, "FROZEN", 6))
			return 0;
		if (now_ms() > deadline)
			return -1;
		give_way(&tries);
	}
}

FIXTURE_SETUP(freezer_v1)
{
	char pid[16];
	int i;

	/* in 6.1 the test goes on after a SKIP in here: it has to say so itself */
	if (have_notify_mode() == 0) {
		self->lacks = "kernel without PTRACE_SEIZE_DEVEL";
		return;
	}

	snprintf(self->root, sizeof(self->root), "/tmp/gstop-XXXXXX");
	ASSERT_TRUE(!!mkdtemp(self->root));
	if (mount("cgroup", self->root, "cgroup", 0, "freezer")) {
		rmdir(self->root);
		self->lacks = "no freezer of cgroup v1";
		return;
	}

	self->asker = shared_page();
	ASSERT_TRUE(!!self->asker);
	self->asker->waits = variant->waits;
	self->asker->crew = shared_page();
	ASSERT_TRUE(!!self->asker->crew);
	self->asker->crew->size = 1;
	ASSERT_GT(crew_spawn(self->asker->crew), 0);
	self->pid = spawn(ask_when_told, self->asker);
	ASSERT_GT(self->pid, 0);

	for (i = 0; i < 2; i++) {
		snprintf(self->dir[i], sizeof(self->dir[i]), "%s/%d", self->root, i);
		ASSERT_EQ(0, mkdir(self->dir[i], 0755));
		snprintf(pid, sizeof(pid), "%d", i ? self->pid : self->asker->crew->pid);
		ASSERT_EQ(0, cgroup_write(self->dir[i], "cgroup.procs", pid));
	}
}

FIXTURE_TEARDOWN(freezer_v1)
{
	int i;

	if (self->lacks)
		return;
	for (i = 0; i < 2; i++)
		v1_set(self->dir[i], false);
	kill_and_reap(self->pid);
	if (self->asker && self->asker->crew)
		crew_end(self->asker->crew);
	for (i = 0; i < 2; i++)
		cgroup_remove(self->dir[i]);
	umount(self->root);
	rmdir(self->root);
}

/*
 * A trapped tracee is frozen, and notified: it does not get to its next trap until it is
 * thawed. A wait of the tracer returns at once. A request lets the handler of a signal run,
 * and the tracer can be stopped and frozen in it, or the system would not suspend.
 */
TEST_F(freezer_v1, notify_waits_frozen_tracee)
{
	struct asker *asker = self->asker;

	if (self->lacks)
		SKIP(return, "%s", self->lacks);

	ASSERT_TRUE(wait_change(&asker->ready, 0));
	ASSERT_EQ(0, v1_set(self->dir[0], true));
	ASSERT_EQ(0, v1_wait_frozen(self->dir[0]));
	ASSERT_EQ(0, kill(asker->crew->pid, SIGCONT));
	asker->go = 1;
	if (variant->waits) {
		EXPECT_TRUE(wait_change(&asker->done, 0))
			TH_LOG("notify-waits: a wait sleeps for a frozen tracee");
		EXPECT_EQ(0, asker->ret);
		EXPECT_EQ(0, v1_set(self->dir[0], false));
		return;
	}

	/* in the request */
	ASSERT_EQ(0, wait_task_state(self->pid, self->pid, "SD"));
	ASSERT_EQ(0, kill(self->pid, SIGUSR1));
	EXPECT_TRUE(wait_change(&asker->handled, 0))
		TH_LOG("notify-waits: no handler runs while a request waits");
	ASSERT_EQ(0, kill(self->pid, SIGSTOP));
	EXPECT_EQ(0, wait_task_state(self->pid, self->pid, "T"))
		TH_LOG("notify-waits: a tracer that waits does not stop");
	ASSERT_EQ(0, kill(self->pid, SIGCONT));
	ASSERT_EQ(0, wait_task_state(self->pid, self->pid, "S"));
	ASSERT_EQ(0, v1_set(self->dir[1], true));
	EXPECT_EQ(0, v1_wait_frozen(self->dir[1]))
		TH_LOG("notify-waits: a tracer that waits does not freeze");
	EXPECT_EQ(0, v1_set(self->dir[1], false));
	EXPECT_EQ(0UL, asker->done);

	EXPECT_EQ(0, v1_set(self->dir[0], false));
	EXPECT_TRUE(wait_change(&asker->done, 0));
	EXPECT_EQ(0, asker->ret);
}

TEST_HARNESS_MAIN
