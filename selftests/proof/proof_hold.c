// SPDX-License-Identifier: GPL-2.0
/*
 * Group stop notification while a ptrace request is inside the kernel, where userfaultfd(2)
 * holds it: what gstop_hold does with one request, here with each that can be held, with
 * many changes, and with the request ending with EFAULT.
 */
#include "group_stop_tracee.h"
#include "group_stop_hold.h"

#include <sys/uio.h>

#ifndef PTRACE_GET_SYSCALL_INFO
#define PTRACE_GET_SYSCALL_INFO		0x420e
#endif

/* Let go who sleeps on @page; the access fails with EFAULT. Returns 0, or -1 with errno. */
static int hold_fail(struct held_page *page)
{
	struct uffdio_range range = {
		.start = (unsigned long)page->addr,
		.len = getpagesize(),
	};

	if (mprotect(page->addr, getpagesize(), PROT_NONE))
		return -1;
	return ioctl(page->fd, UFFDIO_WAKE, &range);
}

/* A tracee in a STOP trap, whose mate makes the group stops. Its status is reaped. */
FIXTURE(hold) {
	struct tracee t;
	struct held_page page;
	long request;
	int changes;		/* while the request is held: a start, an end, ... */
	int status;		/* that of the tracee then: 0, or one that is not reaped */
	bool kill;		/* ... and then SIGKILL */
	bool fail;		/* have the request end with EFAULT */
};

FIXTURE_VARIANT(hold) {
	long request;
};

FIXTURE_VARIANT_ADD(hold, getsiginfo) { .request = PTRACE_GETSIGINFO };
FIXTURE_VARIANT_ADD(hold, setsiginfo) { .request = PTRACE_SETSIGINFO };
FIXTURE_VARIANT_ADD(hold, peeksiginfo) { .request = PTRACE_PEEKSIGINFO };
FIXTURE_VARIANT_ADD(hold, getsigmask) { .request = PTRACE_GETSIGMASK };
FIXTURE_VARIANT_ADD(hold, geteventmsg) { .request = PTRACE_GETEVENTMSG };
FIXTURE_VARIANT_ADD(hold, getregset) { .request = PTRACE_GETREGSET };
FIXTURE_VARIANT_ADD(hold, peekdata) { .request = PTRACE_PEEKDATA };
FIXTURE_VARIANT_ADD(hold, syscall_info) { .request = PTRACE_GET_SYSCALL_INFO };

FIXTURE_SETUP(hold)
{
	NEED_NOTIFY_MODE();
	NEED_HELD_PAGE(&self->page);
	self->request = variant->request;
	tracee_start_seized(&self->t, 1, TRACEE_COUNT | TRACEE_MATE);
	interrupt_all(&self->t, 0);
}

FIXTURE_TEARDOWN(hold)
{
	tracee_end(&self->t);
}

/* For hold_call(): make the changes. The tracee stays put, and so does its wait status. */
static void change(void *arg)
{
	FIXTURE_DATA(hold) * self = arg;
	struct tracee *t = &self->t;
	struct __test_metadata *_metadata = t->test;
	int i;

	for (i = 0; i < self->changes; i++) {
		if (i % 2) {
			EXPECT_EQ(0, kill(t->pid, SIGCONT));
		} else {
			EXPECT_EQ(0, sys_tgkill(t->pid, t->tid[t->nr], SIGSTOP));
			EXPECT_THREAD_STATE('T', t->tid[t->nr]);
		}
		EXPECT_EQ('t', task_state(t->pid));
		EXPECT_EQ(self->status, peek_status(t->pid));
	}
	if (self->kill)
		EXPECT_EQ(0, kill(t->pid, SIGKILL));
	if (self->fail)
		EXPECT_EQ(0, hold_fail(&self->page));
}

/* Have the request held until the changes are made. Returns 0, or its error. */
static int hold(FIXTURE_DATA(hold) * self, int changes)
{
	struct __test_metadata *_metadata = self->t.test;
	struct iovec iov = { .iov_base = self->page.addr, .iov_len = getpagesize() };
	void *data = self->page.addr;
	unsigned long addr = 0;
	siginfo_t info;
	int error;

	switch (self->request) {
	case PTRACE_GETREGSET:
		addr = 1;	/* NT_PRSTATUS */
		data = &iov;
		break;
	case PTRACE_PEEKSIGINFO:
		addr = (unsigned long)self->page.addr;
		data = &info;
		break;
	case PTRACE_PEEKDATA:
		addr = (unsigned long)self->t.page;
		break;
	case PTRACE_GETSIGMASK:
		addr = 8;
		break;
	case PTRACE_GET_SYSCALL_INFO:
		addr = 64;
		break;
	}

	self->changes = changes;
	hold_call(&self->page, change, self);
	error = sys_ptrace(self->request, self->t.pid, addr, data) < 0 ? errno : 0;
	ASSERT_EQ(0, hold_end(&self->page))
		TH_LOG("request %#lx was not held", self->request);
	ASSERT_EQ(0, hold_create(&self->page));
	return error;
}

