/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The protocol of notify mode: the bits of ->jobctl which a tracee, its tracer, and
 * the senders of signals change under one siglock, and the wake-ups in between.
 *
 * Each option of a process below is one step: a d_step, which is what happens inside
 * one hold of siglock in the patched kernel. The inlines are the kernel's functions
 * and keep their names, and the order of their statements. README.md has the table.
 * Nothing is counted: signals may be sent, and requests issued, without end.
 *
 * Built in one of these kinds (-D):
 *
 *	NTHREADS	threads of the group, 1 or 2				[1]
 *	PLAIN		the tracer seizes without PTRACE_SEIZE_DEVEL
 *	BASELINE	with PLAIN: the kernel without the series
 *	NO_FIRST_LOOK	the series without its optional patch, by which a wait looks at
 *			->exit_code first
 *	SEED2011	the algorithm of the first seed
 *	M_name		a wrong variant, as selftests/mutants/
 *	WITH_EXEC	the leader may call execve(), two threads only
 *	STRICT_EXEC	do not excuse what that does to a group stop in any kernel
 *	FIX_EXEC	with that mended, see README.md
 *	WITH_SYSCALL	traps that are not taken in get_signal()
 *	WITH_FORGE	the tracer may call PTRACE_SETSIGINFO
 *	WITH_TSTP	a stop signal other than SIGSTOP: siglock is let go of for a moment
 *	WITH_OTHER	signals that neither stop nor continue
 *	WITH_CAUSE	->ptrace_message: why a tracee is in a STOP trap
 *	ONE_TRACED	of two threads only the first is ever traced
 *	LIVE		remember who moved last, for the liveness property
 *	RECORD_SET, RECORD_EDGES	see states.h
 *	ONLY=name	check that property alone
 */
#ifndef NTHREADS
#define NTHREADS	1
#endif

#if defined(PLAIN) && !defined(M_seize_plain_notify_all)
#define PT_FLAGS	PT_SEIZED
#else
#define PT_FLAGS	(PT_SEIZED | PT_NOTIFY)
#endif
#if defined(BASELINE)
#define TRAP_INTERRUPT	TRAP_STOP
#else
#define TRAP_INTERRUPT	16
#endif

/* ->jobctl */
#define STOP_PENDING	1
#define STOP_CONSUME	2
#define TRAP_STOP	4
#define TRAP_NOTIFY	8
#define TRAPPING	32
#define LISTENING	64
#define FROZEN		128	/* JOBCTL_PTRACE_FROZEN */
#define TRACED		256
#define STOPPED		512
#define STOP_TRAP	1024
#define DEFERRED	2048	/* JOBCTL_NOTIFY_DEFERRED */
#define STOP_DEQUEUED	4096	/* kept only where do_signal_stop() may look at it */
#define SIGNR		16384	/* JOBCTL_STOP_SIGMASK is not 0; the last bit of a short */
#define TRAP_MASK	(TRAP_STOP | TRAP_NOTIFY | TRAP_INTERRUPT)
#define PENDING_MASK	(STOP_PENDING | TRAP_MASK)

/* ->ptrace */
#define PT_SEIZED	1
#define PT_NOTIFY	2

/* ->__state */
#define RUNNING		0
#define TASK_TRACED	1
#define TASK_STOPPED	2

/* where a thread is */
#define USER		0	/* in user mode, or on its way there with TIF_SIGPENDING */
#define SYSCALL		1	/* in a system call: will ptrace_notify(), or execve() */
#define RELOCK		2	/* get_signal(): about to take siglock */
#define WINDOW		3	/* get_signal(): is_current_pgrp_orphaned() */
#define NOTIFYING	4	/* ptrace_stop(): about to notify the parents */
#define SCHEDULE	5	/* ptrace_stop(): in, or about to, schedule() */
#define SLEEPS		6	/* do_signal_stop(): in schedule() */
#define EXECS		7	/* de_thread(): waits for the others to be gone */
#define EXITS		8	/* do_group_exit() */
#define ZOMBIE		9
#define GONE		10

/* which trap */
#define T_NONE		0
#define T_STOP		1	/* PTRACE_EVENT_STOP: do_jobctl_trap() */
#define T_SIGNAL	2	/* signal-delivery-stop: ptrace_signal() */
#define T_SYSCALL	3	/* any other: ptrace_notify() */

/* ->exit_code: nothing, a status to be reaped, or what the tracer resumed with */
#define X_NONE		0
#define X_STATUS	1
#define X_STOP		2	/* a stop signal */
#define X_OTHER		3	/* another signal */

/* ->ptrace_message: PTRACE_EVENTMSG_SYSCALL_*, or PTRACE_STOP_CAUSE_* (0x100 to 0x400
   in the kernel; here it is a byte) */
#define MESSAGE_ENTRY	1
#define MESSAGE_EXIT	2
#ifdef M_notify_cause_syscall_values
#define CAUSE_GROUP	1
#define CAUSE_NOTIFY	2
#define CAUSE_INTERRUPT	4
#else
#define CAUSE_GROUP	16
#define CAUSE_NOTIFY	32
#define CAUSE_INTERRUPT	64
#endif

/* where the tracer is */
#define IDLE		0	/* in its own code: may do anything */
#define SEIZING		1	/* ptrace_attach(): before ptrace_set_stopped() */
#define ATTACH_BIT	2	/* ptrace_attach(): wait_on_bit() */
#define CHECK_BIT	3	/* ptrace_check_attach(): wait_on_bit() */
#define REQUEST		4	/* the tracee is frozen */
#define READ		5	/* PTRACE_GETSIGINFO: copy_siginfo_to_user() */
#define REQUEST_END	6	/* before ptrace_unfreeze_traced() */
#define WAIT_LOOK	7	/* do_wait(): lockless look at tracee tt */
#define WAIT_LOCK	8	/* wait_task_stopped(): before siglock */
#define WAIT_BIT	9	/* do_wait(): wait_on_bit(), in wrong variants alone */
#define WAIT_END	10	/* do_wait(): has looked at all tracees */
#define WAIT_SLEEP	11	/* do_wait(): schedule() */
#define DYING		12	/* exit_ptrace(): before tracee tt */
#define DETACHES	13	/* ptrace_detach(): before __ptrace_unlink() */

/* what the tracer sleeps on */
#define AWAKE		0
#define ON_BIT		1	/* TRAPPING of tracee tt */
#define ON_WAIT		2	/* ->wait_chldexit */

/* Ghost: may the tracee run user instructions? */
#define HELD		0	/* trapped, not resumed since */
#define MAY_RUN		1
#define LISTENED	2	/* left a trap because PTRACE_LISTEN had ended */

/* Ghost: what the tracer knows of a tracee */
#define V_RUNS		0	/* nothing, or that it runs or listens */
#define V_TOLD		1	/* it is trapped; reaped, not read since */
#define V_TRAPPED	2	/* it is trapped */

/* threads */
byte pc[NTHREADS];
short jc[NTHREADS];		/* ->jobctl */
byte st[NTHREADS];		/* ->__state */
bit tif[NTHREADS];		/* TIF_SIGPENDING */
bit fatal[NTHREADS];		/* SIGKILL in ->pending */
byte pt[NTHREADS];		/* ->ptrace */
byte trap[NTHREADS];
byte xc[NTHREADS];		/* ->exit_code */
#if defined(WITH_FORGE)
bit forged[NTHREADS];		/* PTRACE_SETSIGINFO made it another kind of siginfo */
#endif
#ifdef WITH_CAUSE
byte message[NTHREADS];		/* ->ptrace_message */
#endif
#if defined(PLAIN) || defined(M_notify_state_of_the_trap)
bit then[NTHREADS];		/* ->last_siginfo: group stop in effect when it trapped */
#endif

/* the group: ->signal */
byte count;			/* ->group_stop_count */
bit sig_stopped;		/* SIGNAL_STOP_STOPPED */
bit sig_cld;			/* SIGNAL_CLD_MASK */
bit group_exit;			/* SIGNAL_GROUP_EXIT */
bit group_exec;			/* ->group_exec_task is thread 0 */
bit pend_stop;			/* ->shared_pending: a stop signal */
bit pend_other;			/* another one */

/* the tracer */
byte tpc;
byte tt;			/* the tracee that it is busy with */
byte tsl;
#ifdef PLAIN
bit told;			/* what PTRACE_GETSIGINFO has read, in READ */
#endif

/* ghosts: what the properties speak of, and the kernel does not know */
byte may[NTHREADS];
byte view[NTHREADS];
bit unread[NTHREADS];		/* the state changed, and the tracer has not read it since */
bit interrupt[NTHREADS];	/* a trap is owed for PTRACE_INTERRUPT */
bit status[NTHREADS];		/* there is a stop that waitpid() has to report */
bit news[NTHREADS];		/* TRAP_NOTIFY is for a start, an end or a SIGCONT since the seize */
bit rd;				/* in READ: no change since the read */
#ifdef WITH_CAUSE
bit served[NTHREADS];		/* it trapped for PTRACE_INTERRUPT, not resumed since */
#endif
#ifdef WITH_EXEC
/* zap_other_threads() has dropped STOP_PENDING of a thread that nobody traces, while
   SIGNAL_STOP_STOPPED: see README.md */
bit dropped;
#define DROPPED		dropped
#else
#define DROPPED		false
#endif
#if defined(LIVE)
bit moved;			/* by a sender, or by the tracer's own will */
#define MOVED(x)	moved = x
#elif defined(RECORD_EDGES)
#define MOVED(x)	c_code { before(); }
#else
#define MOVED(x)	skip
#endif
#ifdef RECORD_EDGES
#define EDGE(where, what, t)	i_ = t; c_code { after(#where, #what); }; i_ = 0
#else
#define EDGE(where, what, t)	skip
#endif
#if defined(RECORD_SET) || defined(RECORD_EDGES)
c_decl {
	static void record(void);
	static int unknown(void);
	static void before(void);
	static void after(const char *where, const char *what);
};
c_code {
\#include "states.h"
};
#endif

