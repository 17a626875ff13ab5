// SPDX-License-Identifier: GPL-2.0
/*
 * Which answers the model allows to an operation in a state, and what state it leads to.
 */
#include "fuzz.h"

static bool is_error(const struct ans *a, int err)
{
	return a->ret < 0 && a->err == err;
}

static bool is_ok(const struct ans *a)
{
	return a->ret == 0;
}

#define MATCH(a, got, want)	((a)->any || (unsigned long)(got) == (unsigned long)(want))

bool reportable(const struct st *s)
{
	/* also on its way to a re-trap: see retrap() */
	return (s->unreaped && (s->phase == PH_TRAP || s->trapping) && !s->listening) ||
	       s->phase == PH_ZOMBIE;
}

const unsigned long option_mask = 0x3000ff;

static void set_options(struct st *s, unsigned long options)
{
	s->sysgood = !!(options & PTRACE_O_TRACESYSGOOD);
	s->opt_exec = !!(options & PTRACE_O_TRACEEXEC);
	s->opt_exit = !!(options & PTRACE_O_TRACEEXIT);
}

/*
 * PTRACE_SEIZE and ATTACH. They return when a stopped tracee has trapped. Until then
 * ->trapping is set, in any mode; the caller drops these states.
 */
static void react_attach(struct st s, const struct op *op, const struct ans *a,
			 struct set *between, struct set *out)
{
	struct st t;
	int i;
	const bool seize = op->code == OP_SEIZE;
	/* a 32-bit tracer passes no upper half */
	const unsigned long options = op->a & ~(unsigned long)PTRACE_SEIZE_DEVEL;

	if (s.phase == PH_GONE) {
		if (is_error(a, ESRCH))
			set_add(out, s);
		return;
	}
	if (seize && (op->b || (options & ~option_mask))) {
		if (is_error(a, EIO))
			set_add(out, s);
		return;
	}
	/* SUSPEND_SECCOMP: needs configuration and privilege */
	if (seize && (options & (1 << 21)) && (is_error(a, EINVAL) || is_error(a, EPERM))) {
		set_add(out, s);
		return;
	}
	if (s.mode != MODE_NONE || s.phase == PH_ZOMBIE) {
		if (is_error(a, EPERM))
			set_add(out, s);
		return;
	}
	if (s.phase == PH_DYING && is_error(a, EPERM))
		set_add(out, s);	/* no mm any more, see __ptrace_may_access() */
	if (!is_ok(a))
		return;

	s.mode = !seize ? MODE_ATTACH :
		 op->a & PTRACE_SEIZE_DEVEL ? MODE_NOTIFY : MODE_SEIZE;
	if (seize)
		set_options(&s, op->a);
	/*
	 * ptrace_attach() makes it a tracee first. Then it takes siglock to see if it is
	 * stopped, or to send SIGSTOP.
	 */
	set_clear(between);
	set_add(between, s);
	if (s.env < ctx->env_n) {
		/*
		 * It may become one while a signal is sent, between prepare_signal()
		 * and sig_ignored().
		 */
		t = s;
		t.mode = MODE_NONE;
		ctx->attaching = true;
		t = after_signal(t, ctx->env[s.env].sig, ctx->env[s.env].target, false);
		ctx->attaching = false;
		t.mode = s.mode;
		t.env = s.env + 1;
		set_add(between, t);
	}
	closure(between);
	if (between->full)
		out->full = true;
	for (i = 0; i < between->n; i++) {
		s = between->s[i];
		if (!seize)
			s = after_signal(s, SIGSTOP, TO_T, false);
		if (s.phase == PH_STOPPED) {
			s.ts = 1;
			s.trapping = 1;
			s.phase = PH_LOOP;
		}
		set_add(out, s);
	}
}

/* What PTRACE_GETSIGINFO returns in trap @s. */
static bool siginfo_matches(const struct st *s, const struct ans *a)
{
	const siginfo_t *si = &a->si;
	int signr = SIGTRAP, code = s->code;

	if (a->any)
		return true;
	if (in_notify_trap(s)) {
		signr = stop_signr(s);
		return si->si_signo == signr && si->si_code == (signr | 128 << 8) &&
		       si->si_status == (signr == SIGTRAP ? 0 : signr) &&
		       (s->forged || si->si_pid == ctx->pid);
	}
	if (s->forged)
		return si->si_signo == SIGTRAP && si->si_code == forged_code[s->forged];
	if (s->kind == K_SIGNAL)
		return si->si_signo == s->code;
	if (s->kind == K_STOP)
		return si->si_signo == (s->code & 0x7f) && si->si_code == code &&
		       !si->si_status && si->si_pid == ctx->pid;
	return si->si_signo == SIGTRAP && si->si_code == code && si->si_pid == ctx->pid;
}

