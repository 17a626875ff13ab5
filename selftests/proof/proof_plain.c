// SPDX-License-Identifier: GPL-2.0
/*
 * Without PTRACE_SEIZE_DEVEL nothing changes: promise seize-plain.
 *
 * This program prints what today's tracers see: PTRACE_SEIZE without the flag,
 * PTRACE_ATTACH and PTRACE_TRACEME. scripts/run/plain compares the transcript with
 * proof_plain.expected, which was recorded on kernels without the series.
 *
 *	proof_plain [seize_plain.SCENARIO...]	those scenarios, or all
 *
 * A scenario begins with "== NAME". A line begins with what the tracer does and goes on
 * with what it then sees. There is at most one stop on a line.
 *
 *	REQUEST WHO ...		its data by name; then the error, or what it returns if not 0
 *	kill WHO SIGNAL		to that thread, not to the process
 *	wait WHO ...		the wait status, and for a trap what "look" says
 *	look WHO ...		the trap: "syscall=" PTRACE_GET_SYSCALL_INFO, "message="
 *				PTRACE_GETEVENTMSG if it is not 0, and the siginfo
 *	now WHO ...		the siginfo of what waitid() has to report, and leaves there
 *	state WHO LETTER	of /proc/PID/stat
 *
 * SIGNAL|EVENT_X is PTRACE_EVENT_X << 8 | SIGNAL, in a wait status or si_code. A value
 * without a name is printed in hex. No two values have the same name. Every byte of a
 * siginfo is in the transcript:
 *
 *	SIGNAL, code=, errno=	si_signo, si_code, and si_errno if it is not 0
 *	pid=, uid=		si_pid and si_uid, if the pid is that of a thread of the
 *				scenario; and no uid= if it is our own
 *	status=			si_status, where waitid() reports a stop
 *	[N]=			any other four bytes that are not 0, at N from si_pid
 *
 * What differs from run to run or between machines is left out: the times in the siginfo
 * of a SIGCHLD, and code and address of a single-step, which is called that. N counts from
 * si_pid because the union of siginfo begins elsewhere in 32 bits.
 *
 * Nothing depends on time: each step waits for the one before it, and a task that is
 * looked at is at rest. A scenario in which something never comes is ended by SIGALRM; its
 * transcript ends with what it waits for.
 */
#include "group_stop.h"
#include <kselftest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/types.h>
#include <stdarg.h>
#include <stddef.h>

#ifndef PTRACE_GET_SYSCALL_INFO
#define PTRACE_GET_SYSCALL_INFO		0x420e
#endif

/* A scenario has a function or a script, and a script has only the parts that it needs. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

/* When a scenario is ended, in seconds; and when, once that has happened to another. */
#define SCENARIO_TIMEOUT	60
#define IMPATIENT_TIMEOUT	3

/* --- The transcript --- */

/* Of one scenario; shared with the process that runs it. */
static struct {
	size_t len;
	bool stop_on_line;	/* the line that is written has its stop */
	char text[1 << 15];
} *out;

static struct {
	pid_t pid;
	const char *name;
} known[16];

/* PTRACE_GETEVENTMSG is an exit code in this scenario, and never a pid. */
static bool message_is_exit_code;

static void __attribute__((format(printf, 1, 2))) rec(const char *fmt, ...)
{
	const size_t room = sizeof(out->text) - out->len;
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(out->text + out->len, room, fmt, ap);
	va_end(ap);
	if (len < 0 || (size_t)len >= room) {
		/* the scenario has no end; leave room for run_scenario() to say what became of it */
		out->len = sizeof(out->text) - 128;
		abort();
	}
	out->len += len;
}

static void new_line(void)
{
	if (out->len && out->text[out->len - 1] != '\n')
		rec("\n");
	out->stop_on_line = false;
}

/* What comes now goes on the line, unless that has a stop already. */
static void new_fact(void)
{
	if (out->stop_on_line || !out->len || out->text[out->len - 1] == '\n')
		new_line();
	else
		rec("; ");
}

/* From now on @pid goes by @name. */
static void know(pid_t pid, const char *name)
{
	unsigned int i;

	for (i = 0; known[i].pid && known[i].pid != pid; i++)
		;
	if (i == ARRAY_SIZE(known) - 1)
		abort();
	known[i].pid = pid;
	known[i].name = name;
}

/* The name of @value if it is a pid that we know, else NULL. */
static const char *name_of(unsigned long value)
{
	unsigned int i;

	for (i = 0; known[i].pid; i++) {
		if ((unsigned long)known[i].pid == value)
			return known[i].name;
	}
	return NULL;
}

static const char *who(pid_t pid)
{
	return pid ? name_of(pid) ?: "unknown" : "0";
}

/* A signal, with the bits above it that a wait status and si_code have: an event. */
static void rec_signal(unsigned int value)
{
	static const char * const events[] = {
		[PTRACE_EVENT_FORK] = "FORK", [PTRACE_EVENT_VFORK] = "VFORK",
		[PTRACE_EVENT_CLONE] = "CLONE", [PTRACE_EVENT_EXEC] = "EXEC",
		[PTRACE_EVENT_VFORK_DONE] = "VFORK_DONE", [PTRACE_EVENT_EXIT] = "EXIT",
		[PTRACE_EVENT_SECCOMP] = "SECCOMP", [PTRACE_EVENT_STOP] = "STOP",
	};
	const char *name = sigabbrev_np(value & 0x7f);
	const unsigned int event = value >> 8;

	if (!name || !(value & 0x7f)) {
		rec("%#x", value);
		return;
	}
	rec("SIG%s%s", name, value & 0x80 ? "|0x80" : "");
	if (event < ARRAY_SIZE(events) && events[event])
		rec("|EVENT_%s", events[event]);
	else if (event)
		rec("|%#x", event << 8);
}