/* scratch of a step, 0 between steps */
byte i_;
byte cont_;
byte sig_;
bit again_;
bit before_;
bit ok_;
short clear_;

#define IN_EFFECT	(count > 0 || sig_stopped)
#define ALIVE(t)	(pc[t] < EXITS)
#define DIES(t)		(fatal[t] || group_exit || pc[t] >= EXITS)
#define NOTIFY_MODE(t)	(pt[t] & PT_NOTIFY)
#define RETRAPPING(t)	(NOTIFY_MODE(t) && (jc[t] & TRAPPING))
#ifdef WITH_FORGE
#define LOOKS_STOP(t)	((trap[t] == T_STOP) != forged[t])
#else
#define LOOKS_STOP(t)	(trap[t] == T_STOP)
#endif
#define NOTIFY_TRAP(t)	(NOTIFY_MODE(t) && (jc[t] & STOP_TRAP))

mtype = {
	tracee, tracer, sender, killer, VIOLATED,
	/* functions */
	get_signal, ptrace_stop_enters, ptrace_stop_leaves, do_notify_parent_cldstop,
	do_signal_stop_, do_exit, ptrace_attach, ptrace_set_stopped, wait_on_bit,
	ptrace_freeze_traced, ptrace_getsiginfo, ptrace_ack_notify, copy_siginfo_to_user,
	ptrace_resume, ptrace_listen, ptrace_detach, ptrace_unlink_, ptrace_interrupt,
	ptrace_setsiginfo, ptrace_unfreeze_traced, wait_task_stopped, do_wait_sleeps,
	do_wait_begins, wait_task_zombie, exit_ptrace, prepare_signal, complete_signal,
	de_thread, begin_new_exec, syscall_entry, exit_to_user_mode,
	/* notes */
	none, SIGSTOP, SIGTSTP, SIGCONT, SIGUSR1, SIGKILL, EFAULT, ESRCH, EAGAIN,
	ERESTARTNOINTR, EINTR, success, PTRACE_SEIZE, PTRACE_CONT, PTRACE_DETACH,
	PTRACE_GETSIGINFO, WNOHANG, WNOWAIT, status_reaped, no_status, looks_closer, sleeps,
	STOP_trap, signal_delivery_stop, syscall_stop, user_instruction,
	/* properties */
	notify_no_escape, notify_sticky, notify_merge, notify_listen, notify_hidden,
	notify_deferred, notify_other_trap, notify_state, interrupt_any_state,
	interrupt_flag, end_detach, end_kill, end_exec, seize_stopped, seize_quiet,
	notify_waits, seize_plain, notify_cause, notify_ack, lost_wakeup, no_warning
};

/* A line of a counterexample: who, in which function, and how that leaves thread t. */
#define LOG(who, where, what, t) \
	printf("EV %e %e %e %d %d %d %d %d\n", who, where, what, t, jc[t], st[t], tif[t], pt[t]); \
	i_ = 0; cont_ = 0; sig_ = 0; again_ = 0; before_ = 0; ok_ = 0; clear_ = 0; \
	EDGE(where, what, t)

#ifdef ONLY
#define WANTED(p)	(p == ONLY)
#else
#define WANTED(p)	true
#endif
/* The property p is broken if bad. */
#define CHECK(p, bad, t) \
	if \
	:: WANTED(p) && (bad) -> \
		printf("EV %e %e %e %d %d %d %d %d\n", VIOLATED, p, none, t, \
		       jc[t], st[t], tif[t], pt[t]); \
		assert(false) \
	:: else \
	fi

/* ---- include/linux/sched/signal.h, kernel/sched/core.c ---- */

/* signal_wake_up_state(), where state is __TASK_TRACED, TASK_WAKEKILL or neither */
inline signal_wake_up_state(t, traced, wakekill)
{
	tif[t] = 1;
	if
	:: ((traced) && st[t] == TASK_TRACED) || ((wakekill) && st[t] == TASK_STOPPED) ->
		st[t] = RUNNING
	:: else
	fi
}

inline signal_wake_up_fatal(t)
{
	if
	:: !(jc[t] & FROZEN) ->
		jc[t] = jc[t] & ~(STOPPED | TRACED);
		signal_wake_up_state(t, true, true)
	:: else ->
		signal_wake_up_state(t, false, false)
	fi
}

inline ptrace_signal_wake_up(t, woken)
{
	if
	:: woken ->
		jc[t] = jc[t] & ~TRACED;
		signal_wake_up_state(t, true, false)
	:: else ->
		signal_wake_up_state(t, false, false)
	fi
}

/* ---- kernel/signal.c: job control bits ---- */

/* the bits of mask are set, if ok_ */
inline task_set_jobctl_pending(t, mask)
{
	ok_ = !(fatal[t] && tif[t]) && ALIVE(t);
	if
	:: ok_ -> jc[t] = jc[t] | (mask)
	:: else
	fi
}

#if defined(M_end_detach_status_stays)
#define CALLED_OFF(t)	(!(jc[t] & TRACED) && fatal[t])
#else
#define CALLED_OFF(t)	(!(jc[t] & TRACED))
#endif

/* not TRACED: a re-trap is called off, and leaves no status */
inline task_clear_jobctl_trapping(t)
{
	if
	:: jc[t] & TRAPPING ->
		jc[t] = jc[t] & ~TRAPPING;
		if
		:: CALLED_OFF(t) ->
			xc[t] = X_NONE
		:: else
		fi;
		/* wake_up_bit() */
		if
		:: tsl == ON_BIT && tt == t -> tsl = AWAKE
		:: else
		fi
	:: else
	fi
}

/* STOP_PENDING in mask takes STOP_CONSUME and STOP_DEQUEUED with it */
inline task_clear_jobctl_pending(t, mask)
{
	jc[t] = jc[t] & ~(mask);
	news[t] = news[t] && (jc[t] & TRAP_NOTIFY);
	if
	:: (mask) & STOP_PENDING -> jc[t] = jc[t] & ~(STOP_CONSUME | STOP_DEQUEUED)
	:: else
	fi;
#ifdef M_end_kill_trapping_stays
#define KEEP_TRAPPING(t)	NOTIFY_MODE(t)
#else
#define KEEP_TRAPPING(t)	false
#endif
	if
	:: !(jc[t] & PENDING_MASK) && !KEEP_TRAPPING(t) ->
#ifdef M_end_kill_status_stays
		sig_ = xc[t];
		task_clear_jobctl_trapping(t);
		xc[t] = sig_;
		sig_ = X_NONE
#else
		task_clear_jobctl_trapping(t)
#endif
	:: else
	fi
}

inline recalc_sigpending(t)
{
	tif[t] = (jc[t] & PENDING_MASK) || fatal[t] || pend_stop || pend_other
}

inline task_participate_group_stop(t)
{
	CHECK(no_warning, !(jc[t] & STOP_PENDING), t);
	before_ = (jc[t] & STOP_CONSUME) != 0;
	task_clear_jobctl_pending(t, STOP_PENDING);
	if
	:: before_ ->
		CHECK(no_warning, count == 0, t);
		count--;
		if
		:: count == 0 && !sig_stopped ->
			sig_stopped = 1;
			sig_cld = 0
		:: else
		fi
	:: else
	fi
}

/* ---- ghosts ---- */

/* The group stop state has changed for every tracee in notify mode. */
inline state_changed()
{
	i_ = 0;
	do
	:: i_ < NTHREADS ->
		unread[i_] = NOTIFY_MODE(i_) && !DIES(i_);
		i_++
	:: else -> break
	od;
	rd = 0
}

/* What TRAP_NOTIFY of thread t is for happens now. */
inline note_news(t)
{
	news[t] = NOTIFY_MODE(t) && (jc[t] & TRAP_NOTIFY)
}

/* Thread t is nobody's tracee any more, or dead. */
inline forget(t)
{
#ifdef WITH_CAUSE
	served[t] = 0;
#endif
	view[t] = V_RUNS;
	unread[t] = 0;
	news[t] = 0;
	interrupt[t] = 0;
	status[t] = 0
}

/* ---- kernel/signal.c: notification ---- */

inline ptrace_retrap(t)
{
#ifdef M_notify_hidden_no_trapping
	task_set_jobctl_pending(t, TRAP_NOTIFY);
#else
	task_set_jobctl_pending(t, TRAP_NOTIFY | TRAPPING);
#endif
	if
	:: ok_ -> ptrace_signal_wake_up(t, true)
	:: else
	fi
}

#if defined(SEED2011)
/* as the first seed has it, with JOBCTL_PTRACE_FROZEN for JOBCTL_BLOCK_NOTIFY */
inline ptrace_trap_notify(t)
{
	task_set_jobctl_pending(t, TRAP_NOTIFY);
	if
	:: (jc[t] & TRACED) && LOOKS_STOP(t) && !(jc[t] & LISTENING) ->
		jc[t] = jc[t] | TRAPPING;
		if
		:: !(jc[t] & FROZEN) -> ptrace_signal_wake_up(t, true)
		:: else
		fi
	:: else ->
		ptrace_signal_wake_up(t, (jc[t] & LISTENING))
	fi
}
#else