/* The signal of the group stop that is in effect after @changes, or 0. */
static int sig_after(int changes)
{
	return changes % 2 ? SIGSTOP : 0;
}

/* The tracee is in the re-trap for @changes, and knows of no other. None is pending after. */
static void expect_retrap(FIXTURE_DATA(hold) * self, int changes)
{
	struct tracee *t = &self->t;
	struct __test_metadata *_metadata = t->test;
	const int sig = sig_after(changes);

	ASSERT_EQ(0, settle(t->pid));
	EXPECT_EQ(STOP_STATUS(sig ? sig : SIGTRAP), peek_status(t->pid));
	EXPECT_EQ(STOP_STATUS(sig ? sig : SIGTRAP), sys_wait(t->pid, WNOHANG));
	ack(t, 0, sig);
	EXPECT_NO_STATUS(t->pid);
	EXPECT_NO_STEP(t);
	if (sig) {
		/* another round begins outside of a group stop, with nothing pending */
		cont_all(t);
		ack(t, 0, 0);
	}
}

/* Any request keeps the tracee where it is, and a request waits for the re-trap after it. */
TEST_F(hold, notify_deferred_every_request)
{
	int changes;

	for (changes = 1; changes <= 3; changes++) {
		ASSERT_EQ(0, hold(self, changes));
		expect_retrap(self, changes);
	}
	run_all(&self->t);
}

/* A status that was not reaped before the request stays until the re-trap has its own. */
TEST_F(hold, notify_hidden_unreaped_over_request)
{
	struct tracee *t = &self->t;

	run_all(t);
	ASSERT_PTRACE(PTRACE_INTERRUPT, t->pid, 0);
	ASSERT_TRUE(wait_until(peek_status(t->pid) > 0));
	self->status = STOP_STATUS(SIGTRAP);
	t->mark[0] = tracee_count(t, 0);
	ASSERT_EQ(0, hold(self, 1));
	expect_retrap(self, 1);
}

/* A tracee that is killed while its re-trap is put off dies. */
TEST_F(hold, end_kill_every_request)
{
	self->kill = true;
	hold(self, 1);
	EXPECT_NO_STEP(&self->t);
	ASSERT_STATUS(SIGKILL, self->t.pid);
}

/* A request that fails acknowledges nothing: what was pending before, nor the change. */
TEST_F(hold, notify_ack_every_request_and_efault)
{
	static const int changes[] = { 0, 1, 2, 7 };
	struct tracee *t = &self->t;
	unsigned int i, pending;

	self->fail = true;
	for (i = 0; i < 2 * ARRAY_SIZE(changes); i++) {
		const int nr = changes[i / 2], sig = sig_after(nr);

		pending = i % 2;
		if (pending)
			cont_all(t);
		ASSERT_EQ(EFAULT, hold(self, nr));
		if (!nr && !pending)
			continue;
		if (nr)
			ASSERT_STATUS(STOP_STATUS(sig ? sig : SIGTRAP), t->pid);
		ASSERT_PTRACE(PTRACE_CONT, t->pid, 0);
		ASSERT_TRUE(wait_until(peek_status(t->pid)));
		expect_retrap(self, nr);
	}
	run_all(t);
}

/* The same with PTRACE_GETSIGINFO alone, and no EFAULT: see gstop_hold. */
FIXTURE(ack) {
	FIXTURE_DATA(hold) hold;
};

FIXTURE_SETUP(ack)
{
	NEED_NOTIFY_MODE();
	NEED_HELD_PAGE(&self->hold.page);
	self->hold.request = PTRACE_GETSIGINFO;
	tracee_start_seized(&self->hold.t, 1, TRACEE_COUNT | TRACEE_MATE);
	interrupt_all(&self->hold.t, 0);
}

FIXTURE_TEARDOWN(ack)
{
	tracee_end(&self->hold.t);
}

/* With no change it acknowledges what was pending; of many changes it acknowledges none. */
TEST_F(ack, notify_ack_none_and_many_changes)
{
	struct tracee *t = &self->hold.t;
	int pending;

	for (pending = 0; pending < 2; pending++) {
		if (pending)
			cont_all(t);
		ASSERT_EQ(0, hold(&self->hold, 0));
		EXPECT_NO_STATUS(t->pid);
		EXPECT_NO_STEP(t);
		run_all(t);
		interrupt_all(t, 0);

		if (pending)
			cont_all(t);
		ASSERT_EQ(0, hold(&self->hold, 7));
		ASSERT_PTRACE(PTRACE_CONT, t->pid, 0);
		ASSERT_TRUE(wait_until(peek_status(t->pid)));
		expect_retrap(&self->hold, 7);
	}
}

TEST_HARNESS_MAIN