static void rec_status(int status)
{
	if (status == -1) {
		rec("%s", strerrorname_np(errno));
	} else if ((status & 0xff) == 0x7f) {
		rec_signal((unsigned int)status >> 8);
	} else if (status == W_EXITCODE(WEXITSTATUS(status), 0)) {
		rec("exit %d", WEXITSTATUS(status));
	} else if (status == WTERMSIG(status)) {
		rec("killed by ");
		rec_signal(status);
	} else {
		rec("%#x", status);
	}
}

static void rec_code(const siginfo_t *si)
{
	static const char * const child[] = {
		[CLD_EXITED] = "EXITED", [CLD_KILLED] = "KILLED", [CLD_DUMPED] = "DUMPED",
		[CLD_TRAPPED] = "TRAPPED", [CLD_STOPPED] = "STOPPED",
		[CLD_CONTINUED] = "CONTINUED",
	};
	const int code = si->si_code;

	rec(" code=");
	if (si->si_signo == SIGCHLD && code > 0 && code <= CLD_CONTINUED)
		rec("CLD_%s", child[code]);
	else if (code == SI_USER || code == SI_TKILL || code == SI_QUEUE)
		rec(code == SI_USER ? "SI_USER" : code == SI_TKILL ? "SI_TKILL" : "SI_QUEUE");
	else if (code == SI_KERNEL)
		rec("SI_KERNEL");
	else if (code > 0x80 || code == SIGTRAP)
		rec_signal(code);
	else
		rec("%#x", code);
}

/* Whether @si is that of a single-step which has brought a task to @ip. */
static bool is_single_step(const siginfo_t *si, unsigned long ip)
{
	if (!ip || si->si_signo != SIGTRAP)
		return false;
#ifdef __s390__
	/* a debug event, at the instruction that was stepped over */
	return si->si_code == TRAP_HWBKPT && si->si_addr;
#else
	return si->si_code == TRAP_TRACE && (unsigned long)si->si_addr == ip;
#endif
}

/* @seen, of a task that is at @ip in user space if that is known, or 0. */
static void rec_siginfo(const siginfo_t *seen, unsigned long ip)
{
	const int head = offsetof(siginfo_t, si_pid);
	siginfo_t si = *seen;
	const char *name;
	__u32 word;
	int at;

	rec_signal(si.si_signo);
	if (si.si_errno)
		rec(" errno=%s", strerrorname_np(si.si_errno));
	if (is_single_step(&si, ip)) {
		rec(" single-step");
		si.si_addr = NULL;
	} else {
		rec_code(&si);
	}

	name = name_of(si.si_pid);
	if (name) {
		rec(" pid=%s", name);
		if (si.si_uid != getuid())
			rec(" uid=%#x", si.si_uid);
		si.si_pid = 0;
		si.si_uid = 0;
	}
	if (si.si_signo == SIGCHLD && si.si_code >= CLD_TRAPPED &&
	    si.si_code <= CLD_CONTINUED) {
		rec(" status=");
		rec_signal(si.si_status);
		si.si_status = 0;
	}
	if (si.si_signo == SIGCHLD && si.si_code > 0) {
		si.si_utime = 0;
		si.si_stime = 0;
	}
	/* from behind the third int: in 64 bits there is a gap before the union */
	for (at = 3 * sizeof(int); at < (int)sizeof(si); at += sizeof(word)) {
		memcpy(&word, (char *)&si + at, sizeof(word));
		if (word)
			rec(" [%d]=%#x", at - head, word);
	}
	out->stop_on_line = true;
}

/* --- What a scenario does and sees --- */

static void rec_options(unsigned long options)
{
	static const char * const names[32] = {
		"TRACESYSGOOD", "TRACEFORK", "TRACEVFORK", "TRACECLONE", "TRACEEXEC",
		"TRACEVFORKDONE", "TRACEEXIT", "TRACESECCOMP", [20] = "EXITKILL",
	};
	int bit;

	for (bit = 0; bit < 32; bit++) {
		if ((options & (1UL << bit)) && names[bit])
			rec(" %s", names[bit]);
		else if (options & (1UL << bit))
			rec(" %#lx", 1UL << bit);
	}
}

/* The result of a system call. */
static void rec_ret(long ret)
{
	if (ret == -1)
		rec(": %s", strerrorname_np(errno));
	else if (ret)
		rec(": %ld", ret);
}

/* A request. Returns what ptrace() returns. */
static long req(const char *name, long request, pid_t pid, unsigned long addr,
		unsigned long data)
{
	long ret = sys_ptrace(request, pid, addr, (void *)data);

	new_line();
	rec("%s %s", name, who(pid));
	if (addr)
		rec(" addr=%#lx", addr);
	if (request == PTRACE_SEIZE || request == PTRACE_SETOPTIONS) {
		rec_options(data);
	} else if (data) {
		rec(" ");
		if (request == PTRACE_CONT || request == PTRACE_DETACH)
			rec_signal(data);
		else
			rec("%#lx", data);
	}
	rec_ret(ret);
	return ret;
}

#define REQ(request, pid, data)	req(#request, PTRACE_##request, pid, 0, data)

/* A signal to thread @tid. */
static void sig(pid_t tid, int signo)
{
	const long ret = syscall(SYS_tkill, tid, signo);

	new_line();
	rec("kill %s ", who(tid));
	rec_signal(signo);
	rec_ret(ret);
}

