/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A hog: a process that keeps a CPU to itself for a while. A tracee which has to run
 * there, on its way from one trap to the next for instance, stays where it is until
 * the hog has ended, and the test gets to look at what happens meanwhile.
 */
#ifndef GROUP_STOP_HOG_H
#define GROUP_STOP_HOG_H

#include "group_stop_tracee.h"

/* The CPU of the hog and the tracee, and that of the tracer. */
#define HOG_CPU		1
#define HOG_OTHER_CPU	0

/* On a shared_page(). The first is for the caller to set. */
struct hog {
	int ms;				/* at most 900: see hog_spawn() */

	volatile unsigned long running;
	volatile long long end;		/* on the clock of now_ms() */
	volatile int stop;		/* set by the caller to have it end at once */
};

/* Give up the CPUs but @cpu. Returns 0 or -1. */
static inline int pin(pid_t pid, int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(pid, sizeof(set), &set);
}

/* Why there can be no hog here, or NULL; the caller is on HOG_OTHER_CPU then. */
static inline const char *lacks_hog(void)
{
	const struct sched_param fifo = { .sched_priority = 1 }, other = { 0 };

	if (pin(0, HOG_CPU) || pin(0, HOG_OTHER_CPU))
		return "needs two CPUs";
	if (sched_setscheduler(0, SCHED_FIFO, &fifo) ||
	    sched_setscheduler(0, SCHED_OTHER, &other))
		return "needs real-time scheduling";
	return NULL;
}

static inline void __hog_main(void *arg)
{
	const struct sched_param param = { .sched_priority = 1 };
	struct hog *hog = arg;

	if (pin(0, HOG_CPU) || sched_setscheduler(0, SCHED_FIFO, &param))
		_exit(1);
	hog->end = now_ms() + hog->ms;
	hog->running = 1;
	while (!hog->stop && now_ms() < hog->end)
		;
	hog->running = 0;
}

/*
 * Start @hog; it has HOG_CPU when this returns, for @hog->ms milliseconds. By default
 * the kernel leaves 950 ms of each second to real-time tasks. Returns its pid or -1.
 */
static inline pid_t hog_spawn(struct hog *hog)
{
	const pid_t pid = spawn(__hog_main, hog);

	if (pid > 0 && !wait_change(&hog->running, 0)) {
		kill_and_reap(pid);
		return -1;
	}
	return pid;
}

#endif /* GROUP_STOP_HOG_H */
