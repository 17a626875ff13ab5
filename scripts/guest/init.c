// SPDX-License-Identifier: GPL-2.0
/*
 * PID 1 of the test guest: runs the programs of /bench/manifest one after the
 * other, tells the host what each printed and how it ended, and ends the guest.
 * It knows nothing of what the programs test.
 *
 * A line of the manifest is
 *
 *	name timeout-seconds command [argument...]
 *
 * split at blanks, without quoting; blank lines and lines that start with '#'
 * do not count.
 *
 * The host is told over the virtio port named "results", on which nothing else
 * writes: neither the kernel nor a program can tear a record or forge one. A
 * record is a line that starts with a letter for its kind:
 *
 *	I <seconds>		init has begun, this long after the kernel
 *	B <name>		the program begins
 *	O <text>		the program printed this line (stdout or stderr)
 *	C <text>		... this piece of a line, which the next O or C continues
 *	X <name> <how>		the program ended: "exit N", "signal N", "timeout", or
 *				"stopped" by bench.fail-fast
 *	T <value>		/proc/sys/kernel/tainted, whenever it changed
 *	E <count>		the end: so many programs have begun and ended
 *	! <text>		init gives up, and why; no E follows
 *
 * The kernel command line says what to do:
 *
 *	bench.mode=shell	a busybox shell on /dev/hvc0 instead of the programs
 *	bench.mode=probe	no program: I, T, E, and the end
 *	bench.env=NAME=VALUE	one variable for the environment of the programs
 *	bench.fail-fast=1	a program is killed when it has printed a line that
 *				begins with "not ok": who only wants to know whether
 *				a test fails need not wait for all others
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define MANIFEST	"/bench/manifest"
#define MAX_ARGS	64
#define LINE_PIECE	4096	/* longer lines travel in pieces */
#define DEVICE_WAIT_MS	5000	/* virtio devices come up behind our back */
#define SWEEP_WAIT_MS	3000	/* for what was sent SIGKILL to be gone */
#define LEAK_AGE_MS	5500	/* MSECS_MIN_AGE of mm/kmemleak.c, and some */
#define PF_KTHREAD	0x00200000

static FILE *results;	/* NULL until the port is found */

static void __attribute__((noreturn)) end_guest(void)
{
	/* Writes to the port return once the host has the data: nothing to sync. */
	reboot(RB_AUTOBOOT);
	for (;;)
		pause();
}

/* PID 1 may not exit: whatever goes wrong is told to the host, and is the end. */
static void __attribute__((noreturn, format(printf, 1, 2))) die(const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);

	fprintf(stderr, "init: %s\n", text);
	if (results) {
		fprintf(results, "! %s\n", text);
		fflush(results);
	}
	end_guest();
}

/* Send one record, at once. */
static void __attribute__((format(printf, 1, 2))) record(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(results, fmt, ap);
	va_end(ap);
	fputc('\n', results);
	if (fflush(results))
		die("writing results: %s", strerror(errno));
}

static long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* Read the beginning of a file into @buf, as a string; false if there is none. */
static bool read_text(const char *path, char *buf, size_t size)
{
	ssize_t n = -1;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, buf, size - 1);
		close(fd);
	}
	buf[n > 0 ? n : 0] = '\0';
	return n > 0;
}

/* The same of its first line, without the newline. */
static bool read_line(const char *path, char *buf, size_t size)
{
	bool read = read_text(path, buf, size);

	buf[strcspn(buf, "\n")] = '\0';
	return read;
}

/* Without a console we start with no standard streams: take their numbers. */
static void fill_std_streams(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= 2);
	close(fd);
}

static void mount_all(void)
{
	static const struct {
		const char *type, *dir;
		bool needed;	/* a kernel may be built without the others */
	} fs[] = {
		{ "proc",	"/proc",		true },
		{ "sysfs",	"/sys",			true },
		{ "devtmpfs",	"/dev",			true },
		{ "tmpfs",	"/tmp",			true },
		{ "tmpfs",	"/dev/shm",		false },
		{ "devpts",	"/dev/pts",		false },
		{ "cgroup2",	"/sys/fs/cgroup",	false },
		{ "debugfs",	"/sys/kernel/debug",	false },
	};
	size_t i;

	for (i = 0; i < sizeof(fs) / sizeof(fs[0]); i++) {
		mkdir(fs[i].dir, 0755);
		if (mount(fs[i].type, fs[i].dir, fs[i].type, 0, NULL) && fs[i].needed)
			die("mounting %s on %s: %s", fs[i].type, fs[i].dir,
			    strerror(errno));
	}
	chmod("/tmp", 01777);
	chmod("/dev/shm", 01777);
	symlink("/proc/self/fd", "/dev/fd");
}

