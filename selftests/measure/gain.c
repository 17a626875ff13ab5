// SPDX-License-Identifier: GPL-2.0
/*
 * What notify mode buys a tracer: the same job done in four ways, in one boot.
 *
 *	notify		the tracee is held in its STOP trap, and traps again by itself
 *	listen		the tracee is in PTRACE_LISTEN until the tracer wants something
 *	poll		the tracee is held in its trap; every POLL_NS the tracer makes it
 *			trap anew, by INTERRUPT and CONT, and looks with GETSIGINFO
 *	proc		the tracer reads /proc/PID/task/TID/stat every POLL_NS, and is not
 *			attached meanwhile, because of a tracee the file says that it is
 *			traced, and no more; for a look inside it attaches and detaches
 *
 * The job is to know at any time whether the group of the tracee is stopped, and to read
 * the tracee's registers and memory. What the tracer needs for it in system calls and
 * context switches is counted beside the time: system calls by the wrappers t_*(), which
 * all of the tracer's go through while it is measured.
 *
 * For latency, inspection and cycles the ways take turns, a block of events each, and who is first
 * in turn changes, so that what disturbs the host disturbs all, and what a way leaves behind
 * meets each of the others. Calm and storm take turns as well. With many threads it would take
 * too long to start them anew for each round: there the ways come CROWDS times, every second
 * time in the opposite order, with a part of the rounds each.
 *
 * For the latency there is a fifth:
 *
 *	listen-no-siginfo	as listen, but all that is read is the wait status, which tells
 *			a tracer in PTRACE_LISTEN what it was when the tracee trapped. In notify
 *			mode GETSIGINFO has to be called, it acknowledges; here it need not be.
 *			Listed for those who do without, and no target: what it is told may be
 *			out of date, and the job is to know the state as it is
 *
 * The tracer is on CPU 0. Tracees and those who send signals are on CPU 1.
 *
 *	usage: gain [--quick] [latency|inspect|cycle|storm|threads]
 *				--quick: few samples, to see whether it works
 */
#include "measure.h"

#include <elf.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sys/uio.h>
#include <sys/user.h>

/* How often those look who have to poll, and how many words of memory all read. */
#define POLL_NS		1000000
#define WORDS		10

/* Of each block, in which a way has its turn. */
#define BLOCK		25

/* ... and for how long, in ns, where it is for a time. */
#define SLICE_NS	50000000

/* Threads of a tracee at most. */
#define CROWD_MAX	4000
#define CROWD_STACK	(64 * 1024)

/*
 * How many of a size are started for each way: all rounds of one have its threads in the same
 * places, of memory and of hash tables, and are slow or quick together.
 */
#define CROWDS		6

enum way {
	NOTIFY, LISTEN, POLL, PROC, WAYS,
	LISTEN_STATUS = WAYS, LATENCY_WAYS
};

static const char * const way_name[LATENCY_WAYS] = {
	"notify", "listen", "poll", "proc", "listen-no-siginfo"
};

static bool quick;

/* @full, or what --quick makes of it. */
static int scale(int full)
{
	return quick ? (full + 19) / 20 : full;
}

/* --- the tracer's system calls, counted --- */

static unsigned long calls;

static long t_ptrace(long request, pid_t tid, unsigned long addr, const void *data)
{
	long ret;

	calls++;
	ret = sys_ptrace(request, tid, addr, data);
	if (ret < 0)
		die("ptrace request %#lx of %d", request, tid);
	return ret;
}

/* Wait for @tid, or any (-1), to have something to report. Returns whose status it is. */
static pid_t t_wait(pid_t tid, int *status)
{
	pid_t ret;

	calls++;
	ret = wait4(tid, status, __WALL, NULL);
	if (ret < 0)
		die("wait4 for %d", tid);
	if (!WIFSTOPPED(*status)) {
		errno = ECHILD;
		die("%d has ended, status %#x", ret, *status);
	}
	return ret;
}

/*
 * Wait for a STOP trap of @tid, which is the next that it does. Returns whether there was a
 * group stop then, by the wait status.
 */
static bool t_wait_trap(pid_t tid)
{
	int status;

	t_wait(tid, &status);
	if (status >> 16 != PTRACE_EVENT_STOP) {
		errno = EPROTO;
		die("wait status %#x of %d is no STOP trap", status, tid);
	}
	return WSTOPSIG(status) != SIGTRAP;
}

/* By GETSIGINFO: is @tid, which is in a STOP trap, group stopped? */
static bool t_stopped(pid_t tid)
{
	siginfo_t info;

	t_ptrace(PTRACE_GETSIGINFO, tid, 0, &info);
	return info.si_signo != SIGTRAP;
}

