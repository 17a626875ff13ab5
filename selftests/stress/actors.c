// SPDX-License-Identifier: GPL-2.0
/*
 * The processes of a cell that are not traced and do not trace: senders, the killer, the
 * freezer.
 */
#include "stress.h"

#include <sys/mount.h>
#include <sys/stat.h>

static const int stop_signals[] = { SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU };
static const int other_signals[] = { SIGUSR1, SIGWINCH, SIGURG, SIGCHLD };

/* Is the burst over, or the tracee dying? */
static bool is_over(void)
{
	halt_if_failed();
	return load(&cell->killing) || load(&cell->phase) != PHASE_BURST;
}

/* Send @sig to thread number @nr of the tracee, or to the process if it is -1. */
void send_signal(int sig, int nr)
{
	const pid_t tid = nr < 0 ? cell->pid : cell->thread[nr].tid;
	long ret;

	count_one(&cell->signals);
	if (nr < 0)
		ret = kill(tid, sig);
	else
		ret = syscall(SYS_tgkill, cell->pid, tid, sig);
	note(nr < 0 ? "kill" : "tgkill", tid, sig, ret);
}

/*
 * --- senders ---
 */

/* Returns a tracee whose last reading is not @stopped, or NULL. */
static const struct thread *read_otherwise(bool stopped)
{
	const struct thread *t;
	int reading;

	for_each_thread(t) {
		reading = load(&t->reading);
		if (t->tracer >= 0 && load(&t->known) != GONE &&
		    (reading < 0 || !!reading != stopped))
			return t;
	}
	return NULL;
}

/*
 * Wait until the last readings of all tracees say @stopped, or until the burst is over.
 * Nobody else sends anything. If the deadline passes a notification was lost: the main
 * thing that this program looks for.
 */
static void await_readings(bool stopped)
{
	const struct thread *t;
	struct patience p;
	int i, seen;

	if (stress->blind) {
		for (i = 0; i < 4; i++)
			dawdle();
		return;
	}
	patience_start(&p, DEADLINE_MS);
	checked(NO_LOST);
	for (;;) {
		seen = load(&cell->bell);
		t = read_otherwise(stopped);
		if (!t || is_over())
			return;
		if (!patient(&p))
			fail(NO_LOST, "thread %d: last reading %d, but it is %sstopped",
			     t->tid, t->reading, stopped ? "" : "not ");
		await_ring(seen, 20);
	}
}

/*
 * A signal of a volley goes to the thread that nobody traces, or to the process. If a
 * tracee takes it the tracer passes it on; a tracer that dies first takes the signal
 * with it.
 */
static int volley_target(void)
{
	const struct plan *p = &cell->plan;

	if (p->witness >= 0 && (p->kill_tracers || p->exits || below(4)))
		return p->witness;
	return -1;
}

/*
 * A few signals. The last one decides what has to be read at the end: SIGCONT takes effect
 * at once; a stop signal does as soon as a thread has taken it, and only another SIGCONT
 * can prevent that. It goes to the thread that nobody traces, if there is one: a tracee
 * that is chosen to take it may trap before, and be kept in that trap.
 * @stopped is the state before; returns the state after.
 */
static bool volley(bool stopped)
{
	unsigned int n = below(5) < 3 ? 0 : below(6);
	const bool last = once_in(8) ? stopped : !stopped;
	int kind;

	for (; n; n--) {
		kind = below(8);
		if (kind < 4)
			send_signal(SIGCONT, volley_target());
		else if (kind < 7)
			send_signal(stop_signals[below(4)], volley_target());
		else
			send_signal(other_signals[below(4)], (int)below(cell->plan.threads));
		dawdle();
	}
	send_signal(last ? stop_signals[below(4)] : SIGCONT, cell->plan.witness);
	await_readings(last);
	return last;
}

static void send_volleys(void)
{
	bool stopped = false;
	int i;

	for (i = 0; i < cell->plan.signals && !is_over(); i++)
		stopped = volley(stopped);
}

/* Signals of all kinds to whomever, whatever comes of it. */
static void send_at_random(void)
{
	int i, kind, target;

	for (i = 0; i < cell->plan.signals && !is_over(); i++) {
		kind = below(8);
		target = (int)below(cell->plan.threads * 2) - cell->plan.threads;
		if (target < -1)
			target = -1;
		if (kind < 3)
			send_signal(SIGCONT, target);
		else if (kind < 6)
			send_signal(stop_signals[below(4)], target);
		else
			send_signal(other_signals[below(4)], target);
		dawdle();
		if (once_in(4))
			sched_yield();
	}
}

