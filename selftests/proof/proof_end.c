// SPDX-License-Identifier: GPL-2.0
/*
 * Notify mode whatever happens: the tracer detaches or dies, the tracee is killed
 * or replaced, in every state they can be in. Promises end-detach, end-kill and
 * end-exec; end-freezer is in gstop_freezer.c.
 */
#include "old/group_stop.h"
#include "../kselftest_harness.h"
#include "old/group_stop_tracee.h"
#include "old/group_stop_hog.h"
#include "old/group_stop_uffd.h"

/* Ignored by default; its delivery-stop is the trap that is not a STOP trap. */
#define SIG_HARMLESS	SIGURG

/* What tracee and tracer are at when the end comes. */
enum state {
	RUNNING,
	INTERRUPTED,		/* STOP trap, nothing pending */
	INTERRUPTED_TWICE,	/* ... an interrupt pending */
	NOTIFIED,		/* ... trapped again for SIGCONT, neither reaped nor read */
	OTHER_TRAP,		/* signal-delivery-stop, a notification pending */
	LISTENING,		/* ... after INTERRUPT */
	HELD,			/* GETSIGINFO held in the kernel, a re-trap deferred */
	/* group stop in effect: */
	STOPPED,		/* STOP traps reaped, not read */
	STOPPED_READ,
	STOPPED_RESUMED,	/* runs nevertheless */
	STOPPED_OTHER_TRAP,	/* ... and is in a signal-delivery-stop */
	STOPPED_LISTENING,
	STOPPED_HELD,		/* as HELD, it is the start of the group stop */
	CONTINUED_HELD,		/* as HELD, it is the end of the group stop */
};

/* Whether the group stop state says stopped, once all is over. */
static bool ends_stopped(enum state state)
{
	return state >= STOPPED && state != CONTINUED_HELD;
}

/* Whether the tracee is trapped, so that a request can be made. */
static bool is_trapped(enum state state)
{
	return state != RUNNING && state != LISTENING && state != STOPPED_RESUMED &&
	       state != STOPPED_LISTENING;
}

static bool is_held(enum state state)
{
	return state == HELD || state == STOPPED_HELD || state == CONTINUED_HELD;
}

struct scene {
	enum state state;
	struct crew *crew;

	/* called when all are in state; if held, in the thread that is not */
	void (*then)(struct scene *scene);
	void *arg;

	struct held_page page;
	bool has_page;
	long held_ret;		/* of the request that was held */
	int held_errno;
};

/*
 * Change the world while the request is held: the tracee has the change noted
 * down, and its re-trap deferred.
 */
static void scene_change(void *arg)
{
	struct scene *scene = arg;
	struct crew *crew = scene->crew;

	if (scene->state == STOPPED_HELD) {
		/* by a thread that is not traced; it stops when it has started it */
		crew_order(crew, CREW_STOP);
		wait_task_state(crew->pid, crew->tid[CREW_MAX], "T");
	} else {
		syscall(SYS_tgkill, crew->pid, crew->pid, SIGCONT);
	}
	if (scene->then)
		scene->then(scene);
}

/* Bring about @scene. Returns NULL or what it could not do. */
static const char *scene_set(struct scene *scene)
{
	struct crew *crew = scene->crew;
	int i, nr, status;

	if (crew_seize(crew, PTRACE_SEIZE_DEVEL | PTRACE_O_TRACEEXEC))
		return "seize";

	switch (scene->state) {
	case RUNNING:
		break;
	case INTERRUPTED:
	case INTERRUPTED_TWICE:
	case NOTIFIED:
	case LISTENING:
	case HELD:
	case STOPPED_HELD:
		for (i = 0; i < crew->size; i++) {
			if (interrupt(crew->tid[i]) ||
			    wait_soon(crew->tid[i]) != STOP_STATUS(SIGTRAP) ||
			    ack(crew->tid[i]))
				return "interrupt";
			if (scene->state == INTERRUPTED_TWICE &&
			    interrupt(crew->tid[i]))
				return "interrupt again";
			if (scene->state == LISTENING &&
			    sys_ptrace(PTRACE_LISTEN, crew->tid[i], 0, NULL))
				return "listen";
		}
		if (scene->state == NOTIFIED &&
		    syscall(SYS_tgkill, crew->pid, crew->pid, SIGCONT))
			return "notify";
		break;
	case OTHER_TRAP:
		for (i = 0; i < crew->size; i++) {
			if (syscall(SYS_tgkill, crew->pid, crew->tid[i], SIG_HARMLESS) ||
			    wait_soon(crew->tid[i]) != SIGNAL_STATUS(SIG_HARMLESS))
				return "signal";
		}
		if (syscall(SYS_tgkill, crew->pid, crew->pid, SIGCONT))
			return "notify";
		break;
	case STOPPED:
	case STOPPED_READ:
	case STOPPED_RESUMED:
	case STOPPED_OTHER_TRAP:
	case STOPPED_LISTENING:
	case CONTINUED_HELD:
		if (crew_stop(crew, SIGSTOP, &nr, &status))
			return "stop";
		if (scene->state == STOPPED)
			break;
		for (i = 0; i < crew->size; i++) {
			if (ack(crew->tid[i]))
				return "read";
			if (scene->state == STOPPED_LISTENING &&
			    sys_ptrace(PTRACE_LISTEN, crew->tid[i], 0, NULL))
				return "listen";
			if (scene->state != STOPPED_RESUMED &&
			    scene->state != STOPPED_OTHER_TRAP)
				continue;
			if (cont(crew->tid[i], 0) || !crew_runs(crew, i))
				return "resume";
			if (scene->state == STOPPED_OTHER_TRAP &&
			    (syscall(SYS_tgkill, crew->pid, crew->tid[i],
				     SIG_HARMLESS) ||
			     wait_soon(crew->tid[i]) != SIGNAL_STATUS(SIG_HARMLESS)))
				return "signal";
		}
		break;
	}

	if (!is_held(scene->state)) {
		if (scene->then)
			scene->then(scene);
		return NULL;
	}

	if (!scene->has_page || uffd_on_fault(&scene->page, scene_change, scene))
		return "hold";
	scene->held_ret = sys_ptrace(PTRACE_GETSIGINFO, crew->pid, 0,
				     scene->page.addr);
	scene->held_errno = errno;
	return uffd_join(&scene->page) ? "join" : NULL;
}

