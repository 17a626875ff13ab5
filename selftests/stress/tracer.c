// SPDX-License-Identifier: GPL-2.0
/*
 * A tracer. It may do anything but break one rule:
 *
 *	After the wait status of a STOP trap it reads the state, or resumes the tracee,
 *	which then has to trap again if there is something to read.
 *
 * So its last reading of the group stop state must become right, and stay right.
 */
#include "stress.h"

#include <elf.h>
#include <sys/uio.h>

static struct {
	int temper;
	bool settling;
	int idle;		/* times that we acted unasked since a signal was sent */
	unsigned long signals;	/* ... that was so many signals ago */
	int confirmed;		/* last request of the director that was answered */
	char *page;		/* of its own, to be faulted in */
	char *nowhere;		/* a page that can't be accessed */
} me;

/* Returns whether @t may have died or be about to. */
static bool excused(const struct thread *t)
{
	return stress->blind || load(&cell->killing) || load(&t->leaving) ||
	       load(&cell->exec_started) != t->execs ||
	       load(&cell->exec_started) != load(&cell->exec_done);
}

static bool is_mine(const struct thread *t)
{
	return t->tracer == my_nr && t->known != GONE;
}

/* The thread of ours with the ID @tid, or NULL. */
static struct thread *my_thread(pid_t tid)
{
	int i;

	for (i = 0; i < cell->plan.threads; i++)
		if (is_mine(&cell->thread[i]) && cell->thread[i].tid == tid)
			return &cell->thread[i];
	return NULL;
}

/* @t is trapped and must not have run since it trapped. */
static void check_still(const struct thread *t)
{
	const unsigned long count = count_of(&t->count);

	checked(STAYS_PUT);
	if (count != t->mark && !excused(t))
		fail(STAYS_PUT, "thread %d is trapped (%#x) and ran: %lu to %lu", t->tid,
		     t->status, t->mark, count);
}

/*
 * A request on @t, which we know to be trapped. Returns the error that it ended with,
 * which is 0 or @want: any other is a failure, if @t isn't dying.
 */
static int request_on(struct thread *t, const char *name, long req,
			     unsigned long addr, const void *data, int want)
{
	int err;

	count_one(&cell->requests);
	err = sys_ptrace(req, t->tid, addr, data) < 0 ? errno : 0;
	note(name, t->tid, (long)data, err);
	checked(NO_ESRCH);
	if (err == want)
		return err;
	if (!excused(t))
		fail(NO_ESRCH, "%s on thread %d, trapped (%#x): error %d instead of %d",
		     name, t->tid, t->status, err, want);
	if (err == ESRCH)
		t->known = RUNNING;
	return err ? err : -1;
}

#define request(t, req, addr, data) request_on(t, #req, req, addr, data, 0)

/*
 * Does a wait that doesn't reap find a stop of @t? @why is known that there is one
 * which nobody has reaped.
 */
static void check_wait_finds(const struct thread *t, enum property prop,
				    const char *why)
{
	siginfo_t si;
	int ret;

	checked(prop);
	ret = sys_waitid(t->tid, &si, WSTOPPED | WNOHANG | WNOWAIT | __WALL);
	if ((ret || si.si_pid != t->tid) && !excused(t))
		fail(prop, "thread %d, trapped (%#x): no stop to reap, %s", t->tid,
		     t->status, why);
}

/*
 * --- reading the state ---
 */

/* Store what was read. If we count for the cell: a state other than it was is a transition. */
static void set_reading(struct thread *t, int reading)
{
	const bool other = !!reading != !!t->reading;

	if (t->sure && other && cell->counted == t - cell->thread)
		count_one(&cell->transitions);
	t->sure = true;
	store(&t->reading, reading);
	note("reading", t->tid, reading, other);
	ring();
}

/*
 * What @si, read in a STOP trap of @t, says the stop signal is, 0 if none; or -1 if it
 * is dying and has got to its last trap.
 */
