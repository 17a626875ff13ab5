// SPDX-License-Identifier: GPL-2.0
/*
 * Group stop notification of a tracee that is in another trap than a STOP trap:
 * nothing of that trap is disturbed, and the STOP trap follows as soon as it is
 * resumed, before the tracee gets to run a user instruction.
 */
#include "../kselftest_harness.h"
#include "old/group_stop_notify.h"

#include <dirent.h>

FIXTURE(other) {
	struct actor *actor;
	pid_t pid;
};

FIXTURE_VARIANT(other) {
	enum trap_kind kind;
};

FIXTURE_VARIANT_ADD(other, signal) { .kind = TRAP_SIGNAL };
FIXTURE_VARIANT_ADD(other, syscall_entry) { .kind = TRAP_SYSCALL_ENTRY };
FIXTURE_VARIANT_ADD(other, syscall_exit) { .kind = TRAP_SYSCALL_EXIT };
FIXTURE_VARIANT_ADD(other, exec) { .kind = TRAP_EXEC };
FIXTURE_VARIANT_ADD(other, fork) { .kind = TRAP_FORK };
FIXTURE_VARIANT_ADD(other, vfork) { .kind = TRAP_VFORK };
FIXTURE_VARIANT_ADD(other, vfork_done) { .kind = TRAP_VFORK_DONE };
FIXTURE_VARIANT_ADD(other, clone) { .kind = TRAP_CLONE };
FIXTURE_VARIANT_ADD(other, seccomp) { .kind = TRAP_SECCOMP };
FIXTURE_VARIANT_ADD(other, step) { .kind = TRAP_STEP };
FIXTURE_VARIANT_ADD(other, exit) { .kind = TRAP_EXIT };

FIXTURE_SETUP(other)
{
	if (lacks_notify_mode(_metadata))
		return;
	if (variant->kind == TRAP_STEP && lacks_single_step()) {
		skip_setup(_metadata, lacks_single_step());
		return;
	}
	self->actor = actor_page();
	ASSERT_TRUE(!!self->actor);
	self->actor->kind = variant->kind;
}

FIXTURE_TEARDOWN(other)
{
	struct tracee t = { .pid = self->pid };

	tracee_end(&t);
}

/* Start and seize @actor; it waits to be led into its trap. */
static pid_t start(struct __test_metadata *_metadata, struct actor *actor)
{
	const pid_t pid = actor_spawn(actor);

	ASSERT_LT(0, pid);
	ASSERT_EQ(0, sys_seize_notify(pid, trap_options(actor->kind)));
	return pid;
}

static void lead(struct __test_metadata *_metadata, struct actor *actor,
		 pid_t pid, const char *id)
{
	const int want = trap_status(actor->kind);
	const int seen = actor_lead(actor, pid);

	ASSERT_EQ(want, seen)
		TH_LOG("%s: led to wait status %#x, not %#x", id, seen, want);
}

/* Everything that a tracer can ask a trapped tracee for. */
struct snapshot {
	siginfo_t info;
	unsigned long msg;
	struct tracee_where where;
	unsigned long progress;
};

static void take_snapshot(struct __test_metadata *_metadata,
			  struct actor *actor, pid_t pid,
			  struct snapshot *snap, const char *id)
{
	memset(snap, 0, sizeof(*snap));
	ASSERT_PTRACE(id, PTRACE_GETSIGINFO, pid, &snap->info);
	ASSERT_PTRACE(id, PTRACE_GETEVENTMSG, pid, &snap->msg);
	ASSERT_EQ(0, sys_where(pid, &snap->where));
	snap->progress = actor->progress;
}

