// SPDX-License-Identifier: GPL-2.0
/*
 * What a tracer gets wrong, in notify mode: requests on what is not its tracee, or
 * not trapped, or dead, and pointers that lead nowhere. Nothing of that makes a
 * request succeed, or wait, or acknowledges a notification.
 */
#include "../kselftest_harness.h"
#include "old/group_stop_notify.h"

#include <sys/uio.h>

/* A request that needs a trapped tracee, or is new or changed in notify mode. */
struct request {
	const char *name;
	int request;
};

#define REQUEST(name)	{ #name, name }

static const struct request requests[] = {
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

/* Do @request with arguments that are good. Returns 0 or what errno is. */
static int try_request(int request, pid_t pid)
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

/* All requests on @pid fail with ESRCH, but for INTERRUPT: @interrupt. */
static void expect_errors(struct __test_metadata *_metadata, pid_t pid,
			  int interrupt, const char *what)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(requests); i++) {
		const bool is = requests[i].request == PTRACE_INTERRUPT;
		const int want = is ? interrupt : ESRCH;
		const int error = try_request(requests[i].request, pid);

		EXPECT_EQ(want, error)
			TH_LOG("%s on %s: %s, expected %s", requests[i].name, what,
			       strerror(error), strerror(want));
	}
}

FIXTURE(state) {
	struct tracee t;
};

FIXTURE_SETUP(state)
{
	if (lacks_notify_mode(_metadata))
		return;
	tracee_start(_metadata, &self->t, 1, TRACEE_COUNT | TRACEE_BLOCK_CONT);
}

FIXTURE_TEARDOWN(state)
{
	tracee_end(&self->t);
}

/* Fails if a request finds someone to serve it who is not our tracee. */
TEST_F(state, notify_hidden_not_a_tracee)
{
	const pid_t pid = self->t.pid;
	pid_t gone;
	int fds[2];
	char c;

	expect_errors(_metadata, pid, ESRCH, "a child that is not traced");
	expect_errors(_metadata, getpid(), ESRCH, "the tracer itself");
	expect_errors(_metadata, 0, ESRCH, "pid 0");
	expect_errors(_metadata, -1, ESRCH, "pid -1");
	expect_errors(_metadata, -pid, ESRCH, "a process group");

	gone = fork();
	ASSERT_LE(0, gone);
	if (!gone)
		_exit(1);
	ASSERT_EQ(1 << 8, sys_wait(gone, 0));
	expect_errors(_metadata, gone, ESRCH, "a process that is gone");

	/* our child traces the other one, in a STOP trap, and reports */
	ASSERT_EQ(0, pipe(fds));
	gone = fork();
	ASSERT_LE(0, gone);
	if (!gone) {
		c = !sys_seize_notify(pid, 0) &&
		    !sys_ptrace(PTRACE_INTERRUPT, pid, 0, NULL) &&
		    sys_wait(pid, 0) == STOP_STATUS(SIGTRAP);
		if (write(fds[1], &c, 1) == 1)
			pause_forever(NULL);
		_exit(1);
	}
	ASSERT_EQ(1, read(fds[0], &c, 1));
	EXPECT_EQ(1, c);
	EXPECT_EQ(0, kill(pid, SIGCONT));
	expect_errors(_metadata, pid, ESRCH, "a tracee of another tracer");
	kill_and_reap(gone);
	close(fds[0]);
	close(fds[1]);
}

/*
 * Fails if a request waits for, or is content with, a tracee that runs. It does
 * so under SIGCONT as well, which does not make a tracee look trapped before it
 * is.
 */
TEST_F(state, notify_hidden_not_trapped)
{
	static const char id[] = "notify-hidden";
	const pid_t pid = self->t.pid;
	unsigned int i;

	tracee_seize(_metadata, &self->t, 0, 0);
	for (i = 0; i < ARRAY_SIZE(requests); i++) {
		if (requests[i].request == PTRACE_INTERRUPT)
			continue;
		EXPECT_EQ(ESRCH, try_request(requests[i].request, pid))
			TH_LOG("%s on a tracee that runs", requests[i].name);
	}
	EXPECT_NO_STATUS(id, pid);

	/* nor with one that listens */
	trap_by_interrupt(_metadata, pid, 0);
	ASSERT_PTRACE(id, PTRACE_LISTEN, pid, 0);
	for (i = 0; i < ARRAY_SIZE(requests); i++) {
		if (requests[i].request == PTRACE_INTERRUPT)
			continue;
		EXPECT_EQ(ESRCH, try_request(requests[i].request, pid))
			TH_LOG("%s on a tracee that listens", requests[i].name);
	}
	EXPECT_NO_STATUS(id, pid);
}

