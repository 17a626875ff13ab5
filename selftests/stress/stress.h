/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of the stress test share: the memory in which its processes meet, the
 * source of randomness, the log, and how a violation is reported.
 *
 * A cell is one process of tracees with all who deal with it: a director, who is its
 * real parent and the judge, tracers, senders, a killer and a freezer. Each is a
 * process. Cells know nothing of each other.
 */
#ifndef STRESS_H
#define STRESS_H

#include "../proof/old/group_stop.h"
#include "../proof/old/group_stop_arch.h"

#include <limits.h>
#include <linux/futex.h>
#include <linux/types.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>

#define MAX_CELLS	16
#define MAX_THREADS	8
#define MAX_TRACERS	2
#define MAX_SENDERS	3
#define RING		1024	/* events that a cell remembers */
#define SHOWN		200	/* ... of which a report shows the last */

/* What must hold whatever happens; a line of the result each. */
enum property {
	LAST_READING,
	NO_LOST,
	NO_CAUSELESS,
	STAYS_PUT,
	NO_ESRCH,
	WAIT_FINDS,
	DETACHED,
	FROZEN,
	KILLED,
	NOTHING_LEFT,
	PROPERTIES
};

static const char * const property_name[PROPERTIES] = {
	[LAST_READING] = "last_reading_is_the_group_stop_state",
	[NO_LOST] = "no_lost_notification",
	[NO_CAUSELESS] = "no_notification_without_cause",
	[STAYS_PUT] = "trapped_tracee_does_not_run",
	[NO_ESRCH] = "no_request_fails_on_trapped_tracee",
	[WAIT_FINDS] = "wait_finds_stop_not_reaped",
	[DETACHED] = "detached_is_as_group_stop_state_says",
	[FROZEN] = "frozen_cgroup_mixes_with_traps",
	[KILLED] = "killed_within_a_second",
	[NOTHING_LEFT] = "nothing_left_behind",
};

/* Who takes part, apart from a sender and a tracer; or'ed. */
enum actors {
	ACTOR_SENDERS = 1,	/* more than one sender, sending at random */
	ACTOR_KILLER = 2,	/* SIGKILL to the tracee */
	ACTOR_DEATH = 4,	/* tracers that die: SIGKILL, exit */
	ACTOR_DETACH = 8,	/* tracers that detach and seize again */
	ACTOR_FREEZER = 16,
	ACTOR_EXEC = 32,
	ACTOR_FORK = 64,	/* children and threads that come and go */
	ACTOR_EXIT = 128,	/* a thread that exits, exit_group() */
	ACTOR_ALL = 255,
};

enum phase { PHASE_PREPARE, PHASE_BURST, PHASE_SETTLE, PHASE_DETACH, PHASE_EXIT };

/* How a tracer treats tracees in a STOP trap whose state it has read. */
enum temper {
	KEEP,		/* leaves them there */
	LISTEN,		/* PTRACE_LISTEN */
	FOLLOW,		/* lets them run unless they are group stopped */
	WILD,		/* anything; does not even read each time */
};

/* What a thread of a tracee does all the time. It counts, too. */
enum job {
	JOB_COUNT,	/* in user space only */
	JOB_PAUSE,	/* sleep in pause(2) */
	JOB_SYSCALL,	/* short system calls */
	JOB_SLEEP,	/* system calls that restart */
	JOB_MASK,	/* block and unblock signals */
	JOB_FORK,	/* fork(), vfork() */
	JOB_CLONE,	/* have another thread come and go */
	JOB_EXEC,	/* execve() after a while */
	JOB_EXIT,	/* exit after a while */
	JOB_EXIT_GROUP,
	JOBS
};

enum end { END_DETACH, END_TRACER_EXITS, END_TRACER_KILLED, END_TRACEE_KILLED,
	   END_ALL_KILLED, ENDS };

/*
 * What a burst is like. All of it follows from the seed, the cell and the number of
 * the burst.
 */
struct plan {
	bool melee;		/* senders at random, instead of one in volleys */
	int threads;
	int witness;		/* the thread that no one traces, or -1 */
	int job[MAX_THREADS];
	int job_loops;		/* until exec, exit */
	int on_cont;		/* SIGCONT is taken by: 0 default, 1 ignored, 2 handler */

	int tracers;
	int temper[MAX_TRACERS];
	bool poll;		/* tracers don't sleep in wait4() */
	bool pass;		/* tracers pass on each signal as it is */
	bool detach;
	bool step;		/* tracers single-step */
	int exits;		/* tracers exit once in so many stops, 0: never */
	unsigned long options;

	int senders, signals;
	bool kill_tracee;	/* in the middle of it */
	int kill_tracers;	/* how many times */
	int patience;		/* of the killer */
	bool freezes;

