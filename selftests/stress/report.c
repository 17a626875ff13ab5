// SPDX-License-Identifier: GPL-2.0
/*
 * What the stress test prints when something is wrong: the burst of each cell, the last
 * events of the one that failed, and all tasks.
 */
#include "stress.h"

#include <ctype.h>
#include <dirent.h>

/* Print a line on thread @tid of process @pid. */
static void show_task(int pid, int tid)
{
	static const char * const fields[] = {
		"\nName:", "\nState:", "\nPPid:", "\nTracerPid:", "\nSigPnd:",
		"\nShdPnd:", "\nSigBlk:",
	};
	char text[4096], value[64], wchan[64];
	unsigned int i;

	text[0] = '\n';
	if (!read_proc(pid, tid, "status", text + 1, sizeof(text) - 1))
		return;
	printf("#   %d/%d", pid, tid);
	for (i = 0; i < ARRAY_SIZE(fields); i++)
		printf(" %s%s", fields[i] + 1,
		       status_value(text, fields[i], value, sizeof(value)));
	if (read_proc(pid, tid, "wchan", wchan, sizeof(wchan)))
		printf(" in:%s", wchan);
	putchar('\n');
}

/* Is process @pid one of the kernel's? */
static bool is_kthread(int pid)
{
	unsigned int flags = 0;
	char text[512], *end;

	/* PF_KTHREAD of the flags, the seventh field after the name */
	if (!read_proc(pid, pid, "stat", text, sizeof(text)))
		return false;
	end = strrchr(text, ')');
	return end && sscanf(end + 1, " %*c %*d %*d %*d %*d %*d %u", &flags) == 1 &&
	       (flags & 0x00200000);
}

/* Print lines on all tasks that are not the kernel's. */
static void show_tasks(void)
{
	struct dirent *process, *thread;
	char path[300];
	DIR *proc, *tasks;
	int pid;

	printf("# the tasks:\n");
	proc = opendir("/proc");
	while (proc && (process = readdir(proc))) {
		if (!isdigit((unsigned char)process->d_name[0]))
			continue;
		pid = atoi(process->d_name);
		if (is_kthread(pid))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/task", process->d_name);
		tasks = opendir(path);
		while (tasks && (thread = readdir(tasks)))
			if (isdigit((unsigned char)thread->d_name[0]))
				show_task(pid, atoi(thread->d_name));
		if (tasks)
			closedir(tasks);
	}
	if (proc)
		closedir(proc);
}

static const char * const phases[] = {
	[PHASE_PREPARE] = "prepare",
	[PHASE_BURST] = "burst",
	[PHASE_SETTLE] = "settle",
	[PHASE_DETACH] = "detach",
	[PHASE_EXIT] = "exit",
};

static const char * const tempers[] = {
	[KEEP] = "keep",
	[LISTEN] = "listen",
	[FOLLOW] = "follow",
	[WILD] = "wild",
};

static const char * const jobs[] = {
	[JOB_COUNT] = "count",
	[JOB_PAUSE] = "pause",
	[JOB_SYSCALL] = "syscall",
	[JOB_SLEEP] = "sleep",
	[JOB_MASK] = "mask",
	[JOB_FORK] = "fork",
	[JOB_CLONE] = "clone",
	[JOB_EXEC] = "exec",
	[JOB_EXIT] = "exit",
	[JOB_EXIT_GROUP] = "exit_group",
};

static const char * const ends[] = {
	[END_DETACH] = "detach",
	[END_TRACER_EXITS] = "tracers exit",
	[END_TRACER_KILLED] = "tracers killed",
	[END_TRACEE_KILLED] = "tracee killed",
	[END_ALL_KILLED] = "all killed",
};

static const char * const known[] = {
	[UNTRACED] = "untraced",
	[RUNNING] = "running",
	[TRAPPED] = "trapped",
	[LISTENING] = "listening",
	[GONE] = "gone",
};

const char * const who_name[] = {
	[DIRECTOR] = "director",
	[TRACEE] = "tracee",
	[TRACER] = "tracer",
	[SENDER] = "sender",
	[KILLER] = "killer",
	[FREEZER] = "freezer",
};

/* Print what burst a cell @c is in, and what its tracers know. */
void show_cell(const struct cell *c)
{
	const struct plan *p = &c->plan;
	const struct thread *t;
	int i;

	printf("# cell %d, burst %u: %s of %d by %d, %s%s%d tracers killed%s\n", c->nr,
	       c->burst, p->melee ? "melee" : "volleys", p->signals, p->senders,
	       p->kill_tracee ? "tracee killed, " : "", p->freezes ? "frozen, " : "",
	       p->kill_tracers, p->exits ? ", some exit" : "");
	printf("#   %d tracers: %s %s%s%s%s%s; on CPU %d, senders %d\n", p->tracers,
	       tempers[p->temper[0]], p->tracers > 1 ? tempers[p->temper[1]] : "",
	       p->poll ? " poll" : "", p->pass ? " pass" : "", p->detach ? " detach" : "",
	       p->step ? " step" : "", p->cpu, p->sender_cpu);
	printf("#   then signal %d, settle: %s%s, %s\n", p->final, tempers[p->settle],
	       p->refreeze ? " frozen" : "", ends[p->end]);
	printf("#   phase %s, tracee %d%s, execs %d/%d\n", phases[c->phase], c->pid,
	       c->killing ? " being killed" : "", c->exec_started, c->exec_done);
	for (i = 0; i < p->threads; i++) {
		t = &c->thread[i];
		printf("#   thread %d, %d: %s, tracer %d, ", i, t->tid, jobs[p->job[i]],
		       t->tracer);
		printf("%s, trap %#x, reading %d, %u traps, count %lu, %lu in trap\n",
		       t->tracer < 0 ? "untraced" : known[t->known], t->status,
		       t->reading, t->traps, t->count, t->mark);
	}
}

/* Print the last events of @c. */
static void show_events(const struct cell *c)
{
	const unsigned int nr = c->events, first = nr > SHOWN ? nr - SHOWN : 0;
	const struct event *e;
	unsigned int i;

	printf("# the last %u events: number, ms, who, to whom, what, details\n", nr - first);
	for (i = first; i < nr; i++) {
		e = &c->ring[i % RING];
		printf("#   %u %u %s%d %d %s %ld (%#lx) %ld\n", e->seq, e->ms,
		       who_name[e->who], e->nr, e->tid, e->what, e->a, e->a, e->b);
	}
}

/* Tell all about the failure. */
void show_failure(void)
{
	const struct cell *c = &stress->cell[stress->failed_cell];
	int i;

	printf("# FAILED: %s\n", stress->why);
	printf("# to replay: --seed %llu --cells %d --threads %d --burst %u --actors ",
	       (unsigned long long)stress->seed, stress->cells, stress->threads, c->burst);
	show_actors();
	for (i = 0; i < stress->cells; i++)
		show_cell(&stress->cell[i]);
	show_events(c);
	show_tasks();
}

