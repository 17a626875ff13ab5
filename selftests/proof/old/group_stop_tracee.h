/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tracees for the group stop selftests, and waiting for what they do:
 *
 *  - a crew, whose threads just run, each in its own way, and of which one may
 *    be ordered to end or replace the process;
 *  - an actor, which goes into a trap of a given kind and can tell afterwards
 *    how far it got in user space.
 */
#ifndef GROUP_STOP_TRACEE_H
#define GROUP_STOP_TRACEE_H

#include "group_stop.h"
#include "group_stop_arch.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/types.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>

#ifndef PTRACE_GET_SYSCALL_INFO
#define PTRACE_GET_SYSCALL_INFO		0x420e
#endif

/*
 * The harness calls a test in a function that does setjmp(); with the test inlined
 * there gcc fears for variables which nobody looks at after the longjmp().
 */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wclobbered"
#endif

/*
 * What the tests look for most often. A failure says which promise it breaks, what
 * was seen and what was expected instead.
 */
#define LOG_STATUS(promise, seen, expected)				\
	TH_LOG("%s: wait status %#x instead of %#x", promise, seen, expected)

/* The next wait status of @pid, */
#define EXPECT_STATUS(promise, expected, pid) do {			\
	const int __want = (expected), __got = wait_soon(pid);		\
									\
	EXPECT_EQ(__want, __got)					\
		LOG_STATUS(promise, __got, __want);			\
} while (0)

/* ... that there is none right now, */
#define EXPECT_NO_STOP(promise, pid) do {				\
	const int __got = peek_stop(pid);				\
									\
	EXPECT_EQ(0, __got)						\
		LOG_STATUS(promise, __got, 0);				\
} while (0)

/* ... and why it is in a STOP trap, PTRACE_STOP_CAUSE_* as below. */
#define EXPECT_CAUSE(promise, expected, pid) do {			\
	const unsigned long __want = (expected), __got = sys_eventmsg(pid); \
									\
	EXPECT_EQ(__want, __got) {					\
		TH_LOG("%s: cause %#lx instead of %#lx", promise,	\
		       __got, __want);					\
	}								\
} while (0)

#define CAUSE_GROUP	((unsigned long)PTRACE_STOP_CAUSE_GROUP)
#define CAUSE_NOTIFY	((unsigned long)PTRACE_STOP_CAUSE_NOTIFY)
#define CAUSE_INTERRUPT	((unsigned long)PTRACE_STOP_CAUSE_INTERRUPT)

/* The requests that the tests make most often. */
static inline long interrupt(pid_t pid)
{
	return sys_ptrace(PTRACE_INTERRUPT, pid, 0, NULL);
}

static inline long cont(pid_t pid, unsigned long sig)
{
	return sys_ptrace(PTRACE_CONT, pid, 0, (void *)sig);
}

static inline long detach(pid_t pid)
{
	return sys_ptrace(PTRACE_DETACH, pid, 0, NULL);
}

/* PTRACE_GETSIGINFO, which acknowledges a notification. */
static inline long ack(pid_t pid)
{
	siginfo_t si = { 0 };

	return sys_ptrace(PTRACE_GETSIGINFO, pid, 0, &si);
}

/* Give way to the task that we wait for. @tries counts how often we did. */
static inline void give_way(unsigned int *tries)
{
	if (++*tries < 100)
		sched_yield();
	else
		usleep(500);
}

/*
 * How long to wait for an event, in milliseconds. Once something has not come, told
 * by @late, the test has failed: what else it waits for need not be given as long.
 */
static inline int patience_ms(bool late)
{
	static int ms = DEADLINE_MS;

	if (late)
		ms = DEADLINE_MS / 10;
	return ms;
}

/*
 * wait4(2) for thread or process @pid. Returns the wait status, 0 if there is
 * none within patience_ms(), or -1 with errno. (Nobody here exits with status 0.)
 */