#if defined(M_notify_merge_last_change_lost)
#define ADDS_NOTHING	true
#else
#define ADDS_NOTHING	!IN_EFFECT
#endif
#if defined(M_notify_retrap_not_if_unreaped)
#define NEEDS_NO_TRAP	true
#else
#define NEEDS_NO_TRAP	ADDS_NOTHING
#endif
#if defined(M_notify_other_trap_disturbs)
#define RETRAPS_FROM(t)	NOTIFY_MODE(t)
#else
#define RETRAPS_FROM(t)	NOTIFY_TRAP(t)
#endif
#define TO_RETRAP(t)	(RETRAPS_FROM(t) && (jc[t] & TRACED) && !(jc[t] & LISTENING))
#if defined(M_notify_listen_deaf)
#define ENDS_LISTEN(t)	((jc[t] & LISTENING) && !NOTIFY_MODE(t))
#else
#define ENDS_LISTEN(t)	(jc[t] & LISTENING)
#endif

inline ptrace_trap_notify(t)
{
	if
	:: NOTIFY_MODE(t) && (((jc[t] & TRAP_NOTIFY) && ADDS_NOTHING) ||
			      (TO_RETRAP(t) && xc[t] && NEEDS_NO_TRAP))
	:: else ->
		task_set_jobctl_pending(t, TRAP_NOTIFY);
		if
		:: TO_RETRAP(t) ->
#if defined(M_notify_deferred_wakes_frozen)
			ptrace_retrap(t)
#else
			if
#if defined(M_notify_no_escape_as_in_2011)
			:: jc[t] & FROZEN -> jc[t] = jc[t] | TRAPPING
#else
			:: jc[t] & FROZEN -> jc[t] = jc[t] | DEFERRED
#endif
#if defined(M_notify_retrap_sleeps_on)
			:: else
#else
			:: else -> ptrace_retrap(t)
#endif
			fi
#endif
#if defined(M_notify_running_not_kicked)
		:: else ->
			if
			:: !NOTIFY_MODE(t) || (jc[t] & LISTENING) ->
				ptrace_signal_wake_up(t, (jc[t] & LISTENING))
			:: else
			fi
#else
		:: else -> ptrace_signal_wake_up(t, ENDS_LISTEN(t))
#endif
		fi
	fi
}
#endif

/* ---- kernel/signal.c: ptrace_stop(), up to where siglock is released ---- */

#if defined(BASELINE) || defined(M_interrupt_any_state_used_up_by_retrap) || defined(SEED2011)
#define KEEPS_INTERRUPT(t)	false
#elif defined(M_interrupt_flag_kept_across_traps)
#define KEEPS_INTERRUPT(t)	(RETRAPPING(t) || trap[t] != T_STOP)
#else
#define KEEPS_INTERRUPT(t)	RETRAPPING(t)
#endif
#if defined(M_notify_sticky_cleared_by_any_trap)
#define CLEARS_NOTIFY(t)	true
#elif defined(M_notify_sticky_cleared_by_trap)
#define CLEARS_NOTIFY(t)	(trap[t] == T_STOP)
#elif defined(M_seize_plain_sticky)
#define CLEARS_NOTIFY(t)	false
#else
#define CLEARS_NOTIFY(t)	(!NOTIFY_MODE(t) && trap[t] == T_STOP)
#endif

/* ptrace_stop_cause(), and what ptrace_stop() makes of it */
#ifdef M_notify_cause_not_added
#define CAUSE_BEFORE(t)	0
#else
#define CAUSE_BEFORE(t)	message[t]
#endif
#define CAUSE(t)	(CAUSE_BEFORE(t) | ((jc[t] & TRAP_STOP) -> CAUSE_GROUP : 0) | \
			 ((jc[t] & TRAP_NOTIFY) -> CAUSE_NOTIFY : 0) | \
			 ((jc[t] & TRAP_INTERRUPT) && !RETRAPPING(t) -> CAUSE_INTERRUPT : 0))
#ifdef M_notify_cause_not_emptied
#define KEEPS_MESSAGE(t)	(trap[t] == T_STOP)
#else
#define KEEPS_MESSAGE(t)	((jc[t] & LISTENING) || RETRAPPING(t))
#endif

/* ok_ is false if it returned without a trap */
inline ptrace_stop(t, kind)
{
	ok_ = pt[t] != 0 && !fatal[t];
	if
	:: ok_ ->
		st[t] = TASK_TRACED;
		jc[t] = jc[t] | TRACED;
		trap[t] = kind;
		xc[t] = X_STATUS;
#if defined(PLAIN) || defined(M_notify_state_of_the_trap)
		then[t] = (kind == T_STOP && IN_EFFECT);
#endif
#ifdef WITH_CAUSE
		if
		:: kind == T_STOP && NOTIFY_MODE(t) -> message[t] = CAUSE(t)
		:: kind == T_SYSCALL -> message[t] = MESSAGE_ENTRY
		:: else -> message[t] = 0
		fi;
#endif
		if
		:: kind == T_STOP ->
			CHECK(no_warning, IN_EFFECT && !(jc[t] & SIGNR), t);
			/* something must have happened that it traps for */
			CHECK(seize_quiet, NOTIFY_MODE(t) && may[t] == MAY_RUN && !IN_EFFECT &&
					   !unread[t] && !interrupt[t] &&
					   !(jc[t] & TRAP_NOTIFY), t);
#ifndef BASELINE
			jc[t] = jc[t] | STOP_TRAP;
#endif
			if
			:: jc[t] & STOP_PENDING -> task_participate_group_stop(t)
			:: else
			fi
		:: else
		fi;
		clear_ = TRAP_STOP;
		if
		:: !KEEPS_INTERRUPT(t) -> clear_ = clear_ | TRAP_INTERRUPT
		:: else
		fi;
		if
		:: CLEARS_NOTIFY(t) -> clear_ = clear_ | TRAP_NOTIFY
		:: else
		fi;
		jc[t] = jc[t] & ~clear_;
		task_clear_jobctl_trapping(t);

		status[t] = 1;
		if
		:: may[t] != HELD ->
#ifdef WITH_CAUSE
			served[t] = served[t] || (kind == T_STOP && interrupt[t]);
#endif
			interrupt[t] = 0;
			CHECK(interrupt_flag, NOTIFY_MODE(t) && (jc[t] & TRAP_INTERRUPT), t)
		:: else
		fi;
		may[t] = HELD;
		pc[t] = NOTIFYING
	:: else
	fi
}

/* ---- kernel/signal.c: do_signal_stop() ---- */

#if defined(M_notify_change_not_of_the_start)
#define START_NOTIFIES(u, t)	!NOTIFY_MODE(u)
#elif defined(M_notify_threads_leader_only)
#define START_NOTIFIES(u, t)	(!NOTIFY_MODE(u) || u == 0)
#elif defined(M_notify_untraced_unnoticed)
#define START_NOTIFIES(u, t)	!(NOTIFY_MODE(u) && !pt[t])
#else
#define START_NOTIFIES(u, t)	true
#endif
#if defined(M_notify_threads_not_the_starter)
#define STARTER_NOTIFIED(t)	false
#elif defined(M_second_start_untold)
#define STARTER_NOTIFIED(t)	(NOTIFY_MODE(t) && !sig_stopped)
#else
#define STARTER_NOTIFIED(t)	NOTIFY_MODE(t)
#endif

/*
 * again_ is false if the thread now sleeps, and siglock was released. signr is true
 * if it is called for a signal, false if for STOP_PENDING.
 */
inline do_signal_stop(t, signr)
{
	again_ = 1;
	if
	:: !(jc[t] & STOP_PENDING) &&
	   (!(signr) || !(jc[t] & STOP_DEQUEUED) || group_exit || group_exec) ->
		jc[t] = jc[t] & ~STOP_DEQUEUED
	:: else ->
		if
		:: !(jc[t] & STOP_PENDING) ->
			if
			:: !IN_EFFECT -> state_changed()
			:: else ->
				/* another stop signal while stopped is a start, too */
				unread[t] = NOTIFY_MODE(t) && !DIES(t);
				rd = 0
			fi;
			count = 0;
			task_set_jobctl_pending(t, STOP_PENDING | STOP_CONSUME | SIGNR);
			if
			:: ok_ -> count++
			:: else
			fi;
#ifndef SEED2011
			if
			:: STARTER_NOTIFIED(t) -> task_set_jobctl_pending(t, TRAP_NOTIFY)
			:: else
			fi;
			note_news(t);
#endif
			i_ = 0;
			do
			:: i_ < NTHREADS && i_ != t && pc[i_] != GONE && !(jc[i_] & STOPPED) ->
				task_set_jobctl_pending(i_, STOP_PENDING | STOP_CONSUME | SIGNR);
				if
				:: ok_ ->
					count++;
					unread[i_] = NOTIFY_MODE(i_) != 0;
					if
					:: pt[i_] && START_NOTIFIES(i_, t) ->
						ptrace_trap_notify(i_);
						note_news(i_)
					:: else -> signal_wake_up_state(i_, false, false)
					fi
				:: else
				fi;
				i_++
			:: i_ < NTHREADS && !(i_ != t && pc[i_] != GONE && !(jc[i_] & STOPPED)) ->
				i_++
			:: i_ >= NTHREADS -> break
			od
		:: else
		fi;
		jc[t] = jc[t] & ~STOP_DEQUEUED;
		if
		:: !pt[t] ->
			task_participate_group_stop(t);
			jc[t] = jc[t] | STOPPED;
			st[t] = TASK_STOPPED;
			pc[t] = SLEEPS;
			again_ = 0
		:: else ->
#ifdef SEED2011
			/* "group stop is handled by NOTIFY trap" */
			clear_ = TRAP_NOTIFY;
#else
			clear_ = TRAP_STOP;
#ifdef M_seize_stopped_told_again
			if
			:: NOTIFY_MODE(t) -> clear_ = clear_ | TRAP_NOTIFY
			:: else
			fi;
#endif
#endif
			task_set_jobctl_pending(t, clear_)
		fi
	fi
}

/* ---- kernel/signal.c: get_signal(), with siglock held, from the head of its loop ---- */

