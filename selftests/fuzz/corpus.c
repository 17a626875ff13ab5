// SPDX-License-Identifier: GPL-2.0
/*
 * What is new: triples of a state, an operation and its answer, and the sequences that
 * found them. And replaying sequences from files.
 */
#include "fuzz.h"

#include <dirent.h>
#include <sys/stat.h>

#define TRIPLES		(1 << 18)
#define KEEP_MAX	4000	/* sequences with something new, kept for the corpus */
#define CORPUS_MAX	100	/* of these in it */

static __u32 triples[TRIPLES];
int nr_triples;
static struct { char *line; int new; } keep[KEEP_MAX];
static int nr_keep;

/* Note down that @in, in state @s, was answered with @a. Returns its number. */
static __u32 triple_of(const struct st *s, const struct op *op, const struct ans *a)
{
	unsigned long class = a->err;
	unsigned long arg = 0;

	if (a->ret >= 0)
		class = 1000 + a->ret;
	switch (op->code) {
	case OP_WAIT:
	case OP_AWAIT:
		class = a->ret < 0 ? (unsigned long)a->err : a->ret > 0 ? 1000 + a->val : 1;
		break;
	case OP_MSG:
		if (!a->ret)
			class = s->kind == K_STOP ? 1000 + a->val : 1000;
		break;
	case OP_GETSI:
		if (!a->ret)
			class = 1000 + a->si.si_signo;
		break;
	default:
		break;
	}
	switch (op->code) {
	case OP_KILL:
	case OP_TKILL:
	case OP_MKILL:
	case OP_MISC:
	case OP_ALIEN:
		arg = op->a;
		break;
	case OP_CONT:
	case OP_DETACH:
		arg = op->a ? 1 + is_stop_sig(op->a) : 0;
		break;
	default:
		break;
	}
	return mix64(st_abstract(s) | (__u64)op->code << 17 | (__u64)arg << 24 |
		     (__u64)class << 40) | 1;
}