static inline int wait_soon(pid_t pid)
{
	const long long deadline = now_ms() + patience_ms(false);
	unsigned int tries = 0;
	int status;

	for (;;) {
		status = sys_wait(pid, WNOHANG);
		if (status)
			return status;
		if (now_ms() > deadline) {
			patience_ms(true);
			return 0;
		}
		give_way(&tries);
	}
}

/*
 * The wait status of a stop of @pid which is to be reaped right now, without
 * reaping it: as wait_soon() would return it, or 0 if there is none.
 */
static inline int peek_stop(pid_t pid)
{
	siginfo_t si;

	if (sys_waitid(pid, &si, WSTOPPED | WNOHANG | WNOWAIT | __WALL))
		return -1;
	return si.si_pid ? (si.si_status << 8) | 0x7f : 0;
}

/* Wait until *@value is not @old, patience_ms() at most. Returns if it is so. */
static inline bool wait_change(const volatile unsigned long *value,
			       unsigned long old)
{
	const long long deadline = now_ms() + patience_ms(false);
	unsigned int tries = 0;

	while (*value == old && now_ms() < deadline)
		give_way(&tries);
	if (*value == old)
		patience_ms(true);
	return *value != old;
}

/* The number in field @field (with its colon) of /proc/@pid/status, or -1. */
static inline long long status_field(pid_t pid, const char *field, int base)
{
	char path[64], line[256];
	long long value = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "re");
	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f)) {
		if (!strncmp(line, field, strlen(field))) {
			value = strtoull(line + strlen(field), NULL, base);
			break;
		}
	}
	fclose(f);
	return value;
}

/* The head of struct ptrace_syscall_info: where a trapped tracee is. */
struct tracee_where {
	__u8 op;
	__u8 reserved[3];
	__u32 arch;
	__u64 ip;
	__u64 sp;
};

/* Returns 0, or -1 with errno. @pid has to be trapped. */
static inline int sys_where(pid_t pid, struct tracee_where *where)
{
	memset(where, 0, sizeof(*where));
	return sys_ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(*where), where) < 0 ?
	       -1 : 0;
}

/*
 * Find out if thread @pid of a process that is not group stopped, our tracee, is
 * in notify mode: only then SIGCONT makes it trap again while it is in a STOP
 * trap. Returns 1 or 0, @pid runs and is as it was, or -1 with errno.
 *
 * The process must let SIGCONT be, and no thread of it but @pid may take it:
 * blocked or trapped, if there are other threads.
 */
static inline int probe_notify_mode(pid_t pid)
{
	int notify;

	if (interrupt(pid))
		return -1;
	if (wait_soon(pid) != STOP_STATUS(SIGTRAP))
		goto unexpected;

	/* to the thread, as it is the one that may take it */
	if (syscall(SYS_tkill, pid, SIGCONT) || settle(pid))
		return -1;
	notify = !!peek_stop(pid);
	if (notify && (sys_wait(pid, WNOHANG) != STOP_STATUS(SIGTRAP) || ack(pid)))
		goto unexpected;

	if (cont(pid, 0))
		return -1;
	/* a plain tracee notifies late: by a trap that comes after the other */
	if (!notify && (wait_soon(pid) != STOP_STATUS(SIGTRAP) || cont(pid, 0)))
		goto unexpected;
	if (wait_soon(pid) == SIGNAL_STATUS(SIGCONT))
		return cont(pid, 0) ? -1 : notify;

unexpected:
	errno = EPROTO;
	return -1;
}

/*
 * --- crew ---
 */

#define CREW_MAX	3

/* What the mate of a crew does when told so with crew_order(). */
enum crew_order {
	CREW_EXIT = 'x',	/* exit_group(CREW_EXIT_CODE) */
	CREW_EXEC = 'e',	/* execve() a program that sleeps */
	CREW_STOP = 's',	/* raise SIGSTOP */
};

#define CREW_EXIT_CODE	7