static int state_of(const struct thread *t, const siginfo_t *si)
{
	const int sig = si->si_signo == SIGTRAP ? 0 : si->si_signo;

	/* si_status is of notify mode alone */
	if (si->si_code == (si->si_signo | PTRACE_EVENT_STOP << 8) &&
	    (stress->plain || si->si_status == sig))
		return sig;
	if (!excused(t))
		fail(LAST_READING, "thread %d: siginfo of a STOP trap: %d %#x %d", t->tid,
		     si->si_signo, si->si_code, si->si_status);
	return -1;
}

/*
 * PTRACE_GETSIGINFO in a STOP trap of @t, sometimes to a page that has to be faulted in,
 * which takes longer. @unasked: no wait status was the reason to read. If the state differs
 * from the last reading then, a wait status must be there to be reaped. Returns if the
 * state was read.
 */
static bool read_state(struct thread *t, bool unasked)
{
	const int old = t->reading;
	int reading;

	if (once_in(3))
		madvise(me.page, getpagesize(), MADV_DONTNEED);
	else
		memset(me.page, 0x55, sizeof(siginfo_t));
	if (request(t, PTRACE_GETSIGINFO, 0, me.page))
		return false;
	reading = state_of(t, (siginfo_t *)me.page);
	if (reading < 0) {
		t->known = RUNNING;
		return false;
	}
	if (unasked && old >= 0) {
		checked(NO_LOST);
		/* the tracee may be on its way to that stop: a request waits, a wait does not */
		if (!!reading != !!old) {
			if (request(t, PTRACE_GETEVENTMSG, 0, me.page))
				return false;
			check_wait_finds(t, NO_LOST, "but the state has changed");
		}
	}
	set_reading(t, reading);
	return true;
}

/* A PTRACE_GETSIGINFO that fails, and must not acknowledge anything. */
static void misread_state(struct thread *t)
{
	request_on(t, "PTRACE_GETSIGINFO, bad address", PTRACE_GETSIGINFO, 0, me.nowhere,
		   EFAULT);
}

static bool in_stop_trap(const struct thread *t)
{
	return t->known == TRAPPED && t->status >> 16 == PTRACE_EVENT_STOP;
}

/* Any request that leaves @t, which is trapped, where it is. */
static void look_at(struct thread *t)
{
	struct iovec iov = { .iov_base = me.page, .iov_len = getpagesize() };
	unsigned long word = 0;

	switch (below(7)) {
	case 0:
		request(t, PTRACE_GETREGSET, NT_PRSTATUS, &iov);
		break;
	case 1:
		/* where the new program of an exec has it we can't tell */
		if (cell->exec_started)
			break;
		if (!request(t, PTRACE_PEEKDATA, (unsigned long)&t->count, &word) &&
		    word != t->mark && !excused(t))
			fail(STAYS_PUT, "thread %d is trapped and ran: peek: %lu to %lu",
			     t->tid, t->mark, word);
		break;
	case 2:
		request(t, PTRACE_GETEVENTMSG, 0, me.page);
		break;
	case 3:
		request(t, PTRACE_GETSIGMASK, 8, me.page);
		break;
	case 4:
		request(t, PTRACE_SETOPTIONS, 0, (void *)cell->plan.options);
		break;
	default:
		if (in_stop_trap(t))
			read_state(t, true);
		else
			request(t, PTRACE_GETSIGINFO, 0, me.page);
	}
	if (t->known == TRAPPED)
		check_still(t);
}

static void look_around(struct thread *t, unsigned int most)
{
	unsigned int n;

	for (n = once_in(2) ? below(most + 1) : 0; n && t->known == TRAPPED; n--)
		look_at(t);
}

/*
 * --- attaching, resuming ---
 */

static void on_status(struct thread *t, int status);

/*
 * Seize @t. If it is group stopped it is in a trap when the request returns. If it is
 * not there is no group stop, or one that it will trap for: see on_stop_trap().
 */
