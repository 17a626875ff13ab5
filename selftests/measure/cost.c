// SPDX-License-Identifier: GPL-2.0
/*
 * What the series costs those who do not use it: what goes through the code that it changes,
 * and is done often. Run on both kernels, by the host, the same binary.
 *
 * Each benchmark runs for a while to warm up, and then its number of iterations between two
 * looks at the clock. Two figures are printed for each, per iteration: nanoseconds, and ticks of
 * the time stamp counter. In a guest that QEMU runs with -icount shift=0 the latter are
 * instructions, of kernel and user space together, one a tick: virtual time goes on by
 * one nanosecond with each, and QEMU's counter ticks at 1 GHz then. Each iteration of a string
 * instruction (REP MOVS, REP STOS) counts as one.
 *
 * What an iteration leaves to RCU is a part of its cost, and comes some ticks later. So each
 * measurement begins when nothing is left of what has been before, and where instructions
 * are counted it ends only when nothing is left of its own: it sleeps for that, see settle_rcu(),
 * which costs some 0.1 million instructions, on either kernel. Who of two is put on the CPU
 * first, and how many grace periods there are, still depends on where in an iteration ticks
 * come: fork-exit, stop-cont and wait-reap are counted over that many iterations to even it out.
 *
 * Virtual time goes on while a CPU is idle, too: that is taken off. But for these
 * sleeps there ought to be none, since all here is on one CPU and somebody always runs; but a
 * tracee that is preempted on the last steps into its trap probably has its tracer sleep for a tick
 * in wait_task_inactive(), in one of some ten thousand stops. What there is beyond them is
 * printed, and more than a tenth of the time is a failure.
 *
 *	usage: cost [--count] [--quick]
 *				--count: the counter has to count instructions, or nothing is
 *				measured; --quick: few iterations, to see whether it works
 *	       cost --tsc-khz	how fast that counter is here, for a guest that has no better
 *				way to find out; made for the host
 *
 * With COST_PHASE=n in the environment each begins at another point between two ticks of the
 * timer, so that runs differ in what else happens to fall into them.
 *
 * x86-64 alone, for that counter.
 */
#include "measure.h"

#include <x86intrin.h>

/* Children of wait4(). */
#define CHILDREN	1000

/* Microseconds of settle_rcu(). */
#define SETTLE_US	50000

static int quick = 1;
static bool counting;

/* Ticks that passed in settle_rcu(). */
static unsigned long settled;

/* Another process runs all the time: settle_rcu() would count that, and nothing else. */
static bool restless;

/*
 * How long CPU 0 has been idle, in ns. (/proc/stat has but hundredths of a second, and
 * .idle_calls is not counted as long as the tick can't be stopped.)
 */
static unsigned long long idle_ns(void)
{
	unsigned long long ns, sum = 0;
	FILE *f = fopen("/proc/timer_list", "re");
	int found = 0;
	char line[256];

	/* the first CPU comes first */
	while (f && found < 2 && fgets(line, sizeof(line), f)) {
		if (sscanf(line, " .idle_sleeptime : %llu nsecs", &ns) == 1 ||
		    sscanf(line, " .iowait_sleeptime: %llu nsecs", &ns) == 1) {
			sum += ns;
			found++;
		}
	}
	if (found < 2) {
		errno = ENODATA;
		die("no .idle_sleeptime in /proc/timer_list");
	}
	fclose(f);
	return sum;
}

/*
 * Sleep for long enough that nothing is left of what has been done: a task is freed by RCU, and
 * its stack by RCU after that, each some ticks later. An idle CPU keeps its tick for as long as it
 * has such callbacks, and none after that.
 */
static void settle_rcu(void)
{
	const unsigned long ticks = __rdtsc();

	if (restless)
		return;
	usleep(SETTLE_US);
	settled += __rdtsc() - ticks;
}

/* Run @fn(@nr) to warm up, then again with @nr iterations, and print what each took. */
static void measure(const char *name, void (*fn)(int nr), int nr)
{
	unsigned long long idle;
	unsigned long ticks;
	long long ns;

	nr = nr / quick ?: 1;
	fn(nr / 8 ?: 1);
	settle_rcu();
	/* where instructions are counted all runs are the same, but for this */
	if (getenv("COST_PHASE"))
		spin_ns(atoi(getenv("COST_PHASE")) * 137000LL);

	settled = 0;
	idle = idle_ns();
	ns = now_ns();
	ticks = __rdtsc();
	fn(nr);
	ns = now_ns() - ns;
	/* the time of a clock would have the sleep in it */
	if (counting)
		settle_rcu();
	ticks = __rdtsc() - ticks;
	idle = idle_ns() - idle;

	if (counting) {
		/* a tick is a nanosecond there, and an instruction unless it is idle */
		ticks -= idle;
		/*
		 * Not exact, and for a look at it: a tick's worth of it is still seen. To
		 * read the file before settle_rcu() would cost as much as a fifth of a tick.
		 */
		idle = idle > settled ? idle - settled : 0;
		if (idle > ticks / 10) {
			errno = ERANGE;
			die("%s: idle for %llu of %llu ticks", name, idle, ticks + idle);
		}
	}
	result(name, "self", "ticks", "per-iteration", (double)ticks / nr);
	result(name, "self", "time", "ns", (double)ns / nr);
	result(name, "self", "idle", "ns", (double)idle / nr);
	tap_ok(name);
}

