// SPDX-License-Identifier: GPL-2.0
/*
 * Changes of the group stop state while a ptrace request is in the kernel, held
 * there by a page that userfaultfd(2) keeps away: the request has frozen the
 * tracee, and is stuck in its copy to or from the tracer. That opens, for as long
 * as a test likes, the window between reading the state and acknowledging it,
 * and the one in which a re-trap has to be deferred.
 *
 * The tracee has two threads that count. Number 0 is not traced and makes the
 * group stops; number 1 is, in a STOP trap, and must not move.
 */
#include "../kselftest_harness.h"
#include "old/group_stop_notify.h"
#include "old/group_stop_uffd.h"

#include <sys/uio.h>

#define WATCH_MS	10	/* for what must not happen */

/* What happens while a request is held, and what is seen then. */
struct scene {
	struct tracee *t;
	struct held_page page;
	int changes;		/* stop, continue, stop, ... */
	bool reaped;		/* there is no wait status yet */
	bool kill;		/* SIGKILL after the changes */
	bool fail;		/* have the request end with EFAULT */

	bool failed;		/* could not do that */
	int status;		/* wait status seen, and not expected */
	char state;		/* last task state that is not 't' */
	bool ran;
};

/* For uffd_on_fault(): make the changes, and watch the tracee stay put. */
static void make_changes(void *arg)
{
	struct scene *scene = arg;
	struct tracee *t = scene->t;
	const unsigned long count = tracee_count(t, 1);
	const long long end = now_ms() + WATCH_MS;
	int change;
	char state;

	for (change = 0; change < scene->changes; change++) {
		if (change & 1) {
			scene->failed |= !!kill(t->pid, SIGCONT);
			continue;
		}
		scene->failed |= !!sys_tgkill(t->pid, t->pid, SIGSTOP);
		scene->failed |= !!wait_task_state(t->pid, t->pid, "T");
	}

	do {
		if (scene->reaped)
			scene->status |= peek_stop(t->tid[1]);
		state = task_state(t->pid, t->tid[1]);
		if (state != 't')
			scene->state = state;
		usleep(500);
	} while (now_ms() < end);
	scene->ran = tracee_count(t, 1) != count;

	if (scene->kill)
		scene->failed |= !!kill(t->pid, SIGKILL);

	if (scene->fail)
		scene->failed |= !!uffd_fail(&scene->page);
}

/* The scene went as planned, and the tracee stayed where it was. */
static void expect_stayed_put(struct __test_metadata *_metadata,
			      const struct scene *scene, const char *id)
{
	ASSERT_FALSE(scene->failed)
		TH_LOG("could not change the group stop state");
	EXPECT_EQ(0, scene->status)
		TH_LOG("%s: wait status %#x before the request is done", id,
		       scene->status);
	EXPECT_EQ(0, scene->state)
		TH_LOG("%s: state '%c' during the request, not 't'", id,
		       scene->state);
	EXPECT_FALSE(scene->ran)
		TH_LOG("%s: the tracee ran during the request", id);
}

/* The signal of the stop that is in effect after that many changes, or 0. */
static int state_after(int changes)
{
	return changes & 1 ? SIGSTOP : 0;
}

/*
 * Do @request, held in the kernel until @scene is over. Returns what it does, -1
 * and @error is its errno.
 */
static long held_request(struct __test_metadata *_metadata, struct scene *scene,
			 int request, int *error)
{
	const pid_t tid = scene->t->tid[1];
	struct iovec iov = { .iov_base = scene->page.addr, .iov_len = 4096 };
	void *data = scene->page.addr;
	unsigned long addr = 0;
	siginfo_t info;
	long ret;

	switch (request) {
	case PTRACE_GETREGSET:
		addr = 1;	/* NT_PRSTATUS */
		data = &iov;
		break;
	case PTRACE_PEEKSIGINFO:
		addr = (unsigned long)scene->page.addr;
		data = &info;
		break;
	case PTRACE_PEEKDATA:
		addr = (unsigned long)scene->t->page;
		break;
	case PTRACE_GETSIGMASK:
		addr = 8;
		break;
	case PTRACE_GET_SYSCALL_INFO:
		addr = 64;
		break;
	}

	ASSERT_EQ(0, uffd_on_fault(&scene->page, make_changes, scene));
	ret = sys_ptrace(request, tid, addr, data);
	*error = ret < 0 ? errno : 0;
	ASSERT_EQ(0, uffd_join(&scene->page))
		TH_LOG("request %#x was not held: %s", request, strerror(errno));
	return ret;
}

