// SPDX-License-Identifier: GPL-2.0
/*
 * Waits and requests that meet a tracee on its way from trap to trap, and sleep: see
 * gstop_hold for those that don't.
 *
 * The tracee has only the CPU of a hog, and does not arrive until that has ended. What a
 * test expects has to happen before. If a call sleeps for the tracee, is_held() says
 * afterwards that it has arrived. A machine that is too busy looks the same: each test has a
 * few rounds, and passes if one of them was in time and none saw anything wrong.
 */
#include "group_stop_tracee.h"
#include "hog.h"

#include <linux/io_uring.h>

#define ROUNDS	3

/* What a helper process does for the test, on a shared_page(). */
struct aside {
	pid_t pid;		/* of the test */
	pid_t tid;		/* of the tracee that it traces itself */
	int ready;
};

FIXTURE(waits) {
	struct tracee t;	/* we trace thread 1, on HOG_CPU; 0 is on the other */
	pid_t tid;		/* that of thread 1 */
	struct hog hog;
	struct aside *aside;
	pid_t helper;
	int open;		/* rounds in which the tracee was held up till the end */
};

static volatile sig_atomic_t handled;	/* SIGUSR1 so far */
static volatile sig_atomic_t in_time;	/* ... while the tracee was held up */
static FIXTURE_DATA(waits) * own;

static void handle(int sig)
{
	handled++;
	in_time += is_held(own->tid);
	hog_release(&own->hog);
}

static void start(FIXTURE_DATA(waits) * self)
{
	struct __test_metadata *_metadata = self->t.test;

	self->tid = self->t.tid[1];
	ASSERT_EQ(0, pin(self->tid, HOG_CPU));
}

FIXTURE_SETUP(waits)
{
	const struct sigaction action = { .sa_handler = handle };

	NEED_NOTIFY_MODE();
	NEED_HOG(&self->hog);
	self->aside = shared_page();
	ASSERT_TRUE(!!self->aside);
	self->aside->pid = getpid();
	own = self;
	handled = in_time = 0;
	ASSERT_EQ(0, sigaction(SIGUSR1, &action, NULL));

	tracee_start(&self->t, 2, 0);
	start(self);
}

FIXTURE_TEARDOWN(waits)
{
	hog_end(&self->hog);
	kill_and_reap(self->helper);
	tracee_end(&self->t);
}

/* The tracee is in a STOP trap, and has nothing to report. */
static void trap(FIXTURE_DATA(waits) * self)
{
	struct __test_metadata *_metadata = self->t.test;

	ASSERT_EQ(0, sys_seize_notify(self->tid, 0));
	trap_by_interrupt(&self->t, 1, 0);
	ack(&self->t, 1, 0);
}

/* From here on it is on its way to a re-trap. */
static void hold(FIXTURE_DATA(waits) * self)
{
	struct __test_metadata *_metadata = self->t.test;

	hog_start(&self->hog, DEADLINE_MS);
	ASSERT_EQ(0, sys_tgkill(self->t.pid, self->tid, SIGCONT));
}

/* It arrives, with a status that was @reaped already, or is now. */
static void arrive(FIXTURE_DATA(waits) * self, bool reaped)
{
	struct __test_metadata *_metadata = self->t.test;

	hog_end(&self->hog);
	if (!reaped)
		ASSERT_STATUS(STOP_STATUS(SIGTRAP), self->tid);
	ack(&self->t, 1, 0);
}

/* Start a process that does @fn, which gets self->aside. */
static void start_helper(FIXTURE_DATA(waits) * self, void (*fn)(void *aside))
{
	struct __test_metadata *_metadata = self->t.test;

	self->helper = spawn(fn, self->aside);
	ASSERT_LT(0, self->helper);
}

static void end_helper(FIXTURE_DATA(waits) * self)
{
	kill_and_reap(self->helper);
	self->helper = 0;
}

/* For start_helper(): when the test sleeps, in whatever it does, send it SIGUSR1, */
static void send_usr1(void *arg)
{
	struct aside *aside = arg;

	if (wait_task_state(aside->pid, "SD"))
		_exit(1);
	kill(aside->pid, SIGUSR1);
	pause_forever(NULL);
}

/* ... or exit. */
static void exit_soon(void *arg)
{
	struct aside *aside = arg;

	wait_task_state(aside->pid, "SD");
	_exit(7);
}

