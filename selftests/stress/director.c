// SPDX-License-Identifier: GPL-2.0
/*
 * The director of a cell. It starts all other processes of a burst, has the tracers
 * settle, and judges. It is the real parent of all, the tracee included.
 */
#include "stress.h"

/*
 * --- children ---
 */

/* Have a child run @fn(@nr) as @who. Returns its pid. */
static pid_t start(void (*fn)(void *), int who, int nr)
{
	struct child *c;
	pid_t pid;
	int i;

	for (i = 0; i < MAX_CHILDREN && cell->child[i].alive; i++)
		;
	if (i == MAX_CHILDREN)
		fail(NOTHING_LEFT, "more children than there can be");
	c = &cell->child[i];
	pid = spawn(fn, (void *)(long)nr);
	if (pid < 0)
		fail(NOTHING_LEFT, "fork: %s", strerror(errno));
	*c = (struct child){ .pid = pid, .who = who, .nr = nr, .alive = true };
	return pid;
}

/* Is a child alive that is @who? */
static bool alive(int who)
{
	int i;

	for (i = 0; i < MAX_CHILDREN; i++)
		if (cell->child[i].alive && cell->child[i].who == who)
			return true;
	return false;
}

/* Start tracer number @nr, or another one in its place. */
static void start_tracer(int nr)
{
	struct thread *t;

	for_each_thread(t) {
		if (t->tracer != nr || t->known == GONE)
			continue;
		t->known = UNTRACED;
		t->sure = false;
		store(&t->reading, -1);
	}
	cell->tracer_ready[nr] = 0;
	cell->tracer_settled[nr] = 0;
	cell->confirmed[nr] = 0;
	cell->doomed[nr] = 0;
	store(&cell->tracer_pid[nr], start(tracer_main, TRACER, nr));
	cell->tracer_lives[nr]++;
}

/* A child of ours, @c, has died as @status says. */
static void on_death(struct child *c, int status)
{
	const bool killing = load(&cell->killing);

	c->alive = false;
	note("reaped", c->pid, c->who, status);
	switch (c->who) {
	case TRACEE:
		if (!killing)
			fail(NOTHING_LEFT, "the tracee died, status %#x", status);
		break;
	case TRACER:
		if (load(&cell->phase) >= PHASE_DETACH || (killing && !status))
			break;
		if (!cell->doomed[c->nr])
			fail(NOTHING_LEFT, "tracer %d died, status %#x", c->nr, status);
		if (!killing)
			start_tracer(c->nr);
		break;
	default:
		if (status)
			fail(NOTHING_LEFT, "%s %d died, status %#x", who_name[c->who],
			     c->nr, status);
	}
}

/* Reap who has died. Returns false if there are no children left. */
static bool reap(void)
{
	int i, status;
	pid_t pid;

	/* as a shell would, every second time: also who is stopped or continued */
	const int options = cell->burst & 1 ? WUNTRACED | WCONTINUED : 0;

	halt_if_failed();
	while ((pid = wait4(-1, &status, WNOHANG | options, NULL)) > 0) {
		if (WIFSTOPPED(status) || WIFCONTINUED(status))
			continue;
		for (i = 0; i < MAX_CHILDREN; i++)
			if (cell->child[i].alive && cell->child[i].pid == pid)
				on_death(&cell->child[i], status);
	}
	return !pid;
}

/* Have tracers look at what we ask for, whatever they sleep in. */
static void nudge_tracers(void)
{
	int i;

	for (i = 0; i < MAX_CHILDREN; i++)
		if (cell->child[i].alive && cell->child[i].who == TRACER)
			kill(cell->child[i].pid, SIGUSR1);
}

/*
 * Wait until @done(). If it is not within @ms, @prop does not hold: @what. With
 * @unless_killed it returns false as soon as the tracee is being killed.
 */
static bool await(bool (*done)(void), int ms, bool unless_killed,
			 enum property prop, const char *what)
{
	struct patience p;
	int seen;

	patience_start(&p, ms);
	checked(prop);
	for (;;) {
		seen = load(&cell->bell);
		reap();
		if (unless_killed && load(&cell->killing))
			return false;
		if (done())
			return true;
		if (!patient(&p))
			fail(prop, "%s not within %d ms", what, ms * stress->slow);
		if (load(&cell->phase) >= PHASE_SETTLE)
			nudge_tracers();
		await_ring(seen, 5);
	}
}

/* What is waited for. */
static bool tracee_ready(void)
{
	return load(&cell->ready) == cell->plan.threads;
}

static bool tracee_gone(void)
{
	return !alive(TRACEE);
}

static bool tracers_gone(void)
{
	return !alive(TRACER);
}

static bool senders_done(void)
{
	return !alive(SENDER);
}

