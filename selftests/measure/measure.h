/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the programs that measure share: clocks, samples and what is made of them, and
 * the lines that they print for the host (scripts/measure/json):
 *
 *	RESULT name way stat unit value		one figure
 *	HIST name way upper:count ...		how samples are distributed, in ns
 *
 * beside TAP, by which scripts/guest/vm and scripts/guest/tap-report judge the run as such.
 */
#ifndef BENCH_H
#define BENCH_H

#include "group_stop.h"

#include <stdarg.h>
#include <stdbool.h>
#include <sched.h>
#include <sys/resource.h>

/* --- TAP --- */

static int tap_count;

/* One result of TAP: what has been measured, or could be. */
static inline void tap_ok(const char *what)
{
	printf("ok %d - %s\n", ++tap_count, what);
	fflush(stdout);
}

/* The end of TAP. Nothing has failed if we get here, see die(). */
static inline int tap_end(void)
{
	printf("1..%d\n", tap_count);
	return 0;
}

/*
 * A measurement can't go on: say why, with errno, and end the program as failed. What it
 * has forked dies with it, see spawn().
 */
static inline void __attribute__((noreturn, format(printf, 1, 2))) die(const char *fmt, ...)
{
	const int error = errno;
	va_list ap;

	printf("# ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf(": %s\nnot ok %d - stopped\n1..%d\n", strerror(error), tap_count + 1,
	       tap_count + 1);
	fflush(stdout);
	exit(1);
}

/* --- time --- */

/* Nanoseconds on a clock that no one sets. */
static inline long long now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

/* Pass @ns nanoseconds on the CPU. */
static inline void spin_ns(long long ns)
{
	const long long end = now_ns() + ns;

	while (now_ns() < end)
		;
}

/* Have the caller, and those that it creates, run on CPU @cpu alone. */
static inline void run_on_cpu(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("sched_setaffinity to CPU %d", cpu);
}

/* --- samples --- */

struct samples {
	unsigned int nr, max;
	long long *ns;
};

/* Add @ns to @s. Nothing takes less than no time. */
static inline void sample(struct samples *s, long long ns)
{
	if (ns < 0) {
		errno = ERANGE;
		die("a sample of %lld ns", ns);
	}
	if (s->nr == s->max) {
		s->max = s->max ? 2 * s->max : 1024;
		s->ns = realloc(s->ns, s->max * sizeof(*s->ns));
		if (!s->ns)
			die("realloc");
	}
	s->ns[s->nr++] = ns;
}

/* Have room in @s for @max samples, touched: adding one takes no page fault then. */
static inline void samples_reserve(struct samples *s, unsigned int max)
{
	if (s->max >= max)
		return;
	s->ns = realloc(s->ns, max * sizeof(*s->ns));
	if (!s->ns)
		die("realloc");
	memset(s->ns + s->nr, 0xff, (max - s->nr) * sizeof(*s->ns));
	s->max = max;
}

static inline int __compare_ns(const void *a, const void *b)
{
	const long long x = *(const long long *)a, y = *(const long long *)b;

	return x < y ? -1 : x > y;
}

/* One figure for the host. */
static inline void result(const char *name, const char *way, const char *stat,
			  const char *unit, double value)
{
	printf("RESULT %s %s %s %s %.10g\n", name, way, stat, unit, value);
}

/*
 * Print how @s is distributed: counts of samples up to a bound, from each of which to the
 * next it is a factor of 2^(1/8). Leaves out buckets without a sample. @s is sorted.
 */
static inline void print_histogram(const char *name, const char *way,
				   const struct samples *s)
{
	double bound = 256;
	unsigned int i, count;

	printf("HIST %s %s", name, way);
	for (i = 0; i < s->nr; bound *= 1.0905077326652577) {
		for (count = 0; i < s->nr && s->ns[i] <= bound; i++)
			count++;
		if (count)
			printf(" %.0f:%u", bound, count);
	}
	printf("\n");
}

/* Print median, p99, maximum and distribution of @s, and empty it. Returns the median. */
static inline long long print_samples(const char *name, const char *way, struct samples *s)
{
	long long median;

	if (!s->nr) {
		errno = ENODATA;
		die("%s %s: no sample", name, way);
	}
	qsort(s->ns, s->nr, sizeof(*s->ns), __compare_ns);
	result(name, way, "median", "ns", s->ns[s->nr / 2]);
	result(name, way, "p99", "ns", s->ns[(unsigned long)s->nr * 99 / 100]);
	result(name, way, "max", "ns", s->ns[s->nr - 1]);
	result(name, way, "samples", "count", s->nr);
	print_histogram(name, way, s);
	median = s->ns[s->nr / 2];
	s->nr = 0;
	return median;
}

#endif /* BENCH_H */