/* The other tracee of two re-traps, and WNOHANG finds it, while one is held up. */
TEST_F(waits, notify_waits_wnohang_finds_other_tracee)
{
	unsigned int tries = 0;
	int round, status;
	struct tracee t;
	pid_t pid;

	/*
	 * A thread, seized before the one that is held up: a wait looks at children first, and
	 * then at other tracees, the last one first.
	 */
	tracee_start(&t, 2, 0);
	ASSERT_EQ(0, sys_seize_notify(t.tid[1], 0));
	trap_by_interrupt(&t, 1, 0);
	ack(&t, 1, 0);
	trap(self);

	for (round = 0; round < ROUNDS; round++) {
		hold(self);
		ASSERT_EQ(0, sys_tgkill(t.pid, t.tid[1], SIGCONT));
		do {
			give_way(&tries);
			pid = wait4(-1, &status, WNOHANG | __WALL, NULL);
		} while (!pid && is_held(self->tid));
		if (is_held(self->tid)) {
			EXPECT_EQ(t.tid[1], pid);
			EXPECT_EQ(STOP_STATUS(SIGTRAP), status);
			self->open++;
		}
		if (pid != t.tid[1])
			ASSERT_STATUS(STOP_STATUS(SIGTRAP), t.tid[1]);
		ack(&t, 1, 0);
		arrive(self, pid == self->tid);
	}
	EXPECT_LT(0, self->open)
		TH_LOG("waitpid(-1, WNOHANG) sleeps until the first tracee has arrived");
	tracee_end(&t);
}

/* A signal ends a blocking wait with EINTR, and its handler runs. */
TEST_F(waits, notify_waits_signal_ends_wait)
{
	int round, status, error;
	pid_t pid;

	trap(self);
	for (round = 0; round < ROUNDS; round++) {
		hold(self);
		start_helper(self, send_usr1);
		pid = wait4(self->tid, &status, __WALL, NULL);
		error = pid == -1 ? errno : 0;
		end_helper(self);
		EXPECT_EQ(pid == -1 ? EINTR : 0, error);
		arrive(self, pid == self->tid);
	}
	EXPECT_LT(0, in_time)
		TH_LOG("no handler runs before the tracee has arrived");
}

/* A wait with __WNOTHREAD, begun when the tracee was held up, sees another child. */
TEST_F(waits, notify_waits_wnothread_sees_other_child)
{
	int round, status;
	pid_t pid;

	trap(self);
	for (round = 0; round < ROUNDS; round++) {
		hold(self);
		start_helper(self, exit_soon);
		pid = wait4(-1, &status, __WALL | __WNOTHREAD, NULL);
		if (is_held(self->tid)) {
			EXPECT_EQ(self->helper, pid);
			self->open++;
		}
		if (pid != self->helper)
			ASSERT_EQ(7 << 8, wait_soon(self->helper));
		self->helper = 0;
		arrive(self, pid == self->tid);
	}
	EXPECT_LT(0, self->open)
		TH_LOG("told of another child only when the tracee has arrived");
}

/* A signal interrupts a request, its handler runs, and the request is made again. */
TEST_F(waits, notify_waits_request_interrupted)
{
	int round;

	trap(self);
	for (round = 0; round < ROUNDS; round++) {
		hold(self);
		start_helper(self, send_usr1);
		/* restarted, and done when the handler has let the tracee go */
		ack(&self->t, 1, 0);
		end_helper(self);
		EXPECT_EQ(round + 1, handled);
		hog_end(&self->hog);
		ASSERT_STATUS(STOP_STATUS(SIGTRAP), self->tid);
	}
	EXPECT_LT(0, in_time)
		TH_LOG("no handler runs before the tracee has arrived");
}

/*
 * Thread 1 is trapped, with a status that nobody reaps, and from here on it is on its way to
 * another trap, for the start of a group stop. Thread 0 is in that.
 */
static void hold_unreaped(FIXTURE_DATA(waits) * self)
{
	struct tracee *t = &self->t;
	struct __test_metadata *_metadata = t->test;

	ASSERT_EQ(0, wait_task_state(self->tid, "t"));
	hog_start(&self->hog, DEADLINE_MS);
	ASSERT_EQ(0, sys_tgkill(t->pid, t->pid, SIGSTOP));
	EXPECT_THREAD_STATE('T', t->pid);
}