/* Look once for the port called @name and put its device's path into @dev. */
static bool find_port(const char *name, char *dev, size_t size)
{
	struct dirent *de;
	bool found = false;
	DIR *dir;

	dir = opendir("/sys/class/virtio-ports");
	while (dir && !found && (de = readdir(dir))) {
		char path[512], have[64];

		snprintf(path, sizeof(path), "/sys/class/virtio-ports/%s/name",
			 de->d_name);
		if (de->d_name[0] != '.' && read_line(path, have, sizeof(have)) &&
		    !strcmp(have, name)) {
			snprintf(dev, size, "/dev/%s", de->d_name);
			found = true;
		}
	}
	if (dir)
		closedir(dir);
	return found;
}

static void open_results(void)
{
	long long deadline = now_ms() + DEVICE_WAIT_MS;
	char dev[300];
	int fd;

	while (!find_port("results", dev, sizeof(dev))) {
		if (now_ms() > deadline)
			die("no virtio port is named \"results\"");
		usleep(1000);
	}
	fd = open(dev, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		die("opening %s: %s", dev, strerror(errno));
	results = fdopen(fd, "w");
	if (!results)
		die("no memory");
}

/* The value of a bench.<key>=<value> word of the kernel command line, or "". */
static const char *boot_word(const char *key)
{
	static char line[4096];
	char *word, *save;

	if (!read_line("/proc/cmdline", line, sizeof(line)))
		die("reading /proc/cmdline: %s", strerror(errno));
	for (word = strtok_r(line, " ", &save); word; word = strtok_r(NULL, " ", &save))
		if (!strncmp(word, key, strlen(key)) && word[strlen(key)] == '=')
			return word + strlen(key) + 1;
	return "";
}

/* Tell the host of the taint value, unless it knows. */
static void record_taint(void)
{
	static char last[32];
	char taint[32];

	if (!read_line("/proc/sys/kernel/tainted", taint, sizeof(taint)))
		die("reading the taint value: %s", strerror(errno));
	if (strcmp(taint, last)) {
		strcpy(last, taint);
		record("T %s", taint);
	}
}

/* A program's output on its way into O and C records. */
struct output {
	int fd;		/* the pipe's end that we read, non-blocking; -1 after EOF */
	size_t len;
	bool not_ok;	/* there was a line of TAP that says so */
	char piece[LINE_PIECE];
};

static void put_piece(struct output *out, char kind)
{
	static const char not_ok[] = "not ok";

	if (out->len >= strlen(not_ok) && !memcmp(out->piece, not_ok, strlen(not_ok)))
		out->not_ok = true;
	fprintf(results, "%c ", kind);
	fwrite(out->piece, 1, out->len, results);
	fputc('\n', results);
	out->len = 0;
}

static void put_bytes(struct output *out, const char *p, size_t n)
{
	for (; n--; p++) {
		if (*p == '\n') {
			put_piece(out, 'O');
			continue;
		}
		if (out->len + 2 > sizeof(out->piece))
			put_piece(out, 'C');
		/* The host's tools work on text, in which a NUL would end a line. */
		if (!*p)
			out->piece[out->len++] = '^';
		out->piece[out->len++] = *p ? *p : '@';
	}
	if (fflush(results))
		die("writing results: %s", strerror(errno));
}

/* Copy what the pipe holds, at most one buffer; false if it holds nothing now. */
static bool copy_output(struct output *out)
{
	char buf[16384];
	ssize_t n;

	if (out->fd < 0)
		return false;
	n = read(out->fd, buf, sizeof(buf));
	if (n < 0)
		return errno == EINTR;
	if (!n) {
		close(out->fd);
		out->fd = -1;
		return false;
	}
	put_bytes(out, buf, n);
	return true;
}

/* Put a line of our own among the program's; '#' makes it a TAP diagnostic. */
static void __attribute__((format(printf, 2, 3)))
remark(struct output *out, const char *fmt, ...)
{
	char text[512] = "# ";
	va_list ap;

	if (out->len)
		put_bytes(out, "\n", 1);
	va_start(ap, fmt);
	vsnprintf(text + 2, sizeof(text) - 2, fmt, ap);
	va_end(ap);
	put_bytes(out, text, strlen(text));
	put_bytes(out, "\n", 1);
}

/* Say of the process @pid what it is, what it waits for and who traces it. */
static void remark_process(struct output *out, int pid)
{
	char path[64], stat[512], text[4096], state, *rest, *line, *save;
	int tracer = 0, ppid;
	unsigned int flags;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (!read_line(path, stat, sizeof(stat)))
		return;
	/* pid (comm) state ppid pgrp session tty tpgid flags; comm may hold ')' */
	rest = strrchr(stat, ')');
	if (!rest || sscanf(rest, ") %c %d %*d %*d %*d %*d %u", &state, &ppid, &flags) != 3 ||
	    flags & PF_KTHREAD)
		return;
	rest[1] = '\0';

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	read_text(path, text, sizeof(text));
	line = strstr(text, "\nTracerPid:");
	if (line)
		sscanf(line, "\nTracerPid: %d", &tracer);
	remark(out, "  %s state %c, parent %d, tracer %d", stat, state, ppid, tracer);

	snprintf(path, sizeof(path), "/proc/%d/stack", pid);
	read_text(path, text, sizeof(text));
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		remark(out, "    %s", line);
}

static void remark_processes(struct output *out)
{
	struct dirent *de;
	DIR *dir;

	dir = opendir("/proc");
	while (dir && (de = readdir(dir)))
		if (isdigit(de->d_name[0]) && atoi(de->d_name) > 1)
			remark_process(out, atoi(de->d_name));
	if (dir)
		closedir(dir);
}

static void on_sigchld(int sig)
{
	(void)sig;	/* only there to interrupt ppoll() */
}

/*
 * Reap every process that has ended; orphans come to us. Returns true if
 * @main_pid was among them, with its wait status in @status. @left says
 * whether there are processes yet to end.
 */
static bool reap(pid_t main_pid, int *status, bool *left)
{
	bool main_ended = false;
	int st;
	pid_t pid;

	while ((pid = waitpid(-1, &st, WNOHANG)) > 0) {
		if (pid == main_pid) {
			*status = st;
			main_ended = true;
		}
	}
	*left = pid == 0;
	return main_ended;
}

/* Wait for output or for a child to end, until @deadline at the latest. */
static void wait_event(struct output *out, long long deadline)
{
	struct pollfd pfd = { .fd = out->fd, .events = POLLIN };
	long long ms = deadline - now_ms();
	struct timespec ts;
	sigset_t none;

	if (ms < 0)
		ms = 0;
	ts = (struct timespec){ ms / 1000, ms % 1000 * 1000000 };
	/* SIGCHLD is blocked but in here, so none is missed. */
	sigemptyset(&none);
	ppoll(&pfd, 1, &ts, &none);
}

/* Kill and reap all processes but ourselves; false if some would not die. */
static bool sweep(struct output *out, pid_t main_pid, int *status)
{
	long long deadline = now_ms() + SWEEP_WAIT_MS;
	bool left = true;

	for (;;) {
		/* Again each time: what forked in between was not hit. */
		kill(-1, SIGKILL);
		reap(main_pid, status, &left);
		if (!left)
			return true;
		if (now_ms() > deadline)
			return false;
		while (copy_output(out))
			;
		wait_event(out, now_ms() + 10);
	}
}

static void __attribute__((noreturn)) exec_program(char **argv)
{
	sigset_t none;

	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execvp(argv[0], argv);
	fprintf(stderr, "# cannot run %s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

static pid_t start_program(char **argv, struct output *out)
{
	int pipefd[2];
	pid_t pid;

	if (pipe2(pipefd, O_CLOEXEC))
		die("pipe: %s", strerror(errno));
	pid = fork();
	if (pid < 0)
		die("fork: %s", strerror(errno));
	if (!pid) {
		setsid();
		dup2(open("/dev/null", O_RDONLY | O_CLOEXEC), 0);
		dup2(pipefd[1], 1);
		dup2(pipefd[1], 2);
		if (chdir("/tmp"))
			_exit(127);
		exec_program(argv);
	}
	close(pipefd[1]);
	/* Our end only: O_NONBLOCK belongs to an open file, not to the pipe. */
	fcntl(pipefd[0], F_SETFL, O_NONBLOCK);
	out->fd = pipefd[0];
	out->len = 0;
	out->not_ok = false;
	return pid;
}

/*
 * Run one program to its end or its timeout, and leave nothing of it behind.
 * It has ended when its first process has; what that left running is killed.
 */
static void run_program(const char *name, int timeout, bool fail_fast, char **argv)
{
	static struct output out;
	long long deadline;
	bool ended = false, stopped, left, swept;
	int status = 0;
	pid_t pid;

	record("B %s", name);
	deadline = now_ms() + timeout * 1000LL;
	pid = start_program(argv, &out);

	for (;;) {
		copy_output(&out);
		ended = reap(pid, &status, &left);
		stopped = !ended && fail_fast && out.not_ok;
		if (ended || stopped || now_ms() >= deadline)
			break;
		wait_event(&out, deadline);
	}
	if (!ended && !stopped) {
		remark(&out, "%s did not end within %d s; its processes:", name, timeout);
		remark_processes(&out);
	}
	swept = sweep(&out, pid, &status);
	while (copy_output(&out))
		;
	if (!swept) {
		remark(&out, "these processes survive SIGKILL:");
		remark_processes(&out);
	}
	if (out.len)
		put_bytes(&out, "\n", 1);
	if (out.fd >= 0)
		close(out.fd);

	record_taint();
	if (stopped)
		record("X %s stopped", name);
	else if (!ended)
		record("X %s timeout", name);
	else if (WIFEXITED(status))
		record("X %s exit %d", name, WEXITSTATUS(status));
	else
		record("X %s signal %d", name, WTERMSIG(status));
	/* What would run next to them, and its result, could not be trusted. */
	if (!swept)
		die("%s left processes that survive SIGKILL", name);
}

/*
 * On a kernel with kmemleak, have memory searched for what nothing points to any more.
 * The kernel says on its console how much it has found, which fails the run; the
 * particulars go there as well.
 *
 * It takes an object for a leak only if that is LEAK_AGE_MS old, and has not changed
 * from one scan to the next.
 */
static void scan_for_leaks(void)
{
	static const char leaks[] = "/sys/kernel/debug/kmemleak";
	char line[512];
	FILE *file, *kmsg;
	int fd, scans;

	fd = open(leaks, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	usleep(LEAK_AGE_MS * 1000);
	for (scans = 0; scans < 2; scans++) {
		if (write(fd, "scan", 4) != 4)
			die("kmemleak can't scan: %s", strerror(errno));
	}
	close(fd);

	file = fopen(leaks, "re");
	kmsg = fopen("/dev/kmsg", "we");
	if (!file || !kmsg)
		die("reading kmemleak's results: %s", strerror(errno));
	setlinebuf(kmsg);
	while (fgets(line, sizeof(line), file))
		fputs(line, kmsg);
	fclose(kmsg);
	fclose(file);
}

static void run_manifest(void)
{
	char line[4096], *argv[MAX_ARGS + 1], *name, *timeout, *save;
	int count = 0, n;
	const bool fail_fast = *boot_word("bench.fail-fast") == '1';
	FILE *file;

	file = fopen(MANIFEST, "re");
	if (!file)
		die("opening " MANIFEST ": %s", strerror(errno));
	while (fgets(line, sizeof(line), file)) {
		name = strtok_r(line, " \t\n", &save);
		if (!name || name[0] == '#')
			continue;
		timeout = strtok_r(NULL, " \t\n", &save);
		for (n = 0; n <= MAX_ARGS; n++) {
			argv[n] = strtok_r(NULL, " \t\n", &save);
			if (!argv[n])
				break;
		}
		if (!timeout || atoi(timeout) <= 0 || n < 1 || n > MAX_ARGS)
			die(MANIFEST ": the line of %s is not \"name seconds command...\"",
			    name);
		run_program(name, atoi(timeout), fail_fast, argv);
		count++;
	}
	fclose(file);
	scan_for_leaks();
	record_taint();
	record("E %d", count);
}

/* A shell on the virtio console, with job control; its exit ends the guest. */
static void run_shell(void)
{
	static char *argv[] = { "sh", NULL };
	long long deadline = now_ms() + DEVICE_WAIT_MS;
	int status, fd;
	pid_t pid;

	while ((fd = open("/dev/hvc0", O_RDWR | O_NOCTTY | O_CLOEXEC)) < 0) {
		if (now_ms() > deadline)
			die("opening /dev/hvc0: %s", strerror(errno));
		usleep(1000);
	}
	pid = fork();
	if (pid < 0)
		die("fork: %s", strerror(errno));
	if (!pid) {
		setsid();
		ioctl(fd, TIOCSCTTY, 0);
		dup2(fd, 0);
		dup2(fd, 1);
		dup2(fd, 2);
		exec_program(argv);
	}
	/* We keep the console open: its last close would drop unread output. */
	while (waitpid(-1, &status, 0) != pid)
		;
	tcdrain(fd);
}

int main(void)
{
	struct sigaction sa = { .sa_handler = on_sigchld };
	char uptime[64];
	const char *mode;
	sigset_t chld;

	clearenv();
	setenv("PATH", "/bin:/bench", 1);
	setenv("HOME", "/root", 1);
	setenv("TERM", "linux", 1);

	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, NULL);
	sigaction(SIGCHLD, &sa, NULL);

	mount_all();
	fill_std_streams();
	read_line("/proc/uptime", uptime, sizeof(uptime));
	uptime[strcspn(uptime, " ")] = '\0';
	open_results();
	record("I %s", uptime);
	record_taint();

	if (*boot_word("bench.env"))
		putenv(strdup(boot_word("bench.env")));
	mode = boot_word("bench.mode");
	if (!strcmp(mode, "shell"))
		run_shell();
	else if (!strcmp(mode, "probe"))
		record("E 0");
	else if (!*mode)
		run_manifest();
	else
		die("bench.mode=%s is not known", mode);
	end_guest();
}
