// SPDX-License-Identifier: GPL-2.0
/*
 * Without PTRACE_SEIZE_DEVEL nothing changes: promise seize-plain.
 *
 * A list of scenarios with tracers of today: PTRACE_SEIZE without the flag,
 * PTRACE_ATTACH and PTRACE_TRACEME. Each writes down what it does and sees, a fact a
 * line: every wait status, every byte of siginfo, every return value and errno,
 * PTRACE_GETEVENTMSG and what PTRACE_GET_SYSCALL_INFO takes a trap for.
 *
 *	gstop_plain --record	prints that, to be compared between two kernels
 *	gstop_plain		compares it with proof_plain.golden.h, which was
 *				recorded on a kernel without the series
 *
 * That is: the output of --record, each line as a string in C, with its newline.
 *
 * What would differ from run to run is left out or given a name: pids, our uid, the
 * times in the siginfo of a SIGCHLD. Everything is sequenced by events, what is
 * looked at is at rest; and signals are sent to threads, not to processes. The words
 * of siginfo are counted from where its union begins, so that the transcript of a
 * 32-bit build is the same.
 */
#include "old/group_stop.h"
#include "../kselftest_harness.h"
#include "old/group_stop_tracee.h"

#include "proof_plain.golden.h"

/*
 * --- The recorder ---
 */

static char transcript[1 << 15];
static size_t transcript_len;

static struct {
	pid_t pid;
	const char *name;
} known[16];

static void __attribute__((format(printf, 1, 2))) rec(const char *fmt, ...)
{
	const size_t room = sizeof(transcript) - transcript_len;
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(transcript + transcript_len, room, fmt, ap);
	va_end(ap);
	if (len < 0 || (size_t)len >= room)
		abort();
	transcript_len += len;
}

/* From now on @pid goes by @name. */
static void know(pid_t pid, const char *name)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(known); i++) {
		if (known[i].pid == pid || !known[i].pid) {
			known[i].pid = pid;
			known[i].name = name;
			return;
		}
	}
	abort();
}

/* The name of @value if it is a pid that we know, else NULL. */
static const char *name_of(unsigned long value)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(known) && known[i].pid; i++) {
		if ((unsigned long)known[i].pid == value)
			return known[i].name;
	}
	return NULL;
}

/* @value, or the pid that it is. */
static void rec_value(unsigned long value)
{
	const char *name = name_of(value);

	if (name)
		rec(" %s", name);
	else
		rec(" %#lx", value);
}

static const char *error_name(int error)
{
	static char number[16];

	switch (error) {
	case EPERM:
		return "EPERM";
	case ESRCH:
		return "ESRCH";
	case EIO:
		return "EIO";
	case ECHILD:
		return "ECHILD";
	case EFAULT:
		return "EFAULT";
	case EINVAL:
		return "EINVAL";
	}
	snprintf(number, sizeof(number), "errno %d", error);
	return number;
}

/* The result of a system call, @ret, and the end of the line. */
static void rec_ret(long ret)
{
	if (ret == -1)
		rec(": %s\n", error_name(errno));
	else
		rec(": %ld\n", ret);
}

/* @si, of a task that is at @ip in user space if that is known, or 0. */
static void rec_siginfo(const siginfo_t *si, unsigned long ip)
{
	const size_t head = offsetof(siginfo_t, si_pid);
	const size_t words = (sizeof(*si) - head) / 4;
	__u32 word[words];
	const char *name;
	size_t i;

	memcpy(word, (const char *)si + head, sizeof(word));
	rec(" signo %d errno %d", si->si_signo, si->si_errno);
	/* which differs between architectures in its code and its address */
	if (ip && is_single_step(si, ip)) {
		rec(" single-step");
		memset(word, 0, sizeof(ip));
	} else {
		rec(" code %#x", si->si_code);
	}

	/* si_pid and si_uid, where they are that */
	name = name_of(word[0]);
	if (name && word[0]) {
		rec(" %s%s", name, word[1] == getuid() ? " uid" : " other-uid");
		word[0] = 0;
		word[1] = 0;
	}
	/* si_utime and si_stime: time that has been spent */
	if (si->si_signo == SIGCHLD && si->si_code > 0 && si->si_code <= CLD_CONTINUED) {
		for (i = 3; i < words; i++)
			word[i] = 0;
	}
	for (i = 0; i < words; i++) {
		if (word[i])
			rec(" [%zu] %#x", 4 * i, word[i]);
	}
	rec("\n");
}

/* A request. Returns what ptrace() returns. */
static long req(const char *name, long request, pid_t pid, unsigned long addr,
		unsigned long data)
{
	long ret = sys_ptrace(request, pid, addr, (void *)data);

	rec("%s", name);
	rec_value(pid);
	if (addr || data) {
		rec_value(addr);
		rec_value(data);
	}
	rec_ret(ret);
	return ret;
}

#define REQ(request, pid, data)	req(#request, PTRACE_##request, pid, 0, data)

/* A signal to thread @tid of @pid. */
static void sig(pid_t pid, pid_t tid, int signo)
{
	long ret = syscall(SYS_tgkill, pid, tid, signo);

	rec("kill");
	rec_value(tid);
	rec(" %d", signo);
	rec_ret(ret);
}