/* On a shared_page(). The first three are for the caller to set. */
struct crew {
	int size;		/* threads, the leader included, up to CREW_MAX */
	bool spin;		/* count in user space, do not sleep */
	bool mate;		/* have one more thread, which takes orders */

	int order[2];		/* pipe to the mate */
	pid_t pid;
	volatile pid_t tid[CREW_MAX + 1];	/* that of the mate is the last */
	volatile unsigned long count[CREW_MAX];
};

struct crew_place {
	struct crew *crew;
	int nr;
};

static inline void *__crew_work(void *arg)
{
	struct crew_place place = *(struct crew_place *)arg;
	struct crew *crew = place.crew;

	crew->tid[place.nr] = syscall(SYS_gettid);
	if (crew->spin)
		count_forever((void *)&crew->count[place.nr]);
	else
		pause_forever(NULL);
	return NULL;
}

/* What is left of a crew after CREW_EXEC: see __group_stop_exec(). */
#define CREW_ENV	"GROUP_STOP_EXEC=crew"
#define ACTOR_ENV	"GROUP_STOP_EXEC=actor"

static inline void exec_self(const char *env)
{
	char *argv[] = { "group_stop_exec", NULL };
	char *envp[] = { (char *)env, NULL };

	execve("/proc/self/exe", argv, envp);
	_exit(99);
}

static inline void *__crew_mate(void *arg)
{
	struct crew *crew = arg;
	char order;

	/* which spawn() has asked for in another thread; execve() keeps ours */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	crew->tid[CREW_MAX] = syscall(SYS_gettid);
	while (read(crew->order[0], &order, 1) == 1) {
		switch (order) {
		case CREW_EXIT:
			syscall(SYS_exit_group, CREW_EXIT_CODE);
			break;
		case CREW_EXEC:
			exec_self(CREW_ENV);
			break;
		case CREW_STOP:
			syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGSTOP);
			break;
		}
	}
	return NULL;
}

static inline void __crew_main(void *arg)
{
	struct crew_place place[CREW_MAX];
	struct crew *crew = arg;
	pthread_t thread;
	int i;

	/* not orphaned as long as our parent lives: SIGTSTP and such stop us */
	setpgid(0, 0);
	for (i = 0; i < crew->size; i++)
		place[i] = (struct crew_place){ crew, i };
	for (i = 1; i < crew->size; i++) {
		if (pthread_create(&thread, NULL, __crew_work, &place[i]))
			_exit(98);
	}
	if (crew->mate && pthread_create(&thread, NULL, __crew_mate, crew))
		_exit(98);
	__crew_work(&place[0]);
}

/* Start @crew and wait until all are at work. Returns its pid or -1 with errno. */
static inline pid_t crew_spawn(struct crew *crew)
{
	int i;

	memset((void *)crew->tid, 0, sizeof(crew->tid));
	memset((void *)crew->count, 0, sizeof(crew->count));
	if (pipe2(crew->order, O_CLOEXEC))
		return -1;

	crew->pid = spawn(__crew_main, crew);
	if (crew->pid < 0)
		return -1;

	for (i = 0; i <= CREW_MAX; i++) {
		const volatile pid_t *tid = &crew->tid[i];
		const long long deadline = now_ms() + DEADLINE_MS;
		unsigned int tries = 0;

		if (i == CREW_MAX ? !crew->mate : i >= crew->size)
			continue;
		while (!*tid && now_ms() < deadline)
			give_way(&tries);
		if (!*tid || ((!crew->spin || i == CREW_MAX) &&
			      wait_task_state(crew->pid, *tid, "S"))) {
			kill_and_reap(crew->pid);
			errno = ETIMEDOUT;
			return -1;
		}
	}
	return crew->pid;
}

/* Tell the mate of @crew what to do. */
static inline int crew_order(struct crew *crew, enum crew_order order)
{
	char c = order;

	return write(crew->order[1], &c, 1) == 1 ? 0 : -1;
}

