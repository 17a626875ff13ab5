// SPDX-License-Identifier: GPL-2.0
/*
 * The tracee of a cell of the stress test: a process whose threads each do their job
 * and count on the shared memory while they run.
 */
#include "stress.h"

#include <poll.h>
#include <pthread.h>

/* A handler, for what would kill or do nothing otherwise. */
static void tracee_catch(int sig)
{
}

/* Have a child that exits at once, by vfork() or fork(), and reap it. */
static void tracee_fork(bool by_vfork)
{
	const pid_t pid = by_vfork ? vfork() : fork();

	if (!pid)
		_exit(0);
	while (pid > 0 && wait4(pid, NULL, __WALL, NULL) < 0 && errno == EINTR)
		;
}

static void *tracee_passer_by(void *arg)
{
	store((int *)arg, 1);
	return NULL;
}

/* Have another thread, which is gone soon. @t counts while we wait for it. */
static void tracee_clone(struct thread *t)
{
	pthread_attr_t attr;
	pthread_t thread;
	int been = 0;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, 64 * 1024);
	if (pthread_create(&thread, &attr, tracee_passer_by, &been))
		return;
	while (!load(&been)) {
		t->count++;
		sched_yield();
	}
}

/* Replace the process. The new program is this one: see tracee_after_exec(). */
static void tracee_exec(int nr)
{
	char *argv[] = { "stress-tracee", NULL }, env[64];
	char *envp[] = { env, NULL };

	snprintf(env, sizeof(env), EXEC_ENV "=%d,%d,%d", stress_fd, cell->nr,
		 stress->cells);
	/* the new program inherits that; a handler it would have to install first */
	signal(SIGUSR1, SIG_IGN);
	store(&cell->execer, nr);
	store(&cell->exec_started, cell->exec_started + 1);
	note("exec", 0, nr, cell->exec_started);
	execve("/proc/self/exe", argv, envp);
	_exit(99);
}

/* Block a signal, and unblock it again. */
static void tracee_mask(unsigned long turn)
{
	static const int sigs[] = { SIGCONT, SIGUSR1, SIGWINCH };
	sigset_t set;

	sigemptyset(&set);
	if (turn & 1)
		sigaddset(&set, sigs[turn / 2 % 3]);
	pthread_sigmask(SIG_SETMASK, &set, NULL);
}

/* What a thread with job @job, number @nr, does in turn @turn, apart from counting. */
static void tracee_turn(int nr, int job, unsigned long turn)
{
	struct thread *t = &cell->thread[nr];
	const bool burst = load(&cell->phase) == PHASE_BURST;

	switch (job) {
	case JOB_PAUSE:
		pause();
		break;
	case JOB_SYSCALL:
		/* not all the time, or the others would not get to run */
		if (turn % 64)
			syscall(SYS_getppid);
		else
			poll(NULL, 0, 1);
		break;
	case JOB_SLEEP:
		poll(NULL, 0, 20);
		break;
	case JOB_MASK:
		tracee_mask(turn);
		poll(NULL, 0, turn % 4);
		break;
	case JOB_FORK:
		if (burst)
			tracee_fork(turn & 1);
		poll(NULL, 0, turn % 8);
		break;
	case JOB_CLONE:
		if (burst)
			tracee_clone(t);
		poll(NULL, 0, turn % 8);
		break;
	case JOB_EXEC:
		if (burst && turn > (unsigned int)cell->plan.job_loops)
			tracee_exec(nr);
		break;
	case JOB_EXIT:
		if (burst && turn > (unsigned int)cell->plan.job_loops) {
			store(&t->leaving, 1);
			note("thread exit", t->tid, nr, 0);
			syscall(SYS_exit, 3);
		}
		break;
	case JOB_EXIT_GROUP:
		if (burst && turn > (unsigned int)cell->plan.job_loops) {
			store(&cell->killing, 1);
			note("exit_group", t->tid, nr, 0);
			store(&cell->killed, 1);
			_exit(3);
		}
		break;
	}
}

/* The life of thread number @arg. */
static void *tracee_thread(void *arg)
{
	const int nr = (long)arg, job = cell->plan.job[nr];
	struct thread *t = &cell->thread[nr];
	unsigned long turn = 0;

	/* of the thread: only so does it hold also after an exec by it */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	t->tid = syscall(SYS_gettid);
	add(&cell->ready, 1);
	ring();
	for (;;) {
		__atomic_store_n(&t->count, t->count + 1, __ATOMIC_RELAXED);
		/* those who wait for their turn would keep others from running */
		if (job >= JOB_EXEC && turn % 16 == 0)
			poll(NULL, 0, 1);
		if (job != JOB_COUNT)
			tracee_turn(nr, job, turn++);
	}
	return NULL;
}

/* What the threads have in common: dispositions, and a process group. */
static void tracee_prepare(void)
{
	static const int caught[] = { SIGUSR1, SIGTRAP };
	struct sigaction sa = { .sa_handler = tracee_catch, .sa_flags = SA_RESTART | SA_NODEFER };
	unsigned int i;

	/* not orphaned, its parent being in another: SIGTSTP and such stop it */
	setpgid(0, 0);
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);

	/* SIGTRAP is what is left of a single-step if the tracer dies */
	for (i = 0; i < ARRAY_SIZE(caught); i++)
		sigaction(caught[i], &sa, NULL);
	if (cell->plan.on_cont == 1)
		sa.sa_handler = SIG_IGN;
	if (cell->plan.on_cont)
		sigaction(SIGCONT, &sa, NULL);
}

/* For spawn(). */
void tracee_main(void *unused)
{
	pthread_attr_t attr;
	pthread_t thread;
	long i;

	my_who = TRACEE;
	run_on(cell->plan.cpu);
	tracee_prepare();
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 64 * 1024);
	for (i = 1; i < cell->plan.threads; i++)
		if (pthread_create(&thread, &attr, tracee_thread, (void *)i))
			_exit(98);
	tracee_thread(NULL);
}

/*
 * After tracee_exec() we are the only thread, number 0, and count on. @args is the
 * value of the variable that says which cell we belong to. Does not return.
 */
void tracee_after_exec(const char *args)
{
	struct stress *s;
	int fd, nr, cells;

	if (sscanf(args, "%d,%d,%d", &fd, &nr, &cells) != 3)
		_exit(97);
	s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (s == MAP_FAILED)
		_exit(96);
	stress = s;
	stress_fd = fd;
	cell = &s->cell[nr];
	my_who = TRACEE;
	tracee_prepare();
	store(&cell->exec_done, cell->exec_started);
	cell->plan.job[0] = JOB_COUNT;
	tracee_thread(NULL);
}