/* By /proc: @fd is of a stat file. */
static bool t_stat_stopped(int fd)
{
	char buf[512], *paren;
	ssize_t len;

	calls++;
	len = pread(fd, buf, sizeof(buf) - 1, 0);
	if (len <= 0)
		die("reading /proc/PID/task/TID/stat");
	buf[len] = '\0';
	paren = strrchr(buf, ')');
	return paren && paren[1] == ' ' && paren[2] == 'T';
}

static void t_sleep(void)
{
	const struct timespec ts = { .tv_nsec = POLL_NS };

	calls++;
	clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, NULL);
}

/* What the tracer has used so far. */
struct usage {
	unsigned long calls;
	long switches;
};

static struct usage usage_now(void)
{
	struct rusage ru;

	if (getrusage(RUSAGE_THREAD, &ru))
		die("getrusage");
	return (struct usage){ calls, ru.ru_nvcsw + ru.ru_nivcsw };
}

/* Add to @sum what has been used since @start. */
static void usage_add(struct usage *sum, struct usage start)
{
	const struct usage now = usage_now();

	sum->calls += now.calls - start.calls;
	sum->switches += now.switches - start.switches;
}

static void print_usage(const char *name, enum way way, const struct usage *sum, int events)
{
	result(name, way_name[way], "calls", "per-event", (double)sum->calls / events);
	result(name, way_name[way], "switches", "per-event", (double)sum->switches / events);
}

/* --- a tracee that is watched --- */

/*
 * Two threads: the first is not traced and stops the process when told so, the second is
 * watched, and sleeps if it is let run. A SIGCONT is nothing to both: it ends a stop, and is
 * ignored then. On a shared_page().
 */
struct watched_page {
	int order[2];		/* pipe to the first thread: stop, after that many ns */
	pid_t tid;
	long long stamp;	/* when the last stop or continue was */
	unsigned long words[WORDS];
};

struct watched {
	enum way way;
	pid_t pid, tid;
	int stat;		/* of the stat file, for PROC */
	struct watched_page *page;
};

static void *watched_thread(void *arg)
{
	struct watched_page *page = arg;

	__atomic_store_n(&page->tid, syscall(SYS_gettid), __ATOMIC_RELEASE);
	pause_forever(NULL);
	return NULL;
}

static void watched_main(void *arg)
{
	struct watched_page *page = arg;
	pthread_t thread;
	int delay;

	run_on_cpu(1);
	if (pthread_create(&thread, NULL, watched_thread, page))
		_exit(1);
	while (read(page->order[0], &delay, sizeof(delay)) == sizeof(delay)) {
		spin_ns(delay);
		page->stamp = now_ns();
		syscall(SYS_tgkill, getpid(), getpid(), SIGSTOP);
	}
}

/* Has @w, in a trap, traced in any way but PROC, to be told to go on watching? */
static void rearm(struct watched *w)
{
	if (w->way == LISTEN || w->way == LISTEN_STATUS)
		t_ptrace(PTRACE_LISTEN, w->tid, 0, NULL);
}

/* Start a tracee, and watch it in @way. It is not stopped. */
static void watched_start(struct watched *w, enum way way)
{
	char path[64];

	w->way = way;
	w->page = shared_page();
	if (!w->page || pipe2(w->page->order, O_CLOEXEC))
		die("no tracee");
	w->pid = spawn(watched_main, w->page);
	if (w->pid < 0)
		die("fork");
	while (!(w->tid = __atomic_load_n(&w->page->tid, __ATOMIC_ACQUIRE)))
		sched_yield();
	if (wait_task_state(w->tid, "S") || wait_task_state(w->pid, "S"))
		die("tracee does not get to sleep");

	if (way == PROC) {
		snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", w->pid, w->tid);
		w->stat = open(path, O_RDONLY | O_CLOEXEC);
		if (w->stat < 0)
			die("%s", path);
		return;
	}
	if (way == NOTIFY ? sys_seize_notify(w->tid, 0) :
			    sys_ptrace(PTRACE_SEIZE, w->tid, 0, NULL))
		die("PTRACE_SEIZE for %s", way_name[way]);
	t_ptrace(PTRACE_INTERRUPT, w->tid, 0, NULL);
	t_wait_trap(w->tid);
	t_stopped(w->tid);
	rearm(w);
}

static void watched_end(struct watched *w)
{
	kill(w->pid, SIGKILL);
	if (w->way != PROC)
		kill_and_reap(w->tid);
	else
		close(w->stat);
	kill_and_reap(w->pid);
	close(w->page->order[0]);
	close(w->page->order[1]);
	munmap(w->page, getpagesize());
}

/*
 * Wait until @w is known to be stopped, or not to be. It is trapped then, except with PROC,
 * and rearm() has to follow.
 */