FIXTURE(end)
{
	struct crew *crew;
	struct scene scene;
	pid_t tracer;
};

FIXTURE_VARIANT(end)
{
	enum state state;
	int size;
};

FIXTURE_VARIANT_ADD(end, running) { .state = RUNNING, .size = 1 };
FIXTURE_VARIANT_ADD(end, running_many) { .state = RUNNING, .size = 3 };
FIXTURE_VARIANT_ADD(end, interrupted) { .state = INTERRUPTED, .size = 1 };
FIXTURE_VARIANT_ADD(end, interrupted_many) { .state = INTERRUPTED, .size = 3 };

FIXTURE_VARIANT_ADD(end, interrupted_twice)
{
	.state = INTERRUPTED_TWICE,
	.size = 1,
};

FIXTURE_VARIANT_ADD(end, notified) { .state = NOTIFIED, .size = 1 };
FIXTURE_VARIANT_ADD(end, notified_many) { .state = NOTIFIED, .size = 3 };
FIXTURE_VARIANT_ADD(end, other_trap) { .state = OTHER_TRAP, .size = 1 };
FIXTURE_VARIANT_ADD(end, other_trap_many) { .state = OTHER_TRAP, .size = 3 };
FIXTURE_VARIANT_ADD(end, listening) { .state = LISTENING, .size = 1 };
FIXTURE_VARIANT_ADD(end, listening_many) { .state = LISTENING, .size = 3 };
FIXTURE_VARIANT_ADD(end, held) { .state = HELD, .size = 1 };
FIXTURE_VARIANT_ADD(end, held_many) { .state = HELD, .size = 3 };
FIXTURE_VARIANT_ADD(end, stopped) { .state = STOPPED, .size = 1 };
FIXTURE_VARIANT_ADD(end, stopped_many) { .state = STOPPED, .size = 3 };
FIXTURE_VARIANT_ADD(end, stopped_read) { .state = STOPPED_READ, .size = 1 };

FIXTURE_VARIANT_ADD(end, stopped_read_many)
{
	.state = STOPPED_READ,
	.size = 3,
};

FIXTURE_VARIANT_ADD(end, stopped_resumed)
{
	.state = STOPPED_RESUMED,
	.size = 1,
};

FIXTURE_VARIANT_ADD(end, stopped_resumed_many)
{
	.state = STOPPED_RESUMED,
	.size = 3,
};

FIXTURE_VARIANT_ADD(end, stopped_other_trap)
{
	.state = STOPPED_OTHER_TRAP,
	.size = 1,
};

FIXTURE_VARIANT_ADD(end, stopped_listening)
{
	.state = STOPPED_LISTENING,
	.size = 1,
};

FIXTURE_VARIANT_ADD(end, stopped_listening_many)
{
	.state = STOPPED_LISTENING,
	.size = 3,
};

FIXTURE_VARIANT_ADD(end, stopped_held) { .state = STOPPED_HELD, .size = 1 };

FIXTURE_VARIANT_ADD(end, stopped_held_many)
{
	.state = STOPPED_HELD,
	.size = 3,
};

FIXTURE_VARIANT_ADD(end, continued_held) { .state = CONTINUED_HELD, .size = 1 };

FIXTURE_VARIANT_ADD(end, continued_held_many)
{
	.state = CONTINUED_HELD,
	.size = 3,
};

FIXTURE_SETUP(end)
{
	if (have_notify_mode() == 0)
		SKIP(return, "kernel without PTRACE_SEIZE_DEVEL");

	self->crew = shared_page();
	ASSERT_TRUE(!!self->crew);
	self->scene.state = variant->state;
	self->scene.crew = self->crew;
	if (is_held(variant->state)) {
		if (uffd_page_create(&self->scene.page))
			SKIP(return, "no userfaultfd: %s", strerror(errno));
		self->scene.has_page = true;
	}

	self->crew->size = variant->size;
	self->crew->spin = true;
	/* somebody who stops the group, or ends it, and is not traced */
	self->crew->mate = true;
	ASSERT_GT(crew_spawn(self->crew), 0);
}