/* The tracee is in its trap as ever, @before a change and after it. */
static void expect_undisturbed(struct __test_metadata *_metadata,
			       struct actor *actor, pid_t pid,
			       const struct snapshot *before, const char *id)
{
	struct snapshot after;

	EXPECT_NO_STATUS(id, pid);
	EXPECT_EQ('t', task_state(pid, pid))
		TH_LOG("%s: state %c", id, task_state(pid, pid));

	/* a PTRACE_GETSIGINFO, but not of a STOP trap: acknowledges nothing */
	take_snapshot(_metadata, actor, pid, &after, id);
	EXPECT_EQ(0, memcmp(&before->info, &after.info, sizeof(after.info)))
		TH_LOG("%s: siginfo of another trap changes, si_signo %d code %#x",
		       id, after.info.si_signo, after.info.si_code);
	EXPECT_EQ(before->msg, after.msg);
	EXPECT_EQ(before->progress, after.progress);
	EXPECT_EQ(0, memcmp(&before->where, &after.where, sizeof(after.where)))
		TH_LOG("%s: the tracee has moved", id);
}

/* The traps of children that get attached on the way: let them run. */
static void release_child(struct __test_metadata *_metadata,
			  const struct actor *actor,
			  const struct snapshot *snap, const char *id)
{
	if (actor->kind != TRAP_FORK && actor->kind != TRAP_VFORK &&
	    actor->kind != TRAP_CLONE)
		return;
	ASSERT_STATUS(id, STOP_STATUS(SIGTRAP), snap->msg);
	ASSERT_PTRACE(id, PTRACE_CONT, snap->msg, 0);
}

/* Resumed, the tracee takes signal @sig next, but for SIGCHLD of its child. */
static void expect_signal(struct __test_metadata *_metadata, pid_t pid, int sig,
			  const char *id)
{
	int status;

	do {
		ASSERT_PTRACE(id, PTRACE_CONT, pid, 0);
		status = wait_soon(pid);
	} while (status == SIGNAL_STATUS(SIGCHLD));
	ASSERT_EQ(SIGNAL_STATUS(sig), status)
		TH_LOG("%s: wait status %#x, not of signal %d", id, status, sig);
}

/*
 * Fails if the end of a group stop wakes the tracee up from another trap, is lost
 * with that trap, or comes after user space; also if GETSIGINFO there took it for
 * acknowledged.
 */
TEST_F(other, notify_other_trap_end_of_stop)
{
	static const char id[] = "notify-other-trap";
	const enum trap_kind kind = variant->kind;
	struct snapshot snap;

	self->pid = start(_metadata, self->actor);
	ASSERT_EQ(0, kill(self->pid, SIGSTOP));
	ASSERT_STATUS(id, SIGNAL_STATUS(SIGSTOP), self->pid);
	ASSERT_PTRACE(id, PTRACE_CONT, self->pid, SIGSTOP);
	ASSERT_STATUS(id, STOP_STATUS(SIGSTOP), self->pid);
	expect_state(_metadata, self->pid, SIGSTOP, id);
	ASSERT_PTRACE(id, PTRACE_CONT, self->pid, 0);

	lead(_metadata, self->actor, self->pid, id);
	take_snapshot(_metadata, self->actor, self->pid, &snap, id);
	if (kind != TRAP_CLONE)
		release_child(_metadata, self->actor, &snap, id);

	ASSERT_EQ(0, kill(self->pid, SIGCONT));
	expect_undisturbed(_metadata, self->actor, self->pid, &snap, id);

	ASSERT_PTRACE(id, PTRACE_CONT, self->pid, 0);
	if (kind == TRAP_EXIT) {
		ASSERT_STATUS(id, ACTOR_EXIT_CODE << 8, self->pid);
		self->pid = 0;
		return;
	}
	ASSERT_STATUS(id, STOP_STATUS(SIGTRAP), self->pid);
	EXPECT_CAUSE(id, CAUSE_NOTIFY, self->pid);
	EXPECT_EQ(snap.progress, self->actor->progress)
		TH_LOG("%s: the tracee got to user space before the STOP trap", id);
	expect_state(_metadata, self->pid, 0, id);

	/* SIGCONT itself is still there, and the tracee goes on */
	expect_signal(_metadata, self->pid, SIGCONT, id);
	expect_signal(_metadata, self->pid, SIGUSR2, id);
}

