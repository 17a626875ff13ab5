// SPDX-License-Identifier: GPL-2.0
/*
 * Stress test of ptrace notify mode, with an oracle: tracees that are stopped and
 * continued, run, sleep, fork, execute other programs and exit; tracers that make any
 * request, detach, and die; killers; the cgroup freezer. All of them do what a seed
 * says, a sequence of random numbers for each, in bursts of a fraction of a second.
 *
 * How the oracle knows
 *
 * A volley is a few signals by the one sender of a burst, close together. The last one
 * says which state the tracers have to have read in the end; the sender waits for that
 * before it goes on, and nothing but a notification can bring it about. After every
 * burst, be it of volleys or of several senders at random, all actors but the tracers
 * end and the tracers calm down; then a last signal may be sent; and the state that they
 * have read must become, within a deadline, what /proc says of a thread of the tracee
 * which nobody traces, or, where there is no such thread, what the last signal leads
 * to, and what /proc says when the tracers have left. See stress_oracle.h.
 *
 * What is counted as a transition
 *
 * The tracer of one thread of a cell counts how often the group stop state that it has
 * read, with PTRACE_GETSIGINFO which reports that of the moment, differs from what it has
 * read before: stopped, or not. Between the two there was a start or an end of a group
 * stop, or more of them: the count is a lower bound.
 */
#include "stress_oracle.h"

#include <ctype.h>
#include <dirent.h>
#include <getopt.h>

#define PROGRESS_MS	5000

static struct {
	long long duration_ms;		/* 0: no limit */
	unsigned long transitions;	/* 0: no limit */
	bool verbose;
} options = { .duration_ms = 0 };

static const struct {
	const char *name;
	int actor;
} actor_names[] = {
	{ "senders", ACTOR_SENDERS },
	{ "killer", ACTOR_KILLER },
	{ "death", ACTOR_DEATH },
	{ "detach", ACTOR_DETACH },
	{ "freezer", ACTOR_FREEZER },
	{ "exec", ACTOR_EXEC },
	{ "fork", ACTOR_FORK },
	{ "exit", ACTOR_EXIT },
	{ "all", ACTOR_ALL },
	{ "none", 0 },
};

#define NR_ACTOR_NAMES	(sizeof(actor_names) / sizeof(*actor_names))

/*
 * --- options ---
 */

static void usage(FILE *to)
{
	fputs("usage: stress [OPTION...]\n"
	      "  --seed N         of all random numbers [of the time]\n"
	      "  --duration S     end after S seconds [10, unless --transitions]\n"
	      "  --transitions N  end after N transitions of group stop state\n"
	      "  --threads N      of a tracee, at most [4]\n"
	      "  --actors LIST    beside a sender and tracers [all], or none, or of\n"
	      "                   senders (many, at random), killer (of tracees),\n"
	      "                   death (of tracers), detach, freezer, exec, fork, exit\n"
	      "  --cells N        tracees at a time, with their own actors [CPUs + 1]\n"
	      "  --burst N        begin with burst N of each cell, to replay it [0]\n"
	      "  --slow N         N times the time for everything, for a slow kernel [1]\n"
	      "  --plain          seize without PTRACE_SEIZE_DEVEL: this has to fail\n"
	      "  --blind          the same, and judge nothing: all of that on any kernel\n"
	      "  --verbose        say what each burst is like\n"
	      "Exits with 0 if nothing was wrong, 1 if something was, 2 for wrong usage,\n"
	      "4 if the kernel has no notify mode (1 if GSTOP_REQUIRED is set).\n", to);
}

/* Wrong usage, of @what. Does not return. */
static void __attribute__((noreturn)) misused(const char *what)
{
	fprintf(stderr, "stress: %s\n", what);
	usage(stderr);
	exit(2);
}

/* The number @text, from @min to @max, or the end. */
static unsigned long long number(const char *text, unsigned long long min,
				 unsigned long long max)
{
	unsigned long long n;
	char *end;

	errno = 0;
	n = strtoull(text, &end, 0);
	if (errno || end == text || *end || *text == '-' || n < min || n > max)
		misused("a number is wrong, or out of range");
	return n;
}

/* The ACTOR_* named in @list. */
static int parse_actors(char *list)
{
	unsigned int i;
	int actors = 0;
	char *name;

	for (name = strtok(list, ","); name; name = strtok(NULL, ",")) {
		for (i = 0; i < NR_ACTOR_NAMES; i++)
			if (!strcmp(name, actor_names[i].name))
				break;
		if (i == NR_ACTOR_NAMES)
			misused("no such actor");
		actors |= actor_names[i].actor;
	}
	return actors;
}

