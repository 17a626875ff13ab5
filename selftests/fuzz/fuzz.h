/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of the fuzzer share.
 *
 *	fuzz.c		options, threads, the result
 *	ops.c		the operations, and sequences of them as text
 *	generate.c	random sequences
 *	worker.c	does the operations of a sequence
 *	tracee.c	what they are done to
 *	model.c		the states that a tracee may be in
 *	answers.c	the answers that the model allows
 *	corpus.c	what was found that is new; sequences in files
 *	report.c	what is printed
 */
#ifndef FUZZ_H
#define FUZZ_H

#include "group_stop.h"

#include <linux/types.h>
#include <pthread.h>

#ifndef PTRACE_GET_SYSCALL_INFO
#define PTRACE_GET_SYSCALL_INFO		0x420e
#endif

#define MAX_OPS		400
#define MAX_WORKERS	16
#define HANG_MS		(2 * DEADLINE_MS)
#define MAX_FAILURES	10	/* reported in full */
#define LINE_MAX_LEN	8192

/* --- model.c --- */

#define SETMAX		1024	/* states in a set */
#define SETHASH		4096

/* Where T is. */
enum phase {
	PH_LOOP,	/* in get_signal(): traps and signals come before user space */
	PH_KERN,	/* in a system call that it leaves: the same, then LOOP */
	PH_FREE,	/* anywhere, user space included */
	PH_TRAP,	/* TASK_TRACED */
	PH_STOPPED,	/* TASK_STOPPED, for T that is not traced */
	PH_DYING,
	PH_ZOMBIE,
	PH_GONE,	/* and reaped */
};

enum mode { MODE_NONE, MODE_ATTACH, MODE_SEIZE, MODE_NOTIFY };

enum kind {
	K_SIGNAL,	/* signal-delivery-stop */
	K_STOP,		/* PTRACE_EVENT_STOP */
	K_GSTOP,	/* group stop of a tracee that was not seized: no siginfo */
	K_EXEC,
	K_EXIT,
	K_ENTRY,	/* system call */
	K_LEAVE,
	K_STEP,		/* single-step into a signal handler */
};

/* What T does in user space. */
enum prog { PROG_PAUSE, PROG_SPIN, PROG_YIELD };

enum cmd { CMD_NONE, CMD_EXEC, CMD_EXIT };

#define NR_FORGED	6
#define NR_SIGS		9

/* What PTRACE_SETSIGINFO writes as si_code. */
extern const int forged_code[NR_FORGED];

enum { B_TRAP = 1, B_USR1 = 2, B_TERM = 4, B_CONT = 8, B_STOPS = 0xf0, B_URG = 0x100 };

struct st {
	union {
		struct {
			__u64 phase:3, mode:2, kind:3, code:16;
			__u64 unreaped:1;	/* ->exit_code of a trap, for wait */
			__u64 listening:1, deferred:1, trapping:1;
			__u64 sp:1, sc:1, sd:1;	/* STOP_PENDING, _CONSUME, _DEQUEUED */
			__u64 ts:1, tn:1, ti:1;	/* TRAP_STOP, _NOTIFY, _INTERRUPT */
			__u64 signo:5;
			__u64 gcount:2, stopped:1, continued:1, gexit:5;
			__u64 step:1, systrace:1, hdl:1;
			__u64 ran:1;	/* may have been in user space since we looked */
			__u64 kdump:1, mstopped:1;
			__u64 msp:1, msc:1;	/* the mate */
			__u64 minj:5;	/* signal that it is about to act on */

			__u64 ppend:9, spend:9, mpend:9;
			__u64 inj:7;	/* resumed with this signal, not acted on yet */
			__u64 msg:3;	/* mask of causes */
			__u64 forged:3, cmd:2, env:3;
			__u64 sysgood:1, opt_exec:1, opt_exit:1;
			__u64 dcode:14;	/* status that it dies with */
		};
		__u64 w[2];
	};
};

_Static_assert(sizeof(struct st) == 16, "struct st has padding");

struct set {
	int n;
	bool full;		/* more than SETMAX: nothing is known any more */
	__u32 stamp;
	struct st s[SETMAX];
	__u32 hash[SETHASH];	/* stamp << 11 | index */
};

/* What does not change during the life of a tracee, and what others send it. */
struct ctx {
	pid_t pid;
	enum prog prog;
	bool mate;
	__u16 blocked;	/* of both threads */
	bool attaching;		/* see react_attach() */
	int env_n;		/* signals that a helper sends meanwhile: */
	struct { int sig, target; } env[4];
};

enum target { TO_PROCESS, TO_T, TO_MATE };

extern __thread struct ctx *ctx;

__u64 mix64(__u64 x);
bool is_stop_sig(int sig);
void set_clear(struct set *set);
void set_add(struct set *set, struct st s);
void set_copy(struct set *to, const struct set *from);
void closure(struct set *set);
void frozen_closure(struct set *set);
int stop_signr(const struct st *s);
bool in_notify_trap(const struct st *s);
struct st after_signal(struct st s, int sig, enum target target, bool frozen);
bool kills_at_once(const struct st *s, int sig, enum target target);
bool must_move(const struct st *s);
void st_retrap(struct st *s);
void st_resume(struct st *s, int sig);
void st_end_listen(struct st *s);
void st_die(struct st *s, int code);
void st_unlink(struct st *s, int sig);
const char *st_text(const struct st *s, char *buf, size_t size);
__u32 st_abstract(const struct st *s);

/* --- ops.c --- */

