// SPDX-License-Identifier: GPL-2.0
/*
 * What can go wrong in a test guest, one way at a time: scripts/tests/check-bench runs
 * this to see that each way is noticed.
 *
 *	misbehave WAY
 *
 * The WAYs are in the table at the end. Under the name of one it needs no
 * argument, so that "rdinit=/bench/silent" on the kernel command line works.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <unistd.h>

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		perror(path);
	close(fd);
}

/*
 * Wait until init has passed on to the host all that was printed so far: it has read it,
 * and is in poll() again.
 */
static void passed_on(void)
{
	long nr = -1;
	int left = 1;
	FILE *f;

	fflush(stdout);
	while (left || (nr != SYS_poll && nr != SYS_ppoll)) {
		if (ioctl(1, FIONREAD, &left))
			left = 0;
		f = fopen("/proc/1/syscall", "re");
		if (!f || fscanf(f, "%ld", &nr) != 1)
			nr = -1;	/* it runs */
		if (f)
			fclose(f);
		usleep(1000);
	}
}

/* Have the kernel's crash test module do @what. */
static void provoke(const char *what)
{
	put("/sys/kernel/debug/provoke-crash/DIRECT", what);
}

static void pass(void)
{
	puts("TAP version 13\n1..2\nok 1 one\nok 2 two");
}

static void none(void)
{
	puts("TAP version 13\n1..0");
}

static void skip(void)
{
	puts("TAP version 13\n1..0 # SKIP not on this machine");
	exit(4);	/* as kselftest's KSFT_SKIP */
}

static void fail(void)
{
	puts("1..2\nok 1 one\nnot ok 2 two");
}

static void status(void)
{
	pass();
	exit(3);
}

static void few(void)
{
	puts("1..3\nok 1 one");
}

static void nothing(void)
{
}

static void bail(void)
{
	puts("1..2\nok 1 one\nBail out! no use");
}

static void killed(void)
{
	puts("1..2\nok 1 one");
	raise(SIGKILL);
}

/* Hang, with a child in another session that only SIGKILL ends. */
static void hang(void)
{
	puts("1..2\nok 1 one");
	if (!fork()) {
		setsid();
		signal(SIGTERM, SIG_IGN);
		signal(SIGHUP, SIG_IGN);
	}
	for (;;)
		pause();
}

/* Fail, and take for ever over the next test. */
static void dawdle(void)
{
	puts("1..2\nnot ok 1 one");
	for (;;)
		pause();
}

/* Pass, and leave a process behind that holds on to our output. */
static void leave(void)
{
	pass();
	if (!fork()) {
		setsid();
		for (;;)
			pause();
	}
}

/* Pass if no other program's process is there: only user programs have an exe. */
static void alone(void)
{
	DIR *dir = opendir("/proc");
	struct dirent *de;
	int others = 0;

	while (dir && (de = readdir(dir))) {
		char path[300], exe[300];
		int pid = atoi(de->d_name);

		snprintf(path, sizeof(path), "/proc/%s/exe", de->d_name);
		if (isdigit(de->d_name[0]) && pid != 1 && pid != getpid() &&
		    readlink(path, exe, sizeof(exe)) > 0)
			others++;
	}
	printf("1..1\n%sok 1 alone\n", others ? "not " : "");
}

/* Pass, with output that a careless reader would trip over. */
static void noise(void)
{
	int i;

	fwrite("1..3\nok 1 a NUL \0 here\n", 1, 23, stdout);
	puts("X noise exit 1\nB other\nE 7\n! no\nO 1..9\nT 512");
	printf("ok 2 ");
	for (i = 0; i < 100000; i++)
		putchar('x');
	printf("\nok 3 without a newline");
}

static void do_panic(void)
{
	pass();
	passed_on();
	provoke("PANIC");
}

static void do_bug(void)
{
	pass();
	provoke("BUG");
}

static void do_oops(void)
{
	pass();
	provoke("EXCEPTION");
}

static void do_warn(void)
{
	pass();
	provoke("WARNING");
}

/* A warning that leaves nothing on the console. */
static void do_taint(void)
{
	pass();
	put("/proc/sys/kernel/tainted", "512");
}

/* A data race, as KCSAN reports it, and no taint. */
static void do_race(void)
{
	pass();
	put("/dev/kmsg", "<3>BUG: KCSAN: data-race in one / other\n");
}

/* Sleep in the kernel for good: no signal ends this. */
static void do_stuck(void)
{
	puts("1..1");
	provoke("HUNG_TASK");
}

static void *stop_cpu(void *cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((long)cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
	provoke("HARDLOCKUP");
	return NULL;
}

/* Stop every CPU, with interrupts off. */
static void do_freeze(void)
{
	long cpu, cpus = sysconf(_SC_NPROCESSORS_ONLN);
	pthread_t thread;

	puts("1..1");
	for (cpu = 0; cpu < cpus; cpu++)
		pthread_create(&thread, NULL, stop_cpu, (void *)cpu);
	for (;;)
		pause();
}

static void do_reboot(void)
{
	puts("1..2\nok 1 one");
	passed_on();
	reboot(RB_AUTOBOOT);
}

/* As init: end without a word. */
static void silent(void)
{
	reboot(RB_AUTOBOOT);
}

/* As init: say all there is to say but the end marker. */
static void endless(void)
{
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	while (access("/dev/vport0p1", W_OK))
		usleep(1000);
	put("/dev/vport0p1", "I 0.1\nT 0\nB pass\nO 1..1\nO ok 1 one\nX pass exit 0\n");
	reboot(RB_AUTOBOOT);
}

/* As init: never say anything, and never end. */
static void spin(void)
{
	for (;;)
		;
}

static const struct {
	const char *name;
	void (*run)(void);
} ways[] = {
	{ "pass", pass },
	{ "none", none },
	{ "skip", skip },
	{ "fail", fail },
	{ "status", status },
	{ "few", few },
	{ "nothing", nothing },
	{ "bail", bail },
	{ "killed", killed },
	{ "hang", hang },
	{ "dawdle", dawdle },
	{ "leave", leave },
	{ "alone", alone },
	{ "noise", noise },
	{ "panic", do_panic },
	{ "bug", do_bug },
	{ "oops", do_oops },
	{ "warn", do_warn },
	{ "taint", do_taint },
	{ "race", do_race },
	{ "stuck", do_stuck },
	{ "freeze", do_freeze },
	{ "reboot", do_reboot },
	/* as init */
	{ "silent", silent },
	{ "endless", endless },
	{ "spin", spin },
};

int main(int argc, char **argv)
{
	const char *way = strrchr(argv[0], '/');
	size_t i;

	way = way ? way + 1 : argv[0];
	if (!strcmp(way, "misbehave") && argc == 2)
		way = argv[1];
	/* What is printed before a crash is to reach the host. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (!strcmp(way, ways[i].name)) {
			ways[i].run();
			return 0;
		}
	fprintf(stderr, "misbehave: no such way\n");
	return 2;
}