/* Which system call an entry or seccomp trap tells of; those that actors make. */
static const char *syscall_name(__u64 nr)
{
	return nr == SYS_getppid ? "getppid" : nr == SYS_execve ? "execve" : "other";
}

/*
 * All that there is to tell about the trap of @pid: the siginfo, and the message and
 * the system call if there are any.
 */
static void look(pid_t pid)
{
	/* the head, and the number of the system call or its result */
	struct {
		struct tracee_where where;
		__u64 nr;
		__u8 is_error;
		__u8 rest[7];
	} info;
	unsigned long msg = 0;
	siginfo_t si;
	int no_siginfo = 0;
	long ret;

	memset(&info, 0, sizeof(info));
	memset(&si, 0, sizeof(si));
	if (sys_ptrace(PTRACE_GETSIGINFO, pid, 0, &si))
		no_siginfo = errno;
	rec("  look");
	rec_value(pid);

	ret = sys_ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info);
	if (ret < 0)
		rec(" syscall %s", error_name(errno));
	else if (info.where.op == 3 && si.si_signo != SIGTRAP)
		/* pretends to be one: what the registers say depends on the machine */
		rec(" syscall op %d", info.where.op);
	else if (info.where.op == 1 || info.where.op == 3)
		rec(" syscall op %d %s", info.where.op, syscall_name(info.nr));
	else if (info.where.op)
		rec(" syscall op %d %s", info.where.op, info.is_error ? "error" : "ok");

	if (sys_ptrace(PTRACE_GETEVENTMSG, pid, 0, &msg)) {
		rec(" message %s", error_name(errno));
	} else if (msg) {
		rec(" message");
		rec_value(msg);
	}

	if (no_siginfo)
		rec(" siginfo %s\n", error_name(no_siginfo));
	else
		rec_siginfo(&si, info.where.ip);
}

/* The next that is to be waited for of @pid; if it is trapped, all about that. */
static int next(pid_t pid)
{
	int status = wait_soon(pid);

	rec("wait");
	rec_value(pid);
	if (status == -1)
		rec(": %s\n", error_name(errno));
	else if (!status)
		rec(": timeout or exit 0\n");
	else
		rec(": %#x\n", status);
	if (status > 0 && WIFSTOPPED(status))
		look(pid);
	return status;
}

/* What is to be waited for of @pid right now. */
static void now(pid_t pid)
{
	siginfo_t si;
	int ret;

	ret = sys_waitid(pid, &si, WSTOPPED | WCONTINUED | WEXITED | WNOHANG | WNOWAIT |
			 __WALL);
	rec("now");
	rec_value(pid);
	if (ret || !si.si_pid)
		rec(": %s\n", ret ? error_name(errno) : "nothing");
	else
		rec_siginfo(&si, 0);
}

/* Wait until thread @tid of @pid is in one of the states @states, and is it. */
static void state(pid_t pid, pid_t tid, const char *states)
{
	wait_task_state(pid, tid, states);
	rec("state");
	rec_value(tid);
	rec(": %c\n", task_state(pid, tid) ?: '-');
}

/*
 * --- The scenes ---
 */

static struct crew *crew;
static struct actor *actor;

/* A crew of @size that sleeps, with a mate if @mate. Returns its pid. */
static pid_t start_crew(int size, bool mate)
{
	static const char * const names[] = { "tracee", "thread1", "thread2" };
	int i;

	crew->size = size;
	crew->spin = false;
	crew->mate = mate;
	if (crew_spawn(crew) < 0)
		abort();
	know(getpid(), "tracer");
	for (i = 0; i < size; i++)
		know(crew->tid[i], names[i]);
	if (mate)
		know(crew->tid[CREW_MAX], "mate");
	return crew->pid;
}

static pid_t start_actor(enum trap_kind kind)
{
	pid_t pid;

	actor->kind = kind;
	actor->mate = false;
	pid = actor_spawn(actor);
	if (pid < 0)
		abort();
	know(getpid(), "tracer");
	know(pid, "tracee");
	return pid;
}

static const int stop_signals[] = { SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU };

/* A group stop of all that is traced of the crew, from signal to traps. */
static void group_stop(int signo)
{
	int i;

	sig(crew->pid, crew->pid, signo);
	next(crew->pid);
	REQ(CONT, crew->pid, signo);
	for (i = 0; i < crew->size; i++)
		next(crew->tid[i]);
}

static void seize_crew(void)
{
	int i;

	for (i = 0; i < crew->size; i++)
		REQ(SEIZE, crew->tid[i], 0);
}

/* Attach, talk to a running tracee, interrupt, resume, detach. */
static void do_seize(int size)
{
	const pid_t pid = start_crew(size, false);
	int i;

	seize_crew();
	now(pid);
	REQ(SEIZE, pid, 0);
	REQ(ATTACH, pid, 0);
	REQ(CONT, pid, 0);
	REQ(LISTEN, pid, 0);
	REQ(DETACH, pid, 0);
	look(pid);
	for (i = 0; i < size; i++) {
		REQ(INTERRUPT, crew->tid[i], 0);
		next(crew->tid[i]);
		now(crew->tid[i]);
		REQ(CONT, crew->tid[i], 0);
		state(pid, crew->tid[i], "S");
		now(crew->tid[i]);
	}
	for (i = 0; i < size; i++) {
		REQ(INTERRUPT, crew->tid[i], 0);
		next(crew->tid[i]);
		REQ(INTERRUPT, crew->tid[i], 0);
		now(crew->tid[i]);
		REQ(CONT, crew->tid[i], 0);
		next(crew->tid[i]);
		REQ(DETACH, crew->tid[i], 0);
		state(pid, crew->tid[i], "S");
	}
	now(pid);
}

