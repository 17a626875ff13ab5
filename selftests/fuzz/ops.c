// SPDX-License-Identifier: GPL-2.0
/*
 * The operations, and sequences of them as text.
 */
#include "fuzz.h"

static const struct {
	const char *name;
	int args;
} op_info[NR_OPS] = {
	[OP_NEW] = { "new", 1 },		/* enum prog, NEW_* */
	[OP_SEIZE] = { "seize", 2 },	/* data, addr */
	[OP_ATTACH] = { "attach", 0 },
	[OP_INT] = { "int", 0 },
	[OP_LISTEN] = { "listen", 0 },
	[OP_CONT] = { "cont", 1 },	/* data */
	[OP_SYSC] = { "syscall", 1 },
	[OP_STEP] = { "step", 1 },
	[OP_DETACH] = { "detach", 1 },
	[OP_PKILL] = { "pkill", 0 },
	[OP_GETSI] = { "getsi", 1 },	/* pointer, enum ptr_kind */
	[OP_SETSI] = { "setsi", 2 },	/* pointer, index of forged_code[] */
	[OP_MSG] = { "msg", 1 },		/* pointer */
	[OP_SETOPT] = { "setopt", 1 },	/* data */
	[OP_PEEK] = { "peek", 2 },	/* address good (0) or bad, pointer */
	[OP_POKE] = { "poke", 1 },	/* address good (0) or bad */
	[OP_REGS] = { "regs", 2 },	/* type good (0) or bad, pointer to the iovec */
	[OP_GMASK] = { "gmask", 2 },	/* size, pointer */
	[OP_SMASK] = { "smask", 2 },
	[OP_PEEKSI] = { "peeksi", 3 },	/* flags, nr, pointer to the arguments */
	[OP_SCINFO] = { "scinfo", 2 },	/* size, pointer */
	[OP_MISC] = { "misc", 1 },	/* index of misc[] */
	[OP_KILL] = { "kill", 1 },	/* signal to the process, */
	[OP_TKILL] = { "tkill", 1 },	/* the tracee, */
	[OP_MKILL] = { "mkill", 1 },	/* the mate */
	[OP_WAIT] = { "wait", 1 },	/* enum wait_kind */
	[OP_AWAIT] = { "await", 0 },	/* sleep in wait4() if a status has to come */
	[OP_CMD] = { "cmd", 1 },		/* enum cmd for the tracee to execute */
	[OP_ASYNC] = { "async", 2 },	/* signals a byte each, target << 6; gap */
	[OP_JOIN] = { "join", 0 },	/* all of these are sent */
	[OP_ALIEN] = { "alien", 2 },	/* request, data: from another thread */
	[OP_YIELD] = { "yield", 0 },
};

const struct misc misc[NR_MISC] = {
	{ 10, 0, 0, { EIO }, 0 },
	{ 0x7fff, 0, 0, { EIO }, 0 },
	{ 0x42ff, ~0UL, ~0UL, { EIO }, 0 },
	{ 0x7fffffff, 0, 0, { EIO }, 0 },
	{ 0x420c, 0, 0, { EINVAL, EACCES, EIO, ENOENT }, 0 },	/* SECCOMP_GET_FILTER */
	{ 0x420c, ~0UL, 0, { EINVAL, EACCES, EIO, ENOENT }, 0 },
	{ 0x420d, 0, 0, { EINVAL, EACCES, EIO }, 0 },		/* SECCOMP_GET_METADATA */
	{ 0x420d, 16, 0, { EINVAL, EACCES, EIO, EFAULT }, 0 },
	{ 0x420f, 0, 0, { EIO, EFAULT }, ANY_SIZE },		/* GET_RSEQ_CONFIGURATION */
	{ 0x420f, 24, 0, { EIO, EFAULT }, 0 },
	{ 0x4211, 0, 0, { EIO, EINVAL }, 0 },	/* GET_SYSCALL_USER_DISPATCH_CONFIG */
	{ PTRACE_GETREGSET, 0x7777, 0, { EFAULT, EINVAL, EIO }, 0 },
	{ PTRACE_PEEKUSER, 3, 0, { EIO, EFAULT, EINVAL }, ANY_SIZE },
	{ PTRACE_PEEKUSER, 0x7ffffff8, 0, { EIO, EFAULT, EINVAL }, ANY_SIZE },
};

void op_text(const struct op *op, char *buf, size_t size)
{
	const unsigned long arg[] = { op->a, op->b, op->c };
	int i, len = snprintf(buf, size, "%s", op_info[op->code].name);

	for (i = 0; i < op_info[op->code].args; i++)
		len += snprintf(buf + len, size - len, arg[i] > 64 ? ":%#lx" : ":%lu", arg[i]);
}

/* Operations up to @n of @seq in one line of @buf. */
void seq_text(const struct seq *seq, int n, char *buf, size_t size)
{
	size_t len = 0;
	char word[96];
	int i;

	buf[0] = '\0';
	for (i = 0; i < n && i < seq->n; i++) {
		op_text(&seq->op[i], word, sizeof(word));
		if (len + strlen(word) + 2 > size)
			break;
		len += sprintf(buf + len, "%s%s", i ? " " : "", word);
	}
}

/* Read @line into @seq. Returns NULL or the word that is wrong. */
const char *seq_parse(struct seq *seq, char *line)
{
	char *save, *word, *p;
	unsigned long arg[3];
	int i, n;

	seq->n = 0;
	for (word = strtok_r(line, " \t\n", &save); word;
	     word = strtok_r(NULL, " \t\n", &save)) {
		struct op *op = &seq->op[seq->n];

		if (word[0] == '#')
			break;
		if (seq->n++ == MAX_OPS)
			return "too long";
		memset(arg, 0, sizeof(arg));
		p = strchrnul(word, ':');
		for (i = 0; i < NR_OPS; i++) {
			if (strlen(op_info[i].name) == (size_t)(p - word) &&
			    !strncmp(op_info[i].name, word, p - word))
				break;
		}
		if (i == NR_OPS)
			return word;
		for (n = 0; *p == ':' && n < op_info[i].args; n++)
			arg[n] = strtoul(p + 1, &p, 0);
		if (*p || n != op_info[i].args)
			return word;
		*op = (struct op){ i, arg[0], arg[1], arg[2] };
	}
	return NULL;
}