FIXTURE_TEARDOWN(end)
{
	if (self->scene.has_page)
		uffd_destroy(&self->scene.page);
	kill_and_reap(self->tracer);
	crew_end(self->crew);
}

/*
 * --- end-detach ---
 */

/*
 * Check that nothing is left of the tracer of @crew: all is as @stopped says, no
 * flag lingers on, and another tracer finds its tracees as it should.
 */
static void expect_untraced(struct __test_metadata *_metadata, struct crew *crew,
			    bool stopped)
{
	unsigned long count;
	siginfo_t si;
	int i;

	for (i = 0; i < crew->size; i++) {
		EXPECT_EQ(0, status_field(crew->tid[i], "TracerPid:", 10));
		if (stopped) {
			EXPECT_EQ(0, wait_task_state(crew->pid, crew->tid[i], "T")) {
				TH_LOG("end-detach: state %c instead of T",
				       task_state(crew->pid, crew->tid[i]));
			}
		} else {
			EXPECT_TRUE(crew_runs(crew, i)) {
				TH_LOG("end-detach: thread %d does not run, state %c", i,
				       task_state(crew->pid, crew->tid[i]));
			}
		}
	}
	if (stopped) {
		/* the whole group stop is there, for the real parent as well */
		EXPECT_EQ(0, wait_task_state(crew->pid, crew->tid[CREW_MAX], "T"));
		EXPECT_EQ(0, sys_waitid(crew->pid, &si, WSTOPPED | WNOHANG));
		EXPECT_EQ(SIGSTOP, si.si_status) {
			TH_LOG("end-detach: group stop not reported to the real parent");
		}
	}

	/* would never return if a TRAPPING were left behind */
	ASSERT_EQ(0, crew_seize(crew, PTRACE_SEIZE_DEVEL));
	for (i = 0; i < crew->size; i++) {
		if (stopped) {
			EXPECT_STATUS("end-detach", STOP_STATUS(SIGSTOP), crew->tid[i]);
			EXPECT_CAUSE("end-detach", CAUSE_GROUP, crew->tid[i]);
			EXPECT_EQ(0, ack(crew->tid[i]));
		} else {
			EXPECT_NO_STOP("end-detach", crew->tid[i]);
			ASSERT_EQ(0, interrupt(crew->tid[i]));
			EXPECT_STATUS("end-detach", STOP_STATUS(SIGTRAP), crew->tid[i]);
			EXPECT_CAUSE("end-detach", CAUSE_INTERRUPT, crew->tid[i]);
		}
		/* a NOTIFY or INTERRUPT left behind would trap it again */
		count = crew->count[i];
		ASSERT_EQ(0, cont(crew->tid[i], 0));
		EXPECT_TRUE(crew->spin ? wait_change(&crew->count[i], count) :
					 crew_runs(crew, i)) {
			TH_LOG("end-detach: pending trap left behind, status %#x",
			       peek_stop(crew->tid[i]));
		}
	}
}

static void tell_ready(struct scene *scene)
{
	const char ok = 0;

	if (write(*(int *)scene->arg, &ok, 1) == 1)
		pause_forever(NULL);
}

/* As above, and then this thread, which traces, is gone; its process stays. */
static void tell_and_exit(struct scene *scene)
{
	const char ok = 0;

	if (write(*(int *)scene->arg, &ok, 1) == 1)
		syscall(SYS_exit, 0);
}

/* A tracer which gets into the scene and stays in it until it is killed. */
static void tracer_main(void *arg)
{
	struct scene *scene = arg;
	const char *failure;
	const char bad = 1;

	/* the hold is on our own memory, not on that of our parent */
	if (is_held(scene->state) && uffd_page_create(&scene->page))
		failure = "userfaultfd";
	else
		failure = scene_set(scene);
	fprintf(stderr, "# tracer failed: %s\n", failure ? failure : "?");
	if (write(*(int *)scene->arg, &bad, 1) != 1)
		_exit(1);
}

static void *tracer_thread(void *arg)
{
	tracer_main(arg);
	return NULL;
}

static void threaded_tracer_main(void *arg)
{
	pthread_t thread;

	if (!pthread_create(&thread, NULL, tracer_thread, arg))
		pause_forever(NULL);
}

/*
 * Start a tracer that gets into the scene, and then is a process that stays, or with
 * @exits a thread of one that is about to be gone. Returns the pid of the process or
 * -1. The test is the real parent of both.
 */
static pid_t start_tracer(struct scene *scene, bool exits)
{
	int ready[2];
	pid_t pid;
	char c = 1;

	if (pipe(ready))
		return -1;
	scene->then = exits ? tell_and_exit : tell_ready;
	scene->arg = &ready[1];
	pid = spawn(exits ? threaded_tracer_main : tracer_main, scene);
	close(ready[1]);
	if (pid > 0 && (read(ready[0], &c, 1) != 1 || c)) {
		kill_and_reap(pid);
		pid = -1;
	}
	close(ready[0]);
	return pid;
}