/*
 * What PTRACE_SEIZE and PTRACE_SETOPTIONS say to every bit. But for the flag, and all
 * that a sign extension makes of it in a 32-bit build; and for the option that depends
 * on privileges and on the kernel's configuration.
 */
static void do_options(int unused)
{
	const pid_t pid = start_crew(1, false);
	unsigned long data;
	int bit;

	for (bit = 0; bit < 31; bit++) {
		data = 1UL << bit;
		if (data == PTRACE_O_SUSPEND_SECCOMP || REQ(SEIZE, pid, data))
			continue;
		REQ(INTERRUPT, pid, 0);
		next(pid);
		REQ(DETACH, pid, 0);
	}
	req("SEIZE", PTRACE_SEIZE, pid, 1, 0);
	req("SEIZE", PTRACE_SEIZE, pid, 1, PTRACE_O_TRACEEXIT);
	req("SEIZE", PTRACE_SEIZE, 0, 0, 0);
	req("SEIZE", PTRACE_SEIZE, getpid(), 0, 0);

	REQ(SEIZE, pid, 0);
	REQ(SETOPTIONS, pid, 0);
	REQ(INTERRUPT, pid, 0);
	next(pid);
	for (bit = 0; bit < 32; bit++) {
		data = 1UL << bit;
		if (data != PTRACE_O_SUSPEND_SECCOMP)
			REQ(SETOPTIONS, pid, data);
	}
}

/* Attach to a stopped task, by each of the ways to stop it. */
static void do_seize_stopped(int size)
{
	unsigned int k;
	pid_t pid;
	int i;

	pid = start_crew(size, false);
	for (k = 0; k < ARRAY_SIZE(stop_signals); k++) {
		sig(pid, pid, stop_signals[k]);
		for (i = 0; i < size; i++)
			state(pid, crew->tid[i], "T");
		now(pid);
		for (i = 0; i < size; i++) {
			REQ(SEIZE, crew->tid[i], 0);
			now(crew->tid[i]);
			next(crew->tid[i]);
		}
		for (i = 0; i < size; i++) {
			REQ(DETACH, crew->tid[i], 0);
			state(pid, crew->tid[i], "T");
		}
		now(pid);
		sig(pid, pid, SIGCONT);
		for (i = 0; i < size; i++)
			state(pid, crew->tid[i], "S");
		now(pid);
	}
}

/* A group stop while the tracees stay trapped: SIGCONT waits for the resume. */
static void do_group_stop(int size)
{
	unsigned int k;
	pid_t pid;
	int i;

	pid = start_crew(size, false);
	seize_crew();
	for (k = 0; k < ARRAY_SIZE(stop_signals); k++) {
		group_stop(stop_signals[k]);

		/* a second stop signal, resumed and suppressed */
		for (i = 0; i < size; i++)
			REQ(CONT, crew->tid[i], 0);
		for (i = 0; i < size; i++) {
			state(pid, crew->tid[i], "S");
			REQ(INTERRUPT, crew->tid[i], 0);
			next(crew->tid[i]);
		}

		sig(pid, pid, SIGCONT);
		for (i = 0; i < size; i++) {
			now(crew->tid[i]);
			look(crew->tid[i]);
		}
		for (i = size - 1; i >= 0; i--) {
			REQ(CONT, crew->tid[i], 0);
			next(crew->tid[i]);
			REQ(CONT, crew->tid[i], 0);
			if (!i)
				next(pid);
		}
		REQ(CONT, pid, SIGCONT);
		for (i = 0; i < size; i++) {
			state(pid, crew->tid[i], "S");
			now(crew->tid[i]);
		}
	}
}

/* Stopped again, by another signal, before the first stop has been continued. */
static void do_group_stop_twice(int size)
{
	pid_t pid = start_crew(size, false);
	int i;

	seize_crew();
	group_stop(SIGSTOP);
	for (i = 0; i < size; i++)
		REQ(CONT, crew->tid[i], 0);
	for (i = 0; i < size; i++)
		state(pid, crew->tid[i], "S");
	group_stop(SIGTSTP);
	for (i = 0; i < size; i++) {
		REQ(DETACH, crew->tid[i], 0);
		state(pid, crew->tid[i], "T");
	}
}