FIXTURE(held) {
	struct tracee t;
	struct scene scene;
};

FIXTURE_VARIANT(held) {
	int request;
};

FIXTURE_VARIANT_ADD(held, getsiginfo) { .request = PTRACE_GETSIGINFO };
FIXTURE_VARIANT_ADD(held, setsiginfo) { .request = PTRACE_SETSIGINFO };
FIXTURE_VARIANT_ADD(held, peeksiginfo) { .request = PTRACE_PEEKSIGINFO };
FIXTURE_VARIANT_ADD(held, getsigmask) { .request = PTRACE_GETSIGMASK };
FIXTURE_VARIANT_ADD(held, geteventmsg) { .request = PTRACE_GETEVENTMSG };
FIXTURE_VARIANT_ADD(held, getregset) { .request = PTRACE_GETREGSET };
FIXTURE_VARIANT_ADD(held, peekdata) { .request = PTRACE_PEEKDATA };
FIXTURE_VARIANT_ADD(held, syscall_info) { .request = PTRACE_GET_SYSCALL_INFO };

/*
 * A tracee in a STOP trap with nothing to report, and a page to hold on to. All
 * on one CPU, so that the tracee can't re-trap before the tracer goes on.
 */
static void held_setup_common(struct __test_metadata *_metadata,
			      struct tracee *t, struct scene *scene)
{
	run_on_cpu(sched_getcpu());
	tracee_start(_metadata, t, 2, TRACEE_COUNT | TRACEE_BLOCK_CONT);
	tracee_seize(_metadata, t, 1, 0);
	trap_by_interrupt(_metadata, t->tid[1], 0);
	scene->t = t;
	scene->reaped = true;
}

FIXTURE_SETUP(held)
{
	if (lacks_notify_mode(_metadata))
		return;
	if (uffd_page_create(&self->scene.page)) {
		skip_setup(_metadata, "no userfaultfd");
		return;
	}
	held_setup_common(_metadata, &self->t, &self->scene);
}

FIXTURE_TEARDOWN(held)
{
	uffd_destroy(&self->scene.page);
	tracee_end(&self->t);
}

/*
 * Window: the request is past ptrace_check_attach() and not yet unfrozen. Fails
 * if the tracee wakes up before the request is done, or the re-trap that has been
 * put off does not come after it.
 */
TEST_F(held, notify_deferred_until_request_done)
{
	static const char id[] = "notify-deferred";
	struct tracee *t = &self->t;
	const unsigned long count = tracee_count(t, 1);
	int error;
	long ret;

	for (self->scene.changes = 1; self->scene.changes <= 3;
	     self->scene.changes++) {
		const int state = state_after(self->scene.changes);

		ret = held_request(_metadata, &self->scene, variant->request,
				   &error);
		ASSERT_LE(0, ret)
			TH_LOG("%s: request %#x: %s", id, variant->request,
			       strerror(error));
		expect_stayed_put(_metadata, &self->scene, id);

		ASSERT_STATUS(id, STOP_STATUS(state ? state : SIGTRAP),
			      t->tid[1]);
		expect_state(_metadata, t->tid[1], state, id);
		EXPECT_NO_STATUS(id, t->tid[1]);

		/* another round, with no stop in effect and nothing pending */
		if (state) {
			ASSERT_EQ(0, kill(t->pid, SIGCONT));
			ASSERT_STATUS(id, STOP_STATUS(SIGTRAP), t->tid[1]);
			expect_state(_metadata, t->tid[1], 0, id);
		}
		expect_no_step(_metadata, t, 1, count, "notify-no-escape");

		uffd_destroy(&self->scene.page);
		ASSERT_EQ(0, uffd_page_create(&self->scene.page));
	}
	tracee_run(_metadata, t, 1, 0, id);
}