static bool helpers_done(void)
{
	return !alive(KILLER) && !alive(FREEZER);
}

static bool nobody_left(void)
{
	return !reap();
}

static bool all_tracers(const int *what, int value)
{
	int i;

	for (i = 0; i < cell->plan.tracers; i++)
		if (load(&what[i]) != value)
			return false;
	return true;
}

static bool tracers_ready(void)
{
	return all_tracers(cell->tracer_ready, 1);
}

static bool tracers_settled(void)
{
	return all_tracers(cell->tracer_settled, 1);
}

static bool tracers_confirmed(void)
{
	return all_tracers(cell->confirmed, cell->confirm);
}

static bool is_frozen(void)
{
	return cgroup_frozen() == 1;
}

static bool is_thawed(void)
{
	return !cgroup_frozen();
}

/*
 * --- the true state ---
 */

/* Is @t there, and to stay? */
static bool stays(const struct thread *t)
{
	return load(&t->known) != GONE && !load(&t->leaving);
}

/* What /proc says of the thread which nobody traces: 1 stopped, 0 not, -1 not there. */
static int witness_state(void)
{
	const int nr = cell->plan.witness;
	char state;

	if (nr < 0 || load(&cell->exec_started))
		return -1;
	state = task_state(cell->thread[nr].tid);
	return !state || strchr("XZ", state) ? -1 : state == 'T';
}

/*
 * What our last signal, sent when no one else sent any more, must lead to: 1 stopped,
 * 0 not, -1 if it says nothing. SIGSTOP has to be taken by a thread that runs, and an
 * exec may end what it has begun.
 */
static int final_state(void)
{
	const struct plan *p = &cell->plan;

	if (p->final == SIGCONT)
		return 0;
	if (p->final == SIGSTOP && !load(&cell->exec_started) &&
	    (p->witness >= 0 || p->settle != KEEP))
		return 1;
	return -1;
}

/*
 * The group stop state: 1 stopped, 0 not, -1 unknown. In /proc a traced thread looks the
 * same in both. So look at the one that is not traced, or else rely on the signal.
 */
static int true_state(void)
{
	const int state = witness_state();

	return state < 0 ? final_state() : state;
}

/*
 * Do the last readings of all tracees say the same, and the same as true_state()? Are
 * all where plan.settle wants them?
 */
static bool readings_right(void)
{
	int reading, state = true_state();
	struct thread *t;

	/* the witness may still be about to take the signal */
	if (final_state() >= 0 && state != final_state())
		return false;
	for_each_thread(t) {
		if (t->tracer < 0 || !stays(t))
			continue;
		reading = load(&t->reading);
		if (state < 0 && reading >= 0)
			state = !!reading;
		if (reading < 0 || !!reading != state)
			return false;
		if (cell->plan.settle == KEEP && load(&t->known) != TRAPPED)
			return false;
	}
	return true;
}

/* The number of the line @field in /proc/PID/task/TID/status of @t, in hex. */
static unsigned long long status_mask(const struct thread *t, const char *field)
{
	char text[4096], value[64];

	if (!read_proc(cell->pid, t->tid, "status", text, sizeof(text)))
		return 0;
	return strtoull(status_value(text, field, value, sizeof(value)), NULL, 16);
}

/* Is there a stop signal that nobody has taken yet? */
static bool stop_pending(void)
{
	unsigned long long mask = 0;
	int i;

	for (i = 0; i < cell->plan.threads; i++)
		mask |= status_mask(&cell->thread[i], "SigPnd:") |
			status_mask(&cell->thread[i], "ShdPnd:");
	return mask & STOP_SIGNALS;
}

/* Remember in @counts how far each thread has counted. */
static void remember_counts(unsigned long *counts)
{
	int i;

	for (i = 0; i < MAX_THREADS; i++)
		counts[i] = count_of(&cell->thread[i].count);
}

/* Has @t counted since? */
static bool has_counted(const struct thread *t, const unsigned long *counts)
{
	return count_of(&t->count) != counts[t - cell->thread];
}

/*
 * Has each tracee that runs counted, or gone to sleep, since counts_then was remembered? If
 * not, it may be between taking a signal and the trap or stop that this leads to.
 */
static unsigned long counts_then[MAX_THREADS];

static bool moved_on(void)
{
	struct thread *t;
	char state;

	for_each_thread(t) {
		if (t->tracer < 0 || !stays(t) || load(&t->known) != RUNNING)
			continue;
		state = task_state(t->tid);
		if (state != 'S' && state != 'D' && !has_counted(t, counts_then))
			return false;
	}
	return true;
}

/*
 * --- judgements ---
 */