/* sig_: a signal that is past ptrace_signal(), X_NONE at the head of the loop */
inline get_signal_loop(t)
{
	again_ = 1;
	do
	:: !again_ -> break
	:: again_ && sig_ == X_STOP ->
		sig_ = X_NONE;
		do_signal_stop(t, true)
	:: again_ && sig_ == X_NONE && (group_exit || (group_exec && t != 0)) ->
		fatal[t] = 0;
		pc[t] = EXITS;
		again_ = 0
	:: again_ && sig_ == X_NONE && !(group_exit || (group_exec && t != 0)) ->
		if
		:: jc[t] & STOP_PENDING -> do_signal_stop(t, false)
		:: else
		fi;
		if
		:: !again_		/* it slept */
		:: again_ && (jc[t] & TRAP_MASK) ->
			ptrace_stop(t, T_STOP);
			if
			:: ok_
			:: else -> pc[t] = RELOCK
			fi;
			again_ = 0
		:: again_ && !(jc[t] & TRAP_MASK) && (pend_stop || pend_other) ->
			/* dequeue_signal() */
			if
			:: pend_stop ->
				pend_stop = 0;
				jc[t] = jc[t] | STOP_DEQUEUED;
				sig_ = X_STOP
			:: else ->
				pend_other = 0;
				sig_ = X_OTHER
			fi;
			recalc_sigpending(t);
			if
			:: pt[t] ->
				/* ptrace_signal() */
				jc[t] = jc[t] | STOP_DEQUEUED;
				ptrace_stop(t, T_SIGNAL);
				if
				:: ok_ -> again_ = 0
				:: else
				fi
			:: else
			fi;
			if
			:: again_ && sig_ == X_OTHER ->
				/* a handler */
				jc[t] = jc[t] & ~STOP_DEQUEUED;
				pc[t] = USER;
				again_ = 0
			:: else
			fi
		:: again_ && !(jc[t] & TRAP_MASK) && !pend_stop && !pend_other ->
			recalc_sigpending(t);
			jc[t] = jc[t] & ~STOP_DEQUEUED;
			pc[t] = USER;
			again_ = 0
		fi
	od;
	sig_ = X_NONE
}

/* ---- kernel/signal.c: ptrace_stop(), after schedule() ---- */

/* what does not outlast the trap */
#define OF_THE_TRAP	(LISTENING | FROZEN | STOP_TRAP | DEFERRED)
#if defined(BASELINE) || defined(M_notify_hidden_status_thrown_away)
#define KEEPS_STATUS(t)	false
#else
#define KEEPS_STATUS(t)	(jc[t] & TRAPPING)
#endif

inline ptrace_stop_end(t)
{
	/* only who resumes it, or kills it, or unlinks it, gets it out of another trap */
	CHECK(notify_other_trap, trap[t] != T_STOP && NOTIFY_MODE(t) && may[t] == HELD && !DIES(t), t);
#ifdef WITH_CAUSE
	if
	:: !KEEPS_MESSAGE(t) -> message[t] = 0
	:: else
	fi;
#endif
	/* it can be reaped until the re-trap puts its own in its place */
	if
	:: !KEEPS_STATUS(t) -> xc[t] = X_NONE
	:: else
	fi;
	trap[t] = T_NONE;
#if defined(WITH_FORGE)
	forged[t] = 0;
#endif
#if defined(PLAIN) || defined(M_notify_state_of_the_trap)
	then[t] = 0;
#endif
	if
	:: (jc[t] & LISTENING) && may[t] == HELD -> may[t] = LISTENED
	:: else
	fi;
	jc[t] = jc[t] & ~(OF_THE_TRAP);
	if
	:: (jc[t] & PENDING_MASK) || fatal[t] || pend_stop || pend_other -> tif[t] = 1
	:: else
	fi
}

/* the tracer is told of a stop of thread t: do_notify_parent_cldstop(t, true) */
inline wake_tracer(t)
{
	if
	:: pt[t] && tsl == ON_WAIT -> tsl = AWAKE
	:: else
	fi
}

proctype thread(byte t)
{
	do
	/* get_signal(): the hold that begins at relock */
	:: d_step {
		pc[t] == RELOCK || (pc[t] == USER && tif[t]) ||
			(pc[t] == SLEEPS && st[t] == RUNNING) ->
		MOVED(0);
		if
		:: sig_cld ->
			/* tells the parent, and the tracer of the leader as well */
			sig_cld = 0;
			wake_tracer(0);
			pc[t] = RELOCK
		:: else ->
			sig_ = X_NONE;
			get_signal_loop(t)
		fi;
		LOG(tracee, get_signal, none, t)
	   }
	/* ptrace_stop(): siglock was released, tasklist_lock is taken */
	:: d_step {
		pc[t] == NOTIFYING ->
		MOVED(0);
		wake_tracer(t);
		pc[t] = SCHEDULE;
		LOG(tracee, do_notify_parent_cldstop, none, t)
	   }
	/* ptrace_stop(): back from schedule(); a STOP trap */
	:: d_step {
		pc[t] == SCHEDULE && st[t] == RUNNING && trap[t] == T_STOP ->
		MOVED(0);
		ptrace_stop_end(t);
		pc[t] = RELOCK;
		LOG(tracee, ptrace_stop_leaves, STOP_trap, t)
	   }
	/* the same, signal-delivery-stop: on in get_signal() in the same hold */
	:: d_step {
		pc[t] == SCHEDULE && st[t] == RUNNING && trap[t] == T_SIGNAL &&
			(xc[t] == X_NONE || fatal[t]) ->
		MOVED(0);
		ptrace_stop_end(t);
		sig_ = X_NONE;
		get_signal_loop(t);
		LOG(tracee, ptrace_stop_leaves, signal_delivery_stop, t)
	   }
	/* with a signal that has a handler: the tracer's, or what it was unless reaped */
	:: d_step {
		pc[t] == SCHEDULE && st[t] == RUNNING && trap[t] == T_SIGNAL &&
			(xc[t] == X_OTHER || xc[t] == X_STATUS) && !fatal[t] ->
		MOVED(0);
		ptrace_stop_end(t);
		jc[t] = jc[t] & ~STOP_DEQUEUED;
		pc[t] = USER;
		LOG(tracee, ptrace_stop_leaves, SIGUSR1, t)
	   }
	/* with SIGSTOP */
	:: d_step {
		pc[t] == SCHEDULE && st[t] == RUNNING && trap[t] == T_SIGNAL &&
			(xc[t] == X_STOP || xc[t] == X_STATUS) && !fatal[t] ->
		MOVED(0);
		ptrace_stop_end(t);
		sig_ = X_STOP;
		get_signal_loop(t);
		LOG(tracee, ptrace_stop_leaves, SIGSTOP, t)
	   }
#ifdef WITH_TSTP
	/* with another stop signal: siglock is released to look at the process group */
	:: d_step {
		pc[t] == SCHEDULE && st[t] == RUNNING && trap[t] == T_SIGNAL &&
			(xc[t] == X_STOP || xc[t] == X_STATUS) && !fatal[t] ->
		MOVED(0);
		ptrace_stop_end(t);
		pc[t] = WINDOW;
		LOG(tracee, ptrace_stop_leaves, SIGTSTP, t)
	   }
	/* who is not traced, and may be when it is back */
	:: d_step {
		(pc[t] == RELOCK || (pc[t] == USER && tif[t]) || (pc[t] == SLEEPS && st[t] == RUNNING)) &&
			!sig_cld && !pt[t] && pend_stop && !(jc[t] & PENDING_MASK) &&
			!group_exit && !(group_exec && t != 0) ->
		MOVED(0);
		pend_stop = 0;
		jc[t] = jc[t] | STOP_DEQUEUED;
		recalc_sigpending(t);
		pc[t] = WINDOW;
		LOG(tracee, get_signal, SIGTSTP, t)
	   }
	/* is_current_pgrp_orphaned(): the signal is ignored */
	:: d_step {
		pc[t] == WINDOW ->
		MOVED(0);
		pc[t] = RELOCK;
		LOG(tracee, get_signal, none, t)
	   }
	:: d_step {
		pc[t] == WINDOW ->
		MOVED(0);
		sig_ = X_STOP;
		get_signal_loop(t);
		LOG(tracee, do_signal_stop_, SIGTSTP, t)
	   }
#endif
#ifdef WITH_EXEC
#define MAY_EXEC(t)	(t == 0 && NTHREADS == 2 && ALIVE(NTHREADS - 1))
#else
#define MAY_EXEC(t)	false
#endif
#ifdef WITH_SYSCALL
#define MAY_STOP(t)	pt[t]
#else
#define MAY_STOP(t)	false
#endif
	:: d_step {
		pc[t] == USER && !tif[t] && (MAY_STOP(t) || MAY_EXEC(t)) ->
		MOVED(0);
		pc[t] = SYSCALL;
		LOG(tracee, syscall_entry, none, t)
	   }
#ifdef WITH_SYSCALL
	:: d_step {
		pc[t] == SYSCALL ->
		MOVED(0);
		ptrace_stop(t, T_SYSCALL);
		if
		:: ok_
		:: else -> pc[t] = USER
		fi;
		LOG(tracee, ptrace_stop_enters, syscall_stop, t)
	   }
	:: d_step {
		pc[t] == SCHEDULE && st[t] == RUNNING && trap[t] == T_SYSCALL ->
		MOVED(0);
		ptrace_stop_end(t);
		pc[t] = USER;
		LOG(tracee, ptrace_stop_leaves, syscall_stop, t)
	   }
#endif
#if defined(WITH_EXEC) || defined(WITH_SYSCALL)
	/* exit_group() of the first thread: do_group_exit(), zap_other_threads() */
	:: d_step {
		t == 0 && pc[t] == SYSCALL && !group_exit && !group_exec ->
		MOVED(0);
		group_exit = 1;
#ifdef WITH_EXEC
		dropped = 0;
#endif
		sig_stopped = 0;
		sig_cld = 0;
		count = 0;
		task_clear_jobctl_pending(t, PENDING_MASK);
#if NTHREADS == 2
		if
		:: pc[1] < ZOMBIE ->
			task_clear_jobctl_pending(1, PENDING_MASK);
			fatal[1] = 1;
			signal_wake_up_fatal(1)
		:: else
		fi;
#endif
		pc[t] = EXITS;
		LOG(tracee, do_exit, none, t)
	   }
#endif
#if defined(WITH_EXEC) && NTHREADS == 2
	/* de_thread(), zap_other_threads() */
	:: d_step {
		t == 0 && pc[t] == SYSCALL && !group_exit && ALIVE(1) ->
		MOVED(0);
		group_exec = 1;
#ifndef M_end_exec_end_of_stop_unnoticed
		if
		:: NOTIFY_MODE(t) && count ->
			ptrace_trap_notify(0);
			note_news(0)
		:: else
		fi;
#endif
		if
		:: count && !sig_stopped -> state_changed()
		:: else
		fi;
		count = 0;
#ifndef STRICT_EXEC
		if
		:: sig_stopped && (jc[0] & STOP_PENDING) && !pt[0] -> dropped = 1
		:: else
		fi;
#endif
#ifdef M_end_exec_zapped
		task_clear_jobctl_pending(0, PENDING_MASK);
#else
		if
		:: NOTIFY_MODE(t) -> task_clear_jobctl_pending(0, STOP_PENDING | TRAP_STOP)
		:: else -> task_clear_jobctl_pending(0, PENDING_MASK)
		fi;
#endif
#ifdef FIX_EXEC
		if
		:: sig_stopped && !pt[0] -> jc[0] = jc[0] | STOP_PENDING
		:: else
		fi;
#endif
		task_clear_jobctl_pending(1, PENDING_MASK);
		fatal[1] = 1;
		signal_wake_up_fatal(1);
		pc[t] = EXECS;
		LOG(tracee, de_thread, none, t)
	   }
	/* it is killed already, or there is no one else to be killed */
	:: d_step {
		t == 0 && pc[t] == SYSCALL && (group_exit || !ALIVE(1)) ->
		MOVED(0);
		pc[t] = USER;
		LOG(tracee, begin_new_exec, ESRCH, t)
	   }
	/* the others were released, or SIGKILL came */
	:: d_step {
		t == 0 && pc[t] == EXECS && (fatal[t] || pc[1] == GONE) ->
		MOVED(0);
		group_exec = 0;
#ifdef M_end_exec_loses_notification
		jc[t] = jc[t] & ~TRAP_NOTIFY;
#endif
#ifdef M_end_exec_ends_notify_mode
		pt[t] = pt[t] & ~PT_NOTIFY;
#endif
		pc[t] = USER;
		LOG(tracee, begin_new_exec, none, t)
	   }
#endif
	/* do_group_exit(), do_exit(), exit_notify() */
	:: d_step {
		pc[t] == EXITS ->
		MOVED(0);
		/* no one is there any more to do it */
		CHECK(end_kill, (jc[t] & TRAPPING), t);
		jc[t] = 0;
		st[t] = RUNNING;
		tif[t] = 0;
		fatal[t] = 0;
		may[t] = MAY_RUN;
#ifdef WITH_CAUSE
		message[t] = 0;
#endif
		forget(t);
		wake_tracer(t);
		if
		:: t != 0 && !pt[t] ->
			pc[t] = GONE;
			/* release_task(): the leader can be reaped now */
			if
			:: pc[0] == ZOMBIE -> wake_tracer(0)
			:: else
			fi
		:: else -> pc[t] = ZOMBIE
		fi;
		LOG(tracee, do_exit, none, t)
	   }
	od
}