/* Started by a thread that nobody traces, seen and not seen by those traced. */
static void do_group_stop_untraced(int size)
{
	const pid_t pid = start_crew(size, true);
	int i;

	seize_crew();
	/* the last one runs, the others are trapped already */
	for (i = 0; i < size - 1; i++) {
		REQ(INTERRUPT, crew->tid[i], 0);
		next(crew->tid[i]);
	}
	crew_order(crew, CREW_STOP);
	state(pid, crew->tid[CREW_MAX], "T");
	next(crew->tid[size - 1]);
	for (i = 0; i < size - 1; i++) {
		now(crew->tid[i]);
		look(crew->tid[i]);
		REQ(CONT, crew->tid[i], 0);
		next(crew->tid[i]);
	}
	now(pid);
	sig(pid, crew->tid[CREW_MAX], SIGCONT);
	state(pid, crew->tid[CREW_MAX], "S");
	for (i = 0; i < size; i++) {
		now(crew->tid[i]);
		REQ(CONT, crew->tid[i], 0);
		next(crew->tid[i]);
		REQ(CONT, crew->tid[i], 0);
		state(pid, crew->tid[i], "S");
	}
}

/* LISTEN: what it refuses, what ends it, what does not. */
static void do_listen(int size)
{
	const pid_t pid = start_crew(size, false);
	int i;

	seize_crew();
	group_stop(SIGSTOP);
	for (i = 0; i < size; i++) {
		REQ(LISTEN, crew->tid[i], 0);
		now(crew->tid[i]);
		look(crew->tid[i]);
		REQ(CONT, crew->tid[i], 0);
		REQ(LISTEN, crew->tid[i], 0);
		REQ(DETACH, crew->tid[i], 0);
		REQ(INTERRUPT, crew->tid[i], 0);
		next(crew->tid[i]);
		now(crew->tid[i]);
		REQ(LISTEN, crew->tid[i], 0);
	}

	sig(pid, pid, SIGCONT);
	for (i = 0; i < size; i++)
		next(crew->tid[i]);
	/* no group stop now, and still a trap to listen in */
	for (i = 0; i < size; i++) {
		REQ(LISTEN, crew->tid[i], 0);
		now(crew->tid[i]);
	}
	sig(pid, pid, SIGCONT);
	for (i = 0; i < size; i++)
		next(crew->tid[i]);

	/* a notification that is pending ends it at once; SIGCONT sets one */
	sig(pid, pid, SIGCONT);
	for (i = 0; i < size; i++) {
		now(crew->tid[i]);
		REQ(LISTEN, crew->tid[i], 0);
		next(crew->tid[i]);
	}
	/* an interrupt that is pending does not */
	for (i = 0; i < size; i++) {
		REQ(INTERRUPT, crew->tid[i], 0);
		REQ(LISTEN, crew->tid[i], 0);
		state(pid, crew->tid[i], "t");
		now(crew->tid[i]);
		REQ(INTERRUPT, crew->tid[i], 0);
		next(crew->tid[i]);
	}
	for (i = size - 1; i >= 0; i--)
		REQ(CONT, crew->tid[i], 0);
	next(pid);
	REQ(LISTEN, pid, 0);
	REQ(CONT, pid, 0);
	state(pid, pid, "S");
}

/* Signals of all sorts to a seized, and to an attached tracee. */
static void do_signals(int attach)
{
	static const int signals[] = { SIGUSR1, SIGCHLD, SIGCONT, SIGURG, SIGTERM };
	const pid_t pid = start_crew(1, false);
	unsigned int i;
	union sigval value = { .sival_int = 42 };

	if (attach) {
		REQ(ATTACH, pid, 0);
		next(pid);
		REQ(INTERRUPT, pid, 0);
		REQ(LISTEN, pid, 0);
		REQ(CONT, pid, 0);
	} else {
		REQ(SEIZE, pid, 0);
	}
	for (i = 0; i < ARRAY_SIZE(signals); i++) {
		sig(pid, pid, signals[i]);
		/* SIGCONT notifies: a tracee that is seized has a trap for that first */
		if (signals[i] == SIGCONT && !attach) {
			next(pid);
			REQ(CONT, pid, 0);
		}
		next(pid);
		REQ(LISTEN, pid, 0);
		REQ(CONT, pid, 0);
		state(pid, pid, "S");
	}
	rec("sigqueue");
	rec_ret(sigqueue(pid, SIGUSR2, value));
	next(pid);
	REQ(CONT, pid, SIGURG);
	state(pid, pid, "S");

	sig(pid, pid, SIGTERM);
	next(pid);
	REQ(CONT, pid, SIGTERM);
	next(pid);
	now(pid);
	REQ(INTERRUPT, pid, 0);
}

/* Group stops of a tracee that is attached the old way. */
static void do_attach(int size)
{
	unsigned int k;
	pid_t pid;
	int i;

	pid = start_crew(size, false);
	for (i = 0; i < size; i++) {
		REQ(ATTACH, crew->tid[i], 0);
		next(crew->tid[i]);
		REQ(CONT, crew->tid[i], 0);
		state(pid, crew->tid[i], "S");
	}
	for (k = 0; k < ARRAY_SIZE(stop_signals); k++) {
		group_stop(stop_signals[k]);
		REQ(LISTEN, pid, 0);
		REQ(INTERRUPT, pid, 0);
		sig(pid, pid, SIGCONT);
		for (i = size - 1; i >= 0; i--) {
			now(crew->tid[i]);
			look(crew->tid[i]);
			REQ(CONT, crew->tid[i], 0);
		}
		next(pid);
		REQ(CONT, pid, SIGCONT);
		for (i = 0; i < size; i++)
			state(pid, crew->tid[i], "S");
	}
	group_stop(SIGSTOP);
	for (i = 0; i < size; i++) {
		REQ(DETACH, crew->tid[i], 0);
		state(pid, crew->tid[i], "T");
	}
	now(pid);

	/* and attach to what is stopped already */
	for (i = 0; i < size; i++) {
		REQ(ATTACH, crew->tid[i], 0);
		next(crew->tid[i]);
	}
	sig(pid, pid, SIGCONT);
	for (i = size - 1; i >= 0; i--) {
		REQ(CONT, crew->tid[i], 0);
		if (i) {
			state(pid, crew->tid[i], "S");
		} else {
			next(pid);
			REQ(DETACH, pid, SIGCONT);
		}
	}
	state(pid, pid, "S");
	now(pid);
}