/*
 * Wait until the readings are right, and nothing new comes: when the tracers confirm
 * that there is no wait status, and that unasked looks find the same. Returns false if
 * the tracee is being killed.
 */
static bool judge_readings(void)
{
	struct patience p;

	patience_start(&p, DEADLINE_MS);
	do {
		if (!await(readings_right, DEADLINE_MS, true, LAST_READING,
			   "last readings right"))
			return false;
		store(&cell->noisy, 0);
		add(&cell->confirm, 1);
		if (!await(tracers_confirmed, DEADLINE_MS, true, NOTHING_LEFT,
			   "answer of a tracer"))
			return false;
		checked(NO_CAUSELESS);
		if (!patient(&p))
			fail(NO_CAUSELESS, "all signals are sent, and wait statuses go on");
	} while (load(&cell->noisy) || !readings_right());
	return true;
}

/* No thread has run since @counts were remembered, or @prop does not hold. */
static void judge_counts(const unsigned long *counts, enum property prop,
				const char *state)
{
	const struct thread *t;

	checked(prop);
	for_each_thread(t) {
		if (has_counted(t, counts))
			fail(prop, "thread %d is %s and ran", t->tid, state);
	}
}

/*
 * Wait until no tracee has a stop signal in its hands, which /proc does not show, and the
 * readings are right then. Returns as judge_readings().
 */
static bool judge_in_hand(void)
{
	int passed;

	do {
		passed = load(&cell->passed);
		remember_counts(counts_then);
		if (!await(moved_on, DEADLINE_MS, true, NOTHING_LEFT,
			   "a tracee that runs doing something") || !judge_readings())
			return false;
	} while (load(&cell->passed) != passed);
	return true;
}

/*
 * Freeze the cell that has settled: all count as frozen, tracees in traps as well, and
 * can be looked at. Then thaw it: everything is as before. Returns as judge_readings().
 */
static bool judge_freezer(void)
{
	unsigned long counts[MAX_THREADS];

	freeze(true);
	if (!await(is_frozen, DEADLINE_MS, true, FROZEN, "frozen"))
		return false;
	remember_counts(counts);
	if (!judge_readings())
		return false;
	if (!load(&cell->killing))
		judge_counts(counts, FROZEN, "in a frozen cgroup");
	freeze(false);
	return await(is_thawed, DEADLINE_MS, true, FROZEN, "thawed") && judge_readings();
}

static int detached_state;	/* what they have to be in: 1 stopped, 0 not */

/* Are all threads of the tracee, which nobody traces now, in that state? */
static bool detached_right(void)
{
	struct thread *t;
	char state;

	for_each_thread(t) {
		if (!stays(t))
			continue;
		state = task_state(t->tid);
		if (detached_state ? state != 'T' : state == 'T' || state == 't')
			return false;
	}
	return true;
}

static unsigned long detached_counts[MAX_THREADS];

/* Has each thread that does nothing but count done so since detached_counts? */
static bool detached_run(void)
{
	struct thread *t;

	for_each_thread(t) {
		if (stays(t) && cell->plan.job[t - cell->thread] == JOB_COUNT &&
		    !has_counted(t, detached_counts))
			return false;
	}
	return true;
}

/*
 * The tracers leave the settled tracee, in the way of plan.end, and it is as @state
 * says: stopped, and stays so, or running.
 */
static void judge_detached(int state)
{
	int i;

	detached_state = state;
	if (cell->plan.end == END_TRACER_KILLED) {
		for (i = 0; i < cell->plan.tracers; i++)
			kill_tracer(i);
		store(&cell->phase, PHASE_EXIT);
	} else {
		store(&cell->phase, cell->plan.end == END_DETACH ? PHASE_DETACH :
								   PHASE_EXIT);
	}
	if (!await(tracers_gone, 1000, true, KILLED, "end of the tracers") ||
	    load(&cell->exec_started) != load(&cell->exec_done) || state < 0)
		return;

	if (!await(detached_right, DEADLINE_MS, true, DETACHED,
		   state ? "detached and stopped" : "detached and not stopped"))
		return;
	remember_counts(detached_counts);
	if (!state)
		await(detached_run, DEADLINE_MS, true, DETACHED, "detached and running");
	else if (detached_right() && !load(&cell->killing))
		judge_counts(detached_counts, DETACHED, "detached, stopped");
}

