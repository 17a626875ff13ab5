// SPDX-License-Identifier: GPL-2.0
/*
 * Random sequences.
 */
#include "fuzz.h"

static const int send_sigs[] = {
	SIGSTOP, SIGCONT, SIGTSTP, SIGUSR1, SIGTTIN, SIGTTOU, SIGURG, SIGTERM, SIGKILL,
};

__u64 rnd(struct worker *w)
{
	return mix64(w->rng += 0x9e3779b97f4a7c15ULL);
}

unsigned int pick(struct worker *w, unsigned int n)
{
	return rnd(w) % n;
}

/*
 * What the generator thinks the tracee does. It does not look at the answers, so that the
 * same seed gives the same sequences. It is often right, and need not be.
 */
enum guess { G_FREE, G_RUNS, G_TRAPPED, G_LISTENS, G_DEAD };

struct gen {
	enum guess guess;
	bool pending;		/* there will be something to wait for */
	bool async;
	int exit;		/* operations left after its death */
};

static void put(struct worker *w, int code, unsigned long a, unsigned long b, unsigned long c)
{
	if (w->seq.n < MAX_OPS)
		w->seq.op[w->seq.n++] = (struct op){ code, a, b, c };
}

static unsigned long any_ptr(struct worker *w)
{
	return pick(w, 4) ? P_GOOD : pick(w, NR_PTRS);
}

/* A signal for PTRACE_CONT and so on: mostly none, some not valid. */
static unsigned long any_data(struct worker *w)
{
	static const unsigned long bad[] = {
		65, 255, ~0UL, 0x80000000UL, 1UL << (sizeof(long) * 8 - 1),
	};
	static const unsigned long good[] = {
		SIGSTOP, SIGSTOP, SIGCONT, SIGTSTP, SIGUSR1, SIGURG, SIGTTIN,
	};
	const unsigned int n = pick(w, 100);

	if (n < 55)
		return 0;
	if (n < 92)
		return good[pick(w, 7)];
	if (n < 93)
		return pick(w, 8) ? SIGUSR1 : pick(w, 2) ? SIGTERM : SIGKILL;
	return bad[pick(w, 5)];
}

static unsigned long any_options(struct worker *w)
{
	static const unsigned long some[] = {
		0, 0, 1, 0x10, 0x40, 0x51, 0x51, 0x3f, 0x100000, 0x10007f,
	};

	return some[pick(w, 10)];
}

/* Options with something that is not known. */
static unsigned long bad_options(struct worker *w)
{
	static const unsigned long some[] = {
		0x100, 0x80000, 0x400000, 0x40000000, ~0UL, 0xc0000000UL,
		/* sign-extended SEIZE_DEVEL, of a tracer of 64 bits */
		~0UL << 31, 0x7fffff00,
	};
	const unsigned long data = some[pick(w, plain ? 4 : 8)];

	/* of 32 bits, that is not wrong */
	return data == PTRACE_SEIZE_DEVEL ? 0xc0000000UL : data;
}

static int any_sig(struct worker *w, struct gen *g)
{
	const unsigned int n = pick(w, 200);
	int sig;

	if (n < 70)
		sig = SIGSTOP;
	else if (n < 140)
		sig = SIGCONT;
	else if (n < 198)
		sig = send_sigs[2 + pick(w, 5)];
	else
		sig = send_sigs[7 + pick(w, 2)];
	if (sig == SIGKILL || (sig == SIGTERM && g->guess == G_FREE))
		g->exit = 4;
	return sig;
}