	int cpu;		/* of the tracers and the tracee, -1: any */
	int sender_cpu;		/* of all others but the director */

	int final;		/* the last signal, or 0 */
	int settle;		/* temper afterwards */
	bool refreeze;		/* freeze the settled cell */
	int end;
};

/* What a thread of a tracee is to its tracer. */
enum known {
	UNTRACED,
	RUNNING,		/* or on its way to a trap */
	TRAPPED,
	LISTENING,
	GONE,
};

struct thread {
	pid_t tid;
	int leaving;		/* it is about to exit */
	int tracer;		/* number, or -1 */
	int known;
	int status;		/* of the trap, as reaped */
	int reading;		/* last one: stop signal, 0 if none, -1 if not known */
	int sure;		/* the reading has been read since it was seized */
	int execs;		/* cell->exec_started when it trapped */
	unsigned int traps;
	unsigned long mark;	/* its count then */
	unsigned long count;	/* it moves when the thread runs */
};

struct event {
	unsigned int seq;	/* over all cells; 0 if not there yet */
	unsigned int ms;
	short who, nr;
	pid_t tid;
	const char *what;
	long a, b;
};

struct child {
	pid_t pid;
	short who, nr;
	bool alive;
};

#define MAX_CHILDREN	(2 + MAX_TRACERS + MAX_SENDERS + 2)

struct cell {
	int nr;
	unsigned int burst;
	struct plan plan;
	pid_t director, pid;	/* the latter is the tracee */

	int phase;
	int bell, sleepers;	/* rung when something may have changed, see ring() */
	int ready;		/* threads of the tracee that are there */
	int killing;		/* the tracee is about to be killed, or to exit */
	int killed;		/* ... it has been */
	int exec_started, exec_done, execer;
	int tracer_pid[MAX_TRACERS];
	int tracer_lives[MAX_TRACERS];	/* which incarnation it is */
	int tracer_ready[MAX_TRACERS];	/* has seized */
	int tracer_settled[MAX_TRACERS];
	int confirm;		/* the director asks, */
	int confirmed[MAX_TRACERS];	/* a tracer answers, */
	int noisy;		/* and there was something new */
	int passed;		/* stop signals that a tracer has let through */
	int doomed[MAX_TRACERS];	/* its death is no surprise */
	int counted;		/* thread whose tracer counts transitions */
	struct thread thread[MAX_THREADS];

	struct child child[MAX_CHILDREN];
	int cgroup_ok;
	char cgroup[96];

	unsigned long transitions, bursts, signals, requests;
	unsigned long checks[PROPERTIES];

	unsigned int events;
	struct event ring[RING];
};

#define STOP_SIGNALS	(1ULL << (SIGSTOP - 1) | 1ULL << (SIGTSTP - 1) | \
			 1ULL << (SIGTTIN - 1) | 1ULL << (SIGTTOU - 1))

struct stress {
	__u64 seed;
	int slow, threads, actors, plain, blind, cells, cpus;
	unsigned int first_burst;
	int stop;		/* no more bursts */
	int failed;		/* 1: being told, 2: told */
	int failed_property, failed_cell;
	char why[512];
	unsigned int seq;
	long long start;
	struct cell cell[MAX_CELLS];
};

static struct stress *stress;
static int stress_fd = -1;

/* In a process of a cell: which one it is, and its random numbers. */
enum who { DIRECTOR, TRACEE, TRACER, SENDER, KILLER, FREEZER };

static const char * const who_name[] = {
	"director", "tracee", "tracer", "sender", "killer", "freezer",
};

static struct cell *cell;
static int my_who, my_nr;
static __u64 my_random;

#define load(p)		__atomic_load_n(p, __ATOMIC_ACQUIRE)
#define store(p, v)	__atomic_store_n(p, v, __ATOMIC_RELEASE)
#define add(p, v)	__atomic_add_fetch(p, v, __ATOMIC_ACQ_REL)

/*
 * --- randomness ---
 */