static void wait_known(struct watched *w, bool stopped)
{
	switch (w->way) {
	case NOTIFY:
	case LISTEN:
		t_wait_trap(w->tid);
		while (t_stopped(w->tid) != stopped) {
			rearm(w);
			t_wait_trap(w->tid);
		}
		break;
	case LISTEN_STATUS:
		while (t_wait_trap(w->tid) != stopped)
			rearm(w);
		break;
	case POLL:
		do {
			t_sleep();
			/* in this order: it traps again before it runs */
			t_ptrace(PTRACE_INTERRUPT, w->tid, 0, NULL);
			t_ptrace(PTRACE_CONT, w->tid, 0, NULL);
			t_wait_trap(w->tid);
		} while (t_stopped(w->tid) != stopped);
		break;
	default:
		do {
			t_sleep();
		} while (t_stat_stopped(w->stat) != stopped);
		break;
	}
}

/* The next reads, of @w in a trap: all general registers, and WORDS words of memory. */
static void read_trapped(struct watched *w, bool peek)
{
	struct user_regs_struct regs;
	unsigned long words[WORDS];
	struct iovec iov = { &regs, sizeof(regs) };
	struct iovec local = { words, sizeof(words) };
	struct iovec remote = { w->page->words, sizeof(words) };
	int i;

	t_ptrace(PTRACE_GETREGSET, w->tid, NT_PRSTATUS, &iov);
	for (i = 0; peek && i < WORDS; i++)
		t_ptrace(PTRACE_PEEKDATA, w->tid, (unsigned long)&w->page->words[i],
			 &words[i]);
	if (peek)
		return;
	calls++;
	if (process_vm_readv(w->tid, &local, 1, &remote, 1, 0) != sizeof(words))
		die("process_vm_readv");
}

/* Read it with all that is needed for that, right after wait_known(). */
static void read_known(struct watched *w, bool stopped)
{
	if (w->way == PROC) {
		t_ptrace(PTRACE_SEIZE, w->tid, 0, NULL);
		/* a stopped tracee traps by itself */
		if (!stopped)
			t_ptrace(PTRACE_INTERRUPT, w->tid, 0, NULL);
		t_wait_trap(w->tid);
	}
	read_trapped(w, false);
	if (w->way == PROC)
		t_ptrace(PTRACE_DETACH, w->tid, 0, NULL);
}

/* Read @w as it is watched: stopped, and nothing new to be known. */
static void inspect(struct watched *w, bool peek)
{
	switch (w->way) {
	case LISTEN:
		t_ptrace(PTRACE_INTERRUPT, w->tid, 0, NULL);
		t_wait_trap(w->tid);
		break;
	case PROC:
		t_ptrace(PTRACE_SEIZE, w->tid, 0, NULL);
		t_wait_trap(w->tid);
		break;
	default:
		break;
	}
	read_trapped(w, peek);
	if (w->way == PROC)
		t_ptrace(PTRACE_DETACH, w->tid, 0, NULL);
	rearm(w);
}

/* --- from the change to the tracer knowing it --- */

/* What the one who continues is told. */
struct cont_order {
	pid_t pid;
	int delay;
};

/* On a shared_page(). */
struct continuer {
	int order[2];
	long long stamp;
};

static void continue_them(void *arg)
{
	struct continuer *c = arg;
	struct cont_order order;

	run_on_cpu(1);
	while (read(c->order[0], &order, sizeof(order)) == sizeof(order)) {
		spin_ns(order.delay);
		c->stamp = now_ns();
		kill(order.pid, SIGCONT);
	}
}

/*
 * How long the next change is to wait for, in ns: until the tracer is asleep, and then any
 * part of the time between two polls.
 */
static int some_delay(void)
{
	static unsigned int seed = 1;

	seed = seed * 1103515245 + 12345;
	return 300000 + (seed >> 8) % POLL_NS;
}

static void order(int fd, const void *what, size_t size)
{
	if (write(fd, what, size) != (ssize_t)size)
		die("writing to a pipe");
}

/* The figures of a kind of event, for each way. */
struct event_stats {
	struct samples known[LATENCY_WAYS], reads[LATENCY_WAYS];
	struct usage used[LATENCY_WAYS];
	int events[LATENCY_WAYS];
};

/*
 * One event: the change, which is ordered by writing @what, of @size, to @fd, and who makes it
 * notes in @stamp when; note in @st when it is known and @w is read.
 */