static void traceme_main(void *arg)
{
	sys_ptrace(PTRACE_TRACEME, 0, 0, NULL);
	__actor_main(arg);
}

/* TRACEME, up to the SIGTRAP of an execve() that is not an event. */
static void do_traceme(int unused)
{
	pid_t pid;

	actor->kind = TRAP_EXEC;
	actor->go = 1;
	pid = spawn(traceme_main, actor);
	know(getpid(), "tracer");
	know(pid, "tracee");
	next(pid);
	REQ(INTERRUPT, pid, 0);
	REQ(LISTEN, pid, 0);
	REQ(CONT, pid, SIGSTOP);
	next(pid);
	REQ(LISTEN, pid, 0);
	sig(pid, pid, SIGCONT);
	now(pid);
	REQ(CONT, pid, 0);
	next(pid);
	REQ(CONT, pid, 0);
	next(pid);
	REQ(CONT, pid, 0);
	next(pid);
	REQ(DETACH, pid, 0);
	state(pid, pid, "S");
}

/* The way of an actor through its trap; what is pending for it meanwhile. */
enum pending {
	PENDING_NOTHING,
	PENDING_INTERRUPT,
	PENDING_NOTIFY,
};

static void do_trap(enum trap_kind kind, bool attach, enum pending pending)
{
	const unsigned long options = trap_options(kind);
	pid_t pid, child = 0;
	int status;

	pid = start_actor(kind);
	if (attach) {
		REQ(ATTACH, pid, 0);
		next(pid);
		REQ(SETOPTIONS, pid, options);
		REQ(CONT, pid, 0);
	} else {
		REQ(SEIZE, pid, options);
	}
	status = actor_lead(actor, pid);
	if (kind == TRAP_FORK || kind == TRAP_VFORK || kind == TRAP_CLONE) {
		child = sys_eventmsg(pid);
		know(child, "child");
	} else if (kind == TRAP_VFORK_DONE) {
		know(sys_eventmsg(pid), "child");
	}
	rec("led to %#x\n", status);
	look(pid);
	now(pid);
	if (child)
		next(child);

	if (pending == PENDING_INTERRUPT)
		REQ(INTERRUPT, pid, 0);
	if (pending == PENDING_NOTIFY)
		sig(pid, pid, SIGCONT);
	now(pid);
	if (!REQ(LISTEN, child ? child : pid, 0) && !child) {
		/* a notification ends that at once, an interrupt that is pending not */
		if (pending != PENDING_NOTIFY)
			REQ(INTERRUPT, pid, 0);
		next(pid);
	}
	if (child)
		kill(child, SIGKILL);

	/* on to what comes after it, until its own end */
	for (;;) {
		if (REQ(CONT, pid, 0))
			break;
		status = next(pid);
		if (status <= 0 || !WIFSTOPPED(status) ||
		    status == SIGNAL_STATUS(SIGUSR2))
			break;
	}
	REQ(DETACH, pid, 0);
}

static void do_trap_seize(int kind)
{
	do_trap(kind, false, PENDING_NOTHING);
}

static void do_trap_attach(int kind)
{
	do_trap(kind, true, PENDING_NOTHING);
}

static void do_trap_interrupt(int kind)
{
	do_trap(kind, false, PENDING_INTERRUPT);
}

static void do_trap_notify(int kind)
{
	do_trap(kind, false, PENDING_NOTIFY);
}

/* PTRACE_SETSIGINFO of what it is not, in a trap of one kind or another. */
static void do_forge(int kind)
{
	static const int codes[] = {
		SI_USER, SIGTRAP, SIGTRAP | 0x80, SIGTRAP | (PTRACE_EVENT_STOP << 8),
		SIGSTOP | (PTRACE_EVENT_STOP << 8), SIGTRAP | (PTRACE_EVENT_SECCOMP << 8),
		SIGTRAP | (PTRACE_EVENT_EXEC << 8),
	};
	pid_t pid = start_actor(kind);
	unsigned int i;
	siginfo_t si;
	long ret;

	REQ(SEIZE, pid, trap_options(kind));
	rec("led to %#x\n", actor_lead(actor, pid));
	for (i = 0; i < ARRAY_SIZE(codes); i++) {
		/* si_pid and si_uid only: there is no more for such codes in 32-bit */
		memset(&si, 0, sizeof(si));
		si.si_signo = SIGUSR1;
		si.si_errno = 5;
		si.si_code = codes[i];
		si.si_pid = 0x5a5a5a5a;
		si.si_uid = 0x5b5b5b5b;
		ret = sys_ptrace(PTRACE_SETSIGINFO, pid, 0, &si);
		rec("SETSIGINFO %#x", codes[i]);
		rec_ret(ret);
		look(pid);
		now(pid);

		/* LISTEN takes the siginfo's word for what the trap is */
		if (REQ(LISTEN, pid, 0))
			continue;
		look(pid);
		now(pid);
		REQ(INTERRUPT, pid, 0);
		next(pid);
	}
	REQ(CONT, pid, 0);
	next(pid);
}