/* For spawn(): sender number @arg. */
void sender_main(void *arg)
{
	my_who = SENDER;
	run_on(cell->plan.sender_cpu);
	my_nr = (long)arg;
	seed_random(cell->nr, cell->burst, SENDER, my_nr, 0);
	if (cell->plan.melee)
		send_at_random();
	else
		send_volleys();
}

/*
 * --- killer ---
 */

/* Let @n short times pass, or the rest of the burst. */
static void be_patient(int n)
{
	while (n-- && !is_over()) {
		sched_yield();
		dawdle();
	}
}

/* SIGKILL to tracer number @nr, as it is. */
void kill_tracer(int nr)
{
	const pid_t pid = load(&cell->tracer_pid[nr]);

	/* the director replaces it, and has to see this first */
	if (pid <= 0 || load(&cell->doomed[nr]))
		return;
	store(&cell->doomed[nr], 1);
	note("kill tracer", pid, SIGKILL, kill(pid, SIGKILL));
}

/* SIGKILL to the tracee, in its tracers' hands. */
static void kill_tracee(void)
{
	store(&cell->killing, 1);
	note("kill tracee", cell->pid, SIGKILL, kill(cell->pid, SIGKILL));
	store(&cell->killed, 1);
	ring();
}

/* For spawn(). */
void killer_main(void *unused)
{
	int i;

	my_who = KILLER;
	run_on(cell->plan.sender_cpu);
	seed_random(cell->nr, cell->burst, KILLER, 0, 0);
	for (i = 0; i < cell->plan.kill_tracers; i++) {
		be_patient(cell->plan.patience);
		if (!is_over())
			kill_tracer(below(cell->plan.tracers));
	}
	if (cell->plan.kill_tracee) {
		be_patient(cell->plan.patience * 4);
		if (!is_over())
			kill_tracee();
	}
}

/*
 * --- freezer ---
 */

/* Write @text to the file @name of the cell's cgroup. Returns 0 or -1. */
int cgroup_write(const char *name, const char *text)
{
	char path[128];
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", cell->cgroup, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	len = write(fd, text, strlen(text));
	close(fd);
	return len == (ssize_t)strlen(text) ? 0 : -1;
}

/* What cgroup.events says of being frozen: 0, 1, or -1. */
int cgroup_frozen(void)
{
	char path[128], buf[256], *p;

	snprintf(path, sizeof(path), "%s/cgroup.events", cell->cgroup);
	if (!read_file(path, buf, sizeof(buf)))
		return -1;
	p = strstr(buf, "frozen ");
	return p ? atoi(p + strlen("frozen ")) : -1;
}

/* Freeze the cgroup, or thaw it. */
void freeze(bool frozen)
{
	note(frozen ? "freeze" : "thaw", cell->pid, 0,
	     cgroup_write("cgroup.freeze", frozen ? "1" : "0"));
}

/* For spawn(). */
void freezer_main(void *unused)
{
	int i;

	my_who = FREEZER;
	run_on(cell->plan.sender_cpu);
	seed_random(cell->nr, cell->burst, FREEZER, 0, 0);
	for (i = 5 + below(20); i && !is_over(); i--) {
		freeze(true);
		be_patient(below(30));
		freeze(false);
		be_patient(below(30));
	}
	freeze(false);
}

/*
 * Find the cgroup v2 hierarchy, or mount it on a directory of our own, and make a
 * cgroup for each cell. Returns why there are none, or NULL. @own is set to the
 * directory, or to NULL.
 */
const char *cgroups_setup(char **own)
{
	static char dir[] = "/tmp/stress-cgroup-XXXXXX";
	const char *root = "/sys/fs/cgroup";
	int i;

	*own = NULL;
	if (access("/sys/fs/cgroup/cgroup.procs", F_OK)) {
		mkdir("/tmp", 0777);
		if (!mkdtemp(dir))
			return "no place to mount cgroup v2 on";
		*own = dir;
		root = dir;
		if (mount("cgroup2", dir, "cgroup2", 0, NULL))
			return "no cgroup v2";
	}
	for (i = 0; i < stress->cells; i++) {
		cell = &stress->cell[i];
		snprintf(cell->cgroup, sizeof(cell->cgroup), "%s/stress-%d-%d", root,
			 getpid(), i);
		if (mkdir(cell->cgroup, 0755))
			return "can't make a cgroup";
		if (cgroup_write("cgroup.freeze", "0"))
			return "no freezer in cgroup v2";
	}
	return NULL;
}

/* Undo that, as far as it got. */
void cgroups_end(char *own)
{
	int i;

	for (i = 0; i < stress->cells; i++)
		if (stress->cell[i].cgroup[0])
			rmdir(stress->cell[i].cgroup);
	if (own) {
		umount(own);
		rmdir(own);
	}
}