static void event(struct watched *w, bool stopped, const long long *stamp, int fd,
		  const void *what, size_t size, struct event_stats *st)
{
	const long long before = __atomic_load_n(stamp, __ATOMIC_RELAXED);
	struct usage start;
	long long known, done, changed;

	order(fd, what, size);
	start = usage_now();
	wait_known(w, stopped);
	known = now_ns();
	changed = __atomic_load_n(stamp, __ATOMIC_RELAXED);
	if (changed == before || known < changed) {
		errno = EPROTO;
		die("%s knew of a change before it was", way_name[w->way]);
	}
	read_known(w, stopped);
	done = now_ns();
	rearm(w);
	usage_add(&st->used[w->way], start);
	sample(&st->known[w->way], known - changed);
	sample(&st->reads[w->way], done - changed);
	st->events[w->way]++;
}

static void print_events(const char *name, struct event_stats *st)
{
	char reads[64];
	enum way way;

	snprintf(reads, sizeof(reads), "%s+reads", name);
	for (way = 0; way < LATENCY_WAYS; way++) {
		print_samples(name, way_name[way], &st->known[way]);
		print_samples(reads, way_name[way], &st->reads[way]);
		print_usage(reads, way, &st->used[way], st->events[way]);
	}
}

static void measure_latency(struct watched *all)
{
	static struct event_stats stop, cont;
	struct continuer *c = shared_page();
	struct cont_order cont_order;
	int block, n, i, delay;
	pid_t pid;

	if (!c || pipe2(c->order, O_CLOEXEC))
		die("no page, or no pipe");
	pid = spawn(continue_them, c);
	if (pid < 0)
		die("fork");
	/*
	 * As many as it takes for the p99 of two boots to be of the same size. What does not
	 * poll is compared to within a few percent, and gets three times as many; every second
	 * block is in the opposite order, so that none always comes after the same other.
	 */
	for (block = 0; block < scale(300); block++) {
		for (n = 0; n < LATENCY_WAYS; n++) {
			const int turn = block % 2 ? LATENCY_WAYS - 1 - n : n;
			struct watched *w = &all[(turn + block / 2) % LATENCY_WAYS];

			if (block % 3 && (w->way == POLL || w->way == PROC))
				continue;
			for (i = 0; i < BLOCK; i++) {
				delay = some_delay();
				event(w, true, &w->page->stamp, w->page->order[1],
				      &delay, sizeof(delay), &stop);
				/*
				 * Its first thread has to be there, for the next order, and so
				 * has the second: one just detached is not stopped at once, and
				 * might be taken for continued.
				 */
				if (wait_task_state(w->pid, "T") ||
				    wait_task_state(w->tid, w->way == PROC ? "T" : "t"))
					die("%s: tracee does not stop", way_name[w->way]);

				cont_order.pid = w->pid;
				cont_order.delay = some_delay();
				event(w, false, &c->stamp, c->order[1],
				      &cont_order, sizeof(cont_order), &cont);
			}
		}
	}
	kill_and_reap(pid);
	close(c->order[0]);
	close(c->order[1]);
	print_events("stop", &stop);
	print_events("cont", &cont);
	tap_ok("from start and end of a group stop to the tracer knowing it");
}

/* --- reading a tracee that is stopped and watched --- */

/* Stop @w, by a signal of our own. */
static void stop_now(struct watched *w)
{
	syscall(SYS_tgkill, w->pid, w->pid, SIGSTOP);
	calls++;
	wait_known(w, true);
	rearm(w);
}

static void continue_now(struct watched *w)
{
	kill(w->pid, SIGCONT);
	calls++;
	wait_known(w, false);
	rearm(w);
}

/*
 * What two looks at the clock in a row have between them, in ns: the median of many. An inspection
 * takes a few us, of which this would be a part that is none of it.
 */
static long long clock_cost(void)
{
	long long pairs[1001], start;
	size_t i;

	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		start = now_ns();
		pairs[i] = now_ns() - start;
	}
	qsort(pairs, i, sizeof(pairs[0]), __compare_ns);
	return pairs[i / 2];
}

static void measure_inspection(struct watched *all, bool peek)
{
	const char *name = peek ? "inspect-peek" : "inspect";
	static struct samples samples[WAYS];
	struct usage used[WAYS] = { 0 };
	const long long clock = clock_cost();
	int block, n, i, nr[WAYS] = { 0 };
	long long start;
	enum way way;

	for (way = 0; way < WAYS; way++)
		stop_now(&all[way]);
	for (block = 0; block < scale(60); block++) {
		for (n = 0; n < WAYS; n++) {
			const struct usage before = usage_now();

			way = (n + block) % WAYS;

			for (i = 0; i < BLOCK; i++) {
				start = now_ns();
				inspect(&all[way], peek);
				sample(&samples[way], now_ns() - start - clock);
			}
			usage_add(&used[way], before);
			nr[way] += BLOCK;
		}
	}
	if (!peek)
		result("clock", "self", "cost", "ns", clock);
	for (way = 0; way < WAYS; way++) {
		/* nothing has been lost of the watch */
		continue_now(&all[way]);
		print_samples(name, way_name[way], &samples[way]);
		print_usage(name, way, &used[way], nr[way]);
	}
	tap_ok(peek ? "registers and memory of a stopped tracee, word by word" :
		      "registers and memory of a stopped tracee");
}