/* All that there is to tell about the trap of @pid. */
static void rec_trap(pid_t pid)
{
	static const char * const ops[] = { "none", "entry", "exit", "seccomp" };
	struct __ptrace_syscall_info info = { 0 };
	unsigned long msg = 0;
	siginfo_t si = { 0 };
	int no_siginfo = 0;
	const char *name;

	if (sys_ptrace(PTRACE_GETSIGINFO, pid, 0, &si))
		no_siginfo = errno;

	if (sys_ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) < 0)
		rec("syscall=%s ", strerrorname_np(errno));
	else if (info.op)
		rec("syscall=%s ", info.op < ARRAY_SIZE(ops) ? ops[info.op] : "unknown");
	/* a forged seccomp trap: what the registers say depends on the machine */
	if (info.op == 1 || (info.op == 3 && si.si_signo == SIGTRAP))
		rec("%s ", info.entry.nr == SYS_getppid ? "getppid" : "other");
	else if (info.op == 2)
		rec("%s ", info.exit.is_error ? "error" : "ok");

	if (sys_ptrace(PTRACE_GETEVENTMSG, pid, 0, &msg)) {
		rec("message=%s ", strerrorname_np(errno));
	} else if (msg) {
		name = message_is_exit_code ? NULL : name_of(msg);
		if (name)
			rec("message=%s ", name);
		else
			rec("message=%#lx ", msg);
	}

	if (no_siginfo)
		rec("siginfo=%s", strerrorname_np(no_siginfo));
	else
		rec_siginfo(&si, info.instruction_pointer);
	out->stop_on_line = true;
}

/* The next status of @pid; if it is trapped, all about that. */
static int next(pid_t pid)
{
	int status;

	new_fact();
	rec("wait %s ", who(pid));
	status = sys_wait(pid, 0);
	rec_status(status);
	if (status > 0 && WIFSTOPPED(status)) {
		rec("; ");
		rec_trap(pid);
	}
	return status;
}

/* What is to be waited for of @pid right now. */
static void now(pid_t pid)
{
	siginfo_t si;
	int ret;

	ret = sys_waitid(pid, &si, WSTOPPED | WCONTINUED | WEXITED | WNOHANG | WNOWAIT |
			 __WALL);
	new_fact();
	rec("now %s ", who(pid));
	if (ret || !si.si_pid)
		rec("%s", ret ? strerrorname_np(errno) : "nothing");
	else
		rec_siginfo(&si, 0);
}

/* Wait until thread @tid is in state @letter, and which it is in. */
static void state(pid_t tid, char letter)
{
	const char letters[] = { letter, '\0' };

	new_fact();
	rec("state %s ", who(tid));
	wait_task_state(tid, letters);
	rec("%c", task_state(tid) ?: '-');
}

/* What "SIG*" is in a script. */
static int stop_signal;

/* The number of signal @name, which begins with SIG. */
static int signal_number(const char *name)
{
	int signo;

	if (!strcmp(name, "SIG*"))
		return stop_signal;
	for (signo = 1; strcmp(sigabbrev_np(signo), name + 3);)
		signo++;
	return signo;
}

/*
 * Each of @words in turn, of thread @tid: what begins a line of the transcript, a request
 * with ":" and a signal if it is to have one; or SIG*, which is sent; or the letter of a
 * state.
 */
static void play(pid_t tid, const char *words)
{
	static const struct {
		const char *name;
		long request;
	} requests[] = {
		{ "SEIZE", PTRACE_SEIZE }, { "INTERRUPT", PTRACE_INTERRUPT },
		{ "LISTEN", PTRACE_LISTEN }, { "CONT", PTRACE_CONT },
		{ "DETACH", PTRACE_DETACH }, { "ATTACH", PTRACE_ATTACH },
	};
	char word[32], *signal;
	unsigned int i;
	int len;

	for (; sscanf(words, " %31s%n", word, &len) == 1; words += len) {
		if (!strcmp(word, "wait")) {
			next(tid);
		} else if (!strcmp(word, "look")) {
			new_fact();
			rec("look %s ", who(tid));
			rec_trap(tid);
		} else if (!strcmp(word, "now")) {
			now(tid);
		} else if (!word[1]) {
			state(tid, word[0]);
		} else if (!strncmp(word, "SIG", 3)) {
			sig(tid, signal_number(word));
		} else {
			signal = strchr(word, ':');
			if (signal)
				*signal++ = '\0';
			for (i = 0; strcmp(requests[i].name, word);)
				i++;
			req(word, requests[i].request, tid, 0,
			    signal ? signal_number(signal) : 0);
		}
	}
}

/* --- The tracee --- */

/* What a tracee can be told to do. PTRACE_EVENT_*: go into the trap of that event. */
enum order {
	TRAP_SIGNAL = PTRACE_EVENT_SECCOMP + 1,	/* signal-delivery-stop */
	TRAP_SYSCALL_ENTRY,
	TRAP_SYSCALL_EXIT,
	TRAP_STEP,		/* single-step */
	TRAP_GROUP,		/* STOP trap, of a group stop */
	TRAP_INTERRUPTED,	/* STOP trap, of PTRACE_INTERRUPT */
	RAISE_STOP,
	QUEUE_STOP_TRAP,	/* queue a signal for itself that looks like a STOP trap */
	EXEC,			/* a program that sleeps */
	EXIT_GROUP,
};

/*
 * Its threads, the leader first. The other thread is not traced unless a scenario does so;
 * it gets the orders, or the leader if there is no other.
 */
#define OTHER	3
static pid_t *thread;		/* on a page that they share with us */
static int threads = 1;		/* without the other */
static long obeys;		/* the thread that gets the orders */
static int orders[2];		/* a pipe */

/* A signal to itself. There is no system call after the one that sends it. */
static void self_signal(int signo)
{
	sys_tgkill(getpid(), syscall(SYS_gettid), signo);
}

/* The trap is over: report that by a signal-delivery-stop. */
static void end_of_trap(void)
{
	self_signal(SIGUSR2);
	pause_forever(NULL);
}

/* Execute this program, for main() to do what is called @role. */
#define ROLE_SLEEPER	"sleeper"
#define ROLE_TRAPPED	"trapped"
static void exec_self(const char *role)
{
	execl("/proc/self/exe", role, NULL);
	_exit(1);
}

