/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A hog: a process that keeps a CPU to itself. A tracee that has only this CPU stays
 * where it is on its way from trap to trap, until the hog has ended.
 *
 *	NEED_HOG(&hog);
 *	tracee_start(t, ...);
 *	ASSERT_EQ(0, pin(t->tid[0], HOG_CPU));
 *	hog_start(&hog, 500);
 *	... wake the tracee up, and look at what happens meanwhile ...
 *	open += is_held(t->tid[0]);
 *	hog_end(&hog);
 *
 * Judge by is_held() of the tracee, not by whether the hog has ended: the kernel takes 50
 * ms of each second from real-time tasks, and gives them to others.
 */
#ifndef HOG_H
#define HOG_H

#include "group_stop_tracee.h"

/* The CPU of the hog, and that of the tracer. */
#define HOG_CPU		1
#define HOG_OTHER_CPU	0

/* What a hog shares with the test. */
struct hog_page {
	int ms, running, stop;
};

struct hog {
	struct hog_page *page;
	pid_t pid;
};

/* Give up all CPUs but @cpu. Returns 0, or -1 with errno. */
static inline int pin(pid_t pid, int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(pid, sizeof(set), &set);
}

/* Set up @hog, and pin the caller to the other CPU. Returns why that can't be, or NULL. */
static inline const char *hog_create(struct hog *hog)
{
	const struct sched_param fifo = { .sched_priority = 1 }, other = { 0 };

	memset(hog, 0, sizeof(*hog));
	if (pin(0, HOG_CPU) || pin(0, HOG_OTHER_CPU))
		return "needs two CPUs";
	if (sched_setscheduler(0, SCHED_FIFO, &fifo) ||
	    sched_setscheduler(0, SCHED_OTHER, &other))
		return "needs real-time scheduling";
	hog->page = shared_page();
	return hog->page ? NULL : "no memory";
}

#define NEED_HOG(hog) do {						\
	const char *lacks_ = hog_create(hog);				\
									\
	NEED(!lacks_, "%s", lacks_);					\
} while (0)

static inline void hog_main(void *arg)
{
	const struct sched_param fifo = { .sched_priority = 1 };
	struct hog_page *page = arg;
	long long end;

	if (pin(0, HOG_CPU) || sched_setscheduler(0, SCHED_FIFO, &fifo))
		_exit(1);
	end = now_ms() + page->ms;
	__atomic_store_n(&page->running, 1, __ATOMIC_RELEASE);
	while (!__atomic_load_n(&page->stop, __ATOMIC_RELAXED) && now_ms() < end)
		;
}

/* Have @hog take HOG_CPU. It ends by hog_end() or hog_release(), or after @ms. */
static inline void __hog_start(struct __test_metadata *_metadata, struct hog *hog, int ms)
{
	*hog->page = (struct hog_page){ .ms = ms };
	hog->pid = spawn(hog_main, hog->page);
	ASSERT_LT(0, hog->pid);
	ASSERT_TRUE(wait_until(__atomic_load_n(&hog->page->running, __ATOMIC_ACQUIRE)));
}

#define hog_start(hog, ms)	__hog_start(_metadata, hog, ms)

/* Tell @hog to end. Also for signal handlers, and for other processes. */
static inline void hog_release(struct hog *hog)
{
	__atomic_store_n(&hog->page->stop, 1, __ATOMIC_RELAXED);
}

/* End @hog, if there is one. */
static inline void hog_end(struct hog *hog)
{
	kill_and_reap(hog->pid);
	hog->pid = 0;
}

/* Is @tid, which was woken up on HOG_CPU, still to get there? */
static inline bool is_held(pid_t tid)
{
	return task_state(tid) == 'R';
}

#endif /* HOG_H */