/* For pthread_create(): peek_status() of the thread with number @arg. Returns the status. */
static void *peek_thread(void *arg)
{
	return (void *)(long)peek_status((long)arg);
}

static int peek_by_thread(pid_t tid)
{
	unsigned int tries = 0;
	void *status = NULL;
	pthread_t thread;

	if (pthread_create(&thread, NULL, peek_thread, (void *)(long)tid))
		return -1;
	/* no pthread_join(): a 32-bit one needs CONFIG_COMPAT_32BIT_TIME */
	while (pthread_tryjoin_np(thread, &status) == EBUSY)
		give_way(&tries);
	return (long)status;
}

/* By number: the headers may be older than 6.7. */
#define OP_WAITID	50

/*
 * IORING_OP_WAITID with WNOHANG and WNOWAIT, a ring each. Returns the wait status, 0 if
 * there is none, or -1 with errno; that is ENOSYS or EINVAL if there is no such thing.
 */
static int peek_by_io_uring(pid_t tid)
{
	struct io_uring_params params = { 0 };
	const struct io_uring_cqe *cqe;
	struct io_uring_sqe *sqe;
	siginfo_t info = { 0 };
	int fd, ret = -1;
	char *rings;

	fd = syscall(__NR_io_uring_setup, 1, &params);
	if (fd < 0)
		return -1;
	/* with one entry all of it fits into a page */
	rings = mmap(NULL, getpagesize(), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		     IORING_OFF_SQ_RING);
	sqe = mmap(NULL, getpagesize(), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		   IORING_OFF_SQES);
	if (rings == MAP_FAILED || sqe == MAP_FAILED)
		goto out;

	memset(sqe, 0, sizeof(*sqe));
	sqe->opcode = OP_WAITID;
	sqe->fd = tid;
	sqe->len = P_PID;
	sqe->addr2 = (unsigned long)&info;
	sqe->file_index = WSTOPPED | WNOHANG | WNOWAIT | __WALL;
	*(__u32 *)(rings + params.sq_off.array) = 0;
	__atomic_store_n((__u32 *)(rings + params.sq_off.tail), 1, __ATOMIC_RELEASE);
	if (syscall(__NR_io_uring_enter, fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) != 1)
		goto out;
	cqe = (const struct io_uring_cqe *)(rings + params.cq_off.cqes);
	errno = cqe->res < 0 ? -cqe->res : 0;
	if (!errno)
		ret = info.si_pid == tid ? (info.si_status << 8) | 0x7f : 0;
out:
	if (rings != MAP_FAILED)
		munmap(rings, getpagesize());
	if (sqe != MAP_FAILED)
		munmap(sqe, getpagesize());
	close(fd);
	return ret;
}

/* A status that was not reaped stays, also for another thread and for io_uring. */
TEST_F(waits, notify_hidden_unreaped_status_stays)
{
	int round, tracer, thread, ring, error, status, next;

	ASSERT_EQ(0, sys_seize_notify(self->tid, 0));
	ASSERT_PTRACE(PTRACE_INTERRUPT, self->tid, 0);
	for (round = 0; round < ROUNDS; round++) {
		hold_unreaped(self);
		tracer = peek_status(self->tid);
		thread = peek_by_thread(self->tid);
		ring = peek_by_io_uring(self->tid);
		error = errno;
		/* reaped after the change; that of the change is yet to come */
		status = sys_wait(self->tid, WNOHANG);
		next = status == STOP_STATUS(SIGTRAP) ? sys_wait(self->tid, WNOHANG) : status;
		if (is_held(self->tid)) {
			EXPECT_EQ(STOP_STATUS(SIGTRAP), tracer);
			EXPECT_EQ(STOP_STATUS(SIGTRAP), thread);
			if (ring != -1 || (error != EINVAL && error != ENOSYS))
				EXPECT_EQ(STOP_STATUS(SIGTRAP), ring);
			EXPECT_EQ(STOP_STATUS(SIGTRAP), status);
			EXPECT_EQ(0, next);
			self->open++;
		}
		hog_end(&self->hog);
		if (!next)
			ASSERT_STATUS(STOP_STATUS(SIGSTOP), self->tid);
		ack(&self->t, 1, SIGSTOP);

		/* and the end of the stop, whose status the next round finds */
		ASSERT_EQ(0, kill(self->t.pid, SIGCONT));
		ack(&self->t, 1, 0);
		ASSERT_EQ(0, tracee_runs(&self->t, 0));
	}
	EXPECT_LT(0, self->open)
		TH_LOG("not tested, the tracee was never held up");
}