/*
 * Window: from the end of the request, which wakes the tracee up, to when it has
 * trapped again; it can't run before we sleep. Fails if a request looks at it meanwhile
 * and does not wait, or if the status of the re-trap is not there then.
 */
TEST_F(held, notify_hidden_retrap_after_request)
{
	static const char id[] = "notify-hidden";
	const pid_t tid = self->t.tid[1];
	int error, status;

	self->scene.changes = 1;
	ASSERT_LE(0, held_request(_metadata, &self->scene, variant->request,
				  &error))
		TH_LOG("%s: request %#x: %s", id, variant->request,
		       strerror(error));
	EXPECT_EQ(0, settle(tid))
		TH_LOG("%s: PTRACE_GETEVENTMSG: %s", id, strerror(errno));
	status = peek_stop(tid);
	EXPECT_EQ(STOP_STATUS(SIGSTOP), status)
		TH_LOG("%s: waitid(WNOHANG) sees %#x", id, status);

	uffd_destroy(&self->scene.page);
	ASSERT_EQ(0, uffd_page_create(&self->scene.page));
	self->scene.changes = 2;
	self->scene.reaped = false;
	ASSERT_LE(0, held_request(_metadata, &self->scene, variant->request,
				  &error))
		TH_LOG("%s: request %#x: %s", id, variant->request,
		       strerror(error));
	EXPECT_EQ(0, settle(tid))
		TH_LOG("%s: PTRACE_GETEVENTMSG: %s", id, strerror(errno));
}

/*
 * Window: the tracee is killed after a re-trap has been put off, before the
 * request is done. Fails if the end of the request makes it trap again.
 */
TEST_F(held, end_kill_with_retrap_deferred)
{
	static const char id[] = "end-kill";
	int error, status;

	self->scene.changes = 1;
	self->scene.kill = true;
	held_request(_metadata, &self->scene, variant->request, &error);
	expect_stayed_put(_metadata, &self->scene, id);
	status = wait_soon(self->t.tid[1]);
	EXPECT_EQ(SIGKILL, status)
		TH_LOG("%s: wait status %#x", id, status);
}

FIXTURE(ack) {
	struct tracee t;
	struct scene scene;
};

FIXTURE_VARIANT(ack) {
	bool pending;		/* a notification is pending before */
	int changes;		/* while PTRACE_GETSIGINFO is held */
};

FIXTURE_VARIANT_ADD(ack, quiet_and_1_change) { .changes = 1 };
FIXTURE_VARIANT_ADD(ack, quiet_and_2_changes) { .changes = 2 };
FIXTURE_VARIANT_ADD(ack, pending_and_1_change) { .pending = true, .changes = 1 };
FIXTURE_VARIANT_ADD(ack, pending_and_2_changes) { .pending = true, .changes = 2 };
FIXTURE_VARIANT_ADD(ack, pending_and_7_changes) { .pending = true, .changes = 7 };
FIXTURE_VARIANT_ADD(ack, pending_and_no_change) { .pending = true };

FIXTURE_SETUP(ack)
{
	static const char id[] = "notify-ack";

	if (lacks_notify_mode(_metadata))
		return;
	if (uffd_page_create(&self->scene.page)) {
		skip_setup(_metadata, "no userfaultfd");
		return;
	}
	held_setup_common(_metadata, &self->t, &self->scene);
	self->scene.changes = variant->changes;

	if (variant->pending) {
		tracee_stop_untraced(_metadata, &self->t, SIGSTOP);
		ASSERT_EQ(0, kill(self->t.pid, SIGCONT));
		ASSERT_EQ(0, settle(self->t.tid[1]));
		ASSERT_STATUS(id, STOP_STATUS(SIGTRAP), self->t.tid[1]);
	}
}