/* Fails if a tracee that is dead can be asked for something, or waited for. */
TEST_F(state, end_kill_zombie)
{
	static const char id[] = "end-kill";
	const pid_t pid = self->t.pid;
	siginfo_t info;

	tracee_seize(_metadata, &self->t, 0, 0);
	trap_by_interrupt(_metadata, pid, 0);

	/* killed while it re-traps, or after that */
	ASSERT_EQ(0, kill(pid, SIGCONT));
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(0, sys_waitid(pid, &info, WEXITED | WNOWAIT | __WALL));
	EXPECT_EQ(CLD_KILLED, info.si_code)
		TH_LOG("%s: si_code %d", id, info.si_code);
	expect_errors(_metadata, pid, 0, "a zombie");
	ASSERT_EQ(0, kill(pid, SIGCONT));
	ASSERT_STATUS(id, SIGKILL, pid);
	expect_errors(_metadata, pid, ESRCH, "a tracee that has been reaped");
}

/*
 * Fails if a tracee that is about to exit can be made to listen, or to trap once
 * more: SIGCONT comes, and PTRACE_INTERRUPT.
 */
TEST_F(state, end_kill_dying)
{
	static const char id[] = "end-kill";
	const pid_t pid = self->t.pid;
	siginfo_t info;

	ASSERT_EQ(0, sys_seize_notify(pid, PTRACE_O_TRACEEXIT));
	ASSERT_EQ(0, kill(pid, SIGTERM));
	ASSERT_STATUS(id, SIGNAL_STATUS(SIGTERM), pid);
	ASSERT_PTRACE(id, PTRACE_CONT, pid, SIGTERM);
	ASSERT_STATUS(id, EVENT_STATUS(PTRACE_EVENT_EXIT), pid);

	EXPECT_PTRACE_ERROR(id, EIO, PTRACE_LISTEN, pid, 0, 0);
	ASSERT_EQ(0, kill(pid, SIGCONT));
	EXPECT_PTRACE_ERROR(id, 0, PTRACE_INTERRUPT, pid, 0, 0);
	EXPECT_NO_STATUS(id, pid);
	ASSERT_PTRACE(id, PTRACE_GETSIGINFO, pid, &info);
	EXPECT_EQ(SIGTRAP | PTRACE_EVENT_EXIT << 8, info.si_code);

	ASSERT_PTRACE(id, PTRACE_CONT, pid, 0);
	ASSERT_STATUS(id, SIGTERM, pid);
}

/* Fails if an attached tracee, not seized, gets any of notify mode. */
TEST_F(state, seize_plain_attached)
{
	static const char id[] = "seize-plain";
	const pid_t pid = self->t.pid;
	siginfo_t info;

	ASSERT_EQ(0, sys_ptrace(PTRACE_ATTACH, pid, 0, NULL));
	ASSERT_STATUS(id, SIGNAL_STATUS(SIGSTOP), pid);
	EXPECT_PTRACE_ERROR(id, EIO, PTRACE_INTERRUPT, pid, 0, 0);
	EXPECT_PTRACE_ERROR(id, EIO, PTRACE_LISTEN, pid, 0, 0);

	/* in a group stop there is no siginfo, and its end is not told */
	ASSERT_PTRACE(id, PTRACE_CONT, pid, SIGSTOP);
	ASSERT_STATUS(id, SIGNAL_STATUS(SIGSTOP), pid);
	EXPECT_PTRACE_ERROR(id, EINVAL, PTRACE_GETSIGINFO, pid, 0, &info);
	EXPECT_PTRACE_ERROR(id, EIO, PTRACE_LISTEN, pid, 0, 0);
	ASSERT_EQ(0, kill(pid, SIGCONT));
	EXPECT_NO_STATUS(id, pid);
	EXPECT_CAUSE(id, 0ul, pid);
	tracee_run(_metadata, &self->t, 0, 0, id);
}

/* Fails if LISTEN is let through in another trap, or twice. */
TEST_F(state, notify_listen_errors)
{
	static const char id[] = "notify-listen";
	const pid_t pid = self->t.pid;

	tracee_seize(_metadata, &self->t, 0, 0);
	ASSERT_EQ(0, kill(pid, SIGUSR1));
	ASSERT_STATUS(id, SIGNAL_STATUS(SIGUSR1), pid);
	EXPECT_PTRACE_ERROR(id, EIO, PTRACE_LISTEN, pid, 0, 0);

	ASSERT_PTRACE(id, PTRACE_INTERRUPT, pid, 0);
	ASSERT_PTRACE(id, PTRACE_CONT, pid, 0);
	ASSERT_STATUS(id, STOP_STATUS(SIGTRAP), pid);
	EXPECT_PTRACE_ERROR(id, 0, PTRACE_LISTEN, pid, 0, 0);
	EXPECT_PTRACE_ERROR(id, ESRCH, PTRACE_LISTEN, pid, 0, 0);
	EXPECT_NO_STATUS(id, pid);
}

FIXTURE(pointer) {
	struct tracee t;
	char *pages;		/* good, unmapped, read-only, no access */
	size_t size;		/* of each */
};

