// SPDX-License-Identifier: GPL-2.0
/*
 * What a tracer gets wrong, in notify mode: each request on what is not its tracee, or not
 * trapped, or dead, and pointers that lead nowhere. No such request succeeds, or waits, or
 * acknowledges a notification. And what a tracee may try: a signal that looks like a trap.
 */
#include "group_stop_tracee.h"

#include <sys/uio.h>

/* The requests that need a trapped tracee, or are new or changed in notify mode. */
static const struct {
	const char *name;
	long request;
} requests[] = {
#define REQUEST(name)	{ #name, name }
	REQUEST(PTRACE_GETSIGINFO),
	REQUEST(PTRACE_SETSIGINFO),
	REQUEST(PTRACE_GETEVENTMSG),
	REQUEST(PTRACE_LISTEN),
	REQUEST(PTRACE_CONT),
	REQUEST(PTRACE_SYSCALL),
	REQUEST(PTRACE_SINGLESTEP),
	REQUEST(PTRACE_DETACH),
	REQUEST(PTRACE_SETOPTIONS),
	REQUEST(PTRACE_PEEKDATA),
	REQUEST(PTRACE_GETREGSET),
	REQUEST(PTRACE_GETSIGMASK),
	REQUEST(PTRACE_GET_SYSCALL_INFO),
	REQUEST(PTRACE_INTERRUPT),
};

/* Do @request with arguments that are good. Returns 0 or the error. */
static int try_request(long request, pid_t pid)
{
	static char buf[4096];
	struct iovec iov = { .iov_base = buf, .iov_len = sizeof(buf) };
	unsigned long addr = 0;
	void *data = buf;

	memset(buf, 0, sizeof(buf));
	switch (request) {
	case PTRACE_CONT:
	case PTRACE_SYSCALL:
	case PTRACE_SINGLESTEP:
	case PTRACE_DETACH:
	case PTRACE_SETOPTIONS:
		data = NULL;
		break;
	case PTRACE_PEEKDATA:
		addr = (unsigned long)buf;
		break;
	case PTRACE_GETREGSET:
		addr = 1;	/* NT_PRSTATUS */
		data = &iov;
		break;
	case PTRACE_GETSIGMASK:
		addr = 8;
		break;
	case PTRACE_GET_SYSCALL_INFO:
		addr = 64;
		break;
	}
	return sys_ptrace(request, pid, addr, data) < 0 ? errno : 0;
}

/* All requests on @pid fail with ESRCH, but for PTRACE_INTERRUPT: @interrupt; -1: not tried. */
static void expect_errors(struct __test_metadata *_metadata, pid_t pid, int interrupt,
			  const char *what)
{
	unsigned int i;
	int want, error;

	for (i = 0; i < ARRAY_SIZE(requests); i++) {
		want = requests[i].request == PTRACE_INTERRUPT ? interrupt : ESRCH;
		if (want < 0)
			continue;
		error = try_request(requests[i].request, pid);
		EXPECT_EQ(want, error)
			TH_LOG("%s on %s: %s, expected %s", requests[i].name, what,
			       strerror(error), strerror(want));
	}
}

TRACEE_FIXTURE(errors)

FIXTURE_SETUP(errors)
{
	NEED_NOTIFY_MODE();
	tracee_start(&self->t, 1, TRACEE_COUNT);
}

struct rival {
	pid_t pid;
	int ready;
};

/* A process that has the tracee in a STOP trap itself, and stays. */
static void rival_main(void *arg)
{
	const struct rival *rival = arg;
	const char error = sys_seize_notify(rival->pid, 0) ||
			   sys_ptrace(PTRACE_INTERRUPT, rival->pid, 0, NULL) ||
			   sys_wait(rival->pid, 0) != STOP_STATUS(SIGTRAP);

	if (write(rival->ready, &error, 1) == 1)
		pause_forever(NULL);
}

