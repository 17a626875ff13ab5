// SPDX-License-Identifier: GPL-2.0
/*
 * What is printed, apart from the results.
 */
#include "fuzz.h"

#include <stdarg.h>

void say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	printf("# ");
	vprintf(fmt, ap);
	printf("\n");
	fflush(stdout);
	va_end(ap);
}

void print_set(const char *what, struct set *set)
{
	char buf[640];
	int i;

	say("  %s: %d%s", what, set->n, set->full ? " and more" : "");
	for (i = 0; i < set->n && i < 12; i++)
		say("    %s", st_text(&set->s[i], buf, sizeof(buf)));
}

/* Report a failure of @w at its current operation. @in: the states before, or NULL. */
void report(struct worker *w, enum failure which, struct set *in, const struct ans *a,
		   const char *what)
{
	static const int errors[] = {
		EPERM, ESRCH, EIO, ECHILD, EFAULT, EINVAL, EACCES, ENOENT,
	};
	static char line[LINE_MAX_LEN];
	const struct op *op = &w->seq.op[w->at];
	struct ans try;
	unsigned int i;
	char word[96];
	int at;

	w->failed = true;
	pthread_mutex_lock(&report_lock);
	if (failures[which]++ >= MAX_FAILURES) {
		pthread_mutex_unlock(&report_lock);
		return;
	}
	op_text(op, word, sizeof(word));
	say("%s: %s: '%s', operation %d of:", failure_names[which], what, word, w->at);
	seq_text(&w->seq, w->at + 1, line, sizeof(line));
	say("  sequence: %s", line);
	line[0] = '\0';
	for (at = w->at > 24 ? w->at - 24 : 0; at <= w->at; at++) {
		op_text(&w->seq.op[at], word, sizeof(word));
		sprintf(line + strlen(line), " %s=%ld", word, w->log[at].ret);
		if (w->log[at].val)
			sprintf(line + strlen(line), "/%#lx", w->log[at].val);
	}
	say("  last answers:%s", line);
	if (a) {
		say("  answer: %ld, %s, value %#lx, siginfo signo %d code %#x status %d pid %d (tracee %d, tracee's count %lu, was %lu)",
		    a->ret, a->ret < 0 ? strerror(a->err) : "ok", a->val, a->si.si_signo,
		    a->si.si_code, a->si.si_status, a->si.si_pid, w->ctx.pid,
		    w->page->count, w->count);
	}
	if (w->ctx.pid > 0) {
		say("  state of the tracee: %c, of the mate: %c",
		    task_state(w->ctx.pid) ?: '-',
		    w->ctx.mate ? task_state(w->page->mate) ?: '-' : '-');
	}
	if (in && a) {
		print_set("states before", in);
		for (i = 0; i < 2 + sizeof(errors) / sizeof(errors[0]); i++) {
			memset(&try, 0, sizeof(try));
			try.any = true;
			if (i < 2) {
				try.ret = i;
			} else {
				try.ret = -1;
				try.err = errors[i - 2];
			}
			set_clear(&w->set[2]);
			react(in, op, &try, &w->set[3], &w->set[2]);
			if (w->set[2].n)
				say("  allowed: %s", i == 0 ? "0" : i == 1 ? "> 0" :
				    strerror(errors[i - 2]));
		}
	}
	pthread_mutex_unlock(&report_lock);
}