/* ---- kernel/ptrace.c ---- */

#if defined(M_end_detach_notify_stays)
#define UNLINK_MASK	(TRAP_STOP | TRAP_INTERRUPT)
#else
#define UNLINK_MASK	TRAP_MASK
#endif
#if defined(M_end_detach_stays_trapped)
#define UNLINK_WAKES(t)	((jc[t] & TRACED) && !(jc[t] & STOP_TRAP))
#else
#define UNLINK_WAKES(t)	(jc[t] & TRACED)
#endif

inline ptrace_unlink(t)
{
	pt[t] = 0;
	may[t] = MAY_RUN;
	forget(t);
	task_clear_jobctl_pending(t, UNLINK_MASK);
	task_clear_jobctl_trapping(t);
#ifdef WITH_CAUSE
	message[t] = 0;
#endif
	if
	:: ALIVE(t) && IN_EFFECT ->
#ifdef WITH_EXEC
		/* it was the first thread's, and is set again */
		if
		:: t == 0 -> dropped = 0
		:: else
		fi;
#endif
#if defined(M_interrupt_detach_runs)
		jc[t] = jc[t] & ~STOP_PENDING
#else
		jc[t] = jc[t] | STOP_PENDING
#endif
	:: else
	fi;
	if
	:: (jc[t] & STOP_PENDING) || UNLINK_WAKES(t) -> ptrace_signal_wake_up(t, true)
	:: else
	fi;
	/* its parent reaps it */
	if
	:: pc[t] == ZOMBIE && t != 0 -> pc[t] = GONE
	:: else
	fi
}

#if defined(M_notify_deferred_forgotten)
#define RETRAP_DUE(t)	false
#elif defined(SEED2011) || defined(M_notify_no_escape_as_in_2011)
#define RETRAP_DUE(t)	(jc[t] & TRAPPING)
#else
#define RETRAP_DUE(t)	(jc[t] & DEFERRED)
#endif
#if defined(M_end_kill_deferred_first)
#define FATAL_FIRST(t)	(fatal[t] && !before_)
#else
#define FATAL_FIRST(t)	fatal[t]
#endif

inline ptrace_unfreeze_traced_(t)
{
	if
	:: ALIVE(t) || pc[t] == EXITS ->
		before_ = RETRAP_DUE(t) != 0;
		jc[t] = jc[t] & ~(FROZEN | DEFERRED);
		if
		:: FATAL_FIRST(t) ->
			jc[t] = jc[t] & ~TRACED;
			/* wake_up_state(): no TIF_SIGPENDING */
			if
			:: st[t] == TASK_TRACED -> st[t] = RUNNING
			:: else
			fi
		:: !FATAL_FIRST(t) && before_ && (jc[t] & TRACED) ->
#if defined(SEED2011) || defined(M_notify_no_escape_as_in_2011)
			ptrace_signal_wake_up(t, true)
#else
			ptrace_retrap(t)
#endif
		:: else
		fi
	:: else
	fi
}

inline tracer_idle()
{
	tpc = IDLE;
	tt = 0;
	tsl = AWAKE
}

#if defined(M_notify_hidden_request_fails) || defined(BASELINE)
#define WAITS_FOR_RETRAP(t)	false
#else
#define WAITS_FOR_RETRAP(t)	RETRAPPING(t)
#endif

/* the hold of ptrace_freeze_traced() */
inline freeze()
{
	if
	:: !(jc[tt] & LISTENING) && (jc[tt] & TRACED) && !fatal[tt] ->
		jc[tt] = jc[tt] | FROZEN;
		tpc = REQUEST;
		if
		:: view[tt] == V_RUNS -> view[tt] = V_TRAPPED
		:: else
		fi;
		LOG(tracer, ptrace_freeze_traced, success, tt)
	:: !(jc[tt] & LISTENING) && !((jc[tt] & TRACED) && !fatal[tt]) && WAITS_FOR_RETRAP(tt) ->
		tpc = CHECK_BIT;
		LOG(tracer, ptrace_freeze_traced, EAGAIN, tt)
	:: else ->
		LOG(tracer, ptrace_freeze_traced, ESRCH, tt);
		CHECK(notify_hidden, view[tt] != V_RUNS && !DIES(tt), tt);
		tracer_idle()
	fi
}

#if defined(M_notify_sticky_acked_anywhere)
#define ACKS(t)		NOTIFY_MODE(t)
#elif defined(M_notify_forged_ack) || defined(SEED2011)
#define ACKS(t)		(NOTIFY_MODE(t) && LOOKS_STOP(t))
#else
#define ACKS(t)		NOTIFY_TRAP(t)
#endif

/* what PTRACE_GETSIGINFO reads in a STOP trap */
#if defined(M_notify_state_of_the_trap)
#define READS(t)	then[t]
#elif defined(PLAIN) && !defined(M_seize_plain_live_siginfo)
#define READS(t)	(NOTIFY_TRAP(t) -> IN_EFFECT : then[t])
#else
#define READS(t)	IN_EFFECT
#endif

/* the hold of ptrace_ack_notify() */
inline ack(t)
{
	if
	:: ACKS(t) ->
#if defined(M_never_acks)
		skip
#elif defined(M_notify_ack_change_lost)
		jc[t] = jc[t] & ~DEFERRED;
		task_clear_jobctl_pending(t, TRAP_NOTIFY)
#elif defined(SEED2011) || defined(M_notify_no_escape_as_in_2011)
		jc[t] = jc[t] & ~TRAP_NOTIFY
#else
		if
		:: !(jc[t] & DEFERRED) -> task_clear_jobctl_pending(t, TRAP_NOTIFY)
		:: else
		fi
#endif
	:: else
	fi
}

/* PTRACE_GETSIGINFO was a success */
inline was_read(t)
{
	if
	:: trap[t] == T_STOP ->
		view[t] = V_TRAPPED;
		if
		:: rd -> unread[t] = 0
		:: else
		fi
	:: else
	fi;
	rd = 0
}

/* ---- kernel/exit.c ---- */

