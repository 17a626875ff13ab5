/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What scripts/model/model compiles into pan, spin's checker, to learn more than whether a
 * property holds: RECORD_SET collects all states, as far as today's kernel has them,
 * and finds those that are not among the states of another run, in the file that
 * $KNOWN names; RECORD_EDGES collects the steps that take the first thread from state
 * to state, for states.dot.
 *
 * Both print at exit, to the file that $RECORD names.
 */
#include <stdlib.h>
#include <string.h>

struct entry {
	unsigned long key[2];
	const char *text[2];
};

static struct entry *table;
static unsigned long used, size;

/* Where key a, b with texts s, t is in the table, or has its place. Needs room there. */
static struct entry *find(unsigned long a, unsigned long b, const char *s, const char *t)
{
	unsigned long i = (a * 0x9e3779b97f4a7c15UL ^ b * 0xc2b2ae3d27d4eb4fUL) >> 17;
	struct entry *e;

	for (e = &table[i & (size - 1)]; e->text[0]; e = &table[++i & (size - 1)])
		if (e->key[0] == a && e->key[1] == b && !strcmp(e->text[0], s) &&
		    !strcmp(e->text[1], t))
			break;
	return e;
}

/* Add a key to the set, which grows as needed. Returns nothing. */
static void add(unsigned long a, unsigned long b, const char *s, const char *t)
{
	struct entry *old = table, *e;
	const unsigned long had = size;
	unsigned long i;

	if (used * 2 >= size) {
		size = size ? size * 2 : 1024;
		table = calloc(size, sizeof(*table));
		if (!table) {
			fprintf(stderr, "states.h: out of memory\n");
			exit(2);
		}
		used = 0;
		for (i = 0; i < had; i++)
			if (old[i].text[0])
				add(old[i].key[0], old[i].key[1], old[i].text[0], old[i].text[1]);
		free(old);
	}
	e = find(a, b, s, t);
	if (e->text[0])
		return;
	e->key[0] = a;
	e->key[1] = b;
	e->text[0] = s;
	e->text[1] = t;
	used++;
}

/* the bits of ->jobctl, as in group_stop.pml; both kernels' INTERRUPT is STOP here */
enum {
	J_STOP = 4, J_NOTIFY = 8, J_INTERRUPT = 16, J_TRAPPING = 32, J_LISTENING = 64,
	J_FROZEN = 128, J_TRACED = 256, J_STOP_TRAP = 1024, J_DEFERRED = 2048,
};

static FILE *record_file(void)
{
	FILE *f = fopen(getenv("RECORD") ? getenv("RECORD") : "record", "w");

	if (!f) {
		perror("states.h");
		exit(2);
	}
	return f;
}

#ifdef RECORD_SET
static void print_all(void)
{
	FILE *f = record_file();
	unsigned long i;

	for (i = 0; i < size; i++)
		if (table[i].text[0])
			fprintf(f, "%016lx%016lx\n", table[i].key[0], table[i].key[1]);
	if (fclose(f))
		exit(2);
}

/*
 * The state that pan is in, without what only the series has: JOBCTL_STOP_TRAP, and that
 * PTRACE_INTERRUPT has a flag of its own. What they are to the tracer is in the rest.
 * JOBCTL_NOTIFY_DEFERRED is kept: it must never be there.
 */
static void key(unsigned long k[2])
{
	unsigned long jc;
	int t;

	k[0] = k[1] = 0;
	for (t = 0; t < NTHREADS; t++) {
		jc = now.jc[t];
		if (jc & J_INTERRUPT)
			jc |= J_STOP;
		jc &= ~(J_INTERRUPT | J_STOP_TRAP);
		k[t] = jc;
		k[t] = k[t] << 4 | now.pc[t];
		k[t] = k[t] << 2 | now.st[t];
		k[t] = k[t] << 1 | now.tif[t];
		k[t] = k[t] << 1 | now.fatal[t];
		k[t] = k[t] << 2 | now.pt[t];
		k[t] = k[t] << 2 | now.trap[t];
		k[t] = k[t] << 2 | now.xc[t];
		k[t] = k[t] << 1 | now.then[t];
		k[t] = k[t] << 2 | now.may[t];
		k[t] = k[t] << 1 | now.status[t];
		k[t] = k[t] << 1 | now.interrupt[t];
#ifdef WITH_FORGE
		k[t] = k[t] << 1 | now.forged[t];
#endif
	}
	/* of the tracer, what it does; a look at a tracee and its lock are one */
	k[0] = k[0] << 4 | (now.tpc == 8 ? 7 : now.tpc);
	k[0] = k[0] << 2 | now.tt;
	k[0] = k[0] << 2 | now.tsl;
	k[0] = k[0] << 1 | now.told;
	k[1] = k[1] << 2 | now.count;
	k[1] = k[1] << 1 | now.sig_stopped;
	k[1] = k[1] << 1 | now.sig_cld;
	k[1] = k[1] << 1 | now.group_exit;
	k[1] = k[1] << 1 | now.group_exec;
	k[1] = k[1] << 1 | now.pend_stop;
	k[1] = k[1] << 1 | now.pend_other;
}