/* A request that leaves the tracee where it is. */
static void put_inspect(struct worker *w)
{
	static const unsigned long sizes[] = { 8, 8, 8, 4, 0, ~0UL };

	switch (pick(w, 15)) {
	case 0: case 1: case 2:
		put(w, OP_GETSI, any_ptr(w), 0, 0);
		break;
	case 3:
		put(w, OP_SETSI, any_ptr(w), 1 + pick(w, NR_FORGED - 1), 0);
		break;
	case 4: case 5:
		put(w, OP_MSG, any_ptr(w), 0, 0);
		break;
	case 6:
		if (pick(w, 3))
			put(w, OP_SETOPT, any_options(w), 0, 0);
		else
			put(w, OP_SETOPT, pick(w, 2) ? bad_options(w) : PTRACE_SEIZE_DEVEL, 0, 0);
		break;
	case 7:
		put(w, OP_PEEK, !pick(w, 5), any_ptr(w), 0);
		break;
	case 8:
		put(w, OP_POKE, !pick(w, 5), 0, 0);
		break;
	case 9:
		put(w, OP_REGS, !pick(w, 5), any_ptr(w), 0);
		break;
	case 10:
		put(w, OP_GMASK, sizes[pick(w, 6)], any_ptr(w), 0);
		break;
	case 11:
		put(w, OP_SMASK, sizes[pick(w, 6)], pick(w, 3) ? P_GOOD : P_NULL, 0);
		break;
	case 12:
		put(w, OP_PEEKSI, pick(w, 8) ? pick(w, 2) : 2, pick(w, 8) ? pick(w, 5) : ~0UL,
		    pick(w, 5) ? P_GOOD : P_NULL);
		break;
	case 13:
		put(w, OP_SCINFO, pick(w, 5) ? 88 : pick(w, 2) * 24, any_ptr(w), 0);
		break;
	case 14:
		put(w, OP_MISC, pick(w, NR_MISC), 0, 0);
		break;
	}
}

static void put_signal(struct worker *w, struct gen *g)
{
	const int sig = any_sig(w, g);
	const unsigned int n = pick(w, 8);

	put(w, n < 4 ? OP_KILL : n < 7 ? OP_TKILL : OP_MKILL, sig, 0, 0);
	g->pending = true;
}

static void put_async(struct worker *w, struct gen *g)
{
	unsigned long all = 0;
	int i, n = 1 + pick(w, 3);

	for (i = 0; i < n; i++) {
		const int sig = pick(w, 2) ? SIGCONT : any_sig(w, g);
		const unsigned int to = pick(w, 8);

		/* the mate may be dead, and there is none before it is asked for */
		all |= (unsigned long)(sig | (to < 5 ? TO_PROCESS : TO_T) << 6) << 8 * i;
	}
	put(w, OP_ASYNC, all, pick(w, 4) ? pick(w, 2000) : 0, 0);
	g->async = true;
	g->pending = true;
}

static void put_seize(struct worker *w, struct gen *g)
{
	const unsigned int n = plain ? 12 + pick(w, 4) : pick(w, 20);

	if (n < 12) {
		put(w, OP_SEIZE, any_options(w) | PTRACE_SEIZE_DEVEL, 0, 0);
	} else if (n < 15) {
		put(w, OP_SEIZE, any_options(w), 0, 0);
	} else if (n < 16) {
		put(w, OP_ATTACH, 0, 0, 0);
		g->pending = true;
	} else if (n < 18) {
		put(w, OP_SEIZE, bad_options(w), 0, 0);
		return;
	} else {
		put(w, OP_SEIZE, PTRACE_SEIZE_DEVEL | any_options(w), pick(w, 2) ? 1 : ~0UL, 0);
		return;
	}
	if (g->guess == G_FREE)
		g->guess = G_RUNS;
}

static void put_resume(struct worker *w, struct gen *g)
{
	const unsigned int n = pick(w, 20);
	const unsigned long data = any_data(w);

	put(w, n < 13 ? OP_CONT : n < 17 ? OP_SYSC : OP_STEP, data, 0, 0);
	if (data > 64)
		return;
	g->guess = G_RUNS;
	if (n >= 13 || data)
		g->pending = true;
	if (data == SIGKILL || data == SIGTERM)
		g->exit = 4;
}

static void put_wait(struct worker *w, struct gen *g)
{
	if (pick(w, 10) < 7) {
		put(w, OP_AWAIT, 0, 0, 0);
		if (g->pending && g->guess != G_FREE)
			g->guess = G_TRAPPED;
		g->pending = false;
	} else {
		put(w, OP_WAIT, pick(w, NR_WAITS), 0, 0);
	}
}