static void seize_it(struct thread *t)
{
	const unsigned long flag = stress->plain ? 0 : PTRACE_SEIZE_DEVEL;
	long ret;
	int status;

	t->known = UNTRACED;
	t->reading = -1;
	t->sure = false;
	t->execs = load(&cell->exec_started);
	ret = sys_ptrace(PTRACE_SEIZE, t->tid, 0, (void *)(cell->plan.options | flag));
	note("PTRACE_SEIZE", t->tid, ret, ret ? errno : 0);
	if (ret) {
		if (!excused(t) && !t->execs)
			fail(NOTHING_LEFT, "PTRACE_SEIZE of thread %d: %s", t->tid,
			     strerror(errno));
		t->known = GONE;
		return;
	}
	t->known = RUNNING;
	status = sys_wait(t->tid, WNOHANG);
	if (status > 0 && WIFSTOPPED(status) && status >> 16 == PTRACE_EVENT_STOP) {
		on_status(t, status);
		return;
	}
	store(&t->reading, 0);
	ring();
	if (status > 0)
		on_status(t, status);
}

/* Resume @t with @req and signal @sig. */
static void resume(struct thread *t, const char *name, long req, int sig)
{
	check_still(t);
	if (sig && (STOP_SIGNALS & 1ULL << (sig - 1)))
		add(&cell->passed, 1);
	if (!request_on(t, name, req, 0, (void *)(long)sig, 0))
		t->known = req == PTRACE_LISTEN ? LISTENING : RUNNING;
}

/* Detach @t with signal @sig, and seize it again. */
static void detach_and_seize(struct thread *t, int sig)
{
	check_still(t);
	store(&t->reading, -1);
	if (request(t, PTRACE_DETACH, 0, (void *)(long)sig))
		return;
	t->known = UNTRACED;
	dawdle();
	seize_it(t);
}

/* May @t be left in its trap, or is it needed to take a stop signal? */
static bool may_hold(const struct thread *t)
{
	return cell->plan.witness >= 0 || t->reading > 0;
}

/* Resume @t, which is in a trap, in any way; with @sig if it lets signals through. */
static void resume_wildly(struct thread *t, int sig)
{
	const bool step = cell->plan.step && !lacks_single_step();
	const unsigned int way = below(16);

	if (way < 2)
		resume(t, "PTRACE_SYSCALL", PTRACE_SYSCALL, sig);
	else if (way < 4 && step)
		resume(t, "PTRACE_SINGLESTEP", PTRACE_SINGLESTEP, sig);
	else if (way < 8 && in_stop_trap(t) && may_hold(t))
		resume(t, "PTRACE_LISTEN", PTRACE_LISTEN, 0);
	else if (way == 8 && cell->plan.detach)
		detach_and_seize(t, sig);
	else
		resume(t, "PTRACE_CONT", PTRACE_CONT, sig);
}

static void cont_it(struct thread *t, int sig)
{
	resume(t, "PTRACE_CONT", PTRACE_CONT, sig);
}

/*
 * --- what a wait status leads to ---
 */

/* Leave @t, in a STOP trap and read, as @temper says. */
static void treat(struct thread *t, int temper)
{
	if (temper == LISTEN && may_hold(t))
		resume(t, "PTRACE_LISTEN", PTRACE_LISTEN, 0);
	else if (temper != KEEP && !t->reading)
		cont_it(t, 0);
}

/* @t is in a STOP trap. What was not read, or could not be, must make it trap again. */
static void wild_stop_trap(struct thread *t)
{
	const unsigned int how = t->reading < 0 ? 7 : below(8);

	if (how == 0) {
		misread_state(t);
	} else if (how > 2) {
		if (!read_state(t, false))
			return;
		look_around(t, 3);
		if (once_in(3) && may_hold(t))
			return;
	}
	if (t->known == TRAPPED)
		resume_wildly(t, 0);
}

