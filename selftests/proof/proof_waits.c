// SPDX-License-Identifier: GPL-2.0
/*
 * Waits and requests that meet a tracee on its way from trap to trap.
 *
 * The tracee has to run on the CPU of a hog to get there, so it does not until the hog has
 * ended: see group_stop_hog.h. A wait must not sleep for it. What a test expects has to
 * happen while the tracee is held up, which still_held() says afterwards: once it has
 * arrived it stays there. If a call sleeps for the tracee, that is over when it returns. A
 * machine that is too busy looks the same, so each test has a few rounds, and passes if one
 * of them was in time and none saw anything wrong. That the hog has not ended says nothing:
 * the kernel takes the CPU from it now and then.
 */
#include "../kselftest_harness.h"
#include "old/group_stop_hog.h"
#include "old/group_stop_notify.h"

#include <linux/io_uring.h>

#define ROUNDS	3

/* What a helper process does for the test, on a shared_page(). */
struct aside {
	pid_t pid;		/* of the test */
	pid_t tid;		/* of the tracee that it traces itself */
	volatile unsigned long ready, go;
};

FIXTURE(waits) {
	struct tracee t;	/* number 0 on another CPU, and number 1 on that of the hog */
	struct hog *hog;
	pid_t hog_pid;
	struct aside *aside;
	pid_t helper;
};

static volatile sig_atomic_t handled;	/* SIGUSR1 so far */
static volatile sig_atomic_t in_time;	/* ... while the tracee was held up */
static FIXTURE_DATA(waits) * own;

/* Is the tracee still on its way, and not yet where it goes to? */
static bool still_held(FIXTURE_DATA(waits) * self)
{
	return task_state(self->t.pid, self->t.tid[1]) == 'R';
}

static void handle(int sig)
{
	handled++;
	in_time += still_held(own);
	/* it may go on */
	own->hog->stop = 1;
}

FIXTURE_SETUP(waits)
{
	struct sigaction action = { .sa_handler = handle };

	if (lacks_notify_mode(_metadata))
		return;
	if (lacks_hog()) {
		skip_setup(_metadata, lacks_hog());
		return;
	}
	self->hog = shared_page();
	self->aside = shared_page();
	ASSERT_TRUE(self->hog && self->aside);
	self->hog->ms = 500;
	self->aside->pid = getpid();
	own = self;
	handled = 0;
	in_time = 0;
	ASSERT_EQ(0, sigaction(SIGUSR1, &action, NULL));

	tracee_start(_metadata, &self->t, 2, TRACEE_PAUSE | TRACEE_BLOCK_CONT);
	ASSERT_EQ(0, pin(self->t.tid[1], HOG_CPU));
}

FIXTURE_TEARDOWN(waits)
{
	if (self->hog)
		self->hog->stop = 1;
	kill_and_reap(self->hog_pid);
	kill_and_reap(self->helper);
	tracee_end(&self->t);
}

/* Keep the CPU from the tracee. */
static void hold_up(struct __test_metadata *_metadata, FIXTURE_DATA(waits) * self)
{
	self->hog->running = 0;
	self->hog->stop = 0;
	self->hog_pid = hog_spawn(self->hog);
	ASSERT_LT(0, self->hog_pid);
}

/* End that. */
static void let_go(FIXTURE_DATA(waits) * self)
{
	self->hog->stop = 1;
	kill_and_reap(self->hog_pid);
	self->hog_pid = 0;
}

/* Trap the tracee, reap the status, and read the state: the next SIGCONT makes it re-trap. */
static void trap(struct __test_metadata *_metadata, FIXTURE_DATA(waits) * self)
{
	const pid_t tid = self->t.tid[1];

	ASSERT_EQ(0, sys_seize_notify(tid, 0));
	trap_by_interrupt(_metadata, tid, 0);
	ASSERT_PTRACE("trap", PTRACE_GETSIGINFO, tid, &(siginfo_t){ 0 });
}

/* The tracee is on its way to a re-trap, and held up. Its status was reaped. */
static void hold_retrap(struct __test_metadata *_metadata, FIXTURE_DATA(waits) * self)
{
	hold_up(_metadata, self);
	ASSERT_EQ(0, sys_tgkill(self->t.pid, self->t.tid[1], SIGCONT));
}