/* The field exit_code of /proc/PID/task/TID/stat, or -1. */
static long stat_exit_code(pid_t pid, pid_t tid)
{
	char path[64], buf[1024], *p;
	int i;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", pid, tid);
	if (!read_file(path, buf, sizeof(buf)))
		return -1;
	/* the 52nd of all, where ")" ends the second */
	p = strrchr(buf, ')');
	for (i = 2; p && i < 52; i++)
		p = strchr(p + 1, ' ');
	return p ? strtol(p, NULL, 10) : -1;
}

/* For start_helper(): trap thread ->tid, don't reap that, and stay. */
static void trap_and_stay(void *arg)
{
	struct aside *aside = arg;

	if (sys_seize_notify(aside->tid, 0) ||
	    sys_ptrace(PTRACE_INTERRUPT, aside->tid, 0, NULL))
		_exit(1);
	__atomic_store_n(&aside->ready, 1, __ATOMIC_RELEASE);
	pause_forever(NULL);
}

/*
 * If the tracer dies while the tracee is on its way, no status is left, for the next tracer
 * or in /proc.
 */
TEST_F(waits, end_detach_no_status_left)
{
	struct tracee *t = &self->t;
	int round, status;

	self->aside->tid = self->tid;
	for (round = 0; round < ROUNDS; round++) {
		self->aside->ready = 0;
		start_helper(self, trap_and_stay);
		ASSERT_TRUE(wait_until(__atomic_load_n(&self->aside->ready, __ATOMIC_ACQUIRE)));
		hold_unreaped(self);
		EXPECT_LT(0, stat_exit_code(t->pid, self->tid));
		end_helper(self);

		EXPECT_EQ(0, stat_exit_code(t->pid, self->tid));
		ASSERT_EQ(0, sys_seize_notify(self->tid, 0));
		status = sys_wait(self->tid, WNOHANG);
		if (is_held(self->tid)) {
			EXPECT_EQ(0, status);
			self->open++;
		}
		hog_end(&self->hog);
		if (!status)
			ASSERT_STATUS(STOP_STATUS(SIGSTOP), self->tid);
		ack(t, 1, SIGSTOP);
		ASSERT_EQ(0, kill(t->pid, SIGCONT));
		ASSERT_STATUS(STOP_STATUS(SIGTRAP), self->tid);
		ASSERT_PTRACE(PTRACE_DETACH, self->tid, 0);
		ASSERT_EQ(0, tracee_runs(t, 0));
		ASSERT_EQ(0, tracee_runs(t, 1));
	}
	EXPECT_LT(0, self->open)
		TH_LOG("not tested, the tracee was never held up");
}

/* The same if execve() of another thread kills the tracee on its way. */
TEST_F(waits, end_kill_no_status_left)
{
	struct tracee *t = &self->t;
	int round, status;
	siginfo_t info;
	long code;

	for (round = 0; round < ROUNDS; round++) {
		ASSERT_EQ(0, sys_seize_notify(self->tid, 0));
		ASSERT_PTRACE(PTRACE_INTERRUPT, self->tid, 0);
		hold_unreaped(self);
		EXPECT_LT(0, stat_exit_code(t->pid, self->tid));
		ASSERT_EQ(0, kill(t->pid, SIGCONT));
		order(t, 0, ORDER_EXEC);
		/* in execve() it sleeps until all other threads are dead */
		ASSERT_EQ(0, wait_task_state(t->pid, "D"));
		code = stat_exit_code(t->pid, self->tid);
		status = peek_status(self->tid);
		if (is_held(self->tid)) {
			EXPECT_EQ(0, code);
			EXPECT_EQ(0, status);
			self->open++;
		}
		hog_end(&self->hog);
		ASSERT_EQ(0, sys_waitid(self->tid, &info, WEXITED | __WALL));
		EXPECT_EQ(self->tid, info.si_pid);

		tracee_end(t);
		tracee_start(t, 2, 0);
		start(self);
	}
	EXPECT_LT(0, self->open)
		TH_LOG("not tested, the tracee was never held up");
}

TEST_HARNESS_MAIN