/* task_stopped_code(): is there a status, if ->exit_code is not 0? */
#if defined(BASELINE) || defined(M_notify_hidden_wait_misses_stop)
#define STOPPED_CODE(t)		((jc[t] & TRACED) && !(jc[t] & LISTENING))
#else
#define STOPPED_CODE(t)		((jc[t] & (TRACED | TRAPPING)) && !(jc[t] & LISTENING))
#endif
/* the look without a lock: is there something to look at closer? */
#if defined(BASELINE) || defined(SEED2011) || defined(NO_FIRST_LOOK)
#define MAYBE_STOPPED(t)	STOPPED_CODE(t)
#else
#define MAYBE_STOPPED(t)	(xc[t] != X_NONE)
#endif
/* WNOHANG and a blocking wait are one until the end of the search */
#if defined(M_notify_waits_wnohang_sleeps) || defined(M_notify_waits_signal_kept_out)
#define WAIT_STOPS_AT(t)	(jc[t] & TRAPPING)
#else
#define WAIT_STOPS_AT(t)	false
#endif
#define REAPABLE(t)	(pt[t] && pc[t] == ZOMBIE && (t != 0 || NTHREADS == 1 || pc[NTHREADS - 1] == GONE))
#define ANY_TRACEE	(pt[0] || pt[NTHREADS - 1])

/* do_wait() goes on to the next tracee */
inline next_tracee()
{
	if
	:: tt + 1 < NTHREADS ->
		tt++;
		tpc = WAIT_LOOK
	:: else ->
		tpc = WAIT_END;
		tt = 0
	fi
}

/* the hold of ptrace_resume() */
inline resume()
{
	jc[tt] = jc[tt] & ~TRACED;
	/* wake_up_state(): no TIF_SIGPENDING */
	if
	:: st[tt] == TASK_TRACED -> st[tt] = RUNNING
	:: else
	fi;
	may[tt] = MAY_RUN;
	view[tt] = V_RUNS;
	status[tt] = 0;
#ifdef WITH_CAUSE
	served[tt] = 0;
#endif
	tpc = REQUEST_END
}

#if defined(M_interrupt_any_state_disturbs)
#define INTERRUPT_WAKES(t)	true
#else
#define INTERRUPT_WAKES(t)	(jc[t] & LISTENING)
#endif
#if defined(M_notify_forged_listen)
#define MAY_LISTEN(t)	LOOKS_STOP(t)
#else
#define MAY_LISTEN(t)	((NOTIFY_MODE(t) && NOTIFY_TRAP(t)) || (!NOTIFY_MODE(t) && LOOKS_STOP(t)))
#endif
#if defined(M_notify_listen_sleeps_on_pending)
#define LISTEN_ENDS(t)	(jc[t] & (NOTIFY_MODE(t) -> TRAP_INTERRUPT : TRAP_NOTIFY))
#elif defined(M_interrupt_any_state_unheard_by_listen)
#define LISTEN_ENDS(t)	(jc[t] & TRAP_NOTIFY)
#else
#define LISTEN_ENDS(t)	((jc[t] & TRAP_NOTIFY) || (NOTIFY_MODE(t) && (jc[t] & TRAP_INTERRUPT)))
#endif
#ifdef ONE_TRACED
#define TRACEABLE	1
#else
#define TRACEABLE	NTHREADS
#endif
#if defined(M_seize_stopped_left_stopped)
#define ATTACH_TRAPS(t)	false
#else
#define ATTACH_TRAPS(t)	(jc[t] & STOPPED)
#endif

/* the beginning of what the tracer does of its own will, to tracee u */
#define WILL(u)	tpc == IDLE && u < TRACEABLE && pt[u]

#define PTRACER_OF(u) \
	/* ptrace_attach(): linked, siglock not taken yet */ \
	:: d_step { \
		tpc == IDLE && u < TRACEABLE && !pt[u] && ALIVE(u) -> \
		MOVED(1); \
		tt = u; \
		pt[u] = PT_FLAGS; \
		tpc = SEIZING; \
		LOG(tracer, ptrace_attach, PTRACE_SEIZE, u) \
	   } \
	/* any request that needs a trapped tracee */ \
	:: d_step { \
		WILL(u) && pc[u] != ZOMBIE -> \
		MOVED(1); \
		tt = u; \
		freeze() \
	   } \
	:: d_step { \
		WILL(u) && pc[u] != ZOMBIE -> \
		MOVED(1); \
		tt = u; \
		task_set_jobctl_pending(u, TRAP_INTERRUPT); \
		if \
		:: ok_ -> \
			interrupt[u] = 1; \
			ptrace_signal_wake_up(u, INTERRUPT_WAKES(u)) \
		:: else \
		fi; \
		tpc = REQUEST_END; \
		LOG(tracer, ptrace_interrupt, none, u) \
	   }