/* A request on what is not the caller's tracee is ESRCH. */
TEST_F(errors, notify_hidden_not_a_tracee)
{
	const pid_t pid = self->t.pid, gone = spawn(pause_forever, NULL);
	struct rival rival = { .pid = pid };
	char error;
	int ready[2];
	pid_t other;

	ASSERT_LT(0, gone);
	kill_and_reap(gone);
	expect_errors(_metadata, pid, ESRCH, "a child that is not traced");
	expect_errors(_metadata, getpid(), ESRCH, "the tracer itself");
	expect_errors(_metadata, 0, ESRCH, "pid 0");
	expect_errors(_metadata, -1, ESRCH, "pid -1");
	expect_errors(_metadata, -pid, ESRCH, "a process group");
	expect_errors(_metadata, gone, ESRCH, "a process that is gone");

	ASSERT_EQ(0, pipe(ready));
	rival.ready = ready[1];
	other = spawn(rival_main, &rival);
	ASSERT_LT(0, other);
	ASSERT_EQ(1, read(ready[0], &error, 1));
	EXPECT_EQ(0, error);
	EXPECT_EQ(0, kill(pid, SIGCONT));
	expect_errors(_metadata, pid, ESRCH, "a tracee of another tracer");
	kill_and_reap(other);
}

/* A request on a tracee that runs, or listens, is ESRCH. */
TEST_F(errors, notify_hidden_not_trapped)
{
	struct tracee *t = &self->t;

	seize_all(t, PTRACE_SEIZE_DEVEL);
	expect_errors(_metadata, t->pid, -1, "a tracee that runs");
	EXPECT_NO_STATUS(t->pid);

	interrupt_all(t, 0);
	listen_all(t);
	expect_errors(_metadata, t->pid, -1, "a tracee that listens");
	EXPECT_NO_STATUS(t->pid);
}

/* A dead tracee can be waited for, once. Killed while it re-traps it is as dead. */
TEST_F(errors, end_kill_zombie)
{
	struct tracee *t = &self->t;
	siginfo_t info;

	seize_all(t, PTRACE_SEIZE_DEVEL);
	interrupt_all(t, 0);

	ASSERT_EQ(0, kill(t->pid, SIGCONT));
	ASSERT_EQ(0, kill(t->pid, SIGKILL));
	ASSERT_EQ(0, sys_waitid(t->pid, &info, WEXITED | WNOWAIT | __WALL));
	EXPECT_EQ(CLD_KILLED, info.si_code);
	expect_errors(_metadata, t->pid, 0, "a zombie");
	ASSERT_EQ(0, kill(t->pid, SIGCONT));
	ASSERT_STATUS(SIGKILL, t->pid);
	expect_errors(_metadata, t->pid, ESRCH, "a tracee that has been reaped");
	t->pid = 0;
}

/* A tracee in its exit trap does not listen, and does not trap again. */
TEST_F(errors, end_kill_dying)
{
	struct tracee *t = &self->t;
	siginfo_t info;

	seize_all(t, PTRACE_SEIZE_DEVEL | PTRACE_O_TRACEEXIT);
	ASSERT_EQ(0, kill(t->pid, SIGTERM));
	ASSERT_STATUS(SIGNAL_STATUS(SIGTERM), t->pid);
	ASSERT_PTRACE(PTRACE_CONT, t->pid, SIGTERM);
	ASSERT_STATUS(EVENT_STATUS(PTRACE_EVENT_EXIT), t->pid);

	EXPECT_PTRACE_ERROR(EIO, PTRACE_LISTEN, t->pid, 0, 0);
	ASSERT_EQ(0, kill(t->pid, SIGCONT));
	EXPECT_PTRACE_ERROR(0, PTRACE_INTERRUPT, t->pid, 0, 0);
	ASSERT_EQ(0, settle(t->pid));
	EXPECT_NO_STATUS(t->pid);
	ASSERT_PTRACE(PTRACE_GETSIGINFO, t->pid, &info);
	EXPECT_EQ(SIGTRAP | PTRACE_EVENT_EXIT << 8, info.si_code);

	ASSERT_PTRACE(PTRACE_CONT, t->pid, 0);
	ASSERT_STATUS(SIGTERM, t->pid);
	t->pid = 0;
}

/* For spawn(): queue a signal for ourselves which looks like a STOP trap. */
static void send_forged_signal(void *arg)
{
	siginfo_t *info = arg;

	/* the test has seized us when it lets us go on */
	raise(SIGSTOP);
	info->si_pid = getpid();
	syscall(SYS_rt_tgsigqueueinfo, getpid(), getpid(), info->si_signo, info);
	pause_forever(NULL);
}