/* Have getppid() trap for seccomp from now on. */
static void filter_getppid(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog prog = { .len = ARRAY_SIZE(filter), .filter = filter };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog))
		_exit(1);
}

static void queue_stop_trap(void)
{
	siginfo_t si;

	memset(&si, 0, sizeof(si));
	si.si_signo = SIGUSR1;
	si.si_code = SIGTRAP | (PTRACE_EVENT_STOP << 8);
	si.si_pid = 1;
	si.si_uid = 2;
	syscall(SYS_rt_tgsigqueueinfo, getpid(), syscall(SYS_gettid), SIGUSR1, &si);
}

static void *thread_main(void *nr);

/*
 * Go into the trap of @kind, by way of a signal-delivery-stop of SIGUSR1. What has to be
 * done for the trap is done before that: nothing but the trap comes after it.
 */
static void trap(int kind)
{
	pthread_t created;
	sigset_t set;

	/* no signal-delivery-stop for the end of a child */
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (kind == PTRACE_EVENT_SECCOMP)
		filter_getppid();
	self_signal(SIGUSR1);

	switch (kind) {
	case PTRACE_EVENT_EXEC:
		exec_self(ROLE_TRAPPED);
		break;
	case PTRACE_EVENT_FORK:
		if (!fork())
			_exit(0);
		break;
	case PTRACE_EVENT_VFORK:
	case PTRACE_EVENT_VFORK_DONE:
		if (!vfork())
			_exit(0);
		break;
	case PTRACE_EVENT_CLONE:
		pthread_create(&created, NULL, thread_main, (void *)1L);
		break;
	case PTRACE_EVENT_EXIT:
		syscall(SYS_exit_group, 9);
		break;
	default:
		syscall(SYS_getppid);
		break;
	}
	end_of_trap();
}

static void *thread_main(void *nr)
{
	unsigned char order;

	/* spawn() has asked for this in the leader only, and another thread may execute */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	__atomic_store_n(&thread[(long)nr], syscall(SYS_gettid), __ATOMIC_RELEASE);
	while ((long)nr == obeys && read(orders[0], &order, 1) == 1) {
		switch (order) {
		case RAISE_STOP:
			self_signal(SIGSTOP);
			break;
		case QUEUE_STOP_TRAP:
			queue_stop_trap();
			break;
		case EXEC:
			exec_self(ROLE_SLEEPER);
			break;
		case EXIT_GROUP:
			syscall(SYS_exit_group, 7);
			break;
		default:
			trap(order);
		}
	}
	pause_forever(NULL);
	return NULL;
}

/* The tracee. It does PTRACE_TRACEME unless @traceme is NULL. */
static void tracee_main(void *traceme)
{
	pthread_t created;
	long i;

	if (traceme)
		sys_ptrace(PTRACE_TRACEME, 0, 0, NULL);
	/* not orphaned as long as our parent lives: SIGTSTP and such stop us */
	setpgid(0, 0);
	for (i = 1; i <= OTHER; i++) {
		if ((i < threads || i == obeys) &&
		    pthread_create(&created, NULL, thread_main, (void *)i))
			_exit(1);
	}
	thread_main(NULL);
}

/* A tracee of @nr threads that sleep, and another if @other. Returns its pid. */
static pid_t start_tracee(int nr, bool other)
{
	static const char * const names[] = { "tracee", "thread1", "thread2", "other" };
	pid_t pid;
	int i;

	threads = nr;
	obeys = other ? OTHER : 0;
	memset(thread, 0, (OTHER + 1) * sizeof(*thread));
	pid = spawn(tracee_main, NULL);
	for (i = 0; i <= OTHER; i++) {
		if (i >= threads && i != obeys)
			continue;
		if (!wait_until(__atomic_load_n(&thread[i], __ATOMIC_ACQUIRE)) ||
		    wait_task_state(thread[i], "S"))
			abort();
		know(thread[i], names[i]);
	}
	return pid;
}

static void end_tracee(void)
{
	int i;

	for (i = OTHER; i >= 0; i--)
		kill_and_reap(thread[i]);
	memset(&known[1], 0, sizeof(known) - sizeof(known[0]));
}

static void give_order(int order)
{
	const unsigned char c = order;

	if (write(orders[1], &c, 1) != 1)
		abort();
}

/* The PTRACE_O_* that a trap of @kind needs: for an event it is 1 << PTRACE_EVENT_*. */
static unsigned long trap_options(int kind)
{
	if (kind < TRAP_SIGNAL)
		return 1UL << kind;
	return kind == TRAP_SYSCALL_ENTRY || kind == TRAP_SYSCALL_EXIT ?
	       PTRACE_O_TRACESYSGOOD : 0;
}

/* Lead @pid, which is traced with these, into a trap of @kind. */
static void lead(pid_t pid, int kind)
{
	const bool syscalls = kind == TRAP_SYSCALL_ENTRY || kind == TRAP_SYSCALL_EXIT;
	const long request = syscalls ? PTRACE_SYSCALL :
			     kind == TRAP_STEP ? PTRACE_SINGLESTEP : PTRACE_CONT;
	int n, status;

	message_is_exit_code = kind == PTRACE_EVENT_EXIT;
	new_line();
	rec("led to ");
	give_order(kind);
	status = sys_wait(pid, 0);
	if (kind == TRAP_INTERRUPTED)
		sys_ptrace(PTRACE_INTERRUPT, pid, 0, NULL);
	for (n = kind == TRAP_SIGNAL ? 0 : kind == TRAP_SYSCALL_EXIT ? 2 : 1; n > 0; n--) {
		sys_ptrace(request, pid, 0, (void *)(kind == TRAP_GROUP ? SIGSTOP : 0L));
		status = sys_wait(pid, 0);
	}
	rec_status(status);
}

