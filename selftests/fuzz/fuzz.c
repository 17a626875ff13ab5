// SPDX-License-Identifier: GPL-2.0
/*
 * A fuzzer of ptrace sequences. A sequence is a list of small operations on one tracee:
 * ptrace requests with good and bad arguments, signals, waits, and requests by a thread
 * that is not the tracer. Each answer of the kernel is compared with those that a model
 * allows (model.c, answers.c). Reported are:
 *
 *	fuzz_answer	an answer that the model does not allow
 *	fuzz_deadline	a request or a wait that does not return, although what it
 *			waits for has to come (notify-merge ...)
 *	fuzz_escape	a tracee that was in user space and should have trapped before
 *			(notify-no-escape, notify-sticky)
 *	fuzz_alien	an answer to a thread that is not the tracer
 *
 * Several tracer threads work at once, each on tracees of its own. Each has a helper
 * thread that sends signals while the tracer makes requests. One more thread, the alien,
 * makes requests on all tracees; they must fail.
 *
 * A sequence is a line of text, a word an operation, and can be replayed. Random ones
 * depend on the seed alone, not on the answers. --help tells the usage.
 */
#include "fuzz.h"

struct worker *workers[MAX_WORKERS];
int nr_workers = 2;
__u64 seed = 1;
static unsigned long long max_requests;
static int max_seconds;
pid_t fuzz_pid;
bool verbose, plain, stop, finished;
unsigned long long requests, sequences;
static unsigned long long lost, alien_requests;

const char * const failure_names[NR_FAILURES] = {
	[F_ANSWER] = "fuzz_answer",
	[F_DEADLINE] = "fuzz_deadline",
	[F_ESCAPE] = "fuzz_escape",
	[F_ALIEN] = "fuzz_alien",
};

unsigned long failures[NR_FAILURES];
pthread_mutex_t report_lock = PTHREAD_MUTEX_INITIALIZER;

static bool keep_corpus;

/* --- threads --- */

static void worker_setup(struct worker *w, int slot)
{
	const long page = getpagesize();
	siginfo_t forged = { .si_signo = SIGTRAP };
	int i;

	w->slot = slot;
	w->rng = seed + slot * 0x1000003ULL;
	w->memfd = memfd_create("fuzz", 0);
	if (w->memfd < 0 || ftruncate(w->memfd, page)) {
		perror("# memfd_create");
		exit(1);
	}
	w->page = map_page(slot, w->memfd);
	w->ptrs = mmap(NULL, 5 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0);
	if (!w->page || w->ptrs == MAP_FAILED) {
		perror("# mmap");
		exit(1);
	}
	/* what the kernel reads from there: a siginfo; zeroes else */
	memcpy(w->ptrs + 3 * page, &forged, sizeof(forged));
	mprotect(w->ptrs + 2 * page, page, PROT_NONE);
	mprotect(w->ptrs + 3 * page, page, PROT_READ);
	for (i = 0; i < 5; i++)
		set_clear(&w->set[i]);
	ctx = &w->ctx;
	switch (fork()) {
	case 0:
		nursery_main(w);
	case -1:
		perror("# fork");
		exit(1);
	}
	if (pthread_create(&w->helper, NULL, helper_main, w)) {
		perror("# pthread_create");
		exit(1);
	}
}

void add_counts(struct worker *w)
{
	__atomic_add_fetch(&requests, w->requests, __ATOMIC_RELAXED);
	__atomic_add_fetch(&sequences, w->sequences, __ATOMIC_RELAXED);
	__atomic_add_fetch(&lost, w->lost, __ATOMIC_RELAXED);
	w->requests = 0;
	w->sequences = 0;
	w->lost = 0;
}

static bool too_many_failures(void)
{
	int i;

	for (i = 0; i < NR_FAILURES; i++) {
		if (failures[i] >= MAX_FAILURES)
			return true;
	}
	return false;
}

static void *worker_main(void *arg)
{
	struct worker *w = arg;

	ctx = &w->ctx;
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED) && !too_many_failures()) {
		generate(w);
		run_seq(w);
		add_counts(w);
		if (w->fresh && keep_corpus && !w->failed)
			keep_seq(w);
	}
	return NULL;
}