FIXTURE_TEARDOWN(ack)
{
	uffd_destroy(&self->scene.page);
	tracee_end(&self->t);
}

/*
 * Window: PTRACE_GETSIGINFO has read the state, and has not yet acknowledged the
 * notification. Fails if it acknowledges a change that it has not told of, or
 * does not acknowledge the one that it has.
 */
TEST_F(ack, notify_ack_change_during_getsiginfo)
{
	static const char id[] = "notify-ack";
	const int state = state_after(variant->changes);
	const pid_t tid = self->t.tid[1];
	int error;

	ASSERT_EQ(0, held_request(_metadata, &self->scene, PTRACE_GETSIGINFO,
				  &error))
		TH_LOG("%s: PTRACE_GETSIGINFO: %s", id, strerror(error));
	expect_stayed_put(_metadata, &self->scene, id);

	if (variant->changes) {
		/* sticky: nothing of that has been acknowledged */
		ASSERT_PTRACE(id, PTRACE_CONT, tid, 0);
		ASSERT_STATUS(id, STOP_STATUS(state ? state : SIGTRAP), tid);
		expect_state(_metadata, tid, state, id);
	}
	EXPECT_NO_STATUS(id, tid);
	tracee_run(_metadata, &self->t, 1, 0, id);
}

/*
 * Window: the same. Fails if a PTRACE_GETSIGINFO that ends with EFAULT after the
 * change, having read the state before it, acknowledges either.
 */
TEST_F(ack, notify_ack_change_and_efault)
{
	static const char id[] = "notify-ack";
	const int state = state_after(variant->changes);
	const pid_t tid = self->t.tid[1];
	const unsigned long count = tracee_count(&self->t, 1);
	int error;

	self->scene.fail = true;
	EXPECT_EQ(-1, held_request(_metadata, &self->scene, PTRACE_GETSIGINFO,
				   &error));
	ASSERT_EQ(EFAULT, error)
		TH_LOG("PTRACE_GETSIGINFO: %s", strerror(error));
	expect_stayed_put(_metadata, &self->scene, id);

	if (variant->changes)
		ASSERT_STATUS(id, STOP_STATUS(state ? state : SIGTRAP), tid);
	ASSERT_PTRACE(id, PTRACE_CONT, tid, 0);
	ASSERT_STATUS(id, STOP_STATUS(state ? state : SIGTRAP), tid);
	expect_no_step(_metadata, &self->t, 1, count, id);
	expect_state(_metadata, tid, state, id);
	tracee_run(_metadata, &self->t, 1, 0, id);
}

/*
 * Window: the same, and the end of the request, at which it wakes the tracee up
 * for the change. Fails if it has cleared, by then, what the tracee is to trap
 * for: the tracee escapes.
 */
TEST_F(ack, notify_no_escape_after_getsiginfo)
{
	static const char id[] = "notify-no-escape";
	const unsigned long count = tracee_count(&self->t, 1);
	const int state = state_after(variant->changes);
	const pid_t tid = self->t.tid[1];
	long long end;
	int error;

	ASSERT_EQ(0, held_request(_metadata, &self->scene, PTRACE_GETSIGINFO,
				  &error))
		TH_LOG("%s: PTRACE_GETSIGINFO: %s", id, strerror(error));
	if (variant->changes)
		ASSERT_STATUS(id, STOP_STATUS(state ? state : SIGTRAP), tid);

	end = now_ms() + WATCH_MS;
	do {
		EXPECT_EQ('t', task_state(self->t.pid, tid))
			TH_LOG("%s: state '%c', not 't'", id,
			       task_state(self->t.pid, tid));
		usleep(500);
	} while (now_ms() < end);
	EXPECT_NO_STATUS(id, tid);
	expect_no_step(_metadata, &self->t, 1, count, id);
}

TEST_HARNESS_MAIN