/* It arrives, with a status of its own, and is told the state. */
static void arrive(struct __test_metadata *_metadata, FIXTURE_DATA(waits) * self,
		   const char *id)
{
	let_go(self);
	ASSERT_STATUS(id, STOP_STATUS(SIGTRAP), self->t.tid[1]);
	expect_state(_metadata, self->t.tid[1], 0, id);
}

/* For spawn(): sleep until the test does, in whatever it does, and then send it SIGUSR1. */
static void send_usr1(void *arg)
{
	struct aside *aside = arg;

	if (wait_task_state(aside->pid, aside->pid, "SD"))
		_exit(1);
	kill(aside->pid, SIGUSR1);
	pause_forever(NULL);
}

/* For spawn(): exit when the test sleeps. */
static void exit_soon(void *arg)
{
	struct aside *aside = arg;

	wait_task_state(aside->pid, aside->pid, "SD");
	_exit(7);
}

/* WNOHANG returns at once with nothing: the last status was reaped, and none is there yet. */
TEST_F(waits, notify_waits_wnohang_returns_at_once)
{
	static const char id[] = "notify-waits";
	const pid_t tid = self->t.tid[1];
	int round, status, any, open = 0;
	siginfo_t info;
	pid_t pid;

	trap(_metadata, self);
	for (round = 0; round < ROUNDS; round++) {
		hold_retrap(_metadata, self);
		EXPECT_EQ(0, sys_waitid(tid, &info, WSTOPPED | WNOHANG | WNOWAIT | __WALL));
		pid = wait4(-1, &any, WNOHANG | __WALL, NULL);
		status = pid == tid ? any : sys_wait(tid, WNOHANG);
		if (still_held(self)) {
			EXPECT_EQ(0, info.si_pid);
			EXPECT_EQ(0, pid);
			EXPECT_EQ(0, status);
			open++;
		}
		let_go(self);
		if (!status)
			ASSERT_STATUS(id, STOP_STATUS(SIGTRAP), tid);
		expect_state(_metadata, tid, 0, id);
	}
	EXPECT_LT(0, open)
		TH_LOG("%s: waitpid(WNOHANG) sleeps until the tracee has arrived", id);
}

/* The other tracee of two re-traps, and is found, by WNOHANG, while one is held up. */
TEST_F(waits, notify_waits_wnohang_finds_other_tracee)
{
	static const char id[] = "notify-waits";
	const pid_t tid = self->t.tid[1];
	int round, status, open = 0;
	unsigned int tries = 0;
	struct tracee t;
	pid_t other, pid;

	/*
	 * A thread, seized before the one that is held up: a wait looks at children first, and
	 * then at other tracees, the last one first.
	 */
	tracee_start(_metadata, &t, 2, TRACEE_PAUSE | TRACEE_BLOCK_CONT);
	other = t.tid[1];
	ASSERT_EQ(0, sys_seize_notify(other, 0));
	trap_by_interrupt(_metadata, other, 0);
	expect_state(_metadata, other, 0, id);
	trap(_metadata, self);

	for (round = 0; round < ROUNDS; round++) {
		hold_retrap(_metadata, self);
		ASSERT_EQ(0, sys_tgkill(t.pid, other, SIGCONT));
		do {
			give_way(&tries);
			pid = wait4(-1, &status, WNOHANG | __WALL, NULL);
		} while (!pid && still_held(self));
		if (still_held(self)) {
			EXPECT_EQ(other, pid);
			EXPECT_EQ(STOP_STATUS(SIGTRAP), status);
			open++;
		}
		if (pid != other)
			ASSERT_STATUS(id, STOP_STATUS(SIGTRAP), other);
		expect_state(_metadata, other, 0, id);
		let_go(self);
		if (pid != tid)
			ASSERT_STATUS(id, STOP_STATUS(SIGTRAP), tid);
		expect_state(_metadata, tid, 0, id);
	}
	EXPECT_LT(0, open)
		TH_LOG("%s: waitpid(-1, WNOHANG) sleeps until the first tracee has arrived", id);
	tracee_end(&t);
}