/* A signal that a task queues for itself and that looks like a STOP trap. */
static void pretender_main(void *unused)
{
	siginfo_t si;

	memset(&si, 0, sizeof(si));
	si.si_signo = SIGUSR1;
	si.si_code = SIGTRAP | (PTRACE_EVENT_STOP << 8);
	si.si_pid = 1;
	si.si_uid = 2;
	syscall(SYS_rt_tgsigqueueinfo, getpid(), syscall(SYS_gettid), SIGUSR1, &si);
	pause_forever(NULL);
}

static void pretend_wait(void *arg)
{
	while (!actor->go)
		sched_yield();
	pretender_main(arg);
}

static void do_pretend(int listen)
{
	pid_t pid;

	actor->go = 0;
	pid = spawn(pretend_wait, NULL);
	know(getpid(), "tracer");
	know(pid, "tracee");
	REQ(SEIZE, pid, 0);
	actor->go = 1;
	next(pid);
	if (listen) {
		REQ(LISTEN, pid, 0);
		look(pid);
		now(pid);
		sig(pid, pid, SIGCONT);
		next(pid);
		REQ(CONT, pid, 0);
		next(pid);
	}
	REQ(INTERRUPT, pid, 0);
	now(pid);
	REQ(CONT, pid, 0);
	next(pid);
	REQ(CONT, pid, 0);
	state(pid, pid, "S");
}

/* Detach from where it can be done, with and without a signal. */
static void do_detach(int signo)
{
	pid_t pid;
	int i;

	pid = start_crew(1, false);
	for (i = 0; i < 6; i++) {
		rec("round %d\n", i);
		REQ(SEIZE, pid, 0);
		switch (i) {
		case 0:
			REQ(INTERRUPT, pid, 0);
			next(pid);
			break;
		case 1:
			sig(pid, pid, SIGUSR1);
			next(pid);
			break;
		case 2:
			group_stop(SIGSTOP);
			break;
		case 3:
			group_stop(SIGSTOP);
			REQ(INTERRUPT, pid, 0);
			break;
		case 4:
			group_stop(SIGSTOP);
			sig(pid, pid, SIGCONT);
			break;
		case 5:
			REQ(INTERRUPT, pid, 0);
			next(pid);
			sig(pid, pid, SIGCONT);
			REQ(INTERRUPT, pid, 0);
			break;
		}
		REQ(DETACH, pid, signo);
		state(pid, pid, i == 2 || i == 3 ? "T" : "S");
		now(pid);
		kill(pid, SIGCONT);
		state(pid, pid, "S");
		if (waitpid(pid, NULL, WNOHANG | WCONTINUED) == pid)
			rec("continued\n");
	}
}

/* SIGKILL, and exit_group() by a thread that is not traced, in every state. */
static void do_end(int order)
{
	int i, k, status;
	pid_t pid;

	for (i = 0; i < 6; i++) {
		pid = start_crew(2, true);
		rec("round %d\n", i);
		seize_crew();
		switch (i) {
		case 0:
			break;
		case 1:
		case 2:
		case 3:
			for (k = 0; k < 2; k++) {
				REQ(INTERRUPT, crew->tid[k], 0);
				next(crew->tid[k]);
				if (i == 2)
					REQ(INTERRUPT, crew->tid[k], 0);
				if (i == 3)
					REQ(LISTEN, crew->tid[k], 0);
			}
			break;
		case 4:
		case 5:
			group_stop(SIGSTOP);
			for (k = 0; k < 2; k++) {
				if (i == 5)
					REQ(LISTEN, crew->tid[k], 0);
			}
			break;
		}
		if (order) {
			/* who is stopped does not hear it, until it is continued */
			crew_order(crew, order);
			if (i >= 4)
				kill(pid, SIGCONT);
		} else {
			kill(pid, SIGKILL);
		}
		/* they may have had a trap to take on the way; that is reaped or not */
		for (k = 1; k >= 0; k--) {
			do {
				status = wait_soon(crew->tid[k]);
			} while (status > 0 && WIFSTOPPED(status));
			rec("end");
			rec_value(crew->tid[k]);
			rec(": %#x\n", status);
		}
		now(pid);
		crew_end(crew);
		memset(known, 0, sizeof(known));
	}
}

struct family {
	volatile unsigned long ready;
	volatile unsigned long go;
	int kind;
};

/* Another tracer of the crew, which dies in one state or another. */
static void mortal_main(void *arg)
{
	struct family *family = arg;
	int nr, status;

	if (crew_seize(crew, 0))
		return;
	switch (family->kind) {
	case 1:
		interrupt(crew->pid);
		wait_soon(crew->pid);
		break;
	case 2:
	case 3:
	case 4:
	case 5:
		crew_stop(crew, SIGSTOP, &nr, &status);
		if (family->kind == 3)
			sys_ptrace(PTRACE_LISTEN, crew->pid, 0, NULL);
		if (family->kind == 4)
			kill(crew->pid, SIGCONT);
		if (family->kind == 5)
			cont(crew->pid, 0);
		break;
	}
	family->ready = 1;
	pause_forever(NULL);
}

