// SPDX-License-Identifier: GPL-2.0
/*
 * The states of a tracee, and how it gets from one to the next.
 *
 * The model is a state machine of one process that we trace, plain or in notify mode, or
 * do not trace. It is not deterministic: a signal makes the tracee trap some time later,
 * and the tracer can't see when. So the fuzzer keeps the set of all states that the
 * tracee may be in. Before each request closure() adds the states that it may have
 * reached meanwhile. The answer removes the states in which it is not allowed, and turns
 * each other one into the state that the request leads to. If no state is left there is
 * a bug, in the kernel or in the model.
 *
 * The process has one thread that we trace, T. It may have another one, the mate, which
 * sleeps and is not traced. All signals that it may get are in sigs[].
 *
 * The bits of struct st are named after those of ->jobctl, ->ptrace and ->signal.
 */
#include "fuzz.h"

/* Contents of PTRACE_SETSIGINFO; si_signo is SIGTRAP in all. 0: as the kernel made it. */
const int forged_code[NR_FORGED] = {
	0, 0, SIGTRAP | 128 << 8, SIGTRAP | 0x80, SIGTRAP | 7 << 8, SIGSTOP | 128 << 8,
};

/* In the order in which they are dequeued: next_signal(). */
static const int sigs[NR_SIGS] = {
	SIGTRAP, SIGUSR1, SIGTERM, SIGCONT, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU, SIGURG,
};

__thread struct ctx *ctx;

static int sig_bit(int sig)
{
	int i;

	for (i = 0; i < NR_SIGS; i++) {
		if (sigs[i] == sig)
			return 1 << i;
	}
	return 0;
}

static int lowest_sig(unsigned int pend)
{
	return sigs[__builtin_ctz(pend)];
}

bool is_stop_sig(int sig)
{
	return sig_bit(sig) & B_STOPS;
}

static bool st_eq(const struct st *a, const struct st *b)
{
	return a->w[0] == b->w[0] && a->w[1] == b->w[1];
}

