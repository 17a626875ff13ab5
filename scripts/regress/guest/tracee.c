// SPDX-License-Identifier: GPL-2.0
/*
 * What the tracers of `make regress` trace.
 *
 *	tracee threads		three threads, of which one waits in pause(), one in a
 *				read() that never ends, and one spins
 *	tracee count FILE	one thread, which writes to FILE again and again how often
 *				it did so: that it runs can be seen from outside
 *
 * Neither ends by itself. Each thread is in a function that is named after what it does.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int never[2];		/* a pipe into which nobody writes */
static volatile unsigned long turns;

static void *waiting(void *arg)
{
	char c;

	if (read(never[0], &c, 1) != -2)
		warnx("read() returned");
	return arg;
}

static void *spinning(void *arg)
{
	for (;;)
		turns++;
	return arg;
}

static void count(const char *path)
{
	const struct timespec turn = { .tv_nsec = 10 * 1000 * 1000 };
	char text[32];
	int fd, len;

	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	if (fd < 0)
		err(1, "%s", path);
	for (;;) {
		/* always as long: criu compares the size of an open file */
		len = snprintf(text, sizeof(text), "%019lu\n", ++turns);
		if (pwrite(fd, text, len, 0) != len)
			err(1, "%s", path);
		nanosleep(&turn, NULL);
	}
}

int main(int argc, char **argv)
{
	pthread_t thread;

	if (argc == 3 && !strcmp(argv[1], "count"))
		count(argv[2]);
	if (argc != 2 || strcmp(argv[1], "threads"))
		errx(2, "usage: tracee threads, or tracee count FILE");
	if (pipe(never))
		err(1, "pipe");
	if (pthread_create(&thread, NULL, waiting, NULL) ||
	    pthread_create(&thread, NULL, spinning, NULL))
		errx(1, "no thread could be made");
	for (;;)
		pause();
}