/* What the real parent sees of a tracee that another traces, and who then dies. */
static void do_tracer_death(int unused)
{
	struct family *family = shared_page();
	pid_t pid, tracer;
	siginfo_t si;
	int kind;

	for (kind = 0; kind < 6; kind++) {
		pid = start_crew(1, false);
		rec("round %d\n", kind);
		family->kind = kind;
		family->ready = 0;
		tracer = spawn(mortal_main, family);
		wait_change(&family->ready, 0);
		now(pid);
		kill_and_reap(tracer);
		state(pid, pid, kind == 2 || kind == 3 || kind == 5 ? "T" : "S");
		now(pid);
		sys_waitid(pid, &si, WSTOPPED | WNOHANG);
		now(pid);
		/* nothing has been left behind for the next one */
		REQ(SEIZE, pid, 0);
		now(pid);
		REQ(INTERRUPT, pid, 0);
		next(pid);
		crew_end(crew);
		memset(known, 0, sizeof(known));
	}
}

/* execve() of a seized task, and of a thread of it that is not the leader. */
static void do_exec_thread(int event)
{
	const pid_t pid = start_crew(1, true);

	REQ(SEIZE, crew->tid[CREW_MAX], event ? PTRACE_O_TRACEEXEC : 0);
	crew_order(crew, CREW_EXEC);
	if (event) {
		know(crew->tid[CREW_MAX], "mate");
		next(pid);
		REQ(INTERRUPT, pid, 0);
		now(pid);
		REQ(CONT, pid, 0);
	} else {
		/* it gets another pid when it has got rid of the others, and sleeps */
		while (task_state(pid, crew->tid[CREW_MAX]))
			usleep(200);
		state(pid, pid, "S");
		now(pid);
		REQ(INTERRUPT, pid, 0);
	}
	next(pid);
	REQ(CONT, pid, 0);
	state(pid, pid, "S");
	now(pid);
}

/* Requests that are about a task which is not there to be asked. */
static void do_errors(int unused)
{
	const pid_t pid = start_crew(1, false);
	siginfo_t si;
	pid_t zombie;

	REQ(INTERRUPT, pid, 0);
	REQ(LISTEN, pid, 0);
	look(pid);
	zombie = spawn(pause_forever, NULL);
	know(zombie, "zombie");
	REQ(SEIZE, zombie, 0);
	kill(zombie, SIGKILL);
	state(zombie, zombie, "Z");
	REQ(INTERRUPT, zombie, 0);
	REQ(LISTEN, zombie, 0);
	REQ(CONT, zombie, 0);
	look(zombie);
	REQ(DETACH, zombie, 0);
	next(zombie);
	REQ(INTERRUPT, zombie, 0);

	REQ(SEIZE, pid, 0);
	REQ(INTERRUPT, pid, 0);
	next(pid);
	REQ(GETSIGINFO, pid, 0);
	REQ(SETSIGINFO, pid, 0);
	REQ(GETEVENTMSG, pid, 0);
	REQ(GETSIGINFO, pid, 8);
	REQ(CONT, pid, 1000);
	REQ(DETACH, pid, 1000);
	rec("GETSIGINFO addr ignored");
	rec_ret(sys_ptrace(PTRACE_GETSIGINFO, pid, 1, &si));
	now(pid);
}

/*
 * --- The list ---
 */

struct scenario {
	const char *name;
	void (*run)(int arg);
	int arg;
};