/*
 * The tracer is killed in that state; if held, with its request in the kernel and
 * the tracee frozen. Fails if the tracer can't die, or its tracee is left in the
 * wrong state, trapped, with a flag pending, or as one that someone waits for.
 */
TEST_F(end, end_detach_by_tracer_death)
{
	self->tracer = start_tracer(&self->scene, false);
	ASSERT_GT(self->tracer, 0);

	ASSERT_EQ(0, kill(self->tracer, SIGKILL));
	EXPECT_STATUS("end-detach", SIGKILL, self->tracer);
	self->tracer = 0;
	expect_untraced(_metadata, self->crew, ends_stopped(variant->state));
}

/*
 * Here it is a thread that traces, and it exits; the rest of its process stays. Fails
 * as above, or if the tracees are taken over by another thread.
 */
TEST_F(end, end_detach_by_thread_exit)
{
	const long long deadline = now_ms() + DEADLINE_MS;
	unsigned int tries = 0;
	int i;

	if (is_held(variant->state))
		SKIP(return, "the thread that is held can't exit");

	self->tracer = start_tracer(&self->scene, true);
	ASSERT_GT(self->tracer, 0);
	for (i = 0; i < variant->size; i++) {
		while (status_field(self->crew->tid[i], "TracerPid:", 10) &&
		       now_ms() < deadline)
			give_way(&tries);
	}
	expect_untraced(_metadata, self->crew, ends_stopped(variant->state));
}

/*
 * Detach in that state, which only a trapped tracee can be; if held, right after
 * the request: the window is that of the deferred re-trap. Fails if the detach
 * does, or as above.
 */
TEST_F(end, end_detach_request)
{
	const char *failure;
	int i, error;

	failure = scene_set(&self->scene);
	ASSERT_TRUE(!failure) {
		TH_LOG("could not %s: %s", failure, strerror(errno));
	}
	for (i = 0; i < variant->size; i++) {
		error = detach(self->crew->tid[i]) ? errno : 0;
		EXPECT_EQ(is_trapped(variant->state) ? 0 : ESRCH, error) {
			TH_LOG("end-detach: detach of thread %d: error %d", i, error);
		}
	}
	if (!is_trapped(variant->state))
		return;
	if (is_held(variant->state))
		EXPECT_EQ(0, self->scene.held_ret);
	expect_untraced(_metadata, self->crew, ends_stopped(variant->state));
}

/*
 * --- end-kill ---
 */

/*
 * Wait for the end of thread @pid, also if it is in a trap before. Returns CLD_*
 * and sets *@status, or 0.
 */
static int wait_end(pid_t pid, int *status)
{
	const long long deadline = now_ms() + DEADLINE_MS;
	unsigned int tries = 0;
	siginfo_t si;

	do {
		if (sys_waitid(pid, &si, WEXITED | WNOHANG | __WALL))
			return 0;
		if (si.si_pid && si.si_code != CLD_TRAPPED &&
		    si.si_code != CLD_STOPPED) {
			*status = si.si_status;
			return si.si_code;
		}
		give_way(&tries);
	} while (now_ms() < deadline);
	return 0;
}

static void then_kill(struct scene *scene)
{
	kill(scene->crew->pid, SIGKILL);
}

/*
 * Fails if a tracee survives SIGKILL in that state; with the request held, if
 * it does so once the request is done, or if that never is.
 */
TEST_F(end, end_kill_sigkill)
{
	const char *failure;
	int i, code, status;

	self->scene.then = then_kill;
	failure = scene_set(&self->scene);
	ASSERT_TRUE(!failure) {
		TH_LOG("could not %s: %s", failure, strerror(errno));
	}
	for (i = variant->size - 1; i >= 0; i--) {
		code = wait_end(self->crew->tid[i], &status);
		EXPECT_EQ(CLD_KILLED, code) {
			TH_LOG("end-kill: thread %d in state %c", i,
			       task_state(self->crew->pid, self->crew->tid[i]));
		}
	}
}

/* Give an order that ends the process, also if the one to take it is stopped. */
static void last_order(struct scene *scene, enum crew_order order)
{
	crew_order(scene->crew, order);
	if (ends_stopped(scene->state))
		kill(scene->crew->pid, SIGCONT);
}

/* Wait until the mate of @crew is gone. Returns if it is. */
static bool mate_gone(struct crew *crew)
{
	const long long deadline = now_ms() + DEADLINE_MS;
	unsigned int tries = 0;

	while (task_state(crew->pid, crew->tid[CREW_MAX]) && now_ms() < deadline)
		give_way(&tries);
	return !task_state(crew->pid, crew->tid[CREW_MAX]);
}

static void then_exit(struct scene *scene)
{
	last_order(scene, CREW_EXIT);
	if (is_held(scene->state))
		mate_gone(scene->crew);
}

/*
 * Fails if exit_group() of a thread that is not traced does not end that state.
 * With the request held it comes while the tracee can't even be killed.
 */