/* Kill and reap @crew, and its threads if we trace them. */
static inline void crew_end(struct crew *crew)
{
	int i;

	if (crew->pid <= 0)
		return;
	kill(crew->pid, SIGKILL);
	for (i = 1; i <= CREW_MAX; i++) {
		if (crew->tid[i] > 0)
			kill_and_reap(crew->tid[i]);
	}
	kill_and_reap(crew->pid);
	close(crew->order[0]);
	close(crew->order[1]);
	crew->pid = 0;
}

/*
 * Whether thread @nr of @crew runs, or sleeps in its system call as it does when
 * no one bothers it. Waits for it to get there, DEADLINE_MS at most.
 */
static inline bool crew_runs(struct crew *crew, int nr)
{
	if (crew->spin)
		return wait_change(&crew->count[nr], crew->count[nr]);
	return !wait_task_state(crew->pid, crew->tid[nr], "S");
}

/* Seize all threads of @crew, but for the mate. Returns 0 or -1 with errno. */
static inline int crew_seize(struct crew *crew, unsigned long data)
{
	int i;

	for (i = 0; i < crew->size; i++) {
		if (sys_ptrace(PTRACE_SEIZE, crew->tid[i], 0, (void *)data))
			return -1;
	}
	return 0;
}

/*
 * Start a group stop by @sig of @crew, all of whose threads we trace and all of
 * which run. Returns 0 when all have reported their STOP traps, or -1: see
 * *@status for what was reported by *@nr instead.
 */
static inline int crew_stop(struct crew *crew, int sig, int *nr, int *status)
{
	*nr = 0;
	*status = -1;
	if (syscall(SYS_tgkill, crew->pid, crew->pid, sig))
		return -1;
	*status = wait_soon(crew->pid);
	if (*status != SIGNAL_STATUS(sig))
		return -1;
	if (cont(crew->pid, sig))
		return -1;
	for (*nr = 0; *nr < crew->size; ++*nr) {
		*status = wait_soon(crew->tid[*nr]);
		if (*status != STOP_STATUS(sig))
			return -1;
	}
	return 0;
}

/*
 * --- actor ---
 */

enum trap_kind {
	TRAP_SIGNAL,		/* signal-delivery-stop */
	TRAP_SYSCALL_ENTRY,
	TRAP_SYSCALL_EXIT,
	TRAP_EXEC,
	TRAP_FORK,
	TRAP_VFORK,
	TRAP_VFORK_DONE,
	TRAP_CLONE,
	TRAP_SECCOMP,
	TRAP_STEP,		/* single-step */
	TRAP_EXIT,
	TRAP_GROUP,		/* STOP trap, of a group stop */
	TRAP_INTERRUPTED,	/* STOP trap, of PTRACE_INTERRUPT */
};

/* PTRACE_O_* that @kind of trap needs. */
static inline unsigned long trap_options(enum trap_kind kind)
{
	static const unsigned long options[] = {
		[TRAP_SYSCALL_ENTRY] = PTRACE_O_TRACESYSGOOD,
		[TRAP_SYSCALL_EXIT] = PTRACE_O_TRACESYSGOOD,
		[TRAP_EXEC] = PTRACE_O_TRACEEXEC,
		[TRAP_FORK] = PTRACE_O_TRACEFORK,
		[TRAP_VFORK] = PTRACE_O_TRACEVFORK,
		[TRAP_VFORK_DONE] = PTRACE_O_TRACEVFORKDONE,
		[TRAP_CLONE] = PTRACE_O_TRACECLONE,
		[TRAP_SECCOMP] = PTRACE_O_TRACESECCOMP,
		[TRAP_EXIT] = PTRACE_O_TRACEEXIT,
		[TRAP_INTERRUPTED] = 0,
	};

	return options[kind];
}

