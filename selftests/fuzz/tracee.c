// SPDX-License-Identifier: GPL-2.0
/*
 * The tracees, and the process that makes them.
 */
#include "fuzz.h"

#include <linux/futex.h>
#include <sched.h>

#define PAGE_AT		0x20000000UL	/* + slot * PAGE_STEP: the tracee's page */
#define PAGE_STEP	0x10000UL
#define PAGE_FD	100		/* + slot */

static void on_usr1(int sig)
{
}

static int tracee_mate(void *arg)
{
	for (;;)
		pause();
	return 0;
}

static void __attribute__((noreturn)) tracee_work(struct page *page, int slot, enum prog prog)
{
	struct sigaction sa = { .sa_handler = on_usr1, .sa_flags = SA_NODEFER | SA_RESTART };
	char arg[3][24], *argv[] = { "fuzz-tracee", arg[0], arg[1], arg[2], NULL };
	char *envp[] = { NULL };
	int cmd;

	sigaction(SIGUSR1, &sa, NULL);
	__atomic_store_n(&page->ready, 1, __ATOMIC_RELEASE);

	while (prog == PROG_PAUSE)
		pause();
	for (;;) {
		__atomic_add_fetch(&page->count, 1, __ATOMIC_RELAXED);
		cmd = __atomic_exchange_n(&page->cmd, CMD_NONE, __ATOMIC_RELAXED);
		if (cmd == CMD_EXIT)
			syscall(SYS_exit_group, 7);
		if (cmd == CMD_EXEC) {
			sprintf(arg[0], "%d", slot);
			sprintf(arg[1], "%d", prog);
			execve("/proc/self/exe", argv, envp);
			syscall(SYS_exit_group, 99);
		}
		if (prog == PROG_YIELD)
			sched_yield();
	}
}

struct page *map_page(int slot, int fd)
{
	void *at = (void *)(PAGE_AT + slot * PAGE_STEP);
	void *p = mmap(at, getpagesize(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);

	return p == MAP_FAILED ? NULL : p;
}

/* The program that CMD_EXEC starts. */
int exec_main(char **argv)
{
	const int slot = atoi(argv[1]);
	struct page *page = map_page(slot, PAGE_FD + slot);

	if (!page)
		return 98;
	tracee_work(page, slot, atoi(argv[2]));
}

/* Body of the tracee's process. Does not return. */
static int tracee_main(void *arg)
{
	static char stack[16384] __attribute__((aligned(16)));
	const struct sched_param param = { 0 };
	struct worker *w = arg;
	const unsigned long how = w->page->how;
	sigset_t set;
	pid_t tid;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != fuzz_pid)
		_exit(1);
	/* not orphaned while we live: SIGTSTP and such stop it */
	setpgid(0, 0);
	sigemptyset(&set);
	if (how & NEW_BLOCK_CONT)
		sigaddset(&set, SIGCONT);
	sigprocmask(SIG_SETMASK, &set, NULL);
	if (dup2(w->memfd, PAGE_FD + w->slot) < 0)
		_exit(1);
	/* the tracer runs first: it makes more requests then */
	if (!(how & NEW_EAGER))
		sched_setscheduler(0, SCHED_IDLE, &param);
	if (how & NEW_MATE) {
		tid = clone(tracee_mate, stack + sizeof(stack),
			    CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND |
			    CLONE_THREAD | CLONE_SYSVSEM, NULL);
		if (tid < 0)
			_exit(1);
		w->page->mate = tid;
	}
	tracee_work(w->page, w->slot, how & NEW_PROG);
}

/*
 * A worker's nursery is a process with a single thread that makes the tracees, as children
 * of its parent. The fuzzer itself has threads: its fork() interrupts all CPUs on which
 * they run, which is very slow in a guest.
 */
void __attribute__((noreturn)) nursery_main(struct worker *w)
{
	static char stack[65536] __attribute__((aligned(16)));
	struct page *page = w->page;
	int n;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != fuzz_pid)
		_exit(1);
	for (n = 0;; n++) {
		while (__atomic_load_n(&page->wanted, __ATOMIC_ACQUIRE) == n)
			syscall(SYS_futex, &page->wanted, FUTEX_WAIT, n, NULL, NULL, 0);
		page->pid = clone(tracee_main, stack + sizeof(stack), CLONE_PARENT | SIGCHLD,
				  w);
		__atomic_store_n(&page->born, n + 1, __ATOMIC_RELEASE);
	}
}