static void put_alien(struct worker *w)
{
	static const unsigned long some[] = {
		PTRACE_INTERRUPT, PTRACE_CONT, PTRACE_DETACH, PTRACE_LISTEN, PTRACE_KILL,
		PTRACE_GETEVENTMSG, PTRACE_SEIZE, PTRACE_SEIZE, PTRACE_ATTACH,
	};
	const unsigned long request = some[pick(w, 9)];

	put(w, OP_ALIEN, request, request != PTRACE_SEIZE ? 0 :
	    !plain && pick(w, 2) ? PTRACE_SEIZE_DEVEL : bad_options(w), 0);
}

/* One operation, or two, which fit what the tracee may be doing. */
static void put_any(struct worker *w, struct gen *g)
{
	const unsigned int n = pick(w, 100);

	if (!pick(w, 200)) {
		put_alien(w);
		return;
	}
	if (!g->async && !pick(w, 40)) {
		put_async(w, g);
		return;
	}
	if (g->async && !pick(w, 8)) {
		put(w, OP_JOIN, 0, 0, 0);
		g->async = false;
		return;
	}

	switch (g->guess) {
	case G_FREE:
		if (n < 60)
			put_seize(w, g);
		else if (n < 75)
			put_signal(w, g);
		else if (n < 85)
			put(w, OP_WAIT, pick(w, NR_WAITS), 0, 0);
		else if (n < 90)
			put(w, OP_INT, 0, 0, 0);
		else
			put_inspect(w);
		break;
	case G_RUNS:
		if (g->pending && n < 50) {
			put_wait(w, g);
		} else if (n < 75) {
			put(w, OP_INT, 0, 0, 0);
			g->pending = true;
		} else if (n < 87) {
			put_signal(w, g);
		} else if (n < 89) {
			put(w, OP_CMD, !pick(w, 4) ? CMD_EXIT : CMD_EXEC, 0, 0);
			g->pending = true;
		} else if (n < 92) {
			put(w, OP_YIELD, 0, 0, 0);
		} else if (n < 94) {
			put_seize(w, g);
		} else if (n < 97) {
			put_wait(w, g);
		} else {
			put_inspect(w);
		}
		break;
	case G_TRAPPED:
		if (n < 62) {
			put_inspect(w);
		} else if (n < 72) {
			put_resume(w, g);
		} else if (n < 74) {
			put(w, OP_DETACH, any_data(w), 0, 0);
			g->guess = G_FREE;
		} else if (n < 83) {
			put_signal(w, g);
		} else if (n < 87) {
			put(w, OP_INT, 0, 0, 0);
		} else if (n < 91) {
			put(w, OP_LISTEN, 0, 0, 0);
			g->guess = G_LISTENS;
		} else {
			put_wait(w, g);
		}
		break;
	case G_LISTENS:
		if (n < 40) {
			put_signal(w, g);
			put_wait(w, g);
		} else if (n < 70) {
			put(w, OP_INT, 0, 0, 0);
			g->pending = true;
			put_wait(w, g);
		} else if (n < 85) {
			put_wait(w, g);
			g->guess = G_TRAPPED;
		} else {
			put_inspect(w);
			g->guess = G_TRAPPED;
		}
		break;
	case G_DEAD:
		put_inspect(w);
		break;
	}
}

/* A new w->seq. */
void generate(struct worker *w)
{
	struct gen g = { .guess = G_FREE };
	const unsigned int mate = !pick(w, 4);
	const int len = 150 + pick(w, 200);

	w->seq.n = 0;
	put(w, OP_NEW, pick(w, 3) | mate * NEW_MATE | !pick(w, 4) * NEW_BLOCK_CONT |
	    !pick(w, 4) * NEW_EAGER, 0, 0);
	while (w->seq.n < len) {
		put_any(w, &g);
		if (g.exit && !--g.exit)
			break;
	}
	if (g.async)
		put(w, OP_JOIN, 0, 0, 0);
	if (pick(w, 4) == 0) {
		put(w, OP_KILL, SIGKILL, 0, 0);
		put(w, OP_AWAIT, 0, 0, 0);
		put_inspect(w);
		put(w, OP_AWAIT, 0, 0, 0);
		put_inspect(w);
	}
}