static bool eventmsg_matches(const struct st *s, const struct ans *a)
{
	switch (s->kind) {
	case K_STOP:
		return MATCH(a, a->val, s->mode == MODE_NOTIFY ? s->msg << 8 : 0);
	case K_EXEC:
		return MATCH(a, a->val, ctx->pid);
	case K_EXIT:
		return s->kdump || MATCH(a, a->val, s->dcode);
	case K_ENTRY:
		return MATCH(a, a->val, 1);
	case K_LEAVE:
		return MATCH(a, a->val, 2);
	default:
		return MATCH(a, a->val, 0);
	}
}

/* The size that PTRACE_GET_SYSCALL_INFO returns. It believes the siginfo. */
static bool scinfo_matches(const struct st *s, long size)
{
	int code = 0;

	if (s->forged)
		code = forged_code[s->forged];
	else if (s->kind == K_ENTRY || s->kind == K_LEAVE)
		code = s->code;
	if (in_notify_trap(s))
		code = 0;
	if (code == (SIGTRAP | 0x80) && s->kind == K_ENTRY)
		return size == 80;
	if (code == (SIGTRAP | 0x80) && s->kind == K_LEAVE)
		return size == 33;
	/* 88 since there is something behind ret_data */
	if (code == (SIGTRAP | 7 << 8))
		return size == 84 || size == 88;
	return size == 24;
}

/* PTRACE_LISTEN in trap @s. */
static void react_listen(struct st s, const struct ans *a, struct set *out)
{
	bool listen = s.kind == K_STOP;
	bool again = s.tn;

	/* a plain tracee's trap is what its siginfo says */
	if (s.mode != MODE_NOTIFY) {
		if (s.kind == K_GSTOP)
			listen = false;
		else if (s.forged)
			listen = forged_code[s.forged] >> 8 == 128;
	} else {
		again |= s.ti;
	}
	if (s.mode < MODE_SEIZE || !listen) {
		if (is_error(a, EIO))
			set_add(out, s);
		return;
	}
	if (!is_ok(a))
		return;
	s.listening = 1;
	if (again)
		st_end_listen(&s);
	set_add(out, s);
}

/* May a SIGCONT, of those that a helper sends, take stop signals out of the queues meanwhile? */
static bool cont_may_come(const struct st *s)
{
	int i;

	for (i = s->env; i < ctx->env_n; i++)
		if (ctx->env[i].sig == SIGCONT)
			return true;
	return false;
}

/* The error that request @op on trap @s has to end with, 0 if none. */
static int error_of(const struct st *s, const struct op *op)
{
	switch (op->code) {
	case OP_CONT:
	case OP_SYSC:
		return op->a > 64 ? EIO : 0;
	case OP_STEP:
		return op->a > 64 || lacks_single_step() ? EIO : 0;
	case OP_DETACH:
		/* an int there */
		return (unsigned int)op->a > 64 ? EIO : 0;
	case OP_GETSI:
		return s->kind == K_GSTOP ? EINVAL : ptr_writes(op->a) ? 0 : EFAULT;
	case OP_SETSI:
		return !ptr_reads(op->a) ? EFAULT : s->kind == K_GSTOP ? EINVAL : 0;
	case OP_MSG:
		return ptr_writes(op->a) ? 0 : EFAULT;
	case OP_SETOPT:
		return op->a & ~option_mask ? EINVAL : 0;
	case OP_PEEK:
		return op->a ? EIO : ptr_writes(op->b) ? 0 : EFAULT;
	case OP_POKE:
		return op->a ? EIO : 0;
	case OP_REGS:
		/* the iovec is read, and written to if all went well */
		if (!ptr_reads(op->b) || (!op->a && op->b == P_RO))
			return EFAULT;
		return op->a ? EINVAL : 0;
	case OP_GMASK:
		return op->a != 8 ? EINVAL : ptr_writes(op->b) ? 0 : EFAULT;
	case OP_SMASK:
		return op->a != 8 ? EINVAL : ptr_reads(op->b) ? 0 : EFAULT;
	case OP_PEEKSI:
		return !ptr_reads(op->c) ? EFAULT :
		       op->a & ~1UL || (int)op->b < 0 ? EINVAL : 0;
	case OP_SCINFO:
		return op->a && !ptr_writes(op->b) ? EFAULT : 0;
	default:
		return 0;
	}
}

/* Errors that request @op may end with instead. */
static bool may_fail(const struct st *s, const struct op *op, const struct ans *a)
{
	int i;

	switch (op->code) {
	case OP_SETOPT:
		/* SUSPEND_SECCOMP: needs configuration and privilege */
		return !(op->a & ~option_mask) && (op->a & (1 << 21)) &&
		       (is_error(a, EINVAL) || is_error(a, EPERM));
	case OP_PEEK:
	case OP_POKE:
		/* a program that has just been executed has no such page yet */
		return !s->hdl && is_error(a, EIO);
	case OP_REGS:
		return op->a && is_error(a, EINVAL);
	case OP_MISC:
		for (i = 0; i < 4; i++) {
			if (misc[op->a].errors[i] && is_error(a, misc[op->a].errors[i]))
				return true;
		}
		return false;
	default:
		return false;
	}
}

