// SPDX-License-Identifier: GPL-2.0
/*
 * Stress test of ptrace notify mode, with an oracle.
 *
 * Tracees are stopped and continued; they run, sleep, fork, execute other programs and
 * exit. Tracers make any request, detach, and die. There are killers, and the cgroup
 * freezer. Each does what its sequence of random numbers says, which depends on the seed.
 * A burst of all this takes a fraction of a second.
 *
 * How the oracle knows
 *
 * In most bursts there is one sender. It sends volleys: a few signals, close together. The
 * last one decides the state that all tracers have to read in the end. The sender waits
 * for that before the next volley. Only a notification can make a tracer read again. In
 * a melee several senders send at random.
 *
 * After each burst all actors end but the tracers, and these make no more random requests.
 * A last signal may follow. Within a deadline the state that the tracers have read must
 * be the true one: what /proc says of a thread that nobody traces, or else what the last
 * signal leads to. When the tracers have left, /proc must say the same. See director.c.
 *
 * What is counted as a transition
 *
 * The tracer of one thread of a cell counts how often the state that it reads, stopped or
 * not, is another than before. PTRACE_GETSIGINFO reports the state of the moment. One
 * start or end of a group stop, or several, lie between: the count is a lower bound.
 */
#include "stress.h"

#include <getopt.h>

#define PROGRESS_MS	5000

static struct {
	long long duration_ms;		/* 0: no limit */
	unsigned long transitions;	/* 0: no limit */
	bool verbose;
} options;

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

const char * const property_name[PROPERTIES] = {
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
		for (i = 0; i < ARRAY_SIZE(actor_names); i++)
			if (!strcmp(name, actor_names[i].name))
				break;
		if (i == ARRAY_SIZE(actor_names))
			misused("no such actor");
		actors |= actor_names[i].actor;
	}
	return actors;
}

/* Print the rest of a line: a list for --actors. */
void show_actors(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(actor_names); i++)
		if (actor_names[i].actor != ACTOR_ALL &&
		    (stress->actors & actor_names[i].actor))
			printf("%s,", actor_names[i].name);
	printf("none%s\n", stress->plain ? " --plain" : "");
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
	if (prop == FROZEN && !(stress->actors & ACTOR_FREEZER))
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