/* @words of each thread, one thread after the other. */
static void play_all(const char *words)
{
	int i;

	for (i = 0; i < threads; i++)
		play(thread[i], words);
}

/* A scenario that needs no code: what is played, by play_script(). */
struct script {
	const char *first;
	const char *each;	/* for each stop signal, as SIG* */
	const char *last;
	bool other;		/* it needs the other thread */
};

/*
 * Play the parts of @script, which are separated by ";". A part begins with a thread, by
 * the name that it has in the transcript, and goes on with words for play(). In place of
 * one thread it may name "all", one after the other; "back", the same, the last one first;
 * or "threads", the same without the leader. The part "order" tells the other to stop.
 */
static void play_script(const char *script)
{
	char *copy = strdup(script ?: ""), *part, *rest, name[16];
	int i, len;

	for (part = strtok_r(copy, ";", &rest); part; part = strtok_r(NULL, ";", &rest)) {
		sscanf(part, " %15s%n", name, &len);
		if (!strcmp(name, "order"))
			give_order(RAISE_STOP);
		if (!strcmp(name, "all"))
			play_all(part + len);
		for (i = OTHER; i >= 0; i--) {
			if (thread[i] && (!strcmp(name, who(thread[i])) ||
					  (!strcmp(name, "back") && i < threads) ||
					  (!strcmp(name, "threads") && i < threads && i)))
				play(thread[i], part + len);
		}
	}
	free(copy);
}

/* A group stop of all threads that are traced, from signal to traps. */
#define GROUP_STOP(sig)	"tracee " sig " wait CONT:" sig "; all wait;"

/* --- The scenarios --- */

static void do_script(const struct script *script, int nr)
{
	static const int stop_signals[] = { SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU };
	unsigned int i;

	start_tracee(nr, script->other);
	play_script(script->first);
	for (i = 0; script->each && i < ARRAY_SIZE(stop_signals); i++) {
		stop_signal = stop_signals[i];
		play_script(script->each);
	}
	play_script(script->last);
}

/* Attach, talk to a running tracee, interrupt, resume, detach. */
static const struct script seize = {
	"all SEIZE; tracee now SEIZE ATTACH CONT LISTEN DETACH look;"
	"all INTERRUPT wait now CONT S now;"
	"all INTERRUPT wait INTERRUPT now CONT wait DETACH S; tracee now"
};

/* Attach to a stopped task, by each of the ways to stop it. */
static const struct script seize_stopped = {
	.each = "tracee SIG*; all T; tracee now; all SEIZE now wait; all DETACH T;"
		"tracee now SIGCONT; all S; tracee now",
};

/* A group stop while the tracees stay trapped: SIGCONT waits for the resume. */
static const struct script group_stop = {
	.first = "all SEIZE",
	.each = GROUP_STOP("SIG*")
		/* a second stop signal, resumed and suppressed */
		"all CONT; all S INTERRUPT wait;"
		"tracee SIGCONT; all now look; back CONT wait CONT;"
		"tracee wait CONT:SIGCONT; all S now",
};

/* Stopped again, by another signal, before the first stop has been continued. */
static const struct script group_stop_twice = {
	"all SEIZE;" GROUP_STOP("SIGSTOP") "all CONT; all S;"
	GROUP_STOP("SIGTSTP") "all DETACH T"
};

/* Started by a thread that nobody traces, seen and not seen by those traced. */
static const struct script group_stop_untraced = {
	/* the last one runs, the others are trapped already */
	"all SEIZE; tracee INTERRUPT wait; thread1 INTERRUPT wait;"
	"order; other T; thread2 wait;"
	"tracee now look CONT wait; thread1 now look CONT wait; tracee now;"
	"other SIGCONT S; all now CONT wait CONT S",
	.other = true,
};

/* LISTEN: what it refuses, what ends it, what does not. */
static const struct script listen_script = {
	"all SEIZE;" GROUP_STOP("SIGSTOP")
	"all LISTEN now look CONT LISTEN DETACH INTERRUPT wait now LISTEN;"
	"tracee SIGCONT; all wait;"
	/* no group stop now, and still a trap to listen in */
	"all LISTEN now; tracee SIGCONT; all wait;"
	/* a notification that is pending ends it at once; SIGCONT sets one */
	"tracee SIGCONT; all now LISTEN wait;"
	/* an interrupt that is pending does not */
	"all INTERRUPT LISTEN t now INTERRUPT wait; back CONT;"
	"tracee wait LISTEN CONT S"
};

/* Group stops of a tracee that is attached the old way. */
static const struct script attach = {
	.first = "all ATTACH wait CONT S",
	.each = GROUP_STOP("SIG*") "tracee LISTEN INTERRUPT SIGCONT; back now look CONT;"
		"tracee wait CONT:SIGCONT; all S",
	.last = GROUP_STOP("SIGSTOP") "all DETACH T; tracee now;"
		/* and attach to what is stopped already */
		"all ATTACH wait; tracee SIGCONT; threads CONT S;"
		"tracee CONT wait DETACH:SIGCONT S now",
};

/*
 * What PTRACE_SEIZE and PTRACE_SETOPTIONS say to every bit. But not to the flag and to
 * what a sign extension makes of it in 32 bits, nor to the option that depends on
 * privileges and on the kernel's configuration.
 */
static void do_options(int unused)
{
	const pid_t pid = start_tracee(1, false);
	unsigned long data;
	int bit;

	for (bit = 0; bit < 31; bit++) {
		data = 1UL << bit;
		if (data != PTRACE_O_SUSPEND_SECCOMP && !REQ(SEIZE, pid, data))
			play(pid, "INTERRUPT wait DETACH");
	}
	req("SEIZE", PTRACE_SEIZE, pid, 1, 0);
	req("SEIZE", PTRACE_SEIZE, pid, 1, PTRACE_O_TRACEEXIT);
	REQ(SEIZE, 0, 0);
	REQ(SEIZE, getpid(), 0);

	REQ(SEIZE, pid, 0);
	REQ(SETOPTIONS, pid, 0);
	play(pid, "INTERRUPT wait");
	for (bit = 0; bit < 32; bit++) {
		data = 1UL << bit;
		if (data != PTRACE_O_SUSPEND_SECCOMP)
			REQ(SETOPTIONS, pid, data);
	}
}

