// SPDX-License-Identifier: GPL-2.0
/*
 * A fuzzer of ptrace sequences. Each sequence is a list of small operations on one
 * tracee: ptrace requests with good and bad arguments, signals, waits, and what a
 * thread other than the tracer tries. After each, what the kernel answered is held
 * against a model of what it may answer (fuzz_model.h). Reported are:
 *
 *	fuzz_answer	an answer that the model does not allow
 *	fuzz_deadline	a request or a wait that does not return, although the
 *			event which it waits for has to come (notify-merge ...)
 *	fuzz_escape	user instructions of a tracee that had to be trapped before
 *			(notify-no-escape, notify-sticky)
 *	fuzz_alien	an answer to a thread that is not the tracer
 *
 * Several tracer threads work at once, each on tracees of its own. Each has a helper
 * thread, which sends signals while the tracer makes requests, and "aliens" bother
 * all tracees with requests that must fail.
 *
 * A sequence is a line of text, one word an operation, and can be replayed; what it
 * does depends on the seed alone, not on the answers. --help tells the usage.
 */
#include "../proof/old/group_stop.h"
#include "../proof/old/group_stop_arch.h"
#include "fuzz_model.h"

#include <dirent.h>
#include <elf.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/uio.h>

#ifndef PTRACE_GET_SYSCALL_INFO
#define PTRACE_GET_SYSCALL_INFO		0x420e
#endif

#define MAX_OPS		400
#define MAX_WORKERS	16
#define HANG_MS		(2 * DEADLINE_MS)
#define MAX_FAILURES	10	/* reported in full */
#define TRIPLES		(1 << 18)
#define KEEP_MAX	4000	/* sequences with something new, kept for the corpus */
#define CORPUS_MAX	100	/* of these in it */
#define LINE_MAX_LEN	8192

#define PAGE_AT		0x20000000UL	/* + slot * PAGE_STEP: the tracee's page */
#define PAGE_STEP	0x10000UL
#define TRACEE_FD	100		/* + slot */

/* --- operations --- */

enum op_code {
	OP_NEW, OP_SEIZE, OP_ATTACH, OP_INT, OP_LISTEN, OP_CONT, OP_SYSC, OP_STEP, OP_DETACH,
	OP_PKILL, OP_GETSI, OP_SETSI, OP_MSG, OP_SETOPT, OP_PEEK, OP_POKE, OP_REGS, OP_GMASK,
	OP_SMASK, OP_PEEKSI, OP_SCINFO, OP_MISC, OP_KILL, OP_TKILL, OP_MKILL, OP_WAIT, OP_AWAIT,
	OP_CMD, OP_ASYNC, OP_JOIN, OP_ALIEN, OP_YIELD,
	NR_OPS
};

static const struct {
	const char *name;
	int args;
} op_info[NR_OPS] = {
	[OP_NEW] = { "new", 1 },		/* enum prog, NEW_* */
	[OP_SEIZE] = { "seize", 2 },	/* data, addr */
	[OP_ATTACH] = { "attach", 0 },
	[OP_INT] = { "int", 0 },
	[OP_LISTEN] = { "listen", 0 },
	[OP_CONT] = { "cont", 1 },	/* data */
	[OP_SYSC] = { "syscall", 1 },
	[OP_STEP] = { "step", 1 },
	[OP_DETACH] = { "detach", 1 },
	[OP_PKILL] = { "pkill", 0 },
	[OP_GETSI] = { "getsi", 1 },	/* pointer, enum ptr_kind */
	[OP_SETSI] = { "setsi", 2 },	/* pointer, index of forged_code[] */
	[OP_MSG] = { "msg", 1 },		/* pointer */
	[OP_SETOPT] = { "setopt", 1 },	/* data */
	[OP_PEEK] = { "peek", 2 },	/* address good (0) or bad, pointer */
	[OP_POKE] = { "poke", 1 },	/* address good (0) or bad */
	[OP_REGS] = { "regs", 2 },	/* type good (0) or bad, pointer to the iovec */
	[OP_GMASK] = { "gmask", 2 },	/* size, pointer */
	[OP_SMASK] = { "smask", 2 },
	[OP_PEEKSI] = { "peeksi", 3 },	/* flags, nr, pointer to the arguments */
	[OP_SCINFO] = { "scinfo", 2 },	/* size, pointer */
	[OP_MISC] = { "misc", 1 },	/* index of misc[] */
	[OP_KILL] = { "kill", 1 },	/* signal to the process, */
	[OP_TKILL] = { "tkill", 1 },	/* the tracee, */
	[OP_MKILL] = { "mkill", 1 },	/* the mate */
	[OP_WAIT] = { "wait", 1 },	/* enum wait_kind */
	[OP_AWAIT] = { "await", 0 },	/* sleep in wait4() if a status has to come */
	[OP_CMD] = { "cmd", 1 },		/* enum cmd for the tracee to execute */
	[OP_ASYNC] = { "async", 2 },	/* signals a byte each, target << 6; gap */
	[OP_JOIN] = { "join", 0 },	/* all of these are sent */
	[OP_ALIEN] = { "alien", 2 },	/* request, data: from another thread */
	[OP_YIELD] = { "yield", 0 },
};

/* Of the argument of OP_NEW, beside enum prog. */
#define NEW_PROG	3
#define NEW_MATE	4
#define NEW_BLOCK_CONT	8
#define NEW_EAGER	16	/* runs even if the tracer would like to */

enum ptr_kind {
	P_GOOD, P_NULL, P_CROSS_BAD, P_RO, P_KERNEL, P_CROSS_GOOD,
	NR_PTRS
};

enum wait_kind {
	W_PLAIN, W_UNTRACED, W_CONTINUED, W_PEEK, W_PEEK_STOP,
	NR_WAITS
};

struct op {
	__u8 code;
	unsigned long a, b, c;
};

/* Requests that change nothing, and the answers that they may have. */
#define ANY_SIZE	1	/* ... and any result >= 0 */
static const struct {
	unsigned long request;
	unsigned long addr;
	unsigned long data;
	int errors[4];
	int ok;
} misc[] = {
	{ 10, 0, 0, { EIO }, 0 },
	{ 0x7fff, 0, 0, { EIO }, 0 },
	{ 0x42ff, ~0UL, ~0UL, { EIO }, 0 },
	{ 0x7fffffff, 0, 0, { EIO }, 0 },
	{ 0x420c, 0, 0, { EINVAL, EACCES, EIO, ENOENT }, 0 },	/* SECCOMP_GET_FILTER */
	{ 0x420c, ~0UL, 0, { EINVAL, EACCES, EIO, ENOENT }, 0 },
	{ 0x420d, 0, 0, { EINVAL, EACCES, EIO }, 0 },		/* SECCOMP_GET_METADATA */
	{ 0x420d, 16, 0, { EINVAL, EACCES, EIO, EFAULT }, 0 },
	{ 0x420f, 0, 0, { EIO, EFAULT }, ANY_SIZE },		/* GET_RSEQ_CONFIGURATION */
	{ 0x420f, 24, 0, { EIO, EFAULT }, 0 },
	{ 0x4211, 0, 0, { EIO, EINVAL }, 0 },	/* GET_SYSCALL_USER_DISPATCH_CONFIG */
	{ PTRACE_GETREGSET, 0x7777, 0, { EFAULT, EINVAL, EIO }, 0 },
	{ PTRACE_PEEKUSER, 3, 0, { EIO, EFAULT, EINVAL }, ANY_SIZE },
	{ PTRACE_PEEKUSER, 0x7ffffff8, 0, { EIO, EFAULT, EINVAL }, ANY_SIZE },
};

#define NR_MISC		((int)(sizeof(misc) / sizeof(misc[0])))

static const int send_sigs[] = {
	SIGSTOP, SIGCONT, SIGTSTP, SIGUSR1, SIGTTIN, SIGTTOU, SIGURG, SIGTERM, SIGKILL,
};

/* --- what threads share --- */

/* On a page that a tracee shares with its tracer. */
struct page {
	unsigned long count;
	int cmd;		/* enum cmd, taken by the tracee */
	int ready;
	pid_t mate;
	unsigned long scratch[4];

	/* for the nursery */
	int wanted;		/* tracees asked for, */
	int born;		/* and made */
	unsigned long how;	/* the argument of OP_NEW */
	pid_t pid;
};

struct seq {
	int n;
	struct op op[MAX_OPS];
};

struct ans {
	long ret;
	int err;
	unsigned long val;
	siginfo_t si;
	bool any;		/* to find out what is allowed: the rest doesn't matter */
};

struct worker {
	int slot;
	pthread_t thread, helper;
	__u64 rng;
	struct page *page;
	int memfd;
	struct ctx ctx;
	struct set set[5];	/* what it may be in, the same after an answer; scratch */
	char *ptrs;		/* the pages that enum ptr_kind points to */
	int pid;		/* of the tracee, for the aliens */
	unsigned long count;	/* that we saw last */
	bool known;		/* the set says something */
	struct seq seq;
	int at;			/* operation */
	struct { long ret; unsigned long val; } log[MAX_OPS];	/* answers, or -errno */
	int fresh, news;	/* last operation with something new, + 1; how many */
	__u32 *goal;		/* triples that a replay is to reach, or NULL */
	int goals, reached;
	bool failed;
	unsigned long requests, sequences, lost;

	unsigned long beat;	/* odd: in a system call that may hang */
	unsigned long last_beat;	/* that check_hang() saw, */
	long long beat_time;	/* first then */

	/* for the helper */
	int job, done;		/* numbers, of the last one given and the last one done */
	struct { int sig, target; } send[4];
	int sends;
	unsigned long gap;
	bool alien;
	struct op alien_op;
	struct ans alien_ans;
};

static struct worker *workers[MAX_WORKERS];
static int nr_workers = 2;
static __u64 seed = 1;
static unsigned long long max_requests;
static int max_seconds;
static pid_t fuzz_pid;
static bool verbose, plain, stop, finished;
static unsigned long long requests, sequences, lost, alien_requests;

enum failure { F_ANSWER, F_DEADLINE, F_ESCAPE, F_ALIEN, NR_FAILURES };

static const char * const failure_names[NR_FAILURES] = {
	"fuzz_answer", "fuzz_deadline", "fuzz_escape", "fuzz_alien",
};

static unsigned long failures[NR_FAILURES];
static pthread_mutex_t report_lock = PTHREAD_MUTEX_INITIALIZER;

static __u32 triples[TRIPLES];
static int nr_triples;
static struct { char *line; int new; } keep[KEEP_MAX];
static int nr_keep;
static bool keep_corpus;

static __u64 rnd(struct worker *w)
{
	return mix64(w->rng += 0x9e3779b97f4a7c15ULL);
}

static unsigned int pick(struct worker *w, unsigned int n)
{
	return rnd(w) % n;
}

static __attribute__((format(printf, 1, 2))) void say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	printf("# ");
	vprintf(fmt, ap);
	printf("\n");
	fflush(stdout);
	va_end(ap);
}

/* --- text --- */

static void op_text(const struct op *op, char *buf, size_t size)
{
	const unsigned long arg[] = { op->a, op->b, op->c };
	int i, len = snprintf(buf, size, "%s", op_info[op->code].name);

	for (i = 0; i < op_info[op->code].args; i++)
		len += snprintf(buf + len, size - len, arg[i] > 64 ? ":%#lx" : ":%lu", arg[i]);
}