/*
 * A signal-delivery-stop whose siginfo the tracee has forged is no STOP trap: there is no
 * listening, no re-trap, no live state, and nothing is acknowledged.
 */
TEST(notify_forged_by_tracee)
{
	struct tracee t = { .test = _metadata, .nr = 1 };
	siginfo_t seen, info;

	NEED_NOTIFY_MODE();
	memset(&info, 0, sizeof(info));
	info.si_signo = SIGTRAP;
	info.si_code = SIGTRAP | PTRACE_EVENT_STOP << 8;
	info.si_uid = 5678;
	t.pid = t.tid[0] = spawn(send_forged_signal, &info);
	ASSERT_LT(0, t.pid);
	EXPECT_THREAD_STATE('T', t.pid);
	seize_all(&t, PTRACE_SEIZE_DEVEL);
	ASSERT_STATUS(STOP_STATUS(SIGSTOP), t.pid);
	ASSERT_EQ(0, kill(t.pid, SIGCONT));
	ASSERT_STATUS(STOP_STATUS(SIGTRAP), t.pid);
	ack(&t, 0, 0);
	ASSERT_PTRACE(PTRACE_CONT, t.pid, 0);
	ASSERT_STATUS(SIGNAL_STATUS(SIGCONT), t.pid);
	ASSERT_PTRACE(PTRACE_CONT, t.pid, 0);

	ASSERT_STATUS(SIGNAL_STATUS(SIGTRAP), t.pid);
	EXPECT_PTRACE_ERROR(EIO, PTRACE_LISTEN, t.pid, 0, 0);
	ASSERT_EQ(0, kill(t.pid, SIGCONT));
	ASSERT_EQ(0, settle(t.pid));
	EXPECT_NO_STATUS(t.pid);
	info.si_pid = t.pid;
	ASSERT_PTRACE(PTRACE_GETSIGINFO, t.pid, &seen);
	EXPECT_EQ(info.si_signo, seen.si_signo);
	EXPECT_EQ(info.si_code, seen.si_code);
	EXPECT_EQ(info.si_pid, seen.si_pid);
	EXPECT_EQ(info.si_uid, seen.si_uid);
	EXPECT_CAUSE(0, t.pid);

	ASSERT_PTRACE(PTRACE_CONT, t.pid, 0);
	ASSERT_STATUS(STOP_STATUS(SIGTRAP), t.pid);
	EXPECT_CAUSE(CAUSE_NOTIFY, t.pid);
	kill_and_reap(t.pid);
}

FIXTURE(pointer) {
	struct tracee t;
	char *pages;		/* good, not mapped, read-only, no access */
	size_t size;		/* of each */
};