/* May PTRACE_PEEKSIGINFO have found @a->ret signals in the queue @queued? */
static bool peeked_matches(const struct st *s, __u16 queued, int wanted, const struct ans *a)
{
	const int n = __builtin_popcount(queued);

	/* what is pending for one that dies is not looked at any more */
	if (a->any || s->kind == K_EXIT)
		return true;
	/* siglock is released after each of them */
	return a->ret == (n < wanted ? n : wanted) || (a->ret < n && cont_may_come(s));
}

/* A request that needs a trap, in trap @s, which is not listening. */
static void react_trapped(struct st s, const struct op *op, const struct ans *a,
			  struct set *out)
{
	const int err = error_of(&s, op);
	bool right = is_ok(a);

	if (op->code == OP_LISTEN) {
		react_listen(s, a, out);
		return;
	}
	if ((err && is_error(a, err)) || may_fail(&s, op, a))
		set_add(out, s);
	if (err)
		return;

	switch (op->code) {
	case OP_CONT:
	case OP_SYSC:
	case OP_STEP:
		s.systrace = op->code == OP_SYSC;
		s.step = op->code == OP_STEP;
		st_resume(&s, op->a);
		break;
	case OP_DETACH:
		st_unlink(&s, (unsigned int)op->a);
		break;
	case OP_GETSI:
		right = right && siginfo_matches(&s, a);
		/* not acknowledged if there was a change meanwhile */
		if (in_notify_trap(&s) && !s.deferred)
			s.tn = 0;
		break;
	case OP_SETSI:
		s.forged = op->a == P_RO ? 1 : op->b;
		break;
	case OP_MSG:
		right = right && eventmsg_matches(&s, a);
		break;
	case OP_SETOPT:
		set_options(&s, op->a);
		break;
	case OP_PEEK:
	case OP_POKE:
	case OP_GMASK:
		right = right && MATCH(a, a->val, 1);
		break;
	case OP_PEEKSI:
		right = a->ret >= 0 &&
			peeked_matches(&s, op->a == 1 ? s.spend : s.ppend, op->b, a);
		break;
	case OP_SCINFO:
		right = a->ret >= 0 && (a->any || scinfo_matches(&s, a->ret));
		break;
	case OP_MISC:
		right = a->ret >= 0 && misc[op->a].ok;
		break;
	}
	if (right)
		set_add(out, s);
}

/* wait4() and waitid(). */
static void react_wait(struct st s, int kind, const struct ans *a, struct set *later,
		       struct set *out)
{
	int i;
	const bool peek = kind >= W_PEEK;
	unsigned long status;

	if (s.phase == PH_GONE) {
		if (is_error(a, ECHILD))
			set_add(out, s);
		return;
	}
	if (s.phase == PH_ZOMBIE) {
		if (kind == W_PEEK_STOP) {
			/*
			 * Nothing is left to wait for, unless the mate is not gone
			 * yet: wait_consider_task().
			 */
			if (is_error(a, ECHILD) ||
			    (s.mode == MODE_NONE && ctx->mate && is_ok(a)))
				set_add(out, s);
			return;
		}
		if (a->ret > 0 && (MATCH(a, a->val, s.dcode) ||
				   (s.kdump && a->val == SIGKILL))) {
			if (!peek)
				s.phase = PH_GONE;
			set_add(out, s);
		}
		return;
	}

	if (a->ret < 0) {
		/* a group leader that is dead, and not to be reaped before the mate is */
		if (kind == W_PEEK_STOP && s.phase == PH_DYING && ctx->mate &&
		    s.mode != MODE_NONE && is_error(a, ECHILD))
			set_add(out, s);
		return;
	}

	if (s.mode != MODE_NONE) {
		if (reportable(&s)) {
			status = s.code << 8 | 0x7f;
			if (a->ret > 0 && MATCH(a, a->val, status)) {
				if (!peek)
					s.unreaped = 0;
				if (!peek && s.phase != PH_TRAP)
					s.code = 0;
				set_add(out, s);
			}
			return;
		}
	} else if ((kind == W_UNTRACED || kind == W_CONTINUED || peek) && s.stopped && s.gexit) {
		status = s.gexit << 8 | 0x7f;
		if (a->ret > 0 && MATCH(a, a->val, status)) {
			if (!peek)
				s.gexit = 0;
			set_add(out, s);
		}
		return;
	}
	if (kind == W_CONTINUED && s.continued) {
		if (a->ret > 0 && MATCH(a, a->val, 0xffff)) {
			s.continued = 0;
			set_add(out, s);
		}
		if (a->ret)
			return;
		/* it may stop between the look for a stop and that for its end */
		set_clear(later);
		set_add(later, s);
		closure(later);
		for (i = 0; i < later->n; i++) {
			if (!later->s[i].continued)
				set_add(out, later->s[i]);
		}
		if (later->full)
			out->full = true;
		return;
	}
	if (a->ret == 0)
		set_add(out, s);
}