/* fork(2) of a child that does nothing but exit, and its reaping. */
static void fork_exit(int nr)
{
	pid_t pid;

	while (nr--) {
		pid = fork();
		if (!pid)
			_exit(0);
		if (pid < 0 || waitpid(pid, NULL, 0) != pid)
			die("fork");
	}
}

static volatile int caught;

static void catch(int sig)
{
	caught++;
}

/* A signal to oneself, with a handler. */
static void signal_self(int nr)
{
	const pid_t pid = getpid();

	while (nr--)
		kill(pid, SIGUSR1);
}

/* The one who is sent signals: on a shared_page(). */
struct other {
	pid_t pid, parent;
	sigset_t wait;
};

static struct other *other;

/* For spawn(): be interrupted by SIGUSR1 in sigsuspend(2), and answer with the same. */
static void answer_forever(void *arg)
{
	for (;;) {
		sigsuspend(&other->wait);
		kill(other->parent, SIGUSR1);
	}
}

/* A signal there and one back, both sides in sigsuspend(2). */
static void ping_pong(int nr)
{
	while (nr--) {
		kill(other->pid, SIGUSR1);
		sigsuspend(&other->wait);
	}
}

/* A signal with a handler to another process, which is let run until it has been caught. */
static void signal_other(int nr)
{
	volatile int *count = (volatile int *)(other + 1);
	int before;

	while (nr--) {
		before = *count;
		kill(other->pid, SIGUSR2);
		while (*count == before)
			sched_yield();
	}
}

static void catch_shared(int sig)
{
	++*(volatile int *)(other + 1);
}

/* For spawn(). */
static void yield_forever(void *arg)
{
	for (;;)
		sched_yield();
}

/* SIGSTOP and SIGCONT of a child that no one traces, each seen by waitpid(2). */
static void stop_cont(int nr)
{
	int status;

	while (nr--) {
		kill(other->pid, SIGSTOP);
		if (waitpid(other->pid, &status, WUNTRACED) < 0 || !WIFSTOPPED(status))
			die("no stop");
		kill(other->pid, SIGCONT);
		if (waitpid(other->pid, &status, WCONTINUED) < 0 || !WIFCONTINUED(status))
			die("no continue");
	}
}

/* For spawn(). */
static void getppid_forever(void *arg)
{
	for (;;)
		syscall(SYS_getppid);
}

static void resume(long request, int want)
{
	int status;

	if (sys_ptrace(request, other->pid, 0, NULL))
		die("ptrace request %#lx", request);
	status = sys_wait(other->pid, 0);
	if (status != want) {
		errno = EPROTO;
		die("wait status %#x instead of %#x", status, want);
	}
}

/* A system call traced: its two stops. */
static void traced_syscall(int nr)
{
	while (nr--) {
		resume(PTRACE_SYSCALL, SIGNAL_STATUS(SIGTRAP | 0x80));
		resume(PTRACE_SYSCALL, SIGNAL_STATUS(SIGTRAP | 0x80));
	}
}

/* One instruction of a tracee. */
static void single_step(int nr)
{
	while (nr--)
		resume(PTRACE_SINGLESTEP, SIGNAL_STATUS(SIGTRAP));
}

/*
 * wait4(2) for any of CHILDREN children, none of which has anything to report. With
 * WUNTRACED, or else wait_task_stopped() returns for those that are not traced before it gets
 * to anything that the series changes.
 */
static void wait_scan(int nr)
{
	int status;

	while (nr--) {
		if (wait4(-1, &status, WNOHANG | WUNTRACED, NULL))
			die("a child has something to report");
	}
}

static pid_t children[CHILDREN];

static void start_children(void (*fn)(void *arg))
{
	int i;

	for (i = 0; i < CHILDREN; i++) {
		children[i] = spawn(fn, NULL);
		if (children[i] < 0)
			die("fork");
		if (fn == pause_forever && wait_task_state(children[i], "S"))
			die("child does not get to sleep");
	}
}

/*
 * Seize all children as any tracer does today. With @trap each is trapped, too, and its wait
 * status is taken: it is looked at under its siglock then, and there is nothing.
 */
static void seize_children(bool trap)
{
	int i;

	for (i = 0; i < CHILDREN; i++) {
		if (sys_ptrace(PTRACE_SEIZE, children[i], 0, NULL))
			die("PTRACE_SEIZE");
		if (!trap)
			continue;
		if (sys_ptrace(PTRACE_INTERRUPT, children[i], 0, NULL) ||
		    sys_wait(children[i], 0) != STOP_STATUS(SIGTRAP))
			die("PTRACE_INTERRUPT");
	}
}

static void end_children(void)
{
	int i;

	for (i = 0; i < CHILDREN; i++)
		kill(children[i], SIGKILL);
	for (i = 0; i < CHILDREN; i++)
		waitpid(children[i], NULL, 0);
}