/* A signal ends a blocking wait with EINTR, and its handler runs. */
TEST_F(waits, notify_waits_signal_ends_wait)
{
	static const char id[] = "notify-waits";
	int round, status, error;
	pid_t pid;

	trap(_metadata, self);
	for (round = 0; round < ROUNDS; round++) {
		hold_retrap(_metadata, self);
		self->helper = spawn(send_usr1, self->aside);
		ASSERT_LT(0, self->helper);
		pid = wait4(self->t.tid[1], &status, __WALL, NULL);
		error = errno;
		kill_and_reap(self->helper);
		if (pid != -1) {
			/* the wait went on until the tracee had arrived */
			EXPECT_EQ(self->t.tid[1], pid);
			let_go(self);
			expect_state(_metadata, pid, 0, id);
			continue;
		}
		EXPECT_EQ(EINTR, error);
		arrive(_metadata, self, id);
	}
	EXPECT_LT(0, in_time)
		TH_LOG("%s: no handler runs before the tracee has arrived", id);
}

/*
 * With __WNOTHREAD the thread that traces is told at once of another child. Also if the
 * wait began when the tracee was held up.
 */
TEST_F(waits, notify_waits_wnothread_sees_other_child)
{
	static const char id[] = "notify-waits";
	int round, status, open = 0;
	pid_t child, pid;

	trap(_metadata, self);
	for (round = 0; round < ROUNDS; round++) {
		hold_retrap(_metadata, self);
		child = spawn(exit_soon, self->aside);
		ASSERT_LT(0, child);
		pid = wait4(-1, &status, __WALL | __WNOTHREAD, NULL);
		if (still_held(self)) {
			EXPECT_EQ(child, pid);
			open++;
		}
		if (pid != child)
			ASSERT_EQ(7 << 8, wait_soon(child));
		let_go(self);
		if (pid != self->t.tid[1])
			ASSERT_STATUS(id, STOP_STATUS(SIGTRAP), self->t.tid[1]);
		expect_state(_metadata, self->t.tid[1], 0, id);
	}
	EXPECT_LT(0, open)
		TH_LOG("%s: told of another child only when the tracee has arrived", id);
}

/* A signal interrupts a request, its handler runs, and the request is made again. */
TEST_F(waits, notify_waits_request_interrupted)
{
	static const char id[] = "notify-waits";
	int round;

	trap(_metadata, self);
	for (round = 0; round < ROUNDS; round++) {
		hold_retrap(_metadata, self);
		self->helper = spawn(send_usr1, self->aside);
		ASSERT_LT(0, self->helper);
		/* restarted, and done when the handler has let the tracee go */
		expect_state(_metadata, self->t.tid[1], 0, id);
		kill_and_reap(self->helper);
		EXPECT_EQ(round + 1, handled);
		let_go(self);
		ASSERT_STATUS(id, STOP_STATUS(SIGTRAP), self->t.tid[1]);
	}
	EXPECT_LT(0, in_time)
		TH_LOG("%s: no handler runs before the tracee has arrived", id);
}

/*
 * Thread 1 of the tracee is trapped, with a status that nobody reaps, and on its way to
 * another trap, for the start of a group stop. Thread 0 is in that.
 */
static void hold_unreaped(struct __test_metadata *_metadata, FIXTURE_DATA(waits) * self)
{
	struct tracee *t = &self->t;

	ASSERT_EQ(0, wait_task_state(t->pid, t->tid[1], "t"));
	hold_up(_metadata, self);
	tracee_stop_untraced(_metadata, t, SIGSTOP);
}

/* An unreaped status, and how a wait may look for it. */
struct look {
	idtype_t idtype;
	pid_t tid;
	int options;
	int status;		/* what is there, 0: nothing */
};

static void *look(void *arg)
{
	struct look *look = arg;
	siginfo_t info = { 0 };

	look->status = 0;
	if (!waitid(look->idtype, look->tid, &info, look->options | WSTOPPED | __WALL) &&
	    info.si_pid == look->tid)
		look->status = (info.si_status << 8) | 0x7f;
	return NULL;
}

/* By number: the headers may be older than 6.7. */
#define OP_WAITID	50

/*
 * IORING_OP_WAITID with WNOHANG and WNOWAIT, a ring each. Returns the wait status, 0 if
 * there is none, or -1 with errno; that is ENOSYS or EINVAL if there is no such thing.
 */