/* The last signal, and everything that has to hold afterwards. */
static void judge_settled(void)
{
	bool pending;
	int i, state;

	if (!await(tracers_settled, DEADLINE_MS, true, NOTHING_LEFT,
		   "settling of a tracer") || stress->blind)
		return;
	if (cell->plan.final)
		send_signal(cell->plan.final, load(&cell->exec_started) ? -1 : cell->plan.witness);
	if (!judge_readings())
		return;
	if (cell->plan.refreeze && cell->cgroup_ok && !judge_freezer())
		return;
	if (cell->plan.end >= END_TRACEE_KILLED)
		return;

	/* nobody is traced any more when that one is taken */
	pending = stop_pending();
	if (!judge_in_hand())
		return;
	state = pending || stop_pending() ? -1 : true_state();
	for (i = 0; i < cell->plan.threads && state < 0 && !stop_pending(); i++)
		if (cell->thread[i].tracer >= 0 && stays(&cell->thread[i]))
			state = !!cell->thread[i].reading;
	judge_detached(state);
}

/*
 * Everybody can be killed within a second: the tracee, in the hands of tracers that
 * live or die along with it; tracers end; nobody is left.
 */
static void judge_end(void)
{
	int i;

	store(&cell->killing, 1);
	note("kill tracee", cell->pid, SIGKILL, kill(cell->pid, SIGKILL));
	if (cell->plan.end == END_ALL_KILLED)
		for (i = 0; i < cell->plan.tracers; i++)
			kill_tracer(i);
	await(tracee_gone, 1000, false, KILLED, "end of the tracee, killed");
	store(&cell->phase, PHASE_EXIT);
	await(tracers_gone, 1000, false, KILLED, "end of the tracers, tracee killed");
	await(nobody_left, 1000, false, NOTHING_LEFT, "end of the last child");
}

/*
 * --- burst ---
 */

/* Set the stage for burst @burst. */
static void prepare_burst(unsigned int burst)
{
	struct thread *t;
	int traced = 0;

	cell->burst = burst;
	make_plan(&cell->plan, cell->nr, burst);
	store(&cell->phase, PHASE_PREPARE);
	cell->ready = 0;
	cell->killing = 0;
	cell->killed = 0;
	cell->exec_started = 0;
	cell->exec_done = 0;
	cell->confirm = 0;
	cell->counted = -1;
	cell->sleepers = 0;
	memset(cell->tracer_lives, 0, sizeof(cell->tracer_lives));
	memset(cell->thread, 0, sizeof(cell->thread));
	for_each_thread(t) {
		t->tracer = -1;
		t->reading = -1;
		if (t - cell->thread == cell->plan.witness)
			continue;
		t->tracer = traced++ % cell->plan.tracers;
		if (cell->counted < 0)
			cell->counted = t - cell->thread;
	}
	note("burst", 0, burst, cell->plan.threads);
}

/* Put the tracee into the cell's cgroup. */
static void join_cgroup(void)
{
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", cell->pid);
	if (cell->cgroup_ok && cgroup_write("cgroup.procs", pid))
		fail(FROZEN, "can't join the cgroup: %s", strerror(errno));
}

/* Play burst @burst, and judge. */
static void run_burst(unsigned int burst)
{
	const struct plan *p = &cell->plan;
	int i;

	prepare_burst(burst);
	cell->pid = start(tracee_main, TRACEE, 0);
	await(tracee_ready, DEADLINE_MS, false, NOTHING_LEFT, "start of the tracee");
	join_cgroup();
	for (i = 0; i < p->tracers; i++)
		start_tracer(i);
	await(tracers_ready, DEADLINE_MS, false, NOTHING_LEFT, "start of the tracers");

	store(&cell->phase, PHASE_BURST);
	for (i = 0; i < p->senders; i++)
		start(sender_main, SENDER, i);
	if (p->kill_tracee || p->kill_tracers)
		start(killer_main, KILLER, 0);
	if (p->freezes && cell->cgroup_ok)
		start(freezer_main, FREEZER, 0);
	await(senders_done, 60 * DEADLINE_MS, false, NOTHING_LEFT, "end of the senders");

	store(&cell->phase, PHASE_SETTLE);
	await(helpers_done, DEADLINE_MS, false, NOTHING_LEFT, "end of killer and freezer");
	if (!load(&cell->killing))
		judge_settled();
	if (cell->cgroup_ok)
		freeze(false);
	judge_end();
}

/* A tracer that is nudged may be in wait4(): it ends with EINTR. */
static void on_nudge(int sig)
{
}

/* For spawn(): the director of cell number @arg. */
void director_main(void *arg)
{
	const struct sigaction nudge = { .sa_handler = on_nudge };
	unsigned int burst;

	/* here, so that a tracer has it from the start */
	sigaction(SIGUSR1, &nudge, NULL);
	cell = &stress->cell[(long)arg];
	cell->director = getpid();
	my_who = DIRECTOR;
	/* whom tracees leave behind is ours to reap */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	for (burst = stress->first_burst; !load(&stress->stop); burst++) {
		run_burst(burst);
		count_one(&cell->bursts);
	}
}