/* Operations up to @n of @seq in one line of @buf. */
static void seq_text(const struct seq *seq, int n, char *buf, size_t size)
{
	size_t len = 0;
	char word[96];
	int i;

	buf[0] = '\0';
	for (i = 0; i < n && i < seq->n; i++) {
		op_text(&seq->op[i], word, sizeof(word));
		if (len + strlen(word) + 2 > size)
			break;
		len += sprintf(buf + len, "%s%s", i ? " " : "", word);
	}
}

/* Read @line into @seq. Returns NULL or the word that is wrong. */
static const char *seq_parse(struct seq *seq, char *line)
{
	char *save, *word, *p;
	unsigned long arg[3];
	int i, n;

	seq->n = 0;
	for (word = strtok_r(line, " \t\n", &save); word;
	     word = strtok_r(NULL, " \t\n", &save)) {
		struct op *op = &seq->op[seq->n];

		if (word[0] == '#')
			break;
		if (seq->n++ == MAX_OPS)
			return "too long";
		memset(arg, 0, sizeof(arg));
		p = strchrnul(word, ':');
		for (i = 0; i < NR_OPS; i++) {
			if (strlen(op_info[i].name) == (size_t)(p - word) &&
			    !strncmp(op_info[i].name, word, p - word))
				break;
		}
		if (i == NR_OPS)
			return word;
		for (n = 0; *p == ':' && n < op_info[i].args; n++)
			arg[n] = strtoul(p + 1, &p, 0);
		if (*p || n != op_info[i].args)
			return word;
		*op = (struct op){ i, arg[0], arg[1], arg[2] };
	}
	return NULL;
}

/* --- the tracee --- */

static void on_usr1(int sig)
{
}

static int tracee_mate(void *arg)
{
	for (;;)
		pause();
	return 0;
}

static void __attribute__((noreturn)) tracee_work(struct page *page, int slot, enum prog prog)
{
	struct sigaction sa = { .sa_handler = on_usr1, .sa_flags = SA_NODEFER | SA_RESTART };
	char arg[3][24], *argv[] = { "fuzz-tracee", arg[0], arg[1], arg[2], NULL };
	char *envp[] = { NULL };
	int cmd;

	sigaction(SIGUSR1, &sa, NULL);
	__atomic_store_n(&page->ready, 1, __ATOMIC_RELEASE);

	while (prog == PROG_PAUSE)
		pause();
	for (;;) {
		__atomic_add_fetch(&page->count, 1, __ATOMIC_RELAXED);
		cmd = __atomic_exchange_n(&page->cmd, CMD_NONE, __ATOMIC_RELAXED);
		if (cmd == CMD_EXIT)
			syscall(SYS_exit_group, 7);
		if (cmd == CMD_EXEC) {
			sprintf(arg[0], "%d", slot);
			sprintf(arg[1], "%d", prog);
			execve("/proc/self/exe", argv, envp);
			syscall(SYS_exit_group, 99);
		}
		if (prog == PROG_YIELD)
			sched_yield();
	}
}

static struct page *map_page(int slot, int fd)
{
	void *at = (void *)(PAGE_AT + slot * PAGE_STEP);
	void *p = mmap(at, getpagesize(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);

	return p == MAP_FAILED ? NULL : p;
}

/* The program that CMD_EXEC starts. */
static int exec_main(char **argv)
{
	const int slot = atoi(argv[1]);
	struct page *page = map_page(slot, TRACEE_FD + slot);

	if (!page)
		return 98;
	tracee_work(page, slot, atoi(argv[2]));
}

/* Body of the tracee's process. Does not return. */
static int tracee_main(void *arg)
{
	static char stack[16384] __attribute__((aligned(16)));
	const struct sched_param param = { 0 };
	struct worker *w = arg;
	const unsigned long how = w->page->how;
	sigset_t set;
	pid_t tid;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != fuzz_pid)
		_exit(1);
	/* not orphaned while we live: SIGTSTP and such stop it */
	setpgid(0, 0);
	sigemptyset(&set);
	if (how & NEW_BLOCK_CONT)
		sigaddset(&set, SIGCONT);
	sigprocmask(SIG_SETMASK, &set, NULL);
	if (dup2(w->memfd, TRACEE_FD + w->slot) < 0)
		_exit(1);
	/* let the tracer run when it wants to: it makes more requests */
	if (!(how & NEW_EAGER))
		sched_setscheduler(0, SCHED_IDLE, &param);
	if (how & NEW_MATE) {
		tid = clone(tracee_mate, stack + sizeof(stack),
			    CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND |
			    CLONE_THREAD | CLONE_SYSVSEM, NULL);
		if (tid < 0)
			_exit(1);
		w->page->mate = tid;
	}
	tracee_work(w->page, w->slot, how & NEW_PROG);
}

/*
 * The nursery of a worker is a process with a single thread, which makes the tracees,
 * as children of its parent. A fork() of the fuzzer itself would have to interrupt
 * all CPUs on which its threads run, which takes a guest ages.
 */
static void __attribute__((noreturn)) nursery_main(struct worker *w)
{
	static char stack[65536] __attribute__((aligned(16)));
	struct page *page = w->page;
	int n;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != fuzz_pid)
		_exit(1);
	for (n = 0;; n++) {
		while (__atomic_load_n(&page->wanted, __ATOMIC_ACQUIRE) == n)
			syscall(SYS_futex, &page->wanted, FUTEX_WAIT, n, NULL, NULL, 0);
		page->pid = clone(tracee_main, stack + sizeof(stack), CLONE_PARENT | SIGCHLD,
				  w);
		__atomic_store_n(&page->born, n + 1, __ATOMIC_RELEASE);
	}
}

/* --- system calls that the watchdog looks after --- */

static void busy(struct worker *w, bool on)
{
	/* not the time, which is a system call in the guest */
	__atomic_store_n(&w->beat, ((w->beat + 1) | 1) + !on, __ATOMIC_RELAXED);
}

/*
 * A request, whose kernel and libc sides are the same: @a->ret and @a->err are what
 * the kernel says.
 */
static void do_ptrace(pid_t pid, struct ans *a, unsigned long request, unsigned long addr,
		      unsigned long data)
{
	a->ret = sys_ptrace(request, pid, addr, (void *)data);
	a->err = a->ret < 0 ? errno : 0;
}