TEST_F(end, end_kill_exit_group)
{
	const char *failure;
	int i, code, status;

	self->scene.then = then_exit;
	failure = scene_set(&self->scene);
	ASSERT_TRUE(!failure) {
		TH_LOG("could not %s: %s", failure, strerror(errno));
	}
	for (i = variant->size - 1; i >= 0; i--) {
		code = wait_end(self->crew->tid[i], &status);
		EXPECT_TRUE(code == CLD_EXITED && status == CREW_EXIT_CODE) {
			TH_LOG("end-kill: thread %d: code %d status %d, state %c", i,
			       code, status,
			       task_state(self->crew->pid, self->crew->tid[i]));
		}
	}
}

static void then_exec(struct scene *scene)
{
	last_order(scene, CREW_EXEC);
	/* it waits, killably, for the threads to be gone: one of them is held */
	if (is_held(scene->state))
		wait_task_state(scene->crew->pid, scene->crew->tid[CREW_MAX], "D");
}

/*
 * Fails if a tracee in that state keeps execve() of another thread waiting, or
 * outlives it. The leader, which makes room for that thread, is gone without a
 * word; the thread has its pid then, and is not traced.
 */
TEST_F(end, end_kill_exec)
{
	struct crew *crew = self->crew;
	const char *failure;
	int i, code, status;

	self->scene.then = then_exec;
	failure = scene_set(&self->scene);
	ASSERT_TRUE(!failure) {
		TH_LOG("could not %s: %s", failure, strerror(errno));
	}
	for (i = variant->size - 1; i > 0; i--) {
		code = wait_end(crew->tid[i], &status);
		EXPECT_EQ(CLD_EXITED, code) {
			TH_LOG("end-kill: thread %d: code %d, state %c", i, code,
			       task_state(crew->pid, crew->tid[i]));
		}
	}

	EXPECT_TRUE(mate_gone(crew)) {
		TH_LOG("end-kill: execve() does not get on");
	}
	EXPECT_EQ(0, wait_task_state(crew->pid, crew->pid, "S")) {
		TH_LOG("end-kill: new program in state %c",
		       task_state(crew->pid, crew->pid));
	}
	EXPECT_EQ(1, status_field(crew->pid, "Threads:", 10));
	EXPECT_EQ(0, status_field(crew->pid, "TracerPid:", 10));
}

/*
 * --- The same during a re-trap ---
 */

/*
 * What a test does while the hog runs it does in a few ms; if it got there with less
 * than HOG_REST_MS left the machine was too busy to tell.
 */
#define HOG_REST_MS	400

/* What the tracer runs into a re-trap with. */
enum how {
	BY_REQUEST,
	BY_DETACH,
};

FIXTURE(end_retrap)
{
	struct crew *crew;
	struct hog *hog;
	pid_t hog_pid;
	pid_t tracer;
};

FIXTURE_VARIANT(end_retrap)
{
	enum how how;
};

FIXTURE_VARIANT_ADD(end_retrap, request) { .how = BY_REQUEST };
FIXTURE_VARIANT_ADD(end_retrap, detach) { .how = BY_DETACH };

FIXTURE_SETUP(end_retrap)
{
	if (have_notify_mode() == 0)
		SKIP(return, "kernel without PTRACE_SEIZE_DEVEL");
	if (lacks_hog())
		SKIP(return, "%s", lacks_hog());

	self->hog = shared_page();
	self->crew = shared_page();
	ASSERT_TRUE(self->crew && self->hog);
	self->hog->ms = 900;
	self->crew->size = 1;
	self->crew->mate = true;
	ASSERT_GT(crew_spawn(self->crew), 0);
	ASSERT_EQ(0, pin(self->crew->pid, HOG_CPU));
}

FIXTURE_TEARDOWN(end_retrap)
{
	if (self->hog)
		self->hog->stop = 1;
	kill_and_reap(self->hog_pid);
	kill_and_reap(self->tracer);
	crew_end(self->crew);
}

/*
 * Keep the CPU of the tracee, which is trapped and so does not need it, and then
 * have it re-trap: it is woken up and gets nowhere. Returns 0 or -1.
 */
static int hold_retrap(FIXTURE_DATA(end_retrap) * self)
{
	self->hog_pid = hog_spawn(self->hog);
	if (self->hog_pid < 0)
		return -1;
	return syscall(SYS_tgkill, self->crew->pid, self->crew->pid, SIGCONT);
}

/*
 * Bring the tracee into a STOP trap from which it can re-trap. By way of another
 * re-trap: then the cause, which has to be forgotten, is none that comes again.
 */
static int prepare_retrap(pid_t pid)
{
	return sys_seize_notify(pid, PTRACE_O_TRACEEXEC) || interrupt(pid) ||
	       wait_soon(pid) != STOP_STATUS(SIGTRAP) ||
	       syscall(SYS_tgkill, pid, pid, SIGCONT) ||
	       wait_soon(pid) != STOP_STATUS(SIGTRAP) || ack(pid);
}

/* Returns 0 or the error. */
static int run_into_retrap(pid_t pid, enum how how)
{
	if (how == BY_REQUEST)
		return ack(pid) ? errno : 0;
	return detach(pid) ? errno : 0;
}

