// SPDX-License-Identifier: GPL-2.0
/*
 * Does what a person does at a terminal: starts a command on a pty, as the leader of
 * a session of its own, types at it, and looks at what it shows.
 *
 *	on-pty STEPS COMMAND [ARGUMENT...]
 *
 * A line of the file STEPS is one of
 *
 *	show TEXT	wait until TEXT has been shown after what the last "show" found
 *	type TEXT	type TEXT and Enter
 *	key X		type control-X
 *	asleep NAME NR...	wait until a process of the session called NAME sleeps in
 *			one of the system calls NR: then it has done all it did before
 *	stopped NAME	wait until it is stopped, by a signal or by its tracer
 *	end STATUS	wait until COMMAND has ended with STATUS
 *
 * and each of them is a test of its own in the TAP that this prints. The first that fails,
 * because it did not happen within LIMIT_MS, is the last: what was shown is printed as a
 * diagnostic, and all processes of the session are killed. Exits 0 if all passed, else 1,
 * or 2 if nothing could be tested.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define LIMIT_MS	30000
#define POLL_MS		10	/* between two looks at /proc, which tells of nothing */
#define MAX_STEPS	64

static int master;		/* our end of the pty */
static pid_t session;		/* the command's process, and so the session's id */
static char shown[1 << 20];	/* all that was shown */
static size_t shown_len;
static size_t seen;		/* how far of that the last "show" came */

static long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* Read what the command shows, for at most @ms. Returns false if that was nothing. */
static bool read_shown(int ms)
{
	struct pollfd pfd = { .fd = master, .events = POLLIN };
	ssize_t n;

	if (poll(&pfd, 1, ms) <= 0)
		return false;
	n = read(master, shown + shown_len, sizeof(shown) - 1 - shown_len);
	if (n > 0) {
		shown_len += n;
		return true;
	}
	/* EIO: nobody has the terminal open any more, and poll() does not wait for that */
	poll(NULL, 0, ms);
	return false;
}

/* Write all of @text to the terminal. */
static void type(const char *text)
{
	size_t len = strlen(text);
	ssize_t n;

	while (len) {
		n = write(master, text, len);
		if (n < 0)
			err(2, "writing to the terminal");
		text += n;
		len -= n;
	}
}

/* What /proc says of a process. */
struct process {
	pid_t pid;
	char name[32], state;
	int session;
};

/* Read the process called @dir in /proc into @p. Returns false if there is none. */
static bool read_process(const char *dir, struct process *p)
{
	char path[300], line[512], *end, *start;
	FILE *file;
	bool got;

	if (!isdigit(dir[0]))
		return false;
	snprintf(path, sizeof(path), "/proc/%s/stat", dir);
	file = fopen(path, "re");
	if (!file)
		return false;
	got = fgets(line, sizeof(line), file);
	fclose(file);
	if (!got)
		return false;
	/* pid (name) state ppid pgrp session */
	start = strchr(line, '(');
	end = strrchr(line, ')');
	if (!start || !end || sscanf(end, ") %c %*d %*d %d", &p->state, &p->session) != 2)
		return false;
	*end = '\0';
	snprintf(p->name, sizeof(p->name), "%.31s", start + 1);
	p->pid = atoi(dir);
	return true;
}

/* Returns whether the process @pid is in one of the system calls @numbers. */
static bool in_syscall(pid_t pid, const char *numbers)
{
	char path[64], word[32] = "", *copy, *number, *save;
	bool found = false;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/syscall", pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	if (fscanf(file, "%31s", word) != 1)
		word[0] = '\0';
	fclose(file);
	copy = strdup(numbers);
	for (number = strtok_r(copy, " ", &save); number;
	     number = strtok_r(NULL, " ", &save))
		found = found || !strcmp(number, word);
	free(copy);
	return found;
}

/*
 * Returns whether a process of the session called @name is in one of the @states and,
 * unless that is NULL, in one of the system calls @numbers.
 */
static bool find_process(const char *name, const char *states, const char *numbers)
{
	struct process p;
	struct dirent *de;
	bool found = false;
	DIR *dir;

	dir = opendir("/proc");
	if (!dir)
		err(2, "/proc");
	while (!found && (de = readdir(dir)))
		found = read_process(de->d_name, &p) && p.session == session &&
			!strcmp(p.name, name) && strchr(states, p.state) &&
			(!numbers || in_syscall(p.pid, numbers));
	closedir(dir);
	return found;
}