/* Give the helper a job: what is in ->send[] or ->alien_op. */
static void helper_start(struct worker *w)
{
	__atomic_store_n(&w->job, w->job + 1, __ATOMIC_RELEASE);
	syscall(SYS_futex, &w->job, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void helper_join(struct worker *w)
{
	int done;

	while ((done = __atomic_load_n(&w->done, __ATOMIC_ACQUIRE)) != w->job)
		syscall(SYS_futex, &w->done, FUTEX_WAIT_PRIVATE, done, NULL, NULL, 0);
}

static int send_to(struct worker *w, int sig, int target)
{
	if (target == TO_PROCESS)
		return kill(w->ctx.pid, sig);
	return syscall(SYS_tgkill, w->ctx.pid,
		       target == TO_MATE ? w->page->mate : w->ctx.pid, sig);
}

static void *helper_main(void *arg)
{
	struct worker *w = arg;
	int i, job;
	volatile unsigned long spin;

	for (;;) {
		while ((job = __atomic_load_n(&w->job, __ATOMIC_ACQUIRE)) == w->done)
			syscall(SYS_futex, &w->job, FUTEX_WAIT_PRIVATE, job, NULL, NULL, 0);
		if (w->alien) {
			memset(&w->alien_ans, 0, sizeof(w->alien_ans));
			do_ptrace(w->ctx.pid, &w->alien_ans, w->alien_op.a, 0, w->alien_op.b);
		} else {
			for (i = 0; i < w->sends; i++) {
				for (spin = w->gap; spin; spin--)
					;
				send_to(w, w->send[i].sig, w->send[i].target);
			}
		}
		__atomic_store_n(&w->done, job, __ATOMIC_RELEASE);
		syscall(SYS_futex, &w->done, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	}
	return NULL;
}

/* Where enum ptr_kind points to, for an object of @size bytes. */
static char *ptr_of(struct worker *w, int kind, size_t size)
{
	const long page = getpagesize();

	switch (kind) {
	case P_NULL:
		return NULL;
	case P_CROSS_BAD:
		return w->ptrs + 2 * page - (size > 4 ? size / 2 : 1);
	case P_RO:
		return w->ptrs + 3 * page;
	case P_KERNEL:
		return (char *)-4096L;
	case P_CROSS_GOOD:
		return w->ptrs + page - (size > 4 ? size / 2 : 1);
	default:
		return w->ptrs + 128;
	}
}

/* Whether the kernel can write to it; it can read from P_RO as well. */
static bool ptr_writes(int kind)
{
	return kind == P_GOOD || kind == P_CROSS_GOOD;
}

static bool ptr_reads(int kind)
{
	return ptr_writes(kind) || kind == P_RO;
}

/* Wait as @kind says. @a->ret: pid or 0, @a->val: status as that of wait4(). */
static void do_wait(struct worker *w, struct ans *a, int kind, bool block)
{
	int status = 0, options = __WALL | WNOHANG;
	siginfo_t si = { 0 };

	if (kind >= W_PEEK) {
		options = __WALL | WNOHANG | WNOWAIT | WSTOPPED;
		if (kind == W_PEEK)
			options |= WEXITED;
		a->ret = waitid(P_PID, w->ctx.pid, &si, options);
		a->err = a->ret < 0 ? errno : 0;
		if (a->ret)
			return;
		a->ret = si.si_pid;
		if (si.si_code == CLD_EXITED)
			a->val = si.si_status << 8;
		else if (si.si_code == CLD_KILLED)
			a->val = si.si_status;
		else if (si.si_pid)
			a->val = si.si_status << 8 | 0x7f;
		return;
	}
	if (kind >= W_UNTRACED)
		options |= WUNTRACED;
	if (kind == W_CONTINUED)
		options |= WCONTINUED;
	if (block)
		options &= ~WNOHANG;
	a->ret = wait4(w->ctx.pid, &status, options, NULL);
	a->err = a->ret < 0 ? errno : 0;
	a->val = status;
}

/* --- what the model allows --- */

static bool is_error(const struct ans *a, int err)
{
	return a->ret < 0 && a->err == err;
}

static bool is_ok(const struct ans *a)
{
	return a->ret == 0;
}

#define MATCH(a, got, want)	((a)->any || (unsigned long)(got) == (unsigned long)(want))

static bool reportable(const struct st *s)
{
	/* also on its way to a re-trap: see retrap() */
	return (s->unreaped && (s->phase == PH_TRAP || s->trapping) && !s->listening) ||
	       s->phase == PH_ZOMBIE;
}

static const unsigned long option_mask = 0x3000ff;

static void set_options(struct st *s, unsigned long options)
{
	s->sysgood = !!(options & PTRACE_O_TRACESYSGOOD);
	s->opt_exec = !!(options & PTRACE_O_TRACEEXEC);
	s->opt_exit = !!(options & PTRACE_O_TRACEEXIT);
}

/*
 * PTRACE_SEIZE and ATTACH. They return when the trap of a stopped tracee is reached;
 * until then ->trapping is set, in any mode, and the caller drops these.
 */
static void react_attach(struct st s, const struct op *op, const struct ans *a,
			 struct set *between, struct set *out)
{
	struct st t;
	int i;
	const bool seize = op->code == OP_SEIZE;
	/* a 32-bit tracer passes no upper half */
	const unsigned long options = op->a & ~(unsigned long)PTRACE_SEIZE_DEVEL;

	if (s.phase == PH_GONE) {
		if (is_error(a, ESRCH))
			set_add(out, s);
		return;
	}
	if (seize && (op->b || (options & ~option_mask))) {
		if (is_error(a, EIO))
			set_add(out, s);
		return;
	}
	/* SUSPEND_SECCOMP: needs configuration and privilege */
	if (seize && (options & (1 << 21)) && (is_error(a, EINVAL) || is_error(a, EPERM))) {
		set_add(out, s);
		return;
	}
	if (s.mode != MODE_NONE || s.phase == PH_ZOMBIE) {
		if (is_error(a, EPERM))
			set_add(out, s);
		return;
	}
	if (s.phase == PH_DYING && is_error(a, EPERM))
		set_add(out, s);	/* no mm any more, see __ptrace_may_access() */
	if (!is_ok(a))
		return;

	s.mode = !seize ? MODE_ATTACH :
		 op->a & PTRACE_SEIZE_DEVEL ? MODE_NOTIFY : MODE_SEIZE;
	if (seize)
		set_options(&s, op->a);
	/*
	 * ptrace_attach() makes it a tracee first, and only then takes the siglock to
	 * look if it is stopped, or to send SIGSTOP.
	 */
	set_clear(between);
	set_add(between, s);
	if (s.env < ctx->env_n) {
		/*
		 * For a signal that is being sent it may become one between
		 * prepare_signal() having a look and sig_ignored() doing so.
		 */
		t = s;
		t.mode = MODE_NONE;
		ctx->attaching = true;
		t = after_signal(t, ctx->env[s.env].sig, ctx->env[s.env].target, false);
		ctx->attaching = false;
		t.mode = s.mode;
		t.env = s.env + 1;
		set_add(between, t);
	}
	closure(between);
	if (between->full)
		out->full = true;
	for (i = 0; i < between->n; i++) {
		s = between->s[i];
		if (!seize)
			s = after_signal(s, SIGSTOP, TO_T, false);
		if (s.phase == PH_STOPPED) {
			s.ts = 1;
			s.trapping = 1;
			s.phase = PH_LOOP;
		}
		set_add(out, s);
	}
}

/* What PTRACE_GETSIGINFO returns in trap @s. */
static bool siginfo_matches(const struct st *s, const struct ans *a)
{
	const siginfo_t *si = &a->si;
	int signr = SIGTRAP, code = s->code;

	if (a->any)
		return true;
	if (in_notify_trap(s)) {
		signr = stop_signr(s);
		return si->si_signo == signr && si->si_code == (signr | 128 << 8) &&
		       si->si_status == (signr == SIGTRAP ? 0 : signr) &&
		       (s->forged || si->si_pid == ctx->pid);
	}
	if (s->forged)
		return si->si_signo == SIGTRAP && si->si_code == forged_code[s->forged];
	if (s->kind == K_SIGNAL)
		return si->si_signo == s->code;
	if (s->kind == K_STOP)
		return si->si_signo == (s->code & 0x7f) && si->si_code == code &&
		       !si->si_status && si->si_pid == ctx->pid;
	return si->si_signo == SIGTRAP && si->si_code == code && si->si_pid == ctx->pid;
}

static bool eventmsg_matches(const struct st *s, const struct ans *a)
{
	switch (s->kind) {
	case K_STOP:
		return MATCH(a, a->val, s->mode == MODE_NOTIFY ? s->msg << 8 : 0);
	case K_EXEC:
		return MATCH(a, a->val, ctx->pid);
	case K_EXIT:
		return s->kdump || MATCH(a, a->val, s->dcode);
	case K_ENTRY:
		return MATCH(a, a->val, 1);
	case K_LEAVE:
		return MATCH(a, a->val, 2);
	default:
		return MATCH(a, a->val, 0);
	}
}

/* The size that PTRACE_GET_SYSCALL_INFO returns. It believes the siginfo. */
static bool scinfo_matches(const struct st *s, long size)
{
	int code = 0;

	if (s->forged)
		code = forged_code[s->forged];
	else if (s->kind == K_ENTRY || s->kind == K_LEAVE)
		code = s->code;
	if (in_notify_trap(s))
		code = 0;
	if (code == (SIGTRAP | 0x80) && s->kind == K_ENTRY)
		return size == 80;
	if (code == (SIGTRAP | 0x80) && s->kind == K_LEAVE)
		return size == 33;
	/* 88 since there is something behind ret_data */
	if (code == (SIGTRAP | 7 << 8))
		return size == 84 || size == 88;
	/* message 1 and 2 of another trap look like those of a system call */
	if (code == (SIGTRAP | 0x80) && s->kind == K_STOP)
		return size == 24;
	return size == 24;
}

/* PTRACE_LISTEN in trap @s. */
static void react_listen(struct st s, const struct ans *a, struct set *out)
{
	bool listen = s.kind == K_STOP;
	bool again = s.tn;

	/* a plain tracee's trap is what its siginfo says */
	if (s.mode != MODE_NOTIFY) {
		if (s.kind == K_GSTOP)
			listen = false;
		else if (s.forged)
			listen = forged_code[s.forged] >> 8 == 128;
	} else {
		again |= s.ti;
	}
	if (s.mode < MODE_SEIZE || !listen) {
		if (is_error(a, EIO))
			set_add(out, s);
		return;
	}
	if (!is_ok(a))
		return;
	s.listening = 1;
	if (again)
		end_listen(&s);
	set_add(out, s);
}

/* May a SIGCONT, of those that a helper sends, take stop signals out of the queues meanwhile? */
static bool cont_may_come(const struct st *s)
{
	int i;

	for (i = s->env; i < ctx->env_n; i++)
		if (ctx->env[i].sig == SIGCONT)
			return true;
	return false;
}

/* A request that needs a trap, in trap @s, which is not listening. */
static void react_trapped(struct st s, const struct op *op, const struct ans *a,
			  struct set *out)
{
	const __u16 queued = op->a == 1 ? s.spend : s.ppend;
	int i, n;

	switch (op->code) {
	case OP_LISTEN:
		react_listen(s, a, out);
		return;
	case OP_CONT:
	case OP_SYSC:
	case OP_STEP:
		if (op->a > 64) {
			if (is_error(a, EIO))
				set_add(out, s);
			return;
		}
		s.systrace = op->code == OP_SYSC;
		if (op->code == OP_STEP && lacks_single_step()) {
			if (is_error(a, EIO))
				set_add(out, s);
			return;
		}
		s.step = op->code == OP_STEP;
		resume(&s, op->a);
		if (is_ok(a))
			set_add(out, s);
		return;
	case OP_DETACH:
		/* an int there */
		if ((unsigned int)op->a > 64) {
			if (is_error(a, EIO))
				set_add(out, s);
			return;
		}
		unlink_tracee(&s, (unsigned int)op->a);
		if (is_ok(a))
			set_add(out, s);
		return;
	case OP_GETSI:
		if (s.kind == K_GSTOP) {
			if (is_error(a, EINVAL))
				set_add(out, s);
		} else if (!ptr_writes(op->a)) {
			if (is_error(a, EFAULT))
				set_add(out, s);
		} else if (is_ok(a) && siginfo_matches(&s, a)) {
			/* not acknowledged if there was a change meanwhile */
			if (in_notify_trap(&s) && !s.deferred)
				s.tn = 0;
			set_add(out, s);
		}
		return;
	case OP_SETSI:
		if (!ptr_reads(op->a)) {
			if (is_error(a, EFAULT))
				set_add(out, s);
		} else if (s.kind == K_GSTOP) {
			if (is_error(a, EINVAL))
				set_add(out, s);
		} else if (is_ok(a)) {
			s.forged = op->a == P_RO ? 1 : op->b;
			set_add(out, s);
		}
		return;
	case OP_MSG:
		if (!ptr_writes(op->a)) {
			if (is_error(a, EFAULT))
				set_add(out, s);
		} else if (is_ok(a) && eventmsg_matches(&s, a)) {
			set_add(out, s);
		}
		return;
	case OP_SETOPT:
		if (op->a & ~option_mask) {
			if (is_error(a, EINVAL))
				set_add(out, s);
			return;
		}
		if ((op->a & (1 << 21)) && (is_error(a, EINVAL) || is_error(a, EPERM)))
			set_add(out, s);
		if (is_ok(a)) {
			set_options(&s, op->a);
			set_add(out, s);
		}
		return;
	case OP_PEEK:
		/* a program that has just been executed has no such page yet */
		if (op->a || (!s.hdl && is_error(a, EIO))) {
			if (is_error(a, EIO))
				set_add(out, s);
		} else if (!ptr_writes(op->b)) {
			if (is_error(a, EFAULT))
				set_add(out, s);
		} else if (is_ok(a) && MATCH(a, a->val, 1)) {
			set_add(out, s);
		}
		return;
	case OP_POKE:
		if (op->a || !s.hdl ? is_error(a, EIO) : is_ok(a) && MATCH(a, a->val, 1))
			set_add(out, s);
		else if (!op->a && is_ok(a) && MATCH(a, a->val, 1))
			set_add(out, s);
		return;
	case OP_REGS:
		if (!ptr_reads(op->b) || (!op->a && op->b == P_RO)) {
			/* the iovec is read, and written to if all went well */
			if (is_error(a, EFAULT) || (op->a && is_error(a, EINVAL)))
				set_add(out, s);
		} else if (op->a ? is_error(a, EINVAL) : is_ok(a)) {
			set_add(out, s);
		}
		return;
	case OP_GMASK:
		if (op->a != 8) {
			if (is_error(a, EINVAL))
				set_add(out, s);
		} else if (!ptr_writes(op->b)) {
			if (is_error(a, EFAULT))
				set_add(out, s);
		} else if (is_ok(a) && MATCH(a, a->val, 1)) {
			set_add(out, s);
		}
		return;
	case OP_SMASK:
		if (op->a != 8 ? is_error(a, EINVAL) : ptr_reads(op->b) ? is_ok(a) :
		    is_error(a, EFAULT))
			set_add(out, s);
		return;
	case OP_PEEKSI:
		n = (int)op->b;
		if (!ptr_reads(op->c)) {
			if (is_error(a, EFAULT))
				set_add(out, s);
		} else if (op->a & ~1UL || n < 0) {
			if (is_error(a, EINVAL))
				set_add(out, s);
		} else {
			i = __builtin_popcount(queued);
			/* what is pending for one that dies is not looked at any more */
			if (a->ret >= 0 && (a->any || s.kind == K_EXIT ||
					    a->ret == (i < n ? i : n) ||
					    /* siglock is released after each of them */
					    (a->ret < i && cont_may_come(&s))))
				set_add(out, s);
		}
		return;
	case OP_SCINFO:
		if (op->a && !ptr_writes(op->b)) {
			if (is_error(a, EFAULT))
				set_add(out, s);
		} else if (a->ret >= 0 && (a->any || scinfo_matches(&s, a->ret))) {
			set_add(out, s);
		}
		return;
	case OP_MISC:
		if (a->ret >= 0) {
			if (misc[op->a].ok)
				set_add(out, s);
			return;
		}
		for (i = 0; i < 4; i++) {
			if (misc[op->a].errors[i] && misc[op->a].errors[i] == a->err)
				set_add(out, s);
		}
		return;
	}
}

/* wait4() and waitid(). */
static void react_wait(struct st s, int kind, const struct ans *a, struct set *later,
		       struct set *out)
{
	int i;
	const bool peek = kind >= W_PEEK;
	unsigned long status;

	if (s.phase == PH_GONE) {
		if (is_error(a, ECHILD))
			set_add(out, s);
		return;
	}
	if (s.phase == PH_ZOMBIE) {
		if (kind == W_PEEK_STOP) {
			/*
			 * Nothing is left to wait for, unless the mate is not gone
			 * yet: wait_consider_task().
			 */
			if (is_error(a, ECHILD) ||
			    (s.mode == MODE_NONE && ctx->mate && is_ok(a)))
				set_add(out, s);
			return;
		}
		if (a->ret > 0 && (MATCH(a, a->val, s.dcode) ||
				   (s.kdump && a->val == SIGKILL))) {
			if (!peek)
				s.phase = PH_GONE;
			set_add(out, s);
		}
		return;
	}

	if (a->ret < 0) {
		/* a group leader that is dead, and not to be reaped before the mate is */
		if (kind == W_PEEK_STOP && s.phase == PH_DYING && ctx->mate &&
		    s.mode != MODE_NONE && is_error(a, ECHILD))
			set_add(out, s);
		return;
	}

	if (s.mode != MODE_NONE) {
		if (reportable(&s)) {
			status = s.code << 8 | 0x7f;
			if (a->ret > 0 && MATCH(a, a->val, status)) {
				if (!peek)
					s.unreaped = 0;
				if (!peek && s.phase != PH_TRAP)
					s.code = 0;
				set_add(out, s);
			}
			return;
		}
	} else if ((kind == W_UNTRACED || kind == W_CONTINUED || peek) && s.stopped && s.gexit) {
		status = s.gexit << 8 | 0x7f;
		if (a->ret > 0 && MATCH(a, a->val, status)) {
			if (!peek)
				s.gexit = 0;
			set_add(out, s);
		}
		return;
	}
	if (kind == W_CONTINUED && s.continued) {
		if (a->ret > 0 && MATCH(a, a->val, 0xffff)) {
			s.continued = 0;
			set_add(out, s);
		}
		if (a->ret)
			return;
		/* it may stop between the look for a stop and that for its end */
		set_clear(later);
		set_add(later, s);
		closure(later);
		for (i = 0; i < later->n; i++) {
			if (!later->s[i].continued)
				set_add(out, later->s[i]);
		}
		if (later->full)
			out->full = true;
		return;
	}
	if (a->ret == 0)
		set_add(out, s);
}

/* The same, while others send signals: it is frozen. @sets: two to use in between. */
static void react_frozen(struct st s, const struct op *op, const struct ans *a,
			 struct set *sets, struct set *out)
{
	struct set *frozen = &sets[0], *made = &sets[1];
	int i;

	set_clear(frozen);
	set_clear(made);
	set_add(frozen, s);
	frozen_closure(frozen);
	for (i = 0; i < frozen->n; i++) {
		if (frozen->s[i].phase == PH_TRAP)
			react_trapped(frozen->s[i], op, a, made);
	}
	for (i = 0; i < made->n; i++) {
		s = made->s[i];
		/* ptrace_unfreeze_traced() */
		if (s.phase == PH_TRAP && s.deferred)
			retrap(&s);
		set_add(out, s);
	}
	if (frozen->full || made->full)
		out->full = true;
}

/*
 * What @op, answered with @a, makes of each state of @in: added to @out. @sets are
 * two for use in between.
 */
static void react(struct set *in, const struct op *op, const struct ans *a,
		  struct set *sets, struct set *out)
{
	struct st s;
	int i, target;

	for (i = 0; i < in->n; i++) {
		s = in->s[i];
		switch (op->code) {
		case OP_SEIZE:
		case OP_ATTACH:
			react_attach(s, op, a, &sets[0], out);
			break;
		case OP_WAIT:
		case OP_AWAIT:
			react_wait(s, op->code == OP_WAIT ? op->a : W_PLAIN, a, &sets[0], out);
			break;
		case OP_KILL:
		case OP_TKILL:
		case OP_MKILL:
			target = op->code == OP_KILL ? TO_PROCESS :
				 op->code == OP_TKILL ? TO_T : TO_MATE;
			if (s.phase == PH_GONE ? is_error(a, ESRCH) : is_ok(a) ||
			    /* the mate dies with T, and is not there for long */
			    (target == TO_MATE && (s.phase >= PH_DYING ||
						   s.kind == K_EXIT) && is_error(a, ESRCH))) {
				set_add(out, after_signal(s, op->a, target, false));
				if (is_ok(a) && kills_at_once(&s, op->a, target)) {
					die(&s, op->a);
					set_add(out, s);
				}
			}
			break;
		case OP_PKILL:
			if (s.mode == MODE_NONE || s.phase == PH_GONE) {
				if (is_error(a, ESRCH))
					set_add(out, s);
			} else if (is_ok(a)) {
				set_add(out, after_signal(s, SIGKILL, TO_T, false));
			}
			break;
		case OP_INT:
			if (s.mode == MODE_NONE || s.phase == PH_GONE) {
				if (is_error(a, ESRCH))
					set_add(out, s);
				break;
			}
			if (s.mode == MODE_ATTACH) {
				if (is_error(a, EIO))
					set_add(out, s);
				break;
			}
			if (!is_ok(a))
				break;
			if (s.phase < PH_DYING) {
				s.ti = 1;
				if (s.listening)
					end_listen(&s);
			}
			set_add(out, s);
			break;
		case OP_JOIN:
			if (s.env == ctx->env_n) {
				s.env = 0;
				set_add(out, s);
			}
			break;
		case OP_ALIEN:
			/* from a thread that traces nothing */
			if (op->a == PTRACE_SEIZE && (op->b & ~(option_mask |
								PTRACE_SEIZE_DEVEL))) {
				if (is_error(a, s.phase == PH_GONE ? ESRCH : EIO))
					set_add(out, s);
			} else if (op->a == PTRACE_SEIZE || op->a == PTRACE_ATTACH) {
				if (is_error(a, s.phase == PH_GONE ? ESRCH : EPERM))
					set_add(out, s);
			} else if (is_error(a, ESRCH)) {
				set_add(out, s);
			}
			break;
		default:
			if (s.mode != MODE_NONE && s.phase == PH_TRAP && !s.listening) {
				react_frozen(s, op, a, sets, out);
				break;
			}
			/* one that meets a re-trap waits for the trap */
			if (s.trapping && s.mode == MODE_NOTIFY && s.phase == PH_LOOP)
				break;
			if (is_error(a, ESRCH))
				set_add(out, s);
			break;
		}
	}
	if (in->full)
		out->full = true;
}

/* --- one operation --- */

static bool is_request(int code)
{
	return (code >= OP_SEIZE && code <= OP_MISC) || code == OP_ALIEN;
}

/* Make the request, or whatever @op is. */
static void execute(struct worker *w, const struct op *op, struct ans *a)
{
	const pid_t pid = w->ctx.pid;
	struct __ptrace_peeksiginfo_args *args;
	unsigned long mask = 0;
	struct iovec *iov;
	char *p;

	switch (op->code) {
	case OP_SEIZE:
		do_ptrace(pid, a, PTRACE_SEIZE, op->b, op->a);
		break;
	case OP_ATTACH:
		do_ptrace(pid, a, PTRACE_ATTACH, 0, 0);
		break;
	case OP_INT:
		do_ptrace(pid, a, PTRACE_INTERRUPT, 0, 0);
		break;
	case OP_LISTEN:
		do_ptrace(pid, a, PTRACE_LISTEN, 0, 0);
		break;
	case OP_CONT:
		do_ptrace(pid, a, PTRACE_CONT, 0, op->a);
		break;
	case OP_SYSC:
		do_ptrace(pid, a, PTRACE_SYSCALL, 0, op->a);
		break;
	case OP_STEP:
		do_ptrace(pid, a, PTRACE_SINGLESTEP, 0, op->a);
		break;
	case OP_DETACH:
		do_ptrace(pid, a, PTRACE_DETACH, 0, op->a);
		break;
	case OP_PKILL:
		do_ptrace(pid, a, PTRACE_KILL, 0, 0);
		break;
	case OP_GETSI:
		p = ptr_of(w, op->a, sizeof(siginfo_t));
		if (ptr_writes(op->a))
			memset(p, 0x5a, sizeof(siginfo_t));
		do_ptrace(pid, a, PTRACE_GETSIGINFO, 0, (unsigned long)p);
		if (ptr_writes(op->a))
			memcpy(&a->si, p, sizeof(siginfo_t));
		break;
	case OP_SETSI:
		/* the rest is not read if its head tells that there is nothing in it */
		p = ptr_of(w, op->a, 32);
		if (ptr_writes(op->a)) {
			siginfo_t new = { .si_signo = SIGTRAP };

			new.si_code = forged_code[op->b];
			memcpy(p, &new, sizeof(new));
		}
		do_ptrace(pid, a, PTRACE_SETSIGINFO, 0, (unsigned long)p);
		break;
	case OP_MSG:
		p = ptr_of(w, op->a, sizeof(long));
		do_ptrace(pid, a, PTRACE_GETEVENTMSG, 0, (unsigned long)p);
		if (ptr_writes(op->a))
			memcpy(&a->val, p, sizeof(long));
		break;
	case OP_SETOPT:
		do_ptrace(pid, a, PTRACE_SETOPTIONS, 0, op->a);
		break;
	case OP_PEEK:
		p = ptr_of(w, op->b, sizeof(long));
		do_ptrace(pid, a, PTRACE_PEEKDATA, op->a ? 8 : (unsigned long)w->page->scratch,
			  (unsigned long)p);
		if (!op->a && ptr_writes(op->b) && !a->ret)
			a->val = !memcmp(p, w->page->scratch, sizeof(long));
		break;
	case OP_POKE:
		mask = rnd(w);
		do_ptrace(pid, a, PTRACE_POKEDATA, op->a ? 8 : (unsigned long)w->page->scratch,
			  mask);
		if (!op->a && !a->ret)
			a->val = w->page->scratch[0] == mask;
		break;
	case OP_REGS:
		p = ptr_of(w, op->b, sizeof(*iov));
		if (ptr_writes(op->b)) {
			struct iovec good = { w->ptrs + 1024, 1024 };

			memcpy(p, &good, sizeof(good));
		}
		do_ptrace(pid, a, PTRACE_GETREGSET, op->a ? 0x7777 : NT_PRSTATUS,
			  (unsigned long)p);
		break;
	case OP_GMASK:
		p = ptr_of(w, op->b, 8);
		do_ptrace(pid, a, PTRACE_GETSIGMASK, op->a, (unsigned long)p);
		if (ptr_writes(op->b) && !a->ret) {
			const __u64 want = w->ctx.blocked & B_CONT ?
					      1ULL << (SIGCONT - 1) : 0;
			__u64 got;

			memcpy(&got, p, 8);
			/* words of the mask are longs */
			a->val = got == want || got == want << 32;
		}
		break;
	case OP_SMASK:
		p = ptr_of(w, op->b, 8);
		if (ptr_writes(op->b)) {
			/* what is there already, so that no one has to know where it is */
			sigset_t set;

			sigemptyset(&set);
			if (w->ctx.blocked & B_CONT)
				sigaddset(&set, SIGCONT);
			memcpy(p, &set, 8);
		}
		do_ptrace(pid, a, PTRACE_SETSIGMASK, op->a, (unsigned long)p);
		break;
	case OP_PEEKSI:
		p = ptr_of(w, op->c, sizeof(*args));
		if (ptr_writes(op->c)) {
			struct __ptrace_peeksiginfo_args new = { 0, op->a, op->b };

			memcpy(p, &new, sizeof(new));
		}
		do_ptrace(pid, a, PTRACE_PEEKSIGINFO, (unsigned long)p,
			  (unsigned long)(w->ptrs + 1024));
		break;
	case OP_SCINFO:
		/* 24 bytes at least are written, if that many are asked for */
		p = ptr_of(w, op->b, 16);
		do_ptrace(pid, a, PTRACE_GET_SYSCALL_INFO, op->a, (unsigned long)p);
		break;
	case OP_MISC:
		do_ptrace(pid, a, misc[op->a].request, misc[op->a].addr, misc[op->a].data);
		break;
	case OP_KILL:
	case OP_TKILL:
	case OP_MKILL:
		a->ret = send_to(w, op->a, op->code - OP_KILL);
		a->err = a->ret < 0 ? errno : 0;
		break;
	case OP_WAIT:
		do_wait(w, a, op->a, false);
		break;
	}
}

/* Note down that @in, in state @s, was answered with @a. Returns its number. */
static __u32 triple_of(const struct st *s, const struct op *op, const struct ans *a)
{
	unsigned long class = a->err;
	unsigned long arg = 0;

	if (a->ret >= 0)
		class = 1000 + a->ret;
	switch (op->code) {
	case OP_WAIT:
	case OP_AWAIT:
		class = a->ret < 0 ? (unsigned long)a->err : a->ret > 0 ? 1000 + a->val : 1;
		break;
	case OP_MSG:
		if (!a->ret)
			class = s->kind == K_STOP ? 1000 + a->val : 1000;
		break;
	case OP_GETSI:
		if (!a->ret)
			class = 1000 + a->si.si_signo;
		break;
	default:
		break;
	}
	switch (op->code) {
	case OP_KILL:
	case OP_TKILL:
	case OP_MKILL:
	case OP_MISC:
	case OP_ALIEN:
		arg = op->a;
		break;
	case OP_CONT:
	case OP_DETACH:
		arg = op->a ? 1 + is_stop_sig(op->a) : 0;
		break;
	default:
		break;
	}
	return mix64(st_abstract(s) | (__u64)op->code << 17 | (__u64)arg << 24 |
		     (__u64)class << 40) | 1;
}

/* Returns whether @triple is new. */
static bool triple_add(__u32 triple)
{
	__u32 h = triple % TRIPLES, old;
	int tries;

	for (tries = 0; tries < 64; tries++) {
		old = 0;
		if (__atomic_compare_exchange_n(&triples[h], &old, triple, false,
						__ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
			__atomic_add_fetch(&nr_triples, 1, __ATOMIC_RELAXED);
			return true;
		}
		if (old == triple)
			return false;
		h = (h + 1) % TRIPLES;
	}
	return false;
}

/* Coverage, if it is certain which abstract state it was. */
static void cover(struct worker *w, struct set *in, const struct op *op, const struct ans *a)
{
	__u32 abstract = 0, triple;
	int i;

	if (in->n > 8 || !is_request(op->code))
		return;
	for (i = 0; i < in->n; i++) {
		if (i && st_abstract(&in->s[i]) != abstract)
			return;
		abstract = st_abstract(&in->s[i]);
	}
	triple = triple_of(&in->s[0], op, a);
	if (w->goal) {
		for (i = 0; i < w->goals; i++) {
			if (w->goal[i] == triple) {
				w->goal[i] = 0;
				w->reached++;
			}
		}
		return;
	}
	if (triple_add(triple)) {
		w->fresh = w->at + 1;
		w->news++;
	}
}

static void print_set(const char *what, struct set *set)
{
	char buf[640];
	int i;

	say("  %s: %d%s", what, set->n, set->full ? " and more" : "");
	for (i = 0; i < set->n && i < 12; i++)
		say("    %s", st_text(&set->s[i], buf, sizeof(buf)));
}

/* Report a failure of @w at its current operation. @in: the states before, or NULL. */
static void report(struct worker *w, enum failure which, struct set *in, const struct ans *a,
		   const char *what)
{
	static const int errors[] = {
		EPERM, ESRCH, EIO, ECHILD, EFAULT, EINVAL, EACCES, ENOENT,
	};
	static char line[LINE_MAX_LEN];
	const struct op *op = &w->seq.op[w->at];
	struct ans try;
	unsigned int i;
	char word[96];
	int at;

	w->failed = true;
	pthread_mutex_lock(&report_lock);
	if (failures[which]++ >= MAX_FAILURES) {
		pthread_mutex_unlock(&report_lock);
		return;
	}
	op_text(op, word, sizeof(word));
	say("%s: %s: '%s', operation %d of:", failure_names[which], what, word, w->at);
	seq_text(&w->seq, w->at + 1, line, sizeof(line));
	say("  sequence: %s", line);
	line[0] = '\0';
	for (at = w->at > 24 ? w->at - 24 : 0; at <= w->at; at++) {
		op_text(&w->seq.op[at], word, sizeof(word));
		sprintf(line + strlen(line), " %s=%ld", word, w->log[at].ret);
		if (w->log[at].val)
			sprintf(line + strlen(line), "/%#lx", w->log[at].val);
	}
	say("  last answers:%s", line);
	if (a) {
		say("  answer: %ld, %s, value %#lx, siginfo signo %d code %#x status %d pid %d (tracee %d, tracee's count %lu, was %lu)",
		    a->ret, a->ret < 0 ? strerror(a->err) : "ok", a->val, a->si.si_signo,
		    a->si.si_code, a->si.si_status, a->si.si_pid, w->ctx.pid,
		    w->page->count, w->count);
	}
	if (w->ctx.pid > 0) {
		say("  state of the tracee: %c, of the mate: %c",
		    task_state(w->ctx.pid, w->ctx.pid) ?: '-',
		    w->ctx.mate ? task_state(w->ctx.pid, w->page->mate) ?: '-' : '-');
	}
	if (in && a) {
		print_set("states before", in);
		for (i = 0; i < 2 + sizeof(errors) / sizeof(errors[0]); i++) {
			memset(&try, 0, sizeof(try));
			try.any = true;
			if (i < 2) {
				try.ret = i;
			} else {
				try.ret = -1;
				try.err = errors[i - 2];
			}
			set_clear(&w->set[2]);
			react(in, op, &try, &w->set[3], &w->set[2]);
			if (w->set[2].n)
				say("  allowed: %s", i == 0 ? "0" : i == 1 ? "> 0" :
				    strerror(errors[i - 2]));
		}
	}
	pthread_mutex_unlock(&report_lock);
}

/*
 * The tracee's counter tells if it has been in user space since we last looked. Keep
 * of w->set[0], which is closed, what agrees with that.
 */
static void look_at_count(struct worker *w, const struct ans *a, struct set *before)
{
	const unsigned long count = __atomic_load_n(&w->page->count, __ATOMIC_RELAXED);
	struct set *set = &w->set[0], *out = &w->set[2];
	struct st s;
	int i;

	if (count == w->count && set->n == 1 && !set->s[0].ran)
		return;
	set_clear(out);
	for (i = 0; i < set->n; i++) {
		s = set->s[i];
		if (count != w->count && !s.ran)
			continue;
		/* one that is killed runs until it is told */
		if (s.phase != PH_FREE && s.phase != PH_DYING)
			s.ran = 0;
		set_add(out, s);
	}
	if (!out->n) {
		report(w, F_ESCAPE, before, a, "tracee has been in user space");
		print_set("states after", set);
		return;
	}
	w->count = count;
	set_clear(set);
	for (i = 0; i < out->n; i++)
		set_add(set, out->s[i]);
}

/* All that w->set[0] can come to ends in something for wait4() to report. */
static bool must_report(struct worker *w)
{
	struct set *set = &w->set[0];
	int i;

	for (i = 0; i < set->n; i++) {
		if (!must_move(&set->s[i]) && !reportable(&set->s[i]))
			return false;
	}
	return true;
}

/* Kill the tracee, whatever it is in, and reap it. */
static void end_tracee(struct worker *w)
{
	int status;

	if (w->ctx.env_n)
		helper_join(w);
	w->ctx.env_n = 0;
	if (w->ctx.pid <= 0)
		return;
	busy(w, true);
	kill(w->ctx.pid, SIGKILL);
	/*
	 * Which does not end an exit trap. If that is reported already it waits for us;
	 * a plain tracee can even be listening there, with a forged siginfo.
	 */
	sys_ptrace(PTRACE_INTERRUPT, w->ctx.pid, 0, NULL);
	sys_ptrace(PTRACE_CONT, w->ctx.pid, 0, NULL);
	while (wait4(w->ctx.pid, &status, __WALL, NULL) == w->ctx.pid && WIFSTOPPED(status))
		sys_ptrace(PTRACE_CONT, w->ctx.pid, 0, NULL);
	busy(w, false);
	w->ctx.pid = 0;
	__atomic_store_n(&w->pid, 0, __ATOMIC_RELAXED);
}

static void new_tracee(struct worker *w, unsigned long how)
{
	const long long deadline = now_ms() + HANG_MS;
	struct page *page = w->page;
	struct st s;
	pid_t pid;

	end_tracee(w);
	page->count = 0;
	page->cmd = CMD_NONE;
	page->ready = 0;
	page->mate = 0;
	page->how = how;
	w->ctx.prog = how & NEW_PROG;
	w->ctx.mate = how & NEW_MATE;
	w->ctx.blocked = how & NEW_BLOCK_CONT ? B_CONT : 0;
	ctx = &w->ctx;

	__atomic_store_n(&page->wanted, page->wanted + 1, __ATOMIC_RELEASE);
	syscall(SYS_futex, &page->wanted, FUTEX_WAKE, 1, NULL, NULL, 0);
	while (__atomic_load_n(&page->born, __ATOMIC_ACQUIRE) != page->wanted ||
	       (page->pid > 0 && !__atomic_load_n(&page->ready, __ATOMIC_ACQUIRE))) {
		if (now_ms() > deadline) {
			say("tracee does not start");
			exit(1);
		}
		sched_yield();
	}
	pid = page->pid;
	if (pid < 0) {
		say("no new tracee");
		exit(1);
	}
	w->ctx.pid = pid;
	w->count = __atomic_load_n(&w->page->count, __ATOMIC_RELAXED);
	__atomic_store_n(&w->pid, pid, __ATOMIC_RELAXED);

	memset(&s, 0, sizeof(s));
	s.phase = PH_FREE;
	s.hdl = 1;
	s.ran = 1;
	set_clear(&w->set[0]);
	set_add(&w->set[0], s);
	w->known = true;
}

/* Give w->set[0] the helper's signals, that of OP_ASYNC. */
static void start_async(struct worker *w, const struct op *op)
{
	unsigned long rest = op->a;
	int n;

	for (n = 0; n < 4 && rest; rest >>= 8, n++) {
		w->send[n].sig = rest & 0x3f;
		w->send[n].target = (rest >> 6) & 3;
		w->ctx.env[n].sig = w->send[n].sig;
		w->ctx.env[n].target = w->send[n].target;
	}
	w->sends = n;
	w->ctx.env_n = n;
	w->gap = op->b;
	w->alien = false;
	helper_start(w);
}

/* Drop the states in which an attach has not returned yet. */
static void drop_trapping(struct set *set, struct set *out)
{
	int i;

	set_clear(out);
	for (i = 0; i < set->n; i++) {
		if (!set->s[i].trapping)
			set_add(out, set->s[i]);
	}
	set_clear(set);
	for (i = 0; i < out->n; i++)
		set_add(set, out->s[i]);
}

/* Whether all states of w->set[0] are such that an alien can do no harm. */
static bool alien_is_safe(struct worker *w, const struct op *op)
{
	struct set *set = &w->set[0];
	int i;

	if (op->a != PTRACE_SEIZE && op->a != PTRACE_ATTACH)
		return true;
	if (op->a == PTRACE_SEIZE && (op->b & ~(option_mask | PTRACE_SEIZE_DEVEL)))
		return true;
	for (i = 0; i < set->n; i++) {
		if (set->s[i].mode == MODE_NONE && set->s[i].phase < PH_ZOMBIE)
			return false;
	}
	return true;
}

static bool give_cmd(struct worker *w, int cmd)
{
	struct set *set = &w->set[0], *out = &w->set[1];
	struct st s;
	int i;

	/* one at a time, and only to those who look at it */
	if (w->ctx.prog == PROG_PAUSE || w->ctx.mate)
		return true;
	for (i = 0; i < set->n; i++) {
		if (set->s[i].cmd || !set->s[i].hdl)
			return true;
	}
	__atomic_store_n(&w->page->cmd, cmd, __ATOMIC_RELEASE);
	set_clear(out);
	for (i = 0; i < set->n; i++) {
		s = set->s[i];
		if (s.phase < PH_DYING)
			s.cmd = cmd;
		set_add(out, s);
	}
	set_clear(set);
	for (i = 0; i < out->n; i++)
		set_add(set, out->s[i]);
	return true;
}

/* Do operation w->at. Returns false if the sequence can't go on. */
static bool step(struct worker *w)
{
	const struct op *op = &w->seq.op[w->at];
	struct set *cur = &w->set[0], *out = &w->set[1];
	struct ans a = { 0 };
	bool block = false;
	int i;

	if (op->code == OP_NEW) {
		new_tracee(w, op->a);
		return true;
	}
	if (w->ctx.pid <= 0)
		return true;

	switch (op->code) {
	case OP_CMD:
		return give_cmd(w, op->a);
	case OP_YIELD:
		sched_yield();
		return true;
	case OP_ASYNC:
		if (!w->ctx.env_n && op->a)
			start_async(w, op);
		return true;
	case OP_JOIN:
		if (!w->ctx.env_n)
			return true;
		busy(w, true);
		helper_join(w);
		busy(w, false);
		break;
	case OP_MKILL:
		if (!w->ctx.mate)
			return true;
		break;
	case OP_ALIEN:
		if (w->ctx.env_n || !alien_is_safe(w, op))
			return true;
		break;
	case OP_SEIZE:
	case OP_ATTACH:
		/* the helper may have killed the tracee, and its pid be another's */
		break;
	default:
		break;
	}

	closure(cur);
	if (cur->full) {
		w->lost++;
		w->known = false;
		return false;
	}

	busy(w, true);
	if (op->code == OP_AWAIT) {
		block = must_report(w);
		do_wait(w, &a, W_PLAIN, block);
	} else if (op->code == OP_ALIEN) {
		w->alien = true;
		w->alien_op = *op;
		helper_start(w);
		helper_join(w);
		a = w->alien_ans;
	} else {
		execute(w, op, &a);
	}
	busy(w, false);
	w->log[w->at].ret = a.ret < 0 ? -a.err : a.ret;
	w->log[w->at].val = a.val;
	if (is_request(op->code))
		w->requests++;

	set_clear(out);
	react(cur, op, &a, &w->set[3], out);
	if (!out->n && !out->full) {
		report(w, op->code == OP_ALIEN ? F_ALIEN : F_ANSWER, cur, &a, "not allowed");
		return false;
	}
	if (op->code == OP_JOIN)
		w->ctx.env_n = 0;
	cover(w, cur, op, &a);

	/* swap, and what may have followed on its own */
	closure(out);
	if (!out->full && (op->code == OP_SEIZE || op->code == OP_ATTACH) && !a.ret)
		drop_trapping(out, &w->set[2]);
	if (out->full) {
		w->lost++;
		w->known = false;
		return false;
	}
	if (!out->n) {
		report(w, F_ANSWER, cur, &a, "returned without a trap");
		return false;
	}
	set_clear(cur);
	for (i = 0; i < out->n; i++)
		set_add(cur, out->s[i]);
	look_at_count(w, &a, NULL);
	if (verbose) {
		char word[96];

		op_text(op, word, sizeof(word));
		say("%d: %s%s -> %ld %s %#lx", w->slot, word, block ? " (has to come)" : "",
		    a.ret, a.ret < 0 ? strerror(a.err) : "", a.val);
		print_set("then", cur);
	}
	return !w->failed;
}

/* Run w->seq. */
static void run_seq(struct worker *w)
{
	w->failed = false;
	memset(w->log, 0, sizeof(w->log));
	w->fresh = 0;
	w->news = 0;
	w->known = false;
	for (w->at = 0; w->at < w->seq.n; w->at++) {
		if (!step(w))
			break;
	}
	end_tracee(w);
	w->sequences++;
}

/* --- random sequences --- */

/*
 * What the generator takes the tracee for. It does not look at the answers, so that
 * the same seed gives the same sequences; it need not be right, only often so.
 */
enum guess { G_FREE, G_RUNS, G_TRAPPED, G_LISTENS, G_DEAD };

struct gen {
	enum guess guess;
	bool pending;		/* there will be something to wait for */
	bool async;
	int exit;		/* operations left after its death */
};

static void put(struct worker *w, int code, unsigned long a, unsigned long b, unsigned long c)
{
	if (w->seq.n < MAX_OPS)
		w->seq.op[w->seq.n++] = (struct op){ code, a, b, c };
}

static unsigned long any_ptr(struct worker *w)
{
	return pick(w, 4) ? P_GOOD : pick(w, NR_PTRS);
}

/* A signal for PTRACE_CONT and so on: mostly none, some not valid. */
static unsigned long any_data(struct worker *w)
{
	static const unsigned long bad[] = {
		65, 255, ~0UL, 0x80000000UL, 1UL << (sizeof(long) * 8 - 1),
	};
	static const unsigned long good[] = {
		SIGSTOP, SIGSTOP, SIGCONT, SIGTSTP, SIGUSR1, SIGURG, SIGTTIN,
	};
	const unsigned int n = pick(w, 100);

	if (n < 55)
		return 0;
	if (n < 92)
		return good[pick(w, 7)];
	if (n < 93)
		return pick(w, 8) ? SIGUSR1 : pick(w, 2) ? SIGTERM : SIGKILL;
	return bad[pick(w, 5)];
}

static unsigned long any_options(struct worker *w)
{
	static const unsigned long some[] = {
		0, 0, 1, 0x10, 0x40, 0x51, 0x51, 0x3f, 0x100000, 0x10007f,
	};

	return some[pick(w, 10)];
}

/* Options with something that is not known. */
static unsigned long bad_options(struct worker *w)
{
	static const unsigned long some[] = {
		0x100, 0x80000, 0x400000, 0x40000000, ~0UL, 0xc0000000UL,
		/* sign-extended SEIZE_DEVEL, of a tracer of 64 bits */
		~0UL << 31, 0x7fffff00,
	};
	const unsigned long data = some[pick(w, plain ? 4 : 8)];

	/* of 32 bits, that is not wrong */
	return data == PTRACE_SEIZE_DEVEL ? 0xc0000000UL : data;
}

static int any_sig(struct worker *w, struct gen *g)
{
	const unsigned int n = pick(w, 200);
	int sig;

	if (n < 70)
		sig = SIGSTOP;
	else if (n < 140)
		sig = SIGCONT;
	else if (n < 198)
		sig = send_sigs[2 + pick(w, 5)];
	else
		sig = send_sigs[7 + pick(w, 2)];
	if (sig == SIGKILL || (sig == SIGTERM && g->guess == G_FREE))
		g->exit = 4;
	return sig;
}

/* A request that leaves the tracee where it is. */
static void put_inspect(struct worker *w)
{
	static const unsigned long sizes[] = { 8, 8, 8, 4, 0, ~0UL };

	switch (pick(w, 15)) {
	case 0: case 1: case 2:
		put(w, OP_GETSI, any_ptr(w), 0, 0);
		break;
	case 3:
		put(w, OP_SETSI, any_ptr(w), 1 + pick(w, NR_FORGED - 1), 0);
		break;
	case 4: case 5:
		put(w, OP_MSG, any_ptr(w), 0, 0);
		break;
	case 6:
		if (pick(w, 3))
			put(w, OP_SETOPT, any_options(w), 0, 0);
		else
			put(w, OP_SETOPT, pick(w, 2) ? bad_options(w) : PTRACE_SEIZE_DEVEL, 0, 0);
		break;
	case 7:
		put(w, OP_PEEK, !pick(w, 5), any_ptr(w), 0);
		break;
	case 8:
		put(w, OP_POKE, !pick(w, 5), 0, 0);
		break;
	case 9:
		put(w, OP_REGS, !pick(w, 5), any_ptr(w), 0);
		break;
	case 10:
		put(w, OP_GMASK, sizes[pick(w, 6)], any_ptr(w), 0);
		break;
	case 11:
		put(w, OP_SMASK, sizes[pick(w, 6)], pick(w, 3) ? P_GOOD : P_NULL, 0);
		break;
	case 12:
		put(w, OP_PEEKSI, pick(w, 8) ? pick(w, 2) : 2, pick(w, 8) ? pick(w, 5) : ~0UL,
		    pick(w, 5) ? P_GOOD : P_NULL);
		break;
	case 13:
		put(w, OP_SCINFO, pick(w, 5) ? 88 : pick(w, 2) * 24, any_ptr(w), 0);
		break;
	case 14:
		put(w, OP_MISC, pick(w, NR_MISC), 0, 0);
		break;
	}
}

static void put_signal(struct worker *w, struct gen *g)
{
	const int sig = any_sig(w, g);
	const unsigned int n = pick(w, 8);

	put(w, n < 4 ? OP_KILL : n < 7 ? OP_TKILL : OP_MKILL, sig, 0, 0);
	g->pending = true;
}

static void put_async(struct worker *w, struct gen *g)
{
	unsigned long all = 0;
	int i, n = 1 + pick(w, 3);

	for (i = 0; i < n; i++) {
		const int sig = pick(w, 2) ? SIGCONT : any_sig(w, g);
		const unsigned int to = pick(w, 8);

		/* the mate may be dead, and there is none before it is asked for */
		all |= (unsigned long)(sig | (to < 5 ? TO_PROCESS : TO_T) << 6) << 8 * i;
	}
	put(w, OP_ASYNC, all, pick(w, 4) ? pick(w, 2000) : 0, 0);
	g->async = true;
	g->pending = true;
}

static void put_seize(struct worker *w, struct gen *g)
{
	const unsigned int n = plain ? 12 + pick(w, 4) : pick(w, 20);

	if (n < 12) {
		put(w, OP_SEIZE, any_options(w) | PTRACE_SEIZE_DEVEL, 0, 0);
	} else if (n < 15) {
		put(w, OP_SEIZE, any_options(w), 0, 0);
	} else if (n < 16) {
		put(w, OP_ATTACH, 0, 0, 0);
		g->pending = true;
	} else if (n < 18) {
		put(w, OP_SEIZE, bad_options(w), 0, 0);
		return;
	} else {
		put(w, OP_SEIZE, PTRACE_SEIZE_DEVEL | any_options(w), pick(w, 2) ? 1 : ~0UL, 0);
		return;
	}
	if (g->guess == G_FREE)
		g->guess = G_RUNS;
}

static void put_resume(struct worker *w, struct gen *g)
{
	const unsigned int n = pick(w, 20);
	const unsigned long data = any_data(w);

	put(w, n < 13 ? OP_CONT : n < 17 ? OP_SYSC : OP_STEP, data, 0, 0);
	if (data > 64)
		return;
	g->guess = G_RUNS;
	if (n >= 13 || data)
		g->pending = true;
	if (data == SIGKILL || data == SIGTERM)
		g->exit = 4;
}

static void put_wait(struct worker *w, struct gen *g)
{
	if (pick(w, 10) < 7) {
		put(w, OP_AWAIT, 0, 0, 0);
		if (g->pending && g->guess != G_FREE)
			g->guess = G_TRAPPED;
		g->pending = false;
	} else {
		put(w, OP_WAIT, pick(w, NR_WAITS), 0, 0);
	}
}

static void put_alien(struct worker *w)
{
	static const unsigned long some[] = {
		PTRACE_INTERRUPT, PTRACE_CONT, PTRACE_DETACH, PTRACE_LISTEN, PTRACE_KILL,
		PTRACE_GETEVENTMSG, PTRACE_SEIZE, PTRACE_SEIZE, PTRACE_ATTACH,
	};
	const unsigned long request = some[pick(w, 9)];

	put(w, OP_ALIEN, request, request != PTRACE_SEIZE ? 0 :
	    !plain && pick(w, 2) ? PTRACE_SEIZE_DEVEL : bad_options(w), 0);
}

/* One operation, or two, which fit what the tracee may be doing. */
static void put_any(struct worker *w, struct gen *g)
{
	const unsigned int n = pick(w, 100);

	if (!pick(w, 200)) {
		put_alien(w);
		return;
	}
	if (!g->async && !pick(w, 40)) {
		put_async(w, g);
		return;
	}
	if (g->async && !pick(w, 8)) {
		put(w, OP_JOIN, 0, 0, 0);
		g->async = false;
		return;
	}

	switch (g->guess) {
	case G_FREE:
		if (n < 60)
			put_seize(w, g);
		else if (n < 75)
			put_signal(w, g);
		else if (n < 85)
			put(w, OP_WAIT, pick(w, NR_WAITS), 0, 0);
		else if (n < 90)
			put(w, OP_INT, 0, 0, 0);
		else
			put_inspect(w);
		break;
	case G_RUNS:
		if (g->pending && n < 50) {
			put_wait(w, g);
		} else if (n < 75) {
			put(w, OP_INT, 0, 0, 0);
			g->pending = true;
		} else if (n < 87) {
			put_signal(w, g);
		} else if (n < 89) {
			put(w, OP_CMD, !pick(w, 4) ? CMD_EXIT : CMD_EXEC, 0, 0);
			g->pending = true;
		} else if (n < 92) {
			put(w, OP_YIELD, 0, 0, 0);
		} else if (n < 94) {
			put_seize(w, g);
		} else if (n < 97) {
			put_wait(w, g);
		} else {
			put_inspect(w);
		}
		break;
	case G_TRAPPED:
		if (n < 62) {
			put_inspect(w);
		} else if (n < 72) {
			put_resume(w, g);
		} else if (n < 74) {
			put(w, OP_DETACH, any_data(w), 0, 0);
			g->guess = G_FREE;
		} else if (n < 83) {
			put_signal(w, g);
		} else if (n < 87) {
			put(w, OP_INT, 0, 0, 0);
		} else if (n < 91) {
			put(w, OP_LISTEN, 0, 0, 0);
			g->guess = G_LISTENS;
		} else {
			put_wait(w, g);
		}
		break;
	case G_LISTENS:
		if (n < 40) {
			put_signal(w, g);
			put_wait(w, g);
		} else if (n < 70) {
			put(w, OP_INT, 0, 0, 0);
			g->pending = true;
			put_wait(w, g);
		} else if (n < 85) {
			put_wait(w, g);
			g->guess = G_TRAPPED;
		} else {
			put_inspect(w);
			g->guess = G_TRAPPED;
		}
		break;
	case G_DEAD:
		put_inspect(w);
		break;
	}
}

/* A new w->seq. */
static void generate(struct worker *w)
{
	struct gen g = { .guess = G_FREE };
	const unsigned int mate = !pick(w, 4);
	const int len = 150 + pick(w, 200);

	w->seq.n = 0;
	put(w, OP_NEW, pick(w, 3) | mate * NEW_MATE | !pick(w, 4) * NEW_BLOCK_CONT |
	    !pick(w, 4) * NEW_EAGER, 0, 0);
	while (w->seq.n < len) {
		put_any(w, &g);
		if (g.exit && !--g.exit)
			break;
	}
	if (g.async)
		put(w, OP_JOIN, 0, 0, 0);
	if (pick(w, 4) == 0) {
		put(w, OP_KILL, SIGKILL, 0, 0);
		put(w, OP_AWAIT, 0, 0, 0);
		put_inspect(w);
		put(w, OP_AWAIT, 0, 0, 0);
		put_inspect(w);
	}
}

/* --- threads --- */

static void worker_setup(struct worker *w, int slot)
{
	const long page = getpagesize();
	siginfo_t forged = { .si_signo = SIGTRAP };
	int i;

	w->slot = slot;
	w->rng = seed + slot * 0x1000003ULL;
	w->memfd = memfd_create("fuzz", 0);
	if (w->memfd < 0 || ftruncate(w->memfd, page)) {
		perror("# memfd_create");
		exit(1);
	}
	w->page = map_page(slot, w->memfd);
	w->ptrs = mmap(NULL, 5 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0);
	if (!w->page || w->ptrs == MAP_FAILED) {
		perror("# mmap");
		exit(1);
	}
	/* what the kernel reads from there: a siginfo; zeroes else */
	memcpy(w->ptrs + 3 * page, &forged, sizeof(forged));
	mprotect(w->ptrs + 2 * page, page, PROT_NONE);
	mprotect(w->ptrs + 3 * page, page, PROT_READ);
	for (i = 0; i < 5; i++)
		set_clear(&w->set[i]);
	ctx = &w->ctx;
	switch (fork()) {
	case 0:
		nursery_main(w);
	case -1:
		perror("# fork");
		exit(1);
	}
	if (pthread_create(&w->helper, NULL, helper_main, w)) {
		perror("# pthread_create");
		exit(1);
	}
}

/* Keep the beginning of w->seq, up to what was new. */
static void keep_seq(struct worker *w)
{
	static char line[LINE_MAX_LEN];

	pthread_mutex_lock(&report_lock);
	if (nr_keep < KEEP_MAX) {
		seq_text(&w->seq, w->fresh, line, sizeof(line));
		keep[nr_keep].new = w->news;
		keep[nr_keep++].line = strdup(line);
	}
	pthread_mutex_unlock(&report_lock);
}

static void add_counts(struct worker *w)
{
	__atomic_add_fetch(&requests, w->requests, __ATOMIC_RELAXED);
	__atomic_add_fetch(&sequences, w->sequences, __ATOMIC_RELAXED);
	__atomic_add_fetch(&lost, w->lost, __ATOMIC_RELAXED);
	w->requests = 0;
	w->sequences = 0;
	w->lost = 0;
}

static bool too_many_failures(void)
{
	int i;

	for (i = 0; i < NR_FAILURES; i++) {
		if (failures[i] >= MAX_FAILURES)
			return true;
	}
	return false;
}

static void *worker_main(void *arg)
{
	struct worker *w = arg;

	ctx = &w->ctx;
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED) && !too_many_failures()) {
		generate(w);
		run_seq(w);
		add_counts(w);
		if (w->fresh && keep_corpus && !w->failed)
			keep_seq(w);
	}
	return NULL;
}

/* Requests to all tracees by a thread that traces none. */
static void *alien_main(void *arg)
{
	static const unsigned long some[] = {
		PTRACE_INTERRUPT, PTRACE_CONT, PTRACE_DETACH, PTRACE_LISTEN, PTRACE_KILL,
		PTRACE_GETSIGINFO, PTRACE_SETOPTIONS, PTRACE_PEEKDATA, PTRACE_SYSCALL,
		PTRACE_SEIZE,
	};
	__u64 rng = seed ^ 0xa11e;
	unsigned long request;
	struct worker *w;
	siginfo_t si;
	pid_t pid;
	long ret;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		rng += 0x9e3779b97f4a7c15ULL;
		w = workers[mix64(rng) % nr_workers];
		request = some[(mix64(rng) >> 32) % 10];
		pid = __atomic_load_n(&w->pid, __ATOMIC_RELAXED);
		if (pid) {
			/* SEIZE with an address: never right */
			ret = sys_ptrace(request, pid, 8, &si);
			if (ret != -1 || (errno != ESRCH &&
					  !(request == PTRACE_SEIZE && errno == EIO))) {
				pthread_mutex_lock(&report_lock);
				if (failures[F_ALIEN]++ < MAX_FAILURES)
					say("fuzz_alien: request %#lx: %ld, %s", request, ret,
					    strerror(errno));
				pthread_mutex_unlock(&report_lock);
			}
			__atomic_add_fetch(&alien_requests, 1, __ATOMIC_RELAXED);
		}
		usleep(1000);
	}
	return NULL;
}

/* Is a worker in a system call for too long? Does not come back then. */
static void check_hang(void)
{
	const long long now = now_ms();
	int i;

	for (i = 0; i < nr_workers; i++) {
		struct worker *w = workers[i];
		const unsigned long beat = __atomic_load_n(&w->beat, __ATOMIC_RELAXED);
		struct ans none = { 0 };

		if (beat != w->last_beat) {
			w->last_beat = beat;
			w->beat_time = now;
		}
		if (!(beat & 1) || now - w->beat_time < HANG_MS)
			continue;
		report(w, F_DEADLINE, NULL, &none, "does not return, state before:");
		ctx = &w->ctx;
		print_set("states", &w->set[0]);
		say("state of the tracee: %c", task_state(w->ctx.pid, w->ctx.pid) ?: '-');
		finished = true;
		stop = true;
		/* no one can join the thread */
		return;
	}
}

/* --- corpus --- */

static char *lines[4096];
static char *line_names[4096];
static int nr_lines;

/* Add the sequences in @path, a file or a directory of such. Returns 0 or -1. */
static int load(const char *path)
{
	struct stat st;
	char line[LINE_MAX_LEN], name[512];
	struct dirent **list;
	const char *base;
	int i, n, nr = 0;
	FILE *f;

	if (stat(path, &st)) {
		fprintf(stderr, "fuzz: %s: %s\n", path, strerror(errno));
		return -1;
	}
	if (S_ISDIR(st.st_mode)) {
		n = scandir(path, &list, NULL, alphasort);
		for (i = 0; i < n; i++) {
			if (list[i]->d_name[0] == '.')
				continue;
			snprintf(name, sizeof(name), "%s/%s", path, list[i]->d_name);
			if (load(name))
				return -1;
		}
		return 0;
	}
	f = fopen(path, "re");
	if (!f) {
		fprintf(stderr, "fuzz: %s: %s\n", path, strerror(errno));
		return -1;
	}
	base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	while (fgets(line, sizeof(line), f)) {
		nr++;
		if (line[0] == '#' || line[0] == '\n')
			continue;
		if (nr_lines == 4096)
			break;
		lines[nr_lines] = strdup(line);
		snprintf(name, sizeof(name), "%s:%d", base, nr);
		line_names[nr_lines++] = strdup(name);
	}
	fclose(f);
	return 0;
}

struct replay {
	struct worker *w;
	int rounds;
	int next;
};

static unsigned long all_failures(void)
{
	return failures[0] + failures[1] + failures[2] + failures[3];
}

/* Replay all lines[], TAP for each. */
static void *replay_main(void *arg)
{
	struct replay *r = arg;
	struct worker *w = r->w;
	const char *wrong;
	char copy[LINE_MAX_LEN];
	unsigned long before;
	int i, round;

	ctx = &w->ctx;
	for (i = 0; i < nr_lines; i++) {
		before = all_failures();
		snprintf(copy, sizeof(copy), "%s", lines[i]);
		wrong = seq_parse(&w->seq, copy);
		if (wrong) {
			say("%s: '%s'", line_names[i], wrong);
			failures[F_ANSWER]++;
		}
		for (round = 0; !wrong && round < r->rounds; round++)
			run_seq(w);
		printf("%sok %d %s\n", all_failures() == before ? "" : "not ", i + 1,
		       line_names[i]);
		fflush(stdout);
		r->next = i + 1;
		add_counts(w);
	}
	finished = true;
	return NULL;
}

static int by_news(const void *a, const void *b)
{
	return ((const typeof(keep[0]) *)b)->new - ((const typeof(keep[0]) *)a)->new;
}

/*
 * Make the corpus out of what was kept: CORPUS_MAX of the sequences, those first that
 * found most, without what does not matter of their operations.
 */
static void *distill_main(void *arg)
{
	struct worker *w = arg;
	static __u32 goal[4096], left[4096];
	static struct seq best;
	static char line[LINE_MAX_LEN];
	int i, j, n, size, goals;

	ctx = &w->ctx;
	memset(triples, 0, sizeof(triples));
	nr_triples = 0;
	qsort(keep, nr_keep, sizeof(keep[0]), by_news);
	for (i = 0; i < nr_keep && i < CORPUS_MAX && !stop; i++) {
		__u32 *old = malloc(sizeof(triples));

		seq_parse(&w->seq, keep[i].line);
		memcpy(old, triples, sizeof(triples));
		w->goal = NULL;
		run_seq(w);
		w->seq.n = w->fresh;
		if (w->failed || !w->fresh) {
			free(old);
			continue;
		}
		goals = 0;
		for (j = 0; j < TRIPLES; j++) {
			if (triples[j] && triples[j] != old[j] && goals < 4096)
				goal[goals++] = triples[j];
		}
		free(old);
		best = w->seq;
		w->goal = left;
		w->goals = goals;
		for (size = best.n / 2; size >= 6; size /= 2) {
			for (j = 1; j < best.n; j += n ? 0 : size) {
				n = j + size > best.n ? best.n - j : size;
				w->seq = best;
				memmove(&w->seq.op[j], &w->seq.op[j + n],
					(best.n - j - n) * sizeof(struct op));
				w->seq.n -= n;
				memcpy(left, goal, sizeof(left));
				w->reached = 0;
				run_seq(w);
				/* w->at: that it ended early would not matter */
				if (w->reached == goals)
					best = w->seq;
				else
					n = 0;
			}
		}
		seq_text(&best, best.n, line, sizeof(line));
		pthread_mutex_lock(&report_lock);
		printf("# corpus %d: %s\n", goals, line);
		fflush(stdout);
		pthread_mutex_unlock(&report_lock);
	}
	finished = true;
	return NULL;
}

/* --- main --- */

static void usage(FILE *f)
{
	fprintf(f,
		"usage: fuzz [options]\n"
		"  --seed N          of the random numbers; default 1\n"
		"  --duration S      for so many seconds; default 20\n"
		"  --requests N      until so many requests are made; it is an error if they\n"
		"                    are not by the end of --duration, if that is given too\n"
		"  --threads N       tracers at once, 1 to %d; default 2\n"
		"  --replay PATH...  sequences in files, or directories of files, one a line\n"
		"  --rounds N        replay each so often; default 3\n"
		"  --save DIR        write what was new to DIR, one sequence a file\n"
		"  --print-corpus    print a small set of sequences that find all of it\n"
		"  --plain           without notify mode: for any kernel\n"
		"  --verbose         print each operation and the states after it\n"
		"Exit status: 0 nothing wrong found, 1 something, 2 usage, 4 kernel without\n"
		"notify mode (1 if GSTOP_REQUIRED is in the environment).\n", MAX_WORKERS);
}

static void save_all(const char *dir)
{
	char path[512];
	FILE *f;
	int i;

	mkdir(dir, 0777);
	for (i = 0; i < nr_keep; i++) {
		snprintf(path, sizeof(path), "%s/%06d", dir, i);
		f = fopen(path, "we");
		if (!f) {
			fprintf(stderr, "fuzz: %s: %s\n", path, strerror(errno));
			return;
		}
		fprintf(f, "%s\n", keep[i].line);
		fclose(f);
	}
}

static int fuzz(bool print_corpus, const char *save)
{
	const long long start = now_ms();
	long long next = start + 5000, now;
	pthread_t alien, distiller;
	bool enough = true;
	int i, nr = 0;

	keep_corpus = print_corpus || save;
	printf("1..%d\n", NR_FAILURES + !!max_requests);
	say("seed %llu, %d tracers", (unsigned long long)seed, nr_workers);
	for (i = 0; i < nr_workers; i++) {
		if (pthread_create(&workers[i]->thread, NULL, worker_main, workers[i])) {
			perror("# pthread_create");
			exit(1);
		}
	}
	if (pthread_create(&alien, NULL, alien_main, NULL))
		exit(1);

	for (;;) {
		usleep(100000);
		now = now_ms();
		check_hang();
		if (max_seconds && now - start >= max_seconds * 1000LL)
			stop = true;
		if (max_requests && requests >= max_requests)
			stop = true;
		if (now >= next || stop) {
			say("%lld s: %llu requests, %lld a second, %llu sequences, %d triples, %llu lost, %llu by aliens, %lu failures",
			    (now - start) / 1000, requests,
			    requests * 1000LL / (now - start), sequences, nr_triples, lost,
			    alien_requests, all_failures());
			next = now + 5000;
		}
		if (stop || too_many_failures())
			break;
	}
	stop = true;
	enough = !max_requests || requests >= max_requests;
	for (i = 0; i < nr_workers; i++) {
		/* one that hangs is not going to come, but ends with us */
		while (!failures[F_DEADLINE] && pthread_tryjoin_np(workers[i]->thread, NULL)) {
			usleep(10000);
			check_hang();
		}
	}

	if (save)
		save_all(save);
	if (print_corpus && !failures[F_DEADLINE]) {
		stop = false;
		finished = false;
		if (pthread_create(&distiller, NULL, distill_main, workers[0]))
			exit(1);
		while (!finished) {
			usleep(100000);
			check_hang();
		}
	}
	for (i = 0; i < NR_FAILURES; i++)
		printf("%sok %d %s\n", failures[i] ? "not " : "", ++nr, failure_names[i]);
	if (max_requests)
		printf("%sok %d fuzz_requests_made\n", enough ? "" : "not ", ++nr);
	return all_failures() || !enough;
}

static int replay(int rounds)
{
	struct replay r = { .w = workers[0], .rounds = rounds };
	pthread_t thread;

	nr_workers = 1;
	printf("1..%d\n", nr_lines);
	if (pthread_create(&thread, NULL, replay_main, &r))
		return 1;
	while (!finished) {
		usleep(20000);
		check_hang();
	}
	/* one that hangs, and those after it */
	while (r.next < nr_lines) {
		printf("not ok %d %s\n", r.next + 1, line_names[r.next]);
		r.next++;
	}
	say("%llu requests, %llu sequences, %d triples", requests, sequences, nr_triples);
	return all_failures() != 0;
}

int main(int argc, char **argv)
{
	bool print_corpus = false, replaying = false;
	const char *save = NULL;
	int i, have, ret, rounds = 3;

	if (argc > 2 && !strcmp(argv[0], "fuzz-tracee"))
		return exec_main(argv);

	for (i = 1; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : NULL;

		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
			usage(stdout);
			return 0;
		} else if (!strcmp(argv[i], "--verbose")) {
			verbose = true;
			continue;
		} else if (!strcmp(argv[i], "--plain")) {
			plain = true;
			continue;
		} else if (!strcmp(argv[i], "--print-corpus")) {
			print_corpus = true;
			continue;
		} else if (!strcmp(argv[i], "--replay") && value) {
			replaying = true;
			while (i + 1 < argc && argv[i + 1][0] != '-') {
				if (load(argv[++i]))
					return 2;
			}
			continue;
		} else if (!value) {
			usage(stderr);
			return 2;
		}
		i++;
		if (!strcmp(argv[i - 1], "--seed"))
			seed = strtoull(value, NULL, 0);
		else if (!strcmp(argv[i - 1], "--duration"))
			max_seconds = atoi(value);
		else if (!strcmp(argv[i - 1], "--requests"))
			max_requests = strtoull(value, NULL, 0);
		else if (!strcmp(argv[i - 1], "--threads"))
			nr_workers = atoi(value);
		else if (!strcmp(argv[i - 1], "--rounds"))
			rounds = atoi(value);
		else if (!strcmp(argv[i - 1], "--save"))
			save = value;
		else
			value = NULL;
		if (!value || nr_workers < 1 || nr_workers > MAX_WORKERS) {
			usage(stderr);
			return 2;
		}
	}
	if (!max_seconds && !max_requests)
		max_seconds = 20;

	fuzz_pid = getpid();
	printf("TAP version 13\n");
	fflush(stdout);
	have = plain ? 1 : have_notify_mode();
	if (have < 0) {
		printf("1..1\nnot ok 1 notify_mode\n# PTRACE_SEIZE_DEVEL: %s\n", strerror(errno));
		return 1;
	}
	if (!have) {
		printf("1..0 # SKIP kernel without PTRACE_SEIZE_DEVEL\n");
		return 4;
	}

	for (i = 0; i < nr_workers; i++) {
		workers[i] = calloc(1, sizeof(struct worker));
		if (!workers[i])
			return 1;
		worker_setup(workers[i], i);
	}
	ret = replaying ? replay(rounds) : fuzz(print_corpus, save);
	fflush(stdout);
	/* threads that hang go with us, and tracees with their threads */
	syscall(SYS_exit_group, ret);
	return ret;
}