static void parse_options(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "duration", required_argument, NULL, 'd' },
		{ "transitions", required_argument, NULL, 't' },
		{ "threads", required_argument, NULL, 'n' },
		{ "actors", required_argument, NULL, 'a' },
		{ "cells", required_argument, NULL, 'c' },
		{ "burst", required_argument, NULL, 'b' },
		{ "slow", required_argument, NULL, 'w' },
		{ "plain", no_argument, NULL, 'p' },
		{ "blind", no_argument, NULL, 'B' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "", longs, NULL)) >= 0) {
		switch (opt) {
		case 's':
			stress->seed = number(optarg, 0, ULLONG_MAX);
			break;
		case 'd':
			options.duration_ms = 1000 * number(optarg, 1, 1000000);
			break;
		case 't':
			options.transitions = number(optarg, 1, 4000000000U);
			break;
		case 'n':
			stress->threads = number(optarg, 1, MAX_THREADS);
			break;
		case 'a':
			stress->actors = parse_actors(optarg);
			break;
		case 'c':
			stress->cells = number(optarg, 1, MAX_CELLS);
			break;
		case 'b':
			stress->first_burst = number(optarg, 0, UINT_MAX);
			break;
		case 'w':
			stress->slow = number(optarg, 1, 1000);
			break;
		case 'p':
			stress->plain = 1;
			break;
		case 'B':
			stress->plain = 1;
			stress->blind = 1;
			break;
		case 'v':
			options.verbose = true;
			break;
		case 'h':
			usage(stdout);
			exit(0);
		default:
			usage(stderr);
			exit(2);
		}
	}
	if (optind < argc)
		misused("there are no arguments but options");
	if (!options.duration_ms && !options.transitions)
		options.duration_ms = 10000;
}

/*
 * --- report ---
 */

/* The value of the line @field of the status file @text, in @buf. */
static const char *status_value(const char *text, const char *field, char *buf, size_t size)
{
	const char *p = strstr(text, field);
	size_t len;

	if (!p)
		return "?";
	p += strlen(field);
	p += strspn(p, " \t");
	len = strcspn(p, "\n");
	if (len >= size)
		len = size - 1;
	memcpy(buf, p, len);
	buf[len] = '\0';
	return buf;
}

/* The contents of /proc/@pid/task/@tid/@name, in @buf. Returns if there are any. */
static bool read_proc(int pid, int tid, const char *name, char *buf, size_t size)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task/%d/%s", pid, tid, name);
	return read_file(path, buf, size);
}

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
	for (i = 0; i < sizeof(fields) / sizeof(*fields); i++)
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

/* Print what burst a cell @c is in, and what its tracers know. */
static void show_cell(const struct cell *c)
{
	static const char * const phases[] = {
		"prepare", "burst", "settle", "detach", "exit"
	};
	static const char * const tempers[] = { "keep", "listen", "follow", "wild" };
	static const char * const jobs[JOBS] = {
		"count", "pause", "syscall", "sleep", "mask", "fork", "clone", "exec",
		"exit", "exit_group",
	};
	static const char * const known[] = {
		"untraced", "running", "trapped", "listening", "gone"
	};
	static const char * const ends[ENDS] = {
		"detach", "tracers exit", "tracers killed", "tracee killed", "all killed"
	};
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

/* Print the rest of a line: a list for --actors. */
static void show_actors(void)
{
	unsigned int i;

	for (i = 0; i < NR_ACTOR_NAMES; i++)
		if (actor_names[i].actor != ACTOR_ALL &&
		    (stress->actors & actor_names[i].actor))
			printf("%s,", actor_names[i].name);
	printf("none%s\n", stress->plain ? " --plain" : "");
}

/* Tell all about the failure. */
static void show_failure(void)
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

/*
 * --- main ---
 */

static unsigned long total(size_t offset)
{
	unsigned long sum = 0;
	int i;

	for (i = 0; i < stress->cells; i++)
		sum += *(unsigned long *)((char *)&stress->cell[i] + offset);
	return sum;
}

#define TOTAL(field)	total(offsetof(struct cell, field))

static void show_progress(void)
{
	printf("# %lu transitions, %lu bursts, %lu signals, %lu requests, %lld s\n",
	       TOTAL(transitions), TOTAL(bursts), TOTAL(signals), TOTAL(requests),
	       (now_ms() - stress->start) / 1000);
}

static unsigned long enough(void)
{
	return (options.transitions && TOTAL(transitions) >= options.transitions) ||
	       (options.duration_ms && now_ms() - stress->start >= options.duration_ms);
}

/* Have a line for each burst of each cell. @seen is what has been shown. */
static void show_bursts(unsigned long *seen)
{
	int i;

	for (i = 0; i < stress->cells; i++) {
		if (seen[i] == stress->cell[i].bursts)
			continue;
		seen[i] = stress->cell[i].bursts;
		show_cell(&stress->cell[i]);
	}
}

/* Reap directors. Returns how many are left; one that did not end well is a failure. */
static int reap_directors(int left)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		left--;
		if (status && !stress->failed) {
			snprintf(stress->why, sizeof(stress->why),
				 "director %d died, status %#x", pid, status);
			stress->failed_property = NOTHING_LEFT;
			stress->failed = 2;
		}
	}
	return left;
}