static void on_stop_trap(struct thread *t)
{
	/*
	 * The first one may be of a group stop that was there already when @t was seized:
	 * detached a moment before, it had not got to TASK_STOPPED yet. No notification is
	 * pending then, so the state has to be read.
	 */
	if (!t->sure)
		store(&t->reading, -1);
	dawdle();
	if (me.temper == WILD && !me.settling) {
		wild_stop_trap(t);
		return;
	}
	if (!read_state(t, false))
		return;
	if (!me.settling)
		look_around(t, 3);
	if (t->known == TRAPPED)
		treat(t, me.settling ? cell->plan.settle : me.temper);
}

/* Which signal to resume @t with, which is in any trap but a STOP trap. */
static int signal_to_pass(const struct thread *t)
{
	static const int others[] = { 0, SIGCONT, SIGTSTP, SIGUSR1 };
	const int sig = t->status >> 8 & 0xff;

	/* the latter is left of a single-step, or a system call */
	if (t->status >> 16 || (sig & 0x7f) == SIGTRAP)
		return 0;
	if (!me.settling && !cell->plan.pass && once_in(4))
		return others[below(4)];
	return sig;
}

/* PTRACE_INTERRUPT of @t, whatever it does. */
static void interrupt_it(struct thread *t)
{
	const long ret = sys_ptrace(PTRACE_INTERRUPT, t->tid, 0, NULL);

	note("PTRACE_INTERRUPT", t->tid, ret, ret ? errno : 0);
	checked(NO_ESRCH);
	if (ret && !excused(t))
		fail(NO_ESRCH, "PTRACE_INTERRUPT of thread %d: %s", t->tid,
		     strerror(errno));
}

/*
 * @t is in a trap that nothing disturbs, whatever is sent meanwhile: there is no other
 * wait status until it is resumed.
 */
static void on_other_trap(struct thread *t)
{
	siginfo_t si;

	if (!me.settling && once_in(4)) {
		look_around(t, 2);
		dawdle();
		if (t->known != TRAPPED)
			return;
		checked(NO_CAUSELESS);
		if (!sys_waitid(t->tid, &si, WSTOPPED | WNOHANG | WNOWAIT | __WALL) &&
		    si.si_pid && !excused(t))
			fail(NO_CAUSELESS, "thread %d left trap %#x by itself, for %#x",
			     t->tid, t->status, si.si_status);
	}
	if (me.temper == WILD && !me.settling) {
		resume_wildly(t, signal_to_pass(t));
		return;
	}
	/* any trap uses up the INTERRUPT which was to take @t to where it is kept */
	if (me.settling && cell->plan.settle == KEEP)
		interrupt_it(t);
	cont_it(t, signal_to_pass(t));
}

/*
 * Thread @t, the first one by ID now, was thread cell->execer before it executed another
 * program; the others are gone. What was read of it is what goes on to hold.
 */
static struct thread *on_exec(void)
{
	struct thread *t = &cell->thread[0], *old = &cell->thread[cell->execer];
	int i;

	store(&cell->exec_done, cell->exec_started);
	t->tracer = my_nr;
	t->reading = old->reading;
	t->sure = false;
	cell->counted = 0;
	for (i = 1; i < cell->plan.threads; i++)
		cell->thread[i].known = GONE;
	return t;
}

/* A thread or child that we did not seize ourselves: let it go on, whatever it has. */
static void on_passer_by(pid_t tid, int status)
{
	const int sig = status >> 8 & 0xff;
	siginfo_t si;

	note("status of another", tid, status, 0);
	if (!WIFSTOPPED(status))
		return;
	if (status >> 16 == PTRACE_EVENT_STOP)
		sys_ptrace(PTRACE_GETSIGINFO, tid, 0, &si);
	sys_ptrace(PTRACE_CONT, tid, 0,
		   (void *)(long)(status >> 16 || (sig & 0x7f) == SIGTRAP ? 0 : sig));
}