/* Requests to all tracees by a thread that traces none. */
static void *alien_main(void *arg)
{
	static const unsigned long some[] = {
		PTRACE_INTERRUPT, PTRACE_CONT, PTRACE_DETACH, PTRACE_LISTEN, PTRACE_KILL,
		PTRACE_GETSIGINFO, PTRACE_SETOPTIONS, PTRACE_PEEKDATA, PTRACE_SYSCALL,
		PTRACE_SEIZE,
	};
	__u64 rng = seed ^ 0xa11e;
	unsigned long request;
	struct worker *w;
	siginfo_t si;
	pid_t pid;
	long ret;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		rng += 0x9e3779b97f4a7c15ULL;
		w = workers[mix64(rng) % nr_workers];
		request = some[(mix64(rng) >> 32) % 10];
		pid = __atomic_load_n(&w->pid, __ATOMIC_RELAXED);
		if (pid) {
			/* SEIZE with an address: never right */
			ret = sys_ptrace(request, pid, 8, &si);
			if (ret != -1 || (errno != ESRCH &&
					  !(request == PTRACE_SEIZE && errno == EIO))) {
				pthread_mutex_lock(&report_lock);
				if (failures[F_ALIEN]++ < MAX_FAILURES)
					say("fuzz_alien: request %#lx: %ld, %s", request, ret,
					    strerror(errno));
				pthread_mutex_unlock(&report_lock);
			}
			__atomic_add_fetch(&alien_requests, 1, __ATOMIC_RELAXED);
		}
		usleep(1000);
	}
	return NULL;
}

/* Is a worker in a system call for too long? Does not come back then. */
void check_hang(void)
{
	const long long now = now_ms();
	int i;

	for (i = 0; i < nr_workers; i++) {
		struct worker *w = workers[i];
		const unsigned long beat = __atomic_load_n(&w->beat, __ATOMIC_RELAXED);
		struct ans none = { 0 };

		if (beat != w->last_beat) {
			w->last_beat = beat;
			w->beat_time = now;
		}
		if (!(beat & 1) || now - w->beat_time < HANG_MS)
			continue;
		report(w, F_DEADLINE, NULL, &none, "does not return, state before:");
		ctx = &w->ctx;
		print_set("states", &w->set[0]);
		say("state of the tracee: %c", task_state(w->ctx.pid) ?: '-');
		finished = true;
		stop = true;
		/* no one can join the thread */
		return;
	}
}

/* --- main --- */

static void usage(FILE *f)
{
	fprintf(f,
		"usage: fuzz [options]\n"
		"  --seed N          of the random numbers; default 1\n"
		"  --duration S      for so many seconds; default 20\n"
		"  --requests N      until so many requests are made; it is an error if they\n"
		"                    are not by the end of --duration, if that is given too\n"
		"  --threads N       tracers at once, 1 to %d; default 2\n"
		"  --replay PATH...  sequences in files, or directories of files, one a line\n"
		"  --rounds N        replay each so often; default 3\n"
		"  --save DIR        write what was new to DIR, one sequence a file\n"
		"  --print-corpus    print a small set of sequences that find all of it\n"
		"  --plain           without notify mode: for any kernel\n"
		"  --verbose         print each operation and the states after it\n"
		"Exit status: 0 nothing wrong found, 1 something, 2 usage, 4 kernel without\n"
		"notify mode (1 if GSTOP_REQUIRED is in the environment).\n", MAX_WORKERS);
}