/* Returns whether @triple is new. */
bool triple_add(__u32 triple)
{
	__u32 h = triple % TRIPLES, old;
	int tries;

	for (tries = 0; tries < 64; tries++) {
		old = 0;
		if (__atomic_compare_exchange_n(&triples[h], &old, triple, false,
						__ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
			__atomic_add_fetch(&nr_triples, 1, __ATOMIC_RELAXED);
			return true;
		}
		if (old == triple)
			return false;
		h = (h + 1) % TRIPLES;
	}
	return false;
}

/* Coverage, if it is certain which abstract state it was. */
void cover(struct worker *w, struct set *in, const struct op *op, const struct ans *a)
{
	__u32 abstract = 0, triple;
	int i;

	if (in->n > 8 || !is_request(op->code))
		return;
	for (i = 0; i < in->n; i++) {
		if (i && st_abstract(&in->s[i]) != abstract)
			return;
		abstract = st_abstract(&in->s[i]);
	}
	triple = triple_of(&in->s[0], op, a);
	if (w->goal) {
		for (i = 0; i < w->goals; i++) {
			if (w->goal[i] == triple) {
				w->goal[i] = 0;
				w->reached++;
			}
		}
		return;
	}
	if (triple_add(triple)) {
		w->fresh = w->at + 1;
		w->news++;
	}
}

/* Keep the beginning of w->seq, up to what was new. */
void keep_seq(struct worker *w)
{
	static char line[LINE_MAX_LEN];

	pthread_mutex_lock(&report_lock);
	if (nr_keep < KEEP_MAX) {
		seq_text(&w->seq, w->fresh, line, sizeof(line));
		keep[nr_keep].new = w->news;
		keep[nr_keep++].line = strdup(line);
	}
	pthread_mutex_unlock(&report_lock);
}

void save_all(const char *dir)
{
	char path[512];
	FILE *f;
	int i;

	mkdir(dir, 0777);
	for (i = 0; i < nr_keep; i++) {
		snprintf(path, sizeof(path), "%s/%06d", dir, i);
		f = fopen(path, "we");
		if (!f) {
			fprintf(stderr, "fuzz: %s: %s\n", path, strerror(errno));
			return;
		}
		fprintf(f, "%s\n", keep[i].line);
		fclose(f);
	}
}

static char *lines[4096];
static char *line_names[4096];
static int nr_lines;

/* Add the sequences in @path, a file or a directory of such. Returns 0 or -1. */
int load(const char *path)
{
	struct stat st;
	char line[LINE_MAX_LEN], name[512];
	struct dirent **list;
	const char *base;
	int i, n, nr = 0;
	FILE *f;

	if (stat(path, &st)) {
		fprintf(stderr, "fuzz: %s: %s\n", path, strerror(errno));
		return -1;
	}
	if (S_ISDIR(st.st_mode)) {
		n = scandir(path, &list, NULL, alphasort);
		for (i = 0; i < n; i++) {
			if (list[i]->d_name[0] == '.')
				continue;
			snprintf(name, sizeof(name), "%s/%s", path, list[i]->d_name);
			if (load(name))
				return -1;
		}
		return 0;
	}
	f = fopen(path, "re");
	if (!f) {
		fprintf(stderr, "fuzz: %s: %s\n", path, strerror(errno));
		return -1;
	}
	base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	while (fgets(line, sizeof(line), f)) {
		nr++;
		if (line[0] == '#' || line[0] == '\n')
			continue;
		if (nr_lines == 4096)
			break;
		lines[nr_lines] = strdup(line);
		snprintf(name, sizeof(name), "%s:%d", base, nr);
		line_names[nr_lines++] = strdup(name);
	}
	fclose(f);
	return 0;
}

struct replay {
	struct worker *w;
	int rounds;
	int next;
};

unsigned long all_failures(void)
{
	return failures[0] + failures[1] + failures[2] + failures[3];
}

/* Replay all lines[], TAP for each. */
static void *replay_main(void *arg)
{
	struct replay *r = arg;
	struct worker *w = r->w;
	const char *wrong;
	char copy[LINE_MAX_LEN];
	unsigned long before;
	int i, round;

	ctx = &w->ctx;
	for (i = 0; i < nr_lines; i++) {
		before = all_failures();
		snprintf(copy, sizeof(copy), "%s", lines[i]);
		wrong = seq_parse(&w->seq, copy);
		if (wrong) {
			say("%s: '%s'", line_names[i], wrong);
			failures[F_ANSWER]++;
		}
		for (round = 0; !wrong && round < r->rounds; round++)
			run_seq(w);
		printf("%sok %d %s\n", all_failures() == before ? "" : "not ", i + 1,
		       line_names[i]);
		fflush(stdout);
		r->next = i + 1;
		add_counts(w);
	}
	finished = true;
	return NULL;
}

/* Replay all lines[], @rounds times each. Returns the exit code. */
int replay(int rounds)
{
	struct replay r = { .w = workers[0], .rounds = rounds };
	pthread_t thread;

	nr_workers = 1;
	printf("1..%d\n", nr_lines);
	if (pthread_create(&thread, NULL, replay_main, &r))
		return 1;
	while (!finished) {
		usleep(20000);
		check_hang();
	}
	/* one that hangs, and those after it */
	while (r.next < nr_lines) {
		printf("not ok %d %s\n", r.next + 1, line_names[r.next]);
		r.next++;
	}
	say("%llu requests, %llu sequences, %d triples", requests, sequences, nr_triples);
	return all_failures() != 0;
}

static int by_news(const void *a, const void *b)
{
	return ((const typeof(keep[0]) *)b)->new - ((const typeof(keep[0]) *)a)->new;
}

/*
 * Make the corpus: CORPUS_MAX of the sequences that were kept, those that found most,
 * without the operations that are not needed to find it.
 */
void *distill_main(void *arg)
{
	struct worker *w = arg;
	static __u32 goal[4096], left[4096];
	static struct seq best;
	static char line[LINE_MAX_LEN];
	int i, j, n, size, goals;

	ctx = &w->ctx;
	memset(triples, 0, sizeof(triples));
	nr_triples = 0;
	qsort(keep, nr_keep, sizeof(keep[0]), by_news);
	for (i = 0; i < nr_keep && i < CORPUS_MAX && !stop; i++) {
		__u32 *old = malloc(sizeof(triples));

		seq_parse(&w->seq, keep[i].line);
		memcpy(old, triples, sizeof(triples));
		w->goal = NULL;
		run_seq(w);
		w->seq.n = w->fresh;
		if (w->failed || !w->fresh) {
			free(old);
			continue;
		}
		goals = 0;
		for (j = 0; j < TRIPLES; j++) {
			if (triples[j] && triples[j] != old[j] && goals < 4096)
				goal[goals++] = triples[j];
		}
		free(old);
		best = w->seq;
		w->goal = left;
		w->goals = goals;
		for (size = best.n / 2; size >= 6; size /= 2) {
			for (j = 1; j < best.n; j += n ? 0 : size) {
				n = j + size > best.n ? best.n - j : size;
				w->seq = best;
				memmove(&w->seq.op[j], &w->seq.op[j + n],
					(best.n - j - n) * sizeof(struct op));
				w->seq.n -= n;
				memcpy(left, goal, sizeof(left));
				w->reached = 0;
				run_seq(w);
				/* w->at: that it ended early would not matter */
				if (w->reached == goals)
					best = w->seq;
				else
					n = 0;
			}
		}
		seq_text(&best, best.n, line, sizeof(line));
		pthread_mutex_lock(&report_lock);
		printf("# corpus %d: %s\n", goals, line);
		fflush(stdout);
		pthread_mutex_unlock(&report_lock);
	}
	finished = true;
	return NULL;
}