/* Start the actor with another thread, *@mate. */
static pid_t start_with_mate(struct __test_metadata *_metadata,
			     struct actor *actor, pid_t *mate)
{
	const long long deadline = now_ms() + DEADLINE_MS;
	unsigned int tries = 0;
	char path[64];
	struct dirent *entry;
	pid_t pid;
	DIR *dir;

	actor->mate = true;
	pid = start(_metadata, actor);
	*mate = 0;
	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	for (;;) {
		dir = opendir(path);
		ASSERT_TRUE(!!dir);
		while ((entry = readdir(dir))) {
			if (atoi(entry->d_name) && atoi(entry->d_name) != pid)
				*mate = atoi(entry->d_name);
		}
		closedir(dir);
		if (*mate)
			return pid;
		ASSERT_LT(now_ms(), deadline);
		give_way(&tries);
	}
}

/*
 * Fails if the start of a group stop, by a thread that is not traced, disturbs
 * another trap, is lost with it, or comes after user space.
 */
TEST_F(other, notify_other_trap_start_of_stop)
{
	static const char id[] = "notify-other-trap";
	const enum trap_kind kind = variant->kind;
	struct snapshot snap;
	pid_t mate;

	/* with these the mate dies before the trap, or is not the only one */
	if (kind == TRAP_EXEC || kind == TRAP_EXIT || kind == TRAP_CLONE)
		return;

	self->pid = start_with_mate(_metadata, self->actor, &mate);
	lead(_metadata, self->actor, self->pid, id);
	take_snapshot(_metadata, self->actor, self->pid, &snap, id);
	release_child(_metadata, self->actor, &snap, id);

	ASSERT_EQ(0, sys_tgkill(self->pid, mate, SIGSTOP));
	ASSERT_EQ(0, wait_task_state(self->pid, mate, "T"));
	expect_undisturbed(_metadata, self->actor, self->pid, &snap, id);

	ASSERT_PTRACE(id, PTRACE_CONT, self->pid, 0);
	ASSERT_STATUS(id, STOP_STATUS(SIGSTOP), self->pid);
	EXPECT_CAUSE(id, CAUSE_GROUP | CAUSE_NOTIFY, self->pid);
	EXPECT_EQ(snap.progress, self->actor->progress)
		TH_LOG("%s: the tracee got to user space before the STOP trap", id);
	expect_state(_metadata, self->pid, SIGSTOP, id);

	/* acknowledged, it goes on, within the stop */
	expect_signal(_metadata, self->pid, SIGUSR2, id);
}

/* Fails if one trap that is no STOP trap after another clears NOTIFY. */
TEST_F(other, notify_sticky_over_next_trap)
{
	static const char id[] = "notify-sticky";
	const enum trap_kind kind = variant->kind;
	struct snapshot snap;

	/* a system call stop follows before the tracee looks for STOP traps */
	if (kind != TRAP_SYSCALL_ENTRY && kind != TRAP_SECCOMP &&
	    kind != TRAP_EXEC && kind != TRAP_FORK)
		return;

	self->pid = start(_metadata, self->actor);
	lead(_metadata, self->actor, self->pid, id);
	ASSERT_PTRACE(id, PTRACE_SETOPTIONS, self->pid,
		      PTRACE_O_TRACESYSGOOD | trap_options(kind));
	take_snapshot(_metadata, self->actor, self->pid, &snap, id);
	release_child(_metadata, self->actor, &snap, id);
	ASSERT_EQ(0, kill(self->pid, SIGCONT));

	ASSERT_PTRACE(id, PTRACE_SYSCALL, self->pid, 0);
	ASSERT_STATUS(id, SIGNAL_STATUS(SIGTRAP | 0x80), self->pid);
	take_snapshot(_metadata, self->actor, self->pid, &snap, id);

	ASSERT_PTRACE(id, PTRACE_CONT, self->pid, 0);
	ASSERT_STATUS(id, STOP_STATUS(SIGTRAP), self->pid);
	EXPECT_CAUSE(id, CAUSE_NOTIFY, self->pid);
	EXPECT_EQ(snap.progress, self->actor->progress)
		TH_LOG("%s: the tracee got to user space before the STOP trap", id);
}