/* What became of a re-trap that we ran into. */
enum outcome {
	WAITED,			/* until the tracee was there, or would never be */
	DID_NOT_WAIT,		/* the request returned before anything had happened */
	WAITED_TOO_LONG,	/* though nothing was left to wait for */
	TOO_BUSY,		/* to tell */
	BROKEN,			/* the test itself */
};

static const char * const outcome_name[] = {
	[WAITED] = "waited as it should",
	[DID_NOT_WAIT] = "did not wait for the re-trap",
	[WAITED_TOO_LONG] = "waited on although there was nothing to wait for",
	[TOO_BUSY] = "machine too busy to tell",
	[BROKEN] = "test could not do it",
};

struct helper {
	struct crew *crew;
	struct hog *hog;
	pid_t waiter;
	void (*act)(struct crew *crew);

	enum outcome outcome;
	int returned;		/* the request */
	int done;		/* the helper */
};

static bool has_returned(struct helper *helper)
{
	return __atomic_load_n(&helper->returned, __ATOMIC_ACQUIRE);
}

/*
 * Once the waiter waits for the re-trap, act; that has to end its wait, while the
 * tracee can't do anything about it. Without anything to do, let the tracee have its
 * CPU back.
 */
static enum outcome help(struct helper *helper)
{
	long long rest;

	while (task_state(getpid(), helper->waiter) != 'S') {
		if (!helper->hog->running)
			return TOO_BUSY;
		if (has_returned(helper))
			return DID_NOT_WAIT;
		sched_yield();
	}
	if (!helper->act)
		return WAITED;

	rest = helper->hog->end - now_ms();
	helper->act(helper->crew);
	while (!has_returned(helper)) {
		if (!helper->hog->running)
			return rest < HOG_REST_MS ? TOO_BUSY : WAITED_TOO_LONG;
		usleep(200);
	}
	return helper->hog->running ? WAITED : TOO_BUSY;
}

static void *helper_main(void *arg)
{
	struct helper *helper = arg;

	helper->outcome = help(helper);
	helper->hog->stop = 1;
	__atomic_store_n(&helper->done, 1, __ATOMIC_RELEASE);
	return NULL;
}

/*
 * Have @act done while we, the tracer, wait for the re-trap; or nothing, if NULL.
 * Returns what became of it, and in *@error what the request returned.
 */
static enum outcome during_retrap(FIXTURE_DATA(end_retrap) * self, enum how how,
				  void (*act)(struct crew *crew), int *error)
{
	struct helper helper = {
		.crew = self->crew,
		.hog = self->hog,
		.waiter = getpid(),
		.act = act,
	};
	pthread_t thread;

	*error = -1;
	if (prepare_retrap(self->crew->pid) || hold_retrap(self) ||
	    pthread_create(&thread, NULL, helper_main, &helper) ||
	    pthread_detach(thread))
		return BROKEN;

	*error = run_into_retrap(self->crew->pid, how);
	__atomic_store_n(&helper.returned, 1, __ATOMIC_RELEASE);
	while (!__atomic_load_n(&helper.done, __ATOMIC_ACQUIRE))
		usleep(200);
	return helper.outcome;
}

static const char * const how_name[] = {
	[BY_REQUEST] = "request",
	[BY_DETACH] = "detach",
};

#define EXPECT_OUTCOME(promise, outcome, error, expected) do {		\
	if ((outcome) == TOO_BUSY)					\
		SKIP(return, "%s", outcome_name[TOO_BUSY]);		\
	EXPECT_TRUE((outcome) == WAITED) {				\
		TH_LOG("%s: %s %s", promise, how_name[variant->how],	\
		       outcome_name[outcome]);				\
	}								\
	EXPECT_EQ(expected, (error)) {					\
		TH_LOG("%s: %s of a tracee that re-traps: error %d",	\
		       promise, how_name[variant->how], error);		\
	}								\
} while (0)

static void act_kill(struct crew *crew)
{
	kill(crew->pid, SIGKILL);
}

static void act_exit(struct crew *crew)
{
	crew_order(crew, CREW_EXIT);
	mate_gone(crew);
}

static void act_exec(struct crew *crew)
{
	crew_order(crew, CREW_EXEC);
	wait_task_state(crew->pid, crew->tid[CREW_MAX], "D");
}

/*
 * The window is that between two traps: the tracee has been woken up and can't
 * run, its tracer waits for it. Fails if SIGKILL does not end that wait: the
 * tracer would wait for a trap that never comes.
 */
TEST_F(end_retrap, end_kill_sigkill)
{
	const pid_t pid = self->crew->pid;
	enum outcome outcome;
	int error, status;

	outcome = during_retrap(self, variant->how, act_kill, &error);
	EXPECT_OUTCOME("end-kill", outcome, error, ESRCH);
	EXPECT_EQ(CLD_KILLED, wait_end(pid, &status));
}