/* Signals of all sorts to a seized, and to an attached tracee. */
static void do_signals(int attach)
{
	static const int signals[] = { SIGUSR1, SIGCHLD, SIGCONT, SIGURG, SIGTERM };
	const pid_t pid = start_tracee(1, false);
	union sigval value = { .sival_int = 42 };
	unsigned int i;

	play(pid, attach ? "ATTACH wait INTERRUPT LISTEN CONT" : "SEIZE");
	for (i = 0; i < ARRAY_SIZE(signals); i++) {
		sig(pid, signals[i]);
		/* SIGCONT notifies: a tracee that is seized has a trap for that first */
		if (signals[i] == SIGCONT && !attach)
			play(pid, "wait CONT");
		play(pid, "wait LISTEN CONT S");
	}
	new_line();
	rec("sigqueue %s SIGUSR2", who(pid));
	rec_ret(sigqueue(pid, SIGUSR2, value));
	play(pid, "wait CONT:SIGURG S SIGTERM wait CONT:SIGTERM wait now INTERRUPT");
}

/* TRACEME, up to the SIGTRAP of an execve() that is not an event. */
static void do_traceme(int unused)
{
	pid_t pid;

	give_order(PTRACE_EVENT_EXEC);
	pid = spawn(tracee_main, orders);
	know(pid, "tracee");
	play(pid, "wait INTERRUPT LISTEN CONT:SIGSTOP wait LISTEN SIGCONT now");
	play(pid, "CONT wait CONT wait CONT wait DETACH S");
}

/* Added to the kind of trap: attached, not seized; and what is pending in the trap. */
#define BY_ATTACH	0x100
#define PEND_INTERRUPT	0x200
#define PEND_NOTIFY	0x400

/* The way of a task through a trap of a kind, and on to its next. */
static void do_trap(int arg)
{
	const int kind = arg & 0xff;
	const pid_t pid = start_tracee(1, false);
	pid_t child = 0;
	int status;

	if (arg & BY_ATTACH) {
		play(pid, "ATTACH wait");
		REQ(SETOPTIONS, pid, trap_options(kind));
		REQ(CONT, pid, 0);
	} else {
		REQ(SEIZE, pid, trap_options(kind));
	}
	lead(pid, kind);
	if (kind == PTRACE_EVENT_FORK || kind == PTRACE_EVENT_VFORK || kind == PTRACE_EVENT_CLONE)
		child = sys_eventmsg(pid);
	if (child || kind == PTRACE_EVENT_VFORK_DONE)
		know(sys_eventmsg(pid), "child");
	play(pid, "look now");
	if (child)
		next(child);

	if (arg & PEND_INTERRUPT)
		REQ(INTERRUPT, pid, 0);
	if (arg & PEND_NOTIFY)
		sig(pid, SIGCONT);
	now(pid);
	/* a notification ends that at once, an interrupt that is pending not */
	if (!REQ(LISTEN, child ? child : pid, 0) && !child)
		play(pid, arg & PEND_NOTIFY ? "wait" : "INTERRUPT wait");
	if (child)
		kill(child, SIGKILL);

	/* on to what comes after it, until its own end */
	while (!REQ(CONT, pid, 0)) {
		status = next(pid);
		if (status <= 0 || !WIFSTOPPED(status) ||
		    status == SIGNAL_STATUS(SIGUSR2))
			break;
	}
	REQ(DETACH, pid, 0);
}

/* PTRACE_SETSIGINFO of what it is not, in a trap of one kind or another. */
static void do_forge(int kind)
{
	static const int codes[] = {
		SI_USER, SIGTRAP, SIGTRAP | 0x80, SIGTRAP | (PTRACE_EVENT_STOP << 8),
		SIGSTOP | (PTRACE_EVENT_STOP << 8), SIGTRAP | (PTRACE_EVENT_SECCOMP << 8),
		SIGTRAP | (PTRACE_EVENT_EXEC << 8),
	};
	const pid_t pid = start_tracee(1, false);
	unsigned int i;
	siginfo_t si;
	long ret;

	REQ(SEIZE, pid, trap_options(kind));
	lead(pid, kind);
	for (i = 0; i < ARRAY_SIZE(codes); i++) {
		/* si_pid and si_uid only: there is no more for such codes in 32 bits */
		memset(&si, 0, sizeof(si));
		si.si_signo = SIGUSR1;
		si.si_errno = EIO;
		si.si_code = codes[i];
		si.si_pid = 0x5a5a5a5a;
		si.si_uid = 0x5b5b5b5b;
		ret = sys_ptrace(PTRACE_SETSIGINFO, pid, 0, &si);
		new_line();
		rec("SETSIGINFO %s", who(pid));
		rec_code(&si);
		rec_ret(ret);
		play(pid, "look now");

		/* LISTEN takes the siginfo's word for what the trap is */
		if (!REQ(LISTEN, pid, 0))
			play(pid, "look now INTERRUPT wait");
	}
	play(pid, "CONT wait");
}

/* A signal that looks like a STOP trap. */
static void do_pretend(int listen)
{
	const pid_t pid = start_tracee(1, false);

	play(pid, "SEIZE");
	give_order(QUEUE_STOP_TRAP);
	next(pid);
	if (listen)
		play(pid, "LISTEN look now SIGCONT wait CONT wait");
	play(pid, "INTERRUPT now CONT wait CONT S");
}

