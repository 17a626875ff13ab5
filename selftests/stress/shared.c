// SPDX-License-Identifier: GPL-2.0
/*
 * What all parts of the stress test use: random numbers, waiting, the log.
 */
#include "stress.h"

struct stress *stress;
int stress_fd = -1;
struct cell *cell;
int my_who, my_nr;

static __u64 my_random;

/*
 * --- randomness ---
 */

/* Spread the bits of @x over all of the result (the finaliser of splitmix64). */
static __u64 mix(__u64 x)
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
void seed_random(int cell_nr, unsigned int burst, int who, int nr, int life)
{
	my_random = mix(stress->seed);
	my_random = mix(my_random ^ cell_nr);
	my_random = mix(my_random ^ burst);
	my_random = mix(my_random ^ (who * 1000 + nr));
	my_random = mix(my_random ^ life);
}

/* Returns the next number of our sequence, 0 to @n - 1. */
unsigned int below(unsigned int n)
{
	my_random += 0x9e3779b97f4a7c15ULL;
	return (mix(my_random) >> 32) % n;
}

/* Returns true once in @n times. */
bool once_in(unsigned int n)
{
	return !below(n);
}

/*
 * --- waiting ---
 */

/*
 * Start to be patient for @ms milliseconds, on a clock that stands still while we do not
 * run: between two looks at most 20 ms count. The host may be busy with something else
 * for seconds.
 */
void patience_start(struct patience *p, long long ms)
{
	p->last = now_ms();
	p->left = ms * stress->slow;
}

/* Returns whether there is time left. */
bool patient(struct patience *p)
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
static long sys_futex(int *word, int op, int value, int ms)
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
void ring(void)
{
	add(&cell->bell, 1);
	if (load(&cell->sleepers) > 0)
		sys_futex(&cell->bell, FUTEX_WAKE, INT_MAX, 0);
}

/* Sleep until ring(), but not if there was one since the bell was @seen, nor > @ms. */
void await_ring(int seen, int ms)
{
	add(&cell->sleepers, 1);
	sys_futex(&cell->bell, FUTEX_WAIT, seen, ms);
	add(&cell->sleepers, -1);
}

/* Pass a little time in user space, as long as @loops. */
static void spin(unsigned int loops)
{
	while (loops--)
		__asm__ __volatile__("" : : : "memory");
}

/* Let a random, short time pass: none, some of our own, or that of others. */
void dawdle(void)
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
void run_on(int cpu)
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
static unsigned int event_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000 - stress->start;
}

/* Remember that we did @what, a literal, to @tid, with @a and @b to tell more. */
void note(const char *what, pid_t tid, long a, long b)
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
 * Property @prop does not hold; the message says why. The first one to fail is reported.
 * Does not return, so that all stays as it is for the report.
 */
void fail(enum property prop, const char *fmt, ...)
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
void checked(enum property prop)
{
	count_one(&cell->checks[prop]);
}

/* Wait for good if someone has failed: see fail(). */
void halt_if_failed(void)
{
	if (load(&stress->failed))
		for (;;)
			pause();
}

/*
 * --- /proc ---
 */

/* The value of the line @field of the status file @text, in @buf. */
const char *status_value(const char *text, const char *field, char *buf, size_t size)
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
bool read_proc(int pid, int tid, const char *name, char *buf, size_t size)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task/%d/%s", pid, tid, name);
	return read_file(path, buf, size);
}
