// SPDX-License-Identifier: GPL-2.0
/*
 * Prints the rate of this machine's time stamp counter in kHz, measured for half a second. For
 * a guest that can't measure it well; see tsc_words in scripts/lib.sh. x86-64 alone.
 */
#include <stdio.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

static long long now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

int main(void)
{
	long long ns = now_ns();
	unsigned long long ticks = __rdtsc();

	usleep(500000);
	ticks = __rdtsc() - ticks;
	ns = now_ns() - ns;
	return printf("%.0f\n", ticks * 1e6 / ns) < 0;
}
