// SPDX-License-Identifier: GPL-2.0
/*
 * A worker: a thread that traces. It does the operations of a sequence and holds each
 * answer against the model.
 */
#include "fuzz.h"

#include <elf.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/uio.h>

static void busy(struct worker *w, bool on)
{
	/* the time would take a system call in the guest */
	__atomic_store_n(&w->beat, ((w->beat + 1) | 1) + !on, __ATOMIC_RELAXED);
}

/*
 * A request, whose kernel and libc sides are the same: @a->ret and @a->err are what
 * the kernel says.
 */
void do_ptrace(pid_t pid, struct ans *a, unsigned long request, unsigned long addr,
		      unsigned long data)
{
	a->ret = sys_ptrace(request, pid, addr, (void *)data);
	a->err = a->ret < 0 ? errno : 0;
}

/* Give the helper a job: what is in ->send[] or ->alien_op. */
static void helper_start(struct worker *w)
{
	__atomic_store_n(&w->job, w->job + 1, __ATOMIC_RELEASE);
	syscall(SYS_futex, &w->job, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void helper_join(struct worker *w)
{
	int done;

	while ((done = __atomic_load_n(&w->done, __ATOMIC_ACQUIRE)) != w->job)
		syscall(SYS_futex, &w->done, FUTEX_WAIT_PRIVATE, done, NULL, NULL, 0);
}

int send_to(struct worker *w, int sig, int target)
{
	if (target == TO_PROCESS)
		return kill(w->ctx.pid, sig);
	return syscall(SYS_tgkill, w->ctx.pid,
		       target == TO_MATE ? w->page->mate : w->ctx.pid, sig);
}

void *helper_main(void *arg)
{
	struct worker *w = arg;
	int i, job;
	volatile unsigned long spin;

	for (;;) {
		while ((job = __atomic_load_n(&w->job, __ATOMIC_ACQUIRE)) == w->done)
			syscall(SYS_futex, &w->job, FUTEX_WAIT_PRIVATE, job, NULL, NULL, 0);
		if (w->alien) {
			memset(&w->alien_ans, 0, sizeof(w->alien_ans));
			do_ptrace(w->ctx.pid, &w->alien_ans, w->alien_op.a, 0, w->alien_op.b);
		} else {
			for (i = 0; i < w->sends; i++) {
				for (spin = w->gap; spin; spin--)
					;
				send_to(w, w->send[i].sig, w->send[i].target);
			}
		}
		__atomic_store_n(&w->done, job, __ATOMIC_RELEASE);
		syscall(SYS_futex, &w->done, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	}
	return NULL;
}

/* Where enum ptr_kind points to, for an object of @size bytes. */
static char *ptr_of(struct worker *w, int kind, size_t size)
{
	const long page = getpagesize();

	switch (kind) {
	case P_NULL:
		return NULL;
	case P_CROSS_BAD:
		return w->ptrs + 2 * page - (size > 4 ? size / 2 : 1);
	case P_RO:
		return w->ptrs + 3 * page;
	case P_KERNEL:
		return (char *)-4096L;
	case P_CROSS_GOOD:
		return w->ptrs + page - (size > 4 ? size / 2 : 1);
	default:
		return w->ptrs + 128;
	}
}

/* Whether the kernel can write to it; it can read from P_RO as well. */
bool ptr_writes(int kind)
{
	return kind == P_GOOD || kind == P_CROSS_GOOD;
}

bool ptr_reads(int kind)
{
	return ptr_writes(kind) || kind == P_RO;
}

/* Wait as @kind says. @a->ret: pid or 0, @a->val: status as that of wait4(). */
static void do_wait(struct worker *w, struct ans *a, int kind, bool block)
{
	int status = 0, options = __WALL | WNOHANG;
	siginfo_t si = { 0 };

	if (kind >= W_PEEK) {
		options = __WALL | WNOHANG | WNOWAIT | WSTOPPED;
		if (kind == W_PEEK)
			options |= WEXITED;
		a->ret = waitid(P_PID, w->ctx.pid, &si, options);
		a->err = a->ret < 0 ? errno : 0;
		if (a->ret)
			return;
		a->ret = si.si_pid;
		if (si.si_code == CLD_EXITED)
			a->val = si.si_status << 8;
		else if (si.si_code == CLD_KILLED)
			a->val = si.si_status;
		else if (si.si_pid)
			a->val = si.si_status << 8 | 0x7f;
		return;
	}
	if (kind >= W_UNTRACED)
		options |= WUNTRACED;
	if (kind == W_CONTINUED)
		options |= WCONTINUED;
	if (block)
		options &= ~WNOHANG;
	a->ret = wait4(w->ctx.pid, &status, options, NULL);
	a->err = a->ret < 0 ? errno : 0;
	a->val = status;
}

bool is_request(int code)
{
	return (code >= OP_SEIZE && code <= OP_MISC) || code == OP_ALIEN;
}

/* The requests that have no address, and an argument of the operation as data, or 0. */
static const long plain_requests[NR_OPS] = {
	[OP_ATTACH] = PTRACE_ATTACH,
	[OP_INT] = PTRACE_INTERRUPT,
	[OP_LISTEN] = PTRACE_LISTEN,
	[OP_CONT] = PTRACE_CONT,
	[OP_SYSC] = PTRACE_SYSCALL,
	[OP_STEP] = PTRACE_SINGLESTEP,
	[OP_DETACH] = PTRACE_DETACH,
	[OP_PKILL] = PTRACE_KILL,
	[OP_SETOPT] = PTRACE_SETOPTIONS,
};

/* Make the request, or whatever @op is. */
static void execute(struct worker *w, const struct op *op, struct ans *a)
{
	const pid_t pid = w->ctx.pid;
	struct __ptrace_peeksiginfo_args *args;
	unsigned long mask = 0;
	struct iovec *iov;
	char *p;

	switch (op->code) {
	case OP_SEIZE:
		do_ptrace(pid, a, PTRACE_SEIZE, op->b, op->a);
		break;
	case OP_GETSI:
		p = ptr_of(w, op->a, sizeof(siginfo_t));
		if (ptr_writes(op->a))
			memset(p, 0x5a, sizeof(siginfo_t));
		do_ptrace(pid, a, PTRACE_GETSIGINFO, 0, (unsigned long)p);
		if (ptr_writes(op->a))
			memcpy(&a->si, p, sizeof(siginfo_t));
		break;
	case OP_SETSI:
		/* the rest is not read if its head tells that there is nothing in it */
		p = ptr_of(w, op->a, 32);
		if (ptr_writes(op->a)) {
			siginfo_t new = { .si_signo = SIGTRAP };

			new.si_code = forged_code[op->b];
			memcpy(p, &new, sizeof(new));
		}
		do_ptrace(pid, a, PTRACE_SETSIGINFO, 0, (unsigned long)p);
		break;
	case OP_MSG:
		p = ptr_of(w, op->a, sizeof(long));
		do_ptrace(pid, a, PTRACE_GETEVENTMSG, 0, (unsigned long)p);
		if (ptr_writes(op->a))
			memcpy(&a->val, p, sizeof(long));
		break;
	case OP_PEEK:
		p = ptr_of(w, op->b, sizeof(long));
		do_ptrace(pid, a, PTRACE_PEEKDATA, op->a ? 8 : (unsigned long)w->page->scratch,
			  (unsigned long)p);
		if (!op->a && ptr_writes(op->b) && !a->ret)
			a->val = !memcmp(p, w->page->scratch, sizeof(long));
		break;
	case OP_POKE:
		mask = rnd(w);
		do_ptrace(pid, a, PTRACE_POKEDATA, op->a ? 8 : (unsigned long)w->page->scratch,
			  mask);
		if (!op->a && !a->ret)
			a->val = w->page->scratch[0] == mask;
		break;
	case OP_REGS:
		p = ptr_of(w, op->b, sizeof(*iov));
		if (ptr_writes(op->b)) {
			struct iovec good = { w->ptrs + 1024, 1024 };

			memcpy(p, &good, sizeof(good));
		}
		do_ptrace(pid, a, PTRACE_GETREGSET, op->a ? 0x7777 : NT_PRSTATUS,
			  (unsigned long)p);
		break;
	case OP_GMASK:
		p = ptr_of(w, op->b, 8);
		do_ptrace(pid, a, PTRACE_GETSIGMASK, op->a, (unsigned long)p);
		if (ptr_writes(op->b) && !a->ret) {
			const __u64 want = w->ctx.blocked & B_CONT ?
					      1ULL << (SIGCONT - 1) : 0;
			__u64 got;

			memcpy(&got, p, 8);
			/* words of the mask are longs */
			a->val = got == want || got == want << 32;
		}
		break;
	case OP_SMASK:
		p = ptr_of(w, op->b, 8);
		if (ptr_writes(op->b)) {
			/* the mask that it has already: the model has no other */
			sigset_t set;

			sigemptyset(&set);
			if (w->ctx.blocked & B_CONT)
				sigaddset(&set, SIGCONT);
			memcpy(p, &set, 8);
		}
		do_ptrace(pid, a, PTRACE_SETSIGMASK, op->a, (unsigned long)p);
		break;
	case OP_PEEKSI:
		p = ptr_of(w, op->c, sizeof(*args));
		if (ptr_writes(op->c)) {
			struct __ptrace_peeksiginfo_args new = { 0, op->a, op->b };

			memcpy(p, &new, sizeof(new));
		}
		do_ptrace(pid, a, PTRACE_PEEKSIGINFO, (unsigned long)p,
			  (unsigned long)(w->ptrs + 1024));
		break;
	case OP_SCINFO:
		/* 24 bytes at least are written, if that many are asked for */
		p = ptr_of(w, op->b, 16);
		do_ptrace(pid, a, PTRACE_GET_SYSCALL_INFO, op->a, (unsigned long)p);
		break;
	case OP_MISC:
		do_ptrace(pid, a, misc[op->a].request, misc[op->a].addr, misc[op->a].data);
		break;
	case OP_KILL:
	case OP_TKILL:
	case OP_MKILL:
		a->ret = send_to(w, op->a, op->code - OP_KILL);
		a->err = a->ret < 0 ? errno : 0;
		break;
	case OP_WAIT:
		do_wait(w, a, op->a, false);
		break;
	default:
		if (plain_requests[op->code])
			do_ptrace(pid, a, plain_requests[op->code], 0, op->a);
		break;
	}
}

/*
 * The tracee's counter tells if it has been in user space since we last looked. Remove
 * the states of w->set[0], which is closed, that disagree.
 */
static void look_at_count(struct worker *w, const struct ans *a, struct set *before)
{
	const unsigned long count = __atomic_load_n(&w->page->count, __ATOMIC_RELAXED);
	struct set *set = &w->set[0], *out = &w->set[2];
	struct st s;
	int i;

	if (count == w->count && set->n == 1 && !set->s[0].ran)
		return;
	set_clear(out);
	for (i = 0; i < set->n; i++) {
		s = set->s[i];
		if (count != w->count && !s.ran)
			continue;
		/* one that is killed runs until it is told */
		if (s.phase != PH_FREE && s.phase != PH_DYING)
			s.ran = 0;
		set_add(out, s);
	}
	if (!out->n) {
		report(w, F_ESCAPE, before, a, "tracee has been in user space");
		print_set("states after", set);
		return;
	}
	w->count = count;
	set_copy(set, out);
}

/* Does every state of w->set[0] lead to something that wait4() reports? */
static bool must_report(struct worker *w)
{
	struct set *set = &w->set[0];
	int i;

	for (i = 0; i < set->n; i++) {
		if (!must_move(&set->s[i]) && !reportable(&set->s[i]))
			return false;
	}
	return true;
}

/* Kill the tracee, whatever it is in, and reap it. */
static void end_tracee(struct worker *w)
{
	int status;

	if (w->ctx.env_n)
		helper_join(w);
	w->ctx.env_n = 0;
	if (w->ctx.pid <= 0)
		return;
	busy(w, true);
	kill(w->ctx.pid, SIGKILL);
	/*
	 * SIGKILL does not end an exit trap: resume it. With a forged siginfo a plain
	 * tracee can even be listening there.
	 */
	sys_ptrace(PTRACE_INTERRUPT, w->ctx.pid, 0, NULL);
	sys_ptrace(PTRACE_CONT, w->ctx.pid, 0, NULL);
	while (wait4(w->ctx.pid, &status, __WALL, NULL) == w->ctx.pid && WIFSTOPPED(status))
		sys_ptrace(PTRACE_CONT, w->ctx.pid, 0, NULL);
	busy(w, false);
	w->ctx.pid = 0;
	__atomic_store_n(&w->pid, 0, __ATOMIC_RELAXED);
}

static void new_tracee(struct worker *w, unsigned long how)
{
	const long long deadline = now_ms() + HANG_MS;
	struct page *page = w->page;
	struct st s;
	pid_t pid;

	end_tracee(w);
	page->count = 0;
	page->cmd = CMD_NONE;
	page->ready = 0;
	page->mate = 0;
	page->how = how;
	w->ctx.prog = how & NEW_PROG;
	w->ctx.mate = how & NEW_MATE;
	w->ctx.blocked = how & NEW_BLOCK_CONT ? B_CONT : 0;
	ctx = &w->ctx;

	__atomic_store_n(&page->wanted, page->wanted + 1, __ATOMIC_RELEASE);
	syscall(SYS_futex, &page->wanted, FUTEX_WAKE, 1, NULL, NULL, 0);
	while (__atomic_load_n(&page->born, __ATOMIC_ACQUIRE) != page->wanted ||
	       (page->pid > 0 && !__atomic_load_n(&page->ready, __ATOMIC_ACQUIRE))) {
		if (now_ms() > deadline) {
			say("tracee does not start");
			exit(1);
		}
		sched_yield();
	}
	pid = page->pid;
	if (pid < 0) {
		say("no new tracee");
		exit(1);
	}
	w->ctx.pid = pid;
	w->count = __atomic_load_n(&w->page->count, __ATOMIC_RELAXED);
	__atomic_store_n(&w->pid, pid, __ATOMIC_RELAXED);

	memset(&s, 0, sizeof(s));
	s.phase = PH_FREE;
	s.hdl = 1;
	s.ran = 1;
	set_clear(&w->set[0]);
	set_add(&w->set[0], s);
	w->known = true;
}

/* Give w->set[0] the helper's signals, that of OP_ASYNC. */
static void start_async(struct worker *w, const struct op *op)
{
	unsigned long rest = op->a;
	int n;

	for (n = 0; n < 4 && rest; rest >>= 8, n++) {
		w->send[n].sig = rest & 0x3f;
		w->send[n].target = (rest >> 6) & 3;
		w->ctx.env[n].sig = w->send[n].sig;
		w->ctx.env[n].target = w->send[n].target;
	}
	w->sends = n;
	w->ctx.env_n = n;
	w->gap = op->b;
	w->alien = false;
	helper_start(w);
}

/* Drop the states in which an attach has not returned yet. */
static void drop_trapping(struct set *set, struct set *out)
{
	int i;

	set_clear(out);
	for (i = 0; i < set->n; i++) {
		if (!set->s[i].trapping)
			set_add(out, set->s[i]);
	}
	set_copy(set, out);
}

/* Whether all states of w->set[0] are such that an alien can do no harm. */
static bool alien_is_safe(struct worker *w, const struct op *op)
{
	struct set *set = &w->set[0];
	int i;

	if (op->a != PTRACE_SEIZE && op->a != PTRACE_ATTACH)
		return true;
	if (op->a == PTRACE_SEIZE && (op->b & ~(option_mask | PTRACE_SEIZE_DEVEL)))
		return true;
	for (i = 0; i < set->n; i++) {
		if (set->s[i].mode == MODE_NONE && set->s[i].phase < PH_ZOMBIE)
			return false;
	}
	return true;
}

static bool give_cmd(struct worker *w, int cmd)
{
	struct set *set = &w->set[0], *out = &w->set[1];
	struct st s;
	int i;

	/* one at a time, and only to those who look at it */
	if (w->ctx.prog == PROG_PAUSE || w->ctx.mate)
		return true;
	for (i = 0; i < set->n; i++) {
		if (set->s[i].cmd || !set->s[i].hdl)
			return true;
	}
	__atomic_store_n(&w->page->cmd, cmd, __ATOMIC_RELEASE);
	set_clear(out);
	for (i = 0; i < set->n; i++) {
		s = set->s[i];
		if (s.phase < PH_DYING)
			s.cmd = cmd;
		set_add(out, s);
	}
	set_copy(set, out);
	return true;
}

/* Do operation w->at. Returns false if the sequence can't go on. */
static bool step(struct worker *w)
{
	const struct op *op = &w->seq.op[w->at];
	struct set *cur = &w->set[0], *out = &w->set[1];
	struct ans a = { 0 };
	bool block = false;

	if (op->code == OP_NEW) {
		new_tracee(w, op->a);
		return true;
	}
	if (w->ctx.pid <= 0)
		return true;

	switch (op->code) {
	case OP_CMD:
		return give_cmd(w, op->a);
	case OP_YIELD:
		sched_yield();
		return true;
	case OP_ASYNC:
		if (!w->ctx.env_n && op->a)
			start_async(w, op);
		return true;
	case OP_JOIN:
		if (!w->ctx.env_n)
			return true;
		busy(w, true);
		helper_join(w);
		busy(w, false);
		break;
	case OP_MKILL:
		if (!w->ctx.mate)
			return true;
		break;
	case OP_ALIEN:
		if (w->ctx.env_n || !alien_is_safe(w, op))
			return true;
		break;
	case OP_SEIZE:
	case OP_ATTACH:
		/* the helper may have killed the tracee, and its pid be another's */
		break;
	default:
		break;
	}

	closure(cur);
	if (cur->full) {
		w->lost++;
		w->known = false;
		return false;
	}

	busy(w, true);
	if (op->code == OP_AWAIT) {
		block = must_report(w);
		do_wait(w, &a, W_PLAIN, block);
	} else if (op->code == OP_ALIEN) {
		w->alien = true;
		w->alien_op = *op;
		helper_start(w);
		helper_join(w);
		a = w->alien_ans;
	} else {
		execute(w, op, &a);
	}
	busy(w, false);
	w->log[w->at].ret = a.ret < 0 ? -a.err : a.ret;
	w->log[w->at].val = a.val;
	if (is_request(op->code))
		w->requests++;

	set_clear(out);
	react(cur, op, &a, &w->set[3], out);
	if (!out->n && !out->full) {
		report(w, op->code == OP_ALIEN ? F_ALIEN : F_ANSWER, cur, &a, "not allowed");
		return false;
	}
	if (op->code == OP_JOIN)
		w->ctx.env_n = 0;
	cover(w, cur, op, &a);

	/* swap, and what may have followed on its own */
	closure(out);
	if (!out->full && (op->code == OP_SEIZE || op->code == OP_ATTACH) && !a.ret)
		drop_trapping(out, &w->set[2]);
	if (out->full) {
		w->lost++;
		w->known = false;
		return false;
	}
	if (!out->n) {
		report(w, F_ANSWER, cur, &a, "returned without a trap");
		return false;
	}
	set_copy(cur, out);
	look_at_count(w, &a, NULL);
	if (verbose) {
		char word[96];

		op_text(op, word, sizeof(word));
		say("%d: %s%s -> %ld %s %#lx", w->slot, word, block ? " (has to come)" : "",
		    a.ret, a.ret < 0 ? strerror(a.err) : "", a.val);
		print_set("then", cur);
	}
	return !w->failed;
}

/* Run w->seq. */
void run_seq(struct worker *w)
{
	w->failed = false;
	memset(w->log, 0, sizeof(w->log));
	w->fresh = 0;
	w->news = 0;
	w->known = false;
	for (w->at = 0; w->at < w->seq.n; w->at++) {
		if (!step(w))
			break;
	}
	end_tracee(w);
	w->sequences++;
}