/* Fails if exit_group() of another thread does not end that wait. */
TEST_F(end_retrap, end_kill_exit_group)
{
	const pid_t pid = self->crew->pid;
	enum outcome outcome;
	int error, status;

	outcome = during_retrap(self, variant->how, act_exit, &error);
	EXPECT_OUTCOME("end-kill", outcome, error, ESRCH);
	EXPECT_EQ(CLD_EXITED, wait_end(pid, &status));
	EXPECT_EQ(CREW_EXIT_CODE, status);
}

/* Fails if execve() of another thread does not end that wait, or waits itself. */
TEST_F(end_retrap, end_kill_exec)
{
	struct crew *crew = self->crew;
	enum outcome outcome;
	int error;

	outcome = during_retrap(self, variant->how, act_exec, &error);
	EXPECT_OUTCOME("end-kill", outcome, error, ESRCH);
	EXPECT_EQ(0, wait_task_state(crew->pid, crew->pid, "S"));
	EXPECT_EQ(1, status_field(crew->pid, "Threads:", 10));
}

/*
 * Nothing happens but that the tracee is late. Fails if the tracer gets to see
 * that: as ESRCH, or as a stop that is not there.
 */
TEST_F(end_retrap, end_detach_after_retrap)
{
	enum outcome outcome;
	int error;

	outcome = during_retrap(self, variant->how, NULL, &error);
	EXPECT_OUTCOME("end-detach", outcome, error, 0);
	if (variant->how != BY_DETACH)
		EXPECT_EQ(0, detach(self->crew->pid));
	expect_untraced(_metadata, self->crew, false);
}

struct retrap_tracer {
	FIXTURE_DATA(end_retrap) * self;
	enum how how;
	volatile int seized;
	volatile int go;
	volatile int returned;
};

static void retrap_tracer_main(void *arg)
{
	struct retrap_tracer *t = arg;
	const pid_t pid = t->self->crew->pid;

	if (prepare_retrap(pid))
		return;
	t->seized = 1;
	while (!t->go)
		sched_yield();
	run_into_retrap(pid, t->how);
	t->returned = 1;
	pause_forever(NULL);
}

/*
 * Here the tracer is killed while it waits for the re-trap. Fails if its wait is
 * not killable, or if the tracee still goes to a trap that nobody is there for.
 */
TEST_F(end_retrap, end_detach_by_tracer_death)
{
	struct retrap_tracer *t = shared_page();
	long long rest;
	int status;

	ASSERT_TRUE(!!t);
	t->self = self;
	t->how = variant->how;
	self->tracer = spawn(retrap_tracer_main, t);
	ASSERT_GT(self->tracer, 0);
	while (!t->seized && task_state(self->tracer, self->tracer) != 'Z')
		usleep(200);
	ASSERT_EQ(1, t->seized);

	ASSERT_EQ(0, hold_retrap(self));
	t->go = 1;
	while (task_state(self->tracer, self->tracer) != 'S') {
		if (!self->hog->running)
			SKIP(return, "%s", outcome_name[TOO_BUSY]);
		ASSERT_FALSE(t->returned) {
			TH_LOG("notify-hidden: %s %s", how_name[variant->how],
			       outcome_name[DID_NOT_WAIT]);
		}
		sched_yield();
	}
	rest = self->hog->end - now_ms();
	ASSERT_EQ(0, kill(self->tracer, SIGKILL));
	EXPECT_EQ(CLD_KILLED, wait_end(self->tracer, &status));
	self->tracer = 0;
	if (!self->hog->running && rest < HOG_REST_MS)
		SKIP(return, "%s", outcome_name[TOO_BUSY]);
	EXPECT_EQ(1UL, self->hog->running) {
		TH_LOG("end-detach: tracer could not die before the re-trap was done");
	}
	self->hog->stop = 1;
	expect_untraced(_metadata, self->crew, false);
}

/*
 * --- The same by chance: everything at once, as often as there is time ---
 */

FIXTURE(end_race)
{
	struct crew *crew;
	struct scene scene;
};

FIXTURE_VARIANT(end_race)
{
	int size;
};

FIXTURE_VARIANT_ADD(end_race, one) { .size = 1 };
FIXTURE_VARIANT_ADD(end_race, many) { .size = 3 };

FIXTURE_SETUP(end_race)
{
	if (have_notify_mode() == 0)
		SKIP(return, "kernel without PTRACE_SEIZE_DEVEL");
	self->crew = shared_page();
	ASSERT_TRUE(!!self->crew);
	self->crew->size = variant->size;
	self->crew->mate = true;
	self->scene.crew = self->crew;
	ASSERT_GT(crew_spawn(self->crew), 0);
}

FIXTURE_TEARDOWN(end_race)
{
	crew_end(self->crew);
}

/* That time, and at least that many rounds. */
#define RACE_MS		400
#define RACE_MIN	8

/*
 * A notification and SIGKILL of the tracer, in either order, back to back: the
 * tracee is unlinked somewhere on its way from trap to trap. Alternates between
 * the start and the end of a group stop. Fails if it ends up in the wrong state.
 */