/* --- cycles --- */

static void measure_cycles(struct watched *all)
{
	static struct samples samples[WAYS];
	long long spent[WAYS] = { 0 }, start, last, now;
	struct usage used[WAYS] = { 0 };
	int block, n, nr[WAYS] = { 0 };
	enum way way;

	for (block = 0; block < scale(20); block++) {
		for (n = 0; n < WAYS; n++) {
			const struct usage before = usage_now();

			way = (n + block) % WAYS;
			start = now_ns();
			last = start;
			do {
				stop_now(&all[way]);
				continue_now(&all[way]);
				nr[way]++;
				now = now_ns();
				sample(&samples[way], now - last);
				last = now;
			} while (now - start < SLICE_NS);
			spent[way] += now - start;
			usage_add(&used[way], before);
		}
	}
	for (way = 0; way < WAYS; way++) {
		result("cycle", way_name[way], "rate", "per-second",
		       nr[way] * 1e9 / spent[way]);
		print_samples("cycle", way_name[way], &samples[way]);
		print_usage("cycle", way, &used[way], nr[way]);
	}
	tap_ok("cycles of stop and continue");
}

/* --- requests under a storm of SIGCONT --- */

/* Samples at most of a kind of request, which is more than there is time for. */
#define REQUESTS_MAX	1000000

/* On a shared_page(). */
struct storm {
	pid_t pid;
	unsigned long sent;
	int turn;		/* odd: send; even: sleep on it, by futex(2) */
	int seen;		/* the last even one at which the sender stopped */
};

static void storm_forever(void *arg)
{
	struct storm *storm = arg;

	run_on_cpu(1);
	for (;;) {
		const int turn = __atomic_load_n(&storm->turn, __ATOMIC_ACQUIRE);

		if (turn % 2 == 0) {
			__atomic_store_n(&storm->seen, turn, __ATOMIC_RELEASE);
			syscall(SYS_futex, &storm->turn, FUTEX_WAIT, turn, NULL, NULL, 0);
			continue;
		}
		kill(storm->pid, SIGCONT);
		__atomic_add_fetch(&storm->sent, 1, __ATOMIC_RELAXED);
	}
}

/* Let the sender send. Returns when it does. */
static void storm_begin(struct storm *storm)
{
	const unsigned long before = __atomic_load_n(&storm->sent, __ATOMIC_RELAXED);

	__atomic_add_fetch(&storm->turn, 1, __ATOMIC_RELEASE);
	syscall(SYS_futex, &storm->turn, FUTEX_WAKE, 1, NULL, NULL, 0);
	while (__atomic_load_n(&storm->sent, __ATOMIC_RELAXED) == before)
		sched_yield();
}

/* Have the sender stop. Returns when it has. */
static void storm_end(struct storm *storm)
{
	const int turn = __atomic_add_fetch(&storm->turn, 1, __ATOMIC_RELEASE);

	while (__atomic_load_n(&storm->seen, __ATOMIC_ACQUIRE) != turn)
		sched_yield();
}

/*
 * What is asked for in each pass. There is no group stop to end, and so no re-trap after the
 * first before that was acknowledged, by GETSIGINFO, and waited for. HANDLED does both, and
 * has the tracee trap in every pass: how fast it does is shown, which is no matter of
 * requests alone.
 */
enum asked { GETSIGINFO, GETREGSET, BOTH, HANDLED, ASKED };

static const char * const asked_name[ASKED] = {
	"getsiginfo", "getregset", "both", "handled",
};

static void ask(pid_t tid, enum asked what)
{
	struct user_regs_struct regs;
	struct iovec iov = { &regs, sizeof(regs) };
	siginfo_t info;
	int status;

	if (what == HANDLED) {
		calls++;
		if (wait4(tid, &status, __WALL | WNOHANG, NULL) < 0)
			die("wait4");
	}
	if (what != GETREGSET)
		t_ptrace(PTRACE_GETSIGINFO, tid, 0, &info);
	if (what != GETSIGINFO)
		t_ptrace(PTRACE_GETREGSET, tid, NT_PRSTATUS, &iov);
}

/* What has been measured in all slices of a kind. */
struct slices {
	unsigned long passes, sent;
	long long ns;
	struct usage used;
	struct samples samples;
};