/* @status of @t has been reaped. */
static void on_status(struct thread *t, int status)
{
	note("status", t->tid, status, 0);
	if (!WIFSTOPPED(status)) {
		if (!excused(t))
			fail(NOTHING_LEFT, "thread %d died, status %#x", t->tid, status);
		store(&t->known, GONE);
		ring();
		return;
	}

	t->execs = load(&cell->exec_started);
	t->mark = count_of(&t->count);
	t->status = status;
	t->traps++;
	t->known = TRAPPED;
	if (in_stop_trap(t))
		on_stop_trap(t);
	else
		on_other_trap(t);
}

/* Give @status of thread @tid to who it is for. */
static void dispatch(pid_t tid, int status)
{
	struct thread *t;

	if (status >> 16 == PTRACE_EVENT_EXEC && tid == cell->pid)
		t = on_exec();
	else
		t = my_thread(tid);
	if (t)
		on_status(t, status);
	else
		on_passer_by(tid, status);
}

/*
 * --- the tracer's loop ---
 */

/*
 * Wait for a status, without reaping it first once in a while: then look again a few
 * times, as it must not be gone for a moment. Returns whose it is, 0 if there is none
 * and we are not to sleep, or -1 with errno. The status goes to @status.
 */
static pid_t next_status(int *status)
{
	const int hang = cell->plan.poll && !me.settling ? WNOHANG : 0;
	struct thread *t;
	unsigned int n;
	siginfo_t si;
	int ret;

	if (me.settling || !once_in(4))
		return wait4(-1, status, __WALL | hang, NULL);

	si.si_pid = 0;
	ret = waitid(P_ALL, 0, &si, WSTOPPED | WEXITED | WNOWAIT | __WALL | hang);
	if (ret || !si.si_pid)
		return ret;
	t = my_thread(si.si_pid);
	if (t && (si.si_code == CLD_TRAPPED || si.si_code == CLD_STOPPED)) {
		/* excused() compares with when it was known to be alive last */
		for (n = below(8); n; n--)
			check_wait_finds(t, WAIT_FINDS, "but there was one");
	}
	ret = wait4(si.si_pid, status, __WALL | WNOHANG, NULL);
	if (!ret && t && !excused(t))
		fail(WAIT_FINDS, "thread %d: nothing to reap, but there was", t->tid);
	return ret;
}

/* One of our threads, at random; NULL if it isn't one that is there. */
static struct thread *any_thread(void)
{
	struct thread *t = &cell->thread[below(cell->plan.threads)];

	return is_mine(t) ? t : NULL;
}

/*
 * Do something without a wait status. Only a few times as long as nothing is sent: else
 * the log of a lost notification would be full of it.
 */
static void act_unasked(void)
{
	const unsigned long signals = count_of(&cell->signals);
	struct thread *t;

	if (signals != me.signals)
		me.idle = 0;
	me.signals = signals;
	if (me.idle++ > 20)
		return;

	if (cell->plan.exits && once_in(cell->plan.exits)) {
		note("exit", 0, 0, 0);
		store(&cell->doomed[my_nr], 1);
		_exit(0);
	}
	t = any_thread();
	if (!t)
		return;
	if (me.temper == WILD && once_in(16))
		interrupt_it(t);
	else if (t->known == TRAPPED && once_in(2))
		look_at(t);
}

/* Bring our threads to where plan.settle wants them. */
static void start_settling(void)
{
	const int temper = cell->plan.settle;
	struct thread *t;

	me.settling = true;
	note("settle", 0, temper, 0);
	for_each_thread(t) {
		if (!is_mine(t))
			continue;
		if (t->known == TRAPPED)
			treat(t, temper);
		else if (temper == KEEP || t->known == LISTENING)
			interrupt_it(t);
	}
	store(&cell->tracer_settled[my_nr], 1);
	ring();
}

/* Handle what there is without sleeping. Returns if there was something. */
static bool drain(void)
{
	bool some = false;
	int status;
	pid_t pid;

	while ((pid = wait4(-1, &status, __WALL | WNOHANG, NULL)) > 0) {
		some = true;
		dispatch(pid, status);
	}
	return some;
}

/*
 * The director finds that all readings are right. Is there nothing new, and does an
 * unasked look at each tracee say the same?
 */