/* The wait status of @kind of trap. */
static inline int trap_status(enum trap_kind kind)
{
	switch (kind) {
	case TRAP_SIGNAL:
		return SIGNAL_STATUS(SIGUSR1);
	case TRAP_SYSCALL_ENTRY:
	case TRAP_SYSCALL_EXIT:
		return SIGNAL_STATUS(SIGTRAP | 0x80);
	case TRAP_EXEC:
		return EVENT_STATUS(PTRACE_EVENT_EXEC);
	case TRAP_FORK:
		return EVENT_STATUS(PTRACE_EVENT_FORK);
	case TRAP_VFORK:
		return EVENT_STATUS(PTRACE_EVENT_VFORK);
	case TRAP_VFORK_DONE:
		return EVENT_STATUS(PTRACE_EVENT_VFORK_DONE);
	case TRAP_CLONE:
		return EVENT_STATUS(PTRACE_EVENT_CLONE);
	case TRAP_SECCOMP:
		return EVENT_STATUS(PTRACE_EVENT_SECCOMP);
	case TRAP_STEP:
		return SIGNAL_STATUS(SIGTRAP);
	case TRAP_EXIT:
		return EVENT_STATUS(PTRACE_EVENT_EXIT);
	case TRAP_GROUP:
		return STOP_STATUS(SIGSTOP);
	case TRAP_INTERRUPTED:
		return STOP_STATUS(SIGTRAP);
	}
	return -1;
}

/* The actor's page stays with it over execve(), under this number. */
#define ACTOR_FD	100

/* On an actor_page(). The first three are for the caller to set. */
struct actor {
	enum trap_kind kind;
	bool mate;		/* have another thread, which sleeps */
	bool mate_vforks;	/* ... in vfork(), where no stop signal reaches it */

	volatile pid_t mate_tid;
	volatile int go;
	volatile int hold;	/* keep the child of a vfork() from exiting */
	volatile int park;	/* stay in user space after the trap */
	/* 0 before SIGUSR1, 1 after it, 2 after the trap, 3 after SIGUSR2 */
	volatile unsigned long progress;
};

#define ACTOR_EXIT_CODE	9

static inline struct actor *actor_page(void)
{
	int fd = memfd_create("actor", 0);
	void *p = MAP_FAILED;

	if (fd < 0)
		return NULL;
	if (!ftruncate(fd, getpagesize()) && dup2(fd, ACTOR_FD) == ACTOR_FD)
		p = mmap(NULL, getpagesize(), PROT_READ | PROT_WRITE, MAP_SHARED,
			 ACTOR_FD, 0);
	close(fd);
	return p == MAP_FAILED ? NULL : p;
}

/* A signal to itself, and nothing but one system call. */
static inline void self_signal(int sig)
{
	syscall(SYS_tkill, syscall(SYS_gettid), sig);
}

static inline void __actor_rest(struct actor *actor)
{
	actor->progress = 2;
	while (actor->park)
		sched_yield();
	self_signal(SIGUSR2);
	actor->progress = 3;
	pause_forever(NULL);
}

/* In a program that has been started by exec_self(): act, don't run tests. */
static __attribute__((constructor, used)) void __group_stop_exec(void)
{
	const char *what = getenv("GROUP_STOP_EXEC");
	void *page;

	if (!what)
		return;
	if (!strcmp(what, "actor")) {
		page = mmap(NULL, getpagesize(), PROT_READ | PROT_WRITE, MAP_SHARED,
			    ACTOR_FD, 0);
		if (page == MAP_FAILED)
			_exit(97);
		__actor_rest(page);
	}
	pause_forever(NULL);
}

static inline void *__actor_mate(void *arg)
{
	struct actor *actor = arg;

	if (actor)
		actor->mate_tid = syscall(SYS_gettid);
	if (actor && actor->mate_vforks && !vfork()) {
		/* it has no other end when the mate is gone */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pause_forever(NULL);
	}
	pause_forever(NULL);
	return NULL;
}