/* Ask @storm->pid, in its trap, for the time of a slice, and add what comes of it to @sum. */
static void run_slice(struct storm *storm, enum asked what, struct slices *sum)
{
	const unsigned long sent = __atomic_load_n(&storm->sent, __ATOMIC_RELAXED);
	const struct usage before = usage_now();
	const long long start = now_ns();
	long long last = start, now;

	do {
		ask(storm->pid, what);
		now = now_ns();
		sample(&sum->samples, now - last);
		sum->passes++;
		last = now;
	} while (now - start < SLICE_NS);
	sum->ns += now - start;
	usage_add(&sum->used, before);
	sum->sent += __atomic_load_n(&storm->sent, __ATOMIC_RELAXED) - sent;
}

/* Print all of @sum, for @weather and @what, and empty it, but for the room it has. */
static void print_slices(const char *weather, enum asked what, const char *way,
			 struct slices *sum)
{
	struct samples samples;
	char name[64];

	snprintf(name, sizeof(name), "%s-%s", weather, asked_name[what]);
	result(name, way, "rate", "per-second", sum->passes * 1e9 / sum->ns);
	result(name, way, "signals", "per-second", sum->sent * 1e9 / sum->ns);
	result(name, way, "calls", "per-event", (double)sum->used.calls / sum->passes);
	result(name, way, "switches", "per-event", (double)sum->used.switches / sum->passes);
	print_samples(name, way, &sum->samples);
	samples = sum->samples;
	*sum = (struct slices){ .samples = samples };
}

/*
 * Rates for a tracee in notify mode, or for a plain one in its trap, which is not notified, on
 * CPU @cpu, or on any (-1). Calm and storm take turns, so that what disturbs the host
 * disturbs both.
 */
static void storm_on(const char *way, bool notify, int cpu)
{
	static struct slices calm, stormy;
	struct storm *storm = shared_page();
	enum asked what;
	cpu_set_t set;
	pid_t sender;
	int i, status;

	if (!storm)
		die("no page");
	/* room is made beforehand: a page fault would be part of a request's time */
	samples_reserve(&calm.samples, REQUESTS_MAX);
	samples_reserve(&stormy.samples, REQUESTS_MAX);
	storm->pid = spawn(pause_forever, NULL);
	CPU_ZERO(&set);
	CPU_SET(cpu >= 0 ? cpu : 0, &set);
	CPU_SET(cpu >= 0 ? cpu : 1, &set);
	if (storm->pid < 0 || sched_setaffinity(storm->pid, sizeof(set), &set))
		die("no tracee");
	if (notify ? sys_seize_notify(storm->pid, 0) :
		     sys_ptrace(PTRACE_SEIZE, storm->pid, 0, NULL))
		die("PTRACE_SEIZE");
	t_ptrace(PTRACE_INTERRUPT, storm->pid, 0, NULL);
	t_wait_trap(storm->pid);
	sender = spawn(storm_forever, storm);
	if (sender < 0)
		die("fork");
	for (what = 0; what < ASKED; what++) {
		for (i = 0; i < scale(20); i++) {
			run_slice(storm, what, &calm);
			storm_begin(storm);
			run_slice(storm, what, &stormy);
			storm_end(storm);
			/* leave no notification for the calm */
			t_stopped(storm->pid);
			wait4(storm->pid, &status, __WALL | WNOHANG, NULL);
		}
		print_slices("calm", what, way, &calm);
		print_slices("storm", what, way, &stormy);
	}
	kill_and_reap(sender);
	kill_and_reap(storm->pid);
	munmap(storm, getpagesize());
}

static void measure_storm(void)
{
	storm_on("notify", true, -1);
	storm_on("notify-by-tracer", true, 0);
	storm_on("notify-by-sender", true, 1);
	storm_on("plain", false, -1);
	tap_ok("requests, and a storm of SIGCONT");
}

/* --- many threads --- */

/* On a shared mapping. */
struct crowd {
	int nr, there;
	pid_t tid[CROWD_MAX];
};

static struct crowd *crowd;
static int crowd_stat[CROWD_MAX];	/* stat files, for PROC */

static void *crowd_thread(void *arg)
{
	crowd->tid[(long)arg] = syscall(SYS_gettid);
	__atomic_add_fetch(&crowd->there, 1, __ATOMIC_RELEASE);
	pause_forever(NULL);
	return NULL;
}

static void crowd_main(void *arg)
{
	pthread_attr_t attr;
	pthread_t thread;
	long i;

	run_on_cpu(1);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, CROWD_STACK);
	for (i = 1; i < crowd->nr; i++) {
		errno = pthread_create(&thread, &attr, crowd_thread, (void *)i);
		if (errno)
			_exit(1);
	}
	crowd_thread(NULL);
}