static int look_by_io_uring(pid_t tid)
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

/* A status that was not reaped stays there, whoever looks for it and however. */
TEST_F(waits, notify_hidden_unreaped_status_stays)
{
	static const char id[] = "notify-hidden";
	static const int options[] = {
		WNOHANG | WNOWAIT, WNOHANG | WNOWAIT | __WNOTHREAD, WNOWAIT,
	};
	const pid_t tid = self->t.tid[1];
	int round, status, next, open = 0;
	struct look what;
	pthread_t thread;
	unsigned int i;

	ASSERT_EQ(0, sys_seize_notify(tid, 0));
	ASSERT_PTRACE(id, PTRACE_INTERRUPT, tid, NULL);
	for (round = 0; round < ROUNDS; round++) {
		hold_unreaped(_metadata, self);
		for (i = 0; i < 2 * ARRAY_SIZE(options); i++) {
			what = (struct look){
				.idtype = i % 2 ? P_ALL : P_PID,
				.tid = tid,
				.options = options[i / 2],
			};
			look(&what);
			if (still_held(self))
				EXPECT_EQ(STOP_STATUS(SIGTRAP), what.status)
					TH_LOG("%s: look %u of round %d", id, i, round);
		}
		what.options = WNOHANG | WNOWAIT;
		ASSERT_EQ(0, pthread_create(&thread, NULL, look, &what));
		join_thread(thread);
		if (still_held(self))
			EXPECT_EQ(STOP_STATUS(SIGTRAP), what.status)
				TH_LOG("%s: another thread, round %d", id, round);
		status = look_by_io_uring(tid);
		if (still_held(self) &&
		    (status != -1 || (errno != EINVAL && errno != ENOSYS)))
			EXPECT_EQ(STOP_STATUS(SIGTRAP), status)
				TH_LOG("%s: by io_uring, round %d", id, round);

		/* reaped after the change; that of the change is yet to come */
		status = sys_wait(tid, WNOHANG);
		next = status == STOP_STATUS(SIGTRAP) ? sys_wait(tid, WNOHANG) : status;
		if (still_held(self)) {
			EXPECT_EQ(STOP_STATUS(SIGTRAP), status);
			EXPECT_EQ(0, next);
			open++;
		}
		let_go(self);
		if (!next)
			ASSERT_STATUS(id, STOP_STATUS(SIGSTOP), tid);
		expect_state(_metadata, tid, SIGSTOP, id);

		/* and the end of the stop, whose status the next round finds */
		ASSERT_EQ(0, kill(self->t.pid, SIGCONT));
		expect_state(_metadata, tid, 0, id);
		ASSERT_EQ(0, tracee_wait_running(&self->t, 0));
	}
	EXPECT_LT(0, open)
		TH_LOG("%s: not tested, the tracee was never held up", id);
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

/* For spawn(): trap thread ->tid, don't reap that, and stay. */
static void trap_and_stay(void *arg)
{
	struct aside *aside = arg;

	if (sys_seize_notify(aside->tid, 0) ||
	    sys_ptrace(PTRACE_INTERRUPT, aside->tid, 0, NULL))
		_exit(1);
	aside->ready = 1;
	pause_forever(NULL);
}

/*
 * The tracer dies while the tracee is on its way: that leaves no status behind, for the next
 * tracer or in /proc.
 */
TEST_F(waits, end_detach_no_status_left)
{
	static const char id[] = "end-detach";
	struct tracee *t = &self->t;
	const pid_t tid = t->tid[1];
	int round, status, open = 0;

	self->aside->tid = tid;
	for (round = 0; round < ROUNDS; round++) {
		self->aside->ready = 0;
		self->helper = spawn(trap_and_stay, self->aside);
		ASSERT_LT(0, self->helper);
		ASSERT_TRUE(wait_change(&self->aside->ready, 0));
		hold_unreaped(_metadata, self);
		EXPECT_LT(0, stat_exit_code(t->pid, tid));
		kill_and_reap(self->helper);
		self->helper = 0;

		EXPECT_EQ(0, stat_exit_code(t->pid, tid))
			TH_LOG("%s: /proc has exit code %#lx of a trap that is over", id,
			       stat_exit_code(t->pid, tid));
		ASSERT_EQ(0, sys_seize_notify(tid, 0));
		status = sys_wait(tid, WNOHANG);
		if (still_held(self)) {
			EXPECT_EQ(0, status);
			open++;
		}
		let_go(self);
		if (!status)
			ASSERT_STATUS(id, STOP_STATUS(SIGSTOP), tid);
		expect_state(_metadata, tid, SIGSTOP, id);
		ASSERT_EQ(0, kill(t->pid, SIGCONT));
		ASSERT_STATUS(id, STOP_STATUS(SIGTRAP), tid);
		ASSERT_PTRACE(id, PTRACE_DETACH, tid, 0);
		ASSERT_EQ(0, tracee_wait_running(t, 0));
		ASSERT_EQ(0, tracee_wait_running(t, 1));
	}
	EXPECT_LT(0, open)
		TH_LOG("%s: not tested, the tracee was never held up", id);
}

/* The same if execve() of another thread kills the tracee on its way. */
TEST_F(waits, end_kill_no_status_left)
{
	static const char id[] = "end-kill";
	struct tracee *t = &self->t;
	siginfo_t info;
	pid_t tid;
	long code;

	/* one whose other thread executes a program */
	tracee_end(t);
	tracee_start(_metadata, t, 2, TRACEE_PAUSE | TRACEE_BLOCK_CONT | TRACEE_EXEC_1ST);
	tid = t->tid[1];
	ASSERT_EQ(0, pin(tid, HOG_CPU));
	ASSERT_EQ(0, sys_seize_notify(tid, 0));
	ASSERT_PTRACE(id, PTRACE_INTERRUPT, tid, NULL);
	hold_unreaped(_metadata, self);
	EXPECT_LT(0, stat_exit_code(t->pid, tid));
	ASSERT_EQ(0, kill(t->pid, SIGCONT));
	__atomic_store_n(&t->page->go, 1, __ATOMIC_RELEASE);
	ASSERT_EQ(0, wait_task_state(t->pid, t->pid, "D"));
	code = stat_exit_code(t->pid, tid);
	if (!still_held(self))
		SKIP(return, "machine too busy to tell");
	EXPECT_EQ(0, code)
		TH_LOG("%s: /proc has exit code %#lx of a trap that is over", id, code);
	EXPECT_EQ(0, sys_waitid(tid, &info, WSTOPPED | WNOHANG | __WALL));
	EXPECT_EQ(0, info.si_pid)
		TH_LOG("%s: a wait finds the trap that is over", id);
	let_go(self);
	EXPECT_EQ(0, sys_waitid(tid, &info, WEXITED | __WALL));
	EXPECT_EQ(tid, info.si_pid);
}

/*
 * Detached from a group stop and seized again, before it is in TASK_STOPPED, the tracee
 * traps for the stop. It is told of no change, as there was none, and runs when resumed.
 */
TEST_F(waits, seize_stopped_again_at_once)
{
	static const char id[] = "seize-stopped";
	struct tracee *t = &self->t;
	const pid_t tid = t->tid[1];
	int round, open = 0;

	tracee_stop_untraced(_metadata, t, SIGSTOP);
	ASSERT_EQ(0, wait_task_state(t->pid, tid, "T"));
	ASSERT_EQ(0, sys_seize_notify(tid, 0));
	ASSERT_STATUS(id, STOP_STATUS(SIGSTOP), tid);
	for (round = 0; round < ROUNDS; round++) {
		hold_up(_metadata, self);
		ASSERT_PTRACE(id, PTRACE_DETACH, tid, 0);
		ASSERT_EQ(0, sys_seize_notify(tid, 0));
		open += still_held(self);
		let_go(self);
		ASSERT_STATUS(id, STOP_STATUS(SIGSTOP), tid);
		EXPECT_CAUSE(id, CAUSE_GROUP, tid);
		tracee_run(_metadata, t, 1, 0, id);
		/* back to where it was, to be detached again */
		trap_by_interrupt(_metadata, tid, SIGSTOP);
	}
	EXPECT_LT(0, open)
		TH_LOG("%s: not tested, the tracee was never held up", id);
}

TEST_HARNESS_MAIN