enum op_code {
	OP_NEW, OP_SEIZE, OP_ATTACH, OP_INT, OP_LISTEN, OP_CONT, OP_SYSC, OP_STEP, OP_DETACH,
	OP_PKILL, OP_GETSI, OP_SETSI, OP_MSG, OP_SETOPT, OP_PEEK, OP_POKE, OP_REGS, OP_GMASK,
	OP_SMASK, OP_PEEKSI, OP_SCINFO, OP_MISC, OP_KILL, OP_TKILL, OP_MKILL, OP_WAIT, OP_AWAIT,
	OP_CMD, OP_ASYNC, OP_JOIN, OP_ALIEN, OP_YIELD,
	NR_OPS
};

/* Of the argument of OP_NEW, beside enum prog. */
#define NEW_PROG	3
#define NEW_MATE	4
#define NEW_BLOCK_CONT	8
#define NEW_EAGER	16	/* runs even if the tracer would like to */

enum ptr_kind {
	P_GOOD, P_NULL, P_CROSS_BAD, P_RO, P_KERNEL, P_CROSS_GOOD,
	NR_PTRS
};

enum wait_kind {
	W_PLAIN, W_UNTRACED, W_CONTINUED, W_PEEK, W_PEEK_STOP,
	NR_WAITS
};

struct op {
	__u8 code;
	unsigned long a, b, c;
};

/* Requests that change nothing, and the answers that they may have. */
#define NR_MISC		14
#define ANY_SIZE	1	/* ... and any result >= 0 */
struct misc {
	unsigned long request;
	unsigned long addr;
	unsigned long data;
	int errors[4];
	int ok;
};

extern const struct misc misc[NR_MISC];

/* On a page that a tracee shares with its tracer. */
struct page {
	unsigned long count;
	int cmd;		/* enum cmd, taken by the tracee */
	int ready;
	pid_t mate;
	unsigned long scratch[4];

	/* for the nursery */
	int wanted;		/* tracees asked for, */
	int born;		/* and made */
	unsigned long how;	/* the argument of OP_NEW */
	pid_t pid;
};

struct seq {
	int n;
	struct op op[MAX_OPS];
};

struct ans {
	long ret;
	int err;
	unsigned long val;
	siginfo_t si;
	bool any;		/* to find out what is allowed: the rest doesn't matter */
};

struct worker {
	int slot;
	pthread_t thread, helper;
	__u64 rng;
	struct page *page;
	int memfd;
	struct ctx ctx;
	struct set set[5];	/* what it may be in, the same after an answer; scratch */
	char *ptrs;		/* the pages that enum ptr_kind points to */
	int pid;		/* of the tracee, for the aliens */
	unsigned long count;	/* that we saw last */
	bool known;		/* the set says something */
	struct seq seq;
	int at;			/* operation */
	struct { long ret; unsigned long val; } log[MAX_OPS];	/* answers, or -errno */
	int fresh, news;	/* last operation with something new, + 1; how many */
	__u32 *goal;		/* triples that a replay is to reach, or NULL */
	int goals, reached;
	bool failed;
	unsigned long requests, sequences, lost;

	unsigned long beat;	/* odd: in a system call that may hang */
	unsigned long last_beat;	/* that check_hang() saw, */
	long long beat_time;	/* first then */

	/* for the helper */
	int job, done;		/* numbers, of the last one given and the last one done */
	struct { int sig, target; } send[4];
	int sends;
	unsigned long gap;
	bool alien;
	struct op alien_op;
	struct ans alien_ans;
};

void op_text(const struct op *op, char *buf, size_t size);
void seq_text(const struct seq *seq, int n, char *buf, size_t size);
const char *seq_parse(struct seq *seq, char *line);

/* --- answers.c --- */

extern const unsigned long option_mask;

bool reportable(const struct st *s);
void react(struct set *in, const struct op *op, const struct ans *a, struct set *sets,
	   struct set *out);

/* --- tracee.c --- */

struct page *map_page(int slot, int fd);
int exec_main(char **argv);
void __attribute__((noreturn)) nursery_main(struct worker *w);

/* --- worker.c --- */

bool is_request(int code);
bool ptr_reads(int kind);
bool ptr_writes(int kind);
void *helper_main(void *worker);
void run_seq(struct worker *w);

/* --- generate.c --- */

__u64 rnd(struct worker *w);
void generate(struct worker *w);

/* --- corpus.c --- */

extern int nr_triples;

void cover(struct worker *w, struct set *in, const struct op *op, const struct ans *a);
void keep_seq(struct worker *w);
void save_all(const char *dir);
void *distill_main(void *worker);
int load(const char *path);
int replay(int rounds);

/* --- report.c --- */

void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void print_set(const char *what, struct set *set);

/* --- fuzz.c --- */

enum failure { F_ANSWER, F_DEADLINE, F_ESCAPE, F_ALIEN, NR_FAILURES };

extern const char * const failure_names[NR_FAILURES];
extern unsigned long failures[NR_FAILURES];
extern pthread_mutex_t report_lock;
extern struct worker *workers[MAX_WORKERS];
extern int nr_workers;
extern __u64 seed;
extern pid_t fuzz_pid;
extern bool verbose, plain, stop, finished;
extern unsigned long long requests, sequences;

void report(struct worker *w, enum failure which, struct set *in, const struct ans *a,
	    const char *what);
void check_hang(void);
void add_counts(struct worker *w);
unsigned long all_failures(void);

#endif /* FUZZ_H */