/* A state to bring the tracee into. */
struct round {
	bool stop;		/* a group stop, */
	const char *then;	/* what each thread does after it */
	char left;		/* and the state it is in when it has been detached */
};

static void begin_round(int nr, const struct round *round)
{
	new_line();
	rec("-- round %d\n", nr);
	play_all("SEIZE");
	if (round->stop)
		play_script(GROUP_STOP("SIGSTOP"));
	play_all(round->then);
}

/* Detach from where it can be done, with and without a signal. */
static void do_detach(int signo)
{
	static const struct round rounds[] = {
		{ false, "INTERRUPT wait", 'S' },
		{ false, "SIGUSR1 wait", 'S' },
		{ true, "", 'T' },
		{ true, "INTERRUPT", 'T' },
		{ true, "SIGCONT", 'S' },
		{ false, "INTERRUPT wait SIGCONT INTERRUPT", 'S' },
	};
	const pid_t pid = start_tracee(1, false);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rounds); i++) {
		begin_round(i, &rounds[i]);
		REQ(DETACH, pid, signo);
		state(pid, rounds[i].left);
		now(pid);
		kill(pid, SIGCONT);
		state(pid, 'S');
		if (waitpid(pid, NULL, WNOHANG | WCONTINUED) == pid)
			rec("; continued");
	}
}

/* SIGKILL, and exit_group() by a thread that is not traced, in every state. */
static void do_end(int order)
{
	static const struct round rounds[] = {
		{ false, "", 0 },
		{ false, "INTERRUPT wait", 0 },
		{ false, "INTERRUPT wait INTERRUPT", 0 },
		{ false, "INTERRUPT wait LISTEN", 0 },
		{ true, "", 0 },
		{ true, "LISTEN", 0 },
	};
	unsigned int i;
	int k, status;
	pid_t pid;

	for (i = 0; i < ARRAY_SIZE(rounds); i++) {
		pid = start_tracee(2, true);
		begin_round(i, &rounds[i]);
		if (order)
			give_order(order);
		else
			kill(pid, SIGKILL);
		/* who is stopped does not hear the order until it is continued */
		if (order && rounds[i].stop)
			kill(pid, SIGCONT);
		/* they may have had a trap to take on the way; that is reaped or not */
		for (k = 1; k >= 0; k--) {
			do {
				status = sys_wait(thread[k], 0);
			} while (status > 0 && WIFSTOPPED(status));
			new_line();
			rec("end %s ", who(thread[k]));
			rec_status(status);
		}
		now(pid);
		end_tracee();
	}
}

static const struct round death_rounds[] = {
	{ false, "", 'S' },
	{ false, "INTERRUPT wait", 'S' },
	{ true, "", 'T' },
	{ true, "LISTEN", 'T' },
	{ true, "SIGCONT", 'S' },
	{ true, "CONT", 'T' },
};

/* Another tracer, up to the state of round number *@nr. It stops there until it is killed. */
static void other_tracer(void *nr)
{
	know(getpid(), "tracer2");
	begin_round(*(int *)nr, &death_rounds[*(int *)nr]);
	raise(SIGSTOP);
}

/* What the real parent sees of a tracee that another traces, and who then dies. */
static void do_tracer_death(int unused)
{
	pid_t pid, tracer;
	siginfo_t si;
	int i;

	for (i = 0; i < (int)ARRAY_SIZE(death_rounds); i++) {
		pid = start_tracee(1, false);
		tracer = spawn(other_tracer, &i);
		sys_wait(tracer, WUNTRACED);
		now(pid);
		kill_and_reap(tracer);
		state(pid, death_rounds[i].left);
		now(pid);
		sys_waitid(pid, &si, WSTOPPED | WNOHANG);
		/* nothing has been left behind for the next one */
		play(pid, "now SEIZE now INTERRUPT wait");
		end_tracee();
	}
}

/* execve() of a seized task, and of a thread of it that is not the leader. */
static void do_exec_thread(int event)
{
	const pid_t pid = start_tracee(1, true);

	REQ(SEIZE, thread[OTHER], event ? PTRACE_O_TRACEEXEC : 0);
	give_order(EXEC);
	if (event) {
		play(pid, "wait INTERRUPT now CONT");
	} else {
		/* it gets another pid when it has got rid of the others, and sleeps */
		wait_until(!task_state(thread[OTHER]));
		play(pid, "S now INTERRUPT");
	}
	play(pid, "wait CONT S now");
}

/* Requests that are about a task which is not there to be asked. */
static void do_errors(int unused)
{
	const pid_t pid = start_tracee(1, false);
	siginfo_t si;
	pid_t zombie;

	play(pid, "INTERRUPT LISTEN look");
	zombie = spawn(pause_forever, NULL);
	know(zombie, "zombie");
	REQ(SEIZE, zombie, 0);
	kill(zombie, SIGKILL);
	play(zombie, "Z INTERRUPT LISTEN CONT look DETACH wait INTERRUPT");

	play(pid, "SEIZE INTERRUPT wait");
	REQ(GETSIGINFO, pid, 0);
	REQ(SETSIGINFO, pid, 0);
	REQ(GETEVENTMSG, pid, 0);
	REQ(GETSIGINFO, pid, 8);
	REQ(CONT, pid, 1000);
	REQ(DETACH, pid, 1000);
	new_line();
	rec("GETSIGINFO %s, addr ignored", who(pid));
	rec_ret(sys_ptrace(PTRACE_GETSIGINFO, pid, 1, &si));
	now(pid);
}

/* --- The list --- */

struct scenario {
	const char *name;
	void (*run)(int arg);	/* or NULL, and there is a script for @arg threads */
	int arg;
	const struct script *script;
};

#define ONE_AND_MANY(name, script)					\
	{ name "_one", NULL, 1, &(script) }, { name "_many", NULL, 3, &(script) }