proctype ptracer()
{
	do
	PTRACER_OF(0)
#if NTHREADS == 2
	PTRACER_OF(1)
#endif
	/* ptrace_set_stopped() */
	:: d_step {
		tpc == SEIZING ->
		MOVED(0);
		if
		:: ATTACH_TRAPS(tt) ->
			task_set_jobctl_pending(tt, TRAP_STOP | TRAPPING);
			if
			:: ok_ ->
				jc[tt] = jc[tt] & ~STOPPED;
				signal_wake_up_state(tt, false, true);
				may[tt] = HELD;
				status[tt] = 1
			:: else
			fi
		:: else
#ifdef M_seize_quiet_traps
			-> task_set_jobctl_pending(tt, TRAP_STOP);
			signal_wake_up_state(tt, false, false)
#endif
		fi;
#ifdef M_seize_stopped_no_wait
		tracer_idle();
#else
		tpc = ATTACH_BIT;
#endif
		LOG(tracer, ptrace_set_stopped, PTRACE_SEIZE, tt)
	   }
	/* wait_on_bit(): goes to sleep */
	:: d_step {
		(tpc == ATTACH_BIT || tpc == CHECK_BIT || tpc == WAIT_BIT) && tsl != ON_BIT &&
			(jc[tt] & TRAPPING) ->
		MOVED(0);
		tsl = ON_BIT;
		LOG(tracer, wait_on_bit, sleeps, tt)
	   }
	/* wait_on_bit(): the bit is clear */
	:: d_step {
		tpc == ATTACH_BIT && tsl == AWAKE && !(jc[tt] & TRAPPING) ->
		MOVED(0);
		tracer_idle()
	   }
	:: d_step {
		tpc == CHECK_BIT && tsl == AWAKE && !(jc[tt] & TRAPPING) ->
		MOVED(0);
		freeze()
	   }
	/* PTRACE_GETSIGINFO: the hold of ptrace_getsiginfo() */
	:: d_step {
		tpc == REQUEST && pc[tt] != NOTIFYING ->
		MOVED(0);
		CHECK(no_warning, trap[tt] == T_STOP && NOTIFY_MODE(tt) && IN_EFFECT && !(jc[tt] & SIGNR), tt);
		CHECK(notify_state, trap[tt] == T_STOP && NOTIFY_MODE(tt) && !NOTIFY_TRAP(tt), tt);
		CHECK(notify_state, trap[tt] == T_STOP && NOTIFY_MODE(tt) &&
				    READS(tt) != IN_EFFECT, tt);
#ifdef PLAIN
		told = (trap[tt] == T_STOP && READS(tt));
#endif
		rd = 1;
#if defined(SEED2011) || defined(M_notify_ack_before_the_copy)
		ack(tt);
#endif
		tpc = READ;
		LOG(tracer, ptrace_getsiginfo, PTRACE_GETSIGINFO, tt)
	   }
	/* it is copied out and acknowledged */
	:: d_step {
		tpc == READ ->
		MOVED(0);
#if !defined(SEED2011) && !defined(M_notify_ack_before_the_copy)
		ack(tt);
#endif
		CHECK(notify_ack, NOTIFY_MODE(tt) && trap[tt] == T_STOP && rd &&
				  !(jc[tt] & DEFERRED) && (jc[tt] & TRAP_NOTIFY), tt);
		was_read(tt);
#ifdef PLAIN
		told = 0;
#endif
		tpc = REQUEST_END;
		LOG(tracer, ptrace_ack_notify, success, tt)
	   }
	/* the copy faults: nothing but ptrace_unfreeze_traced() follows. So ends as well
	   any other request that neither resumes nor changes anything. */
	:: d_step {
		tpc == READ ->
		MOVED(0);
		rd = 0;
#ifdef PLAIN
		told = 0;
#endif
		tpc = REQUEST_END;
		LOG(tracer, copy_siginfo_to_user, EFAULT, tt)
	   }
	/* ptrace_resume() */
	:: d_step {
		tpc == REQUEST && pc[tt] != NOTIFYING ->
		MOVED(0);
		xc[tt] = X_NONE;
		resume();
		LOG(tracer, ptrace_resume, PTRACE_CONT, tt)
	   }
	:: d_step {
		tpc == REQUEST && pc[tt] != NOTIFYING && trap[tt] == T_SIGNAL ->
		MOVED(0);
		xc[tt] = X_STOP;
		resume();
		LOG(tracer, ptrace_resume, SIGSTOP, tt)
	   }
	:: d_step {
		tpc == REQUEST && pc[tt] != NOTIFYING && trap[tt] == T_SIGNAL ->
		MOVED(0);
		xc[tt] = X_OTHER;
		resume();
		LOG(tracer, ptrace_resume, SIGUSR1, tt)
	   }
	/* PTRACE_LISTEN */
	:: d_step {
		tpc == REQUEST && pc[tt] != NOTIFYING && MAY_LISTEN(tt) ->
		MOVED(0);
		CHECK(notify_listen, NOTIFY_MODE(tt) && trap[tt] != T_STOP, tt);
		jc[tt] = jc[tt] | LISTENING;
		view[tt] = V_RUNS;
		status[tt] = 0;
		if
		:: LISTEN_ENDS(tt) -> ptrace_signal_wake_up(tt, true)
		:: else
		fi;
		tpc = REQUEST_END;
		LOG(tracer, ptrace_listen, none, tt)
	   }
#ifdef WITH_FORGE
	:: d_step {
		tpc == REQUEST && pc[tt] != NOTIFYING ->
		MOVED(0);
		forged[tt] = !forged[tt];
		tpc = REQUEST_END;
		LOG(tracer, ptrace_setsiginfo, none, tt)
	   }
#endif
	/* PTRACE_DETACH writes ->exit_code, siglock not taken yet. ptrace_trap_notify()
	   may read it. */
	:: d_step {
		tpc == REQUEST && pc[tt] != NOTIFYING ->
		MOVED(0);
		xc[tt] = X_NONE;
		tpc = DETACHES;
		LOG(tracer, ptrace_detach, PTRACE_DETACH, tt)
	   }
	/* with a signal */
	:: d_step {
		tpc == REQUEST && pc[tt] != NOTIFYING && trap[tt] == T_SIGNAL ->
		MOVED(0);
		xc[tt] = X_STOP;
		tpc = DETACHES;
		LOG(tracer, ptrace_detach, SIGSTOP, tt)
	   }
	:: d_step {
		tpc == REQUEST && pc[tt] != NOTIFYING && trap[tt] == T_SIGNAL ->
		MOVED(0);
		xc[tt] = X_OTHER;
		tpc = DETACHES;
		LOG(tracer, ptrace_detach, SIGUSR1, tt)
	   }
	/* __ptrace_unlink(); no ptrace_unfreeze_traced() follows */
	:: d_step {
		tpc == DETACHES ->
		MOVED(0);
		ptrace_unlink(tt);
		LOG(tracer, ptrace_unlink_, none, tt);
		tracer_idle()
	   }
	/* the end of every other request, and of PTRACE_INTERRUPT */
	:: d_step {
		tpc == REQUEST_END ->
		MOVED(0);
		ptrace_unfreeze_traced_(tt);
		LOG(tracer, ptrace_unfreeze_traced, none, tt);
		tracer_idle()
	   }

	/* do_wait() for any tracee: on the wait queue first, then look */
	:: d_step {
		tpc == IDLE && ANY_TRACEE ->
		MOVED(1);
		tpc = WAIT_LOOK;
		tsl = ON_WAIT;
		LOG(tracer, do_wait_begins, none, 0)
	   }
	:: d_step {
		tpc == WAIT_LOOK && REAPABLE(tt) ->
		MOVED(0);
		pt[tt] = 0;
		pc[tt] = GONE;
		LOG(tracer, wait_task_zombie, none, tt);
		tracer_idle()
	   }
	/* wait_task_stopped(): the look without a lock */
	:: d_step {
		tpc == WAIT_LOOK && !REAPABLE(tt) ->
		MOVED(0);
		if
		:: pt[tt] && WAIT_STOPS_AT(tt) ->
			tsl = AWAKE;
			tpc = WAIT_BIT;
			LOG(tracer, wait_task_stopped, sleeps, tt)
		:: pt[tt] && !WAIT_STOPS_AT(tt) && MAYBE_STOPPED(tt) ->
			tpc = WAIT_LOCK;
			LOG(tracer, wait_task_stopped, looks_closer, tt)
		:: else ->
			LOG(tracer, wait_task_stopped, no_status, tt);
			CHECK(notify_hidden, pt[tt] && status[tt] && !DIES(tt), tt);
			next_tracee()
		fi
	   }
	/* wait_task_stopped(): with siglock */
	:: d_step {
		tpc == WAIT_LOCK ->
		MOVED(0);
		if
		:: STOPPED_CODE(tt) && xc[tt] ->
			xc[tt] = X_NONE;
			status[tt] = 0;
			view[tt] = V_TOLD;
			LOG(tracer, wait_task_stopped, status_reaped, tt);
			tracer_idle()
		:: else ->
			LOG(tracer, wait_task_stopped, no_status, tt);
			CHECK(notify_hidden, status[tt] && !DIES(tt), tt);
			next_tracee()
		fi
	   }
	/* the same with WNOWAIT: the status stays */
	:: d_step {
		tpc == WAIT_LOCK && STOPPED_CODE(tt) && xc[tt] ->
		MOVED(0);
#ifdef M_seize_plain_waited_by_wnowait
		xc[tt] = X_NONE;
#endif
		if
		:: view[tt] == V_RUNS -> view[tt] = V_TRAPPED
		:: else
		fi;
		LOG(tracer, wait_task_stopped, WNOWAIT, tt);
		tracer_idle()
	   }
	/* the tracee has arrived: search again */
	:: d_step {
		tpc == WAIT_BIT && tsl == AWAKE && !(jc[tt] & TRAPPING) ->
		MOVED(0);
		tt = 0;
		tsl = ON_WAIT;
		tpc = WAIT_LOOK
	   }
	/* WNOHANG */
	:: d_step {
		tpc == WAIT_END ->
		MOVED(0);
		LOG(tracer, do_wait_sleeps, WNOHANG, tt);
		tracer_idle()
	   }
	:: d_step {
		tpc == WAIT_END ->
		MOVED(0);
		tpc = WAIT_SLEEP;
		LOG(tracer, do_wait_sleeps, none, tt)
	   }
	:: d_step {
		tpc == WAIT_SLEEP && tsl == AWAKE ->
		MOVED(0);
		tsl = ON_WAIT;
		tpc = WAIT_LOOK
	   }

	/* A signal for the tracer, where it is interruptible. What it did is restarted, or
	   not: the next thing that it does may be the same. */
	:: d_step {
		tpc == CHECK_BIT ->
		MOVED(1);
		LOG(tracer, wait_on_bit, ERESTARTNOINTR, tt);
		tracer_idle()
	   }
	:: d_step {
		tpc == WAIT_SLEEP ->
		MOVED(1);
		LOG(tracer, do_wait_sleeps, EINTR, tt);
		tracer_idle()
	   }

	/* SIGKILL for the tracer, where it is killable; exit_ptrace(), a hold for each
	   tracee. Another tracer may come after it: the next PTRACE_SEIZE. */
	:: d_step {
		(tpc == IDLE && ANY_TRACEE) || tpc == ATTACH_BIT || tpc == CHECK_BIT ||
			tpc == WAIT_BIT || tpc == WAIT_SLEEP ->
		MOVED(1);
		tt = 0;
		tsl = AWAKE;
		tpc = DYING
	   }
	:: d_step {
		tpc == DYING ->
		MOVED(0);
		if
		:: pt[tt] ->
			ptrace_unlink(tt);
			LOG(tracer, exit_ptrace, none, tt)
		:: else
		fi;
		if
		:: tt + 1 < NTHREADS -> tt++
		:: else -> tracer_idle()
		fi
	   }
	od
}

/* ---- who sends signals ---- */

#if defined(M_notify_hidden_takes_signals) || defined(BASELINE)
#define BUSY(t)		(jc[t] & (STOPPED | TRACED))
#else
#define BUSY(t)		((jc[t] & (STOPPED | TRACED)) || RETRAPPING(t))
#endif
/* wants_signal(): who has a signal pending may be chosen, too: it makes no difference */
#define WANTS(t)	(ALIVE(t) && !BUSY(t))

#if defined(M_notify_change_not_of_the_end)
#define END_NOTIFIES(t)	!NOTIFY_MODE(t)
#else
#define END_NOTIFIES(t)	true
#endif

/* complete_signal() wakes u for a signal in the shared queue */
#define SENDS_TO(u) \
	:: d_step { \
		!group_exit && !pend_stop && WANTS(u) -> \
		MOVED(1); \
		CHECK(notify_hidden, RETRAPPING(u) && may[u] == HELD, u); \
		pend_stop = 1; \
		signal_wake_up_state(u, false, false); \
		LOG(sender, complete_signal, SIGSTOP, u) \
	   }
#define SENDS_OTHER_TO(u) \
	:: d_step { \
		!group_exit && !pend_other && WANTS(u) -> \
		MOVED(1); \
		CHECK(notify_hidden, RETRAPPING(u) && may[u] == HELD, u); \
		pend_other = 1; \
		signal_wake_up_state(u, false, false); \
		LOG(sender, complete_signal, SIGUSR1, u) \
	   }
#define NOBODY_WANTS	(!WANTS(0) && !WANTS(NTHREADS - 1) && (ALIVE(0) || ALIVE(NTHREADS - 1)))