/*
 * A child that has done nothing but end, and has when this returns. By vfork(2): it is the wait
 * that is measured, and the page tables of a fork(2) would be most of the figure and of its noise.
 */
static pid_t __attribute__((noinline)) ended_child(void)
{
	const pid_t pid = vfork();

	if (!pid)
		_exit(0);
	if (pid < 0)
		die("vfork");
	return pid;
}

/* CHILDREN children that have ended, all @nr times: reaped by wait4(2) as they come. */
static void wait_reap(int nr)
{
	int i, status;

	while (nr--) {
		for (i = 0; i < CHILDREN; i++)
			children[i] = ended_child();
		for (i = 0; i < CHILDREN; i++) {
			if (wait4(-1, &status, 0, NULL) < 0)
				die("wait4");
		}
	}
}

/* Have another process do @fn. */
static void other_start(void (*fn)(void *arg))
{
	other->parent = getpid();
	other->pid = spawn(fn, NULL);
	if (other->pid < 0)
		die("fork");
}

static void other_end(void)
{
	kill_and_reap(other->pid);
}

static void other_seize(void (*fn)(void *arg))
{
	other_start(fn);
	if (sys_ptrace(PTRACE_SEIZE, other->pid, 0, (void *)PTRACE_O_TRACESYSGOOD))
		die("PTRACE_SEIZE");
	if (sys_ptrace(PTRACE_INTERRUPT, other->pid, 0, NULL) ||
	    sys_wait(other->pid, 0) != STOP_STATUS(SIGTRAP))
		die("PTRACE_INTERRUPT");
}

/*
 * Make sure that one tick of the counter is one instruction, by a loop of two that is short
 * enough not to be interrupted by the timer most of the times.
 */
static void check_counter(void)
{
	const unsigned long loops = 100000;
	unsigned long best = ~0UL, ticks;
	double each;
	int i;

	for (i = 0; i < 20; i++) {
		unsigned long n = loops;

		ticks = __rdtsc();
		__asm__ __volatile__("1: dec %0; jnz 1b" : "+r"(n) : : "cc");
		ticks = __rdtsc() - ticks;
		if (ticks < best)
			best = ticks;
	}
	each = best / 2.0 / loops;
	if (each < 0.999 || each > 1.001) {
		errno = ERANGE;
		die("%.4f ticks an instruction", each);
	}
	result("counter", "self", "instruction", "ticks", each);
	tap_ok("the counter counts instructions");
}

/* Print the rate of the time stamp counter in kHz. */
static int tsc_khz(void)
{
	long long ns = now_ns();
	unsigned long ticks = __rdtsc();

	usleep(500000);
	ticks = __rdtsc() - ticks;
	ns = now_ns() - ns;
	printf("%.0f\n", ticks * 1e6 / ns);
	return 0;
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = catch };
	sigset_t block;

	if (argc > 1 && !strcmp(argv[1], "--tsc-khz"))
		return tsc_khz();
	setlinebuf(stdout);
	run_on_cpu(0);
	if (argc > 1 && !strcmp(argv[1], "--count")) {
		check_counter();
		counting = true;
		argc--;
		argv++;
	}
	if (argc > 1 && !strcmp(argv[1], "--quick"))
		quick = 50;
	other = shared_page();
	if (!other)
		die("no page");

	/*
	 * The first 4,000 forks or so after boot cost 1.5 % less than all that come later, of
	 * which 2,000 are within 0.1 % of the next 2,000. Why was not looked into: PIDs, slabs and
	 * the lists of free pages are all new until then. What is measured comes later.
	 */
	fork_exit(6000 / quick);
	measure("fork-exit", fork_exit, counting ? 16000 : 2000);

	sigaction(SIGUSR1, &action, NULL);
	measure("signal-self", signal_self, 50000);

	action.sa_handler = catch_shared;
	sigaction(SIGUSR2, &action, NULL);
	other_start(yield_forever);
	/* a signal leaves nothing to RCU */
	restless = true;
	measure("signal-other", signal_other, 20000);
	restless = false;
	other_end();

	/* SIGUSR1 is blocked but in sigsuspend(): none comes before it */
	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	sigprocmask(SIG_BLOCK, &block, &other->wait);
	other_start(answer_forever);
	measure("sigsuspend", ping_pong, 10000);
	other_end();
	sigprocmask(SIG_SETMASK, &other->wait, NULL);

	other_start(pause_forever);
	measure("stop-cont", stop_cont, counting ? 20000 : 5000);
	other_end();

	other_seize(getppid_forever);
	measure("traced-syscall", traced_syscall, 5000);
	other_end();

	other_seize(getppid_forever);
	measure("single-step", single_step, 10000);
	other_end();

	start_children(pause_forever);
	measure("wait-scan", wait_scan, 1000);
	seize_children(false);
	measure("wait-scan-traced", wait_scan, 1000);
	end_children();
	/* new ones: none is seized twice */
	start_children(pause_forever);
	seize_children(true);
	measure("wait-scan-trapped", wait_scan, 1000);
	end_children();
	measure("wait-reap", wait_reap, counting ? 80 : 10);
	return tap_end();
}