/* Kill all processes of the session. */
static void kill_session(void)
{
	struct process p;
	struct dirent *de;
	DIR *dir;

	dir = opendir("/proc");
	while (dir && (de = readdir(dir)))
		if (read_process(de->d_name, &p) && p.session == session)
			kill(p.pid, SIGKILL);
	if (dir)
		closedir(dir);
}

/* Returns whether what @verb and @rest ask for is so now; sets @why if it never will be. */
static bool holds(const char *verb, const char *rest, const char **why)
{
	char name[32];
	const char *at;
	int status, n;

	if (!strcmp(verb, "show")) {
		shown[shown_len] = '\0';
		at = strstr(shown + seen, rest);
		if (at)
			seen = at - shown + strlen(rest);
		return at;
	}
	if (!strcmp(verb, "end")) {
		if (waitpid(session, &status, WNOHANG) != session)
			return false;
		if (WIFEXITED(status) && WEXITSTATUS(status) == atoi(rest))
			return true;
		*why = "it ended otherwise";
		return false;
	}
	if (sscanf(rest, "%31s %n", name, &n) != 1)
		errx(2, "no name of a process in \"%s %s\"", verb, rest);
	if (!strcmp(verb, "asleep"))
		return find_process(name, "S", rest + n);
	if (!strcmp(verb, "stopped"))
		return find_process(name, "Tt", NULL);
	errx(2, "no such step: %s", verb);
}

/* Do or wait for one step. Returns NULL if it passed, or else why it did not. */
static const char *step(const char *verb, const char *rest)
{
	long long deadline = now_ms() + LIMIT_MS;
	const char *why = NULL;
	char key[2] = "";

	if (!strcmp(verb, "type")) {
		type(rest);
		type("\r");
		return NULL;
	}
	if (!strcmp(verb, "key")) {
		key[0] = rest[0] & 0x1f;
		type(key);
		return NULL;
	}
	while (!holds(verb, rest, &why)) {
		if (why)
			return why;
		if (now_ms() > deadline)
			return "it did not happen in time";
		read_shown(POLL_MS);
	}
	return NULL;
}

/* Print what was shown, as diagnostics. */
static void print_shown(void)
{
	char *line, *save;

	shown[shown_len] = '\0';
	for (line = strtok_r(shown, "\r\n", &save); line; line = strtok_r(NULL, "\r\n", &save))
		printf("# shown: %s\n", line);
}

/* Start @argv on a pty, as the leader of a session whose terminal that is. */
static void start(char **argv)
{
	pid_t parent = getpid();
	char *name;
	int fd;

	master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (master < 0 || grantpt(master) || unlockpt(master))
		err(2, "making a pty");
	name = ptsname(master);
	session = fork();
	if (session < 0)
		err(2, "fork");
	if (session)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(2);
	setsid();
	fd = open(name, O_RDWR);
	if (fd < 0 || ioctl(fd, TIOCSCTTY, 0))
		err(2, "%s", name);
	dup2(fd, 0);
	dup2(fd, 1);
	dup2(fd, 2);
	if (fd > 2)
		close(fd);
	execvp(argv[0], argv);
	err(127, "%s", argv[0]);
}

int main(int argc, char **argv)
{
	char *steps[MAX_STEPS], line[512], *rest;
	const char *why;
	int count = 0, i;
	FILE *file;

	setlinebuf(stdout);
	if (argc < 3)
		errx(2, "usage: on-pty STEPS COMMAND [ARGUMENT...]");
	file = fopen(argv[1], "re");
	if (!file)
		err(2, "%s", argv[1]);
	while (fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		if (!line[0] || line[0] == '#')
			continue;
		if (count == MAX_STEPS)
			errx(2, "more than %d steps", MAX_STEPS);
		steps[count++] = strdup(line);
	}
	fclose(file);

	start(argv + 2);
	for (i = 0; i < count; i++) {
		snprintf(line, sizeof(line), "%s", steps[i]);
		rest = line + strcspn(line, " ");
		if (*rest)
			*rest++ = '\0';
		why = step(line, rest);
		printf("%sok - at the terminal: %s\n", why ? "not " : "", steps[i]);
		if (why) {
			printf("# %s\n", why);
			print_shown();
			kill_session();
			return 1;
		}
	}
	kill_session();
	return 0;
}