#define TRAPS(how, flags)						\
	{ how "_signal", do_trap, TRAP_SIGNAL | (flags) },		\
	{ how "_syscall_entry", do_trap, TRAP_SYSCALL_ENTRY | (flags) },	\
	{ how "_syscall_exit", do_trap, TRAP_SYSCALL_EXIT | (flags) },	\
	{ how "_exec", do_trap, PTRACE_EVENT_EXEC | (flags) },		\
	{ how "_fork", do_trap, PTRACE_EVENT_FORK | (flags) },		\
	{ how "_vfork", do_trap, PTRACE_EVENT_VFORK | (flags) },	\
	{ how "_vfork_done", do_trap, PTRACE_EVENT_VFORK_DONE | (flags) },	\
	{ how "_clone", do_trap, PTRACE_EVENT_CLONE | (flags) },	\
	{ how "_seccomp", do_trap, PTRACE_EVENT_SECCOMP | (flags) },	\
	{ how "_step", do_trap, TRAP_STEP | (flags) },			\
	{ how "_exit", do_trap, PTRACE_EVENT_EXIT | (flags) },		\
	{ how "_group", do_trap, TRAP_GROUP | (flags) }

/* scripts/run/promises and mutants look for TEST(<promise>...) to find a program. */
#define TEST(name) static const struct scenario name[]

TEST(seize_plain) = {
	ONE_AND_MANY("seize", seize),
	{ "options", do_options, 0 },
	{ "errors", do_errors, 0 },
	ONE_AND_MANY("seize_stopped", seize_stopped),
	ONE_AND_MANY("group_stop", group_stop),
	ONE_AND_MANY("group_stop_twice", group_stop_twice),
	{ "group_stop_untraced", NULL, 3, &group_stop_untraced },
	ONE_AND_MANY("listen", listen_script),
	{ "signals_seize", do_signals, false },
	{ "signals_attach", do_signals, true },
	ONE_AND_MANY("attach", attach),
	{ "traceme", do_traceme, 0 },
	TRAPS("trap_seize", 0),
	{ "trap_seize_interrupted", do_trap, TRAP_INTERRUPTED },
	TRAPS("trap_attach", BY_ATTACH),
	TRAPS("trap_interrupt", PEND_INTERRUPT),
	{ "trap_interrupt_interrupted", do_trap, TRAP_INTERRUPTED | PEND_INTERRUPT },
	TRAPS("trap_notify", PEND_NOTIFY),
	{ "trap_notify_interrupted", do_trap, TRAP_INTERRUPTED | PEND_NOTIFY },
	{ "forge_signal", do_forge, TRAP_SIGNAL },
	{ "forge_syscall_entry", do_forge, TRAP_SYSCALL_ENTRY },
	{ "forge_exec", do_forge, PTRACE_EVENT_EXEC },
	{ "forge_group", do_forge, TRAP_GROUP },
	{ "forge_interrupted", do_forge, TRAP_INTERRUPTED },
	{ "pretend", do_pretend, false },
	{ "pretend_listen", do_pretend, true },
	{ "detach", do_detach, 0 },
	{ "detach_sigcont", do_detach, SIGCONT },
	{ "end_kill", do_end, 0 },
	{ "end_exit", do_end, EXIT_GROUP },
	{ "tracer_death", do_tracer_death, 0 },
	{ "exec_thread", do_exec_thread, false },
	{ "exec_thread_event", do_exec_thread, true },
};

/*
 * Run @scenario in a process of its own and print its transcript, also if that process
 * comes to grief. All that it has started goes with it. Returns if all is well.
 */
static bool run_scenario(const struct scenario *scenario)
{
	static unsigned int timeout = SCENARIO_TIMEOUT;
	const char *missing = strstr(scenario->name, "_step") ? lacks_single_step() : NULL;
	int status;
	pid_t pid;

	printf("== %s\n", scenario->name);
	if (missing) {
		printf("SKIP %s\n", missing);
		return true;
	}

	fflush(stdout);
	out->len = 0;
	pid = fork();
	if (!pid) {
		setpgid(0, 0);
		alarm(timeout);
		know(getpid(), "tracer");
		thread = shared_page();
		if (!thread || pipe2(orders, O_CLOEXEC))
			abort();
		if (scenario->script)
			do_script(scenario->script, scenario->arg);
		else
			scenario->run(scenario->arg);
		_exit(0);
	}
	status = pid > 0 ? sys_wait(pid, 0) : -1;
	if (status) {
		new_line();
		rec("the scenario itself: ");
		rec_status(status);
	}
	if (status == SIGALRM)
		timeout = IMPATIENT_TIMEOUT;
	new_line();
	printf("%.*s", (int)out->len, out->text);
	return !status;
}

/* Whether @name is seize_plain, for all scenarios, or seize_plain.SCENARIO. */
static bool is_meant(const struct scenario *scenario, const char *name)
{
	const size_t len = strlen("seize_plain");

	return !strncmp(name, "seize_plain", len) &&
	       (!name[len] || (name[len] == '.' && !strcmp(name + len + 1, scenario->name)));
}

int main(int argc, char **argv)
{
	unsigned int i, meant = 0, failed = 0;
	int arg;

	if (!strcmp(argv[0], ROLE_TRAPPED))
		end_of_trap();
	if (!strcmp(argv[0], ROLE_SLEEPER))
		pause_forever(NULL);

	out = mmap(NULL, sizeof(*out), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		   -1, 0);
	if (out == MAP_FAILED)
		return 1;
	/* make check and mutants say -r NAME and -t NAME, as to the kselftest harness */
	for (i = 0; i < ARRAY_SIZE(seize_plain); i++) {
		for (arg = 1; arg < argc && !is_meant(&seize_plain[i], argv[arg]); arg++)
			;
		if (argc > 1 && arg == argc)
			continue;
		meant++;
		failed += !run_scenario(&seize_plain[i]);
	}
	return !meant || failed;
}
