/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of the stress test share.
 *
 * A cell is one tracee and all processes that deal with it: its director, tracers, senders,
 * a killer and a freezer. The director is the tracee's real parent, and judges. Cells know
 * nothing of each other. All processes meet in the memory at @stress.
 *
 *	stress.c	options, the result
 *	report.c	what is printed about a failure
 *	plan.c		what a burst is like
 *	tracee.c	the threads that are traced
 *	actors.c	senders, killer, freezer
 *	tracer.c	tracers
 *	director.c	the director
 *	shared.c	random numbers, waiting, the log
 */
#ifndef STRESS_H
#define STRESS_H

#include "group_stop.h"

#include <limits.h>
#include <linux/futex.h>
#include <linux/types.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#ifndef ARRAY_SIZE
#define ARRAY_SIZE(array)	(sizeof(array) / sizeof(*(array)))
#endif

#define MAX_CELLS	16
#define MAX_THREADS	8
#define MAX_TRACERS	2
#define MAX_SENDERS	3
#define RING		1024	/* events that a cell remembers */
#define SHOWN		200	/* ... of which a report shows the last */

/* A tracee that executes this program anew finds its cell in this variable. */
#define EXEC_ENV	"STRESS_EXEC"

/* What must hold whatever happens. Each is a line of the result; names in stress.c. */
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

/* Names in report.c, of the following too. */
enum phase {
	PHASE_PREPARE,
	PHASE_BURST,
	PHASE_SETTLE,
	PHASE_DETACH,
	PHASE_EXIT,
};

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
};

/* How the tracers leave a tracee that has settled. */
enum end {
	END_DETACH,
	END_TRACER_EXITS,
	END_TRACER_KILLED,
	END_TRACEE_KILLED,
	END_ALL_KILLED,
	ENDS
};

/* What a thread of a tracee is to its tracer. */
enum known {
	UNTRACED,
	RUNNING,		/* or on its way to a trap */
	TRAPPED,
	LISTENING,
	GONE,
};

/* What a process of a cell is. */
enum who {
	DIRECTOR,
	TRACEE,
	TRACER,
	SENDER,
	KILLER,
	FREEZER,
};

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

extern const char * const property_name[PROPERTIES];
extern const char * const who_name[];

extern struct stress *stress;
extern int stress_fd;

/* In a process of a cell: the cell, and which of its processes this is. */
extern struct cell *cell;
extern int my_who, my_nr;

#define load(p)		__atomic_load_n(p, __ATOMIC_ACQUIRE)
#define store(p, v)	__atomic_store_n(p, v, __ATOMIC_RELEASE)
#define add(p, v)	__atomic_add_fetch(p, v, __ATOMIC_ACQ_REL)
/* ... and for what only counts. */
#define count_of(p)	__atomic_load_n(p, __ATOMIC_RELAXED)
#define count_one(p)	__atomic_add_fetch(p, 1, __ATOMIC_RELAXED)

#define for_each_thread(t) \
	for (t = cell->thread; t < cell->thread + cell->plan.threads; t++)

/* A deadline: see patience_start(). */
struct patience {
	long long last, left;
};

/* shared.c */
void seed_random(int cell_nr, unsigned int burst, int who, int nr, int life);
unsigned int below(unsigned int n);
bool once_in(unsigned int n);
void patience_start(struct patience *p, long long ms);
bool patient(struct patience *p);
void ring(void);
void await_ring(int seen, int ms);
void dawdle(void);
void run_on(int cpu);
void note(const char *what, pid_t tid, long a, long b);
void __attribute__((format(printf, 2, 3), noreturn)) fail(enum property prop, const char *fmt, ...);
void checked(enum property prop);
void halt_if_failed(void);
bool read_proc(int pid, int tid, const char *name, char *buf, size_t size);
const char *status_value(const char *text, const char *field, char *buf, size_t size);

/* plan.c */
void make_plan(struct plan *p, int cell_nr, unsigned int burst);

/* tracee.c */
void tracee_main(void *unused);
void tracee_after_exec(const char *args);

/* actors.c */
void send_signal(int sig, int nr);
void sender_main(void *nr);
void killer_main(void *unused);
void kill_tracer(int nr);
void freezer_main(void *unused);
void freeze(bool frozen);
int cgroup_write(const char *name, const char *text);
int cgroup_frozen(void);
const char *cgroups_setup(char **own);
void cgroups_end(char *own);

/* tracer.c */
void tracer_main(void *nr);

/* director.c */
void director_main(void *nr);

/* report.c */
void show_cell(const struct cell *c);
void show_failure(void);

/* stress.c */
void show_actors(void);

#endif /* STRESS_H */