/* Let the cells play until it is enough, or one has failed. */
static void play(void)
{
	long long next = now_ms() + PROGRESS_MS;
	unsigned long seen[MAX_CELLS] = { 0 };
	struct patience last_burst = { 0 };
	int i, left = stress->cells;

	for (i = 0; i < stress->cells; i++)
		if (spawn(director_main, (void *)(long)i) < 0)
			left--;
	while (left && !load(&stress->failed)) {
		usleep(20000);
		left = reap_directors(left);
		if (options.verbose)
			show_bursts(seen);
		if (now_ms() >= next) {
			show_progress();
			next = now_ms() + PROGRESS_MS;
		}
		if (!stress->stop && enough()) {
			store(&stress->stop, 1);
			patience_start(&last_burst, 120 * 1000);
		}
		if (stress->stop && left && !patient(&last_burst)) {
			snprintf(stress->why, sizeof(stress->why),
				 "a cell does not come to an end");
			stress->failed_property = NOTHING_LEFT;
			store(&stress->failed, 2);
		}
	}
	while (load(&stress->failed) == 1)
		usleep(1000);
}

/*
 * Why property @prop is not checked at all, or NULL. It has been checked @checks times;
 * @no_cgroup may be a reason.
 */
static const char *not_checked(int prop, unsigned long checks, const char *no_cgroup)
{
	if (prop == FROZEN && !plays(ACTOR_FREEZER))
		return "not among the --actors";
	if (prop == FROZEN && no_cgroup)
		return no_cgroup;
	if (stress->blind && !(stress->failed && stress->failed_property == prop))
		return "not judged with --blind";
	if (!checks && stress->failed && stress->failed_property != prop)
		return "something else failed before";
	return NULL;
}

/* Print the results. Returns how many are bad. */
static int show_results(const char *no_cgroup)
{
	unsigned long checks;
	const char *skip;
	int i, j, bad = 0;

	for (i = 0; i < PROPERTIES; i++) {
		for (checks = 0, j = 0; j < stress->cells; j++)
			checks += stress->cell[j].checks[i];
		skip = not_checked(i, checks, no_cgroup);
		/* what was never looked at is not ok */
		const bool ok = skip || (checks && !(stress->failed &&
						     stress->failed_property == i));

		bad += !ok;
		printf("%s %d stress.%s", ok ? "ok" : "not ok", i + 1, property_name[i]);
		printf(skip ? " # SKIP %s\n" : "\n", skip);
		if (!skip)
			printf("# %lu checks%s\n", checks,
			       checks ? "" : ": the run was too short for it");
	}
	if (!options.transitions)
		return bad;
	i = TOTAL(transitions) < options.transitions;
	printf("%s %d stress.transitions_reached\n", i ? "not ok" : "ok", PROPERTIES + 1);
	return bad + i;
}

/* The memory that all share, also with a tracee that executes another program. */
static void setup_memory(void)
{
	stress_fd = syscall(SYS_memfd_create, "stress", 0);
	if (stress_fd < 0 || ftruncate(stress_fd, sizeof(*stress))) {
		perror("stress: memfd_create");
		exit(1);
	}
	stress = mmap(NULL, sizeof(*stress), PROT_READ | PROT_WRITE, MAP_SHARED,
		      stress_fd, 0);
	if (stress == MAP_FAILED) {
		perror("stress: mmap");
		exit(1);
	}
	stress->seed = time(NULL);
	stress->slow = 1;
	stress->threads = 4;
	stress->actors = ACTOR_ALL;
	stress->cpus = sysconf(_SC_NPROCESSORS_ONLN);
	stress->cells = stress->cpus + 1;
	if (stress->cells > MAX_CELLS)
		stress->cells = MAX_CELLS;
}

/* Exit if this kernel has no notify mode. */
static void need_notify_mode(void)
{
	const int have = stress->plain ? 1 : have_notify_mode();

	if (have == 1)
		return;
	if (!have) {
		printf("1..0 # SKIP kernel without PTRACE_SEIZE_DEVEL\n");
		exit(4);
	}
	printf("Bail out! PTRACE_SEIZE_DEVEL: %s\n", strerror(errno));
	exit(1);
}

int main(int argc, char **argv)
{
	const char *after_exec = getenv(EXEC_ENV), *no_cgroup;
	char *mounted;
	int i, bad;

	if (after_exec)
		tracee_after_exec(after_exec);

	setvbuf(stdout, NULL, _IOLBF, 0);
	setup_memory();
	parse_options(argc, argv);
	printf("TAP version 13\n");
	need_notify_mode();
	printf("1..%d\n", PROPERTIES + !!options.transitions);
	printf("# seed %llu, %d cells\n", (unsigned long long)stress->seed, stress->cells);

	no_cgroup = cgroups_setup(&mounted);
	for (i = 0; i < stress->cells; i++) {
		stress->cell[i].nr = i;
		stress->cell[i].cgroup_ok = !no_cgroup;
	}
	fflush(stdout);
	stress->start = now_ms();
	play();
	show_progress();
	if (stress->failed)
		show_failure();
	bad = show_results(no_cgroup);
	if (!stress->failed)
		cgroups_end(mounted);
	return !!bad;
}