__u64 mix64(__u64 x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

void set_clear(struct set *set)
{
	set->n = 0;
	set->full = false;
	if (++set->stamp >= 1u << 20) {
		memset(set->hash, 0, sizeof(set->hash));
		set->stamp = 1;
	}
}

/* Add @s to @set, if it is not there. */
void set_add(struct set *set, struct st s)
{
	__u32 h = mix64(s.w[0] ^ mix64(s.w[1])) % SETHASH;

	while (set->hash[h] >> 11 == set->stamp) {
		if (st_eq(&set->s[set->hash[h] & 2047], &s))
			return;
		h = (h + 1) % SETHASH;
	}
	if (set->n == SETMAX) {
		set->full = true;
		return;
	}
	set->hash[h] = set->stamp << 11 | set->n;
	set->s[set->n++] = s;
}

void set_copy(struct set *to, const struct set *from)
{
	int i;

	set_clear(to);
	for (i = 0; i < from->n; i++)
		set_add(to, from->s[i]);
}

/* A group stop is in effect: task_stop_trap_signr(). Returns its signal or SIGTRAP. */
int stop_signr(const struct st *s)
{
	return s->gcount || s->stopped ? s->signo : SIGTRAP;
}

/* In a STOP trap that notify mode rules: ptrace_in_notify_trap(). */
bool in_notify_trap(const struct st *s)
{
	return s->mode == MODE_NOTIFY && s->phase == PH_TRAP && s->kind == K_STOP;
}

/* For T, or the mate. Completes the group stop if it was the last: see there. */
static void consume_stop(struct st *s, bool consume)
{
	if (!consume || !s->gcount)
		return;
	if (!--s->gcount && !s->stopped) {
		s->stopped = 1;
		s->continued = 0;
	}
}

/* task_participate_group_stop(), of T */
static void participate(struct st *s)
{
	const bool consume = s->sc;

	s->sp = 0;
	s->sc = 0;
	s->sd = 0;
	consume_stop(s, consume);
}

/* ptrace_retrap() */
void st_retrap(struct st *s)
{
	s->tn = 1;
	s->trapping = 1;
	s->phase = PH_LOOP;
	s->deferred = 0;
	/* what was not reaped stays there until what comes takes its place */
	if (!s->unreaped)
		s->code = 0;
	s->forged = 0;
	s->kind = 0;
}

/* PTRACE_CONT and the like, and the wake-up of PTRACE_DETACH. */
void st_resume(struct st *s, int sig)
{
	const enum kind kind = s->kind;

	s->unreaped = 0;
	s->forged = 0;
	s->deferred = 0;
	s->msg = 0;
	s->code = 0;
	s->kind = 0;
	switch (kind) {
	case K_SIGNAL:
		s->inj = sig;
		s->phase = PH_LOOP;
		break;
	case K_ENTRY:
	case K_LEAVE:
		s->inj = sig;
		s->phase = PH_KERN;
		break;
	case K_EXEC:
		s->phase = PH_KERN;
		break;
	case K_EXIT:
		s->phase = PH_DYING;
		s->kind = K_EXIT;
		break;
	default:
		s->phase = PH_LOOP;
		break;
	}
}

/*
 * The listening tracee is woken up to trap again. In plain mode it may be in any trap, if
 * the tracer has forged the siginfo of a STOP trap. ->exit_code is not set anew then: if
 * the wait status was not reaped, the tracee goes on as if resumed with that.
 */
void st_end_listen(struct st *s)
{
	const int msg = s->msg, code = s->unreaped && s->code <= 64 ? s->code : 0;

	s->listening = 0;
	st_resume(s, code);
	s->msg = msg;
}

/* ptrace_trap_notify(); @frozen: while a request is being served. */
static void trap_notify(struct st *s, bool frozen)
{
	if (s->phase >= PH_DYING)
		return;
	/* SIGCONT without a group stop: nothing, if a notification or a status is pending */
	if (s->mode == MODE_NOTIFY && stop_signr(s) == SIGTRAP &&
	    (s->tn || (in_notify_trap(s) && !s->listening && s->unreaped)))
		return;

	s->tn = 1;
	if (s->phase != PH_TRAP)
		return;
	if (s->listening)
		st_end_listen(s);
	else if (!in_notify_trap(s))
		return;
	else if (frozen)
		s->deferred = 1;
	else
		st_retrap(s);
}

/* The process is being killed, and will have wait status @code. */
void st_die(struct st *s, int code)
{
	struct st dead = { { { 0 } } };

	dead.phase = PH_DYING;
	dead.mode = s->mode;
	dead.opt_exit = s->opt_exit;
	dead.dcode = code;
	dead.env = s->env;
	dead.ran = s->ran;
	*s = dead;
}

/* A signal is sent: prepare_signal() and what follows. */
struct st after_signal(struct st s, int sig, enum target target, bool frozen)
{
	const int bit = sig_bit(sig);
	const bool traced = (s.mode != MODE_NONE || ctx->attaching) && target != TO_MATE;

	if (s.phase >= PH_DYING) {
		/*
		 * SIGKILL ends a core dump, even one that has nothing to write, and
		 * the process then died of that.
		 */
		if (sig == SIGKILL && s.dcode == SIGTRAP)
			s.kdump = 1;
		return s;
	}
	if (s.phase == PH_TRAP && s.kind == K_EXIT)
		return s;	/* group exit has begun, all is dropped */
	if (sig == SIGKILL) {
		st_die(&s, SIGKILL);
		return s;
	}

	if (is_stop_sig(sig)) {
		s.ppend &= ~B_CONT;
		s.spend &= ~B_CONT;
		s.mpend &= ~B_CONT;
	} else if (sig == SIGCONT) {
		s.ppend &= ~B_STOPS;
		s.spend &= ~B_STOPS;
		s.mpend &= ~B_STOPS;
		s.sp = 0;
		s.sc = 0;
		s.sd = 0;
		if (s.mode >= MODE_SEIZE)
			trap_notify(&s, frozen);
		else if (s.phase == PH_STOPPED)
			s.phase = PH_LOOP;
		s.msp = 0;
		s.msc = 0;
		if (is_stop_sig(s.minj))
			s.minj = 0;
		s.mstopped = 0;
		if (s.stopped || s.gcount) {
			s.stopped = 0;
			s.continued = 1;
			s.gcount = 0;
			s.gexit = 0;
		}
	}

	/* sig_ignored(); of a tracee none is */
	if (!(bit & ctx->blocked) && !traced && (bit & (B_CONT | B_URG)))
		return s;
	if (target == TO_PROCESS)
		s.spend |= bit;
	else if (target == TO_T)
		s.ppend |= bit;
	else
		s.mpend |= bit;
	return s;
}

/*
 * May a signal that is being sent end the process at once? complete_signal() does that if
 * it finds an untraced thread that can take the signal now, also one on its way to a stop.
 * The signal is not queued then, and is not taken after others.
 */
bool kills_at_once(const struct st *s, int sig, enum target target)
{
	if (s->phase >= PH_DYING || (sig_bit(sig) & ctx->blocked) ||
	    !(sig == SIGTERM || (sig == SIGUSR1 && !s->hdl)))
		return false;
	if (target == TO_MATE)
		return ctx->mate && !s->mstopped;
	if (s->mode != MODE_NONE)
		return false;
	return s->phase != PH_STOPPED || (target == TO_PROCESS && ctx->mate && !s->mstopped);
}

/* The mate acts on a stop signal: do_signal_stop(). */
static void mate_stops(struct st *s, int sig, bool frozen)
{
	if (!s->msp) {
		if (!s->stopped)
			s->gexit = sig;
		s->msp = 1;
		s->msc = 1;
		s->gcount = 1;
		if (s->phase != PH_STOPPED) {
			s->sp = 1;
			s->sc = 1;
			s->signo = sig;
			s->gcount = 2;
			if (s->mode >= MODE_SEIZE)
				trap_notify(s, frozen);
		}
	}
}

/* The mate stops, in the group stop that it has been told of. */
static void mate_participates(struct st *s)
{
	const bool consume = s->msc;

	s->msp = 0;
	s->msc = 0;
	s->mstopped = 1;
	consume_stop(s, consume);
}

/* The mate delivers @sig. */
static struct st mate_delivers(struct st s, int sig, bool frozen)
{
	if (!s.minj) {
		/* acts on it later, see loop_next() */
		s.minj = sig;
		return s;
	}
	s.minj = 0;
	if (is_stop_sig(sig))
		mate_stops(&s, sig, frozen);
	else if (sig == SIGTERM || sig == SIGTRAP)
		st_die(&s, sig);
	return s;
}

/* T takes part in the group stop that was begun before, not traced. */
static void t_stops(struct st *s)
{
	participate(s);
	s->phase = PH_STOPPED;
}

/* T traps: ptrace_stop(). */
static void take_trap(struct st *s, enum kind kind, int code)
{
	const bool again = s->trapping && s->mode == MODE_NOTIFY;

	if (kind == K_STOP && s->mode == MODE_NOTIFY)
		s->msg |= s->ts * 1 | s->tn * 2 | (s->ti && !again) * 4;
	else
		s->msg = 0;
	s->phase = PH_TRAP;
	s->kind = kind;
	s->code = code;
	s->unreaped = 1;
	s->forged = 0;
	s->listening = 0;
	s->deferred = 0;
	if ((kind == K_STOP || kind == K_GSTOP) && s->sp)
		participate(s);
	s->ts = 0;
	if (!again)
		s->ti = 0;
	if (s->mode != MODE_NOTIFY && kind == K_STOP)
		s->tn = 0;
	s->trapping = 0;
}

/* T delivers @sig, after its signal-delivery-stop if it is traced. */
static void t_delivers(struct st s, int sig, struct set *out)
{
	s.inj = 0;
	s.phase = PH_LOOP;

	if (is_stop_sig(sig)) {
		if (!s.sp) {
			if (!s.sd) {	/* SIGCONT came in between */
				set_add(out, s);
				return;
			}
			if (!s.stopped)
				s.gexit = sig;
			s.sp = 1;
			s.sc = 1;
			s.signo = sig;
			/* the thread that starts a group stop is notified as well */
			if (s.mode == MODE_NOTIFY)
				s.tn = 1;
			s.gcount = 1;
			if (ctx->mate && !s.mstopped) {
				s.msp = 1;
				s.msc = 1;
				s.gcount = 2;
			}
		}
		if (s.mode == MODE_NONE)
			t_stops(&s);
		else
			s.ts = 1;
	} else if (sig == SIGKILL || sig == SIGTERM || sig == SIGTRAP ||
		   (sig == SIGUSR1 && !s.hdl)) {
		st_die(&s, sig);
	} else if (sig == SIGUSR1 && s.step && s.mode != MODE_NONE) {
		/* signal_delivered() */
		struct st t = s;

		take_trap(&t, K_STEP, SIGTRAP);
		set_add(out, t);
	}
	set_add(out, s);
}

/* Whether a signal, a stop or a trap is pending for T. */
static bool t_pending(const struct st *s)
{
	return s->sp || s->ts || s->tn || s->ti ||
	       ((s->ppend | s->spend) & ~ctx->blocked);
}

static bool mate_busy(const struct st *s)
{
	return ctx->mate && s->phase < PH_DYING && !s->mstopped &&
	       (s->msp || s->minj || ((s->mpend | s->spend) & ~ctx->blocked));
}

/* What others than T may do next. */
static void others_next(const struct st *s, bool frozen, struct set *out)
{
	unsigned int pend;
	struct st t;

	if (s->env < ctx->env_n) {
		t = after_signal(*s, ctx->env[s->env].sig, ctx->env[s->env].target, frozen);
		t.env = s->env + 1;
		set_add(out, t);
		if (kills_at_once(s, ctx->env[s->env].sig, ctx->env[s->env].target)) {
			t = *s;
			t.env = s->env + 1;
			st_die(&t, ctx->env[s->env].sig);
			set_add(out, t);
		}
	}
	if (!mate_busy(s))
		return;

	t = *s;
	if (t.minj) {
		t = mate_delivers(t, t.minj, frozen);
		set_add(out, t);
		return;
	}
	if (t.msp) {
		mate_participates(&t);
		set_add(out, t);
		return;
	}
	pend = s->mpend & ~ctx->blocked;
	if (pend) {
		t.mpend &= ~(pend & -pend);
		set_add(out, mate_delivers(t, lowest_sig(pend), frozen));
		return;
	}
	pend = s->spend & ~ctx->blocked;
	t.spend &= ~(pend & -pend);
	set_add(out, mate_delivers(t, lowest_sig(pend), frozen));
}

/* In get_signal(). */
static void loop_next(struct st s, struct set *out)
{
	unsigned int pend;
	int sig = s.inj, signr;

	if (sig) {
		/* resumed from a signal-delivery-stop: ptrace_signal() */
		s.inj = 0;
		if (sig_bit(sig) & ctx->blocked) {
			/* requeued to where it came from; the model doesn't know where */
			set_add(out, after_signal(s, sig, TO_T, false));
			set_add(out, after_signal(s, sig, TO_PROCESS, false));
			return;
		}
		t_delivers(s, sig, out);
		return;
	}
	if (s.sp) {
		if (s.mode == MODE_NONE) {
			t_stops(&s);
			set_add(out, s);
			return;
		}
		s.ts = 1;
	}
	if (s.ts || s.tn || s.ti) {
		if (s.mode == MODE_ATTACH) {
			take_trap(&s, K_GSTOP, s.signo);
		} else {
			signr = stop_signr(&s);
			take_trap(&s, K_STOP, signr | 128 << 8);
		}
		set_add(out, s);
		return;
	}
	pend = s.ppend & ~ctx->blocked;
	if (pend) {
		s.ppend &= ~(pend & -pend);
	} else {
		pend = s.spend & ~ctx->blocked;
		s.spend &= ~(pend & -pend);
	}
	if (!pend) {
		s.phase = PH_FREE;
		s.ran = 1;
		set_add(out, s);
		return;
	}
	sig = lowest_sig(pend);
	if (sig_bit(sig) & B_STOPS)
		s.sd = 1;
	if (s.mode == MODE_NONE) {
		/*
		 * It acts on the signal later: siglock is released before a group exit
		 * and to look for an orphaned process group. It may become a tracee
		 * before that, since PTRACE_ATTACH takes no siglock for it.
		 */
		s.inj = sig;
		set_add(out, s);
	} else {
		s.sd = 1;
		take_trap(&s, K_SIGNAL, sig);
		set_add(out, s);
	}
}

/* T may stop for a system call. */
static void syscall_next(const struct st *s, struct set *out)
{
	const int code = SIGTRAP | (s->sysgood ? 0x80 : 0);
	struct st t = *s;

	if (!s->systrace)
		return;
	take_trap(&t, K_LEAVE, code);
	set_add(out, t);
	if (s->phase == PH_FREE) {
		t = *s;
		take_trap(&t, K_ENTRY, code);
		set_add(out, t);
	}
}

/* T executes the program, or exits, that it has been told to. */
static void cmd_next(const struct st *s, struct set *out)
{
	struct st t = *s;

	if (s->cmd == CMD_EXEC) {
		t.cmd = CMD_NONE;
		t.hdl = 0;
		t.phase = PH_KERN;
		if (t.opt_exec)
			take_trap(&t, K_EXEC, SIGTRAP | PTRACE_EVENT_EXEC << 8);
		else if (t.mode == MODE_ATTACH)
			t.ppend |= B_TRAP;
		set_add(out, t);
	} else if (s->cmd == CMD_EXIT) {
		st_die(&t, 7 << 8);
		set_add(out, t);
	}
}

static void free_next(const struct st *s, struct set *out)
{
	struct st t = *s;

	syscall_next(s, out);
	if (s->step && !(s->ppend & B_TRAP)) {
		t.ppend |= B_TRAP;
		set_add(out, t);
		t = *s;
	}
	if (!s->hdl) {
		t.hdl = 1;
		set_add(out, t);
		t = *s;
	}
	cmd_next(s, out);
	if (t_pending(s)) {
		t.phase = PH_LOOP;
		set_add(out, t);
	}
}

/* What @s may become next, without the tracer doing anything. */
static void next(const struct st *s, struct set *out)
{
	struct st t = *s;

	others_next(s, false, out);

	switch (s->phase) {
	case PH_LOOP:
		loop_next(*s, out);
		break;
	case PH_KERN:
		if (s->inj) {
			/* out of a system call stop: send_sig() */
			t = after_signal(*s, s->inj, TO_T, false);
			t.inj = 0;
			set_add(out, t);
			break;
		}
		syscall_next(s, out);
		/* it may be this that T has just entered */
		cmd_next(s, out);
		if (s->step && !(s->ppend & B_TRAP)) {
			t.ppend |= B_TRAP;
			set_add(out, t);
			t = *s;
		}
		t.phase = t_pending(s) ? PH_LOOP : PH_FREE;
		if (t.phase == PH_FREE)
			t.ran = 1;
		set_add(out, t);
		break;
	case PH_FREE:
		free_next(s, out);
		break;
	case PH_DYING:
		/*
		 * Another SIGKILL on the way there prevents the exit trap. There is
		 * only one: ->kind tells if it was taken.
		 */
		t.phase = PH_ZOMBIE;
		set_add(out, t);
		if (s->opt_exit && s->mode != MODE_NONE && s->kind != K_EXIT) {
			t = *s;
			take_trap(&t, K_EXIT, SIGTRAP | PTRACE_EVENT_EXIT << 8);
			set_add(out, t);
		}
		break;
	default:
		break;
	}
}

/* Whether @s can't last: something is going to happen that next() tells of. */
bool must_move(const struct st *s)
{
	if (s->env < ctx->env_n)
		return true;
	/* a signal to the process may not have been for the mate to take */
	if (mate_busy(s) && (s->msp || s->minj || (s->mpend & ~ctx->blocked)))
		return true;

	switch (s->phase) {
	case PH_LOOP:
	case PH_KERN:
	case PH_DYING:
		return true;
	case PH_FREE:
		if (t_pending(s) || !s->hdl)
			return true;
		if (ctx->prog == PROG_PAUSE)
			return false;
		return s->cmd || s->step || (s->systrace && ctx->prog == PROG_YIELD);
	default:
		return false;
	}
}

/* Add to @set all that its states may have become. */
void closure(struct set *set)
{
	int i;

	for (i = 0; i < set->n && !set->full; i++) {
		const struct st s = set->s[i];

		if (s.phase == PH_TRAP && s.env == ctx->env_n && !mate_busy(&s))
			continue;
		next(&s, set);
	}
}

/* The same for one frozen tracee: others act, it does not. */
void frozen_closure(struct set *set)
{
	int i;

	for (i = 0; i < set->n && !set->full; i++) {
		const struct st s = set->s[i];

		if (s.phase == PH_TRAP)
			others_next(&s, true, set);
	}
}

/* __ptrace_unlink(), of a tracee that is trapped. */
void st_unlink(struct st *s, int sig)
{
	s->mode = MODE_NONE;
	s->ts = 0;
	s->tn = 0;
	s->ti = 0;
	s->step = 0;
	s->systrace = 0;
	s->sysgood = 0;
	s->opt_exec = 0;
	s->opt_exit = 0;
	if ((s->gcount || s->stopped) && s->kind != K_EXIT)
		s->sp = 1;
	st_resume(s, sig);
}

/* For a person: @s in one line of @buf. Returns @buf. */
const char *st_text(const struct st *s, char *buf, size_t size)
{
	static const char * const phases[] = {
		[PH_LOOP] = "LOOP", [PH_KERN] = "KERN", [PH_FREE] = "FREE", [PH_TRAP] = "TRAP",
		[PH_STOPPED] = "STOPPED", [PH_DYING] = "DYING", [PH_ZOMBIE] = "ZOMBIE",
		[PH_GONE] = "GONE",
	};
	static const char * const modes[] = {
		[MODE_NONE] = "untraced", [MODE_ATTACH] = "attached", [MODE_SEIZE] = "seized",
		[MODE_NOTIFY] = "notify",
	};
	static const char * const kinds[] = {
		[K_SIGNAL] = "signal", [K_STOP] = "STOP", [K_GSTOP] = "group-stop",
		[K_EXEC] = "exec", [K_EXIT] = "exit", [K_ENTRY] = "entry", [K_LEAVE] = "leave",
		[K_STEP] = "step",
	};

	snprintf(buf, size,
		 "%s %s%s%s code=%#x%s%s%s%s sp%d sc%d sd%d ts%d tn%d ti%d signo=%d count=%d stopped=%d cont=%d gexit=%d pend=%#x/%#x/%#x inj=%d/%d msg=%d forged=%d cmd=%d hdl=%d step%d sys%d mate:%s sp%d sc%d env=%d ran%d dcode=%#x",
		 modes[s->mode], phases[s->phase], s->phase == PH_TRAP ? "/" : "",
		 s->phase == PH_TRAP ? kinds[s->kind] : "", s->code,
		 s->unreaped ? " unreaped" : "", s->listening ? " listening" : "",
		 s->trapping ? " trapping" : "", s->deferred ? " deferred" : "",
		 s->sp, s->sc, s->sd, s->ts, s->tn, s->ti, s->signo, s->gcount, s->stopped,
		 s->continued, s->gexit, s->ppend, s->spend, s->mpend, s->inj, s->minj, s->msg,
		 s->forged, s->cmd, s->hdl, s->step, s->systrace,
		 s->mstopped ? "stopped" : "runs", s->msp, s->msc, s->env, s->ran, s->dcode);
	return buf;
}

/*
 * The part of @s by which coverage is counted: what the contract speaks of, and not
 * how often or with which signal.
 */
__u32 st_abstract(const struct st *s)
{
	return s->phase | s->mode << 3 | s->kind << 5 | s->unreaped << 8 |
	       s->listening << 9 | s->tn << 10 | s->ti << 11 | s->sp << 12 |
	       (s->stopped || s->gcount) << 13 | !!s->forged << 14 | s->trapping << 15 |
	       (s->env < ctx->env_n) << 16;
}