static void confirm(int nr)
{
	struct thread *t;

	me.confirmed = nr;
	if (drain())
		store(&cell->noisy, 1);
	for_each_thread(t) {
		if (is_mine(t) && in_stop_trap(t) && read_state(t, true))
			check_still(t);
	}
	if (drain())
		store(&cell->noisy, 1);
	store(&cell->confirmed[my_nr], nr);
	ring();
}

/*
 * Detach those of our threads that are trapped. Returns whether there are others, which
 * are neither detached nor gone.
 */
static bool detach_trapped(void)
{
	bool others = false;
	struct thread *t;

	for_each_thread(t) {
		if (!is_mine(t) || t->known == UNTRACED)
			continue;
		if (t->known == TRAPPED) {
			check_still(t);
			if (!request(t, PTRACE_DETACH, 0,
				     (void *)(long)signal_to_pass(t)))
				t->known = UNTRACED;
		}
		others |= t->known != UNTRACED;
	}
	return others;
}

/* Trap those of our threads that are not, and detach all; then exit. */
static void detach_ours(void)
{
	struct thread *t;
	int status;
	pid_t pid;

	note("detach all", 0, 0, 0);
	for_each_thread(t) {
		if (is_mine(t) && t->known != TRAPPED)
			interrupt_it(t);
	}
	while (detach_trapped()) {
		pid = wait4(-1, &status, __WALL, NULL);
		halt_if_failed();
		if (pid < 0 && errno == EINTR)
			continue;
		if (pid < 0)
			break;
		t = my_thread(pid);
		if (!t) {
			on_passer_by(pid, status);
			continue;
		}
		note("status", pid, status, 0);
		t->mark = count_of(&t->count);
		t->status = status;
		t->known = WIFSTOPPED(status) ? TRAPPED : GONE;
	}
	_exit(0);
}

/* Do what the director has asked for meanwhile. */
static void heed_director(void)
{
	const int phase = load(&cell->phase), asked = load(&cell->confirm);

	halt_if_failed();
	if (phase == PHASE_EXIT) {
		note("exit", 0, 0, 0);
		_exit(0);
	}
	if (phase == PHASE_DETACH)
		detach_ours();
	if (phase == PHASE_SETTLE && !me.settling)
		start_settling();
	if (asked != me.confirmed)
		confirm(asked);
}

/* wait4() says ECHILD: which is right only if the tracees are gone. */
static void on_no_tracee(void)
{
	int i;

	for (i = 0; i < cell->plan.threads; i++) {
		if (is_mine(&cell->thread[i]) && !excused(&cell->thread[i]))
			fail(NOTHING_LEFT, "thread %d is not our tracee any more",
			     cell->thread[i].tid);
	}
	if (load(&cell->killing))
		_exit(0);
	usleep(500);
}

static void tracer_setup(void)
{
	const int size = getpagesize();

	memset(&me, 0, sizeof(me));
	me.temper = cell->plan.temper[my_nr];
	me.page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0);
	me.nowhere = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	me.confirmed = load(&cell->confirm);
}

/* For spawn(): tracer number @arg. */
void tracer_main(void *arg)
{
	int i, status = 0;
	pid_t pid;

	my_who = TRACER;
	run_on(cell->plan.cpu);
	my_nr = (long)arg;
	seed_random(cell->nr, cell->burst, TRACER, my_nr, cell->tracer_lives[my_nr]);
	tracer_setup();
	for (i = 0; i < cell->plan.threads; i++)
		if (is_mine(&cell->thread[i]))
			seize_it(&cell->thread[i]);
	store(&cell->tracer_ready[my_nr], 1);
	ring();

	for (;;) {
		heed_director();
		pid = next_status(&status);
		if (pid > 0)
			dispatch(pid, status);
		else if (pid < 0 && errno == ECHILD)
			on_no_tracee();
		else if (!pid)
			sched_yield();
		if (!me.settling)
			act_unasked();
	}
}