#define TRAP_SCENARIOS(S, how)						\
	S(how##_signal, do_##how, TRAP_SIGNAL)				\
	S(how##_syscall_entry, do_##how, TRAP_SYSCALL_ENTRY)		\
	S(how##_syscall_exit, do_##how, TRAP_SYSCALL_EXIT)		\
	S(how##_exec, do_##how, TRAP_EXEC)				\
	S(how##_fork, do_##how, TRAP_FORK)				\
	S(how##_vfork, do_##how, TRAP_VFORK)				\
	S(how##_vfork_done, do_##how, TRAP_VFORK_DONE)			\
	S(how##_clone, do_##how, TRAP_CLONE)				\
	S(how##_seccomp, do_##how, TRAP_SECCOMP)			\
	S(how##_step, do_##how, TRAP_STEP)				\
	S(how##_exit, do_##how, TRAP_EXIT)				\
	S(how##_group, do_##how, TRAP_GROUP)

#define SCENARIOS(S)							\
	S(seize_one, do_seize, 1)					\
	S(seize_many, do_seize, 3)					\
	S(options, do_options, 0)					\
	S(errors, do_errors, 0)						\
	S(seize_stopped_one, do_seize_stopped, 1)			\
	S(seize_stopped_many, do_seize_stopped, 3)			\
	S(group_stop_one, do_group_stop, 1)				\
	S(group_stop_many, do_group_stop, 3)				\
	S(group_stop_twice_one, do_group_stop_twice, 1)			\
	S(group_stop_twice_many, do_group_stop_twice, 3)		\
	S(group_stop_untraced, do_group_stop_untraced, 3)		\
	S(listen_one, do_listen, 1)					\
	S(listen_many, do_listen, 3)					\
	S(signals_seize, do_signals, 0)					\
	S(signals_attach, do_signals, 1)				\
	S(attach_one, do_attach, 1)					\
	S(attach_many, do_attach, 3)					\
	S(traceme, do_traceme, 0)					\
	TRAP_SCENARIOS(S, trap_seize)					\
	S(trap_seize_interrupted, do_trap_seize, TRAP_INTERRUPTED)	\
	TRAP_SCENARIOS(S, trap_attach)					\
	TRAP_SCENARIOS(S, trap_interrupt)				\
	S(trap_interrupt_interrupted, do_trap_interrupt, TRAP_INTERRUPTED) \
	TRAP_SCENARIOS(S, trap_notify)					\
	S(trap_notify_interrupted, do_trap_notify, TRAP_INTERRUPTED)	\
	S(forge_signal, do_forge, TRAP_SIGNAL)				\
	S(forge_syscall_entry, do_forge, TRAP_SYSCALL_ENTRY)		\
	S(forge_exec, do_forge, TRAP_EXEC)				\
	S(forge_group, do_forge, TRAP_GROUP)				\
	S(forge_interrupted, do_forge, TRAP_INTERRUPTED)		\
	S(pretend, do_pretend, 0)					\
	S(pretend_listen, do_pretend, 1)				\
	S(detach, do_detach, 0)						\
	S(detach_sigcont, do_detach, SIGCONT)				\
	S(end_kill, do_end, 0)						\
	S(end_exit, do_end, CREW_EXIT)					\
	S(tracer_death, do_tracer_death, 0)				\
	S(exec_thread, do_exec_thread, 0)				\
	S(exec_thread_event, do_exec_thread, 1)

#define SCENARIO_ENTRY(name, run, arg)	{ #name, run, arg },

static const struct scenario scenarios[] = {
	SCENARIOS(SCENARIO_ENTRY)
};

/* Run @scenario, in a process that is for it alone. */
static void run_scenario(const struct scenario *scenario)
{
	crew = shared_page();
	actor = actor_page();
	if (!crew || !actor)
		abort();
	rec("== %s\n", scenario->name);
	scenario->run(scenario->arg);
}

/* --record: print the transcripts of all. Returns the exit code. */
static int record(void)
{
	unsigned int i;
	int status;
	pid_t pid;

	for (i = 0; i < ARRAY_SIZE(scenarios); i++) {
		pid = fork();
		if (pid < 0)
			return 1;
		if (!pid) {
			setpgid(0, 0);
			run_scenario(&scenarios[i]);
			if (write(STDOUT_FILENO, transcript, transcript_len) !=
			    (ssize_t)transcript_len)
				_exit(1);
			_exit(0);
		}
		if (waitpid(pid, &status, 0) != pid || status) {
			fprintf(stderr, "%s: status %#x\n", scenarios[i].name, status);
			return 1;
		}
	}
	return 0;
}

/*
 * --- The test ---
 */

FIXTURE(plain)
{
	const char *golden;
};

FIXTURE_VARIANT(plain)
{
	struct scenario scenario;
};

#define SCENARIO_VARIANT(name, run, arg)				\
	FIXTURE_VARIANT_ADD(plain, name) {				\
		.scenario = SCENARIO_ENTRY(name, run, arg)		\
	};

SCENARIOS(SCENARIO_VARIANT)

FIXTURE_SETUP(plain)
{
	char title[64];

	snprintf(title, sizeof(title), "== %s\n", variant->scenario.name);
	self->golden = strstr(golden, title);
	ASSERT_TRUE(!!self->golden) {
		TH_LOG("proof_plain.golden.h has no %s", variant->scenario.name);
	}
}

/* The rest goes with us: all have asked for SIGKILL when their parent dies. */
FIXTURE_TEARDOWN(plain)
{
}

/*
 * Fails if anything that a tracer of today can see has changed. What is printed is
 * the line that differs, and what it is about should be in the ones before it.
 */
TEST_F(plain, seize_plain)
{
	const char *seen = transcript, *expected = self->golden;
	size_t seen_len, expected_len, line = 0;

	if (strstr(variant->scenario.name, "_step") && lacks_single_step())
		SKIP(return, "%s", lacks_single_step());
	run_scenario(&variant->scenario);
	for (;;) {
		seen_len = strcspn(seen, "\n");
		expected_len = strcspn(expected, "\n");
		/* the end of the one has to be the end of the other */
		if (line && !strncmp(expected, "== ", 3))
			expected_len = 0;
		if (!seen_len && !expected_len)
			break;
		if (seen_len != expected_len || memcmp(seen, expected, seen_len))
			break;
		seen += seen_len + 1;
		expected += expected_len + 1;
		line++;
	}
	EXPECT_TRUE(!seen_len && !expected_len) {
		TH_LOG("seize-plain: line %zu of %s: '%.*s' instead of '%.*s'", line + 1,
		       variant->scenario.name, (int)seen_len, seen, (int)expected_len,
		       expected);
	}
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "--record"))
		return record();
	return test_harness_run(argc, argv);
}