/* Start @nr threads, and watch each of them in @way; all sleep, or are trapped. */
static pid_t crowd_start(enum way way, int nr)
{
	char path[64];
	pid_t pid;
	int i;

	crowd->nr = nr;
	crowd->there = 0;
	pid = spawn(crowd_main, NULL);
	if (pid < 0)
		die("fork");
	while (__atomic_load_n(&crowd->there, __ATOMIC_ACQUIRE) < nr) {
		usleep(1000);
		if (kill(pid, 0) || waitpid(pid, NULL, WNOHANG) > 0)
			die("%d threads can't be had", nr);
	}
	for (i = 0; i < nr; i++) {
		const pid_t tid = crowd->tid[i];

		if (wait_task_state(tid, "S"))
			die("thread %d does not get to sleep", i);
		if (way == PROC) {
			snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", pid, tid);
			crowd_stat[i] = open(path, O_RDONLY | O_CLOEXEC);
			if (crowd_stat[i] < 0)
				die("%s", path);
			continue;
		}
		if (way == NOTIFY ? sys_seize_notify(tid, 0) :
				    sys_ptrace(PTRACE_SEIZE, tid, 0, NULL))
			die("PTRACE_SEIZE");
		t_ptrace(PTRACE_INTERRUPT, tid, 0, NULL);
		t_wait_trap(tid);
		t_stopped(tid);
		if (way == LISTEN)
			t_ptrace(PTRACE_LISTEN, tid, 0, NULL);
	}
	return pid;
}

static void crowd_end(enum way way, pid_t pid)
{
	int i;

	kill(pid, SIGKILL);
	for (i = 0; i < crowd->nr; i++) {
		if (way == PROC)
			close(crowd_stat[i]);
		else if (i)
			kill_and_reap(crowd->tid[i]);
	}
	kill_and_reap(pid);
}

/* Handle thread @tid, which has trapped: true if it is known now to be as @stopped says. */
static bool crowd_handle(enum way way, pid_t tid, bool stopped)
{
	const bool known = t_stopped(tid) == stopped;

	if (way == LISTEN)
		t_ptrace(PTRACE_LISTEN, tid, 0, NULL);
	return known;
}

/* Handle all threads: in order, by wait4(tid). */
static void crowd_handle_each(enum way way, bool stopped)
{
	int i;

	for (i = 0; i < crowd->nr; i++) {
		do {
			t_wait_trap(crowd->tid[i]);
		} while (!crowd_handle(way, crowd->tid[i], stopped));
	}
}

/* Handle all threads: as they come, by wait4(-1). */
static void crowd_handle_any(enum way way, bool stopped)
{
	int left = crowd->nr, status;
	pid_t tid;

	while (left) {
		tid = t_wait(-1, &status);
		if (crowd_handle(way, tid, stopped))
			left--;
	}
}

/* ... by looking at them over and over. */
static void crowd_poll(enum way way, bool stopped)
{
	int i;

	for (i = 0; i < crowd->nr; i++) {
		const pid_t tid = crowd->tid[i];

		for (;;) {
			if (way == PROC) {
				if (t_stat_stopped(crowd_stat[i]) == stopped)
					break;
			} else {
				t_ptrace(PTRACE_INTERRUPT, tid, 0, NULL);
				t_ptrace(PTRACE_CONT, tid, 0, NULL);
				t_wait_trap(tid);
				if (t_stopped(tid) == stopped)
					break;
			}
			t_sleep();
		}
	}
}

static void crowd_know(enum way way, bool any, bool stopped)
{
	if (way == POLL || way == PROC)
		crowd_poll(way, stopped);
	else if (any)
		crowd_handle_any(way, stopped);
	else
		crowd_handle_each(way, stopped);
}

/*
 * Have the first thread take SIGSTOP, so that the crowd stops. The others stay in their
 * traps all the time.
 */
static void crowd_stop(enum way way, pid_t pid)
{
	int status;

	/* this takes away a SIGCONT that is pending */
	syscall(SYS_tgkill, pid, pid, SIGSTOP);
	if (way == PROC)
		return;
	if (way == LISTEN) {
		t_ptrace(PTRACE_INTERRUPT, pid, 0, NULL);
		t_wait_trap(pid);
	}
	t_ptrace(PTRACE_CONT, pid, 0, NULL);
	t_wait(pid, &status);
	if (status != SIGNAL_STATUS(SIGSTOP)) {
		errno = EPROTO;
		die("first thread has wait status %#x", status);
	}
	t_ptrace(PTRACE_CONT, pid, 0, (void *)SIGSTOP);
	if (way == POLL)
		t_wait_trap(pid);
}

/* The figures of @way, by wait4(-1) if @any, for crowds of a size. */
struct crowd_stats {
	enum way way;
	bool any;
	struct samples samples;
	struct usage used;
};