static int fuzz(bool print_corpus, const char *save)
{
	const long long start = now_ms();
	long long next = start + 5000, now;
	pthread_t alien, distiller;
	bool enough = true;
	int i, nr = 0;

	keep_corpus = print_corpus || save;
	printf("1..%d\n", NR_FAILURES + !!max_requests);
	say("seed %llu, %d tracers", (unsigned long long)seed, nr_workers);
	for (i = 0; i < nr_workers; i++) {
		if (pthread_create(&workers[i]->thread, NULL, worker_main, workers[i])) {
			perror("# pthread_create");
			exit(1);
		}
	}
	if (pthread_create(&alien, NULL, alien_main, NULL))
		exit(1);

	for (;;) {
		usleep(100000);
		now = now_ms();
		check_hang();
		if (max_seconds && now - start >= max_seconds * 1000LL)
			stop = true;
		if (max_requests && requests >= max_requests)
			stop = true;
		if (now >= next || stop) {
			say("%lld s: %llu requests, %lld a second, %llu sequences, %d triples, %llu lost, %llu by aliens, %lu failures",
			    (now - start) / 1000, requests,
			    requests * 1000LL / (now - start), sequences, nr_triples, lost,
			    alien_requests, all_failures());
			next = now + 5000;
		}
		if (stop || too_many_failures())
			break;
	}
	stop = true;
	enough = !max_requests || requests >= max_requests;
	for (i = 0; i < nr_workers; i++) {
		/* one that hangs is not going to come, but ends with us */
		while (!failures[F_DEADLINE] && pthread_tryjoin_np(workers[i]->thread, NULL)) {
			usleep(10000);
			check_hang();
		}
	}

	if (save)
		save_all(save);
	if (print_corpus && !failures[F_DEADLINE]) {
		stop = false;
		finished = false;
		if (pthread_create(&distiller, NULL, distill_main, workers[0]))
			exit(1);
		while (!finished) {
			usleep(100000);
			check_hang();
		}
	}
	for (i = 0; i < NR_FAILURES; i++)
		printf("%sok %d %s\n", failures[i] ? "not " : "", ++nr, failure_names[i]);
	if (max_requests)
		printf("%sok %d fuzz_requests_made\n", enough ? "" : "not ", ++nr);
	return all_failures() || !enough;
}

int main(int argc, char **argv)
{
	bool print_corpus = false, replaying = false;
	const char *save = NULL;
	int i, have, ret, rounds = 3;

	if (argc > 2 && !strcmp(argv[0], "fuzz-tracee"))
		return exec_main(argv);

	for (i = 1; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : NULL;

		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
			usage(stdout);
			return 0;
		} else if (!strcmp(argv[i], "--verbose")) {
			verbose = true;
			continue;
		} else if (!strcmp(argv[i], "--plain")) {
			plain = true;
			continue;
		} else if (!strcmp(argv[i], "--print-corpus")) {
			print_corpus = true;
			continue;
		} else if (!strcmp(argv[i], "--replay") && value) {
			replaying = true;
			while (i + 1 < argc && argv[i + 1][0] != '-') {
				if (load(argv[++i]))
					return 2;
			}
			continue;
		} else if (!value) {
			usage(stderr);
			return 2;
		}
		i++;
		if (!strcmp(argv[i - 1], "--seed"))
			seed = strtoull(value, NULL, 0);
		else if (!strcmp(argv[i - 1], "--duration"))
			max_seconds = atoi(value);
		else if (!strcmp(argv[i - 1], "--requests"))
			max_requests = strtoull(value, NULL, 0);
		else if (!strcmp(argv[i - 1], "--threads"))
			nr_workers = atoi(value);
		else if (!strcmp(argv[i - 1], "--rounds"))
			rounds = atoi(value);
		else if (!strcmp(argv[i - 1], "--save"))
			save = value;
		else
			value = NULL;
		if (!value || nr_workers < 1 || nr_workers > MAX_WORKERS) {
			usage(stderr);
			return 2;
		}
	}
	if (!max_seconds && !max_requests)
		max_seconds = 20;

	fuzz_pid = getpid();
	printf("TAP version 13\n");
	fflush(stdout);
	have = plain ? 1 : have_notify_mode();
	if (have < 0) {
		printf("1..1\nnot ok 1 notify_mode\n# PTRACE_SEIZE_DEVEL: %s\n", strerror(errno));
		return 1;
	}
	if (!have) {
		printf("1..0 # SKIP kernel without PTRACE_SEIZE_DEVEL\n");
		return 4;
	}

	for (i = 0; i < nr_workers; i++) {
		workers[i] = calloc(1, sizeof(struct worker));
		if (!workers[i])
			return 1;
		worker_setup(workers[i], i);
	}
	ret = replaying ? replay(rounds) : fuzz(print_corpus, save);
	fflush(stdout);
	/* threads that hang go with us, and tracees with their threads */
	syscall(SYS_exit_group, ret);
	return ret;
}