TEST_F(end_race, end_detach_by_tracer_death)
{
	const long long deadline = now_ms() + RACE_MS;
	struct crew *crew = self->crew;
	bool start, failed = false;
	int round, status, i;
	pid_t tracer;

	for (round = 0; (round < RACE_MIN || now_ms() < deadline) && !failed; round++) {
		start = round & 2;
		self->scene.state = start ? INTERRUPTED : STOPPED_READ;
		tracer = start_tracer(&self->scene, false);
		ASSERT_GT(tracer, 0);

		if (round & 1)
			kill(tracer, SIGKILL);
		if (start)
			crew_order(crew, CREW_STOP);
		else
			kill(crew->pid, SIGCONT);
		if (!(round & 1))
			kill(tracer, SIGKILL);
		EXPECT_EQ(CLD_KILLED, wait_end(tracer, &status));

		for (i = 0; i < variant->size; i++) {
			failed |= !!wait_task_state(crew->pid, crew->tid[i],
						    start ? "T" : "S");
			EXPECT_FALSE(failed) {
				TH_LOG("end-detach: state %c in round %d",
				       task_state(crew->pid, crew->tid[i]), round);
			}
		}
		/* the mate takes orders only when it runs */
		kill(crew->pid, SIGCONT);
		EXPECT_EQ(0, wait_task_state(crew->pid, crew->tid[CREW_MAX], "S"));
		for (i = 0; i < variant->size; i++)
			EXPECT_EQ(0, wait_task_state(crew->pid, crew->tid[i], "S"));
	}
}

/* The same with a detach, which must never fail. */
TEST_F(end_race, end_detach_request)
{
	const long long deadline = now_ms() + RACE_MS;
	struct crew *crew = self->crew;
	bool start, failed = false;
	const char *failure;
	int round, i;

	for (round = 0; (round < RACE_MIN || now_ms() < deadline) && !failed; round++) {
		start = round & 1;
		self->scene.state = start ? INTERRUPTED : STOPPED_READ;
		failure = scene_set(&self->scene);
		ASSERT_TRUE(!failure) {
			TH_LOG("could not %s: %s", failure, strerror(errno));
		}

		if (start)
			crew_order(crew, CREW_STOP);
		else
			kill(crew->pid, SIGCONT);
		for (i = 0; i < variant->size; i++) {
			EXPECT_EQ(0, detach(crew->tid[i])) {
				TH_LOG("end-detach: %s in round %d", strerror(errno),
				       round);
				failed = true;
			}
		}
		for (i = 0; i < variant->size; i++) {
			failed |= !!wait_task_state(crew->pid, crew->tid[i],
						    start ? "T" : "S");
			EXPECT_FALSE(failed) {
				TH_LOG("end-detach: state %c in round %d",
				       task_state(crew->pid, crew->tid[i]), round);
			}
		}
		kill(crew->pid, SIGCONT);
		EXPECT_EQ(0, wait_task_state(crew->pid, crew->tid[CREW_MAX], "S"));
		for (i = 0; i < variant->size; i++)
			EXPECT_EQ(0, wait_task_state(crew->pid, crew->tid[i], "S"));
	}
}

/* A notification and the death of the tracee back to back: it has to die. */
TEST_F(end_race, end_kill_any)
{
	const long long deadline = now_ms() + RACE_MS;
	struct crew *crew = self->crew;
	int round, i, code, status;
	const char *failure;

	for (round = 0; round < RACE_MIN || now_ms() < deadline; round++) {
		self->scene.state = INTERRUPTED;
		failure = scene_set(&self->scene);
		ASSERT_TRUE(!failure) {
			TH_LOG("could not %s: %s", failure, strerror(errno));
		}

		if (round & 1)
			crew_order(crew, CREW_EXIT);
		kill(crew->pid, SIGCONT);
		if (!(round & 1))
			kill(crew->pid, SIGKILL);
		for (i = variant->size - 1; i >= 0; i--) {
			code = wait_end(crew->tid[i], &status);
			ASSERT_EQ(round & 1 ? CLD_EXITED : CLD_KILLED, code) {
				TH_LOG("end-kill: state %c in round %d",
				       task_state(crew->pid, crew->tid[i]), round);
			}
		}
		crew_end(crew);
		ASSERT_GT(crew_spawn(crew), 0);
	}
}

/*
 * --- PTRACE_O_EXITKILL ---
 */

static void exitkill_tracer_main(void *arg)
{
	struct scene *scene = arg;
	const pid_t pid = scene->crew->pid;

	if (sys_seize_notify(pid, PTRACE_O_EXITKILL) || interrupt(pid) ||
	    wait_soon(pid) != STOP_STATUS(SIGTRAP))
		return;
	tell_ready(scene);
}

/* Fails if notify mode costs the option, or a trapped tracee escapes it. */
TEST_F(end_race, end_kill_exitkill)
{
	int ready[2], status;
	pid_t tracer;
	char c;

	ASSERT_EQ(0, pipe(ready));
	self->scene.arg = &ready[1];
	tracer = spawn(exitkill_tracer_main, &self->scene);
	ASSERT_GT(tracer, 0);
	close(ready[1]);
	ASSERT_EQ(1, read(ready[0], &c, 1));
	kill_and_reap(tracer);
	EXPECT_EQ(CLD_KILLED, wait_end(self->crew->pid, &status));
}

TEST_HARNESS_MAIN