FIXTURE_SETUP(pointer)
{
	NEED_NOTIFY_MODE();
	self->size = getpagesize();
	self->pages = mmap(NULL, 4 * self->size, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_FALSE((void *)self->pages == MAP_FAILED);
	ASSERT_EQ(0, mprotect(self->pages + 2 * self->size, self->size, PROT_READ));
	ASSERT_EQ(0, mprotect(self->pages + 3 * self->size, self->size, PROT_NONE));

	tracee_start_seized(&self->t, 1, TRACEE_COUNT);
	stop_all(&self->t, SIGSTOP);

	/* last, or something else might be mapped there */
	ASSERT_EQ(0, munmap(self->pages + self->size, self->size));
}

FIXTURE_TEARDOWN(pointer)
{
	tracee_end(&self->t);
}

/*
 * PTRACE_GETSIGINFO to @addr fails with EFAULT. The notification that is pending still is:
 * resumed the tracee traps again at once.
 */
static void expect_fault(struct tracee *t, const void *addr, int sig)
{
	struct __test_metadata *_metadata = t->test;

	EXPECT_PTRACE_ERROR(EFAULT, PTRACE_GETSIGINFO, t->pid, 0, addr);
	ASSERT_PTRACE(PTRACE_CONT, t->pid, 0);
	ASSERT_STATUS(STOP_STATUS(sig), t->pid);
	EXPECT_CAUSE(CAUSE_NOTIFY, t->pid);
	EXPECT_NO_STEP(t);
}

/* A copy that faults acknowledges nothing, and the next change is reported as well. */
TEST_F(pointer, notify_ack_bad_address)
{
	const void *const bad[] = {
		NULL, (void *)1, (void *)-1, (void *)-4096UL,
		self->pages + self->size,
		self->pages + 2 * self->size,
		self->pages + 3 * self->size,
	};
	struct tracee *t = &self->t;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		expect_fault(t, bad[i], SIGSTOP);
	cont_all(t);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		expect_fault(t, bad[i], SIGTRAP);
	ack(t, 0, 0);
	run_all(t);
}

/*
 * Nor does a copy that faults halfway: after the part that the kernel fills in, in the
 * zeros that follow, or before si_status, which a 32-bit tracer gets by a copy of its own.
 */
TEST_F(pointer, notify_ack_page_crossing)
{
	struct tracee *t = &self->t;
	char *const end = self->pages + self->size;
	unsigned int there;

	for (there = 4; there < sizeof(siginfo_t); there += 4)
		expect_fault(t, end - there, SIGSTOP);
	expect_fault(t, end - sizeof(siginfo_t) + 1, SIGSTOP);

	EXPECT_PTRACE_ERROR(0, PTRACE_GETSIGINFO, t->pid, 0, end - sizeof(siginfo_t));
	run_all(t);
}

/* A bad pointer empties no mask of causes, changes no siginfo, and acknowledges nothing. */
TEST_F(pointer, notify_cause_bad_address)
{
	const void *const bad[] = {
		NULL, (void *)-1, self->pages + self->size,
		self->pages + self->size - 1,		/* crosses */
		self->pages + 3 * self->size,
	};
	struct tracee *t = &self->t;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_PTRACE_ERROR(EFAULT, PTRACE_GETEVENTMSG, t->pid, 0, bad[i]);
		EXPECT_PTRACE_ERROR(EFAULT, PTRACE_SETSIGINFO, t->pid, 0, bad[i]);
		EXPECT_CAUSE(CAUSE_GROUP | CAUSE_NOTIFY, t->pid);
	}
	EXPECT_PTRACE_ERROR(EFAULT, PTRACE_GETEVENTMSG, t->pid, 0, self->pages + 2 * self->size);

	ASSERT_PTRACE(PTRACE_CONT, t->pid, 0);
	ASSERT_STATUS(STOP_STATUS(SIGSTOP), t->pid);
	ack(t, 0, SIGSTOP);
	run_all(t);
}

TRACEE_FIXTURE(stopped)

FIXTURE_SETUP(stopped)
{
	NEED_NOTIFY_MODE();
	tracee_start_seized(&self->t, 3, TRACEE_COUNT);
}

/* No other request acknowledges. */
TEST_F(stopped, notify_sticky_over_other_requests)
{
	struct __ptrace_peeksiginfo_args peek = { .nr = 1 };
	siginfo_t info = { .si_signo = SIGTRAP };
	struct tracee *t = &self->t;
	unsigned long msg;
	sigset_t mask;
	int i;

	stop_all(t, SIGSTOP);
	for_each_thread_of(t, i) {
		ASSERT_PTRACE(PTRACE_SETSIGINFO, t->tid[i], &info);
		ASSERT_PTRACE(PTRACE_SETOPTIONS, t->tid[i], 0);
		ASSERT_PTRACE(PTRACE_GETEVENTMSG, t->tid[i], &msg);
		ASSERT_EQ(0, sys_ptrace(PTRACE_GETSIGMASK, t->tid[i], 8, &mask));
		ASSERT_EQ(0, sys_ptrace(PTRACE_SETSIGMASK, t->tid[i], 8, &mask));
		ASSERT_LE(0, sys_ptrace(PTRACE_PEEKSIGINFO, t->tid[i], (unsigned long)&peek,
					&info));
		ASSERT_PTRACE(PTRACE_CONT, t->tid[i], 0);
		ASSERT_TRAP(STOP_STATUS(SIGSTOP), t, i);
	}
	ack_all(t, SIGSTOP);
	run_all(t);
}

TEST_HARNESS_MAIN