/* Spread the bits of @x over all of the result (the finaliser of splitmix64). */
static inline __u64 mix(__u64 x)
{
	x += 0x9e3779b97f4a7c15ULL;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

/*
 * Start the sequence of actor @who number @nr in its @life in burst @burst of cell
 * @cell_nr. Nothing else goes into it: neither time nor what the others do.
 */
static inline void seed_random(int cell_nr, unsigned int burst, int who, int nr, int life)
{
	my_random = mix(stress->seed);
	my_random = mix(my_random ^ cell_nr);
	my_random = mix(my_random ^ burst);
	my_random = mix(my_random ^ (who * 1000 + nr));
	my_random = mix(my_random ^ life);
}

/* Returns the next number of our sequence, 0 to @n - 1. */
static inline unsigned int below(unsigned int n)
{
	my_random += 0x9e3779b97f4a7c15ULL;
	return (mix(my_random) >> 32) % n;
}

/* Returns true once in @n times. */
static inline bool once_in(unsigned int n)
{
	return !below(n);
}

/*
 * --- waiting ---
 */

/*
 * A deadline on a clock that stands still while we do not run: of the time between two
 * looks at most 20 ms count. A host that is busy with something else for seconds is
 * not a fault of the kernel that is under test.
 */
struct patience {
	long long last, left;
};

/* Start to be patient for @ms milliseconds. */
static inline void patience_start(struct patience *p, long long ms)
{
	p->last = now_ms();
	p->left = ms * stress->slow;
}

/* Returns whether there is time left. */
static inline bool patient(struct patience *p)
{
	const long long now = now_ms(), gap = now - p->last;

	p->last = now;
	p->left -= gap < 20 ? gap : 20;
	return p->left > 0;
}

/*
 * futex(2), without libc and with 64-bit time: 32-bit time may not be there. Returns
 * what the kernel does.
 */
static inline long sys_futex(int *word, int op, int value, int ms)
{
#ifdef SYS_futex_time64
	const struct { __s64 sec, nsec; } ts = { ms / 1000, ms % 1000 * 1000000LL };
	const long nr = SYS_futex_time64;
#else
	const struct { long sec, nsec; } ts = { ms / 1000, ms % 1000 * 1000000L };
	const long nr = SYS_futex;
#endif
	return syscall(nr, word, op, value, ms ? &ts : NULL, NULL, 0);
}

/* Wake those of our cell who wait for something to change. */
static inline void ring(void)
{
	add(&cell->bell, 1);
	if (load(&cell->sleepers) > 0)
		sys_futex(&cell->bell, FUTEX_WAKE, INT_MAX, 0);
}

/* Sleep until ring(), but not if there was one since the bell was @seen, nor > @ms. */
static inline void await_ring(int seen, int ms)
{
	add(&cell->sleepers, 1);
	sys_futex(&cell->bell, FUTEX_WAIT, seen, ms);
	add(&cell->sleepers, -1);
}

/* Pass a little time in user space, as long as @loops. */
static inline void spin(unsigned int loops)
{
	while (loops--)
		__asm__ __volatile__("" : : : "memory");
}

/* Let a random, short time pass: none, some of our own, or that of others. */
static inline void dawdle(void)
{
	unsigned int n;

	switch (below(4)) {
	case 0:
		spin(below(2000));
		break;
	case 1:
		for (n = below(4); n; n--)
			sched_yield();
		break;
	}
}

/* Run on CPU @cpu from now on, if it is not -1. */
static inline void run_on(int cpu)
{
	cpu_set_t set;

	if (cpu < 0)
		return;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

/*
 * --- log ---
 */

/* Milliseconds, coarse, since the start; cheap enough to go with each event. */
static inline unsigned int event_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000 - stress->start;
}

/* Remember that we did @what, a literal, to @tid, with @a and @b to tell more. */
static inline void note(const char *what, pid_t tid, long a, long b)
{
	struct event *e = &cell->ring[(add(&cell->events, 1) - 1) % RING];

	e->ms = event_ms();
	e->who = my_who;
	e->nr = my_nr;
	e->tid = tid;
	e->what = what;
	e->a = a;
	e->b = b;
	store(&e->seq, add(&stress->seq, 1));
}

/*
 * Property @prop does not hold, because of what the rest says. Tells so, if nobody was
 * faster, and does not return: what there is stays as it is, for the report.
 */
static inline void __attribute__((format(printf, 2, 3), noreturn))
fail(enum property prop, const char *fmt, ...)
{
	int no = 0, len;
	va_list args;

	note("FAIL", 0, prop, 0);
	if (__atomic_compare_exchange_n(&stress->failed, &no, 1, false,
					__ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
		len = snprintf(stress->why, sizeof(stress->why), "burst %u, %s %d: ",
			       cell->burst, who_name[my_who], my_nr);
		va_start(args, fmt);
		vsnprintf(stress->why + len, sizeof(stress->why) - len, fmt, args);
		va_end(args);
		stress->failed_property = prop;
		stress->failed_cell = cell->nr;
		store(&stress->failed, 2);
	}
	for (;;)
		pause();
}

/* A check of @prop has been made. */
static inline void checked(enum property prop)
{
	__atomic_add_fetch(&cell->checks[prop], 1, __ATOMIC_RELAXED);
}

/* Wait for good if someone has failed: see fail(). */
static inline void halt_if_failed(void)
{
	if (load(&stress->failed))
		for (;;)
			pause();
}

#endif /* STRESS_H */