FIXTURE_SETUP(pointer)
{
	if (lacks_notify_mode(_metadata))
		return;
	self->size = getpagesize();
	self->pages = mmap(NULL, 4 * self->size, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_FALSE((void *)self->pages == MAP_FAILED);
	ASSERT_EQ(0, mprotect(self->pages + 2 * self->size, self->size,
			      PROT_READ));
	ASSERT_EQ(0, mprotect(self->pages + 3 * self->size, self->size,
			      PROT_NONE));

	tracee_start(_metadata, &self->t, 1, TRACEE_COUNT | TRACEE_BLOCK_CONT);
	tracee_seize(_metadata, &self->t, 0, 0);
	tracee_stop(_metadata, &self->t, 0, SIGSTOP);
	ASSERT_STATUS("notify-change", STOP_STATUS(SIGSTOP), self->t.pid);

	/* last, or something else might be mapped there */
	ASSERT_EQ(0, munmap(self->pages + self->size, self->size));
}

FIXTURE_TEARDOWN(pointer)
{
	tracee_end(&self->t);
}

/*
 * PTRACE_GETSIGINFO to @addr fails with EFAULT. The notification that is pending
 * still is: the tracee traps again at once, and has not been in user space.
 */
static void expect_fault(struct __test_metadata *_metadata, struct tracee *t,
			 const void *addr, int stop_sig)
{
	static const char id[] = "notify-ack";
	const unsigned long count = tracee_count(t, 0);

	EXPECT_PTRACE_ERROR(id, EFAULT, PTRACE_GETSIGINFO, t->pid, 0, addr);
	ASSERT_PTRACE(id, PTRACE_CONT, t->pid, 0);
	ASSERT_STATUS(id, STOP_STATUS(stop_sig ? stop_sig : SIGTRAP), t->pid);
	EXPECT_CAUSE(id, CAUSE_NOTIFY, t->pid);
	expect_no_step(_metadata, t, 0, count, id);
}

/* Fails if a copy that faults, from its first byte on, acknowledges. */
TEST_F(pointer, notify_ack_bad_address)
{
	const void *const bad[] = {
		NULL, (void *)1, (void *)-1, (void *)(-4096ul),
		self->pages + self->size,		/* unmapped */
		self->pages + 2 * self->size,		/* read-only */
		self->pages + 3 * self->size,		/* no access */
	};
	static const char id[] = "notify-ack";
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		expect_fault(_metadata, &self->t, bad[i], SIGSTOP);

	/* the change that comes meanwhile is told, too */
	ASSERT_EQ(0, kill(self->t.pid, SIGCONT));
	ASSERT_STATUS(id, STOP_STATUS(SIGTRAP), self->t.pid);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		expect_fault(_metadata, &self->t, bad[i], 0);
	expect_state(_metadata, self->t.pid, 0, id);
	tracee_run(_metadata, &self->t, 0, 0, id);
}

/*
 * Fails if a copy that faults halfway acknowledges: after the part that the
 * kernel fills in, in the zeros that follow, or before si_status, which is copied
 * on its own for a 32-bit tracer.
 */
TEST_F(pointer, notify_ack_page_crossing)
{
	static const char id[] = "notify-ack";
	char *const end = self->pages + self->size;
	unsigned int there;

	for (there = 4; there < sizeof(siginfo_t); there += 4)
		expect_fault(_metadata, &self->t, end - there, SIGSTOP);
	expect_fault(_metadata, &self->t, end - sizeof(siginfo_t) + 1, SIGSTOP);

	/* where it just fits it is well */
	EXPECT_PTRACE_ERROR(id, 0, PTRACE_GETSIGINFO, self->t.pid, 0,
			    end - sizeof(siginfo_t));
	tracee_run(_metadata, &self->t, 0, 0, id);
}

/* Fails if a bad pointer empties the mask of causes, or changes the siginfo. */
TEST_F(pointer, notify_cause_bad_address)
{
	const void *const bad[] = {
		NULL, (void *)-1, self->pages + self->size,
		self->pages + self->size - 1,		/* crosses */
		self->pages + 3 * self->size,
	};
	static const char id[] = "notify-cause";
	const pid_t pid = self->t.pid;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_PTRACE_ERROR(id, EFAULT, PTRACE_GETEVENTMSG, pid, 0, bad[i]);
		EXPECT_PTRACE_ERROR(id, EFAULT, PTRACE_SETSIGINFO, pid, 0, bad[i]);
		EXPECT_CAUSE(id, CAUSE_GROUP | CAUSE_NOTIFY, pid);
	}
	EXPECT_PTRACE_ERROR(id, EFAULT, PTRACE_GETEVENTMSG, pid, 0,
			    self->pages + 2 * self->size);

	/* none of that has acknowledged */
	ASSERT_PTRACE(id, PTRACE_CONT, pid, 0);
	ASSERT_STATUS(id, STOP_STATUS(SIGSTOP), pid);
	expect_state(_metadata, pid, SIGSTOP, id);
}

TEST_HARNESS_MAIN
