// SPDX-License-Identifier: GPL-2.0
/*
 * Notify mode in a frozen cgroup. The promise is end-freezer: the cgroup v2 freezer
 * and ptrace traps still mix as before, that is
 *
 *  - a trapped tracee counts as frozen, also on its way from trap to trap;
 *  - a frozen tracee can be made to trap, and is frozen again when it is resumed;
 *  - it can be killed and left by its tracer in either state.
 */
#include "group_stop.h"
#include "../kselftest_harness.h"
#include "group_stop_tracee.h"

#include <poll.h>
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
	int tries;

	cgroup_write(self->dir, "cgroup.freeze", "0");
	crew_end(self->crew);
	/* a zombie that has been reaped may still be on its way out */
	for (tries = 0; rmdir(self->dir) && errno == EBUSY && tries < 1000; tries++)
		usleep(1000);
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

TEST_HARNESS_MAIN