proctype senders()
{
	do
	SENDS_TO(0)
#if NTHREADS == 2
	SENDS_TO(1)
#endif
	:: d_step {
		!group_exit && !pend_stop && NOBODY_WANTS ->
		MOVED(1);
		pend_stop = 1;
		LOG(sender, complete_signal, SIGSTOP, 0)
	   }
#ifdef WITH_OTHER
	SENDS_OTHER_TO(0)
#if NTHREADS == 2
	SENDS_OTHER_TO(1)
#endif
	:: d_step {
		!group_exit && !pend_other && NOBODY_WANTS ->
		MOVED(1);
		pend_other = 1;
		LOG(sender, complete_signal, SIGUSR1, 0)
	   }
#endif
	/* prepare_signal(SIGCONT); that the signal itself is queued is SENDS_OTHER_TO */
	:: d_step {
		!group_exit ->
		MOVED(1);
		pend_stop = 0;
		cont_ = 0;
		do
		:: cont_ < NTHREADS && ALIVE(cont_) ->
			task_clear_jobctl_pending(cont_, STOP_PENDING);
			if
			:: !pt[cont_] ->
				jc[cont_] = jc[cont_] & ~STOPPED;
				if
				:: st[cont_] == TASK_STOPPED -> st[cont_] = RUNNING
				:: else
				fi
			:: pt[cont_] && END_NOTIFIES(cont_) ->
				ptrace_trap_notify(cont_);
				note_news(cont_)
			:: else
			fi;
			cont_++
		:: cont_ < NTHREADS && !ALIVE(cont_) -> cont_++
		:: cont_ >= NTHREADS -> break
		od;
		if
		:: IN_EFFECT ->
			state_changed();
			sig_cld = 1;
			sig_stopped = 0;
#ifdef WITH_EXEC
			dropped = 0;
#endif
			count = 0
		:: else
		fi;
		LOG(sender, prepare_signal, SIGCONT, 0);
#if NTHREADS == 2
		LOG(sender, prepare_signal, SIGCONT, 1)
#endif
	   }
	/* complete_signal(SIGKILL) */
	:: d_step {
		!group_exit && (ALIVE(0) || ALIVE(NTHREADS - 1)) ->
		MOVED(1);
		group_exit = 1;
#ifdef WITH_EXEC
		dropped = 0;
#endif
		sig_stopped = 0;
		sig_cld = 0;
		count = 0;
		cont_ = 0;
		do
		:: cont_ < NTHREADS && pc[cont_] < ZOMBIE ->
			task_clear_jobctl_pending(cont_, PENDING_MASK);
			fatal[cont_] = 1;
			signal_wake_up_fatal(cont_);
			cont_++
		:: cont_ < NTHREADS && pc[cont_] >= ZOMBIE -> cont_++
		:: cont_ >= NTHREADS -> break
		od;
		LOG(killer, complete_signal, SIGKILL, 0);
#if NTHREADS == 2
		LOG(killer, complete_signal, SIGKILL, 1)
#endif
	   }
	/* all are dead: the one state that need not go on, any other is a deadlock */
	:: d_step { pc[0] >= ZOMBIE && pc[NTHREADS - 1] >= ZOMBIE -> MOVED(1) }
	od
}

/* ---- what must not be, in any state ---- */

#define ASLEEP(t)	((pc[t] == SCHEDULE && st[t] == TASK_TRACED) || \
			 (pc[t] == SLEEPS && st[t] == TASK_STOPPED))
#define RUNS_USER(t)	(pc[t] == USER && !tif[t])
#define IN_REQUEST(t)	(tt == t && (tpc == REQUEST || tpc == READ || tpc == REQUEST_END || \
			 tpc == DETACHES))
#define IN_TRAP(t, k)	(pc[t] == SCHEDULE && st[t] == TASK_TRACED && trap[t] == k)

#define NEVER(p, bad, t) \
	:: d_step { WANTED(p) && (bad) -> \
		printf("EV %e %e %e %d %d %d %d %d\n", VIOLATED, p, none, t, \
		       jc[t], st[t], tif[t], pt[t]); \
		assert(false) }

/* A user instruction while the tracer has it trapped. */
#define NO_ESCAPE(t)	(RUNS_USER(t) && pt[t] && may[t] != MAY_RUN)
/* A user instruction although the tracer was not told of a change. */
#define UNTOLD(t)	(RUNS_USER(t) && NOTIFY_MODE(t) && unread[t])
/* A user instruction before the trap that PTRACE_INTERRUPT asked for. */
#define UNTRAPPED(t)	(RUNS_USER(t) && pt[t] && interrupt[t])
/* It sleeps in its STOP trap; the tracer has read, or waits, and never hears of a change. */
#define UNHEARD(t)	(IN_TRAP(t, T_STOP) && NOTIFY_MODE(t) && unread[t] && !xc[t] && \
			 !IN_REQUEST(t) && !(jc[t] & LISTENING) && view[t] != V_TOLD && !fatal[t])
/* It listens, and sleeps over a notification or an interrupt. */
#define DEAF(t)		(IN_TRAP(t, T_STOP) && NOTIFY_MODE(t) && (jc[t] & LISTENING) && \
			 (unread[t] || interrupt[t]) && !IN_REQUEST(t) && !fatal[t])
/* No one is on the way to clear TRAPPING. */
#define STUCK(t)	((jc[t] & TRAPPING) && ((ASLEEP(t) && !(jc[t] & FROZEN)) || \
			 RUNS_USER(t) || pc[t] >= ZOMBIE))
/* Something is left behind by a tracer that is gone. */
#define LEFT(t)		(!pt[t] && ALIVE(t) && (jc[t] & (TRAP_MASK | TRAPPING)))
/* Without a tracer, and not as the group stop state says. */
#define ASTRAY(t)	(!pt[t] && (IN_TRAP(t, trap[t]) || (RUNS_USER(t) && IN_EFFECT && !group_exec && !DROPPED) || \
			 (pc[t] == SLEEPS && st[t] == TASK_STOPPED && !IN_EFFECT)))
/* A status, and neither a trap nor a way to a re-trap that it could be of. */
#define STATUS_LEFT(t)	(xc[t] && pc[t] != NOTIFYING && pc[t] != SCHEDULE && !(jc[t] & TRAPPING))
/* Notified, and nothing has happened since it was seized, or since that was read. */
#define TOLD_AGAIN(t)	(NOTIFY_MODE(t) && (jc[t] & TRAP_NOTIFY) && !news[t])
/* Traced, and asleep where no request reaches it. */
#define UNTRACED(t)	(pt[t] && pc[t] == SLEEPS && st[t] == TASK_STOPPED && \
			 !(tt == t && tpc == SEIZING))
/* Killed, and sleeps on. */
#define UNKILLED(t)	(fatal[t] && ASLEEP(t) && !(jc[t] & FROZEN))
/* Frozen for a request that is over: SIGKILL would not wake it. */
#define FORGOTTEN(t)	((jc[t] & FROZEN) && ASLEEP(t) && !IN_REQUEST(t))
/* Not put although a request is being served. */
#define DISTURBED(t)	(tt == t && (tpc == REQUEST || tpc == READ || tpc == DETACHES) && \
			 st[t] != TASK_TRACED)
/* The tracer sleeps, and what it sleeps for is there. */
#define MISSED_BIT(t)	(tt == t && tsl == ON_BIT && !(jc[t] & TRAPPING))
#define MISSED_WAIT(t)	(tpc == WAIT_SLEEP && tsl == ON_WAIT && REAPABLE(t))
/* A wait sleeps, and there is a status that it would report. */
#define BESIDE(t)	(tpc == WAIT_SLEEP && tsl == ON_WAIT && pt[t] && status[t] && \
			 pc[t] != NOTIFYING && !DIES(t))
/* A wait sleeps for the tracee alone. */
#define WAITS_ON_BIT(t)	(tt == t && tpc == WAIT_BIT && tsl == ON_BIT)
/* What is for notify mode alone. */
#define NOT_PLAIN(t)	(pt[t] == PT_SEIZED && (jc[t] & DEFERRED))
/* Seized in notify mode, and it has ended without a detach. */
#define LEFT_MODE(t)	(pt[t] && pt[t] != (PT_FLAGS))
#ifdef WITH_CAUSE
/* PTRACE_GETEVENTMSG tells of an interrupt that was not, or not of one that was, or of a
   system call, or not of a change that the tracer has to read. */
#define MISCAUSED(t)	(IN_TRAP(t, T_STOP) && NOTIFY_MODE(t) && !IN_REQUEST(t) && !fatal[t] && \
			 (((message[t] & CAUSE_INTERRUPT) != 0) != served[t] || \
			  (message[t] & (MESSAGE_ENTRY | MESSAGE_EXIT)) || \
			  !(message[t] & (CAUSE_GROUP | CAUSE_NOTIFY | CAUSE_INTERRUPT)) || \
			  (unread[t] && !(message[t] & CAUSE_NOTIFY))))
#else
#define MISCAUSED(t)	false
#endif

#define NEVER_OF(t) \
	NEVER(notify_no_escape, NO_ESCAPE(t), t) \
	NEVER(notify_sticky, UNTOLD(t), t) \
	NEVER(interrupt_any_state, UNTRAPPED(t), t) \
	NEVER(notify_merge, UNHEARD(t), t) \
	NEVER(notify_listen, DEAF(t), t) \
	NEVER(notify_waits, BESIDE(t) || WAITS_ON_BIT(t), t) \
	NEVER(end_detach, STUCK(t) || LEFT(t) || ASTRAY(t) || (STATUS_LEFT(t) && !DIES(t)), t) \
	NEVER(seize_stopped, UNTRACED(t) || TOLD_AGAIN(t), t) \
	NEVER(end_kill, UNKILLED(t) || FORGOTTEN(t) || (STATUS_LEFT(t) && DIES(t)), t) \
	NEVER(notify_deferred, DISTURBED(t), t) \
	NEVER(lost_wakeup, MISSED_BIT(t) || MISSED_WAIT(t), t) \
	NEVER(seize_plain, NOT_PLAIN(t), t) \
	NEVER(end_exec, LEFT_MODE(t), t) \
	NEVER(notify_cause, MISCAUSED(t), t)

proctype watch()
{
	do
	NEVER_OF(0)
#if NTHREADS == 2
	NEVER_OF(1)
#endif
#ifdef RECORD_SET
	/* the kernel without the series has no such state */
	:: d_step { true -> c_code [ !unknown() ] { record(); } }
#endif
	od
}

#ifdef LIVE
/* Left alone, all come to rest: no one re-traps, wakes up or looks again for ever. */
ltl comes_to_rest { !(<>[](moved == 0)) }
#endif

init
{
	d_step {
		i_ = 0;
		do
		:: i_ < NTHREADS ->
			may[i_] = MAY_RUN;
			i_++
		:: else -> break
		od;
		i_ = 0
	};
	atomic {
		run thread(0);
#if NTHREADS == 2
		run thread(1);
#endif
		run ptracer();
		run senders();
		run watch()
	}
}
