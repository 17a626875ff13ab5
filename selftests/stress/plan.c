// SPDX-License-Identifier: GPL-2.0
/*
 * What a burst of the stress test is like, worked out from the seed alone.
 */
#include "stress.h"

/* Returns whether those of @actor may take part. */
static bool plays(enum actors actor)
{
	return stress->actors & actor;
}

/* How many threads, and which of them is left untraced. */
static void plan_threads(struct plan *p)
{
	p->threads = 1 + below(1 + below(stress->threads));
	p->witness = p->threads > 1 && below(4) ? (int)below(p->threads) : -1;
	p->on_cont = below(3);
	p->job_loops = below(600);
}

/* What a thread does that a tracer of temper @temper keeps trapped, or lets run. */
static int plan_job(int temper)
{
	/* a thread that always runs shows most if it is kept trapped; else it takes CPU time */
	if (temper == KEEP || temper == LISTEN)
		return below(3) ? JOB_COUNT : JOB_COUNT + below(JOB_MASK + 1);
	return once_in(12) ? JOB_COUNT : JOB_PAUSE + below(JOB_MASK);
}

/*
 * At most one thread gets a job that ends the process or other threads, and only in a
 * melee: a volley needs all threads to stay.
 */
static void plan_jobs(struct plan *p)
{
	int i, fatal;

	for (i = 0; i < p->threads; i++)
		p->job[i] = plan_job(p->temper[0]);
	if (p->witness >= 0)
		p->job[p->witness] = JOB_PAUSE;

	i = below(p->threads);
	fatal = below(8);
	if (i == p->witness)
		return;
	if (plays(ACTOR_FORK) && once_in(4))
		p->job[i] = once_in(2) ? JOB_FORK : JOB_CLONE;
	if (!p->melee)
		return;
	if (plays(ACTOR_EXEC) && fatal < 2)
		p->job[i] = JOB_EXEC;
	else if (plays(ACTOR_EXIT) && fatal == 2)
		p->job[i] = JOB_EXIT_GROUP;
	else if (plays(ACTOR_EXIT) && fatal == 3 && i)
		p->job[i] = JOB_EXIT;
}

/* Returns whether a thread of @p has job @job. */
static bool has_job(const struct plan *p, int job)
{
	int i;

	for (i = 0; i < p->threads; i++)
		if (p->job[i] == job)
			return true;
	return false;
}

/*
 * May tracers die? A tracer that dies takes the signal with it that its tracee was about to
 * get. That ruins a volley, unless its signals go to a thread that nobody traces. And a
 * new tracer may take the thread that executes another program for a different one.
 */
static bool may_lose_tracers(const struct plan *p)
{
	return p->melee ? !has_job(p, JOB_EXEC) : p->witness >= 0;
}

/*
 * The tempers of the tracers. Without a witness a tracee has to run to take a stop signal:
 * nobody keeps it trapped then.
 */
static void plan_tempers(struct plan *p)
{
	int i;

	for (i = 0; i < MAX_TRACERS; i++)
		p->temper[i] = p->witness >= 0 ? (int)below(WILD + 1) :
			       once_in(2) ? WILD : FOLLOW - (int)below(2);
}

/*
 * The tracers. execve() changes a thread's ID: one tracer has to have all threads all the
 * time then, and to ask for PTRACE_EVENT_EXEC.
 */
static void plan_tracers(struct plan *p)
{
	const int traced = p->threads - (p->witness >= 0);

	p->tracers = traced > 1 && !has_job(p, JOB_EXEC) && once_in(2) ? 2 : 1;
	p->poll = once_in(5);
	p->pass = !p->melee || once_in(2);
	p->detach = plays(ACTOR_DETACH) && !has_job(p, JOB_EXEC);
	/*
	 * The tracer may be gone when a step ends in SIGTRAP. The tracee has a handler for
	 * that, except while libc blocks all signals, or after execve().
	 */
	p->step = !has_job(p, JOB_EXEC) && !has_job(p, JOB_CLONE) && !has_job(p, JOB_FORK);
	p->exits = plays(ACTOR_DEATH) && once_in(3) ? 30 + below(300) : 0;
	if (!may_lose_tracers(p))
		p->exits = 0;

	if (once_in(2))
		p->options |= PTRACE_O_TRACESYSGOOD;
	if (has_job(p, JOB_EXEC) || once_in(4))
		p->options |= PTRACE_O_TRACEEXEC;
	if (once_in(2))
		p->options |= PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK;
	if (once_in(2))
		p->options |= PTRACE_O_TRACECLONE;
	if (once_in(4))
		p->options |= PTRACE_O_TRACEVFORKDONE;
	if (once_in(4))
		p->options |= PTRACE_O_TRACEEXIT;
}

/*
 * Where they run. A tracee on its way from trap to trap is met anywhere by a sender on
 * another CPU, and where it is preempted by one on the same CPU.
 */
static void plan_cpus(struct plan *p)
{
	const int kind = below(4);

	p->cpu = kind ? (int)below(stress->cpus) : -1;
	p->sender_cpu = kind > 1 ? (p->cpu + 1) % stress->cpus : p->cpu;
}

/* What ends the burst, and what comes after it. */
static void plan_end(struct plan *p)
{
	static const int finals[] = { SIGSTOP, SIGSTOP, SIGCONT, SIGCONT, 0 };

	p->kill_tracee = plays(ACTOR_KILLER) && once_in(3);
	p->kill_tracers = plays(ACTOR_DEATH) && once_in(4) ? 1 + below(3) : 0;
	if (!may_lose_tracers(p))
		p->kill_tracers = 0;
	p->patience = below(200);
	p->freezes = p->melee && plays(ACTOR_FREEZER) && once_in(2);
	p->final = finals[below(ARRAY_SIZE(finals))];
	p->settle = KEEP + below(WILD);
	p->refreeze = plays(ACTOR_FREEZER) && once_in(4);
	p->end = below(ENDS);
}

/* Work out @p for burst @burst of cell @cell_nr. */
void make_plan(struct plan *p, int cell_nr, unsigned int burst)
{
	memset(p, 0, sizeof(*p));
	seed_random(cell_nr, burst, DIRECTOR, 0, 0);
	p->melee = plays(ACTOR_SENDERS) && once_in(4);
	plan_threads(p);
	plan_tempers(p);
	plan_jobs(p);
	plan_tracers(p);
	p->senders = p->melee ? 1 + below(MAX_SENDERS) : 1;
	p->signals = p->melee ? 20 + below(150) : 100 + below(600);
	plan_cpus(p);
	plan_end(p);
}