/* Start a crowd of @nr, have it stopped and continued @rounds times, and add that to @st. */
static void run_crowd(struct crowd_stats *st, int nr, int rounds)
{
	struct usage before;
	long long start;
	pid_t pid;
	int i;

	pid = crowd_start(st->way, nr);
	for (i = 0; i < rounds; i++) {
		crowd_stop(st->way, pid);
		crowd_know(st->way, st->any, true);
		before = usage_now();
		start = now_ns();
		kill(pid, SIGCONT);
		crowd_know(st->way, st->any, false);
		sample(&st->samples, now_ns() - start);
		usage_add(&st->used, before);
	}
	crowd_end(st->way, pid);
}

/* Print all of @st, and empty it. */
static void print_crowd(struct crowd_stats *st, int nr)
{
	const int rounds = st->samples.nr;
	char name[64], label[64];

	snprintf(name, sizeof(name), "threads-%d", nr);
	snprintf(label, sizeof(label), "%s%s", way_name[st->way], st->any ? "-any" : "");
	result(name, label, "per-thread", "ns",
	       (double)print_samples(name, label, &st->samples) / nr);
	result(name, label, "calls", "per-event", (double)st->used.calls / rounds);
	result(name, label, "switches", "per-event", (double)st->used.switches / rounds);
	st->used = (struct usage){ 0 };
}

static void measure_threads(void)
{
	static const struct {
		int nr, rounds;
	} sizes[] = { { 1, 402 }, { 10, 198 }, { 100, 60 }, { 1000, 18 }, { 4000, 12 } };
	static struct crowd_stats st[] = {
		{ .way = NOTIFY }, { .way = NOTIFY, .any = true },
		{ .way = LISTEN }, { .way = LISTEN, .any = true },
		{ .way = POLL }, { .way = PROC },
	};
	static struct crowd_stats first = { .way = NOTIFY, .any = true };
	const int nr_st = sizeof(st) / sizeof(st[0]);
	char what[64];
	size_t i;
	int k, turn;

	crowd = mmap(NULL, sizeof(*crowd), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (crowd == MAP_FAILED)
		die("mmap");
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		const int rounds = scale(sizes[i].rounds / CROWDS);
		const int crowds = quick ? 2 : CROWDS;

		/*
		 * The first crowds of a size take up to twice as long as those that follow,
		 * whichever way they are watched: two are not counted. The ways go forth and
		 * back.
		 */
		run_crowd(&first, sizes[i].nr, 2);
		run_crowd(&first, sizes[i].nr, 2);
		for (turn = 0; turn < crowds; turn++)
			for (k = 0; k < nr_st; k++)
				run_crowd(&st[turn % 2 ? nr_st - 1 - k : k],
					  sizes[i].nr, rounds);
		for (k = 0; k < nr_st; k++)
			print_crowd(&st[k], sizes[i].nr);
		snprintf(what, sizeof(what), "SIGCONT to %d threads", sizes[i].nr);
		tap_ok(what);
	}
}

static const char *part;	/* of it all, or NULL for all */

static bool wanted(const char *name)
{
	return !part || !strcmp(part, name);
}

int main(int argc, char **argv)
{
	const struct rlimit files = { 8192, 8192 };
	const long long deadline = now_ms() + DEADLINE_MS;
	struct timespec res;
	struct watched all[LATENCY_WAYS] = { 0 };
	enum way way;

	if (argc > 1 && !strcmp(argv[1], "--quick")) {
		quick = true;
		argc--;
		argv++;
	}
	part = argc > 1 ? argv[1] : NULL;
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2) {
		printf("1..0 # SKIP this needs two CPUs\n");
		return 4;
	}
	/*
	 * A clock that counts ticks of the timer has nothing to say about this, and those who
	 * poll can't sleep for less. The kernel gets to another some time after boot.
	 */
	while (clock_getres(CLOCK_MONOTONIC, &res) || res.tv_sec || res.tv_nsec > 1000) {
		if (now_ms() > deadline) {
			errno = ERANGE;
			die("clock with a resolution of %ld ns", res.tv_nsec);
		}
		usleep(10000);
	}
	if (have_notify_mode() != 1) {
		printf("1..0 # SKIP kernel without PTRACE_SEIZE_DEVEL\n");
		return 4;
	}
	setlinebuf(stdout);
	if (setrlimit(RLIMIT_NOFILE, &files))
		die("setrlimit");
	run_on_cpu(0);

	for (way = 0; way < LATENCY_WAYS; way++)
		watched_start(&all[way], way);
	if (wanted("latency"))
		measure_latency(all);
	if (wanted("inspect")) {
		measure_inspection(all, false);
		measure_inspection(all, true);
	}
	if (wanted("cycle"))
		measure_cycles(all);
	for (way = 0; way < LATENCY_WAYS; way++)
		watched_end(&all[way]);
	if (wanted("storm"))
		measure_storm();
	if (wanted("threads"))
		measure_threads();
	return tap_end();
}