static int exits;

/* Note the state that pan is in. */
static void record(void)
{
	unsigned long k[2];

	if (getenv("KNOWN"))
		return;
	if (!exits++)
		atexit(print_all);
	key(k);
	add(k[0], k[1], "", "");
}

/* Is this a state that the run which has left the file $KNOWN did not come across? */
static int unknown(void)
{
	unsigned long k[2];
	FILE *f;

	if (!getenv("KNOWN"))
		return 0;
	if (!size) {
		f = fopen(getenv("KNOWN"), "r");
		if (!f) {
			perror("states.h");
			exit(2);
		}
		while (fscanf(f, "%16lx%16lx", &k[0], &k[1]) == 2)
			add(k[0], k[1], "", "");
		fclose(f);
	}
	key(k);
	return !size || !find(k[0], k[1], "", "")->text[0];
}
#endif

#ifdef RECORD_EDGES
/* The state of the tracee, as a person speaks of it. */
enum node {
	UNTRACED, UNTRACED_STOPPED, ATTACHING, RUNS, ABOUT_TO_TRAP, STOP, STOP_NOTIFY,
	STOP_REQUEST, STOP_REQUEST_NOTIFY, STOP_DEFERRED, RE_TRAPS, LISTENS, LISTEN_ENDS,
	OTHER, OTHER_NOTIFY, DIES, NODES
};

static const char * const node_name[NODES] = {
	"untraced", "untraced_stopped", "attaching", "runs", "about_to_trap", "stop",
	"stop_notify", "request", "request_notify", "deferred", "re_traps", "listens",
	"listen_ends", "other", "other_notify", "dies",
};

static enum node before_node;

static enum node node(void)
{
	const int jc = now.jc[0];
	const int pc = now.pc[0];
	const int in_stop = pc >= 4 && pc <= 5 && now.trap[0];

	if (now.fatal[0] || now.group_exit || pc >= 8)
		return DIES;
	if (!now.pt[0])
		return pc == 6 && now.st[0] == 2 ? UNTRACED_STOPPED : UNTRACED;
	if (pc == 6 && now.st[0] == 2)
		return ATTACHING;
	if (jc & J_TRAPPING)
		return RE_TRAPS;
	/* unlinked, and seized again before it could leave the trap of the last tracer */
	if (in_stop && !(jc & J_TRACED) && now.may[0] == 1)
		return jc & (1 | J_STOP | J_NOTIFY | J_INTERRUPT) ? ABOUT_TO_TRAP : RUNS;
	if (in_stop && now.trap[0] == 1 && (jc & J_LISTENING))
		return jc & J_TRACED ? LISTENS : LISTEN_ENDS;
	if (in_stop && (jc & J_TRACED)) {
		if (now.trap[0] != 1)
			return jc & J_NOTIFY ? OTHER_NOTIFY : OTHER;
		if (jc & J_DEFERRED)
			return STOP_DEFERRED;
		if (jc & J_FROZEN)
			return jc & J_NOTIFY ? STOP_REQUEST_NOTIFY : STOP_REQUEST;
		return jc & J_NOTIFY ? STOP_NOTIFY : STOP;
	}
	return jc & (1 | J_STOP | J_NOTIFY | J_INTERRUPT) ? ABOUT_TO_TRAP : RUNS;
}

static void print_all(void)
{
	FILE *f = record_file();
	unsigned long i;

	for (i = 0; i < size; i++)
		if (table[i].text[0])
			fprintf(f, "%s %s %s %s %lu\n", node_name[table[i].key[0]],
				node_name[table[i].key[1] & 255], table[i].text[0],
				table[i].text[1], table[i].key[1] >> 8);
	if (fclose(f))
		exit(2);
}

static void before(void)
{
	if (!size)
		atexit(print_all);
	before_node = node();
}

/* A step of, or to, thread now.i_ is over, in function where. */
static void after(const char *where, const char *what)
{
	add(before_node, node() | now.i_ << 8, where, what);
}
#endif