FIXTURE(exec_entry) {
	struct actor *actor;
	pid_t pid;
};

FIXTURE_VARIANT(exec_entry) {
	bool start;		/* of a group stop, else of SIGCONT */
	bool exec_trap;		/* PTRACE_O_TRACEEXEC */
};

FIXTURE_VARIANT_ADD(exec_entry, cont) { .start = false };
FIXTURE_VARIANT_ADD(exec_entry, stop) { .start = true };
FIXTURE_VARIANT_ADD(exec_entry, cont_exec_trap) { .exec_trap = true };
FIXTURE_VARIANT_ADD(exec_entry, stop_exec_trap) {
	.start = true, .exec_trap = true,
};

FIXTURE_SETUP(exec_entry)
{
	if (lacks_notify_mode(_metadata))
		return;
	self->actor = actor_page();
	ASSERT_TRUE(!!self->actor);
	self->actor->kind = TRAP_EXEC;
}

FIXTURE_TEARDOWN(exec_entry)
{
	struct tracee t = { .pid = self->pid };

	tracee_end(&t);
}

/*
 * The tracee is about to execve(), in its system call trap, and has another
 * thread, which is not traced and dies by that. Fails if getting rid of it clears
 * NOTIFY of the one that executes, as it does clear other pending traps. The
 * group stop that has started ends with that thread: it is not in effect when the
 * tracee traps.
 */
TEST_F(exec_entry, end_exec_keeps_notification)
{
	static const char id[] = "end-exec";
	unsigned long progress;
	pid_t mate, pid;

	self->pid = start_with_mate(_metadata, self->actor, &mate);
	pid = self->pid;
	ASSERT_PTRACE(id, PTRACE_INTERRUPT, pid, 0);
	ASSERT_STATUS(id, STOP_STATUS(SIGTRAP), pid);
	ASSERT_PTRACE(id, PTRACE_SETOPTIONS, pid, PTRACE_O_TRACESYSGOOD |
		      (variant->exec_trap ? PTRACE_O_TRACEEXEC : 0));
	ASSERT_PTRACE(id, PTRACE_CONT, pid, 0);

	self->actor->go = 1;
	ASSERT_STATUS(id, SIGNAL_STATUS(SIGUSR1), pid);
	ASSERT_PTRACE(id, PTRACE_SYSCALL, pid, 0);
	ASSERT_STATUS(id, SIGNAL_STATUS(SIGTRAP | 0x80), pid);
	progress = self->actor->progress;

	if (variant->start) {
		ASSERT_EQ(0, sys_tgkill(pid, mate, SIGSTOP));
		ASSERT_EQ(0, wait_task_state(pid, mate, "T"));
	} else {
		ASSERT_EQ(0, kill(pid, SIGCONT));
	}

	ASSERT_PTRACE(id, PTRACE_CONT, pid, 0);
	if (variant->exec_trap) {
		ASSERT_STATUS(id, EVENT_STATUS(PTRACE_EVENT_EXEC), pid);
		ASSERT_PTRACE(id, PTRACE_CONT, pid, 0);
	}
	ASSERT_STATUS(id, STOP_STATUS(SIGTRAP), pid);
	EXPECT_EQ(progress, self->actor->progress)
		TH_LOG("%s: the new program ran before the STOP trap", id);
	EXPECT_EQ(0, task_state(pid, mate))
		TH_LOG("%s: that is before execve() is done", id);
	expect_state(_metadata, pid, 0, id);
}

TEST_HARNESS_MAIN
