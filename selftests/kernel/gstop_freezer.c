// SPDX-License-Identifier: GPL-2.0
/*
 * Notify mode in a frozen cgroup. The freezer of cgroup v2 and ptrace traps mix as they do
 * without notify mode.
 */
#include "group_stop_tracee.h"

#include <poll.h>
#include <sys/stat.h>

#define CGROUP	"/sys/fs/cgroup"

FIXTURE(freezer) {
	struct tracee t;
	char dir[64];
	int events;		/* the file cgroup.events */
};

FIXTURE_VARIANT(freezer) {
	int threads, flags;
};

FIXTURE_VARIANT_ADD(freezer, one_counting) { .threads = 1, .flags = TRACEE_COUNT };
FIXTURE_VARIANT_ADD(freezer, many_counting) { .threads = 3, .flags = TRACEE_COUNT };

/* Write @value to the file @name of the cgroup @dir. Returns 0, or -1 with errno. */
static int cgroup_write(const char *dir, const char *name, int value)
{
	char path[128];
	int fd, ret;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	ret = dprintf(fd, "%d", value);
	close(fd);
	return ret < 0 ? -1 : 0;
}

/* Does cgroup.events say @text? A poll() for the next event begins here. */
static bool events_say(FIXTURE_DATA(freezer) * self, const char *text)
{
	char buf[256] = "";

	return pread(self->events, buf, sizeof(buf) - 1, 0) > 0 && strstr(buf, text);
}

FIXTURE_SETUP(freezer)
{
	char path[128];

	NEED_NOTIFY_MODE();
	NEED(!access(CGROUP "/cgroup.procs", F_OK), "no cgroup2 at " CGROUP);
	snprintf(self->dir, sizeof(self->dir), CGROUP "/gstop-%d", getpid());
	NEED(!mkdir(self->dir, 0755) || errno == EEXIST, "mkdir %s: %s", self->dir,
	     strerror(errno));

	snprintf(path, sizeof(path), "%s/cgroup.events", self->dir);
	self->events = open(path, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, self->events);
	tracee_start_seized(&self->t, variant->threads, variant->flags);
	ASSERT_EQ(0, cgroup_write(self->dir, "cgroup.procs", self->t.pid));
}

static void set_frozen(FIXTURE_DATA(freezer) * self, bool frozen)
{
	struct __test_metadata *_metadata = self->t.test;

	ASSERT_EQ(0, cgroup_write(self->dir, "cgroup.freeze", frozen));
	EXPECT_TRUE(wait_until(events_say(self, frozen ? "frozen 1" : "frozen 0")));
}

FIXTURE_TEARDOWN(freezer)
{
	cgroup_write(self->dir, "cgroup.freeze", 0);
	tracee_end(&self->t);
	close(self->events);
	/* what was reaped may still be on its way out of it */
	wait_until(!rmdir(self->dir) || errno != EBUSY);
}

/*
 * A frozen tracee traps. It counts as frozen then, also on its way from one trap to the
 * next, and is frozen when it is resumed.
 */
TEST_F(freezer, end_freezer_frozen_traps)
{
	struct pollfd event = { .fd = self->events, .events = POLLPRI };
	struct tracee *t = &self->t;
	int i, round;

	set_frozen(self, true);
	for_each_thread_of(t, i) {
		t->mark[i] = tracee_count(t, i);
		ASSERT_PTRACE(PTRACE_INTERRUPT, t->tid[i], 0);
		ASSERT_STATUS(STOP_STATUS(SIGTRAP), t->tid[i]);
	}
	ack_all(t, 0);
	EXPECT_TRUE(wait_until(events_say(self, "frozen 1")));

	/* the kernel reports an event every 10 ms at most: let it have reported the last */
	while (poll(&event, 1, 100) > 0)
		events_say(self, "");
	for (round = 0; round < 20; round++) {
		cont_all(t);
		ack_all(t, 0);
	}
	EXPECT_EQ(0, poll(&event, 1, 100))
		TH_LOG("the cgroup looked thawed");
	EXPECT_TRUE(events_say(self, "frozen 1"));

	for_each_thread_of(t, i)
		ASSERT_PTRACE(PTRACE_CONT, t->tid[i], 0);
	for_each_thread_of(t, i)
		EXPECT_THREAD_STATE('S', t->tid[i]);
	EXPECT_NO_STEP(t);
	set_frozen(self, false);
	EXPECT_ALL_RUN(t);
}

TEST_HARNESS_MAIN