static inline void __actor_seccomp(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = {
		.len = ARRAY_SIZE(filter),
		.filter = filter,
	};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog))
		_exit(96);
}

static inline void __actor_main(void *arg)
{
	struct actor *actor = arg;
	pthread_t thread;
	sigset_t set;
	pid_t pid;

	/* no signal-delivery-stop for the end of a child */
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);

	if (actor->mate && pthread_create(&thread, NULL, __actor_mate, actor))
		_exit(98);
	while (!actor->go || (actor->mate && !actor->mate_tid))
		sched_yield();
	if (actor->kind == TRAP_SECCOMP)
		__actor_seccomp();

	self_signal(SIGUSR1);
	actor->progress = 1;
	switch (actor->kind) {
	case TRAP_EXEC:
		exec_self(ACTOR_ENV);
		break;
	case TRAP_FORK:
		if (!fork())
			_exit(0);
		break;
	case TRAP_VFORK:
	case TRAP_VFORK_DONE:
		pid = vfork();
		if (!pid) {
			while (actor->hold)
				sched_yield();
			_exit(0);
		}
		break;
	case TRAP_CLONE:
		pthread_create(&thread, NULL, __actor_mate, NULL);
		break;
	case TRAP_EXIT:
		syscall(SYS_exit_group, ACTOR_EXIT_CODE);
		break;
	default:
		syscall(SYS_getppid);
		break;
	}
	__actor_rest(actor);
}

/* Start @actor, which waits until it is led. Returns its pid or -1 with errno. */
static inline pid_t actor_spawn(struct actor *actor)
{
	actor->go = 0;
	actor->mate_tid = 0;
	actor->progress = 0;
	return spawn(__actor_main, actor);
}

/*
 * Kill and reap the actor @pid, its @child if we trace that and know it (else 0),
 * and whoever else is there for us to wait for. Leads them out of an exit trap,
 * too, which SIGKILL does not end.
 */
static inline void actor_end(pid_t pid, pid_t child)
{
	int status;
	pid_t any;

	if (pid <= 0)
		return;
	if (child > 0)
		kill(child, SIGKILL);
	kill(pid, SIGKILL);
	cont(pid, 0);
	for (;;) {
		any = wait4(-1, &status, __WALL, NULL);
		if (any < 0 && errno != EINTR)
			break;
		if (any > 0 && WIFSTOPPED(status)) {
			kill(any, SIGKILL);
			cont(any, 0);
		}
	}
}

/*
 * Lead the actor @pid, which we trace with trap_options(), into its trap. Returns
 * the wait status of the last trap it took: trap_status(), or where it got lost.
 */
static inline int actor_lead(struct actor *actor, pid_t pid)
{
	long request = PTRACE_CONT;
	unsigned long sig = 0;
	int status;

	actor->go = 1;
	status = wait_soon(pid);
	if (status != SIGNAL_STATUS(SIGUSR1) || actor->kind == TRAP_SIGNAL)
		return status;

	switch (actor->kind) {
	case TRAP_SYSCALL_ENTRY:
	case TRAP_SYSCALL_EXIT:
		request = PTRACE_SYSCALL;
		break;
	case TRAP_STEP:
		request = PTRACE_SINGLESTEP;
		break;
	case TRAP_GROUP:
		sig = SIGSTOP;
		break;
	case TRAP_INTERRUPTED:
		if (interrupt(pid))
			return -1;
		break;
	default:
		break;
	}

	if (sys_ptrace(request, pid, 0, (void *)sig))
		return -1;
	status = wait_soon(pid);

	if (actor->kind == TRAP_SYSCALL_EXIT &&
	    status == trap_status(TRAP_SYSCALL_EXIT)) {
		if (sys_ptrace(request, pid, 0, NULL))
			return -1;
		status = wait_soon(pid);
	}
	return status;
}

#endif /* GROUP_STOP_TRACEE_H */