/* The same, while others send signals: it is frozen. @sets: two to use in between. */
static void react_frozen(struct st s, const struct op *op, const struct ans *a,
			 struct set *sets, struct set *out)
{
	struct set *frozen = &sets[0], *made = &sets[1];
	int i;

	set_clear(frozen);
	set_clear(made);
	set_add(frozen, s);
	frozen_closure(frozen);
	for (i = 0; i < frozen->n; i++) {
		if (frozen->s[i].phase == PH_TRAP)
			react_trapped(frozen->s[i], op, a, made);
	}
	for (i = 0; i < made->n; i++) {
		s = made->s[i];
		/* ptrace_unfreeze_traced() */
		if (s.phase == PH_TRAP && s.deferred)
			st_retrap(&s);
		set_add(out, s);
	}
	if (frozen->full || made->full)
		out->full = true;
}

/*
 * What @op, answered with @a, makes of each state of @in: added to @out. @sets are
 * two for use in between.
 */
void react(struct set *in, const struct op *op, const struct ans *a,
		  struct set *sets, struct set *out)
{
	struct st s;
	int i, target;

	for (i = 0; i < in->n; i++) {
		s = in->s[i];
		switch (op->code) {
		case OP_SEIZE:
		case OP_ATTACH:
			react_attach(s, op, a, &sets[0], out);
			break;
		case OP_WAIT:
		case OP_AWAIT:
			react_wait(s, op->code == OP_WAIT ? op->a : W_PLAIN, a, &sets[0], out);
			break;
		case OP_KILL:
		case OP_TKILL:
		case OP_MKILL:
			target = op->code == OP_KILL ? TO_PROCESS :
				 op->code == OP_TKILL ? TO_T : TO_MATE;
			if (s.phase == PH_GONE ? is_error(a, ESRCH) : is_ok(a) ||
			    /* the mate dies with T, and is not there for long */
			    (target == TO_MATE && (s.phase >= PH_DYING ||
						   s.kind == K_EXIT) && is_error(a, ESRCH))) {
				set_add(out, after_signal(s, op->a, target, false));
				if (is_ok(a) && kills_at_once(&s, op->a, target)) {
					st_die(&s, op->a);
					set_add(out, s);
				}
			}
			break;
		case OP_PKILL:
			if (s.mode == MODE_NONE || s.phase == PH_GONE) {
				if (is_error(a, ESRCH))
					set_add(out, s);
			} else if (is_ok(a)) {
				set_add(out, after_signal(s, SIGKILL, TO_T, false));
			}
			break;
		case OP_INT:
			if (s.mode == MODE_NONE || s.phase == PH_GONE) {
				if (is_error(a, ESRCH))
					set_add(out, s);
				break;
			}
			if (s.mode == MODE_ATTACH) {
				if (is_error(a, EIO))
					set_add(out, s);
				break;
			}
			if (!is_ok(a))
				break;
			if (s.phase < PH_DYING) {
				s.ti = 1;
				if (s.listening)
					st_end_listen(&s);
			}
			set_add(out, s);
			break;
		case OP_JOIN:
			if (s.env == ctx->env_n) {
				s.env = 0;
				set_add(out, s);
			}
			break;
		case OP_ALIEN:
			/* from a thread that traces nothing */
			if (op->a == PTRACE_SEIZE && (op->b & ~(option_mask |
								PTRACE_SEIZE_DEVEL))) {
				if (is_error(a, s.phase == PH_GONE ? ESRCH : EIO))
					set_add(out, s);
			} else if (op->a == PTRACE_SEIZE || op->a == PTRACE_ATTACH) {
				if (is_error(a, s.phase == PH_GONE ? ESRCH : EPERM))
					set_add(out, s);
			} else if (is_error(a, ESRCH)) {
				set_add(out, s);
			}
			break;
		default:
			if (s.mode != MODE_NONE && s.phase == PH_TRAP && !s.listening) {
				react_frozen(s, op, a, sets, out);
				break;
			}
			/* one that meets a re-trap waits for the trap */
			if (s.trapping && s.mode == MODE_NOTIFY && s.phase == PH_LOOP)
				break;
			if (is_error(a, ESRCH))
				set_add(out, s);
			break;
		}
	}
	if (in->full)
		out->full = true;
}

